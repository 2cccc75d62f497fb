//! kill -9 of the tool, before and behind each message to the database, at random times, and again while it recovers: the next
//! run ends where the undisturbed one did, and each step is done once.
//!
//! `SWITCHBACK_LONG=1` (tests/long) tries every point; otherwise a few of them, spread over the run.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{Kind, Sandbox, each_engine, figure, is_long};
use course::{Course, End, Going, Journal, settle, there_and_back};
use ddl::Dice;

/// Where a run is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// At this point.
    At(usize),
    /// At this point, and the run behind it at that one.
    Twice(usize, usize),
    /// So long after its start.
    After(Duration),
}

/// What the kills came to.
#[derive(Default)]
struct Tally {
    tried: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, course: &Course, kill: Kill) {
        let (killed, wrong) = survives(course, kill);
        self.tried += killed;
        self.wrong.extend(wrong.map(|wrong| format!("{kill:?}: {wrong}")));
    }
}

/// How often the tool was killed, and what was wrong behind it.
fn survives(course: &Course, kill: Kill) -> (usize, Option<String>) {
    let copy = course.copy();
    let mut killed = 0;
    let faults = match kill {
        Kill::At(point) => vec![point],
        Kill::Twice(first, second) => vec![first, second],
        Kill::After(time) => {
            let mut run = course.start(&copy, &[]);
            std::thread::sleep(time);
            killed += usize::from(!run.has_ended());
            run.kill();
            Vec::new()
        }
    };
    for point in faults {
        let ended = course.start(&copy, &[("SWITCHBACK_FAULT", &format!("kill@{point}"))]).wait();
        match ended.code {
            -1 => killed += 1,
            // The run was over before that point.
            0 => break,
            _ => return (killed, Some(format!("{}: a run to be killed ended otherwise: {ended:?}", course.title))),
        }
    }
    let recovered = course.run(&copy);
    if recovered.code != 0 {
        let point = |at: usize| course.points.get(at.saturating_sub(1)).cloned().unwrap_or_default();
        let at = match kill {
            Kill::At(at) | Kill::Twice(at, _) => point(at),
            Kill::After(_) => String::new(),
        };
        return (killed, Some(format!("{}: behind the kill ({at}): {}", course.title, recovered.all())));
    }
    (killed, course.wrong(&copy))
}

/// The engines, SQLite in both of its journal modes.
const FOUR: [(&str, Kind, Journal); 4] = [
    ("SQLite", Kind::Sqlite, Journal::Own),
    ("SQLite (WAL)", Kind::Sqlite, Journal::Wal),
    ("PostgreSQL", Kind::Postgres, Journal::Own),
    ("MySQL family", Kind::Mysql, Journal::Own),
];

#[test]
fn i4_a_killed_run_is_gone_on_with_to_the_same_end_and_no_step_is_done_twice() {
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let started = FOUR.map(|(name, kind, journal)| scope.spawn(move || kills(name, kind, journal)));
        started.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let wrong: Vec<&String> = tallies.iter().flat_map(|tally| &tally.wrong).collect();
    assert!(wrong.is_empty(), "{} wrong ends, such as\n{}", wrong.len(), wrong[0]);
    let tried: usize = tallies.iter().map(|tally| tally.tried).sum();
    assert!(tried >= if is_long() { 1000 } else { 40 }, "only {tried} kills");
}

fn kills(name: &str, kind: Kind, journal: Journal) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice(7);
    // On a file a run takes no time.
    for seed in 1..=if is_long() && kind == Kind::Sqlite { 3 } else { 1 } {
        there_and_back(&Sandbox::new(kind), seed, journal, |course| {
            let last = course.points.len();
            if !is_long() {
                // Spread over the run, and not always the same side of a message.
                let each = (last / 6).max(1) | 1;
                (3..=last).step_by(each).for_each(|point| tally.add(course, Kill::At(point)));
                tally.add(course, Kill::Twice(1 + dice.roll(last), 1 + dice.roll(last)));
                return;
            }
            (1..=last).for_each(|point| tally.add(course, Kill::At(point)));
            for _ in 0..30 {
                tally.add(course, Kill::Twice(1 + dice.roll(last), 1 + dice.roll(last)));
                let part = u32::try_from(dice.roll(1000)).expect("at most a thousand");
                tally.add(course, Kill::After(course.took * part / 1000));
            }
        });
    }
    let survived = tally.tried - tally.wrong.len().min(tally.tried);
    figure(&format!("kills of the tool, {name}"), &format!("{survived} / {}", tally.tried));
    tally
}

/// A recovery that is killed itself, whichever way it goes, is ended by the next one.
#[test]
fn i4_a_killed_recovery_is_ended_by_the_next_one() {
    each_engine(|sandbox| {
        let of = if sandbox.kind == Kind::Mysql { " ON base" } else { "" };
        sandbox.migration("1_base", "CREATE TABLE base (id integer, v varchar(20));\n", "DROP TABLE base;\n");
        sandbox.migration(
            "2_more",
            "CREATE TABLE more (id integer);\nALTER TABLE base ADD COLUMN n integer;\nCREATE INDEX base_n ON base (n);\n\
             CREATE UNIQUE INDEX base_v ON base (v);\nCREATE TABLE last (id integer);\n",
            &format!(
                "DROP TABLE last;\nDROP INDEX base_v{of};\nDROP INDEX base_n{of};\n\
                 ALTER TABLE base DROP COLUMN n;\nDROP TABLE more;\n"
            ),
        );
        sandbox.write("migrations/2_more/migration.toml", "transaction = \"off\"\n");
        settle(sandbox);
        sandbox.run(&["up", "--locked", "--steps", "1"]).ok();
        sandbox.sql("INSERT INTO base (id, v) VALUES (1, 'a'), (2, 'a')");
        sandbox.run(Going::Up.args()).exits(4);
        for going in [Going::BackOut, Going::Resume] {
            if going == Going::Resume {
                sandbox.sql("DELETE FROM base WHERE id = 2");
            }
            let course = Course::new(sandbox, going, "a recovery");
            let last = course.points.len();
            let each = if is_long() { 1 } else { (last / 4).max(1) | 1 };
            let mut killed = 0;
            for point in (1..=last).step_by(each) {
                let copy = course.copy();
                let fault = format!("kill@{point}");
                killed += usize::from(course.start(&copy, &[("SWITCHBACK_FAULT", &fault)]).wait().code == -1);
                let again = course.run(&copy);
                if again.code != 0 {
                    // A way back that was begun is gone on with, and with nothing else.
                    assert_eq!(going, Going::BackOut, "{again:?}");
                    again.exits(4).says("with --resume it takes back the rest");
                    sandbox.run_with(Going::Resume.args(), &[("DATABASE_URL", &copy.url)]).ok();
                }
                assert_eq!(course.wrong(&copy), None, "{going:?}, killed at {point}: {}", course.points[point - 1]);
            }
            assert!(killed > 3, "{killed} of {last} points");
            figure(&format!("kills of recover, {:?}, {going:?}", sandbox.kind), &format!("{killed} / {killed}"));
        }
    });
}

/// A transaction of the script's own leaves no trace in the schema: nobody can tell whether it ran, and nobody guesses.
#[test]
fn i4_a_statement_that_leaves_no_trace_is_told_and_never_guessed() {
    each_engine(|sandbox| {
        sandbox.migration(
            "1_own",
            "CREATE TABLE own (id integer);\nBEGIN;\nINSERT INTO own VALUES (1);\nCOMMIT;\nCREATE TABLE behind (id integer);\n",
            "DROP TABLE behind;\nDROP TABLE own;\n",
        );
        sandbox.write("migrations/1_own/migration.toml", "transaction = \"off\"\n");
        settle(sandbox);
        let course = Course::new(sandbox, Going::Up, "a transaction of its own");
        let at = |text: &str| course.points.iter().position(|point| point.contains(text)).expect("a point") + 1;
        let (first, last) = (at("before run INSERT INTO own"), at("before run CREATE TABLE behind"));
        let (mut told, mut truths) = (0, BTreeSet::new());
        // Inside of it, and behind its COMMIT.
        for point in if is_long() { (first..=last).collect() } else { vec![first + 1, at("after run COMMIT")] } {
            let copy = course.copy();
            let fault = format!("kill@{point}");
            assert_eq!(course.start(&copy, &[("SWITCHBACK_FAULT", &fault)]).wait().code, -1, "point {point}");
            // What the server still has in hand ends before anybody looks.
            let recovered = course.run(&copy);
            if recovered.code != 0 {
                let before = End::of(sandbox.kind, &copy.url);
                recovered
                    .exits(4)
                    .says("leaves no trace in the schema")
                    .says("--in-doubt rerun")
                    .says("--in-doubt skip");
                course.run(&copy).exits(4);
                assert_eq!(End::of(sandbox.kind, &copy.url), before, "something was done in doubt");
                told += 1;
                let truth = if before.rows.is_empty() { "rerun" } else { "skip" };
                truths.insert(truth);
                let args = [course.going.args(), &["--in-doubt", truth]].concat();
                sandbox.run_with(&args, &[("DATABASE_URL", &copy.url)]).ok();
            }
            assert_eq!(course.wrong(&copy), None, "point {point}");
        }
        assert!(truths.len() == 2, "told {told} times, with the truths {truths:?}");
    });
}
