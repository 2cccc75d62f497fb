//! I10 over the whole suite: no password that a test used may stand in what came of it.
//!
//! Every run of the binary goes through the sandbox, which notes the passwords that the run is given and looks for them in all
//! that it says; at its end it looks into the files that the runs have left, and into the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor};
use switchback::ledger;
use url::Url;

use super::{Connection, Kind, unique};

/// Shorter ones are words that may stand anywhere.
const SHORTEST: usize = 8;

/// Files in which users keep passwords; nobody else writes those.
const KEEPERS: [&str; 4] = [".env", ".pgpass", ".my.cnf", "switchback.toml"];

/// Variables that hold passwords.
const VARIABLES: [&str; 2] = ["PGPASSWORD", "MYSQL_PWD"];

/// Larger files are data.
const MOST: u64 = 16 << 20;

/// Passwords in play, in every form that they may be shown in.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<Mutex<BTreeSet<String>>>);

/// How a file was when the test itself had written it.
pub type Written = Mutex<BTreeMap<PathBuf, (u64, Option<SystemTime>)>>;

impl Secrets {
    pub fn is_empty(&self) -> bool {
        self.0.lock().expect("no panic").is_empty()
    }

    /// From now on, this is in play.
    pub fn note(&self, password: &str) {
        if password.len() < SHORTEST {
            return;
        }
        let percent =
            |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        let encoded: String = password.bytes().map(percent).collect();
        let runs = password.split(|ch: char| !ch.is_ascii_alphanumeric()).filter(|run| run.len() >= SHORTEST);
        let mut known = self.0.lock().expect("no panic");
        known.extend(runs.map(str::to_owned).chain([password.to_owned(), encoded.to_lowercase(), encoded]));
    }

    /// The password of a URL, where it has one.
    pub fn note_url(&self, text: &str) {
        let Some(url) = text.find("://").and_then(|_| Url::parse(text.trim_start_matches("ledger:")).ok()) else {
            return;
        };
        let in_query = url.query_pairs().filter(|(name, _)| name == "password").map(|(_, value)| value.into_owned());
        let password = url.password().map(decoded);
        in_query.chain(password).for_each(|password| self.note(&password));
    }

    /// What a command is given.
    pub fn note_command(&self, command: &Command) {
        for (name, value) in command.get_envs() {
            let Some(value) = value.and_then(|value| value.to_str()) else { continue };
            if VARIABLES.iter().any(|variable| name == *variable) {
                self.note(value);
            }
            self.note_url(value);
        }
        command.get_args().filter_map(|arg| arg.to_str()).for_each(|arg| self.note_url(arg));
    }

    /// The secret that stands in a text, if one does.
    pub fn found_in(&self, text: &str) -> Option<String> {
        self.0.lock().expect("no panic").iter().find(|secret| text.contains(secret.as_str())).cloned()
    }

    /// Fails where a secret is in what a command said.
    #[track_caller]
    pub fn none_in(&self, what: &str, text: &str) {
        if let Some(secret) = self.found_in(text) {
            panic!("i10: a password ({secret}) is shown by {what}:\n{text}");
        }
    }

    /// Files below a folder in which a secret stands, but for those that the test has written itself.
    pub fn in_files(&self, dir: &Path, written: &Written) -> Vec<String> {
        let mut found = Vec::new();
        let Ok(entries) = fs::read_dir(dir) else { return found };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Ok(facts) = fs::symlink_metadata(&path) else { continue };
            if facts.is_dir() {
                found.extend(self.in_files(&path, written));
            }
            let is_own = written.lock().expect("no panic").get(&path) == Some(&as_written(&facts));
            let keeps = KEEPERS.iter().any(|name| path.ends_with(name));
            if !facts.is_file() || is_own || keeps || facts.len() > MOST {
                continue;
            }
            let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            found.extend(self.found_in(&text).map(|secret| format!("{secret} in {}", path.display())));
        }
        found
    }

    /// Rows of our tables in which a secret stands. `prefix` is what the tables' names begin with.
    pub fn in_tables(&self, kind: Kind, connection: &mut Connection, prefix: &str) -> Vec<String> {
        let ledger = ledger::COLUMNS.join(", ");
        let tables = [
            ("ledger", ledger.as_str()),
            ("script", "checksum, body"),
            ("lease", "run, actor, host, pid, what, backend"),
            ("journal", "run, state, checksum, backend"),
        ];
        let mut found = Vec::new();
        for (table, columns) in tables {
            let rows = match kind {
                Kind::Postgres => format!("SELECT t::text FROM {prefix}switchback_{table} AS t"),
                _ => format!("SELECT {columns} FROM {prefix}switchback_{table}"),
            };
            // A table that is not there holds nothing.
            for row in connection.attempt(&rows).unwrap_or_default() {
                let text: String = row.into_iter().flatten().collect::<Vec<_>>().join("\n");
                found.extend(self.found_in(&text).map(|secret| format!("{secret} in switchback_{table}: {text}")));
            }
        }
        found
    }
}

pub fn as_written(facts: &fs::Metadata) -> (u64, Option<SystemTime>) {
    (facts.len(), facts.modified().ok())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits: Vec<u8> = if byte == b'%' { rest.by_ref().take(2).collect() } else { Vec::new() };
        let value = std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.unwrap_or(byte));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The server's URL with a password, so that there is one to be shown, where it has none and takes any (`trust`).
pub fn with_password(kind: Kind, server: Url) -> Url {
    static TAKEN: OnceLock<Option<String>> = OnceLock::new();
    if kind != Kind::Postgres || server.password().is_some() {
        return server;
    }
    let with = |password: &str| {
        let mut url = server.clone();
        url.set_password(Some(password)).expect("a URL with a host");
        url
    };
    let password = TAKEN.get_or_init(|| {
        // As it stands in a URL.
        let password = format!("k%2F4%25{}", unique("canary").replace('_', "x"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let takes = runtime.block_on(async {
            let mut connection = PgConnection::connect(with(&password).as_str()).await?;
            connection.execute("SELECT 1").await
        });
        takes.is_ok().then_some(password)
    });
    password.as_deref().map_or_else(|| server.clone(), with)
}
