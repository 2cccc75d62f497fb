//! Settings that were changed after a migration was sealed.

use crate::finding::{Finding, Place};
use crate::registry::Drift;

use super::{Check, View};

pub struct SettingsChanged;

const CODE: &str = "settings-changed";

impl Check for SettingsChanged {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "What decides how a migration runs (requires, transaction, group, irreversible) changed since it was sealed."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let changed = view.drift.iter().filter(|(_, drift)| *drift == Drift::Settings);
        changed
            .map(|(migration, _)| {
                let message = "its settings (requires, transaction, group or irreversible) changed since it was sealed";
                let place = Place::new(view.settings_path(migration), 1, 1);
                let help = "if that is meant: switchback seal, and switchback verify proves it anew";
                Finding::error(CODE, message).of(&migration.id).at(place).help(help)
            })
            .collect()
    }
}
