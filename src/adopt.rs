//! Adopting: what another tool has applied is taken over into the ledger, once a replay has shown that it is so.
//!
//! The migrations are run in a shadow, in the order in which they were applied, and the schema that they make is compared with
//! the live one. Nothing of the other tool is touched; its table is read again under the run's lock, and all rows of ours
//! are one transaction.

use std::collections::BTreeMap;

use crate::chain::Chain;
use crate::context::Context;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, Severity};
use crate::id::Id;
use crate::ledger::{Act, Entry, Phase, State};
use crate::locked::Locked;
use crate::migration::Migration;
use crate::plan::Warrant;
use crate::shadow::Maker;
use crate::snapshot::{self, Change, Fate, Snapshot, Weight};
use crate::sql::Script;
use crate::step::{Provenance, described};

/// So many rows of the ledger are sent with one message.
const ROWS_PER_MESSAGE: usize = 200;

/// What a replay made.
pub struct Replay {
    pub schema: Snapshot,
    /// Tables and columns that came with a migration, of those that were observed: its down drops them.
    pub came: BTreeMap<Id, Vec<String>>,
}

/// A migration that is taken over.
pub struct Adopted<'a> {
    pub migration: &'a Migration,
    pub warrant: Warrant,
    /// Where it comes from, and what the tool tells of it.
    pub detail: String,
}

/// Runs the ups in a shadow, in this order. What comes with those that `observes` is told is looked at one by one.
///
/// # Errors
/// What the database says to the first up that fails, with its place.
pub async fn replay(
    maker: &mut Maker,
    walk: &[&Migration],
    observes: impl Fn(&Migration) -> bool,
    context: &Context,
) -> Result<Replay> {
    maker.look_at(walk.iter().flat_map(|migration| migration.scripts()));
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    context.tell(Event::Begins { what: "replaying", total: walk.len() });
    let replayed = ups(&mut chain, walk, observes, context).await;
    context.tell(Event::Ends);
    let closed = chain.close().await;
    let replayed = replayed?;
    closed?;
    Ok(replayed)
}

async fn ups(
    chain: &mut Chain,
    walk: &[&Migration],
    observes: impl Fn(&Migration) -> bool,
    context: &Context,
) -> Result<Replay> {
    let mut came = BTreeMap::new();
    // The schema behind the last up, where it was looked at.
    let mut seen: Option<Snapshot> = None;
    for (at, migration) in walk.iter().enumerate() {
        context.go_on()?;
        context.tell(Event::Working { id: migration.id.clone() });
        let is_observed = observes(migration);
        let before = match seen.take() {
            Some(seen) if is_observed => Some(seen),
            _ if is_observed => Some(chain.snapshot().await?),
            _ => None,
        };
        let help = "what is adopted must run from an empty database; mend the script so that it makes what is live now";
        let Some(before) = before else {
            chain.advance(&walk[..=at]).await.map_err(|fault| fault.help(help))?;
            continue;
        };
        let after = chain.advance_and_read(migration, &before).await.map_err(|fault| fault.help(help))?;
        came.insert(migration.id.clone(), added(&snapshot::diff(&before, &after)));
        seen = Some(after);
    }
    let schema = match seen {
        Some(seen) => seen,
        None => chain.snapshot().await?,
    };
    Ok(Replay { schema, came })
}

/// Tables and columns that came, whose rows go when they go.
fn added(changes: &[Change]) -> Vec<String> {
    let holds_rows =
        |change: &&Change| change.fate == Fate::Added && matches!(change.kind.as_str(), "table" | "column");
    changes.iter().filter(holds_rows).map(Change::title).collect()
}

/// What the live schema has otherwise than the replay, a finding each; what weighs little is a note.
pub fn differences(replay: &Snapshot, live: &Snapshot) -> Vec<Finding> {
    snapshot::diff(replay, live).iter().map(difference).collect()
}

fn difference(change: &Change) -> Finding {
    let title = change.title();
    let message = match (change.fate, change.weight) {
        (Fate::Added, _) => format!("{title} is in the database, and none of these migrations makes it"),
        (Fate::Removed, _) => format!("{title} is made by these migrations, and the database does not have it"),
        (Fate::Renamed, _) => format!("{title} has another generated name in the database"),
        (Fate::Changed, Weight::Weak) => format!("{title} has another order or layout in the database"),
        (Fate::Changed, Weight::Strong) => format!("{title} is not what these migrations make"),
    };
    let severity = if change.weight == Weight::Weak { Severity::Note } else { Severity::Error };
    Finding::new("schema-differs", severity, message).object(title).detail(change.lines.clone())
}

/// What the adoption stands on; it is looked at again under the lock.
pub struct Basis<'a> {
    pub state: &'a State,
    pub live: &'a Snapshot,
    /// The other tool's rows, and the query that gave them; `None` where they are not in this database.
    pub history: Option<(&'a str, &'a [Vec<Option<String>>])>,
}

/// Takes migrations over: their scripts are kept, and then a row each, all in one transaction. Gives the rows' numbers.
///
/// # Errors
/// Overtaken when the ledger, the schema or the other tool's table is not any more what was compared.
pub async fn adopt(
    locked: &mut Locked,
    basis: &Basis<'_>,
    adopted: &[Adopted<'_>],
    provenance: &Provenance,
    context: &Context,
) -> Result<Vec<i64>> {
    let scripts: Vec<&Script> = adopted.iter().flat_map(|one| one.migration.kept()).collect();
    locked.keep_scripts(&scripts).await?;
    context.go_on()?;
    locked.begin_own().await?;
    let written = match require_unmoved(locked, basis).await {
        Ok(()) => rows(locked, basis, adopted, provenance, context).await,
        Err(fault) => Err(fault),
    };
    if written.is_err() {
        locked.rollback().await;
    }
    let seqs = written?;
    locked.read_back().await?;
    Ok(seqs)
}

/// Writes the rows and commits.
async fn rows(
    locked: &mut Locked,
    basis: &Basis<'_>,
    adopted: &[Adopted<'_>],
    provenance: &Provenance,
    context: &Context,
) -> Result<Vec<i64>> {
    let mut seqs = Vec::with_capacity(adopted.len());
    for (at, one) in adopted.iter().enumerate() {
        let now = context.now();
        let is_last = at + 1 == adopted.len();
        let entry = Entry::new(Act::Adopt, Phase::Done);
        let entry = described(entry, one.migration, one.warrant.to_json(None), provenance, locked.runner())
            .with("detail", one.detail.clone())
            .with("started_at", now.clone())
            .with("finished_at", now)
            .with_some("schema_after", is_last.then(|| basis.live.weak_digest().as_str().to_owned()));
        seqs.push(locked.append(entry).seq());
        if (at + 1).is_multiple_of(ROWS_PER_MESSAGE) {
            locked.send().await?;
        }
    }
    locked.commit().await.map_err(|error| crate::store::own("writing the ledger", &error))?;
    Ok(seqs)
}

/// # Errors
/// Overtaken when what was compared is not so any more.
pub(crate) async fn require_unmoved(locked: &mut Locked, basis: &Basis<'_>) -> Result<()> {
    let moved = |what: &str| {
        let what = format!("{what} changed after it was compared, so nothing was written");
        Err(Fault::new(FaultKind::Overtaken, what).help("run the command again"))
    };
    let now = locked.state().await?;
    if now.applied != basis.state.applied || now.open != basis.state.open {
        return moved("the ledger");
    }
    if let Some((query, rows)) = basis.history {
        let again = locked.query(query).await;
        let mut again = again.map_err(|error| crate::store::own("reading the other tool's table", &error))?;
        let mut rows = rows.to_vec();
        again.sort();
        rows.sort();
        if again != rows {
            return moved("the other tool's table");
        }
    }
    if locked.snapshot_inside().await?.weak_digest() != basis.live.weak_digest() {
        return moved("the schema");
    }
    Ok(())
}
