//! JUnit's XML, as CI systems read it: a test case for each migration.

use std::fmt::Write as _;

use super::escape::html;
use super::{Case, Report, plain};
use crate::finding::{Finding, Severity};
use crate::proof::Verdict;

/// The report. What fails is a failure, what is waived or was not reached is skipped; what else is said stands beside.
pub fn report(report: &Report<'_>) -> String {
    let general: Vec<&Finding> = report.findings.iter().collect();
    let is_bad = general.iter().any(|finding| finding.severity == Severity::Error);
    // A suite without a case would look as if nothing had been looked at.
    let has_general = !general.is_empty() || report.cases.is_empty();
    let failures = report.cases.iter().filter(|case| fails(case)).count() + usize::from(is_bad);
    let skipped = report.cases.iter().filter(|case| why_skipped(case).is_some()).count();
    let tests = report.cases.len() + usize::from(has_general);
    let name = match report.server {
        Some(server) => format!("switchback {} on {} {}", report.command, server.engine, server.version),
        None => format!("switchback {}", report.command),
    };
    let figures = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{}\"",
        seconds(report.millis)
    );
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"switchback\" {figures}>\n  <testsuite name=\"{}\" {figures}>\n",
        escaped(&name)
    );
    report.cases.iter().for_each(|case| write_case(&mut out, case));
    if has_general {
        open(&mut out, report.command, 0);
        write_findings(&mut out, &general);
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn fails(case: &Case) -> bool {
    case.fails() && case.verdict() != Verdict::Unreached
}

fn why_skipped(case: &Case) -> Option<String> {
    match &case.waiver {
        Some(waiver) => Some(format!("waived by {}: {}", waiver.by, waiver.reason)),
        None if case.verdict() == Verdict::Unreached => Some("something before it failed".to_owned()),
        None => None,
    }
}

fn write_case(out: &mut String, case: &Case) {
    open(out, case.id().as_str(), case.judged.millis);
    if let Some(why) = why_skipped(case) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "      <skipped message=\"{}\"/>", escaped(&why));
    } else if fails(case) && case.errors().next().is_none() {
        let _ = writeln!(out, "      <failure message=\"{0}\" type=\"{0}\"/>", case.verdict());
    }
    write_findings(out, &case.judged.findings.iter().collect::<Vec<_>>());
    out.push_str("    </testcase>\n");
}

fn open(out: &mut String, name: &str, millis: u64) {
    let _ = writeln!(
        out,
        "    <testcase classname=\"migrations\" name=\"{}\" time=\"{}\">",
        escaped(name),
        seconds(millis)
    );
}

/// Errors as one failure, since some readers keep one only; everything else as what the case said.
fn write_findings(out: &mut String, findings: &[&Finding]) {
    let (errors, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.severity == Severity::Error);
    let text = |findings: &[&Finding]| -> String {
        let head = |finding: &Finding| format!("{}[{}]: ", finding.severity.word(), finding.code);
        let texts = findings.iter().map(|finding| format!("{}{}", head(finding), plain(finding).join("\n  ")));
        texts.collect::<Vec<_>>().join("\n")
    };
    if let Some(first) = errors.first() {
        let (message, kind) = (escaped(&first.message), escaped(&first.code));
        let text = escaped(&text(&errors));
        let _ = writeln!(out, "      <failure message=\"{message}\" type=\"{kind}\">{text}</failure>");
    }
    if !others.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", escaped(&text(&others)));
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// Text for an element or an attribute; its lines stay lines.
fn escaped(text: &str) -> String {
    text.split('\n').map(html).collect::<Vec<_>>().join("&#10;")
}
