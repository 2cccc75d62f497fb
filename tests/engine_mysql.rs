//! The MySQL/MariaDB engine on a real server (`SWITCHBACK_TEST_MYSQL`).

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::time::Duration;

use switchback::engine::mysql::Mysql;
use switchback::engine::{
    Access, Claim, DbErrorKind, DbResult, Engine, Level, Limits, Names, Position, Session, Tried,
};
use switchback::rows::{Column, Table};
use switchback::sql::Flavor;
use switchback::target::{Secret, Target};

#[path = "common/contract.rs"]
mod contract;
#[path = "common/walk.rs"]
mod walk;

use contract::Row;

/// The server's administrator, in no database in particular.
fn admin() -> Target {
    let url = std::env::var("SWITCHBACK_TEST_MYSQL").unwrap_or_else(|_| "mysql://root@127.0.0.1:3306/mysql".to_owned());
    let url = url::Url::parse(&url).expect("SWITCHBACK_TEST_MYSQL is a URL");
    Target {
        scheme: url.scheme().to_owned(),
        host: url.host_str().map(str::to_owned),
        port: url.port(),
        user: Some(url.username().to_owned()),
        password: url.password().map(Secret::new),
        database: url.path().trim_start_matches('/').to_owned(),
        ..Target::default()
    }
}

fn in_database(name: &str) -> Target {
    Target { database: name.to_owned(), ..admin() }
}

/// Runs a test in a database of its own, which is dropped whatever happens.
async fn in_new_database<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Target) -> F) {
    let name = format!("sbt_{:016x}", RandomState::new().hash_one("database"));
    let mut session = Mysql.open(&admin(), Access::ReadWrite).await.unwrap();
    session.run(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).await.unwrap();
    let done = tokio::spawn(test(in_database(&name))).await;
    session.run(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
    session.close().await;
    if let Err(error) = done {
        std::panic::resume_unwind(error.into_panic());
    }
}

fn names() -> Names {
    Names::new(Flavor::Mysql, None)
}

fn claim(names: &Names) -> Claim<'_> {
    Claim { names, run: "r", silent: None }
}

/// Whether one try for the run's lock has it.
async fn tries(session: &mut dyn Session) -> bool {
    matches!(Mysql.try_lock(session, &claim(&names())).await.unwrap(), Tried::Taken(_))
}

async fn open(target: &Target, access: Access) -> Box<dyn Session> {
    Mysql.open(target, access).await.unwrap()
}

async fn one(session: &mut dyn Session, sql: &str) -> Option<String> {
    session.rows(sql, &[]).await.unwrap().remove(0).remove(0)
}

fn kind<T>(result: DbResult<T>) -> DbErrorKind {
    match result {
        Ok(_) => panic!("the server took it"),
        Err(error) => error.kind,
    }
}

#[tokio::test]
async fn a_session_knows_its_server_and_has_the_settings_of_the_servers_own_client() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        let server = session.server().clone();
        assert!(server.engine == "mariadb" || server.engine == "mysql");
        assert!(server.version.starts_with(&format!("{}.", server.major)), "{server:?}");
        assert_eq!(server.database, target.database);
        assert!(server.user.contains('@') && server.backend.is_some());
        let same = "SELECT @@sql_mode = @@global.sql_mode AND @@time_zone = @@global.time_zone";
        assert_eq!(one(&mut *session, same).await.as_deref(), Some("1"));
        session.run("CREATE FUNCTION one_or_zero() RETURNS VARCHAR(5) DETERMINISTIC RETURN 1||0").await.unwrap();
        assert_eq!(one(&mut *session, "SELECT one_or_zero()").await.as_deref(), Some("1"));
    })
    .await;
}

#[tokio::test]
async fn values_are_text_and_bound_values_cannot_leave_their_place() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        session.batch("CREATE TABLE bits (b BIT(12)); INSERT INTO bits VALUES (b'100000000101')").await.unwrap();
        let sql = "SELECT 1, NULL, 'ä', 1.50, DATE '2024-02-29', X'00ff', b, CAST(1.5 AS DOUBLE), '' FROM bits";
        let plain = session.rows(sql, &[]).await.unwrap().remove(0);
        let text = |text: &str| Some(text.to_owned());
        let rest = [text("2024-02-29"), text("0x00ff"), text("2053"), text("1.5"), text("")];
        assert_eq!(plain, [[text("1"), None, text("ä"), text("1.50")].to_vec(), rest.to_vec()].concat());
        let hostile = [Some("it's \\' ä \"`?"), None, Some("0042"), Some("\\"), Some("a\0b"), Some("")];
        // MySQL 8 has no combined modes any more.
        let last = if session.server().engine == "mariadb" { "ORACLE" } else { "PIPES_AS_CONCAT" };
        for mode in ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", last] {
            session.batch(&format!("SET SESSION sql_mode = '{mode}'")).await.unwrap();
            let row = session.rows("SELECT ?, ?, ?, ?, ?, ?", &hostile).await.unwrap().remove(0);
            assert_eq!(row, hostile.map(|value| value.map(str::to_owned)));
        }
        session.batch("SET NAMES latin1").await.unwrap();
        let bytes = session.rows("SELECT HEX(?)", &[Some("ä")]).await.unwrap().remove(0).remove(0);
        assert_eq!(bytes.as_deref(), Some("C3A4"));
    })
    .await;
}

#[tokio::test]
async fn errors_are_told_apart() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        let error = session.run("SELECT 1,\n  FROM nowhere").await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (DbErrorKind::Statement, "1064"));
        assert_eq!(error.position, Some(Position::Line(2)));
        session.run("CREATE TABLE t (a INT PRIMARY KEY)").await.unwrap();
        session.run("INSERT INTO t VALUES (1)").await.unwrap();
        assert_eq!(kind(session.run("INSERT INTO t VALUES (1)").await), DbErrorKind::Duplicate);
        assert_eq!(kind(session.run("DROP TABLE nowhere").await), DbErrorKind::Missing);
        assert_eq!(kind(session.run("RELEASE SAVEPOINT nowhere").await), DbErrorKind::NoSavepoint);
        assert_eq!(kind(session.copy_in("COPY t FROM stdin", "").await), DbErrorKind::Statement);
        let huge = format!("SELECT '{}'", "x".repeat(70 << 20));
        let error = session.run(&huge).await.unwrap_err();
        assert!(error.message.contains("max_allowed_packet"), "{error}");
        assert_eq!(one(&mut *session, "SELECT 1").await.as_deref(), Some("1"));

        let mut other = open(&target, Access::ReadWrite).await;
        session.batch("START TRANSACTION; UPDATE t SET a = 2").await.unwrap();
        other.batch(&limits(200, 0).fill(Mysql.dialect().sql.limits)).await.unwrap();
        assert_eq!(kind(other.run("UPDATE t SET a = 3").await), DbErrorKind::LockTimeout);
        assert_eq!(kind(other.run("DROP TABLE t").await), DbErrorKind::LockTimeout);
        session.run("ROLLBACK").await.unwrap();

        let nobody =
            Target { user: Some("sbt_nobody".into()), password: Some(Secret::new("canary-secret")), ..target.clone() };
        let error = Mysql.open(&nobody, Access::ReadWrite).await.err().unwrap();
        assert_eq!(error.kind, DbErrorKind::Authentication, "{error}");
        assert!(!format!("{error:?}").contains("canary"));
        let nowhere = Target { database: "sbt_nowhere".into(), ..target.clone() };
        assert_eq!(kind(Mysql.open(&nowhere, Access::ReadWrite).await), DbErrorKind::NoDatabase);
        let closed = Target { host: Some("127.0.0.1".into()), port: Some(1), ..target.clone() };
        assert_eq!(kind(Mysql.open(&closed, Access::ReadWrite).await), DbErrorKind::Connection);
        let mut odd = target.clone();
        odd.params.insert("sslmoed".into(), "required".into());
        assert!(Mysql.open(&odd, Access::ReadWrite).await.err().unwrap().message.contains("sslmoed"));
    })
    .await;
}

#[tokio::test]
async fn a_script_that_leaves_its_database_is_stopped_and_our_tables_are_found_again() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        session.run(&format!("USE {}", target.database)).await.unwrap();
        let error = session.run("/* x */ USE mysql").await.unwrap_err();
        assert!(error.message.contains("USE mysql"), "{error}");
        assert_eq!(one(&mut *session, "SELECT DATABASE()").await, Some(target.database));
    })
    .await;
}

#[tokio::test]
async fn i7_a_read_only_session_can_neither_change_rows_nor_schema() {
    in_new_database(|target| async move {
        let mut writer = open(&target, Access::ReadWrite).await;
        writer.run("CREATE TABLE t (a INT)").await.unwrap();
        writer.run("CREATE PROCEDURE p() INSERT INTO t VALUES (7)").await.unwrap();
        let before = Mysql.snapshot(&mut *writer).await.unwrap();
        let mut session = open(&target, Access::ReadOnly).await;
        for refused in [
            "INSERT INTO t VALUES (1)",
            "CREATE TABLE u (a INT)",
            "DROP TABLE t",
            "ALTER TABLE t ADD b INT",
            "TRUNCATE TABLE t",
            "RENAME TABLE t TO u",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
            "DROP PROCEDURE p",
            "CALL p()",
            "GRANT SELECT ON t TO root@localhost",
            "CREATE DATABASE sbt_never",
        ] {
            assert_eq!(kind(session.run(refused).await), DbErrorKind::ReadOnly, "{refused}");
        }
        assert_eq!(Mysql.snapshot(&mut *session).await.unwrap(), before);
        assert_eq!(one(&mut *session, "SELECT COUNT(*) FROM t").await.as_deref(), Some("0"));
    })
    .await;
}

#[tokio::test]
async fn a_running_statement_is_cancelled_from_outside() {
    let mut session = open(&admin(), Access::ReadWrite).await;
    let mut watcher = open(&admin(), Access::ReadWrite).await;
    let backend = session.server().backend.clone();
    let canceller = session.canceller();
    let cancel = async {
        let busy = "SELECT id FROM information_schema.processlist WHERE id = ? AND command = 'Query' AND info LIKE '%collations%'";
        while watcher.rows(busy, &[backend.as_deref()]).await.unwrap().is_empty() {}
        canceller.cancel().await.unwrap();
    };
    let (ran, ()) = tokio::join!(session.run("SELECT COUNT(*) FROM information_schema.collations a, information_schema.collations b, information_schema.collations c, information_schema.collations d"), cancel);
    assert_eq!(kind(ran), DbErrorKind::Cancelled);
    assert_eq!(one(&mut *session, "SELECT 1").await.as_deref(), Some("1"));
    let backend = backend.unwrap();
    assert!(tries(&mut *session).await);
    let holder = Mysql.holders(&mut *watcher, &names(), None).await.unwrap().run.expect("a holder");
    assert!(holder.is(Some(&backend)) && holder.who.is_some(), "{holder:?}");
    session.close().await;
    while Mysql.holders(&mut *watcher, &names(), None).await.unwrap().run.is_some() {}
}

#[tokio::test]
async fn i5_a_lock_is_had_by_one_session_at_a_time_and_per_database() {
    in_new_database(|target| async move {
        let (mut a, mut b) = (open(&target, Access::ReadWrite).await, open(&target, Access::ReadWrite).await);
        assert!(tries(&mut *a).await);
        assert!(!tries(&mut *b).await);
        assert!(Mysql.hold_work(&mut *b, &claim(&names()), Duration::ZERO).await.unwrap());
        assert!(!Mysql.hold_work(&mut *a, &claim(&names()), Duration::from_millis(10)).await.unwrap());
        let mut elsewhere = open(&admin(), Access::ReadWrite).await;
        assert!(tries(&mut *elsewhere).await);
        a.close().await;
        while !tries(&mut *b).await {}
        let identity = Mysql.identity(&mut *b).await.unwrap();
        let mut c = open(&target, Access::ReadOnly).await;
        assert_eq!(Mysql.identity(&mut *c).await.unwrap(), identity);
        assert_ne!(Mysql.identity(&mut *elsewhere).await.unwrap(), identity);
    })
    .await;
}

#[tokio::test]
async fn the_ledger_and_its_neighbours_work_as_their_texts_say() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        let names = Names::new(Flavor::Mysql, None);
        let sql = &Mysql.dialect().sql;
        let before = Mysql.snapshot(&mut *session).await.unwrap();
        assert!(session.rows(&names.fill(sql.ledger_exists), &[]).await.unwrap().is_empty());
        for sql in [&[sql.ledger_create], sql.ledger_guard].concat().repeat(2) {
            session.batch(&names.fill(sql)).await.unwrap();
        }
        assert_eq!(session.rows(&names.fill(sql.ledger_exists), &[]).await.unwrap(), [[Some("1".to_owned())]]);
        assert_eq!(Mysql.snapshot(&mut *session).await.unwrap(), before, "our own tables are no schema");
        assert!(session.rows(&names.fill(sql.lease_read), &[]).await.unwrap().is_empty());
        assert!(session.rows(&sql.columns.replace("{only}", "IS NOT NULL"), &[]).await.unwrap().is_empty());

        let take = ["run", "me", "here", "1", "up", "7"].map(Some);
        for token in ["1", "2"] {
            assert_eq!(session.rows(&names.fill(sql.lease_take), &take).await.unwrap(), [[Some(token.to_owned())]]);
        }
        session.batch(sql.reset).await.unwrap();
        session.batch(sql.begin).await.unwrap();
        session.batch(&limits(1500, 60_000).fill(sql.limits)).await.unwrap();
        assert_eq!(one(&mut *session, "SELECT @@lock_wait_timeout").await.as_deref(), Some("2"));
        assert_eq!(session.rows(&names.fill(sql.fence), &[]).await.unwrap(), [[Some("2".to_owned()), None]]);
        session.batch(sql.settle).await.unwrap();
        for (seq, event, migration) in [("1", "apply", "a"), ("2", "apply", "b"), ("3", "revert", "a")] {
            append(&mut *session, &names.fill(sql.ledger_append), seq, event, migration).await;
        }
        session.run("COMMIT").await.unwrap();
        let head = session.rows(&names.fill(sql.ledger_head), &[]).await.unwrap();
        assert_eq!(head, [[Some("3".to_owned()), Some("hash3".to_owned())]]);
        let state = session.rows(&names.fill(sql.ledger_state), &[]).await.unwrap();
        let state: Vec<String> =
            state.iter().map(|row| row[..3].iter().flatten().cloned().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(state, ["2 apply b", "3 revert a"]);
        let rows = session.rows(&names.fill(sql.ledger_rows), &[Some("1"), Some("1")]).await.unwrap();
        assert_eq!(
            (rows.len(), rows[0][0].as_deref(), rows[0].len()),
            (1, Some("2"), switchback::ledger::COLUMNS.len())
        );

        let body = "SELECT 'it''s \\ ä';\r\n";
        for _ in 0..2 {
            session.rows(&names.fill(sql.script_put), &[Some("sum"), Some(body)]).await.unwrap();
        }
        assert_eq!(session.rows(&names.fill(sql.script_get), &[Some("sum")]).await.unwrap(), [[Some(body.to_owned())]]);

        let intent = ["run", "2", "3", "1", "sum", "before", "7"].map(Some);
        for _ in 0..2 {
            session.rows(&names.fill(sql.journal_intent), &intent).await.unwrap();
        }
        session.rows(&names.fill(sql.journal_done), &["3", "1", "after"].map(Some)).await.unwrap();
        let journal = session.rows(&names.fill(sql.journal_rows), &[Some("3")]).await.unwrap();
        let journal: Vec<&str> = journal[0].iter().flatten().map(String::as_str).collect();
        assert_eq!(journal, ["1", "done", "sum", "before", "after", "7"]);
        session.rows(&names.fill(sql.lease_release), &[Some("run"), Some("2")]).await.unwrap();
        let lease = session.rows(&names.fill(sql.lease_read), &[]).await.unwrap().remove(0);
        assert_eq!((lease.len(), lease[0].as_deref(), lease[1].clone()), (8, Some("2"), None));
        append_only(&mut *session, &names).await;
    })
    .await;
}

/// The ledger refuses changes by itself.
async fn append_only(session: &mut dyn Session, names: &Names) {
    let guarded = "SELECT COUNT(*) FROM information_schema.triggers WHERE event_object_schema = DATABASE()";
    assert_eq!(one(session, guarded).await.as_deref(), Some("2"));
    for change in ["DELETE FROM {ledger}", "UPDATE {ledger} SET reason = 'x'"] {
        assert!(session.run(&names.fill(change)).await.is_err(), "{change}");
    }
}

async fn append(session: &mut dyn Session, sql: &str, seq: &str, event: &str, migration: &str) {
    let (prev, hash) = (format!("prev{seq}"), format!("hash{seq}"));
    let value = |column: &&str| match *column {
        "seq" => Some(seq),
        "event" => Some(event),
        "phase" => Some("done"),
        "migration" => Some(migration),
        "started_at" => Some("2026-11-20T10:00:00Z"),
        "prev_hash" => Some(prev.as_str()),
        "hash" => Some(hash.as_str()),
        "reason" => Some("it's \\ ä"),
        _ => None,
    };
    let binds: Vec<Option<&str>> = switchback::ledger::COLUMNS.iter().map(value).collect();
    session.rows(sql, &binds).await.unwrap();
}

#[tokio::test]
async fn what_a_script_left_behind_is_put_back() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        session.run("CREATE TABLE t (a INT)").await.unwrap();
        let sets = "SET sql_mode = 'ANSI_QUOTES', foreign_key_checks = 0, unique_checks = 0, time_zone = '+03:00', autocommit = 0; \
            SET NAMES latin1; SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET SESSION sql_select_limit = 1; LOCK TABLES t WRITE";
        session.batch(sets).await.unwrap();
        session.batch(Mysql.dialect().sql.reset).await.unwrap();
        let same = "SELECT @@sql_mode = @@global.sql_mode AND @@foreign_key_checks AND @@unique_checks AND @@time_zone = @@global.time_zone
            AND @@autocommit AND @@character_set_client = 'utf8mb4' AND @@sql_select_limit = @@global.sql_select_limit
            /*M! AND @@tx_isolation = @@global.tx_isolation */ /*!80003 AND @@transaction_isolation = @@global.transaction_isolation */";
        assert_eq!(one(&mut *session, same).await.as_deref(), Some("1"));
        let mut other = open(&target, Access::ReadWrite).await;
        other.run("INSERT INTO t VALUES (1)").await.unwrap();
    })
    .await;
}

/// What a pair is called, then its statements: what stands before, what changes it, what undoes the change.
#[tokio::test]
async fn a_snapshot_sees_each_kind_of_change_and_its_undoing() {
    let reader = format!("sbt_{:016x}", RandomState::new().hash_one("reader"));
    let mut session = open(&admin(), Access::ReadWrite).await;
    session.run(&format!("CREATE USER {reader}")).await.unwrap();
    let rows = contract::rows(&include_str!("contract/mysql.txt").replace("reader", &reader));
    // A schema of everything at once is dear to read, and most of the time the server writes.
    let parts = rows.chunks(20).map(<[Row]>::to_vec);
    let started = parts.map(|rows| tokio::spawn(in_new_database(|target| are_seen(target, rows))));
    let mut ended = Vec::new();
    for part in started.collect::<Vec<_>>() {
        ended.push(part.await);
    }
    session.run(&format!("DROP USER {reader}")).await.unwrap();
    session.close().await;
    ended.into_iter().for_each(|part| part.unwrap());
}

async fn are_seen(target: Target, rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for row in rows {
        let mut session = open(&target, Access::ReadWrite).await;
        if row.only.as_deref().is_none_or(|engine| engine == session.server().engine) {
            wrong.extend(walk::complaints(&Mysql, &mut *session, &row).await);
        }
        session.close().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_snapshot_is_not_disturbed_by_what_is_no_schema() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        session.run("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, e ENUM('a,b', 'c''d', 'x`(') DEFAULT 'a,b') COMMENT 'it''s (, `x`'").await.unwrap();
        let old = Mysql.snapshot(&mut *session).await.unwrap();
        session.run("INSERT INTO t VALUES (41, DEFAULT)").await.unwrap();
        session.batch("SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', sql_quote_show_create = 0").await.unwrap();
        assert_eq!(Mysql.snapshot(&mut *session).await.unwrap(), old);
        let mode = "SELECT @@sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' AND NOT @@sql_quote_show_create";
        assert_eq!(one(&mut *session, mode).await.as_deref(), Some("1"), "the script's settings are its own again");
        let mut nowhere = open(&Target { database: String::new(), ..target.clone() }, Access::ReadOnly).await;
        assert!(Mysql.snapshot(&mut *nowhere).await.is_err(), "I9: an empty observation is an error");
    })
    .await;
}

#[tokio::test]
async fn an_implicit_foreign_key_index_stays_and_is_seen() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        session.batch("CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE c (pid INT)").await.unwrap();
        let old = Mysql.snapshot(&mut *session).await.unwrap();
        session.run("ALTER TABLE c ADD CONSTRAINT fkx FOREIGN KEY (pid) REFERENCES p (id)").await.unwrap();
        session.run("ALTER TABLE c DROP FOREIGN KEY fkx").await.unwrap();
        let new = Mysql.snapshot(&mut *session).await.unwrap();
        let left: Vec<_> = new.lines().filter(|line| !old.lines().any(|it| it == *line)).collect();
        assert!(
            left.iter().all(|line| line.kind == "index" && line.object == "c.fkx") && !left.is_empty(),
            "{left:#?}"
        );
    })
    .await;
}

fn column(name: &str, type_text: &str) -> Column {
    Column {
        name: name.into(),
        family: String::new(),
        type_text: type_text.into(),
        length: None,
        scale: None,
        nullable: true,
        has_default: false,
        computed: false,
        keys: Vec::new(),
        labels: Vec::new(),
        checks: Vec::new(),
    }
}

#[tokio::test]
async fn a_fingerprint_changes_with_every_change_of_rows_and_with_no_setting() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        let types = [("a", "int(11)"), ("s", "varchar(20)"), ("f", "float"), ("d", "double"), ("t", "timestamp"), ("b", "blob"), ("j", "json"), ("n", "decimal(10,2)"), ("x", "bit(8)"), ("e", "enum('p','q')"), ("g", "point"), ("u", "datetime(6)"), ("l", "varchar(20) character set latin1")];
        let columns: Vec<String> = types.iter().map(|(name, kind)| format!("{name} {kind} NULL")).collect();
        session.run(&format!("CREATE TABLE t ({})", columns.join(", "))).await.unwrap();
        let table = Table { schema: None, name: "t".into(), columns: types.map(|(name, kind)| column(name, kind)).to_vec(), ..Table::default() };
        let sql = Mysql.fingerprint(&table);
        let empty = session.rows(&sql, &[]).await.unwrap().remove(0);
        assert_eq!((empty[0].as_deref(), empty.len()), (Some("0"), 2 + types.len()));
        session.run("INSERT INTO t VALUES (1, 'x', 1.1, 1.1, '2024-01-02 03:04:05', X'00ff', '{}', 1.50, 5, 'p', POINT(1, 2), '2024-01-02 03:04:05.000006', 'ä'), (2, 'y', 2, 2, NULL, '', '[]', 2, 6, 'q', NULL, NULL, '')").await.unwrap();
        let first = session.rows(&sql, &[]).await.unwrap().remove(0);
        assert_eq!(first[0].as_deref(), Some("2"));
        assert!(first[6].as_deref().unwrap().ends_with(":1"), "the count leaves NULL out: {first:?}");
        for change in [
            "UPDATE t SET s = 'X' WHERE a = 1",
            "UPDATE t SET s = NULL WHERE a = 1",
            "UPDATE t SET s = '' WHERE a = 1",
            "UPDATE t SET s = '-' WHERE a = 1",
            "UPDATE t SET s = IF(a = 1, 'y', 'x')",
            "UPDATE t SET f = 1.1000001 WHERE a = 1",
            "UPDATE t SET t = t + INTERVAL 1 SECOND WHERE a = 1",
            "UPDATE t SET u = u + INTERVAL 1 MICROSECOND WHERE a = 1",
            "UPDATE t SET b = X'00fe' WHERE a = 1",
            "UPDATE t SET g = POINT(1, 3) WHERE a = 1",
            "INSERT INTO t SELECT * FROM t WHERE a = 1 UNION ALL SELECT * FROM t WHERE a = 1",
            "DELETE FROM t WHERE a = 2",
        ] {
            session.batch(&format!("START TRANSACTION; {change}")).await.unwrap();
            assert_ne!(session.rows(&sql, &[]).await.unwrap()[0], first, "{change}");
            session.run("ROLLBACK").await.unwrap();
        }
        session.batch("SET time_zone = '+05:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; SET NAMES latin1").await.unwrap();
        assert_eq!(session.rows(&sql, &[]).await.unwrap()[0], first);
    })
    .await;
}

#[tokio::test]
async fn columns_and_foreign_keys_are_told_as_rows_wants_them() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        session.run("CREATE TABLE p (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, k VARCHAR(10), m DECIMAL(6, 2) NOT NULL, UNIQUE KEY u (k, m))").await.unwrap();
        session.run("CREATE TABLE c (e ENUM('a', 'b''c', 'd,e') NOT NULL, g INT AS (1 + 1) VIRTUAL, j JSON, pid BIGINT UNSIGNED, CHECK (pid > 3), CONSTRAINT f FOREIGN KEY (pid) REFERENCES p (id))").await.unwrap();
        session.run("CREATE VIEW v AS SELECT 1 AS one").await.unwrap();
        session.run("CREATE TABLE schema_migrations (version VARCHAR(10) PRIMARY KEY)").await.unwrap();
        let sql = &Mysql.dialect().sql;
        let rows = session.rows(&sql.columns.replace("{only}", "IS NOT NULL"), &[]).await.unwrap();
        assert!(rows.iter().all(|row| row.len() == switchback::rows::COLUMNS.len()));
        let find = |table: &str, column: &str| {
            let row = rows.iter().find(|row| row[1].as_deref() == Some(table) && row[2].as_deref() == Some(column)).unwrap();
            row.iter().skip(3).map(|cell| cell.clone().unwrap_or_else(|| "~".into())).collect::<Vec<_>>()
        };
        let big = if session.server().engine == "mariadb" { "bigint(20) unsigned" } else { "bigint unsigned" };
        assert_eq!(find("p", "id")[..], ["integer", big, "20", "0", "0", "1", "0", "PRIMARY", "~", "~", "p"]);
        assert_eq!(find("p", "m")[..], ["number", "decimal(6,2)", "6", "2", "0", "0", "0", "u", "~", "~", "p"]);
        let e = find("c", "e");
        assert_eq!((e[0].as_str(), e[8].as_str()), ("enum", "a\nb'c\nd,e"));
        assert_eq!(find("c", "g")[6], "1");
        assert_eq!(find("c", "j")[0], "json");
        assert!(e[9].contains("`pid` > 3"), "{e:?}");
        assert!(!rows.iter().any(|row| row[1].as_deref() == Some("v")));
        let keys = session.rows(&sql.foreign_keys.replace("{only}", "IS NOT NULL"), &[]).await.unwrap();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(keys, [[None, text("c"), text("f"), text("pid"), None, text("p"), text("id")]]);
        let histories = session.rows(sql.histories, &[]).await.unwrap();
        assert_eq!(histories, [[None, text("schema_migrations"), text("version")]]);
    })
    .await;
}

#[tokio::test]
async fn i8_a_shadow_on_the_server_reaches_nothing_but_itself_and_is_dropped_once() {
    in_new_database(|target| async move {
        let mut live = open(&target, Access::ReadWrite).await;
        live.batch(&format!(
            "ALTER DATABASE {} CHARACTER SET latin1 COLLATE latin1_bin; CREATE TABLE secret (a INT)",
            target.database
        ))
        .await
        .unwrap();
        let level = Level::Server(target.clone());
        let site = Mysql.create_shadow(&level).await.unwrap();
        let mut shadow = open(&site.target, Access::Shadow).await;
        assert_ne!(Mysql.identity(&mut *shadow).await.unwrap(), Mysql.identity(&mut *live).await.unwrap());
        shadow.run("CREATE TABLE t (a INT)").await.unwrap();
        live.batch("DROP TABLE secret; CREATE TABLE t (a INT)").await.unwrap();
        assert_eq!(Mysql.snapshot(&mut *shadow).await.unwrap(), Mysql.snapshot(&mut *live).await.unwrap());
        for refused in [
            format!("DROP TABLE {}.t", target.database),
            format!("SELECT * FROM {}.t", target.database),
            "SELECT * FROM mysql.user".to_owned(),
            "CREATE DATABASE sbt_never".to_owned(),
            "CREATE USER sbt_never".to_owned(),
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1".to_owned(),
            "SET GLOBAL max_connections = 10".to_owned(),
            "SELECT 1 INTO OUTFILE '/tmp/sbt_never'".to_owned(),
            "CREATE DEFINER = root@localhost PROCEDURE p() SELECT 1".to_owned(),
        ] {
            let error = shadow.run(&refused).await.unwrap_err();
            assert_eq!(error.kind, DbErrorKind::Privilege, "{refused}: {error}");
        }
        assert!(!Mysql.sweep_shadows(&level).await.unwrap().contains(&site.name), "its maker lives");
        shadow.close().await;
        Mysql.drop_shadow(&level, &site).await.unwrap();
        Mysql.drop_shadow(&level, &site).await.unwrap();
        assert!(Mysql.open(&site.target, Access::Shadow).await.is_err());
        let left = "SELECT COUNT(*) FROM mysql.user WHERE user = ?";
        let left = live.rows(left, &[site.target.user.as_deref()]).await.unwrap();
        assert_eq!(left[0][0].as_deref(), Some("0"));
    })
    .await;
}

#[tokio::test]
async fn i8_a_shadow_is_swept_when_its_maker_is_gone_and_refused_when_it_is_not_ours() {
    let level = Level::Server(admin());
    let site = Mysql.create_shadow(&level).await.unwrap();
    let mut session = open(&admin(), Access::ReadWrite).await;
    session.run(&format!("UPDATE {}.switchback_marker SET pid = 999999999", site.name)).await.unwrap();
    assert!(Mysql.sweep_shadows(&level).await.unwrap().contains(&site.name));
    let foreign = "switchback_shadow_00000000deadbeef";
    session.batch(&format!("CREATE DATABASE {foreign}; CREATE TABLE {foreign}.t (a INT)")).await.unwrap();
    let mut not_ours = site.clone();
    not_ours.name = foreign.to_owned();
    let fault = Mysql.drop_shadow(&level, &not_ours).await.unwrap_err();
    assert!(fault.to_string().contains(foreign));
    assert!(!Mysql.sweep_shadows(&level).await.unwrap().contains(&not_ours.name));
    session.run(&format!("DROP DATABASE {foreign}")).await.unwrap();
    not_ours.name = "mysql".to_owned();
    assert!(Mysql.drop_shadow(&level, &not_ours).await.is_err());
}

#[tokio::test]
async fn an_account_without_rights_is_told_the_grant_and_leaves_nothing() {
    in_new_database(|target| async move {
        let mut session = open(&target, Access::ReadWrite).await;
        let user = format!("{}_u", target.database);
        session.batch(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'pw'; GRANT ALL ON {}.* TO {user}@'%'", target.database)).await.unwrap();
        let poor = Target { user: Some(user.clone()), password: Some(Secret::new("pw")), ..target.clone() };
        let fault = Mysql.create_shadow(&Level::Server(poor.clone())).await.unwrap_err();
        let help = fault.parts().help.clone().unwrap();
        assert!(help.contains("GRANT CREATE USER ON *.*") && help.contains(&user) && help.contains("--shadow local"), "{help}");
        session.batch(&format!("GRANT CREATE, DROP ON `switchback\\_shadow\\_%`.* TO {user}@'%'")).await.unwrap();
        assert!(Mysql.create_shadow(&Level::Server(poor.clone())).await.is_err());
        session.batch(&format!("GRANT CREATE USER ON *.* TO {user}@'%'; GRANT ALL PRIVILEGES ON `switchback\\_shadow\\_%`.* TO {user}@'%' WITH GRANT OPTION")).await.unwrap();
        let level = Level::Server(poor);
        let site = Mysql.create_shadow(&level).await.unwrap();
        Mysql.drop_shadow(&level, &site).await.unwrap();
        session.run(&format!("DROP USER {user}@'%'")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_server_of_our_own_is_started_and_ends_with_its_last_shadow() {
    let mut real = open(&admin(), Access::ReadOnly).await;
    let with = ["latin1", "latin1_german1_ci"].map(str::to_owned).to_vec();
    let level = Level::Local { engine: real.server().engine, with };
    let first = Mysql.create_shadow(&level).await.unwrap();
    let second = Mysql.create_shadow(&level).await.unwrap();
    let socket = first.target.socket.clone().unwrap();
    assert_eq!(second.target.socket.as_ref(), Some(&socket));
    let mut shadow = open(&first.target, Access::Shadow).await;
    assert_eq!(shadow.server().engine, real.server().engine);
    assert_ne!(Mysql.identity(&mut *shadow).await.unwrap(), Mysql.identity(&mut *real).await.unwrap());
    let own = shadow.rows("SELECT @@character_set_database, @@collation_database", &[]).await.unwrap();
    assert_eq!(own, [["latin1", "latin1_german1_ci"].map(|word| Some(word.to_owned())).to_vec()]);
    shadow.run("CREATE TABLE t (a INT)").await.unwrap();
    shadow.run("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t").await.unwrap();
    shadow.run("CREATE DEFINER = someone@localhost PROCEDURE p() SELECT 1").await.unwrap();
    assert!(Mysql.snapshot(&mut *shadow).await.unwrap().lines().any(|line| line.kind == "event"));
    for refused in ["SELECT 1 INTO OUTFILE '/tmp/sbt_never'", "SET GLOBAL general_log = 1", "SELECT * FROM mysql.user"]
    {
        assert_eq!(kind(shadow.run(refused).await), DbErrorKind::Privilege, "{refused}");
    }
    shadow.close().await;
    assert!(Mysql.sweep_shadows(&level).await.unwrap().is_empty());
    Mysql.drop_shadow(&level, &first).await.unwrap();
    assert!(socket.exists());
    Mysql.drop_shadow(&level, &second).await.unwrap();
    assert!(!socket.exists() && !socket.parent().unwrap().exists());
}

fn limits(lock_timeout_ms: u64, statement_timeout_ms: u64) -> Limits {
    Limits { lock_timeout_ms, statement_timeout_ms }
}
