//! What readers have in common: rows that say something, matched with the migrations of the checkout.

use std::collections::{BTreeMap, BTreeSet};

use super::{Reading, Row, Taken};
use crate::finding::Finding;
use crate::id::Id;
use crate::migration::Migration;

/// One row that says that a migration is applied.
pub(super) struct Said {
    /// What it is matched by.
    pub key: String,
    /// The migration as the tool names it, for messages: `version 7`.
    pub shown: String,
    /// Where it stands in the tool's own order.
    pub rank: Option<i128>,
    pub at: Option<String>,
    pub by: Option<String>,
}

impl Said {
    pub fn new(key: impl Into<String>, shown: impl Into<String>) -> Said {
        Said { key: key.into(), shown: shown.into(), rank: None, at: None, by: None }
    }
}

/// Matches what rows say with migrations by a key. The order is the tool's where all rows tell it, else that of the times, else
/// the checkout's; where two times are the same, the checkout's decides.
pub(super) fn matched(
    tool: &str,
    said: Vec<Said>,
    migrations: &[&Migration],
    key: impl Fn(&str) -> Option<String>,
) -> Reading {
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    for (position, migration) in migrations.iter().enumerate() {
        if let Some(key) = key(migration.id.as_str()) {
            positions.entry(key).or_insert(position);
        }
    }
    let mut reading = Reading::default();
    let mut found: Vec<(usize, Said)> = Vec::new();
    let mut seen = BTreeSet::new();
    for said in said {
        match positions.get(&said.key) {
            Some(position) if seen.insert(*position) => found.push((*position, said)),
            Some(_) => {}
            None => reading.doubts.push(unknown(tool, &said.shown)),
        }
    }
    sort(&mut found);
    reading.taken = found.into_iter().map(|(position, said)| taken(&migrations[position].id, &said)).collect();
    reading
}

/// Puts what was found at positions of the checkout into the order in which it was applied.
pub(super) fn sort(found: &mut [(usize, Said)]) {
    if found.iter().all(|(_, said)| said.rank.is_some()) {
        found.sort_by_key(|(position, said)| (said.rank, *position));
    } else if found.iter().all(|(_, said)| said.at.is_some()) {
        found.sort_by(|(a, one), (b, two)| one.at.cmp(&two.at).then(a.cmp(b)));
    } else {
        found.sort_by_key(|(position, _)| *position);
    }
}

pub(super) fn taken(id: &Id, said: &Said) -> Taken {
    let parts = [said.at.as_ref().map(|at| format!("at {at}")), said.by.as_ref().map(|by| format!("by {by}"))];
    Taken { id: id.clone(), told: parts.into_iter().flatten().collect::<Vec<_>>().join(" ") }
}

/// A row that names what the checkout does not have.
pub(super) fn unknown(tool: &str, shown: &str) -> Finding {
    let message = format!("{tool} has applied {shown}, and no migration here is that one");
    Finding::error("history-unknown", message)
        .help("is this the right checkout and folder? a migration whose files are gone for good needs a reason")
}

/// A script that is not the one that the tool has applied.
pub(super) fn other_script(tool: &str, migration: &Migration) -> Finding {
    let message = format!("the script is not the one that {tool} has applied: its checksum is another");
    Finding::error("history-checksum", message)
        .of(&migration.id)
        .at(migration.up.place(0))
        .help("put the old text back, or say with a reason that the change does not matter")
}

/// A row that a tool would not have written.
pub(super) fn unreadable(tool: &str, what: &str) -> Finding {
    Finding::error("history-unreadable", format!("the table of {tool} cannot be read as its history: {what}"))
        .help("mend the row, or say what is applied with `--baseline ID`")
}

/// A value; an empty one is none.
pub(super) fn value(row: &Row, at: usize) -> Option<&str> {
    row.get(at)?.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

pub(super) fn number(row: &Row, at: usize) -> Option<i128> {
    value(row, at)?.parse().ok()
}

/// A truth value in the words of any engine; `None` where it is none.
pub(super) fn truth(row: &Row, at: usize) -> Option<bool> {
    match value(row, at)?.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Some(true),
        "0" | "f" | "false" => Some(false),
        _ => None,
    }
}

/// The number that a name begins with, without leading zeros.
pub(super) fn leading_number(name: &str) -> Option<String> {
    leading_digits(name).map(plain)
}

/// The digits that a name begins with.
pub(super) fn leading_digits(name: &str) -> Option<&str> {
    let end = name.bytes().take_while(u8::is_ascii_digit).count();
    (end > 0).then(|| &name[..end])
}

/// A number without leading zeros, of any length.
pub(super) fn plain(digits: &str) -> String {
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}
