//! A session on SQLite: sqlx's worker thread runs the statements, values come back as SQLite's own text.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, Connection, Decode, Either, Executor, Row as _, Sqlite, TypeInfo, ValueRef};

use super::raw::Handle;
use crate::engine::{Canceller, DbError, DbErrorKind, DbResult, Position, Ran, Row, Server, Session};

pub(super) struct SqliteSession {
    /// Gone once closed.
    connection: Option<SqliteConnection>,
    handle: Arc<Handle>,
    server: Server,
    /// The transaction that is open was begun by a statement of the script.
    is_scripts: bool,
}

impl SqliteSession {
    pub fn new(connection: SqliteConnection, handle: Arc<Handle>, server: Server) -> Self {
        SqliteSession { connection: Some(connection), handle, server, is_scripts: false }
    }

    fn connection(&mut self) -> DbResult<&mut SqliteConnection> {
        self.connection.as_mut().ok_or_else(|| DbError::new(DbErrorKind::Connection, "the session is closed"))
    }

    /// Sends statements one after the other to the worker in one message, and collects what they give. Binds go to the
    /// statements in turn. Gives rows and the count of the last statement that says one.
    async fn send(&mut self, sql: &str, binds: &[Option<&str>], keep: Keep) -> DbResult<(Vec<Row>, u64)> {
        refuse_nul(sql)?;
        let mut arguments = SqliteArguments::default();
        for bind in binds {
            let added = sqlx::Arguments::add(&mut arguments, bind.map(str::to_owned));
            added.map_err(|error| DbError::new(DbErrorKind::Statement, error.to_string()))?;
        }
        let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), arguments).persistent(false);
        let mut stream = self.connection()?.fetch_many(query);
        let (mut rows, mut affected) = (Vec::new(), 0);
        while let Some(next) = stream.next().await {
            match next.map_err(error)? {
                Either::Left(done) => affected = done.rows_affected(),
                Either::Right(row) if keep == Keep::Rows && is_packed(&row) => rows.extend(unpacked(&row)?),
                Either::Right(row) if keep == Keep::Rows => rows.push(texts(&row)?),
                Either::Right(_) => {}
            }
        }
        Ok((rows, affected))
    }

    /// As [`SqliteSession::send`], stopped when it runs longer than it may.
    async fn send_within_limit(&mut self, sql: &str) -> DbResult<u64> {
        let limit_ms = self.handle.statement_timeout_ms.load(Ordering::Relaxed);
        let handle = Arc::clone(&self.handle);
        let sending = self.send(sql, &[], Keep::Nothing);
        if limit_ms == 0 {
            return sending.await.map(|(_, rows)| rows);
        }
        let mut sending = std::pin::pin!(sending);
        let sent = match tokio::time::timeout(Duration::from_millis(limit_ms), &mut sending).await {
            Ok(sent) => sent,
            Err(_) => {
                handle.interrupt();
                sending.await
            }
        };
        sent.map(|(_, rows)| rows)
    }
}

/// Whether a statement's rows are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Rows,
    Nothing,
}

#[async_trait]
impl Session for SqliteSession {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn rows(&mut self, sql: &str, binds: &[Option<&str>]) -> DbResult<Vec<Row>> {
        self.send(sql, binds, Keep::Rows).await.map(|(rows, _)| rows)
    }

    async fn together(&mut self, statements: &[(String, Vec<Option<String>>)]) -> DbResult<()> {
        let text: String =
            statements.iter().map(|(sql, _)| [sql.trim_end().trim_end_matches(';'), ";\n"].concat()).collect();
        let binds: Vec<Option<&str>> =
            statements.iter().flat_map(|(_, binds)| binds.iter().map(Option::as_deref)).collect();
        self.send(&text, &binds, Keep::Nothing).await.map(drop)
    }

    async fn batch(&mut self, sql: &str) -> DbResult<Vec<Row>> {
        self.send(sql, &[], Keep::Rows).await.map(|(rows, _)| rows)
    }

    async fn run(&mut self, statement: &str) -> DbResult<Ran> {
        let was_in_transaction = self.handle.is_in_transaction();
        let changes = self.handle.total_changes();
        let ran = self.send_within_limit(statement).await.map_err(|error| {
            let offset = || self.handle.error_offset().filter(|at| *at < statement.len()).map(Position::Byte);
            DbError { position: error.position.or_else(offset), ..error }
        });
        let is_in_transaction = self.handle.is_in_transaction();
        let was_scripts = self.is_scripts;
        self.is_scripts = is_in_transaction && (was_scripts || !was_in_transaction);
        if was_in_transaction && !is_in_transaction && !(was_scripts && ran.is_ok()) {
            return Err(transaction_ended(ran.err()));
        }
        // SQLite repeats the count of the last INSERT, UPDATE or DELETE after a statement that changes no rows.
        let changed = self.handle.total_changes() != changes;
        ran.map(|rows| Ran { rows: if changed { rows } else { 0 }, notices: Vec::new() })
    }

    async fn copy_in(&mut self, _: &str, _: &str) -> DbResult<Ran> {
        Err(DbError::new(DbErrorKind::Statement, "SQLite has no COPY"))
    }

    fn canceller(&self) -> Box<dyn Canceller> {
        Box::new(Interrupt(Arc::clone(&self.handle)))
    }

    async fn close(mut self: Box<Self>) {
        self.handle.forget();
        if let Some(connection) = self.connection.take() {
            // A connection that cannot be closed has nothing left that could be lost: what was committed stays.
            drop(connection.close().await);
        }
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        self.handle.forget();
    }
}

/// SQLite has no second connection to cancel through; interrupting is allowed from any thread.
struct Interrupt(Arc<Handle>);

#[async_trait]
impl Canceller for Interrupt {
    async fn cancel(&self) -> DbResult<()> {
        self.0.interrupt();
        Ok(())
    }
}

/// sqlx loops for ever on a NUL byte.
fn refuse_nul(sql: &str) -> DbResult<()> {
    let Some(at) = sql.find('\0') else { return Ok(()) };
    let mut error = DbError::new(DbErrorKind::Statement, "the statement holds a NUL byte");
    error.position = Some(Position::Byte(at));
    Err(error)
}

/// What is said when a statement has ended the transaction it ran in: by itself, or because SQLite rolled back.
fn transaction_ended(cause: Option<DbError>) -> DbError {
    match cause {
        None => DbError::new(DbErrorKind::NoSavepoint, "the statement ended the transaction"),
        Some(cause) => DbError {
            kind: DbErrorKind::NoSavepoint,
            detail: Some(String::from("SQLite rolled the whole transaction back")),
            ..cause
        },
    }
}

/// The only column of a row that holds many: a JSON array of arrays. Each row is a message from the worker's thread, so a
/// thousand of them cost more than the query that finds them.
const PACKED: &str = "switchback_packed";

fn is_packed(row: &SqliteRow) -> bool {
    matches!(row.columns(), [only] if only.name() == PACKED)
}

fn unpacked(row: &SqliteRow) -> DbResult<Vec<Row>> {
    let packed = text(row, 0).map_err(error)?.unwrap_or_default();
    let rows: Vec<Vec<serde_json::Value>> = serde_json::from_str(&packed)
        .map_err(|error| DbError::new(DbErrorKind::Statement, format!("the rows could not be read back: {error}")))?;
    let value = |value: serde_json::Value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    Ok(rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect())
}

/// A row as text: numbers as SQLite writes them, blobs as literals, bytes that are no UTF-8 replaced.
fn texts(row: &SqliteRow) -> DbResult<Row> {
    (0..row.len()).map(|index| text(row, index).map_err(error)).collect()
}

fn text(row: &SqliteRow, index: usize) -> Result<Option<String>, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(None);
    }
    let is_blob = value.type_info().name() == "BLOB";
    let bytes = <Vec<u8> as Decode<Sqlite>>::decode(value).map_err(sqlx::Error::Decode)?;
    if is_blob {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        return Ok(Some(format!("X'{digits}'")));
    }
    Ok(Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())))
}

/// What SQLite said, told apart by its extended result code and, where one code means many things, by its words.
pub(super) fn error(error: sqlx::Error) -> DbError {
    let sqlx::Error::Database(said) = &error else {
        let kind = match error {
            sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => DbErrorKind::Connection,
            _ => DbErrorKind::Statement,
        };
        return DbError::new(kind, error.to_string());
    };
    let code = said.code().unwrap_or_default().into_owned();
    let message = said.message().to_owned();
    let number = code.parse::<i32>().unwrap_or_default();
    DbError { code, ..DbError::new(kind_of(number, &message), message) }
}

fn kind_of(code: i32, message: &str) -> DbErrorKind {
    use libsqlite3_sys as ffi;
    const MISSING: &[&str] =
        &["table", "column", "index", "view", "trigger", "function", "module", "collation sequence"];
    match code & 0xff {
        ffi::SQLITE_BUSY if code == ffi::SQLITE_BUSY_SNAPSHOT => DbErrorKind::Conflict,
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => DbErrorKind::LockTimeout,
        ffi::SQLITE_READONLY => DbErrorKind::ReadOnly,
        ffi::SQLITE_INTERRUPT => DbErrorKind::Cancelled,
        ffi::SQLITE_CANTOPEN => DbErrorKind::NoDatabase,
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => DbErrorKind::Privilege,
        ffi::SQLITE_IOERR | ffi::SQLITE_NOTADB => DbErrorKind::Connection,
        ffi::SQLITE_CONSTRAINT => match code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
                DbErrorKind::Duplicate
            }
            _ => DbErrorKind::Statement,
        },
        ffi::SQLITE_ERROR => match message.strip_prefix("no such ") {
            Some(what) if what.starts_with("savepoint") => DbErrorKind::NoSavepoint,
            Some(what) if MISSING.iter().any(|kind| what.starts_with(kind)) => DbErrorKind::Missing,
            _ => DbErrorKind::Statement,
        },
        _ => DbErrorKind::Statement,
    }
}
