//! Rights on tables, columns and routines. The server keeps those on a table when that is dropped.

use super::super::Step;
use super::super::objects::{Key, Objects};
use super::{Both, ident};

/// Takes back what only the present schema grants.
pub(super) fn revoked(both: &Both<'_>) -> Vec<Step> {
    let differences = &both.differences;
    let keys = differences.came.iter().chain(&differences.changed);
    keys.filter_map(|key| Some(Step::one(granted(both, key, &both.found, ("REVOKE", "FROM"))?))).collect()
}

/// Grants again what was granted.
pub(super) fn made(both: &Both<'_>) -> Vec<Step> {
    let differences = &both.differences;
    let keys = differences.gone.iter().chain(&differences.changed);
    keys.filter_map(|key| Some(Step::one(granted(both, key, &both.wanted, ("GRANT", "TO"))?))).collect()
}

fn granted<'a>(
    both: &Both<'a>,
    (kind, object): &Key<'a>,
    of: &Objects<'a>,
    (verb, to): (&str, &str),
) -> Option<String> {
    let (what, account) = object.rsplit_once(" to ").filter(|_| *kind == "grant")?;
    let rights: Vec<&str> = of.get(kind, object)?.get("privileges")?.split(',').collect();
    let (on, column) = match what.split_once(' ').filter(|(kind, _)| ["function", "procedure"].contains(kind)) {
        Some((kind, routine)) => (format!("{} {}", kind.to_uppercase(), ident(routine)), None),
        None => match both.parted(what) {
            Some((table, column)) => (ident(table), Some(ident(column))),
            None => (ident(what), None),
        },
    };
    let (option, rights): (Vec<&str>, Vec<&str>) = rights.into_iter().partition(|right| *right == "Grant");
    let column = column.map(|column| format!(" ({column})")).unwrap_or_default();
    let mut rights: Vec<String> = rights.iter().map(|right| format!("{}{column}", right.to_uppercase())).collect();
    let mut with = "";
    match (option.is_empty(), verb) {
        (true, _) => {}
        (false, "REVOKE") => rights.push("GRANT OPTION".to_owned()),
        (false, _) => with = " WITH GRANT OPTION",
    }
    // No rights but to give away those on the whole database.
    if rights.is_empty() {
        rights.push("USAGE".to_owned());
    }
    Some(format!("{verb} {} ON {on} {to} {account}{with}", rights.join(", ")))
}
