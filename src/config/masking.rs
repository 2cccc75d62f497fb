//! `[mask]`: what becomes of real values before they are put anywhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::position;
use crate::fault::{Fault, Result};
use crate::finding::Place;
use crate::mask::Mask;

/// How the parser's word for a mask that is none begins.
pub(super) const WANTED: &str = "expected \"hash\"";

/// A mask of the settings file.
#[derive(Clone, Debug)]
pub struct Masking {
    /// `table.column` or `schema.table.column`.
    pub column: String,
    pub mask: Mask,
    pub place: Place,
}

/// `"hash"`, `"null"` or `{ fixed = "…" }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"hash\", \"null\" or { fixed = \"…\" }")]
pub(super) enum Written {
    Word(Word),
    Fixed(Fixed),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    Hash,
    Null,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fixed {
    fixed: String,
}

/// The masks of `[mask]` with the places of their keys.
pub(super) fn read(path: &str, text: &str, written: BTreeMap<Spanned<String>, Written>) -> Result<Vec<Masking>> {
    let masking = |(name, mask): (Spanned<String>, Written)| {
        let (line, column) = position(text, name.span().start);
        let place = Place::new(path, line, column);
        if !name.get_ref().contains('.') {
            let fault = Fault::usage(format!("[mask] names `{}`, which is no column", name.get_ref()));
            return Err(fault.help("write \"table.column\" = …, in quotes").at(place));
        }
        let mask = match mask {
            Written::Word(Word::Hash) => Mask::Hash,
            Written::Word(Word::Null) => Mask::Null,
            Written::Fixed(Fixed { fixed }) => Mask::Fixed(fixed),
        };
        Ok(Masking { column: name.into_inner(), mask, place })
    };
    written.into_iter().map(masking).collect()
}
