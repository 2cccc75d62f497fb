//! What gives a table back what was said of it, in as few statements as can be.

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
    for (_, key) in &implied {
        keys.drops.insert(0, format!("DROP FOREIGN KEY {}", ident(key)));
    }
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
            let add = both.task.wanted.text(kind, object).map(|text| format!("ADD {text}"));
            if is_foreign && is_one_dropped { &mut keys.behind } else { &mut keys.adds }.extend(add);
        }
    }
    keys.behind.extend(implied.iter().filter_map(|(index, key)| again(both, table, index, key)));
    keys
}

/// Indexes that went which a foreign key makes by itself, and these keys. The server drops such an index where a wider one comes,
/// and no index that somebody has made; so the key is made again, and makes it.
fn implied<'a>(both: &Both<'a>, table: &str) -> Vec<(&'a str, &'a str)> {
    let gone = both.of_table(&both.differences.gone, "index", table).into_iter();
    let is_same = |object: &str| both.wanted.get("constraint", object) == both.found.get("constraint", object);
    let keys = || both.found.of_kind("constraint").filter(|(object, _)| is_same(object));
    let pairs = gone.filter_map(|(object, index)| {
        let wanted = both.wanted.get("index", object)?;
        let is_plain = wanted.get("") == Some(&"key") && !wanted.contains_key("options");
        let key = keys().filter(|_| is_plain).find_map(|(object, key)| {
            let (owner, name) = both.parted(object)?;
            let is_it = owner == table && key.get("") == Some(&"foreign key");
            let columns = key.get("definition").filter(|columns| wanted.get("columns") == Some(columns))?;
            let gives = name == index
                || (is_made_up(table, name) && columns.trim_start_matches('(').starts_with(&ident(index)));
            (is_it && gives).then_some(name)
        });
        Some((index, key?))
    });
    pairs.collect()
}

/// Whether the server has made up the name of a foreign key. Its index has that of its first column then.
fn is_made_up(table: &str, key: &str) -> bool {
    let number = key.strip_prefix(table).and_then(|rest| rest.strip_prefix("_ibfk_"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A foreign key as it was said: with its name, where its index has that too.
fn again(both: &Both<'_>, table: &str, index: &str, key: &str) -> Option<String> {
    let text = both.task.wanted.text("constraint", &format!("{table}.{key}"))?;
    let named = format!("CONSTRAINT {} ", ident(key));
    Some(format!("ADD {}", if index == key { text } else { text.strip_prefix(&named)? }))
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

/// What gives an index back whether the optimizer sees it, where nothing else differs.
fn visibility(both: &Both<'_>, kind: &str, object: &str) -> Option<&'static str> {
    if kind != "index" {
        return None;
    }
    let (wanted, found) = (both.wanted.get(kind, object)?, both.found.get(kind, object)?);
    let hidden = ["/*!80000 INVISIBLE */", "IGNORED"];
    let options = |properties: &super::Properties<'_>| -> (String, Option<usize>) {
        let text = properties.get("options").copied().unwrap_or_default();
        let word = hidden.iter().position(|word| text.contains(word));
        (word.map_or(text.to_owned(), |at| text.replace(hidden[at], "")).trim().to_owned(), word)
    };
    let others = |properties: &super::Properties<'_>| {
        let others = properties.iter().filter(|(name, _)| **name != "options");
        others.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>()
    };
    let ((rest, is_hidden), (other_rest, was_hidden)) = (options(wanted), options(found));
    if rest != other_rest || others(wanted) != others(found) {
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
