//! A step that stopped half-way, with what has to be known to find out where it stands.

use super::App;
use crate::back_out::{self, WayBack};
use crate::database::Database;
use crate::fault::Result;
use crate::ledger::{Open, State};
use crate::migration::Migration;
use crate::plan::{Plan, Step};
use crate::planning;
use crate::project::Project;
use crate::recover::{self, InDoubt, Stand};

/// A step that stopped half-way.
pub struct Half {
    pub open: Open,
    /// The step, with its whole script.
    pub step: Step,
    /// What is applied: the step stands on it, or takes back a part of it.
    applied: Vec<Migration>,
}

impl Half {
    /// The step of the state that is half-way, if there is one.
    pub async fn look(database: &mut Database, project: &Project, state: &State) -> Result<Option<Half>> {
        let Some(open) = &state.open else { return Ok(None) };
        let step = planning::rest(database, project, open).await?;
        Half::of(database, project, state, (open, &step)).await.map(Some)
    }

    pub async fn of(
        database: &mut Database,
        project: &Project,
        state: &State,
        (open, step): (&Open, &Step),
    ) -> Result<Half> {
        let applied = planning::walk(database, project, state, &Plan::nothing(&state.head)).await?;
        Ok(Half { open: open.clone(), step: step.clone(), applied })
    }

    /// Finds out by reading back where it stands (I4).
    pub async fn stand(&self, app: &App, database: &mut Database, in_doubt: Option<InDoubt>) -> Result<Stand> {
        let mut maker = app.maker(database).await?;
        let live = database.snapshot().await?;
        recover::stand(&mut maker, &self.applied, &self.step, &self.open, &live, in_doubt).await
    }

    /// Finds what takes back the part of it that took effect.
    pub async fn way_back(&self, app: &App, database: &mut Database, stand: &Stand) -> Result<WayBack> {
        let mut maker = app.maker(database).await?;
        let server = database.server().clone();
        let half = (&self.step, &self.open, stand);
        back_out::way_back(&mut maker, &server, &self.applied, half, &app.context).await
    }
}
