//! Checks: what can be said about migrations without a database.
//!
//! One file per check, one ordered list of them. A check is a pure rule over a [`View`]; it never sees another check. All
//! of them run, always, so that everything is told at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::class::{Class, classify};
use crate::finding::{Finding, Place, Severity};
use crate::graph::{Graph, Node};
use crate::id::Id;
use crate::migration::{Migration, Transaction};
use crate::registry::{Drift, Entry, Registry};
use crate::sql::Script;

mod cosmetic;
mod digest_differs;
mod down_copy;
mod down_empty;
mod down_missing;
mod down_vacuous;
mod edited;
mod enum_in_use;
mod gone;
mod group_split;
mod id_double;
mod id_form;
mod if_not_exists;
mod irreversible_reason;
mod name_long;
mod registry_conflict;
mod requires_cycle;
mod requires_unknown;
mod script;
mod settings_changed;
mod transaction_control;
mod transaction_mixed;
mod unsealed;
mod waived;

/// The family, in the order in which it is shown.
pub static CHECKS: &[&dyn Check] = &[
    &unsealed::Unsealed,
    &gone::Gone,
    &edited::Edited,
    &cosmetic::Cosmetic,
    &settings_changed::SettingsChanged,
    &digest_differs::DigestDiffers,
    &registry_conflict::RegistryConflict,
    &id_double::IdDouble,
    &id_form::IdForm,
    &script::ScriptProblem,
    &down_missing::DownMissing,
    &down_empty::DownEmpty,
    &down_vacuous::DownVacuous,
    &down_copy::DownCopy,
    &irreversible_reason::IrreversibleReason,
    &transaction_control::TransactionControl,
    &transaction_mixed::TransactionMixed,
    &enum_in_use::EnumInUse,
    &if_not_exists::IfNotExists,
    &name_long::NameLong,
    &requires_unknown::RequiresUnknown,
    &requires_cycle::RequiresCycle,
    &group_split::GroupSplit,
    &waived::Waived,
];

/// One rule.
pub trait Check: Sync {
    /// Stable kebab-case code of its findings. (What the reader of scripts finds keeps its own code.)
    fn code(&self) -> &'static str;

    /// What it looks for and why, in one or two sentences.
    fn about(&self) -> &'static str;

    /// Everything it finds, in any order.
    fn run(&self, view: &View<'_>) -> Vec<Finding>;
}

/// Whose names the migrations have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Our own layout: new ids follow our form.
    Ours,
    /// Another tool's layout: names are kept as they are.
    Foreign,
}

/// What is checked.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// In the order of their folder.
    pub migrations: &'a [Migration],
    /// `None`: there is no registry file.
    pub registry: Option<&'a Registry>,
    /// `sqlite`, `postgres`, `mysql`, `mariadb`.
    pub engine: &'a str,
    pub names: Names,
    /// What the project's `[session]` puts before the scripts on this engine, and where it is said.
    pub session: Option<(&'a str, &'a Place)>,
    /// What the layout found when it read the folder.
    pub found: &'a [Finding],
}

/// What a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Up,
    Down,
    Verify,
    Seed,
}

/// One script with the classes of its statements.
#[derive(Debug)]
pub struct Part<'a> {
    pub migration: &'a Migration,
    pub role: Role,
    pub script: &'a Script,
    /// One for each statement; none where the script has a problem, since nothing can be said of such a script.
    pub classes: Vec<Class>,
}

/// The input, with what several checks need of it worked out once.
#[derive(Debug)]
pub struct View<'a> {
    pub input: &'a Input<'a>,
    pub parts: Vec<Part<'a>>,
    /// In dependency order; none where the edges give no order.
    pub ordered: Vec<&'a Migration>,
    /// What the graph says against the edges.
    pub edges: Vec<Finding>,
    /// Every way in which the migrations differ from what is sealed of them.
    pub drift: Vec<(&'a Migration, Drift)>,
    /// Ids that the registry contradicts itself about.
    pub conflicts: BTreeSet<&'a Id>,
}

/// Runs every check. All findings, those of the layout among them, by file and line.
pub fn run(input: &Input<'_>) -> Vec<Finding> {
    let view = View::new(input);
    let mut findings = input.found.to_vec();
    findings.extend(CHECKS.iter().flat_map(|check| check.run(&view)));
    findings.sort_by(|a, b| (&a.place, &a.code, &a.migration).cmp(&(&b.place, &b.code, &b.migration)));
    findings
}

impl<'a> View<'a> {
    pub fn new(input: &'a Input<'a>) -> Self {
        let parts = input.migrations.iter().flat_map(parts).collect();
        let conflicts = input.registry.map(|registry| registry.conflicts(input.engine)).unwrap_or_default();
        let conflicts = conflicts.into_iter().collect();
        let mut view = View { input, parts, ordered: Vec::new(), edges: Vec::new(), drift: Vec::new(), conflicts };
        match view.ordered() {
            Ok(ordered) => view.ordered = ordered,
            Err(findings) => view.edges = findings,
        }
        view.drift = input.migrations.iter().flat_map(|migration| view.drift_of(migration)).collect();
        view
    }

    fn drift_of(&self, migration: &'a Migration) -> impl Iterator<Item = (&'a Migration, Drift)> + use<'a> {
        let drift = self.sealed(migration).map(|entry| entry.drift(migration)).unwrap_or_default();
        drift.into_iter().map(move |drift| (migration, drift))
    }

    fn ordered(&self) -> Result<Vec<&'a Migration>, Vec<Finding>> {
        let paths: Vec<String> = self.input.migrations.iter().map(|migration| self.settings_path(migration)).collect();
        let migrations = self.input.migrations.iter().zip(&paths);
        let nodes: Vec<Node<'_>> = migrations
            .map(|(migration, path)| Node {
                id: &migration.id,
                path,
                declared: migration.settings.requires.as_deref(),
                observed: self.sealed(migration).and_then(|entry| entry.requires.as_deref()),
            })
            .collect();
        let graph = Graph::new(&nodes)?;
        let by_id: BTreeMap<&Id, &Migration> = self.input.migrations.iter().rev().map(|one| (&one.id, one)).collect();
        Ok(graph.order().iter().filter_map(|id| by_id.get(id).copied()).collect())
    }

    /// The scripts of one role.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Part<'a>> {
        self.parts.iter().filter(move |part| part.role == role)
    }

    /// The file in which a migration's settings stand.
    pub fn settings_path(&self, migration: &Migration) -> String {
        match self.input.names {
            Names::Ours => format!("{}/migration.toml", migration.path),
            Names::Foreign => migration.up.path().to_owned(),
        }
    }

    /// What the registry holds of a migration, unless it contradicts itself.
    pub fn sealed(&self, migration: &Migration) -> Option<&'a Entry> {
        let certain = !self.conflicts.contains(&migration.id);
        self.input.registry.filter(|_| certain)?.migration(&migration.id, self.input.engine)
    }

    /// A finding against a way back: an error, but a note where somebody waived it.
    pub fn against_down(&self, migration: &Migration, code: &'static str, message: &str) -> Finding {
        let waiver = self.input.registry.and_then(|registry| registry.waiver(&migration.digest(), self.input.engine));
        let finding = match waiver {
            Some(_) => Finding::new(code, Severity::Note, format!("{message} (waived)")),
            None => Finding::error(code, message),
        };
        finding.of(&migration.id)
    }
}

impl Part<'_> {
    /// Whether the script runs inside our transaction where the engine has them.
    pub fn transaction(&self) -> Transaction {
        match self.role {
            Role::Up => self.migration.settings.transaction.up,
            Role::Down => self.migration.settings.transaction.down,
            Role::Verify | Role::Seed => Transaction::Auto,
        }
    }

    /// Where a statement begins.
    pub fn place(&self, statement: usize) -> Place {
        let offset = self.script.statements().get(statement).map_or(0, |statement| statement.span.start);
        self.script.place(offset)
    }
}

/// The first line of a script.
pub fn top(script: &Script) -> Place {
    Place::new(script.path(), script.first_line(), 1)
}

/// The scripts of a migration.
fn parts<'a>(migration: &'a Migration) -> Vec<Part<'a>> {
    let scripts = [
        (Role::Up, Some(&migration.up)),
        (Role::Down, migration.down.script()),
        (Role::Verify, migration.verify.as_ref()),
        (Role::Seed, migration.seed.as_ref()),
    ];
    let part = |(role, script): (Role, Option<&'a Script>)| {
        let script = script?;
        let usable = if script.problem().is_none() { script.statements() } else { &[] };
        let classes = usable.iter().map(|statement| classify(script, statement)).collect();
        Some(Part { migration, role, script, classes })
    };
    scripts.into_iter().filter_map(part).collect()
}
