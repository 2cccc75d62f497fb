//! Scripts: text of SQL, cut into statements without losing a byte.
//!
//! One splitter serves three dialects. Statements plus the trivia between them are the file's bytes, and sending the
//! statements one by one gives what the engine's own client would give. Everything that has a place in a script
//! (findings, journal, database errors) gets it from here.

use std::any::Any;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::fault::{EXCERPT_CHARS, Excerpt};
use crate::finding::{Finding, Place};
use crate::lexer::{Lexer, tokens};
use crate::sha::Sha;
use crate::split::{Problem, raw_checksum, split};
use crate::token::{Token, TokenKind, dollar_body};

/// The lexical dialect of a script. MariaDB reads as MySQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flavor {
    Sqlite,
    Postgres,
    Mysql,
}

/// One script: where it came from, its text, its statements. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Script(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The file, as the user would type it.
    path: String,
    /// Line of the file at which the text starts, from 1 (other than 1 where one file holds both directions).
    first_line: u32,
    /// The text without BOM, line ends as in the file.
    text: String,
    flavor: Flavor,
    statements: Vec<Statement>,
    checksum: Checksum,
    problem: Option<Finding>,
    /// Byte at which each line begins; made when somebody asks for a place.
    lines: OnceLock<Vec<usize>>,
    /// What its reader has made of it.
    reading: OnceLock<Box<dyn Any + Send + Sync>>,
    /// The scripts that this one was joined of, each with the byte at which it begins; none where it was read.
    parts: Vec<(usize, Script)>,
}

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Bytes of the statement in the script's text, without the delimiter and without trivia around it.
    pub span: Range<usize>,
    /// Inline rows of `COPY … FROM stdin`, without the closing `\.` line.
    pub copy: Option<Range<usize>>,
}

/// SHA-256 of a script, twice, as 64 lower-case hex digits each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Checksum {
    /// Of the text with LF line ends (outside literals) and without BOM.
    pub text: String,
    /// Of the tokens: comments and white space outside literals left out. The algorithm is versioned.
    pub tokens: String,
}

/// Comment lines between which everything is one statement, without their dashes: `+goose StatementBegin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    pub begin: &'static str,
    pub end: &'static str,
}

/// A place inside the statement that was sent, as the engine tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Character from 1 (PostgreSQL).
    Character(usize),
    /// Line from 1 (MySQL, MariaDB).
    Line(u32),
    /// Byte from 0 (SQLite).
    Byte(usize),
}

/// Version of the token checksum's algorithm; part of what is hashed.
pub const TOKENS_VERSION: u32 = 1;

/// The largest script that is read, in bytes.
pub const MAX_SCRIPT_BYTES: usize = 64 << 20;

/// The longest literal that counts as a value for rows, in bytes.
const MAX_LITERAL_BYTES: usize = 1024;

impl Flavor {
    /// A quoted identifier. The one place where names are quoted.
    pub fn ident(self, name: &str) -> String {
        match self {
            Flavor::Mysql => format!("`{}`", name.replace('`', "``")),
            Flavor::Sqlite | Flavor::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// A quoted literal that reads the same whatever the session's settings are.
    pub fn literal(self, text: &str) -> String {
        let doubled = text.replace('\'', "''");
        match self {
            Flavor::Sqlite => format!("'{doubled}'"),
            Flavor::Postgres if text.contains('\\') => format!("E'{}'", doubled.replace('\\', "\\\\")),
            Flavor::Postgres => format!("'{doubled}'"),
            Flavor::Mysql => format!("'{}'", doubled.replace('\\', "\\\\")),
        }
    }
}

impl Blocks {
    /// Whether a comment is the line that begins a block.
    pub fn begins(&self, comment: &str) -> bool {
        is_marker(comment, self.begin)
    }

    /// Whether a comment is the line that ends a block.
    pub fn ends(&self, comment: &str) -> bool {
        is_marker(comment, self.end)
    }
}

fn is_marker(comment: &str, marker: &str) -> bool {
    let Some(words) = comment.strip_prefix("--") else { return false };
    let mut words = words.split_whitespace();
    marker.split_whitespace().all(|want| words.next().is_some_and(|word| word.eq_ignore_ascii_case(want)))
        && words.next().is_none()
}

impl Script {
    /// Reads a script. Never fails: what is wrong with it (an unterminated literal, a NUL byte, text that is not UTF-8) is
    /// its [`problem`](Script::problem), so that all problems of a folder can be told at once.
    pub fn parse(path: impl Into<String>, first_line: u32, bytes: &[u8], flavor: Flavor) -> Script {
        Script::read(path.into(), first_line, bytes, flavor, None)
    }

    /// Reads a script in which comment lines make one statement of what stands between them.
    pub fn with_blocks(
        path: impl Into<String>,
        first_line: u32,
        bytes: &[u8],
        flavor: Flavor,
        blocks: Blocks,
    ) -> Script {
        Script::read(path.into(), first_line, bytes, flavor, Some(blocks))
    }

    fn read(path: String, first_line: u32, bytes: &[u8], flavor: Flavor, blocks: Option<Blocks>) -> Script {
        let bytes = if first_line == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        let (text, unreadable) = decode(bytes);
        let (statements, checksum, problem) = match unreadable {
            Some(problem) => (Vec::new(), raw_checksum(bytes), Some(problem)),
            None => {
                let split = split(&text, flavor, blocks.as_ref());
                (split.statements, split.checksum, split.problem)
            }
        };
        let (lines, reading) = (OnceLock::new(), OnceLock::new());
        let mut inner = Inner {
            path,
            first_line,
            text,
            flavor,
            statements,
            checksum,
            problem: None,
            lines,
            reading,
            parts: vec![],
        };
        inner.problem = problem.map(|problem| {
            let finding = Finding::error(problem.code, problem.message).at(inner.place(problem.offset));
            if let Some(help) = problem.help { finding.help(help) } else { finding }
        });
        Script(Arc::new(inner))
    }

    /// Several scripts as one, in this order; each byte keeps its place in its own file. `None` where there are none.
    pub fn joined(scripts: &[&Script]) -> Option<Script> {
        let first = *scripts.first()?;
        if scripts.len() == 1 {
            return Some(first.clone());
        }
        let (mut text, mut statements, mut parts) = (String::new(), Vec::new(), Vec::new());
        for script in scripts {
            let start = text.len();
            let moved = |range: &Range<usize>| range.start + start..range.end + start;
            statements.extend(
                script.statements().iter().map(|statement| Statement {
                    span: moved(&statement.span),
                    copy: statement.copy.as_ref().map(moved),
                }),
            );
            text.push_str(script.text());
            text.push('\n');
            parts.push((start, (*script).clone()));
        }
        let sum = |of: fn(&Checksum) -> &String| {
            Sha::of_parts(scripts.iter().map(|script| of(script.checksum()).as_str())).to_string()
        };
        Some(Script(Arc::new(Inner {
            path: first.path().to_owned(),
            first_line: first.first_line(),
            text,
            flavor: first.flavor(),
            statements,
            checksum: Checksum { text: sum(|sums| &sums.text), tokens: sum(|sums| &sums.tokens) },
            problem: scripts.iter().find_map(|script| script.problem().cloned()),
            lines: OnceLock::new(),
            reading: OnceLock::new(),
            parts,
        })))
    }

    /// Its first statements as a script of their own, in their places; `None` where their text alone says something else.
    pub fn head(&self, count: usize) -> Option<Script> {
        let statements = self.statements().get(..count)?;
        let end = self.statements().get(count).map_or(self.text().len(), |next| next.span.start);
        let head = Script::parse(self.path(), self.first_line(), &self.text().as_bytes()[..end], self.flavor());
        (head.problem().is_none() && head.statements() == statements).then_some(head)
    }

    /// What `read` makes of the script, made once; `None` where another type was asked for before.
    pub fn reading<T: Any + Send + Sync>(&self, read: impl FnOnce() -> T) -> Option<&T> {
        self.0.reading.get_or_init(|| Box::new(read())).downcast_ref()
    }

    /// What makes this script unusable, with its place; nothing may be run from a script that has one.
    pub fn problem(&self) -> Option<&Finding> {
        self.0.problem.as_ref()
    }

    pub fn path(&self) -> &str {
        &self.0.path
    }

    pub fn first_line(&self) -> u32 {
        self.0.first_line
    }

    pub fn text(&self) -> &str {
        &self.0.text
    }

    pub fn flavor(&self) -> Flavor {
        self.0.flavor
    }

    /// The statements in order; those before the problem where there is one.
    pub fn statements(&self) -> &[Statement] {
        &self.0.statements
    }

    pub fn checksum(&self) -> &Checksum {
        &self.0.checksum
    }

    /// The text of a statement.
    pub fn sql(&self, statement: &Statement) -> &str {
        &self.0.text[statement.span.clone()]
    }

    /// The rows of a `COPY … FROM stdin`.
    pub fn rows(&self, statement: &Statement) -> Option<&str> {
        statement.copy.clone().map(|rows| &self.0.text[rows])
    }

    /// What stands between the statements (and their rows): white space, comments, delimiters. Together they are all bytes
    /// of the text.
    pub fn trivia(&self) -> Vec<Range<usize>> {
        let taken =
            self.0.statements.iter().flat_map(|statement| [Some(statement.span.clone()), statement.copy.clone()]);
        let mut from = 0;
        let mut gaps = Vec::new();
        for range in taken.flatten() {
            gaps.push(from..range.start);
            from = range.end;
        }
        gaps.push(from..self.0.text.len());
        gaps.retain(|gap| !gap.is_empty());
        gaps
    }

    /// Place of a byte of the text in its file.
    pub fn place(&self, offset: usize) -> Place {
        self.0.place(offset)
    }

    /// The line that holds a byte, with a caret below it. Of a very long line only what stands around the caret; secrets
    /// are masked.
    pub fn excerpt(&self, offset: usize) -> Option<Excerpt> {
        let (_, line, at) = self.0.line(offset);
        let at = line.start + at;
        let begun = self.statements().partition_point(|statement| statement.span.start <= line.start);
        let from = begun.checked_sub(1).map_or(0, |last| self.statements()[last].span.start);
        let secrets = secrets(self.text(), from..line.end, self.flavor());
        let head = masked(self.text(), line.start..at, &secrets);
        let tail = masked(self.text(), at..line.end, &secrets);
        let before = head.chars().count();
        if before <= EXCERPT_CHARS && before + tail.chars().take(EXCERPT_CHARS + 1).count() <= EXCERPT_CHARS {
            return Some(Excerpt { line: head + &tail, column: one_based(before) });
        }
        let half = EXCERPT_CHARS / 2;
        let start = head.char_indices().rev().nth(half - 1).map_or(0, |(at, _)| at);
        let end = tail.char_indices().nth(half).map_or(tail.len(), |(at, _)| at);
        let left = if start > 0 { "…" } else { "" };
        let right = if end < tail.len() { "…" } else { "" };
        let column = left.chars().count() + head[start..].chars().count();
        Some(Excerpt { line: format!("{left}{}{}{right}", &head[start..], &tail[..end]), column: one_based(column) })
    }

    /// The text of a statement as it may be shown: passwords in it are masked.
    pub fn shown(&self, statement: &Statement) -> String {
        let secrets = secrets(self.text(), statement.span.clone(), self.flavor());
        masked(self.text(), statement.span.clone(), &secrets)
    }

    /// The byte of the text at which an engine found fault with a statement.
    pub fn position(&self, statement: &Statement, position: Position) -> usize {
        let sql = self.sql(statement);
        let within = match position {
            Position::Character(from_one) => sql.char_indices().nth(from_one.saturating_sub(1)).map(|(at, _)| at),
            Position::Line(from_one) => {
                let lines = std::iter::once(0).chain(sql.match_indices('\n').map(|(at, _)| at + 1));
                let start = lines.take(from_one.max(1) as usize).last().unwrap_or(0);
                let line = sql[start..].lines().next().unwrap_or_default();
                Some(start + line.len() - line.trim_start().len())
            }
            Position::Byte(at) => Some(at),
        };
        statement.span.start + floor_boundary(sql, within.unwrap_or(sql.len()))
    }

    /// The tokens of a statement, without white space and comments.
    pub fn tokens_of(&self, statement: &Statement) -> Vec<Token> {
        self.lex(statement).filter(Token::is_significant).collect()
    }

    /// The tokens of a statement, all of them, one by one.
    pub fn lex(&self, statement: &Statement) -> Lexer<'_> {
        Lexer::within(&self.0.text, statement.span.clone(), self.0.flavor)
    }

    /// The names in one statement, in lower case: words and quoted names, without those in bodies.
    pub fn names_of(&self, statement: &Statement) -> BTreeSet<String> {
        let names =
            self.lex(statement).filter_map(|token| Some(token.name(self.text(), self.flavor())?.to_lowercase()));
        names.collect()
    }

    /// Every name that is used, in lower case: words and quoted names, key words among them; those in bodies and in literals
    /// too, for that is where functions and dynamic SQL name tables. Values of INSERT are no names.
    pub fn names(&self) -> BTreeSet<String> {
        let (text, flavor) = (self.text(), self.flavor());
        let mut names = BTreeSet::new();
        for statement in self.statements() {
            let first = self.lex(statement).find(|token| token.kind == TokenKind::Word);
            let values = first.is_some_and(|word| word.is_word(text, "insert") || word.is_word(text, "replace"));
            let look = if values { Look::IntoBodies } else { Look::IntoLiterals };
            each_token(self.sql(statement), flavor, look, |token, piece| note_name(&mut names, token, piece, flavor));
        }
        names
    }

    /// Literals by which its statements choose rows (after WHERE, ON, HAVING, WHEN): as values of rows they make them meet
    /// some. What is inserted or set is left out, since rows that hold that already would only be in the way.
    pub fn chosen_literals(&self) -> BTreeSet<String> {
        let (text, flavor) = (self.text(), self.flavor());
        let mut literals = BTreeSet::new();
        for statement in self.statements() {
            let mut chooses = false;
            for token in self.lex(statement) {
                if token.kind == TokenKind::Word {
                    let is = |words: &[&str]| words.iter().any(|word| token.is_word(text, word));
                    chooses = (chooses || is(CHOOSES)) && !is(WRITES);
                } else if chooses && token.span.len() <= MAX_LITERAL_BYTES {
                    literals.extend(token.value(text, flavor).map(|value| value.into_owned()));
                }
            }
        }
        literals
    }

    /// Of these literals, those that its INSERTs are about to put into a table (its name, last part, in lower case): no key of a
    /// row before them. One by which an earlier statement chooses rows is; and where an INSERT writes over the row that has its
    /// key, meeting one says more.
    pub fn inserted_literals(&self, among: &BTreeSet<String>) -> BTreeSet<(String, String)> {
        let (text, flavor) = (self.text(), self.flavor());
        let (mut inserted, mut chosen) = (BTreeSet::new(), BTreeSet::new());
        for statement in if among.is_empty() { &[] } else { self.statements() } {
            let tokens = || self.lex(statement).filter(Token::is_significant);
            let is_insert = tokens().next().is_some_and(|token| token.is_word(text, "insert"));
            let values = |token: Token| Some(token.value(text, flavor)?.into_owned());
            let used = tokens().filter_map(values).filter(|value| among.contains(value));
            if !is_insert {
                chosen.extend(used);
            } else if let Some(table) = inserted_into(text, flavor, tokens()) {
                inserted.extend(used.filter(|value| !chosen.contains(value)).map(|value| (table.clone(), value)));
            }
        }
        inserted
    }

    /// The values of the string and number literals, those in bodies too; very long ones are left out.
    pub fn literals(&self) -> BTreeSet<String> {
        let flavor = self.flavor();
        let mut values = BTreeSet::new();
        for statement in self.statements() {
            each_token(self.sql(statement), flavor, Look::IntoBodies, |token, piece| {
                let raw = token.text(piece);
                if raw.len() <= MAX_LITERAL_BYTES && !raw.starts_with('$') {
                    values.extend(token.value(piece, flavor).map(|value| value.into_owned()));
                }
            });
        }
        values
    }
}

/// The last part of the name of the table that an INSERT adds rows to; `None` where it writes over some.
fn inserted_into(text: &str, flavor: Flavor, tokens: impl Iterator<Item = Token>) -> Option<String> {
    let between = ["into", "or", "ignore", "abort", "fail", "rollback", "low_priority", "high_priority", "delayed"];
    let is_between = |token: &Token| between.iter().any(|word| token.is_word(text, word));
    let mut tokens = tokens.skip(1).skip_while(is_between).peekable();
    let mut table = tokens.next()?;
    while tokens.next_if(|token| token.is_symbol(text, ".")).is_some() {
        table = tokens.next()?;
    }
    // `ON CONFLICT … DO UPDATE`, `ON DUPLICATE KEY UPDATE`
    let writes_over = table.is_word(text, "replace") || tokens.any(|token| token.is_word(text, "update"));
    let name = table.name(text, flavor)?.to_lowercase();
    (!writes_over).then_some(name)
}

/// Literals that are, or may hold, a password: `PASSWORD 'x'`, `IDENTIFIED BY 'x'`, `CONNECTION 'password=x'`.
fn secrets(text: &str, range: Range<usize>, flavor: Flavor) -> Vec<Range<usize>> {
    /// How many tokens may stand between the word and the literal: `SET PASSWORD FOR 'a'@'b' = 'x'`.
    const REACH: u32 = 5;
    /// Longer literals are data or code, and looking into each would cost more than lexing.
    const LONGEST: usize = 1 << 16;
    let (mut secrets, mut reach) = (Vec::new(), 0u32);
    for token in Lexer::within(text, range, flavor).filter(Token::is_significant) {
        reach = reach.saturating_sub(1);
        let raw = token.text(text);
        if token.kind == TokenKind::Text {
            if reach > 0 || (raw.len() < LONGEST && names_secret(raw)) {
                secrets.push(token.span);
            }
        } else if raw == ";" {
            reach = 0;
        } else if raw.len() < LONGEST && names_secret(raw) {
            reach = REACH + 1;
        }
    }
    secrets
}

fn names_secret(raw: &str) -> bool {
    let raw = raw.to_ascii_lowercase();
    ["password", "passwd", "identified"].iter().any(|word| raw.contains(word)) || raw == "connection"
}

/// A part of the text in which what stands in `secrets` is three stars.
fn masked(text: &str, range: Range<usize>, secrets: &[Range<usize>]) -> String {
    let (mut out, mut from) = (String::new(), range.start);
    for secret in secrets.iter().filter(|secret| secret.start < range.end && secret.end > range.start) {
        out.push_str(&text[from..secret.start.max(from)]);
        out.push_str("***");
        from = secret.end.min(range.end);
    }
    out.push_str(&text[from..range.end]);
    out
}

/// Key words behind which a statement chooses rows.
const CHOOSES: &[&str] = &["where", "on", "having", "when"];

/// Key words behind which it does not any more.
const WRITES: &[&str] = &["values", "select", "set", "then", "else", "returning", "limit", "create"];

/// Which literals hold SQL to be looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Dollar-quoted ones.
    IntoBodies,
    IntoLiterals,
}

/// Tells the tokens of a piece of SQL, and of the literals in it, some levels deep.
fn each_token(sql: &str, flavor: Flavor, look: Look, mut tell: impl FnMut(&Token, &str)) {
    const LEVELS: u32 = 8;
    let mut pieces = vec![(sql, 0)];
    while let Some((piece, level)) = pieces.pop() {
        for token in tokens(piece, flavor) {
            tell(&token, piece);
            let raw = token.text(piece);
            if token.kind != TokenKind::Text || level == LEVELS {
                continue;
            }
            if let Some(body) = raw.starts_with('$').then(|| dollar_body(raw)).flatten() {
                pieces.push((&raw[body], level + 1));
            } else if look == Look::IntoLiterals {
                pieces.push((inner(raw), level + 1));
            }
        }
    }
}

impl Inner {
    fn place(&self, offset: usize) -> Place {
        if let Some((start, part)) = self.parts.iter().rev().find(|(start, _)| *start <= offset) {
            return part.place(offset - start);
        }
        let (number, line, at) = self.line(offset);
        let column = one_based(self.text[line][..at].chars().count());
        Place::new(self.path.clone(), self.first_line.saturating_add(number), column)
    }

    /// Number of the line from 0, its bytes without the line end, and the byte within it.
    fn line(&self, offset: usize) -> (u32, Range<usize>, usize) {
        let offset = floor_boundary(&self.text, offset);
        let lines = self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
        });
        let number = lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = lines[number];
        let end = lines.get(number + 1).map_or(self.text.len(), |next| next - 1);
        let line = self.text[start..end].strip_suffix('\r').unwrap_or(&self.text[start..end]);
        (u32::try_from(number).unwrap_or(u32::MAX), start..start + line.len(), (offset - start).min(line.len()))
    }
}

/// The text, or what of it can be shown, and why it cannot be used.
fn decode(bytes: &[u8]) -> (String, Option<Problem>) {
    if bytes.len() > MAX_SCRIPT_BYTES {
        let message = format!("the script has {} bytes, more than the {MAX_SCRIPT_BYTES} that are read", bytes.len());
        return (String::new(), Some(Problem::new(0, "too-large", message).help("split it into several migrations")));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let nul = bytes.iter().position(|byte| *byte == 0);
            let problem = nul.map(|at| Problem::new(at, "nul-byte", "a NUL byte: engines disagree on what follows it"));
            (text.to_owned(), problem)
        }
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("not UTF-8: byte 0x{:02x}", bytes[at]);
            let problem = Problem::new(at, "not-utf8", message).help("save the file as UTF-8");
            (String::from_utf8_lossy(bytes).into_owned(), Some(problem))
        }
    }
}

fn note_name(names: &mut BTreeSet<String>, token: &Token, text: &str, flavor: Flavor) {
    if let Some(name) = token.name(text, flavor) {
        let name =
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name };
        if !names.contains(name.as_ref()) {
            names.insert(name.into_owned());
        }
    }
}

/// What stands between the quotes of a literal; never the literal itself, so that looking into it comes to an end.
fn inner(raw: &str) -> &str {
    let open = raw.find(['\'', '"']).map_or(raw.len(), |at| at + 1);
    let rest = &raw[open..];
    rest.strip_suffix(['\'', '"']).unwrap_or(rest)
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn one_based(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1)
}
