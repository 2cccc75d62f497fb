//! Lines of the registry: inline tables of texts and lists of texts, written and read.
//!
//! A registry of ten thousand migrations is read at the start of every command. So the form that we write is read by
//! hand, several times faster than TOML at large; everything else that is TOML is read by the `toml` crate into the
//! same [`Row`], so that what a row must hold is decided in one place.

use std::borrow::Cow;
use std::fmt::Write;

use toml::Spanned;
use toml::de::DeValue;

use crate::fault::{Excerpt, Fault, Result};
use crate::finding::{Place, is_unseen};
use crate::proof::Verdict;
use crate::sql::Checksum;

/// One inline table being written.
pub struct Line<'a> {
    out: &'a mut String,
    separator: &'static str,
}

impl<'a> Line<'a> {
    pub fn open(out: &'a mut String) -> Self {
        Line { out, separator: "  { " }
    }

    fn key(&mut self, key: &str) {
        self.out.push_str(self.separator);
        self.out.push_str(key);
        self.out.push_str(" = ");
        self.separator = ", ";
    }

    pub fn text(&mut self, key: &str, text: &str) -> &mut Self {
        self.key(key);
        quote(self.out, text);
        self
    }

    pub fn list<'t>(&mut self, key: &str, items: impl Iterator<Item = &'t str>) {
        self.key(key);
        self.out.push('[');
        for (index, item) in items.enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            quote(self.out, item);
        }
        self.out.push(']');
    }

    pub fn close(&mut self) {
        self.out.push_str(" },\n");
    }
}

/// A basic string of TOML.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for ch in text.chars() {
        match ch {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // What acts on a terminal, and what turns the direction of text, shows in a review. Writing to a String cannot fail.
            ch if ch.is_control() || is_unseen(ch) => {
                let _ = write!(out, "\\u{:04X}", u32::from(ch));
            }
            ch => out.push(ch),
        }
    }
    out.push('"');
}

/// The text being read, for places.
pub struct File<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

impl<'a> File<'a> {
    /// A fault at a byte of the text, with its line.
    pub fn fault(&self, at: usize, what: impl Into<String>) -> Fault {
        let before = &self.text[..self.text.floor_char_boundary(at)];
        let start = before.rfind('\n').map_or(0, |index| index + 1);
        let column = u32::try_from(before[start..].chars().count() + 1).unwrap_or(u32::MAX);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let place = Place::new(self.path, 1 + newlines(before), column);
        let excerpt = Excerpt::around(line, column);
        Fault::usage(what).at(place).excerpt((!line.is_empty()).then_some(excerpt))
    }

    /// Why the text is no TOML; most often a merge without `merge=union`.
    pub fn unreadable(&self, error: &toml::de::Error) -> Fault {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            if ["<<<<<<< ", "=======\n", ">>>>>>> ", "||||||| "].iter().any(|marker| line.starts_with(marker)) {
                let help = "keep the lines of both sides, delete the lines with markers, and run `switchback seal`; \
                            `registry.toml merge=union` in .gitattributes spares you this";
                return self.fault(at, "the registry holds git's conflict markers").help(help);
            }
            at += line.len();
        }
        self.fault(error.span().map_or(0, |span| span.start), "the registry cannot be read")
            .cause(error.message())
            .help("take it back from git, then run `switchback seal`")
    }

    pub fn check_format(&self, value: &DeValue<'_>, at: usize) -> Result<()> {
        match value.as_integer().map(|number| number.as_str()) {
            Some("1") => Ok(()),
            _ => Err(self.fault(at, "the registry's format is not 1").help("a newer switchback wrote it: upgrade")),
        }
    }

    /// The tables of an array.
    pub fn rows(&'a self, name: &str, value: &'a Spanned<DeValue<'a>>) -> Result<Vec<Row<'a>>> {
        let wrong = |at| self.fault(at, format!("`{name}` is not an array of tables"));
        let array = value.get_ref().as_array().ok_or_else(|| wrong(value.span().start))?;
        let (mut line, mut counted) = (1, 0);
        let row = |item: &'a Spanned<DeValue<'a>>| {
            let at = item.span().start;
            let table = item.get_ref().as_table().ok_or_else(|| wrong(at))?;
            line += newlines(&self.text[counted..at]);
            counted = at;
            let fields = table.iter().map(|(key, value)| Field {
                key: key.get_ref().as_ref(),
                at: key.span().start,
                value: Value::of(value.get_ref()),
            });
            Ok(Row { file: self, at, line, fields: fields.collect() })
        };
        array.iter().map(row).collect()
    }
}

/// One table being read, on whatever line of the file it begins.
pub struct Row<'a> {
    pub file: &'a File<'a>,
    pub at: usize,
    pub line: u32,
    pub fields: Vec<Field<'a>>,
}

/// A key with its byte in the file, and its value.
pub struct Field<'a> {
    key: &'a str,
    at: usize,
    value: Value<'a>,
}

enum Value<'a> {
    Text(Cow<'a, str>),
    List(Vec<Cow<'a, str>>),
    /// Nothing that a registry holds.
    Other,
}

impl<'a> Value<'a> {
    fn of(value: &'a DeValue<'a>) -> Self {
        let text = |item: &'a Spanned<DeValue<'a>>| item.get_ref().as_str().map(Cow::Borrowed);
        match value {
            DeValue::String(text) => Value::Text(Cow::Borrowed(text.as_ref())),
            DeValue::Array(items) => items.iter().map(text).collect::<Option<_>>().map_or(Value::Other, Value::List),
            _ => Value::Other,
        }
    }
}

impl Row<'_> {
    pub fn get(&self, key: &str) -> Option<&Field<'_>> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub fn only(&self, known: &[&str]) -> Result<()> {
        match self.fields.iter().find(|field| !known.contains(&field.key)) {
            Some(field) => Err(self.file.fault(field.at, format!("unknown key `{}`", field.key))),
            None => Ok(()),
        }
    }

    pub fn lacks(&self, key: &str) -> Fault {
        self.file.fault(self.at, format!("`{key}` is missing"))
    }

    fn wrong(&self, key: &str, form: &str) -> Fault {
        let at = self.get(key).map_or(self.at, |field| field.at);
        self.file.fault(at, format!("`{key}` is not {form}"))
    }

    pub fn text(&self, key: &str) -> Result<&str> {
        match &self.get(key).ok_or_else(|| self.lacks(key))?.value {
            Value::Text(text) => Ok(text),
            Value::List(_) | Value::Other => Err(self.wrong(key, "a text")),
        }
    }

    pub fn list(&self, key: &str) -> Result<Option<Vec<String>>> {
        match self.get(key).map(|field| &field.value) {
            None => Ok(None),
            Some(Value::List(items)) => Ok(Some(items.iter().map(|item| item.as_ref().to_owned()).collect())),
            Some(Value::Text(_) | Value::Other) => Err(self.wrong(key, "a list of texts")),
        }
    }

    /// Two checksums joined by a colon.
    pub fn checksum(&self, key: &str) -> Result<Option<Checksum>> {
        if self.get(key).is_none() {
            return Ok(None);
        }
        let (text, tokens) = self.text(key)?.split_once(':').ok_or_else(|| self.wrong(key, "a pair of checksums"))?;
        Ok(Some(Checksum { text: text.to_owned(), tokens: tokens.to_owned() }))
    }

    pub fn verdict(&self) -> Result<Verdict> {
        Verdict::from_word(self.text("verdict")?).ok_or_else(|| self.wrong("verdict", "a verdict"))
    }
}

/// The fields of a line exactly as [`Line`] writes it; `at` is the line's byte in the file.
pub fn inline_table(line: &str, at: usize) -> Option<Vec<Field<'_>>> {
    let mut rest = line.strip_prefix("  { ")?.strip_suffix(" },")?;
    let end = at + line.len() - " },".len();
    let mut fields: Vec<Field<'_>> = Vec::with_capacity(9);
    loop {
        let (at, (key, after)) = (end - rest.len(), rest.split_once(" = ")?);
        if !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            || fields.iter().any(|field| field.key == key)
        {
            return None;
        }
        let (value, after) = match after.strip_prefix('[') {
            Some(items) => texts(items)?,
            None => basic_string(after).map(|(text, after)| (Value::Text(text), after))?,
        };
        fields.push(Field { key, at, value });
        match after.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return after.is_empty().then_some(fields),
        }
    }
}

/// The items of a list behind its opening bracket, and what follows its closing one.
fn texts(mut rest: &str) -> Option<(Value<'_>, &str)> {
    let mut items = Vec::new();
    if let Some(after) = rest.strip_prefix(']') {
        return Some((Value::List(items), after));
    }
    loop {
        let (item, after) = basic_string(rest)?;
        items.push(item);
        match after.strip_prefix(']') {
            Some(after) => return Some((Value::List(items), after)),
            None => rest = after.strip_prefix(", ")?,
        }
    }
}

/// A string as [`quote`] writes it, and what follows it.
fn basic_string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut unescaped = String::new();
    let mut from = 0;
    loop {
        let at = from + inner[from..].bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..b' ' | 0x7f))?;
        if inner.as_bytes()[at] == b'"' {
            let last = &inner[from..at];
            let whole = if unescaped.is_empty() { Cow::Borrowed(last) } else { Cow::Owned(unescaped + last) };
            return Some((whole, &inner[at + 1..]));
        }
        unescaped.push_str(&inner[from..at]);
        let (ch, bytes) = match inner[at..].strip_prefix('\\')?.chars().next()? {
            ch @ ('"' | '\\') => (ch, 2),
            'n' => ('\n', 2),
            'r' => ('\r', 2),
            't' => ('\t', 2),
            'u' => (hex_char(inner.get(at + 2..at + 6)?)?, 6),
            _ => return None,
        };
        unescaped.push(ch);
        from = at + bytes;
    }
}

/// The character that four hex digits mean.
fn hex_char(digits: &str) -> Option<char> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)).flatten()
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}
