//! The way back on PostgreSQL: statements made of what the catalog says, which are the server's own words.

use super::objects::{Differences, Key, Objects, Properties, bare, head, own, owner};
use super::{Care, Pressure, Step, Task};
use crate::sql::Flavor;

mod names;
mod values;

pub(super) fn steps(task: &Task<'_>) -> Vec<Step> {
    if !task.moves.is_empty() {
        return renames(task);
    }
    let (wanted, found) = (Objects::of(&task.wanted.snapshot), Objects::of(&task.found.snapshot));
    let differences = wanted.differences(&found);
    let renamed = names::renamed(&wanted, &found, &differences);
    if task.pressure == Pressure::Calm && !renamed.is_empty() {
        return renamed;
    }
    let mut steps = Vec::new();
    if task.pressure == Pressure::High {
        steps.extend(dependents(&found));
    }
    steps.extend(differences.came.iter().filter(|key| !is_within_came(key, &differences)).filter_map(dropped));
    steps.extend(differences.gone.iter().filter_map(|key| made(*key, &wanted, &found, task.care)));
    steps.extend(differences.changed.iter().filter_map(|key| changed(*key, &wanted, &found, task.care)));
    steps
}

/// Old names for what has a new one.
fn renames(task: &Task<'_>) -> Vec<Step> {
    let renamed = task.moves.iter().filter_map(|(from, to)| {
        let ((kind, from), (_, to)) = (from.split_once(' ')?, to.split_once(' ')?);
        match kind {
            "table" if own(from) == own(to) => Some(format!("ALTER TABLE {to} SET SCHEMA {}", head(from))),
            "table" => Some(format!("ALTER TABLE {to} RENAME TO {}", own(from))),
            _ => Some(format!("ALTER TABLE {} RENAME COLUMN {} TO {}", owner(to)?, own(to), own(from))),
        }
    });
    renamed.map(Step::one).collect()
}

/// Views may stand in the way of the tables that they read: all go, and come again.
fn dependents(found: &Objects<'_>) -> Vec<Step> {
    let all =
        ["view", "materialized view"].into_iter().flat_map(|kind| found.of_kind(kind).map(move |one| (kind, one.0)));
    all.filter_map(|key| dropped(&key)).collect()
}

/// What belongs to something that goes as a whole goes with it.
fn is_within_came(key: &Key<'_>, differences: &Differences<'_>) -> bool {
    let wholes = ["table", "view", "materialized view", "foreign table", "sequence", "schema"];
    let others = ["extension", "function", "procedure", "aggregate", "enum", "composite type", "range type", "domain"];
    wholes.iter().chain(others.iter().filter(|_| key.0 == "comment")).any(|kind| {
        let came = differences.came_of(kind);
        let is_of = |object: &str| came.contains(object) || owner(object).is_some_and(|owner| came.contains(owner));
        match key.0 {
            "grant" => {
                came.iter().any(|one| key.1.contains(&format!(" {one} ")) || key.1.contains(&format!(" {one}.")))
            }
            "comment" => came.iter().any(|one| key.1.ends_with(one) || key.1.contains(&format!("{one}."))),
            "column" | "constraint" | "trigger" | "policy" | "rule" => owner(key.1).is_some_and(is_of),
            _ => false,
        }
    })
}

/// The words of DROP for a kind.
fn word(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "table" => "TABLE",
        "view" => "VIEW",
        "materialized view" => "MATERIALIZED VIEW",
        "foreign table" => "FOREIGN TABLE",
        "sequence" => "SEQUENCE",
        "index" => "INDEX",
        "function" => "FUNCTION",
        "procedure" => "PROCEDURE",
        "aggregate" => "AGGREGATE",
        "enum" | "composite type" | "range type" | "type" => "TYPE",
        "domain" => "DOMAIN",
        "extension" => "EXTENSION",
        "schema" => "SCHEMA",
        "statistics" => "STATISTICS",
        "event trigger" => "EVENT TRIGGER",
        "publication" => "PUBLICATION",
        "trigger" => "TRIGGER",
        "policy" => "POLICY",
        "rule" => "RULE",
        _ => return None,
    })
}

fn dropped(key: &Key<'_>) -> Option<Step> {
    let (kind, object) = *key;
    let statement = match kind {
        "column" => format!("ALTER TABLE {} DROP COLUMN {}", owner(object)?, own(object)),
        "constraint" => format!("ALTER TABLE {} DROP CONSTRAINT {}", owner(object)?, own(object)),
        "trigger" | "policy" | "rule" => format!("DROP {} {} ON {}", word(kind)?, own(object), owner(object)?),
        "comment" => format!("COMMENT ON {} IS NULL", commented(object)?),
        "grant" => granted(object, "REVOKE", "FROM")?,
        _ => format!("DROP {} {object}", word(kind)?),
    };
    Some(Step::one(statement))
}

fn made((kind, object): Key<'_>, wanted: &Objects<'_>, found: &Objects<'_>, care: Care) -> Option<Step> {
    let properties = wanted.get(kind, object)?;
    let of = |name: &str| properties.get(name).copied();
    let statements = match kind {
        "table" if of("partition of").is_some() => {
            let key = of("partition key").map(|key| format!(" PARTITION BY {key}")).unwrap_or_default();
            vec![format!("CREATE TABLE {object} PARTITION OF {} {}{key}", of("partition of")?, of("partition bound")?)]
        }
        "table" if of("of type").is_none() => vec![table(object, properties, wanted)],
        "column" => return column(object, properties, wanted, care),
        "constraint" if of("inherited").is_none() => {
            vec![format!("ALTER TABLE {} ADD CONSTRAINT {} {}", owner(object)?, own(object), of("definition")?)]
        }
        "index" | "trigger" | "rule" | "statistics" => vec![of("definition")?.to_owned()],
        "view" => vec![format!("CREATE VIEW {object} AS{}", spaced(of("body")?))],
        "materialized view" => vec![format!("CREATE MATERIALIZED VIEW {object} AS{}", spaced(of("body")?))],
        "function" | "procedure" => vec![of("body")?.to_owned()],
        // An identity makes its sequence by itself.
        "sequence" if of("owned by").is_some_and(|column| is_identity(column, wanted)) => return None,
        "sequence" => {
            let made = format!("CREATE SEQUENCE {object} AS {}", of("definition")?);
            let owned = of("owned by").map(|column| owned_by(object, column));
            let is_there = |column: &&str| found.has("column", column);
            let counted = of("owned by")
                .filter(is_there)
                .and_then(|column| Some(goes_on(&Flavor::Postgres.literal(object), owner(column)?, own(column))));
            // Where the column's default is the sequence itself, neither can be first as a whole.
            let ways = vec![std::iter::once(made.clone()).chain(owned).chain(counted).collect(), vec![made]];
            return Some(Step { ways, says: Vec::new() });
        }
        "enum" => vec![format!("CREATE TYPE {object} AS ENUM ({})", labels(of("labels")?).join(", "))],
        "composite type" => vec![format!("CREATE TYPE {object} AS ({})", of("attributes")?.replace('\n', ", "))],
        "domain" => vec![domain(object, properties)?],
        "extension" => vec![format!("CREATE EXTENSION {object} SCHEMA {}", of("schema")?)],
        "schema" => vec![format!("CREATE SCHEMA {object}")],
        "policy" => vec![policy(object, properties)?],
        "comment" => vec![format!("COMMENT ON {} IS {}", commented(object)?, Flavor::Postgres.literal(of("")?))],
        "grant" if of("") == Some("revoked") => vec![granted(object, "REVOKE", "FROM")?],
        "grant" => {
            let option = if of("grant option").is_some() { " WITH GRANT OPTION" } else { "" };
            vec![granted(object, "GRANT", "TO")? + option]
        }
        _ => return None,
    };
    Some(Step::of(statements))
}

/// A sequence goes on behind the greatest value that a column has.
fn goes_on(sequence: &str, table: &str, column: &str) -> String {
    format!("SELECT setval({sequence}, greatest(max({column}), 0) + 1, false) FROM {table}")
}

fn is_identity(column: &str, wanted: &Objects<'_>) -> bool {
    wanted.get("column", column).is_some_and(|properties| properties.contains_key("identity"))
}

fn owned_by(sequence: &str, column: &str) -> String {
    format!("ALTER SEQUENCE {sequence} OWNED BY {column}")
}

fn spaced(body: &str) -> String {
    format!("\n{}", body.trim().trim_end_matches(';'))
}

/// A table with its columns; constraints, indexes and the rest are objects of their own.
fn table(object: &str, properties: &Properties<'_>, wanted: &Objects<'_>) -> String {
    let columns: Vec<String> = wanted
        .columns(object)
        .into_iter()
        .filter(|(_, properties)| properties.get("inherited") != Some(&"yes"))
        .map(|(column, properties)| format!("\n    {} {}", own(column), declared(properties)))
        .collect();
    let of = |name: &str| properties.get(name).copied();
    let unlogged = if of("persistence") == Some("unlogged") { "UNLOGGED " } else { "" };
    let inherits = of("inherits").map(|parents| format!(" INHERITS ({parents})")).unwrap_or_default();
    let partitioned = of("partition key").map(|key| format!(" PARTITION BY {key}")).unwrap_or_default();
    let options = of("options").map(|options| format!(" WITH ({options})")).unwrap_or_default();
    format!("CREATE {unlogged}TABLE {object} ({}\n){inherits}{partitioned}{options}", columns.join(","))
}

/// A column as CREATE TABLE and ADD COLUMN say it.
fn declared(properties: &Properties<'_>) -> String {
    let of = |name: &str| properties.get(name).copied();
    let mut text = of("type").unwrap_or_default().to_owned();
    let mut add = |clause: Option<String>| clause.into_iter().for_each(|clause| text.push_str(&format!(" {clause}")));
    add(of("collation").map(|collation| format!("COLLATE {collation}")));
    add(of("default").map(|default| format!("DEFAULT {default}")));
    add(of("generated")
        .and_then(|how| how.strip_prefix("stored "))
        .map(|of| format!("GENERATED ALWAYS AS ({of}) STORED")));
    add(of("identity").map(|how| format!("GENERATED {} AS IDENTITY", how.to_uppercase())));
    add(of("not null").map(|_| "NOT NULL".to_owned()));
    text
}

/// A column that is added to rows that are there: where it must not be NULL and has no default, these rows have no value for it.
fn column(object: &str, properties: &Properties<'_>, wanted: &Objects<'_>, care: Care) -> Option<Step> {
    let table = owner(object)?;
    // A table that goes as a whole brings its columns.
    wanted.get("table", table).or_else(|| wanted.get("foreign table", table))?;
    let add = |declared: String| format!("ALTER TABLE {table} ADD COLUMN {} {declared}", own(object));
    let given = ["default", "generated", "identity"].iter().any(|name| properties.contains_key(name));
    if care == Care::Strict || given || !properties.contains_key("not null") {
        return Some(Step::one(add(declared(properties))));
    }
    let mut without = properties.clone();
    without.remove("not null");
    let stand_in = values::stand_in(properties.get("type")?)?;
    let set = format!("ALTER TABLE {table} ALTER COLUMN {} SET NOT NULL", own(object));
    Some(Step {
        ways: vec![vec![add(declared(&without)), format!("UPDATE {table} SET {} = {stand_in}", own(object)), set]],
        says: vec![format!("{object} must not be NULL, so rows get {stand_in}")],
    })
}

fn changed((kind, object): Key<'_>, wanted: &Objects<'_>, found: &Objects<'_>, care: Care) -> Option<Step> {
    let (want, have) = (wanted.get(kind, object)?, found.get(kind, object)?);
    let differs = |name: &str| want.get(name) != have.get(name);
    match kind {
        "column" => altered(object, want, have, care),
        "function" | "procedure" => {
            let drop = dropped(&(kind, object))?.ways.concat();
            let body = want.get("body")?.to_string();
            Some(Step { ways: vec![vec![body.clone()], [drop, vec![body]].concat()], says: Vec::new() })
        }
        "enum" => enumeration(object, want, found, care),
        "sequence" if !differs("definition") => {
            Some(Step::one(owned_by(object, want.get("owned by").copied().unwrap_or("NONE"))))
        }
        "sequence" => {
            let definition = want.get("definition")?;
            let cycle = if definition.ends_with(" cycle") { "" } else { " no cycle" };
            let mut statements = vec![format!("ALTER SEQUENCE {object} AS {definition}{cycle}")];
            statements
                .extend(differs("owned by").then(|| owned_by(object, want.get("owned by").copied().unwrap_or("NONE"))));
            Some(Step::of(statements))
        }
        "table" => {
            let switch = |name: &str, on: &str, off: &str| {
                let clause = if want.contains_key(name) { on } else { off };
                differs(name).then(|| format!("ALTER TABLE {object} {clause} ROW LEVEL SECURITY"))
            };
            let mut statements: Vec<String> =
                [switch("row security", "ENABLE", "DISABLE"), switch("force row security", "FORCE", "NO FORCE")]
                    .into_iter()
                    .flatten()
                    .collect();
            statements.extend(options(object, want, have));
            statements.extend(partition(object, want, have));
            if differs("replica identity") {
                let how = want.get("replica identity").copied().filter(|how| *how != "index");
                statements
                    .push(format!("ALTER TABLE {object} REPLICA IDENTITY {}", how.unwrap_or("default").to_uppercase()));
            }
            if differs("persistence") {
                let how = if want.get("persistence") == Some(&"unlogged") { "UNLOGGED" } else { "LOGGED" };
                statements.push(format!("ALTER TABLE {object} SET {how}"));
            }
            (!statements.is_empty()).then(|| Step::of(statements))
        }
        "comment" => made((kind, object), wanted, found, care),
        "trigger" if !differs("definition") => {
            let how = match want.get("enabled").copied() {
                None => "ENABLE",
                Some("no") => "DISABLE",
                Some("always") => "ENABLE ALWAYS",
                Some(_) => "ENABLE REPLICA",
            };
            Some(Step::one(format!("ALTER TABLE {} {how} TRIGGER {}", owner(object)?, own(object))))
        }
        _ => {
            let drop = dropped(&(kind, object))?.ways.concat();
            let Step { ways, says } = made((kind, object), wanted, found, care)?;
            Some(Step { ways: ways.into_iter().map(|make| [drop.clone(), make].concat()).collect(), says })
        }
    }
}

/// What gives a column back what was said of it. A default may stand in the way of a type, so it goes first and comes last.
fn altered(object: &str, want: &Properties<'_>, have: &Properties<'_>, care: Care) -> Option<Step> {
    let (table, column) = (owner(object)?, own(object));
    let differs = |name: &str| want.get(name) != have.get(name);
    let alter = |clause: String| format!("ALTER TABLE {table} ALTER COLUMN {column} {clause}");
    let mut statements = Vec::new();
    let mut says = Vec::new();
    let retyped = differs("type") || differs("collation");
    if have.contains_key("default") && (retyped || differs("default")) {
        statements.push(alter("DROP DEFAULT".to_owned()));
    }
    if have.contains_key("identity") && differs("identity") && !want.contains_key("identity") {
        statements.push(alter("DROP IDENTITY".to_owned()));
    }
    if retyped {
        let type_text = want.get("type")?;
        let collation = want.get("collation").map(|collation| format!(" COLLATE {collation}")).unwrap_or_default();
        let (value, said) = values::fitting(object, column, type_text, have.get("type")?, care);
        says.extend(said);
        statements.push(alter(format!("TYPE {type_text}{collation} USING {value}::{type_text}")));
    }
    statements.extend(kept(want, have).into_iter().map(alter));
    if want.contains_key("not null") && differs("not null") {
        if care == Care::Yielding {
            let stand_in = values::stand_in(want.get("type")?)?;
            statements.push(format!("UPDATE {table} SET {column} = {stand_in} WHERE {column} IS NULL"));
            says.push(format!("{object} must not be NULL, so rows that have NULL there get {stand_in}"));
        }
        statements.push(alter("SET NOT NULL".to_owned()));
    } else if differs("not null") {
        statements.push(alter("DROP NOT NULL".to_owned()));
    }
    if let Some(default) = want.get("default").filter(|_| retyped || differs("default")) {
        statements.push(alter(format!("SET DEFAULT {default}")));
    }
    if let Some(identity) = want.get("identity").filter(|_| differs("identity")) {
        let identity = identity.to_uppercase();
        if have.contains_key("identity") {
            statements.push(alter(format!("SET GENERATED {identity}")));
        } else {
            let literal = |text: &str| Flavor::Postgres.literal(text);
            let sequence = format!("pg_get_serial_sequence({}, {})", literal(table), literal(&bare(column)));
            statements.push(alter(format!("ADD GENERATED {identity} AS IDENTITY")));
            statements.push(goes_on(&sequence, table, column));
        }
    }
    if differs("generated") && !want.contains_key("generated") {
        statements.push(alter("DROP EXPRESSION".to_owned()));
    }
    (!statements.is_empty()).then_some(Step { ways: vec![statements], says })
}

/// How values are kept: storage, compression, statistics.
fn kept(want: &Properties<'_>, have: &Properties<'_>) -> Vec<String> {
    let differs = |name: &str| want.get(name) != have.get(name);
    let mut clauses = Vec::new();
    if differs("storage") {
        let type_text = want.get("type").copied().unwrap_or_default();
        let how = match want.get("storage").copied() {
            Some("p") => "PLAIN",
            Some("e") => "EXTERNAL",
            Some("m") => "MAIN",
            None if ["numeric", "inet", "cidr"].iter().any(|name| type_text.starts_with(name)) => "MAIN",
            _ => "EXTENDED",
        };
        clauses.push(format!("SET STORAGE {how}"));
    }
    if differs("statistics") {
        clauses.push(format!("SET STATISTICS {}", want.get("statistics").copied().unwrap_or("-1")));
    }
    if differs("compression") {
        let how = match want.get("compression").copied() {
            Some("p") => "pglz",
            Some("l") => "lz4",
            _ => "default",
        };
        clauses.push(format!("SET COMPRESSION {how}"));
    }
    clauses
}

/// What gives a table its storage parameters back, and takes away those that it did not have.
fn options(object: &str, want: &Properties<'_>, have: &Properties<'_>) -> Vec<String> {
    let mut statements = Vec::new();
    for (property, prefix) in [("options", ""), ("toast options", "toast.")] {
        let of = |properties: &Properties<'_>| -> Vec<String> {
            let text = properties.get(property).copied().unwrap_or_default();
            text.split(", ").filter(|entry| !entry.is_empty()).map(|entry| format!("{prefix}{entry}")).collect()
        };
        let (wanted, found) = (of(want), of(have));
        let set: Vec<&str> = wanted.iter().filter(|entry| !found.contains(entry)).map(String::as_str).collect();
        let name = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
        let reset: Vec<String> = found
            .iter()
            .map(|entry| name(entry))
            .filter(|one| !wanted.iter().any(|entry| name(entry) == *one))
            .collect();
        if !set.is_empty() {
            statements.push(format!("ALTER TABLE {object} SET ({})", set.join(", ")));
        }
        if !reset.is_empty() {
            statements.push(format!("ALTER TABLE {object} RESET ({})", reset.join(", ")));
        }
    }
    statements
}

/// A table that is a partition again, of its parent and within its bound, or none any more.
fn partition(object: &str, want: &Properties<'_>, have: &Properties<'_>) -> Vec<String> {
    let of = |properties: &Properties<'_>| {
        let (parent, bound) = (properties.get("partition of")?, properties.get("partition bound")?);
        Some((parent.to_string(), bound.to_string()))
    };
    let (wanted, found) = (of(want), of(have));
    if wanted == found {
        return Vec::new();
    }
    let detached = found.map(|(parent, _)| format!("ALTER TABLE {parent} DETACH PARTITION {object}"));
    let attached = wanted.map(|(parent, bound)| format!("ALTER TABLE {parent} ATTACH PARTITION {object} {bound}"));
    detached.into_iter().chain(attached).collect()
}

/// No label of an enum can be dropped: the type is made anew, and the columns of it go over.
fn enumeration(object: &str, want: &Properties<'_>, found: &Objects<'_>, care: Care) -> Option<Step> {
    let other = format!("{}__old", own(object).trim_matches('"'));
    let old = Flavor::Postgres.ident(&other);
    let labels = labels(want.get("labels")?);
    let mut says = Vec::new();
    let mut statements = vec![
        format!("ALTER TYPE {object} RENAME TO {old}"),
        format!("CREATE TYPE {object} AS ENUM ({})", labels.join(", ")),
    ];
    let is_of = |type_text: &str| type_text == object || own(object) == type_text;
    for (column, properties) in found.of_kind("column").filter(|(_, one)| one.get("type").is_some_and(|it| is_of(it))) {
        let (table, name) = (owner(column)?, own(column));
        let alter = |clause: String| format!("ALTER TABLE {table} ALTER COLUMN {name} {clause}");
        let default = properties.get("default");
        statements.extend(default.map(|_| alter("DROP DEFAULT".to_owned())));
        let same = format!("{name}::text::{object}");
        let value = match labels.first().filter(|_| care == Care::Yielding) {
            Some(first) => {
                says.push(format!("values of {column} that {object} did not have become {first}"));
                let known = labels.join(", ");
                format!("CASE WHEN {name}::text NOT IN ({known}) THEN {first} ELSE {same} END")
            }
            None => same,
        };
        statements.push(alter(format!("TYPE {object} USING {value}")));
        statements.extend(default.map(|default| alter(format!("SET DEFAULT {default}"))));
    }
    statements.push(format!("DROP TYPE {}.{old}", head(object)));
    Some(Step { ways: vec![statements], says })
}

fn labels(text: &str) -> Vec<&str> {
    if text == "none" { Vec::new() } else { text.lines().collect() }
}

fn domain(object: &str, properties: &Properties<'_>) -> Option<String> {
    let of = |name: &str| properties.get(name).copied();
    let mut text = format!("CREATE DOMAIN {object} AS {}", of("type")?);
    let mut add = |clause: Option<String>| clause.into_iter().for_each(|clause| text.push_str(&format!(" {clause}")));
    add(of("collation").map(|collation| format!("COLLATE {collation}")));
    add(of("default").map(|default| format!("DEFAULT {default}")));
    add(of("not null").map(|_| "NOT NULL".to_owned()));
    for (name, definition) in properties {
        add(name.strip_prefix("constraint ").map(|name| format!("CONSTRAINT {name} {definition}")));
    }
    Some(text)
}

fn policy(object: &str, properties: &Properties<'_>) -> Option<String> {
    let of = |name: &str| properties.get(name).copied();
    let mut text = format!("CREATE POLICY {} ON {}", own(object), owner(object)?);
    let mut add = |clause: Option<String>| clause.into_iter().for_each(|clause| text.push_str(&format!(" {clause}")));
    add(of("permissive").map(|_| "AS RESTRICTIVE".to_owned()));
    add(of("command").map(|command| format!("FOR {}", command.to_uppercase())));
    add(of("roles").map(|roles| format!("TO {roles}")));
    add(of("using").map(|expression| format!("USING ({expression})")));
    add(of("with check").map(|expression| format!("WITH CHECK ({expression})")));
    Some(text)
}

/// `select on table public.t to bob` as a statement. What is the owner's own is left to the owner.
fn granted(object: &str, verb: &str, preposition: &str) -> Option<String> {
    let (right, rest) = object.split_once(" on ")?;
    let (what, whom) = rest.rsplit_once(" to ")?;
    let whom = if whom == "self" { "CURRENT_USER" } else { whom };
    if let Some(column) = what.strip_prefix("column ") {
        return Some(format!("{verb} {right} ({}) ON TABLE {} {preposition} {whom}", own(column), owner(column)?));
    }
    Some(format!("{verb} {right} ON {what} {preposition} {whom}"))
}

/// What COMMENT is on, as the catalog identifies it: `table column public.t.a`, `table constraint k on public.t`.
fn commented(object: &str) -> Option<String> {
    match object.strip_prefix("table column ").or_else(|| object.strip_prefix("view column ")) {
        Some(column) => Some(format!("COLUMN {column}")),
        None => {
            let text = object.strip_prefix("table constraint ").map(|rest| format!("CONSTRAINT {rest}"));
            Some(text.unwrap_or_else(|| object.to_owned()))
        }
    }
}

/// Only PostgreSQL builds and drops indexes concurrently.
pub(super) fn drop_unbuilt(index: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS {index}")
}

pub(super) fn rebuild(index: &str) -> String {
    format!("REINDEX INDEX CONCURRENTLY {index}")
}
