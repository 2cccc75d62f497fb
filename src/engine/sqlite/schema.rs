//! The schema as lines, made from the texts that SQLite keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;

use super::ddl::{self, Rule, RuleKind, Table};
use super::lexer::Names;
use crate::draft::Definition;
use crate::snapshot::{Line, Snapshot};

/// One row of `schema.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    /// Row of the list; NULL for what is told of the file.
    id: Option<i64>,
    kind: String,
    name: String,
    table: Option<String>,
    text: Option<String>,
    /// Hash of all of it.
    print: Option<String>,
}

/// A schema as it was read, with what it was made of.
pub(super) struct Read {
    pub snapshot: Snapshot,
    ones: BTreeMap<i64, Arc<One>>,
}

/// An object: what its row says, and a table's text taken apart.
struct One {
    entry: Entry,
    table: Option<Table>,
    /// Its text means the same whatever else there is: no word in double quotes, no virtual table.
    is_plain: bool,
}

impl One {
    fn new(entry: Entry, names: &Names) -> One {
        let text = entry.text.as_deref().unwrap_or_default();
        let table = (entry.kind == "table").then(|| ddl::table(text, names));
        let is_plain = !text.contains('"') && !text.to_ascii_lowercase().contains("virtual");
        One { table, is_plain, entry }
    }

    fn text(&self) -> &str {
        self.entry.text.as_deref().unwrap_or_default()
    }

    /// The key of its group: the table or view that it belongs to.
    fn group(&self) -> &str {
        self.entry.table.as_deref().unwrap_or(&self.entry.name)
    }

    /// Tables whose primary keys it names without saying so.
    fn parents(&self) -> impl Iterator<Item = &str> {
        self.table.iter().flat_map(|table| &table.rules).filter_map(|rule| match &rule.kind {
            RuleKind::Foreign(_, parent, to) if to.is_empty() => Some(parent.as_str()),
            _ => None,
        })
    }
}

impl Read {
    /// Makes the snapshot of a whole schema; `None` where the rows do not even tell about the file.
    pub fn whole(entries: Vec<Entry>) -> Option<Read> {
        let (facts, entries): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.kind == "database");
        if facts.len() < 3 {
            return None;
        }
        let mut names: Names = Names::new();
        for entry in &entries {
            match entry.kind.as_str() {
                "view" => names.extend([entry.name.to_ascii_lowercase()]),
                "table" => names.extend(ddl::table_names(entry.text.as_deref().unwrap_or_default())),
                _ => {}
            }
        }
        let ones: BTreeMap<i64, Arc<One>> =
            entries.into_iter().filter_map(|entry| Some((entry.id?, Arc::new(One::new(entry, &names))))).collect();
        let mut lines = Lines::default();
        lines.object("database", "main");
        for fact in facts {
            lines.property("database", "main", &fact.name, fact.text.unwrap_or_default());
        }
        let keys = keys(&ones);
        ones.values().for_each(|one| lines.one(one, &keys, &names));
        Some(Read { snapshot: Snapshot::default().with(&BTreeSet::new(), lines.0), ones })
    }

    /// The texts of all objects, in the order in which they were made.
    pub fn definitions(&self) -> Vec<Definition> {
        let told = self.ones.values().map(|one| Definition {
            kind: one.entry.kind.clone(),
            object: ddl::said(&one.entry.name.to_ascii_lowercase()),
            text: one.text().to_owned(),
        });
        told.collect()
    }

    /// Rows that are new or other in a list of row, blank, hash, parted by commas; and those that are gone. `None` where the list
    /// cannot be read.
    pub fn apart(&self, list: &str) -> Option<(Vec<i64>, Vec<i64>)> {
        let mut fresh = Vec::new();
        let mut there = 0;
        let mut ids = BTreeSet::new();
        for item in list.split(',').filter(|item| !item.is_empty()) {
            let (id, print) = item.split_once(' ')?;
            let id = id.parse().ok()?;
            ids.insert(id);
            match self.ones.get(&id) {
                Some(one) if one.entry.print.as_deref() == Some(print) => there += 1,
                _ => fresh.push(id),
            }
        }
        let gone = if there == self.ones.len() {
            Vec::new()
        } else {
            self.ones.keys().copied().filter(|id| !ids.contains(id)).collect()
        };
        Some((fresh, gone))
    }

    /// The schema with some rows read again and some gone; `None` where all of it has to be read: what a word in double
    /// quotes means depends on all names that there are, and a virtual table hides others.
    pub fn again(&self, fresh: Vec<Entry>, gone: &[i64]) -> Option<Read> {
        let mut ones = self.ones.clone();
        let mut touched: BTreeSet<String> = BTreeSet::new();
        for id in gone {
            touched.extend(ones.remove(id).map(|one| one.group().to_owned()));
        }
        let names = Names::new();
        for entry in fresh {
            let id = entry.id?;
            let one = Arc::new(One::new(entry, &names));
            touched.insert(one.group().to_owned());
            touched.extend(ones.insert(id, one).map(|old| old.group().to_owned()));
        }
        if !ones.values().all(|one| one.is_plain) {
            return None;
        }
        let lower: BTreeSet<String> = touched.iter().map(|name| name.to_ascii_lowercase()).collect();
        let children = ones.values().filter(|one| one.parents().any(|parent| lower.contains(parent)));
        let children: Vec<String> = children.map(|one| one.group().to_owned()).collect();
        touched.extend(children);
        let keys = keys(&ones);
        let mut lines = Lines::default();
        ones.values().filter(|one| touched.contains(one.group())).for_each(|one| lines.one(one, &keys, &names));
        Some(Read { snapshot: self.snapshot.with(&touched, lines.0), ones })
    }

    /// The schema as it was before, sharing what is the same.
    pub fn sharing(self, before: &Snapshot) -> Read {
        Read { snapshot: before.shared(self.snapshot), ..self }
    }
}

/// The primary keys of all tables.
fn keys(ones: &BTreeMap<i64, Arc<One>>) -> HashMap<&str, &[String]> {
    ones.values().filter_map(|one| one.table.as_ref()).map(|table| (table.name.as_str(), primary(table))).collect()
}

/// Columns of a table's primary key.
fn primary(table: &Table) -> &[String] {
    let key = table.rules.iter().find_map(|rule| match &rule.kind {
        RuleKind::Primary(columns) => Some(columns.as_slice()),
        _ => None,
    });
    key.unwrap_or_default()
}

/// Lines with the keys of their groups; those of the file have none.
#[derive(Default)]
struct Lines(Vec<(String, Line)>);

impl Lines {
    fn one(&mut self, one: &One, keys: &HashMap<&str, &[String]>, names: &Names) {
        let from = self.0.len();
        let read: fn(&str, &Names) -> ddl::Other = match (&one.table, one.entry.kind.as_str()) {
            (Some(table), _) => {
                self.table(table, keys);
                return self.group(from, one.group());
            }
            (None, "index") => ddl::index,
            (None, "view") => ddl::view,
            (None, _) => ddl::trigger,
        };
        let other = read(one.text(), names);
        let object = ddl::said(&other.name);
        self.object(&one.entry.kind, &object);
        other
            .properties
            .into_iter()
            .for_each(|(property, value)| self.property(&one.entry.kind, &object, property, value));
        self.group(from, one.group());
    }

    /// Gives the lines from here on to a group.
    fn group(&mut self, from: usize, key: &str) {
        self.0[from..].iter_mut().for_each(|(group, _)| key.clone_into(group));
    }

    fn object(&mut self, kind: &str, object: &str) {
        self.property(kind, object, "", String::new());
    }

    fn property(&mut self, kind: &str, object: &str, property: &str, value: String) {
        let line = Line { kind: kind.to_owned(), object: object.to_owned(), property: property.to_owned(), value };
        self.0.push((String::new(), line));
    }

    fn table(&mut self, table: &Table, keys: &HashMap<&str, &[String]>) {
        let name = ddl::said(&table.name);
        self.object("table", &name);
        if let Some(module) = &table.module {
            self.property("table", &name, "virtual", module.clone());
        }
        table.options.iter().for_each(|option| self.property("table", &name, option, String::from("yes")));
        for (index, column) in table.columns.iter().enumerate() {
            let object = format!("{name}.{}", ddl::said(&column.name));
            self.object("column", &object);
            self.property("column", &object, "~position", (index + 1).to_string());
            for (property, value) in &column.properties {
                let value = if *property == "not null" && value.is_empty() { "yes" } else { value };
                self.property("column", &object, property, value.to_owned());
            }
        }
        table.rules.iter().for_each(|rule| self.rule(&name, rule, keys));
    }

    fn rule(&mut self, table: &str, rule: &Rule, keys: &HashMap<&str, &[String]>) {
        let object = match &rule.kind {
            RuleKind::Primary(_) => format!("{table}.primary key"),
            RuleKind::Unique(columns) => format!("{table}.unique({})", columns.join(", ")),
            RuleKind::Check(expression) => format!("{table}.check({expression})"),
            RuleKind::Foreign(columns, parent, to) => {
                let to = if to.is_empty() { keys.get(parent.as_str()).copied().unwrap_or_default() } else { to };
                let (columns, to) = (columns.join(", "), to.join(", "));
                format!("{table}.foreign key({columns}) references {}({to})", ddl::said(parent))
            }
            RuleKind::Other(text) => format!("{table}.{text}"),
        };
        self.object("constraint", &object);
        if let RuleKind::Primary(columns) = &rule.kind {
            self.property("constraint", &object, "columns", columns.join(", "));
        }
        if let Some(name) = &rule.name {
            self.property("constraint", &object, "~name", name.clone());
        }
        for (property, value) in &rule.properties {
            self.property("constraint", &object, property, value.clone());
        }
    }
}
