//! `switchback verify`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Args;

use super::formats::Forms;
use super::ui::Voice;
use super::{App, exit, rows, ui};
use crate::engine::Server;
use crate::event::Event;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, counted};
use crate::id::Id;
use crate::migration::Migration;
use crate::project::Project;
use crate::proof::{self, Link};
use crate::real::Real;
use crate::report::{Case, Report};
use crate::revision;
use crate::shadow::Maker;
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
    /// Take rows of this database (a name of switchback.toml, or a URL) instead of made-up ones. It is only read, its columns are
    /// masked as [mask] says, and no proof is kept: another run may meet other rows
    #[arg(long, value_name = "NAME|URL")]
    data_from: Option<String>,
    /// So many rows of each table, and those that they refer to
    #[arg(long, value_name = "N", default_value_t = 100, requires = "data_from", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sample: u32,
    /// So many pairs of shadows prove at once, each its own part of the chain. Quicker where cores are free, and more work in all: each
    /// part begins behind the ups of those before it
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = jobs)]
    jobs: usize,
    /// Write no file
    #[arg(long)]
    locked: bool,
    /// Go on behind an up that fails, or that cannot be run at all, and judge what can still be judged
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    pub forms: Forms,
}

/// More shadows than these would use up a server's connections.
const MOST_JOBS: usize = 32;

fn jobs(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(jobs) if (1..=MOST_JOBS).contains(&jobs) => Ok(jobs),
        _ => Err(format!("a number from 1 to {MOST_JOBS}")),
    }
}

pub async fn run(app: &App, args: &Verify) -> Result<u8> {
    args.forms.files()?;
    let begun = std::time::Instant::now();
    let mut database = app.database().await?;
    let mut project = app.project(&database)?;
    let (refused, told) = if args.keep_going { project.unsound() } else { Default::default() };
    if !args.keep_going {
        project.require_sound()?;
    }
    if args.locked && !project.is_current() {
        let fault = Fault::refused("the registry does not name these files, and --locked writes none");
        return Err(fault.help("run `switchback seal` and commit the registry; `switchback check` tells what differs"));
    }
    let server = database.server().clone();
    project.seal();
    let graph = project.graph()?;
    let order: Vec<Migration> = project.ordered(&graph).into_iter().cloned().collect();
    let walk: Vec<&Migration> = order.iter().collect();
    let mut options = Options { refused, ..options(app, &project, &walk, &server, args)? };
    let mut maker = app.maker(&mut database).await?;
    if let Some(name) = &args.data_from {
        (options.real, options.reuse) = (Some(real(app, name, args.sample, &walk, &mut maker).await?), Reuse::Nothing);
    }
    let outcome = verify::verify(&mut maker, &server, &walk, &mut project.registry, &options, &app.context).await?;
    database.close().await;
    // What real rows show can be shown again by nobody who has others, so it is told and not kept.
    let is_whole = told.is_empty() && options.refused.is_empty();
    if !args.locked && args.data_from.is_none() && is_whole {
        project.save()?;
    }
    let findings = [told, forbid(app, &outcome)].concat();
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
    if !is_whole && app.voice == Voice::Human {
        ui::talk("the registry stays as it is while migrations cannot be run: nothing is written\n");
    }
    Ok(if is_bad { exit::FINDINGS } else { exit::DONE })
}

/// Rows of a database, masked.
async fn real(app: &App, name: &str, count: u32, walk: &[&Migration], maker: &mut Maker) -> Result<Real> {
    let mut database = app.database_called(name).await?;
    let name = if app.config.databases.contains_key(name) { name.to_owned() } else { database.target().shown() };
    let (theirs, ours) = (database.engine().dialect().name, maker.engine().dialect().name);
    if theirs != ours {
        let fault = Fault::usage(format!("rows of {name} ({theirs}) cannot stand in a shadow of {ours}"));
        return Err(fault.help("--data-from names a database of the engine that is verified"));
    }
    maker.keep_off(&mut database).await?;
    let state = database.state().await?;
    let applied: BTreeSet<Id> = state.applied.iter().map(|applied| applied.id.clone()).collect();
    let to_come = walk.iter().copied().filter(|migration| !applied.contains(&migration.id));
    let count = Some(usize::try_from(count).unwrap_or(usize::MAX));
    let sample = rows::taken(app, database, name.clone(), count, to_come).await?;
    if sample.count() == 0 {
        // Made-up rows would be judged in their place, and taken for real ones.
        let fault = Fault::refused(format!("{name} has no row to take"));
        return Err(fault.help("is it the database that you mean? Without --data-from rows are made up"));
    }
    if !state.exists {
        let what = format!("{name} has no ledger, so every migration counts as one that is not applied there");
        let finding =
            Finding::warning("no-ledger", what).help("`switchback adopt` takes over what another tool has applied");
        app.context.tell(Event::Warning(finding));
    }
    rows::tell(app, &sample, &format!("{} applied there", counted(applied.len(), "migration")));
    Ok(Real { sample: Arc::new(sample), applied })
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
        jobs: args.jobs,
        real: None,
        refused: BTreeMap::new(),
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
