//! Migrations: an up script, the way back, and what they stand on.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::class;
use crate::id::Id;
use crate::sha::Sha;
use crate::sql::Script;

/// A longer data statement is not read for the tables that it takes rows from.
const MAX_READ_BYTES: usize = 64 << 10;

/// The way back of a migration.
#[derive(Clone, Debug)]
pub enum Down {
    /// A script that undoes the up.
    Script(Script),
    /// Declared: there is no way back, and why.
    Irreversible(String),
    /// No down script (other tools' layouts allow it).
    Missing,
}

impl Down {
    /// The script, where there is one.
    pub fn script(&self) -> Option<&Script> {
        match self {
            Down::Script(script) => Some(script),
            Down::Irreversible(_) | Down::Missing => None,
        }
    }

    /// Whether it writes rows, or may.
    pub fn may_write_rows(&self) -> bool {
        let writes = |script: &Script| {
            let mut classes = script.statements().iter().map(|statement| class::classify(script, statement));
            classes.any(|class| class.writes_rows.is_some() || class.takes_rows || class.opaque)
        };
        self.script().is_some_and(writes)
    }
}

/// Whether a script runs inside our transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transaction {
    /// Inside, unless the engine or a statement of the script forbids it.
    #[default]
    Auto,
    /// Outside: each statement by itself, journalled.
    Off,
}

/// What `migration.toml` (or another tool's markers) says beside the scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Declared edges; `None`: not declared, to be observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Vec<Id>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    /// Steps that are reversible only together share a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default)]
    pub transaction: TransactionModes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub irreversible: Option<Irreversible>,
    /// SQL that is run in the session before each of the scripts: its own, or what the project's `[session]` says for the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// The transaction mode of each direction (goose and sqlx name one for both, dbmate one per section).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrTwo")]
pub struct TransactionModes {
    pub up: Transaction,
    pub down: Transaction,
}

/// `transaction = "off"` or `transaction = { up = "off", down = "auto" }`.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "expected \"auto\", \"off\" or { up = \"…\", down = \"…\" }")]
enum OneOrTwo {
    One(Transaction),
    Two {
        #[serde(default)]
        up: Transaction,
        #[serde(default)]
        down: Transaction,
    },
}

impl From<OneOrTwo> for TransactionModes {
    fn from(modes: OneOrTwo) -> Self {
        match modes {
            OneOrTwo::One(mode) => TransactionModes { up: mode, down: mode },
            OneOrTwo::Two { up, down } => TransactionModes { up, down },
        }
    }
}

/// `[irreversible] reason = "…"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Irreversible {
    pub reason: String,
}

/// A migration as one engine would run it.
#[derive(Clone, Debug)]
pub struct Migration {
    pub id: Id,
    pub up: Script,
    pub down: Down,
    /// Queries that must each return true (or a row) once the migration is applied.
    pub verify: Option<Script>,
    /// Rows for the shadow only.
    pub seed: Option<Script>,
    pub settings: Settings,
    /// The folder or file it was read from, as the user would type it.
    pub path: String,
}

impl Migration {
    /// Content address: SHA-256 over the token checksums of the scripts that run and over the settings that decide how.
    /// The ticket and the rationale are words about the change, not part of it; the seed is for the shadow only.
    pub fn digest(&self) -> Sha {
        let down = match &self.down {
            Down::Script(script) => script.checksum().tokens.clone(),
            Down::Irreversible(reason) => format!("irreversible {reason}"),
            Down::Missing => "missing".to_owned(),
        };
        let verify = self.verify.as_ref().map(|script| script.checksum().tokens.clone());
        let settings = self.settings_sha();
        let fields = ["switchback-migration-v1", &self.up.checksum().tokens, &down, settings.as_str()];
        Sha::of_fields(fields.into_iter().map(Some).chain([verify.as_deref()]))
    }

    /// SHA-256 over the settings that decide how the scripts run.
    pub fn settings_sha(&self) -> Sha {
        self.settings.sha()
    }

    /// Its scripts: up, down, verify, seed, where they are there.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> {
        [Some(&self.up), self.down.script(), self.verify.as_ref(), self.seed.as_ref()].into_iter().flatten()
    }

    /// Those of them that the ledger keeps.
    pub fn kept(&self) -> impl Iterator<Item = &Script> {
        [Some(&self.up), self.down.script(), self.verify.as_ref()].into_iter().flatten()
    }

    /// The literals by which its scripts choose rows, each once, as values that rows may hold.
    pub fn literals(&self) -> Vec<String> {
        let literals: BTreeSet<String> = self.ways().into_iter().flat_map(Script::chosen_literals).collect();
        literals.into_iter().collect()
    }

    /// The names in its data statements, in lower case: the tables that they write and those that they read are among them.
    pub fn data_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for script in self.ways() {
            for statement in script.statements() {
                let Some(table) = class::classify(script, statement).writes_rows else { continue };
                // Longer ones are values.
                if statement.span.len() <= MAX_READ_BYTES {
                    names.extend(script.names_of(statement));
                }
                names.insert(table.to_lowercase());
            }
        }
        names
    }

    /// The up, and the down where there is one.
    pub fn ways(&self) -> Vec<&Script> {
        [Some(&self.up), self.down.script()].into_iter().flatten().collect()
    }

    /// The members of a group as one migration: the ups in this order, and the ways back in the reverse one. The rows of
    /// `seed.sql` are those of the first.
    pub fn joined(members: &[&Migration]) -> Option<Migration> {
        let (first, last) = (*members.first()?, *members.last()?);
        let irreversible = members.iter().find_map(|member| match &member.down {
            Down::Irreversible(reason) => Some(Down::Irreversible(reason.clone())),
            Down::Script(_) | Down::Missing => None,
        });
        let downs: Option<Vec<&Script>> = members.iter().rev().map(|member| member.down.script()).collect();
        let scripts = downs.and_then(|downs| Script::joined(&downs)).map_or(Down::Missing, Down::Script);
        let verifies: Vec<&Script> = members.iter().filter_map(|member| member.verify.as_ref()).collect();
        let is_off = |of: fn(&TransactionModes) -> Transaction| {
            members.iter().any(|member| of(&member.settings.transaction) == Transaction::Off)
        };
        let mode = |off: bool| if off { Transaction::Off } else { Transaction::Auto };
        let transaction =
            TransactionModes { up: mode(is_off(|modes| modes.up)), down: mode(is_off(|modes| modes.down)) };
        Some(Migration {
            id: last.id.clone(),
            up: Script::joined(&members.iter().map(|member| &member.up).collect::<Vec<_>>())?,
            down: irreversible.unwrap_or(scripts),
            verify: Script::joined(&verifies),
            seed: first.seed.clone(),
            settings: Settings { transaction, ..first.settings.clone() },
            path: last.path.clone(),
        })
    }

    /// Whether it is one group with another that stands beside it.
    pub fn is_one_group_with(&self, other: &Migration) -> bool {
        is_one_group(self.settings.group.as_deref(), other.settings.group.as_deref())
    }

    /// Whether no script of it holds a statement: there is nothing to undo. Histories for several engines have such, where
    /// one of them needs no change.
    pub fn is_blank(&self) -> bool {
        let is_empty = |script: &Script| script.problem().is_none() && script.statements().is_empty();
        is_empty(&self.up) && self.down.script().is_some_and(is_empty)
    }

    /// Whether the way back is declared not to exist.
    pub fn is_irreversible(&self) -> bool {
        matches!(self.down, Down::Irreversible(_))
    }
}

impl Settings {
    /// SHA-256 over those that decide how the scripts run.
    pub fn sha(&self) -> Sha {
        let requires = self.requires.as_ref().map(|ids| {
            let mut names: Vec<&str> = ids.iter().map(Id::as_str).collect();
            names.sort_unstable();
            names.join("\n")
        });
        let modes = format!("{:?} {:?}", self.transaction.up, self.transaction.down);
        let reason = self.irreversible.as_ref().map(|declared| declared.reason.as_str());
        let fields = [requires.as_deref(), Some(&modes), self.group.as_deref(), reason];
        // A field more only where it is said: a project without one keeps the digests that it has.
        Sha::of_fields(fields.into_iter().chain(self.session.as_deref().map(Some)))
    }
}

/// Where each unit begins and ends: what joins the one before it is one with it, everything else is by itself.
pub fn units<T>(items: &[T], joins: impl Fn(&T, &T) -> bool) -> Vec<Range<usize>> {
    let mut units: Vec<Range<usize>> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match units.last_mut() {
            Some(unit) if joins(&items[at - 1], item) => unit.end = at + 1,
            _ => units.push(at..at + 1),
        }
    }
    units
}

/// Whether two migrations that stand side by side are members of one group.
pub fn is_one_group(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_some() && one == other
}

/// What binds the proof of a member to its group: SHA-256 over the digests of all members; `None` where it is by itself.
pub fn group_sha(digests: &[&Sha]) -> Option<Sha> {
    let parts = ["switchback-group-v1"].into_iter().chain(digests.iter().map(|digest| digest.as_str()));
    (digests.len() > 1).then(|| Sha::of_parts(parts))
}
