//! A project: the folder of migrations as one engine would run it, with its registry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use crate::check::{self, Input, Names};
use crate::class;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::{Finding, Place, Severity};
use crate::graph::{Graph, Node};
use crate::id::{self, Id};
use crate::layout::{self, Layout, Loaded, Tree};
use crate::migration::Migration;
use crate::registry::{self, Entry, Registry};
use crate::revision;
use crate::sql::Flavor;

/// Where the files are and how they are read.
#[derive(Clone, Debug)]
pub struct Files {
    /// The folder of migrations, as the user would type it.
    pub dir: PathBuf,
    /// The folder of seeds, as the user would type it.
    pub seeds: Option<PathBuf>,
    /// Name of the layout, where it is said.
    pub layout: Option<String>,
    /// The folder as a revision of the repository has it, where that is asked for.
    pub revision: Option<revision::Files>,
    /// By engine: SQL that is run in the session before each script, and where it is said.
    pub session: BTreeMap<&'static str, (String, Place)>,
}

/// Findings that do not stop a run: what is wrong with a down is the proof's business, and can be waived; what the registry
/// lacks is sealed.
const LEFT_TO_THE_PROOF: &[&str] = &["down-missing", "down-empty", "down-vacuous", "down-copy", "unsealed"];

/// The files of a project, read once.
pub struct Project {
    pub layout: &'static dyn Layout,
    /// `sqlite`, `postgres`, `mysql`, `mariadb`.
    pub engine: String,
    /// In the layout's own order.
    pub migrations: Vec<Migration>,
    pub registry: Registry,
    /// Whether a registry was there.
    pub is_sealed: bool,
    /// What the layout and the tree saw wrong.
    pub findings: Vec<Finding>,
    /// What stands before each script that says nothing else, and where it is said.
    pub session: Option<(String, Place)>,
    registry_path: PathBuf,
}

/// What sealing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    pub added: Vec<Id>,
    pub changed: Vec<Id>,
    pub removed: Vec<Id>,
    /// Whether the file is another than before.
    pub written: bool,
}

impl Project {
    /// Reads the folder and its registry.
    ///
    /// # Errors
    /// When the folder is missing, its layout is not clear, or the registry is no registry. What is wrong with single
    /// migrations is told by [`check`](Project::check).
    pub fn load(files: &Files, engine: &str, flavor: Flavor) -> Result<Project> {
        // Each takes about as long as the other.
        let (project, read) = thread::scope(|scope| {
            let reading = scope.spawn(|| match &files.revision {
                Some(revision) => registry_of(revision),
                None => read_registry(&files.dir.join(registry::FILE)),
            });
            let project = Project::load_files(files, engine, flavor);
            (project, reading.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let mut project = project?;
        (project.registry, project.is_sealed) = read?;
        Ok(project)
    }

    /// Reads the folder without its registry: enough to tell what is applied, and to go back.
    ///
    /// # Errors
    /// As [`load`](Project::load), but for the registry.
    pub fn load_files(files: &Files, engine: &str, flavor: Flavor) -> Result<Project> {
        let (layout, loaded) = read_migrations(files, engine, flavor)?;
        let registry_path = files.dir.join(registry::FILE);
        Ok(Project {
            layout,
            engine: engine.to_owned(),
            migrations: loaded.migrations,
            registry: Registry::new(registry_path.display().to_string()),
            is_sealed: false,
            findings: loaded.findings,
            session: files.session.get(engine).cloned(),
            registry_path,
        })
    }

    /// Reads the registry, where [`load_files`](Project::load_files) has left it out.
    ///
    /// # Errors
    /// When it is no registry.
    pub fn read_registry(&mut self) -> Result<()> {
        (self.registry, self.is_sealed) = read_registry(&self.registry_path)?;
        Ok(())
    }

    /// All findings about the files: of the tree, the layout and the checks, sorted by place.
    pub fn check(&self) -> Vec<Finding> {
        self.checked(self.is_sealed.then_some(&self.registry))
    }

    fn checked(&self, registry: Option<&Registry>) -> Vec<Finding> {
        let names = if self.layout.name() == layout::LAYOUTS[0].name() { Names::Ours } else { Names::Foreign };
        let (migrations, engine) = (&self.migrations, &self.engine);
        let session = self.session.as_ref().map(|(text, place)| (text.as_str(), place));
        check::run(&Input { migrations, registry, engine, names, session, found: &self.findings })
    }

    /// # Errors
    /// Refused when any of the files cannot be trusted to say what would be run; all findings are told.
    pub fn require_sound(&self) -> Result<()> {
        let errors = self.stopping();
        if errors.is_empty() {
            return Ok(());
        }
        let what = format!("the migrations have {}", crate::finding::counted(errors.len(), "error"));
        Err(Fault::refused(what).findings(errors).help("`switchback check` shows all findings"))
    }

    fn stopping(&self) -> Vec<Finding> {
        let stops = |finding: &Finding| {
            finding.severity == Severity::Error && !LEFT_TO_THE_PROOF.contains(&finding.code.as_ref())
        };
        self.checked(None).into_iter().filter(stops).collect()
    }

    /// What keeps [`require_sound`](Project::require_sound) from being content, by the migration that cannot be run for it, and
    /// what is no single migration's.
    pub fn unsound(&self) -> (BTreeMap<Id, Vec<Finding>>, Vec<Finding>) {
        let (mut of_one, mut others): (BTreeMap<Id, Vec<Finding>>, Vec<Finding>) = Default::default();
        for finding in self.stopping() {
            let is_it = |migration: &&Migration| {
                let holds = |path: &str| path == migration.path || migration.scripts().any(|it| it.path() == path);
                finding.migration.as_ref().is_some_and(|id| *id == migration.id)
                    || finding.migration.is_none() && finding.place.as_ref().is_some_and(|place| holds(&place.path))
            };
            match self.migrations.iter().find(is_it).filter(|_| finding.code != layout::DUPLICATE_VERSION) {
                Some(migration) => of_one.entry(migration.id.clone()).or_default().push(finding),
                None => others.push(finding),
            }
        }
        (of_one, others)
    }

    /// # Errors
    /// Refused when part of the folder could not be read, so that nobody can say what stands there.
    pub fn require_readable(&self) -> Result<()> {
        let stops = |finding: &&Finding| {
            finding.severity == Severity::Error && !LEFT_TO_THE_PROOF.contains(&finding.code.as_ref())
        };
        let errors: Vec<Finding> = self.findings.iter().filter(stops).cloned().collect();
        if errors.is_empty() {
            return Ok(());
        }
        let what = format!("the migrations have {}", crate::finding::counted(errors.len(), "error"));
        Err(Fault::refused(what).findings(errors).help("`switchback check` shows all findings"))
    }

    /// The dependency graph.
    ///
    /// # Errors
    /// Refused, with a finding for each cycle and each unknown id.
    pub fn graph(&self) -> Result<Graph<'_>> {
        let nodes: Vec<Node<'_>> = self
            .migrations
            .iter()
            .map(|migration| Node {
                id: &migration.id,
                path: &migration.path,
                declared: migration.settings.requires.as_deref(),
                observed: self
                    .registry
                    .migration(&migration.id, &self.engine)
                    .and_then(|entry| entry.requires.as_deref()),
            })
            .collect();
        Graph::new(&nodes)
            .map_err(|findings| Fault::refused("the migrations cannot be put into an order").findings(findings))
    }

    /// The migrations in dependency order.
    pub fn ordered<'a>(&'a self, graph: &Graph<'_>) -> Vec<&'a Migration> {
        let by_id = self.by_id();
        graph.order().iter().filter_map(|id| by_id.get(id).copied()).collect()
    }

    /// The migrations by id; where one comes twice, the first counts.
    pub fn by_id(&self) -> HashMap<&Id, &Migration> {
        self.migrations.iter().rev().map(|migration| (&migration.id, migration)).collect()
    }

    pub fn get(&self, id: &Id) -> Option<&Migration> {
        self.migrations.iter().find(|migration| migration.id == *id)
    }

    /// The one migration that a part of an id means.
    pub fn find(&self, part: &str) -> Result<&Id> {
        id::find(self.migrations.iter().map(|migration| &migration.id), part)
    }

    /// Whether the registry names exactly these files.
    pub fn is_current(&self) -> bool {
        let sealed = |migration: &Migration| {
            let entry = self.registry.migration(&migration.id, &self.engine);
            entry.is_some_and(|entry| entry.digest == migration.digest())
        };
        self.is_sealed && self.migrations.iter().all(sealed)
    }

    /// Puts the files as they are into the registry (in memory).
    pub fn seal(&mut self) -> Sealed {
        let mut sealed = Sealed::default();
        let ids: BTreeSet<&Id> = self.migrations.iter().map(|migration| &migration.id).collect();
        let gone = self.registry.entries().filter(|entry| entry.engine == self.engine && !ids.contains(&entry.id));
        sealed.removed = gone.map(|entry| entry.id.clone()).collect();
        let engine = self.engine.clone();
        self.registry.retain_migrations(|entry| entry.engine != engine || ids.contains(&entry.id));
        for migration in &self.migrations {
            let old = self.registry.migration(&migration.id, &self.engine).cloned();
            let entry = Entry::seal(migration, &self.engine, old.as_ref());
            match old {
                None => sealed.added.push(migration.id.clone()),
                Some(old) if old.digest != entry.digest => sealed.changed.push(migration.id.clone()),
                Some(_) => {}
            }
            self.registry.set_migration(entry);
        }
        self.registry.prune();
        sealed
    }

    /// Writes the registry if it says something else than the file; whole or not at all.
    pub fn save(&mut self) -> Result<bool> {
        let text = self.registry.to_text();
        if read_bounded(&self.registry_path, MOST)?.is_some_and(|old| old == text) {
            return Ok(false);
        }
        write_whole(&self.registry_path, &text)?;
        self.is_sealed = true;
        Ok(true)
    }
}

/// The migrations of a folder, and the layout that they are in.
fn read_migrations(files: &Files, engine: &str, flavor: Flavor) -> Result<(&'static dyn Layout, Loaded)> {
    let tree = match &files.revision {
        Some(revision) => Tree::on(revision, revision.shown())?,
        None => Tree::read(&files.dir)?,
    };
    let layout = match &files.layout {
        Some(name) => layout::by_name(name)?,
        None => layout::detect(&tree)?,
    };
    let mut loaded = layout::load(layout, &tree, engine, flavor);
    if let Some(dir) = &files.seeds {
        let seeds =
            Tree::read(dir).map_err(|fault| fault.help("`seed` in switchback.toml names the folder of seeds"))?;
        layout::plant(&mut loaded, &seeds, engine, flavor);
    }
    let common = files.session.get(engine);
    if let Some((session, place)) = common {
        require_settings(session, "`[session]`", engine, flavor).map_err(|fault| fault.at(place.clone()))?;
    }
    for migration in &mut loaded.migrations {
        match &migration.settings.session {
            Some(own) => require_settings(own, &format!("`{}`", migration.id), engine, flavor)
                .map_err(|fault| fault.at(Place::new(migration.path.clone(), 1, 1)))?,
            None => migration.settings.session = common.map(|(session, _)| session.clone()),
        }
    }
    Ok((layout, loaded))
}

/// # Errors
/// Where SQL that is to stand before scripts is none, or reaches into their transaction.
fn require_settings(session: &str, whose: &str, engine: &str, flavor: Flavor) -> Result<()> {
    let script = class::session_script(session, flavor);
    if let Some(problem) = script.problem() {
        return Err(Fault::usage(format!("the session SQL of {whose} for {engine} is no script: {}", problem.message)));
    }
    if class::controls_transactions(&script) {
        let fault = Fault::usage(format!("the session SQL of {whose} for {engine} begins or ends a transaction"));
        return Err(fault.help("it stands before the scripts, outside of their transaction"));
    }
    Ok(())
}

/// The registry, and whether there is one.
fn read_registry(path: &Path) -> Result<(Registry, bool)> {
    parsed(path.display().to_string(), read_bounded(path, MOST)?)
}

/// The registry that a revision has.
fn registry_of(revision: &revision::Files) -> Result<(Registry, bool)> {
    let shown = format!("{}/{}", revision.shown(), registry::FILE);
    let bytes = revision.get(registry::FILE);
    if bytes.is_some_and(|bytes| bytes.len() > registry::MAX_BYTES) {
        return Err(too_large(&shown, MOST));
    }
    parsed(shown, bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn parsed(shown: String, text: Option<String>) -> Result<(Registry, bool)> {
    match text.filter(|text| !is_blank(text)) {
        Some(text) => Ok((Registry::parse(&shown, &text)?, true)),
        None => Ok((Registry::new(shown), false)),
    }
}

/// The most bytes of a registry.
const MOST: u64 = registry::MAX_BYTES as u64;

fn too_large(shown: &str, most: u64) -> Fault {
    Fault::usage(format!("`{shown}` is larger than {} MB", most >> 20))
}

/// A registry that holds nothing at all (an editor's or a crash's) is as good as none: sealing writes it.
fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim().is_empty()
}

/// Writes a file beside its place and moves it there, so that a reader sees the old or the new one.
pub fn write_whole(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| Fault::io(format!("cannot write `{}`", path.display()), &error);
    let beside = path.with_extension(format!("tmp{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        failed(error)
    })
}

/// Reads a file of at most so many bytes; `None` where there is none.
///
/// # Errors
/// A usage error where it is larger or no file, or when it cannot be read.
pub fn read_bounded(path: &Path, most: u64) -> Result<Option<String>> {
    let failed = |error: &std::io::Error| Fault::io(format!("cannot read `{}`", path.display()), error);
    match std::fs::metadata(path) {
        Ok(facts) if facts.len() > most => return Err(too_large(&path.display().to_string(), most)),
        Ok(facts) if !facts.is_file() => {
            return Err(Fault::new(FaultKind::Usage, format!("`{}` is no file", path.display())));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| failed(&error))
}

/// The engine that a URL scheme means, as the registry names it.
pub fn engine_name(scheme: &str) -> Option<&'static str> {
    match crate::engine::by_scheme(scheme)?.dialect().name {
        "mysql" if scheme == "mariadb" => Some("mariadb"),
        name => Some(name),
    }
}

/// The engines that the folder's registry holds entries for.
pub fn sealed_engines(files: &Files) -> Result<Vec<&'static str>> {
    let path = files.dir.join(registry::FILE);
    let Some(text) = read_bounded(&path, MOST)?.filter(|text| !is_blank(text)) else { return Ok(Vec::new()) };
    let registry = Registry::parse(&path.display().to_string(), &text)?;
    Ok(registry.engines().into_iter().filter_map(engine_name).collect())
}
