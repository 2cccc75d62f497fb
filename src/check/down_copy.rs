//! Downs that do what their up does.

use crate::finding::Finding;

use super::{Check, Role, View};

pub struct DownCopy;

const CODE: &str = "down-copy";

impl Check for DownCopy {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A down with the same tokens as its up does it again instead of undoing it."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let copies = view.of_role(Role::Down).filter(|part| {
            let same = part.script.checksum().tokens == part.migration.up.checksum().tokens;
            same && part.classes.iter().any(|class| !class.vacuous)
        });
        copies
            .map(|part| {
                let finding = view.against_down(part.migration, CODE, "the down script is a copy of the up script");
                finding.at(part.place(0)).help("undo what the up does, or declare [irreversible] with a reason")
            })
            .collect()
    }
}
