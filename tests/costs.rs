//! What a dry run tells of the price of each step: sizes, locks, rewrites, times, and who stands in the way.

mod common;

use common::login::Login;
use common::{Kind, Sandbox, each_engine};
use serde_json::Value;

const BASE: &str = "CREATE TABLE users (id integer PRIMARY KEY, age integer);\n\
                    CREATE TABLE orders (id integer PRIMARY KEY, u integer);\n";
const NO_BASE: &str = "DROP TABLE orders;\nDROP TABLE users;\n";

/// The locks of all statements of a step, as `line mode table rewrites`.
fn locks(step: &Value) -> Vec<String> {
    let statements = step["price"]["statements"].as_array().expect("statements");
    let of = |one: &Value| {
        let line = one["place"]["line"].clone();
        let lock = move |lock: &Value| {
            format!(
                "{line} {} {} {}",
                lock["mode"].as_str().unwrap(),
                lock["table"].as_str().unwrap(),
                lock["rewrites"]
            )
        };
        one["locks"].as_array().expect("locks").iter().map(lock).collect::<Vec<_>>()
    };
    statements.iter().flat_map(of).collect()
}

fn based(sandbox: &Sandbox, up: &str) {
    sandbox.migration("1_base", BASE, NO_BASE).run(&["up"]).ok();
    sandbox.migration("2_more", up, "SELECT 1;\n");
    sandbox.run(&["waive", "2_more", "--reason", "only its price is asked"]).ok();
}

#[test]
fn postgres_shows_the_locks_that_it_took() {
    let sandbox = Sandbox::new(Kind::Postgres);
    based(
        &sandbox,
        "ALTER TABLE users ADD COLUMN email text;\nALTER TABLE users ALTER COLUMN age TYPE bigint;\n\
         CREATE INDEX ix ON orders (u);\n\
         ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (u) REFERENCES users (id);\n\
         UPDATE users SET email = 'x';\n",
    );
    sandbox.sql("INSERT INTO users SELECT i, i FROM generate_series(1, 500) AS i; ANALYZE users");
    let dry = sandbox.json(&["up", "--dry-run"]);
    let found = locks(&dry["steps"][0]);
    for lock in [
        "1 ACCESS EXCLUSIVE public.users false",
        "2 ACCESS EXCLUSIVE public.users true",
        "3 SHARE public.orders false",
        "4 SHARE ROW EXCLUSIVE public.users false",
        "4 SHARE ROW EXCLUSIVE public.orders false",
        "5 ROW EXCLUSIVE public.users false",
    ] {
        assert!(found.contains(&lock.to_owned()), "{lock} is not in {found:#?}");
    }
    let users =
        dry["steps"][0]["price"]["tables"].as_array().unwrap().iter().find(|one| one["table"] == "public.users");
    assert_eq!(users.unwrap()["rows"], 500);
    assert!(users.unwrap()["bytes"].as_u64().unwrap() > 0);
}

#[test]
fn postgres_tells_what_is_outside_of_a_transaction() {
    let sandbox = Sandbox::new(Kind::Postgres);
    based(&sandbox, "CREATE INDEX CONCURRENTLY ic ON users (age);\nALTER TABLE users ADD COLUMN z integer;\n");
    let dry = sandbox.json(&["up", "--dry-run"]);
    let step = &dry["steps"][0];
    assert_eq!(locks(step), ["1 SHARE UPDATE EXCLUSIVE public.users false", "2 ACCESS EXCLUSIVE public.users false"]);
    assert_eq!(step["price"]["outside"][0]["line"], 1);
    assert_eq!(step["price"]["outside"].as_array().unwrap().len(), 1);
}

#[test]
fn mysql_is_asked_for_the_cheapest_algorithm() {
    let sandbox = Sandbox::new(Kind::Mysql);
    based(
        &sandbox,
        "ALTER TABLE users ADD COLUMN email integer;\nALTER TABLE users MODIFY age bigint;\n\
         CREATE INDEX ix ON orders (u);\nUPDATE users SET email = 1;\n",
    );
    let found = locks(&sandbox.json(&["up", "--dry-run"])["steps"][0]);
    assert_eq!(found[..2], ["1 ALGORITHM=INSTANT users false", "2 ALGORITHM=COPY users true"]);
    assert!(found[2].ends_with(", LOCK=NONE orders false"), "{found:#?}");
    assert_eq!(found[3], "4 row locks users false");
}

#[test]
fn sqlite_locks_the_file_and_copies_rows() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    based(
        &sandbox,
        "CREATE TABLE n (id integer PRIMARY KEY, age bigint);\nINSERT INTO n SELECT id, age FROM users;\n\
         DROP TABLE users;\nALTER TABLE n RENAME TO users;\n",
    );
    let found = locks(&sandbox.json(&["up", "--dry-run"])["steps"][0]);
    assert_eq!(found, ["1 BEGIN IMMEDIATE … COMMIT the whole file false", "2 INSERT … SELECT users true"]);
}

#[test]
fn i7_an_open_transaction_is_named_and_its_values_are_not() {
    each_engine(|sandbox| {
        based(sandbox, "ALTER TABLE users ADD COLUMN email integer;\n");
        sandbox.sql("INSERT INTO users VALUES (1, 1)");
        if sandbox.kind == Kind::Sqlite {
            sandbox.run(&["up", "--dry-run"]).ok().says("does not tell who has the file open");
            return;
        }
        let mut other = sandbox.connect();
        let own =
            if sandbox.kind == Kind::Postgres { "SELECT pg_backend_pid()::text" } else { "SELECT CONNECTION_ID()" };
        let pid = other.sql(own)[0][0].clone().unwrap();
        other.sql("BEGIN");
        other.sql("UPDATE users SET age = 4711 WHERE id = 1");
        let rows = sandbox.ledger_rows();
        sandbox.run(&["up", "--dry-run"]).ok().says(&format!("in the way: session {pid} ")).says_not("4711");
        assert_eq!(sandbox.ledger_rows(), rows);
        other.sql("ROLLBACK");
    });
}

#[test]
fn postgres_says_what_an_account_may_not_see() {
    let sandbox = Sandbox::new(Kind::Postgres);
    let login = Login::new(&sandbox, "secret", "CREATEDB CREATEROLE");
    sandbox.sql(&format!(
        "GRANT ALL ON SCHEMA public TO {0}; GRANT CREATE ON DATABASE {1} TO {0}",
        login.name, sandbox.name
    ));
    sandbox.migration("1_base", BASE, NO_BASE);
    sandbox.run(&["up", "--dry-run", "-d", &login.url]).ok().says("no member of pg_read_all_stats");
}

#[test]
fn the_last_time_comes_from_the_ledger() {
    each_engine(|sandbox| {
        sandbox.migration("1_base", BASE, NO_BASE).run(&["up"]).ok();
        let last = sandbox.json(&["down", "--all", "--dry-run"])["steps"][0]["price"]["last"].clone();
        assert!(last.is_null(), "{last}");
        sandbox.run(&["down", "--all", "--yes"]).ok();
        let last = sandbox.json(&["up", "--dry-run"])["steps"][0]["price"]["last"].clone();
        assert_eq!(last["other_version"], false);
        assert!(last["millis"].is_u64() && last["at"].is_string(), "{last}");
        sandbox.migration(
            "1_base",
            &format!("{BASE}CREATE TABLE z (id integer);\n"),
            &format!("DROP TABLE z;\n{NO_BASE}"),
        );
        let last = sandbox.json(&["up", "--dry-run"])["steps"][0]["price"]["last"].clone();
        assert_eq!(last["other_version"], true);
    });
}
