//! A step without a transaction around it: statement by statement, journalled, so that after a crash it is known which was
//! the last that took effect.

use std::ops::Range;

use crate::class::{self, Kind, TransactionNeed};
use crate::engine::{DbError, DbErrorKind, Dialect};
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::counted;
use crate::judge::Refusal;
use crate::ledger::{Entry, Phase};
use crate::sha::Sha;
use crate::sql::Script;
use crate::step::{Done, Resume, Run, Stop};
use crate::store::{own, pause};

impl Run<'_> {
    /// Statement by statement, journalled, where there is no transaction around them.
    pub(crate) async fn journalled(&mut self, script: &Script) -> Result<(Done, Option<Sha>)> {
        let started = Entry::new(self.step.act(), Phase::Started);
        let started = self.describe(started).with("detail", counted(script.statements().len(), "statement"));
        self.locked.begin_own().await?;
        let entry = self.locked.append(started);
        let step = entry.seq();
        if let Some(unit) = class::units(script).first() {
            self.locked.intend(step, unit.end, text_of(script, unit));
        }
        self.locked.begin_step().await?;
        self.locked.commit_own("writing the journal").await?;
        self.statements_from(script, step, 0).await
    }

    /// Goes on with a step that an earlier run left half-way; what it did is journalled and was read back.
    pub(crate) async fn resumed(&mut self, script: &Script, resume: Resume) -> Result<(Done, Option<Sha>)> {
        self.locked.resume_step();
        self.set_again(script, resume.from).await?;
        self.locked.begin_own().await?;
        // Whatever stopped it before is over, and a failure from now on is of another try.
        let again = Entry::new(self.step.act(), Phase::Started);
        let again = self.describe(again).with("statement", resume.from.to_string());
        let behind = format!("resumed behind statement {}", resume.from);
        self.locked.append(again.with("reverts", resume.seq.to_string()).with("detail", behind));
        for unit in class::units(script).iter().take_while(|unit| unit.start <= resume.from) {
            self.locked.intend(resume.seq, unit.end, text_of(script, unit));
            if unit.end <= resume.from {
                self.locked.intent_done(resume.seq, unit.end);
            }
        }
        self.locked.commit_own("writing the journal").await?;
        self.statements_from(script, resume.seq, resume.from).await
    }

    /// Gives a new session what the statements before `from` had set in the one that is gone.
    async fn set_again(&mut self, script: &Script, from: usize) -> Result<()> {
        for index in class::sent(script).filter(|index| *index < from) {
            let statement = &script.statements()[index];
            let class = class::classify(script, statement);
            if !class.session || class.transaction_control.is_some() {
                continue;
            }
            let sets = matches!(class.kind, class::Kind::Session | class::Kind::Query);
            if !sets && class.kind != class::Kind::Ddl && !script.sql(statement).contains(":=") {
                continue;
            }
            if !sets {
                let what = "a temporary table or a variable went with the session of the run that was stopped";
                let fault = Fault::new(FaultKind::HalfWay, what).at(script.place(statement.span.start));
                return Err(
                    fault.help("make by hand what the statements behind it need, or take the step back by hand")
                );
            }
            self.statement(script, index).await.map_err(|stop| match stop {
                Stop::Refused(refusal) | Stop::InPart(refusal) => refusal.fault(FaultKind::HalfWay, self.failed()),
                Stop::Asked => Fault::refused("stopped on request, before anything was run"),
                Stop::Unclear => Fault::bug("only the end of a transaction is unclear"),
                Stop::Fault(fault) => fault,
            })?;
        }
        Ok(())
    }

    /// The statements of a started step, from one on; ends with its `done` row.
    async fn statements_from(&mut self, script: &Script, step: i64, from: usize) -> Result<(Done, Option<Sha>)> {
        let mut rows = 0;
        let units = class::units(script);
        for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.start >= from) {
            let is_one = is_one_with_its_row(self.locked.engine().dialect(), script, unit);
            match self.tried(script, unit, step).await {
                Ok(ran) => rows += ran,
                Err(stop) => return Err(self.stopped_at(stop, step, unit.start).await),
            }
            if !is_one {
                self.locked.intent_done(step, unit.end);
            }
            if let Some(next) = units.get(at + 1) {
                self.locked.begin_own().await?;
                self.locked.intend(step, next.end, text_of(script, next));
                self.locked.commit_own("writing the journal").await?;
            }
        }
        self.finish(script, step, rows).await
    }

    async fn finish(&mut self, script: &Script, step: i64, rows: u64) -> Result<(Done, Option<Sha>)> {
        let owes = self.ends.owes && self.verify_script().is_none();
        let (verified, after) = self.read_behind(owes).await?;
        let (phase, detail) = match &verified {
            Ok(()) => (Phase::Done, None),
            Err(fault) => (Phase::Failed, Some(fault.to_string())),
        };
        let entry = self.entry(phase, rows).with_some("schema_after", after.as_ref().map(Sha::as_str));
        let entry = entry.with("statement", script.statements().len().to_string()).with_some("detail", detail);
        let entry = if phase == Phase::Failed { entry.with("reverts", step.to_string()) } else { entry };
        let entry = self.locked.append(entry);
        if !owes {
            self.locked.commit_own("writing the ledger").await?;
            self.locked.end_step();
        }
        verified.map_err(|fault| fault.kind_is(FaultKind::HalfWay))?;
        Ok((self.done(entry.seq(), rows), after))
    }

    /// What `verify.sql` and the schema say behind the last statement; in the transaction that ends the step, which is begun here, unless
    /// the step `owes` its row. Begun again where a conflict undid it.
    async fn read_behind(&mut self, owes: bool) -> Result<(Result<()>, Option<Sha>)> {
        let mut attempt = 1;
        loop {
            if !owes {
                self.locked.begin_own().await?;
            }
            let read = match self.check_verify().await {
                Err(fault) if fault.kind() == FaultKind::Busy => Err(fault),
                verified => self.schema_after().await.map(|after| (verified, after)),
            };
            match read {
                Err(fault) if fault.kind() == FaultKind::Busy && attempt < self.locked.attempts() => {
                    self.locked.undo().await;
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                read => return read,
            }
        }
    }

    /// A unit; tried again when a lock or a deadlock stood in the way and nothing of it can have taken effect.
    async fn tried(&mut self, script: &Script, unit: &Range<usize>, step: i64) -> std::result::Result<u64, Stop> {
        let mut attempt = 1;
        let before = match self.may_take_effect_in_part(script, unit) {
            true => Some(self.schema_now().await.map_err(Stop::Fault)?),
            false => None,
        };
        loop {
            let ran = match is_one_with_its_row(self.locked.engine().dialect(), script, unit) {
                true => self.with_its_row(script, unit.start, step).await,
                false => self.unit(script, unit).await,
            };
            match ran {
                Err(Stop::Refused(refusal))
                    if attempt < self.locked.attempts() && unit.len() == 1 && refusal.may_be_repeated() =>
                {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                Err(Stop::Refused(refusal)) if refusal.error.kind != DbErrorKind::Connection => {
                    return match &before {
                        Some(before) if self.schema_now().await.map_err(Stop::Fault)? != *before => {
                            Err(Stop::InPart(refusal))
                        }
                        _ => Err(Stop::Refused(refusal)),
                    };
                }
                ran => return ran,
            }
        }
    }

    async fn schema_now(&mut self) -> Result<Sha> {
        Ok(self.locked.snapshot().await?.weak_digest())
    }

    /// Whether a unit that is refused may have done a part of what it says: a list of things to drop, or a table to put in the
    /// place of another. MariaDB drops those before the one that it stops at.
    fn may_take_effect_in_part(&self, script: &Script, unit: &Range<usize>) -> bool {
        let statements = &script.statements()[unit.clone()];
        !self.locked.engine().dialect().transactional
            && statements.iter().any(|statement| class::may_take_effect_in_part(script, statement))
    }

    /// A statement and its journal row, in one transaction.
    async fn with_its_row(&mut self, script: &Script, index: usize, step: i64) -> std::result::Result<u64, Stop> {
        let guard = self.locked.begin_one().await.map_err(Stop::Fault)?;
        let ran = match self.statement(script, index).await {
            Ok(ran) => ran,
            Err(stop) => {
                self.locked.rollback().await;
                return Err(stop);
            }
        };
        // A conflict undid all of it, whenever it shows: on a cluster at the COMMIT itself.
        let failed = |error: DbError| match error.kind {
            DbErrorKind::Conflict => Stop::Refused(Refusal { script: script.clone(), index, error }),
            _ => Stop::Fault(own("writing the journal", &error)),
        };
        match self.locked.settle(&guard).await {
            Ok(_) => {}
            Err(error) if error.kind == DbErrorKind::NoSavepoint => {
                return Err(Stop::Fault(self.ended_transaction()));
            }
            Err(error) => {
                self.locked.rollback().await;
                return Err(Stop::Refused(Refusal { script: script.clone(), index, error }));
            }
        }
        self.locked.fence_behind().await.map_err(failed)?.map_err(Stop::Fault)?;
        self.locked.intent_done(step, index + 1);
        if let Err(error) = self.locked.commit().await {
            self.locked.rollback().await;
            return Err(failed(error));
        }
        Ok(ran.rows)
    }

    /// A statement by itself, or a transaction of the script's own.
    async fn unit(&mut self, script: &Script, unit: &Range<usize>) -> std::result::Result<u64, Stop> {
        let mut rows = 0;
        for index in unit.clone() {
            match self.statement(script, index).await {
                Ok(ran) => rows += ran.rows,
                Err(stop) => {
                    if unit.len() > 1 {
                        self.locked.rollback().await;
                    }
                    return Err(stop);
                }
            }
        }
        Ok(rows)
    }

    async fn stopped_at(&mut self, stop: Stop, step: i64, done: usize) -> Fault {
        let kind = if done == 0 { FaultKind::Refused } else { FaultKind::HalfWay };
        let fault = match stop {
            Stop::Refused(refusal) if refusal.error.kind == DbErrorKind::Connection => {
                let fault = refusal.fault(FaultKind::HalfWay, self.failed());
                return fault
                    .cause("whether it took effect is not known yet: the server may still be running it")
                    .help("`switchback recover` finds that out, and goes on or takes it back");
            }
            Stop::Refused(refusal) => {
                let kind = if done == 0 { refusal.kind() } else { kind };
                let fault = refusal.fault(kind, self.failed());
                let fault = self.locked.explain(fault, &refusal.error).await;
                self.record_failure_of(step, done, &refusal.error.to_string()).await;
                fault
            }
            // No row says that it failed: what began the step stays the last that is known of it.
            Stop::InPart(refusal) => {
                return refusal
                    .fault(FaultKind::HalfWay, self.failed())
                    .cause("a part of what it says has taken effect all the same")
                    .help("`switchback recover` tells where the schema stands");
            }
            Stop::Asked => {
                self.record_failure_of(step, done, "stopped on request").await;
                Fault::new(kind, format!("stopped on request inside `{}`", self.step.migration.id))
            }
            Stop::Unclear => Fault::bug("only the end of a transaction is unclear"),
            Stop::Fault(fault) => return fault,
        };
        if done == 0 {
            return fault;
        }
        let or = if self.step.backs_out { "" } else { "; or `switchback recover --back-out` takes it back" };
        fault.cause(format!("{done} of its statements had taken effect before, and are journalled")).help(format!(
            "mend the cause and run the command again: it goes on behind the last statement that took effect{or}"
        ))
    }

    async fn record_failure_of(&mut self, step: i64, done: usize, why: &str) {
        let entry = self.entry(Phase::Failed, 0).with("statement", done.to_string()).with("detail", why);
        let _ = self.locked.record(entry.with("reverts", step.to_string())).await;
    }
}

/// Whether a unit and its journal row are one transaction, so that neither is there without the other: a data statement on every
/// engine, and where DDL is transactional whatever may stand in one and neither says anything of its session nor ends it.
pub(crate) fn is_one_with_its_row(dialect: &Dialect, script: &Script, unit: &Range<usize>) -> bool {
    let class = class::classify(script, &script.statements()[unit.start]);
    let fits = class.transaction == TransactionNeed::Allowed && class.transaction_control.is_none() && !class.session;
    let is_known = matches!(class.kind, Kind::Ddl | Kind::Query);
    unit.len() == 1 && (class.kind == Kind::Dml || dialect.transactional && fits && is_known)
}

/// The text of a unit, which the journal keeps a checksum of.
pub fn text_of<'a>(script: &'a Script, unit: &Range<usize>) -> &'a str {
    let statements = &script.statements()[unit.clone()];
    match (statements.first(), statements.last()) {
        (Some(first), Some(last)) => &script.text()[first.span.start..last.span.end],
        _ => "",
    }
}
