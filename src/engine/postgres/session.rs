//! One pinned connection: text in, text out, no pool, no statement cache.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnection, PgRow, PgValueFormat};
use sqlx::{Arguments, AssertSqlSafe, Column, Connection, Either, Row as _, TypeInfo, ValueRef};
use tracing::instrument::WithSubscriber;

use super::connect::{Reached, Route};
use super::errors::from_sqlx;
use super::notices::Notices;
use crate::engine::{Access, Canceller, DbError, DbErrorKind, DbResult, Ran, Row, Said, Server, Session};
use crate::sha::Sha;
use crate::sql::Flavor;
use crate::target::Target;

/// What the driver itself sends at start-up.
const DRIVER_TIMEZONE: &str = "UTC";
const DRIVER_DATESTYLE: &str = "ISO, MDY";

pub struct PgSession {
    connection: PgConnection,
    route: Route,
    access: Access,
    server: Server,
    notices: Notices,
    /// Settings that `RESET ALL` would lose, the name of our schema, and the like, as literals for our own texts.
    marks: Vec<(&'static str, String)>,
    /// Queries of ours whose plans the server keeps, with the names under which it does.
    prepared: HashMap<Sha, String>,
    /// So many were given a name; one that failed may have left its name behind.
    plans: usize,
    /// The conversation with the server is out of step; nothing more is said.
    broken: bool,
    /// A session that only looks and that a pooler gives away behind each transaction is in the one that `look` began.
    is_held: bool,
}

/// What the server commits with, unless that is not durable.
fn durable(access: Access, own: Option<String>) -> String {
    match own.as_deref() {
        Some("off") if access == Access::Shadow => "off".to_owned(),
        None | Some("off") => "on".to_owned(),
        Some(own) => own.to_owned(),
    }
}

/// What stands for the marks in our own texts.
fn marks(
    timezone: &str,
    datestyle: &str,
    durable: String,
    server: &Server,
    target: &Target,
) -> Vec<(&'static str, String)> {
    let has_limit = server.major.parse().is_ok_and(|major: u32| major >= 17);
    let literal = |text: &str| Flavor::Postgres.literal(text);
    let no_limit = if has_limit { "SET LOCAL transaction_timeout TO 0;" } else { "" };
    vec![
        ("{timezone}", literal(timezone)),
        // The style of dates is a list of words, each its own literal.
        ("{datestyle}", datestyle.split(',').map(|word| literal(word.trim())).collect::<Vec<_>>().join(", ")),
        ("{durable}", literal(&durable)),
        ("{no_limit}", no_limit.to_owned()),
        ("{ours}", literal(target.ledger_schema.as_deref().unwrap_or(super::SCHEMA))),
    ]
}

impl PgSession {
    /// Opens a session: one query for what the server is, and the settings that its own client would have.
    pub async fn open(target: &Target, access: Access) -> DbResult<Self> {
        let route = Route::new(target, access)?;
        let Reached { mut connection, is_refused } = route.connect().await?;
        let asked = match access {
            Access::ReadOnly => include_str!("sql/facts_plain.sql"),
            Access::ReadWrite | Access::Shadow => include_str!("sql/facts.sql"),
        };
        let facts = simple(&mut connection, asked).await?.0;
        let facts = facts.into_iter().next().unwrap_or_default();
        let fact = |index: usize| facts.get(index).cloned().flatten();
        let text = |index: usize| fact(index).unwrap_or_default();
        // What the connection began with either was refused, or is not there.
        let is_pooled = is_refused || fact(6).is_none();
        let is_kept = match (access, is_pooled) {
            (Access::Shadow, true) => return Err(behind_a_pooler()),
            (Access::ReadOnly, true) => keeps_from_writing(&mut connection).await?,
            (Access::ReadOnly, false) => text(5) == "on",
            _ => true,
        };
        if !is_kept {
            return Err(DbError::new(DbErrorKind::Connection, "the server did not make this session read-only"));
        }
        let version = text(0).split(' ').next().unwrap_or_default().to_owned();
        let server = Server {
            engine: "postgres",
            major: version.chars().take_while(char::is_ascii_digit).collect(),
            version,
            user: text(1),
            database: text(2),
            backend: (!is_pooled).then(|| format!("{}:{}", text(3), text(4))),
        };
        let mut timezone = route.timezone.clone().or_else(|| fact(7));
        let mut datestyle = route.datestyle.clone().or_else(|| fact(8));
        if access == Access::ReadOnly {
            timezone = Some(DRIVER_TIMEZONE.into());
            datestyle = Some(DRIVER_DATESTYLE.into());
        } else if (timezone.is_none() || datestyle.is_none()) && text(10) == "t" {
            for row in simple(&mut connection, include_str!("sql/file_settings.sql")).await?.0 {
                match row.as_slice() {
                    [Some(name), value] if name == "timezone" => timezone = timezone.or_else(|| value.clone()),
                    [Some(name), value] if name == "datestyle" => datestyle = datestyle.or_else(|| value.clone()),
                    _ => {}
                }
            }
        }
        let timezone = timezone.unwrap_or_else(|| text(9));
        let datestyle = datestyle.unwrap_or_else(|| DRIVER_DATESTYLE.into());
        let durable = durable(access, fact(11));
        let mut marks = marks(&timezone, &datestyle, durable, &server, target);
        if access == Access::Shadow {
            let lists = simple(&mut connection, include_str!("sql/catalogs.sql")).await?.0;
            let mut lists = lists.into_iter().flatten().map(Option::unwrap_or_default);
            for mark in ["{relational}", "{others}"] {
                marks.push((mark, Flavor::Postgres.literal(&lists.next().unwrap_or_default())));
            }
        }
        let prepared = HashMap::new();
        let notices = Notices::new();
        let (plans, broken, is_held) = (0, false, false);
        let mut session =
            PgSession { connection, route, access, server, notices, marks, prepared, plans, broken, is_held };
        let is_drivers = timezone == DRIVER_TIMEZONE && datestyle.eq_ignore_ascii_case(DRIVER_DATESTYLE);
        if !is_pooled && !is_drivers {
            session.batch(include_str!("sql/client_settings.sql")).await?;
        }
        Ok(session)
    }

    fn usable(&self) -> DbResult<()> {
        match self.broken {
            true => Err(DbError::new(DbErrorKind::Connection, "the connection to the server was lost")),
            false => Ok(()),
        }
    }

    /// Keeps in mind that a text may take the plans that the server keeps away.
    fn forget_plans(&mut self, sql: &str, by: &[&[u8]]) {
        let takes = |word: &&[u8]| sql.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
        if !self.prepared.is_empty() && by.iter().any(takes) {
            self.prepared.clear();
        }
    }

    /// A message of a session that only looks and that is another's behind each transaction: one of its own, unless `look` has
    /// begun the one for all that is asked from then on.
    async fn look(&mut self, sql: &str) -> DbResult<Vec<Row>> {
        let begins = sql == include_str!("sql/pooled/look.sql");
        let result = match self.is_held || begins {
            true => simple(&mut self.connection, sql).await,
            false => {
                let asked = [include_str!("sql/pooled/read_only.sql"), sql.trim_end(), "\n;ROLLBACK"].concat();
                let result = simple(&mut self.connection, &asked).await;
                if result.as_ref().is_err_and(|error| error.kind != DbErrorKind::Connection) {
                    simple(&mut self.connection, "ROLLBACK").await?;
                }
                result
            }
        };
        self.is_held |= begins;
        Ok(self.noted(result)?.0)
    }

    /// Keeps in mind what an error means for the connection.
    fn noted<T>(&mut self, result: DbResult<T>) -> DbResult<T> {
        if let Err(error) = &result {
            self.broken |= error.kind == DbErrorKind::Connection;
        }
        result
    }
}

#[async_trait]
impl Session for PgSession {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn rows(&mut self, sql: &str, binds: &[Option<&str>]) -> DbResult<Vec<Row>> {
        self.usable()?;
        if binds.is_empty() {
            return self.batch(sql).await;
        }
        if self.server.is_pooled() {
            // The extended protocol takes two turns, and behind the first one the session may be another's.
            return self.batch(&bound(sql, binds)).await;
        }
        let mut arguments = PgArguments::default();
        for bind in binds {
            let added = arguments.add(*bind);
            added.map_err(|error| DbError::new(DbErrorKind::Statement, error.to_string()))?;
        }
        // Not persistent: with a cache of no size the driver would name a statement each time and never close it.
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false);
        let result = query.fetch_all(&mut self.connection).await.map_err(from_sqlx);
        self.noted(result)?.iter().map(texts).collect()
    }

    async fn together(&mut self, statements: &[(String, Vec<Option<String>>)]) -> DbResult<()> {
        // The extended protocol takes one statement at a time; as literals the values fit into one simple message.
        let mut message = String::new();
        for (sql, binds) in statements {
            let binds: Vec<Option<&str>> = binds.iter().map(Option::as_deref).collect();
            message.push_str(bound(sql, &binds).trim_end().trim_end_matches(';'));
            message.push_str(";\n");
        }
        self.batch(&message).await.map(drop)
    }

    async fn batch(&mut self, sql: &str) -> DbResult<Vec<Row>> {
        self.usable()?;
        self.forget_plans(sql, &[b"deallocate"]);
        let marked = self.marks.iter().any(|(mark, _)| sql.contains(mark));
        let filled =
            marked.then(|| self.marks.iter().fold(sql.to_owned(), |text, (mark, word)| text.replace(mark, word)));
        let sql = filled.as_deref().unwrap_or(sql);
        if self.server.is_pooled() && self.access == Access::ReadOnly {
            return self.look(sql).await;
        }
        let result = simple(&mut self.connection, sql).await;
        Ok(self.noted(result)?.0)
    }

    /// Planning what reads the catalog takes longer than reading it, as long as there are few tables.
    async fn say(&mut self, parts: &[Said<'_>]) -> DbResult<Vec<Row>> {
        let (mut message, mut new) = (String::new(), Vec::new());
        for part in parts {
            match part {
                Said::Once("") | Said::Often("") => {}
                Said::Often(query) if self.access == Access::Shadow => {
                    let query = query.trim_end().trim_end_matches(';');
                    let sha = Sha::of(query.as_bytes());
                    let name = self.prepared.get(&sha).cloned().unwrap_or_else(|| {
                        self.plans += 1;
                        let name = format!("switchback_{}", self.plans);
                        message.push_str(&format!("PREPARE {name} AS\n{query};\n"));
                        new.push((sha, name.clone()));
                        name
                    });
                    message.push_str(&format!("EXECUTE {name};\n"));
                }
                Said::Once(text) | Said::Often(text) => {
                    message.push_str(text.trim_end().trim_end_matches(';'));
                    message.push_str(";\n");
                }
            }
        }
        let rows = self.batch(&message).await?;
        self.prepared.extend(new);
        Ok(rows)
    }

    async fn run(&mut self, statement: &str) -> DbResult<Ran> {
        self.usable()?;
        self.forget_plans(statement, &[b"deallocate", b"discard"]);
        let dispatch = self.notices.dispatch.clone();
        let result = affected(&mut self.connection, statement).with_subscriber(dispatch).await;
        let notices = self.notices.take();
        Ok(Ran { rows: self.noted(result)?, notices })
    }

    async fn copy_in(&mut self, statement: &str, data: &str) -> DbResult<Ran> {
        self.usable()?;
        let dispatch = self.notices.dispatch.clone();
        let connection = &mut self.connection;
        let copy = async {
            let mut copy = connection.copy_in_raw(statement).await?;
            copy.send(data.as_bytes()).await?;
            copy.finish().await
        };
        let result = copy.with_subscriber(dispatch).await.map_err(from_sqlx);
        let notices = self.notices.take();
        Ok(Ran { rows: self.noted(result)?, notices })
    }

    fn canceller(&self) -> Box<dyn Canceller> {
        let pid = self.server.backend.as_deref().and_then(|backend| backend.split(':').next());
        Box::new(PgCanceller { route: self.route.clone(), pid: pid.map(str::to_owned) })
    }

    async fn close(self: Box<Self>) {
        // Nothing to do about a server that is gone already.
        let _ = self.connection.close().await;
    }
}

/// Cancels through a connection of its own.
struct PgCanceller {
    route: Route,
    /// `None` where a pooler chooses the process, each time anew.
    pid: Option<String>,
}

#[async_trait]
impl Canceller for PgCanceller {
    async fn cancel(&self) -> DbResult<()> {
        let mut connection = self.route.connect().await?.connection;
        let asked = match &self.pid {
            Some(pid) => bound(include_str!("sql/cancel.sql"), &[Some(pid)]),
            None => include_str!("sql/pooled/cancel.sql").to_owned(),
        };
        simple(&mut connection, &asked).await?;
        connection.close().await.map_err(from_sqlx)
    }
}

/// Whether what begins each message of a session that only looks, behind a pooler, is heeded.
async fn keeps_from_writing(connection: &mut PgConnection) -> DbResult<bool> {
    let asked = [include_str!("sql/pooled/read_only.sql"), "SHOW transaction_read_only; ROLLBACK"].concat();
    let said = simple(connection, &asked).await?.0;
    Ok(said.iter().flatten().flatten().any(|value| value == "on"))
}

/// A shadow has its own role and settings in all of its sessions.
pub fn behind_a_pooler() -> DbError {
    let mut error = DbError::new(
        DbErrorKind::Statement,
        "a pooler stands before this server, and a shadow needs sessions of its own",
    );
    error.hint = Some("use `--shadow local`, or name the server itself: `--shadow URL`".into());
    error
}

/// One message; the rows of all its statements and the number of rows that they affected.
async fn simple(connection: &mut PgConnection, sql: &str) -> DbResult<(Vec<Row>, u64)> {
    let mut stream = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    let (mut rows, mut affected) = (Vec::new(), 0);
    while let Some(item) = stream.try_next().await.map_err(from_sqlx)? {
        match item {
            Either::Left(done) => affected += done.rows_affected(),
            Either::Right(row) => rows.push(texts(&row)?),
        }
    }
    Ok((rows, affected))
}

/// One message whose rows nobody wants: they are dropped as they come, so that a script may select a whole table.
async fn affected(connection: &mut PgConnection, sql: &str) -> DbResult<u64> {
    let mut stream = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    let mut affected = 0;
    while let Some(item) = stream.try_next().await.map_err(from_sqlx)? {
        if let Either::Left(done) = item {
            affected += done.rows_affected();
        }
    }
    Ok(affected)
}

/// A row's values as text. A bound query gets binary values, which are text only for types that are.
fn texts(row: &PgRow) -> DbResult<Row> {
    let value = |index: usize| {
        let raw = row.try_get_raw(index).map_err(from_sqlx)?;
        if raw.is_null() {
            return Ok(None);
        }
        if raw.format() == PgValueFormat::Binary
            && !matches!(raw.type_info().name(), "TEXT" | "VARCHAR" | "NAME" | "CHAR")
        {
            let name = row.column(index).name();
            return Err(DbError::new(DbErrorKind::Statement, format!("column {name} of a bound query is not text")));
        }
        let bytes = raw.as_bytes().map_err(|error| DbError::new(DbErrorKind::Statement, error.to_string()))?;
        Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
    };
    (0..row.len()).map(value).collect()
}

/// A text of ours with its `$n` filled in as literals, which read the same under any setting of a script.
fn bound(sql: &str, binds: &[Option<&str>]) -> String {
    let mut out = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = rest[at + 1..at + 1 + digits].parse().unwrap_or(0);
        match number.checked_sub(1).and_then(|index| binds.get(index)) {
            Some(Some(text)) => out.push_str(&Flavor::Postgres.literal(text)),
            Some(None) => out.push_str("NULL"),
            None => out.push_str(&rest[at..at + 1 + digits]),
        }
        rest = &rest[at + 1 + digits..];
    }
    out.push_str(rest);
    out
}
