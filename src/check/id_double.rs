//! Ids that are not one migration's alone.

use crate::finding::Finding;
use crate::migration::Migration;
use std::collections::HashMap;

use super::{Check, View, top};

pub struct IdDouble;

const CODE: &str = "id-double";

impl Check for IdDouble {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "Two migrations have one id, or ids that differ only in upper and lower case, which not every file system keeps apart."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let mut same: HashMap<&str, &Migration> = HashMap::new();
        let mut folded: HashMap<String, &Migration> = HashMap::new();
        let mut findings = Vec::new();
        for migration in view.input.migrations {
            let id = migration.id.as_str();
            let other = same.get(id).copied().or_else(|| folded.get(&id.to_lowercase()).copied());
            findings.extend(other.map(|other| finding(migration, other)));
            same.entry(id).or_insert(migration);
            folded.entry(id.to_lowercase()).or_insert(migration);
        }
        findings
    }
}

fn finding(migration: &Migration, other: &Migration) -> Finding {
    let message = if migration.id == other.id {
        format!("another migration has the same id: {}", other.path)
    } else {
        format!("differs from {} in upper and lower case only", other.id)
    };
    Finding::error(CODE, message)
        .of(&migration.id)
        .at(top(&migration.up))
        .help("rename the one that is not applied yet")
}
