//! Drawings of the graph of migrations: one file per form. They take a neutral value and decide nothing.

use crate::graph::Edge as Kind;
pub use crate::picture::{Edge, Node, Picture, Standing, State};

pub mod dot;
pub mod json;
pub mod layout;
pub mod mermaid;
pub mod svg;
pub mod text;

/// A form in which the graph is drawn.
pub struct Drawing {
    pub name: &'static str,
    /// The whole text, with a line end.
    pub write: fn(&Picture) -> String,
}

/// All forms; the first is the one for people at a terminal.
pub const DRAWINGS: &[Drawing] = &[
    Drawing { name: "text", write: text::text },
    Drawing { name: "dot", write: dot::dot },
    Drawing { name: "mermaid", write: mermaid::mermaid },
    Drawing { name: "svg", write: svg::svg },
];

/// The word of an edge's origin.
pub fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Declared => "declared",
        Kind::Observed => "observed",
        Kind::Before => "before",
    }
}

/// The edges that no longer way says as well: which of [`Picture::edges`] stay. What leads back or nowhere goes too.
pub fn reduced(picture: &Picture) -> Vec<bool> {
    let count = picture.nodes.len();
    let mut above: Vec<Vec<(usize, usize)>> = vec![Vec::new(); count];
    for (at, edge) in picture.edges.iter().enumerate().filter(|(_, edge)| edge.from < edge.to && edge.to < count) {
        above[edge.to].push((edge.from, at));
    }
    let mut keep = vec![false; picture.edges.len()];
    let mut seen = vec![usize::MAX; count];
    for node in 0..count {
        // The nearest first: only it can stand on the others.
        above[node].sort_unstable_by_key(|(from, at)| (std::cmp::Reverse(*from), *at));
        let lowest = above[node].last().map_or(0, |(from, _)| *from);
        for (from, at) in &above[node] {
            if seen[*from] == node {
                continue;
            }
            keep[*at] = true;
            let mut open = if above[node].len() > 1 { vec![*from] } else { Vec::new() };
            while let Some(one) = open.pop() {
                if seen[one] != node {
                    seen[one] = node;
                    open.extend(above[one].iter().map(|(up, _)| *up).filter(|up| *up >= lowest));
                }
            }
        }
    }
    keep
}
