//! `switchback up`

use clap::Args;

use super::App;
use super::execute::{Asks, RunArgs, execute};
use crate::fault::Result;
use crate::plan::Goal;

/// Apply what is pending; what is unproven is proven in a shadow first
#[derive(Args)]
pub struct Up {
    /// This migration and all before it (a unique part of the id is enough)
    #[arg(long, value_name = "ID", conflicts_with = "steps")]
    to: Option<String>,
    /// At most N
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    #[command(flatten)]
    run: RunArgs,
}

pub async fn run(app: &App, args: &Up) -> Result<u8> {
    let goal = match (&args.to, args.steps) {
        (Some(part), _) => {
            let database = app.database().await?;
            let project = app.project(&database)?;
            database.close().await;
            Goal::UpTo(project.find(part)?.clone())
        }
        (None, Some(count)) => Goal::Ahead(count),
        (None, None) => Goal::All,
    };
    execute(app, "up", &goal, &args.run, Asks::OnlyForLoss).await
}
