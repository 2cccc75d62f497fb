//! The splitter: cuts a text into statements in one pass, and takes both checksums on the way.
//!
//! It does what the engine's own client does: `DELIMITER` lines, inline `COPY` rows, comments that hold code. What a
//! client would do besides (psql's `\set`, MySQL's `SOURCE`) is a problem with its place, found before anything runs.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::body::Body;
use crate::sha::hex;
use crate::sql::{Blocks, Checksum, Flavor, Statement, TOKENS_VERSION};
use crate::token::{Lexer, Token, TokenKind, tokens};

/// What a text turned out to hold.
#[derive(Debug)]
pub struct Split {
    /// Up to the problem, if there is one.
    pub statements: Vec<Statement>,
    pub checksum: Checksum,
    pub problem: Option<Problem>,
}

/// What makes a text unusable.
#[derive(Debug)]
pub struct Problem {
    pub offset: usize,
    pub code: &'static str,
    pub message: String,
    pub help: Option<&'static str>,
}

impl Problem {
    pub fn new(offset: usize, code: &'static str, message: impl Into<String>) -> Self {
        Problem { offset, code, message: message.into(), help: None }
    }

    pub fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

type Step = Result<(), Problem>;

/// Splits a text. What it says of the blocks' markers holds for line comments only.
pub fn split(text: &str, flavor: Flavor, blocks: Option<&Blocks>) -> Split {
    let mut splitter = Splitter {
        text,
        flavor,
        blocks,
        lexer: tokens(text, flavor),
        body: Body::new(flavor),
        statements: Vec::new(),
        current: Current::default(),
        tokens: TokenHash::new(),
        normal: text.contains('\r').then(|| Normal { hash: Sha256::new(), from: 0 }),
    };
    match splitter.all() {
        Ok(()) => {
            let statements = std::mem::take(&mut splitter.statements);
            Split { statements, checksum: splitter.checksum(), problem: None }
        }
        Err(problem) => {
            Split { statements: splitter.statements, checksum: raw_checksum(text.as_bytes()), problem: Some(problem) }
        }
    }
}

/// The checksum of what cannot be read as tokens; it never equals that of a usable script.
pub fn raw_checksum(bytes: &[u8]) -> Checksum {
    let tokens = Sha256::new().chain_update(b"unreadable ").chain_update(bytes).finalize();
    Checksum { text: hex(&Sha256::digest(bytes)), tokens: hex(&tokens) }
}

struct Splitter<'a> {
    text: &'a str,
    flavor: Flavor,
    blocks: Option<&'a Blocks>,
    lexer: Lexer<'a>,
    body: Body,
    statements: Vec<Statement>,
    current: Current,
    tokens: TokenHash,
    /// `None`: there is no carriage return, so the text is normal as it is.
    normal: Option<Normal>,
}

/// The statement that is being read.
#[derive(Default)]
struct Current {
    start: Option<usize>,
    end: usize,
    /// First of the hints before the statement; they belong to it once it begins.
    hint: Option<usize>,
    /// Semicolons that belong to the statement if it goes on.
    held: u32,
}

impl<'a> Splitter<'a> {
    fn all(&mut self) -> Step {
        while let Some(token) = self.lexer.next() {
            match token.kind {
                TokenKind::White => self.normalise(&token),
                TokenKind::Comment => self.comment(&token)?,
                TokenKind::Delimiter => self.finish(),
                TokenKind::Symbol => self.symbol(&token)?,
                TokenKind::Word if self.current.start.is_none() => self.first_word(&token)?,
                TokenKind::Word => self.word(&token)?,
                TokenKind::Hint if self.current.start.is_none() => {
                    self.current.hint.get_or_insert(token.span.start);
                }
                _ => self.take(&token),
            }
        }
        self.at_end()
    }

    fn at_end(&mut self) -> Step {
        if let Some(open) = self.lexer.unterminated() {
            return Err(unterminated(open.what, open.offset));
        }
        if let Some(at) = self.lexer.bare_cr() {
            return Err(bare_cr(at));
        }
        if let Some(start) = self.current.start {
            if self.body.is_copy_from_stdin() {
                return Err(no_rows(start));
            }
            if self.body.has_open_block() && !self.lexer.has_delimiter() {
                let problem = unterminated("statement body", start);
                return Err(problem.help("a BEGIN, IF, CASE, LOOP, REPEAT or WHILE in it has no END"));
            }
        }
        self.finish();
        Ok(())
    }

    /// A significant token that is part of a statement.
    fn take(&mut self, token: &Token) {
        if self.current.start.is_none() {
            self.current.start = Some(self.current.hint.unwrap_or(token.span.start));
            if let Some(hint) = self.current.hint {
                let before = Lexer::within(self.text, hint..token.span.start, self.flavor);
                before.filter(Token::is_significant).for_each(|hint| self.tokens.token(hint.text(self.text)));
            }
        }
        for _ in 0..std::mem::take(&mut self.current.held) {
            self.tokens.token(";");
        }
        let text = token.text(self.text);
        self.tokens.token(text);
        self.body.feed(token.kind, text);
        self.current.end = token.span.end;
    }

    /// Ends the statement, if one has begun.
    fn finish(&mut self) {
        if let Some(start) = self.current.start {
            self.statements.push(Statement { span: start..self.current.end, copy: None });
            self.tokens.end();
        }
        self.current = Current::default();
        self.body.clear();
    }

    fn symbol(&mut self, token: &Token) -> Step {
        let begun = self.current.start.is_some();
        match token.text(self.text) {
            ";" if !begun => {
                self.current = Current::default();
                self.lexer.seek(token.span.end);
                Ok(())
            }
            ";" if self.holds_semicolon() => {
                self.current.held += 1;
                self.body.feed(token.kind, ";");
                Ok(())
            }
            ";" if self.body.is_copy_from_stdin() => self.copy(token),
            ";" => {
                self.finish();
                self.lexer.seek(token.span.end);
                Ok(())
            }
            "\\" if self.flavor == Flavor::Postgres => Err(meta_command(self.text, token.span.start)),
            "\\" if self.flavor == Flavor::Mysql && !self.lexer.in_executable() && !self.null(token) => {
                Err(client_command(self.text, token.span.start))
            }
            "." if self.flavor == Flavor::Sqlite && !begun => Err(client_command(self.text, token.span.start)),
            _ => {
                self.take(token);
                Ok(())
            }
        }
    }

    /// With a delimiter of its own, a routine is ended by nothing else; everything else ends at a semicolon too, so that
    /// each statement has its own place.
    fn holds_semicolon(&self) -> bool {
        self.body.is_open() || self.lexer.in_executable() || (self.lexer.has_delimiter() && self.body.is_routine())
    }

    /// MySQL's `\N`.
    fn null(&self, token: &Token) -> bool {
        self.text[token.span.end..].starts_with('N')
    }

    fn first_word(&mut self, token: &Token) -> Step {
        let word = token.text(self.text);
        let at = token.span.start;
        if word.eq_ignore_ascii_case("delimiter") {
            return match self.flavor {
                Flavor::Mysql => self.delimiter(token),
                _ => Err(Problem::new(at, "client-command", "DELIMITER is a command of MySQL's client, not SQL")
                    .help("take the DELIMITER lines out: bodies are recognised without them")),
            };
        }
        if self.flavor == Flavor::Mysql && CLIENT_WORDS.iter().any(|client| word.eq_ignore_ascii_case(client)) {
            return Err(client_command(self.text, at));
        }
        self.take(token);
        Ok(())
    }

    fn word(&mut self, token: &Token) -> Step {
        if self.flavor == Flavor::Mysql
            && token.is_word(self.text, "delimiter")
            && !self.body.in_parens()
            && self.text[..token.span.start].rsplit('\n').next().is_some_and(|line| line.trim().is_empty())
        {
            let message = "DELIMITER stands inside a statement";
            return Err(Problem::new(token.span.start, "delimiter", message)
                .help("end the statement before it with the delimiter that is in force"));
        }
        self.take(token);
        Ok(())
    }

    /// `DELIMITER $$`: the rest of the line is the client's.
    fn delimiter(&mut self, token: &Token) -> Step {
        let line = line_at(self.text, token.span.end);
        let rest = self.text[line.clone()].trim();
        let argument = match rest.chars().next() {
            Some(quote @ ('\'' | '"' | '`')) => rest[1..].split(quote).next(),
            _ => rest.split_whitespace().next(),
        };
        let delimiter = argument.unwrap_or_default();
        if delimiter.is_empty() || delimiter.contains('\\') {
            let what = if delimiter.is_empty() { "DELIMITER names no delimiter" } else { "a delimiter cannot hold \\" };
            return Err(Problem::new(token.span.start, "delimiter", what));
        }
        self.lexer.set_delimiter(if delimiter == ";" { "" } else { delimiter });
        self.lexer.seek(line.end);
        self.current = Current::default();
        Ok(())
    }

    /// The rows behind `COPY … FROM stdin;`, up to a line that is `\.`.
    fn copy(&mut self, semicolon: &Token) -> Step {
        let start = self.current.start.unwrap_or(semicolon.span.start);
        let line = line_at(self.text, semicolon.span.end);
        if !self.text[line.clone()].trim().is_empty() {
            let message = "the rows of COPY begin on the next line, and nothing else may follow it on this one";
            return Err(Problem::new(semicolon.span.end, "copy", message));
        }
        let rows = self.text[line.end..].find('\n').map_or(self.text.len(), |at| line.end + at + 1);
        let mut from = rows;
        loop {
            let Some(mark) = self.text[from..].find("\\.").map(|at| from + at) else {
                return Err(no_rows(start));
            };
            let rest = line_at(self.text, mark + 2);
            if (mark == rows || self.text[..mark].ends_with('\n')) && rest.is_empty() {
                self.finish();
                if let Some(statement) = self.statements.last_mut() {
                    statement.copy = Some(rows..mark);
                }
                self.tokens.copy(&self.text[rows..mark]);
                self.lexer.seek(mark + 2);
                return Ok(());
            }
            from = mark + 2;
        }
    }

    fn comment(&mut self, token: &Token) -> Step {
        self.normalise(token);
        let Some(blocks) = self.blocks else { return Ok(()) };
        let text = token.text(self.text);
        if blocks.ends(text) {
            return Err(Problem::new(token.span.start, "block", format!("`{}` ends no block", blocks.end)));
        }
        if blocks.begins(text) { self.block(token, blocks) } else { Ok(()) }
    }

    /// Everything up to the line that ends the block is one statement.
    fn block(&mut self, opening: &Token, blocks: &Blocks) -> Step {
        let mut at = opening.span.end;
        let ending = loop {
            let Some(line_end) = self.text[at..].find('\n') else {
                let message = format!("`{}` is never closed by `{}`", blocks.begin, blocks.end);
                return Err(Problem::new(opening.span.start, "block", message));
            };
            at += line_end + 1;
            let line = line_at(self.text, at);
            if blocks.ends(self.text[line.clone()].trim()) {
                break line;
            }
        };
        let mut inside = Lexer::within(self.text, opening.span.end..ending.start, self.flavor);
        for token in inside.by_ref() {
            if !token.is_significant() {
                self.normalise(&token);
            } else if token.is_symbol(self.text, ";") {
                self.current.held += u32::from(self.current.start.is_some());
            } else {
                self.take(&token);
            }
        }
        if let Some(open) = inside.unterminated() {
            return Err(unterminated(open.what, open.offset));
        }
        if let Some(at) = inside.bare_cr() {
            return Err(bare_cr(at));
        }
        self.finish();
        self.lexer.seek(ending.end);
        Ok(())
    }

    /// White space and comments have LF line ends in the text's checksum.
    fn normalise(&mut self, token: &Token) {
        let Some(normal) = &mut self.normal else { return };
        let text = token.text(self.text);
        if text.contains('\r') {
            normal.hash.update(&self.text[normal.from..token.span.start]);
            normal.hash.update(text.replace("\r\n", "\n").replace('\r', "\n"));
            normal.from = token.span.end;
        }
    }

    fn checksum(self) -> Checksum {
        let text = match self.normal {
            None => Sha256::digest(self.text),
            Some(normal) => normal.hash.chain_update(&self.text[normal.from..]).finalize(),
        };
        Checksum { text: hex(&text), tokens: self.tokens.finish() }
    }
}

/// The text's checksum where line ends have to be changed: what stands before `from` is in it.
struct Normal {
    hash: Sha256,
    from: usize,
}

/// The token checksum: length-prefixed tokens; no token has the length 0, which ends a statement, nor the largest
/// one, behind which rows stand.
struct TokenHash {
    sha: Sha256,
    buffer: Vec<u8>,
}

impl TokenHash {
    const BUFFER: usize = 4096;

    fn new() -> Self {
        let sha = Sha256::new().chain_update(format!("switchback-tokens-v{TOKENS_VERSION} "));
        TokenHash { sha, buffer: Vec::with_capacity(512) }
    }

    fn token(&mut self, text: &str) {
        self.buffer.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX - 1).to_be_bytes());
        self.bytes(text.as_bytes());
    }

    fn end(&mut self) {
        self.bytes(&0u32.to_be_bytes());
    }

    fn copy(&mut self, rows: &str) {
        self.bytes(&u32::MAX.to_be_bytes());
        self.token(rows);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > Self::BUFFER {
            self.sha.update(&self.buffer);
            self.buffer.clear();
        }
        if bytes.len() > Self::BUFFER {
            self.sha.update(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    fn finish(mut self) -> String {
        self.sha.update(&self.buffer);
        hex(&self.sha.finalize())
    }
}

/// From here to the end of the line, without its line end.
fn line_at(text: &str, from: usize) -> Range<usize> {
    let end = text[from..].find('\n').map_or(text.len(), |at| from + at);
    from..if text[from..end].ends_with('\r') { end - 1 } else { end }
}

/// Words with which no statement begins, but a command of MySQL's client does.
const CLIENT_WORDS: &[&str] = &[
    "source",
    "system",
    "tee",
    "notee",
    "pager",
    "nopager",
    "connect",
    "charset",
    "prompt",
    "ego",
    "go",
    "quit",
    "exit",
    "rehash",
    "status",
    "warnings",
    "nowarning",
    "edit",
    "resetconnection",
];

fn unterminated(what: &str, offset: usize) -> Problem {
    Problem::new(offset, "unterminated", format!("this {what} is never closed"))
}

fn bare_cr(at: usize) -> Problem {
    let message = "a carriage return without line feed in a comment: engines disagree whether the comment ends here";
    Problem::new(at, "bare-cr", message).help("save the file with LF line ends")
}

fn no_rows(start: usize) -> Problem {
    Problem::new(start, "unterminated", "the rows of this COPY have no closing `\\.` line")
}

/// The word that a client command is called by.
fn command(text: &str, at: usize) -> &str {
    let line = &text[line_at(text, at)];
    let end = line.find(|ch: char| ch.is_whitespace() || ch == ';').unwrap_or(line.len());
    &line[..end.min(line.char_indices().nth(40).map_or(line.len(), |(at, _)| at))]
}

fn meta_command(text: &str, at: usize) -> Problem {
    let command = command(text, at);
    let problem = Problem::new(at, "client-command", format!("`{command}` is a command of psql, not SQL"));
    match command {
        "\\." => problem.help("`\\.` ends the rows of COPY … FROM stdin, and there are none here"),
        "\\copy" => problem.help("write the rows into the script: COPY … FROM stdin; rows; a line with \\."),
        "\\restrict" | "\\unrestrict" => problem.help("pg_dump writes this line; it can be taken out"),
        _ => problem.help("write it as SQL, or take it out"),
    }
}

fn client_command(text: &str, at: usize) -> Problem {
    let command = command(text, at);
    Problem::new(at, "client-command", format!("`{command}` is a command of the engine's client, not SQL"))
        .help("write it as SQL, or take it out")
}
