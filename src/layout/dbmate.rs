//! dbmate: `<digits>….sql` with `-- migrate:up` and `-- migrate:down`, in the order of the file names.
//!
//! The version is the leading digits as text: `1` and `01` are two versions to it. It wants both
//! sections; here a file without a down one is a migration without a way back, which can be waived.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use super::names::{self, Lacks};
use super::sections::{Grammar, Mark, Order, has_sections, migration, with_down};
use super::{Certainty, DUPLICATE_VERSION, File, Layout, Loaded, Tree, map_all};
use crate::draft::Written;
use crate::fault::Result;
use crate::finding::Finding;
use crate::id::Id;
use crate::migration::Migration;
use crate::sql::{Flavor, Script};

pub(super) struct Dbmate;

const NAME: &str = "dbmate";

static GRAMMAR: Grammar = Grammar {
    up: "-- migrate:up",
    down: "-- migrate:down",
    mark,
    no_transaction: "transaction:false",
    order: Order::UpFirst,
};

impl Layout for Dbmate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, tree: &Tree) -> Certainty {
        let marked = tree.files().iter().any(|file| is_numbered(file) && has_sections(file, &GRAMMAR));
        if marked { Certainty::Sure } else { Certainty::No }
    }

    fn read(&self, tree: &Tree, _engine: &str, flavor: Flavor) -> Loaded {
        let (files, others): (Vec<&File>, Vec<&File>) =
            tree.files().iter().filter(|file| names::is_wanted(&file.name)).partition(|file| is_numbered(file));
        let mut loaded: Loaded = map_all(&files, |file| {
            let parse = |line: u32, bytes: &[u8]| Script::parse(&file.path, line, bytes, flavor);
            migration(Id::new(names::stem(&file.name)), file, &GRAMMAR, parse)
        })
        .into_iter()
        .collect();
        let strays = others
            .into_iter()
            .map(|file| names::misnamed(file, NAME, Lacks::Nothing, "names are `<version>_<name>.sql`".to_owned()));
        loaded.findings.extend(doubled(&files).into_iter().chain(strays).chain(names::stray_folders(tree, NAME)));
        loaded
    }

    fn new_files(&self, tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)> {
        let version = names::next_version(tree.files().iter().map(|file| file.name.as_str()), at);
        vec![(format!("{version}_{title}.sql"), "-- migrate:up\n\n\n-- migrate:down\n\n".to_owned())]
    }

    fn with_down(&self, migration: &Migration, file: &str, down: &Written) -> Result<(String, String)> {
        let text = with_down(file, &GRAMMAR, &down.text(None));
        Ok((migration.up.path().to_owned(), text))
    }
}

fn is_numbered(file: &File) -> bool {
    file.name.ends_with(".sql") && file.name.starts_with(|ch: char| ch.is_ascii_digit())
}

fn doubled(files: &[&File]) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, &File> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in files {
        let version = names::leading_digits(&file.name).0;
        if let Some(first) = versions.insert(version, file) {
            let message = format!("`{}` has the version {version} of `{}`", file.name, first.name);
            let finding = Finding::error(DUPLICATE_VERSION, message).at(file.place());
            findings.push(finding.help("give one of them another version"));
        }
    }
    findings
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let rest = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    let word = rest.split_whitespace().next().unwrap_or_default();
    let options = &rest[rest.find(word).unwrap_or(0) + word.len()..];
    Some(match word {
        "up" => Mark::Up(options),
        "down" => Mark::Down(options),
        _ => Mark::Unknown,
    })
}
