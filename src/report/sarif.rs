//! SARIF 2.1.0, as code scanning reads it. Form: the OASIS standard "Static Analysis Results Interchange Format (SARIF)
//! Version 2.1.0".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Report, escape, plain};
use crate::finding::{Finding, Severity};
use crate::proof::Waiver;
use crate::sha::Sha;

/// The report: one run, a rule for each code, a result for each finding. What is waived is suppressed, with the reason.
pub fn report(report: &Report<'_>) -> String {
    let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in report.all() {
        let known = rules.entry(&finding.code).or_insert(finding);
        if finding.severity > known.severity {
            *known = finding;
        }
    }
    let index = |code: &str| rules.keys().position(|known| *known == code);
    let of_cases = report.cases.iter().flat_map(|case| {
        case.judged.findings.iter().map(move |finding| (finding, case.waiver.as_ref(), Some(case.verdict())))
    });
    let others = report.findings.iter().map(|finding| (finding, None, None));
    let results: Vec<Value> = of_cases
        .chain(others)
        .map(|(finding, waiver, verdict)| {
            let mut result = result(finding, index(&finding.code));
            if let Some(verdict) = verdict {
                result.insert("properties".to_owned(), json!({"verdict": verdict, "migration": finding.migration}));
            }
            if let Some(Waiver { reason, by, .. }) = waiver {
                let why = format!("{reason} ({by})");
                result.insert("suppressions".to_owned(), json!([{"kind": "external", "justification": why}]));
            }
            Value::Object(result)
        })
        .collect();
    let driver = json!({
        "name": "switchback",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|(code, finding)| rule(code, finding)).collect::<Vec<_>>(),
    });
    let run = json!({
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": true, "exitCode": i32::from(report.is_bad)}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    let log = json!({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]});
    escape::json(&format!("{log:#}\n")).into_owned()
}

/// What a code stands for, told by its worst finding.
fn rule(code: &str, finding: &Finding) -> Value {
    let words = code.replace('-', " ");
    let mut rule = Map::new();
    rule.insert("id".to_owned(), json!(code));
    rule.insert("shortDescription".to_owned(), json!({"text": words}));
    rule.insert("fullDescription".to_owned(), json!({"text": format!("{words}, such as: {}", finding.message)}));
    rule.insert("defaultConfiguration".to_owned(), json!({"level": level(finding.severity)}));
    if let Some(help) = &finding.help {
        rule.insert("help".to_owned(), json!({"text": help}));
    }
    Value::Object(rule)
}

fn result(finding: &Finding, rule: Option<usize>) -> Map<String, Value> {
    // The place has a property of its own.
    let text = plain(&Finding { place: None, ..finding.clone() }).join("\n");
    let id = finding.migration.as_ref().map(|id| id.as_str());
    let mut location = Map::new();
    if let Some(place) = &finding.place {
        let region = json!({"startLine": place.line.max(1), "startColumn": place.column.max(1)});
        location.insert(
            "physicalLocation".to_owned(),
            json!({"artifactLocation": {"uri": uri(&place.path)}, "region": region}),
        );
    }
    let object = finding.object.as_deref().or(id);
    if let Some(object) = object {
        location.insert("logicalLocations".to_owned(), json!([{"fullyQualifiedName": object}]));
    }
    // The same finding in another commit has the same print, wherever its line is by then.
    let print = Sha::of_fields([Some(finding.code.as_ref()), id, finding.object.as_deref(), Some(&finding.message)]);
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), json!(finding.code));
    if let Some(index) = rule {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result.insert("level".to_owned(), json!(level(finding.severity)));
    result.insert("message".to_owned(), json!({"text": text}));
    result.insert("locations".to_owned(), if location.is_empty() { json!([]) } else { json!([location]) });
    result.insert("partialFingerprints".to_owned(), json!({"finding/v1": print}));
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A path as a URI that is relative to the repository, after RFC 3986.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
