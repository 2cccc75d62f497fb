//! Flyway: a row per thing done, in order, with the script's name and the CRC-32 of its lines. The last row of a version counts.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::checksums::crc32_of_lines;
use super::matching::{Said, number, other_script, plain, sort, taken, truth, unknown, unreadable, value};
use super::{History, Reading, Row};
use crate::finding::Finding;
use crate::migration::Migration;

pub(super) struct Flyway;

const TITLE: &str = "Flyway";

/// Places of the columns.
const RANK: usize = 0;
const VERSION: usize = 1;
const KIND: usize = 2;
const SCRIPT: usize = 3;
const CHECKSUM: usize = 4;
const BY: usize = 5;
const AT: usize = 6;
const SUCCESS: usize = 7;

impl History for Flyway {
    fn name(&self) -> &'static str {
        "flyway"
    }

    fn title(&self) -> &'static str {
        TITLE
    }

    fn recognises(&self, table: &str, has: &dyn Fn(&str) -> bool) -> bool {
        matches!(table, "flyway_schema_history" | "schema_version") && has("installed_rank") && has("script")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["installed_rank", "version", "type", "script", "checksum", "installed_by", "installed_on", "success"]
    }

    fn read(&self, rows: &[Row], migrations: &[&Migration]) -> Reading {
        let mut reading = Reading::default();
        let mut rows: Vec<&Row> = rows.iter().collect();
        rows.sort_by_key(|row| number(row, RANK));
        let mut last: BTreeMap<&str, &Row> = BTreeMap::new();
        let mut baseline = None;
        for row in rows {
            let (Some(_), Some(is_done)) = (number(row, RANK), truth(row, SUCCESS)) else {
                reading.refusals.push(unreadable(TITLE, "a row lacks its rank, or does not say whether it succeeded"));
                continue;
            };
            let kind = value(row, KIND).unwrap_or_default();
            let thing = value(row, VERSION).or_else(|| value(row, SCRIPT));
            match (kind, thing) {
                ("SCHEMA", _) => {}
                (_, None) => reading.refusals.push(unreadable(TITLE, "a row has neither a version nor a script")),
                (_, Some(thing)) if !is_done => reading.refusals.push(failed(thing)),
                ("BASELINE" | "SQL_BASELINE", Some(version)) => baseline = Some((version, row)),
                (_, Some(thing)) => drop(last.insert(thing, row)),
            }
        }
        let mut found = below(baseline, migrations);
        for row in last.into_values() {
            one(row, migrations, &mut found, &mut reading);
        }
        sort(&mut found);
        reading.taken = found.into_iter().map(|(position, said)| taken(&migrations[position].id, &said)).collect();
        reading
    }
}

/// What the last row of a version, or of a repeatable script, says.
fn one(row: &Row, migrations: &[&Migration], found: &mut Vec<(usize, Said)>, reading: &mut Reading) {
    let script = value(row, SCRIPT).unwrap_or_default();
    let version = value(row, VERSION);
    let shown = version.map_or_else(|| format!("`{script}`"), |version| format!("version {version}"));
    match value(row, KIND).unwrap_or_default() {
        // Taken back, or forgotten: not applied any more.
        "UNDO_SQL" | "DELETE" => return,
        "SQL" => {}
        kind => {
            let message = format!("{TITLE} has applied {shown}, which is a program ({kind}) and no SQL");
            reading.doubts.push(Finding::error("history-unknown", message).help(
                "what it did is no migration here: write it as SQL, or say with a reason that it does not matter",
            ));
            return;
        }
    }
    let file = script.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    let by_name = migrations.iter().position(|migration| migration.id.as_str() == stem);
    let has_version = |migration: &&Migration| {
        version.is_some_and(|wanted| version_of(migration).is_some_and(|own| own == parts(wanted)))
    };
    let Some(position) = by_name.or_else(|| migrations.iter().position(has_version)) else {
        reading.doubts.push(unknown(TITLE, &shown));
        return;
    };
    let migration = migrations[position];
    // A row without a checksum, or with one that is no number, claims nothing.
    if number(row, CHECKSUM).is_some_and(|recorded| recorded != i128::from(crc32_of_lines(migration.up.text()))) {
        reading.doubts.push(other_script(TITLE, migration));
    }
    if !found.iter().any(|(other, _)| *other == position) {
        found.push((position, said(row, stem, shown)));
    }
}

fn said(row: &Row, key: &str, shown: String) -> Said {
    let text = |at| value(row, at).map(str::to_owned);
    Said { rank: number(row, RANK), at: text(AT), by: text(BY), ..Said::new(key, shown) }
}

/// What stands at or below the version at which the tool took the database over.
fn below(baseline: Option<(&str, &Row)>, migrations: &[&Migration]) -> Vec<(usize, Said)> {
    let Some((version, row)) = baseline else { return Vec::new() };
    let limit = parts(version);
    let is_below =
        |migration: &Migration| version_of(migration).is_some_and(|own| compare(&own, &limit) != Ordering::Greater);
    let positions = (0..migrations.len()).filter(|position| is_below(migrations[*position]));
    positions.map(|position| (position, said(row, version, format!("version {version}")))).collect()
}

fn failed(thing: &str) -> Finding {
    let message = format!("{TITLE} has failed in {thing} (its row is without success)");
    Finding::error("history-failed", message).help(
        "take by hand back what it left behind, then `flyway repair` removes the row; or finish it and set the row right",
    )
}

/// The version in a name such as `V1_2__add_users`, or at the start of a name that has no letter before it.
fn version_of(migration: &Migration) -> Option<Vec<String>> {
    let name = migration.id.as_str();
    let name = name.strip_prefix(['V', 'v', 'B']).unwrap_or(name);
    let version = match name.split_once("__") {
        Some((version, _)) => version,
        None => name.split('_').next()?,
    };
    let is_version = |ch: char| ch.is_ascii_digit() || matches!(ch, '.' | '_');
    (version.starts_with(|ch: char| ch.is_ascii_digit()) && version.chars().all(is_version)).then(|| parts(version))
}

/// The parts of a version, without what does not count: zeros before a number, and parts of zero at the end.
fn parts(version: &str) -> Vec<String> {
    let mut parts: Vec<String> = version.split(['.', '_']).map(plain).collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part == "0") {
        parts.pop();
    }
    parts
}

/// Versions by their numbers, which may be of any length.
fn compare(one: &[String], two: &[String]) -> Ordering {
    let none = "0".to_owned();
    let part = |parts: &[String], at: usize| parts.get(at).unwrap_or(&none).clone();
    (0..one.len().max(two.len()))
        .map(|at| (part(one, at), part(two, at)))
        .map(|(a, b)| a.len().cmp(&b.len()).then_with(|| a.cmp(&b)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(parts("1.0"), parts("1"));
        assert_eq!(parts("01_2"), parts("1.2"));
        assert_eq!(compare(&parts("1.10"), &parts("1.9")), Ordering::Greater);
        assert_eq!(compare(&parts("1"), &parts("1.0.1")), Ordering::Less);
        assert_eq!(parts("0"), ["0"]);
    }
}
