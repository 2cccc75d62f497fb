//! `switchback down`

use clap::Args;

use super::App;
use super::ask::{Ask, Targets, Way};
use super::execute::{Asks, RunArgs, execute};
use super::ui;
use crate::fault::{Fault, Result};

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
    targets: Targets,
    #[command(flatten)]
    run: RunArgs,
}

pub async fn run(app: &App, args: &Down) -> Result<u8> {
    let Targets { to_time, to_release, to_git, only, .. } = &args.targets;
    let is_told = args.to.is_some() || args.all || to_time.is_some() || to_release.is_some();
    let steps = match args.steps {
        None if is_told || to_git.is_some() || !only.is_empty() => None,
        // On a terminal the last migration is shown and asked about; nobody else is guessed for.
        None if ui::can_ask() && !args.run.yes => Some(1),
        None => {
            let fault = Fault::usage("nothing says how far down to go");
            return Err(fault.help(
                "`--steps 1` takes the last migration back; `--to ID`, `--to-time TIME` and `--all` go further, and \
                 `--only ID` takes one out of the middle",
            ));
        }
        some => some,
    };
    let ask = Ask::new(Way::Down, steps, args.to.as_ref(), &args.targets);
    execute(app, "down", &ask, &args.run, Asks::Always).await
}
