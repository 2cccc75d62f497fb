//! diesel: a row per applied migration; its version is what stands before the first `_`, without dashes.

use super::matching::{Said, matched, unreadable, value};
use super::{History, Reading, Row};
use crate::migration::Migration;

pub(super) struct Diesel;

const TITLE: &str = "diesel";

impl History for Diesel {
    fn name(&self) -> &'static str {
        "diesel"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "__diesel_schema_migrations" && has("version")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["version", "run_on"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let (mut said, mut refusals) = (Vec::new(), Vec::new());
        for row in rows {
            match value(row, 0) {
                Some(version) => {
                    let at = value(row, 1).map(str::to_owned);
                    said.push(Said { at, ..Said::new(version, format!("version {version}")) });
                }
                None => refusals.push(unreadable(TITLE, "a row has no version")),
            }
        }
        Reading { refusals, ..matched(TITLE, said, migrations, |id| Some(version(id))) }
    }
}

fn version(id: &str) -> String {
    id.split('_').next().unwrap_or_default().replace('-', "")
}
