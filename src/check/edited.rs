//! Scripts that do something else than when they were sealed.

use crate::finding::Finding;
use crate::migration::Migration;
use crate::registry::Drift;

use super::{Check, View, top};

pub struct Edited;

const CODE: &str = "edited";

impl Check for Edited {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A script whose tokens changed since it was sealed does something else now; its proof counts no more."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        view.drift.iter().filter_map(|(migration, drift)| finding(migration, *drift)).collect()
    }
}

fn finding(migration: &Migration, drift: Drift) -> Option<Finding> {
    let (part, message) = match drift {
        Drift::Edited(part) => (part, format!("the {} script was edited since it was sealed", part.word())),
        Drift::Added(part) => (part, format!("the {} script was added since it was sealed", part.word())),
        Drift::Removed(part) => (part, format!("the {} script was taken away since it was sealed", part.word())),
        Drift::Cosmetic(_) | Drift::Settings | Drift::Digest => return None,
    };
    let place = top(part.script(migration).unwrap_or(&migration.up));
    let help = "if that is meant: switchback seal, and switchback verify proves it anew";
    Some(Finding::error(CODE, message).of(&migration.id).at(place).help(help))
}
