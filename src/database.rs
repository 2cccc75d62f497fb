//! A database that is only looked at.
//!
//! A [`Database`] holds a session that the engine itself made read-only (I7). To write, it has to be turned into a
//! [`Locked`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use crate::context::Context;
use crate::engine::{self, Access, DbError, DbErrorKind, Engine, Names, Row, Server, Session};
use crate::fault::{Fault, Result};
use crate::history::{self, Tool};
use crate::ledger::{Entry, State};
use crate::lock::{Runner, Standing, Taking, Waits, lease};
use crate::locked::Locked;
use crate::snapshot::Snapshot;
use crate::sql::Flavor;
use crate::store::{self, entries, ledger_exists, own, state, unreachable};
use crate::target::Target;

/// So many rows of the ledger are read with one query.
const PAGE: usize = 500;

/// So many counts go into one message.
const COUNTS_PER_MESSAGE: usize = 50;

/// A database that is only looked at.
pub struct Database {
    engine: &'static dyn Engine,
    target: Target,
    names: Names,
    session: Box<dyn Session>,
    /// It comes into being by being written to, and nobody has done so yet.
    is_to_come: bool,
}

/// Another tool's history table that has rows.
#[derive(Clone)]
pub struct History {
    /// The tool, as messages name it.
    pub tool: &'static str,
    /// As SQL names it.
    pub table: String,
    /// `None`: nobody reads this tool's tables here.
    pub reader: Option<&'static dyn history::History>,
    /// Reads what the reader wants.
    pub query: String,
}

impl Database {
    /// Opens a read-only session. Waits for a server that is still starting, up to `wait`.
    ///
    /// # Errors
    /// Unreachable (exit 3), with what the server said and what helps.
    pub async fn open(target: &Target, wait: Duration) -> Result<Database> {
        let engine = engine_of(target)?;
        let mut is_to_come = false;
        let opened = match store::open(engine, target, Access::ReadOnly, wait).await {
            Err(error) if error.kind == DbErrorKind::NoDatabase && engine.dialect().creates_database => {
                is_to_come = true;
                let nothing = Target { database: ":memory:".to_owned(), ..target.clone() };
                engine.open(&nothing, Access::ReadOnly).await
            }
            other => other,
        };
        let session = opened.map_err(|error| unreachable(target, &error))?;
        let schema = target.ledger_schema.as_deref().or(engine.dialect().schema);
        let names = Names::new(engine.dialect().flavor, schema);
        Ok(Database { engine, target: target.clone(), names, session, is_to_come })
    }

    /// The session, which the engine keeps from writing.
    pub fn session(&mut self) -> &mut dyn Session {
        self.session.as_mut()
    }

    /// Whether the database is not there yet; to whoever looks it is empty.
    pub fn is_to_come(&self) -> bool {
        self.is_to_come
    }

    pub fn server(&self) -> &Server {
        self.session.server()
    }

    pub fn engine(&self) -> &'static dyn Engine {
        self.engine
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What is applied, in the order in which it was applied.
    pub async fn state(&mut self) -> Result<State> {
        state(self.engine, &self.names, self.session.as_mut()).await
    }

    /// Rows of the ledger behind `after`, oldest first.
    pub async fn entries(&mut self, after: i64, limit: i64) -> Result<Vec<Entry>> {
        entries(self.engine, &self.names, self.session.as_mut(), after, limit).await
    }

    /// A number of the ledger that no row should have (empty where it is none at all), or only one, and how many have it.
    pub async fn stray(&mut self) -> Result<Option<(String, String)>> {
        let sql = self.names.fill(self.engine.dialect().sql.ledger_strays);
        let rows = self.session.rows(&sql, &[]).await.map_err(|error| own("reading the ledger", &error))?;
        let mut parts = rows.into_iter().flatten();
        let mut part = || parts.next().map(Option::unwrap_or_default);
        Ok(part().zip(part()))
    }

    /// The ledger's rows with these numbers; a number whose row is gone is left out.
    pub async fn entries_at(&mut self, seqs: &BTreeSet<i64>) -> Result<BTreeMap<i64, Entry>> {
        let mut found = BTreeMap::new();
        let mut wanted = seqs.iter().copied().peekable();
        while let Some(next) = wanted.peek().copied() {
            let left = seqs.range(next..).take(PAGE).count();
            let rows = self.entries(next - 1, i64::try_from(left).unwrap_or(1)).await?;
            let Some(last) = rows.last().map(Entry::seq) else { break };
            found.extend(rows.into_iter().map(|row| (row.seq(), row)).filter(|(seq, _)| seqs.contains(seq)));
            while wanted.next_if(|seq| *seq <= last).is_some() {}
        }
        Ok(found)
    }

    /// The text of a script that the ledger keeps, by its text checksum.
    pub async fn script(&mut self, checksum: &str) -> Result<Option<String>> {
        let sql = self.names.fill(self.engine.dialect().sql.script_get);
        let rows =
            self.session.rows(&sql, &[Some(checksum)]).await.map_err(|error| own("reading the ledger", &error))?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }

    /// The whole schema.
    pub async fn snapshot(&mut self) -> Result<Snapshot> {
        store::schema(self.engine, self.session.as_mut()).await
    }

    /// How the run's lock stands.
    pub async fn standing(&mut self) -> Result<Standing> {
        let failed = |error: DbError| own("asking who is at work", &error);
        let lease = match ledger_exists(self.engine, &self.names, self.session.as_mut()).await? {
            true => lease(self.engine, &self.names, self.session.as_mut()).await.map_err(failed)?,
            false => None,
        };
        let backend = lease.as_ref().and_then(|lease| lease.backend.as_deref());
        let holders = self.engine.holders(self.session.as_mut(), &self.names, backend).await.map_err(failed)?;
        Ok(Standing { lease, holders })
    }

    /// What tells this database from every other on every server.
    pub async fn identity(&mut self) -> Result<String> {
        self.engine.identity(self.session.as_mut()).await.map_err(|error| own("asking who the server is", &error))
    }

    /// Other tools' history tables that have rows.
    pub async fn histories(&mut self) -> Result<Vec<History>> {
        let flavor = self.engine.dialect().flavor;
        let failed = |error: DbError| own("looking for other tools' history tables", &error);
        let rows = self.session.rows(self.engine.dialect().sql.histories, &[]).await.map_err(failed)?;
        let mut found = Vec::new();
        for (schema, table, columns) in grouped(rows) {
            let Some(Tool { title, reader }) = history::tool_of(&table, &columns) else { continue };
            let qualified = match &schema {
                Some(schema) => format!("{}.{}", flavor.ident(schema), flavor.ident(&table)),
                None => flavor.ident(&table),
            };
            let sql = format!("SELECT 1 FROM {qualified} LIMIT 1");
            // A table that may not be read is not ours to judge.
            if self.session.batch(&sql).await.is_ok_and(|rows| !rows.is_empty()) {
                let query = reader.map(|reader| reading(flavor, &qualified, reader.columns(), &columns));
                found.push(History { tool: title, table: qualified, reader, query: query.unwrap_or_default() });
            }
        }
        Ok(found)
    }

    /// Another tool's history table that has rows, if there is one.
    pub async fn history(&mut self) -> Result<Option<History>> {
        Ok(self.histories().await?.into_iter().next())
    }

    /// The rows of another tool's history, in the order of its reader's columns.
    pub async fn history_rows(&mut self, history: &History) -> Result<Vec<Row>> {
        let rows = self.session.batch(&history.query).await;
        rows.map_err(|error| own(&format!("reading the table {}", history.table), &error))
    }

    /// Where a tool keeps its tables if not beside the user's own: a database on the same server, a file in the same folder.
    /// `None` where there is no such database, and where the engine has schemas for that.
    pub async fn apart(&self, name: &str, wait: Duration) -> Result<Option<Database>> {
        let dialect = self.engine.dialect();
        let database = match dialect.flavor {
            Flavor::Postgres => return Ok(None),
            Flavor::Mysql => name.to_owned(),
            Flavor::Sqlite => {
                let file = Path::new(&self.target.database);
                let ending = file.extension().map(|ending| format!(".{}", ending.display())).unwrap_or_default();
                file.with_file_name(format!("{name}{ending}")).display().to_string()
            }
        };
        let target = Target { database, ..self.target.clone() };
        match store::open(self.engine, &target, Access::ReadOnly, wait).await {
            Err(error) if error.kind == DbErrorKind::NoDatabase => return Ok(None),
            Ok(session) => session.close().await,
            Err(_) => {}
        }
        Database::open(&target, wait).await.map(Some)
    }

    /// For each of `objects`: rows of a `table …`, or values that are not NULL of a `column …`; `None` when they cannot be
    /// counted.
    pub async fn count(&mut self, objects: &[String]) -> Vec<Option<u64>> {
        let flavor = self.engine.dialect().flavor;
        let mut counts = Vec::with_capacity(objects.len());
        for objects in objects.chunks(COUNTS_PER_MESSAGE) {
            let texts: Vec<Option<String>> = objects.iter().map(|object| counting(flavor, object)).collect();
            let message: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
            let number = |row: Row| row.into_iter().next().flatten()?.parse().ok();
            match self.session.batch(&message.join(";\n")).await {
                Ok(rows) if rows.len() == message.len() => {
                    let mut rows = rows.into_iter();
                    counts.extend(texts.iter().map(|text| text.as_ref().and_then(|_| rows.next()).and_then(number)));
                }
                // One that cannot be counted says nothing about the others.
                _ => {
                    for text in texts {
                        let rows = match text {
                            Some(text) => self.session.batch(&text).await.unwrap_or_default(),
                            None => Vec::new(),
                        };
                        counts.push(rows.into_iter().next().and_then(number));
                    }
                }
            }
        }
        counts
    }

    pub async fn close(self) {
        self.session.close().await;
    }

    /// Takes the run's lock: polls, never waits inside a statement, and names the holder.
    ///
    /// # Errors
    /// Busy (exit 5) when the wait is over.
    pub async fn lock(self, context: &Context, runner: Runner, waits: Waits) -> Result<Locked> {
        self.taken(context, runner, waits, Taking::WhenFree).await
    }

    /// Takes the lease from a run that still has the run's lock.
    ///
    /// # Errors
    /// Busy (exit 5) when a session of another run is at work.
    pub async fn seize(self, context: &Context, runner: Runner, waits: Waits) -> Result<Locked> {
        self.taken(context, runner, waits, Taking::FromARun).await
    }

    async fn taken(self, context: &Context, runner: Runner, waits: Waits, taking: Taking) -> Result<Locked> {
        let Database { engine, target, names, session, .. } = self;
        session.close().await;
        Locked::take(engine, target, names, context, runner, waits, taking).await
    }
}

/// The query that reads these columns of a table; one that it does not have reads as NULL.
fn reading(flavor: Flavor, table: &str, wanted: &[&str], columns: &[String]) -> String {
    let own = |wanted: &&str| columns.iter().find(|column| column.eq_ignore_ascii_case(wanted));
    let named = |wanted: &&str| own(wanted).map_or_else(|| "NULL".to_owned(), |column| flavor.ident(column));
    format!("SELECT {} FROM {table}", wanted.iter().map(named).collect::<Vec<_>>().join(", "))
}

/// The query that counts the rows of a `table …`, or the values that are not NULL of a `column …`.
fn counting(flavor: Flavor, object: &str) -> Option<String> {
    // Names that need quotes carry them already.
    let quote = |part: &str| if part.starts_with(['"', '`']) { part.to_owned() } else { flavor.ident(part) };
    let quoted = |name: &str| name.split('.').map(quote).collect::<Vec<_>>().join(".");
    match object.split_once(' ')? {
        ("table", name) => Some(format!("SELECT count(*) FROM {}", quoted(name))),
        ("column", name) => {
            let (table, column) = name.rsplit_once('.')?;
            Some(format!("SELECT count({}) FROM {}", quote(column), quoted(table)))
        }
        _ => None,
    }
}

/// The engine of a target's URL scheme.
pub fn engine_of(target: &Target) -> Result<&'static dyn Engine> {
    engine::by_scheme(&target.scheme).ok_or_else(|| {
        let fault = Fault::usage(format!("no engine speaks `{}`", target.scheme));
        fault.help("URLs begin with sqlite:, postgres: (postgresql:), mysql: or mariadb:")
    })
}

/// Rows of (schema, table, column) as tables with their columns.
fn grouped(rows: Vec<Row>) -> Vec<(Option<String>, String, Vec<String>)> {
    let mut tables: Vec<(Option<String>, String, Vec<String>)> = Vec::new();
    for row in rows {
        let mut parts = row.into_iter();
        let (schema, table) = (parts.next().flatten(), parts.next().flatten().unwrap_or_default());
        let column = parts.next().flatten().unwrap_or_default();
        match tables.last_mut() {
            Some(last) if last.0 == schema && last.1 == table => last.2.push(column),
            _ => tables.push((schema, table, vec![column])),
        }
    }
    tables
}
