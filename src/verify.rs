//! Verifying: there and back for every migration, in a shadow, before the target is touched.
//!
//! The walk goes along the graph's order. What the registry has proven in the same state is not proven again; where
//! everything is known, no shadow is made at all.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::context::Context;
use crate::engine::Server;
use crate::event::Event;
use crate::fault::{Fault, Result};
use crate::finding::Finding;
use crate::id::Id;
use crate::judge::{self, Judgement};
use crate::migration::Migration;
use crate::observed::{self, Writers};
use crate::proof::{Evidence, Proof, Verdict};
use crate::prove::Pair;
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
    let mut walk = Walk { maker: Some(maker), pair: None, ran: Vec::new(), server, context };
    let walked = walk.along(migrations, registry, options).await;
    context.tell(Event::Ends);
    let closed = match walk.pair {
        Some(pair) => pair.close().await,
        None => Ok(()),
    };
    let outcome = walked?;
    closed?;
    Ok(outcome)
}

struct Walk<'a> {
    /// Taken when the first migration has to be proven.
    maker: Option<&'a mut Maker>,
    pair: Option<Pair<'a>>,
    /// The migrations whose ups have run, or would have run, in order.
    ran: Vec<&'a Migration>,
    server: &'a Server,
    context: &'a Context,
}

impl<'a> Walk<'a> {
    async fn along(
        &mut self,
        migrations: &[&'a Migration],
        registry: &mut Registry,
        options: &Options,
    ) -> Result<Outcome> {
        let (engine, major) = (self.server.engine, self.server.major.as_str());
        let mut from = registry.empty(engine, major).cloned().filter(|_| options.reuse == Reuse::Known);
        let mut outcome = Outcome::default();
        let mut failed = Failed::No;
        let mut writers = Writers::default();
        for migration in migrations {
            self.context.go_on()?;
            let wanted = options.only.as_ref().is_none_or(|only| only.contains(&migration.id));
            let digest = migration.digest();
            let reusable = !wanted || options.reuse == Reuse::Known;
            let known =
                from.as_ref().filter(|_| reusable).and_then(|from| registry.proof(&digest, from, engine, major));
            // What lets nothing through is judged again, so that its reasons are told whole.
            let is_settled =
                |proof: &&Proof| proof.verdict().lets_through() || registry.waiver(&digest, engine).is_some();
            let known = known.filter(|proof| *proof.id() == migration.id).filter(is_settled).cloned();
            // An older switchback observed no edges.
            let sealed = registry.migration(&migration.id, engine).filter(|entry| entry.digest == digest);
            let known = known.filter(|_| sealed.is_none_or(|entry| entry.writes.is_some()));
            let mut judged = if failed == Failed::Yes && options.after_failure == AfterFailure::Stop {
                unreached(migration)
            } else if let Some(proof) = known {
                self.ran.push(migration);
                from = Some(proof.to().clone());
                known_before(migration, &proof)
            } else {
                self.context.tell(Event::Working { id: migration.id.clone() });
                let (judged, writes) = self.judge(migration, &digest, registry, failed).await?;
                match &judged.proof {
                    Some(proof) => {
                        from = Some(proof.to().clone());
                        registry.add_proof(proof.clone());
                        let requires = writers.required_by(migration, &writes);
                        registry.observe(migration, engine, writes, &requires);
                    }
                    None => failed = Failed::Yes,
                }
                judged
            };
            let sealed = registry.migration(&migration.id, engine).filter(|entry| entry.digest == digest);
            judged.findings.extend(writers.note(migration, sealed));
            if wanted {
                self.tell(&judged);
                outcome.judged.push(judged);
            }
        }
        Ok(outcome)
    }

    fn tell(&self, judged: &Judged) {
        let Judged { id, verdict, millis, findings, .. } = judged.clone();
        self.context.tell(Event::Judged { id, verdict, millis, findings });
    }

    async fn judge(
        &mut self,
        migration: &'a Migration,
        digest: &Sha,
        registry: &mut Registry,
        earlier: Failed,
    ) -> Result<(Judged, Vec<String>)> {
        let begun = Instant::now();
        let pair = match (&mut self.pair, self.maker.take()) {
            (Some(pair), _) => pair,
            (none, Some(maker)) => {
                let mut pair = Pair::new(maker).await?;
                let empty = pair.catch_up(&[]).await?.weak_digest();
                registry.set_empty(self.server.engine, &self.server.major, empty);
                none.insert(pair)
            }
            (None, None) => return Err(Fault::bug("the shadows are gone")),
        };
        let seen = pair.see(migration, &self.ran).await?;
        let Judgement { mut verdict, findings, loses, drops } = judge::judge(migration, &seen);
        let mut proof = None;
        if verdict == Verdict::Failed {
            if earlier == Failed::Yes {
                verdict = Verdict::Unreached;
            }
        } else {
            self.ran.push(migration);
            proof = Some(Proof::new(Evidence {
                id: migration.id.clone(),
                digest: digest.clone(),
                engine: self.server.engine.to_owned(),
                server: self.server.major.clone(),
                from: seen.before.weak_digest(),
                to: seen.after_up.weak_digest(),
                version: self.server.version.clone(),
                verdict,
                loses,
                drops,
            }));
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let id = migration.id.clone();
        let writes = observed::written(&seen.before, &seen.after_up, migration);
        Ok((Judged { id, verdict, findings, millis, fresh: true, proof }, writes))
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
