//! What a script sets in its session holds to its end, whatever we write in between, and what a project's `[session]` says
//! stands before every script.

mod common;

use common::login::Login;
use common::{Kind, Sandbox, each_engine};

#[test]
fn mysql_what_a_script_sets_holds_across_its_data_statements() {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.migration(
        "1_a",
        "CREATE TABLE p (id integer PRIMARY KEY);\n\
         CREATE TABLE c (p integer, CONSTRAINT f FOREIGN KEY (p) REFERENCES p (id));\n\
         SET foreign_key_checks = 0, sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';\n\
         INSERT INTO c VALUES (1);\nINSERT INTO \"c\" VALUES (2);\nINSERT INTO p VALUES ('' || 1), (2);\n",
        "DROP TABLE c;\nDROP TABLE p;\n",
    );
    sandbox.run(&["up"]).ok();
    assert_eq!(sandbox.value("SELECT concat(count(*), ' ', sum(p)) FROM c"), "2 3");
    sandbox.run(&["log", "--verify"]).ok();
}

#[test]
fn postgres_what_a_script_sets_holds_where_it_runs_without_a_transaction() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.migration(
        "1_a",
        "CREATE SCHEMA s;\nSET search_path TO s;\nCREATE TABLE t (a integer);\nINSERT INTO t VALUES (1);\n\
         CREATE INDEX CONCURRENTLY i ON t (a);\n",
        "DROP SCHEMA s CASCADE;\n",
    );
    sandbox.run(&["up"]).ok();
    assert_eq!(sandbox.value("SELECT schemaname FROM pg_indexes WHERE indexname = 'i'"), "s");
    sandbox.migration("2_b", "CREATE TABLE b (a integer);\n", "DROP TABLE b;\n").run(&["up"]).ok();
    assert_eq!(sandbox.value("SELECT schemaname FROM pg_tables WHERE tablename = 'b'"), "public");
    sandbox.run(&["log", "--verify"]).ok();
}

#[test]
fn i4_a_step_that_is_gone_on_with_sees_what_it_had_set() {
    let mysql = Sandbox::new(Kind::Mysql);
    mysql.migration("1_t", "CREATE TABLE t (id integer PRIMARY KEY, v integer);", "DROP TABLE t;");
    mysql.migration(
        "2_u",
        "SET foreign_key_checks = 0;\nCREATE TABLE c (t integer, FOREIGN KEY (t) REFERENCES t (id));\n\
         CREATE UNIQUE INDEX ux ON t (v);\nINSERT INTO c VALUES (99);\n",
        "DROP TABLE c;\nDROP INDEX ux ON t;\n",
    );
    let postgres = Sandbox::new(Kind::Postgres);
    postgres.migration(
        "1_t",
        "CREATE TABLE t (id integer PRIMARY KEY, v integer); CREATE SCHEMA s;",
        "DROP SCHEMA s; DROP TABLE t;",
    );
    postgres.migration(
        "2_u",
        "SET search_path TO s, public;\nCREATE TABLE c (t integer);\nCREATE UNIQUE INDEX CONCURRENTLY ux ON t (v);\n\
         CREATE TABLE d (t integer);\n",
        "DROP TABLE s.d;\nDROP TABLE s.c;\nDROP INDEX CONCURRENTLY ux;\n",
    );
    for sandbox in [&mysql, &postgres] {
        sandbox.run(&["up", "--steps", "1"]).ok();
        sandbox.sql("INSERT INTO t VALUES (1, 7), (2, 7)");
        sandbox.run(&["up"]).exits(4).says("up.sql:3:1").says("2 of its statements");
        sandbox.sql("DELETE FROM t WHERE id = 2");
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.applied(), ["1_t", "2_u"]);
    }
    assert_eq!(mysql.value("SELECT sum(t) FROM c"), "99");
    assert_eq!(postgres.value("SELECT count(*) FROM pg_tables WHERE schemaname = 's'"), "2");
}

#[test]
fn what_the_project_says_stands_before_every_script() {
    each_engine(|sandbox| {
        let (set, up) = match sandbox.kind {
            Kind::Sqlite => (
                "sqlite = \"PRAGMA case_sensitive_like = ON\"",
                "INSERT INTO t SELECT 1 WHERE 'a' NOT LIKE 'A';\nINSERT INTO t SELECT 2 WHERE 'a' NOT LIKE 'A';\n",
            ),
            Kind::Postgres => (
                "postgres = [\"CREATE TEMPORARY TABLE IF NOT EXISTS given (a integer)\", \"INSERT INTO given VALUES (1), (2)\"]",
                "INSERT INTO t SELECT a FROM given;\n",
            ),
            Kind::Mysql => (
                "mysql = [\"SET @first = 1\", \"SET @second = 2;\"]",
                "INSERT INTO t VALUES (@first);\nSET @first = 0;\nINSERT INTO t VALUES (@second);\n",
            ),
        };
        let down = up.replace(" t ", " u ");
        sandbox.migration(
            "1_t",
            "CREATE TABLE t (a integer); CREATE TABLE u (a integer);",
            "DROP TABLE u; DROP TABLE t;",
        );
        sandbox.migration("2_fill", up, &format!("DELETE FROM t;\n{down}"));
        sandbox.migration("3_again", up, "DELETE FROM t;\n");
        // Not all is proven: the rows of `u` stay behind. What counts here is that each script ran as the project says.
        sandbox.run(&["verify"]);
        sandbox.write("switchback.toml", format!("[session]\n{set}\n"));
        sandbox.run(&["verify"]);
        sandbox.run(&["waive", "--existing", "--reason", "the test looks at the sessions"]);
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.value("SELECT sum(a) FROM t"), "6");
        sandbox.run(&["down", "--steps", "2", "--yes", "--accept-loss"]).ok();
        assert_eq!(sandbox.value("SELECT sum(a) FROM u"), "3");
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn the_session_belongs_to_the_digest_and_to_the_ledger() {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.tables(1).run(&["up"]).ok();
    sandbox.write("switchback.toml", "[session]\nmysql = \"SET foreign_key_checks = 0\"\n");
    sandbox.run(&["status"]).ok().says("edited");
    sandbox.run(&["verify"]).ok();
    sandbox.run(&["up"]).ok();
    let kept = format!("SELECT settings FROM {} WHERE event = 'amend'", sandbox.ledger());
    assert!(sandbox.value(&kept).contains("foreign_key_checks"));
    sandbox.write("switchback.toml", "[session]\noracle = \"ALTER SESSION\"\n");
    sandbox.run(&["status"]).exits(2).says("[session] names no engine `oracle`");
    sandbox.write("switchback.toml", "[session]\nmysql = \"BEGIN\"\n");
    sandbox.run(&["status"]).exits(2).says("begins or ends a transaction");
    sandbox.write("switchback.toml", "[session]\nmysql = \"SET no_such_variable = 1\"\n");
    sandbox.run(&["verify"]).exits(1).says("statement 1 of the session SQL").says("no_such_variable");
}

/// A script that takes on a role of the server; a shadow may not do that, so it is let through by a waiver.
fn with_a_role(sandbox: &Sandbox, behind: &str) -> Login {
    let login = Login::new(sandbox, "never used", "");
    let role = &login.name;
    sandbox.sql(&format!("GRANT CREATE ON SCHEMA public TO {role}"));
    let up = format!(
        "SET ROLE {role};\nSET lock_timeout = '7s';\nCREATE TABLE t (a text);\n\
         INSERT INTO t VALUES (current_setting('lock_timeout'));\nRESET ROLE;\n{behind}"
    );
    sandbox.migration("1_a", &up, "DROP TABLE own;\nDROP TABLE t;\n");
    sandbox.write("migrations/1_a/migration.toml", "transaction = \"off\"\n");
    sandbox.run(&["waive", "1_a", "--reason", "its role is the server's"]).ok();
    login
}

#[test]
fn postgres_a_role_that_a_script_takes_on_without_a_transaction_reaches_no_row_of_ours() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let login = with_a_role(&sandbox, "CREATE TABLE own (a integer);\n");
    sandbox.run(&["up"]).ok().says("applied  1_a");
    let owner = |table: &str| sandbox.value(&format!("SELECT tableowner FROM pg_tables WHERE tablename = '{table}'"));
    assert_eq!((&owner("t"), owner("own") == login.name), (&login.name, false));
    assert_eq!(sandbox.value("SELECT a FROM t"), "7s", "what the script set holds for its statements");
    sandbox.run(&["log", "--verify"]).ok();
}

#[test]
fn i4_where_no_shadow_can_tell_how_far_a_step_got_a_person_says_it() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let _login = with_a_role(&sandbox, "INSERT INTO later VALUES (1);\nCREATE TABLE own (a integer);\n");
    sandbox.run(&["up"]).exits(4).says("later");
    sandbox.sql("CREATE TABLE later (a integer)");
    let told = sandbox.run(&["recover"]).exits(4).says("in doubt  6  INSERT INTO later").says("fails in the shadow");
    told.says("`--in-doubt rerun` runs it again");
    sandbox.run(&["recover", "--resume"]).exits(4).says("--in-doubt");
    sandbox
        .run(&["recover", "--back-out", "--in-doubt", "rerun", "--yes"])
        .exits(4)
        .says("no way back could be proven");
    sandbox.run(&["recover", "--resume", "--in-doubt", "rerun"]).ok().says("applied  1_a");
    assert_eq!(sandbox.value("SELECT count(*) FROM later"), "1");
    sandbox.run(&["log", "--verify"]).ok();
}
