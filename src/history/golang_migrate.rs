//! golang-migrate: one row, the version at which the database stands, and whether it got there. All below it is applied.

use super::matching::{leading_digits, number, plain, truth, unreadable};
use super::{History, Reading, Row, Taken};
use crate::finding::Finding;
use crate::migration::Migration;

pub(super) struct GolangMigrate;

const TITLE: &str = "golang-migrate";

/// What the tool writes when nothing is applied any more.
const NIL_VERSION: i128 = -1;

impl History for GolangMigrate {
    fn name(&self) -> &'static str {
        "golang-migrate"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "schema_migrations" && has("version") && has("dirty")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["version", "dirty"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let refused = |finding: Finding| Reading { refusals: vec![finding], ..Reading::default() };
        let row = match rows {
            [] => return Reading::default(),
            [row] => row,
            _ => return refused(unreadable(TITLE, &format!("it has {} rows, and one is all it may have", rows.len()))),
        };
        let (Some(version), Some(is_dirty)) = (number(row, 0), truth(row, 1)) else {
            return refused(unreadable(TITLE, "its row has no version, or does not say whether it is dirty"));
        };
        if is_dirty {
            return refused(dirty(version));
        }
        if version == NIL_VERSION {
            return Reading::default();
        }
        let version_of = |migration: &Migration| plain(leading_digits(migration.id.as_str())?).parse::<i128>().ok();
        if !migrations.iter().any(|migration| version_of(migration) == Some(version)) {
            let message = format!("{TITLE} stands at version {version}, and no migration here has it");
            let finding = Finding::error("history-unknown", message);
            return refused(
                finding.help("use the checkout that was applied last, or say what is applied with `--baseline ID`"),
            );
        }
        let below = |migration: &&&Migration| version_of(migration).is_some_and(|own| own <= version);
        let mut found: Vec<&Migration> = migrations.iter().filter(below).copied().collect();
        found.sort_by_key(|migration| version_of(migration));
        let taken = found.into_iter().map(|migration| Taken { id: migration.id.clone(), told: String::new() });
        Reading { taken: taken.collect(), ..Reading::default() }
    }
}

fn dirty(version: i128) -> Finding {
    let message = format!("{TITLE} has stopped half-way in version {version} (its row is marked dirty)");
    Finding::error("history-dirty", message).help(format!(
        "nobody but you can know how far it got: finish it or take it back by hand, then `migrate force {version}` or the \
         version before it"
    ))
}
