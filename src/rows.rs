//! Tables as rows must fit into them: columns, keys and foreign keys, as the engine's catalog told them.
//!
//! A down that only fails, or only loses, with data is caught by rows alone. What such rows look like (`values.rs`),
//! and whether they came back (`data.rs`), is decided from these plain values and from nothing else, so that it can be
//! tested without a database.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::sql::Flavor;

/// What an engine's `columns` text gives, in this order, ordered by schema, table and position. Base tables only, without
/// our own and what an extension owns.
pub const COLUMNS: &[&str] = &[
    "schema", // NULL where the engine has none
    "table", "column", "family",   // one of FAMILIES
    "type",     // the engine's own text of the whole type
    "length",   // longest text in characters, or digits of a number; NULL: none
    "scale",    // digits behind the point; NULL: none
    "nullable", // 1 or 0
    "default",  // 1 or 0
    "computed", // 1: cannot be written (generated, identity always)
    "keys",     // names of the unique keys (primary key too) it is part of, joined by a comma; NULL: none
    "labels",   // labels of an enum or set, joined by a line feed; NULL: none
    "checks",   // CHECK expressions of the table (and of the column's domain), joined by a line feed; NULL: none
    "group",    // key of the table's group in a snapshot
];

/// Families of types that rows are made for.
pub const FAMILIES: &[&str] = &[
    "integer",
    "number",
    "float",
    "text",
    "boolean",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "bytes",
    "enum",
    "set",
    "array",
    "inet",
    "cidr",
    "macaddr",
    "bits",
    "year",
    "xml",
    "range",
    "point",
    "tsvector",
    "other",
];

/// What an engine's `foreign_keys` text gives, in this order, ordered by schema, table, name and position in the key.
pub const FOREIGN_KEYS: &[&str] = &["schema", "table", "name", "column", "to_schema", "to_table", "to_column"];

/// A base table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Key of its group in a snapshot.
    pub group: String,
    pub schema: Option<String>,
    pub name: String,
    pub columns: Vec<Column>,
    /// Keys of this table that refer to others, or to itself.
    pub foreign_keys: Vec<ForeignKey>,
    pub titled: Titled,
}

/// A title that was made once, since it is asked for often; no part of what it is the title of.
#[derive(Clone, Debug, Default)]
pub struct Titled(OnceLock<String>);

impl PartialEq for Titled {
    fn eq(&self, _: &Titled) -> bool {
        true
    }
}

impl Eq for Titled {}

impl Titled {
    fn of(&self, schema: Option<&str>, name: &str) -> &str {
        self.0.get_or_init(|| match schema {
            Some(schema) => format!("{schema}.{name}"),
            None => name.to_owned(),
        })
    }
}

/// A column, as [`COLUMNS`] tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub family: String,
    pub type_text: String,
    pub length: Option<u32>,
    pub scale: Option<u32>,
    pub nullable: bool,
    pub has_default: bool,
    pub computed: bool,
    pub keys: Vec<String>,
    pub labels: Vec<String>,
    pub checks: Vec<String>,
}

/// A foreign key of a table, as [`FOREIGN_KEYS`] tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignKey {
    pub name: String,
    pub to_schema: Option<String>,
    pub to_table: String,
    /// Own column and the column it refers to, in the key's order; never empty.
    pub pairs: Vec<(String, String)>,
    pub titled: Titled,
}

impl Table {
    /// The name as people read it, and by which tables are told apart: `public.users`, or `users` without a schema.
    pub fn title(&self) -> &str {
        self.titled.of(self.schema.as_deref(), &self.name)
    }

    /// The name in lower case.
    pub fn lower(&self) -> Cow<'_, str> {
        let is_lower = self.name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        if is_lower { Cow::Borrowed(&self.name) } else { Cow::Owned(self.name.to_lowercase()) }
    }

    /// The name as SQL has it.
    pub fn quoted(&self, flavor: Flavor) -> String {
        quoted(flavor, self.schema.as_deref(), &self.name)
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the key refers to this table itself.
    pub fn is_own(&self, key: &ForeignKey) -> bool {
        key.title() == self.title()
    }

    /// Whether a row may leave the key open, because one of its columns may be NULL.
    fn may_wait(&self, key: &ForeignKey) -> bool {
        key.pairs.iter().any(|(own, _)| self.column(own).is_some_and(|column| column.nullable))
    }
}

impl ForeignKey {
    /// Title of the table that is referred to.
    pub fn title(&self) -> &str {
        self.titled.of(self.to_schema.as_deref(), &self.to_table)
    }

    /// That table's name as SQL has it.
    pub fn quoted(&self, flavor: Flavor) -> String {
        quoted(flavor, self.to_schema.as_deref(), &self.to_table)
    }
}

fn quoted(flavor: Flavor, schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{}.{}", flavor.ident(schema), flavor.ident(name)),
        None => flavor.ident(name),
    }
}

/// Puts the rows of an engine's `columns` and `foreign_keys` texts together, in their order. A foreign key of a table
/// that has no columns there (a view, our own, an extension's) is left out.
pub fn tables(columns: &[Row], foreign_keys: &[Row]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for row in columns {
        let schema = cell(row, 0).map(str::to_owned);
        let name = cell(row, 1).unwrap_or_default();
        if tables.last().is_none_or(|last| last.name != name || last.schema != schema) {
            let group = cell(row, 13).unwrap_or_default().to_owned();
            tables.push(Table { group, schema, name: name.to_owned(), ..Table::default() });
        }
        if let Some(table) = tables.last_mut() {
            table.columns.push(column(row));
        }
    }
    let name = |table: &Table| (table.schema.clone(), table.name.clone());
    let places: BTreeMap<(Option<String>, String), usize> =
        tables.iter().enumerate().map(|(at, table)| (name(table), at)).collect();
    for row in foreign_keys {
        let owner = (cell(row, 0).map(str::to_owned), cell(row, 1).unwrap_or_default().to_owned());
        let Some(&at) = places.get(&owner) else { continue };
        add_key(&mut tables[at].foreign_keys, row);
    }
    tables
}

/// A row of optional text, as an engine's session gives it.
type Row = Vec<Option<String>>;

fn cell(row: &Row, at: usize) -> Option<&str> {
    row.get(at).and_then(Option::as_deref)
}

fn column(row: &Row) -> Column {
    let text = |at| cell(row, at).unwrap_or_default().to_owned();
    let number = |at| cell(row, at).and_then(|text| text.parse().ok());
    let flag = |at| cell(row, at) == Some("1");
    let list = |at, mark| -> Vec<String> {
        cell(row, at).map(|text| text.split(mark).map(str::to_owned).collect()).unwrap_or_default()
    };
    Column {
        name: text(2),
        family: text(3),
        type_text: text(4),
        length: number(5),
        scale: number(6),
        nullable: flag(7),
        has_default: flag(8),
        computed: flag(9),
        keys: list(10, ','),
        labels: list(11, '\n'),
        checks: list(12, '\n'),
    }
}

fn add_key(keys: &mut Vec<ForeignKey>, row: &Row) {
    let text = |at| cell(row, at).unwrap_or_default().to_owned();
    if keys.last().is_none_or(|last| last.name != text(2)) {
        let to_schema = cell(row, 4).map(str::to_owned);
        keys.push(ForeignKey { name: text(2), to_schema, to_table: text(5), ..ForeignKey::default() });
    }
    if let Some(key) = keys.last_mut() {
        key.pairs.push((text(3), text(6)));
    }
}

/// A table in its turn, with the names of the foreign keys that cannot be met yet, because what they refer to comes
/// later or is the table itself.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    pub table: &'a Table,
    pub waiting: BTreeSet<String>,
}

/// The order in which tables can be filled: what is referred to comes first, names decide between equals. A cycle is
/// broken at a table whose keys into the cycle may be NULL; where there is none, at the first by name. Tables that are
/// referred to but not given count as filled.
pub fn order<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Vec<Turn<'a>> {
    let by_title: BTreeMap<String, &Table> =
        tables.into_iter().map(|table| (table.title().to_owned(), table)).collect();
    let mut open: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut children: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, table) in &by_title {
        let parents = table.foreign_keys.iter().map(ForeignKey::title);
        let parents: BTreeSet<String> =
            parents.filter(|to| to != name && by_title.contains_key(*to)).map(str::to_owned).collect();
        for parent in &parents {
            children.entry(parent.clone()).or_default().push(name.clone());
        }
        open.insert(name.clone(), parents);
    }
    let mut ready: BTreeSet<String> =
        open.iter().filter(|(_, to)| to.is_empty()).map(|(name, _)| name.clone()).collect();
    let mut turns = Vec::with_capacity(by_title.len());
    while let Some(name) = ready.pop_first().or_else(|| weakest(&open, &by_title)) {
        let Some(unmet) = open.remove(&name) else { continue };
        let table = by_title[&name];
        let waits = |key: &&ForeignKey| table.is_own(key) || unmet.contains(key.title());
        let waiting = table.foreign_keys.iter().filter(waits).map(|key| key.name.clone()).collect();
        turns.push(Turn { table, waiting });
        for child in children.get(&name).into_iter().flatten() {
            let Some(parents) = open.get_mut(child) else { continue };
            parents.remove(&name);
            if parents.is_empty() {
                ready.insert(child.clone());
            }
        }
    }
    turns
}

/// Where a cycle is broken: the first table whose open keys may all be NULL, else the first.
fn weakest(open: &BTreeMap<String, BTreeSet<String>>, tables: &BTreeMap<String, &Table>) -> Option<String> {
    let yields = |(name, unmet): &(&String, &BTreeSet<String>)| {
        let table = tables[*name];
        table.foreign_keys.iter().filter(|key| unmet.contains(key.title())).all(|key| table.may_wait(key))
    };
    open.iter().find(yields).or_else(|| open.iter().next()).map(|(name, _)| name.clone())
}

/// Whether a script's words say what it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Every table it can touch is named in it, or hangs on one by a foreign key.
    Clear,
    /// It may touch anything (`DO`, `CALL`, `EXECUTE`, functions, views that can be written through).
    Opaque,
}

/// The tables whose rows a script can touch: those it names (without regard to case and schema), and what refers to
/// them by foreign keys, transitively, since deletes and updates cascade. All of them when the script is opaque or when
/// one of these tables is in `triggered` (titles of tables that have triggers).
pub fn scope<'a>(
    tables: &'a [Arc<Table>],
    names: &BTreeSet<String>,
    triggered: &BTreeSet<String>,
    sight: Sight,
) -> Vec<&'a Arc<Table>> {
    if sight == Sight::Opaque {
        return tables.iter().collect();
    }
    let names: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let named = |table: &&Arc<Table>| names.contains(table.lower().as_ref());
    let mut reached: BTreeSet<&str> = tables.iter().filter(named).map(|table| table.title()).collect();
    loop {
        let refers = |table: &&Arc<Table>| table.foreign_keys.iter().any(|key| reached.contains(key.title()));
        let more: Vec<&str> = tables.iter().filter(refers).map(|table| table.title()).collect();
        let before = reached.len();
        reached.extend(more);
        if reached.len() == before {
            break;
        }
    }
    if triggered.iter().any(|title| reached.iter().any(|table| table.eq_ignore_ascii_case(title))) {
        return tables.iter().collect();
    }
    tables.iter().filter(|table| reached.contains(table.title())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, keys: &[(&str, &str, bool)]) -> Table {
        let column = |(_, column, nullable): &(&str, &str, bool)| Column {
            name: (*column).to_owned(),
            nullable: *nullable,
            ..Column::default()
        };
        let key = |(to, column, _): &(&str, &str, bool)| ForeignKey {
            name: format!("{name}_{column}"),
            to_schema: None,
            to_table: (*to).to_owned(),
            pairs: vec![((*column).to_owned(), "id".to_owned())],
            ..ForeignKey::default()
        };
        Table {
            name: name.to_owned(),
            columns: keys.iter().map(column).collect(),
            foreign_keys: keys.iter().map(key).collect(),
            ..Table::default()
        }
    }

    fn names(turns: &[Turn<'_>]) -> Vec<String> {
        turns.iter().map(|turn| turn.table.name.clone()).collect()
    }

    fn row(cells: &[&str]) -> Row {
        cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect()
    }

    #[test]
    fn rows_of_the_catalog_become_tables() {
        let columns = [
            row(&["public", "users", "id", "integer", "bigint", "", "", "0", "1", "0", "users_pkey", "", "", "1"]),
            row(&["public", "users", "kind", "enum", "kind", "", "", "1", "0", "0", "", "a\nb", "x\ny", "1"]),
            row(&["public", "posts", "user_id", "integer", "bigint", "19", "0", "0", "0", "0", "a,b", "", "", "2"]),
        ];
        let keys = [
            row(&["public", "posts", "fk", "user_id", "public", "users", "id"]),
            row(&["public", "view", "fk", "user_id", "public", "users", "id"]),
        ];
        let tables = tables(&columns, &keys);
        assert_eq!(tables.iter().map(Table::title).collect::<Vec<_>>(), ["public.users", "public.posts"]);
        assert!(tables[0].columns[0].has_default && !tables[0].columns[0].nullable);
        assert_eq!(tables[0].columns[1].labels, ["a", "b"]);
        assert_eq!(tables[0].columns[1].checks, ["x", "y"]);
        assert_eq!(tables[1].columns[0].keys, ["a", "b"]);
        assert_eq!(tables[1].columns[0].length, Some(19));
        assert_eq!(tables[1].foreign_keys[0].pairs, [("user_id".to_owned(), "id".to_owned())]);
    }

    #[test]
    fn parents_come_first_and_names_decide() {
        let tables = [table("a", &[("z", "z_id", false)]), table("b", &[]), table("z", &[])];
        assert_eq!(names(&order(&tables)), ["b", "z", "a"]);
    }

    #[test]
    fn a_cycle_is_broken_where_a_key_may_be_null() {
        let tables = [
            table("a", &[("b", "b_id", false)]),
            table("b", &[("a", "a_id", true), ("b", "self_id", true)]),
            table("c", &[("a", "a_id", false)]),
        ];
        let turns = order(&tables);
        assert_eq!(names(&turns), ["b", "a", "c"]);
        assert_eq!(turns[0].waiting, BTreeSet::from(["b_a_id".to_owned(), "b_self_id".to_owned()]));
        assert!(turns[1].waiting.is_empty());
    }

    #[test]
    fn a_cycle_without_a_way_out_still_ends() {
        let tables = [table("a", &[("b", "b_id", false)]), table("b", &[("a", "a_id", false)])];
        assert_eq!(names(&order(&tables)), ["a", "b"]);
    }

    #[test]
    fn scope_follows_cascades_and_gives_up_on_triggers() {
        let tables = [
            table("users", &[]),
            table("posts", &[("users", "user_id", false)]),
            table("tags", &[("posts", "post_id", false)]),
            table("other", &[]),
        ]
        .map(Arc::new);
        let of = |words: &[&str], triggered: &[&str], sight| {
            let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
            scope(&tables, &set(words), &set(triggered), sight).len()
        };
        assert_eq!(of(&["USERS", "delete"], &["other"], Sight::Clear), 3);
        assert_eq!(of(&["tags"], &[], Sight::Clear), 1);
        assert_eq!(of(&["users"], &["tags"], Sight::Clear), 4);
        assert_eq!(of(&[], &[], Sight::Opaque), 4);
    }
}
