//! Tokens: what the pieces of a script's text mean.
//!
//! A token is only a kind and a span, so that millions of them cost nothing; its text, the name it stands for and the
//! literal value it holds are read out of the script when somebody asks.

use std::borrow::Cow;
use std::ops::Range;

pub use crate::lexer::{Lexer, Open, tokens};
use crate::sql::Flavor;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    White,
    Comment,
    /// An optimizer hint, `/*+ … */`: a comment that changes what happens.
    Hint,
    /// A key word or an unquoted name.
    Word,
    QuotedIdent,
    /// A string, with its prefix where it has one; dollar quotes too.
    Text,
    Number,
    /// `$1`, `?`, `:name`; MySQL's `@user` and `@@system` variables.
    Parameter,
    Symbol,
    /// The ends of a MySQL comment whose content is code: `/*!40101` and its `*/`.
    Executable,
    /// The delimiter that a `DELIMITER` line named.
    Delimiter,
}

/// One token and its bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Range<usize>,
}

impl Token {
    /// The token as written.
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.span.clone()]
    }

    /// Neither white space nor a comment.
    pub fn is_significant(&self) -> bool {
        !matches!(self.kind, TokenKind::White | TokenKind::Comment)
    }

    /// Whether it is this unquoted word, in whatever case.
    pub fn is_word(&self, text: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(text).eq_ignore_ascii_case(word)
    }

    /// Whether it is this symbol.
    pub fn is_symbol(&self, text: &str, symbol: &str) -> bool {
        self.kind == TokenKind::Symbol && self.text(text) == symbol
    }

    /// The name that an identifier means to the engine: unquoted, and folded to lower case where the engine does not tell
    /// cases apart. `None` for what is no identifier.
    pub fn name<'a>(&self, text: &'a str, flavor: Flavor) -> Option<Cow<'a, str>> {
        let raw = self.text(text);
        match self.kind {
            TokenKind::Word => Some(lower(Cow::Borrowed(raw))),
            TokenKind::QuotedIdent => {
                let open = raw.find(['"', '`', '['])?;
                let quote = raw[open..].chars().next()?;
                let inner = raw[open + 1..].strip_suffix(if quote == '[' { ']' } else { quote })?;
                let doubled = String::from_iter([quote, quote]);
                let name = match quote != '[' && inner.contains(&doubled) {
                    true => Cow::Owned(inner.replace(&doubled, &quote.to_string())),
                    false => Cow::Borrowed(inner),
                };
                Some(if flavor == Flavor::Postgres { name } else { lower(name) })
            }
            _ => None,
        }
    }

    /// The value of a string or number literal; `None` for everything else.
    pub fn value<'a>(&self, text: &'a str, flavor: Flavor) -> Option<Cow<'a, str>> {
        let raw = self.text(text);
        match self.kind {
            TokenKind::Number => Some(Cow::Borrowed(raw)),
            TokenKind::Text if raw.starts_with('$') => Some(Cow::Borrowed(&raw[dollar_body(raw)?])),
            TokenKind::Text => {
                let open = raw.find(['\'', '"'])?;
                let quote = raw.as_bytes()[open];
                let inner = raw[open + 1..].strip_suffix(char::from(quote))?;
                let escapes = flavor == Flavor::Mysql || raw.starts_with(['e', 'E']);
                Some(unescape(inner, quote, escapes))
            }
            _ => None,
        }
    }
}

/// Bytes between the tags of a dollar-quoted literal; `None` when it is not closed.
pub fn dollar_body(raw: &str) -> Option<Range<usize>> {
    let tag = raw.get(1..)?.find('$')? + 2;
    let body = raw[tag..].strip_suffix(&raw[..tag])?;
    Some(tag..tag + body.len())
}

fn lower(name: Cow<'_, str>) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => name,
    }
}

fn unescape(inner: &str, quote: u8, escapes: bool) -> Cow<'_, str> {
    if !inner.bytes().any(|byte| byte == quote || (escapes && byte == b'\\')) {
        return Cow::Borrowed(inner);
    }
    let quote = char::from(quote);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(ch) = chars.next() {
        match ch {
            '\\' if escapes => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('b') => out.push('\u{8}'),
                Some('0') => out.push('\0'),
                Some('Z') => out.push('\u{1a}'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            ch if ch == quote => {
                chars.next();
                out.push(quote);
            }
            ch => out.push(ch),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_engine_takes_them_for() {
        let name = |text: &str, flavor| {
            let token = tokens(text, flavor).next().unwrap();
            token.name(text, flavor).map(Cow::into_owned)
        };
        assert_eq!(name("Users", Flavor::Postgres).as_deref(), Some("users"));
        assert_eq!(name("\"Us\"\"ers\"", Flavor::Postgres).as_deref(), Some("Us\"ers"));
        assert_eq!(name("`Us``ers`", Flavor::Mysql).as_deref(), Some("us`ers"));
        assert_eq!(name("[A b]", Flavor::Sqlite).as_deref(), Some("a b"));
        assert_eq!(name("2fa_codes", Flavor::Mysql).as_deref(), Some("2fa_codes"));
    }

    #[test]
    fn values_are_unescaped() {
        let value = |text: &str, flavor| tokens(text, flavor).next().unwrap().value(text, flavor).unwrap().into_owned();
        assert_eq!(value("'it''s'", Flavor::Sqlite), "it's");
        assert_eq!(value("'it\\'s'", Flavor::Mysql), "it's");
        assert_eq!(value("E'a\\n'", Flavor::Postgres), "a\n");
        assert_eq!(value("$x$a$$b$x$", Flavor::Postgres), "a$$b");
        assert_eq!(value("1.5e-3", Flavor::Sqlite), "1.5e-3");
    }
}
