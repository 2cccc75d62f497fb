//! PostgreSQL: enum values that are used in the transaction that adds them.

use crate::class::TransactionNeed;
use crate::finding::Finding;
use crate::migration::Transaction;
use crate::sql::{Script, Statement};
use crate::token::{Token, TokenKind};

use super::{Check, Part, View};

pub struct EnumInUse;

const CODE: &str = "enum-in-use";

impl Check for EnumInUse {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "PostgreSQL refuses to use a value that ALTER TYPE … ADD VALUE added in the same transaction, unless it also made the type."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let guarded = view.parts.iter().filter(|part| part.transaction() == Transaction::Auto);
        guarded.flat_map(uses).collect()
    }
}

/// A finding for each value that the script adds and then uses.
fn uses(part: &Part<'_>) -> Vec<Finding> {
    // A statement that no transaction may hold takes the script out of it, and each statement commits.
    if part.classes.iter().any(|class| class.transaction == TransactionNeed::Forbidden) {
        return Vec::new();
    }
    let statements = part.script.statements();
    let added = part.classes.iter().enumerate().filter_map(|(at, class)| Some((at, class.adds_enum_value.as_ref()?)));
    let new_type = |at: usize| {
        let name = type_name(part.script, &statements[at], "alter");
        statements[..at].iter().any(|earlier| name.is_some() && type_name(part.script, earlier, "create") == name)
    };
    added.filter(|(at, _)| !new_type(*at)).filter_map(|(at, value)| finding(part, at, value)).collect()
}

fn finding(part: &Part<'_>, added: usize, value: &str) -> Option<Finding> {
    let script = part.script;
    let later = script.statements().iter().zip(&part.classes).skip(added + 1);
    let used = later.filter(|(_, class)| class.adds_enum_value.is_none()).find_map(|(statement, _)| {
        let text = script.text();
        let is_value = |token: &Token| {
            token.kind == TokenKind::Text && token.value(text, script.flavor()).is_some_and(|found| found == value)
        };
        script.lex(statement).find(is_value)
    })?;
    let place = part.place(added);
    let message = format!("uses the enum value '{value}', which line {} adds in the same transaction", place.line);
    let help = "use it in the next migration, or say transaction = \"off\"";
    Some(
        Finding::warning(CODE, message)
            .of(&part.migration.id)
            .at(script.place(used.span.start))
            .detail(vec![format!("added at {place}")])
            .help(help),
    )
}

/// The last part of the name in `CREATE TYPE a.b` or `ALTER TYPE a.b`.
fn type_name(script: &Script, statement: &Statement, verb: &str) -> Option<String> {
    let text = script.text();
    let mut tokens = script.lex(statement).filter(Token::is_significant);
    if !tokens.next()?.is_word(text, verb) || !tokens.next()?.is_word(text, "type") {
        return None;
    }
    let mut last = tokens.next()?;
    while tokens.next().is_some_and(|token| token.is_symbol(text, ".")) {
        last = tokens.next()?;
    }
    last.name(text, script.flavor()).map(|name| name.into_owned())
}
