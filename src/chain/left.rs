//! What scripts leave in their session, and how it is put back.

use super::Chain;
use crate::class;
use crate::engine::{DbError, Said};
use crate::fault::Result;
use crate::sql::Script;
use crate::store;

/// What scripts can have left in their session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Left {
    Nothing,
    /// What rows leave by the way: values of sequences, and what triggers say.
    Little,
    /// They say something of their session, or run code that is not in their text.
    Anything,
}

impl Left {
    pub(super) fn by(script: &Script) -> Left {
        if class::touches_session(script) || class::is_opaque(script) {
            Left::Anything
        } else if class::is_plain(script) {
            Left::Nothing
        } else {
            Left::Little
        }
    }
}

impl Chain {
    /// What has to be said behind scripts in their transaction. There is no ledger here that their settings could reach: they
    /// can only change what is read of the schema.
    pub(super) fn settling(&self) -> &'static str {
        let sql = &self.engine.dialect().sql;
        match self.left {
            Left::Nothing => "",
            Left::Little => sql.fire_deferred,
            Left::Anything => sql.settle,
        }
    }

    /// Ends a transaction with `last` and puts the session back, in one message where that can be.
    pub(super) async fn close_with(&mut self, last: &str, touches: bool) -> Result<std::result::Result<(), DbError>> {
        if touches && !self.engine.dialect().resets {
            let closed = self.session.batch(last).await.map(drop);
            self.reset(touches).await?;
            return Ok(closed);
        }
        if let Err(error) = self.session.batch(&[last, self.resetting()].concat()).await {
            return Ok(Err(error));
        }
        if std::mem::replace(&mut self.left, Left::Nothing) > Left::Nothing {
            store::prepare(self.session.as_mut(), self.engine.dialect(), &self.prepared).await?;
        }
        Ok(Ok(()))
    }

    /// Takes back what a transaction did. An error may have done so already, which is no error.
    pub(super) async fn roll_back(&mut self, touches: bool) -> Result<()> {
        match self.close_with("ROLLBACK;\n", touches).await? {
            Ok(()) => Ok(()),
            Err(_) => self.reset(touches).await,
        }
    }

    /// Puts the session back to what the engine's own client would have.
    pub(super) async fn reset(&mut self, touched: bool) -> Result<()> {
        if touched && !self.engine.dialect().resets {
            let fresh = self.shadow.open().await?;
            std::mem::replace(&mut self.session, fresh).close().await;
        } else if self.left == Left::Nothing {
            return Ok(());
        } else {
            self.own(self.resetting()).await?;
        }
        self.left = Left::Nothing;
        store::prepare(self.session.as_mut(), self.engine.dialect(), &self.prepared).await
    }

    fn resetting(&self) -> &'static str {
        let sql = &self.engine.dialect().sql;
        match self.left {
            Left::Nothing => "",
            Left::Little => sql.reset_plain,
            Left::Anything => sql.reset,
        }
    }

    pub(super) async fn own(&mut self, sql: &str) -> Result<()> {
        let done = self.session.batch(sql).await;
        done.map(drop).map_err(|error| store::own("preparing the shadow", &error))
    }

    pub(super) async fn begin(&mut self, mark: &str) -> Result<()> {
        let begun = self.session.say(&[Said::Once(self.engine.dialect().sql.begin), Said::Often(mark)]).await;
        begun.map(drop).map_err(|error| store::own("preparing the shadow", &error))
    }

    /// Opens a transaction in which things are tried and which [`undo`](Chain::undo) ends.
    pub async fn attempt(&mut self) -> Result<()> {
        self.is_trying = true;
        self.begin(self.engine.dialect().sql.mark).await
    }

    /// Rolls the attempt back.
    pub async fn undo(&mut self) -> Result<()> {
        self.is_trying = false;
        let touches = self.left == Left::Anything && !self.engine.dialect().resets;
        self.roll_back(touches).await
    }
}
