//! Planning against a live database: what is applied, what is asked, which scripts, and what lets each step through.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::database::Database;
use crate::engine::Server;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::ledger::{Applied, Entry, Open, State};
use crate::migration::{Down, Irreversible, Migration, Settings, group_sha, is_one_group, units};
use crate::plan::{self, Direction, Goal, Plan, Source, Step, Warrant};
use crate::project::Project;
use crate::proof::{self, Link, Standing};
use crate::registry::Registry;
use crate::sha::Sha;
use crate::sql::{Flavor, Script};
use crate::verify::Judged;

/// The plan that takes the database from its state to the goal.
///
/// # Errors
/// Refused when a script that would have to run is nowhere to be had.
pub async fn plan(database: &mut Database, project: &Project, state: &State, goal: &Goal) -> Result<Plan> {
    let graph = project.graph()?;
    let order: Vec<Id> = graph.order().cloned().collect();
    let groups = match goal {
        Goal::All | Goal::Nothing => BTreeMap::new(),
        _ => groups(database, project, state).await?,
    };
    let joins =
        |one: &Id, other: &Id| is_one_group(groups.get(one).map(String::as_str), groups.get(other).map(String::as_str));
    let moves = plan::moves(state, goal, &order, joins);
    let mut steps = Vec::with_capacity(moves.reverts.len() + moves.applies.len());
    for applied in &moves.reverts {
        let (migration, source) = reverting(database, project, applied).await?;
        let why = format!("applied by #{}", applied.seq);
        let reverts = Some(applied.seq);
        steps.push(Step { direction: Direction::Down, migration: Arc::new(migration), source, reverts, why });
    }
    let by_id: BTreeMap<&Id, &Migration> = project.migrations.iter().map(|one| (&one.id, one)).collect();
    for id in &moves.applies {
        let Some(migration) = by_id.get(id) else { return Err(Fault::bug(format!("`{id}` is planned and not there"))) };
        let why = "pending".to_owned();
        let migration = Arc::new((*migration).clone());
        steps.push(Step { direction: Direction::Up, migration, source: Source::Checkout, reverts: None, why });
    }
    Ok(Plan { base: state.head.clone(), steps })
}

/// The groups of what is in the checkout and of what is applied, by id; what was applied otherwise keeps the group that it had.
async fn groups(database: &mut Database, project: &Project, state: &State) -> Result<BTreeMap<Id, String>> {
    let grouped = project.migrations.iter().filter_map(|one| Some((one.id.clone(), one.settings.group.clone()?)));
    let mut groups: BTreeMap<Id, String> = grouped.collect();
    let known: BTreeMap<&Id, &Migration> = project.migrations.iter().map(|one| (&one.id, one)).collect();
    let is_same = |applied: &&Applied| known.get(&applied.id).is_some_and(|one| one.digest() == applied.digest);
    let others: BTreeSet<i64> = state.applied.iter().filter(|one| !is_same(one)).map(|one| one.seq).collect();
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
async fn reverting(database: &mut Database, project: &Project, applied: &Applied) -> Result<(Migration, Source)> {
    match project.get(&applied.id).filter(|migration| migration.digest() == applied.digest) {
        Some(migration) => Ok((migration.clone(), Source::Checkout)),
        None => Ok((stored(database, applied).await?, Source::Ledger)),
    }
}

/// The ledger's row that applied a migration.
pub async fn row(database: &mut Database, applied: &Applied) -> Result<Entry> {
    let mut rows = database.entries_at(&BTreeSet::from([applied.seq])).await?;
    rows.remove(&applied.seq).ok_or_else(|| gone(applied.seq))
}

fn gone(seq: i64) -> Fault {
    Fault::refused(format!("row {seq} of the ledger is gone")).help("`switchback log --verify` checks the ledger")
}

/// A migration as the ledger kept it when it was applied: scripts by content, settings, the whole of it.
pub async fn stored(database: &mut Database, applied: &Applied) -> Result<Migration> {
    let row = row(database, applied).await?;
    let flavor = database.engine().dialect().flavor;
    let name = |part: &str| format!("ledger:{}/{part}.sql", applied.id);
    let up = kept(database, &row, "up_checksum", name("up"), flavor).await?;
    let up = up.ok_or_else(|| Fault::refused(format!("the ledger keeps no up script of `{}`", applied.id)))?;
    let settings = settings_of(&row);
    let down = match (kept(database, &row, "down_checksum", name("down"), flavor).await?, &settings.irreversible) {
        (Some(script), _) => Down::Script(script),
        (None, Some(Irreversible { reason })) => Down::Irreversible(reason.clone()),
        (None, None) => Down::Missing,
    };
    let verify = kept(database, &row, "verify_checksum", name("verify"), flavor).await?;
    let path = format!("ledger:{}", applied.id);
    Ok(Migration { id: applied.id.clone(), up, down, verify, seed: None, settings, path })
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

/// What the checkout says otherwise about applied migrations than the ledger (I2): those of which only the way back,
/// the verify script or the settings were edited; and those that were adopted without a proof, and have one now.
///
/// # Errors
/// Refused when an up script was really edited after it was applied, with the difference.
pub async fn edited(database: &mut Database, project: &Project, state: &State) -> Result<Vec<Amendment>> {
    let mut amendments = Vec::new();
    let mut errors = Vec::new();
    let by_id: BTreeMap<&Id, &Migration> = project.migrations.iter().map(|one| (&one.id, one)).collect();
    for applied in &state.applied {
        let Some(migration) = by_id.get(&applied.id) else { continue };
        if migration.digest() == applied.digest {
            if applied.is_unproven {
                let (applied, migration) = (applied.clone(), Arc::new((*migration).clone()));
                amendments.push(Amendment { applied, migration, edit: Edit::None, warrant: None });
            }
            continue;
        }
        let kept = stored(database, applied).await?;
        if kept.up.checksum().tokens == migration.up.checksum().tokens {
            let edit =
                if is_by_session(migration, &kept.settings, &applied.digest) { Edit::Session } else { Edit::Own };
            let migration = Arc::new((*migration).clone());
            amendments.push(Amendment { applied: applied.clone(), migration, edit, warrant: None });
        } else {
            errors.push(edited_up(migration, &kept));
        }
    }
    if errors.is_empty() {
        find_warrants(database, project, state, &mut amendments);
        let is_proven = |amendment: &Amendment| amendment.warrant.as_ref().is_some_and(|it| !it.is_unproven());
        amendments.retain(|amendment| amendment.edit != Edit::None || is_proven(amendment));
        return Ok(amendments);
    }
    let what = if errors.len() == 1 {
        "a migration was changed after it was applied"
    } else {
        "migrations were changed after they were applied"
    };
    Err(Fault::refused(what).findings(errors).help("put the old text back and make the change in a new migration"))
}

/// An applied migration whose way back was edited since, or that was adopted and is proven since.
#[derive(Clone, Debug)]
pub struct Amendment {
    pub applied: Applied,
    pub migration: Arc<Migration>,
    pub edit: Edit,
    /// What lets the new way back into the ledger; `None`: it is not proven yet.
    pub warrant: Option<Warrant>,
}

/// What was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The migration's own files.
    Own,
    /// Only what the project puts before every script.
    Session,
    /// Nothing: it was adopted without a proof.
    None,
}

/// Whether a migration is the one that was applied but for the SQL that stands before its scripts.
pub fn is_by_session(migration: &Migration, kept: &Settings, applied: &Sha) -> bool {
    let mut as_kept = migration.clone();
    as_kept.settings.session.clone_from(&kept.session);
    as_kept.digest() == *applied
}

/// What to say of them. An edit of the project's session is told once, however many migrations it is part of.
pub fn told(amendments: &[Amendment], project: &Project) -> Vec<Finding> {
    let of = |edit: Edit| amendments.iter().filter(move |amendment| amendment.edit == edit);
    let session: Vec<&Amendment> = of(Edit::Session).collect();
    let mut findings: Vec<Finding> = of(Edit::Own).map(Amendment::finding).collect();
    findings.extend(adopted_proven(of(Edit::None).count()));
    for is_proven in [true, false] {
        let count = session.iter().filter(|amendment| amendment.warrant.is_some() == is_proven).count();
        if count > 0 {
            findings.push(session_edited(count, is_proven, project));
        }
    }
    findings
}

fn adopted_proven(count: usize) -> Option<Finding> {
    let what = match count {
        0 => return None,
        1 => "1 migration was adopted without a proof and is proven now; the ledger takes the proof over".to_owned(),
        more => format!(
            "{more} migrations were adopted without a proof and are proven now; the ledger takes the proofs over"
        ),
    };
    Some(Finding::note("adopted-proven", what))
}

fn session_edited(count: usize, is_proven: bool, project: &Project) -> Finding {
    let since = match count {
        1 => "1 migration was applied".to_owned(),
        more => format!("{more} migrations were applied"),
    };
    let what = format!("the session SQL for {} was edited since {since}", project.engine);
    let finding = if is_proven {
        Finding::note("down-amended", format!("{what}, and they are proven with it; the ledger takes it over"))
    } else {
        let message = format!("{what}; until they are proven with it the ledger's own counts");
        let help = "`switchback verify` proves them, and the next `switchback up` takes it over";
        Finding::warning("session-edited", message).help(help)
    };
    match &project.session {
        Some((_, place)) => finding.at(place.clone()),
        None => finding,
    }
}

/// The applied migrations that differ from what was applied by the project's session alone.
pub async fn by_session(database: &mut Database, project: &Project, state: &State) -> Result<BTreeSet<Id>> {
    let of = |applied: &Applied| project.get(&applied.id).filter(|migration| migration.digest() != applied.digest);
    let edited: BTreeMap<i64, (&Applied, &Migration)> =
        state.applied.iter().filter_map(|applied| Some((applied.seq, (applied, of(applied)?)))).collect();
    let rows = database.entries_at(&edited.keys().copied().collect()).await?;
    let is_so = |(applied, migration): &&(&Applied, &Migration)| {
        rows.get(&applied.seq).is_some_and(|row| is_by_session(migration, &settings_of(row), &applied.digest))
    };
    Ok(edited.values().filter(is_so).map(|(applied, _)| applied.id.clone()).collect())
}

fn settings_of(row: &Entry) -> Settings {
    row.get("settings").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

impl Amendment {
    /// What to say of it.
    fn finding(&self) -> Finding {
        let place = Place::new(self.migration.path.clone(), 1, 1);
        if self.warrant.is_some() {
            let message = "its down, verify or settings were edited and proven again; the ledger takes them over";
            return Finding::note("down-amended", message).of(&self.applied.id).at(place);
        }
        let message = "its down, verify or settings were edited since it was applied; until they are proven the ledger's own count";
        let help = "`switchback verify` proves them, and the next `switchback up` takes them over";
        Finding::warning("down-edited", message).of(&self.applied.id).at(place).help(help)
    }
}

fn find_warrants(database: &Database, project: &Project, state: &State, amendments: &mut [Amendment]) {
    if amendments.is_empty() {
        return;
    }
    let digest = |applied: &Applied| {
        let amended = amendments.iter().find(|amendment| amendment.applied.id == applied.id);
        amended.map_or_else(|| applied.digest.clone(), |amendment| amendment.migration.digest())
    };
    let links = links(project, state.applied.iter().map(|applied| (&applied.id, digest(applied))));
    let server = database.server();
    let standings = proof::chain(&links, server.engine, &server.major, &project.registry);
    for amendment in amendments {
        let at = links.iter().position(|link| link.id == amendment.applied.id);
        amendment.warrant = at.and_then(|at| of_standing(&standings[at]));
    }
}

fn edited_up(migration: &Migration, kept: &Migration) -> Finding {
    let diff = similar::TextDiff::from_lines(kept.up.text(), migration.up.text());
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            lines.push(format!("{} {}", change.tag(), change.value().trim_end()));
        }
    }
    let message = format!("the up of `{}` is not the one that was applied", migration.id);
    Finding::error("edited-after-apply", message).of(&migration.id).at(migration.up.place(0)).detail(lines)
}

/// Whether the checkout has anything that is not applied as it is there, or the ledger lacks a proof.
pub fn differs(project: &Project, state: &State) -> bool {
    let applied: BTreeMap<&Id, &Sha> = state.applied.iter().map(|applied| (&applied.id, &applied.digest)).collect();
    let is_applied =
        |migration: &Migration| applied.get(&migration.id).is_some_and(|digest| **digest == migration.digest());
    let is_owed = state.open.is_some() || state.applied.iter().any(|applied| applied.is_unproven);
    is_owed || !project.migrations.iter().all(is_applied)
}

/// How a step that stopped half-way is gone on with.
pub fn going_on(open: &Open, project: &Project) -> String {
    match open.event.as_str() {
        "revert" => "`switchback down --steps 1` goes on with it; `switchback log` shows what stopped it".to_owned(),
        _ if project.get(&open.id).is_some() => {
            "`switchback up` goes on with it; `switchback log` shows what stopped it".to_owned()
        }
        _ => format!(
            "`{}` is not in this checkout, and nothing else is begun before it is through: bring its files back (git has \
             them on the branch that it was applied from), then `switchback up` goes on with it",
            open.id
        ),
    }
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
fn links<'a>(project: &Project, applied: impl Iterator<Item = (&'a Id, Sha)>) -> Vec<Link> {
    let grouped: BTreeMap<&Id, &Migration> =
        project.migrations.iter().filter(|one| one.settings.group.is_some()).map(|one| (&one.id, one)).collect();
    let link = |(id, digest): (&Id, Sha)| {
        let same = grouped.get(id).filter(|migration| migration.digest() == digest);
        Link { id: id.clone(), group: same.and_then(|migration| migration.settings.group.clone()), digest }
    };
    applied.map(link).collect()
}

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
    let rows = database.entries_at(&plan.steps.iter().filter_map(|step| step.reverts).collect()).await?;
    let mut warrant = |step: &Step| match (step.direction, step.reverts) {
        (Direction::Up, _) => Ok(ups.next().flatten()),
        (Direction::Down, Some(seq)) => {
            let row = rows.get(&seq).ok_or_else(|| gone(seq))?;
            Ok(Some(Warrant::recorded(row.get("proof"))))
        }
        (Direction::Down, None) => Ok(None),
    };
    let warrants: Vec<Option<Warrant>> = plan.steps.iter().map(&mut warrant).collect::<Result<_>>()?;
    refuse_parts(plan, &warrants)?;
    Ok(warrants)
}

/// # Errors
/// Refused when a part of a group would be taken back that was proven as a whole: another member stopped half-way, and what
/// undoes both may stand in its down alone.
fn refuse_parts(plan: &Plan, warrants: &[Option<Warrant>]) -> Result<()> {
    let joins = |one: &Step, other: &Step| {
        one.direction == other.direction && one.migration.is_one_group_with(&other.migration)
    };
    for at in units(&plan.steps, joins).into_iter().filter(|at| plan.steps[at.start].direction == Direction::Down) {
        let digests: Vec<Sha> = plan.steps[at.clone()].iter().rev().map(|step| step.migration.digest()).collect();
        let whole = group_sha(&digests.iter().collect::<Vec<_>>());
        let mut recorded = warrants[at.clone()].iter().flatten().filter_map(Warrant::recorded_group).peekable();
        // An amendment of one member says anew what binds them all.
        if recorded.peek().is_some() && recorded.all(|group| whole.as_ref().is_none_or(|whole| whole.as_str() != group))
        {
            let id = &plan.steps[at.start].migration.id;
            let fault = Fault::refused(format!("`{id}` is part of a group, and not all of it is applied"));
            return Err(fault
                .cause("the group was proven as a whole, and its parts may not be undone by their own downs")
                .help("`switchback up` goes on with it"));
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

fn of_standing(standing: &Standing<'_>) -> Option<Warrant> {
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

/// Everything that stays applied and then the plan's ups, as migrations: what a shadow has to walk along.
pub async fn walk(database: &mut Database, project: &Project, state: &State, plan: &Plan) -> Result<Vec<Migration>> {
    let reverted: BTreeSet<&Id> =
        plan.steps.iter().filter(|step| step.direction == Direction::Down).map(|step| &step.migration.id).collect();
    let mut walk = Vec::new();
    for applied in state.applied.iter().filter(|applied| !reverted.contains(&applied.id)) {
        walk.push(reverting(database, project, applied).await?.0);
    }
    let ups = plan.steps.iter().filter(|step| step.direction == Direction::Up);
    walk.extend(ups.map(|step| (*step.migration).clone()));
    Ok(walk)
}
