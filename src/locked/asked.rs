//! What a run whose connection is lost asks in a session of its own: what became of what was under way.

use std::time::Duration;

use super::Locked;
use crate::engine::{Access, Session};
use crate::fault::Result;
use crate::ledger::Entry;
use crate::store::{self, own, state, unreachable};

/// How a database stands behind what a run knows to be written.
pub struct Asked {
    /// The ledger's rows behind the last one that it knows of.
    pub rows: Vec<Entry>,
    /// The session in which its scripts run is still there.
    pub is_at_work: bool,
    /// A step has begun and not ended.
    pub is_half_way: bool,
}

impl Locked {
    /// Whether the server has ended the scripts' session. Behind a failure only: it ends a transaction.
    pub async fn is_cut_off(&mut self) -> bool {
        self.engine.dialect().locks && self.work.batch("ROLLBACK").await.is_err()
    }

    /// How the database stands behind what this run knows to be written, asked in a session of its own.
    pub async fn asked(&self) -> Result<Asked> {
        let opened = store::open(self.engine, &self.target, Access::ReadOnly, Duration::ZERO).await;
        let mut session = opened.map_err(|error| unreachable(&self.target, &error))?;
        let asked = self.asked_in(session.as_mut()).await;
        session.close().await;
        asked
    }

    async fn asked_in(&self, session: &mut dyn Session) -> Result<Asked> {
        // In this order: whoever is gone by then writes nothing any more.
        let holders = self.engine.holders(session, &self.names, None).await;
        let holders = holders.map_err(|error| own("asking who is at work", &error))?;
        let server = self.work.server();
        let is_at_work = holders.work.is_some_and(|held| server.is_pooled() || held.is(server.backend.as_deref()));
        let rows = store::entries(self.engine, &self.names, session, self.head.seq, i64::MAX).await?;
        let is_half_way = state(self.engine, &self.names, session).await?.open.is_some();
        Ok(Asked { rows, is_at_work, is_half_way })
    }
}
