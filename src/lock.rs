//! The run's lock: taken by trying, held on a session of its own, its holder named to whoever waits.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::context::Context;
use crate::engine::{Claim, DbResult, Engine, Holders, Limits, Names, Pulse, Server, Session, Tried};
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

/// How long to wait for another runner where nothing is said: on a cluster long enough for the lease of one that is gone.
pub fn patience(engine: &dyn Engine, server: &Server) -> Duration {
    if engine.leases(server) { LEASE_WAIT } else { LOCK_WAIT }
}

const LOCK_WAIT: Duration = Duration::from_secs(60);

/// [`SILENT`], and time to take over.
const LEASE_WAIT: Duration = Duration::from_secs(120);

/// How the run's lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// When nobody holds it.
    WhenFree,
    /// Not at all: from a run that still has it and whose scripts' session is gone, the lease is taken. What it held its scripts
    /// under is ours, and the lease's new token keeps it from writing whatever it does.
    FromARun,
}

/// Where the run's lock is a row, whoever has given no sign of life for so long has lost it.
///
/// A run beats every 15 s, and begins nothing any more when a beat is 30 s late: 45 s behind the last sign of life that others can
/// have seen. 30 s later the server has ended an idle session of its scripts ([`Texts::fence`](crate::engine::Texts::fence)), so that a
/// process that slept has none left. That is 75 s, by whatever clock; each side measures with its own.
pub(crate) const SILENT: Duration = Duration::from_secs(90);

/// Two beats are missing: worth telling.
const QUIET: Duration = Duration::from_secs(30);

/// What helps where the run's lock is a row.
pub(crate) const TAKEN_OVER: &str =
    "a run that gives no sign of life for 90 s is gone, and its lease is taken over: `--lock-wait 120` waits that long";

/// For how long a waiter has seen no sign of life, by its own clock.
#[derive(Default)]
struct Silence(Option<(Pulse, Instant)>);

impl Silence {
    /// What a try has just seen; nothing where it saw nothing.
    fn note(&mut self, pulse: Option<Pulse>, now: Instant) {
        let is_known = |(known, _): &(Pulse, Instant)| pulse.as_ref().is_none_or(|pulse| pulse == known);
        if !self.0.as_ref().is_some_and(is_known) {
            self.0 = pulse.map(|pulse| (pulse, now));
        }
    }

    fn lasted(&self, now: Instant) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |(_, since)| now.saturating_duration_since(*since))
    }

    /// The last sign of life of whoever is gone.
    fn over(&self, now: Instant) -> Option<&Pulse> {
        self.0.as_ref().filter(|_| self.lasted(now) >= SILENT).map(|(pulse, _)| pulse)
    }

    /// In words, where it has become worth telling.
    fn told(&self, now: Instant) -> Option<String> {
        let lasted = Some(self.lasted(now)).filter(|lasted| *lasted >= QUIET)?;
        Some(format!("no sign of life has come from it for {} s", lasted.as_secs()))
    }
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
    let until = Instant::now() + wait;
    let left = || until.saturating_duration_since(Instant::now());
    let mut pause = Duration::from_millis(20);
    let mut silence = Silence::default();
    let (mut told, mut told_silence) = (false, false);
    loop {
        let claim = Claim { names, run, silent: silence.over(Instant::now()) };
        match engine.try_lock(lock, &claim).await.map_err(|error| own("trying the lock", &error))? {
            Tried::Taken(backend) => return Ok(backend),
            Tried::Held(pulse) => silence.note(pulse, Instant::now()),
        }
        context.go_on()?;
        let quiet = silence.told(Instant::now());
        if left().is_zero() || !told || quiet.is_some() && !told_silence {
            let holder = holder(engine, names, lock).await;
            if left().is_zero() {
                return Err(quiet.map_or_else(|| busy(&holder), |quiet| silent(&holder, &quiet)));
            }
            (told, told_silence) = (true, quiet.is_some());
            let quiet = quiet.map(|quiet| format!("; {quiet}, and after {} s it is taken over", SILENT.as_secs()));
            context.tell(Event::Waiting { holder: holder + &quiet.unwrap_or_default() });
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

/// The same, where whoever holds it may be gone.
fn silent(holder: &str, quiet: &str) -> Fault {
    let fault = Fault::new(FaultKind::Busy, format!("another runner holds the lock: {holder}")).cause(quiet);
    fault.help(TAKEN_OVER)
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
            (None, None, _) if self.holders.gone.is_some() => Grip::Stale,
            (None, None, None) if self.holders.untold.is_some() => Grip::Unknown,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(text: &str) -> Option<Pulse> {
        Some(Pulse(text.to_owned()))
    }

    #[test]
    fn whoever_gives_no_sign_of_life_for_long_enough_is_gone_and_nobody_else() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut silence = Silence::default();
        assert_eq!(silence.over(at(500)), None, "nothing was seen yet");
        silence.note(pulse("a:1"), at(0));
        silence.note(None, at(40));
        silence.note(pulse("a:1"), at(80));
        assert_eq!((silence.lasted(at(80)), silence.over(at(89))), (Duration::from_secs(80), None));
        assert_eq!(silence.over(at(90)).cloned(), pulse("a:1"));
        // A sign of life at the last moment begins it all again, and so does another run.
        silence.note(pulse("a:2"), at(91));
        assert_eq!((silence.over(at(180)), silence.told(at(100))), (None, None));
        silence.note(pulse("b:3"), at(179));
        assert_eq!(silence.over(at(268)), None);
        assert_eq!(silence.told(at(220)).unwrap(), "no sign of life has come from it for 41 s");
        assert_eq!(silence.over(at(269)).cloned(), pulse("b:3"));
    }

    #[test]
    fn a_lease_outlasts_whatever_a_run_may_begin_and_its_idle_session() {
        let fence = include_str!("engine/mysql/cluster/fence.sql");
        let idle = fence.split_once("wait_timeout = ").and_then(|(_, rest)| rest.split(';').next()).unwrap();
        let idle = Duration::from_secs(idle.parse().unwrap());
        assert!(crate::heartbeat::BEAT + crate::heartbeat::ANSWER + idle < SILENT);
        assert!(SILENT + Duration::from_secs(30) <= LEASE_WAIT);
        assert!(TAKEN_OVER.contains(&format!("{} s", SILENT.as_secs())));
    }
}
