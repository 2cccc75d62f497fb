//! One step: a script is run, and what it did is recorded.
//!
//! Where DDL is transactional and the script fits a transaction, the step and its ledger row are one; elsewhere the journal
//! tells what was done.

use std::time::Instant;

use crate::class;
use crate::context::Context;
use crate::engine::{DbError, DbErrorKind, DbResult, Dialect, Ran};
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, counted};
use crate::judge::Refusal;
use crate::ledger::{Act, Entry, Phase};
use crate::lock::Runner;
use crate::locked::{Guard, Locked};
use crate::migration::{Migration, Transaction};
use crate::plan::{Direction, Step, Warrant};
use crate::sha::Sha;
use crate::sql::Script;
use crate::store::{ATTEMPTS, own, pause};

/// What stands in each row beside the step itself.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    pub actor: String,
    pub host: String,
    pub git_author: Option<String>,
    pub git_commit: Option<String>,
    pub ci: Option<String>,
    pub tool: String,
    pub reason: Option<String>,
    pub plan: Option<String>,
}

/// One step that is done.
#[derive(Clone, Debug)]
pub struct Done {
    pub id: crate::id::Id,
    pub direction: Direction,
    /// What its row says was done.
    pub act: Act,
    pub seq: i64,
    pub millis: u64,
    pub rows: u64,
}

/// Where a step goes on that an earlier run left half-way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The ledger's `started` row.
    pub seq: i64,
    /// Number of statements that have taken effect.
    pub from: usize,
}

/// Whether a step is one transaction, with its row in the ledger.
pub(crate) fn is_whole(dialect: &Dialect, step: &Step) -> bool {
    dialect.transactional
        && step.transaction() == Transaction::Auto
        && step.script().is_some_and(|script| !class::forbids_transaction(script))
}

/// What keeps a step from being run where a pooler gives each transaction a session of its own choice.
pub fn needs_session(dialect: &Dialect, step: &Step) -> Option<Finding> {
    let id = &step.migration.id;
    let finding = |why: String, cause: &str| {
        let finding = Finding::warning("needs-session", format!("`{id}` {why}")).of(id).detail(vec![cause.to_owned()]);
        finding.help("name the server itself instead of the pooler; the ledger is the same")
    };
    if step.migration.settings.session.as_deref().is_some_and(|session| !session.is_empty()) {
        let why = "needs a session of its own, for what `session` sets in it".to_owned();
        return Some(finding(why, "a pooler gives each transaction a session of its own choice"));
    }
    let script = step.script().filter(|_| !is_whole(dialect, step))?;
    let cause = "behind a pooler, a statement that outlives its client would go unnoticed";
    Some(match class::without_transaction(script) {
        Some(statement) => {
            let why = format!("needs a session of its own, for {}", script.shown(statement));
            finding(why, cause).at(script.place(statement.span.start))
        }
        None => finding("needs a session of its own, for `transaction = \"off\"`".to_owned(), cause),
    })
}

/// Which ends of the run a step stands at; the schema is read back at both.
pub(crate) struct Ends {
    pub(crate) before: Option<Sha>,
    pub(crate) last: bool,
    /// Its `done` row may go with the first row of the next step, in one transaction. Until then the journal tells as much.
    pub(crate) owes: bool,
}

pub(crate) struct Run<'a> {
    pub(crate) locked: &'a mut Locked,
    pub(crate) provenance: &'a Provenance,
    pub(crate) context: &'a Context,
    pub(crate) step: &'a Step,
    pub(crate) warrant: &'a Warrant,
    /// The other members of its group, whose scripts and rows are in the same transaction.
    pub(crate) mates: &'a [(Step, Warrant)],
    pub(crate) ends: Ends,
    pub(crate) begun: Instant,
    pub(crate) started_at: String,
}

/// How a transaction is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With one message; an error does not tell which part failed.
    AtOnce,
    /// Part by part.
    Apart,
}

/// A step that was stopped: by the database, or on request.
pub(crate) enum Stop {
    Refused(Refusal),
    /// The same, and a part of the statement has taken effect.
    InPart(Refusal),
    /// The end of a step failed as a whole; taken apart it tells why.
    Unclear,
    Asked,
    Fault(Fault),
}

impl Stop {
    /// Whether the session is of no use any more, or nobody asks it anything.
    fn is_over(&self) -> bool {
        match self {
            Stop::Refused(refusal) => refusal.error.kind == DbErrorKind::Connection,
            Stop::Fault(_) | Stop::InPart(_) => true,
            Stop::Unclear | Stop::Asked => false,
        }
    }
}

impl<'a> Run<'a> {
    pub(crate) async fn prepare(&mut self, script: &Script) -> Result<()> {
        self.locked.prepare(script, self.step.migration.settings.session.as_deref()).await
    }

    /// The step, and the others of its group.
    pub(crate) fn members(&self) -> Vec<(&'a Step, &'a Warrant)> {
        let mates = self.mates.iter().map(|(step, warrant)| (step, warrant));
        std::iter::once((self.step, self.warrant)).chain(mates).collect()
    }

    /// The step and its ledger row in one transaction, with all of its group; tried again when a lock or a deadlock stood in
    /// the way.
    pub(crate) async fn in_transaction(&mut self, script: &Script) -> Result<(Vec<Done>, Option<Sha>)> {
        let members = self.members();
        let mut attempt = 1;
        // Where nothing has to be looked at behind the script, what ends the step is one message.
        let plain = self.locked.engine().dialect().sql.constraints.is_empty();
        let is_verified =
            members.iter().any(|(step, _)| step.direction == Direction::Up && step.migration.verify.is_some());
        let mut end = if plain && !self.ends.last && !is_verified { End::AtOnce } else { End::Apart };
        loop {
            let stop = match self.attempt(&members, end).await {
                Ok(done) => return Ok(done),
                Err(stop) => stop,
            };
            self.locked.rollback().await;
            let is_over = stop.is_over();
            if !is_over {
                self.locked.put_back().await?;
                self.prepare(script).await?;
            }
            match stop {
                Stop::InPart(refusal) => return Err(refusal.fault(refusal.kind(), self.failed())),
                Stop::Refused(refusal) if is_over => return Err(refusal.fault(refusal.kind(), self.failed())),
                Stop::Refused(refusal) if refusal.is_passing() && attempt < ATTEMPTS => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                Stop::Refused(refusal) => {
                    let what = if members.len() > 1 { "its group" } else { "this step" };
                    let first = if refusal.kind() == FaultKind::Refused { "mend the script and " } else { "" };
                    let help = format!("nothing of {what} has taken effect; {first}run the command again");
                    let fault = refusal.fault(refusal.kind(), self.failed()).help(help);
                    let fault = self.locked.explain(fault, &refusal.error).await;
                    self.record_failure(0, &refusal.error.to_string()).await;
                    return Err(fault);
                }
                Stop::Unclear => end = End::Apart,
                Stop::Asked => {
                    let what = format!("stopped on request; nothing of `{}` has taken effect", self.step.migration.id);
                    return Err(Fault::refused(what));
                }
                Stop::Fault(fault) => return Err(fault),
            }
        }
    }

    async fn attempt(
        &mut self,
        members: &[(&'a Step, &'a Warrant)],
        end: End,
    ) -> std::result::Result<(Vec<Done>, Option<Sha>), Stop> {
        let guard = self.locked.begin().await.map_err(Stop::Fault)?;
        let mut rows = Vec::with_capacity(members.len());
        for member in members {
            (self.step, self.warrant) = *member;
            rows.push(self.script_of_step().await?);
        }
        if end == End::AtOnce {
            let done = self.append(members, &rows, None);
            return match self.locked.conclude(&guard).await {
                Ok(()) => Ok((done, None)),
                Err(error) if error.kind == DbErrorKind::NoSavepoint => Err(Stop::Fault(self.ended_transaction())),
                Err(error) if error.kind == DbErrorKind::Connection => {
                    Err(Stop::Fault(own("writing the ledger", &error)))
                }
                Err(_) => Err(Stop::Unclear),
            };
        }
        for member in members {
            (self.step, self.warrant) = *member;
            self.check_verify().await.map_err(Stop::Fault)?;
        }
        self.settle(&guard).await?;
        let after = self.schema_after().await.map_err(Stop::Fault)?;
        let done = self.append(members, &rows, after.as_ref());
        let failed = |error: DbError| Stop::Fault(own("writing the ledger", &error));
        self.locked.commit().await.map_err(failed)?;
        Ok((done, after))
    }

    /// Runs the step's script; gives the number of rows that it touched.
    async fn script_of_step(&mut self) -> std::result::Result<u64, Stop> {
        let Some(script) = self.step.script().cloned() else { return Err(Stop::Fault(Fault::bug("no script to run"))) };
        let mut rows = 0;
        for index in class::sent(&script) {
            rows += self.statement(&script, index).await?.rows;
        }
        Ok(rows)
    }

    /// Appends a row for each member; the first one says what the schema was before, the last one what it is then.
    fn append(&mut self, members: &[(&'a Step, &'a Warrant)], rows: &[u64], after: Option<&Sha>) -> Vec<Done> {
        let mut all = Vec::with_capacity(members.len());
        let before = self.ends.before.clone();
        for (at, (member, rows)) in members.iter().zip(rows).enumerate() {
            (self.step, self.warrant) = *member;
            let after = after.filter(|_| at + 1 == members.len());
            let entry = self.entry(Phase::Done, *rows).with_some("schema_after", after.map(Sha::as_str));
            let entry = self.locked.append(entry);
            all.push(self.done(entry.seq(), *rows));
            self.ends.before = None;
        }
        // Where the end is tried again, the rows are made again.
        self.ends.before = before;
        all
    }

    async fn settle(&mut self, guard: &Guard) -> std::result::Result<(), Stop> {
        let Some(script) = self.step.script() else { return Ok(()) };
        let violations = match self.locked.settle(guard).await {
            Ok(violations) => violations,
            Err(error) if error.kind == DbErrorKind::NoSavepoint => {
                return Err(Stop::Fault(self.ended_transaction()));
            }
            Err(error) => {
                let index = script.statements().len().saturating_sub(1);
                let error = DbError { position: None, ..error };
                return Err(Stop::Refused(Refusal { script: script.clone(), index, error }));
            }
        };
        match violations.first() {
            None => Ok(()),
            Some(first) => {
                let count = counted(violations.len(), "violated foreign key");
                let fault = Fault::refused(format!("`{}` leaves {count} behind", self.step.migration.id));
                let others = violations.len() - 1;
                let fault = fault.cause(first).at(script.place(0));
                let fault = if others > 0 { fault.cause(format!("and {others} more")) } else { fault };
                Err(Stop::Fault(fault.help("have the script put the parents in, or take these rows out")))
            }
        }
    }

    pub(crate) fn ended_transaction(&self) -> Fault {
        let what = format!("the script of `{}` ended the transaction that it runs in", self.step.migration.id);
        let fault = Fault::new(FaultKind::HalfWay, what);
        let fault = if let Some(script) = self.step.script() { fault.at(script.place(0)) } else { fault };
        fault
            .cause("what it ran before that point is committed, and is not recorded")
            .help("take BEGIN and COMMIT out of the script, or declare `transaction = \"off\"`")
    }

    /// Runs one statement; the second Ctrl-C cancels it on the server.
    pub(crate) async fn statement(&mut self, script: &Script, index: usize) -> std::result::Result<Ran, Stop> {
        if index > 0 && self.context.interrupt.count() > 0 {
            return Err(Stop::Asked);
        }
        let canceller = self.locked.canceller();
        let statement = &script.statements()[index];
        let ran: DbResult<Ran> = {
            let running = self.locked.run(script, statement);
            tokio::pin!(running);
            tokio::select! {
                ran = &mut running => ran,
                () = self.context.interrupt.reached(2) => {
                    // Whether the cancel arrives in time or not, the statement's own answer says what became of it.
                    let _ = canceller.cancel().await;
                    running.await
                }
            }
        };
        match ran {
            Ok(ran) => {
                for text in &ran.notices {
                    self.context.tell(Event::Notice { id: self.step.migration.id.clone(), text: text.clone() });
                }
                Ok(ran)
            }
            Err(error) => Err(Stop::Refused(Refusal { script: script.clone(), index, error })),
        }
    }

    async fn record_failure(&mut self, done: usize, why: &str) {
        let entry = self.entry(Phase::Failed, 0).with("statement", done.to_string()).with("detail", why);
        // The failure itself is what the user must hear of; that it could not be recorded as well says nothing new.
        let _ = self.locked.record(entry).await;
    }

    /// Runs the queries of `verify.sql` after an up, inside its transaction where there is one.
    pub(crate) async fn check_verify(&mut self) -> Result<()> {
        let Some(script) = self.verify_script() else { return Ok(()) };
        for (index, statement) in script.statements().iter().enumerate() {
            let what = format!("verify.sql of `{}` does not hold after the up", self.step.migration.id);
            match self.locked.query(script.sql(statement)).await {
                Ok(rows) if crate::chain::holds(&rows) => {}
                Ok(_) => return Err(Fault::refused(what).at(script.place(statement.span.start))),
                Err(error) => {
                    let refusal = Refusal { script: script.clone(), index, error };
                    return Err(refusal.fault(refusal.kind(), what));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn verify_script(&self) -> Option<Script> {
        self.step.migration.verify.clone().filter(|_| self.step.direction == Direction::Up)
    }

    pub(crate) async fn schema_after(&mut self) -> Result<Option<Sha>> {
        if !self.ends.last {
            return Ok(None);
        }
        Ok(Some(self.locked.snapshot_inside().await?.weak_digest()))
    }

    pub(crate) fn failed(&self) -> String {
        format!("the {} of `{}` failed", self.step.word(), self.step.migration.id)
    }

    pub(crate) fn done(&self, seq: i64, rows: u64) -> Done {
        let (direction, act) = (self.step.direction, self.step.act());
        Done { id: self.step.migration.id.clone(), direction, act, seq, millis: self.millis(), rows }
    }

    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn entry(&self, phase: Phase, rows: u64) -> Entry {
        self.describe(Entry::new(self.step.act(), phase))
            .with("finished_at", self.context.now())
            .with("duration_ms", self.millis().to_string())
            .with("rows_affected", rows.to_string())
    }

    pub(crate) fn describe(&self, entry: Entry) -> Entry {
        described(
            entry,
            &self.step.migration,
            self.warrant.to_json(self.step.requires.as_deref()),
            self.provenance,
            self.locked.runner(),
        )
        .with_some("reverts", self.step.reverts.map(|seq| seq.to_string()))
        .with("started_at", self.started_at.clone())
        .with_some("schema_before", self.ends.before.as_ref().map(Sha::as_str))
    }
}

/// What every row about a migration says: the whole of it, who, why.
pub(crate) fn described(
    entry: Entry,
    migration: &Migration,
    warrant: Option<String>,
    provenance: &Provenance,
    runner: &Runner,
) -> Entry {
    let text = |script: Option<&Script>| script.map(|script| script.checksum().text.clone());
    let entry = entry
        .with("migration", migration.id.as_str())
        .with("digest", migration.digest().as_str())
        .with_some("up_checksum", text(Some(&migration.up)))
        .with_some("down_checksum", text(migration.down.script()))
        .with_some("verify_checksum", text(migration.verify.as_ref()))
        .with_some("settings", serde_json::to_string(&migration.settings).ok())
        .with_some("proof", warrant);
    stamped(entry, provenance, runner).with_some("ticket", migration.settings.ticket.clone())
}

/// What every row says of the run: who, from where, why.
pub(crate) fn stamped(entry: Entry, provenance: &Provenance, runner: &Runner) -> Entry {
    entry
        .with_some("plan", provenance.plan.clone())
        .with("run", runner.run.clone())
        .with("actor", provenance.actor.clone())
        .with_some("git_author", provenance.git_author.clone())
        .with_some("git_commit", provenance.git_commit.clone())
        .with_some("ci", provenance.ci.clone())
        .with("host", provenance.host.clone())
        .with("tool", provenance.tool.clone())
        .with_some("reason", provenance.reason.clone())
}
