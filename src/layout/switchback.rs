//! Our own layout: a folder per migration, with `up.sql` and `down.sql`, and what else is known of it beside them.
//!
//! `up.postgres.sql` and so on stand in for `up.sql` on that engine; MariaDB falls back to MySQL's.

use chrono::NaiveDateTime;

use super::names::{self, Lacks};
use super::{Certainty, ENGINES, File, Folder, Layout, Loaded, Share, Tree, map_all, toml_file};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::migration::{Down, Migration, Settings};
use crate::sql::{Flavor, Script};

pub(super) struct Switchback;

const SETTINGS: &str = "migration.toml";
const SCRIPTS: &[&str] = &["up", "down", "verify", "seed"];

impl Layout for Switchback {
    fn name(&self) -> &'static str {
        "switchback"
    }

    fn recognises(&self, tree: &Tree) -> Certainty {
        let ours = |name: &str| name == SETTINGS || (is_known(name) && !matches!(name, "up.sql" | "down.sql"));
        let has = |test: &dyn Fn(&str) -> bool| {
            tree.folders().iter().any(|folder| folder.files.iter().any(|file| test(&file.name)))
        };
        if has(&ours) {
            Certainty::Sure
        } else if has(&|name| name == "up.sql") {
            Certainty::Maybe
        } else {
            Certainty::No
        }
    }

    fn read(&self, tree: &Tree, engine: &str, flavor: Flavor) -> Loaded {
        let shares = map_all(tree.folders(), |folder| read_folder(folder, engine, flavor));
        let mut loaded: Loaded = shares.into_iter().collect();
        let strays = tree.files().iter().filter(|file| names::is_sql(&file.name)).map(|file| {
            let help = "put it into a folder of its own as `up.sql`, or move it elsewhere".to_owned();
            names::misnamed(file, "switchback", Lacks::Nothing, help)
        });
        loaded.findings.extend(strays);
        loaded
    }

    fn new_files(&self, tree: &Tree, title: &str, at: NaiveDateTime) -> Vec<(String, String)> {
        let version = names::next_version(tree.folders().iter().map(|folder| folder.name.as_str()), at);
        let file = |name: &str, text: &str| (format!("{version}_{title}/{name}.sql"), text.to_owned());
        vec![
            file("up", "-- What this migration does.\n"),
            file("down", "-- Undoes up.sql: the schema and the rows as they were before it.\n"),
        ]
    }
}

fn read_folder(folder: &Folder, engine: &str, flavor: Flavor) -> Share {
    let id = Id::new(&folder.name);
    let mut findings = Vec::new();
    if !folder.files.iter().any(|file| names::is_wanted(&file.name)) {
        let message = format!("`{}` holds no scripts, so it is no migration", folder.name);
        let finding = Finding::warning("folder-empty", message).at(Place::new(&folder.path, 1, 1));
        return (None, vec![finding.help("remove the folder, or write its up.sql and down.sql")]);
    }
    if !id.is_canonical() {
        let message = "the name of a migration is best made of a-z, 0-9, `_`, `.` and `-`";
        findings.push(Finding::warning("id-form", message).of(&id).at(Place::new(&folder.path, 1, 1)));
    }
    let settings = match folder.file(SETTINGS).and_then(File::bytes).map(|bytes| settings_of(folder, bytes)) {
        Some(Ok(settings)) => settings,
        Some(Err(finding)) => {
            findings.push(finding.of(&id));
            Settings::default()
        }
        None => Settings::default(),
    };
    let up = script_file(folder, "up", engine);
    let down = script_file(folder, "down", engine);
    findings.extend(misnamed_in(folder, down).map(|finding| finding.of(&id)));
    findings.extend(faults_of(folder, engine, &settings, up, down).map(|finding| finding.of(&id)));
    let parse = |file: &File| file.bytes().map(|bytes| Script::parse(&file.path, 1, bytes, flavor));
    let Some(up) = up.and_then(parse) else { return (None, findings) };
    let down = match (&settings.irreversible, down.and_then(parse)) {
        (Some(declared), _) => Down::Irreversible(declared.reason.clone()),
        (None, Some(script)) => Down::Script(script),
        (None, None) => Down::Missing,
    };
    let verify = script_file(folder, "verify", engine).and_then(parse);
    let seed = script_file(folder, "seed", engine).and_then(parse);
    (Some(Migration { id, up, down, verify, seed, settings, path: folder.path.clone() }), findings)
}

/// The file that this engine runs, the most particular first. One that could not be read is still that file: falling back
/// to another would run what nobody meant.
fn script_file<'a>(folder: &'a Folder, script: &str, engine: &str) -> Option<&'a File> {
    let fallback = (engine == "mariadb").then_some("mysql");
    let particular = [Some(engine), fallback].into_iter().flatten();
    particular
        .map(|engine| format!("{script}.{engine}.sql"))
        .chain([format!("{script}.sql")])
        .find_map(|name| folder.file(&name))
}

/// What is wrong with the set of scripts.
fn faults_of(
    folder: &Folder,
    engine: &str,
    settings: &Settings,
    up: Option<&File>,
    down: Option<&File>,
) -> impl Iterator<Item = Finding> + use<> {
    let up = up.is_none().then(|| {
        Finding::error("up-missing", format!("there is no `up.sql` (nor `up.{engine}.sql`)"))
            .at(Place::new(&folder.path, 1, 1))
            .help("write what the migration does into `up.sql`")
    });
    let down = match (&settings.irreversible, down) {
        (Some(_), Some(file)) => {
            let message = "the migration is declared irreversible and has a down script all the same";
            let help = "remove one of the two: the script, or `[irreversible]` in migration.toml";
            Some(Finding::error("down-unwanted", message).at(file.place()).help(help))
        }
        _ => None,
    };
    [up, down].into_iter().flatten()
}

/// SQL in the folder that never runs.
fn misnamed_in<'a>(folder: &'a Folder, down: Option<&'a File>) -> impl Iterator<Item = Finding> + 'a {
    let scripts = folder.files.iter().filter(|file| {
        let lower = file.name.to_ascii_lowercase();
        (names::is_sql(&lower) || lower.contains(".sql.")) && !is_known(&file.name)
    });
    scripts.map(move |file| {
        let meant = down.is_none() && names::looks_like_down(&file.name);
        let lacks = if meant { Lacks::Script } else { Lacks::Nothing };
        let help = if meant {
            "rename it to `down.sql`"
        } else {
            "rename it (`up.sql`, `down.postgres.sql`, …) or remove it"
        };
        names::misnamed(file, "switchback", lacks, help.to_owned())
    })
}

/// `up.sql`, `down.mysql.sql` and so on.
fn is_known(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".sql") else { return false };
    match stem.split_once('.') {
        None => SCRIPTS.contains(&stem),
        Some((script, engine)) => SCRIPTS.contains(&script) && ENGINES.contains(&engine),
    }
}

fn settings_of(folder: &Folder, bytes: &[u8]) -> Result<Settings, Box<Finding>> {
    let path = format!("{}/{SETTINGS}", folder.path);
    let settings: Settings = toml_file(&path, bytes)?;
    match &settings.irreversible {
        Some(declared) if declared.reason.trim().is_empty() => {
            let finding = Finding::error("settings-invalid", "the reason why there is no way back is empty");
            Err(Box::new(finding.at(Place::new(path, 1, 1)).help("say in a sentence why it cannot be undone")))
        }
        _ => Ok(settings),
    }
}
