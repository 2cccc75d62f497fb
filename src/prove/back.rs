//! The way back: down and up again on the chain with rows, and the down over rows that were written behind the up.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Held, Pair, Rows, titles};
use crate::blind;
use crate::chain::{self, Manner};
use crate::data;
use crate::fault::Result;
use crate::judge::{Seen, When};
use crate::migration::Migration;
use crate::moves::{self, Move};
use crate::plan::Direction;
use crate::rows::Table;
use crate::snapshot::{self, Fate, Snapshot};
use crate::sql::{Flavor, Script};

impl Pair<'_> {
    /// Down and up again on the chain with rows, which is left in the state after the up.
    pub(super) async fn back(
        &mut self,
        migration: &Migration,
        down: &Script,
        with: &[&Migration],
        before: &Held,
        seen: &mut Seen,
    ) -> Result<()> {
        let mode = migration.settings.transaction;
        let manners = (self.full.manner(down, mode.down), self.full.manner(&migration.up, mode.up));
        if manners == (Manner::OneTransaction, Manner::OneTransaction) {
            self.full.attempt().await?;
            let tried = self.there_and_back(migration, down, (Manner::Inside, Manner::Inside), before, seen).await;
            self.full.undo().await?;
            tried?;
            // What fails behind a down in the same transaction may work behind its commit, which is how it is run.
            if seen.again_failed.take().is_none() {
                self.down_over_new_rows(migration, down, before, seen).await?;
                return self.also_when(migration, down, with, seen).await;
            }
        }
        self.there_and_back(migration, down, manners, before, seen).await?;
        if seen.after_again.as_ref() == Some(&seen.after_up) {
            self.feed_again(migration, seen).await?;
            self.again_over_new_rows(migration, down, manners, (before, with), seen).await?;
        } else {
            self.full = self.replaced(Rows::Bold, with, &seen.after_up.clone()).await?;
        }
        self.also_when(migration, down, with, seen).await
    }

    async fn there_and_back(
        &mut self,
        migration: &Migration,
        down: &Script,
        manners: (Manner, Manner),
        before: &Held,
        seen: &mut Seen,
    ) -> Result<()> {
        seen.unexercised.retain(|statement| statement.direction == Direction::Up);
        let (touched, after_down) = match self.full.run_and_read(down, manners.0, &seen.after_up).await? {
            Ok(ran) => ran,
            Err(refusal) => {
                seen.down_failed = Some((refusal, When::OldRows));
                return Ok(());
            }
        };
        seen.unexercised.extend(chain::unexercised(down, &touched, Direction::Down));
        let tables = self.tables(&after_down).await?;
        let after = self.full.data(&data::shaped(&before.tables, &tables)).await?;
        seen.losses = data::losses(&before.data, &after, &tables);
        let again = if after_down == seen.before && is_settled(&migration.up, &seen.before) {
            self.full.run(&migration.up, manners.1).await?.map(|_| seen.after_up.clone())
        } else {
            self.full.run_and_read(&migration.up, manners.1, &after_down).await?.map(|(_, after_again)| after_again)
        };
        match again {
            Ok(after_again) => seen.after_again = Some(after_again),
            Err(refusal) => seen.again_failed = Some(refusal),
        }
        seen.after_down = Some(after_down);
        Ok(())
    }

    /// Whether it can matter to the down that rows were written behind the up.
    async fn minds_new_rows(&mut self, down: &Script, before: &Held, seen: &Seen) -> Result<bool> {
        if before.tables.is_empty() || !before.moves.is_empty() || seen.after_up.may_have("event trigger") {
            return Ok(!before.tables.is_empty());
        }
        let names: BTreeSet<&str> = before.tables.iter().map(|table| table.title()).collect();
        let tables = self.tables(&seen.after_up).await?;
        let now: Vec<Arc<Table>> = tables.iter().filter(|table| names.contains(table.title())).cloned().collect();
        Ok(!blind::is_blind(down, &now))
    }

    /// The down over rows that were written in the new state: does it still run with what only that state allows? What it
    /// does is rolled back.
    async fn down_over_new_rows(
        &mut self,
        migration: &Migration,
        down: &Script,
        before: &Held,
        seen: &mut Seen,
    ) -> Result<()> {
        if seen.down_failed.is_some() || !self.minds_new_rows(down, before, seen).await? {
            return Ok(());
        }
        let filled = self.full.filled();
        self.full.attempt().await?;
        let tried = self.new_rows_and_down(migration, down, Manner::Inside, before, seen).await;
        self.full.undo().await?;
        self.full.set_filled(filled);
        tried.map(drop)
    }

    /// The same where nothing can be rolled back: down over new rows, and up again.
    async fn again_over_new_rows(
        &mut self,
        migration: &Migration,
        down: &Script,
        manners: (Manner, Manner),
        (before, with): (&Held, &[&Migration]),
        seen: &mut Seen,
    ) -> Result<()> {
        if !self.minds_new_rows(down, before, seen).await? {
            return Ok(());
        }
        if self.new_rows_and_down(migration, down, manners.0, before, seen).await?
            && self.full.run(&migration.up, manners.1).await?.is_ok()
        {
            return self.feed_again(migration, seen).await;
        }
        self.full = self.replaced(Rows::Bold, with, &seen.after_up.clone()).await?;
        Ok(())
    }

    /// Rows for the tables that came with the up, whose rows the down took along, and for those that lost some.
    async fn feed_again(&mut self, migration: &Migration, seen: &mut Seen) -> Result<()> {
        let came = snapshot::diff(&seen.before, &seen.after_up);
        let came = came.into_iter().filter(|change| change.kind == "table" && change.fate == Fate::Added);
        self.full.fill_anew(came.map(|change| snapshot::parts(&change.object).join(".")));
        let lost: Vec<String> = seen.losses.iter().map(|loss| loss.table.clone()).collect();
        self.feed(migration, lost, seen).await
    }

    /// Rows for new tables and for `hungry` ones in the state behind the up; what no row can be made for is noted.
    pub(super) async fn feed(
        &mut self,
        migration: &Migration,
        hungry: impl IntoIterator<Item = String>,
        seen: &mut Seen,
    ) -> Result<()> {
        let tables = self.tables(&seen.after_up).await?;
        self.full.refill_lost(hungry);
        let notes = self.full.fill_for(&tables, migration, &migration.ways()).await?;
        seen.note(notes);
        Ok(())
    }

    /// The down over rows that are written now, in the state behind the up. Gives whether it runs.
    async fn new_rows_and_down(
        &mut self,
        migration: &Migration,
        down: &Script,
        manner: Manner,
        before: &Held,
        seen: &mut Seen,
    ) -> Result<bool> {
        let tables = self.tables(&seen.after_up).await?;
        self.full.refill_with_doubles(titles(&before.tables));
        self.full.fill_for(&tables, migration, &migration.ways()).await?;
        let moved = moves::tables(before.moves.iter().map(|(_, to)| to.as_str()), &tables);
        let new = self.full.data(&moved).await?;
        let touched = match self.full.run(down, manner).await? {
            Ok(touched) => touched,
            Err(refusal) => {
                seen.down_failed = Some((refusal, When::NewRows));
                return Ok(false);
            }
        };
        // What met no row from before the up may meet one that was written after it.
        let still = chain::unexercised(down, &touched, Direction::Down);
        seen.unexercised.retain(|one| one.direction == Direction::Up || still.contains(one));
        if let (false, Some(after_down)) = (before.moves.is_empty(), seen.after_down.clone()) {
            let tables = self.tables(&after_down).await?;
            let back = moves::tables(before.moves.iter().map(|(from, _)| from.as_str()), &tables);
            let back = self.full.data(&back).await?;
            let comes_back = |(from, to): &&Move| moves::is_moved((to, &new), (from, &back));
            seen.moves = before.moves.iter().filter(comes_back).cloned().collect();
        }
        Ok(true)
    }

    /// A down that failed with rows is tried on empty tables, to say which it is.
    async fn also_when(
        &mut self,
        migration: &Migration,
        down: &Script,
        with: &[&Migration],
        seen: &mut Seen,
    ) -> Result<()> {
        let Some((refusal, when)) = &mut seen.down_failed else { return Ok(()) };
        let manner = self.empty.manner(down, migration.settings.transaction.down);
        let failed = if manner == Manner::OneTransaction {
            self.empty.attempt().await?;
            let failed = self.empty.run(down, Manner::Inside).await?.err();
            self.empty.undo().await?;
            failed
        } else {
            let failed = self.empty.run(down, manner).await?.err();
            self.empty = self.bare(with).await?;
            failed
        };
        if let Some(failed) = failed {
            *refusal = failed;
            *when = When::Always;
        }
        Ok(())
    }
}

/// Whether the schema behind an up follows from that before it, which holds no code that the up could set off.
fn is_settled(up: &Script, before: &Snapshot) -> bool {
    let has_code = ["function", "procedure", "event trigger"].iter().any(|kind| before.may_have(kind));
    (!has_code || up.flavor() != Flavor::Postgres) && blind::is_settled(up)
}
