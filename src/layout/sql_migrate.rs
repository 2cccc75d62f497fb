//! sql-migrate: `*.sql` with `-- +migrate Up` and `-- +migrate Down`; numbered files first in the order of their numbers, then
//! the others by name.

use std::cmp::Ordering;

use chrono::NaiveDateTime;

use super::names::{self, Lacks};
use super::sections::{Grammar, Mark, Order, has_sections, migration, with_down};
use super::{Certainty, File, Layout, Loaded, Tree, map_all};
use crate::draft::Written;
use crate::fault::Result;
use crate::id::Id;
use crate::migration::Migration;
use crate::sql::{Blocks, Flavor, Script};

pub(super) struct SqlMigrate;

const NAME: &str = "sql-migrate";

static GRAMMAR: Grammar = Grammar {
    up: "-- +migrate Up",
    down: "-- +migrate Down",
    mark,
    no_transaction: "notransaction",
    order: Order::Any,
};

const BLOCKS: Blocks = Blocks { begin: "+migrate StatementBegin", end: "+migrate StatementEnd" };

impl Layout for SqlMigrate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, tree: &Tree) -> Certainty {
        let marked = |file: &File| file.name.ends_with(".sql") && has_sections(file, &GRAMMAR);
        if tree.files().iter().any(marked) { Certainty::Sure } else { Certainty::No }
    }

    fn read(&self, tree: &Tree, _engine: &str, flavor: Flavor) -> Loaded {
        let mut files: Vec<&File> = tree.files().iter().filter(|file| file.name.ends_with(".sql")).collect();
        files.sort_by(|a, b| by_number(&a.name, &b.name));
        let mut loaded: Loaded = map_all(&files, |file| {
            let parse = |line: u32, bytes: &[u8]| Script::with_blocks(&file.path, line, bytes, flavor, BLOCKS);
            migration(Id::new(names::stem(&file.name)), file, &GRAMMAR, parse)
        })
        .into_iter()
        .collect();
        let strays = tree.files().iter().filter(|file| names::is_wanted(&file.name) && !file.name.ends_with(".sql"));
        loaded
            .findings
            .extend(strays.map(|file| names::misnamed(file, NAME, Lacks::Nothing, "names end with `.sql`".to_owned())));
        loaded.findings.extend(names::stray_folders(tree, NAME));
        loaded
    }

    fn new_files(&self, tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)> {
        let version = names::next_version(tree.files().iter().map(|file| file.name.as_str()), at);
        vec![(format!("{version}_{title}.sql"), "-- +migrate Up\n\n\n-- +migrate Down\n\n".to_owned())]
    }

    fn with_down(&self, migration: &Migration, file: &str, down: &Written) -> Result<(String, String)> {
        let text = with_down(file, &GRAMMAR, &down.text(Some(BLOCKS)));
        Ok((migration.up.path().to_owned(), text))
    }
}

/// Numbers of any length, compared without reading them as numbers.
fn by_number(a: &str, b: &str) -> Ordering {
    fn number(name: &str) -> &str {
        names::leading_digits(name).0
    }
    let key = |name: &'_ str| {
        let digits = number(name).trim_start_matches('0').to_owned();
        (number(name).is_empty(), digits.len(), digits)
    };
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let rest = line.strip_prefix("--")?.trim_start().strip_prefix("+migrate")?;
    let word = rest.split_whitespace().next().unwrap_or_default();
    let options = &rest[rest.find(word).unwrap_or(0) + word.len()..];
    Some(match word {
        "Up" => Mark::Up(options),
        "Down" => Mark::Down(options),
        "StatementBegin" => Mark::Begin,
        "StatementEnd" => Mark::End,
        _ => Mark::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_first_and_by_value() {
        let mut names = ["b.sql", "10_x.sql", "9_x.sql", "010_a.sql", "a.sql"];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(names, ["9_x.sql", "010_a.sql", "10_x.sql", "a.sql", "b.sql"]);
    }
}
