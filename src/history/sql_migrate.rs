//! sql-migrate: a row per applied migration; its id is the file's name.

use super::matching::{Said, matched, unreadable, value};
use super::{History, Reading, Row};
use crate::migration::Migration;

pub(super) struct SqlMigrate;

const TITLE: &str = "sql-migrate";

impl History for SqlMigrate {
    fn name(&self) -> &'static str {
        "sql-migrate"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "gorp_migrations" && has("id")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["id", "applied_at"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let (mut said, mut refusals) = (Vec::new(), Vec::new());
        for row in rows {
            match value(row, 0) {
                Some(name) => {
                    let at = value(row, 1).map(str::to_owned);
                    let key = name.strip_suffix(".sql").unwrap_or(name);
                    said.push(Said { at, ..Said::new(key, format!("`{name}`")) });
                }
                None => refusals.push(unreadable(TITLE, "a row has no id")),
            }
        }
        Reading { refusals, ..matched(TITLE, said, migrations, |id| Some(id.to_owned())) }
    }
}
