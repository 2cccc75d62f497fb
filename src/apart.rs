//! A revert from under what stays: whether it ends in the schema that a history without it would have (I12).
//!
//! A rehearsal replays what is applied in a shadow and runs the plan's downs there; what stays is replayed in another. If
//! the two schemas are one, it is safe. If not, the migration that stands in the way is named, with the line that does.

use std::collections::BTreeSet;

use crate::chain::Chain;
use crate::context::Context;
use crate::event::Event;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::judge::Refusal;
use crate::ledger::Applied;
use crate::migration::Migration;
use crate::observed;
use crate::plan::{Direction, Plan, Step};
use crate::rehearse::Rehearsed;
use crate::shadow::Maker;
use crate::snapshot::{self, Change, Fate, Snapshot, Weight};

/// The code of what stands in the way.
const BLOCKED: &str = "blocked";

/// Whether a plan takes something back and keeps what was applied later.
pub fn keeps_later(applied: &[Applied], plan: &Plan) -> bool {
    let gone = gone(plan);
    let behind = applied.iter().skip_while(|one| !gone.contains(&one.id));
    behind.into_iter().any(|one| !gone.contains(&one.id))
}

fn gone(plan: &Plan) -> BTreeSet<&Id> {
    reverts(plan).iter().map(|step| &step.migration.id).collect()
}

/// The plan's reverts, which come first.
pub fn reverts(plan: &Plan) -> &[Step] {
    let count = plan.steps.iter().take_while(|step| step.direction == Direction::Down).count();
    &plan.steps[..count]
}

/// Compares where the plan's reverts ended in a rehearsal behind all that is `applied` with a replay of what stays. Errors
/// stand in the way; notes tell differences that weigh little. Nothing: it is safe.
///
/// # Errors
/// When what is applied cannot be replayed, or no shadow can be made.
pub async fn findings(
    maker: &mut Maker,
    applied: &[Migration],
    plan: &Plan,
    rehearsed: &Rehearsed,
    context: &Context,
) -> Result<Vec<Finding>> {
    context.tell(Event::Begins { what: "comparing with a history without", total: 1 });
    let found = compared(maker, applied, plan, rehearsed).await;
    context.tell(Event::Ends);
    found
}

async fn compared(
    maker: &mut Maker,
    applied: &[Migration],
    plan: &Plan,
    rehearsed: &Rehearsed,
) -> Result<Vec<Finding>> {
    let history = History::new(applied, plan);
    if let Some((step, refusal)) = rehearsed.refused(reverts(plan)) {
        let titles = written(maker, &history).await?;
        return Ok(vec![history.down_fails(step, refusal, &titles)]);
    }
    let ended = rehearsed.reverted.as_ref().ok_or_else(|| Fault::bug("no revert was rehearsed"))?;
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    let replayed = chain.advance(&history.staying).await;
    let failing = history.staying.get(chain.at).copied();
    let wanted = match replayed {
        Ok(()) => Ok(chain.snapshot().await?),
        Err(fault) => Err(fault),
    };
    chain.close().await?;
    match (wanted, failing) {
        (Ok(wanted), _) => history.differences(maker, &wanted, ended).await,
        (Err(fault), Some(migration)) if fault.parts().place.is_some() => {
            let titles = written(maker, &history).await?;
            Ok(vec![history.up_fails(migration, &fault, &titles)])
        }
        (Err(fault), _) => Err(fault),
    }
}

/// The objects that each of the migrations to take back wrote.
async fn written(maker: &mut Maker, history: &History<'_>) -> Result<Vec<(Id, String)>> {
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    let read = written_along(&mut chain, history).await;
    chain.close().await?;
    read
}

async fn written_along(chain: &mut Chain, history: &History<'_>) -> Result<Vec<(Id, String)>> {
    let ran: Vec<&Migration> = history.applied.iter().collect();
    let mut titles = Vec::new();
    for (at, migration) in ran.iter().enumerate().filter(|(_, one)| history.gone.contains(&one.id)) {
        chain.advance(&ran[..at]).await?;
        let before = chain.snapshot().await?;
        let after = chain.advance_and_read(migration, &before).await?;
        titles.extend(
            observed::written(&before, &after, migration).into_iter().map(|title| (migration.id.clone(), title)),
        );
    }
    Ok(titles)
}

/// What is applied, what of it goes, and what stays.
struct History<'a> {
    applied: &'a [Migration],
    gone: BTreeSet<Id>,
    staying: Vec<&'a Migration>,
}

/// A statement of a migration that stays, which uses what another wrote.
struct Use<'a> {
    by: &'a Migration,
    of: &'a Id,
    title: &'a str,
    place: Place,
}

impl<'a> History<'a> {
    fn new(applied: &'a [Migration], plan: &Plan) -> History<'a> {
        let gone: BTreeSet<Id> = gone(plan).into_iter().cloned().collect();
        let staying = applied.iter().filter(|one| !gone.contains(&one.id)).collect();
        History { applied, gone, staying }
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.gone.iter().map(|id| format!("`{id}`")).collect();
        names.join(", ")
    }

    /// What stays and came later than the first that goes.
    fn later(&self) -> impl Iterator<Item = &'a Migration> {
        let behind = self.applied.iter().skip_while(|one| !self.gone.contains(&one.id));
        behind.filter(|one| !self.gone.contains(&one.id))
    }

    /// The first statement of these that names one of the objects.
    fn used<'t>(&self, by: impl Iterator<Item = &'a Migration>, titles: &'t [(Id, String)]) -> Option<Use<'t>>
    where
        'a: 't,
    {
        by.flat_map(|by| by.up.statements().iter().map(move |statement| (by, statement))).find_map(|(by, statement)| {
            let names = by.up.names_of(statement);
            let is_used = |title: &str| {
                let (kind, name) = title.split_once(' ').unwrap_or(("", title));
                let mut parts = name.rsplit('.').map(|part| part.trim_matches(['"', '`']).to_lowercase());
                let (last, owner) = (parts.next().unwrap_or_default(), parts.next());
                names.contains(&last) && (kind != "column" || owner.is_none_or(|owner| names.contains(&owner)))
            };
            // What is narrow says more than what is wide.
            let mut found: Vec<&(Id, String)> = titles.iter().filter(|(_, title)| is_used(title)).collect();
            found.sort_by_key(|(_, title)| !title.starts_with("column"));
            let (of, title) = found.first()?;
            Some(Use { by, of, title, place: by.up.place(statement.span.start) })
        })
    }

    fn blocked(&self, used: &Use<'_>) -> Finding {
        let message =
            format!("`{}` cannot be taken out: blocked by `{}`, which uses {}", used.of, used.by.id, used.title);
        Finding::error(BLOCKED, message)
            .of(&used.by.id)
            .object(used.title)
            .at(used.place.clone())
            .help(help(&used.by.id))
    }

    /// A down that the database refuses while the others stay.
    fn down_fails(&self, step: &Step, refusal: &Refusal, titles: &[(Id, String)]) -> Finding {
        let id = &step.migration.id;
        let own: Vec<(Id, String)> = titles.iter().filter(|(of, _)| of == id).cloned().collect();
        let why = vec![format!("its down fails at {}: {}", refusal.place(), refusal.error)];
        match self.used(self.later(), &own) {
            Some(used) => self.blocked(&used).detail(why),
            None => {
                let message = format!("`{id}` cannot be taken out while what came later stays");
                Finding::error(BLOCKED, message).of(id).at(refusal.place()).detail(why)
            }
        }
    }

    /// An up that cannot do without what goes.
    fn up_fails(&self, migration: &'a Migration, fault: &Fault, titles: &[(Id, String)]) -> Finding {
        let parts = fault.parts();
        let why = parts.causes.clone();
        match self.used(std::iter::once(migration), titles) {
            Some(used) => {
                let finding = self.blocked(&used);
                let place = parts.place.clone().unwrap_or(used.place);
                finding.at(place).detail(why)
            }
            None => {
                let message = format!(
                    "{} cannot be taken out: blocked by `{}`, whose up fails without",
                    self.names(),
                    migration.id
                );
                let finding = Finding::error(BLOCKED, message).of(&migration.id).detail(why).help(help(&migration.id));
                match &parts.place {
                    Some(place) => finding.at(place.clone()),
                    None => finding,
                }
            }
        }
    }

    /// Where the schema behind the reverts is another than that of the history without.
    async fn differences(&self, maker: &mut Maker, wanted: &Snapshot, found: &Snapshot) -> Result<Vec<Finding>> {
        let changes = snapshot::diff(wanted, found);
        if changes.iter().all(|change| change.weight == Weight::Weak) {
            let note = |change: Change| {
                let title = change.title();
                let message =
                    format!("{title} gets another order, layout or generated name than without {}", self.names());
                Finding::note("blocked-layout", message).object(title).detail(change.lines)
            };
            return Ok(changes.into_iter().map(note).collect());
        }
        let titles = written(maker, self).await?;
        let strong = changes.into_iter().filter(|change| change.weight == Weight::Strong);
        Ok(strong.map(|change| self.difference(change, &titles)).collect())
    }

    fn difference(&self, change: Change, titles: &[(Id, String)]) -> Finding {
        let title = change.title();
        let what = match change.fate {
            Fate::Added => format!("{title} would be left behind"),
            Fate::Removed => format!("{title} would be lost"),
            Fate::Changed | Fate::Renamed => format!("{title} would be another"),
        };
        // The last that wrote it among those that stay, and else among those that go.
        let own = [(Id::new(""), title.clone())];
        let later: Vec<&Migration> = self.later().collect();
        let finding = match self.used(later.iter().rev().copied(), &own) {
            Some(used) => {
                let message = format!("{} cannot be taken out: blocked by `{}`: {what}", self.names(), used.by.id);
                Finding::error(BLOCKED, message).of(&used.by.id).at(used.place).help(help(&used.by.id))
            }
            None => {
                let of = titles.iter().find(|(_, other)| *other == title).map(|(id, _)| id.clone());
                let message = format!("{} cannot be taken out while what came later stays: {what}", self.names());
                let finding = Finding::error(BLOCKED, message);
                match of {
                    Some(id) => finding.of(&id),
                    None => finding,
                }
            }
        };
        finding.object(title).detail(change.lines)
    }
}

fn help(id: &Id) -> String {
    format!("take `{id}` back as well (`--only` and `--keep` name what goes and what stays), or leave both")
}
