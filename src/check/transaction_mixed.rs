//! Statements that no transaction may hold, beside others.

use crate::class::{Class, TransactionNeed};
use crate::finding::Finding;
use crate::migration::Transaction;

use super::{Check, Part, View};

pub struct TransactionMixed;

const CODE: &str = "transaction-mixed";

impl Check for TransactionMixed {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "A statement such as CREATE INDEX CONCURRENTLY takes the whole script out of the transaction; a failure then stops half-way."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let guarded = view.parts.iter().filter(|part| part.transaction() == Transaction::Auto);
        guarded.filter_map(finding).collect()
    }
}

fn finding(part: &Part<'_>) -> Option<Finding> {
    let forbidden = |class: &Class| class.transaction == TransactionNeed::Forbidden;
    let first = part.classes.iter().position(forbidden)?;
    let (count, all) = (part.classes.iter().filter(|class| forbidden(class)).count(), part.classes.len());
    let message = match count {
        1 => format!("this one of {all} statements cannot run in a transaction, so none of the script does"),
        _ => format!("{count} of {all} statements cannot run in a transaction, so none of the script does"),
    };
    let finding = Finding::warning(CODE, message).of(&part.migration.id).at(part.place(first));
    let help = "put the others into a migration of their own, or say that it is meant: transaction = \"off\"";
    (count < all).then(|| finding.help(help))
}
