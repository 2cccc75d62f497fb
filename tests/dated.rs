//! Objects that are named after the day on which their up runs.

mod common;

use common::{Connection, Kind, Sandbox, each};

/// Partitions of today; of yesterday while a database of this name is there.
fn events(sandbox: &Sandbox, yesterday: &str) {
    let up = format!(
        "CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        DO $$ DECLARE day date := current_date - (SELECT count(*)::int FROM pg_database WHERE datname = '{yesterday}'); BEGIN
            EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', to_char(day, 'YYYY_MM_DD'), day, day + 1);
        END $$;\n"
    );
    sandbox.migration("1_events", &up, "DROP TABLE events;\n");
    sandbox.migration("2_note", "ALTER TABLE events ADD COLUMN note text;\n", "ALTER TABLE events DROP COLUMN note;\n");
}

#[test]
fn postgres_a_proof_of_yesterday_holds_today() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let server = || Connection::open(Kind::Postgres.server().as_str());
    let yesterday = format!("{}_y", sandbox.name);
    events(&sandbox, &yesterday);
    server().sql(&format!("CREATE DATABASE {yesterday} TEMPLATE template0"));
    let proven = sandbox.run(&["verify"]);
    let applied = sandbox.run(&["up"]);
    server().sql(&format!("DROP DATABASE {yesterday}"));
    proven.ok();
    applied.ok();
    sandbox.migration("3_a", "CREATE TABLE a (id integer);\n", "DROP TABLE a;\n");
    let told = sandbox.json(&["verify"]);
    assert_eq!(each(&told["migrations"], "/verdict"), ["exact", "exact", "exact"]);
    let fresh = |told: &serde_json::Value| -> Vec<bool> {
        told["migrations"].as_array().unwrap().iter().map(|one| one["fresh"] == true).collect()
    };
    assert_eq!(fresh(&told), [false, false, true]);
    assert_eq!(
        fresh(&sandbox.json(&["verify"])),
        [false; 3],
        "what was proven today goes on from what was proven yesterday"
    );
    sandbox.run(&["up", "--locked"]).ok().says("applied  3_a").says_not("schema-differs");
    sandbox.run(&["down", "--all", "--yes"]).ok().says("reverted 1_events").says_not("schema-differs");
    let anew = sandbox.json(&["verify", "--fresh", "--locked"]);
    assert_eq!(each(&anew["migrations"], "/verdict"), ["exact", "exact", "exact"]);
}

#[test]
fn postgres_another_day_is_drift_by_its_name_until_it_is_said_to_be_none() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let server = || Connection::open(Kind::Postgres.server().as_str());
    let yesterday = format!("{}_y", sandbox.name);
    events(&sandbox, &yesterday);
    server().sql(&format!("CREATE DATABASE {yesterday} TEMPLATE template0"));
    let applied = sandbox.run(&["up"]);
    server().sql(&format!("DROP DATABASE {yesterday}"));
    applied.ok();
    sandbox.run(&["drift"]).exits(1).says("events_2");
    sandbox.write("switchback.toml", "[drift]\nignore = [\"* public.events_2*\"]\n");
    sandbox.run(&["drift"]).ok();
}
