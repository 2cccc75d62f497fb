//! goose: `<int64>_<name>.sql` with `-- +goose Up`, `-- +goose Down` and what it has between them, in the order of the numbers.
//!
//! Go migrations are programs of their own; they are told, so that nobody takes the rest for the whole history.

use chrono::NaiveDateTime;

use super::names::{self, Lacks};
use super::pairs::{Numbered, Pair, Side, pair_up};
use super::sections::{Grammar, Mark, Order, has_sections, migration, with_down};
use super::{Certainty, File, Layout, Loaded, Tree, map_all};
use crate::draft::Written;
use crate::fault::Result;
use crate::finding::Finding;
use crate::migration::Migration;
use crate::sql::{Blocks, Flavor, Script};

pub(super) struct Goose;

const NAME: &str = "goose";

static GRAMMAR: Grammar = Grammar {
    up: "-- +goose Up",
    down: "-- +goose Down",
    mark,
    no_transaction: "NO TRANSACTION",
    order: Order::UpFirst,
};

const BLOCKS: Blocks = Blocks { begin: "+goose StatementBegin", end: "+goose StatementEnd" };

impl Layout for Goose {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, tree: &Tree) -> Certainty {
        let marked = |file: &File| names::is_sql(&file.name) && has_sections(file, &GRAMMAR);
        if tree.files().iter().any(marked) { Certainty::Sure } else { Certainty::No }
    }

    fn read(&self, tree: &Tree, _engine: &str, flavor: Flavor) -> Loaded {
        let (mut numbered, mut findings) = (Vec::new(), Vec::new());
        for file in tree.files() {
            let version = file.name.split_once('_').and_then(|(version, _)| version.parse::<i64>().ok());
            match version {
                _ if is_go(&file.name) => findings.extend(version.map(|_| go(file))),
                Some(version @ 1..) if names::is_sql(&file.name) => {
                    numbered.push(Numbered { version, stem: names::stem(&file.name), side: Side::Up, file });
                }
                _ if names::is_sql(&file.name) => findings.push(names::bad_version(file, "a number from 1 on and `_`")),
                _ if names::is_wanted(&file.name) => {
                    let help = "names are `<version>_<name>.sql`".to_owned();
                    findings.push(names::misnamed(file, NAME, Lacks::Nothing, help));
                }
                _ => {}
            }
        }
        let (pairs, wrong) = pair_up(numbered);
        let mut loaded: Loaded = map_all(&pairs, |Pair { id, up, .. }| {
            let parse = |line: u32, bytes: &[u8]| Script::with_blocks(&up.path, line, bytes, flavor, BLOCKS);
            migration(id.clone(), up, &GRAMMAR, parse)
        })
        .into_iter()
        .collect();
        loaded.findings.extend(findings.into_iter().chain(wrong).chain(names::stray_folders(tree, NAME)));
        loaded
    }

    fn new_files(&self, tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)> {
        let version = names::next_version(tree.files().iter().map(|file| file.name.as_str()), at);
        vec![(format!("{version}_{title}.sql"), "-- +goose Up\n\n\n-- +goose Down\n\n".to_owned())]
    }

    fn with_down(&self, migration: &Migration, file: &str, down: &Written) -> Result<(String, String)> {
        let text = with_down(file, &GRAMMAR, &down.text(Some(BLOCKS)));
        Ok((migration.up.path().to_owned(), text))
    }
}

fn is_go(name: &str) -> bool {
    name.ends_with(".go") && !name.ends_with("_test.go")
}

fn go(file: &File) -> Finding {
    let message = format!("`{}` is a program: only goose can run it", file.name);
    let help = "write what it does as SQL, or keep to goose for this database";
    Finding::error("unsupported", message).at(file.place()).help(help)
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let rest = line.strip_prefix("--")?.trim_start().strip_prefix("+goose")?;
    let words: Vec<String> = rest.split_whitespace().map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match words.as_slice() {
        ["UP"] => Mark::Up(""),
        ["DOWN"] => Mark::Down(""),
        ["STATEMENTBEGIN"] => Mark::Begin,
        ["STATEMENTEND"] => Mark::End,
        ["NO", "TRANSACTION"] => Mark::NoTransaction,
        ["ENVSUB", "ON"] => Mark::Unsupported(
            "the script wants environment variables put into it, which makes it another script on each machine",
        ),
        ["ENVSUB", "OFF"] => Mark::Nothing,
        _ => Mark::Unknown,
    })
}
