//! `switchback shadow`

use clap::{Args, Subcommand};
use serde_json::json;

use super::{App, exit, ui};
use crate::fault::Result;
use crate::report::{clean, json};

/// Look after shadows
#[derive(Args)]
pub struct Shadow {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Drop the shadows that killed runs left behind
    Sweep,
}

pub async fn run(app: &App, args: &Shadow) -> Result<u8> {
    let Act::Sweep = args.act;
    let mut database = app.database().await?;
    let swept = app.sweep(&mut database).await?;
    database.close().await;
    match app.voice {
        ui::Voice::Json => ui::out(&format!("{}\n", json::command("shadow", "ok", json!({"swept": swept})))),
        ui::Voice::Human if swept.is_empty() => ui::talk("no shadow was left behind\n"),
        ui::Voice::Human => swept.iter().for_each(|name| ui::out(&format!("dropped {}\n", clean(name)))),
    }
    Ok(exit::DONE)
}
