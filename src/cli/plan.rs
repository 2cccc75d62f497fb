//! `switchback plan`

use clap::{Args, ValueEnum};
use serde_json::json;

use super::execute::shortened;
use super::{App, ui};
use crate::cost;
use crate::fault::Result;
use crate::finding::Finding;
use crate::id;
use crate::plan::{Goal, Proven, Warrant};
use crate::planning;
use crate::project::Project;
use crate::report::{human, json};

/// Show what `up` or `down` would do; nothing is changed and nothing is proven
#[derive(Args)]
pub struct PlanArgs {
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    Up,
    Down,
}

pub async fn run(app: &App, args: &PlanArgs) -> Result<u8> {
    let (mut database, project, state) = app.look(Project::load).await?;
    let goal = match (args.way, args.steps, &args.to) {
        (Way::Up, Some(count), _) => Goal::Ahead(count),
        (Way::Down, Some(count), _) => Goal::Back(count),
        (Way::Up, _, Some(part)) => Goal::UpTo(project.find(part)?.clone()),
        (Way::Down, _, Some(part)) => {
            Goal::BackTo(id::find(state.applied.iter().map(|applied| &applied.id), part)?.clone())
        }
        (Way::Up, None, None) => Goal::All,
        (Way::Down, None, None) => Goal::Nothing,
    };
    let plan = planning::plan(&mut database, &project, &state, &goal).await?;
    let warrants = planning::warrants(&mut database, &project, &state, &plan).await?;
    let steps = || plan.steps.iter().zip(&warrants);
    let told = steps().filter_map(|(step, warrant)| planning::told_unproven(step, warrant.as_ref()?));
    let findings: Vec<Finding> = told.collect();
    let missing = steps().filter(|(_, warrant)| warrant.is_none());
    let unproven: Vec<&str> = missing.map(|(step, _)| step.migration.id.as_str()).collect();
    let mut given = warrants.into_iter();
    let known = Proven::new(plan.clone(), |_| given.next().flatten().or(Some(Warrant::recorded(None))));
    let costs = match known {
        Ok(proven) => cost::costs(&mut database, &proven).await?,
        Err(_) => Vec::new(),
    };
    database.close().await;
    match app.voice {
        ui::Voice::Json => {
            let fields = json!({
                "base": plan.base,
                "steps": json::steps(&plan, &costs),
                "unproven": unproven.len(),
                "findings": findings.iter().map(json::finding).collect::<Vec<_>>(),
            });
            ui::out(&format!("{}\n", json::command("plan", "ok", fields)));
        }
        ui::Voice::Human if plan.steps.is_empty() => ui::talk("nothing to do\n"),
        ui::Voice::Human => {
            ui::out(&human::plan(&plan, &costs));
            findings.iter().for_each(|finding| ui::talk(&human::finding(finding)));
            if !unproven.is_empty() {
                let (ids, are) = (shortened(&unproven), if unproven.len() == 1 { "is" } else { "are" });
                let text = format!("{} of these {are} not proven yet ({ids})", unproven.len());
                ui::talk(&format!("{text}; `switchback verify` or `up` proves what is not\n"));
            }
        }
    }
    Ok(super::exit::DONE)
}
