//! Liquibase: a row per changeset, which is named by its id, its author and its file. How far it got stands in EXECTYPE.
//!
//! MD5SUM is a checksum of the changeset as the tool takes it apart, and is not compared.

use super::matching::{Said, number, sort, taken, unknown, unreadable, value};
use super::{History, Reading, Row};
use crate::finding::Finding;
use crate::migration::Migration;

pub(super) struct Liquibase;

const TITLE: &str = "Liquibase";

/// Places of the columns.
const ID: usize = 0;
const AUTHOR: usize = 1;
const FILE: usize = 2;
const AT: usize = 3;
const ORDER: usize = 4;
const STATE: usize = 5;

impl History for Liquibase {
    fn name(&self) -> &'static str {
        "liquibase"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "databasechangelog" && has("id") && has("author") && has("filename")
    }

    fn companions(&self) -> &'static [&'static str] {
        &["databasechangeloglock"]
    }

    fn columns(&self) -> &'static [&'static str] {
        &["id", "author", "filename", "dateexecuted", "orderexecuted", "exectype"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let mut reading = Reading::default();
        let mut found: Vec<(usize, Said)> = Vec::new();
        for row in rows {
            let (Some(id), Some(author), Some(file)) = (value(row, ID), value(row, AUTHOR), value(row, FILE)) else {
                reading.refusals.push(unreadable(TITLE, "a row lacks its id, its author or its file"));
                continue;
            };
            let shown = format!("changeset {file}::{id}::{author}");
            match value(row, STATE).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EXECUTED" | "RERAN" | "MARK_RAN" => {}
                // It was passed over, and is asked again the next time.
                "SKIPPED" => continue,
                "FAILED" => {
                    reading.refusals.push(failed(&shown));
                    continue;
                }
                other => {
                    let what = format!("{shown} has the unknown state `{other}`");
                    reading.refusals.push(unreadable(TITLE, &what));
                    continue;
                }
            }
            let alone = rows.iter().filter(|other| value(other, FILE) == Some(file)).count() == 1;
            match position(id, author, file, alone, migrations) {
                Some(at) if found.iter().any(|(other, _)| *other == at) => {}
                Some(at) => found.push((at, said(row, shown, author))),
                None => reading.doubts.push(unknown(TITLE, &shown)),
            }
        }
        sort(&mut found);
        reading.taken = found.into_iter().map(|(position, said)| taken(&migrations[position].id, &said)).collect();
        reading
    }
}

fn said(row: &Row, shown: String, author: &str) -> Said {
    let (rank, at) = (number(row, ORDER), value(row, AT).map(str::to_owned));
    // The author wrote it; who ran it is not told.
    Said { rank, at, ..Said::new(author, shown) }
}

/// The migration that a changeset is: by all that names it, then by less, as long as only one fits.
fn position(id: &str, author: &str, file: &str, alone: bool, migrations: &[&Migration]) -> Option<usize> {
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = base.strip_suffix(".sql").unwrap_or(base);
    let files = [file, file.strip_suffix(".sql").unwrap_or(file), base, stem];
    let whole = files.iter().flat_map(|file| {
        [format!("{file}::{id}::{author}"), format!("{file}::{author}::{id}"), format!("{file}::{id}")]
    });
    let less = [format!("{author}:{id}"), format!("{id}:{author}"), id.to_owned()];
    let names = whole.chain(less).chain(alone.then(|| stem.to_owned()));
    for name in names.map(|name| folded(&name)) {
        let mut fits = (0..migrations.len()).filter(|at| folded(migrations[*at].id.as_str()) == name);
        if let (Some(one), None) = (fits.next(), fits.next()) {
            return Some(one);
        }
    }
    None
}

/// A name by its letters and digits: what stands between them is written in many ways.
fn folded(name: &str) -> String {
    let words = name.split(|ch: char| !ch.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

fn failed(shown: &str) -> Finding {
    let message = format!("{TITLE} has failed in {shown}");
    Finding::error("history-failed", message).help(
        "finish it or take it back by hand, and let Liquibase run it or delete its row; then run the command again",
    )
}
