//! Every check has examples that it is content with and examples that it is not: `tests/checks/<code>/good*` and `bad*`,
//! each a folder of migrations. Beside them: `engine` (postgres, where it is not said), `foreign` (the names are another
//! tool's), `sealed/` (the migrations as they were when they were sealed) or `registry.toml` (where `$digest(ID)`,
//! `$up(ID)`, `$down(ID)` and `$settings(ID)` stand for the real ones), and `expected.txt` in the bad ones.
//!
//! `SWITCHBACK_BLESS=1 cargo test --test checks` writes what is found into `expected.txt`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use switchback::check::{self, CHECKS, Check, Input, Names, View};
use switchback::finding::Finding;
use switchback::id::Id;
use switchback::migration::{Down, Migration, Settings};
use switchback::registry::{Entry, FILE, Registry};
use switchback::sql::{Flavor, Script};

struct Example {
    folder: PathBuf,
    engine: String,
    names: Names,
    migrations: Vec<Migration>,
    registry: Option<Registry>,
}

impl Example {
    fn read(folder: &Path) -> Example {
        let engine = fs::read_to_string(folder.join("engine")).map_or("postgres".to_owned(), |text| text.trim().into());
        let names = if folder.join("foreign").exists() { Names::Foreign } else { Names::Ours };
        let migrations = migrations(folder, &engine);
        let registry = registry(folder, &engine, &migrations);
        Example { folder: folder.to_owned(), engine, names, migrations, registry }
    }

    fn input(&self) -> Input<'_> {
        Input {
            migrations: &self.migrations,
            registry: self.registry.as_ref(),
            engine: &self.engine,
            names: self.names,
            session: None,
            found: &[],
        }
    }

    fn found(&self, check: &dyn Check) -> Vec<Finding> {
        check.run(&View::new(&self.input()))
    }
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn migrations(folder: &Path, engine: &str) -> Vec<Migration> {
    let folders = subfolders(folder).into_iter().filter(|path| name(path) != "sealed");
    folders.map(|path| migration(&path, engine)).collect()
}

fn migration(folder: &Path, engine: &str) -> Migration {
    let flavor = match engine {
        "sqlite" => Flavor::Sqlite,
        "postgres" => Flavor::Postgres,
        _ => Flavor::Mysql,
    };
    let folder_name = name(folder);
    let script = |file: &str| {
        let bytes = fs::read(folder.join(file)).ok()?;
        Some(Script::parse(format!("{folder_name}/{file}"), 1, &bytes, flavor))
    };
    let settings: Settings = match fs::read_to_string(folder.join("migration.toml")) {
        Ok(text) => toml::from_str(&text).unwrap(),
        Err(_) => Settings::default(),
    };
    // `001_users+double` is a second folder of the migration `001_users`, which one file system could not hold.
    let id = folder_name.split('+').next().unwrap();
    let down = match (&settings.irreversible, script("down.sql")) {
        (Some(declared), _) => Down::Irreversible(declared.reason.clone()),
        (None, Some(script)) => Down::Script(script),
        (None, None) => Down::Missing,
    };
    let (up, verify, seed) = (script("up.sql").unwrap(), script("verify.sql"), script("seed.sql"));
    Migration { id: Id::new(id), up, down, verify, seed, settings, path: folder_name }
}

fn registry(folder: &Path, engine: &str, migrations: &[Migration]) -> Option<Registry> {
    if folder.join("sealed").exists() {
        let mut registry = Registry::new(FILE);
        for migration in self::migrations(&folder.join("sealed"), engine) {
            registry.set_migration(Entry::seal(&migration, engine, None));
        }
        return Some(Registry::parse(FILE, &registry.to_text()).unwrap());
    }
    let mut text = fs::read_to_string(folder.join(FILE)).ok()?;
    for migration in migrations {
        let pair = |script: &Script| format!("{}:{}", script.checksum().text, script.checksum().tokens);
        let parts = [
            ("digest", migration.digest().to_string()),
            ("settings", migration.settings_sha().to_string()),
            ("up", pair(&migration.up)),
            ("down", migration.down.script().map(pair).unwrap_or_default()),
        ];
        for (part, value) in parts {
            text = text.replace(&format!("${part}({})", migration.id), &value);
        }
    }
    Some(Registry::parse(FILE, &text).unwrap())
}

fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let place = finding.place.as_ref().map_or("-".to_owned(), ToString::to_string);
        let migration = finding.migration.as_ref().map_or("-", Id::as_str);
        let (severity, code) = (finding.severity.word(), &finding.code);
        writeln!(out, "{place}: {severity} {code} {migration}: {}", finding.message).unwrap();
        finding.detail.iter().for_each(|line| writeln!(out, "  {line}").unwrap());
        finding.help.iter().for_each(|help| writeln!(out, "  help: {help}").unwrap());
    }
    out
}

fn examples(check: &dyn Check, kind: &str) -> Vec<Example> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks").join(check.code());
    let folders: Vec<PathBuf> = subfolders(&root).into_iter().filter(|path| name(path).starts_with(kind)).collect();
    assert!(!folders.is_empty(), "the check {} has no {kind} example", check.code());
    folders.iter().map(|folder| Example::read(folder)).collect()
}

#[test]
fn every_check_is_content_with_its_good_examples() {
    for check in CHECKS {
        for example in examples(*check, "good") {
            assert!(!example.migrations.is_empty(), "{} is empty", example.folder.display());
            assert_eq!(text(&example.found(*check)), "", "{}", example.folder.display());
        }
    }
}

#[test]
fn every_check_finds_what_its_bad_examples_expect() {
    let bless = std::env::var_os("SWITCHBACK_BLESS").is_some();
    for check in CHECKS {
        for example in examples(*check, "bad") {
            let found = text(&example.found(*check));
            assert!(!found.is_empty(), "{} finds nothing in {}", check.code(), example.folder.display());
            let expected = example.folder.join("expected.txt");
            if bless {
                fs::write(&expected, &found).unwrap();
            }
            assert_eq!(found, fs::read_to_string(&expected).unwrap_or_default(), "{}", expected.display());
        }
    }
}

#[test]
fn codes_are_unique_and_every_folder_is_a_check() {
    let mut codes: Vec<String> = CHECKS.iter().map(|check| check.code().to_owned()).collect();
    codes.sort();
    let folders = subfolders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks"));
    let folders: Vec<String> = folders.iter().map(|folder| name(folder)).collect();
    assert_eq!(codes, folders);
    assert!(CHECKS.iter().all(|check| check.about().ends_with('.')));
}

#[test]
fn all_findings_come_at_once_by_file_and_line() {
    for check in CHECKS {
        for example in examples(*check, "bad") {
            let layout = [Finding::warning("down-misnamed", "from the layout")];
            let found = check::run(&Input { found: &layout, ..example.input() });
            assert!(found.iter().any(|finding| finding.code == "down-misnamed"));
            for own in example.found(*check) {
                assert!(found.contains(&own), "{own:?}");
            }
            assert!(found.is_sorted_by_key(|finding| finding.place.clone()), "{}", example.folder.display());
        }
    }
}

#[test]
fn what_is_sealed_as_it_stands_is_content() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks/unsealed/good");
    let found = check::run(&Example::read(&folder).input());
    assert_eq!(text(&found), "");
}
