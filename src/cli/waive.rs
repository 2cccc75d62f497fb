//! `switchback waive`

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::context::stamp;
use crate::fault::{Fault, Result};
use crate::id::Id;
use crate::migration::Migration;
use crate::proof::{Verdict, Waiver};
use crate::report::{clean, count, json};
use crate::verify::{self, AfterFailure, Options, Reuse};

/// Let migrations through whose way back is not proven, openly and with a reason
#[derive(Args)]
pub struct Waive {
    /// The migrations (unique parts of ids)
    #[arg(value_name = "ID", required_unless_present = "existing")]
    ids: Vec<String>,
    /// All that are unproven today
    #[arg(long, conflicts_with = "ids")]
    existing: bool,
    /// Why; stands in the registry
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub async fn run(app: &App, args: &Waive) -> Result<u8> {
    if args.reason.trim().is_empty() {
        return Err(Fault::usage("the reason is empty").help("say why the way back need not be proven"));
    }
    if !app.config.policy.allow_waivers {
        return Err(Fault::refused("the policy of switchback.toml allows no waivers"));
    }
    let mut database = app.database().await?;
    let mut project = app.project(&database)?;
    project.require_sound()?;
    let mut wanted: Vec<Id> = Vec::new();
    for part in &args.ids {
        wanted.push(project.find(part)?.clone());
    }
    project.seal();
    let verdicts = judge(app, &mut database, &mut project).await?;
    let server = database.server().clone();
    database.close().await;
    let (runner, provenance) = app.runner("waive", Some(&args.reason));
    let by = provenance.git_author.unwrap_or(runner.actor);
    let at = stamp((app.context.clock)());
    let mut waived = Vec::new();
    for migration in project.migrations.clone() {
        let Some(verdict) = verdicts.get(&migration.id).copied() else { continue };
        let named = wanted.contains(&migration.id);
        if verdict.lets_through() && named {
            let what = format!("`{}` needs no waiver: its verdict is {verdict}", migration.id);
            return Err(Fault::usage(what));
        }
        if named || (args.existing && !verdict.lets_through()) {
            let (id, digest, engine) = (migration.id.clone(), migration.digest(), server.engine.to_owned());
            let (reason, by, at) = (args.reason.clone(), by.clone(), at.clone());
            project.registry.add_waiver(Waiver { id: id.clone(), digest, engine, verdict, reason, by, at });
            waived.push((id, verdict));
        }
    }
    project.save()?;
    match app.voice {
        ui::Voice::Json => {
            let list: Vec<_> = waived.iter().map(|(id, verdict)| json!({"id": id, "verdict": verdict})).collect();
            ui::out(&format!("{}\n", json::command("waive", "ok", json!({"waived": list}))));
        }
        ui::Voice::Human => {
            waived.iter().for_each(|(id, verdict)| ui::out(&format!("waived {} ({verdict})\n", clean(id.as_str()))));
            let number = count(u64::try_from(waived.len()).unwrap_or(u64::MAX), "waiver");
            ui::talk(&format!("{number} written to the registry; `switchback check` keeps counting them\n"));
        }
    }
    Ok(exit::DONE)
}

/// The verdicts of today; what is not known yet is found out first, so that a waiver says what it waives.
async fn judge(
    app: &App,
    database: &mut crate::database::Database,
    project: &mut crate::project::Project,
) -> Result<BTreeMap<Id, Verdict>> {
    let graph = project.graph()?;
    let order: Vec<Migration> = project.ordered(&graph).into_iter().cloned().collect();
    let walk: Vec<&Migration> = order.iter().collect();
    let server = database.server().clone();
    let mut maker = app.maker(database).await?;
    let options = Options {
        reuse: Reuse::Known,
        after_failure: AfterFailure::GoOn,
        only: None,
        jobs: 1,
        real: None,
        refused: BTreeMap::new(),
    };
    let outcome = verify::verify(&mut maker, &server, &walk, &mut project.registry, &options, &app.context).await?;
    Ok(outcome.judged.into_iter().map(|judged| (judged.id, judged.verdict)).collect())
}
