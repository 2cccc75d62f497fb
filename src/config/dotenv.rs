//! `.env`: lines of `KEY=VALUE`, as shells and other tools read them.
//!
//! No `$VARIABLE` is put in: a password with a `$` in it must arrive as it was written.

use std::collections::BTreeMap;

use crate::target::Secret;

/// Variables of a file's text; the number of the first line that is none, where there is one.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Secret>, u32> {
    let mut found = BTreeMap::new();
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1u32..);
    while let Some((line, number)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or(number)?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(number);
        }
        let mut value = value.trim_start().to_owned();
        while is_open(&value) {
            let (more, _) = lines.next().ok_or(number)?;
            value.push('\n');
            value.push_str(more);
        }
        found.insert(name.to_owned(), Secret::new(unquoted(&value)));
    }
    Ok(found)
}

/// Whether a value begins with a quote that is not closed yet.
fn is_open(value: &str) -> bool {
    matches!(value.chars().next(), Some(quote @ ('"' | '\'')) if closing(value, quote).is_none())
}

/// Byte of the quote that closes a value.
fn closing(value: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    value.char_indices().skip(1).find_map(|(at, letter)| {
        let closes = letter == quote && !escaped;
        escaped = quote == '"' && letter == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn unquoted(value: &str) -> String {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = &value[1..closing(value, quote).unwrap_or(value.len())];
            if quote == '"' { unescaped(inner) } else { inner.to_owned() }
        }
        _ => {
            let comment = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
            value[..comment].trim_end().to_owned()
        }
    }
}

fn unescaped(text: &str) -> String {
    let mut letters = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some(other @ ('"' | '\\' | '$'))) => out.push(other),
            ('\\', Some(other)) => out.extend(['\\', other]),
            _ => out.push(letter),
        }
    }
    out
}
