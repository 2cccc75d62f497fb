//! How long planning takes on a graph of many migrations, and how much memory: `cargo run --release --example planning [COUNT]`.
//!
//! Half of them are applied; each stands on up to three earlier ones. The graph is built and one plan of each sort is made.

use std::time::Instant;

use switchback::goal::{Aim, Goal, Ground, Node, Wanted, moves};
use switchback::graph::{self, Graph};
use switchback::id::Id;

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let ids: Vec<Id> = (0..count).map(|at| Id::new(format!("{at:06}_migration"))).collect();
    let mut seed: usize = 1;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below.max(1)
    };
    let requires: Vec<Vec<Id>> =
        (0..count).map(|at| (0..at.min(3)).map(|_| ids[random(at)].clone()).collect()).collect();
    let begun = Instant::now();
    let nodes: Vec<graph::Node<'_>> = ids
        .iter()
        .zip(&requires)
        .map(|(id, requires)| graph::Node { id, path: "", declared: None, observed: Some(requires) })
        .collect();
    let graph = Graph::new(&nodes).expect("no circle");
    println!("{count} migrations: dependency graph in {} ms", begun.elapsed().as_millis());
    let node = |(rank, id): (usize, &Id)| Node {
        id: id.clone(),
        requires: graph.requires(id).into_iter().map(|(id, _)| id.clone()).collect(),
        group: None,
        rank: Some(rank),
    };
    let mut all: Vec<Node> = graph.order().enumerate().map(node).collect();
    let pending = all.split_off(count / 2);
    let ground = Ground::new(all, pending);
    println!("with what a plan may move in {} ms", begun.elapsed().as_millis());
    let middle = ids[count / 4].clone();
    let exactly = Wanted { ids: ids[..count / 4].to_vec(), ..Wanted::default() };
    let goals = [
        ("up", Goal::from(Aim::All)),
        ("up --only", Goal::from(Aim::With(vec![ids[count - 1].clone()]))),
        ("down --to", Goal::from(Aim::BackTo(middle.clone()))),
        ("down --only", Goal::from(Aim::Without(vec![middle.clone()]))),
        ("down --all --keep", Goal { aim: Aim::Nothing, keep: vec![middle] }),
        ("--to-time", Goal::from(Aim::Exactly(exactly))),
    ];
    for (name, goal) in goals {
        let begun = Instant::now();
        let planned = moves(&ground, &goal).expect("no conflict");
        let steps = planned.reverts.len() + planned.applies.len();
        println!("{name}: {steps} steps in {} ms", begun.elapsed().as_millis());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().trim();
    println!("at most {peak}, {} ms in all", begun.elapsed().as_millis());
}
