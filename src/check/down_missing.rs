//! Migrations without a down script.

use crate::finding::Finding;
use crate::migration::Down;

use super::{Check, Names, View, top};

pub struct DownMissing;

const CODE: &str = "down-missing";

impl Check for DownMissing {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "There is no down script and no word that there is no way back."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let missing = view.input.migrations.iter().filter(|migration| matches!(migration.down, Down::Missing));
        missing
            .map(|migration| {
                let finding = view.against_down(migration, CODE, "there is no down script").at(top(&migration.up));
                finding.help(match view.input.names {
                    Names::Ours => "write `down.sql`, or declare `[irreversible]` with a `reason` in migration.toml",
                    Names::Foreign => "write it, or accept it openly with `switchback waive ID --reason \"…\"`",
                })
            })
            .collect()
    }
}
