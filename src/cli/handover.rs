//! What `plan --sql` and `mark` share: plans of which each step is warranted before, because nothing proves them later.

use super::App;
use super::execute::{refuse_foreign_history, shortened};
use crate::cost::Cost;
use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::handover::Handover;
use crate::ledger::State;
use crate::plan::{Direction, Plan, Proven, Warrant};
use crate::planning;
use crate::project::Project;

/// A plan that another client runs, or has run.
pub struct Handed<'a> {
    pub app: &'a App,
    pub project: &'a Project,
    pub state: &'a State,
    pub reason: Option<&'a str>,
}

impl Handed<'_> {
    /// The plan with its warrants, of which none is made here.
    ///
    /// # Errors
    /// Refused where a step is not proven or the policy forbids it, where one stopped half-way, and where another tool's history
    /// has not been adopted.
    pub async fn proven(&self, database: &mut Database, plan: Plan, warrants: Vec<Option<Warrant>>) -> Result<Proven> {
        refuse_foreign_history(database, self.state).await?;
        if let Some(open) = &self.state.open {
            return Err(open.fault());
        }
        let mut given = warrants.into_iter();
        let proven = Proven::new(plan, |_| given.next().flatten());
        let mut proven = proven.map_err(|steps| {
            let ids: Vec<&str> = steps.iter().map(|step| step.migration.id.as_str()).collect();
            let fault = Fault::refused("what is not proven is not left to another client").cause(shortened(&ids));
            fault.help("`switchback verify` proves it; `switchback waive` lets it through openly")
        })?;
        let ups = proven.steps().iter().filter(|(step, _)| step.direction == Direction::Up);
        for (step, warrant) in ups {
            if let Some(why) = self.app.config.policy.forbids(warrant) {
                let fault = Fault::refused("the policy of switchback.toml forbids this");
                return Err(fault
                    .cause(format!("`{}`: {why}", step.migration.id))
                    .help("see [policy] in switchback.toml"));
            }
        }
        planning::keep_edges(&mut proven, self.project);
        Ok(proven)
    }

    /// The file for the engine's own client.
    ///
    /// # Errors
    /// As [`proven`](Handed::proven), and where there is no way back.
    pub async fn text(
        &self,
        database: &mut Database,
        plan: Plan,
        warrants: Vec<Option<Warrant>>,
        (asked, costs): (&str, &[Cost]),
    ) -> Result<String> {
        let proven = self.proven(database, plan, warrants).await?;
        if let Some((step, _)) = proven.steps().iter().find(|(step, _)| step.script().is_none()) {
            let why = step.irreversible().unwrap_or("it has no down script");
            return Err(Fault::refused(format!("`{}` cannot be taken back: {why}", step.migration.id)));
        }
        let (runner, provenance) = self.app.runner("plan", self.reason);
        let shown = database.target().shown();
        let handover = Handover {
            dialect: database.engine().dialect(),
            names: database.names(),
            state: self.state,
            runner: &runner,
            provenance: &provenance,
            costs,
            asked,
            database: &shown,
            now: self.app.context.now(),
        };
        handover.text(&proven)
    }
}
