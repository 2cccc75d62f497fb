//! Migration ids: the name of a migration's folder or file, as it is.
//!
//! New ids follow `[0-9a-z][0-9a-z_.-]*`; names that other tools gave are kept. On the command line a unique part is enough.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Result};

/// The longest id that is accepted, in bytes: what fits a file name and every engine's index key.
pub const MAX_BYTES: usize = 200;

/// The name of a migration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// An id as another tool or the registry wrote it; not checked against the form of new ids.
    pub fn new(name: impl Into<String>) -> Self {
        Id(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id has the form of new ids.
    pub fn is_canonical(&self) -> bool {
        let mut bytes = self.0.bytes();
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        self.0.len() <= MAX_BYTES
            && bytes.next().is_some_and(lower)
            && bytes.all(|byte| lower(byte) || matches!(byte, b'_' | b'.' | b'-'))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Makes the last part of a new id out of a title: `Add users!` gives `add_users`; `None` when nothing is left.
pub fn slug(title: &str) -> Option<String> {
    let mut out = String::new();
    for ch in title.trim().chars().flat_map(char::to_lowercase) {
        if ch.is_ascii_alphanumeric() || ch == '-' || ch == '.' {
            out.push(ch);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_matches(['_', '-', '.']).to_owned();
    (!out.is_empty()).then_some(out)
}

/// Finds the one id that `part` means: the whole id, or a part that no other id has.
///
/// # Errors
/// A usage fault that names the near misses when no id or more than one fits.
pub fn find<'a>(ids: impl IntoIterator<Item = &'a Id>, part: &str) -> Result<&'a Id> {
    let ids: Vec<&Id> = ids.into_iter().collect();
    if let Some(exact) = ids.iter().find(|id| id.as_str() == part) {
        return Ok(exact);
    }
    let fits: Vec<&Id> = ids.iter().copied().filter(|id| !part.is_empty() && id.as_str().contains(part)).collect();
    match fits.as_slice() {
        [one] => Ok(one),
        [] => {
            let fault = Fault::usage(format!("no migration is called `{part}`"));
            Err(match near(&ids, part) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("`switchback status` lists the migrations"),
            })
        }
        many => {
            let names: Vec<&str> = many.iter().take(5).map(|id| id.as_str()).collect();
            let fault = Fault::usage(format!("`{part}` fits {} migrations", many.len()));
            Err(fault.cause(names.join(", ")).help("give a longer part of the id"))
        }
    }
}

/// The id most like `part`, if any is like it at all.
fn near<'a>(ids: &[&'a Id], part: &str) -> Option<&'a Id> {
    let ratio = |id: &Id| {
        let diff = similar::TextDiff::from_chars(id.as_str(), part);
        diff.ratio()
    };
    let scored = ids.iter().take(20_000).map(|id| (ratio(id), *id));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.5).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_hold_only_what_new_ids_may() {
        assert_eq!(slug("Add  users!").as_deref(), Some("add_users"));
        assert_eq!(slug("  ?? "), None);
        assert!(Id::new(slug("Größe & Farbe").unwrap()).is_canonical());
    }

    #[test]
    fn a_part_is_found_only_when_it_is_unique() {
        let ids = [Id::new("1_users"), Id::new("2_orders"), Id::new("3_order_items")];
        assert_eq!(find(&ids, "users").unwrap().as_str(), "1_users");
        assert_eq!(find(&ids, "order").unwrap_err().to_string(), "`order` fits 2 migrations");
        let missing = find(&ids, "2_ordesr").unwrap_err();
        assert_eq!(missing.parts().help.as_deref(), Some("did you mean `2_orders`?"));
    }
}
