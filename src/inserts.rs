//! The rows that are put into a table, and the statements that put them there.
//!
//! Few rows, each for a reason: plain ones that carry the scripts' literals, a twin that differs in case only and leaves
//! defaults alone, one of NULLs, and the edges of what the columns can hold; where it is asked for, the first one again in all
//! that need not differ. Keys into other tables are looked up when
//! the row is inserted; a key into the table itself, or into one that comes later, is set by an UPDATE afterwards.

use std::collections::{BTreeMap, BTreeSet};

use crate::rows::{Column, ForeignKey, Table, Turn};
use crate::sql::Flavor;
use crate::values::{Edge, Mold, is_boolean_word};

/// How much rows dare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mildness {
    /// Plain rows with literals (in keys as well), then NULLs and the edges of the types.
    Bold,
    /// A few rows of distinct values, no NULL where it can be helped.
    Plain,
    /// One plain row.
    One,
    /// One row of nothing but what a row must have.
    Bare,
}

/// What rows are made of, beside their table.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    pub flavor: Flavor,
    /// Values from the scripts, without quotes; best those of [`crate::predicate::chosen_literals`].
    pub literals: &'a [String],
    /// Those of them that a script is about to insert: no keys.
    pub spared: &'a [String],
    pub mildness: Mildness,
    /// Number of the first row: rows of other numbers have other keys.
    pub from: usize,
    /// How often a key refused these rows because somebody has it already. Then they get other keys, and at last no literals in keys.
    pub taken: usize,
    /// Names of the foreign keys that cannot be met yet ([`Turn::waiting`]).
    pub waiting: &'a BTreeSet<String>,
    /// The first row comes once more, but for its unique keys.
    pub repeats: bool,
}

/// A row: columns and their values as SQL. Columns left to their default are not in it.
pub type Cells = Vec<(String, String)>;

/// How far the keys lie apart that are tried in turn.
const APART: usize = 1000;

/// Most rows that are added for the sake of literals.
const LITERAL_ROWS_MAX: usize = 16;

/// Makes rows that fit a table as far as the catalog tells; the database has the last word.
pub fn rows_for(table: &Table, making: &Making<'_>) -> Vec<Cells> {
    let maker = Maker::new(table, making);
    let kinds = maker.kinds();
    kinds.iter().enumerate().map(|(i, kind)| maker.row(i, *kind)).collect()
}

/// INSERT statements for rows, one for all rows that name the same columns.
pub fn inserts(table: &Table, flavor: Flavor, rows: &[Cells]) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for row in rows {
        let columns: Vec<&str> = row.iter().map(|(column, _)| column.as_str()).collect();
        let values: Vec<&str> = row.iter().map(|(_, value)| value.as_str()).collect();
        let values = format!("({})", values.join(", "));
        match groups.iter_mut().find(|(known, _)| !columns.is_empty() && *known == columns) {
            Some((_, rows)) => rows.push(values),
            None => groups.push((columns, vec![values])),
        }
    }
    let table = table.quoted(flavor);
    let statement = |(columns, rows): &(Vec<&str>, Vec<String>)| match (columns.is_empty(), flavor) {
        (true, Flavor::Sqlite | Flavor::Postgres) => format!("INSERT INTO {table} DEFAULT VALUES"),
        _ => format!("INSERT INTO {table} ({}) VALUES {}", names(flavor, columns.iter().copied()), rows.join(", ")),
    };
    groups.iter().map(statement).collect()
}

/// UPDATE statements that set the keys which had to wait: to the first row that is referred to. The first row of a table
/// that refers to itself keeps its NULL.
pub fn links(turn: &Turn<'_>, flavor: Flavor) -> Vec<String> {
    let waits = |key: &&ForeignKey| turn.waiting.contains(&key.name);
    turn.table.foreign_keys.iter().filter(waits).filter_map(|key| link(turn.table, key, flavor)).collect()
}

fn link(table: &Table, key: &ForeignKey, flavor: Flavor) -> Option<String> {
    let ident = |name: &str| flavor.ident(name);
    let to: Vec<&str> = key.pairs.iter().map(|(_, to)| to.as_str()).collect();
    // A table cannot be read beside its own UPDATE on MySQL, but what was read from it can.
    let first = |of: &str| format!("(SELECT x FROM (SELECT {} AS x{}) AS parent)", ident(of), from(key, flavor, "", 0));
    let column = |name: &str| table.column(name);
    let (open, held): (Vec<_>, Vec<_>) =
        key.pairs.iter().partition(|(own, _)| column(own).is_some_and(|column| column.nullable && !column.computed));
    if open.is_empty() {
        return None;
    }
    let sets: Vec<String> = open.iter().map(|(own, to)| format!("{} = {}", ident(own), first(to))).collect();
    let mut tests: Vec<String> = open.iter().map(|(own, _)| format!("{} IS NULL", ident(own))).collect();
    tests.extend(held.iter().map(|(own, to)| format!("{} = {}", ident(own), first(to))));
    if table.is_own(key) {
        let same: Vec<String> = to.iter().map(|to| format!("{} = {}", ident(to), first(to))).collect();
        tests.push(format!("NOT ({})", same.join(" AND ")));
    }
    if open.iter().any(|(own, _)| column(own).is_some_and(|column| !column.keys.is_empty())) {
        // A unique column can refer to the first row but once.
        let is_name = |column: &&Column| !column.keys.is_empty() && !column.nullable;
        let name = ident(&table.columns.iter().find(is_name)?.name);
        let last = format!("SELECT {name} AS x FROM {} ORDER BY {name} DESC LIMIT 1", table.quoted(flavor));
        tests.push(format!("{name} = (SELECT x FROM ({last}) AS last)"));
    }
    Some(format!("UPDATE {} SET {} WHERE {}", table.quoted(flavor), sets.join(", "), tests.join(" AND ")))
}

/// ` FROM parent …`: the parent's row of a number, in the order of the key, among those that meet `tests`. Made-up rows
/// refer to each other, and not to rows that scripts put in and take out again: those have lower keys than ours where a
/// sequence of its own counts them (PostgreSQL), and higher ones where the table's highest key counts on.
fn from(key: &ForeignKey, flavor: Flavor, tests: &str, number: usize) -> String {
    let to = || key.pairs.iter().map(|(_, to)| to.as_str());
    let held: Vec<String> = to().map(|to| format!("{} IS NOT NULL", flavor.ident(to))).collect();
    let way = if flavor == Flavor::Postgres { " DESC" } else { "" };
    let order: Vec<String> = to().map(|to| format!("{}{way}", flavor.ident(to))).collect();
    let (parent, order) = (key.quoted(flavor), order.join(", "));
    format!(" FROM {parent} WHERE {}{tests} ORDER BY {order} LIMIT 1 OFFSET {number}", held.join(" AND "))
}

fn names<'a>(flavor: Flavor, names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| flavor.ident(name)).collect::<Vec<_>>().join(", ")
}

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// With the literal of this number, where the column has one.
    Plain(usize),
    Twin,
    Null,
    Edge(Edge),
    /// The first row once more, where no unique key minds.
    Again,
    Bare,
}

/// What a foreign key makes of a column.
enum Held {
    Sql(String),
    /// The value that another column of the same row has.
    Own(usize),
}

struct Maker<'a> {
    table: &'a Table,
    making: &'a Making<'a>,
    molds: Vec<Mold<'a>>,
    /// For each column, the literals that fit into it.
    literals: Vec<Vec<&'a str>>,
    /// Widest first: what a wide key decides holds for the narrow ones, too.
    keys: Vec<&'a ForeignKey>,
}

impl<'a> Maker<'a> {
    fn new(table: &'a Table, making: &'a Making<'a>) -> Self {
        let columns = table.columns.iter().enumerate();
        let molds: Vec<Mold<'a>> = columns.map(|(rank, column)| Mold::new(column, rank, making.flavor)).collect();
        let is_free = |column: &Column, raw: &str| {
            let is_spared = || making.spared.iter().any(|spared| spared == raw);
            column.keys.is_empty() || making.mildness == Mildness::Bold && making.taken < 2 && !is_spared()
        };
        let fitting = |mold: &Mold<'a>| -> Vec<&'a str> {
            let all = making.literals.iter().map(String::as_str);
            let fitting: Vec<&str> = all.filter(|raw| is_free(mold.column, raw) && mold.fits(raw)).collect();
            // Beside words, numbers of a script are those of other columns.
            let has_words = mold.column.family == "boolean" && fitting.iter().any(|raw| is_boolean_word(raw));
            fitting.into_iter().filter(|raw| !has_words || is_boolean_word(raw)).collect()
        };
        let literals = molds.iter().map(fitting).collect();
        let mut keys: Vec<&ForeignKey> = table.foreign_keys.iter().collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.pairs.len()));
        Maker { table, making, molds, literals, keys }
    }

    /// The rows to make, the plainest first, no more than a unique column of few values has room for.
    fn kinds(&self) -> Vec<Kind> {
        let most = self.literals.iter().map(Vec::len).max().unwrap_or(0).min(LITERAL_ROWS_MAX);
        let mut kinds: Vec<Kind> = match self.making.mildness {
            Mildness::Bold => {
                let edges = [Edge::Least, Edge::Most, Edge::Odd].map(Kind::Edge);
                let plain = (1..most).map(Kind::Plain);
                let again = self.making.repeats.then_some(Kind::Again);
                let first = [Kind::Plain(0), Kind::Twin].into_iter();
                first.chain(plain).chain([Kind::Null]).chain(edges).chain(again).collect()
            }
            Mildness::Plain => (0..most.max(3)).map(Kind::Plain).collect(),
            Mildness::One => vec![Kind::Plain(0)],
            Mildness::Bare => vec![Kind::Bare],
        };
        let is_alone = |column: &Column| {
            let others = |key: &String| self.table.columns.iter().filter(|other| other.keys.contains(key)).count();
            column.keys.iter().any(|key| others(key) == 1)
        };
        let room = self.molds.iter().filter(|mold| is_alone(mold.column)).filter_map(Mold::capacity).min();
        kinds.truncate(room.unwrap_or(usize::MAX));
        kinds
    }

    fn row(&self, i: usize, kind: Kind) -> Cells {
        let held = self.held(i, kind);
        let cell = |(at, mold): (usize, &Mold<'a>)| {
            if mold.column.computed {
                return None;
            }
            let value = match held.get(mold.column.name.as_str()) {
                Some(Held::Sql(sql)) => sql.clone(),
                Some(Held::Own(other)) => self.value(*other, i, kind)?,
                None => self.value(at, i, kind)?,
            };
            Some((mold.column.name.clone(), value))
        };
        self.molds.iter().enumerate().filter_map(cell).collect()
    }

    /// The value of a column; `None` leaves it to its default.
    fn value(&self, at: usize, i: usize, kind: Kind) -> Option<String> {
        let mold = &self.molds[at];
        let column = mold.column;
        let is_key = !column.keys.is_empty();
        let repeats = kind == Kind::Again && !is_key;
        let n = self.making.from + self.making.taken * APART + if repeats { 0 } else { i };
        let null = || "NULL".to_owned();
        match kind {
            Kind::Bare if column.has_default && !is_key => return None,
            Kind::Twin if column.has_default && !is_key => return None,
            Kind::Bare | Kind::Null if mold.takes_null() => return Some(null()),
            _ if mold.is_null() => return Some(null()),
            _ => {}
        }
        let raw = match kind {
            Kind::Plain(number) => self.literal(at, number),
            Kind::Again if repeats => self.literal(at, 0),
            Kind::Twin => mold.edge(Edge::Twin, n),
            Kind::Edge(edge) => mold.edge(edge, n),
            Kind::Null | Kind::Again | Kind::Bare => None,
        };
        match raw.or_else(|| self.word(at, i)).or_else(|| mold.plain(n)) {
            Some(raw) => Some(mold.sql(&raw)),
            None if column.has_default => None,
            None if column.nullable => Some(null()),
            None => Some(self.making.flavor.literal(&n.to_string())),
        }
    }

    /// A word for a boolean of SQLite, where the scripts compare it with words: beside these, 1 and 0 would be neither.
    fn word(&self, at: usize, i: usize) -> Option<String> {
        let fitting = &self.literals[at];
        let are_words = self.molds[at].column.family == "boolean" && fitting.iter().any(|raw| is_boolean_word(raw));
        are_words.then(|| fitting[i % fitting.len()].to_owned())
    }

    /// The literal of a number; each column begins at another one, so that conditions on two columns are met in one row.
    fn literal(&self, at: usize, number: usize) -> Option<String> {
        let fitting = &self.literals[at];
        let text = (number < fitting.len()).then(|| fitting[(number + self.place(at)) % fitting.len()])?;
        Some(text.to_owned())
    }

    /// Place among the columns that the same number of literals fit into.
    fn place(&self, at: usize) -> usize {
        self.literals[..at].iter().filter(|fitting| fitting.len() == self.literals[at].len()).count()
    }

    /// What the foreign keys decide about row `i`.
    fn held(&self, i: usize, kind: Kind) -> BTreeMap<&'a str, Held> {
        let mut held = BTreeMap::new();
        for key in &self.keys {
            let may_be_null = |own: &str| self.table.column(own).is_some_and(|column| column.nullable);
            let waits = self.making.waiting.contains(&key.name) || self.table.is_own(key);
            let can_wait = key.pairs.iter().any(|(own, _)| may_be_null(own));
            let is_bare = matches!(kind, Kind::Null | Kind::Bare);
            for (own, to) in &key.pairs {
                if held.contains_key(own.as_str()) {
                    continue;
                }
                let cell = if can_wait && (waits || is_bare) {
                    // A key with a NULL in it refers to nothing; its other columns hold what they hold.
                    may_be_null(own).then(|| Held::Sql("NULL".to_owned()))
                } else if self.table.is_own(key) {
                    self.table.columns.iter().position(|column| column.name == *to).map(Held::Own)
                } else {
                    let is_free = self.table.column(own).is_some_and(|column| column.keys.is_empty());
                    let i = if kind == Kind::Again && is_free { 0 } else { i };
                    Some(Held::Sql(self.lookup(key, own, to, i, &held)))
                };
                held.extend(cell.map(|cell| (own.as_str(), cell)));
            }
        }
        held
    }

    /// A value of the parent's row of number `i`, or of its first where that is missing and no unique key minds. Where a
    /// wider key has decided a column that both share, only rows of the parent with that value count.
    fn lookup(&self, key: &ForeignKey, own: &str, to: &str, i: usize, held: &BTreeMap<&'a str, Held>) -> String {
        let flavor = self.making.flavor;
        let is_of_key = |own: &str| key.pairs.iter().any(|(of_key, _)| of_key == own);
        let shared = self.keys.iter().take_while(|wider| wider.name != key.name).flat_map(|wider| &wider.pairs);
        let shared: BTreeSet<&str> = shared.map(|(own, _)| own.as_str()).filter(|own| is_of_key(own)).collect();
        let test = |(own, to): &(String, String)| match held.get(own.as_str()) {
            Some(Held::Sql(sql)) if shared.contains(own.as_str()) => Some(format!(" AND {} = {sql}", flavor.ident(to))),
            _ => None,
        };
        let tests: String = key.pairs.iter().filter_map(test).collect();
        let select = |number| format!("(SELECT {}{})", flavor.ident(to), from(key, flavor, &tests, number));
        if let Some(strict) = self.strict(own) {
            let exact = select(self.making.from + i);
            // Parents that got no more rows since are paired otherwise than before, where there are two to be paired.
            return match strict.iter().position(|name| *name == key.name) {
                Some(at) if strict.len() > 1 && self.making.from > 0 => {
                    format!("COALESCE({exact}, {})", select(i + at))
                }
                _ => exact,
            };
        }
        if i == 0 { select(0) } else { format!("COALESCE({}, {})", select(i), select(0)) }
    }

    /// The foreign keys (names) of a unique key that holds nothing else, where the column is part of one: it must differ from
    /// row to row, by itself or with the others.
    fn strict(&self, own: &str) -> Option<Vec<&'a str>> {
        let owner = |column: &Column| {
            let key = self.keys.iter().find(|key| key.pairs.iter().any(|(own, _)| *own == column.name))?;
            Some(key.name.as_str())
        };
        let of = |key: &String| self.table.columns.iter().filter(|other| other.keys.contains(key)).map(owner).collect();
        let mut owners: Vec<&str> = self.table.column(own)?.keys.iter().find_map(of)?;
        owners.dedup();
        Some(owners)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, family: &str) -> Column {
        let type_text = if family == "text" { "text" } else { "integer" };
        Column { name: name.into(), family: family.into(), type_text: type_text.into(), ..Column::default() }
    }

    fn key(name: &str, to_table: &str, pairs: &[(&str, &str)]) -> ForeignKey {
        let pairs = pairs.iter().map(|(own, to)| ((*own).to_owned(), (*to).to_owned())).collect();
        ForeignKey { name: name.into(), to_table: to_table.into(), pairs, ..ForeignKey::default() }
    }

    fn made(table: &Table, mildness: Mildness, literals: &[&str]) -> Vec<Cells> {
        let literals: Vec<String> = literals.iter().map(|text| (*text).to_owned()).collect();
        let (flavor, waiting) = (Flavor::Postgres, BTreeSet::new());
        rows_for(
            table,
            &Making {
                flavor,
                literals: &literals,
                spared: &[],
                mildness,
                from: 0,
                taken: 0,
                waiting: &waiting,
                repeats: false,
            },
        )
    }

    fn values<'a>(rows: &'a [Cells], name: &str) -> Vec<Option<&'a str>> {
        let value = |row: &'a Cells| row.iter().find(|(column, _)| column == name).map(|(_, value)| value.as_str());
        rows.iter().map(value).collect()
    }

    fn table(columns: Vec<Column>, foreign_keys: Vec<ForeignKey>) -> Table {
        Table { name: "t".to_owned(), columns, foreign_keys, ..Table::default() }
    }

    #[test]
    fn bold_rows_have_literals_twins_nulls_and_edges() {
        let mut note = column("note", "text");
        (note.nullable, note.has_default, note.length) = (true, true, Some(8));
        let mut id = column("id", "integer");
        (id.keys, id.has_default) = (vec!["t_pkey".to_owned()], true);
        let mut sum = column("sum", "integer");
        sum.computed = true;
        let rows =
            made(&table(vec![id, column("kind", "text"), note, sum], vec![]), Mildness::Bold, &["old", "very_long"]);
        assert_eq!(rows.len(), 7);
        let kinds = values(&rows, "kind");
        assert_eq!(&kinds[..4], [Some("'old'"), Some("'KIND_0'"), Some("'very_long'"), Some("'kind_3'")]);
        let notes = values(&rows, "note");
        assert_eq!(
            notes,
            [Some("'old'"), None, Some("'note_2'"), Some("NULL"), Some("''"), Some("'abcdefgh'"), Some("'Größe 漢字'")]
        );
        assert_eq!(values(&rows, "id").into_iter().collect::<BTreeSet<_>>().len(), 7);
        assert_eq!(values(&rows, "sum"), [None; 7]);
    }

    #[test]
    fn a_double_has_keys_of_its_own() {
        let mut id = column("id", "integer");
        id.keys = vec!["t_pkey".to_owned()];
        let own = table(vec![id, column("kind", "text")], vec![]);
        let (literals, waiting) = (["old".to_owned()], BTreeSet::new());
        let (flavor, mildness) = (Flavor::Postgres, Mildness::Bold);
        let making = Making {
            flavor,
            literals: &literals,
            spared: &[],
            mildness,
            from: 7,
            taken: 0,
            waiting: &waiting,
            repeats: true,
        };
        let rows = rows_for(&own, &making);
        let (ids, kinds) = (values(&rows, "id"), values(&rows, "kind"));
        assert_eq!(kinds.last(), kinds.first());
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), rows.len());
    }

    #[test]
    fn conditions_on_two_columns_are_met_in_one_row() {
        let rows = made(&table(vec![column("a", "text"), column("b", "text")], vec![]), Mildness::Plain, &["x", "y"]);
        assert_eq!(values(&rows, "a")[..2], [Some("'x'"), Some("'y'")]);
        assert_eq!(values(&rows, "b")[..2], [Some("'y'"), Some("'x'")]);
    }

    #[test]
    fn mild_rows_are_few_and_bare_ones_are_short() {
        let mut note = column("note", "text");
        note.nullable = true;
        let mut on = column("on", "boolean");
        on.keys = vec!["one".to_owned()];
        let table = table(vec![on, note], vec![]);
        assert_eq!(made(&table, Mildness::Plain, &[]).len(), 2);
        assert_eq!(made(&table, Mildness::One, &[]).len(), 1);
        assert_eq!(values(&made(&table, Mildness::Bare, &[]), "note"), [Some("NULL")]);
    }

    #[test]
    fn keys_are_looked_up_and_wide_ones_decide() {
        let columns = vec![column("org", "integer"), column("user", "integer"), column("team", "integer")];
        let keys = vec![
            key("a", "orgs", &[("org", "id")]),
            key("b", "users", &[("org", "org"), ("user", "id")]),
            key("c", "teams", &[("org", "org"), ("team", "id")]),
        ];
        let rows = made(&table(columns, keys), Mildness::One, &[]);
        let org = "(SELECT \"org\" FROM \"users\" WHERE \"org\" IS NOT NULL AND \"id\" IS NOT NULL ORDER BY \"org\" DESC, \"id\" DESC LIMIT 1 OFFSET 0)";
        assert_eq!(rows[0][0].1, org);
        assert_eq!(rows[0][1].1, org.replacen("\"org\"", "\"id\"", 1));
        assert!(rows[0][2].1.contains(&format!("AND \"org\" = {org} ORDER BY")), "{}", rows[0][2].1);
    }

    #[test]
    fn own_keys_wait_or_refer_to_their_own_row() {
        let mut id = column("id", "integer");
        id.keys = vec!["t_pkey".to_owned()];
        let mut up = column("up", "integer");
        up.nullable = true;
        let own = table(
            vec![id, column("root", "integer"), up],
            vec![key("r", "t", &[("root", "id")]), key("u", "t", &[("up", "id")])],
        );
        let rows = made(&own, Mildness::Plain, &[]);
        assert_eq!(values(&rows, "root"), values(&rows, "id"));
        assert_eq!(values(&rows, "up"), [Some("NULL"); 3]);
        let turn = Turn { table: &own, waiting: BTreeSet::from(["r".to_owned(), "u".to_owned()]) };
        let links = links(&turn, Flavor::Sqlite);
        assert_eq!(links.len(), 1);
        assert!(
            links[0].starts_with("UPDATE \"t\" SET \"up\" = (SELECT x FROM (SELECT \"id\" AS x FROM \"t\""),
            "{links:?}"
        );
    }

    #[test]
    fn rows_that_name_the_same_columns_share_a_statement() {
        let cell = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let rows = [vec![cell("a", "1")], vec![], vec![cell("a", "2")]];
        let own = table(vec![], vec![]);
        let expected = ["INSERT INTO `t` (`a`) VALUES (1), (2)", "INSERT INTO `t` () VALUES ()"];
        assert_eq!(inserts(&own, Flavor::Mysql, &rows), expected);
        assert_eq!(inserts(&own, Flavor::Sqlite, &rows)[1], "INSERT INTO \"t\" DEFAULT VALUES");
    }
}
