//! `switchback up`

use clap::Args;

use super::App;
use super::ask::{Ask, Targets, Way};
use super::execute::{Asks, RunArgs, execute};
use crate::fault::Result;

/// Apply what is pending; what is unproven is proven in a shadow first
#[derive(Args)]
pub struct Up {
    /// This migration and all before it (a unique part of the id is enough)
    #[arg(long, value_name = "ID", group = "target")]
    to: Option<String>,
    /// At most N
    #[arg(long, value_name = "N", group = "target")]
    steps: Option<usize>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    run: RunArgs,
}

pub async fn run(app: &App, args: &Up) -> Result<u8> {
    let ask = Ask::new(Way::Up, args.steps, args.to.as_ref(), &args.targets);
    execute(app, "up", &ask, &args.run, Asks::OnlyForLoss).await
}
