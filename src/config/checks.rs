//! `[checks]`: the project's own queries, which have to hold behind each plan.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{ENGINE_NAMES, position};
use crate::fault::{Fault, Result};
use crate::finding::Place;

/// How the parser's word for a check that is none begins.
pub(super) const WANTED: &str = "expected a query";

/// A check of the settings file.
#[derive(Clone, Debug)]
pub struct Check {
    /// What it says that holds, in the project's words.
    pub name: String,
    pub place: Place,
    queries: Written,
}

/// `"SELECT …"`, or `{ postgres = "SELECT …", sqlite = "SELECT …" }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a query, or one for each engine as { postgres = \"…\", sqlite = \"…\" }")]
pub(super) enum Written {
    Everywhere(String),
    ByEngine(BTreeMap<String, String>),
}

impl Check {
    /// Its query on an engine, where it has one there. MariaDB falls back to MySQL's, as scripts do.
    pub fn query(&self, engine: &str) -> Option<&str> {
        match &self.queries {
            Written::Everywhere(query) => Some(query),
            Written::ByEngine(queries) => {
                let fallback = if engine == "mariadb" { "mysql" } else { engine };
                queries.get(engine).or_else(|| queries.get(fallback)).map(String::as_str)
            }
        }
    }
}

/// The checks of `[checks]` with the places of their names, in the file's order.
pub(super) fn read(path: &str, text: &str, written: BTreeMap<Spanned<String>, Written>) -> Result<Vec<Check>> {
    let mut written: Vec<(Spanned<String>, Written)> = written.into_iter().collect();
    written.sort_by_key(|(name, _)| name.span().start);
    let check = |(name, queries): (Spanned<String>, Written)| {
        let (line, column) = position(text, name.span().start);
        let place = Place::new(path, line, column);
        if let Written::ByEngine(queries) = &queries
            && let Some(other) = queries.keys().find(|engine| !ENGINE_NAMES.contains(&engine.as_str()))
        {
            let fault = Fault::usage(format!("the check `{}` names no engine `{other}`", name.get_ref()));
            return Err(fault.help("the engines are sqlite, postgres, mysql and mariadb").at(place));
        }
        Ok(Check { name: name.into_inner(), place, queries })
    };
    written.into_iter().map(check).collect()
}
