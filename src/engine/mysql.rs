//! MySQL and MariaDB.
//!
//! One member for both, since they speak one protocol; where they differ, the texts say so in the servers' own executable
//! comments. DDL commits by itself here, so a step is journalled statement by statement (`transactional: false`), and
//! everything goes over the text protocol, whose values are text already.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;

use super::{
    Access, Claim, ClientTexts, DbError, DbErrorKind, DbResult, Dialect, Engine, Holders, Level, LimitsHold, Lock,
    LockSession, Names, Only, Row, Server, Session, Site, Texts, Tried,
};
use crate::draft::Definition;
use crate::fault::Result;
use crate::price::{Running, TableSize, Way};
use crate::rows::Table;
use crate::sha::{Sha, hex};
use crate::snapshot::Snapshot;
use crate::sql::{Flavor, Script, Statement};
use crate::target::Target;
use crate::touch::Touch;

mod bind;
mod cluster;
mod create;
mod cut;
mod definitions;
mod error;
mod fingerprint;
mod price;
mod server;
mod session;
mod shadow;
mod snapshot;
mod tables;

/// The longest name of a lock that both servers take, less what we put around it.
const LOCK_NAME_BYTES: usize = 54;

/// Our own SQL.
const PLAIN: Texts = Texts {
    reset: include_str!("mysql/reset.sql"),
    reset_plain: include_str!("mysql/reset.sql"),
    begin: include_str!("mysql/begin.sql"),
    limits: include_str!("mysql/limits.sql"),
    mark: "",
    fire_deferred: "",
    fence: include_str!("mysql/fence.sql"),
    behind: "",
    settle: include_str!("mysql/settle.sql"),
    unsettle: include_str!("mysql/unsettle.sql"),
    constraints: "",
    ledger_exists: include_str!("mysql/ledger_exists.sql"),
    ledger_create: concat!(include_str!("mysql/lease_create.sql"), include_str!("mysql/ledger_create.sql")),
    ledger_guard: &[include_str!("mysql/ledger_guard_update.sql"), include_str!("mysql/ledger_guard_delete.sql")],
    ledger_head: include_str!("mysql/ledger_head.sql"),
    ledger_state: include_str!("mysql/ledger_state.sql"),
    ledger_rows: include_str!("mysql/ledger_rows.sql"),
    ledger_strays: include_str!("mysql/ledger_strays.sql"),
    ledger_append: include_str!("mysql/ledger_append.sql"),
    script_put: include_str!("mysql/script_put.sql"),
    script_get: include_str!("mysql/script_get.sql"),
    journal_intent: include_str!("mysql/journal_intent.sql"),
    journal_done: include_str!("mysql/journal_done.sql"),
    journal_rows: include_str!("mysql/journal_rows.sql"),
    lease_take: include_str!("mysql/lease_take.sql"),
    lease_release: include_str!("mysql/lease_release.sql"),
    lease_read: include_str!("mysql/lease_read.sql"),
    read_only_set: include_str!("mysql/read_only_set.sql"),
    histories: include_str!("mysql/histories.sql"),
    columns: include_str!("mysql/columns.sql"),
    foreign_keys: include_str!("mysql/foreign_keys.sql"),
    look: include_str!("mysql/look.sql"),
    pour: include_str!("mysql/pour.sql"),
    poured_inside: "",
    poured: include_str!("mysql/poured.sql"),
};

static DIALECT: Dialect = Dialect {
    name: "mysql",
    schemes: &["mysql", "mariadb"],
    flavor: Flavor::Mysql,
    transactional: false,
    schema: None,
    locks: true,
    limits_hold: LimitsHold::Session,
    plain_sessions: false,
    resets: false,
    creates_database: false,
    sql: PLAIN,
    client: ClientTexts {
        call: "mysql --comments DATABASE < FILE` or `mariadb --comments DATABASE < FILE",
        head: include_str!("mysql/client/head.sql"),
        guard: include_str!("mysql/client/guard.sql"),
        settle: include_str!("mysql/settle.sql"),
        reset: include_str!("mysql/reset.sql"),
    },
};

/// The member of the family for MySQL and MariaDB.
pub struct Mysql;

#[async_trait]
impl Engine for Mysql {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    async fn open(&self, target: &Target, access: Access) -> DbResult<Box<dyn Session>> {
        Ok(Box::new(super::opened(session::open(target, access)).await?))
    }

    async fn snapshot(&self, session: &mut dyn Session) -> DbResult<Snapshot> {
        snapshot::read(session).await
    }

    async fn definitions(&self, session: &mut dyn Session) -> DbResult<Vec<Definition>> {
        definitions::read(session).await
    }

    async fn snapshot_again(&self, session: &mut dyn Session, before: &Snapshot, touch: &Touch) -> DbResult<Snapshot> {
        snapshot::read_again(session, before, touch).await
    }

    fn texts(&self, server: &Server) -> &'static Texts {
        if cluster::is_node(server) { &cluster::TEXTS } else { &DIALECT.sql }
    }

    fn leases(&self, server: &Server) -> bool {
        cluster::is_node(server)
    }

    async fn try_lock(&self, session: &mut dyn Session, claim: &Claim<'_>) -> DbResult<Tried> {
        if cluster::is_node(session.server()) {
            return cluster::try_lock(session, claim).await;
        }
        let name = lock_name(session, "");
        let rows = session.rows(include_str!("mysql/lock.sql"), &[Some(&name)]).await?;
        Ok(if got(rows) { Tried::Taken(session.server().backend.clone()) } else { Tried::Held(None) })
    }

    async fn beat(&self, session: &mut dyn Session, claim: &Claim<'_>) -> DbResult<bool> {
        if cluster::is_node(session.server()) {
            return cluster::beat(session, claim).await;
        }
        session.batch("SELECT 1").await.map(|_| true)
    }

    async fn seize(&self, session: &mut dyn Session, claim: &Claim<'_>) -> DbResult<()> {
        if cluster::is_node(session.server()) { cluster::seize(session, claim).await } else { Ok(()) }
    }

    async fn free(&self, session: &mut dyn Session, claim: &Claim<'_>) -> DbResult<()> {
        if cluster::is_node(session.server()) { cluster::free(session, claim).await } else { Ok(()) }
    }

    async fn hold_work(&self, session: &mut dyn Session, claim: &Claim<'_>, wait: Duration) -> DbResult<bool> {
        if cluster::is_node(session.server()) {
            return cluster::hold_work(session, claim, wait).await;
        }
        let name = lock_name(session, ":w");
        let seconds = wait.as_millis().div_ceil(1000).to_string();
        let rows = session.rows(include_str!("mysql/lock_work.sql"), &[Some(&name), Some(&seconds)]).await?;
        Ok(got(rows))
    }

    async fn holders(&self, session: &mut dyn Session, names: &Names, _: Option<&str>) -> DbResult<Holders> {
        if cluster::is_node(session.server()) {
            return cluster::holders(session, names).await;
        }
        let names = [lock_name(session, ""), lock_name(session, ":w")];
        let binds = names.each_ref().map(|name| Some(name.as_str()));
        let mut holders = Holders::default();
        for row in session.rows(include_str!("mysql/holders.sql"), &binds).await? {
            let mut parts = row.into_iter();
            let mut part = || parts.next().flatten();
            let lock = part();
            let held = part().map(|backend| LockSession { backend, who: part() });
            if lock.as_deref() == Some("run") { holders.run = held } else { holders.work = held }
        }
        Ok(holders)
    }

    async fn terminate(&self, session: &mut dyn Session, names: &Names, lock: Lock, backend: &str) -> DbResult<()> {
        if cluster::is_node(session.server()) {
            return cluster::terminate(session, names, lock, backend).await;
        }
        let held = self.holders(session, names, None).await?;
        let holder = if lock == Lock::Run { held.run } else { held.work };
        match holder {
            Some(holder) if holder.backend == backend => kill(session, backend).await,
            _ => Ok(()),
        }
    }

    async fn blockers(&self, session: &mut dyn Session) -> DbResult<Vec<String>> {
        let lines = |rows: Vec<Row>| rows.into_iter().flatten().flatten().collect::<Vec<_>>();
        // Either may be switched off or be forbidden to this account; what can be seen is enough.
        match session.batch(include_str!("mysql/blockers_metadata.sql")).await.map(lines) {
            Ok(found) if !found.is_empty() => Ok(found),
            _ => session.batch(include_str!("mysql/blockers.sql")).await.map(lines),
        }
    }

    async fn sizes(&self, session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Vec<TableSize>> {
        price::sizes(session, names).await
    }

    async fn running(&self, session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Running> {
        price::running(session, names).await
    }

    fn ways(&self, server: &Server, script: &Script, statement: &Statement) -> Vec<Way> {
        price::ways(server, script, statement)
    }

    fn is_no_way(&self, error: &DbError) -> bool {
        price::is_no_way(error)
    }

    async fn identity(&self, session: &mut dyn Session) -> DbResult<String> {
        identity(session.batch(include_str!("mysql/identity.sql")).await?)
    }

    async fn made_with(&self, session: &mut dyn Session) -> DbResult<Vec<String>> {
        shadow::made_with(session).await
    }

    /// A message for each: the server looks tables up by one name, and goes through all of them for more.
    fn tables(&self, server: &Server, schema: &Snapshot, groups: &BTreeSet<String>) -> Option<Vec<Table>> {
        (server.engine == "mariadb").then(|| tables::of(schema, groups))
    }

    fn only(&self, groups: &BTreeSet<String>) -> Vec<Only> {
        let one = |name: &String| Only { test: format!("= {}", Flavor::Mysql.literal(name)), ..Only::default() };
        groups.iter().map(one).collect()
    }

    fn fingerprint(&self, table: &Table) -> String {
        fingerprint::fingerprint(table)
    }

    async fn create_shadow(&self, level: &Level) -> Result<Site> {
        match level {
            Level::Server(target) => shadow::create(target).await,
            Level::Local { engine, with } => server::create_shadow(engine, with).await,
        }
    }

    async fn drop_shadow(&self, level: &Level, site: &Site) -> Result<()> {
        match level {
            Level::Server(target) => shadow::drop(target, &site.name).await,
            Level::Local { .. } => server::drop_shadow(&site.name).await,
        }
    }

    async fn sweep_shadows(&self, level: &Level) -> Result<Vec<String>> {
        match level {
            Level::Server(target) => shadow::sweep(target).await,
            Level::Local { .. } => server::sweep(),
        }
    }
}

/// GET_LOCK says 1, 0 or NULL (out of memory, a wait that it does not take, killed); only 1 is a lock.
fn got(rows: Vec<Row>) -> bool {
    rows.into_iter().flatten().next().flatten().as_deref() == Some("1")
}

/// Locks are one namespace for the whole server and may or may not heed case: so the database is in the name, in hex.
fn lock_name(session: &dyn Session, suffix: &str) -> String {
    let database = &session.server().database;
    let plain = hex(database.as_bytes());
    let name =
        if plain.len() <= LOCK_NAME_BYTES { plain } else { Sha::of(database.as_bytes()).as_str()[..32].to_owned() };
    format!("sb:{name}{suffix}")
}

/// Ends a session.
async fn kill(session: &mut dyn Session, number: &str) -> DbResult<()> {
    // A connection id is never given twice, so it can only be gone meanwhile.
    match session.rows(include_str!("mysql/terminate.sql"), &[Some(number)]).await {
        Err(error) if error.code == "1094" => Ok(()),
        other => other.map(drop),
    }
}

/// MySQL has a server id of its own. MariaDB's is made from the network card and the port, so what tells two servers on one
/// machine apart goes with it.
fn identity(rows: Vec<Row>) -> DbResult<String> {
    let mut facts = Vec::new();
    for row in &rows {
        if let [Some(name), Some(value)] = row.as_slice() {
            facts.push(format!("{name}={value}"));
        }
    }
    facts.sort();
    // All nodes of a cluster have one database.
    let is_uuid = |start: &str| facts.iter().find(|fact| fact.starts_with(start) && !fact.ends_with('='));
    match is_uuid("wsrep_cluster_state_uuid=").or_else(|| is_uuid("server_uuid=")) {
        Some(uuid) => {
            let database = facts.iter().filter(|fact| fact.starts_with("database="));
            Ok(std::iter::once(uuid).chain(database).cloned().collect::<Vec<_>>().join(" "))
        }
        None if facts.len() > 1 => Ok(facts.join(" ")),
        None => Err(DbError::new(DbErrorKind::Statement, "the server does not say who it is")),
    }
}
