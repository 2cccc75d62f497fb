//! What a script can have touched is read again, the rest stands as it was: equal to a whole reading, whatever the script is.

use switchback::blind;
use switchback::snapshot::Snapshot;
use switchback::sql::Script;
use switchback::touch::Touch;

#[path = "rows/home.rs"]
#[allow(dead_code, reason = "rows are made elsewhere")]
mod home;

use home::{Home, home};

/// Numbers that look like any, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

/// DDL of every sort that the engine knows; many fail, which is as good.
fn statement(dice: &mut Dice, templates: &[&str]) -> String {
    let mut text = dice.pick(templates).to_owned();
    for mark in ["{t}", "{u}"] {
        text = text.replace(mark, dice.pick(&["alpha", "beta", "gamma", "Delta", "\"Eps ilon\""]));
    }
    for mark in ["{c}", "{d}"] {
        text = text.replace(mark, dice.pick(&["a", "b", "c"]));
    }
    text.replace("{n}", &dice.roll(3).to_string())
}

const EVERYWHERE: &[&str] = &[
    "CREATE TABLE {t} (id integer PRIMARY KEY, a varchar(20), b integer)",
    "CREATE TABLE {t} (id integer PRIMARY KEY, {c} integer REFERENCES {u} ON DELETE CASCADE)",
    "CREATE TABLE IF NOT EXISTS {t} (id integer PRIMARY KEY, c integer CHECK (c > {n}))",
    "DROP TABLE {t}",
    "ALTER TABLE {t} ADD COLUMN {c} varchar(1{n})",
    "ALTER TABLE {t} DROP COLUMN {c}",
    "ALTER TABLE {t} RENAME COLUMN {c} TO {d}",
    "ALTER TABLE {t} RENAME TO {u}",
    "CREATE INDEX i{n} ON {t} ({c})",
    "CREATE UNIQUE INDEX i{n} ON {t} ({c}, {d})",
    "CREATE VIEW v{n} AS SELECT {c} FROM {t}",
    "CREATE VIEW v{n} AS SELECT * FROM {t}",
    "DROP VIEW v{n}",
    "INSERT INTO {t} ({c}) VALUES (1)",
    "DELETE FROM {t}",
];

const POSTGRES: &[&str] = &[
    "DROP INDEX i{n}",
    "DROP TABLE {t} CASCADE",
    "ALTER TABLE {t} DROP COLUMN {c} CASCADE",
    "ALTER TABLE {t} ALTER COLUMN {c} TYPE text, ALTER COLUMN {d} SET DEFAULT '5'",
    "ALTER TABLE {t} ALTER COLUMN {c} SET NOT NULL",
    "ALTER TABLE {t} ADD CONSTRAINT k{n} UNIQUE ({c})",
    "ALTER TABLE {t} DROP CONSTRAINT k{n}",
    "ALTER TABLE {t} ADD COLUMN s{n} serial",
    "ALTER TABLE {t} DROP COLUMN s{n}",
    "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {t} ADD CONSTRAINT f{n} FOREIGN KEY (b) REFERENCES {u}",
    "COMMENT ON TABLE {t} IS 'it is {n}'",
    "COMMENT ON COLUMN {t}.{c} IS 'it is {n}'",
    "COMMENT ON INDEX i{n} IS 'it is'",
    "CREATE TYPE e{n} AS ENUM ('x')",
    "ALTER TYPE e{n} ADD VALUE IF NOT EXISTS 'y'",
    "DROP TYPE e{n} CASCADE",
    "ALTER TABLE {t} ADD COLUMN d e{n}",
    "CREATE OR REPLACE FUNCTION f{n}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN GRANT SELECT ON ALL TABLES IN SCHEMA public TO pg_monitor; CREATE TABLE IF NOT EXISTS made{n} (a int); RETURN NULL; END'",
    "CREATE TRIGGER g{n} AFTER INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION f{n}()",
    "DROP TRIGGER g{n} ON {t}",
    "DROP FUNCTION f{n} CASCADE",
    "GRANT SELECT ON {t} TO pg_monitor",
    "GRANT SELECT ({c}) ON {t} TO pg_monitor",
    "REVOKE ALL ON {t} FROM pg_monitor",
    "CREATE SCHEMA s{n}",
    "ALTER TABLE {t} SET SCHEMA s{n}",
    "CREATE TABLE s{n}.{t} (a int)",
    "DROP SCHEMA s{n} CASCADE",
    "CREATE TABLE p{n} (a int) PARTITION BY RANGE (a)",
    "CREATE TABLE q{n} PARTITION OF p{n} DEFAULT",
    "DROP TABLE p{n}",
    "CREATE SEQUENCE z{n}",
    "ALTER SEQUENCE z{n} INCREMENT 5",
    "CREATE POLICY y{n} ON {t} USING (true)",
    "DROP POLICY y{n} ON {t}",
    "CREATE STATISTICS x{n} ON a, b FROM {t}",
    "DO $$ BEGIN EXECUTE 'CREATE TABLE made{n} (a int)'; END $$",
    "CREATE MATERIALIZED VIEW m{n} AS SELECT * FROM {t}",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor",
    "CREATE TABLE c{n} (LIKE {t} INCLUDING ALL) INHERITS ({u})",
];

const MYSQL: &[&str] = &[
    "DROP INDEX i{n} ON {t}",
    "ALTER TABLE {t} MODIFY COLUMN {c} bigint NOT NULL DEFAULT 5",
    "ALTER TABLE {t} CHANGE COLUMN {c} {d} text",
    "ALTER TABLE {t} ADD CONSTRAINT f{n} FOREIGN KEY (b) REFERENCES {u} (id)",
    "ALTER TABLE {t} DROP FOREIGN KEY f{n}",
    "ALTER TABLE {t} COMMENT 'it is {n}'",
    "ALTER TABLE {t} ADD CONSTRAINT k{n} CHECK (b > {n})",
    "CREATE OR REPLACE VIEW v{n} AS SELECT x.id FROM {t} AS x",
    "CREATE TABLE {t} LIKE {u}",
    "CREATE TABLE {t} AS SELECT 1 AS a",
    "RENAME TABLE {t} TO {u}",
    "CREATE TRIGGER g{n} BEFORE INSERT ON {t} FOR EACH ROW SET NEW.{c} = NULL",
    "DROP TRIGGER g{n}",
    "CREATE PROCEDURE r{n}() CREATE TABLE IF NOT EXISTS made{n} (a int)",
    "CALL r{n}()",
    "DROP PROCEDURE r{n}",
    "TRUNCATE {t}",
];

const SQLITE: &[&str] = &[
    "DROP INDEX i{n}",
    "CREATE TABLE {t} (\"A\" integer PRIMARY KEY, b DEFAULT \"a\", c REFERENCES {u})",
    "CREATE TRIGGER g{n} AFTER INSERT ON {t} BEGIN DELETE FROM {u}; END",
    "DROP TRIGGER g{n}",
    "CREATE VIRTUAL TABLE f{n} USING fts5(a)",
    "DROP TABLE f{n}",
    "PRAGMA user_version = {n}",
];

/// Runs scripts of a few statements, and reads the schema behind each in both ways. Gives how many were read, and how many of
/// these differ from the one before.
async fn walk(home: &mut Home, own: &[&str], steps: usize) -> (usize, usize) {
    let dialect = home.engine.dialect();
    let templates: Vec<&str> = EVERYWHERE.iter().chain(own).copied().collect();
    let mut dice = Dice(7);
    let mut before = home.engine.snapshot(&mut *home.session).await.unwrap();
    let (mut read, mut changed) = (0, 0);
    for _ in 0..steps {
        let statements: Vec<String> = (0..=dice.roll(2)).map(|_| statement(&mut dice, &templates)).collect();
        let statements: Vec<String> = match dialect.name {
            "mysql" => statements.iter().map(|text| text.replace('"', "`")).collect(),
            _ => statements,
        };
        if dialect.transactional {
            home.session.batch(&[dialect.sql.begin, dialect.sql.mark].concat()).await.unwrap();
        }
        let mut ran = Vec::new();
        for text in &statements {
            match home.session.run(text).await {
                Ok(_) => ran.push(text.as_str()),
                Err(_) if dialect.transactional => break,
                Err(_) => {}
            }
        }
        let is_whole = ran.len() == statements.len() || !dialect.transactional;
        if is_whole {
            let text = match dialect.name {
                "mysql" => format!("DELIMITER $$\n{}$$\n", statements.join("$$\n")),
                _ => format!("{};\n", statements.join(";\n")),
            };
            let touch = Touch::of(&Script::parse("up.sql", 1, text.as_bytes(), dialect.flavor));
            let again = home.engine.snapshot_again(&mut *home.session, &before, &touch).await.unwrap();
            let whole = home.engine.snapshot(&mut *home.session).await.unwrap();
            let lines = |one: &Snapshot| one.lines().cloned().collect::<std::collections::BTreeSet<_>>();
            let (one, other) = (lines(&again), lines(&whole));
            let apart: Vec<_> = one.symmetric_difference(&other).collect();
            assert!(apart.is_empty(), "{text}\n{touch:?}\n{apart:#?}");
            assert_eq!((&again, again.weak_digest()), (&whole, whole.weak_digest()), "{text}");
            (read, changed) = (read + 1, changed + usize::from(again != before));
            let stays = !dialect.transactional || dice.roll(4) > 0;
            if stays {
                before = again;
            }
            if dialect.transactional {
                home.session.batch(if stays { "COMMIT" } else { "ROLLBACK" }).await.unwrap();
            }
        } else {
            home.session.batch("ROLLBACK").await.unwrap();
        }
    }
    (read, changed)
}

/// Runs statements where rows stand and where none do. One that is blind to rows does the same in both, and one that is settled
/// ends in the same schema wherever it ends. Gives how many were of each sort.
async fn side_by_side(full: &mut Home, empty: &mut Home, own: &[&str], steps: usize) -> (usize, usize) {
    let dialect = full.engine.dialect();
    let is_ddl = |text: &&str| !["INSERT", "DELETE", "CALL", "DO"].iter().any(|word| text.starts_with(word));
    let templates: Vec<&str> = EVERYWHERE.iter().chain(own).copied().filter(is_ddl).collect();
    let mut dice = Dice(11);
    let (mut blind, mut settled) = (0, 0);
    for _ in 0..steps {
        let text = statement(&mut dice, &templates);
        let text = if dialect.name == "mysql" { text.replace('"', "`") } else { text };
        let script = Script::parse("up.sql", 1, text.as_bytes(), dialect.flavor);
        let tables = full.tables().await;
        let (is_blind, is_settled) = (blind::is_blind(&script, &tables), blind::is_settled(&script));
        let over_rows = full.session.run(&text).await;
        if over_rows.is_err() && !is_blind {
            continue;
        }
        let over_none = empty.session.run(&text).await;
        assert!(over_rows.is_ok() == over_none.is_ok(), "{text}\n{over_rows:?}\n{over_none:?}");
        if over_rows.is_ok() {
            let mut schemas = Vec::new();
            for home in [&mut *full, &mut *empty] {
                let schema = home.engine.snapshot(&mut *home.session).await.unwrap();
                schemas.push(schema.lines().cloned().collect::<std::collections::BTreeSet<_>>());
            }
            assert!(!is_settled || schemas[0] == schemas[1], "{text}");
            full.fill(&[]).await;
            let _ = full.session.batch("COMMIT").await;
        }
        (blind, settled) = (blind + usize::from(is_blind), settled + usize::from(is_settled && over_rows.is_ok()));
    }
    (blind, settled)
}

#[tokio::test]
async fn rows_change_nothing_where_the_text_says_so() {
    for (scheme, own) in [("postgres", POSTGRES), ("mysql", MYSQL), ("sqlite", SQLITE)] {
        home(scheme, async |full| {
            home(scheme, async |empty| {
                let (blind, settled) = side_by_side(full, empty, own, 400).await;
                assert!(blind > 60 && settled > 40, "{scheme}: {blind} {settled}");
            })
            .await;
        })
        .await;
    }
}

#[tokio::test]
async fn postgres_reads_again_what_was_touched() {
    home("postgres", async |home| {
        let (read, changed) = walk(home, POSTGRES, 3000).await;
        assert!(read > 200 && changed > 150, "{read} {changed}");
    })
    .await;
}

#[tokio::test]
async fn mysql_reads_again_what_was_touched() {
    home("mysql", async |home| {
        let (read, changed) = walk(home, MYSQL, 500).await;
        assert!(read > 200 && changed > 150, "{read} {changed}");
    })
    .await;
}

#[tokio::test]
async fn sqlite_reads_again_what_was_touched() {
    home("sqlite", async |home| {
        let (read, changed) = walk(home, SQLITE, 1500).await;
        assert!(read > 200 && changed > 150, "{read} {changed}");
    })
    .await;
}
