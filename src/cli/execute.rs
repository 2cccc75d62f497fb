//! What `up`, `down` and `redo` share: each only names another goal.

use clap::{Args, ValueEnum};
use serde_json::json;

use self::run::{Done, Ran, changed_meanwhile, nothing, overtaken, told, warned};
use super::ask::{Ask, Recovery, Targets};
use super::half::Half;
use super::rows::WithData;
use super::{App, ui};
use crate::amendments::{self, Amendment};
use crate::apart;
use crate::apply::Resume;
use crate::back_out::WayBack;
use crate::cost::{self, Cost};
use crate::database::Database;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Parts, Result};
use crate::finding::{Finding, Severity};
use crate::goal::{Aim, Goal};
use crate::ledger::{Act, Open, State};
use crate::migration::Migration;
use crate::plan::{Direction, Plan, Proven, Source, Step, Warrant};
use crate::planning;
use crate::project::Project;
use crate::proof::Verdict;
use crate::recover::InDoubt;
use crate::rehearse::{Depth, rehearse};
use crate::report::{clean, count, human, json};
use crate::saved::Saved;
use crate::sha::Sha;
use crate::verify::{self, AfterFailure, Judged, Options, Reuse};

mod run;

/// How often a plan is made anew because another runner was quicker.
const ROUNDS: usize = 50;

/// How many losses a refusal lists.
const SHOWN: usize = 20;

/// Flags of the commands that change a database.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Run the plan in a shadow only, and show it
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub with_data: WithData,
    /// Write no file; refuse what is not sealed and proven (for CI and production)
    #[arg(long)]
    pub locked: bool,
    /// Why; kept in the ledger
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// For a step that stopped half-way at a statement that leaves no trace: run it again, or go on behind it
    #[arg(long, value_name = "rerun|skip", value_enum)]
    pub in_doubt: Option<Doubt>,
    /// Accept that rows are lost: all, or those of TABLE or TABLE.COLUMN (may be given more than once)
    #[arg(long, value_name = "TABLE[.COLUMN]", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub accept_loss: Vec<String>,
    /// Where [checks] or, behind a way back, verify.sql of what stays does not hold: go back at once to what was applied before
    #[arg(long)]
    pub undo_on_failure: bool,
}

/// What to do with a statement of which nobody can tell whether it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Doubt {
    Rerun,
    Skip,
}

impl From<Doubt> for InDoubt {
    fn from(doubt: Doubt) -> InDoubt {
        match doubt {
            Doubt::Rerun => InDoubt::Rerun,
            Doubt::Skip => InDoubt::Skip,
        }
    }
}

/// Whether a person confirms the plan before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    Always,
    OnlyForLoss,
}

/// Takes the database to the target; where what has to hold behind that does not, back again, if that is wanted.
pub async fn execute(app: &App, verb: &'static str, ask: &Ask, args: &RunArgs, asks: Asks) -> Result<u8> {
    let done = match carry_out(app, verb, ask, args, asks).await? {
        Ended::Ran(done) => done,
        Ended::Nothing => return Ok(nothing(app, verb)),
        Ended::Told(code) => return Ok(code),
    };
    if !(args.undo_on_failure && done.is_failed()) {
        return Ok(told(app, verb, &done, None));
    }
    let failed = || {
        let errors = done.findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| finding.message.clone())
    };
    let reason = format!("undone: {}", failed().collect::<Vec<_>>().join("; "));
    let back = RunArgs { yes: true, reason: Some(reason), undo_on_failure: false, ..args.clone() };
    let undone = carry_out(app, verb, &Ask::of_undo(done.undo), &back, Asks::OnlyForLoss).await;
    let undone = undone.map_err(|why| {
        let fault = Fault::new(why.kind(), "the plan was run and recorded, and could not be undone");
        let Parts { what, causes, help, .. } = why.parts();
        let fault = failed().chain([what.clone()]).chain(causes.iter().cloned()).fold(fault, Fault::cause);
        help.iter().fold(fault, Fault::help)
    })?;
    let undone = if let Ended::Ran(undone) = &undone { Some(undone) } else { None };
    Ok(told(app, verb, &done, undone))
}

/// How a command ended.
enum Ended {
    Ran(Done),
    /// There was nothing to do.
    Nothing,
    /// What was to be told is told: the exit code.
    Told(u8),
}

async fn carry_out(app: &App, verb: &'static str, ask: &Ask, args: &RunArgs, asks: Asks) -> Result<Ended> {
    if args.with_data.with_data.is_some() && !args.dry_run {
        let fault = Fault::usage("--with-data is for a rehearsal, and without --dry-run this is none");
        return Err(fault.help("give `--dry-run` as well, or leave it out"));
    }
    let (mut knocked, mut doubted) = (None, None);
    for _ in 0..ROUNDS {
        let mut round = Round::open(app, verb, ask, args).await?;
        let open = round.state.open.clone();
        if open.is_some() && knocked != open {
            // What looks half-way may be another runner at work: whoever gets the lock knows that it is not.
            knocked = open;
            round.knock().await?;
            continue;
        }
        let prepared = match round.prepare().await {
            // Another runner may have gone on with it while the schema was read.
            Err(fault) if fault.kind() == FaultKind::HalfWay && open.is_some() && doubted != open => {
                doubted = open;
                round.knock().await?;
                continue;
            }
            prepared => prepared?,
        };
        let Some((plan, costs)) = prepared else {
            let Round { project, state, .. } = round;
            // As in `status`: the process ends here.
            std::mem::forget((project, state));
            return Ok(Ended::Nothing);
        };
        if args.dry_run {
            return round.dry_run(&plan, &costs).await.map(Ended::Told);
        }
        if !costs.is_empty() && round.is_stale().await? {
            app.context.go_on()?;
            overtaken(&round.goal, changed_meanwhile())?;
            continue;
        }
        consent(&plan, &costs, args, asks)?;
        match round.run(plan).await? {
            Ran::Done(done) => return Ok(Ended::Ran(done)),
            Ran::Overtaken => app.context.go_on()?,
        }
    }
    Err(Fault::new(FaultKind::Busy, "other runners kept changing the database").help("run the command again"))
}

/// One look at the database, and what follows from it.
struct Round<'a> {
    app: &'a App,
    verb: &'static str,
    ask: &'a Ask,
    args: &'a RunArgs,
    database: Database,
    project: Project,
    state: State,
    /// What is asked for, in this state.
    goal: Goal,
    /// Where the first step goes on, when an earlier run left it half-way.
    resume: Option<Resume>,
    /// Applied migrations whose way back was edited.
    amendments: Vec<Amendment>,
}

impl<'a> Round<'a> {
    async fn open(app: &'a App, verb: &'static str, ask: &'a Ask, args: &'a RunArgs) -> Result<Round<'a>> {
        let (mut database, mut project, state) = app.look(Project::load_files).await?;
        refuse_foreign_history(&mut database, &state).await?;
        let needs_registry = match verb {
            "up" => planning::differs(&project, &state) || !ask.is_of_checkout(),
            "down" => {
                args.locked
                    || ask.undo.is_some()
                    || !matches!(ask.targets, Targets { to_time: None, to_release: None, .. })
            }
            _ => true,
        };
        if needs_registry {
            project.read_registry()?;
        }
        let project = ask.project(app, &database, project)?;
        let goal = Goal::from(Aim::All);
        let (resume, amendments) = (None, Vec::new());
        Ok(Round { app, verb, ask, args, database, project, state, goal, resume, amendments })
    }

    /// Whether what is applied are the checkout's files as they stand. Those of a step that is gone on with are, where they were
    /// mended since it was begun.
    fn is_of_checkout(&self) -> bool {
        let mended = |open: &Open| {
            let here = self.project.get(&open.id).filter(|_| open.is(Act::Apply));
            here.is_some_and(|here| here.digest() != open.digest)
        };
        self.ask.is_of_checkout()
            || self.ask.recovery == Some(Recovery::Resume) && self.state.open.as_ref().is_some_and(mended)
    }

    /// Takes the run's lock and gives it back: afterwards nobody is at work who was when the state was read.
    async fn knock(self) -> Result<()> {
        let (runner, _) = self.app.runner(self.verb, None);
        self.app.lock(self.database, runner).await?.release().await;
        Ok(())
    }

    /// The proven plan and what it costs; `None` when there is nothing to do.
    async fn prepare(&mut self) -> Result<Option<(Proven, Vec<Cost>)>> {
        // Going down needs nothing of the checkout: the ledger has the scripts.
        if self.is_of_checkout() {
            self.project.require_readable()?;
            self.amendments = amendments::edited(&mut self.database, &self.project, &self.state).await?;
        }
        for finding in amendments::told(&self.amendments, &self.project) {
            self.app.context.tell(Event::Warning(finding));
        }
        if self.is_of_checkout() {
            let renamed = planning::renamed(&self.project, &self.state);
            let told = renamed.into_iter().map(|(applied, migration)| planning::told_renamed(applied, migration));
            told.for_each(|finding| self.app.context.tell(Event::Warning(finding)));
        }
        if let Some(saved) = &self.ask.saved {
            self.require_base(saved).await?;
        }
        if self.ask.recovery == Some(Recovery::BackOut) {
            return self.back_out().await;
        }
        let (plan, goal) = self.ask.plan(&mut self.database, &self.project, &self.state).await?;
        self.goal = goal;
        refuse_other_than_open(&self.state, &plan)?;
        if plan.steps.is_empty() && !self.amends() {
            return Ok(None);
        }
        if self.ask.is_of_files() || self.is_of_checkout() {
            self.project.require_sound()?;
        }
        refuse_irreversible(&plan)?;
        if self.args.locked && self.ask.saved.is_none() && !self.project.is_current() {
            let fault = Fault::refused("the registry does not name these files, and --locked writes none");
            return Err(
                fault.help("run `switchback seal` and commit the registry; `switchback check` tells what differs")
            );
        }
        let mut warrants = planning::warrants(&mut self.database, &self.project, &self.state, &plan).await?;
        if warrants.iter().any(Option::is_none) {
            self.prove(&plan, &mut warrants).await?;
        }
        let mut given = warrants.into_iter();
        let mut proven = Proven::new(plan, |_| given.next().flatten())
            .map_err(|steps| Fault::bug(format!("{} steps have no warrant", steps.len())))?;
        planning::keep_edges(&mut proven, &self.project);
        self.tell_unproven(&proven);
        if let (Some(open), Some((step, _))) = (self.state.open.clone(), proven.steps().first()) {
            self.resume = Some(self.resume(&open, step).await?);
        }
        self.refuse_by_policy(&proven)?;
        self.refuse_blocked(&proven).await?;
        let mut costs = cost::costs(&mut self.database, &proven).await?;
        if self.resume.is_some() {
            // What has run already has taken what it takes.
            let there = self.database.snapshot().await?.titles();
            costs.retain(|cost| cost.rows.is_some() || there.contains(&cost.object));
        }
        Ok(Some((proven, costs)))
    }

    /// The way back from the middle of a step, as a plan.
    async fn back_out(&mut self) -> Result<Option<(Proven, Vec<Cost>)>> {
        let in_doubt = self.args.in_doubt.map(InDoubt::from);
        let Some(half) = Half::look(&mut self.database, &self.project, &self.state).await? else {
            return Ok(None);
        };
        if half.open.is(Act::BackOut) {
            return Err(half.open.fault());
        }
        let stand = half.stand(self.app, &mut self.database, in_doubt).await?;
        let WayBack { step, warrant, findings } = half.way_back(self.app, &mut self.database, &stand).await?;
        let told = stand.findings(&step.migration.id).into_iter().chain(findings);
        told.for_each(|finding| self.app.context.tell(Event::Warning(finding)));
        let plan = Plan { steps: vec![step], ..Plan::nothing(&self.state.head) };
        let proven =
            Proven::new(plan, |_| Some(warrant.clone())).map_err(|_| Fault::bug("the way back has no warrant"))?;
        let costs = cost::costs(&mut self.database, &proven).await?;
        Ok(Some((proven, costs)))
    }

    /// # Errors
    /// Refused where the database is not the one, or not in the state, that a saved plan was made on.
    async fn require_base(&mut self, saved: &Saved) -> Result<()> {
        saved.require_fresh((self.app.context.clock)())?;
        let identity = Sha::of(self.database.identity().await?.as_bytes());
        saved.require_database(&identity, &self.database.target().shown())?;
        saved.require_state(&self.state)?;
        saved.require_schema(&self.database.snapshot().await?.weak_digest())
    }

    /// Whether another runner was at work since the state was read: what was counted since may be of another state.
    async fn is_stale(&mut self) -> Result<bool> {
        let now = self.database.state().await?;
        Ok(now.applied != self.state.applied || now.open != self.state.open)
    }

    /// Whether there is an edited way back that the ledger takes over. Only going up does that.
    fn amends(&self) -> bool {
        self.verb == "up" && self.amendments.iter().any(|amendment| amendment.warrant.is_some())
    }

    /// Makes the proofs that are missing, in a shadow, first (I1).
    async fn prove(&mut self, plan: &Plan, warrants: &mut [Option<Warrant>]) -> Result<()> {
        let missing = plan.steps.iter().zip(warrants.iter()).filter(|(_, warrant)| warrant.is_none());
        // What the ledger kept is proven where it is run: no registry tells of it.
        let is_owed = |step: &Step| self.args.locked || (self.ask.saved.is_some() && step.source == Source::Checkout);
        let owed = missing.filter(|(step, _)| is_owed(step));
        let ids: Vec<&str> = owed.map(|(step, _)| step.migration.id.as_str()).collect();
        if !ids.is_empty() {
            let by = if self.args.locked { "--locked" } else { "a saved plan" };
            let what = format!("{} not proven, and {by} proves nothing", count_are(ids.len()));
            let fault = Fault::refused(what).cause(shortened(&ids));
            return Err(fault.help("run `switchback verify` and commit the registry"));
        }
        let walk = planning::walk(&mut self.database, &self.project, &self.state, plan).await?;
        let walk: Vec<&Migration> = walk.iter().collect();
        let server = self.database.server().clone();
        let mut maker = self.app.maker(&mut self.database).await?;
        let is_own = self.is_of_checkout();
        if is_own {
            self.project.seal();
        }
        let only = plan.steps.iter().filter(|step| step.direction == Direction::Up);
        let options = Options {
            reuse: Reuse::Known,
            after_failure: AfterFailure::Stop,
            only: Some(only.map(|step| step.migration.id.clone()).collect()),
            jobs: 1,
            real: None,
            refused: std::collections::BTreeMap::new(),
        };
        let registry = &mut self.project.registry;
        let outcome = verify::verify(&mut maker, &server, &walk, registry, &options, &self.app.context).await?;
        // The registry tells of the checkout's files alone.
        if is_own {
            self.project.save()?;
        }
        let mut refused = Vec::new();
        for (step, warrant) in plan.steps.iter().zip(warrants).filter(|(step, _)| step.direction == Direction::Up) {
            let Some(judged) = outcome.judged.iter().find(|judged| judged.id == step.migration.id) else { continue };
            *warrant = planning::of_judged(judged, &step.migration.digest(), &server, &self.project.registry);
            match warrant {
                None => refused.push(judged),
                Some(_) => {
                    judged.findings.iter().for_each(|finding| self.app.context.tell(Event::Warning(finding.clone())))
                }
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        Err(unproven(&refused))
    }

    /// What is taken back from under what stays has to end where a history without it would (I12).
    ///
    /// # Errors
    /// Refused with what stands in the way.
    async fn refuse_blocked(&mut self, plan: &Proven) -> Result<()> {
        let plan = plan.to_plan();
        if !apart::keeps_later(&self.state.applied, &plan) {
            return Ok(());
        }
        let nothing = Plan::nothing(&self.state.head);
        let applied = planning::walk(&mut self.database, &self.project, &self.state, &nothing).await?;
        let mut maker = self.app.maker(&mut self.database).await?;
        let (context, reverts) = (&self.app.context, apart::reverts(&plan));
        let rehearsed = rehearse(&mut maker, &applied, reverts, (Depth::Run, None), context).await?;
        let findings = apart::findings(&mut maker, &applied, &plan, &rehearsed, context).await?;
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let fault =
                Fault::refused("what stays does not stand without what would be taken back, so nothing was run");
            return Err(fault.findings(findings));
        }
        findings.into_iter().for_each(|finding| self.app.context.tell(Event::Warning(finding)));
        Ok(())
    }

    /// # Errors
    /// When the project's policy does not let a step up on the strength of its warrant.
    fn refuse_by_policy(&self, plan: &Proven) -> Result<()> {
        let ups = plan.steps().iter().filter(|(step, _)| step.direction == Direction::Up);
        let forbidden = |(step, warrant): &(Step, Warrant)| {
            let why = self.app.config.policy.forbids(warrant)?;
            Some(format!("`{}`: {why}", step.migration.id))
        };
        let refused: Vec<String> = ups.filter_map(forbidden).collect();
        if refused.is_empty() {
            return Ok(());
        }
        let fault = Fault::refused("the policy of switchback.toml forbids this");
        Err(refused.into_iter().take(10).fold(fault, Fault::cause).help("see [policy] in switchback.toml"))
    }

    /// Finds out, by reading back, behind which statement an earlier run stopped (I4).
    async fn resume(&mut self, open: &Open, step: &Step) -> Result<Resume> {
        let half = Half::of(&mut self.database, &self.project, &self.state, (open, step)).await?;
        let in_doubt = self.args.in_doubt.map(InDoubt::from);
        let stand = half.stand(self.app, &mut self.database, in_doubt).await?;
        stand.findings(&open.id).into_iter().for_each(|finding| self.app.context.tell(Event::Warning(finding)));
        let from = stand.behind;
        let message = format!("`{}` goes on behind statement {from}, the last that took effect", open.id);
        self.app.context.tell(Event::Warning(Finding::note("resumed", message).of(&open.id)));
        Ok(Resume { seq: open.seq, from })
    }

    fn tell_unproven(&self, plan: &Proven) {
        let told = plan.steps().iter().filter_map(|(step, warrant)| planning::told_unproven(step, warrant));
        told.for_each(|finding| self.app.context.tell(Event::Warning(finding)));
    }

    async fn dry_run(mut self, plan: &Proven, costs: &[Cost]) -> Result<u8> {
        let plan = plan.to_plan();
        let nothing = Plan::nothing(&self.state.head);
        let applied = planning::walk(&mut self.database, &self.project, &self.state, &nothing).await?;
        let mut maker = self.app.maker(&mut self.database).await?;
        let how = (Depth::Priced, self.args.with_data.take(self.app, &plan.steps).await?);
        let rehearsed = rehearse(&mut maker, &applied, &plan.steps, how, &self.app.context).await?;
        rehearsed.require_all(&plan.steps)?;
        rehearsed.notes.iter().for_each(|note| self.app.context.tell(Event::Warning(note.clone())));
        let price = crate::pricing::price(&mut self.database, &plan, rehearsed).await?;
        let times: Vec<u64> = price.steps.iter().map(|step| step.rehearsed_ms).collect();
        match self.app.voice {
            ui::Voice::Json => {
                let steps = json::priced(json::steps(&plan, costs), &price);
                let (running, findings) = (json!(price.running), warned(self.app));
                let fields =
                    json!({"dry_run": true, "steps": steps, "millis": times, "running": running, "findings": findings});
                ui::out(&format!("{}\n", json::command(self.verb, "ok", fields)));
            }
            ui::Voice::Human => {
                ui::out(&human::priced(&plan, costs, &price));
                let total: u64 = times.iter().sum();
                let steps = count(u64::try_from(plan.steps.len()).unwrap_or(u64::MAX), "step");
                ui::talk(&format!(
                    "dry run: {steps} ran in a shadow in {}; the database was not touched\n",
                    crate::report::duration(total)
                ));
            }
        }
        self.database.close().await;
        Ok(super::exit::DONE)
    }
}

/// Why the steps are not let through, with all findings.
fn unproven(refused: &[&Judged]) -> Fault {
    let findings = refused.iter().flat_map(|judged| judged.findings.clone()).collect();
    let fails = refused.iter().any(|judged| judged.verdict == Verdict::Failed);
    let what = if fails { "an up script fails in the shadow" } else { "the way back is not proven" };
    let fault = Fault::refused(format!("{what}, so nothing was applied")).findings(findings);
    let names = refused.iter().take(10).map(|judged| format!("{} is {}", judged.id, judged.verdict));
    let fault = names.fold(fault, Fault::cause);
    match fails {
        true => fault.help("mend the up script, and run the command again"),
        false => fault.help("mend the down script, or accept it openly with `switchback waive ID --reason \"…\"`"),
    }
}

/// Another tool's history with rows, and no ledger of ours: whose database is it?
pub async fn refuse_foreign_history(database: &mut Database, state: &State) -> Result<()> {
    if state.head.seq > 0 {
        return Ok(());
    }
    match database.history().await? {
        None => Ok(()),
        Some(history) => {
            let what =
                format!("this database has been migrated by {} (its table {} has rows)", history.tool, history.table);
            let fault = Fault::refused(what).cause("running the same migrations again would do them twice");
            Err(fault.help("`switchback adopt` takes over what is applied; nothing of the other tool is changed"))
        }
    }
}

/// A step that is half-way is gone on with, and nothing else is begun before.
fn refuse_other_than_open(state: &State, plan: &Plan) -> Result<()> {
    let Some(open) = &state.open else { return Ok(()) };
    let goes_on = |step: &Step| open.is(step.act()) && step.migration.id == open.id;
    if plan.steps.first().is_some_and(goes_on) { Ok(()) } else { Err(open.fault()) }
}

fn refuse_irreversible(plan: &Plan) -> Result<()> {
    // Of a group, another member may undo it; what is blank has nothing to undo.
    let may_be_empty = |step: &Step| step.migration.settings.group.is_some() || step.migration.is_blank();
    let stuck = |step: &&Step| {
        let is_stuck = |script: &crate::sql::Script| script.statements().is_empty() && !may_be_empty(step);
        step.direction == Direction::Down && step.script().is_none_or(is_stuck)
    };
    let Some(step) = plan.steps.iter().find(stuck) else { return Ok(()) };
    let id = &step.migration.id;
    match step.irreversible() {
        Some(reason) => Err(Fault::refused(format!("`{id}` is declared irreversible: {reason}"))),
        None => Err(Fault::refused(format!("`{id}` has no down script, so nothing was run"))),
    }
}

/// Asks what has to be asked; without a terminal only flags can answer (I11).
fn consent(plan: &Proven, costs: &[Cost], args: &RunArgs, asks: Asks) -> Result<()> {
    let everything = args.accept_loss.iter().any(String::is_empty);
    let covered = |cost: &&Cost| everything || args.accept_loss.iter().any(|what| cost.is_covered_by(what));
    let open: Vec<&Cost> = costs.iter().filter(|cost| !covered(cost)).collect();
    let ask = ui::can_ask() && !args.yes;
    if !open.is_empty() && !ask {
        let fault = Fault::refused("rows would be lost, so nothing was run");
        let shown = open.iter().take(SHOWN).map(|cost| format!("{} {cost}", cost.id));
        let more =
            (open.len() > SHOWN).then(|| format!("and {} more; `switchback plan down` shows all", open.len() - SHOWN));
        let fault = shown.chain(more).fold(fault, Fault::cause);
        let one = open.first().map_or("", |cost| cost.name());
        return Err(fault.help(format!("`--accept-loss` accepts all of it, `--accept-loss={one}` only this")));
    }
    if args.yes || (asks == Asks::OnlyForLoss && open.is_empty()) {
        return Ok(());
    }
    if !ask {
        return Err(Fault::usage("nobody can be asked here").help("give `--yes`"));
    }
    ui::talk(&human::plan(&plan.to_plan(), costs));
    ui::confirm(if open.is_empty() { "Run this?" } else { "Rows will be lost. Run this?" })
}

fn count_are(number: usize) -> String {
    if number == 1 { "1 migration is".to_owned() } else { format!("{number} migrations are") }
}

/// The first few of them, and how many there are beside.
pub fn shortened(ids: &[&str]) -> String {
    let mut text = ids.iter().take(5).map(|id| clean(id).into_owned()).collect::<Vec<_>>().join(", ");
    if ids.len() > 5 {
        text.push_str(&format!(" and {} more", ids.len() - 5));
    }
    text
}
