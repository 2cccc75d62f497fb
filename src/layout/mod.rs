//! Layouts: how a folder of files is read as migrations.
//!
//! People come with a history that another tool has written. It is read in place, under its own names and in that tool's
//! order, so that trying switchback costs no renaming and the other tool keeps working. Each convention is one file here;
//! all of them are pure functions of a [`Tree`] that was read once, and all of them tell everything that is wrong at once.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

use chrono::NaiveDateTime;
use serde::de::DeserializeOwned;

use crate::draft::Written;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::id::MAX_BYTES;
use crate::migration::Migration;
use crate::sql::{Flavor, Script};

mod dbmate;
mod diesel;
mod golang_migrate;
mod goose;
mod names;
mod pairs;
mod sections;
mod seeds;
mod sql_migrate;
mod sqlx;
mod switchback;
mod tree;

pub use seeds::plant;
pub use tree::{Bytes, Content, File, Folder, HINTS, Kind, Listed, Shelf, Tree};

/// The family, in the order in which it is shown. Ours first: it is what an empty folder gets.
pub static LAYOUTS: &[&dyn Layout] = &[
    &switchback::Switchback,
    &golang_migrate::GolangMigrate,
    &diesel::Diesel,
    &sqlx::Sqlx,
    &dbmate::Dbmate,
    &goose::Goose,
    &sql_migrate::SqlMigrate,
];

/// What an engine is called in the name of a file that is for it alone.
const ENGINES: &[&str] = &["sqlite", "postgres", "mysql", "mariadb"];

/// Code of the finding that two migrations have one version: the tool would refuse them, and each by itself can be run.
pub const DUPLICATE_VERSION: &str = "duplicate-version";

/// How sure a layout is that a folder is written in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    No,
    /// The names fit, and nothing speaks for a layout that is more particular.
    Maybe,
    /// Something stands there that only this tool writes.
    Sure,
}

/// One directory convention.
pub trait Layout: Sync {
    /// The word for `layout = "…"` and `--layout`.
    fn name(&self) -> &'static str;

    fn recognises(&self, tree: &Tree) -> Certainty;

    /// The migrations as `engine` (`sqlite`, `postgres`, `mysql`, `mariadb`) would run them, in the tool's own order, with
    /// what this layout sees wrong. [`load`] adds what the tree saw.
    fn read(&self, tree: &Tree, engine: &str, flavor: Flavor) -> Loaded;

    /// The files of a new migration: paths relative to the folder, with their texts. `title` is a slug
    /// ([`crate::id::slug`]); `at` is UTC. Numbers go on where the folder counts, else the time is the version.
    fn new_files(&self, tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)>;

    /// Where a migration's way back is written, and the whole text that this file then has; `file` is the text of the one in
    /// which the up stands.
    ///
    /// # Errors
    /// Refused where the convention has no place for it.
    fn with_down(&self, migration: &Migration, _file: &str, down: &Written) -> Result<(String, String)> {
        let there = migration.down.script().map(Script::path);
        match there.map(str::to_owned).or_else(|| names::down_beside(migration.up.path())) {
            Some(path) => Ok((path, down.text(None))),
            None => {
                let up = migration.up.path();
                let fault =
                    Fault::refused(format!("`{up}` is not named as the up of a pair, so that its down has no name"));
                Err(fault.help("rename it to `….up.sql`; `switchback draft ID --print` shows the down"))
            }
        }
    }
}

/// The files of a new migration with its up in them.
pub fn with_up(files: Vec<(String, String)>, up: &str) -> Vec<(String, String)> {
    let is_one = files.len() == 1;
    let put = |(index, (path, text)): (usize, (String, String))| match text.split_once('\n') {
        Some((marker, rest)) if is_one => {
            (path, format!("{marker}\n{}\n{}", up.trim_end(), rest.trim_start_matches('\n')))
        }
        _ if index == 0 => (path, up.to_owned()),
        _ => (path, text),
    };
    files.into_iter().enumerate().map(put).collect()
}

/// What a folder gives.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// In the order in which the tool would apply them. What cannot be run at all (no up script) is left out and told.
    pub migrations: Vec<Migration>,
    /// Sorted by place. What is wrong inside a script is that script's own [`problem`](crate::sql::Script::problem) and not
    /// repeated here.
    pub findings: Vec<Finding>,
}

/// Reads a tree in a layout; findings of the tree, of the layout and of the ids, sorted by place.
pub fn load(layout: &dyn Layout, tree: &Tree, engine: &str, flavor: Flavor) -> Loaded {
    let mut loaded = layout.read(tree, engine, flavor);
    loaded.findings.extend(tree.findings().iter().cloned());
    let named = loaded.migrations.iter().filter_map(unusable_id);
    loaded.findings.extend(named.collect::<Vec<_>>());
    loaded.findings.sort_by(|a, b| a.place.cmp(&b.place));
    loaded
}

/// The layout of a name, as the configuration or `--layout` gives it.
///
/// # Errors
/// A usage fault that lists the names.
pub fn by_name(name: &str) -> Result<&'static dyn Layout> {
    LAYOUTS.iter().copied().find(|layout| layout.name() == name).ok_or_else(|| {
        let names: Vec<&str> = LAYOUTS.iter().map(|layout| layout.name()).collect();
        Fault::usage(format!("there is no layout `{name}`")).help(format!("layouts: {}", names.join(", ")))
    })
}

/// Finds the layout of a folder by what stands in it; an empty folder is ours.
///
/// # Errors
/// A usage fault when several layouts fit equally well, or when there are SQL files and none fits.
pub fn detect(tree: &Tree) -> Result<&'static dyn Layout> {
    let mut fits: BTreeMap<Certainty, Vec<&'static dyn Layout>> = BTreeMap::new();
    for layout in LAYOUTS {
        fits.entry(layout.recognises(tree)).or_default().push(*layout);
    }
    fits.remove(&Certainty::No);
    let shown = tree.shown();
    match fits.pop_last() {
        Some((_, best)) if best.len() == 1 => Ok(best[0]),
        Some((_, best)) => {
            let names: Vec<&str> = best.iter().map(|layout| layout.name()).collect();
            let fault = Fault::usage(format!("the files in `{shown}` fit more than one layout: {}", names.join(", ")));
            Err(fault.help(format!("say which: `layout = \"{0}\"` in switchback.toml, or `--layout {0}`", names[0])))
        }
        None => match tree.files().iter().find(|file| names::is_sql(&file.name)) {
            None => Ok(LAYOUTS[0]),
            Some(file) => {
                let fault = Fault::usage(format!("the files in `{shown}` fit no layout, such as `{}`", file.path));
                Err(fault.help("name the tool that wrote them with `layout = \"…\"` in switchback.toml or `--layout`"))
            }
        },
    }
}

/// One migration's share of a [`Loaded`]: a pure function of its files, so that shares can be made in parallel.
type Share = (Option<Migration>, Vec<Finding>);

impl FromIterator<Share> for Loaded {
    fn from_iter<I: IntoIterator<Item = Share>>(shares: I) -> Self {
        let mut loaded = Loaded::default();
        for (migration, findings) in shares {
            loaded.migrations.extend(migration);
            loaded.findings.extend(findings);
        }
        loaded
    }
}

/// From how many items on threads pay.
const PARALLEL_FROM: usize = 128;

/// Maps in order, on several threads where there is much to do.
fn map_all<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(8);
    if workers == 1 || items.len() < PARALLEL_FROM {
        return items.iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        // This thread takes a share too.
        let (first, rest) = items.split_at(items.len().div_ceil(workers));
        let chunks = rest.chunks(first.len());
        let running: Vec<_> =
            chunks.map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<R>>())).collect();
        let mut done: Vec<R> = first.iter().map(work).collect();
        for thread in running {
            done.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

/// Reads a TOML file beside scripts; what is wrong with it is told with its place.
fn toml_file<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> std::result::Result<T, Box<Finding>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Box::new(Finding::error("settings-invalid", "the file is not UTF-8").at(Place::new(path, 1, 1))));
    };
    toml::from_str(text).map_err(|error| {
        let before = &text[..error.span().map_or(0, |span| text.floor_char_boundary(span.start))];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let place = Place::new(path, narrow(line), narrow(column));
        Box::new(Finding::error("settings-invalid", error.message().trim_end()).at(place))
    })
}

/// An id that no ledger column or terminal line could hold.
fn unusable_id(migration: &Migration) -> Option<Finding> {
    let id = migration.id.as_str();
    let why = if id.len() > MAX_BYTES {
        format!("the name is {} bytes long; {MAX_BYTES} is the most", id.len())
    } else if id.chars().any(char::is_control) {
        "the name holds a control character".to_owned()
    } else {
        return None;
    };
    Some(Finding::error("id-unusable", why).at(Place::new(&migration.path, 1, 1)).help("rename it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_items_keep_their_order() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(map_all(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
    }

    #[test]
    fn names_are_unique_and_found_again() {
        for layout in LAYOUTS {
            assert_eq!(by_name(layout.name()).unwrap().name(), layout.name());
        }
        let unknown = by_name("flyweight").err().unwrap();
        assert!(unknown.parts().help.as_deref().unwrap().contains("golang-migrate"));
    }
}
