//! Migrations that are sealed and have no files any more.

use crate::finding::Finding;
use crate::id::Id;
use std::collections::BTreeSet;

use super::{Check, View};

pub struct Gone;

const CODE: &str = "gone";

impl Check for Gone {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A migration that the registry knows and the folder does not was deleted or renamed; databases may still have it."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let Some(registry) = view.input.registry else { return Vec::new() };
        let here: BTreeSet<&Id> = view.input.migrations.iter().map(|migration| &migration.id).collect();
        let gone = registry.sealed_for(view.input.engine).filter(|entry| !here.contains(&entry.id));
        gone.map(|entry| {
            let finding = Finding::error(CODE, "sealed, but its files are gone").of(&entry.id);
            let finding = finding.help("take its files back from git, or let it be forgotten: switchback seal");
            match registry.place(&entry.id, view.input.engine) {
                Some(place) => finding.at(place),
                None => finding,
            }
        })
        .collect()
    }
}
