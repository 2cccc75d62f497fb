//! Downs that hold no statement.

use crate::finding::Finding;

use super::{Check, Role, View, top};

pub struct DownEmpty;

const CODE: &str = "down-empty";

impl Check for DownEmpty {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A down that is empty or holds only comments undoes nothing."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let readable = view.of_role(Role::Down).filter(|part| part.script.problem().is_none());
        readable
            // Another member of its group may undo it, which the proof tells.
            .filter(|part| part.script.statements().is_empty() && part.migration.settings.group.is_none())
            .map(|part| {
                if part.migration.is_blank() {
                    let finding = Finding::warning(CODE, "neither the up nor the down holds a statement");
                    let finding = finding.of(&part.migration.id).at(top(part.script));
                    return finding.help("write both, unless this engine needs no change here");
                }
                let message = if part.script.text().trim().is_empty() {
                    "the down script is empty"
                } else {
                    "the down script holds no statement"
                };
                let finding = view.against_down(part.migration, CODE, message).at(top(part.script));
                finding.help("undo what the up does, or declare [irreversible] with a reason")
            })
            .collect()
    }
}
