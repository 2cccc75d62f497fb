//! The way back on SQLite: the texts that it keeps, and a table rebuilt where ALTER TABLE does not do.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::{Differences, Key, Objects, bare, head, names, own, owner};
use super::{Care, Pressure, Schema, Step, Task};
use crate::sql::Flavor;
use crate::token::{Token, TokenKind, tokens};

pub(super) fn steps(task: &Task<'_>) -> Vec<Step> {
    if !task.moves.is_empty() {
        return renames(task);
    }
    let (wanted, found) = (Objects::of(&task.wanted.snapshot), Objects::of(&task.found.snapshot));
    let differences = wanted.differences(&found);
    let changed = changed_tables(&differences);
    let mut steps = Vec::new();
    if task.pressure == Pressure::High {
        steps.extend(dependents(task.found, &changed));
    }
    steps.extend(drops(task, &differences));
    steps.extend(replaced(task, &differences));
    steps.extend(changed.iter().filter_map(|table| {
        let came: Vec<&str> =
            differences.came_of("column").into_iter().filter(|column| owner(column) == Some(table)).collect();
        let rebuilt = rebuild(task, table, (&wanted, &found))?;
        if !came.is_empty() && is_same_without(task, table, &came) {
            let name = written(task.found, "table", table);
            let dropped = came
                .iter()
                .map(|column| format!("ALTER TABLE {name} DROP COLUMN {}", column_written(task.found, table, column)));
            return Some(Step { ways: vec![dropped.collect(), rebuilt.ways.concat()], says: Vec::new() });
        }
        Some(rebuilt)
    }));
    steps.extend(creates(task, &differences));
    steps
}

/// Old names for what has a new one.
fn renames(task: &Task<'_>) -> Vec<Step> {
    let renamed = task.moves.iter().filter_map(|(from, to)| {
        let ((kind, from), (_, to)) = (from.split_once(' ')?, to.split_once(' ')?);
        match kind {
            "table" => {
                let (old, new) = (written(task.wanted, kind, from), written(task.found, kind, to));
                Some(format!("ALTER TABLE {new} RENAME TO {old}"))
            }
            _ => {
                let (old, new) = (owner(from)?, owner(to)?);
                let table = written(task.found, "table", new);
                let old = column_written(task.wanted, old, from);
                let new = column_written(task.found, new, to);
                Some(format!("ALTER TABLE {table} RENAME COLUMN {new} TO {old}"))
            }
        }
    });
    renamed.map(Step::one).collect()
}

/// Tables that both have, otherwise.
fn changed_tables(differences: &Differences<'_>) -> BTreeSet<String> {
    let (came, gone) = (differences.came_of("table"), differences.gone_of("table"));
    let all = differences.came.iter().chain(&differences.gone).chain(&differences.changed);
    let of_tables = all.filter(|key| matches!(key.0, "table" | "column" | "constraint")).map(|key| head(key.1));
    of_tables.filter(|table| !came.contains(table) && !gone.contains(table)).map(str::to_owned).collect()
}

/// Objects of the kinds that are dropped and made as a whole, tables first: their indexes and triggers go with them.
const WHOLE: &[&str] = &["table", "view", "index", "trigger"];

fn drops(task: &Task<'_>, differences: &Differences<'_>) -> Vec<Step> {
    let ranks = task.found.ranks();
    let mut came: Vec<&Key<'_>> = differences.came.iter().filter(|key| WHOLE.contains(&key.0)).collect();
    // What was made last stands on nothing that is still there.
    came.sort_by_key(|key| {
        let kind = WHOLE.iter().position(|kind| *kind == key.0);
        (kind, std::cmp::Reverse(ranks.get(*key).copied()))
    });
    came.into_iter().map(|(kind, object)| Step::one(drop(task.found, kind, object))).collect()
}

fn drop(schema: &Schema, kind: &str, object: &str) -> String {
    format!("DROP {} {}", kind.to_uppercase(), written(schema, kind, object))
}

/// Indexes, views and triggers that are otherwise.
fn replaced(task: &Task<'_>, differences: &Differences<'_>) -> Vec<Step> {
    let changed = differences.changed.iter().filter(|key| matches!(key.0, "index" | "view" | "trigger"));
    let both = changed.filter_map(|(kind, object)| {
        Some(Step::of(vec![drop(task.found, kind, object), task.wanted.text(kind, object)?.to_owned()]))
    });
    both.collect()
}

fn creates(task: &Task<'_>, differences: &Differences<'_>) -> Vec<Step> {
    let ranks = task.wanted.ranks();
    let mut gone: Vec<&Key<'_>> = differences.gone.iter().filter(|key| WHOLE.contains(&key.0)).collect();
    gone.sort_by_key(|key| (key.0 != "table", ranks.get(*key).copied()));
    gone.into_iter().filter_map(|(kind, object)| task.wanted.text(kind, object)).map(Step::one).collect()
}

/// Views and triggers that name a table which is to be rebuilt: SQLite reads them all when a table gets a name.
fn dependents(found: &Schema, changed: &BTreeSet<String>) -> Vec<Step> {
    let stand_on = found.definitions.iter().rev().filter(|one| {
        matches!(one.kind.as_str(), "view" | "trigger") && changed.iter().any(|table| names(&one.text, &bare(table)))
    });
    stand_on.map(|one| Step::one(drop(found, &one.kind, &one.object))).collect()
}

/// Whether a table is what is wanted, but for some columns that came.
fn is_same_without(task: &Task<'_>, table: &str, came: &[&str]) -> bool {
    let of = |schema: &Schema| -> Vec<[String; 4]> {
        let lines = schema.snapshot.lines().filter(|line| {
            matches!(line.kind.as_str(), "table" | "column" | "constraint")
                && head(&line.object) == table
                && !line.property.starts_with('~')
                && !(line.kind == "column" && came.contains(&line.object.as_str()))
        });
        let mut lines: Vec<[String; 4]> =
            lines.map(|line| [&line.kind, &line.object, &line.property, &line.value].map(Clone::clone)).collect();
        lines.sort();
        lines
    };
    of(task.wanted) == of(task.found)
}

/// The table anew under its old text, with the rows of the columns that both have.
fn rebuild(task: &Task<'_>, table: &str, (wanted, found): (&Objects<'_>, &Objects<'_>)) -> Option<Step> {
    let text = task.wanted.text("table", table)?;
    let name = written(task.wanted, "table", table);
    let fresh = Flavor::Sqlite.ident(&format!("{}__new", bare(table)));
    let made = with_name(text, &fresh)?;
    let there: BTreeMap<&str, _> = found.columns(table).into_iter().collect();
    let (mut into, mut from, mut says) = (Vec::new(), Vec::new(), Vec::new());
    for (column, properties) in wanted.columns(table) {
        if properties.contains_key("generated") {
            continue;
        }
        let (old, stand_in) = (column_written(task.wanted, table, column), stand_in(properties));
        let must = properties.contains_key("not null") && !is_rowid(wanted, table, column);
        match there.get(column) {
            Some(now) if must && !now.contains_key("not null") && task.care == Care::Yielding => {
                says.push(format!("{column}: where it is NULL now, {stand_in} is put in its place"));
                from.push(format!("coalesce({}, {stand_in})", column_written(task.found, table, column)));
            }
            Some(_) => from.push(column_written(task.found, table, column)),
            None if must && !properties.contains_key("default") => {
                says.push(format!(
                    "{column}: its values are gone, and {stand_in} stands in their place, as it may not be NULL"
                ));
                from.push(stand_in);
            }
            None => continue,
        }
        into.push(old);
    }
    let now = written(task.found, "table", table);
    let mut statements = vec![made];
    if !into.is_empty() {
        statements.push(format!("INSERT INTO {fresh} ({}) SELECT {} FROM {now}", into.join(", "), from.join(", ")));
    }
    statements.push(format!("DROP TABLE {now}"));
    statements.push(format!("ALTER TABLE {fresh} RENAME TO {name}"));
    Some(Step { ways: vec![statements], says })
}

fn is_rowid(objects: &Objects<'_>, table: &str, column: &str) -> bool {
    let key = objects.get("constraint", &format!("{table}.primary key"));
    let is_integer =
        objects.get("column", column).and_then(|one| one.get("type")).is_some_and(|kind| *kind == "INTEGER");
    is_integer && key.and_then(|key| key.get("columns")).is_some_and(|columns| *columns == own(column))
}

/// A value for a column that wants one, where nobody knows which: its default, or what its type holds nothing as.
fn stand_in(properties: &BTreeMap<&str, &str>) -> String {
    if let Some(default) = properties.get("default") {
        return format!("({default})");
    }
    let kind = properties.get("type").copied().unwrap_or_default();
    let is = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    let value = match () {
        () if is(&["INT"]) => "0",
        () if is(&["CHAR", "CLOB", "TEXT"]) || kind.is_empty() => "''",
        () if is(&["BLOB"]) => "x''",
        () if is(&["DATETIME", "TIMESTAMP"]) => "'1970-01-01 00:00:00'",
        () if is(&["DATE"]) => "'1970-01-01'",
        () if is(&["JSON"]) => "'{}'",
        () => "0",
    };
    value.to_owned()
}

/// Where an object's name stands in the text that makes it.
fn name_token(text: &str) -> Option<Token> {
    let all: Vec<Token> = tokens(text, Flavor::Sqlite).filter(Token::is_significant).collect();
    let mut at = 1 + all.iter().position(|token| WHOLE.iter().any(|kind| token.is_word(text, kind)))?;
    if all.get(at)?.is_word(text, "if") {
        at += 3;
    }
    if all.get(at + 1).is_some_and(|token| token.is_symbol(text, ".")) {
        at += 2;
    }
    all.get(at).cloned()
}

fn with_name(text: &str, name: &str) -> Option<String> {
    let token = name_token(text)?;
    Some([&text[..token.span.start], name, &text[token.span.end..]].concat())
}

/// An object's name as its author wrote it.
fn written(schema: &Schema, kind: &str, object: &str) -> String {
    let text = schema.text(kind, object);
    let token = text.and_then(|text| Some(name_token(text)?.text(text).to_owned()));
    token.unwrap_or_else(|| object.to_owned())
}

/// A column's name as its author wrote it.
fn column_written(schema: &Schema, table: &str, column: &str) -> String {
    let name = bare(own(column));
    let Some(text) = schema.text("table", table) else { return own(column).to_owned() };
    let mut depth = 0_usize;
    let mut is_first = false;
    for token in tokens(text, Flavor::Sqlite).filter(Token::is_significant) {
        let is_named = || token.name(text, Flavor::Sqlite).is_some_and(|written| written == name);
        if depth == 1 && is_first && token.kind != TokenKind::Symbol && is_named() {
            return token.text(text).to_owned();
        }
        is_first = false;
        match token.text(text) {
            "(" => {
                depth += 1;
                is_first = depth == 1;
            }
            ")" => depth = depth.saturating_sub(1),
            "," => is_first = depth == 1,
            _ => {}
        }
    }
    own(column).to_owned()
}
