//! dbmate, and Rails, whose table is the same: a row per applied migration, with nothing but its version.
//!
//! A version is text: the digits that the file's name begins with, as they stand there.

use super::matching::{Said, leading_digits, matched, unreadable, value};
use super::{History, Reading, Row};
use crate::migration::Migration;

pub(super) struct Dbmate;

const TITLE: &str = "dbmate or Rails";

impl History for Dbmate {
    fn name(&self) -> &'static str {
        "dbmate"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "schema_migrations" && has("version") && !has("dirty")
    }

    fn companions(&self) -> &'static [&'static str] {
        &["ar_internal_metadata"]
    }

    fn columns(&self) -> &'static [&'static str] {
        &["version"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let (mut said, mut refusals) = (Vec::new(), Vec::new());
        for row in rows {
            match value(row, 0) {
                Some(version) => said.push(Said::new(version, format!("version {version}"))),
                None => refusals.push(unreadable(TITLE, "a row has no version")),
            }
        }
        Reading { refusals, ..matched(TITLE, said, migrations, |id| leading_digits(id).map(str::to_owned)) }
    }
}
