//! Lines of the registry whose digest is not that of what they seal.

use crate::finding::Finding;
use crate::registry::Drift;

use super::{Check, View};

pub struct DigestDiffers;

const CODE: &str = "digest-differs";

impl Check for DigestDiffers {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "Checksums and settings of a line are right and its digest is not: somebody edited the registry by hand."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let Some(registry) = view.input.registry else { return Vec::new() };
        let wrong = view.drift.iter().filter(|(_, drift)| *drift == Drift::Digest);
        wrong
            .map(|(migration, _)| {
                let message = "the registry's digest is not that of the scripts it seals";
                let finding = Finding::error(CODE, message).of(&migration.id).help("switchback seal");
                match registry.place(&migration.id, view.input.engine) {
                    Some(place) => finding.at(place),
                    None => finding,
                }
            })
            .collect()
    }
}
