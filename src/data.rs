//! What tells whether rows came back: counts and order-free hashes, computed inside the database.
//!
//! A schema that is the same again says nothing about what stood in it. Prints are compared only where both sides have
//! the table and the column: what differs in the schema is the snapshot's business.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::rows::Table;

/// The data of a database, by title of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    pub tables: BTreeMap<String, Print>,
}

/// The data of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Print {
    /// Number of rows.
    pub count: u64,
    /// Order-free hash of whole rows: sees values that moved from one row to another.
    pub hash: String,
    /// In the table's order.
    pub columns: Vec<ColumnPrint>,
}

/// The data of one column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnPrint {
    pub name: String,
    /// The type, as the engine wrote it: values of different types have different texts.
    pub type_text: String,
    pub hash: String,
    /// Number of values that are not NULL.
    pub values: u64,
}

impl Print {
    /// Reads the one row of [`crate::engine::Engine::fingerprint`]. `None` when it has not the shape it must have (I9).
    pub fn of(table: &Table, row: &[Option<String>]) -> Option<Print> {
        if row.len() != table.columns.len() + 2 {
            return None;
        }
        let count = row[0].as_deref()?.parse().ok()?;
        // The sum over no rows is NULL on some engines.
        let hash = row[1].clone().unwrap_or_default();
        let columns = table.columns.iter().zip(&row[2..]).map(|(column, cell)| {
            let (hash, values) = cell.as_deref()?.rsplit_once(':')?;
            Some(ColumnPrint {
                name: column.name.clone(),
                type_text: column.type_text.clone(),
                hash: hash.to_owned(),
                values: values.parse().ok()?,
            })
        });
        Some(Print { count, hash, columns: columns.collect::<Option<_>>()? })
    }

    pub fn column(&self, name: &str) -> Option<&ColumnPrint> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether whole rows of both can be compared: the same columns in the same order.
    fn is_like(&self, other: &Print) -> bool {
        let same = |(a, b): (&ColumnPrint, &ColumnPrint)| a.name == b.name && a.type_text == b.type_text;
        self.columns.len() == other.columns.len() && self.columns.iter().zip(&other.columns).all(same)
    }
}

/// What happened to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The table is not there any more, and it had rows.
    Gone,
    /// Rows, or values of a column, that were there are not.
    Lost,
    /// Values are others than they were.
    Changed,
    /// Rows that were not there before.
    Appeared,
}

/// How sure the number of a loss is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    Exactly,
    /// Hashes tell that something differs, not how much.
    AtLeast,
}

/// A difference of data between two readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Title of the table.
    pub table: String,
    /// `None`: whole rows.
    pub column: Option<String>,
    pub rows: u64,
    pub sure: Sure,
    pub what: What,
}

impl Loss {
    /// `public.users`, or `public.users.email`.
    pub fn title(&self) -> String {
        match &self.column {
            Some(column) => format!("{}.{column}", self.table),
            None => self.table.clone(),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Loss { table, rows, .. } = self;
        let least = if self.sure == Sure::AtLeast { "at least " } else { "" };
        let unit = |one: &str| if *rows == 1 { format!("1 {one}") } else { format!("{rows} {one}s") };
        match (&self.column, self.what) {
            (_, What::Gone) => write!(f, "{table} is gone with {}", unit("row")),
            (None, What::Lost) => write!(f, "{table} lost {least}{}", unit("row")),
            (None, What::Changed) => write!(f, "{least}{} of {table} changed", unit("row")),
            (None, What::Appeared) => write!(f, "{table} has {least}{} more", unit("row")),
            (Some(column), What::Lost) => write!(f, "{table}.{column} lost {least}{}", unit("value")),
            (Some(column), What::Changed) => write!(f, "{least}{} of {table}.{column} changed", unit("value")),
            (Some(column), What::Appeared) => write!(f, "{table}.{column} has {least}{} more", unit("value")),
        }
    }
}

/// What the data of `after` lacks or has changed against `before`. Tables that stand in one reading only are left out,
/// but for those that had rows before and that `tables_after` (all there are) does not know any more.
pub fn losses(before: &Data, after: &Data, tables_after: &[Arc<Table>]) -> Vec<Loss> {
    let known = |title: &str| tables_after.iter().any(|table| table.title() == title);
    let mut losses = Vec::new();
    for (table, old) in &before.tables {
        let mut tell = |column: Option<&str>, rows, sure, what| {
            losses.push(Loss { table: table.clone(), column: column.map(str::to_owned), rows, sure, what });
        };
        match (known(table), after.tables.get(table)) {
            (true, Some(new)) => compare(old, new, &mut tell),
            (false, _) if old.count > 0 => tell(None, old.count, Sure::Exactly, What::Gone),
            _ => {}
        }
    }
    losses
}

fn compare(old: &Print, new: &Print, tell: &mut impl FnMut(Option<&str>, u64, Sure, What)) {
    if new.count < old.count {
        tell(None, old.count - new.count, Sure::Exactly, What::Lost);
    } else if new.count > old.count {
        tell(None, new.count - old.count, Sure::Exactly, What::Appeared);
    }
    let mut told = new.count != old.count;
    for (was, is) in old.columns.iter().filter_map(|was| Some((was, new.column(&was.name)?))) {
        if let Some((rows, sure, what)) = column(old, new, was, is) {
            tell(Some(&was.name), rows, sure, what);
            told = true;
        }
    }
    if !told && old.is_like(new) && old.hash != new.hash {
        // Each column holds the same values, so at least two rows have exchanged some.
        tell(None, 2, Sure::AtLeast, What::Changed);
    }
}

/// What became of a column beyond the rows that came or went.
fn column(old: &Print, new: &Print, was: &ColumnPrint, is: &ColumnPrint) -> Option<(u64, Sure, What)> {
    if new.count != old.count {
        // Rows that went took their values along; only what they cannot have taken is the column's own loss.
        let taken = old.count.saturating_sub(new.count);
        let lost = was.values.saturating_sub(taken).saturating_sub(is.values);
        return (lost > 0).then_some((lost, Sure::AtLeast, What::Lost));
    }
    if is.values < was.values {
        // Where all are gone the number is certain; else others may have changed as well.
        let sure = if is.values == 0 { Sure::Exactly } else { Sure::AtLeast };
        return Some((was.values - is.values, sure, What::Lost));
    }
    if is.values > was.values {
        // Beside those that were NULL, others may have changed, where there are any.
        let (sure, what) =
            if was.values == 0 { (Sure::Exactly, What::Appeared) } else { (Sure::AtLeast, What::Changed) };
        return Some((is.values - was.values, sure, what));
    }
    let differs = was.type_text == is.type_text && was.hash != is.hash;
    differs.then_some((1, if was.values == 1 { Sure::Exactly } else { Sure::AtLeast }, What::Changed))
}

/// The tables of `before` as `after` still has them, columns in the order of `before`: reading these makes whole rows
/// comparable where only the order of columns differs.
pub fn shaped(before: &[Arc<Table>], after: &[Arc<Table>]) -> Vec<Arc<Table>> {
    let shape = |table: &Arc<Table>| {
        let now = after.iter().find(|now| now.title() == table.title())?;
        if now.columns.iter().map(|column| &column.name).eq(table.columns.iter().map(|column| &column.name)) {
            return Some(Arc::clone(now));
        }
        let columns = table.columns.iter().filter_map(|column| now.column(&column.name).cloned()).collect();
        Some(Arc::new(Table { columns, ..(**now).clone() }))
    };
    before.iter().filter_map(shape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Column;

    fn table(name: &str, columns: &[&str]) -> Table {
        let column = |name: &&str| Column { name: (*name).to_owned(), ..Column::default() };
        Table { name: name.to_owned(), columns: columns.iter().map(column).collect(), ..Table::default() }
    }

    fn data(cells: &[&str]) -> Data {
        let table = table("t", &["a", "b"]);
        let row: Vec<Option<String>> = cells.iter().map(|cell| Some((*cell).to_owned())).collect();
        Data { tables: BTreeMap::from([("t".to_owned(), Print::of(&table, &row).unwrap())]) }
    }

    fn words(before: &[&str], after: &[&str]) -> Vec<String> {
        losses(&data(before), &data(after), &[Arc::new(table("t", &["a", "b"]))]).iter().map(Loss::to_string).collect()
    }

    #[test]
    fn each_kind_of_loss_has_its_number() {
        let before = ["6", "x", "aa:6", "bb:4"];
        assert_eq!(words(&before, &before), [""; 0]);
        assert_eq!(words(&before, &["4", "y", "ab:4", "bc:2"]), ["t lost 2 rows"]);
        assert_eq!(words(&before, &["5", "y", "ab:5", "bc:1"]), ["t lost 1 row", "t.b lost at least 2 values"]);
        assert_eq!(words(&before, &["7", "y", "ab:7", "bc:4"]), ["t has 1 row more"]);
        assert_eq!(words(&before, &["6", "y", "aa:6", "00:0"]), ["t.b lost 4 values"]);
        assert_eq!(words(&before, &["6", "y", "ab:6", "bb:4"]), ["at least 1 value of t.a changed"]);
        assert_eq!(words(&before, &["6", "y", "aa:6", "bb:4"]), ["at least 2 rows of t changed"]);
        assert_eq!(words(&before, &["6", "y", "aa:6", "bc:6"]), ["at least 2 values of t.b changed"]);
    }

    #[test]
    fn a_table_that_is_gone_loses_all_its_rows() {
        let gone = losses(&data(&["6", "x", "aa:6", "bb:4"]), &Data::default(), &[]);
        assert_eq!(gone[0].to_string(), "t is gone with 6 rows");
        assert!(losses(&data(&["0", "", "0:0", "0:0"]), &Data::default(), &[]).is_empty());
        let unread = losses(&data(&["6", "x", "aa:6", "bb:4"]), &Data::default(), &[Arc::new(table("t", &[]))]);
        assert!(unread.is_empty());
    }

    #[test]
    fn a_print_of_another_shape_is_none() {
        let table = table("t", &["a"]);
        let row = |cells: &[&str]| cells.iter().map(|cell| Some((*cell).to_owned())).collect::<Vec<_>>();
        assert!(Print::of(&table, &row(&["1", "x"])).is_none());
        assert!(Print::of(&table, &row(&["1", "x", "nothing"])).is_none());
        assert!(Print::of(&table, &row(&["x", "x", "a:1"])).is_none());
        assert!(Print::of(&table, &[Some("1".into()), None, None]).is_none());
    }

    #[test]
    fn another_order_of_columns_is_read_in_the_first_one() {
        let shape = shaped(&[Arc::new(table("t", &["a", "b", "c"]))], &[Arc::new(table("t", &["c", "a", "d"]))]);
        assert_eq!(shape[0].columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    }
}
