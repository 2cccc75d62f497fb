//! Names that are longer than the engine keeps.

use crate::finding::{Finding, Severity};
use crate::sql::Flavor;
use crate::token::Token;
use std::collections::BTreeSet;

use super::{Check, Part, View};

pub struct NameLong;

const CODE: &str = "name-long";

impl Check for NameLong {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "PostgreSQL cuts names to 63 bytes without an error, so that two of them can meet; MySQL refuses more than 64 characters."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        view.parts.iter().filter(|part| !part.classes.is_empty()).flat_map(long_names).collect()
    }
}

/// Each long name of a script once, at its first place.
fn long_names(part: &Part<'_>) -> Vec<Finding> {
    let (script, text) = (part.script, part.script.text());
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for statement in script.statements().iter().filter(|statement| statement.span.len() > SHORTEST_BYTES) {
        let mut alias = false;
        for token in script.lex(statement).filter(Token::is_significant) {
            let name = if token.span.len() > SHORTEST_BYTES { token.name(text, script.flavor()) } else { None };
            if let Some(name) = name
                && let Some(limit) = exceeded(&name, script.flavor(), alias)
                && seen.insert(name.to_string())
            {
                let start: String = name.chars().take(32).collect();
                // PostgreSQL goes on with the shorter name, and two that meet there are an error of its own.
                let severity = if script.flavor() == Flavor::Postgres { Severity::Warning } else { Severity::Error };
                let finding = Finding::new(CODE, severity, format!("the name `{start}…` {limit}"));
                findings.push(finding.of(&part.migration.id).at(script.place(token.span.start)).help("shorten it"));
            }
            alias = token.is_word(text, "as");
        }
    }
    findings
}

/// No token up to this length can be too long anywhere.
const SHORTEST_BYTES: usize = 63;

/// Which limit a name breaks. MySQL lets an alias have 256 characters.
fn exceeded(name: &str, flavor: Flavor, alias: bool) -> Option<String> {
    let (long, most, unit) = match flavor {
        Flavor::Postgres => (name.len(), 63, "bytes"),
        Flavor::Mysql if alias => (name.chars().count(), 256, "characters"),
        Flavor::Mysql => (name.chars().count(), 64, "characters"),
        Flavor::Sqlite => return None,
    };
    (long > most).then(|| format!("has {long} {unit}, and the engine keeps {most}"))
}
