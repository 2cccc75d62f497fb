//! Downs whose statements do nothing.

use crate::class::Class;
use crate::finding::Finding;

use super::{Check, Part, Role, View};

pub struct DownVacuous;

const CODE: &str = "down-vacuous";

impl Check for DownVacuous {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A down such as `SELECT 1` has statements, but none that undoes anything."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let is_idle = |part: &&Part<'_>| !part.classes.is_empty() && part.classes.iter().all(Class::is_idle);
        let vacuous = view.of_role(Role::Down).filter(is_idle);
        vacuous
            .map(|part| {
                let message = "the down script does nothing: none of its statements changes anything";
                let finding = view.against_down(part.migration, CODE, message).at(part.place(0));
                finding.help("undo what the up does, or declare [irreversible] with a reason")
            })
            .collect()
    }
}
