//! Recovering: behind which statement did a run stop?
//!
//! The journal tells what was about to be run; only the database tells what took effect. A shadow is brought to the same
//! state and walks the step's statements; the live schema is compared with the shadow's before and after the statement
//! in doubt. What fits neither is not guessed.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::chain::Chain;
use crate::class;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::Finding;
use crate::id::Id;
use crate::journalled::{is_one_with_its_row, text_of};
use crate::ledger::Open;
use crate::migration::Migration;
use crate::plan::Step;
use crate::sha::Sha;
use crate::shadow::Maker;
use crate::snapshot::{self, Line, Snapshot, Weight};
use crate::sql::Script;

/// What a person says of a statement that leaves no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InDoubt {
    /// It has not run, or may run twice.
    Rerun,
    /// It has run.
    Skip,
}

/// Where a step stands on the live database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The number of its statements that have taken effect.
    pub behind: usize,
    /// Indexes that a concurrent statement left invalid, as SQL names them, and what becomes of each.
    pub invalid: Vec<(String, Invalid)>,
    /// Partitions whose concurrent detach has begun and not ended: it can be ended, and not taken back.
    pub detaching: Vec<String>,
    /// What the live schema has otherwise than the steps give it, beside what the statement in doubt can have touched.
    pub elsewhere: Vec<String>,
}

impl Stand {
    /// As a person says it.
    fn by_word(behind: usize) -> Stand {
        Stand { behind, invalid: Vec::new(), detaching: Vec::new(), elsewhere: Vec::new() }
    }

    /// What is to be told of it.
    pub fn findings(&self, id: &Id) -> Vec<Finding> {
        let few = self.elsewhere.iter().take(SHOWN).cloned().collect();
        let finding =
            Finding::warning("schema-differs", "something else changed the live schema too, which is left as it is");
        if self.elsewhere.is_empty() { Vec::new() } else { vec![finding.of(id).detail(few)] }
    }
}

/// So many objects are listed.
const SHOWN: usize = 20;

/// Whose index is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Its build did not end. It goes.
    Unbuilt,
    /// It stood there before, and was being dropped. It is rebuilt where it is to stay.
    Undropped,
}

/// Where a step stands that stopped half-way.
///
/// # Errors
/// Half-way when the script was edited before that point, or when the live schema is neither the one before nor the one
/// after the statement in doubt; the difference is shown.
pub async fn stand(
    maker: &mut Maker,
    applied: &[Migration],
    step: &Step,
    open: &Open,
    live: &Snapshot,
    in_doubt: Option<InDoubt>,
) -> Result<Stand> {
    let Some(script) = step.script() else { return Err(Fault::bug("a step without a script was begun")) };
    same_so_far(script, open)?;
    // What a back-out takes back has been done.
    let ran: Vec<&Migration> = applied.iter().chain(step.backs_out.then_some(&*step.migration)).collect();
    maker.look_at(ran.iter().flat_map(|migration| migration.scripts()).chain([script]));
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    let found = compare(&mut chain, &ran, (&step.migration, script), open, live, in_doubt).await;
    let closed = chain.close().await;
    let found = found?;
    closed?;
    Ok(found)
}

/// What has run must be what the script still says.
fn same_so_far(script: &Script, open: &Open) -> Result<()> {
    let units = class::units(script);
    for (number, journalled) in open.units.iter().filter(|(number, _)| *number <= open.done) {
        let unit = units.iter().find(|unit| unit.end == *number);
        if unit.is_some_and(|unit| Sha::of(text_of(script, unit).as_bytes()) == *journalled) {
            continue;
        }
        let what = format!("statement {number} of `{}` has run, and the script says something else now", open.id);
        let fault = Fault::new(FaultKind::HalfWay, what);
        let fault = match unit {
            Some(unit) => fault.at(script.place(script.statements()[unit.start].span.start)),
            None => fault,
        };
        return Err(fault.help("put the statements that have run back as they were; those behind them may be mended"));
    }
    Ok(())
}

async fn compare(
    chain: &mut Chain,
    ran: &[&Migration],
    (migration, script): (&Migration, &Script),
    open: &Open,
    live: &Snapshot,
    in_doubt: Option<InDoubt>,
) -> Result<Stand> {
    let units = class::units(script);
    let doubtful = units.iter().find(|unit| unit.start >= open.done);
    if let Err(fault) = replay(chain, ran, (migration, script), open).await {
        // What no shadow can be asked, only a person can know.
        return match (in_doubt, doubtful) {
            (Some(said), Some(unit)) => Ok(Stand::by_word(if said == InDoubt::Skip { unit.end } else { unit.start })),
            (None, Some(_)) => Err(fault.help(BY_WORD)),
            (_, None) => Ok(Stand::by_word(open.done)),
        };
    }
    let before = chain.snapshot().await?;
    let invalid = invalid(live, &before);
    let detaching: Vec<String> =
        live.lines().filter(|line| is_detaching(line)).map(|line| line.object.clone()).collect();
    let live = &without(live, &invalid).filtered(|line| !is_detaching(line));
    let stand =
        |behind: usize, elsewhere| Stand { behind, invalid: invalid.clone(), detaching: detaching.clone(), elsewhere };
    let Some(unit) = doubtful else {
        let elsewhere = Touched::default().changes_elsewhere(&before, live);
        return Ok(stand(open.done, elsewhere));
    };
    let place = script.place(script.statements()[unit.start].span.start);
    let is_one = is_one_with_its_row(chain.engine().dialect(), script, unit);
    // A statement that fails in the shadow as well cannot have taken effect as a whole.
    let after = match chain.run_unit(script, unit.clone()).await {
        Ok(()) => Some(chain.snapshot().await?),
        Err(_) => None,
    };
    let touched = Touched::of(script, unit, &before, after.as_ref());
    let is_as = |schema: &Snapshot| touched.part_of(schema).weak_digest() == touched.part_of(live).weak_digest();
    // A detach that has begun has made some of what its end has, and is run again all the same.
    let is_begun = !detaching.is_empty() && is_between(&touched.part_of(live), &before, after.as_ref());
    let (as_before, as_after) = (is_begun || is_as(&before), after.as_ref().is_some_and(is_as));
    let at = |behind: usize| {
        let schema = after.as_ref().filter(|_| behind == unit.end).unwrap_or(&before);
        Ok(stand(behind, touched.changes_elsewhere(schema, live)))
    };
    match (as_before, as_after) {
        // Not journalled is not done.
        (true, _) if is_one => at(unit.start),
        (true, false) => at(unit.start),
        // It was refused, so what it was to make is somebody else's.
        (false, true) if open.stopped.is_some() => {
            let elsewhere = Touched::default().changes_elsewhere(&before, live);
            Ok(stand(unit.start, elsewhere))
        }
        (false, true) => at(unit.end),
        (true, true) if in_doubt == Some(InDoubt::Skip) => at(unit.end),
        (true, true) if in_doubt == Some(InDoubt::Rerun) || is_repeatable(script, unit.start) => at(unit.start),
        (true, true) => Err(without_a_trace(open, unit.end).at(place)),
        (false, false) => Err(on_neither_side(open, unit.end, &touched, (&before, live)).at(place)),
    }
}

/// Whether a schema has nothing but what one of two others has.
fn is_between(schema: &Snapshot, before: &Snapshot, after: Option<&Snapshot>) -> bool {
    let known: BTreeSet<&Line> = before.lines().chain(after.into_iter().flat_map(Snapshot::lines)).collect();
    schema.lines().all(|line| known.contains(line))
}

/// Brings the shadow to where the journal has the database.
async fn replay(
    chain: &mut Chain,
    ran: &[&Migration],
    (migration, script): (&Migration, &Script),
    open: &Open,
) -> Result<()> {
    chain.advance(ran).await.map_err(|fault| fault.kind_is(FaultKind::HalfWay))?;
    chain.prepare(migration).await?;
    for unit in class::units(script).iter().filter(|unit| unit.end <= open.done) {
        chain.run_unit(script, unit.clone()).await.map_err(|refusal| {
            refusal.fault(FaultKind::HalfWay, "a statement that ran on the database fails in the shadow")
        })?;
    }
    Ok(())
}

const BY_WORD: &str = "say what you found out: `--in-doubt rerun` runs it again, `--in-doubt skip` goes on behind it";

fn without_a_trace(open: &Open, number: usize) -> Fault {
    let what =
        format!("statement {number} of `{}` leaves no trace in the schema, so nobody can tell whether it ran", open.id);
    Fault::new(FaultKind::HalfWay, what).help(BY_WORD)
}

fn on_neither_side(open: &Open, number: usize, touched: &Touched, (before, live): (&Snapshot, &Snapshot)) -> Fault {
    let what =
        format!("the live schema is neither the one before nor the one after statement {number} of `{}`", open.id);
    let changes = snapshot::diff(&touched.part_of(before), &touched.part_of(live));
    let lines = changes.iter().take(SHOWN).flat_map(|change| {
        std::iter::once(change.title()).chain(change.lines.iter().take(10).map(|line| format!("  {line}")))
    });
    let fault = Fault::new(FaultKind::HalfWay, what).cause("against the state before it:");
    lines
        .fold(fault, Fault::cause)
        .help("bring the schema to one of the two states by hand, then run the command again")
}

/// What a statement can have touched; the rest of the live schema says nothing of whether it ran.
#[derive(Default)]
enum Touched {
    /// It runs code that is not in its text.
    Anything,
    /// What differs before and behind it in the shadow, by kind and name.
    Objects(BTreeSet<(String, String)>),
    /// What it names: it fails in the shadow, and may have had a part of its effects.
    Named(BTreeSet<String>),
    #[default]
    Nothing,
}

impl Touched {
    fn of(script: &Script, unit: &Range<usize>, before: &Snapshot, after: Option<&Snapshot>) -> Touched {
        let statements = &script.statements()[unit.clone()];
        if statements.iter().any(|statement| class::classify(script, statement).opaque) {
            return Touched::Anything;
        }
        let Some(after) = after else {
            return Touched::Named(statements.iter().flat_map(|statement| script.names_of(statement)).collect());
        };
        let (first, second): (BTreeSet<&Line>, BTreeSet<&Line>) = (before.lines().collect(), after.lines().collect());
        let changed = first.symmetric_difference(&second);
        Touched::Objects(changed.map(|line| (line.kind.clone(), line.object.clone())).collect())
    }

    fn has(&self, kind: &str, object: &str) -> bool {
        match self {
            Touched::Anything => true,
            Touched::Objects(objects) => objects.contains(&(kind.to_owned(), object.to_owned())),
            Touched::Named(names) => snapshot::parts(object).iter().any(|part| names.contains(&part.to_lowercase())),
            Touched::Nothing => false,
        }
    }

    fn part_of(&self, schema: &Snapshot) -> Snapshot {
        schema.filtered(|line| self.has(&line.kind, &line.object))
    }

    /// Titles of what else differs.
    fn changes_elsewhere(&self, schema: &Snapshot, live: &Snapshot) -> Vec<String> {
        let changes = snapshot::diff(schema, live).into_iter();
        let others =
            changes.filter(|change| change.weight == Weight::Strong && !self.has(&change.kind, &change.object));
        others.map(|change| change.title()).collect()
    }
}

/// Indexes that are invalid on the live database and not where the step began. To tell how far it got, one that was being
/// built counts as not there, and one that was being dropped as still there: either statement can be run again.
fn invalid(live: &Snapshot, before: &Snapshot) -> Vec<(String, Invalid)> {
    let of = |schema: &Snapshot, is_wanted: fn(&Line) -> bool| -> BTreeSet<String> {
        schema.of_kind("index").filter(|line| is_wanted(line)).map(|line| line.object.clone()).collect()
    };
    let is_invalid = |line: &Line| line.property == "valid" && line.value == "no";
    // An index of a partitioned table is invalid by rights until all its parts are attached.
    let is_of_parts = |line: &Line| line.property == "definition" && line.value.contains(" ON ONLY ");
    let (known, wanting, parted) = (of(before, |_| true), of(before, is_invalid), of(live, is_of_parts));
    let is_left = |index: &String| !wanting.contains(index) && !parted.contains(index);
    let left = of(live, is_invalid).into_iter().filter(is_left);
    let whose = |index: String| match known.contains(&index) {
        true => (index, Invalid::Undropped),
        false => (index, Invalid::Unbuilt),
    };
    left.map(whose).collect()
}

/// Whether a line says that a concurrent detach has begun and not ended. To tell how far a step got, it has not: run again, it ends.
fn is_detaching(line: &Line) -> bool {
    line.property == "detach pending"
}

/// Indexes that are invalid, as SQL names them.
pub fn invalid_in(live: &Snapshot) -> Vec<String> {
    invalid(live, &Snapshot::default()).into_iter().map(|(index, _)| index).collect()
}

fn without(live: &Snapshot, invalid: &[(String, Invalid)]) -> Snapshot {
    let counts = |line: &Line| match invalid.iter().find(|(index, _)| *index == line.object) {
        Some((_, Invalid::Unbuilt)) => line.kind != "index",
        Some((_, Invalid::Undropped)) => line.kind != "index" || !matches!(&*line.property, "valid" | "ready"),
        None => true,
    };
    live.filtered(counts)
}

/// `CREATE OR REPLACE TABLE` loses rows when it is run again.
fn creates_table(script: &Script, index: usize) -> bool {
    script.statements().get(index).is_some_and(|statement| {
        script.sql(statement).split_whitespace().nth(3).is_some_and(|word| word.eq_ignore_ascii_case("table"))
    })
}

/// Statements that may run twice without harm although no schema shows whether they ran.
fn is_repeatable(script: &Script, index: usize) -> bool {
    let Some(statement) = script.statements().get(index) else { return true };
    let first: Vec<String> = script.sql(statement).split_whitespace().take(3).map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = first.iter().map(String::as_str).collect();
    matches!(words.as_slice(), ["TRUNCATE" | "ANALYZE" | "OPTIMIZE" | "VACUUM" | "REINDEX" | "SET", ..])
        || matches!(words.as_slice(), ["CREATE", "OR", "REPLACE"])
            && !class::classify(script, statement).opaque
            && !creates_table(script, index)
}
