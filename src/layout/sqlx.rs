//! sqlx: `<i64>_<name>.sql`, or pairs `<i64>_<name>.up.sql` and `<i64>_<name>.down.sql`, in the order of the numbers.
//!
//! A script whose first bytes are `-- no-transaction` runs outside of a transaction. Other names are passed over by the tool;
//! here they are told.

use chrono::NaiveDateTime;

use super::names::{self, Lacks};
use super::pairs::{Numbered, Pair, Side, pair_up};
use super::{Certainty, File, Layout, Loaded, Share, Tree, map_all};
use crate::finding::Finding;
use crate::migration::{Down, Migration, Settings, Transaction, TransactionModes};
use crate::sql::{Flavor, Script};

pub(super) struct Sqlx;

const NAME: &str = "sqlx";

/// Marks of tools that keep both directions in one file; such a file read as an up script would undo itself.
const FOREIGN_MARKS: &[(&[u8], &str)] =
    &[(b"migrate:down", "dbmate"), (b"+goose ", "goose"), (b"+migrate ", "sql-migrate")];

impl Layout for Sqlx {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, tree: &Tree) -> Certainty {
        let numbered = || tree.files().iter().filter(|file| parts(&file.name).is_some_and(|it| it.version.is_some()));
        let is_marked = |file: &File| file.bytes().is_some_and(|bytes| bytes.starts_with(b"-- no-transaction"));
        let is_simple = |file: &File| parts(&file.name).is_some_and(|parts| !parts.is_paired);
        if numbered().next().is_none() || numbered().any(|file| is_simple(file) && foreign_mark(file).is_some()) {
            Certainty::No
        } else if tree.has_hint("sqlx.toml") || tree.has_hint(".sqlx") || numbered().any(is_marked) {
            Certainty::Sure
        } else if numbered().any(is_simple) {
            Certainty::Maybe
        } else {
            // Only pairs, and nothing that speaks for sqlx: golang-migrate's, which reads them alike.
            Certainty::No
        }
    }

    fn read(&self, tree: &Tree, _engine: &str, flavor: Flavor) -> Loaded {
        let (mut numbered, mut findings) = (Vec::new(), Vec::new());
        for file in tree.files() {
            match parts(&file.name) {
                Some(Parts { version: Some(version), stem, side, .. }) => {
                    numbered.push(Numbered { version, stem, side, file });
                }
                Some(Parts { version: None, .. }) => {
                    findings.push(names::bad_version(file, "a whole number of at most 63 bits and `_`"));
                }
                None if names::is_wanted(&file.name) => {
                    let help = "names are `<version>_<name>.up.sql` and `<version>_<name>.down.sql`".to_owned();
                    findings.push(names::misnamed(file, NAME, Lacks::Nothing, help));
                }
                None => {}
            }
        }
        // Where a simple file has the version of a pair, the pair is what is meant.
        numbered.sort_by_key(|numbered| parts(&numbered.file.name).is_some_and(|parts| !parts.is_paired));
        let (pairs, wrong) = pair_up(numbered);
        findings.extend(wrong);
        findings.extend(names::stray_folders(tree, NAME));
        let mut loaded: Loaded = map_all(&pairs, |pair| read_pair(pair, flavor)).into_iter().collect();
        loaded.findings.extend(findings);
        loaded
    }

    fn new_files(&self, tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)> {
        let version = names::next_version(tree.files().iter().map(|file| file.name.as_str()), at);
        let file = |side: &str, text: &str| (format!("{version}_{title}.{side}.sql"), text.to_owned());
        vec![file("up", "-- What this migration does.\n"), file("down", "-- Undoes the up.\n")]
    }
}

/// A name taken apart as sqlx does it: at the first `_`.
struct Parts<'a> {
    /// `None`: what stands there is no number, which sqlx refuses.
    version: Option<i64>,
    stem: &'a str,
    side: Side,
    is_paired: bool,
}

fn parts(name: &str) -> Option<Parts<'_>> {
    let base = name.strip_suffix(".sql")?;
    let (version, _) = base.split_once('_')?;
    let (stem, side, is_paired) = match (base.strip_suffix(".up"), base.strip_suffix(".down")) {
        (Some(stem), _) => (stem, Side::Up, true),
        (_, Some(stem)) => (stem, Side::Down, true),
        (None, None) => (base, Side::Up, false),
    };
    Some(Parts { version: version.parse().ok(), stem, side, is_paired })
}

fn foreign_mark(file: &File) -> Option<&'static str> {
    let lines = file.bytes()?.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"--"));
    let tool = |line: &[u8]| {
        let says = |mark: &&[u8]| line.windows(mark.len()).any(|part| part == *mark);
        FOREIGN_MARKS.iter().find(|(mark, _)| says(mark)).map(|(_, tool)| *tool)
    };
    lines.into_iter().find_map(tool)
}

fn read_pair(pair: &Pair<'_>, flavor: Flavor) -> Share {
    let mut findings = Vec::new();
    if let Some(tool) = foreign_mark(pair.up) {
        let message =
            format!("the file has marks of {tool}: read as sqlx does, its way back would run as part of the up");
        let finding = Finding::error("marker-unknown", message).of(&pair.id).at(pair.up.place());
        findings.push(finding.help(format!("set `layout = \"{tool}\"`, or split the file")));
    }
    let parse = |file: &File| file.bytes().map(|bytes| (Script::parse(&file.path, 1, bytes, flavor), mode(bytes)));
    let Some((up, up_mode)) = parse(pair.up) else { return (None, findings) };
    let down = pair.down.and_then(parse);
    let modes = TransactionModes { up: up_mode, down: down.as_ref().map_or(up_mode, |(_, mode)| *mode) };
    let migration = Migration {
        id: pair.id.clone(),
        up,
        down: down.map_or(Down::Missing, |(script, _)| Down::Script(script)),
        verify: None,
        seed: None,
        settings: Settings { transaction: modes, ..Settings::default() },
        path: pair.up.path.clone(),
    };
    (Some(migration), findings)
}

fn mode(bytes: &[u8]) -> Transaction {
    if bytes.starts_with(b"-- no-transaction") { Transaction::Off } else { Transaction::Auto }
}
