//! What PostgreSQL said, told apart by SQLSTATE. The driver's own texts are never shown: its Display adds the line in the
//! server's source to what looks like a line of the script.

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use crate::engine::{DbError, DbErrorKind, Position};

/// The error as the protocol needs it.
pub fn from_sqlx(error: sqlx::Error) -> DbError {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast::<PgDatabaseError>() {
            Ok(error) => from_server(&error),
            Err(error) => DbError::new(DbErrorKind::Statement, error.message()),
        },
        sqlx::Error::Io(error) => DbError::new(DbErrorKind::Connection, error.to_string()),
        sqlx::Error::Tls(error) => DbError::new(DbErrorKind::Authentication, format!("TLS: {error}")),
        sqlx::Error::Configuration(error) => DbError::new(DbErrorKind::Authentication, error.to_string()),
        sqlx::Error::Protocol(text) if text.contains("CopyInResponse") => DbError::new(
            DbErrorKind::Connection,
            "COPY … FROM STDIN was sent without its rows; the connection is given up",
        ),
        sqlx::Error::Protocol(text) if text.contains("CopyOutResponse") => DbError::new(
            DbErrorKind::Connection,
            "COPY … TO STDOUT has nowhere to write to; the connection is given up",
        ),
        other => DbError::new(DbErrorKind::Connection, other.to_string()),
    }
}

fn from_server(error: &PgDatabaseError) -> DbError {
    let text = |part: Option<&str>| part.map(str::to_owned);
    DbError {
        kind: kind(error.code(), error.message()),
        code: error.code().to_owned(),
        message: error.message().to_owned(),
        detail: text(error.detail()),
        hint: text(error.hint()),
        context: text(error.r#where()),
        position: match error.position() {
            Some(PgErrorPosition::Original(character)) => Some(Position::Character(character)),
            Some(PgErrorPosition::Internal { .. }) | None => None,
        },
    }
}

/// The class of an SQLSTATE; where one says of two sorts of things that they are missing, the message tells.
fn kind(code: &str, message: &str) -> DbErrorKind {
    let is_of_server = |names: &[&str]| names.iter().any(|name| message.starts_with(&format!("{name} \"")));
    match code {
        "42704" if is_of_server(&["role", "tablespace"]) => DbErrorKind::NotOnServer,
        // From version 15 on, and before.
        "0A000" if is_of_server(&["extension"]) => DbErrorKind::NotOnServer,
        "58P01" if message.contains("extension control file") => DbErrorKind::NotOnServer,
        "57P01" | "57P02" | "57P05" | "25P03" | "25P04" => DbErrorKind::Connection,
        "57P03" | "53300" => DbErrorKind::NotReady,
        "3D000" | "57P04" => DbErrorKind::NoDatabase,
        "55P03" => DbErrorKind::LockTimeout,
        "40001" | "40P01" => DbErrorKind::Conflict,
        "42501" => DbErrorKind::Privilege,
        "3B001" | "25P01" => DbErrorKind::NoSavepoint,
        "25006" => DbErrorKind::ReadOnly,
        "57014" => DbErrorKind::Cancelled,
        "23505" => DbErrorKind::Duplicate,
        "42P01" | "3F000" | "42703" | "42704" | "42883" => DbErrorKind::Missing,
        code if code.starts_with("08") => DbErrorKind::Connection,
        code if code.starts_with("28") => DbErrorKind::Authentication,
        _ => DbErrorKind::Statement,
    }
}
