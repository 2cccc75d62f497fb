//! What a user is told, and with which exit code, where something is not as it should be.

mod common;

use common::slow::{is_under_way, slow};
use common::{Kind, Sandbox, each, each_engine, until};

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
        during.says(&format!("(process {})", up.pid())).says_not("stopped").says("Z, held");
        let running = sandbox.json(&["status"]);
        assert_eq!((&running["running"]["what"], running["running"]["actor"].as_str()), (&"up".into(), Some("tester")));
        up.kill();
        until("the server's end of the session", || sandbox.json(&["status"])["running"].is_null());
        sandbox.run(&["status"]).ok().says_not("running");
        if sandbox.kind == Kind::Mysql {
            sandbox
                .run(&["status"])
                .says("half-way: the up of 1_parts (row #1) stopped; 2 of its statements are known");
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
        .says("`switchback up` goes on");
    sandbox.remove("migrations/2_ux");
    let help = "`2_ux` is not in this checkout";
    sandbox.run(&["status", "--exit-code"]).exits(1).says(help).says("bring its files back");
    assert_eq!(sandbox.json(&["status"])["outcome"], "pending");
    sandbox.run(&["up"]).exits(4).says(help).says("bring its files back");
    sandbox.run(&["down", "--all", "--yes"]).exits(4).says(help);
    sandbox.sql("DELETE FROM t1");
    sandbox.migration("2_ux", up, down).run(&["up"]).ok().says("applied  2_ux");
}
