//! Pairs: what layouts with numbered files have in common. Files are put together by version, and what does not fit
//! together is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::names::looks_like_down;
use super::{DUPLICATE_VERSION, File};
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

/// Puts files together by version, in the order of versions; the files of one that more than one migration has, by their names.
/// A second migration of a version, a second file for the same side, and a way back without a way there, are findings.
pub(super) fn pair_up<'a, V: Ord + Display>(files: Vec<Numbered<'a, V>>) -> (Vec<Pair<'a>>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut versions: BTreeMap<V, Vec<(&str, Side, &File)>> = BTreeMap::new();
    for Numbered { version, stem, side, file } in files {
        versions.entry(version).or_default().push((stem, side, file));
    }
    let mut pairs = Vec::with_capacity(versions.len());
    for (version, files) in versions {
        let version = version.to_string();
        let mut named: BTreeMap<&str, Vec<(&str, Side, &File)>> = BTreeMap::new();
        let ups = files.iter().filter(|(_, side, _)| *side == Side::Up).map(|(stem, ..)| *stem);
        if ups.collect::<BTreeSet<&str>>().len() > 1 {
            files.into_iter().for_each(|file| named.entry(file.0).or_default().push(file));
        } else {
            named.insert("", files);
        }
        let mut first = None;
        for files in named.into_values() {
            let pair = of_one(&version, files, &mut findings);
            if let (Some(first), Some(pair)) = (first, &pair) {
                findings.push(doubled(&version, first, pair.up));
                if looks_like_down(&pair.up.name) {
                    continue;
                }
            }
            first = first.or(pair.as_ref().map(|pair| pair.up));
            pairs.extend(pair);
        }
    }
    (pairs, findings)
}

/// The files of one migration.
fn of_one<'a>(version: &str, files: Vec<(&'a str, Side, &'a File)>, findings: &mut Vec<Finding>) -> Option<Pair<'a>> {
    let mut sides: [Option<(&str, &File)>; 2] = [None, None];
    for (stem, side, file) in files {
        match &mut sides[usize::from(side == Side::Down)] {
            Some((_, first)) => findings.push(doubled(version, first, file)),
            slot => *slot = Some((stem, file)),
        }
    }
    match sides {
        [Some((stem, up)), down] => Some(Pair { id: Id::new(stem), up, down: down.map(|(_, file)| file) }),
        [None, Some((stem, down))] => {
            let message = format!("version {version} has a way back and no way there");
            let finding = Finding::error("up-missing", message).of(&Id::new(stem)).at(down.place());
            findings.push(finding.help("add the up script, or remove this file"));
            None
        }
        [None, None] => None,
    }
}

fn doubled(version: &str, first: &File, second: &File) -> Finding {
    let message = format!("`{}` has the version {version} of `{}`", second.name, first.name);
    let help = if first.name.contains(".up.") && looks_like_down(&second.name) {
        "if it is the way back, name it so: `<version>_<name>.down.sql`"
    } else {
        "give one of them another version"
    };
    Finding::error(DUPLICATE_VERSION, message).at(second.place()).help(help)
}
