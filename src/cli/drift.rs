//! `switchback drift`

use clap::Args;

use super::formats::Forms;
use super::{App, exit};
use crate::database::Database;
use crate::drift;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Severity, worst};
use crate::ledger::State;
use crate::migration::Migration;
use crate::planning;
use crate::report::Report;

/// Compare the database with what its ledger says it should be
#[derive(Args)]
pub struct Drift {
    #[command(flatten)]
    pub forms: Forms,
}

pub async fn run(app: &App, args: &Drift) -> Result<u8> {
    args.forms.files()?;
    let begun = std::time::Instant::now();
    let mut database = app.database().await?;
    let state = database.state().await?;
    let applied = applied(&mut database, &state).await?;
    let server = database.server().clone();
    let live = database.snapshot().await?;
    let mut maker = app.maker(&mut database).await?;
    let wanted = drift::replayed(&mut maker, &applied, &app.context).await?;
    database.close().await;
    let mut findings = drift::findings(&wanted, &live, &app.config.drift, &applied);
    findings.extend(state.open.as_ref().map(|open| {
        let what = format!("{} stopped half-way, which is told as drift", open.title());
        Finding::warning("half-way", what).of(&open.id).help(open.help())
    }));
    let is_bad = worst(&findings) == Some(Severity::Error);
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = Report {
        command: "drift",
        server: Some(&server),
        migrations: applied.len(),
        cases: Vec::new(),
        findings,
        is_bad,
        millis,
    };
    args.forms.tell(app, &report)?;
    Ok(if is_bad { exit::FINDINGS } else { exit::DONE })
}

/// What the ledger says is applied, as it keeps it: no checkout is needed.
///
/// # Errors
/// Refused where there is no ledger.
pub async fn applied(database: &mut Database, state: &State) -> Result<Vec<Migration>> {
    if !state.exists {
        let fault = Fault::refused("this database has no ledger, so nothing says what it should be");
        return Err(fault.help("`switchback up` makes one; `switchback diff` compares databases without"));
    }
    let mut migrations = Vec::with_capacity(state.applied.len());
    for one in &state.applied {
        migrations.push(planning::stored(database, one).await?);
    }
    Ok(migrations)
}
