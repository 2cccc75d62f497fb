//! Drafting a way back: the up runs in a shadow, steps back are tried there until the schema is what it was before, and what
//! came of it is proven like any other down.

use crate::chain::Chain;
use crate::class;
use crate::context::Context;
use crate::data::Loss;
use crate::draft::{self, Care, Pressure, Schema, Step, Steps, Task, Written};
use crate::engine::Server;
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::Finding;
use crate::judge::{self, Judgement, Seen, When};
use crate::migration::{Down, Migration, Transaction};
use crate::moves;
use crate::proof::Verdict;
use crate::prove::Pair;
use crate::shadow::Maker;
use crate::snapshot::{self, Change, Fate, Weight};
use crate::sql::Script;

/// How often the schema is read and steps are asked for; a draft that needs more goes in circles.
const MOST_ROUNDS: usize = 12;

/// What a draft's places name as their file.
const PATH: &str = "draft.sql";

/// A draft, and what its proof says.
#[derive(Clone, Debug)]
pub struct Drafted {
    pub written: Written,
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
    /// What SQL alone cannot bring back, a sentence each.
    pub said: Vec<String>,
    /// Whether it may be written as a down: the schema comes back, and no rows are lost but those that the up takes.
    pub is_proven: bool,
}

/// Drafts the way back of a migration that stands behind `ran`.
///
/// # Errors
/// When the engine is one that no draft is made for, its up or one of those before it fails in the shadow, or none can be made.
pub async fn draft(
    maker: &mut Maker,
    server: &Server,
    migration: &Migration,
    ran: &[&Migration],
    context: &Context,
) -> Result<Drafted> {
    require_known(maker, server, migration)?;
    maker.look_at(ran.iter().copied().chain([migration]).flat_map(|migration| migration.scripts()));
    context.tell(Event::Begins { what: "drafting", total: 1 });
    context.tell(Event::Working { id: migration.id.clone() });
    let drafted = tried(maker, server, migration, ran).await;
    context.tell(Event::Ends);
    drafted
}

fn require_known(maker: &Maker, server: &Server, migration: &Migration) -> Result<Steps> {
    draft::by_flavor(maker.engine().dialect().flavor).ok_or_else(|| {
        let fault =
            Fault::refused(format!("no down can be drafted on {}: it is made on SQLite and PostgreSQL", server.engine));
        fault.help(format!(
            "write the down of `{0}` yourself; `switchback verify {0}` tells what it leaves behind",
            migration.id
        ))
    })
}

async fn tried(maker: &mut Maker, server: &Server, migration: &Migration, ran: &[&Migration]) -> Result<Drafted> {
    let (drafted, seen) = with_care(Care::Strict, maker, server, migration, ran).await?;
    let fails_over_rows = seen.down_failed.as_ref().is_some_and(|(_, when)| *when != When::Always);
    if drafted.is_proven || !fails_over_rows {
        return Ok(drafted);
    }
    // Rows that the schema before the up has no place for came after it. A draft may say what becomes of them.
    let (yielding, _) = with_care(Care::Yielding, maker, server, migration, ran).await?;
    Ok(if yielding.is_proven { yielding } else { drafted })
}

async fn with_care(
    care: Care,
    maker: &mut Maker,
    server: &Server,
    migration: &Migration,
    ran: &[&Migration],
) -> Result<(Drafted, Seen)> {
    let steps = require_known(maker, server, migration)?;
    let engine = maker.engine();
    let mut chain = Chain::new(maker, engine).await?;
    let computed =
        Way { chain: &mut chain, steps, migration, care, taken: Vec::new(), said: Vec::new() }.compute(ran).await;
    let closed = chain.close().await;
    let (taken, mut said, there) = computed?;
    closed?;
    let mut all = lost(migration, &there);
    all.append(&mut said);
    let mut written = Written { comments: comments(&all), statements: taken };
    let text = written.text(None);
    let down = Script::parse(PATH, 1, text.as_bytes(), engine.dialect().flavor);
    let candidate = Migration { down: Down::Script(down), ..migration.clone() };
    let mut pair = Pair::new(maker).await?;
    let seen = pair.see(&candidate, ran).await;
    let closed = pair.close().await;
    let seen = seen?;
    closed?;
    let Judgement { verdict, findings, .. } = judge::judge(&candidate, &seen);
    let is_proven = match verdict {
        Verdict::Exact | Verdict::Equivalent => true,
        Verdict::Lossy => seen.losses.iter().all(|loss| is_taken_by_the_up(loss, migration, &there)),
        _ => false,
    };
    let outcome = if is_proven { "proven" } else { "NOT proven" };
    written.comments[0] =
        format!("Drafted by `switchback draft` and {outcome} on {} {}: {verdict}.", server.engine, server.version);
    Ok((Drafted { written, verdict, findings, said: all, is_proven }, seen))
}

fn comments(said: &[String]) -> Vec<String> {
    let mut comments = vec!["Drafted by `switchback draft`.".to_owned()];
    if !said.is_empty() {
        comments.push("What SQL alone does not bring back:".to_owned());
        comments.extend(said.iter().map(|said| format!("- {said}")));
    }
    comments
}

/// Goes back in a shadow, step by step.
struct Way<'a> {
    chain: &'a mut Chain,
    steps: Steps,
    migration: &'a Migration,
    care: Care,
    taken: Vec<String>,
    said: Vec<String>,
}

impl Way<'_> {
    /// The statements that lead back, what must be said of them, and what the up has changed.
    async fn compute(mut self, ran: &[&Migration]) -> Result<(Vec<String>, Vec<String>, Vec<Change>)> {
        self.chain.advance(ran).await?;
        self.chain.prepare(self.migration).await?;
        let wanted = self.chain.schema().await?;
        let up = &self.migration.up;
        let manner = self.chain.manner(up, self.migration.settings.transaction.up);
        if let Err(refusal) = self.chain.run(up, manner).await? {
            return Err(refusal.fault(FaultKind::Refused, format!("the up of `{}` fails", self.migration.id)));
        }
        let mut found = self.chain.schema().await?;
        let there = snapshot::diff(&wanted.snapshot, &found.snapshot);
        let mut pressure = Pressure::Calm;
        for _ in 0..MOST_ROUNDS {
            if snapshot::weight(&snapshot::diff(&wanted.snapshot, &found.snapshot)) != Some(Weight::Strong) {
                break;
            }
            let steps = self.steps(&wanted, &found, pressure);
            let moved = self.take(steps).await?;
            pressure = match (moved, pressure) {
                (true, _) => Pressure::Calm,
                (false, Pressure::Calm) => Pressure::High,
                (false, Pressure::High) => break,
            };
            found = self.chain.schema().await?;
        }
        Ok((self.taken, self.said, there))
    }

    fn steps(&self, wanted: &Schema, found: &Schema, pressure: Pressure) -> Vec<Step> {
        let there = snapshot::diff(&wanted.snapshot, &found.snapshot);
        let moves = moves::said(&there, &self.migration.up);
        (self.steps)(&Task { wanted, found, moves: &moves, pressure, care: self.care })
    }

    /// Takes what the database takes; what it refuses is tried again behind the rest. Gives whether anything was taken.
    async fn take(&mut self, mut steps: Vec<Step>) -> Result<bool> {
        let mut moved = false;
        loop {
            let mut refused = Vec::new();
            let count = steps.len();
            for step in steps {
                match self.one(&step).await? {
                    Some(mut statements) => self.taken.append(&mut statements),
                    None => {
                        refused.push(step);
                        continue;
                    }
                }
                self.said
                    .extend(step.says.iter().filter(|said| !self.said.contains(said)).cloned().collect::<Vec<_>>());
            }
            moved = moved || refused.len() < count;
            if refused.is_empty() || refused.len() == count {
                return Ok(moved);
            }
            steps = refused;
        }
    }

    async fn one(&mut self, step: &Step) -> Result<Option<Vec<String>>> {
        for way in &step.ways {
            let text = Written { comments: Vec::new(), statements: way.clone() }.text(None);
            let script = Script::parse(PATH, 1, text.as_bytes(), self.migration.up.flavor());
            let manner = self.chain.manner(&script, Transaction::Auto);
            if self.chain.run(&script, manner).await?.is_ok() {
                return Ok(Some(way.clone()));
            }
        }
        Ok(None)
    }
}

/// What the up takes with it that no statement can give back, a sentence each.
fn lost(migration: &Migration, there: &[Change]) -> Vec<String> {
    let up = &migration.up;
    let moved = moves::said(there, up);
    let is_moved = |change: &Change| moved.iter().any(|(from, _)| *from == change.title());
    let gone = there.iter().filter(|change| change.fate == Fate::Removed && !is_moved(change));
    let gone = gone.filter_map(|change| match change.kind.as_str() {
        "table" => Some(format!("the rows of {}, which the up drops", change.object)),
        "column" => Some(format!("the values of {}, which the up drops", change.object)),
        _ => None,
    });
    let came = |table: &str| {
        let is_it = |change: &&Change| change.fate == Fate::Added && change.kind == "table";
        there.iter().filter(is_it).any(|change| is_called(&change.object, table))
    };
    let written = up.statements().iter().filter_map(|statement| {
        let class = class::classify(up, statement);
        let place = up.place(statement.span.start);
        let shown = || short(&up.shown(statement));
        match &class.writes_rows {
            Some(table) if came(table) => None,
            Some(_) => Some(format!("what this does to rows: {} ({}:{})", shown(), place.path, place.line)),
            None if class.opaque && class.kind != class::Kind::Ddl => {
                Some(format!("what this may do to rows: {} ({}:{})", shown(), place.path, place.line))
            }
            None => None,
        }
    });
    gone.chain(written).collect()
}

/// Whether a table of the schema is the one that a statement names.
fn is_called(object: &str, name: &str) -> bool {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).trim_matches(['"', '`']).to_lowercase();
    last(object) == last(name)
}

fn short(text: &str) -> String {
    const MOST: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST).chain(['…']).collect() }
}

/// Whether the up is to blame for a loss: it drops the table or the column, makes it another, or writes its rows.
fn is_taken_by_the_up(loss: &Loss, migration: &Migration, there: &[Change]) -> bool {
    // Names of rows are told as they were written, those of a schema in the engine's own way.
    let folded = |title: &str| title.replace('"', "").to_lowercase();
    let titles = [format!("table {}", loss.table), format!("column {}", loss.title())].map(|title| folded(&title));
    let is_changed = there.iter().any(|change| change.fate != Fate::Added && titles.contains(&folded(&change.title())));
    let up = &migration.up;
    let writes = up.statements().iter().map(|statement| class::classify(up, statement)).any(|class| {
        let is_named = class.opaque && up.names().iter().any(|name| is_called(&loss.table, name));
        is_named || class.writes_rows.is_some_and(|table| is_called(&loss.table, &table))
    });
    is_changed || writes
}
