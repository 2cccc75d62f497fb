//! Sqitch: a row per change that is deployed. A change that was reworked stands there once for each of its forms, oldest first.
//!
//! The registry is a schema on PostgreSQL, a database of its own on MySQL and MariaDB, a file beside the database on SQLite; it
//! may hold several projects. Which of them is this one is told by the names of its changes.

use std::collections::{BTreeMap, BTreeSet};

use super::matching::{Said, sort, taken, unknown, unreadable, value};
use super::{History, Reading, Row};
use crate::finding::Finding;
use crate::migration::Migration;

pub(super) struct Sqitch;

const TITLE: &str = "Sqitch";

/// Places of the columns.
const PROJECT: usize = 0;
const CHANGE: usize = 1;
const AT: usize = 2;
const BY: usize = 3;

impl History for Sqitch {
    fn name(&self) -> &'static str {
        "sqitch"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        table == "changes" && has("change_id") && has("script_hash") && has("project")
    }

    fn companions(&self) -> &'static [&'static str] {
        &["releases", "projects", "tags", "dependencies", "events"]
    }

    fn owns_schema(&self) -> bool {
        true
    }

    fn apart(&self) -> Option<&'static str> {
        Some("sqitch")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["project", "change", "committed_at", "committer_name"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let mut reading = Reading::default();
        let mut projects: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            match (value(row, PROJECT), value(row, CHANGE)) {
                (Some(project), Some(_)) => projects.entry(project).or_default().push(row),
                _ => reading.refusals.push(unreadable(TITLE, "a change has no name or no project")),
            }
        }
        let knows = |rows: &[&Row]| rows.iter().any(|row| !forms(row, migrations).is_empty());
        let ours: BTreeSet<&str> =
            projects.iter().filter(|(_, rows)| knows(rows)).map(|(project, _)| *project).collect();
        let ours = match (ours.len(), projects.len()) {
            (1, _) => ours.first(),
            (0, 1) => projects.keys().next(),
            (_, 0) => None,
            _ => {
                reading.refusals.push(many(projects.keys().copied()));
                None
            }
        };
        let mut rows = ours.and_then(|project| projects.get(project)).cloned().unwrap_or_default();
        rows.sort_by_key(|row| value(row, AT));
        let mut found: Vec<(usize, Said)> = Vec::new();
        for row in rows {
            let forms = forms(row, migrations);
            match forms.into_iter().find(|form| !found.iter().any(|(other, _)| other == form)) {
                Some(at) => found.push((at, said(row))),
                None => reading.doubts.push(unknown(TITLE, &shown(row))),
            }
        }
        sort(&mut found);
        reading.taken = found.into_iter().map(|(position, said)| taken(&migrations[position].id, &said)).collect();
        reading
    }
}

/// The migrations that are a form of this change, in their order: `users@v1`, then `users`.
fn forms(row: &Row, migrations: &[&Migration]) -> Vec<usize> {
    let name = value(row, CHANGE).unwrap_or_default();
    let is_form = |id: &str| id.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'));
    (0..migrations.len()).filter(|at| is_form(migrations[*at].id.as_str())).collect()
}

fn said(row: &Row) -> Said {
    let text = |at| value(row, at).map(str::to_owned);
    Said { at: text(AT), by: text(BY), ..Said::new("", shown(row)) }
}

fn shown(row: &Row) -> String {
    format!("the change `{}`", value(row, CHANGE).unwrap_or_default())
}

fn many<'a>(projects: impl Iterator<Item = &'a str>) -> Finding {
    let names: Vec<String> = projects.map(|project| format!("`{project}`")).collect();
    let message = format!(
        "the registry of {TITLE} holds several projects, and which is meant is not clear: {}",
        names.join(", ")
    );
    Finding::error("history-ambiguous", message)
        .help("is this the right folder? the names of its migrations must be those of one project's changes")
}
