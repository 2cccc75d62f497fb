//! sqlx: a row per applied migration with the SHA-384 of its file; a row without success is one that never ended.

use super::checksums::is_sha384;
use super::matching::{Said, leading_number, matched, number, other_script, truth, unreadable, value};
use super::{History, Reading, Row};
use crate::finding::Finding;
use crate::migration::Migration;

pub(super) struct Sqlx;

const TITLE: &str = "sqlx";

impl History for Sqlx {
    fn name(&self) -> &'static str {
        "sqlx"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "_sqlx_migrations" && has("version")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["version", "installed_on", "success", "checksum"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let (mut said, mut refusals, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let Some(version) = number(row, 0) else {
                refusals.push(unreadable(TITLE, "a row has no version, or one that is no number"));
                continue;
            };
            if truth(row, 2) != Some(true) {
                refusals.push(unfinished(version));
            }
            let key = version.to_string();
            let is_it = |migration: &&&Migration| leading_number(migration.id.as_str()).as_deref() == Some(&*key);
            let migration = migrations.iter().find(is_it);
            let recorded = value(row, 3).unwrap_or_default();
            others.extend(
                migration
                    .filter(|migration| !is_sha384(migration.up.text(), recorded))
                    .map(|migration| other_script(TITLE, migration)),
            );
            let at = value(row, 1).map(str::to_owned);
            said.push(Said { at, ..Said::new(key, format!("version {version}")) });
        }
        let mut reading = matched(TITLE, said, migrations, leading_number);
        reading.doubts.extend(others);
        Reading { refusals, ..reading }
    }
}

fn unfinished(version: i128) -> Finding {
    let message = format!("{TITLE} has begun version {version} and never ended it (its row is without success)");
    Finding::error("history-failed", message)
        .help("finish it or take it back by hand, and set its row right or delete it; then run the command again")
}
