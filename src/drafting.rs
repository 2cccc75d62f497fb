//! Drafting a way back: the up runs in a shadow, steps back are tried there until the schema is what it was before, and what
//! came of it is proven like any other down.

use std::collections::BTreeSet;

use crate::chain::{Chain, Manner};
use crate::class;
use crate::context::Context;
use crate::data::Loss;
use crate::draft::{self, Care, Guide, Pressure, Schema, Step, Task, Written};
use crate::engine::Server;
use crate::event::Event;
use crate::fault::{FaultKind, Result};
use crate::finding::Finding;
use crate::judge::{self, Judgement, Seen, When};
use crate::migration::{Down, Migration, Transaction};
use crate::moves;
use crate::proof::Verdict;
use crate::prove::Pair;
use crate::reading::Reading;
use crate::shadow::Maker;
use crate::snapshot::{self, Change, Fate, Weight};
use crate::sql::{Script, Statement};
use crate::token::{Token, TokenKind};

/// How often the schema is read and steps are asked for; a draft that needs more goes in circles.
const MOST_ROUNDS: usize = 12;

/// What a draft's places name as their file.
const PATH: &str = "draft.sql";

/// How a sentence begins about a statement that writes rows.
const WRITTEN: &str = "what this does to rows";

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
/// When its up or one of those before it fails in the shadow, or no shadow can be made.
pub async fn draft(
    maker: &mut Maker,
    server: &Server,
    migration: &Migration,
    ran: &[&Migration],
    context: &Context,
) -> Result<Drafted> {
    maker.look_at(ran.iter().copied().chain([migration]).flat_map(|migration| migration.scripts()));
    context.tell(Event::Begins { what: "drafting", total: 1 });
    context.tell(Event::Working { id: migration.id.clone() });
    let drafted = tried(maker, server, migration, ran).await;
    context.tell(Event::Ends);
    drafted
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
    let engine = maker.engine();
    let guide = draft::by_flavor(engine.dialect().flavor);
    let mut chain = Chain::new(maker, engine).await?;
    let computed =
        Way { chain: &mut chain, guide, migration, care, taken: Vec::new(), said: Vec::new() }.compute(ran).await;
    let closed = chain.close().await;
    let (taken, mut said, there) = computed?;
    closed?;
    let mut all = lost(migration, &there);
    all.append(&mut said);
    let flavor = engine.dialect().flavor;
    let mut written = Written { flavor, comments: Vec::new(), statements: taken };
    let text = written.text(None);
    let down = Script::parse(PATH, 1, text.as_bytes(), flavor);
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
    for said in seen.losses.iter().filter_map(|loss| unsaid(loss, &all, migration, &there)).collect::<BTreeSet<_>>() {
        all.push(said);
    }
    written.comments = comments(&all);
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
    guide: Guide,
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
        let mut pressed: Option<Stuck> = None;
        for _ in 0..MOST_ROUNDS {
            let left = snapshot::diff(&wanted.snapshot, &found.snapshot);
            let weight = snapshot::weight(&left);
            if weight < Some(self.guide.lightest) {
                break;
            }
            let steps = self.steps(&wanted, &found, pressure);
            let moved = self.take(steps).await?;
            pressure = match (moved, pressure) {
                (true, _) => Pressure::Calm,
                (false, Pressure::Calm) if weight == Some(Weight::Strong) => {
                    // What was dropped under pressure stands again, and nothing else is better for it.
                    if let Some(stuck) = pressed.take_if(|stuck| stuck.left == left) {
                        self.taken.truncate(stuck.taken);
                        self.said.truncate(stuck.said);
                        break;
                    }
                    pressed = Some(Stuck { left, taken: self.taken.len(), said: self.said.len() });
                    Pressure::High
                }
                (false, _) => break,
            };
            found = self.chain.schema().await?;
        }
        Ok((self.taken, self.said, there))
    }

    fn steps(&self, wanted: &Schema, found: &Schema, pressure: Pressure) -> Vec<Step> {
        let there = snapshot::diff(&wanted.snapshot, &found.snapshot);
        let moves = moves::said(&there, &self.migration.up);
        (self.guide.steps)(&Task { wanted, found, moves: &moves, pressure, care: self.care })
    }

    /// Takes what the database takes. What it refuses is tried again behind the rest, and in another way once nothing else is
    /// taken. Gives whether anything was.
    async fn take(&mut self, mut steps: Vec<Step>) -> Result<bool> {
        let all = steps.len();
        loop {
            let before = steps.len();
            steps = self.pass(steps, Ways::First).await?;
            if steps.len() == before {
                steps = self.pass(steps, Ways::Other).await?;
            }
            if steps.is_empty() || steps.len() == before {
                return Ok(steps.len() < all);
            }
        }
    }

    /// Tries each step; gives those that were refused.
    async fn pass(&mut self, steps: Vec<Step>, ways: Ways) -> Result<Vec<Step>> {
        let mut refused = Vec::new();
        let mut is_taken = false;
        for step in steps {
            let tried = match ways {
                Ways::First => step.ways.get(..1),
                Ways::Other => step.ways.get(1..).filter(|_| !is_taken),
            };
            let Some(mut statements) = self.one(tried.unwrap_or_default()).await? else {
                refused.push(step);
                continue;
            };
            is_taken = true;
            self.taken.append(&mut statements);
            for said in step.says {
                if !self.said.contains(&said) {
                    self.said.push(said);
                }
            }
        }
        Ok(refused)
    }

    async fn one(&mut self, ways: &[Vec<String>]) -> Result<Option<Vec<String>>> {
        for way in ways {
            let flavor = self.migration.up.flavor();
            let text = Written { flavor, comments: Vec::new(), statements: way.clone() }.text(None);
            let script = Script::parse(PATH, 1, text.as_bytes(), flavor);
            let manner = self.chain.manner(&script, Transaction::Auto);
            match self.chain.run(&script, manner).await? {
                Ok(_) => return Ok(Some(way.clone())),
                Err(refusal) if manner == Manner::Bare => {
                    let stays = stays(&script, refusal.index);
                    if !stays.is_empty() {
                        return Ok(Some(stays));
                    }
                }
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// Where a draft stood when nothing moved any more.
struct Stuck {
    left: Vec<Change>,
    /// How many statements had been taken, and sentences said.
    taken: usize,
    said: usize,
}

/// Which ways of a step are tried.
#[derive(Clone, Copy)]
enum Ways {
    First,
    /// The others, until one is taken.
    Other,
}

/// What stays of a script that was refused at a statement without a transaction around it: the next reading sees it.
fn stays(script: &Script, refused: usize) -> Vec<String> {
    let ran = script.statements().iter().take(refused);
    let is_ddl = |statement: &&Statement| class::classify(script, statement).kind == class::Kind::Ddl;
    ran.filter(is_ddl).map(|statement| script.sql(statement).to_owned()).collect()
}

/// What the up takes with it that no statement can give back, a sentence each.
fn lost(migration: &Migration, there: &[Change]) -> Vec<String> {
    let up = &migration.up;
    let moved = moves::said(there, up);
    let is_moved = |change: &Change| moved.iter().any(|(from, _)| *from == change.title());
    let remade = remade(up);
    let is_remade = |change: &Change| {
        let table = change.object.rsplit_once('.').map_or("", |(table, _)| table);
        change.kind == "column" && remade.iter().any(|name| is_called(table, name))
    };
    let is_gone = |table: &str| {
        let is_it = |change: &&Change| change.fate == Fate::Removed && change.kind == "table";
        there.iter().filter(is_it).any(|change| is_called(&change.object, table))
    };
    let again =
        remade.iter().filter(|table| !is_gone(table)).map(|table| format!("the rows of {table}, which the up drops"));
    let gone = there.iter().filter(|change| !is_moved(change) && !is_remade(change)).filter_map(gone);
    let came = |table: &str| {
        let is_it = |change: &&Change| change.fate == Fate::Added && change.kind == "table";
        there.iter().filter(is_it).any(|change| is_called(&change.object, table))
    };
    let written = up.statements().iter().filter_map(|statement| {
        let class = class::classify(up, statement);
        let place = up.place(statement.span.start);
        let what = match &class.writes_rows {
            Some(table) if came(table) || sets_only_what_came(up, statement, table, there) => return None,
            Some(_) => WRITTEN,
            None if class.opaque && class.kind != class::Kind::Ddl => "what this may do to rows",
            None if sets_count(up, statement) => "where numbers went on, which this sets",
            None => return None,
        };
        Some(format!("{what}: {} ({}:{})", short(&up.shown(statement)), place.path, place.line))
    });
    again.chain(gone).chain(written).collect()
}

/// What goes with an object of the schema.
fn gone(change: &Change) -> Option<String> {
    let object = &change.object;
    let says = |begin: &str| change.lines.iter().any(|line| line.starts_with(begin));
    match (change.fate, change.kind.as_str()) {
        (Fate::Removed, "table") => Some(format!("the rows of {object}, which the up drops")),
        (Fate::Removed, "column") => Some(format!("the values of {object}, which the up drops")),
        // What a column owns is set to go on behind its values.
        (Fate::Removed, "sequence") if !says("- owned by: ") => {
            Some(format!("where {object} went on counting, which the up drops"))
        }
        (Fate::Changed, "column") if says("+ generated: ") && !says("- generated: ") => {
            Some(format!("the values of {object}, which the up has computed"))
        }
        _ => None,
    }
}

/// Tables that a script drops and makes again under the same name, in lower case.
fn remade(up: &Script) -> BTreeSet<String> {
    let (mut dropped, mut remade) = (BTreeSet::new(), BTreeSet::new());
    for statement in up.statements() {
        let tokens: Vec<Token> = up.lex(statement).filter(Token::is_significant).collect();
        let reading = Reading::new(up.text(), up.flavor(), &tokens);
        if reading.begins("drop table") {
            let is_last = |at: &usize| tokens.get(at + 1).is_none_or(|next| !next.is_symbol(up.text(), "."));
            let names = (2..tokens.len()).filter(is_last).filter_map(|at| tokens[at].name(up.text(), up.flavor()));
            dropped.extend(names.map(|name| name.to_lowercase()));
        }
        let made = reading.made().map(|name| name.to_lowercase());
        remade.extend(made.filter(|name| dropped.contains(name)));
    }
    remade
}

/// Whether an UPDATE sets no column but those that the same up adds, which go as a whole.
fn sets_only_what_came(up: &Script, statement: &Statement, table: &str, there: &[Change]) -> bool {
    let tokens: Vec<Token> = up.lex(statement).filter(Token::is_significant).collect();
    let reading = Reading::new(up.text(), up.flavor(), &tokens);
    let came = |name: &str| {
        let added = there.iter().filter(|change| change.fate == Fate::Added && change.kind == "column");
        let mut parts = added.filter_map(|change| change.object.rsplit_once('.'));
        parts.any(|(owner, column)| is_called(owner, table) && is_called(column, name))
    };
    reading.assigned().is_some_and(|names| names.iter().all(|name| came(name)))
}

/// Whether a statement says where a sequence or a table's numbers go on.
fn sets_count(up: &Script, statement: &Statement) -> bool {
    let tokens: Vec<Token> = up.lex(statement).filter(Token::is_significant).collect();
    let text = up.text();
    let reading = Reading::new(text, up.flavor(), &tokens);
    let is_set = tokens.windows(2).any(|two| {
        let is_number = two[1].is_symbol(text, "=") || two[1].kind == TokenKind::Number;
        two[0].is_word(text, "auto_increment") && is_number
    });
    reading.word(0) == "alter" && (is_set || reading.has("restart"))
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
    let is_remade = remade(&migration.up).iter().any(|table| is_called(&loss.table, table));
    is_changed || is_of_a_partition(loss, there) || writes(&migration.up, &loss.table) || is_remade
}

/// Whether rows are lost with a partition that the up drops.
fn is_of_a_partition(loss: &Loss, there: &[Change]) -> bool {
    let gone = there.iter().filter(|change| change.fate == Fate::Removed && change.kind == "table");
    let parents = gone.flat_map(|change| &change.lines).filter_map(|line| line.strip_prefix("- partition of: "));
    parents.into_iter().any(|parent| parent.replace('"', "") == loss.table)
}

/// What is lost where nothing of it is said yet.
fn unsaid(loss: &Loss, said: &[String], migration: &Migration, there: &[Change]) -> Option<String> {
    let title = loss.title();
    let is_said = said.iter().any(|said| said.replace('"', "").to_lowercase().contains(&title.to_lowercase()));
    let what = if loss.column.is_some() { "values" } else { "rows" };
    let sentence = format!("the {what} of {title}, which the way there and back does not keep");
    let is_written = said.iter().any(|said| said.starts_with(WRITTEN)) && writes(&migration.up, &loss.table);
    (!is_said && !is_written && !is_of_a_partition(loss, there)).then_some(sentence)
}

/// Whether a script writes rows of a table, as far as its text says.
fn writes(up: &Script, table: &str) -> bool {
    up.statements().iter().map(|statement| class::classify(up, statement)).any(|class| {
        let is_named = class.opaque && up.names().iter().any(|name| is_called(table, name));
        is_named || class.writes_rows.is_some_and(|written| is_called(table, &written))
    })
}
