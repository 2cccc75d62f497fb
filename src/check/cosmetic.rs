//! Scripts whose comments or white space changed, and nothing else.

use crate::finding::Finding;
use crate::registry::Drift;

use super::{Check, View, top};

pub struct Cosmetic;

const CODE: &str = "cosmetic";

impl Check for Cosmetic {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "Comments or white space of a script changed since it was sealed. That voids no proof; it is only told."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let scripts = view.drift.iter().filter_map(|(migration, drift)| match drift {
            Drift::Cosmetic(part) => Some((migration, part, part.script(migration)?)),
            _ => None,
        });
        scripts
            .map(|(migration, part, script)| {
                let message =
                    format!("only comments or white space of the {} script changed since it was sealed", part.word());
                Finding::note(CODE, message).of(&migration.id).at(top(script)).help("switchback seal")
            })
            .collect()
    }
}
