//! For people: findings, faults, plans and logs as lines of text.
//!
//! Colour is only ever an addition: every line says the same without it. The caller writes through `anstream`, which
//! takes colour out where the other end is no terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Utc};

use super::{Case, Report, clean, count, duration};
use crate::cost::Cost;
use crate::fault::Fault;
use crate::finding::{Finding, Severity};
use crate::goal::Why;
use crate::id::Id;
use crate::ledger::{Act, Entry, Release, Taken};
use crate::plan::{Direction, Plan, Source, Step};
use crate::price::Price;
use crate::proof::Verdict;
use crate::saved::Saved;
use crate::step::Done;
use crate::verify::Judged;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Text in a style.
fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Note => CYAN,
    }
}

fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Exact | Verdict::Preserved => GREEN,
        Verdict::Equivalent | Verdict::Lossy | Verdict::Irreversible => YELLOW,
        Verdict::Broken | Verdict::Missing | Verdict::Failed | Verdict::Unreached => RED,
    }
}

/// The longest line that is told of somebody else's text, in characters.
const LONGEST: usize = 2_000;

/// Text of somebody else as a line: harmless, and of a very long one the start.
fn told(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", clean(&text[..end]), text.len()),
        None => clean(text).into_owned(),
    }
}

/// A fault: what, where, causes, help; and the findings that led to it.
pub fn fault(fault: &Fault) -> String {
    let parts = fault.parts();
    let mut out = parts.findings.iter().map(finding).collect::<String>();
    let _ = writeln!(out, "{} {}", styled(RED, "error:"), told(&parts.what));
    if let Some(place) = &parts.place {
        let _ = writeln!(out, "  at {}", told(&place.to_string()));
    }
    if let Some(excerpt) = &parts.excerpt {
        let caret = usize::try_from(excerpt.column.saturating_sub(1)).unwrap_or(0);
        let before: String = excerpt.line.chars().take(caret).collect();
        let width = clean(&before).chars().count();
        let _ = writeln!(out, "   | {}", clean(&excerpt.line));
        let _ = writeln!(out, "   | {}{}", " ".repeat(width), styled(RED, "^"));
    }
    for cause in &parts.causes {
        for line in cause.lines() {
            let _ = writeln!(out, "  {}", told(line));
        }
    }
    if let Some(help) = &parts.help {
        let _ = writeln!(out, "{} {}", styled(CYAN, "help:"), told(help));
    }
    out
}

/// A finding: severity, code, message, place, lines that show it, help.
pub fn finding(finding: &Finding) -> String {
    let mut out = String::new();
    let head = format!("{}[{}]:", finding.severity.word(), finding.code);
    let _ = writeln!(out, "{} {}", styled(severity_style(finding.severity), &head), told(&finding.message));
    if let Some(place) = &finding.place {
        let _ = writeln!(out, "  at {}", told(&place.to_string()));
    }
    for line in &finding.detail {
        let style = match line.chars().next() {
            Some('-') => RED.bold(),
            Some('+') => GREEN,
            _ => Style::new(),
        };
        let _ = writeln!(out, "    {}", styled(style, &told(line)));
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "  {} {}", styled(CYAN, "help:"), told(help));
    }
    out
}

/// What was found: a line for each judgement, its findings indented below it; then what belongs to none.
pub fn report(report: &Report<'_>) -> String {
    report.cases.iter().map(judged).chain(report.findings.iter().map(finding)).collect()
}

/// One judged migration, with its findings indented below it.
fn judged(case: &Case) -> String {
    let Judged { id, verdict, findings, millis, fresh, .. } = &case.judged;
    let word = styled(verdict_style(*verdict), &format!("{:<12}", verdict.word()));
    let time = if *fresh { duration(*millis) } else { "known".to_owned() };
    let mut out = format!("{word} {} {}\n", clean(id.as_str()), styled(DIM, &format!("({time})")));
    for one in findings {
        for line in finding(one).lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

fn arrow(direction: Direction) -> String {
    match direction {
        Direction::Up => styled(GREEN, "up  "),
        Direction::Down => styled(YELLOW, "down"),
    }
}

/// A plan, a line per step, with the rows that it drops; then what it keeps.
pub fn plan(plan: &Plan, costs: &[Cost]) -> String {
    plan.steps.iter().map(|one| step(one, costs)).chain(plan.stays.iter().map(kept)).collect()
}

fn kept((id, why): &(Id, Why)) -> String {
    format!("keep {} {}\n", clean(id.as_str()), styled(DIM, &format!("({})", clean(&why.to_string()))))
}

/// A rehearsed plan, with what each step locks and how long it takes; then who stands in its way.
pub fn priced(plan: &Plan, costs: &[Cost], price: &Price) -> String {
    let mut out = String::new();
    for (one, price) in plan.steps.iter().zip(&price.steps) {
        out.push_str(&step(one, costs));
        for line in price.lines() {
            let _ = writeln!(out, "       {}", clean(&line));
        }
    }
    plan.stays.iter().for_each(|one| out.push_str(&kept(one)));
    for blocker in &price.running.blockers {
        let _ = writeln!(out, "{} {}", styled(YELLOW, "in the way:"), clean(&blocker.to_string()));
    }
    if let Some(unseen) = &price.running.unseen {
        let _ = writeln!(out, "{} {}", styled(CYAN, "not seen:"), clean(unseen));
    }
    out
}

/// How much of a saved plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Steps,
    Scripts,
}

/// A saved plan.
pub fn saved(saved: &Saved, detail: Detail, now: DateTime<Utc>) -> String {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut out = format!("{} {}\n", styled(BOLD, "plan"), saved.digest);
    let expired = if now > saved.expires { styled(RED, " (expired)") } else { String::new() };
    let lines = [
        ("asked", clean(&saved.asked).into_owned()),
        (
            "for",
            format!(
                "{} ({} {})",
                clean(&saved.database.shown),
                clean(&saved.database.engine),
                clean(&saved.database.version)
            ),
        ),
        ("base", format!("row #{} with {} applied", saved.base.seq, saved.base.applied)),
        ("made", format!("{} by {}@{}", time(saved.made), clean(&saved.by), clean(&saved.host))),
        ("expires", format!("{}{expired}", time(saved.expires))),
        ("why", saved.reason.as_deref().map(|reason| clean(reason).into_owned()).unwrap_or_default()),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "  {name:<8}{value}");
    }
    for step in &saved.steps {
        let why = styled(DIM, &format!("({}, {})", clean(&step.why), clean(&step.verdict)));
        let _ = writeln!(out, "{} {} {why}", arrow(step.direction), clean(step.id.as_str()));
        for drop in &step.drops {
            let _ = writeln!(out, "       {}", styled(YELLOW, &clean(&drop.to_string())));
        }
        for line in &step.costs {
            let _ = writeln!(out, "       {}", clean(line));
        }
        if detail == Detail::Scripts {
            for line in step.sql.lines() {
                let _ = writeln!(out, "       {}", clean(line));
            }
        }
    }
    for (id, why) in &saved.stays {
        let _ = writeln!(out, "keep {} {}", clean(id.as_str()), styled(DIM, &format!("({})", clean(why))));
    }
    for note in &saved.notes {
        out.push_str(&finding(note));
    }
    out
}

/// A step, with the rows that it drops.
fn step(step: &Step, costs: &[Cost]) -> String {
    let id = &step.migration.id;
    let source = match step.source {
        Source::Checkout => "",
        Source::Ledger => ", script from the ledger",
    };
    let why = styled(DIM, &format!("({}{source})", clean(&step.why.to_string())));
    let mut out = match step.backs_out {
        true => format!("{} {}\n", styled(YELLOW, step.word()), clean(id.as_str())),
        false => format!("{} {} {why}\n", arrow(step.direction), clean(id.as_str())),
    };
    for statement in step.shown().iter().filter(|_| step.backs_out) {
        let _ = writeln!(out, "       {}", clean(statement));
    }
    for cost in costs.iter().filter(|cost| cost.id == *id && cost.direction == step.direction) {
        let _ = writeln!(out, "       {}", styled(YELLOW, &clean(&cost.to_string())));
    }
    out
}

/// A step that is done.
pub fn done(done: &Done) -> String {
    let word = match (done.act, done.direction) {
        (Act::BackOut, _) => styled(YELLOW, "backed out"),
        (_, Direction::Up) => styled(GREEN, "applied "),
        (_, Direction::Down) => styled(YELLOW, "reverted"),
    };
    format!("{word} {} {}\n", clean(done.id.as_str()), styled(DIM, &format!("({})", duration(done.millis))))
}

/// A release that the ledger holds; `now` is what is applied.
pub fn release(row: &Entry, release: &Release, now: &[&Id]) -> String {
    let members = count(u64::try_from(release.members.len()).unwrap_or(u64::MAX), "migration");
    let now = if release.is_of(now) { ", applied now" } else { "" };
    let at = row.get("finished_at").map(|at| format!(" {}", clean(at))).unwrap_or_default();
    let mut out =
        format!("{} {}\n", clean(&release.name), styled(DIM, &format!("({members}{now}; #{}{at})", row.seq())));
    let artifact = release.artifact.iter().map(|artifact| ("artifact", artifact));
    for (name, value) in artifact.chain(release.config.iter().map(|(name, value)| (name.as_str(), value))) {
        let _ = writeln!(out, "  {} = {}", clean(name), clean(value));
    }
    out
}

/// A row of the ledger: who, when, how long, from which commit, why.
pub fn entry(entry: &Entry) -> String {
    let get = |column: &str| entry.get(column).map(|value| clean(value).into_owned());
    let phase = match entry.get("phase") {
        Some("done") | None => String::new(),
        Some(phase) => format!(" {}", styled(RED, &clean(phase))),
    };
    let mut out = String::new();
    let head = format!("#{} {}", entry.seq(), get("event").unwrap_or_default());
    let detail = entry.get("detail").filter(|_| entry.get("event") == Some(Act::Release.word()));
    let release = detail.and_then(|text| serde_json::from_str::<Release>(text).ok());
    let name = release.as_ref().map(|release| clean(&release.name).into_owned());
    let _ = writeln!(out, "{}{phase} {}", styled(BOLD, &head), get("migration").or(name).unwrap_or_default());
    let mut when = get("started_at").unwrap_or_default();
    if let Some(millis) = entry.number("duration_ms").and_then(|millis| u64::try_from(millis).ok()) {
        let _ = write!(when, ", took {}", duration(millis));
    }
    let _ = writeln!(out, "    when    {when}");
    let user = get("db_user").filter(|user| !user.is_empty()).map(|user| format!(" as {user}")).unwrap_or_default();
    let _ = writeln!(out, "    who     {}@{}{user}", get("actor").unwrap_or_default(), get("host").unwrap_or_default());
    let lines = [("author  ", "git_author"), ("commit  ", "git_commit"), ("ci      ", "ci"), ("why     ", "reason")];
    let more = [("ticket  ", "ticket"), ("detail  ", "detail")];
    let taken = Taken::by(entry);
    let of_people = |(_, column): &(&str, &str)| (release.is_none() && taken.is_none()) || *column != "detail";
    for (label, column) in lines.into_iter().chain(more).filter(of_people) {
        if let Some(value) = get(column) {
            let _ = writeln!(out, "    {label}{value}");
        }
    }
    if let Some(release) = &release {
        let members = count(u64::try_from(release.members.len()).unwrap_or(u64::MAX), "migration");
        let _ = writeln!(out, "    holds   {members}");
    }
    if let Some(taken) = &taken {
        let _ = writeln!(out, "    from    {}", clean(&taken.of));
    }
    out
}
