//! Drafted downs: what is written is proven, what is not proven is not written, and nothing of a person's is lost.

mod common;

use common::{Kind, Sandbox};

/// What stands before the up that is drafted for.
const BASE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, Name TEXT NOT NULL, mail VARCHAR(40) UNIQUE);\n\
    CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER REFERENCES users (id), n INTEGER DEFAULT 5 CHECK (n > 0));\n\
    CREATE INDEX posts_user ON posts (user_id);\n\
    CREATE VIEW named AS SELECT Name FROM users;\n\
    CREATE TRIGGER counted AFTER INSERT ON posts BEGIN UPDATE users SET Name = Name WHERE id = new.user_id; END;\n";

/// The same with what PostgreSQL has beside it.
const POSTGRES: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok');\n\
    CREATE DOMAIN short AS varchar(9) DEFAULT 'x' CHECK (VALUE <> '');\n\
    CREATE SEQUENCE counter START 5 INCREMENT 2;\n\
    CREATE TABLE users (id integer PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'nobody', mail text UNIQUE, m mood DEFAULT 'ok', size integer);\n\
    CREATE TABLE posts (id serial PRIMARY KEY, user_id integer REFERENCES users ON DELETE CASCADE, n integer DEFAULT 5 CHECK (n > 0));\n\
    CREATE INDEX posts_user ON posts (user_id) WHERE n > 1;\n\
    CREATE VIEW named AS SELECT name FROM users;\n\
    CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM posts;\n\
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;\n\
    CREATE PROCEDURE nothing() LANGUAGE sql AS 'SELECT 1';\n\
    CREATE TRIGGER touched BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION touch();\n\
    CREATE POLICY own ON posts FOR SELECT USING (n > 1);\n\
    COMMENT ON TABLE users IS 'who';\nCOMMENT ON COLUMN users.name IS 'it''s';\n\
    GRANT SELECT ON users TO PUBLIC;\n";

#[test]
fn each_kind_of_change_gets_a_proven_way_back_on_postgres() {
    let cases = [
        (
            "CREATE TABLE t (a integer PRIMARY KEY, b text NOT NULL DEFAULT 'x', c integer GENERATED ALWAYS AS IDENTITY);",
            "exact",
        ),
        ("CREATE TABLE p (a integer PRIMARY KEY); CREATE TABLE c (a integer REFERENCES p);", "exact"),
        ("ALTER TABLE users ADD COLUMN age integer; CREATE INDEX by_age ON users (age);", "exact"),
        ("ALTER TABLE users ALTER COLUMN mail TYPE varchar(90);", "exact"),
        ("ALTER TABLE users ALTER COLUMN name DROP NOT NULL;", "exact"),
        ("ALTER TABLE users ALTER COLUMN name DROP DEFAULT, ALTER COLUMN mail SET DEFAULT 'm';", "exact"),
        ("ALTER TABLE users ADD CONSTRAINT long CHECK (length(name) > 0);", "exact"),
        ("DROP INDEX posts_user;", "exact"),
        ("CREATE OR REPLACE VIEW named AS SELECT name, mail FROM users;", "exact"),
        ("DROP VIEW named; DROP MATERIALIZED VIEW counts;", "exact"),
        ("CREATE VIEW w AS SELECT * FROM named;", "exact"),
        (
            "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;",
            "exact",
        ),
        ("DROP TRIGGER touched ON posts; DROP FUNCTION touch();", "exact"),
        ("ALTER TABLE posts DISABLE TRIGGER touched;", "exact"),
        ("DROP PROCEDURE nothing(); CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a';", "exact"),
        ("ALTER TYPE mood ADD VALUE 'happy';", "exact"),
        ("CREATE TYPE e AS ENUM ('a'); CREATE TYPE pair AS (a integer, b text); CREATE DOMAIN d AS integer;", "exact"),
        ("DROP DOMAIN short; DROP SEQUENCE counter;", "exact"),
        ("ALTER SEQUENCE counter INCREMENT 3;", "exact"),
        ("CREATE SEQUENCE s; CREATE SCHEMA other; CREATE TABLE other.t (a integer);", "exact"),
        ("DROP POLICY own ON posts; ALTER TABLE posts ENABLE ROW LEVEL SECURITY;", "exact"),
        (
            "COMMENT ON TABLE users IS NULL; COMMENT ON COLUMN users.name IS 'other'; COMMENT ON COLUMN users.id IS 'id';",
            "exact",
        ),
        ("REVOKE SELECT ON users FROM PUBLIC; GRANT INSERT ON posts TO PUBLIC;", "exact"),
        ("ALTER TABLE users RENAME TO people;", "exact"),
        ("ALTER TABLE users RENAME COLUMN name TO login;", "exact"),
        (
            "ALTER TABLE users RENAME TO \"The Users\"; ALTER TABLE \"The Users\" RENAME COLUMN mail TO \"E Mail\";",
            "exact",
        ),
        ("ALTER TYPE mood RENAME TO feeling; ALTER TABLE users ADD COLUMN other feeling;", "exact"),
        ("ALTER TABLE posts ALTER COLUMN n SET STATISTICS 100, SET (fillfactor = 70), REPLICA IDENTITY FULL;", "exact"),
        ("ALTER TABLE users ALTER COLUMN name SET STORAGE EXTERNAL;", "exact"),
        ("ALTER SEQUENCE posts_id_seq INCREMENT 3 CYCLE;", "exact"),
        ("ALTER TABLE posts ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE posts_id_seq;", "exact"),
        ("ALTER TABLE users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;", "exact"),
        ("DROP VIEW named; ALTER TABLE users DROP COLUMN name;", "lossy"),
        ("DROP MATERIALIZED VIEW counts; DROP TABLE posts;", "lossy"),
        ("ALTER TABLE users DROP COLUMN m; DROP TYPE mood;", "lossy"),
    ];
    // Most of the time the server writes new databases.
    std::thread::scope(|scope| {
        for part in cases.chunks(8) {
            scope.spawn(move || part.iter().for_each(|(up, verdict)| is_drafted(up, verdict)));
        }
    });
}

fn is_drafted(up: &str, verdict: &str) {
    let object = on_postgres(POSTGRES, up).json(&["draft", "2_next"]);
    assert_eq!(object["verdict"], verdict, "{up}: {object}");
    assert_eq!((&object["proven"], object["written"].is_string()), (&true.into(), true), "{up}: {object}");
}

/// A project on PostgreSQL whose second migration has no down yet.
fn on_postgres(base: &str, up: &str) -> Sandbox {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.write("migrations/1_base/up.sql", base).write("migrations/2_next/up.sql", up);
    sandbox.write("migrations/1_base/down.sql", "DROP OWNED BY CURRENT_USER;\n");
    sandbox
}

#[test]
fn postgres_gets_back_what_it_can_in_the_lightest_way() {
    let base = "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text);\nCREATE INDEX t_a ON t (a);\n\
        CREATE TABLE years (y integer) PARTITION BY RANGE (y);\nCREATE TABLE old PARTITION OF years FOR VALUES FROM (0) TO (10);\n";
    for (up, down) in [
        ("ALTER INDEX t_a RENAME TO t_by_a;", "ALTER INDEX public.t_by_a RENAME TO t_a;\n"),
        (
            "ALTER TABLE t RENAME CONSTRAINT t_pkey TO t_key;",
            "ALTER TABLE public.t RENAME CONSTRAINT t_key TO t_pkey;\n",
        ),
        (
            "ALTER TABLE t ALTER COLUMN id SET GENERATED BY DEFAULT;",
            "ALTER TABLE public.t ALTER COLUMN id SET GENERATED ALWAYS;\n",
        ),
        (
            "ALTER TABLE t ALTER COLUMN id DROP IDENTITY;",
            "ALTER TABLE public.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;\n\
             SELECT setval(pg_get_serial_sequence('public.t', 'id'), greatest(max(id), 0) + 1, false) FROM public.t;\n",
        ),
        ("DROP TABLE old;", "CREATE TABLE public.old PARTITION OF public.years FOR VALUES FROM (0) TO (10);\n"),
        (
            "CREATE TABLE new (y integer); ALTER TABLE years ATTACH PARTITION new FOR VALUES FROM (10) TO (20);",
            "DROP TABLE public.new;\n",
        ),
    ] {
        let sandbox = on_postgres(base, up);
        sandbox.run(&["draft", "2_next"]).ok();
        let text = sandbox.read("migrations/2_next/down.sql");
        let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with("--")).collect();
        assert_eq!(text, down, "{up}");
    }
}

/// Values that a type does not hold: what becomes of them is said. NULL stays NULL.
#[test]
fn values_of_a_wider_type_become_what_fits_on_postgres() {
    for (up, said) in [
        ("ALTER TABLE users ALTER COLUMN size TYPE bigint;", "values of public.users.size beyond integer"),
        (
            "DROP VIEW named; ALTER TABLE users ALTER COLUMN name TYPE text;",
            "values of public.users.name are cut to 40 characters",
        ),
    ] {
        on_postgres(POSTGRES, up).run(&["draft", "2_next"]).ok().says(said);
    }
}

/// What no step mends is left, and nothing is dropped and made again in vain for it.
#[test]
fn a_draft_that_comes_to_nothing_holds_nothing() {
    let up = "ALTER TABLE users ALTER COLUMN m DROP DEFAULT, ALTER COLUMN m TYPE text[] USING ARRAY[m::text];";
    let told = on_postgres(POSTGRES, up).run(&["draft", "2_next"]).exits(1);
    told.says("is not proven").says_not("DROP VIEW").says_not("CREATE VIEW");
}

/// Rows that the schema before the up has no place for came after it: no statement is right for them, and none is guessed.
#[test]
fn what_only_a_deletion_would_make_fit_is_not_drafted() {
    for (table, key) in [("posts", "posts_n_check"), ("posts", "posts_user_id_fkey"), ("users", "users_mail_key")] {
        let sandbox = on_postgres(POSTGRES, &format!("ALTER TABLE {table} DROP CONSTRAINT {key};\n"));
        sandbox.run(&["draft", "2_next"]).exits(1).says("ADD CONSTRAINT").says("is not proven");
        assert!(!sandbox.root().join("migrations/2_next/down.sql").exists());
    }
}

fn based(kind: Kind, up: &str) -> Sandbox {
    let sandbox = Sandbox::new(kind);
    sandbox.write("migrations/1_base/up.sql", BASE).write("migrations/2_next/up.sql", up);
    sandbox.run(&["draft", "1_base"]).ok();
    sandbox
}

#[test]
fn each_kind_of_change_gets_a_proven_way_back() {
    for (up, verdict) in [
        ("CREATE TABLE t (a INTEGER);", "exact"),
        ("CREATE TABLE p (a INTEGER PRIMARY KEY); CREATE TABLE c (a INTEGER REFERENCES p (a));", "exact"),
        ("ALTER TABLE users ADD COLUMN age INTEGER; CREATE INDEX by_age ON users (age);", "exact"),
        ("ALTER TABLE users ADD COLUMN boss INTEGER REFERENCES users (id);", "exact"),
        ("CREATE UNIQUE INDEX one_name ON users (Name);", "exact"),
        ("DROP INDEX posts_user;", "exact"),
        ("DROP INDEX posts_user; CREATE INDEX posts_user ON posts (user_id, n);", "exact"),
        ("CREATE VIEW w AS SELECT * FROM named;", "exact"),
        ("DROP VIEW named; CREATE VIEW named AS SELECT Name, mail FROM users;", "exact"),
        ("DROP VIEW named;", "exact"),
        ("DROP TRIGGER counted;", "exact"),
        ("CREATE TRIGGER other AFTER DELETE ON users BEGIN DELETE FROM posts WHERE user_id = old.id; END;", "exact"),
        ("ALTER TABLE users RENAME TO people;", "exact"),
        ("ALTER TABLE users RENAME COLUMN Name TO login;", "exact"),
        ("ALTER TABLE posts RENAME TO articles; ALTER TABLE articles RENAME COLUMN n TO weight;", "exact"),
        ("CREATE VIRTUAL TABLE notes USING fts5(body);", "exact"),
        ("DROP TABLE posts;", "lossy"),
        ("ALTER TABLE posts DROP COLUMN n;", "lossy"),
        ("DROP VIEW named; DROP TRIGGER counted; ALTER TABLE users DROP COLUMN Name;", "lossy"),
    ] {
        let sandbox = based(Kind::Sqlite, up);
        let told = sandbox.run(&["draft", "2_next"]).ok();
        told.says(verdict);
        let object = sandbox.json(&["verify", "--fresh"]);
        assert_eq!(common::each(&object["migrations"], "/verdict"), ["exact", verdict], "{up}: {object}");
    }
}

/// A table made anew: its type, its NOT NULL, its default, its key, its CHECK.
#[test]
fn a_table_that_was_rebuilt_is_rebuilt_back() {
    let rebuilt = |columns: &str| {
        format!(
            "CREATE TABLE fresh (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER REFERENCES users (id), {columns});\n\
             INSERT INTO fresh (id, user_id, n) SELECT id, user_id, n FROM posts;\n\
             DROP TABLE posts;\nALTER TABLE fresh RENAME TO posts;\n"
        )
    };
    for columns in [
        "n TEXT DEFAULT 5 CHECK (n > 0)",
        "n INTEGER DEFAULT 6 CHECK (n > 0)",
        "n INTEGER DEFAULT 5 UNIQUE CHECK (n > 0)",
    ] {
        let sandbox = based(Kind::Sqlite, &rebuilt(columns));
        sandbox.run(&["draft", "2_next"]);
        let down = sandbox.read("migrations/2_next/down.sql");
        assert!(down.contains("posts__new") && down.contains("CREATE TRIGGER counted"), "{down}");
        let object = sandbox.json(&["verify", "--fresh"]);
        let verdict = object["migrations"][1]["verdict"].as_str().unwrap_or_default();
        assert!(["exact", "lossy"].contains(&verdict), "{columns}: {object}");
    }
}

/// NULLs that came after the up have no place in the schema before it: what becomes of them is said.
#[test]
fn what_is_put_in_the_place_of_newer_values_is_said() {
    let sandbox = based(
        Kind::Sqlite,
        "DROP VIEW named;\nDROP TRIGGER counted;\nCREATE TABLE fresh (id INTEGER PRIMARY KEY, Name TEXT, mail VARCHAR(40) UNIQUE);\n\
         INSERT INTO fresh SELECT id, Name, mail FROM users;\nDROP TABLE users;\nALTER TABLE fresh RENAME TO users;\n\
         CREATE VIEW named AS SELECT Name FROM users;\n",
    );
    sandbox.run(&["draft", "2_next"]).ok().says("users.name: where it is NULL now, '' is put in its place");
    assert!(sandbox.read("migrations/2_next/down.sql").contains("-- - users.name: where it is NULL"));
}

/// What is written into a column that the up adds goes with the column; nothing else of that row does.
#[test]
fn what_an_up_writes_into_its_own_column_is_no_loss() {
    let added = "ALTER TABLE users ADD COLUMN login TEXT;\n";
    let sandbox = based(Kind::Sqlite, &format!("{added}UPDATE users SET login = lower(Name) WHERE Name <> '';\n"));
    let object = sandbox.json(&["draft", "2_next"]);
    assert_eq!((&object["verdict"], &object["lost"]), (&"exact".into(), &serde_json::json!([])), "{object}");
    let sandbox = based(Kind::Sqlite, &format!("{added}UPDATE users SET login = Name, Name = 'x';\n"));
    let object = sandbox.json(&["draft", "2_next"]);
    assert_eq!((&object["verdict"], common::each(&object["lost"], "").len()), (&"lossy".into(), 1), "{object}");
}

#[test]
fn what_is_not_proven_is_shown_and_not_written() {
    let sandbox = based(Kind::Sqlite, "UPDATE users SET Name = 'x';");
    let told = sandbox.run(&["draft", "2_next"]).exits(1);
    told.says("is not proven").says("what this does to rows: UPDATE users SET Name = 'x'");
    assert!(!sandbox.root().join("migrations/2_next/down.sql").exists());
    let object = sandbox.json(&["draft", "2_next"]);
    assert_eq!((&object["proven"], &object["written"]), (&false.into(), &serde_json::Value::Null), "{object}");
}

#[test]
fn a_down_that_does_something_stays_unless_it_is_to_go() {
    let sandbox = based(Kind::Sqlite, "CREATE TABLE t (a INTEGER);");
    let mine = "DROP TABLE IF EXISTS t; -- mine\n";
    sandbox.write("migrations/2_next/down.sql", mine);
    sandbox.run(&["draft", "2_next"]).exits(1).says("has a down already").says("--force");
    sandbox.run(&["draft", "2_next", "--print"]).ok().says("DROP TABLE t;").says("nothing was written");
    assert_eq!(sandbox.read("migrations/2_next/down.sql"), mine);
    sandbox.run(&["draft", "2_next", "--force"]).ok().says("-DROP TABLE IF EXISTS t; -- mine");
    // One that does nothing is none.
    sandbox.write("migrations/2_next/down.sql", "-- not yet\nSELECT 1;\n");
    sandbox.run(&["draft", "2_next"]).ok().says("-SELECT 1;");
    sandbox
        .write("migrations/2_next/migration.toml", "[irreversible]\nreason = \"no\"\n")
        .remove("migrations/2_next/down.sql");
    sandbox.run(&["draft", "2_next"]).exits(1).says("declared irreversible");
}

#[test]
fn a_new_migration_is_made_with_both_ways() {
    let sandbox = based(Kind::Sqlite, "CREATE TABLE t (a INTEGER);");
    sandbox.run(&["draft", "2_next"]).ok();
    sandbox.write("add.sql", "ALTER TABLE t ADD COLUMN b TEXT;\n");
    sandbox.run(&["new", "add b", "--draft-down"]).exits(2).says("--up");
    let told = sandbox.run(&["new", "add b", "--up", "add.sql", "--draft-down"]).ok();
    told.says("up.sql").says("down.sql").says("exact");
    let object = sandbox.json(&["verify"]);
    assert_eq!(common::each(&object["migrations"], "/verdict"), ["exact"; 3], "{object}");
    // An up that fails leaves no files.
    sandbox.write("bad.sql", "ALTER TABLE nowhere ADD COLUMN b TEXT;\n");
    sandbox.run(&["new", "bad", "--up", "bad.sql", "--draft-down"]).exits(1).says("no such table");
    assert_eq!(
        std::fs::read_dir(sandbox.root().join("migrations"))
            .unwrap()
            .filter(|one| { one.as_ref().is_ok_and(|one| one.path().is_dir()) })
            .count(),
        3
    );
}

/// Other tools' files get the down where these tools look for it.
#[test]
fn the_down_stands_where_the_layout_wants_it() {
    let up = "CREATE TABLE t (a INTEGER);\nCREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE a = 1; END;\n";
    for (layout, file, text, written) in [
        ("golang-migrate", "migrations/1_t.up.sql", up.to_owned(), "migrations/1_t.down.sql"),
        ("sqlx", "migrations/1_t.up.sql", up.to_owned(), "migrations/1_t.down.sql"),
        ("dbmate", "migrations/1_t.sql", format!("-- migrate:up\n{up}"), "migrations/1_t.sql"),
        ("dbmate", "migrations/1_t.sql", format!("-- migrate:up\n{up}-- migrate:down\n\n"), "migrations/1_t.sql"),
        (
            "goose",
            "migrations/1_t.sql",
            format!("-- +goose Up\n-- +goose StatementBegin\n{up}-- +goose StatementEnd\n-- +goose Down\n"),
            "migrations/1_t.sql",
        ),
    ] {
        let sandbox = Sandbox::new(Kind::Sqlite);
        sandbox.write(file, &text);
        sandbox.run(&["draft", "1_t", "--layout", layout]).ok();
        let now = sandbox.read(written);
        assert!(now.contains("DROP TABLE t;"), "{layout}: {now}");
        assert!(written != file || now.starts_with(text.trim_end()), "{layout}: {now}");
        let object = sandbox.json(&["verify", "--layout", layout]);
        assert_eq!(object["migrations"][0]["verdict"], "exact", "{layout}: {object}");
    }
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.write("migrations/1_t.sql", up);
    sandbox.run(&["draft", "1_t", "--layout", "sqlx"]).exits(1).says("rename it");
}
