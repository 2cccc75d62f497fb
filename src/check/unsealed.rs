//! Migrations that the registry does not know: nothing would notice their being edited.

use crate::finding::Finding;

use super::{Check, View, top};

pub struct Unsealed;

const CODE: &str = "unsealed";

impl Check for Unsealed {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A migration without a line in the registry is not sealed: nothing would notice that it was edited."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let migrations = view.input.migrations;
        let Some(registry) = view.input.registry else {
            let message = format!("there is no registry, so none of the {} migrations is sealed", migrations.len());
            let finding = Finding::error(CODE, message).help("switchback seal");
            return (!migrations.is_empty()).then_some(finding).into_iter().collect();
        };
        let missing =
            migrations.iter().filter(|migration| registry.migration(&migration.id, view.input.engine).is_none());
        missing
            .map(|migration| {
                let message = format!("not sealed: the registry has no line for it on {}", view.input.engine);
                Finding::error(CODE, message).of(&migration.id).at(top(&migration.up)).help("switchback seal")
            })
            .collect()
    }
}
