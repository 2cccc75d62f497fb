//! Verifying: there and back for every migration, in a shadow, before the target is touched.
//!
//! The walk goes along the graph's order. What the registry has proven in the same state is not proven again; where
//! everything is known, no shadow is made at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::ahead::{Ahead, Shown};
use crate::context::Context;
use crate::engine::Server;
use crate::event::Event;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::judge::Judgement;
use crate::migration::{self, Migration};
use crate::observed::Writers;
use crate::proof::{Evidence, Proof, Verdict};
use crate::prove::Pair;
use crate::real::Real;
use crate::registry::Registry;
use crate::sha::Sha;
use crate::shadow::Maker;

/// Whether what the registry knows counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// A proof that holds is not made again.
    Known,
    /// Everything is proven anew, whatever the registry says.
    Nothing,
}

/// What becomes of the rest when an up fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// What comes later is `unreached`.
    Stop,
    /// What can still be judged is.
    GoOn,
}

/// What is asked of a verification.
#[derive(Clone, Debug)]
pub struct Options {
    pub reuse: Reuse,
    pub after_failure: AfterFailure,
    /// Only these are judged; the others are merely run. `None`: all.
    pub only: Option<BTreeSet<Id>>,
    /// So many pairs of shadows prove at once.
    pub jobs: usize,
    /// Rows to take instead of made-up ones.
    pub real: Option<Real>,
    /// Those that cannot be run, and why: they are told, and left out.
    pub refused: BTreeMap<Id, Vec<Finding>>,
}

/// One migration's judgement.
#[derive(Clone, Debug)]
pub struct Judged {
    pub id: Id,
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
    pub millis: u64,
    /// Whether it was proven now, rather than known from before.
    pub fresh: bool,
    /// The evidence, unless the up failed.
    pub proof: Option<Proof>,
}

/// All judgements, in the order of the chain.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub judged: Vec<Judged>,
}

/// Judges `migrations`, which stand in the graph's order; what is proven is added to the registry (in memory).
///
/// # Errors
/// Only when no judgement is possible at all: no shadow can be made, or it is lost on the way.
pub async fn verify<'a>(
    maker: &'a mut Maker,
    server: &'a Server,
    migrations: &[&'a Migration],
    registry: &mut Registry,
    options: &Options,
    context: &'a Context,
) -> Result<Outcome> {
    maker.look_at(migrations.iter().flat_map(|migration| migration.scripts()));
    context.tell(Event::Begins { what: "proving", total: migrations.len() });
    let ranges = migration::units(migrations, |one, other| one.is_one_group_with(other));
    let joined: Vec<Option<Migration>> = ranges
        .iter()
        .map(|range| if range.len() > 1 { Migration::joined(&migrations[range.clone()]) } else { None })
        .collect();
    let units = ranges.into_iter().zip(&joined).map(|(range, joined)| Unit {
        whole: joined.as_ref().unwrap_or(migrations[range.start]),
        members: &migrations[range],
    });
    let units: Vec<Unit<'_>> = units.collect();
    let ahead = ahead(maker, &units, server, registry, options);
    let real = options.real.clone();
    let mut walk = Walk { maker: Some(maker), pair: None, ahead, ran: Vec::new(), server, context, real };
    let walked = walk.along(&units, registry, options).await;
    std::mem::take(&mut walk.ahead).end().await;
    context.tell(Event::Ends);
    let closed = match walk.pair {
        Some(pair) => pair.close().await,
        None => Ok(()),
    };
    let outcome = walked?;
    closed?;
    Ok(outcome)
}

/// Begins to prove ahead what no state has a proof of, where more than one pair of shadows is wanted.
fn ahead(maker: &Maker, units: &[Unit<'_>], server: &Server, registry: &Registry, options: &Options) -> Ahead {
    let is_wanted = |id: &Id| options.only.as_ref().is_none_or(|only| only.contains(id));
    let is_new = |unit: &Unit<'_>| {
        let known = |digest: &Sha| registry.proofs(digest, server.engine, &server.major).next().is_some();
        options.reuse == Reuse::Nothing || !unit.digests().0.iter().all(known)
    };
    let is_due = |unit: &Unit<'_>| unit.members.iter().any(|member| is_wanted(&member.id)) && is_new(unit);
    let places: Vec<usize> = (0..units.len()).filter(|place| is_due(&units[*place])).collect();
    let jobs = options.jobs.min(places.len() / MIGRATIONS_PER_JOB);
    // What cannot be run is left out of the chain, and only the walk knows where.
    if jobs < 2 || !options.refused.is_empty() {
        return Ahead::default();
    }
    let chain: Vec<Migration> = units.iter().map(|unit| unit.whole.clone()).collect();
    Ahead::begin(&chain, &places, (0..jobs).map(|_| maker.again()).collect(), options.real.as_ref())
}

/// For fewer, what another pair of shadows costs is more than it saves.
const MIGRATIONS_PER_JOB: usize = 5;

/// What is proven as one: a migration, or the members of a group.
struct Unit<'a> {
    whole: &'a Migration,
    members: &'a [&'a Migration],
}

impl Unit<'_> {
    /// The digests of the members, and what binds them to each other.
    fn digests(&self) -> (Vec<Sha>, Option<Sha>) {
        let digests: Vec<Sha> = self.members.iter().map(|member| member.digest()).collect();
        let group = migration::group_sha(&digests.iter().collect::<Vec<_>>());
        (digests, group)
    }

    /// The member to which a place in a script belongs.
    fn member_at(&self, place: Option<&Place>) -> usize {
        let holds =
            |member: &&Migration| place.is_some_and(|place| member.scripts().any(|script| script.path() == place.path));
        self.members.iter().position(holds).unwrap_or(self.members.len() - 1)
    }
}

struct Walk<'a> {
    /// Taken when the first migration has to be proven.
    maker: Option<&'a mut Maker>,
    pair: Option<Pair<'a>>,
    ahead: Ahead,
    /// The units whose ups have run, or would have run, in order.
    ran: Vec<&'a Migration>,
    server: &'a Server,
    context: &'a Context,
    real: Option<Real>,
}

impl<'a> Walk<'a> {
    async fn along<'u: 'a>(
        &mut self,
        units: &'u [Unit<'a>],
        registry: &mut Registry,
        options: &Options,
    ) -> Result<Outcome> {
        let (engine, major) = (self.server.engine, self.server.major.as_str());
        let mut from = registry.empty(engine, major).cloned().filter(|_| options.reuse == Reuse::Known);
        let mut outcome = Outcome::default();
        let mut failed = Failed::No;
        let mut writers = Writers::default();
        for (place, unit) in units.iter().enumerate() {
            self.context.go_on()?;
            let is_wanted = |id: &Id| options.only.as_ref().is_none_or(|only| only.contains(id));
            let wanted = unit.members.iter().any(|member| is_wanted(&member.id));
            let reusable = !wanted || options.reuse == Reuse::Known;
            let known = from.as_ref().filter(|_| reusable).and_then(|from| self.known(unit, from, registry));
            let is_refused = unit.members.iter().any(|member| options.refused.contains_key(&member.id));
            let judged: Vec<Judged> = if is_refused {
                failed = Failed::Yes;
                unit.members.iter().map(|member| refused(member, &options.refused)).collect()
            } else if failed == Failed::Yes && options.after_failure == AfterFailure::Stop {
                unit.members.iter().map(|member| unreached(member)).collect()
            } else if let Some(proofs) = known {
                self.ran.push(unit.whole);
                from = proofs.last().map(|proof| proof.to().clone());
                unit.members.iter().zip(&proofs).map(|(member, proof)| known_before(member, proof)).collect()
            } else {
                unit.members.iter().for_each(|member| self.context.tell(Event::Working { id: member.id.clone() }));
                let (judged, writes) = self.judge((place, unit), from.as_ref(), registry, failed).await?;
                from = judged.last().and_then(|judged| judged.proof.as_ref()).map(|proof| proof.to().clone()).or(from);
                for (member, judged) in unit.members.iter().zip(&judged) {
                    match &judged.proof {
                        Some(proof) => {
                            registry.add_proof(proof.clone());
                            let requires = writers.required_by(member, &writes);
                            registry.observe(member, engine, writes.clone(), &requires);
                        }
                        None => failed = Failed::Yes,
                    }
                }
                judged
            };
            for (member, mut judged) in unit.members.iter().zip(judged) {
                judged.findings.extend(writers.note(member, registry.sealed_as(member, engine)));
                if is_wanted(&member.id) || (wanted && judged.fresh) {
                    self.tell(&judged);
                    outcome.judged.push(judged);
                }
            }
        }
        Ok(outcome)
    }

    /// The proofs that a unit has in the state `from`, one for each member.
    fn known(&self, unit: &Unit<'_>, from: &Sha, registry: &Registry) -> Option<Vec<Proof>> {
        let (engine, major) = (self.server.engine, self.server.major.as_str());
        let (digests, group) = unit.digests();
        let known = |(member, digest): (&&Migration, &Sha)| {
            let proof = registry.proof((digest, group.as_ref()), from, engine, major)?;
            // What lets nothing through is judged again, so that its reasons are told whole.
            let is_settled = proof.verdict().lets_through() || registry.waiver(digest, engine).is_some();
            // An older switchback observed no edges.
            let is_observed = registry.sealed_as(member, engine).is_none_or(|entry| entry.writes.is_some());
            (*proof.id() == member.id && is_settled && is_observed).then(|| proof.clone())
        };
        unit.members.iter().zip(&digests).map(known).collect()
    }

    fn tell(&self, judged: &Judged) {
        let Judged { id, verdict, millis, findings, .. } = judged.clone();
        self.context.tell(Event::Judged { id, verdict, millis, findings });
    }

    /// Proves a unit; a judgement for each member, and what the whole of it writes.
    async fn judge(
        &mut self,
        (place, unit): (usize, &'a Unit<'a>),
        from: Option<&Sha>,
        registry: &mut Registry,
        earlier: Failed,
    ) -> Result<(Vec<Judged>, Vec<String>)> {
        let ahead = if earlier == Failed::No { self.ahead.shown(place).await } else { None };
        self.context.go_on()?;
        let Shown { from: before, to, judgement, writes, millis } =
            match ahead.filter(|shown| from.is_none_or(|from| *from == shown.from)) {
                Some(shown) => {
                    if place == 0 {
                        registry.set_empty(self.server.engine, &self.server.major, shown.from.clone());
                    }
                    shown
                }
                None => self.show(unit, registry).await?,
            };
        let Judgement { mut verdict, findings, loses, drops } = judgement;
        let has_failed = verdict == Verdict::Failed;
        if has_failed && earlier == Failed::Yes {
            verdict = Verdict::Unreached;
        } else if !has_failed {
            self.ran.push(unit.whole);
        }
        let (digests, group) = unit.digests();
        let member = |(member, digest): (&&Migration, Sha)| {
            let evidence = Evidence {
                id: member.id.clone(),
                digest,
                group: group.clone(),
                engine: self.server.engine.to_owned(),
                server: self.server.major.clone(),
                from: before.clone(),
                to: to.clone(),
                version: self.server.version.clone(),
                verdict,
                loses: loses.clone(),
                drops: drops.clone(),
            };
            let proof = (!has_failed).then(|| Proof::new(evidence));
            Judged { id: member.id.clone(), verdict, findings: Vec::new(), millis, fresh: true, proof }
        };
        let mut judged: Vec<Judged> = unit.members.iter().zip(digests).map(member).collect();
        for finding in findings {
            let at = unit.member_at(finding.place.as_ref());
            judged[at].findings.push(finding.of(&unit.members[at].id));
        }
        Ok((judged, writes))
    }

    /// Shows a unit in this walk's own shadows.
    async fn show(&mut self, unit: &'a Unit<'a>, registry: &mut Registry) -> Result<Shown> {
        let pair = match (&mut self.pair, self.maker.take()) {
            (Some(pair), _) => pair,
            (none, Some(maker)) => {
                let mut pair = Pair::new(maker).await?.with_rows(self.real.take());
                let empty = pair.catch_up(&[]).await?.weak_digest();
                registry.set_empty(self.server.engine, &self.server.major, empty);
                none.insert(pair)
            }
            (None, None) => return Err(Fault::bug("the shadows are gone")),
        };
        Shown::by(pair, unit.whole, &self.ran).await
    }
}

/// Whether an up has failed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    No,
    Yes,
}

fn unreached(migration: &Migration) -> Judged {
    let id = migration.id.clone();
    Judged { id, verdict: Verdict::Unreached, findings: Vec::new(), millis: 0, fresh: false, proof: None }
}

/// What is not run at all; a member of its group without a fault of its own is unreached.
fn refused(migration: &Migration, refused: &BTreeMap<Id, Vec<Finding>>) -> Judged {
    let told = unreached(migration);
    match refused.get(&migration.id) {
        Some(findings) => Judged { verdict: Verdict::Failed, findings: findings.clone(), fresh: true, ..told },
        None => told,
    }
}

/// A verdict that the registry keeps; its findings are told in short, `--fresh` tells them whole.
fn known_before(migration: &Migration, proof: &Proof) -> Judged {
    let id = migration.id.clone();
    let mut findings = Vec::new();
    let help = format!("`switchback verify --fresh {id}` shows it again");
    match proof.verdict() {
        Verdict::Broken | Verdict::Missing => {
            findings.push(Finding::note("waived", "waived: its way back is not proven").of(&id).help(help));
        }
        Verdict::Lossy => {
            let what = format!("rows do not come back: {}", proof.loses().join(", "));
            findings.push(Finding::warning("rows-lost", what).of(&id).help(help));
        }
        _ => {}
    }
    Judged { id, verdict: proof.verdict(), findings, millis: 0, fresh: false, proof: Some(proof.clone()) }
}
