//! The invariants of the design, each with its number; on SQLite, PostgreSQL and MariaDB or MySQL.

mod common;

use std::time::Duration;

use common::login::Login;
use common::shadows::{long_verification, shadows_of, still_there};
use common::slow::{is_under_way, slow};
use common::{Kind, Sandbox, each, each_engine, each_server, until};

#[test]
fn i1_nothing_unproven_is_ever_applied() {
    each_engine(|sandbox| {
        sandbox.tables(1).migration("2_bad", "CREATE TABLE bad (id integer);\n", "SELECT 1;\n");
        for args in [
            &["up"][..],
            &["up", "--yes"],
            &["up", "--to", "2_bad"],
            &["up", "--steps", "2"],
            &["up", "--yes", "--accept-loss"],
        ] {
            sandbox.run(args).exits(1).says("2_bad is broken");
            assert!(sandbox.all_tables().is_empty(), "{args:?} touched the database");
        }
        // A proof that names another script is none.
        sandbox.run(&["verify"]).exits(1);
        sandbox.migration("2_bad", "CREATE TABLE good (id integer);\n", "DROP TABLE good;\n").run(&["verify"]).ok();
        let registry = sandbox.read("migrations/registry.toml");
        sandbox.migration("2_bad", "CREATE TABLE bad (id integer);\n", "SELECT 1;\n");
        sandbox.write("migrations/registry.toml", &registry).run(&["up", "--locked"]).exits(1);
        sandbox.write("migrations/registry.toml", &registry).run(&["seal"]).ok();
        sandbox.run(&["up", "--locked"]).exits(1).says("not proven");
        assert!(sandbox.all_tables().is_empty());
    });
}

#[test]
fn i1_a_forged_proof_is_found_by_verify_fresh_locked() {
    each_engine(|sandbox| {
        sandbox.tables(1).migration("2_bad", "CREATE TABLE bad (id integer);\n", "SELECT 1;\n");
        sandbox.run(&["verify"]).exits(1);
        let registry = sandbox.read("migrations/registry.toml");
        assert!(registry.contains("broken"), "{registry}");
        sandbox.write("migrations/registry.toml", registry.replace("broken", "exact"));
        sandbox.run(&["verify", "--fresh", "--locked"]).exits(1).says("broken");
    });
}

#[test]
fn i1_what_was_proven_in_another_state_is_not_proven() {
    each_engine(|sandbox| {
        sandbox.tables(1);
        // Standing on nothing, the view's table is made by itself; behind 1_t1 the up fails.
        sandbox
            .migration("2_same", "CREATE TABLE IF NOT EXISTS t9 (id integer);\n", "DROP TABLE t9;\n")
            .run(&["verify"])
            .ok();
        sandbox.migration("1_t1", "CREATE TABLE t9 (id integer);\n", "DROP TABLE t9;\n");
        sandbox.run(&["seal"]).ok();
        sandbox.run(&["up", "--locked"]).exits(1).says("not proven");
        sandbox.run(&["up"]).exits(1).says("2_same is broken");
        assert!(sandbox.all_tables().is_empty());
    });
}

#[test]
fn i2_only_the_sealed_script_runs() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["verify"]).ok();
        for (file, text) in [
            ("up.sql", "CREATE TABLE t2 (id integer, evil integer);\n"),
            ("down.sql", "DROP TABLE t2; DROP TABLE t1;\n"),
            ("verify.sql", "SELECT 1;\n"),
            ("migration.toml", "transaction = \"off\"\n"),
        ] {
            let path = format!("migrations/2_t2/{file}");
            let before = file
                .ends_with("p.sql")
                .then(|| sandbox.read(&path))
                .or((file == "down.sql").then(|| sandbox.read(&path)));
            sandbox.write(&path, text);
            sandbox.run(&["up", "--locked"]).exits(1).says("switchback seal");
            sandbox.run(&["check"]).exits(1).says("2_t2");
            match before {
                Some(text) => drop(sandbox.write(&path, text)),
                None => drop(sandbox.remove(&path)),
            }
        }
        assert!(sandbox.all_tables().is_empty());
        sandbox.run(&["up", "--locked"]).ok();
    });
}

#[test]
fn i3_a_checkout_that_has_never_seen_the_migrations_takes_them_back() {
    each_engine(|sandbox| {
        sandbox.tables(1).migration(
            "2_view",
            "CREATE TABLE base (id integer);\nCREATE VIEW v AS SELECT id FROM base;\n",
            "DROP VIEW v;\nDROP TABLE base;\n",
        );
        sandbox.run(&["up"]).ok();
        sandbox
            .remove("migrations")
            .tables(1)
            .remove("migrations/1_t1")
            .write("migrations/registry.toml", "format = 1\n");
        sandbox.run(&["status"]).ok().says("unknown  1_t1").says("unknown  2_view");
        sandbox.run(&["plan", "down", "--steps", "1"]).ok().says("script from the ledger");
        sandbox.run(&["down", "--to", "1_t1", "--yes"]).ok().says("reverted 2_view");
        sandbox.run(&["down", "--all", "--yes", "--locked"]).ok().says("reverted 1_t1");
        assert!(sandbox.user_tables().is_empty());
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn i3_a_changed_script_of_the_ledger_is_not_run() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        sandbox.remove("migrations/2_t2");
        let table = sandbox.ledger().replace("_ledger", "_script");
        disarm(sandbox);
        sandbox.sql(&format!("UPDATE {table} SET body = 'DROP TABLE t1' WHERE body LIKE 'DROP TABLE t2%'"));
        sandbox.run(&["down", "--steps", "1", "--yes"]).exits(1).says("was changed");
        assert_eq!(sandbox.user_tables(), ["t1", "t2"]);
    });
}

#[test]
fn i4_after_kill_9_in_the_middle_of_a_script_the_next_run_ends_it_once() {
    each_engine(|sandbox| {
        slow(sandbox, 3);
        let runner = sandbox.start(&["up", "--locked"]);
        until("the script is under way", || is_under_way(sandbox));
        runner.kill();
        sandbox.run(&["up", "--locked"]).ok();
        assert_eq!(sandbox.applied(), ["1_parts"]);
        assert_eq!(sandbox.user_tables(), ["done", "part1", "part2"]);
        assert_eq!(sandbox.ledger_count("apply done 1_parts"), 1);
        if sandbox.kind != Kind::Postgres {
            assert_eq!(sandbox.value("SELECT count(*) FROM done"), "1");
        }
        sandbox.run(&["log", "--verify"]).ok();
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
        assert!(sandbox.user_tables().is_empty());
    });
}

#[test]
fn i4_after_a_cut_connection_the_next_run_ends_it_once() {
    each_server(|sandbox| {
        slow(sandbox, 6);
        let runner = sandbox.start(&["up", "--locked"]);
        until("the script is under way", || is_under_way(sandbox));
        match sandbox.kind {
            Kind::Postgres => drop(sandbox.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(%' AND query NOT LIKE '%switchback_script%' AND pid <> pg_backend_pid()")),
            _ => {
                let id = sandbox.value("SELECT id FROM information_schema.processlist WHERE db = database() AND info LIKE '%sleep(%' AND info NOT LIKE '%switchback_script%' AND id <> connection_id()");
                sandbox.sql(&format!("KILL {id}"));
            }
        }
        let output = runner.wait();
        assert!([1, 3, 4].contains(&output.code), "{output:?}");
        sandbox.run(&["up", "--locked"]).ok();
        assert_eq!(sandbox.user_tables(), ["done", "part1", "part2"]);
        assert_eq!(sandbox.ledger_count("apply done 1_parts"), 1);
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn i4_mysql_after_kill_9_inside_a_ddl_statement_it_is_known_whether_it_took_effect() {
    let sandbox = &Sandbox::new(Kind::Mysql);
    sandbox.migration(
        "1_copy",
        "CREATE TABLE a (id integer);\nCREATE TABLE b AS SELECT if(database() LIKE 'sbt%', sleep(3), 0) AS id;\nCREATE TABLE c (id integer);\n",
        "DROP TABLE c;\nDROP TABLE b;\nDROP TABLE a;\n",
    );
    sandbox.run(&["verify"]).ok();
    let runner = sandbox.start(&["up", "--locked"]);
    until("the statement is under way", || is_under_way(sandbox));
    runner.kill();
    sandbox.run(&["up", "--locked"]).ok();
    assert_eq!(sandbox.user_tables(), ["a", "b", "c"]);
    assert_eq!(sandbox.ledger_count("apply done"), 1);
}

#[test]
fn i4_mysql_a_statement_without_a_trace_stops_with_a_way_out() {
    let sandbox = &Sandbox::new(Kind::Mysql);
    sandbox.migration(
        "1_do",
        "CREATE TABLE a (id integer);\nDO if(database() LIKE 'sbt%', sleep(3), 0);\n",
        "DROP TABLE a;\n",
    );
    sandbox.run(&["verify"]).ok();
    let runner = sandbox.start(&["up", "--locked"]);
    until("the statement is under way", || is_under_way(sandbox));
    runner.kill();
    let output = sandbox.run(&["up", "--locked"]);
    assert!(output.code == 0 || (output.code == 4 && output.stderr.contains("help:")), "{output:?}");
}

#[test]
fn i4_a_run_killed_at_any_moment_is_no_hindrance_to_the_next() {
    each_engine(|sandbox| {
        for moment in 0..8 {
            let sandbox = Sandbox::new(sandbox.kind);
            sandbox.tables(2).run(&["verify"]).ok();
            let runner = sandbox.start(&["up", "--locked"]);
            // Not to wait for anything: to be somewhere else each time.
            std::thread::sleep(Duration::from_millis(15 + 9 * moment));
            runner.kill();
            sandbox.run(&["up", "--locked"]).ok();
            assert_eq!(
                (sandbox.user_tables(), sandbox.ledger_count("apply done")),
                (vec!["t1".into(), "t2".into()], 2)
            );
            sandbox.run(&["log", "--verify"]).ok();
        }
    });
}

#[test]
fn i5_two_runners_never_both_act_and_the_holder_is_named() {
    each_engine(|sandbox| {
        slow(sandbox, 4);
        let first = sandbox.start(&["up", "--locked"]);
        until("the first runner is inside its script", || is_under_way(sandbox));
        let refused = sandbox.run(&["up", "--locked", "--lock-wait", "1"]).exits(5);
        if sandbox.kind != Kind::Sqlite {
            // SQLite's lock is the file's own: who holds it cannot be read while it is held.
            refused.says("tester");
        }
        let second = sandbox.start(&["up", "--locked"]);
        let third = sandbox.start(&["up", "--locked"]);
        let outputs = [first.wait().ok(), second.wait().ok(), third.wait().ok()];
        let acted = outputs.iter().filter(|output| output.stdout.contains("applied  1_parts")).count();
        assert_eq!((acted, sandbox.ledger_count("apply done 1_parts")), (1, 1));
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn i5_ups_and_downs_at_the_same_time_leave_a_chain_that_holds() {
    each_engine(|sandbox| {
        sandbox.tables(3).run(&["verify"]).ok();
        let ups = (0..4).map(|_| sandbox.start(&["up", "--locked"]));
        let downs = (0..4).map(|_| sandbox.start(&["down", "--all", "--yes", "--locked"]));
        let runners: Vec<_> = ups.chain(downs).collect();
        runners.into_iter().for_each(|runner| drop(runner.wait().ok()));
        sandbox.run(&["log", "--verify"]).ok();
        let applied: Vec<String> = sandbox.applied().iter().map(|id| id[2..].to_owned()).collect();
        assert_eq!(sandbox.user_tables(), applied);
    });
}

/// What an attacker with the owner's rights would do first.
fn disarm(sandbox: &Sandbox) {
    let names = match sandbox.kind {
        Kind::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'switchback%'",
        Kind::Postgres => {
            "SELECT tgname || ' ON ' || tgrelid::regclass FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'switchback%' AND NOT tgisinternal"
        }
        Kind::Mysql => {
            "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database() AND event_object_table LIKE 'switchback%'"
        }
    };
    let names: Vec<String> = sandbox.sql(names).into_iter().flatten().flatten().collect();
    assert!(!names.is_empty(), "the ledger has triggers against being changed");
    names.iter().for_each(|name| drop(sandbox.sql(&format!("DROP TRIGGER {name}"))));
}

#[test]
fn i6_the_ledger_refuses_to_be_changed() {
    each_engine(|sandbox| {
        sandbox.tables(3).run(&["up"]).ok();
        let ledger = sandbox.ledger();
        for sql in [
            format!("UPDATE {ledger} SET actor = 'somebody'"),
            format!("DELETE FROM {ledger} WHERE seq = 2"),
            format!("DELETE FROM {ledger}"),
        ] {
            assert!(sandbox.connect().attempt(&sql).is_err(), "{sql}");
        }
        if sandbox.kind == Kind::Postgres {
            assert!(sandbox.connect().attempt(&format!("TRUNCATE {ledger}")).is_err());
        }
        sandbox.run(&["log", "--verify"]).ok().says(&format!("{} rows", sandbox.ledger_rows().len()));
    });
}

#[test]
fn i6_every_way_to_tamper_is_found_and_the_row_is_named() {
    each_engine(|sandbox| {
        let ledger = sandbox.ledger();
        let tampering = [
            ("UPDATE {l} SET actor = 'somebody' WHERE seq = 3", "#3"),
            ("UPDATE {l} SET reason = 'because' WHERE seq = 2", "#2"),
            ("UPDATE {l} SET reason = '' WHERE seq = 2", "#2"),
            ("UPDATE {l} SET started_at = '2020-01-01T00:00:00Z' WHERE seq = 1", "#1"),
            ("UPDATE {l} SET digest = up_checksum WHERE seq = 4", "#4"),
            ("DELETE FROM {l} WHERE seq = 3", "#3"),
            ("DELETE FROM {l} WHERE seq = 1", "#1"),
            ("UPDATE {l} SET seq = 90 WHERE seq = 2", "#2"),
        ];
        for (sql, row) in tampering {
            let sandbox = &Sandbox::new(sandbox.kind);
            sandbox.tables(4).run(&["up"]).ok();
            disarm(sandbox);
            sandbox.sql(&sql.replace("{l}", ledger));
            sandbox.run(&["log", "--verify"]).exits(1).says(row);
            let object = sandbox.json(&["log", "--verify"]);
            assert!(object["error"]["message"].is_string(), "{object}");
        }
    });
}

#[test]
fn i6_a_cut_tail_shows_against_the_head_that_was_told() {
    each_engine(|sandbox| {
        sandbox.tables(3).run(&["up"]).ok();
        let head = sandbox.json(&["log", "--verify"])["head"].clone();
        disarm(sandbox);
        sandbox.sql(&format!("DELETE FROM {} WHERE seq = 3", sandbox.ledger()));
        assert_ne!(sandbox.json(&["log", "--verify"])["head"], head);
    });
}

#[test]
fn i7_commands_that_look_leave_no_trace() {
    each_engine(|sandbox| {
        sandbox.tables(2);
        let looks: [&[&str]; 8] = [
            &["diff", "migrations", "migrations"],
            &["status"],
            &["plan"],
            &["plan", "down", "--all"],
            &["log"],
            &["log", "--verify"],
            &["verify"],
            &["up", "--dry-run"],
        ];
        for args in looks {
            sandbox.run(args).ok();
            assert!(sandbox.all_tables().is_empty(), "{args:?} made {:?}", sandbox.all_tables());
        }
        if sandbox.kind == Kind::Sqlite {
            let fresh = Sandbox::new(Kind::Sqlite);
            fresh.tables(1);
            for args in looks {
                fresh.run(args).ok();
                assert!(!fresh.root().join("app.db").exists(), "{args:?} made the file");
            }
        }
        sandbox.run(&["up"]).ok();
        let (tables, rows) = (sandbox.all_tables(), sandbox.ledger_rows());
        for args in looks {
            sandbox.run(args).ok();
        }
        assert_eq!((sandbox.all_tables(), sandbox.ledger_rows()), (tables, rows));
    });
}

#[test]
fn i7_an_account_that_may_only_read_is_enough_to_look() {
    each_server(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        let login = Login::new(
            sandbox,
            "reader",
            if sandbox.kind == Kind::Postgres { "IN ROLE pg_read_all_data" } else { "SELECT" },
        );
        for args in [&["status"][..], &["plan"], &["plan", "down"], &["log"], &["log", "--verify"]] {
            sandbox.run_with(args, &[("DATABASE_URL", &login.url)]).ok();
        }
    });
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(2).run(&["up"]).ok();
    let before = std::fs::read(sandbox.root().join("app.db")).expect("the database");
    for args in [&["status"][..], &["plan"], &["plan", "down"], &["log"], &["log", "--verify"], &["verify", "--fresh"]]
    {
        sandbox.run(args).ok();
    }
    assert_eq!(std::fs::read(sandbox.root().join("app.db")).expect("the database"), before);
}

#[test]
fn i8_no_shadow_is_left_behind_whatever_happens() {
    each_engine(|sandbox| {
        // Success, findings, an up that fails.
        for (up, down, code) in [
            ("CREATE TABLE x (id integer);\n", "DROP TABLE x;\n", 0),
            ("CREATE TABLE x (id integer);\n", "SELECT 1;\n", 1),
            ("CREATE TABLE x (id integer);\nSELECT nothing FROM nowhere;\n", "DROP TABLE x;\n", 1),
        ] {
            sandbox.migration("1_x", up, down);
            let running = sandbox.start(&["verify", "--fresh"]);
            let pid = running.pid();
            running.wait().exits(code);
            assert_eq!(shadows_of(sandbox, pid), [""; 0]);
        }
    });
}

#[test]
fn i8_ctrl_c_and_sigterm_drop_the_shadow() {
    each_server(|sandbox| {
        for signal in ["INT", "TERM"] {
            let (mut running, names) = long_verification(sandbox);
            let begun = std::time::Instant::now();
            // The first asks to stop, the second cancels on the server; signals that come close together are one.
            until("it ends", || {
                running.signal(signal);
                running.has_ended()
            });
            let output = running.wait();
            assert_ne!(output.code, 0, "{output:?}");
            assert!(begun.elapsed().as_secs() < 30, "the running statement was not cancelled");
            assert_eq!(still_there(sandbox, &names), [""; 0], "{output:?}");
        }
        assert!(sandbox.all_tables().is_empty());
    });
}

#[test]
fn i8_what_kill_9_leaves_behind_is_swept() {
    each_server(|sandbox| {
        let (running, names) = long_verification(sandbox);
        running.kill();
        // What the server still runs for the dead runner is none of a sweep's business.
        let end = match sandbox.kind {
            Kind::Postgres => {
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", names[0])
            }
            _ => format!("SELECT concat('KILL ', id) FROM information_schema.processlist WHERE db = '{}'", names[0]),
        };
        let kills: Vec<String> = sandbox.sql(&end).into_iter().flatten().flatten().collect();
        if sandbox.kind == Kind::Mysql {
            kills.iter().for_each(|kill| drop(sandbox.connect().attempt(kill)));
        }
        until("it is swept", || {
            sandbox.run(&["shadow", "sweep"]).ok();
            still_there(sandbox, &names).is_empty()
        });
    });
}

#[test]
fn i9_what_cannot_be_read_is_an_error_and_never_identical() {
    each_server(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        // An account that may not read the ledger must not conclude that nothing is applied.
        let login = Login::new(sandbox, "blind", if sandbox.kind == Kind::Postgres { "" } else { "CREATE" });
        for args in [&["status"][..], &["plan"], &["up"], &["log", "--verify"], &["down", "--all", "--yes"]] {
            let output = sandbox.run_with(args, &[("DATABASE_URL", &login.url)]);
            assert_ne!(output.code, 0, "{args:?}: {output:?}");
        }
        assert_eq!(sandbox.user_tables(), ["t1", "t2"]);
    });
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox
        .tables(1)
        .write("app.db", "this is no database, but long enough to look like a file of something else entirely");
    for command in ["status", "up", "log", "plan", "verify"] {
        sandbox.run(&[command]).exits(3);
    }
}

#[test]
fn i9_a_ledger_that_lost_a_column_or_its_scripts_is_an_error() {
    each_engine(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        sandbox.sql(&format!("DROP TABLE {}", sandbox.ledger().replace("_ledger", "_script")));
        sandbox.remove("migrations/1_t1");
        let output = sandbox.run(&["down", "--all", "--yes"]);
        assert_ne!(output.code, 0, "{output:?}");
        assert_eq!(sandbox.user_tables(), ["t1"]);
    });
}

#[test]
fn i10_a_password_reaches_no_output_and_no_row() {
    each_server(|sandbox| {
        let canary = "kanarienvogel";
        let login = Login::new(sandbox, canary, if sandbox.kind == Kind::Postgres { "SUPERUSER" } else { "ALL" });
        let with = [("DATABASE_URL", login.url.as_str())];
        sandbox.tables(2);
        if sandbox.kind == Kind::Mysql {
            sandbox.sql(&format!("GRANT ALL ON *.* TO {} WITH GRANT OPTION", login.name));
        }
        let commands: [&[&str]; 15] = [
            &["verify"],
            &["check"],
            &["status"],
            &["plan"],
            &["up", "--dry-run"],
            &["up"],
            &["log"],
            &["log", "--verify"],
            &["redo"],
            &["down"],
            &["down", "--all", "--yes"],
            &["shadow", "sweep"],
            &["verify", "--shadow", &login.url],
            &["status", "--database", "no-such-name"],
            &["seal"],
        ];
        for args in commands {
            for json in [false, true] {
                let args = [args, if json { &["--json"] } else { &[] }].concat();
                sandbox.run_with(&args, &with).says_not(canary);
            }
        }
        for (from, to) in [
            (login.name.as_str(), "nobody_at_all"),
            (sandbox.name.as_str(), "no_such_db"),
            ("://", "s://"),
            (":", "::"),
            ("@", "@@"),
            ("127.0.0.1", "no.such.host.invalid"),
        ] {
            for args in [&["status"][..], &["status", "--json"]] {
                sandbox.run_with(args, &[("DATABASE_URL", &login.url.replace(from, to))]).says_not(canary);
            }
        }
        let rows = format!("{:?}", sandbox.sql(&format!("SELECT * FROM {}", sandbox.ledger())));
        assert!(!rows.contains(canary));
        for (path, bytes) in sandbox.files() {
            assert!(!String::from_utf8_lossy(&bytes).contains(canary), "{}", path.display());
        }
    });
}

#[test]
fn i11_rows_that_would_be_lost_are_counted_and_need_an_acceptance() {
    each_engine(|sandbox| {
        sandbox.tables(3).run(&["up"]).ok();
        sandbox.sql("INSERT INTO t3 (id) VALUES (1), (2), (3)");
        sandbox.sql("INSERT INTO t2 (id) VALUES (1)");
        let down = ["down", "--to", "1_t1", "--yes"];
        sandbox.run(&down).exits(1).says("t3 with 3 rows").says("t2 with 1 row").says("--accept-loss");
        let refused = sandbox.run(&[&down[..], &["--accept-loss=t3"]].concat()).exits(1).says("t2 with 1 row");
        assert!(!refused.stderr.contains("t3 with"), "{}", refused.stderr);
        sandbox.run(&[&down[..], &["--accept-loss=t"]].concat()).exits(1);
        sandbox.run(&["redo", "--yes"]).exits(1).says("t3 with 3 rows");
        sandbox.run(&["down", "--all", "--accept-loss"]).exits(2);
        assert_eq!(sandbox.user_tables(), ["t1", "t2", "t3"]);
        sandbox.run(&[&down[..], &["--accept-loss=t3", "--accept-loss=t2"]].concat()).ok();
        assert_eq!(sandbox.user_tables(), ["t1"]);
        // What is empty asks for nothing.
        sandbox.run(&["down", "--all", "--yes"]).ok();
    });
}

#[test]
fn i11_columns_are_told_with_their_values_and_accepted_by_name() {
    each_engine(|sandbox| {
        sandbox.tables(1).migration(
            "2_name",
            "ALTER TABLE t1 ADD COLUMN name varchar(9);\n",
            "ALTER TABLE t1 DROP COLUMN name;\n",
        );
        sandbox.run(&["up"]).ok();
        sandbox.sql("INSERT INTO t1 (id, name) VALUES (1, 'a'), (2, 'b'), (3, NULL)");
        let refused = sandbox.json(&["down", "--steps", "1", "--yes"]);
        assert!(refused["error"]["causes"].to_string().contains("t1.name with 2 values"), "{refused}");
        sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss=t1.id"]).exits(1);
        sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss=t1.name"]).ok();
        assert_eq!(sandbox.value("SELECT count(*) FROM t1"), "3");
    });
}

#[test]
fn i11_an_up_that_drops_rows_asks_as_well() {
    each_engine(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        sandbox.sql("INSERT INTO t1 (id) VALUES (1), (2)");
        sandbox.migration("2_gone", "DROP TABLE t1;\n", "CREATE TABLE t1 (id integer);\n");
        let refused = sandbox.run(&["up"]).exits(1).says("t1 with 2 rows");
        assert!(refused.stderr.contains("lossy") || refused.stderr.contains("accept-loss"), "{}", refused.stderr);
        assert_eq!(sandbox.value("SELECT count(*) FROM t1"), "2");
        sandbox.run(&["up", "--accept-loss"]).ok();
        assert!(sandbox.user_tables().is_empty());
        let log = sandbox.json(&["log"]);
        let done = each(&log["rows"], "/phase").into_iter().filter(|phase| phase == "done").count();
        assert_eq!(done, 2);
    });
}

#[test]
fn i11_a_column_of_a_view_is_no_loss() {
    each_engine(|sandbox| {
        let view = |columns: &str| format!("CREATE VIEW v AS SELECT {columns} FROM t;\n");
        sandbox.migration(
            "1_t",
            &format!("CREATE TABLE t (a int, b int);\n{}", view("a, b")),
            "DROP VIEW v; DROP TABLE t;",
        );
        sandbox.migration("2_v", &format!("DROP VIEW v;\n{}", view("a")), &format!("DROP VIEW v;\n{}", view("a, b")));
        sandbox.run(&["up"]).ok().says_not("drops");
        sandbox.run(&["down", "--steps", "1", "--yes"]).ok().says_not("drops");
    });
}

#[test]
fn i11_rows_that_a_script_changes_or_deletes_need_an_acceptance() {
    each_engine(|sandbox| {
        let t = if sandbox.kind == Kind::Postgres { "public.t" } else { "t" };
        sandbox.migration("1_t", "CREATE TABLE t (id integer PRIMARY KEY, a integer);", "DROP TABLE t;");
        sandbox.run(&["up"]).ok();
        sandbox.sql("INSERT INTO t VALUES (1, 5), (2, 6), (3, NULL)");
        // The up changes nothing, and its down does.
        sandbox.migration("2_x", "CREATE TABLE x (id integer);", "DROP TABLE x; DELETE FROM t WHERE id > 1;");
        sandbox.run(&["up"]).ok().says_not("changes or");
        let told = format!("changes or deletes up to 3 rows of table {t}");
        sandbox.run(&["plan", "down", "--steps", "1"]).ok().says(&told);
        sandbox.run(&["down", "--steps", "1", "--yes"]).exits(1).says(&told);
        // What goes with its table is told once.
        sandbox.run(&["plan", "down", "--all"]).ok().says("drops table").says_not("changes or");
        assert_eq!(sandbox.value("SELECT COUNT(*) FROM t"), "3");
        sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss=t"]).ok();
        assert_eq!(sandbox.value("SELECT COUNT(*) FROM t"), "1");
        // The up changes values that its down does not bring back, and which that leaves alone.
        sandbox.migration("2_x", "UPDATE t SET a = 0;\nCREATE TABLE x (id integer);", "DROP TABLE x;");
        let told = format!("changes or deletes up to 1 value of column {t}.a");
        sandbox.run(&["up", "--yes"]).exits(1).says(&told);
        sandbox.run(&["up", "--yes", "--accept-loss=t.a"]).ok();
        sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
    });
}
