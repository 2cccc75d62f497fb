//! `switchback release`

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::database::Database;
use crate::fault::{Fault, FaultKind, Result};
use crate::ledger::{Act, Entry, Phase, Release as Named, State};
use crate::report::{clean, count, human, json};
use crate::step::stamped;
use crate::targets;

/// Give what is applied now a name that `--to-release` leads back to; without a name, list those that there are
#[derive(Args)]
pub struct Release {
    /// Such as a version: v1.4.2
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Digest of what is deployed with it, such as a container image's
    #[arg(long, value_name = "DIGEST", requires = "name")]
    artifact: Option<String>,
    /// A setting that belongs to it (may be given more than once)
    #[arg(long, value_name = "K=V", requires = "name", value_parser = setting)]
    config: Vec<(String, String)>,
    /// Why; kept in the ledger
    #[arg(long, value_name = "TEXT", requires = "name")]
    reason: Option<String>,
}

/// The longest name.
const MAX_NAME: usize = 200;

fn setting(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

pub async fn run(app: &App, args: &Release) -> Result<u8> {
    let mut database = app.database().await?;
    let state = database.state().await?;
    match &args.name {
        Some(name) => record(app, args, name, database, &state).await,
        None => {
            let releases = targets::releases(&mut database, &state).await?;
            database.close().await;
            list(app, &releases, &state);
            Ok(exit::DONE)
        }
    }
}

async fn record(app: &App, args: &Release, name: &str, mut database: Database, state: &State) -> Result<u8> {
    if name.trim().is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Fault::usage("a release's name is one line of text").help("such as `switchback release v1.4.2`"));
    }
    if !state.exists {
        let fault = Fault::refused("nothing was ever applied here, so there is nothing to name");
        return Err(fault.help("`switchback up` applies what is pending"));
    }
    if let Some(open) = &state.open {
        return Err(open.fault().kind_is(FaultKind::Refused));
    }
    let known = targets::releases(&mut database, state).await?;
    if let Some((row, _)) = known.iter().find(|(_, release)| release.name == name) {
        let fault = Fault::refused(format!("there is a release `{name}` already, row #{} of the ledger", row.seq()));
        return Err(fault.help("give it another name; what is recorded stays as it is"));
    }
    let config: BTreeMap<String, String> = args.config.iter().cloned().collect();
    let release = targets::release(state, name, args.artifact.clone(), config);
    let (runner, provenance) = app.runner("release", args.reason.as_deref());
    let mut locked = app.lock(database, runner).await?;
    let now = locked.state().await?;
    if now.applied != state.applied || now.open != state.open {
        locked.release().await;
        let fault = Fault::refused("another runner changed the database meanwhile, so nothing was recorded");
        return Err(fault.help("run the command again"));
    }
    let detail = serde_json::to_string(&release).map_err(|error| Fault::bug(error.to_string()))?;
    let at = app.context.now();
    let entry = stamped(Entry::new(Act::Release, Phase::Done), &provenance, locked.runner());
    let entry = entry.with("detail", detail).with("started_at", at.clone()).with("finished_at", at);
    let recorded = locked.record(entry).await;
    locked.release().await;
    let recorded = recorded?;
    match app.voice {
        ui::Voice::Json => {
            let fields = json!({"release": release, "seq": recorded.seq()});
            ui::out(&format!("{}\n", json::command("release", "ok", fields)));
        }
        ui::Voice::Human => {
            let members = count(u64::try_from(release.members.len()).unwrap_or(u64::MAX), "migration");
            ui::out(&format!("released {} with {members} (#{})\n", clean(name), recorded.seq()));
        }
    }
    Ok(exit::DONE)
}

fn list(app: &App, releases: &[(Entry, Named)], state: &State) {
    let now: Vec<_> = state.applied.iter().map(|applied| &applied.id).collect();
    match app.voice {
        ui::Voice::Json => {
            let one = |(row, release): &(Entry, Named)| json!({"release": release, "seq": row.seq(), "at": row.get("finished_at"), "is_now": release.is_of(&now)});
            let fields = json!({"releases": releases.iter().map(one).collect::<Vec<_>>()});
            ui::out(&format!("{}\n", json::command("release", "ok", fields)));
        }
        ui::Voice::Human if releases.is_empty() => {
            ui::talk("no release is recorded; `switchback release NAME` names what is applied now\n");
        }
        ui::Voice::Human => {
            for (row, release) in releases {
                ui::out(&human::release(row, release, &now));
            }
        }
    }
}
