//! Behind PgBouncer in transaction mode: each transaction may be in another session of the server, which somebody else had before
//! and gets next. Each step is done once all the same, nothing that a script sets reaches anybody, and what needs a session of its
//! own is refused before anything has run.
//!
//! `SWITCHBACK_LONG=1` (tests/long) has 64 runners, several times, and a kill and a sleep at every point.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;
#[path = "common/pooler.rs"]
mod pooler;
#[path = "common/servers.rs"]
mod servers;

use common::slow::{is_under_way, slow};
use common::{Kind, Output, Running, Sandbox, figure, is_long, until};
use course::{Course, End, Going, settle};
use pooler::Pooler;
use switchback::engine::postgres::Postgres;
use switchback::engine::{Access, DbErrorKind, Engine};
use switchback::target::Target;

/// Scripts that set what they can, each in its session.
const SETS: &str = "SET statement_timeout = '7s';\nSELECT pg_catalog.set_config('search_path', 'public', false);\n\
                    SET TimeZone = 'Asia/Tokyo';\nCREATE TEMP TABLE scratch (id integer);\nLISTEN told;\n\
                    SELECT pg_advisory_lock(7, 7);\nSET default_transaction_read_only = on;\n";

/// A project with a sandbox's database, reached through a pooler with so many sessions.
struct Pooled {
    sandbox: Sandbox,
    pooler: Pooler,
    url: String,
}

impl Pooled {
    fn new(sessions: usize) -> Pooled {
        Pooled::with(sessions, "")
    }

    fn with(sessions: usize, settings: &str) -> Pooled {
        let settings = format!("ignore_startup_parameters = extra_float_digits{settings}");
        let (sandbox, pooler) = (Sandbox::new(Kind::Postgres), Pooler::start(sessions, &settings));
        let url = pooler.url(&sandbox.url);
        Pooled { sandbox, pooler, url }
    }

    fn start(&self, args: &[&str]) -> Running {
        self.sandbox.start_with(args, &[("DATABASE_URL", &self.url)])
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Output {
        self.start(args).wait()
    }
}

/// Rows, tables, a group and scripts that set something; all of it fits transactions.
fn project(sandbox: &Sandbox) {
    sandbox.migration(
        "1_base",
        "CREATE TABLE base (id integer, v varchar(20), n integer);\nINSERT INTO base VALUES (1, 'one', 1), (2, 'two', 2);\n",
        "DROP TABLE base;\n",
    );
    sandbox.migration(
        "2_left",
        "ALTER TABLE base ADD COLUMN other varchar(20);\n",
        "-- the other of the group does it\n",
    );
    sandbox.migration(
        "3_right",
        "UPDATE base SET other = v;\nALTER TABLE base DROP COLUMN v;\n",
        "ALTER TABLE base ADD COLUMN v varchar(20);\nUPDATE base SET v = other;\nALTER TABLE base DROP COLUMN other;\n",
    );
    for id in ["2_left", "3_right"] {
        sandbox.write(&format!("migrations/{id}/migration.toml"), "group = \"rename\"\n");
    }
    let sets = SETS.replace("SET default_transaction_read_only = on;\n", "");
    sandbox.migration("4_sets", &format!("{sets}UPDATE base SET n = n * 2;\n"), "UPDATE base SET n = n / 2;\n");
    sandbox.migration("5_more", "INSERT INTO base (id, n) VALUES (3, 3);\n", "DELETE FROM base WHERE id = 3;\n");
    sandbox.migration("6_view", "CREATE VIEW seen AS SELECT id FROM base;\n", "DROP VIEW seen;\n");
    settle(sandbox);
}

#[test]
fn i5_of_many_runners_through_a_pooler_and_past_it_each_step_is_done_by_one() {
    let pooled = Pooled::new(3);
    let (sandbox, (count, times)) = (&pooled.sandbox, if is_long() { (64, 3) } else { (16, 1) });
    project(sandbox);
    for steps in ["0", "2"] {
        if steps != "0" {
            // Past the pooler, whose sessions would keep the database from being copied.
            sandbox.run(&["up", "--locked", "--accept-loss", "--steps", steps]).ok();
        }
        let course = Course::new(sandbox, Going::Up, &format!("{steps} steps done"));
        for _ in 0..times {
            let mut copy = course.copy();
            let direct = copy.url.clone();
            let started: Vec<Running> = (0..count)
                .map(|at| {
                    copy.url = if at % 4 == 0 { direct.clone() } else { pooled.pooler.url(&direct) };
                    course.start(&copy, &[])
                })
                .collect();
            for ended in started.into_iter().map(Running::wait) {
                ended.ok();
            }
            copy.url = direct;
            assert_eq!(course.wrong(&copy), None);
        }
        figure(&format!("runs of {count} runners, PgBouncer, {steps} steps done"), &format!("{times} / {times}"));
    }
}

#[test]
fn i4_i5_whoever_is_killed_or_sleeps_at_any_point_behind_a_pooler_does_no_step_twice() {
    let pooled = Pooled::new(4);
    project(&pooled.sandbox);
    let course = Course::new(&pooled.sandbox, Going::Up, "PgBouncer");
    let last = course.points.len();
    let each = if is_long() { 1 } else { (last / 5).max(1) | 1 };
    let mut tried = 0;
    // One that sleeps on scripts which others want to keep, too.
    let keeps = |point: &String| point.contains(" after ") && point.contains("switchback_script");
    let kept = course.points.iter().position(keeps).expect("a point at which scripts are kept") + 1;
    let points = (1..=last).step_by(each).filter(|at| *at != kept).chain([kept]);
    for (at, fault) in points.flat_map(|at| [(at, "kill"), (at, "stop")]) {
        let mut copy = course.copy();
        let direct = std::mem::take(&mut copy.url);
        copy.url = pooled.pooler.url(&direct);
        let through = [("DATABASE_URL", copy.url.as_str())];
        let mut victim = course.start(&copy, &[("SWITCHBACK_FAULT", &format!("{fault}@{at}"))]);
        let asleep = if fault == "kill" {
            tried += usize::from(victim.wait().code == -1);
            None
        } else {
            // Through the pooler a run passes a few points less than the one that was counted.
            until("its sleep", || victim.is_stopped() || victim.has_ended());
            tried += usize::from(victim.is_stopped());
            pooled.sandbox.run_with(&["lock", "--break", "--yes", "--reason", "it sleeps"], &through).ok();
            Some(victim)
        };
        course.run(&copy).ok();
        copy.url = direct;
        let place = &course.points[at - 1];
        assert_eq!(course.wrong(&copy), None, "{fault} at {at} ({place})");
        if let Some(asleep) = asleep.filter(|victim| victim.is_stopped()) {
            let before = End::of(copy.kind, &copy.url);
            asleep.signal("CONT");
            let woken = asleep.wait();
            assert!(matches!(woken.code, 0 | 3 | 4 | 5), "woken at {at} ({place}): {woken:?}");
            assert_eq!(End::of(copy.kind, &copy.url), before, "woken at {at} ({place}): {woken:?}");
        }
    }
    assert!(tried > 4, "only {tried} kills and sleeps");
    figure("kills and sleeps behind PgBouncer", &format!("{tried} / {tried}"));
}

#[test]
fn what_a_script_sets_reaches_nobody_else_however_its_step_ends() {
    let pooled = Pooled::new(3);
    let sandbox = &pooled.sandbox;
    sandbox.sql(&format!("ALTER DATABASE {} SET TimeZone = 'Europe/Berlin'", sandbox.name));
    let keeps =
        "CREATE TABLE kept AS SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path;\n";
    sandbox.migration("1_kept", keeps, "DROP TABLE kept;\n");
    // Not the last step, then the last one, then one that fails.
    sandbox.migration("2_sets", &format!("{SETS}SELECT 2;\n"), "SELECT 2;\n");
    sandbox.migration("3_sets", &format!("{SETS}SELECT 3;\n"), "SELECT 3;\n");
    settle(sandbox);
    let all = |when: &str| {
        for session in &mut pooled.pooler.sessions(&sandbox.url, 3) {
            let asked = "SELECT current_setting('statement_timeout'), current_setting('search_path'),
                current_setting('default_transaction_read_only'), current_setting('TimeZone'), current_user = session_user,
                (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_class WHERE relname = 'scratch'),
                (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')";
            let found: Vec<String> = session.sql(asked).into_iter().flatten().flatten().collect();
            assert_eq!(found, ["0", "\"$user\", public", "off", "UTC", "t", "0", "0", "0"], "{when}");
        }
    };
    pooled.run(&["up", "--locked"]).ok();
    all("behind a run");
    assert_eq!(
        sandbox.sql("SELECT zone, path FROM kept"),
        [[Some("Europe/Berlin".into()), Some("\"$user\", public".into())]]
    );
    sandbox.migration(
        "4_fails",
        &format!("{SETS}SELECT 1 / (SELECT count(*)::int FROM kept WHERE zone = '');\n"),
        "SELECT 4;\n",
    );
    settle(sandbox);
    pooled.run(&["up", "--locked"]).exits(1).says("division by zero");
    all("behind a step that failed");
    pooled.run(&["down", "--all", "--locked", "--yes", "--accept-loss"]).ok();
    assert_eq!(sandbox.user_tables(), [""; 0]);
}

#[test]
fn what_needs_a_session_of_its_own_is_refused_before_anything_has_run() {
    let pooled = Pooled::new(3);
    let sandbox = &pooled.sandbox;
    sandbox.tables(1);
    sandbox.migration("2_index", "CREATE INDEX CONCURRENTLY i ON t1 (id);\n", "DROP INDEX CONCURRENTLY i;\n");
    sandbox.migration("3_off", "SELECT 1;\n", "SELECT 1;\n");
    sandbox.write("migrations/3_off/migration.toml", "transaction = \"off\"\n");
    sandbox.migration("4_session", "SELECT 1;\n", "SELECT 1;\n");
    sandbox.write("migrations/4_session/migration.toml", "session = \"SET search_path TO public\"\n");
    sandbox.run(&["verify"]).ok();
    let planned = pooled.run(&["plan"]).ok().says("[needs-session]");
    planned.says("`2_index` needs a session of its own, for CREATE INDEX CONCURRENTLY i ON t1 (id)");
    let refused =
        pooled.run(&["up", "--locked"]).exits(1).says("a pooler stands before the server, so nothing was applied");
    let refused = refused
        .says("migrations/2_index/up.sql:1:1")
        .says("`3_off` needs a session of its own, for `transaction = \"off\"`");
    refused
        .says("`4_session` needs a session of its own, for what `session` sets in it")
        .says("name the server itself");
    assert_eq!((sandbox.user_tables(), sandbox.ledger_rows()), (Vec::new(), Vec::new()));
    pooled.run(&["up", "--steps", "1", "--locked"]).ok();
    // Past the pooler the rest; the ledger is the same.
    sandbox.run(&["up", "--locked"]).ok();
    pooled.run(&["up", "--locked"]).ok().says("nothing to do");
    pooled.run(&["down", "--all", "--locked", "--yes"]).exits(1).says("DROP INDEX CONCURRENTLY i");
    assert_eq!(sandbox.applied().len(), 4);
    sandbox.tables_from(5, 5);
    let server = pooled.run(&["verify", "--shadow", "server"]);
    server.exits(1).says("a pooler stands before this server").says("`--shadow local`");
    pooled.run(&["verify"]).ok();
    for look in ["status", "log", "drift", "lock", "plan"] {
        pooled.run(&[look]).ok();
    }
}

#[test]
fn the_second_interrupt_cancels_the_scripts_statement_and_nobody_elses() {
    let pooled = Pooled::new(6);
    let sandbox = &pooled.sandbox;
    slow(sandbox, 60);
    // Others of the pooler's clients, in whichever session the run has been in before.
    let url = pooled.url.clone();
    let others: Vec<_> = (0..3)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || {
                common::Connection::open(&url).attempt("SELECT pg_sleep(4), 'switchback_script'").is_ok()
            })
        })
        .collect();
    let up = pooled.start(&["up", "--locked"]);
    until("the long statement", || is_under_way(sandbox));
    up.signal("INT");
    until("its answer", || up.has_said("Ctrl-C"));
    up.signal("INT");
    let ended = up.wait();
    assert_eq!(ended.code, 1, "{ended:?}");
    ended.says("canceling statement due to user request");
    assert_eq!(sandbox.user_tables(), [""; 0]);
    assert!(
        others.into_iter().all(|other| other.join().expect("no panic")),
        "another client's statement was cancelled"
    );
}

#[test]
fn a_pooler_that_dies_under_a_run_is_explained_and_the_next_run_goes_on() {
    let mut pooled = Pooled::new(3);
    slow(&pooled.sandbox, 3);
    let up = pooled.start(&["up", "--locked"]);
    until("the long statement", || is_under_way(&pooled.sandbox));
    pooled.pooler.kill();
    let ended = up.wait();
    assert!(matches!(ended.code, 3 | 4), "{ended:?}");
    pooled.sandbox.run(&["up", "--locked"]).ok();
    assert_eq!(pooled.sandbox.ledger_count("apply done 1_parts"), 1);
}

/// Some poolers take the start-up settings and forget them.
#[test]
fn i7_a_pooler_that_drops_the_settings_is_known_and_who_looks_cannot_write() {
    let pooled = Pooled::with(3, ",options");
    let sandbox = &pooled.sandbox;
    sandbox.tables(2).run(&["verify"]).ok();
    pooled.run(&["up", "--locked"]).ok();
    assert_eq!(sandbox.ledger_count("apply done"), 2);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let target = Target::parse(&pooled.url).expect("a URL");
        let mut session = Postgres.open(&target, Access::ReadOnly).await.expect("a session");
        assert!(session.server().is_pooled());
        let texts = Postgres.texts(session.server());
        for held in [false, true] {
            if held {
                session.batch(texts.look).await.expect("a view of one moment");
            }
            let refused = session.batch("CREATE TABLE u (id integer)").await.expect_err("it only looks");
            assert_eq!(refused.kind, DbErrorKind::ReadOnly, "{refused}");
            if held {
                session.batch("ROLLBACK").await.expect("its end");
            } else {
                assert_eq!(
                    session.rows("SELECT $1", &[Some("it's")]).await.expect("rows"),
                    [[Some("it's".to_owned())]]
                );
            }
        }
        let shadow = Postgres.open(&target, Access::Shadow).await.err().expect("no shadow");
        assert!(shadow.message.contains("a pooler stands before this server"), "{shadow}");
    });
}
