//! `IF NOT EXISTS` and `OR REPLACE`: an up that runs where the object was there already, and a down that drops it.

mod common;

use common::{Kind, Sandbox, each, each_engine};
use serde_json::Value;

/// `not-restored` findings of the last migration of `verify --json`, each as its message and its help.
fn told(sandbox: &Sandbox) -> Vec<(String, String)> {
    let told = sandbox.json(&["verify", "--fresh", "--keep-going"]);
    let last = told["migrations"].as_array().and_then(|all| all.last()).expect("a migration").clone();
    assert_eq!(last["verdict"], "broken", "{last}");
    let findings = last["findings"].as_array().expect("findings").clone();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let gone = findings.iter().filter(|finding| finding["code"] == "not-restored");
    gone.map(|finding| (text(finding, "message"), text(finding, "help"))).collect()
}

/// What stands before, the up and the down, for an object that the up did not make.
fn found(sandbox: &Sandbox) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let kind = sandbox.kind;
    let index = if kind == Kind::Mysql { "DROP INDEX IF EXISTS i ON t" } else { "DROP INDEX IF EXISTS i" };
    let t = "CREATE TABLE t (id integer PRIMARY KEY, a integer)";
    let mut all = vec![(t, "CREATE TABLE IF NOT EXISTS t (id integer)", "DROP TABLE IF EXISTS t", "table")];
    // MySQL says so of few kinds of objects.
    if kind != Kind::Mysql || sandbox.is_mariadb() {
        let indexed = "CREATE TABLE t (id integer PRIMARY KEY, a integer); CREATE INDEX i ON t (a)";
        all.push((indexed, "CREATE INDEX IF NOT EXISTS i ON t (a)", index, "index"));
    }
    let view = "CREATE TABLE t (id integer); CREATE VIEW v AS SELECT id FROM t";
    match kind {
        Kind::Sqlite => all.push((view, "CREATE VIEW IF NOT EXISTS v AS SELECT 1", "DROP VIEW v", "view")),
        Kind::Mysql => {
            let function = "CREATE FUNCTION f() RETURNS integer DETERMINISTIC RETURN 1";
            let left = "CREATE FUNCTION IF NOT EXISTS f() RETURNS integer DETERMINISTIC RETURN 2";
            let replaced = "CREATE OR REPLACE FUNCTION f() RETURNS integer DETERMINISTIC RETURN 2";
            let column = "ALTER TABLE t ADD COLUMN IF NOT EXISTS a integer";
            all.push((view, "CREATE OR REPLACE VIEW v AS SELECT id FROM t", "DROP VIEW v", "view"));
            all.push((function, left, "DROP FUNCTION f", "function"));
            if sandbox.is_mariadb() {
                all.push((t, column, "ALTER TABLE t DROP COLUMN a", "column"));
                all.push((function, replaced, "DROP FUNCTION f", "function"));
            }
        }
        Kind::Postgres => {
            let function = "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'";
            let replaced = "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'";
            all.push((view, "CREATE OR REPLACE VIEW v AS SELECT id FROM t", "DROP VIEW v", "view"));
            all.push((t, "ALTER TABLE t ADD COLUMN IF NOT EXISTS a integer", "ALTER TABLE t DROP COLUMN a", "column"));
            all.push((function, replaced, "DROP FUNCTION f", "function"));
            all.push(("CREATE SCHEMA s", "CREATE SCHEMA IF NOT EXISTS s", "DROP SCHEMA IF EXISTS s", "schema"));
            all.push((
                "CREATE EXTENSION citext",
                "CREATE EXTENSION IF NOT EXISTS citext",
                "DROP EXTENSION IF EXISTS citext",
                "extension",
            ));
        }
    }
    all
}

#[test]
fn a_down_that_drops_what_its_up_did_not_make_is_told_why() {
    each_engine(|sandbox| {
        for (before, up, down, kind) in found(sandbox) {
            sandbox.migration("1_before", before, "SELECT 1").migration("2_again", up, down);
            let told = told(sandbox);
            let why = if up.contains("REPLACE") { "which replaced it" } else { "whose IF NOT EXISTS left it alone" };
            let is_told = |(message, help): &(String, String)| {
                message.starts_with(kind)
                    && message.contains(&format!("it was there before the up, {why}, and the down drops it"))
                    && help.contains(&format!("where the {kind}"))
            };
            assert!(told.iter().any(is_told), "{up}: {told:?}");
        }
    });
}

#[test]
fn what_else_the_down_drops_is_told_as_ever() {
    each_engine(|sandbox| {
        sandbox.migration(
            "1_t",
            "CREATE TABLE t (id integer); CREATE TABLE u (id integer)",
            "DROP TABLE t; DROP TABLE u",
        );
        sandbox.migration("2_again", "CREATE TABLE IF NOT EXISTS t (id integer)", "DROP TABLE t; DROP TABLE u");
        let told = told(sandbox);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].0.contains("left it alone") && told[1].0.ends_with("is not restored by the down"), "{told:?}");
        assert_eq!(told[1].1, "");
    });
}

#[test]
fn what_the_live_database_alone_may_hold_is_told_by_check_and_by_up() {
    each_engine(|sandbox| {
        let up = "CREATE TABLE IF NOT EXISTS t (id integer);\nCREATE TABLE IF NOT EXISTS u (id integer);\n";
        sandbox.tables(1).migration("2_t", up, "DROP TABLE u;\nDROP TABLE IF EXISTS t;\n");
        sandbox.run(&["seal"]).ok();
        let checked = sandbox.json(&["check"]);
        assert_eq!(each(&checked["findings"], "/code"), ["if-not-exists"]);
        assert_eq!(each(&checked["findings"], "/severity"), ["warning"]);
        sandbox.run(&["check"]).ok().says("if table t is there already, the up leaves it alone, and the down drops it");
        let told = sandbox.json(&["verify"]);
        assert_eq!(each(&told["migrations"], "/verdict"), ["exact", "exact"]);
        sandbox.sql("CREATE TABLE u (id integer, made_by_hand integer)");
        let up = sandbox.run(&["up"]).ok().says("u is there already: the up of `2_t` leaves it alone");
        up.says("its down would drop it").says_not("t is there already");
    });
}

#[test]
fn a_database_as_the_proof_had_it_gets_no_such_word() {
    each_engine(|sandbox| {
        let up = "CREATE TABLE IF NOT EXISTS t (id integer);\n";
        sandbox.tables(1).migration("2_t", up, "DROP TABLE IF EXISTS t;\n");
        sandbox.run(&["up"]).ok().says_not("is there already");
        sandbox.run(&["redo"]).ok().says_not("is there already");
    });
}
