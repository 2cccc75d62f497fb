//! Markdown: a table of verdicts and the findings below it, for a job's summary or a comment.

use std::fmt::Write as _;

use super::escape::{fence, markdown as text};
use super::{Report, duration};
use crate::finding::Finding;
use crate::proof::Verdict;

/// The report.
pub fn report(report: &Report<'_>) -> String {
    let mut out = format!("### switchback {}: {}\n", report.command, if report.is_bad { "findings" } else { "ok" });
    // Writing to a String cannot fail, here and below.
    let _ = write!(out, "\n{}", report.counts());
    if let Some(server) = report.server {
        let _ = write!(out, " in {} on {} {}", duration(report.millis), server.engine, text(&server.version));
    }
    out.push('\n');
    let shown: Vec<_> = report.cases.iter().filter(|case| case.verdict() != Verdict::Exact).collect();
    if !shown.is_empty() {
        out.push_str("\n| migration | verdict | |\n|---|---|---|\n");
        for case in &shown {
            let waived = case.waiver.as_ref().map(|waiver| format!("waived by {}: {}", waiver.by, waiver.reason));
            let waived = text(&waived.unwrap_or_default());
            let _ = writeln!(out, "| {} | {} | {waived} |", text(case.id().as_str()), case.verdict());
        }
        if shown.len() < report.cases.len() {
            let _ = writeln!(out, "\nAll others are exact.");
        }
    }
    let findings: Vec<&Finding> = report.all().collect();
    if !findings.is_empty() {
        out.push_str("\n#### Findings\n\n");
        findings.iter().for_each(|finding| write_finding(&mut out, finding));
    }
    out
}

fn write_finding(out: &mut String, finding: &Finding) {
    let _ = write!(out, "- **{}** {}", finding.severity.word(), text(&finding.code));
    if let Some(id) = &finding.migration {
        let _ = write!(out, " in {}", text(id.as_str()));
    }
    let _ = write!(out, ": {}", text(&finding.message));
    if let Some(place) = &finding.place {
        let _ = write!(out, " ({})", text(&place.to_string()));
    }
    out.push('\n');
    if !finding.detail.is_empty() {
        let lines: Vec<&str> = finding.detail.iter().flat_map(|line| line.lines()).collect();
        let fence = fence(&lines);
        let _ = writeln!(out, "\n  {fence}diff");
        for line in &lines {
            let _ = writeln!(out, "  {}", super::clean(line));
        }
        let _ = writeln!(out, "  {fence}\n");
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "  help: {}", text(help));
    }
}
