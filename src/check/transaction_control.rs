//! Statements that begin or end a transaction.

use crate::class::{self, Control};
use crate::finding::Finding;
use crate::migration::Transaction;

use super::{Check, Part, View};

pub struct TransactionControl;

const CODE: &str = "transaction-control";

impl Check for TransactionControl {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "BEGIN, COMMIT and ROLLBACK in a script would end the transaction that guards it, or leave one open. Savepoints are fine."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let parts = view.parts.iter();
        parts
            .flat_map(|part| match part.transaction() {
                Transaction::Auto => inside(part, view.input.engine),
                Transaction::Off => unbalanced(part),
            })
            .collect()
    }
}

/// The statements that begin or end whole transactions.
fn controls<'a>(part: &'a Part<'_>) -> impl Iterator<Item = (usize, &'static str)> + 'a {
    part.classes.iter().enumerate().filter_map(|(index, class)| match class.transaction_control {
        Some(Control::Whole(word)) => Some((index, word)),
        Some(Control::Savepoint(_)) | None => None,
    })
}

fn finding(part: &Part<'_>, statement: usize, message: String) -> Finding {
    Finding::error(CODE, message).of(&part.migration.id).at(part.place(statement))
}

/// Ours is around the script, or around its data statements: every one of them is wrong.
fn inside(part: &Part<'_>, engine: &str) -> Vec<Finding> {
    // A BEGIN and a COMMIT around the whole script say what is done anyway, and are not sent.
    let sent = class::sent(part.script);
    let (guards, help) = match engine {
        "mysql" | "mariadb" => (
            "the transactions that write the script's journal",
            "take it out: DDL commits by itself here, and each statement is journalled; or say transaction = \"off\"",
        ),
        _ => (
            "the transaction that guards the script",
            "take it out, for each script runs in a transaction of its own; or say transaction = \"off\"",
        ),
    };
    let told = |(index, word)| finding(part, index, format!("{word} would break {guards}")).help(help);
    controls(part).filter(|(index, _)| sent.contains(index)).map(told).collect()
}

/// Nothing is around the script: what it begins it must end.
fn unbalanced(part: &Part<'_>) -> Vec<Finding> {
    let mut open: Option<(usize, &'static str)> = None;
    let mut findings = Vec::new();
    for (index, word) in controls(part) {
        match (word, open) {
            ("BEGIN" | "START TRANSACTION", None) => open = Some((index, word)),
            ("BEGIN" | "START TRANSACTION", Some(_)) => {
                findings.push(finding(
                    part,
                    index,
                    format!("{word} inside a transaction that the script began already"),
                ));
            }
            ("COMMIT" | "ROLLBACK" | "END" | "ABORT" | "PREPARE TRANSACTION", Some(_)) => open = None,
            ("COMMIT" | "ROLLBACK" | "END" | "ABORT" | "PREPARE TRANSACTION", None) => {
                findings.push(finding(part, index, format!("{word} ends a transaction that the script did not begin")));
            }
            _ => {}
        }
    }
    if let Some((index, word)) = open {
        let message = format!("the transaction that this {word} begins is left open");
        findings.push(finding(part, index, message).help("end it with COMMIT"));
    }
    findings
}
