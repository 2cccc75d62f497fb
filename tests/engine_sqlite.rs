//! SQLite behind the engine seam: values, errors, transactions, snapshots, fingerprints, shadows; on real files and memory.

use switchback::engine::sqlite::Sqlite;
use switchback::engine::{Access, DbErrorKind, Engine, Holders, Level, Limits, Names, Position, Session};
use switchback::ledger;
use switchback::rows::{COLUMNS, Column, Table};
use switchback::snapshot::Snapshot;
use switchback::target::Target;

#[path = "common/contract.rs"]
mod contract;
#[path = "common/walk.rs"]
mod walk;

fn at(database: impl Into<String>) -> Target {
    Target { scheme: String::from("sqlite"), database: database.into(), ..Target::default() }
}

async fn memory() -> Box<dyn Session> {
    Sqlite.open(&at(":memory:"), Access::ReadWrite).await.unwrap()
}

async fn file(folder: &tempfile::TempDir, access: Access) -> Box<dyn Session> {
    Sqlite.open(&at(path_in(folder)), access).await.unwrap()
}

fn path_in(folder: &tempfile::TempDir) -> String {
    folder.path().join("live.db").to_str().unwrap().to_owned()
}

async fn all(session: &mut dyn Session, sql: &str) -> Vec<Vec<Option<String>>> {
    session.rows(sql, &[]).await.unwrap()
}

async fn one(session: &mut dyn Session, sql: &str) -> String {
    all(session, sql).await[0][0].clone().unwrap()
}

async fn schema(session: &mut dyn Session) -> Snapshot {
    Sqlite.snapshot(session).await.unwrap()
}

fn names() -> Names {
    let dialect = Sqlite.dialect();
    Names::new(dialect.flavor, dialect.schema)
}

#[tokio::test]
async fn values_come_back_as_sqlites_own_text() {
    let mut session = memory().await;
    let rows = all(&mut *session, "SELECT 1, 1.5, 'a', x'00ff', NULL, '', CAST(x'ff41' AS TEXT), 1e300").await;
    let said: Vec<Option<&str>> = rows[0].iter().map(Option::as_deref).collect();
    let expected = ["1", "1.5", "a", "X'00FF'", "", "", "\u{fffd}A", "1.0e+300"];
    assert_eq!(said[4], None);
    for (index, text) in expected.iter().enumerate().filter(|(index, _)| *index != 4) {
        assert_eq!(said[index], Some(*text), "column {index}");
    }
}

#[tokio::test]
async fn binds_go_to_several_statements_in_turn() {
    let mut session = memory().await;
    session.batch("CREATE TABLE t (a, b)").await.unwrap();
    let sql = "INSERT INTO t VALUES (?, ?); INSERT INTO t VALUES (?, 'x'); SELECT a, b FROM t";
    let rows = session.rows(sql, &[Some("1"), None, Some("2")]).await.unwrap();
    assert_eq!(rows, [[Some(String::from("1")), None], [Some(String::from("2")), Some(String::from("x"))]]);
}

#[tokio::test]
async fn errors_have_a_kind_and_a_byte() {
    let mut session = memory().await;
    session
        .batch("CREATE TABLE t (a INTEGER PRIMARY KEY, b CHECK (b > 0)); INSERT INTO t VALUES (1, 1)")
        .await
        .unwrap();
    let cases = [
        ("SELECT é, nope FROM t", DbErrorKind::Missing, Some(7)),
        ("SELECT a FROM t WHERE nope = 1", DbErrorKind::Missing, Some(22)),
        ("CREATE TABLE x (a,, b)", DbErrorKind::Statement, Some(18)),
        ("SELECT * FROM missing", DbErrorKind::Missing, None),
        ("DROP INDEX missing", DbErrorKind::Missing, None),
        ("INSERT INTO t VALUES (1, 1)", DbErrorKind::Duplicate, None),
        ("INSERT INTO t VALUES (2, 0)", DbErrorKind::Statement, None),
        ("RELEASE nowhere", DbErrorKind::NoSavepoint, None),
        ("SELECT 1 \0 + 1", DbErrorKind::Statement, Some(9)),
    ];
    for (sql, kind, byte) in cases {
        let error = session.run(sql).await.unwrap_err();
        assert_eq!(error.kind, kind, "{sql}: {error}");
        if let Some(byte) = byte {
            assert_eq!(error.position, Some(Position::Byte(byte)), "{sql}: {error}");
        }
    }
    assert_eq!(session.copy_in("COPY t FROM stdin", "1\n").await.unwrap_err().kind, DbErrorKind::Statement);
}

#[tokio::test]
async fn rows_are_counted_for_what_changes_rows_only() {
    let mut session = memory().await;
    assert_eq!(session.run("CREATE TABLE t (a)").await.unwrap().rows, 0);
    assert_eq!(session.run("INSERT INTO t VALUES (1), (2), (3)").await.unwrap().rows, 3);
    assert_eq!(session.run("ALTER TABLE t ADD COLUMN b").await.unwrap().rows, 0);
    assert_eq!(session.run("UPDATE t SET b = 1 WHERE a > 1").await.unwrap().rows, 2);
    assert_eq!(session.run("SELECT * FROM t").await.unwrap().rows, 0);
}

#[tokio::test]
async fn a_read_only_session_cannot_write_and_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Sqlite.open(&at(path_in(&folder)), Access::ReadOnly).await.err().unwrap();
    assert_eq!(missing.kind, DbErrorKind::NoDatabase);
    assert!(!folder.path().join("live.db").exists());
    file(&folder, Access::ReadWrite).await.batch("CREATE TABLE t (a)").await.unwrap();
    let mut reader = file(&folder, Access::ReadOnly).await;
    for sql in ["INSERT INTO t VALUES (1)", "CREATE TABLE u (a)", "PRAGMA query_only = OFF; DROP TABLE t"] {
        assert_eq!(reader.run(sql).await.unwrap_err().kind, DbErrorKind::ReadOnly, "{sql}");
    }
    assert_eq!(one(&mut *reader, "SELECT count(*) FROM t").await, "0");
    let said = Target::parse(&format!("sqlite:{}?mode=ro", path_in(&folder))).unwrap();
    let mut asked = Sqlite.open(&said, Access::ReadWrite).await.unwrap();
    assert_eq!(asked.run("DROP TABLE t").await.unwrap_err().kind, DbErrorKind::ReadOnly);
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(inside("text.db"), "this is no database, but it is long enough to be looked at as one".repeat(20))
        .unwrap();
    for path in [inside("no/folder.db"), inside(""), String::new()] {
        let error = Sqlite.open(&at(path.clone()), Access::ReadWrite).await.err().unwrap();
        assert_eq!(error.kind, DbErrorKind::NoDatabase, "{path}: {error}");
    }
    let error = match Sqlite.open(&at(inside("text.db")), Access::ReadWrite).await {
        Ok(mut session) => session.run("CREATE TABLE t (a)").await.unwrap_err(),
        Err(error) => error,
    };
    // Not "no database": that one would be made by writing to it.
    assert_eq!(error.kind, DbErrorKind::Connection);
}

#[tokio::test]
async fn a_lock_is_waited_for_no_longer_than_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = file(&folder, Access::ReadWrite).await;
    let mut waiter = file(&folder, Access::ReadWrite).await;
    waiter.batch(&limits(20, 0).fill(Sqlite.dialect().sql.limits)).await.unwrap();
    holder.batch("BEGIN IMMEDIATE; CREATE TABLE t (a)").await.unwrap();
    assert_eq!(waiter.batch(Sqlite.dialect().sql.begin).await.unwrap_err().kind, DbErrorKind::LockTimeout);
    holder.batch("COMMIT").await.unwrap();
    waiter.batch(Sqlite.dialect().sql.begin).await.unwrap();
}

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[tokio::test]
async fn cancelling_stops_what_runs_from_outside() {
    let mut session = memory().await;
    let canceller = session.canceller();
    let running = session.run(ENDLESS);
    let cancelling = async {
        loop {
            canceller.cancel().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::select! { ran = running => ran, () = cancelling => unreachable!() };
    assert_eq!(ended.unwrap_err().kind, DbErrorKind::Cancelled);
    assert_eq!(one(&mut *session, "SELECT 1").await, "1");
    session.close().await;
    canceller.cancel().await.unwrap();
}

#[tokio::test]
async fn a_statement_is_stopped_at_its_time_limit() {
    let mut session = memory().await;
    session.batch(&limits(100, 30).fill(Sqlite.dialect().sql.limits)).await.unwrap();
    assert_eq!(session.run(ENDLESS).await.unwrap_err().kind, DbErrorKind::Cancelled);
    session.run("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_statement_that_ends_our_transaction_is_found_out() {
    for ending in ["COMMIT", "ROLLBACK", "END", "INSERT OR ROLLBACK INTO t VALUES (1)"] {
        let mut session = memory().await;
        session.batch("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)").await.unwrap();
        session.batch("BEGIN IMMEDIATE; SAVEPOINT guard").await.unwrap();
        session.run("CREATE TABLE u (a)").await.unwrap();
        let error = session.run(ending).await.unwrap_err();
        assert_eq!(error.kind, DbErrorKind::NoSavepoint, "{ending}: {error}");
        assert_eq!(session.batch("RELEASE guard").await.unwrap_err().kind, DbErrorKind::NoSavepoint, "{ending}");
    }
}

#[tokio::test]
async fn a_script_may_end_the_transaction_that_it_began() {
    let mut session = memory().await;
    session.batch("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)").await.unwrap();
    for statement in ["BEGIN", "INSERT INTO t VALUES (2)", "COMMIT", "BEGIN", "ROLLBACK", "BEGIN"] {
        session.run(statement).await.unwrap();
    }
    let error = session.run("INSERT OR ROLLBACK INTO t VALUES (1)").await.unwrap_err();
    assert_eq!(error.kind, DbErrorKind::NoSavepoint, "{error}");
    session.batch("BEGIN").await.unwrap();
    assert_eq!(session.run("COMMIT").await.unwrap_err().kind, DbErrorKind::NoSavepoint);
}

#[tokio::test]
async fn a_full_database_is_told_as_a_lost_transaction() {
    let mut session = memory().await;
    session.batch("CREATE TABLE t (a); PRAGMA max_page_count = 10").await.unwrap();
    session.batch("BEGIN IMMEDIATE").await.unwrap();
    let error = session.run("INSERT INTO t VALUES (zeroblob(1000000))").await.unwrap_err();
    let lost = session.batch("ROLLBACK").await.is_err();
    assert_eq!(error.kind == DbErrorKind::NoSavepoint, lost, "{error}");
    assert!(error.message.contains("full"), "{error}");
}

#[tokio::test]
async fn a_table_rebuild_keeps_the_children() {
    let mut session = memory().await;
    let sql = &Sqlite.dialect().sql;
    session
        .batch(
            "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p ON DELETE CASCADE);
            INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1), (2); PRAGMA foreign_keys = ON",
        )
        .await
        .unwrap();
    session.batch(&[sql.reset, sql.begin].concat()).await.unwrap();
    for statement in [
        "PRAGMA foreign_keys=OFF",
        "CREATE TABLE p2 (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO p2 (id) SELECT id FROM p",
        "DROP TABLE p",
        "ALTER TABLE p2 RENAME TO p",
    ] {
        session.run(statement).await.unwrap();
    }
    assert!(session.rows(sql.constraints, &[]).await.unwrap().is_empty());
    session.run("DELETE FROM p WHERE id = 2").await.unwrap();
    let broken = session.rows(sql.constraints, &[]).await.unwrap();
    assert_eq!(broken, [[Some("row 2 of `c` refers by `p` to a row of `p` that is not there".to_owned())]]);
    session.batch("COMMIT").await.unwrap();
    assert_eq!(one(&mut *session, "SELECT count(*) FROM c").await, "2");
}

#[tokio::test]
async fn a_snapshot_sees_each_kind_of_change_and_its_undoing() {
    let mut wrong = Vec::new();
    for row in contract::rows(include_str!("contract/sqlite.txt")) {
        wrong.extend(walk::complaints(&Sqlite, &mut *memory().await, &row).await);
        for journal in ["delete", "wal"] {
            let folder = tempfile::tempdir().unwrap();
            let mut session = file(&folder, Access::ReadWrite).await;
            session.batch("PRAGMA synchronous = OFF").await.unwrap();
            assert_eq!(one(&mut *session, &format!("PRAGMA journal_mode = {journal}")).await, journal);
            wrong.extend(walk::complaints(&Sqlite, &mut *session, &row).await);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_snapshot_leaves_out_what_is_no_schema_of_the_users() {
    let mut session = memory().await;
    let empty = schema(&mut *session).await;
    assert!(empty.lines().next().is_some(), "an empty schema still proves that it was read");
    session.batch(&names().fill(Sqlite.dialect().sql.ledger_create)).await.unwrap();
    assert_eq!(schema(&mut *session).await, empty);
    session
        .batch("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT); CREATE VIRTUAL TABLE f USING fts5(x)")
        .await
        .unwrap();
    let before = schema(&mut *session).await;
    assert!(!before.lines().any(|line| line.object.contains("f_data") || line.object.contains("sqlite_")));
    session.batch("INSERT INTO t DEFAULT VALUES; INSERT INTO f VALUES ('word'); CREATE INDEX i ON t (a); ANALYZE; DROP INDEX i").await.unwrap();
    assert_eq!(schema(&mut *session).await, before);
}

#[tokio::test]
async fn a_snapshot_reads_as_lines() {
    let mut session = memory().await;
    session
        .batch("CREATE TABLE Users (id INTEGER PRIMARY KEY, \"E-Mail\" VARCHAR( 50 ) NOT NULL CONSTRAINT once UNIQUE, age INT CHECK (age >= 0))")
        .await
        .unwrap();
    let lines: Vec<String> = schema(&mut *session)
        .await
        .lines()
        .map(|line| format!("{} {} {}={}", line.kind, line.object, line.property, line.value))
        .collect();
    for expected in [
        "database main encoding=UTF-8",
        "table users =",
        "column users.id type=INTEGER",
        "column users.\"e-mail\" type=VARCHAR(50)",
        "column users.\"e-mail\" not null=yes",
        "column users.\"e-mail\" ~position=2",
        "constraint users.unique(\"e-mail\") ~name=once",
        "constraint users.check(age >= 0) =",
        "constraint users.primary key columns=id",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:#?}");
    }
}

fn table(name: &str, columns: &[&str]) -> Table {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        family: String::from("text"),
        type_text: String::new(),
        length: None,
        scale: None,
        nullable: true,
        has_default: false,
        computed: false,
        keys: Vec::new(),
        labels: Vec::new(),
        checks: Vec::new(),
    };
    Table { schema: None, name: name.to_owned(), columns: columns.iter().map(column).collect(), ..Table::default() }
}

#[tokio::test]
async fn a_fingerprint_follows_the_values_and_not_their_order() {
    let mut session = memory().await;
    let sql = Sqlite.fingerprint(&table("t", &["a", "b"]));
    session.batch("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (NULL, '')").await.unwrap();
    let first = all(&mut *session, &sql).await.remove(0);
    assert_eq!(first[0].as_deref(), Some("3"));
    assert!(first[2].as_deref().unwrap().ends_with(":2") && first[3].as_deref().unwrap().ends_with(":3"), "{first:?}");
    session.batch("DELETE FROM t; INSERT INTO t VALUES (NULL, ''), (2, 'y'), (1, 'x')").await.unwrap();
    assert_eq!(all(&mut *session, &sql).await.remove(0), first);
    for change in [
        "UPDATE t SET b = 'z' WHERE a = 1",
        "UPDATE t SET b = NULL WHERE b = ''",
        "UPDATE t SET a = '' WHERE a IS NULL",
        "UPDATE t SET a = '1' WHERE a = 1",
        "UPDATE t SET b = CASE b WHEN 'x' THEN 'y' WHEN 'y' THEN 'x' ELSE b END",
        "INSERT INTO t VALUES (5, 'p'), (5, 'p')",
    ] {
        session.batch("SAVEPOINT s").await.unwrap();
        session.batch(change).await.unwrap();
        let changed = all(&mut *session, &sql).await.remove(0);
        assert_ne!(changed[..2], first[..2], "{change}");
        session.batch("ROLLBACK TO s; RELEASE s").await.unwrap();
    }
    session.batch("DELETE FROM t").await.unwrap();
    assert_eq!(all(&mut *session, &sql).await.remove(0)[0].as_deref(), Some("0"));
}

#[tokio::test]
async fn a_fingerprint_takes_wide_tables() {
    let mut session = memory().await;
    let columns: Vec<String> = (0..900).map(|index| format!("c{index}")).collect();
    session.batch(&format!("CREATE TABLE w ({}); INSERT INTO w (c899) VALUES (1)", columns.join(", "))).await.unwrap();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let sql = Sqlite.fingerprint(&table("w", &columns));
    let first = all(&mut *session, &sql).await;
    session.batch("UPDATE w SET c899 = 2").await.unwrap();
    assert_ne!(all(&mut *session, &sql).await[0][1], first[0][1]);
}

#[tokio::test]
async fn columns_and_foreign_keys_are_told_for_making_rows() {
    let mut session = memory().await;
    session
        .batch(
            "CREATE TABLE p (id INTEGER PRIMARY KEY, mail VARCHAR(20) NOT NULL UNIQUE, ok BOOLEAN DEFAULT 1,
                price DECIMAL(8,2), at DATETIME, twice AS (price * 2), CHECK (price >= 0));
            CREATE TABLE c (a TEXT, p INTEGER, FOREIGN KEY (P) REFERENCES P);
            CREATE VIRTUAL TABLE f USING fts5(x)",
        )
        .await
        .unwrap();
    session.batch(&names().fill(Sqlite.dialect().sql.ledger_create)).await.unwrap();
    let rows = session.rows(&Sqlite.dialect().sql.columns.replace("{only}", "IS NOT NULL"), &[]).await.unwrap();
    let said: Vec<String> = rows
        .iter()
        .map(|row| {
            assert_eq!(row.len(), COLUMNS.len());
            row[1..].iter().map(|text| text.as_deref().unwrap_or("-")).collect::<Vec<_>>().join("|")
        })
        .collect();
    let expected = [
        "c|a|text|TEXT|-|-|1|0|0|-|-|-|c",
        "c|p|integer|INTEGER|-|-|1|0|0|-|-|-|c",
        "p|id|integer|INTEGER|-|-|0|0|0|primary key|-|price >= 0|p",
        "p|mail|text|VARCHAR(20)|20|-|0|0|0|sqlite_autoindex_p_1|-|price >= 0|p",
        "p|ok|boolean|BOOLEAN|-|-|1|1|0|-|-|price >= 0|p",
        "p|price|number|DECIMAL(8,2)|8|2|1|0|0|-|-|price >= 0|p",
        "p|at|timestamp|DATETIME|-|-|1|0|0|-|-|price >= 0|p",
        "p|twice|text||-|-|1|0|1|-|-|price >= 0|p",
    ];
    assert_eq!(said, expected);
    let keys = session.rows(&Sqlite.dialect().sql.foreign_keys.replace("{only}", "IS NOT NULL"), &[]).await.unwrap();
    let key = [None, Some("c"), Some("000"), Some("p"), None, Some("p"), Some("id")].map(|text| text.map(String::from));
    assert_eq!(keys, [key.to_vec()]);
}

#[tokio::test]
async fn the_ledger_takes_rows_and_lets_none_go() {
    let mut session = memory().await;
    let (sql, names) = (&Sqlite.dialect().sql, names());
    assert!(session.rows(sql.ledger_exists, &[]).await.unwrap().is_empty());
    session.batch(&names.fill(sql.ledger_create)).await.unwrap();
    session.batch(&names.fill(sql.ledger_create)).await.unwrap();
    assert_eq!(session.rows(sql.ledger_exists, &[]).await.unwrap().len(), 1);
    assert!(session.rows(&names.fill(sql.ledger_head), &[]).await.unwrap().is_empty());
    for (seq, event, migration) in [("1", "apply", "a"), ("2", "apply", "b"), ("3", "revert", "a")] {
        let value = |column: &&str| match *column {
            "seq" => Some(seq),
            "event" => Some(event),
            "phase" => Some("done"),
            "migration" => Some(migration),
            "started_at" => Some("2026-11-20T09:30:00Z"),
            "prev_hash" | "hash" => Some(seq),
            "duration_ms" => Some("12"),
            _ => None,
        };
        let binds: Vec<Option<&str>> = ledger::COLUMNS.iter().map(value).collect();
        session.rows(&names.fill(sql.ledger_append), &binds).await.unwrap();
        if seq == "3" {
            let again = session.rows(&names.fill(sql.ledger_append), &binds).await.unwrap_err();
            assert_eq!(again.kind, DbErrorKind::Duplicate);
        }
    }
    let head = session.rows(&names.fill(sql.ledger_head), &[]).await.unwrap();
    assert_eq!(head, [[Some(String::from("3")), Some(String::from("3"))]]);
    let state = session.rows(&names.fill(sql.ledger_state), &[]).await.unwrap();
    let state: Vec<String> =
        state.iter().map(|row| row[..3].iter().flatten().cloned().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(state, ["2 apply b", "3 revert a"]);
    let rows = session.rows(&names.fill(sql.ledger_rows), &[Some("1"), Some("1")]).await.unwrap();
    assert_eq!((rows.len(), rows[0].len(), rows[0][0].as_deref()), (1, ledger::COLUMNS.len(), Some("2")));
    for sql in ["UPDATE switchback_ledger SET event = 'x'", "DELETE FROM switchback_ledger"] {
        assert!(session.run(sql).await.unwrap_err().message.contains("append-only"), "{sql}");
    }
}

#[tokio::test]
async fn scripts_journal_and_lease_are_kept() {
    let mut session = memory().await;
    let (sql, names) = (&Sqlite.dialect().sql, names());
    session.batch(&names.fill(sql.ledger_create)).await.unwrap();
    for _ in 0..2 {
        session.rows(&names.fill(sql.script_put), &[Some("sum"), Some("SELECT 1")]).await.unwrap();
        let intent = [Some("run"), Some("1"), Some("4"), Some("2"), Some("sum"), Some("before"), None];
        session.rows(&names.fill(sql.journal_intent), &intent).await.unwrap();
    }
    assert_eq!(
        session.rows(&names.fill(sql.script_get), &[Some("sum")]).await.unwrap()[0][0].as_deref(),
        Some("SELECT 1")
    );
    session.rows(&names.fill(sql.journal_done), &[Some("4"), Some("2"), Some("after")]).await.unwrap();
    let journal = session.rows(&names.fill(sql.journal_rows), &[Some("4")]).await.unwrap();
    let journal: Vec<Option<&str>> = journal[0].iter().map(Option::as_deref).collect();
    assert_eq!(journal, [Some("2"), Some("done"), Some("sum"), Some("before"), Some("after"), None]);
    assert!(session.rows(&names.fill(sql.lease_read), &[]).await.unwrap().is_empty());
    let holder = ["run", "me", "here", "1", "up", "here:1"].map(Some);
    assert_eq!(session.rows(&names.fill(sql.lease_take), &holder).await.unwrap()[0][0].as_deref(), Some("1"));
    assert_eq!(session.rows(&names.fill(sql.fence), &[]).await.unwrap(), [[Some(String::from("1")), None]]);
    assert_eq!(session.rows(&names.fill(sql.lease_read), &[]).await.unwrap()[0][1].as_deref(), Some("run"));
    session.rows(&names.fill(sql.lease_release), &[Some("run"), Some("1")]).await.unwrap();
    assert_eq!(session.rows(&names.fill(sql.lease_read), &[]).await.unwrap()[0][1], None);
}

#[tokio::test]
async fn other_tools_histories_are_found() {
    let mut session = memory().await;
    session.batch("CREATE TABLE Schema_Migrations (version TEXT); CREATE TABLE t (a)").await.unwrap();
    let rows = session.rows(Sqlite.dialect().sql.histories, &[]).await.unwrap();
    assert_eq!(rows, [[None, Some(String::from("Schema_Migrations")), Some(String::from("version"))]]);
}

#[tokio::test]
async fn what_a_script_switched_is_put_back() {
    let mut session = memory().await;
    session
        .batch("PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA legacy_alter_table = ON; PRAGMA query_only = ON")
        .await
        .unwrap();
    session.batch(Sqlite.dialect().sql.reset).await.unwrap();
    let said = all(
        &mut *session,
        "PRAGMA foreign_keys; PRAGMA recursive_triggers; PRAGMA legacy_alter_table; PRAGMA query_only",
    )
    .await;
    assert!(said.iter().all(|row| row[0].as_deref() == Some("0")), "{said:?}");
    session.batch("BEGIN IMMEDIATE; PRAGMA query_only = ON").await.unwrap();
    session.batch(Sqlite.dialect().sql.settle).await.unwrap();
    session.batch("CREATE TABLE t (a); COMMIT").await.unwrap();
}

#[tokio::test]
async fn i8_one_file_under_two_names_is_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = file(&folder, Access::ReadWrite).await;
    first.batch("CREATE TABLE t (a)").await.unwrap();
    let other = folder.path().join(".").join("live.db").to_str().unwrap().to_owned();
    let mut second = Sqlite.open(&at(other), Access::ReadOnly).await.unwrap();
    let mut memory = memory().await;
    let identity = Sqlite.identity(&mut *first).await.unwrap();
    assert_eq!(identity, Sqlite.identity(&mut *second).await.unwrap());
    assert_ne!(identity, Sqlite.identity(&mut *memory).await.unwrap());
}

#[tokio::test]
async fn a_holder_is_alive_while_its_process_is() {
    let mut session = memory().await;
    let own = session.server().backend.clone().unwrap();
    let host = own.rsplit_once(':').unwrap().0.to_owned();
    let parent = format!("{host}:{}", std::os::unix::process::parent_id());
    assert!(Sqlite.holders(&mut *session, &names(), Some(&parent)).await.unwrap().run.is_some());
    assert!(Sqlite.holders(&mut *session, &names(), Some("elsewhere:1")).await.unwrap().untold.is_some());
    // Our own number, which a process had before us; and one that no process has.
    for gone in [own, format!("{host}:4194399")] {
        assert_eq!(Sqlite.holders(&mut *session, &names(), Some(&gone)).await.unwrap(), Holders::default());
    }
}

#[tokio::test]
async fn a_shadow_is_shared_by_its_sessions_and_gone_when_dropped() {
    let level = Level::Local { engine: "sqlite", with: Vec::new() };
    let site = Sqlite.create_shadow(&level).await.unwrap();
    assert!(site.name.starts_with("switchback-shadow-"));
    let mut first = Sqlite.open(&site.target, Access::Shadow).await.unwrap();
    first.batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").await.unwrap();
    first.close().await;
    let mut second = Sqlite.open(&site.target, Access::Shadow).await.unwrap();
    let mut third = Sqlite.open(&site.target, Access::ReadOnly).await.unwrap();
    assert_eq!(one(&mut *second, "SELECT count(*) FROM t").await, "1");
    assert_eq!(one(&mut *third, "SELECT count(*) FROM t").await, "1");
    assert_eq!(third.run("DELETE FROM t").await.unwrap_err().kind, DbErrorKind::ReadOnly);
    let other = Sqlite.create_shadow(&level).await.unwrap();
    let mut stranger = Sqlite.open(&other.target, Access::Shadow).await.unwrap();
    assert_ne!(Sqlite.identity(&mut *second).await.unwrap(), Sqlite.identity(&mut *stranger).await.unwrap());
    assert_eq!(stranger.run("SELECT * FROM t").await.unwrap_err().kind, DbErrorKind::Missing);
    second.close().await;
    third.close().await;
    Sqlite.drop_shadow(&level, &site).await.unwrap();
    Sqlite.drop_shadow(&level, &site).await.unwrap();
    let mut again = Sqlite.open(&site.target, Access::Shadow).await.unwrap();
    assert_eq!(again.run("SELECT * FROM t").await.unwrap_err().kind, DbErrorKind::Missing);
    assert!(Sqlite.sweep_shadows(&level).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_shadow_lets_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, Access::ReadWrite).await.batch("CREATE TABLE real (a)").await.unwrap();
    let site = Sqlite.create_shadow(&Level::Local { engine: "sqlite", with: Vec::new() }).await.unwrap();
    let mut session = Sqlite.open(&site.target, Access::Shadow).await.unwrap();
    session.batch("CREATE TABLE t (a)").await.unwrap();
    let (real, copy) = (path_in(&folder), folder.path().join("copy.db"));
    for sql in [
        format!("ATTACH '{real}' AS live"),
        format!("ATTACH '{}' || '' AS live", real),
        format!("VACUUM INTO '{}'", copy.display()),
        String::from("PRAGMA writable_schema = ON"),
        String::from("SELECT load_extension('x')"),
        format!("PRAGMA temp_store_directory = '{}'", folder.path().display()),
    ] {
        assert!(session.run(&sql).await.is_err(), "{sql}");
    }
    assert!(!copy.exists());
    for sql in [
        "ATTACH ':memory:' AS m",
        "VACUUM",
        "PRAGMA journal_mode = WAL",
        "CREATE TEMP TABLE x (a)",
        "PRAGMA writable_schema = OFF",
    ] {
        session.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    session.batch(Sqlite.dialect().sql.reset).await.unwrap();
    Sqlite.drop_shadow(&Level::Local { engine: "sqlite", with: Vec::new() }, &site).await.unwrap();
}

fn limits(lock_timeout_ms: u64, statement_timeout_ms: u64) -> Limits {
    Limits { lock_timeout_ms, statement_timeout_ms }
}
