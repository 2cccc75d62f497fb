//! What a step costs here: sizes, other sessions, and the locks that a session has.

use std::collections::BTreeSet;

use crate::class::{self, TransactionNeed};
use crate::engine::{DbResult, Session};
use crate::price::{Blocker, Blocks, Relation, Running, TableSize, Way, shortened};
use crate::sql::{Script, Statement};
use crate::token::TokenKind;

/// The modes of locks on tables, the strongest first: as the server names them, as its manual does, and whom they keep out.
const MODES: &[(&str, &str, Blocks)] = &[
    ("AccessExclusiveLock", "ACCESS EXCLUSIVE", Blocks::All),
    ("ExclusiveLock", "EXCLUSIVE", Blocks::Writes),
    ("ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE", Blocks::Writes),
    ("ShareLock", "SHARE", Blocks::Writes),
    ("ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE", Blocks::Nothing),
    ("RowExclusiveLock", "ROW EXCLUSIVE", Blocks::SameRows),
    ("RowShareLock", "ROW SHARE", Blocks::SameRows),
    ("AccessShareLock", "ACCESS SHARE", Blocks::Nothing),
];

fn lines(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

pub async fn sizes(session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Vec<TableSize>> {
    let rows = session.rows(include_str!("sql/sizes.sql"), &[Some(&lines(names))]).await?;
    let number = |text: Option<String>| text?.parse().ok();
    let size = |row: Vec<Option<String>>| {
        let mut parts = row.into_iter();
        let mut next = || parts.next().flatten();
        Some(TableSize { table: next()?, rows: number(next()), bytes: number(next()) })
    };
    Ok(rows.into_iter().filter_map(size).collect())
}

pub async fn running(session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Running> {
    let sees = session.rows(include_str!("sql/sees_all.sql"), &[]).await?;
    let sees_all = sees.into_iter().flatten().flatten().any(|answer| answer == "t");
    let rows = session.rows(include_str!("sql/running.sql"), &[Some(&lines(names))]).await?;
    let blocker = |row: Vec<Option<String>>| {
        let mut parts = row.into_iter();
        let mut next = || parts.next().flatten();
        let (pid, user, since, state) = (next()?, next(), next(), next());
        let tables = next().map(|tables| tables.lines().map(str::to_owned).collect()).unwrap_or_default();
        // What may not be seen is no NULL but a word in brackets.
        let query = next().filter(|query| !query.starts_with("<insufficient")).and_then(|query| shortened(&query));
        Some(Blocker { pid, user, since, state, tables, query })
    };
    let unseen = "this account is no member of pg_read_all_stats: it sees which sessions hold locks, but not what those of other \
                  users do, nor how long they have been in a transaction";
    Ok(Running {
        blockers: rows.into_iter().filter_map(blocker).collect(),
        unseen: (!sees_all).then(|| unseen.to_owned()),
    })
}

pub async fn relations(session: &mut dyn Session) -> DbResult<Vec<Relation>> {
    let rows = session.rows(include_str!("sql/relations.sql"), &[]).await?;
    let relation = |row: Vec<Option<String>>| {
        let mut parts = row.into_iter();
        let mut next = || parts.next().flatten();
        let (oid, table, file, held) = (next()?, next()?, next(), next().unwrap_or_default());
        let has = |mode: &&(&str, &str, Blocks)| held.split(',').any(|held| held == mode.0);
        let modes = MODES.iter().filter(has).map(|(_, mode, blocks)| ((*mode).to_owned(), *blocks)).collect();
        Some(Relation { oid, table, file, modes })
    };
    Ok(rows.into_iter().filter_map(relation).collect())
}

/// Of what cannot be in a transaction the locks are gone before anybody could look.
pub fn ways(script: &Script, statement: &Statement) -> Vec<Way> {
    if class::classify(script, statement).transaction != TransactionNeed::Forbidden {
        return Vec::new();
    }
    let words = script.lex(statement).filter(|token| token.kind == TokenKind::Word);
    let words: Vec<String> = words.map(|word| word.text(script.text()).to_ascii_lowercase()).collect();
    let has = |word: &str| words.iter().any(|other| other == word);
    let first = words.first().map(String::as_str).unwrap_or_default();
    let way = match first {
        _ if has("concurrently") => Way::plain("SHARE UPDATE EXCLUSIVE", Blocks::Nothing, Some(false)),
        "vacuum" if has("full") => Way::plain("ACCESS EXCLUSIVE", Blocks::All, Some(true)),
        "vacuum" => Way::plain("SHARE UPDATE EXCLUSIVE", Blocks::Nothing, Some(false)),
        "cluster" => Way::plain("ACCESS EXCLUSIVE", Blocks::All, Some(true)),
        _ => return Vec::new(),
    };
    vec![way]
}
