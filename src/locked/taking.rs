//! How the locks of a run are taken; and given back where that comes to nothing, since a lock that is a row outlives its session.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Locked;
use crate::context::Context;
use crate::engine::{Access, Claim, DbError, Engine, Names, Session};
use crate::fault::{Fault, FaultKind, Result};
use crate::heartbeat::{self, Heartbeat};
use crate::ledger::Head;
use crate::lock::{Runner, Taking, Waits, wait_for_lock};
use crate::points;
use crate::store::{self, own, unreachable};
use crate::target::Target;

impl Locked {
    /// Takes the run's lock: polls, never waits inside a statement, and names the holder.
    ///
    /// # Errors
    /// Busy (exit 5) when the wait is over.
    pub async fn take(
        engine: &'static dyn Engine,
        target: Target,
        names: Names,
        context: &Context,
        runner: Runner,
        waits: Waits,
        taking: Taking,
    ) -> Result<Locked> {
        let lock = match taking {
            Taking::WhenFree if engine.dialect().locks => {
                let mut lock = session(engine, &target).await?;
                let backend = wait_for_lock(engine, &names, lock.as_mut(), context, &runner.run, waits.lock).await?;
                Some(Heartbeat::start(engine, lock, backend, names.clone(), runner.run.clone()))
            }
            Taking::WhenFree | Taking::FromARun => None,
        };
        let claim = Claim { names: &names, run: &runner.run, silent: None };
        let work = match scripts_session(engine, &target, &claim, waits.lock, taking, lock.as_ref()).await {
            Ok(work) => work,
            Err(fault) => {
                if let Some(lock) = lock {
                    lock.stop().await;
                }
                return Err(fault);
            }
        };
        let mut locked = Locked {
            engine,
            target,
            names,
            lock,
            work,
            runner,
            token: String::new(),
            head: Head::default(),
            next: None,
            violated: BTreeSet::new(),
            wait: waits.lock,
            limits: waits.limits,
            queued: Vec::new(),
            is_touched: false,
            sets: false,
            prepared: String::new(),
            is_settled: false,
            is_journalling: false,
        };
        match locked.begin_run(context).await {
            Ok(()) => Ok(locked),
            Err(fault) => {
                locked.release().await;
                Err(fault)
            }
        }
    }

    async fn begin_run(&mut self, context: &Context) -> Result<()> {
        self.limit().await?;
        self.patiently(context).await
    }
}

const TWO_SESSIONS: &str =
    "through a pooler a run takes two of its sessions: one has the lock, and the scripts run in the other";

async fn session(engine: &'static dyn Engine, target: &Target) -> Result<Box<dyn Session>> {
    let opened = store::open(engine, target, Access::ReadWrite, Duration::ZERO).await;
    opened.map(points::around).map_err(|error| unreachable(target, &error))
}

/// The session that runs scripts, with the second lock.
async fn scripts_session(
    engine: &'static dyn Engine,
    target: &Target,
    claim: &Claim<'_>,
    wait: Duration,
    taking: Taking,
    lock: Option<&Heartbeat>,
) -> Result<Box<dyn Session>> {
    let is_pooled = lock.is_some_and(|lock| lock.is_pooled);
    let scarce = |fault: Fault| if is_pooled { fault.cause(TWO_SESSIONS) } else { fault };
    let mut work = heartbeat::watched(lock, session(engine, target).await.map_err(scarce)?);
    if taking == Taking::FromARun {
        engine.seize(work.as_mut(), claim).await.map_err(|error| own("taking the lock", &error))?;
    }
    match engine.hold_work(work.as_mut(), claim, wait).await {
        Ok(true) => return Ok(work),
        held => {
            // What was seized and came to nothing is free.
            let _ = engine.free(work.as_mut(), claim).await;
            held.map_err(|error: DbError| own("taking the second lock", &error))?;
        }
    }
    let fault = Fault::new(FaultKind::Busy, "a statement of an earlier run is still running on the server");
    Err(fault.help("wait until it ends, then run the command again; `switchback lock` shows it"))
}
