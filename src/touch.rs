//! What of a schema a script can have touched, read from its text.
//!
//! A schema of thousands of objects is not read anew behind every script. What a script can touch is a matter of the kinds
//! of its statements, which say as much only where they are known one by one: whatever is not known here can touch anything.
//! The engine looks at the same question from its own side, in its catalog, and reads more where that says so.

use std::collections::BTreeSet;

use crate::class::{self, Kind};
use crate::reading::Reading;
use crate::sql::{Flavor, Script};
use crate::token::{Token, TokenKind};

/// What of a schema can be other than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Nothing but what code that is not in the text may do: rows are written or read.
    Rows,
    /// Relations and what belongs to them.
    Relations {
        /// Every one that is touched has one of these names, as the engine folds them, or is locked against others until the
        /// transaction ends.
        names: BTreeSet<String>,
        /// Tables and views that are made, as they are written.
        made: BTreeSet<String>,
    },
    Anything,
}

impl Touch {
    pub fn of(script: &Script) -> Touch {
        if script.problem().is_some() {
            return Touch::Anything;
        }
        let (mut names, mut made) = (BTreeSet::new(), BTreeSet::new());
        let mut is_ddl = false;
        for statement in script.statements() {
            let class = class::classify(script, statement);
            let tokens: Vec<Token> = script.lex(statement).filter(Token::is_significant).take(MOST).collect();
            let reading = Reading::new(script.text(), script.flavor(), &tokens);
            let is_odd =
                class.opaque || tokens.len() == MOST || tokens.iter().any(|it| it.kind == TokenKind::Executable);
            match class.kind {
                Kind::Dml if !is_odd => {}
                Kind::Ddl if !is_odd && is_of_relations(&reading) => {
                    is_ddl = true;
                    made.extend(reading.made());
                    names.extend(
                        tokens.iter().filter_map(|token| token.name(script.text(), script.flavor())).map(String::from),
                    );
                }
                _ => return Touch::Anything,
            }
        }
        if is_ddl { Touch::Relations { names, made } } else { Touch::Rows }
    }
}

/// A statement of more tokens can touch anything.
const MOST: usize = 20_000;

/// Whether a statement makes, alters or drops relations, or what belongs to one, and gives no new name to what others may
/// name: their text would change with it.
fn is_of_relations(reading: &Reading<'_>) -> bool {
    let has_far_words = ["rename", "schema", "database", "cascade"].iter().any(|word| reading.has(word));
    match reading.flavor {
        // There the engine compares the whole list.
        Flavor::Sqlite => true,
        _ if has_far_words && !is_reference(reading) => false,
        Flavor::Postgres => {
            let object = match reading.object() {
                "materialized" | "recursive" => "view",
                "constraint" if reading.word(0) == "create" => "trigger",
                object => object,
            };
            match reading.word(0) {
                "create" | "drop" => matches!(object, "table" | "index" | "view" | "sequence" | "trigger" | "policy"),
                "alter" => {
                    let whole = reading.has_words(&["all", "in", "tablespace"]) || reading.has("extension");
                    !whole && matches!(object, "table" | "index" | "view" | "sequence")
                }
                "comment" => {
                    let on = reading.word(2);
                    matches!(on, "table" | "column" | "index" | "view" | "sequence")
                        || on == "constraint" && !reading.has("domain")
                }
                "truncate" => true,
                _ => false,
            }
        }
        // CHANGE gives columns other names.
        Flavor::Mysql if reading.has("change") || leads_elsewhere(reading) => false,
        Flavor::Mysql => match reading.word(0) {
            "create" | "drop" => {
                !reading.is_temporary()
                    && matches!(reading.object(), "table" | "index" | "fulltext" | "spatial" | "view")
            }
            "alter" => reading.object() == "table",
            "truncate" => true,
            _ => false,
        },
    }
}

/// Whether what it makes, alters or drops has a name of two parts, which is that of another database.
fn leads_elsewhere(reading: &Reading<'_>) -> bool {
    let text = reading.text;
    let is_body = |token: &&Token| {
        token.is_symbol(text, "(")
            || ["as", "select", "add", "modify", "like"].iter().any(|word| token.is_word(text, word))
    };
    reading.tokens.iter().take_while(|token| !is_body(token)).any(|token| token.is_symbol(text, "."))
}

/// Whether its CASCADE is that of foreign keys alone: `ON DELETE CASCADE`.
fn is_reference(reading: &Reading<'_>) -> bool {
    let text = reading.text;
    let tokens = reading.tokens;
    let others = ["rename", "schema", "database"].iter().any(|word| reading.has(word));
    let is_action = |at: usize| {
        at >= 2
            && ["delete", "update"].iter().any(|word| tokens[at - 1].is_word(text, word))
            && tokens[at - 2].is_word(text, "on")
    };
    !others && (0..tokens.len()).filter(|at| tokens[*at].is_word(text, "cascade")).all(is_action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(sql: &str, flavor: Flavor) -> Touch {
        Touch::of(&Script::parse("up.sql", 1, sql.as_bytes(), flavor))
    }

    #[test]
    fn what_is_not_known_can_touch_anything() {
        for sql in [
            "ALTER TABLE a RENAME TO b",
            "ALTER TABLE a RENAME COLUMN b TO c",
            "ALTER TABLE a SET SCHEMA b",
            "DROP TABLE a CASCADE",
            "ALTER TABLE a DROP COLUMN b CASCADE",
            "CREATE TYPE a AS ENUM ('b')",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DO $$ BEGIN NULL; END $$",
            "GRANT SELECT ON a TO b",
            "SELECT f()",
            "CREATE SCHEMA a",
            "DROP SCHEMA a CASCADE",
            "COMMENT ON CONSTRAINT a ON DOMAIN b IS 'c'",
            "CREATE TABLE a (b int); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO c",
            "SET ROLE a",
        ] {
            assert_eq!(touch(sql, Flavor::Postgres), Touch::Anything, "{sql}");
        }
    }

    #[test]
    fn relations_are_named_as_the_engine_folds_them() {
        let names = |sql: &str, flavor| match touch(sql, flavor) {
            Touch::Relations { names, .. } => names,
            other => panic!("{sql}: {other:?}"),
        };
        let sql = "CREATE TABLE \"Us\" (id int REFERENCES Other ON DELETE CASCADE); INSERT INTO x VALUES (1);";
        let found = names(sql, Flavor::Postgres);
        assert!(found.contains("Us") && found.contains("other") && !found.contains("x"), "{found:?}");
        assert!(names("CREATE UNIQUE INDEX i ON t (a)", Flavor::Postgres).contains("i"));
        assert!(names("ALTER TABLE `Us` ADD b int", Flavor::Mysql).contains("us"));
        let sql = "CREATE TABLE IF NOT EXISTS `It``s` (id int); CREATE OR REPLACE VIEW V AS SELECT 1; CREATE INDEX i ON t (a)";
        match touch(sql, Flavor::Mysql) {
            Touch::Relations { made, .. } => assert_eq!(made.into_iter().collect::<Vec<_>>(), ["It`s", "V"]),
            other => panic!("{other:?}"),
        }
        assert_eq!(touch("CREATE TABLE other.t (a int)", Flavor::Mysql), Touch::Anything);
        assert_eq!(touch("ALTER TABLE t CHANGE a b int", Flavor::Mysql), Touch::Anything);
        assert_eq!(touch("INSERT INTO x SELECT * FROM y; DELETE FROM z", Flavor::Postgres), Touch::Rows);
        assert_eq!(touch("", Flavor::Mysql), Touch::Rows);
        assert_eq!(touch("CREATE TABLE a (b text DEFAULT 'c)", Flavor::Mysql), Touch::Anything);
    }
}
