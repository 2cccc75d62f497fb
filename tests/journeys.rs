//! User journeys, each on SQLite, PostgreSQL and MariaDB or MySQL.

mod common;

use common::{Kind, Sandbox, each, each_engine, each_server};

const USERS: (&str, &str) =
    ("CREATE TABLE users (id integer PRIMARY KEY, name varchar(50) NOT NULL);\n", "DROP TABLE users;\n");
const EMAIL: (&str, &str) =
    ("ALTER TABLE users ADD COLUMN email varchar(80);\n", "ALTER TABLE users DROP COLUMN email;\n");

/// Two migrations that hold.
fn shop(sandbox: &Sandbox) {
    sandbox.migration("01_users", USERS.0, USERS.1).migration("02_email", EMAIL.0, EMAIL.1);
}

#[test]
fn there_and_back_and_there_again() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.run(&["verify"]).ok().says("exact").says("2 migrations: 2 exact");
        assert!(sandbox.all_tables().is_empty(), "verify touched the database");
        sandbox.run(&["status"]).ok().says("pending  01_users").says("0 applied, 2 pending");
        sandbox.run(&["status", "--exit-code"]).exits(1);
        sandbox.run(&["up", "--reason", "first release"]).ok().says("applied  01_users").says("applied  02_email");
        assert_eq!(sandbox.user_tables(), ["users"]);
        sandbox.run(&["status", "--exit-code"]).ok().says("2 applied, 0 pending");
        sandbox.run(&["up"]).ok().says("nothing to do");
        sandbox.run(&["log"]).ok().says("first release").says("tester@").says("Tess Ter <tess@example.org>");
        sandbox.run(&["log", "--verify"]).ok().says("the chain holds");
        sandbox.run(&["down", "--all", "--yes"]).ok().says("reverted 02_email").says("reverted 01_users");
        assert!(sandbox.user_tables().is_empty());
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.user_tables(), ["users"]);
        sandbox.run(&["log", "--verify"]).ok().says(&format!("{} rows", sandbox.ledger_rows().len()));
        let done: Vec<String> = sandbox.ledger_rows().into_iter().filter(|row| row.contains(" done ")).collect();
        let (up, down) =
            (["apply done 01_users", "apply done 02_email"], ["revert done 02_email", "revert done 01_users"]);
        assert_eq!(done, [up, down, up].concat());
        let log = sandbox.json(&["log", "-n", "1"]);
        assert_eq!(each(&log["rows"], "/migration"), ["02_email"]);
    });
}

#[test]
fn a_broken_down_is_refused_with_its_reason_before_the_database_is_touched() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.migration(
            "03_phone",
            "ALTER TABLE users ADD COLUMN phone varchar(20);\nCREATE TABLE calls (id integer);\n",
            "DROP TABLE calls;\n",
        );
        let refused =
            sandbox.run(&["up"]).exits(1).says("03_phone is broken").says("phone").says("nothing was applied");
        assert!(refused.stderr.contains("switchback waive"), "the way out is named: {}", refused.stderr);
        assert!(sandbox.user_tables().is_empty() && sandbox.ledger_rows().is_empty());

        // Mended, it goes through.
        sandbox.migration(
            "03_phone",
            "ALTER TABLE users ADD COLUMN phone varchar(20);\n",
            "ALTER TABLE users DROP COLUMN phone;\n",
        );
        sandbox.run(&["up"]).ok().says("applied  03_phone");
        assert_eq!(sandbox.applied(), ["01_users", "02_email", "03_phone"]);
    });
}

#[test]
fn a_waiver_lets_a_broken_down_through_and_says_so() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.migration("03_calls", "CREATE TABLE calls (id integer);\n", "SELECT 1;\n");
        sandbox.run(&["verify"]).exits(1).says("broken");
        sandbox.run(&["waive", "03", "--reason", ""]).exits(2);
        sandbox.run(&["waive", "01", "--reason", "not needed"]).exits(2).says("needs no waiver");
        sandbox.run(&["waive", "03", "--reason", "calls are kept for good"]).ok().says("waived 03_calls (broken)");
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["check"]).says("03_calls").says("waive");
        sandbox.run(&["up"]).ok().says("calls are kept for good").says("not proven").says("applied  03_calls");
        sandbox.run(&["down", "--steps", "1", "--yes"]).ok().says("not proven");
        // An edit voids it.
        sandbox.migration("03_calls", "CREATE TABLE calls (id integer, at integer);\n", "SELECT 1;\n");
        sandbox.run(&["verify"]).exits(1).says("broken");
    });
}

#[test]
fn waive_existing_makes_an_old_history_usable() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.migration("03_a", "CREATE TABLE a (id integer);\n", "").migration(
            "04_b",
            "CREATE TABLE b (id integer);\n",
            "SELECT 1;\n",
        );
        sandbox.run(&["up"]).exits(1);
        let waived = sandbox.json(&["waive", "--existing", "--reason", "before our time"]);
        assert_eq!(each(&waived["waived"], "/id"), ["03_a", "04_b"]);
        sandbox.run(&["up", "--locked"]).ok();
        assert_eq!(sandbox.user_tables(), ["a", "b", "users"]);
    });
}

#[test]
fn locked_writes_no_file_and_refuses_what_is_not_sealed_or_proven() {
    each_engine(|sandbox| {
        shop(sandbox);
        let before = sandbox.files();
        sandbox.run(&["verify", "--locked"]).exits(1).says("switchback seal");
        sandbox.run(&["up", "--locked"]).exits(1).says("--locked");
        assert_eq!(sandbox.files(), before);
        sandbox.run(&["seal"]).ok();
        let sealed = sandbox.files();
        sandbox.run(&["up", "--locked"]).exits(1).says("not proven").says("switchback verify");
        sandbox.run(&["verify", "--locked"]).ok();
        assert_eq!(sandbox.files(), sealed, "verify --locked wrote");
        sandbox.run(&["up", "--locked"]).exits(1).says("not proven");
        assert!(sandbox.user_tables().is_empty() && sandbox.ledger_rows().is_empty());
        sandbox.run(&["verify"]).ok();
        let proven = sandbox.files();
        assert_ne!(proven, sealed);
        sandbox.run(&["verify", "--fresh", "--locked"]).ok();
        sandbox.run(&["up", "--locked"]).ok();
        sandbox.run(&["down", "--all", "--yes", "--locked"]).ok();
        assert_eq!(sandbox.files(), proven);
    });
}

#[test]
fn up_seals_and_proves_what_is_missing_by_itself() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.run(&["up"]).ok();
        assert!(sandbox.read("migrations/registry.toml").contains("01_users"));
        sandbox.run(&["check"]).ok();
        sandbox.run(&["verify", "--locked"]).ok();
    });
}

#[test]
fn redo_takes_back_and_applies_again() {
    each_engine(|sandbox| {
        sandbox.tables(3).run(&["up"]).ok();
        let redone = sandbox.json(&["redo"]);
        assert_eq!(each(&redone["steps"], "/direction"), ["down", "up"]);
        assert_eq!(each(&redone["steps"], "/id"), ["3_t3", "3_t3"]);
        let redone = sandbox.json(&["redo", "--steps", "2"]);
        assert_eq!(each(&redone["steps"], "/id"), ["3_t3", "2_t2", "2_t2", "3_t3"]);
        assert_eq!(sandbox.user_tables(), ["t1", "t2", "t3"]);
    });
}

#[test]
fn down_says_how_far() {
    each_engine(|sandbox| {
        sandbox.tables(6).run(&["up"]).ok();
        sandbox.run(&["down", "--steps", "2", "--yes"]).ok().says("reverted 6_t6").says("reverted 5_t5");
        assert_eq!(sandbox.applied(), ["1_t1", "2_t2", "3_t3", "4_t4"]);
        sandbox.run(&["down", "--to", "2_t", "--yes"]).ok();
        assert_eq!(sandbox.applied(), ["1_t1", "2_t2"]);
        sandbox.run(&["down", "--to", "nothing-like-it", "--yes"]).exits(2).says("nothing-like-it");
        sandbox.run(&["down", "--to", "_t", "--yes"]).exits(2).says("1_t1").says("2_t2");
        sandbox.run(&["down", "--to", "2_t", "--yes"]).ok().says("nothing to do");
        sandbox.run(&["down", "--steps", "9", "--all", "--yes"]).exits(2);
        sandbox.run(&["down", "--all", "--yes"]).ok();
        assert!(sandbox.applied().is_empty() && sandbox.user_tables().is_empty());
        sandbox.run(&["down", "--all", "--yes"]).ok().says("nothing to do");
    });
}

#[test]
fn up_goes_part_of_the_way() {
    each_engine(|sandbox| {
        sandbox.tables(5).run(&["up", "--steps", "1"]).ok();
        assert_eq!(sandbox.applied(), ["1_t1"]);
        sandbox.run(&["up", "--to", "3_t3"]).ok();
        // The tables do not need each other; only what the target stands on is taken along.
        assert!(sandbox.applied().contains(&"3_t3".to_owned()) && !sandbox.applied().contains(&"4_t4".to_owned()));
        sandbox.run(&["up", "--to", "nope"]).exits(2);
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.applied().len(), 5);
    });
}

#[test]
fn a_dry_run_runs_in_a_shadow_and_changes_nothing() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.run(&["verify"]).ok();
        let files = sandbox.files();
        sandbox.run(&["up", "--dry-run"]).ok().says("01_users").says("02_email").says("was not touched");
        assert!(sandbox.all_tables().is_empty());
        sandbox.run(&["up"]).ok();
        let (tables, rows) = (sandbox.all_tables(), sandbox.ledger_rows());
        sandbox.run(&["down", "--all", "--dry-run"]).ok().says("was not touched");
        sandbox.run(&["redo", "--dry-run"]).ok().says("was not touched");
        let dry = sandbox.json(&["down", "--all", "--dry-run"]);
        assert_eq!(each(&dry["steps"], "/id"), ["02_email", "01_users"]);
        assert_eq!((sandbox.all_tables(), sandbox.ledger_rows(), sandbox.files()), (tables, rows, files));
    });
}

#[test]
fn a_plan_shows_what_would_be_done() {
    each_engine(|sandbox| {
        sandbox.tables(3);
        sandbox.run(&["plan"]).ok().says("1_t1").says("3 of these are not proven yet");
        sandbox.run(&["up"]).ok();
        sandbox.run(&["plan"]).ok().says("nothing to do");
        let plan = sandbox.json(&["plan", "down", "--steps", "2"]);
        assert_eq!(each(&plan["steps"], "/id"), ["3_t3", "2_t2"]);
        sandbox.sql("INSERT INTO t3 (id) VALUES (1), (2)");
        sandbox.run(&["plan", "down", "--to", "2_t2"]).ok().says("2 rows");
        assert_eq!(sandbox.applied().len(), 3);
    });
}

#[test]
fn every_command_speaks_json() {
    each_engine(|sandbox| {
        sandbox.json(&["init"]);
        let made = sandbox.json(&["new", "add", "users"]);
        assert_eq!(made["made"].as_array().map(Vec::len), Some(2), "{made}");
        for path in each(&made["made"], "") {
            let text = if path.ends_with("up.sql") { USERS.0 } else { USERS.1 };
            std::fs::write(sandbox.root().join(path), text).expect("a file");
        }
        for command in ["seal", "check", "verify", "status", "plan", "up", "log", "redo"] {
            let object = sandbox.json(&[command]);
            assert!(["ok", "pending"].contains(&object["outcome"].as_str().unwrap_or_default()), "{object}");
        }
        assert_eq!(sandbox.json(&["log", "--verify"])["outcome"], "ok");
        assert_eq!(sandbox.json(&["down", "--all", "--yes"])["outcome"], "ok");
        assert_eq!(sandbox.json(&["shadow", "sweep"])["outcome"], "ok");
        // An end before the end is an object as well.
        let error = sandbox.json(&["down"]);
        assert_eq!((error["outcome"].as_str(), error["exit"].as_i64()), (Some("error"), Some(2)), "{error}");
        let error = sandbox.json(&["waive", "users", "--reason", "none needed"]);
        assert_eq!(error["outcome"], "error");
    });
}

#[test]
fn verify_json_has_the_form_that_others_build_on() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.migration("03_bad", "CREATE TABLE bad (id integer);\n", "SELECT 1;\n");
        let output = sandbox.run(&["verify", "--json"]).exits(1);
        let object = output.object("verify");
        let engines = match sandbox.kind {
            Kind::Sqlite => &["sqlite"][..],
            Kind::Postgres => &["postgres"],
            Kind::Mysql => &["mysql", "mariadb"],
        };
        assert!(engines.contains(&object["engine"].as_str().unwrap_or_default()), "{object}");
        assert!(object["server"].as_str().is_some_and(|text| text.contains('.')), "{object}");
        assert_eq!(object["outcome"], "findings");
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact", "exact", "broken"]);
        assert!(object["migrations"].as_array().expect("an array").iter().all(|one| one["millis"].is_u64()));
        let findings = object["migrations"][2]["findings"].as_array().expect("findings");
        let finding = findings.iter().find(|one| one["severity"] == "error").expect("an error");
        for key in ["code", "severity", "message", "path"] {
            assert!(finding[key].is_string(), "{key}: {finding}");
        }
        assert!(finding["path"].as_str().is_some_and(|path| path.ends_with("03_bad/up.sql")), "{finding}");
        assert_eq!((&finding["line"], finding["object"].is_string()), (&1.into(), true));
        let verdicts =
            ["exact", "equivalent", "preserved", "lossy", "broken", "missing", "irreversible", "failed", "unreached"];
        let counts = object["counts"].as_object().expect("counts");
        assert!(verdicts.iter().all(|verdict| counts[*verdict].is_u64()) && counts.len() == verdicts.len());
        assert_eq!((&counts["exact"], &counts["broken"]), (&2.into(), &1.into()));
    });
}

#[test]
fn what_is_left_behind_is_named() {
    each_engine(|sandbox| {
        sandbox.migration("01_users", USERS.0, USERS.1);
        let up = "CREATE TABLE calls (id integer);\nCREATE INDEX by_name ON users (name);\n";
        sandbox.migration("02_calls", up, "DROP TABLE calls;\n");
        let object = sandbox.json(&["verify"]);
        let findings = &object["migrations"][1]["findings"];
        assert!(each(findings, "/message").iter().any(|text| text.contains("by_name")), "{findings}");
        sandbox.run(&["verify"]).exits(1).says("by_name").says("02_calls");
    });
}

#[test]
fn a_failed_up_is_placed_and_the_rest_is_judged_with_keep_going() {
    each_engine(|sandbox| {
        sandbox.migration("01_users", USERS.0, USERS.1);
        sandbox.migration(
            "02_bad",
            "CREATE TABLE ok (id integer);\n\nINSERT INTO nowhere VALUES (1);\n",
            "DROP TABLE ok;\n",
        );
        sandbox.migration("03_more", "CREATE TABLE more (id integer);\n", "DROP TABLE more;\n");
        let object = sandbox.json(&["verify", "--keep-going"]);
        assert_eq!(object["migrations"][1]["verdict"], "failed");
        let finding = &object["migrations"][1]["findings"][0];
        assert!(finding["path"].as_str().is_some_and(|path| path.ends_with("02_bad/up.sql")), "{finding}");
        assert_eq!(finding["line"], 3, "{finding}");
        assert!(["exact", "unreached"].contains(&object["migrations"][2]["verdict"].as_str().unwrap_or_default()));
        sandbox.run(&["verify"]).exits(1).says("up.sql:3:").says("statement 2 of 2").says("nowhere");
        sandbox.run(&["up"]).exits(1).says("nowhere");
        assert!(sandbox.user_tables().is_empty() && sandbox.ledger_rows().is_empty());
    });
}

#[test]
fn proofs_are_used_again_and_an_edit_voids_only_what_follows_from_it() {
    each_engine(|sandbox| {
        sandbox.tables(4);
        let fresh = |args: &[&str]| -> Vec<bool> {
            let object = sandbox.json(args);
            object["migrations"].as_array().expect("an array").iter().map(|one| one["fresh"] == true).collect()
        };
        assert_eq!(fresh(&["verify"]), [true; 4]);
        assert_eq!(fresh(&["verify"]), [false; 4]);
        assert_eq!(fresh(&["verify", "--locked"]), [false; 4]);
        assert_eq!(fresh(&["verify", "--fresh"]), [true; 4]);
        // Another down proves anew only itself; the schema behind it is the same.
        sandbox.write("migrations/2_t2/down.sql", "DROP TABLE IF EXISTS t2;\n");
        assert_eq!(fresh(&["verify"]), [false, true, false, false]);
        // Another column changes what the later ones start from.
        sandbox.write("migrations/3_t3/up.sql", "CREATE TABLE t3 (id integer, name varchar(9));\n");
        assert_eq!(fresh(&["verify"]), [false, false, true, true]);
        // A comment changes nothing.
        sandbox.write("migrations/1_t1/up.sql", "-- the first\nCREATE TABLE t1 (\n  id integer\n);\n");
        assert_eq!(fresh(&["verify"]), [false; 4]);
    });
}

#[test]
fn an_irreversible_migration_is_said_and_not_taken_back() {
    each_engine(|sandbox| {
        sandbox.tables(1).write("migrations/2_gone/up.sql", "CREATE TABLE gone (id integer);\n");
        sandbox.write("migrations/2_gone/migration.toml", "[irreversible]\nreason = \"the mails are out\"\n");
        sandbox.run(&["verify"]).ok().says("irreversible");
        sandbox.run(&["up"]).ok();
        sandbox.run(&["down", "--steps", "1", "--yes"]).exits(1).says("the mails are out");
        sandbox.run(&["down", "--all", "--yes"]).exits(1).says("the mails are out");
        assert_eq!(sandbox.applied(), ["1_t1", "2_gone"]);
    });
}

#[test]
fn verify_sql_must_hold_after_the_up() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.write("migrations/02_email/verify.sql", "SELECT count(*) = 0 FROM users;\n");
        sandbox.run(&["verify"]).ok();
        sandbox.write("migrations/02_email/verify.sql", "SELECT 1 = 2;\n");
        sandbox.run(&["verify"]).exits(1).says("verify.sql");
    });
}

#[test]
fn another_tools_database_is_refused_with_the_way_out() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.sql("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)");
        sandbox.sql("INSERT INTO schema_migrations VALUES (20200101, false)");
        sandbox.run(&["up"]).exits(1).says("golang-migrate").says("adopt");
        assert_eq!(sandbox.all_tables(), ["schema_migrations"]);
        sandbox.run(&["status"]).ok().says("golang-migrate");
    });
}

#[test]
fn foreign_layouts_go_up_and_all_the_way_down() {
    for name in ["golang-migrate", "diesel", "sqlx", "dbmate", "goose", "sql-migrate"] {
        let sandbox = Sandbox::new(Kind::Sqlite);
        sandbox.example(name);
        let verified = sandbox.run(&["verify"]);
        assert_eq!(verified.code, 0, "{name}: {}", verified.all());
        sandbox.run(&["up", "--locked"]).ok();
        assert!(!sandbox.user_tables().is_empty(), "{name}");
        let applied = sandbox.applied();
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
        assert!(sandbox.user_tables().is_empty(), "{name}: {:?}", sandbox.user_tables());
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.applied(), applied);
    }
}

#[test]
fn the_shop_goes_up_and_down_on_every_engine() {
    each_engine(|sandbox| {
        sandbox.example("shop");
        let object = sandbox.json(&["verify"]);
        let verdicts = each(&object["migrations"], "/verdict");
        assert!(verdicts.iter().all(|verdict| verdict == "exact"), "{object:#}");
        sandbox.run(&["up", "--locked"]).ok();
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
        assert!(sandbox.user_tables().is_empty(), "{:?}", sandbox.user_tables());
        sandbox.run(&["up", "--locked"]).ok();
    });
}

#[test]
fn what_looks_right_is_judged() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.example("looks-right");
    let object = sandbox.json(&["verify", "--keep-going"]);
    let found: Vec<(String, String)> =
        each(&object["migrations"], "/id").into_iter().zip(each(&object["migrations"], "/verdict")).collect();
    let expected = [
        ("0001_base", "exact"),
        ("0002_drop_nickname", "broken"),
        ("0003_drop_fax", "lossy"),
        ("0004_rename_state", "lossy"),
        ("0005_lower_emails", "lossy"),
        ("0006_prune_audit", "lossy"),
        ("0007_make_sure_of_audit", "broken"),
        ("0008_widen_cards", "broken"),
        ("0009_log_orders", "broken"),
        ("0010_rebuild_products", "broken"),
        ("0011_reindex_products", "broken"),
        ("0012_optional_note", "broken"),
    ];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(id, verdict)| ((*id).to_owned(), (*verdict).to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_up_that_made_up_rows_stand_in_the_way_of_is_tried_with_others_and_they_are_there_again_behind_it() {
    // SQLite adds no keys to a table that is there: it makes another one, as in the shop.
    each_server(|sandbox| {
        sandbox.migration(
            "1_tables",
            "CREATE TABLE a (id integer PRIMARY KEY, v integer NOT NULL, w integer);\n\
             CREATE TABLE b (id integer PRIMARY KEY, a integer NOT NULL);\n",
            "DROP TABLE b;\nDROP TABLE a;\n",
        );
        let unkey =
            if sandbox.kind == Kind::Mysql { "DROP FOREIGN KEY b_a,\n DROP KEY b_a" } else { "DROP CONSTRAINT b_a" };
        sandbox.migration(
            "2_key",
            "ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (a) REFERENCES a (id);\n",
            &format!("ALTER TABLE b {unkey};\n"),
        );
        sandbox.migration(
            "3_one",
            "ALTER TABLE a ADD CONSTRAINT one CHECK (v = 1);\n",
            "ALTER TABLE a DROP CONSTRAINT one;\n",
        );
        // Rows stand in the table again, or nobody would see that their values are gone.
        sandbox.migration("4_drop", "ALTER TABLE a DROP COLUMN w;\n", "ALTER TABLE a ADD COLUMN w integer;\n");
        let object = sandbox.json(&["verify", "--keep-going"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact", "exact", "exact", "lossy"], "{object:#}");
        assert!(object.to_string().contains("a.w"), "{object:#}");
    });
}

#[test]
fn the_project_is_found_from_a_folder_below_it() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).write("switchback.toml", "").write("app/src/main.sql", "");
    for folder in ["app", "app/src"] {
        let output = sandbox.command(&["status"]).current_dir(sandbox.root().join(folder)).output().unwrap();
        assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("pending  1_t1"), "{folder}");
    }
}

/// Edges run to the last writer of what is named or written, and nowhere else.
#[test]
fn dependencies_are_observed_and_declared_ones_are_held_against_them() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.migration(
            "03_phone",
            "ALTER TABLE users ADD COLUMN phone varchar(20);\n",
            "ALTER TABLE users DROP COLUMN phone;\n",
        );
        sandbox.migration("04_other", "CREATE TABLE other (id integer);\n", "DROP TABLE other;\n");
        sandbox.migration(
            "05_view",
            "CREATE VIEW contacts AS SELECT email, phone FROM users;\n",
            "DROP VIEW contacts;\n",
        );
        sandbox.migration("06_fill", "INSERT INTO other VALUES (1);\n", "DELETE FROM other;\n");
        sandbox.run(&["verify"]);
        let registry = sandbox.read("migrations/registry.toml");
        let edges = |id: &str| {
            let line = registry.lines().find(|line| line.contains(&format!("{{ id = \"{id}\", engine")));
            let line = line.unwrap_or_else(|| panic!("{id} in {registry}"));
            let list = line.split_once("requires = [").and_then(|(_, rest)| rest.split_once(']'));
            list.unwrap_or_else(|| panic!("edges in {line}")).0.to_owned()
        };
        assert_eq!(edges("01_users"), "");
        assert_eq!(edges("02_email"), "\"01_users\"");
        assert_eq!(edges("03_phone"), "\"01_users\"");
        assert_eq!(edges("04_other"), "");
        assert_eq!(edges("05_view"), "\"01_users\", \"02_email\", \"03_phone\"");
        assert_eq!(edges("06_fill"), "\"04_other\"");
        // What was observed is kept as long as the files are what they were.
        sandbox.run(&["seal"]).ok();
        assert_eq!(sandbox.read("migrations/registry.toml"), registry);
        sandbox.write("migrations/05_view/migration.toml", "requires = [\"03_phone\", \"04_other\"]\n");
        let told = sandbox.run(&["verify", "05_view"]);
        let told = told.says("requires-missing").says("does not require it").says("add \"02_email\"");
        told.says("requires-needless").says("04_other").says_not("add \"01_users\"");
        sandbox.run(&["verify", "05_view"]).says("requires-missing");
        sandbox.write("migrations/05_view/migration.toml", "requires = [\"02_email\", \"03_phone\"]\n");
        sandbox.run(&["verify", "05_view"]).says_not("requires-");
        // All that comes before it goes up, whether it stands on that or not.
        sandbox.run(&["up", "--to", "05_view"]).ok();
        assert_eq!(sandbox.applied(), ["01_users", "02_email", "03_phone", "04_other", "05_view"]);
    });
}

#[test]
fn what_cannot_be_run_is_named_and_the_rest_is_proven_with_keep_going() {
    each_engine(|sandbox| {
        let file = |name: &str, text: &str| {
            sandbox.write(&format!("migrations/{name}"), text);
        };
        let pair = |stem: &str, table: &str| {
            file(&format!("{stem}.up.sql"), &format!("CREATE TABLE {table} (id integer);\n"));
            file(&format!("{stem}.down.sql"), &format!("DROP TABLE {table};\n"));
        };
        pair("1_a", "a");
        file("2_fill.up.go", "package migrations\n");
        file("2_fill.down.go", "package migrations\n");
        pair("3_b", "b");
        pair("3_c", "c");
        file("4_d.up.sql", "CREATE TABLE d (id integer);\nINSERT INTO d VALUES ('1;\n");
        file("4_d.down.sql", "DROP TABLE d;\n");
        pair("5_e", "e");
        file("6_on_d.up.sql", "ALTER TABLE d ADD COLUMN a integer;\n");
        file("6_on_d.down.sql", "ALTER TABLE d DROP COLUMN a;\n");
        file("7_f.up.sql", "CREATE TABLE f (id integer);\n");
        file("7_f.down.go", "package migrations\n");
        for args in [&["verify"][..], &["up"], &["verify", "--locked"]] {
            let refused = sandbox.run(args).exits(1).says("the migrations have ");
            refused.says("`2_fill.up.go` is a program").says("`3_c.up.sql` has the version 3 of `3_b.up.sql`");
        }
        let object = sandbox.json(&["verify", "--keep-going"]);
        let migrations = &object["migrations"];
        assert_eq!(each(migrations, "/id"), ["1_a", "3_b", "3_c", "4_d", "5_e", "6_on_d", "7_f"]);
        let verdicts = ["exact", "exact", "exact", "failed", "exact", "unreached", "missing"];
        assert_eq!(each(migrations, "/verdict"), verdicts);
        assert_eq!(each(&migrations[3]["findings"], "/path"), ["migrations/4_d.up.sql"]);
        assert_eq!(each(&object["findings"], "/code"), ["unsupported", "duplicate-version"]);
        let human = sandbox.run(&["verify", "--keep-going"]).exits(1).says("`2_fill.up.go` is a program");
        human.says("1 failed").says("nothing is written");
        assert!(!sandbox.root().join("migrations/registry.toml").exists());
    });
}

#[test]
fn postgres_a_trigger_that_makes_a_table_for_each_row_stops_no_proof() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let per_row = "CREATE TABLE p (id serial PRIMARY KEY, a integer NOT NULL);
        CREATE TABLE e (n integer NOT NULL);
        CREATE FUNCTION made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            EXECUTE format('CREATE TABLE e_%s () INHERITS (e)', NEW.id); RETURN NULL; END $$;
        CREATE TRIGGER made AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION made();";
    sandbox.migration("1_p", per_row, "DROP TABLE p; DROP TABLE e CASCADE; DROP FUNCTION made()");
    sandbox.migration("2_f", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f()");
    sandbox.migration("3_i", "CREATE INDEX CONCURRENTLY i ON p (a)", "SELECT 1");
    sandbox.migration("4_q", "CREATE TABLE q (id integer)", "DROP TABLE q");
    sandbox.migration(
        "5_b",
        "ALTER TABLE p ADD COLUMN b integer; UPDATE p SET b = 1 WHERE a = 7",
        "ALTER TABLE p DROP COLUMN b; SELECT f()",
    );
    sandbox.migration(
        "6_n",
        "ALTER TABLE p DROP COLUMN b",
        "ALTER TABLE p ADD COLUMN b integer; DO $$ BEGIN PERFORM 1; END $$",
    );
    let told = sandbox.json(&["verify", "--keep-going"]);
    assert_eq!(
        each(&told["migrations"], "/verdict"),
        ["exact", "exact", "broken", "exact", "exact", "lossy"],
        "{told}"
    );
    let codes = each(&told["migrations"][2]["findings"], "/code");
    assert!(codes.iter().all(|code| code == "left-behind" || code == "up-again-failed"), "{told}");
    assert_eq!(each(&sandbox.json(&["verify", "--fresh", "4_q"])["migrations"], "/verdict"), ["exact"]);
}

/// The rows that were made for one migration stand there when the ups of others run, which were proven on other rows.
#[test]
fn what_is_known_does_not_fail_on_the_rows_of_what_is_proven_anew() {
    each_engine(|sandbox| {
        sandbox.migration("1_t", "CREATE TABLE t (id integer PRIMARY KEY, a integer);", "DROP TABLE t;");
        sandbox.migration("2_x", "CREATE TABLE x (a integer);", "DROP TABLE x;");
        let strict = "CREATE TABLE u (a integer NOT NULL);\nINSERT INTO u SELECT a FROM t;\n";
        sandbox.migration("3_u", strict, "DROP TABLE u;");
        sandbox.migration("4_y", "CREATE TABLE y (a integer);", "DROP TABLE y;");
        sandbox.run(&["verify"]).ok().says("4 exact");
        sandbox.migration("2_x", "CREATE TABLE x (a integer);", "DROP TABLE IF EXISTS x;");
        sandbox.migration("4_y", "CREATE TABLE y (a integer);", "DROP TABLE IF EXISTS y;");
        sandbox.run(&["verify"]).ok().says("exact        3_u (known)").says("4 exact");
    });
}
