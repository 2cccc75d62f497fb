//! Rehearsing: steps are run in a shadow that was brought to the same state, and the target is not touched.

use std::sync::Arc;
use std::time::Instant;

use crate::chain::Chain;
use crate::context::Context;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::Finding;
use crate::judge::Refusal;
use crate::migration::Migration;
use crate::plan::{Direction, Step};
use crate::price::StatementPrice;
use crate::real::Sample;
use crate::shadow::Maker;
use crate::snapshot::Snapshot;

/// How closely steps are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// That they run, and the schema behind the reverts.
    Run,
    /// Besides, what each statement locks, and the schemas at both ends.
    Priced,
}

/// What a rehearsal showed.
#[derive(Clone, Debug, Default)]
pub struct Rehearsed {
    /// The schema that the steps started from.
    pub base: Option<Snapshot>,
    /// The schema behind the reverts.
    pub reverted: Option<Snapshot>,
    /// The schema behind all steps.
    pub end: Option<Snapshot>,
    /// The steps that ran.
    pub steps: Vec<Run>,
    /// Why the next one did not.
    pub refused: Option<Refusal>,
    /// What is worth saying of the rows that it ran on.
    pub notes: Vec<Finding>,
}

/// A step that ran in the shadow.
#[derive(Clone, Debug)]
pub struct Run {
    /// With the looking between its statements.
    pub millis: u64,
    /// None where nobody looked.
    pub statements: Vec<StatementPrice>,
}

impl Rehearsed {
    /// The step that the database refuses, and what it says.
    pub fn refused<'a>(&self, steps: &'a [Step]) -> Option<(&'a Step, &Refusal)> {
        Some((steps.get(self.steps.len())?, self.refused.as_ref()?))
    }

    /// # Errors
    /// What the database says to the first step that fails, with its place.
    pub fn require_all(&self, steps: &[Step]) -> Result<()> {
        let Some((step, refusal)) = self.refused(steps) else { return Ok(()) };
        let what = format!("the {} of `{}` fails in the shadow", step.direction, step.migration.id);
        Err(refusal.fault(FaultKind::Refused, what))
    }
}

/// Runs the steps behind `applied`, on real rows where there are some.
///
/// # Errors
/// When what is applied cannot be replayed, a step has no way back, or no shadow can be made; what the database says to a
/// step is no error here.
pub async fn rehearse(
    maker: &mut Maker,
    applied: &[Migration],
    steps: &[Step],
    (depth, rows): (Depth, Option<Arc<Sample>>),
    context: &Context,
) -> Result<Rehearsed> {
    let steps_of = steps.iter().map(|step| &*step.migration);
    maker.look_at(applied.iter().chain(steps_of).flat_map(Migration::scripts));
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    chain.draw_from(rows);
    context.tell(Event::Begins { what: "rehearsing", total: steps.len() });
    let rehearsed = walk(&mut chain, applied, steps, depth, context).await;
    context.tell(Event::Ends);
    let closed = chain.close().await;
    let rehearsed = rehearsed?;
    closed?;
    Ok(rehearsed)
}

async fn walk(
    chain: &mut Chain,
    applied: &[Migration],
    steps: &[Step],
    depth: Depth,
    context: &Context,
) -> Result<Rehearsed> {
    chain.advance(&applied.iter().collect::<Vec<_>>()).await?;
    let mut rehearsed = Rehearsed::default();
    if depth == Depth::Priced {
        let base = chain.snapshot().await?;
        rehearsed.notes = chain.take_real(&base).await?;
        rehearsed.base = Some(base);
    }
    let reverts = steps.iter().take_while(|step| step.direction == Direction::Down).count();
    for (at, step) in steps.iter().enumerate() {
        context.go_on()?;
        context.tell(Event::Working { id: step.migration.id.clone() });
        if at == reverts && reverts > 0 {
            rehearsed.reverted = Some(chain.snapshot().await?);
        }
        let Some(script) = step.script() else {
            let reason = step.irreversible().unwrap_or("it has no down script");
            return Err(Fault::refused(format!("`{}` cannot be taken back: {reason}", step.migration.id)));
        };
        chain.prepare(&step.migration).await?;
        let manner = chain.manner(script, step.transaction());
        let begun = Instant::now();
        let ran = match depth {
            Depth::Priced => chain.run_priced(script, manner).await?,
            Depth::Run => chain.run(script, manner).await?.map(|_| Vec::new()),
        };
        let statements = match ran {
            Ok(statements) => statements,
            Err(refusal) => {
                rehearsed.refused = Some(refusal);
                return Ok(rehearsed);
            }
        };
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        rehearsed.steps.push(Run { millis, statements });
    }
    let end = chain.snapshot().await?;
    if reverts == steps.len() {
        rehearsed.reverted = Some(end.clone());
    }
    rehearsed.end = Some(end);
    Ok(rehearsed)
}
