//! Text of others (names, SQL, notices, errors, rows of ours that somebody edited, settings, authors) acts on nobody's terminal, and
//! on no report: one hostile text stands everywhere, and every command runs in every form.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{Kind, Output, Sandbox, each_engine};

/// A title for the terminal, an erased screen, an 8-bit escape, ends of lines that are none, turned text, and marks of reports.
const TERMINAL: &str = "h\u{1b}]0;t\u{7}\u{1b}[2J\u{9b}5m\u{85}\u{202e}\u{2066}\u{2028}\u{200f}\u{8}\u{7f}";

fn hostile() -> String {
    format!("{TERMINAL}<b>&::error::|`x")
}

/// The same over several lines, of which the second begins a command of a runner.
fn lines() -> String {
    format!("{}\r\n::error file=a::b\r::warning::c\n", hostile())
}

/// Nothing acts on a terminal or turns the direction of text, but for colours.
#[track_caller]
fn harmless(what: &str, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(|ch: char| (ch.is_control() && !matches!(ch, '\n' | '\t')) || is_mark(ch)) {
        let behind = &rest[at..];
        let colour = behind.strip_prefix("\u{1b}[").and_then(|inner| {
            let end = inner.find(|ch: char| !ch.is_ascii_digit() && ch != ';')?;
            inner[end..].starts_with('m').then_some(2 + end + 1)
        });
        let Some(length) = colour else { panic!("{what} acts on a terminal: {text:?}") };
        rest = &behind[length..];
    }
}

fn is_mark(ch: char) -> bool {
    matches!(ch, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Runs as on a terminal, which gets what a pipe would be spared.
#[track_caller]
fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    let hostile = hostile();
    let variables = [
        ("CLICOLOR_FORCE", "1"),
        ("USER", hostile.as_str()),
        ("GIT_AUTHOR_NAME", hostile.as_str()),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", hostile.as_str()),
        ("GITHUB_REPOSITORY", hostile.as_str()),
        ("GITHUB_SERVER_URL", hostile.as_str()),
        ("CI", "true"),
    ];
    let output = sandbox.run_with(args, &variables);
    assert!((0..=5).contains(&output.code), "{output:?}");
    harmless(&format!("stdout of {args:?}"), &output.stdout);
    harmless(&format!("stderr of {args:?}"), &output.stderr);
    let annotations = output.stdout.lines().filter(|line| line.starts_with("::"));
    let told = annotations.filter(|line| !line.contains("title=")).count();
    assert_eq!(told, 0, "a line begins a command of a runner: {}", output.stdout);
    output
}

/// The same in words and as JSON, which says the same text when it is read.
#[track_caller]
fn both(sandbox: &Sandbox, args: &[&str]) -> Output {
    let json = run(sandbox, &[args, &["--json"]].concat());
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(&json.stdout);
    assert!(parsed.is_ok() || json.code == 2, "{json:?}");
    run(sandbox, args)
}

fn file(sandbox: &Sandbox, path: &str) {
    let text = fs::read_to_string(sandbox.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    harmless(path, &text);
}

fn quoted(sandbox: &Sandbox, name: &str) -> String {
    match sandbox.kind {
        Kind::Mysql => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A migration that is called as far so as an id may be, makes what is called so, and says so.
fn project(sandbox: &Sandbox) -> String {
    let (name, id) = (hostile(), "1_h\u{202e}\u{2066}\u{2028}\u{200f}<b>&::error::|`x".to_owned());
    let table = quoted(sandbox, &name);
    let mut up = format!("-- {name}\n/* {} */\nCREATE TABLE {table} (id integer, {table} integer);\n", lines());
    if sandbox.kind == Kind::Postgres {
        let _ = writeln!(
            up,
            "DO $$ BEGIN RAISE NOTICE '%', '{}'; RAISE WARNING '{}'; END $$;",
            lines(),
            name.replace('%', "%%")
        );
    }
    sandbox.migration(&id, &up, &format!("DROP TABLE {table};\n"));
    sandbox.write(
        &format!("migrations/{id}/migration.toml"),
        "ticket = \"\\u001b[2J\\u202e\"\nrationale = \"\\u001b[2J\\n::error::x\"\n",
    );
    id
}

#[test]
fn hostile_names_and_scripts_act_on_nothing() {
    each_engine(|sandbox| {
        let (name, id) = (hostile(), project(sandbox));
        let unusable = format!("0_{name}");
        sandbox.migration(&unusable, "SELECT 1;\n", "SELECT 1;\n");
        for args in [&["check"][..], &["status"], &["verify"], &["up"], &["graph", "--offline"]] {
            both(sandbox, args);
        }
        sandbox.remove(&format!("migrations/{unusable}"));
        both(sandbox, &["check"]);
        both(sandbox, &["seal"]);
        both(sandbox, &["status"]);
        both(sandbox, &["plan"]);
        both(sandbox, &["verify", "--fresh"]);
        run(sandbox, &["up", "--dry-run"]);
        run(sandbox, &["up", "--reason", &lines()]).ok();
        sandbox.sql(&format!("INSERT INTO {0} (id) VALUES (1)", quoted(sandbox, &name)));
        for args in [
            &["status"][..],
            &["log"],
            &["log", "--verify"],
            &["plan", "down", "--all"],
            &["down", "--all", "--dry-run"],
            &["down", "--all", "--yes"],
            &["drift"],
            &["diff", "migrations", "ledger:nobody"],
            &["release", &name, "--artifact", &name, "--config", &format!("{name}={name}")],
            &["release"],
            &["lock"],
            &["up", "--to", &name],
            &["up", "--to-release", &name],
            &["up", "--to-time", &name],
            &["up", "--to-git", &name],
            &["waive", &name, "--reason", &name],
            &["adopt", "--baseline", &name],
            &["mark", "reverted", &id, "--reason", &name, "--yes"],
            &["shadow", "sweep"],
            &["apply", &name],
            &["new", &name],
            &["draft", &id, "--print"],
            &[&name],
            &["verify", "--format", &name],
            &["status", "postgres://u:s3cretpassword@h/d"],
            &["status", "--nothing=postgres://u:s3cretpassword@h/d"],
            &["verify", "--format=postgres://u:s3cretpassword@h/d"],
        ] {
            if args[0] == "draft" {
                // What is printed is the script, exactly; what is said of it is ours.
                let output = sandbox.run_with(args, &[("CLICOLOR_FORCE", "1")]);
                harmless("what draft says", &output.stderr);
                continue;
            }
            both(sandbox, args);
        }
        for format in ["text", "dot", "mermaid", "svg"] {
            run(sandbox, &["graph", "--format", format]).ok();
        }
        let plan =
            ["plan", "down", "--all", "-o", "p.json", "--html", "p.html", "--runbook", "p.md", "--reason", &lines()];
        run(sandbox, &plan).ok();
        ["p.json", "p.html", "p.md"].iter().for_each(|path| file(sandbox, path));
        let page = sandbox.read("p.html");
        assert!(!page.contains("<b>&::"), "{page}");
        for args in
            [&["plan", "show", "p.json"][..], &["plan", "show", "p.json", "--sql"], &["apply", "p.json", "--dry-run"]]
        {
            both(sandbox, args);
        }
        run(sandbox, &["apply", "p.json", "--yes", "--accept-loss"]).ok();
        both(sandbox, &["log"]);
    });
}

#[test]
fn hostile_findings_act_on_no_report() {
    each_engine(|sandbox| {
        let (name, id) = (hostile(), project(sandbox));
        // A down that leaves what is called so, and one that the server refuses with the name in its words.
        let table = quoted(sandbox, &name);
        sandbox.migration(
            &id,
            &format!("CREATE TABLE {table} (id integer);\nCREATE TABLE other (id integer);\n"),
            "DROP TABLE other;\n",
        );
        sandbox.migration(
            "2_h\u{202e}\u{2066}<b>&::error::|`y",
            &format!("CREATE TABLE more (id integer);\n-- {name}\nALTER TABLE {table} ADD COLUMN {table} integer;\n"),
            &format!("DROP TABLE more;\nDROP TABLE {};\n", quoted(sandbox, &format!("no {name}"))),
        );
        for command in ["check", "verify"] {
            for format in ["human", "json", "junit", "sarif", "github", "markdown"] {
                let report = format!("{format}=r.{format}");
                run(sandbox, &[command, "--format", format, "--report", &report]);
                file(sandbox, &format!("r.{format}"));
            }
            roxmltree::Document::parse(&sandbox.read("r.junit")).expect("XML");
            let annotations = sandbox.read("r.github");
            assert!(annotations.lines().all(|line| line.starts_with("::") && line.contains("title=")), "{annotations}");
        }
        run(sandbox, &["seal"]).ok();
        run(sandbox, &["verify"]).exits(1);
        run(sandbox, &["waive", "--existing", "--reason", &lines()]).ok();
        file(sandbox, "migrations/registry.toml");
        both(sandbox, &["verify"]);
        both(sandbox, &["up"]);
        both(sandbox, &["status"]);
        both(sandbox, &["log"]);
    });
}

#[test]
fn hostile_rows_of_ours_act_on_nothing() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        run(sandbox, &["release", "v1"]).ok();
        let (ledger, lease) = (sandbox.ledger(), sandbox.ledger().replace("ledger", "lease"));
        let triggers = match sandbox.kind {
            Kind::Sqlite => "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'",
            Kind::Postgres => {
                "SELECT 'DROP TRIGGER ' || tgname || ' ON ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
            }
            Kind::Mysql => {
                "SELECT CONCAT('DROP TRIGGER ', trigger_name) FROM information_schema.triggers WHERE trigger_schema = database()"
            }
        };
        sandbox.sql(triggers).into_iter().flatten().flatten().for_each(|sql| drop(sandbox.sql(&sql)));
        let literal = |text: &str| match sandbox.kind {
            Kind::Mysql => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
            _ => format!("'{}'", text.replace('\'', "''")),
        };
        let (one, many) = (literal(&hostile()), literal(&lines()));
        let looks: [&[&str]; 9] = [
            &["status"],
            &["log"],
            &["log", "--verify"],
            &["lock"],
            &["plan", "down", "--all"],
            &["release"],
            &["down", "--all", "--dry-run"],
            &["drift"],
            &["graph"],
        ];
        sandbox.sql(&format!("UPDATE {lease} SET run = {one}, actor = {many}, host = {one}, pid = '1', what = {many}"));
        looks.iter().for_each(|args| drop(both(sandbox, args)));
        for column in [
            "actor",
            "db_user",
            "git_author",
            "git_commit",
            "ci",
            "host",
            "tool",
            "reason",
            "ticket",
            "detail",
            "approvals",
        ] {
            sandbox.sql(&format!("UPDATE {ledger} SET {column} = {many}"));
        }
        looks.iter().for_each(|args| drop(both(sandbox, args)));
        let json = literal(
            "{\"by\":\"waiver\",\"verdict\":\"broken\",\"reason\":\"\\u001b[2J\\u202e\\r\\n::error::x\",\"who\":\"\\u009b5m\",\"down_drops\":[\"table \\u001b[2J\\u202e\"],\"requires\":[\"\\u001b[2J\"]}",
        );
        sandbox.sql(&format!("UPDATE {ledger} SET migration = {one}, proof = {json} WHERE seq = 1"));
        looks.iter().for_each(|args| drop(both(sandbox, args)));
        both(sandbox, &["up", "--lock-wait", "0"]);
        both(sandbox, &["lock", "--break", "--yes", "--reason", &lines()]);
    });
}

#[test]
fn hostile_settings_act_on_nothing() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1);
    let h = "h\\u001b[2J\\u009b5m\\u202e\\u2028\\r\\n::error::x";
    for text in [
        format!("\"{h}\" = 1\n"),
        format!("layout = \"{h}\"\n"),
        format!("migrations = \"{h}\"\n"),
        format!("seed = \"{h}\"\n"),
        format!("database = \"{h}\"\n"),
        format!("shadow = \"{h}\"\n"),
        format!("[databases.\"{h}\"]\nurl = \"sqlite:a.db\"\n"),
        format!("[databases.\"{h}\"]\nurl = \"nothing\"\n"),
        format!("[databases.a]\nurl = \"{h}\"\n"),
        format!("[databases.a]\nurl = \"postgres://{h}@{h}/{h}?{h}\"\n"),
        format!("[databases.a]\nurl = \"sqlite:{h}.db\"\n"),
        format!("[databases.a]\nurl_env = \"{h}\"\n"),
        format!("[databases.a]\nurl = \"postgres://u@127.0.0.1:1/d\"\nschema = \"{h}\"\n"),
        format!("[databases.a]\nurl = \"postgres://u@h/d\"\npassword_file = \"{h}\"\n"),
        format!("[session]\n\"{h}\" = \"SELECT 1\"\n"),
        format!("[session]\nsqlite = \"{h}\"\n"),
        format!("[drift]\nignore = [\"{h}\"]\n"),
        format!("[mask]\n\"{h}\" = \"{h}\"\n"),
        "x = 1 # \u{1b}[2J\u{202e}\n".to_owned(),
        "lock_wait = 'a\u{202e}\u{9b}'\n".to_owned(),
    ] {
        sandbox.write("switchback.toml", &text);
        for args in [&["status"][..], &["status", "-d", "a"], &["check"], &["verify"], &["drift"]] {
            both(&sandbox, args);
        }
    }
    sandbox.remove("switchback.toml");
    for url in [
        "sqlite:\u{1b}[2J\u{202e}.db",
        "postgres://u\u{1b}[2J@127.0.0.1:1/d\u{202e}",
        "\u{1b}[2J\u{202e}://x",
        "mysql://u@h/d?\u{9b}5m=\u{202e}",
    ] {
        both(&sandbox, &["status", "-d", url]);
        both(&sandbox, &["verify", "--shadow", url]);
    }
    sandbox.write("migrations/registry.toml", "format = 1\n\"\\u001b[2J\" = 1 # \u{202e}\n");
    both(&sandbox, &["check"]);
    sandbox.write(
        "migrations/registry.toml",
        "format = 1\nmigrations = [\n  { id = \"\u{202e}\\u001b[2J\", engine = \"\u{9b}\", nothing = 1 },\n]\n",
    );
    both(&sandbox, &["check"]);
}

#[test]
fn names_from_settings_are_quoted_or_refused() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.tables(1);
    let long = "n".repeat(64);
    let names = [
        ("tools", true),
        ("To ols", true),
        ("a;DROP TABLE x", true),
        ("a.b", true),
        ("--", true),
        ("Ünï", true),
        ("", false),
        ("a\\\"b", false),
        ("a'b", false),
        ("a`b", false),
        ("a\\\\b", false),
        ("a\\nb", false),
        ("a\\u0000b", false),
        ("\\u001b[2J", false),
        ("\\u202eb", false),
        ("x{ledger}", false),
        ("$switchback$", false),
        (long.as_str(), false),
    ];
    for (name, is_fine) in names {
        sandbox
            .write("switchback.toml", format!("[databases.main]\nurl_env = \"DATABASE_URL\"\nschema = \"{name}\"\n"));
        if is_fine {
            run(&sandbox, &["up", "-d", "main"]).ok();
            run(&sandbox, &["status", "-d", "main"]).ok();
            run(&sandbox, &["log", "--verify", "-d", "main"]).ok();
            let schemas = sandbox.sql(&format!("SELECT 1 FROM pg_namespace WHERE nspname = '{name}'"));
            assert_eq!(schemas.len(), 1, "{name}");
            run(&sandbox, &["down", "--all", "--yes", "-d", "main"]).ok();
        } else {
            run(&sandbox, &["up", "-d", "main"]).exits(2).says("schema").says("[databases.main]");
        }
    }
    assert!(Path::new(&sandbox.root()).is_dir() && !sandbox.all_tables().iter().any(|table| table == "t1"));
}
