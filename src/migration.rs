//! Migrations: an up script, the way back, and what they stand on.

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::sha::Sha;
use crate::sql::Script;

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

    /// The literals by which its scripts choose rows, as values that rows may hold.
    pub fn literals(&self) -> Vec<String> {
        let scripts = [Some(&self.up), self.down.script()];
        scripts.into_iter().flatten().flat_map(Script::chosen_literals).collect()
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
