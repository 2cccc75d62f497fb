//! The lease: who acts, as the database itself names it, with a token that fences off whoever had it before.

use super::{Locked, PAUSE};
use crate::context::Context;
use crate::engine::{DbError, DbErrorKind, DbResult};
use crate::event::Event;
use crate::fault::{FaultKind, Result};
use crate::lock::{Runner, busy, holder, lease};
use crate::store::{ATTEMPTS, ATTEMPTS_ON_A_CLUSTER, explained, first, head, ledger_exists, own, pause, unreachable};

impl Locked {
    /// Takes the lease; where a file's own lock is the only one, another runner's step is waited for here.
    pub(super) async fn patiently(&mut self, context: &Context) -> Result<()> {
        let until = tokio::time::Instant::now() + self.wait;
        let mut told = false;
        loop {
            match self.take_lease().await {
                Err(fault) if fault.kind() == FaultKind::Busy && tokio::time::Instant::now() < until => {
                    context.go_on()?;
                    if !std::mem::replace(&mut told, true) {
                        let holder = holder(self.engine, &self.names, self.work.as_mut()).await;
                        context.tell(Event::Waiting { holder });
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(fault) if fault.kind() == FaultKind::Busy => {
                    let holder = holder(self.engine, &self.names, self.work.as_mut()).await;
                    return Err(busy(&holder));
                }
                other => return other,
            }
        }
    }

    async fn take_lease(&mut self) -> Result<()> {
        let (server, target) = (self.work.server().clone(), self.target.clone());
        let failed = |error: DbError| match error.kind {
            DbErrorKind::ReadOnly => unreachable(&target, &error),
            _ => explained(own("preparing the ledger", &error), &error, &server, &[]),
        };
        if !ledger_exists(self.engine, &self.names, self.work.as_mut()).await?
            && let Err(error) = self.make_ledger().await
        {
            self.rollback().await;
            return Err(failed(error));
        }
        if !self.engine.dialect().locks {
            self.refuse_between_statements().await?;
        }
        self.write_lease().await.map_err(failed)?;
        self.head = head(self.engine, &self.names, self.work.as_mut()).await?;
        self.violated = self.violations().await.map_err(failed)?;
        Ok(())
    }

    /// Writes this run into the lease; whoever had it before has an old token.
    async fn write_lease(&mut self) -> DbResult<()> {
        let sql = self.sql();
        let pid = self.runner.pid.to_string();
        let backend = self.lock.as_ref().map_or(&self.work.server().backend, |lock| &lock.backend).clone();
        let Runner { run, actor, host, what, .. } = &self.runner;
        let binds = [run, actor, host, &pid, what].map(|bind| Some(bind.as_str()));
        let binds = [&binds[..], &[backend.as_deref()]].concat();
        let taken = self.work.rows(&self.names.fill(sql.lease_take), &binds).await?;
        self.token = match first(taken) {
            Some(token) => token,
            None if self.engine.leases(self.work.server()) => {
                return Err(DbError::new(DbErrorKind::Conflict, "another run has taken the lock meanwhile"));
            }
            // Under the run's lock nobody else raises it. Where there is none, what is read by itself may be another's.
            None => first(self.work.batch(&self.names.fill(sql.fence)).await?).unwrap_or_default(),
        };
        Ok(())
    }

    /// # Errors
    /// Busy while a process that is alive stands between two statements of a step: where a file's own lock is the only one, it
    /// is free then.
    async fn refuse_between_statements(&mut self) -> Result<()> {
        let failed = |error: DbError| own("reading the lease", &error);
        let Some(holder) = lease(self.engine, &self.names, self.work.as_mut()).await.map_err(failed)? else {
            return Ok(());
        };
        let holders =
            self.engine.holders(self.work.as_mut(), &self.names, holder.backend.as_deref()).await.map_err(failed)?;
        if holders.run.is_some() && self.state().await?.open.is_some() {
            return Err(busy(&holder.to_string()));
        }
        Ok(())
    }

    /// In the transaction that begins a step without one around it: until [`Locked::end_step`], nobody else acts in between.
    pub async fn begin_step(&mut self) -> Result<()> {
        if !self.engine.dialect().locks {
            self.write_lease().await.map_err(|error| own("taking the lease", &error))?;
        }
        self.is_journalling = true;
        Ok(())
    }

    /// Goes on with a step that was begun before, under the lease that was taken with the lock.
    pub fn resume_step(&mut self) {
        self.is_journalling = true;
    }

    /// The step's last row is in the ledger.
    pub fn end_step(&mut self) {
        self.is_journalling = false;
    }

    /// How often what met a lock or a conflict is tried again.
    pub(crate) fn attempts(&self) -> u32 {
        if self.engine.leases(self.work.server()) { ATTEMPTS_ON_A_CLUSTER } else { ATTEMPTS }
    }

    /// Rolls back, and keeps what is to go with the next COMMIT.
    pub async fn undo(&mut self) {
        // An error is of no interest: the next transaction meets it again.
        let _ = self.end("ROLLBACK").await;
    }

    /// Commits a transaction that [`Locked::begin_own`] has begun; begun again where a conflict undid it, as certification on a cluster
    /// does at the COMMIT itself: nothing of it has taken effect then.
    pub async fn commit_own(&mut self, what: &str) -> Result<()> {
        for attempt in 1..self.attempts() {
            let queued = self.queued.clone();
            match self.commit().await {
                Err(error) if error.kind == DbErrorKind::Conflict && self.engine.dialect().locks => {}
                ended => return ended.map_err(|error| own(what, &error)),
            }
            self.undo().await;
            tokio::time::sleep(pause(attempt)).await;
            self.begin_own().await?;
            self.queued = queued;
        }
        self.commit().await.map_err(|error| own(what, &error))
    }

    async fn make_ledger(&mut self) -> DbResult<()> {
        let sql = self.sql();
        self.work.batch(&self.names.fill(sql.ledger_create)).await?;
        for guard in sql.ledger_guard {
            match self.work.batch(&self.names.fill(guard)).await {
                // The chain of hashes alone tells then.
                Err(error) if error.kind != DbErrorKind::Privilege => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}
