//! A chain with rows of a real database.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Chain;
use crate::engine::DbError;
use crate::fault::Result;
use crate::finding::Finding;
use crate::judge::Refusal;
use crate::pour;
use crate::real::Sample;
use crate::rows::Table;
use crate::snapshot::Snapshot;
use crate::sql::Script;
use crate::store;
use crate::withhold::withhold;

/// What a chain has to do with real rows.
#[derive(Clone, Debug, Default)]
pub struct Source {
    sample: Option<Arc<Sample>>,
    /// Some stand there, or have stood there, so that what the server says may hold a value.
    holds: bool,
    /// Names of the schema, in lower case; they may be told.
    names: BTreeSet<String>,
}

impl Chain {
    /// Takes rows of this sample from now on, for tables that are filled first.
    pub fn draw_from(&mut self, sample: Option<Arc<Sample>>) {
        self.source.sample = sample;
    }

    /// Whether a table (title) holds real rows.
    pub fn is_real(&self, title: &str) -> bool {
        self.filled.is_real(title)
    }

    /// The names of a schema may be told where real rows stand.
    pub fn may_name(&mut self, schema: &Snapshot) {
        if self.source.sample.is_some() {
            let parts = schema.lines().flat_map(|line| line.object.split('.'));
            self.source.names.extend(parts.map(|part| part.trim_matches(['"', '`']).to_lowercase()));
        }
    }

    /// Puts real rows into tables that have none yet; what is refused is noted.
    pub(super) async fn pour(&mut self, tables: &[Arc<Table>]) -> Result<Vec<Finding>> {
        let Some(sample) = self.source.sample.clone() else { return Ok(Vec::new()) };
        let poured = pour::pour(self.engine, self.session.as_mut(), &sample, tables, &self.filled).await;
        let poured = poured.map_err(|error| store::own("putting rows into the shadow", &self.told(&error)))?;
        self.source.holds |= !poured.tables.is_empty();
        self.filled.take(poured.tables);
        let notes = poured.refused.iter().map(|(table, (count, error))| {
            let rows = crate::finding::counted(*count, "row");
            let message = format!("{rows} of {table} of {} did not fit: {}", sample.name, self.told(error));
            Finding::note("rows-left-out", message).object(format!("table {table}"))
        });
        Ok(notes.collect())
    }

    /// Real rows, where there are some, in all tables of the schema in which this stands; what is refused is noted.
    pub async fn take_real(&mut self, schema: &Snapshot) -> Result<Vec<Finding>> {
        if self.source.sample.is_none() {
            return Ok(Vec::new());
        }
        self.may_name(schema);
        let tables = self.tables(None).await?;
        self.pour(&tables).await
    }

    /// Real rows alone; gives the tables (titles) that are left empty because there are none for them.
    pub async fn fill_really(&mut self, tables: &[Arc<Table>]) -> Result<BTreeSet<String>> {
        self.pour(tables).await?;
        let new = |title: &String| self.filled.is_new(title);
        let empty: BTreeSet<String> = tables.iter().map(|table| table.title().to_owned()).filter(new).collect();
        self.filled.skip(empty.iter().cloned());
        Ok(empty)
    }

    /// As [`fill_mildly`](Chain::fill_mildly), with made-up rows alone.
    pub async fn fill_without_real(&mut self, tables: &[Arc<Table>]) -> Result<Vec<Finding>> {
        let sample = self.source.sample.take();
        let filled = self.fill_mildly(tables).await;
        self.source.sample = sample;
        filled
    }

    /// What may be told of an error.
    pub(super) fn told(&self, error: &DbError) -> DbError {
        if self.source.holds { withhold(error, &self.source.names) } else { error.clone() }
    }

    /// A refusal as it may be told.
    pub(super) fn refusal(&self, script: &Script, index: usize, error: DbError) -> Refusal {
        let error = if self.source.holds {
            let names = self.source.names.iter().cloned().chain(script.names()).collect();
            withhold(&error, &names)
        } else {
            error
        };
        Refusal { script: script.clone(), index, error }
    }
}
