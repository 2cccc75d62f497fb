//! The beat on the session of the run's lock: that the server still answers there, and so that the lock is still held.
//!
//! A run whose lock is gone must not write, and a server that has fallen silent sends no error: a session of the same run gives up
//! waiting as soon as the beat has failed.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::engine::{Canceller, Claim, DbError, DbErrorKind, DbResult, Engine, Names, Ran, Row, Said, Server, Session};

/// The lock's session, kept busy so that a server that ends idle sessions leaves it alone, and a network that has gone
/// is noticed.
pub(crate) struct Heartbeat {
    /// The server's id of the session.
    pub(crate) backend: Option<String>,
    pub(crate) is_pooled: bool,
    lost: watch::Receiver<bool>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<Box<dyn Session>>>,
}

/// A quarter of the 60 s after which a server may take the lock's session for dead.
const BEAT: Duration = Duration::from_secs(15);

/// So long a beat may go without an answer; a server that cannot say `1` by then holds no lock that could be relied on.
const ANSWER: Duration = Duration::from_secs(30);

impl Heartbeat {
    pub(crate) fn start(
        engine: &'static dyn Engine,
        mut session: Box<dyn Session>,
        backend: Option<String>,
        names: Names,
        run: String,
    ) -> Self {
        let is_pooled = session.server().is_pooled();
        let (flag, lost) = watch::channel(false);
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = &mut stopped => return Some(session),
                    () = tokio::time::sleep(BEAT) => {}
                }
                let claim = Claim { names: &names, run: &run, silent: None };
                let beat = tokio::time::timeout(ANSWER, engine.beat(session.as_mut(), &claim)).await;
                if !matches!(beat, Ok(Ok(true))) {
                    flag.send_replace(true);
                    return None;
                }
            }
        });
        Heartbeat { backend, is_pooled, lost, stop, task }
    }

    pub(crate) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    pub(crate) async fn stop(self) {
        // Either the task is told, or it is gone already, and the lock with it.
        let _ = self.stop.send(());
        if let Ok(Some(session)) = self.task.await {
            session.close().await;
        }
    }
}

/// Another session of the same run, which gives up when the beat fails.
pub(crate) fn watched(beat: Option<&Heartbeat>, session: Box<dyn Session>) -> Box<dyn Session> {
    match beat {
        Some(beat) => Box::new(Watched { session, lost: beat.lost.clone() }),
        None => session,
    }
}

struct Watched {
    session: Box<dyn Session>,
    lost: watch::Receiver<bool>,
}

/// What the server says, unless the beat fails first.
async fn unless_lost<T>(lost: &mut watch::Receiver<bool>, said: impl Future<Output = DbResult<T>>) -> DbResult<T> {
    let is_lost = async {
        if lost.wait_for(|lost| *lost).await.is_err() {
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
        unless_lost(&mut self.lost, self.session.rows(sql, binds)).await
    }

    async fn together(&mut self, statements: &[(String, Vec<Option<String>>)]) -> DbResult<()> {
        unless_lost(&mut self.lost, self.session.together(statements)).await
    }

    async fn batch(&mut self, sql: &str) -> DbResult<Vec<Row>> {
        unless_lost(&mut self.lost, self.session.batch(sql)).await
    }

    async fn say(&mut self, parts: &[Said<'_>]) -> DbResult<Vec<Row>> {
        unless_lost(&mut self.lost, self.session.say(parts)).await
    }

    async fn run(&mut self, statement: &str) -> DbResult<Ran> {
        unless_lost(&mut self.lost, self.session.run(statement)).await
    }

    async fn copy_in(&mut self, statement: &str, data: &str) -> DbResult<Ran> {
        unless_lost(&mut self.lost, self.session.copy_in(statement, data)).await
    }

    fn canceller(&self) -> Box<dyn Canceller> {
        self.session.canceller()
    }

    async fn close(mut self: Box<Self>) {
        if !*self.lost.borrow() {
            self.session.close().await;
        }
    }
}
