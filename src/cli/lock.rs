//! `switchback lock`

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::{App, exit, ui};
use crate::break_lock::break_lock;
use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::lock::{Grip, Holder, SILENT, Standing, TAKEN_OVER};
use crate::report::{clean, duration, json};

/// Show who holds the run's lock and whether they are alive; with --break, take it from them
#[derive(Args)]
pub struct Lock {
    /// End the holder's sessions on the server, and keep it from writing whatever becomes of it; the ledger tells of it
    #[arg(long = "break")]
    breaks: bool,
    /// Why; kept in the ledger
    #[arg(long, value_name = "TEXT", requires = "breaks")]
    reason: Option<String>,
    /// Do not ask
    #[arg(short, long, requires = "breaks")]
    yes: bool,
}

pub async fn run(app: &App, args: &Lock) -> Result<u8> {
    let reason = args.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if args.breaks && reason.is_none() {
        let fault = Fault::usage("a lock is broken for a reason, and none is given");
        let cause = "it ends a run of somebody, who will look into the ledger for why";
        return Err(fault.cause(cause).help("`switchback lock --break --reason TEXT`"));
    }
    let mut database = app.database().await?;
    let standing = database.standing().await?;
    let is_file = !database.engine().dialect().locks;
    let shown = told(&standing, is_file, (app.context.clock)());
    let broken = match reason {
        Some(reason) if standing.grip() != Grip::Free => {
            Some(broken(app, args, database, &standing, &shown, reason).await?)
        }
        _ => {
            database.close().await;
            None
        }
    };
    match app.voice {
        ui::Voice::Json => ui::out(&format!("{}\n", json::command("lock", "ok", fields(&standing, broken)))),
        ui::Voice::Human => match broken {
            Some(seq) if standing.grip() == Grip::Stale => ui::out(&format!("the lease is cleared (#{seq})\n")),
            Some(seq) => ui::out(&format!("the lock is broken (#{seq})\n")),
            None => {
                ui::out(&shown);
                help(&standing, is_file);
            }
        },
    }
    Ok(exit::DONE)
}

/// Takes the lock from its holder; gives the number of the ledger's row.
async fn broken(
    app: &App,
    args: &Lock,
    database: Database,
    standing: &Standing,
    shown: &str,
    reason: &str,
) -> Result<i64> {
    if !args.yes {
        if !ui::can_ask() {
            return Err(Fault::usage("nobody can be asked here").help("give `--yes`"));
        }
        ui::talk(shown);
        let is_gone = standing.grip() == Grip::Stale;
        ui::confirm(if is_gone { "Clear the lease?" } else { "Take the lock from it?" })?;
    }
    let (runner, provenance) = app.runner("lock --break", Some(reason));
    let waits = app.waits(&database);
    let row = break_lock(database, standing, &app.context, runner, &provenance, waits).await?;
    Ok(row.seq())
}

fn fields(standing: &Standing, broken: Option<i64>) -> Value {
    json!({
        "grip": standing.grip(),
        "lease": standing.lease,
        "run_session": standing.holders.run,
        "work_session": standing.holders.work,
        "gone": standing.holders.gone,
        "untold": standing.holders.untold,
        "broken": broken,
    })
}

/// How the lock stands, a line each.
fn told(standing: &Standing, is_file: bool, now: DateTime<Utc>) -> String {
    let (run, work) = (standing.holders.run.as_ref(), standing.holders.work.as_ref());
    let lease = standing.lease.as_ref().map(|lease| held(lease, now));
    let mut lines = Vec::new();
    let when = if standing.holders.gone.is_some() { format!(" after {} s", SILENT.as_secs()) } else { String::new() };
    match (standing.grip(), lease) {
        (Grip::Held, Some(lease)) => {
            lines.push(format!("held by {lease}"));
            lines.extend(run.map(|run| match is_file {
                true => "alive: its process runs on this host".to_owned(),
                false => format!("alive: the server has the session of its lock, {run}"),
            }));
            lines.extend(work.map(|work| format!("its scripts run in {work}")));
        }
        (Grip::Unknown, Some(lease)) => {
            lines.push(format!("the lease is that of {lease}"));
            lines.extend(standing.holders.untold.clone());
        }
        (Grip::Unknown, None) => {
            lines.push("held by a run that has not written its name yet".to_owned());
            lines.extend(standing.holders.untold.clone());
        }
        (Grip::Unnamed, lease) => {
            lines.push("held by a run that has not written its name yet".to_owned());
            lines.extend(run.map(|run| format!("alive: the server has the session of its lock, {run}")));
            lines.extend(work.map(|work| format!("scripts run in {work}")));
            lines.extend(lease.map(|lease| format!("the lease of {lease} is left behind by a run that is gone")));
        }
        (Grip::Lingering, lease) => {
            lines.extend(
                work.map(|work| format!("a statement of a run that is gone still runs on the server, in {work}")),
            );
            lines.extend(lease.map(|lease| format!("the lease is that of {lease}")));
        }
        (_, Some(lease)) => {
            lines.push("nobody holds the lock".to_owned());
            lines.push(format!(
                "the lease of {lease} is left behind by a run that is gone; the next run takes it over{when}"
            ));
        }
        (Grip::Stale, None) => {
            lines.push(format!("the lock is left behind by a run that is gone; the next run takes it over{when}"))
        }
        (_, None) => lines.push("nobody holds the lock".to_owned()),
    }
    lines.iter().map(|line| format!("{}\n", clean(line))).collect()
}

/// The holder, and for how long by our clock.
fn held(lease: &Holder, now: DateTime<Utc>) -> String {
    let since = DateTime::parse_from_rfc3339(&lease.since).ok();
    let millis = since.and_then(|since| u64::try_from((now - since.with_timezone(&Utc)).num_milliseconds()).ok());
    let long = millis.map(|millis| format!(" ({} ago)", duration(millis))).unwrap_or_default();
    format!("{lease}{long}")
}

fn help(standing: &Standing, is_file: bool) {
    let breaks = "`switchback lock --break --reason TEXT`";
    match (standing.grip(), &standing.lease) {
        (Grip::Stale, _) if standing.holders.gone.is_some() => ui::talk(&format!("help: {breaks} clears it at once\n")),
        (Grip::Free | Grip::Stale, _) => {}
        (Grip::Held, Some(lease)) if is_file => {
            ui::talk(&format!("help: `kill {}` ends it, where it has to be\n", clean(&lease.pid)))
        }
        (Grip::Unknown, _) if !is_file => ui::talk(&format!("help: {TAKEN_OVER}\n")),
        (Grip::Unknown, _) => ui::talk(&format!(
            "help: where it is known to be gone, {breaks} clears the lease; else the next run does\n"
        )),
        _ => ui::talk(&format!("help: {breaks} ends it, where it has to be\n")),
    }
}
