//! The library's error: what, where, cause, help.
//!
//! A [`Fault`] ends what was asked for. Its kind decides the exit code (`cli/exit.rs`), its parts are printed one by one
//! and never twice: a cause is never also in the text of what it caused.

use std::fmt;

use crate::finding::{Finding, Place};

/// What sort of end this is; the exit codes of the command line derive from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Findings of severity error, or an act that was refused because of the state of things.
    Refused,
    /// The command line or the configuration does not say what to do.
    Usage,
    /// The database cannot be reached.
    Unreachable,
    /// A step stopped half-way; the ledger says where.
    HalfWay,
    /// Another runner holds the lock.
    Busy,
    /// Another runner changed the database after this one's plan was made.
    Overtaken,
    /// Files could not be read or written.
    Io,
    /// A bug in switchback.
    Bug,
}

/// A piece of SQL with a caret below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line of the script, without its line end.
    pub line: String,
    /// Column of the caret, in characters, from 1.
    pub column: u32,
}

/// How much of a long line an excerpt shows, in characters.
pub const EXCERPT_CHARS: usize = 120;

impl Excerpt {
    /// The line with a caret below `column`; of a very long line only what stands around it.
    pub fn around(line: &str, column: u32) -> Excerpt {
        let at = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        let start = if line.chars().nth(EXCERPT_CHARS).is_some() { at.saturating_sub(EXCERPT_CHARS / 2) } else { 0 };
        let mut shown: String = line.chars().skip(start).take(EXCERPT_CHARS).collect();
        if line.chars().nth(start + EXCERPT_CHARS).is_some() {
            shown.push('…');
        }
        let left = if start > 0 { "…" } else { "" };
        let column = at.saturating_sub(start) + left.chars().count() + 1;
        Excerpt { line: format!("{left}{shown}"), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

/// An error with everything a person needs; boxed, so that results stay small.
#[derive(Clone, Debug)]
pub struct Fault(Box<Parts>);

/// The parts of a fault, in the order in which they are shown.
#[derive(Clone, Debug)]
pub struct Parts {
    pub kind: FaultKind,
    /// What happened, in one sentence without full stop.
    pub what: String,
    pub place: Option<Place>,
    pub excerpt: Option<Excerpt>,
    /// Why, outermost first, in the words of whoever said it (`detail: …`, `hint: …` included).
    pub causes: Vec<String>,
    /// What helps: a command or a sentence.
    pub help: Option<String>,
    /// Findings that led to it, where there are any.
    pub findings: Vec<Finding>,
}

/// The library's result.
pub type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub fn new(kind: FaultKind, what: impl Into<String>) -> Self {
        Fault(Box::new(Parts {
            kind,
            what: what.into(),
            place: None,
            excerpt: None,
            causes: Vec::new(),
            help: None,
            findings: Vec::new(),
        }))
    }

    pub fn refused(what: impl Into<String>) -> Self {
        Fault::new(FaultKind::Refused, what)
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Fault::new(FaultKind::Usage, what)
    }

    pub fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        Fault::new(FaultKind::Io, what).cause(error.to_string())
    }

    pub fn bug(what: impl Into<String>) -> Self {
        Fault::new(FaultKind::Bug, what)
    }

    pub fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    pub fn excerpt(mut self, excerpt: Option<Excerpt>) -> Self {
        self.0.excerpt = excerpt;
        self
    }

    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.0.causes.push(cause.into());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub fn findings(mut self, findings: Vec<Finding>) -> Self {
        self.0.findings = findings;
        self
    }

    /// The same fault with another kind: what a step's failure means depends on who ran it.
    pub fn kind_is(mut self, kind: FaultKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub fn parts(&self) -> &Parts {
        &self.0
    }

    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_shown_around_its_caret() {
        let excerpt = |line: &str, column| Excerpt::around(line, column);
        assert_eq!(excerpt("a = 1", 5), Excerpt { line: "a = 1".into(), column: 5 });
        assert_eq!(excerpt("", 1), Excerpt { line: String::new(), column: 1 });
        let long = format!("{}!{}", "ä".repeat(500), "x".repeat(500));
        for column in [1, 501, 1001] {
            let shown = excerpt(&long, column);
            assert!(shown.line.chars().count() <= EXCERPT_CHARS + 2, "{shown:?}");
            let ch = |line: &str, column: u32| line.chars().nth(column as usize - 1);
            assert_eq!(ch(&shown.line, shown.column), ch(&long, column));
        }
    }
}
