//! Calls to the system that fail, or in which the process dies, one after the other, on SQLite's files: whatever it was, the next run
//! ends where the undisturbed one did, and each step is done once.
//!
//! `SWITCHBACK_LONG=1` (tests/long) lets every call fail; otherwise a few of each kind.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;

use std::fs;

use common::{Kind, Sandbox, figure, is_long};
use course::{Course, Journal, there_and_back};

/// Calls that read or change a database's files.
const CALLS: &[&str] = &["pwrite64", "pread64", "fsync,fdatasync", "ftruncate", "unlink", "openat"];

/// What becomes of one.
const FATES: &[&str] = &["signal=KILL", "error=EIO", "error=ENOSPC"];

/// Lets the `number`th call in each thread fail; `None` where no thread makes so many, else what is wrong behind it.
fn fails(course: &Course, call: &str, fate: &str, number: usize) -> Option<Result<(), String>> {
    let copy = course.copy();
    let log = course.sandbox.home().join("calls");
    let (log, inject) = (log.display().to_string(), format!("inject={call}:{fate}:when={number}"));
    let (journal, wal) = (format!("{}-journal", copy.name), format!("{}-wal", copy.name));
    let under = ["strace", "-f", "-qq", "-o", &log, "-e", &inject, "-P", &copy.name, "-P", &journal, "-P", &wal];
    let ended = course.sandbox.start_under(&under, course.going.args(), &[("DATABASE_URL", &copy.url)]).wait();
    if !fs::read_to_string(&log).expect("what was called").contains("(INJECTED)") {
        return None;
    }
    let at = format!("{}, {call} {number}, {fate}", course.title);
    if !matches!(ended.code, -1..=5) {
        return Some(Err(format!("{at}: {ended:?}")));
    }
    let again = course.run(&copy);
    if again.code != 0 {
        return Some(Err(format!("{at}: {}\nand then {}", ended.all(), again.all())));
    }
    Some(course.wrong(&copy).map_or(Ok(()), |wrong| Err(format!("{at}: {wrong}"))))
}

fn all_fail(name: &str, journal: Journal) -> (usize, Vec<String>) {
    let (mut tried, mut wrong) = (0, Vec::new());
    there_and_back(&Sandbox::new(Kind::Sqlite), 1, journal, |course| {
        for (call, fate) in CALLS.iter().flat_map(|call| FATES.iter().map(move |fate| (call, fate))) {
            // Of a few, the distance grows, so that late ones are among them.
            let mut number = 1;
            while let Some(found) = fails(course, call, fate, number) {
                tried += 1;
                wrong.extend(found.err());
                number = if is_long() { number + 1 } else { number * 3 + 1 };
            }
        }
    });
    figure(&format!("failed calls to the system, {name}"), &format!("{} / {tried}", tried - wrong.len()));
    (tried, wrong)
}

#[test]
fn i4_whatever_call_to_the_system_fails_the_next_run_ends_right() {
    let modes = [("SQLite", Journal::Own), ("SQLite (WAL)", Journal::Wal)];
    let found = std::thread::scope(|scope| {
        let started = modes.map(|(name, journal)| scope.spawn(move || all_fail(name, journal)));
        started.map(|thread| thread.join().expect("no panic"))
    });
    let wrong: Vec<&String> = found.iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{} wrong ends, such as\n{}", wrong.len(), wrong[0]);
    let tried: usize = found.iter().map(|(tried, _)| tried).sum();
    assert!(tried >= if is_long() { 500 } else { 60 }, "only {tried} calls failed");
}
