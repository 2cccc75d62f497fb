//! Plans: every command moves a database from set A to set T.
//!
//! `A` is the state, `T` the target, closed under "requires". A plan is always: revert A∖T in the reverse of the order in
//! which they were applied, then apply T∖A in dependency order. One planner; commands only name another T.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::goal::Why;
use crate::id::Id;
use crate::ledger::{Act, Head};
use crate::migration::{Down, Migration, Transaction};
use crate::proof::{Drops, Proof, Verdict, Waiver};
use crate::sha::Sha;
use crate::sql::Script;

/// Which way a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

/// Where the script of a step comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// For an up from the ledger: the row that holds it.
    pub held_by: Option<i64>,
    /// Why it is in the plan.
    pub why: Why,
    /// What it stands on directly, where that is declared or was observed; the ledger keeps it.
    pub requires: Option<Vec<Id>>,
    /// It takes back what a step did that stopped half-way: the migration's up is that part of its script, its down what leads
    /// back, and `reverts` the row that began it.
    pub backs_out: bool,
}

impl Step {
    /// What its rows in the ledger are.
    pub fn act(&self) -> Act {
        match (self.direction, self.backs_out) {
            (_, true) => Act::BackOut,
            (Direction::Up, false) => Act::Apply,
            (Direction::Down, false) => Act::Revert,
        }
    }

    /// Its statements, as they are shown.
    pub fn shown(&self) -> Vec<String> {
        let Some(script) = self.script() else { return Vec::new() };
        script.statements().iter().map(|statement| script.shown(statement)).collect()
    }

    /// What it is, in a word.
    pub fn word(&self) -> &'static str {
        if self.backs_out { Act::BackOut.word() } else { self.direction.word() }
    }

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
    /// What stays although the goal alone would take it back, and why.
    pub stays: Vec<(Id, Why)>,
}

impl Plan {
    /// A plan without a step.
    pub fn nothing(base: &Head) -> Plan {
        Plan { base: base.clone(), steps: Vec::new(), stays: Vec::new() }
    }
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

    /// As the ledger keeps it, with what the migration stands on directly.
    pub fn to_json(&self, requires: Option<&[Id]>) -> Option<String> {
        serde_json::to_string(&Kept { warrant: self, requires }).ok()
    }

    /// What a migration stood on when it was applied, where that was known.
    pub fn recorded_edges(json: &str) -> Option<Vec<Id>> {
        serde_json::from_str::<Edges>(json).ok()?.requires
    }

    /// What becomes of tables and columns with their rows.
    pub fn drops(&self) -> Drops {
        match self {
            Warrant::Proof { drops, .. } | Warrant::Waiver { drops, .. } | Warrant::Adopted { drops } => drops.clone(),
            Warrant::Recorded { warrant } => Drops::deserialize(warrant.as_ref()).unwrap_or_default(),
        }
    }

    /// Tables and columns whose rows do not come back, as `public.users` or `public.users.email`.
    pub fn loses(&self) -> Vec<String> {
        match self {
            Warrant::Proof { loses, .. } => loses.clone(),
            Warrant::Recorded { warrant } => {
                warrant.get("loses").and_then(|loses| Vec::deserialize(loses).ok()).unwrap_or_default()
            }
            Warrant::Waiver { .. } | Warrant::Adopted { .. } => Vec::new(),
        }
    }

    /// What a recorded one says of the group that was proven as one.
    pub fn recorded_group(&self) -> Option<&str> {
        match self {
            Warrant::Recorded { warrant } => warrant.get("group")?.as_str(),
            Warrant::Proof { .. } | Warrant::Waiver { .. } | Warrant::Adopted { .. } => None,
        }
    }

    /// The verdict by which it was let through.
    pub fn verdict(&self) -> String {
        match self {
            Warrant::Proof { verdict, .. } | Warrant::Waiver { verdict, .. } => verdict.to_string(),
            Warrant::Adopted { .. } => "adopted".to_owned(),
            Warrant::Recorded { warrant } => {
                let said = warrant.get("verdict").or(warrant.get("by")).and_then(serde_json::Value::as_str);
                said.unwrap_or("unknown").to_owned()
            }
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

/// A warrant in a row of the ledger.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    warrant: &'a Warrant,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires: Option<&'a [Id]>,
}

/// The edges of such a row.
#[derive(Deserialize)]
struct Edges {
    requires: Option<Vec<Id>>,
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
    stays: Vec<(Id, Why)>,
}

impl Proven {
    /// Pairs each step with its warrant.
    ///
    /// # Errors
    /// The steps that have none.
    pub fn new(plan: Plan, mut warrant: impl FnMut(&Step) -> Option<Warrant>) -> Result<Proven, Vec<Step>> {
        let Plan { base, steps, stays } = plan;
        let (mut proven, mut unproven) = (Vec::with_capacity(steps.len()), Vec::new());
        for step in steps {
            match warrant(&step).filter(|warrant| !matches!(warrant, Warrant::Adopted { .. })) {
                Some(warrant) => proven.push((step, warrant)),
                None => unproven.push(step),
            }
        }
        if unproven.is_empty() { Ok(Proven { base, steps: proven, stays }) } else { Err(unproven) }
    }

    /// The plan alone.
    pub fn to_plan(&self) -> Plan {
        let steps = self.steps.iter().map(|(step, _)| step.clone()).collect();
        Plan { base: self.base.clone(), steps, stays: self.stays.clone() }
    }

    /// Has each step that is applied from the checkout keep what it stands on, as `edges` tells it.
    pub fn keep_edges(&mut self, edges: impl Fn(&Id) -> Option<Vec<Id>>) {
        let of_checkout = |step: &&mut Step| step.direction == Direction::Up && step.source == Source::Checkout;
        for step in self.steps.iter_mut().map(|(step, _)| step).filter(of_checkout) {
            step.requires = edges(&step.migration.id);
        }
    }

    pub fn steps(&self) -> &[(Step, Warrant)] {
        &self.steps
    }

    /// Digest of the schema that the first step was proven from. Where a step stopped half-way, it is read back where it is.
    pub fn first_from(&self) -> Option<&Sha> {
        match self.steps.first() {
            Some((step, Warrant::Proof { from, .. })) if step.direction == Direction::Up => Some(from),
            _ => None,
        }
    }

    /// Digest of the schema that the last step was proven to end in.
    pub fn last_to(&self) -> Option<&Sha> {
        match self.steps.last() {
            Some((step, Warrant::Proof { from, .. })) if step.direction == Direction::Down => Some(from),
            Some((_, Warrant::Proof { to, .. })) => Some(to),
            _ => None,
        }
    }
}
