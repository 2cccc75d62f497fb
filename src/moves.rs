//! Rows that go on under another name: a table or a column that a migration renames is not dropped.
//!
//! What a schema lacks afterwards may have been renamed, and nothing in the catalog says so. Two things must: a statement of
//! each script that gives the one name for the other, and counts and hashes in the shadow, which are the same under the new
//! name behind the up and under the old one again behind the down. Rows alone would not do: a copy with a WHERE may take all
//! that a shadow holds, and leave some of a live table behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::data::{ColumnPrint, Data, Print};
use crate::migration::{Down, Migration};
use crate::reading::Reading;
use crate::rows::Table;
use crate::snapshot::{Change, Fate, owner, parts};
use crate::sql::Script;
use crate::token::{Token, TokenKind};

/// Two titles, as `table public.users` or `column public.users.email`: the name before the up, and the one behind it.
pub type Move = (String, String);

/// Each table that went with each that came, and for columns those of the same table, where both scripts say that this is a
/// new name.
pub fn candidates(there: &[Change], migration: &Migration) -> Vec<Move> {
    let mut pairs = said(there, &migration.up);
    if let (false, Down::Script(down)) = (pairs.is_empty(), &migration.down) {
        let down = Renames::of(down);
        pairs.retain(|(from, to)| down.say(to, from));
    }
    pairs
}

/// Tables and columns that went and came where the up says that this is a new name; each name once.
pub fn said(there: &[Change], up: &Script) -> Vec<Move> {
    let mut pairs = pairs(there);
    if pairs.is_empty() {
        return pairs;
    }
    let renames = Renames::of(up);
    let mut taken: BTreeSet<String> = BTreeSet::new();
    pairs.retain(|(from, to)| {
        let is_said = renames.say(from, to) && !taken.contains(from) && !taken.contains(to);
        if is_said {
            taken.extend([from.clone(), to.clone()]);
        }
        is_said
    });
    pairs
}

fn pairs(there: &[Change]) -> Vec<Move> {
    let of = |fate| {
        let holds_rows = |change: &&Change| matches!(change.kind.as_str(), "table" | "column");
        there.iter().filter(holds_rows).filter(move |change| change.fate == fate)
    };
    let is_like = |gone: &Change, come: &Change| {
        gone.kind == come.kind && (gone.kind == "table" || owner(&gone.object) == owner(&come.object))
    };
    let came: Vec<&Change> = of(Fate::Added).collect();
    let pairs = of(Fate::Removed)
        .flat_map(|gone| came.iter().filter(move |come| is_like(gone, come)).map(|come| (gone.title(), come.title())));
    pairs.collect()
}

/// The tables whose rows tell about these names.
pub fn tables<'a>(names: impl Iterator<Item = &'a str>, all: &[Arc<Table>]) -> Vec<Arc<Table>> {
    let wanted: Vec<String> = names.filter_map(table_of).collect();
    let is_wanted = |table: &&Arc<Table>| wanted.iter().any(|name| name.eq_ignore_ascii_case(table.title()));
    all.iter().filter(is_wanted).cloned().collect()
}

/// The candidates whose rows are all there under the new name; each name is used once.
pub fn held(candidates: Vec<Move>, before: &Data, after: &Data) -> Vec<Move> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut moves = candidates;
    moves.retain(|(from, to)| {
        let is_free = !taken.contains(from) && !taken.contains(to);
        let moved = is_free && is_moved((from, before), (to, after));
        if moved {
            taken.extend([from.clone(), to.clone()]);
        }
        moved
    });
    moves
}

/// Whether what stood under one name stands under the other: rows, or values that are not NULL, of the same number with the
/// same hashes. Where there was nothing nothing is known.
pub fn is_moved((from, before): (&str, &Data), (to, after): (&str, &Data)) -> bool {
    // A schema's text may fold the case of names that the rows' table keeps.
    let print = |title: &str, data: &Data| {
        let table = table_of(title)?;
        let folded = || data.tables.iter().find(|(name, _)| name.eq_ignore_ascii_case(&table)).map(|(_, print)| print);
        data.tables.get(&table).or_else(folded).cloned()
    };
    let (Some(old), Some(new)) = (print(from, before), print(to, after)) else { return false };
    match (column_of(from), column_of(to)) {
        (None, None) => old.count > 0 && old.count == new.count && has_same_columns(&old, &new),
        (Some(one), Some(other)) => match (column(&old, &one), column(&new, &other)) {
            (Some(one), Some(other)) => one.values > 0 && one.values == other.values && one.hash == other.hash,
            _ => false,
        },
        _ => false,
    }
}

/// Whether there are columns that both have, and all of these hold the same values.
fn has_same_columns(old: &Print, new: &Print) -> bool {
    let mut common = old.columns.iter().filter_map(|one| Some((one, new.column(&one.name)?))).peekable();
    common.peek().is_some() && common.all(|(one, other)| one.hash == other.hash && one.values == other.values)
}

/// The new names that a script gives: last parts of names, in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
struct Renames {
    /// From, to: of tables, columns and schemas.
    names: BTreeSet<(String, String)>,
    /// A table, and the schema that it is moved to.
    schemas: BTreeSet<(String, String)>,
}

impl Renames {
    fn of(script: &Script) -> Renames {
        let mut renames = Renames::default();
        for statement in script.statements() {
            let tokens: Vec<Token> = script.lex(statement).filter(Token::is_significant).collect();
            renames.read(&Reading::new(script.text(), script.flavor(), &tokens));
        }
        renames
    }

    fn read(&mut self, reading: &Reading<'_>) {
        let name =
            |at: usize| reading.tokens.get(at)?.name(reading.text, reading.flavor).map(|name| name.to_lowercase());
        let is = |at: usize, words: &[&str]| {
            let token = reading.tokens.get(at);
            token.is_some_and(|token| words.iter().any(|word| token.is_word(reading.text, word)))
        };
        // The last part of a name of one or more, and where it stands.
        let last = |mut at: usize| {
            while reading.tokens.get(at + 1).is_some_and(|token| token.is_symbol(reading.text, ".")) {
                at += 2;
            }
            Some((name(at)?, at))
        };
        let skip = |mut at: usize, words: &[&str]| {
            while is(at, words) {
                at += 1;
            }
            at
        };
        let is_to = |at: usize| {
            is(at, &["to", "as"]) || reading.tokens.get(at).is_some_and(|token| token.is_symbol(reading.text, "="))
        };
        if reading.word(0) == "rename" {
            for to in (0..reading.tokens.len()).filter(|at| is(*at, &["to"])) {
                if let (Some(from), Some((to, _))) = (to.checked_sub(1).and_then(name), last(to + 1)) {
                    self.names.insert((from, to));
                }
            }
        }
        let altered = skip(2, &["if", "exists", "only"]);
        let Some((table, _)) = last(altered).filter(|_| reading.word(0) == "alter") else { return };
        for at in (altered..reading.tokens.len()).filter(|at| reading.tokens[*at].kind == TokenKind::Word) {
            let next = skip(at + 1, &["column", "if", "exists"]);
            let behind = if is_to(next + 1) { next + 2 } else { next + 1 };
            let pair = if is(at, &["change"]) {
                name(next).zip(name(next + 1))
            } else if !is(at, &["rename"]) {
                None
            } else if is_to(next + 1) && !is_to(next) {
                name(next).zip(name(behind))
            } else {
                last(if is_to(next) { next + 1 } else { next }).map(|(to, _)| (table.clone(), to))
            };
            self.names.extend(pair);
            if is(at, &["set"]) && is(at + 1, &["schema"]) {
                self.schemas.extend(name(at + 2).map(|schema| (table.clone(), schema)));
            }
        }
    }

    /// Whether this title gets that one by a new name for one of its parts.
    fn say(&self, from: &str, to: &str) -> bool {
        let lower = |title: &str| -> Vec<String> {
            let name = title.split_once(' ').map_or("", |(_, name)| name);
            parts(name).iter().map(|part| part.to_lowercase()).collect()
        };
        let (from, to) = (lower(from), lower(to));
        let other: Vec<usize> = (0..from.len()).filter(|at| from.get(*at) != to.get(*at)).collect();
        let ([at], true) = (other.as_slice(), from.len() == to.len()) else { return false };
        let behind = from.get(at + 1).map(|table| (table.clone(), to[*at].clone()));
        self.names.contains(&(from[*at].clone(), to[*at].clone()))
            || behind.is_some_and(|pair| self.schemas.contains(&pair))
    }
}

/// The column of a name that a schema's text may have folded.
fn column<'a>(print: &'a Print, name: &str) -> Option<&'a ColumnPrint> {
    print.column(name).or_else(|| print.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
}

/// The table that a title names, or whose column it names.
fn table_of(title: &str) -> Option<String> {
    match title.split_once(' ')? {
        ("column", name) => owner(name),
        (_, name) => Some(parts(name).join(".")),
    }
}

fn column_of(title: &str) -> Option<String> {
    parts(title.strip_prefix("column ")?).pop()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::snapshot::Weight;
    use crate::sql::Flavor;

    fn data(table: &str, count: u64, columns: &[(&str, &str)]) -> Data {
        let column = |(name, hash): &(&str, &str)| ColumnPrint {
            name: (*name).to_owned(),
            hash: (*hash).to_owned(),
            values: count,
            ..ColumnPrint::default()
        };
        let print = Print { count, columns: columns.iter().map(column).collect(), ..Print::default() };
        Data { tables: BTreeMap::from([(table.to_owned(), print)]) }
    }

    fn moved(from: (&str, &Data), to: (&str, &Data)) -> bool {
        is_moved(from, to)
    }

    #[test]
    fn a_renamed_table_holds_the_same_rows() {
        let old = data("a", 6, &[("id", "1"), ("x", "2")]);
        assert!(moved(("table a", &old), ("table b", &data("b", 6, &[("id", "1"), ("y", "2")]))));
        assert!(!moved(("table a", &old), ("table b", &data("b", 5, &[("id", "1")]))));
        assert!(!moved(("table a", &old), ("table b", &data("b", 6, &[("id", "9")]))));
        assert!(!moved(("table a", &old), ("table b", &data("b", 6, &[("z", "1")]))));
        let none = data("a", 0, &[("id", "0")]);
        assert!(!moved(("table a", &none), ("table b", &data("b", 0, &[("id", "0")]))));
    }

    #[test]
    fn a_renamed_column_holds_the_same_values() {
        let old = data("a", 6, &[("x", "2")]);
        assert!(moved(("column a.x", &old), ("column a.y", &data("a", 6, &[("y", "2")]))));
        assert!(!moved(("column a.x", &old), ("column a.y", &data("a", 6, &[("y", "3")]))));
    }

    #[test]
    fn new_names_are_read_from_statements_that_give_them() {
        let says = |sql: &str, flavor, from: &str, to: &str| {
            Renames::of(&Script::parse("up.sql", 1, sql.as_bytes(), flavor)).say(from, to)
        };
        let (lite, pg, my) = (Flavor::Sqlite, Flavor::Postgres, Flavor::Mysql);
        for (sql, flavor, from, to) in [
            ("ALTER TABLE a RENAME TO b", lite, "table a", "table b"),
            ("ALTER TABLE \"a\" RENAME x TO y", lite, "column a.x", "column a.y"),
            ("ALTER TABLE IF EXISTS ONLY s.a RENAME TO \"B\"", pg, "table s.a", "table s.B"),
            ("ALTER TABLE a RENAME COLUMN x TO y", pg, "column s.a.x", "column s.a.y"),
            ("ALTER TABLE public.a SET SCHEMA t", pg, "table public.a", "table t.a"),
            ("ALTER SCHEMA s RENAME TO t", pg, "table s.a", "table t.a"),
            ("ALTER SCHEMA s RENAME TO t", pg, "column s.a.x", "column t.a.x"),
            ("RENAME TABLE a TO b, c TO d", my, "table c", "table d"),
            ("RENAME TABLE IF EXISTS `db`.`a` TO `db`.`b`", my, "table a", "table b"),
            ("ALTER TABLE a ADD z int, RENAME b", my, "table a", "table b"),
            ("ALTER TABLE a RENAME = b", my, "table a", "table b"),
            ("ALTER TABLE a CHANGE COLUMN x y int NOT NULL", my, "column a.x", "column a.y"),
            ("ALTER TABLE a DROP v, CHANGE x y int", my, "column a.x", "column a.y"),
            ("ALTER TABLE a RENAME COLUMN v TO w, RENAME COLUMN x TO y", my, "column a.x", "column a.y"),
        ] {
            assert!(says(sql, flavor, from, to), "{sql}");
        }
        for (sql, flavor, from, to) in [
            ("INSERT INTO b SELECT * FROM a; DROP TABLE a", lite, "table a", "table b"),
            ("INSERT INTO b SELECT rename FROM a", lite, "table a", "table b"),
            ("ALTER TABLE a DROP v, CHANGE x y int", my, "column a.v", "column a.y"),
            ("RENAME TABLE a TO b, c TO d", my, "table a", "table d"),
            ("ALTER TABLE a RENAME COLUMN x TO y", pg, "table s.a", "table s.y"),
            ("ALTER TABLE a RENAME TO b", pg, "table s.a", "table t.b"),
            ("ALTER TABLE b RENAME TO a", pg, "table a", "table b"),
        ] {
            assert!(!says(sql, flavor, from, to), "{sql}");
        }
    }

    #[test]
    fn each_name_moves_once_and_columns_stay_in_their_table() {
        let change = |fate, kind: &str, object: &str| Change {
            fate,
            weight: Weight::Strong,
            kind: kind.to_owned(),
            object: object.to_owned(),
            lines: Vec::new(),
        };
        let there = [
            change(Fate::Removed, "column", "a.x"),
            change(Fate::Added, "column", "a.y"),
            change(Fate::Added, "column", "a.z"),
            change(Fate::Added, "column", "b.y"),
            change(Fate::Added, "index", "a.i"),
        ];
        let pairs = pairs(&there);
        let names: Vec<&str> = pairs.iter().map(|(_, to)| to.as_str()).collect();
        assert_eq!(names, ["column a.y", "column a.z"]);
        let both = data("a", 6, &[("y", "2"), ("z", "2")]);
        let moves = held(pairs, &data("a", 6, &[("x", "2")]), &both);
        assert_eq!(moves, [("column a.x".to_owned(), "column a.y".to_owned())]);
    }
}
