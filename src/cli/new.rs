//! `switchback new`

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{App, draft, exit, ui};
use crate::fault::{Fault, Result};
use crate::id;
use crate::layout::{self, Tree};
use crate::project::{Project, write_whole};
use crate::report::json;

/// Make the files of a new migration, in the folder's own layout
#[derive(Args)]
pub struct New {
    /// What it does: `add users`, `index orders by customer`
    #[arg(value_name = "NAME", required = true)]
    name: Vec<String>,
    /// Take the up from this file (`-`: from stdin) instead of leaving it empty
    #[arg(long, value_name = "FILE|-")]
    up: Option<PathBuf>,
    /// Draft the down as well, as `switchback draft` does; it is written where it proves
    #[arg(long, requires = "up")]
    draft_down: bool,
}

pub async fn run(app: &App, args: &New) -> Result<u8> {
    let title = args.name.join(" ");
    let Some(slug) = id::slug(&title) else {
        return Err(Fault::usage(format!("`{title}` has no letter or digit to make a name of")));
    };
    let files = app.files();
    if !files.dir.is_dir() {
        let fault = Fault::usage(format!("there is no folder `{}`", files.dir.display()));
        return Err(fault.help("`switchback init` makes it"));
    }
    let tree = Tree::read(&files.dir)?;
    let layout = match &files.layout {
        Some(name) => layout::by_name(name)?,
        None => layout::detect(&tree)?,
    };
    let at = (app.context.clock)().naive_utc();
    let mut wanted = layout.new_files(&tree, &slug, at);
    if let Some(path) = &args.up {
        wanted = layout::with_up(wanted, &up(path)?);
    }
    let wanted: Vec<(PathBuf, String)> = wanted.into_iter().map(|(path, text)| (files.dir.join(path), text)).collect();
    if let Some((path, _)) = wanted.iter().find(|(path, _)| path.exists()) {
        return Err(Fault::refused(format!("`{}` is there already", path.display())));
    }
    if args.draft_down {
        return draft_down(app, &wanted).await;
    }
    make(&wanted)?;
    let made: Vec<String> = wanted.iter().map(|(path, _)| path.display().to_string()).collect();
    match app.voice {
        ui::Voice::Json => ui::out(&format!("{}\n", json::command("new", "ok", json!({"made": made})))),
        ui::Voice::Human => {
            made.iter().for_each(|path| ui::out(&format!("{path}\n")));
            ui::talk("write both ways, then `switchback verify` proves that the down undoes the up\n");
        }
    }
    Ok(exit::DONE)
}

fn make(wanted: &[(PathBuf, String)]) -> Result<()> {
    for (path, text) in wanted {
        if let Some(parent) = path.parent() {
            let failed = |error: std::io::Error| Fault::io(format!("cannot make `{}`", parent.display()), &error);
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        write_whole(path, text)?;
    }
    Ok(())
}

/// The text of an up that stands somewhere else.
fn up(path: &Path) -> Result<String> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = read.map_err(|error| {
        let fault = Fault::io(format!("cannot read the up from `{}`", path.display()), &error);
        fault.kind_is(crate::fault::FaultKind::Usage)
    })?;
    if text.trim().is_empty() {
        return Err(Fault::usage(format!("the up from `{}` is empty", path.display())));
    }
    Ok(text)
}

/// Makes the files and drafts the down. An up that fails leaves none behind.
async fn draft_down(app: &App, wanted: &[(PathBuf, String)]) -> Result<u8> {
    let mut database = app.database().await?;
    let before: Vec<id::Id> = app.project(&database)?.migrations.into_iter().map(|one| one.id).collect();
    make(wanted)?;
    let drafted = async {
        let project: Project = app.project(&database)?;
        let new = project.migrations.iter().map(|one| &one.id).find(|id| !before.contains(id)).cloned();
        let id = new.ok_or_else(|| Fault::refused("the up is no script that the layout reads"))?;
        let (server, (project, drafted)) = draft::drafted(app, &mut database, project, &id).await?;
        Ok((server, project, id, drafted))
    };
    let (server, project, id, drafted) = match drafted.await {
        Ok(drafted) => drafted,
        Err(fault) => {
            unmake(wanted);
            return Err(fault);
        }
    };
    database.close().await;
    let place = if drafted.is_proven { Some(draft::write(&project, &id, &drafted)?) } else { None };
    if app.voice == ui::Voice::Human {
        let drafted_to = place.as_ref().map(|place| place.path.as_str());
        let others = wanted.iter().map(|(path, _)| path.display().to_string());
        others.filter(|path| Some(path.as_str()) != drafted_to).for_each(|path| ui::out(&format!("{path}\n")));
    }
    draft::tell(app, "new", &server, &id, &drafted, place.as_ref())
}

fn unmake(wanted: &[(PathBuf, String)]) {
    for (path, _) in wanted {
        let _ = std::fs::remove_file(path);
    }
    // A folder that was made for them is empty now; any other is not, and stays.
    if let Some(parent) = wanted.first().and_then(|(path, _)| path.parent()) {
        let _ = std::fs::remove_dir(parent);
    }
}
