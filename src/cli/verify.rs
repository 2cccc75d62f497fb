//! `switchback verify`

use std::collections::BTreeSet;

use clap::Args;

use super::{App, exit, ui};
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Severity, worst};
use crate::migration::Migration;
use crate::project::Project;
use crate::report::{duration, human, json};
use crate::verify::{self, AfterFailure, Judged, Options, Outcome, Reuse};

/// Prove every migration there and back, on schema and data, in a shadow
#[derive(Args)]
pub struct Verify {
    /// Only these migrations (unique parts of ids)
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Prove anew, whatever the registry says
    #[arg(long)]
    fresh: bool,
    /// Write no file
    #[arg(long)]
    locked: bool,
    /// Go on behind an up that fails, and judge what can still be judged
    #[arg(long)]
    keep_going: bool,
}

pub async fn run(app: &App, args: &Verify) -> Result<u8> {
    let begun = std::time::Instant::now();
    let mut database = app.database().await?;
    let mut project = app.project(&database)?;
    project.require_sound()?;
    if args.locked && !project.is_current() {
        let fault = Fault::refused("the registry does not name these files, and --locked writes none");
        return Err(fault.help("run `switchback seal` and commit the registry; `switchback check` tells what differs"));
    }
    let options = options(&project, args)?;
    let server = database.server().clone();
    project.seal();
    let graph = project.graph()?;
    let order: Vec<Migration> = project.ordered(&graph).into_iter().cloned().collect();
    let walk: Vec<&Migration> = order.iter().collect();
    let mut maker = app.maker(&mut database).await?;
    let outcome = verify::verify(&mut maker, &server, &walk, &mut project.registry, &options, &app.context).await?;
    database.close().await;
    if !args.locked {
        project.save()?;
    }
    let forbidden = forbid(app, &outcome);
    let bad = is_bad(&outcome, &project, server.engine) || !forbidden.is_empty();
    match app.voice {
        ui::Voice::Json => {
            let word = if bad { "findings" } else { "ok" };
            ui::out(&format!("{}\n", json::verify(&outcome.judged, &server, word)));
        }
        ui::Voice::Human => {
            outcome.judged.iter().for_each(|judged| ui::out(&human::judged(judged)));
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            forbidden.iter().for_each(|finding| ui::out(&human::finding(finding)));
            let counts = human::counts(&outcome.judged);
            ui::talk(&format!("{counts} in {} on {} {}\n", duration(millis), server.engine, server.version));
        }
    }
    Ok(if bad { exit::FINDINGS } else { exit::DONE })
}

/// What the project's policy does not let through.
fn forbid(app: &App, outcome: &Outcome) -> Vec<Finding> {
    let forbidden = outcome.judged.iter().filter_map(|judged| {
        let why = app.config.policy.forbids_verdict(judged.verdict)?;
        Some(Finding::error("policy", format!("`{}` is {}: {why}", judged.id, judged.verdict)).of(&judged.id))
    });
    forbidden.collect()
}

fn options(project: &Project, args: &Verify) -> Result<Options> {
    let mut only = BTreeSet::new();
    for part in &args.ids {
        only.insert(project.find(part)?.clone());
    }
    Ok(Options {
        reuse: if args.fresh { Reuse::Nothing } else { Reuse::Known },
        after_failure: if args.keep_going { AfterFailure::GoOn } else { AfterFailure::Stop },
        only: (!only.is_empty()).then_some(only),
    })
}

/// Findings of severity error that no waiver covers.
fn is_bad(outcome: &Outcome, project: &Project, engine: &str) -> bool {
    let waived = |judged: &Judged| {
        let digest = project.get(&judged.id).map(Migration::digest);
        digest.is_some_and(|digest| project.registry.waiver(&digest, engine).is_some())
    };
    let is_bad = |judged: &&Judged| !judged.verdict.lets_through() || worst(&judged.findings) == Some(Severity::Error);
    outcome.judged.iter().filter(is_bad).any(|judged| !waived(judged))
}
