//! The way back on MySQL and MariaDB: one ALTER TABLE for all that a table has otherwise, made of the parts that the server shows.
//!
//! DDL commits by itself there, so each statement does as much as one can: what fails takes back less that way, and rows are
//! copied once.

use std::collections::BTreeSet;

use super::objects::{Differences, Key, Objects, Properties};
use super::{Pressure, Schema, Step, Task};
use crate::sql::Flavor;

mod alter;
mod columns;
mod grants;
mod options;
mod stored;
mod values;

pub(super) fn steps(task: &Task<'_>) -> Vec<Step> {
    let both = Both::of(task);
    if !task.moves.is_empty() {
        let renames = renames(&both).into_iter();
        let hinders = if task.pressure == Pressure::High { alter::names_columns(&both) } else { Vec::new() };
        return hinders.into_iter().chain(renames).collect();
    }
    if let Some(step) = database(&both) {
        return vec![step];
    }
    let mut steps = Vec::new();
    if task.pressure == Pressure::High {
        steps.extend(keys_in_the_way(&both));
    }
    steps.extend(grants::revoked(&both));
    steps.extend(stored::dropped(&both, stored::CODE));
    steps.extend(stored::made(&both, stored::SEQUENCES));
    steps.extend(made_tables(&both));
    steps.extend(both.altered().iter().filter_map(|table| alter::altered(&both, table)));
    steps.extend(dropped_tables(&both));
    steps.extend(stored::dropped(&both, stored::SEQUENCES));
    steps.extend(stored::made(&both, stored::CODE));
    steps.extend(grants::made(&both));
    steps
}

/// Both schemas side by side, and what they have otherwise.
struct Both<'a> {
    task: &'a Task<'a>,
    wanted: Objects<'a>,
    found: Objects<'a>,
    differences: Differences<'a>,
    tables: BTreeSet<&'a str>,
}

impl<'a> Both<'a> {
    fn of(task: &'a Task<'a>) -> Both<'a> {
        let (wanted, found) = (Objects::of(&task.wanted.snapshot), Objects::of(&task.found.snapshot));
        let differences = wanted.differences(&found);
        let tables = wanted.of_kind("table").chain(found.of_kind("table")).map(|(table, _)| table).collect();
        Both { task, wanted, found, differences, tables }
    }

    /// The table of a part's name, and its own name. A name may hold dots, so the tables say where it is cut.
    fn parted(&self, object: &'a str) -> Option<(&'a str, &'a str)> {
        let mut cuts = object.match_indices('.').map(|(at, _)| (&object[..at], &object[at + 1..]));
        cuts.find(|(table, _)| self.tables.contains(table))
    }

    /// Tables that both have, otherwise.
    fn altered(&self) -> BTreeSet<&'a str> {
        let is_in_both = |table: &&str| self.wanted.has("table", table) && self.found.has("table", table);
        let all = self.differences.came.iter().chain(&self.differences.gone).chain(&self.differences.changed);
        let named = all.filter_map(|(kind, object)| match *kind {
            "table" => Some(*object),
            "column" | "index" | "constraint" | "period" => self.parted(object).map(|(table, _)| table),
            _ => None,
        });
        let order = |objects: &Objects<'a>, table: &str| -> Vec<&'a str> {
            columns(objects, table).into_iter().map(|(name, _)| name).collect()
        };
        let reordered = self.tables.iter().copied();
        let reordered = reordered.filter(|table| order(&self.wanted, table) != order(&self.found, table));
        named.chain(reordered).filter(is_in_both).collect()
    }

    /// What both have otherwise, or only one has, of a kind in a table: whole names, and own names.
    fn of_table(&self, keys: &[Key<'a>], kind: &str, table: &str) -> Vec<(&'a str, &'a str)> {
        let all = keys.iter().filter(|key| key.0 == kind).filter_map(|key| Some((key.1, self.parted(key.1)?)));
        all.filter(|(_, parted)| parted.0 == table).map(|(object, parted)| (object, parted.1)).collect()
    }
}

fn ident(name: &str) -> String {
    Flavor::Mysql.ident(name)
}

/// The columns of a table, by their place.
fn columns<'a>(objects: &Objects<'a>, table: &str) -> Vec<(&'a str, &'a str)> {
    let place = |properties: &Properties<'_>| properties.get("~position").and_then(|place| place.parse::<u32>().ok());
    let mut columns: Vec<(u32, &str, &str)> = objects
        .of_kind("column")
        .filter_map(|(object, properties)| {
            let name = object.strip_prefix(table)?.strip_prefix('.')?;
            Some((place(properties).unwrap_or(u32::MAX), name, object))
        })
        .collect();
    columns.sort_unstable();
    columns.into_iter().map(|(_, name, object)| (name, object)).collect()
}

/// Old names for what has a new one.
fn renames(both: &Both<'_>) -> Vec<Step> {
    let renamed = both.task.moves.iter().filter_map(|(from, to)| {
        let ((kind, from), (_, to)) = (from.split_once(' ')?, to.split_once(' ')?);
        if kind == "table" {
            return Some(Step::one(format!("RENAME TABLE {} TO {}", ident(to), ident(from))));
        }
        let ((old_table, old), (table, new)) = (both.parted(from)?, both.parted(to)?);
        let alter = format!("ALTER TABLE {}", ident(table));
        let definition = both.task.wanted.text(kind, &format!("{old_table}.{old}"))?;
        let ways = vec![
            vec![format!("{alter} RENAME COLUMN {} TO {}", ident(new), ident(old))],
            // Servers before MySQL 8.0 and MariaDB 10.5 know CHANGE only.
            vec![format!("{alter} CHANGE COLUMN {} {definition}", ident(new))],
        ];
        Some(Step { ways, says: Vec::new() })
    });
    renamed.collect()
}

/// The character set that new tables get. It comes alone: what has it by itself is the same again behind it.
fn database(both: &Both<'_>) -> Option<Step> {
    let said = |schema: &Schema| charset_of_the_database(schema).map(str::to_owned);
    let (wanted, found) = (said(both.task.wanted), said(both.task.found));
    let (charset, collation) = wanted.as_deref().filter(|_| wanted != found)?.split_once(' ')?;
    Some(Step::one(format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}")))
}

/// As `utf8mb4 utf8mb4_bin`.
fn charset_of_the_database(schema: &Schema) -> Option<&str> {
    let mut lines = schema.snapshot.of_kind("database");
    lines.find(|line| line.property == "charset").map(|line| line.value.as_str())
}

/// Foreign keys hold columns and indexes as they are, on both of their ends: those of tables that are to be altered go, and come
/// again behind that. Tables that refer to each other let none of them go.
fn keys_in_the_way(both: &Both<'_>) -> Vec<Step> {
    let altered = both.altered();
    let came = both.differences.came_of("table");
    let found = both.found.of_kind("constraint").filter(|(_, properties)| properties.get("") == Some(&"foreign key"));
    let steps = found.filter_map(|(object, properties)| {
        let (table, name) = both.parted(object)?;
        let target = properties.get("options").and_then(|options| referred(options)).unwrap_or_default();
        let is_of = |tables: &BTreeSet<&str>, name: &str| tables.iter().any(|one| ident(one) == name);
        let stands = is_of(&altered, &ident(table)) || is_of(&altered, target);
        let is_mutual = came.contains(table) && is_of(&came, target);
        let step = Step::one(format!("ALTER TABLE {} DROP FOREIGN KEY {}", ident(table), ident(name)));
        (stands || is_mutual).then_some(step)
    });
    steps.collect()
}

/// The table that a foreign key refers to, in its quotes.
fn referred(options: &str) -> Option<&str> {
    options.strip_prefix("REFERENCES ")?.split(" (").next()
}

/// Tables that went, those first that others refer to.
fn made_tables(both: &Both<'_>) -> Vec<Step> {
    let mut left: Vec<&str> = both.differences.gone_of("table").into_iter().collect();
    let keys_of = |table: &str| -> Vec<(&str, &str)> {
        let of_table = both.of_table(&both.differences.gone, "constraint", table).into_iter();
        let keys = of_table.filter_map(|(object, _)| {
            let options = both.wanted.get("constraint", object)?.get("options")?;
            Some((both.task.wanted.text("constraint", object)?, referred(options)?))
        });
        keys.collect()
    };
    let mut steps = Vec::new();
    while !left.is_empty() {
        let waits = |table: &str| {
            let others = || left.iter().filter(|other| **other != table);
            keys_of(table).iter().any(|(_, target)| others().any(|other| ident(other) == *target))
        };
        let at = left.iter().position(|table| !waits(table)).unwrap_or(0);
        let table = left.remove(at);
        let Some(text) = both.task.wanted.text("table", table) else { continue };
        let mut ways = vec![vec![text.to_owned()]];
        // Where tables refer to each other, neither can be first as a whole: the keys are added behind them.
        let without =
            keys_of(table).iter().fold(text.to_owned(), |text, (key, _)| text.replacen(&format!(",\n  {key}"), "", 1));
        if without != text {
            ways.push(vec![without]);
        }
        steps.push(Step { ways, says: Vec::new() });
    }
    steps
}

fn dropped_tables(both: &Both<'_>) -> Vec<Step> {
    let came = both.differences.came_of("table").into_iter();
    came.map(|table| Step::one(format!("DROP TABLE {}", ident(table)))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Care, Definition};
    use super::*;
    use crate::moves::Move;
    use crate::snapshot::{Line, Snapshot};

    /// Lines as `kind object property=value`, where the names hold no spaces, and the text of a part behind ` | `.
    fn schema(lines: &[&str]) -> Schema {
        let (mut all, mut definitions) = (Vec::new(), Vec::new());
        for line in lines {
            let (line, text) = line.split_once(" | ").unwrap_or((line, ""));
            let (title, value) = line.split_once('=').unwrap_or((line, ""));
            let mut words = title.split(' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            let (kind, object, property) = (word(), word(), word());
            if !text.is_empty() {
                definitions.push(Definition { kind: kind.clone(), object: object.clone(), text: text.to_owned() });
            }
            all.push(Line { kind, object, property, value: value.to_owned() });
        }
        Schema { snapshot: Snapshot::new(all), definitions }
    }

    fn ways(wanted: &[&str], found: &[&str], moves: &[Move], pressure: Pressure) -> Vec<Vec<Vec<String>>> {
        let (wanted, found) = (schema(wanted), schema(found));
        let task = Task { wanted: &wanted, found: &found, moves, pressure, care: Care::Strict };
        steps(&task).into_iter().map(|step| step.ways).collect()
    }

    #[test]
    fn an_index_that_mysql_hides_is_shown_again() {
        let index = ["table t", "index t.k =key", "index t.k columns=(`a`)"];
        let hidden = [&index[..], &["index t.k options=/*!80000 INVISIBLE */"]].concat();
        let shown = ways(&index, &hidden, &[], Pressure::Calm);
        assert_eq!(shown, [[["ALTER TABLE `t` ALTER INDEX `k` VISIBLE"]]]);
        let hidden = ways(&hidden, &index, &[], Pressure::Calm);
        assert_eq!(hidden, [[["ALTER TABLE `t` ALTER INDEX `k` INVISIBLE"]]]);
    }

    #[test]
    fn an_index_that_mysql_takes_for_the_same_is_made_in_a_statement_of_its_own() {
        let index = ["table t", "index t.k =fulltext key", "index t.k columns=(`a`) | FULLTEXT KEY `k` (`a`)"];
        let parsed = [&index[..], &["index t.k options=/*!50100 WITH PARSER `ngram` */"]].concat();
        let shown = ways(&index, &parsed, &[], Pressure::Calm);
        assert_eq!(shown[0][0], ["ALTER TABLE `t` DROP INDEX `k`", "ALTER TABLE `t` ADD FULLTEXT KEY `k` (`a`)"]);
    }

    /// MySQL refuses a new name for a column that a CHECK or a computed column reads.
    #[test]
    fn what_reads_a_column_goes_before_its_new_name_where_nothing_else_helps() {
        let wanted = ["table t", "column t.a", "constraint t.c =check", "constraint t.c definition=(`a` > 0)"];
        let found = [
            "table t",
            "column t.b",
            "constraint t.c =check",
            "constraint t.c definition=(`b` > 0)",
            "column t.g generated=(`b`)",
        ];
        let definition = [&wanted[..1], &["column t.a type=int | `a` int"], &wanted[2..]].concat();
        let moves = [("column t.a".to_owned(), "column t.b".to_owned())];
        let rename = vec![
            vec!["ALTER TABLE `t` RENAME COLUMN `b` TO `a`".to_owned()],
            vec!["ALTER TABLE `t` CHANGE COLUMN `b` `a` int".to_owned()],
        ];
        assert_eq!(ways(&definition, &found, &moves, Pressure::Calm), std::slice::from_ref(&rename));
        let high = ways(&definition, &found, &moves, Pressure::High);
        let drops = [
            vec![vec!["ALTER TABLE `t` DROP COLUMN `g`".to_owned()]],
            vec![vec!["ALTER TABLE `t` DROP CONSTRAINT `c`".to_owned()]],
        ];
        assert_eq!(high, [&drops[..], &[rename]].concat());
    }

    #[test]
    fn a_column_is_made_anew_where_it_cannot_be_computed_otherwise() {
        let column = |how: &str| format!("column t.g generated={how} | `g` int AS (1) {how}");
        let shown = ways(&["table t", &column("STORED")], &["table t", &column("VIRTUAL")], &[], Pressure::Calm);
        let first = vec!["ALTER TABLE `t` MODIFY COLUMN `g` int AS (1) STORED".to_owned()];
        let other = vec!["ALTER TABLE `t`\n  DROP COLUMN `g`,\n  ADD COLUMN `g` int AS (1) STORED FIRST".to_owned()];
        assert_eq!(shown[0][..2], [first, other]);
    }

    #[test]
    fn a_number_that_the_server_would_give_is_left_to_it() {
        let key = |number: u32| {
            let name = format!("t_ibfk_{number}");
            [
                format!(
                    "constraint t.{name} =foreign key | CONSTRAINT `{name}` FOREIGN KEY (`a`) REFERENCES `p` (`a`)"
                ),
                format!("constraint t.{name} options=REFERENCES `p` (`a`)"),
            ]
        };
        let both = [key(1), key(2)].concat();
        let wanted: Vec<&str> = std::iter::once("table t").chain(both.iter().map(String::as_str)).collect();
        let add = |found: &[&str]| ways(&wanted, found, &[], Pressure::Calm)[0][0].clone();
        assert_eq!(add(&wanted[..3]), ["ALTER TABLE `t` ADD FOREIGN KEY (`a`) REFERENCES `p` (`a`)"]);
        let last = [&wanted[..1], &wanted[3..]].concat();
        assert_eq!(add(&last), ["ALTER TABLE `t` ADD CONSTRAINT `t_ibfk_1` FOREIGN KEY (`a`) REFERENCES `p` (`a`)"]);
    }
}
