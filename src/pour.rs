//! Putting real rows into a shadow, parents first; what is refused is left out, counted, and told in our own words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{DbError, DbErrorKind, DbResult, Engine, Session};
use crate::fill::{Filled, Hand};
use crate::inserts::Mildness;
use crate::real::{self, Row, Sample, Taken};
use crate::rows::{self, Table, Turn};
use crate::sql::Flavor;

/// Most bytes of one message, roughly.
const MESSAGE_BYTES: usize = 256 << 10;

/// So often rows that were refused are tried again, because what they refer to may stand there by now.
const PASSES: usize = 50;

const KEYS_OFF: &str = "SET SESSION foreign_key_checks = 0";
const KEYS_ON: &str = "SET SESSION foreign_key_checks = 1";

/// What was put in.
#[derive(Clone, Debug, Default)]
pub struct Poured {
    /// Tables (titles) that hold real rows now.
    pub tables: BTreeSet<String>,
    /// By table: how many rows were refused, and the last refusal.
    pub refused: BTreeMap<String, (usize, DbError)>,
}

/// Puts a sample's rows into those of `tables` (all there are) that have not been filled yet and have the same columns.
///
/// # Errors
/// A broken connection, a cancellation; never a row that the database refuses.
pub async fn pour(
    engine: &dyn Engine,
    session: &mut dyn Session,
    sample: &Sample,
    tables: &[Arc<Table>],
    filled: &Filled,
) -> DbResult<Poured> {
    let dialect = engine.dialect();
    let chosen = chosen(sample, tables, filled, dialect.flavor);
    let mut poured = Poured::default();
    if chosen.is_empty() {
        return Ok(poured);
    }
    if !dialect.sql.pour.is_empty() {
        session.batch(dialect.sql.pour).await?;
    }
    let mut hand = Hand::begin(session, dialect.flavor, dialect.transactional).await?;
    let mut jug = Jug { hand: &mut hand, sample, flavor: dialect.flavor, poured: &mut poured };
    let outcome = jug.all(&chosen, dialect.sql.poured_inside).await;
    let ended = hand.end(outcome).await;
    if !dialect.sql.poured.is_empty() {
        session.batch(dialect.sql.poured).await?;
    }
    ended.map(|()| poured)
}

/// The tables (titles) that take real rows where none has any.
pub fn takers(sample: &Sample, tables: &[Arc<Table>], flavor: Flavor) -> BTreeSet<String> {
    let chosen = chosen(sample, tables, &Filled::new(Mildness::Bold), flavor);
    chosen.into_iter().map(|table| table.title().to_owned()).collect()
}

/// The tables that take real rows. One whose rows refer to a table that takes none gets made-up ones.
fn chosen<'a>(sample: &Sample, tables: &'a [Arc<Table>], filled: &Filled, flavor: Flavor) -> Vec<&'a Table> {
    let mut chosen: BTreeMap<&str, (&Table, &Taken)> = tables
        .iter()
        .filter(|table| filled.is_new(table.title()))
        .filter_map(|table| Some((table.title(), (&**table, sample.rows_for(table)?))))
        .collect();
    loop {
        let leads = |table: &Table, taken: &Taken| {
            table.foreign_keys.iter().all(|key| {
                chosen.contains_key(key.title())
                    || filled.is_real(key.title())
                    || taken.rows.iter().all(|row| real::tuple(&taken.table, flavor, row, key).is_none())
            })
        };
        let lost: Vec<&str> =
            chosen.iter().filter(|(_, (table, taken))| !leads(table, taken)).map(|(title, _)| *title).collect();
        if lost.is_empty() {
            return chosen.into_values().map(|(table, _)| table).collect();
        }
        chosen.retain(|title, _| !lost.contains(title));
    }
}

struct Jug<'a, 'b> {
    hand: &'a mut Hand<'b>,
    sample: &'a Sample,
    flavor: Flavor,
    poured: &'a mut Poured,
}

/// A row that waits for others.
type Waiting<'a> = (&'a Table, &'a Taken, &'a Row);

impl Jug<'_, '_> {
    async fn all(&mut self, chosen: &[&Table], behind: &str) -> DbResult<()> {
        let turns = rows::order(chosen.iter().copied());
        let waits = |turn: &Turn<'_>, key: &rows::ForeignKey| turn.waiting.contains(&key.name);
        let has_cycle = turns
            .iter()
            .any(|turn| turn.table.foreign_keys.iter().any(|key| waits(turn, key) && !turn.table.is_own(key)));
        let units: Vec<&[Turn<'_>]> = if has_cycle { vec![&turns] } else { turns.chunks(1).collect() };
        for unit in units {
            self.unit(unit).await?;
        }
        if !behind.is_empty() {
            // A sequence that cannot be moved on is no reason to have no rows.
            let _ = self.hand.attempt(&[behind.to_owned()]).await?;
        }
        Ok(())
    }

    /// Tables that refer to each other, or one.
    async fn unit(&mut self, unit: &[Turn<'_>]) -> DbResult<()> {
        let sample = self.sample;
        let of = |turn: &Turn<'_>| sample.tables.get(turn.table.title());
        let tables: Vec<(&Table, &Taken)> = unit.iter().filter_map(|turn| Some((turn.table, of(turn)?))).collect();
        let is_knot = unit.iter().any(|turn| !turn.waiting.is_empty());
        if !is_knot || !self.knot(&tables).await? {
            let mut waiting: Vec<Waiting<'_>> = Vec::new();
            for (table, taken) in &tables {
                self.table(table, taken, &mut waiting).await?;
            }
            self.rest(waiting).await?;
        }
        let refused = |title: &str| self.poured.refused.get(title).map_or(0, |(count, _)| *count);
        let holding = tables.iter().filter(|(table, taken)| refused(table.title()) < taken.rows.len());
        let holding: Vec<String> = holding.map(|(table, _)| table.title().to_owned()).collect();
        self.poured.tables.extend(holding);
        Ok(())
    }

    /// All rows of tables that refer to each other, in a way in which their keys are looked at behind all of them. Gives whether
    /// that was taken.
    async fn knot(&mut self, tables: &[(&Table, &Taken)]) -> DbResult<bool> {
        let insert = |taken: &Taken| real::insert(taken, self.flavor, &taken.rows.iter().collect::<Vec<_>>());
        let inserts: Vec<String> = tables.iter().map(|(_, taken)| insert(taken)).collect();
        let tests = || tables.iter().flat_map(|(table, _)| self.tests(table)).collect::<Vec<_>>();
        let (statements, tests) = match self.flavor {
            Flavor::Postgres => (vec![real::as_one(&inserts)], Vec::new()),
            Flavor::Sqlite => (inserts, tests()),
            Flavor::Mysql => (std::iter::once(KEYS_OFF.to_owned()).chain(inserts).collect(), tests()),
        };
        let is_taken = self.hand.attempt_with(&statements, &tests).await?.is_ok();
        if self.flavor == Flavor::Mysql {
            self.hand.say(KEYS_ON).await?;
        }
        Ok(is_taken)
    }

    /// Queries that give a row where a key of the table leads nowhere.
    fn tests(&self, table: &Table) -> Vec<String> {
        table.foreign_keys.iter().map(|key| real::dangling(table, key, self.flavor)).collect()
    }

    /// The same, where the server does not look at keys itself.
    fn own_tests(&self, table: &Table) -> Vec<String> {
        if self.flavor == Flavor::Sqlite { self.tests(table) } else { Vec::new() }
    }

    /// The rows of one table in large messages; those of a message that is refused wait.
    async fn table<'a>(&mut self, table: &'a Table, taken: &'a Taken, waiting: &mut Vec<Waiting<'a>>) -> DbResult<()> {
        let tests = self.own_tests(table);
        let size = |row: &Row| row.iter().flatten().map(String::len).sum::<usize>() + 8 * row.len();
        let mut left = taken.rows.iter().peekable();
        while left.peek().is_some() {
            let mut part: Vec<&Row> = Vec::new();
            let mut bytes = 0;
            while let Some(row) = left.next_if(|row| part.is_empty() || bytes + size(row) <= MESSAGE_BYTES) {
                bytes += size(row);
                part.push(row);
            }
            let insert = real::insert(taken, self.flavor, &part);
            if self.hand.attempt_with(&[insert], &tests).await?.is_err() {
                waiting.extend(part.into_iter().map(|row| (table, taken, row)));
            }
        }
        Ok(())
    }

    /// Rows one by one, as long as some of them find their place.
    async fn rest(&mut self, mut waiting: Vec<Waiting<'_>>) -> DbResult<()> {
        for _ in 0..PASSES {
            let mut still: Vec<(Waiting<'_>, DbError)> = Vec::new();
            let before = waiting.len();
            for (table, taken, row) in waiting {
                let tests = self.own_tests(table);
                let insert = real::insert(taken, self.flavor, &[row]);
                if let Err(error) = self.hand.attempt_with(&[insert], &tests).await? {
                    still.push(((table, taken, row), error));
                }
            }
            let is_over = still.len() == before || still.is_empty();
            if is_over {
                for ((table, ..), error) in still {
                    let entry = self.poured.refused.entry(table.title().to_owned());
                    entry.and_modify(|(count, _)| *count += 1).or_insert((1, error));
                }
                return Ok(());
            }
            waiting = still.into_iter().map(|(row, _)| row).collect();
        }
        for (table, ..) in waiting {
            let error = DbError::new(DbErrorKind::Statement, "a foreign key leads nowhere");
            let entry = self.poured.refused.entry(table.title().to_owned());
            entry.and_modify(|(count, _)| *count += 1).or_insert((1, error));
        }
        Ok(())
    }
}
