//! What differs from a revision of the repository, and the files that it has, asked of the `git` program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::fault::{Fault, Result};
use crate::layout::{Bytes, HINTS, Kind, Listed, Shelf};

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
    let (top, commit) = (top(dir)?, commit(dir, revision)?);
    let tracked = ask(dir, &["diff", "--name-only", "--no-renames", "-z", &commit, "--", "."])?;
    let untracked = ask(dir, &["ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", "."])?;
    let names = tracked.split('\0').chain(untracked.split('\0')).filter(|name| !name.is_empty());
    Ok(names.map(|name| top.join(name)).collect())
}

fn top(dir: &Path) -> Result<PathBuf> {
    let top = ask(dir, &["rev-parse", "--show-toplevel"]).map_err(no_repository)?;
    Ok(PathBuf::from(top.trim_end_matches(['\r', '\n'])))
}

fn no_repository(fault: Fault) -> Fault {
    fault.help("a revision is asked of git, so the migrations have to stand in a git repository")
}

fn commit(dir: &Path, revision: &str) -> Result<String> {
    let commit = ask(dir, &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")]);
    Ok(commit.map_err(|fault| missing(dir, fault, revision))?.trim().to_owned())
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
    Ok(String::from_utf8_lossy(&run(dir, arguments, Stdio::null())?).into_owned())
}

fn run(dir: &Path, arguments: &[&str], input: Stdio) -> Result<Vec<u8>> {
    let command = format!("git {}", arguments.first().copied().unwrap_or_default());
    let ran = Command::new("git").arg("-C").arg(dir).args(arguments).stdin(input).output();
    match ran {
        Ok(Output { status, stdout, .. }) if status.success() => Ok(stdout),
        Ok(Output { stderr, .. }) => {
            let text = String::from_utf8_lossy(&stderr);
            let lines = text.lines().filter(|line| !line.is_empty()).map(str::to_owned);
            Err(lines.fold(Fault::usage(format!("`{command}` failed")), Fault::cause))
        }
        Err(error) => Err(Fault::usage(format!("`{command}` cannot be run")).cause(error.to_string())),
    }
}

/// The files of a folder as a revision has them, in memory: no name or link of a repository leads anywhere.
#[derive(Clone, Debug)]
pub struct Files {
    shown: String,
    /// By path below the folder. What tells layouts apart may also stand beside it.
    files: BTreeMap<String, (Kind, Vec<u8>)>,
}

impl Files {
    /// # Errors
    /// Where the revision or the folder in it is not there.
    pub fn at(dir: &Path, revision: &str) -> Result<Files> {
        let prefix = ask(dir, &["rev-parse", "--show-prefix"]).map_err(no_repository)?;
        let prefix = prefix.trim_end_matches(['\r', '\n', '/']);
        let commit = commit(dir, revision)?;
        let mut asked = vec!["ls-tree", "-r", "-z", &commit, "--", "."];
        let beside = HINTS.map(|hint| format!("../{hint}"));
        if !prefix.is_empty() {
            asked.extend(beside.iter().map(String::as_str));
        }
        let listed = ask(dir, &asked)?;
        let blobs: Vec<Blob<'_>> = listed.split_terminator('\0').filter_map(Blob::parse).collect();
        if blobs.iter().all(|blob| blob.path.starts_with("../")) {
            return Err(Fault::usage(format!("{revision} has no files below {}", dir.display())));
        }
        let contents = contents(dir, &blobs)?;
        let files = blobs.iter().zip(contents).map(|(blob, bytes)| (blob.path.to_owned(), (blob.kind, bytes)));
        let shown = format!("{revision}:{}", if prefix.is_empty() { "." } else { prefix });
        Ok(Files { shown, files: files.collect() })
    }

    /// The folder in git's own words, `REV:PATH`.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The bytes of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).filter(|(kind, _)| *kind == Kind::File).map(|(_, bytes)| bytes.as_slice())
    }

    /// What stands below a folder that is given with its final slash, by path from there.
    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, Kind)> {
        let from = self.files.range::<str, _>((Bound::Included(folder), Bound::Unbounded));
        from.map_while(move |(path, (kind, _))| Some((path.strip_prefix(folder)?, *kind)))
    }
}

impl Shelf for Files {
    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let entry = |(path, kind): (&str, Kind)| match path.split_once('/') {
            Some((name, _)) => Listed { name: name.into(), kind: Kind::Folder },
            None => Listed { name: path.into(), kind },
        };
        let mut listed: Vec<Listed> = self.below(&folder).map(entry).collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        listed.dedup_by(|a, b| a.name == b.name);
        Ok(listed)
    }

    fn read(&self, path: &str, most: usize) -> io::Result<Bytes> {
        let bytes = self.get(path).ok_or(io::ErrorKind::NotFound)?;
        let fits = bytes.len() <= most;
        Ok(if fits { Bytes::Whole(bytes.to_vec()) } else { Bytes::TooMany(bytes.len() as u64) })
    }

    fn has_hint(&self, name: &str) -> bool {
        let stands = |path: &str| self.files.contains_key(path) || self.below(&format!("{path}/")).next().is_some();
        stands(name) || stands(&format!("../{name}"))
    }
}

/// A line of `git ls-tree`.
struct Blob<'a> {
    kind: Kind,
    object: &'a str,
    path: &'a str,
}

impl<'a> Blob<'a> {
    fn parse(line: &'a str) -> Option<Blob<'a>> {
        let (facts, path) = line.split_once('\t')?;
        let mut facts = facts.split(' ');
        let kind = match (facts.next()?, facts.next()?) {
            ("120000", _) => Kind::Link,
            (_, "blob") => Kind::File,
            _ => Kind::Special,
        };
        Some(Blob { kind, object: facts.next()?, path })
    }

    /// Whether its bytes are wanted: those of names that start with a dot are not, nor of what stands beside the folder.
    fn is_read(&self) -> bool {
        self.kind == Kind::File && !self.path.starts_with('.')
    }
}

/// The bytes of what is wanted, all from one process; no bytes of anything else.
fn contents(dir: &Path, blobs: &[Blob<'_>]) -> Result<Vec<Vec<u8>>> {
    let objects: String = blobs.iter().filter(|blob| blob.is_read()).map(|blob| format!("{}\n", blob.object)).collect();
    let answer = run(dir, &["cat-file", "--batch"], input(&objects)?.into())?;
    let mut rest = answer.as_slice();
    let mut next = |object: &str| {
        let (head, behind) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'\n')? + 1)?;
        let size = str::from_utf8(head).ok()?.trim_end().strip_prefix(object)?.strip_prefix(" blob ")?;
        let (bytes, behind) = behind.split_at_checked(size.parse().ok()?)?;
        rest = behind.strip_prefix(b"\n")?;
        Some(bytes.to_vec())
    };
    let told = |object: &str| Fault::usage(format!("`git cat-file` does not give the object {object}"));
    let bytes = |blob: &Blob<'_>| match blob.is_read() {
        true => next(blob.object).ok_or_else(|| told(blob.object).help("`git fsck` tells what is missing")),
        false => Ok(Vec::new()),
    };
    blobs.iter().map(bytes).collect()
}

/// A file to be read from, because a pipe fills up while git waits for us to take what it says.
fn input(text: &str) -> Result<File> {
    let write = || -> io::Result<File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok(file)
    };
    write().map_err(|error| Fault::io("cannot write what git is asked for", &error))
}
