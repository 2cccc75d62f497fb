//! A script run piece by piece, as we split it, and as a whole by the engine's own client, which splits by itself: the same error
//! at the same place, the same schema, the same rows.
//!
//! In short on texts of our own, and on what chance makes of them. `SWITCHBACK_LONG=1` runs more of these; `SWITCHBACK_HISTORIES`
//! names a folder with `postgres/NAME/`, `mysql/NAME/` and `sqlite/NAME/`, each a folder of migrations in any layout, and the ups of each
//! are run in their order. None is part of this repository.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::chance::{Chance, is_long};
use common::{Connection, Kind, Sandbox, each_engine};
use switchback::class;
use switchback::database::{Database, engine_of};
use switchback::engine::Access;
use switchback::layout::{Tree, detect, load};
use switchback::sql::{Flavor, Script};
use switchback::store;
use switchback::target::Target;
use url::Url;

/// What became of a database.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// Each line of the schema.
    schema: Vec<String>,
    rows: BTreeMap<String, Vec<String>>,
}

fn flavor(kind: Kind) -> Flavor {
    match kind {
        Kind::Sqlite => Flavor::Sqlite,
        Kind::Postgres => Flavor::Postgres,
        Kind::Mysql => Flavor::Mysql,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// The sandbox's database, empty again.
fn emptied(sandbox: &Sandbox) {
    if sandbox.kind == Kind::Sqlite {
        let _ = fs::remove_file(&sandbox.name);
        drop(sandbox.connect());
        return;
    }
    let (force, template) =
        if sandbox.kind == Kind::Postgres { (" WITH (FORCE)", " TEMPLATE template0") } else { ("", "") };
    let mut admin = Connection::open(sandbox.kind.server().as_str());
    admin.sql(&format!("DROP DATABASE IF EXISTS {}{force}", sandbox.name));
    admin.sql(&format!("CREATE DATABASE {}{template}", sandbox.name));
}

fn outcome(sandbox: &Sandbox) -> Outcome {
    let snapshot = block_on(async {
        let mut database = Database::open(&Target::parse(&sandbox.url).unwrap(), Duration::ZERO).await.unwrap();
        let snapshot = database.snapshot().await.unwrap();
        database.close().await;
        snapshot
    });
    let quote = |name: &str| name.split('.').map(|part| flavor(sandbox.kind).ident(part)).collect::<Vec<_>>().join(".");
    let mut connection = sandbox.connect();
    let mut rows = BTreeMap::new();
    for table in sandbox.user_tables() {
        // A view may stand on what is gone.
        let read = connection.attempt(&format!("SELECT * FROM {}", quote(&table))).unwrap_or_default();
        let mut lines: Vec<String> = read.into_iter().map(|row| format!("{row:?}")).collect();
        lines.sort();
        rows.insert(table, lines);
    }
    Outcome { schema: snapshot.lines().map(|line| format!("{line:?}")).collect(), rows }
}

/// Runs the pieces one after the other, each committed by itself; gives what the first error says.
fn piece_by_piece(sandbox: &Sandbox, scripts: &[Script]) -> Option<String> {
    block_on(async {
        let target = Target::parse(&sandbox.url).unwrap();
        let mut session = engine_of(&target).unwrap().open(&target, Access::ReadWrite).await.unwrap();
        let mut failed = None;
        'scripts: for script in scripts {
            for statement in script.statements() {
                if let Err(error) = store::run(session.as_mut(), script, statement).await {
                    failed = Some(error.message);
                    break 'scripts;
                }
            }
        }
        session.close().await;
        failed
    })
}

/// The engine's own client on the files; gives what it complains of.
fn as_a_whole(sandbox: &Sandbox, files: &[PathBuf]) -> Option<String> {
    for file in files {
        let mut command = match sandbox.kind {
            Kind::Sqlite => {
                let mut command = Command::new("sqlite3");
                command.args(["-batch", "-bail", "-init", "/dev/null", &sandbox.name]);
                command
            }
            Kind::Postgres => {
                let mut command = Command::new("psql");
                command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &sandbox.url]);
                command
            }
            Kind::Mysql => {
                let url = Url::parse(&sandbox.url).expect("a URL");
                let mut command = Command::new(if sandbox.is_mariadb() { "mariadb" } else { "mysql" });
                command.args(["--no-defaults", "--protocol=tcp", "--default-character-set=utf8mb4", "--batch"]);
                command.arg(format!("--host={}", url.host_str().unwrap_or("127.0.0.1")));
                command.arg(format!("--port={}", url.port().unwrap_or(3306)));
                command.arg(format!("--user={}", url.username())).arg(&sandbox.name);
                command.env("MYSQL_PWD", url.password().unwrap_or_default());
                command
            }
        };
        command.stdin(fs::File::open(file).expect("a file")).stdout(Stdio::null());
        let output = command.output().unwrap_or_else(|error| panic!("the engine's client: {error}"));
        if !output.status.success() {
            return Some(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    None
}

/// Whether both end alike; `None` where the client has no way to run it, or where it says something else each time.
fn compared(sandbox: &Sandbox, name: &str, scripts: &[Script], files: &[PathBuf]) -> Option<Result<(), String>> {
    // What ends our transactions is refused before it runs.
    if scripts.iter().any(|script| script.problem().is_some() || class::controls_transactions(script)) {
        return None;
    }
    emptied(sandbox);
    let ours = piece_by_piece(sandbox, scripts);
    let mut of_ours = outcome(sandbox);
    emptied(sandbox);
    let theirs = as_a_whole(sandbox, files);
    let mut of_theirs = outcome(sandbox);
    if of_ours != of_theirs {
        // A table whose rows are others each time, such as made-up secrets, is not compared.
        emptied(sandbox);
        piece_by_piece(sandbox, scripts);
        let again = outcome(sandbox);
        let is_stable = |table: &String| of_ours.rows.get(table) == again.rows.get(table);
        of_theirs.rows.retain(|table, _| is_stable(table));
        of_ours.rows.retain(|table, rows| again.rows.get(table) == Some(rows));
    }
    let same = match (&ours, &theirs) {
        (None, None) => true,
        // The client's words stand around the server's.
        (Some(ours), Some(theirs)) => theirs.contains(ours.lines().next().unwrap_or_default()),
        _ => false,
    };
    Some(match same && of_ours == of_theirs {
        true => Ok(()),
        false => Err(format!("{name}\nours: {ours:?}\ntheirs: {theirs:?}\nours: {of_ours:#?}\ntheirs: {of_theirs:#?}")),
    })
}

/// Texts of our own: those of the fuzzers' corpus.
fn texts(kind: Kind) -> Vec<(String, String)> {
    let name = match kind {
        Kind::Sqlite => "scripts_sqlite",
        Kind::Postgres => "scripts_postgres",
        Kind::Mysql => "scripts_mysql",
    };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut texts: Vec<(String, String)> = fs::read_dir(dir)
        .expect("a corpus")
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            Some((path.display().to_string(), fs::read_to_string(&path).ok()?))
        })
        .collect();
    texts.sort();
    texts
}

/// Whole statements of the texts in another order, with other things between them.
fn mixed(chance: &mut Chance, kind: Kind, texts: &[(String, String)]) -> String {
    let between = [";\n", " ; ", ";;\n", ";-- it's ; a comment\n", ";\t\n", "; /* ; ' */ ", "\n;\n\n"];
    let mut out = String::new();
    for _ in 0..=chance.below(6) {
        let script = Script::parse("x", 1, chance.of(texts).1.as_bytes(), flavor(kind));
        let fits: Vec<&str> =
            script.statements().iter().map(|one| script.sql(one)).filter(|sql| !odd(kind, sql)).collect();
        if script.problem().is_none() && !fits.is_empty() {
            let (piece, gap): (&&str, &&str) = (chance.of(&fits), chance.of(&between));
            out.push_str(piece);
            out.push_str(gap);
        }
    }
    out
}

/// What ends at a delimiter or at rows in its own script.
fn odd(kind: Kind, sql: &str) -> bool {
    let lower = sql.to_lowercase();
    match kind {
        // The client splits bodies at semicolons: it needs DELIMITER there, and the server does not.
        Kind::Mysql => ["begin", "language", "declare", "/*!", "/*m!", " if "].iter().any(|word| lower.contains(word)),
        Kind::Postgres => lower.contains("from stdin"),
        Kind::Sqlite => false,
    }
}

/// Whether a client can be asked at all.
fn is_for_the_client(kind: Kind, text: &str) -> bool {
    let lower = text.to_lowercase();
    match kind {
        Kind::Mysql => lower.contains("delimiter") || !odd(kind, text),
        // Its shell sets parameters by commands of its own, and reads other line ends as its own.
        Kind::Sqlite => !lower.contains("select ?") && !text.contains('\r'),
        // psql reads the second part of an E'' that goes on in the next line as a plain string; the server does not.
        Kind::Postgres => !text.contains("E'a\\''"),
    }
}

#[test]
fn own_scripts_end_alike_in_pieces_and_as_a_whole() {
    each_engine(|sandbox| {
        let texts: Vec<(String, String)> =
            texts(sandbox.kind).into_iter().filter(|(_, text)| is_for_the_client(sandbox.kind, text)).collect();
        let mut chance = Chance(if is_long() { u64::from(std::process::id()) } else { 11 });
        let (seed, count) = (chance.0, if is_long() { 400 } else { 8 });
        let made =
            (0..count).map(|number| (format!("mix {number} of seed {seed}"), mixed(&mut chance, sandbox.kind, &texts)));
        let all: Vec<(String, String)> = texts.iter().cloned().chain(made.collect::<Vec<_>>()).collect();
        let (mut same, mut differ) = (0, Vec::new());
        for (name, text) in &all {
            sandbox.write("script.sql", text);
            let script = Script::parse("script.sql", 1, text.as_bytes(), flavor(sandbox.kind));
            match compared(sandbox, name, &[script], &[sandbox.root().join("script.sql")]) {
                Some(Ok(())) => same += 1,
                Some(Err(difference)) => differ.push(format!("{difference}\n{text}")),
                None => {}
            }
        }
        eprintln!("{:?}: {same} of {} scripts end alike, {} do not", sandbox.kind, all.len(), differ.len());
        assert!(differ.is_empty(), "{}", differ.join("\n\n"));
        assert!(same > 12, "{same} scripts are few");
    });
}

#[test]
fn public_histories_end_alike_in_pieces_and_as_a_whole() {
    let Some(root) = std::env::var_os("SWITCHBACK_HISTORIES").map(PathBuf::from) else { return };
    each_engine(|sandbox| {
        let engine = match sandbox.kind {
            Kind::Sqlite => "sqlite",
            Kind::Postgres => "postgres",
            Kind::Mysql => "mysql",
        };
        let Ok(entries) = fs::read_dir(root.join(engine)) else { return };
        let (mut same, mut scripts_run, mut differ) = (0, 0, Vec::new());
        for dir in entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()) {
            let tree = Tree::read(&dir).unwrap_or_else(|fault| panic!("{}: {fault}", dir.display()));
            let layout = detect(&tree).unwrap_or_else(|fault| panic!("{}: {fault}", dir.display()));
            let loaded = load(layout, &tree, engine, flavor(sandbox.kind));
            let whole = |script: &Script| script.problem().is_none() && !class::reaches_out(script);
            let ups: Vec<Script> =
                loaded.migrations.into_iter().map(|migration| migration.up).take_while(whole).collect();
            let files: Vec<PathBuf> = (0..ups.len()).map(|at| sandbox.root().join(format!("up{at:05}.sql"))).collect();
            ups.iter().zip(&files).for_each(|(up, file)| fs::write(file, up.text()).expect("a file"));
            scripts_run += ups.len();
            match compared(sandbox, &dir.display().to_string(), &ups, &files) {
                Some(Ok(())) => same += 1,
                Some(Err(difference)) => differ.push(difference),
                None => {}
            }
        }
        eprintln!("{:?}: {same} histories of {scripts_run} scripts end alike, {} do not", sandbox.kind, differ.len());
        assert!(differ.is_empty(), "{}", differ.join("\n\n"));
    });
}
