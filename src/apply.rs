//! Applying a proven plan: step by step, each recorded in the ledger.
//!
//! Where DDL is transactional, a step and its ledger row are one transaction. Where it is not, the step's `started` row
//! and a journal tell after a crash which statement was the last that took effect. Only a [`Proven`] plan gets here.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::class;
use crate::context::Context;
use crate::engine::{DbError, DbErrorKind, DbResult, Ran};
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, counted};
use crate::judge::Refusal;
use crate::ledger::{Act, Entry, Phase};
use crate::locked::{Guard, Locked, Runner};
use crate::migration::{Migration, Transaction};
use crate::plan::{Direction, Proven, Step, Warrant};
use crate::planning::Amendment;
use crate::sha::Sha;
use crate::sql::Script;
use crate::store::own;

/// What stands in each row beside the step itself.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    pub actor: String,
    pub host: String,
    pub git_author: Option<String>,
    pub git_commit: Option<String>,
    pub ci: Option<String>,
    pub tool: String,
    pub reason: Option<String>,
    pub plan: Option<String>,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub steps: Vec<Done>,
    pub schema_before: Option<Sha>,
    pub schema_after: Option<Sha>,
}

/// One step that is done.
#[derive(Clone, Debug)]
pub struct Done {
    pub id: crate::id::Id,
    pub direction: Direction,
    pub seq: i64,
    pub millis: u64,
    pub rows: u64,
}

/// Where a step goes on that an earlier run left half-way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The ledger's `started` row.
    pub seq: i64,
    /// Number of statements that have taken effect.
    pub from: usize,
}

/// How often a step that met a lock or a deadlock is tried again, with pauses that grow.
const ATTEMPTS: u32 = 5;

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
    let mut report = Report::default();
    keep_scripts(locked, plan).await?;
    let before = locked.snapshot().await?.weak_digest();
    let drifts = plan.first_from().is_some_and(|from| *from != before);
    if drifts {
        context.tell(Event::Warning(drift("the live schema is not the one that the proof started from")));
    }
    report.schema_before = Some(before);
    context.tell(Event::Begins { what: "running", total: plan.steps().len() });
    let last = plan.steps().len().saturating_sub(1);
    for (index, (step, warrant)) in plan.steps().iter().enumerate() {
        let ends = Ends { before: report.schema_before.clone().filter(|_| index == 0), last: index == last };
        let mut run =
            Run { locked, provenance, context, step, warrant, ends, begun: Instant::now(), started_at: context.now() };
        let done = run.step(resume.filter(|_| index == 0)).await;
        let (done, after) = done.map_err(|fault| stopped(fault, &report, plan))?;
        context.tell(Event::Stepped {
            id: done.id.clone(),
            direction: done.direction,
            millis: done.millis,
            rows: done.rows,
        });
        report.steps.push(done);
        report.schema_after = after;
        if index != last {
            context.go_on().map_err(|fault| stopped(fault, &report, plan))?;
        }
    }
    context.tell(Event::Ends);
    locked.read_back().await?;
    // Where it was another schema before, it is another one now.
    if !drifts && report.schema_after.as_ref().is_some_and(|after| plan.last_to().is_some_and(|to| to != after)) {
        context.tell(Event::Warning(drift("the schema after the run is not the one that was proven")));
    }
    Ok(report)
}

/// The scripts are kept by content before the first step, so that any checkout can take the steps back (I3).
async fn keep_scripts(locked: &mut Locked, plan: &Proven) -> Result<()> {
    let up_steps = plan.steps().iter().filter(|(step, _)| step.direction == Direction::Up);
    let scripts: Vec<&Script> = up_steps
        .flat_map(|(step, _)| {
            let migration = &step.migration;
            [Some(&migration.up), migration.down.script(), migration.verify.as_ref()]
        })
        .flatten()
        .collect();
    if scripts.is_empty() { Ok(()) } else { locked.keep_scripts(&scripts).await }
}

fn drift(what: &str) -> Finding {
    Finding::warning("schema-differs", what).help(
        "something else changed the database, such as a GRANT or an object made by hand; the proofs do not know it",
    )
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
        let scripts = [Some(&migration.up), migration.down.script(), migration.verify.as_ref()];
        locked.keep_scripts(&scripts.into_iter().flatten().collect::<Vec<_>>()).await?;
        let now = context.now();
        let entry = described(Entry::new(Act::Amend, Phase::Done), migration, warrant, provenance, locked.runner());
        let entry = entry.with("reverts", amendment.applied.order.to_string()).with("started_at", now.clone());
        locked.record(entry.with("finished_at", now)).await?;
    }
    Ok(())
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

/// Which ends of the run a step stands at; the schema is read back at both.
struct Ends {
    before: Option<Sha>,
    last: bool,
}

struct Run<'a> {
    locked: &'a mut Locked,
    provenance: &'a Provenance,
    context: &'a Context,
    step: &'a Step,
    warrant: &'a Warrant,
    ends: Ends,
    begun: Instant,
    started_at: String,
}

/// A step that was stopped: by the database, or on request.
enum Stop {
    Refused(Refusal),
    Asked,
    Fault(Fault),
}

impl Run<'_> {
    async fn step(&mut self, resume: Option<&Resume>) -> Result<(Done, Option<Sha>)> {
        let Some(script) = self.step.script().cloned() else {
            let reason = self.step.irreversible().unwrap_or("it has no down script");
            return Err(Fault::refused(format!("`{}` cannot be taken back: {reason}", self.step.migration.id)));
        };
        let whole = self.locked.engine().dialect().transactional
            && self.step.transaction() == Transaction::Auto
            && !class::forbids_transaction(&script);
        let outcome = match resume {
            Some(resume) => self.resumed(&script, *resume).await,
            None if whole => self.in_transaction(&script).await,
            None => self.journalled(&script).await,
        };
        if class::touches_session(&script) && !self.locked.engine().dialect().resets {
            self.locked.renew().await?;
        }
        outcome
    }

    /// The step and its ledger row in one transaction; tried again when a lock or a deadlock stood in the way.
    async fn in_transaction(&mut self, script: &Script) -> Result<(Done, Option<Sha>)> {
        let mut attempt = 1;
        loop {
            let stop = match self.attempt(script).await {
                Ok(done) => return Ok(done),
                Err(stop) => stop,
            };
            self.locked.rollback().await;
            match stop {
                Stop::Refused(refusal) if refusal.is_passing() && attempt < ATTEMPTS => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                Stop::Refused(refusal) => {
                    let help = "nothing of this step has taken effect; mend the script and run the command again";
                    let fault = refusal.fault(refusal.kind(), self.failed()).help(help);
                    let fault = self.locked.explain(fault, &refusal.error).await;
                    self.record_failure(0, &refusal.error.to_string()).await;
                    return Err(fault);
                }
                Stop::Asked => {
                    let what = format!("stopped on request; nothing of `{}` has taken effect", self.step.migration.id);
                    return Err(Fault::refused(what));
                }
                Stop::Fault(fault) => return Err(fault),
            }
        }
    }

    async fn attempt(&mut self, script: &Script) -> std::result::Result<(Done, Option<Sha>), Stop> {
        let guard = self.locked.begin().await.map_err(Stop::Fault)?;
        let mut rows = 0;
        for index in class::sent(script) {
            rows += self.statement(script, index).await?.rows;
        }
        self.settle(&guard, script).await?;
        let after = self.schema_after().await.map_err(Stop::Fault)?;
        let entry = self.entry(Phase::Done, rows).with_some("schema_after", after.as_ref().map(Sha::as_str));
        let failed = |error: DbError| Stop::Fault(own("writing the ledger", &error));
        let entry = self.locked.append(entry);
        self.locked.commit(Some(&entry)).await.map_err(failed)?;
        Ok((self.done(entry.seq(), rows), after))
    }

    async fn settle(&mut self, guard: &Guard, script: &Script) -> std::result::Result<(), Stop> {
        self.check_verify().await.map_err(Stop::Fault)?;
        let violations = match self.locked.settle(guard).await {
            Ok(violations) => violations,
            Err(error) if error.kind == DbErrorKind::NoSavepoint => {
                return Err(Stop::Fault(self.ended_transaction(script)));
            }
            Err(error) => {
                let index = script.statements().len().saturating_sub(1);
                let error = DbError { position: None, ..error };
                return Err(Stop::Refused(Refusal { script: script.clone(), index, error }));
            }
        };
        match violations.first() {
            None => Ok(()),
            Some(first) => {
                let what = format!("`{}` leaves {} foreign keys violated", self.step.migration.id, violations.len());
                Err(Stop::Fault(Fault::refused(what).cause(format!("the first: {first}")).at(script.place(0))))
            }
        }
    }

    fn ended_transaction(&self, script: &Script) -> Fault {
        let what = format!("the script of `{}` ended the transaction that it runs in", self.step.migration.id);
        Fault::new(FaultKind::HalfWay, what)
            .at(script.place(0))
            .cause("what it ran before that point is committed, and is not recorded")
            .help("take BEGIN and COMMIT out of the script, or declare `transaction = \"off\"`")
    }

    /// Runs one statement; the second Ctrl-C cancels it on the server.
    async fn statement(&mut self, script: &Script, index: usize) -> std::result::Result<Ran, Stop> {
        if index > 0 && self.context.interrupt.count() > 0 {
            return Err(Stop::Asked);
        }
        let canceller = self.locked.canceller();
        let statement = &script.statements()[index];
        let ran: DbResult<Ran> = {
            let running = self.locked.run(script, statement);
            tokio::pin!(running);
            tokio::select! {
                ran = &mut running => ran,
                () = self.context.interrupt.reached(2) => {
                    // Whether the cancel arrives in time or not, the statement's own answer says what became of it.
                    let _ = canceller.cancel().await;
                    running.await
                }
            }
        };
        match ran {
            Ok(ran) => {
                for text in &ran.notices {
                    self.context.tell(Event::Notice { id: self.step.migration.id.clone(), text: text.clone() });
                }
                Ok(ran)
            }
            Err(error) => Err(Stop::Refused(Refusal { script: script.clone(), index, error })),
        }
    }

    /// Statement by statement, journalled, where there is no transaction around them.
    async fn journalled(&mut self, script: &Script) -> Result<(Done, Option<Sha>)> {
        let failed = |error: DbError| own("writing the journal", &error);
        let started = Entry::new(act(self.step.direction), Phase::Started);
        let started = self.describe(started).with("detail", counted(script.statements().len(), "statement"));
        self.locked.begin_own().await?;
        let entry = self.locked.append(started);
        let step = entry.seq();
        if let Some(unit) = class::units(script).first() {
            self.locked.intend(step, unit.end, text_of(script, unit));
        }
        self.locked.commit(Some(&entry)).await.map_err(failed)?;
        self.statements_from(script, step, 0).await
    }

    /// Goes on with a step that an earlier run left half-way; what it did is journalled and was read back.
    async fn resumed(&mut self, script: &Script, resume: Resume) -> Result<(Done, Option<Sha>)> {
        let failed = |error: DbError| own("writing the journal", &error);
        self.locked.begin_own().await?;
        for unit in class::units(script).iter().take_while(|unit| unit.start <= resume.from) {
            self.locked.intend(resume.seq, unit.end, text_of(script, unit));
            if unit.end <= resume.from {
                self.locked.intent_done(resume.seq, unit.end);
            }
        }
        self.locked.commit(None).await.map_err(failed)?;
        self.statements_from(script, resume.seq, resume.from).await
    }

    /// The statements of a started step, from one on; ends with its `done` row.
    async fn statements_from(&mut self, script: &Script, step: i64, from: usize) -> Result<(Done, Option<Sha>)> {
        let failed = |error: DbError| own("writing the journal", &error);
        let mut rows = 0;
        let units = class::units(script);
        for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.start >= from) {
            let is_data = is_data(script, unit);
            match self.tried(script, unit, step).await {
                Ok(ran) => rows += ran,
                Err(stop) => return Err(self.stopped_at(stop, step, unit.start).await),
            }
            let next = units.get(at + 1);
            if is_data && next.is_none() {
                continue;
            }
            self.locked.begin_own().await?;
            if !is_data {
                self.locked.intent_done(step, unit.end);
            }
            if let Some(next) = next {
                self.locked.intend(step, next.end, text_of(script, next));
                self.locked.commit(None).await.map_err(failed)?;
            }
        }
        self.finish(script, step, rows).await
    }

    async fn finish(&mut self, script: &Script, step: i64, rows: u64) -> Result<(Done, Option<Sha>)> {
        let failed = |error: DbError| own("writing the ledger", &error);
        if class::units(script).last().is_none_or(|unit| is_data(script, unit)) {
            self.locked.begin_own().await?;
        }
        let verified = self.check_verify().await;
        let after = self.schema_after().await?;
        let (phase, detail) = match &verified {
            Ok(()) => (Phase::Done, None),
            Err(fault) => (Phase::Failed, Some(fault.to_string())),
        };
        let entry = self.entry(phase, rows).with_some("schema_after", after.as_ref().map(Sha::as_str));
        let entry = entry.with("statement", script.statements().len().to_string()).with_some("detail", detail);
        let entry = if phase == Phase::Failed { entry.with("reverts", step.to_string()) } else { entry };
        let entry = self.locked.append(entry);
        self.locked.commit(Some(&entry)).await.map_err(failed)?;
        verified.map_err(|fault| fault.kind_is(FaultKind::HalfWay))?;
        Ok((self.done(entry.seq(), rows), after))
    }

    /// A unit; tried again when a lock or a deadlock stood in the way and nothing of it can have taken effect.
    async fn tried(&mut self, script: &Script, unit: &Range<usize>, step: i64) -> std::result::Result<u64, Stop> {
        let mut attempt = 1;
        loop {
            let ran = match is_data(script, unit) {
                true => self.data_statement(script, unit.start, step).await,
                false => self.unit(script, unit).await,
            };
            match ran {
                Err(Stop::Refused(refusal)) if attempt < ATTEMPTS && unit.len() == 1 && refusal.may_be_repeated() => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                ran => return ran,
            }
        }
    }

    /// A data statement and its journal row are one transaction, on every engine.
    async fn data_statement(&mut self, script: &Script, index: usize, step: i64) -> std::result::Result<u64, Stop> {
        let guard = self.locked.begin().await.map_err(Stop::Fault)?;
        let ran = match self.statement(script, index).await {
            Ok(ran) => ran,
            Err(stop) => {
                self.locked.rollback().await;
                return Err(stop);
            }
        };
        let failed = |error: DbError| Stop::Fault(own("writing the journal", &error));
        match self.locked.settle(&guard).await {
            Ok(_) => {}
            Err(error) if error.kind == DbErrorKind::NoSavepoint => {
                return Err(Stop::Fault(self.ended_transaction(script)));
            }
            Err(error) => {
                self.locked.rollback().await;
                return Err(Stop::Refused(Refusal { script: script.clone(), index, error }));
            }
        }
        self.locked.intent_done(step, index + 1);
        self.locked.commit(None).await.map_err(failed)?;
        Ok(ran.rows)
    }

    /// A statement by itself, or a transaction of the script's own.
    async fn unit(&mut self, script: &Script, unit: &Range<usize>) -> std::result::Result<u64, Stop> {
        let mut rows = 0;
        for index in unit.clone() {
            match self.statement(script, index).await {
                Ok(ran) => rows += ran.rows,
                Err(stop) => {
                    if unit.len() > 1 {
                        self.locked.rollback().await;
                    }
                    return Err(stop);
                }
            }
        }
        Ok(rows)
    }

    async fn stopped_at(&mut self, stop: Stop, step: i64, done: usize) -> Fault {
        let kind = if done == 0 { FaultKind::Refused } else { FaultKind::HalfWay };
        let fault = match stop {
            Stop::Refused(refusal) => {
                let kind = if done == 0 { refusal.kind() } else { kind };
                let fault = refusal.fault(kind, self.failed());
                let fault = self.locked.explain(fault, &refusal.error).await;
                self.record_failure_of(step, done, &refusal.error.to_string()).await;
                fault
            }
            Stop::Asked => {
                self.record_failure_of(step, done, "stopped on request").await;
                Fault::new(kind, format!("stopped on request inside `{}`", self.step.migration.id))
            }
            Stop::Fault(fault) => return fault,
        };
        if done == 0 {
            return fault;
        }
        fault
            .cause(format!("{done} of its statements had taken effect before, and are journalled"))
            .help("mend the cause and run the command again: it goes on behind the last statement that took effect")
    }

    async fn record_failure(&mut self, done: usize, why: &str) {
        let entry = self.entry(Phase::Failed, 0).with("statement", done.to_string()).with("detail", why);
        // The failure itself is what the user must hear of; that it could not be recorded as well says nothing new.
        let _ = self.locked.record(entry).await;
    }

    async fn record_failure_of(&mut self, step: i64, done: usize, why: &str) {
        let entry = self.entry(Phase::Failed, 0).with("statement", done.to_string()).with("detail", why);
        let _ = self.locked.record(entry.with("reverts", step.to_string())).await;
    }

    /// Runs the queries of `verify.sql` after an up, inside its transaction where there is one.
    async fn check_verify(&mut self) -> Result<()> {
        let (Direction::Up, Some(script)) = (self.step.direction, &self.step.migration.verify) else { return Ok(()) };
        for (index, statement) in script.statements().iter().enumerate() {
            let what = format!("verify.sql of `{}` does not hold after the up", self.step.migration.id);
            match self.locked.query(script.sql(statement)).await {
                Ok(rows) if crate::chain::holds(&rows) => {}
                Ok(_) => return Err(Fault::refused(what).at(script.place(statement.span.start))),
                Err(error) => {
                    return Err(Refusal { script: script.clone(), index, error }.fault(FaultKind::Refused, what));
                }
            }
        }
        Ok(())
    }

    async fn schema_after(&mut self) -> Result<Option<Sha>> {
        if !self.ends.last {
            return Ok(None);
        }
        Ok(Some(self.locked.snapshot().await?.weak_digest()))
    }

    fn failed(&self) -> String {
        format!("the {} of `{}` failed", self.step.direction, self.step.migration.id)
    }

    fn done(&self, seq: i64, rows: u64) -> Done {
        Done { id: self.step.migration.id.clone(), direction: self.step.direction, seq, millis: self.millis(), rows }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn entry(&self, phase: Phase, rows: u64) -> Entry {
        self.describe(Entry::new(act(self.step.direction), phase))
            .with("finished_at", self.context.now())
            .with("duration_ms", self.millis().to_string())
            .with("rows_affected", rows.to_string())
    }

    fn describe(&self, entry: Entry) -> Entry {
        described(entry, &self.step.migration, self.warrant, self.provenance, self.locked.runner())
            .with_some("reverts", self.step.reverts.map(|seq| seq.to_string()))
            .with("started_at", self.started_at.clone())
            .with_some("schema_before", self.ends.before.as_ref().map(Sha::as_str))
    }
}

/// What every row about a migration says: the whole of it, who, why.
fn described(
    entry: Entry,
    migration: &Migration,
    warrant: &Warrant,
    provenance: &Provenance,
    runner: &Runner,
) -> Entry {
    let text = |script: Option<&Script>| script.map(|script| script.checksum().text.clone());
    entry
        .with("migration", migration.id.as_str())
        .with("digest", migration.digest().as_str())
        .with_some("up_checksum", text(Some(&migration.up)))
        .with_some("down_checksum", text(migration.down.script()))
        .with_some("verify_checksum", text(migration.verify.as_ref()))
        .with_some("settings", serde_json::to_string(&migration.settings).ok())
        .with_some("proof", warrant.to_json())
        .with_some("plan", provenance.plan.clone())
        .with("run", runner.run.clone())
        .with("actor", provenance.actor.clone())
        .with_some("git_author", provenance.git_author.clone())
        .with_some("git_commit", provenance.git_commit.clone())
        .with_some("ci", provenance.ci.clone())
        .with("host", provenance.host.clone())
        .with("tool", provenance.tool.clone())
        .with_some("reason", provenance.reason.clone())
        .with_some("ticket", migration.settings.ticket.clone())
}

/// Whether a unit is one data statement, which can be in a transaction with its journal row on every engine.
fn is_data(script: &Script, unit: &Range<usize>) -> bool {
    unit.len() == 1 && class::classify(script, &script.statements()[unit.start]).kind == class::Kind::Dml
}

/// The text of a unit, which the journal keeps a checksum of.
pub fn text_of<'a>(script: &'a Script, unit: &Range<usize>) -> &'a str {
    let statements = &script.statements()[unit.clone()];
    match (statements.first(), statements.last()) {
        (Some(first), Some(last)) => &script.text()[first.span.start..last.span.end],
        _ => "",
    }
}

fn act(direction: Direction) -> Act {
    match direction {
        Direction::Up => Act::Apply,
        Direction::Down => Act::Revert,
    }
}

/// The pause before the next try, which grows.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(100 << attempt)
}
