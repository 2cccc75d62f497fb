//! `switchback seal`

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::engine;
use crate::fault::Result;
use crate::id::Id;
use crate::project::Project;
use crate::report::{clean, json};

/// Write the checksums of all migrations into the registry
#[derive(Args)]
pub struct Seal {}

pub fn run(app: &App, _args: &Seal) -> Result<u8> {
    let mut changes: Vec<(&'static str, Id)> = Vec::new();
    let mut written = false;
    for name in app.engines()? {
        let Some(engine) = engine::by_scheme(name) else { continue };
        let mut project = Project::load(&app.files(), name, engine.dialect().flavor)?;
        project.require_readable()?;
        let sealed = project.seal();
        written |= project.save()?;
        for (word, ids) in [("added", sealed.added), ("changed", sealed.changed), ("removed", sealed.removed)] {
            changes.extend(ids.into_iter().map(|id| (word, id)));
        }
    }
    changes.sort_by(|a, b| a.1.cmp(&b.1));
    changes.dedup();
    match app.voice {
        ui::Voice::Json => {
            let list: Vec<_> = changes.iter().map(|(word, id)| json!({"id": id, "change": word})).collect();
            ui::out(&format!("{}\n", json::command("seal", "ok", json!({"written": written, "changes": list}))));
        }
        ui::Voice::Human => {
            changes.iter().for_each(|(word, id)| ui::out(&format!("{word:<8} {}\n", clean(id.as_str()))));
            ui::talk(if written {
                "the registry is written; commit it with the migrations\n"
            } else {
                "the registry is up to date\n"
            });
        }
    }
    Ok(exit::DONE)
}
