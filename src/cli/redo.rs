//! `switchback redo`

use clap::Args;

use super::App;
use super::ask::{Ask, Targets, Way};
use super::execute::{Asks, RunArgs, execute};
use crate::fault::Result;

/// Take the last migrations back and apply them again
#[derive(Args)]
pub struct Redo {
    /// The last N
    #[arg(long, value_name = "N", default_value_t = 1)]
    steps: usize,
    #[command(flatten)]
    run: RunArgs,
}

pub async fn run(app: &App, args: &Redo) -> Result<u8> {
    let ask = Ask { again: true, ..Ask::new(Way::Down, Some(args.steps), None, &Targets::default()) };
    execute(app, "redo", &ask, &args.run, Asks::OnlyForLoss).await
}
