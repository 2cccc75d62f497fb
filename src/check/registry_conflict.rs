//! Lines of the registry that contradict each other, as a merge can leave them.

use crate::finding::Finding;

use super::{Check, View};

pub struct RegistryConflict;

const CODE: &str = "registry-conflict";

impl Check for RegistryConflict {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "Two lines of the registry seal one migration differently: two branches edited it, and a merge kept both lines."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let Some(registry) = view.input.registry else { return Vec::new() };
        let conflicts = view.conflicts.iter();
        conflicts
            .map(|id| {
                let message = "two lines of the registry seal it differently, as a merge can leave them";
                let help = "look at its scripts as they are now, then: switchback seal";
                let finding = Finding::error(CODE, message).of(id).help(help);
                match registry.place(id, view.input.engine) {
                    Some(place) => finding.at(place),
                    None => finding,
                }
            })
            .collect()
    }
}
