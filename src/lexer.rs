//! The lexer: fast and lossless, for three dialects.
//!
//! Every byte of a text belongs to exactly one token, in order, so whatever stands on tokens (statements, checksums,
//! names) can be checked by putting the text together again. Nothing here recurses or allocates per token: a script may be
//! 50 MB long or 100,000 levels deep.

use std::ops::Range;

use crate::sql::Flavor;
use crate::token::{Token, TokenKind};

/// Something that was opened and never closed; its token runs to the end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    pub what: &'static str,
    /// Byte at which it was opened.
    pub offset: usize,
}

/// The tokens of a text.
pub fn tokens(text: &str, flavor: Flavor) -> Lexer<'_> {
    Lexer::within(text, 0..text.len(), flavor)
}

/// A lexer over part of a text; an iterator of [`Token`]s.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    /// Up to the end of what is read.
    bytes: &'a [u8],
    flavor: Flavor,
    at: usize,
    /// Empty: none but the semicolon.
    delimiter: &'a [u8],
    /// Opening of the outermost executable comment, and how many are open.
    executable: Option<(usize, u32)>,
    /// No token since the last end of a statement: the place where MySQL's client reads `--x` as a comment.
    fresh: bool,
    open: Option<Open>,
    bare_cr: Option<usize>,
}

const WORD: u8 = 1;
const WHITE: u8 = 2;
const DIGIT: u8 = 4;
const OPERATOR: u8 = 8;

/// What a byte can be part of, in any dialect.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut i = 0usize;
    while i < 256 {
        let byte = i as u8;
        table[i] = match byte {
            b'0'..=b'9' => WORD | DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | 0x80.. => WORD,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => WHITE,
            b'+' | b'-' | b'*' | b'/' | b'<' | b'>' | b'=' | b'~' | b'!' | b'%' | b'^' | b'&' | b'|' => OPERATOR,
            _ => 0,
        };
        i += 1;
    }
    table
}

fn is(byte: u8, class: u8) -> bool {
    CLASS[usize::from(byte)] & class != 0
}

impl<'a> Lexer<'a> {
    /// The tokens of a part of a text; spans count from the text's start.
    pub fn within(text: &'a str, range: Range<usize>, flavor: Flavor) -> Self {
        Lexer {
            bytes: &text.as_bytes()[..range.end],
            flavor,
            at: range.start,
            delimiter: b"",
            executable: None,
            fresh: true,
            open: None,
            bare_cr: None,
        }
    }

    /// What was opened and not closed; known once the last token was read.
    pub fn unterminated(&self) -> Option<Open> {
        self.open
    }

    /// The first carriage return that stands alone in a line comment with more text behind it: the comment goes on for
    /// MySQL and SQLite, and ends there for PostgreSQL.
    pub fn bare_cr(&self) -> Option<usize> {
        self.bare_cr
    }

    /// Whether the last token stands inside an executable comment.
    pub fn in_executable(&self) -> bool {
        self.executable.is_some()
    }

    /// Goes on at this byte, at the start of a statement.
    pub fn seek(&mut self, at: usize) {
        self.at = at;
        self.fresh = true;
    }

    /// Reads this as a delimiter besides the semicolon; an empty one ends that.
    pub fn set_delimiter(&mut self, delimiter: &'a str) {
        self.delimiter = delimiter.as_bytes();
    }

    /// Whether a delimiter besides the semicolon is in force.
    pub fn has_delimiter(&self) -> bool {
        !self.delimiter.is_empty()
    }

    fn peek(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn delimiter_at(&self, at: usize) -> bool {
        !self.delimiter.is_empty() && self.bytes[at..].starts_with(self.delimiter)
    }

    fn unclosed(&mut self, what: &'static str, offset: usize) {
        self.open = Some(Open { what, offset });
        self.at = self.bytes.len();
    }

    fn scan(&mut self, start: usize, first: u8) -> TokenKind {
        use Flavor::{Mysql, Postgres, Sqlite};
        let next = self.peek(start + 1);
        if self.delimiter_at(start) {
            self.at = start + self.delimiter.len();
            return TokenKind::Delimiter;
        }
        match (first, self.flavor) {
            _ if is(first, WHITE) => self.run(start, WHITE, TokenKind::White),
            (b'-', _) if self.is_dash_comment(start, self.fresh) => self.line_comment(start),
            (b'#', Mysql) => self.line_comment(start),
            (b'/', _) if next == b'*' => self.block(start),
            (b'*', _) if next == b'/' && self.executable.is_some() => self.end_executable(start),
            (b'\'', _) => self.literal(start, start, TokenKind::Text),
            (b'"', Mysql) => self.literal(start, start, TokenKind::Text),
            (b'"', _) => self.literal(start, start, TokenKind::QuotedIdent),
            (b'`', Mysql | Sqlite) => self.literal(start, start, TokenKind::QuotedIdent),
            (b'[', Sqlite) => self.bracket(start),
            (b'$', Postgres | Sqlite) => self.dollar(start),
            (b'$', Mysql) => self.dollar_or_word(start),
            (b'?', Mysql | Sqlite) => self.parameter(start + 1),
            (b':', Sqlite) if is(next, WORD) => self.parameter(start + 1),
            (b'@', Sqlite) if is(next, WORD) => self.parameter(start + 1),
            (b'@', Mysql) => self.variable(start),
            (b'.', _) if is(next, DIGIT) => self.number(start),
            _ if is(first, DIGIT) => self.number(start),
            _ if is(first, WORD) => self.word(start),
            _ if self.is_operator(first) => self.operator(start),
            _ => {
                self.at = start + 1;
                TokenKind::Symbol
            }
        }
    }

    fn run(&mut self, from: usize, class: u8, kind: TokenKind) -> TokenKind {
        let rest = &self.bytes[from..];
        self.at = from + rest.iter().position(|&byte| !is(byte, class)).unwrap_or(rest.len());
        kind
    }

    /// Two dashes begin a comment; in MySQL only before white space, or where nothing has been said yet.
    fn is_dash_comment(&self, at: usize, fresh: bool) -> bool {
        self.bytes[at..].starts_with(b"--")
            && (self.flavor != Flavor::Mysql
                || fresh
                || self.bytes.get(at + 2).is_none_or(|&byte| byte <= b' ' || byte == 0x7f))
    }

    fn line_comment(&mut self, start: usize) -> TokenKind {
        let rest = &self.bytes[start..];
        let line = &rest[..rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())];
        self.at = start + line.len();
        if self.bare_cr.is_none() {
            let alone = line.iter().position(|&byte| byte == b'\r');
            let more = |&at: &usize| line[at..].iter().any(|&byte| !is(byte, WHITE));
            self.bare_cr = alone.filter(more).map(|at| start + at);
        }
        // The line end stays out, so that it is white space whatever it is made of.
        if line.ends_with(b"\r") && self.bytes.get(self.at) == Some(&b'\n') {
            self.at -= 1;
        }
        TokenKind::Comment
    }

    fn block(&mut self, start: usize) -> TokenKind {
        let rest = &self.bytes[start + 2..];
        if self.flavor == Flavor::Mysql {
            let mark = if rest.starts_with(b"!") { 1 } else { 2 * usize::from(rest.starts_with(b"M!")) };
            if mark > 0 {
                let digits = rest[mark..].iter().take(6).take_while(|byte| is(**byte, DIGIT)).count();
                self.at = start + 2 + mark + digits;
                self.executable = match self.executable {
                    None => Some((start, 1)),
                    Some((outer, depth)) => Some((outer, depth + 1)),
                };
                return TokenKind::Executable;
            }
        }
        let (mut at, mut depth) = (start + 2, 1u32);
        while depth > 0 {
            let rest = &self.bytes[at..];
            let Some(found) = rest.iter().position(|&byte| byte == b'*' || byte == b'/') else {
                self.unclosed("comment", start);
                return TokenKind::Comment;
            };
            let pair = &rest[found..rest.len().min(found + 2)];
            at += found + 1;
            if pair == b"*/" {
                depth -= 1;
                at += 1;
            } else if pair == b"/*" && self.flavor == Flavor::Postgres {
                depth += 1;
                at += 1;
            }
        }
        self.at = at;
        if self.peek(start + 2) == b'+' && self.flavor != Flavor::Sqlite { TokenKind::Hint } else { TokenKind::Comment }
    }

    fn end_executable(&mut self, start: usize) -> TokenKind {
        self.at = start + 2;
        self.executable = self.executable.and_then(|(outer, depth)| (depth > 1).then_some((outer, depth - 1)));
        TokenKind::Executable
    }

    /// From `open`, which is the quote; the token began at `start`, where its prefix is.
    fn literal(&mut self, start: usize, open: usize, kind: TokenKind) -> TokenKind {
        let quote = self.bytes[open];
        let escape_string = self.flavor == Flavor::Postgres && matches!(self.bytes[start], b'e' | b'E');
        let escapes = escape_string || (self.flavor == Flavor::Mysql && quote != b'`');
        let mut at = open + 1;
        loop {
            let rest = &self.bytes[at.min(self.bytes.len())..];
            let Some(found) = rest.iter().position(|&byte| byte == quote || (escapes && byte == b'\\')) else {
                let what = if kind == TokenKind::QuotedIdent { "quoted name" } else { "string" };
                self.unclosed(what, start);
                return kind;
            };
            at += found + 1;
            if rest[found] == b'\\' || self.peek(at) == quote {
                at += 1;
            } else if let Some(again) = self.continued(at).filter(|_| escape_string) {
                at = again;
            } else {
                self.at = at;
                return kind;
            }
        }
    }

    /// PostgreSQL goes on with a string behind a line end, and with its kind of escapes too: the byte behind the next
    /// opening quote.
    fn continued(&self, from: usize) -> Option<usize> {
        let (mut at, mut line_end) = (from, false);
        loop {
            match self.peek(at) {
                b'\n' | b'\r' => line_end = true,
                b'-' if self.peek(at + 1) == b'-' => {
                    at += self.bytes[at..].iter().position(|&byte| byte == b'\n' || byte == b'\r')?;
                    continue;
                }
                b'\'' => return line_end.then_some(at + 1),
                byte if is(byte, WHITE) => {}
                _ => return None,
            }
            at += 1;
        }
    }

    fn bracket(&mut self, start: usize) -> TokenKind {
        match self.bytes[start..].iter().position(|&byte| byte == b']') {
            Some(found) => self.at = start + found + 1,
            None => self.unclosed("quoted name", start),
        }
        TokenKind::QuotedIdent
    }

    fn dollar(&mut self, start: usize) -> TokenKind {
        let next = self.peek(start + 1);
        if is(next, DIGIT) || (self.flavor == Flavor::Sqlite && is(next, WORD)) {
            return self.parameter(start + 1);
        }
        let Some(tag) = self.dollar_tag(start).filter(|_| self.flavor == Flavor::Postgres) else {
            self.at = start + 1;
            return TokenKind::Symbol;
        };
        let body = start + tag.len();
        match find(&self.bytes[body..], tag) {
            Some(found) => self.at = body + found + tag.len(),
            None => self.unclosed("dollar-quoted string", start),
        }
        TokenKind::Text
    }

    /// MySQL 9 puts the code of other languages between dollars, behind AS; everywhere else, in MariaDB, and without a second tag, they
    /// begin a name.
    fn dollar_or_word(&mut self, start: usize) -> TokenKind {
        let before = self.bytes[..start].trim_ascii_end();
        let is_behind_as = before.last_chunk().is_some_and(|word: &[u8; 2]| word.eq_ignore_ascii_case(b"as"))
            && !before.len().checked_sub(3).is_some_and(|at| is(before[at], WORD));
        let tag = self.dollar_tag(start).filter(|_| is_behind_as);
        let end = tag.and_then(|tag| {
            let body = start + tag.len();
            find(&self.bytes[body..], tag).map(|found| body + found + tag.len())
        });
        let Some(end) = end else { return self.word(start) };
        self.at = end;
        TokenKind::Text
    }

    /// `$tag$`, or `$$`.
    fn dollar_tag(&self, start: usize) -> Option<&'a [u8]> {
        let rest = &self.bytes[start + 1..];
        let name = rest.iter().position(|&byte| byte == b'$' || !is(byte, WORD)).unwrap_or(rest.len());
        (rest.get(name) == Some(&b'$')).then(|| &self.bytes[start..start + name + 2])
    }

    fn parameter(&mut self, from: usize) -> TokenKind {
        self.at = self.word_end(from);
        TokenKind::Parameter
    }

    /// `@x`, `@'x'`, `@@global.x`; the host of an account too.
    fn variable(&mut self, start: usize) -> TokenKind {
        let from = start + if self.peek(start + 1) == b'@' { 2 } else { 1 };
        match self.peek(from) {
            b'\'' | b'"' | b'`' => self.literal(start, from, TokenKind::Parameter),
            _ => {
                let mut at = self.word_end(from);
                while self.peek(at) == b'.' && at > from && !self.delimiter_at(at) {
                    at = self.word_end(at + 1);
                }
                self.at = at;
                if at > from { TokenKind::Parameter } else { TokenKind::Symbol }
            }
        }
    }

    fn number(&mut self, start: usize) -> TokenKind {
        let end = self.number_end(start);
        let head = &self.bytes[start..end];
        let exponent = head.iter().position(|byte| !is(*byte, DIGIT)).map(|at| head.split_at(at));
        let numeric = match exponent {
            None => true,
            Some((b"0", rest)) if matches!(rest[0], b'x' | b'b' | b'X' | b'B' | b'o' | b'O') => true,
            Some((_, rest)) => matches!(rest[0], b'e' | b'E') && rest[1..].iter().all(|byte| is(*byte, DIGIT)),
        };
        self.at = end;
        // MySQL's names may begin with a digit.
        if !numeric && self.flavor == Flavor::Mysql {
            return TokenKind::Word;
        }
        if self.peek(self.at) == b'.' && self.peek(self.at + 1) != b'.' && !self.delimiter_at(self.at) {
            self.at = self.number_end(self.at + 1);
        }
        if matches!(self.bytes[self.at - 1], b'e' | b'E')
            && matches!(self.peek(self.at), b'+' | b'-')
            && is(self.peek(self.at + 1), DIGIT)
        {
            self.at = self.number_end(self.at + 1);
        }
        TokenKind::Number
    }

    /// End of a run of digits and letters; a dollar sign begins something else in PostgreSQL.
    fn number_end(&self, from: usize) -> usize {
        let end = self.word_end(from);
        let dollar = (self.flavor == Flavor::Postgres).then(|| self.bytes[from..end].iter().position(|&b| b == b'$'));
        dollar.flatten().map_or(end, |at| from + at)
    }

    fn word(&mut self, start: usize) -> TokenKind {
        let end = self.word_end(start);
        let first = self.bytes[start].to_ascii_lowercase();
        let prefixes: &[u8] = match self.flavor {
            Flavor::Postgres => b"ebxn",
            Flavor::Mysql => b"bxn",
            Flavor::Sqlite => b"x",
        };
        if end == start + 1 {
            let quote = self.peek(end);
            if quote == b'\'' && prefixes.contains(&first) {
                return self.literal(start, end, TokenKind::Text);
            }
            if self.flavor == Flavor::Postgres && first == b'u' && quote == b'&' {
                match self.peek(end + 1) {
                    b'\'' => return self.literal(start, end + 1, TokenKind::Text),
                    b'"' => return self.literal(start, end + 1, TokenKind::QuotedIdent),
                    _ => {}
                }
            }
        }
        self.at = end;
        TokenKind::Word
    }

    /// MySQL's client finds its delimiter inside words too: `END$$`.
    fn word_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from.min(self.bytes.len())..];
        let end = from + rest.iter().position(|&byte| !is(byte, WORD)).unwrap_or(rest.len());
        if self.delimiter.is_empty() {
            return end;
        }
        (from..end).find(|&at| self.delimiter_at(at)).unwrap_or(end)
    }

    fn is_operator(&self, byte: u8) -> bool {
        is(byte, OPERATOR)
            || match self.flavor {
                Flavor::Postgres => matches!(byte, b':' | b'@' | b'#' | b'?' | b'`'),
                Flavor::Mysql => byte == b':',
                Flavor::Sqlite => false,
            }
    }

    /// A run of operator characters is one token: white space inside it would change what it means.
    fn operator(&mut self, start: usize) -> TokenKind {
        let mut at = start + 1;
        while self.is_operator(self.peek(at)) && !self.ends_operator(at) {
            at += 1;
        }
        self.at = at;
        TokenKind::Symbol
    }

    fn ends_operator(&self, at: usize) -> bool {
        let rest = &self.bytes[at..];
        self.is_dash_comment(at, false)
            || rest.starts_with(b"/*")
            || (self.executable.is_some() && rest.starts_with(b"*/"))
            || self.delimiter_at(at)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let Some(&first) = self.bytes.get(start) else {
            if let (Some((offset, _)), None) = (self.executable, self.open) {
                self.open = Some(Open { what: "executable comment", offset });
            }
            return None;
        };
        let kind = self.scan(start, first);
        match kind {
            TokenKind::White | TokenKind::Comment => {}
            TokenKind::Symbol => self.fresh = first == b';' && self.delimiter.is_empty(),
            _ => self.fresh = kind == TokenKind::Delimiter,
        }
        // An escape as the very last byte steps one too far.
        self.at = self.at.min(self.bytes.len());
        Some(Token { kind, span: start..self.at })
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        from += haystack.get(from..)?.iter().position(|byte| *byte == needle[0])?;
        if haystack[from..].starts_with(needle) {
            return Some(from);
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str, flavor: Flavor) -> Vec<(TokenKind, &str)> {
        tokens(text, flavor).filter(Token::is_significant).map(|token| (token.kind, token.text(text))).collect()
    }

    #[test]
    fn an_escape_string_goes_on_behind_a_line_end_with_its_escapes() {
        let text = "E'a' -- c\n '\\'; b' 'x'";
        let found = kinds(text, Flavor::Postgres);
        assert_eq!(found, [(TokenKind::Text, "E'a' -- c\n '\\'; b'"), (TokenKind::Text, "'x'")]);
    }

    #[test]
    fn dashes_are_a_comment_where_the_engine_says_so() {
        assert_eq!(kinds("5--3", Flavor::Mysql).len(), 3);
        assert_eq!(kinds("5--3", Flavor::Sqlite).len(), 1);
        assert_eq!(kinds("5-- 3", Flavor::Mysql).len(), 1);
        assert_eq!(kinds("--x\n;", Flavor::Mysql).len(), 1);
    }

    #[test]
    fn executable_comments_hold_code() {
        let found = kinds("/*!40101 SET a=1*/", Flavor::Mysql);
        assert_eq!(found[0], (TokenKind::Executable, "/*!40101"));
        assert_eq!(found.last(), Some(&(TokenKind::Executable, "*/")));
        assert_eq!(kinds("/*!40101 SET a=1*/", Flavor::Postgres), []);
    }
}
