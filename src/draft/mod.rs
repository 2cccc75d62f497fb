//! Drafts: the statements that lead back from one schema to another, computed from what the catalog tells of both.
//!
//! A step is a proposal. Whoever asked tries each in a shadow, keeps what the database takes, reads the schema again and asks
//! again, until nothing differs. So nothing here needs to know what stands on what: a drop that comes too early is refused, and
//! tried again behind the others.

use std::collections::BTreeMap;

use crate::moves::Move;
use crate::snapshot::{Snapshot, Weight};
use crate::sql::{Blocks, Flavor, Script};

mod mysql;
mod objects;
mod postgres;
mod sqlite;

/// How an object is made, in the database's own words; where it is a part of a table, the words for that part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Kind and name, as a snapshot says them.
    pub kind: String,
    pub object: String,
    pub text: String,
}

/// A schema, and how its objects are made.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub snapshot: Snapshot,
    /// In the order in which the database tells them.
    pub definitions: Vec<Definition>,
}

/// How hard a step may press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// Only what differs is touched.
    Calm,
    /// What stands on tables that differ is dropped too, to be made again behind them.
    High,
}

/// What becomes of values that were written after the up, where the schema before it has no place for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Nothing is done about them: the draft fails over them.
    Strict,
    /// They are set to what fits. Rows stay.
    Yielding,
}

/// What is asked: the way from `found` to `wanted`.
pub struct Task<'a> {
    pub wanted: &'a Schema,
    pub found: &'a Schema,
    /// What has another name now, by title: its name in `wanted`, and in `found`.
    pub moves: &'a [Move],
    pub pressure: Pressure,
    pub care: Care,
}

/// A part of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Each is a list of statements. The first way is tried again and again, the others once nothing else is taken.
    pub ways: Vec<Vec<String>>,
    /// What must be said openly when it is.
    pub says: Vec<String>,
}

impl Step {
    fn one(statement: impl Into<String>) -> Step {
        Step::of(vec![statement.into()])
    }

    fn of(statements: Vec<String>) -> Step {
        Step { ways: vec![statements], says: Vec::new() }
    }
}

impl Schema {
    /// How an object is made, where the database has told it.
    fn text(&self, kind: &str, object: &str) -> Option<&str> {
        let is_it = |one: &&Definition| one.kind == kind && one.object == object;
        self.definitions.iter().find(is_it).map(|one| one.text.as_str())
    }

    /// Where each object stands in the order in which the database tells them.
    fn ranks(&self) -> BTreeMap<(&str, &str), usize> {
        let named = self.definitions.iter().enumerate();
        named.map(|(rank, one)| ((one.kind.as_str(), one.object.as_str()), rank)).collect()
    }
}

/// Steps towards `wanted`, in an order that is likely to work. New names come alone: behind them much else is the same again.
pub type Steps = fn(&Task<'_>) -> Vec<Step>;

/// Who knows the way back in a dialect.
#[derive(Clone, Copy)]
pub struct Guide {
    pub steps: Steps,
    /// The lightest difference that its steps mend.
    pub lightest: Weight,
}

/// The guide of a dialect. A made-up name can be given back, and on MySQL a column can be put where it stood.
pub fn by_flavor(flavor: Flavor) -> Guide {
    let (steps, lightest): (Steps, Weight) = match flavor {
        Flavor::Sqlite => (sqlite::steps, Weight::Strong),
        Flavor::Postgres => (postgres::steps, Weight::Weak),
        Flavor::Mysql => (mysql::steps, Weight::Weak),
    };
    Guide { steps, lightest }
}

/// Drops an index whose concurrent build did not end, named as SQL names it.
pub fn drop_unbuilt(index: &str) -> String {
    postgres::drop_unbuilt(index)
}

/// Rebuilds an index that was being dropped concurrently, named as SQL names it.
pub fn rebuild(index: &str) -> String {
    postgres::rebuild(index)
}

/// A way back as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub flavor: Flavor,
    /// Lines without their dashes.
    pub comments: Vec<String>,
    pub statements: Vec<String>,
}

impl Written {
    /// The script; where a tool cuts at semicolons, statements that hold some stand between its markers. A body that is not known
    /// for one by its text, as in MariaDB's Oracle mode, ends at a delimiter of its own.
    pub fn text(&self, blocks: Option<Blocks>) -> String {
        let comments = self.comments.iter().flat_map(|comment| comment.lines()).map(|line| format!("-- {line}\n"));
        let statements = self.statements.iter().map(|statement| {
            let statement = statement.trim_end().trim_end_matches(';');
            match blocks.filter(|_| statement.contains(';')) {
                Some(Blocks { begin, end }) => format!("-- {begin}\n{statement};\n-- {end}\n"),
                None if self.is_cut(statement) => {
                    let end = if statement.contains("//") { "$$" } else { "//" };
                    format!("DELIMITER {end}\n{statement}\n{end}\nDELIMITER ;\n")
                }
                None => format!("{statement};\n"),
            }
        });
        comments.chain(statements).collect()
    }

    /// Whether a script that holds this statement would be taken apart within it.
    fn is_cut(&self, statement: &str) -> bool {
        let is_one = || Script::parse("", 1, statement.as_bytes(), self.flavor).statements().len() == 1;
        self.flavor == Flavor::Mysql && statement.contains(';') && !is_one()
    }
}
