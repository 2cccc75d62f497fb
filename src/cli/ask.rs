//! What `up`, `down`, `redo` and `plan` are asked for: flags that name a target, and the target that they mean now.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use clap::{Args, ValueEnum};

use super::App;
use crate::database::Database;
use crate::fault::{Fault, FaultKind, Result};
use crate::goal::{Aim, Goal};
use crate::id::{self, Id};
use crate::ledger::State;
use crate::plan::Plan;
use crate::planning::{self, Target};
use crate::project::Project;
use crate::report::escape::shell;
use crate::saved::{MAX_BYTES, Saved};
use crate::targets;

/// Flags that name a target that is written down somewhere, or a part of what is applied.
#[derive(Args, Clone, Debug, Default)]
pub struct Targets {
    /// What was applied at this time: `2026-11-20T10:00:00Z`, or `2026-11-20 10:00`, or `10:00` (today), in this machine's time zone
    #[arg(long, value_name = "TIME", group = "target", value_parser = time)]
    pub to_time: Option<DateTime<Utc>>,
    /// What a release holds
    #[arg(long, value_name = "NAME", group = "target")]
    pub to_release: Option<String>,
    /// The migrations of a git branch, tag or commit; what is taken back has its script in the ledger
    #[arg(long, value_name = "REV", group = "target")]
    pub to_git: Option<String>,
    /// Up: these and what they stand on; down: these and what stands on them, and the rest stays
    #[arg(long, value_name = "ID", group = "target", num_args = 1..)]
    pub only: Vec<String>,
    /// What stays applied all the same, with what it stands on
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub keep: Vec<String>,
}

/// Which way a command goes where its target does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    Up,
    Down,
}

/// What a command is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    pub way: Way,
    /// `--steps N`.
    pub steps: Option<usize>,
    /// `--to ID`.
    pub to: Option<String>,
    /// Whether what is taken back is applied again.
    pub again: bool,
    pub targets: Targets,
    /// The plan of a file, instead of all that.
    pub saved: Option<Saved>,
    /// What becomes of a step that stopped half-way, instead of all that.
    pub recovery: Option<Recovery>,
    /// The state before a run of ours, instead of all that.
    pub undo: Option<Undo>,
}

/// The rows of the ledger between which a run of ours stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undo {
    /// The last one before it.
    pub before: i64,
    /// The last one that it wrote.
    pub last: i64,
}

/// What becomes of a step that stopped half-way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The rest of it is run.
    Resume,
    /// What it did is taken back.
    BackOut,
}

impl Ask {
    /// What the flags of a command say.
    pub fn new(way: Way, steps: Option<usize>, to: Option<&String>, targets: &Targets) -> Ask {
        Ask {
            way,
            steps,
            to: to.cloned(),
            again: false,
            targets: targets.clone(),
            saved: None,
            recovery: None,
            undo: None,
        }
    }

    /// What a file says.
    pub fn of_saved(saved: Saved) -> Ask {
        Ask { saved: Some(saved), ..Ask::new(Way::Down, None, None, &Targets::default()) }
    }

    /// What is half-way.
    pub fn of_open(recovery: Recovery) -> Ask {
        Ask { recovery: Some(recovery), ..Ask::new(Way::Down, None, None, &Targets::default()) }
    }

    /// What was applied before a run of ours.
    pub fn of_undo(undo: Undo) -> Ask {
        Ask { undo: Some(undo), ..Ask::new(Way::Down, None, None, &Targets::default()) }
    }

    /// As on the command line of a shell, for `plan` and for the verb alike.
    pub fn shown(&self) -> String {
        let Targets { to_time, to_release, to_git, only, keep } = &self.targets;
        let mut words = vec![if self.way == Way::Up { "up" } else { "down" }.to_owned()];
        let values = |values: &[String]| values.iter().map(|value| shell(value)).collect::<Vec<_>>().join(" ");
        let one = |value: &Option<String>| value.as_deref().map(shell);
        let mut flag = |name: &str, value: Option<String>| words.extend(value.map(|value| format!("--{name} {value}")));
        flag("steps", self.steps.map(|steps| steps.to_string()));
        flag("to", one(&self.to));
        flag("to-time", to_time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)));
        flag("to-release", one(to_release));
        flag("to-git", one(to_git));
        flag("only", (!only.is_empty()).then(|| values(only)));
        if words.len() == 1 && self.way == Way::Down {
            words.push("--all".to_owned());
        }
        words.extend((!keep.is_empty()).then(|| format!("--keep {}", values(keep))));
        words.join(" ")
    }

    /// Whether the scripts that are applied are those of files, and not those that the ledger keeps.
    pub fn is_of_files(&self) -> bool {
        if self.saved.is_some() || self.recovery.is_some() || self.undo.is_some() {
            return false;
        }
        let Targets { to_time, to_release, to_git, .. } = &self.targets;
        to_git.is_some() || self.again || (self.way == Way::Up && to_time.is_none() && to_release.is_none())
    }

    /// Whether the files are those of the checkout as it stands.
    pub fn is_of_checkout(&self) -> bool {
        self.is_of_files() && self.targets.to_git.is_none()
    }

    /// The files that it is about: the project as it is, or as a revision has it.
    pub fn project(&self, app: &App, database: &Database, project: Project) -> Result<Project> {
        match &self.targets.to_git {
            Some(revision) => app.project_at(database, revision),
            None => Ok(project),
        }
    }

    /// The plan that it means in this state, and the goal of that.
    pub async fn plan(&self, database: &mut Database, project: &Project, state: &State) -> Result<(Plan, Goal)> {
        match (&self.saved, self.recovery) {
            (_, Some(_)) => {
                let mut plan = Plan::nothing(&state.head);
                if let Some(open) = &state.open {
                    plan.steps.push(planning::rest(database, project, open).await?);
                }
                Ok((plan, Goal::from(Aim::All)))
            }
            (Some(saved), None) => {
                let plan = planning::saved_plan(database, project, state, saved).await?;
                Ok((plan, Goal::from(Aim::All)))
            }
            (None, None) => {
                let target = self.target(database, project, state).await?;
                Ok((planning::plan(database, project, state, &target).await?, target.goal))
            }
        }
    }

    /// The target that it means in this state.
    async fn target(&self, database: &mut Database, project: &Project, state: &State) -> Result<Target> {
        let Targets { to_time, to_release, to_git, only, keep } = &self.targets;
        let applied = |part: &String| of_state(state, part);
        let mut target = if let Some(Undo { before, last }) = self.undo {
            if state.head.seq != last {
                let fault =
                    Fault::new(FaultKind::Overtaken, "another runner was at work meanwhile, so nothing is undone");
                return Err(fault.help("`switchback log` shows what it did"));
            }
            targets::at_row(database, state, before).await?
        } else if let Some(time) = to_time {
            targets::at_time(database, state, *time).await?
        } else if let Some(name) = to_release {
            targets::at_release(database, state, name).await?
        } else if to_git.is_some() {
            targets::of_project(database, state, project).await?
        } else {
            let aim = match (self.way, self.steps, &self.to) {
                (Way::Up, _, _) if !only.is_empty() => {
                    Aim::With(only.iter().map(|part| project.find(part).cloned()).collect::<Result<_>>()?)
                }
                (Way::Down, _, _) if !only.is_empty() => Aim::Without(only.iter().map(applied).collect::<Result<_>>()?),
                (Way::Down, Some(count), _) if self.again => Aim::Again(count),
                (Way::Up, Some(count), _) => Aim::Ahead(count),
                (Way::Down, Some(count), _) => Aim::Back(count),
                (Way::Up, _, Some(part)) => Aim::UpTo(project.find(part)?.clone()),
                (Way::Down, _, Some(part)) => Aim::BackTo(applied(part)?),
                (Way::Up, None, None) => Aim::All,
                (Way::Down, None, None) => Aim::Nothing,
            };
            Target::from(Goal::from(aim))
        };
        target.goal.keep = keep.iter().map(applied).collect::<Result<_>>()?;
        Ok(target)
    }
}

/// Reads a saved plan.
pub fn read(path: &Path) -> Result<Saved> {
    let shown = path.display().to_string();
    let failed = |error: &std::io::Error| {
        Fault::new(FaultKind::Usage, format!("cannot read the plan `{shown}`")).cause(error.to_string())
    };
    // A pipe has no size to be asked for, and need not end.
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    if read.map_err(|error| failed(&error))? as u64 > MAX_BYTES {
        return Err(Fault::usage(format!("`{shown}` is larger than {} MB", MAX_BYTES >> 20)));
    }
    Saved::read(&shown, &String::from_utf8_lossy(&bytes))
}

/// The applied migration that a part of an id means; the database may know what the checkout does not.
fn of_state(state: &State, part: &str) -> Result<Id> {
    let found = id::find(state.applied.iter().map(|applied| &applied.id), part).cloned();
    found.map_err(|fault| match fault.parts().help {
        Some(_) => fault,
        None => fault.help("it has to be a migration that is applied; `switchback status` lists them"),
    })
}

/// A time as people write it.
fn time(text: &str) -> std::result::Result<DateTime<Utc>, String> {
    let text = text.trim();
    if let Ok(time) =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%:z"))
    {
        return Ok(time.with_timezone(&Utc));
    }
    if let Some(text) = text.strip_suffix("UTC").or(text.strip_suffix('Z')) {
        return naive(text.trim_end()).map(|time| time.and_utc());
    }
    let time = today(text).map_or_else(|| naive(text), Ok)?;
    match Local.from_local_datetime(&time) {
        chrono::LocalResult::Single(time) => Ok(time.with_timezone(&Utc)),
        chrono::LocalResult::Ambiguous(..) => {
            Err("the clocks were set back then, and it came twice: add the offset, as in +01:00".to_owned())
        }
        chrono::LocalResult::None => {
            Err("the clocks were set forward then, and it never came: add the offset, as in +01:00".to_owned())
        }
    }
}

/// A time of the clock, today.
fn today(text: &str) -> Option<NaiveDateTime> {
    let at = ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())?;
    Some(Local::now().date_naive().and_time(at))
}

fn naive(text: &str) -> std::result::Result<NaiveDateTime, String> {
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let whole = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
    whole.or_else(day).ok_or_else(|| "write it as 2026-11-20T10:00:00Z or 2026-11-20 10:00".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let utc = |text: &str| time(text).unwrap().to_rfc3339();
        assert_eq!(utc("2026-11-20T10:00:00+01:00"), "2026-11-20T09:00:00+00:00");
        assert_eq!(utc("2026-11-20 10:00:00+01:00"), "2026-11-20T09:00:00+00:00");
        assert_eq!(utc("2026-11-20 10:00 UTC"), "2026-11-20T10:00:00+00:00");
        assert_eq!(utc("2026-11-20T10:00Z"), "2026-11-20T10:00:00+00:00");
        assert!(time("2026-11-20 10:00").is_ok());
        assert!(time("2026-11-20").is_ok());
        assert_eq!(time("10:00").unwrap().with_timezone(&Local).date_naive(), Local::now().date_naive());
        assert!(time("yesterday").is_err());
        assert!(time("2026-13-20 10:00").is_err());
    }
}
