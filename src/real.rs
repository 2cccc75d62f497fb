//! Real rows: how they are read out of a database as text, and put into a shadow again.
//!
//! A sample holds rows of some tables and whatever these refer to, masked. A table of a shadow takes them where it has the same
//! columns. All SQL of it is made here, from the catalog's own words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::Id;
use crate::rows::{Column, ForeignKey, Table};
use crate::sql::Flavor;

/// A row of a table: the texts that [`select`] gives, in the order of [`written`].
pub type Row = Vec<Option<String>>;

/// Rows out of a database.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The database, as a user named it.
    pub name: String,
    /// By title of the table.
    pub tables: BTreeMap<String, Taken>,
}

/// Real rows for a verification.
#[derive(Clone, Debug)]
pub struct Real {
    pub sample: Arc<Sample>,
    /// What is applied where they come from: the ups of these have been there before the rows.
    pub applied: BTreeSet<Id>,
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub struct Taken {
    pub table: Arc<Table>,
    pub rows: Vec<Row>,
}

impl Sample {
    /// The rows for a table of the shadow, where it has the same columns.
    pub fn rows_for(&self, table: &Table) -> Option<&Taken> {
        self.tables.get(table.title()).filter(|taken| !taken.rows.is_empty() && is_like(&taken.table, table))
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.tables.values().map(|taken| taken.rows.len()).sum()
    }
}

/// Whether rows of one table can be rows of the other: the same columns, of the same types.
fn is_like(one: &Table, other: &Table) -> bool {
    let same = |column: &Column| {
        other.column(&column.name).is_some_and(|like| {
            (&like.type_text, like.computed) == (&column.type_text, column.computed)
                // Those of a boolean (SQLite) are its default's, which says nothing of what it can hold.
                && (like.labels == column.labels || like.family == "boolean")
        })
    };
    one.columns.len() == other.columns.len() && one.columns.iter().all(same)
}

/// The columns that a row can say itself. An identity that PostgreSQL always makes can be overridden; what is computed cannot.
pub fn written(table: &Table, flavor: Flavor) -> impl Iterator<Item = &Column> {
    let is_identity = move |column: &Column| flavor == Flavor::Postgres && column.has_default;
    table.columns.iter().filter(move |column| !column.computed || is_identity(column))
}

/// A column as text that [`literal`] makes the same value of, whatever the session's settings are.
fn expression(column: &Column, flavor: Flavor) -> String {
    let name = flavor.ident(&column.name);
    match flavor {
        Flavor::Sqlite => format!("quote({name})"),
        Flavor::Postgres if column.type_text == "money" => format!("{name}::numeric::text"),
        Flavor::Postgres => format!("{name}::text"),
        Flavor::Mysql => match column.family.as_str() {
            _ if is_raw(column) => format!("HEX({name})"),
            "bits" => format!("BIN({name} + 0)"),
            // FLOAT shows six digits of what it holds.
            "float" => format!("CAST({name} + 0e0 AS CHAR)"),
            _ => format!("CAST({name} AS CHAR)"),
        },
    }
}

/// MySQL's bytes, vectors and shapes, which go there and back as hexadecimal digits.
fn is_raw(column: &Column) -> bool {
    let kind = column.type_text.to_lowercase();
    let shapes = ["point", "linestring", "polygon", "geom", "multipoint", "multilinestring", "multipolygon"];
    column.family == "bytes" || kind.starts_with("vector") || shapes.iter().any(|known| kind.starts_with(known))
}

/// A text of [`select`] as SQL.
pub fn literal(column: &Column, flavor: Flavor, raw: Option<&str>) -> String {
    let Some(raw) = raw else { return "NULL".to_owned() };
    let is_number = matches!(column.family.as_str(), "integer" | "number" | "float" | "year");
    match flavor {
        Flavor::Sqlite => raw.to_owned(),
        Flavor::Mysql if is_raw(column) => format!("x'{raw}'"),
        Flavor::Mysql if column.family == "bits" => format!("b'{raw}'"),
        // A text would be compared with a number as floats are.
        Flavor::Mysql if is_number && raw.parse::<f64>().is_ok_and(f64::is_finite) => raw.to_owned(),
        Flavor::Mysql | Flavor::Postgres => flavor.literal(raw),
    }
}

/// Reads rows of a table; `rest` is what comes behind its name.
fn select(table: &Table, flavor: Flavor, rest: &str) -> String {
    let columns: Vec<String> = written(table, flavor).map(|column| expression(column, flavor)).collect();
    let columns = if columns.is_empty() { "NULL".to_owned() } else { columns.join(", ") };
    format!("SELECT {columns} FROM {}{rest}", table.quoted(flavor))
}

/// Reads up to `count` rows: half of them from each end of the table's key, so that old and new ones are met and the same
/// again next time; the first that come where there is none; all where there is no count.
pub fn spread(table: &Table, flavor: Flavor, count: Option<usize>) -> Vec<String> {
    let Some(count) = count else { return vec![select(table, flavor, "")] };
    let key = key(table);
    if key.is_empty() {
        return vec![select(table, flavor, &format!(" LIMIT {count}"))];
    }
    let end = |way: &str, count: usize| {
        let order: Vec<String> = key.iter().map(|column| format!("{}{way}", flavor.ident(&column.name))).collect();
        select(table, flavor, &format!(" ORDER BY {} LIMIT {count}", order.join(", ")))
    };
    // The second half may hold the first one again where there are few.
    vec![end("", count - count / 2), end(" DESC", count / 2)]
}

/// The columns of the key that a row is told by: the primary one, else the narrowest that has no NULL.
pub fn key(table: &Table) -> Vec<&Column> {
    let mut keys: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
    for column in &table.columns {
        column.keys.iter().for_each(|key| keys.entry(key).or_default().push(column));
    }
    let usable = keys.into_iter().filter(|(_, columns)| columns.iter().all(|column| !column.nullable));
    let is_primary = |name: &str| {
        name == "PRIMARY" || name == "primary key" || name.ends_with("_pkey") || name.starts_with("sqlite_autoindex")
    };
    let best = usable.min_by_key(|(name, columns)| (!is_primary(name), columns.len(), *name));
    best.map(|(_, columns)| columns).unwrap_or_default()
}

/// Reads the rows that a foreign key leads to; `tuples` are SQL, in the order of the key's pairs.
pub fn referred(parent: &Table, flavor: Flavor, key: &ForeignKey, tuples: &[Vec<String>]) -> String {
    let columns: Vec<String> = key.pairs.iter().map(|(_, to)| flavor.ident(to)).collect();
    let test = |tuple: &Vec<String>| {
        let parts = columns.iter().zip(tuple).map(|(column, value)| format!("{column} = {value}"));
        format!("({})", parts.collect::<Vec<_>>().join(" AND "))
    };
    let tests: Vec<String> = match columns.as_slice() {
        [one] => vec![format!("{one} IN ({})", tuples.iter().flatten().cloned().collect::<Vec<_>>().join(", "))],
        _ => tuples.iter().map(test).collect(),
    };
    select(parent, flavor, &format!(" WHERE {}", tests.join(" OR ")))
}

/// An INSERT of rows that leaves alone what is there under the same key.
pub fn insert(taken: &Taken, flavor: Flavor, rows: &[&Row]) -> String {
    let columns: Vec<&Column> = written(&taken.table, flavor).collect();
    let names: Vec<String> = columns.iter().map(|column| flavor.ident(&column.name)).collect();
    let values = |row: &&Row| {
        let cells = columns.iter().zip(row.iter()).map(|(column, raw)| literal(column, flavor, raw.as_deref()));
        format!("({})", cells.collect::<Vec<_>>().join(", "))
    };
    let (table, rows) = (taken.table.quoted(flavor), rows.iter().map(values).collect::<Vec<_>>().join(", "));
    let into = format!("INSERT INTO {table} ({})", names.join(", "));
    match (flavor, names.first()) {
        (Flavor::Postgres, _) => format!("{into} OVERRIDING SYSTEM VALUE VALUES {rows} ON CONFLICT DO NOTHING"),
        (Flavor::Mysql, Some(first)) => format!("{into} VALUES {rows} ON DUPLICATE KEY UPDATE {first} = {first}"),
        _ => format!("{into} VALUES {rows} ON CONFLICT DO NOTHING"),
    }
}

/// Several INSERTs as one statement, at the end of which PostgreSQL looks at the foreign keys of all of them.
pub fn as_one(inserts: &[String]) -> String {
    let Some((last, first)) = inserts.split_last() else { return String::new() };
    let parts: Vec<String> = first.iter().enumerate().map(|(at, insert)| format!("part_{at} AS ({insert})")).collect();
    if parts.is_empty() { last.clone() } else { format!("WITH {} {last}", parts.join(", ")) }
}

/// Gives a row where a key of the table leads nowhere.
pub fn dangling(table: &Table, key: &ForeignKey, flavor: Flavor) -> String {
    format!("SELECT '1' {} LIMIT 1", leading_nowhere(table, key, flavor))
}

/// Counts the rows whose key leads nowhere.
pub fn orphans(table: &Table, key: &ForeignKey, flavor: Flavor) -> String {
    format!("SELECT count(*) {}", leading_nowhere(table, key, flavor))
}

fn leading_nowhere(table: &Table, key: &ForeignKey, flavor: Flavor) -> String {
    let column = |of: &str, name: &str| format!("{of}.{}", flavor.ident(name));
    let pairs = || key.pairs.iter();
    let on: Vec<String> = pairs().map(|(own, to)| format!("{} = {}", column("c", own), column("p", to))).collect();
    let held: Vec<String> = pairs().map(|(own, _)| format!("{} IS NOT NULL", column("c", own))).collect();
    let lost = pairs().next().map(|(_, to)| format!("{} IS NULL", column("p", to))).unwrap_or_default();
    format!(
        "FROM {} AS c LEFT JOIN {} AS p ON {} WHERE {} AND {lost}",
        table.quoted(flavor),
        key.quoted(flavor),
        on.join(" AND "),
        held.join(" AND ")
    )
}

/// The values with which a row fills a key, in the order of its pairs; `None` where one is NULL or not read.
pub fn tuple<'a>(taken: &Table, flavor: Flavor, row: &'a Row, key: &ForeignKey) -> Option<Vec<&'a str>> {
    let place = |own: &str| written(taken, flavor).position(|column| column.name == own);
    key.pairs.iter().map(|(own, _)| row.get(place(own)?)?.as_deref().filter(|raw| !is_null(flavor, raw))).collect()
}

/// Whether a text stands for NULL: SQLite says it in a word.
pub fn is_null(flavor: Flavor, raw: &str) -> bool {
    flavor == Flavor::Sqlite && raw == "NULL"
}
