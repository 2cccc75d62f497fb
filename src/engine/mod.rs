//! Engines: the only place that knows how to talk to a database.
//!
//! The seam is small. An engine opens sessions; a session runs text and gives text back; whatever else differs between
//! engines is data ([`Dialect`]) and whole `.sql` files that a DBA can read. The protocol (locks, fences, journal,
//! ledger) is written once, above, in terms of these.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use crate::draft::Definition;
use crate::fault::Result;
use crate::price::{Relation, Running, TableSize, Way};
use crate::rows::Table;
use crate::snapshot::Snapshot;
pub use crate::sql::Position;
use crate::sql::{Flavor, Script, Statement};
use crate::target::Target;
use crate::touch::Touch;

pub mod mysql;
pub mod postgres;
pub mod sqlite;

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
    /// The server's id of this session (PostgreSQL: pid; MySQL: CONNECTION_ID()).
    pub backend: Option<String>,
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
}

/// Time limits of a session that writes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a statement may wait for a lock, in milliseconds.
    pub lock_timeout_ms: u64,
    /// How long a statement may run, in milliseconds; 0 is without limit.
    pub statement_timeout_ms: u64,
}

impl Limits {
    /// Puts the limits into the text that sets them.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{lock_timeout_ms}", &self.lock_timeout_ms.to_string())
            .replace("{statement_timeout_ms}", &self.statement_timeout_ms.to_string())
    }
}

/// How one member of the family differs from the others, as data. SQL texts hold `{ledger}`, `{script}`, `{journal}`,
/// `{lease}` and `{schema}` where our own tables' quoted names go ([`Names::fill`]).
pub struct Dialect {
    /// The family member: `sqlite`, `postgres`, `mysql`.
    pub name: &'static str,
    pub schemes: &'static [&'static str],
    pub flavor: Flavor,
    /// Whether a step with its ledger row can be one transaction.
    pub transactional: bool,
    /// Where our tables live unless configured: a schema of our own, or the database itself.
    pub schema: Option<&'static str>,
    /// Whether the run's lock keeps others out. Where the file's own lock does that, step by step, a lease that another
    /// runner took in between means nothing; the ledger's head tells what it did.
    pub locks: bool,
    /// How long `limits` hold.
    pub limits_hold: LimitsHold,
    /// Whether only a statement that says so in its own text can change a session; elsewhere a trigger or a function can too.
    pub plain_sessions: bool,
    /// Whether `reset` undoes everything that a script can do to its session; else the session is replaced.
    pub resets: bool,
    /// Whether a database that does not exist comes into being by being written to.
    pub creates_database: bool,
    pub sql: Texts,
    pub client: ClientTexts,
}

/// How long the limits hold that were set once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsHold {
    /// Until the transaction ends.
    Transaction,
    /// Until the session ends.
    Session,
}

impl Dialect {
    /// [`Texts::script_put`] for so many scripts; its binds follow each other.
    pub fn scripts_put(&self, count: usize) -> String {
        let (one, places): (&str, Vec<String>) = match self.flavor {
            Flavor::Postgres => {
                ("($1, $2)", (0..count).map(|at| format!("(${}, ${})", 2 * at + 1, 2 * at + 2)).collect())
            }
            Flavor::Sqlite | Flavor::Mysql => ("(?, ?)", vec!["(?, ?)".to_owned(); count]),
        };
        self.sql.script_put.replace(one, &places.join(", "))
    }
}

/// Our own SQL, whole files, one per act. Binds are in the order told here; all columns come back as text.
pub struct Texts {
    /// Before a step's BEGIN: puts session state back that an earlier script may have changed. Several statements.
    pub reset: &'static str,
    /// As `reset`, behind a script that neither says anything of its session nor runs code that is not in its text.
    pub reset_plain: &'static str,
    /// Begins a step's transaction. Several statements; no binds.
    pub begin: &'static str,
    /// Sets limits for as long as [`Dialect::limits_hold`] says; filled by [`Limits::fill`].
    pub limits: &'static str,
    /// Inside a shadow's transaction, before a script: notes where the catalog stands, for [`Engine::snapshot_again`]. Empty
    /// where that needs nothing.
    pub mark: &'static str,
    /// Fires what a transaction has deferred to its end; empty where nothing is ever deferred.
    pub fire_deferred: &'static str,
    /// → token of the lease, held until the transaction ends, and the transaction's id (NULL where there is none); then the
    /// ledger's head, as `ledger_head` gives it.
    pub fence: &'static str,
    /// After the script, before the ledger row: role, search_path and the like put back. Several statements.
    pub settle: &'static str,
    /// Behind the COMMIT of rows of ours, where the script goes on in the same session: what `settle` changed is as the script
    /// had it. Empty where `settle` changes nothing that outlives the transaction.
    pub unsettle: &'static str,
    /// → one row per violated foreign key (text columns); empty where the engine checks by itself.
    pub constraints: &'static str,
    /// → `1` when the ledger exists, else no row or `0`. Must not fail when it does not.
    pub ledger_exists: &'static str,
    /// Creates schema and tables if missing. Several statements; run under the lock only.
    pub ledger_create: &'static str,
    /// Behind that: what makes the server itself refuse changes of the ledger. An account that may not make it goes without. Empty where
    /// `ledger_create` does so already.
    pub ledger_guard: &'static str,
    /// → seq, hash of the last row; no row when empty.
    pub ledger_head: &'static str,
    /// → for each migration its last done `apply`, `revert`, `adopt` or `amend`: seq, event, migration, digest, reverts;
    /// ordered by seq, an `amend` by the seq of the row that it amends (its `reverts`).
    pub ledger_state: &'static str,
    /// Binds: seq (exclusive) and limit → the columns of [`crate::ledger::COLUMNS`], oldest first.
    pub ledger_rows: &'static str,
    /// → a seq that no row of a chain has, or more than one row, and how many have it; no row where all is well.
    pub ledger_strays: &'static str,
    /// Binds: the columns of [`crate::ledger::COLUMNS`].
    pub ledger_append: &'static str,
    /// Binds: checksum, body. Does nothing when it is there.
    pub script_put: &'static str,
    /// Binds: checksum → body.
    pub script_get: &'static str,
    /// Binds: run, token, step (seq of the `started` row), statement number, statement checksum, digest before, backend.
    pub journal_intent: &'static str,
    /// Binds: step, statement number, digest after.
    pub journal_done: &'static str,
    /// Binds: step → statement number, state, statement checksum, digest before, digest after, backend; ordered.
    pub journal_rows: &'static str,
    /// Binds: run, actor, host, pid, what, backend of the lock session. Takes the lease: raises the token. → the new token.
    pub lease_take: &'static str,
    /// Binds: run, token. Clears the holder if it is still ours.
    pub lease_release: &'static str,
    /// → token, run, actor, host, pid, what, backend, since; no row when nobody ever held it.
    pub lease_read: &'static str,
    /// → a row where what was set in the session forbids its transactions to write.
    pub read_only_set: &'static str,
    /// → table and column of other tools' history tables: schema, table, column; ordered.
    pub histories: &'static str,
    /// → table, column, position, type, nullable, default, generated, identity, key and so on: see [`crate::rows::COLUMNS`].
    pub columns: &'static str,
    /// → foreign keys: see [`crate::rows::FOREIGN_KEYS`].
    pub foreign_keys: &'static str,
    /// In a session that only reads: all that is asked from now on is as of one moment, and values read the same whatever the
    /// database has configured. Several statements.
    pub look: &'static str,
    /// In a shadow, before rows that `look` let be read are put in. May be empty.
    pub pour: &'static str,
    /// Behind them, in the same transaction: what counts on goes on from there. May be empty.
    pub poured_inside: &'static str,
    /// Undoes `pour`.
    pub poured: &'static str,
}

/// What a file for the engine's own client says around the scripts, where that client runs a plan instead of us.
pub struct ClientTexts {
    /// How the client is called, a command as people type it.
    pub call: &'static str,
    /// Before everything: the client stops at the first error, and reads the file as UTF-8.
    pub head: &'static str,
    /// Begins a transaction, and fails where the ledger's head is another. Binds: the hash of the row that it has to be.
    pub guard: &'static str,
    /// Inside a transaction, behind the script: whatever that has set, rows of ours are written.
    pub settle: &'static str,
    /// Behind the transaction, where the script had set something.
    pub reset: &'static str,
}

/// Names of our own tables on one database, quoted and qualified.
#[derive(Clone, Debug)]
pub struct Names {
    pub schema: String,
    pub ledger: String,
    pub script: String,
    pub journal: String,
    pub lease: String,
}

impl Names {
    /// Names in `schema` (where the engine has one of its own for us), quoted by the flavor.
    pub fn new(flavor: Flavor, schema: Option<&str>) -> Self {
        let qualify = |table: &str| match schema {
            Some(schema) => format!("{}.{}", flavor.ident(schema), flavor.ident(table)),
            None => flavor.ident(table),
        };
        Names {
            schema: schema.map(|schema| flavor.ident(schema)).unwrap_or_default(),
            ledger: qualify("switchback_ledger"),
            script: qualify("switchback_script"),
            journal: qualify("switchback_journal"),
            lease: qualify("switchback_lease"),
        }
    }

    /// Puts the names into one of our own texts. The only way in which a name gets into SQL of ours.
    pub fn fill<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains('{') {
            return Cow::Borrowed(text);
        }
        let pairs = [
            ("{schema}", &self.schema),
            ("{ledger}", &self.ledger),
            ("{script}", &self.script),
            ("{journal}", &self.journal),
            ("{lease}", &self.lease),
        ];
        Cow::Owned(pairs.iter().fold(text.to_owned(), |text, (mark, name)| text.replace(mark, name)))
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
    Local(&'static str),
}

/// The locks of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The one that makes it the only runner, on a session of its own.
    Run,
    /// The second one, on the session that runs scripts.
    Work,
}

/// A session that holds a lock of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockSession {
    /// As [`Server::backend`]; without its second part where this account may not see it.
    pub backend: String,
    /// User and address, as far as this account may see them.
    pub who: Option<String>,
}

impl fmt::Display for LockSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.backend.split(':').next().unwrap_or_default();
        match &self.who {
            Some(who) => write!(f, "session {number} ({who})"),
            None => write!(f, "session {number} (whose it is, this account may not see)"),
        }
    }
}

impl LockSession {
    /// Whether it is the session that a lease names.
    pub fn is(&self, backend: Option<&str>) -> bool {
        let is_start = |backend: &str| self.backend.ends_with(':') && backend.starts_with(&self.backend);
        backend.is_some_and(|backend| backend == self.backend || is_start(backend))
    }
}

/// Who holds our locks, in the words of whoever has to know: the server, or the host that a process is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    pub run: Option<LockSession>,
    pub work: Option<LockSession>,
    /// Why that cannot be told.
    pub untold: Option<String>,
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

    /// Tries once to take the run's lock on a session that no script touches and that holds no snapshot. `false`: somebody
    /// else has it. SQLite has none: each step's own BEGIN IMMEDIATE and the ledger's head decide.
    async fn try_lock(&self, session: &mut dyn Session) -> DbResult<bool>;

    /// Takes the second lock, on the session that runs scripts, so that a statement that outlives its client still holds
    /// off the next runner. Waits up to the limit.
    async fn hold_work(&self, session: &mut dyn Session, wait: Duration) -> DbResult<bool>;

    /// Who holds our two locks. `lease` is the backend that the lease names, for an engine that has nothing else to ask by.
    async fn holders(&self, session: &mut dyn Session, lease: Option<&str>) -> DbResult<Holders>;

    /// Ends this session on the server, if it is the one that holds this lock now; that it is gone shows in `holders`, a little later.
    async fn terminate(&self, session: &mut dyn Session, lock: Lock, backend: &str) -> DbResult<()>;

    /// Clears away what an earlier try of a statement that runs outside a transaction left behind, so that it can be run
    /// again; says what was cleared, a sentence each. A statement that leaves nothing behind costs nothing here.
    async fn prepare_bare(&self, _session: &mut dyn Session, _statement: &str) -> DbResult<Vec<String>> {
        Ok(Vec::new())
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
