//! Shadows: throw-away databases, created, used and dropped by us alone (I8).
//!
//! A shadow is dropped when it is closed, and also when it is merely dropped: on an error, on a panic, on Ctrl-C. What a
//! killed process leaves behind carries our marker and is swept by the next one.

use std::time::Duration;

use crate::class;
use crate::config::Shadow as Wanted;
use crate::context::Interrupt;
use crate::database::Database;
use crate::engine::{Access, Engine, Level, Server, Session, Site};
use crate::fault::{Fault, Result};
use crate::sql::Script;
use crate::store;

/// Makes shadows for one target; holds the level that turned out to work.
pub struct Maker {
    engine: &'static dyn Engine,
    level: Level,
    fallback: Option<Level>,
    /// What proofs are bound to: the target's engine and version.
    server: (&'static str, String),
    /// Identities of the target and of whatever else is looked at; no shadow may have one of them.
    identities: Vec<String>,
    interrupt: Interrupt,
}

impl Maker {
    /// Decides where shadows go, and sweeps what dead runners left there.
    ///
    /// # Errors
    /// When the shadow's server is given as a URL and is the target's own database under whatever spelling.
    pub async fn new(wanted: &Wanted, database: &mut Database, interrupt: Interrupt) -> Result<Maker> {
        let engine = database.engine();
        let identity = database.identity().await?;
        let own = Level::Server(database.target().clone());
        let server = (database.server().engine, database.server().major.clone());
        let with = engine.made_with(database.session()).await;
        let with = with.map_err(|error| store::own("asking what the database is made with", &error))?;
        let local = Level::Local { engine: server.0, with };
        let (level, fallback) = match wanted {
            // Behind a pooler there is none to be had, and on a cluster its DDL would be every node's.
            Wanted::Auto if database.server().is_pooled() || engine.leases(database.server()) => (local, None),
            Wanted::Auto => (own, Some(local)),
            Wanted::Server => (own, None),
            Wanted::Local => (local, None),
            Wanted::Url(target) => {
                let mut other = Database::open(target, Duration::ZERO).await?;
                let same = other.identity().await? == identity;
                other.close().await;
                if same {
                    let fault = Fault::usage("the shadow's URL leads to the target database itself");
                    return Err(
                        fault.help("name another database, or leave it to `--shadow server` or `--shadow local`")
                    );
                }
                (Level::Server(target.clone()), None)
            }
        };
        Ok(Maker { engine, level, fallback, server, identities: vec![identity], interrupt })
    }

    /// No shadow is this database either.
    pub async fn keep_off(&mut self, other: &mut Database) -> Result<()> {
        self.identities.push(other.identity().await?);
        Ok(())
    }

    pub fn engine(&self) -> &'static dyn Engine {
        self.engine
    }

    /// Another one for the same target, for work that goes on beside this one's.
    pub fn again(&self) -> Maker {
        Maker {
            engine: self.engine,
            level: self.level.clone(),
            fallback: self.fallback.clone(),
            server: self.server.clone(),
            identities: self.identities.clone(),
            interrupt: self.interrupt.clone(),
        }
    }

    /// What stops the work in the shadows.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Prefers a server of our own where a script reaches beyond its database, as CREATE ROLE does: a throw-away role on
    /// somebody's server may not do that. No effect when the user has chosen a level, or a shadow was made already.
    pub fn look_at<'a>(&mut self, scripts: impl IntoIterator<Item = &'a Script>) {
        let reaches = scripts.into_iter().any(class::reaches_out);
        if let (true, Some(local @ Level::Local { .. }), Level::Server(_)) = (reaches, &self.fallback, &self.level) {
            let local = local.clone();
            self.fallback = Some(std::mem::replace(&mut self.level, local));
        }
    }

    /// Makes an empty shadow.
    pub async fn make(&mut self) -> Result<Shadow> {
        let site = match self.engine.create_shadow(&self.level).await {
            Ok(site) => site,
            Err(fault) => {
                let Some(fallback) = self.fallback.take() else { return Err(fault) };
                match self.engine.create_shadow(&fallback).await {
                    Ok(site) => {
                        self.level = fallback;
                        site
                    }
                    // The first reason is the one that the user can mend.
                    Err(second) => return Err(fault.cause(format!("and with a server of our own: {second}"))),
                }
            }
        };
        self.fallback = None;
        let shadow = Shadow { engine: self.engine, level: self.level.clone(), site: Some(site) };
        let mut session = shadow.open().await?;
        let identity = self.engine.identity(session.as_mut()).await;
        let found = session.server().clone();
        session.close().await;
        alike(&self.server, &found)?;
        let identity = identity.map_err(|error| store::own("asking who the shadow is", &error))?;
        if self.identities.contains(&identity) {
            return Err(Fault::bug("the shadow is a database that is only looked at"));
        }
        Ok(shadow)
    }

    /// Drops shadows that dead runners left behind; gives their names.
    pub async fn sweep(&self) -> Result<Vec<String>> {
        self.engine.sweep_shadows(&self.level).await
    }
}

/// A proof says that it was made on the target's version, so it must be.
fn alike((engine, major): &(&'static str, String), found: &Server) -> Result<()> {
    if (found.engine, &found.major) == (*engine, major) {
        return Ok(());
    }
    let what = format!("the shadow is on {} {}, and the database on {engine} {major}", found.engine, found.major);
    Err(Fault::refused(what)
        .cause("what is proven on one version need not hold on another")
        .help("use `--shadow server`, install that version here, or give a server of it as `--shadow URL`"))
}

/// One throw-away database.
#[must_use = "a shadow must be closed"]
pub struct Shadow {
    engine: &'static dyn Engine,
    level: Level,
    site: Option<Site>,
}

impl Shadow {
    /// A session in it, under the throw-away identity.
    pub async fn open(&self) -> Result<Box<dyn Session>> {
        let Some(site) = &self.site else { return Err(Fault::bug("the shadow is gone")) };
        let opened = store::open(self.engine, &site.target, Access::Shadow, Duration::ZERO).await;
        opened.map_err(|error| store::own("opening the shadow", &error))
    }

    /// Drops it.
    pub async fn close(mut self) -> Result<()> {
        match self.site.take() {
            Some(site) => self.engine.drop_shadow(&self.level, &site).await,
            None => Ok(()),
        }
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        let Some(site) = self.site.take() else { return };
        let (engine, level) = (self.engine, self.level.clone());
        // The runtime that we are in may be unwinding; a thread with one of its own can still talk to the server.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(engine.drop_shadow(&level, &site)).is_ok())
        });
        let _ = dropping.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_on_another_server_proves_nothing() {
        let found = |engine, version: &str, major: &str| Server {
            engine,
            version: version.to_owned(),
            major: major.to_owned(),
            user: String::new(),
            database: String::new(),
            backend: None,
        };
        let target = ("mysql", "9.7".to_owned());
        assert!(alike(&target, &found("mysql", "9.7.1", "9.7")).is_ok());
        for (engine, version, major) in [("mariadb", "10.11.19", "10.11"), ("mysql", "8.4.3", "8.4")] {
            let fault = alike(&target, &found(engine, version, major)).unwrap_err();
            assert!(
                fault.to_string().contains(&format!("on {engine} {major}, and the database on mysql 9.7")),
                "{fault}"
            );
        }
    }
}
