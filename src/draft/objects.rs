//! Objects of two schemas side by side, and the parts of their names.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::Snapshot;

/// What is said of an object.
pub(super) type Properties<'a> = BTreeMap<&'a str, &'a str>;

/// Kind and name.
pub(super) type Key<'a> = (&'a str, &'a str);

/// All objects of a schema, by kind and name.
#[derive(Debug, Default)]
pub(super) struct Objects<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Properties<'a>>>);

/// What two schemas have otherwise.
#[derive(Debug, Default)]
pub(super) struct Differences<'a> {
    /// Only what is wanted has it.
    pub gone: Vec<Key<'a>>,
    /// Only what is found has it.
    pub came: Vec<Key<'a>>,
    /// Both have it, otherwise.
    pub changed: Vec<Key<'a>>,
}

impl<'a> Objects<'a> {
    pub fn of(snapshot: &'a Snapshot) -> Objects<'a> {
        let mut objects = Objects::default();
        for line in snapshot.lines() {
            let properties = objects.0.entry(&line.kind).or_default().entry(&line.object).or_default();
            properties.insert(line.property.as_str(), line.value.as_str());
        }
        objects
    }

    pub fn get(&self, kind: &str, object: &str) -> Option<&Properties<'a>> {
        self.0.get(kind)?.get(object)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Key<'a>, &Properties<'a>)> {
        self.0.iter().flat_map(|(kind, all)| all.iter().map(|(object, properties)| ((*kind, *object), properties)))
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&'a str, &Properties<'a>)> {
        self.0.get(kind).into_iter().flatten().map(|(object, properties)| (*object, properties))
    }

    pub fn has(&self, kind: &str, object: &str) -> bool {
        self.get(kind, object).is_some()
    }

    /// The columns of a table, by their place.
    pub fn columns(&self, table: &str) -> Vec<(&'a str, &Properties<'a>)> {
        let mut columns: Vec<_> = self.of_kind("column").filter(|(object, _)| owner(object) == Some(table)).collect();
        columns.sort_by_key(|(_, properties)| {
            properties.get("~position").and_then(|place| place.parse::<u32>().ok()).unwrap_or(u32::MAX)
        });
        columns
    }

    /// What `found` has otherwise.
    pub fn differences(&self, found: &Objects<'a>) -> Differences<'a> {
        let missing = |one: &Objects<'a>, other: &Objects<'a>| -> Vec<Key<'a>> {
            one.iter().map(|(key, _)| key).filter(|key| !other.has(key.0, key.1)).collect()
        };
        let strong = |properties: &Properties<'a>| -> Vec<(&'a str, &'a str)> {
            properties.iter().filter(|(name, _)| !name.starts_with('~')).map(|(name, value)| (*name, *value)).collect()
        };
        let changed = self
            .iter()
            .filter(|((kind, object), one)| found.get(kind, object).is_some_and(|other| strong(one) != strong(other)));
        Differences {
            gone: missing(self, found),
            came: missing(found, self),
            changed: changed.map(|(key, _)| key).collect(),
        }
    }
}

impl<'a> Differences<'a> {
    /// Names of one kind that only what is found has.
    pub fn came_of(&self, kind: &str) -> BTreeSet<&'a str> {
        self.came.iter().filter(|key| key.0 == kind).map(|key| key.1).collect()
    }

    /// Names of one kind that only what is wanted has.
    pub fn gone_of(&self, kind: &str) -> BTreeSet<&'a str> {
        self.gone.iter().filter(|key| key.0 == kind).map(|key| key.1).collect()
    }
}

/// Where the dots stand that part a name, outside of quotes and brackets.
fn dots(object: &str) -> Vec<usize> {
    let (mut quoted, mut depth, mut found) = (false, 0_usize, Vec::new());
    for (at, ch) in object.char_indices() {
        match ch {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            '.' if !quoted && depth == 0 => found.push(at),
            _ => {}
        }
    }
    found
}

/// What an object belongs to: `public.users` of `public.users.email`.
pub(super) fn owner(object: &str) -> Option<&str> {
    dots(object).last().map(|at| &object[..*at])
}

/// An object's own name, quoted as the schema says it.
pub(super) fn own(object: &str) -> &str {
    dots(object).last().map_or(object, |at| &object[at + 1..])
}

/// The first part of a name.
pub(super) fn head(object: &str) -> &str {
    dots(object).first().map_or(object, |at| &object[..*at])
}

/// A name without its quotes.
pub(super) fn bare(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

/// Whether a text holds this name as a word, in any case.
pub(super) fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_part = |ch: char| ch.is_alphanumeric() || ch == '_' || ch == '$';
    text.match_indices(&name)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_parted_outside_of_quotes() {
        assert_eq!(owner("public.\"a.b\".c"), Some("public.\"a.b\""));
        assert_eq!(own("public.\"a.b\""), "\"a.b\"");
        assert_eq!(own("public.f(s.t, integer)"), "f(s.t, integer)");
        assert_eq!((head("t.check(a.b > 0)"), owner("t")), ("t", None));
        assert_eq!(bare("\"a\"\"b\""), "a\"b");
    }

    #[test]
    fn a_name_is_a_whole_word() {
        assert!(names("select 1 from \"T\".x", "t") && names("t", "T"));
        assert!(!names("select 1 from tt, t_a, at", "t"));
    }
}
