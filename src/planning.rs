//! Planning against a live database: what is applied, what is asked, which scripts, and what lets each step through.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::database::Database;
use crate::engine::Server;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::goal::{self, Aim, Footing, Goal, Ground, Moves, Why};
use crate::graph::Graph;
use crate::id::Id;
use crate::ledger::{Act, Applied, Entry, Open, State};
use crate::migration::{Down, Irreversible, Migration, Settings, group_sha, units};
use crate::plan::{Direction, Plan, Proven, Source, Step, Warrant};
use crate::project::Project;
use crate::proof::{self, Link, Standing};
use crate::registry::Registry;
use crate::saved::Saved;
use crate::sha::Sha;
use crate::sql::{Flavor, Script};
use crate::store::gone;
use crate::verify::Judged;

/// A goal, with the ledger's rows that hold what it wants, where these are not the checkout's files.
#[derive(Clone, Debug)]
pub struct Target {
    pub goal: Goal,
    /// By id: the row that holds the version that is wanted.
    pub rows: BTreeMap<Id, i64>,
}

impl From<Goal> for Target {
    fn from(goal: Goal) -> Target {
        Target { goal, rows: BTreeMap::new() }
    }
}

/// The plan that takes the database from its state to the target.
///
/// # Errors
/// Refused when a script that would have to run is nowhere to be had, or when something is to be kept that cannot stay.
pub async fn plan(database: &mut Database, project: &Project, state: &State, target: &Target) -> Result<Plan> {
    let here = project.by_id();
    let moves = moves(database, project, &here, state, &target.goal).await?;
    let held = held(state);
    let unplaced = |id: &Id| Fault::bug(format!("`{id}` is planned and not there"));
    let mut steps = Vec::with_capacity(moves.reverts.len() + moves.applies.len());
    for (id, why) in moves.reverts {
        let applied = *held.get(&id).ok_or_else(|| unplaced(&id))?;
        let (migration, source) = reverting(database, here.get(&id).copied(), applied).await?;
        let (migration, reverts) = (Arc::new(migration), Some(applied.seq));
        steps.push(Step {
            direction: Direction::Down,
            migration,
            source,
            reverts,
            held_by: None,
            why,
            requires: None,
            backs_out: false,
        });
    }
    for (id, why) in moves.applies {
        let here = here.get(&id).copied();
        let (migration, source, requires) = match target.rows.get(&id) {
            Some(seq) => wanted(database, &id, *seq, here).await?,
            None => (here.ok_or_else(|| unplaced(&id))?.clone(), Source::Checkout, None),
        };
        let migration = Arc::new(migration);
        let held_by = target.rows.get(&id).copied().filter(|_| source == Source::Ledger);
        let (direction, backs_out) = (Direction::Up, false);
        steps.push(Step { direction, migration, source, reverts: None, held_by, why, requires, backs_out });
    }
    Ok(Plan { base: state.head.clone(), steps, stays: moves.stays })
}

/// The plan that a file holds, of the very scripts that it names.
///
/// # Errors
/// Refused when one of them is another now, or nowhere to be had.
pub async fn saved_plan(database: &mut Database, project: &Project, state: &State, saved: &Saved) -> Result<Plan> {
    let mut steps = Vec::with_capacity(saved.steps.len());
    let (here, held) = (project.by_id(), held(state));
    for step in &saved.steps {
        let id = &step.id;
        let here = here.get(id).copied();
        let found = match (step.direction, step.row) {
            (Direction::Down, Some(row)) => match held.get(id).filter(|one| one.seq == row) {
                Some(applied) => Some(reverting(database, here, applied).await?.0),
                None => None,
            },
            (Direction::Up, Some(row)) => Some(wanted(database, id, row, None).await?.0),
            (_, None) => None,
        };
        let of_checkout = || here.filter(|migration| step.is_of(migration)).cloned();
        let migration = match found.filter(|migration| step.is_of(migration)).or_else(of_checkout) {
            Some(migration) => Arc::new(migration),
            None => {
                let fault = Fault::refused(format!(
                    "`{id}` is not the migration that this plan was made with, so nothing was run"
                ));
                return Err(fault
                    .cause(format!("the plan names the digest {}", step.digest.short()))
                    .help("bring the files back that it was made with, or make the plan anew"));
            }
        };
        let (reverts, held_by) = match step.direction {
            Direction::Down => (step.row, None),
            Direction::Up => (None, step.row),
        };
        let why = Why::Saved(step.why.clone());
        steps.push(Step {
            direction: step.direction,
            migration,
            source: step.source,
            reverts,
            held_by,
            why,
            requires: None,
            backs_out: false,
        });
    }
    Ok(Plan { base: state.head.clone(), steps, stays: Vec::new() })
}

/// The rest of a step that stopped half-way: of the script that was begun, or of the checkout's where that was mended since.
pub async fn rest(database: &mut Database, project: &Project, open: &Open) -> Result<Step> {
    let row = row_at(database, open.seq).await?;
    let backs_out = open.is(Act::BackOut);
    let direction = if open.is(Act::Apply) { Direction::Up } else { Direction::Down };
    let may_be_mended = direction == Direction::Up && !backs_out;
    let here = project.get(&open.id).filter(|here| may_be_mended || here.digest() == open.digest);
    let (migration, source) = match here.filter(|_| !backs_out) {
        Some(here) => (here.clone(), Source::Checkout),
        None => (of_row(database, &open.id, &row).await?, Source::Ledger),
    };
    let held_by = Some(open.seq).filter(|_| source == Source::Ledger);
    let requires = row.get("proof").and_then(Warrant::recorded_edges);
    let (migration, reverts) = (Arc::new(migration), row.number("reverts"));
    Ok(Step { direction, migration, source, reverts, held_by, why: Why::Asked, requires, backs_out })
}

/// The version of a migration that a row of the ledger holds: the checkout's where that is the very one.
async fn wanted(
    database: &mut Database,
    id: &Id,
    seq: i64,
    here: Option<&Migration>,
) -> Result<(Migration, Source, Option<Vec<Id>>)> {
    let row = row_at(database, seq).await?;
    let digest = row.get("digest").unwrap_or_default();
    if let Some(same) = here.filter(|migration| migration.digest().as_str() == digest) {
        return Ok((same.clone(), Source::Checkout, None));
    }
    let edges = row.get("proof").and_then(Warrant::recorded_edges);
    Ok((of_row(database, id, &row).await?, Source::Ledger, edges))
}

/// What is applied, by id.
fn held(state: &State) -> HashMap<&Id, &Applied> {
    state.applied.iter().map(|applied| (&applied.id, applied)).collect()
}

/// The moves to the goal, by all that ledger and checkout say of what stands on what.
async fn moves(
    database: &mut Database,
    project: &Project,
    here: &HashMap<&Id, &Migration>,
    state: &State,
    goal: &Goal,
) -> Result<Moves> {
    let graph = match project.graph() {
        Ok(graph) => graph,
        // Going back needs nothing of the checkout: the ledger has it all.
        Err(_) if goal.goes_back() => Graph::default(),
        Err(fault) => return Err(fault),
    };
    let groups = match goal.aim {
        Aim::All | Aim::Nothing if goal.keep.is_empty() => BTreeMap::new(),
        _ => groups(database, here, state).await?,
    };
    let applied = match goal.needs_edges() {
        true => footings(database, here, state).await?,
        false => state.applied.iter().map(|one| (&one.id, Footing::Before)).collect(),
    };
    goal::moves(&Ground::new(&graph, &applied, &groups), goal).map_err(|conflict| {
        let what = format!("`{}` cannot stay", conflict.kept);
        Fault::refused(what)
            .cause(format!("it stands on `{}`, which is to be taken back", conflict.stands_on))
            .help("leave one of the two out of the command; `switchback graph` shows what stands on what")
    })
}

/// Where it is said what each applied migration stands on: in the ledger; where that says nothing, in a checkout that has the
/// very same migration; and else nowhere.
async fn footings<'a>(
    database: &mut Database,
    here: &HashMap<&Id, &Migration>,
    state: &'a State,
) -> Result<Vec<(&'a Id, Footing)>> {
    let mut recorded = recorded_edges(database, state).await?;
    let footing = |one: &'a Applied| match recorded.remove(&one.order) {
        Some(edges) => (&one.id, Footing::Recorded(edges)),
        None if is_same(here, one) => (&one.id, Footing::Checkout),
        None => (&one.id, Footing::Before),
    };
    Ok(state.applied.iter().map(footing).collect())
}

/// Whether the checkout has the very migration that is applied.
fn is_same(here: &HashMap<&Id, &Migration>, applied: &Applied) -> bool {
    here.get(&applied.id).is_some_and(|one| one.digest() == applied.digest)
}

/// What a migration of the checkout stands on directly, where that is declared or was observed.
fn edges(graph: &Graph<'_>, id: &Id) -> Option<Vec<Id>> {
    let known = graph.known(graph.number(id)?)?;
    Some(known.iter().map(|number| graph.order()[*number].clone()).collect())
}

/// Has the steps that are applied from the checkout keep what they stand on.
pub fn keep_edges(plan: &mut Proven, project: &Project) {
    if let Ok(graph) = project.graph() {
        plan.keep_edges(|id| edges(&graph, id));
    }
}

/// What applied migrations stood on when they were applied, by the sequence of the row that applied them.
async fn recorded_edges(database: &mut Database, state: &State) -> Result<BTreeMap<i64, Vec<Id>>> {
    let rows = database.entries_at(&state.applied.iter().map(|applied| applied.order).collect()).await?;
    let edges = |row: &Entry| Warrant::recorded_edges(row.get("proof")?);
    Ok(rows.iter().filter_map(|(seq, row)| Some((*seq, edges(row)?))).collect())
}

/// The groups of what is in the checkout and of what is applied, by id; what was applied otherwise keeps the group that it had.
async fn groups(
    database: &mut Database,
    here: &HashMap<&Id, &Migration>,
    state: &State,
) -> Result<BTreeMap<Id, String>> {
    let grouped = here.values().filter_map(|one| Some((one.id.clone(), one.settings.group.clone()?)));
    let mut groups: BTreeMap<Id, String> = grouped.collect();
    let others: BTreeSet<i64> = state.applied.iter().filter(|one| !is_same(here, one)).map(|one| one.seq).collect();
    if others.is_empty() {
        return Ok(groups);
    }
    for row in database.entries_at(&others).await?.values() {
        let Some(id) = row.get("migration").map(Id::new) else { continue };
        let settings = row.get("settings").and_then(|text| serde_json::from_str::<Settings>(text).ok());
        match settings.and_then(|settings| settings.group) {
            Some(group) => drop(groups.insert(id, group)),
            None => drop(groups.remove(&id)),
        }
    }
    Ok(groups)
}

/// The migration to take back: the checkout's where it is the very one that was applied, else the ledger's (I3).
async fn reverting(
    database: &mut Database,
    here: Option<&Migration>,
    applied: &Applied,
) -> Result<(Migration, Source)> {
    match here.filter(|migration| migration.digest() == applied.digest) {
        Some(migration) => Ok((migration.clone(), Source::Checkout)),
        None => Ok((stored(database, applied).await?, Source::Ledger)),
    }
}

/// The ledger's row that applied a migration.
pub async fn row(database: &mut Database, applied: &Applied) -> Result<Entry> {
    row_at(database, applied.seq).await
}

async fn row_at(database: &mut Database, seq: i64) -> Result<Entry> {
    let mut rows = database.entries_at(&BTreeSet::from([seq])).await?;
    rows.remove(&seq).ok_or_else(|| gone(seq))
}

/// A migration as the ledger kept it when it was applied: scripts by content, settings, the whole of it.
pub async fn stored(database: &mut Database, applied: &Applied) -> Result<Migration> {
    let row = row(database, applied).await?;
    of_row(database, &applied.id, &row).await
}

async fn of_row(database: &mut Database, id: &Id, row: &Entry) -> Result<Migration> {
    let flavor = database.engine().dialect().flavor;
    let name = |part: &str| format!("ledger:{id}/{part}.sql");
    let up = kept(database, row, "up_checksum", name("up"), flavor).await?;
    let up = up.ok_or_else(|| Fault::refused(format!("the ledger keeps no up script of `{id}`")))?;
    let settings = settings_of(row);
    let down = match (kept(database, row, "down_checksum", name("down"), flavor).await?, &settings.irreversible) {
        (Some(script), _) => Down::Script(script),
        (None, Some(Irreversible { reason })) => Down::Irreversible(reason.clone()),
        (None, None) => Down::Missing,
    };
    let verify = kept(database, row, "verify_checksum", name("verify"), flavor).await?;
    let path = format!("ledger:{id}");
    Ok(Migration { id: id.clone(), up, down, verify, seed: None, settings, path })
}

async fn kept(
    database: &mut Database,
    row: &Entry,
    column: &str,
    path: String,
    flavor: Flavor,
) -> Result<Option<Script>> {
    let Some(checksum) = row.get(column) else { return Ok(None) };
    let Some(text) = database.script(checksum).await? else {
        let fault = Fault::refused(format!(
            "the ledger names the script {} and does not have it",
            Sha::recorded(checksum).short()
        ));
        return Err(fault.help("`switchback log --verify` checks the ledger"));
    };
    let script = Script::parse(path, 1, text.as_bytes(), flavor);
    if script.checksum().text != checksum {
        return Err(Fault::refused("a script that the ledger keeps was changed").at(script.place(0)));
    }
    Ok(Some(script))
}

pub(crate) fn settings_of(row: &Entry) -> Settings {
    row.get("settings").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Whether the checkout has anything that is not applied as it is there, or the ledger lacks a proof.
pub fn differs(project: &Project, state: &State) -> bool {
    let applied: BTreeMap<&Id, &Sha> = state.applied.iter().map(|applied| (&applied.id, &applied.digest)).collect();
    let is_applied =
        |migration: &Migration| applied.get(&migration.id).is_some_and(|digest| **digest == migration.digest());
    let is_owed = state.open.is_some() || state.applied.iter().any(|applied| applied.is_unproven);
    is_owed || !project.migrations.iter().all(is_applied)
}

/// What is applied and not in the checkout, each with the migration that has the same scripts and settings and is not applied:
/// a folder that was given another name.
pub fn renamed<'a>(project: &'a Project, state: &'a State) -> Vec<(&'a Applied, &'a Migration)> {
    let gone = unknown(project, state);
    if gone.is_empty() {
        return Vec::new();
    }
    let pending = project.migrations.iter().filter(|migration| state.get(&migration.id).is_none());
    let named = |migration: &'a Migration| {
        let digest = migration.digest();
        gone.iter().find(|applied| applied.digest == digest).map(|applied| (*applied, migration))
    };
    pending.filter_map(named).collect()
}

/// What to say of it.
pub fn told_renamed(applied: &Applied, migration: &Migration) -> Finding {
    let message = format!("these scripts are applied as `{}`: is `{}` its new name?", applied.id, migration.id);
    let finding = Finding::warning("renamed", message).of(&migration.id).at(Place::new(migration.path.clone(), 1, 1));
    finding.help("give it the old name back: the ledger knows a migration by its name, and would apply it once more")
}

/// What is applied that the checkout does not have.
pub fn unknown<'a>(project: &Project, state: &'a State) -> Vec<&'a Applied> {
    let known: BTreeSet<&Id> = project.migrations.iter().map(|migration| &migration.id).collect();
    state.applied.iter().filter(|applied| !known.contains(&applied.id)).collect()
}

/// What is applied, as a chain; its groups are what the checkout says of the very same migrations.
pub(crate) fn links<'a>(project: &Project, applied: impl Iterator<Item = (&'a Id, Sha)>) -> Vec<Link> {
    let grouped: BTreeMap<&Id, &Migration> =
        project.migrations.iter().filter(|one| one.settings.group.is_some()).map(|one| (&one.id, one)).collect();
    let link = |(id, digest): (&Id, Sha)| {
        let same = grouped.get(id).filter(|migration| migration.digest() == digest);
        Link { id: id.clone(), group: same.and_then(|migration| migration.settings.group.clone()), digest }
    };
    applied.map(link).collect()
}

/// So many of the last reverts are looked at for the rest of a group.
const MOST_OF_A_GROUP: usize = 1000;

/// The warrants that the registry gives for the plan's steps, in order; `None` where there is none.
pub async fn warrants(
    database: &mut Database,
    project: &Project,
    state: &State,
    plan: &Plan,
) -> Result<Vec<Option<Warrant>>> {
    let reverted: BTreeSet<&Id> =
        plan.steps.iter().filter(|step| step.direction == Direction::Down).map(|step| &step.migration.id).collect();
    let stay = state.applied.iter().filter(|applied| !reverted.contains(&applied.id));
    let mut links = links(project, stay.map(|applied| (&applied.id, applied.digest.clone())));
    let before = links.len();
    let ups = plan.steps.iter().filter(|step| step.direction == Direction::Up);
    links.extend(ups.map(|step| Link::of(&step.migration)));
    let (engine, major) = (database.server().engine, database.server().major.clone());
    let standings = proof::chain(&links, engine, &major, &project.registry);
    let mut ups = standings.into_iter().skip(before).map(|standing| of_standing(&standing));
    // What takes back a part of a step was proven by itself.
    let warranted = |step: &Step| if step.backs_out { step.held_by } else { step.reverts };
    let rows = database.entries_at(&plan.steps.iter().filter_map(warranted).collect()).await?;
    let mut warrant = |step: &Step| match (step.direction, warranted(step)) {
        (Direction::Up, _) => Ok(ups.next().flatten()),
        (Direction::Down, Some(seq)) => {
            let row = rows.get(&seq).ok_or_else(|| gone(seq))?;
            Ok(Some(Warrant::recorded(row.get("proof"))))
        }
        (Direction::Down, None) => Ok(None),
    };
    let warrants: Vec<Option<Warrant>> = plan.steps.iter().map(&mut warrant).collect::<Result<_>>()?;
    refuse_parts(state, plan, &warrants)?;
    refuse_turning_back(project, state, plan)?;
    Ok(warrants)
}

/// # Errors
/// Refused when a part of a group would be taken back that was proven as a whole: another member stopped half-way, and what
/// undoes both may stand in its down alone. Where the others were taken back before, a run that stopped is gone on with.
fn refuse_parts(state: &State, plan: &Plan, warrants: &[Option<Warrant>]) -> Result<()> {
    let joins = |one: &Step, other: &Step| {
        one.direction == other.direction && one.migration.is_one_group_with(&other.migration)
    };
    for at in units(&plan.steps, joins).into_iter().filter(|at| plan.steps[at.start].direction == Direction::Down) {
        let digests: Vec<Sha> = plan.steps[at.clone()].iter().rev().map(|step| step.migration.digest()).collect();
        let applied_at = plan.steps[at.clone()].iter().filter_map(|step| step.reverts).max();
        let since =
            state.reverted.iter().rev().take_while(|(seq, _)| Some(*seq) > applied_at).map(|(_, digest)| digest);
        let mut members: Vec<&Sha> = digests.iter().collect();
        let mut wholes = vec![group_sha(&members)];
        for digest in since.take(MOST_OF_A_GROUP) {
            members.push(digest);
            wholes.push(group_sha(&members));
        }
        let is_whole = |group: &str| wholes.iter().flatten().any(|whole| whole.as_str() == group);
        let mut recorded = warrants[at.clone()].iter().flatten().filter_map(Warrant::recorded_group).peekable();
        // An amendment of one member says anew what binds them all.
        if recorded.peek().is_some() && !recorded.any(is_whole) {
            let id = &plan.steps[at.start].migration.id;
            let fault = Fault::refused(format!("`{id}` is part of a group, and not all of it is applied"));
            return Err(fault
                .cause("the group was proven as a whole, and its parts may not be undone by their own downs")
                .help("`switchback up` goes on with it"));
        }
    }
    Ok(())
}

/// # Errors
/// Refused when a member of a group would be applied that was just taken back while others still stand: its down may have undone
/// all of them, and what comes of its up then is not what was proven.
fn refuse_turning_back(project: &Project, state: &State, plan: &Plan) -> Result<()> {
    let taken_back = |digest: &Sha| state.reverted.iter().rev().find(|(_, one)| one == digest).map(|(seq, _)| *seq);
    for step in plan.steps.iter().filter(|step| step.direction == Direction::Up) {
        let Some(reverted) = taken_back(&step.migration.digest()) else { continue };
        let mates = project.migrations.iter().filter(|one| one.is_one_group_with(&step.migration));
        let stands = mates.filter_map(|mate| state.get(&mate.id)).any(|mate| mate.seq < reverted);
        if stands && plan.steps.iter().all(|step| step.direction == Direction::Up) {
            let id = &step.migration.id;
            let fault = Fault::refused(format!("`{id}` is part of a group that stopped on its way down"));
            return Err(fault
                .cause("the group was proven as a whole, and what its downs have undone so far may be any part of it")
                .help("`switchback down` goes on with it; then `switchback up` applies it anew"));
        }
    }
    Ok(())
}

/// The warrants that the registry gives for migrations that were applied in this order; `None` where there is none.
pub fn standing(database: &Database, registry: &Registry, applied: &[&Migration]) -> Vec<Option<Warrant>> {
    let links: Vec<Link> = applied.iter().map(|migration| Link::of(migration)).collect();
    let server = database.server();
    proof::chain(&links, server.engine, &server.major, registry).iter().map(of_standing).collect()
}

pub(crate) fn of_standing(standing: &Standing<'_>) -> Option<Warrant> {
    match standing {
        Standing::Proven(proof) | Standing::Irreversible(proof) => Some(Warrant::of_proof(proof)),
        Standing::Waived(waiver, proof) => Some(Warrant::of_waiver(waiver, *proof)),
        Standing::Unproven(_) => None,
    }
}

/// What to say of a step that is let through although nobody has proven its way.
pub fn told_unproven(step: &Step, warrant: &Warrant) -> Option<Finding> {
    if !warrant.is_unproven() {
        return None;
    }
    let message = match step.direction {
        Direction::Up => "is let through by a waiver: its way back is not proven",
        Direction::Down => "goes back a way that is not proven",
    };
    let text = match warrant {
        Warrant::Waiver { reason, who, .. } => format!("`{}` {message} ({who}: {reason})", step.migration.id),
        _ if warrant.is_adopted() => {
            format!("`{}` {message}: it was adopted from another tool without a proof", step.migration.id)
        }
        _ => format!("`{}` {message}", step.migration.id),
    };
    let finding = Finding::warning("unproven", text).of(&step.migration.id);
    let help = "`switchback verify` proves it, and the next `switchback up` takes the proof over";
    Some(if warrant.is_adopted() { finding.help(help) } else { finding })
}

/// The warrant that a judgement gives, with the registry's waivers.
pub fn of_judged(judged: &Judged, digest: &Sha, server: &Server, registry: &Registry) -> Option<Warrant> {
    let proof = judged.proof.as_ref();
    match (proof.filter(|proof| proof.verdict().lets_through()), registry.waiver(digest, server.engine)) {
        (Some(proof), _) => Some(Warrant::of_proof(proof)),
        (None, Some(waiver)) => Some(Warrant::of_waiver(waiver, proof)),
        (None, None) => None,
    }
}

/// What a migration asks for once it is applied, and the settings under which it does.
pub struct Asks {
    pub id: Id,
    /// `verify.sql`, as it was applied.
    pub script: Script,
    pub session: Option<String>,
}

/// What those ask for that stay applied behind a plan.
pub async fn asks(database: &mut Database, project: &Project, state: &State, plan: &Plan) -> Result<Vec<Asks>> {
    let moved: BTreeSet<&Id> = plan.steps.iter().map(|step| &step.migration.id).collect();
    let stays: Vec<&Applied> = state.applied.iter().filter(|applied| !moved.contains(&applied.id)).collect();
    let rows = database.entries_at(&stays.iter().map(|applied| applied.seq).collect()).await?;
    let (flavor, mut asks) = (database.engine().dialect().flavor, Vec::new());
    for Applied { id, seq, .. } in stays {
        let Some((row, checksum)) = rows.get(seq).and_then(|row| Some((row, row.get("verify_checksum")?))) else {
            continue;
        };
        let here = project.get(id).and_then(|migration| migration.verify.as_ref());
        let script = match here.filter(|script| script.checksum().text.as_str() == checksum) {
            Some(script) => Some(script.clone()),
            None => kept(database, row, "verify_checksum", format!("ledger:{id}/verify.sql"), flavor).await?,
        };
        let session = settings_of(row).session;
        asks.extend(script.map(|script| Asks { id: id.clone(), script, session }));
    }
    Ok(asks)
}

/// Everything that stays applied and then the plan's ups, as migrations: what a shadow has to walk along.
pub async fn walk(database: &mut Database, project: &Project, state: &State, plan: &Plan) -> Result<Vec<Migration>> {
    let reverted: BTreeSet<&Id> =
        plan.steps.iter().filter(|step| step.direction == Direction::Down).map(|step| &step.migration.id).collect();
    let (here, mut walk) = (project.by_id(), Vec::new());
    for applied in state.applied.iter().filter(|applied| !reverted.contains(&applied.id)) {
        walk.push(reverting(database, here.get(&applied.id).copied(), applied).await?.0);
    }
    let ups = plan.steps.iter().filter(|step| step.direction == Direction::Up);
    walk.extend(ups.map(|step| (*step.migration).clone()));
    Ok(walk)
}
