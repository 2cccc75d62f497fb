//! Findings: neutral facts about problems, worded once.
//!
//! A finding knows nothing of how it will be shown. Every report (human, JSON, and what comes later) reads the same
//! value, so a new output format costs one file and a new check costs none.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::Id;

/// How bad a finding is. Errors make a command exit 1; warnings and notes do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

impl Severity {
    /// The lower-case word, as printed and as written in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A place in a file: path as the user would type it, line and column from 1 (columns count characters).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub path: String,
    pub line: u32,
    pub column: u32,
}

impl Place {
    pub fn new(path: impl Into<String>, line: u32, column: u32) -> Self {
        Place { path: path.into(), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// One neutral fact about a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable kebab-case code, such as `left-behind` or `down-empty`.
    pub code: Cow<'static, str>,
    pub severity: Severity,
    pub migration: Option<Id>,
    /// The database object, such as `table public.users`.
    pub object: Option<String>,
    /// One sentence, no full stop.
    pub message: String,
    /// Lines that show it: a diff (`-`, `+`, ` `), or the server's own words.
    pub detail: Vec<String>,
    pub place: Option<Place>,
    /// What to do about it; a command or a statement where that can be said.
    pub help: Option<String>,
}

impl Finding {
    pub fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Finding {
            code: Cow::Borrowed(code),
            severity,
            migration: None,
            object: None,
            message: message.into(),
            detail: Vec::new(),
            place: None,
            help: None,
        }
    }

    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Finding::new(code, Severity::Error, message)
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Finding::new(code, Severity::Warning, message)
    }

    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Finding::new(code, Severity::Note, message)
    }

    pub fn of(mut self, id: &Id) -> Self {
        self.migration = Some(id.clone());
        self
    }

    pub fn object(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub fn detail(mut self, lines: Vec<String>) -> Self {
        self.detail = lines;
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Whether a character is not seen where it stands, or turns the direction of the text behind it.
pub fn is_unseen(ch: char) -> bool {
    matches!(ch, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A number with its noun: `1 error`, `3 errors`.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A duration for people: `3 ms`, `1.2 s`, `4 min 10 s`.
pub fn duration(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// The worst severity among findings, if there are any.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}
