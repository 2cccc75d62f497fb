//! The lock, taken from a run that stands in the way: its sessions are ended on the server, the lease gets a new token, so that the
//! run never writes again even if it only slept (I5), and the ledger tells who did that, and why.

use std::time::Duration;

use crate::context::Context;
use crate::database::Database;
use crate::engine::{Access, DbError, Engine, Lock, LockSession, Names, Session};
use crate::fault::{Fault, FaultKind, Result};
use crate::ledger::{Act, Entry, Phase, Taken};
use crate::lock::{Runner, Standing, TAKEN_OVER, Waits};
use crate::locked::{Asked, Locked};
use crate::step::{Provenance, stamped};
use crate::store::{self, explained, own, unreachable};

/// How long a server may take to end a session: it undoes what the session was at.
const GONE: Duration = Duration::from_secs(30);

/// How long a run whose session was ended looks for who did it.
const HEARD: Duration = Duration::from_secs(2);

/// Between two looks whether it is gone.
const PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock from whoever holds it in `standing`, and from nobody who came later; gives the ledger's row.
///
/// # Errors
/// Refused where the holder is a process that only its own host can end, or where a right is missing; busy where the server does not
/// end a session in time.
pub async fn break_lock(
    database: Database,
    standing: &Standing,
    context: &Context,
    runner: Runner,
    provenance: &Provenance,
    waits: Waits,
) -> Result<Entry> {
    let (engine, target) = (database.engine(), database.target().clone());
    let names = &database.names().clone();
    let (run, work) = (standing.holders.run.as_ref(), standing.holders.work.as_ref());
    if let (false, Some(lease), Some(_)) = (engine.dialect().locks, &standing.lease, run) {
        let fault = Fault::refused(format!("process {} is alive on this host: {lease}", lease.pid));
        let cause = "a file's lock is its process's own, and goes with it";
        return Err(fault.cause(cause).help(format!("end it first: `kill {}`", lease.pid)));
    }
    if let (true, None, Some(untold), Some(lease)) =
        (engine.dialect().locks, run, &standing.holders.untold, &standing.lease)
    {
        let fault = Fault::refused(format!("it cannot be ended from here: {lease}")).cause(untold);
        return Err(fault.help(format!("run this on that node, as that account; {TAKEN_OVER}")));
    }
    let opened = store::open(engine, &target, Access::ReadWrite, Duration::ZERO).await;
    let mut hand = opened.map_err(|error| unreachable(&target, &error))?;
    let started_at = context.now();
    // The scripts' session first: until the session of the run's lock is gone too, no other runner acts.
    end(engine, names, hand.as_mut(), Lock::Work, work).await?;
    if let Some(gone) = &standing.holders.gone {
        // Its row outlives it.
        let freed = engine.terminate(hand.as_mut(), names, Lock::Run, gone).await;
        freed.map_err(|error| own("clearing the lock", &error))?;
    }
    let mut locked = match run {
        Some(_) => database.seize(context, runner, waits).await?,
        None => database.lock(context, runner, waits).await?,
    };
    let entry = stamped(Entry::new(Act::BreakLock, Phase::Done), provenance, locked.runner())
        .with("detail", detail(standing)?)
        .with("started_at", started_at)
        .with("finished_at", context.now());
    let recorded = locked.record(entry).await;
    let ended = match &recorded {
        Ok(_) => end(engine, names, hand.as_mut(), Lock::Run, run).await,
        Err(_) => Ok(()),
    };
    locked.release().await;
    hand.close().await;
    ended.and(recorded)
}

fn detail(standing: &Standing) -> Result<String> {
    let sessions = [&standing.holders.work, &standing.holders.run].into_iter().flatten();
    let of = match &standing.lease {
        Some(lease) => lease.to_string(),
        None => "a run that had not written its name".to_owned(),
    };
    let run = standing.lease.as_ref().map(|lease| lease.run.clone());
    let taken = Taken { run, of, ended: sessions.map(|session| session.backend.clone()).collect() };
    serde_json::to_string(&taken).map_err(|error| Fault::bug(error.to_string()))
}

/// Ends a session that holds a lock, and waits until it is gone.
async fn end(
    engine: &dyn Engine,
    names: &Names,
    hand: &mut dyn Session,
    lock: Lock,
    session: Option<&LockSession>,
) -> Result<()> {
    let Some(session) = session else { return Ok(()) };
    let told = engine.terminate(hand, names, lock, &session.backend).await;
    told.map_err(|error| {
        let fault = Fault::refused(format!("{session} cannot be ended by this account"));
        let fault = error.lines().into_iter().fold(fault, Fault::cause);
        explained(fault, &error, hand.server(), &[])
    })?;
    let until = tokio::time::Instant::now() + GONE;
    loop {
        let held = engine.holders(hand, names, None).await;
        let held = held.map_err(|error: DbError| own("asking whether the session is gone", &error))?;
        let holder = if lock == Lock::Run { held.run } else { held.work };
        if holder.is_none_or(|holder| holder.backend != session.backend) {
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            let what = format!("the server was told to end {session}, and is still at it");
            return Err(
                Fault::new(FaultKind::Busy, what).help("`switchback lock` shows when it is gone; run this again then")
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What ended a run, told by the ledger where somebody took its lock; and where the connection was lost, what became of what was
/// under way.
pub(crate) async fn told(locked: &mut Locked, fault: Fault) -> Fault {
    let is_cut_off = locked.is_cut_off().await;
    // Whoever ends a session records it right behind that.
    let until = tokio::time::Instant::now() + if is_cut_off { HEARD } else { Duration::ZERO };
    let run = locked.runner().run.clone();
    let is_ours = |row: &&Entry| Taken::by(row).is_some_and(|taken| taken.run.as_ref() == Some(&run));
    let row = loop {
        let asked = match locked.asked().await {
            Ok(asked) => asked,
            Err(_) if is_cut_off && fault.parts().help.is_none() => return fault.help(LATER),
            Err(_) => return fault,
        };
        match asked.rows.iter().find(is_ours) {
            Some(row) => break row.clone(),
            None if tokio::time::Instant::now() < until => tokio::time::sleep(PAUSE).await,
            None if is_cut_off => return lost(fault, &run, &asked),
            None => return fault,
        }
    };
    let part = |column: &str| row.get(column).unwrap_or("?");
    let what = format!(
        "the lock of this run was taken: {}@{} broke it at {} (row #{})",
        part("actor"),
        part("host"),
        part("started_at"),
        row.seq()
    );
    let kind = if fault.kind() == FaultKind::HalfWay { FaultKind::HalfWay } else { FaultKind::Busy };
    let parts = fault.parts();
    let causes =
        [format!("their reason: {}", part("reason")), parts.what.clone()].into_iter().chain(parts.causes.clone());
    let fault = causes.fold(Fault::new(kind, what), Fault::cause);
    fault.help("`switchback status` tells where the database stands, and `switchback log` what was done since")
}

const LATER: &str = "`switchback status` tells what took effect, once the server answers again";

/// What became of what was under way when the connection was lost. Of a step that is half-way `recover` tells.
fn lost(fault: Fault, run: &str, asked: &Asked) -> Fault {
    let written = asked.rows.iter().rev().find(|row| row.get("run") == Some(run));
    match written {
        _ if asked.is_half_way => fault,
        Some(row) => {
            let part = |column: &str| row.get(column).unwrap_or("?");
            let what = format!("`{}` took effect all the same: row #{} of the ledger", part("migration"), row.seq());
            fault.kind_is(FaultKind::HalfWay).cause(what).help("run the command again to go on")
        }
        None if asked.is_at_work => fault
            .cause("the server is still at it")
            .help("`switchback lock` shows its session, and `switchback status` what came of it"),
        None if fault.kind() == FaultKind::HalfWay => fault.cause("nothing beyond that took effect"),
        None => fault.cause("nothing of what was under way took effect").help("run the command again"),
    }
}
