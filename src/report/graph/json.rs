//! For programs: nodes and edges.

use serde_json::{Value, json};

use super::{Edge, Node, Picture, State, kind_word, reduced};

/// The fields of the object that `graph --json` writes.
pub fn fields(picture: &Picture) -> Value {
    let node = |node: &Node| {
        json!({
            "id": node.id,
            "state": node.state.map(State::word),
            "standing": node.standing.map(super::Standing::word),
            "group": node.group,
            "notes": node.notes,
        })
    };
    let keep = reduced(picture);
    let edge = |(edge, drawn): (&Edge, &bool)| {
        let (from, to) = (&picture.nodes[edge.from].id, &picture.nodes[edge.to].id);
        json!({"from": from, "to": to, "kind": kind_word(edge.kind), "transitive": !drawn})
    };
    let nodes: Vec<Value> = picture.nodes.iter().map(node).collect();
    let edges: Vec<Value> = picture.edges.iter().zip(&keep).map(edge).collect();
    json!({"nodes": nodes, "edges": edges})
}
