//! Rehearsing: the plan is run in a shadow that was brought to the same state, and the target is not touched.

use std::time::Instant;

use crate::chain::Chain;
use crate::context::Context;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::migration::Migration;
use crate::plan::Plan;
use crate::price::StatementPrice;
use crate::shadow::Maker;
use crate::snapshot::{Change, objects};

/// What a rehearsal showed, step by step.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    pub steps: Vec<Run>,
    /// What all steps together made of the schema.
    pub changes: Vec<Change>,
}

/// A step that ran in the shadow.
#[derive(Clone, Debug)]
pub struct Run {
    /// With the looking between its statements.
    pub millis: u64,
    pub statements: Vec<StatementPrice>,
}

/// Runs the plan's steps behind `applied`, and looks at what each statement locks.
///
/// # Errors
/// What the database says to the first step that fails, with its place.
pub async fn rehearse(maker: &mut Maker, applied: &[Migration], plan: &Plan, context: &Context) -> Result<Rehearsed> {
    let steps_of = plan.steps.iter().map(|step| &*step.migration);
    maker.look_at(applied.iter().chain(steps_of).flat_map(Migration::scripts));
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    context.tell(Event::Begins { what: "rehearsing", total: plan.steps.len() });
    let rehearsed = steps(&mut chain, applied, plan, context).await;
    context.tell(Event::Ends);
    let closed = chain.close().await;
    let steps = rehearsed?;
    closed?;
    Ok(steps)
}

async fn steps(chain: &mut Chain, applied: &[Migration], plan: &Plan, context: &Context) -> Result<Rehearsed> {
    let applied: Vec<&Migration> = applied.iter().collect();
    chain.advance(&applied).await?;
    let before = chain.snapshot().await?;
    let mut runs = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        context.go_on()?;
        context.tell(Event::Working { id: step.migration.id.clone() });
        let Some(script) = step.script() else {
            let reason = step.irreversible().unwrap_or("it has no down script");
            return Err(Fault::refused(format!("`{}` cannot be taken back: {reason}", step.migration.id)));
        };
        chain.prepare(&step.migration).await?;
        let manner = chain.manner(script, step.transaction());
        let begun = Instant::now();
        let statements = match chain.run_priced(script, manner).await? {
            Ok(statements) => statements,
            Err(refusal) => {
                let what = format!("the {} of `{}` fails in the shadow", step.direction, step.migration.id);
                return Err(refusal.fault(FaultKind::Refused, what));
            }
        };
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        runs.push(Run { millis, statements });
    }
    let after = chain.snapshot().await?;
    Ok(Rehearsed { steps: runs, changes: objects(&before, &after) })
}
