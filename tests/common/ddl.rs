//! Random DDL: statements of every sort that an engine knows, over a few names.

#![allow(dead_code, reason = "each test binary uses a part of it")]

/// Numbers that look like any, the same in each run.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    pub fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

/// DDL of every sort that the engine knows; many fail, which is as good.
pub fn statement(dice: &mut Dice, templates: &[&str]) -> String {
    let mut text = dice.pick(templates).to_owned();
    for mark in ["{t}", "{u}"] {
        text = text.replace(mark, dice.pick(&["alpha", "beta", "gamma", "Delta", "\"Eps ilon\""]));
    }
    for mark in ["{c}", "{d}"] {
        text = text.replace(mark, dice.pick(&["a", "b", "c"]));
    }
    text.replace("{n}", &dice.roll(3).to_string())
}

pub const EVERYWHERE: &[&str] = &[
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

pub const POSTGRES: &[&str] = &[
    "DROP INDEX i{n}",
    "DROP TABLE {t} CASCADE",
    "ALTER TABLE {t} DROP COLUMN {c} CASCADE",
    "ALTER TABLE {t} ALTER COLUMN {c} TYPE text, ALTER COLUMN {d} SET DEFAULT '5'",
    "ALTER TABLE {t} ALTER COLUMN {c} SET NOT NULL",
    "ALTER TABLE {t} ALTER COLUMN {c} DROP NOT NULL",
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

pub const MYSQL: &[&str] = &[
    "DROP INDEX i{n} ON {t}",
    "ALTER TABLE {t} MODIFY COLUMN {c} bigint NOT NULL DEFAULT 5",
    "ALTER TABLE {t} MODIFY COLUMN {c} bigint DEFAULT 5",
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

/// What MariaDB has otherwise.
pub const ONLY_MYSQL: &[&str] = &[
    "ALTER TABLE {t} ALTER COLUMN {c} SET INVISIBLE",
    "ALTER TABLE {t} ALTER INDEX i{n} INVISIBLE",
    "CREATE INDEX i{n} ON {t} (({c} + {n}))",
    "ALTER TABLE {t} ALTER CHECK k{n} NOT ENFORCED",
];

pub const SQLITE: &[&str] = &[
    "DROP INDEX i{n}",
    "CREATE TABLE {t} (\"A\" integer PRIMARY KEY, b DEFAULT \"a\", c REFERENCES {u})",
    "CREATE TRIGGER g{n} AFTER INSERT ON {t} BEGIN DELETE FROM {u}; END",
    "DROP TRIGGER g{n}",
    "CREATE VIRTUAL TABLE f{n} USING fts5(a)",
    "DROP TABLE f{n}",
    "PRAGMA user_version = {n}",
];
