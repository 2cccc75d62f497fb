//! SQLite: a database in a file, and the library that is built in.
//!
//! There is no server: locks are the file's, a session is a connection of this process, and a shadow is memory. DDL is
//! transactional, so a step with its ledger row is one transaction; two runners are kept apart by `BEGIN IMMEDIATE` and
//! by the ledger's head. Scripts run as in SQLite's own shell: foreign keys are off unless a script turns them on.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::{
    Access, Claim, ClientTexts, DbError, DbErrorKind, DbResult, Dialect, Engine, Holders, Level, LimitsHold, Lock,
    LockSession, Names, Only, Server, Session, Site, Texts, Tried,
};
use crate::draft::Definition;
use crate::fault::Result;
use crate::price::{Running, TableSize, Way};
use crate::rows::Table;
use crate::snapshot::Snapshot;
use crate::sql::{Flavor, Script, Statement};
use crate::target::Target;
use crate::touch::Touch;

mod ddl;
mod lexer;
mod price;
mod raw;
mod schema;
mod session;
mod shadow;

/// SQLite, the member of the family.
pub struct Sqlite;

/// How long a session waits for the file's lock until the limits are set, in milliseconds.
const BUSY_TIMEOUT_MS: u64 = 2000;

/// How many columns one call of a function takes; SQLite's own limit is 1000.
const COLUMNS_PER_CALL: usize = 500;

/// The schemas that were read last, with what they were made of: a proof meets the same few again and again.
static READ: Mutex<VecDeque<Arc<schema::Read>>> = Mutex::new(VecDeque::new());

/// So many of them are kept: before and after a migration, and what a wrong down makes of them.
const READ_BEFORE: usize = 4;

static DIALECT: Dialect = Dialect {
    name: "sqlite",
    schemes: &["sqlite", "sqlite3", "file"],
    flavor: Flavor::Sqlite,
    transactional: true,
    schema: None,
    locks: false,
    limits_hold: LimitsHold::Session,
    plain_sessions: true,
    resets: false,
    creates_database: true,
    sql: Texts {
        reset: include_str!("sqlite/reset.sql"),
        reset_plain: include_str!("sqlite/reset.sql"),
        begin: include_str!("sqlite/begin.sql"),
        limits: include_str!("sqlite/limits.sql"),
        mark: "",
        fire_deferred: "",
        fence: include_str!("sqlite/fence.sql"),
        behind: "",
        settle: include_str!("sqlite/settle.sql"),
        unsettle: "",
        constraints: include_str!("sqlite/constraints.sql"),
        ledger_exists: include_str!("sqlite/ledger_exists.sql"),
        ledger_create: include_str!("sqlite/ledger_create.sql"),
        ledger_guard: &[],
        ledger_head: include_str!("sqlite/ledger_head.sql"),
        ledger_state: include_str!("sqlite/ledger_state.sql"),
        ledger_rows: include_str!("sqlite/ledger_rows.sql"),
        ledger_strays: include_str!("sqlite/ledger_strays.sql"),
        ledger_append: include_str!("sqlite/ledger_append.sql"),
        script_put: include_str!("sqlite/script_put.sql"),
        script_get: include_str!("sqlite/script_get.sql"),
        journal_intent: include_str!("sqlite/journal_intent.sql"),
        journal_done: include_str!("sqlite/journal_done.sql"),
        journal_rows: include_str!("sqlite/journal_rows.sql"),
        lease_take: include_str!("sqlite/lease_take.sql"),
        lease_release: include_str!("sqlite/lease_release.sql"),
        lease_read: include_str!("sqlite/lease_read.sql"),
        read_only_set: include_str!("sqlite/read_only_set.sql"),
        histories: include_str!("sqlite/histories.sql"),
        columns: include_str!("sqlite/columns.sql"),
        foreign_keys: include_str!("sqlite/foreign_keys.sql"),
        look: include_str!("sqlite/look.sql"),
        pour: "",
        poured_inside: "",
        poured: "",
    },
    client: ClientTexts {
        call: "sqlite3 DATABASE < FILE",
        head: include_str!("sqlite/client/head.sql"),
        guard: include_str!("sqlite/client/guard.sql"),
        settle: include_str!("sqlite/client/settle.sql"),
        reset: include_str!("sqlite/reset.sql"),
    },
};

#[async_trait]
impl Engine for Sqlite {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    async fn open(&self, target: &Target, access: Access) -> DbResult<Box<dyn Session>> {
        check_file(&target.database, access)?;
        if access == Access::ReadOnly {
            recover(target).await;
        }
        let mut connection = options(target, access).connect().await.map_err(session::error)?;
        let raw = connection.lock_handle().await.map_err(session::error)?.as_raw_handle();
        let handle = Arc::new(raw::Handle::new(raw));
        if !handle.add_functions() || (access == Access::Shadow && !handle.confine()) {
            handle.forget();
            return Err(DbError::new(DbErrorKind::Connection, "SQLite refused to set the connection up"));
        }
        let version = raw::version();
        let server = Server {
            engine: "sqlite",
            major: version.split('.').next().unwrap_or_default().to_owned(),
            version,
            user: String::new(),
            database: target.database.clone(),
            backend: Some(format!("{}:{}", host(), std::process::id())),
        };
        Ok(Box::new(session::SqliteSession::new(connection, handle, server)))
    }

    async fn snapshot(&self, session: &mut dyn Session) -> DbResult<Snapshot> {
        Ok(kept(read(session).await?))
    }

    async fn definitions(&self, session: &mut dyn Session) -> DbResult<Vec<Definition>> {
        Ok(read(session).await?.definitions())
    }

    async fn snapshot_again(&self, session: &mut dyn Session, before: &Snapshot, touch: &Touch) -> DbResult<Snapshot> {
        // Nothing but DDL changes a schema here, and no trigger can run any.
        if *touch == Touch::Rows {
            return Ok(before.clone());
        }
        let known =
            READ.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|it| it.snapshot.is(before)).cloned();
        if let (Some(known), Touch::Relations { .. }) = (known, touch) {
            let list = one_text(session, include_str!("sqlite/schema_prints.sql")).await?;
            let (fresh, gone) = known.apart(&list).ok_or_else(unread)?;
            if fresh.is_empty() && gone.is_empty() {
                return Ok(before.clone());
            }
            let rows: Vec<String> = fresh.iter().map(i64::to_string).collect();
            let text =
                one_text(session, &include_str!("sqlite/schema_rows.sql").replace("{rows}", &rows.join(", "))).await?;
            let fresh: Vec<schema::Entry> = serde_json::from_str(&text).map_err(|_| unread())?;
            if let Some(read) = known.again(fresh, &gone) {
                return Ok(kept(read));
            }
        }
        Ok(kept(read(session).await?.sharing(before)))
    }

    /// SQLite has no lock that outlives a transaction without keeping writers out: each step's own BEGIN IMMEDIATE and the
    /// ledger's head decide.
    async fn try_lock(&self, session: &mut dyn Session, _: &Claim<'_>) -> DbResult<Tried> {
        Ok(Tried::Taken(session.server().backend.clone()))
    }

    /// A statement cannot outlive its client, which is the server too.
    async fn hold_work(&self, _: &mut dyn Session, _: &Claim<'_>, _: Duration) -> DbResult<bool> {
        Ok(true)
    }

    /// No session of a server stands for a run, only its process: `host:pid`.
    async fn holders(&self, _: &mut dyn Session, _: &Names, lease: Option<&str>) -> DbResult<Holders> {
        let Some((on, pid)) = lease.and_then(|lease| lease.rsplit_once(':')) else { return Ok(Holders::default()) };
        if on != host() || !Path::new("/proc/self").exists() {
            let untold = Some(format!("whether process {pid} on {on} still runs cannot be seen from here"));
            return Ok(Holders { untold, ..Holders::default() });
        }
        // Whoever asks holds nothing: a process that has our own id was another one, before.
        let runs = pid != std::process::id().to_string() && Path::new("/proc").join(pid).exists();
        let run = runs.then(|| LockSession { backend: format!("{on}:{pid}"), who: None });
        Ok(Holders { run, ..Holders::default() })
    }

    async fn terminate(&self, _: &mut dyn Session, _: &Names, _: Lock, _: &str) -> DbResult<()> {
        Err(DbError::new(DbErrorKind::Statement, "a process is ended by its own host"))
    }

    async fn sizes(&self, session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Vec<TableSize>> {
        price::sizes(session, names).await
    }

    async fn running(&self, _: &mut dyn Session, _: &BTreeSet<String>) -> DbResult<Running> {
        Ok(price::running())
    }

    fn ways(&self, _: &Server, script: &Script, statement: &Statement) -> Vec<Way> {
        price::ways(script, statement)
    }

    async fn identity(&self, session: &mut dyn Session) -> DbResult<String> {
        let rows = session.rows(include_str!("sqlite/identity.sql"), &[]).await?;
        match rows.into_iter().flatten().flatten().next() {
            Some(file) if !file.is_empty() => identity_of(&file),
            _ => Ok(format!("sqlite {} of process {}", session.server().database, std::process::id())),
        }
    }

    fn only(&self, groups: &BTreeSet<String>) -> Vec<Only> {
        let names: Vec<String> = groups.iter().map(|name| Flavor::Sqlite.literal(name)).collect();
        vec![Only { test: format!("IN ({})", names.join(", ")), ..Only::default() }]
    }

    fn fingerprint(&self, table: &Table) -> String {
        let names: Vec<String> = table.columns.iter().map(|column| Flavor::Sqlite.ident(&column.name)).collect();
        let whole = if names.len() <= COLUMNS_PER_CALL {
            names.join(", ")
        } else {
            let parts = names.chunks(COLUMNS_PER_CALL).map(|part| format!("switchback_hash({})", part.join(", ")));
            parts.collect::<Vec<_>>().join(", ")
        };
        let columns: String = names.iter().map(|name| format!(", switchback_column({name})")).collect();
        format!("SELECT count(*), switchback_rows({whole}){columns} FROM main.{}", Flavor::Sqlite.ident(&table.name))
    }

    async fn create_shadow(&self, _: &Level) -> Result<Site> {
        shadow::create()
    }

    async fn drop_shadow(&self, _: &Level, site: &Site) -> Result<()> {
        shadow::remove(site);
        Ok(())
    }

    /// Memory dies with its process: a dead runner leaves nothing behind.
    async fn sweep_shadows(&self, _: &Level) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// Reads the whole schema.
async fn read(session: &mut dyn Session) -> DbResult<schema::Read> {
    let text = one_text(session, include_str!("sqlite/schema.sql")).await?;
    let entries = serde_json::from_str(&text).map_err(|_| unread())?;
    schema::Read::whole(entries).ok_or_else(unread)
}

/// Keeps a schema in mind with what it was made of.
fn kept(read: schema::Read) -> Snapshot {
    let snapshot = read.snapshot.clone();
    let mut all = READ.lock().unwrap_or_else(PoisonError::into_inner);
    all.truncate(READ_BEFORE - 1);
    all.push_front(Arc::new(read));
    snapshot
}

async fn one_text(session: &mut dyn Session, sql: &str) -> DbResult<String> {
    session.rows(sql, &[]).await?.into_iter().flatten().flatten().next().ok_or_else(unread)
}

fn unread() -> DbError {
    DbError::new(DbErrorKind::Statement, "the schema could not be read back")
}

fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// Whether a path is no file at all.
fn is_memory(database: &str) -> bool {
    database == ":memory:" || shadow::is_one(database)
}

/// Says in words what SQLite would call "unable to open database file".
fn check_file(database: &str, access: Access) -> DbResult<()> {
    if is_memory(database) {
        return Ok(());
    }
    let refuse = |message: String| Err(DbError::new(DbErrorKind::NoDatabase, message));
    let path = Path::new(database);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match access {
        _ if database.is_empty() || database.contains('\0') => {
            refuse(String::from("the path of the database is no path"))
        }
        _ if path.is_dir() => refuse(format!("{database} is a folder")),
        Access::ReadOnly if !path.exists() => refuse(format!("{database} does not exist")),
        _ if !folder.is_dir() => refuse(format!("the folder {} does not exist", folder.display())),
        _ => Ok(()),
    }
}

/// Has the transaction undone that a killed process left in its journal: a session that only reads could neither do so nor
/// read. Where this fails, the session's first statement tells why.
async fn recover(target: &Target) {
    if is_memory(&target.database) || target.params.get("mode").map(String::as_str) == Some("ro") {
        return;
    }
    // SQLite keeps the journal beside the file itself, wherever links to it are.
    let Ok(file) = std::fs::canonicalize(&target.database) else { return };
    let mut journal = file.into_os_string();
    journal.push("-journal");
    if !Path::new(&journal).exists() {
        return;
    }
    if let Ok(mut connection) = options(target, Access::ReadWrite).create_if_missing(false).connect().await {
        // The first read of any connection that may write looks for such a journal.
        drop(sqlx::query(include_str!("sqlite/recover.sql")).execute(&mut connection).await);
        drop(connection.close().await);
    }
}

/// Settings of a connection, all sent at once. A file's journal mode and durability are its owner's: not touched.
fn options(target: &Target, access: Access) -> SqliteConnectOptions {
    let wait_ms = target.params.get("busy_timeout").and_then(|text| text.parse().ok()).unwrap_or(BUSY_TIMEOUT_MS);
    // SQLite would read a path that begins so as a URI.
    let is_odd = target.database.starts_with("file:") && !is_memory(&target.database);
    let path = if is_odd { format!("./{}", target.database) } else { target.database.clone() };
    let mode = target.params.get("mode").map(String::as_str);
    let read_only = (access == Access::ReadOnly || mode == Some("ro")) && !is_memory(&target.database);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(read_only)
        .create_if_missing(!read_only && mode != Some("rw"))
        .serialized(true)
        .busy_timeout(Duration::from_millis(wait_ms))
        .statement_cache_capacity(0)
        .foreign_keys(false)
        .disable_statement_logging();
    match access {
        Access::ReadWrite => options,
        Access::ReadOnly => options.pragma("query_only", "ON"),
        Access::Shadow => {
            options.pragma("synchronous", "OFF").pragma("journal_mode", "MEMORY").pragma("temp_store", "MEMORY")
        }
    }
}

/// Device and inode: one file under two names is one database.
#[cfg(unix)]
fn identity_of(file: &str) -> DbResult<String> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(file).map_err(|error| DbError::new(DbErrorKind::Connection, error.to_string()))?;
    Ok(format!("sqlite device {} inode {}", found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity_of(file: &str) -> DbResult<String> {
    let path = std::fs::canonicalize(file).map_err(|error| DbError::new(DbErrorKind::Connection, error.to_string()))?;
    Ok(format!("sqlite {}", path.display()))
}
