//! Targets that are written down: the state at a time, a release, a revision of the files.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::goal::{Aim, Goal, Wanted};
use crate::id::Id;
use crate::ledger::{Act, Applied, Entry, Held, History, Phase, Release, State};
use crate::planning::{self, Target};
use crate::project::Project;
use crate::sha::Sha;
use crate::target::nearest;

/// Rows that are read at a time.
const PAGE: i64 = 1_000;

/// What was applied at a time.
///
/// # Errors
/// Refused where the ledger begins later, or where its clock was set back around that time.
pub async fn at_time(database: &mut Database, state: &State, time: DateTime<Utc>) -> Result<Target> {
    let mut history = History::default();
    let (mut first, mut later) = (None, None);
    for row in rows(database, state).await? {
        let Some(at) = row.time() else { continue };
        first.get_or_insert((row.seq(), at));
        match later {
            // The state of a time is that behind the last row before it, if nothing before that row is later.
            Some(seq) if at <= time => return Err(set_back(seq, row.seq(), time)),
            None if at > time => later = Some(row.seq()),
            None => history.note(&row),
            Some(_) => {}
        }
    }
    match first {
        None => Err(Fault::refused("nothing was ever done to this database").help("`switchback status` shows it")),
        Some((seq, at)) if at > time => {
            let what = format!("the ledger begins at {}, after that time", shown(at));
            Err(Fault::refused(what)
                .cause(format!("its first row is #{seq}; what stood there before is not known"))
                .help("`switchback down --all` takes back everything that the ledger knows"))
        }
        Some(_) => of_held(database, state, history.held()).await,
    }
}

/// What was applied behind a row of the ledger.
///
/// # Errors
/// What the database says.
pub async fn at_row(database: &mut Database, state: &State, seq: i64) -> Result<Target> {
    let mut history = History::default();
    rows(database, state).await?.iter().filter(|row| row.seq() <= seq).for_each(|row| history.note(row));
    of_held(database, state, history.held()).await
}

fn set_back(seq: i64, later: i64, time: DateTime<Utc>) -> Fault {
    let what = format!("two states may be meant by {}", shown(time));
    Fault::refused(what)
        .cause(format!("row #{later} says that it was written before row #{seq}: a clock was set back in between"))
        .help("name the state by its last migration, `--to ID`; `switchback log` shows the rows")
}

fn shown(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What a release holds.
///
/// # Errors
/// Refused where no release has this name, with the nearest that there is.
pub async fn at_release(database: &mut Database, state: &State, name: &str) -> Result<Target> {
    let releases = releases(database, state).await?;
    let Some((_, release)) = releases.iter().rev().find(|(_, release)| release.name == name) else {
        return Err(unknown_release(name, &releases));
    };
    let held = release.members.iter().map(|member| Held {
        id: member.id.clone(),
        digest: member.digest.clone(),
        seq: member.row,
    });
    of_held(database, state, held.collect()).await
}

fn unknown_release(name: &str, releases: &[(Entry, Release)]) -> Fault {
    let fault = Fault::usage(format!("this database knows no release `{name}`"));
    let names: BTreeSet<&str> = releases.iter().map(|(_, release)| release.name.as_str()).collect();
    match nearest(name, names.iter().copied()) {
        _ if names.is_empty() => fault.help("`switchback release NAME` records what is applied now as one"),
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("`switchback release` lists them"),
    }
}

/// The releases that the ledger holds, each with its row, in the order in which they were recorded.
///
/// # Errors
/// Refused where a row says something that is no release.
pub async fn releases(database: &mut Database, state: &State) -> Result<Vec<(Entry, Release)>> {
    let mut releases = Vec::new();
    for row in rows(database, state).await? {
        if row.get("event") != Some(Act::Release.word()) || row.get("phase") != Some(Phase::Done.word()) {
            continue;
        }
        let release = row.get("detail").and_then(|text| serde_json::from_str::<Release>(text).ok());
        let Some(release) = release else {
            let fault = Fault::refused(format!("row #{} of the ledger holds no release that can be read", row.seq()));
            return Err(
                fault.help("a newer switchback may have written it; `switchback log --verify` checks the ledger")
            );
        };
        releases.push((row, release));
    }
    Ok(releases)
}

/// All migrations of a project, as another revision of the files has them.
///
/// # Errors
/// Refused where the migrations cannot be put into an order.
pub async fn of_project(database: &mut Database, state: &State, project: &Project) -> Result<Target> {
    let graph = project.graph()?;
    let ids: Vec<Id> = graph.order().iter().copied().cloned().collect();
    let mut changed = BTreeSet::new();
    for (applied, here) in both(state, &ids, project) {
        // An edited way back is no reason to go there.
        if planning::stored(database, applied).await?.up.checksum().tokens != here.up.checksum().tokens {
            changed.insert(applied.id.clone());
        }
    }
    Ok(Target::from(Goal::from(Aim::Exactly(Wanted { ids, changed }))))
}

/// What is applied in another version than a project has it.
fn both<'a>(
    state: &'a State,
    ids: &'a [Id],
    project: &'a Project,
) -> impl Iterator<Item = (&'a Applied, &'a crate::migration::Migration)> {
    let ids: BTreeSet<&Id> = ids.iter().collect();
    let known = state.applied.iter().filter(move |applied| ids.contains(&applied.id));
    known
        .filter_map(|applied| Some((applied, project.get(&applied.id)?)))
        .filter(|(applied, here)| here.digest() != applied.digest)
}

/// The target that holds these versions.
async fn of_held(database: &mut Database, state: &State, held: Vec<Held>) -> Result<Target> {
    let mut changed = BTreeSet::new();
    let now: BTreeMap<&Id, &Applied> = state.applied.iter().map(|applied| (&applied.id, applied)).collect();
    let up_of = |rows: &BTreeMap<i64, Entry>, seq: i64| Some(rows.get(&seq)?.get("up_checksum")?.to_owned());
    let others: Vec<(&Held, &Applied)> = held
        .iter()
        .filter_map(|one| Some((one, *now.get(&one.id)?)))
        .filter(|(one, applied)| one.digest != applied.digest)
        .collect();
    let seqs = others.iter().flat_map(|(one, applied)| [one.seq, applied.seq]).collect();
    let rows = database.entries_at(&seqs).await?;
    for (one, applied) in others {
        if up_of(&rows, one.seq) != up_of(&rows, applied.seq) {
            changed.insert(one.id.clone());
        }
    }
    let rows = held.iter().map(|one| (one.id.clone(), one.seq)).collect();
    let ids = held.into_iter().map(|one| one.id).collect();
    Ok(Target { goal: Goal::from(Aim::Exactly(Wanted { ids, changed })), rows })
}

/// All rows of the ledger up to the state's head.
async fn rows(database: &mut Database, state: &State) -> Result<Vec<Entry>> {
    let mut rows: Vec<Entry> = Vec::new();
    while state.exists && rows.last().is_none_or(|row| row.seq() < state.head.seq) {
        let page = database.entries(rows.last().map_or(0, Entry::seq), PAGE).await?;
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    Ok(rows)
}

/// A release of what is applied now.
pub fn release(state: &State, name: &str, artifact: Option<String>, config: BTreeMap<String, String>) -> Release {
    let member = |applied: &Applied| crate::ledger::Member {
        id: applied.id.clone(),
        digest: Sha::recorded(applied.digest.as_str()),
        row: applied.seq,
    };
    Release { name: name.to_owned(), artifact, config, members: state.applied.iter().map(member).collect() }
}
