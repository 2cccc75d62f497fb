//! Scripts that cannot be read as SQL.

use crate::finding::Finding;

use super::{Check, View};

pub struct ScriptProblem;

impl Check for ScriptProblem {
    fn code(&self) -> &'static str {
        "script"
    }

    fn about(&self) -> &'static str {
        "A literal or comment that is never closed, a client's command, a NUL byte, text that is not UTF-8: nothing may be run."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let problems = view.parts.iter().filter_map(|part| Some((part, part.script.problem()?)));
        problems.map(|(part, problem)| problem.clone().of(&part.migration.id)).collect()
    }
}
