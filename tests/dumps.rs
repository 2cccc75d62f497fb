//! Equal schemas read equal, and different ones different: random DDL, with the engine's own dump tool as the oracle.
//!
//! What the tools leave out of a dump, or say for no schema's sake, is left out here too, and named where that is done.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use switchback::engine::Site;
use switchback::snapshot::Line;

#[path = "common/ddl.rs"]
mod ddl;
#[path = "rows/home.rs"]
#[allow(dead_code, reason = "rows are made elsewhere")]
mod home;

use ddl::{Dice, EVERYWHERE, MYSQL, ONLY_MYSQL, POSTGRES, SQLITE, statement};
use home::{Home, home_at};

/// A dump as its lines, in the tool's own order.
type Dump = Vec<String>;

/// Runs DDL and compares, behind each statement, what the dump tool and the snapshot say of the schema: the same as at any time
/// before, or something new. Gives how many schemas were met.
async fn walk(home: &mut Home, site: &Site, own: &[&str], steps: usize) -> usize {
    let templates: Vec<&str> = EVERYWHERE.iter().chain(own).copied().collect();
    let is_mysql = home.engine.dialect().name == "mysql";
    let mut dice = Dice(23);
    let mut by_dump: BTreeMap<Dump, (BTreeSet<Line>, String)> = BTreeMap::new();
    let mut by_lines: BTreeMap<BTreeSet<Line>, (Dump, String)> = BTreeMap::new();
    for _ in 0..steps {
        let text = statement(&mut dice, &templates);
        let text = if is_mysql { text.replace('"', "`") } else { text };
        if home.session.run(&text).await.is_err() {
            continue;
        }
        let snapshot = home.engine.snapshot(&mut *home.session).await.unwrap();
        let lines: BTreeSet<Line> = snapshot.lines().cloned().collect();
        let Some(dump) = dump(home, site).await else { continue };
        let (known, then) = by_dump.entry(dump.clone()).or_insert_with(|| (lines.clone(), text.clone()));
        let apart: Vec<&Line> = known.symmetric_difference(&lines).collect();
        assert!(apart.is_empty(), "the dumps behind {then:?} and {text:?} are the same: {apart:#?}");
        let (known, then) = by_lines.entry(lines).or_insert_with(|| (dump.clone(), text.clone()));
        let only =
            |one: &Dump, other: &Dump| one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>();
        let apart = [only(known, &dump), only(&dump, known)];
        assert!(*known == dump, "the schemas behind {then:?} and {text:?} read the same: {apart:#?}");
    }
    by_dump.len()
}

/// `None`: the tool has none, because a view leads nowhere.
async fn dump(home: &mut Home, site: &Site) -> Option<Dump> {
    Some(match home.engine.dialect().name {
        "postgres" => postgres(site),
        "mysql" => return mysql(site, home.session.server().engine),
        _ => sqlite(home).await,
    })
}

/// The output of a dump tool, or what it complains of.
fn output(command: &mut Command) -> Result<String, String> {
    let ran = command.stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{:?}, which comes with the engine's client, cannot be run: {error}", command.get_program())
    });
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if ran.status.success() { Ok(text(ran.stdout)) } else { Err(text(ran.stderr)) }
}

/// What says something of the schema: no comment, no blank line, no key that newer tools make up for each dump.
fn said(text: &str) -> Dump {
    let says = |line: &&str| {
        !line.is_empty() && !["--", "\\restrict", "\\unrestrict"].iter().any(|start| line.starts_with(start))
    };
    text.lines().map(str::trim_end).filter(says).map(str::to_owned).collect()
}

fn postgres(site: &Site) -> Dump {
    let target = &site.target;
    let mut command = Command::new("pg_dump");
    command.args(["--schema-only", "--no-password", "--dbname", &target.database]);
    command.args([
        "--host",
        target.host.as_deref().unwrap_or_default(),
        "--port",
        &target.port.unwrap_or(5432).to_string(),
    ]);
    command.args(["--username", target.user.as_deref().unwrap_or_default()]);
    command.env("PGPASSWORD", target.password.as_ref().map(|password| password.reveal()).unwrap_or_default());
    said(&output(&mut command).unwrap())
}

fn mysql(site: &Site, engine: &str) -> Option<Dump> {
    let target = &site.target;
    let mut command = Command::new(if engine == "mariadb" { "mariadb-dump" } else { "mysqldump" });
    command.args([
        "--no-defaults",
        "--no-data",
        "--routines",
        "--no-tablespaces",
        "--skip-comments",
        "--skip-lock-tables",
        "--protocol=tcp",
    ]);
    command.arg(format!("--host={}", target.host.as_deref().unwrap_or_default()));
    command.arg(format!("--port={}", target.port.unwrap_or(3306)));
    command.arg(format!("--user={}", target.user.as_deref().unwrap_or_default()));
    command.arg(&target.database);
    command.env("MYSQL_PWD", target.password.as_ref().map(|password| password.reveal()).unwrap_or_default());
    // Where the next row's number stands is no schema.
    let counted = |line: String| match line.split_once(" AUTO_INCREMENT=") {
        Some((before, after)) => format!("{before} {}", after.trim_start_matches(|ch: char| ch.is_ascii_digit())),
        None => line,
    };
    match output(&mut command) {
        Ok(text) => Some(said(&text).into_iter().map(counted).collect()),
        Err(complaint) if complaint.contains("(1356)") => None,
        Err(complaint) => panic!("{complaint}"),
    }
}

/// What the shell's `.dump` prints of a schema, which lives in a session's memory here, and the number that a file keeps for its user.
async fn sqlite(home: &mut Home) -> Dump {
    let schema = "SELECT type || ' ' || sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name";
    let mut rows = home.session.batch(schema).await.unwrap();
    rows.extend(home.session.batch("PRAGMA user_version").await.unwrap());
    rows.into_iter().flatten().flatten().collect()
}

#[tokio::test]
async fn postgres_reads_as_pg_dump_does() {
    home_at("postgres", async |home, site| {
        let met = walk(home, site, POSTGRES, 600).await;
        assert!(met > 100, "{met}");
    })
    .await;
}

#[tokio::test]
async fn mysql_reads_as_its_dump_does() {
    home_at("mysql", async |home, site| {
        let others = if home.session.server().engine == "mysql" { ONLY_MYSQL } else { &[] };
        let met = walk(home, site, &[MYSQL, others].concat(), 1500).await;
        assert!(met > 100, "{met}");
    })
    .await;
}

#[tokio::test]
async fn sqlite_reads_as_its_dump_does() {
    home_at("sqlite", async |home, site| {
        let met = walk(home, site, SQLITE, 1000).await;
        assert!(met > 100, "{met}");
    })
    .await;
}
