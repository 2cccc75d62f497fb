//! For Graphviz. All edges are there; those that a longer way says as well are dotted and pull nothing.

use std::fmt::Write as _;

use super::{Picture, Standing, State, kind_word, reduced};
use crate::graph::Edge as Kind;
use crate::report::clean;

/// A text in quotes, in which nothing means anything to Graphviz.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// The graph in the language of Graphviz.
pub fn dot(picture: &Picture) -> String {
    let mut out = String::from("digraph migrations {\n  rankdir=TB;\n");
    out.push_str(
        "  node [shape=box, style=\"rounded\", fontname=\"sans-serif\", fontsize=11];\n  edge [arrowsize=0.7];\n",
    );
    if !picture.title.is_empty() {
        let _ = writeln!(out, "  label={};", quoted(&picture.title));
    }
    for (at, node) in picture.nodes.iter().enumerate() {
        let lines: Vec<String> =
            std::iter::once(escaped(&node.id)).chain(node.lines().iter().map(|it| escaped(it))).collect();
        let style = match node.state {
            None | Some(State::Applied) => "rounded",
            Some(State::Edited | State::Unknown) => "rounded,bold",
            Some(State::Pending) => "rounded,dashed",
            Some(State::ToApply) => "rounded,dashed,bold",
            Some(State::ToRevert) => "rounded,dotted,bold",
        };
        let colour = match (node.standing, node.state) {
            (Some(Standing::Broken | Standing::Unproven), _) => "#b42318",
            (_, Some(State::Edited | State::Unknown | State::ToRevert)) | (Some(Standing::Lossy), _) => "#9a6700",
            (_, Some(State::Applied)) => "#1a7f37",
            (_, Some(State::ToApply)) => "#0969da",
            _ => "#57606a",
        };
        let _ = writeln!(
            out,
            "  n{} [label=\"{}\", style=\"{style}\", color=\"{colour}\", class=\"{}\"];",
            at + 1,
            lines.join("\\n"),
            node.classes()
        );
    }
    for (edge, drawn) in picture.edges.iter().zip(reduced(picture)) {
        let style = match (drawn, edge.kind) {
            (false, _) => "style=dotted, color=\"#8c959f\", constraint=false, ".to_owned(),
            (true, Kind::Declared) => String::new(),
            (true, Kind::Observed) => "color=\"#57606a\", ".to_owned(),
            (true, Kind::Before) => "style=dashed, color=\"#57606a\", ".to_owned(),
        };
        let _ = writeln!(out, "  n{} -> n{} [{style}class=\"{}\"];", edge.from + 1, edge.to + 1, kind_word(edge.kind));
    }
    out.push_str("}\n");
    out
}
