//! What a step costs here: sizes, and the lock of the whole file.

use std::collections::BTreeSet;

use crate::class::{self, Kind};
use crate::engine::{DbResult, Session};
use crate::price::{Blocks, Running, TableSize, Way};
use crate::sql::{Script, Statement};
use crate::token::TokenKind;

/// In a larger file sizes and rows are not counted: that would read all of it.
const COUNTED_BYTES: u64 = 256 << 20;

pub async fn sizes(session: &mut dyn Session, names: &BTreeSet<String>) -> DbResult<Vec<TableSize>> {
    let whole = session.rows(include_str!("file_size.sql"), &[]).await?;
    let whole: Option<u64> = whole.into_iter().flatten().flatten().next().and_then(|bytes| bytes.parse().ok());
    let is_small = whole.is_some_and(|bytes| bytes <= COUNTED_BYTES);
    // A build of SQLite may be without the table that tells of pages.
    let counted = match is_small {
        true => session.rows(include_str!("sizes.sql"), &[]).await.unwrap_or_default(),
        false => Vec::new(),
    };
    let bytes = |table: &str| {
        let row = counted.iter().find(|row| row.first().and_then(Option::as_deref) == Some(table))?;
        row.get(1).and_then(Option::as_deref)?.parse().ok()
    };
    let tables = session.rows(include_str!("table_names.sql"), &[]).await?.into_iter().flatten().flatten();
    let named = tables.filter(|table| names.contains(&table.to_lowercase()));
    Ok(named.map(|table| TableSize { bytes: bytes(&table), rows: None, table }).collect())
}

/// Only who waits for the file's lock learns that somebody has it.
pub fn running() -> Running {
    let unseen =
        "SQLite does not tell who has the file open: another process that writes shows only when a step waits for it";
    Running { blockers: Vec::new(), unseen: Some(unseen.to_owned()) }
}

pub fn ways(script: &Script, statement: &Statement) -> Vec<Way> {
    let class = class::classify(script, statement);
    if !matches!(class.kind, Kind::Ddl | Kind::Dml | Kind::Utility) {
        return Vec::new();
    }
    let words = script.lex(statement).filter(|token| token.kind == TokenKind::Word);
    let words: Vec<String> = words.map(|word| word.text(script.text()).to_ascii_lowercase()).collect();
    let has = |word: &str| words.iter().any(|other| other == word);
    let first = words.first().map(String::as_str).unwrap_or_default();
    let mut ways = vec![Way {
        whole: Some("the whole file"),
        ..Way::plain("BEGIN IMMEDIATE … COMMIT", Blocks::Writes, Some(false))
    }];
    let mode = match first {
        "insert" | "replace" if has("select") => "INSERT … SELECT",
        "alter" if has("drop") => "DROP COLUMN",
        _ => return ways,
    };
    ways.push(Way::plain(mode, Blocks::Writes, Some(true)));
    ways
}
