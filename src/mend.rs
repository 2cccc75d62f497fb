//! The statement that mends a down, where that can be said with certainty.

use crate::snapshot::{Change, Fate};
use crate::sql::Flavor;

/// What a down script lacks so that this difference is gone; `None` where the schema alone does not say it.
pub fn mend(change: &Change, flavor: Flavor) -> Option<String> {
    let statements = match change.fate {
        Fate::Added => vec![drop(change, flavor)?],
        Fate::Changed if flavor == Flavor::Postgres && change.kind == "column" => alter(change)?,
        _ => return None,
    };
    Some(format!("add `{};` to the down script", statements.join("; ")))
}

/// What takes away an object that was left behind.
fn drop(change: &Change, flavor: Flavor) -> Option<String> {
    let object = change.object.as_str();
    let whole = match change.kind.as_str() {
        "table" => "TABLE",
        "view" => "VIEW",
        "materialized view" => "MATERIALIZED VIEW",
        "foreign table" => "FOREIGN TABLE",
        "sequence" => "SEQUENCE",
        "enum" | "type" | "composite type" | "range type" => "TYPE",
        "domain" => "DOMAIN",
        "extension" => "EXTENSION",
        "schema" => "SCHEMA",
        "function" => "FUNCTION",
        "procedure" => "PROCEDURE",
        "aggregate" => "AGGREGATE",
        "event" => "EVENT",
        "event trigger" => "EVENT TRIGGER",
        "publication" => "PUBLICATION",
        "server" => "SERVER",
        "index" if flavor != Flavor::Mysql => "INDEX",
        "trigger" if flavor == Flavor::Sqlite => "TRIGGER",
        _ => "",
    };
    if !whole.is_empty() {
        return Some(format!("DROP {whole} {object}"));
    }
    let (owner, name) = parts(object)?;
    match (change.kind.as_str(), flavor) {
        ("column", _) => Some(format!("ALTER TABLE {owner} DROP COLUMN {name}")),
        ("constraint", Flavor::Postgres) => Some(format!("ALTER TABLE {owner} DROP CONSTRAINT {name}")),
        ("trigger" | "policy" | "rule", Flavor::Postgres) => {
            Some(format!("DROP {} {name} ON {owner}", change.kind.to_uppercase()))
        }
        ("index", Flavor::Mysql) => Some(format!("DROP INDEX {name} ON {owner}")),
        ("trigger", Flavor::Mysql) => Some(format!("DROP TRIGGER {name}")),
        _ => None,
    }
}

/// What gives a column of PostgreSQL back what was said of it; `None` where something differs that is not known here.
fn alter(change: &Change) -> Option<Vec<String>> {
    let (table, column) = parts(&change.object)?;
    let side = |mark: &str| -> Vec<(&str, &str)> {
        let lines = change.lines.iter().filter_map(|line| line.strip_prefix(mark)?.split_once(": "));
        lines.collect()
    };
    let (wanted, found) = (side("- "), side("+ "));
    // A value of several lines is shown as a difference, which does not say it whole.
    if wanted.len() + found.len() != change.lines.len() {
        return None;
    }
    let is_wanted = |property: &str| wanted.iter().any(|(name, _)| *name == property);
    let gone = found.iter().map(|(name, _)| (*name, None)).filter(|(name, _)| !is_wanted(name));
    let clause = |(property, value): (&str, Option<&str>)| match (property, value) {
        ("type", Some(value)) => Some(format!("TYPE {value}")),
        ("not null", Some(_)) => Some("SET NOT NULL".to_owned()),
        ("not null", None) => Some("DROP NOT NULL".to_owned()),
        ("default", Some(value)) => Some(format!("SET DEFAULT {value}")),
        ("default", None) => Some("DROP DEFAULT".to_owned()),
        _ => None,
    };
    let clauses = wanted.iter().map(|(name, value)| (*name, Some(*value))).chain(gone).map(clause);
    let clauses: Vec<String> = clauses.collect::<Option<_>>()?;
    let statement = |clause: String| format!("ALTER TABLE {table} ALTER COLUMN {column} {clause}");
    (!clauses.is_empty()).then(|| clauses.into_iter().map(statement).collect())
}

/// An object's owner and its own name; `None` where quotes make that uncertain.
fn parts(object: &str) -> Option<(&str, &str)> {
    if object.contains(['"', '`', '(']) { None } else { object.rsplit_once('.') }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Weight;

    fn change(fate: Fate, kind: &str, object: &str, lines: &[&str]) -> Change {
        Change {
            fate,
            weight: Weight::Strong,
            kind: kind.to_owned(),
            object: object.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_left_behind_is_dropped_as_the_engine_says_it() {
        let drop = |kind, object, flavor| mend(&change(Fate::Added, kind, object, &[]), flavor).unwrap_or_default();
        for (kind, object, flavor, said) in [
            ("index", "public.i", Flavor::Postgres, "DROP INDEX public.i"),
            ("index", "t.i", Flavor::Mysql, "DROP INDEX i ON t"),
            ("column", "public.t.c", Flavor::Postgres, "ALTER TABLE public.t DROP COLUMN c"),
            ("constraint", "public.t.k", Flavor::Postgres, "ALTER TABLE public.t DROP CONSTRAINT k"),
            ("trigger", "public.t.g", Flavor::Postgres, "DROP TRIGGER g ON public.t"),
            ("trigger", "g", Flavor::Sqlite, "DROP TRIGGER g"),
            ("function", "public.f(integer)", Flavor::Postgres, "DROP FUNCTION public.f(integer)"),
        ] {
            assert_eq!(drop(kind, object, flavor), format!("add `{said};` to the down script"));
        }
        assert_eq!(drop("constraint", "t.unique(a)", Flavor::Sqlite), "");
        assert_eq!(drop("column", "t.\"a.b\"", Flavor::Sqlite), "");
    }

    #[test]
    fn a_changed_column_is_given_back_what_was_said_of_it() {
        let alter = |lines: &[&str]| {
            mend(&change(Fate::Changed, "column", "public.t.c", lines), Flavor::Postgres).unwrap_or_default()
        };
        assert_eq!(
            alter(&["- default: 5", "- not null: yes", "+ type: text", "- type: integer"]),
            "add `ALTER TABLE public.t ALTER COLUMN c SET DEFAULT 5; ALTER TABLE public.t ALTER COLUMN c SET NOT NULL; \
             ALTER TABLE public.t ALTER COLUMN c TYPE integer;` to the down script"
        );
        assert_eq!(
            alter(&["+ default: 5"]),
            "add `ALTER TABLE public.t ALTER COLUMN c DROP DEFAULT;` to the down script"
        );
        assert_eq!(alter(&["- storage: e"]), "");
        assert_eq!(alter(&["  default:", "- 5", "+ 6"]), "");
    }
}
