//! Workflow commands of GitHub Actions: findings as annotations beside the lines of a pull request.

use std::fmt::Write as _;

use super::{Report, clean, plain};
use crate::finding::{Finding, Severity};

/// A line for each finding, and one for each verdict that fails without any.
pub fn report(report: &Report<'_>) -> String {
    let mut out: String = report.all().map(annotation).collect();
    for case in report.cases.iter().filter(|case| case.fails() && case.errors().next().is_none()) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "::error title={}::its verdict is {}", property(case.id().as_str()), case.verdict());
    }
    out
}

fn annotation(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let title = match &finding.migration {
        Some(id) => format!("{} in {id}", finding.code),
        None => finding.code.to_string(),
    };
    let mut properties = vec![format!("title={}", property(&title))];
    if let Some(place) = &finding.place {
        properties.push(format!("file={}", property(&place.path)));
        properties.push(format!("line={},col={}", place.line, place.column));
    }
    // The place stands in the properties already.
    let text = plain(&Finding { place: None, ..finding.clone() }).join("\n");
    format!("::{word} {}::{}\n", properties.join(","), data(&text))
}

/// After the runner's own escapes; its lines stay lines.
fn data(text: &str) -> String {
    text.split('\n').map(|line| clean(line).replace('%', "%25")).collect::<Vec<_>>().join("%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
