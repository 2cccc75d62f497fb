//! What gives a table back what was said of it, in as few statements as can be.

use std::collections::BTreeSet;

use super::super::objects::{Objects, Properties};
use super::super::{Care, Step};
use super::{Both, columns, ident, options, values};

/// A column that counts on takes a 0 that it holds for a value that is to be made.
const ZEROS_STAY: &str = "CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')";

/// A text is compared with what it is in another character set, which has not all of its characters.
const LAX: &str = "''";

/// Clauses about indexes, constraints and periods.
#[derive(Default)]
struct Keys {
    drops: Vec<String>,
    adds: Vec<String>,
    /// What needs an ALTER TABLE of its own: a foreign key that goes and one that comes may have one name.
    behind: Vec<String>,
}

/// The step that gives a table back what it was, where anything differs that is known here.
pub(super) fn altered(both: &Both<'_>, table: &str) -> Option<Step> {
    let keys = keys(both, table);
    let columns = columns::changed(both, table);
    let options = options::changed(both, table);
    let (unparted, parted) = options::partitions(both, table);
    let fits = if both.task.care == Care::Yielding { values::fits(both, table) } else { Vec::new() };
    let alter = |clauses: &[String]| statement(table, clauses);
    let around = |middle: Vec<String>| -> Vec<String> {
        let middle = if columns.counts { in_mode(ZEROS_STAY, middle) } else { middle };
        let of = |is_lax| fits.iter().filter(move |fit| fit.is_lax == is_lax).map(|fit| fit.statement.clone());
        let fits = in_mode(LAX, of(true).collect()).into_iter().chain(of(false));
        let behind = [alter(&keys.behind), alter(&columns.behind), alter(&parted)].into_iter().flatten();
        alter(&unparted).into_iter().chain(fits).chain(middle).chain(behind).collect()
    };
    let whole = |columns: &[String]| {
        around(alter(&[&keys.drops, columns, &keys.adds, &options].concat()).into_iter().collect())
    };
    let mut ways = vec![whole(&columns.plain)];
    if columns.anew != columns.plain {
        ways.push(whole(&columns.anew));
    }
    let each = [&keys.drops, &columns.anew, &keys.adds, &options].map(Vec::as_slice).concat();
    if each.len() > 1 {
        ways.push(around(each.iter().filter_map(|clause| alter(std::slice::from_ref(clause))).collect()));
    }
    let says = columns.says.iter().cloned().chain(fits.iter().map(|fit| fit.said.clone())).collect();
    let is_nothing =
        each.is_empty() && [&unparted, &parted, &keys.behind, &columns.behind].iter().all(|more| more.is_empty());
    (!is_nothing).then_some(Step { ways, says })
}

/// An ALTER TABLE of these clauses, each on a line of its own where there are several.
fn statement(table: &str, clauses: &[String]) -> Option<String> {
    let table = ident(table);
    match clauses {
        [] => None,
        [clause] => Some(format!("ALTER TABLE {table} {clause}")),
        clauses => Some(format!("ALTER TABLE {table}\n  {}", clauses.join(",\n  "))),
    }
}

/// Statements under another sql_mode.
fn in_mode(mode: &str, statements: Vec<String>) -> Vec<String> {
    if statements.is_empty() {
        return statements;
    }
    let set = format!("SET @sql_mode_before = @@sql_mode, sql_mode = {mode}");
    [vec![set], statements, vec!["SET sql_mode = @sql_mode_before".to_owned()]].concat()
}

fn keys(both: &Both<'_>, table: &str) -> Keys {
    let mut keys = Keys::default();
    let renamed = renamed(both, table);
    let is_renamed =
        |kind: &str, name: &str| kind == "index" && renamed.iter().any(|pair| [pair.0, pair.1].contains(&name));
    let of = |all, kind| both.of_table(all, kind, table).into_iter();
    let differences = &both.differences;
    // What foreign keys need goes behind them, and comes before them.
    for kind in ["constraint", "period", "index"] {
        let changed = of(&differences.changed, kind).filter(|(object, _)| visibility(both, kind, object).is_none());
        let goes = of(&differences.came, kind).filter(|(_, name)| !is_renamed(kind, name)).chain(changed);
        keys.drops.extend(goes.filter_map(|(object, name)| dropped(both, kind, object, name)));
    }
    let implied = implied(both, table);
    let foreign = foreign_keys(both, table, &implied);
    keys.drops.splice(..0, foreign.drops);
    keys.drops.extend(renamed.iter().map(|(new, old)| format!("RENAME INDEX {} TO {}", ident(new), ident(old))));
    let is_one_dropped = keys.drops.iter().any(|drop| drop.starts_with("DROP FOREIGN KEY"));
    for kind in ["index", "period", "constraint"] {
        let is_implied = |name: &str| kind == "index" && implied.iter().any(|(index, _)| *index == name);
        let gone = of(&differences.gone, kind).filter(|(_, name)| !is_renamed(kind, name) && !is_implied(name));
        for (object, name) in gone.chain(of(&differences.changed, kind)) {
            if let Some(how) = visibility(both, kind, object) {
                keys.adds.push(format!("ALTER INDEX {} {how}", ident(name)));
                continue;
            }
            let is_foreign = both.wanted.get(kind, object).is_some_and(|it| it.get("") == Some(&"foreign key"));
            if !is_foreign {
                let adds = if is_taken_for_same(both, kind, object) { &mut keys.behind } else { &mut keys.adds };
                adds.extend(both.task.wanted.text(kind, object).map(|text| format!("ADD {text}")));
            }
        }
    }
    if is_one_dropped { &mut keys.behind } else { &mut keys.adds }.extend(foreign.adds);
    keys
}

/// Indexes that went which a foreign key makes by itself, and these keys. The server drops such an index where a wider one comes,
/// and no index that somebody has made; so the key is made again, and makes it.
fn implied<'a>(both: &Both<'a>, table: &str) -> Vec<(&'a str, &'a str)> {
    let gone = both.of_table(&both.differences.gone, "index", table).into_iter();
    let keys = || both.wanted.of_kind("constraint").filter(|(_, key)| key.get("") == Some(&"foreign key"));
    let pairs = gone.filter_map(|(object, index)| {
        let wanted = both.wanted.get("index", object)?;
        let is_plain = wanted.get("") == Some(&"key") && !wanted.contains_key("options");
        let columns = wanted.get("columns").filter(|columns| is_plain && !is_covered(both, table, index, columns))?;
        let key = keys().find_map(|(object, key)| {
            let (_, name) = both.parted(object).filter(|(owner, _)| *owner == table)?;
            let is_first = || columns.trim_start_matches('(').starts_with(&ident(index));
            let gives = name == index || (is_first() && would_be_named(both, table, object, name));
            (gives && key.get("definition") == Some(columns)).then_some(name)
        });
        Some((index, key?))
    });
    pairs.collect()
}

/// Whether the server names a foreign key so: one that is there can be made again with those behind it, one that is not gets the
/// next number.
fn would_be_named(both: &Both<'_>, table: &str, object: &str, name: &str) -> bool {
    let Some(own) = number(table, name) else { return false };
    let is_same = both.wanted.get("constraint", object) == both.found.get("constraint", object);
    let found = both.found.of_kind("constraint").filter_map(|(object, _)| both.parted(object));
    let mut others = found.filter(|(owner, _)| *owner == table).filter_map(|(_, name)| number(table, name));
    is_same || others.all(|other| other <= own)
}

/// Whether another index that is wanted begins with these columns, so that no foreign key makes one for them.
fn is_covered(both: &Both<'_>, table: &str, index: &str, columns: &str) -> bool {
    let begin = columns.trim_end_matches(')');
    let others = both.wanted.of_kind("index").filter(|(object, properties)| {
        both.parted(object).is_some_and(|(owner, name)| owner == table && name != index)
            && properties.get("") != Some(&"fulltext")
    });
    let mut rests = others.filter_map(|(_, properties)| properties.get("columns")?.strip_prefix(begin));
    rests.any(|rest| rest.starts_with([',', ')']))
}

/// The number in the name of a foreign key that the server has made up. Its index has the name of its first column then.
fn number(table: &str, key: &str) -> Option<u32> {
    key.strip_prefix(table)?.strip_prefix("_ibfk_")?.parse().ok()
}

/// Foreign keys that went or are otherwise come again, and so do those that make an index. The server numbers those that nobody names,
/// one after the other, and names their indexes as it did before; so a name that it would give is left to it, and what has
/// numbers behind it is made again too.
fn foreign_keys(both: &Both<'_>, table: &str, implied: &[(&str, &str)]) -> Keys {
    let of = |keys| both.of_table(keys, "constraint", table);
    let (gone, changed, came) = (of(&both.differences.gone), of(&both.differences.changed), of(&both.differences.came));
    let object = |name: &str| format!("{table}.{name}");
    let is_foreign = |name: &&str| {
        both.wanted
            .get("constraint", &object(name))
            .is_some_and(|properties| properties.get("") == Some(&"foreign key"))
    };
    let goes = |name: &str| came.iter().chain(&changed).any(|(_, other)| *other == name);
    let found = both.found.of_kind("constraint").filter_map(|(object, _)| both.parted(object));
    let kept = found.filter(|(owner, name)| *owner == table && !goes(name)).map(|(_, name)| name);
    let (mut again, mut kept): (Vec<&str>, Vec<&str>) =
        kept.filter(is_foreign).partition(|name| implied.iter().any(|(_, key)| key == name));
    let news: Vec<&str> = gone.iter().chain(&changed).map(|(_, name)| *name).filter(is_foreign).collect();
    let is_there =
        |index: &str| both.found.has("index", &object(index)) || implied.iter().any(|(one, _)| *one == index);
    let has_index = |name: &str| index_of(both, table, &object(name)).is_some_and(is_there);
    let first = news.iter().chain(&again).filter(|name| has_index(name)).filter_map(|name| number(table, name)).min();
    let is_behind = |name: &str| first.is_some_and(|first| number(table, name) > Some(first));
    again.extend(kept.extract_if(.., |name| is_behind(name)));
    let mut last = kept.iter().filter_map(|name| number(table, name)).max().unwrap_or_default();
    let mut comes: Vec<&str> = news.into_iter().chain(again.iter().copied()).collect();
    comes.sort_by_key(|name| (number(table, name), *name));
    let adds = comes.into_iter().filter_map(|name| {
        let text = both.task.wanted.text("constraint", &object(name))?;
        let number = number(table, name);
        let is_next = number == Some(last + 1);
        last = last.max(number.unwrap_or_default());
        let unnamed = text.strip_prefix(&format!("CONSTRAINT {} ", ident(name))).filter(|_| is_next);
        Some(format!("ADD {}", unnamed.unwrap_or(text)))
    });
    let adds = adds.collect();
    let drops = again.iter().map(|name| format!("DROP FOREIGN KEY {}", ident(name))).collect();
    Keys { drops, adds, behind: Vec::new() }
}

/// The index of just the columns of a foreign key.
fn index_of<'a>(both: &Both<'a>, table: &str, key: &str) -> Option<&'a str> {
    let columns = both.wanted.get("constraint", key)?.get("definition")?;
    let is_it = |properties: &super::Properties<'_>| {
        properties.get("") == Some(&"key") && properties.get("columns") == Some(columns)
    };
    let mut all = both.wanted.of_kind("index").filter(|(_, properties)| is_it(properties));
    all.find_map(|(object, _)| both.parted(object).filter(|(owner, _)| *owner == table)).map(|(_, name)| name)
}

/// MySQL gives no column another name that a CHECK, a computed column or a computed part of an index reads. What does so and is to be
/// otherwise anyway goes first, in tables with columns that get their old names.
pub(super) fn names_columns(both: &Both<'_>) -> Vec<Step> {
    let moved = both.task.moves.iter().filter_map(|(_, to)| both.parted(to.strip_prefix("column ")?));
    let tables: BTreeSet<&str> = moved.map(|(table, _)| table).collect();
    let all = both.differences.came.iter().chain(&both.differences.changed);
    let steps = all.filter_map(|(kind, object)| {
        let (table, name) = both.parted(object).filter(|(table, _)| tables.contains(table))?;
        let properties = both.found.get(kind, object)?;
        let of = |property: &str| properties.get(property).copied().unwrap_or_default();
        let is_computed = || of("columns").starts_with("((") || of("columns").contains(",(");
        let clause = match *kind {
            "constraint" if of("") == "check" => dropped(both, kind, object, name)?,
            "index" if is_computed() => dropped(both, kind, object, name)?,
            "column" if !of("generated").is_empty() => format!("DROP COLUMN {}", ident(name)),
            _ => return None,
        };
        Some(Step::one(statement(table, &[clause])?))
    });
    steps.collect()
}

fn dropped(both: &Both<'_>, kind: &str, object: &str, name: &str) -> Option<String> {
    let form = both.found.get(kind, object)?.get("").copied();
    Some(match (kind, form) {
        ("index", Some("primary key")) => "DROP PRIMARY KEY".to_owned(),
        ("index", _) => format!("DROP INDEX {}", ident(name)),
        ("constraint", Some("foreign key")) => format!("DROP FOREIGN KEY {}", ident(name)),
        ("period", _) if name == "SYSTEM_TIME" => "DROP PERIOD FOR SYSTEM_TIME".to_owned(),
        ("period", _) => format!("DROP PERIOD FOR {}", ident(name)),
        _ => format!("DROP CONSTRAINT {}", ident(name)),
    })
}

/// Indexes that are the same but for their names: the one that they have, and the one that they had.
fn renamed<'a>(both: &Both<'a>, table: &str) -> Vec<(&'a str, &'a str)> {
    let mut came = both.of_table(&both.differences.came, "index", table);
    let gone = both.of_table(&both.differences.gone, "index", table).into_iter();
    let pairs = gone.filter_map(|(object, old)| {
        let wanted = both.wanted.get("index", object);
        let at = came.iter().position(|(other, _)| both.found.get("index", other) == wanted)?;
        Some((came.remove(at).1, old))
    });
    pairs.filter(|(new, old)| ![*new, *old].contains(&"PRIMARY")).collect()
}

/// The options of an index that both have, wanted and found, where nothing else differs.
fn options_alone<'a>(both: &Both<'a>, kind: &str, object: &str) -> Option<(&'a str, &'a str)> {
    let parted = |of: &Objects<'a>| -> Option<(Properties<'a>, &'a str)> {
        let mut said = of.get(kind, object)?.clone();
        let options = said.remove("options").unwrap_or_default();
        Some((said, options))
    };
    let ((wanted, options), (found, others)) = (parted(&both.wanted)?, parted(&both.found)?);
    (kind == "index" && wanted == found).then_some((options, others))
}

/// MySQL keeps an index that one statement drops and makes again with nothing else than these otherwise.
fn is_taken_for_same(both: &Both<'_>, kind: &str, object: &str) -> bool {
    let is_overlooked = |options: &str| options.contains(" PARSER ") || options.contains("ENGINE_ATTRIBUTE");
    options_alone(both, kind, object).is_some_and(|(wanted, found)| is_overlooked(wanted) || is_overlooked(found))
}

/// What gives an index back whether the optimizer sees it, where nothing else differs.
fn visibility(both: &Both<'_>, kind: &str, object: &str) -> Option<&'static str> {
    let (wanted, found) = options_alone(both, kind, object)?;
    let hidden = ["/*!80000 INVISIBLE */", "IGNORED"];
    let parted = |text: &str| -> (String, Option<usize>) {
        let word = hidden.iter().position(|word| text.contains(word));
        (word.map_or(text.to_owned(), |at| text.replace(hidden[at], "")).trim().to_owned(), word)
    };
    let ((rest, is_hidden), (other_rest, was_hidden)) = (parted(wanted), parted(found));
    if rest != other_rest {
        return None;
    }
    match (is_hidden, was_hidden) {
        (Some(0), None) => Some("INVISIBLE"),
        (None, Some(0)) => Some("VISIBLE"),
        (Some(_), None) => Some("IGNORED"),
        (None, Some(_)) => Some("NOT IGNORED"),
        _ => None,
    }
}
