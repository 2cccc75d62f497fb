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
        let file = file.filter(|file| !is_stdout(file)).map(|file| file.display().to_string());
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

    /// # Errors
    /// Usage where a page would be written over the plan that it is about.
    pub fn refuse_over(&self, plan: &Path) -> Result<()> {
        match self.asked().find(|(_, path)| *path == plan) {
            None => Ok(()),
            Some((page, _)) => {
                let fault = Fault::usage(format!("`--{}` would write over the plan itself", page.name));
                Err(fault.help("give it another file"))
            }
        }
    }

    /// Whether one of these files, or of those of `--sql` and such, is stdout.
    ///
    /// # Errors
    /// Usage where stdout is wanted twice, or by `--json` as well, and where two would write the same file.
    pub fn take_stdout(&self, app: &App, others: &[(&'static str, Option<&Path>)]) -> Result<bool> {
        let own = PAGES.iter().map(|page| (page.name, self.file(page)));
        let files = own.chain(others.iter().copied()).filter_map(|(flag, path)| Some((flag, path?)));
        let (wanting, files): (Vec<_>, Vec<_>) = files.partition(|(_, path)| is_stdout(path));
        for (at, (flag, path)) in files.iter().enumerate() {
            if let Some((other, _)) = files[..at].iter().find(|(_, other)| other == path) {
                let what = format!("`--{other}` and `--{flag}` would write the same file, {}", path.display());
                return Err(Fault::usage(what).help("give each a file of its own"));
            }
        }
        match wanting.as_slice() {
            [] => Ok(false),
            [(flag, _), ..] if app.voice == ui::Voice::Json => {
                let fault = Fault::usage("`--json` has stdout for itself");
                Err(fault.help(format!("give `--{flag}` a file")))
            }
            [_] => Ok(true),
            [(one, _), (other, _), ..] => {
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
        ui::exactly(text);
        return Ok(());
    }
    write_whole(path, text)
}
