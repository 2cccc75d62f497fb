//! Drawings of the graph of migrations: one file per form. They take a neutral value and decide nothing.

use crate::graph::Edge as Kind;

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

/// What is drawn: migrations in dependency order, and what stands on what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
