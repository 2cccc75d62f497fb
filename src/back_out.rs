//! Backing out: the way back from where a step stopped half-way, proven in a shadow before it is gone.
//!
//! What took effect of the step's script is taken for the up of a migration of its own, and a down for it is looked for: in
//! the words of the step's other script, where these mirror each other, or as a draft.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::context::Context;
use crate::draft::{self, Written};
use crate::drafting;
use crate::engine::Server;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, counted};
use crate::id::Id;
use crate::ledger::Open;
use crate::migration::{Down, Migration, Settings, Transaction, TransactionModes};
use crate::plan::{Direction, Step, Warrant};
use crate::planning;
use crate::proof::Verdict;
use crate::recover::{Invalid, Stand};
use crate::registry::Registry;
use crate::shadow::Maker;
use crate::sql::Script;
use crate::verify::{AfterFailure, Judged, Options, Reuse, verify};

/// A way back from the middle of a step.
#[derive(Clone, Debug)]
pub struct WayBack {
    /// The step that goes it.
    pub step: Step,
    pub warrant: Warrant,
    /// What its proof has to say.
    pub findings: Vec<Finding>,
}

/// Finds what takes back the statements of a step that have taken effect.
///
/// # Errors
/// Half-way where no way back could be proven, with what its proof says; what a shadow says otherwise.
pub async fn way_back(
    maker: &mut Maker,
    server: &Server,
    applied: &[Migration],
    (step, open, stand): (&Step, &Open, &Stand),
    context: &Context,
) -> Result<WayBack> {
    if let Some(partition) = stand.detaching.first() {
        let what = format!("the detach of {partition} has begun, and can only be ended");
        let help = "`switchback recover --resume` ends it and goes on with the step, which `down` takes back then";
        return Err(Fault::new(FaultKind::HalfWay, what).help(help));
    }
    let part = part(step, stand.behind)?;
    let ran: Vec<&Migration> = applied.iter().collect();
    let mends: Vec<String> = stand.invalid.iter().map(mend).collect();
    let mut found: Option<(Migration, Judged)> = None;
    for candidate in Candidate::all(step, stand.behind) {
        if found.as_ref().is_some_and(|(_, judged)| judged.verdict <= Verdict::Equivalent) {
            break;
        }
        let statements = match candidate {
            Candidate::Words(words) => words,
            Candidate::Draft => match drafting::draft(maker, server, &part, &ran, context).await {
                Ok(drafted) => drafted.written.statements,
                // What ran cannot run in a shadow, as the proof says too.
                Err(fault) if fault.kind() == FaultKind::Refused => Vec::new(),
                Err(fault) => return Err(fault),
            },
        };
        let statements = mends.iter().cloned().chain(statements).collect();
        let (migration, judged) = tried(maker, server, &ran, with_down(&part, statements), context).await?;
        if found.as_ref().is_none_or(|(_, best)| judged.verdict < best.verdict) {
            found = Some((migration, judged));
        }
    }
    let (migration, judged) = found.ok_or_else(|| Fault::bug("no way back was tried"))?;
    let Some(warrant) = planning::of_judged(&judged, &migration.digest(), server, &Registry::default()) else {
        let count = counted(stand.behind, "statement");
        let what = format!("no way back could be proven for the {count} of `{}` that took effect", open.id);
        let fault = Fault::new(FaultKind::HalfWay, what).findings(judged.findings);
        return Err(fault.help("`switchback recover --resume` goes on with it"));
    };
    let mate = mates_stay(&step.migration, applied);
    let migration = Arc::new(Migration { id: open.id.clone(), ..migration });
    let step = Step {
        direction: Direction::Down,
        migration,
        reverts: Some(open.seq),
        held_by: None,
        requires: None,
        backs_out: true,
        ..step.clone()
    };
    let mut findings = judged.findings;
    findings.extend(mate);
    Ok(WayBack { step, warrant, findings })
}

/// The members of its group, proven with it, that stay as they are.
fn mates_stay(half: &Migration, applied: &[Migration]) -> Option<Finding> {
    let mate = applied.iter().find(|one| one.id != half.id && one.is_one_group_with(half))?;
    let message = format!("`{}` is of one group with `{}`, which stays applied", half.id, mate.id);
    let finding = Finding::warning("group-in-part", message).of(&half.id);
    Some(finding.help("they were proven as a whole: apply the rest again before any of them is taken back"))
}

/// What may lead back.
enum Candidate {
    /// Statements of the step's other script.
    Words(Vec<String>),
    Draft,
}

impl Candidate {
    /// Those that are worth a proof, the likeliest first.
    fn all(step: &Step, behind: usize) -> Vec<Candidate> {
        if behind == 0 {
            return vec![Candidate::Words(Vec::new())];
        }
        let other = match step.direction {
            Direction::Up => step.migration.down.script(),
            Direction::Down => Some(&step.migration.up),
        };
        let all = step.script().map_or(0, |script| script.statements().len());
        let words = other.and_then(|other| {
            let statements = other.statements();
            // Where both have as many, the last of the one undo the first of the other.
            let from = if behind == all { 0 } else { statements.len().checked_sub(behind)? };
            let fits = behind == all || statements.len() == all;
            let is_text = statements.iter().all(|statement| statement.copy.is_none());
            let words = statements[from..].iter().map(|statement| other.sql(statement).to_owned());
            (fits && is_text && !statements.is_empty()).then(|| Candidate::Words(words.collect()))
        });
        words.into_iter().chain([Candidate::Draft]).collect()
    }
}

/// The statements of a step that have taken effect, as the up of a migration.
fn part(step: &Step, behind: usize) -> Result<Migration> {
    let Migration { id, seed, settings, path, .. } = step.migration.as_ref();
    let up = step.script().and_then(|script| script.head(behind));
    let up = up.ok_or_else(|| {
        let what = format!("the first {behind} statements of `{id}` mean something else without the others");
        Fault::new(FaultKind::HalfWay, what).help("`switchback recover --resume` goes on with it")
    })?;
    let transaction = TransactionModes { up: Transaction::Off, down: Transaction::Off };
    let settings = Settings { transaction, session: settings.session.clone(), ..Settings::default() };
    let seed = seed.clone().filter(|_| step.direction == Direction::Up);
    // Beside it in the shadow stands what the step was to take back, under its own name.
    let id = Id::new(format!("{id} up to statement {behind}"));
    Ok(Migration { id, up, down: Down::Missing, verify: None, seed, settings, path: path.clone() })
}

fn with_down(part: &Migration, statements: Vec<String>) -> Migration {
    let flavor = part.up.flavor();
    let text = Written { flavor, comments: Vec::new(), statements }.text(None);
    Migration { down: Down::Script(Script::parse("back-out.sql", 1, text.as_bytes(), flavor)), ..part.clone() }
}

async fn tried(
    maker: &mut Maker,
    server: &Server,
    ran: &[&Migration],
    migration: Migration,
    context: &Context,
) -> Result<(Migration, Judged)> {
    let options = Options {
        reuse: Reuse::Nothing,
        after_failure: AfterFailure::Stop,
        only: Some(BTreeSet::from([migration.id.clone()])),
        jobs: 1,
        real: None,
        refused: BTreeMap::new(),
    };
    let walk: Vec<&Migration> = ran.iter().copied().chain([&migration]).collect();
    let outcome = verify(maker, server, &walk, &mut Registry::default(), &options, context).await?;
    let judged = outcome.judged.into_iter().find(|judged| judged.id == migration.id);
    let judged = judged.ok_or_else(|| Fault::bug("a way back was not judged"))?;
    Ok((migration, judged))
}

/// What becomes of an index that was left invalid, where the step is taken back.
fn mend((index, whose): &(String, Invalid)) -> String {
    match whose {
        Invalid::Unbuilt => draft::drop_unbuilt(index),
        Invalid::Undropped => draft::rebuild(index),
    }
}
