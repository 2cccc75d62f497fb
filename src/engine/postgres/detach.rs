//! Partitions that are detached concurrently.
//!
//! The statement first marks the partition, commits, and waits for whoever still reads it there; from then on nobody else does. When
//! it is stopped while it waits, the mark stays, the statement itself is refused, and only its end is left to be run.

use super::index::{qualified, unplaced};
use crate::engine::{DbResult, Session};
use crate::sql::Flavor;
use crate::token::{Token, tokens};

/// So many tokens hold the names of a table and its partition.
const HEAD: usize = 24;

/// What ends a detach that an earlier try of this statement has begun, and what is to be told of it.
pub async fn rest(session: &mut dyn Session, statement: &str) -> DbResult<Option<(String, String)>> {
    let Some((table, partition)) = detached(statement) else { return Ok(None) };
    let binds = [Some(table.as_str()), Some(partition.as_str())];
    let pending = session.rows(include_str!("sql/detach_pending.sql"), &binds).await.map_err(unplaced)?;
    if pending.is_empty() {
        return Ok(None);
    }
    let fill = |text: &str| text.replace("{table}", &table).replace("{partition}", &partition);
    let told = format!("the detach of {partition}, which an earlier try had begun, was ended by FINALIZE");
    Ok(Some((fill(include_str!("sql/detach_finalize.sql")), told)))
}

/// The table and the partition that a statement detaches concurrently, qualified as written and quoted.
fn detached(statement: &str) -> Option<(String, String)> {
    let tokens: Vec<Token> = tokens(statement, Flavor::Postgres).filter(Token::is_significant).take(HEAD).collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(statement, word));
    let at = (0..tokens.len()).find(|at| is(*at, "detach") && is(at + 1, "partition"))?;
    if !(is(0, "alter") && is(1, "table") && tokens.iter().any(|token| token.is_word(statement, "concurrently"))) {
        return None;
    }
    let table = if is(2, "if") { 4 } else { 2 };
    Some((qualified(statement, &tokens[table..at])?, qualified(statement, &tokens[at + 2..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_concurrent_detach_is_read() {
        let pair = |table: &str, partition: &str| Some((table.to_owned(), partition.to_owned()));
        assert_eq!(detached("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY"), pair("\"p\"", "\"p1\""));
        let long = "/* x */ alter table if exists S.\"P q\" detach partition s.\"P 1\" concurrently;";
        assert_eq!(detached(long), pair("\"s\".\"P q\"", "\"s\".\"P 1\""));
        for other in [
            "ALTER TABLE p DETACH PARTITION p1",
            "ALTER TABLE p DETACH PARTITION p1 FINALIZE",
            "ALTER TABLE detach ADD COLUMN concurrently int",
            "ALTER TABLE p DETACH PARTITION",
            "DROP INDEX CONCURRENTLY detach",
        ] {
            assert_eq!(detached(other), None, "{other}");
        }
    }
}
