//! Points at which a run can be told to die: one before and one behind each message to the database that is being changed.
//!
//! Debug builds only, and only where the environment asks for it: tests end a run at each of its points in turn, and see what
//! the next run makes of that. A release build has sessions as the engine made them.

#[cfg(not(all(unix, debug_assertions)))]
use crate::engine::Session;

#[cfg(all(unix, debug_assertions))]
pub use armed::{arm, around};

/// The variable that says what happens at which point: `kill@N`, `stop@N` (SIGKILL, SIGSTOP to the own process at the N-th
/// point), or `count@FILE` (each point is written to FILE, a line each).
pub const VARIABLE: &str = "SWITCHBACK_FAULT";

/// Takes what the variable says; `false` where nobody can do that.
#[cfg(not(all(unix, debug_assertions)))]
pub fn arm(_: &str) -> bool {
    true
}

/// A session whose messages pass points.
#[cfg(not(all(unix, debug_assertions)))]
pub fn around(session: Box<dyn Session>) -> Box<dyn Session> {
    session
}

#[cfg(all(unix, debug_assertions))]
mod armed {
    use std::fs::File;
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use crate::engine::{Canceller, DbResult, Ran, Row, Said, Server, Session};

    /// What happens at points.
    enum Act {
        /// The signal is sent to the own process.
        Signal(libc::c_int, usize),
        Count(File),
    }

    static ACT: OnceLock<Act> = OnceLock::new();
    static PASSED: AtomicUsize = AtomicUsize::new(0);

    /// Takes what the variable says; `false` where nobody can do that.
    pub fn arm(text: &str) -> bool {
        let act = match text.split_once('@') {
            Some(("kill", at)) => at.parse().ok().map(|at| Act::Signal(libc::SIGKILL, at)),
            Some(("stop", at)) => at.parse().ok().map(|at| Act::Signal(libc::SIGSTOP, at)),
            Some(("count", file)) => File::create(file).ok().map(Act::Count),
            _ => None,
        };
        act.is_some_and(|act| ACT.set(act).is_ok())
    }

    /// A session whose messages pass points, where something happens at points.
    pub fn around(session: Box<dyn Session>) -> Box<dyn Session> {
        if ACT.get().is_some() { Box::new(Pointed(session)) } else { session }
    }

    fn pass(side: &str, name: &str, text: &str) {
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        match ACT.get() {
            Some(Act::Signal(signal, at)) if *at == number => {
                // SAFETY: it takes no pointer and changes nothing but whether this process goes on.
                unsafe { libc::raise(*signal) };
            }
            Some(Act::Count(file)) => {
                let line = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("--"));
                let line: String = line.unwrap_or_default().chars().take(60).collect();
                // A count that is short is seen by whoever counts.
                let _ = writeln!(&mut &*file, "{number} {side} {name} {line}");
            }
            _ => {}
        }
    }

    /// Points around every message of a session.
    struct Pointed(Box<dyn Session>);

    #[async_trait]
    impl Session for Pointed {
        fn server(&self) -> &Server {
            self.0.server()
        }

        async fn rows(&mut self, sql: &str, binds: &[Option<&str>]) -> DbResult<Vec<Row>> {
            pass("before", "rows", sql);
            let rows = self.0.rows(sql, binds).await;
            pass("after", "rows", sql);
            rows
        }

        async fn together(&mut self, statements: &[(String, Vec<Option<String>>)]) -> DbResult<()> {
            let last = statements.last().map_or("", |(text, _)| text.as_str());
            pass("before", "together", last);
            let done = self.0.together(statements).await;
            pass("after", "together", last);
            done
        }

        async fn batch(&mut self, sql: &str) -> DbResult<Vec<Row>> {
            pass("before", "batch", sql);
            let rows = self.0.batch(sql).await;
            pass("after", "batch", sql);
            rows
        }

        async fn say(&mut self, parts: &[Said<'_>]) -> DbResult<Vec<Row>> {
            pass("before", "say", "");
            let rows = self.0.say(parts).await;
            pass("after", "say", "");
            rows
        }

        async fn run(&mut self, statement: &str) -> DbResult<Ran> {
            pass("before", "run", statement);
            let ran = self.0.run(statement).await;
            pass("after", "run", statement);
            ran
        }

        async fn copy_in(&mut self, statement: &str, data: &str) -> DbResult<Ran> {
            pass("before", "copy_in", statement);
            let ran = self.0.copy_in(statement, data).await;
            pass("after", "copy_in", statement);
            ran
        }

        fn canceller(&self) -> Box<dyn Canceller> {
            self.0.canceller()
        }

        async fn close(self: Box<Self>) {
            pass("before", "close", "");
            self.0.close().await;
            pass("after", "close", "");
        }
    }
}
