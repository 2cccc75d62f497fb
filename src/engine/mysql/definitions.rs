//! How the objects of the schema are made, in the server's own words: what its lines do not say as a whole.

use super::super::{DbError, DbResult, Session};
use super::create;
use super::snapshot::{catalog, show, unread};
use crate::draft::Definition;
use crate::snapshot::Line;

/// Reads how tables, their parts, routines and events are made. Views, triggers and sequences are told by their lines. Under the
/// kind `session` stands what is stored with an object that is made now.
///
/// # Errors
/// What the server refuses.
pub async fn read(session: &mut dyn Session) -> DbResult<Vec<Definition>> {
    let state = session.batch(include_str!("session_state.sql")).await?;
    let state = state.into_iter().filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
        Ok([Some(name), Some(value)]) => Some(Definition { kind: "session".to_owned(), object: name, text: value }),
        _ => None,
    });
    session.batch(include_str!("catalog_enter.sql")).await?;
    let read = read_all(session).await;
    session.batch(include_str!("catalog_leave.sql")).await?;
    Ok(state.chain(read?).collect())
}

async fn read_all(session: &mut dyn Session) -> DbResult<Vec<Definition>> {
    let (lines, named, own) = catalog(session).await?;
    let tables = named.iter().filter(|(_, kind)| matches!(kind.as_str(), "BASE TABLE" | "SYSTEM VERSIONED"));
    let tables: Vec<&str> = tables.map(|(name, _)| name.as_str()).collect();
    let mut all = Vec::new();
    for row in show(session, include_str!("show_table.sql"), &tables).await? {
        let [Some(name), Some(text), ..] = row.as_slice() else { return Err(untold()) };
        all.extend(create::definitions(name, text, &own).ok_or_else(untold)?);
    }
    for (kind, at) in [("procedure", 2), ("function", 2), ("package", 2), ("package body", 2), ("event", 3)] {
        let names: Vec<&str> = lines
            .iter()
            .filter(|line| line.kind == kind && line.property.is_empty())
            .map(|line| line.object.as_str())
            .collect();
        let text = include_str!("show_stored.sql").replace("{kind}", &kind.to_uppercase());
        for row in show(session, &text, &names).await? {
            // An account that may not read a body is told none.
            let (Some(Some(name)), Some(Some(text))) = (row.first(), row.get(at)) else { continue };
            let text = create::without_own_definer(text, &own);
            let text =
                if begins_when_made(&lines, name) && kind == "event" { create::without_start(&text) } else { text };
            all.push(Definition { kind: kind.to_owned(), object: name.clone(), text });
        }
    }
    Ok(all)
}

fn begins_when_made(lines: &[Line], event: &str) -> bool {
    let is_it = |line: &&Line| line.kind == "event" && line.object == event && line.property == "starts";
    lines.iter().find(is_it).is_some_and(|line| line.value == "when made")
}

fn untold() -> DbError {
    unread("SHOW CREATE answered without a text")
}
