//! The command line: one file per command; a command is load · plan · show · act · report.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::Utc;
use clap::{Args, Parser, Subcommand};

use crate::actor::Actor;
use crate::apply::Provenance;
use crate::config::{Config, Resolved};
use crate::context::{Context, Interrupt};
use crate::database::Database;
use crate::engine::Limits;
use crate::event::{Event, Observer};
use crate::fault::{Fault, Result};
use crate::finding::Finding;
use crate::ledger::State;
use crate::lock::{Runner, Waits, nonce, patience};
use crate::locked::Locked;
use crate::project::{Files, Project};
use crate::report::json;
use crate::revision;
use crate::shadow::Maker;
use crate::sql::Flavor;
use ui::{Terminal, Voice};

mod adopt;
mod apply;
mod ask;
mod check;
mod diff;
mod down;
mod draft;
mod drift;
mod execute;
pub mod exit;
mod formats;
mod graph;
mod half;
mod handover;
pub mod heap;
mod init;
mod lock;
mod log;
mod mark;
mod new;
mod pages;
mod picture;
mod plan;
mod recover;
mod redo;
mod release;
mod rows;
mod seal;
mod shadow;
mod status;
pub mod ui;
mod up;
mod verify;
mod waive;

/// Reversible database migrations: nothing goes up until its way down has been proven.
#[derive(Parser)]
#[command(name = "switchback", version, about, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// The command line, taken apart.
///
/// # Errors
/// An exit code, once the parser's own words are told: without URLs, which may hold a password, and harmless to a terminal.
pub fn parsed() -> std::result::Result<Cli, u8> {
    Cli::try_parse().map_err(|error| {
        let mut text = error.render().ansi().to_string();
        for arg in std::env::args_os().skip(1).filter_map(|arg| arg.into_string().ok()) {
            let value =
                arg.split_once('=').filter(|(name, _)| name.starts_with('-')).map_or(arg.as_str(), |(_, value)| value);
            if value.contains("://") {
                text = text.replace(value, "***");
            }
        }
        if error.use_stderr() {
            ui::talk(&text)
        } else {
            ui::out(&text)
        }
        u8::try_from(error.exit_code()).unwrap_or(exit::USAGE)
    })
}

/// The longest wait, whatever is asked for: a year.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Flags of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// A database of switchback.toml by name, or a URL; else DATABASE_URL (also from .env)
    #[arg(long, short = 'd', global = true, value_name = "NAME|URL")]
    pub database: Option<String>,
    /// The folder's layout, where it is not clear: switchback, golang-migrate, diesel, sqlx, dbmate, goose, sql-migrate
    #[arg(long, global = true, value_name = "NAME")]
    pub layout: Option<String>,
    /// Where shadows are made: auto, server (the target's), local (a throw-away server), or a URL; else SWITCHBACK_SHADOW
    #[arg(long, global = true, value_name = "server|local|URL")]
    pub shadow: Option<String>,
    /// How long to wait for a server that is still starting
    #[arg(long, global = true, value_name = "SECONDS")]
    pub wait: Option<u64>,
    /// How long to wait for another runner's lock (60, on a Galera cluster 120, unless configured)
    #[arg(long, global = true, value_name = "SECONDS")]
    pub lock_wait: Option<u64>,
    /// One JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

/// The verbs.
#[derive(Subcommand)]
pub enum Command {
    Init(init::Init),
    New(new::New),
    Draft(draft::Draft),
    Seal(seal::Seal),
    Check(check::Check),
    Verify(verify::Verify),
    Waive(waive::Waive),
    Status(status::Status),
    Up(up::Up),
    Down(down::Down),
    Redo(redo::Redo),
    Release(release::Release),
    Plan(plan::PlanArgs),
    Apply(apply::Apply),
    Graph(graph::GraphArgs),
    Log(log::Log),
    Lock(lock::Lock),
    Recover(recover::Recover),
    Drift(drift::Drift),
    Diff(diff::Diff),
    Adopt(adopt::Adopt),
    Mark(mark::Mark),
    Shadow(shadow::Shadow),
}

impl Command {
    /// Whether stdout is to carry JSON, although nobody said `--json`.
    fn is_json(&self) -> bool {
        match self {
            Command::Check(args) => args.forms.is_json(),
            Command::Verify(args) => args.forms.is_json(),
            Command::Drift(args) => args.forms.is_json(),
            Command::Diff(args) => args.forms.is_json(),
            _ => false,
        }
    }

    /// The verb, as JSON objects name it.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Init(_) => "init",
            Command::New(_) => "new",
            Command::Draft(_) => "draft",
            Command::Seal(_) => "seal",
            Command::Check(_) => "check",
            Command::Verify(_) => "verify",
            Command::Waive(_) => "waive",
            Command::Status(_) => "status",
            Command::Up(_) => "up",
            Command::Down(_) => "down",
            Command::Redo(_) => "redo",
            Command::Release(_) => "release",
            Command::Plan(_) => "plan",
            Command::Apply(_) => "apply",
            Command::Graph(_) => "graph",
            Command::Log(_) => "log",
            Command::Lock(_) => "lock",
            Command::Recover(_) => "recover",
            Command::Drift(_) => "drift",
            Command::Diff(_) => "diff",
            Command::Adopt(_) => "adopt",
            Command::Mark(_) => "mark",
            Command::Shadow(_) => "shadow",
        }
    }
}

/// Runs the command; gives the exit code, with everything said.
pub async fn run(mut cli: Cli, interrupt: Interrupt) -> u8 {
    cli.common.json |= cli.command.is_json();
    let (name, voice) = (cli.command.name(), if cli.common.json { Voice::Json } else { Voice::Human });
    let mut warned = Vec::new();
    let outcome = match App::new(cli.common, interrupt) {
        Ok(app) => dispatch(&app, cli.command).await.map_err(|fault| {
            warned = app.warned();
            app.placed(fault)
        }),
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(code) => code,
        Err(fault) => {
            let code = exit::code(fault.kind());
            match voice {
                Voice::Human => ui::talk(&crate::report::human::fault(&fault)),
                Voice::Json => ui::out(&format!("{}\n", json::fault(name, &fault, &warned, code))),
            }
            code
        }
    }
}

async fn dispatch(app: &App, command: Command) -> Result<u8> {
    match command {
        Command::Init(args) => init::run(app, &args),
        Command::New(args) => new::run(app, &args).await,
        Command::Draft(args) => draft::run(app, &args).await,
        Command::Seal(args) => seal::run(app, &args),
        Command::Check(args) => check::run(app, &args),
        Command::Verify(args) => verify::run(app, &args).await,
        Command::Waive(args) => waive::run(app, &args).await,
        Command::Status(args) => status::run(app, &args).await,
        Command::Up(args) => up::run(app, &args).await,
        Command::Down(args) => down::run(app, &args).await,
        Command::Redo(args) => redo::run(app, &args).await,
        Command::Release(args) => release::run(app, &args).await,
        Command::Plan(args) => plan::run(app, &args).await,
        Command::Apply(args) => apply::run(app, &args).await,
        Command::Graph(args) => graph::run(app, &args).await,
        Command::Log(args) => log::run(app, &args).await,
        Command::Lock(args) => lock::run(app, &args).await,
        Command::Recover(args) => recover::run(app, &args).await,
        Command::Drift(args) => drift::run(app, &args).await,
        Command::Diff(args) => diff::run(app, &args).await,
        Command::Adopt(args) => adopt::run(app, &args).await,
        Command::Mark(args) => mark::run(app, &args).await,
        Command::Shadow(args) => shadow::run(app, &args).await,
    }
}

/// [`Project::load`], or [`Project::load_files`] where the registry may not be needed.
pub type Load = fn(&Files, &str, Flavor) -> Result<Project>;

/// What every command works with.
pub struct App {
    pub common: Common,
    pub config: Config,
    pub context: Context,
    pub voice: Voice,
    terminal: Arc<Terminal>,
}

impl App {
    fn new(common: Common, interrupt: Interrupt) -> Result<App> {
        let voice = if common.json { Voice::Json } else { Voice::Human };
        if let Some(dir) = common.dir.as_deref().filter(|dir| !dir.is_dir()) {
            let fault = Fault::usage(format!("there is no folder `{}`", dir.display()));
            return Err(fault.help("`-C` names a folder that is there"));
        }
        let config = Config::load(&project_dir(common.dir.as_deref()))?;
        let terminal = Arc::new(Terminal::new(voice));
        let context = Context { observer: Arc::clone(&terminal) as Arc<dyn Observer>, interrupt, clock: Utc::now };
        Ok(App { common, config, context, voice, terminal })
    }

    /// What has been warned of so far.
    pub fn warned(&self) -> Vec<Finding> {
        self.terminal.warned()
    }

    /// The database that is meant.
    pub fn resolved(&self) -> Result<Resolved> {
        self.config.resolve(self.common.database.as_deref(), &env)
    }

    /// A read-only session on the database that is meant.
    pub async fn database(&self) -> Result<Database> {
        self.open(self.resolved()?).await
    }

    /// The same on another one, by its name or URL.
    pub async fn database_called(&self, name: &str) -> Result<Database> {
        self.open(self.config.resolve(Some(name), &env)?).await
    }

    async fn open(&self, resolved: Resolved) -> Result<Database> {
        for warning in &resolved.warnings {
            self.context.tell(Event::Warning(warning.clone()));
        }
        let wait = self.common.wait.map_or(resolved.wait, Duration::from_secs).min(LONGEST_WAIT);
        Database::open(&resolved.target, wait).await
    }

    /// The files, as this database's server would run them.
    pub fn project(&self, database: &Database) -> Result<Project> {
        Project::load(&self.files(), database.server().engine, database.engine().dialect().flavor)
    }

    /// The files as a revision of the repository has them, without seeds.
    pub fn project_at(&self, database: &Database, revision: &str) -> Result<Project> {
        let mut files = self.files();
        (files.revision, files.seeds) = (Some(revision::Files::at(&files.dir, revision)?), None);
        let project = Project::load(&files, database.server().engine, database.engine().dialect().flavor)?;
        project.require_readable()?;
        Ok(project)
    }

    /// A read-only session on the database that is meant, the files as `load` reads them, and what is applied: files and
    /// database are read at the same time.
    pub async fn look(&self, load: Load) -> Result<(Database, Project, State)> {
        let mut database = self.database().await?;
        let (engine, flavor) = (database.server().engine, database.engine().dialect().flavor);
        let (project, state) = {
            let mut asking = Box::pin(database.state());
            // The first question is under way while the files are read.
            let asked = futures_util::poll!(asking.as_mut());
            let project = load(&self.files(), engine, flavor);
            match asked {
                Poll::Ready(state) => (project, state),
                Poll::Pending => (project, asking.await),
            }
        };
        Ok((database, project?, state?))
    }

    /// The folder of migrations and its layout.
    pub fn files(&self) -> Files {
        let layout = self.common.layout.clone().or_else(|| self.config.layout.clone());
        let session = crate::config::ENGINE_NAMES.iter().filter_map(|name| Some((*name, self.config.session(name)?)));
        let (dir, seeds) = (self.config.migrations.clone(), self.config.seeds.clone());
        Files { dir, seeds, layout, revision: None, session: session.collect() }
    }

    /// Drops what dead runners left where shadows are made; gives their names.
    pub async fn sweep(&self, database: &mut Database) -> Result<Vec<String>> {
        self.bare_maker(database).await?.sweep().await
    }

    /// Where shadows are made for this database, swept.
    pub async fn maker(&self, database: &mut Database) -> Result<Maker> {
        let maker = self.bare_maker(database).await?;
        maker.sweep().await?;
        Ok(maker)
    }

    async fn bare_maker(&self, database: &mut Database) -> Result<Maker> {
        let wanted = match &self.common.shadow {
            Some(said) => self.config.shadow(said, &env)?,
            None => self.resolved()?.shadow,
        };
        Maker::new(&wanted, database, self.context.interrupt.clone()).await
    }

    /// How long to wait, and for what.
    pub fn waits(&self, database: &Database) -> Waits {
        let said = self.common.lock_wait.map(Duration::from_secs).or(self.config.lock_wait);
        let lock = said.unwrap_or_else(|| patience(database.engine(), database.server())).min(LONGEST_WAIT);
        let limits = Limits {
            lock_timeout_ms: self.config.lock_timeout_ms,
            statement_timeout_ms: self.config.statement_timeout_ms,
        };
        Waits { lock, limits }
    }

    /// Takes the run's lock.
    ///
    /// # Errors
    /// As those of [`Database::lock`].
    pub async fn lock(&self, database: Database, runner: Runner) -> Result<Locked> {
        let waits = self.waits(&database);
        database.lock(&self.context, runner, waits).await
    }

    /// Who runs, for the lease and the ledger.
    pub fn runner(&self, what: &str, reason: Option<&str>) -> (Runner, Provenance) {
        let actor = Actor::read(&self.config.root, &env);
        let run = nonce(16);
        let runner =
            Runner { run, actor: actor.user.clone(), host: actor.host.clone(), pid: actor.pid, what: what.to_owned() };
        let provenance = Provenance {
            actor: actor.user,
            host: actor.host,
            git_author: actor.git_author,
            git_commit: actor.git_commit,
            ci: actor.ci,
            tool: format!("switchback {}", env!("CARGO_PKG_VERSION")),
            reason: reason.map(str::to_owned),
            plan: None,
        };
        (runner, provenance)
    }

    /// A fault in the project's session SQL with the place in the file that says it.
    fn placed(&self, fault: Fault) -> Fault {
        let is_session = fault.parts().place.as_ref().is_some_and(|place| place.path == crate::class::SESSION);
        let (true, Some(line)) = (is_session, fault.parts().excerpt.as_ref().map(|excerpt| excerpt.line.clone()))
        else {
            return fault;
        };
        let said = crate::config::ENGINE_NAMES.iter().filter_map(|name| self.config.session(name));
        let place = said.into_iter().find(|(text, _)| text.lines().any(|one| one == line)).map(|(_, place)| place);
        match place {
            Some(place) => fault.at(place),
            None => fault,
        }
    }

    /// The engines whose view of the files an offline command takes: those that are sealed, and the configured one.
    pub fn engines(&self) -> Result<Vec<&'static str>> {
        let mut names: Vec<&'static str> = Vec::new();
        names.extend(crate::project::sealed_engines(&self.files())?);
        if let Ok(resolved) = self.resolved()
            && let Some(name) = crate::project::engine_name(&resolved.target.scheme)
        {
            // A URL that says mysql may lead to MariaDB; once that is sealed, it did.
            let is_mariadb = name == "mysql" && names.contains(&"mariadb");
            if !is_mariadb && !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            let fault = Fault::usage("nothing says which engine the migrations are for");
            return Err(fault.help("give `--database URL`, or set DATABASE_URL, or name a database in switchback.toml"));
        }
        Ok(names)
    }
}

/// The project's folder: the one that is said or the current one, or the nearest above it with a switchback.toml.
fn project_dir(said: Option<&Path>) -> PathBuf {
    let start = said.unwrap_or(Path::new(""));
    // The empty path means here, and has no absolute form of its own.
    let depth = std::path::absolute(Path::new(".").join(start)).map_or(1, |path| path.components().count());
    let above = (0..depth).map(|up| (0..up).fold(start.to_path_buf(), |dir, _| dir.join("..")));
    above.into_iter().find(|dir| dir.join("switchback.toml").is_file()).unwrap_or_else(|| start.to_path_buf())
}

/// A variable of the environment; empty counts as not set.
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
