//! The planner over random dependency graphs: the end is the target, the order keeps every migration above what it stands on,
//! no smaller set of steps would do, and the same input gives the same plan.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use switchback::goal::{Aim, Conflict, Footing, Goal, Ground, Moves, Wanted, Why, moves};
use switchback::graph::{Graph, Node};
use switchback::id::Id;

/// A random graph: what each of its migrations stands on, all earlier ones, and how many of them are applied.
#[derive(Clone, Debug)]
struct Case {
    requires: Vec<Vec<usize>>,
    applied: usize,
    picked: Vec<usize>,
    kept: Vec<usize>,
}

fn cases() -> impl Strategy<Value = Case> {
    (1_usize..14).prop_flat_map(|count| {
        let one = |at: usize| prop::collection::vec(0..at.max(1), 0..=at.min(3));
        let requires: Vec<_> = (0..count).map(one).collect();
        let some = prop::collection::vec(0..count, 1..4);
        (requires, 0..=count, some.clone(), prop_oneof![Just(Vec::new()), some]).prop_map(
            |(requires, applied, picked, kept)| {
                let requires =
                    requires.into_iter().enumerate().map(|(at, ids)| if at == 0 { Vec::new() } else { ids }).collect();
                Case { requires, applied, picked, kept }
            },
        )
    })
}

fn id(at: usize) -> Id {
    Id::new(format!("m{at:02}"))
}

fn ids(places: impl IntoIterator<Item = usize>) -> Vec<Id> {
    places.into_iter().map(id).collect()
}

impl Case {
    /// Every other applied migration is one that the ledger knows the edges of; of the rest, the checkout does.
    fn moves(&self, goal: &Goal) -> Result<Moves, Conflict> {
        let all = ids(0..self.requires.len());
        let requires: Vec<Vec<Id>> = self.requires.iter().map(|from| ids(from.iter().copied())).collect();
        let node = |(id, requires)| Node { id, path: "", declared: Some(requires), observed: None };
        let nodes: Vec<Node<'_>> = all.iter().zip(requires.iter().map(Vec::as_slice)).map(node).collect();
        let graph = Graph::new(&nodes).unwrap();
        let footing = |at: usize| match at % 2 {
            0 => Footing::Recorded(requires[at].clone()),
            _ => Footing::Checkout,
        };
        let applied: Vec<(&Id, Footing)> = (0..self.applied).map(|at| (&all[at], footing(at))).collect();
        moves(&Ground::new(&graph, &applied, &BTreeMap::new()), goal)
    }

    /// Everything that these stand on, with them.
    fn below(&self, places: &[usize]) -> BTreeSet<usize> {
        let mut out: BTreeSet<usize> = places.iter().copied().collect();
        for at in (0..self.requires.len()).rev() {
            if out.contains(&at) {
                out.extend(&self.requires[at]);
            }
        }
        out
    }

    /// All applied ones that stand on these, with them.
    fn above(&self, places: &[usize]) -> BTreeSet<usize> {
        let mut out: BTreeSet<usize> = places.iter().copied().filter(|at| *at < self.applied).collect();
        for at in 0..self.applied {
            if self.requires[at].iter().any(|from| out.contains(from)) {
                out.insert(at);
            }
        }
        out
    }

    fn now(&self) -> BTreeSet<usize> {
        (0..self.applied).collect()
    }
}

/// Walks the moves from what is applied; gives the end. Each step has to be possible where it stands.
fn walk(case: &Case, moves: &Moves) -> BTreeSet<Id> {
    let mut state: BTreeSet<Id> = ids(case.now()).into_iter().collect();
    let at = |id: &Id| id.as_str()[1..].parse::<usize>().unwrap();
    for (id, _) in &moves.reverts {
        assert!(state.remove(id), "{id} is taken back and not there");
        let stands_on_it = |other: &&Id| case.requires[at(other)].contains(&at(id));
        assert_eq!(state.iter().find(stands_on_it), None, "it stands on {id}, which goes first");
    }
    for (id, _) in &moves.applies {
        let lacks = case.requires[at(id)].iter().find(|from| !state.contains(&self::id(**from)));
        assert_eq!(lacks, None, "{id} stands on it, and goes up first");
        assert!(state.insert(id.clone()), "{id} is applied twice");
    }
    state
}

/// Whether what is moved is exactly what stands otherwise at the end: no smaller set of steps leads there.
fn is_smallest(case: &Case, moves: &Moves, end: &BTreeSet<Id>) -> bool {
    let start: BTreeSet<Id> = ids(case.now()).into_iter().collect();
    let moved: Vec<&Id> = moves.reverts.iter().chain(&moves.applies).map(|(id, _)| id).collect();
    moved.len() == start.symmetric_difference(end).count()
}

fn check(case: &Case, goal: &Goal, wanted: impl IntoIterator<Item = usize>) -> Result<Moves, TestCaseError> {
    let planned = case.moves(goal).map_err(|conflict| TestCaseError::fail(format!("{conflict:?}")))?;
    let end = walk(case, &planned);
    prop_assert_eq!(&end, &ids(wanted).into_iter().collect::<BTreeSet<Id>>());
    prop_assert!(is_smallest(case, &planned, &end), "{planned:?}");
    let again = case.moves(goal).unwrap();
    prop_assert_eq!(format!("{planned:?}"), format!("{again:?}"));
    Ok(planned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_target_is_reached_by_the_fewest_steps(case in cases()) {
        let count = case.requires.len();
        let goal = |aim: Aim| Goal { aim, keep: Vec::new() };
        check(&case, &goal(Aim::All), 0..count)?;
        check(&case, &goal(Aim::Nothing), [])?;
        let picked = &case.picked;
        let without = check(&case, &goal(Aim::Without(ids(picked.clone()))), &case.now() - &case.above(picked))?;
        for (moved, why) in &without.reverts {
            let asked = picked.iter().any(|at| id(*at) == *moved);
            prop_assert_eq!(asked, *why == Why::Asked, "{} {}", moved, why);
        }
        // What is applied need not stand on what is missing below it; what is pending brings that along.
        let pending: Vec<usize> = picked.iter().copied().filter(|at| *at >= case.applied).collect();
        check(&case, &goal(Aim::With(ids(pending.clone()))), &case.now() | &case.below(&pending))?;
        let back = picked[0].min(case.applied);
        check(&case, &goal(Aim::Back(back)), 0..case.applied - back)?;
        let wanted = case.below(picked);
        let exactly = Wanted { ids: ids(wanted.iter().copied()), changed: BTreeSet::new() };
        check(&case, &goal(Aim::Exactly(exactly)), wanted)?;
    }

    #[test]
    fn what_is_kept_stays_with_what_it_stands_on_or_the_plan_is_refused(case in cases()) {
        let kept: Vec<usize> = case.kept.iter().copied().filter(|at| *at < case.applied).collect();
        let held = case.below(&kept);
        let goal = Goal { aim: Aim::Nothing, keep: ids(kept.clone()) };
        let planned = check(&case, &goal, held.iter().copied())?;
        prop_assert_eq!(planned.stays.len(), held.len());
        let goal = Goal { aim: Aim::Without(ids(case.picked.clone())), keep: ids(kept) };
        let clash = case.picked.iter().any(|at| held.contains(at));
        match case.moves(&goal) {
            Ok(_) => {
                prop_assert!(!clash);
                check(&case, &goal, &(&case.now() - &case.above(&case.picked)) | &held)?;
            }
            Err(conflict) => prop_assert!(clash, "{conflict:?}"),
        }
    }

    /// Each takes its turn as early as the folder has it and all that it requires has had its own.
    #[test]
    fn the_order_is_the_folders_wherever_there_is_a_choice(case in cases(), shuffled in any::<bool>()) {
        let count = case.requires.len();
        let mut folder: Vec<usize> = (0..count).collect();
        if shuffled {
            folder.sort_by_key(|at| (at * 7 + case.applied) % 5);
        }
        let all = ids(0..count);
        let requires: Vec<Vec<Id>> = case.requires.iter().map(|from| ids(from.iter().copied())).collect();
        let node = |at: &usize| Node { id: &all[*at], path: "", declared: Some(&requires[*at]), observed: None };
        let graph = Graph::new(&folder.iter().map(node).collect::<Vec<_>>()).unwrap();
        let mut order: Vec<usize> = Vec::new();
        while order.len() < count {
            let is_next = |at: &&usize| !order.contains(at) && case.requires[**at].iter().all(|from| order.contains(from));
            order.push(*folder.iter().find(is_next).unwrap());
        }
        prop_assert_eq!(graph.order(), order.iter().map(|at| &all[*at]).collect::<Vec<_>>());
    }

    #[test]
    fn another_version_takes_back_what_stands_on_it_and_brings_it_again(case in cases()) {
        let wanted: Vec<usize> = case.now().into_iter().collect();
        let changed: BTreeSet<Id> = ids(case.picked.iter().copied().filter(|at| *at < case.applied)).into_iter().collect();
        let goal = Goal { aim: Aim::Exactly(Wanted { ids: ids(wanted.clone()), changed }), keep: Vec::new() };
        let planned = case.moves(&goal).unwrap();
        let end = walk(&case, &planned);
        prop_assert_eq!(end, ids(wanted).into_iter().collect::<BTreeSet<Id>>());
        let back: BTreeSet<Id> = planned.reverts.iter().map(|(id, _)| id.clone()).collect();
        prop_assert_eq!(&back, &ids(case.above(&case.picked)).into_iter().collect::<BTreeSet<Id>>());
        prop_assert_eq!(planned.applies.len(), back.len());
    }
}
