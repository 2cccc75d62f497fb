//! The dependency graph of migrations.
//!
//! Acyclic by construction: what cannot be ordered is not a [`Graph`] but findings, all of them at once. Its order is
//! the folder's order wherever the edges leave a choice, so that the same files always run in the same order.
//!
//! Names are looked up once, while it is built. From then on a migration is a number: its place in the order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

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

/// The graph, over ids that stand elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Graph<'a> {
    /// By number.
    ids: Vec<&'a Id>,
    /// By number: what it requires, by number.
    requires: Vec<Requires>,
    numbers: HashMap<&'a str, usize>,
}

/// What a migration requires directly, in the order of the folder, and how that is known.
type Requires = (Edge, Vec<usize>);

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

impl<'a> Graph<'a> {
    /// Builds the graph of migrations that are given in the order of their folder. Where an id comes twice, the first
    /// counts; the check of ids tells it.
    ///
    /// # Errors
    /// A finding for each required id that no migration has, and for each circle.
    pub fn new(nodes: &[Node<'a>]) -> Result<Graph<'a>, Vec<Finding>> {
        let mut places = HashMap::with_capacity(nodes.len());
        let mut firsts = Vec::with_capacity(nodes.len());
        for node in nodes {
            places.entry(node.id.as_str()).or_insert_with(|| {
                firsts.push(node);
                firsts.len() - 1
            });
        }
        let mut findings = Vec::new();
        let mut requires = Vec::with_capacity(firsts.len());
        for (at, node) in firsts.iter().enumerate() {
            requires.push(sources(node, at, &places, |id| findings.push(unknown(node, id, &firsts))));
        }
        let order = sorted(&requires);
        if order.len() < requires.len() {
            findings.extend(circles(&requires, &firsts));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        // What was a place in the folder becomes a place in the order.
        let mut numbers = vec![0; order.len()];
        order.iter().enumerate().for_each(|(number, at)| numbers[*at] = number);
        places.values_mut().for_each(|at| *at = numbers[*at]);
        requires.iter_mut().flat_map(|(_, from)| from).for_each(|at| *at = numbers[*at]);
        let requires = order.iter().map(|at| std::mem::replace(&mut requires[*at], (Edge::Before, Vec::new())));
        let ids = order.iter().map(|at| firsts[*at].id).collect();
        Ok(Graph { ids, requires: requires.collect(), numbers: places })
    }

    /// All ids, each behind all that it requires; the folder's order where there is a choice.
    pub fn order(&self) -> &[&'a Id] {
        &self.ids
    }

    /// The place of a migration in the order.
    pub fn number(&self, id: &Id) -> Option<usize> {
        self.numbers.get(id.as_str()).copied()
    }

    /// What the migration at a place of the order requires directly, by place, and how we know. In the order of the folder.
    pub fn requires(&self, number: usize) -> (Edge, &[usize]) {
        let (edge, from) = &self.requires[number];
        (*edge, from)
    }

    /// As [`requires`](Graph::requires), where that is declared or was observed, or nothing comes before it.
    pub fn known(&self, number: usize) -> Option<&[usize]> {
        let (edge, from) = self.requires(number);
        (edge != Edge::Before || from.is_empty()).then_some(from)
    }
}

/// What a migration requires, by place in the folder. An observation that names what is gone or comes later is out of date:
/// then nothing is observed.
fn sources(node: &Node<'_>, at: usize, places: &HashMap<&str, usize>, unknown: impl FnMut(&Id)) -> Requires {
    let place = |id: &Id| places.get(id.as_str()).copied();
    let earlier = |id: &Id| place(id).filter(|from| *from < at);
    let (edge, mut from): (Edge, Vec<usize>) = if let Some(declared) = node.declared {
        declared.iter().filter(|id| place(id).is_none()).for_each(unknown);
        (Edge::Declared, declared.iter().filter_map(place).collect())
    } else if let Some(observed) = node.observed.and_then(|ids| ids.iter().map(earlier).collect()) {
        (Edge::Observed, observed)
    } else {
        (Edge::Before, at.checked_sub(1).into_iter().collect())
    };
    from.sort_unstable();
    from.dedup();
    (edge, from)
}

/// The finding for a required id that no migration has.
fn unknown(node: &Node<'_>, required: &Id, nodes: &[&Node<'_>]) -> Finding {
    let finding = Finding::error(UNKNOWN, format!("requires `{required}`, which no migration is called"))
        .of(node.id)
        .at(Place::new(node.path, 1, 1));
    let help = match id::find(nodes.iter().map(|node| node.id), required.as_str()) {
        Ok(near) => Some(format!("did you mean `{near}`?")),
        Err(fault) => fault.parts().help.clone().filter(|help| help.starts_with("did you mean")),
    };
    match help {
        Some(help) => finding.help(help),
        None => finding.help("name a migration of this folder, or take the line out"),
    }
}

/// The edges, from what is required to what requires it.
fn edges(requires: &[Requires]) -> DiGraph<(), ()> {
    let mut graph = DiGraph::with_capacity(requires.len(), requires.len());
    for _ in requires {
        graph.add_node(());
    }
    let edges = requires.iter().enumerate().flat_map(|(to, (_, from))| from.iter().map(move |from| (*from, to)));
    graph.extend_with_edges(edges.map(|(from, to)| (NodeIndex::new(from), NodeIndex::new(to))));
    graph
}

/// Kahn's algorithm, the smallest place first. What stands in a circle, and behind one, is left out.
fn sorted(requires: &[Requires]) -> Vec<usize> {
    // Mostly nothing requires what comes later, and then the order is the folder's.
    if requires.iter().enumerate().all(|(at, (_, from))| from.iter().all(|from| *from < at)) {
        return (0..requires.len()).collect();
    }
    let graph = edges(requires);
    let mut open: Vec<usize> = requires.iter().map(|(_, from)| from.len()).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..open.len()).filter(|at| open[*at] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(open.len());
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for next in graph.neighbors(NodeIndex::new(at)).map(NodeIndex::index) {
            open[next] -= 1;
            if open[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    order
}

/// A finding for each circle, which names all that stand in it. (Kosaraju, because Tarjan's recursion in petgraph would
/// overflow the stack on a long circle.)
fn circles(requires: &[Requires], nodes: &[&Node<'_>]) -> Vec<Finding> {
    let mut rings: Vec<Vec<usize>> =
        kosaraju_scc(&edges(requires)).iter().map(|ring| ring.iter().map(|node| node.index()).collect()).collect();
    rings.iter_mut().for_each(|ring| ring.sort_unstable());
    rings.retain(|ring| ring.len() > 1 || requires[ring[0]].1.contains(&ring[0]));
    rings.sort_unstable();
    rings.iter().map(|ring| circle(requires, nodes, ring)).collect()
}

fn circle(requires: &[Requires], nodes: &[&Node<'_>], ring: &[usize]) -> Finding {
    let mut detail = Vec::new();
    for at in ring {
        let (edge, from) = &requires[*at];
        let id = nodes[*at].id;
        detail.extend(from.iter().filter(|from| ring.binary_search(from).is_ok()).map(|from| match edge {
            Edge::Before => format!("{id} declares nothing, so it stands on {} before it", nodes[*from].id),
            Edge::Declared | Edge::Observed => format!("{id} requires {}", nodes[*from].id),
        }));
    }
    let names: Vec<&str> = ring.iter().take(NAMED).map(|at| nodes[*at].id.as_str()).collect();
    let more = ring.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = match names.as_slice() {
        [one] if more.is_empty() => format!("{one} requires itself"),
        _ => format!("{} migrations require each other in a circle: {}{more}", ring.len(), names.join(", ")),
    };
    let declares = ring.iter().map(|at| nodes[*at]).find(|node| node.declared.is_some());
    let at = declares.unwrap_or(nodes[ring[0]]);
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

    fn names<'a>(ids: &[&'a Id]) -> Vec<&'a str> {
        ids.iter().map(|id| id.as_str()).collect()
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
        let requires: Vec<(Edge, &[usize])> = (0..4).map(|number| graph.requires(number)).collect();
        let none: &[usize] = &[];
        assert_eq!(
            requires,
            [(Edge::Before, none), (Edge::Before, &[0]), (Edge::Declared, none), (Edge::Observed, &[0])]
        );
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
        assert_eq!(graph.requires(1), (Edge::Before, &[0][..]));
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
        assert!(graph.order().iter().copied().eq(&all));
        drop(graph);
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
        assert_eq!(graph.requires(2), (Edge::Declared, &[1][..]));
        assert_eq!(graph.number(&all[0]), Some(2));
    }
}
