//! Downs that leave something behind or do not give something back, one of each kind: all are told, by the object's name. The
//! best checker of the field sees 9 of the 23 kinds (`migrations-examples`, docs/getting-started.md).

mod common;

use common::{Kind, Sandbox};

/// What stands before, the up, a down that is wrong, the verdict, and what the findings have to name.
struct Wrong {
    kind: &'static str,
    before: &'static str,
    up: &'static str,
    down: &'static str,
    verdict: &'static str,
    named: &'static str,
}

/// A down that does not undo the schema.
const fn broken(
    kind: &'static str,
    before: &'static str,
    up: &'static str,
    down: &'static str,
    named: &'static str,
) -> Wrong {
    Wrong { kind, before, up, down, verdict: "broken", named }
}

/// A down that does not give rows back.
const fn lossy(
    kind: &'static str,
    before: &'static str,
    up: &'static str,
    down: &'static str,
    named: &'static str,
) -> Wrong {
    Wrong { kind, before, up, down, verdict: "lossy", named }
}

const T: &str = "CREATE TABLE t (id integer PRIMARY KEY, a integer, b varchar(20));";

/// On every engine.
const EVERYWHERE: &[Wrong] = &[
    broken(
        "leftover table",
        "",
        "CREATE TABLE x (id integer); CREATE TABLE y (id integer);",
        "DROP TABLE x;",
        "table y",
    ),
    broken(
        "leftover column",
        T,
        "ALTER TABLE t ADD COLUMN c integer; CREATE TABLE z (id integer);",
        "DROP TABLE z;",
        "t.c",
    ),
    broken(
        "leftover index",
        T,
        "CREATE INDEX i ON t (a); CREATE TABLE z (id integer);",
        "DROP TABLE z;",
        "i is left behind",
    ),
    broken(
        "leftover view",
        T,
        "CREATE VIEW v AS SELECT a FROM t; CREATE TABLE z (id integer);",
        "DROP TABLE z;",
        "view v",
    ),
    lossy(
        "un-undone UPDATE",
        T,
        "UPDATE t SET b = 'x' WHERE b IS NOT NULL; CREATE TABLE z (id integer);",
        "DROP TABLE z;",
        "t.b",
    ),
    lossy("un-undone DELETE", T, "DELETE FROM t WHERE a > 0; CREATE TABLE z (id integer);", "DROP TABLE z;", "t lost"),
    lossy(
        "dropped column re-added empty",
        T,
        "ALTER TABLE t DROP COLUMN b;",
        "ALTER TABLE t ADD COLUMN b varchar(20);",
        "t.b lost",
    ),
];

const POSTGRES: &[Wrong] = &[
    broken("leftover unique", T, "ALTER TABLE t ADD CONSTRAINT k UNIQUE (a);", "SELECT 1;", "constraint public.t.k"),
    broken(
        "leftover FK",
        "CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE t (id integer);",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p;",
        "SELECT 1;",
        "constraint public.t.f",
    ),
    broken(
        "leftover CHECK",
        T,
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL OR a IS NULL);",
        "SELECT 1;",
        "constraint public.t.c",
    ),
    broken("leftover default", T, "ALTER TABLE t ALTER a SET DEFAULT 5;", "SELECT 1;", "column public.t.a"),
    broken(
        "leftover function",
        "",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "SELECT 1;",
        "function public.f()",
    ),
    broken(
        "leftover trigger",
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
        "SELECT 1;",
        "trigger public.t.g",
    ),
    broken("leftover sequence", "", "CREATE SEQUENCE s;", "SELECT 1;", "sequence public.s"),
    broken(
        "leftover enum type",
        "",
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE x (c e);",
        "DROP TABLE x;",
        "enum public.e",
    ),
    broken(
        "leftover enum value",
        "CREATE TYPE e AS ENUM ('a');",
        "ALTER TYPE e ADD VALUE 'b';",
        "SELECT 1;",
        "enum public.e",
    ),
    broken(
        "leftover grant",
        T,
        "GRANT SELECT ON t TO pg_monitor;",
        "SELECT 1;",
        "grant select on table public.t to pg_monitor",
    ),
    broken("leftover row-security flag", T, "ALTER TABLE t ENABLE ROW LEVEL SECURITY;", "SELECT 1;", "table public.t"),
    broken("leftover extension", "", "CREATE EXTENSION citext;", "SELECT 1;", "extension citext"),
    broken(
        "not restored: NOT NULL",
        "CREATE TABLE t (a integer NOT NULL);",
        "ALTER TABLE t ALTER a DROP NOT NULL;",
        "SELECT 1;",
        "column public.t.a",
    ),
    broken(
        "not restored: type",
        "CREATE TABLE t (a integer NOT NULL DEFAULT 5);",
        "ALTER TABLE t DROP a;",
        "ALTER TABLE t ADD a text;",
        "column public.t.a",
    ),
    broken(
        "not restored: length",
        "CREATE TABLE t (a varchar(20));",
        "ALTER TABLE t ALTER a TYPE varchar(30);",
        "ALTER TABLE t ALTER a TYPE varchar(25);",
        "column public.t.a",
    ),
    broken(
        "not restored: comment",
        "CREATE TABLE t (a integer); COMMENT ON COLUMN t.a IS 'x';",
        "COMMENT ON COLUMN t.a IS 'y';",
        "COMMENT ON COLUMN t.a IS NULL;",
        "comment table column public.t.a",
    ),
];

const MYSQL: &[Wrong] = &[
    broken("leftover unique", T, "ALTER TABLE t ADD UNIQUE KEY k (a);", "SELECT 1;", "k is left behind"),
    broken(
        "leftover FK",
        "CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE t (id integer);",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p (id);",
        "SELECT 1;",
        "t.f",
    ),
    broken(
        "leftover index of a FK",
        "CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE t (id integer);",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p (id);",
        "ALTER TABLE t DROP FOREIGN KEY f;",
        "index t.f",
    ),
    broken(
        "leftover CHECK",
        T,
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL OR a IS NULL);",
        "SELECT 1;",
        "t.c",
    ),
    broken("leftover default", T, "ALTER TABLE t ALTER a SET DEFAULT 5;", "SELECT 1;", "column t.a"),
    broken("leftover procedure", "", "CREATE PROCEDURE r() SELECT 1;", "SELECT 1;", "procedure r"),
    broken(
        "leftover trigger",
        T,
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a;",
        "SELECT 1;",
        "trigger t.g",
    ),
    broken(
        "leftover enum value",
        "CREATE TABLE t (a enum('x'));",
        "ALTER TABLE t MODIFY a enum('x', 'y');",
        "SELECT 1;",
        "column t.a",
    ),
    broken(
        "not restored: NOT NULL",
        "CREATE TABLE t (a integer NOT NULL);",
        "ALTER TABLE t MODIFY a integer;",
        "SELECT 1;",
        "column t.a",
    ),
    broken(
        "not restored: type",
        "CREATE TABLE t (a integer NOT NULL DEFAULT 5, b integer);",
        "ALTER TABLE t DROP a;",
        "ALTER TABLE t ADD a text;",
        "column t.a",
    ),
    broken(
        "not restored: length",
        "CREATE TABLE t (a varchar(20));",
        "ALTER TABLE t MODIFY a varchar(30);",
        "ALTER TABLE t MODIFY a varchar(25);",
        "column t.a",
    ),
    broken(
        "not restored: comment",
        "CREATE TABLE t (a integer COMMENT 'x');",
        "ALTER TABLE t MODIFY a integer COMMENT 'y';",
        "ALTER TABLE t MODIFY a integer;",
        "column t.a",
    ),
];

const SQLITE: &[Wrong] = &[
    broken("leftover unique", T, "CREATE UNIQUE INDEX k ON t (a);", "SELECT 1;", "index k"),
    broken("leftover trigger", T, "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;", "SELECT 1;", "trigger g"),
    broken(
        "not restored: NOT NULL and type",
        "CREATE TABLE t (id integer, a integer NOT NULL DEFAULT 5);",
        "ALTER TABLE t DROP COLUMN a;",
        "ALTER TABLE t ADD COLUMN a text;",
        "column t.a",
    ),
    broken(
        "not restored: CHECK",
        "CREATE TABLE t (id integer, a integer CHECK (a > -9000000000000000000));",
        "ALTER TABLE t DROP COLUMN a;",
        "ALTER TABLE t ADD COLUMN a integer;",
        "t.check",
    ),
];

fn all_are_told(kind: Kind, own: &[Wrong]) {
    let mut wrong = Vec::new();
    for case in EVERYWHERE.iter().chain(own) {
        let sandbox = &Sandbox::new(kind);
        let before = if case.before.is_empty() { "CREATE TABLE other (id integer);" } else { case.before };
        sandbox.migration("1_before", before, "SELECT 1;").migration("2_wrong", case.up, case.down);
        let object = sandbox.json(&["verify", "2_wrong"]);
        let judged = &object["migrations"][0];
        let findings = judged["findings"].as_array().expect("findings");
        let is_named = findings.iter().any(|finding| {
            finding["message"]
                .as_str()
                .is_some_and(|text| text.replace("public.", "").contains(&case.named.replace("public.", "")))
        });
        if judged["verdict"] != case.verdict || !is_named {
            wrong.push(format!("{}: {} {:#}", case.kind, judged["verdict"], judged["findings"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn postgres_all_wrong_downs_are_told() {
    all_are_told(Kind::Postgres, POSTGRES);
}

#[test]
fn mysql_all_wrong_downs_are_told() {
    all_are_told(Kind::Mysql, MYSQL);
}

#[test]
fn sqlite_all_wrong_downs_are_told() {
    all_are_told(Kind::Sqlite, SQLITE);
}
