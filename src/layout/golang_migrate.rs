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
use crate::finding::{Finding, Severity};
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

/// Endings of programs: a tool that lets such files stand among scripts has people run them who know how.
const PROGRAMS: &[&str] = &["go", "py", "rb", "js", "ts", "php", "java", "rs", "sh"];

fn is_program(file: &File) -> bool {
    file.name.rsplit_once('.').is_some_and(|(_, ending)| PROGRAMS.contains(&ending.to_ascii_lowercase().as_str()))
}

fn program(pair: &Pair<'_>, file: &File, severity: Severity) -> Finding {
    let message = format!("`{}` is a program and no SQL: it cannot be run here", file.name);
    Finding::new("unsupported", severity, message).of(&pair.id).at(file.place()).help("write what it does as SQL")
}

fn read_pair(pair: &Pair<'_>, flavor: Flavor) -> Share {
    if is_program(pair.up) {
        return (None, vec![program(pair, pair.up, Severity::Error)]);
    }
    // Without a way back it is as good as one that has none, and can be waived like it.
    let (programs, down): (Vec<&File>, Vec<&File>) = pair.down.into_iter().partition(|file| is_program(file));
    let told = programs.into_iter().map(|file| program(pair, file, Severity::Warning)).collect();
    let parse = |file: &File| file.bytes().map(|bytes| Script::parse(&file.path, 1, bytes, flavor));
    let Some(up) = parse(pair.up) else { return (None, Vec::new()) };
    let migration = Migration {
        id: pair.id.clone(),
        up,
        down: down.first().copied().and_then(parse).map_or(Down::Missing, Down::Script),
        verify: None,
        seed: None,
        settings: Settings::default(),
        path: pair.up.path.clone(),
    };
    (Some(migration), told)
}

/// A file that the tool passes over: worse where its version has no way back.
fn stray(file: &File, pairs: &[Pair<'_>]) -> Finding {
    let digits = names::leading_digits(&file.name).0;
    let lone = |pair: &Pair<'_>| pair.down.is_none() && names::leading_digits(&pair.up.name).0 == digits;
    let meant = names::looks_like_down(&file.name) && pairs.iter().any(lone);
    let lacks = if meant { Lacks::Script } else { Lacks::Nothing };
    names::misnamed(file, NAME, lacks, "names are `<version>_<name>.up.sql` and `<version>_<name>.down.sql`".to_owned())
}
