//! What a user is told, and with which exit code, where something is not as it should be.

mod common;

use std::time::{Duration, Instant};

use common::login::Login;
use common::slow::{is_under_way, slow};
use common::{Connection, Kind, Sandbox, each, each_engine, each_server, until};

/// Codes of the findings of `check --json`, each with its severity.
fn checked(sandbox: &Sandbox) -> Vec<String> {
    let told = sandbox.json(&["check"]);
    let (codes, severities) = (each(&told["findings"], "/code"), each(&told["findings"], "/severity"));
    codes.into_iter().zip(severities).map(|(code, severity)| format!("{severity} {code}")).collect()
}

#[test]
fn a_missing_down_is_told_once_and_a_waiver_makes_it_a_note() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).write("migrations/2_t2/up.sql", "CREATE TABLE t2 (id integer);\n");
    sandbox.run(&["seal"]).ok();
    assert_eq!(checked(&sandbox), ["error down-missing"]);
    sandbox.run(&["check"]).exits(1).says("write `down.sql`, or declare `[irreversible]`");
    sandbox.run(&["up"]).exits(1).says("2_t2 is missing");
    sandbox.run(&["waive", "2_t2", "--reason", "old"]).ok();
    assert_eq!(checked(&sandbox), ["note down-missing", "note waived"]);
    sandbox.run(&["check"]).ok();
    sandbox.run(&["up"]).ok().says("let through by a waiver");
}

#[test]
fn scripts_that_both_hold_nothing_are_a_warning_and_no_broken_down() {
    each_engine(|sandbox| {
        let blank = sandbox.migration("1_for_another_engine", "-- nothing to do here\n", "");
        blank.migration("2_forgotten", "SELECT 1;\n", "");
        sandbox.run(&["seal"]).ok();
        assert_eq!(checked(sandbox), ["warning down-empty", "error down-empty"]);
        let told = sandbox.json(&["verify"]);
        assert_eq!(each(&told["migrations"], "/verdict"), ["exact", "broken"]);
        let fresh = sandbox.run(&["verify", "--fresh", "1_for"]).ok();
        fresh.says("neither the up nor the down holds a statement");
        sandbox.run(&["up", "--to", "1_for"]).ok().says("applied  1_for_another_engine");
        sandbox.run(&["down", "--all", "--yes"]).ok().says("reverted 1_for_another_engine");
    });
}

#[test]
fn a_dbmate_file_without_a_down_section_can_be_waived() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox
        .write("migrations/1_a.sql", "-- migrate:up\nCREATE TABLE a (id integer);\n-- migrate:down\nDROP TABLE a;\n");
    sandbox.write("migrations/2_b.sql", "-- migrate:up\nCREATE TABLE b (id integer);\n");
    sandbox.run(&["seal"]).ok();
    assert_eq!(checked(&sandbox), ["error down-missing"]);
    sandbox.run(&["check"]).exits(1).says("switchback waive ID");
    sandbox.run(&["up"]).exits(1).says("2_b is missing");
    sandbox.run(&["waive", "2_b", "--reason", "old"]).ok();
    sandbox.run(&["check"]).ok();
    sandbox.run(&["up"]).ok().says("applied  2_b");
}

#[test]
fn status_tells_a_runner_at_work_from_one_that_stopped() {
    each_engine(|sandbox| {
        slow(sandbox, 4);
        let up = sandbox.start(&["up"]);
        until("the long statement", || is_under_way(sandbox));
        let during = sandbox.run(&["status"]).ok().says("running: ").says("`up` since 20").says("held by tester@");
        during.says(&format!("(process {})", up.pid())).says_not("stopped").says("Z, held").says("`switchback lock`");
        let running = sandbox.json(&["status"]);
        assert_eq!((&running["running"]["what"], running["running"]["actor"].as_str()), (&"up".into(), Some("tester")));
        up.kill();
        until("the server's end of the session", || sandbox.json(&["status"])["running"].is_null());
        sandbox.run(&["status"]).ok().says_not("running");
        if sandbox.kind == Kind::Mysql {
            sandbox
                .run(&["status"])
                .says("half-way: the up of `1_parts` (row #1) stopped; 2 of its statements are known");
        }
    });
}

#[test]
fn mysql_a_half_way_step_that_the_checkout_lacks_is_told_and_helped() {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.tables(1).run(&["up"]).ok();
    sandbox.sql("INSERT INTO t1 VALUES (7), (7)");
    let (up, down) =
        ("CREATE TABLE a (id integer);\nCREATE UNIQUE INDEX ux ON t1 (id);\n", "DROP INDEX ux ON t1;\nDROP TABLE a;\n");
    sandbox.migration("2_ux", up, down).run(&["up"]).exits(4);
    sandbox
        .run(&["status", "--exit-code"])
        .exits(1)
        .says("1 of its statements is known")
        .says("`switchback recover` tells how far it got");
    sandbox.remove("migrations/2_ux");
    let help = "`switchback recover` tells how far it got; with --resume it goes on";
    sandbox.run(&["status", "--exit-code"]).exits(1).says(help);
    assert_eq!(sandbox.json(&["status"])["outcome"], "pending");
    sandbox.run(&["up"]).exits(4).says(help);
    sandbox.run(&["down", "--all", "--yes"]).exits(4).says(help);
    sandbox.sql("DELETE FROM t1");
    let resumed = sandbox.migration("2_ux", up, down).run(&["up"]).ok().says("goes on behind statement 1");
    resumed.says("applied  2_ux").says_not("schema-differs");
}

#[test]
fn an_edit_of_the_session_is_told_once_and_named() {
    each_engine(|sandbox| {
        let (engine, set) = match sandbox.kind {
            Kind::Sqlite => ("sqlite", "PRAGMA case_sensitive_like = ON"),
            Kind::Postgres => ("postgres", "SET search_path TO public"),
            Kind::Mysql => ("mysql", "SET foreign_key_checks = 0"),
        };
        sandbox.tables(3).run(&["up"]).ok();
        let engine_told = sandbox.json(&["status"])["engine"].as_str().unwrap().to_owned();
        sandbox.write("switchback.toml", format!("# ours\n[session]\n{engine} = \"{set}\"\n"));
        assert_eq!(checked(sandbox), ["error settings-changed"]);
        let changed = format!("the session SQL for {engine_told} changed since 3 migrations were sealed");
        sandbox.run(&["check"]).exits(1).says(&changed).says("switchback.toml:3:1").says("takes it over");
        let status = sandbox.run(&["status"]).ok().says("edited   1_t1  (only the session SQL differs)");
        assert_eq!(status.says("[session]").stderr.matches("[session]").count(), 1);
        let told = sandbox
            .tables(4)
            .run(&["up"])
            .ok()
            .says("session-edited")
            .says("was edited since 3 migrations were applied");
        assert_eq!(told.says_not("down-edited").all().matches("session SQL").count(), 1);
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["up"]).ok().says("the ledger takes it over");
        sandbox.run(&["status"]).ok().says_not("edited");
        sandbox.write("switchback.toml", "");
        sandbox.run(&["check"]).exits(1).says("was taken away since 4 migrations were sealed with it");
        // One that was edited by itself is told by itself.
        sandbox.write("migrations/2_t2/migration.toml", "transaction = \"off\"\n");
        sandbox.write("switchback.toml", format!("[session]\n{engine} = \"{set}\"\n"));
        sandbox.run(&["check"]).exits(1).says("its settings").says("2_t2").says_not("the session SQL");
    });
}

#[test]
fn session_sql_that_stands_in_the_way_is_blamed_with_its_place() {
    each_engine(|sandbox| {
        let (engine, set) = match sandbox.kind {
            Kind::Sqlite => ("sqlite", "PRAGMA query_only = ON"),
            Kind::Postgres => ("postgres", "SET default_transaction_read_only = on"),
            Kind::Mysql => ("mysql", "SET SESSION TRANSACTION READ ONLY"),
        };
        sandbox.tables(1).write("switchback.toml", format!("\n[session]\n{engine} = [\"SELECT 1\", \"{set}\"]\n"));
        for command in ["verify", "up"] {
            let refused =
                sandbox.run(&[command]).exits(1).says("behind statement 2 of the session SQL nothing can be written");
            refused.says(set).says("switchback.toml:3:1");
        }
        sandbox.write("switchback.toml", format!("[session]\n{engine} = \"NONSENSE\"\n"));
        sandbox.run(&["verify"]).exits(1).says("statement 1 of the session SQL is refused").says("switchback.toml:2:1");
        sandbox.write("switchback.toml", format!("[session]\n{engine} = \"BEGIN\"\n"));
        let engine = if sandbox.url.starts_with("mysql") { "m" } else { engine };
        sandbox
            .run(&["check"])
            .exits(2)
            .says(&format!("the session SQL of `[session]` for {engine}"))
            .says("switchback.toml:2:1");
        assert!(sandbox.ledger_rows().is_empty() && sandbox.user_tables().is_empty());
    });
}

#[test]
fn an_unknown_engine_in_the_session_has_its_place() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.write("switchback.toml", "lock_wait = 5\n\n[session]\nsqlite = \"SELECT 1\"\n  oracle = \"SELECT 2\"\n");
    sandbox.run(&["status"]).exits(2).says("[session] names no engine `oracle`").says("switchback.toml:5:3");
}

#[test]
fn the_lock_is_waited_for_as_long_as_is_said() {
    each_server(|sandbox| {
        slow(sandbox, 6);
        let mut first = sandbox.start(&["up"]);
        until("the long statement", || is_under_way(sandbox));
        let begun = Instant::now();
        sandbox.run(&["up", "--lock-wait", "1"]).exits(5).says("another runner holds the lock");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        assert!(!first.has_ended());
        first.wait().ok();
    });
}

#[test]
fn a_request_to_stop_is_answered_at_once() {
    each_engine(|sandbox| {
        slow(sandbox, 10);
        let up = sandbox.start(&["up"]);
        until("the long statement", || is_under_way(sandbox));
        up.signal("INT");
        until("an answer", || up.has_said("stopping behind the running statement; Ctrl-C again cancels it"));
        up.signal("INT");
        until("an answer", || up.has_said("cancelling the running statement"));
        assert_ne!(up.wait().code, 0);
    });
}

#[test]
fn an_empty_registry_is_sealed_over() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).write("migrations/registry.toml", "");
    sandbox.run(&["status"]).ok();
    sandbox.run(&["check"]).exits(1).says("unsealed");
    sandbox.run(&["seal"]).ok().says("added    1_t1");
    sandbox.run(&["check"]).ok();
    sandbox.write("migrations/registry.toml", "\n").run(&["up"]).ok();
    assert!(sandbox.read("migrations/registry.toml").contains("1_t1"));
}

#[test]
fn a_sqlite_file_that_cannot_be_opened_or_written_is_not_reached() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1);
    let gone = "sqlite:nowhere/app.db";
    sandbox.run(&["up", "-d", gone]).exits(3).says("the folder nowhere does not exist").says("a folder that is there");
    sandbox.run(&["up"]).ok();
    sandbox.tables(2).run(&["up", "-d", "sqlite:app.db?mode=ro"]).exits(3).says("give the right to write");
    let status =
        sandbox.run(&["status", "-d", "sqlite:ap.db"]).ok().says("sqlite:ap.db does not exist").says("0 applied");
    status.says("the first `switchback up` makes it");
    assert_eq!(sandbox.json(&["status"])["database_exists"], true);
    assert_eq!(sandbox.json(&["status", "-d", "sqlite:ap.db"])["database_exists"], false);
    sandbox.run(&["status"]).ok().says_not("does not exist");
}

#[test]
fn a_database_that_is_not_chosen_and_a_folder_that_is_not_there_are_named() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.write(
        "switchback.toml",
        "[databases.shop]\nurl = \"sqlite:a.db\"\n[databases.stock]\nurl = \"sqlite:b.db\"\n",
    );
    let unset = [("DATABASE_URL", "")];
    let told = sandbox.run_with(&["status"], &unset).exits(2).says("several databases, and none is chosen");
    told.says("`--database shop` or `--database stock`");
    sandbox.run_with(&["status", "-d", "stock"], &unset).ok();
    for command in ["status", "init"] {
        sandbox.run(&["-C", "nowhere", command]).exits(2).says("there is no folder `nowhere`");
    }
    assert!(!sandbox.root().join("nowhere").exists());
}

#[test]
fn sqlite_a_violated_foreign_key_is_told_in_words() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration(
        "1_a",
        "CREATE TABLE parent (id integer PRIMARY KEY);\nCREATE TABLE child (parent_id integer REFERENCES parent (id));\n",
        "DROP TABLE child;\nDROP TABLE parent;\n",
    );
    sandbox.run(&["up"]).ok();
    sandbox.sql("INSERT INTO parent VALUES (1), (2)");
    sandbox.sql("INSERT INTO child VALUES (1), (2)");
    let told = |row: &str| format!("{row} of `child` refers by `parent_id` to a row of `parent` that is not there");
    // No rows of the shadow are numbered so.
    sandbox.migration(
        "2_b",
        "DELETE FROM parent WHERE id <= 2 AND (SELECT count(*) FROM child) = 2;\n",
        "SELECT 1 WHERE 0;\n",
    );
    sandbox.run(&["waive", "2_b", "--reason", "the test"]);
    let refused = sandbox
        .run(&["up", "--accept-loss"])
        .exits(1)
        .says("leaves 2 violated foreign keys behind")
        .says(&told("row 1"));
    refused.says("and 1 more");
    sandbox.migration("2_b", "INSERT INTO child VALUES (99);\n", "DELETE FROM child WHERE parent_id = 99;\n");
    sandbox.run(&["up"]).exits(1).says("a foreign key is violated").says(&told("row 1"));
}

#[test]
fn a_commit_in_a_script_is_told_as_the_engine_would_take_it() {
    each_engine(|sandbox| {
        let up = "CREATE TABLE a (id integer);\nCOMMIT;\nCREATE TABLE b (id integer);\n";
        sandbox.migration("1_a", up, "DROP TABLE b;\nDROP TABLE a;\n");
        let told = match sandbox.kind {
            Kind::Mysql => "COMMIT would break the transactions that write the script's journal",
            _ => "COMMIT would break the transaction that guards the script",
        };
        sandbox.run(&["check"]).exits(1).says(told);
    });
}

#[test]
fn log_says_that_there_is_more() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(3).run(&["up"]).ok();
    sandbox
        .run(&["log", "-n", "2"])
        .ok()
        .says("2 rows shown, the newest first; there are older ones, which `-n N` shows");
    sandbox.run(&["log", "-n", "3"]).ok().says_not("older ones");
    sandbox.run(&["log"]).ok().says_not("older ones");
    assert_eq!(sandbox.json(&["log", "-n", "1"])["more"], true);
    assert_eq!(sandbox.json(&["log", "-n", "1", "1_t1"])["more"], false);
}

#[test]
fn init_keeps_what_may_hold_passwords_out_of_git() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.run(&["init"]).ok();
    assert!(!sandbox.root().join(".gitignore").exists(), "there is nothing to keep out");
    sandbox.write(".env", "DATABASE_URL=sqlite:app.db\n").write(".gitignore", "/target");
    sandbox.run(&["init"]).ok().says(".gitignore");
    assert_eq!(sandbox.read(".gitignore"), "/target\n.env\n");
    sandbox.run(&["init"]).ok().says_not(".gitignore");
    sandbox.write(".gitignore", "!/.env\n").run(&["init"]).ok();
    assert_eq!(sandbox.read(".gitignore"), "!/.env\n", "what somebody decided stays");
}

#[test]
fn a_renamed_folder_is_recognised() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        sandbox.remove("migrations/2_t2");
        sandbox.migration("2_two", "CREATE TABLE t2 (id integer);\n", "DROP TABLE t2;\n");
        let told = "these scripts are applied as `2_t2`: is `2_two` its new name?";
        sandbox.run(&["status"]).ok().says(told).says("give it the old name back");
        sandbox.run(&["up"]).exits(1).says(told);
        sandbox.remove("migrations/2_two").tables(2);
        sandbox.run(&["status"]).ok().says_not("new name");
    });
}

#[test]
fn json_of_a_run_has_its_fields_and_what_was_warned_of() {
    each_engine(|sandbox| {
        sandbox.tables(1).migration("2_u", "CREATE TABLE u (id integer);\n", "SELECT 1;\n");
        sandbox.run(&["verify"]);
        sandbox.run(&["waive", "2_u", "--reason", "old"]).ok();
        let done = sandbox.json(&["up"]);
        assert_eq!(each(&done["findings"], "/code"), ["unproven"]);
        assert!(done["schema_after"].is_string());
        let nothing = sandbox.json(&["up"]);
        let fields: Vec<&String> = nothing.as_object().unwrap().keys().collect();
        assert_eq!(fields, done.as_object().unwrap().keys().collect::<Vec<_>>());
        sandbox.remove("migrations/1_t1/down.sql").write("migrations/1_t1/down.sql", "DROP TABLE t1;\nSELECT 1;\n");
        sandbox.migration("3_x", "CREATE TABLE u (id integer);\n", "DROP TABLE u;\n");
        let refused = sandbox.json(&["up"]);
        assert!(each(&refused["findings"], "/code").contains(&"down-edited".to_owned()), "{refused}");
    });
}

#[test]
fn plan_names_the_ways_that_are_not_proven() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).migration("2_u", "CREATE TABLE u (id integer);\n", "SELECT 1;\n");
    sandbox.run(&["plan"]).ok().says("2 of these are not proven yet (1_t1, 2_u);");
    sandbox.run(&["verify"]).exits(1);
    sandbox.run(&["waive", "2_u", "--reason", "old"]).ok();
    sandbox
        .run(&["plan"])
        .ok()
        .says("`2_u` is let through by a waiver")
        .says("Tess Ter <tess@example.org>: old")
        .says_not("not proven yet");
    sandbox.run(&["up"]).ok();
    sandbox.run(&["plan", "down", "--steps", "1"]).ok().says("`2_u` goes back a way that is not proven");
    assert_eq!(each(&sandbox.json(&["plan", "down"])["findings"], "/migration"), ["2_u"]);
}

#[test]
fn a_server_without_a_free_connection_is_asked_again_for_a_moment() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.tables(1).run(&["up"]).ok();
    let login = Login::new(&sandbox, "one at a time", "CONNECTION LIMIT 1");
    let url = login.url.as_str();
    let held = Connection::open(url);
    let told = sandbox.run_with(&["status"], &[("DATABASE_URL", url)]).exits(3);
    told.says("too many connections").says("`--wait SECONDS`");
    let status = sandbox.start_with(&["status"], &[("DATABASE_URL", url)]);
    // Nobody is told of a refused try, so it is given time for some; one that had none would pass without showing anything.
    std::thread::sleep(Duration::from_secs(1));
    drop(held);
    assert!(!status.wait().all().contains("too many connections"));
}

#[test]
fn i9_a_run_that_goes_as_proven_warns_of_nothing_and_tells_the_schema_that_it_met_and_left() {
    each_engine(|sandbox| {
        let run = |args: &[&str]| {
            let object = sandbox.run(args).ok().object(args[0]);
            assert_eq!(object["findings"], serde_json::json!([]), "{object}");
            ["schema_before", "schema_after"].map(|end| object[end].as_str().expect("a digest").to_owned())
        };
        sandbox.tables(2);
        let [empty, two] = run(&["up", "--json"]);
        sandbox.tables_from(3, 3);
        let [met, three] = run(&["up", "--json"]);
        assert_eq!(met, two);
        assert!(empty != two && two != three);
        let last = format!("SELECT schema_after FROM {} ORDER BY seq DESC LIMIT 1", sandbox.ledger());
        assert_eq!(sandbox.value(&last), three);
        assert_eq!(run(&["down", "--all", "--yes", "--json"]), [three, empty]);
    });
}
