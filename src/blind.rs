//! Scripts that are blind to rows.
//!
//! Much of what a proof does is for the rows' sake: a down runs again over rows that were written after the up, and what an up
//! left is read again behind its second run. Where a script's text alone tells how such a thing ends, it is not done. The
//! answers lean to the careful side: what is not known here statement by statement may look at rows.

use std::sync::Arc;

use crate::class::{self, Kind};
use crate::reading::Reading;
use crate::rows::Table;
use crate::sql::{Flavor, Script};
use crate::token::Token;
use crate::touch::Touch;

/// Whether the script does the same, and succeeds alike, whatever rows there are; `tables` are those that it can touch.
pub fn is_blind(script: &Script, tables: &[Arc<Table>]) -> bool {
    all(script, |reading| is_blind_statement(reading, tables))
}

/// Whether the schema behind the script follows from its text and the schema before it: rows may make it fail, but not end
/// elsewhere. No function of the user's may stand in that schema, for the script could set it off.
pub fn is_settled(script: &Script) -> bool {
    let is_settled = |reading: &Reading<'_>| {
        let object = reading.object();
        let reads = object != "view" && (reading.has("select") || reading.has("execute"));
        !reads && !reading.calls_any(&["nextval", "setval"])
    };
    matches!(Touch::of(script), Touch::Relations { .. }) && all(script, is_settled)
}

/// Whether all statements are DDL that runs no code, and meet `test`.
fn all(script: &Script, test: impl Fn(&Reading<'_>) -> bool) -> bool {
    script.problem().is_none()
        && script.statements().iter().all(|statement| {
            let class = class::classify(script, statement);
            let tokens: Vec<Token> = script.lex(statement).filter(Token::is_significant).collect();
            class.kind == Kind::Ddl && !class.opaque && test(&Reading::new(script.text(), script.flavor(), &tokens))
        })
}

fn is_blind_statement(reading: &Reading<'_>, tables: &[Arc<Table>]) -> bool {
    let object = reading.object();
    match (reading.word(0), object) {
        // SQLite deletes the rows first, which others may refer to.
        ("drop", "table") => reading.flavor != Flavor::Sqlite,
        (
            "drop",
            "index" | "view" | "materialized" | "trigger" | "policy" | "rule" | "sequence" | "function" | "procedure"
            | "event" | "type" | "domain",
        )
        | ("create", "view" | "trigger" | "function" | "procedure")
        | ("comment" | "grant" | "revoke", _) => true,
        ("alter", "table") => actions(reading).is_some_and(|actions| {
            actions.iter().all(|action| match is_blind_action(reading, action) {
                Blind::Yes => true,
                Blind::UnlessInKey => {
                    reading.flavor != Flavor::Mysql || !tables.iter().any(|table| has_wide_key(table))
                }
                Blind::No => false,
            })
        }),
        _ => false,
    }
}

enum Blind {
    Yes,
    /// MySQL takes a dropped column out of a unique key of several, whose rest may then hold a value twice.
    UnlessInKey,
    No,
}

fn is_blind_action(reading: &Reading<'_>, action: &[Token]) -> Blind {
    let is = |at: usize, words: &[&str]| {
        action.get(at).is_some_and(|token| words.iter().any(|word| token.is_word(reading.text, word)))
    };
    if is(0, &["drop"]) {
        let is_part = is(1, &["constraint", "index", "key", "foreign", "check", "primary"]) && action.len() > 2;
        return if is_part { Blind::Yes } else { Blind::UnlessInKey };
    }
    let name = if is(1, &["column"]) { 2 } else { 1 };
    let drops = is(name + 1, &["drop"]) && is(name + 2, &["default", "not"]);
    let sets = is(name + 1, &["set"]) && is(name + 2, &["default"]);
    if is(0, &["alter"]) && (drops || sets) { Blind::Yes } else { Blind::No }
}

fn has_wide_key(table: &Table) -> bool {
    let mut keys: Vec<&str> = table.columns.iter().flat_map(|column| &column.keys).map(String::as_str).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

/// The actions of an ALTER TABLE, which commas part.
fn actions<'a>(reading: &Reading<'a>) -> Option<Vec<&'a [Token]>> {
    let text = reading.text;
    let mut rest = reading.tokens.get(2..)?;
    while rest.first().is_some_and(|token| ["if", "exists", "only"].iter().any(|word| token.is_word(text, word))) {
        rest = &rest[1..];
    }
    rest.first()?.name(text, reading.flavor)?;
    rest = &rest[1..];
    while rest.first().is_some_and(|token| token.is_symbol(text, ".")) {
        rest = rest.get(2..)?;
    }
    let mut depth = 0_usize;
    let parts = rest.split(|token| {
        if token.is_symbol(text, "(") {
            depth += 1;
        } else if token.is_symbol(text, ")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && token.is_symbol(text, ",")
    });
    Some(parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Column;

    fn script(sql: &str, flavor: Flavor) -> Script {
        Script::parse("down.sql", 1, sql.as_bytes(), flavor)
    }

    #[test]
    fn what_only_takes_away_is_blind() {
        for flavor in [Flavor::Postgres, Flavor::Mysql, Flavor::Sqlite] {
            for sql in [
                "DROP INDEX a",
                "DROP VIEW IF EXISTS a; DROP TRIGGER b",
                "ALTER TABLE a DROP COLUMN b",
                "ALTER TABLE a.b DROP c",
                "CREATE VIEW a AS SELECT b FROM c",
            ] {
                assert!(is_blind(&script(sql, flavor), &[]), "{sql}");
            }
        }
        let blind = [
            "ALTER TABLE IF EXISTS ONLY a DROP CONSTRAINT b, ALTER COLUMN c DROP NOT NULL, ALTER d SET DEFAULT f(1, 2)",
            "DROP TABLE a; COMMENT ON TABLE b IS NULL; REVOKE SELECT ON b FROM c",
        ];
        for sql in blind {
            assert!(is_blind(&script(sql, Flavor::Postgres), &[]), "{sql}");
        }
    }

    #[test]
    fn what_rows_can_refuse_is_not() {
        for flavor in [Flavor::Postgres, Flavor::Mysql, Flavor::Sqlite] {
            for sql in [
                "ALTER TABLE a ADD COLUMN b int NOT NULL",
                "ALTER TABLE a DROP COLUMN b, ADD UNIQUE (c)",
                "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
                "ALTER TABLE a ALTER COLUMN b TYPE int",
                "ALTER TABLE a RENAME TO b",
                "CREATE UNIQUE INDEX a ON b (c)",
                "CREATE TABLE a AS SELECT b FROM c",
                "DROP VIEW a; DELETE FROM b",
                "DROP VIEW a; SELECT f()",
                "REFRESH MATERIALIZED VIEW a",
                "TRUNCATE TABLE a",
                "DROP VIEW 'a",
            ] {
                assert!(!is_blind(&script(sql, flavor), &[]), "{sql}");
            }
        }
        assert!(!is_blind(&script("DROP TABLE a", Flavor::Sqlite), &[]));
        assert!(!is_blind(&script("DO $$ BEGIN DELETE FROM a; END $$", Flavor::Postgres), &[]));
    }

    #[test]
    fn a_column_out_of_a_unique_key_of_two_is_not_on_mysql() {
        let column = |name: &str| Column { name: name.into(), keys: vec!["both".into()], ..Column::default() };
        let wide = [Arc::new(Table { columns: vec![column("a"), column("b")], ..Table::default() })];
        let narrow = [Arc::new(Table { columns: vec![column("a")], ..Table::default() })];
        let drop = |flavor| script("ALTER TABLE t DROP COLUMN a", flavor);
        assert!(!is_blind(&drop(Flavor::Mysql), &wide));
        assert!(is_blind(&drop(Flavor::Mysql), &narrow));
        assert!(is_blind(&drop(Flavor::Postgres), &wide));
        assert!(is_blind(&script("ALTER TABLE t DROP FOREIGN KEY a", Flavor::Mysql), &wide));
    }

    #[test]
    fn the_schema_behind_plain_ddl_is_settled() {
        for sql in ["CREATE TABLE a (b int); CREATE INDEX c ON a (b)", "CREATE VIEW a AS SELECT b FROM c"] {
            assert!(is_settled(&script(sql, Flavor::Postgres)), "{sql}");
        }
        for sql in [
            "CREATE TABLE a AS SELECT f()",
            "CREATE TABLE a AS EXECUTE b",
            "CREATE TABLE a (b int); INSERT INTO a VALUES (1)",
            "INSERT INTO a VALUES (1)",
            "ALTER TABLE a ADD b int DEFAULT nextval('c')",
            "CREATE MATERIALIZED VIEW a AS SELECT f()",
            "DO $$ BEGIN EXECUTE 'CREATE TABLE a (b int)'; END $$",
            "",
        ] {
            assert!(!is_settled(&script(sql, Flavor::Postgres)), "{sql}");
        }
    }
}
