//! Rows that go on under another name: a table or a column that a migration renames is not dropped.
//!
//! What a schema lacks afterwards may have been renamed, and nothing in the catalog says so. Counts and hashes do: they
//! are the same under the new name behind the up, and under the old one again behind the down.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::data::{Data, Print};
use crate::rows::Table;
use crate::snapshot::{Change, Fate};

/// Two titles, as `table public.users` or `column public.users.email`: the name before the up, and the one behind it.
pub type Move = (String, String);

/// Each table that went with each that came; for columns, those of the same table.
pub fn candidates(there: &[Change]) -> Vec<Move> {
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
    let wanted: BTreeSet<&str> = names.filter_map(table_of).collect();
    all.iter().filter(|table| wanted.contains(table.title())).cloned().collect()
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
    let print = |title: &str, data: &Data| table_of(title).and_then(|table| data.tables.get(table)).cloned();
    let (Some(old), Some(new)) = (print(from, before), print(to, after)) else { return false };
    match (column_of(from), column_of(to)) {
        (None, None) => old.count > 0 && old.count == new.count && has_same_columns(&old, &new),
        (Some(one), Some(other)) => match (old.column(one), new.column(other)) {
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

/// The table that a title names, or whose column it names.
fn table_of(title: &str) -> Option<&str> {
    match title.split_once(' ')? {
        ("column", name) => owner(name),
        (_, name) => Some(name),
    }
}

fn column_of(title: &str) -> Option<&str> {
    title.strip_prefix("column ")?.rsplit_once('.').map(|(_, name)| name)
}

fn owner(column: &str) -> Option<&str> {
    column.rsplit_once('.').map(|(table, _)| table)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data::ColumnPrint;
    use crate::snapshot::Weight;

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
        let pairs = candidates(&there);
        let names: Vec<&str> = pairs.iter().map(|(_, to)| to.as_str()).collect();
        assert_eq!(names, ["column a.y", "column a.z"]);
        let both = data("a", 6, &[("y", "2"), ("z", "2")]);
        let moves = held(pairs, &data("a", 6, &[("x", "2")]), &both);
        assert_eq!(moves, [("column a.x".to_owned(), "column a.y".to_owned())]);
    }
}
