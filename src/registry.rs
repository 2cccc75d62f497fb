//! The registry: what is sealed, proven and waived, as one text file beside the migrations.
//!
//! `registry.toml` is written by us and merged by git. So it has one inline table per line, sorted, and `merge=union` may
//! double or disorder lines as it likes: what a line means is decided by its key when it is read. Identical lines are
//! one; of two waivers the newer counts; two lines that seal the same migration differently are both kept and told
//! ([`Registry::conflicts`]), since only the files can say which is right.
//!
//! Four lines stand between the entries of two arrays. Git melts conflicts that are three lines apart or less into one,
//! and a union of such a one would double the brackets between them.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use crate::fault::{Fault, Result};
use crate::finding::Place;
use crate::id::Id;
use crate::lines::{File, Line, Row, inline_table};
use crate::migration::Migration;
use crate::proof::{Drops, Evidence, Proof, Waiver};
use crate::sha::Sha;
use crate::sql::{Checksum, Script};

/// The name of the file in the folder of migrations.
pub const FILE: &str = "registry.toml";

/// The largest registry that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// The line that names the version of the file's form.
const HEAD: &str = "format = 1";

/// What is sealed of one migration as one engine runs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    pub id: Id,
    /// `sqlite`, `postgres`, `mysql`, `mariadb`: scripts and their tokens depend on it.
    pub engine: String,
    pub digest: Sha,
    pub up: Checksum,
    pub down: Option<Checksum>,
    pub verify: Option<Checksum>,
    pub settings: Sha,
    /// Edges: the declared ones, or those that a verification observed; `None`: not observed yet.
    pub requires: Option<Vec<Id>>,
    /// The objects that a verification saw it write, as `table public.users`; `None`: not observed yet.
    pub writes: Option<Vec<String>>,
}

impl Entry {
    /// Seals a migration as it stands. Declared edges win over observed ones.
    pub fn seal(migration: &Migration, engine: &str, old: Option<&Entry>) -> Self {
        // What was observed of other scripts says nothing about these.
        let observed = old.filter(|old| old.digest == migration.digest());
        let requires = migration.settings.requires.as_ref();
        let mut requires = requires.or_else(|| observed?.requires.as_ref()).cloned();
        if let Some(ids) = &mut requires {
            ids.sort_unstable();
            ids.dedup();
        }
        Entry {
            id: migration.id.clone(),
            engine: engine.to_owned(),
            digest: migration.digest(),
            up: migration.up.checksum().clone(),
            down: migration.down.script().map(|script| script.checksum().clone()),
            verify: migration.verify.as_ref().map(|script| script.checksum().clone()),
            settings: migration.settings_sha(),
            requires,
            writes: observed.and_then(|old| old.writes.clone()),
        }
    }
}

/// A script of a migration that the registry holds checksums of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Up,
    Down,
    Verify,
}

impl Part {
    /// The script of a migration, where there is one.
    pub fn script(self, migration: &Migration) -> Option<&Script> {
        match self {
            Part::Up => Some(&migration.up),
            Part::Down => migration.down.script(),
            Part::Verify => migration.verify.as_ref(),
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Part::Up => "up",
            Part::Down => "down",
            Part::Verify => "verify",
        }
    }
}

/// One way in which a migration differs from what is sealed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drift {
    /// Its tokens differ: it does something else.
    Edited(Part),
    /// Comments or white space differ, its tokens do not.
    Cosmetic(Part),
    /// A script that was not there when it was sealed.
    Added(Part),
    /// A script that was there when it was sealed.
    Removed(Part),
    /// The settings that decide how it runs.
    Settings,
    /// The scripts and settings agree, the digest does not: the line was edited, or an older switchback wrote it.
    Digest,
}

impl Entry {
    /// Everything in which a migration differs from this entry; empty when it is as it was sealed.
    pub fn drift(&self, migration: &Migration) -> Vec<Drift> {
        let sealed =
            [(Part::Up, Some(&self.up)), (Part::Down, self.down.as_ref()), (Part::Verify, self.verify.as_ref())];
        let compare =
            |(part, sealed): (Part, Option<&Checksum>)| match (sealed, part.script(migration).map(Script::checksum)) {
                (Some(old), Some(new)) if old.tokens != new.tokens => Some(Drift::Edited(part)),
                (Some(old), Some(new)) if old.text != new.text => Some(Drift::Cosmetic(part)),
                (None, Some(_)) => Some(Drift::Added(part)),
                (Some(_), None) => Some(Drift::Removed(part)),
                (Some(_), Some(_)) | (None, None) => None,
            };
        let mut out: Vec<Drift> = sealed.into_iter().filter_map(compare).collect();
        if self.settings != migration.settings_sha() {
            out.push(Drift::Settings);
        }
        if out.iter().all(|drift| matches!(drift, Drift::Cosmetic(_))) && self.digest != migration.digest() {
            out.push(Drift::Digest);
        }
        out
    }
}

/// The registry as a value. Equal registries have the same text.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    path: String,
    /// By id; in each list by engine, with more than one per engine where lines conflict. With the line of the file.
    migrations: BTreeMap<Id, Vec<(Entry, u32)>>,
    /// Digest of the empty schema, by engine and major version.
    empties: BTreeSet<(String, String, Sha)>,
    /// By the migration's digest, sorted.
    proofs: BTreeMap<Sha, Vec<Proof>>,
    /// By the migration's digest, one for each id and engine.
    waivers: BTreeMap<Sha, Vec<Waiver>>,
}

impl PartialEq for Registry {
    /// Where it came from and on which line something stood makes no difference.
    fn eq(&self, other: &Self) -> bool {
        self.entries().eq(other.entries())
            && self.empties == other.empties
            && self.proofs == other.proofs
            && self.waivers == other.waivers
    }
}

impl Registry {
    /// An empty registry that will be written to `path`.
    pub fn new(path: impl Into<String>) -> Self {
        Registry { path: path.into(), ..Registry::default() }
    }

    /// Reads the text of a registry; `path` is where it came from, as the user would type it.
    ///
    /// # Errors
    /// A usage fault with place and line for what is not a registry: conflict markers, an unknown key, a newer format.
    pub fn parse(path: &str, text: &str) -> Result<Self> {
        let file = File { path, text };
        if text.len() > MAX_BYTES {
            let most = MAX_BYTES >> 20;
            return Err(Fault::usage(format!("the registry is larger than {most} MB")).at(Place::new(path, 1, 1)));
        }
        match Registry::read_lines(&file) {
            Some(read) => read,
            None => Registry::read_toml(&file),
        }
    }

    /// Reads the form that we write, line by line, several times faster than TOML at large. `None`: not in that form.
    fn read_lines(file: &File<'_>) -> Option<Result<Self>> {
        let mut registry = Registry::new(file.path);
        let (mut at, mut line) = (0, 0);
        let (mut within, mut seen) = (None, BTreeSet::new());
        for whole in file.text.split_inclusive('\n') {
            // A CR alone ends no line of TOML.
            let text = whole.strip_suffix("\r\n").or(whole.strip_suffix('\n')).unwrap_or(whole);
            line += 1;
            match within {
                // TOML takes no control characters in a comment, and a fault of its reader has the place.
                _ if text.starts_with('#') && text.chars().any(|ch| ch.is_ascii_control() && ch != '\t') => {
                    return None;
                }
                _ if text.is_empty() || text.starts_with('#') => {}
                None if [HEAD, "migrations = [", "proofs = [", "waivers = ["].contains(&text) => {
                    within = text.strip_suffix(" = [");
                    if !seen.insert(text) {
                        return None;
                    }
                }
                Some(_) if text == "]" => within = None,
                Some(array) => {
                    let row = Row { file, at: at + "  ".len(), line, fields: inline_table(text, at)? };
                    if let Err(fault) = registry.read(array, &row) {
                        return Some(Err(fault));
                    }
                }
                None => return None,
            }
            at += whole.len();
        }
        (within.is_none() && seen.contains(HEAD)).then(|| Ok(registry.sorted()))
    }

    /// Reads whatever is TOML: what a formatter or a hand has made of it, or a clear fault.
    fn read_toml(file: &File<'_>) -> Result<Self> {
        let root = DeTable::parse(file.text).map_err(|error| file.unreadable(&error))?;
        let mut registry = Registry::new(file.path);
        let mut has_format = false;
        for (key, value) in root.get_ref() {
            match key.get_ref().as_ref() {
                "format" => {
                    has_format = true;
                    file.check_format(value.get_ref(), value.span().start)?;
                }
                array @ ("migrations" | "proofs" | "waivers") => {
                    file.rows(array, value)?.iter().try_for_each(|row| registry.read(array, row))?;
                }
                other => return Err(file.fault(key.span().start, format!("unknown key `{other}`"))),
            }
        }
        if !has_format {
            return Err(file.fault(0, "`format = 1` is missing").help("`switchback seal` writes the registry anew"));
        }
        Ok(registry.sorted())
    }

    fn read(&mut self, array: &str, row: &Row<'_>) -> Result<()> {
        match array {
            "migrations" => self.read_migration(row),
            "proofs" => self.read_proof(row),
            "waivers" => self.read_waiver(row),
            _ => Err(row.file.fault(row.at, format!("unknown key `{array}`"))),
        }
    }

    fn sorted(mut self) -> Self {
        for proofs in self.proofs.values_mut() {
            proofs.sort_unstable();
            proofs.dedup();
        }
        self
    }

    /// The file it was read from or will be written to.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All entries, by id and engine.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.migrations.values().flatten().map(|(entry, _)| entry)
    }

    /// The entry that seals a migration for an engine. MariaDB falls back to what is sealed for MySQL, as its scripts do.
    pub fn migration(&self, id: &Id, engine: &str) -> Option<&Entry> {
        self.sealed(id, engine).map(|(entry, _)| entry)
    }

    /// The entry that seals a migration as it is now.
    pub fn sealed_as(&self, migration: &Migration, engine: &str) -> Option<&Entry> {
        self.migration(&migration.id, engine).filter(|entry| entry.digest == migration.digest())
    }

    /// The entry of each id that holds for an engine, by id.
    pub fn sealed_for<'a>(&'a self, engine: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.migrations.keys().filter_map(move |id| self.migration(id, engine))
    }

    /// The place of that entry in the file.
    pub fn place(&self, id: &Id, engine: &str) -> Option<Place> {
        self.sealed(id, engine).map(|(_, line)| Place::new(&self.path, (*line).max(1), 1))
    }

    /// Ids that an engine has two different entries of, which a merge left behind; sealing mends them.
    pub fn conflicts(&self, engine: &str) -> Vec<&Id> {
        let twice = |entries: &&Vec<(Entry, u32)>| {
            let of = |engine: &str| entries.iter().filter(|(entry, _)| entry.engine == engine).count();
            let own = of(engine);
            own > 1 || (own == 0 && fallback(engine).is_some_and(|other| of(other) > 1))
        };
        self.migrations.iter().filter(|(_, entries)| twice(entries)).map(|(id, _)| id).collect()
    }

    /// The engines that anything is sealed for.
    pub fn engines(&self) -> BTreeSet<&str> {
        self.entries().map(|entry| entry.engine.as_str()).collect()
    }

    /// Seals: replaces what stood for the entry's id and engine.
    pub fn set_migration(&mut self, entry: Entry) {
        let entries = self.migrations.entry(entry.id.clone()).or_default();
        let line = entries.iter().find(|(old, _)| old.engine == entry.engine).map_or(0, |(_, line)| *line);
        entries.retain(|(old, _)| old.engine != entry.engine);
        entries.push((entry, line));
        entries.sort_unstable();
    }

    /// Records what a verification saw of a sealed migration: what it writes, and on what it stands where it declares nothing.
    pub fn observe(&mut self, migration: &Migration, engine: &str, writes: Vec<String>, requires: &[Id]) {
        let Some(entry) = self.sealed_as(migration, engine) else { return };
        let requires = migration.settings.requires.as_deref().unwrap_or(requires);
        let entry = Entry { engine: engine.to_owned(), writes: Some(writes), ..entry.clone() };
        self.set_migration(Entry { requires: Some(requires.to_vec()), ..entry });
    }

    /// Keeps the entries that `keep` wants.
    pub fn retain_migrations(&mut self, mut keep: impl FnMut(&Entry) -> bool) {
        self.migrations.retain(|_, entries| {
            entries.retain(|(entry, _)| keep(entry));
            !entries.is_empty()
        });
    }

    /// Digests of the empty schema that proofs start from: one, or more where branches met different servers.
    pub fn empties(&self, engine: &str, server: &str) -> Vec<&Sha> {
        let same = self.empties.iter().filter(|(of, major, _)| of == engine && major == server);
        same.map(|(_, _, digest)| digest).collect()
    }

    /// The digest of the empty schema, where there is only one.
    pub fn empty(&self, engine: &str, server: &str) -> Option<&Sha> {
        match self.empties(engine, server).as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Records what an empty schema of this engine and major version looks like.
    pub fn set_empty(&mut self, engine: &str, server: &str, digest: Sha) {
        self.empties.retain(|(of, major, _)| of != engine || major != server);
        self.empties.insert((engine.to_owned(), server.to_owned(), digest));
    }

    /// All proofs, by digest.
    pub fn all_proofs(&self) -> impl Iterator<Item = &Proof> {
        self.proofs.values().flatten()
    }

    /// The proofs of a migration's digest, on all engines.
    pub fn proofs_of(&self, digest: &Sha) -> impl Iterator<Item = &Proof> {
        self.proofs.get(digest).into_iter().flatten()
    }

    /// The proofs of a migration's digest that hold on this engine and major version.
    pub fn proofs(&self, digest: &Sha, engine: &str, server: &str) -> impl Iterator<Item = &Proof> {
        self.proofs_of(digest).filter(move |proof| proof.engine() == engine && proof.server() == server)
    }

    /// The proof of a digest, within a group or by itself, that holds in the state `from`; where lines disagree, the one with
    /// the worst verdict.
    pub fn proof(&self, of: (&Sha, Option<&Sha>), from: &Sha, engine: &str, server: &str) -> Option<&Proof> {
        let (digest, group) = of;
        let holds = |proof: &&Proof| proof.from() == from && proof.group() == group;
        self.proofs(digest, engine, server).filter(holds).max_by_key(|proof| proof.verdict())
    }

    /// Adds a proof; what was said under the same key before counts no more.
    pub fn add_proof(&mut self, proof: Proof) {
        let proofs = self.proofs.entry(proof.digest().clone()).or_default();
        proofs.retain(|old| !old.same_key(&proof));
        proofs.push(proof);
        proofs.sort_unstable();
    }

    /// The waiver for a migration's digest on an engine.
    pub fn waiver(&self, digest: &Sha, engine: &str) -> Option<&Waiver> {
        self.waivers.get(digest)?.iter().find(|waiver| waiver.engine == engine)
    }

    /// All waivers, by digest.
    pub fn all_waivers(&self) -> impl Iterator<Item = &Waiver> {
        self.waivers.values().flatten()
    }

    /// Adds a waiver. Of two for the same migration the newer counts.
    pub fn add_waiver(&mut self, waiver: Waiver) {
        let waivers = self.waivers.entry(waiver.digest.clone()).or_default();
        match waivers.iter_mut().find(|old| old.id == waiver.id && old.engine == waiver.engine) {
            Some(old) if (&old.at, &*old) < (&waiver.at, &waiver) => *old = waiver,
            Some(_) => {}
            None => waivers.push(waiver),
        }
        waivers.sort_unstable();
    }

    /// Drops proofs and waivers of digests that no sealed migration has any more. Returns how many.
    pub fn prune(&mut self) -> usize {
        let live: BTreeSet<Sha> = self.entries().map(|entry| entry.digest.clone()).collect();
        let count = |registry: &Registry| registry.all_proofs().count() + registry.all_waivers().count();
        let before = count(self);
        self.proofs.retain(|digest, _| live.contains(digest));
        self.waivers.retain(|digest, _| live.contains(digest));
        before - count(self)
    }

    fn sealed(&self, id: &Id, engine: &str) -> Option<&(Entry, u32)> {
        let entries = self.migrations.get(id)?;
        let of = |engine: &str| entries.iter().find(|(entry, _)| entry.engine == engine);
        of(engine).or_else(|| of(fallback(engine)?))
    }

    fn read_migration(&mut self, row: &Row<'_>) -> Result<()> {
        row.only(&["id", "engine", "digest", "up", "down", "verify", "settings", "requires", "writes"])?;
        let entry = Entry {
            id: Id::new(row.text("id")?),
            engine: row.text("engine")?.to_owned(),
            digest: Sha::recorded(row.text("digest")?),
            up: row.checksum("up")?.ok_or_else(|| row.lacks("up"))?,
            down: row.checksum("down")?,
            verify: row.checksum("verify")?,
            settings: Sha::recorded(row.text("settings")?),
            requires: row.list("requires")?.map(|ids| ids.into_iter().map(Id::new).collect()),
            writes: row.list("writes")?,
        };
        let entries = self.migrations.entry(entry.id.clone()).or_default();
        if !entries.iter().any(|(old, _)| *old == entry) {
            entries.push((entry, row.line));
            entries.sort_unstable();
        }
        Ok(())
    }

    fn read_proof(&mut self, row: &Row<'_>) -> Result<()> {
        let (engine, server) = (row.text("engine")?.to_owned(), row.text("server")?.to_owned());
        if row.get("empty").is_some() {
            row.only(&["engine", "server", "empty"])?;
            self.empties.insert((engine, server, Sha::recorded(row.text("empty")?)));
            return Ok(());
        }
        row.only(&[
            "id",
            "digest",
            "group",
            "from",
            "to",
            "engine",
            "server",
            "version",
            "verdict",
            "loses",
            "up_drops",
            "down_drops",
            "moves",
        ])?;
        let proof = Proof::new(Evidence {
            id: Id::new(row.text("id")?),
            digest: Sha::recorded(row.text("digest")?),
            group: row.get("group").map(|_| row.text("group").map(Sha::recorded)).transpose()?,
            engine,
            server,
            from: Sha::recorded(row.text("from")?),
            to: Sha::recorded(row.text("to")?),
            version: row.text("version")?.to_owned(),
            verdict: row.verdict()?,
            loses: row.list("loses")?.unwrap_or_default(),
            drops: Drops {
                up_drops: row.list("up_drops")?.unwrap_or_default(),
                down_drops: row.list("down_drops")?.unwrap_or_default(),
                moves: pairs(row)?,
            },
        });
        self.proofs.entry(proof.digest().clone()).or_default().push(proof);
        Ok(())
    }

    fn read_waiver(&mut self, row: &Row<'_>) -> Result<()> {
        row.only(&["id", "digest", "engine", "verdict", "reason", "by", "at"])?;
        self.add_waiver(Waiver {
            id: Id::new(row.text("id")?),
            digest: Sha::recorded(row.text("digest")?),
            engine: row.text("engine")?.to_owned(),
            verdict: row.verdict()?,
            reason: row.text("reason")?.to_owned(),
            by: row.text("by")?.to_owned(),
            at: row.text("at")?.to_owned(),
        });
        Ok(())
    }

    /// The file's text: deterministic, sorted, and read back to an equal registry.
    pub fn to_text(&self) -> String {
        let mut out = String::from(
            "# The registry of these migrations. Switchback writes it; safe to merge (merge=union), not to edit.\n\
             format = 1\n\n# What is sealed: `switchback seal`.\nmigrations = [\n",
        );
        self.entries().for_each(|entry| write_entry(&mut out, entry));
        out.push_str("]\n\n# What is proven, and from which schema to which: `switchback verify`.\nproofs = [\n");
        for (engine, server, empty) in &self.empties {
            Line::open(&mut out).text("engine", engine).text("server", server).text("empty", empty.as_str()).close();
        }
        let mut proofs: Vec<&Proof> = self.all_proofs().collect();
        proofs.sort_unstable();
        proofs.into_iter().for_each(|proof| write_proof(&mut out, proof));
        out.push_str("]\n\n# What is let through unproven, and why: `switchback waive`.\nwaivers = [\n");
        let mut waivers: Vec<&Waiver> = self.all_waivers().collect();
        waivers.sort_unstable();
        waivers.into_iter().for_each(|waiver| write_waiver(&mut out, waiver));
        out.push_str("]\n");
        out
    }
}

/// The engine whose scripts an engine falls back to.
fn fallback(engine: &str) -> Option<&'static str> {
    (engine == "mariadb").then_some("mysql")
}

fn write_entry(out: &mut String, entry: &Entry) {
    let pair = |sum: &Checksum| format!("{}:{}", sum.text, sum.tokens);
    let mut line = Line::open(out);
    line.text("id", entry.id.as_str()).text("engine", &entry.engine).text("digest", entry.digest.as_str());
    line.text("up", &pair(&entry.up));
    for (key, sum) in [("down", &entry.down), ("verify", &entry.verify)] {
        if let Some(sum) = sum {
            line.text(key, &pair(sum));
        }
    }
    line.text("settings", entry.settings.as_str());
    if let Some(ids) = &entry.requires {
        line.list("requires", ids.iter().map(Id::as_str));
    }
    if let Some(titles) = &entry.writes {
        line.list("writes", titles.iter().map(String::as_str));
    }
    line.close();
}

fn write_proof(out: &mut String, proof: &Proof) {
    let mut line = Line::open(out);
    line.text("id", proof.id().as_str()).text("digest", proof.digest().as_str());
    if let Some(group) = proof.group() {
        line.text("group", group.as_str());
    }
    line.text("from", proof.from().as_str()).text("to", proof.to().as_str());
    line.text("engine", proof.engine()).text("server", proof.server()).text("version", proof.version());
    line.text("verdict", proof.verdict().word());
    let Drops { up_drops, down_drops, moves } = proof.drops();
    let lists = [("loses", proof.loses()), ("up_drops", up_drops), ("down_drops", down_drops)];
    for (key, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
        line.list(key, names.iter().map(String::as_str));
    }
    if !moves.is_empty() {
        line.list("moves", moves.iter().flat_map(|(from, to)| [from.as_str(), to]));
    }
    line.close();
}

/// `moves`: a list in which each name is followed by the one that it has after the up.
fn pairs(row: &Row<'_>) -> Result<Vec<(String, String)>> {
    let mut names = row.list("moves")?.unwrap_or_default().into_iter();
    let mut pairs = Vec::new();
    while let Some(from) = names.next() {
        pairs.push((from, names.next().ok_or_else(|| row.lacks("moves"))?));
    }
    Ok(pairs)
}

fn write_waiver(out: &mut String, waiver: &Waiver) {
    let mut line = Line::open(out);
    line.text("id", waiver.id.as_str()).text("digest", waiver.digest.as_str()).text("engine", &waiver.engine);
    line.text("verdict", waiver.verdict.word()).text("reason", &waiver.reason);
    line.text("by", &waiver.by).text("at", &waiver.at).close();
}
