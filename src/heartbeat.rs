//! The beat on the session of the run's lock: that the server still answers there, and so that the lock is still held.
//!
//! A run whose lock is gone must not write, and a server that has fallen silent sends no error: a session of the same run gives up
//! waiting as soon as the beat has failed.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::engine::{Canceller, Claim, DbError, DbErrorKind, DbResult, Engine, Names, Ran, Row, Said, Server, Session};

/// The lock's session, kept busy so that a server that ends idle sessions leaves it alone, and a network that has gone
/// is noticed.
pub(crate) struct Heartbeat {
    /// The server's id of the session.
    pub(crate) backend: Option<String>,
    pub(crate) is_pooled: bool,
    state: watch::Receiver<State>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<Box<dyn Session>>>,
}

/// What the last beat came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The lock is ours.
    Held,
    /// Where the lock is a row: a beat waits for its answer, as long as DDL keeps the whole cluster from writing. Nothing of a script is
    /// begun until the next beat has been answered in time.
    Late,
    Lost,
}

/// From one beat to the next; a quarter of the 60 s after which a server may take the lock's session for dead.
pub(crate) const BEAT: Duration = Duration::from_secs(15);

/// So long a beat that is due may go without an answer; a server that cannot say `1` by then holds no lock that could be relied on.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);

impl Heartbeat {
    pub(crate) fn start(
        engine: &'static dyn Engine,
        mut session: Box<dyn Session>,
        backend: Option<String>,
        names: Names,
        run: String,
    ) -> Self {
        let is_pooled = session.server().is_pooled();
        let leases = engine.leases(session.server());
        // A row may have been taken by somebody else since, so it is beaten for at once.
        let (told, state) = watch::channel(if leases { State::Late } else { State::Held });
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut due = Instant::now() + if leases { Duration::ZERO } else { BEAT };
            loop {
                tokio::select! {
                    _ = &mut stopped => {
                        let claim = Claim { names: &names, run: &run, silent: None };
                        // What it could not give back is silent from now on.
                        let _ = tokio::time::timeout(ANSWER, engine.free(session.as_mut(), &claim)).await;
                        return Some(session);
                    }
                    () = tokio::time::sleep_until(due) => {}
                }
                let sent = Instant::now();
                let claim = Claim { names: &names, run: &run, silent: None };
                let outside = leases.then(|| session.canceller());
                let beat = engine.beat(session.as_mut(), &claim);
                // A process that slept asks first, where no row tells what it has missed.
                let limit = if leases { due } else { sent } + ANSWER;
                let found = answer(beat, limit, outside.as_deref(), &told).await;
                told.send_replace(found);
                match found {
                    // Counted from when it was sent: that is what others can have seen at the earliest.
                    State::Held => due = sent + BEAT,
                    State::Late => due = Instant::now(),
                    State::Lost => return None,
                }
            }
        });
        Heartbeat { backend, is_pooled, state, stop, task }
    }

    pub(crate) fn is_lost(&self) -> bool {
        *self.state.borrow() == State::Lost
    }

    pub(crate) async fn stop(self) {
        // Either the task is told, or it is gone already, and the lock with it.
        let _ = self.stop.send(());
        if let Ok(Some(session)) = self.task.await {
            session.close().await;
        }
    }
}

/// What a beat comes to that has to be answered by `limit`. Where the lock is a row, one that is late is waited for while the server
/// can be reached from outside.
async fn answer(
    beat: impl Future<Output = DbResult<bool>>,
    mut limit: Instant,
    outside: Option<&dyn Canceller>,
    told: &watch::Sender<State>,
) -> State {
    tokio::pin!(beat);
    let mut in_time = State::Held;
    loop {
        tokio::select! {
            answered = &mut beat => return if matches!(answered, Ok(true)) { in_time } else { State::Lost },
            () = tokio::time::sleep_until(limit) => {}
        }
        let Some(outside) = outside else { return State::Lost };
        in_time = State::Late;
        told.send_replace(State::Late);
        match tokio::time::timeout(ANSWER, outside.reach()).await {
            Ok(Ok(())) => limit = Instant::now() + ANSWER,
            _ => return State::Lost,
        }
    }
}

/// Another session of the same run, which gives up when the beat fails.
pub(crate) fn watched(beat: Option<&Heartbeat>, session: Box<dyn Session>) -> Box<dyn Session> {
    match beat {
        Some(beat) => Box::new(Watched { session, state: beat.state.clone() }),
        None => session,
    }
}

struct Watched {
    session: Box<dyn Session>,
    state: watch::Receiver<State>,
}

impl Watched {
    /// Until a late beat is answered. What is ours is fenced by itself; what a script does may not be.
    async fn in_time(&mut self) {
        // Where nobody beats any more, the run is over.
        let _ = self.state.wait_for(|state| *state != State::Late).await;
    }
}

/// What the server says, unless the beat fails first.
async fn unless_lost<T>(state: &mut watch::Receiver<State>, said: impl Future<Output = DbResult<T>>) -> DbResult<T> {
    let is_lost = async {
        if state.wait_for(|state| *state == State::Lost).await.is_err() {
            // The run is over, and nobody beats any more.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = is_lost => {
            let what = "the session that holds this run's lock has ended or does not answer any more";
            Err(DbError::new(DbErrorKind::Connection, what))
        }
        said = said => said,
    }
}

#[async_trait]
impl Session for Watched {
    fn server(&self) -> &Server {
        self.session.server()
    }

    async fn rows(&mut self, sql: &str, binds: &[Option<&str>]) -> DbResult<Vec<Row>> {
        unless_lost(&mut self.state, self.session.rows(sql, binds)).await
    }

    async fn together(&mut self, statements: &[(String, Vec<Option<String>>)]) -> DbResult<()> {
        unless_lost(&mut self.state, self.session.together(statements)).await
    }

    async fn batch(&mut self, sql: &str) -> DbResult<Vec<Row>> {
        unless_lost(&mut self.state, self.session.batch(sql)).await
    }

    async fn say(&mut self, parts: &[Said<'_>]) -> DbResult<Vec<Row>> {
        unless_lost(&mut self.state, self.session.say(parts)).await
    }

    async fn run(&mut self, statement: &str) -> DbResult<Ran> {
        self.in_time().await;
        unless_lost(&mut self.state, self.session.run(statement)).await
    }

    async fn copy_in(&mut self, statement: &str, data: &str) -> DbResult<Ran> {
        unless_lost(&mut self.state, self.session.copy_in(statement, data)).await
    }

    fn canceller(&self) -> Box<dyn Canceller> {
        self.session.canceller()
    }

    async fn close(mut self: Box<Self>) {
        if *self.state.borrow() != State::Lost {
            self.session.close().await;
        }
    }
}
