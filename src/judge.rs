//! Judging: from what was observed in a shadow to a verdict with its findings. Pure.

use std::collections::BTreeSet;

use crate::class;
use crate::conditional::{Clause, Conditional};
use crate::data::{Loss, What};
use crate::engine::{DbError, DbErrorKind};
use crate::fault::{Fault, FaultKind};
use crate::finding::{Finding, Place, Severity};
use crate::mend::mend;
use crate::migration::{Down, Migration};
use crate::moves::Move;
use crate::plan::Direction;
use crate::proof::{Drops, Verdict};
use crate::snapshot::{self, Change, Fate, Snapshot, Weight};
use crate::sql::{Flavor, Script, Statement};

/// A statement that a database refused: which one, and the database's words.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub script: Script,
    /// Index of the statement, from 0.
    pub index: usize,
    pub error: DbError,
}

impl Refusal {
    fn statement(&self) -> Option<&Statement> {
        self.script.statements().get(self.index)
    }

    /// Byte of the script at which the database points, or at which the statement begins.
    fn offset(&self) -> usize {
        let Some(statement) = self.statement() else { return 0 };
        match self.error.position {
            Some(position) => self.script.position(statement, position),
            None => statement.span.start,
        }
    }

    pub fn place(&self) -> Place {
        self.script.place(self.offset())
    }

    /// `statement 2 of 5`.
    pub fn which(&self) -> String {
        format!("statement {} of {}", self.index + 1, self.script.statements().len())
    }

    /// Whether trying again may help: a lock or a deadlock stood in the way.
    pub fn is_passing(&self) -> bool {
        matches!(self.error.kind, DbErrorKind::LockTimeout | DbErrorKind::Conflict)
    }

    /// The same, where the statement by itself cannot have had any effect: it runs no others.
    pub fn may_be_repeated(&self) -> bool {
        let is_opaque = |statement| class::classify(&self.script, statement).opaque;
        self.is_passing() && !self.statement().is_some_and(is_opaque)
    }

    /// MySQL: no shadow grants anything where its maker may not read what others have been granted.
    fn is_denied_grant(&self) -> bool {
        let grants = |statement| class::classify(&self.script, statement).grants;
        self.script.flavor() == Flavor::Mysql
            && self.statement().is_some_and(grants)
            && self.error.message.to_lowercase().starts_with("grant command denied")
    }

    /// What sort of end it is when nothing has taken effect.
    pub fn kind(&self) -> FaultKind {
        match self.error.kind {
            _ if self.is_passing() => FaultKind::Busy,
            DbErrorKind::Connection | DbErrorKind::NotReady => FaultKind::Unreachable,
            _ => FaultKind::Refused,
        }
    }

    /// The whole of it as a fault: file, line, column, the piece of SQL with a caret, k of n, the server's own words.
    pub fn fault(&self, kind: FaultKind, what: impl Into<String>) -> Fault {
        let fault = Fault::new(kind, format!("{} ({})", what.into(), self.which()))
            .at(self.place())
            .excerpt(self.script.excerpt(self.offset()));
        self.error.lines().into_iter().fold(fault, Fault::cause)
    }

    /// As a finding; the excerpt goes into its detail.
    pub fn finding(&self, code: &'static str, message: impl Into<String>) -> Finding {
        let mut detail = Vec::new();
        if let Some(excerpt) = self.script.excerpt(self.offset()) {
            let caret = usize::try_from(excerpt.column.saturating_sub(1)).unwrap_or(0);
            detail.push(format!("  {}", excerpt.line));
            detail.push(format!("  {}^", " ".repeat(caret)));
        }
        detail.extend(self.error.lines());
        let finding =
            Finding::error(code, format!("{} ({})", message.into(), self.which())).at(self.place()).detail(detail);
        match self.error.kind {
            DbErrorKind::NotOnServer => finding.help(HELP_SERVER),
            DbErrorKind::Privilege if self.is_denied_grant() => finding.help(HELP_GRANTS),
            _ => finding,
        }
    }
}

const HELP_SERVER: &str =
    "the server on which the shadow stands needs it, too: put it there, or name a server that has it by `shadow = URL`";

const HELP_GRANTS: &str = "the account that makes the shadow has to see what GRANT does: it needs SELECT on mysql.tables_priv, \
    mysql.columns_priv and mysql.procs_priv, and must have the right itself, with GRANT OPTION";

/// A data statement that met no row in the shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexercised {
    pub direction: Direction,
    pub place: Place,
    pub table: String,
}

/// What was seen of one migration, there and back.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The up failed on empty tables, or on rows of a real database.
    pub up_failed: Option<Refusal>,
    /// The database on whose rows it failed.
    pub failed_on: Option<String>,
    /// A query of `verify.sql` did not hold after the up.
    pub verify_failed: Vec<Finding>,
    pub before: Snapshot,
    pub after_up: Snapshot,
    pub after_down: Option<Snapshot>,
    pub after_again: Option<Snapshot>,
    /// The down failed, and when it does.
    pub down_failed: Option<(Refusal, When)>,
    pub again_failed: Option<Refusal>,
    pub losses: Vec<Loss>,
    pub unexercised: Vec<Unexercised>,
    /// What has another name after the up with all its rows, and comes back from there.
    pub moves: Vec<Move>,
    /// What else is worth saying: tables without rows, an up that could only be tried on empty tables.
    pub notes: Vec<Finding>,
}

impl Seen {
    /// Adds what is worth saying, and not said yet; of one object the same is said once.
    pub fn note(&mut self, notes: Vec<Finding>) {
        for note in notes {
            let is_same = |said: &Finding| {
                *said == note || note.object.is_some() && (&said.code, &said.object) == (&note.code, &note.object)
            };
            if !self.notes.iter().any(is_same) {
                self.notes.push(note);
            }
        }
    }
}

/// When a down fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On empty tables already.
    Always,
    /// With rows that were there before the up.
    OldRows,
    /// With rows that were written after the up, in the new state.
    NewRows,
}

/// The verdict on a migration, and why.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
    /// Tables and columns whose rows do not come back, as `public.users.email`.
    pub loses: Vec<String>,
    pub drops: Drops,
}

/// Judges what was seen.
pub fn judge(migration: &Migration, seen: &Seen) -> Judgement {
    let mut findings = seen.notes.clone();
    let verdict = verdict(migration, seen, &mut findings);
    let loses = match verdict {
        Verdict::Lossy | Verdict::Broken => loses(seen),
        _ => Vec::new(),
    };
    let findings = findings.into_iter().map(|finding| finding.of(&migration.id)).collect();
    let there = snapshot::diff(&seen.before, &seen.after_up);
    let back = seen.after_down.as_ref().map(|after| snapshot::diff(&seen.after_up, after)).unwrap_or_default();
    let moves = seen.moves.clone();
    let up_drops = dropped(&seen.before, &there, &moves.iter().map(|(from, _)| from).collect());
    let down_drops = dropped(&seen.after_up, &back, &moves.iter().map(|(_, to)| to).collect());
    Judgement { verdict, findings, loses, drops: Drops { up_drops, down_drops, moves } }
}

/// Tables and columns of tables that went away from the schema, and whose rows did not move on.
fn dropped(schema: &Snapshot, changes: &[Change], moved: &BTreeSet<&String>) -> Vec<String> {
    // A view has columns as well, and no rows of its own.
    let is_of_table = |column: &str| {
        schema
            .of_kind("table")
            .any(|table| column.strip_prefix(&table.object).is_some_and(|rest| rest.starts_with('.')))
    };
    let holds_rows = |change: &&Change| match change.kind.as_str() {
        "table" => true,
        "column" => is_of_table(&change.object),
        _ => false,
    };
    let gone = changes.iter().filter(|change| change.fate == Fate::Removed).filter(holds_rows);
    gone.map(Change::title).filter(|title| !moved.contains(title)).collect()
}

fn verdict(migration: &Migration, seen: &Seen, findings: &mut Vec<Finding>) -> Verdict {
    if let Some(refusal) = &seen.up_failed {
        let on = seen.failed_on.as_ref().map(|name| format!(" on the rows of {name}")).unwrap_or_default();
        findings.push(refusal.finding("up-failed", format!("the up script fails{on}")));
        return Verdict::Failed;
    }
    if !seen.verify_failed.is_empty() {
        findings.extend(seen.verify_failed.iter().cloned());
        return Verdict::Failed;
    }
    match &migration.down {
        Down::Irreversible(_) => return Verdict::Irreversible,
        Down::Missing => {
            findings.push(missing(migration));
            return Verdict::Missing;
        }
        Down::Script(script) if script.statements().is_empty() => {
            let finding = if migration.is_blank() {
                Finding::warning("down-empty", "neither the up nor the down holds a statement")
            } else {
                Finding::error("down-empty", "the down script holds no statement")
            };
            findings.push(finding.at(script.place(0)));
        }
        Down::Script(_) => {}
    }
    if let Some((refusal, when)) = &seen.down_failed {
        let message = match when {
            When::Always => "the down script fails",
            When::OldRows => "the down script fails when the tables hold rows",
            When::NewRows => "the down script fails over rows that were written after the up",
        };
        findings.push(refusal.finding("down-failed", message));
        // Over rows from before the up it has run, and what it left behind then is worth saying, too.
        if *when != When::NewRows {
            return Verdict::Broken;
        }
    }
    let back = seen.after_down.as_ref().map(|after| snapshot::diff(&seen.before, after)).unwrap_or_default();
    let is_missed = back.iter().any(|change| change.fate == Fate::Removed);
    let conditional = if is_missed { Conditional::of(migration) } else { Vec::new() };
    findings.extend(back.iter().map(|change| not_its_own(migration, change, &conditional)));
    if let Some(refusal) = &seen.again_failed {
        findings.push(refusal.finding("up-again-failed", "the up script fails when it is run again after the down"));
        return Verdict::Broken;
    }
    let again = seen.after_again.as_ref().map(|after| snapshot::diff(&seen.after_up, after)).unwrap_or_default();
    if back.is_empty() {
        findings.extend(again.iter().map(|change| unrepeated(migration, change)));
    }
    let weight = snapshot::weight(&back).max(snapshot::weight(&again));
    let lossy = lossy(migration, seen, findings);
    let empty = migration.down.script().is_some_and(|script| script.statements().is_empty()) && !migration.is_blank();
    // What lost rows is not undone by a script that does nothing.
    let idle = lossy && migration.down.script().is_some_and(class::is_idle);
    if let (true, Some(script)) = (idle, migration.down.script()) {
        let finding =
            Finding::error("down-vacuous", "the down script does nothing: none of its statements changes anything");
        findings
            .push(finding.at(script.place(0)).help("undo what the up does, or declare [irreversible] with a reason"));
    }
    match weight {
        Some(Weight::Strong) => Verdict::Broken,
        _ if seen.down_failed.is_some() => Verdict::Broken,
        _ if empty || idle => Verdict::Broken,
        _ if lossy => Verdict::Lossy,
        Some(Weight::Weak) => Verdict::Equivalent,
        None => Verdict::Exact,
    }
}

fn missing(migration: &Migration) -> Finding {
    let place = Place::new(migration.path.clone(), 1, 1);
    Finding::error("down-missing", "there is no down script")
        .at(place)
        .help("write one, or declare `[irreversible] reason = \"…\"`")
}

/// A difference that the down leaves, in the words of a person who reads it from the database's side.
fn unrestored(migration: &Migration, change: &Change) -> Finding {
    let title = change.title();
    let (code, message) = match (change.fate, change.weight) {
        (Fate::Added, _) => ("left-behind", format!("{title} is left behind by the down")),
        (Fate::Removed, _) => ("not-restored", format!("{title} is not restored by the down")),
        (Fate::Renamed, _) => ("renamed", format!("{title} comes back under another generated name")),
        (Fate::Changed, Weight::Weak) => ("layout", format!("{title} comes back in another order or layout")),
        (Fate::Changed, Weight::Strong) => ("changed", format!("{title} is not what it was before the up")),
    };
    let severity = if change.weight == Weight::Weak { Severity::Warning } else { Severity::Error };
    let mut finding = Finding::new(code, severity, message).object(title).detail(change.lines.clone());
    finding.place = place_of(migration, change);
    finding.help = mend(change, migration.up.flavor());
    finding
}

/// The same, in words of its own where the up never made what the down drops.
fn not_its_own(migration: &Migration, change: &Change, conditional: &[Conditional]) -> Finding {
    let finding = unrestored(migration, change);
    let Some(of) = conditional.iter().find(|of| change.fate == Fate::Removed && of.is(&change.kind, &change.object))
    else {
        return finding;
    };
    let why = match of.clause {
        Clause::IfNotExists => "it was there before the up, whose IF NOT EXISTS left it alone, and the down drops it",
        Clause::OrReplace => "it was there before the up, which replaced it, and the down drops it",
    };
    Finding { message: format!("{}: {why}", finding.message), help: Some(of.help()), ..finding }
}

fn unrepeated(migration: &Migration, change: &Change) -> Finding {
    let severity = if change.weight == Weight::Weak { Severity::Warning } else { Severity::Error };
    let message = format!("{} is otherwise when the up runs again after the down", change.title());
    let mut finding = Finding::new("up-not-repeatable", severity, message).object(change.title());
    finding.detail = change.lines.clone();
    finding.place = place_of(migration, change);
    finding
}

/// The statement of the up that names the object; else the start of the down.
fn place_of(migration: &Migration, change: &Change) -> Option<Place> {
    let mut parts: Vec<String> = snapshot::parts(change.subject()).iter().map(|part| part.to_lowercase()).collect();
    let name = parts.pop()?;
    let owner = parts.pop();
    let names =
        |script: &Script, statement: &Statement, name: &str| script.names_of(statement).iter().any(|used| used == name);
    let up = &migration.up;
    let by = |name: &str| up.statements().iter().find(|statement| names(up, statement, name));
    let statement = by(&name).or_else(|| owner.as_deref().and_then(by));
    match (statement, migration.down.script()) {
        (Some(statement), _) => Some(up.place(statement.span.start)),
        (None, Some(down)) => Some(down.place(0)),
        (None, None) => None,
    }
}

fn lossy(migration: &Migration, seen: &Seen, findings: &mut Vec<Finding>) -> bool {
    for loss in &seen.losses {
        let code = if loss.what == What::Appeared { "rows-left-behind" } else { "rows-lost" };
        let mut finding = Finding::warning(code, format!("{loss} by the way there and back")).object(loss.title());
        finding.place = migration.down.script().map(|script| script.place(0));
        findings.push(finding);
    }
    for statement in &seen.unexercised {
        let message = format!(
            "not exercised: this statement of the {} touched no row of {} in the shadow",
            statement.direction, statement.table
        );
        let finding = Finding::warning("not-exercised", message).at(statement.place.clone());
        findings.push(
            finding.help(
                "rows that it meets help: write them into its seed.sql, or into seed/ID.sql beside the migrations",
            ),
        );
    }
    !seen.losses.is_empty() || !seen.unexercised.is_empty()
}

fn loses(seen: &Seen) -> Vec<String> {
    let lost = seen.losses.iter().filter(|loss| loss.what != What::Appeared).map(Loss::title);
    let mut all: Vec<String> = lost.chain(seen.unexercised.iter().map(|statement| statement.table.clone())).collect();
    all.sort();
    all.dedup();
    all
}
