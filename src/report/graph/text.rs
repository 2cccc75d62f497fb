//! For a terminal: a line per migration in order, with its state, and what it stands on where that is not just the one
//! before it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Picture, Standing, State, reduced};
use crate::report::clean;

fn style(state: Option<State>, standing: Option<Standing>) -> Style {
    match (state, standing) {
        (_, Some(Standing::Broken | Standing::Unproven)) => AnsiColor::Red.on_default(),
        (Some(State::Edited | State::Unknown | State::ToRevert), _) => AnsiColor::Yellow.on_default(),
        (Some(State::Applied), _) => AnsiColor::Green.on_default(),
        (Some(State::ToApply), _) => AnsiColor::Cyan.on_default(),
        (Some(State::Pending) | None, _) => Style::new(),
    }
}

/// The graph, a line per migration.
pub fn text(picture: &Picture) -> String {
    let keep = reduced(picture);
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); picture.nodes.len()];
    for (edge, _) in picture.edges.iter().zip(&keep).filter(|(_, keep)| **keep) {
        above[edge.to].push(edge.from);
    }
    above.iter_mut().for_each(|above| above.sort_unstable());
    let digits = picture.nodes.len().to_string().len();
    let names: Vec<String> = picture.nodes.iter().map(|node| clean(&node.id).into_owned()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(48);
    let mut out = String::new();
    for (at, node) in picture.nodes.iter().enumerate() {
        let mark = node.state.map_or(String::new(), |state| format!("[{}] ", state.mark()));
        let stands = match above[at].as_slice() {
            [] if at == 0 || node.state == Some(State::Unknown) => String::new(),
            [] => "on nothing".to_owned(),
            [one] if one + 1 == at => String::new(),
            many => format!("on {}", many.iter().map(|on| (on + 1).to_string()).collect::<Vec<_>>().join(", ")),
        };
        let group = node.group.as_ref().map(|group| format!("group {}", clean(group)));
        let notes = node.notes.iter().map(|note| clean(note).into_owned());
        let words = std::iter::once(node.said()).chain(group).chain(notes).chain([stands]);
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        let style = style(node.state, node.standing);
        let pad = " ".repeat(width.saturating_sub(names[at].chars().count()));
        let line = format!("{:>digits$} {style}{mark}{}{style:#}{pad}  {}", at + 1, names[at], words.join("; "));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}
