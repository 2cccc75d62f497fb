//! `switchback status`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::fault::Result;
use crate::id::Id;
use crate::ledger::{Applied, State};
use crate::planning;
use crate::project::Project;
use crate::report::{clean, json};

/// Show what is applied and what is pending
#[derive(Args)]
pub struct Status {
    /// Exit with 1 when something is pending
    #[arg(long)]
    exit_code: bool,
}

/// How a migration stands.
struct Standing<'a> {
    id: &'a Id,
    /// `applied`, `pending`, `edited`, `unknown` (applied, and not in the checkout).
    word: &'static str,
    seq: Option<i64>,
}

pub async fn run(app: &App, args: &Status) -> Result<u8> {
    let (mut database, project, state) = app.look(Project::load).await?;
    let foreign = if state.exists { None } else { database.history().await? };
    let server = database.server().clone();
    database.close().await;
    let standings = standings(&project, &state);
    let pending = standings.iter().filter(|standing| standing.word == "pending").count();
    match app.voice {
        ui::Voice::Json => {
            let migrations: Vec<_> = standings
                .iter()
                .map(|standing| json!({"id": standing.id, "state": standing.word, "seq": standing.seq}))
                .collect();
            let fields = json!({
                "engine": server.engine,
                "server": server.version,
                "migrations": migrations,
                "pending": pending,
                "head": state.head,
                "half_way": state.open,
                "foreign_history": foreign.as_ref().map(|history| json!({"tool": history.tool, "table": history.table})),
            });
            ui::out(&format!("{}\n", json::command("status", if pending > 0 { "pending" } else { "ok" }, fields)));
        }
        ui::Voice::Human => {
            if let Some(open) = &state.open {
                ui::out(&format!(
                    "half-way: the {} of {} (row #{}) stopped after {} statements\n",
                    open.event,
                    clean(open.id.as_str()),
                    open.seq,
                    open.done
                ));
            }
            if let Some(history) = &foreign {
                let what = format!("{} (its table {} has rows)", history.tool, clean(&history.table));
                ui::talk(&format!("this database has been migrated by {what}; switchback has not touched it\n"));
            }
            ui::out(&listing(&standings));
            let applied = state.applied.len();
            ui::talk(&format!("{applied} applied, {pending} pending on {} {}\n", server.engine, server.version));
        }
    }
    let code = if args.exit_code && pending > 0 { exit::FINDINGS } else { exit::DONE };
    drop(standings);
    // The process ends here, and taking a thousand migrations apart would take longer than telling of them did.
    std::mem::forget((project, state));
    Ok(code)
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
            Standing { id: &migration.id, word, seq: applied.map(|applied| applied.seq) }
        })
        .collect();
    let unknown = planning::unknown(project, state).into_iter();
    standings.extend(unknown.map(|applied| Standing { id: &applied.id, word: "unknown", seq: Some(applied.seq) }));
    standings
}

fn listing(standings: &[Standing<'_>]) -> String {
    let mut out = String::new();
    for standing in standings {
        let note = match standing.word {
            "edited" => "  (the files differ from what was applied)",
            "unknown" => "  (applied, but not in this checkout)",
            _ => "",
        };
        let _ = writeln!(out, "{:<8} {}{note}", standing.word, clean(standing.id.as_str()));
    }
    out
}
