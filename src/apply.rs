//! Applying a proven plan: step by step, each recorded in the ledger.
//!
//! Where DDL is transactional, a step and its ledger row are one transaction. Where it is not, the step's `started` row
//! and a journal tell after a crash which statement was the last that took effect. Only a [`Proven`] plan gets here.

use std::time::Instant;

use crate::amendments::Amendment;
use crate::break_lock;
use crate::conditional::{Clause, Conditional};
use crate::context::Context;
use crate::engine::Dialect;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, Severity};
use crate::ledger::{Act, Entry, Phase};
use crate::locked::Locked;
use crate::migration::{Migration, units};
use crate::plan::{Direction, Proven, Step};
use crate::sha::Sha;
use crate::snapshot::Snapshot;
use crate::sql::Script;
use crate::step::{Done, Ends, Run, described, is_whole, needs_session};
pub use crate::step::{Provenance, Resume};

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub steps: Vec<Done>,
    pub schema_before: Option<Sha>,
    pub schema_after: Option<Sha>,
}

/// Runs a plan.
///
/// # Errors
/// Half-way (exit 4) when something has taken effect and the rest has not; otherwise what stopped the first step.
pub async fn apply(
    locked: &mut Locked,
    plan: &Proven,
    resume: Option<&Resume>,
    provenance: &Provenance,
    context: &Context,
) -> Result<Report> {
    match all(locked, plan, resume, provenance, context).await {
        Err(fault) => Err(break_lock::told(locked, fault).await),
        done => done,
    }
}

async fn all(
    locked: &mut Locked,
    plan: &Proven,
    resume: Option<&Resume>,
    provenance: &Provenance,
    context: &Context,
) -> Result<Report> {
    let mut report = Report::default();
    refuse_pooled(locked, plan)?;
    keep_scripts(locked, plan).await?;
    let live = locked.snapshot().await?;
    let before = live.weak_digest();
    // A step that is gone on with left its schema half-way; where it stands was found out by comparing with a shadow.
    let drifts = resume.is_none() && plan.first_from().is_some_and(|from| *from != before);
    if drifts {
        context.tell(Event::Warning(drift("the live schema is not the one that the proof started from", &live)));
        unmade(plan, &live).into_iter().for_each(|finding| context.tell(Event::Warning(finding)));
    }
    report.schema_before = Some(before);
    context.tell(Event::Begins { what: "running", total: plan.steps().len() });
    let (mut told, dialect) = (0, locked.engine().dialect());
    for at in units(plan.steps(), |(one, _), (other, _)| is_one(dialect, one, other)) {
        let (step, warrant) = &plan.steps()[at.start];
        let mates = &plan.steps()[at.start + 1..at.end];
        let next = plan.steps().get(at.end).map(|(step, _)| step);
        let whole = is_whole(dialect, step);
        let ends = Ends {
            before: report.schema_before.clone().filter(|_| at.start == 0),
            last: next.is_none(),
            owes: !whole && next.is_some_and(|next| !is_whole(dialect, next)),
        };
        let begun = Instant::now();
        let mut run = Run { locked, provenance, context, step, warrant, mates, ends, begun, started_at: context.now() };
        let stepped = run.step(whole, resume.filter(|_| at.start == 0)).await.map(|(done, after)| {
            report.steps.extend(done);
            report.schema_after = after;
        });
        let ready = match stepped {
            Ok(()) => locked.put_back().await.and_then(|()| if next.is_some() { context.go_on() } else { Ok(()) }),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = ready {
            // Where this fails too, the first fault says more, and the journal has what the row would have said.
            let _ = locked.flush().await;
            tell(locked, context, &report, told);
            report.steps.retain(|done| done.seq <= locked.head().seq);
            return Err(stopped(fault, &report, plan));
        }
        told = tell(locked, context, &report, told);
    }
    context.tell(Event::Ends);
    locked.read_back().await?;
    // Where it was another schema before, it is another one now.
    if !drifts && report.schema_after.as_ref().is_some_and(|after| plan.last_to().is_some_and(|to| to != after)) {
        context.tell(Event::Warning(drift("the schema after the run is not the one that was proven", &live)));
    }
    Ok(report)
}

/// # Errors
/// Refused, with a finding for each step that needs a session of its own where a pooler keeps none for us.
fn refuse_pooled(locked: &Locked, plan: &Proven) -> Result<()> {
    if !locked.server().is_pooled() {
        return Ok(());
    }
    let dialect = locked.engine().dialect();
    let findings = plan.steps().iter().filter_map(|(step, _)| needs_session(dialect, step));
    let findings: Vec<Finding> = findings.map(|finding| Finding { severity: Severity::Error, ..finding }).collect();
    if findings.is_empty() {
        return Ok(());
    }
    Err(Fault::refused("a pooler stands before the server, so nothing was applied").findings(findings))
}

/// Whether two steps are one transaction: of one group, the same way, and both fit one.
pub(crate) fn is_one(dialect: &Dialect, one: &Step, other: &Step) -> bool {
    let session = |step: &Step| step.migration.settings.session.clone();
    one.direction == other.direction
        && one.migration.is_one_group_with(&other.migration)
        && is_whole(dialect, one)
        && is_whole(dialect, other)
        && session(one) == session(other)
}

/// Tells the steps whose rows stand in the ledger; gives how many have been told.
fn tell(locked: &Locked, context: &Context, report: &Report, told: usize) -> usize {
    let recorded = |done: &&Done| done.seq <= locked.head().seq;
    let now: Vec<&Done> = report.steps[told..].iter().take_while(recorded).collect();
    for done in &now {
        let Done { id, direction, millis, rows, .. } = Done::clone(done);
        context.tell(Event::Stepped { id, direction, millis, rows });
    }
    told + now.len()
}

/// The scripts are kept by content before the first step, so that any checkout can take the steps back (I3).
async fn keep_scripts(locked: &mut Locked, plan: &Proven) -> Result<()> {
    let new = plan.steps().iter().filter(|(step, _)| step.direction == Direction::Up || step.backs_out);
    let scripts: Vec<&Script> = new.flat_map(|(step, _)| step.migration.kept()).collect();
    if scripts.is_empty() { Ok(()) } else { locked.keep_scripts(&scripts).await }
}

fn drift(what: &str, live: &Snapshot) -> Finding {
    let finding = Finding::warning("schema-differs", what);
    match live.unread().next() {
        Some(kind) => finding.help(format!(
            "something else changed the database, or it has a {kind} that this account may not read; `switchback drift` tells"
        )),
        None => finding.help(
            "something else changed the database, such as a GRANT or an object made by hand; the proofs do not know it",
        ),
    }
}

/// What ups would make in a conditional way, and what is there already in a schema that no proof started from: their downs
/// would drop it.
fn unmade(plan: &Proven, live: &Snapshot) -> Vec<Finding> {
    let ups = plan.steps().iter().map(|(step, _)| step).filter(|step| step.direction == Direction::Up);
    let finding = |(migration, of): (&Migration, Conditional)| {
        let title = of.found_in(live)?;
        let does = match of.clause {
            Clause::IfNotExists => "leaves it alone",
            Clause::OrReplace => "replaces it",
        };
        let what = format!("{title} is there already: the up of `{}` {does}, and its down would drop it", migration.id);
        let place = migration.up.place(migration.up.statements().get(of.statement)?.span.start);
        Some(Finding::warning("if-not-exists", what).of(&migration.id).object(title).at(place).help(of.help()))
    };
    ups.flat_map(|step| Conditional::of(&step.migration).into_iter().map(|of| (step.migration.as_ref(), of)))
        .filter_map(finding)
        .collect()
}

/// Takes edited and newly proven ways back into the ledger, a row each.
pub async fn amend(
    locked: &mut Locked,
    amendments: &[Amendment],
    provenance: &Provenance,
    context: &Context,
) -> Result<()> {
    for amendment in amendments {
        let Some(warrant) = &amendment.warrant else { continue };
        let migration = &amendment.migration;
        locked.keep_scripts(&migration.kept().collect::<Vec<_>>()).await?;
        let now = context.now();
        let entry = described(
            Entry::new(Act::Amend, Phase::Done),
            migration,
            warrant.to_json(None),
            provenance,
            locked.runner(),
        );
        let entry = entry.with("reverts", amendment.applied.order.to_string()).with("started_at", now.clone());
        locked.record(entry.with("finished_at", now)).await?;
    }
    Ok(())
}

impl Run<'_> {
    async fn step(&mut self, whole: bool, resume: Option<&Resume>) -> Result<(Vec<Done>, Option<Sha>)> {
        let scripts: Vec<&Script> = self.members().iter().filter_map(|(step, _)| step.script()).collect();
        let Some(script) = Script::joined(&scripts).filter(|_| scripts.len() == self.members().len()) else {
            let reason = self.step.irreversible().unwrap_or("it has no down script");
            return Err(Fault::refused(format!("`{}` cannot be taken back: {reason}", self.step.migration.id)));
        };
        self.prepare(&script).await?;
        if whole && resume.is_none() {
            return self.in_transaction(&script).await;
        }
        let script = scripts[0].clone();
        let (done, after) = match resume {
            Some(resume) => self.resumed(&script, *resume).await?,
            None => self.journalled(&script).await?,
        };
        Ok((vec![done], after))
    }
}

/// A run that did something and then stopped is half-way, whatever stopped it.
fn stopped(fault: Fault, report: &Report, plan: &Proven) -> Fault {
    if report.steps.is_empty() {
        return fault;
    }
    let done = format!("{} of {} steps are done and recorded", report.steps.len(), plan.steps().len());
    if fault.kind() == FaultKind::Overtaken {
        return fault.cause(done);
    }
    fault
        .kind_is(FaultKind::HalfWay)
        .cause(done)
        .help("`switchback status` tells where the database stands; run the command again to go on")
}
