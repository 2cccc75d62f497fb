//! kill -9 of the *server* while the tool runs: when it is back on the same data, the next run ends where the undisturbed one did.
//!
//! MariaDB's DDL is not atomic: there a schema that is neither the one before nor the one behind the statement in doubt is a
//! permitted end, if it is told with the difference and nothing is done. `SWITCHBACK_LONG=1` (tests/long) kills more often.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;
#[path = "common/servers.rs"]
mod servers;

use common::{Kind, Sandbox, figure, is_long};
use course::{Course, Journal, there_and_back};
use ddl::Dice;
use servers::Server;

#[derive(Default)]
struct Tally {
    tried: usize,
    /// Stopped with the difference.
    stopped: usize,
    wrong: Vec<String>,
}

#[test]
fn i4_a_server_that_is_killed_loses_nothing_and_doubles_nothing() {
    let tallies = std::thread::scope(|scope| {
        let started = [Kind::Postgres, Kind::Mysql].map(|kind| (kind, scope.spawn(move || crashes(kind))));
        started.map(|(kind, thread)| (kind, thread.join().expect("no panic")))
    });
    for (kind, Tally { tried, stopped, wrong }) in tallies {
        assert!(wrong.is_empty(), "{kind:?}: {} wrong ends, such as\n{}", wrong.len(), wrong[0]);
        assert!(kind == Kind::Mysql || stopped == 0);
        assert!(tried >= if is_long() { 200 } else { 6 }, "{kind:?}: only {tried} crashes");
    }
}

fn crashes(kind: Kind) -> Tally {
    let mut server = Server::start(kind);
    let (mut tally, mut dice) = (Tally::default(), Dice(11));
    let sandbox = Sandbox::on(kind, server.url().parse().expect("a URL"));
    there_and_back(&sandbox, 1, Journal::Own, |course| {
        for attempt in 0..if is_long() { 100 } else { 4 } {
            // By turns at a point, and at any time.
            let at = if attempt % 2 == 0 { Some(1 + dice.roll(course.points.len())) } else { None };
            crash(course, &mut server, at, &mut dice, &mut tally);
        }
    });
    let survived = tally.tried - tally.stopped - tally.wrong.len();
    let name = if kind == Kind::Postgres { "PostgreSQL" } else { "MariaDB" };
    figure(
        &format!("kills of the server, {name}"),
        &format!("{survived} / {} ({} stopped with a diff)", tally.tried, tally.stopped),
    );
    tally
}

fn crash(course: &Course, server: &mut Server, at: Option<usize>, dice: &mut Dice, tally: &mut Tally) {
    let copy = course.copy();
    let disturbed = match at {
        Some(point) => {
            let run = course.start(&copy, &[("SWITCHBACK_FAULT", &format!("stop@{point}"))]);
            common::until("its stop", || run.is_stopped());
            server.kill();
            run.signal("CONT");
            run.wait()
        }
        None => {
            let run = course.start(&copy, &[]);
            let part = u32::try_from(dice.roll(1000)).expect("at most a thousand");
            std::thread::sleep(course.took * part / 1000);
            server.kill();
            run.wait()
        }
    };
    server.restart(&[]);
    tally.tried += 1;
    let when = at.and_then(|point| course.points.get(point - 1)).cloned().unwrap_or_else(|| "any time".to_owned());
    if !matches!(disturbed.code, 0 | 3 | 4) {
        tally.wrong.push(format!("{} ({when}): the run without a server: {disturbed:?}", course.title));
    }
    let recovered = course.run(&copy);
    let is_told = recovered.code == 4 && recovered.all().contains("is neither the one before nor the one after");
    if is_told && copy.kind == Kind::Mysql {
        tally.stopped += 1;
        eprintln!("stopped with a diff ({when}):\n{}", recovered.all());
        return;
    }
    let wrong = if recovered.code == 0 {
        course.wrong(&copy)
    } else {
        Some(format!("{}\nbefore: {}", recovered.all(), disturbed.all()))
    };
    tally.wrong.extend(wrong.map(|wrong| format!("{} ({when}): {wrong}", course.title)));
}
