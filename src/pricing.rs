//! What a plan costs: what was seen in its rehearsal, put beside what the live database has. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::Database;
use crate::fault::Result;
use crate::ledger::Entry;
use crate::plan::{Direction, Plan, Step};
use crate::price::{LastTime, Price, Running, StatementPrice, StepPrice, TableSize, bare};
use crate::rehearse::Rehearsed;
use crate::sql::Flavor;
use crate::store::own;

/// So many rows of the ledger are read with one query.
const PAGE: i64 = 500;

/// Everything that is known of what the plan will cost on this database.
pub async fn price(database: &mut Database, plan: &Plan, rehearsed: Rehearsed) -> Result<Price> {
    let names = plan.steps.iter().zip(&rehearsed.steps).map(|(step, done)| names(step, &done.statements));
    let names: Vec<BTreeSet<String>> = names.collect();
    let all: BTreeSet<String> = names.iter().flatten().cloned().collect();
    let sizes = sizes(database, &all).await?;
    let running = blockers(database, &all).await?;
    let mut last = last_times(database, plan).await?;
    let steps = plan.steps.iter().zip(rehearsed.steps).zip(names);
    let steps = steps.map(|((step, done), names)| {
        let outside = done.statements.iter().filter(|one| one.outside).map(|one| one.place.clone()).collect();
        StepPrice {
            id: step.migration.id.clone(),
            direction: step.direction,
            tables: sizes.iter().filter(|size| names.contains(&bare(&size.table))).cloned().collect(),
            statements: done.statements,
            rehearsed_ms: done.millis,
            last: last.remove(&(step.migration.id.to_string(), step.direction == Direction::Up)),
            outside,
        }
    });
    Ok(Price { steps: steps.collect(), running })
}

/// How large the tables are whose name, in lower case and without its schema, is among `names`.
pub async fn sizes(database: &mut Database, names: &BTreeSet<String>) -> Result<Vec<TableSize>> {
    let engine = database.engine();
    let read = engine.sizes(database.session(), names).await;
    let mut sizes = read.map_err(|error| own("reading the sizes of tables", &error))?;
    if engine.dialect().flavor == Flavor::Sqlite {
        // Nothing keeps count there; where the size was read, the file is small enough to count.
        let small: Vec<&mut TableSize> = sizes.iter_mut().filter(|size| size.bytes.is_some()).collect();
        let objects: Vec<String> = small.iter().map(|size| format!("table {}", size.table)).collect();
        for (size, rows) in small.into_iter().zip(database.count(&objects).await) {
            size.rows = rows;
        }
    }
    Ok(sizes)
}

/// Who stands in the way of somebody who locks these tables, now.
pub async fn blockers(database: &mut Database, names: &BTreeSet<String>) -> Result<Running> {
    let engine = database.engine();
    let read = engine.running(database.session(), names).await;
    read.map_err(|error| own("asking which sessions are at work", &error))
}

/// Names by which tables of a step are found: those in its script, and those of the tables that were locked.
fn names(step: &Step, statements: &[StatementPrice]) -> BTreeSet<String> {
    let locked = statements.iter().flat_map(|one| &one.locks).map(|lock| bare(&lock.table));
    step.script().map(|script| script.names()).unwrap_or_default().into_iter().chain(locked).collect()
}

/// When each step last ran on this database, by migration and whether it was its up; the same version before any other.
async fn last_times(database: &mut Database, plan: &Plan) -> Result<BTreeMap<(String, bool), LastTime>> {
    let digests: BTreeMap<String, String> =
        plan.steps.iter().map(|step| (step.migration.id.to_string(), step.migration.digest().to_string())).collect();
    let mut last: BTreeMap<(String, bool), LastTime> = BTreeMap::new();
    if plan.base.seq == 0 {
        return Ok(last);
    }
    let mut after = 0;
    loop {
        let rows = database.entries(after, PAGE).await?;
        let Some(end) = rows.last().map(Entry::seq) else { return Ok(last) };
        after = end;
        for row in &rows {
            let Some((key, time)) = time_of(row, &digests) else { continue };
            if last.get(&key).is_none_or(|known| known.other_version || !time.other_version) {
                last.insert(key, time);
            }
        }
    }
}

fn time_of(row: &Entry, digests: &BTreeMap<String, String>) -> Option<((String, bool), LastTime)> {
    let is_up = match (row.get("event")?, row.get("phase")?) {
        ("apply", "done") => true,
        ("revert", "done") => false,
        _ => return None,
    };
    let id = row.get("migration")?;
    let digest = digests.get(id)?;
    let millis = u64::try_from(row.number("duration_ms")?).ok()?;
    let at = row.get("started_at")?.to_owned();
    Some(((id.to_owned(), is_up), LastTime { millis, at, other_version: row.get("digest") != Some(digest) }))
}
