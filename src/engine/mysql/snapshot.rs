//! Reads the whole schema: one message of catalog queries, then SHOW CREATE for what it names, many to a message.

use super::super::{DbError, DbErrorKind, DbResult, Row, Session};
use super::create::{self, Own};
use crate::snapshot::{Line, Snapshot};
use crate::sql::Flavor;

/// Our own tables, which are no schema of the user's.
const OURS: &[&str] =
    &["switchback_ledger", "switchback_script", "switchback_journal", "switchback_lease", "switchback_marker"];

/// How many SHOW CREATE go into one message.
const CHUNK: usize = 200;

/// How often a read is begun anew when a table vanishes while it is read.
const TRIES: usize = 3;

/// Reads the schema of the session's database.
///
/// # Errors
/// What the server refuses, and an answer without anything in it: an empty observation is a failure (I9).
pub async fn read(session: &mut dyn Session) -> DbResult<Snapshot> {
    session.batch(include_str!("catalog_enter.sql")).await?;
    let mut lines = read_lines(session).await;
    for _ in 1..TRIES {
        match &lines {
            Err(error) if error.kind == DbErrorKind::Missing => lines = read_lines(session).await,
            _ => break,
        }
    }
    let left = session.batch(include_str!("catalog_leave.sql")).await;
    let lines = lines?;
    left?;
    Ok(Snapshot::new(lines))
}

async fn read_lines(session: &mut dyn Session) -> DbResult<Vec<Line>> {
    let rows = session.batch(include_str!("catalog.sql")).await?;
    let (named, told): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.len() == 2);
    let lines: Vec<Line> = told.iter().flat_map(lines_of).collect();
    let named: Vec<(String, String)> = named.into_iter().filter_map(name_and_kind).collect();
    let own = own(session, &lines, &named)?;
    let mut lines: Vec<Line> = lines.into_iter().filter(|line| !line.property.starts_with('#')).collect();
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&str> {
        named.iter().filter(|(_, kind)| wanted(kind)).map(|(name, _)| name.as_str()).collect()
    };
    let tables = of(&|kind| matches!(kind, "BASE TABLE" | "SYSTEM VERSIONED"));
    let texts = show(session, include_str!("show_table.sql"), &tables).await?;
    take(&mut lines, texts, |name, text| create::table(name, text, &own))?;
    let texts = show(session, include_str!("show_view.sql"), &of(&|kind| kind == "VIEW")).await?;
    lines.extend(texts.iter().filter_map(charset));
    take(&mut lines, texts, |name, text| create::view(name, text, &own))?;
    let texts = show(session, include_str!("show_sequence.sql"), &of(&|kind| kind == "SEQUENCE")).await?;
    take(&mut lines, texts, create::sequence)?;
    Ok(lines)
}

/// Runs SHOW CREATE for each name.
async fn show(session: &mut dyn Session, text: &str, names: &[&str]) -> DbResult<Vec<Row>> {
    let mut rows = Vec::with_capacity(names.len());
    for names in names.chunks(CHUNK) {
        let message: String = names.iter().map(|name| text.replace("{name}", &Flavor::Mysql.ident(name))).collect();
        let answer = session.batch(&message).await?;
        if answer.len() != names.len() {
            return Err(unread("SHOW CREATE answered for other objects than were asked for"));
        }
        rows.extend(answer);
    }
    Ok(rows)
}

/// Takes the answers of SHOW CREATE apart: name, text, and what else a server may add.
fn take(lines: &mut Vec<Line>, rows: Vec<Row>, read: impl Fn(&str, &str) -> Option<Vec<Line>>) -> DbResult<()> {
    for row in rows {
        let (Some(Some(name)), Some(Some(text))) = (row.first(), row.get(1)) else {
            return Err(unread("SHOW CREATE answered without a text"));
        };
        lines.extend(
            read(name, text).ok_or_else(|| unread(&format!("`{name}` as the server shows it is not understood")))?,
        );
    }
    Ok(())
}

/// The character set in which a view was written.
fn charset(row: &Row) -> Option<Line> {
    let [Some(name), _, Some(charset), Some(collation)] = row.as_slice() else {
        return None;
    };
    Some(Line {
        kind: "view".to_owned(),
        object: name.clone(),
        property: "charset".to_owned(),
        value: format!("{charset} {collation}"),
    })
}

/// A row of `catalog.sql`: kind, object, pairs.
fn lines_of(row: &Row) -> Vec<Line> {
    let [Some(kind), Some(object), pairs @ ..] = row.as_slice() else {
        return Vec::new();
    };
    let line = |pair: &[Option<String>]| match pair {
        [Some(property), Some(value)] => {
            Some(Line { kind: kind.clone(), object: object.clone(), property: property.clone(), value: value.clone() })
        }
        _ => None,
    };
    pairs.chunks(2).filter_map(line).collect()
}

fn name_and_kind(row: Row) -> Option<(String, String)> {
    match <[Option<String>; 2]>::try_from(row) {
        Ok([Some(name), Some(kind)]) if !OURS.contains(&name.as_str()) => Some((name, kind)),
        _ => None,
    }
}

/// What reads as "self"; the database's own line must be there.
fn own(session: &dyn Session, lines: &[Line], named: &[(String, String)]) -> DbResult<Own> {
    let told = |property: &str| {
        let line = lines.iter().find(|line| line.kind == "database" && line.property == property);
        line.map(|line| line.value.as_str())
    };
    let both = told("charset").ok_or_else(|| unread("the catalog says nothing of this database"))?;
    let (charset, collation) = both.split_once(' ').ok_or_else(|| unread("the database has no character set"))?;
    let server = session.server();
    Ok(Own {
        database: server.database.clone(),
        user: server.user.clone(),
        charset: charset.to_owned(),
        collation: collation.to_owned(),
        default_collation: told("#default") == Some("Yes"),
        namesake: named.iter().any(|(name, _)| *name == server.database),
    })
}

fn unread(message: &str) -> DbError {
    DbError::new(DbErrorKind::Statement, format!("the schema could not be read: {message}"))
}
