//! Amendments: applied migrations whose way back, verify script or settings were edited since, or that are proven since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::ledger::{Applied, State};
use crate::migration::{Migration, Settings};
use crate::plan::Warrant;
use crate::planning::{links, of_standing, settings_of, stored};
use crate::project::Project;
use crate::proof;
use crate::sha::Sha;

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
