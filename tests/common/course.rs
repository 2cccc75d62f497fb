//! A project that is run again and again, each time on a copy of the same database and with another fault: whatever the fault,
//! the next runs must end where the undisturbed one did, each step done once.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use switchback::database::Database;
use switchback::target::Target;

use crate::common::{Connection, Kind, Output, Running, Sandbox, tables_of, unique};
use crate::ddl::Dice;

/// Which way the project is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    Up,
    Down,
    /// On with a step that stopped half-way.
    Resume,
    /// Back from there.
    BackOut,
}

impl Going {
    pub fn args(self) -> &'static [&'static str] {
        match self {
            Going::Up => &["up", "--locked", "--accept-loss"],
            Going::Down => &["down", "--all", "--locked", "--yes", "--accept-loss"],
            Going::Resume => &["recover", "--resume", "--locked", "--accept-loss"],
            Going::BackOut => &["recover", "--back-out", "--yes", "--accept-loss"],
        }
    }
}

/// What is compared of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The digest of its schema.
    pub schema: String,
    /// Every row of every table of the user's.
    pub rows: Vec<String>,
    /// The steps that the ledger calls done, in order.
    pub steps: Vec<String>,
}

impl End {
    #[track_caller]
    pub fn of(kind: Kind, url: &str) -> End {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let schema = runtime.block_on(async {
            let target = Target::parse(url).expect("a URL");
            let mut database = Database::open(&target, Duration::ZERO).await.expect("a database");
            let snapshot = database.snapshot().await.expect("its schema");
            database.close().await;
            snapshot.weak_digest().as_str().to_owned()
        });
        let mut connection = Connection::open(url);
        let tables = tables_of(kind, &mut connection);
        let mut rows = Vec::new();
        for table in tables.iter().filter(|table| !table.contains("switchback")) {
            let found = connection.sql(&format!("SELECT * FROM {table}"));
            let mut found: Vec<String> = found.into_iter().map(|row| format!("{table} {row:?}")).collect();
            found.sort();
            rows.extend(found);
        }
        let ledger = tables.iter().find(|table| table.ends_with("switchback_ledger"));
        let steps = ledger.map_or_else(Vec::new, |ledger| {
            connection
                .sql(&format!(
                    "SELECT event, migration FROM {ledger} WHERE phase = 'done' AND event <> 'break-lock' ORDER BY seq"
                ))
                .into_iter()
                .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" "))
                .collect()
        });
        End { schema, rows, steps }
    }
}

/// A project, proven, with a database in which it is about to go one way.
pub struct Course<'a> {
    /// Its database is copied for each run, so nobody changes it while the course is in use.
    pub sandbox: &'a Sandbox,
    pub going: Going,
    pub title: String,
    /// Where the undisturbed run ended.
    pub end: End,
    /// What that said of the points which it passed.
    pub points: Vec<String>,
    /// How long it took.
    pub took: Duration,
    /// The MySQL family has no way of its own to copy a database: its dump.
    dump: PathBuf,
}

impl<'a> Course<'a> {
    /// The sandbox has the project, and the database in the state in which the run begins. Runs once on a copy, for reference.
    pub fn new(sandbox: &'a Sandbox, going: Going, title: &str) -> Course<'a> {
        let dump = sandbox.home().join("base.sql");
        if sandbox.kind == Kind::Mysql {
            // The server's own tools: beside a MySQL there need be none of MariaDB's.
            let program = if sandbox.is_mariadb() { "mariadb-dump" } else { "mysqldump" };
            let mut told = client(program, &sandbox.url);
            told.args(["--triggers", "--routines", "--no-tablespaces", &sandbox.name]);
            let told = told.output().unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
            assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
            fs::write(&dump, told.stdout).expect("a dump");
        }
        let empty = End { schema: String::new(), rows: Vec::new(), steps: Vec::new() };
        let mut course = Course {
            sandbox,
            going,
            title: format!("{title}, {going:?}"),
            end: empty,
            points: Vec::new(),
            took: Duration::ZERO,
            dump,
        };
        let copy = course.copy();
        let counted = course.sandbox.home().join("points");
        let fault = format!("count@{}", counted.display());
        let begun = Instant::now();
        course.start(&copy, &[("SWITCHBACK_FAULT", &fault)]).wait().ok();
        course.took = begun.elapsed();
        course.end = End::of(course.sandbox.kind, &copy.url);
        let points = fs::read_to_string(counted).expect("points");
        course.points = points.lines().map(str::to_owned).collect();
        assert!(course.points.len() > 10, "the run passed {} points", course.points.len());
        course
    }

    /// A copy of the database.
    pub fn copy(&self) -> Copy {
        let Sandbox { kind, name, .. } = self.sandbox;
        match kind {
            Kind::Sqlite => {
                let path = self.sandbox.home().join(unique("copy"));
                for tail in ["", "-wal"] {
                    let from = format!("{name}{tail}");
                    if Path::new(&from).exists() {
                        fs::copy(&from, format!("{}{tail}", path.display())).expect("a copy");
                    }
                }
                Copy {
                    kind: *kind,
                    url: format!("sqlite:{}", path.display()),
                    name: path.display().to_string(),
                    server: String::new(),
                }
            }
            Kind::Postgres | Kind::Mysql => {
                let copy = unique("sbt");
                let server = server_of(&self.sandbox.url);
                let mut admin = Connection::open(&server);
                let template = if *kind == Kind::Postgres { format!(" TEMPLATE {name}") } else { String::new() };
                admin.sql(&format!("CREATE DATABASE {copy}{template}"));
                let url = with_database(&self.sandbox.url, &copy);
                if *kind == Kind::Mysql {
                    let mut loading = client(if self.sandbox.is_mariadb() { "mariadb" } else { "mysql" }, &url);
                    loading.arg(&copy).stdin(fs::File::open(&self.dump).expect("the dump"));
                    assert!(loading.status().expect("the client runs").success(), "the dump was not loaded");
                }
                Copy { kind: *kind, url, name: copy, server }
            }
        }
    }

    /// Begins the run on a copy.
    pub fn start(&self, copy: &Copy, variables: &[(&str, &str)]) -> Running {
        let variables = [&[("DATABASE_URL", copy.url.as_str())], variables].concat();
        self.sandbox.start_with(self.going.args(), &variables)
    }

    /// The same with more arguments.
    pub fn start_and(&self, copy: &Copy, args: &[&str]) -> Running {
        self.sandbox.start_with(&[self.going.args(), args].concat(), &[("DATABASE_URL", copy.url.as_str())])
    }

    pub fn run(&self, copy: &Copy) -> Output {
        self.start(copy, &[]).wait()
    }

    /// What is wrong with a copy that should stand where the undisturbed run ended.
    pub fn wrong(&self, copy: &Copy) -> Option<String> {
        let found = End::of(self.sandbox.kind, &copy.url);
        if found != self.end {
            return Some(format!("{}: it ended at\n{found:#?}\ninstead of\n{:#?}", self.title, self.end));
        }
        let verified = self.sandbox.run_with(&["log", "--verify"], &[("DATABASE_URL", &copy.url)]);
        (verified.code != 0).then(|| format!("{}: {}", self.title, verified.all()))
    }
}

/// A copy of a course's database, gone again at the end.
pub struct Copy {
    pub kind: Kind,
    pub url: String,
    pub name: String,
    server: String,
}

impl Copy {
    pub fn connect(&self) -> Connection {
        Connection::open(&self.url)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if self.kind == Kind::Sqlite {
            for tail in ["", "-wal", "-shm", "-journal"] {
                let _ = fs::remove_file(format!("{}{tail}", self.name));
            }
            return;
        }
        let force = if self.kind == Kind::Postgres { " WITH (FORCE)" } else { "" };
        if let Ok(mut admin) = Connection::try_open(&self.server) {
            let _ = admin.attempt(&format!("DROP DATABASE IF EXISTS {}{force}", self.name));
        }
    }
}

fn server_of(url: &str) -> String {
    with_database(url, if url.starts_with("postgres") { "postgres" } else { "mysql" })
}

/// A URL with another database.
pub fn with_database(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).expect("a URL");
    url.set_path(name);
    url.into()
}

/// A program of the MySQL family's on the server that a URL names.
fn client(program: &str, url: &str) -> Command {
    let url = url::Url::parse(url).expect("a URL");
    let mut command = Command::new(program);
    command.arg("--no-defaults").arg(format!("--user={}", url.username()));
    if let Some(password) = url.password() {
        command.env("MYSQL_PWD", password);
    }
    match url.host_str() {
        Some(host) if !host.is_empty() => {
            command
                .arg("--protocol=tcp")
                .arg(format!("--host={host}"))
                .arg(format!("--port={}", url.port().unwrap_or(3306)));
        }
        _ => {}
    }
    command
}

/// Steps at random whose statements all leave a trace when they run, and another when they run twice.
pub struct Steps {
    dice: Dice,
    kind: Kind,
    /// The tables that there are.
    tables: usize,
    /// Whatever has to have a name or a number of its own.
    next: usize,
}

impl Steps {
    pub fn new(kind: Kind, seed: u64) -> Steps {
        Steps { dice: Dice(seed), kind, tables: 0, next: 0 }
    }

    /// Writes so many migrations; their names begin with a number from `first` on.
    pub fn write(&mut self, sandbox: &Sandbox, first: usize, count: usize) {
        for number in first..first + count {
            let own = self.dice.roll(2) == 0;
            let most = if self.dice.roll(4) == 0 { 20 } else { 5 };
            let statements = 1 + self.dice.roll(most);
            let (mut up, mut down) = (String::new(), String::new());
            for _ in 0..statements {
                let (there, back) = self.statement(own);
                up.push_str(&format!("{there};\n"));
                down = format!("{back};\n{down}");
            }
            let id = format!("{number:02}_step");
            sandbox.migration(&id, &up, &down);
            if own {
                sandbox.write(&format!("migrations/{id}/migration.toml"), "transaction = \"off\"\n");
            }
        }
    }

    /// A statement and what undoes it.
    fn statement(&mut self, own: bool) -> (String, String) {
        self.next += 1;
        let (n, mysql) = (self.next, self.kind == Kind::Mysql);
        if self.tables == 0 || self.dice.roll(6) == 0 {
            self.tables += 1;
            let table = self.tables - 1;
            return (format!("CREATE TABLE t{table} (id integer, n bigint)"), format!("DROP TABLE t{table}"));
        }
        let table = self.dice.roll(self.tables);
        let concurrently = if own && self.kind == Kind::Postgres { "CONCURRENTLY " } else { "" };
        let of = if mysql { format!(" ON t{table}") } else { String::new() };
        match self.dice.roll(6) {
            0 => (
                format!("ALTER TABLE t{table} ADD COLUMN c{n} integer"),
                format!("ALTER TABLE t{table} DROP COLUMN c{n}"),
            ),
            1 => (
                format!("CREATE INDEX {concurrently}i{n} ON t{table} (n)"),
                format!("DROP INDEX {concurrently}i{n}{of}"),
            ),
            2 => (format!("CREATE VIEW v{n} AS SELECT id, n FROM t{table}"), format!("DROP VIEW v{n}")),
            3 => (format!("UPDATE t{table} SET n = n + 1"), format!("UPDATE t{table} SET n = n - 1")),
            _ => (
                format!("INSERT INTO t{table} (id, n) VALUES ({n}000, {n}), ({n}001, {n})"),
                format!("DELETE FROM t{table} WHERE id IN ({n}000, {n}001)"),
            ),
        }
    }
}

/// Proves what can be, and waives the rest: what counts here is how it is run.
pub fn settle(sandbox: &Sandbox) {
    sandbox.run(&["verify", "--keep-going"]);
    sandbox.run(&["waive", "--existing", "--reason", "the test looks at faults"]);
}

/// SQLite's journal mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    Own,
    Wal,
}

/// Migrations that are nasty to be killed in, then some at random.
pub fn project(sandbox: &Sandbox, seed: u64) {
    let kind = sandbox.kind;
    sandbox.migration(
        "01_base",
        "CREATE TABLE base (id integer, v varchar(20), n integer);\nINSERT INTO base VALUES (1, 'one', 1), (2, 'two', 2), (3, NULL, 3);\n",
        "DROP TABLE base;\n",
    );
    let off = |id: &str| _ = sandbox.write(&format!("migrations/{id}/migration.toml"), "transaction = \"off\"\n");
    match kind {
        Kind::Sqlite => {
            let rebuild = |columns: &str, kept: &str| {
                format!(
                    "CREATE TABLE base_new ({columns});\nINSERT INTO base_new ({kept}) SELECT {kept} FROM base;\n\
                     DROP TABLE base;\nALTER TABLE base_new RENAME TO base;\n"
                )
            };
            let (wide, narrow) =
                ("id integer, v varchar(20), n integer, w text DEFAULT 'w'", "id integer, v varchar(20), n integer");
            sandbox.migration("02_rebuild", &rebuild(wide, "id, v, n"), &rebuild(narrow, "id, v, n"));
            off("02_rebuild");
        }
        Kind::Postgres => {
            sandbox.migration(
                "02_beside",
                "COPY base (id, v) FROM stdin;\n4\tfour\n5\t\\N\n\\.\nCREATE UNIQUE INDEX CONCURRENTLY base_id ON base (id);\n\
                 CREATE SCHEMA side;\nSET search_path TO side, public;\nCREATE TYPE mood AS ENUM ('a');\nVACUUM base;\n\
                 UPDATE base SET n = n * 2;\nREINDEX INDEX CONCURRENTLY base_id;\n",
                "UPDATE base SET n = n / 2;\nDROP TYPE side.mood;\nDROP SCHEMA side;\nDROP INDEX CONCURRENTLY base_id;\nDELETE FROM base WHERE id IN (4, 5);\n",
            );
        }
        Kind::Mysql => {
            sandbox.migration(
                "02_swap",
                "SET @more = 10;\nCREATE TABLE base_new (id integer, v varchar(20), n integer, w integer);\n\
                 INSERT INTO base_new SELECT id, v, n, n + @more FROM base;\nRENAME TABLE base TO base_old, base_new TO base;\n\
                 UPDATE base SET w = w + @more;\nDROP TABLE base_old;\nANALYZE TABLE base;\nCREATE OR REPLACE VIEW seen AS SELECT id FROM base;\n",
                "DROP VIEW seen;\nALTER TABLE base DROP COLUMN w;\n",
            );
        }
    }
    sandbox.migration(
        "03_left",
        "ALTER TABLE base ADD COLUMN other varchar(20);\n",
        "-- the other of the group does it\n",
    );
    sandbox.migration(
        "04_right",
        "UPDATE base SET other = v;\nALTER TABLE base DROP COLUMN v;\n",
        "ALTER TABLE base ADD COLUMN v varchar(20);\nUPDATE base SET v = other;\nALTER TABLE base DROP COLUMN other;\n",
    );
    for id in ["03_left", "04_right"] {
        sandbox.write(&format!("migrations/{id}/migration.toml"), "group = \"rename\"\n");
    }
    Steps::new(kind, seed).write(sandbox, 5, 4);
    settle(sandbox);
}

/// Runs a test on the project's way up, from one migration with rows in it, and then on its way down from all.
pub fn there_and_back(sandbox: &Sandbox, seed: u64, journal: Journal, mut test: impl FnMut(&Course)) {
    project(sandbox, seed);
    sandbox.run(&["up", "--locked", "--steps", "1"]).ok();
    sandbox.sql("INSERT INTO base (id, n) VALUES (71, 71), (72, 72)");
    if journal == Journal::Wal {
        sandbox.sql("PRAGMA journal_mode = WAL");
    }
    let title = format!("{:?} ({journal:?} journal), seed {seed}", sandbox.kind);
    test(&Course::new(sandbox, Going::Up, &title));
    sandbox.run(Going::Up.args()).ok();
    test(&Course::new(sandbox, Going::Down, &title));
}
