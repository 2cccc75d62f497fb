//! Handing a plan over: its scripts with the ledger's rows, as a file for the engine's own client.
//!
//! The file does what `apply` would: one transaction for each step where that is possible, a journal where it is not. Every
//! transaction begins by comparing the ledger's head with the row that it stands on, so that the file changes nothing
//! where something else was done since, or where it has run already. The hashes are made here; what only the run could tell
//! (times, rows, the schema behind it) stays empty in the rows.

use std::ops::Range;

use crate::apply::is_one;
use crate::class;
use crate::cost::Cost;
use crate::engine::{Dialect, Names};
use crate::fault::{Fault, Result};
use crate::journalled::{is_one_with_its_row, text_of};
use crate::ledger::{Entry, Head, Phase, State};
use crate::lexer::tokens;
use crate::lock::Runner;
use crate::migration::units;
use crate::plan::{Direction, Proven, Step, Warrant};
use crate::sha::Sha;
use crate::sql::{Flavor, Script, Statement};
use crate::step::{Provenance, described, is_whole};

/// What the rows of such a file say of how it was run.
const DETAIL: &str = "run by another client, from a file that `switchback plan --sql` wrote";

/// What stands in the file beside the plan.
pub struct Handover<'a> {
    pub dialect: &'static Dialect,
    pub names: &'a Names,
    pub state: &'a State,
    pub runner: &'a Runner,
    pub provenance: &'a Provenance,
    /// What the plan drops.
    pub costs: &'a [Cost],
    /// What was asked for, as on the command line.
    pub asked: &'a str,
    /// The database that it is for, without a password.
    pub database: &'a str,
    /// When it is written.
    pub now: String,
}

impl Handover<'_> {
    /// The file.
    ///
    /// # Errors
    /// Refused where a text holds a NUL, which no client can be given.
    pub fn text(&self, plan: &Proven) -> Result<String> {
        let mut file = File { of: self, head: self.state.head.clone(), out: String::new() };
        file.begin(plan);
        for at in units(plan.steps(), |(one, _), (other, _)| is_one(self.dialect, one, other)) {
            let steps = &plan.steps()[at];
            if is_whole(self.dialect, &steps[0].0) { file.whole(steps)? } else { file.journalled(&steps[0])? }
        }
        file.comment("");
        file.comment("That is all. `switchback log --verify` checks the ledger, and `switchback drift` the schema.");
        if file.out.contains('\0') {
            return Err(Fault::refused("a script holds a NUL, which no client can be given, so nothing was written"));
        }
        Ok(file.out)
    }
}

/// A file that is being written.
struct File<'a> {
    of: &'a Handover<'a>,
    /// The ledger's last row at this place of the file.
    head: Head,
    out: String,
}

impl<'a> File<'a> {
    fn begin(&mut self, plan: &Proven) {
        let Handover { state, asked, database, provenance, now, .. } = self.of;
        let base = match state.head.seq {
            0 => "an empty ledger, or none".to_owned(),
            seq => format!("row #{seq} of the ledger, {} applied", state.applied.len()),
        };
        self.comment(&format!("switchback plan {asked}: {} steps, with the ledger's rows", plan.steps().len()));
        self.comment(&format!("for {database}, on {base}"));
        self.comment(&format!("written {now} by {} ({})", provenance.actor, provenance.tool));
        if let Some(reason) = &provenance.reason {
            self.comment(&format!("because: {reason}"));
        }
        self.comment("");
        self.comment(&format!("Run it once, as a user that may do all of it: `{}`", self.of.dialect.client.call));
        self.comment(
            "It stops at the first error. Where the ledger has another last row than it begins on, it changes nothing.",
        );
        self.comment("Nothing else may change the database meanwhile: this client does not hold switchback's lock.");
        self.comment("");
        self.own(self.of.dialect.client.head);
        if !state.exists {
            self.comment("The ledger, which is not there yet.");
            self.own(self.of.dialect.sql.ledger_create);
            self.of.dialect.sql.ledger_guard.iter().for_each(|guard| self.own(guard));
        }
    }

    /// Steps with their rows in one transaction.
    fn whole(&mut self, steps: &[(Step, Warrant)]) -> Result<()> {
        steps.iter().for_each(|(step, _)| self.title(step));
        let is_wary = self.prepare(&steps[0].0);
        self.guard()?;
        for script in steps.iter().filter_map(|(step, _)| step.script()) {
            self.script(script);
        }
        self.settle(is_wary);
        for (step, warrant) in steps {
            self.keep(step)?;
            self.row(self.entry(step, warrant, Phase::Done).with("detail", DETAIL))?;
        }
        self.commit(is_wary);
        self.reset(steps.iter().map(|(step, _)| step));
        Ok(())
    }

    /// A step without a transaction around it, with its journal.
    fn journalled(&mut self, (step, warrant): &(Step, Warrant)) -> Result<()> {
        let Some(script) = step.script() else { return Err(Fault::bug("a step without a script is handed over")) };
        self.title(step);
        self.comment(
            "Not one transaction: if this stops half-way, `switchback recover` tells how far it got and goes on.",
        );
        let is_wary = self.prepare(step);
        self.guard()?;
        self.settle(is_wary);
        self.keep(step)?;
        self.row(self.entry(step, warrant, Phase::Started).with("detail", DETAIL))?;
        let seq = self.head.seq;
        let units = class::units(script);
        if let Some(unit) = units.first() {
            self.intend(seq, script, unit)?;
        }
        self.commit(is_wary);
        for (at, unit) in units.iter().enumerate() {
            let is_one = is_one_with_its_row(self.of.dialect, script, unit);
            if is_one {
                self.guard()?;
            }
            script.statements()[unit.clone()].iter().for_each(|statement| self.statement(script, statement));
            if !is_one {
                self.guard()?;
            }
            self.settle(is_wary);
            self.bound(self.of.dialect.sql.journal_done, &[Some(&seq.to_string()), Some(&unit.end.to_string()), None])?;
            if let Some(next) = units.get(at + 1) {
                self.intend(seq, script, next)?;
                self.commit(is_wary);
            }
        }
        if units.is_empty() {
            self.guard()?;
        }
        let done = self.entry(step, warrant, Phase::Done).with("statement", script.statements().len().to_string());
        self.row(done.with("detail", DETAIL))?;
        self.commit(is_wary);
        self.reset([step].into_iter());
        Ok(())
    }

    /// What the step is, and what it costs.
    fn title(&mut self, step: &Step) {
        let id = &step.migration.id;
        self.out.push('\n');
        self.comment(&format!("{} {id} ({})", step.direction, step.why));
        let own = self.of.costs.iter().filter(|cost| cost.id == *id && cost.direction == step.direction);
        own.for_each(|cost| self.comment(&format!("{cost}")));
        if step.direction == Direction::Up && step.migration.verify.is_some() {
            self.comment("Its verify.sql is not run here: see that it holds.");
        }
    }

    /// What stands before every script. Tells whether that or the script reaches rows of ours.
    fn prepare(&mut self, step: &Step) -> bool {
        if let Some(text) = &step.migration.settings.session {
            self.script(&class::session_script(text, self.of.dialect.flavor));
        }
        touches(step)
    }

    fn guard(&mut self) -> Result<()> {
        let hash = self.head.hash.as_str().to_owned();
        self.bound(self.of.dialect.client.guard, &[Some(&hash)])
    }

    fn settle(&mut self, is_wary: bool) {
        if is_wary || self.of.dialect.sql.unsettle.is_empty() {
            self.own(self.of.dialect.client.settle);
        }
    }

    fn commit(&mut self, is_wary: bool) {
        self.out.push_str("COMMIT;\n");
        if is_wary {
            self.own(self.of.dialect.sql.unsettle);
        }
    }

    fn reset<'s>(&mut self, mut steps: impl Iterator<Item = &'s Step>) {
        if steps.any(touches) {
            self.own(self.of.dialect.client.reset);
        }
    }

    /// The scripts of what is applied, by content (I3).
    fn keep(&mut self, step: &Step) -> Result<()> {
        for script in step.migration.kept().filter(|_| step.direction == Direction::Up) {
            self.bound(self.of.dialect.sql.script_put, &[Some(&script.checksum().text), Some(script.text())])?;
        }
        Ok(())
    }

    fn entry(&self, step: &Step, warrant: &Warrant, phase: Phase) -> Entry {
        let Handover { provenance, runner, now, .. } = self.of;
        let proof = warrant.to_json(step.requires.as_deref());
        described(Entry::new(step.act(), phase), &step.migration, proof, provenance, runner)
            .with_some("reverts", step.reverts.map(|seq| seq.to_string()))
            .with("started_at", now.clone())
            .with_some("finished_at", (phase == Phase::Done).then(|| now.clone()))
    }

    fn row(&mut self, entry: Entry) -> Result<()> {
        let entry = entry.seal(&self.head);
        self.head = entry.head();
        self.bound(self.of.dialect.sql.ledger_append, &entry.binds())
    }

    fn intend(&mut self, seq: i64, script: &Script, unit: &Range<usize>) -> Result<()> {
        let (seq, number) = (seq.to_string(), unit.end.to_string());
        let sum = Sha::of(text_of(script, unit).as_bytes());
        let run = self.of.runner.run.as_str();
        let binds = [Some(run), Some("0"), Some(&seq), Some(&number), Some(sum.as_str()), None, None];
        self.bound(self.of.dialect.sql.journal_intent, &binds)
    }

    /// A script as it is; without the BEGIN and the COMMIT that stand around all of it.
    fn script(&mut self, script: &Script) {
        let statements = script.statements();
        let sent = class::sent(script);
        if sent.len() < statements.len() || script.flavor() == Flavor::Mysql {
            statements[sent].iter().for_each(|statement| self.statement(script, statement));
            return;
        }
        let text = script.text();
        self.out.push_str(text.trim_end());
        self.out.push('\n');
        let end = statements.last().map_or(text.len(), |last| last.copy.as_ref().unwrap_or(&last.span).end);
        let tail = &text[end..];
        let is_ended = tokens(tail, script.flavor()).any(|token| token.is_symbol(tail, ";"));
        if !is_ended && statements.last().is_some_and(|last| last.copy.is_none()) {
            self.out.push_str(";\n");
        }
    }

    /// One statement, with the delimiter that the client needs for it.
    fn statement(&mut self, script: &Script, statement: &Statement) {
        let text = script.sql(statement);
        match script.rows(statement) {
            Some(rows) => self.out.push_str(&format!("{text};\n{}\\.\n", rows.trim_start_matches('\n'))),
            None if script.flavor() == Flavor::Mysql && text.contains(';') => {
                let mut delimiter = "//".to_owned();
                while text.contains(&delimiter) {
                    delimiter.push('/');
                }
                self.out.push_str(&format!("DELIMITER {delimiter}\n{text}\n{delimiter}\nDELIMITER ;\n"));
            }
            // A comment at its end would hide the semicolon.
            None => self.out.push_str(&format!("{text}\n;\n")),
        }
    }

    /// A line of comment, whatever is in the text.
    fn comment(&mut self, text: &str) {
        let is_plain = |letter: char| !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}');
        let text: String = text.chars().map(|letter| if is_plain(letter) { letter } else { ' ' }).collect();
        self.out.push_str(format!("-- {text}").trim_end());
        self.out.push('\n');
    }

    /// A text of ours.
    fn own(&mut self, text: &str) {
        let text = self.of.names.fill(text);
        let text = text.trim_end();
        self.out.push_str(text);
        self.out.push_str(match text {
            "" => "",
            text if text.ends_with(';') => "\n",
            _ => ";\n",
        });
    }

    /// A text of ours with its binds as literals.
    fn bound(&mut self, text: &str, binds: &[Option<&str>]) -> Result<()> {
        let Handover { dialect, names, .. } = self.of;
        let mut literals =
            binds.iter().map(|bind| bind.map_or("NULL".to_owned(), |text| literal(dialect.flavor, text)));
        let by_number: Vec<String> = literals.by_ref().collect();
        let (mut rest, mut next, mut out) = (text.trim_end(), 0, String::new());
        let mark = if dialect.flavor == Flavor::Postgres { '$' } else { '?' };
        while let Some(at) = rest.find(mark) {
            let digits = rest[at + 1..].chars().take_while(char::is_ascii_digit).count();
            let (number, taken) = match (mark, digits) {
                ('?', _) => (Some(next), 1),
                (_, 0) => (None, 1),
                _ => (rest[at + 1..=at + digits].parse::<usize>().ok().and_then(|one| one.checked_sub(1)), 1 + digits),
            };
            next += 1;
            out.push_str(&names.fill(&rest[..at]));
            match number {
                None => out.push(mark),
                Some(number) => {
                    out.push_str(
                        by_number.get(number).ok_or_else(|| Fault::bug("a text has more places than values"))?,
                    );
                }
            }
            rest = &rest[at + taken..];
        }
        out.push_str(&names.fill(rest));
        self.out.push_str(out.trim_end_matches(';'));
        self.out.push_str(";\n");
        Ok(())
    }
}

/// Whether what is run for a step may change its session.
fn touches(step: &Step) -> bool {
    step.migration.settings.session.is_some() || step.script().is_some_and(class::touches_session)
}

/// A literal that any client and any session reads the same. On MySQL a setting decides whether a backslash escapes, and the
/// client's character set what the bytes are: what is not plain is written in hexadecimal digits.
fn literal(flavor: Flavor, text: &str) -> String {
    let is_plain = |letter: char| matches!(letter, ' '..='~') && !matches!(letter, '\'' | '\\');
    if flavor != Flavor::Mysql || text.chars().all(is_plain) {
        return flavor.literal(text);
    }
    let digits: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
    format!("_utf8mb4 X'{digits}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_hold_in_any_session() {
        assert_eq!(literal(Flavor::Mysql, "plain (text) 1"), "'plain (text) 1'");
        assert_eq!(literal(Flavor::Mysql, "it's\\"), "_utf8mb4 X'697427735C'");
        assert_eq!(literal(Flavor::Mysql, "é\n"), "_utf8mb4 X'C3A90A'");
        assert_eq!(literal(Flavor::Postgres, "it's\\"), "E'it''s\\\\'");
        assert_eq!(literal(Flavor::Sqlite, "it's\\\n"), "'it''s\\\n'");
    }
}
