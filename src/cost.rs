//! What a plan costs: the rows that its steps would drop, counted on the live database without writing (I11).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::database::Database;
use crate::fault::Result;
use crate::id::Id;
use crate::migration::units;
use crate::plan::{Direction, Proven, Step};
use crate::proof::Drops;
use crate::saved::dropped;

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
        f.write_str(&dropped(&self.object, self.rows))
    }
}

/// Counts what each step would drop; what is empty costs nothing and is left out, and so is a column whose whole table is
/// dropped as well, and what the plan itself has brought.
pub async fn costs(database: &mut Database, plan: &Proven) -> Result<Vec<Cost>> {
    let mut live = Live::default();
    // Each member of a group carries what the whole of it drops.
    let groups = units(plan.steps(), |(one, _), (other, _)| {
        one.direction == other.direction && one.migration.is_one_group_with(&other.migration)
    });
    let steps = groups.iter().map(|group| &plan.steps()[group.start]).flat_map(|(step, warrant)| {
        let drops = live.walk(step.direction, warrant.drops());
        drops.into_iter().map(move |dropped| (step, dropped))
    });
    let drops: Vec<(&Step, Dropped)> = steps.collect();
    let whole: BTreeSet<String> =
        drops.iter().filter_map(|(_, drop)| drop.live.strip_prefix("table ")).map(str::to_owned).collect();
    let is_within = |drop: &Dropped| owner(&drop.live).is_some_and(|table| whole.contains(table));
    let drops: Vec<(&Step, Dropped)> = drops.into_iter().filter(|(_, drop)| !is_within(drop)).collect();
    let objects: Vec<String> = drops.iter().map(|(_, drop)| drop.live.clone()).collect();
    let counts = database.count(&objects).await;
    let mut costs = Vec::new();
    for ((step, drop), rows) in drops.into_iter().zip(counts) {
        if rows != Some(0) {
            costs.push(Cost { id: step.migration.id.clone(), direction: step.direction, object: drop.title, rows });
        }
    }
    costs.dedup();
    Ok(costs)
}

/// What a step drops: its title when it does, and the one that it has in the database now.
struct Dropped {
    title: String,
    live: String,
}

/// What the live database has of the tables and columns that a plan walks over.
#[derive(Default)]
struct Live {
    /// Titles that an earlier step of the plan brings; no row stands there now.
    brought: BTreeSet<String>,
    /// Titles that an earlier step gives to what is there now under another one.
    moved: BTreeMap<String, String>,
}

impl Live {
    /// Takes one step; gives what it drops of what is there now.
    fn walk(&mut self, direction: Direction, drops: Drops) -> Vec<Dropped> {
        let Drops { up_drops, down_drops, moves } = drops;
        let (gone, come) = match direction {
            Direction::Up => (up_drops, down_drops),
            Direction::Down => (down_drops, up_drops),
        };
        let mut dropped = Vec::new();
        for title in gone {
            let table = owner(&title).map(|table| format!("table {table}"));
            let is_brought = table.is_some_and(|table| self.brought.contains(&table));
            if !self.brought.remove(&title) && !is_brought {
                dropped.push(Dropped { live: self.name(&title), title });
            }
        }
        for (before, after) in moves {
            let (from, to) = match direction {
                Direction::Up => (before, after),
                Direction::Down => (after, before),
            };
            if self.brought.remove(&from) {
                self.brought.insert(to);
            } else {
                let name = self.name(&from);
                self.moved.remove(&from);
                self.moved.insert(to, name);
            }
        }
        for title in come {
            self.moved.remove(&title);
            self.brought.insert(title);
        }
        dropped
    }

    /// The title in the database now of what has this one at this point of the plan.
    fn name(&self, title: &str) -> String {
        if let Some(name) = self.moved.get(title) {
            return name.clone();
        }
        let moved = title.strip_prefix("column ").and_then(|name| name.rsplit_once('.')).and_then(|(table, column)| {
            let table = self.moved.get(&format!("table {table}"))?.strip_prefix("table ")?;
            Some(format!("column {table}.{column}"))
        });
        moved.unwrap_or_else(|| title.to_owned())
    }
}

/// The table of a `column …`.
fn owner(title: &str) -> Option<&str> {
    title.strip_prefix("column ")?.rsplit_once('.').map(|(table, _)| table)
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

    fn drops(up: &[&str], down: &[&str], moves: &[(&str, &str)]) -> Drops {
        let owned = |titles: &[&str]| titles.iter().map(|title| (*title).to_owned()).collect();
        let pair = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        Drops { up_drops: owned(up), down_drops: owned(down), moves: moves.iter().map(pair).collect() }
    }

    fn walked(steps: &[(Direction, Drops)]) -> Vec<String> {
        let mut live = Live::default();
        steps.iter().flat_map(|(direction, drops)| live.walk(*direction, drops.clone())).map(|drop| drop.live).collect()
    }

    #[test]
    fn what_a_plan_brings_and_drops_again_is_no_loss() {
        use Direction::{Down, Up};
        let brings = drops(&[], &["table t"], &[]);
        let takes = drops(&["table t"], &[], &[]);
        assert_eq!(walked(&[(Up, brings.clone()), (Up, takes.clone())]), [""; 0]);
        assert_eq!(
            walked(&[(Up, brings.clone()), (Up, drops(&["column t.a"], &[], &[])), (Up, takes.clone())]),
            [""; 0]
        );
        assert_eq!(walked(&[(Up, takes.clone()), (Up, brings.clone()), (Up, takes.clone())]), ["table t"]);
        assert_eq!(walked(&[(Down, takes), (Down, brings.clone())]), [""; 0]);
        assert_eq!(walked(&[(Down, brings)]), ["table t"]);
    }

    #[test]
    fn what_is_renamed_on_the_way_is_counted_under_the_name_that_it_has_now() {
        use Direction::{Down, Up};
        let rename = drops(&[], &[], &[("table a", "table b")]);
        let column = drops(&[], &[], &[("column b.x", "column b.y")]);
        let makes = drops(&[], &["table a"], &[]);
        assert_eq!(walked(&[(Down, column.clone()), (Down, rename.clone()), (Down, makes.clone())]), ["table b"]);
        let takes = drops(&["column b.y"], &[], &[]);
        assert_eq!(walked(&[(Up, rename.clone()), (Up, column.clone()), (Up, takes.clone())]), ["column a.x"]);
        assert_eq!(walked(&[(Up, makes), (Up, rename), (Up, drops(&["table b"], &[], &[]))]), [""; 0]);
    }
}
