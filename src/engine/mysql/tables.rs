//! Tables as rows must fit into them, from the lines of a snapshot.
//!
//! SHOW CREATE says all that `columns.sql` and `foreign_keys.sql` ask information_schema for, and a snapshot holds it already:
//! 0.05 ms instead of 2 for a table on MariaDB 10.11. MySQL writes expressions otherwise in the two, so it is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::cut::{pieces, unit, unquoted};
use crate::rows::{Column, ForeignKey, Table};
use crate::snapshot::{Line, Snapshot};
use crate::sql::Flavor;

/// The base tables among these groups of a schema of MariaDB's.
pub fn of(schema: &Snapshot, groups: &BTreeSet<String>) -> Vec<Table> {
    groups.iter().filter_map(|group| table(group, schema.group(group)?)).collect()
}

fn table(name: &str, lines: &[Line]) -> Option<Table> {
    lines.iter().find(|line| line.kind == "table" && line.property.is_empty())?;
    let parts = Parts::of(name, lines);
    let (checks, unique) = (parts.checks(), parts.unique());
    let mut columns: Vec<(usize, Column)> = parts
        .of_kind("column")
        .map(|(part, said)| {
            let position = said.get("~position").and_then(|rank| rank.parse().ok()).unwrap_or(usize::MAX);
            let keys = unique.iter().filter(|(_, columns)| columns.iter().any(|column| column == part));
            let keys = keys.map(|(key, _)| (*key).to_owned()).collect();
            (position, Column { keys, checks: checks.clone(), ..column(part, said, &checks) })
        })
        .collect();
    columns.sort_by_key(|(position, _)| *position);
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let keys = parts.of_kind("constraint").filter(|(_, said)| said.get("") == Some(&"foreign key"));
    let foreign_keys = keys.filter_map(|(part, said)| foreign_key(part, said)).collect();
    Some(Table { group: name.to_owned(), name: name.to_owned(), columns, foreign_keys, ..Table::default() })
}

/// Properties and their values.
type Said<'a> = BTreeMap<&'a str, &'a str>;

/// What belongs to a table, by kind and name.
struct Parts<'a>(BTreeMap<(&'a str, &'a str), Said<'a>>);

impl<'a> Parts<'a> {
    fn of(table: &str, lines: &'a [Line]) -> Parts<'a> {
        let mut parts: BTreeMap<(&str, &str), Said<'a>> = BTreeMap::new();
        for line in lines {
            if let Some(part) = line.object.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) {
                parts.entry((&line.kind, part)).or_default().insert(&line.property, &line.value);
            }
        }
        Parts(parts)
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&'a str, &Said<'a>)> {
        self.0.iter().filter(move |((of, _), _)| *of == kind).map(|((_, part), said)| (*part, said))
    }

    /// Periods of the user's own, with their two columns.
    fn periods(&self) -> impl Iterator<Item = (&'a str, Vec<String>)> {
        let listed = |said: &Said<'a>| names(said.get("columns").copied().unwrap_or_default());
        let own = self.of_kind("period").filter(|(part, _)| !part.eq_ignore_ascii_case("system_time"));
        own.map(move |(part, said)| (part, listed(said)))
    }

    fn checks(&self) -> Vec<String> {
        let own = self.of_kind("column").filter_map(|(_, said)| said.get("check"));
        let named = self.of_kind("constraint").filter(|(_, said)| said.get("") == Some(&"check"));
        let named = named.filter_map(|(_, said)| said.get("definition"));
        let ends =
            |columns: Vec<String>| columns.iter().map(|name| Flavor::Mysql.ident(name)).collect::<Vec<_>>().join(" < ");
        own.chain(named)
            .map(|check| bare(check).to_owned())
            .chain(self.periods().map(|(_, columns)| ends(columns)))
            .collect()
    }

    /// Unique keys and the columns in each.
    fn unique(&self) -> Vec<(&'a str, Vec<String>)> {
        let periods: BTreeMap<&str, Vec<String>> = self.periods().collect();
        let unique = self.of_kind("index").filter(|(_, said)| matches!(said.get(""), Some(&"primary key" | &"unique")));
        let columns = |said: &Said<'a>| -> Vec<String> {
            let listed = names(said.get("columns").copied().unwrap_or_default());
            let of_period = |name: String| periods.get(name.as_str()).cloned().unwrap_or_else(|| vec![name]);
            listed.into_iter().flat_map(of_period).collect()
        };
        unique.map(|(part, said)| (part, columns(said))).collect()
    }
}

fn column(name: &str, said: &Said<'_>, checks: &[String]) -> Column {
    let get = |property: &str| said.get(property).copied();
    let type_text = get("type").unwrap_or_default();
    let (kind, inside) = match type_text.split_once('(') {
        Some((kind, rest)) => (kind, rest.rsplit_once(')').map(|(inside, _)| inside)),
        None => (type_text.split(' ').next().unwrap_or_default(), None),
    };
    let is_json = || checks.iter().any(|check| check.contains(&format!("json_valid(`{name}`)")));
    let labels = match kind {
        "enum" | "set" => pieces(inside.unwrap_or_default(), |ch| ch == ',').into_iter().map(label).collect(),
        _ => Vec::new(),
    };
    let (length, scale) = sizes(kind, inside, type_text.contains("unsigned"), &labels);
    let has_default = get("default").is_some_and(|value| value != "NULL");
    Column {
        name: name.to_owned(),
        family: family(kind, is_json).to_owned(),
        type_text: type_text.to_owned(),
        length,
        scale,
        nullable: get("nullable") != Some("no"),
        has_default: has_default || get("attributes").is_some_and(|words| words.contains("AUTO_INCREMENT")),
        computed: get("generated").is_some(),
        labels,
        ..Column::default()
    }
}

fn family(kind: &str, is_json: impl Fn() -> bool) -> &str {
    match kind {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => "integer",
        "decimal" => "number",
        "float" | "double" => "float",
        "longtext" if is_json() => "json",
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => "text",
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => "bytes",
        "date" | "time" | "year" | "enum" | "set" | "uuid" | "point" => kind,
        "datetime" | "timestamp" => "timestamp",
        "bit" => "bits",
        "inet4" | "inet6" => "inet",
        _ => "other",
    }
}

/// Longest text, or digits of a number, and digits behind its point; as information_schema has them.
fn sizes(kind: &str, inside: Option<&str>, is_unsigned: bool, labels: &[String]) -> (Option<u32>, Option<u32>) {
    let mut numbers = inside.unwrap_or_default().split(',').map(|number| number.trim().parse().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    let letters = |label: &String| u32::try_from(label.chars().count()).unwrap_or(u32::MAX);
    match kind {
        "tinyint" => (Some(3), Some(0)),
        "smallint" => (Some(5), Some(0)),
        "mediumint" => (Some(if is_unsigned { 8 } else { 7 }), Some(0)),
        "int" => (Some(10), Some(0)),
        "bigint" => (Some(if is_unsigned { 20 } else { 19 }), Some(0)),
        "decimal" => (first, second.or(Some(0))),
        "float" => (first.or(Some(12)), second),
        "double" => (first.or(Some(22)), second),
        "bit" => (first, None),
        "char" | "varchar" | "binary" | "varbinary" => (first, None),
        "tinytext" | "tinyblob" => (Some(255), None),
        "text" | "blob" => (Some(65_535), None),
        "mediumtext" | "mediumblob" => (Some(16_777_215), None),
        "longtext" | "longblob" => (Some(u32::MAX), None),
        "enum" => (labels.iter().map(letters).max(), None),
        "set" => {
            let commas = u32::try_from(labels.len().saturating_sub(1)).unwrap_or(u32::MAX);
            (Some(labels.iter().map(letters).sum::<u32>() + commas), None)
        }
        _ => (None, None),
    }
}

/// `'it''s'` without its quotes.
fn label(text: &str) -> String {
    let text = text.trim();
    let inside = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    inside.unwrap_or(text).replace("''", "'")
}

fn foreign_key(name: &str, said: &Said<'_>) -> Option<ForeignKey> {
    let words = pieces(said.get("options")?, char::is_whitespace);
    let [_, to, to_columns, ..] = words.as_slice() else { return None };
    let parts: Vec<String> = pieces(to, |ch| ch == '.').into_iter().map(unquoted).collect();
    let (to_table, to_schema) = (parts.last()?.clone(), (parts.len() > 1).then(|| parts[0].clone()));
    let pairs = names(said.get("definition")?).into_iter().zip(names(to_columns)).collect();
    Some(ForeignKey { name: name.to_owned(), to_schema, to_table, pairs, ..ForeignKey::default() })
}

/// The columns in ``(`a`,`b`(10) DESC)``.
fn names(list: &str) -> Vec<String> {
    let pieces = pieces(bare(list), |ch| ch == ',').into_iter().map(str::trim);
    pieces.filter(|piece| piece.starts_with('`')).map(|piece| unquoted(&piece[..unit(piece)])).collect()
}

/// What stands between the brackets around all of it.
fn bare(text: &str) -> &str {
    text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text)
}
