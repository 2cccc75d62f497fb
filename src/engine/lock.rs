//! The locks of a run, as an engine knows them.

use std::fmt;

use serde::Serialize;

use super::Names;

/// The locks of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The one that makes it the only runner, on a session of its own.
    Run,
    /// The second one, on the session that runs scripts.
    Work,
}

/// A session that holds a lock of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockSession {
    /// As [`Server::backend`]; without its second part where this account may not see it.
    pub backend: String,
    /// User and address, as far as this account may see them.
    pub who: Option<String>,
}

impl fmt::Display for LockSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.backend.split(':').next().unwrap_or_default();
        match &self.who {
            Some(who) => write!(f, "session {number} ({who})"),
            None => write!(f, "session {number} (whose it is, this account may not see)"),
        }
    }
}

impl LockSession {
    /// Whether it is the session that a lease names.
    pub fn is(&self, backend: Option<&str>) -> bool {
        let is_start = |backend: &str| self.backend.ends_with(':') && backend.starts_with(&self.backend);
        backend.is_some_and(|backend| backend == self.backend || is_start(backend))
    }
}

/// Who holds our locks, in the words of whoever has to know: the server, or the host that a process is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    pub run: Option<LockSession>,
    pub work: Option<LockSession>,
    /// A session that is gone, and still stands as the holder of the run's lock: that is a row there.
    pub gone: Option<String>,
    /// Why that cannot be told.
    pub untold: Option<String>,
}

/// Who wants the run's lock, or holds it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub names: &'a Names,
    /// The run's own name.
    pub run: &'a str,
    /// Whoever gave this sign of life last has given none for so long that it is gone.
    pub silent: Option<&'a Pulse>,
}

/// What a try for the run's lock came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It is ours; the server's id of the session that holds it, as [`Server::backend`](super::Server::backend).
    Taken(Option<String>),
    /// Somebody else has it; the last sign of life, where the lock is a row that outlives its holder.
    Held(Option<Pulse>),
}

/// A sign of life: no two are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse(pub String);
