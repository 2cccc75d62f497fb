//! What a step costs here: sizes, other sessions, and the algorithm by which a table is altered.
//!
//! The servers show a session none of its own metadata locks unless somebody switched that on. But a statement may name the
//! algorithm that it wants, and is refused at once where the server cannot: so in a rehearsal it is asked for the cheapest one
//! first. What is refused has done nothing, and what is not has done the same as the statement as it is written.

use std::collections::BTreeSet;

use crate::engine::{DbError, DbResult, Server, Session};
use crate::price::{Blocker, Blocks, Running, TableSize, Way, shortened};
use crate::sql::{Script, Statement};
use crate::token::TokenKind;

/// ALGORITHM and LOCK from the cheapest on, as statements ask for them; where no LOCK is named, the server takes none of it.
struct Ask {
    algorithm: &'static str,
    lock: &'static str,
    shown: &'static str,
    blocks: Blocks,
    rewrites: Option<bool>,
}

const fn ask(
    algorithm: &'static str,
    lock: &'static str,
    shown: &'static str,
    blocks: Blocks,
    rewrites: Option<bool>,
) -> Ask {
    Ask { algorithm, lock, shown, blocks, rewrites }
}

const MARIADB: &[Ask] = &[
    ask("INSTANT", "", "ALGORITHM=INSTANT", Blocks::Moment, Some(false)),
    ask("NOCOPY", "NONE", "ALGORITHM=NOCOPY, LOCK=NONE", Blocks::Moment, Some(false)),
    ask("NOCOPY", "SHARED", "ALGORITHM=NOCOPY, LOCK=SHARED", Blocks::Writes, Some(false)),
    ask("INPLACE", "NONE", "ALGORITHM=INPLACE, LOCK=NONE", Blocks::Moment, Some(true)),
    ask("INPLACE", "SHARED", "ALGORITHM=INPLACE, LOCK=SHARED", Blocks::Writes, Some(true)),
];

/// INPLACE may rebuild the table or not: MySQL does not say.
const MYSQL: &[Ask] = &[
    ask("INSTANT", "", "ALGORITHM=INSTANT", Blocks::Moment, Some(false)),
    ask("INPLACE", "NONE", "ALGORITHM=INPLACE, LOCK=NONE", Blocks::Moment, None),
    ask("INPLACE", "SHARED", "ALGORITHM=INPLACE, LOCK=SHARED", Blocks::Writes, None),
];

pub async fn sizes(session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Vec<TableSize>> {
    let rows = session.batch(include_str!("sizes.sql")).await?;
    let number = |text: Option<String>| text?.parse().ok();
    let size = |row: Vec<Option<String>>| {
        let mut parts = row.into_iter();
        let mut next = || parts.next().flatten();
        let table = next().filter(|table| names.contains(&table.to_lowercase()))?;
        Some(TableSize { table, rows: number(next()), bytes: number(next()) })
    };
    Ok(rows.into_iter().filter_map(size).collect())
}

pub async fn running(session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Running> {
    let account = session.batch(include_str!("lock_account.sql")).await;
    let keeps = account.is_ok_and(|rows| rows.into_iter().flatten().flatten().any(|enabled| enabled == "YES"));
    let holders = match keeps {
        true => session.batch(include_str!("running_locks.sql")).await.ok(),
        false => None,
    };
    let transactions = session.batch(include_str!("running.sql")).await.ok();
    let unseen = match (&holders, &transactions) {
        (_, None) => Some("this account has not the right PROCESS: it does not see the transactions of other sessions"),
        (None, Some(_)) => Some(
            "the server keeps no account of metadata locks, or does not show it to this account: open transactions are seen, \
             which tables they hold is not",
        ),
        (Some(_), Some(_)) => None,
    };
    let mut blockers: Vec<Blocker> = transactions.into_iter().flatten().filter_map(transaction).collect();
    for row in holders.into_iter().flatten() {
        note_holder(&mut blockers, row, names);
    }
    if keeps {
        blockers.retain(|blocker| !blocker.tables.is_empty());
    }
    Ok(Running { blockers, unseen: unseen.map(str::to_owned) })
}

fn transaction(row: Vec<Option<String>>) -> Option<Blocker> {
    let mut parts = row.into_iter();
    let mut next = || parts.next().flatten();
    let (pid, user, since, state, _, query) = (next()?, next(), next(), next(), next(), next());
    let query = query.and_then(|query| shortened(&query));
    Some(Blocker { pid, user, since, state, tables: Vec::new(), query })
}

/// Adds a table to whoever holds it.
fn note_holder(blockers: &mut Vec<Blocker>, row: Vec<Option<String>>, names: &BTreeSet<String>) {
    let mut parts = row.into_iter();
    let mut next = || parts.next().flatten();
    let (Some(pid), user, state, Some(table)) = (next(), next(), next(), next()) else { return };
    if !names.contains(&table.to_lowercase()) {
        return;
    }
    let query = next().and_then(|query| shortened(&query));
    match blockers.iter_mut().find(|blocker| blocker.pid == pid) {
        Some(known) if known.tables.contains(&table) => {}
        Some(known) => known.tables.push(table),
        None => blockers.push(Blocker { pid, user, since: None, state, tables: vec![table], query }),
    }
}

/// By the servers' numbers: the algorithm or lock is not supported for this (with a reason or without), or not known at all.
pub fn is_no_way(error: &DbError) -> bool {
    matches!(error.code.as_str(), "1845" | "1846" | "1800" | "1801")
}

pub fn ways(server: &Server, script: &Script, statement: &Statement) -> Vec<Way> {
    let words = script.lex(statement).filter(|token| token.kind == TokenKind::Word);
    let words: Vec<String> = words.map(|word| word.text(script.text()).to_ascii_lowercase()).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let has = |word: &str| words.iter().any(|other| other == word);
    let indexes = matches!(word(0), "create" | "drop") && words.iter().take(5).any(|word| word == "index");
    match word(0) {
        "alter" if word(1) == "table" || word(1) == "ignore" => {}
        _ if indexes => {}
        "drop" | "rename" | "alter" | "create" => {
            return vec![Way::plain("metadata lock EXCLUSIVE", Blocks::Moment, Some(false))];
        }
        "truncate" => return vec![Way::plain("metadata lock EXCLUSIVE", Blocks::All, Some(false))],
        "optimize" | "repair" => return vec![Way::plain("metadata lock EXCLUSIVE", Blocks::Unknown, None)],
        "insert" | "update" | "delete" | "replace" | "load" => {
            return vec![Way::plain("row locks", Blocks::SameRows, Some(false))];
        }
        _ => return Vec::new(),
    }
    if has("algorithm") || has("lock") {
        return vec![Way::plain("the ALGORITHM and LOCK that it names", Blocks::Unknown, None)];
    }
    let (before, between) = if indexes { (" ", " ") } else { (", ", ", ") };
    let asks = if server.engine == "mariadb" { MARIADB } else { MYSQL };
    let way = |ask: &Ask| {
        let lock = if ask.lock.is_empty() { String::new() } else { format!("{between}LOCK={}", ask.lock) };
        let text = format!("{}{before}ALGORITHM={}{lock}", script.sql(statement), ask.algorithm);
        let rewrites = if indexes && !has("fulltext") { Some(false) } else { ask.rewrites };
        Way { text: Some(text), whole: None, mode: ask.shown, blocks: ask.blocks, rewrites }
    };
    let copy = Way::plain("ALGORITHM=COPY", Blocks::Writes, Some(true));
    asks.iter().map(way).chain([copy]).collect()
}
