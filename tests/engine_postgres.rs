//! The PostgreSQL member against a real server: what a session is, what a snapshot sees, locks, shadows.

use std::time::{Duration, Instant};

use switchback::engine::postgres::Postgres;
use switchback::engine::{Access, Claim, DbErrorKind, Engine, Level, Limits, Lock, Names, Position, Session, Tried};
use switchback::fault::FaultKind;
use switchback::rows::{COLUMNS, Column, FAMILIES, FOREIGN_KEYS, Table};
use switchback::snapshot::Snapshot;
use switchback::sql::Flavor;
use switchback::target::{Secret, Target};

#[path = "common/contract.rs"]
mod contract;
#[path = "engine_postgres/scratch.rs"]
mod scratch;
#[path = "common/walk.rs"]
mod walk;

use scratch::{Scratch, server};

async fn script(session: &mut dyn Session, sql: &str) {
    session.batch(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

async fn one(session: &mut dyn Session, sql: &str) -> String {
    session.rows(sql, &[]).await.unwrap()[0][0].clone().unwrap()
}

async fn snap(session: &mut dyn Session) -> Snapshot {
    Postgres.snapshot(session).await.unwrap()
}

fn only_in(one: &Snapshot, other: &Snapshot) -> Vec<String> {
    let lines = one.lines().filter(|line| !other.lines().any(|it| it == *line));
    lines.map(|line| format!("{} {} [{}] {}", line.kind, line.object, line.property, line.value)).collect()
}

fn names() -> Names {
    Names::new(Flavor::Postgres, Some("switchback"))
}

fn claim(names: &Names) -> Claim<'_> {
    Claim { names, run: "r", silent: None }
}

/// Whether one try for the run's lock has it.
async fn tries(session: &mut dyn Session) -> bool {
    let tried = Postgres.try_lock(session, &claim(&names())).await.unwrap();
    assert!(!matches!(&tried, Tried::Taken(backend) if *backend != session.server().backend), "{tried:?}");
    matches!(tried, Tried::Taken(_))
}

#[tokio::test]
async fn a_session_says_who_and_where_it_is() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    let told = session.server().clone();
    assert_eq!((told.engine, told.database.as_str()), ("postgres", scratch.0.database.as_str()));
    assert!(told.version.starts_with(&told.major) && told.major.parse::<u32>().unwrap() >= 14);
    let backend = told.backend.unwrap();
    assert!(tries(&mut *session).await);
    let mut other = scratch.open(Access::ReadOnly).await;
    let holder = Postgres.holders(&mut *other, &names(), None).await.unwrap().run.expect("a holder");
    assert!(holder.is(Some(&backend)));
    let pid = backend.split(':').next().unwrap();
    assert!(!holder.is(Some(&format!("{pid}:1"))), "a process id alone is not enough");
    let mut third = scratch.open(Access::ReadWrite).await;
    Postgres.terminate(&mut *third, &names(), Lock::Run, &format!("{pid}:1")).await.unwrap();
    assert!(
        Postgres.holders(&mut *other, &names(), None).await.unwrap().run.is_some(),
        "another session is left alone"
    );
    third.close().await;
    assert_eq!(Postgres.identity(&mut *session).await.unwrap(), Postgres.identity(&mut *other).await.unwrap());
    let mut elsewhere = Postgres.open(&server(), Access::ReadOnly).await.unwrap();
    assert_ne!(Postgres.identity(&mut *session).await.unwrap(), Postgres.identity(&mut *elsewhere).await.unwrap());
}

#[tokio::test]
async fn values_go_in_and_out_as_text() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    let rows =
        session.rows("SELECT $1, ($2::int + 1)::text, $3::text", &[Some("é'\\"), Some("41"), None]).await.unwrap();
    assert_eq!(rows, [[Some("é'\\".to_owned()), Some("42".into()), None]]);
    let rows = session.batch("SELECT 1, true, NULL, '{a,b}'::text[]; SELECT 1.50::numeric").await.unwrap();
    assert_eq!(rows[0], [Some("1".to_owned()), Some("t".into()), None, Some("{a,b}".into())]);
    assert_eq!(rows[1], [Some("1.50".to_owned())]);
    let error = session.rows("SELECT 1, $1", &[Some("x")]).await.unwrap_err();
    assert!(error.message.contains("not text"), "{error}");
    for _ in 0..3 {
        session.rows("SELECT $1", &[Some("x")]).await.unwrap();
    }
    assert_eq!(one(&mut *session, "SELECT count(*) FROM pg_prepared_statements").await, "0");
}

#[tokio::test]
async fn errors_keep_the_servers_words_and_the_place() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    let error = session.run("SELECT 'é', nothing_here FROM pg_class").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (DbErrorKind::Missing, "42703"));
    assert_eq!(error.position, Some(Position::Character(13)));
    assert_eq!(error.lines()[0], "column \"nothing_here\" does not exist (42703)");
    script(&mut *session, "CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u VALUES (1)").await;
    let error = session.run("INSERT INTO u VALUES (1)").await.unwrap_err();
    assert_eq!(error.kind, DbErrorKind::Duplicate);
    assert!(error.detail.unwrap().contains("already exists"));
    let error = session.run("DO $$ BEGIN RAISE EXCEPTION 'no' USING HINT = 'do not'; END $$").await.unwrap_err();
    assert_eq!((error.hint.as_deref(), error.position), (Some("do not"), None));
    assert!(error.context.unwrap().contains("PL/pgSQL"));
    script(&mut *session, "BEGIN; SAVEPOINT a").await;
    session.run("COMMIT").await.unwrap();
    assert_eq!(session.run("RELEASE SAVEPOINT a").await.unwrap_err().kind, DbErrorKind::NoSavepoint);
    script(&mut *session, "BEGIN").await;
    assert_eq!(session.run("RELEASE SAVEPOINT a").await.unwrap_err().kind, DbErrorKind::NoSavepoint);
}

#[tokio::test]
async fn an_unreachable_database_is_told_apart_and_no_password_shown() {
    let secret = "s3cr3t-canary";
    let target = |change: fn(&mut Target)| {
        let mut target = Target { password: Some(Secret::new(secret)), ..server() };
        change(&mut target);
        target
    };
    let kind = async |target: Target| {
        let error = Postgres.open(&target, Access::ReadOnly).await.err().expect("refused");
        assert!(!format!("{error} {error:?} {target:?}").contains(secret));
        error.kind
    };
    // A server may want the right password before it says that.
    let own = |target: &mut Target| {
        target.database = "no_such_database".into();
        target.password = server().password.or(target.password.take());
    };
    assert_eq!(kind(target(own)).await, DbErrorKind::NoDatabase);
    assert_eq!(kind(target(|target| target.user = Some("no_such_role".into()))).await, DbErrorKind::Authentication);
    assert_eq!(kind(target(|target| target.port = Some(1))).await, DbErrorKind::Connection);
}

#[tokio::test]
async fn notices_and_rows_of_a_statement_are_told() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    let ran = session.run("DROP TABLE IF EXISTS missing").await.unwrap();
    assert_eq!(ran.notices, ["NOTICE: table \"missing\" does not exist, skipping"]);
    let ran = session.run("DO $$ BEGIN RAISE WARNING 'careful'; END $$").await.unwrap();
    assert_eq!(ran.notices, ["WARNING: careful"]);
    session.run("CREATE TABLE t (a int)").await.unwrap();
    let ran = session.run("INSERT INTO t SELECT generate_series(1, 7)").await.unwrap();
    assert_eq!((ran.rows, ran.notices.len()), (7, 0));
}

#[tokio::test]
async fn copy_takes_its_rows_and_survives_bad_ones() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    script(&mut *session, "CREATE TABLE c (id int, code text)").await;
    let ran = session.copy_in("COPY c (id, code) FROM stdin", "1\ta\n2\t\\N\n").await.unwrap();
    assert_eq!(ran.rows, 2);
    let error = session.copy_in("COPY c (id, code) FROM stdin", "x\ta\n").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (DbErrorKind::Statement, "22P02"));
    assert!(session.copy_in("COPY nowhere FROM stdin", "").await.is_err());
    assert_eq!(one(&mut *session, "SELECT count(*) FROM c WHERE code IS NULL").await, "1");
    let error = session.run("COPY c FROM stdin").await.unwrap_err();
    assert!(error.message.contains("without its rows"), "{error}");
    assert_eq!(session.run("SELECT 1").await.unwrap_err().kind, DbErrorKind::Connection, "it must not hang");
}

#[tokio::test]
async fn i7_a_read_only_session_cannot_write() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadOnly).await;
    assert_eq!(session.run("CREATE TABLE t (a int)").await.unwrap_err().kind, DbErrorKind::ReadOnly);
    snap(&mut *session).await;
}

#[tokio::test]
async fn a_running_statement_is_cancelled_from_outside() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    let canceller = session.canceller();
    let mut watcher = scratch.open(Access::ReadOnly).await;
    let pid = session.server().backend.clone().unwrap().split(':').next().unwrap().to_owned();
    let cancel = async {
        let query = "SELECT state FROM pg_stat_activity WHERE pid = $1::int";
        while watcher.rows(query, &[Some(&pid)]).await.unwrap()[0][0].as_deref() != Some("active") {}
        canceller.cancel().await.unwrap();
    };
    let (result, ()) = tokio::join!(session.run("SELECT pg_sleep(60)"), cancel);
    assert_eq!(result.unwrap_err().kind, DbErrorKind::Cancelled);
    canceller.cancel().await.unwrap();
    session.run("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn the_servers_own_settings_hold_also_after_a_reset() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    let name = Flavor::Postgres.ident(&scratch.0.database);
    script(&mut *session, &format!("ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo'")).await;
    script(&mut *session, &format!("ALTER DATABASE {name} SET DateStyle = 'SQL, DMY'")).await;
    let mut session = scratch.open(Access::ReadWrite).await;
    assert_eq!(one(&mut *session, "SHOW TimeZone").await, "Asia/Tokyo");
    script(&mut *session, "SET TimeZone TO 'UTC'; SET search_path TO pg_catalog; CREATE TEMP TABLE x (a int)").await;
    script(&mut *session, "PREPARE p AS SELECT 1; SET ROLE pg_monitor").await;
    script(&mut *session, Postgres.dialect().sql.reset).await;
    let query = "SELECT concat_ws('|', current_setting('TimeZone'), current_setting('DateStyle'), current_setting('search_path'),
                 current_user = session_user, to_regclass('x') IS NULL, (SELECT count(*) FROM pg_prepared_statements))";
    assert_eq!(one(&mut *session, query).await, "Asia/Tokyo|SQL, DMY|\"$user\", public|t|t|0");
    let mut target = scratch.0.clone();
    target.params.insert("timezone".into(), "Europe/Berlin".into());
    target.params.insert("options".into(), "-c lock_timeout=5s".into());
    let mut session = Postgres.open(&target, Access::ReadWrite).await.unwrap();
    assert_eq!(one(&mut *session, "SHOW TimeZone").await, "Europe/Berlin");
    assert_eq!(one(&mut *session, "SHOW lock_timeout").await, "5s");
}

#[tokio::test]
async fn i5_one_lock_at_a_time_and_its_holder_keeps_no_snapshot() {
    let scratch = Scratch::new().await;
    let (mut first, mut second) = (scratch.open(Access::ReadWrite).await, scratch.open(Access::ReadWrite).await);
    assert!(tries(&mut *first).await);
    assert!(!tries(&mut *second).await);
    let xmin = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)";
    assert_eq!(one(&mut *second, xmin).await, "0");
    let mut work = scratch.open(Access::ReadWrite).await;
    script(&mut *work, "CREATE TABLE t (a int)").await;
    work.run("CREATE INDEX CONCURRENTLY i ON t (a)").await.unwrap();
    first.close().await;
    let limit = Instant::now() + Duration::from_secs(10);
    while !tries(&mut *second).await {
        assert!(Instant::now() < limit, "the lock ends with its session");
    }
    let wait = Duration::from_millis(60);
    let mut rival = scratch.open(Access::ReadWrite).await;
    assert!(Postgres.hold_work(&mut *work, &claim(&names()), wait).await.unwrap());
    assert!(!Postgres.hold_work(&mut *rival, &claim(&names()), wait).await.unwrap());
    script(&mut *work, Postgres.dialect().sql.reset).await;
    assert!(!Postgres.hold_work(&mut *rival, &claim(&names()), wait).await.unwrap(), "a reset keeps the lock");
}

#[tokio::test]
async fn i6_the_ledger_is_created_twice_written_read_and_only_grows() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    let (sql, names) = (&Postgres.dialect().sql, Names::new(Flavor::Postgres, Some("it's \"ours\"")));
    let fill = |text: &'static str| names.fill(text).into_owned();
    assert!(session.rows(&fill(sql.ledger_exists), &[]).await.unwrap().is_empty());
    for _ in 0..2 {
        script(&mut *session, &fill(sql.ledger_create)).await;
    }
    assert_eq!(session.rows(&fill(sql.ledger_exists), &[]).await.unwrap(), [[Some("1".to_owned())]]);
    assert!(session.rows(&fill(sql.lease_read), &[]).await.unwrap().is_empty());
    let holder = ["run", "me", "host", "7", "up", "1:2"].map(Some);
    assert_eq!(session.rows(&fill(sql.lease_take), &holder).await.unwrap(), [[Some("1".to_owned())]]);
    assert_eq!(session.rows(&fill(sql.lease_read), &[]).await.unwrap()[0][1].as_deref(), Some("run"));
    let columns = switchback::ledger::COLUMNS;
    script(&mut *session, sql.begin).await;
    session.batch(&limits(2000, 0).fill(sql.limits)).await.unwrap();
    let fence = session.rows(&fill(sql.fence), &[]).await.unwrap();
    assert_eq!(fence[0][0].as_deref(), Some("1"));
    assert!(fence[0][1].as_deref().unwrap().parse::<u64>().is_ok());
    script(&mut *session, "SET ROLE pg_monitor; SET search_path TO public").await;
    script(&mut *session, sql.settle).await;
    for (seq, event) in [("1", "apply"), ("2", "revert"), ("3", "apply")] {
        let number = |column: &str| matches!(column, "statement" | "rows_affected" | "reverts" | "duration_ms");
        let value = |column: &&'static str| match *column {
            "seq" | "hash" | "prev_hash" => Some(seq),
            "event" => Some(event),
            "phase" => Some("done"),
            "migration" => Some(if seq == "3" { "b" } else { "a" }),
            column if number(column) => None,
            column => Some(column),
        };
        let binds: Vec<Option<&str>> = columns.iter().map(value).collect();
        session.rows(&fill(sql.ledger_append), &binds).await.unwrap();
    }
    session.rows(&fill(sql.script_put), &[Some("sum"), Some("body")]).await.unwrap();
    session.rows(&fill(sql.script_put), &[Some("sum"), Some("body")]).await.unwrap();
    script(&mut *session, "COMMIT").await;
    // A script that goes on behind rows of ours has the role that it had taken on.
    assert_eq!(one(&mut *session, "SELECT current_user::text").await, "pg_monitor");
    session.batch(sql.reset).await.unwrap();
    assert_eq!(session.rows(&fill(sql.ledger_head), &[]).await.unwrap(), [[Some("3".to_owned()), Some("3".into())]]);
    let state = session.rows(&fill(sql.ledger_state), &[]).await.unwrap();
    let state: Vec<_> = state.iter().map(|row| (row[1].as_deref().unwrap(), row[2].as_deref().unwrap())).collect();
    assert_eq!(state, [("revert", "a"), ("apply", "b")]);
    let rows = session.rows(&fill(sql.ledger_rows), &[Some("1"), Some("10")]).await.unwrap();
    assert_eq!((rows.len(), rows[0].len()), (2, columns.len()));
    assert_eq!(session.rows(&fill(sql.script_get), &[Some("sum")]).await.unwrap(), [[Some("body".to_owned())]]);
    let intent = ["run", "1", "3", "1", "check", "before", "1:2"].map(Some);
    session.rows(&fill(sql.journal_intent), &intent).await.unwrap();
    session.rows(&fill(sql.journal_intent), &intent).await.unwrap();
    session.rows(&fill(sql.journal_done), &["3", "1", "after"].map(Some)).await.unwrap();
    let journal = session.rows(&fill(sql.journal_rows), &[Some("3")]).await.unwrap();
    assert_eq!(journal, [["1", "done", "check", "before", "after", "1:2"].map(|text| Some(text.to_owned()))]);
    session.rows(&fill(sql.lease_release), &[Some("run"), Some("1")]).await.unwrap();
    assert_eq!(session.rows(&fill(sql.lease_read), &[]).await.unwrap()[0][1], None);
    for change in
        ["UPDATE {ledger} SET hash = 'x'", "DELETE FROM {ledger}", "TRUNCATE {ledger}", "DELETE FROM {script}"]
    {
        assert_eq!(session.run(&names.fill(change)).await.unwrap_err().kind, DbErrorKind::Privilege, "{change}");
    }
    let mut mine = scratch.0.clone();
    mine.ledger_schema = Some("it's \"ours\"".into());
    let mut session = Postgres.open(&mine, Access::ReadOnly).await.unwrap();
    assert!(
        !snap(&mut *session).await.lines().any(|line| line.object.contains("ours")),
        "our own tables are no schema"
    );
}

#[tokio::test]
async fn a_snapshot_sees_each_kind_of_change_and_its_undoing() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::Shadow).await;
    let mut wrong = Vec::new();
    for row in contract::rows(include_str!("contract/postgres.txt")) {
        script(&mut *session, "BEGIN").await;
        wrong.extend(walk::complaints(&Postgres, &mut *session, &row).await);
        script(&mut *session, "ROLLBACK").await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_snapshot_is_the_same_whatever_the_session_is_set_to() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    script(&mut *session, "CREATE TABLE t (a timestamptz DEFAULT '2020-01-01 00:00:00+00', b interval DEFAULT '1 day', \"C d\" float8 DEFAULT 0.1)").await;
    script(&mut *session, "CREATE FUNCTION f(t) RETURNS t LANGUAGE sql AS 'SELECT $1'").await;
    let first = snap(&mut *session).await;
    script(&mut *session, "SET search_path TO public; SET TimeZone TO 'Asia/Tokyo'; SET DateStyle TO German; SET IntervalStyle TO iso_8601").await;
    script(&mut *session, "SET quote_all_identifiers TO on; SET extra_float_digits TO -5; BEGIN").await;
    assert_eq!(first, snap(&mut *session).await);
    let kept = "SELECT concat_ws('|', current_setting('search_path'), current_setting('TimeZone'), current_setting('quote_all_identifiers'))";
    assert_eq!(one(&mut *session, kept).await, "public|Asia/Tokyo|on");
    assert!(first.lines().any(|line| line.kind == "function" && line.object == "public.f(public.t)"));
}

#[tokio::test]
async fn what_is_no_schema_does_not_disturb() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    script(
        &mut *session,
        "CREATE TABLE t (id serial, a text); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    )
    .await;
    let first = snap(&mut *session).await;
    script(&mut *session, "DROP TABLE t; CREATE TABLE t (id serial, a text); INSERT INTO t (a) VALUES ('x'), ('y')")
        .await;
    script(
        &mut *session,
        "GRANT ALL ON t TO CURRENT_USER; GRANT EXECUTE ON FUNCTION f TO PUBLIC; SELECT nextval('t_id_seq')",
    )
    .await;
    script(&mut *session, "CREATE TEMP TABLE tmp (a int)").await;
    let second = snap(&mut *session).await;
    assert_eq!(first, second, "{:?} {:?}", only_in(&first, &second), only_in(&second, &first));
    script(&mut *session, "ALTER TABLE t DROP a, ADD a text").await;
    assert_eq!(first, snap(&mut *session).await, "a rank, not a number that dropped columns leave gaps in");
    script(&mut *session, "ALTER TABLE t DROP id, ADD id int NOT NULL DEFAULT 1").await;
    let moved = only_in(&snap(&mut *session).await, &first);
    assert!(moved.iter().any(|line| line.contains("[~position]")), "{moved:?}");
}

#[tokio::test]
async fn an_invalid_index_is_seen() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    script(&mut *session, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)").await;
    session.run("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)").await.unwrap_err();
    let seen = snap(&mut *session).await;
    assert!(seen.lines().any(|line| line.object == "public.i" && line.property == "valid" && line.value == "no"));
}

async fn table(session: &mut dyn Session, name: &str) -> Table {
    let names = Names::new(Flavor::Postgres, Some("switchback"));
    let rows =
        session.rows(&names.fill(Postgres.dialect().sql.columns).replace("{only}", "IS NOT NULL"), &[]).await.unwrap();
    let columns = rows.into_iter().filter(|row| row[1].as_deref() == Some(name)).map(|row| {
        assert_eq!(row.len(), COLUMNS.len());
        let text = |index: usize| row[index].clone().unwrap_or_default();
        let list =
            |index: usize, by: char| row[index].iter().flat_map(|all| all.split(by)).map(str::to_owned).collect();
        assert!(FAMILIES.contains(&text(3).as_str()), "{row:?}");
        Column {
            name: text(2),
            family: text(3),
            type_text: text(4),
            length: row[5].as_ref().map(|number| number.parse().unwrap()),
            scale: row[6].as_ref().map(|number| number.parse().unwrap()),
            nullable: text(7) == "1",
            has_default: text(8) == "1",
            computed: text(9) == "1",
            keys: list(10, ','),
            labels: list(11, '\n'),
            checks: list(12, '\n'),
        }
    });
    Table { schema: Some("public".into()), name: name.into(), columns: columns.collect(), ..Table::default() }
}

#[tokio::test]
async fn columns_and_foreign_keys_are_told_for_making_rows() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    script(
        &mut *session,
        "CREATE TYPE mood AS ENUM ('a,b', 'c'); CREATE DOMAIN short AS varchar(7) NOT NULL CHECK (VALUE <> 'x');
         CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)) PARTITION BY LIST (a);
         CREATE TABLE q PARTITION OF p DEFAULT;
         CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, s short, m mood, n numeric(8, -2), o text[] DEFAULT '{}',
                         x int, y int, z int GENERATED ALWAYS AS (x + 1) STORED,
                         UNIQUE (x), CHECK (y > 3), CONSTRAINT fk FOREIGN KEY (y, x) REFERENCES p (b, a) DEFERRABLE)
        ",
    )
    .await;
    let table = table(&mut *session, "t").await;
    let column = |name: &str| table.columns.iter().find(|column| column.name == name).unwrap();
    let short = column("s");
    assert_eq!((short.family.as_str(), short.length, short.nullable), ("text", Some(7), false));
    assert!(
        short.checks.iter().any(|check| check.contains("VALUE"))
            && short.checks.iter().any(|check| check.contains("y > 3"))
    );
    assert_eq!((column("m").family.as_str(), column("m").labels.clone()), ("enum", vec!["a,b".to_owned(), "c".into()]));
    assert_eq!((column("n").length, column("n").scale.is_some()), (Some(8), true));
    assert!(column("id").computed && column("z").computed && column("o").has_default && !column("x").computed);
    assert_eq!((column("o").family.as_str(), column("x").keys.clone()), ("array", vec!["t_x_key".to_owned()]));
    let names = Names::new(Flavor::Postgres, Some("switchback"));
    let keys = session
        .rows(&names.fill(Postgres.dialect().sql.foreign_keys).replace("{only}", "IS NOT NULL"), &[])
        .await
        .unwrap();
    assert_eq!(keys.len(), 2);
    let text = |row: &[Option<String>]| row.iter().map(|part| part.clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(keys[0].len(), FOREIGN_KEYS.len());
    assert_eq!(text(&keys[0]), ["public", "t", "fk", "y", "public", "p", "b"]);
    assert_eq!(text(&keys[1]), ["public", "t", "fk", "x", "public", "p", "a"]);
}

#[tokio::test]
async fn a_fingerprint_sees_values_nulls_and_swaps_and_no_order() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadWrite).await;
    script(
        &mut *session,
        "CREATE TYPE e AS ENUM ('u', 'v');
         CREATE TABLE t (a int, b text, c timestamptz, d float8, f bytea, g json, h interval, i e[], j tstzrange, k date[],
                         l numeric, m point, n daterange, o datemultirange, p xml, q money, r time, s e, w real, x int4range, y bit(3));
         INSERT INTO t SELECT n, 'x' || n, now() + n * interval '1 day', n / 3.0, 'ab', '{\"a\": 1}', '1 day', '{u}', '[2020-01-01,2021-01-01)',
                         '{2020-01-01}', 1.50, '(1,2.3)', '[2020-01-01,infinity)', '{[2020-01-01,2020-02-01)}', '<a/>', 3, '10:00', 'u', 0.1,
                         '[1,3)', '101' FROM generate_series(1, 5) AS n",
    )
    .await;
    let query = Postgres.fingerprint(&table(&mut *session, "t").await);
    let first = session.rows(&query, &[]).await.unwrap();
    assert_eq!((first.len(), first[0].len(), first[0][0].as_deref()), (1, 23, Some("5")));
    let settings = "SET DateStyle TO German; SET TimeZone TO 'Asia/Tokyo'; SET IntervalStyle TO iso_8601; SET bytea_output TO escape; SET extra_float_digits TO -8";
    script(&mut *session, settings).await;
    assert_eq!(first, session.rows(&query, &[]).await.unwrap());
    script(
        &mut *session,
        "CREATE TABLE u AS SELECT * FROM t ORDER BY a DESC; DELETE FROM t; INSERT INTO t SELECT * FROM u",
    )
    .await;
    script(&mut *session, "ALTER TABLE t ALTER i TYPE text, ALTER s TYPE text; DROP TABLE u; DROP TYPE e; CREATE TYPE e AS ENUM ('v', 'u')").await;
    script(&mut *session, "ALTER TABLE t ALTER i TYPE e[] USING i::e[], ALTER s TYPE e USING s::e").await;
    assert_eq!(first, session.rows(&query, &[]).await.unwrap());
    let changes = [
        "UPDATE t SET b = NULL WHERE a = 1",
        "UPDATE t SET b = '' WHERE a = 1",
        "UPDATE t SET b = CASE a WHEN 1 THEN 'x2' ELSE 'x1' END WHERE a IN (1, 2)",
        "UPDATE t SET l = 1.5 WHERE a = 1",
        "UPDATE t SET d = d + 1e-15 WHERE a = 1",
        "UPDATE t SET g = '{\"a\":1}' WHERE a = 1",
        "DELETE FROM t WHERE a = 1",
        "INSERT INTO t SELECT * FROM t",
    ];
    let mut seen = vec![first];
    for change in changes {
        script(&mut *session, &format!("BEGIN; {change}")).await;
        let now = session.rows(&query, &[]).await.unwrap();
        assert!(!seen.contains(&now), "{change}");
        seen.push(now);
        script(&mut *session, "ROLLBACK").await;
    }
    script(&mut *session, "CREATE TABLE empty (); INSERT INTO empty DEFAULT VALUES").await;
    let empty = Table { schema: None, name: "empty".into(), ..Table::default() };
    script(&mut *session, "SET search_path TO public").await;
    assert_eq!(session.rows(&Postgres.fingerprint(&empty), &[]).await.unwrap()[0][0].as_deref(), Some("1"));
}

#[tokio::test]
async fn histories_of_other_tools_are_found() {
    let scratch = Scratch::new().await;
    let mut session = scratch.open(Access::ReadOnly).await;
    assert!(session.rows(Postgres.dialect().sql.histories, &[]).await.unwrap().is_empty());
    let mut session = scratch.open(Access::ReadWrite).await;
    script(&mut *session, "CREATE SCHEMA other; CREATE TABLE other.schema_migrations (version bigint, dirty boolean); CREATE TABLE changes (a int)").await;
    let found = session.rows(Postgres.dialect().sql.histories, &[]).await.unwrap();
    let text = |row: &[Option<String>]| row.iter().flatten().cloned().collect::<Vec<_>>().join(".");
    assert_eq!(
        found.iter().map(|row| text(row)).collect::<Vec<_>>(),
        ["other.schema_migrations.version", "other.schema_migrations.dirty"]
    );
}

#[tokio::test]
async fn i8_a_shadow_is_made_used_and_dropped_and_keeps_scripts_inside() {
    let level = Level::Server(server());
    let site = Postgres.create_shadow(&level).await.unwrap();
    let mut admin = Postgres.open(&server(), Access::ReadWrite).await.unwrap();
    let mut session = Postgres.open(&site.target, Access::Shadow).await.unwrap();
    assert_ne!(Postgres.identity(&mut *admin).await.unwrap(), Postgres.identity(&mut *session).await.unwrap());
    script(&mut *session, "CREATE TABLE t (a int); CREATE SCHEMA s").await;
    assert!(!snap(&mut *session).await.lines().any(|line| line.property == "owner" && line.object != "public"));
    assert_eq!(one(&mut *session, "SHOW synchronous_commit").await, "off");
    script(&mut *session, Postgres.dialect().sql.begin).await;
    assert_eq!(one(&mut *session, "SHOW synchronous_commit").await, "off");
    script(&mut *session, "ROLLBACK").await;
    let inside = [
        "CREATE ROLE sbtest_escape",
        "CREATE DATABASE sbtest_escape",
        "ALTER SYSTEM SET work_mem = '5MB'",
        "ALTER DATABASE postgres SET work_mem = '5MB'",
        "ALTER ROLE postgres NOLOGIN",
        "COPY t TO PROGRAM 'true'",
        "CREATE EXTENSION dblink",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    ];
    for statement in inside {
        assert!(session.run(statement).await.is_err(), "{statement}");
    }
    let same = "SELECT encoding::text || datcollate || datctype FROM pg_database WHERE datname = current_database()";
    assert_eq!(one(&mut *session, same).await, one(&mut *admin, same).await);
    Postgres.drop_shadow(&level, &site).await.unwrap();
    let left = "SELECT count(*)::text FROM (SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles) AS n (name) WHERE name = $1";
    assert_eq!(admin.rows(left, &[Some(&site.name)]).await.unwrap()[0][0].as_deref(), Some("0"));
    Postgres.drop_shadow(&level, &site).await.unwrap();
}

#[tokio::test]
async fn i8_what_dead_runners_left_is_swept_and_nothing_else() {
    let level = Level::Server(server());
    let mut admin = Postgres.open(&server(), Access::ReadWrite).await.unwrap();
    let alive = Postgres.create_shadow(&level).await.unwrap();
    let stale = Postgres.create_shadow(&level).await.unwrap();
    let orphan = format!("switchback_shadow_t{}r", std::process::id());
    let foreign = format!("switchback_shadow_t{}f", std::process::id());
    let marked = |kind: &str, name: &str, marker: &str| format!("COMMENT ON {kind} {name} IS '{marker}'");
    admin.run(&marked("DATABASE", &stale.name, "switchback shadow elsewhere 1 1000")).await.unwrap();
    admin
        .batch(&format!("CREATE ROLE {orphan}; {}", marked("ROLE", &orphan, "switchback shadow elsewhere 1 1000")))
        .await
        .unwrap();
    admin.run(&format!("CREATE ROLE {foreign}")).await.unwrap();
    let swept = Postgres.sweep_shadows(&level).await.unwrap();
    assert!(swept.contains(&stale.name) && swept.contains(&orphan), "{swept:?}");
    assert!(!swept.contains(&alive.name) && !swept.contains(&foreign), "{swept:?}");
    let unmarked = switchback::engine::Site { target: server(), name: foreign.clone() };
    assert_eq!(Postgres.drop_shadow(&level, &unmarked).await.unwrap_err().kind(), FaultKind::Refused);
    admin.run(&format!("DROP ROLE {foreign}")).await.unwrap();
    Postgres.drop_shadow(&level, &alive).await.unwrap();
}

#[tokio::test]
async fn an_account_without_rights_is_told_the_grant_and_one_with_them_needs_no_superuser() {
    let mut admin = Postgres.open(&server(), Access::ReadWrite).await.unwrap();
    let role = format!("sbtest_{}_maker", std::process::id());
    admin.run(&format!("CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'of the maker'")).await.unwrap();
    let target = Target { user: Some(role.clone()), password: Some(Secret::new("of the maker")), ..server() };
    let level = Level::Server(target);
    let fault = Postgres.create_shadow(&level).await.unwrap_err();
    let help = fault.parts().help.clone().unwrap();
    admin.run(&format!("ALTER ROLE {role} CREATEROLE")).await.unwrap();
    let made = Postgres.create_shadow(&level).await;
    if let Ok(site) = &made {
        Postgres.drop_shadow(&level, site).await.unwrap();
    }
    admin.run(&format!("DROP ROLE {role}")).await.unwrap();
    assert!(help.contains(&format!("ALTER ROLE \"{role}\" CREATEROLE;")) && help.contains("--shadow local"), "{help}");
    made.unwrap();
}

#[tokio::test]
async fn a_throw_away_server_is_started_used_and_stopped() {
    let site = Postgres.create_shadow(&Level::Local { engine: "postgres", with: Vec::new() }).await.unwrap();
    let folder = site.target.socket.clone().unwrap();
    let mut session = Postgres.open(&site.target, Access::Shadow).await.unwrap();
    script(&mut *session, "CREATE TABLE t (a int)").await;
    assert_eq!(one(&mut *session, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user").await, "false");
    assert!(session.run("COPY t TO PROGRAM 'true'").await.is_err());
    session.close().await;
    assert!(
        Postgres
            .sweep_shadows(&Level::Local { engine: "postgres", with: Vec::new() })
            .await
            .unwrap()
            .iter()
            .all(|name| !folder.ends_with(name))
    );
    Postgres.drop_shadow(&Level::Local { engine: "postgres", with: Vec::new() }, &site).await.unwrap();
    assert!(!folder.exists());
}

fn limits(lock_timeout_ms: u64, statement_timeout_ms: u64) -> Limits {
    Limits { lock_timeout_ms, statement_timeout_ms }
}
