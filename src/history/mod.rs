//! Histories: how the tables in which other tools keep what they have applied are read.
//!
//! A reader is given the rows of its tool's table and the migrations of the checkout, and says which of them are applied, in
//! which order, and what the tool tells of when and by whom. All readers are pure; what they cannot match or cannot believe
//! is a finding. Nothing of another tool is ever changed, and its tables are no part of the schema that is compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::fault::{Fault, Result};
use crate::finding::Finding;
use crate::id::Id;
use crate::migration::Migration;
use crate::snapshot::{Line, Snapshot};

mod checksums;
mod dbmate;
mod diesel;
mod flyway;
mod golang_migrate;
mod goose;
mod liquibase;
mod matching;
mod sqitch;
mod sql_migrate;
mod sqlx;

/// The family, in the order in which it is shown.
pub static HISTORIES: &[&dyn History] = &[
    &golang_migrate::GolangMigrate,
    &diesel::Diesel,
    &sqlx::Sqlx,
    &dbmate::Dbmate,
    &goose::Goose,
    &sql_migrate::SqlMigrate,
    &flyway::Flyway,
    &liquibase::Liquibase,
    &sqitch::Sqitch,
];

/// Tools whose tables are known by their names, and which nobody reads here.
const UNREAD: &[(&str, &str)] = &[
    ("refinery_schema_history", "refinery"),
    ("alembic_version", "Alembic"),
    ("atlas_schema_revisions", "Atlas"),
    ("_prisma_migrations", "Prisma"),
    ("play_evolutions", "Play"),
    ("django_migrations", "Django"),
];

/// One row of optional text, in the order of [`History::columns`].
pub type Row = Vec<Option<String>>;

/// How one tool keeps its history.
pub trait History: Sync {
    /// The word for `--from`.
    fn name(&self) -> &'static str;

    /// The tool, as messages name it.
    fn title(&self) -> &'static str;

    /// Whether a table with this name (in lower case) is the tool's; `has` tells its columns, in any case.
    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool;

    /// Further tables that the tool keeps beside it, in lower case.
    fn companions(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether the tool has a schema of its own for its tables, where the engine has schemas.
    fn owns_schema(&self) -> bool {
        false
    }

    /// The database (SQLite: the file, without its ending) in which the tool keeps its tables where they are not beside the
    /// user's own.
    fn apart(&self) -> Option<&'static str> {
        None
    }

    /// The columns that are read. One that the table does not have reads as NULL.
    fn columns(&self) -> &'static [&'static str];

    /// What the rows say of these migrations, which are given in their order. Rows come in any order.
    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading;
}

/// A migration that the tool has applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub id: Id,
    /// What the tool tells of it, such as `at 2026-01-05 09:00:00 by bob`; empty where it tells nothing.
    pub told: String,
}

/// What a history says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In the order in which they were applied, as far as the tool tells.
    pub taken: Vec<Taken>,
    /// Why it cannot be believed at all.
    pub refusals: Vec<Finding>,
    /// What does not fit, and needs a reason.
    pub doubts: Vec<Finding>,
}

/// A tool whose table was recognised.
#[derive(Clone, Copy)]
pub struct Tool {
    /// As messages name it.
    pub title: &'static str,
    /// `None`: its tables are not read here.
    pub reader: Option<&'static dyn History>,
}

/// The tool whose history table this is, by its name and columns.
pub fn tool_of(table: &str, columns: &[impl AsRef<str>]) -> Option<Tool> {
    let has = |name: &str| columns.iter().any(|column| column.as_ref().eq_ignore_ascii_case(name));
    let table = table.to_ascii_lowercase();
    let reader = HISTORIES.iter().copied().find(|history| history.recognises(&table, &has));
    let read = reader.map(|reader| Tool { title: reader.title(), reader: Some(reader) });
    let unread = || UNREAD.iter().find(|(name, _)| *name == table).map(|(_, title)| Tool { title, reader: None });
    read.or_else(unread)
}

/// The reader of a name, as `--from` gives it.
///
/// # Errors
/// A usage fault that lists the names.
pub fn by_name(name: &str) -> Result<&'static dyn History> {
    HISTORIES.iter().copied().find(|history| history.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<&str> = HISTORIES.iter().map(|history| history.name()).collect();
        Fault::usage(format!("the history of `{name}` is not read here")).help(format!("tools: {}", names.join(", ")))
    })
}

/// The schema without the tables in which other tools keep their history: they are no more part of it than our own.
pub fn without_histories(schema: Snapshot) -> Snapshot {
    let found = tables(&schema);
    if found.is_empty() {
        return schema;
    }
    let is_theirs = |line: &Line| found.iter().any(|owned| owned.holds(line));
    // An index or a sequence tells only in one of its lines whose it is.
    let dependent: BTreeSet<(&str, &str)> = schema
        .lines()
        .filter(|line| matches!(line.kind.as_str(), "index" | "sequence"))
        .filter(|line| found.iter().any(|owned| mentions(&line.value, &owned.name)))
        .map(|line| (line.kind.as_str(), line.object.as_str()))
        .collect();
    schema.filtered(|line| !is_theirs(line) && !dependent.contains(&(line.kind.as_str(), line.object.as_str())))
}

/// Whether one of these names may be that of a table in which a tool keeps its history.
pub fn may_name_one(names: &BTreeSet<String>) -> bool {
    let is_one = |name: &String| {
        let lower = name.to_ascii_lowercase();
        HISTORIES.iter().any(|history| history.recognises(&lower, &|_| true)) || tool_of(name, &[""; 0]).is_some()
    };
    names.iter().any(is_one)
}

/// A table, or a whole schema, of another tool.
struct Owned {
    /// As the snapshot names it.
    name: String,
}

impl Owned {
    fn holds(&self, line: &Line) -> bool {
        let within = |object: &str| object.strip_prefix(&*self.name).is_some_and(|rest| rest.starts_with('.'));
        match line.kind.as_str() {
            "grant" | "comment" => mentions(&line.object, &self.name),
            _ => line.object == self.name || within(&line.object),
        }
    }
}

/// Whether a text holds a name as a whole word, or as the first parts of a longer name.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |ch: char| ch.is_alphanumeric() || ch == '_' || ch == '$';
    text.match_indices(name).any(|(at, _)| {
        let (before, behind) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        !before.is_some_and(|ch| is_word(ch) || ch == '.') && !behind.is_some_and(is_word)
    })
}

/// The tables of other tools in a schema.
fn tables(schema: &Snapshot) -> Vec<Owned> {
    let mut found = Vec::new();
    let names: BTreeSet<&str> = schema.of_kind("table").map(|line| line.object.as_str()).collect();
    for object in &names {
        let (space, name) = split(object);
        let lower = name.to_ascii_lowercase();
        if !HISTORIES.iter().any(|history| history.recognises(&lower, &|_| true)) && tool_of(name, &[""; 0]).is_none() {
            continue;
        }
        let prefix = format!("{object}.");
        let own = schema.of_kind("column").filter(|line| line.object.starts_with(&prefix));
        let columns: BTreeSet<&str> = own.map(|line| bare(&line.object[prefix.len()..])).collect();
        let columns: Vec<&str> = columns.into_iter().collect();
        let Some(tool) = tool_of(name, &columns) else { continue };
        let Some(reader) = tool.reader else {
            found.push(Owned { name: (*object).to_owned() });
            continue;
        };
        if reader.owns_schema() && !matches!(space, "" | "public") {
            found.push(Owned { name: space.to_owned() });
            continue;
        }
        let is_companion = |other: &&&str| {
            let (beside, name) = split(other);
            beside == space && reader.companions().contains(&name.to_ascii_lowercase().as_str())
        };
        found.push(Owned { name: (*object).to_owned() });
        found.extend(names.iter().filter(is_companion).map(|other| Owned { name: (*other).to_owned() }));
    }
    found
}

/// A table's name as schema (empty where there is none) and its own, without quotes.
fn split(object: &str) -> (&str, &str) {
    let (space, name) = object.rsplit_once('.').unwrap_or(("", object));
    (space, bare(name))
}

fn bare(name: &str) -> &str {
    name.trim_matches(['"', '`'])
}

/// Rows by what makes them one thing, the last of each; for tools that tell the same migration more than once.
fn last_by<'a, K: Ord>(rows: impl IntoIterator<Item = (K, &'a Row)>) -> BTreeMap<K, &'a Row> {
    rows.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, object: &str, value: &str) -> Line {
        let text = str::to_owned;
        Line { kind: text(kind), object: text(object), property: String::new(), value: text(value) }
    }

    #[test]
    fn tools_are_told_apart_by_columns() {
        let title = |table: &str, columns: &[&str]| tool_of(table, columns).map(|tool| tool.title);
        assert_eq!(title("schema_migrations", &["version", "dirty"]), Some("golang-migrate"));
        assert_eq!(title("schema_migrations", &["VERSION"]), Some("dbmate or Rails"));
        assert_eq!(title("schema_migrations", &["id"]), None);
        assert_eq!(title("DATABASECHANGELOG", &["ID", "AUTHOR", "FILENAME"]), Some("Liquibase"));
        assert_eq!(title("changes", &["id", "what"]), None);
        assert_eq!(title("alembic_version", &["version_num"]), Some("Alembic"));
        assert_eq!(title("users", &["version", "dirty"]), None);
    }

    #[test]
    fn names_are_unique_and_found_again() {
        for history in HISTORIES {
            assert_eq!(by_name(history.name()).unwrap().name(), history.name());
        }
        assert!(by_name("flyweight").err().unwrap().parts().help.as_deref().unwrap().contains("sqitch"));
    }

    #[test]
    fn a_tools_tables_are_no_schema() {
        let mine = vec![
            line("table", "public.goose_db_versions", ""),
            line("column", "public.goose_db_versions.id", "int"),
            line("index", "public.mine", "CREATE INDEX mine ON public.goose_db_versions USING btree (id)"),
            line("schema", "public", ""),
        ];
        let theirs = vec![
            line("table", "public.goose_db_version", ""),
            line("column", "public.goose_db_version.id", "int"),
            line("column", "public.goose_db_version.version_id", "int"),
            line("constraint", "public.goose_db_version.goose_db_version_pkey", "PRIMARY KEY (id)"),
            line("index", "public.of_goose", "CREATE INDEX of_goose ON public.goose_db_version USING btree (id)"),
            line("sequence", "public.goose_db_version_id_seq", "public.goose_db_version.id"),
            line("grant", "select on table public.goose_db_version to PUBLIC", ""),
            line("schema", "sqitch", ""),
            line("table", "sqitch.changes", ""),
            line("column", "sqitch.changes.change_id", "text"),
            line("column", "sqitch.changes.script_hash", "text"),
            line("column", "sqitch.changes.project", "text"),
            line("table", "sqitch.anything", ""),
        ];
        let whole = Snapshot::new([mine.clone(), theirs].concat());
        assert_eq!(without_histories(whole), Snapshot::new(mine));
    }

    #[test]
    fn a_table_of_ones_own_with_a_tools_name_stays() {
        let own = Snapshot::new(vec![line("table", "changes", ""), line("column", "changes.what", "text")]);
        assert_eq!(without_histories(own.clone()), own);
    }
}
