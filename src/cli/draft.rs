//! `switchback draft`

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::class::{self, Control};
use crate::drafting::{self, Drafted};
use crate::engine::Server;
use crate::fault::{Fault, Result};
use crate::finding::Finding;
use crate::id::Id;
use crate::migration::{Down, Migration};
use crate::project::{Project, write_whole};
use crate::report::{clean, human, json};
use crate::sql::Script;

/// Write the down of a migration: its up runs in a shadow, and what leads back is computed and proven there
#[derive(Args)]
pub struct Draft {
    /// The migration (a unique part of its id)
    #[arg(value_name = "ID")]
    id: String,
    /// Write no file: the script goes to stdout
    #[arg(long)]
    print: bool,
    /// Replace a down that does something already; what is replaced is shown
    #[arg(long, conflicts_with = "print")]
    force: bool,
}

pub async fn run(app: &App, args: &Draft) -> Result<u8> {
    let mut database = app.database().await?;
    let project = app.project(&database)?;
    let id = project.find(&args.id)?.clone();
    if !args.print {
        require_free(&project, &id, args.force)?;
    }
    let (server, drafted) = drafted(app, &mut database, project, &id).await?;
    database.close().await;
    let mut written = None;
    if drafted.1.is_proven && !args.print {
        written = Some(write(&drafted.0, &id, &drafted.1)?);
    }
    tell(app, "draft", &server, &id, &drafted.1, written.as_ref())
}

/// Where a draft was written, and the text that stood there before.
pub struct Place {
    pub path: String,
    before: Option<String>,
}

/// Drafts in a shadow; gives the project back for writing.
pub async fn drafted(
    app: &App,
    database: &mut crate::database::Database,
    mut project: Project,
    id: &Id,
) -> Result<(Server, (Project, Drafted))> {
    project.require_sound()?;
    // In memory only: what is observed of edges counts, and no file is written.
    project.seal();
    let order: Vec<Migration> = project.ordered(&project.graph()?).into_iter().cloned().collect();
    let at = order.iter().position(|migration| migration.id == *id);
    let (ran, rest) = order.split_at(at.ok_or_else(|| Fault::bug("the migration stands nowhere"))?);
    let server = database.server().clone();
    let mut maker = app.maker(database).await?;
    let ran: Vec<&Migration> = ran.iter().collect();
    let drafted = drafting::draft(&mut maker, &server, &rest[0], &ran, &app.context).await?;
    Ok((server, (project, drafted)))
}

/// # Errors
/// Where a down does something already, or is declared not to exist.
fn require_free(project: &Project, id: &Id, force: bool) -> Result<()> {
    let down = project.get(id).map(|migration| &migration.down);
    match down {
        Some(Down::Irreversible(_)) => {
            let fault = Fault::refused(format!("`{id}` is declared irreversible"));
            Err(fault.help(format!(
                "take `[irreversible]` out of its migration.toml; `switchback draft {id} --print` shows a draft"
            )))
        }
        Some(Down::Script(script)) if does_something(script) && !force => {
            let fault = Fault::refused(format!("`{id}` has a down already")).at(script.place(0));
            Err(fault.help(format!(
                "`switchback draft {id} --print` shows what would be drafted, `--force` replaces the down"
            )))
        }
        _ => Ok(()),
    }
}

fn does_something(script: &Script) -> bool {
    let is_idle = |statement| {
        let class = class::classify(script, statement);
        class.vacuous || matches!(class.transaction_control, Some(Control::Whole(_)))
    };
    script.problem().is_some() || !script.statements().iter().all(is_idle)
}

/// Writes the draft as the migration's down, in its layout's own place.
pub fn write(project: &Project, id: &Id, drafted: &Drafted) -> Result<Place> {
    let migration = project.get(id).ok_or_else(|| Fault::bug("the migration is gone"))?;
    let read = |path: &str| match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::io(format!("cannot read `{path}`"), &error)),
    };
    let up = read(migration.up.path())?.unwrap_or_default();
    let (path, text) = project.layout.with_down(migration, &up, &drafted.written)?;
    let before = read(&path)?;
    write_whole(Path::new(&path), &text)?;
    Ok(Place { path, before })
}

/// Says what came of it; a draft that is not proven is shown, and is a finding.
pub fn tell(
    app: &App,
    command: &'static str,
    server: &Server,
    id: &Id,
    drafted: &Drafted,
    place: Option<&Place>,
) -> Result<u8> {
    let script = drafted.written.text(None);
    let code = if drafted.is_proven { exit::DONE } else { exit::FINDINGS };
    match app.voice {
        ui::Voice::Json => {
            let outcome = if drafted.is_proven { "ok" } else { "findings" };
            let fields = json!({
                "id": id,
                "engine": server.engine,
                "verdict": drafted.verdict,
                "proven": drafted.is_proven,
                "written": place.map(|place| &place.path),
                "script": script,
                "lost": drafted.said,
                "findings": drafted.findings.iter().map(json::finding).collect::<Vec<_>>(),
            });
            ui::out(&format!("{}\n", json::command(command, outcome, fields)));
        }
        ui::Voice::Human => {
            drafted.findings.iter().for_each(|finding: &Finding| ui::talk(&human::finding(finding)));
            match place {
                Some(place) => {
                    ui::talk(&replaced(place));
                    ui::out(&format!("{}\n", place.path));
                }
                None => ui::exactly(&script),
            }
            if place.is_some() && !drafted.said.is_empty() {
                ui::talk("what SQL alone does not bring back:\n");
                drafted.said.iter().for_each(|said| ui::talk(&format!("  {}\n", clean(said))));
            }
            ui::talk(&outcome(id, drafted, place));
        }
    }
    Ok(code)
}

fn outcome(id: &Id, drafted: &Drafted, place: Option<&Place>) -> String {
    let verdict = drafted.verdict;
    match (drafted.is_proven, place) {
        (true, Some(_)) => {
            format!("the drafted down of {id} is written and proven: {verdict}; read it before you commit it\n")
        }
        (true, None) => format!("the drafted down of {id} is proven: {verdict}; nothing was written\n"),
        (false, _) => {
            format!("the drafted down of {id} is not proven ({verdict}), so it is not written; it is shown above\n")
        }
    }
}

/// What the draft has replaced, as a difference; nothing where there were no statements.
fn replaced(place: &Place) -> String {
    let (Some(before), Ok(after)) = (&place.before, std::fs::read_to_string(&place.path)) else { return String::new() };
    let is_note = |line: &str| line.trim().is_empty() || line.trim_start().starts_with("--");
    if before.lines().all(is_note) {
        return String::new();
    }
    let diff = similar::TextDiff::from_lines(before, &after);
    format!("{} now reads otherwise:\n{}", clean(&place.path), diff.unified_diff().context_radius(2))
}
