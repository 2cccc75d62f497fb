//! Taking real rows out of a database: some of each table and whatever these refer to, masked before anybody else sees them.
//!
//! The session is one that the engine made read-only, and all is read as of one moment, so that keys stay whole while others
//! write.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::config::Masking;
use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::fill;
use crate::finding::Place;
use crate::lock::nonce;
use crate::mask::{Form, Hasher, Mask};
use crate::real::{self, Row, Sample, Taken};
use crate::rows::{Column, Table};
use crate::sql::Flavor;
use crate::store::own;
use crate::target::nearest;

/// So many rows that others refer to are asked for in one query.
const KEYS_PER_QUERY: usize = 200;

/// Of one table, no more than so many times the rows that are asked for come along because others refer to them.
const MOST_TIMES: usize = 100;

/// What is asked of a sample.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The database, as the user named it.
    pub name: String,
    /// Rows of each table; `None`: all.
    pub rows: Option<usize>,
    pub masks: &'a [Masking],
    /// Names in the scripts of migrations that are not applied there, in lower case: a mask may be for what they make.
    pub to_come: BTreeSet<String>,
}

/// Reads rows of every table.
///
/// # Errors
/// A mask that fits nothing, before any row is read; what the database says.
pub async fn sample(database: &mut Database, wanted: &Wanted<'_>) -> Result<Sample> {
    let engine = database.engine();
    let names = database.names().clone();
    let failed = |error| own(&format!("reading the rows of {}", wanted.name), &error);
    let session = database.session();
    session.batch(engine.texts(session.server()).look).await.map_err(failed)?;
    let tables = fill::read_tables(engine, session, &names, None).await.map_err(failed)?;
    let flavor = engine.dialect().flavor;
    let masks = masks(&tables, wanted, flavor)?;
    let mut reader = Reader { flavor, wanted, sample: BTreeMap::new(), met: BTreeMap::new() };
    let mut fresh: Vec<(String, usize)> = Vec::new();
    for table in &tables {
        let mut rows = Vec::new();
        for query in real::spread(table, flavor, wanted.rows) {
            rows.extend(session.batch(&query).await.map_err(failed)?);
        }
        reader.add(table, rows, &mut fresh);
    }
    if wanted.rows.is_none() {
        fresh.clear();
    }
    while let Some((parent, query)) = reader.next_query(&tables, &mut fresh) {
        let rows = session.batch(&query).await.map_err(failed)?;
        reader.add(&parent, rows, &mut fresh);
    }
    let mut sample = Sample { name: wanted.name.clone(), tables: reader.sample };
    apply(&mut sample, &masks, flavor);
    Ok(sample)
}

/// Collects rows, and what they refer to.
struct Reader<'a> {
    flavor: Flavor,
    wanted: &'a Wanted<'a>,
    sample: BTreeMap<String, Taken>,
    /// By table: what its rows are told apart by, and the keys that were asked for.
    met: BTreeMap<String, HashSet<Vec<Option<String>>>>,
}

impl Reader<'_> {
    /// Adds rows that are not there yet, and notes them as `fresh`.
    fn add(&mut self, table: &Arc<Table>, rows: Vec<Row>, fresh: &mut Vec<(String, usize)>) {
        let title = table.title().to_owned();
        let columns: Vec<&Column> = real::written(table, self.flavor).collect();
        let key = real::key(table);
        let places: Vec<usize> = columns
            .iter()
            .enumerate()
            .filter(|(_, one)| key.iter().any(|of| of.name == one.name))
            .map(|(at, _)| at)
            .collect();
        let met = self.met.entry(title.clone()).or_default();
        let taken =
            self.sample.entry(title.clone()).or_insert_with(|| Taken { table: Arc::clone(table), rows: Vec::new() });
        for row in rows {
            let name: Vec<Option<String>> = match places.as_slice() {
                [] => row.clone(),
                places => places.iter().map(|at| row.get(*at).cloned().flatten()).collect(),
            };
            // Where all are read, they are read once.
            if self.wanted.rows.is_none() || met.insert(name) {
                fresh.push((title.clone(), taken.rows.len()));
                taken.rows.push(row);
            }
        }
    }

    /// The next query for rows that fresh ones refer to, with their table.
    fn next_query(&mut self, tables: &[Arc<Table>], fresh: &mut Vec<(String, usize)>) -> Option<(Arc<Table>, String)> {
        while let Some((title, _)) = fresh.last() {
            let title = title.clone();
            // All fresh rows of one table together, one foreign key after the other.
            let (of_table, rest): (Vec<_>, Vec<_>) = fresh.drain(..).partition(|(of, _)| *of == title);
            let table = Arc::clone(&self.sample[&title].table);
            let mut left: Vec<(String, usize)> = rest;
            for key in &table.foreign_keys {
                let Some(parent) = tables.iter().find(|table| table.title() == key.title()) else { continue };
                let most = self.wanted.rows.unwrap_or(usize::MAX).saturating_mul(MOST_TIMES).max(1000);
                if self.sample.get(parent.title()).is_some_and(|taken| taken.rows.len() >= most) {
                    continue;
                }
                let asked = format!("{title} {}", key.name);
                let mut tuples: Vec<Vec<String>> = Vec::new();
                for (_, at) in &of_table {
                    if tuples.len() == KEYS_PER_QUERY {
                        break;
                    }
                    let row = &self.sample[&title].rows[*at];
                    let Some(raws) = real::tuple(&table, self.flavor, row, key) else { continue };
                    let name = raws.iter().map(|raw| Some((*raw).to_owned())).collect();
                    if self.met.entry(asked.clone()).or_default().insert(name) {
                        tuples.push(self.literals(&table, key, &raws));
                    }
                }
                if !tuples.is_empty() {
                    left.extend(of_table);
                    *fresh = left;
                    return Some((Arc::clone(parent), real::referred(parent, self.flavor, key, &tuples)));
                }
            }
            *fresh = left;
        }
        None
    }

    fn literals(&self, table: &Table, key: &crate::rows::ForeignKey, raws: &[&str]) -> Vec<String> {
        let columns = key.pairs.iter().filter_map(|(own, _)| table.column(own));
        columns.zip(raws).map(|(column, raw)| real::literal(column, self.flavor, Some(raw))).collect()
    }
}

/// The masks by title of the table and column; those of keys reach what refers to them, and what they refer to.
type Masks = BTreeMap<(String, String), Mask>;

fn masks(tables: &[Arc<Table>], wanted: &Wanted<'_>, flavor: Flavor) -> Result<Masks> {
    let mut masks = Masks::new();
    for masking in wanted.masks {
        let Some((table, column)) = find(tables, masking, wanted)? else { continue };
        fits(tables, table, column, masking, flavor)?;
        masks.insert((table.title().to_owned(), column.name.clone()), masking.mask.clone());
    }
    loop {
        let before = masks.len();
        for (table, key) in tables.iter().flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key))) {
            for (own, to) in &key.pairs {
                let (own, to) = ((table.title().to_owned(), own.clone()), (key.title().to_owned(), to.clone()));
                for (from, reached) in [(&own, &to), (&to, &own)] {
                    if masks.get(from) == Some(&Mask::Hash) && !masks.contains_key(reached) {
                        masks.insert(reached.clone(), Mask::Hash);
                    }
                }
            }
        }
        if masks.len() == before {
            return Ok(masks);
        }
    }
}

/// The column that a mask names; `None` where a migration makes it that is not applied there.
fn find<'a>(
    tables: &'a [Arc<Table>],
    masking: &Masking,
    wanted: &Wanted<'_>,
) -> Result<Option<(&'a Table, &'a Column)>> {
    let (of, name) = masking.column.rsplit_once('.').unwrap_or_default();
    let is_of = |table: &&Arc<Table>| table.title().eq_ignore_ascii_case(of) || table.name.eq_ignore_ascii_case(of);
    let is_it = |column: &&Column| column.name.eq_ignore_ascii_case(name);
    let found = tables.iter().filter(is_of).find_map(|table| Some((&**table, table.columns.iter().find(is_it)?)));
    let comes = |name: &str| wanted.to_come.contains(&name.to_lowercase());
    if found.is_some() || (comes(of.rsplit('.').next().unwrap_or_default()) && comes(name)) {
        return Ok(found);
    }
    let fault = wrong(masking, format!("{} has no column {}", wanted.name, masking.column));
    let all: Vec<String> = tables
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| format!("{}.{}", table.name, column.name)))
        .collect();
    Err(match nearest(&masking.column, all.iter().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean \"{near}\"?")),
        None => fault.help("a mask is for a \"table.column\"; without it the values would be taken as they are"),
    })
}

fn wrong(masking: &Masking, what: String) -> Fault {
    let Masking { place, .. } = masking;
    Fault::usage(what).cause(format!("[mask] names \"{}\"", masking.column)).at(Place::clone(place))
}

fn fits(tables: &[Arc<Table>], table: &Table, column: &Column, masking: &Masking, flavor: Flavor) -> Result<()> {
    let name = &masking.column;
    match &masking.mask {
        Mask::Null if !column.nullable => {
            Err(wrong(masking, format!("{name} cannot be NULL")).help("say \"hash\" or { fixed = \"…\" }"))
        }
        Mask::Hash if Form::of(&column.family).is_none() => {
            let what = format!("{name} is of type {}, which has no hash", column.type_text);
            let help =
                "a hash is for texts, whole numbers, decimals, UUIDs and bytes; say \"null\" or { fixed = \"…\" }";
            Err(wrong(masking, what).help(help))
        }
        Mask::Fixed(_) => {
            let is_alone = |key: &String| table.columns.iter().filter(|other| other.keys.contains(key)).count() == 1;
            let is_own = table.foreign_keys.iter().any(|key| key.pairs.iter().any(|(own, _)| *own == column.name));
            let keys =
                || tables.iter().flat_map(|other| &other.foreign_keys).filter(|key| key.title() == table.title());
            let is_other = keys().any(|key| key.pairs.iter().any(|(_, to)| *to == column.name));
            let is_raw = flavor != Flavor::Sqlite && column.family == "bytes";
            if column.keys.iter().any(is_alone) || is_own || is_other {
                let what = format!("{name} is a key, and one fixed value would not keep its rows apart");
                return Err(wrong(masking, what).help("say \"hash\", which keeps keys whole"));
            }
            if is_raw {
                return Err(
                    wrong(masking, format!("{name} holds bytes, and a fixed value is a text")).help("say \"hash\"")
                );
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Masks what was read.
fn apply(sample: &mut Sample, masks: &Masks, flavor: Flavor) {
    let mut hasher = Hasher::new(nonce(32));
    for (title, taken) in &mut sample.tables {
        let table = Arc::clone(&taken.table);
        for (at, column) in real::written(&table, flavor).enumerate() {
            let Some(mask) = masks.get(&(title.clone(), column.name.clone())) else { continue };
            for cell in taken.rows.iter_mut().filter_map(|row| row.get_mut(at)) {
                let raw = cell.take().filter(|raw| !real::is_null(flavor, raw));
                *cell = raw.and_then(|raw| masked(&raw, column, mask, &mut hasher, flavor));
            }
        }
    }
}

fn masked(raw: &str, column: &Column, mask: &Mask, hasher: &mut Hasher, flavor: Flavor) -> Option<String> {
    let form = Form::of(&column.family).unwrap_or(Form::Text);
    match (mask, flavor) {
        (Mask::Null, _) => None,
        (Mask::Fixed(text), Flavor::Sqlite) => Some(flavor.literal(text)),
        (Mask::Fixed(text), _) => Some(text.clone()),
        // SQLite's value says its own type, whatever the column's is.
        (Mask::Hash, Flavor::Sqlite) => Some(match raw.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(text) => flavor.literal(&hasher.hash(Form::Text, &text.replace("''", "'"))),
            None if raw.starts_with("X'") => format!("X'{}'", hasher.hash(Form::Hex, &raw[2..raw.len() - 1])),
            None if raw.contains('.') => hasher.hash(Form::Decimal, raw),
            None => hasher.hash(Form::Whole, raw),
        }),
        (Mask::Hash, Flavor::Postgres) if raw.starts_with("\\x") => {
            Some(format!("\\x{}", hasher.hash(Form::Hex, &raw[2..])))
        }
        (Mask::Hash, _) => Some(hasher.hash(form, raw)),
    }
}
