//! The schema as lines, made from the texts that SQLite keeps.

use std::collections::HashMap;

use super::ddl::{self, Rule, RuleKind, Table};
use super::lexer::Names;
use crate::snapshot::{Line, Snapshot};

/// One row of `schema.sql`: kind, name, table, text.
pub(super) type Entry = (String, String, Option<String>, Option<String>);

/// Makes the snapshot; `None` where the rows do not even tell about the file.
pub(super) fn snapshot(entries: &[Entry]) -> Option<Snapshot> {
    let text = |entry: &'_ Entry| entry.3.clone().unwrap_or_default();
    let of_kind = |kind: &'static str| entries.iter().filter(move |entry| entry.0 == kind);
    if of_kind("database").count() < 3 {
        return None;
    }
    let mut names: Names = of_kind("view").map(|entry| entry.1.to_ascii_lowercase()).collect();
    for entry in of_kind("table") {
        names.extend(ddl::table_names(entry.3.as_deref().unwrap_or_default()));
    }
    let mut lines = Lines::default();
    lines.object("database", "main");
    for entry in of_kind("database") {
        lines.property("database", "main", &entry.1, text(entry));
    }
    let tables: Vec<Table> =
        of_kind("table").map(|entry| ddl::table(entry.3.as_deref().unwrap_or_default(), &names)).collect();
    let keys: HashMap<&str, &[String]> = tables.iter().map(|table| (table.name.as_str(), primary(table))).collect();
    tables.iter().for_each(|table| lines.table(table, &keys));
    for (kind, read) in
        [("index", ddl::index as fn(&str, &Names) -> ddl::Other), ("view", ddl::view), ("trigger", ddl::trigger)]
    {
        for entry in of_kind(kind) {
            let other = read(entry.3.as_deref().unwrap_or_default(), &names);
            let object = ddl::said(&other.name);
            lines.object(kind, &object);
            other.properties.into_iter().for_each(|(property, value)| lines.property(kind, &object, property, value));
        }
    }
    Some(Snapshot::new(lines.0))
}

/// Columns of a table's primary key.
fn primary(table: &Table) -> &[String] {
    let key = table.rules.iter().find_map(|rule| match &rule.kind {
        RuleKind::Primary(columns) => Some(columns.as_slice()),
        _ => None,
    });
    key.unwrap_or_default()
}

#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn object(&mut self, kind: &str, object: &str) {
        self.property(kind, object, "", String::new());
    }

    fn property(&mut self, kind: &str, object: &str, property: &str, value: String) {
        self.0.push(Line { kind: kind.to_owned(), object: object.to_owned(), property: property.to_owned(), value });
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
