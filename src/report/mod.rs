//! Reports: one file per format. They turn values into text and decide nothing.

use std::borrow::Cow;

use crate::engine::Server;
pub use crate::finding::duration;
use crate::finding::{Finding, Severity, is_unseen};
use crate::id::Id;
use crate::proof::{Verdict, Waiver};
use crate::verify::Judged;

pub mod escape;
pub mod github;
pub mod graph;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod pages;
pub mod sarif;

/// A form in which `verify`, `check`, `drift` and `diff` tell what they found.
pub struct Format {
    pub name: &'static str,
    /// The whole text, with a line end.
    pub write: fn(&Report<'_>) -> String,
}

/// All forms; the first is the one for people.
pub const FORMATS: &[Format] = &[
    Format { name: "human", write: human::report },
    Format { name: "json", write: json::report },
    Format { name: "junit", write: junit::report },
    Format { name: "sarif", write: sarif::report },
    Format { name: "github", write: github::report },
    Format { name: "markdown", write: markdown::report },
];

/// What a command found, whole.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// `verify`, `check`, `drift` or `diff`.
    pub command: &'static str,
    /// On what it was found out, where a database was asked.
    pub server: Option<&'a Server>,
    /// Number of migrations that were looked at.
    pub migrations: usize,
    /// The judgements; none where nothing was judged.
    pub cases: Vec<Case>,
    /// What belongs to no judgement.
    pub findings: Vec<Finding>,
    /// Whether the command ends with the exit code for findings.
    pub is_bad: bool,
    /// How long it took; 0 where nobody measured.
    pub millis: u64,
}

/// One migration's judgement.
#[derive(Clone, Debug)]
pub struct Case {
    pub judged: Judged,
    /// Who let it through all the same, and why.
    pub waiver: Option<Waiver>,
}

impl Case {
    /// A waiver makes errors notes: they stand, and keep nobody from anything.
    pub fn new(mut judged: Judged, waiver: Option<Waiver>) -> Case {
        let waiver = waiver.filter(|_| !judged.verdict.lets_through());
        if let Some(Waiver { by, reason, .. }) = &waiver {
            let errors = judged.findings.iter_mut().filter(|finding| finding.severity == Severity::Error);
            errors.for_each(|finding| finding.severity = Severity::Note);
            judged.findings.retain(|finding| finding.code != WAIVED);
            let note = Finding::note(WAIVED, format!("waived by {by}: {reason}")).of(&judged.id);
            let more = format!("`switchback verify --fresh {}` tells what is wrong with it", judged.id);
            judged.findings.push(if judged.fresh { note } else { note.help(more) });
        }
        Case { judged, waiver }
    }

    pub fn id(&self) -> &Id {
        &self.judged.id
    }

    pub fn verdict(&self) -> Verdict {
        self.judged.verdict
    }

    /// Whether it keeps an up from being applied.
    pub fn fails(&self) -> bool {
        self.waiver.is_none() && (!self.verdict().lets_through() || self.errors().next().is_some())
    }

    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.judged.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }
}

/// Code of the note that says that a verdict is waived.
const WAIVED: &str = "waived";

impl Report<'_> {
    /// All findings, those of judgements first.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        self.cases.iter().flat_map(|case| &case.judged.findings).chain(&self.findings)
    }

    /// `12 migrations: 10 exact, 1 lossy, 1 broken`, or how many errors and warnings where nothing was judged.
    pub fn counts(&self) -> String {
        let total = count(u64::try_from(self.migrations).unwrap_or(u64::MAX), "migration");
        let number = |of: usize, noun: &str| count(u64::try_from(of).unwrap_or(u64::MAX), noun);
        if self.command == "diff" {
            return number(self.findings.len(), "difference");
        }
        let parts: Vec<String> = if self.command == "verify" {
            let of = |verdict: Verdict| self.cases.iter().filter(|case| case.verdict() == verdict).count();
            let some = Verdict::ALL.iter().map(|verdict| (of(*verdict), verdict)).filter(|(number, _)| *number > 0);
            some.map(|(number, verdict)| format!("{number} {verdict}")).collect()
        } else {
            let of = |severity: Severity| self.all().filter(|finding| finding.severity == severity).count();
            [Severity::Error, Severity::Warning].map(|severity| number(of(severity), severity.word())).to_vec()
        };
        if parts.is_empty() { total } else { format!("{total}: {}", parts.join(", ")) }
    }
}

/// A finding as lines of plain text: the message, the place, what shows it, what helps.
fn plain(finding: &Finding) -> Vec<String> {
    let place = finding.place.as_ref().map(|place| format!("at {place}"));
    let help = finding.help.as_ref().map(|help| format!("help: {help}"));
    let head = [Some(finding.message.clone()), place].into_iter().flatten();
    head.chain(finding.detail.iter().cloned()).chain(help).collect()
}

/// Text of somebody else (names, SQL, a server's words) made harmless for a terminal: control characters, and marks that nobody
/// sees and that turn the direction of text or end a line, are shown as escapes, tabs as spaces.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_safe) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|ch| match ch {
        '\t' => "    ".to_owned(),
        ch if is_safe(ch) => ch.to_string(),
        ch => ch.escape_default().to_string(),
    });
    Cow::Owned(escaped.collect())
}

/// Whether a character neither acts on a terminal, nor is unseen, turns the direction of text or ends a line.
fn is_safe(ch: char) -> bool {
    // Some scripts cannot be written without the two joiners.
    let is_joiner = matches!(ch, '\u{200c}' | '\u{200d}');
    !ch.is_control() && (is_joiner || !is_unseen(ch))
}

/// A number with its noun: `1 row`, `3 rows`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_do_not_reach_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("a\u{202e}b\u{2028}\u{feff}"), "a\\u{202e}b\\u{2028}\\u{feff}");
        assert!(matches!(clean("Größe"), Cow::Borrowed(_)));
    }

    #[test]
    fn durations_read_well() {
        assert_eq!([duration(3), duration(1_250), duration(250_000)], ["3 ms", "1.2 s", "4 min 10 s"]);
    }
}
