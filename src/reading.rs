//! Reading: questions about the tokens of one statement that classes are made of.

use crate::sql::Flavor;
use crate::token::{Token, TokenKind, dollar_body, tokens};

/// The tokens of one statement, and questions about them.
pub struct Reading<'a> {
    pub text: &'a str,
    pub flavor: Flavor,
    pub tokens: &'a [Token],
    /// The first words in lower case; empty strings for what is no word.
    pub head: Vec<String>,
}

/// How many tokens the shape of a statement is read from.
const HEAD: usize = 12;

impl<'a> Reading<'a> {
    pub fn new(text: &'a str, flavor: Flavor, tokens: &'a [Token]) -> Self {
        let word = |token: &Token| match token.kind {
            TokenKind::Word => token.text(text).to_ascii_lowercase(),
            _ => String::new(),
        };
        Reading { text, flavor, tokens, head: tokens.iter().take(HEAD).map(word).collect() }
    }

    /// The word at this place in lower case; empty for anything else.
    pub fn word(&self, at: usize) -> &str {
        self.head.get(at).map_or("", String::as_str)
    }

    /// Whether the statement begins with these words.
    pub fn begins(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(at, word)| self.word(at) == word)
    }

    pub fn begins_any(&self, starts: &[&str]) -> bool {
        starts.iter().any(|words| self.begins(words))
    }

    /// Whether the word stands anywhere in it.
    pub fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.is_word(self.text, word))
    }

    pub fn has_symbol(&self, symbol: &str) -> bool {
        self.tokens.iter().any(|token| token.is_symbol(self.text, symbol))
    }

    /// Whether these words stand anywhere in it, one behind the other.
    pub fn has_words(&self, words: &[&str]) -> bool {
        self.tokens
            .windows(words.len())
            .any(|window| window.iter().zip(words).all(|(token, word)| token.is_word(self.text, word)))
    }

    /// The kind of object that CREATE, ALTER or DROP is about, such as `table`.
    pub fn object(&self) -> &str {
        let skip =
            ["or", "replace", "temp", "temporary", "unique", "unlogged", "global", "local", "if", "not", "exists"];
        let mut words = self.head.iter().skip(1).map(String::as_str);
        words.find(|word| !skip.contains(word)).unwrap_or("")
    }

    /// The columns that an UPDATE of one table sets; `None` for any other statement, and where they are not plain names.
    pub fn assigned(&self) -> Option<Vec<String>> {
        if self.word(0) != "update" {
            return None;
        }
        let is_end = |token: &Token| {
            ["where", "from", "order", "limit", "returning"].iter().any(|word| token.is_word(self.text, word))
        };
        let begin = self.tokens.iter().position(|token| token.is_word(self.text, "set"))? + 1;
        let is_one_of_many = |token: &Token| token.is_symbol(self.text, ",") || token.is_word(self.text, "join");
        if self.tokens[..begin].iter().any(is_one_of_many) {
            return None;
        }
        let (mut names, mut depth, mut from) = (Vec::new(), 0_usize, begin);
        for at in begin..=self.tokens.len() {
            let token = self.tokens.get(at).filter(|token| depth > 0 || !is_end(token));
            let is_symbol = |symbol| token.is_some_and(|token| token.is_symbol(self.text, symbol));
            if token.is_none() || (depth == 0 && is_symbol(",")) {
                names.push(self.set_name(&self.tokens[from..at])?);
                from = at + 1;
            }
            if token.is_none() {
                break;
            }
            depth = match () {
                () if is_symbol("(") => depth + 1,
                () if is_symbol(")") => depth.saturating_sub(1),
                () => depth,
            };
        }
        Some(names)
    }

    /// The name before the sign of an assignment: the last part of one of several.
    fn set_name(&self, assignment: &[Token]) -> Option<String> {
        let sign = assignment.iter().position(|token| token.is_symbol(self.text, "="))?;
        let (last, before) = assignment[..sign].split_last()?;
        let is_name = |token: &Token| token.name(self.text, self.flavor).is_some() || token.is_symbol(self.text, ".");
        before.iter().all(is_name).then(|| last.name(self.text, self.flavor).map(|name| name.into_owned()))?
    }

    /// The table or view that CREATE makes, as it is written.
    pub fn made(&self) -> Option<String> {
        if self.word(0) != "create" || !matches!(self.object(), "table" | "view") {
            return None;
        }
        let at = self
            .tokens
            .iter()
            .position(|token| token.is_word(self.text, "table") || token.is_word(self.text, "view"))?;
        let is_clause = |token: &&Token| ["if", "not", "exists"].iter().any(|word| token.is_word(self.text, word));
        let token = self.tokens[at + 1..].iter().find(|token| !is_clause(token))?;
        match token.kind {
            TokenKind::QuotedIdent => {
                let raw = token.text(self.text);
                let quote = raw.chars().next()?;
                Some(raw.trim_matches(quote).replace(&String::from_iter([quote, quote]), &quote.to_string()))
            }
            _ => Some(token.text(self.text).to_owned()),
        }
    }

    pub fn is_temporary(&self) -> bool {
        (1..4).any(|at| matches!(self.word(at), "temp" | "temporary"))
    }

    /// Whether a function of this name (or that begins with it, where it ends in `*`) is called, in the code of DO too.
    pub fn calls_any(&self, names: &[&str]) -> bool {
        self.calls_in(self.text, self.tokens, names)
            || self.bodies().any(|body| {
                let inside: Vec<Token> = tokens(body, self.flavor).filter(Token::is_significant).collect();
                self.calls_in(body, &inside, names)
            })
    }

    fn calls_in(&self, text: &str, tokens: &[Token], names: &[&str]) -> bool {
        tokens.windows(2).any(|pair| {
            pair[1].is_symbol(text, "(")
                && pair[0].name(text, self.flavor).is_some_and(|called| {
                    names.iter().any(|name| match name.strip_suffix('*') {
                        Some(prefix) => called.starts_with(prefix),
                        None => called == *name,
                    })
                })
        })
    }

    /// Dollar-quoted code.
    pub fn bodies(&self) -> impl Iterator<Item = &'a str> {
        self.tokens.iter().filter(|token| token.kind == TokenKind::Text).filter_map(|token| {
            let raw = token.text(self.text);
            raw.starts_with('$').then(|| dollar_body(raw).map(|body| &raw[body])).flatten()
        })
    }

    /// A name of one or more parts.
    pub fn name_at(&self, tokens: &[Token]) -> Option<String> {
        let mut name = tokens.first()?.name(self.text, self.flavor)?.into_owned();
        for pair in tokens[1..].chunks_exact(2).take_while(|pair| pair[0].is_symbol(self.text, ".")) {
            name = format!("{name}.{}", pair[1].name(self.text, self.flavor)?);
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_that_an_update_sets_are_those_before_its_signs() {
        let read = |text: &str| -> Option<String> {
            let all: Vec<Token> = tokens(text, Flavor::Mysql).filter(Token::is_significant).collect();
            Reading::new(text, Flavor::Mysql, &all).assigned().map(|names| names.join(" "))
        };
        for (text, names) in [
            ("update t set a = 1", "a"),
            ("UPDATE t x SET x.`a b` = (SELECT 1, 2 WHERE b = 3), c = f(1, 2) WHERE d = 4 AND e = 5", "a b c"),
            ("update t set a = b, c = d order by e limit 1", "a c"),
        ] {
            assert_eq!(read(text).as_deref(), Some(names), "{text}");
        }
        for text in [
            "update t, u set a = 1",
            "update t join u on t.a = u.a set u.b = 1",
            "update t set (a, b) = (1, 2)",
            "insert into t set a = 1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
