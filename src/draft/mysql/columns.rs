//! Columns: dropped, added where they stood, altered, and put where they were.

use super::options::charset_of_column;
use super::{Both, ident, values};

/// The clauses that give a table its columns back.
#[derive(Default)]
pub(super) struct Columns {
    pub plain: Vec<String>,
    /// The same with columns made anew that are computed in another way: not each of these can be altered.
    pub anew: Vec<String>,
    /// What comes in another statement behind them.
    pub behind: Vec<String>,
    pub says: Vec<String>,
    /// A column that is there counts on again.
    pub counts: bool,
}

/// A column that is wanted.
struct Column<'a> {
    name: &'a str,
    object: &'a str,
    /// The column that it is now: its place, and its name, which may be another by the case of its letters.
    now: Option<(usize, &'a str)>,
    is_moved: bool,
}

pub(super) fn changed(both: &Both<'_>, table: &str) -> Columns {
    let (wanted, found) = (super::columns(&both.wanted, table), super::columns(&both.found, table));
    let mut columns: Vec<Column<'_>> = wanted
        .into_iter()
        .map(|(name, object)| {
            let is_it = |(other, _): &(&str, &str)| other.to_lowercase() == name.to_lowercase();
            let now = found.iter().position(is_it).map(|at| (at, found[at].0));
            Column { name, object, now, is_moved: false }
        })
        .collect();
    let places: Vec<usize> = columns.iter().filter_map(|column| column.now).map(|(at, _)| at).collect();
    let staying = longest_rise(&places);
    for column in &mut columns {
        column.is_moved = column.now.is_some_and(|(at, _)| !staying.contains(&at));
    }
    let mut clauses = Columns::default();
    let goes = (0..found.len()).filter(|at| !places.contains(at)).map(|at| drop(found[at].0));
    clauses.plain.extend(goes);
    clauses.anew = clauses.plain.clone();
    for at in 0..columns.len() {
        one(both, table, &columns, at, &mut clauses);
    }
    clauses
}

fn drop(name: &str) -> String {
    format!("DROP COLUMN {}", ident(name))
}

fn one(both: &Both<'_>, table: &str, columns: &[Column<'_>], at: usize, clauses: &mut Columns) {
    let column = &columns[at];
    let Some(text) = both.task.wanted.text("column", column.object) else { return };
    let place = match at.checked_sub(1) {
        None => " FIRST".to_owned(),
        Some(before) => format!(" AFTER {}", ident(columns[before].name)),
    };
    let Some((_, now)) = column.now else {
        let is_last = columns[at..].iter().all(|column| column.now.is_none_or(|_| column.is_moved));
        let clause = added(both, column, text, clauses) + if is_last { "" } else { &place };
        clauses.plain.push(clause.clone());
        clauses.anew.push(clause);
        return;
    };
    let is_other = is_other(both, table, column);
    if !is_other && !column.is_moved {
        return;
    }
    let place_if_moved = if column.is_moved { place.as_str() } else { "" };
    let how = if now == column.name { "MODIFY COLUMN".to_owned() } else { format!("CHANGE COLUMN {}", ident(now)) };
    let modify = format!("{how} {text}{place_if_moved}");
    clauses.plain.push(modify.clone());
    let counts = |objects: &super::Objects<'_>| objects.get("column", column.object).is_some_and(counts);
    clauses.counts |= counts(&both.wanted) && !counts(&both.found);
    if is_computed_otherwise(both, column.object) {
        clauses.anew.push(drop(now));
        clauses.anew.push(format!("ADD COLUMN {text}{place}"));
    } else {
        clauses.anew.push(modify);
    }
}

/// ADD COLUMN. Rows that are there get what its type holds as nothing, where it must not be NULL and has no default.
fn added(both: &Both<'_>, column: &Column<'_>, text: &str, clauses: &mut Columns) -> String {
    let add = |text: &str| format!("ADD COLUMN {text}");
    let Some(properties) = both.wanted.get("column", column.object) else { return add(text) };
    let is_given = ["default", "generated"].iter().any(|name| properties.contains_key(name)) || counts(properties);
    if is_given || properties.get("nullable") != Some(&"no") {
        return add(text);
    }
    let Some(nothing) = values::nothing(properties) else { return add(text) };
    clauses.says.push(format!("{} must not be NULL, so rows get {}", column.object, nothing.value));
    if nothing.is_implicit {
        return add(text);
    }
    clauses.behind.push(format!("ALTER COLUMN {} DROP DEFAULT", ident(column.name)));
    add(&text.replacen(" NOT NULL", &format!(" NOT NULL DEFAULT {}", nothing.value), 1))
}

fn counts(properties: &super::Properties<'_>) -> bool {
    properties.get("attributes").is_some_and(|words| words.contains("AUTO_INCREMENT"))
}

fn is_other(both: &Both<'_>, table: &str, column: &Column<'_>) -> bool {
    let is_changed = both.differences.changed.contains(&("column", column.object));
    let is_renamed = column.now.is_some_and(|(_, now)| now != column.name);
    let charset = |is_wanted| charset_of_column(both, is_wanted, table, column.object);
    is_changed || is_renamed || charset(true) != charset(false)
}

/// Whether a column is computed that was not, or was that is not, or in another way.
fn is_computed_otherwise(both: &Both<'_>, object: &str) -> bool {
    let of = |objects: &super::Objects<'_>| {
        objects.get("column", object).and_then(|column| column.get("generated").map(|how| (*how).to_owned()))
    };
    of(&both.wanted) != of(&both.found)
}

/// The members of a longest rising run of a list: what need not be moved.
fn longest_rise(list: &[usize]) -> Vec<usize> {
    // The length of the longest run that ends at each member, and the member before it there.
    let mut runs: Vec<(usize, Option<usize>)> = Vec::with_capacity(list.len());
    for (at, member) in list.iter().enumerate() {
        let before = (0..at).filter(|other| list[*other] < *member).max_by_key(|other| runs[*other].0);
        runs.push((before.map_or(1, |before| runs[before].0 + 1), before));
    }
    let mut at = (0..list.len()).max_by_key(|at| runs[*at].0);
    let mut rise = Vec::new();
    while let Some(one) = at {
        rise.push(list[one]);
        at = runs[one].1;
    }
    rise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_columns_as_can_be_are_moved() {
        let rise = |list: &[usize]| {
            let mut rise = longest_rise(list);
            rise.sort_unstable();
            rise
        };
        assert_eq!(rise(&[]), [0; 0]);
        assert_eq!(rise(&[0, 1, 2]), [0, 1, 2]);
        assert_eq!(rise(&[3, 0, 1, 2]), [0, 1, 2]);
        assert_eq!(rise(&[1, 2, 3, 0]), [1, 2, 3]);
        assert_eq!(rise(&[2, 1, 0]).len(), 1);
    }
}
