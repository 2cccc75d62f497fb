//! What a plan costs: the rows that its steps would drop, counted on the live database without writing (I11).

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::database::Database;
use crate::fault::Result;
use crate::id::Id;
use crate::plan::{Direction, Proven, Step};

/// Rows that a step would drop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    pub id: Id,
    pub direction: Direction,
    /// `table public.users` or `column public.users.email`.
    pub object: String,
    /// Rows of the table, or values of the column that are not NULL; `None` when they cannot be counted.
    pub rows: Option<u64>,
}

impl Cost {
    /// The object without its kind: what `--accept-loss` names.
    pub fn name(&self) -> &str {
        self.object.split_once(' ').map_or(self.object.as_str(), |(_, name)| name)
    }

    /// Whether an acceptance of `what` (`TABLE` or `TABLE.COLUMN`, with or without the schema) covers this loss.
    pub fn is_covered_by(&self, what: &str) -> bool {
        let fits = |whole: &str| whole == what || whole.strip_suffix(what).is_some_and(|rest| rest.ends_with('.'));
        match self.object.split_once(' ') {
            Some(("column", name)) => {
                let table = name.rsplit_once('.').map_or(name, |(table, _)| table);
                fits(table) || (what.contains('.') && fits(name))
            }
            _ => fits(self.name()),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.object.starts_with("column") { "value" } else { "row" };
        match self.rows {
            Some(1) => write!(f, "drops {} with 1 {what}", self.object),
            Some(rows) => write!(f, "drops {} with {rows} {what}s", self.object),
            None => write!(f, "drops {}, whose {what}s cannot be counted", self.object),
        }
    }
}

/// Counts what each step would drop; what is empty costs nothing and is left out, and so is a column whose whole table is
/// dropped as well.
pub async fn costs(database: &mut Database, plan: &Proven) -> Result<Vec<Cost>> {
    let drops = plan
        .steps()
        .iter()
        .flat_map(|(step, warrant)| warrant.drops(step.direction).into_iter().map(move |object| (step, object)));
    let drops: Vec<(&Step, String)> = drops.collect();
    let whole: BTreeSet<String> =
        drops.iter().filter_map(|(_, object)| object.strip_prefix("table ")).map(str::to_owned).collect();
    let is_within = |object: &str| {
        let column = object.strip_prefix("column ").and_then(|name| name.rsplit_once('.'));
        column.is_some_and(|(table, _)| whole.contains(table))
    };
    let (steps, objects): (Vec<_>, Vec<_>) = drops.into_iter().filter(|(_, object)| !is_within(object)).unzip();
    let counts = database.count(&objects).await;
    let mut costs = Vec::new();
    for ((step, object), rows) in steps.into_iter().zip(objects).zip(counts) {
        if rows != Some(0) {
            costs.push(Cost { id: step.migration.id.clone(), direction: step.direction, object, rows });
        }
    }
    costs.dedup();
    Ok(costs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acceptance_covers_a_table_and_its_columns_and_nothing_else() {
        let cost = |object: &str| Cost {
            id: Id::new("1"),
            direction: Direction::Down,
            object: object.to_owned(),
            rows: Some(3),
        };
        let column = cost("column public.users.email");
        assert!(column.is_covered_by("users.email"));
        assert!(column.is_covered_by("public.users"));
        assert!(!column.is_covered_by("email"));
        assert!(!column.is_covered_by("ers"));
        assert!(cost("table users").is_covered_by("users"));
        assert!(!cost("table users").is_covered_by("orders"));
        assert_eq!(column.to_string(), "drops column public.users.email with 3 values");
    }
}
