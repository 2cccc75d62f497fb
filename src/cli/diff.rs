//! `switchback diff`

use clap::Args;

use super::formats::Forms;
use super::{App, drift as of_ledger, exit};
use crate::config;
use crate::database::Database;
use crate::drift;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, Severity};
use crate::migration::Migration;
use crate::project::Project;
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::target::Target;

/// Compare two schemas: databases, what a ledger says, what the migrations make, here or at a git revision
#[derive(Args)]
pub struct Diff {
    /// A database of switchback.toml by name, or a URL; `ledger:NAME|URL`, `migrations`, or `git:REV`
    a: String,
    /// The same; what it has otherwise than A is told
    b: String,
    #[command(flatten)]
    pub forms: Forms,
}

/// One side.
enum Side<'a> {
    Database(&'a str),
    Ledger(&'a str),
    /// The folder of migrations, or as a revision has it.
    Migrations(Option<&'a str>),
}

impl<'a> Side<'a> {
    fn read(text: &'a str) -> Side<'a> {
        match (text, text.split_once(':')) {
            ("migrations", _) => Side::Migrations(None),
            (_, Some(("git", revision))) => Side::Migrations(Some(revision)),
            (_, Some(("ledger", name))) => Side::Ledger(name),
            _ => Side::Database(text),
        }
    }

    /// As it was written, without what a URL keeps secret (I10).
    fn shown(&self) -> String {
        let database = |name: &str| match name.contains("://") {
            true => Target::parse(name).map_or_else(|_| "a database".to_owned(), |target| target.shown()),
            false => name.to_owned(),
        };
        match self {
            Side::Database(name) => database(name),
            Side::Ledger(name) => format!("ledger:{}", database(name)),
            Side::Migrations(None) => "migrations".to_owned(),
            Side::Migrations(Some(revision)) => format!("git:{revision}"),
        }
    }

    fn database(&self) -> Option<&'a str> {
        match self {
            Side::Database(name) | Side::Ledger(name) => Some(name),
            Side::Migrations(_) => None,
        }
    }
}

pub async fn run(app: &App, args: &Diff) -> Result<u8> {
    args.forms.files()?;
    let begun = std::time::Instant::now();
    let (a, b) = (Side::read(&args.a), Side::read(&args.b));
    // What needs a server only to make shadows takes the other side's.
    let nearest = a.database().or_else(|| b.database());
    let mut one = open(app, a.database().or(nearest)).await?;
    let mut two = open(app, b.database().or(nearest)).await?;
    let (here, there) = (one.server().clone(), two.server().clone());
    if here.engine != there.engine {
        let fault = Fault::usage(format!("{} is {} and {} is {}", a.shown(), here.engine, b.shown(), there.engine));
        return Err(fault.help("only schemas of the same engine can be compared"));
    }
    let (wanted, found) = (read(app, &a, &mut one).await?, read(app, &b, &mut two).await?);
    one.close().await;
    two.close().await;
    let findings: Vec<Finding> = drift::findings(&wanted, &found, &config::Drift::default(), &[])
        .into_iter()
        .map(|finding| worded(finding, (&a, &b)))
        .collect();
    let is_bad = findings.iter().any(|finding| finding.severity > Severity::Note);
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report =
        Report { command: "diff", server: Some(&here), migrations: 0, cases: Vec::new(), findings, is_bad, millis };
    args.forms.tell(app, &report)?;
    Ok(if is_bad { exit::FINDINGS } else { exit::DONE })
}

/// A difference between two sides of which neither is what should be.
fn worded(finding: Finding, (a, b): (&Side<'_>, &Side<'_>)) -> Finding {
    let title = finding.object.clone().unwrap_or_default();
    let (code, message) = match finding.code.as_ref() {
        "drift-added" => ("only-second", format!("only {} has {title}", b.shown())),
        "drift-missing" => ("only-first", format!("only {} has {title}", a.shown())),
        "drift-layout" => ("layout", format!("{title} has another order, layout or generated name")),
        _ => ("differs", format!("{title} differs")),
    };
    Finding { code: code.into(), message, ..finding }
}

async fn open(app: &App, name: Option<&str>) -> Result<Database> {
    match name {
        Some(name) => app.database_called(name).await,
        None => app.database().await,
    }
}

async fn read(app: &App, side: &Side<'_>, database: &mut Database) -> Result<Snapshot> {
    let migrations = match side {
        Side::Database(_) if database.is_to_come() => {
            return Err(Fault::new(FaultKind::Unreachable, format!("there is no database at {}", side.shown())));
        }
        Side::Database(_) => return database.snapshot().await,
        Side::Ledger(_) => {
            let state = database.state().await?;
            of_ledger::applied(database, &state).await?
        }
        Side::Migrations(None) => ordered(&app.project(database)?)?,
        Side::Migrations(Some(revision)) => ordered(&app.project_at(database, revision)?)?,
    };
    let mut maker = app.maker(database).await?;
    drift::replayed(&mut maker, &migrations, &app.context).await
}

fn ordered(project: &Project) -> Result<Vec<Migration>> {
    project.require_readable()?;
    Ok(project.ordered(&project.graph()?).into_iter().cloned().collect())
}
