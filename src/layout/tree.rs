//! The tree: a migrations folder, read once into memory.
//!
//! Files are data from a checkout, so nothing in them is believed: links are not followed (they could leave the folder or go
//! round), only regular files are opened (a FIFO would hang), sizes are looked at before bytes are read, and whatever could
//! not be read is told as a finding instead of looking as if it were not there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::{map_all, names};
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::sql::MAX_SCRIPT_BYTES;

/// Files of other tools that tell layouts apart; looked for in the folder and in its parent.
const HINTS: &[&str] = &["diesel.toml", "sqlx.toml", ".sqlx"];

/// A migrations folder: its files, and the files of the folders in it, sorted by name. Names that start with a dot are left out.
#[derive(Debug)]
pub struct Tree {
    shown: String,
    folders: Vec<Folder>,
    files: Vec<File>,
    findings: Vec<Finding>,
    hints: Vec<&'static str>,
}

/// A folder inside of the migrations folder.
#[derive(Debug)]
pub struct Folder {
    pub name: String,
    /// As the user would type it.
    pub path: String,
    pub files: Vec<File>,
}

/// A file, read if any layout could want its text.
#[derive(Debug)]
pub struct File {
    pub name: String,
    /// As the user would type it.
    pub path: String,
    pub content: Content,
}

/// What is known of a file's bytes.
#[derive(Debug)]
pub enum Content {
    Read(Vec<u8>),
    /// No layout reads such names.
    Unread,
    /// It should have been read and could not be; a finding of the tree says why.
    Broken,
}

impl Tree {
    /// Reads a folder. What is wrong inside of it are findings.
    ///
    /// # Errors
    /// The folder itself is not there or cannot be listed.
    pub fn read(root: &Path) -> Result<Tree> {
        let shown = root.to_string_lossy().trim_end_matches('/').to_owned();
        let listed = list(root).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Fault::usage(format!("there is no folder `{}`", root.display())).help("`switchback init` makes one")
            }
            io::ErrorKind::NotADirectory => Fault::usage(format!("`{}` is not a folder", root.display())),
            _ => Fault::io(format!("cannot read the folder `{}`", root.display()), &error),
        })?;
        let mut findings = colliding(&shown, &listed);
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for seen in map_all(&listed, |entry| look(root, &shown, entry, Depth::Root)) {
            findings.extend(seen.findings);
            folders.extend(seen.folder);
            files.extend(seen.file);
        }
        let parent = root.join("..");
        let stands = |hint: &&str| root.join(hint).exists() || parent.join(hint).exists();
        let hints = HINTS.iter().copied().filter(stands).collect();
        Ok(Tree { shown, folders, files, findings, hints })
    }

    /// The folder's path as the user typed it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }

    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// What could not be read, and names that would collide elsewhere.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether a file that tells tools apart (such as `diesel.toml`) stands in the folder or beside it.
    pub fn has_hint(&self, name: &str) -> bool {
        self.hints.contains(&name)
    }
}

impl Folder {
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.binary_search_by(|file| file.name.as_str().cmp(name)).ok().map(|at| &self.files[at])
    }
}

impl File {
    /// The bytes, where they were wanted and could be read.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Read(bytes) => Some(bytes),
            Content::Unread | Content::Broken => None,
        }
    }

    /// The start of the file, to be pointed at.
    pub fn place(&self) -> Place {
        Place::new(&self.path, 1, 1)
    }
}

/// One entry of a listing.
struct Listed {
    name: OsString,
    kind: fs::FileType,
}

/// What a script that is not large fits into, in bytes.
const BUFFER_BYTES: u64 = 64 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How far below the root an entry lies; no layout looks deeper than one folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Root,
    Folder,
}

/// What an entry turned out to be.
#[derive(Default)]
struct Seen {
    folder: Option<Folder>,
    file: Option<File>,
    findings: Vec<Finding>,
}

/// Entries sorted by the bytes of their names.
fn list(dir: &Path) -> io::Result<Vec<Listed>> {
    let entries = fs::read_dir(dir)?.map(|entry| {
        let entry = entry?;
        Ok(Listed { name: entry.file_name(), kind: entry.file_type()? })
    });
    let mut listed = entries.collect::<io::Result<Vec<Listed>>>()?;
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

fn look(dir: &Path, shown: &str, entry: &Listed, depth: Depth) -> Seen {
    let Some(name) = entry.name.to_str() else {
        let path = format!("{shown}/{}", entry.name.to_string_lossy());
        let finding = Finding::error("name-not-utf8", "the name is not UTF-8, so it cannot be an id");
        return Seen { findings: vec![finding.at(Place::new(path, 1, 1)).help("rename it")], ..Seen::default() };
    };
    if name.starts_with('.') {
        return Seen::default();
    }
    let path = format!("{shown}/{name}");
    let wanted = names::is_wanted(name);
    if entry.kind.is_dir() && !wanted {
        return if depth == Depth::Root { look_into(&dir.join(name), name, path) } else { Seen::default() };
    }
    let read = if entry.kind.is_file() {
        if wanted { read(&dir.join(name), &path).map(Content::Read) } else { Ok(Content::Unread) }
    } else {
        Err(Box::new(irregular(entry.kind, wanted, &path)))
    };
    let (content, findings) = match read {
        Ok(content) => (content, Vec::new()),
        Err(finding) => (Content::Broken, vec![*finding]),
    };
    let file = File { name: name.to_owned(), path, content };
    Seen { folder: None, file: Some(file), findings }
}

fn look_into(dir: &Path, name: &str, path: String) -> Seen {
    let listed = match list(dir) {
        Ok(listed) => listed,
        Err(error) => {
            return Seen { findings: vec![unreadable("the folder", &path, &error)], ..Seen::default() };
        }
    };
    let mut findings = colliding(&path, &listed);
    let mut files = Vec::with_capacity(listed.len());
    for entry in &listed {
        let seen = look(dir, &path, entry, Depth::Folder);
        files.extend(seen.file);
        findings.extend(seen.findings);
    }
    Seen { folder: Some(Folder { name: name.to_owned(), path, files }), file: None, findings }
}

fn read(file: &Path, path: &str) -> std::result::Result<Vec<u8>, Box<Finding>> {
    let told = |error: io::Error| Box::new(unreadable("the file", path, &error));
    let most = MAX_SCRIPT_BYTES as u64;
    let too_large = |size: u64| {
        let message = format!("the file has {size} bytes; {most} are the most that a script may have");
        let finding = Finding::error("too-large", message).at(Place::new(path, 1, 1));
        Box::new(finding.help("split it, or load bulk data by other means"))
    };
    let opened = fs::File::open(file).map_err(told)?;
    // Scripts are small: one buffer is read into again and again, and only a large file is asked for its size.
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        (&opened).take(BUFFER_BYTES).read_to_end(buffer).map_err(told)?;
        if (buffer.len() as u64) < BUFFER_BYTES {
            return Ok(buffer.as_slice().to_vec());
        }
        let size = opened.metadata().map_err(told)?.len();
        if size > most {
            return Err(too_large(size));
        }
        // The file may grow while it is read.
        let mut bytes = std::mem::take(buffer);
        opened.take(most + 1 - BUFFER_BYTES).read_to_end(&mut bytes).map_err(told)?;
        if bytes.len() as u64 > most { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
    })
}

fn unreadable(what: &str, path: &str, error: &io::Error) -> Finding {
    let finding = Finding::error("unreadable", format!("{what} cannot be read"));
    finding.detail(vec![error.to_string()]).at(Place::new(path, 1, 1))
}

/// A link, a FIFO, a folder where a script should stand. It matters where the name is that of a script.
fn irregular(kind: fs::FileType, wanted: bool, path: &str) -> Finding {
    let what = if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else {
        "a special file"
    };
    let message = format!("{what} is not read: only regular files and folders are");
    let finding = if wanted { Finding::error("not-a-file", message) } else { Finding::warning("not-a-file", message) };
    finding.at(Place::new(path, 1, 1))
}

/// Names that are one name on a file system that ignores case.
fn colliding(shown: &str, listed: &[Listed]) -> Vec<Finding> {
    let names = || listed.iter().filter_map(|entry| entry.name.to_str());
    if !names().any(|name| name.chars().any(char::is_uppercase)) {
        return Vec::new();
    }
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for name in names() {
        if let Some(first) = folded.insert(name.to_lowercase(), name) {
            let message =
                format!("`{name}` and `{first}` differ in case only: some file systems keep only one of them");
            let place = Place::new(format!("{shown}/{name}"), 1, 1);
            findings.push(Finding::error("case-collision", message).at(place).help("rename one of them"));
        }
    }
    findings
}
