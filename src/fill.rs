//! Filling a shadow with rows, and reading back what became of them.
//!
//! A migration adds few tables, so filling has to cost little: one message reads the catalog, one puts rows into all new
//! tables. Only where the database refuses is a table tried by itself, then row by row, each row in a savepoint and the
//! refused ones milder; a table that takes no row at all is named with the database's reason.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::data::{Data, Print};
use crate::engine::{DbError, DbErrorKind, DbResult, Engine, Names, Only, Row, Said, Session};
use crate::finding::Finding;
use crate::inserts::{Cells, Making, Mildness, inserts, links, rows_for};
use crate::rows::{self, COLUMNS, FOREIGN_KEYS, Table, Turn};
use crate::sql::Flavor;

/// What has been filled so far in one shadow.
#[derive(Clone, Debug)]
pub struct Filled {
    mildness: Mildness,
    /// By title: the number of the next row.
    tables: HashMap<String, usize>,
    again: BTreeSet<String>,
    /// The rows of the next filling have doubles, where no unique key minds.
    repeats: bool,
    /// Titles of those that hold rows of a real database.
    real: BTreeSet<String>,
    /// By table (its name in lower case): literals that are no keys of the next rows, since a script is about to insert them.
    spared: BTreeMap<String, Vec<String>>,
}

impl Filled {
    /// Nothing yet. Rows begin at this mildness, and become milder where the database refuses them.
    pub fn new(mildness: Mildness) -> Self {
        Filled {
            mildness,
            tables: HashMap::new(),
            again: BTreeSet::new(),
            repeats: false,
            real: BTreeSet::new(),
            spared: BTreeMap::new(),
        }
    }

    /// Asks for more rows in these tables (titles) at the next filling: because they lost theirs, because a script looks
    /// for literals that they do not hold, or because they have other columns now. Their keys differ from earlier ones.
    pub fn refill(&mut self, titles: impl IntoIterator<Item = String>) {
        self.again.extend(titles);
    }

    /// As [`refill`](Filled::refill), with a double among the rows of each table: what a unique key forbade before, and may again.
    pub fn refill_with_doubles(&mut self, titles: impl IntoIterator<Item = String>) {
        self.refill(titles);
        self.repeats = true;
    }

    /// These tables (titles) have lost all their rows: they are filled anew, and their rows refer to those that others have
    /// under the same numbers.
    pub fn forget(&mut self, titles: impl IntoIterator<Item = String>) {
        for title in titles {
            self.tables.remove(&title);
            self.real.remove(&title);
        }
    }

    /// These tables (titles) hold rows of a real database now.
    pub fn take(&mut self, titles: impl IntoIterator<Item = String>) {
        for title in titles {
            self.tables.insert(title.clone(), 0);
            self.real.insert(title);
        }
    }

    /// Whether a table holds rows of a real database.
    pub fn is_real(&self, title: &str) -> bool {
        self.real.contains(title)
    }

    /// Whether nothing was put into a table yet, nor was it left out.
    pub fn is_new(&self, title: &str) -> bool {
        !self.tables.contains_key(title)
    }

    /// Leaves these tables (titles) as they are, unless [`Filled::refill`] asks for rows.
    pub fn skip(&mut self, titles: impl IntoIterator<Item = String>) {
        self.tables.extend(titles.into_iter().map(|title| (title, 0)));
    }

    /// Keeps these literals out of the keys of the next rows in these tables (names, in lower case).
    pub fn spare(&mut self, literals: BTreeSet<(String, String)>) {
        self.spared.clear();
        for (table, literal) in literals {
            self.spared.entry(table).or_default().push(literal);
        }
    }

    /// How the rows of the next filling begin.
    pub fn set_mildness(&mut self, mildness: Mildness) {
        self.mildness = mildness;
    }

    fn wants(&self, title: &str) -> bool {
        !self.tables.contains_key(title) || self.again.contains(title)
    }
}

/// Whether a transaction is open around a filling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    None,
    Perhaps,
}

/// A table that no row could be made for, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfilled {
    /// Title of the table.
    pub table: String,
    /// What the database said.
    pub refused: DbError,
}

impl Unfilled {
    /// What to say of it.
    pub fn finding(&self) -> Finding {
        let help = "put rows for it into the seed.sql of a migration that comes after it, or into seed/ID.sql beside the migrations";
        Finding::note("no-rows", self.to_string()).object(format!("table {}", self.table)).help(help)
    }
}

impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no row can be made for {}: {}", self.table, self.refused)
    }
}

/// What a filling found and did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// All base tables there are, where [`fill`] has read them.
    pub tables: Vec<Arc<Table>>,
    /// Rows put in, by title of the table.
    pub made: BTreeMap<String, u64>,
    pub unfilled: Vec<Unfilled>,
}

/// Reads the base tables with their columns and foreign keys: all of them, or those of some groups of a snapshot.
///
/// # Errors
/// What the database says.
pub async fn read_tables(
    engine: &dyn Engine,
    session: &mut dyn Session,
    names: &Names,
    only: Option<&BTreeSet<String>>,
) -> DbResult<Vec<Arc<Table>>> {
    let texts = &engine.dialect().sql;
    let mut tables = Vec::new();
    let all = || vec![Only { test: "IS NOT NULL".to_owned(), ..Only::default() }];
    for Only { before, after, test } in only.map_or_else(all, |groups| engine.only(groups)) {
        let [columns, rest] = [texts.columns, texts.foreign_keys].map(|text| names.fill(text).replace("{only}", &test));
        let parts = [Said::Once(&before), Said::Often(&columns), Said::Often(&rest), Said::Once(after)];
        let (columns, rest): (Vec<Row>, Vec<Row>) =
            session.say(&parts).await?.into_iter().partition(|row| row.len() == COLUMNS.len());
        if rest.iter().any(|row| row.len() != FOREIGN_KEYS.len()) {
            return Err(DbError::new(DbErrorKind::Statement, "the catalog's columns came back in another shape"));
        }
        tables.extend(rows::tables(&columns, &rest).into_iter().map(Arc::new));
    }
    Ok(tables)
}

/// Puts rows into every table that has not been filled before, or that [`Filled::refill`] asked for.
///
/// Works inside the session's transaction where there is one, else in its own. On engines whose steps are no transaction it
/// is always its own (MySQL commits one that is open).
///
/// # Errors
/// A broken connection, a cancellation; never a row that the database refuses.
pub async fn fill(
    engine: &dyn Engine,
    session: &mut dyn Session,
    names: &Names,
    literals: &[String],
    done: &mut Filled,
) -> DbResult<Report> {
    let tables = read_tables(engine, session, names, None).await?;
    let mut report = fill_tables(engine, session, &tables, literals, Around::Perhaps, done).await?;
    report.tables = tables;
    Ok(report)
}

/// As [`fill`], for tables that have been read already: all there are.
///
/// # Errors
/// As [`fill`].
pub async fn fill_tables(
    engine: &dyn Engine,
    session: &mut dyn Session,
    tables: &[Arc<Table>],
    literals: &[String],
    around: Around,
    done: &mut Filled,
) -> DbResult<Report> {
    let wanting: Vec<&Table> = tables.iter().map(Arc::as_ref).filter(|table| done.wants(table.title())).collect();
    if done.tables.len() + wanting.len() > tables.len() {
        let known: BTreeSet<&str> = tables.iter().map(|table| table.title()).collect();
        done.tables.retain(|title, _| known.contains(title.as_str()));
    }
    let turns = rows::order(wanting);
    let mut report = Report::default();
    if !turns.is_empty() {
        let dialect = engine.dialect();
        let mut hand = match around {
            Around::Perhaps => Hand::begin(session, dialect.flavor, dialect.transactional).await?,
            Around::None => Hand::alone(session, dialect.flavor),
        };
        let outcome = fill_turns(&mut hand, &turns, literals, done, &mut report).await;
        hand.end(outcome).await?;
    }
    done.again.clear();
    done.repeats = false;
    done.spared.clear();
    Ok(report)
}

/// So often other keys are tried for all rows before each is tried by itself.
const KEYS_TRIED: usize = 2;

async fn fill_turns(
    hand: &mut Hand<'_>,
    turns: &[Turn<'_>],
    literals: &[String],
    done: &mut Filled,
    report: &mut Report,
) -> DbResult<()> {
    let (flavor, mildness, repeats) = (hand.flavor, done.mildness, done.repeats);
    let spared = std::mem::take(&mut done.spared);
    let plan = |done: &Filled, taken: usize| -> Vec<Plan<'_>> {
        let one = turns.iter().map(|turn| {
            let from = done.tables.get(turn.table.title()).copied().unwrap_or(0);
            let spared = spared.get(turn.table.lower().as_ref()).map_or(&[][..], Vec::as_slice);
            let waiting = &turn.waiting;
            let making = Making { flavor, literals, spared, mildness, from, taken, waiting, repeats };
            Plan { turn, making, rows: rows_for(turn.table, &making) }
        });
        one.collect()
    };
    let linked: Vec<String> = turns.iter().flat_map(|turn| links(turn, flavor)).collect();
    let all = |plans: &[Plan<'_>]| -> Vec<String> {
        plans.iter().flat_map(Plan::statements).chain(linked.iter().cloned()).collect()
    };
    let mut plans = plan(done, 0);
    let mut at_once = hand.attempt(&all(&plans)).await?;
    for taken in 1..=KEYS_TRIED {
        if !at_once.as_ref().is_err_and(|refused| refused.kind == DbErrorKind::Duplicate) {
            break;
        }
        plans = plan(done, taken);
        at_once = hand.attempt(&all(&plans)).await?;
    }
    for plan in &plans {
        let title = plan.turn.table.title().to_owned();
        let outcome = match &at_once {
            Ok(()) => Ok(plan.rows.len() as u64),
            Err(_) => match hand.attempt(&plan.statements()).await? {
                Ok(()) => Ok(plan.rows.len() as u64),
                Err(refused) => plan.row_by_row(hand, refused).await?,
            },
        };
        done.tables.insert(title.clone(), plan.making.from + plan.rows.len().max(1));
        match outcome {
            Ok(count) => {
                report.made.insert(title, count);
            }
            Err(refused) => {
                if hand.is_empty(plan.turn.table).await? {
                    report.unfilled.push(Unfilled { table: title, refused });
                }
            }
        }
    }
    if at_once.is_err() {
        // Keys that cannot be set stay NULL; each is tried alone, so that one refusal does not cost the others.
        for link in linked {
            let _ = hand.attempt(&[link]).await?;
        }
    }
    Ok(())
}

/// The rows of one table.
struct Plan<'a> {
    turn: &'a Turn<'a>,
    making: Making<'a>,
    rows: Vec<Cells>,
}

impl Plan<'_> {
    fn statements(&self) -> Vec<String> {
        inserts(self.turn.table, self.making.flavor, &self.rows)
    }

    /// Tries each row by itself, a refused one in its plain form, and when none was taken a bare one. Gives the number of
    /// rows, or why there are none.
    async fn row_by_row(
        &self,
        hand: &mut Hand<'_>,
        mut refused: DbError,
    ) -> DbResult<std::result::Result<u64, DbError>> {
        let table = self.turn.table;
        let mut count = 0;
        for (i, row) in self.rows.iter().enumerate() {
            let plain = Making { mildness: Mildness::One, literals: &[], from: self.making.from + i, ..self.making };
            let forms = std::iter::once(row.clone()).chain(rows_for(table, &plain));
            for form in forms {
                match hand.attempt(&inserts(table, self.making.flavor, &[form])).await? {
                    Ok(()) => {
                        count += 1;
                        break;
                    }
                    Err(error) => refused = error,
                }
            }
        }
        if count > 0 {
            return Ok(Ok(count));
        }
        let bare = Making { mildness: Mildness::Bare, ..self.making };
        let outcome = hand.attempt(&inserts(table, self.making.flavor, &rows_for(table, &bare))).await?;
        // What refused the plain row says more than what refused the bare one.
        Ok(outcome.map(|()| 1).map_err(|_| refused))
    }
}

/// The session while rows are put in, with the transaction that surrounds it.
pub(crate) struct Hand<'a> {
    session: &'a mut dyn Session,
    flavor: Flavor,
    /// Whether the transaction is ours to end.
    owns: bool,
    /// No transaction is open: what is attempted is one by itself, as long as nothing is refused.
    alone: bool,
}

const POINT: &str = "switchback_rows";
const BEGIN: &str = "BEGIN;\n";
const COMMIT: &str = ";\nCOMMIT";
const RELEASE: &str = "RELEASE SAVEPOINT switchback_rows";

/// PostgreSQL's word that a savepoint needs a transaction.
const NO_TRANSACTION: &str = "25P01";

impl<'a> Hand<'a> {
    pub(crate) async fn begin(session: &'a mut dyn Session, flavor: Flavor, transactional: bool) -> DbResult<Self> {
        if !transactional {
            session.batch("START TRANSACTION").await?;
        }
        Ok(Hand { session, flavor, owns: !transactional, alone: false })
    }

    /// Where no transaction is open.
    fn alone(session: &'a mut dyn Session, flavor: Flavor) -> Self {
        Hand { session, flavor, owns: false, alone: true }
    }

    /// Keeps what was put in, or takes it back when `outcome` is an error.
    pub(crate) async fn end(self, outcome: DbResult<()>) -> DbResult<()> {
        if !self.owns {
            return outcome;
        }
        let ended = self.session.batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
        outcome.and(ended.map(drop))
    }

    /// Runs statements in one message, all or none. The inner result is the database's refusal of what they hold; the
    /// outer one what ends the filling.
    pub(crate) async fn attempt(&mut self, statements: &[String]) -> DbResult<std::result::Result<(), DbError>> {
        if !self.alone || statements.is_empty() {
            return self.attempt_with(statements, &[]).await;
        }
        let Err(error) = self.session.batch(&[BEGIN, &statements.join(";\n"), COMMIT].concat()).await else {
            return Ok(Ok(()));
        };
        let refused = of_a_row(error)?;
        // The refusal may have ended the transaction.
        let _ = self.session.batch("ROLLBACK").await;
        self.session.batch(BEGIN).await?;
        (self.alone, self.owns) = (false, true);
        Ok(Err(refused))
    }

    /// As [`attempt`](Hand::attempt); none of them stays when one of the queries behind them gives a row.
    pub(crate) async fn attempt_with(
        &mut self,
        statements: &[String],
        tests: &[String],
    ) -> DbResult<std::result::Result<(), DbError>> {
        if statements.is_empty() {
            return Ok(Ok(()));
        }
        let mut sql = format!("SAVEPOINT {POINT};\n{}", statements.join(";\n"));
        if tests.is_empty() {
            sql.push_str(";\n");
            sql.push_str(RELEASE);
        }
        let mut outcome = self.session.batch(&sql).await;
        if !self.owns && outcome.as_ref().is_err_and(|error| error.code == NO_TRANSACTION) {
            // Asking for the savepoint was the cheapest way to find out that the caller has no transaction.
            self.session.batch("BEGIN").await?;
            self.owns = true;
            outcome = self.session.batch(&sql).await;
        }
        if outcome.is_ok() && !tests.is_empty() {
            outcome = match self.session.batch(&tests.join(";\n")).await {
                Ok(rows) if rows.is_empty() => self.session.batch(RELEASE).await,
                Ok(_) => Err(DbError::new(DbErrorKind::Statement, "a foreign key leads nowhere")),
                Err(error) => Err(error),
            };
        }
        let refused = match outcome {
            Ok(_) => return Ok(Ok(())),
            Err(error) => of_a_row(error)?,
        };
        self.session.batch(&format!("ROLLBACK TO SAVEPOINT {POINT};\nRELEASE SAVEPOINT {POINT}")).await?;
        Ok(Err(refused))
    }

    /// Sends a statement of ours that says something of the session.
    pub(crate) async fn say(&mut self, statement: &str) -> DbResult<()> {
        self.session.batch(statement).await.map(drop)
    }

    /// Whether no row stands in a table; not where the table is gone, since a trigger of others may have dropped it.
    async fn is_empty(&mut self, table: &Table) -> DbResult<bool> {
        let sql = format!("SELECT '1' FROM {} LIMIT 1", table.quoted(self.flavor));
        Ok(self.attempt_with(&["SELECT 1".to_owned()], &[sql]).await?.is_ok())
    }
}

/// A refusal of what rows hold.
///
/// # Errors
/// What ends the filling.
fn of_a_row(error: DbError) -> DbResult<DbError> {
    use DbErrorKind::{Cancelled, Connection, NoSavepoint, NotReady, ReadOnly};
    let ends = matches!(error.kind, Connection | NotReady | Cancelled | ReadOnly | NoSavepoint);
    if ends { Err(error) } else { Ok(error) }
}

/// Takes all rows out of tables; whatever refers to them must be among them. Gives whether the database let it happen: a
/// trigger may refuse, and then the rows are as they were, or some are gone.
///
/// # Errors
/// A broken connection.
pub async fn clear(engine: &dyn Engine, session: &mut dyn Session, tables: &[Arc<Table>]) -> DbResult<bool> {
    if tables.is_empty() {
        return Ok(true);
    }
    let flavor = engine.dialect().flavor;
    let names: Vec<String> = tables.iter().map(|table| table.quoted(flavor)).collect();
    let deletes = names.iter().map(|name| format!("DELETE FROM {name};\n")).collect::<String>();
    let text = match flavor {
        Flavor::Postgres => format!("TRUNCATE {}", names.join(", ")),
        Flavor::Sqlite => deletes,
        Flavor::Mysql => ["SET SESSION foreign_key_checks = 0;\n", deletes.trim_end().trim_end_matches(';')].concat(),
    };
    match session.batch(&text).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == DbErrorKind::Connection => Err(error),
        Err(_) => Ok(false),
    }
}

/// Most tables whose data is read in one message.
const TABLES_PER_MESSAGE: usize = 100;

/// Reads the data of tables: counts and hashes, computed in the database.
///
/// # Errors
/// What the database says; also when an answer is missing or has not the shape it must have (I9).
pub async fn read_data(engine: &dyn Engine, session: &mut dyn Session, tables: &[Arc<Table>]) -> DbResult<Data> {
    let mut data = Data::default();
    for part in tables.chunks(TABLES_PER_MESSAGE) {
        let selects: Vec<String> = part.iter().map(|table| engine.fingerprint(table)).collect();
        let selects: Vec<&str> = selects.iter().map(|select| select.trim_end().trim_end_matches(';')).collect();
        let rows = session.batch(&selects.join(";\n")).await?;
        let odd = |title: &str| DbError::new(DbErrorKind::Statement, format!("the data of {title} could not be read"));
        if rows.len() != part.len() {
            return Err(odd(part.first().map(|table| table.title()).unwrap_or_default()));
        }
        for (table, row) in part.iter().zip(&rows) {
            let print = Print::of(table, row).ok_or_else(|| odd(table.title()))?;
            data.tables.insert(table.title().to_owned(), print);
        }
    }
    Ok(data)
}
