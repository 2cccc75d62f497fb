//! `switchback down`

use clap::Args;

use super::App;
use super::execute::{Asks, RunArgs, execute};
use super::ui;
use crate::fault::{Fault, Result};
use crate::id;
use crate::plan::Goal;

/// Take migrations back, the last applied first
#[derive(Args)]
pub struct Down {
    /// The last N
    #[arg(long, value_name = "N", group = "target")]
    steps: Option<usize>,
    /// What was applied after this migration, which stays (a unique part of the id is enough)
    #[arg(long, value_name = "ID", group = "target")]
    to: Option<String>,
    /// Everything
    #[arg(long, group = "target")]
    all: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub async fn run(app: &App, args: &Down) -> Result<u8> {
    let goal = match (args.steps, &args.to, args.all) {
        (Some(count), _, _) => Goal::Back(count),
        (_, Some(part), _) => back_to(app, part).await?,
        (_, _, true) => Goal::Nothing,
        // On a terminal the last migration is shown and asked about; nobody else is guessed for.
        _ if ui::can_ask() && !args.run.yes => Goal::Back(1),
        _ => {
            let fault = Fault::usage("nothing says how far down to go");
            return Err(fault.help("`--steps 1` takes the last migration back; `--to ID` and `--all` go further"));
        }
    };
    execute(app, "down", &goal, &args.run, Asks::Always).await
}

/// The id may be one that only the database knows.
async fn back_to(app: &App, part: &str) -> Result<Goal> {
    let mut database = app.database().await?;
    let state = database.state().await?;
    database.close().await;
    id::find(state.applied.iter().map(|applied| &applied.id), part).map(|id| Goal::BackTo(id.clone())).map_err(
        |fault| fault.help("`--to` names a migration that is applied and stays; `switchback status` lists them"),
    )
}
