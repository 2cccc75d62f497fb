//! `switchback recover`: after any crash it is known which statement was the last that took effect, and the step is gone on
//! with or taken back, to a state that is proven (I4).

mod common;

use common::slow::{is_under_way, slow};
use common::{Kind, Sandbox, each, each_engine, until};

const OFF: &str = "transaction = \"off\"\n";

/// A step of four statements, of which the third meets rows that no shadow has made.
fn four(sandbox: &Sandbox) -> &Sandbox {
    let table = "CREATE TABLE users (id integer PRIMARY KEY, email varchar(50));\n";
    sandbox.migration("1_users", table, "DROP TABLE users;\n");
    let on = if sandbox.kind == Kind::Mysql { " ON users" } else { "" };
    let up = "CREATE TABLE a (id integer PRIMARY KEY);\nALTER TABLE users ADD COLUMN age integer;\n\
              CREATE UNIQUE INDEX ue ON users (email);\nCREATE TABLE b (id integer PRIMARY KEY);\n";
    let down = format!("DROP TABLE b;\nDROP INDEX ue{on};\nALTER TABLE users DROP COLUMN age;\nDROP TABLE a;\n");
    sandbox.migration("2_more", up, &down).write("migrations/2_more/migration.toml", OFF);
    sandbox.migration("3_last", "CREATE TABLE c (id integer);\n", "DROP TABLE c;\n");
    sandbox.run(&["up", "--to", "1_users"]).ok();
    sandbox.sql("INSERT INTO users VALUES (1, 'a'), (2, 'a')");
    sandbox.run(&["up"]).exits(4).says("statement 3 of 4").says("`switchback recover --back-out` takes it back");
    sandbox
}

/// The schema is the one that the ledger's steps give.
fn is_whole(sandbox: &Sandbox) {
    sandbox.run(&["drift"]).ok();
    sandbox.run(&["log", "--verify"]).ok();
    assert!(sandbox.json(&["status"])["half_way"].is_null());
}

#[test]
fn i4_recover_tells_what_took_effect_and_what_leads_on_and_back() {
    each_engine(|sandbox| {
        four(sandbox).run(&["status"]).ok().says("half-way: the up of `2_more`").says("`switchback recover`");
        let ledger = sandbox.ledger_rows();
        let told = sandbox.run(&["recover"]).exits(4).says("half-way: the up of `2_more` (row #");
        let told = told.says("stopped by: ").says("done      1  CREATE TABLE a").says("done      2  ALTER TABLE users");
        let told = told.says("not done  3  CREATE UNIQUE INDEX ue ON users (email)  (read back)");
        let told = told.says("to come   4  CREATE TABLE b").says("2 of 4 statements have taken effect");
        told.says("proven exact").says("ALTER TABLE users DROP COLUMN age\n  DROP TABLE a\n").says_not("DROP TABLE b");
        let json = sandbox.run(&["recover", "--json"]).exits(4).object("recover");
        assert_eq!((json["behind"].as_u64(), json["outcome"].as_str()), (Some(2), Some("half-way")));
        assert_eq!(each(&json["statements"], "/state"), ["done", "done", "not done", "to come"]);
        assert_eq!(json["back_out"]["verdict"], "exact");
        assert_eq!(sandbox.ledger_rows(), ledger, "it only looks");
    });
}

#[test]
fn i4_a_step_that_stopped_half_way_is_backed_out_to_the_schema_before_it() {
    each_engine(|sandbox| {
        four(sandbox).run(&["recover", "--back-out"]).exits(2).says("--yes");
        let back = sandbox.run(&["recover", "--back-out", "--yes", "--reason", "too early"]).ok();
        back.says("backed out 2_more").says_not("schema-differs");
        assert_eq!(sandbox.user_tables(), ["users"]);
        assert_eq!(sandbox.value("SELECT count(*) FROM users"), "2");
        assert_eq!(
            sandbox.ledger_rows().split_off(sandbox.ledger_rows().len() - 2),
            ["back-out started 2_more", "back-out done 2_more"]
        );
        is_whole(sandbox);
        sandbox.run(&["log"]).ok().says("back-out 2_more").says("too early");
        sandbox.run(&["recover"]).ok().says("nothing is half-way: 1 migration applied");
        sandbox.sql("DELETE FROM users WHERE id = 2");
        sandbox.run(&["up"]).ok().says("applied  2_more").says("applied  3_last");
        is_whole(sandbox);
    });
}

#[test]
fn i4_a_step_that_stopped_half_way_is_gone_on_with_and_nothing_else() {
    each_engine(|sandbox| {
        four(sandbox).sql("UPDATE users SET email = 'b' WHERE id = 2");
        sandbox.run(&["recover", "--resume"]).ok().says("goes on behind statement 2").says("applied  2_more");
        assert_eq!(sandbox.applied(), ["1_users", "2_more"]);
        assert_eq!(sandbox.ledger_count("apply done 2_more"), 1);
        is_whole(sandbox);
        sandbox.run(&["recover", "--resume"]).ok().says("nothing to do");
    });
}

#[test]
fn i11_backing_out_asks_for_rows_that_came_meanwhile() {
    each_engine(|sandbox| {
        four(sandbox).sql("UPDATE users SET age = 3 WHERE id = 1");
        sandbox.sql("INSERT INTO a VALUES (7)");
        let refused = sandbox.run(&["recover", "--back-out", "--yes"]).exits(1).says("rows would be lost");
        refused.says("users.age with 1 value").says("table ").says("with 1 row");
        sandbox.run(&["recover", "--back-out", "--yes", "--accept-loss"]).ok();
        is_whole(sandbox);
    });
}

#[test]
fn i3_recover_needs_nothing_of_the_checkout() {
    each_engine(|sandbox| {
        four(sandbox).remove("migrations/2_more").remove("migrations/3_last");
        sandbox.run(&["up"]).exits(4).says("`switchback recover`");
        sandbox.run(&["recover"]).exits(4).says("2 of 4 statements have taken effect");
        sandbox.sql("DELETE FROM users WHERE id = 2");
        sandbox.run(&["recover", "--resume"]).ok().says("applied  2_more");
        is_whole(sandbox);
    });
}

#[test]
fn a_script_that_was_mended_behind_what_ran_is_what_is_gone_on_with() {
    each_engine(|sandbox| {
        let up = four(sandbox).read("migrations/2_more/up.sql").replace("UNIQUE ", "");
        sandbox.write("migrations/2_more/up.sql", up);
        sandbox.run(&["recover", "--resume", "--locked"]).exits(1).says("--locked");
        sandbox.run(&["recover", "--resume"]).ok().says("applied  2_more");
        is_whole(sandbox);
        sandbox.run(&["check"]).ok();
    });
}

/// A down whose second statement meets a key of a table that nobody has told us of.
fn reverted_half_way(sandbox: &Sandbox) -> &Sandbox {
    let up = "CREATE TABLE a (id integer PRIMARY KEY);\nCREATE TABLE b (id integer PRIMARY KEY, x integer);\n";
    sandbox.migration("1_two", up, "DROP TABLE a;\nDROP TABLE b;\n").write("migrations/1_two/migration.toml", OFF);
    sandbox.run(&["up"]).ok();
    sandbox.sql("CREATE TABLE other (b integer, FOREIGN KEY (b) REFERENCES b (id))");
    sandbox.run(&["down", "--all", "--yes"]).exits(4).says("statement 2 of 2");
    sandbox
}

#[test]
fn i4_a_down_that_stopped_half_way_is_backed_out_too() {
    // SQLite drops a table that others refer to.
    for kind in [Kind::Postgres, Kind::Mysql] {
        let sandbox = Sandbox::new(kind);
        reverted_half_way(&sandbox).run(&["recover"]).exits(4).says("the down of `1_two`").says("CREATE TABLE");
        sandbox.sql("DROP TABLE other");
        sandbox.run(&["recover", "--back-out", "--yes"]).ok().says("backed out 1_two");
        assert_eq!(sandbox.user_tables(), ["a", "b"]);
        assert_eq!(sandbox.applied(), ["1_two"]);
        is_whole(&sandbox);
        sandbox.run(&["down", "--all", "--yes"]).ok();
        assert!(sandbox.user_tables().is_empty());
    }
}

#[test]
fn i4_a_back_out_that_stopped_half_way_is_ended_and_nothing_else_begun() {
    for kind in [Kind::Postgres, Kind::Mysql] {
        let sandbox = Sandbox::new(kind);
        let off = "ALTER TABLE users DROP COLUMN age";
        four(&sandbox).sql("CREATE TABLE other (a integer, FOREIGN KEY (a) REFERENCES a (id))");
        sandbox.run(&["recover", "--back-out", "--yes"]).exits(4).says("the back-out of `2_more` failed");
        sandbox
            .run(&["status"])
            .ok()
            .says("half-way: the back-out of `2_more`")
            .says("with --resume it takes back the rest");
        for other in [&["up"][..], &["down", "--all", "--yes"], &["redo", "--yes"]] {
            sandbox.run(other).exits(4).says("the back-out of `2_more` stopped half-way");
        }
        let told = sandbox.run(&["recover"]).exits(4).says(&format!("done      1  {off}"));
        told.says("not done  2  DROP TABLE a").says_not("--back-out");
        sandbox.run(&["recover", "--back-out", "--yes"]).exits(4).says("--resume");
        sandbox.sql("DROP TABLE other");
        sandbox.run(&["recover", "--resume"]).ok().says("backed out 2_more");
        assert_eq!(sandbox.user_tables(), ["users"]);
        is_whole(&sandbox);
    }
}

#[test]
fn i4_a_back_out_of_which_nothing_took_effect_leaves_what_it_was_to_take_back() {
    for kind in [Kind::Postgres, Kind::Mysql] {
        let sandbox = Sandbox::new(kind);
        let table = "CREATE TABLE users (id integer PRIMARY KEY, email varchar(50));\n";
        sandbox.migration("1_users", table, "DROP TABLE users;\n");
        let on = if kind == Kind::Mysql { " ON users" } else { "" };
        let up = "CREATE TABLE a (id integer PRIMARY KEY);\nCREATE UNIQUE INDEX ue ON users (email);\n";
        sandbox.migration("2_more", up, &format!("DROP INDEX ue{on};\nDROP TABLE a;\n"));
        sandbox.write("migrations/2_more/migration.toml", OFF).run(&["up", "--to", "1_users"]).ok();
        sandbox.sql("INSERT INTO users VALUES (1, 'a'), (2, 'a')");
        sandbox.run(&["up"]).exits(4);
        sandbox.sql("CREATE TABLE other (a integer, FOREIGN KEY (a) REFERENCES a (id))");
        sandbox.run(&["recover", "--back-out", "--yes"]).exits(1).says("the back-out of `2_more` failed");
        sandbox.run(&["status"]).ok().says("half-way: the up of `2_more`").says("1 of its statements");
        sandbox.sql("DROP TABLE other");
        sandbox.run(&["recover", "--back-out", "--yes"]).ok();
        is_whole(&sandbox);
    }
}

#[test]
fn i4_a_run_that_was_killed_is_told_from_one_at_work_and_backed_out() {
    each_engine(|sandbox| {
        slow(sandbox, 60);
        sandbox.write("migrations/1_parts/migration.toml", OFF).run(&["verify"]).ok();
        let up = sandbox.start(&["up"]);
        until("the long statement", || is_under_way(sandbox));
        sandbox.run(&["recover"]).exits(5).says("holds the lock: tester@").says("switchback lock");
        up.kill();
        // What the server still runs for a client that is gone is not started over.
        until("a word on where it stands", || sandbox.run(&["recover"]).code != 5 || end(sandbox));
        let told = sandbox.run(&["recover"]).exits(4).says("stopped by: nobody has told; a crash, a kill");
        told.says("done      2  CREATE TABLE done").says("2 of 4 statements have taken effect");
        sandbox.run(&["recover", "--back-out", "--yes"]).ok().says("backed out 1_parts");
        assert!(sandbox.user_tables().is_empty());
        is_whole(sandbox);
    });
}

/// Ends the long statement on the server; always false.
fn end(sandbox: &Sandbox) -> bool {
    let find = match sandbox.kind {
        Kind::Sqlite => return false,
        Kind::Postgres => {
            "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        }
        Kind::Mysql => {
            "SELECT concat('KILL ', id) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        }
    };
    for text in sandbox.sql(find).into_iter().flatten().flatten().filter(|text| text.starts_with("KILL")) {
        let _ = sandbox.connect().attempt(&text);
    }
    false
}

#[test]
fn a_way_back_in_the_words_of_the_other_script_takes_rows_back_too() {
    each_engine(|sandbox| {
        let up = "CREATE TABLE kinds (id integer PRIMARY KEY, name varchar(20));\n";
        sandbox.migration("1_kinds", up, "DROP TABLE kinds;\n");
        let up = "INSERT INTO kinds VALUES (71, 'new');\nCREATE UNIQUE INDEX uk ON kinds (name);\n";
        let on = if sandbox.kind == Kind::Mysql { " ON kinds" } else { "" };
        sandbox.migration("2_new", up, &format!("DROP INDEX uk{on};\nDELETE FROM kinds WHERE id = 71;\n"));
        sandbox.write("migrations/2_new/migration.toml", OFF).run(&["up", "--to", "1_kinds"]).ok();
        sandbox.sql("INSERT INTO kinds VALUES (1, 'old'), (2, 'old')");
        sandbox.run(&["up"]).exits(4);
        sandbox.run(&["recover"]).exits(4).says("DELETE FROM kinds WHERE id = 71");
        sandbox.run(&["recover", "--back-out", "--yes", "--accept-loss"]).ok();
        assert_eq!(sandbox.value("SELECT count(*) FROM kinds"), "2");
        is_whole(sandbox);
    });
}

/// Two rows and an index that other rows do not let be; the down takes both rows with one statement.
fn rows_and_an_index(sandbox: &Sandbox) -> String {
    let up = "CREATE TABLE kinds (id integer PRIMARY KEY, name varchar(20));\n";
    sandbox.migration("1_kinds", up, "DROP TABLE kinds;\n");
    let on = if sandbox.kind == Kind::Mysql { " ON kinds" } else { "" };
    let up = "INSERT INTO kinds VALUES (71, 'x');\nINSERT INTO kinds VALUES (72, 'y');\nCREATE UNIQUE INDEX uk ON kinds (name);\n";
    sandbox.migration("2_new", up, &format!("DROP INDEX uk{on};\nDELETE FROM kinds WHERE id IN (71, 72);\n"));
    sandbox.write("migrations/2_new/migration.toml", OFF).run(&["up", "--to", "1_kinds"]).ok();
    sandbox.sql("INSERT INTO kinds VALUES (1, 'old'), (2, 'old')");
    sandbox.run(&["up"]).exits(4);
    format!("DROP INDEX uk{on}")
}

#[test]
fn i1_a_part_without_a_proven_way_back_is_not_taken_back() {
    each_engine(|sandbox| {
        rows_and_an_index(sandbox);
        let rows = sandbox.ledger_rows();
        sandbox
            .run(&["recover"])
            .exits(4)
            .says("2 of 3 statements")
            .says("no way back could be proven for the 2 statements");
        sandbox
            .run(&["recover", "--back-out", "--yes", "--accept-loss"])
            .exits(4)
            .says("`switchback recover --resume`");
        assert_eq!(sandbox.ledger_rows(), rows);
        assert_eq!(sandbox.value("SELECT count(*) FROM kinds"), "4");
    });
}

#[test]
fn i4_what_fits_neither_side_of_a_statement_is_shown_and_not_guessed() {
    each_engine(|sandbox| {
        let drop = rows_and_an_index(sandbox);
        // Somebody else's table is no part of the step; an index of that name is.
        sandbox.sql("CREATE TABLE other (id integer)");
        sandbox.run(&["recover"]).exits(4).says("something else changed the live schema too").says("table ");
        sandbox.sql("CREATE INDEX uk ON kinds (id, name)");
        let rows = sandbox.ledger_rows();
        let stuck = sandbox.run(&["recover"]).exits(4).says("in doubt  3  CREATE UNIQUE INDEX");
        stuck.says("neither the one before nor the one after statement 3").says("uk").says_not("other");
        sandbox.run(&["recover", "--resume"]).exits(4).says("neither");
        assert_eq!(sandbox.ledger_rows(), rows);
        sandbox.sql(&drop);
        sandbox.sql("DELETE FROM kinds WHERE id = 1");
        sandbox.run(&["recover", "--resume"]).ok().says("something else changed the live schema too");
        sandbox.sql("DROP TABLE other");
        is_whole(sandbox);
    });
}

fn with_an_index() -> Sandbox {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.migration("1_t", "CREATE TABLE t (id integer, x integer);\nCREATE INDEX ix ON t (x);\n", "DROP TABLE t;\n");
    sandbox.run(&["up"]).ok();
    sandbox
}

#[test]
fn postgres_an_index_whose_build_did_not_end_is_dropped_or_built_anew() {
    let sandbox = with_an_index();
    let valid = |index: &str| {
        sandbox.value(&format!("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{index}')"))
    };
    sandbox.sql("INSERT INTO t VALUES (1, 1), (1, 2)");
    let up = "CREATE TABLE a (id integer);\nCREATE UNIQUE INDEX CONCURRENTLY ui ON t (id);\n";
    sandbox.migration("2_ui", up, "DROP INDEX ui;\nDROP TABLE a;\n");
    for back in [true, false] {
        sandbox.run(&["up"]).exits(4);
        assert_eq!(valid("ui"), "f");
        let told = sandbox.run(&["recover"]).exits(4).says("the index public.ui was left invalid");
        told.says("  DROP INDEX CONCURRENTLY IF EXISTS public.ui\n  DROP TABLE a\n").says("proven exact");
        if back {
            sandbox.run(&["recover", "--back-out", "--yes"]).ok();
            assert!(sandbox.sql("SELECT 1 WHERE to_regclass('ui') IS NOT NULL").is_empty());
        } else {
            sandbox.sql("DELETE FROM t WHERE x = 2");
            sandbox.run(&["recover", "--resume"]).ok();
            assert_eq!(valid("ui"), "t");
        }
        is_whole(&sandbox);
    }
}

/// A statement of a script waits for a table that somebody reads, and is ended there by an administrator.
fn ended_while_it_waits(sandbox: &Sandbox, statement: &str) {
    sandbox.run(&["verify"]).ok();
    let mut reader = sandbox.connect();
    reader.sql("BEGIN");
    reader.sql("SELECT * FROM t");
    let up = sandbox.start(&["up", "--locked"]);
    let find = format!(
        "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '{statement}%' \
         AND wait_event_type = 'Lock'"
    );
    until("the statement that waits", || !sandbox.sql(&find).is_empty());
    sandbox.sql(&format!("SELECT pg_terminate_backend(pid::integer)::text FROM ({find}) AS them"));
    up.wait().exits(4).says("whether it took effect is not known").says("`switchback recover`");
    reader.sql("ROLLBACK");
}

#[test]
fn postgres_an_index_whose_drop_did_not_end_is_rebuilt_or_dropped() {
    let sandbox = with_an_index();
    sandbox.migration("2_no_ix", "DROP INDEX CONCURRENTLY ix;\n", "CREATE INDEX ix ON t (x);\n");
    let valid = || sandbox.value("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix')");
    ended_while_it_waits(&sandbox, "DROP INDEX CONCURRENTLY");
    assert_eq!(valid(), "f");
    let told = sandbox.run(&["recover"]).exits(4).says("not done  1  DROP INDEX").says("public.ix was left invalid");
    told.says("REINDEX INDEX CONCURRENTLY public.ix");
    sandbox.run(&["recover", "--back-out", "--yes"]).ok();
    assert_eq!(valid(), "t");
    is_whole(&sandbox);
    ended_while_it_waits(&sandbox, "DROP INDEX CONCURRENTLY");
    sandbox.run(&["recover", "--resume"]).ok().says("applied  2_no_ix");
    is_whole(&sandbox);
}

#[test]
fn postgres_what_a_rebuild_left_behind_is_cleared_and_told() {
    let sandbox = with_an_index();
    sandbox.migration("2_re", "REINDEX TABLE CONCURRENTLY t;\nCREATE TABLE a (id integer);\n", "DROP TABLE a;\n");
    let left = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid";
    ended_while_it_waits(&sandbox, "REINDEX TABLE CONCURRENTLY");
    // By when it is ended, it is the new one or the old one.
    let index = sandbox.value(left);
    assert!(["ix_ccnew", "ix_ccold"].contains(&index.as_str()), "{index}");
    sandbox.run(&["recover"]).exits(4).says(&format!("public.{index} was left invalid"));
    sandbox.run(&["recover", "--resume"]).ok().says(&format!("dropped the invalid index public.{index}"));
    is_whole(&sandbox);
    assert!(sandbox.sql(left).is_empty());
    // Where no step of ours left it, it is told and let be.
    sandbox.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass");
    let told = sandbox.run(&["recover"]).ok().says("nothing is half-way").says("the index public.ix is invalid");
    told.says("REINDEX INDEX CONCURRENTLY public.ix rebuilds it");
}

/// MariaDB drops what stands before the table that it does not find, and says that the statement failed.
#[test]
fn i4_mysql_a_statement_that_fails_and_takes_effect_in_part_leaves_its_step_half_way() {
    let sandbox = Sandbox::new(Kind::Mysql);
    let both = "CREATE TABLE a (id integer);\nCREATE TABLE b (id integer);\n";
    sandbox.migration("1_both", both, "DROP TABLE a, b;\n").run(&["up"]).ok();
    sandbox.sql("DROP TABLE b");
    let down = sandbox.run(&["down", "--all", "--yes", "--accept-loss"]);
    if !sandbox.is_mariadb() {
        // All or nothing there.
        down.exits(1);
        assert_eq!(sandbox.user_tables(), ["a"]);
        return;
    }
    down.exits(4).says("a part of what it says has taken effect all the same").says("`switchback recover`");
    assert!(sandbox.user_tables().is_empty());
    sandbox.run(&["status"]).ok().says("half-way: the down of `1_both`");
    sandbox.run(&["recover"]).exits(4).says("done      1  DROP TABLE a, b  (read back)");
    sandbox.run(&["recover", "--resume"]).ok().says("reverted 1_both");
    is_whole(&sandbox);
}

#[test]
fn a_member_of_a_group_is_backed_out_with_a_word_on_the_others() {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.migration("1_a", "CREATE TABLE a (id integer);\n", "DROP TABLE a;\n");
    let two = "CREATE TABLE b (id integer);\nCREATE TABLE c (id integer);\n";
    sandbox.migration("2_bc", two, "DROP TABLE c;\nDROP TABLE b;\n");
    for id in ["1_a", "2_bc"] {
        sandbox.write(&format!("migrations/{id}/migration.toml"), "group = \"both\"\n");
    }
    sandbox.sql("CREATE TABLE c (id integer)");
    sandbox.run(&["up"]).exits(4);
    let back = sandbox.run(&["recover", "--back-out", "--yes"]).ok();
    back.says("group-in-part").says("`2_bc` is of one group with `1_a`, which stays applied");
    sandbox.run(&["down", "--all", "--yes"]).exits(1).says("not all of it is applied");
    sandbox.sql("DROP TABLE c");
    sandbox.run(&["up"]).ok();
    sandbox.run(&["down", "--all", "--yes"]).ok();
    is_whole(&sandbox);
}

#[test]
fn nothing_is_called_whole_while_a_run_is_at_work() {
    let sandbox = Sandbox::new(Kind::Postgres);
    slow(&sandbox, 60);
    let up = sandbox.start(&["up"]);
    until("the long statement", || is_under_way(&sandbox));
    sandbox.run(&["recover"]).exits(5).says("holds the lock: tester@");
    up.kill();
    until("a word on where it stands", || sandbox.run(&["recover"]).code != 5 || end(&sandbox));
    sandbox.run(&["recover"]).ok().says("nothing is half-way").says("without giving its lease back: tester@");
}

#[test]
fn i4_what_a_refused_statement_met_is_not_taken_for_its_work() {
    each_engine(|sandbox| {
        let two = "CREATE TABLE b (id integer);\nCREATE TABLE c (id integer);\n";
        sandbox.migration("1_bc", two, "DROP TABLE c;\nDROP TABLE b;\n").write("migrations/1_bc/migration.toml", OFF);
        sandbox.sql("CREATE TABLE c (id integer)");
        sandbox.run(&["up"]).exits(4);
        let told = sandbox.run(&["recover"]).exits(4).says("1 of 2 statements").says("not done  2  CREATE TABLE c");
        told.says("something else changed the live schema too").says_not("DROP TABLE c");
        // Another try is refused as well, and is no reason to think otherwise.
        sandbox.run(&["recover", "--resume"]).exits(4).says("statement 2 of 2");
        assert_eq!(sandbox.ledger_count("apply started 1_bc"), 2, "who goes on is told, too");
        sandbox.run(&["recover", "--back-out", "--yes"]).ok();
        assert_eq!(sandbox.user_tables(), ["c"]);
        sandbox.sql("DROP TABLE c");
        is_whole(sandbox);
    });
}

#[test]
fn postgres_a_detach_that_did_not_end_is_ended_and_never_taken_for_undone() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let base = "CREATE TABLE t (id integer) PARTITION BY LIST (id);\nCREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);\n\
                CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2);\n";
    sandbox.migration("1_base", base, "DROP TABLE t;\n");
    sandbox.run(&["up"]).ok();
    sandbox.sql("INSERT INTO t VALUES (1), (2)");
    // A concurrent detach leaves the partition's bound behind as a CHECK.
    let up = "ALTER TABLE t DETACH PARTITION t1 CONCURRENTLY;\n";
    let down = "ALTER TABLE t ATTACH PARTITION t1 FOR VALUES IN (1);\nALTER TABLE t1 DROP CONSTRAINT t1_id_check;\n";
    sandbox.migration("2_apart", &format!("CREATE TABLE a (id integer);\n{up}"), &format!("{down}DROP TABLE a;\n"));
    ended_while_it_waits(&sandbox, "ALTER TABLE t DETACH");
    let pending = "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 't1'::regclass";
    assert_eq!((sandbox.value(pending).as_str(), sandbox.value("SELECT count(*) FROM t").as_str()), ("t", "1"));
    let told = sandbox.run(&["recover"]).exits(4).says("not done  2  ALTER TABLE t DETACH PARTITION t1 CONCURRENTLY");
    told.says("the partition public.t1 has begun to be detached").says("can only be ended");
    assert_eq!(sandbox.json(&["recover"])["detaching"], serde_json::json!(["public.t1"]));
    sandbox.run(&["recover", "--back-out", "--yes"]).exits(4).says("the detach of public.t1 has begun");
    let resumed = sandbox.run(&["recover", "--resume"]).ok().says("applied  2_apart");
    resumed.says("the detach of \"t1\", which an earlier try had begun, was ended by FINALIZE");
    assert_eq!(sandbox.value("SELECT count(*) FROM pg_inherits WHERE inhrelid = 't1'::regclass"), "0");
    is_whole(&sandbox);
    sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
    assert_eq!(sandbox.value("SELECT count(*) FROM t"), "2");
    is_whole(&sandbox);
    // Where no step of ours began it, it is drift.
    sandbox.sql("UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 't1'::regclass");
    sandbox.run(&["drift"]).exits(1).says("detach pending");
}
