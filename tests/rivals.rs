//! Many runners at once, and runners that sleep while another takes over: each step is done once, and whoever lost the lock writes
//! nothing.
//!
//! `SWITCHBACK_LONG=1` (tests/long) has 64 runners, several times, and lets a runner sleep at every point.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;
#[path = "common/servers.rs"]
mod servers;

use std::time::Duration;

use common::{Kind, Output, Running, Sandbox, each_engine, each_server, figure, is_long, until};
use course::{Copy, Course, End, Going, Journal, project, settle, there_and_back};
use servers::Server;

/// Runs the same test on every engine, at the same time; on servers of the test's own that take many connections.
fn each_roomy(test: impl Fn(&Sandbox) + Sync) {
    std::thread::scope(|scope| {
        let test = &test;
        scope.spawn(move || test(&Sandbox::new(Kind::Sqlite)));
        for (kind, option) in [(Kind::Postgres, "-N400"), (Kind::Mysql, "--max-connections=400")] {
            scope.spawn(move || {
                let server = Server::start_with(kind, &[option]);
                test(&Sandbox::on(kind, server.url().parse().expect("a URL")));
            });
        }
    });
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "SQLite",
        Kind::Postgres => "PostgreSQL",
        Kind::Mysql => "MariaDB",
    }
}

/// So many runners at once; each ends well, or says that another is at work.
fn race(course: &Course, count: usize) -> Option<String> {
    let copy = course.copy();
    let started: Vec<Running> = (0..count).map(|_| course.start(&copy, &[])).collect();
    let ended: Vec<Output> = started.into_iter().map(Running::wait).collect();
    let other = ended.iter().find(|output| !matches!(output.code, 0 | 5));
    if let Some(other) = other {
        return Some(format!("{}: {other:?}", course.title));
    }
    if ended.iter().all(|output| output.code == 5) {
        return Some(format!("{}: nobody did it", course.title));
    }
    course.wrong(&copy)
}

#[test]
fn i5_of_many_runners_each_step_is_done_by_one() {
    each_roomy(|sandbox| {
        let (count, times) = if is_long() { (64, 3) } else { (16, 1) };
        project(sandbox, 3);
        let mut wrong = Vec::new();
        // Nothing is there yet, not even the ledger; then a part of it is.
        for steps in ["0", "3"] {
            if steps != "0" {
                sandbox.run(&["up", "--locked", "--accept-loss", "--steps", steps]).ok();
            }
            let course = Course::new(sandbox, Going::Up, &format!("{:?}, {steps} steps done", sandbox.kind));
            wrong.extend((0..times).filter_map(|_| race(&course, count)));
        }
        let tried = 2 * times;
        figure(
            &format!("runs of {count} runners, {}", name(sandbox.kind)),
            &format!("{} / {tried}", tried - wrong.len()),
        );
        assert!(wrong.is_empty(), "{} wrong ends, such as\n{}", wrong.len(), wrong[0]);
    });
}

#[test]
fn i5_a_runner_that_sleeps_at_any_point_while_another_takes_over_writes_nothing() {
    each_roomy(|sandbox| {
        let (mut tried, mut all) = (0, Vec::new());
        there_and_back(sandbox, 1, Journal::Own, |course| {
            let last = course.points.len();
            let each = if is_long() { 1 } else { (last / 4).max(1) | 1 };
            for point in (1..=last).step_by(each) {
                tried += 1;
                all.extend(
                    sleeps(course, point)
                        .map(|wrong| format!("{} at {}: {wrong}", course.title, course.points[point - 1])),
                );
            }
        });
        figure(
            &format!("sleepers that woke too late, {}", name(sandbox.kind)),
            &format!("{} / {tried}", tried - all.len()),
        );
        assert!(all.is_empty(), "{} wrong ends, such as\n{}", all.len(), all[0]);
    });
}

/// What is wrong when a run sleeps at a point, another does its work, and it wakes.
fn sleeps(course: &Course, point: usize) -> Option<String> {
    let copy = course.copy();
    let on_copy = [("DATABASE_URL", copy.url.as_str())];
    let asleep = course.start(&copy, &[("SWITCHBACK_FAULT", &format!("stop@{point}"))]);
    until("its sleep", || asleep.is_stopped());
    let other = if copy.kind == Kind::Sqlite {
        // A file has no session that could be ended: whoever sleeps in a transaction keeps it.
        course.start_and(&copy, &["--lock-wait", "0"]).wait()
    } else {
        let broken = course.sandbox.run_with(&["lock", "--break", "--yes", "--reason", "it sleeps"], &on_copy);
        if broken.code != 0 {
            return Some(broken.all());
        }
        course.run(&copy)
    };
    let held = copy.kind == Kind::Sqlite && other.code == 5;
    if other.code != 0 && !held {
        return Some(other.all());
    }
    if !held && let Some(wrong) = course.wrong(&copy) {
        return Some(wrong);
    }
    let before = End::of(copy.kind, &copy.url);
    asleep.signal("CONT");
    let woken = asleep.wait();
    if !matches!(woken.code, 0 | 3 | 4 | 5) {
        return Some(format!("woken: {woken:?}"));
    }
    if !held && End::of(copy.kind, &copy.url) != before {
        return Some(format!("it wrote when it woke: {woken:?}"));
    }
    let again = course.run(&copy);
    if again.code != 0 {
        return Some(again.all());
    }
    course.wrong(&copy)
}

/// A file has no server that could keep others out between two statements of a script without a transaction.
#[test]
fn i5_between_two_statements_on_a_file_nobody_else_acts_while_the_runner_is_alive() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration(
        "1_rebuild",
        "CREATE TABLE base (id integer);\nINSERT INTO base VALUES (1), (2);\nCREATE TABLE base_new (id integer, w text);\n\
         INSERT INTO base_new (id) SELECT id FROM base;\nDROP TABLE base;\nALTER TABLE base_new RENAME TO base;\n\
         INSERT INTO base (id) VALUES (3);\n",
        "DROP TABLE base;\n",
    );
    sandbox.write("migrations/1_rebuild/migration.toml", "transaction = \"off\"\n");
    settle(&sandbox);
    let course = Course::new(&sandbox, Going::Up, "a rebuild");
    for point in (1..=course.points.len()).step_by(if is_long() { 1 } else { 7 }) {
        let copy = course.copy();
        let asleep = course.start(&copy, &[("SWITCHBACK_FAULT", &format!("stop@{point}"))]);
        until("its sleep", || asleep.is_stopped());
        let other = course.start_and(&copy, &["--lock-wait", "0"]).wait();
        asleep.signal("CONT");
        let woken = asleep.wait();
        let at = &course.points[point - 1];
        assert!(matches!(other.code, 0 | 5), "{at}: {other:?}");
        assert!(matches!(woken.code, 0 | 4 | 5), "{at}: {woken:?}");
        course.run(&copy).ok();
        assert_eq!(course.wrong(&copy), None, "{at}: {woken:?}\n{other:?}");
    }
}

/// A run that sleeps right before the transaction of its second step.
fn between_two_steps<'a>(sandbox: &'a Sandbox, settings: &str) -> (Course<'a>, Copy, Running) {
    sandbox.tables(2).write("switchback.toml", settings);
    settle(sandbox);
    let course = Course::new(sandbox, Going::Up, "between two steps");
    let next = course.points.iter().position(|point| point.contains("before run CREATE TABLE t2")).expect("a point");
    let begins = |at: &usize| course.points[*at].contains(" before batch ");
    let point = (0..next).rev().find(begins).expect("a transaction of ours") + 1;
    let copy = course.copy();
    let run = course.start(&copy, &[("SWITCHBACK_FAULT", &format!("stop@{point}"))]);
    until("its stop", || run.is_stopped());
    (course, copy, run)
}

/// Whoever holds what our next transaction begins with is waited for, longer than one statement may wait.
#[test]
fn i5_a_lock_between_two_steps_is_waited_for() {
    each_engine(|sandbox| {
        let (course, copy, run) = between_two_steps(sandbox, "lock_timeout = 100\n");
        let mut other = copy.connect();
        match sandbox.kind {
            Kind::Sqlite => drop(other.sql("BEGIN IMMEDIATE")),
            _ => {
                other.sql("BEGIN");
                let lease = sandbox.ledger().replace("ledger", "lease");
                other.sql(&format!("SELECT token FROM {lease} WHERE id = 1 FOR UPDATE"));
            }
        }
        run.signal("CONT");
        std::thread::sleep(Duration::from_millis(2_500));
        other.sql("ROLLBACK");
        run.wait().ok();
        assert_eq!(course.wrong(&copy), None);
    });
}

/// A session that is gone is no lock: nobody waits for it.
#[test]
fn i4_a_session_that_is_gone_between_two_steps_is_not_waited_for() {
    each_server(|sandbox| {
        // Longer than this test has patience.
        let (course, copy, run) = between_two_steps(sandbox, "lock_wait = 3000\n");
        let seen = sandbox.run_with(&["lock", "--json"], &[("DATABASE_URL", &copy.url)]).ok().object("lock");
        let session =
            seen["work_session"]["backend"].as_str().expect("its session").split(':').next().expect("a number");
        let end = if sandbox.kind == Kind::Postgres { "SELECT pg_terminate_backend" } else { "KILL" };
        copy.connect().sql(&format!("{end}({session})"));
        run.signal("CONT");
        let ended = run.wait();
        assert!(matches!(ended.code, 3 | 4), "{ended:?}");
        course.run(&copy).ok();
        assert_eq!(course.wrong(&copy), None);
    });
}
