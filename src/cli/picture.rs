//! The picture of the graph, of what a database and a checkout say: for `graph`, and for `plan`, whose steps it shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::Database;
use crate::fault::Result;
use crate::finding::Finding;
use crate::graph::{Edge as Kind, Graph};
use crate::id::Id;
use crate::ledger::{Applied, Entry, State};
use crate::picture::{self, Edge, Node, Picture, Standing};
use crate::plan::{Direction, Plan, Warrant};
use crate::planning;
use crate::project::Project;
use crate::proof::{self, Link, Standing as Proven, Verdict, Why};

/// All that is applied or in the checkout, as it stands in the database and in the registry. Without a graph of the checkout, what
/// is applied stands on what was applied before it.
pub async fn of_database(
    database: &mut Database,
    project: &Project,
    state: &State,
    graph: Option<&Graph<'_>>,
) -> Result<Picture> {
    let server = database.server().clone();
    let rows = database.entries_at(&state.applied.iter().map(|applied| applied.seq).collect()).await?;
    let mut standings = standings(project, graph, state, (server.engine, &server.major));
    // What is applied was let through in the state that it was applied in, whatever has been taken back since.
    let recorded =
        |row: &Entry| Some((Id::new(row.get("migration")?), recorded(&Warrant::recorded(row.get("proof")))?));
    standings.extend(rows.values().filter_map(recorded));
    let applied: BTreeMap<&Id, &Applied> = state.applied.iter().map(|applied| (&applied.id, applied)).collect();
    let node = |id: &Id, group: Option<String>, state: picture::State| Node {
        id: id.as_str().to_owned(),
        state: Some(state),
        standing: standings.get(id).copied(),
        notes: applied.get(id).filter(|one| one.is_adopted).map(|_| "adopted".to_owned()).into_iter().collect(),
        group,
    };
    let title = format!("migrations on {} {}", server.engine, server.version);
    let Some(graph) = graph else {
        let nodes = state.applied.iter().map(|one| node(&one.id, None, picture::State::Applied)).collect();
        let edges = (1..state.applied.len()).map(|to| Edge { from: to - 1, to, kind: Kind::Before }).collect();
        return Ok(Picture { title, nodes, edges });
    };
    let here = project.ordered(graph).into_iter().map(|one| {
        let state = match applied.get(&one.id) {
            None => picture::State::Pending,
            Some(applied) if applied.digest == one.digest() => picture::State::Applied,
            Some(_) => picture::State::Edited,
        };
        node(&one.id, one.settings.group.clone(), state)
    });
    let unknown = planning::unknown(project, state).into_iter();
    let nodes = here.chain(unknown.map(|one| node(&one.id, None, picture::State::Unknown))).collect();
    Ok(Picture { title, nodes, edges: edges(graph) })
}

/// The same with the steps of a plan, which may come from the ledger alone; and what there is to say of it.
pub async fn of_plan(
    database: &mut Database,
    project: &Project,
    state: &State,
    plan: &Plan,
) -> Result<(Picture, Option<Finding>)> {
    // Going back needs nothing of the checkout.
    let (graph, told) = match project.graph() {
        Ok(graph) => (Some(graph), None),
        Err(fault) => {
            let what = "the graph shows only what is applied, since the migrations here cannot be put into an order";
            (None, Some(Finding::warning("graph", what).help(fault.parts().what.clone())))
        }
    };
    let mut picture = of_database(database, project, state, graph.as_ref()).await?;
    let mut places: BTreeMap<String, usize> =
        picture.nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
    for (number, step) in plan.steps.iter().enumerate() {
        let id = step.migration.id.as_str();
        let at = *places.entry(id.to_owned()).or_insert_with(|| {
            picture.nodes.push(Node { id: id.to_owned(), ..Node::default() });
            picture.nodes.len() - 1
        });
        let node = &mut picture.nodes[at];
        node.state = Some(match step.direction {
            Direction::Up => picture::State::ToApply,
            Direction::Down => picture::State::ToRevert,
        });
        node.notes.push(format!("step {}", number + 1));
    }
    Ok((picture, told))
}

/// The edges between places in the graph's order.
pub fn edges(graph: &Graph<'_>) -> Vec<Edge> {
    let of = |to| {
        let (kind, from) = graph.requires(to);
        from.iter().map(move |from| Edge { from: *from, to, kind })
    };
    (0..graph.order().len()).flat_map(of).collect()
}

/// How the registry lets each through, in the order in which they were applied, and then as they would be.
fn standings(
    project: &Project,
    graph: Option<&Graph<'_>>,
    state: &State,
    server: (&str, &str),
) -> BTreeMap<Id, Standing> {
    let mut links = planning::links(project, state.applied.iter().map(|one| (&one.id, one.digest.clone())));
    let applied: BTreeSet<&Id> = state.applied.iter().map(|one| &one.id).collect();
    let ordered = graph.map(|graph| project.ordered(graph)).unwrap_or_default();
    links.extend(ordered.into_iter().filter(|one| !applied.contains(&one.id)).map(Link::of));
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
