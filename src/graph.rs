//! The dependency graph of migrations.
//!
//! Acyclic by construction: what cannot be ordered is not a [`Graph`] but findings, all of them at once. Its order is
//! the folder's order wherever the edges leave a choice, so that the same files always run in the same order.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::finding::{Finding, Place};
use crate::id::{self, Id};

/// The code of the finding that names an id which no migration has.
pub const UNKNOWN: &str = "requires-unknown";
/// The code of the finding that names a circle of migrations.
pub const CYCLE: &str = "requires-cycle";

/// How many ids a message names; the rest stands in the detail.
const NAMED: usize = 12;

/// One migration with its edges, in the order of the folder.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    pub id: &'a Id,
    /// The file that declares its edges, for findings.
    pub path: &'a str,
    /// What it says it requires; kept as it is.
    pub declared: Option<&'a [Id]>,
    /// What the registry says a verification observed; counts where nothing is declared.
    pub observed: Option<&'a [Id]>,
}

/// The graph; an edge goes from what is required to what requires it.
#[derive(Clone, Debug)]
pub struct Graph {
    graph: DiGraph<Id, Edge>,
    index: HashMap<Id, NodeIndex>,
    order: Vec<NodeIndex>,
}

/// Where an edge comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Declared,
    Observed,
    /// Neither declared nor observed: it stands on the one before it.
    Before,
}

impl Edge {
    pub const ALL: [Edge; 3] = [Edge::Declared, Edge::Observed, Edge::Before];
}

impl Graph {
    /// Builds the graph of migrations that are given in the order of their folder. Where an id comes twice, the first
    /// counts; the check of ids tells it.
    ///
    /// # Errors
    /// A finding for each required id that no migration has, and for each circle.
    pub fn new(nodes: &[Node<'_>]) -> Result<Graph, Vec<Finding>> {
        let mut graph = DiGraph::with_capacity(nodes.len(), nodes.len());
        let mut index = HashMap::with_capacity(nodes.len());
        let mut firsts = Vec::with_capacity(nodes.len());
        for node in nodes {
            if !index.contains_key(node.id) {
                index.insert(node.id.clone(), graph.add_node(node.id.clone()));
                firsts.push(node);
            }
        }
        let mut findings = Vec::new();
        for (position, node) in firsts.iter().enumerate() {
            let to = NodeIndex::new(position);
            let (edge, from) = sources(node, to, &index, &mut findings);
            for from in from {
                graph.update_edge(from, to, edge);
            }
        }
        let order = sorted(&graph);
        if order.len() < graph.node_count() {
            findings.extend(circles(&graph, &firsts));
        }
        if findings.is_empty() { Ok(Graph { graph, index, order }) } else { Err(findings) }
    }

    /// All ids, each behind all that it requires; the folder's order where there is a choice.
    pub fn order(&self) -> impl Iterator<Item = &Id> {
        self.order.iter().map(|node| &self.graph[*node])
    }

    /// What a migration requires directly, and how we know.
    pub fn requires(&self, id: &Id) -> Vec<(&Id, Edge)> {
        let Some(node) = self.index.get(id) else { return Vec::new() };
        let edges = self.graph.edges_directed(*node, Direction::Incoming);
        let mut sources: Vec<(NodeIndex, Edge)> = edges.map(|edge| (edge.source(), *edge.weight())).collect();
        sources.sort_unstable_by_key(|(source, _)| *source);
        sources.into_iter().map(|(source, edge)| (&self.graph[source], edge)).collect()
    }

    /// These migrations and everything that they stand on. Ids that the graph does not know are left out.
    pub fn ancestors<'a>(&self, ids: impl IntoIterator<Item = &'a Id>) -> BTreeSet<&Id> {
        self.closure(ids, Direction::Incoming)
    }

    /// These migrations and everything that stands on them. Ids that the graph does not know are left out.
    pub fn descendants<'a>(&self, ids: impl IntoIterator<Item = &'a Id>) -> BTreeSet<&Id> {
        self.closure(ids, Direction::Outgoing)
    }

    fn closure<'a>(&self, ids: impl IntoIterator<Item = &'a Id>, direction: Direction) -> BTreeSet<&Id> {
        let mut seen = vec![false; self.graph.node_count()];
        let mut stack: Vec<NodeIndex> = ids.into_iter().filter_map(|id| self.index.get(id).copied()).collect();
        let mut out = BTreeSet::new();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut seen[node.index()], true) {
                out.insert(&self.graph[node]);
                stack.extend(self.graph.neighbors_directed(node, direction));
            }
        }
        out
    }
}

/// What a migration stands on. Findings are told for declared ids that nobody has. An observation that names what is gone
/// or comes later is out of date: then nothing is observed.
fn sources(
    node: &Node<'_>,
    to: NodeIndex,
    index: &HashMap<Id, NodeIndex>,
    findings: &mut Vec<Finding>,
) -> (Edge, Vec<NodeIndex>) {
    if let Some(declared) = node.declared {
        let mut known = Vec::with_capacity(declared.len());
        for id in declared {
            match index.get(id) {
                Some(from) => known.push(*from),
                None => findings.push(unknown(node, id, index)),
            }
        }
        return (Edge::Declared, known);
    }
    let place = |id: &Id| index.get(id).copied().filter(|from| *from < to);
    match node.observed.and_then(|ids| ids.iter().map(place).collect()) {
        Some(observed) => (Edge::Observed, observed),
        None => (Edge::Before, to.index().checked_sub(1).map(NodeIndex::new).into_iter().collect()),
    }
}

/// The finding for a required id that no migration has.
fn unknown(node: &Node<'_>, required: &Id, index: &HashMap<Id, NodeIndex>) -> Finding {
    let finding = Finding::error(UNKNOWN, format!("requires `{required}`, which no migration is called"))
        .of(node.id)
        .at(Place::new(node.path, 1, 1));
    let help = match id::find(index.keys(), required.as_str()) {
        Ok(near) => Some(format!("did you mean `{near}`?")),
        Err(fault) => fault.parts().help.clone().filter(|help| help.starts_with("did you mean")),
    };
    match help {
        Some(help) => finding.help(help),
        None => finding.help("name a migration of this folder, or take the line out"),
    }
}

/// Kahn's algorithm, the smallest position first. Nodes of a circle, and behind one, are left out.
fn sorted(graph: &DiGraph<Id, Edge>) -> Vec<NodeIndex> {
    let mut open: Vec<usize> =
        graph.node_indices().map(|node| graph.edges_directed(node, Direction::Incoming).count()).collect();
    let free = graph.node_indices().filter(|node| open[node.index()] == 0);
    let mut ready: BinaryHeap<Reverse<NodeIndex>> = free.map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for next in graph.neighbors(node) {
            open[next.index()] -= 1;
            if open[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    order
}

/// A finding for each circle, which names all that stand in it. (Kosaraju, because Tarjan's recursion in petgraph would
/// overflow the stack on a long circle.)
fn circles(graph: &DiGraph<Id, Edge>, nodes: &[&Node<'_>]) -> Vec<Finding> {
    let mut rings = kosaraju_scc(graph);
    rings.iter_mut().for_each(|ring| ring.sort_unstable());
    rings.retain(|ring| ring.len() > 1 || graph.contains_edge(ring[0], ring[0]));
    rings.sort_unstable();
    rings.iter().map(|ring| circle(graph, nodes, ring)).collect()
}

fn circle(graph: &DiGraph<Id, Edge>, nodes: &[&Node<'_>], ring: &[NodeIndex]) -> Finding {
    let inside: BTreeSet<NodeIndex> = ring.iter().copied().collect();
    let mut detail = Vec::new();
    for node in ring {
        let edges = graph.edges_directed(*node, Direction::Incoming).filter(|edge| inside.contains(&edge.source()));
        let mut edges: Vec<(NodeIndex, Edge)> = edges.map(|edge| (edge.source(), *edge.weight())).collect();
        edges.sort_unstable_by_key(|(from, _)| *from);
        detail.extend(edges.into_iter().map(|(from, edge)| match edge {
            Edge::Before => format!("{} declares nothing, so it stands on {} before it", graph[*node], graph[from]),
            Edge::Declared | Edge::Observed => format!("{} requires {}", graph[*node], graph[from]),
        }));
    }
    let names: Vec<&str> = ring.iter().take(NAMED).map(|node| graph[*node].as_str()).collect();
    let more = ring.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = match names.as_slice() {
        [one] if more.is_empty() => format!("{one} requires itself"),
        _ => format!("{} migrations require each other in a circle: {}{more}", ring.len(), names.join(", ")),
    };
    let declares = ring.iter().map(|node| nodes[node.index()]).find(|node| node.declared.is_some());
    let at = declares.unwrap_or(nodes[ring[0].index()]);
    Finding::error(CYCLE, message)
        .of(at.id)
        .at(Place::new(at.path, 1, 1))
        .detail(detail)
        .help("take one of these edges out of a migration.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<Id> {
        names.iter().map(|name| Id::new(*name)).collect()
    }

    fn node<'a>(id: &'a Id, declared: Option<&'a [Id]>, observed: Option<&'a [Id]>) -> Node<'a> {
        Node { id, path: "migration.toml", declared, observed }
    }

    fn names<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Vec<&'a str> {
        ids.into_iter().map(Id::as_str).collect()
    }

    #[test]
    fn what_declares_nothing_stands_on_the_one_before_it() {
        let all = ids(&["1", "2", "3", "4"]);
        let nodes = [
            node(&all[0], None, None),
            node(&all[1], None, None),
            node(&all[2], Some(&[]), None),
            node(&all[3], None, Some(&all[..1])),
        ];
        let graph = Graph::new(&nodes).unwrap();
        assert_eq!(names(graph.order()), ["1", "2", "3", "4"]);
        assert_eq!(names(graph.descendants(&all[..1])), ["1", "2", "4"]);
        assert_eq!(names(graph.ancestors(&all[2..])), ["1", "3", "4"]);
        assert_eq!(graph.requires(&all[3]), [(&all[0], Edge::Observed)]);
    }

    #[test]
    fn an_observation_out_of_date_counts_no_more() {
        let all = ids(&["1", "2", "3"]);
        let gone = ids(&["0"]);
        let nodes = [
            node(&all[0], None, Some(&all[1..2])),
            node(&all[1], None, Some(&gone)),
            node(&all[2], None, Some(&all[..1])),
        ];
        let graph = Graph::new(&nodes).unwrap();
        assert_eq!(graph.requires(&all[1]), [(&all[0], Edge::Before)]);
        assert_eq!(names(graph.order()), ["1", "2", "3"]);
    }

    #[test]
    fn unknown_ids_and_circles_are_told_at_once() {
        let all = ids(&["create_users", "b", "c", "d"]);
        let (typo, c, b) = (ids(&["create_usrs"]), ids(&["c"]), ids(&["b"]));
        let own = ids(&["d"]);
        let nodes = [
            node(&all[0], Some(&typo), None),
            node(&all[1], Some(&c), None),
            node(&all[2], Some(&b), None),
            node(&all[3], Some(&own), None),
        ];
        let findings = Graph::new(&nodes).unwrap_err();
        let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "requires `create_usrs`, which no migration is called",
                "2 migrations require each other in a circle: b, c",
                "d requires itself",
            ]
        );
        assert_eq!(findings[0].help.as_deref(), Some("did you mean `create_users`?"));
        assert_eq!(findings[1].detail, ["b requires c", "c requires b"]);
    }

    #[test]
    fn a_hundred_thousand_are_no_trouble_even_in_a_circle() {
        let all: Vec<Id> = (0..100_000).map(|n| Id::new(format!("{n:06}"))).collect();
        let mut nodes: Vec<Node<'_>> = all.iter().map(|id| node(id, None, None)).collect();
        let graph = Graph::new(&nodes).unwrap();
        assert!(graph.order().eq(&all));
        assert_eq!(graph.descendants(&all[..1]).len(), 100_000);
        nodes[0].declared = Some(&all[99_999..]);
        let findings = Graph::new(&nodes).unwrap_err();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].detail.len(), 100_000);
    }

    #[test]
    fn declared_edges_reorder_the_folder() {
        let all = ids(&["1", "2", "3"]);
        let nodes =
            [node(&all[0], Some(&all[2..]), None), node(&all[1], Some(&[]), None), node(&all[2], Some(&[]), None)];
        let graph = Graph::new(&nodes).unwrap();
        assert_eq!(names(graph.order()), ["2", "3", "1"]);
    }
}
