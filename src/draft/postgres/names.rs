//! Objects that are the same but for their names get their old ones back: an index need not be built for that, nor a type be taken
//! out of its columns.

use super::super::Step;
use super::super::objects::{Differences, Objects, Properties, head, own, owner};

/// A step for each such pair.
pub(super) fn renamed(wanted: &Objects<'_>, found: &Objects<'_>, differences: &Differences<'_>) -> Vec<Step> {
    let mut came = differences.came.clone();
    let pairs = differences.gone.iter().filter_map(|(kind, old)| {
        let want = wanted.get(kind, old)?;
        let is_it = |new: &str| {
            let have = found.get(kind, new)?;
            let stands_there = if *kind == "constraint" { owner(old) == owner(new) } else { head(old) == head(new) };
            (stands_there && said(kind, old, want) == said(kind, new, have)).then_some(())
        };
        let at = came.iter().position(|(other, new)| other == kind && is_it(new).is_some())?;
        rename(kind, came.remove(at).1, own(old))
    });
    pairs.map(Step::one).collect()
}

/// What is said of an object, without its name.
fn said(kind: &str, object: &str, properties: &Properties<'_>) -> Vec<String> {
    let without = |value: &str| match kind {
        "index" => value.replacen(&format!(" {} ON ", own(object)), " ON ", 1),
        _ => value.to_owned(),
    };
    properties.iter().map(|(name, value)| format!("{name}={}", without(value))).collect()
}

fn rename(kind: &str, new: &str, old: &str) -> Option<String> {
    let word = match kind {
        "constraint" => return Some(format!("ALTER TABLE {} RENAME CONSTRAINT {} TO {old}", owner(new)?, own(new))),
        "index" => "INDEX",
        "enum" | "composite type" => "TYPE",
        "domain" => "DOMAIN",
        "sequence" => "SEQUENCE",
        "view" => "VIEW",
        "materialized view" => "MATERIALIZED VIEW",
        _ => return None,
    };
    Some(format!("ALTER {word} {new} RENAME TO {old}"))
}
