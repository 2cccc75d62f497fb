//! `switchback status`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::amendments;
use crate::fault::Result;
use crate::id::Id;
use crate::ledger::{Applied, State};
use crate::lock::Holder;
use crate::planning;
use crate::project::Project;
use crate::report::{clean, human, json};

/// Show what is applied and what is pending
#[derive(Args)]
pub struct Status {
    /// Exit with 1 when something is pending or half-way
    #[arg(long)]
    exit_code: bool,
}

const SESSION_EDITED: &str = "help: the SQL of [session] in switchback.toml is part of every migration: `switchback verify` proves them with it, \
                              and the next `switchback up` takes it over\n";

/// How a migration stands.
struct Standing<'a> {
    id: &'a Id,
    /// `applied`, `pending`, `edited`, `unknown` (applied, and not in the checkout).
    word: &'static str,
    seq: Option<i64>,
    is_adopted: bool,
}

pub async fn run(app: &App, args: &Status) -> Result<u8> {
    let (mut database, project, state) = app.look(Project::load).await?;
    let foreign = if state.head.seq > 0 { None } else { database.history().await? };
    let runner = if state.exists { database.standing().await?.runner() } else { None };
    let by_session = amendments::by_session(&mut database, &project, &state).await?;
    let server = database.server().clone();
    let to_come = database.is_to_come().then(|| database.target().shown());
    database.close().await;
    let standings = standings(&project, &state);
    let pending = standings.iter().filter(|standing| standing.word == "pending").count();
    // A step that is half-way is still to be done, whether or not this checkout has it.
    let is_done = pending == 0 && state.open.is_none();
    match app.voice {
        ui::Voice::Json => {
            let migrations: Vec<_> = standings
                .iter()
                .map(|standing| json!({"id": standing.id, "state": standing.word, "seq": standing.seq, "adopted": standing.is_adopted}))
                .collect();
            let fields = json!({
                "engine": server.engine,
                "server": server.version,
                "migrations": migrations,
                "pending": pending,
                "head": state.head,
                "database_exists": to_come.is_none(),
                "half_way": state.open,
                "running": runner,
                "foreign_history": foreign.as_ref().map(|history| json!({"tool": history.tool, "table": history.table})),
            });
            ui::out(&format!("{}\n", json::command("status", if is_done { "ok" } else { "pending" }, fields)));
        }
        ui::Voice::Human => {
            ui::out(&under_way(&state, runner.as_ref()));
            if runner.is_some() {
                ui::talk("help: `switchback lock` tells more of it, and how to end one that hangs\n");
            }
            if let (Some(open), None) = (&state.open, &runner) {
                ui::talk(&format!("help: {}\n", open.help()));
            }
            if let Some(history) = &foreign {
                let what = format!("{} (its table {} has rows)", history.tool, clean(&history.table));
                ui::talk(&format!(
                    "this database has been migrated by {what}; `switchback adopt` takes over what is applied\n"
                ));
            }
            ui::out(&listing(&standings, &by_session));
            let renamed = planning::renamed(&project, &state).into_iter();
            renamed.for_each(|(applied, migration)| {
                ui::talk(&human::finding(&planning::told_renamed(applied, migration)));
            });
            if !by_session.is_empty() {
                ui::talk(SESSION_EDITED);
            }
            if let Some(shown) = &to_come {
                ui::talk(&format!("{} does not exist; the first `switchback up` makes it\n", clean(shown)));
            }
            let applied = state.applied.len();
            ui::talk(&format!("{applied} applied, {pending} pending on {} {}\n", server.engine, server.version));
        }
    }
    let code = if args.exit_code && !is_done { exit::FINDINGS } else { exit::DONE };
    drop(standings);
    // The process ends here, and taking a thousand migrations apart would take longer than telling of them did.
    std::mem::forget((project, state));
    Ok(code)
}

/// The step that has begun and not ended, and who is at work; empty where there is neither.
fn under_way(state: &State, runner: Option<&Holder>) -> String {
    let step = state.open.as_ref().map(|open| (format!("{} (row #{})", clean(&open.title()), open.seq), open.known()));
    let held = |holder: &Holder| {
        let (what, since) = (clean(&holder.what), clean(&holder.since));
        format!(
            "`{what}` since {since}, held by {}@{} (process {})",
            clean(&holder.actor),
            clean(&holder.host),
            holder.pid
        )
    };
    match (step, runner) {
        (Some((step, known)), Some(holder)) => format!("running: {step}; {known}\n  {}\n", held(holder)),
        (None, Some(holder)) => format!("running: {}\n", held(holder)),
        (Some((step, known)), None) => format!("half-way: {step} stopped; {known}\n"),
        (None, None) => String::new(),
    }
}

fn standings<'a>(project: &'a Project, state: &'a State) -> Vec<Standing<'a>> {
    let applied: BTreeMap<&Id, &Applied> = state.applied.iter().map(|applied| (&applied.id, applied)).collect();
    let mut standings: Vec<Standing<'_>> = project
        .migrations
        .iter()
        .map(|migration| {
            let applied = applied.get(&migration.id);
            let word = match applied {
                None => "pending",
                Some(applied) if applied.digest == migration.digest() => "applied",
                Some(_) => "edited",
            };
            let is_adopted = applied.is_some_and(|applied| applied.is_adopted);
            Standing { id: &migration.id, word, seq: applied.map(|applied| applied.seq), is_adopted }
        })
        .collect();
    let unknown = planning::unknown(project, state).into_iter();
    standings.extend(unknown.map(|applied| Standing {
        id: &applied.id,
        word: "unknown",
        seq: Some(applied.seq),
        is_adopted: applied.is_adopted,
    }));
    standings
}

fn listing(standings: &[Standing<'_>], by_session: &BTreeSet<Id>) -> String {
    let mut out = String::new();
    for standing in standings {
        let note = match standing.word {
            "edited" if by_session.contains(standing.id) => "  (only the session SQL differs)",
            "edited" => "  (the files differ from what was applied)",
            "unknown" => "  (applied, but not in this checkout)",
            _ if standing.is_adopted => "  (adopted)",
            _ => "",
        };
        let _ = writeln!(out, "{:<8} {}{note}", standing.word, clean(standing.id.as_str()));
    }
    out
}
