//! Indexes that are built concurrently.
//!
//! A build that fails leaves its index behind, invalid: it costs every write and serves no query. `IF NOT EXISTS` then takes
//! it for the real one, and without that the name is taken. So it is dropped before the next try, and looked for after it.

use crate::engine::{DbError, DbErrorKind, DbResult, Session};
use crate::sql::Flavor;
use crate::token::{Token, tokens};

/// `{name}` comes from the catalog, quoted and qualified.
const DROP: &str = include_str!("sql/drop_invalid_index.sql");

/// So many tokens hold the names of an index and its table.
const HEAD: usize = 16;

/// Drops the invalid index that an earlier try of this statement left behind, unless somebody is building it now.
pub async fn clear(session: &mut dyn Session, statement: &str) -> DbResult<Vec<String>> {
    let mut told = Vec::new();
    for (index, is_being_built) in invalid(session, statement).await? {
        if !is_being_built {
            session.batch(&DROP.replace("{name}", &index)).await.map_err(unplaced)?;
            told.push(format!("dropped the invalid index {index}, which an earlier try had left behind"));
        }
    }
    Ok(told)
}

/// # Errors
/// When the index that this statement creates is there and invalid.
pub async fn check(session: &mut dyn Session, statement: &str) -> DbResult<()> {
    let Some((index, _)) = invalid(session, statement).await?.into_iter().next() else { return Ok(()) };
    let mut error = DbError::new(DbErrorKind::Statement, format!("the index {index} is invalid"));
    error.hint =
        Some("another session is building it, or failed to; once that has ended, run the command again".into());
    Err(error)
}

async fn invalid(session: &mut dyn Session, statement: &str) -> DbResult<Vec<(String, bool)>> {
    let rows = match (built(statement), rebuilt(statement)) {
        (Some((index, table)), _) => {
            session.rows(include_str!("sql/invalid_index.sql"), &[Some(&index), Some(&table)]).await
        }
        (None, Some(relation)) => session.rows(include_str!("sql/left_by_reindex.sql"), &[relation.as_deref()]).await,
        (None, None) => return Ok(Vec::new()),
    };
    let pair = |row: Vec<Option<String>>| {
        let mut parts = row.into_iter().flatten();
        Some((parts.next()?, parts.next()? == "true"))
    };
    Ok(rows.map_err(unplaced)?.into_iter().filter_map(pair).collect())
}

/// The position is one in our own text, not in the script's.
pub fn unplaced(error: DbError) -> DbError {
    DbError { position: None, ..error }
}

/// The index that a statement builds concurrently, by its plain name, and its table, qualified as written and quoted.
fn built(statement: &str) -> Option<(String, String)> {
    let tokens: Vec<Token> = tokens(statement, Flavor::Postgres).filter(Token::is_significant).take(HEAD).collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(statement, word));
    let name = |at: usize| Some(tokens.get(at)?.name(statement, Flavor::Postgres)?.into_owned());
    let mut at = if is(1, "unique") { 2 } else { 1 };
    if !(is(0, "create") && is(at, "index") && is(at + 1, "concurrently")) {
        return None;
    }
    at += if is(at + 2, "if") { 5 } else { 2 };
    if is(at, "on") || !is(at + 1, "on") {
        return None;
    }
    let index = name(at)?;
    at += if is(at + 2, "only") { 3 } else { 2 };
    Some((index, qualified(statement, &tokens[at.min(tokens.len())..])?))
}

/// What a statement rebuilds concurrently: an index or a table, qualified as written and quoted; more than one thing is `None`.
fn rebuilt(statement: &str) -> Option<Option<String>> {
    let tokens: Vec<Token> = tokens(statement, Flavor::Postgres).filter(Token::is_significant).take(HEAD).collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(statement, word));
    let at = tokens.iter().position(|token| token.is_word(statement, "concurrently")).filter(|_| is(0, "reindex"))?;
    let is_one = is(at.wrapping_sub(1), "index") || is(at.wrapping_sub(1), "table");
    Some(if is_one { qualified(statement, &tokens[at + 1..]) } else { None })
}

/// The name that tokens begin with, qualified as written and quoted.
pub fn qualified(statement: &str, tokens: &[Token]) -> Option<String> {
    let part = |at: usize| Some(Flavor::Postgres.ident(&tokens.get(at)?.name(statement, Flavor::Postgres)?));
    let mut name = part(0)?;
    let mut at = 0;
    while tokens.get(at + 1).is_some_and(|token| token.is_symbol(statement, ".")) {
        at += 2;
        name = format!("{name}.{}", part(at)?);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rebuilt_concurrently_is_read() {
        let name = |name: &str| Some(Some(name.to_owned()));
        assert_eq!(rebuilt("REINDEX INDEX CONCURRENTLY a"), name("\"a\""));
        assert_eq!(rebuilt("reindex (verbose) table concurrently S.\"T\""), name("\"s\".\"T\""));
        assert_eq!(rebuilt("REINDEX (CONCURRENTLY) TABLE t"), Some(None));
        assert_eq!(rebuilt("REINDEX SCHEMA CONCURRENTLY s"), Some(None));
        assert_eq!(rebuilt("REINDEX TABLE t"), None);
        assert_eq!(rebuilt("CREATE INDEX CONCURRENTLY a ON t (x)"), None);
    }

    #[test]
    fn only_a_concurrent_build_with_a_name_is_read() {
        let pair = |index: &str, table: &str| Some((index.to_owned(), table.to_owned()));
        assert_eq!(built("CREATE INDEX CONCURRENTLY a ON t (x)"), pair("a", "\"t\""));
        let long = "/* a */ create Unique INDEX concurrently if not exists \"A b\" on only S.\"T\" using btree (x)";
        assert_eq!(built(long), pair("A b", "\"s\".\"T\""));
        for other in [
            "CREATE INDEX CONCURRENTLY ON t (x)",
            "CREATE INDEX a ON t (x)",
            "DROP INDEX CONCURRENTLY a",
            "REINDEX INDEX CONCURRENTLY a",
            "ALTER INDEX a ATTACH PARTITION b",
            "CREATE INDEX CONCURRENTLY",
        ] {
            assert_eq!(built(other), None, "{other}");
        }
    }
}
