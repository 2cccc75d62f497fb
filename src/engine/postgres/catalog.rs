//! The schema, read back from the catalog: one statement made of one file per kind of object, so that all parts see one
//! state. A probe before it leaves out the kinds of which there is nothing.

use crate::engine::{DbError, DbErrorKind, DbResult, Session};
use crate::snapshot::{Line, Snapshot};

/// Read always.
const PARTS: &[&str] = &[
    include_str!("catalog/database.sql"),
    include_str!("catalog/schemas.sql"),
    include_str!("catalog/tables.sql"),
    include_str!("catalog/columns.sql"),
    include_str!("catalog/constraints.sql"),
    include_str!("catalog/indexes.sql"),
    include_str!("catalog/extensions.sql"),
    include_str!("catalog/comments.sql"),
    include_str!("catalog/grants.sql"),
];

/// Read where the probe says that there is something to read.
const RARE: &[(&str, &str)] = &[
    ("functions", include_str!("catalog/functions.sql")),
    ("triggers", include_str!("catalog/triggers.sql")),
    ("rules", include_str!("catalog/rules.sql")),
    ("policies", include_str!("catalog/policies.sql")),
    ("types", include_str!("catalog/types.sql")),
    ("sequences", include_str!("catalog/sequences.sql")),
    ("defaults", include_str!("catalog/defaults.sql")),
    ("statistics", include_str!("catalog/statistics.sql")),
    ("foreign", include_str!("catalog/foreign.sql")),
    ("publications", include_str!("catalog/publications.sql")),
    ("operators", include_str!("catalog/operators.sql")),
    ("collations", include_str!("catalog/collations.sql")),
];

/// Catalogs that older servers do not have: from which major version on, with which part, and what to read.
const LATER: &[(u32, &str, &str)] = &[(15, "publications", include_str!("catalog/published_schemas.sql"))];

/// Reads the whole schema; inside an open transaction or outside of one.
///
/// # Errors
/// What the server refuses, and an empty answer (I9).
pub async fn read(session: &mut dyn Session) -> DbResult<Snapshot> {
    let major: u32 = session.server().major.parse().unwrap_or(0);
    let found = session.batch(include_str!("catalog/probe.sql")).await?;
    let is_there = |part: &str| found.iter().any(|row| row.iter().flatten().any(|name| name == part));
    let rare = RARE.iter().filter(|(part, _)| is_there(part)).map(|(_, text)| *text);
    let later = LATER.iter().filter(|(since, part, _)| major >= *since && is_there(part)).map(|(_, _, text)| *text);
    let parts: Vec<&str> = PARTS.iter().copied().chain(rare).chain(later).collect();
    let query = [include_str!("catalog/with.sql"), &parts.join("UNION ALL\n")].concat();
    let (pin, unpin) = (include_str!("catalog/pin.sql"), include_str!("catalog/unpin.sql"));
    let rows = session.often(pin, &query, unpin).await?;
    let lines: Vec<Line> = rows
        .into_iter()
        .filter_map(|row| <[Option<String>; 4]>::try_from(row).ok())
        .map(|row| row.map(Option::unwrap_or_default))
        .map(|[kind, object, property, value]| Line { kind, object, property, value })
        .collect();
    if lines.is_empty() {
        return Err(DbError::new(DbErrorKind::Statement, "the catalog gave no schema at all"));
    }
    Ok(Snapshot::new(lines))
}
