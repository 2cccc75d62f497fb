//! The way to the server is cut, stalled or slow at any byte, and sessions are ended by an administrator: the tool says so with the
//! right exit code, and the next run ends where the undisturbed one did.
//!
//! `SWITCHBACK_LONG=1` (tests/long) cuts at many bytes.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/servers.rs"]
mod servers;

use std::time::{Duration, Instant};

use common::{Kind, Output, Sandbox, figure, is_long};
use course::{Copy, Course, Journal, there_and_back};
use ddl::Dice;
use proxy::{Proxy, Trouble, Way};
use servers::Server;

/// Runs the same test on a server of each kind of the test's own, at the same time.
fn each_own_server(test: impl Fn(&Server, &Sandbox) + Sync) {
    std::thread::scope(|scope| {
        for kind in [Kind::Postgres, Kind::Mysql] {
            let test = &test;
            scope.spawn(move || {
                let server = Server::start(kind);
                test(&server, &Sandbox::on(kind, server.url().parse().expect("a URL")));
            });
        }
    });
}

fn name(kind: Kind) -> &'static str {
    if kind == Kind::Postgres { "PostgreSQL" } else { "MariaDB" }
}

/// The run through a proxy.
fn through(course: &Course, copy: &Copy, proxy: &Proxy) -> Output {
    course.start(copy, &[("DATABASE_URL", &proxy.url(&copy.url))]).wait()
}

/// What was wrong with a run that was disturbed, or with the one behind it.
fn wrong(course: &Course, copy: &Copy, disturbed: &Output) -> Option<String> {
    if !matches!(disturbed.code, 0 | 3 | 4) {
        return Some(format!("the disturbed run: {disturbed:?}"));
    }
    let recovered = course.run(copy);
    if recovered.code != 0 {
        return Some(format!("{}\nbefore: {}", recovered.all(), disturbed.all()));
    }
    course.wrong(copy)
}

#[test]
fn i4_a_connection_that_is_cut_at_any_byte_loses_nothing_and_doubles_nothing() {
    each_own_server(|server, sandbox| {
        let (mut tried, mut all, mut dice) = (0, Vec::new(), Dice(13));
        there_and_back(sandbox, 1, Journal::Own, |course| {
            let copy = course.copy();
            let proxy = Proxy::new(server.port, Trouble::Nothing);
            through(course, &copy, &proxy).ok();
            for way in [Way::ToServer, Way::ToClient] {
                let bytes = proxy.bytes(way);
                for attempt in 0..if is_long() { 60 } else { 3 } {
                    let at = 1 + dice.roll(bytes);
                    let trouble = if attempt % 2 == 0 { Trouble::CutAll(way, at) } else { Trouble::CutOne(way, at) };
                    let (copy, proxy) = (course.copy(), Proxy::new(server.port, trouble));
                    let disturbed = through(course, &copy, &proxy);
                    tried += usize::from(proxy.has_struck());
                    all.extend(
                        wrong(course, &copy, &disturbed)
                            .map(|wrong| format!("{} {trouble:?} of {bytes}: {wrong}", course.title)),
                    );
                }
            }
            if !is_long() {
                return;
            }
            let (copy, proxy) = (course.copy(), Proxy::new(server.port, Trouble::Delay(Duration::from_millis(20))));
            assert_eq!(through(course, &copy, &proxy).ok().code, 0);
            assert_eq!(course.wrong(&copy), None);
        });
        figure(
            &format!("connections cut, {}", name(sandbox.kind)),
            &format!("{} / {tried}", tried - all.len().min(tried)),
        );
        assert!(all.is_empty(), "{} wrong ends, such as\n{}", all.len(), all[0]);
        assert!(tried >= if is_long() { 150 } else { 8 }, "only {tried} cuts");
    });
}

/// Ends one of the tool's sessions, if there is one.
fn terminate(sandbox: &Sandbox, copy: &Copy, dice: &mut Dice) -> bool {
    let mut admin = common::Connection::open(&sandbox.url);
    let query = match sandbox.kind {
        Kind::Postgres => {
            format!("SELECT pid::text FROM pg_stat_activity WHERE datname = '{}' ORDER BY pid", copy.name)
        }
        _ => format!("SELECT id FROM information_schema.processlist WHERE db = '{}' ORDER BY id", copy.name),
    };
    let sessions: Vec<String> = admin.sql(&query).into_iter().flatten().flatten().collect();
    let Some(session) = (!sessions.is_empty()).then(|| &sessions[dice.roll(sessions.len())]) else { return false };
    let end = match sandbox.kind {
        Kind::Postgres => format!("SELECT pg_terminate_backend({session})::text"),
        _ => format!("KILL {session}"),
    };
    // It may have gone by itself.
    admin.attempt(&end).is_ok()
}

#[test]
fn i4_a_session_that_is_ended_by_an_administrator_loses_nothing_and_doubles_nothing() {
    each_own_server(|_, sandbox| {
        let (mut tried, mut all, mut dice) = (0, Vec::new(), Dice(17));
        there_and_back(sandbox, 1, Journal::Own, |course| {
            for attempt in 0..if is_long() { 60 } else { 4 } {
                let copy = course.copy();
                let point = 1 + dice.roll(course.points.len());
                let fault = format!("stop@{point}");
                let variables = if attempt % 2 == 0 { vec![("SWITCHBACK_FAULT", fault.as_str())] } else { Vec::new() };
                let mut run = course.start(&copy, &variables);
                if attempt % 2 == 0 {
                    common::until("its stop", || run.is_stopped());
                    tried += usize::from(terminate(sandbox, &copy, &mut dice));
                    run.signal("CONT");
                } else {
                    let part = u32::try_from(dice.roll(1000)).expect("at most a thousand");
                    std::thread::sleep(course.took * part / 1000);
                    tried += usize::from(!run.has_ended() && terminate(sandbox, &copy, &mut dice));
                }
                let disturbed = run.wait();
                all.extend(
                    wrong(course, &copy, &disturbed).map(|wrong| format!("{} at {point}: {wrong}", course.title)),
                );
            }
        });
        figure(
            &format!("sessions ended, {}", name(sandbox.kind)),
            &format!("{} / {tried}", tried - all.len().min(tried)),
        );
        assert!(all.is_empty(), "{} wrong ends, such as\n{}", all.len(), all[0]);
    });
}

/// What is silent is not waited for without end: where the run's lock is held, the beat tells; before that, a third Ctrl-C ends.
#[test]
fn a_server_that_falls_silent_is_given_up() {
    each_own_server(|server, sandbox| {
        let (mut tried, mut ended, mut slowest) = (0, 0, Duration::ZERO);
        there_and_back(sandbox, 1, Journal::Own, |course| {
            let copy = course.copy();
            let proxy = Proxy::new(server.port, Trouble::Nothing);
            through(course, &copy, &proxy).ok();
            let bytes = proxy.bytes(Way::ToClient);
            for part in if is_long() { vec![1, 12, 40, 55, 65, 75, 85, 95] } else { vec![12] } {
                tried += 1;
                let trouble = Trouble::Stall(Way::ToClient, bytes * part / 100);
                let (copy, proxy) = (course.copy(), Proxy::new(server.port, trouble));
                let mut run = course.start(&copy, &[("DATABASE_URL", &proxy.url(&copy.url))]);
                common::until("the stall", || proxy.has_struck());
                let patience = Duration::from_secs(if is_long() { 150 } else { 1 });
                let begun = Instant::now();
                while !run.has_ended() && begun.elapsed() < patience {
                    std::thread::sleep(Duration::from_millis(50));
                }
                if run.has_ended() {
                    ended += 1;
                    slowest = slowest.max(begun.elapsed());
                } else {
                    let lock = sandbox.run_with(&["lock", "--json"], &[("DATABASE_URL", &copy.url)]).object("lock");
                    assert!(
                        !is_long() || lock["grip"] == "free",
                        "it hangs with the lock: {part} % of {bytes}: {lock}"
                    );
                    for said in ["stopping behind", "cancelling the running", "not waiting any more"] {
                        common::until(said, || {
                            run.signal("INT");
                            run.has_said(said)
                        });
                    }
                }
                drop(proxy);
                let disturbed = run.wait();
                assert_eq!(wrong(course, &copy, &disturbed), None, "{part} %");
            }
        });
        let name = name(sandbox.kind);
        figure(
            &format!("connections stalled, {name}"),
            &format!("{tried} / {tried} ({ended} ended by themselves, within {} s)", slowest.as_secs()),
        );
        assert!(!is_long() || ended >= 6, "only {ended} of {tried} ended by themselves");
    });
}
