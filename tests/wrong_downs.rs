//! Wrong downs, all of which are told by what they leave behind or do not give back, and right ones, all of which pass.
//!
//! Most are made of the engines' contract (`tests/contract/`): for each property of each kind of object a right way back, and one
//! that forgets it or brings back something else. Those that are about rows, or about several objects at once, stand here.

mod common;
#[path = "common/contract.rs"]
mod contract;

use common::login::Login;
use common::{Kind, Sandbox};
use contract::Row;
use serde_json::Value;
use switchback::snapshot::Weight;

/// What stands before, an up, a down, the verdict, and what the findings have to say of it: nothing where there is nothing to say.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const T: &str = "CREATE TABLE t1 (id integer PRIMARY KEY, a integer, b varchar(20));";

/// On every engine.
#[rustfmt::skip] // One case per line reads better than one text per line.
const EVERYWHERE: &[Case] = &[
    ("", "CREATE TABLE x1 (id integer); CREATE TABLE y1 (id integer);", "DROP TABLE x1;", "broken", "table y1"),
    (T, "ALTER TABLE t1 ADD COLUMN c integer; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "broken", "t1.c is left behind"),
    (T, "CREATE INDEX i1 ON t1 (a); CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "broken", "i1 is left behind"),
    (T, "CREATE VIEW v1 AS SELECT a FROM t1; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "broken", "view v1"),
    ("", "CREATE TABLE IF NOT EXISTS x1 (id integer);", "", "broken", "holds no statement"),
    ("", "CREATE TABLE x1 (id integer);", "-- Nothing.\n", "broken", "holds no statement"),
    ("CREATE TABLE t1 (id integer, a integer NOT NULL DEFAULT 5);", "ALTER TABLE t1 DROP COLUMN a;", "ALTER TABLE t1 ADD COLUMN a text;", "broken", "column t1.a"),
    (T, "UPDATE t1 SET b = 'x' WHERE b IS NOT NULL; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "lossy", "t1.b"),
    (T, "UPDATE t1 SET b = lower(b);", "SELECT 1;", "broken", "the down script does nothing"),
    (T, "UPDATE t1 SET b = lower(b);", "UPDATE t1 SET b = upper(b);", "lossy", "t1.b"),
    (T, "UPDATE t1 SET a = NULL;", "UPDATE t1 SET a = 0;", "lossy", "t1.a"),
    (T, "DELETE FROM t1 WHERE a > 0; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "lossy", "t1 lost"),
    (T, "CREATE TABLE z1 (id integer);", "DELETE FROM t1 WHERE a > 0; DROP TABLE z1;", "lossy", "t1 lost"),
    (T, "ALTER TABLE t1 DROP COLUMN b;", "ALTER TABLE t1 ADD COLUMN b varchar(20);", "lossy", "t1.b lost"),
    (T, "DROP TABLE t1;", T, "lossy", "t1 lost"),
    ("CREATE TABLE t1 (a integer); CREATE TABLE t2 (a integer);", "INSERT INTO t2 SELECT a FROM t1;", "DELETE FROM t1 WHERE a IS NULL;", "lossy", "t2 has"),
    (T, "ALTER TABLE t1 ADD COLUMN c varchar(20); UPDATE t1 SET c = b;", "ALTER TABLE t1 DROP COLUMN c;", "exact", ""),
    (T, "ALTER TABLE t1 RENAME COLUMN b TO c;", "ALTER TABLE t1 RENAME COLUMN c TO b;", "exact", ""),
    (T, "CREATE VIEW v1 AS SELECT a FROM t1; CREATE INDEX i1 ON t1 (a); CREATE TABLE z1 (id integer);", "DROP TABLE z1; DROP VIEW v1; ALTER TABLE t1 RENAME COLUMN b TO c; ALTER TABLE t1 RENAME COLUMN c TO b;", "broken", "i1 is left behind"),
];

#[rustfmt::skip]
const POSTGRES: &[Case] = &[
    ("CREATE TABLE \"T1\" (a integer); CREATE TABLE t2 (a integer); CREATE FUNCTION f1() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN DELETE FROM t2; RETURN NEW; END$$; CREATE TRIGGER g1 AFTER UPDATE ON \"T1\" FOR EACH ROW EXECUTE FUNCTION f1();", "UPDATE \"T1\" SET a = a; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "lossy", "t2 lost"),
    ("CREATE TABLE t1 (a integer); CREATE UNIQUE INDEX i1 ON t1 (a);", "DROP INDEX i1;", "CREATE UNIQUE INDEX i1 ON t1 (a);", "broken", "fails over rows that were written after the up"),
    ("", "CREATE TYPE e1 AS ENUM ('a'); CREATE TABLE x1 (c e1);", "DROP TABLE x1;", "broken", "enum e1"),
    ("CREATE TABLE t1 (a integer NOT NULL);", "ALTER TABLE t1 ALTER a DROP NOT NULL;", "ALTER TABLE t1 ALTER a SET NOT NULL;", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE t1 (a varchar(10));", "ALTER TABLE t1 ALTER a TYPE varchar(50);", "ALTER TABLE t1 ALTER a TYPE varchar(10);", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE t1 (a varchar(10));", "ALTER TABLE t1 ALTER a TYPE varchar(5) USING left(a, 5);", "ALTER TABLE t1 ALTER a TYPE varchar(10);", "lossy", "t1.a"),
    ("CREATE TABLE t1 (a integer, CONSTRAINT c1 CHECK (a > 0));", "ALTER TABLE t1 DROP CONSTRAINT c1;", "ALTER TABLE t1 ADD CONSTRAINT c1 CHECK (a > 0);", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE p1 (id integer PRIMARY KEY); CREATE TABLE t1 (a integer CONSTRAINT f1 REFERENCES p1);", "ALTER TABLE t1 DROP CONSTRAINT f1;", "ALTER TABLE t1 ADD CONSTRAINT f1 FOREIGN KEY (a) REFERENCES p1;", "broken", "fails over rows that were written after the up"),
    (T, "TRUNCATE t1; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "lossy", "t1 lost"),
    ("CREATE SEQUENCE q1;", "SELECT setval('q1', 1000); CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "exact", ""),
    ("CREATE TABLE t1 (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME q1));", "SELECT nextval('q1'); CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "exact", ""),
    ("CREATE TABLE t1 (a integer); CREATE VIEW v1 AS SELECT a FROM t1;", "DROP VIEW v1; CREATE TABLE z1 (id integer);", "DROP TABLE z1; CREATE VIEW v1 AS SELECT a FROM t1;", "exact", ""),
    ("", "CREATE EXTENSION citext;", "DROP EXTENSION citext;", "exact", ""),
    ("CREATE TABLE tt (a integer CHECK (a <> 12345));", "ALTER TABLE tt DROP CONSTRAINT tt_a_check;", "ALTER TABLE tt ADD CONSTRAINT tt_a_check1 CHECK (a <> 12345);", "broken", "the up script fails when it is run again"),
];

#[rustfmt::skip]
const MYSQL: &[Case] = &[
    ("CREATE TABLE t1 (a integer); CREATE UNIQUE INDEX i1 ON t1 (a);", "DROP INDEX i1 ON t1;", "CREATE UNIQUE INDEX i1 ON t1 (a);", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE p1 (id integer PRIMARY KEY); CREATE TABLE t1 (id integer);", "ALTER TABLE t1 ADD CONSTRAINT f1 FOREIGN KEY (id) REFERENCES p1 (id);", "ALTER TABLE t1 DROP FOREIGN KEY f1;", "broken", "index t1.f1"),
    ("CREATE TABLE t1 (a integer NOT NULL);", "ALTER TABLE t1 MODIFY a integer;", "ALTER TABLE t1 MODIFY a integer NOT NULL;", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE t1 (a varchar(10));", "ALTER TABLE t1 MODIFY a varchar(50);", "ALTER TABLE t1 MODIFY a varchar(10);", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE t1 (a integer, CONSTRAINT c1 CHECK (a > 0));", "ALTER TABLE t1 DROP CONSTRAINT c1;", "ALTER TABLE t1 ADD CONSTRAINT c1 CHECK (a > 0);", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE p1 (id integer PRIMARY KEY); CREATE TABLE t1 (a integer, KEY k (a), CONSTRAINT f1 FOREIGN KEY (a) REFERENCES p1 (id));", "ALTER TABLE t1 DROP FOREIGN KEY f1;", "ALTER TABLE t1 ADD CONSTRAINT f1 FOREIGN KEY (a) REFERENCES p1 (id);", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE t1 (a integer NOT NULL) PARTITION BY RANGE (a) (PARTITION px VALUES LESS THAN MAXVALUE); CREATE TABLE t2 (a integer NOT NULL);", "ALTER TABLE t1 EXCHANGE PARTITION px WITH TABLE t2;", "ALTER TABLE t1 EXCHANGE PARTITION px WITH TABLE t2;", "exact", ""),
    (T, "TRUNCATE TABLE t1; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "lossy", "t1 lost"),
    ("CREATE TABLE t1 (id integer AUTO_INCREMENT PRIMARY KEY);", "ALTER TABLE t1 AUTO_INCREMENT = 1000; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "exact", ""),
    ("CREATE TABLE t1 (a integer, b integer);", "ALTER TABLE t1 DROP COLUMN a, ADD COLUMN c integer;", "ALTER TABLE t1 DROP COLUMN c, ADD COLUMN a integer;", "lossy", "t1 comes back in another order"),
];

#[rustfmt::skip]
const SQLITE: &[Case] = &[
    ("CREATE TABLE T1 (a integer); CREATE TABLE t2 (a integer); CREATE TRIGGER g1 AFTER UPDATE ON T1 BEGIN DELETE FROM t2; END;", "UPDATE T1 SET a = a; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "lossy", "t2 lost"),
    ("CREATE TABLE \"T1 x\" (a integer, \"B.c\" integer);", "ALTER TABLE \"T1 x\" RENAME TO \"T1 y\";", "ALTER TABLE \"T1 y\" RENAME TO \"T1 x\";", "exact", ""),
    ("CREATE TABLE \"T1 x\" (a integer, \"B.c\" integer);", "ALTER TABLE \"T1 x\" RENAME COLUMN \"B.c\" TO \"C.c\";", "ALTER TABLE \"T1 x\" RENAME COLUMN \"C.c\" TO \"B.c\";", "exact", ""),
    ("CREATE TABLE t1 (a integer); CREATE UNIQUE INDEX i1 ON t1 (a);", "DROP INDEX i1;", "CREATE UNIQUE INDEX i1 ON t1 (a);", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE t1 (id integer, a integer CHECK (a > -9000000000000000000));", "ALTER TABLE t1 DROP COLUMN a;", "ALTER TABLE t1 ADD COLUMN a integer;", "broken", "t1.check"),
    ("CREATE TABLE t1 (a integer NOT NULL);", "CREATE TABLE n1 (a integer); INSERT INTO n1 SELECT a FROM t1; DROP TABLE t1; ALTER TABLE n1 RENAME TO t1;", "CREATE TABLE n1 (a integer NOT NULL); INSERT INTO n1 SELECT a FROM t1; DROP TABLE t1; ALTER TABLE n1 RENAME TO t1;", "broken", "fails over rows that were written after the up"),
    ("CREATE TABLE t1 (id integer PRIMARY KEY AUTOINCREMENT);", "UPDATE sqlite_sequence SET seq = 100000 WHERE name = 't1'; CREATE TABLE z1 (id integer);", "DROP TABLE z1;", "exact", ""),
    ("CREATE TABLE t1 (id integer PRIMARY KEY AUTOINCREMENT, a integer);", "CREATE TABLE n1 (id integer PRIMARY KEY AUTOINCREMENT); INSERT INTO n1 SELECT id FROM t1; DROP TABLE t1; ALTER TABLE n1 RENAME TO t1;", "ALTER TABLE t1 ADD COLUMN a integer;", "lossy", "t1.a"),
];

/// Every case must get its verdict, and be told by what it names.
fn each_is_judged(kind: Kind, own: &[Case]) {
    let cases = EVERYWHERE.iter().chain(own).enumerate();
    let rows: Vec<(Row, Case)> = cases
        .map(|(number, case)| {
            let [before, up, down] = [case.0, case.1, case.2].map(|text| contract::numbered(text, number));
            (Row { before, up, down, ..Row::default() }, *case)
        })
        .collect();
    let mut wrong = Vec::new();
    let pairs: Vec<(&Row, &str)> = rows.iter().map(|(row, _)| (row, row.down.as_str())).collect();
    let mut cases = rows.iter().enumerate();
    prove(kind, &pairs, |row, _, judged| {
        let (number, (_, (.., verdict, named))) = cases.next().expect("as many verdicts");
        let named = contract::numbered(named, number);
        let findings = judged["findings"].as_array().expect("findings");
        let says = |finding: &Value| {
            finding["message"].as_str().is_some_and(|text| text.replace("public.", "").contains(&named))
        };
        if judged["verdict"] != *verdict || !(findings.iter().any(says) || named.is_empty() && findings.is_empty()) {
            wrong.push(format!("{} → {}: {} {:#}", row.up, row.down, judged["verdict"], judged["findings"]));
        }
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn sqlite_downs_are_judged_by_rows_too() {
    each_is_judged(Kind::Sqlite, SQLITE);
}

#[test]
fn postgres_downs_are_judged_by_rows_too() {
    each_is_judged(Kind::Postgres, POSTGRES);
}

#[test]
fn mysql_downs_are_judged_by_rows_too() {
    each_is_judged(Kind::Mysql, MYSQL);
}

/// The contract's rows of an engine, but for those that no shadow may do, with the account that they give rights to.
struct Contract {
    rows: Vec<Row>,
    _reader: Option<Login>,
    _sandbox: Sandbox,
}

fn contract_of(kind: Kind) -> Contract {
    let sandbox = Sandbox::new(kind);
    let reader = (kind == Kind::Mysql).then(|| Login::new(&sandbox, "x", "USAGE"));
    let name = reader.as_ref().map_or("reader", |reader| &reader.name);
    let rows = contract::rows(
        &match kind {
            Kind::Sqlite => include_str!("contract/sqlite.txt"),
            Kind::Postgres => include_str!("contract/postgres.txt"),
            Kind::Mysql => include_str!("contract/mysql.txt"),
        }
        .replace("reader", name),
    );
    let is_mariadb = sandbox.is_mariadb();
    let there = |row: &Row| {
        row.verdict != "refused" && row.only.as_deref().is_none_or(|engine| (engine == "mariadb") == is_mariadb)
    };
    let rows = rows.into_iter().filter(there).collect();
    Contract { rows, _reader: reader, _sandbox: sandbox }
}

/// So many are proven in one project: a wrong one has its shadow built anew where DDL cannot be rolled back, and a schema of
/// everything at once is dear to read.
const TOGETHER: usize = 30;

/// Proves migrations, each with the down that is given for it; calls each verdict with its findings to account.
fn prove(kind: Kind, rows: &[(&Row, &str)], mut account: impl FnMut(&Row, &str, &Value)) {
    let (own, shared): (Vec<_>, Vec<_>) = rows.iter().copied().partition(|(row, _)| row.needs_own_server);
    let parts =
        shared.chunks(TOGETHER).map(|rows| (rows, "server")).chain(own.chunks(TOGETHER).map(|rows| (rows, "local")));
    let judged: Vec<Value> = std::thread::scope(|scope| {
        let started: Vec<_> = parts.map(|(rows, shadow)| scope.spawn(move || judged(kind, rows, shadow))).collect();
        started.into_iter().flat_map(|thread| thread.join().expect("verdicts")).collect()
    });
    for ((row, down), judged) in shared.iter().chain(&own).zip(&judged) {
        account(row, down, judged);
    }
}

/// The verdicts on some migrations of one project.
fn judged(kind: Kind, rows: &[(&Row, &str)], shadow: &str) -> Vec<Value> {
    let sandbox = &Sandbox::new(kind);
    let before: String = rows.iter().map(|(row, _)| row.before.as_str()).collect();
    sandbox.migration("00_before", &format!("CREATE TABLE other (id integer);\n{before}"), "SELECT 1;\n");
    for (number, (row, down)) in rows.iter().enumerate() {
        sandbox.migration(&format!("{:02}_row", number + 1), &row.up, down);
    }
    // A server of ours runs under another account where we are root, to which our own folder is closed.
    let args = ["verify", "--keep-going", "--json", "--shadow", shadow];
    let mut object = sandbox.run_with(&args, &[("TMPDIR", "/tmp")]).object("verify");
    let judged: Vec<Value> = object["migrations"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let before = judged.first().unwrap_or_else(|| panic!("{object:#}"));
    assert_ne!(before["verdict"], "failed", "{before:#}");
    judged[1..].to_vec()
}

fn right_downs_pass(kind: Kind) {
    let mut wrong = Vec::new();
    let contract = contract_of(kind);
    let rows = &contract.rows;
    let pairs: Vec<(&Row, &str)> = rows.iter().map(|row| (row, row.down.as_str())).collect();
    prove(kind, &pairs, |row, down, judged| {
        if judged["verdict"] != row.verdict.as_str() {
            wrong.push(format!("{}: {down}{} {:#}", row.up, judged["verdict"], judged["findings"]));
        }
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

fn mutated_downs_are_told(kind: Kind) {
    let mut wrong = Vec::new();
    let contract = contract_of(kind);
    let rows = &contract.rows;
    // Where nothing is said that would be wrong, the up is not undone at all.
    let mutated: Vec<(&Row, &str)> =
        rows.iter().map(|row| (row, row.wrong.as_deref().unwrap_or("SELECT 1;\n"))).collect();
    prove(kind, &mutated, |row, down, judged| {
        let verdict = if row.weight == Weight::Weak { "equivalent" } else { "broken" };
        let told = judged["findings"].as_array().expect("findings").iter().any(|finding| {
            let lines: Vec<&str> =
                finding["detail"].as_array().expect("lines").iter().filter_map(Value::as_str).collect();
            row.is_named(finding["object"].as_str().unwrap_or_default(), &lines)
        });
        if judged["verdict"] != verdict || !told {
            wrong.push(format!("{}: {}{down}{} {:#}", row.title, row.up, judged["verdict"], judged["findings"]));
        }
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn sqlite_right_downs_pass() {
    right_downs_pass(Kind::Sqlite);
}

#[test]
fn postgres_right_downs_pass() {
    right_downs_pass(Kind::Postgres);
}

#[test]
fn mysql_right_downs_pass() {
    right_downs_pass(Kind::Mysql);
}

#[test]
fn sqlite_mutated_downs_are_told() {
    mutated_downs_are_told(Kind::Sqlite);
}

#[test]
fn postgres_mutated_downs_are_told() {
    mutated_downs_are_told(Kind::Postgres);
}

#[test]
fn mysql_mutated_downs_are_told() {
    mutated_downs_are_told(Kind::Mysql);
}
