//! What a plan costs: the rows that its steps would drop or write over, counted on the live database without writing (I11).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::class;
use crate::database::Database;
use crate::fault::Result;
use crate::id::Id;
use crate::migration::units;
use crate::plan::{Direction, Proven, Step, Warrant};
use crate::proof::Drops;
use crate::saved::{Drop, Lost};
use crate::snapshot;
use crate::sql::Flavor;

/// Rows that a step would drop, or may write over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    pub id: Id,
    pub direction: Direction,
    /// `table public.users` or `column public.users.email`.
    pub object: String,
    /// Rows of the table, or values of the column that are not NULL; `None` when they cannot be counted.
    pub rows: Option<u64>,
    pub how: Lost,
}

impl Cost {
    /// What it is without its step.
    pub fn lost(&self) -> Drop {
        Drop { object: self.object.clone(), rows: self.rows, how: self.how }
    }

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
        self.lost().fmt(f)
    }
}

/// Counts what each step would drop, or may write over. What is empty costs nothing and is left out, and so is what stands in a
/// table that is dropped as well, and what the plan itself has brought.
pub async fn costs(database: &mut Database, plan: &Proven) -> Result<Vec<Cost>> {
    let mut live = Live::default();
    // Each member of a group carries what the whole of it drops.
    let groups = units(plan.steps(), |(one, _), (other, _)| {
        one.direction == other.direction && one.migration.is_one_group_with(&other.migration)
    });
    let flavor = database.engine().dialect().flavor;
    let steps = groups.iter().flat_map(|group| {
        let members = &plan.steps()[group.clone()];
        let (step, warrant) = &members[0];
        let written = members.iter().flat_map(|(step, warrant)| written(step, warrant, flavor)).collect();
        let drops = live.walk(step.direction, warrant.drops(), written);
        drops.into_iter().map(move |dropped| (step, dropped))
    });
    let drops: Vec<(&Step, Dropped)> = steps.collect();
    let is_dropped = |drop: &&(&Step, Dropped)| drop.1.how == Lost::Dropped;
    let whole: BTreeSet<String> = drops
        .iter()
        .filter(is_dropped)
        .filter_map(|(_, drop)| drop.live.strip_prefix("table "))
        .map(str::to_owned)
        .collect();
    let is_within = |drop: &Dropped| match drop.live.strip_prefix("table ") {
        Some(table) => drop.how == Lost::Written && whole.contains(table),
        None => owner(&drop.live).is_some_and(|table| whole.contains(table)),
    };
    let drops: Vec<(&Step, Dropped)> = drops.into_iter().filter(|(_, drop)| !is_within(drop)).collect();
    let objects: Vec<String> = drops.iter().map(|(_, drop)| drop.live.clone()).collect();
    let counts = database.count(&objects).await;
    let mut costs = Vec::new();
    for ((step, drop), rows) in drops.into_iter().zip(counts) {
        if rows != Some(0) {
            let (id, direction) = (step.migration.id.clone(), step.direction);
            costs.push(Cost { id, direction, object: drop.title, rows, how: drop.how });
        }
    }
    costs.dedup();
    Ok(costs)
}

/// Titles of what the proof saw lost there and back, and the step's script may have changed or deleted. What the up dropped is gone
/// already when the down runs.
fn written(step: &Step, warrant: &Warrant, flavor: Flavor) -> Vec<String> {
    let (loses, Drops { up_drops, .. }) = (warrant.loses(), warrant.drops());
    let Some(script) = step.script().filter(|_| !loses.is_empty()) else { return Vec::new() };
    let names_of = |statement| {
        let class = class::classify(script, statement);
        class.overwrites.then(|| (class.opaque, script.names_of(statement)))
    };
    let written: Vec<(bool, BTreeSet<String>)> = script.statements().iter().filter_map(names_of).collect();
    // A table's name has its schema before it on PostgreSQL.
    let of_table = if flavor == Flavor::Postgres { 2 } else { 1 };
    let title = |lost: &String| {
        let parts = snapshot::parts(lost);
        let kind = if parts.len() > of_table { "column" } else { "table" };
        let table = parts.get(of_table - 1)?.to_lowercase();
        let is_written = written.iter().any(|(is_opaque, names)| *is_opaque || names.contains(&table));
        is_written.then(|| format!("{kind} {lost}"))
    };
    let is_gone = |title: &String| {
        let table = owner(title).map(|table| format!("table {table}"));
        up_drops.iter().any(|gone| gone == title || Some(gone) == table.as_ref())
    };
    loses.iter().filter_map(title).filter(|title| !is_gone(title)).collect()
}

/// What a step drops or writes over: its title when it does, and the one that it has in the database now.
struct Dropped {
    title: String,
    live: String,
    how: Lost,
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
    /// Takes one step, with the titles of what it may write over; gives what it drops or writes over of what is there now.
    fn walk(&mut self, direction: Direction, drops: Drops, written: Vec<String>) -> Vec<Dropped> {
        let Drops { up_drops, down_drops, moves } = drops;
        let (gone, come) = match direction {
            Direction::Up => (up_drops, down_drops),
            Direction::Down => (down_drops, up_drops),
        };
        let mut dropped = Vec::new();
        let is_within = |brought: &BTreeSet<String>, title: &str| {
            owner(title).is_some_and(|table| brought.contains(&format!("table {table}")))
        };
        for title in written {
            let is_brought = self.brought.contains(&title) || is_within(&self.brought, &title);
            if !is_brought && !gone.contains(&title) {
                dropped.push(Dropped { live: self.name(&title), title, how: Lost::Written });
            }
        }
        for title in gone {
            let is_within = is_within(&self.brought, &title);
            if !self.brought.remove(&title) && !is_within {
                dropped.push(Dropped { live: self.name(&title), title, how: Lost::Dropped });
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
            how: Lost::Dropped,
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
        steps
            .iter()
            .flat_map(|(direction, drops)| live.walk(*direction, drops.clone(), Vec::new()))
            .map(|drop| drop.live)
            .collect()
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
