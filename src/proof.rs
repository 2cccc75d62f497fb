//! Proofs: evidence that a down undoes its up, and the chain in which they stand.
//!
//! A proof is bound to a key: the migration's digest, the schema it started from, the engine and the server's major
//! version. Only a verification and the registry can make one, so that nothing else can claim that a way back is proven.
//! A proof holds where its key is met again; [`chain`] walks the migrations from the empty schema and tells for each
//! whether it is met.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::migration::{Migration, group_sha, is_one_group, units};
use crate::registry::Registry;
use crate::sha::Sha;

/// What a verification says about a migration; ordered from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Schema and rows come back as they were, and the up runs again to the same end.
    Exact,
    /// The same but for the order of columns, generated names, or white space in bodies.
    Equivalent,
    /// The scripts lose rows, the archive puts them back.
    Preserved,
    /// The schema comes back, rows do not.
    Lossy,
    /// Declared to have no way back, with its reason.
    Irreversible,
    /// There is no down script.
    Missing,
    /// The down does not undo the up.
    Broken,
    /// Something it stands on failed.
    Unreached,
    /// The up itself failed.
    Failed,
}

impl Verdict {
    /// All verdicts, from the best to the worst.
    pub const ALL: &[Verdict] = &[
        Verdict::Exact,
        Verdict::Equivalent,
        Verdict::Preserved,
        Verdict::Lossy,
        Verdict::Irreversible,
        Verdict::Missing,
        Verdict::Broken,
        Verdict::Unreached,
        Verdict::Failed,
    ];

    /// The lower-case word, as printed and as written in the registry and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Exact => "exact",
            Verdict::Equivalent => "equivalent",
            Verdict::Preserved => "preserved",
            Verdict::Lossy => "lossy",
            Verdict::Irreversible => "irreversible",
            Verdict::Missing => "missing",
            Verdict::Broken => "broken",
            Verdict::Unreached => "unreached",
            Verdict::Failed => "failed",
        }
    }

    /// The verdict that a word means.
    pub fn from_word(word: &str) -> Option<Verdict> {
        Verdict::ALL.iter().copied().find(|verdict| verdict.word() == word)
    }

    /// Whether an up may be applied on the strength of this verdict alone; the others need a waiver.
    pub fn lets_through(self) -> bool {
        match self {
            Verdict::Exact | Verdict::Equivalent | Verdict::Preserved | Verdict::Lossy | Verdict::Irreversible => true,
            Verdict::Missing | Verdict::Broken | Verdict::Unreached | Verdict::Failed => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What becomes of tables and columns with their rows; names are titles, as `table public.users` or
/// `column public.users.email`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Drops {
    /// What the up removes with its rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub up_drops: Vec<String>,
    /// What the down removes because it came with the up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub down_drops: Vec<String>,
    /// What has another name after the up, with all its rows, and its old one after the down: from, to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<(String, String)>,
}

impl Drops {
    fn sorted(mut self) -> Drops {
        for names in [&mut self.up_drops, &mut self.down_drops] {
            names.sort_unstable();
            names.dedup();
        }
        self.moves.sort_unstable();
        self.moves.dedup();
        self
    }
}

/// Evidence about one migration in one state, with the key that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Proof {
    id: Id,
    digest: Sha,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Sha>,
    engine: String,
    server: String,
    from: Sha,
    to: Sha,
    version: String,
    verdict: Verdict,
    loses: Vec<String>,
    #[serde(flatten)]
    drops: Drops,
}

/// The parts of a proof, for those who may make one.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub id: Id,
    pub digest: Sha,
    /// What binds it to the other members of its group, with which it was proven as one.
    pub group: Option<Sha>,
    pub engine: String,
    /// Major version of the server.
    pub server: String,
    pub from: Sha,
    pub to: Sha,
    /// Whole version of the server.
    pub version: String,
    pub verdict: Verdict,
    pub loses: Vec<String>,
    pub drops: Drops,
}

impl Proof {
    /// Only what was just verified, or what the registry holds, may become a proof.
    pub(crate) fn new(evidence: Evidence) -> Self {
        let Evidence { id, digest, group, engine, server, from, to, version, verdict, mut loses, drops } = evidence;
        loses.sort_unstable();
        loses.dedup();
        Proof { id, digest, group, engine, server, from, to, version, verdict, loses, drops: drops.sorted() }
    }

    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Digest of the migration.
    pub fn digest(&self) -> &Sha {
        &self.digest
    }

    /// What binds it to the other members of its group; `None` where it was proven by itself.
    pub fn group(&self) -> Option<&Sha> {
        self.group.as_ref()
    }

    /// Digest of the schema before the up; of a group's first up.
    pub fn from(&self) -> &Sha {
        &self.from
    }

    /// Digest of the schema after the up; of a group's last up.
    pub fn to(&self) -> &Sha {
        &self.to
    }

    /// The server's own word: `sqlite`, `postgres`, `mysql`, `mariadb`.
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// Major version of the server, within which the proof holds.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whole version of the server on which it was made.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Columns and tables whose rows do not survive, sorted: `public.users.email`.
    pub fn loses(&self) -> &[String] {
        &self.loses
    }

    /// What either way removes with its rows.
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Whether both are bound to the same key.
    pub fn same_key(&self, other: &Proof) -> bool {
        self.id == other.id
            && self.digest == other.digest
            && self.group == other.group
            && self.from == other.from
            && self.engine == other.engine
            && self.server == other.server
    }
}

/// Somebody's word that a migration may be applied although its way back is not proven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Waiver {
    pub id: Id,
    pub digest: Sha,
    pub engine: String,
    /// What the verification had said.
    pub verdict: Verdict,
    pub reason: String,
    pub by: String,
    /// UTC, such as `2026-11-21T10:00:00Z`.
    pub at: String,
}

/// One migration of a chain.
#[derive(Clone, Debug)]
pub struct Link {
    pub id: Id,
    pub digest: Sha,
    /// The name of its group.
    pub group: Option<String>,
}

impl Link {
    pub fn of(migration: &Migration) -> Link {
        Link { id: migration.id.clone(), digest: migration.digest(), group: migration.settings.group.clone() }
    }
}

/// How a migration stands in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Proven in the very state that it will meet.
    Proven(&'a Proof),
    /// Declared to have no way back; that its up leads to a known state is proven.
    Irreversible(&'a Proof),
    /// Let through by a waiver; the proof is there where the up leads to a known state.
    Waived(&'a Waiver, Option<&'a Proof>),
    Unproven(Why<'a>),
}

impl Standing<'_> {
    /// Whether an up may be applied as things stand.
    pub fn lets_through(&self) -> bool {
        !matches!(self, Standing::Unproven(_))
    }
}

/// Why a migration is unproven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'a> {
    /// Nobody ever tried.
    Never,
    /// It was proven, and its scripts or settings changed since.
    Changed,
    /// It was proven in another state than the one it will meet.
    OtherState,
    /// It was proven on this major version of the server only.
    OtherServer(&'a str),
    /// It was tried in this very state, and the verdict lets nothing through.
    Judged(&'a Proof),
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Never => f.write_str("never proven"),
            Why::Changed => f.write_str("changed since it was proven"),
            Why::OtherState => f.write_str("proven in another state only"),
            Why::OtherServer(server) => write!(f, "proven on server version {server} only"),
            Why::Judged(proof) => write!(f, "its verdict is {}", proof.verdict),
        }
    }
}

/// Tells for each link, in order, how it stands when applied from the empty schema: proof *i* must start where proof
/// *i − 1* ended. A proof of an irreversible, waived or broken migration keeps the chain going; behind a migration
/// without any proof nothing is proven, since nobody knows the state there. The members of a group start and end together.
pub fn chain<'a>(links: &[Link], engine: &str, server: &str, registry: &'a Registry) -> Vec<Standing<'a>> {
    let walk = |start| walk(links, engine, server, registry, start);
    let empties = registry.empties(engine, server);
    // Two branches may each have met an empty schema of their own; the one that carries further is the one in use.
    let walks = empties.iter().map(|empty| walk(Some(*empty)));
    let count = |standings: &Vec<Standing<'_>>| standings.iter().filter(|standing| standing.lets_through()).count();
    walks.max_by_key(count).unwrap_or_else(|| walk(None))
}

/// One walk from one start.
fn walk<'a>(
    links: &[Link],
    engine: &str,
    server: &str,
    registry: &'a Registry,
    start: Option<&'a Sha>,
) -> Vec<Standing<'a>> {
    let mut tried: Option<HashSet<&Id>> = None;
    let mut state = start;
    let mut out = Vec::with_capacity(links.len());
    for unit in units(links, |one, other| is_one_group(one.group.as_deref(), other.group.as_deref())) {
        let members = &links[unit];
        let group = group_sha(&members.iter().map(|link| &link.digest).collect::<Vec<_>>());
        let mut end = None;
        for link in members {
            let proof = state.and_then(|from| registry.proof((&link.digest, group.as_ref()), from, engine, server));
            let waiver = registry.waiver(&link.digest, engine);
            out.push(match (proof, waiver) {
                (Some(proof), _) if proof.verdict == Verdict::Irreversible => Standing::Irreversible(proof),
                (Some(proof), _) if proof.verdict.lets_through() => Standing::Proven(proof),
                (proof, Some(waiver)) => Standing::Waived(waiver, proof),
                (Some(proof), None) => Standing::Unproven(Why::Judged(proof)),
                (None, None) => {
                    let tried = tried.get_or_insert_with(|| tried_on(registry, engine));
                    Standing::Unproven(why(link, engine, server, registry, tried))
                }
            });
            end = proof.map(Proof::to);
        }
        state = end;
    }
    out
}

/// The migrations of which there is any proof on an engine.
fn tried_on<'a>(registry: &'a Registry, engine: &str) -> HashSet<&'a Id> {
    registry.all_proofs().filter(|proof| proof.engine == engine).map(|proof| &proof.id).collect()
}

/// Why there is no proof that holds for a link.
fn why<'a>(link: &Link, engine: &str, server: &str, registry: &'a Registry, tried: &HashSet<&Id>) -> Why<'a> {
    if registry.proofs(&link.digest, engine, server).next().is_some() {
        return Why::OtherState;
    }
    let elsewhere = registry.proofs_of(&link.digest).filter(|proof| proof.engine == engine);
    match elsewhere.map(|proof| proof.server.as_str()).max() {
        Some(server) => Why::OtherServer(server),
        None if tried.contains(&link.id) => Why::Changed,
        None => Why::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(name: &str) -> Sha {
        Sha::of(name.as_bytes())
    }

    fn proof(id: &str, digest: &str, (from, to): (&str, &str), server: &str, verdict: Verdict) -> Proof {
        Proof::new(Evidence {
            id: Id::new(id),
            digest: sha(digest),
            group: None,
            engine: "postgres".to_owned(),
            server: server.to_owned(),
            from: sha(from),
            to: sha(to),
            version: format!("{server}.1"),
            verdict,
            loses: Vec::new(),
            drops: Drops::default(),
        })
    }

    fn waiver(id: &str, digest: &str) -> Waiver {
        Waiver {
            id: Id::new(id),
            digest: sha(digest),
            engine: "postgres".to_owned(),
            verdict: Verdict::Broken,
            reason: "old".to_owned(),
            by: "ada".to_owned(),
            at: "2026-11-21T10:00:00Z".to_owned(),
        }
    }

    /// Each standing in a word or two.
    fn walk(registry: &Registry, links: &[(&str, &str)], server: &str) -> Vec<String> {
        let link = |(id, digest): &(&str, &str)| Link { id: Id::new(*id), digest: sha(digest), group: None };
        let links: Vec<Link> = links.iter().map(link).collect();
        let word = |standing: Standing<'_>| match standing {
            Standing::Proven(proof) => proof.verdict.to_string(),
            Standing::Irreversible(_) => "irreversible".to_owned(),
            Standing::Waived(_, proof) => format!("waived{}", proof.map_or(", state unknown", |_| "")),
            Standing::Unproven(why) => why.to_string(),
        };
        chain(&links, "postgres", server, registry).into_iter().map(word).collect()
    }

    const LINKS: &[(&str, &str)] = &[("1", "a"), ("2", "b"), ("3", "c"), ("4", "d")];

    fn registry() -> Registry {
        let mut registry = Registry::new("registry.toml");
        registry.set_empty("postgres", "15", sha("s0"));
        registry.add_proof(proof("1", "a", ("s0", "s1"), "15", Verdict::Exact));
        registry.add_proof(proof("2", "b", ("s1", "s2"), "15", Verdict::Irreversible));
        registry.add_proof(proof("3", "c", ("s2", "s3"), "15", Verdict::Broken));
        registry.add_proof(proof("4", "d", ("s3", "s4"), "15", Verdict::Lossy));
        registry
    }

    #[test]
    fn i1_only_a_proof_from_the_very_state_lets_through() {
        let mut registry = registry();
        assert_eq!(walk(&registry, LINKS, "15"), ["exact", "irreversible", "its verdict is broken", "lossy"]);
        registry.add_waiver(waiver("3", "c"));
        assert_eq!(walk(&registry, LINKS, "15"), ["exact", "irreversible", "waived", "lossy"]);
        assert_eq!(walk(&registry, &[LINKS[1], LINKS[0]], "15"), ["proven in another state only"; 2]);
    }

    #[test]
    fn every_why_is_told_apart() {
        let registry = registry();
        let changed = [("1", "a2"), ("2", "b"), ("5", "e")];
        let whys = ["changed since it was proven", "proven in another state only", "never proven"];
        assert_eq!(walk(&registry, &changed, "15"), whys);
        assert_eq!(walk(&registry, &LINKS[..1], "16"), ["proven on server version 15 only"]);
    }

    #[test]
    fn a_waiver_holds_without_a_proof_but_nothing_behind_it_does() {
        let mut registry = registry();
        registry.add_waiver(waiver("0", "z"));
        let links = [("1", "a"), ("0", "z"), ("2", "b")];
        assert_eq!(walk(&registry, &links, "15"), ["exact", "waived, state unknown", "proven in another state only"]);
    }

    #[test]
    fn of_two_empty_schemas_the_one_that_carries_further_counts() {
        let mut merged = registry().to_text();
        let other = format!("  {{ engine = \"postgres\", server = \"15\", empty = \"{}\" }},\n", sha("other"));
        merged = merged.replace("proofs = [\n", &format!("proofs = [\n{other}"));
        let merged = Registry::parse("registry.toml", &merged).unwrap();
        assert_eq!(merged.empties("postgres", "15").len(), 2);
        assert_eq!(walk(&merged, &LINKS[..2], "15"), ["exact", "irreversible"]);
    }

    #[test]
    fn words_mean_their_verdicts() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_word(verdict.word()), Some(*verdict));
            assert_eq!(serde_json::to_string(verdict).unwrap(), format!("\"{verdict}\""));
        }
        assert!(Verdict::ALL.is_sorted());
    }
}
