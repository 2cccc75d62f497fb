//! Configuration: which database, and how to treat it.
//!
//! Everything is optional: `DATABASE_URL` and `./migrations` suffice. What a person says wins over what the machine says,
//! which wins over what files say. Passwords come from wherever the engine's own client would take them, and go nowhere but
//! into the connection (I10): a line of a file is shown only where it cannot hold one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::fault::{Excerpt, Fault, FaultKind, Result};
use crate::finding::{Finding, Place};
use crate::plan::Warrant;
use crate::proof::Verdict;
use crate::target::{Secret, Target, nearest};

mod checks;
mod dotenv;
mod masking;
mod mysql;
mod password;
mod postgres;
mod schema;

pub use checks::Check;
pub use masking::Masking;

/// The project's settings file.
pub const FILE: &str = "switchback.toml";

/// The folder of seeds beside the migrations, where none is said.
const SEED_DIR: &str = "seed";

/// The largest settings file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Where environment variables come from: the process, or a test.
pub trait Env: Sync {
    fn var(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String> + Sync> Env for F {
    fn var(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// The settings of a project.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where `switchback.toml` is; where the search began if there is none.
    pub root: PathBuf,
    /// The settings file, where there is one.
    pub file: Option<PathBuf>,
    /// The migrations' folder.
    pub migrations: PathBuf,
    /// The folder of seeds, where there is one.
    pub seeds: Option<PathBuf>,
    /// Name of the layout, where said.
    pub layout: Option<String>,
    /// Name of the database that is meant where nothing else is said.
    pub database: Option<String>,
    pub databases: BTreeMap<String, Database>,
    pub shadow: Option<Secret>,
    /// How long to wait for another runner's lock, where said.
    pub lock_wait: Option<Duration>,
    /// How long a statement may wait for a lock, in milliseconds.
    pub lock_timeout_ms: u64,
    /// How long a statement may run, in milliseconds; 0 is without limit.
    pub statement_timeout_ms: u64,
    /// How long to wait for a server that is still starting.
    pub wait: Duration,
    pub policy: Policy,
    /// By engine: SQL that stands before every script, and where it is said.
    pub session: BTreeMap<String, (Statements, Place)>,
    pub drift: Drift,
    /// What becomes of real values before they are put anywhere.
    pub masks: Vec<Masking>,
    /// What has to hold behind each plan.
    pub checks: Vec<Check>,
    dotenv: BTreeMap<String, Secret>,
}

/// A named database of the settings file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    pub url: Option<Secret>,
    /// The variable that holds the URL.
    pub url_env: Option<String>,
    pub password_file: Option<PathBuf>,
    pub password_command: Option<Secret>,
    /// `server`, `local` or a URL.
    pub shadow: Option<Secret>,
    /// Where our own tables live.
    pub schema: Option<String>,
    /// Seconds to wait for a server that is still starting.
    pub wait: Option<u64>,
}

/// One text of SQL, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a text of SQL, or a list of such")]
pub enum Statements {
    One(String),
    Many(Vec<String>),
}

/// How the parser's word for a text of SQL that is none begins.
const SQL_WANTED: &str = "expected a text of SQL";

impl Statements {
    /// As one text, a statement after the other.
    pub fn text(&self) -> String {
        let texts = match self {
            Statements::One(text) => std::slice::from_ref(text),
            Statements::Many(texts) => texts,
        };
        let ended = texts.iter().map(|text| format!("{};", text.trim().trim_end_matches(';')));
        ended.collect::<Vec<_>>().join("\n")
    }
}

/// What a project does not let happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Downs that are the same but for the order of columns, generated names or white space in bodies.
    pub allow_equivalent: bool,
    /// Downs that bring the schema back but not all rows.
    pub allow_lossy: bool,
    /// Migrations that declare that there is no way back.
    pub allow_irreversible: bool,
    /// Waivers for migrations that are not applied anywhere yet.
    pub allow_waivers: bool,
}

impl Policy {
    /// Why a verdict alone does not let an up through here, though it would elsewhere.
    pub fn forbids_verdict(&self, verdict: Verdict) -> Option<&'static str> {
        match verdict {
            Verdict::Equivalent if !self.allow_equivalent => Some("downs that are only equivalent are not allowed"),
            Verdict::Lossy if !self.allow_lossy => Some("downs that lose rows are not allowed"),
            Verdict::Irreversible if !self.allow_irreversible => Some("irreversible migrations are not allowed"),
            _ => None,
        }
    }

    /// Why a warrant does not let an up through here, though it would elsewhere.
    pub fn forbids(&self, warrant: &Warrant) -> Option<&'static str> {
        match warrant {
            Warrant::Proof { verdict, .. } => self.forbids_verdict(*verdict),
            Warrant::Waiver { .. } if !self.allow_waivers => Some("waivers are not allowed"),
            Warrant::Waiver { .. } | Warrant::Recorded { .. } | Warrant::Adopted { .. } => None,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy { allow_equivalent: true, allow_lossy: true, allow_irreversible: true, allow_waivers: true }
    }
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    migrations: Option<PathBuf>,
    seed: Option<PathBuf>,
    layout: Option<String>,
    database: Option<String>,
    databases: BTreeMap<String, Database>,
    shadow: Option<Secret>,
    lock_wait: Option<u64>,
    lock_timeout: Option<u64>,
    statement_timeout: Option<u64>,
    wait: Option<u64>,
    policy: Policy,
    session: BTreeMap<Spanned<String>, Statements>,
    drift: Drift,
    mask: BTreeMap<Spanned<String>, masking::Written>,
    checks: BTreeMap<Spanned<String>, checks::Written>,
}

/// What `drift` looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drift {
    /// PostgreSQL: only objects of these schemas; empty: of all.
    pub schemas: Vec<String>,
    /// Objects that may differ, as `kind name` with `*` for any text and `?` for any character.
    pub ignore: Vec<String>,
}

/// What `[session]` may name.
pub const ENGINE_NAMES: &[&str] = &["sqlite", "postgres", "mysql", "mariadb"];

/// Settings whose values may be shown; any other line is cut behind its key.
const OPEN_KEYS: &[&str] = &[
    "migrations",
    "seed",
    "layout",
    "database",
    "url_env",
    "schema",
    "wait",
    "lock_wait",
    "lock_timeout",
    "statement_timeout",
    "allow_equivalent",
    "allow_lossy",
    "allow_irreversible",
    "allow_waivers",
    "schemas",
    "ignore",
];

/// Which shadow is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shadow {
    /// The best that is possible.
    #[default]
    Auto,
    /// On the target's own server.
    Server,
    /// A throw-away server of our own.
    Local,
    /// A database that somebody provides.
    Url(Target),
}

impl Shadow {
    /// Reads `auto`, `server`, `local` or a URL.
    pub fn parse(text: &str) -> Result<Shadow> {
        match text {
            "auto" => Ok(Shadow::Auto),
            "server" => Ok(Shadow::Server),
            "local" => Ok(Shadow::Local),
            url if Target::is_url(url) => Target::parse(url).map(Shadow::Url),
            _ => Err(Fault::usage("this is no shadow").help("say server, local, or the URL of an empty database")),
        }
    }
}

/// The database that is meant, and all that is known of how to reach it.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Its name in the settings file, where it has one.
    pub name: Option<String>,
    pub target: Target,
    pub shadow: Shadow,
    /// How long to wait for a server that is still starting.
    pub wait: Duration,
    /// What said so: `--database`, `DATABASE_URL`, `.env`, `switchback.toml`.
    pub source: &'static str,
    /// Such as a password file that everybody can read.
    pub warnings: Vec<Finding>,
}

impl Config {
    /// Reads `switchback.toml` from `dir` or the nearest folder above it, and `.env` beside it. A usage fault has the place and,
    /// where it cannot hold a secret, the line.
    pub fn load(dir: &Path) -> Result<Config> {
        let file = dir.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file());
        let root = file.as_deref().and_then(Path::parent).unwrap_or(dir).to_path_buf();
        let text = file.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let written = match &file {
            Some(path) => parse(path, &text)?,
            None => Written::default(),
        };
        let session = read_session(&shown(file.as_deref()), &text, written.session)?;
        let masks = masking::read(&shown(file.as_deref()), &text, written.mask)?;
        let checks = checks::read(&shown(file.as_deref()), &text, written.checks)?;
        let dotenv_path = root.join(".env");
        let dotenv = if dotenv_path.is_file() { read_dotenv(&dotenv_path)? } else { BTreeMap::new() };
        for (name, database) in &written.databases {
            check_database(name, database)?;
        }
        if let Some(name) = written.database.as_ref().filter(|name| !written.databases.contains_key(*name)) {
            return Err(unknown_name(name, &written.databases).at(Place::new(shown(file.as_deref()), 1, 1)));
        }
        let migrations = root.join(written.migrations.unwrap_or_else(|| PathBuf::from("migrations")));
        let beside = || Some(migrations.with_file_name(SEED_DIR)).filter(|dir| dir.is_dir());
        let seeds = written.seed.map_or_else(beside, |dir| Some(root.join(dir)));
        Ok(Config {
            migrations,
            seeds,
            layout: written.layout,
            database: written.database,
            databases: written.databases,
            shadow: written.shadow,
            lock_wait: written.lock_wait.map(Duration::from_secs),
            lock_timeout_ms: written.lock_timeout.unwrap_or(2000),
            statement_timeout_ms: written.statement_timeout.unwrap_or(0),
            wait: Duration::from_secs(written.wait.unwrap_or(0)),
            policy: written.policy,
            session,
            drift: written.drift,
            masks,
            checks,
            dotenv,
            root,
            file,
        })
    }

    /// The SQL that stands before every script on this engine, where the project says any, and where it is said. MariaDB falls
    /// back to MySQL's, as scripts do.
    pub fn session(&self, engine: &str) -> Option<(String, Place)> {
        let fallback = if engine == "mariadb" { "mysql" } else { engine };
        let said = self.session.get(engine).or_else(|| self.session.get(fallback));
        said.map(|(statements, place)| (statements.text(), place.clone()))
    }

    /// Finds the database that is meant: what was said (a name of the file or a URL), else `DATABASE_URL` from the environment,
    /// then from `.env`, then the file's own default.
    pub fn resolve(&self, said: Option<&str>, env: &dyn Env) -> Result<Resolved> {
        let (name, url, source) = self.choose(said, env)?;
        let database = name.and_then(|name| self.databases.get(name)).cloned().unwrap_or_default();
        let mut warnings = Vec::new();
        let mut target = Target::parse(&url).map_err(|fault| match name {
            Some(name) => fault.cause(format!("said for the database {name}")),
            None => fault.cause(format!("said by {source}")),
        })?;
        target.ledger_schema = database.schema;
        if target.password.is_none() && target.scheme != "sqlite" {
            let sources = password::Sources { file: database.password_file, command: database.password_command };
            target.password = password::find(&sources, &self.root, env, &mut warnings)?;
        }
        // A path that a file says is meant from that file's folder; one that a person says, from where they are.
        let base = (name.is_some() || source == ".env").then_some(self.root.as_path());
        self.complete(&mut target, base, env, &mut warnings)?;
        let shadow_base = env.var("SWITCHBACK_SHADOW").is_none().then_some(self.root.as_path());
        let shadow = env.var("SWITCHBACK_SHADOW").map(Secret::new).or(database.shadow).or_else(|| self.shadow.clone());
        let mut shadow = shadow.map_or(Ok(Shadow::Auto), |text| Shadow::parse(text.reveal()))?;
        if let Shadow::Url(target) = &mut shadow {
            self.complete(target, shadow_base, env, &mut warnings)?;
        }
        let wait = database.wait.map_or(self.wait, Duration::from_secs);
        Ok(Resolved { name: name.map(str::to_owned), target, shadow, wait, source, warnings })
    }

    /// Whether anything names a database, be it well or badly.
    pub fn names_database(&self, said: Option<&str>, env: &dyn Env) -> bool {
        let is_set = env.var("DATABASE_URL").is_some_and(|url| !url.is_empty());
        let is_in_file = self.dotenv.get("DATABASE_URL").is_some_and(|url| !url.reveal().is_empty());
        said.is_some() || is_set || is_in_file || self.database.is_some() || !self.databases.is_empty()
    }

    /// The shadow that a flag asks for.
    pub fn shadow(&self, said: &str, env: &dyn Env) -> Result<Shadow> {
        let mut shadow = Shadow::parse(said)?;
        if let Shadow::Url(target) = &mut shadow {
            self.complete(target, None, env, &mut Vec::new())?;
        }
        Ok(shadow)
    }

    /// Name, URL and what said so.
    fn choose<'a>(&'a self, said: Option<&'a str>, env: &dyn Env) -> Result<(Option<&'a str>, String, &'static str)> {
        match said {
            Some(name) if self.databases.contains_key(name) => {
                return Ok((Some(name), self.url_of(name, env)?, "--database"));
            }
            Some(url) if Target::is_url(url) => return Ok((None, url.to_owned(), "--database")),
            Some(name) => return Err(unknown_name(name, &self.databases)),
            None => {}
        }
        if let Some(url) = env.var("DATABASE_URL").filter(|url| !url.is_empty()) {
            return Ok((None, url, "DATABASE_URL"));
        }
        if let Some(url) = self.dotenv.get("DATABASE_URL").filter(|url| !url.reveal().is_empty()) {
            return Ok((None, url.reveal().to_owned(), ".env"));
        }
        let only = || self.databases.keys().next().filter(|_| self.databases.len() == 1);
        match self.database.as_ref().or_else(only) {
            Some(name) => Ok((Some(name), self.url_of(name, env)?, FILE)),
            None if self.databases.len() > 1 => {
                let fault = Fault::usage(format!("{FILE} names several databases, and none is chosen"));
                let names = self.databases.keys().map(|name| format!("`--database {name}`")).collect::<Vec<_>>();
                let help = format!("say {}; `database = \"NAME\"` in {FILE} chooses one for good", one_of(&names));
                Err(fault.help(help))
            }
            None => Err(Fault::usage("no database is named").help(format!(
                "say --database URL, or set DATABASE_URL (in the environment or in .env), or write [databases.NAME] with url = \"…\" \
                 and database = \"NAME\" into {FILE}"
            ))),
        }
    }

    /// URL of a named database.
    fn url_of(&self, name: &str, env: &dyn Env) -> Result<String> {
        let Some(database) = self.databases.get(name) else { return Err(unknown_name(name, &self.databases)) };
        match (&database.url, &database.url_env) {
            (Some(url), _) => Ok(url.reveal().to_owned()),
            (None, Some(variable)) => self.var(variable, env).ok_or_else(|| {
                Fault::usage(format!("the variable {variable}, which holds the URL of the database {name}, is not set"))
            }),
            (None, None) => Err(Fault::usage(format!("the database {name} has neither url nor url_env"))),
        }
    }

    /// A variable of the environment, else of `.env`.
    fn var(&self, name: &str, env: &dyn Env) -> Option<String> {
        env.var(name)
            .or_else(|| self.dotenv.get(name).map(|value| value.reveal().to_owned()))
            .filter(|value| !value.is_empty())
    }

    /// Puts in what the engine's own client would take from variables and files; a SQLite path is put below `base`.
    fn complete(
        &self,
        target: &mut Target,
        base: Option<&Path>,
        env: &dyn Env,
        warnings: &mut Vec<Finding>,
    ) -> Result<()> {
        let var = |name: &str| self.var(name, env);
        let mut read = |path: &Path| password::client_file(path, warnings);
        match target.scheme.as_str() {
            "postgres" => {
                postgres::complete(target, &var)?;
                if target.password.is_none() {
                    target.password = postgres::password(target, &var, &mut read);
                }
            }
            "mysql" | "mariadb" => {
                mysql::complete(target, &var, &mut read)?;
                if target.database.is_empty() {
                    return Err(Fault::usage("the database URL names no database").help("say mysql://USER@HOST/NAME"));
                }
            }
            _ => {
                if let Some(base) = base.filter(|_| target.database != ":memory:") {
                    target.database = base.join(&target.database).to_string_lossy().into_owned();
                }
            }
        }
        Ok(())
    }
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        names => names.concat(),
    }
}

fn shown(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// Reads a settings file's text.
fn read_file(path: &Path) -> Result<String> {
    let failed = |error: std::io::Error| Fault::io(format!("{} could not be read", path.display()), &error);
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
        return Err(Fault::new(FaultKind::Io, format!("{} is larger than {MAX_BYTES} bytes", path.display())));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// The texts of `[session]` by engine, with the places of their keys.
fn read_session(
    path: &str,
    text: &str,
    written: BTreeMap<Spanned<String>, Statements>,
) -> Result<BTreeMap<String, (Statements, Place)>> {
    let mut session = BTreeMap::new();
    for (name, statements) in written {
        let (line, column) = position(text, name.span().start);
        let (name, place) = (name.into_inner(), Place::new(path, line, column));
        if !ENGINE_NAMES.contains(&name.as_str()) {
            let fault = Fault::usage(format!("[session] names no engine `{name}`"));
            return Err(fault.help("the engines are sqlite, postgres, mysql and mariadb").at(place));
        }
        session.insert(name, (statements, place));
    }
    Ok(session)
}

/// Line and column of a byte, from 1.
fn position(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
    (number(before.matches('\n').count()), number(before[start..].chars().count()))
}

fn read_dotenv(path: &Path) -> Result<BTreeMap<String, Secret>> {
    dotenv::read(&read_file(path)?)
        .map_err(|line| Fault::usage("this line is not KEY=VALUE").at(Place::new(path.display().to_string(), line, 1)))
}

fn check_database(name: &str, database: &Database) -> Result<()> {
    if database.url.is_some() && database.url_env.is_some() {
        return Err(Fault::usage(format!("the database {name} has url and url_env; say one")));
    }
    if database.password_file.is_some() && database.password_command.is_some() {
        return Err(Fault::usage(format!("the database {name} has password_file and password_command; say one")));
    }
    database.schema.as_deref().map_or(Ok(()), |schema| schema::check(name, schema))
}

/// A name that is not in the file. It may be a URL that was mistyped, so it is repeated only where it is a plain word.
fn unknown_name(name: &str, databases: &BTreeMap<String, Database>) -> Fault {
    let is_plain = name.len() <= 60 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let fault = Fault::usage(if is_plain {
        format!("no database is called {name}")
    } else {
        String::from("no database is called so")
    });
    match nearest(name, databases.keys().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean {near}?")),
        None if databases.is_empty() => fault.help(format!("name it in {FILE} under [databases.NAME], or say its URL")),
        None => fault.help(format!("known are {}", databases.keys().cloned().collect::<Vec<_>>().join(", "))),
    }
}

/// The parser repeats a key that it does not know, however long that is.
const MOST_OF_A_CAUSE: usize = 400;

/// Reads the file's text; a fault has the place of what is wrong.
fn parse(path: &Path, text: &str) -> Result<Written> {
    let unreadable = || String::from("this value cannot be read");
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let (line, column) = position(text, at);
        let place = Place::new(path.display().to_string(), line, column);
        let line = text[start..].lines().next().unwrap_or_default();
        let safe = without_value(line);
        // What the parser says of a value may repeat it, over several lines; what it expected is its own word.
        let cause = match error.message() {
            said if said.starts_with("invalid ") => {
                said.rsplit_once(", expected ").map_or_else(unreadable, |(_, wanted)| wants(&text[start..at], wanted))
            }
            said if [masking::WANTED, checks::WANTED].iter().any(|own| said.starts_with(own)) => said.to_owned(),
            said if said.starts_with(SQL_WANTED) => wants(&text[start..at], "a text of SQL, or a list of such"),
            said if safe == line || said.starts_with("unknown field") || said.starts_with("missing field") => {
                said.to_owned()
            }
            _ => unreadable(),
        };
        let column = if safe == line { column } else { 1 };
        Fault::usage(format!("{FILE} is not right"))
            .at(place)
            .excerpt(Some(Excerpt::around(&safe, column)))
            .cause(cause.chars().take(MOST_OF_A_CAUSE).collect::<String>())
    })
}

/// What a key wants, in words; `before` is its line up to the value, `wanted` the parser's word for it.
fn wants(before: &str, wanted: &str) -> String {
    let before = before.trim_end().trim_end_matches('=').trim_end();
    let is_key = |ch: char| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '-');
    let key = &before[before.trim_end_matches(is_key).len()..];
    let wanted = match (wanted, key) {
        ("u64", "lock_timeout" | "statement_timeout") => "a whole number of milliseconds, 0 or more",
        ("u64", _) => "a whole number of seconds, 0 or more",
        ("a boolean", _) => "true or false",
        ("a string" | "path string", _) => "a text in quotes",
        ("a map", _) => "a table of settings",
        (name, _) if name.starts_with("struct ") => "a table of settings",
        (other, _) => other,
    };
    if key.is_empty() { format!("this value should be {wanted}") } else { format!("`{key}` wants {wanted}") }
}

/// A line of the file, cut behind its key unless its value can be no secret.
fn without_value(line: &str) -> String {
    let Some((key, value)) = line.split_once('=') else {
        let is_header = line.trim_start().starts_with('[') && !line.contains(['"', '\'', ':']);
        return if is_header || line.trim().is_empty() { line.to_owned() } else { String::from("…") };
    };
    if OPEN_KEYS.contains(&key.trim()) && !value.contains("://") { line.to_owned() } else { format!("{key}= …") }
}
