//! `switchback graph`

use std::collections::BTreeMap;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{App, exit, ui};
use crate::engine;
use crate::fault::{Fault, FaultKind, Result};
use crate::graph::Graph;
use crate::id::Id;
use crate::ledger::{Applied, Entry, State};
use crate::plan::Warrant;
use crate::planning;
use crate::project::Project;
use crate::proof::{self, Link, Standing as Proven, Verdict, Why};
use crate::report::graph::{self, DRAWINGS, Edge, Node, Picture, Standing};
use crate::report::json;

/// Draw what stands on what, with how each migration stands in the database
#[derive(Args)]
pub struct GraphArgs {
    /// The form of the drawing
    #[arg(long, value_name = "NAME", default_value = DRAWINGS[0].name, value_parser = PossibleValuesParser::new(DRAWINGS.iter().map(|drawing| drawing.name)), conflicts_with = "json")]
    format: String,
    /// Write it to a file
    #[arg(long, short = 'o', value_name = "FILE", conflicts_with = "json")]
    output: Option<String>,
    /// The files alone; no database is asked
    #[arg(long)]
    offline: bool,
}

pub async fn run(app: &App, args: &GraphArgs) -> Result<u8> {
    let picture = if args.offline || !app.config.names_database(app.common.database.as_deref(), &super::env) {
        of_files(app)?
    } else {
        of_database(app).await?
    };
    if app.voice == ui::Voice::Json {
        ui::out(&format!("{}\n", json::command("graph", "ok", graph::json::fields(&picture))));
        return Ok(exit::DONE);
    }
    let Some(drawing) = DRAWINGS.iter().find(|drawing| drawing.name == args.format) else {
        return Err(Fault::bug("a form that the command line took is not there"));
    };
    let text = (drawing.write)(&picture);
    match &args.output {
        None => ui::out(&text),
        Some(path) => std::fs::write(path, anstream::adapter::strip_str(&text).to_string()).map_err(|error| {
            Fault::new(FaultKind::Io, format!("the drawing cannot be written to {path}")).cause(error.to_string())
        })?,
    }
    Ok(exit::DONE)
}

/// The files alone, as the first engine that is known would run them.
fn of_files(app: &App) -> Result<Picture> {
    let engine = app.engines()?.into_iter().find_map(|name| Some((name, engine::by_scheme(name)?)));
    let Some((name, engine)) = engine else { return Err(Fault::bug("an engine is named and not there")) };
    let project = Project::load(&app.files(), name, engine.dialect().flavor)?;
    project.require_readable()?;
    let graph = project.graph()?;
    let nodes = project.ordered(&graph).into_iter().map(|one| Node {
        id: one.id.as_str().to_owned(),
        group: one.settings.group.clone(),
        ..Node::default()
    });
    let nodes = nodes.collect();
    Ok(Picture { title: format!("migrations for {name}"), nodes, edges: edges(&graph) })
}

async fn of_database(app: &App) -> Result<Picture> {
    let (mut database, project, state) = app.look(Project::load).await?;
    let server = database.server().clone();
    let rows = database.entries_at(&state.applied.iter().map(|applied| applied.seq).collect()).await?;
    database.close().await;
    project.require_readable()?;
    let graph = project.graph()?;
    let mut standings = standings(&project, &graph, &state, (server.engine, &server.major));
    // What is applied was let through in the state that it was applied in, whatever has been taken back since.
    let recorded =
        |row: &Entry| Some((Id::new(row.get("migration")?), recorded(&Warrant::recorded(row.get("proof")))?));
    standings.extend(rows.values().filter_map(recorded));
    let applied: BTreeMap<&Id, &Applied> = state.applied.iter().map(|applied| (&applied.id, applied)).collect();
    let node = |id: &Id, group: Option<String>, state: graph::State| Node {
        id: id.as_str().to_owned(),
        state: Some(state),
        standing: standings.get(id).copied(),
        notes: applied.get(id).filter(|one| one.is_adopted).map(|_| "adopted".to_owned()).into_iter().collect(),
        group,
    };
    let here = project.ordered(&graph).into_iter().map(|one| {
        let state = match applied.get(&one.id) {
            None => graph::State::Pending,
            Some(applied) if applied.digest == one.digest() => graph::State::Applied,
            Some(_) => graph::State::Edited,
        };
        node(&one.id, one.settings.group.clone(), state)
    });
    let unknown = planning::unknown(&project, &state).into_iter();
    let nodes = here.chain(unknown.map(|one| node(&one.id, None, graph::State::Unknown))).collect();
    let title = format!("migrations on {} {}", server.engine, server.version);
    Ok(Picture { title, nodes, edges: edges(&graph) })
}

/// The edges between places in the graph's order.
fn edges(graph: &Graph<'_>) -> Vec<Edge> {
    let of = |to| {
        let (kind, from) = graph.requires(to);
        from.iter().map(move |from| Edge { from: *from, to, kind })
    };
    (0..graph.order().len()).flat_map(of).collect()
}

/// How the registry lets each through, in the order in which they were applied, and then as they would be.
fn standings(project: &Project, graph: &Graph, state: &State, server: (&str, &str)) -> BTreeMap<Id, Standing> {
    let applied = state.applied.iter().map(|applied| match project.get(&applied.id) {
        Some(one) if one.digest() == applied.digest => Link::of(one),
        _ => Link { id: applied.id.clone(), digest: applied.digest.clone(), group: None },
    });
    let pending = project.ordered(graph).into_iter().filter(|one| state.get(&one.id).is_none()).map(Link::of);
    let links: Vec<Link> = applied.chain(pending).collect();
    let standings = proof::chain(&links, server.0, server.1, &project.registry);
    links.into_iter().map(|link| link.id).zip(standings.iter().map(standing)).collect()
}

/// How the ledger says that a migration was let through; `None` where it came from another tool without a proof.
fn recorded(warrant: &Warrant) -> Option<Standing> {
    match warrant.verdict().as_str() {
        _ if warrant.is_adopted() => None,
        _ if warrant.is_unproven() => Some(Standing::Waived),
        "lossy" => Some(Standing::Lossy),
        "irreversible" => Some(Standing::Irreversible),
        _ => Some(Standing::Proven),
    }
}

fn standing(standing: &Proven<'_>) -> Standing {
    match standing {
        Proven::Proven(proof) if proof.verdict() == Verdict::Lossy => Standing::Lossy,
        Proven::Proven(_) => Standing::Proven,
        Proven::Irreversible(_) => Standing::Irreversible,
        Proven::Waived(..) => Standing::Waived,
        Proven::Unproven(Why::Judged(_)) => Standing::Broken,
        Proven::Unproven(_) => Standing::Unproven,
    }
}
