//! Every layout against its golden folders: `tests/layouts/<layout>/<case>/migrations/` is read and told as text, which must
//! be `expected.txt`. A file `engine` beside it names another engine than SQLite. Run with `SWITCHBACK_BLESS=1` to write the
//! texts anew, and read the difference. The second half makes trees that no checkout can hold.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use switchback::finding::Finding;
use switchback::layout::{LAYOUTS, Layout, Loaded, Tree, by_name, detect, load};
use switchback::migration::{Down, Migration, Transaction};
use switchback::revision::Files;
use switchback::sql::{Flavor, Script};

fn flavor(engine: &str) -> Flavor {
    match engine {
        "sqlite" => Flavor::Sqlite,
        "postgres" => Flavor::Postgres,
        _ => Flavor::Mysql,
    }
}

fn script(script: &Script) -> String {
    let problem = script.problem().map(|problem| format!(", {}", problem.code)).unwrap_or_default();
    format!("{}:{} ({} statements{problem})", script.path(), script.first_line(), script.statements().len())
}

fn migration(migration: &Migration) -> String {
    let mode = |mode: Transaction| if mode == Transaction::Off { ", no transaction" } else { "" };
    let modes = migration.settings.transaction;
    let down = match &migration.down {
        Down::Script(down) => script(down),
        Down::Irreversible(reason) => format!("irreversible: {reason}"),
        Down::Missing => "missing".to_owned(),
    };
    let mut out = format!("{}\n  up    {}{}\n", migration.id, script(&migration.up), mode(modes.up));
    let _ = writeln!(out, "  down  {down}{}", mode(modes.down));
    for (name, other) in [("verify", &migration.verify), ("seed", &migration.seed)] {
        if let Some(other) = other {
            let _ = writeln!(out, "  {name:5} {}", script(other));
        }
    }
    if let Some(requires) = &migration.settings.requires {
        let _ = writeln!(out, "  needs {requires:?}");
    }
    out
}

fn finding(finding: &Finding) -> String {
    let place = finding.place.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut out = format!("{} {} at {place}\n  {}\n", finding.severity.word(), finding.code, finding.message);
    for line in &finding.detail {
        let _ = writeln!(out, "  | {line}");
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "  help: {help}");
    }
    out
}

fn render(loaded: &Loaded) -> String {
    let migrations = loaded.migrations.iter().map(migration);
    migrations.chain(loaded.findings.iter().map(finding)).collect()
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(of)
        .unwrap_or_else(|error| panic!("{}: {error}", of.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn codes(loaded: &Loaded) -> Vec<&str> {
    loaded.findings.iter().map(|finding| finding.code.as_ref()).collect()
}

fn read(root: &Path, layout: &str) -> Loaded {
    load(by_name(layout).unwrap(), &Tree::read(root).unwrap(), "sqlite", Flavor::Sqlite)
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn every_layout_reads_its_golden_folders() {
    let bless = std::env::var_os("SWITCHBACK_BLESS").is_some();
    let mut wrong = String::new();
    for layout in LAYOUTS {
        let cases = folders(&Path::new("tests/layouts").join(layout.name()));
        assert!(cases.len() >= 3, "{}: a good case and two bad ones at least", layout.name());
        for case in cases {
            let engine = fs::read_to_string(case.join("engine")).unwrap_or_else(|_| "sqlite".to_owned());
            let tree = Tree::read(&case.join("migrations")).unwrap();
            let loaded = load(*layout, &tree, engine.trim(), flavor(engine.trim()));
            let told = render(&loaded).replace(&format!("{}/", case.display()), "");
            if case.ends_with("good") {
                let found = detect(&tree).map(Layout::name).map_err(|fault| fault.to_string());
                assert_eq!(found.as_deref(), Ok(layout.name()), "{}", case.display());
                assert!(loaded.findings.is_empty(), "{}: {told}", case.display());
            }
            let expected = case.join("expected.txt");
            if bless {
                fs::write(&expected, &told).unwrap();
            } else if fs::read_to_string(&expected).unwrap_or_default() != told {
                let _ = writeln!(wrong, "--- {}\n{told}", expected.display());
            }
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{wrong}");
}

/// What a revision has is read as if it stood there: links and odd kinds of files are told, and what stands beside counts.
#[test]
fn a_revision_is_read_as_the_folder_that_it_was() {
    let root = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false"];
        let ran = Command::new("git").arg("-C").arg(root.path()).args(who).args(args).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    copy(Path::new("tests/layouts"), root.path());
    let odd = root.path().join("switchback/good/migrations");
    write(
        &odd,
        &[("0_odd/deeper/up.sql", ""), ("0_odd-/up.sql", "select 1;"), (".hidden.sql", ""), ("bytes.sql", "\0")],
    );
    std::os::unix::fs::symlink("../../../nowhere", odd.join("0_odd/up.sql")).unwrap();
    write(root.path(), &[("switchback/settings/diesel.toml", ""), ("dbmate/good/.sqlx/query-1.json", "{}")]);
    git(&["init", "-q"]);
    git(&["add", "--force", "."]);
    git(&["commit", "-qm", "all"]);
    for (layout, case) in
        LAYOUTS.iter().flat_map(|it| folders(&root.path().join(it.name())).into_iter().map(move |at| (it, at)))
    {
        let dir = case.join("migrations");
        let (disk, revision) = (Tree::read(&dir).unwrap(), Files::at(&dir, "HEAD").unwrap());
        let there = Tree::on(&revision, revision.shown()).unwrap();
        let found = |tree: &Tree| detect(tree).map(Layout::name).map_err(|fault| fault.to_string());
        let within = dir.strip_prefix(root.path()).unwrap().display().to_string();
        assert_eq!(
            found(&there).map_err(|told| told.replace("HEAD:", &format!("{}/", root.path().display()))),
            found(&disk),
            "{within}"
        );
        let told = |tree: &Tree| render(&load(*layout, tree, "sqlite", Flavor::Sqlite));
        assert_eq!(told(&there), told(&disk).replace(&format!("{}/", root.path().display()), "HEAD:"), "{within}");
        assert!(told(&there).contains(&format!("HEAD:{within}/")), "{within}");
    }
    // From the repository's top, the way git has it.
    assert_eq!(Files::at(root.path(), "HEAD").unwrap().shown(), "HEAD:.");
}

#[test]
fn every_example_is_detected_and_has_nothing_wrong() {
    for example in folders(Path::new("migrations-examples")) {
        let name = example.file_name().unwrap().to_str().unwrap().to_owned();
        let tree = Tree::read(&example.join("migrations")).unwrap();
        let layout = detect(&tree).unwrap();
        let expected = if matches!(name.as_str(), "shop" | "tour" | "looks-right") { "switchback" } else { &name };
        assert_eq!(layout.name(), expected);
        for engine in ["sqlite", "postgres", "mysql", "mariadb"] {
            let loaded = load(layout, &tree, engine, flavor(engine));
            assert!(loaded.findings.is_empty(), "{name}: {}", render(&loaded));
            assert!(loaded.migrations.len() >= 3, "{name}");
            assert!(loaded.migrations.iter().all(|it| matches!(it.down, Down::Script(_))), "{name}");
            let problem = |it: &&Migration| it.up.problem().or(it.down.script().and_then(Script::problem)).is_some();
            // The examples of other tools and the wrong downs are SQLite's; only the shop speaks to all.
            if engine == "sqlite" || name == "shop" {
                assert!(!loaded.migrations.iter().any(|it| problem(&it)), "{name}: {}", render(&loaded));
            }
        }
    }
}

#[test]
fn new_files_are_read_back_as_one_more_migration() {
    let at = chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap().and_hms_opt(9, 30, 0).unwrap();
    for layout in LAYOUTS {
        let good = Path::new("tests/layouts").join(layout.name()).join("good/migrations");
        let tree = Tree::read(&good).unwrap();
        let before = load(*layout, &tree, "sqlite", Flavor::Sqlite);
        let files = layout.new_files(&tree, "add_users", at);
        let root = tempfile::tempdir().unwrap();
        copy(&good, root.path());
        for (path, text) in &files {
            assert!(!root.path().join(path).exists(), "{path}");
            write(root.path(), &[(path, text)]);
        }
        let after = read(root.path(), layout.name());
        let new: Vec<&Migration> =
            after.migrations.iter().filter(|it| !before.migrations.iter().any(|old| old.id == it.id)).collect();
        assert_eq!((new.len(), codes(&after).len()), (1, 0), "{}: {}", layout.name(), render(&after));
        assert!(new[0].id.as_str().ends_with("_add_users"), "{}", new[0].id);
        assert!(matches!(new[0].down, Down::Script(_)), "{}", layout.name());
        assert_eq!(after.migrations.last().unwrap().id, new[0].id, "{}: a new one comes last", layout.name());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What `detect` says of files in a folder `migrations`.
fn detected(files: &[(&str, &str)]) -> Result<&'static str, String> {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("migrations")).unwrap();
    write(root.path(), files);
    let tree = Tree::read(&root.path().join("migrations")).unwrap();
    detect(&tree).map(Layout::name).map_err(|fault| fault.parts().help.clone().unwrap_or_default() + &fault.to_string())
}

#[test]
fn layouts_that_look_alike_are_told_apart() {
    let up = "migrations/1_a.up.sql";
    assert_eq!(detected(&[]), Ok("switchback"), "an empty folder is ours");
    assert_eq!(detected(&[(up, "select 1;")]), Ok("golang-migrate"));
    assert_eq!(detected(&[(up, "-- no-transaction\nselect 1;")]), Ok("sqlx"));
    assert_eq!(detected(&[(up, "select 1;"), ("sqlx.toml", "")]), Ok("sqlx"));
    assert_eq!(detected(&[("migrations/1_a.sql", "select 1;")]), Ok("sqlx"));
    let folder = ("migrations/1_a/up.sql", "select 1;");
    assert_eq!(detected(&[folder]), Ok("switchback"));
    assert_eq!(detected(&[folder, ("diesel.toml", "")]), Ok("diesel"));
    assert_eq!(detected(&[("migrations/2026-01-05-090000_a/up.sql", "select 1;")]), Ok("diesel"));
}

#[test]
fn what_fits_several_layouts_or_none_is_a_usage_fault_that_says_what_to_write() {
    let dbmate = ("migrations/1_a.sql", "-- migrate:up\n-- migrate:down\n");
    let goose = ("migrations/2_b.sql", "-- +goose Up\n");
    let both = detected(&[dbmate, goose]).unwrap_err();
    assert!(
        both.contains("dbmate, goose") && both.contains("`layout = \"dbmate\"`") && both.contains("--layout"),
        "{both}"
    );
    let ours = ("migrations/1_a/up.sql", "select 1;");
    let mixed = detected(&[("migrations/1_a.sql", "select 1;"), ours]).unwrap_err();
    assert!(mixed.contains("switchback, sqlx"), "{mixed}");
    let none = detected(&[("migrations/setup.sql", "select 1;")]).unwrap_err();
    assert!(none.contains("fit no layout") && none.contains("setup.sql"), "{none}");
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let root = tempfile::tempdir().unwrap();
    let gone = Tree::read(&root.path().join("gone")).unwrap_err();
    assert!(gone.to_string().contains("there is no folder"), "{gone}");
    fs::write(root.path().join("file"), "").unwrap();
    let file = Tree::read(&root.path().join("file")).unwrap_err();
    assert!(file.to_string().contains("is not a folder"), "{file}");
}

#[cfg(unix)]
mod hostile {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    const GOOD: &[(&str, &str)] = &[("1_a/up.sql", "create table a (x int);"), ("1_a/down.sql", "drop table a;")];

    /// Reads a tree that has one good migration beside what `spoil` makes.
    fn spoilt(spoil: impl FnOnce(&Path)) -> Loaded {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), GOOD);
        spoil(root.path());
        let loaded = read(root.path(), "switchback");
        assert!(loaded.migrations.iter().any(|it| it.id.as_str() == "1_a"), "the good one is still read");
        loaded
    }

    #[test]
    fn links_are_told_and_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), &[("secret.sql", "select 'outside';")]);
        let loaded = spoilt(|root| {
            symlink(".", root.join("2_loop")).unwrap();
            symlink(root, root.join("1_a/again")).unwrap();
            symlink("nowhere", root.join("3_dangling")).unwrap();
            fs::create_dir(root.join("4_out")).unwrap();
            symlink(outside.path().join("secret.sql"), root.join("4_out/up.sql")).unwrap();
            symlink("up.sql", root.join("4_out/down.sql")).unwrap();
        });
        assert_eq!(codes(&loaded), ["not-a-file"; 5], "{}", render(&loaded));
        assert_eq!(loaded.migrations.len(), 1, "nothing of the outside is run");
    }

    #[test]
    fn a_fifo_does_not_hang_and_a_folder_is_no_script() {
        let loaded = spoilt(|root| {
            fs::create_dir_all(root.join("2_b/up.sql")).unwrap();
            fs::create_dir(root.join("3_c")).unwrap();
            let made = Command::new("mkfifo").arg(root.join("3_c/up.sql")).status().unwrap();
            assert!(made.success());
        });
        let told = render(&loaded);
        assert!(told.contains("a folder is not read") && told.contains("a special file is not read"), "{told}");
        assert_eq!(loaded.migrations.len(), 1, "{told}");
    }

    #[test]
    fn names_that_are_not_utf8_are_told() {
        let loaded = spoilt(|root| {
            fs::create_dir(root.join(OsStr::from_bytes(b"2_\xff"))).unwrap();
            fs::write(root.join("1_a").join(OsStr::from_bytes(b"up.\xfe.sql")), "x").unwrap();
        });
        assert_eq!(codes(&loaded), ["name-not-utf8", "name-not-utf8"]);
    }

    #[test]
    fn names_that_differ_in_case_only_are_told() {
        let loaded = spoilt(|root| {
            write(root, &[("1_A/up.sql", "select 1;"), ("1_A/down.sql", "select 1;"), ("1_a/UP.sql", "select 1;")]);
        });
        let told = codes(&loaded);
        assert_eq!(told.iter().filter(|code| **code == "case-collision").count(), 2, "{}", render(&loaded));
    }

    #[test]
    fn a_script_that_is_too_large_is_not_read() {
        let loaded = spoilt(|root| {
            write(root, &[("2_b/up.sql", ""), ("2_b/down.sql", "select 1;")]);
            let large = fs::File::options().write(true).open(root.join("2_b/up.sql")).unwrap();
            large.set_len(switchback::sql::MAX_SCRIPT_BYTES as u64 + 1).unwrap();
        });
        assert_eq!(codes(&loaded), ["too-large"], "{}", render(&loaded));
    }

    #[test]
    fn what_may_not_be_read_is_told() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), GOOD);
        write(root.path(), &[("2_b/up.sql", "select 1;"), ("3_c/up.sql", "select 1;"), ("3_c/down.sql", "select 1;")]);
        let (folder, file) = (root.path().join("2_b"), root.path().join("3_c/up.sql"));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        // An administrator reads everything; then there is nothing to tell: that 2_b has no down is a check's business.
        let privileged = fs::read(&file).is_ok();
        let loaded = read(root.path(), "switchback");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        let expected: &[&str] = if privileged { &[] } else { &["unreadable", "unreadable"] };
        assert_eq!(codes(&loaded), expected, "{}", render(&loaded));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_the_scripts_own_problem() {
        let loaded = spoilt(|root| {
            write(root, &[("2_b/down.sql", "select 1;"), ("2_b/migration.toml", "")]);
            fs::write(root.join("2_b/up.sql"), b"select '\xff';").unwrap();
        });
        assert!(loaded.findings.is_empty(), "{}", render(&loaded));
        assert!(loaded.migrations[1].up.problem().is_some());
    }
}

#[test]
fn a_long_history_is_read_quickly_and_in_order() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..3_000 {
        let folder = root.path().join(format!("{number:05}_step"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("up.sql"), format!("create table t{number} (x int);\n")).unwrap();
        fs::write(folder.join("down.sql"), format!("drop table t{number};\n")).unwrap();
    }
    let began = Instant::now();
    let tree = Tree::read(root.path()).unwrap();
    let listed = began.elapsed();
    let loaded = load(detect(&tree).unwrap(), &tree, "sqlite", Flavor::Sqlite);
    assert_eq!(loaded.migrations.len(), 3_000);
    assert!(loaded.migrations.is_sorted_by(|a, b| a.id < b.id));
    // A bound that only a change of order of growth would break; the figures are for who looks at them.
    eprintln!("6,000 files: {listed:?} to read, {:?} in all", began.elapsed());
    assert!(began.elapsed().as_secs() < 30);
}
