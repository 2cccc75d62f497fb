//! `switchback new`

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::fault::{Fault, Result};
use crate::id;
use crate::layout::{self, Tree};
use crate::project::write_whole;
use crate::report::json;

/// Make the files of a new migration, in the folder's own layout
#[derive(Args)]
pub struct New {
    /// What it does: `add users`, `index orders by customer`
    #[arg(value_name = "NAME", required = true)]
    name: Vec<String>,
}

pub fn run(app: &App, args: &New) -> Result<u8> {
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
    let mut made = Vec::new();
    for (path, text) in layout.new_files(&tree, &slug, at) {
        let path = files.dir.join(path);
        if path.exists() {
            return Err(Fault::refused(format!("`{}` is there already", path.display())));
        }
        if let Some(parent) = path.parent() {
            let failed = |error: std::io::Error| Fault::io(format!("cannot make `{}`", parent.display()), &error);
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        write_whole(&path, &text)?;
        made.push(path.display().to_string());
    }
    match app.voice {
        ui::Voice::Json => ui::out(&format!("{}\n", json::command("new", "ok", json!({"made": made})))),
        ui::Voice::Human => {
            made.iter().for_each(|path| ui::out(&format!("{path}\n")));
            ui::talk("write both ways, then `switchback verify` proves that the down undoes the up\n");
        }
    }
    Ok(exit::DONE)
}
