//! `switchback apply`

use std::path::PathBuf;

use clap::Args;

use super::App;
use super::ask::{Ask, read};
use super::execute::{Asks, RunArgs, execute};
use crate::fault::Result;

/// Run a saved plan exactly as it stands, or refuse: on the database, the state and the schema that it was made on
#[derive(Args)]
pub struct Apply {
    /// What `switchback plan … -o FILE` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    run: RunArgs,
}

pub async fn run(app: &App, args: &Apply) -> Result<u8> {
    let saved = read(&args.file)?;
    saved.require_fresh((app.context.clock)())?;
    execute(app, "apply", &Ask::of_saved(saved), &args.run, Asks::Always).await
}
