//! PostgreSQL, and servers that speak its protocol.
//!
//! DDL is transactional here, so a step and its ledger row are one transaction. What the driver changes silently (time zone,
//! date style, start-up settings) is put right in `connect` and `session`; all SQL stands in files beside this one.

use std::time::Duration;

use super::*;

mod catalog;
mod connect;
mod detach;
mod errors;
mod fingerprint;
mod index;
mod notices;
mod pgpass;
mod price;
#[cfg(unix)]
mod server;
mod session;
mod shadow;

/// The family member.
pub struct Postgres;

/// Where our tables live unless configured.
const SCHEMA: &str = "switchback";

/// First and longest wait between two tries for a lock.
const LOCK_WAIT_MS: (u64, u64) = (10, 250);

const TEXTS: Texts = Texts {
    reset: include_str!("postgres/sql/reset.sql"),
    reset_plain: include_str!("postgres/sql/reset_plain.sql"),
    begin: include_str!("postgres/sql/begin.sql"),
    limits: include_str!("postgres/sql/limits.sql"),
    mark: concat!(
        "SELECT pg_catalog.set_config('switchback.mark', ",
        include_str!("postgres/catalog/counts.sql"),
        ", true);"
    ),
    fire_deferred: "SET CONSTRAINTS ALL IMMEDIATE;",
    fence: include_str!("postgres/sql/fence.sql"),
    behind: "",
    settle: include_str!("postgres/sql/settle.sql"),
    unsettle: "",
    constraints: "",
    ledger_exists: include_str!("postgres/sql/ledger_exists.sql"),
    ledger_create: include_str!("postgres/sql/ledger_create.sql"),
    ledger_guard: &[],
    ledger_head: include_str!("postgres/sql/ledger_head.sql"),
    ledger_state: include_str!("postgres/sql/ledger_state.sql"),
    ledger_rows: include_str!("postgres/sql/ledger_rows.sql"),
    ledger_strays: include_str!("postgres/sql/ledger_strays.sql"),
    ledger_append: include_str!("postgres/sql/ledger_append.sql"),
    script_put: include_str!("postgres/sql/script_put.sql"),
    script_get: include_str!("postgres/sql/script_get.sql"),
    journal_intent: include_str!("postgres/sql/journal_intent.sql"),
    journal_done: include_str!("postgres/sql/journal_done.sql"),
    journal_rows: include_str!("postgres/sql/journal_rows.sql"),
    lease_take: include_str!("postgres/sql/lease_take.sql"),
    lease_release: include_str!("postgres/sql/lease_release.sql"),
    lease_read: include_str!("postgres/sql/lease_read.sql"),
    read_only_set: include_str!("postgres/sql/read_only_set.sql"),
    histories: include_str!("postgres/sql/histories.sql"),
    columns: include_str!("postgres/sql/columns.sql"),
    foreign_keys: include_str!("postgres/sql/foreign_keys.sql"),
    look: include_str!("postgres/sql/look.sql"),
    pour: "",
    poured_inside: include_str!("postgres/sql/poured.sql"),
    poured: "",
};

/// What differs behind a pooler: whatever has to hold is said in each transaction, and none leaves anything in its session.
static POOLED: Texts = Texts {
    reset: "",
    reset_plain: "",
    begin: concat!(include_str!("postgres/sql/begin.sql"), include_str!("postgres/sql/pooled/begin.sql")),
    fence: include_str!("postgres/sql/pooled/fence.sql"),
    behind: include_str!("postgres/sql/pooled/behind.sql"),
    look: include_str!("postgres/sql/pooled/look.sql"),
    ..TEXTS
};

static DIALECT: Dialect = Dialect {
    name: "postgres",
    schemes: &["postgres", "postgresql"],
    flavor: Flavor::Postgres,
    transactional: true,
    schema: Some(SCHEMA),
    locks: true,
    limits_hold: LimitsHold::Transaction,
    plain_sessions: false,
    resets: true,
    creates_database: false,
    sql: TEXTS,
    client: ClientTexts {
        call: "psql -X -d DATABASE -f FILE",
        head: include_str!("postgres/sql/client/head.sql"),
        guard: include_str!("postgres/sql/client/guard.sql"),
        settle: include_str!("postgres/sql/client/settle.sql"),
        reset: include_str!("postgres/sql/client/reset.sql"),
    },
};

#[async_trait]
impl Engine for Postgres {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn texts(&self, server: &Server) -> &'static Texts {
        if server.is_pooled() { &POOLED } else { &DIALECT.sql }
    }

    async fn open(&self, target: &Target, access: Access) -> DbResult<Box<dyn Session>> {
        Ok(Box::new(super::opened(session::PgSession::open(target, access)).await?))
    }

    async fn snapshot(&self, session: &mut dyn Session) -> DbResult<Snapshot> {
        catalog::read(session).await
    }

    async fn snapshot_again(&self, session: &mut dyn Session, before: &Snapshot, touch: &Touch) -> DbResult<Snapshot> {
        catalog::read_again(session, before, touch).await
    }

    async fn try_lock(&self, session: &mut dyn Session, _: &Claim<'_>) -> DbResult<Tried> {
        let rows = session.batch(include_str!("postgres/sql/try_lock.sql")).await?;
        let taken = |row: Row| match <[Option<String>; 2]>::try_from(row) {
            Ok([Some(taken), backend]) if taken == "t" => Some(backend),
            _ => None,
        };
        let Some(backend) = rows.into_iter().find_map(taken) else {
            session.batch("ROLLBACK").await?;
            return Ok(Tried::Held(None));
        };
        if session.batch(include_str!("postgres/sql/lock_shown.sql")).await?.is_empty() {
            let mut error =
                DbError::new(DbErrorKind::Statement, "the server says that it gave the lock, and shows none");
            error.hint = Some("it speaks PostgreSQL's protocol, but its advisory locks keep nobody out".into());
            return Err(error);
        }
        Ok(Tried::Taken(backend))
    }

    async fn hold_work(&self, session: &mut dyn Session, _: &Claim<'_>, wait: Duration) -> DbResult<bool> {
        let limit = tokio::time::Instant::now() + wait;
        let mut pause_ms = LOCK_WAIT_MS.0;
        let asked = match session.server().is_pooled() {
            true => include_str!("postgres/sql/pooled/hold_work.sql"),
            false => include_str!("postgres/sql/hold_work.sql"),
        };
        loop {
            let rows = session.rows(asked, &[]).await?;
            let answer = rows.first().map(Vec::as_slice).unwrap_or_default();
            let text = |index: usize| answer.get(index).and_then(Option::as_deref).unwrap_or_default();
            let own = session.server().backend.as_deref();
            if own.is_some_and(|own| !own.starts_with(&format!("{}:", text(1)))) {
                let mut error =
                    DbError::new(DbErrorKind::Connection, "a pooler changed the server process of the session");
                error.hint = Some("connect to the server itself: a session's lock needs one process".into());
                return Err(error);
            }
            if text(0) == "t" {
                return Ok(true);
            }
            if tokio::time::Instant::now() >= limit {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 3 / 2).min(LOCK_WAIT_MS.1);
        }
    }

    async fn holders(&self, session: &mut dyn Session, _: &Names, _: Option<&str>) -> DbResult<Holders> {
        let mut holders = Holders::default();
        for row in session.rows(include_str!("postgres/sql/holders.sql"), &[]).await? {
            let mut parts = row.into_iter();
            let mut part = || parts.next().flatten();
            let lock = part();
            let held = part().map(|backend| LockSession { backend, who: part() });
            if lock.as_deref() == Some("1") { holders.run = held } else { holders.work = held }
        }
        Ok(holders)
    }

    async fn terminate(&self, session: &mut dyn Session, _: &Names, lock: Lock, backend: &str) -> DbResult<()> {
        let (pid, start) = backend.split_once(':').unwrap_or((backend, ""));
        let lock = if lock == Lock::Run { "1" } else { "2" };
        let binds = [Some(lock), Some(pid), Some(start)];
        session.rows(include_str!("postgres/sql/terminate.sql"), &binds).await.map(drop)
    }

    async fn prepare_bare(&self, session: &mut dyn Session, statement: &str) -> DbResult<Cleared> {
        let (told, instead) = match detach::rest(session, statement).await? {
            Some((rest, told)) => (vec![told], Some(rest)),
            None => (index::clear(session, statement).await?, None),
        };
        Ok(Cleared { told, instead })
    }

    async fn check_bare(&self, session: &mut dyn Session, statement: &str) -> DbResult<()> {
        index::check(session, statement).await
    }

    async fn blockers(&self, session: &mut dyn Session) -> DbResult<Vec<String>> {
        let rows = session.rows(include_str!("postgres/sql/blockers.sql"), &[]).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    async fn sizes(&self, session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Vec<TableSize>> {
        price::sizes(session, names).await
    }

    async fn running(&self, session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Running> {
        price::running(session, names).await
    }

    async fn relations(&self, session: &mut dyn Session) -> DbResult<Option<Vec<Relation>>> {
        price::relations(session).await.map(Some)
    }

    fn ways(&self, _: &Server, script: &Script, statement: &Statement) -> Vec<Way> {
        price::ways(script, statement)
    }

    async fn identity(&self, session: &mut dyn Session) -> DbResult<String> {
        let rows = match session.rows(include_str!("postgres/sql/system.sql"), &[]).await {
            Err(error) if error.kind == DbErrorKind::Privilege => {
                session.rows(include_str!("postgres/sql/system_plain.sql"), &[]).await?
            }
            other => other?,
        };
        let identity = rows.into_iter().flatten().next().flatten();
        identity.ok_or_else(|| DbError::new(DbErrorKind::Statement, "the server does not say which database this is"))
    }

    fn only(&self, groups: &BTreeSet<String>) -> Vec<Only> {
        let oids: Vec<&str> = groups.iter().map(String::as_str).collect();
        let before = include_str!("postgres/sql/groups.sql").replace("{oids}", &oids.join(" "));
        let test = "= ANY (pg_catalog.string_to_array(pg_catalog.current_setting('switchback.groups'), ' ')::pg_catalog.oid[])";
        vec![Only { before, after: include_str!("postgres/sql/groups_end.sql"), test: test.to_owned() }]
    }

    fn fingerprint(&self, table: &Table) -> String {
        fingerprint::query(table)
    }

    async fn create_shadow(&self, level: &Level) -> Result<Site> {
        match level {
            Level::Server(target) => shadow::create(target, shadow::Rights::None).await,
            #[cfg(unix)]
            Level::Local { .. } => server::create().await,
            #[cfg(not(unix))]
            Level::Local { .. } => Err(crate::fault::Fault::refused("a throw-away server needs Unix sockets")),
        }
    }

    async fn drop_shadow(&self, level: &Level, site: &Site) -> Result<()> {
        match level {
            Level::Server(target) => shadow::drop(target, &site.name).await,
            #[cfg(unix)]
            Level::Local { .. } => server::drop(&site.name).await,
            #[cfg(not(unix))]
            Level::Local { .. } => Ok(()),
        }
    }

    async fn sweep_shadows(&self, level: &Level) -> Result<Vec<String>> {
        match level {
            Level::Server(target) => shadow::sweep(target).await,
            #[cfg(unix)]
            Level::Local { .. } => server::sweep().await,
            #[cfg(not(unix))]
            Level::Local { .. } => Ok(Vec::new()),
        }
    }
}
