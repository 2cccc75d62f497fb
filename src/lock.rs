//! The run's lock: taken by trying, held on a session of its own, its holder named to whoever waits.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::context::Context;
use crate::engine::{Claim, DbResult, Engine, Holders, Limits, Names, Session, Tried};
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::store::{ledger_exists, own};

/// Who runs, as the lease and the ledger name it.
#[derive(Clone, Debug, Default)]
pub struct Runner {
    /// Random, for this run alone.
    pub run: String,
    pub actor: String,
    pub host: String,
    pub pid: u32,
    /// What is being done, such as `up`.
    pub what: String,
}

/// How long to wait, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// For the run's lock.
    pub lock: Duration,
    /// For what a statement needs.
    pub limits: Limits,
}

/// How the run's lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// When nobody holds it.
    WhenFree,
    /// Not at all: from a run that still has it and whose scripts' session is gone, the lease is taken. What it held its scripts
    /// under is ours, and the lease's new token keeps it from writing whatever it does.
    FromARun,
}

/// Tries for the run's lock until it is had; gives the server's id of the session that holds it.
pub(crate) async fn wait_for_lock(
    engine: &dyn Engine,
    names: &Names,
    lock: &mut dyn Session,
    context: &Context,
    run: &str,
    wait: Duration,
) -> Result<Option<String>> {
    let until = tokio::time::Instant::now() + wait;
    let left = || until.saturating_duration_since(tokio::time::Instant::now());
    let mut pause = Duration::from_millis(20);
    let mut told = false;
    loop {
        let claim = Claim { names, run, silent: None };
        let tried = engine.try_lock(lock, &claim).await.map_err(|error| own("trying the lock", &error))?;
        if let Tried::Taken(backend) = tried {
            return Ok(backend);
        }
        context.go_on()?;
        if left().is_zero() || !told {
            let holder = holder(engine, names, lock).await;
            if left().is_zero() {
                return Err(busy(&holder));
            }
            told = true;
            context.tell(Event::Waiting { holder });
        }
        // The last try is made when the time is over, not before.
        tokio::time::sleep(pause.min(left())).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// The wait for another runner is over.
pub(crate) fn busy(holder: &str) -> Fault {
    let fault = Fault::new(FaultKind::Busy, format!("another runner holds the lock: {holder}"));
    fault.help("wait for it, or give `--lock-wait SECONDS` more time; `switchback lock` tells whether it is alive, and how to end it")
}

/// Who holds the lease, as they wrote it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    pub actor: String,
    pub host: String,
    pub pid: String,
    /// What is being done, such as `up`.
    pub what: String,
    /// When the lease was taken: RFC 3339, UTC.
    pub since: String,
    /// The server's id of the session that holds the lock.
    #[serde(skip)]
    pub(crate) backend: Option<String>,
    /// The run's own name.
    #[serde(skip)]
    pub(crate) run: String,
}

/// How the run's lock stands: what the lease says, and what whoever has to know says of that.
#[derive(Clone, Debug)]
pub struct Standing {
    pub lease: Option<Holder>,
    pub holders: Holders,
}

/// What a [`Standing`] comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grip {
    /// Nobody holds the lock.
    Free,
    /// The lease names who.
    Held,
    /// Somebody who has not written a name into the lease.
    Unnamed,
    /// The lock is free, but the scripts' session of a run is still there.
    Lingering,
    /// The lease names a run that is gone.
    Stale,
    /// Whether the lease's run is there cannot be told.
    Unknown,
}

impl Standing {
    pub fn grip(&self) -> Grip {
        let named = self.lease.as_ref().map(|lease| lease.backend.as_deref());
        match (&self.holders.run, &self.holders.work, named) {
            (Some(run), _, Some(backend)) if run.is(backend) => Grip::Held,
            (Some(_), _, _) => Grip::Unnamed,
            (None, Some(_), _) => Grip::Lingering,
            (None, None, None) => Grip::Free,
            (None, None, Some(_)) if self.holders.untold.is_some() => Grip::Unknown,
            (None, None, Some(_)) => Grip::Stale,
        }
    }

    /// The run that is at work, as far as that can be told.
    pub fn runner(self) -> Option<Holder> {
        let is_there = matches!(self.grip(), Grip::Held | Grip::Unknown);
        self.lease.filter(|_| is_there)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} (process {}), `{}` since {}", self.actor, self.host, self.pid, self.what, self.since)
    }
}

/// Who holds the lease; `None` where it was given back. Whoever was killed still stands there.
pub(crate) async fn lease(engine: &dyn Engine, names: &Names, session: &mut dyn Session) -> DbResult<Option<Holder>> {
    let rows = session.rows(&names.fill(engine.dialect().sql.lease_read), &[]).await?;
    let held = rows.into_iter().next().filter(|row| row.get(1).is_some_and(Option::is_some));
    Ok(held.map(|mut row| {
        let mut part = |at: usize| row.get_mut(at).and_then(Option::take);
        let (run, backend) = (part(1).unwrap_or_default(), part(6));
        let mut word = |at: usize| part(at).unwrap_or_else(|| "?".to_owned());
        Holder { actor: word(2), host: word(3), pid: word(4), what: word(5), since: word(7), backend, run }
    }))
}

/// Who holds the lease, in words.
pub(crate) async fn holder(engine: &dyn Engine, names: &Names, session: &mut dyn Session) -> String {
    let held = match ledger_exists(engine, names, session).await {
        Ok(true) => lease(engine, names, session).await.ok().flatten(),
        _ => None,
    };
    held.map_or_else(|| "a runner that is just starting".to_owned(), |holder| holder.to_string())
}

/// Random hex digits, from the hash keys that the standard library draws from the system for each map.
pub fn nonce(digits: usize) -> String {
    use std::hash::{BuildHasher, Hasher};
    let mut out = String::new();
    while out.len() < digits {
        let word = std::collections::hash_map::RandomState::new().build_hasher().finish();
        out.push_str(&format!("{word:016x}"));
    }
    out.truncate(digits);
    out
}
