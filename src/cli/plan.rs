//! `switchback plan`

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;

use super::ask::{self, Ask, Targets, Way};
use super::execute::shortened;
use super::handover::Handed;
use super::pages::{self, Pages};
use super::rows::WithData;
use super::{App, exit, picture, ui};
use crate::apart;
use crate::cost::{self, Cost};
use crate::database::Database;
use crate::drift;
use crate::engine::Dialect;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, Severity, worst};
use crate::ledger::State;
use crate::plan::{Direction, Plan, Proven, Source, Step, Warrant};
use crate::planning;
use crate::price::{Blocker, Held, Price, StepPrice};
use crate::pricing;
use crate::project::Project;
use crate::rehearse::{Depth, rehearse};
use crate::report::duration;
use crate::report::escape::{self, shell};
use crate::report::human::{self, Detail};
use crate::report::json;
use crate::saved::{self, Base, FORM, Saved, UNPROVEN};
use crate::sha::Sha;
use crate::snapshot::{Change, objects};
use crate::step::{is_whole, needs_session};

/// Show what `up` or `down` would do, and what it costs; the database is not changed
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, group = ArgGroup::new("written").args(["output", "sql", "html", "runbook"]).multiple(true))]
pub struct PlanArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Which way
    #[arg(value_enum, default_value_t = Way::Up)]
    way: Way,
    /// N steps
    #[arg(long, value_name = "N", group = "target")]
    steps: Option<usize>,
    /// Up: this migration and all before it; down: what was applied after it
    #[arg(long, value_name = "ID", group = "target")]
    to: Option<String>,
    /// Everything (the default)
    #[arg(long, group = "target")]
    all: bool,
    #[command(flatten)]
    targets: Targets,
    /// Save it, to be run by `switchback apply FILE` (`-`: to stdout); it is rehearsed first
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write it as SQL for the engine's own client, with the ledger's rows (`-`: to stdout); it is rehearsed first
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    sql: Option<PathBuf>,
    #[command(flatten)]
    pages: Pages,
    /// How long a saved plan may be run: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = saved::validity, requires = "output")]
    valid_for: TimeDelta,
    /// Run it first in a shadow that was brought to the database's state, and compare that with the live schema
    #[arg(long)]
    rehearse: bool,
    /// Write it without that
    #[arg(long, conflicts_with_all = ["rehearse", "with_data"])]
    no_rehearsal: bool,
    #[command(flatten)]
    with_data: WithData,
    /// Why; it stands in what is written, and in the ledger once that is run
    #[arg(long, value_name = "TEXT", requires = "written")]
    reason: Option<String>,
}

impl PlanArgs {
    fn is_written(&self) -> bool {
        self.output.is_some() || self.sql.is_some() || self.pages.are_asked()
    }

    fn is_rehearsed(&self) -> bool {
        self.rehearse || self.with_data.with_data.is_some() || (self.is_written() && !self.no_rehearsal)
    }

    /// Says what was written beside a plan that is saved, or what was not.
    fn tell_files(&self, app: &App, is_written: bool) {
        if app.voice != ui::Voice::Human {
            return;
        }
        if !is_written {
            let not = |path: &PathBuf| ui::talk(&format!("{} was not written\n", path.display()));
            self.output.iter().for_each(not);
            return self.pages.tell_unwritten();
        }
        if let Some(path) = self.sql.as_ref().filter(|path| path.as_os_str() != "-") {
            ui::talk(&format!("written as {}; its first lines tell how it is run\n", path.display()));
        }
        self.pages.tell();
    }
}

/// What is done with a plan that is there.
#[derive(Subcommand)]
enum What {
    /// Show a saved plan; no database is asked
    Show {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// With the scripts
        #[arg(long)]
        sql: bool,
        #[command(flatten)]
        pages: Pages,
    },
}

pub async fn run(app: &App, args: &PlanArgs) -> Result<u8> {
    if let Some(What::Show { file, sql, pages }) = &args.what {
        let is_taken = pages.take_stdout(app, &[])?;
        let saved = ask::read(file)?;
        pages.refuse_over(file)?;
        pages.write(&saved, Some(file))?;
        if !is_taken {
            show(app, &saved, if *sql { Detail::Scripts } else { Detail::Steps });
        }
        if app.voice == ui::Voice::Human {
            pages.tell();
        }
        return Ok(exit::DONE);
    }
    let is_stdout_taken =
        args.pages.take_stdout(app, &[("sql", args.sql.as_deref()), ("output", args.output.as_deref())])?;
    let (mut database, project, state) = app.look(Project::load).await?;
    let ask = Ask::new(args.way, args.steps, args.to.as_ref(), &args.targets);
    let project = ask.project(app, &database, project)?;
    let (plan, _) = ask.plan(&mut database, &project, &state).await?;
    let mut made = Made::new(app, &mut database, &project, &state, plan).await?;
    made.look_into(app, &mut database, &project, &state, args).await?;
    // A file that does nothing would look like a plan.
    let is_written = args.is_written() && !made.plan.steps.is_empty();
    let mut saved = None;
    if is_written {
        made.refuse_unfit(args, &state)?;
        if args.output.is_some() || args.pages.are_asked() {
            saved = Some(made.save(app, args, &ask, (&mut database, &project, &state)).await?);
        }
    }
    if let Some(path) = args.sql.as_deref().filter(|_| is_written) {
        let handed = Handed { app, project: &project, state: &state, reason: args.reason.as_deref() };
        let (plan, warrants) = (made.plan.clone(), made.warrants.clone());
        let text = handed.text(&mut database, plan, warrants, (&ask.shown(), &made.costs)).await?;
        pages::write(path, &text)?;
    }
    database.close().await;
    let output = args.output.as_deref();
    if let Some(saved) = &saved {
        if let Some(path) = output {
            pages::write(path, &escape::json(&saved.to_text()))?;
        }
        args.pages.write(saved, output)?;
    }
    if is_stdout_taken && is_written {
        made.findings.iter().for_each(|finding| ui::talk(&human::finding(finding)));
    } else {
        made.tell(app, output.zip(saved.as_ref()));
    }
    args.tell_files(app, is_written);
    Ok(if made.is_blocked() { exit::FINDINGS } else { exit::DONE })
}

fn show(app: &App, saved: &Saved, detail: Detail) {
    match app.voice {
        ui::Voice::Json => {
            ui::out(&format!("{}\n", json::command("plan", "ok", json!({"plan": saved}))));
        }
        ui::Voice::Human => ui::out(&human::saved(saved, detail, (app.context.clock)())),
    }
}

/// A plan with what is known about it.
struct Made {
    plan: Plan,
    warrants: Vec<Option<Warrant>>,
    costs: Vec<Cost>,
    findings: Vec<Finding>,
    /// Whether what stays was seen to stand without what is taken back; `None`: nothing stays that came later.
    is_safe: Option<bool>,
    /// What the rehearsal showed that it costs, and what it made of the schema.
    price: Option<Price>,
    changes: Option<Vec<Change>>,
}

impl Made {
    async fn new(app: &App, database: &mut Database, project: &Project, state: &State, plan: Plan) -> Result<Made> {
        let warrants = planning::warrants(database, project, state, &plan).await?;
        let told = plan.steps.iter().zip(&warrants);
        let told = told.filter_map(|(step, warrant)| planning::told_unproven(step, warrant.as_ref()?));
        let dialect = Some(database.engine().dialect()).filter(|_| database.server().is_pooled());
        let unfit = |dialect| plan.steps.iter().filter_map(move |step| needs_session(dialect, step));
        let findings = told.chain(dialect.into_iter().flat_map(unfit)).collect();
        let mut given = warrants.clone().into_iter();
        let known = Proven::new(plan.clone(), |_| given.next().flatten().or(Some(Warrant::recorded(None))));
        let costs = match known {
            Ok(proven) => cost::costs(database, &proven).await?,
            Err(_) => Vec::new(),
        };
        app.context.go_on()?;
        Ok(Made { plan, warrants, costs, findings, is_safe: None, price: None, changes: None })
    }

    /// What a shadow shows: whether what stays can stay (I12), and where it is wanted how the plan goes.
    async fn look_into(
        &mut self,
        app: &App,
        database: &mut Database,
        project: &Project,
        state: &State,
        args: &PlanArgs,
    ) -> Result<()> {
        let is_rehearsed = args.is_rehearsed();
        let is_apart = apart::keeps_later(&state.applied, &self.plan);
        if self.plan.steps.is_empty() || !(is_apart || is_rehearsed) {
            return Ok(());
        }
        let applied = planning::walk(database, project, state, &Plan::nothing(&state.head)).await?;
        let mut maker = app.maker(database).await?;
        let (steps, how) = match is_rehearsed {
            true => (&self.plan.steps[..], (Depth::Priced, args.with_data.take(app, &self.plan.steps).await?)),
            false => (apart::reverts(&self.plan), (Depth::Run, None)),
        };
        let rehearsed = rehearse(&mut maker, &applied, steps, how, &app.context).await?;
        if is_apart {
            let found = apart::findings(&mut maker, &applied, &self.plan, &rehearsed, &app.context).await?;
            self.is_safe = Some(worst(&found) != Some(Severity::Error));
            self.findings.extend(found);
        }
        if self.is_blocked() || !is_rehearsed {
            return Ok(());
        }
        rehearsed.require_all(steps)?;
        if let Some(base) = &rehearsed.base {
            let drifted = drift::findings(base, &database.snapshot().await?, &app.config.drift, &applied);
            let strong = drifted.into_iter().filter(|finding| finding.severity == Severity::Error);
            self.findings.extend(strong.map(|finding| Finding { severity: Severity::Warning, ..finding }));
        }
        self.changes = rehearsed.base.as_ref().zip(rehearsed.end.as_ref()).map(|(base, end)| objects(base, end));
        self.findings.extend(rehearsed.notes.iter().cloned());
        self.price = Some(pricing::price(database, &self.plan, rehearsed).await?);
        Ok(())
    }

    fn step_price(&self, at: usize) -> Option<&StepPrice> {
        self.price.as_ref()?.steps.get(at)
    }

    fn is_blocked(&self) -> bool {
        self.is_safe == Some(false)
    }

    fn unproven(&self) -> impl Iterator<Item = &Step> {
        let missing = self.plan.steps.iter().zip(&self.warrants).filter(|(_, warrant)| warrant.is_none());
        missing.map(|(step, _)| step)
    }

    /// # Errors
    /// Refused where it is nothing to be run later, and is written for that.
    fn refuse_unfit(&self, args: &PlanArgs, state: &State) -> Result<()> {
        if args.output.is_none() && args.sql.is_none() && !args.pages.has_runbook() {
            return Ok(());
        }
        // What the ledger kept is proven where it is run: no registry tells of it.
        let owed = self.unproven().filter(|step| step.source == Source::Checkout);
        let unproven: Vec<&str> = owed.map(|step| step.migration.id.as_str()).collect();
        if args.output.is_some() && !unproven.is_empty() {
            let fault = Fault::refused("what is not proven is not saved as a plan").cause(shortened(&unproven));
            return Err(fault.help("`switchback verify` proves it"));
        }
        if self.is_blocked() {
            let fault =
                Fault::refused("what stays does not stand without what would be taken back, so nothing was saved");
            return Err(fault.findings(self.findings.clone()));
        }
        match &state.open {
            Some(open) => Err(open.fault().kind_is(FaultKind::Refused)),
            None => Ok(()),
        }
    }

    /// The plan as a file holds it, and as pages tell of it.
    async fn save(
        &mut self,
        app: &App,
        args: &PlanArgs,
        ask: &Ask,
        (database, project, state): (&mut Database, &Project, &State),
    ) -> Result<Saved> {
        let (graph, told) = picture::of_plan(database, project, state, &self.plan).await?;
        self.findings.extend(told);
        let (runner, provenance) = app.runner("plan", args.reason.as_deref());
        let made = (app.context.clock)();
        let target = saved::Target {
            name: app.resolved()?.name,
            engine: database.server().engine.to_owned(),
            version: database.server().version.clone(),
            shown: database.target().shown(),
            identity: Sha::of(database.identity().await?.as_bytes()),
        };
        let schema = database.snapshot().await?.weak_digest();
        let running = self.price.as_ref().map(|price| &price.running);
        let saved = Saved {
            switchback_plan: FORM,
            asked: ask.shown(),
            made,
            expires: made + args.valid_for,
            by: provenance.actor,
            host: runner.host,
            tool: provenance.tool,
            git_commit: provenance.git_commit,
            reason: provenance.reason,
            database: target,
            base: Base::of(state, schema),
            steps: self.steps(database.engine().dialect()),
            stays: self.plan.stays.iter().map(|(id, why)| (id.clone(), why.to_string())).collect(),
            safe: self.is_safe,
            notes: self.findings.clone(),
            in_the_way: running
                .map(|running| running.blockers.iter().map(Blocker::to_string).collect())
                .unwrap_or_default(),
            unseen: running.and_then(|running| running.unseen.clone()),
            changes: self.changes.clone(),
            graph: Some(graph),
            digest: Sha::of(b""),
        };
        Ok(saved.sealed())
    }

    fn steps(&self, dialect: &Dialect) -> Vec<saved::Step> {
        let steps = self.plan.steps.iter().zip(&self.warrants).enumerate();
        let step = |(at, (step, warrant)): (usize, (&Step, &Option<Warrant>))| {
            let migration = &step.migration;
            let journalled = !is_whole(dialect, step);
            let held = if journalled { Held::ByTheStatement } else { Held::ToTheEndOfTheStep };
            let own = self.costs.iter().filter(|cost| cost.id == migration.id && cost.direction == step.direction);
            saved::Step {
                direction: step.direction,
                id: migration.id.clone(),
                why: step.why.to_string(),
                digest: migration.digest(),
                up: migration.up.checksum().text.clone(),
                down: migration.down.script().map(|script| script.checksum().text.clone()),
                source: step.source,
                row: match step.direction {
                    Direction::Down => step.reverts,
                    Direction::Up => step.held_by,
                },
                verdict: warrant.as_ref().map_or_else(|| UNPROVEN.to_owned(), Warrant::verdict),
                drops: own.map(Cost::lost).collect(),
                rehearsed_ms: self.step_price(at).map(|price| price.rehearsed_ms),
                hold: self.step_price(at).and_then(|price| price.hold(held)),
                journalled,
                verified: step.direction == Direction::Up && migration.verify.is_some(),
                costs: self.step_price(at).map(StepPrice::lines).unwrap_or_default(),
                path: step.script().map(|script| script.path().to_owned()).unwrap_or_default(),
                sql: step.script().map(|script| script.text().to_owned()).unwrap_or_default(),
            }
        };
        steps.map(step).collect()
    }

    fn tell(&self, app: &App, written: Option<(&Path, &Saved)>) {
        let unproven: Vec<&str> = self.unproven().map(|step| step.migration.id.as_str()).collect();
        match app.voice {
            ui::Voice::Json => {
                let steps = json::steps(&self.plan, &self.costs);
                let steps = match &self.price {
                    Some(price) => json::priced(steps, price),
                    None => steps,
                };
                let fields = json!({
                    "base": self.plan.base,
                    "steps": steps,
                    "running": self.price.as_ref().map(|price| &price.running),
                    "stays": self.plan.stays.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
                    "safe": self.is_safe,
                    "unproven": unproven.len(),
                    "saved": written.map(|(path, saved)| json!({"file": path, "digest": saved.digest, "expires": saved.expires})),
                    "findings": self.findings.iter().map(json::finding).collect::<Vec<_>>(),
                });
                let outcome = if self.is_blocked() { "findings" } else { "ok" };
                ui::out(&format!("{}\n", json::command("plan", outcome, fields)));
            }
            ui::Voice::Human if self.plan.steps.is_empty() => ui::talk("nothing to do\n"),
            ui::Voice::Human => {
                ui::out(&match &self.price {
                    Some(price) => human::priced(&self.plan, &self.costs, price),
                    None => human::plan(&self.plan, &self.costs),
                });
                self.findings.iter().for_each(|finding| ui::talk(&human::finding(finding)));
                if self.is_safe == Some(true) {
                    ui::talk("safe: a shadow ends in the schema that a history without them has\n");
                }
                if let Some(price) = &self.price {
                    let total = duration(price.steps.iter().map(|step| step.rehearsed_ms).sum());
                    ui::talk(&format!("rehearsed in a shadow in {total}\n"));
                }
                if !unproven.is_empty() {
                    let (ids, are) = (shortened(&unproven), if unproven.len() == 1 { "is" } else { "are" });
                    let text = format!("{} of these {are} not proven yet ({ids})", unproven.len());
                    ui::talk(&format!("{text}; `switchback verify` or `up` proves what is not\n"));
                }
                if let Some((path, saved)) = written {
                    let (word, digest) = (shell(&path.display().to_string()), saved.digest.short());
                    let until = saved.expires.format("%Y-%m-%d %H:%M UTC");
                    app.context.tell(Event::Ends);
                    ui::talk(&format!(
                        "saved as {} ({digest}), good until {until}; `switchback apply {word}` runs it\n",
                        path.display()
                    ));
                }
            }
        }
    }
}
