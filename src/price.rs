//! What a step costs the database that it runs on, and who stands in its way there: sizes, locks, times, sessions.

use std::fmt;

use serde::Serialize;

use crate::finding::{Place, duration};
use crate::id::Id;
use crate::plan::Direction;
use crate::saved::Hold;

/// How large a table is; what the engine does not tell cheaply is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSize {
    pub table: String,
    /// From the server's statistics; counted on SQLite.
    pub rows: Option<u64>,
    /// With its indexes.
    pub bytes: Option<u64>,
}

/// Whom a lock keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blocks {
    Nothing,
    SameRows,
    /// It waits for all open transactions on the table, then keeps everybody out for a moment.
    Moment,
    Writes,
    All,
    /// Nobody can tell.
    Unknown,
}

/// How a lock is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The shadow's server showed it.
    Seen,
    /// The engine's manual says it of such statements.
    Manual,
}

/// A lock that a statement takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lock {
    pub table: String,
    /// In the engine's own words.
    pub mode: String,
    pub blocks: Blocks,
    /// Whether all rows of the table are written anew; `None` where nobody can tell.
    pub rewrites: Option<bool>,
    pub basis: Basis,
}

/// A way in which an engine runs a statement, before it is known which tables that is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The statement that is refused where the engine cannot do it in this way; `None`: as it is written.
    pub text: Option<String>,
    /// What is locked instead of the tables that the statement names.
    pub whole: Option<&'static str>,
    pub mode: &'static str,
    pub blocks: Blocks,
    pub rewrites: Option<bool>,
}

impl Way {
    /// What runs as it is written.
    pub fn plain(mode: &'static str, blocks: Blocks, rewrites: Option<bool>) -> Way {
        Way { text: None, whole: None, mode, blocks, rewrites }
    }

    pub fn lock(&self, table: &str, basis: Basis) -> Lock {
        let table = self.whole.unwrap_or(table).to_owned();
        Lock { table, mode: self.mode.to_owned(), blocks: self.blocks, rewrites: self.rewrites, basis }
    }
}

/// A table of the user's that was there before a script, as an engine sees it between two statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub oid: String,
    pub table: String,
    /// Where its rows are; another one is a rewrite.
    pub file: Option<String>,
    /// Modes of the locks that this session has on it, the strongest first.
    pub modes: Vec<(String, Blocks)>,
}

/// What one statement did in the rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementPrice {
    pub place: Place,
    pub millis: u64,
    /// Those that no statement before it in the same transaction had taken.
    pub locks: Vec<Lock>,
    /// It cannot be in a transaction.
    pub outside: bool,
}

/// How long a step took on this database before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastTime {
    pub millis: u64,
    pub at: String,
    /// It was another version of the migration.
    pub other_version: bool,
}

/// What a step costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepPrice {
    pub id: Id,
    pub direction: Direction,
    /// Tables that are there now and that the step locks or names.
    pub tables: Vec<TableSize>,
    pub statements: Vec<StatementPrice>,
    pub rehearsed_ms: u64,
    pub last: Option<LastTime>,
    /// Statements that cannot be in a transaction.
    pub outside: Vec<Place>,
}

/// Another session that a step of the plan may have to wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// The server's number of the session.
    pub pid: String,
    pub user: Option<String>,
    /// When its transaction began.
    pub since: Option<String>,
    pub state: Option<String>,
    /// Tables of the plan that it holds; none where that cannot be seen.
    pub tables: Vec<String>,
    /// The beginning of its statement, without values.
    pub query: Option<String>,
}

/// What runs on the live server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Running {
    pub blockers: Vec<Blocker>,
    /// What cannot be seen, a sentence: nothing seen is not nothing there.
    pub unseen: Option<String>,
}

/// What a plan costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    pub steps: Vec<StepPrice>,
    pub running: Running,
}

impl Blocks {
    /// Whether somebody has to wait for it who only works with the table.
    fn keeps_out(self) -> bool {
        matches!(self, Blocks::Moment | Blocks::Writes | Blocks::All | Blocks::Unknown)
    }

    fn words(self) -> &'static str {
        match self {
            Blocks::Nothing => "keeps out neither reads nor writes",
            Blocks::SameRows => "keeps out writes to the same rows",
            Blocks::Moment => "waits for open transactions, then keeps everybody out for a moment",
            Blocks::Writes => "keeps out writes",
            Blocks::All => "keeps out reads and writes",
            Blocks::Unknown => "whom it keeps out cannot be told",
        }
    }
}

/// How long a lock is held that a statement takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    ToTheEndOfTheStep,
    ByTheStatement,
}

impl StepPrice {
    /// The lock that keeps others out the longest, as long as the rehearsal saw it held.
    pub fn hold(&self, held: Held) -> Option<Hold> {
        let holds = self.statements.iter().enumerate().flat_map(|(at, statement)| {
            let millis = match held {
                Held::ToTheEndOfTheStep => self.statements[at..].iter().map(|one| one.millis).sum(),
                Held::ByTheStatement => statement.millis,
            };
            let keeping = statement.locks.iter().filter(|lock| lock.blocks.keeps_out());
            keeping.map(move |lock| (millis, lock.blocks == Blocks::All, lock))
        });
        // Of those that are held as long as each other, the first of the strongest.
        let longest = holds.reduce(|best, one| if (one.0, one.1) > (best.0, best.1) { one } else { best });
        longest.map(|(millis, _, lock)| Hold { lock: lock.to_string(), millis })
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.tables.iter().map(TableSize::to_string).collect();
        for statement in &self.statements {
            let of = |line: String| format!("{}: {line}", statement.place);
            if statement.outside {
                lines.push(of("cannot be in a transaction".to_owned()));
            }
            lines.extend(statement.locks.iter().map(|lock| of(lock.to_string())));
        }
        let mut took = format!("took {} in the shadow", duration(self.rehearsed_ms));
        if let Some(last) = &self.last {
            let version = if last.other_version { ", in another version" } else { "" };
            took.push_str(&format!("; {} on this database at {}{version}", duration(last.millis), last.at));
        }
        lines.push(took);
        lines
    }
}

/// The last part of a table's name, in lower case and without quotes: what statements are matched with.
pub fn bare(table: &str) -> String {
    table.rsplit('.').next().unwrap_or(table).trim_matches('"').to_lowercase()
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {}", self.mode, self.table, self.blocks.words())?;
        match self.rewrites {
            Some(true) => write!(f, "; rewrites the table")?,
            Some(false) => {}
            None => write!(f, "; whether it rewrites the table cannot be told")?,
        }
        match self.basis {
            Basis::Seen => Ok(()),
            Basis::Manual => write!(f, " (by the manual)"),
        }
    }
}

impl fmt::Display for TableSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = match self.rows {
            Some(1) => "about 1 row".to_owned(),
            Some(rows) => format!("about {rows} rows"),
            None => "rows unknown".to_owned(),
        };
        let bytes = self.bytes.map_or_else(|| "size unknown".to_owned(), bytes);
        write!(f, "table {}: {rows}, {bytes}", self.table)
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {} ({}", self.pid, self.user.as_deref().unwrap_or("user unknown"))?;
        write!(f, ", {}", self.state.as_deref().unwrap_or("state unknown"))?;
        if let Some(since) = &self.since {
            write!(f, ", in a transaction since {since}")?;
        }
        match self.tables.as_slice() {
            [] => write!(f, ")")?,
            tables => write!(f, ") holds {}", tables.join(", "))?,
        }
        self.query.as_ref().map_or(Ok(()), |query| write!(f, ": {query}"))
    }
}

/// Bytes for people: `8 kB`, `1.2 GB`.
fn bytes(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut unit = "bytes";
    let mut tenths = bytes.saturating_mul(10);
    for next in units {
        if tenths < 10_240 {
            break;
        }
        (unit, tenths) = (next, tenths / 1024);
    }
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        tenth => format!("{}.{tenth} {unit}", tenths / 10),
    }
}

/// So many characters of another session's statement are shown.
const QUERY_CHARS: usize = 80;

/// The beginning of a statement of somebody else's, up to its first value, text or comment: those may be secrets.
pub fn shortened(query: &str) -> Option<String> {
    let end = query.find(['\'', '$', '#']).unwrap_or(query.len());
    let end = ["--", "/*"].iter().filter_map(|mark| query.find(mark)).fold(end, usize::min);
    let digit = |(at, ch): (usize, char)| {
        let before = query[..at].chars().next_back();
        (ch.is_ascii_digit() && !before.is_some_and(|ch| ch.is_alphanumeric() || ch == '_')).then_some(at)
    };
    let end = query.char_indices().find_map(digit).map_or(end, |at| at.min(end));
    let words = query[..end].split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = words.chars().take(QUERY_CHARS).collect();
    let more = if end < query.len() || cut.len() < words.len() { " …" } else { "" };
    (!cut.is_empty()).then(|| cut + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_statement_of_somebody_else_no_value_is_shown() {
        let shown = |query: &str| shortened(query).unwrap_or_default();
        assert_eq!(shown("UPDATE t\n SET a = 'secret'"), "UPDATE t SET a = …");
        assert_eq!(shown("UPDATE t2 SET a = 4711"), "UPDATE t2 SET a = …");
        assert_eq!(shown("SELECT $x$secret$x$"), "SELECT …");
        assert_eq!(shown("SELECT /* secret */ a FROM t"), "SELECT …");
        assert_eq!(shown("LOCK TABLE t"), "LOCK TABLE t");
        assert_eq!(shortened(" "), None);
    }

    #[test]
    fn bytes_are_told_in_the_largest_unit() {
        assert_eq!([bytes(0), bytes(8192), bytes(1_300_000_000)], ["0 bytes", "8 kB", "1.2 GB"]);
    }
}
