//! Goals: which set of migrations a command wants, and the smallest set of moves that leads there.
//!
//! `A` is what is applied, `T` what is wanted, closed under "requires". What is in A and not in T is taken back in the
//! reverse of the order of application, with all that stands on it; what is in T and not in A is applied in dependency
//! order. Edges of what is applied only lead to what was applied before it, so that order is always a good one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use serde::{Serialize, Serializer};

use crate::id::Id;
use crate::migration::is_one_group;

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    pub aim: Aim,
    /// What stays applied whatever the aim says, with what it stands on.
    pub keep: Vec<Id>,
}

/// The set that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Everything that the checkout has.
    All,
    /// At most so many more, in dependency order.
    Ahead(usize),
    /// The migration and all that comes before it in dependency order.
    UpTo(Id),
    /// These as well, and what they stand on.
    With(Vec<Id>),
    /// Without the last so many, in the order in which they were applied.
    Back(usize),
    /// Without what was applied after this migration.
    BackTo(Id),
    /// Without these and what stands on them; the rest stays.
    Without(Vec<Id>),
    /// Nothing.
    Nothing,
    /// Without the last so many, and then with them again.
    Again(usize),
    /// Exactly a set that is written down somewhere.
    Exactly(Wanted),
}

/// A set that is written down: a state of the past, a release, a revision of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// In the order in which they are applied.
    pub ids: Vec<Id>,
    /// Those of which another version is applied than is wanted.
    pub changed: BTreeSet<Id>,
}

impl From<Aim> for Goal {
    fn from(aim: Aim) -> Goal {
        Goal { aim, keep: Vec::new() }
    }
}

impl Goal {
    /// Whether it is a set of its own, whatever is applied when it is asked for.
    pub fn is_settled(&self) -> bool {
        !matches!(self.aim, Aim::Ahead(_) | Aim::Back(_) | Aim::Again(_))
    }

    /// Whether nothing can come to be applied.
    pub fn goes_back(&self) -> bool {
        matches!(self.aim, Aim::Back(_) | Aim::BackTo(_) | Aim::Without(_) | Aim::Nothing)
    }

    /// Whether the moves depend on what applied migrations stand on, and not only on the order in which they were applied.
    pub fn needs_edges(&self) -> bool {
        !self.keep.is_empty() || matches!(self.aim, Aim::Without(_) | Aim::Exactly(_))
    }
}

/// Why a migration is moved, or stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The command names it, or counts it.
    Asked,
    /// It stands on one that is taken back.
    StandsOn(Id),
    /// One that is applied, or stays, stands on it.
    NeededBy(Id),
    /// It comes before the one that is named.
    Before(Id),
    /// It is one group with another that is moved.
    GroupOf(Id),
    NotInTarget,
    InTarget,
    /// The target has another version of it.
    Changed,
    /// It was taken back, and the target has it.
    Again,
    /// As a saved plan says it.
    Saved(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Asked => f.write_str("asked"),
            Why::StandsOn(id) => write!(f, "stands on {id}"),
            Why::NeededBy(id) => write!(f, "needed by {id}"),
            Why::Before(id) => write!(f, "before {id}"),
            Why::GroupOf(id) => write!(f, "one group with {id}"),
            Why::NotInTarget => f.write_str("not in the target"),
            Why::InTarget => f.write_str("in the target"),
            Why::Changed => f.write_str("another version is in the target"),
            Why::Again => f.write_str("again"),
            Why::Saved(text) => f.write_str(text),
        }
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One migration that a plan may move.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: Id,
    /// What it stands on directly. Ids that come later, or that nobody has, do not count.
    pub requires: Vec<Id>,
    /// The group that it is proven with.
    pub group: Option<String>,
    /// Its place in the dependency order of the checkout; `None` where that does not have it.
    pub rank: Option<usize>,
}

/// Everything that a plan may move, and what stands on what.
#[derive(Clone, Debug)]
pub struct Ground {
    nodes: Vec<Node>,
    requires: Vec<Vec<usize>>,
    dependents: Vec<Vec<usize>>,
    /// The first so many are applied.
    applied: usize,
    index: HashMap<Id, usize>,
}

/// What is to be done, each with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// What is taken back, in this order.
    pub reverts: Vec<(Id, Why)>,
    /// What is applied, in this order.
    pub applies: Vec<(Id, Why)>,
    /// What the aim alone would take back, and what is to be kept holds.
    pub stays: Vec<(Id, Why)>,
}

/// Something is to be kept, and what it stands on is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub kept: Id,
    pub stands_on: Id,
}

/// Which nodes are in a set, by their place.
type Marks = Vec<bool>;

impl Ground {
    /// What is applied in the order of application, and what is pending in dependency order.
    pub fn new(applied: Vec<Node>, pending: Vec<Node>) -> Ground {
        let count = applied.len();
        let nodes: Vec<Node> = applied.into_iter().chain(pending).collect();
        let index: HashMap<Id, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
        let (mut requires, mut dependents) = (Vec::with_capacity(nodes.len()), vec![Vec::new(); nodes.len()]);
        for (at, node) in nodes.iter().enumerate() {
            let known = node.requires.iter().filter_map(|id| index.get(id).copied());
            let mut below: Vec<usize> = known.filter(|from| *from < at).collect();
            below.sort_unstable();
            below.dedup();
            below.iter().for_each(|from| dependents[*from].push(at));
            requires.push(below);
        }
        Ground { nodes, requires, dependents, applied: count, index }
    }

    /// Whether a migration is applied.
    pub fn is_applied(&self, id: &Id) -> bool {
        self.index.get(id).is_some_and(|at| *at < self.applied)
    }

    /// What a migration stands on directly, as far as it is known here.
    pub fn requires(&self, id: &Id) -> impl Iterator<Item = &Id> {
        let below = self.index.get(id).map_or(&[][..], |at| &self.requires[*at]);
        below.iter().map(|at| &self.nodes[*at].id)
    }

    fn places<'a>(&self, ids: impl IntoIterator<Item = &'a Id>) -> Vec<usize> {
        ids.into_iter().filter_map(|id| self.index.get(id).copied()).collect()
    }

    fn marks(&self, places: &[usize]) -> Marks {
        let mut marks = vec![false; self.nodes.len()];
        places.iter().for_each(|at| marks[*at] = true);
        marks
    }

    fn joins(&self, one: usize, other: usize) -> bool {
        is_one_group(self.nodes[one].group.as_deref(), self.nodes[other].group.as_deref())
    }

    /// The other members of the group that stands around a place, on its side of what is applied.
    fn mates(&self, at: usize) -> impl Iterator<Item = usize> {
        let (low, high) = if at < self.applied { (0, self.applied) } else { (self.applied, self.nodes.len()) };
        let first = (low..at).rev().take_while(|one| self.joins(*one, *one + 1)).last().unwrap_or(at);
        let last = (at + 1..high).take_while(|one| self.joins(*one - 1, *one)).last().unwrap_or(at);
        (first..=last).filter(move |one| *one != at)
    }

    /// Adds whatever `next` gives of a member, again and again.
    fn close(&self, marks: &mut Marks, next: impl Fn(usize) -> Vec<usize>) {
        let mut stack: Vec<usize> = (0..marks.len()).filter(|at| marks[*at]).collect();
        while let Some(at) = stack.pop() {
            for other in next(at) {
                if !std::mem::replace(&mut marks[other], true) {
                    stack.push(other);
                }
            }
        }
    }

    /// With all that they stand on, and whole groups.
    fn closed_below(&self, places: &[usize]) -> Marks {
        let mut marks = self.marks(places);
        self.close(&mut marks, |at| self.requires[at].iter().copied().chain(self.mates(at)).collect());
        marks
    }

    /// With all applied ones that stand on them, and whole groups.
    fn closed_above(&self, marks: &mut Marks) {
        self.close(marks, |at| {
            let above = self.dependents[at].iter().copied().filter(|one| *one < self.applied);
            above.chain(self.mates(at)).collect()
        });
    }

    /// Places of the checkout's migrations, in its order.
    fn checkout(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.nodes.len()).filter(|at| self.nodes[*at].rank.is_some()).collect();
        places.sort_unstable_by_key(|at| self.nodes[*at].rank);
        places
    }
}

/// The moves from what is applied to the goal: always the fewest that keep every migration above what it stands on.
///
/// # Errors
/// When something is to be kept that stands on what is to be taken back.
pub fn moves(ground: &Ground, goal: &Goal) -> Result<Moves, Conflict> {
    let aimed = reverts(ground, &goal.aim);
    let kept = match goal.keep.is_empty() {
        true => vec![false; ground.nodes.len()],
        false => ground.closed_below(&ground.places(&goal.keep)),
    };
    // What is named to go cannot stay; what only follows from the aim can.
    let must_go = |at: usize| matches!(&goal.aim, Aim::Without(ids) if ids.contains(&ground.nodes[at].id));
    if let Some(at) = (0..ground.applied).find(|at| kept[*at] && must_go(*at)) {
        let kept = goal.keep.iter().find(|id| ground.closed_below(&ground.places([*id]))[at]);
        let stands_on = ground.nodes[at].id.clone();
        return Err(Conflict { kept: kept.unwrap_or(&stands_on).clone(), stands_on });
    }
    let mut gone: Marks = aimed.iter().zip(&kept).map(|(gone, kept)| *gone && !kept).collect();
    ground.closed_above(&mut gone);
    if let Some(at) = (0..ground.applied).find(|at| kept[*at] && gone[*at]) {
        let below = ground.closed_below(&[at]);
        let from = (0..ground.applied).find(|one| below[*one] && gone[*one] && !kept[*one]).unwrap_or(at);
        return Err(Conflict { kept: ground.nodes[at].id.clone(), stands_on: ground.nodes[from].id.clone() });
    }
    let id = |at: usize| ground.nodes[at].id.clone();
    let wanted: HashSet<&Id> = match &goal.aim {
        Aim::Exactly(wanted) => wanted.ids.iter().collect(),
        _ => HashSet::new(),
    };
    let back = (0..ground.applied).rev().filter(|at| gone[*at]);
    let stays = (0..ground.applied).filter(|at| aimed[*at] && kept[*at]);
    Ok(Moves {
        reverts: back.map(|at| (id(at), why_back(ground, goal, &wanted, &gone, at))).collect(),
        applies: applies(ground, &goal.aim, &gone),
        stays: stays.map(|at| (id(at), why_stays(ground, goal, &kept, at))).collect(),
    })
}

/// What the aim alone takes back.
fn reverts(ground: &Ground, aim: &Aim) -> Marks {
    let splits = |at: usize| at > 0 && at < ground.applied && ground.joins(at - 1, at);
    let behind = |keep: usize| (0..ground.nodes.len()).map(|at| at >= keep && at < ground.applied).collect();
    let last = |count: usize| {
        let keep = ground.applied.saturating_sub(count);
        behind((0..=keep).rev().find(|at| !splits(*at)).unwrap_or(0))
    };
    match aim {
        Aim::All | Aim::Ahead(_) | Aim::UpTo(_) | Aim::With(_) => vec![false; ground.nodes.len()],
        Aim::Back(count) | Aim::Again(count) => last(*count),
        Aim::Nothing => behind(0),
        Aim::BackTo(id) => {
            let at = ground.index.get(id).filter(|at| **at < ground.applied).map_or(0, |at| at + 1);
            // What is named stays, and so do the others of its group.
            behind((at..ground.applied).find(|at| !splits(*at)).unwrap_or(ground.applied))
        }
        Aim::Without(ids) => {
            let places: Vec<usize> = ground.places(ids).into_iter().filter(|at| *at < ground.applied).collect();
            let mut gone = ground.marks(&places);
            ground.closed_above(&mut gone);
            gone
        }
        Aim::Exactly(wanted) => {
            let ids: BTreeSet<&Id> = wanted.ids.iter().collect();
            let is_gone = |id: &Id| !ids.contains(id) || wanted.changed.contains(id);
            ground.nodes.iter().enumerate().map(|(at, node)| at < ground.applied && is_gone(&node.id)).collect()
        }
    }
}

/// What is applied when these are taken back.
fn applies(ground: &Ground, aim: &Aim, gone: &Marks) -> Vec<(Id, Why)> {
    let is_pending = |at: &usize| *at >= ground.applied;
    let told = |at: usize, why: Why| (ground.nodes[at].id.clone(), why);
    let asked = |places: Vec<usize>| places.into_iter().map(|at| told(at, Why::Asked)).collect();
    let order = ground.checkout();
    // A group is not taken apart.
    let whole = |end: usize| (end..order.len()).find(|end| *end == 0 || !ground.joins(order[end - 1], order[*end]));
    let until = |end: usize| -> Vec<usize> {
        order[..whole(end).unwrap_or(order.len())].iter().copied().filter(is_pending).collect()
    };
    match aim {
        Aim::All => asked(until(order.len())),
        Aim::Ahead(count) => match order.iter().enumerate().filter(|(_, at)| is_pending(at)).take(*count).last() {
            Some((position, _)) => asked(until(position + 1)),
            None => Vec::new(),
        },
        Aim::UpTo(id) => {
            let end = order.iter().position(|at| ground.nodes[*at].id == *id).map_or(0, |at| at + 1);
            needed(ground, std::slice::from_ref(id), until(end))
        }
        Aim::With(ids) => {
            let below = ground.closed_below(&ground.places(ids));
            needed(ground, ids, order.into_iter().filter(|at| is_pending(at) && below[*at]).collect())
        }
        Aim::Again(_) => order.into_iter().filter(|at| gone[*at]).map(|at| told(at, Why::Again)).collect(),
        Aim::Exactly(wanted) => {
            let why = |id: &Id| match ground.index.get(id) {
                Some(at) if *at < ground.applied => gone[*at].then_some(Why::Again),
                _ => Some(Why::InTarget),
            };
            wanted.ids.iter().filter_map(|id| Some((id.clone(), why(id)?))).collect()
        }
        Aim::Back(_) | Aim::BackTo(_) | Aim::Without(_) | Aim::Nothing => Vec::new(),
    }
}

/// The reasons of what is applied because of some that are named.
fn needed(ground: &Ground, named: &[Id], places: Vec<usize>) -> Vec<(Id, Why)> {
    let below = ground.closed_below(&ground.places(named));
    let comes = ground.marks(&places);
    let why = |at: usize| {
        let id = &ground.nodes[at].id;
        let by = ground.dependents[at].iter().find(|by| comes[**by] && below[**by]);
        match by {
            _ if named.contains(id) => Why::Asked,
            Some(by) if below[at] => Why::NeededBy(ground.nodes[*by].id.clone()),
            _ => match ground.mates(at).find(|mate| below[*mate]) {
                Some(mate) => Why::GroupOf(ground.nodes[mate].id.clone()),
                None => Why::Before(named.first().unwrap_or(id).clone()),
            },
        }
    };
    places.iter().map(|at| (ground.nodes[*at].id.clone(), why(*at))).collect()
}

fn why_back(ground: &Ground, goal: &Goal, wanted: &HashSet<&Id>, gone: &Marks, at: usize) -> Why {
    let id = &ground.nodes[at].id;
    let stands_on = || {
        let from = ground.requires[at].iter().rev().find(|from| gone[**from]);
        let mate = || ground.mates(at).find(|mate| gone[*mate]);
        match from.filter(|from| !ground.joins(**from, at)) {
            Some(from) => Why::StandsOn(ground.nodes[*from].id.clone()),
            None => mate().map_or(Why::NotInTarget, |mate| Why::GroupOf(ground.nodes[mate].id.clone())),
        }
    };
    match &goal.aim {
        Aim::Without(ids) if ids.contains(id) => Why::Asked,
        Aim::Exactly(Wanted { changed, .. }) if changed.contains(id) => Why::Changed,
        Aim::Exactly(_) if wanted.contains(id) => stands_on(),
        Aim::Without(_) => stands_on(),
        Aim::BackTo(_) | Aim::Exactly(_) => Why::NotInTarget,
        _ => Why::Asked,
    }
}

fn why_stays(ground: &Ground, goal: &Goal, kept: &Marks, at: usize) -> Why {
    if goal.keep.contains(&ground.nodes[at].id) {
        return Why::Asked;
    }
    let by = ground.dependents[at].iter().copied().find(|by| kept[*by]);
    match by {
        Some(by) => Why::NeededBy(ground.nodes[by].id.clone()),
        None => ground
            .mates(at)
            .find(|mate| kept[*mate])
            .map_or(Why::Asked, |mate| Why::GroupOf(ground.nodes[mate].id.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<Id> {
        names.iter().map(|name| Id::new(*name)).collect()
    }

    /// What is applied, in this order, and a checkout; what begins with a 2 is one group.
    fn ground(applied: &[&str], order: &[&str]) -> Ground {
        let node = |name: &&str| Node {
            id: Id::new(*name),
            requires: Vec::new(),
            group: name.starts_with('2').then(|| "g".to_owned()),
            rank: order.iter().position(|other| other == name),
        };
        let pending = order.iter().filter(|name| !applied.contains(name));
        Ground::new(applied.iter().map(node).collect(), pending.map(node).collect())
    }

    fn names(moves: &[(Id, Why)]) -> Vec<&str> {
        moves.iter().map(|(id, _)| id.as_str()).collect()
    }

    fn plan(ground: &Ground, aim: Aim) -> Moves {
        moves(ground, &Goal::from(aim)).unwrap()
    }

    #[test]
    fn a_group_is_never_taken_apart() {
        let order = ["1", "2a", "2b", "3"];
        let ups = |from: &[&str], aim| plan(&ground(from, &order), aim).applies;
        assert_eq!(names(&ups(&[], Aim::Ahead(2))), ["1", "2a", "2b"]);
        assert_eq!(names(&ups(&[], Aim::UpTo(Id::new("2a")))), ["1", "2a", "2b"]);
        assert_eq!(names(&ups(&["1"], Aim::Ahead(1))), ["2a", "2b"]);
        assert_eq!(names(&ups(&["1", "2a"], Aim::Ahead(1))), ["2b"]);
        assert_eq!(names(&ups(&["1", "2a", "2b"], Aim::Ahead(1))), ["3"]);
        assert_eq!(names(&ups(&[], Aim::With(ids(&["2b"])))), ["2a", "2b"]);
        let downs = |from: &[&str], aim| plan(&ground(from, &order), aim).reverts;
        assert_eq!(names(&downs(&["1", "2a", "2b"], Aim::Back(1))), ["2b", "2a"]);
        assert_eq!(names(&downs(&["1", "2a", "2b", "3"], Aim::Back(1))), ["3"]);
        assert_eq!(names(&downs(&["1", "2a", "2b", "3"], Aim::BackTo(Id::new("2a")))), ["3"]);
        assert_eq!(names(&downs(&["1", "2a"], Aim::Back(1))), ["2a"]);
        let without = downs(&["1", "2a", "2b", "3"], Aim::Without(ids(&["2a"])));
        assert_eq!(without, [(Id::new("2b"), Why::GroupOf(Id::new("2a"))), (Id::new("2a"), Why::Asked)]);
    }

    #[test]
    fn reverts_go_in_the_reverse_of_the_order_of_application() {
        let moves = plan(&ground(&["1", "4", "2", "3"], &["1", "2", "3", "4"]), Aim::Nothing);
        assert_eq!(names(&moves.reverts), ["3", "2", "4", "1"]);
    }

    #[test]
    fn a_target_takes_what_comes_before_it_and_nothing_else() {
        let moves = plan(&ground(&["1"], &["1", "2", "3", "4"]), Aim::UpTo(Id::new("3")));
        assert_eq!(moves.applies, [(Id::new("2"), Why::Before(Id::new("3"))), (Id::new("3"), Why::Asked)]);
    }

    #[test]
    fn going_back_to_a_migration_keeps_it() {
        let moves = plan(&ground(&["1", "4", "2"], &["1", "2", "4"]), Aim::BackTo(Id::new("4")));
        assert_eq!(moves.reverts, [(Id::new("2"), Why::NotInTarget)]);
    }

    #[test]
    fn what_stands_on_what_is_taken_back_goes_with_it_and_says_so() {
        let node = |name: &str, requires: &[&str]| Node {
            id: Id::new(name),
            requires: ids(requires),
            group: None,
            rank: None,
        };
        let applied = vec![node("1", &[]), node("2", &["1"]), node("3", &["1"]), node("4", &["2"])];
        let ground = Ground::new(applied, Vec::new());
        let moves = |aim, keep: &[&str]| super::moves(&ground, &Goal { aim, keep: ids(keep) });
        let without = moves(Aim::Without(ids(&["2"])), &[]).unwrap();
        assert_eq!(without.reverts, [(Id::new("4"), Why::StandsOn(Id::new("2"))), (Id::new("2"), Why::Asked)]);
        let kept = moves(Aim::Nothing, &["4"]).unwrap();
        assert_eq!(names(&kept.reverts), ["3"]);
        let needed = |name: &str, by: &str| (Id::new(name), Why::NeededBy(Id::new(by)));
        assert_eq!(kept.stays, [needed("1", "2"), needed("2", "4"), (Id::new("4"), Why::Asked)]);
        let refused = moves(Aim::Without(ids(&["1"])), &["4"]).unwrap_err();
        assert_eq!(refused, Conflict { kept: Id::new("4"), stands_on: Id::new("1") });
    }
}
