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
pub const HINTS: [&str; 3] = ["diesel.toml", "sqlx.toml", ".sqlx"];

/// Where the files of a tree stand: a folder on disk, or a revision. Paths are relative to the root, which is `""`.
pub trait Shelf: Sync {
    /// What stands in a folder, sorted by the bytes of the names.
    ///
    /// # Errors
    /// It is not there or cannot be listed.
    fn list(&self, folder: &str) -> io::Result<Vec<Listed>>;

    /// A file's bytes, where there are no more than `most`.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self, path: &str, most: usize) -> io::Result<Bytes>;

    /// Whether something of this name stands in the root or beside it.
    fn has_hint(&self, name: &str) -> bool;
}

/// One entry of a listing.
#[derive(Clone, Debug)]
pub struct Listed {
    pub name: OsString,
    pub kind: Kind,
}

/// What an entry of a listing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    Special,
}

/// What reading a file gave.
pub enum Bytes {
    Whole(Vec<u8>),
    /// There are so many that it was not read.
    TooMany(u64),
}

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
        Tree::on(&Disk(root), root.to_string_lossy().trim_end_matches('/'))
    }

    /// Reads what stands on a shelf; `shown` is its root's path as the user would type it. What is wrong inside are findings.
    ///
    /// # Errors
    /// The root itself is not there or cannot be listed.
    pub fn on(shelf: &dyn Shelf, shown: &str) -> Result<Tree> {
        let listed = shelf.list("").map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Fault::usage(format!("there is no folder `{shown}`")).help("`switchback init` makes one")
            }
            io::ErrorKind::NotADirectory => Fault::usage(format!("`{shown}` is not a folder")),
            _ => Fault::io(format!("cannot read the folder `{shown}`"), &error),
        })?;
        let mut findings = colliding(shown, &listed);
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for seen in map_all(&listed, |entry| look(shelf, shown, None, entry)) {
            findings.extend(seen.findings);
            folders.extend(seen.folder);
            files.extend(seen.file);
        }
        let hints = HINTS.into_iter().filter(|hint| shelf.has_hint(hint)).collect();
        Ok(Tree { shown: shown.to_owned(), folders, files, findings, hints })
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

/// The most that `migration.toml` or another tool's settings of a migration may have, in bytes.
const MAX_SETTINGS_BYTES: usize = 1 << 20;

/// What a script that is not large fits into, in bytes.
const BUFFER_BYTES: u64 = 64 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What an entry turned out to be.
#[derive(Default)]
struct Seen {
    folder: Option<Folder>,
    file: Option<File>,
    findings: Vec<Finding>,
}

/// A folder on disk.
struct Disk<'a>(&'a Path);

impl Shelf for Disk<'_> {
    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let entries = fs::read_dir(self.0.join(folder))?.map(|entry| {
            let entry = entry?;
            Ok(Listed { name: entry.file_name(), kind: kind(entry.file_type()?) })
        });
        let mut listed = entries.collect::<io::Result<Vec<Listed>>>()?;
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    fn read(&self, path: &str, most: usize) -> io::Result<Bytes> {
        let (opened, most) = (fs::File::open(self.0.join(path))?, most as u64);
        // Scripts are small: one buffer is read into again and again, and only a large file is asked for its size.
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            (&opened).take(BUFFER_BYTES).read_to_end(buffer)?;
            if (buffer.len() as u64) < BUFFER_BYTES {
                return Ok(Bytes::Whole(buffer.as_slice().to_vec()));
            }
            let size = opened.metadata()?.len();
            if size > most {
                return Ok(Bytes::TooMany(size));
            }
            // The file may grow while it is read.
            let mut bytes = std::mem::take(buffer);
            opened.take(most + 1 - BUFFER_BYTES).read_to_end(&mut bytes)?;
            let size = bytes.len() as u64;
            Ok(if size > most { Bytes::TooMany(size) } else { Bytes::Whole(bytes) })
        })
    }

    fn has_hint(&self, name: &str) -> bool {
        self.0.join(name).exists() || self.0.join("..").join(name).exists()
    }
}

fn kind(of: fs::FileType) -> Kind {
    match of {
        _ if of.is_file() => Kind::File,
        _ if of.is_dir() => Kind::Folder,
        _ if of.is_symlink() => Kind::Link,
        _ => Kind::Special,
    }
}

/// Looks at an entry of the root or of a folder in it; no layout looks deeper.
fn look(shelf: &dyn Shelf, shown: &str, folder: Option<&str>, entry: &Listed) -> Seen {
    let within = |name: &str| folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
    let Some(name) = entry.name.to_str() else {
        let path = format!("{shown}/{}", within(&entry.name.to_string_lossy()));
        let finding = Finding::error("name-not-utf8", "the name is not UTF-8, so it cannot be an id");
        return Seen { findings: vec![finding.at(Place::new(path, 1, 1)).help("rename it")], ..Seen::default() };
    };
    if name.starts_with('.') {
        return Seen::default();
    }
    let within = within(name);
    let path = format!("{shown}/{within}");
    let wanted = names::is_wanted(name);
    let read = match entry.kind {
        Kind::Folder if !wanted && folder.is_none() => return look_into(shelf, shown, name, path),
        Kind::Folder if !wanted => return Seen::default(),
        Kind::File if wanted => read(shelf, &within, &path).map(Content::Read),
        Kind::File => Ok(Content::Unread),
        Kind::Folder | Kind::Link | Kind::Special => Err(Box::new(irregular(entry.kind, wanted, &path))),
    };
    let (content, findings) = match read {
        Ok(content) => (content, Vec::new()),
        Err(finding) => (Content::Broken, vec![*finding]),
    };
    let file = File { name: name.to_owned(), path, content };
    Seen { folder: None, file: Some(file), findings }
}

fn look_into(shelf: &dyn Shelf, shown: &str, name: &str, path: String) -> Seen {
    let listed = match shelf.list(name) {
        Ok(listed) => listed,
        Err(error) => {
            return Seen { findings: vec![unreadable("the folder", &path, &error)], ..Seen::default() };
        }
    };
    let mut findings = colliding(&path, &listed);
    let mut files = Vec::with_capacity(listed.len());
    for entry in &listed {
        let seen = look(shelf, shown, Some(name), entry);
        files.extend(seen.file);
        findings.extend(seen.findings);
    }
    Seen { folder: Some(Folder { name: name.to_owned(), path, files }), file: None, findings }
}

fn read(shelf: &dyn Shelf, within: &str, path: &str) -> std::result::Result<Vec<u8>, Box<Finding>> {
    let (most, what) = match path.ends_with(".toml") {
        true => (MAX_SETTINGS_BYTES, "a file of settings"),
        false => (MAX_SCRIPT_BYTES, "a script"),
    };
    match shelf.read(within, most) {
        Ok(Bytes::Whole(bytes)) => Ok(bytes),
        Ok(Bytes::TooMany(size)) => {
            let message = format!("the file has {size} bytes; {most} are the most that {what} may have");
            let finding = Finding::error("too-large", message).at(Place::new(path, 1, 1));
            Err(Box::new(finding.help("split it, or load bulk data by other means")))
        }
        Err(error) => Err(Box::new(unreadable("the file", path, &error))),
    }
}

fn unreadable(what: &str, path: &str, error: &io::Error) -> Finding {
    let finding = Finding::error("unreadable", format!("{what} cannot be read"));
    finding.detail(vec![error.to_string()]).at(Place::new(path, 1, 1))
}

/// A link, a FIFO, a folder where a script should stand. It matters where the name is that of a script.
fn irregular(kind: Kind, wanted: bool, path: &str) -> Finding {
    let what = match kind {
        Kind::Link => "a symbolic link",
        Kind::Folder => "a folder",
        Kind::File | Kind::Special => "a special file",
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
