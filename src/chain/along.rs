//! Along the migrations: the ups that a chain has not run yet.

use super::{AT_ONCE_BYTES, Chain, Manner};
use crate::class;
use crate::fault::{Fault, FaultKind, Result};
use crate::judge::Refusal;
use crate::migration::Migration;
use crate::snapshot::Snapshot;

/// Each statement of DDL holds locks until its transaction ends, and a server has so many.
const MOST_TOGETHER: usize = 100;

impl Chain {
    /// How many of the first of these have ups that leave the same behind them in one transaction as each in its own.
    fn may_go_together(&self, ran: &[&Migration]) -> usize {
        let mut length = 0;
        let fits = |migration: &&&Migration| {
            length += migration.up.text().len();
            length <= AT_ONCE_BYTES
                && migration.settings.session.as_deref().unwrap_or_default() == self.prepared
                && self.manner(&migration.up, migration.settings.transaction.up) == Manner::OneTransaction
                && class::is_plain(&migration.up)
        };
        ran.iter().take(MOST_TOGETHER).take_while(fits).count()
    }

    /// Runs ups in one transaction. Gives whether nothing was refused; else nothing has happened.
    async fn run_together(&mut self, migrations: &[&Migration]) -> Result<bool> {
        self.own(self.engine.dialect().sql.begin).await?;
        let texts = migrations.iter().flat_map(|migration| {
            let up = &migration.up;
            up.statements()[class::sent(up)].iter().map(|statement| up.sql(statement))
        });
        let ran = self.all_of(&texts.collect::<Vec<_>>().join("\n;\n")).await;
        if self.interrupt.count() > 0 {
            return Err(Fault::refused("stopped on request; the shadow is dropped"));
        }
        let is_fine = ran.is_ok() && self.check("", self.engine.dialect().sql.constraints).await.is_ok();
        if is_fine && self.close_with("COMMIT;\n", false).await?.is_ok() {
            return Ok(true);
        }
        self.roll_back(false).await?;
        Ok(false)
    }

    /// Runs the ups of `ran` that it has not run yet.
    ///
    /// # Errors
    /// When one fails that had been proven: the shadow is not what the proofs were made in.
    pub async fn advance(&mut self, ran: &[&Migration]) -> Result<()> {
        // Behind a refusal, as far as those go that were tried together.
        let mut one_by_one = 0;
        while let Some(migration) = ran.get(self.at) {
            self.prepare(migration).await?;
            let many = if self.at < one_by_one { 0 } else { self.may_go_together(&ran[self.at..]) };
            if many > 1 {
                if self.run_together(&ran[self.at..][..many]).await? {
                    self.at += many;
                    continue;
                }
                one_by_one = self.at + many;
            }
            let manner = self.manner(&migration.up, migration.settings.transaction.up);
            if let Err(refusal) = self.run_at_once(&migration.up, manner).await? {
                return Err(refused_up(migration, &refusal));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Runs the up of `migration`, which comes next, and gives the schema behind it from the one before it.
    ///
    /// # Errors
    /// When it fails.
    pub async fn advance_and_read(&mut self, migration: &Migration, before: &Snapshot) -> Result<Snapshot> {
        self.prepare(migration).await?;
        let manner = self.manner(&migration.up, migration.settings.transaction.up);
        let ran = self.run_and_read(&migration.up, manner, before).await?;
        let (_, after) = ran.map_err(|refusal| refused_up(migration, &refusal))?;
        self.at += 1;
        Ok(after)
    }
}

fn refused_up(migration: &Migration, refusal: &Refusal) -> Fault {
    refusal.fault(FaultKind::Refused, format!("the up of `{}` fails in the shadow", migration.id))
}
