//! A session over one connection of sqlx, never pooled, with the settings of the server's own client.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Either, MySql, Row as _, TypeInfo};

use super::super::{Access, Canceller, DbError, DbErrorKind, DbResult, Ran, Row, Server, Session};
use super::bind::bind;
use super::cluster;
use super::error::{from_driver, hinted};
use crate::sha::hex;
use crate::sql::Flavor;
use crate::target::Target;
use crate::token::{Token, tokens};

/// Where the server's own client looks for a local server when nothing is said.
const SOCKETS: &[&str] =
    &["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"];

/// How long a connection may take to open unless `connect_timeout` says otherwise.
const CONNECT_TIMEOUT_S: u64 = 30;

/// A connection and what it is known by.
pub struct MysqlSession {
    connection: MySqlConnection,
    options: MySqlConnectOptions,
    timeout: Duration,
    server: Server,
    /// The largest message that the server takes, in bytes.
    packet_bytes: usize,
    access: Access,
    /// No transaction is open for several questions.
    is_alone: bool,
}

/// Opens a session.
///
/// # Errors
/// A parameter that is not known, whatever keeps the server from answering, and its refusal.
pub async fn open(target: &Target, access: Access) -> DbResult<MysqlSession> {
    let (options, timeout) = options(target)?;
    let mut connection = connect(&options, timeout).await?;
    let mut texts = include_str!("open.sql").to_owned();
    if access == Access::ReadOnly {
        texts.push_str(include_str!("read_only.sql"));
    }
    if access != Access::Shadow {
        texts.push_str(include_str!("cluster/ask.sql"));
    }
    let (rows, _) = send(&mut connection, &texts, Keep::Rows).await?;
    let incarnation = cluster::answered(&rows);
    let facts = rows.into_iter().next().unwrap_or_default();
    let fact = |at: usize| facts.get(at).cloned().flatten().unwrap_or_default();
    let (engine, version, major) = version(&fact(0));
    let mut backend = facts.get(3).cloned().flatten();
    if let Some(incarnation) = incarnation {
        // In this order: from `enter` on, reading waits for what other nodes have in hand.
        let texts = [include_str!("cluster/replicates.sql"), include_str!("cluster/enter.sql")].concat();
        cluster::require_replication(&send(&mut connection, &texts, Keep::Rows).await?.0)?;
        backend = backend.map(|number| format!("{number}:{incarnation}"));
    }
    let server = Server { engine, version, major, user: fact(1), database: fact(2), backend };
    let packet_bytes = fact(4).parse().unwrap_or(usize::MAX);
    Ok(MysqlSession { connection, options, timeout, server, packet_bytes, access, is_alone: true })
}

/// `10.11.19-MariaDB-1` is `mariadb`, `10.11.19`, `10.11`; MySQL says only its number.
fn version(text: &str) -> (&'static str, String, String) {
    let engine = if text.contains("MariaDB") { "mariadb" } else { "mysql" };
    let number = text.strip_prefix("5.5.5-").unwrap_or(text);
    let number = number.split('-').next().unwrap_or_default().to_owned();
    let major = number.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    (engine, number, major)
}

/// The driver's options, made by hand: a URL with a password in it is never written.
fn options(target: &Target) -> DbResult<(MySqlConnectOptions, Duration)> {
    let mut options = MySqlConnectOptions::new()
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .statement_cache_capacity(0)
        .disable_statement_logging();
    let socket = target.socket.as_deref().or_else(|| default_socket(target));
    options = match socket {
        Some(socket) => options.socket(socket),
        None => options.host(target.host.as_deref().unwrap_or("127.0.0.1")).port(target.port.unwrap_or(3306)),
    };
    if let Some(user) = &target.user {
        options = options.username(user);
    }
    if let Some(password) = &target.password {
        options = options.password(password.reveal());
    }
    if !target.database.is_empty() {
        options = options.database(&target.database);
    }
    let mut timeout = Duration::from_secs(CONNECT_TIMEOUT_S);
    for (name, value) in &target.params {
        match name.as_str() {
            "ssl-mode" | "sslmode" | "ssl_mode" => options = options.ssl_mode(ssl_mode(value)?),
            "ssl-ca" | "sslca" | "ssl_ca" => options = options.ssl_ca(value),
            "ssl-cert" | "sslcert" | "ssl_cert" => options = options.ssl_client_cert(value),
            "ssl-key" | "sslkey" | "ssl_key" => options = options.ssl_client_key(value),
            "charset" if matches!(value.as_str(), "utf8mb4" | "utf8mb3" | "utf8") => {}
            "charset" => return Err(setting("charset", "scripts are UTF-8: only `utf8mb4` works")),
            "connect_timeout" | "connect-timeout" => {
                let seconds =
                    value.parse().map_err(|_| setting("connect_timeout", "a number of seconds is expected"))?;
                timeout = Duration::from_secs(seconds);
            }
            other => return Err(setting(other, "it is not known for MySQL and MariaDB")),
        }
    }
    Ok((options, timeout))
}

/// The local server's socket, when the target names no place at all.
fn default_socket(target: &Target) -> Option<&'static Path> {
    let nowhere = target.host.is_none() && target.port.is_none();
    SOCKETS.iter().map(Path::new).find(|path| nowhere && path.exists())
}

fn setting(name: &str, why: &str) -> DbError {
    let error = DbError::new(DbErrorKind::Statement, format!("connection parameter `{name}` cannot be used: {why}"));
    hinted(error, "known are ssl-mode, ssl-ca, ssl-cert, ssl-key, charset, connect_timeout")
}

fn ssl_mode(text: &str) -> DbResult<MySqlSslMode> {
    match text.to_ascii_lowercase().replace('-', "_").as_str() {
        "disabled" | "disable" => Ok(MySqlSslMode::Disabled),
        "preferred" | "prefer" => Ok(MySqlSslMode::Preferred),
        "required" | "require" => Ok(MySqlSslMode::Required),
        "verify_ca" => Ok(MySqlSslMode::VerifyCa),
        "verify_identity" | "verify_full" => Ok(MySqlSslMode::VerifyIdentity),
        _ => Err(setting("ssl-mode", "use disabled, preferred, required, verify_ca or verify_identity")),
    }
}

async fn connect(options: &MySqlConnectOptions, timeout: Duration) -> DbResult<MySqlConnection> {
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let opened = tokio::time::timeout(timeout, options.connect()).await;
    let opened = opened.map_err(|_| {
        let message = format!("{place} did not answer within {} s", timeout.as_secs());
        DbError::new(DbErrorKind::Connection, message)
    })?;
    opened.map_err(|error| match error {
        sqlx::Error::Io(error) => DbError::new(DbErrorKind::Connection, format!("cannot reach {place}: {error}")),
        other => from_driver(other),
    })
}

/// What to do with the rows of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Rows,
    Nothing,
}

/// Sends a text as one message and reads the whole answer: rows, and rows affected.
async fn send(connection: &mut MySqlConnection, sql: &str, keep: Keep) -> DbResult<(Vec<Row>, u64)> {
    let mut answer = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    let (mut rows, mut affected) = (Vec::new(), 0);
    while let Some(part) = answer.try_next().await.map_err(from_driver)? {
        match part {
            Either::Left(done) => affected += done.rows_affected(),
            Either::Right(row) if keep == Keep::Rows => rows.push(texts(&row)),
            Either::Right(_) => {}
        }
    }
    Ok((rows, affected))
}

/// The columns of a row, as the text protocol sent them.
fn texts(row: &MySqlRow) -> Row {
    let text = |(at, column): (usize, &<MySql as sqlx::Database>::Column)| {
        let raw = row.try_get_raw(at).ok()?;
        let bytes = <&[u8] as Decode<MySql>>::decode(raw).ok()?;
        Some(text(bytes, column.type_info().name()))
    };
    row.columns().iter().enumerate().map(text).collect()
}

/// A bit field comes as its bytes: told as a number. Bytes that are no text are told in hex.
fn text(bytes: &[u8], kind: &str) -> String {
    if kind == "BIT" {
        return bytes.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)).to_string();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("0x{}", hex(bytes)),
    }
}

impl MysqlSession {
    /// The server cuts the connection when a message is too long; so that is said before.
    fn fits(&self, sql: &str) -> DbResult<()> {
        if sql.len() < self.packet_bytes {
            return Ok(());
        }
        let message = format!(
            "a statement of {} bytes is longer than the server takes (max_allowed_packet is {} bytes)",
            sql.len(),
            self.packet_bytes
        );
        let error = DbError::new(DbErrorKind::Statement, message);
        let mut error = hinted(error, "split the statement, or raise max_allowed_packet on the server");
        error.code = "1153".to_owned();
        Err(error)
    }

    /// Sends one statement; again where DDL that came over the cluster has ended it, or is still keeping the nodes apart.
    async fn ask(&mut self, statement: &str, tries: u32) -> DbResult<Vec<Row>> {
        let mut waits = cluster::WAITS;
        for _ in 1..tries {
            match send(&mut self.connection, statement, Keep::Rows).await {
                Err(error) if error.kind == DbErrorKind::Conflict => tokio::time::sleep(cluster::PAUSE).await,
                Err(error) if error.kind == DbErrorKind::LockTimeout && waits > 0 => waits -= 1,
                answered => return Ok(answered?.0),
            }
        }
        Ok(send(&mut self.connection, statement, Keep::Rows).await?.0)
    }

    /// Our tables are found by the session's database: a script must not leave it behind.
    async fn stay(&mut self) -> DbResult<()> {
        let (rows, _) = send(&mut self.connection, "SELECT DATABASE()", Keep::Rows).await?;
        let now = rows.into_iter().flatten().next().flatten();
        if now.as_deref().unwrap_or_default() == self.server.database {
            return Ok(());
        }
        let back = include_str!("use.sql").replace("{name}", &Flavor::Mysql.ident(&self.server.database));
        send(&mut self.connection, &back, Keep::Nothing).await?;
        let message = format!("a script may not leave its database (USE {})", now.as_deref().unwrap_or("none"));
        let error = DbError::new(DbErrorKind::Statement, message);
        Err(hinted(error, "name the database in the statement instead: db.table"))
    }
}

#[async_trait]
impl Session for MysqlSession {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn rows(&mut self, sql: &str, binds: &[Option<&str>]) -> DbResult<Vec<Row>> {
        if binds.is_empty() {
            return self.batch(sql).await;
        }
        self.batch(&bind(sql, binds)?).await
    }

    async fn together(&mut self, statements: &[(String, Vec<Option<String>>)]) -> DbResult<()> {
        let mut message = String::new();
        for (sql, binds) in statements {
            let binds: Vec<Option<&str>> = binds.iter().map(Option::as_deref).collect();
            message.push_str(bind(sql, &binds)?.trim_end().trim_end_matches(';'));
            message.push_str(";\n");
        }
        self.batch(message.trim_end().trim_end_matches(';')).await.map(drop)
    }

    async fn batch(&mut self, sql: &str) -> DbResult<Vec<Row>> {
        self.fits(sql)?;
        if !cluster::is_node(&self.server) {
            return Ok(send(&mut self.connection, sql, Keep::Rows).await?.0);
        }
        // What reads outside of a transaction may be asked again.
        self.is_alone &= sql != include_str!("look.sql");
        let tries = if self.access == Access::ReadOnly && self.is_alone { cluster::TRIES } else { 1 };
        let mut rows = Vec::new();
        for statement in cluster::apart(sql) {
            rows.extend(self.ask(&statement, tries).await?);
        }
        Ok(rows)
    }

    async fn run(&mut self, statement: &str) -> DbResult<Ran> {
        self.fits(statement)?;
        if self.access == Access::Shadow {
            refuse_folders(statement)?;
        }
        let (_, rows) = send(&mut self.connection, statement, Keep::Nothing).await?;
        if !self.server.database.is_empty() && may_leave(statement) {
            self.stay().await?;
        }
        Ok(Ran { rows, notices: Vec::new() })
    }

    async fn copy_in(&mut self, _statement: &str, _data: &str) -> DbResult<Ran> {
        Err(DbError::new(
            DbErrorKind::Statement,
            "COPY … FROM stdin is PostgreSQL's; MySQL and MariaDB have no such statement",
        ))
    }

    fn canceller(&self) -> Box<dyn Canceller> {
        let backend = self.server.backend.clone().unwrap_or_default();
        Box::new(MysqlCanceller { options: self.options.clone(), timeout: self.timeout, backend })
    }

    async fn close(self: Box<Self>) {
        // A connection that cannot say goodbye is closed all the same.
        let _ = self.connection.close().await;
    }
}

/// A table may name any folder that the server can write to, and no right of an account keeps it from that.
fn refuse_folders(statement: &str) -> DbResult<()> {
    if !has_word(statement, &["directory"]) {
        return Ok(());
    }
    let tokens: Vec<Token> = tokens(statement, Flavor::Mysql).filter(Token::is_significant).collect();
    let is_folder = |pair: &[Token]| {
        (pair[0].is_word(statement, "data") || pair[0].is_word(statement, "index"))
            && pair[1].is_word(statement, "directory")
    };
    if !tokens.windows(2).any(is_folder) {
        return Ok(());
    }
    let mut error = DbError::new(DbErrorKind::Privilege, "a shadow keeps its tables in no folder of their own");
    error.hint =
        Some("DATA DIRECTORY and INDEX DIRECTORY write beside the server's data, which outlives the shadow".into());
    Err(error)
}

/// Whether a statement may change the session's database.
fn may_leave(statement: &str) -> bool {
    has_word(statement, &["use", "database", "schema"])
}

/// Whether one of these words stands anywhere in a text.
fn has_word(text: &str, wanted: &[&str]) -> bool {
    let mut words = text.split(|ch: char| !ch.is_alphanumeric() && ch != '_');
    words.any(|word| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
}

struct MysqlCanceller {
    options: MySqlConnectOptions,
    timeout: Duration,
    backend: String,
}

#[async_trait]
impl Canceller for MysqlCanceller {
    async fn cancel(&self) -> DbResult<()> {
        let mut connection = connect(&self.options, self.timeout).await?;
        let killed = self.kill(&mut connection).await;
        let _ = connection.close().await;
        match killed {
            // No such session any more: there is nothing left to cancel.
            Err(error) if error.code == "1094" => Ok(()),
            other => other,
        }
    }

    async fn reach(&self) -> DbResult<()> {
        let connection = connect(&self.options, self.timeout).await?;
        let _ = connection.close().await;
        Ok(())
    }
}

impl MysqlCanceller {
    async fn kill(&self, connection: &mut MySqlConnection) -> DbResult<()> {
        if let Some((_, own)) = self.backend.split_once(':') {
            // Whoever stands before a cluster may have led us to another node, which has sessions of the same numbers.
            let (rows, _) = send(connection, include_str!("cluster/ask.sql"), Keep::Rows).await?;
            if cluster::answered(&rows).as_deref() != Some(own) {
                return Err(DbError::new(DbErrorKind::Statement, "the statement runs on another node of the cluster"));
            }
        }
        let kill = bind(include_str!("kill.sql"), &[Some(cluster::number(&self.backend))])?;
        send(connection, &kill, Keep::Nothing).await.map(drop)
    }
}
