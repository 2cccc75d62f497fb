//! Objects that the up makes only where they are not there, and that the down drops in any case.

use crate::conditional::Conditional;
use crate::finding::{Finding, Severity};
use crate::migration::Migration;

use super::{Check, View};

pub struct IfNotExists;

const CODE: &str = "if-not-exists";

impl Check for IfNotExists {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "An up with IF NOT EXISTS, OR REPLACE or INSERT … IGNORE also runs where the object or row is there already, and the down then drops what the up never made. A proof shows that only where an earlier migration made it."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        view.input.migrations.iter().filter_map(|migration| finding(view, migration)).collect()
    }
}

/// One finding for a migration, at the first of its objects.
fn finding(view: &View<'_>, migration: &Migration) -> Option<Finding> {
    let all = Conditional::of(migration);
    let first = all.first()?;
    let titles: Vec<String> = all.iter().map(Conditional::title).collect();
    let more = match titles.len() - 1 {
        0 => String::new(),
        more => format!("; so with {more} more"),
    };
    let message = format!("{}{more}", first.warning());
    let statement = migration.up.statements().get(first.statement)?;
    let mut finding = view.against_down(migration, CODE, &message);
    finding.severity = finding.severity.min(Severity::Warning);
    if titles.len() > 1 {
        finding.detail = titles;
    }
    Some(finding.at(migration.up.place(statement.span.start)).help(first.help()))
}
