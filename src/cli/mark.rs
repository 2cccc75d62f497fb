//! `switchback mark`

use clap::{Args, ValueEnum};
use serde_json::json;

use super::ask::{Ask, Targets, Way};
use super::handover::Handed;
use super::{App, exit, ui};
use crate::adopt::Basis;
use crate::database::Database;
use crate::drift;
use crate::event::Event;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Severity};
use crate::id::Id;
use crate::ledger::State;
use crate::mark;
use crate::plan::{Plan, Proven, Warrant};
use crate::planning;
use crate::project::Project;
use crate::report::{clean, json};
use crate::snapshot::Snapshot;

/// Record steps that another client has run, once the live schema shows that it is so; nothing is run
#[derive(Args)]
pub struct Mark {
    /// What became of them
    #[arg(value_enum)]
    what: Became,
    /// The migrations (unique parts of ids)
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Why; kept in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// What another client has done with migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Became {
    /// Their ups were run
    Applied,
    /// Their downs were run
    Reverted,
}

impl Became {
    fn word(self) -> &'static str {
        match self {
            Became::Applied => "applied",
            Became::Reverted => "reverted",
        }
    }
}

pub async fn run(app: &App, args: &Mark) -> Result<u8> {
    if args.reason.trim().is_empty() {
        return Err(Fault::usage("the reason is empty").help("say who ran it, and why"));
    }
    let (mut database, project, state) = app.look(Project::load).await?;
    let ids = args.ids.iter().map(|part| meant(args.what, part, &project, &state)).collect::<Result<Vec<Id>>>()?;
    let plan = planned(args.what, &mut database, &project, &state, &ids).await?;
    if args.what == Became::Applied {
        project.require_sound()?;
        if !project.is_current() {
            let fault = Fault::refused("the registry does not name these files, and `mark` writes none");
            return Err(fault.help("run `switchback verify` and commit the registry"));
        }
    }
    let warrants = planning::warrants(&mut database, &project, &state, &plan).await?;
    let walk = planning::walk(&mut database, &project, &state, &plan).await?;
    let handed = Handed { app, project: &project, state: &state, reason: Some(&args.reason) };
    let proven = handed.proven(&mut database, plan, warrants).await?;
    let mut maker = app.maker(&mut database).await?;
    let replayed = drift::replayed(&mut maker, &walk, &app.context).await?;
    let live = database.snapshot().await?;
    let found = drift::findings(&replayed, &live, &app.config.drift, &walk);
    refuse_other(args.what, found)?;
    tell_traceless(app, &proven);
    consent(args, &proven)?;
    write(app, args, database, &state, &live, &proven).await
}

/// The migration that a part of an id means.
fn meant(what: Became, part: &str, project: &Project, state: &State) -> Result<Id> {
    let applied: Vec<&Id> = state.applied.iter().map(|one| &one.id).collect();
    match what {
        Became::Applied => {
            let id = project.find(part)?;
            match state.get(id) {
                None => Ok(id.clone()),
                Some(row) => Err(Fault::usage(format!("`{id}` is applied already (row #{})", row.seq))),
            }
        }
        Became::Reverted => match (crate::id::find(applied, part), project.find(part)) {
            (Ok(id), _) => Ok(id.clone()),
            (Err(_), Ok(id)) => Err(Fault::usage(format!("`{id}` is not applied, so nobody can have reverted it"))),
            (Err(fault), Err(_)) => Err(fault),
        },
    }
}

/// The plan that would have done it: these steps, and no other.
async fn planned(what: Became, database: &mut Database, project: &Project, state: &State, ids: &[Id]) -> Result<Plan> {
    let way = if what == Became::Applied { Way::Up } else { Way::Down };
    let only = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let ask = Ask::new(way, None, None, &Targets { only, ..Targets::default() });
    let (plan, _) = ask.plan(database, project, state).await?;
    let others: Vec<_> = plan.steps.iter().filter(|step| !ids.contains(&step.migration.id)).collect();
    if let Some(other) = others.first() {
        let what = format!("`{}` would have to be {} as well ({})", other.migration.id, what.word(), other.why);
        return Err(Fault::refused(what).help("name it too, if another client has run it"));
    }
    Ok(plan)
}

/// # Errors
/// Refused where the live schema is not the one that the steps lead to.
fn refuse_other(what: Became, found: Vec<Finding>) -> Result<()> {
    let differs: Vec<Finding> = found.into_iter().filter(|one| one.severity == Severity::Error).collect();
    if differs.is_empty() {
        return Ok(());
    }
    let what = format!("the database is not what it would be with these {}, so nothing was written", what.word());
    let help = "`-` is what the migrations make, `+` the database; [drift] in switchback.toml says what may differ";
    Err(Fault::refused(what).findings(differs).help(help))
}

/// Says of which steps the schema tells nothing.
fn tell_traceless(app: &App, plan: &Proven) {
    for (step, warrant) in plan.steps() {
        if matches!(warrant, Warrant::Proof { from, to, .. } if from == to) {
            let id = &step.migration.id;
            let text = format!("`{id}` leaves no trace in the schema: that it was run is your word alone");
            app.context.tell(Event::Warning(Finding::warning("no-trace", text).of(id)));
        }
    }
}

fn consent(args: &Mark, plan: &Proven) -> Result<()> {
    if args.yes {
        return Ok(());
    }
    if !ui::can_ask() {
        return Err(Fault::usage("nobody can be asked here").help("give `--yes`"));
    }
    plan.steps().iter().for_each(|(step, _)| ui::talk(&format!("{} {}\n", step.direction, step.migration.id)));
    ui::confirm(&format!("The schema agrees. Mark as {}?", args.what.word()))
}

async fn write(
    app: &App,
    args: &Mark,
    database: Database,
    state: &State,
    live: &Snapshot,
    plan: &Proven,
) -> Result<u8> {
    let (runner, provenance) = app.runner("mark", Some(&args.reason));
    let mut locked = app.lock(database, runner).await?;
    let basis = Basis { state, live, history: None };
    let outcome = mark::mark(&mut locked, &basis, plan, &provenance, &app.context).await;
    locked.release().await;
    let seqs = outcome?;
    match app.voice {
        ui::Voice::Json => {
            let steps = plan.steps().iter().zip(&seqs);
            let step = |((step, _), seq): (&(crate::plan::Step, Warrant), &i64)| json!({"direction": step.direction, "id": step.migration.id, "seq": seq});
            let findings: Vec<_> = app.warned().iter().map(json::finding).collect();
            let fields = json!({"steps": steps.map(step).collect::<Vec<_>>(), "findings": findings});
            ui::out(&format!("{}\n", json::command("mark", "ok", fields)));
        }
        ui::Voice::Human => {
            let line = |step: &crate::plan::Step| {
                format!("marked as {}: {}\n", args.what.word(), clean(step.migration.id.as_str()))
            };
            plan.steps().iter().for_each(|(step, _)| ui::out(&line(step)));
        }
    }
    Ok(exit::DONE)
}
