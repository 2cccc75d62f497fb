//! What is fuzzed: a function of bytes per reader of files that others write, with what must hold for every input.
//!
//! The fuzzers in `fuzz_targets/` run these until they are stopped; `tests/fuzzing.rs` runs them over the corpus, and over what
//! chance makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use chrono::NaiveDate;
use switchback::checkpoint::Checkpoint;
use switchback::class;
use switchback::conditional::Conditional;
use switchback::config::Config;
use switchback::draft::Written;
use switchback::finding::{Finding, Place, Severity};
use switchback::history::HISTORIES;
use switchback::id::Id;
use switchback::inserts::{Making, Mildness, inserts, rows_for};
use switchback::layout::{self, Bytes, Kind, LAYOUTS, Listed, Shelf, Tree};
use switchback::ledger::{COLUMNS, Chain, Entry, Head, History, Release, Taken};
use switchback::migration::{Down, Migration, Settings};
use switchback::moves;
use switchback::picture::Picture;
use switchback::plan::Warrant;
use switchback::proof::Verdict;
use switchback::registry::Registry;
use switchback::report::pages::{PAGES, Sheet};
use switchback::report::{Case, FORMATS, Report, clean, human};
use switchback::rows::{Column, FAMILIES, Table};
use switchback::saved::Saved;
use switchback::sha::Sha;
use switchback::snapshot::{Change, Fate, Weight};
use switchback::sql::{Blocks, Flavor, Position, Script};
use switchback::target::Target;
use switchback::token::{TokenKind, tokens};
use switchback::touch::Touch;
use switchback::verify::Judged;
use switchback::{blind, report};

/// Something that reads what others write.
pub struct Fuzzed {
    pub name: &'static str,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
    /// The file in `dictionaries/`, without its ending.
    #[allow(dead_code, reason = "libFuzzer is given the file by fuzz/run")]
    pub dictionary: &'static str,
}

/// All of them; each has a file of its name in `fuzz_targets/`, and a folder in `corpus/`.
#[allow(dead_code, reason = "a fuzzer runs one of them")]
pub const ALL: &[Fuzzed] = &[
    Fuzzed { name: "scripts_postgres", run: |bytes| scripts(Flavor::Postgres, bytes), dictionary: "postgres" },
    Fuzzed { name: "scripts_mysql", run: |bytes| scripts(Flavor::Mysql, bytes), dictionary: "mysql" },
    Fuzzed { name: "scripts_sqlite", run: |bytes| scripts(Flavor::Sqlite, bytes), dictionary: "sqlite" },
    Fuzzed { name: "registry", run: registry, dictionary: "registry" },
    Fuzzed { name: "plan", run: plan, dictionary: "plan" },
    Fuzzed { name: "configuration", run: configuration, dictionary: "configuration" },
    Fuzzed { name: "layouts", run: layouts, dictionary: "layouts" },
    Fuzzed { name: "ledger", run: ledger, dictionary: "ledger" },
    Fuzzed { name: "histories", run: histories, dictionary: "layouts" },
    Fuzzed { name: "tables", run: tables, dictionary: "tables" },
    Fuzzed { name: "urls", run: urls, dictionary: "urls" },
    Fuzzed { name: "reports", run: reports, dictionary: "reports" },
];

const GOOSE: Blocks = Blocks { begin: "+goose StatementBegin", end: "+goose StatementEnd" };

/// Runs the fuzzed of a name; the fuzzers do.
#[allow(dead_code, reason = "tests go through the list")]
pub fn run(name: &str, bytes: &[u8]) {
    let found = ALL.iter().find(|fuzzed| fuzzed.name == name);
    (found.unwrap_or_else(|| panic!("nothing is called {name}")).run)(bytes);
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A script, taken apart and read by all that reads scripts.
fn scripts(flavor: Flavor, bytes: &[u8]) {
    let whole = Script::parse("m/up.sql", 1, bytes, flavor);
    lossless(&whole);
    let blocks = Script::with_blocks("m/up.sql", 3, bytes, flavor, GOOSE);
    lossless(&blocks);
    let Some(text) = text(bytes) else {
        assert!(whole.problem().is_some(), "what is no UTF-8 is told");
        return;
    };
    let lexed: String = tokens(text, flavor).map(|token| token.text(text).to_owned()).collect();
    assert_eq!(lexed, text, "tokens lose nothing");
    for script in [&whole, &blocks] {
        placed(script, text);
        statements(script);
    }
    if whole.problem().is_none() && flavor != Flavor::Mysql && !text.contains("\\.") {
        let joined: Vec<&str> = whole.statements().iter().map(|statement| whole.sql(statement)).collect();
        // Not line 1: what looks like a byte order mark is a name there.
        let again = Script::parse("m/up.sql", 2, joined.join(";\n").as_bytes(), flavor);
        assert_eq!(whole.checksum().tokens, again.checksum().tokens, "the statements alone are the same script");
    }
    read_as_migration(&whole, &blocks);
    quoted(flavor, text);
    // What takes time that grows faster than the text shows in a long one: the fuzzer has a time limit.
    if bytes.len().is_multiple_of(64) && !bytes.is_empty() {
        let long = bytes.repeat((64 << 10) / bytes.len().min(64 << 10));
        let script = Script::parse("m/up.sql", 1, &long, flavor);
        lossless(&script);
        statements(&script);
    }
}

/// Every byte of the text lies in exactly one statement, its rows, or what stands between.
fn lossless(script: &Script) {
    let taken = script.statements().iter().flat_map(|one| [Some(one.span.clone()), one.copy.clone()]).flatten();
    let mut ranges: Vec<_> = taken.chain(script.trivia()).filter(|range| !range.is_empty()).collect();
    ranges.sort_by_key(|range| range.start);
    let mut at = 0;
    for range in ranges {
        assert_eq!(range.start, at, "a byte is in no piece, or in two");
        at = range.end;
    }
    assert_eq!(at, script.text().len());
    for statement in script.statements() {
        let sql = script.sql(statement);
        assert!(!sql.is_empty() && sql.trim() == sql, "{sql:?}");
    }
}

fn placed(script: &Script, text: &str) {
    if let Some(place) = script.problem().and_then(|problem| problem.place.as_ref()) {
        assert!((place.line - script.first_line()) as usize <= text.matches('\n').count());
    }
    for statement in script.statements() {
        for position in [Position::Character(7), Position::Line(2), Position::Byte(5)] {
            let at = script.position(statement, position);
            assert!(statement.span.start <= at && at <= statement.span.end);
            let excerpt = script.excerpt(at).expect("an excerpt");
            assert!(excerpt.column as usize <= excerpt.line.chars().count() + 1);
        }
    }
}

fn statements(script: &Script) {
    for statement in script.statements() {
        let _ = (class::classify(script, statement), script.names_of(statement), script.shown(statement));
    }
    let sent = class::sent(script);
    assert!(sent.start <= sent.end && sent.end <= script.statements().len());
    let mut at = sent.start;
    for unit in class::units(script) {
        assert_eq!(unit.start, at, "units leave no statement out that is sent");
        at = unit.end;
    }
    assert!(at >= sent.end, "units leave no statement out that is sent");
    let _ = (class::forbids_transaction(script), class::is_idle(script), class::touches_session(script));
    let _ = (class::controls_transactions(script), class::is_opaque(script), class::is_plain(script));
    let _ = (class::reaches_out(script), blind::is_settled(script), Touch::of(script));
    let (names, literals, chosen) = (script.names(), script.literals(), script.chosen_literals());
    let inserted = script.inserted_literals(&literals);
    assert!(inserted.iter().all(|(_, value)| literals.contains(value)));
    drop((names, chosen));
}

/// The script as an up, and as the down of itself.
fn read_as_migration(up: &Script, down: &Script) {
    let migration = Migration {
        id: Id::new("1_m"),
        up: up.clone(),
        down: Down::Script(down.clone()),
        verify: Some(down.clone()),
        seed: None,
        settings: Settings::default(),
        path: "m".to_owned(),
    };
    assert_eq!(migration.digest(), migration.clone().digest());
    for conditional in Conditional::of(&migration) {
        assert!(conditional.statement < up.statements().len());
        let _ = (conditional.warning(), conditional.help(), conditional.title());
    }
    let names: Vec<String> = up.names().into_iter().take(6).collect();
    let change = |(at, name): (usize, &String)| Change {
        fate: if at % 2 == 0 { Fate::Removed } else { Fate::Added },
        weight: Weight::Strong,
        kind: "table".to_owned(),
        object: name.clone(),
        lines: Vec::new(),
    };
    let changes: Vec<Change> = names.iter().enumerate().map(change).collect();
    for (from, to) in moves::candidates(&changes, &migration) {
        assert_ne!(from, to);
    }
    let _ = (migration.literals(), migration.data_names(), migration.ways().len(), migration.is_blank());
}

/// A name and a text are one token each, whatever is in them.
fn quoted(flavor: Flavor, text: &str) {
    if text.contains('\0') {
        return;
    }
    let sql = format!("{} {}", flavor.ident(text), flavor.literal(text));
    let found: Vec<_> = tokens(&sql, flavor).filter(|token| token.is_significant()).collect();
    let kinds: Vec<TokenKind> = found.iter().map(|token| token.kind).collect();
    assert_eq!(found.len(), 2, "{kinds:?} of {sql:?}");
    let name = found[0].name(&sql, flavor).map(|name| name.to_lowercase());
    assert_eq!(name.as_deref(), Some(text.to_lowercase().as_str()), "{sql:?}");
}

/// A registry that can be read is written, read and written the same; the quick reader and that of all TOML agree.
fn registry(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(read) = Registry::parse("registry.toml", text) else { return };
    let written = read.to_text();
    let again = Registry::parse("registry.toml", &written).expect("what we write can be read");
    assert_eq!(again.to_text(), written);
    harmless(&written);
    // The quick reader takes no line that begins with white space outside of an array. A mark of the encoding has to come first.
    let unmarked = text.strip_prefix('\u{feff}').unwrap_or(text);
    let plain = Registry::parse("registry.toml", &format!(" \n{unmarked}")).map(|registry| registry.to_text());
    assert_eq!(plain.ok(), Some(written), "the quick reader takes what is TOML, and reads the same");
}

/// A plan that can be read is written and read the same, and its pages act on nothing.
fn plan(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(saved) = Saved::read("p.json", text) {
        assert_eq!(Saved::read("p.json", &saved.to_text()).expect("what we write"), saved);
    }
    // Past the digest, which chance does not meet.
    let Ok(saved) = serde_json::from_str::<Saved>(text) else { return };
    let saved = saved.sealed();
    let again = Saved::read("p.json", &saved.to_text()).expect("what we write can be read");
    assert_eq!(again, saved);
    let now = saved.made;
    for detail in [human::Detail::Steps, human::Detail::Scripts] {
        harmless(&human::saved(&saved, detail, now));
    }
    let empty = Picture::default();
    let sheet = Sheet { plan: &saved, file: Some("p.json"), picture: saved.graph.as_ref().unwrap_or(&empty) };
    PAGES.iter().for_each(|page| harmless(&(page.write)(&sheet)));
}

/// `switchback.toml`, and behind a line of `=` the text of `.env`.
fn configuration(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (settings, dotenv) = text.split_once("\n====\n").unwrap_or((text, ""));
    // A folder for each thread: making one takes longer than reading what is in it.
    thread_local!(static DIR: tempfile::TempDir = tempfile::tempdir().expect("a folder"));
    let dir = DIR.with(|dir| dir.path().to_owned());
    std::fs::write(dir.join("switchback.toml"), settings).expect("a file");
    std::fs::write(dir.join(".env"), dotenv).expect("a file");
    let env = |_: &str| None;
    match Config::load(&dir) {
        Ok(config) => {
            let names: Vec<String> = config.databases.keys().cloned().collect();
            for said in names.iter().map(|name| Some(name.as_str())).chain([None]) {
                // A password command is no business of a fuzzer.
                let runs = config.databases.values().any(|database| database.password_command.is_some());
                if !runs && let Err(fault) = config.resolve(said, &env) {
                    harmless(&human::fault(&fault));
                }
            }
            for engine in ["sqlite", "postgres", "mysql", "mariadb"] {
                let _ = config.session(engine);
                config.checks.iter().for_each(|check| _ = check.query(engine));
            }
        }
        Err(fault) => {
            assert!(fault.parts().place.is_some() || !fault.to_string().is_empty());
            harmless(&human::fault(&fault));
        }
    }
}

/// Files in memory: `>>> PATH` begins one, and what follows is its text.
struct Files<'a> {
    files: BTreeMap<String, &'a [u8]>,
    hints: BTreeSet<String>,
}

impl<'a> Files<'a> {
    fn of(bytes: &'a [u8]) -> Files<'a> {
        let (mut files, mut hints) = (BTreeMap::new(), BTreeSet::new());
        let starts: Vec<usize> = (0..bytes.len())
            .filter(|at| bytes[*at..].starts_with(b">>> ") && (*at == 0 || bytes[*at - 1] == b'\n'))
            .collect();
        for (index, start) in starts.iter().enumerate() {
            let piece = &bytes[*start + 4..starts.get(index + 1).copied().unwrap_or(bytes.len())];
            let end = piece.iter().position(|byte| *byte == b'\n').unwrap_or(piece.len());
            let path = String::from_utf8_lossy(&piece[..end]).into_owned();
            let is_path =
                path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains('\0'));
            if let Some(hint) = path.strip_prefix("../") {
                hints.insert(hint.to_owned());
            } else if is_path && path.split('/').count() <= 2 {
                files.insert(path, piece.get(end + 1..).unwrap_or_default());
            }
        }
        // A name is a file's or a folder's.
        let folders: BTreeSet<String> =
            files.keys().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
        files.retain(|path, _| !folders.contains(path));
        Files { files, hints }
    }
}

impl Shelf for Files<'_> {
    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let within = |path: &str| match folder {
            "" => Some(path.to_owned()),
            folder => path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned),
        };
        let names: BTreeMap<String, Kind> = self
            .files
            .keys()
            .filter_map(|path| within(path))
            .map(|path| match path.split_once('/') {
                Some((folder, _)) => (folder.to_owned(), Kind::Folder),
                None => (path, Kind::File),
            })
            .collect();
        Ok(names.into_iter().map(|(name, kind)| Listed { name: OsString::from(name), kind }).collect())
    }

    fn read(&self, path: &str, most: usize) -> io::Result<Bytes> {
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(if bytes.len() > most { Bytes::TooMany(bytes.len() as u64) } else { Bytes::Whole(bytes.to_vec()) })
    }

    fn has_hint(&self, name: &str) -> bool {
        self.hints.contains(name) || self.files.contains_key(name)
    }
}

/// A folder of files, read in each layout as each engine would run it.
fn layouts(bytes: &[u8]) {
    let tree = Tree::on(&Files::of(bytes), "m").expect("a folder");
    let _ = layout::detect(&tree);
    let at = NaiveDate::from_ymd_opt(2026, 11, 20).and_then(|day| day.and_hms_opt(9, 30, 0)).expect("a time");
    for one in LAYOUTS {
        for (engine, flavor) in [("sqlite", Flavor::Sqlite), ("postgres", Flavor::Postgres), ("mariadb", Flavor::Mysql)]
        {
            let loaded = layout::load(*one, &tree, engine, flavor);
            for migration in &loaded.migrations {
                let scripts =
                    [Some(&migration.up), migration.down.script(), migration.verify.as_ref(), migration.seed.as_ref()];
                scripts.into_iter().flatten().for_each(lossless);
                let _ = (migration.digest(), migration.settings_sha());
                let written = Written {
                    flavor,
                    comments: vec!["a\nb".to_owned()],
                    statements: vec!["DROP TABLE \"a;\"".to_owned()],
                };
                let _ = one.with_down(migration, migration.up.text(), &written);
            }
            for finding in &loaded.findings {
                harmless(&human::finding(finding));
            }
            let files = one.new_files(&tree, "title", at);
            assert!(!files.is_empty() && files.iter().all(|(path, _)| !path.starts_with('/') && !path.contains("..")));
        }
    }
}

/// Rows of the ledger: a line per value, `~` for NULL; and the texts that rows hold.
fn ledger(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let values: Vec<Option<String>> = text.split('\n').map(|value| (value != "~").then(|| value.to_owned())).collect();
    let mut head = Head::default();
    let (mut chain, mut broken) = (Chain::default(), Chain::default());
    let mut history = History::default();
    for row in values.chunks(COLUMNS.len()) {
        let read = Entry::read(row.to_vec());
        let _ = (broken.next(&read), read.time(), read.seq(), Taken::by(&read));
        history.note(&read);
        harmless(&human::entry(&read));
        let sealed = read.seal(&head);
        head = sealed.head();
        chain.next(&sealed).expect("what is sealed holds");
        let again = Entry::read(sealed.binds().into_iter().map(|value| value.map(str::to_owned)).collect());
        assert_eq!(again, sealed, "a row is read as it was written");
        let other = sealed.get("actor").map_or_else(|| "x".to_owned(), |actor| format!("{actor}x"));
        assert_ne!(again.with("actor", other).computed_hash(), sealed.computed_hash());
        let warrant = Warrant::recorded(sealed.get("proof"));
        let _ = (warrant.drops(), warrant.loses(), warrant.verdict(), warrant.is_adopted(), warrant.recorded_group());
        if let Some(json) = warrant.to_json(None) {
            let _ = Warrant::recorded_edges(&json);
        }
        for value in row.iter().flatten() {
            if let Ok(release) = serde_json::from_str::<Release>(value) {
                let text = serde_json::to_string(&release).expect("JSON");
                assert_eq!(serde_json::from_str::<Release>(&text).expect("the same"), release);
            }
        }
    }
    let _ = history.held();
    if let Ok(kept) = Checkpoint::read("kept", text) {
        assert_eq!(kept.text().trim_end(), text.trim_end().replace("\r\n", "\n"));
    }
}

/// Rows of other tools' tables, and files that they may be of: files first, then a line `====`, then a line per value.
fn histories(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (files, values) = text.split_once("\n====\n").unwrap_or(("", text));
    let tree = Tree::on(&Files::of(files.as_bytes()), "m").expect("a folder");
    let loaded: Vec<Migration> =
        LAYOUTS.iter().flat_map(|one| layout::load(*one, &tree, "postgres", Flavor::Postgres).migrations).collect();
    let migrations: Vec<&Migration> = loaded.iter().collect();
    let values: Vec<Option<String>> =
        values.split('\n').map(|value| (value != "~").then(|| value.to_owned())).collect();
    for history in HISTORIES {
        let width = history.columns().len();
        let rows: Vec<Vec<Option<String>>> = values
            .chunks(width)
            .map(|row| row.iter().cloned().chain(std::iter::repeat(None)).take(width).collect())
            .collect();
        let reading = history.read(&rows, &migrations);
        for taken in &reading.taken {
            assert!(migrations.iter().any(|migration| migration.id == taken.id), "{} is none of them", taken.id);
        }
        reading.refusals.iter().chain(&reading.doubts).for_each(|finding| harmless(&human::finding(finding)));
    }
}

/// Columns of a table, a line each: family, type, length, scale, flags, labels, checks, with tabs between.
fn tables(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if text.contains('\0') {
        return;
    }
    let column = |(at, line): (usize, &str)| {
        let mut parts = line.split('\t');
        let mut part = || parts.next().unwrap_or_default();
        let family: usize = part().parse().unwrap_or(0);
        let (type_text, length, scale, flags) = (part().to_owned(), part(), part(), part().to_owned());
        let (labels, checks) = (part(), part());
        let family = FAMILIES[family % FAMILIES.len()];
        let is_labelled = matches!(family, "enum" | "set");
        let list = |text: &str| text.split('|').filter(|one| !one.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        Column {
            name: format!("c{at}{}", if at == 0 { type_text.as_str() } else { "" }),
            family: family.to_owned(),
            type_text,
            length: length.parse().ok(),
            scale: scale.parse().ok(),
            nullable: flags.contains('n'),
            has_default: flags.contains('d'),
            computed: flags.contains('c'),
            keys: if flags.contains('k') { vec!["k".to_owned()] } else { Vec::new() },
            labels: list(if is_labelled { labels } else { "" }),
            checks: list(checks),
        }
    };
    let columns: Vec<Column> = text.lines().take(12).enumerate().map(column).collect();
    let table = Table { name: "t".to_owned(), columns, ..Table::default() };
    let literals: Vec<String> = text.split_whitespace().take(8).map(str::to_owned).collect();
    for flavor in [Flavor::Sqlite, Flavor::Postgres, Flavor::Mysql] {
        for mildness in [Mildness::Bold, Mildness::Plain, Mildness::One, Mildness::Bare] {
            let making = Making {
                flavor,
                literals: &literals,
                spared: &literals[..literals.len() / 2],
                mildness,
                from: 0,
                taken: 0,
                waiting: &BTreeSet::new(),
                repeats: true,
            };
            let rows = rows_for(&table, &making);
            assert!(rows.len() <= 64, "few rows: {}", rows.len());
            for sql in inserts(&table, flavor, &rows) {
                let script = Script::parse("rows", 1, sql.as_bytes(), flavor);
                assert_eq!(script.problem(), None, "{sql}");
                assert_eq!(script.statements().len(), 1, "rows are one statement: {sql}");
            }
        }
    }
    let table = Arc::new(table);
    let script = Script::parse("up.sql", 1, bytes, Flavor::Postgres);
    let _ = blind::is_blind(&script, &[table]);
}

/// What stands before and behind a password in a URL, a line each: the password is never shown.
fn urls(bytes: &[u8]) {
    const CANARY: &str = "c4narY7pass";
    let Some(text) = text(bytes) else { return };
    let said = |told: &switchback::fault::Result<Target>| match told {
        Ok(target) => clean(&format!("{} {target:?}", target.shown())).into_owned(),
        Err(fault) => human::fault(fault),
    };
    harmless(&said(&Target::parse(text)));
    let (before, behind) = text.split_once('\n').unwrap_or((text, ""));
    if before.contains(['/', '?', '#', '@', ':']) {
        return;
    }
    for scheme in ["postgres", "mysql", "mariadb", "postgresql"] {
        let told = Target::parse(&format!("{scheme}://{before}:{CANARY}{behind}"));
        let shown = said(&told);
        // Without an @ there is no password: what it would be is a port then, and may be called one.
        if behind.contains('@') {
            assert!(!shown.contains(CANARY), "{shown}");
        }
        harmless(&shown);
    }
}

/// A finding whose every text is somebody else's, in each form of report.
fn reports(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let place = Place::new(text, 3, 1);
    let finding = Finding::new("left-behind", Severity::Error, text)
        .of(&Id::new(text))
        .object(text)
        .at(place)
        .detail(text.split('\n').map(str::to_owned).collect())
        .help(text);
    let judged = Judged {
        id: Id::new(text),
        verdict: Verdict::Broken,
        findings: vec![finding.clone()],
        millis: 5,
        fresh: true,
        proof: None,
    };
    harmless(&clean(text));
    for command in ["verify", "check", "drift", "diff"] {
        let report = Report {
            command,
            server: None,
            migrations: 1,
            cases: vec![Case::new(judged.clone(), None)],
            findings: vec![finding.clone()],
            is_bad: true,
            millis: 7,
        };
        for format in FORMATS {
            let written = (format.write)(&report);
            harmless(&written);
            match format.name {
                "json" | "sarif" => drop(serde_json::from_str::<serde_json::Value>(&written).expect("JSON")),
                "junit" => drop(roxmltree::Document::parse(&written).expect("XML")),
                // A line each, and nothing else begins a command of theirs.
                "github" => {
                    assert!(written.lines().all(|line| line.starts_with("::") || !line.contains("::")), "{written}")
                }
                _ => {}
            }
        }
    }
    let _ = (report::escape::shell(text), Sha::of(bytes));
}

/// Nothing in it acts on a terminal or turns the direction of text, but for colours, which are ours.
pub fn harmless(text: &str) {
    let text = without_colours(text);
    let is_mark = |ch: char| matches!(ch, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let bad = text.chars().find(|ch| (ch.is_control() && !matches!(ch, '\n' | '\t')) || is_mark(*ch));
    assert_eq!(bad, None, "{text:?}");
}

/// The text without what sets colours: `ESC [ digits and ; m`.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let (before, behind) = (&rest[..at], &rest[at + 2..]);
        let end = behind.find(|ch: char| !ch.is_ascii_digit() && ch != ';');
        out.push_str(before);
        rest = match end {
            Some(end) if behind[end..].starts_with('m') => &behind[end + 1..],
            _ => {
                out.push_str("\u{1b}[");
                behind
            }
        };
    }
    out + rest
}
