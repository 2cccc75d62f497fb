//! Bodies: which semicolons end a statement and which stand inside one.
//!
//! Only few statements hold other statements: routines, triggers and events of MySQL and MariaDB, SQLite's triggers,
//! PostgreSQL's `BEGIN ATOMIC` and whatever stands in parentheses there (`CREATE RULE`). A [`Body`] is fed with the tokens of
//! one statement and knows whether it is still open. Key words count only as whole tokens, and only where the grammar has
//! them: `IF(a, b, c)`, `REPEAT('x', 3)` and a column called `end` open and close nothing.

use crate::sql::Flavor;
use crate::token::TokenKind;

/// How far the tokens of one statement have opened it.
#[derive(Debug)]
pub struct Body {
    flavor: Flavor,
    shape: Shape,
    parens: u32,
    /// The word before; empty behind anything else.
    previous: Key,
    /// MySQL: the blocks that are open.
    blocks: Vec<Block>,
    /// PostgreSQL: `BEGIN ATOMIC` and each CASE inside it that are open.
    depth: u32,
    place: Where,
}

/// What the tokens read so far make of the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// No token yet.
    Start,
    /// CREATE, of what is not known yet; MySQL's ALTER too.
    Create,
    /// Behind `DEFINER =`, where a name follows.
    Definer,
    /// MySQL: BEGIN, which is a block only before NOT ATOMIC.
    Begin,
    /// Nothing in it needs a closer look.
    Plain,
    Copy,
    CopyFromStdin,
    SqliteTrigger,
    PostgresRoutine,
    MysqlRoutine,
}

/// Where in a routine or trigger the next token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// Before its first statement.
    Head,
    /// Where a statement begins.
    Begins,
    Inside,
    /// In a DECLARE, whose handler may be a block.
    Declare,
    /// SQLite: behind the END that closes the trigger.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// BEGIN, IF, LOOP, WHILE, FOR, and CASE as a statement.
    Statements,
    Repeat,
    /// CASE as a value.
    Value,
}

/// A word in lower case; empty when it is longer than every key word.
#[derive(Clone, Copy, Debug, Default)]
struct Key {
    bytes: [u8; 12],
    len: usize,
}

impl Key {
    fn of(word: &str) -> Self {
        let mut key = Key::default();
        if word.len() <= key.bytes.len() && word.is_ascii() {
            key.len = word.len();
            key.bytes[..word.len()].copy_from_slice(word.as_bytes());
            key.bytes.make_ascii_lowercase();
        }
        key
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Body {
    /// Of a statement that has no token yet.
    pub fn new(flavor: Flavor) -> Self {
        Body {
            flavor,
            shape: Shape::Start,
            parens: 0,
            previous: Key::default(),
            blocks: Vec::new(),
            depth: 0,
            place: Where::Head,
        }
    }

    /// Forgets the statement.
    pub fn clear(&mut self) {
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.clear();
        *self = Body { blocks, ..Body::new(self.flavor) };
    }

    /// Whether a semicolon here stands inside the statement.
    pub fn is_open(&self) -> bool {
        match self.shape {
            Shape::SqliteTrigger => self.has_open_block(),
            Shape::MysqlRoutine => !self.blocks.is_empty(),
            _ => self.depth > 0 || (self.flavor == Flavor::Postgres && self.parens > 0),
        }
    }

    /// Whether a block was begun that has no END yet.
    pub fn has_open_block(&self) -> bool {
        match self.shape {
            Shape::SqliteTrigger => !matches!(self.place, Where::Head | Where::Closed),
            Shape::MysqlRoutine => !self.blocks.is_empty(),
            _ => self.depth > 0,
        }
    }

    /// Whether the statement is one that can hold statements, so that only a delimiter of its own surely ends it.
    pub fn is_routine(&self) -> bool {
        self.shape == Shape::MysqlRoutine
    }

    /// Whether it is `COPY … FROM stdin`.
    pub fn is_copy_from_stdin(&self) -> bool {
        self.shape == Shape::CopyFromStdin
    }

    /// Whether the next token stands in parentheses.
    pub fn in_parens(&self) -> bool {
        self.parens > 0
    }

    /// Takes the next significant token, semicolons inside the statement too.
    pub fn feed(&mut self, kind: TokenKind, text: &str) {
        match text {
            "(" => self.parens += 1,
            ")" => self.parens = self.parens.saturating_sub(1),
            _ => {}
        }
        if self.shape == Shape::Plain || matches!(kind, TokenKind::Executable | TokenKind::Hint) {
            return;
        }
        let word = if kind == TokenKind::Word { Key::of(text) } else { Key::default() };
        match self.shape {
            Shape::Start => self.start(word),
            Shape::Create => self.create(text, word),
            Shape::Definer => self.shape = Shape::Create,
            // MariaDB's blocks outside routines.
            Shape::Begin if word.as_str() == "not" => {
                self.shape = Shape::MysqlRoutine;
                self.blocks.push(Block::Statements);
            }
            Shape::Begin => self.shape = Shape::Plain,
            Shape::Copy => {
                if self.parens == 0 && self.previous.as_str() == "from" && word.as_str() == "stdin" {
                    self.shape = Shape::CopyFromStdin;
                }
            }
            Shape::SqliteTrigger => self.sqlite_trigger(text, word),
            Shape::PostgresRoutine => self.postgres_routine(word),
            Shape::MysqlRoutine => self.mysql_routine(text, word),
            Shape::Plain | Shape::CopyFromStdin => {}
        }
        // A name behind a dot or AS may be any word.
        self.previous = if text == "." { Key::of("as") } else { word };
    }

    fn start(&mut self, word: Key) {
        self.shape = match (self.flavor, word.as_str()) {
            (_, "create") | (Flavor::Mysql, "alter") => Shape::Create,
            (Flavor::Mysql, "begin") => Shape::Begin,
            (Flavor::Mysql, "if" | "while" | "loop" | "repeat" | "for" | "case") => Shape::MysqlRoutine,
            (Flavor::Postgres, "copy") => Shape::Copy,
            (Flavor::Sqlite, "explain" | "query" | "plan") => Shape::Start,
            _ => Shape::Plain,
        };
        if self.shape == Shape::MysqlRoutine {
            self.place = Where::Begins;
            self.mysql_routine("", word);
        }
    }

    fn create(&mut self, text: &str, word: Key) {
        self.shape = match (self.flavor, word.as_str()) {
            (_, "or" | "replace") => Shape::Create,
            (Flavor::Sqlite, "temp" | "temporary") => Shape::Create,
            (Flavor::Sqlite, "trigger") => Shape::SqliteTrigger,
            (Flavor::Postgres, "function" | "procedure") => Shape::PostgresRoutine,
            (Flavor::Mysql, "procedure" | "function" | "trigger" | "event" | "package") => Shape::MysqlRoutine,
            (Flavor::Mysql, "definer" | "aggregate" | "current_user" | "current_role") => Shape::Create,
            (Flavor::Mysql, "") if text == "=" => Shape::Definer,
            (Flavor::Mysql, "") if text != "." => Shape::Create,
            _ => Shape::Plain,
        };
    }

    /// As SQLite's own shell: a trigger ends with `; END ;`, whatever CASE … END its statements hold.
    fn sqlite_trigger(&mut self, text: &str, word: Key) {
        self.place = match (self.place, word.as_str()) {
            (Where::Head, "begin") => Where::Inside,
            (Where::Head, _) => Where::Head,
            (Where::Begins, "end") => Where::Closed,
            _ if text == ";" => Where::Begins,
            _ => Where::Inside,
        };
    }

    fn postgres_routine(&mut self, word: Key) {
        match (self.previous.as_str(), word.as_str()) {
            ("as", _) => {}
            ("begin", "atomic") if self.depth == 0 => self.depth = 1,
            (_, "case") if self.depth > 0 => self.depth += 1,
            (_, "end") => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn mysql_routine(&mut self, text: &str, word: Key) {
        let (place, top) = (self.place, self.blocks.last().copied());
        let begins = place == Where::Begins;
        let opens = begins || (place == Where::Head && self.parens == 0);
        let previous = self.previous.as_str();
        let in_value = top == Some(Block::Value);
        if previous == "end" && matches!(word.as_str(), "if" | "case" | "loop" | "repeat" | "while" | "for") {
            return;
        }
        self.place = match (word.as_str(), text) {
            (_, ";") => Where::Begins,
            // A label: `again: LOOP`.
            (_, ":") if !begins => Where::Begins,
            ("begin", _) if opens || place == Where::Declare || top.is_none() => self.push(Block::Statements),
            // `WHILE … DO` and `ON SCHEDULE … DO`; at its start it is a statement.
            ("do", _) if !begins && !in_value => Where::Begins,
            ("if", _) if opens && !matches!(previous, "procedure" | "function" | "trigger" | "event") => {
                self.push(Block::Statements);
                Where::Inside
            }
            ("while", _) if opens => {
                self.push(Block::Statements);
                Where::Inside
            }
            ("for", _) if begins => {
                self.push(Block::Statements);
                Where::Inside
            }
            ("loop", _) if opens => self.push(Block::Statements),
            ("repeat", _) if opens => self.push(Block::Repeat),
            ("case", _) => {
                self.push(if opens { Block::Statements } else { Block::Value });
                Where::Inside
            }
            ("end", _) if begins || in_value || top == Some(Block::Repeat) => {
                self.blocks.pop();
                Where::Inside
            }
            ("then" | "else", _) if !in_value && top.is_some() => Where::Begins,
            ("declare", _) if opens => Where::Declare,
            ("return" | "set" | "select" | "where" | "values" | "call", _) if place == Where::Head => Where::Inside,
            _ if begins => Where::Inside,
            _ => place,
        };
    }

    fn push(&mut self, block: Block) -> Where {
        self.blocks.push(block);
        Where::Begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    fn is_open(flavor: Flavor, text: &str) -> bool {
        let mut body = Body::new(flavor);
        for token in tokens(text, flavor).filter(|token| token.is_significant()) {
            body.feed(token.kind, token.text(text));
        }
        body.is_open()
    }

    #[test]
    fn blocks_of_mysql_close_where_the_grammar_closes_them() {
        let closed = [
            "CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; END IF; END",
            "CREATE PROCEDURE p() BEGIN SELECT IF(a, 1, 2), REPEAT('x', 3), CASE WHEN a THEN IF(b,1,2) ELSE 3 END; END",
            "CREATE PROCEDURE IF NOT EXISTS p() BEGIN DROP TABLE IF EXISTS t; END",
            "CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END; SELECT 1; END",
            "CREATE PROCEDURE p() BEGIN REPEAT SET i = i + 1; UNTIL i > 3 END REPEAT; END",
            "CREATE PROCEDURE p() BEGIN again: LOOP LEAVE again; END LOOP again; WHILE a DO SET a = 0; END WHILE; END",
            "CREATE PROCEDURE p() BEGIN CASE a WHEN 1 THEN IF b THEN SELECT 1; END IF; ELSE BEGIN END; END CASE; END",
            "CREATE DEFINER=`a`@`%` TRIGGER t BEFORE UPDATE ON x FOR EACH ROW IF NEW.a THEN SET NEW.b = 1; END IF",
            "CREATE DEFINER=root@localhost EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT begin, t.end FROM t; END",
            "CREATE FUNCTION f() RETURNS INT RETURN IF(1, 2, 3)",
            "BEGIN NOT ATOMIC SELECT 1; END",
            "IF 1 THEN SELECT 1; END IF",
            "CREATE TABLE employment_begin (`begin` int, benefit_end int)",
        ];
        for text in closed {
            assert!(!is_open(Flavor::Mysql, text), "{text}");
        }
        for text in ["CREATE PROCEDURE p() BEGIN SELECT 1", "IF 1 THEN SELECT 1", "BEGIN NOT ATOMIC SELECT 1; END IF"] {
            assert_eq!(is_open(Flavor::Mysql, text), !text.ends_with("END IF"), "{text}");
        }
    }

    #[test]
    fn triggers_of_sqlite_close_behind_a_semicolon() {
        let open = "CREATE TRIGGER t AFTER INSERT ON x BEGIN UPDATE x SET a = CASE WHEN b THEN 1 END";
        assert!(is_open(Flavor::Sqlite, open));
        assert!(!is_open(Flavor::Sqlite, &format!("{open}; END")));
    }

    #[test]
    fn atomic_bodies_of_postgres_hold_case() {
        let head = "CREATE OR REPLACE FUNCTION f(employment_begin int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END";
        assert!(is_open(Flavor::Postgres, head));
        assert!(!is_open(Flavor::Postgres, &format!("{head}; END")));
        assert!(is_open(Flavor::Postgres, "CREATE RULE r AS ON INSERT TO t DO (SELECT 1"));
    }
}
