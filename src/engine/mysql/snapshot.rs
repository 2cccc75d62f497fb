//! Reads the whole schema: one message of catalog queries, then SHOW CREATE for what it names, many to a message.

use std::collections::BTreeSet;

use super::super::{DbError, DbErrorKind, DbResult, Row, Session};
use super::create::{self, Own};
use crate::snapshot::{Line, Snapshot};
use crate::sql::Flavor;
use crate::touch::Touch;

/// Our own tables, which are no schema of the user's.
const OURS: &[&str] = &[
    "switchback_ledger",
    "switchback_script",
    "switchback_journal",
    "switchback_lease",
    "switchback_marker",
    "switchback_grants",
];

/// How many SHOW CREATE go into one message.
const CHUNK: usize = 200;

/// How often a read is begun anew when a table vanishes while it is read.
const TRIES: usize = 3;

/// Lines with the keys of their groups: a table or view with its triggers; everything else stands under the empty key.
type Keyed = Vec<(String, Line)>;

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
    Ok(Snapshot::default().with(&BTreeSet::new(), lines))
}

/// The whole schema, sharing with the one before what is the same.
async fn whole(session: &mut dyn Session, before: &Snapshot) -> DbResult<Snapshot> {
    Ok(before.shared(read(session).await?))
}

/// Reads again what a script can have touched. A script without a statement that is not known by its text touches nothing
/// but what it names: this server's DDL cascades to no other table, and its triggers cannot run any.
///
/// # Errors
/// As [`read`].
pub async fn read_again(session: &mut dyn Session, before: &Snapshot, touch: &Touch) -> DbResult<Snapshot> {
    let (names, made) = match touch {
        Touch::Anything => return whole(session, before).await,
        Touch::Rows => return Ok(before.clone()),
        Touch::Relations { names, made } => (names, made),
    };
    let known = before.named(names).into_iter().filter(|key| !key.is_empty()).map(str::to_owned);
    let touched: BTreeSet<String> = known.chain(made.iter().cloned()).collect();
    // Triggers go with their table, and this reading does not look for them.
    let is_triggered = before.of_kind("trigger").any(|line| {
        touched.iter().any(|key| line.object.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('.')))
    });
    if is_triggered || touched.len() > CHUNK {
        return whole(session, before).await;
    }
    let leave = include_str!("catalog_leave.sql");
    let kind = |key: &String| include_str!("table_kind.sql").replace("{name}", &Flavor::Mysql.literal(key));
    let asked: String = touched.iter().map(kind).collect();
    let rows = session.batch(&[include_str!("catalog_enter.sql"), &asked].concat()).await?;
    let named: Vec<(String, String)> = rows.into_iter().filter_map(name_and_kind).collect();
    let all = before.keys().chain(named.iter().map(|(name, _)| name.as_str()));
    let lines = match own(session, before.of_kind("database"), all) {
        Ok(own) => show_all(session, &named, &own, leave).await,
        Err(error) => Err(error),
    };
    if lines.is_err() {
        session.batch(leave).await?;
    }
    Ok(before.with(&touched, lines?))
}

async fn read_lines(session: &mut dyn Session) -> DbResult<Keyed> {
    let (told, named, own) = catalog(session).await?;
    let granted = grants(session).await?;
    let told = told.into_iter().chain(granted);
    let mut lines = show_all(session, &named, &own, "").await?;
    lines.extend(told.map(|line| match line.object.split_once('.') {
        Some((table, _)) if line.kind == "trigger" => (table.to_owned(), line),
        _ => (String::new(), line),
    }));
    Ok(lines)
}

/// What the catalog says by itself, the names and kinds of what SHOW CREATE tells, and what reads as "self".
pub(super) async fn catalog(session: &mut dyn Session) -> DbResult<(Vec<Line>, Vec<(String, String)>, Own)> {
    let rows = session.batch(include_str!("catalog.sql")).await?;
    let (named, told): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.len() == 2);
    let told: Vec<Line> = told.iter().flat_map(lines_of).collect();
    let named: Vec<(String, String)> = named.into_iter().filter_map(name_and_kind).collect();
    let own = own(session, told.iter(), named.iter().map(|(name, _)| name.as_str()))?;
    Ok((told, named, own))
}

/// Rights on tables, columns and routines; that they are not known, where this account may not read them.
async fn grants(session: &mut dyn Session) -> DbResult<Vec<Line>> {
    let rows = match session.batch(include_str!("shadow_granted.sql")).await {
        Err(error) if error.kind == DbErrorKind::Missing => {
            session.batch(&include_str!("grants.sql").replace("{database}", "DATABASE()")).await
        }
        read => read,
    };
    match rows {
        Ok(rows) => Ok(rows.iter().flat_map(lines_of).collect()),
        Err(error) if error.kind == DbErrorKind::Privilege => Ok(vec![Line::unread("grant")]),
        Err(error) => Err(error),
    }
}

/// What SHOW CREATE says of tables, views and sequences. `behind` is said behind the last of them.
async fn show_all(session: &mut dyn Session, named: &[(String, String)], own: &Own, behind: &str) -> DbResult<Keyed> {
    let shown = |(name, kind): &(String, String)| {
        let text = match kind.as_str() {
            "BASE TABLE" | "SYSTEM VERSIONED" => include_str!("show_table.sql"),
            "VIEW" => include_str!("show_view.sql"),
            "SEQUENCE" => include_str!("show_sequence.sql"),
            _ => return None,
        };
        Some((kind.clone(), text.replace("{name}", &Flavor::Mysql.ident(name))))
    };
    let (kinds, texts): (Vec<String>, Vec<String>) = named.iter().filter_map(shown).unzip();
    let rows = answers(session, &texts, behind).await?;
    let mut lines = Keyed::new();
    for (kind, row) in kinds.iter().zip(rows) {
        let [Some(name), Some(text), ..] = row.as_slice() else {
            return Err(unread("SHOW CREATE answered without a text"));
        };
        let read = match kind.as_str() {
            "VIEW" => create::view(name, text, own),
            "SEQUENCE" => create::sequence(name, text),
            _ => create::table(name, text, own),
        };
        let read = read.ok_or_else(|| unread(&format!("`{name}` as the server shows it is not understood")))?;
        lines.extend(read.into_iter().map(|line| (name.clone(), line)));
        lines.extend(charset(&row));
    }
    Ok(lines)
}

/// Runs SHOW CREATE for each name.
pub(super) async fn show(session: &mut dyn Session, text: &str, names: &[&str]) -> DbResult<Vec<Row>> {
    let texts: Vec<String> = names.iter().map(|name| text.replace("{name}", &Flavor::Mysql.ident(name))).collect();
    answers(session, &texts, "").await
}

/// The row with which each of these is answered; `behind` is said in the last message.
async fn answers(session: &mut dyn Session, texts: &[String], behind: &str) -> DbResult<Vec<Row>> {
    let mut rows = Vec::with_capacity(texts.len());
    let mut messages: Vec<String> = texts.chunks(CHUNK).map(<[String]>::concat).collect();
    match messages.last_mut() {
        Some(last) => last.push_str(behind),
        None => messages.extend(Some(behind.to_owned()).filter(|behind| !behind.is_empty())),
    }
    for message in messages {
        rows.extend(session.batch(&message).await?);
    }
    if rows.len() != texts.len() {
        return Err(unread("SHOW CREATE answered for other objects than were asked for"));
    }
    Ok(rows)
}

/// The character set in which a view was written.
fn charset(row: &Row) -> Option<(String, Line)> {
    let [Some(name), _, Some(charset), Some(collation)] = row.as_slice() else {
        return None;
    };
    let line = Line {
        kind: "view".to_owned(),
        object: name.clone(),
        property: "charset".to_owned(),
        value: format!("{charset} {collation}"),
    };
    Some((name.clone(), line))
}

/// A row of `catalog.sql`: kind, object, pairs.
fn lines_of(row: &Row) -> Vec<Line> {
    let [Some(kind), Some(object), pairs @ ..] = row.as_slice() else {
        return Vec::new();
    };
    let line = |pair: &[Option<String>]| match pair {
        [Some(property), Some(value)] => {
            // MySQL keeps the semicolon between two statements of one message with the first one's body.
            let ends = |ch: char| ch == ';' || ch.is_whitespace();
            let is_sql = property == "body" && kind != "library";
            let value = if is_sql { value.trim_end_matches(ends) } else { value }.to_owned();
            Some(Line { kind: kind.clone(), object: object.clone(), property: property.clone(), value })
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
fn own<'a>(
    session: &dyn Session,
    lines: impl Iterator<Item = &'a Line>,
    mut names: impl Iterator<Item = &'a str>,
) -> DbResult<Own> {
    let lines: Vec<&Line> = lines.filter(|line| line.kind == "database").collect();
    let told = |property: &str| lines.iter().find(|line| line.property == property).map(|line| line.value.as_str());
    let both = told("charset").ok_or_else(|| unread("the catalog says nothing of this database"))?;
    let (charset, collation) = both.split_once(' ').ok_or_else(|| unread("the database has no character set"))?;
    let server = session.server();
    Ok(Own {
        database: server.database.clone(),
        user: server.user.clone(),
        charset: charset.to_owned(),
        collation: collation.to_owned(),
        default_collation: told("collation is default") == Some("Yes"),
        namesake: names.any(|name| *name == server.database),
    })
}

pub(super) fn unread(message: &str) -> DbError {
    DbError::new(DbErrorKind::Statement, format!("the schema could not be read: {message}"))
}
