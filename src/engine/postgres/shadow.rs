//! Shadows on a server (S1): a database and a throw-away role that owns it and nothing else.
//!
//! A script in a shadow runs as that role, so it reaches neither the application's database nor an administrator's rights.
//! Role and database carry a marker that says who made them; nothing without the marker is ever dropped.

use super::session::{PgSession, behind_a_pooler};
use crate::engine::{Access, DbError, DbErrorKind, DbResult, Row, Session, Site};
use crate::fault::{Fault, FaultKind, Result};
use crate::sql::Flavor;
use crate::target::{Secret, Target};

/// How names of shadows begin; `sql/shadow_list.sql` has it, too.
pub const PREFIX: &str = "switchback_shadow_";
const MARKER: &str = "switchback shadow ";
/// After this a shadow is nobody's any more, wherever it came from.
const MAX_AGE_S: i64 = 24 * 60 * 60;

/// What the throw-away role may do beside owning its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Nothing: the server is somebody's.
    None,
    /// Roles and databases: the server is thrown away with it.
    WholeServer,
}

impl Rights {
    fn words(self) -> &'static str {
        match self {
            Rights::None => "NOCREATEDB NOCREATEROLE",
            Rights::WholeServer => "CREATEDB CREATEROLE",
        }
    }
}

/// Makes a role and a database on the server that `admin` names.
pub async fn create(admin: &Target, rights: Rights) -> Result<Site> {
    let mut session = PgSession::open(admin, Access::ReadWrite)
        .await
        .map_err(|error| fault("the server for the shadow cannot be reached", &error))?;
    let made = match session.server().is_pooled() {
        true => Err(fault("no shadow can be made there", &behind_a_pooler())),
        false => make(&mut session, admin, rights).await,
    };
    Box::new(session).close().await;
    made
}

async fn make(session: &mut PgSession, admin: &Target, rights: Rights) -> Result<Site> {
    let rows = session.rows(include_str!("sql/shadow_facts.sql"), &[]).await;
    let rows = rows.map_err(|error| fault("the shadow's server does not answer", &error))?;
    let facts = Facts(rows.into_iter().next().unwrap_or_default());
    facts.check_rights()?;
    let name = format!("{PREFIX}{}", facts.text(10));
    let password = facts.text(11);
    let fill = Fill { name: &name, password: &password, facts: &facts, rights };
    if let Err(error) = build(session, &fill).await {
        let failed = fault(&format!("the shadow {name} cannot be made"), &error);
        return Err(match remove(session, &name).await {
            Ok(()) => failed,
            Err(left) => failed.cause(left.to_string()),
        });
    }
    let site = Site { target: target_of(admin, &name, &password), name };
    match PgSession::open(&site.target, Access::Shadow).await {
        Ok(tried) => {
            Box::new(tried).close().await;
            Ok(site)
        }
        Err(error) => {
            let failed = fault("the server does not let the shadow's throw-away role in", &error).help(
                "let roles named `switchback_shadow_…` in by pg_hba.conf, or use `--shadow local` or `shadow = URL`",
            );
            Err(match remove(session, &site.name).await {
                Ok(()) => failed,
                Err(left) => failed.cause(left.to_string()),
            })
        }
    }
}

async fn build(session: &mut PgSession, fill: &Fill<'_>) -> DbResult<()> {
    session.batch(&fill.text(include_str!("sql/shadow_role.sql"))).await?;
    if fill.facts.text(2) != "t" {
        session.run(&fill.text(include_str!("sql/shadow_member.sql"))).await?;
    }
    session.run(&fill.text(include_str!("sql/shadow_database.sql"))).await?;
    session.run(&fill.text(include_str!("sql/shadow_comment.sql"))).await?;
    Ok(())
}

/// Drops a shadow by name.
///
/// # Errors
/// When it does not carry our marker, or the server refuses.
pub async fn drop(admin: &Target, name: &str) -> Result<()> {
    let mut session = PgSession::open(admin, Access::ReadWrite)
        .await
        .map_err(|error| fault(&format!("the shadow {name} cannot be dropped"), &error))?;
    let dropped = remove(&mut session, name).await;
    Box::new(session).close().await;
    dropped
}

/// Drops what dead runners left behind on the server; gives the names of what is gone. What cannot be dropped now, such as what
/// another runner is dropping at this moment, is left to another time.
pub async fn sweep(admin: &Target) -> Result<Vec<String>> {
    let mut session = PgSession::open(admin, Access::ReadWrite)
        .await
        .map_err(|error| fault("the server cannot be swept of shadows", &error))?;
    let found = list(&mut session).await.map_err(|error| fault("the shadows of the server cannot be listed", &error));
    let mut names = Vec::new();
    for shadow in found.iter().flatten().filter(|shadow| shadow.is_left_behind()) {
        if remove(&mut session, &shadow.name).await.is_ok() {
            names.push(shadow.name.clone());
        }
    }
    Box::new(session).close().await;
    found.map(|_| names)
}

/// Drops one, after a look at its marker. Nothing there is no error.
async fn remove(session: &mut PgSession, name: &str) -> Result<()> {
    let what = format!("the shadow {name} cannot be dropped");
    let found = list(session).await.map_err(|error| fault(&what, &error))?;
    let Some(shadow) = found.into_iter().find(|shadow| shadow.name == name) else { return Ok(()) };
    if shadow.owner.is_none() {
        return Err(Fault::refused(what).cause("it does not carry the marker of a shadow"));
    }
    let fill = |text: &str| text.replace("{name}", &Flavor::Postgres.ident(name));
    let attempt = async {
        session.run(&fill(include_str!("sql/shadow_drop_database.sql"))).await?;
        let role = fill(include_str!("sql/shadow_drop_role.sql"));
        match session.run(&role).await {
            // It was given rights on something that all databases share.
            Err(error) if error.code == "2BP01" => {
                session.run(&fill(include_str!("sql/shadow_drop_owned.sql"))).await?;
                session.run(&role).await
            }
            other => other,
        }
    };
    attempt.await.map(|_| ()).map_err(|error| fault(&what, &error))
}

async fn list(session: &mut PgSession) -> DbResult<Vec<Found>> {
    let rows = session.rows(include_str!("sql/shadow_list.sql"), &[]).await?;
    Ok(rows.into_iter().map(Found::new).collect())
}

/// A shadow on the server.
struct Found {
    name: String,
    owner: Option<Owner>,
    connected: bool,
    now: i64,
}

/// Who made it, as the marker says.
struct Owner {
    host: String,
    pid: u32,
    since: i64,
}

impl Found {
    fn new(row: Row) -> Self {
        let text = |index: usize| row.get(index).and_then(Option::as_deref).unwrap_or_default();
        Found {
            name: text(0).to_owned(),
            owner: Owner::read(text(1)),
            connected: text(2) != "0",
            now: text(3).parse().unwrap_or(0),
        }
    }

    fn is_left_behind(&self) -> bool {
        let Some(owner) = &self.owner else { return false };
        let dead = owner.host == host() && !is_process(owner.pid);
        !self.connected && (dead || self.now - owner.since > MAX_AGE_S)
    }
}

impl Owner {
    fn read(marker: &str) -> Option<Self> {
        let mut words = marker.strip_prefix(MARKER)?.split(' ');
        let (host, pid, since) = (words.next()?, words.next()?, words.next()?);
        Some(Owner { host: host.to_owned(), pid: pid.parse().ok()?, since: since.parse().ok()? })
    }
}

/// This host, and the space in which process ids mean something: containers share host names more often than that.
pub fn host() -> String {
    let name = gethostname::gethostname().to_string_lossy().replace(' ', "_");
    match std::fs::read_link("/proc/self/ns/pid") {
        Ok(space) => format!("{name}/{}", space.to_string_lossy()),
        Err(_) => name,
    }
}

/// Whether the process lives; where that cannot be seen, it does.
pub fn is_process(pid: u32) -> bool {
    let table = std::path::Path::new("/proc");
    !table.join("self").exists() || table.join(pid.to_string()).exists()
}

/// What the server said of itself and of us.
struct Facts(Row);

impl Facts {
    fn text(&self, index: usize) -> String {
        self.0.get(index).cloned().flatten().unwrap_or_default()
    }

    fn check_rights(&self) -> Result<()> {
        let what = "a shadow cannot be made on this server";
        if self.text(3) == "t" {
            return Err(Fault::refused(what).cause("the server is a standby, which takes no writes"));
        }
        let missing: Vec<&str> = [(0, "CREATEDB"), (1, "CREATEROLE")]
            .into_iter()
            .filter(|(index, _)| self.text(*index) != "t")
            .map(|(_, right)| right)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let role = self.text(4);
        let grant = format!("ALTER ROLE {} {};", Flavor::Postgres.ident(&role), missing.join(" "));
        Err(Fault::refused(what).cause(format!("the role {role} lacks {}", missing.join(" and "))).help(format!(
            "`{grant}` gives it; or use `--shadow local`, or `shadow = URL` for a server where it has it"
        )))
    }
}

/// Puts quoted words into our texts for statements that take no bound values.
struct Fill<'a> {
    name: &'a str,
    password: &'a str,
    facts: &'a Facts,
    rights: Rights,
}

impl Fill<'_> {
    fn text(&self, text: &str) -> String {
        let literal = |text: &str| Flavor::Postgres.literal(text);
        let facts = self.facts;
        let marker = format!("{MARKER}{} {} {}", host(), std::process::id(), facts.text(13));
        let provider = match facts.text(8).as_str() {
            "i" => format!("LOCALE_PROVIDER icu ICU_LOCALE {}", literal(&facts.text(9))),
            "b" => format!("LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", literal(&facts.text(9))),
            _ => String::new(),
        };
        let pairs = [
            ("{name}", Flavor::Postgres.ident(self.name)),
            ("{password}", literal(self.password)),
            ("{until}", literal(&facts.text(12))),
            ("{marker}", literal(&marker)),
            ("{rights}", self.rights.words().to_owned()),
            ("{encoding}", literal(&facts.text(5))),
            ("{collate}", literal(&facts.text(6))),
            ("{ctype}", literal(&facts.text(7))),
            ("{provider}", provider),
        ];
        pairs.iter().fold(text.to_owned(), |text, (mark, word)| text.replace(mark, word))
    }
}

/// The target's server, under the throw-away identity.
fn target_of(admin: &Target, name: &str, password: &str) -> Target {
    Target {
        user: Some(name.to_owned()),
        password: Some(Secret::new(password)),
        database: name.to_owned(),
        ..admin.clone()
    }
}

/// A database's error as a fault: not reached, or refused.
pub fn fault(what: &str, error: &DbError) -> Fault {
    let kind = match error.kind {
        DbErrorKind::Connection | DbErrorKind::NotReady | DbErrorKind::Authentication | DbErrorKind::NoDatabase => {
            FaultKind::Unreachable
        }
        _ => FaultKind::Refused,
    };
    error.lines().into_iter().fold(Fault::new(kind, what), Fault::cause)
}
