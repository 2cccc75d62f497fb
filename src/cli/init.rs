//! `switchback init`

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::fault::{Fault, Result};
use crate::project::write_whole;
use crate::registry;
use crate::report::json;

/// Prepare a folder: the migrations' folder, switchback.toml, .gitattributes for merging, and .env kept out of git
#[derive(Args)]
pub struct Init {}

const CONFIG: &str = "\
# Settings of switchback; all are optional. DATABASE_URL (also from .env) and ./migrations suffice.
# migrations = \"migrations\"

# [databases.production]
# url_env = \"PRODUCTION_URL\"
# password_command = \"pass show production\"
";

pub fn run(app: &App, _args: &Init) -> Result<u8> {
    let root = &app.config.root;
    let dir = &app.config.migrations;
    let mut made = Vec::new();
    if !dir.is_dir() {
        let failed = |error: std::io::Error| Fault::io(format!("cannot make `{}`", dir.display()), &error);
        std::fs::create_dir_all(dir).map_err(failed)?;
        made.push(dir.display().to_string());
    }
    let config = root.join("switchback.toml");
    if !config.exists() {
        write_whole(&config, CONFIG)?;
        made.push(config.display().to_string());
    }
    let attributes = dir.join(".gitattributes");
    if add_lines(&attributes, &[&format!("{} merge=union text eol=lf", registry::FILE), "*.sql text eol=lf"])? {
        made.push(attributes.display().to_string());
    }
    // It may hold passwords, and what is in git once stays there.
    if root.join(".env").is_file() {
        let ignored = root.join(".gitignore");
        if !ignores_env(&ignored)? && add_lines(&ignored, &[".env"])? {
            made.push(ignored.display().to_string());
        }
    }
    match app.voice {
        ui::Voice::Json => ui::out(&format!("{}\n", json::command("init", "ok", json!({"made": made})))),
        ui::Voice::Human => {
            made.iter().for_each(|path| ui::out(&format!("made {path}\n")));
            ui::talk("next: `switchback new NAME` makes the first migration\n");
        }
    }
    Ok(exit::DONE)
}

/// Whether a line of the file says of `.env` that git leaves it out, or, with `!`, that it does not.
fn ignores_env(path: &Path) -> Result<bool> {
    let covers = |line: &str| matches!(line.trim().trim_start_matches(['!', '/']), ".env" | ".env*" | "*.env");
    Ok(text_of(path)?.lines().any(covers))
}

/// The file's text; empty where there is no file.
fn text_of(path: &Path) -> Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Fault::io(format!("cannot read `{}`", path.display()), &error)),
    }
}

/// Adds the lines that the file lacks; tells whether there were any.
fn add_lines(path: &Path, lines: &[&str]) -> Result<bool> {
    let mut text = text_of(path)?;
    let missing: Vec<&&str> = lines.iter().filter(|line| !text.lines().any(|old| old.trim() == **line)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    missing.iter().for_each(|line| {
        text.push_str(line);
        text.push('\n');
    });
    write_whole(path, &text)?;
    Ok(true)
}
