//! Holds our verdicts against the engines' own dump tools, on a real history:
//!
//! `cargo run --release --example accuracy -- URL FOLDER [STATEMENT]` with the URL of a server where databases may be made (or
//! `sqlite:`), the folder of a history, and what its `[session]` says, if anything: it is put before each script. Each up and down
//! is run by the engine's own client, on empty tables; the schema is dumped before the up and behind the down. Where the two texts
//! are the same, the down is taken to restore the schema. What disagrees with our verdict is listed, with the lines that differ:
//! each such line is a bug of ours, or has a reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use switchback::database::engine_of;
use switchback::migration::{Down, Migration};
use switchback::project::{Files, Project};
use switchback::sql::{Flavor, Script};
use switchback::target::Target;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, folder, session) = match arguments.as_slice() {
        [url, folder] => (url, folder, ""),
        [url, folder, session] => (url, folder, session.as_str()),
        _ => {
            eprintln!("accuracy URL FOLDER [STATEMENT]");
            return ExitCode::from(2);
        }
    };
    match run(url, Path::new(folder), session) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// What the dump tool says of a down.
#[derive(PartialEq, Eq)]
enum Oracle {
    Restores,
    /// Lines that differ.
    Differs(Vec<String>),
    /// The client's words.
    Fails(String),
}

/// Gives the number of verdicts that disagree.
fn run(url: &str, folder: &Path, session: &str) -> Result<usize, String> {
    let scratch = Scratch::new(url, session)?;
    let target = Target::parse(url).map_err(|fault| fault.to_string())?;
    let dialect = engine_of(&target).map_err(|fault| fault.to_string())?.dialect();
    let files = Files {
        dir: folder.join("migrations"),
        seeds: None,
        layout: None,
        revision: None,
        session: Default::default(),
    };
    let project = Project::load(&files, dialect.name, dialect.flavor).map_err(|fault| fault.to_string())?;
    let graph = project.graph().map_err(|fault| fault.to_string())?;
    let history: Vec<&Migration> = project.ordered(&graph).into_iter().collect();
    let verdicts = verdicts(url, folder)?;
    let (mut agree, mut disagree) = (0, 0);
    let mut applied: Vec<&Migration> = Vec::new();
    scratch.make()?;
    for migration in history {
        let Some(verdict) = verdicts.iter().find(|(id, _)| *id == migration.id.as_str()).map(|(_, verdict)| verdict)
        else {
            continue;
        };
        let before = scratch.dump()?;
        if let Err(words) = scratch.script(&migration.up) {
            println!("{}: we say {verdict}", migration.id);
            println!("  the up fails by the engine's own client: {}", words.lines().next().unwrap_or_default());
            if verdict != "failed" {
                break;
            }
            scratch.stand_behind(&applied)?;
            continue;
        }
        applied.push(migration);
        if let Down::Script(down) = &migration.down {
            let oracle = match scratch.script(down) {
                Err(words) => Oracle::Fails(words),
                Ok(()) => match differing(&before, &scratch.dump()?) {
                    lines if lines.is_empty() => Oracle::Restores,
                    lines => Oracle::Differs(lines),
                },
            };
            let restores = oracle == Oracle::Restores;
            if restores == matches!(verdict.as_str(), "exact" | "equivalent" | "preserved" | "lossy") {
                agree += 1;
            } else {
                disagree += 1;
                println!("{}: we say {verdict}", migration.id);
                match oracle {
                    Oracle::Restores => println!("  the dumps are the same"),
                    Oracle::Differs(lines) => lines.iter().take(8).for_each(|line| println!("  {line}")),
                    Oracle::Fails(words) => println!("  the down fails: {}", words.lines().next().unwrap_or_default()),
                }
            }
            if !restores || scratch.script(&migration.up).is_err() {
                scratch.stand_behind(&applied)?;
            }
        }
    }
    scratch.drop()?;
    println!("{agree} verdicts agree with the dump tool, {disagree} do not");
    Ok(disagree)
}

/// Lines that one of the two has more often, as `- …` and `+ …`; their order does not count, as dump tools sort by dependency.
fn differing(before: &str, after: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for (text, step) in [(before, 1), (after, -1)] {
        text.lines().for_each(|line| *counts.entry(line.trim().trim_end_matches(',')).or_default() += step);
    }
    let gone = counts.iter().filter(|(_, count)| **count > 0).map(|(line, _)| format!("- {line}"));
    let new = counts.iter().filter(|(_, count)| **count < 0).map(|(line, _)| format!("+ {line}"));
    gone.chain(new).collect()
}

/// Our verdicts, by id.
fn verdicts(url: &str, folder: &Path) -> Result<Vec<(String, String)>, String> {
    let binary = std::env::var("SWITCHBACK").unwrap_or_else(|_| "switchback".to_owned());
    let mut command = Command::new(binary);
    command.args(["verify", "--fresh", "--keep-going", "--json", "-d", url]).current_dir(folder);
    let ran = command.stderr(Stdio::inherit()).output().map_err(|error| format!("switchback: {error}"))?;
    let object: serde_json::Value = serde_json::from_slice(&ran.stdout).map_err(|error| error.to_string())?;
    let migrations = object["migrations"].as_array().ok_or_else(|| object["error"].to_string())?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Ok(migrations.iter().map(|one| (text(&one["id"]), text(&one["verdict"]))).collect())
}

/// SQLite's words for its tables as plain text. It keeps a table as it was written, so that the same table reads otherwise when
/// a column was added to it, or when it was renamed into place: other lines, quotes, and the shell's own `IF NOT EXISTS`.
fn plain(schema: &str) -> String {
    let is_own = |line: &&str| line.starts_with("CREATE TABLE sqlite_");
    let kept = schema.lines().filter(|line| !is_own(line)).map(|line| line.split("--").next().unwrap_or_default());
    let text = kept.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    let text = text.replace('"', "").replace(" IF NOT EXISTS ", " ");
    [('(', "\n(\n"), (')', "\n)\n"), (',', "\n"), (';', "\n;\n")]
        .into_iter()
        .fold(text, |text, (mark, line)| text.replace(mark, line))
}

/// A database of our own, spoken to by the engine's own tools.
struct Scratch {
    url: url::Url,
    name: String,
    /// Runs before each script.
    session: String,
}

impl Scratch {
    fn new(text: &str, session: &str) -> Result<Scratch, String> {
        let url = url::Url::parse(text).map_err(|error| format!("{text}: {error}"))?;
        let session = if session.is_empty() { String::new() } else { format!("{session};\n") };
        Ok(Scratch { url, name: format!("accuracy_{}", std::process::id()), session })
    }

    fn file(&self) -> String {
        std::env::temp_dir().join(format!("{}.db", self.name)).display().to_string()
    }

    /// The address of a database on the server, for the client.
    fn command(&self, tool: &str, database: &str) -> Command {
        let mut command = Command::new(tool);
        let (host, port) = (self.url.host_str().unwrap_or("127.0.0.1"), self.url.port());
        match self.url.scheme() {
            "sqlite" => drop(command.args(["-bail", &self.file()])),
            "postgres" | "postgresql" => {
                command.args(["-h", host, "-p", &port.unwrap_or(5432).to_string(), "-U", self.url.username()]);
                command.args(["-d", database]).env("PGPASSWORD", self.url.password().unwrap_or_default());
            }
            _ => {
                command.args(["-h", host, "-P", &port.unwrap_or(3306).to_string(), "-u", self.url.username()]);
                command.arg(database).env("MYSQL_PWD", self.url.password().unwrap_or_default());
            }
        }
        command
    }

    /// Runs a script as a user would by hand.
    fn script(&self, script: &Script) -> Result<(), String> {
        let (text, session) = (script.text(), &self.session);
        let statements = script.statements().iter().map(|statement| script.sql(statement));
        let has_body = script.flavor() == Flavor::Mysql
            && !text.contains("DELIMITER")
            && statements.clone().any(|sql| sql.contains(';'));
        // A library takes the body of a procedure as one statement; the client must be told where it ends.
        let text = if has_body {
            statements.map(|sql| format!("DELIMITER $$\n{sql}\n$$\nDELIMITER ;\n")).collect()
        } else {
            text.to_owned()
        };
        // SQLite's shell may wait for the end of a last statement that has none.
        let end = if self.url.scheme() == "sqlite" { "\n;\n" } else { "" };
        self.client(&self.name, &format!("{session}{text}{end}")).map(drop)
    }

    /// Makes it anew, and runs these ups.
    fn stand_behind(&self, applied: &[&Migration]) -> Result<(), String> {
        self.make()?;
        applied.iter().try_for_each(|one| self.script(&one.up))
    }

    fn client(&self, database: &str, text: &str) -> Result<String, String> {
        let mut command = match self.url.scheme() {
            "sqlite" => self.command("sqlite3", database),
            "postgres" | "postgresql" => {
                let mut psql = self.command("psql", database);
                psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
                psql
            }
            _ => self.command("mysql", database),
        };
        fed(&mut command, text)
    }

    /// Drops and makes it.
    fn make(&self) -> Result<(), String> {
        self.drop()?;
        match self.url.scheme() {
            "sqlite" => Ok(()),
            "postgres" | "postgresql" => {
                self.client("postgres", &format!("CREATE DATABASE {} TEMPLATE template0", self.name)).map(drop)
            }
            _ => self.client("mysql", &format!("CREATE DATABASE {}", self.name)).map(drop),
        }
    }

    fn drop(&self) -> Result<(), String> {
        let text = format!("DROP DATABASE IF EXISTS {}", self.name);
        match self.url.scheme() {
            "sqlite" => {
                let _ = std::fs::remove_file(self.file());
                Ok(())
            }
            "postgres" | "postgresql" => self.client("postgres", &text).map(drop),
            _ => self.client("mysql", &text).map(drop),
        }
    }

    /// The schema in the dump tool's words, without what differs from dump to dump.
    fn dump(&self) -> Result<String, String> {
        let text = match self.url.scheme() {
            "sqlite" => plain(&self.client("", ".schema\n")?),
            "postgres" | "postgresql" => fed(self.command("pg_dump", &self.name).arg("-s"), "")?,
            _ => {
                let mut command = self.command("mysqldump", &self.name);
                fed(command.args(["--no-data", "--routines", "--events", "--skip-comments", "--skip-dump-date"]), "")?
            }
        };

        Ok(text
            .lines()
            .filter(|line| !line.starts_with("--") && !line.starts_with("\\"))
            .map(without_counter)
            .collect())
    }
}

/// A line without MySQL's `AUTO_INCREMENT=7`, which is a counter and no schema.
fn without_counter(line: &str) -> String {
    let kept = line.split(' ').filter(|word| !word.starts_with("AUTO_INCREMENT="));
    format!("{}\n", kept.collect::<Vec<_>>().join(" "))
}

/// Runs a command with a text on its standard input.
fn fed(command: &mut Command, text: &str) -> Result<String, String> {
    use std::io::Write;
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A client that stops at an error may not read the rest.
        let _ = stdin.write_all(text.as_bytes());
    }
    let ran = child.wait_with_output().map_err(|error| format!("{name}: {error}"))?;
    let words = String::from_utf8_lossy(&ran.stderr).into_owned();
    if ran.status.success() { Ok(String::from_utf8_lossy(&ran.stdout).into_owned()) } else { Err(words) }
}
