//! Tokens of SQLite's SQL, as far as comparing texts needs them, and their one way of being said again.

use std::borrow::Cow;
use std::collections::HashSet;

/// What a token is, as far as comparing needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word or number.
    Word,
    /// A name in double quotes, which may be a string after all.
    Quoted,
    /// A name in brackets or backticks.
    Name,
    /// A string or blob literal, quotes included.
    Text,
    Sign,
}

/// One token, quotes of names taken off.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: Cow<'a, str>,
}

impl Token<'_> {
    /// Whether this is the bare word, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

/// Tables, views and columns that exist, in lower case: a word in double quotes that names one is a name, else a string.
pub(super) type Names = HashSet<String>;

/// Cuts SQL into tokens; comments and white space are gone. Never fails: SQLite has accepted the text before.
pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &sql[at..];
        let (kind, end) = match bytes[at] {
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if rest.starts_with("--") => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with("/*") => {
                at += rest[2..].find("*/").map_or(rest.len(), |end| end + 4);
                continue;
            }
            b'\'' => (Kind::Text, quoted_end(rest, '\'')),
            b'x' | b'X' if rest[1..].starts_with('\'') => (Kind::Text, 1 + quoted_end(&rest[1..], '\'')),
            b'"' => (Kind::Quoted, quoted_end(rest, '"')),
            b'`' => (Kind::Name, quoted_end(rest, '`')),
            b'[' => (Kind::Name, rest.find(']').map_or(rest.len(), |end| end + 1)),
            b if is_word(b) => (Kind::Word, rest.bytes().position(|b| !is_word(b)).unwrap_or(rest.len())),
            _ => (Kind::Sign, sign_end(rest)),
        };
        found.push(Token { kind, text: unquoted(kind, &rest[..end]) });
        at += end;
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// End of a quoted run whose quote is doubled inside.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut rest = 1;
    loop {
        match text[rest..].find(quote) {
            None => return text.len(),
            Some(end) if text[rest + end + 1..].starts_with(quote) => rest += end + 2,
            Some(end) => return rest + end + 1,
        }
    }
}

fn sign_end(text: &str) -> usize {
    const LONG: &[&str] = &["->>", "->", "||", "<=", ">=", "<>", "!=", "==", "<<", ">>"];
    LONG.iter().find(|sign| text.starts_with(**sign)).map_or(1, |sign| sign.len())
}

fn unquoted(kind: Kind, text: &str) -> Cow<'_, str> {
    let inner = || text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    match (kind, text.as_bytes()[0]) {
        (Kind::Quoted, _) if inner().contains('"') => Cow::Owned(inner().replace("\"\"", "\"")),
        (Kind::Name, b'`') => Cow::Owned(inner().replace("``", "`")),
        (Kind::Quoted | Kind::Name, _) => Cow::Borrowed(inner()),
        _ => Cow::Borrowed(text),
    }
}

/// Says tokens again in one way: single spaces, bare words and names in lower case.
pub(super) fn render(tokens: &[Token<'_>], names: &Names) -> String {
    const APART: &[&str] =
        &["and", "or", "not", "in", "as", "on", "values", "select", "from", "where", "when", "then", "else", "by"];
    let mut text = String::new();
    for (index, token) in tokens.iter().enumerate() {
        let glued = match index.checked_sub(1).map(|before| &tokens[before]) {
            None => true,
            Some(before) => {
                before.is_sign("(")
                    || before.is_sign(".")
                    || [")", ",", ".", ";"].iter().any(|sign| token.is_sign(sign))
                    || (token.is_sign("(") && before.kind != Kind::Sign && !before.is_one_of(APART))
            }
        };
        if !glued {
            text.push(' ');
        }
        text.push_str(&word(token, names));
    }
    text
}

/// One token in its one form.
fn word(token: &Token<'_>, names: &Names) -> String {
    let folded = token.text.to_ascii_lowercase();
    match token.kind {
        Kind::Sign if token.text == "!=" => String::from("<>"),
        Kind::Sign if token.text == "==" => String::from("="),
        // A blob.
        Kind::Text if !token.text.starts_with('\'') => folded,
        Kind::Text | Kind::Sign => token.text.to_string(),
        Kind::Word => folded,
        Kind::Name => plain(folded),
        Kind::Quoted if names.contains(&folded) => plain(folded),
        Kind::Quoted => format!("\"{}\"", token.text),
    }
}

/// A name bare where that is possible.
pub(super) fn plain(name: String) -> String {
    if !name.is_empty() && name.bytes().all(is_word) { name } else { format!("\"{name}\"") }
}
