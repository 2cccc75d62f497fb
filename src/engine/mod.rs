//! Engines: the only place that knows how to talk to a database.
//!
//! The seam is small. An engine opens sessions; a session runs text and gives text back; whatever else differs between
//! engines is data ([`Dialect`]) and whole `.sql` files that a DBA can read. The protocol (locks, fences, journal,
//! ledger) is written once, above, in terms of these.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::draft::Definition;
use crate::fault::Result;
use crate::price::{Relation, Running, TableSize, Way};
use crate::rows::Table;
use crate::snapshot::Snapshot;
pub use crate::sql::Position;
use crate::sql::{Flavor, Script, Statement};
use crate::target::Target;
use crate::touch::Touch;

mod dialect;
mod lock;
pub mod mysql;
pub mod postgres;
pub mod sqlite;

pub use dialect::{ClientTexts, Dialect, Limits, LimitsHold, Names, Texts};
pub use lock::{Claim, Holders, Lock, LockSession, Pulse, Tried};

/// The family, in the order in which it is shown. One entry per wire protocol; MariaDB is told apart from MySQL by the
/// server's own word ([`Server::engine`]).
pub static ENGINES: &[&dyn Engine] = &[&sqlite::Sqlite, &postgres::Postgres, &mysql::Mysql];

/// The engine that serves a URL scheme (`postgres`, `postgresql`, `mysql`, `mariadb`, `sqlite`, …).
pub fn by_scheme(scheme: &str) -> Option<&'static dyn Engine> {
    ENGINES.iter().copied().find(|engine| engine.dialect().schemes.contains(&scheme))
}

/// One row of optional text; every column comes as the engine's own text form.
pub type Row = Vec<Option<String>>;

/// A session's result.
pub type DbResult<T> = std::result::Result<T, DbError>;

/// What a database said when it refused, told apart into what the protocol needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbError {
    pub kind: DbErrorKind,
    /// SQLSTATE, error number or extended result code, as text; empty when there is none.
    pub code: String,
    /// The server's own message, without the place in its source.
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// PostgreSQL's context: the function and line inside which it happened.
    pub context: Option<String>,
    /// Where in the statement that was sent.
    pub position: Option<Position>,
}

/// The classes of errors that the protocol treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbErrorKind {
    /// The server cannot be reached, or the connection broke: nobody knows what took effect.
    Connection,
    /// The server is starting, or has no connection free; worth waiting for.
    NotReady,
    /// User, password or certificate are wrong.
    Authentication,
    /// The database (or file) does not exist.
    NoDatabase,
    /// Waited too long for a lock that another session holds; trying again may work.
    LockTimeout,
    /// Deadlock or serialization failure; trying the whole transaction again may work.
    Conflict,
    /// A right is missing.
    Privilege,
    /// The savepoint that guards our transaction is gone: the script ended the transaction.
    NoSavepoint,
    /// A read-only session or server refused to write.
    ReadOnly,
    /// Cancelled from outside.
    Cancelled,
    /// A unique key refused a row.
    Duplicate,
    /// An object that was named does not exist.
    Missing,
    /// What the server must have, not the database: an extension, a role, a tablespace, a storage engine.
    NotOnServer,
    /// Anything else the server refuses: the statement is wrong, here and now.
    Statement,
}

impl DbError {
    pub fn new(kind: DbErrorKind, message: impl Into<String>) -> Self {
        DbError {
            kind,
            code: String::new(),
            message: message.into(),
            detail: None,
            hint: None,
            context: None,
            position: None,
        }
    }

    /// Lines for people: message with code, then detail, hint and context where there are any; each may have several.
    pub fn lines(&self) -> Vec<String> {
        let first =
            if self.code.is_empty() { self.message.clone() } else { format!("{} ({})", self.message, self.code) };
        let part = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name}: {text}"));
        let rest = [part("detail", &self.detail), part("hint", &self.hint), part("where", &self.context)];
        let parts = std::iter::once(first).chain(rest.into_iter().flatten());
        parts.flat_map(|part| part.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("; "))
    }
}

impl std::error::Error for DbError {}

/// What one statement of a script did.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// Rows affected, where the engine says so for this kind of statement.
    pub rows: u64,
    /// Notices and warnings in the server's words.
    pub notices: Vec<String>,
}

/// What a session may do. The engine itself enforces it: a `ReadOnly` session cannot write (I7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
    /// For shadows: as `ReadWrite`, with whatever the engine has to keep scripts inside
    /// (SQLite: an authorizer) and to be quick rather than durable.
    Shadow,
}

/// The server behind a session, as it told itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `sqlite`, `postgres`, `mysql` or `mariadb`.
    pub engine: &'static str,
    /// Full version, such as `15.20` or `10.11.19`.
    pub version: String,
    /// What a proof is bound to: `15`, `10.11`, `3`.
    pub major: String,
    /// Who the session is, as the server sees it; empty for SQLite.
    pub user: String,
    /// The database it is in (SQLite: the file's path; `:memory:`).
    pub database: String,
    /// The server's id of this session (PostgreSQL: pid and start; MySQL: CONNECTION_ID()). `None` where a pooler gives each
    /// transaction a session of its own choice, so that nothing that is set outlives one.
    pub backend: Option<String>,
}

impl Server {
    /// Whether a pooler stands in front of it that keeps no session for us.
    pub fn is_pooled(&self) -> bool {
        self.backend.is_none()
    }
}

/// A part of a message.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// Any number of statements.
    Once(&'a str),
    /// One query that this session is asked again and again.
    Often(&'a str),
}

/// How the `columns` and `foreign_keys` texts are restricted to some groups of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Only {
    /// What goes before the two, and behind them. Several statements, which give no rows.
    pub before: String,
    pub after: &'static str,
    /// What stands for `{only}`.
    pub test: String,
}

/// A single connection, pinned: locks, `search_path` and temporary state belong to it.
#[async_trait]
pub trait Session: Send {
    /// What the server said of itself when the session was opened.
    fn server(&self) -> &Server;

    /// Rows of a query with bound values, each a text or NULL. Placeholders are the engine's own; queries cast every
    /// column to text where the engine would not send text by itself.
    async fn rows(&mut self, sql: &str, binds: &[Option<&str>]) -> DbResult<Vec<Row>>;

    /// Several statements of our own with their values, in one message where the engine has such. Stops at the first that
    /// fails.
    async fn together(&mut self, statements: &[(String, Vec<Option<String>>)]) -> DbResult<()>;

    /// Several statements of our own in one message, without values; gives the rows of all of them in order. Stops at the
    /// first that fails.
    async fn batch(&mut self, sql: &str) -> DbResult<Vec<Row>>;

    /// As [`batch`](Session::batch), for a message of which parts are said again and again: an engine may keep their plans.
    async fn say(&mut self, parts: &[Said<'_>]) -> DbResult<Vec<Row>> {
        let sentence = |part: &Said<'_>| {
            let (Said::Once(text) | Said::Often(text)) = part;
            [text.trim_end().trim_end_matches(';'), if text.is_empty() { "" } else { ";\n" }].concat()
        };
        self.batch(&parts.iter().map(sentence).collect::<String>()).await
    }

    /// One statement of a script, as written.
    async fn run(&mut self, statement: &str) -> DbResult<Ran>;

    /// One `COPY … FROM stdin` with its rows, in the engine's text form as the script has it.
    async fn copy_in(&mut self, statement: &str, data: &str) -> DbResult<Ran>;

    /// A handle that cancels what this session is running, from outside and more than once.
    fn canceller(&self) -> Box<dyn Canceller>;

    /// Ends the session in good order.
    async fn close(self: Box<Self>);
}

/// So long a server may take until a session is open, what it is asked then included. Its own time limit for a connection is shorter.
const OPENING: Duration = Duration::from_secs(60);

/// A session, unless the server falls silent before it is open.
async fn opened<T>(opening: impl Future<Output = DbResult<T>>) -> DbResult<T> {
    match tokio::time::timeout(OPENING, opening).await {
        Ok(opened) => opened,
        Err(_) => {
            let what = format!("the server does not answer; it was asked for {} s", OPENING.as_secs());
            Err(DbError::new(DbErrorKind::Connection, what))
        }
    }
}

/// Cancels a running statement through a connection of its own.
#[async_trait]
pub trait Canceller: Send + Sync {
    async fn cancel(&self) -> DbResult<()>;

    /// Whether the server lets another connection of this account in: it may be at work although it has not answered.
    async fn reach(&self) -> DbResult<()> {
        Ok(())
    }
}

/// A shadow that an engine made: where it is and what has to be dropped afterwards.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where scripts are run, under the throw-away identity.
    pub target: Target,
    /// Name of the database, user or file that we made; it carries our marker and the nonce.
    pub name: String,
}

/// Which objects of the target's server a shadow may use.
#[derive(Clone, Debug)]
pub enum Level {
    /// S1: a database and a throw-away role on this server (for SQLite, S0: memory or a temporary file).
    Server(Target),
    /// S2: a throw-away server of our own from installed binaries, of the kind that the target's server says it is ([`Server::engine`]).
    Local {
        engine: &'static str,
        /// What the target's database is made with ([`Engine::made_with`]).
        with: Vec<String>,
    },
}

/// What an earlier try of a statement has left behind, out of the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// What was done, a sentence each.
    pub told: Vec<String>,
    /// What ends the statement that the earlier try has begun; to be run in its place.
    pub instead: Option<String>,
}

/// One member of the family.
#[async_trait]
pub trait Engine: Send + Sync {
    fn dialect(&self) -> &'static Dialect;

    /// Opens a session with the settings that the engine's own client would have.
    async fn open(&self, target: &Target, access: Access) -> DbResult<Box<dyn Session>>;

    /// Reads the whole schema back from the catalog, our own tables left out (I9: an empty read is an error).
    async fn snapshot(&self, session: &mut dyn Session) -> DbResult<Snapshot>;

    /// How the objects of the schema are made, in the database's own words, as far as a snapshot does not say it. Our own tables
    /// are left out.
    async fn definitions(&self, _session: &mut dyn Session) -> DbResult<Vec<Definition>> {
        Ok(Vec::new())
    }

    /// Reads again what a script can have touched since `before` was read; the rest stands as it was. Where the database has
    /// transactional DDL it is called in the script's own transaction, before that ends. Equal to a whole reading.
    async fn snapshot_again(&self, session: &mut dyn Session, before: &Snapshot, touch: &Touch) -> DbResult<Snapshot>;

    /// Our own SQL for this server.
    fn texts(&self, _server: &Server) -> &'static Texts {
        &self.dialect().sql
    }

    /// Tries once to take the run's lock on a session that no script touches and that holds no snapshot. SQLite has none: each
    /// step's own BEGIN IMMEDIATE and the ledger's head decide.
    async fn try_lock(&self, session: &mut dyn Session, claim: &Claim<'_>) -> DbResult<Tried>;

    /// A sign of life on the session that holds the run's lock; `false` when it does not hold it any more.
    async fn beat(&self, session: &mut dyn Session, _claim: &Claim<'_>) -> DbResult<bool> {
        session.batch("SELECT 1").await.map(|_| true)
    }

    /// Whether the run's lock is a row there, which outlives its holder and is kept by signs of life: whoever is silent for
    /// [`SILENT`](crate::lock::SILENT) has lost it.
    fn leases(&self, _server: &Server) -> bool {
        false
    }

    /// Makes the run's lock ours whoever has it, where it is a row; elsewhere it stays with the session that has it.
    async fn seize(&self, _session: &mut dyn Session, _claim: &Claim<'_>) -> DbResult<()> {
        Ok(())
    }

    /// Gives the run's lock back, where it is a row that outlives the session.
    async fn free(&self, _session: &mut dyn Session, _claim: &Claim<'_>) -> DbResult<()> {
        Ok(())
    }

    /// Takes the second lock, on the session that runs scripts, so that a statement that outlives its client still holds
    /// off the next runner. Waits up to the limit.
    async fn hold_work(&self, session: &mut dyn Session, claim: &Claim<'_>, wait: Duration) -> DbResult<bool>;

    /// Who holds our two locks. `lease` is the backend that the lease names, for an engine that has nothing else to ask by.
    async fn holders(&self, session: &mut dyn Session, names: &Names, lease: Option<&str>) -> DbResult<Holders>;

    /// Ends this session on the server, if it is the one that holds this lock now; that it is gone shows in `holders`, a little later.
    async fn terminate(&self, session: &mut dyn Session, names: &Names, lock: Lock, backend: &str) -> DbResult<()>;

    /// Clears away what an earlier try of a statement that runs outside a transaction left behind, so that it can be run
    /// again. A statement that leaves nothing behind costs nothing here.
    async fn prepare_bare(&self, _session: &mut dyn Session, _statement: &str) -> DbResult<Cleared> {
        Ok(Cleared::default())
    }

    /// # Errors
    /// When a statement that the server reported as done left behind something that cannot be used.
    async fn check_bare(&self, _session: &mut dyn Session, _statement: &str) -> DbResult<()> {
        Ok(())
    }

    /// Other sessions that may hold what a statement has waited for in vain, oldest transaction first, a line each; as
    /// far as this account may see them. Asked after the rollback.
    async fn blockers(&self, _session: &mut dyn Session) -> DbResult<Vec<String>> {
        Ok(Vec::new())
    }

    /// How large the tables are whose name, in lower case and without its schema, is among `names`. Waits for no lock.
    async fn sizes(&self, session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Vec<TableSize>>;

    /// Other sessions that somebody who locks these tables may have to wait for, and what of that cannot be seen.
    async fn running(&self, session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Running>;

    /// The tables that there are, with the locks that this session has on them; `None` where no server shows that.
    async fn relations(&self, _session: &mut dyn Session) -> DbResult<Option<Vec<Relation>>> {
        Ok(None)
    }

    /// How a statement can run: with texts, the cheapest first, and then what is true of it as it is written.
    fn ways(&self, server: &Server, script: &Script, statement: &Statement) -> Vec<Way>;

    /// Whether an error says that a statement cannot run in the way that its text asks for, and nothing else.
    fn is_no_way(&self, _error: &DbError) -> bool {
        false
    }

    /// What makes two sessions look at one database: server identity and database, never URL text (I8).
    async fn identity(&self, session: &mut dyn Session) -> DbResult<String>;

    /// What a database has to be made with on another server to be like the session's, where its schema tells that. Empty: nothing.
    async fn made_with(&self, _session: &mut dyn Session) -> DbResult<Vec<String>> {
        Ok(Vec::new())
    }

    /// The base tables among these groups of a schema, where its snapshot says all that the `columns` and `foreign_keys` texts ask
    /// for; in any order.
    fn tables(&self, _server: &Server, _schema: &Snapshot, _groups: &BTreeSet<String>) -> Option<Vec<Table>> {
        None
    }

    /// How the `columns` and `foreign_keys` texts are restricted to these groups of a snapshot, for each time that they are asked.
    fn only(&self, groups: &BTreeSet<String>) -> Vec<Only>;

    /// One SELECT that gives one row: the number of rows, an order-free hash of the whole rows, then for each column an
    /// order-free hash of its values and their number without NULLs, as `hash:count`. Never XOR alone (pairs vanish), and NULL
    /// told apart from everything else. Works whatever the session's date and float settings are.
    fn fingerprint(&self, table: &Table) -> String;

    /// Makes an empty shadow. On failure nothing is left behind.
    async fn create_shadow(&self, level: &Level) -> Result<Site>;

    /// Drops a shadow that we made; no error when it is gone already.
    async fn drop_shadow(&self, level: &Level, site: &Site) -> Result<()>;

    /// Drops shadows that dead runners left behind; gives their names.
    async fn sweep_shadows(&self, level: &Level) -> Result<Vec<String>>;
}
