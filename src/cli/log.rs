//! `switchback log`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::checkpoint::{self, Checkpoint};
use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::ledger::Entry;
use crate::project::{read_bounded, write_whole};
use crate::report::{clean, count, human, json};
use crate::tampering;

/// Show what was done to the database: who, when, how long, from which commit, why
#[derive(Args)]
pub struct Log {
    /// Check the chain of the whole ledger and the scripts that it keeps, and name the first row that does not hold
    #[arg(long)]
    verify: bool,
    /// Compare with a checkpoint, too: a file that `--keep` wrote at another time
    #[arg(long, value_name = "FILE", requires = "verify")]
    against: Option<PathBuf>,
    /// Keep the hash of each row in a file, a checkpoint. One that is there has to hold, and is left as it is where it does not
    #[arg(long, value_name = "FILE", requires = "verify", conflicts_with = "against")]
    keep: Option<PathBuf>,
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
    let outcome =
        if args.verify { verify(app, args, &mut database).await } else { show(app, args, &mut database).await };
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

async fn verify(app: &App, args: &Log, database: &mut Database) -> Result<u8> {
    let against = args.against.as_deref().map(|path| read(path).and_then(|kept| kept.ok_or_else(|| missing(path))));
    let before = args.keep.as_deref().map(read).transpose()?.flatten();
    let kept = against.transpose()?.or(before);
    let mut now = Checkpoint::default();
    let keep = args.keep.is_some().then_some(&mut now);
    let upright = tampering::look(database, kept.as_ref(), keep).await?;
    if let Some(path) = &args.keep {
        write_whole(path, &now.text())?;
    }
    let kept_rows = kept.as_ref().map(Checkpoint::rows);
    match app.voice {
        ui::Voice::Json => {
            let fields = json!({
                "verified": upright.rows, "scripts": upright.scripts, "head": upright.head, "against": kept_rows,
                "kept": args.keep,
            });
            ui::out(&format!("{}\n", json::command("log", "ok", fields)));
        }
        ui::Voice::Human => {
            let (rows, scripts) = (count(upright.rows, "row"), number(upright.scripts, "script"));
            ui::out(&format!("{rows}, the chain holds; {scripts}, each as it was; head {}\n", upright.head.hash));
            if let Some(rows) = kept_rows {
                ui::out(&format!("{} of the checkpoint, each the same\n", number(rows, "row")));
            }
            ui::talk(&match &args.keep {
                Some(path) => format!(
                    "kept in {}; store it outside of the database's reach\n",
                    clean(&path.display().to_string())
                ),
                None if kept_rows.is_some() => String::new(),
                None => "a tail that was cut off and a chain that was computed anew show only against a checkpoint: \
                         `--keep FILE` writes one\n"
                    .to_owned(),
            });
        }
    }
    Ok(exit::DONE)
}

fn number(number: usize, noun: &str) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), noun)
}

/// The checkpoint of a file; `None` where there is none.
fn read(path: &Path) -> Result<Option<Checkpoint>> {
    let text = read_bounded(path, checkpoint::MAX_BYTES)?;
    text.map(|text| Checkpoint::read(&path.display().to_string(), &text)).transpose()
}

fn missing(path: &Path) -> Fault {
    Fault::usage(format!("there is no checkpoint `{}`", path.display()))
        .help("`switchback log --verify --keep FILE` writes one")
}
