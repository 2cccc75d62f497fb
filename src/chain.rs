//! A chain: a shadow that walks along the migrations, one up after the other.
//!
//! It always stands in the state that the ups alone give. What a down does to it is tried inside a transaction that is
//! rolled back, where the engine has transactional DDL; elsewhere the chain is built again when it did not come back.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::class;
use crate::context::Interrupt;
use crate::data::Data;
use crate::draft::Schema;
use crate::engine::{Canceller, DbError, DbErrorKind, DbResult, Engine, Names, Ran, Session};
use crate::fault::{Fault, Result};
use crate::fill::{self, Around, Filled, Unfilled};
use crate::finding::Finding;
use crate::history::{may_name_one, without_histories};
use crate::inserts::Mildness;
use crate::judge::{Refusal, Unexercised};
use crate::migration::{Migration, Transaction};
use crate::plan::Direction;
use crate::rows::Table;
use crate::shadow::{Maker, Shadow};
use crate::snapshot::Snapshot;
use crate::sql::{Script, Statement};
use crate::store;
use crate::touch::Touch;

mod along;
mod filling;
mod left;
mod made;
mod priced;
mod real;

use left::Left;

/// A shadow on its way along the migrations.
pub struct Chain {
    engine: &'static dyn Engine,
    names: Names,
    shadow: Shadow,
    session: Box<dyn Session>,
    interrupt: Interrupt,
    filled: Filled,
    /// What the project puts before every script, as it was run in the session.
    prepared: String,
    /// Where real rows come from.
    source: real::Source,
    /// Tables that no row could be made for.
    unfilled: Vec<Unfilled>,
    made: made::Made,
    /// What scripts can have left in the session since the last reset.
    left: Left,
    /// A transaction is open in which things are tried.
    is_trying: bool,
    /// Number of migrations that it stands behind.
    pub at: usize,
}

/// A longer script is sent statement by statement: SQLite's driver copies what is left behind each statement of a text, which
/// took a minute for 20 MB.
const AT_ONCE_BYTES: usize = 64 << 10;

/// What a script left behind it.
struct Behind {
    /// Rows that each statement touched.
    touched: Vec<u64>,
    /// The schema, where it was read in the script's own transaction.
    schema: Option<Snapshot>,
}

/// How a script is run in a shadow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// In a transaction of its own, as on the target.
    OneTransaction,
    /// Inside a transaction that somebody else opened and will end.
    Inside,
    /// Statement by statement, without one.
    Bare,
}

impl Chain {
    /// A new, empty shadow.
    pub async fn new(maker: &mut Maker, engine: &'static dyn Engine) -> Result<Chain> {
        let shadow = maker.make().await?;
        let session = shadow.open().await?;
        let names = Names::new(engine.dialect().flavor, engine.dialect().schema);
        let interrupt = maker.interrupt().clone();
        Ok(Chain {
            engine,
            names,
            shadow,
            session,
            interrupt,
            filled: Filled::new(Mildness::Bold),
            prepared: String::new(),
            source: real::Source::default(),
            unfilled: Vec::new(),
            made: made::Made::default(),
            left: Left::Nothing,
            is_trying: false,
            at: 0,
        })
    }

    pub fn engine(&self) -> &'static dyn Engine {
        self.engine
    }

    pub async fn close(self) -> Result<()> {
        self.session.close().await;
        self.shadow.close().await
    }

    /// The schema as it is now.
    pub async fn snapshot(&mut self) -> Result<Snapshot> {
        let read = self.engine.snapshot(self.session.as_mut()).await;
        let read = read.map_err(|error| store::own("reading the shadow's schema", &error))?;
        Ok(self.made.without(without_histories(read)))
    }

    /// The schema as it is now, and how its objects are made.
    pub async fn schema(&mut self) -> Result<Schema> {
        let snapshot = self.snapshot().await?;
        let read = self.engine.definitions(self.session.as_mut()).await;
        let definitions = read.map_err(|error| store::own("reading the shadow's definitions", &error))?;
        Ok(Schema { snapshot, definitions })
    }

    /// How this script is to be run on its own.
    pub fn manner(&self, script: &Script, mode: Transaction) -> Manner {
        if self.engine.dialect().transactional && mode == Transaction::Auto && !class::forbids_transaction(script) {
            Manner::OneTransaction
        } else {
            Manner::Bare
        }
    }

    /// Has the session as this migration's scripts are run in it.
    pub async fn prepare(&mut self, migration: &Migration) -> Result<()> {
        self.set(migration.settings.session.as_deref().unwrap_or_default()).await
    }

    /// Has the session as that of another chain.
    pub async fn prepare_as(&mut self, other: &Chain) -> Result<()> {
        self.set(&other.prepared).await
    }

    async fn set(&mut self, wanted: &str) -> Result<()> {
        if self.prepared != wanted {
            wanted.clone_into(&mut self.prepared);
            self.left = Left::Anything;
            self.reset(true).await?;
        }
        Ok(())
    }

    /// Runs a script. On failure a transaction of its own is rolled back.
    ///
    /// # Errors
    /// The outer error when the shadow itself is lost, the inner one when the database refuses a statement.
    pub async fn run(&mut self, script: &Script, manner: Manner) -> Result<std::result::Result<Vec<u64>, Refusal>> {
        Ok(self.run_from(script, manner, None).await?.map(|ran| ran.touched))
    }

    /// As [`run`](Chain::run), with as few messages as can be; where a statement is refused, one by one to say which.
    pub async fn run_at_once(&mut self, script: &Script, manner: Manner) -> Result<std::result::Result<(), Refusal>> {
        let sent = &script.statements()[class::sent(script)];
        let length: usize = sent.iter().map(|statement| statement.span.len()).sum();
        let is_small = sent.len() > 1 && length <= AT_ONCE_BYTES && sent.iter().all(|one| one.copy.is_none());
        if manner == Manner::OneTransaction && is_small {
            self.own(self.engine.dialect().sql.begin).await?;
            let texts: Vec<&str> = sent.iter().map(|statement| script.sql(statement)).collect();
            let ran = self.all_of(&texts.join("\n;\n")).await;
            if self.interrupt.count() > 0 {
                return Err(Fault::refused("stopped on request; the shadow is dropped"));
            }
            self.left = self.left.max(Left::by(script));
            let touches = class::touches_session(script);
            if ran.is_ok() && self.ended(script, None, touches).await?.is_ok() {
                return Ok(Ok(()));
            }
            self.roll_back(touches).await?;
        }
        Ok(self.run(script, manner).await?.map(drop))
    }

    /// As [`run`](Chain::run) from the schema `before`; reads the one behind it, as far as the script can have touched it.
    pub async fn run_and_read(
        &mut self,
        script: &Script,
        manner: Manner,
        before: &Snapshot,
    ) -> Result<std::result::Result<(Vec<u64>, Snapshot), Refusal>> {
        let ran = match self.run_from(script, manner, Some(before)).await? {
            Ok(ran) => ran,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let schema = match ran.schema {
            Some(schema) => schema,
            None => self.read_again(before, script).await?,
        };
        Ok(Ok((ran.touched, schema)))
    }

    /// The schema behind a script that has run without a transaction of ours, from the one that was there before it. Where the
    /// engine tells by the transaction what was touched, all of it is read.
    pub async fn read_again(&mut self, before: &Snapshot, script: &Script) -> Result<Snapshot> {
        let needs_mark = !self.engine.dialect().sql.mark.is_empty();
        let touch = if needs_mark { Touch::Anything } else { Touch::of(script) };
        self.read_touched(before, &touch).await
    }

    async fn read_touched(&mut self, before: &Snapshot, touch: &Touch) -> Result<Snapshot> {
        let read = self.engine.snapshot_again(self.session.as_mut(), before, touch).await;
        let may_have_histories = match touch {
            Touch::Anything => true,
            Touch::Relations { names, .. } => may_name_one(names),
            Touch::Rows => false,
        };
        let read = if may_have_histories { read.map(without_histories) } else { read };
        let read = read.map_err(|error| store::own("reading the shadow's schema", &error))?;
        Ok(self.made.without(read))
    }

    async fn run_from(
        &mut self,
        script: &Script,
        manner: Manner,
        before: Option<&Snapshot>,
    ) -> Result<std::result::Result<Behind, Refusal>> {
        let sql = &self.engine.dialect().sql;
        if manner == Manner::OneTransaction {
            let mark = if before.is_some() { sql.mark } else { "" };
            self.begin(mark).await?;
        }
        let mut schema = None;
        let outcome = self.statements(script).await;
        if self.interrupt.count() > 0 {
            return Err(Fault::refused("stopped on request; the shadow is dropped"));
        }
        let touches = class::touches_session(script);
        self.left = self.left.max(Left::by(script));
        match (&outcome, manner) {
            (Ok(_), Manner::OneTransaction) => match self.ended(script, before, touches).await? {
                Ok(read) => schema = read,
                Err(error) => {
                    self.roll_back(touches).await?;
                    return Ok(Err(self.at_the_end(script, error)));
                }
            },
            (Err(_), Manner::OneTransaction) => self.roll_back(touches).await?,
            (Ok(_), Manner::Inside) => {
                // Deferred constraints would fire at the commit that never comes.
                if let Err(error) = self.check(self.settling(), "").await {
                    return Ok(Err(self.at_the_end(script, error)));
                }
                if let Some(before) = before {
                    schema = Some(self.read_touched(before, &Touch::of(script)).await?);
                }
            }
            (Err(_), Manner::Inside) => {}
            (_, Manner::Bare) => self.reset(touches).await?,
        }
        if let Err(refusal) = &outcome
            && refusal.error.kind == DbErrorKind::Connection
        {
            return Err(store::own("running a script in the shadow", &refusal.error));
        }
        Ok(outcome.map(|touched| Behind { touched, schema }))
    }

    /// Runs some statements of a script without a transaction of ours.
    pub async fn run_unit(&mut self, script: &Script, unit: Range<usize>) -> std::result::Result<(), Refusal> {
        for index in unit {
            let ran = store::run(self.session.as_mut(), script, &script.statements()[index]).await;
            ran.map_err(|error| Refusal { script: script.clone(), index, error })?;
        }
        Ok(())
    }

    async fn statements(&mut self, script: &Script) -> std::result::Result<Vec<u64>, Refusal> {
        let mut touched = Vec::with_capacity(script.statements().len());
        for index in class::sent(script) {
            let statement = &script.statements()[index];
            match self.one(script, statement).await {
                Ok(ran) => touched.push(ran.rows),
                Err(error) => return Err(self.refusal(script, index, error)),
            }
        }
        Ok(touched)
    }

    /// Runs one statement.
    async fn one(&mut self, script: &Script, statement: &Statement) -> std::result::Result<Ran, DbError> {
        let canceller = self.session.canceller();
        until_stopped(store::run(self.session.as_mut(), script, statement), &self.interrupt, canceller).await
    }

    /// Runs a text of many statements.
    async fn all_of(&mut self, text: &str) -> std::result::Result<Ran, DbError> {
        let canceller = self.session.canceller();
        until_stopped(self.session.run(text), &self.interrupt, canceller).await
    }

    /// Ends the transaction of a script: deferred constraints are checked, foreign keys too, the schema is read where that is
    /// wanted, and all of it is committed.
    async fn ended(
        &mut self,
        script: &Script,
        before: Option<&Snapshot>,
        touches: bool,
    ) -> Result<std::result::Result<Option<Snapshot>, DbError>> {
        let sql = &self.engine.dialect().sql;
        let settle = self.settling();
        if before.is_none() && sql.constraints.is_empty() {
            let closed = self.close_with(&[settle, "\nCOMMIT;\n"].concat(), touches).await?;
            return Ok(closed.map(|()| None));
        }
        if let Err(error) = self.check(settle, sql.constraints).await {
            return Ok(Err(error));
        }
        let schema = match before {
            Some(before) => Some(self.read_touched(before, &Touch::of(script)).await?),
            None => None,
        };
        Ok(self.close_with("COMMIT;\n", touches).await?.map(|()| schema))
    }

    async fn check(&mut self, settle: &str, constraints: &str) -> std::result::Result<(), DbError> {
        if !settle.is_empty() {
            self.session.batch(settle).await?;
        }
        if !constraints.is_empty() {
            let rows = self.session.batch(constraints).await?;
            if let Some(row) = rows.first() {
                let text = row.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
                return Err(DbError::new(DbErrorKind::Statement, format!("a foreign key is violated: {text}")));
            }
        }
        Ok(())
    }

    fn at_the_end(&self, script: &Script, error: DbError) -> Refusal {
        let index = script.statements().len().saturating_sub(1);
        self.refusal(script, index, DbError { position: None, ..error })
    }

    /// Puts rows into every one of `tables`, which are all there are, that has had none; `literals` of scripts become values.
    pub async fn fill(&mut self, tables: &[Arc<Table>], literals: &[String]) -> Result<Vec<Finding>> {
        let before = self.all_there().await?;
        let mut notes = self.pour(tables).await?;
        let around = if self.is_trying { Around::Perhaps } else { Around::None };
        let filled =
            fill::fill_tables(self.engine, self.session.as_mut(), tables, literals, around, &mut self.filled).await;
        let mut report = filled.map_err(|error| store::own("filling the shadow with rows", &self.told(&error)))?;
        let now = self.all_there().await?;
        self.leave_out(&before, &now);
        report.unfilled.iter_mut().for_each(|unfilled| unfilled.refused = self.told(&unfilled.refused));
        notes.extend(report.unfilled.iter().map(Unfilled::finding));
        self.unfilled.retain(|known| report.unfilled.iter().all(|new| new.table != known.table));
        self.unfilled.extend(report.unfilled);
        Ok(notes)
    }

    /// Notes that no row could be made for those of these tables that hold none.
    pub fn without_rows(&self, tables: &[Arc<Table>], data: &Data) -> Vec<Finding> {
        let is_empty = |title: &str| data.tables.get(title).is_some_and(|print| print.count == 0);
        let named = |unfilled: &&Unfilled| tables.iter().any(|table| table.title() == unfilled.table);
        let empty = self.unfilled.iter().filter(named).filter(|unfilled| is_empty(&unfilled.table));
        empty.map(Unfilled::finding).collect()
    }

    /// Fills with plain rows; tables that come later get bold ones again.
    pub async fn fill_mildly(&mut self, tables: &[Arc<Table>]) -> Result<Vec<Finding>> {
        self.filled.set_mildness(Mildness::Plain);
        let findings = self.fill(tables, &[]).await?;
        self.filled.set_mildness(Mildness::Bold);
        Ok(findings)
    }

    /// Takes all rows out of tables; whatever refers to them must be among them. Gives whether the database let it happen.
    pub async fn clear(&mut self, tables: &[Arc<Table>]) -> Result<bool> {
        let cleared = fill::clear(self.engine, self.session.as_mut(), tables).await;
        let cleared = cleared.map_err(|error| store::own("clearing the shadow's tables", &error))?;
        self.left = self.left.max(Left::Little);
        self.reset(false).await?;
        if cleared {
            self.filled.forget(tables.iter().map(|table| table.title().to_owned()));
        }
        Ok(cleared)
    }

    /// Leaves these tables without rows.
    pub fn leave_empty(&mut self, tables: &[Arc<Table>]) {
        self.filled.skip(tables.iter().map(|table| table.title().to_owned()));
    }

    /// What has been filled so far; to be set again when a filling was rolled back.
    pub fn filled(&self) -> Filled {
        self.filled.clone()
    }

    pub fn set_filled(&mut self, filled: Filled) {
        self.filled = filled;
    }

    /// The same where their rows are gone: real ones come again where they came from a real database.
    pub fn refill_lost(&mut self, titles: impl IntoIterator<Item = String>) {
        let (real, made): (Vec<String>, Vec<String>) = titles.into_iter().partition(|title| self.is_real(title));
        self.filled.forget(real);
        self.filled.refill(made);
    }

    /// Asks for new rows in these tables (titles) at the next [`fill`](Chain::fill).
    pub fn refill(&mut self, titles: impl IntoIterator<Item = String>) {
        self.filled.refill(titles);
    }

    /// The same, with doubles among them where no unique key minds.
    pub fn refill_with_doubles(&mut self, titles: impl IntoIterator<Item = String>) {
        self.filled.refill_with_doubles(titles);
    }

    /// All base tables, or those of some groups of a snapshot.
    pub async fn tables(&mut self, only: Option<&BTreeSet<String>>) -> Result<Vec<Arc<Table>>> {
        let read = fill::read_tables(self.engine, self.session.as_mut(), &self.names, only).await;
        let mut tables = read.map_err(|error| store::own("reading the shadow's tables", &error))?;
        tables.retain(|table| !self.made.holds(table));
        Ok(tables)
    }

    /// The base tables of the schema `now`, in which this stands, from those of another one that is near.
    pub async fn tables_from(
        &mut self,
        near: &Snapshot,
        known: &[Arc<Table>],
        now: &Snapshot,
    ) -> Result<Vec<Arc<Table>>> {
        let apart = near.apart(now);
        // What is no table may say something of many, and a partition of its parent.
        let is_far = apart.contains("") || [near, now].iter().any(|schema| schema.has(&apart, "partition of"));
        if is_far {
            return self.tables(None).await;
        }
        let mut tables = match self.engine.tables(self.session.server(), now, &apart) {
            Some(tables) => tables.into_iter().map(Arc::new).collect(),
            None => self.tables(Some(&apart)).await?,
        };
        tables.extend(known.iter().filter(|table| !apart.contains(&table.group)).cloned());
        tables.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
        Ok(tables)
    }

    /// What tables hold.
    pub async fn data(&mut self, tables: &[Arc<Table>]) -> Result<Data> {
        let read = fill::read_data(self.engine, self.session.as_mut(), tables).await;
        read.map_err(|error| store::own("reading the shadow's rows", &error))
    }

    /// Runs the queries of `verify.sql`; each must give a row whose first value is true.
    pub async fn verify(&mut self, script: &Script) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for (index, statement) in script.statements().iter().enumerate() {
            match self.session.batch(script.sql(statement)).await {
                Ok(rows) if holds(&rows) => {}
                Ok(_) => {
                    let place = script.place(statement.span.start);
                    findings.push(Finding::error("verify-failed", "the query of verify.sql does not hold").at(place));
                }
                Err(error) => {
                    let refusal = Refusal { script: script.clone(), index, error };
                    findings.push(refusal.finding("verify-failed", "the query of verify.sql fails"));
                }
            }
        }
        Ok(findings)
    }
}

/// The first Ctrl-C cancels what runs, since nothing in a shadow is worth waiting for.
async fn until_stopped(
    running: impl Future<Output = DbResult<Ran>>,
    interrupt: &Interrupt,
    canceller: Box<dyn Canceller>,
) -> DbResult<Ran> {
    tokio::pin!(running);
    tokio::select! {
        ran = &mut running => ran,
        () = interrupt.reached(1) => {
            let _ = canceller.cancel().await;
            running.await
        }
    }
}

/// Whether a query of `verify.sql` holds: at least one row, and none whose first value is false or NULL.
pub fn holds(rows: &[crate::engine::Row]) -> bool {
    let is_true =
        |row: &crate::engine::Row| !matches!(row.first().and_then(Option::as_deref), None | Some("f" | "false" | "0"));
    !rows.is_empty() && rows.iter().all(is_true)
}

/// Data statements of a script that touched no row.
pub fn unexercised(script: &Script, touched: &[u64], direction: Direction) -> Vec<Unexercised> {
    let mut found = Vec::new();
    let sent = &script.statements()[class::sent(script)];
    for (statement, rows) in sent.iter().zip(touched) {
        let class = class::classify(script, statement);
        if let (Some(table), 0) = (class.writes_rows, rows)
            && class.kind == class::Kind::Dml
        {
            found.push(Unexercised { direction, place: script.place(statement.span.start), table });
        }
    }
    found
}
