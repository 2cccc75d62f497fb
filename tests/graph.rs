//! `graph`: its drawings as they are kept in `tests/graph/`, what holds for every drawing of random graphs, and the states of
//! migrations on real engines.
//!
//! `SWITCHBACK_BLESS=1 cargo test --test graph` writes the kept drawings anew.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use roxmltree::Document;
use switchback::graph::Edge as Kind;
use switchback::report::graph::layout::{NODE_HEIGHT, NODE_WIDTH, layout};
use switchback::report::graph::{DRAWINGS, Edge, Node, Picture, Standing, State, reduced, svg::svg};

mod common;

use common::{Kind as Database, Sandbox, each, each_engine};

fn node(id: &str, state: Option<State>, standing: Option<Standing>) -> Node {
    Node { id: id.to_owned(), state, standing, ..Node::default() }
}

fn small() -> Picture {
    let states = [
        ("1_users", State::Applied, Standing::Proven),
        ("2_orders", State::Applied, Standing::Lossy),
        ("3_email", State::Edited, Standing::Unproven),
        ("4_drop_legacy_columns_of_orders_and_users", State::ToRevert, Standing::Irreversible),
        ("5_\"x\"]; <b>&\\ \u{202e}\u{1b}", State::Pending, Standing::Broken),
        ("6_index", State::ToApply, Standing::Waived),
        ("0_gone", State::Unknown, Standing::Unproven),
    ];
    let mut nodes: Vec<Node> =
        states.iter().map(|(id, state, standing)| node(id, Some(*state), Some(*standing))).collect();
    nodes[5].group = Some("late".to_owned());
    nodes[0].notes = vec!["adopted".to_owned()];
    let edge = |from, to, kind| Edge { from, to, kind };
    let edges = vec![
        edge(0, 1, Kind::Declared),
        edge(0, 2, Kind::Observed),
        edge(1, 3, Kind::Observed),
        edge(2, 3, Kind::Observed),
        edge(0, 3, Kind::Observed),
        edge(3, 4, Kind::Before),
        edge(1, 5, Kind::Declared),
    ];
    Picture { title: "migrations on sqlite 3".to_owned(), nodes, edges }
}

#[test]
fn drawings_are_as_they_are_kept() {
    for drawing in DRAWINGS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graph").join(format!("small.{}", drawing.name));
        let made = anstream::adapter::strip_str(&(drawing.write)(&small())).to_string();
        if std::env::var_os("SWITCHBACK_BLESS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "{} is otherwise now:\n{made}", path.display());
        assert!(!made.contains(['\u{202e}', '\u{1b}']), "{}", drawing.name);
    }
}

fn chain(count: usize) -> Picture {
    let node = |n| node(&format!("20260101{n:06}_add_a_table_{n}"), Some(State::Pending), Some(Standing::Unproven));
    let edges = (1..count).map(|to| Edge { from: to - 1, to, kind: Kind::Observed });
    Picture { title: "chain".to_owned(), nodes: (0..count).map(node).collect(), edges: edges.collect() }
}

#[test]
fn a_long_chain_is_a_page_and_no_strip() {
    let layout = layout(&chain(1000));
    assert!(layout.width < 2_200 && layout.height < 9_500, "{} × {}", layout.width, layout.height);
    assert!(svg(&chain(1000)).len() <= 400_000, "{}", svg(&chain(1000)).len());
}

fn graphs() -> impl Strategy<Value = Picture> {
    (1usize..60).prop_flat_map(|count| {
        let edges = proptest::collection::vec((0..count, 0..count, 0usize..3), 0..count * 2);
        (Just(count), edges, 0..3usize).prop_map(|(count, edges, chained)| {
            let kinds = [Kind::Declared, Kind::Observed, Kind::Before];
            let mut seen = BTreeSet::new();
            let random = edges.into_iter().map(|(a, b, kind)| (a.min(b), a.max(b), kinds[kind]));
            let random = random.filter(|_| chained < 2);
            let line = (1..count).filter(|_| chained > 0).map(|to| (to - 1, to, Kind::Before));
            let edges = random.chain(line).filter(|(from, to, _)| from < to && seen.insert((*from, *to)));
            let edges = edges.map(|(from, to, kind)| Edge { from, to, kind }).collect();
            let nodes = (0..count).map(|n| node(&format!("{n}_m"), None, None)).collect();
            Picture { title: String::new(), nodes, edges }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn no_two_nodes_overlap_and_every_edge_leads_down(picture in graphs()) {
        let layout = layout(&picture);
        prop_assert_eq!(layout.places.len(), picture.nodes.len());
        for (at, (x, y)) in layout.places.iter().enumerate() {
            prop_assert!(*x >= 0 && *y >= 0 && x + NODE_WIDTH <= layout.width && y + NODE_HEIGHT <= layout.height);
            for (other_x, other_y) in &layout.places[..at] {
                let apart = (x - other_x).abs() >= NODE_WIDTH || (y - other_y).abs() >= NODE_HEIGHT;
                prop_assert!(apart, "{:?}", layout.places);
            }
        }
        for edge in &picture.edges {
            let (from, to) = (edge.from, edge.to);
            let is_right = layout.layers[from] == layout.layers[to] && layout.places[from].0 < layout.places[to].0;
            prop_assert!(layout.layers[from] < layout.layers[to] || is_right, "{:?}", edge);
            prop_assert!(layout.places[from].1 < layout.places[to].1 || is_right);
        }
    }

    #[test]
    fn every_node_is_drawn_once_in_valid_xml(picture in graphs()) {
        let text = svg(&picture);
        let xml = Document::parse(&text).expect("XML");
        let drawn: Vec<&str> = xml.descendants().filter_map(|one| one.attribute("id")).filter(|id| id.starts_with('n')).collect();
        let meant: Vec<String> = (1..=picture.nodes.len()).map(|n| format!("n{n}")).collect();
        prop_assert_eq!(drawn, meant);
    }

    #[test]
    fn what_is_left_out_is_said_by_a_longer_way(picture in graphs()) {
        let reach = |edges: &[Edge]| {
            let mut reach: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); picture.nodes.len()];
            for to in 0..picture.nodes.len() {
                for edge in edges.iter().filter(|edge| edge.to == to) {
                    let above = reach[edge.from].clone();
                    reach[to].extend(above);
                    reach[to].insert(edge.from);
                }
            }
            reach
        };
        let keep = reduced(&picture);
        let kept: Vec<Edge> = picture.edges.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(edge, _)| *edge).collect();
        prop_assert_eq!(reach(&picture.edges), reach(&kept));
        for at in 0..kept.len() {
            let mut fewer = kept.clone();
            fewer.remove(at);
            prop_assert!(reach(&fewer) != reach(&kept), "{:?} is not needed", kept[at]);
        }
    }
}

#[test]
fn names_are_escaped_and_whole_in_the_title() {
    let text = svg(&small());
    let xml = Document::parse(&text).expect("XML");
    let titles: Vec<&str> =
        xml.descendants().filter(|one| one.has_tag_name("title")).filter_map(|it| it.text()).collect();
    assert!(titles.iter().any(|it| it.starts_with("5_\"x\"]; <b>&\\ \\u{202e}\\u{1b}")), "{titles:?}");
    assert!(titles.iter().any(|it| it.starts_with("4_drop_legacy_columns_of_orders_and_users")));
    assert!(text.contains('…') && !text.contains("<script"));
}

#[test]
fn states_are_those_of_the_database() {
    each_engine(|sandbox| {
        let lossy = ("ALTER TABLE t1 DROP COLUMN b;\n", "ALTER TABLE t1 ADD COLUMN b integer;\n");
        sandbox.migration("1_t1", "CREATE TABLE t1 (id integer, b integer);\n", "DROP TABLE t1;\n");
        sandbox.migration("2_lossy", lossy.0, lossy.1);
        sandbox.run(&["up", "--yes", "--accept-loss"]).ok();
        sandbox.tables_from(3, 3).migration("4_bad", "CREATE TABLE x (id integer);\n", "SELECT 1;\n");
        sandbox.run(&["verify"]).exits(1);
        sandbox.migration("5_later", "CREATE TABLE y (id integer);\n", "DROP TABLE y;\n");
        let before = sandbox.ledger_rows();
        let graph = sandbox.json(&["graph"]);
        assert_eq!(each(&graph["nodes"], "/state"), ["applied", "applied", "pending", "pending", "pending"]);
        let standings = each(&graph["nodes"], "/standing");
        assert_eq!(standings, ["proven", "lossy", "proven", "broken", "unproven"], "{graph}");
        assert!(each(&graph["edges"], "/from").contains(&"1_t1".to_owned()), "{graph}");
        let text = sandbox.run(&["graph"]).ok().stdout;
        assert!(text.contains("2 [x] 2_lossy") && text.contains("4 [ ] 4_bad") && !text.contains('\u{1b}'), "{text}");
        sandbox.run(&["graph", "--format", "svg", "-o", "graph.svg"]).ok();
        assert_eq!(Document::parse(&sandbox.read("graph.svg")).unwrap().root_element().tag_name().name(), "svg");
        assert_eq!(sandbox.ledger_rows(), before);
    });
}

#[test]
fn i7_a_look_at_the_graph_makes_no_ledger() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["graph"]).ok().says("[ ] 1_t1");
        assert_eq!(sandbox.all_tables(), [""; 0]);
    });
}

#[test]
fn offline_the_files_are_drawn_without_states() {
    let sandbox = Sandbox::new(Database::Sqlite);
    let graph = sandbox.tables(2).json(&["graph", "--offline"]);
    assert!(graph["nodes"].as_array().unwrap().iter().all(|node| node["state"].is_null()), "{graph}");
    assert_eq!(sandbox.run(&["graph", "--offline"]).ok().stdout, "1 1_t1\n2 2_t2\n");
    sandbox.run(&["seal"]).ok();
    let alone = sandbox.run_with(&["graph"], &[("DATABASE_URL", "")]).ok();
    assert_eq!(alone.stdout, "1 1_t1\n2 2_t2\n");
}
