//! The house rules as tests, so that review can be about ideas.
//!
//! They read the sources as text: comments and literals are blanked out, and what is left is looked at word by word. Each
//! rule is a function from a source to its offences, so that it can be shown an offending source here as well. A rule's
//! exceptions stand in one list with their reasons, and an exception that nobody needs any more is an offence too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use source::{Found, Source, root, sources};

#[path = "tidy/source.rs"]
mod source;

/// The floors, from the ground up; a module uses only what stands before it. Modules in one string are a knot: they know
/// each other, and are one thing in several files.
const FLOORS: &[(&str, &[&str])] = &[
    (
        "values",
        &[
            "sha",
            "id finding fault", // an id that is not found is a fault, a fault carries findings, a finding names an id
            "target",
            "body lexer split sql token", // a script, and how it is taken apart
            "reading",
            "class",
            "reach",
            "touch",
            "rows",
            "blind",
            "predicate",
            "limits",
            "typed",
            "values",
            "inserts",
            "mask",
            "real",
            "data",
            "migration",
            "snapshot",
            "conditional",
            "moves",
            "mend",
            "draft",
            "graph",
            "checkpoint",
            "ledger",
            "lines proof registry", // a proof holds where the registry has it; the registry is made of lines, and those of proofs
            "observed",
            "goal",
            "picture",
            "plan",
            "saved",
            "price",
        ],
    ),
    ("families", &["check", "layout", "history"]),
    (
        "the outside world",
        &[
            "event",
            "context",
            "actor",
            "revision",
            "config",
            "engine",
            "points",
            "heartbeat",
            "store",
            "lock",
            "locked",
            "database",
            "shadow",
            "project",
        ],
    ),
    (
        "acts",
        &[
            "cost",
            "judge",
            "fill",
            "sample",
            "pour",
            "withhold",
            "chain",
            "prove",
            "ahead",
            "drafting",
            "rehearse",
            "pricing",
            "drift",
            "apart",
            "verify",
            "planning",
            "amendments",
            "targets",
            "tampering",
            "step",
            "journalled",
            "break_lock",
            "apply",
            "recover",
            "back_out",
            "adopt",
            "mark",
            "handover",
            "consistency",
        ],
    ),
    ("words", &["report"]),
    ("hands", &["cli"]),
];

/// The families, and what their members share beside `mod.rs`.
const FAMILIES: &[(&str, &[&str])] = &[
    ("check", &[]),
    ("layout", &["names", "pairs", "sections", "seeds", "tree"]),
    ("history", &["checksums", "matching"]),
    ("draft", &["objects"]),
    ("engine", &["dialect", "lock"]),
    ("report", &["escape", "graph"]),
    (
        "cli",
        &[
            "ask", "draft", "drift", "execute", "exit", "formats", "half", "handover", "heap", "pages", "picture",
            "rows", "ui",
        ],
    ),
];

/// What only the hands may do: speak, read the environment and the clock, end the process.
const HANDS_ONLY: &[&str] = &[
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "env::var",
    "env::var_os",
    "env::vars",
    "env::vars_os",
    "env::set_var",
    "env::args",
    "env::args_os",
    "env::current_dir",
    "env::home_dir",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "process::exit",
    "process::abort",
    "process::id",
];

const HANDS_ONLY_EXCEPTIONS: &[Exception] = &[
    ("src/actor.rs", "process::id", "who runs this is what the module is asked"),
    ("src/project.rs", "process::id", "the name of a file that stands beside another for a moment"),
    ("src/engine/sqlite.rs", "process::id", "a file has no server: our process is its session's id"),
    ("src/engine/sqlite/shadow.rs", "process::id", "a shadow carries its owner, so that a dead one's is swept"),
    ("src/engine/mysql/shadow.rs", "process::id", "a shadow carries its owner, so that a dead one's is swept"),
    ("src/engine/postgres/shadow.rs", "process::id", "a shadow carries its owner, so that a dead one's is swept"),
    (
        "src/engine/postgres/server.rs",
        "process::id",
        "a server of ours carries its owner, so that a dead one's is swept",
    ),
    ("src/engine/postgres/server.rs", "env::var_os", "where binaries are installed, and where a cache belongs"),
    ("src/engine/postgres/server.rs", "env::home_dir", "where a cache belongs"),
    ("src/engine/postgres/server.rs", "env::vars_os", "a server of ours inherits none of the PG variables"),
    ("src/engine/postgres/connect.rs", "env::var", "what PostgreSQL's own client reads, a session of ours reads"),
    ("src/engine/postgres/connect.rs", "env::var_os", "what PostgreSQL's own client reads, a session of ours reads"),
    ("src/engine/postgres/pgpass.rs", "env::var_os", "where PostgreSQL's own client looks for passwords"),
    ("src/engine/postgres/pgpass.rs", "env::home_dir", "where PostgreSQL's own client looks for passwords"),
];

/// SQL that is put together in code, by its first word. Names in it are quoted by `Flavor::ident`, or are ours.
const SQL_EXCEPTIONS: &[Exception] = &[
    ("src/draft/mysql.rs", "ALTER", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql.rs", "DROP", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql.rs", "RENAME", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/alter.rs", "ALTER", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/alter.rs", "DROP", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/alter.rs", "RENAME", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/alter.rs", "SET", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/columns.rs", "ALTER", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/columns.rs", "DROP", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/stored.rs", "ALTER", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/stored.rs", "CREATE", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/stored.rs", "DROP", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/stored.rs", "SET", "is a script for a person to read, tried in a shadow"),
    ("src/draft/mysql/values.rs", "UPDATE", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres.rs", "ALTER", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres.rs", "DROP", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres.rs", "CREATE", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres.rs", "UPDATE", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres.rs", "WITH", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres.rs", "SELECT", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres.rs", "SET", "is a script for a person to read, tried in a shadow"),
    ("src/draft/postgres/names.rs", "ALTER", "is a script for a person to read, tried in a shadow"),
    ("src/draft/sqlite.rs", "ALTER", "is a script for a person to read, tried in a shadow"),
    ("src/draft/sqlite.rs", "DROP", "is a script for a person to read, tried in a shadow"),
    ("src/draft/sqlite.rs", "INSERT", "is a script for a person to read, tried in a shadow"),
    ("src/locked.rs", "SAVEPOINT", "a random name, made by us"),
    ("src/locked.rs", "RELEASE", "a random name, made by us"),
    ("src/database.rs", "SELECT", "counts rows of the user's tables, which no file can name"),
    ("src/engine/postgres/fingerprint.rs", "SELECT", "reads all columns of a table, which no file can name"),
    ("src/engine/postgres/shadow.rs", "ALTER", "is shown as help, and never run"),
    ("src/engine/sqlite.rs", "SELECT", "reads all columns of a table, which no file can name"),
    ("src/fill.rs", "SAVEPOINT", "a fixed name, around rows in a shadow"),
    ("src/fill.rs", "ROLLBACK", "a fixed name, around rows in a shadow"),
    ("src/fill.rs", "SELECT", "asks whether a table of the shadow has rows"),
    ("src/fill.rs", "DELETE", "takes rows of ours out of tables of the shadow"),
    ("src/fill.rs", "TRUNCATE", "takes rows of ours out of tables of the shadow"),
    ("src/inserts.rs", "INSERT", "rows for the user's tables in a shadow"),
    ("src/inserts.rs", "SELECT", "looks the last key up, in a shadow"),
    ("src/inserts.rs", "UPDATE", "sets the keys of rows in a shadow"),
    ("src/real.rs", "SELECT", "reads rows of the user's tables, which no file can name"),
    ("src/real.rs", "INSERT", "puts them into a shadow"),
    ("src/real.rs", "WITH", "puts them into a shadow, those of tables that refer to each other at once"),
    ("src/mend.rs", "ALTER", "is shown as help, and never run"),
    ("src/mend.rs", "DROP", "is shown as help, and never run"),
    ("src/mend.rs", "SET", "is shown as help, and never run"),
];

const SQL_VERBS: &[&str] = &[
    "ALTER",
    "ATTACH",
    "BEGIN",
    "CALL",
    "COMMIT",
    "CREATE",
    "DELETE",
    "DROP",
    "EXPLAIN",
    "FLUSH",
    "GRANT",
    "INSERT",
    "KILL",
    "LOCK",
    "PRAGMA",
    "RELEASE",
    "RENAME",
    "REPLACE",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "START",
    "TRUNCATE",
    "UPDATE",
    "VACUUM",
    "WITH",
];

const LAWLESS_SQLX: &[Exception] = &[
    ("src/layout/mod.rs", "sqlx", "its own member, the layout of that name"),
    ("src/history/mod.rs", "sqlx", "its own member, the history of that name"),
];

/// The invariants (docs/architecture.md) that have a test with their number in its name, as in `i3_…`.
const TESTED_INVARIANTS: &[&str] = &["i1", "i5", "i6", "i7", "i8", "i10"];

/// Licences of dependencies that ask no more than ours do.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const MOST_LINES_OF_A_FILE: usize = 600;
const MOST_LINES_OF_A_FUNCTION: usize = 70;

/// A file, a word in it, and why it may stand there.
type Exception = (&'static str, &'static str, &'static str);

#[test]
fn modules_use_only_what_stands_below_them() {
    let offences = sources("src").iter().flat_map(upward).collect();
    hold(offences, "move the code down, or hand it in from above; FLOORS in tests/tidy.rs is the map");
}

#[test]
fn a_broken_floor_is_seen() {
    let broken = Source::new("src/sql.rs", "//! x\nuse crate::{id::Id, engine::{self, Session}};\n");
    assert_eq!(
        upward(&broken),
        ["src/sql.rs:2: `sql` (values) uses `engine` (the outside world), which stands higher"]
    );
    let sideways = Source::new("src/chain.rs", "//! x\nfn f() { crate::verify::verify() }\nuse crate::judge::judge;\n");
    assert_eq!(upward(&sideways), ["src/chain.rs:2: `chain` (acts) uses `verify` (acts), which stands higher"]);
    let by_super = Source::new("src/report/json.rs", "//! x\nuse super::super::cli::ui;\n");
    assert_eq!(upward(&by_super).len(), 1);
    let unknown = Source::new("src/plan.rs", "//! x\nuse crate::thing::Thing;\n");
    assert_eq!(upward(&unknown), ["src/plan.rs:2: `thing` stands on no floor"]);
    let fine = Source::new(
        "src/plan.rs",
        "//! use crate::cli;\nuse crate::id::Id; // crate::cli\nconst A: &str = \"crate::cli\";\n",
    );
    assert_eq!(upward(&fine), [""; 0]);
}

#[test]
fn lib_rs_shows_the_same_floors() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut shown: Vec<BTreeSet<&str>> = Vec::new();
    for line in lib.lines() {
        if line.starts_with("// ") && shown.last().is_none_or(|floor| !floor.is_empty()) {
            shown.push(BTreeSet::new());
        }
        let module = line.trim_start_matches("pub ").strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'));
        if let Some(module) = module {
            shown.last_mut().expect("a module stands under a heading").insert(module);
        }
    }
    let meant: Vec<BTreeSet<&str>> =
        FLOORS.iter().map(|(_, slots)| slots.iter().flat_map(|slot| slot.split(' ')).collect()).collect();
    assert_eq!(shown, meant, "the groups of `mod` lines in src/lib.rs and FLOORS in tests/tidy.rs tell the same map");
}

#[test]
fn members_of_a_family_never_meet() {
    let all = sources("src");
    let modules: BTreeSet<Vec<String>> = all.iter().map(|source| source.module.clone()).collect();
    let offences = all.iter().flat_map(|source| meetings(source, &modules)).collect();
    hold(offences, "put what both need into the family's mod.rs, or into a helper that FAMILIES names");
}

#[test]
fn a_meeting_of_siblings_is_seen() {
    let modules = [["layout", "goose"], ["layout", "dbmate"], ["layout", "names"]];
    let modules = modules.iter().map(|module| module.map(str::to_owned).to_vec()).collect();
    let source = "//! x\nuse super::{File, names};\nuse super::dbmate::Dbmate;\nuse crate::layout::dbmate;\n";
    let meetings = meetings(&Source::new("src/layout/goose.rs", source), &modules);
    assert_eq!(meetings, ["src/layout/goose.rs:3: meets `dbmate`", "src/layout/goose.rs:4: meets `dbmate`"]);
}

#[test]
fn only_engines_know_the_driver() {
    let uses = |source: &Source| {
        let drivers = ["sqlx", "libsqlite3_sys"].into_iter();
        drivers.flat_map(|word| source.find(&source.code, word)).filter(|found| found.is_path_head(source)).collect()
    };
    let others = sources("src").into_iter().filter(|source| source.top() != "engine").collect::<Vec<_>>();
    hold(excepting(&others, LAWLESS_SQLX, uses), "talk to databases through `engine::Session`");
}

#[test]
fn only_the_hands_speak_and_look_around() {
    let below = sources("src").into_iter().filter(|source| !matches!(source.top(), "cli" | "")).collect::<Vec<_>>();
    let uses = |source: &Source| HANDS_ONLY.iter().flat_map(|word| source.find(&source.live, word)).collect();
    let advice = "tell an `Event`, take the time from `Context`, or have the value handed in by cli/";
    hold(excepting(&below, HANDS_ONLY_EXCEPTIONS, uses), advice);
}

#[test]
fn sql_is_not_put_together_in_code() {
    let all = sources("src");
    hold(excepting(&all, SQL_EXCEPTIONS, formatted_sql), "put it into a .sql file, and bind its values");
}

#[test]
fn sql_in_a_format_is_seen() {
    let source = "//! x\nfn f() { format!(\"two\"); g(&format!(\n    \"\\n DROP TABLE {name}\"\n)); write!(s, r#\"SET x = {y}\"#) }\n";
    let found: Vec<(usize, String)> =
        formatted_sql(&Source::new("src/x.rs", source)).into_iter().map(|found| (found.line, found.word)).collect();
    assert_eq!(found, [(3, "DROP".to_owned()), (4, "SET".to_owned())]);
}

#[test]
fn files_fit_a_sitting_and_functions_fit_a_screen() {
    let mut offences = Vec::new();
    for source in sources("src") {
        let lines = source.raw.lines().count();
        if lines >= MOST_LINES_OF_A_FILE {
            offences.push(format!("{}: {lines} lines", source.path));
        }
        for function in source.functions().filter(|function| function.lines > MOST_LINES_OF_A_FUNCTION) {
            offences
                .push(format!("{}:{}: `{}` has {} lines", source.path, function.line, function.name, function.lines));
        }
    }
    hold(offences, "cut at a seam that has a name");
}

#[test]
fn public_functions_take_no_bool() {
    let mut offences = Vec::new();
    for source in sources("src") {
        for function in source.functions().filter(|function| function.takes_bool && function.is_public) {
            offences.push(format!("{}:{}: `{}` takes a bool", source.path, function.line, function.name));
        }
    }
    hold(offences, "give the two cases names: an enum");
}

#[test]
fn functions_are_measured() {
    let source = "//! x\npub fn long<'a>(c: char, f: &dyn Fn(bool)) -> bool\nwhere\n    u8: Copy,\n{\n    c == '{'\n}\npub async fn b(a: bool);\n";
    let source = Source::new("src/x.rs", source);
    let functions: Vec<_> =
        source.functions().map(|one| (one.name, one.lines, one.is_public, one.takes_bool)).collect();
    assert_eq!(functions, [("long".to_owned(), 6, true, false), ("b".to_owned(), 1, true, true)]);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["todo!", "unimplemented!", "dbg!", "#[ignore"];
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut offences = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        let marks = marks.iter().flat_map(|mark| source.find(&source.code, mark));
        let words = words.iter().flat_map(|word| source.find(&source.raw, word));
        offences.extend(marks.chain(words).map(|found| found.told(source)));
    }
    hold(offences, "do it now, or open an issue");
}

#[test]
fn lints_are_not_silenced_without_a_reason() {
    let mut offences = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        for word in ["#[allow", "#![allow", "#[expect", "#![expect"] {
            let unreasoned = |found: &Found| {
                let attribute = source.code[found.at..].split(']').next().unwrap_or_default();
                !attribute.contains("reason")
            };
            offences
                .extend(source.find(&source.code, word).into_iter().filter(unreasoned).map(|found| found.told(source)));
        }
    }
    hold(offences, "mend the code, or say `reason = \"…\"`");
}

#[test]
fn every_file_says_why_it_is_there() {
    let all = [sources("src"), sources("tests")].concat();
    let silent = all.iter().filter(|source| !source.raw.starts_with("//! ")).map(|source| source.path.clone());
    hold(silent.collect(), "open the file with `//!`");
}

#[test]
fn invariants_have_their_tests() {
    let mut tested = BTreeSet::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        tested.extend(source.functions().filter_map(|function| invariant(&function.name)));
    }
    let missing = TESTED_INVARIANTS.iter().filter(|number| !tested.contains(**number));
    hold(missing.map(|number| format!("no test is called {number}_…")).collect(), "bring the test back");
    let strange = tested.iter().filter(|number| !(1..=12).contains(&number[1..].parse().unwrap_or(0)));
    hold(strange.map(|number| format!("there is no invariant {number}")).collect(), "see docs/architecture.md");
}

/// `i3` of `i3_a_rollback_needs_no_checkout`.
fn invariant(name: &str) -> Option<String> {
    let (head, _) = name.split_once('_')?;
    let digits = head.strip_prefix('i')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| head.to_owned())
}

#[test]
fn licences_of_dependencies_ask_no_more_than_ours() {
    let said = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let used: BTreeSet<&str> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().filter_map(|node| node["id"].as_str()).collect();
    assert!(used.len() > 50, "the dependencies were not read");
    let mut offences = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("none");
        if used.contains(package["id"].as_str().unwrap_or_default()) && !is_free(licence) {
            offences.push(format!("{} {}: {licence}", package["name"], package["version"]));
        }
    }
    hold(offences, "use another crate, or add the licence to LICENCES if it asks no more than MIT or Apache-2.0 do");
    assert!(is_free("(MIT OR GPL-3.0-only) AND ISC") && !is_free("MIT AND GPL-3.0-only") && !is_free("none"));
}

/// Whether every clause of a licence expression has an alternative that is free enough. Reads nested ones too strictly, never
/// too kindly.
fn is_free(expression: &str) -> bool {
    let free = |one: &str| LICENCES.contains(&one.trim_matches(|c: char| "() ".contains(c)));
    expression.replace('/', " OR ").split(" AND ").all(|clause| clause.split(" OR ").any(free))
}

/// Fails with what offends, and what to do about it.
fn hold(offences: Vec<String>, advice: &str) {
    assert!(offences.is_empty(), "\n  {}\n→ {advice}\n", offences.join("\n  "));
}

/// What the rule finds and no exception covers, and the exceptions that cover nothing.
fn excepting(sources: &[Source], exceptions: &[Exception], rule: impl Fn(&Source) -> Vec<Found>) -> Vec<String> {
    let mut unused: BTreeSet<&Exception> = exceptions.iter().collect();
    let mut offences = Vec::new();
    for source in sources {
        for found in rule(source) {
            let covers = |(path, word, _): &&Exception| *path == source.path && *word == found.word;
            match exceptions.iter().find(covers) {
                Some(exception) => drop(unused.remove(exception)),
                None => offences.push(found.told(source)),
            }
        }
    }
    offences.extend(
        unused.iter().map(|(path, word, _)| format!("{path}: the exception for `{word}` is not needed any more")),
    );
    offences
}

/// Uses of modules that stand on the same floor further up, on a higher one, or nowhere.
fn upward(source: &Source) -> Vec<String> {
    let ranks: BTreeMap<&str, (usize, usize)> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, (_, slots))| slots.iter().enumerate().map(move |(slot, modules)| ((floor, slot), modules)))
        .flat_map(|(rank, modules)| modules.split(' ').map(move |module| (module, rank)))
        .collect();
    let name = |rank: (usize, usize)| FLOORS[rank.0].0;
    let Some(own) = ranks.get(source.top()) else {
        let on_top = matches!(source.path.as_str(), "src/main.rs" | "src/lib.rs");
        return if on_top {
            Vec::new()
        } else {
            vec![format!("{}:1: `{}` stands on no floor", source.path, source.top())]
        };
    };
    let mut offences = Vec::new();
    for (line, path) in source.paths() {
        let Some(used) = path.first() else { continue };
        let place = format!("{}:{line}", source.path);
        match ranks.get(used.as_str()) {
            Some(rank) if rank > own => {
                let (top, here, there) = (source.top(), name(*own), name(*rank));
                offences.push(format!("{place}: `{top}` ({here}) uses `{used}` ({there}), which stands higher"));
            }
            Some(_) => {}
            None => offences.push(format!("{place}: `{used}` stands on no floor")),
        }
    }
    offences.dedup();
    offences
}

/// Uses of another member of the same family.
fn meetings(source: &Source, modules: &BTreeSet<Vec<String>>) -> Vec<String> {
    let [family, member, ..] = source.module.as_slice() else { return Vec::new() };
    let Some((_, helpers)) = FAMILIES.iter().find(|(name, _)| name == family) else { return Vec::new() };
    let mut offences = Vec::new();
    for (line, path) in source.paths() {
        let [there, other, ..] = path.as_slice() else { continue };
        let is_module = modules.contains(&vec![there.clone(), other.clone()]);
        if there == family && other != member && is_module && !helpers.contains(&other.as_str()) {
            offences.push(format!("{}:{line}: meets `{other}`", source.path));
        }
    }
    offences
}

/// Literals of `format!` and its kind that begin with a verb of SQL.
fn formatted_sql(source: &Source) -> Vec<Found> {
    let mut found = Vec::new();
    for of in ["format!", "write!", "writeln!"].iter().flat_map(|word| source.find(&source.live, word)) {
        let Some(quote) = source.live[of.at..].find('"').map(|at| of.at + at) else { continue };
        let literal = source.raw[quote + 1..].trim_start_matches(|c: char| c.is_whitespace() || c == '\\' || c == 'n');
        let word: String = literal.chars().take_while(char::is_ascii_uppercase).collect();
        if SQL_VERBS.contains(&word.as_str()) {
            found.push(Found { at: quote, line: source.line(quote), word });
        }
    }
    found.sort_by_key(|found| found.at);
    found
}
