//! Proving ahead: several pairs of shadows at once, each on a part of the chain of its own.
//!
//! A part begins behind the ups of all that comes before it, which are run once more there. What it proves counts only when the
//! walk along the whole chain arrives in the very schema in which it was proven; else, and behind an up that fails, the walk
//! proves for itself. So a part differs from a single pair in one thing alone: its made-up rows are put in behind all the ups that it
//! begins with, where a single pair's have gone along with each of them.

use std::collections::VecDeque;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::fault::Result;
use crate::judge::{self, Judgement};
use crate::migration::Migration;
use crate::observed;
use crate::prove::Pair;
use crate::real::Real;
use crate::sha::Sha;
use crate::shadow::Maker;

/// What a pair of shadows has shown of a migration, or of a group as one.
pub struct Shown {
    /// The schema before the up, and behind it: weak digests.
    pub from: Sha,
    pub to: Sha,
    pub judgement: Judgement,
    /// What it writes, as the registry keeps it.
    pub writes: Vec<String>,
    pub millis: u64,
}

impl Shown {
    /// Shows one behind `ran`.
    pub async fn by(pair: &mut Pair<'_>, migration: &Migration, ran: &[&Migration]) -> Result<Shown> {
        let begun = Instant::now();
        let seen = pair.see(migration, ran).await?;
        Ok(Shown {
            from: seen.before.weak_digest(),
            to: seen.after_up.weak_digest(),
            judgement: judge::judge(migration, &seen),
            writes: observed::written(&seen.before, &seen.after_up, migration),
            millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// The parts that are proven ahead of the walk.
#[derive(Default)]
pub struct Ahead {
    parts: VecDeque<Part>,
    threads: Vec<JoinHandle<()>>,
}

struct Part {
    /// Places in the chain that are still to come, in order.
    places: VecDeque<usize>,
    shown: UnboundedReceiver<Shown>,
}

/// The stack of a thread that proves; as much as a program's first thread has.
const STACK_BYTES: usize = 8 << 20;

impl Ahead {
    /// Begins with as many parts of about one size as there are makers; `places` in the chain are to be proven.
    pub fn begin(chain: &[Migration], places: &[usize], makers: Vec<Maker>, real: Option<&Real>) -> Ahead {
        let size = places.len().div_ceil(makers.len().max(1)).max(1);
        let mut ahead = Ahead::default();
        for (places, maker) in places.chunks(size).zip(makers) {
            let (sender, shown) = unbounded_channel();
            let end = places.last().map_or(0, |last| last + 1);
            let (chain, own, real) = (chain[..end].to_vec(), places.to_vec(), real.cloned());
            let proving = move || {
                let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
                // Why it stopped early is told by the walk, which then meets the same.
                let _ = runtime.block_on(prove(maker, &chain, &own, real, &sender));
            };
            // Without a thread there is no part, and the walk proves it.
            if let Ok(thread) = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(proving) {
                ahead.threads.push(thread);
                ahead.parts.push_back(Part { places: places.iter().copied().collect(), shown });
            }
        }
        ahead
    }

    /// What was shown of the migration at this place; places are asked for in order. `None`: nothing, and nothing will be.
    pub async fn shown(&mut self, place: usize) -> Option<Shown> {
        while let Some(part) = self.parts.front_mut() {
            while part.places.front().is_some_and(|next| *next < place) {
                part.places.pop_front();
                part.shown.recv().await?;
            }
            match part.places.front() {
                Some(next) if *next == place => {
                    part.places.pop_front();
                    return part.shown.recv().await;
                }
                Some(_) => return None,
                None => drop(self.parts.pop_front()),
            }
        }
        None
    }

    /// Stops what is still proven, and waits until its shadows are dropped.
    pub async fn end(self) {
        drop(self.parts);
        let joined =
            tokio::task::spawn_blocking(move || self.threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = joined.await;
    }
}

/// Proves the migrations at these places, until one cannot be applied or nobody listens any more.
async fn prove(
    mut maker: Maker,
    chain: &[Migration],
    places: &[usize],
    real: Option<Real>,
    sender: &UnboundedSender<Shown>,
) -> Result<()> {
    let ran: Vec<&Migration> = chain.iter().collect();
    let mut pair = Pair::new(&mut maker).await?.with_rows(real);
    for place in places {
        let shown = Shown::by(&mut pair, &chain[*place], &ran[..*place]).await?;
        if sender.send(shown).is_err() {
            break;
        }
    }
    pair.close().await
}
