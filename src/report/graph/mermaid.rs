//! For Markdown on forges: a Mermaid flowchart.

use std::fmt::Write as _;

use super::{Picture, State, reduced};
use crate::graph::Edge as Kind;
use crate::report::clean;

/// A text in which nothing means anything to Mermaid nor to the HTML that it makes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for ch in clean(text).chars() {
        match ch {
            ch if ch.is_alphanumeric() || matches!(ch, ' ' | '_' | '-' | '.' | ',' | ':' | '/') => out.push(ch),
            ch => {
                let _ = write!(out, "#{};", u32::from(ch));
            }
        }
    }
    out
}

/// The graph as a Mermaid flowchart.
pub fn mermaid(picture: &Picture) -> String {
    let mut out = String::from("flowchart TD\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        let mark = node.state.map_or(String::new(), |state| match state {
            State::Pending => "○ ".to_owned(),
            State::Applied => "✓ ".to_owned(),
            other => format!("{} ", escaped(&other.mark().to_string())),
        });
        let lines = node.lines().iter().map(|line| format!("<br/>{}", escaped(line))).collect::<String>();
        let class = node.state.map_or(String::new(), |state| format!(":::{}", state.word().replace('-', "_")));
        let _ = writeln!(out, "  n{}[\"{mark}{}{lines}\"]{class}", at + 1, escaped(&node.id));
    }
    for (edge, _) in picture.edges.iter().zip(reduced(picture)).filter(|(_, drawn)| *drawn) {
        let arrow = match edge.kind {
            Kind::Declared => "==>",
            Kind::Observed => "-->",
            Kind::Before => "-.->",
        };
        let _ = writeln!(out, "  n{} {arrow} n{}", edge.from + 1, edge.to + 1);
    }
    for state in State::ALL.iter().filter(|state| picture.nodes.iter().any(|node| node.state == Some(**state))) {
        let style = match state {
            State::Applied => "stroke:#1a7f37,stroke-width:2px",
            State::Edited | State::Unknown => "stroke:#9a6700,stroke-width:3px",
            State::Pending => "stroke:#57606a,stroke-dasharray:5 4",
            State::ToApply => "stroke:#0969da,stroke-width:3px,stroke-dasharray:8 3",
            State::ToRevert => "stroke:#9a6700,stroke-width:3px,stroke-dasharray:2 3",
        };
        let _ = writeln!(out, "  classDef {} {style}", state.word().replace('-', "_"));
    }
    out
}
