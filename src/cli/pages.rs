//! What `plan` writes beside what it says: each into a file, or to stdout where that is called `-`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{App, ui};
use crate::fault::{Fault, Result};
use crate::picture::Picture;
use crate::project::write_whole;
use crate::report::pages::{PAGES, Page, Sheet};
use crate::saved::Saved;

/// Flags that ask for pages about a plan.
#[derive(Args, Clone, Debug, Default)]
pub struct Pages {
    /// Write a page about it for browsers, in one file (`-`: to stdout)
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a runbook for it in Markdown (`-`: to stdout)
    #[arg(long, value_name = "FILE")]
    runbook: Option<PathBuf>,
}

impl Pages {
    fn file(&self, page: &Page) -> Option<&Path> {
        match page.name {
            "html" => self.html.as_deref(),
            _ => self.runbook.as_deref(),
        }
    }

    /// The pages that are asked for, with their files.
    fn asked(&self) -> impl Iterator<Item = (&'static Page, &Path)> {
        PAGES.iter().filter_map(|page| Some((page, self.file(page)?)))
    }

    pub fn are_asked(&self) -> bool {
        self.asked().next().is_some()
    }

    /// Whether somebody is to act on a page.
    pub fn has_runbook(&self) -> bool {
        self.runbook.is_some()
    }

    /// Writes the pages; a saved plan is known by its file.
    ///
    /// # Errors
    /// Where a file cannot be written, or the plan lacks what a page shows.
    pub fn write(&self, plan: &Saved, file: Option<&Path>) -> Result<()> {
        let file = file.map(|file| file.display().to_string());
        for page in PAGES {
            let Some(path) = self.file(page) else { continue };
            let sheet = Sheet { plan, file: file.as_deref(), picture: picture(plan)? };
            write(path, &(page.write)(&sheet))?;
        }
        Ok(())
    }

    /// Says what was written.
    pub fn tell(&self) {
        let files = self.asked().filter(|(_, path)| !is_stdout(path));
        files.for_each(|(page, path)| ui::talk(&format!("the {} is written as {}\n", page.said, path.display())));
    }

    /// Says that there was nothing to write about.
    pub fn tell_unwritten(&self) {
        let files = self.asked().filter(|(_, path)| !is_stdout(path));
        files.for_each(|(_, path)| ui::talk(&format!("{} was not written\n", path.display())));
    }

    /// Whether one of these files is stdout, or that of `--sql`.
    ///
    /// # Errors
    /// Usage where stdout is wanted twice, or by `--json` as well.
    pub fn take_stdout(&self, app: &App, sql: Option<&Path>) -> Result<bool> {
        let flags = self.asked().map(|(page, path)| (page.name, path)).chain(sql.map(|path| ("sql", path)));
        let wanting: Vec<&str> = flags.filter(|(_, path)| is_stdout(path)).map(|(name, _)| name).collect();
        match wanting.as_slice() {
            [] => Ok(false),
            [name, ..] if app.voice == ui::Voice::Json => {
                let fault = Fault::usage("`--json` has stdout for itself");
                Err(fault.help(format!("give `--{name}` a file")))
            }
            [_] => Ok(true),
            [one, other, ..] => {
                let fault = Fault::usage(format!("`--{one}` and `--{other}` cannot both be written to stdout"));
                Err(fault.help(format!("give `--{other}` a file")))
            }
        }
    }
}

fn picture(plan: &Saved) -> Result<&Picture> {
    let fault = || Fault::usage("this plan holds no graph").help("it is of an older switchback: make it anew");
    plan.graph.as_ref().ok_or_else(fault)
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a file at once, or to stdout where it is called `-`.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if is_stdout(path) {
        ui::out(text);
        return Ok(());
    }
    write_whole(path, text)
}
