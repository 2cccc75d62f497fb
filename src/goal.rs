//! Goals: which set of migrations a command wants, and the smallest set of moves that leads there.
//!
//! `A` is what is applied, `T` what is wanted, closed under "requires". What is in A and not in T is taken back in the
//! reverse of the order of application, with all that stands on it; what is in T and not in A is applied in dependency
//! order. Edges of what is applied only lead to what was applied before it, so that order is always a good one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::slice;

use serde::{Serialize, Serializer};

use crate::graph::Graph;
use crate::id::Id;
use crate::migration::{is_one_group, units};

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

impl Aim {
    /// The ids that it names.
    fn named(&self) -> &[Id] {
        match self {
            Aim::UpTo(id) | Aim::BackTo(id) => slice::from_ref(id),
            Aim::With(ids) | Aim::Without(ids) | Aim::Exactly(Wanted { ids, .. }) => ids,
            Aim::All | Aim::Ahead(_) | Aim::Back(_) | Aim::Nothing | Aim::Again(_) => &[],
        }
    }
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

/// Where it is said what an applied migration stands on directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footing {
    /// In the ledger. Ids that were applied later, or that nobody has, do not count.
    Recorded(Vec<Id>),
    /// In the checkout; where that does not know, as [`Before`](Footing::Before).
    Checkout,
    /// Nowhere, so it stands on the one that was applied before it.
    Before,
}

/// Everything that a plan may move, and what stands on what. Each has a place: first what is applied, in the order of
/// application, then what is pending, in dependency order.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    ids: Vec<&'a Id>,
    groups: Vec<Option<&'a str>>,
    /// Groups that stand together, and each migration that is in none.
    units: Vec<Range<usize>>,
    /// What each stands on directly: earlier places, in order.
    requires: Vec<Vec<usize>>,
    /// The first so many are applied.
    applied: usize,
    graph: &'a Graph<'a>,
    /// The places of the graph's migrations, in its order.
    checkout: Vec<usize>,
    /// The places of those that the graph does not have.
    others: HashMap<&'a Id, usize>,
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

/// Which migrations are in a set, by place.
type Marks = Vec<bool>;

impl<'a> Ground<'a> {
    /// The checkout's graph, what is applied in the order of application, and groups by id.
    pub fn new(graph: &'a Graph<'a>, applied: &[(&'a Id, Footing)], groups: &'a BTreeMap<Id, String>) -> Ground<'a> {
        let count = applied.len();
        let mut ids: Vec<&Id> = applied.iter().map(|(id, _)| *id).collect();
        let (mut held, mut others) = (vec![None; graph.order().len()], HashMap::new());
        for (at, id) in ids.iter().enumerate() {
            match graph.number(id) {
                Some(number) => held[number] = Some(at),
                None => drop(others.insert(*id, at)),
            }
        }
        let mut pending = |id| {
            ids.push(id);
            ids.len() - 1
        };
        let checkout = graph.order().iter().zip(held).map(|(id, at)| at.unwrap_or_else(|| pending(id))).collect();
        let groups: Vec<Option<&str>> = ids.iter().map(|id| groups.get(*id).map(String::as_str)).collect();
        let sides: Vec<(bool, Option<&str>)> = (0..ids.len()).map(|at| (at < count, groups[at])).collect();
        let units = units(&sides, |one, other| one.0 == other.0 && is_one_group(one.1, other.1));
        let mut ground = Ground { ids, groups, units, requires: Vec::new(), applied: count, graph, checkout, others };
        let held = applied.iter().enumerate().map(|(at, (id, footing))| ground.footing(at, id, footing));
        let pending = (0..ground.checkout.len()).filter(|number| ground.checkout[*number] >= count);
        let pending = pending.map(|number| ground.placed(graph.requires(number).1));
        ground.requires = held.chain(pending).enumerate().map(|(at, from)| earlier(at, from)).collect();
        ground
    }

    fn footing(&self, at: usize, id: &Id, footing: &Footing) -> Vec<usize> {
        let of_graph = || self.graph.known(self.graph.number(id)?);
        match footing {
            Footing::Recorded(ids) => self.places(ids).collect(),
            Footing::Checkout if let Some(known) = of_graph() => self.placed(known),
            Footing::Checkout | Footing::Before => at.checked_sub(1).into_iter().collect(),
        }
    }

    /// Numbers of the graph as places.
    fn placed(&self, numbers: &[usize]) -> Vec<usize> {
        numbers.iter().map(|number| self.checkout[*number]).collect()
    }

    fn place(&self, id: &Id) -> Option<usize> {
        match self.graph.number(id) {
            Some(number) => Some(self.checkout[number]),
            None => self.others.get(id).copied(),
        }
    }

    fn places(&self, ids: &[Id]) -> impl Iterator<Item = usize> {
        ids.iter().filter_map(|id| self.place(id))
    }

    fn marks(&self, places: impl IntoIterator<Item = usize>) -> Marks {
        let mut marks = vec![false; self.ids.len()];
        places.into_iter().for_each(|at| marks[at] = true);
        marks
    }

    fn id(&self, at: usize) -> Id {
        self.ids[at].clone()
    }

    fn joins(&self, one: usize, other: usize) -> bool {
        is_one_group(self.groups[one], self.groups[other])
    }

    /// The other members of the group that stands around a place, on its side of what is applied.
    fn mates(&self, at: usize) -> impl Iterator<Item = usize> {
        let unit = self.units.partition_point(|unit| unit.end <= at);
        self.units[unit].clone().filter(move |one| *one != at)
    }

    /// With all that they stand on, and whole groups.
    fn closed_below(&self, mut marks: Marks) -> Marks {
        for unit in self.units.iter().rev().cloned() {
            if marks[unit.clone()].contains(&true) {
                marks[unit.clone()].fill(true);
                self.requires[unit].iter().flatten().for_each(|from| marks[*from] = true);
            }
        }
        marks
    }

    /// With all applied ones that stand on them, and whole groups.
    fn closed_above(&self, mut marks: Marks) -> Marks {
        for unit in self.units.iter().take_while(|unit| unit.start < self.applied).cloned() {
            let stands_on_them = || self.requires[unit.clone()].iter().flatten().any(|from| marks[*from]);
            if marks[unit.clone()].contains(&true) || stands_on_them() {
                marks[unit].fill(true);
            }
        }
        marks
    }

    /// The first of them that stands on a place, by place.
    fn first_above(&self, marks: &Marks) -> Vec<Option<usize>> {
        let mut first = vec![None; marks.len()];
        for by in (0..marks.len()).filter(|by| marks[*by]) {
            for from in &self.requires[by] {
                first[*from].get_or_insert(by);
            }
        }
        first
    }
}

/// Those that come before a place, each once and in order.
fn earlier(at: usize, mut places: Vec<usize>) -> Vec<usize> {
    places.retain(|from| *from < at);
    places.sort_unstable();
    places.dedup();
    places
}

/// The moves from what is applied to the goal: always the fewest that keep every migration above what it stands on.
///
/// # Errors
/// When something is to be kept that stands on what is to be taken back.
pub fn moves(ground: &Ground<'_>, goal: &Goal) -> Result<Moves, Conflict> {
    let named = ground.marks(ground.places(goal.aim.named()));
    let asked = ground.marks(ground.places(&goal.keep));
    let aimed = reverts(ground, &goal.aim, &named);
    let kept = ground.closed_below(asked.clone());
    // What is named to go cannot stay; what only follows from the aim can.
    let must_go = |at: usize| matches!(goal.aim, Aim::Without(_)) && named[at];
    if let Some(at) = (0..ground.applied).find(|at| kept[*at] && must_go(*at)) {
        let stands_on_it = |id: &&Id| ground.closed_below(ground.marks(ground.place(id)))[at];
        let kept = goal.keep.iter().find(stands_on_it).unwrap_or(ground.ids[at]);
        return Err(Conflict { kept: kept.clone(), stands_on: ground.id(at) });
    }
    let gone = ground.closed_above(aimed.iter().zip(&kept).map(|(gone, kept)| *gone && !kept).collect());
    if let Some(at) = (0..ground.applied).find(|at| kept[*at] && gone[*at]) {
        let below = ground.closed_below(ground.marks([at]));
        let from = (0..ground.applied).find(|one| below[*one] && gone[*one] && !kept[*one]).unwrap_or(at);
        return Err(Conflict { kept: ground.id(at), stands_on: ground.id(from) });
    }
    let back = (0..ground.applied).rev().filter(|at| gone[*at]);
    let stays = (0..ground.applied).filter(|at| aimed[*at] && kept[*at]);
    let needs = ground.first_above(&kept);
    Ok(Moves {
        reverts: back.map(|at| (ground.id(at), why_back(ground, &goal.aim, &named, &gone, at))).collect(),
        applies: applies(ground, &goal.aim, &named, &gone),
        stays: stays.map(|at| (ground.id(at), why_stays(ground, &asked, &kept, needs[at], at))).collect(),
    })
}

/// What the aim alone takes back.
fn reverts(ground: &Ground<'_>, aim: &Aim, named: &Marks) -> Marks {
    let splits = |at: usize| at > 0 && at < ground.applied && ground.joins(at - 1, at);
    let behind = |keep: usize| ground.marks(keep..ground.applied);
    let last = |count: usize| {
        let keep = ground.applied.saturating_sub(count);
        behind((0..=keep).rev().find(|at| !splits(*at)).unwrap_or(0))
    };
    match aim {
        Aim::All | Aim::Ahead(_) | Aim::UpTo(_) | Aim::With(_) => ground.marks([]),
        Aim::Back(count) | Aim::Again(count) => last(*count),
        Aim::Nothing => behind(0),
        Aim::BackTo(id) => {
            let at = ground.place(id).filter(|at| *at < ground.applied).map_or(0, |at| at + 1);
            // What is named stays, and so do the others of its group.
            behind((at..ground.applied).find(|at| !splits(*at)).unwrap_or(ground.applied))
        }
        Aim::Without(_) => ground.closed_above(ground.marks((0..ground.applied).filter(|at| named[*at]))),
        Aim::Exactly(Wanted { changed, .. }) => {
            let is_gone = |at: &usize| !named[*at] || changed.contains(ground.ids[*at]);
            ground.marks((0..ground.applied).filter(is_gone))
        }
    }
}

/// What is applied when these are taken back.
fn applies(ground: &Ground<'_>, aim: &Aim, named: &Marks, gone: &Marks) -> Vec<(Id, Why)> {
    let is_pending = |at: &usize| *at >= ground.applied;
    let told = |at: usize, why: Why| (ground.id(at), why);
    let asked = |places: Vec<usize>| places.into_iter().map(|at| told(at, Why::Asked)).collect();
    let order = &ground.checkout;
    // A group is not taken apart.
    let whole = |end: usize| (end..order.len()).find(|end| *end == 0 || !ground.joins(order[end - 1], order[*end]));
    let until = |end: usize| -> Vec<usize> {
        order[..whole(end).unwrap_or(order.len())].iter().copied().filter(is_pending).collect()
    };
    let below = || ground.closed_below(named.clone());
    match aim {
        Aim::All => asked(until(order.len())),
        Aim::Ahead(count) => match order.iter().enumerate().filter(|(_, at)| is_pending(at)).take(*count).last() {
            Some((position, _)) => asked(until(position + 1)),
            None => Vec::new(),
        },
        Aim::UpTo(id) => {
            let end = ground.graph.number(id).map_or(0, |number| number + 1);
            needed(ground, aim, named, &below(), until(end))
        }
        Aim::With(_) => {
            let below = below();
            let places = order.iter().copied().filter(|at| is_pending(at) && below[*at]);
            needed(ground, aim, named, &below, places.collect())
        }
        Aim::Again(_) => order.iter().filter(|at| gone[**at]).map(|at| told(*at, Why::Again)).collect(),
        Aim::Exactly(wanted) => {
            let why = |id: &Id| match ground.place(id) {
                Some(at) if at < ground.applied => gone[at].then_some(Why::Again),
                _ => Some(Why::InTarget),
            };
            wanted.ids.iter().filter_map(|id| Some((id.clone(), why(id)?))).collect()
        }
        Aim::Back(_) | Aim::BackTo(_) | Aim::Without(_) | Aim::Nothing => Vec::new(),
    }
}

/// The reasons of what is applied because of some that are named.
fn needed(ground: &Ground<'_>, aim: &Aim, named: &Marks, below: &Marks, places: Vec<usize>) -> Vec<(Id, Why)> {
    let needs = ground.first_above(&ground.marks(places.iter().copied().filter(|at| below[*at])));
    let why = |at: usize| match needs[at] {
        _ if named[at] => Why::Asked,
        Some(by) => Why::NeededBy(ground.id(by)),
        None => match ground.mates(at).find(|mate| below[*mate]) {
            Some(mate) => Why::GroupOf(ground.id(mate)),
            None => Why::Before(aim.named().first().unwrap_or(ground.ids[at]).clone()),
        },
    };
    places.into_iter().map(|at| (ground.id(at), why(at))).collect()
}

fn why_back(ground: &Ground<'_>, aim: &Aim, named: &Marks, gone: &Marks, at: usize) -> Why {
    let stands_on = || {
        let from = ground.requires[at].iter().rev().find(|from| gone[**from]);
        let mate = || ground.mates(at).find(|mate| gone[*mate]);
        match from.filter(|from| !ground.joins(**from, at)) {
            Some(from) => Why::StandsOn(ground.id(*from)),
            None => mate().map_or(Why::NotInTarget, |mate| Why::GroupOf(ground.id(mate))),
        }
    };
    match aim {
        Aim::Without(_) if named[at] => Why::Asked,
        Aim::Exactly(Wanted { changed, .. }) if changed.contains(ground.ids[at]) => Why::Changed,
        Aim::Exactly(_) if named[at] => stands_on(),
        Aim::Without(_) => stands_on(),
        Aim::BackTo(_) | Aim::Exactly(_) => Why::NotInTarget,
        _ => Why::Asked,
    }
}

fn why_stays(ground: &Ground<'_>, asked: &Marks, kept: &Marks, by: Option<usize>, at: usize) -> Why {
    match by {
        _ if asked[at] => Why::Asked,
        Some(by) => Why::NeededBy(ground.id(by)),
        None => {
            let mate = ground.mates(at).find(|mate| kept[*mate]);
            mate.map_or(Why::Asked, |mate| Why::GroupOf(ground.id(mate)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Node;

    fn ids(names: &[&str]) -> Vec<Id> {
        names.iter().map(|name| Id::new(*name)).collect()
    }

    fn names(moves: &[(Id, Why)]) -> Vec<&str> {
        moves.iter().map(|(id, _)| id.as_str()).collect()
    }

    /// The moves from what is applied, in this order, in a checkout where nothing stands on anything; what begins with a 2 is
    /// one group.
    fn plan(applied: &[&str], order: &[&str], aim: Aim) -> Moves {
        let (applied, order) = (ids(applied), ids(order));
        let node = |id| Node { id, path: "", declared: Some(&[]), observed: None };
        let graph = Graph::new(&order.iter().map(node).collect::<Vec<_>>()).unwrap();
        let applied: Vec<_> = applied.iter().map(|id| (id, Footing::Checkout)).collect();
        let grouped = order.iter().filter(|id| id.as_str().starts_with('2'));
        let groups = grouped.map(|id| (id.clone(), "g".to_owned())).collect();
        moves(&Ground::new(&graph, &applied, &groups), &Goal::from(aim)).unwrap()
    }

    #[test]
    fn a_group_is_never_taken_apart() {
        let order = ["1", "2a", "2b", "3"];
        let ups = |from: &[&str], aim| plan(from, &order, aim).applies;
        assert_eq!(names(&ups(&[], Aim::Ahead(2))), ["1", "2a", "2b"]);
        assert_eq!(names(&ups(&[], Aim::UpTo(Id::new("2a")))), ["1", "2a", "2b"]);
        assert_eq!(names(&ups(&["1"], Aim::Ahead(1))), ["2a", "2b"]);
        assert_eq!(names(&ups(&["1", "2a"], Aim::Ahead(1))), ["2b"]);
        assert_eq!(names(&ups(&["1", "2a", "2b"], Aim::Ahead(1))), ["3"]);
        assert_eq!(names(&ups(&[], Aim::With(ids(&["2b"])))), ["2a", "2b"]);
        let downs = |from: &[&str], aim| plan(from, &order, aim).reverts;
        assert_eq!(names(&downs(&["1", "2a", "2b"], Aim::Back(1))), ["2b", "2a"]);
        assert_eq!(names(&downs(&["1", "2a", "2b", "3"], Aim::Back(1))), ["3"]);
        assert_eq!(names(&downs(&["1", "2a", "2b", "3"], Aim::BackTo(Id::new("2a")))), ["3"]);
        assert_eq!(names(&downs(&["1", "2a"], Aim::Back(1))), ["2a"]);
        let without = downs(&["1", "2a", "2b", "3"], Aim::Without(ids(&["2a"])));
        assert_eq!(without, [(Id::new("2b"), Why::GroupOf(Id::new("2a"))), (Id::new("2a"), Why::Asked)]);
    }

    #[test]
    fn reverts_go_in_the_reverse_of_the_order_of_application() {
        let moves = plan(&["1", "4", "2", "3"], &["1", "2", "3", "4"], Aim::Nothing);
        assert_eq!(names(&moves.reverts), ["3", "2", "4", "1"]);
    }

    #[test]
    fn a_target_takes_what_comes_before_it_and_nothing_else() {
        let moves = plan(&["1"], &["1", "2", "3", "4"], Aim::UpTo(Id::new("3")));
        assert_eq!(moves.applies, [(Id::new("2"), Why::Before(Id::new("3"))), (Id::new("3"), Why::Asked)]);
    }

    #[test]
    fn going_back_to_a_migration_keeps_it() {
        let moves = plan(&["1", "4", "2"], &["1", "2", "4"], Aim::BackTo(Id::new("4")));
        assert_eq!(moves.reverts, [(Id::new("2"), Why::NotInTarget)]);
    }

    #[test]
    fn what_stands_on_what_is_taken_back_goes_with_it_and_says_so() {
        let all = ids(&["1", "2", "3", "4"]);
        let footings = [&[][..], &["1"], &["1"], &["2"]].map(|names| Footing::Recorded(ids(names)));
        let applied: Vec<_> = all.iter().zip(footings).collect();
        let (graph, groups) = (Graph::default(), BTreeMap::new());
        let ground = Ground::new(&graph, &applied, &groups);
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
