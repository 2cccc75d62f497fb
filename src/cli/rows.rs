//! Real rows for a shadow, masked.

use std::sync::Arc;

use clap::Args;

use super::{App, ui};
use crate::database::Database;
use crate::fault::Result;
use crate::finding::counted;
use crate::migration::Migration;
use crate::plan::Step;
use crate::real::Sample;
use crate::sample::{self, Wanted};
use crate::sql::Script;

/// How many rows of each table; `None`: all.
#[derive(Clone, Copy, Debug)]
pub struct Count(Option<usize>);

fn count(text: &str) -> std::result::Result<Count, String> {
    match text.parse() {
        _ if text == "all" => Ok(Count(None)),
        Ok(rows @ 1..=1_000_000) => Ok(Count(Some(rows))),
        _ => Err("it takes a number from 1 to 1000000, or `all`".to_owned()),
    }
}

/// On which rows a plan is rehearsed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct WithData {
    /// Rehearse on the database's own rows: so many of each table (100 where nothing is said) and those that they refer to, or all.
    /// They stand in the shadow only, with columns masked as [mask] says
    #[arg(long, value_name = "N|all", num_args = 0..=1, default_missing_value = "100", require_equals = true, value_parser = count)]
    pub with_data: Option<Count>,
}

impl WithData {
    /// The rows that are wanted, in front of these steps; `None` where none are.
    ///
    /// # Errors
    /// A mask that fits nothing; what the database says.
    pub async fn take(self, app: &App, steps: &[Step]) -> Result<Option<Arc<Sample>>> {
        let Some(Count(rows)) = self.with_data else { return Ok(None) };
        // All is read as of one moment, in a session of its own.
        let database = app.database().await?;
        let name = database.target().shown();
        let sample = taken(app, database, name, rows, steps.iter().map(|step| &*step.migration)).await?;
        tell(app, &sample, "into the shadow");
        Ok(Some(Arc::new(sample)))
    }
}

/// Rows of a database, which is closed behind that. A mask may be for what the scripts `to_come` make.
///
/// # Errors
/// As [`sample::sample`].
pub async fn taken<'a>(
    app: &App,
    mut database: Database,
    name: String,
    rows: Option<usize>,
    to_come: impl Iterator<Item = &'a Migration>,
) -> Result<Sample> {
    let to_come = to_come.flat_map(Migration::scripts).flat_map(Script::names);
    let to_come = to_come.map(|name| name.to_lowercase()).collect();
    let wanted = Wanted { name, rows, masks: &app.config.masks, to_come };
    let sample = sample::sample(&mut database, &wanted).await;
    database.close().await;
    sample
}

/// Tells a person what was taken.
pub fn tell(app: &App, sample: &Sample, more: &str) {
    if app.voice == ui::Voice::Human {
        let tables = sample.tables.values().filter(|taken| !taken.rows.is_empty()).count();
        let (rows, tables) = (counted(sample.count(), "row"), counted(tables, "table"));
        ui::talk(&format!("taking {rows} of {tables} of {}, {more}\n", sample.name));
    }
}
