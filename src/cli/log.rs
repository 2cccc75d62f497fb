//! `switchback log`

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::ledger::{Broken, Chain, Entry};
use crate::report::{clean, count, human, json};

/// Show what was done to the database: who, when, how long, from which commit, why
#[derive(Args)]
pub struct Log {
    /// Check the chain of the whole ledger, and name the first row that does not hold
    #[arg(long)]
    verify: bool,
    /// At most N rows, newest first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Only this migration (a part of its id)
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Rows that are read at a time.
const PAGE: i64 = 1_000;

pub async fn run(app: &App, args: &Log) -> Result<u8> {
    let mut database = app.database().await?;
    let outcome = if args.verify { verify(app, &mut database).await } else { show(app, args, &mut database).await };
    database.close().await;
    outcome
}

async fn show(app: &App, args: &Log, database: &mut Database) -> Result<u8> {
    let mut rows: Vec<Entry> = Vec::new();
    let mut below = database.state().await?.head.seq;
    while below > 0 && rows.len() <= args.limit {
        let from = (below - PAGE).max(0);
        let page = database.entries(from, below - from).await?;
        let fits = |row: &Entry| {
            args.id.as_deref().is_none_or(|part| row.get("migration").is_some_and(|id| id.contains(part)))
        };
        rows.extend(page.into_iter().rev().filter(fits));
        below = from;
    }
    let more = rows.len() > args.limit;
    rows.truncate(args.limit);
    match app.voice {
        ui::Voice::Json => {
            let rows: Vec<_> = rows.iter().map(json::entry).collect();
            ui::out(&format!("{}\n", json::command("log", "ok", json!({"rows": rows, "more": more}))));
        }
        ui::Voice::Human if rows.is_empty() && !more => ui::talk("the ledger holds no such row\n"),
        ui::Voice::Human => {
            rows.iter().for_each(|row| ui::out(&human::entry(row)));
            if more {
                let shown = count(u64::try_from(rows.len()).unwrap_or(u64::MAX), "row");
                ui::talk(&format!("{shown} shown, the newest first; there are older ones, which `-n N` shows\n"));
            }
        }
    }
    Ok(exit::DONE)
}

/// Walks the chain page by page; memory does not grow with the ledger.
async fn verify(app: &App, database: &mut Database) -> Result<u8> {
    let mut chain = Chain::default();
    if database.state().await?.exists {
        loop {
            let page = database.entries(chain.head.seq, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                chain.next(row).map_err(|broken| tampered(&broken))?;
            }
        }
    }
    match app.voice {
        ui::Voice::Json => {
            ui::out(&format!("{}\n", json::command("log", "ok", json!({"verified": chain.rows, "head": chain.head}))));
        }
        ui::Voice::Human => {
            let rows = count(chain.rows, "row");
            ui::out(&format!("{rows}, the chain holds; head {}\n", chain.head.hash));
            ui::talk("keep this head outside of the database: a tail that was cut off shows only against it\n");
        }
    }
    Ok(exit::DONE)
}

fn tampered(broken: &Broken) -> Fault {
    let (seq, what, lines) = match broken {
        Broken::Edited { seq, expected, found } => (
            seq,
            "was edited: its values do not give its hash",
            vec![format!("values give {expected}"), format!("row says {found}")],
        ),
        Broken::Gap { seq, expected } => {
            (seq, "stands where another row should", vec![format!("row #{expected} is missing")])
        }
        Broken::Unlinked { seq, expected, found } => (
            seq,
            "does not stand on the row before it",
            vec![format!("the row before has {expected}"), format!("row says {}", clean(found))],
        ),
    };
    let fault = Fault::refused(format!("row #{seq} of the ledger {what}"));
    lines
        .into_iter()
        .fold(fault, Fault::cause)
        .help("what stands before this row can still be trusted; compare with a backup")
}
