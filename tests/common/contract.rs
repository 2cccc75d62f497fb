//! What every engine's snapshot has to see, as rows of text: `tests/contract/`.
//!
//! A row tells an object, or one property of it, with a script that changes it and one that undoes that. Both the reading of
//! schemas and the verdicts of `verify` are held against the same rows.
//!
//! ```text
//! table t1: comment
//!   before  create table t1 (i int)
//!   up      alter table t1 comment 'x'
//!   down    alter table t1 comment ''
//!   wrong   alter table t1 comment 'y'
//!   same    alter table t1 comment = ''
//! ```
//!
//! The first line is what a difference has to name: the object, and the property where the object itself stays, `*` for one
//! without a name; behind a `~` where the difference weighs little. `wrong` brings back something else than there was, `same` the
//! same schema in other words. `only` is the one engine that has it, `shadow local` says that no shadow beside other databases may
//! do it, and `proof` is the verdict on the right way where that is not `exact` (`refused`: no shadow may do it at all).
//!
//! Rights are given to an account called `reader`, in whose place the caller puts one that is there.
//!
//! A name of a letter and a digit is an object's, and gets the row's number, so that all rows can stand in one database. A text goes
//! on in lines that are set in deeper.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use switchback::snapshot::Weight;

/// One object, or one property of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// `table t1`, without PostgreSQL's `public.`.
    pub title: String,
    /// What of it is other; `None` where it comes or goes as a whole.
    pub property: Option<String>,
    pub weight: Weight,
    pub before: String,
    pub up: String,
    pub down: String,
    pub wrong: Option<String>,
    pub same: Vec<String>,
    /// The one engine that has it, among those that share the file.
    pub only: Option<String>,
    /// No shadow beside other databases may do it.
    pub needs_own_server: bool,
    /// What the right way is called: `exact`, but for where no made-up row fits.
    pub verdict: String,
}

impl Default for Row {
    fn default() -> Row {
        let [title, before, up, down] = [const { String::new() }; 4];
        let (weight, verdict) = (Weight::Strong, String::from("exact"));
        Row {
            title,
            property: None,
            weight,
            before,
            up,
            down,
            wrong: None,
            same: Vec::new(),
            only: None,
            needs_own_server: false,
            verdict,
        }
    }
}

/// The rows of one engine's file, behind those that hold on all engines.
pub fn rows(own: &str) -> Vec<Row> {
    let texts = [include_str!("../contract/all.txt"), own];
    let blocks = texts.iter().flat_map(|text| text.split("\n\n")).filter(|block| !block.trim().is_empty());
    let rows: Vec<Row> = blocks.enumerate().map(|(number, block)| row(&numbered(block, number))).collect();
    assert!(rows.len() > 50, "{} rows", rows.len());
    rows
}

/// The text with the row's number behind each name of a letter and a digit.
pub fn numbered(block: &str, number: usize) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut out = String::new();
    let mut rest = block.trim_start();
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|byte| is_word(*byte)).count();
        let word = &rest[..length];
        out.push_str(word);
        if let [b'a'..=b'z' | b'A'..=b'Z', b'0'..=b'9'] = word.as_bytes() {
            out.push_str(&format!("_{number}"));
        }
        let next = rest[length..].chars().next();
        out.extend(next);
        rest = &rest[length + next.map_or(0, char::len_utf8)..];
    }
    out
}

fn row(block: &str) -> Row {
    let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with('#')).collect();
    let (head, fields) = lines.split_first().expect("a row");
    let weight = if head.starts_with('~') { Weight::Weak } else { Weight::Strong };
    let (title, property) = match head.trim_start_matches('~').split_once(": ") {
        Some((title, property)) => (title, Some(property.to_owned())),
        None => (head.trim_start_matches('~'), None),
    };
    let mut row = Row { title: title.to_owned(), property, weight, ..Row::default() };
    let joined = fields.join("\n").replace("\n      ", "\u{1}");
    for field in joined.lines() {
        let (name, text) = field.trim_start().split_once(' ').unwrap_or_else(|| panic!("{field} in {block}"));
        let value = text.trim();
        let text = script(&value.replace('\u{1}', "\n"));
        match name {
            "before" => row.before = text,
            "up" => row.up = text,
            "down" => row.down = text,
            "wrong" => row.wrong = Some(text),
            "same" => row.same.push(text),
            "only" => row.only = Some(value.to_owned()),
            "shadow" => row.needs_own_server = value == "local",
            "proof" => row.verdict = value.to_owned(),
            _ => panic!("{name} in {block}"),
        }
    }
    assert!(!row.up.is_empty() && !row.down.is_empty(), "{block}");
    row
}

/// `rebuild NAME (…)` stands for the way in which SQLite's tables are changed.
fn script(text: &str) -> String {
    let Some((name, definition)) = text.strip_prefix("rebuild ").and_then(|rest| rest.split_once(' ')) else {
        return format!("{text};\n");
    };
    format!(
        "CREATE TABLE new_{name} {definition};\nINSERT INTO new_{name} SELECT * FROM {name};\nDROP TABLE {name};\n\
         ALTER TABLE new_{name} RENAME TO {name};\n"
    )
}

impl Row {
    /// Whether a title and the lines below it tell this row's object and property.
    pub fn is_named<S: AsRef<str>>(&self, title: &str, lines: &[S]) -> bool {
        let tells = |property: &String| {
            if property == "*" {
                return !lines.is_empty();
            }
            let is_it = |line: &S| line.as_ref().get(2..).is_some_and(|text| text.starts_with(&format!("{property}:")));
            lines.iter().any(is_it)
        };
        title.replace("public.", "") == self.title.replace("public.", "") && self.property.as_ref().is_none_or(tells)
    }
}
