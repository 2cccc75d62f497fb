//! goose: a row per migration that was applied; older versions of it also wrote rows for those that were taken back. The newest
//! row of a version counts. Version 0 is the tool's own beginning.

use super::matching::{Said, leading_number, matched, number, truth, unreadable, value};
use super::{History, Reading, Row, last_by};
use crate::migration::Migration;

pub(super) struct Goose;

const TITLE: &str = "goose";

impl History for Goose {
    fn name(&self) -> &'static str {
        "goose"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "goose_db_version" && has("version_id")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["id", "version_id", "is_applied", "tstamp"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let mut refusals = Vec::new();
        let mut rows: Vec<&Row> = rows.iter().collect();
        rows.sort_by_key(|row| number(row, 0));
        let mut versioned = Vec::new();
        for row in rows {
            match (number(row, 0), number(row, 1), truth(row, 2)) {
                (Some(_), Some(version), Some(_)) => versioned.push((version, row)),
                _ => refusals.push(unreadable(TITLE, "a row lacks its id, its version or whether it is applied")),
            }
        }
        let applied =
            last_by(versioned).into_iter().filter(|(version, row)| *version > 0 && truth(row, 2) == Some(true));
        let said = applied.map(|(version, row)| {
            let (rank, at) = (number(row, 0), value(row, 3).map(str::to_owned));
            Said { rank, at, ..Said::new(version.to_string(), format!("version {version}")) }
        });
        Reading { refusals, ..matched(TITLE, said.collect(), migrations, leading_number) }
    }
}
