//! Settings that were changed after a migration was sealed.

use crate::finding::{Finding, Place, counted};
use crate::migration::{Migration, Settings};
use crate::registry::Drift;

use super::{Check, View};

pub struct SettingsChanged;

const CODE: &str = "settings-changed";

impl Check for SettingsChanged {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "What decides how a migration runs (requires, transaction, group, irreversible, session) changed since it was sealed."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let changed: Vec<&Migration> =
            view.drift.iter().filter(|(_, drift)| *drift == Drift::Settings).map(|(migration, _)| *migration).collect();
        let by_session: Vec<&Migration> = changed.iter().copied().filter(|one| has_the_session(view, one)).collect();
        let is_session = is_the_session(view, &by_session);
        let of_session = is_session.then(|| session_changed(view, by_session.len()));
        let others = changed.into_iter().filter(|migration| !is_session || !has_the_session(view, migration));
        let others = others.map(|migration| {
            let message =
                "its settings (requires, transaction, group, irreversible or session) changed since it was sealed";
            let place = Place::new(view.settings_path(migration), 1, 1);
            let help = "if that is meant: switchback seal, and switchback verify proves it anew";
            Finding::error(CODE, message).of(&migration.id).at(place).help(help)
        });
        of_session.into_iter().chain(others).collect()
    }
}

/// Whether what the project says stands before this migration's scripts.
fn has_the_session(view: &View<'_>, migration: &Migration) -> bool {
    migration.settings.session.as_deref() == view.input.session.map(|(text, _)| text)
}

/// Whether it is the project's session that changed. The registry keeps no text of it: it is where each of several migrations
/// that have it differs, or where one without it is what was sealed.
fn is_the_session(view: &View<'_>, changed: &[&Migration]) -> bool {
    let all = view.input.migrations.iter().filter(|one| has_the_session(view, one) && view.sealed(one).is_some());
    let was_without = |migration: &Migration| {
        let mut without = migration.clone();
        without.settings.session = None;
        view.sealed(migration).is_some_and(|sealed| sealed.settings == without.settings_sha())
    };
    let says_nothing = |migration: &&Migration| migration.settings_sha() == Settings::default().sha();
    match (changed, view.input.session) {
        ([], _) => false,
        ([one], _) => view.input.session.is_some() && was_without(one),
        (several, Some(_)) => several.len() == all.count(),
        // What they say by themselves may have been edited as well.
        (several, None) => several.len() == all.count() && several.iter().all(says_nothing),
    }
}

fn session_changed(view: &View<'_>, migrations: usize) -> Finding {
    let engine = view.input.engine;
    let since = counted(migrations, "migration");
    let word = if migrations == 1 { "was" } else { "were" };
    let message = match view.input.session {
        Some(_) => {
            format!("the session SQL for {engine} changed since {since} {word} sealed; it is part of each of them")
        }
        None => {
            format!("it seems that the session SQL for {engine} was taken away since {since} {word} sealed with it")
        }
    };
    let finding = Finding::error(CODE, message);
    let finding = match view.input.session {
        Some((_, place)) => finding.at(place.clone()),
        None => finding,
    };
    finding.help(
        "if that is meant: switchback seal, switchback verify proves them with it, and the next switchback up takes it over",
    )
}
