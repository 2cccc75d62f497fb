//! What one schema has otherwise than another.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Line, Lines, Snapshot, UNREAD, has_generated_name, is_weak, unshared, weak_object, weak_value};

/// The weak property of a column that says where it stands.
const POSITION: &str = "~position";

/// How much a difference between two schemas weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The same but for the order of columns, a generated name, or white space in a body.
    Weak,
    /// Another schema.
    Strong,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Only the second schema has it.
    Added,
    /// Only the first schema has it.
    Removed,
    /// Both have it, with other lines.
    Changed,
    /// Both have it under another, generated name.
    Renamed,
}

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub fate: Fate,
    pub weight: Weight,
    pub kind: String,
    pub object: String,
    /// The lines that differ, as `- …` (first schema) and `+ …` (second).
    pub lines: Vec<String>,
}

impl Change {
    /// `table public.users`, as findings name it.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind, self.object)
    }

    /// The object's name, and for a right that of what it is on: `public.f` of `execute on function public.f(int) to a`.
    pub fn subject(&self) -> &str {
        match self.object.rsplit_once(" to ") {
            Some((what, _)) if self.kind == "grant" => {
                let what = what.split('(').next().unwrap_or(what);
                what.rsplit(' ').next().unwrap_or(what)
            }
            _ => &self.object,
        }
    }

    /// Whether the whole object came or went.
    fn is_whole(&self) -> bool {
        matches!(self.fate, Fate::Added | Fate::Removed)
    }
}

/// The properties of one object.
type Properties<'a> = Vec<(&'a str, &'a str)>;

/// Objects by kind and name.
type Objects<'a> = BTreeMap<(&'a str, &'a str), Properties<'a>>;

/// What the second schema has otherwise than the first; empty exactly when both are equal. Of a kind that one of them could not
/// read, nothing.
pub fn diff(first: &Snapshot, second: &Snapshot) -> Vec<Change> {
    fold_children(all(first, second))
}

/// The same for people who want to see what an object is: a table that came or went has a line for each of its parts.
pub fn objects(first: &Snapshot, second: &Snapshot) -> Vec<Change> {
    let changes = all(first, second);
    let mut parts: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.is_whole() && !is_owner(&change.kind)) {
        if let Some((owner, name)) = change.object.rsplit_once('.') {
            parts.entry(owner.to_owned()).or_default().push(part(change, name));
        }
    }
    let mut changes = fold_children(changes);
    for change in changes.iter_mut().filter(|change| change.is_whole()) {
        let mut own = if is_owner(&change.kind) { parts.remove(&change.object) } else { None }.unwrap_or_default();
        own.sort();
        change.lines.extend(own.into_iter().map(|(_, line)| line));
        if change.lines.len() > 1 {
            change.lines.retain(|line| is_telling(line));
        }
    }
    changes
}

/// Whether a line of an object that came or went says more than that it is there.
fn is_telling(line: &str) -> bool {
    !line.ends_with("(exists)") && !line.get(2..).is_some_and(|said| said.starts_with("position: "))
}

/// A part of a table on one line, `+ column id: type: integer, not null: yes`, behind what sorts it among the others.
fn part(change: &Change, name: &str) -> (String, String) {
    let said = |line: &String| line.get(2..).map(str::to_owned);
    let position = change.lines.iter().find_map(|line| line.get(2..)?.strip_prefix("position: "));
    let is_column = change.kind == "column";
    let sort = format!("{} {:0>6} {name}", if is_column { 0 } else { 1 }, position.unwrap_or_default());
    let mark = if change.fate == Fate::Removed { '-' } else { '+' };
    let lines: Vec<String> = change.lines.iter().filter(|line| is_telling(line)).filter_map(said).collect();
    let colon = if lines.is_empty() { "" } else { ": " };
    (sort, format!("{mark} {} {name}{colon}{}", change.kind, lines.join(", ")))
}

/// What differs, object by object.
fn all(first: &Snapshot, second: &Snapshot) -> Vec<Change> {
    let unread: BTreeSet<&str> = first.unread().chain(second.unread()).collect();
    let (mut first, mut second) = unshared(first, second);
    if !unread.is_empty() {
        let is_read = |line: &&Line| line.kind != UNREAD && !unread.contains(line.kind.as_str());
        first.retain(is_read);
        second.retain(is_read);
    }
    let (one, two) = differing(&first, &second);
    let mut changes = Vec::new();
    let mut removed = Vec::new();
    let mut added = Vec::new();
    for (key, properties) in &one {
        match two.get(key) {
            None => removed.push((*key, properties)),
            Some(others) if others != properties => changes.push(changed(key, properties, others)),
            Some(_) => {}
        }
    }
    added.extend(two.iter().filter(|(key, _)| !one.contains_key(*key)).map(|(key, properties)| (*key, properties)));
    pair_renamed(&mut removed, &mut added, &mut changes);
    let whole = |fate, (key, properties): &((&str, &str), &Properties<'_>)| Change {
        fate,
        weight: Weight::Strong,
        kind: key.0.to_owned(),
        object: key.1.to_owned(),
        lines: properties.iter().flat_map(|(property, value)| marked(fate, property, value)).collect(),
    };
    changes.extend(removed.iter().map(|object| whole(Fate::Removed, object)));
    changes.extend(added.iter().map(|object| whole(Fate::Added, object)));
    changes.extend(reordered(&first, &second, &one, &two));
    changes.retain(|change| change.fate != Fate::Changed || !change.lines.is_empty());
    changes.sort_by(|a, b| (&a.kind, &a.object).cmp(&(&b.kind, &b.object)));
    changes
}

fn place<'a>(properties: &Properties<'a>) -> Option<&'a str> {
    properties.iter().find(|(name, _)| *name == POSITION).map(|(_, at)| *at)
}

/// One change for each table whose columns stand in another order, instead of one for each column that moved.
fn reordered(first: &Lines<'_>, second: &Lines<'_>, one: &Objects<'_>, two: &Objects<'_>) -> Vec<Change> {
    let moved = one.iter().filter(|(key, properties)| {
        key.0 == "column" && two.get(*key).is_some_and(|others| place(properties) != place(others))
    });
    let tables: BTreeSet<&str> = moved.filter_map(|(key, _)| Some(key.1.rsplit_once('.')?.0)).collect();
    let changes = tables.into_iter().filter_map(|table| {
        let (before, after) = (columns_of(first, table), columns_of(second, table));
        let common = |all: &[&str], others: &[&str]| -> Vec<String> {
            all.iter().filter(|name| others.contains(name)).map(|name| (*name).to_owned()).collect()
        };
        // A column that came or went moves those behind it; that is no other order.
        if common(&before, &after) == common(&after, &before) {
            return None;
        }
        let lines = vec![format!("- columns: {}", before.join(", ")), format!("+ columns: {}", after.join(", "))];
        let (kind, object) = ("table".to_owned(), table.to_owned());
        Some(Change { fate: Fate::Changed, weight: Weight::Weak, kind, object, lines })
    });
    changes.collect()
}

/// The objects of both sides that have a line which the other side lacks.
fn differing<'a>(first: &Lines<'a>, second: &Lines<'a>) -> (Objects<'a>, Objects<'a>) {
    let mut keys: BTreeSet<(&str, &str)> = BTreeSet::new();
    let (mut i, mut j) = (0, 0);
    while i < first.len() || j < second.len() {
        let order = match (first.get(i), second.get(j)) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        match order {
            std::cmp::Ordering::Equal => (i, j) = (i + 1, j + 1),
            std::cmp::Ordering::Less => {
                keys.insert((&first[i].kind, &first[i].object));
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                keys.insert((&second[j].kind, &second[j].object));
                j += 1;
            }
        }
    }
    (restricted(first, &keys), restricted(second, &keys))
}

fn restricted<'a>(lines: &Lines<'a>, keys: &BTreeSet<(&'a str, &'a str)>) -> Objects<'a> {
    let mut objects: Objects<'_> = BTreeMap::new();
    for &(kind, object) in keys {
        let from = lines.partition_point(|line| (line.kind.as_str(), line.object.as_str()) < (kind, object));
        let same = lines[from..].iter().take_while(|line| line.kind == kind && line.object == object);
        let properties: Properties<'_> = same.map(|line| (line.property.as_str(), line.value.as_str())).collect();
        if !properties.is_empty() {
            objects.insert((kind, object), properties);
        }
    }
    objects
}

fn changed(key: &(&str, &str), one: &Properties<'_>, two: &Properties<'_>) -> Change {
    let mut lines = Vec::new();
    let mut weight = Weight::Weak;
    let names: BTreeSet<&str> = one.iter().chain(two).map(|(property, _)| *property).collect();
    for name in names {
        let values = |all: &Properties<'_>| -> Vec<String> {
            all.iter().filter(|(property, _)| *property == name).map(|(_, value)| (*value).to_owned()).collect()
        };
        let (before, after) = (values(one), values(two));
        // Where the columns of a table stand is told once for the table.
        if before == after || (key.0 == "column" && name == POSITION) {
            continue;
        }
        let folded = |all: &[String]| -> Vec<String> {
            all.iter().map(|value| weak_value(key, name, value).into_owned()).collect()
        };
        let only_layout = name == "body" && folded(&before) == folded(&after);
        if !is_weak(name) && !only_layout {
            weight = Weight::Strong;
        }
        let label = name.trim_start_matches('~');
        value_diff(label, &before.join("\n"), &after.join("\n"), &mut lines);
    }
    Change { fate: Fate::Changed, weight, kind: key.0.to_owned(), object: key.1.to_owned(), lines }
}

/// A value's difference: on one line each when it is short, by lines when it is a body.
fn value_diff(property: &str, before: &str, after: &str, lines: &mut Vec<String>) {
    if !before.contains('\n') && !after.contains('\n') {
        let label = if property.is_empty() { String::new() } else { format!("{property}: ") };
        let side = |mark: char, value: &str| (!value.is_empty()).then(|| format!("{mark} {label}{value}"));
        lines.extend([side('-', before), side('+', after)].into_iter().flatten());
        return;
    }
    lines.push(format!("  {property}:"));
    let diff = similar::TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            lines.push(format!("{} {}", change.tag(), change.value().trim_end_matches('\n')));
        }
    }
}

/// A property of an object that came or went; long bodies are cut, as the name says what they are.
fn marked(fate: Fate, property: &str, value: &str) -> Vec<String> {
    const MOST: usize = 8;
    let mark = if fate == Fate::Removed { '-' } else { '+' };
    let label = property.trim_start_matches('~');
    let mut lines = value.lines();
    let first = lines.next().unwrap_or_default();
    let head = match (label.is_empty(), first.is_empty()) {
        (true, true) => format!("{mark} (exists)"),
        (true, false) => format!("{mark} {first}"),
        (false, _) => format!("{mark} {label}: {first}"),
    };
    let rest: Vec<&str> = lines.collect();
    let cut = (rest.len() > MOST).then(|| format!("{mark}   … ({} more lines)", rest.len() - MOST));
    let shown = rest.iter().take(MOST).map(|line| format!("{mark}   {line}"));
    std::iter::once(head).chain(shown).chain(cut).collect()
}

/// Objects that went away and came back under another made-up name are one weak change.
fn pair_renamed<'a, 'b>(
    removed: &mut Vec<((&'a str, &'a str), &'b Properties<'a>)>,
    added: &mut Vec<((&'a str, &'a str), &'b Properties<'a>)>,
    changes: &mut Vec<Change>,
) {
    let shape = |object: &((&'a str, &'a str), &'b Properties<'a>)| -> (String, String, Vec<(String, String)>) {
        let (key, properties) = object;
        let strong = properties.iter().filter(|(property, _)| !is_weak(property));
        let values = strong.map(|(name, value)| ((*name).to_owned(), weak_value(key, name, value).into_owned()));
        (key.0.to_owned(), weak_object(key).to_owned(), values.collect())
    };
    removed.retain(|gone| {
        if !has_generated_name(gone.0.0, gone.0.1) {
            return true;
        }
        let wanted = shape(gone);
        let Some(at) = added.iter().position(|come| shape(come) == wanted) else { return true };
        let come = added.swap_remove(at);
        changes.push(Change {
            fate: Fate::Renamed,
            weight: Weight::Weak,
            kind: gone.0.0.to_owned(),
            object: gone.0.1.to_owned(),
            lines: vec![format!("- name: {}", gone.0.1), format!("+ name: {}", come.0.1)],
        });
        false
    });
}

/// A table that came or went says it all: its columns, indexes and constraints are not told beside it.
fn fold_children(changes: Vec<Change>) -> Vec<Change> {
    let owners: Vec<(Fate, String)> = changes
        .iter()
        .filter(|change| matches!(change.fate, Fate::Added | Fate::Removed) && is_owner(&change.kind))
        .map(|change| (change.fate, format!("{}.", change.object)))
        .collect();
    let is_child = |change: &Change| {
        owners.iter().any(|(fate, prefix)| *fate == change.fate && change.object.starts_with(prefix.as_str()))
    };
    changes.into_iter().filter(|change| is_owner(&change.kind) || !is_child(change)).collect()
}

fn is_owner(kind: &str) -> bool {
    matches!(kind, "table" | "view" | "materialized view" | "foreign table")
}

/// The heaviest of the changes; `None` when there are none.
pub fn weight(changes: &[Change]) -> Option<Weight> {
    changes.iter().map(|change| change.weight).max()
}

/// The names of a table's columns, in their order.
fn columns_of<'a>(lines: &Lines<'a>, table: &str) -> Vec<&'a str> {
    let from = lines.partition_point(|line| (line.kind.as_str(), line.object.as_str()) < ("column", table));
    let lines = lines[from..].iter().take_while(|line| line.kind == "column" && line.object.starts_with(table));
    let mut columns: Vec<(u32, &str)> = lines
        .filter(|line| line.property == POSITION)
        .filter_map(|line| {
            let (owner, name) = line.object.rsplit_once('.')?;
            (owner == table).then(|| (line.value.parse().unwrap_or(0), name))
        })
        .collect();
    columns.sort_unstable();
    columns.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Line;

    fn line(kind: &str, object: &str, property: &str, value: &str) -> Line {
        let text = str::to_owned;
        Line { kind: text(kind), object: text(object), property: text(property), value: text(value) }
    }

    #[test]
    fn order_of_columns_and_made_up_names_weigh_little() {
        let one = Snapshot::new(vec![
            line("column", "t.a", "~position", "1"),
            line("column", "t.a", "type", "int"),
            line("column", "t.b", "~position", "2"),
            line("constraint", "t.t_check", "definition", "CHECK (a > 0)"),
        ]);
        let two = Snapshot::new(vec![
            line("column", "t.a", "~position", "2"),
            line("column", "t.a", "type", "int"),
            line("column", "t.b", "~position", "1"),
            line("constraint", "t.t_check1", "definition", "CHECK (a > 0)"),
        ]);
        let changes = diff(&one, &two);
        let titles: Vec<String> = changes.iter().map(Change::title).collect();
        assert_eq!(titles, ["constraint t.t_check", "table t"]);
        assert_eq!(changes[1].lines, ["- columns: a, b", "+ columns: b, a"]);
        assert_eq!(weight(&changes), Some(Weight::Weak));
        assert_eq!(one.weak_digest(), two.weak_digest());
        assert_ne!(one, two);
    }

    #[test]
    fn a_made_up_name_weighs_little_in_quotes_too() {
        let one = |name: &str| Snapshot::new(vec![line("constraint", &format!("s.\"User\".{name}"), "", "")]);
        let changes = diff(&one("\"User_a_check\""), &one("\"User_a_check1\""));
        assert_eq!((changes.len(), weight(&changes)), (1, Some(Weight::Weak)));
        assert_eq!(weight(&diff(&one("\"User_a_check\""), &one("\"Mine\""))), Some(Weight::Strong));
    }

    #[test]
    fn a_body_differs_weakly_in_white_space_only() {
        let body = |text: &str| Snapshot::new(vec![line("view", "v", "body", text)]);
        assert_eq!(weight(&diff(&body("select  1"), &body("select\n1"))), Some(Weight::Weak));
        assert_eq!(weight(&diff(&body("select 1"), &body("select 2"))), Some(Weight::Strong));
        assert_eq!(body("select  1").weak_digest(), body("select\n1").weak_digest());
    }

    #[test]
    fn a_table_left_behind_is_one_change() {
        let empty = Snapshot::new(vec![]);
        let table = Snapshot::new(vec![line("table", "t", "", ""), line("column", "t.a", "type", "int")]);
        let changes = diff(&empty, &table);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].title(), "table t");
    }

    #[test]
    fn a_table_is_shown_with_its_parts_in_their_order() {
        let empty = Snapshot::new(vec![]);
        let lines = [
            line("table", "t", "", ""),
            line("column", "t.b", "type", "text"),
            line("column", "t.b", "~position", "1"),
            line("column", "t.a", "type", "int"),
            line("column", "t.a", "~position", "2"),
            line("constraint", "t.k", "definition", "CHECK (a > 0)"),
            line("sequence", "s", "", ""),
        ];
        let changes = objects(&Snapshot::new(lines.to_vec()), &empty);
        assert_eq!(changes.iter().map(Change::title).collect::<Vec<_>>(), ["sequence s", "table t"]);
        assert_eq!(changes[0].lines, ["- (exists)"]);
        let parts = ["- column b: type: text", "- column a: type: int", "- constraint k: definition: CHECK (a > 0)"];
        assert_eq!(changes[1].lines, parts);
    }
}
