//! `switchback verify`

use std::collections::BTreeSet;

use clap::Args;

use super::formats::Forms;
use super::{App, exit, ui};
use crate::engine::Server;
use crate::fault::{Fault, Result};
use crate::finding::Finding;
use crate::id::Id;
use crate::migration::Migration;
use crate::project::Project;
use crate::proof::{self, Link};
use crate::report::{Case, Report};
use crate::revision;
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
    /// Only migrations whose files differ from a git revision, and what is not proven
    #[arg(long, value_name = "REV", conflicts_with_all = ["ids", "changed"])]
    base: Option<String>,
    /// The same, from where this branch left the one that others start from
    #[arg(long, conflicts_with = "ids")]
    changed: bool,
    /// Write no file
    #[arg(long)]
    locked: bool,
    /// Go on behind an up that fails, and judge what can still be judged
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    pub forms: Forms,
}

pub async fn run(app: &App, args: &Verify) -> Result<u8> {
    args.forms.files()?;
    let begun = std::time::Instant::now();
    let mut database = app.database().await?;
    let mut project = app.project(&database)?;
    project.require_sound()?;
    if args.locked && !project.is_current() {
        let fault = Fault::refused("the registry does not name these files, and --locked writes none");
        return Err(fault.help("run `switchback seal` and commit the registry; `switchback check` tells what differs"));
    }
    let server = database.server().clone();
    project.seal();
    let graph = project.graph()?;
    let order: Vec<Migration> = project.ordered(&graph).into_iter().cloned().collect();
    let walk: Vec<&Migration> = order.iter().collect();
    let options = options(app, &project, &walk, &server, args)?;
    let mut maker = app.maker(&mut database).await?;
    let outcome = verify::verify(&mut maker, &server, &walk, &mut project.registry, &options, &app.context).await?;
    database.close().await;
    if !args.locked {
        project.save()?;
    }
    let findings = forbid(app, &outcome);
    let waiver = |judged: &Judged| {
        let digest = project.get(&judged.id).map(Migration::digest);
        digest.and_then(|digest| project.registry.waiver(&digest, server.engine).cloned())
    };
    let cases: Vec<Case> =
        outcome.judged.into_iter().map(|judged| Case::new(judged.clone(), waiver(&judged))).collect();
    let is_bad = cases.iter().any(Case::fails) || !findings.is_empty();
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report =
        Report { command: "verify", server: Some(&server), migrations: cases.len(), cases, findings, is_bad, millis };
    args.forms.tell(app, &report)?;
    Ok(if is_bad { exit::FINDINGS } else { exit::DONE })
}

/// What the project's policy does not let through.
fn forbid(app: &App, outcome: &Outcome) -> Vec<Finding> {
    let forbidden = outcome.judged.iter().filter_map(|judged| {
        let why = app.config.policy.forbids_verdict(judged.verdict)?;
        Some(Finding::error("policy", format!("`{}` is {}: {why}", judged.id, judged.verdict)).of(&judged.id))
    });
    forbidden.collect()
}

fn options(app: &App, project: &Project, walk: &[&Migration], server: &Server, args: &Verify) -> Result<Options> {
    let only = match (&args.base, args.changed) {
        (Some(revision), _) => Some(since(app, project, walk, server, revision)?),
        (None, true) => {
            let (commit, trunk) = revision::fork_point(&app.config.migrations)?;
            ui::talk(&format!(
                "compared with {}, where this branch left {trunk}\n",
                commit.get(..12).unwrap_or(&commit)
            ));
            Some(since(app, project, walk, server, &commit)?)
        }
        (None, false) if args.ids.is_empty() => None,
        (None, false) => Some(args.ids.iter().map(|part| project.find(part).cloned()).collect::<Result<_>>()?),
    };
    Ok(Options {
        reuse: if args.fresh { Reuse::Nothing } else { Reuse::Known },
        after_failure: if args.keep_going { AfterFailure::GoOn } else { AfterFailure::Stop },
        only,
    })
}

/// What has other files than a revision, and what is not proven as things stand: it was not before, or starts from another
/// state now.
fn since(app: &App, project: &Project, walk: &[&Migration], server: &Server, revision: &str) -> Result<BTreeSet<Id>> {
    let mut files = revision::changed_since(&app.config.migrations, revision)?;
    if let Some(seeds) = &app.config.seeds {
        files.extend(revision::changed_since(seeds, revision)?);
    }
    let root = |path: &str| std::path::absolute(path).ok().and_then(|path| path.canonicalize().ok().or(Some(path)));
    let is_below = |path: &str| root(path).is_some_and(|path| files.iter().any(|file| file.starts_with(&path)));
    let differs =
        |migration: &Migration| is_below(&migration.path) || migration.scripts().any(|script| is_below(script.path()));
    let links: Vec<Link> = walk.iter().map(|migration| Link::of(migration)).collect();
    let standings = proof::chain(&links, server.engine, &server.major, &project.registry);
    let wanted =
        walk.iter().zip(&standings).filter(|(migration, standing)| !standing.lets_through() || differs(migration));
    Ok(wanted.map(|(migration, _)| migration.id.clone()).collect())
}
