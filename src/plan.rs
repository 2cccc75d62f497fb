//! Plans: every command moves a database from set A to set T.
//!
//! `A` is the state, `T` the target, closed under "requires". A plan is always: revert A∖T in the reverse of the order in
//! which they were applied, then apply T∖A in dependency order. One planner; commands only name another T.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::ledger::{Applied, Head, State};
use crate::migration::{Down, Migration, Transaction};
use crate::proof::{Drops, Proof, Verdict, Waiver};
use crate::sha::Sha;
use crate::sql::Script;

/// Which way a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Up,
    Down,
}

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a command asks for; each only names another target set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Everything that the checkout has.
    All,
    /// At most so many more, in dependency order.
    Ahead(usize),
    /// The migration and all that comes before it in dependency order.
    UpTo(Id),
    /// Without the last so many, in the order in which they were applied.
    Back(usize),
    /// Without what was applied after this migration.
    BackTo(Id),
    /// Nothing.
    Nothing,
    /// Without the last so many, and then with them again.
    Again(usize),
}

/// Where the script of a step comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The checkout's files.
    Checkout,
    /// The text that the ledger kept when the migration was applied (I3).
    Ledger,
}

/// One step of a plan.
#[derive(Clone, Debug)]
pub struct Step {
    pub direction: Direction,
    pub migration: Arc<Migration>,
    pub source: Source,
    /// For a revert: the ledger row that it takes back.
    pub reverts: Option<i64>,
    /// Why it is in the plan.
    pub why: String,
}

impl Step {
    /// The script that the step runs; `None` where there is no way back.
    pub fn script(&self) -> Option<&Script> {
        match self.direction {
            Direction::Up => Some(&self.migration.up),
            Direction::Down => self.migration.down.script(),
        }
    }

    pub fn transaction(&self) -> Transaction {
        match self.direction {
            Direction::Up => self.migration.settings.transaction.up,
            Direction::Down => self.migration.settings.transaction.down,
        }
    }

    /// The declared reason why this step cannot be run back, if that is so.
    pub fn irreversible(&self) -> Option<&str> {
        match (&self.direction, &self.migration.down) {
            (Direction::Down, Down::Irreversible(reason)) => Some(reason),
            _ => None,
        }
    }
}

/// The ordered steps that take a database from one state to another.
#[must_use = "a plan does nothing until it is run"]
#[derive(Clone, Debug)]
pub struct Plan {
    /// The ledger's last row when the plan was made; it is run only on that.
    pub base: Head,
    pub steps: Vec<Step>,
}

/// What lets a step through (I1). Only a proof check makes one, and it goes into the ledger with the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "by")]
pub enum Warrant {
    /// The way back was proven.
    Proof {
        verdict: Verdict,
        /// Digests of the schema that it was proven from and to.
        from: Sha,
        to: Sha,
        /// What binds it to the members of the group that was proven as one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<Sha>,
        /// Tables and columns whose rows do not come back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        loses: Vec<String>,
        #[serde(flatten)]
        drops: Drops,
    },
    /// A waiver: this way is not proven, and somebody said why it may be gone all the same.
    Waiver {
        verdict: Verdict,
        reason: String,
        who: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<Sha>,
        #[serde(flatten)]
        drops: Drops,
    },
    /// Another tool applied it, and nobody has proven it here. It lets nothing up; the ledger's row of the adoption carries it.
    Adopted {
        #[serde(flatten)]
        drops: Drops,
    },
    /// A revert of what was applied with this warrant.
    Recorded { warrant: Box<serde_json::Value> },
}

impl Warrant {
    pub fn of_proof(proof: &Proof) -> Warrant {
        Warrant::Proof {
            verdict: proof.verdict(),
            from: proof.from().clone(),
            to: proof.to().clone(),
            group: proof.group().cloned(),
            loses: proof.loses().to_vec(),
            drops: proof.drops().clone(),
        }
    }

    /// A waiver, with what is known of the migration from where it was judged.
    pub fn of_waiver(waiver: &Waiver, proof: Option<&Proof>) -> Warrant {
        Warrant::Waiver {
            verdict: waiver.verdict,
            reason: waiver.reason.clone(),
            who: waiver.by.clone(),
            group: proof.and_then(|proof| proof.group().cloned()),
            drops: proof.map(|proof| proof.drops().clone()).unwrap_or_default(),
        }
    }

    /// The warrant that the ledger keeps in the row that applied a migration.
    pub fn recorded(json: Option<&str>) -> Warrant {
        let value = json.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(serde_json::Value::Null);
        Warrant::Recorded { warrant: Box::new(value) }
    }

    /// As the ledger keeps it.
    pub fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// What becomes of tables and columns with their rows.
    pub fn drops(&self) -> Drops {
        match self {
            Warrant::Proof { drops, .. } | Warrant::Waiver { drops, .. } | Warrant::Adopted { drops } => drops.clone(),
            Warrant::Recorded { warrant } => Drops::deserialize(warrant.as_ref()).unwrap_or_default(),
        }
    }

    /// What a recorded one says of the group that was proven as one.
    pub fn recorded_group(&self) -> Option<&str> {
        match self {
            Warrant::Recorded { warrant } => warrant.get("group")?.as_str(),
            Warrant::Proof { .. } | Warrant::Waiver { .. } | Warrant::Adopted { .. } => None,
        }
    }

    /// Whether nobody has proven this way.
    pub fn is_unproven(&self) -> bool {
        match self {
            Warrant::Proof { .. } => false,
            Warrant::Waiver { .. } | Warrant::Adopted { .. } => true,
            Warrant::Recorded { warrant } => by(warrant) != Some("proof"),
        }
    }

    /// Whether it was taken over from another tool without a proof.
    pub fn is_adopted(&self) -> bool {
        match self {
            Warrant::Adopted { .. } => true,
            Warrant::Recorded { warrant } => by(warrant) == Some("adopted"),
            Warrant::Proof { .. } | Warrant::Waiver { .. } => false,
        }
    }
}

fn by(warrant: &serde_json::Value) -> Option<&str> {
    warrant.get("by")?.as_str()
}

/// A plan of which every step has its warrant. The executor takes nothing else.
#[must_use = "a plan does nothing until it is run"]
#[derive(Clone, Debug)]
pub struct Proven {
    base: Head,
    steps: Vec<(Step, Warrant)>,
}

impl Proven {
    /// Pairs each step with its warrant.
    ///
    /// # Errors
    /// The steps that have none.
    pub fn new(plan: Plan, mut warrant: impl FnMut(&Step) -> Option<Warrant>) -> Result<Proven, Vec<Step>> {
        let Plan { base, steps } = plan;
        let (mut proven, mut unproven) = (Vec::with_capacity(steps.len()), Vec::new());
        for step in steps {
            match warrant(&step).filter(|warrant| !matches!(warrant, Warrant::Adopted { .. })) {
                Some(warrant) => proven.push((step, warrant)),
                None => unproven.push(step),
            }
        }
        if unproven.is_empty() { Ok(Proven { base, steps: proven }) } else { Err(unproven) }
    }

    /// The plan alone.
    pub fn to_plan(&self) -> Plan {
        Plan { base: self.base.clone(), steps: self.steps.iter().map(|(step, _)| step.clone()).collect() }
    }

    pub fn steps(&self) -> &[(Step, Warrant)] {
        &self.steps
    }

    /// Digest of the schema that the first step was proven from.
    pub fn first_from(&self) -> Option<&Sha> {
        match self.steps.first() {
            Some((_, Warrant::Proof { from, .. })) => Some(from),
            _ => None,
        }
    }

    /// Digest of the schema that the last step was proven to end in.
    pub fn last_to(&self) -> Option<&Sha> {
        match self.steps.last() {
            Some((_, Warrant::Proof { to, .. })) => Some(to),
            _ => None,
        }
    }
}

/// What is to be done, by id; scripts are looked up afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// What is taken back, in this order.
    pub reverts: Vec<Applied>,
    /// What is applied, in this order.
    pub applies: Vec<Id>,
}

/// The moves from `state` to `goal`. `order` is the checkout in dependency order; `joins` tells whether two that stand side by
/// side are of one group, which no plan takes apart.
pub fn moves(state: &State, goal: &Goal, order: &[Id], joins: impl Fn(&Id, &Id) -> bool) -> Moves {
    let applied: BTreeSet<&Id> = state.applied.iter().map(|applied| &applied.id).collect();
    let pending = || order.iter().filter(|id| !applied.contains(id)).cloned();
    let splits =
        |at: usize| at > 0 && at < state.applied.len() && joins(&state.applied[at - 1].id, &state.applied[at].id);
    let back = |keep: usize| {
        let keep = (0..=keep).rev().find(|at| !splits(*at)).unwrap_or(0);
        Moves { reverts: state.applied.iter().skip(keep).rev().cloned().collect(), applies: vec![] }
    };
    let ahead = |applies: Vec<Id>| Moves { reverts: vec![], applies };
    let whole = |end: usize| {
        (end..=order.len()).find(|end| *end == 0 || *end == order.len() || !joins(&order[end - 1], &order[*end]))
    };
    let until = |end: usize| {
        let end = whole(end).unwrap_or(order.len());
        ahead(order[..end].iter().filter(|id| !applied.contains(id)).cloned().collect())
    };
    match goal {
        Goal::All => ahead(pending().collect()),
        Goal::Ahead(count) => match pending().take(*count).last() {
            Some(last) => until(order.iter().position(|id| *id == last).map_or(0, |at| at + 1)),
            None => ahead(Vec::new()),
        },
        Goal::UpTo(id) => until(order.iter().position(|other| other == id).map_or(0, |at| at + 1)),
        Goal::Back(count) => back(state.applied.len().saturating_sub(*count)),
        Goal::BackTo(id) => {
            let at = state.applied.iter().position(|applied| applied.id == *id).map_or(0, |at| at + 1);
            // What is named stays, and so do the others of its group.
            back((at..state.applied.len()).find(|at| !splits(*at)).unwrap_or(state.applied.len()))
        }
        Goal::Nothing => back(0),
        Goal::Again(count) => {
            let reverts = back(state.applied.len().saturating_sub(*count)).reverts;
            let again: BTreeSet<&Id> = reverts.iter().map(|applied| &applied.id).collect();
            let applies = order.iter().filter(|id| again.contains(id)).cloned().collect();
            Moves { reverts, applies }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<Id> {
        names.iter().map(|name| Id::new(*name)).collect()
    }

    fn state(names: &[&str]) -> State {
        let applied = ids(names).into_iter().zip(1..).map(|(id, seq)| Applied {
            seq,
            order: seq,
            id,
            digest: Sha::of(b""),
            is_adopted: false,
            is_unproven: false,
        });
        State { applied: applied.collect(), exists: true, ..State::default() }
    }

    fn apart(_: &Id, _: &Id) -> bool {
        false
    }

    #[test]
    fn a_group_is_never_taken_apart() {
        let order = ids(&["1", "2a", "2b", "3"]);
        let joins = |one: &Id, other: &Id| one.as_str().starts_with('2') && other.as_str().starts_with('2');
        let ups = |from: &[&str], goal| moves(&state(from), &goal, &order, joins).applies;
        assert_eq!(ups(&[], Goal::Ahead(2)), ids(&["1", "2a", "2b"]));
        assert_eq!(ups(&[], Goal::UpTo(Id::new("2a"))), ids(&["1", "2a", "2b"]));
        assert_eq!(ups(&["1"], Goal::Ahead(1)), ids(&["2a", "2b"]));
        assert_eq!(ups(&["1", "2a"], Goal::Ahead(1)), ids(&["2b"]));
        assert_eq!(ups(&["1", "2a", "2b"], Goal::Ahead(1)), ids(&["3"]));
        let downs = |from: &[&str], goal| {
            let reverts = moves(&state(from), &goal, &order, joins).reverts;
            reverts.into_iter().map(|applied| applied.id).collect::<Vec<Id>>()
        };
        assert_eq!(downs(&["1", "2a", "2b"], Goal::Back(1)), ids(&["2b", "2a"]));
        assert_eq!(downs(&["1", "2a", "2b", "3"], Goal::Back(1)), ids(&["3"]));
        assert_eq!(downs(&["1", "2a", "2b", "3"], Goal::BackTo(Id::new("2a"))), ids(&["3"]));
        assert_eq!(downs(&["1", "2a"], Goal::Back(1)), ids(&["2a"]));
    }

    #[test]
    fn reverts_go_in_the_reverse_of_the_order_of_application() {
        let moves = moves(&state(&["1", "4", "2", "3"]), &Goal::Nothing, &ids(&["1", "2", "3", "4"]), apart);
        let order: Vec<&str> = moves.reverts.iter().map(|applied| applied.id.as_str()).collect();
        assert_eq!(order, ["3", "2", "4", "1"]);
    }

    #[test]
    fn a_target_takes_what_comes_before_it_and_nothing_else() {
        let moves = moves(&state(&["1"]), &Goal::UpTo(Id::new("3")), &ids(&["1", "2", "3", "4"]), apart);
        assert_eq!(moves.applies, ids(&["2", "3"]));
    }

    #[test]
    fn going_back_to_a_migration_keeps_it() {
        let goal = Goal::BackTo(Id::new("4"));
        let moves = moves(&state(&["1", "4", "2"]), &goal, &ids(&["1", "2", "4"]), apart);
        assert_eq!(moves.reverts.len(), 1);
        assert_eq!(moves.reverts[0].id.as_str(), "2");
    }
}
