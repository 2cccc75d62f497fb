//! Events: what acts tell while they work. The library tells, the command line speaks.

use crate::finding::Finding;
use crate::id::Id;
use crate::plan::Direction;
use crate::proof::Verdict;

/// Something that happened during an act.
#[derive(Clone, Debug)]
pub enum Event {
    /// Work of a known size begins; `what` is a verb phrase (`proving`, `applying`).
    Begins { what: &'static str, total: usize },
    /// A migration is being worked on.
    Working { id: Id },
    /// A migration has been judged.
    Judged { id: Id, verdict: Verdict, millis: u64, findings: Vec<Finding> },
    /// A step of a plan is done and recorded.
    Stepped { id: Id, direction: Direction, millis: u64, rows: u64 },
    /// Another runner holds the lock.
    Waiting { holder: String },
    /// A notice or warning of the server, in its own words.
    Notice { id: Id, text: String },
    /// Something the user should know that ends nothing.
    Warning(Finding),
    /// The work is over, well or not; progress may be cleared.
    Ends,
}

/// Who is told.
pub trait Observer: Send + Sync {
    fn tell(&self, event: Event);
}

/// Tells nobody.
pub struct Silent;

impl Observer for Silent {
    fn tell(&self, _event: Event) {}
}
