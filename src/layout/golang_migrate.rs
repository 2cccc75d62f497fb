//! golang-migrate: `<u64>_<name>.up.<ending>` and `<u64>_<name>.down.<ending>`, in the order of the numbers.
//!
//! sqlx names its reversible pairs the same way. The two tools read such a pair alike: same order, same scripts, each inside a
//! transaction where the engine has one. They part only at a first line `-- no-transaction`, which sqlx obeys, and at versions
//! beyond 63 bits, which only this one has. So a folder of pairs is this layout's unless something speaks for sqlx, and a wrong
//! guess changes nothing that is run.

use chrono::NaiveDateTime;

use super::names::{self, Lacks};
use super::pairs::{Numbered, Pair, Side, pair_up};
use super::{Certainty, File, Layout, Loaded, Share, Tree, map_all};
use crate::finding::Finding;
use crate::migration::{Down, Migration, Settings};
use crate::sql::{Flavor, Script};

pub(super) struct GolangMigrate;

const NAME: &str = "golang-migrate";

impl Layout for GolangMigrate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, tree: &Tree) -> Certainty {
        let pairs = || tree.files().iter().filter(|file| parts(&file.name).is_some());
        let is_sqlx = |file: &File| file.bytes().is_some_and(|bytes| bytes.starts_with(b"-- no-transaction"));
        let hinted = tree.has_hint("sqlx.toml") || tree.has_hint(".sqlx");
        if pairs().next().is_none() || hinted || pairs().any(is_sqlx) { Certainty::No } else { Certainty::Maybe }
    }

    fn read(&self, tree: &Tree, _engine: &str, flavor: Flavor) -> Loaded {
        let (mut numbered, mut strays, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        for file in tree.files() {
            match parts(&file.name) {
                Some((digits, stem, side)) => match digits.parse::<u64>() {
                    Ok(version) => numbered.push(Numbered { version, stem, side, file }),
                    Err(_) => findings.push(names::bad_version(file, "a number of at most 64 bits")),
                },
                None if names::is_wanted(&file.name) => strays.push(file),
                None => {}
            }
        }
        let (pairs, wrong) = pair_up(numbered);
        findings.extend(wrong);
        findings.extend(strays.into_iter().map(|file| stray(file, &pairs)));
        findings.extend(names::stray_folders(tree, NAME));
        let mut loaded: Loaded = map_all(&pairs, |pair| read_pair(pair, flavor)).into_iter().collect();
        loaded.findings.extend(findings);
        loaded
    }

    fn new_files(&self, tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)> {
        let version = names::next_version(tree.files().iter().map(|file| file.name.as_str()), at);
        ["up", "down"].map(|side| (format!("{version}_{title}.{side}.sql"), String::new())).into()
    }
}

/// The number, the name without direction and ending, and the direction; the last direction in the name counts.
fn parts(name: &str) -> Option<(&str, &str, Side)> {
    let (digits, rest) = names::leading_digits(name);
    if digits.is_empty() || !rest.starts_with('_') {
        return None;
    }
    let up = rest.rfind(".up.").map(|at| (at, Side::Up));
    let down = rest.rfind(".down.").map(|at| (at, Side::Down));
    let (at, side) = [up, down].into_iter().flatten().max_by_key(|(at, _)| *at)?;
    (at > 0).then(|| (digits, &name[..digits.len() + at], side))
}

fn read_pair(pair: &Pair<'_>, flavor: Flavor) -> Share {
    let parse = |file: &File| file.bytes().map(|bytes| Script::parse(&file.path, 1, bytes, flavor));
    let Some(up) = parse(pair.up) else { return (None, Vec::new()) };
    let migration = Migration {
        id: pair.id.clone(),
        up,
        down: pair.down.and_then(parse).map_or(Down::Missing, Down::Script),
        verify: None,
        seed: None,
        settings: Settings::default(),
        path: pair.up.path.clone(),
    };
    (Some(migration), Vec::new())
}

/// A file that the tool passes over: worse where its version has no way back.
fn stray(file: &File, pairs: &[Pair<'_>]) -> Finding {
    let digits = names::leading_digits(&file.name).0;
    let lone = |pair: &Pair<'_>| pair.down.is_none() && names::leading_digits(&pair.up.name).0 == digits;
    let meant = names::looks_like_down(&file.name) && pairs.iter().any(lone);
    let lacks = if meant { Lacks::Script } else { Lacks::Nothing };
    names::misnamed(file, NAME, lacks, "names are `<version>_<name>.up.sql` and `<version>_<name>.down.sql`".to_owned())
}
