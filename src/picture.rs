//! A picture of the graph of migrations: what stands on what, with how each migration stands. It is drawn in `report/graph/`, and a
//! saved plan keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::Edge as Kind;

/// What is drawn: migrations in dependency order, and what stands on what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Picture {
    /// Such as `migrations on sqlite 3.51.3`.
    pub title: String,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// One migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub id: String,
    /// How it stands in the database; `None` where none was asked.
    pub state: Option<State>,
    /// How it stands in the registry; `None` where that was not asked.
    pub standing: Option<Standing>,
    /// What else there is to say, a line each.
    pub notes: Vec<String>,
    pub group: Option<String>,
}

/// An edge between two places in [`Picture::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What is required.
    pub from: usize,
    /// What requires it.
    pub to: usize,
    pub kind: Kind,
}

/// How a migration stands in the database, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Applied,
    /// Applied, and the files are others by now.
    Edited,
    /// Applied, and not in the checkout.
    Unknown,
    Pending,
    /// A plan applies it.
    ToApply,
    /// A plan takes it back.
    ToRevert,
}

impl State {
    pub const ALL: [State; 6] =
        [State::Applied, State::Edited, State::Unknown, State::Pending, State::ToApply, State::ToRevert];

    /// In words, as people read it.
    pub fn said(self) -> &'static str {
        match self {
            State::Applied => "applied",
            State::Edited => "edited",
            State::Unknown => "unknown",
            State::Pending => "pending",
            State::ToApply => "to be applied",
            State::ToRevert => "to be reverted",
        }
    }

    /// In one word without spaces: a class, a value in JSON.
    pub fn word(self) -> &'static str {
        match self {
            State::ToApply => "to-apply",
            State::ToRevert => "to-revert",
            other => other.said(),
        }
    }

    /// One letter of ASCII.
    pub fn mark(self) -> char {
        match self {
            State::Applied => 'x',
            State::Edited => '~',
            State::Unknown => '?',
            State::Pending => ' ',
            State::ToApply => '+',
            State::ToRevert => '-',
        }
    }
}

/// How a migration's way back stands in the registry; what comes back as it was goes without saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Proven,
    Lossy,
    Irreversible,
    Waived,
    Broken,
    Unproven,
}

impl Standing {
    pub const ALL: [Standing; 6] = [
        Standing::Proven,
        Standing::Lossy,
        Standing::Irreversible,
        Standing::Waived,
        Standing::Broken,
        Standing::Unproven,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Standing::Proven => "proven",
            Standing::Lossy => "lossy",
            Standing::Irreversible => "irreversible",
            Standing::Waived => "waived",
            Standing::Broken => "broken",
            Standing::Unproven => "unproven",
        }
    }
}

impl Node {
    /// `applied, lossy`; empty where nothing was asked.
    pub fn said(&self) -> String {
        let standing = self.standing.filter(|standing| *standing != Standing::Proven);
        let words = [self.state.map(State::said), standing.map(Standing::word)];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Classes of its element: `applied lossy`.
    pub fn classes(&self) -> String {
        let words = [self.state.map(State::word), self.standing.map(Standing::word)];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What its lines say behind its name: the words, its group, the notes.
    pub fn lines(&self) -> Vec<String> {
        let said = Some(self.said()).filter(|said| !said.is_empty());
        let group = self.group.as_ref().map(|group| format!("group {group}"));
        said.into_iter().chain(group).chain(self.notes.iter().cloned()).collect()
    }
}

/// A picture as a file holds it: each node names what it stands on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    title: String,
    nodes: Vec<KeptNode>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptNode {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<Standing>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    declared: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    observed: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
}

impl KeptNode {
    fn required(&mut self, kind: Kind) -> &mut Vec<String> {
        match kind {
            Kind::Declared => &mut self.declared,
            Kind::Observed => &mut self.observed,
            Kind::Before => &mut self.before,
        }
    }
}

impl From<Picture> for Kept {
    fn from(picture: Picture) -> Kept {
        let ids: Vec<String> = picture.nodes.iter().map(|node| node.id.clone()).collect();
        let kept = |node: Node| {
            let Node { id, state, standing, notes, group } = node;
            KeptNode { id, state, standing, notes, group, declared: vec![], observed: vec![], before: vec![] }
        };
        let mut nodes: Vec<KeptNode> = picture.nodes.into_iter().map(kept).collect();
        for edge in &picture.edges {
            nodes[edge.to].required(edge.kind).push(ids[edge.from].clone());
        }
        Kept { title: picture.title, nodes }
    }
}

impl TryFrom<Kept> for Picture {
    type Error = String;

    fn try_from(mut kept: Kept) -> Result<Picture, String> {
        let places: BTreeMap<String, usize> =
            kept.nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
        let mut edges = Vec::new();
        for (to, node) in kept.nodes.iter_mut().enumerate() {
            for kind in Kind::ALL {
                for id in std::mem::take(node.required(kind)) {
                    let Some(from) = places.get(&id) else {
                        return Err(format!("`{}` stands on `{id}`, which is not in the graph", node.id));
                    };
                    edges.push(Edge { from: *from, to, kind });
                }
            }
        }
        let node = |node: KeptNode| {
            let KeptNode { id, state, standing, notes, group, .. } = node;
            Node { id, state, standing, notes, group }
        };
        Ok(Picture { title: kept.title, nodes: kept.nodes.into_iter().map(node).collect(), edges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_read_as_it_was_kept() {
        let node = |id: &str, state| Node { id: id.to_owned(), state: Some(state), ..Node::default() };
        let nodes = vec![node("1", State::Applied), node("2", State::ToRevert), node("3", State::ToApply)];
        let edge = |from, to, kind| Edge { from, to, kind };
        let edges = vec![edge(0, 1, Kind::Declared), edge(0, 2, Kind::Declared), edge(1, 2, Kind::Before)];
        let picture = Picture { title: "x".to_owned(), nodes, edges };
        let text = serde_json::to_string(&picture).unwrap();
        assert!(text.contains(r#""id":"2","state":"to-revert","declared":["1"]"#), "{text}");
        assert_eq!(serde_json::from_str::<Picture>(&text).unwrap(), picture);
        let broken = text.replace(r#""before":["2"]"#, r#""before":["9"]"#);
        assert!(serde_json::from_str::<Picture>(&broken).unwrap_err().to_string().contains("`9`"));
    }
}
