//! `switchback recover`

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::ask::{Ask, Recovery};
use super::execute::{Asks, Doubt, RunArgs, execute};
use super::half::Half;
use super::rows::WithData;
use super::{App, exit, ui};
use crate::back_out::WayBack;
use crate::database::Database;
use crate::fault::{Fault, FaultKind, Result};
use crate::ledger::{Act, State};
use crate::lock::{Grip, Standing, busy};
use crate::project::Project;
use crate::recover::Stand;
use crate::report::{clean, human, json};

/// After a crash: tell which statement was the last that took effect, and go on from there or take it back
#[derive(Args)]
pub struct Recover {
    /// Run the rest of the step
    #[arg(long, group = "act")]
    resume: bool,
    /// Take back what the step did, the way that is shown without this flag, once it is proven in a shadow
    #[arg(long, group = "act")]
    back_out: bool,
    /// For a statement that leaves no trace: it has not run (or may run twice), or it has run
    #[arg(long, value_name = "rerun|skip", value_enum)]
    in_doubt: Option<Doubt>,
    /// Do not ask
    #[arg(short, long, requires = "act")]
    yes: bool,
    /// Write no file; refuse what is not sealed and proven (for CI and production)
    #[arg(long, requires = "act")]
    locked: bool,
    /// Why; kept in the ledger
    #[arg(long, value_name = "TEXT", requires = "act")]
    reason: Option<String>,
    /// Accept that rows are lost: all, or those of TABLE or TABLE.COLUMN (may be given more than once)
    #[arg(
        long,
        value_name = "TABLE[.COLUMN]",
        num_args = 0..=1,
        default_missing_value = "",
        require_equals = true,
        requires = "act"
    )]
    accept_loss: Vec<String>,
}

/// Statements on each side of the last that took effect that are shown one by one.
const NEAR: usize = 5;

pub async fn run(app: &App, args: &Recover) -> Result<u8> {
    let run = RunArgs {
        yes: args.yes,
        dry_run: false,
        with_data: WithData::default(),
        locked: args.locked,
        reason: args.reason.clone(),
        in_doubt: args.in_doubt,
        accept_loss: args.accept_loss.clone(),
        undo_on_failure: false,
    };
    match (args.resume, args.back_out) {
        (true, _) => execute(app, "recover", &Ask::of_open(Recovery::Resume), &run, Asks::OnlyForLoss).await,
        (_, true) => execute(app, "recover", &Ask::of_open(Recovery::BackOut), &run, Asks::Always).await,
        _ => look(app, args).await,
    }
}

async fn look(app: &App, args: &Recover) -> Result<u8> {
    let (mut database, project, state) = app.look(Project::load_files).await?;
    let standing = if state.exists { Some(database.standing().await?) } else { None };
    refuse_at_work(standing.as_ref())?;
    let Some(half) = Half::look(&mut database, &project, &state).await? else {
        let told = nothing(app, &mut database, &state, standing.as_ref()).await;
        database.close().await;
        return told;
    };
    let stand = half.stand(app, &mut database, args.in_doubt.map(Into::into)).await;
    let stand = stand.inspect_err(|_| {
        if app.voice == ui::Voice::Human {
            ui::out(&told(&half, None));
        }
    })?;
    let back = match half.open.is(Act::BackOut) {
        true => None,
        false => Some(half.way_back(app, &mut database, &stand).await),
    };
    database.close().await;
    match app.voice {
        ui::Voice::Json => {
            let fields = json!({
                "half_way": half.open,
                "behind": stand.behind,
                "findings": stand.findings(&half.open.id).iter().map(json::finding).collect::<Vec<_>>(),
                "statements": statements(&half, &stand),
                "invalid_indexes": stand.invalid.iter().map(|(index, _)| index).collect::<Vec<_>>(),
                "detaching": stand.detaching,
                "back_out": back.as_ref().map(shown_back),
            });
            ui::out(&format!("{}\n", json::command("recover", "half-way", fields)));
        }
        ui::Voice::Human => {
            ui::out(&told(&half, Some(&stand)));
            stand.findings(&half.open.id).iter().for_each(|finding| ui::talk(&human::finding(finding)));
            ui::talk("help: `switchback recover --resume` runs the rest\n");
            if let Some(back) = &back {
                ui::talk(&told_back(back));
            }
        }
    }
    Ok(exit::HALF_WAY)
}

/// # Errors
/// Busy where something is under way: what looks half-way may not be, and what looks whole may not stay so.
fn refuse_at_work(standing: Option<&Standing>) -> Result<()> {
    let Some(standing) = standing else { return Ok(()) };
    match (standing.grip(), &standing.lease) {
        (Grip::Held | Grip::Unnamed, lease) => {
            Err(busy(&lease.as_ref().map_or_else(|| "a runner that is just starting".to_owned(), ToString::to_string)))
        }
        (Grip::Lingering, _) => {
            let what =
                "a statement of a run that is gone still runs on the server, so it is not known yet where it stopped";
            Err(Fault::new(FaultKind::Busy, what)
                .help("`switchback lock` shows its session; run this again once it is gone"))
        }
        _ => Ok(()),
    }
}

/// Nothing is half-way; what else a crash may have left is told.
async fn nothing(app: &App, database: &mut Database, state: &State, standing: Option<&Standing>) -> Result<u8> {
    let live = database.snapshot().await?;
    let invalid = crate::recover::invalid_in(&live);
    match app.voice {
        ui::Voice::Json => {
            let fields = json!({"half_way": Value::Null, "applied": state.applied.len(), "invalid_indexes": invalid});
            ui::out(&format!("{}\n", json::command("recover", "ok", fields)));
        }
        ui::Voice::Human => {
            let count = crate::report::count(u64::try_from(state.applied.len()).unwrap_or(u64::MAX), "migration");
            ui::out(&format!(
                "nothing is half-way: {count} applied, and what is not in the ledger did not take effect\n"
            ));
            let is_stale = standing.is_some_and(|standing| standing.grip() == Grip::Stale);
            if let Some(lease) = standing.and_then(|standing| standing.lease.as_ref()).filter(|_| is_stale) {
                ui::out(&clean(&format!("the last run ended without giving its lease back: {lease}")));
                ui::out("\n");
            }
            for index in &invalid {
                let index = clean(index);
                ui::out(&format!("the index {index} is invalid: a concurrent build or drop of it did not end\n"));
                ui::talk(&format!(
                    "help: REINDEX INDEX CONCURRENTLY {index} rebuilds it, DROP INDEX CONCURRENTLY {index} drops it\n"
                ));
            }
        }
    }
    Ok(exit::DONE)
}

/// What is known of a statement, by its number from 0.
fn state_of(half: &Half, stand: Option<&Stand>, index: usize) -> &'static str {
    let was_begun = half.open.units.iter().any(|(number, _)| *number > index && *number > half.open.done);
    match stand {
        _ if index < half.open.done => "done",
        Some(stand) if index < stand.behind => "done",
        None if was_begun => "in doubt",
        Some(_) if was_begun => "not done",
        _ => "to come",
    }
}

fn statements(half: &Half, stand: &Stand) -> Vec<Value> {
    let Some(script) = half.step.script() else { return Vec::new() };
    let one = |(index, statement): (usize, &crate::sql::Statement)| {
        json!({
            "number": index + 1,
            "state": state_of(half, Some(stand), index),
            "place": script.place(statement.span.start),
            "sql": script.shown(statement),
        })
    };
    script.statements().iter().enumerate().map(one).collect()
}

/// The step, and how far it got; a statement in doubt is told as that where the reading back came to nothing.
fn told(half: &Half, stand: Option<&Stand>) -> String {
    let open = &half.open;
    let mut out = format!(
        "half-way: {} (row #{}), begun {} by {}\n",
        clean(&open.title()),
        open.seq,
        clean(&open.since),
        clean(&open.by)
    );
    match &open.stopped {
        Some(why) => why.lines().for_each(|line| out.push_str(&format!("stopped by: {}\n", clean(line)))),
        None => out.push_str(
            "stopped by: nobody has told; a crash, a kill, a lost connection, or a statement that was refused half-way\n",
        ),
    }
    let shown = half.step.shown();
    let at = stand.map_or(open.done, |stand| stand.behind);
    let near = at.saturating_sub(NEAR)..(at + NEAR).min(shown.len());
    if near.start > 0 {
        let _ = writeln!(out, "{:<9} 1 to {}", "done", near.start);
    }
    for index in near.clone() {
        let state = state_of(half, stand, index);
        let how = if matches!(state, "done" | "not done") && index >= open.done { "  (read back)" } else { "" };
        let _ = writeln!(out, "{state:<9} {}  {}{how}", index + 1, clean(&shown[index]));
    }
    if near.end < shown.len() {
        let _ = writeln!(out, "{:<9} {} to {}", "to come", near.end + 1, shown.len());
    }
    if let Some(stand) = stand {
        let _ = writeln!(out, "{} of {} statements have taken effect", stand.behind, shown.len());
        for partition in &stand.detaching {
            let _ = writeln!(out, "the partition {} has begun to be detached", clean(partition));
        }
        for (index, _) in &stand.invalid {
            let _ = writeln!(out, "the index {} was left invalid", clean(index));
        }
    }
    out
}

fn shown_back(back: &Result<WayBack>) -> Value {
    match back {
        Ok(WayBack { step, warrant, findings }) => json!({
            "statements": step.shown(),
            "verdict": warrant.verdict(),
            "findings": findings.iter().map(json::finding).collect::<Vec<_>>(),
        }),
        Err(fault) => json!({"refused": fault.to_string()}),
    }
}

fn told_back(back: &Result<WayBack>) -> String {
    match back {
        Ok(WayBack { step, warrant, findings }) => {
            let verdict = warrant.verdict();
            let shown = step.shown();
            let mut out =
                format!("help: `switchback recover --back-out` takes that back; proven {verdict} in a shadow:\n");
            if shown.is_empty() {
                out = "help: `switchback recover --back-out` leaves it; there is nothing to take back\n".to_owned();
            }
            shown.iter().for_each(|statement| out.push_str(&format!("  {}\n", clean(statement))));
            findings.iter().for_each(|finding| out.push_str(&human::finding(finding)));
            out
        }
        Err(fault) => human::fault(fault),
    }
}
