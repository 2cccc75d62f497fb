//! A page for browsers: one file that asks nobody for anything, with the graph, the steps and their SQL, what they cost, the schema
//! before and behind, and what is asked of whom. All of it is there without a script; the script is for keys.
//!
//! Mark-up is short, since a plan may have a thousand steps: a step's `b` is its migration and its `i` the verdict; a line of SQL is
//! an `li`, in which `i` is a comment, `u` a text and `b` a key word.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Sheet, costs};
use crate::finding::Finding;
use crate::plan::{Direction, Source};
use crate::report::escape::html as escaped;
use crate::report::graph::svg;
use crate::report::{count, duration};
use crate::saved::{Step, UNPROVEN, dropped};
use crate::sha::for_policy;
use crate::snapshot::{Change, Fate};

mod sql;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page.
pub fn html(sheet: &Sheet<'_>) -> String {
    let mut out = head(sheet);
    header(&mut out, sheet);
    summary(&mut out, sheet);
    demands(&mut out, sheet);
    notes(&mut out, sheet);
    graph(&mut out, sheet);
    steps(&mut out, sheet);
    changes(&mut out, sheet);
    let _ = writeln!(out, "</main>\n<footer>{}</footer>\n<script>{SCRIPT}</script>", escaped(&sheet.plan.tool));
    out
}

/// Nothing may be fetched, and no script or style runs but ours, whatever stands in the page.
fn head(sheet: &Sheet<'_>) -> String {
    let (script, own, graph) = (for_policy(SCRIPT), for_policy(STYLE), for_policy(svg::STYLE));
    let policy = format!(
        "default-src 'none'; script-src '{script}'; style-src '{own}' '{graph}'; base-uri 'none'; form-action 'none'"
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} on {}</title>\n<style>{STYLE}</style>\n",
        escaped(&sheet.plan.asked),
        escaped(&sheet.plan.database.shown)
    )
}

fn header(out: &mut String, sheet: &Sheet<'_>) {
    let plan = sheet.plan;
    let time = |time: &chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let why = plan.reason.as_ref().map(|reason| format!("<p>{}</p>\n", escaped(reason))).unwrap_or_default();
    let _ = write!(out, "<header>\n<p>Switchback plan</p>\n<h1>{}</h1>\n{why}<dl>\n", escaped(&plan.asked));
    let database = &plan.database;
    let name = database.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let facts = [
        ("Database", Some(format!("{name}{} ({} {})", database.shown, database.engine, database.version))),
        ("State", Some(format!("{} applied, behind row #{} of the ledger", plan.base.applied, plan.base.seq))),
        ("Made", Some(format!("{} by {}@{}", time(&plan.made), plan.by, plan.host))),
        ("Commit", plan.git_commit.clone()),
        ("File", Some(sheet.file.unwrap_or("not saved").to_owned())),
        ("Expires", sheet.file.map(|_| time(&plan.expires))),
        ("Digest", sheet.file.map(|_| plan.digest.to_string())),
    ];
    for (name, value) in facts.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        let _ = writeln!(out, "<div><dt>{name}<dd>{}</div>", escaped(value));
    }
    out.push_str("</dl>\n</header>\n<main>\n");
}

/// A figure of the summary.
struct Figure {
    /// How it is to be taken.
    class: &'static str,
    name: &'static str,
    value: String,
    /// What else there is to say of it.
    more: String,
    /// The step that it is about.
    step: Option<usize>,
}

fn figure(class: &'static str, name: &'static str, value: impl Into<String>) -> Figure {
    Figure { class, name, value: value.into(), more: String::new(), step: None }
}

fn figures(sheet: &Sheet<'_>) -> Vec<Figure> {
    let lost = match sheet.lost() {
        Some(lost) => Figure { step: sheet.losses().first().map(|(step, _)| *step), ..figure("bad", "Is lost", lost) },
        None => figure("good", "Is lost", "nothing"),
    };
    let verdicts = sheet.verdicts().into_iter().map(|(verdict, number)| format!("{number} {verdict}"));
    let verdicts = figure("", "Ways back", verdicts.collect::<Vec<_>>().join(", "));
    let lock = match (sheet.longest_hold(), sheet.rehearsed()) {
        (Some((step, hold)), _) => Some(Figure {
            more: hold.lock.clone(),
            step: Some(step),
            ..figure("", "Longest lock", duration(hold.millis))
        }),
        (None, Some(_)) => Some(figure("good", "Longest lock", "none that keeps others out")),
        (None, None) => None,
    };
    let rehearsed = match sheet.rehearsed() {
        Some(time) => figure("", "Rehearsed in a shadow in", time),
        None => figure("warn", "Rehearsed", "no"),
    };
    let stays = match sheet.plan.safe {
        Some(true) => Some(figure("good", "What stays", "stands without what is taken back")),
        Some(false) => Some(figure("bad", "What stays", "does not stand without what is taken back")),
        None => None,
    };
    let first = [figure("", "Steps", sheet.steps()), lost, verdicts];
    first.into_iter().chain(lock).chain([rehearsed]).chain(stays).collect()
}

fn summary(out: &mut String, sheet: &Sheet<'_>) {
    out.push_str("<ul class=\"figures\">\n");
    for Figure { class, name, value, more, step } in figures(sheet) {
        let value = match step {
            Some(step) => format!("<a href=\"#s{step}\">{}</a>", escaped(&value)),
            None => escaped(&value),
        };
        let _ = writeln!(out, "<li class=\"{class}\"><span>{name}</span> {value} <small>{}</small>", escaped(&more));
    }
    out.push_str("</ul>\n");
}

fn demands(out: &mut String, sheet: &Sheet<'_>) {
    out.push_str("<section id=\"asked\">\n<h2>What is asked of whom</h2>\n<table>\n");
    let mut last = "";
    for demand in sheet.demands() {
        let who = if demand.who == last { "" } else { demand.who };
        last = demand.who;
        let with = demand.with.as_ref().map(|with| format!("<code>{}</code>", escaped(with))).unwrap_or_default();
        let _ = writeln!(out, "<tr><th scope=\"row\">{who}<td>{}<td>{with}", escaped(&demand.what));
    }
    out.push_str("</table>\n");
    if sheet.plan.safe != Some(false) {
        let _ = writeln!(out, "<p>It is run by <code>{}</code></p>", escaped(&sheet.run_unasked()));
    }
    out.push_str("</section>\n");
}

fn notes(out: &mut String, sheet: &Sheet<'_>) {
    if !sheet.plan.notes.is_empty() {
        out.push_str("<section id=\"notes\">\n<h2>Notes</h2>\n<ul class=\"notes\">\n");
        sheet.plan.notes.iter().for_each(|finding| note(out, finding));
        out.push_str("</ul>\n</section>\n");
    }
    if !sheet.plan.stays.is_empty() {
        out.push_str("<section id=\"stays\">\n<h2>What stays</h2>\n<ul>\n");
        for (id, why) in &sheet.plan.stays {
            let _ = writeln!(out, "<li><b>{}</b> {}", escaped(id.as_str()), escaped(why));
        }
        out.push_str("</ul>\n</section>\n");
    }
}

fn note(out: &mut String, finding: &Finding) {
    let word = finding.severity.word();
    let _ = write!(out, "<li class=\"{word}\"><b>{word}</b> {}", escaped(&finding.message));
    if let Some(place) = &finding.place {
        let _ = write!(out, " at <code>{}</code>", escaped(&place.to_string()));
    }
    if !finding.detail.is_empty() {
        out.push_str("<pre>");
        finding.detail.iter().flat_map(|line| line.lines()).for_each(|line| marked(out, line));
        out.push_str("</pre>");
    }
    if let Some(help) = &finding.help {
        let _ = write!(out, "<p>{}</p>", escaped(help));
    }
    out.push('\n');
}

/// A line of a difference.
fn marked(out: &mut String, line: &str) {
    let tag = match line.chars().next() {
        Some('+') => "ins",
        Some('-') => "del",
        _ => "span",
    };
    let _ = write!(out, "<{tag}>{}</{tag}>", escaped(line));
}

fn graph(out: &mut String, sheet: &Sheet<'_>) {
    let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, step) in sheet.plan.steps.iter().enumerate() {
        steps.entry(step.id.as_str()).or_insert(at + 1);
    }
    out.push_str(
        "<section id=\"graph\">\n<h2>What stands on what</h2>\n\
         <div class=\"map\" tabindex=\"0\" role=\"region\" aria-label=\"The graph, which scrolls\">\n",
    );
    out.push_str(&svg::within(sheet.picture, &steps));
    out.push_str("</div>\n</section>\n");
}

fn steps(out: &mut String, sheet: &Sheet<'_>) {
    let steps = &sheet.plan.steps;
    out.push_str("<section id=\"steps\">\n<h2>Steps</h2>\n");
    out.push_str("<p class=\"tools\" hidden><button>Open all</button> <button>Close all</button> <kbd>j</kbd> next, <kbd>k</kbd> back, <kbd>Enter</kbd> shows its SQL</p>\n");
    let common = common(steps);
    if !common.is_empty() {
        let lines = common.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br>");
        let _ = writeln!(out, "<p class=\"common\">Each of them: {lines}</p>");
    }
    out.push_str("<ol class=\"steps\">\n");
    let flavor = sql::flavor(&sheet.plan.database.engine);
    for (at, one) in steps.iter().enumerate() {
        step(out, at + 1, one, &common);
        sql::lines(out, &one.sql, flavor);
        out.push_str("</details>\n");
    }
    out.push_str("</ol>\n</section>\n");
}

/// What every step costs, where there are many.
fn common(steps: &[Step]) -> BTreeSet<String> {
    const MANY: usize = 4;
    let mut lines = steps.iter().map(|step| costs(step).into_iter().collect::<BTreeSet<String>>());
    let Some(first) = lines.next().filter(|_| steps.len() >= MANY) else { return BTreeSet::new() };
    lines.fold(first, |common, own| common.intersection(&own).cloned().collect())
}

/// A step's summary and costs, without those of every step; its `details` stay open for its SQL.
fn step(out: &mut String, number: usize, step: &Step, common: &BTreeSet<String>) {
    let way = match step.direction {
        Direction::Up => "↑ up",
        Direction::Down => "↓ down",
    };
    let class = step.direction.word();
    let standing = match step.verdict.as_str() {
        "exact" | "preserved" => "",
        UNPROVEN | "broken" | "failed" | "missing" => " class=bad",
        _ => " class=warn",
    };
    let _ = write!(
        out,
        "<li><details id=s{number} class={class}><summary><span>{way}</span> <b>{}</b> <i{standing}>{}</i>",
        escaped(step.id.as_str()),
        escaped(&step.verdict)
    );
    let source = if step.source == Source::Ledger { ", script from the ledger" } else { "" };
    let time = step.rehearsed_ms.map(|millis| format!(" · {}", duration(millis))).unwrap_or_default();
    let _ = write!(out, " <small>{}{source}{time}</small>", escaped(&step.why));
    for drop in &step.drops {
        let _ = write!(out, " <strong>{}</strong>", escaped(&dropped(&drop.object, drop.rows, drop.how)));
    }
    out.push_str("</summary>");
    let lines: String = costs(step)
        .iter()
        .filter(|line| !common.contains(*line))
        .map(|line| format!("<li>{}", escaped(line)))
        .collect();
    if !lines.is_empty() {
        let _ = write!(out, "<ul>{lines}</ul>");
    }
}

fn changes(out: &mut String, sheet: &Sheet<'_>) {
    out.push_str("<section id=\"schema\">\n<h2>What becomes of the schema</h2>\n");
    match &sheet.plan.changes {
        None => out.push_str("<p>Nobody knows: the plan was not rehearsed.</p>\n"),
        Some(changes) if changes.is_empty() => out.push_str("<p>It ends as it began.</p>\n"),
        Some(changes) => {
            for (fate, title) in [
                (Fate::Added, "Added"),
                (Fate::Changed, "Changed"),
                (Fate::Renamed, "Under another generated name"),
                (Fate::Removed, "Removed"),
            ] {
                let own: Vec<&Change> = changes.iter().filter(|change| change.fate == fate).collect();
                if !own.is_empty() {
                    objects(out, title, &own);
                }
            }
        }
    }
    out.push_str("</section>\n");
}

/// So many objects are shown without being asked for.
const OPEN: usize = 30;

fn objects(out: &mut String, title: &str, changes: &[&Change]) {
    let number = count(u64::try_from(changes.len()).unwrap_or(u64::MAX), "object");
    let open = if changes.len() <= OPEN { " open" } else { "" };
    let _ = write!(out, "<details{open}><summary>{title} <small>{number}</small></summary>");
    for change in changes {
        let class = match change.fate {
            Fate::Added => " class=\"ins\"",
            Fate::Removed => " class=\"del\"",
            Fate::Changed | Fate::Renamed => "",
        };
        let _ = write!(out, "<pre{class}><b>{}</b>", escaped(&change.title()));
        for line in &change.lines {
            match class {
                "" => marked(out, line),
                _ => {
                    let _ = write!(out, "\n{}", escaped(line));
                }
            }
        }
        out.push_str("</pre>");
    }
    out.push_str("</details>\n");
}
