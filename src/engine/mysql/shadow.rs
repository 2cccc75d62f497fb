//! Shadows on the target's own server: a database of its own, and an account that has rights on that database only.
//!
//! The name holds a nonce, and a marker table inside says who made it and when: what does not have both is not ours and is
//! never dropped.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::super::{Access, DbError, DbErrorKind, Session, Site};
use super::{cluster, session};
use crate::fault::{Fault, FaultKind, Result};
use crate::sql::Flavor;
use crate::target::{Secret, Target};

const DATABASE_PREFIX: &str = "switchback_shadow_";
const USER_PREFIX: &str = "switchback_s_";

/// A shadow lives for minutes. One from another machine that is this old has nobody left to drop it.
const OLD_HOURS: i64 = 24;

/// What a shadow's account may do beyond its own database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing: the server is the target's.
    Database,
    /// Events and definers: the server is ours and nothing else is on it.
    Server,
}

/// Makes a shadow on the server of `target`, with the character set of its database.
///
/// # Errors
/// When the server cannot be reached, or the account lacks a right: the fault names the GRANT.
pub async fn create(target: &Target) -> Result<Site> {
    create_with(target, Reach::Database, &[]).await
}

/// As [`create`], on a server that may be our own; with another character set and collation than its database has, where they are said.
pub async fn create_with(admin: &Target, reach: Reach, with: &[String]) -> Result<Site> {
    let mut session =
        session::open(admin, Access::ReadWrite).await.map_err(|error| told("cannot make a shadow", &error))?;
    if cluster::is_node(session.server()) {
        close(session).await;
        return Err(on_a_cluster());
    }
    let names = Shadow::new(&nonce());
    let made = make(&mut session, &names, reach, with).await;
    let made = match made {
        Ok(password) => prove(names.target(admin, password)).await,
        Err(error) => Err(error),
    };
    let result = match made {
        Ok(target) => Ok(Site { target, name: names.database.clone() }),
        Err(error) => {
            let fault = refused(&error, &session.server().user.clone());
            Err(match names.unmake(&mut session).await {
                Ok(()) => fault,
                Err(error) => fault.cause(format!("and `{}` is left behind: {error}", names.database)),
            })
        }
    };
    close(session).await;
    result
}

/// A view on the tables of rights waits for its turn in the order of all nodes with these tables in its hand, and a DROP USER whose
/// turn comes first waits for them: seen on MariaDB 10.11, and then no node writes any more.
fn on_a_cluster() -> Fault {
    let fault = Fault::refused("no shadow is made on a node of a Galera cluster");
    let fault = fault.cause("its DDL would go to all nodes, and can bring the whole cluster to a standstill");
    fault.help("use `--shadow local`, or name a server that is no node: `--shadow URL`")
}

/// Drops a shadow that we made, with its account; no error when it is gone already.
pub async fn drop(admin: &Target, name: &str) -> Result<()> {
    let what = format!("cannot drop the shadow `{name}`");
    let shadow = Shadow::named(name).ok_or_else(|| Fault::refused(what.clone()).cause("its name is none of ours"))?;
    let mut session = session::open(admin, Access::ReadWrite).await.map_err(|error| told(&what, &error))?;
    let dropped = match marker(&mut session, &shadow).await {
        Ok(Marker::Ours { .. } | Marker::NoDatabase) => {
            shadow.unmake(&mut session).await.map_err(|error| told(&what, &error))
        }
        Ok(Marker::NotOurs) => {
            Err(Fault::refused(what).cause("it has no marker of ours").help("drop it by hand if it is a leftover"))
        }
        Err(error) => Err(told(&what, &error)),
    };
    close(session).await;
    dropped
}

/// Drops the shadows whose makers are gone; gives their names. What cannot be dropped now, such as what another runner is
/// dropping at this moment, is left to another time.
pub async fn sweep(admin: &Target) -> Result<Vec<String>> {
    let what = "cannot sweep shadows";
    let mut session = session::open(admin, Access::ReadWrite).await.map_err(|error| told(what, &error))?;
    let swept = sweep_with(&mut session).await.map_err(|error| told(what, &error));
    close(session).await;
    swept
}

async fn sweep_with(session: &mut dyn Session) -> std::result::Result<Vec<String>, DbError> {
    let rows = session.batch(include_str!("shadow_list.sql")).await?;
    let mut dropped = Vec::new();
    for name in rows.into_iter().flatten().flatten() {
        let Some(shadow) = Shadow::named(&name) else { continue };
        if let Ok(Marker::Ours { abandoned: true }) = marker(session, &shadow).await
            && shadow.unmake(session).await.is_ok()
        {
            dropped.push(name);
        }
    }
    Ok(dropped)
}

/// What a shadow's marker says.
enum Marker {
    /// `abandoned`: nobody is connected and whoever made it is gone.
    Ours {
        abandoned: bool,
    },
    NotOurs,
    NoDatabase,
}

async fn marker(session: &mut dyn Session, shadow: &Shadow) -> std::result::Result<Marker, DbError> {
    let text = shadow.fill(include_str!("shadow_marker.sql"));
    let rows = match session.rows(&text, &[Some(&shadow.database)]).await {
        Ok(rows) => rows,
        Err(error) if error.kind == DbErrorKind::NoDatabase => return Ok(Marker::NoDatabase),
        Err(error) if error.kind == DbErrorKind::Missing => {
            let there = session.batch(include_str!("shadow_list.sql")).await?;
            let there = there.iter().flatten().flatten().any(|name| *name == shadow.database);
            return Ok(if there { Marker::NotOurs } else { Marker::NoDatabase });
        }
        Err(error) => return Err(error),
    };
    let [row] = rows.as_slice() else { return Ok(Marker::NotOurs) };
    let [Some(nonce), Some(host), Some(pid), Some(hours), Some(sessions)] = row.as_slice() else {
        return Ok(Marker::NotOurs);
    };
    if *nonce != shadow.nonce {
        return Ok(Marker::NotOurs);
    }
    let old = hours.parse::<i64>().is_ok_and(|hours| hours >= OLD_HOURS);
    let gone = *host == here() && !super::server::is_running(pid);
    Ok(Marker::Ours { abandoned: sessions == "0" && (gone || old) })
}

/// The names of one shadow.
struct Shadow {
    nonce: String,
    database: String,
    user: String,
}

impl Shadow {
    fn new(nonce: &str) -> Self {
        Shadow {
            nonce: nonce.to_owned(),
            database: format!("{DATABASE_PREFIX}{nonce}"),
            user: format!("{USER_PREFIX}{nonce}"),
        }
    }

    /// The shadow with this database, if the name is one of ours.
    fn named(database: &str) -> Option<Self> {
        let nonce = database.strip_prefix(DATABASE_PREFIX)?;
        (nonce.len() == 16 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Shadow::new(nonce))
    }

    /// In a GRANT an underscore fits any character: there it is escaped.
    fn fill(&self, text: &str) -> String {
        text.replace("{database}", &Flavor::Mysql.ident(&self.database))
            .replace("{pattern}", &Flavor::Mysql.ident(&self.database.replace('_', "\\_")))
            .replace("{user}", &Flavor::Mysql.ident(&self.user))
    }

    fn target(&self, admin: &Target, password: Secret) -> Target {
        Target {
            user: Some(self.user.clone()),
            password: Some(password),
            database: self.database.clone(),
            ledger_schema: None,
            ..admin.clone()
        }
    }

    async fn unmake(&self, session: &mut dyn Session) -> std::result::Result<(), DbError> {
        let name = Flavor::Mysql.literal(&self.database);
        match session.batch(&include_str!("shadow_revoke.sql").replace("{name}", &name)).await {
            Ok(rows) => {
                let revokes: String = rows.into_iter().flatten().flatten().collect();
                if !revokes.is_empty() {
                    session.batch(&revokes).await?;
                }
            }
            // Then its account could not grant anything either.
            Err(error) if error.kind == DbErrorKind::Privilege => {}
            Err(error) => return Err(error),
        }
        session.batch(&self.fill(include_str!("shadow_drop.sql"))).await?;
        session.batch(&self.fill(include_str!("shadow_drop_user.sql"))).await?;
        Ok(())
    }
}

/// Character set and collation of the session's database.
pub async fn made_with(session: &mut dyn Session) -> std::result::Result<Vec<String>, DbError> {
    Ok(session.batch(include_str!("shadow_facts.sql")).await?.into_iter().flatten().flatten().collect())
}

async fn make(
    session: &mut dyn Session,
    shadow: &Shadow,
    reach: Reach,
    with: &[String],
) -> std::result::Result<Secret, DbError> {
    let own = if with.is_empty() { made_with(session).await? } else { with.to_vec() };
    let [charset, collation] = own.as_slice() else {
        return Err(DbError::new(DbErrorKind::Statement, "the server does not tell its character set"));
    };
    let text = shadow.fill(include_str!("shadow_database.sql"));
    let text = text.replace("{charset}", charset).replace("{collation}", collation);
    let pid = std::process::id().to_string();
    session.rows(&text, &[Some(&shadow.nonce), Some(&here()), Some(&pid)]).await?;
    // Long, and of all the kinds of characters that a server's password policy may ask for.
    let password = Secret::new(["Sb-1", &nonce(), &nonce()].concat());
    let text = shadow.fill(include_str!("shadow_user.sql"));
    session.batch(&text.replace("{password}", &Flavor::Mysql.literal(password.reveal()))).await?;
    session.batch(&shadow.fill(include_str!("shadow_grant.sql"))).await?;
    let grants = include_str!("grants.sql").replace("{database}", &Flavor::Mysql.literal(&shadow.database));
    let text =
        shadow.fill(include_str!("shadow_grants.sql")).replace("{grants}", grants.trim_end().trim_end_matches(';'));
    match session.batch(&text).await {
        // No GRANT is tried where nobody could see what it does.
        Err(error) if error.kind != DbErrorKind::Privilege => return Err(error),
        _ => {}
    }
    if reach == Reach::Server {
        session.batch(&shadow.fill(include_str!("shadow_local_grant.sql"))).await?;
    }
    Ok(password)
}

/// Believes in the shadow once its own account is in.
async fn prove(target: Target) -> std::result::Result<Target, DbError> {
    let session = session::open(&target, Access::Shadow).await?;
    close(session).await;
    Ok(target)
}

async fn close(session: session::MysqlSession) {
    let session: Box<dyn Session> = Box::new(session);
    session.close().await;
}

/// Why no shadow could be made, with the GRANT that is missing.
fn refused(error: &DbError, user: &str) -> Fault {
    let fault = told("cannot make a shadow on this server", error);
    if !matches!(error.kind, DbErrorKind::Privilege | DbErrorKind::Authentication) {
        return fault;
    }
    let (name, host) = user.rsplit_once('@').unwrap_or((user, "%"));
    let account = format!("{}@{}", Flavor::Mysql.literal(name), Flavor::Mysql.literal(host));
    fault.help(format!(
        "an administrator may run: GRANT CREATE USER ON *.* TO {account}; GRANT ALL PRIVILEGES ON `switchback\\_shadow\\_%`.* TO \
         {account} WITH GRANT OPTION; or use `--shadow local`, or `--shadow URL` of an empty database"
    ))
}

/// A refusal of the server as a fault.
pub fn told(what: &str, error: &DbError) -> Fault {
    let kind = match error.kind {
        DbErrorKind::Connection | DbErrorKind::NotReady | DbErrorKind::Authentication => FaultKind::Unreachable,
        _ => FaultKind::Refused,
    };
    error.lines().into_iter().fold(Fault::new(kind, what), Fault::cause)
}

/// This machine, and the space in which its process ids mean something: two containers may have one name.
fn here() -> String {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    match std::fs::read_link("/proc/self/ns/pid") {
        Ok(space) => format!("{name}/{}", space.to_string_lossy()),
        Err(_) => name,
    }
}

/// Sixteen hex digits that nobody can guess: the standard library's hasher is keyed by the operating system's randomness.
pub fn nonce() -> String {
    format!("{:016x}", RandomState::new().hash_one("nonce"))
}
