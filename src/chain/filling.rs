//! The rows that a migration's scripts ask for.

use std::sync::Arc;

use super::Chain;
use crate::fault::Result;
use crate::finding::Finding;
use crate::migration::Migration;
use crate::rows::Table;
use crate::sql::Script;

impl Chain {
    /// As [`fill`](Chain::fill) with the literals of a migration's scripts, in front of those that run `next`: no row gets a key
    /// that their INSERTs bring.
    pub async fn fill_for(
        &mut self,
        tables: &[Arc<Table>],
        migration: &Migration,
        next: &[&Script],
    ) -> Result<Vec<Finding>> {
        let literals = migration.literals();
        let among = literals.iter().cloned().collect();
        self.filled.spare(next.iter().flat_map(|script| script.inserted_literals(&among)).collect());
        self.fill(tables, &literals).await
    }

    /// Tables (titles) that were dropped and made again get the rows that they had first.
    pub fn fill_anew(&mut self, titles: impl IntoIterator<Item = String>) {
        self.filled.forget(titles);
    }
}
