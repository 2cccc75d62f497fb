//! What has to hold behind a plan: the project's own checks; and behind a way back also `verify.sql` of every migration that stays, and
//! that rows of the tables which the scripts touch refer to rows that are there.
//!
//! Asked in a session that the engine keeps from writing, and under the run's lock, so that nobody else is the cause. What did not hold
//! before the plan either is no fault of the plan's: it is told, as a warning.

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::holds;
use crate::config::Check;
use crate::database::Database;
use crate::engine::{DbError, DbErrorKind, DbResult, Server};
use crate::fill;
use crate::finding::{Finding, Place, Severity, counted};
use crate::id::Id;
use crate::judge::Refusal;
use crate::plan::{Direction, Proven};
use crate::planning::Asks;
use crate::real;
use crate::rows::{self, Sight};
use crate::sql::{Flavor, Script};

/// What of the project is applied behind a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    All,
    /// A check may ask for what is not there.
    Part,
}

/// What is asked behind a plan, and what the answers were before it.
pub struct Watch {
    questions: Vec<Question>,
    extent: Extent,
    /// The names in the plan's scripts, where it takes anything back: of these tables and what refers to them rows are looked at.
    touched: Option<BTreeSet<String>>,
    /// Rows that refer to nothing, by the key that they break.
    orphans: BTreeMap<String, u64>,
}

/// Queries that have to hold together.
struct Question {
    /// What is asked, in words.
    name: String,
    code: &'static str,
    /// The migration whose question it is.
    of: Option<Id>,
    script: Script,
    /// What stands before it.
    session: Option<String>,
    /// Where it is said, if its script's lines do not tell that.
    place: Option<Place>,
    /// What it was before the plan.
    before: Option<Broken>,
}

impl Question {
    fn of_check(check: &Check, session: Option<&str>, server: &Server, flavor: Flavor) -> Option<Question> {
        let query = check.query(server.engine)?;
        Some(Question {
            name: format!("the check `{}`", check.name),
            code: "check-failed",
            of: None,
            script: Script::parse(check.place.path.clone(), check.place.line, query.as_bytes(), flavor),
            session: session.map(str::to_owned),
            place: Some(check.place.clone()),
            before: None,
        })
    }

    fn of_migration(Asks { id, script, session }: Asks) -> Question {
        let name = format!("verify.sql of `{id}`");
        Question { name, code: "verify-failed", of: Some(id), script, session, place: None, before: None }
    }

    /// What is told of it where it does not hold now.
    fn finding(&self, now: &Broken, extent: Extent) -> Finding {
        let either = ", and did not before this plan either";
        let (severity, more) = match (&self.before, now) {
            (Some(Broken::Untrue(_)), Broken::Untrue(_)) => (Severity::Warning, either),
            // A migration that stays may have taken away what an earlier one asks for.
            (Some(Broken::Refused(_)), Broken::Refused(_)) if self.of.is_some() => (Severity::Warning, either),
            (_, Broken::Refused(_)) if self.of.is_none() && extent == Extent::Part => {
                (Severity::Note, " where not all is applied")
            }
            _ => (Severity::Error, ""),
        };
        let finding = Finding::new(self.code, severity, format!("{} {}{more}", self.name, now.word()));
        let place = self.place.clone().unwrap_or_else(|| now.place(&self.script));
        Finding { migration: self.of.clone(), ..finding.at(place).detail(now.lines()) }
    }
}

impl Watch {
    /// Looks at a database before a plan is run on it; `stays` is what those ask that stay, `session` what stands before the project's
    /// scripts.
    pub async fn begin(
        database: &mut Database,
        plan: &Proven,
        checks: &[Check],
        session: Option<&str>,
        stays: Vec<Asks>,
        extent: Extent,
    ) -> Watch {
        let (server, flavor) = (database.server().clone(), database.engine().dialect().flavor);
        let mut questions: Vec<Question> =
            checks.iter().filter_map(|check| Question::of_check(check, session, &server, flavor)).collect();
        let mut touched = None;
        if takes_back(plan) {
            let asks = stays.into_iter().filter(|asks| !asks.script.statements().is_empty());
            questions.extend(asks.map(Question::of_migration));
            let scripts: Vec<&Script> = plan.steps().iter().filter_map(|(step, _)| step.script()).collect();
            touched = Some(scripts.iter().flat_map(|script| script.names()).collect());
        }
        for question in &mut questions {
            question.before = broken(database, &question.script, question.session.as_deref()).await;
        }
        let mut watch = Watch { questions, extent, touched, orphans: BTreeMap::new() };
        // What cannot be read now is told when it cannot be read then.
        watch.orphans = watch.orphans(database).await.unwrap_or_default();
        watch
    }

    /// Whether there is nothing to ask.
    pub fn is_idle(&self) -> bool {
        self.questions.is_empty() && self.touched.is_none()
    }

    /// What does not hold behind the plan.
    pub async fn findings(&self, database: &mut Database) -> Vec<Finding> {
        let mut findings = Vec::new();
        for question in &self.questions {
            let now = broken(database, &question.script, question.session.as_deref()).await;
            findings.extend(now.map(|now| question.finding(&now, self.extent)));
        }
        match self.orphans(database).await {
            Ok(orphans) => findings.extend(orphans.into_iter().filter_map(|(key, rows)| {
                let more = rows.checked_sub(self.orphans.get(&key).copied().unwrap_or(0)).filter(|more| *more > 0)?;
                let rows = counted(usize::try_from(more).unwrap_or(usize::MAX), "row");
                Some(Finding::error("orphans", format!("{rows} of {key} refer to nothing")))
            })),
            Err(error) => {
                let finding = Finding::warning("orphans-unread", "whether all rows refer to others cannot be told");
                findings.push(finding.detail(error.lines()));
            }
        }
        findings
    }

    async fn orphans(&self, database: &mut Database) -> DbResult<BTreeMap<String, u64>> {
        let Some(names) = &self.touched else { return Ok(BTreeMap::new()) };
        let (engine, own) = (database.engine(), database.names().clone());
        let flavor = engine.dialect().flavor;
        let tables = fill::read_tables(engine, database.session(), &own, None).await?;
        let mut orphans = BTreeMap::new();
        for table in rows::scope(&tables, names, &BTreeSet::new(), Sight::Clear) {
            for key in &table.foreign_keys {
                let rows = database.session().batch(&real::orphans(table, key, flavor)).await?;
                let count = rows.into_iter().flatten().flatten().next().and_then(|count| count.parse().ok());
                let untold = || DbError::new(DbErrorKind::Statement, "the rows could not be counted");
                let name = format!("{} by {} to {}", table.title(), key.name, key.title());
                orphans.insert(name, count.ok_or_else(untold)?);
            }
        }
        Ok(orphans)
    }
}

/// Whether a plan goes back anywhere.
pub fn takes_back(plan: &Proven) -> bool {
    plan.steps().iter().any(|(step, _)| step.direction == Direction::Down)
}

/// Why a script of queries does not hold.
enum Broken {
    /// The query at this place of the script gives something else than true.
    Untrue(usize),
    Refused(Refusal),
    /// There is none, or what stands before them is refused.
    Unprepared(Vec<String>),
}

impl Broken {
    fn word(&self) -> &'static str {
        match self {
            Broken::Untrue(_) => "does not hold",
            Broken::Refused(_) | Broken::Unprepared(_) => "cannot be asked",
        }
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Broken::Untrue(_) => Vec::new(),
            Broken::Refused(refusal) => refusal.error.lines(),
            Broken::Unprepared(lines) => lines.clone(),
        }
    }

    fn place(&self, script: &Script) -> Place {
        let start = |index: usize| script.statements().get(index).map_or(0, |statement| statement.span.start);
        match self {
            Broken::Untrue(index) => script.place(start(*index)),
            Broken::Refused(refusal) => refusal.place(),
            Broken::Unprepared(_) => script.place(0),
        }
    }
}

/// The first of a script's queries that does not hold, asked behind what a project puts before its scripts.
async fn broken(database: &mut Database, script: &Script, before: Option<&str>) -> Option<Broken> {
    if let Some(before) = before.filter(|before| !before.is_empty())
        && let Err(error) = database.session().batch(before).await
    {
        return Some(Broken::Unprepared(error.lines()));
    }
    if script.statements().is_empty() {
        return Some(Broken::Unprepared(vec!["there is no query".to_owned()]));
    }
    for (index, statement) in script.statements().iter().enumerate() {
        match database.session().batch(script.sql(statement)).await {
            Ok(rows) if holds(&rows) => {}
            Ok(_) => return Some(Broken::Untrue(index)),
            Err(error) => return Some(Broken::Refused(Refusal { script: script.clone(), index, error })),
        }
    }
    None
}
