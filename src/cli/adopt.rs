//! `switchback adopt`

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::{App, exit, ui};
use crate::adopt::{self, Adopted, Basis};
use crate::database::{Database, History};
use crate::engine::Row;
use crate::event::Event;
use crate::fault::{Fault, Result};
use crate::finding::{Finding, Severity};
use crate::history::{self, Reading, Taken};
use crate::id::Id;
use crate::ledger::State;
use crate::migration::Migration;
use crate::plan::{Plan, Warrant};
use crate::planning;
use crate::project::Project;
use crate::proof::Drops;
use crate::report::{clean, count, json};
use crate::snapshot::Snapshot;

/// Take over what another tool has applied, once a replay in a shadow has shown that the database is what its migrations make
#[derive(Args)]
pub struct Adopt {
    /// Everything up to this migration is applied, whatever any table says (a unique part of the id is enough)
    #[arg(long, value_name = "ID", conflicts_with = "from")]
    baseline: Option<String>,
    /// The tool whose history is read: golang-migrate, diesel, sqlx, dbmate (or Rails), goose, sql-migrate, flyway, liquibase, sqitch
    #[arg(long, value_name = "TOOL")]
    from: Option<String>,
    /// Why it is taken over although something differs; kept in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Compare, and show what would be taken over
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// So many objects that differ are named in the ledger.
const NAMED: usize = 10;

/// Rows of the ledger that are read at a time.
const PAGE: i64 = 1_000;

/// Where it is known from what is applied.
struct Source {
    /// As messages name it: `goose`, `a baseline`.
    title: &'static str,
    /// The tool's table, as SQL names it.
    table: Option<String>,
    reading: Reading,
    /// The table's rows and the query that gave them, where they are in this database.
    read: Option<(String, Vec<Row>)>,
}

pub async fn run(app: &App, args: &Adopt) -> Result<u8> {
    if args.reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Fault::usage("the reason is empty").help("say why it is taken over although something differs"));
    }
    let (mut database, project, state) = app.look(Project::load).await?;
    project.require_sound()?;
    refuse_open(&state)?;
    let graph = project.graph()?;
    let order = project.ordered(&graph);
    let source = source(app, args, &mut database, &project, &order).await?;
    if !source.reading.refusals.is_empty() {
        let what = format!("what {} has applied cannot be told, so nothing was adopted", source.title);
        return Err(Fault::refused(what).findings(source.reading.refusals));
    }
    let heard = heard(&mut database, &state).await?;
    let new: Vec<&Taken> = source.reading.taken.iter().filter(|taken| !heard.contains(&taken.id)).collect();
    if source.reading.taken.is_empty() && !source.reading.doubts.is_empty() {
        let what = format!("no migration here is one that {} has applied", source.title);
        let fault = Fault::refused(what).findings(source.reading.doubts);
        return Err(fault.help("is this the right folder and layout? `--baseline ID` says by itself what is applied"));
    }
    if new.is_empty() {
        database.close().await;
        return Ok(nothing(app, &source));
    }
    let nothing_more = Plan::nothing(&state.head);
    let before = planning::walk(&mut database, &project, &state, &nothing_more).await?;
    let taken: Vec<&Migration> = new.iter().filter_map(|taken| project.get(&taken.id)).collect();
    let walk: Vec<&Migration> = before.iter().chain(taken.iter().copied()).collect();
    let warrants = planning::standing(&database, &project.registry, &walk).split_off(before.len());
    let unproven: BTreeSet<&Id> =
        taken.iter().zip(&warrants).filter(|(_, warrant)| warrant.is_none()).map(|(one, _)| &one.id).collect();
    let mut maker = app.maker(&mut database).await?;
    let observes = |migration: &Migration| unproven.contains(&migration.id);
    let mut replay = adopt::replay(&mut maker, &walk, observes, &app.context).await?;
    let live = database.snapshot().await?;
    let differences = adopt::differences(&replay.schema, &live);
    let findings = judged(app, args, &source, &differences)?;
    let adopted: Vec<Adopted<'_>> = taken
        .iter()
        .zip(warrants)
        .zip(&new)
        .map(|((migration, warrant), taken)| {
            let down_drops = replay.came.remove(&migration.id).unwrap_or_default();
            let warrant = warrant.unwrap_or(Warrant::Adopted { drops: Drops { down_drops, ..Drops::default() } });
            Adopted { migration, warrant, detail: detail(&source, taken, &differences) }
        })
        .collect();
    let work = Work { app, args, source: &source, adopted: &adopted, findings: &findings };
    if args.dry_run {
        database.close().await;
        return Ok(work.shown());
    }
    work.consent()?;
    work.write(database, &state, &live).await
}

/// What is shown, asked and written, once it is known what is adopted.
struct Work<'a> {
    app: &'a App,
    args: &'a Adopt,
    source: &'a Source,
    adopted: &'a [Adopted<'a>],
    findings: &'a [Finding],
}

impl Work<'_> {
    async fn write(&self, database: Database, state: &State, live: &Snapshot) -> Result<u8> {
        let Work { app, args, source, adopted, .. } = self;
        let (runner, provenance) = app.runner("adopt", args.reason.as_deref());
        let mut locked = app.lock(database, runner).await?;
        let history = source.read.as_ref().map(|(query, rows)| (query.as_str(), rows.as_slice()));
        let basis = Basis { state, live, history };
        let outcome = adopt::adopt(&mut locked, &basis, adopted, &provenance, &app.context).await;
        locked.release().await;
        let seqs = outcome?;
        match app.voice {
            ui::Voice::Json => ui::out(&format!("{}\n", self.object(&seqs))),
            ui::Voice::Human => {
                ui::out(&self.lines("adopted "));
                ui::talk(&format!("{} adopted from {}\n", migrations(adopted.len()), source.title));
            }
        }
        Ok(exit::DONE)
    }

    /// The end of a dry run.
    fn shown(&self) -> u8 {
        match self.app.voice {
            ui::Voice::Json => ui::out(&format!("{}\n", self.object(&[]))),
            ui::Voice::Human => {
                ui::out(&self.lines("adopt   "));
                self.advise();
                let number = migrations(self.adopted.len());
                ui::talk(&format!("dry run: {number} would be adopted; nothing was written\n"));
            }
        }
        exit::DONE
    }

    fn consent(&self) -> Result<()> {
        if self.args.yes {
            return Ok(());
        }
        if !ui::can_ask() {
            return Err(Fault::usage("nobody can be asked here").help("give `--yes`"));
        }
        ui::talk(&self.lines("adopt   "));
        self.advise();
        ui::confirm(&format!("Take {} over from {}?", migrations(self.adopted.len()), self.source.title))
    }

    /// What can be done before, and not any more behind it.
    fn advise(&self) {
        let unproven = self.adopted.iter().filter(|one| one.warrant.is_unproven()).count();
        if unproven > 0 {
            let are = if unproven == 1 { "is" } else { "are" };
            let help = "`switchback verify` proves what can be proven, and it is then adopted as proven";
            ui::talk(&format!("{unproven} of these {are} not proven; {help}\n"));
        }
    }

    fn lines(&self, word: &str) -> String {
        let line =
            |one: &Adopted<'_>| format!("{word} {} ({})\n", clean(one.migration.id.as_str()), standing(&one.warrant));
        self.adopted.iter().map(line).collect()
    }

    fn object(&self, seqs: &[i64]) -> String {
        let one = |(at, one): (usize, &Adopted<'_>)| {
            json!({
                "id": one.migration.id,
                "seq": seqs.get(at),
                "proven": !one.warrant.is_unproven(),
                "detail": one.detail,
            })
        };
        let fields = json!({
            "from": self.source.title,
            "table": self.source.table,
            "adopted": self.adopted.iter().enumerate().map(one).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(json::finding).collect::<Vec<_>>(),
            "dry_run": self.args.dry_run,
        });
        json::command("adopt", "ok", fields)
    }
}

fn migrations(number: usize) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), "migration")
}

fn standing(warrant: &Warrant) -> String {
    match warrant {
        Warrant::Proof { verdict, .. } => verdict.word().to_owned(),
        Warrant::Waiver { .. } => "not proven, waived".to_owned(),
        Warrant::Adopted { .. } | Warrant::Recorded { .. } => "not proven".to_owned(),
    }
}

/// What the row tells of where it comes from.
fn detail(source: &Source, taken: &Taken, differences: &[Finding]) -> String {
    let mut text = format!("from {}", source.title);
    if !taken.told.is_empty() {
        text.push_str(&format!(", applied {}", taken.told));
    }
    let differing: Vec<&str> = differences
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .filter_map(|finding| finding.object.as_deref())
        .collect();
    if !differing.is_empty() {
        let named = differing.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = differing.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("; the schema differed in {named}{more}"));
    }
    text
}

/// Tells what differs and what does not fit, which only a reason lets through.
fn judged(app: &App, args: &Adopt, source: &Source, differences: &[Finding]) -> Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = differences.iter().chain(&source.reading.doubts).cloned().collect();
    let differs = differences.iter().any(|finding| finding.severity == Severity::Error);
    if args.reason.is_none() && (differs || !source.reading.doubts.is_empty()) {
        let what = match differs {
            true => "the database is not what these migrations make, so nothing was adopted".to_owned(),
            false => format!("what {} tells does not fit these files, so nothing was adopted", source.title),
        };
        let help = match differs {
            true => {
                "`-` is what the migrations make, `+` the database; mend one of them, or say with `--reason TEXT` why it is taken over as it is"
            }
            false => "mend what does not fit, or say with `--reason TEXT` why it is taken over as it is",
        };
        return Err(Fault::refused(what).findings(findings).help(help));
    }
    for finding in &mut findings {
        finding.severity = finding.severity.min(Severity::Warning);
        app.context.tell(Event::Warning(finding.clone()));
    }
    Ok(findings)
}

/// A step that is half-way is gone on with before anything else.
fn refuse_open(state: &State) -> Result<()> {
    state.open.as_ref().map_or(Ok(()), |open| Err(open.fault()))
}

/// Migrations that the ledger tells anything of. What it says is newer than what the other tool says.
async fn heard(database: &mut Database, state: &State) -> Result<BTreeSet<Id>> {
    let mut heard: BTreeSet<Id> = BTreeSet::new();
    let mut after = 0;
    while after < state.head.seq {
        let rows = database.entries(after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq();
        let is_over = |row: &&crate::ledger::Entry| row.get("phase") == Some("done");
        heard.extend(rows.iter().filter(is_over).filter_map(|row| row.get("migration")).map(Id::new));
    }
    Ok(heard)
}

fn nothing(app: &App, source: &Source) -> u8 {
    match app.voice {
        ui::Voice::Json => {
            let fields = json!({"from": source.title, "table": source.table, "adopted": [], "findings": []});
            ui::out(&format!("{}\n", json::command("adopt", "ok", fields)));
        }
        ui::Voice::Human => ui::talk("nothing to do\n"),
    }
    exit::DONE
}

async fn source(
    app: &App,
    args: &Adopt,
    database: &mut Database,
    project: &Project,
    order: &[&Migration],
) -> Result<Source> {
    if let Some(part) = &args.baseline {
        let id = project.find(part)?;
        let until = order.iter().position(|migration| migration.id == *id).map_or(0, |at| at + 1);
        let taken = order[..until].iter().map(|one| Taken { id: one.id.clone(), told: String::new() });
        let reading = Reading { taken: taken.collect(), ..Reading::default() };
        return Ok(Source { title: "a baseline", table: None, reading, read: None });
    }
    let found = database.histories().await?;
    let (history, apart) = match &args.from {
        None => (the_only(found)?, None),
        Some(name) => named(app, name, found, database).await?,
    };
    let Some(reader) = history.reader else {
        let what = format!("the history of {} (the table {}) is not read here", history.tool, history.table);
        return Err(Fault::refused(what).help("`--baseline ID` says up to which migration everything is applied"));
    };
    let is_here = apart.is_none();
    let rows = match apart {
        None => database.history_rows(&history).await?,
        Some(mut apart) => {
            let rows = apart.history_rows(&history).await;
            apart.close().await;
            rows?
        }
    };
    let reading = reader.read(&rows, order);
    let read = is_here.then_some((history.query, rows));
    Ok(Source { title: history.tool, table: Some(history.table), reading, read })
}

/// The one history that was found.
fn the_only(found: Vec<History>) -> Result<History> {
    let tables: Vec<String> =
        found.iter().map(|history| format!("{}: the table {}", history.tool, history.table)).collect();
    let words: Vec<&str> = found.iter().filter_map(|history| Some(history.reader?.name())).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => {
            let fault = Fault::refused("no other tool's history table with rows was found in this database");
            Err(fault.help(
                "`--baseline ID` says up to which migration everything is applied; `--from sqitch` looks for a registry of its own",
            ))
        }
        (Some(_), Some(_)) => {
            let fault =
                Fault::usage("more than one tool has a history in this database, and which counts is not clear");
            let fault = tables.into_iter().fold(fault, Fault::cause);
            let first = words.first().copied().unwrap_or("TOOL");
            Err(fault.help(format!("say which: `--from {first}`; or `--baseline ID` says by itself what is applied")))
        }
    }
}

/// The history of a tool that was named, and the database that it is in, where that is another.
async fn named(
    app: &App,
    name: &str,
    found: Vec<History>,
    database: &mut Database,
) -> Result<(History, Option<Database>)> {
    let reader = history::by_name(name)?;
    let is_named = |history: &History| history.reader.is_some_and(|own| own.name() == reader.name());
    let mut fits: Vec<History> = found.into_iter().filter(is_named).collect();
    let mut beside = None;
    if let (true, Some(apart)) = (fits.is_empty(), reader.apart()) {
        let wait = app.resolved()?.wait;
        if let Some(mut other) = database.apart(apart, wait).await? {
            fits = other.histories().await?.into_iter().filter(is_named).collect();
            beside = Some(other);
        }
    }
    match fits.len() {
        1 => Ok((fits.remove(0), beside)),
        0 => {
            let fault = Fault::refused(format!("no history of {} with rows was found", reader.title()));
            Err(fault.help("`--baseline ID` says up to which migration everything is applied"))
        }
        _ => {
            let fault = Fault::usage(format!(
                "{} has more than one history here, and which counts is not clear",
                reader.title()
            ));
            let fault = fits.iter().map(|history| history.table.clone()).fold(fault, Fault::cause);
            Err(fault.help("`--baseline ID` says by itself what is applied"))
        }
    }
}
