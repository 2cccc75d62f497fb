//! What is made and dropped as a whole: views, triggers, routines, events, sequences.

use super::super::Step;
use super::super::objects::Key;
use super::{Both, Properties, ident};
use crate::sql::Flavor;

/// What a table's defaults count on, so it is made before tables and dropped behind them.
pub(super) const SEQUENCES: &[&str] = &["sequence"];

/// What stands on tables, in the order in which it is made: a view may call a function.
pub(super) const CODE: &[&str] = &["package", "package body", "function", "procedure", "view", "trigger", "event"];

/// What the session lends to an object that is made in it: the property that says it, and the session's variables.
const LENT: &[(&str, &[&str])] = &[
    ("sql_mode", &["sql_mode"]),
    ("time zone", &["time_zone"]),
    ("charset", &["character_set_client", "collation_connection"]),
];

/// Takes away what only the present schema has. Triggers go with their table.
pub(super) fn dropped(both: &Both<'_>, kinds: &[&str]) -> Vec<Step> {
    let came = both.differences.came.iter().filter(|key| kinds.contains(&key.0));
    let goes = came.filter(|(kind, object)| {
        *kind != "trigger" || both.parted(object).is_some_and(|(table, _)| both.wanted.has("table", table))
    });
    let steps = goes.map(|key| match both.found.get(key.0, key.1) {
        // MariaDB before 11.4 knows packages in Oracle's mode only.
        Some(properties) if key.0.starts_with("package") => Step::of(lent(both, properties, vec![drop(both, key)])),
        _ => Step::one(drop(both, key)),
    });
    steps.collect()
}

fn drop<'a>(both: &Both<'a>, (kind, object): &Key<'a>) -> String {
    format!("DROP {} {}", kind.to_uppercase(), ident(own(both, kind, object)))
}

/// A trigger is named without its table.
fn own<'a>(both: &Both<'a>, kind: &str, object: &'a str) -> &'a str {
    both.parted(object).filter(|_| kind == "trigger").map_or(object, |(_, name)| name)
}

/// Makes what is gone, and gives back what was said of the others.
pub(super) fn made(both: &Both<'_>, kinds: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    for kind in kinds {
        let of = |keys: &[Key<'_>]| keys.iter().any(|key| key.0 == *kind);
        if !of(&both.differences.gone) && !of(&both.differences.changed) {
            continue;
        }
        let mut gone: Vec<&Key<'_>> = both.differences.gone.iter().filter(|key| key.0 == *kind).collect();
        gone.sort_by_key(|key| order(both, key));
        let gone = gone.into_iter().filter_map(|key| {
            let properties = both.wanted.get(key.0, key.1)?;
            Some(lent(both, properties, vec![create(both, key, properties)?]))
        });
        steps.extend(gone.map(Step::of));
        let changed = both.differences.changed.iter().filter(|key| key.0 == *kind);
        steps.extend(changed.filter_map(|key| self::changed(both, key)).map(Step::of));
    }
    steps
}

/// When a trigger fires among those of the same event.
fn order(both: &Both<'_>, key: &Key<'_>) -> u32 {
    let order = both.wanted.get(key.0, key.1).and_then(|properties| properties.get("order")?.parse().ok());
    order.unwrap_or_default()
}

fn create<'a>(both: &Both<'a>, key: &Key<'a>, properties: &Properties<'_>) -> Option<String> {
    let (kind, object) = *key;
    match kind {
        "sequence" => Some(format!("CREATE SEQUENCE {} {}", ident(object), properties.get("counts")?)),
        "view" => view("CREATE", object, properties),
        "trigger" => trigger(both, object, properties),
        _ => both.task.wanted.text(kind, object).map(str::to_owned),
    }
}

fn changed<'a>(both: &Both<'a>, key: &Key<'a>) -> Option<Vec<String>> {
    let (kind, object) = *key;
    let (want, have) = (both.wanted.get(kind, object)?, both.found.get(kind, object)?);
    let statements = match kind {
        "sequence" => {
            let counts = want.get("counts")?.split(" ENGINE=").next()?;
            return Some(vec![format!("ALTER SEQUENCE {} {counts}", ident(object))]);
        }
        "view" => vec![view("CREATE OR REPLACE", object, want)?],
        "event" if is_same_but(want, have, "status") => {
            let how = if want.get("status") == Some(&"ENABLED") { "ENABLE" } else { "DISABLE" };
            vec![format!("ALTER EVENT {} {how}", ident(object))]
        }
        // It stands elsewhere in the order as long as others are to go or to come.
        "trigger" if is_same_but(want, have, "order") && others_move(both, object, want) => return None,
        _ => vec![drop(both, key), create(both, key, want)?],
    };
    Some(lent(both, want, statements))
}

fn view(verb: &str, object: &str, properties: &Properties<'_>) -> Option<String> {
    let of = |name: &str| properties.get(name).copied();
    let mut text = verb.to_owned();
    let mut add = |clause: Option<String>| clause.into_iter().for_each(|clause| text.push_str(&format!(" {clause}")));
    add(of("algorithm").filter(|how| *how != "UNDEFINED").map(|how| format!("ALGORITHM = {how}")));
    add(definer(properties));
    add(of("security").filter(|how| *how != "DEFINER").map(|how| format!("SQL SECURITY {how}")));
    add(Some(format!("VIEW {}", ident(object))));
    add(of("columns").map(str::to_owned));
    add(Some(format!("AS\n{}", of("definition")?)));
    add(of("check option").map(str::to_owned));
    Some(text)
}

/// The account whose rights count; whoever makes it, where nothing is said.
fn definer(properties: &Properties<'_>) -> Option<String> {
    let definer = properties.get("definer").filter(|definer| **definer != "self")?;
    let account = definer.rsplit_once('@').map(|(user, host)| format!("{}@{}", ident(user), ident(host)));
    Some(format!("DEFINER = {}", account.unwrap_or_else(|| ident(definer))))
}

fn trigger<'a>(both: &Both<'a>, object: &'a str, properties: &Properties<'_>) -> Option<String> {
    let (table, name) = both.parted(object)?;
    let definer = definer(properties).map(|definer| format!("{definer} ")).unwrap_or_default();
    let (fires, _) = properties.get("fires")?.split_once(" FOR EACH ")?;
    let place = place(both, object, properties).unwrap_or_default();
    let body = properties.get("body")?;
    Some(format!("CREATE {definer}TRIGGER {} {fires} ON {} FOR EACH ROW{place}\n{body}", ident(name), ident(table)))
}

/// Where a trigger stands among those that fire with it.
fn place<'a>(both: &Both<'a>, object: &'a str, properties: &Properties<'_>) -> Option<String> {
    let siblings = siblings(both, object, properties);
    let own = order(both, &("trigger", object));
    let is_there = |(_, other): &&(u32, &str)| both.found.has("trigger", other);
    let name = |(_, other): &(u32, &str)| both.parted(other).map(|(_, name)| ident(name));
    let next = siblings.iter().filter(is_there).find(|(order, _)| *order > own)?;
    match siblings.iter().filter(is_there).rfind(|(order, _)| *order < own) {
        Some(before) => Some(format!(" FOLLOWS {}", name(before)?)),
        None => Some(format!(" PRECEDES {}", name(next)?)),
    }
}

/// The other triggers that fire with one, in their order.
fn siblings<'a>(both: &Both<'a>, object: &'a str, properties: &Properties<'_>) -> Vec<(u32, &'a str)> {
    let table = both.parted(object).map(|(table, _)| table);
    let all = both.wanted.of_kind("trigger").filter(|(other, _)| *other != object);
    let mut siblings: Vec<(u32, &str)> = all
        .filter(|(other, one)| {
            one.get("fires") == properties.get("fires") && both.parted(other).map(|(table, _)| table) == table
        })
        .map(|(other, _)| (order(both, &("trigger", other)), other))
        .collect();
    siblings.sort_unstable();
    siblings
}

/// Whether a trigger that has another place only gets it by what is done with those that fire with it.
fn others_move<'a>(both: &Both<'a>, object: &'a str, properties: &Properties<'_>) -> bool {
    let own = order(both, &("trigger", object));
    let siblings = siblings(both, object, properties);
    let is_other = |other: &str| both.differences.changed.contains(&("trigger", other));
    let moves = |order: u32, other: &str| match (both.wanted.get("trigger", other), both.found.get("trigger", other)) {
        (Some(want), Some(have)) => is_other(other) && (order < own || !is_same_but(want, have, "order")),
        _ => true,
    };
    let table = both.parted(object).map(|(table, _)| table);
    let came = both.differences.came.iter().filter(|key| key.0 == "trigger");
    let is_coming = came.filter_map(|key| both.parted(key.1)).any(|(other, _)| Some(other) == table);
    is_coming || siblings.iter().any(|(order, other)| moves(*order, other))
}

/// Whether two objects differ in nothing but one property.
fn is_same_but(want: &Properties<'_>, have: &Properties<'_>, name: &str) -> bool {
    let others = |all: &Properties<'_>| -> Vec<String> {
        let others = all.iter().filter(|(other, _)| **other != name && !other.starts_with('~'));
        others.map(|(name, value)| format!("{name} {value}")).collect()
    };
    others(want) == others(have)
}

/// Statements in a session that lends what is stored with their object, where that is not what a session has anyway.
fn lent(both: &Both<'_>, properties: &Properties<'_>, statements: Vec<String>) -> Vec<String> {
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    for (property, variables) in LENT {
        let Some(value) = properties.get(property) else { continue };
        let is_own = both.task.wanted.text("session", property) == Some(value);
        // A text in another character set would be read as something else.
        let is_other_text = *property == "charset" && !value.starts_with("utf8") && !statements.concat().is_ascii();
        if is_own || is_other_text {
            continue;
        }
        let values = if variables.len() > 1 { value.split(' ').collect() } else { vec![*value] };
        let kept = variables.iter().map(|name| format!("@{name}_before = @@{name}"));
        let set =
            variables.iter().zip(values).map(|(name, value)| format!("{name} = {}", Flavor::Mysql.literal(value)));
        before.push(format!("SET {}", kept.chain(set).collect::<Vec<_>>().join(", ")));
        let back = variables.iter().map(|name| format!("{name} = @{name}_before"));
        behind.push(format!("SET {}", back.collect::<Vec<_>>().join(", ")));
    }
    before.into_iter().chain(statements).chain(behind).collect()
}
