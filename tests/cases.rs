//! Cases that other tools get wrong, one test each: the registry, files and the command line; transactions and what a
//! script leaves in its session. (Splitting has `tests/splitting*.rs`.)

mod common;

use std::process::{Command, Stdio};

use common::login::Login;
use common::{Kind, Sandbox, each, each_engine, each_server, until};

// The registry, files, the command line.

#[test]
fn crlf_a_bom_comments_and_a_final_newline_are_cosmetic() {
    each_engine(|sandbox| {
        let up =
            "CREATE TABLE notes (id integer, body varchar(20));\nINSERT INTO notes (id, body) VALUES (1, 'a b');\n";
        sandbox.migration("1_notes", up, "DROP TABLE notes;\n").run(&["up"]).ok();
        let registry = sandbox.read("migrations/registry.toml");
        for text in [
            up.replace('\n', "\r\n"),
            format!("\u{feff}{up}"),
            format!("-- told later\n{}\n/* the end */", up.replace(", ", ",  ")),
            up.trim_end().to_owned(),
        ] {
            sandbox.write("migrations/1_notes/up.sql", text);
            sandbox.run(&["check"]).ok().says_not("edited");
            sandbox.run(&["up", "--locked"]).ok().says("nothing to do");
            sandbox.run(&["status", "--exit-code"]).ok().says("applied  1_notes");
            sandbox.run(&["verify", "--locked"]).ok().says("known");
        }
        assert_eq!(sandbox.read("migrations/registry.toml"), registry);
        sandbox.write("migrations/1_notes/up.sql", format!("-- a comment\n{up}"));
        sandbox.run(&["check"]).ok().says("cosmetic");
        sandbox.run(&["down", "--all", "--yes", "--locked", "--accept-loss"]).ok();
    });
}

#[test]
fn a_line_end_changed_inside_a_literal_is_a_real_edit() {
    each_engine(|sandbox| {
        let up =
            "CREATE TABLE notes (id integer, body varchar(20));\nINSERT INTO notes (id, body) VALUES (1, 'a\nb');\n";
        sandbox.migration("1_notes", up, "DROP TABLE notes;\n").run(&["up"]).ok();
        for end in ["\r\n", "\r"] {
            sandbox.write("migrations/1_notes/up.sql", up.replace("a\nb", &format!("a{end}b")));
            sandbox.run(&["check"]).exits(1).says("edited");
            sandbox.run(&["up"]).exits(1).says("1_notes");
        }
    });
}

#[test]
fn the_column_list_of_an_applied_script_edited_is_an_error_with_the_difference() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        sandbox.write("migrations/1_t1/up.sql", "CREATE TABLE t1 (id integer, name varchar(9));\n");
        sandbox.tables_from(3, 3);
        sandbox
            .run(&["up"])
            .exits(1)
            .says("- CREATE TABLE t1 (id integer);")
            .says("+ CREATE TABLE t1 (id integer, name varchar(9));");
        sandbox.run(&["status"]).ok().says("edited   1_t1");
        sandbox.run(&["check"]).exits(1).says("1_t1");
        assert_eq!(sandbox.user_tables(), ["t1", "t2"]);
    });
}

#[test]
fn only_the_down_of_an_applied_migration_edited_is_allowed_and_told_by_a_row() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        sandbox.write("migrations/2_t2/down.sql", "DROP TABLE IF EXISTS t2;\n");
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.ledger_rows().last().map(String::as_str), Some("amend done 2_t2"));
        sandbox.run(&["status", "--exit-code"]).ok().says("applied  2_t2");
        sandbox.run(&["down", "--all", "--yes"]).ok();
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn the_newest_folder_is_missing_and_its_stored_down_is_used() {
    each_engine(|sandbox| {
        sandbox.tables(2).migration("3_view", "CREATE VIEW v AS SELECT id FROM t2;\n", "DROP VIEW v;\n");
        sandbox.run(&["up"]).ok();
        sandbox.remove("migrations/3_view");
        sandbox.run(&["status"]).ok().says("unknown  3_view");
        sandbox.run(&["down", "--steps", "1", "--yes"]).ok().says("reverted 3_view");
        assert_eq!(
            (sandbox.applied(), sandbox.user_tables()),
            (vec!["1_t1".into(), "2_t2".into()], vec!["t1".into(), "t2".into()])
        );
    });
}

#[test]
fn a_proof_is_stale_where_another_migration_changes_what_its_down_rebuilds() {
    each_engine(|sandbox| {
        let view = |what: &str| format!("DROP VIEW v;\nCREATE VIEW v AS SELECT {what} AS a FROM t;\n");
        sandbox.migration(
            "1_t",
            "CREATE TABLE t (a integer);\nCREATE VIEW v AS SELECT a + 1 AS a FROM t;\n",
            "DROP VIEW v;\nDROP TABLE t;\n",
        );
        sandbox.migration("3_v", &view("a + 3"), &view("a + 1")).run(&["verify"]).ok();
        sandbox.migration("2_v", &view("a + 2"), &view("a + 1"));
        let object = sandbox.json(&["verify"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact", "exact", "broken"], "{object:#}");
        sandbox.run(&["verify"]).exits(1).says("3_v").says("v is not what it was before the up");
        sandbox.migration("3_v", &view("a + 3"), &view("a + 2")).run(&["verify"]).ok();
        // What it rebuilds is taken back before what it was built on, never beside it.
        sandbox.run(&["up"]).ok();
        sandbox.run(&["down", "--to", "1_t", "--yes"]).ok().says("reverted 3_v").says("reverted 2_v");
    });
}

#[test]
fn downs_go_in_the_reverse_of_the_order_of_application() {
    each_engine(|sandbox| {
        let table = |n| (format!("{n}_t{n}"), format!("CREATE TABLE t{n} (id integer);"), format!("DROP TABLE t{n};"));
        for n in [1, 4, 2, 3] {
            let (id, up, down) = table(n);
            sandbox.migration(&id, &up, &down).run(&["up"]).ok();
        }
        let applied: Vec<String> = sandbox.ledger_rows().into_iter().filter(|row| row.contains("done")).collect();
        assert_eq!(applied, ["apply done 1_t1", "apply done 4_t4", "apply done 2_t2", "apply done 3_t3"]);
        let down = sandbox.json(&["down", "--all", "--yes"]);
        assert_eq!(each(&down["steps"], "/id"), ["3_t3", "2_t2", "4_t4", "1_t1"]);
    });
}

#[test]
fn two_migrations_with_the_same_id_are_an_error_before_the_first_statement() {
    for (layout, files) in [
        ("golang-migrate", ["2_a.up.sql", "2_a.down.sql", "2_b.up.sql", "2_b.down.sql", "1_c.up.sql", "1_c.down.sql"]),
        ("sqlx", ["2_a.up.sql", "2_a.down.sql", "2_b.up.sql", "2_b.down.sql", "1_c.up.sql", "1_c.down.sql"]),
    ] {
        let sandbox = Sandbox::new(Kind::Sqlite);
        for file in files {
            let table = &file[2..3];
            let text = if file.contains("up") {
                format!("CREATE TABLE {table} (id integer);")
            } else {
                format!("DROP TABLE {table};")
            };
            sandbox.write(&format!("migrations/{file}"), text);
        }
        for command in ["check", "verify", "up"] {
            sandbox.run(&[command, "--layout", layout]).exits(1).says("2_a").says("2_b");
        }
        assert!(sandbox.all_tables().is_empty());
    }
}

#[test]
fn names_that_differ_only_by_case_are_told() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).migration("1_T1", "CREATE TABLE other (id integer);", "DROP TABLE other;");
    sandbox.run(&["check"]).exits(1).says("1_T1").says("1_t1");
}

#[test]
fn a_missing_down_in_the_middle_of_a_plan_is_an_error_before_the_first_statement() {
    each_engine(|sandbox| {
        sandbox.tables(3).remove("migrations/2_t2/down.sql");
        sandbox.run(&["up"]).exits(1).says("2_t2 is missing");
        sandbox.run(&["waive", "2_t2", "--reason", "old"]).ok();
        sandbox.run(&["up"]).ok();
        sandbox.run(&["down", "--all", "--yes"]).exits(1).says("2_t2").says("nothing was run");
        assert_eq!(sandbox.user_tables(), ["t1", "t2", "t3"]);
        sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
    });
}

#[test]
fn down_without_a_target_and_without_a_terminal_is_a_usage_error() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        sandbox.run(&["down"]).exits(2).says("--steps 1").says("--all");
        sandbox.run(&["down", "--yes"]).exits(2);
        sandbox.run(&["down", "--all"]).exits(2).says("--yes");
        assert_eq!(sandbox.user_tables(), ["t1", "t2"]);
    });
}

#[test]
fn a_shadow_url_that_is_the_target_under_another_spelling_is_refused() {
    each_engine(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        sandbox.tables_from(2, 2);
        let swapped = if sandbox.url.contains("127.0.0.1") {
            sandbox.url.replace("127.0.0.1", "localhost")
        } else {
            sandbox.url.replace("localhost", "127.0.0.1")
        };
        let spellings = match sandbox.kind {
            Kind::Sqlite => vec![sandbox.url.clone(), "sqlite:app.db".into(), "sqlite:../project/./app.db".into()],
            Kind::Postgres | Kind::Mysql => vec![sandbox.url.clone(), sandbox.url.replace("/sbt", "/%73bt"), swapped],
        };
        for url in spellings {
            for variable in [None, Some("SWITCHBACK_SHADOW")] {
                let output = match variable {
                    None => sandbox.run(&["verify", "--fresh", "--shadow", &url]),
                    Some(name) => sandbox.run_with(&["up"], &[(name, &url)]),
                };
                output.exits(2).says("target");
            }
        }
        assert_eq!(sandbox.user_tables(), ["t1"]);
    });
}

#[test]
fn a_shadow_that_we_did_not_make_and_that_is_not_empty_is_refused() {
    each_server(|sandbox| {
        sandbox.tables(1);
        let other = Sandbox::new(sandbox.kind);
        other.sql("CREATE TABLE precious (id integer)");
        let output = sandbox.run(&["verify", "--shadow", &other.url]);
        assert_eq!(other.user_tables(), ["precious"], "{}", output.all());
        assert!(other.sql("SELECT * FROM precious").is_empty());
    });
}

#[test]
fn a_dump_that_is_loaded_elsewhere_has_the_ledger_with_its_guard() {
    each_server(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        let copy = Sandbox::new(sandbox.kind);
        load(&copy, &dump(sandbox));
        let there = [("DATABASE_URL", copy.url.as_str())];
        sandbox.run_with(&["log", "--verify"], &there).ok();
        for change in ["UPDATE {} SET reason = 'none'", "DELETE FROM {}"] {
            let refused = copy.connect().attempt(&change.replace("{}", copy.ledger())).unwrap_err().to_string();
            assert!(refused.contains("only grows"), "{refused}");
        }
        sandbox.run_with(&["down", "--all", "--yes"], &there).ok();
        assert!(copy.user_tables().is_empty());
    });
}

/// The database as the server's own tool dumps it.
fn dump(sandbox: &Sandbox) -> Vec<u8> {
    let mut command = match sandbox.kind {
        Kind::Postgres => Command::new("pg_dump"),
        _ => client(sandbox, if sandbox.is_mariadb() { "mariadb-dump" } else { "mysqldump" }),
    };
    if sandbox.kind == Kind::Postgres {
        command.args(["--dbname", &sandbox.url]);
    } else {
        command.args(["--routines", "--no-tablespaces", &sandbox.name]);
    }
    let ran = command.output().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// Runs a dump by the server's own client.
fn load(sandbox: &Sandbox, dump: &[u8]) {
    let file = sandbox.home().join("dump.sql");
    std::fs::write(&file, dump).expect("a file");
    let mut command = match sandbox.kind {
        Kind::Postgres => Command::new("psql"),
        _ => client(sandbox, if sandbox.is_mariadb() { "mariadb" } else { "mysql" }),
    };
    if sandbox.kind == Kind::Postgres {
        command.args(["-X", "-q", "--dbname", &sandbox.url]);
    } else {
        command.arg(&sandbox.name);
    }
    let ran = command.stdin(Stdio::from(std::fs::File::open(file).expect("the dump"))).output().expect("the client");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A program of the MySQL family's on the server under test.
fn client(sandbox: &Sandbox, program: &str) -> Command {
    let server = sandbox.kind.server();
    let mut command = Command::new(program);
    command.args(["--no-defaults", "--protocol=tcp", &format!("--host={}", server.host_str().unwrap_or_default())]);
    command.args([&format!("--port={}", server.port().unwrap_or(3306)), &format!("--user={}", server.username())]);
    command.env("MYSQL_PWD", server.password().unwrap_or_default());
    command
}

const PASSWORD: &str = "cana^%@/#?$ ryry";
const PARTS: [&str; 2] = ["cana", "ryry"];

#[test]
fn an_odd_password_works_and_no_part_of_it_is_ever_printed() {
    each_server(|sandbox| {
        sandbox.tables(1);
        let options = if sandbox.kind == Kind::Postgres { "SUPERUSER" } else { "ALL" };
        let login = Login::new(sandbox, PASSWORD, options);
        let user = login.url.find(&login.name).expect("the user") + login.name.len();
        let bare = format!("{}{}", &login.url[..user], &login.url[login.url.find('@').expect("an @")..]);
        let silent = |output: common::Output| PARTS.iter().fold(output, |output, part| output.says_not(part));
        let empty = [("DATABASE_URL", "")];
        silent(sandbox.run_with(&["status"], &[("DATABASE_URL", &login.url)])).ok();
        silent(sandbox.run_with(&["status", "--database", &login.url], &empty)).ok();
        sandbox.write(".env", format!("DATABASE_URL={}\n", login.url));
        silent(sandbox.run_with(&["status"], &empty)).ok();
        sandbox.remove(".env").write("switchback.toml", format!("[databases.main]\nurl = \"{}\"\n", login.url));
        silent(sandbox.run_with(&["status"], &empty)).ok();
        sandbox.write("secret", format!("{PASSWORD}\n"));
        sandbox.write("switchback.toml", format!("[databases.main]\nurl = \"{bare}\"\npassword_file = \"secret\"\n"));
        silent(sandbox.run_with(&["status"], &empty)).ok();
        sandbox.write(
            "switchback.toml",
            format!("[databases.main]\nurl = \"{bare}\"\npassword_command = \"cat secret\"\n"),
        );
        silent(sandbox.run_with(&["status"], &empty)).ok();
        sandbox.remove("switchback.toml");

        // Not encoded, it is an error that shows nothing of it; wrong places, too.
        let scheme = if sandbox.kind == Kind::Postgres { "postgres" } else { "mysql" };
        let raw = format!("{scheme}://{}:{PASSWORD}@127.0.0.1/{}", login.name, sandbox.name);
        let output = silent(sandbox.run(&["status", "--database", &raw]));
        assert!([2, 3].contains(&output.code), "{output:?}");
        silent(sandbox.run(&["status", "--database", &login.url.replace(&sandbox.name, "no_such_database")])).exits(3);
        silent(sandbox.run(&["status", "--database", &login.url, "--shadow", &login.url])).ok();
        silent(sandbox.run(&["verify", "--database", &login.url, "--shadow", &login.url])).exits(2);
    });
}

// Transactions and what a script leaves in its session.

#[test]
fn two_indexes_built_concurrently_in_one_file() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.migration("1_t", "CREATE TABLE t (a integer, b integer);", "DROP TABLE t;");
    sandbox.migration(
        "2_ix",
        "CREATE INDEX CONCURRENTLY ia ON t (a);\nCREATE INDEX CONCURRENTLY ib ON t (b);\n",
        "DROP INDEX CONCURRENTLY ib;\nDROP INDEX CONCURRENTLY ia;\n",
    );
    sandbox.run(&["up"]).ok();
    let indexes = "SELECT string_agg(relname || indisvalid, ' ' ORDER BY relname) FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname IN ('ia', 'ib')";
    assert_eq!(sandbox.value(indexes), "iatrue ibtrue");
    assert_eq!(sandbox.ledger_rows(), ["apply done 1_t", "apply started 2_ix", "apply done 2_ix"]);
    sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
    assert_eq!(sandbox.value(indexes), "");
    sandbox.run(&["redo"]).ok();
    sandbox.run(&["log", "--verify"]).ok();
}

#[test]
fn an_insert_before_a_failing_concurrent_index_happens_once() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.migration(
        "1_t",
        "CREATE TABLE t (a integer);\nCREATE TABLE u (a integer);\n",
        "DROP TABLE u;\nDROP TABLE t;\n",
    );
    sandbox.run(&["up"]).ok();
    sandbox.migration(
        "2_ix",
        "INSERT INTO t (a) VALUES (1);\nCREATE INDEX CONCURRENTLY iu ON u (a);\n",
        "DROP INDEX CONCURRENTLY iu;\nDELETE FROM t WHERE a = 1;\n",
    );
    sandbox.run(&["verify"]);
    sandbox.sql("ALTER TABLE u RENAME TO elsewhere");
    sandbox.run(&["up"]).exits(4).says("1 of its statements");
    let again = sandbox.run(&["up"]);
    assert!([1, 4].contains(&again.code), "{again:?}");
    assert_eq!(sandbox.value("SELECT count(*) FROM t"), "1");
    sandbox.sql("ALTER TABLE elsewhere RENAME TO u");
    sandbox.run(&["up"]).ok();
    assert_eq!(sandbox.value("SELECT count(*) FROM t"), "1");
    assert_eq!(sandbox.applied(), ["1_t", "2_ix"]);
}

#[test]
fn an_invalid_index_is_found_and_rebuilt() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.migration("1_t", "CREATE TABLE t (a integer);", "DROP TABLE t;").run(&["up"]).ok();
    sandbox.sql("INSERT INTO t VALUES (7), (7)");
    sandbox.migration(
        "2_ux",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ux ON t (a);\n",
        "DROP INDEX CONCURRENTLY ux;\n",
    );
    let failed = sandbox.run(&["up"]).says("duplicate");
    assert!([1, 4].contains(&failed.code), "{failed:?}");
    sandbox.sql("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
    sandbox.run(&["up"]).ok();
    assert_eq!(
        sandbox.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ux'::regclass").chars().next(),
        Some('t')
    );
    assert_eq!(sandbox.applied(), ["1_t", "2_ux"]);
}

#[test]
fn a_second_runner_polls_while_the_first_builds_concurrently() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.write("switchback.toml", "lock_timeout = 60000\n");
    sandbox.migration("1_t", "CREATE TABLE t (a integer);", "DROP TABLE t;").run(&["up"]).ok();
    sandbox.migration("2_ix", "CREATE INDEX CONCURRENTLY ia ON t (a);\n", "DROP INDEX CONCURRENTLY ia;\n");
    sandbox.run(&["verify"]).ok();
    let mut writer = sandbox.connect();
    writer.sql("BEGIN; INSERT INTO t VALUES (1)");
    let first = sandbox.start(&["up"]);
    let sessions = |pattern: &str| {
        let query = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE '{pattern}' AND pid <> pg_backend_pid()"
        );
        sandbox.value(&query).parse::<u32>().expect("a number")
    };
    until("the first runner builds", || sessions("create index concurrently%") == 1);
    let mut second = sandbox.start(&["up"]);
    until("the second runner waits", || second.has_said("waiting for the lock") || second.has_ended());
    writer.sql("COMMIT");
    let (first, second) = (first.wait().ok(), second.wait().ok());
    assert_eq!(first.stdout.matches("applied ").count() + second.stdout.matches("applied ").count(), 1);
}

#[test]
fn a_new_enum_value_used_in_the_same_script_is_told_with_both_lines() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.migration(
        "1_e",
        "CREATE TYPE st AS ENUM ('a');\nCREATE TABLE t (s st);\n",
        "DROP TABLE t;\nDROP TYPE st;\n",
    );
    sandbox.migration("2_b", "ALTER TYPE st ADD VALUE 'b';\n\nINSERT INTO t VALUES ('b');\n", "DELETE FROM t;\n");
    sandbox.run(&["check"]).says("up.sql:3").says("line 1");
}

#[test]
fn what_a_script_sets_in_its_session_reaches_neither_the_next_nor_the_ledger() {
    each_engine(|sandbox| {
        let set = match sandbox.kind {
            Kind::Sqlite => {
                "PRAGMA foreign_keys = ON;\nPRAGMA case_sensitive_like = ON;\nPRAGMA recursive_triggers = ON;\n"
            }
            Kind::Postgres => {
                "SELECT set_config('search_path', '', false);\nSET default_transaction_read_only = on;\n\
                 SET standard_conforming_strings = off;\nSET lock_timeout = 1;\nSET TimeZone = 'Asia/Tokyo';\n"
            }
            Kind::Mysql => {
                "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';\nSET SESSION TRANSACTION READ ONLY;\nSET SESSION foreign_key_checks = 0;\n"
            }
        };
        sandbox.migration("1_a", &format!("CREATE TABLE a (id integer);\n{set}"), &format!("DROP TABLE a;\n{set}"));
        sandbox.migration(
            "2_b",
            "CREATE TABLE b (body varchar(20));\nINSERT INTO b (body) VALUES ('it''s');\n",
            "DROP TABLE b;\n",
        );
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.user_tables(), ["a", "b"]);
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
        sandbox.run(&["log", "--verify"]).ok();
        assert!(sandbox.user_tables().is_empty());
    });
}

#[test]
fn a_role_that_a_script_takes_on_does_not_last() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let take = "DO $$ BEGIN EXECUTE format('SET ROLE %I', current_user); END $$;\nSET SESSION AUTHORIZATION DEFAULT;\n";
    sandbox.migration("1_a", &format!("CREATE TABLE a (id integer);\n{take}"), "DROP TABLE a;\n").tables_from(2, 2);
    sandbox.run(&["up"]).ok();
    sandbox.run(&["down", "--all", "--yes"]).ok();
}

#[test]
fn what_the_server_must_have_is_told_with_what_helps() {
    each_server(|sandbox| {
        let ups = match sandbox.kind {
            Kind::Postgres => vec![
                "CREATE EXTENSION sb_no_such;",
                "CREATE TABLE a (id integer); GRANT SELECT ON a TO sb_no_such;",
                "CREATE TABLE a (id integer) TABLESPACE sb_no_such;",
            ],
            Kind::Mysql | Kind::Sqlite => vec!["CREATE TABLE a (id integer) ENGINE = sb_no_such;"],
        };
        for up in ups {
            sandbox.migration("1_a", up, "DROP TABLE a;\n");
            sandbox.run(&["verify"]).exits(1).says("sb_no_such").says("the server on which the shadow stands needs it");
        }
    });
}

#[test]
fn commit_inside_a_script_is_refused_before_the_start_with_its_line() {
    each_engine(|sandbox| {
        sandbox.migration(
            "1_c",
            "CREATE TABLE c1 (id integer);\n  COMMIT;\nCREATE TABLE c2 (id integer);\n",
            "DROP TABLE c2;\nDROP TABLE c1;\n",
        );
        for command in ["check", "verify", "up"] {
            sandbox.run(&[command]).exits(1).says("up.sql:2:3").says("COMMIT");
        }
        assert!(sandbox.all_tables().is_empty());
    });
}

#[test]
fn a_transaction_left_open_is_an_error_and_nothing_is_called_applied() {
    each_server(|sandbox| {
        sandbox.migration("1_c", "BEGIN;\nCREATE TABLE c1 (id integer);\n", "DROP TABLE c1;\n");
        sandbox.write("migrations/1_c/migration.toml", "transaction = \"off\"\n");
        let output = sandbox.run(&["up"]).says("BEGIN");
        assert_ne!(output.code, 0, "{output:?}");
        assert!(sandbox.applied().is_empty());
    });
}

#[test]
fn mysql_half_a_script_is_gone_on_with() {
    half_a_script(|sandbox| {
        sandbox.sql("DELETE FROM t WHERE id = 2");
        sandbox.run(&["up"]).ok();
        assert_eq!(
            (sandbox.applied(), sandbox.user_tables()),
            (vec!["1_t".into(), "2_ux".into()], vec!["a".into(), "t".into()])
        );
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
        assert!(sandbox.user_tables().is_empty());
    });
}

/// The first of two statements took effect, the second meets rows that it cannot stand.
fn half_a_script(then: impl Fn(&Sandbox)) {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.migration("1_t", "CREATE TABLE t (id integer PRIMARY KEY, v integer);", "DROP TABLE t;").run(&["up"]).ok();
    sandbox.sql("INSERT INTO t VALUES (1, 7), (2, 7)");
    sandbox.migration(
        "2_ux",
        "CREATE TABLE a (id integer);\nCREATE UNIQUE INDEX ux ON t (v);\n",
        "DROP INDEX ux ON t;\nDROP TABLE a;\n",
    );
    sandbox.run(&["up"]).exits(4).says("up.sql:2:1").says("statement 2 of 2").says("1 of its statements");
    sandbox.run(&["status"]).ok().says("half-way").says("2_ux");
    sandbox.run(&["up"]).exits(4).says("Duplicate");
    assert_eq!(sandbox.user_tables(), ["a", "t"]);
    then(&sandbox);
    sandbox.run(&["log", "--verify"]).ok();
}

#[test]
fn sqlite_a_table_rebuilt_with_foreign_keys_off_keeps_its_children() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration(
        "1_base",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);\n\
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE);\n",
        "DROP TABLE child;\nDROP TABLE parent;\n",
    );
    sandbox.run(&["up"]).ok();
    sandbox.sql("INSERT INTO parent VALUES (1, 'a'), (2, 'b')");
    sandbox.sql("INSERT INTO child VALUES (1, 1), (2, 1), (3, 2)");
    let rebuild = |columns: &str| {
        format!(
            "PRAGMA foreign_keys = OFF;\nCREATE TABLE fresh ({columns});\nINSERT INTO fresh (id, name) SELECT id, name FROM parent;\n\
             DROP TABLE parent;\nALTER TABLE fresh RENAME TO parent;\nPRAGMA foreign_keys = ON;\n"
        )
    };
    sandbox.migration(
        "2_age",
        &rebuild("id INTEGER PRIMARY KEY, name TEXT, age INTEGER"),
        &rebuild("id INTEGER PRIMARY KEY, name TEXT"),
    );
    sandbox.run(&["verify"]).ok();
    sandbox.run(&["up"]).ok();
    assert_eq!(sandbox.value("SELECT count(*) FROM child"), "3");
    sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss"]).ok();
    assert_eq!(sandbox.value("SELECT count(*) FROM child"), "3");
    assert!(sandbox.sql("PRAGMA foreign_key_check").is_empty());
}

#[test]
fn a_held_table_ends_in_a_lock_timeout_with_its_own_exit_code() {
    each_engine(|sandbox| {
        sandbox.write("switchback.toml", "lock_timeout = 200\nlock_wait = 1\n");
        sandbox.tables(1).run(&["up"]).ok();
        sandbox.migration(
            "2_more",
            "ALTER TABLE t1 ADD COLUMN name varchar(9);\n",
            "ALTER TABLE t1 DROP COLUMN name;\n",
        );
        sandbox.run(&["verify"]).ok();
        let mut holder = sandbox.connect();
        match sandbox.kind {
            Kind::Sqlite => holder.sql("BEGIN IMMEDIATE; INSERT INTO t1 VALUES (1)"),
            Kind::Postgres => holder.sql("SET application_name = 'nightly report'; BEGIN; SELECT * FROM t1"),
            Kind::Mysql => {
                holder.sql("START TRANSACTION");
                holder.sql("INSERT INTO t1 VALUES (1)")
            }
        };
        let output = sandbox.run(&["up"]).exits(5);
        if sandbox.kind == Kind::Postgres {
            output.says("nightly report");
        }
        assert_eq!(sandbox.ledger_count("apply done"), 1);
        holder.sql("ROLLBACK");
        sandbox.run(&["up"]).ok();
    });
}

#[test]
fn an_account_without_rights_is_told_the_exact_grant() {
    each_server(|sandbox| {
        sandbox.tables(1).run(&["verify"]).ok();
        let options = if sandbox.kind == Kind::Postgres { "NOSUPERUSER" } else { "SELECT" };
        let login = Login::new(sandbox, "x", options);
        let as_login = |args: &[&str]| sandbox.run_with(args, &[("DATABASE_URL", &login.url)]);
        let up = as_login(&["up", "--locked"]).says("GRANT CREATE").says(&login.name);
        assert!([1, 3].contains(&up.code), "{up:?}");
        let verify = as_login(&["verify", "--fresh", "--shadow", "server"]);
        assert!([1, 2, 3].contains(&verify.code), "{verify:?}");
        let right = if sandbox.kind == Kind::Postgres { "CREATEDB" } else { "GRANT" };
        verify.says(right).says(&login.name);
        assert!(sandbox.all_tables().is_empty());
    });
}

#[test]
fn eight_processes_on_an_empty_database_all_end_well() {
    each_engine(|sandbox| {
        sandbox.tables(5).run(&["verify"]).ok();
        let runners: Vec<_> = (0..8).map(|_| sandbox.start(&["up", "--locked"])).collect();
        runners.into_iter().for_each(|runner| drop(runner.wait().ok()));
        let applied: Vec<String> = (1..=5).map(|n| format!("apply done {n}_t{n}")).collect();
        let done: Vec<String> = sandbox.ledger_rows().into_iter().filter(|row| row.contains("done")).collect();
        assert_eq!(done, applied);
        assert_eq!(sandbox.user_tables(), ["t1", "t2", "t3", "t4", "t5"]);
        sandbox.run(&["log", "--verify"]).ok();
    });
}
