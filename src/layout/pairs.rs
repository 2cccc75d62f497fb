//! Pairs: what layouts with numbered files have in common. Files are put together by version, and what does not fit
//! together is told.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::File;
use super::names::looks_like_down;
use crate::finding::Finding;
use crate::id::Id;

/// Which way a file leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Up,
    Down,
}

/// A file whose name was understood.
pub(super) struct Numbered<'a, V> {
    pub version: V,
    /// The name without direction and ending.
    pub stem: &'a str,
    pub side: Side,
    pub file: &'a File,
}

/// The files of one version.
pub(super) struct Pair<'a> {
    pub id: Id,
    pub up: &'a File,
    pub down: Option<&'a File>,
}

/// Puts files together by version, in the order of versions. A second file for the same side, and a way back without a way
/// there, are findings.
pub(super) fn pair_up<'a, V: Ord + Display>(files: Vec<Numbered<'a, V>>) -> (Vec<Pair<'a>>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut versions: BTreeMap<V, [Option<(&str, &File)>; 2]> = BTreeMap::new();
    for Numbered { version, stem, side, file } in files {
        let told = version.to_string();
        let slot = &mut versions.entry(version).or_default()[usize::from(side == Side::Down)];
        match slot {
            None => *slot = Some((stem, file)),
            Some((_, first)) => findings.push(doubled(&told, first, file)),
        }
    }
    let mut pairs = Vec::with_capacity(versions.len());
    for (version, sides) in versions {
        match sides {
            [Some((stem, up)), down] => {
                pairs.push(Pair { id: Id::new(stem), up, down: down.map(|(_, file)| file) });
            }
            [None, Some((stem, down))] => {
                let message = format!("version {version} has a way back and no way there");
                let finding = Finding::error("up-missing", message).of(&Id::new(stem)).at(down.place());
                findings.push(finding.help("add the up script, or remove this file"));
            }
            [None, None] => {}
        }
    }
    (pairs, findings)
}

fn doubled(version: &str, first: &File, second: &File) -> Finding {
    let message = format!("`{}` has the version {version} of `{}`", second.name, first.name);
    let help = if first.name.contains(".up.") && looks_like_down(&second.name) {
        "if it is the way back, name it so: `<version>_<name>.down.sql`"
    } else {
        "give one of them another version"
    };
    Finding::error("duplicate-version", message).at(second.place()).help(help)
}
