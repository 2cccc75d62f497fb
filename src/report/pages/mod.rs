//! Pages about a plan, for those who have to agree to it, run it or answer for it: one file per form. They take a plan as it is
//! saved, so that a plan and its file lead to the same page, and decide nothing.

use std::collections::BTreeSet;

use super::escape::shell;
use super::{count, duration};
use crate::picture::Picture;
use crate::plan::{Direction, Source};
use crate::saved::{Drop, Hold, Lost, Saved, Step, UNPROVEN};

pub mod html;
pub mod runbook;

/// A form of page.
pub struct Page {
    /// The flag that asks for it, without its dashes.
    pub name: &'static str,
    /// What it is called.
    pub said: &'static str,
    /// The whole text, with a line end.
    pub write: fn(&Sheet<'_>) -> String,
}

/// All forms.
pub const PAGES: &[Page] = &[
    Page { name: "html", said: "page", write: html::html },
    Page { name: "runbook", said: "runbook", write: runbook::runbook },
];

/// What a page tells of.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    pub plan: &'a Saved,
    /// Where it is saved; `None` where it is not, and there is no digest and no expiry either.
    pub file: Option<&'a str>,
    pub picture: &'a Picture,
}

/// What a step costs, a line each, with places in its own script as `line 3`.
pub fn costs(step: &Step) -> Vec<String> {
    let took = step.rehearsed_ms.map(|millis| format!("took {} in the shadow", duration(millis)));
    let shown = step.costs.iter().filter(|line| Some(*line) != took.as_ref());
    let line = |line: &String| match line.strip_prefix(step.path.as_str()).and_then(|rest| rest.strip_prefix(':')) {
        Some(rest) if !step.path.is_empty() => match rest.split_once(": ") {
            Some((place, said)) => format!("line {}: {said}", place.split(':').next().unwrap_or(place)),
            None => line.clone(),
        },
        _ => line.clone(),
    };
    let own = [
        step.journalled
            .then_some("no transaction: each statement takes effect by itself, and a journal tells how far it came"),
        step.verified.then_some("its verify.sql is run behind it, in the same step"),
    ];
    shown.map(line).chain(own.into_iter().flatten().map(str::to_owned)).collect()
}

/// Something that somebody has to do or to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    pub who: &'static str,
    /// A sentence without its full stop.
    pub what: String,
    /// The flag or the command.
    pub with: Option<String>,
}

const RUNNER: &str = "whoever runs it";
const AUTHOR: &str = "whoever writes migrations";
const DBA: &str = "the DBA";

impl<'a> Sheet<'a> {
    pub fn number(&self, direction: Direction) -> usize {
        self.plan.steps.iter().filter(|step| step.direction == direction).count()
    }

    /// `2 ups, 1 down`.
    pub fn steps(&self) -> String {
        let of = |direction: Direction| (self.number(direction), direction.word());
        let parts = [of(Direction::Up), of(Direction::Down)].into_iter().filter(|(number, _)| *number > 0);
        let parts: Vec<String> = parts.map(|(number, word)| count(whole(number), word)).collect();
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
    }

    /// How many migrations are applied behind the last step.
    pub fn applied_afterwards(&self) -> usize {
        (self.plan.base.applied + self.number(Direction::Up)).saturating_sub(self.number(Direction::Down))
    }

    /// What is lost, each object once in each way, with the number of the first step that does it.
    pub fn losses(&self) -> Vec<(usize, &'a Drop)> {
        let mut seen = BTreeSet::new();
        let steps = self.plan.steps.iter().enumerate();
        let drops = steps.flat_map(|(at, step)| step.drops.iter().map(move |drop| (at + 1, drop)));
        drops.filter(|(_, drop)| seen.insert((drop.object.as_str(), drop.how == Lost::Written))).collect()
    }

    /// `5 rows of 1 table, up to 2 values of 1 column`; `None` where nothing is lost.
    pub fn lost(&self) -> Option<String> {
        let losses = self.losses();
        let of = |how: Lost, kind: &str, unit: &str| {
            let own = losses.iter().filter(|(_, drop)| drop.how == how && drop.object.starts_with(kind));
            let own: Vec<Option<u64>> = own.map(|(_, drop)| drop.rows).collect();
            let objects = count(whole(own.len()), kind);
            let sum = own.iter().flatten().fold(0u64, |sum, rows| sum.saturating_add(*rows));
            let most = if how == Lost::Written { "up to " } else { "" };
            match own.iter().filter(|rows| rows.is_none()).count() {
                _ if own.is_empty() => None,
                0 => Some(format!("{most}{} of {objects}", count(sum, unit))),
                _ if sum == 0 => Some(format!("{unit}s of {objects} that cannot be counted")),
                _ => Some(format!("{most}{} of {objects}, and what cannot be counted", count(sum, unit))),
            }
        };
        let all = [Lost::Dropped, Lost::Written]
            .into_iter()
            .flat_map(|how| [(how, "table", "row"), (how, "column", "value")]);
        let parts: Vec<String> = all.filter_map(|(how, kind, unit)| of(how, kind, unit)).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// How many steps have each verdict, in the order in which they come.
    pub fn verdicts(&self) -> Vec<(&'a str, usize)> {
        let mut verdicts: Vec<(&str, usize)> = Vec::new();
        for step in &self.plan.steps {
            match verdicts.iter_mut().find(|(verdict, _)| *verdict == step.verdict) {
                Some((_, number)) => *number += 1,
                None => verdicts.push((&step.verdict, 1)),
            }
        }
        verdicts
    }

    /// The lock that keeps others out the longest, and the number of its step.
    pub fn longest_hold(&self) -> Option<(usize, &'a Hold)> {
        let steps = self.plan.steps.iter().enumerate();
        let holds = steps.filter_map(|(at, step)| Some((at + 1, step.hold.as_ref()?)));
        holds.reduce(|best, one| if one.1.millis > best.1.millis { one } else { best })
    }

    /// How long all steps took in the rehearsal; `None` where there was none.
    pub fn rehearsed(&self) -> Option<String> {
        let times: Option<Vec<u64>> = self.plan.steps.iter().map(|step| step.rehearsed_ms).collect();
        times.filter(|times| !times.is_empty()).map(|times| duration(times.iter().sum()))
    }

    /// Steps that `verify` has to prove first; what the ledger kept is proven where it is run.
    pub fn unproven(&self) -> impl Iterator<Item = &'a Step> {
        self.plan.steps.iter().filter(|step| step.verdict == UNPROVEN && step.source == Source::Checkout)
    }

    /// `--accept-loss=…` for exactly what is lost, and nothing else.
    pub fn acceptances(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let flags = self.losses().into_iter().map(|(_, drop)| acceptance(drop));
        flags.filter(|flag| seen.insert(flag.clone())).collect()
    }

    /// The command that runs it, in words that a shell takes as they are.
    fn run(&self, last: &[String]) -> String {
        let mut words = vec!["switchback".to_owned()];
        match self.file {
            Some(file) => words.extend(["apply".to_owned(), shell(file)]),
            None => words.push(self.plan.asked.clone()),
        }
        words.extend(self.database());
        if let (None, Some(reason)) = (self.file, &self.plan.reason) {
            words.extend(["--reason".to_owned(), shell(reason)]);
        }
        words.extend(last.iter().cloned());
        words.join(" ")
    }

    /// Whether somebody has to confirm it; `up` asks only where rows would be lost.
    fn is_confirmed(&self) -> bool {
        let asks = self.file.is_some() || !self.plan.asked.starts_with("up") || !self.losses().is_empty();
        asks && self.plan.safe != Some(false)
    }

    /// The command that runs it, with everything that nobody can be asked for.
    pub fn run_unasked(&self) -> String {
        let yes = self.is_confirmed().then(|| "--yes".to_owned());
        self.run(&yes.into_iter().chain(self.acceptances()).collect::<Vec<_>>())
    }

    /// Another command on the same database.
    pub fn command(&self, words: &str) -> String {
        let database = self.database().map(|word| format!(" {word}")).unwrap_or_default();
        format!("switchback {words}{database}")
    }

    fn database(&self) -> Option<String> {
        self.plan.database.name.as_ref().map(|name| format!("--database={}", shell(name)))
    }

    /// What has to be done or agreed to before it runs, and by whom.
    pub fn demands(&self) -> Vec<Demand> {
        let mut demands = Vec::new();
        let mut demand = |who, what: String, with: Option<String>| demands.push(Demand { who, what, with });
        if self.plan.safe == Some(false) {
            demand(AUTHOR, "what stays does not stand without what is taken back: see the notes".to_owned(), None);
        }
        let unproven = self.unproven().count();
        if unproven > 0 {
            let are = if unproven == 1 { "is" } else { "are" };
            let what = format!("{} {are} not proven yet", count(whole(unproven), "step"));
            demand(AUTHOR, what, Some(self.command("verify")));
        }
        if let Some(lost) = self.lost() {
            demand(DBA, format!("takes a backup: {lost} do not come back by any script"), None);
        }
        for session in &self.plan.in_the_way {
            demand(DBA, "ends what is in the way, or the steps wait for it".to_owned(), Some(session.clone()));
        }
        if let Some(unseen) = &self.plan.unseen {
            demand(DBA, format!("looks who is at work: {unseen}"), None);
        }
        for (number, drop) in self.losses() {
            let what = format!("accepts that step {number} {drop}");
            demand(RUNNER, what, Some(acceptance(drop)));
        }
        if self.is_confirmed() {
            let what = "confirms the plan: answers y at a terminal, and gives a flag elsewhere".to_owned();
            demand(RUNNER, what, Some("--yes".to_owned()));
        }
        demands
    }
}

/// The flag that accepts a loss, as a shell's word.
fn acceptance(drop: &Drop) -> String {
    let name = drop.object.split_once(' ').map_or(drop.object.as_str(), |(_, name)| name);
    shell(&format!("--accept-loss={name}"))
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
