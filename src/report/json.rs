//! For programs: one versioned object per command.
//!
//! `{"format":1,"command":…,"outcome":…, …}` on stdout. Fields are only ever added within a format.

use serde_json::{Map, Value, json};

use super::{Case, Report, escape};
use crate::cost::Cost;
use crate::fault::Fault;
use crate::finding::Finding;
use crate::ledger::{COLUMNS, Entry};
use crate::plan::Plan;
use crate::price::Price;
use crate::proof::Verdict;
use crate::step::Done;

/// Version of the form of all objects.
pub const FORMAT: u32 = 1;

/// The object of a command; `fields` must be an object.
pub fn command(name: &str, outcome: &str, fields: Value) -> String {
    let mut object = Map::new();
    object.insert("format".to_owned(), json!(FORMAT));
    object.insert("command".to_owned(), json!(name));
    object.insert("outcome".to_owned(), json!(outcome));
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    escape::json(&Value::Object(object).to_string()).into_owned()
}

/// A finding, flat.
pub fn finding(finding: &Finding) -> Value {
    let place = finding.place.as_ref();
    json!({
        "code": finding.code,
        "severity": finding.severity,
        "migration": finding.migration,
        "object": finding.object,
        "message": finding.message,
        "detail": finding.detail,
        "path": place.map(|place| &place.path),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "help": finding.help,
    })
}

/// What ended a command before its end, with what it had warned of before.
pub fn fault(name: &str, fault: &Fault, warned: &[Finding], code: u8) -> String {
    let parts = fault.parts();
    let findings: Vec<Value> = warned.iter().chain(&parts.findings).map(finding).collect();
    let error = json!({
        "message": parts.what,
        "causes": parts.causes,
        "path": parts.place.as_ref().map(|place| &place.path),
        "line": parts.place.as_ref().map(|place| place.line),
        "column": parts.place.as_ref().map(|place| place.column),
        "help": parts.help,
    });
    command(name, "error", json!({"exit": code, "error": error, "findings": findings}))
}

/// What `verify` or `check` found.
pub fn report(report: &Report<'_>) -> String {
    let findings = |findings: &[Finding]| findings.iter().map(finding).collect::<Vec<_>>();
    let of_case = |case: &Case| {
        json!({
            "id": case.id(),
            "verdict": case.verdict(),
            "millis": case.judged.millis,
            "fresh": case.judged.fresh,
            "waived": case.waiver.as_ref().map(|waiver| json!({"by": waiver.by, "reason": waiver.reason})),
            "findings": findings(&case.judged.findings),
        })
    };
    let (outcome, fields) = if report.command == "verify" {
        let of = |verdict: Verdict| report.cases.iter().filter(|case| case.verdict() == verdict).count();
        let counts: Map<String, Value> =
            Verdict::ALL.iter().map(|verdict| (verdict.word().to_owned(), json!(of(*verdict)))).collect();
        let fields = json!({
            "engine": report.server.map(|server| server.engine),
            "server": report.server.map(|server| &server.version),
            "migrations": report.cases.iter().map(of_case).collect::<Vec<_>>(),
            "findings": findings(&report.findings),
            "counts": counts,
        });
        (if report.is_bad { "findings" } else { "ok" }, fields)
    } else {
        let fields = json!({
            "engine": report.server.map(|server| server.engine),
            "migrations": report.migrations,
            "findings": findings(&report.findings),
        });
        (if report.findings.is_empty() { "ok" } else { "findings" }, fields)
    };
    format!("{}\n", command(report.command, outcome, fields))
}

/// The steps of a plan with what they cost.
pub fn steps(plan: &Plan, costs: &[Cost]) -> Value {
    let step = |step: &crate::plan::Step| {
        let own = costs.iter().filter(|cost| cost.id == step.migration.id && cost.direction == step.direction);
        json!({
            "direction": step.direction,
            "id": step.migration.id,
            "source": step.source,
            "why": step.why,
            "drops": own.map(|cost| json!({"object": cost.object, "rows": cost.rows, "how": cost.how})).collect::<Vec<_>>(),
        })
    };
    plan.steps.iter().map(step).collect()
}

/// Steps that will be run, each with its price.
pub fn priced(steps: Value, price: &Price) -> Value {
    let Value::Array(mut steps) = steps else { return steps };
    for (step, price) in steps.iter_mut().zip(&price.steps) {
        step["price"] = json!({
            "tables": price.tables,
            "statements": price.statements,
            "rehearsed_ms": price.rehearsed_ms,
            "last": price.last,
            "outside": price.outside,
        });
    }
    Value::Array(steps)
}

/// Steps that are done.
pub fn done(steps: &[Done]) -> Value {
    let one = |done: &Done| json!({"direction": done.direction, "event": done.act, "id": done.id, "seq": done.seq, "millis": done.millis, "rows": done.rows});
    steps.iter().map(one).collect()
}

/// A row of the ledger; numbers as numbers.
pub fn entry(entry: &Entry) -> Value {
    let value = |column: &str| match (column, entry.get(column)) {
        (_, None) => Value::Null,
        ("seq" | "statement" | "rows_affected" | "reverts" | "duration_ms", Some(_)) => json!(entry.number(column)),
        (_, Some(text)) => json!(text),
    };
    Value::Object(COLUMNS.iter().map(|column| ((*column).to_owned(), value(column))).collect())
}
