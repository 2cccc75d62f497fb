//! Recovering: behind which statement did a run stop?
//!
//! The journal tells what was about to be run; only the database tells what took effect. A shadow is brought to the same
//! state and walks the step's statements; the live schema is compared with the shadow's before and after the statement
//! in doubt. What fits neither is not guessed.

use std::collections::BTreeSet;

use crate::chain::Chain;
use crate::class::{self, Kind};
use crate::fault::{Fault, FaultKind, Result};
use crate::journalled::text_of;
use crate::ledger::Open;
use crate::migration::Migration;
use crate::plan::Step;
use crate::sha::Sha;
use crate::shadow::Maker;
use crate::snapshot::{self, Snapshot};
use crate::sql::Script;

/// What a person says of a statement that leaves no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InDoubt {
    /// It has not run, or may run twice.
    Rerun,
    /// It has run.
    Skip,
}

/// The number of the step's statements that have taken effect on the live database.
///
/// # Errors
/// Half-way when the script was edited before that point, or when the live schema is neither the one before nor the one
/// after the statement in doubt; the difference is shown.
pub async fn stands_behind(
    maker: &mut Maker,
    applied: &[Migration],
    step: &Step,
    open: &Open,
    live: &Snapshot,
    in_doubt: Option<InDoubt>,
) -> Result<usize> {
    let Some(script) = step.script() else { return Err(Fault::bug("a step without a script was begun")) };
    same_so_far(script, open)?;
    maker.look_at(applied.iter().flat_map(Migration::scripts).chain([script]));
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    let found = compare(&mut chain, applied, (&step.migration, script), open, live, in_doubt).await;
    let closed = chain.close().await;
    let found = found?;
    closed?;
    Ok(found)
}

/// What has run must be what the script still says.
fn same_so_far(script: &Script, open: &Open) -> Result<()> {
    let units = class::units(script);
    for (number, journalled) in open.units.iter().filter(|(number, _)| *number <= open.done) {
        let unit = units.iter().find(|unit| unit.end == *number);
        if unit.is_some_and(|unit| Sha::of(text_of(script, unit).as_bytes()) == *journalled) {
            continue;
        }
        let what = format!("statement {number} of `{}` has run, and the script says something else now", open.id);
        let fault = Fault::new(FaultKind::HalfWay, what);
        let fault = match unit {
            Some(unit) => fault.at(script.place(script.statements()[unit.start].span.start)),
            None => fault,
        };
        return Err(fault.help("put the statements that have run back as they were; those behind them may be mended"));
    }
    Ok(())
}

async fn compare(
    chain: &mut Chain,
    applied: &[Migration],
    (migration, script): (&Migration, &Script),
    open: &Open,
    live: &Snapshot,
    in_doubt: Option<InDoubt>,
) -> Result<usize> {
    let applied: Vec<&Migration> = applied.iter().collect();
    chain.advance(&applied).await?;
    chain.prepare(migration).await?;
    let units = class::units(script);
    for unit in units.iter().filter(|unit| unit.end <= open.done) {
        let ran = chain.run_unit(script, unit.clone()).await;
        ran.map_err(|refusal| {
            refusal.fault(FaultKind::HalfWay, "a statement that ran on the database fails in the shadow")
        })?;
    }
    let before = chain.snapshot().await?;
    let live = &without_unfinished(live, &before);
    let Some(unit) = units.iter().find(|unit| unit.start >= open.done) else { return Ok(open.done) };
    let doubtful = &script.statements()[unit.start];
    let as_before = before.weak_digest() == live.weak_digest();
    if class::classify(script, doubtful).kind == Kind::Dml && as_before {
        // Its journal row is in its own transaction: not journalled is not done.
        return Ok(unit.start);
    }
    // A statement that fails in the shadow as well cannot have taken effect as a whole.
    let after = match chain.run_unit(script, unit.clone()).await {
        Ok(()) => Some(chain.snapshot().await?),
        Err(_) => None,
    };
    let as_after = after.as_ref().is_some_and(|after| after.weak_digest() == live.weak_digest());
    match (as_before, as_after) {
        (true, false) => Ok(unit.start),
        (false, true) => Ok(unit.end),
        (true, true) if in_doubt == Some(InDoubt::Skip) => Ok(unit.end),
        (true, true) if in_doubt == Some(InDoubt::Rerun) || is_repeatable(script, unit.start) => Ok(unit.start),
        (true, true) => {
            let what = format!(
                "statement {} of `{}` leaves no trace in the schema, so nobody can tell whether it ran",
                unit.end, open.id
            );
            let fault = Fault::new(FaultKind::HalfWay, what).at(script.place(doubtful.span.start));
            Err(fault
                .help("say what you found out: `--in-doubt rerun` runs it again, `--in-doubt skip` goes on behind it"))
        }
        (false, false) => {
            let what = format!(
                "the live schema is neither the one before nor the one after statement {} of `{}`",
                unit.end, open.id
            );
            let fault = Fault::new(FaultKind::HalfWay, what).at(script.place(doubtful.span.start));
            let changes = snapshot::diff(&before, live);
            let lines = changes.iter().take(20).flat_map(|change| {
                std::iter::once(change.title()).chain(change.lines.iter().take(10).map(|line| format!("  {line}")))
            });
            let fault = lines.fold(fault.cause("against the state before it:"), Fault::cause);
            Err(fault.help("bring the schema to one of the two states by hand, then run the command again"))
        }
    }
}

/// The live schema without the indexes that a concurrent build began and did not end: it clears them away when it is run
/// again.
fn without_unfinished(live: &Snapshot, before: &Snapshot) -> Snapshot {
    let known: BTreeSet<&str> = before.of_kind("index").map(|line| line.object.as_str()).collect();
    let invalid = live.of_kind("index").filter(|line| line.property == "valid" && line.value == "no");
    let unfinished: BTreeSet<&str> =
        invalid.map(|line| line.object.as_str()).filter(|it| !known.contains(it)).collect();
    live.filtered(|line| !(line.kind == "index" && unfinished.contains(line.object.as_str())))
}

/// `CREATE OR REPLACE TABLE` loses rows when it is run again.
fn creates_table(script: &Script, index: usize) -> bool {
    script.statements().get(index).is_some_and(|statement| {
        script.sql(statement).split_whitespace().nth(3).is_some_and(|word| word.eq_ignore_ascii_case("table"))
    })
}

/// Statements that may run twice without harm although no schema shows whether they ran.
fn is_repeatable(script: &Script, index: usize) -> bool {
    let Some(statement) = script.statements().get(index) else { return true };
    let first: Vec<String> = script.sql(statement).split_whitespace().take(3).map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = first.iter().map(String::as_str).collect();
    matches!(words.as_slice(), ["TRUNCATE" | "ANALYZE" | "OPTIMIZE" | "VACUUM" | "REINDEX" | "SET", ..])
        || matches!(words.as_slice(), ["CREATE", "OR", "REPLACE"])
            && !class::classify(script, statement).opaque
            && !creates_table(script, index)
}
