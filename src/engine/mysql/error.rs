//! What the server refused, from its number; and what the driver says when there is no answer.

use sqlx::mysql::MySqlDatabaseError;

use super::super::{DbError, DbErrorKind, Position};

/// An error of the driver as the protocol sees it. The driver's own words are kept only where they cannot hold a secret.
pub fn from_driver(error: sqlx::Error) -> DbError {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast_ref::<MySqlDatabaseError>() {
            Some(error) => from_server(error.number(), error.message()),
            None => DbError::new(DbErrorKind::Statement, error.message()),
        },
        sqlx::Error::Io(error) => DbError::new(DbErrorKind::Connection, error.to_string()),
        sqlx::Error::Tls(error) => DbError::new(DbErrorKind::Connection, format!("TLS: {error}")),
        sqlx::Error::Protocol(message) => {
            DbError::new(DbErrorKind::Connection, format!("the server's answer was not understood: {message}"))
        }
        sqlx::Error::Configuration(_) => DbError::new(DbErrorKind::Connection, "the connection's settings do not work"),
        _ => DbError::new(DbErrorKind::Connection, "the driver gave up"),
    }
}

/// A refusal of the server.
pub fn from_server(number: u16, message: &str) -> DbError {
    let mut error = DbError::new(kind(number, message), message);
    error.code = number.to_string();
    error.position = line(message).map(Position::Line);
    error
}

/// The same error with a hint.
pub fn hinted(mut error: DbError, hint: &str) -> DbError {
    error.hint = Some(hint.to_owned());
    error
}

/// Numbers from the servers' own lists: <https://mariadb.com/kb/en/mariadb-error-code-reference/>,
/// <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>.
fn kind(number: u16, message: &str) -> DbErrorKind {
    match number {
        1053 | 1077 | 1152 | 1158..=1161 | 1184 | 1927 | 2002 | 2003 | 2006 | 2013 | 4031 => DbErrorKind::Connection,
        1040 | 1047 | 1135 | 1203 | 1226 | 3032 => DbErrorKind::NotReady,
        1045 | 1130 | 1251 | 1524 | 1698 | 1820 | 1862 | 3118 | 4151 => DbErrorKind::Authentication,
        1049 => DbErrorKind::NoDatabase,
        1205 | 3572 => DbErrorKind::LockTimeout,
        1020 | 1213 | 1614 => DbErrorKind::Conflict,
        1044 | 1095 | 1142 | 1143 | 1211 | 1227 | 1370 | 1410 | 1419 => DbErrorKind::Privilege,
        1305 if message.contains("SAVEPOINT") => DbErrorKind::NoSavepoint,
        1290 if !message.to_ascii_lowercase().replace('_', "-").contains("read-only") => DbErrorKind::Statement,
        1290 | 1792 | 1836 => DbErrorKind::ReadOnly,
        1317 | 1969 | 3024 => DbErrorKind::Cancelled,
        1022 | 1062 | 1169 | 1586 => DbErrorKind::Duplicate,
        // A storage engine.
        1286 => DbErrorKind::NotOnServer,
        1008 | 1051 | 1054 | 1072 | 1091 | 1109 | 1146 | 1176 | 1305 | 1360 | 1539 | 4091 => DbErrorKind::Missing,
        _ => DbErrorKind::Statement,
    }
}

/// The line that a syntax error ends with.
fn line(message: &str) -> Option<u32> {
    let (_, digits) = message.rsplit_once(" at line ")?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart() {
        assert_eq!(from_server(1305, "SAVEPOINT x does not exist").kind, DbErrorKind::NoSavepoint);
        assert_eq!(from_server(1305, "PROCEDURE x.y does not exist").kind, DbErrorKind::Missing);
        let refused = "The MariaDB server is running with the --read-only option so it cannot execute this statement";
        assert_eq!(from_server(1290, refused).kind, DbErrorKind::ReadOnly);
        assert_eq!(from_server(1290, "running with the --secure-file-priv option").kind, DbErrorKind::Statement);
        let syntax = from_server(1064, "You have an error in your SQL syntax … near 'x' at line 12");
        assert_eq!(syntax.position, Some(Position::Line(12)));
    }
}
