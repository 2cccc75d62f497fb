//! The ledger: the append-only, hash-chained record of what was done to a database.
//!
//! This is the value side: what a row is, how it is hashed, how the state follows from the rows, and how a broken chain
//! is found. Reading and writing it is `database.rs`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::fault::{Fault, FaultKind};
use crate::id::Id;
use crate::sha::Sha;

/// The ledger's columns, in the order of the table and of every query. All are text but `seq`, `statement`, `rows_affected`,
/// `reverts` and `duration_ms`, which are integers (BIGINT). Everything but seq, event, phase, started_at, prev_hash and hash may be NULL.
pub const COLUMNS: &[&str] = &[
    "seq",
    "event",
    "phase",
    "migration",
    "digest",
    "up_checksum",
    "down_checksum",
    "verify_checksum",
    "settings",
    "proof",
    "plan",
    "run",
    "reverts",
    "statement",
    "actor",
    "db_user",
    "git_author",
    "git_commit",
    "ci",
    "host",
    "tool",
    "reason",
    "ticket",
    "approvals",
    "started_at",
    "finished_at",
    "duration_ms",
    "rows_affected",
    "schema_before",
    "schema_after",
    "detail",
    "prev_hash",
    "hash",
];

/// The hash that stands before the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    Apply,
    Revert,
    Adopt,
    Amend,
    Checkpoint,
    /// What is applied has got a name.
    Release,
    /// A person has taken the lock from a run.
    #[serde(rename = "break-lock")]
    BreakLock,
    /// What a step did that stopped half-way is taken back.
    #[serde(rename = "back-out")]
    BackOut,
    /// What has to hold behind a plan does not.
    Check,
}

impl Act {
    pub const ALL: [Act; 9] = [
        Act::Apply,
        Act::Revert,
        Act::Adopt,
        Act::Amend,
        Act::Checkpoint,
        Act::Release,
        Act::BreakLock,
        Act::BackOut,
        Act::Check,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Act::Apply => "apply",
            Act::Revert => "revert",
            Act::Adopt => "adopt",
            Act::Amend => "amend",
            Act::Checkpoint => "checkpoint",
            Act::Release => "release",
            Act::BreakLock => "break-lock",
            Act::BackOut => "back-out",
            Act::Check => "check",
        }
    }
}

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Started,
    Done,
    Failed,
}

impl Phase {
    pub fn word(self) -> &'static str {
        match self {
            Phase::Started => "started",
            Phase::Done => "done",
            Phase::Failed => "failed",
        }
    }
}

/// One row: the values of [`COLUMNS`], by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    values: BTreeMap<&'static str, String>,
}

impl Entry {
    pub fn new(act: Act, phase: Phase) -> Self {
        Entry::default().with("event", act.word()).with("phase", phase.word())
    }

    /// Sets a column. Names outside [`COLUMNS`] are a bug in the caller, and are not stored.
    pub fn with(mut self, column: &'static str, value: impl Into<String>) -> Self {
        debug_assert!(COLUMNS.contains(&column), "no such ledger column: {column}");
        self.values.insert(column, value.into());
        self
    }

    /// Sets a column where there is a value.
    pub fn with_some(self, column: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(column, value),
            None => self,
        }
    }

    /// A row as it was read, in the order of [`COLUMNS`].
    pub fn read(row: Vec<Option<String>>) -> Self {
        let pairs = COLUMNS.iter().copied().zip(row);
        Entry { values: pairs.filter_map(|(name, value)| Some((name, value?))).collect() }
    }

    pub fn get(&self, column: &str) -> Option<&str> {
        self.values.get(column).map(String::as_str)
    }

    pub fn number(&self, column: &str) -> Option<i64> {
        self.get(column)?.parse().ok()
    }

    pub fn seq(&self) -> i64 {
        self.number("seq").unwrap_or(0)
    }

    /// When it ended, or began.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        let text = self.get("finished_at").or(self.get("started_at"))?;
        DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
    }

    /// Puts the row behind `head` and seals it with its hash.
    pub fn seal(mut self, head: &Head) -> Self {
        // Behind the last of all numbers there is none: the tables refuse a second row with it.
        self.values.insert("seq", head.seq.saturating_add(1).to_string());
        self.values.insert("prev_hash", head.hash.as_str().to_owned());
        let hash = self.computed_hash();
        self.values.insert("hash", hash.as_str().to_owned());
        self
    }

    /// The values in the order of [`COLUMNS`], to be bound.
    pub fn binds(&self) -> Vec<Option<&str>> {
        COLUMNS.iter().map(|column| self.get(column)).collect()
    }

    /// SHA-256 over the canonical encoding of all columns but the hash itself; `prev_hash` is one of them.
    pub fn computed_hash(&self) -> Sha {
        let fields = COLUMNS.iter().filter(|column| **column != "hash").map(|column| self.get(column));
        Sha::of_fields(std::iter::once(Some("switchback-entry-v1")).chain(fields))
    }

    /// The head that this row makes.
    pub fn head(&self) -> Head {
        Head { seq: self.seq(), hash: Sha::recorded(self.get("hash").unwrap_or(GENESIS)) }
    }
}

/// The last row of the ledger: what a plan is based on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    pub seq: i64,
    pub hash: Sha,
}

impl Default for Head {
    fn default() -> Self {
        Head { seq: 0, hash: Sha::recorded(GENESIS) }
    }
}

/// A migration that is applied, as the ledger tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Sequence of the row that holds it: the one that applied it, or the last that amended it.
    pub seq: i64,
    /// Sequence of the row that applied it: the order of application.
    pub order: i64,
    pub id: Id,
    pub digest: Sha,
    /// Another tool had applied it, and its history was taken over.
    pub is_adopted: bool,
    /// It was adopted without a proof.
    pub is_unproven: bool,
}

/// The set of applied migrations in the order in which they were applied, and the head it was read at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub head: Head,
    pub applied: Vec<Applied>,
    /// What was taken back since, in the order in which it was: seq of the row, and the migration's digest.
    pub reverted: Vec<(i64, Sha)>,
    /// A step that began and neither ended nor failed cleanly: the ledger's row and how far it got.
    pub open: Option<Open>,
    /// Whether the database has a ledger at all.
    pub exists: bool,
}

/// A step that stopped half-way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// The `started` row.
    pub seq: i64,
    pub id: Id,
    /// `apply`, `revert`, or `back-out` where what such a step did was being taken back.
    pub event: String,
    /// Digest of the migration that was begun.
    pub digest: Sha,
    /// Who began it, and where.
    pub by: String,
    /// When it was begun: RFC 3339, UTC.
    pub since: String,
    /// What stopped it, in the words of whoever refused, and so what the statement behind those that are done did not do; a run
    /// that was killed has not told.
    pub stopped: Option<String>,
    /// The last statement known to have taken effect, from 1; 0 is none.
    pub done: usize,
    /// Number of the last statement and SHA-256 of each unit that was run or was about to be, in order.
    #[serde(skip)]
    pub units: Vec<(usize, Sha)>,
}

impl Open {
    /// The act that was begun.
    pub fn is(&self, act: Act) -> bool {
        self.event == act.word()
    }

    /// It in words.
    pub fn title(&self) -> String {
        let what = match self.event.as_str() {
            "apply" => "up",
            "revert" => "down",
            other => other,
        };
        format!("the {what} of `{}`", self.id)
    }

    /// How much of it is known to have taken effect, by the journal alone.
    pub fn known(&self) -> String {
        match self.done {
            0 => "none of its statements is known to have taken effect".to_owned(),
            1 => "1 of its statements is known to have taken effect".to_owned(),
            more => format!("{more} of its statements are known to have taken effect"),
        }
    }

    /// What helps.
    pub fn help(&self) -> &'static str {
        match self.is(Act::BackOut) {
            true => "`switchback recover` tells how far it got, and with --resume it takes back the rest",
            false => {
                "`switchback recover` tells how far it got; with --resume it goes on, with --back-out it takes that back"
            }
        }
    }

    /// Nothing else is begun before it is through.
    pub fn fault(&self) -> Fault {
        let what = format!("{} stopped half-way (row #{})", self.title(), self.seq);
        Fault::new(FaultKind::HalfWay, what).cause(self.known()).help(self.help())
    }
}

impl State {
    pub fn get(&self, id: &Id) -> Option<&Applied> {
        self.applied.iter().find(|applied| applied.id == *id)
    }
}

/// A migration that was applied at some time: its version, and the row that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub id: Id,
    pub digest: Sha,
    pub seq: i64,
}

/// What was applied, row by row. Feed it rows in the order of `seq`.
#[derive(Clone, Debug, Default)]
pub struct History {
    held: Vec<Held>,
}

impl History {
    /// Takes the next row.
    pub fn note(&mut self, row: &Entry) {
        let (Some(id), Some("done")) = (row.get("migration"), row.get("phase")) else { return };
        let at = self.held.iter().rposition(|held| held.id.as_str() == id);
        let now =
            Held { id: Id::new(id), digest: Sha::recorded(row.get("digest").unwrap_or_default()), seq: row.seq() };
        match (row.get("event"), at) {
            (Some("revert"), Some(at)) => drop(self.held.remove(at)),
            (Some("amend"), Some(at)) => self.held[at] = now,
            (Some("apply" | "adopt"), None) => self.held.push(now),
            _ => {}
        }
    }

    /// What is applied behind the rows, in the order of application.
    pub fn held(self) -> Vec<Held> {
        self.held
    }
}

/// A named set of migrations: a version that was deployed, and what belongs to it. The `detail` of its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub name: String,
    /// Digest of what was deployed, such as an image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// Settings that belong to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, String>,
    /// In the order of application.
    pub members: Vec<Member>,
}

impl Release {
    /// Whether it is exactly what is applied, in that order.
    pub fn is_of(&self, applied: &[&Id]) -> bool {
        self.members.iter().map(|member| &member.id).eq(applied.iter().copied())
    }
}

/// A migration of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: Id,
    pub digest: Sha,
    /// The ledger's row that holds this version.
    pub row: i64,
}

/// Whose lock a person has taken. The `detail` of its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The run that the lease named; none where it named nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Who that was, and what they did.
    pub of: String,
    /// The server's ids of the sessions that were ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<String>,
}

impl Taken {
    /// What a row says of it, if it is such a row.
    pub fn by(row: &Entry) -> Option<Taken> {
        let detail = row.get("detail").filter(|_| row.get("event") == Some(Act::BreakLock.word()))?;
        serde_json::from_str(detail).ok()
    }
}

/// What is wrong with a chain, at the first row where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The row's values do not give its hash: it was edited.
    Edited { seq: i64, expected: String, found: String },
    /// A row is missing before this one.
    Gap { seq: i64, expected: i64 },
    /// The row does not stand on the one before it: rows were swapped, replaced or removed.
    Unlinked { seq: i64, expected: String, found: String },
    /// The chain holds, and this row is another than a checkpoint kept: the chain was computed anew.
    Replaced { seq: i64, expected: String, found: String },
    /// The rows from this one to `last`, which a checkpoint kept, are gone: the tail was cut off.
    Cut { seq: i64, last: i64 },
}

/// Walks a chain. Feed it rows in the order of `seq`; it keeps only the head.
#[derive(Default)]
pub struct Chain<'a> {
    pub head: Head,
    pub rows: u64,
    kept: Option<&'a Checkpoint>,
}

impl<'a> Chain<'a> {
    /// A chain that has to hold against what was kept of it, too.
    pub fn against(kept: Option<&'a Checkpoint>) -> Chain<'a> {
        Chain { kept, ..Chain::default() }
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn next(&mut self, entry: &Entry) -> Result<(), Broken> {
        let seq = entry.seq();
        if seq != self.head.seq + 1 {
            return Err(Broken::Gap { seq, expected: self.head.seq + 1 });
        }
        let found = entry.get("prev_hash").unwrap_or("").to_owned();
        if found != self.head.hash.as_str() {
            return Err(Broken::Unlinked { seq, expected: self.head.hash.as_str().to_owned(), found });
        }
        let expected = entry.computed_hash();
        let found = entry.get("hash").unwrap_or("");
        if expected.as_str() != found {
            return Err(Broken::Edited { seq, expected: expected.as_str().to_owned(), found: found.to_owned() });
        }
        if let Some(kept) = self.kept.and_then(|kept| kept.get(seq)).filter(|kept| **kept != expected) {
            return Err(Broken::Replaced { seq, expected: kept.as_str().to_owned(), found: found.to_owned() });
        }
        self.head = Head { seq, hash: expected };
        self.rows += 1;
        Ok(())
    }

    /// Behind the last row.
    ///
    /// # Errors
    /// Rows that were kept are gone.
    pub fn end(&self) -> Result<(), Broken> {
        let last = self.kept.map_or(0, |kept| i64::try_from(kept.rows()).unwrap_or(i64::MAX));
        if last > self.head.seq { Err(Broken::Cut { seq: self.head.seq + 1, last }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Vec<Entry> {
        let mut head = Head::default();
        let mut rows = Vec::new();
        for id in ["a", "b", "c"] {
            let entry = Entry::new(Act::Apply, Phase::Done).with("migration", id).seal(&head);
            head = entry.head();
            rows.push(entry);
        }
        rows
    }

    fn walk(rows: &[Entry]) -> Result<u64, Broken> {
        let mut chain = Chain::default();
        rows.iter().try_for_each(|row| chain.next(row)).map(|()| chain.rows)
    }

    #[test]
    fn i6_every_edit_of_every_column_is_found() {
        assert_eq!(walk(&three()), Ok(3));
        for at in 0..3 {
            for column in COLUMNS {
                let mut rows = three();
                rows[at].values.insert(column, "7".to_owned());
                assert!(walk(&rows).is_err(), "row {at}, column {column}");
                let mut rows = three();
                if rows[at].values.remove(column).is_some() {
                    assert!(walk(&rows).is_err(), "row {at}, column {column} emptied");
                }
            }
        }
    }

    #[test]
    fn i6_what_the_chain_cannot_see_shows_against_a_checkpoint() {
        let mut kept = Checkpoint::default();
        three().iter().for_each(|row| kept.note(row.head().hash));
        let walk = |rows: &[Entry]| {
            let mut chain = Chain::against(Some(&kept));
            rows.iter().try_for_each(|row| chain.next(row)).and_then(|()| chain.end())
        };
        assert_eq!(walk(&three()), Ok(()));
        assert_eq!(walk(&three()[..1]), Err(Broken::Cut { seq: 2, last: 3 }));
        assert_eq!(walk(&[]), Err(Broken::Cut { seq: 1, last: 3 }));
        let mut head = three()[0].head();
        let mut forged = vec![three().remove(0)];
        for id in ["x", "c"] {
            forged.push(Entry::new(Act::Apply, Phase::Done).with("migration", id).seal(&head));
            head = forged[forged.len() - 1].head();
        }
        assert!(matches!(walk(&forged), Err(Broken::Replaced { seq: 2, .. })));
    }

    #[test]
    fn i6_deleted_and_swapped_rows_are_found() {
        let mut rows = three();
        rows.remove(1);
        assert_eq!(walk(&rows), Err(Broken::Gap { seq: 3, expected: 2 }));
        let mut rows = three();
        rows.swap(0, 1);
        assert!(walk(&rows).is_err());
    }
}
