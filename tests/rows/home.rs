//! A shadow of one's own on each engine, dropped whatever happens.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use switchback::data::{Data, Loss, losses};
use switchback::engine::{Access, Engine, Level, Names, Session, Site, by_scheme};
use switchback::fill::{Filled, Report, fill, read_data, read_tables};
use switchback::inserts::Mildness;
use switchback::rows::Table;
use switchback::target::{Secret, Target};
use tempfile::TempDir;

/// A session in a shadow, and what is known about its rows.
pub struct Home {
    pub engine: &'static dyn Engine,
    pub session: Box<dyn Session>,
    pub names: Names,
    pub filled: Filled,
}

/// Runs a test in a shadow of the engine with this scheme.
pub async fn home(scheme: &str, test: impl AsyncFnOnce(&mut Home)) {
    home_at(scheme, async |home, _| test(home).await).await;
}

/// The same, told where the shadow is.
pub async fn home_at(scheme: &str, test: impl AsyncFnOnce(&mut Home, &Site)) {
    let engine = by_scheme(scheme).unwrap();
    let level = Level::Server(server(scheme));
    let site = engine.create_shadow(&level).await.unwrap();
    let session = engine.open(&site.target, Access::Shadow).await.unwrap();
    let dialect = engine.dialect();
    let names = Names::new(dialect.flavor, dialect.schema);
    let mut home = Home { engine, session, names, filled: Filled::new(Mildness::Bold) };
    let outcome = AssertUnwindSafe(test(&mut home, &site)).catch_unwind().await;
    home.session.close().await;
    engine.drop_shadow(&level, &site).await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

fn server(scheme: &str) -> Target {
    let (variable, default) = match scheme {
        "postgres" => ("SWITCHBACK_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres"),
        "mysql" => ("SWITCHBACK_TEST_MYSQL", "mysql://root@127.0.0.1:3306/mysql"),
        _ => return Target { scheme: scheme.to_owned(), database: ":memory:".to_owned(), ..Target::default() },
    };
    let text = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    let url = url::Url::parse(&text).expect("the variable is a URL");
    Target {
        scheme: scheme.to_owned(),
        host: url.host_str().map(str::to_owned),
        port: url.port(),
        user: Some(url.username().to_owned()).filter(|user| !user.is_empty()),
        password: url.password().map(Secret::new),
        database: url.path().trim_start_matches('/').to_owned(),
        ..Target::default()
    }
}

/// A database that others can open, filled.
pub struct Filed {
    pub target: Target,
    pub data: Data,
    engine: &'static dyn Engine,
    /// What has to be dropped; a folder with a file goes by itself.
    site: Option<(Level, Site)>,
    _folder: TempDir,
}

/// Makes one with the tables of a script, and rows in each.
pub async fn file(scheme: &str, script: &str) -> Filed {
    let engine = by_scheme(scheme).unwrap();
    let folder = TempDir::new().unwrap();
    let (target, site) = if scheme == "sqlite" {
        let database = folder.path().join("there.db").display().to_string();
        (Target { scheme: scheme.to_owned(), database, ..Target::default() }, None)
    } else {
        let level = Level::Server(server(scheme));
        let site = engine.create_shadow(&level).await.unwrap();
        (site.target.clone(), Some((level, site)))
    };
    let access = if site.is_some() { Access::Shadow } else { Access::ReadWrite };
    let session = engine.open(&target, access).await.unwrap();
    let names = Names::new(engine.dialect().flavor, engine.dialect().schema);
    let mut home = Home { engine, session, names, filled: Filled::new(Mildness::Bold) };
    home.run(script).await;
    let report = home.fill(&["old", "7", "2024-03-01"]).await;
    // What is filled by itself opens a transaction where the engine has such for steps.
    if engine.dialect().transactional {
        let _ = home.session.batch("COMMIT").await;
    }
    let data = home.data(&report.tables).await;
    home.session.close().await;
    Filed { target, data, engine, site, _folder: folder }
}

impl Filed {
    pub async fn close(self) {
        if let Some((level, site)) = self.site {
            self.engine.drop_shadow(&level, &site).await.unwrap();
        }
    }
}

impl Home {
    /// Runs statements that are parted by a line with nothing but `;`, or by `;` at the end of a line.
    pub async fn run(&mut self, script: &str) {
        for statement in
            script.split(";\n").map(|text| text.trim().trim_end_matches(';')).filter(|text| !text.is_empty())
        {
            self.session.run(statement).await.unwrap_or_else(|error| panic!("{error}\n{statement}"));
        }
    }

    pub async fn fill(&mut self, literals: &[&str]) -> Report {
        let literals: Vec<String> = literals.iter().map(|text| (*text).to_owned()).collect();
        fill(self.engine, &mut *self.session, &self.names, &literals, &mut self.filled).await.unwrap()
    }

    pub async fn tables(&mut self) -> Vec<Arc<Table>> {
        read_tables(self.engine, &mut *self.session, &self.names, None).await.unwrap()
    }

    pub async fn data(&mut self, tables: &[Arc<Table>]) -> Data {
        read_data(self.engine, &mut *self.session, tables).await.unwrap()
    }

    pub async fn one(&mut self, sql: &str) -> String {
        let rows = self.session.batch(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        rows[0][0].clone().unwrap_or_default()
    }

    /// What a script loses, in words.
    pub async fn lost(&mut self, script: &str) -> Vec<String> {
        let before_tables = self.tables().await;
        let before = self.data(&before_tables).await;
        self.run(script).await;
        let after_tables = self.tables().await;
        let after = self.data(&after_tables).await;
        losses(&before, &after, &after_tables).iter().map(Loss::to_string).collect()
    }
}
