//! Edges to migrations that nobody has.

use crate::finding::Finding;
use crate::graph::UNKNOWN;

use super::{Check, View};

pub struct RequiresUnknown;

impl Check for RequiresUnknown {
    fn code(&self) -> &'static str {
        UNKNOWN
    }

    fn about(&self) -> &'static str {
        "A migration requires an id that no migration has: a typing error, or a branch that is not merged yet."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        view.edges.iter().filter(|finding| finding.code == UNKNOWN).cloned().collect()
    }
}
