//! How long planning takes on a graph of many migrations, and how much memory: `cargo run --release --example planning [COUNT]`.
//!
//! Half of them are applied; each stands on up to three earlier ones, which registry and ledger name. What is timed is what
//! `planning::plan` calls when all of that is read.

use std::collections::BTreeMap;
use std::time::Instant;

use switchback::goal::{Aim, Footing, Goal, Ground, Wanted, moves};
use switchback::graph::{Graph, Node};
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
    let node = |(id, requires)| Node { id, path: "", declared: None, observed: Some(requires) };
    let nodes: Vec<Node<'_>> = ids.iter().zip(requires.iter().map(Vec::as_slice)).map(node).collect();
    let recorded = requires.iter().map(|ids| Footing::Recorded(ids.clone()));
    let applied: Vec<(&Id, Footing)> = ids.iter().zip(recorded).take(count / 2).collect();

    let begun = Instant::now();
    let graph = Graph::new(&nodes).expect("no circle");
    let graph_ms = begun.elapsed().as_millis();
    println!("{count} migrations: dependency graph in {graph_ms} ms");
    let groups = BTreeMap::new();
    let ground = Ground::new(&graph, &applied, &groups);
    println!("what a plan may move in {} ms", begun.elapsed().as_millis() - graph_ms);
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
    let all_ms = begun.elapsed().as_millis();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().trim();
    println!("all of them in {all_ms} ms, with at most {peak}");
}
