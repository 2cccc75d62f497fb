//! Proving one migration: up, down and up again on two chains, and what was seen.
//!
//! One chain has empty tables, as a fresh installation has; the other has rows in every table, so that a down that only
//! fails or only loses with data is caught.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::chain::{self, Chain, Manner};
use crate::class;
use crate::data::Data;
use crate::engine::Engine;
use crate::fault::{FaultKind, Result};
use crate::finding::{Finding, Severity};
use crate::judge::{Refusal, Seen};
use crate::migration::{Down, Migration, Transaction};
use crate::moves::{self, Move};
use crate::plan::Direction;
use crate::pour;
use crate::real::Real;
use crate::rows::{self, Sight, Table};
use crate::shadow::Maker;
use crate::snapshot::{self, Snapshot};

mod back;

/// So many schemas are kept in mind with their tables: before and after a migration, and what a wrong down makes of them.
const MET: usize = 3;

/// Two shadows that stand behind the same ups.
pub struct Pair<'a> {
    maker: &'a mut Maker,
    engine: &'static dyn Engine,
    empty: Chain,
    full: Chain,
    /// The schema in which both stand; `None` when it was not read since they moved.
    schema: Option<Snapshot>,
    /// The tables of the schemas that were met last: a migration there and back meets the same two again and again.
    met: VecDeque<(Snapshot, Arc<Vec<Arc<Table>>>)>,
    /// Tables (titles) that were left without rows for one migration's sake, and get some behind it.
    hungry: BTreeSet<String>,
    /// The chain with rows is another one than that which the schemas were read in: their groups have other keys there.
    is_another: bool,
    /// Rows of a real database, for the chain with rows.
    real: Option<Real>,
    /// Tables (titles) that real rows were meant for and did not fit.
    vain: BTreeSet<String>,
}

impl<'a> Pair<'a> {
    /// Two empty shadows, and the schema of an empty one.
    pub async fn new(maker: &'a mut Maker) -> Result<Pair<'a>> {
        let engine = maker.engine();
        let empty = Chain::new(maker, engine).await?;
        let mut full = Chain::new(maker, engine).await?;
        let schema = Some(full.snapshot().await?);
        Ok(Pair {
            maker,
            engine,
            empty,
            full,
            schema,
            met: VecDeque::new(),
            hungry: BTreeSet::new(),
            is_another: false,
            real: None,
            vain: BTreeSet::new(),
        })
    }

    /// Takes real rows for tables that have the same columns where they come from.
    pub fn with_rows(mut self, real: Option<Real>) -> Pair<'a> {
        self.full.draw_from(real.as_ref().map(|real| Arc::clone(&real.sample)));
        self.real = real;
        self
    }

    pub async fn close(self) -> Result<()> {
        let first = self.empty.close().await;
        self.full.close().await.and(first)
    }

    /// Brings both behind `ran`, with rows in one of them; gives the schema in which they then stand.
    pub async fn catch_up(&mut self, ran: &[&Migration]) -> Result<&Snapshot> {
        if self.full.at < ran.len() {
            let (empty, full) = tokio::join!(self.empty.advance(ran), self.full.advance(ran));
            empty?;
            if full.is_err() {
                // What was proven on other rows may fail on those that stand here: it is tried without any.
                let mut fresh = self.bare(ran).await?;
                fresh.draw_from(self.real.as_ref().map(|real| Arc::clone(&real.sample)));
                self.full = fresh;
                self.met.clear();
            }
            let schema = self.full.snapshot().await?;
            self.full.watch(&schema);
            let tables = self.tables(&schema).await?;
            self.full.fill(&tables, &[]).await?;
            self.schema = Some(schema);
        }
        let schema = match self.schema.take() {
            Some(schema) => schema,
            None => self.full.snapshot().await?,
        };
        self.full.watch(&schema);
        Ok(self.schema.insert(schema))
    }

    /// The tables of the schema in which the chain with rows stands now.
    async fn tables(&mut self, schema: &Snapshot) -> Result<Arc<Vec<Arc<Table>>>> {
        if let Some((_, tables)) = self.met.iter().find(|(met, _)| met == schema) {
            return Ok(Arc::clone(tables));
        }
        let tables = Arc::new(match self.met.front() {
            Some((near, known)) => self.full.tables_from(near, known, schema).await?,
            None => self.full.tables(None).await?,
        });
        self.met.truncate(MET - 1);
        self.met.push_front((schema.clone(), Arc::clone(&tables)));
        Ok(tables)
    }

    /// Runs the migration there and back behind `ran`, and tells what was seen. Afterwards both stand behind it, unless
    /// its up failed.
    pub async fn see(&mut self, migration: &Migration, ran: &[&Migration]) -> Result<Seen> {
        let before = self.catch_up(ran).await?.clone();
        let mut seen = Seen { before, ..Seen::default() };
        self.draw_real(migration, ran, &mut seen).await?;
        self.empty.prepare(migration).await?;
        self.full.prepare(migration).await?;
        let manner = self.empty.manner(&migration.up, migration.settings.transaction.up);
        if let Err(refusal) = self.empty.run_at_once(&migration.up, manner).await? {
            seen.up_failed = Some(refusal);
            if manner == Manner::Bare {
                self.empty = self.bare(ran).await?;
            }
            return Ok(seen);
        }
        self.empty.at += 1;
        if let Some(script) = &migration.verify {
            seen.verify_failed = self.empty.verify(script).await?;
        }
        let rows_before = self.up_with_rows(migration, ran, &mut seen).await?;
        if seen.up_failed.is_some() {
            self.empty = self.bare(ran).await?;
            self.full = self.replaced(Rows::Bold, ran, &seen.before.clone()).await?;
            return Ok(seen);
        }
        self.full.may_name(&seen.after_up);
        seen.note(self.full.without_rows(&rows_before.tables, &rows_before.data));
        self.full.at += 1;
        if let Down::Script(down) = &migration.down
            && !down.statements().is_empty()
        {
            let with: Vec<&Migration> = ran.iter().copied().chain([migration]).collect();
            self.back(migration, down, &with, &rows_before, &mut seen).await?;
        } else {
            seen.moves = rows_before.moves;
        }
        self.read_in_another(&mut seen.after_up).await?;
        self.feed(migration, [], &mut seen).await?;
        let hungry = std::mem::take(&mut self.hungry);
        if !hungry.is_empty() {
            let tables = self.tables(&seen.after_up).await?;
            self.full.refill_lost(hungry);
            self.full.fill(&tables, &[]).await?;
        }
        self.schema = Some(seen.after_up.clone());
        Ok(seen)
    }

    /// The up with rows; gives the rows that stood there before it. An up that fails only because of our rows is tried
    /// with milder ones and then on empty tables, and never called failed.
    async fn up_with_rows(&mut self, migration: &Migration, ran: &[&Migration], seen: &mut Seen) -> Result<Held> {
        self.seed(migration, ran, seen).await?;
        self.meet_literals(migration, &seen.before).await?;
        let manner = self.full.manner(&migration.up, migration.settings.transaction.up);
        let mut before = self.held(migration, &seen.before).await?;
        let mut ran_up = self.full.run_and_read(&migration.up, manner, &seen.before).await?;
        let milder = self.milder(migration, &before.tables);
        for rows in milder {
            let Err(refusal) = &ran_up else { break };
            seen.notes.extend(self.refused_by_rows(rows, refusal));
            let schema = seen.before.clone();
            // A transaction that was rolled back left nothing behind it.
            let is_back = manner == Manner::OneTransaction && !class::controls_transactions(&migration.up)
                || self.full.read_again(&schema, &migration.up).await? == schema;
            if !is_back || !self.thinned(rows, &before.tables, &schema).await? {
                self.full = self.replaced(rows, ran, &schema).await?;
                self.read_in_another(&mut seen.before).await?;
            }
            before = self.held(migration, &seen.before).await?;
            ran_up = self.full.run_and_read(&migration.up, manner, &seen.before).await?;
        }
        if let (Err(refusal), [_, Rows::Real], Some(real)) = (&ran_up, milder, &self.real) {
            (seen.up_failed, seen.failed_on) = (Some(refusal.clone()), Some(real.sample.name.clone()));
            seen.notes.retain(|note| note.code != "rows-refused");
            return Ok(before);
        }
        let (touched, after_up) = ran_up.map_err(|refusal| {
            refusal.fault(FaultKind::Refused, "the up works in one empty shadow and fails in another")
        })?;
        seen.unexercised = chain::unexercised(&migration.up, &touched, Direction::Up);
        seen.after_up = after_up;
        self.full.watch(&seen.after_up);
        let tables = self.tables(&seen.after_up).await?;
        let renamed = moves::candidates(&snapshot::diff(&seen.before, &seen.after_up), migration);
        if !renamed.is_empty() {
            let named = moves::tables(renamed.iter().map(|(_, to)| to.as_str()), &tables);
            before.moves = moves::held(renamed, &before.data, &self.full.data(&named).await?);
        }
        // Rows that stand in new tables must not get into those that are compared with what they held before the up.
        if before.tables.is_empty() || (before.moves.is_empty() && !migration.down.may_write_rows()) {
            self.feed(migration, [], seen).await?;
        }
        Ok(before)
    }

    /// Puts in the rows of `seed.sql`; where they collide with made-up ones, those give way.
    async fn seed(&mut self, migration: &Migration, ran: &[&Migration], seen: &mut Seen) -> Result<()> {
        let Some(seed) = &migration.seed else { return Ok(()) };
        let manner = self.full.manner(seed, Transaction::Auto);
        if self.full.run(seed, manner).await?.is_err() {
            let schema = seen.before.clone();
            self.full = self.replaced(Rows::None, ran, &schema).await?;
            self.read_in_another(&mut seen.before).await?;
            if let Err(refusal) = self.full.run(seed, manner).await? {
                seen.notes.push(refusal.finding("seed-failed", "the rows of the seed cannot be put in"));
            }
            let tables = self.tables(&seen.before.clone()).await?;
            self.full.fill(&tables, &[]).await?;
        }
        Ok(())
    }

    /// Puts rows with the scripts' literals into the tables that their data statements write or read, so that a WHERE meets some.
    async fn meet_literals(&mut self, migration: &Migration, schema: &Snapshot) -> Result<()> {
        let names = migration.data_names();
        if names.is_empty() {
            return Ok(());
        }
        let tables = self.tables(schema).await?;
        let is_named =
            |table: &&Arc<Table>| names.contains(table.lower().as_ref()) && !self.full.is_real(table.title());
        let named: Vec<String> = tables.iter().filter(is_named).map(|table| table.title().to_owned()).collect();
        self.full.refill(named);
        self.full.fill_for(&tables, migration, &[&migration.up]).await.map(drop)
    }

    /// The tables that the migration's scripts can touch, and what they hold.
    async fn held(&mut self, migration: &Migration, schema: &Snapshot) -> Result<Held> {
        let tables = self.touched(migration, schema).await?;
        let data = self.full.data(&tables).await?;
        Ok(Held { tables, data, moves: Vec::new() })
    }

    async fn touched(&mut self, migration: &Migration, schema: &Snapshot) -> Result<Vec<Arc<Table>>> {
        let mut names = BTreeSet::new();
        let mut sight = Sight::Clear;
        for script in migration.ways() {
            names.extend(script.names());
            if script.statements().iter().any(|statement| class::classify(script, statement).opaque) {
                sight = Sight::Opaque;
            }
        }
        let all = self.tables(schema).await?;
        Ok(rows::scope(&all, &names, &schema.triggered(), sight).into_iter().cloned().collect())
    }

    /// Begins the chain with rows anew where a table that the migration can touch has the columns now that it has in the real
    /// database, and holds other rows.
    async fn draw_real(&mut self, migration: &Migration, ran: &[&Migration], seen: &mut Seen) -> Result<()> {
        let Some(real) = self.real.clone() else { return Ok(()) };
        let touched = self.touched(migration, &seen.before).await?;
        let tables = self.tables(&seen.before).await?;
        let taking = pour::takers(&real.sample, &tables, self.engine.dialect().flavor);
        let is_due = |title: &String| !self.full.is_real(title) && !self.vain.contains(title) && taking.contains(title);
        let due: Vec<String> = titles(&touched).filter(is_due).collect();
        if !due.is_empty() {
            self.full = self.replaced(Rows::Bold, ran, &seen.before.clone()).await?;
            self.read_in_another(&mut seen.before).await?;
            self.vain.extend(due.into_iter().filter(|title| !self.full.is_real(title)));
        }
        self.full.may_name(&seen.before);
        Ok(())
    }

    /// What is tried in turn where an up fails with rows. Real ones that it meets are never left away where it is not applied
    /// yet: on these it would fail there, too.
    fn milder(&self, migration: &Migration, touched: &[Arc<Table>]) -> [Rows; 2] {
        let meets_real = touched.iter().any(|table| self.full.is_real(table.title()));
        match &self.real {
            Some(real) if meets_real && real.applied.contains(&migration.id) => [Rows::MadeUp, Rows::None],
            Some(_) if meets_real => [Rows::Mild, Rows::Real],
            _ => [Rows::Mild, Rows::None],
        }
    }

    /// What is said where an up is tried with other rows because of a refusal.
    fn refused_by_rows(&self, rows: Rows, refusal: &Refusal) -> Option<Finding> {
        let name = self.real.as_ref().map(|real| real.sample.name.as_str()).unwrap_or_default();
        let (message, help) = match rows {
            Rows::Bold | Rows::Mild => return None,
            Rows::MadeUp => (
                format!(
                    "the up fails on the rows of {name}, which were written after it, and was tried on made-up ones"
                ),
                "what stands there now need not be what stood there when it was applied".to_owned(),
            ),
            Rows::Real => (
                format!("the up fails on our made-up rows, and was tried on those of {name} alone"),
                HELP_SEED.to_owned(),
            ),
            Rows::None => (
                "the up fails on our made-up rows, and was tried on empty tables only".to_owned(),
                HELP_SEED.to_owned(),
            ),
        };
        let mut finding = refusal.finding("rows-refused", message);
        finding.severity = Severity::Note;
        Some(finding.help(help))
    }

    /// Other rows for the tables that an up can touch, in place, where its refusal has left the schema as it was. Gives whether
    /// that could be done.
    async fn thinned(&mut self, rows: Rows, touched: &[Arc<Table>], schema: &Snapshot) -> Result<bool> {
        if !self.full.clear(touched).await? {
            return Ok(false);
        }
        let tables = self.tables(schema).await?;
        match rows {
            Rows::None => {
                self.full.leave_empty(touched);
                self.hungry = titles(touched).collect();
            }
            Rows::Real => self.hungry = self.full.fill_really(&tables).await?,
            Rows::MadeUp => drop(self.full.fill_without_real(&tables).await?),
            Rows::Mild | Rows::Bold => drop(self.full.fill_mildly(&tables).await?),
        }
        Ok(true)
    }

    async fn bare(&mut self, ran: &[&Migration]) -> Result<Chain> {
        let mut fresh = Chain::new(self.maker, self.engine).await?;
        fresh.advance(ran).await?;
        fresh.prepare_as(&self.empty).await?;
        Ok(fresh)
    }

    /// A new chain behind `ran`, where the schema is `schema`, in place of one that did not come back. Where it gets no rows now, tables that are there
    /// already get none later on either.
    async fn replaced(&mut self, rows: Rows, ran: &[&Migration], schema: &Snapshot) -> Result<Chain> {
        let mut fresh = self.bare(ran).await?;
        fresh.draw_from(self.real.as_ref().map(|real| Arc::clone(&real.sample)));
        fresh.may_name(schema);
        fresh.watch(schema);
        let known = self.met.iter().find(|(met, _)| met == schema).map(|(_, tables)| Arc::clone(tables));
        let tables = match known {
            Some(tables) => tables,
            None => Arc::new(fresh.tables(None).await?),
        };
        match rows {
            Rows::Bold => drop(fresh.fill(&tables, &[]).await?),
            Rows::Mild => drop(fresh.fill_mildly(&tables).await?),
            Rows::Real => self.hungry = fresh.fill_really(&tables).await?,
            Rows::MadeUp => drop(fresh.fill_without_real(&tables).await?),
            Rows::None => {
                fresh.leave_empty(&tables);
                self.hungry = titles(&tables).collect();
            }
        }
        self.met.clear();
        self.is_another = true;
        Ok(fresh)
    }

    /// Reads the schema in which the chain with rows stands, where that is another chain since it was read.
    async fn read_in_another(&mut self, schema: &mut Snapshot) -> Result<()> {
        if std::mem::take(&mut self.is_another) {
            *schema = self.full.snapshot().await?;
        }
        Ok(())
    }
}

fn titles(tables: &[Arc<Table>]) -> impl Iterator<Item = String> {
    tables.iter().map(|table| table.title().to_owned())
}

/// What tables held at one moment.
struct Held {
    tables: Vec<Arc<Table>>,
    data: Data,
    /// What has another name behind the up, with the same rows.
    moves: Vec<Move>,
}

/// The rows that a new chain gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    Bold,
    /// Plain ones, without NULLs and the edges of the types.
    Mild,
    /// Such, and no real ones.
    MadeUp,
    /// Real ones alone.
    Real,
    None,
}

const HELP_SEED: &str =
    "rows that it meets help: write them into its seed.sql, or into seed/ID.sql beside the migrations";
