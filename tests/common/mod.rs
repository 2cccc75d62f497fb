//! The sandbox of the tests that run the built binary as a user would: a project folder of one's own, a frozen environment,
//! and a fresh database on a real server, gone again at the end.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;
use url::Url;

pub mod browser;
pub mod chance;
pub mod connection;
pub mod login;
pub mod secrets;
pub mod shadows;
pub mod slow;

pub use connection::Connection;
use secrets::{Secrets, Written, as_written};

/// No command of these tests may take longer than two minutes, or so many seconds as `SWITCHBACK_TEST_PATIENCE` says for slow servers.
pub fn patience() -> Duration {
    let given = std::env::var("SWITCHBACK_TEST_PATIENCE").ok();
    Duration::from_secs(
        given.map_or(120, |seconds| seconds.parse().expect("SWITCHBACK_TEST_PATIENCE is a number of seconds")),
    )
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

impl Kind {
    /// URL of the server under test.
    pub fn server(self) -> Url {
        let (variable, default) = match self {
            Kind::Sqlite => ("", "sqlite:"),
            Kind::Postgres => ("SWITCHBACK_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres"),
            Kind::Mysql => ("SWITCHBACK_TEST_MYSQL", "mysql://root@127.0.0.1:3306/mysql"),
        };
        let text = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
        secrets::with_password(self, Url::parse(&text).unwrap_or_else(|error| panic!("{variable}: {error}")))
    }
}

/// Runs the same test on every engine, at the same time; fails with the names of those that failed.
#[track_caller]
pub fn each_engine(test: impl Fn(&Sandbox) + Sync) {
    on(&[Kind::Sqlite, Kind::Postgres, Kind::Mysql], test);
}

/// Runs the same test on both servers.
#[track_caller]
pub fn each_server(test: impl Fn(&Sandbox) + Sync) {
    on(&[Kind::Postgres, Kind::Mysql], test);
}

#[track_caller]
fn on(kinds: &[Kind], test: impl Fn(&Sandbox) + Sync) {
    let attempt = |kind: Kind| catch_unwind(AssertUnwindSafe(|| test(&Sandbox::new(kind)))).is_err();
    let failed: Vec<Kind> = std::thread::scope(|scope| {
        let attempt = &attempt;
        let start = |kind: Kind| {
            let thread = std::thread::Builder::new().name(format!("{kind:?}"));
            (kind, thread.spawn_scoped(scope, move || attempt(kind)).expect("a thread"))
        };
        let started: Vec<_> = kinds.iter().copied().map(start).collect();
        started.into_iter().filter_map(|(kind, thread)| thread.join().unwrap_or(true).then_some(kind)).collect()
    });
    assert!(failed.is_empty(), "failed on {failed:?}");
}

/// A name that no other test has.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |age| age.subsec_nanos());
    format!("{prefix}_{}_{}_{nanos}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A project with a database of its own.
pub struct Sandbox {
    pub kind: Kind,
    pub url: String,
    /// Name of the database on its server; path of the file on SQLite.
    pub name: String,
    /// URL of its server.
    server: Url,
    /// What no run may show (I10).
    pub secrets: Secrets,
    written: Written,
    dir: TempDir,
}

impl Sandbox {
    pub fn new(kind: Kind) -> Sandbox {
        Sandbox::on(kind, kind.server())
    }

    /// On another server than the one under test.
    pub fn on(kind: Kind, server: Url) -> Sandbox {
        let dir = TempDir::new().expect("a temporary folder");
        fs::create_dir_all(dir.path().join("home")).expect("a home");
        fs::create_dir_all(dir.path().join("project/migrations")).expect("a project");
        let (name, url) = match kind {
            Kind::Sqlite => {
                let path = dir.path().join("project/app.db").display().to_string();
                let url = format!("sqlite:{path}");
                if is_wal() {
                    Connection::open(&url).sql("PRAGMA journal_mode = WAL");
                }
                (path, url)
            }
            Kind::Postgres | Kind::Mysql => {
                let name = unique("sbt");
                let template = if kind == Kind::Postgres { " TEMPLATE template0" } else { "" };
                Connection::open(server.as_str()).sql(&format!("CREATE DATABASE {name}{template}"));
                let mut url = server.clone();
                url.set_path(&name);
                (name, url.into())
            }
        };
        let secrets = Secrets::default();
        secrets.note_url(&url);
        Sandbox { kind, url, name, server, secrets, written: Written::default(), dir }
    }

    /// The project's folder.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        let facts = fs::symlink_metadata(&path).expect("the file's facts");
        self.written.lock().expect("no panic").insert(path, as_written(&facts));
        self
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).expect("a file")
    }

    /// Takes a file or folder of the project away.
    pub fn remove(&self, path: &str) -> &Self {
        let path = self.root().join(path);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("something to remove");
        self
    }

    pub fn migration(&self, id: &str, up: &str, down: &str) -> &Self {
        self.write(&format!("migrations/{id}/up.sql"), up).write(&format!("migrations/{id}/down.sql"), down)
    }

    /// `N` tables, each with its migration: `1_t1`, `2_t2` …
    pub fn tables(&self, count: usize) -> &Self {
        self.tables_from(1, count)
    }

    /// The same, from another number on.
    pub fn tables_from(&self, first: usize, last: usize) -> &Self {
        for n in first..=last {
            self.migration(
                &format!("{n}_t{n}"),
                &format!("CREATE TABLE t{n} (id integer);\n"),
                &format!("DROP TABLE t{n};\n"),
            );
        }
        self
    }

    /// Puts an example in the place of the project.
    pub fn example(&self, name: &str) -> &Self {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations-examples").join(name), &self.root());
        self
    }

    /// The command with its frozen surroundings; `DATABASE_URL` is the sandbox's database.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchback"));
        command.env_clear().current_dir(self.root()).args(args);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("HOME", self.home()).env("TMPDIR", self.dir.path()).env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.env("USER", "tester").env("DATABASE_URL", &self.url);
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CEILING_DIRECTORIES", self.dir.path());
        command.env("GIT_AUTHOR_NAME", "Tess Ter").env("GIT_AUTHOR_EMAIL", "tess@example.org");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `switchback` to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    /// The same with variables set.
    #[track_caller]
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        self.start_with(args, variables).wait()
    }

    /// Starts `switchback` and does not wait for it.
    pub fn start(&self, args: &[&str]) -> Running {
        self.start_with(args, &[])
    }

    pub fn start_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Running {
        self.started(self.command(args), args, variables)
    }

    /// The same, started by another program, which has its own arguments before it.
    pub fn start_under(&self, under: &[&str], args: &[&str], variables: &[(&str, &str)]) -> Running {
        let inner = self.command(args);
        let mut command = Command::new(under[0]);
        command.env_clear().current_dir(self.root()).args(&under[1..]).arg(inner.get_program()).args(inner.get_args());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.started(command, args, variables)
    }

    fn started(&self, mut command: Command, args: &[&str], variables: &[(&str, &str)]) -> Running {
        command.envs(variables.iter().copied());
        self.secrets.note_command(&command);
        let child = command.spawn().expect("the binary starts");
        Running::new(child, args, self.secrets.clone())
    }

    /// Runs with `--json`: one versioned object on stdout, whatever the end.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).object(args[0])
    }

    /// A connection to the sandbox's database.
    pub fn connect(&self) -> Connection {
        Connection::open(&self.url)
    }

    /// Rows of text out of the sandbox's database.
    #[track_caller]
    pub fn sql(&self, text: &str) -> Vec<Vec<Option<String>>> {
        self.connect().sql(text)
    }

    /// The first value that a query gives; empty for NULL or no row.
    #[track_caller]
    pub fn value(&self, text: &str) -> String {
        self.sql(text).into_iter().flatten().next().flatten().unwrap_or_default()
    }

    /// Whether the server is MariaDB, which has more than MySQL, and some of it otherwise.
    pub fn is_mariadb(&self) -> bool {
        self.kind == Kind::Mysql && self.value("SELECT version()").contains("MariaDB")
    }

    /// Names of all tables, without ours; sorted.
    #[track_caller]
    pub fn user_tables(&self) -> Vec<String> {
        self.all_tables().into_iter().filter(|name| !name.contains("switchback")).collect()
    }

    /// The same with ours.
    #[track_caller]
    pub fn all_tables(&self) -> Vec<String> {
        tables_of(self.kind, &mut self.connect())
    }

    /// The ledger's table, as SQL names it.
    pub fn ledger(&self) -> &'static str {
        if self.kind == Kind::Postgres { "switchback.switchback_ledger" } else { "switchback_ledger" }
    }

    /// Rows of the ledger as `event phase migration`, in order; none where there is no ledger.
    #[track_caller]
    pub fn ledger_rows(&self) -> Vec<String> {
        if !self.all_tables().iter().any(|name| name.ends_with("switchback_ledger")) {
            return Vec::new();
        }
        let query = format!("SELECT event, phase, migration FROM {} ORDER BY seq", self.ledger());
        let line = |row: Vec<Option<String>>| row.into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.sql(&query).into_iter().map(line).collect()
    }

    /// How many rows of the ledger begin so.
    #[track_caller]
    pub fn ledger_count(&self, start: &str) -> usize {
        self.ledger_rows().iter().filter(|row| row.starts_with(start)).count()
    }

    /// Ids that `status` calls applied.
    #[track_caller]
    pub fn applied(&self) -> Vec<String> {
        let status = self.json(&["status"]);
        let migrations = status["migrations"].as_array().expect("migrations").iter();
        let there = migrations.filter(|one| one["state"] != "pending");
        there.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// Every file of the project with its bytes; the database's own files are left out.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.root(), &mut files);
        files.retain(|path, _| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("app.db")));
        files
    }
}

/// Names of all tables and other relations of a database; sorted, those of PostgreSQL with their schema.
#[track_caller]
pub fn tables_of(kind: Kind, connection: &mut Connection) -> Vec<String> {
    let query = match kind {
        Kind::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1",
        Kind::Postgres => {
            "SELECT replace(n.nspname || '.' || c.relname, 'public.', '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname !~ '^pg_|^information_schema$' AND c.relkind IN ('r', 'v', 'm', 'p') ORDER BY 1"
        }
        Kind::Mysql => "SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY 1",
    };
    connection.sql(query).into_iter().flatten().flatten().collect()
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let mut shown =
            if self.secrets.is_empty() { Vec::new() } else { self.secrets.in_files(self.dir.path(), &self.written) };
        let looks = !self.secrets.is_empty() && !std::thread::panicking();
        let (force, prefix) = match self.kind {
            Kind::Sqlite => ("", String::new()),
            Kind::Postgres => (" WITH (FORCE)", "switchback.".to_owned()),
            Kind::Mysql => ("", format!("{}.", self.name)),
        };
        match self.kind {
            Kind::Sqlite if !Path::new(&self.name).is_file() => {}
            // A test may have dropped its database, or closed it to us.
            Kind::Postgres | Kind::Sqlite if looks => {
                if let Ok(mut connection) = Connection::try_open(&self.url) {
                    shown.extend(self.secrets.in_tables(self.kind, &mut connection, &prefix));
                }
            }
            _ => {}
        }
        if self.kind != Kind::Sqlite {
            let sql = format!("DROP DATABASE IF EXISTS {}{force}", self.name);
            let dropped = Connection::try_open(self.server.as_str()).and_then(|mut admin| {
                if self.kind == Kind::Mysql && looks {
                    shown.extend(self.secrets.in_tables(self.kind, &mut admin, &prefix));
                }
                admin.attempt(&sql)
            });
            if dropped.is_err() && !std::thread::panicking() {
                panic!("the test database {} could not be dropped", self.name);
            }
        }
        assert!(shown.is_empty() || std::thread::panicking(), "i10: passwords are kept: {shown:#?}");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
}

/// Looks again and again until it is so; what is waited for is the condition, never a length of time.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < patience(), "in vain waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A `switchback` that is under way; killed when it is let go of.
pub struct Running {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
    args: String,
    secrets: Secrets,
}

impl Running {
    fn new(mut child: Child, args: &[&str], secrets: Secrets) -> Running {
        let (stdout, stderr) = (Pipe::new(child.stdout.take()), Pipe::new(child.stderr.take()));
        Running { child, stdout, stderr, args: args.join(" "), secrets }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `INT`.
    pub fn signal(&self, name: &str) -> &Self {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill");
        assert!(sent.success(), "no signal could be sent to {}", self.args);
        self
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }

    /// Whether it has said so by now.
    pub fn has_said(&self, text: &str) -> bool {
        self.stderr.text().contains(text) || self.stdout.text().contains(text)
    }

    /// Whether it was stopped by a signal, and goes on with another one.
    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, behind)| behind.trim_start().starts_with('T'))
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_some()
    }

    /// Waits for the end; fails when it hangs or panics.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                break status;
            }
            assert!(
                begun.elapsed() < patience(),
                "`switchback {}` hangs; so far it said:\n{}",
                self.args,
                self.stderr.text()
            );
            std::thread::sleep(Duration::from_millis(3));
        };
        let code = status.code().unwrap_or(-1);
        let output = Output { code, stdout: self.stdout.end(), stderr: self.stderr.end(), args: self.args.clone() };
        assert!(output.code != 101 && !output.stderr.contains("panicked at"), "a panic\n{output:#?}");
        self.secrets
            .none_in(&format!("`switchback {}`", self.args.split(' ').next().unwrap_or_default()), &output.all());
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a process, read while it runs.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Pipe {
    fn new(pipe: Option<impl Read + Send + 'static>) -> Pipe {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let mut pipe = pipe.expect("a pipe");
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count) = pipe.read(&mut buffer)
                && count > 0
            {
                kept.lock().expect("no panic").extend_from_slice(&buffer[..count]);
            }
        });
        Pipe { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().expect("no panic").clone()).expect("UTF-8")
    }

    fn end(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("output");
        }
        self.text()
    }
}

/// What a command said, and how it ended. Each expectation shows all of it when it is not met.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    args: String,
}

impl Output {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code of `switchback {}`\n{}\n{}", self.args, self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Everything that was said.
    pub fn all(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.all().contains(text), "`switchback {}` does not say {text:?}:\n{}", self.args, self.all());
        self
    }

    #[track_caller]
    pub fn says_not(self, text: &str) -> Self {
        assert!(!self.all().contains(text), "`switchback {}` says {text:?}:\n{}", self.args, self.all());
        self
    }

    /// The one object of `--json`.
    #[track_caller]
    pub fn object(&self, command: &str) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        let object: Value =
            parsed.unwrap_or_else(|error| panic!("`switchback {}`: {error}\n{}", self.args, self.all()));
        assert_eq!(
            (&object["format"], &object["command"]),
            (&Value::from(1), &Value::from(command)),
            "{}",
            self.stdout
        );
        assert!(object["outcome"].is_string(), "{}", self.stdout);
        object
    }
}

/// Strings of a JSON array, each by a pointer such as `/id`.
#[track_caller]
pub fn each(array: &Value, pointer: &str) -> Vec<String> {
    let items = array.as_array().unwrap_or_else(|| panic!("no array: {array}")).iter();
    items
        .map(|item| {
            item.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}: {item}")).to_owned()
        })
        .collect()
}

/// Whether SQLite's databases are to be in WAL mode from the start (SWITCHBACK_TEST_JOURNAL, as tests/long sets it).
pub fn is_wal() -> bool {
    std::env::var_os("SWITCHBACK_TEST_JOURNAL").is_some_and(|value| value == "wal")
}

/// Whether every fault is tried (tests/long), and not only a few of them.
pub fn is_long() -> bool {
    std::env::var_os("SWITCHBACK_LONG").is_some_and(|value| !value.is_empty())
}

/// A figure that was measured: shown, and kept in the file that SWITCHBACK_FIGURES names.
pub fn figure(what: &str, value: &str) {
    println!("{what}: {value}");
    let Some(path) = std::env::var_os("SWITCHBACK_FIGURES") else { return };
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    writeln!(file.expect("a file for figures"), "{what}\t{value}").expect("a line");
}
