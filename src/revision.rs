//! What differs from a revision of the repository, asked of the `git` program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::fault::{Fault, FaultKind, Result};

/// Branches that others start from, where the remote does not say which.
const TRUNKS: &[&str] = &["origin/HEAD", "origin/main", "origin/master", "main", "master"];

/// The commit at which this branch left the one that others start from, and that one's name.
///
/// # Errors
/// Where there is no git, no repository, or no such branch.
pub fn fork_point(dir: &Path) -> Result<(String, &'static str)> {
    let is_there = |name: &&str| ask(dir, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).is_ok();
    top(dir)?;
    let Some(trunk) = TRUNKS.iter().copied().find(|name| is_there(name)) else {
        let fault = Fault::usage("no branch is known that this one started from");
        return Err(fault.cause(format!("looked for {}", TRUNKS.join(", "))).help("name a revision: `--base REV`"));
    };
    let commit = ask(dir, &["merge-base", "HEAD", trunk]).map_err(|fault| missing(dir, fault, trunk))?;
    Ok((commit.trim().to_owned(), trunk))
}

/// The files below `dir` that the working tree has otherwise than a revision, or one of the two has not; whole paths.
///
/// # Errors
/// Where there is no git, no repository, or no such revision.
pub fn changed_since(dir: &Path, revision: &str) -> Result<BTreeSet<PathBuf>> {
    let top = top(dir)?;
    let commit = ask(dir, &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")]);
    let commit = commit.map_err(|fault| missing(dir, fault, revision))?;
    let tracked = ask(dir, &["diff", "--name-only", "--no-renames", "-z", commit.trim(), "--", "."])?;
    let untracked = ask(dir, &["ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", "."])?;
    let names = tracked.split('\0').chain(untracked.split('\0')).filter(|name| !name.is_empty());
    Ok(names.map(|name| top.join(name)).collect())
}

fn top(dir: &Path) -> Result<PathBuf> {
    let top = ask(dir, &["rev-parse", "--show-toplevel"]).map_err(|fault| {
        fault.help("a revision is asked of git, so the migrations have to stand in a git repository")
    })?;
    Ok(PathBuf::from(top.trim_end_matches(['\r', '\n'])))
}

/// Adds what helps where a revision is not there.
fn missing(dir: &Path, fault: Fault, revision: &str) -> Fault {
    let is_shallow = ask(dir, &["rev-parse", "--is-shallow-repository"]).is_ok_and(|answer| answer.trim() == "true");
    match is_shallow {
        true => fault.cause("this is a shallow clone, which lacks older commits").help(
            "fetch the whole history: `git fetch --unshallow`, `fetch-depth: 0` of actions/checkout, or `GIT_DEPTH: 0` in GitLab CI",
        ),
        false => fault.help(format!("`git fetch`, or name a revision that is there instead of `{revision}`")),
    }
}

/// What git answers.
fn ask(dir: &Path, arguments: &[&str]) -> Result<String> {
    let command = format!("git {}", arguments.first().copied().unwrap_or_default());
    let ran = Command::new("git").arg("-C").arg(dir).args(arguments).output();
    match ran {
        Ok(Output { status, stdout, .. }) if status.success() => Ok(String::from_utf8_lossy(&stdout).into_owned()),
        Ok(Output { stderr, .. }) => {
            let text = String::from_utf8_lossy(&stderr);
            let lines = text.lines().filter(|line| !line.is_empty()).map(str::to_owned);
            Err(lines.fold(Fault::usage(format!("`{command}` failed")), Fault::cause))
        }
        Err(error) => Err(Fault::usage(format!("`{command}` cannot be run")).cause(error.to_string())),
    }
}

/// A folder as a revision has it, taken out into a temporary one that is gone with this.
pub struct Folder(TempDir);

impl Folder {
    /// # Errors
    /// Where the revision or the folder in it is not there, or nothing can be written.
    pub fn at(dir: &Path, revision: &str) -> Result<Folder> {
        top(dir)?;
        let commit = ask(dir, &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")]);
        let commit = commit.map_err(|fault| missing(dir, fault, revision))?;
        let names = ask(dir, &["ls-tree", "-r", "-z", "--name-only", commit.trim(), "--", "."])?;
        let names: Vec<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err(Fault::usage(format!("{revision} has no files below {}", dir.display())));
        }
        let failed = |error: std::io::Error| {
            Fault::new(FaultKind::Io, "the files of a revision cannot be taken out").cause(error.to_string())
        };
        let folder = TempDir::with_prefix("switchback-").map_err(failed)?;
        for name in names {
            // Names are relative to `dir`, and git's own rules keep them below it.
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(folder.path())).map_err(failed)?;
            let shown =
                Command::new("git").arg("-C").arg(dir).args(["show", &format!("{}:./{name}", commit.trim())]).output();
            let shown = shown.map_err(failed)?;
            if !shown.status.success() {
                return Err(Fault::usage(format!("{name} cannot be read at {revision}")));
            }
            std::fs::write(path, shown.stdout).map_err(failed)?;
        }
        Ok(Folder(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
