//! diesel: folders `<version>_<name>` with `up.sql`, `down.sql` and `metadata.toml`.
//!
//! The version is what stands before the first `_`, without its dashes, and is compared as text. A `metadata.toml` without
//! the key `run_in_transaction` means *no* transaction: the key's default is false, and only the file's absence means true.

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::names::{self, Lacks};
use super::{Certainty, DUPLICATE_VERSION, File, Folder, Layout, Loaded, Share, Tree, map_all, toml_file};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::migration::{Down, Migration, Settings, Transaction, TransactionModes};
use crate::sql::{Flavor, Script};

pub(super) struct Diesel;

const NAME: &str = "diesel";
const METADATA: &str = "metadata.toml";

/// What diesel reads of `metadata.toml`; it passes over other keys.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    run_in_transaction: bool,
}

impl Layout for Diesel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, tree: &Tree) -> Certainty {
        let mut folders = tree.folders().iter().filter(|folder| folder.file("up.sql").is_some()).peekable();
        let any = folders.peek().is_some();
        let particular = |folder: &Folder| has_dashed_date(&folder.name) || folder.file(METADATA).is_some();
        if any && (tree.has_hint("diesel.toml") || folders.any(particular)) { Certainty::Sure } else { Certainty::No }
    }

    fn read(&self, tree: &Tree, _engine: &str, flavor: Flavor) -> Loaded {
        let mut findings = Vec::new();
        let mut folders: Vec<(String, &Folder)> = tree.folders().iter().map(|it| (version(&it.name), it)).collect();
        folders.sort_by(|a, b| a.0.cmp(&b.0));
        for pair in folders.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let (first, second) = (pair[0].1, pair[1].1);
            let message = format!("`{}` has the version {} of `{}`", second.name, pair[0].0, first.name);
            let finding = Finding::error(DUPLICATE_VERSION, message).at(Place::new(&second.path, 1, 1));
            findings.push(finding.help("give one of them another version"));
        }
        let mut loaded: Loaded = map_all(&folders, |(_, folder)| read_folder(folder, flavor)).into_iter().collect();
        let strays = tree.files().iter().filter(|file| names::is_sql(&file.name)).map(|file| {
            names::misnamed(file, NAME, Lacks::Nothing, "put it into a folder of its own as `up.sql`".to_owned())
        });
        loaded.findings.extend(findings.into_iter().chain(strays));
        loaded
    }

    fn new_files(&self, _tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)> {
        let folder = format!("{}_{title}", at.format("%Y-%m-%d-%H%M%S"));
        let file = |name: &str, text: &str| (format!("{folder}/{name}"), text.to_owned());
        vec![file("up.sql", "-- What this migration does.\n"), file("down.sql", "-- Undoes up.sql.\n")]
    }
}

/// What stands before the first `_`, without dashes.
fn version(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

/// Whether a name starts like `2026-11-20-093000`.
fn has_dashed_date(name: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00-000000";
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    name.len() >= FORM.len() && name.as_bytes().iter().zip(FORM).all(fits)
}

fn read_folder(folder: &Folder, flavor: Flavor) -> Share {
    let id = Id::new(&folder.name);
    let (up, down) = (folder.file("up.sql"), folder.file("down.sql"));
    let mut findings: Vec<Finding> = misnamed_in(folder, down).map(|finding| finding.of(&id)).collect();
    let Some(up) = up else {
        let place = Place::new(&folder.path, 1, 1);
        findings.push(match down {
            Some(_) => Finding::error("up-missing", "there is no `up.sql`").of(&id).at(place),
            None => Finding::warning("folder-empty", "the folder holds no scripts, so it is no migration").at(place),
        });
        return (None, findings);
    };
    // An empty down is found by the checks, as in every layout.
    if up.bytes().is_some_and(<[u8]>::is_empty) {
        let finding = Finding::error("script-empty", "the file is empty, which diesel refuses to run");
        findings.push(finding.of(&id).at(up.place()));
    }
    let mode = match folder.file(METADATA).and_then(|file| Some(toml_file(&file.path, file.bytes()?))) {
        None | Some(Ok(Metadata { run_in_transaction: true })) => Transaction::Auto,
        Some(Ok(Metadata { run_in_transaction: false })) => Transaction::Off,
        Some(Err(finding)) => {
            findings.push(finding.of(&id));
            Transaction::Auto
        }
    };
    let parse = |file: &File| file.bytes().map(|bytes| Script::parse(&file.path, 1, bytes, flavor));
    let Some(up) = parse(up) else { return (None, findings) };
    let migration = Migration {
        id,
        up,
        down: down.and_then(parse).map_or(Down::Missing, Down::Script),
        verify: None,
        seed: None,
        settings: Settings { transaction: TransactionModes { up: mode, down: mode }, ..Settings::default() },
        path: folder.path.clone(),
    };
    (Some(migration), findings)
}

/// SQL in the folder that never runs.
fn misnamed_in<'a>(folder: &'a Folder, down: Option<&'a File>) -> impl Iterator<Item = Finding> + 'a {
    let scripts = folder.files.iter().filter(|file| {
        let lower = file.name.to_ascii_lowercase();
        let known = matches!(file.name.as_str(), "up.sql" | "down.sql");
        !known && (names::is_sql(&lower) || lower.contains(".sql."))
    });
    scripts.map(move |file| {
        let meant = down.is_none() && names::looks_like_down(&file.name);
        let lacks = if meant { Lacks::Script } else { Lacks::Nothing };
        names::misnamed(file, NAME, lacks, "diesel runs `up.sql` and `down.sql` only".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_without_dashes() {
        assert_eq!(version("2026-11-20-093000-0001_add_users"), "202611200930000001");
        assert!(has_dashed_date("2026-11-20-093000_x") && has_dashed_date("2026-11-20-093000-0001_x"));
        assert!(!has_dashed_date("20261120093000_x") && !has_dashed_date("2026-11-20"));
    }
}
