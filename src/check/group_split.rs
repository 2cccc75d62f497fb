//! Groups that are not one.

use std::collections::BTreeMap;

use crate::finding::{Finding, Place};
use crate::migration::Migration;

use super::{Check, View};

pub struct GroupSplit;

const CODE: &str = "group-split";

impl Check for GroupSplit {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "The members of a group are proven, applied and taken back as one: they stand side by side, with the same session SQL."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let mut last: BTreeMap<&str, (usize, &Migration)> = BTreeMap::new();
        let mut findings = Vec::new();
        for (at, migration) in view.ordered.iter().enumerate() {
            let Some(group) = migration.settings.group.as_deref() else { continue };
            let told = |message: String| {
                let place = Place::new(view.settings_path(migration), 1, 1);
                Finding::error(CODE, message).of(&migration.id).at(place)
            };
            if let Some((before, member)) = last.insert(group, (at, migration)) {
                if before + 1 < at {
                    let between = &view.ordered[before + 1].id;
                    let message = format!(
                        "the group `{group}` is split: `{between}` stands between `{}` and `{}`",
                        member.id, migration.id
                    );
                    findings.push(told(message).help("take it into the group, or order them with `requires`"));
                } else if member.settings.session != migration.settings.session {
                    let message =
                        format!("`{}` and `{}` are one group, and their session SQL differs", member.id, migration.id);
                    findings.push(told(message).help("say it once for the whole group"));
                }
            }
        }
        findings
    }
}
