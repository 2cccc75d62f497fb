//! The ledger behind a session: what reading and writing have in common.

use std::time::Duration;

use crate::class;
use crate::engine::{Access, DbError, DbErrorKind, DbResult, Dialect, Engine, Names, Ran, Row, Server, Session};
use crate::fault::{Fault, FaultKind, Result};
use crate::history::without_histories;
use crate::id::Id;
use crate::ledger::{Act, Applied, Entry, Head, Open, Phase, State};
use crate::plan::Warrant;
use crate::sha::Sha;
use crate::snapshot::Snapshot;
use crate::sql::{Flavor, Script, Statement};
use crate::target::Target;

/// Runs one statement of a script, inline COPY rows included.
pub async fn run(session: &mut dyn Session, script: &Script, statement: &Statement) -> DbResult<Ran> {
    match &statement.copy {
        Some(rows) => session.copy_in(script.sql(statement), &script.text()[rows.clone()]).await,
        None => session.run(script.sql(statement)).await,
    }
}

/// Runs what the project's `[session]` puts before every script.
///
/// # Errors
/// Refused, with the statement as the place, when the database refuses one, or when nothing could be written behind one.
pub async fn prepare(session: &mut dyn Session, dialect: &Dialect, text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let script = class::session_script(text, dialect.flavor);
    let failed = |what: String, statement: &Statement| {
        let start = statement.span.start;
        let fault = Fault::refused(what).at(script.place(start)).excerpt(script.excerpt(start));
        fault.help("it is said by [session] in switchback.toml, or by `session` in a migration.toml")
    };
    for (index, statement) in script.statements().iter().enumerate() {
        let (number, shown) = (index + 1, script.shown(statement));
        if let Err(error) = session.run(script.sql(statement)).await {
            let fault = failed(format!("statement {number} of the session SQL is refused: {shown}"), statement);
            return Err(error.lines().into_iter().fold(fault, Fault::cause));
        }
        let read = session.batch(dialect.sql.read_only_set).await;
        if !read.map_err(|error| own("asking what the session may do", &error))?.is_empty() {
            let what = format!("behind statement {number} of the session SQL nothing can be written: {shown}");
            return Err(failed(what, statement).cause("it makes the session read-only, and scripts run in it"));
        }
    }
    Ok(())
}

pub async fn ledger_exists(engine: &dyn Engine, names: &Names, session: &mut dyn Session) -> Result<bool> {
    let sql = names.fill(engine.dialect().sql.ledger_exists);
    let rows = session.rows(&sql, &[]).await.map_err(|error| own("looking for the ledger", &error))?;
    Ok(first(rows).is_some_and(|value| value != "0" && value != "f"))
}

pub async fn head(engine: &dyn Engine, names: &Names, session: &mut dyn Session) -> Result<Head> {
    let sql = names.fill(engine.dialect().sql.ledger_head);
    let rows = session.rows(&sql, &[]).await.map_err(|error| own("reading the ledger", &error))?;
    Ok(rows.first().map_or_else(Head::default, head_of))
}

pub fn head_of(row: &Row) -> Head {
    let part = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    Head { seq: part(0).parse().unwrap_or(0), hash: Sha::recorded(part(1)) }
}

pub async fn entries(
    engine: &dyn Engine,
    names: &Names,
    session: &mut dyn Session,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>> {
    let sql = names.fill(engine.dialect().sql.ledger_rows);
    let (after, limit) = (after.to_string(), limit.to_string());
    let rows = session.rows(&sql, &[Some(&after), Some(&limit)]).await;
    Ok(rows.map_err(|error| own("reading the ledger", &error))?.into_iter().map(Entry::read).collect())
}

pub async fn state(engine: &dyn Engine, names: &Names, session: &mut dyn Session) -> Result<State> {
    if !ledger_exists(engine, names, session).await? {
        return Ok(State::default());
    }
    let failed = |error: DbError| own("reading the ledger", &error);
    let rows = session.rows(&names.fill(engine.dialect().sql.ledger_state), &[]).await.map_err(failed)?;
    let (mut applied, mut reverted) = (Vec::new(), Vec::new());
    for row in rows {
        let mut parts = row.into_iter();
        let mut part = || parts.next().flatten().unwrap_or_default();
        let (seq, event, id, digest, amends, adopted) = (part(), part(), part(), part(), part(), part());
        let seq: i64 = seq.parse().unwrap_or(0);
        let order = if event == "amend" { amends.parse().unwrap_or(seq) } else { seq };
        if event == "revert" {
            reverted.push((seq, Sha::recorded(digest)));
        } else {
            let is_adopted = event == "adopt";
            let is_unproven = is_adopted && Warrant::recorded(Some(&adopted)).is_adopted();
            let (id, digest) = (Id::new(id), Sha::recorded(digest));
            applied.push(Applied { seq, order, id, digest, is_adopted, is_unproven });
        }
    }
    let head = head(engine, names, session).await?;
    let open = match last_of_a_step(engine, names, session, head.seq).await? {
        Some(last) => open_step(engine, names, session, last).await?,
        None => None,
    };
    Ok(State { head, applied, reverted, open, exists: true })
}

/// The last row that tells of a step; the others say nothing of one that is half-way.
async fn last_of_a_step(
    engine: &dyn Engine,
    names: &Names,
    session: &mut dyn Session,
    head: i64,
) -> Result<Option<Entry>> {
    let (mut until, mut page) = (head, 1);
    while until > 0 {
        let after = (until - page).max(0);
        let rows = entries(engine, names, session, after, until - after).await?;
        let tells = |row: &Entry| row.get("event").is_some_and(|event| STEPS.iter().any(|act| act.word() == event));
        if let Some(row) = rows.into_iter().rev().find(tells) {
            return Ok(Some(row));
        }
        // Somebody may have given the last row any number.
        (until, page) = (after, page.saturating_mul(16));
    }
    Ok(None)
}

/// What is a step, or cannot be while one is half-way.
const STEPS: [Act; 4] = [Act::Apply, Act::Revert, Act::BackOut, Act::Adopt];

/// The step that is half-way behind its last row: one that began, or that failed after a statement had taken effect. A
/// back-out that failed before that leaves the step that it was to take back.
async fn open_step(engine: &dyn Engine, names: &Names, session: &mut dyn Session, last: Entry) -> Result<Option<Open>> {
    let is_failed = last.get("phase") == Some(Phase::Failed.word());
    let took_effect = last.number("statement").is_some_and(|done| done > 0);
    let is_started = last.get("phase") == Some(Phase::Started.word());
    // A step that was gone on with says behind which statement.
    let is_again = is_started && last.number("statement").is_some();
    let began = last.number("reverts").filter(|_| is_failed || is_again);
    let stopped = last.get("detail").filter(|_| is_failed).map(str::to_owned);
    let begun = match began {
        None if is_started => last,
        Some(seq) if took_effect || is_again => entry(engine, names, session, seq).await?,
        Some(seq) if last.get("event") == Some(Act::BackOut.word()) => {
            let of = entry(engine, names, session, seq).await?.number("reverts");
            entry(engine, names, session, of.unwrap_or(seq)).await?
        }
        _ => return Ok(None),
    };
    opened(engine, names, session, &begun, stopped).await.map(Some)
}

async fn entry(engine: &dyn Engine, names: &Names, session: &mut dyn Session, seq: i64) -> Result<Entry> {
    let row = entries(engine, names, session, seq.saturating_sub(1), 1).await?.into_iter().next();
    row.filter(|row| row.seq() == seq).ok_or_else(|| gone(seq))
}

/// A row of the ledger that has to be there.
pub fn gone(seq: i64) -> Fault {
    Fault::refused(format!("row {seq} of the ledger is gone")).help("`switchback log --verify` checks the ledger")
}

/// The step that a row began, and how far the journal has it.
async fn opened(
    engine: &dyn Engine,
    names: &Names,
    session: &mut dyn Session,
    begun: &Entry,
    stopped: Option<String>,
) -> Result<Open> {
    let step = begun.seq();
    let sql = names.fill(engine.dialect().sql.journal_rows);
    let rows = session.rows(&sql, &[Some(&step.to_string())]).await;
    let rows = rows.map_err(|error| own("reading the journal", &error))?;
    let is_done = |row: &&Row| row.get(1).and_then(Option::as_deref) == Some("done");
    let done = rows.iter().filter(is_done).filter_map(|row| row.first()?.as_deref()?.parse().ok()).max();
    let unit = |row: &Row| Some((row.first()?.as_deref()?.parse().ok()?, Sha::recorded(row.get(2)?.as_deref()?)));
    let units = rows.iter().filter_map(unit).collect();
    let of = |column: &str| begun.get(column).unwrap_or_default();
    Ok(Open {
        seq: step,
        id: Id::new(of("migration")),
        event: of("event").to_owned(),
        digest: Sha::recorded(of("digest")),
        by: format!("{}@{}", of("actor"), of("host")),
        since: of("started_at").to_owned(),
        stopped,
        done: done.unwrap_or(0),
        units,
    })
}

pub fn first(rows: Vec<Row>) -> Option<String> {
    rows.into_iter().next()?.into_iter().next()?
}

/// A server that has no connection free, or is just starting, is given so long whatever anybody waits for one that does not answer.
const BRIEFLY: Duration = Duration::from_secs(5);

/// Opens a session; tries again, with pauses that grow, where that may help: for `wait` while the server does not answer, and a
/// moment while it answers that it is not ready.
pub async fn open(engine: &dyn Engine, target: &Target, access: Access, wait: Duration) -> DbResult<Box<dyn Session>> {
    let begun = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        let opened = engine.open(target, access).await;
        let patience = match opened.as_ref().map_err(|error| error.kind) {
            Err(DbErrorKind::NotReady) => wait.max(BRIEFLY),
            Err(DbErrorKind::Connection) => wait,
            _ => return opened,
        };
        if begun.elapsed() + pause >= patience {
            return opened;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// A database that cannot be reached, in words.
pub fn unreachable(target: &Target, error: &DbError) -> Fault {
    let fault = Fault::new(FaultKind::Unreachable, format!("cannot open {}", target.shown()));
    let fault = error.lines().into_iter().fold(fault, Fault::cause);
    match error.kind {
        DbErrorKind::NotReady | DbErrorKind::Connection => {
            fault.help("is the server running? `--wait SECONDS` waits for one that is still starting")
        }
        DbErrorKind::Authentication => fault.help(
            "give the user and password in the URL, or the password by `password_file` or `password_command` in switchback.toml",
        ),
        DbErrorKind::ReadOnly => fault.help(
            "it can only be read from here: give the right to write to the file and its folder, or name a server that is no replica",
        ),
        DbErrorKind::NoDatabase if target.scheme == "sqlite" => {
            fault.help("`switchback up` makes the file, in a folder that is there and may be written to")
        }
        DbErrorKind::NoDatabase => fault.help("create the database first; switchback does not create databases on servers"),
        _ => fault,
    }
}

/// How often what met a lock or a deadlock is tried again, with pauses that grow.
pub(crate) const ATTEMPTS: u32 = 5;

/// The same where any write of others to the same rows, anywhere in a cluster, undoes ours.
pub(crate) const ATTEMPTS_ON_A_CLUSTER: u32 = 20;

/// The pause before the next try, which grows up to 1.6 s.
pub(crate) fn pause(attempt: u32) -> Duration {
    Duration::from_millis(100 << attempt.min(4))
}

/// The whole schema, without other tools' history tables. Read again where a conflict came between: on a cluster DDL ends whatever
/// reads what it changes, and a node may be behind the others for longer than it waits.
pub async fn schema(engine: &dyn Engine, session: &mut dyn Session) -> Result<Snapshot> {
    let leases = engine.leases(session.server());
    let is_passing = |kind: DbErrorKind| kind == DbErrorKind::Conflict || leases && kind == DbErrorKind::LockTimeout;
    let mut attempt = 1;
    loop {
        match engine.snapshot(session).await {
            Err(error) if is_passing(error.kind) && attempt < ATTEMPTS => {
                tokio::time::sleep(pause(attempt)).await;
                attempt += 1;
            }
            read => return read.map(without_histories).map_err(|error| own("reading the schema", &error)),
        }
    }
}

/// An error of one of our own queries, in words.
pub fn own(what: &str, error: &DbError) -> Fault {
    let kind = match error.kind {
        DbErrorKind::Connection | DbErrorKind::NotReady => FaultKind::Unreachable,
        DbErrorKind::LockTimeout | DbErrorKind::Conflict => FaultKind::Busy,
        _ => FaultKind::Refused,
    };
    let fault = Fault::new(kind, format!("{what} failed"));
    let fault = error.lines().into_iter().fold(fault, Fault::cause);
    match error.kind {
        DbErrorKind::Privilege => fault.help(NO_RIGHT),
        _ => fault,
    }
}

const NO_RIGHT: &str = "the database user lacks this right; see docs/getting-started.md, \"Rights\"";

/// Adds what helps against this error, and who may have stood in the way. A step that stopped half-way has a help of its own,
/// so there a missing GRANT is told as a cause.
pub fn explained(fault: Fault, error: &DbError, server: &Server, blockers: &[String]) -> Fault {
    let fault = blockers.iter().fold(fault, |fault, blocker| fault.cause(format!("locks are held by {blocker}")));
    let help = match error.kind {
        DbErrorKind::LockTimeout | DbErrorKind::Conflict => {
            "another session stood in the way; run the command again when it is through".to_owned()
        }
        DbErrorKind::Privilege => match missing_grant(server, error) {
            Some(grant) if fault.kind() == FaultKind::HalfWay => {
                return fault.cause(format!("the right is given by GRANT {grant}"));
            }
            Some(grant) => {
                format!(
                    "an administrator may run: GRANT {grant}; docs/getting-started.md, \"Rights\", has the whole list"
                )
            }
            None => NO_RIGHT.to_owned(),
        },
        _ => return fault,
    };
    fault.help(help)
}

/// The GRANT that would have let the statement through, without that word, as far as what the server said tells.
pub fn missing_grant(server: &Server, error: &DbError) -> Option<String> {
    match server.engine {
        "postgres" => postgres_grant(server, &error.message),
        "mysql" | "mariadb" => mysql_grant(server, error),
        _ => None,
    }
}

fn postgres_grant(server: &Server, message: &str) -> Option<String> {
    // A superuser's session can be ended by another superuser only.
    let ends =
        ["must be a member of the role whose process is being terminated", "permission denied to terminate process"];
    if ends.iter().any(|text| message.starts_with(text)) {
        return Some(format!("pg_signal_backend TO {}", Flavor::Postgres.ident(&server.user)));
    }
    let (object, name) = message.strip_prefix("permission denied for ")?.split_once(' ')?;
    let rights = match object {
        "database" => "CREATE",
        "schema" => "CREATE, USAGE",
        "table" => "SELECT, INSERT, UPDATE, DELETE",
        "sequence" => "USAGE, SELECT",
        _ => return None,
    };
    let ident = |name: &str| Flavor::Postgres.ident(name);
    Some(format!("{rights} ON {} {} TO {}", object.to_uppercase(), ident(name), ident(&server.user)))
}

/// Rights that MySQL names in its refusals and that can be granted on a database.
const MYSQL_RIGHTS: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "ALTER",
    "INDEX",
    "REFERENCES",
    "TRIGGER",
    "CREATE VIEW",
    "SHOW VIEW",
];

fn mysql_grant(server: &Server, error: &DbError) -> Option<String> {
    let literal = |text: &str| Flavor::Mysql.literal(text);
    if error.code == "1095" {
        let right = if server.engine == "mariadb" { "CONNECTION ADMIN" } else { "CONNECTION_ADMIN" };
        let (user, host) = server.user.rsplit_once('@')?;
        return Some(format!("{right} ON *.* TO {}@{}", literal(user), literal(host)));
    }
    let (rights, database) = match error.code.as_str() {
        "1142" => {
            let (rights, rest) = error.message.split_once(" command denied to user ")?;
            let (_, table) = rest.split_once(" for table ")?;
            let database = table.split_once("`.`").map_or(server.database.as_str(), |(database, _)| database);
            (rights, database.trim_start_matches('`'))
        }
        "1044" => {
            let (_, database) = error.message.split_once(" to database ")?;
            ("ALL PRIVILEGES", database.trim_matches('\''))
        }
        _ => return None,
    };
    if error.code == "1142" && !rights.split(", ").all(|right| MYSQL_RIGHTS.contains(&right)) {
        return None;
    }
    // The message tells where the client is; the account that has the rights may be for any host.
    let (user, host) = server.user.rsplit_once('@')?;
    // In the database of a GRANT, an underscore fits any character.
    let database = Flavor::Mysql.ident(database).replace('_', "\\_");
    Some(format!("{rights} ON {database}.* TO {}@{}", literal(user), literal(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(engine: &'static str, user: &str, code: &str, message: &str) -> Option<String> {
        let server = Server {
            engine,
            version: String::new(),
            major: String::new(),
            user: user.into(),
            database: "shop".into(),
            backend: None,
        };
        let mut error = DbError::new(DbErrorKind::Privilege, message);
        error.code = code.into();
        missing_grant(&server, &error)
    }

    #[test]
    fn postgres_names_the_object_that_is_closed() {
        let of = |message| grant("postgres", "the migrator", "42501", message);
        let granted = |text: &str| Some(format!("{text} TO \"the migrator\""));
        assert_eq!(of("permission denied for database shop"), granted("CREATE ON DATABASE \"shop\""));
        assert_eq!(of("permission denied for schema public"), granted("CREATE, USAGE ON SCHEMA \"public\""));
        let rows = "SELECT, INSERT, UPDATE, DELETE ON TABLE \"a \"\"b\"";
        assert_eq!(of("permission denied for table a \"b"), granted(rows));
        assert_eq!(of("permission denied to terminate process"), granted("pg_signal_backend"));
        assert_eq!(of("must be a superuser to terminate superuser process"), None);
        assert_eq!(of("must be owner of table t"), None);
        assert_eq!(of("permission denied to create role"), None);
    }

    #[test]
    fn mysql_names_the_right_and_the_account_is_the_sessions() {
        let of = |code, message: &str| grant("mariadb", "mig@%", code, message);
        let granted = |text: &str| Some(format!("{text}.* TO 'mig'@'%'"));
        let denied = "CREATE command denied to user 'mig'@'10.0.0.1' for table ";
        assert_eq!(of("1142", &format!("{denied}`my_shop`.`t`")), granted("CREATE ON `my\\_shop`"));
        assert_eq!(of("1142", &format!("{denied}'t'")), granted("CREATE ON `shop`"));
        assert_eq!(of("1142", "ANY command denied to user 'mig'@'h' for table 't'"), None);
        let database = "Access denied for user 'mig'@'h' to database 'other'";
        assert_eq!(of("1044", database), granted("ALL PRIVILEGES ON `other`"));
        let kill = of("1095", "You are not owner of thread 7");
        assert_eq!(kill.as_deref(), Some("CONNECTION ADMIN ON *.* TO 'mig'@'%'"));
        assert_eq!(of("1227", "Access denied; you need (at least one of) the SUPER privilege(s)"), None);
    }
}
