//! Marking: what another client has run is written into the ledger, on a person's word and the live schema's.
//!
//! Nothing is run. The steps have their warrants as if they were to be run (I1), and their scripts are kept (I3); whoever
//! calls has compared the live schema with a replay, and it is looked at again under the run's lock.

use crate::adopt::{Basis, require_unmoved};
use crate::context::Context;
use crate::fault::Result;
use crate::ledger::{Entry, Phase};
use crate::locked::Locked;
use crate::plan::{Direction, Proven};
use crate::sql::Script;
use crate::step::{Provenance, described};
use crate::store::own;

/// What the rows say of how it was run.
const DETAIL: &str = "marked: run by another client";

/// Writes a row for each step, all in one transaction. Gives the rows' numbers.
///
/// # Errors
/// Overtaken when the ledger or the schema is not any more what was compared.
pub async fn mark(
    locked: &mut Locked,
    basis: &Basis<'_>,
    plan: &Proven,
    provenance: &Provenance,
    context: &Context,
) -> Result<Vec<i64>> {
    let ups = plan.steps().iter().filter(|(step, _)| step.direction == Direction::Up);
    let scripts: Vec<&Script> = ups.flat_map(|(step, _)| step.migration.kept()).collect();
    if !scripts.is_empty() {
        locked.keep_scripts(&scripts).await?;
    }
    context.go_on()?;
    locked.begin_own().await?;
    let written = match require_unmoved(locked, basis).await {
        Ok(()) => rows(locked, basis, plan, provenance, context).await,
        Err(fault) => Err(fault),
    };
    if written.is_err() {
        locked.rollback().await;
    }
    let seqs = written?;
    locked.read_back().await?;
    Ok(seqs)
}

/// Writes the rows and commits.
async fn rows(
    locked: &mut Locked,
    basis: &Basis<'_>,
    plan: &Proven,
    provenance: &Provenance,
    context: &Context,
) -> Result<Vec<i64>> {
    let mut seqs = Vec::with_capacity(plan.steps().len());
    for (at, (step, warrant)) in plan.steps().iter().enumerate() {
        let now = context.now();
        let is_last = at + 1 == plan.steps().len();
        let proof = warrant.to_json(step.requires.as_deref());
        let entry = Entry::new(step.act(), Phase::Done);
        let entry = described(entry, &step.migration, proof, provenance, locked.runner())
            .with_some("reverts", step.reverts.map(|seq| seq.to_string()))
            .with("detail", DETAIL)
            .with("started_at", now.clone())
            .with("finished_at", now)
            .with_some("schema_after", is_last.then(|| basis.live.weak_digest().as_str().to_owned()));
        seqs.push(locked.append(entry).seq());
    }
    locked.commit().await.map_err(|error| own("writing the ledger", &error))?;
    Ok(seqs)
}
