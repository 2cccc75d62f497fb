//! Circles of migrations, which have no order.

use crate::finding::Finding;
use crate::graph::CYCLE;

use super::{Check, View};

pub struct RequiresCycle;

impl Check for RequiresCycle {
    fn code(&self) -> &'static str {
        CYCLE
    }

    fn about(&self) -> &'static str {
        "Migrations that require each other in a circle can be applied in no order."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        view.edges.iter().filter(|finding| finding.code == CYCLE).cloned().collect()
    }
}
