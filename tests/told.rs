//! What a user is told, and with which exit code, where something is not as it should be.

mod common;

use common::{Kind, Sandbox, each};

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
