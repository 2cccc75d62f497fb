//! A plan is run under the lock, what has to hold behind it is asked, and both are told.

use serde_json::json;

use super::super::ask::Undo;
use super::super::{App, exit, ui};
use super::Round;
use crate::apply::{self, Provenance, Report};
use crate::consistency::{self, Extent, Watch};
use crate::database::Database;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, Severity};
use crate::goal::Goal;
use crate::id::Id;
use crate::ledger::{Act, Entry, Phase};
use crate::locked::Locked;
use crate::plan::{Direction, Proven};
use crate::planning;
use crate::report::{human, json};
use crate::step::stamped;

/// How a round ended.
pub(super) enum Ran {
    Done(Done),
    /// Another runner changed the database between the plan and the lock; the plan is made anew.
    Overtaken,
}

/// What a run did.
#[derive(Default)]
pub(super) struct Done {
    pub(super) report: Report,
    /// What has to hold behind it and does not, and what else was seen there.
    pub(super) findings: Vec<Finding>,
    pub(super) undo: Undo,
}

impl Done {
    pub(super) fn is_failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

impl Round<'_> {
    pub(super) async fn run(mut self, plan: Proven) -> Result<Ran> {
        let (amends, plan) = (self.amends(), &plan);
        let watch = self.watch(plan).await;
        let Round { app, verb, ask, args, database, project, state, goal, resume, amendments } = self;
        // The plan has what is run; files and proofs are not needed any more.
        drop(project);
        super::super::heap::give_back();
        let saved = ask.saved.as_ref();
        let reason = args.reason.as_deref().or(saved.and_then(|saved| saved.reason.as_deref()));
        let (runner, mut provenance) = app.runner(verb, reason);
        provenance.plan = saved.map(|saved| saved.digest.as_str().to_owned());
        let mut locked = app.lock(database, runner).await?;
        let now = locked.state().await?;
        if now.applied != state.applied || now.open != state.open {
            locked.release().await;
            return overtaken(&goal, changed_meanwhile());
        }
        let outcome =
            match if amends { apply::amend(&mut locked, &amendments, &provenance, &app.context).await } else { Ok(()) }
            {
                Ok(()) if plan.steps().is_empty() => Ok(Report::default()),
                Ok(()) => apply::apply(&mut locked, plan, resume.as_ref(), &provenance, &app.context).await,
                Err(fault) => Err(fault),
            };
        app.context.tell(Event::Ends);
        let findings = match &outcome {
            Ok(report) if !report.steps.is_empty() => behind(app, watch.as_ref(), &mut locked, &provenance).await,
            _ => Vec::new(),
        };
        let undo = Undo { before: state.head.seq, last: locked.head().seq };
        locked.release().await;
        match outcome {
            Err(fault) if fault.kind() == FaultKind::Overtaken => overtaken(&goal, fault),
            other => other.map(|report| Ran::Done(Done { report, findings, undo })),
        }
    }
}

impl Round<'_> {
    /// What is to be asked behind a plan; nothing behind one that only undoes another, where the schema itself tells.
    async fn watch(&mut self, plan: &Proven) -> Option<Watch> {
        if self.ask.undo.is_some() {
            return None;
        }
        let steps = plan.to_plan();
        let mut stays = Vec::new();
        if consistency::takes_back(plan) {
            match planning::asks(&mut self.database, &self.project, &self.state, &steps).await {
                Ok(asks) => stays = asks,
                // Nobody is kept from going back by what could only be asked afterwards.
                Err(fault) => {
                    let finding =
                        Finding::warning("verify-unread", "verify.sql of what stays cannot be read, and is not asked");
                    let lines = fault.to_string().lines().map(str::to_owned).collect();
                    self.app.context.tell(Event::Warning(finding.detail(lines)));
                }
            }
        }
        let is_moved = |id: &Id, way| steps.steps.iter().any(|step| step.migration.id == *id && step.direction == way);
        let is_applied = |id: &Id| {
            is_moved(id, Direction::Up)
                || !is_moved(id, Direction::Down) && self.state.applied.iter().any(|applied| applied.id == *id)
        };
        let is_all = self.project.migrations.iter().all(|migration| is_applied(&migration.id));
        let extent = if is_all { Extent::All } else { Extent::Part };
        let session = self.app.config.session(self.database.server().engine).map(|(text, _)| text);
        let checks = &self.app.config.checks;
        Some(Watch::begin(&mut self.database, plan, checks, session.as_deref(), stays, extent).await)
    }
}

/// Asks what has to hold behind a plan, while nobody else may act; a failure is a row of the ledger.
async fn behind(app: &App, watch: Option<&Watch>, locked: &mut Locked, provenance: &Provenance) -> Vec<Finding> {
    let Some(watch) = watch.filter(|watch| !watch.is_idle()) else { return Vec::new() };
    let findings = match Database::open(locked.target(), std::time::Duration::ZERO).await {
        Ok(mut database) => {
            let findings = watch.findings(&mut database).await;
            database.close().await;
            findings
        }
        Err(fault) => {
            let finding = Finding::error("check-failed", "what has to hold behind the plan could not be asked");
            vec![finding.detail(fault.to_string().lines().map(str::to_owned).collect())]
        }
    };
    let failed: Vec<&str> =
        findings.iter().filter(|one| one.severity == Severity::Error).map(|one| one.message.as_str()).collect();
    if !failed.is_empty() {
        let at = app.context.now();
        let entry = stamped(Entry::new(Act::Check, Phase::Failed), provenance, locked.runner());
        let entry = entry.with("detail", failed.join("\n")).with("started_at", at.clone()).with("finished_at", at);
        if let Err(fault) = locked.record(entry).await {
            app.context.tell(Event::Warning(Finding::warning("check-unrecorded", fault.to_string())));
        }
    }
    findings
}

pub(super) fn changed_meanwhile() -> Fault {
    let what = "another runner changed the database after this plan was made, so nothing was done";
    Fault::new(FaultKind::Overtaken, what).help("run the command again")
}

/// A goal that is a set can be reached from wherever the database is now; one that counts from the state cannot.
pub(super) fn overtaken(goal: &Goal, fault: Fault) -> Result<Ran> {
    if goal.is_settled() { Ok(Ran::Overtaken) } else { Err(fault) }
}

pub(super) fn nothing(app: &App, verb: &str) -> u8 {
    match app.voice {
        ui::Voice::Json => return told(app, verb, &Done::default(), None),
        ui::Voice::Human => ui::talk("nothing to do\n"),
    }
    exit::DONE
}

/// Tells what was done, and what was done to undo it.
pub(super) fn told(app: &App, verb: &str, done: &Done, undone: Option<&Done>) -> u8 {
    let is_failed = done.is_failed();
    match app.voice {
        ui::Voice::Json => {
            let outcome = if is_failed { "findings" } else { "ok" };
            let found = done.findings.iter().chain(undone.iter().flat_map(|undone| &undone.findings));
            let findings: Vec<_> = warned(app).into_iter().chain(found.map(json::finding)).collect();
            let last = undone.map_or(&done.report, |undone| &undone.report);
            let mut fields = json!({
                "steps": json::done(&done.report.steps),
                "schema_before": done.report.schema_before,
                "schema_after": last.schema_after,
                "findings": findings,
            });
            if let Some(undone) = undone {
                fields["undone"] = json!(json::done(&undone.report.steps));
            }
            ui::out(&format!("{}\n", json::command(verb, outcome, fields)));
        }
        ui::Voice::Human => {
            for done in std::iter::once(done).chain(undone) {
                done.report.steps.iter().for_each(|step| ui::out(&human::done(step)));
                done.findings.iter().for_each(|finding| ui::talk(&human::finding(finding)));
            }
            match (is_failed, undone) {
                (true, Some(undone)) if undone.report.schema_after == done.report.schema_before => {
                    ui::talk("undone: the database is where it was before\n");
                }
                (true, Some(_)) => {
                    ui::talk("undone: what was applied before is; its schema is another, see `switchback drift`\n")
                }
                (true, None) => ui::talk(
                    "the plan was run and recorded, and what has to hold behind it does not: `switchback log` has a row of it\n",
                ),
                (false, _) => {}
            }
        }
    }
    if is_failed { exit::FINDINGS } else { exit::DONE }
}

/// What was warned of, as `--json` shows it.
pub(super) fn warned(app: &App) -> Vec<serde_json::Value> {
    app.warned().iter().map(json::finding).collect()
}
