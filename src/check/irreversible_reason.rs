//! Declarations that there is no way back, without a reason.

use crate::finding::{Finding, Place};
use crate::migration::{Down, Migration};

use super::{Check, View};

pub struct IrreversibleReason;

const CODE: &str = "irreversible-reason";

impl Check for IrreversibleReason {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A migration that is declared irreversible says why, for whoever needs to go back."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let silent =
            |migration: &&Migration| matches!(&migration.down, Down::Irreversible(reason) if reason.trim().is_empty());
        let migrations = view.input.migrations.iter().filter(silent);
        migrations
            .map(|migration| {
                let place = Place::new(view.settings_path(migration), 1, 1);
                let finding =
                    Finding::error(CODE, "declared irreversible without a reason").of(&migration.id).at(place);
                finding.help("say why there is no way back: [irreversible] reason = \"…\"")
            })
            .collect()
    }
}
