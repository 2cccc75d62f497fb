//! Plans that another client runs: the file of `plan --sql`, by the engine's own client, and a person's word that steps were run.

mod common;

use std::process::{Command, Output, Stdio};

use common::{Kind, Sandbox, each_engine};

/// Text that ends literals, comments and files where it is not quoted.
const HOSTILE: &str = "it's \\' \"so\" `now`\n\\! echo\n; DROP TABLE users; -- Zoë 🚲 $1 ? {ledger} \\";

/// Three migrations with what a script may be made of.
fn three(sandbox: &Sandbox) {
    let users = "-- It's Zoë's; and\nCREATE TABLE users (id integer PRIMARY KEY, name varchar(50)); /* ; */\n\
                 INSERT INTO users VALUES (1, 'Zoë; O''Hara'), (2, '--');\n-- the end";
    sandbox.migration("01_users", users, "DROP TABLE users -- no semicolon");
    let (up, down) = match sandbox.kind {
        Kind::Sqlite => (
            "BEGIN;\nCREATE TRIGGER t AFTER INSERT ON users BEGIN UPDATE users SET name = 'x;'; SELECT 1; END;\nCOMMIT;\n",
            "DROP TRIGGER t;",
        ),
        Kind::Postgres => (
            "BEGIN;\nCREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1; $$;\n\
             COPY users FROM stdin;\n3\tit's; \\\\ Zoë\n\\.\nCOMMIT;\n",
            "DROP FUNCTION f();\nDELETE FROM users WHERE id = 3;\n",
        ),
        Kind::Mysql => (
            "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW BEGIN SET NEW.name = '//;'; SET NEW.id = 1; END",
            "DROP TRIGGER t;",
        ),
    };
    sandbox.migration("02_code", up, down);
    let (up, down) = match sandbox.kind {
        Kind::Postgres => {
            ("CREATE INDEX CONCURRENTLY users_name ON users (name);", "DROP INDEX CONCURRENTLY users_name;")
        }
        Kind::Sqlite => ("CREATE INDEX users_name ON users (name);", "DROP INDEX users_name;"),
        Kind::Mysql => ("CREATE INDEX users_name ON users (name);", "DROP INDEX users_name ON users;"),
    };
    sandbox.migration("03_index", up, down);
    sandbox.run(&["verify"]).ok();
}

/// Runs a file of the project by the engine's own client, as its header says.
fn client(sandbox: &Sandbox, file: &str, more: &[&str]) -> Output {
    let server = sandbox.kind.server();
    let (host, port) = (server.host_str().unwrap_or_default().to_owned(), server.port());
    let mut command = match sandbox.kind {
        Kind::Sqlite => {
            let mut command = Command::new("sqlite3");
            command.arg(&sandbox.name);
            command
        }
        Kind::Postgres => {
            let mut command = Command::new("psql");
            command.args(["-X", "-q", "-d", &sandbox.url]);
            command
        }
        Kind::Mysql => {
            let mut command = Command::new(if sandbox.is_mariadb() { "mariadb" } else { "mysql" });
            command.args(["--no-defaults", "--comments", "--protocol=tcp", &format!("--host={host}")]);
            command.args([&format!("--port={}", port.unwrap_or(3306)), &format!("--user={}", server.username())]);
            command.env("MYSQL_PWD", server.password().unwrap_or_default());
            // A client whose own character set is another one reads the file all the same.
            command.arg("--default-character-set=latin1").args(more).arg(&sandbox.name);
            command
        }
    };
    let file = std::fs::File::open(sandbox.root().join(file)).unwrap();
    let ran = command.stdin(Stdio::from(file)).output();
    ran.unwrap_or_else(|error| panic!("{:?}, the engine's client, cannot be run: {error}", command.get_program()))
}

#[track_caller]
fn succeeds(ran: &Output) {
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[track_caller]
fn fails(ran: &Output, says: &str) {
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!ran.status.success() && said.contains(says), "{}: {said}", ran.status);
}

const MOVED: &str = "the ledger is not where this file begins";

fn holds(sandbox: &Sandbox) {
    sandbox.run(&["log", "--verify"]).ok();
    sandbox.run(&["drift"]).ok();
}

fn rows(sandbox: &Sandbox) -> usize {
    sandbox.json(&["log"])["rows"].as_array().unwrap().len()
}

/// Up by the client, back by us without the checkout; and forth by us, back by the client.
#[test]
fn i3_what_the_file_applied_is_taken_back_without_a_checkout() {
    each_engine(|sandbox| {
        three(sandbox);
        sandbox.run(&["plan", "up", "--sql", "up.sql", "--reason", HOSTILE]).ok().says("up.sql");
        assert_eq!(sandbox.all_tables(), [""; 0], "writing the file changes nothing");
        succeeds(&client(sandbox, "up.sql", &[]));
        assert_eq!(sandbox.applied(), ["01_users", "02_code", "03_index"]);
        holds(sandbox);
        let log = sandbox.json(&["log", "-n", "1"]);
        assert_eq!(log["rows"][0]["reason"], HOSTILE, "{log}");
        assert!(log["rows"][0]["detail"].as_str().unwrap().contains("run by another client"), "{log}");
        assert_eq!(sandbox.value("SELECT name FROM users WHERE id = 1"), "Zoë; O'Hara");
        // A second time it changes nothing, and fails.
        let before = rows(sandbox);
        fails(&client(sandbox, "up.sql", &[]), MOVED);
        assert_eq!(rows(sandbox), before);
        holds(sandbox);
        let files = sandbox.read("migrations/01_users/up.sql");
        sandbox.remove("migrations").write("migrations/.keep", "");
        sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
        sandbox.run(&["plan", "down", "--all", "--sql", "down.sql"]).ok();
        succeeds(&client(sandbox, "down.sql", &[]));
        assert_eq!((sandbox.applied(), sandbox.user_tables()), (Vec::new(), Vec::new()));
        holds(sandbox);
        fails(&client(sandbox, "down.sql", &[]), MOVED);
        // What was kept is the script, byte by byte.
        let script = if sandbox.kind == Kind::Postgres { "switchback.switchback_script" } else { "switchback_script" };
        let kept = sandbox.sql(&format!("SELECT body FROM {script}"));
        assert!(kept.into_iter().flatten().flatten().any(|body| body == files));
    });
}

#[test]
fn a_file_for_another_state_changes_nothing() {
    each_engine(|sandbox| {
        sandbox.tables(3);
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["plan", "up", "--sql", "all.sql"]).ok();
        sandbox.run(&["up", "--steps", "1"]).ok();
        fails(&client(sandbox, "all.sql", &[]), MOVED);
        assert_eq!(sandbox.user_tables().len(), 1);
        sandbox.run(&["plan", "up", "--sql", "rest.sql"]).ok();
        // The same is applied, but the ledger has a row more: the hashes of the file are for another chain.
        sandbox.run(&["release", "v1"]).ok();
        fails(&client(sandbox, "rest.sql", &[]), MOVED);
        assert_eq!((sandbox.user_tables().len(), sandbox.applied().len()), (1, 1));
        holds(sandbox);
    });
}

/// A statement in the middle fails: one transaction leaves nothing, and a journal tells how to go on.
#[test]
fn a_file_that_stops_half_way_is_gone_on_with() {
    each_engine(|sandbox| {
        sandbox.migration(
            "01_two",
            "CREATE TABLE a (id integer);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (id integer);\n",
            "DROP TABLE b;\nDROP TABLE a;\n",
        );
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["plan", "up", "--sql", "up.sql"]).ok();
        sandbox.sql("CREATE TABLE b (other integer)");
        fails(&client(sandbox, "up.sql", &[]), "b");
        sandbox.sql("DROP TABLE b");
        if sandbox.kind == Kind::Mysql {
            sandbox.run(&["status"]).says("half-way");
            sandbox.run(&["plan", "up", "--sql", "more.sql"]).exits(1).says("stopped half-way");
            sandbox.run(&["mark", "applied", "01", "--reason", "x", "--yes"]).exits(4).says("stopped half-way");
            fails(&client(sandbox, "up.sql", &[]), MOVED);
            sandbox.run(&["up"]).ok();
        } else {
            assert_eq!(sandbox.user_tables(), [""; 0]);
            succeeds(&client(sandbox, "up.sql", &[]));
        }
        assert_eq!(sandbox.applied(), ["01_two"]);
        assert_eq!(sandbox.value("SELECT count(*) FROM a"), "1");
        holds(sandbox);
    });
}

/// On MySQL a setting decides what a backslash and a double quote are.
#[test]
fn a_session_that_quotes_otherwise_writes_the_same_rows() {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.migration("01_t", "CREATE TABLE t (id integer);\n-- \\' Zoë", "DROP TABLE t;\n");
    sandbox.run(&["verify"]).ok();
    sandbox.run(&["plan", "up", "--sql", "up.sql", "--reason", HOSTILE]).ok();
    let mode = "--init-command=SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'";
    succeeds(&client(&sandbox, "up.sql", &[mode]));
    holds(&sandbox);
    assert_eq!(sandbox.json(&["log", "-n", "1"])["rows"][0]["reason"], HOSTILE);
}

#[test]
fn i1_what_is_not_proven_is_not_handed_over() {
    each_engine(|sandbox| {
        sandbox.tables(2);
        sandbox.run(&["plan", "up", "--sql", "up.sql"]).exits(1).says("not proven").says("1_t1, 2_t2");
        assert!(!sandbox.root().join("up.sql").exists());
        sandbox.sql("CREATE TABLE t1 (id integer)");
        let mark = ["mark", "applied", "1_t1", "--reason", "run by the DBA", "--yes"];
        sandbox.run(&mark).exits(1).says("`switchback verify`");
        assert_eq!(sandbox.all_tables().len(), 1, "no ledger is made for a refusal");
        sandbox.run(&["verify"]).ok();
        // Only the file is on stdout.
        let out = sandbox.run(&["plan", "up", "--sql", "-"]).ok();
        assert!(out.stdout.starts_with("-- switchback plan up: 2 steps"), "{}", out.stdout);
        sandbox.run(&["plan", "up", "--sql", "-", "--json"]).exits(2).says("`--json` has stdout for itself");
        sandbox.run(&["plan", "up", "--sql", "a.sql", "-o", "a.json"]).exits(2);
        sandbox.run(&mark).ok();
        sandbox.write("switchback.toml", "[policy]\nallow_waivers = false\n");
        sandbox.migration("3_bad", "CREATE TABLE t3 (id integer);\n", "SELECT 1;\n");
        sandbox.run(&["plan", "up", "--sql", "up.sql"]).exits(1).says("3_bad");
    });
}

#[test]
fn what_another_client_has_run_is_marked() {
    each_engine(|sandbox| {
        sandbox.tables(3);
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["up", "--steps", "1"]).ok();
        let mark = |what: &str, ids: &[&str]| {
            sandbox.run(&[&["mark", what], ids, &["--reason", "the DBA ran it", "--yes"]].concat())
        };
        mark("applied", &["2_t2"]).exits(1).says("the database is not what it would be").says("t2");
        mark("applied", &["1_t1"]).exits(2).says("`1_t1` is applied already (row #");
        mark("reverted", &["2_t2"]).exits(2).says("`2_t2` is not applied");
        mark("reverted", &["1_t1"]).exits(1).says("the database is not what it would be").says("t1");
        sandbox.run(&["mark", "applied", "2_t2", "--yes"]).exits(2).says("--reason");
        sandbox.sql("CREATE TABLE t2 (id integer)");
        sandbox.sql("CREATE TABLE t3 (id integer)");
        // One of the two is not what is there.
        mark("applied", &["2_t2"]).exits(1).says("t3");
        sandbox.run(&["mark", "applied", "2_t2", "3_t3", "--reason", "x"]).exits(2).says("give `--yes`");
        assert_eq!(sandbox.applied(), ["1_t1"]);
        mark("applied", &["2_t2", "3_t3"]).ok().says("marked as applied: 2_t2");
        assert_eq!(sandbox.applied(), ["1_t1", "2_t2", "3_t3"]);
        holds(sandbox);
        let log = sandbox.json(&["log", "-n", "1"]);
        assert_eq!(log["rows"][0]["detail"], "marked: run by another client", "{log}");
        assert!(log["rows"][0]["schema_after"].is_string(), "{log}");
        // What was marked is taken back as if we had run it, and with no checkout.
        sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
        sandbox.sql("DROP TABLE t2");
        sandbox.remove("migrations").write("migrations/.keep", "");
        mark("reverted", &["2_t2"]).ok().says("marked as reverted: 2_t2");
        assert_eq!(sandbox.applied(), ["1_t1"]);
        holds(sandbox);
        sandbox.run(&["down", "--all", "--yes"]).ok();
        assert_eq!(sandbox.user_tables(), [""; 0]);
    });
}

#[test]
fn steps_that_belong_together_are_marked_together() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration("1_t", "CREATE TABLE t (id integer);\n", "DROP TABLE t;\n");
    sandbox.migration("2_v", "CREATE VIEW v AS SELECT id FROM t;\n", "DROP VIEW v;\n");
    sandbox.migration("3_rows", "INSERT INTO t VALUES (1);\n", "DELETE FROM t WHERE id = 1;\n");
    sandbox.run(&["verify"]).ok();
    sandbox.sql("CREATE TABLE t (id integer); CREATE VIEW v AS SELECT id FROM t; INSERT INTO t VALUES (1)");
    let mark = ["mark", "applied", "2_v", "--reason", "x", "--yes"];
    sandbox.run(&mark).exits(1).says("`1_t` would have to be applied as well").says("name it too");
    let mark = ["mark", "applied", "1_t", "2_v", "3_rows", "--reason", "x", "--yes"];
    sandbox.run(&mark).ok().says("`3_rows` leaves no trace in the schema");
    // What the settings let differ may differ here, too.
    sandbox.sql("DROP VIEW v; CREATE TABLE tmp_1 (id integer)");
    let mark = ["mark", "reverted", "2_v", "--reason", "x", "--yes"];
    sandbox.run(&mark).exits(1).says("table tmp_1");
    sandbox.write("switchback.toml", "[drift]\nignore = [\"table tmp_*\"]\n");
    sandbox.run(&mark).ok();
    assert_eq!(sandbox.applied(), ["1_t", "3_rows"]);
}
