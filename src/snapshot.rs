//! Snapshots: what a schema is.
//!
//! A schema is text: rows of `(kind, object, property, value)` from one catalog query per kind of object and engine,
//! sorted. There is no AST of schemas. Weak differences (order of columns, generated names, white space in bodies) are
//! left out of the digest, so that a down that is `equivalent` is no drift.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::sha::Sha;

mod dated;
mod diff;
mod fold;
mod name;

pub use diff::{Change, Fate, Weight, diff, objects, weight};
pub use name::{owner, parts};

/// One line of a schema. `property` is empty for the line that says the object exists. A property that begins with `~`
/// is weak: the digest leaves it out. A property called `body` is compared weakly with its white space folded, but
/// for that in literals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// `table`, `column`, `index`, `constraint`, `view`, `function`, `trigger`, `grant`, …
    pub kind: String,
    /// Qualified as a user of the engine would: `public.users`, `public.users.email`, `users.email`.
    pub object: String,
    pub property: String,
    pub value: String,
}

impl Line {
    /// That objects of this kind could not be read, so nothing can be said of them.
    pub fn unread(kind: &str) -> Line {
        let [kind, object, property] = [UNREAD, kind, "~"].map(str::to_owned);
        Line { kind, object, property, value: String::new() }
    }
}

/// The kind of a line that says which kind of objects could not be read.
const UNREAD: &str = "unread";

/// A whole schema. Cheap to clone, and to make again where little has changed: its lines stand in groups, such as a table with
/// its columns, constraints and indexes, and two snapshots share those that are the same.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    groups: Groups,
    /// Every kind that a line has, and perhaps some that none has any more.
    kinds: Arc<BTreeSet<String>>,
    /// A key may have other letters than lower ones.
    is_cased: bool,
    /// Made when somebody asks for it.
    weak_digest: OnceLock<Sha>,
}

/// Groups by a key of the engine's own, which tells them apart within one database and says nothing beyond it.
type Groups = BTreeMap<Arc<str>, Arc<Group>>;

/// Lines that come and go together; sorted, without doubles, never none.
#[derive(Debug)]
struct Group {
    lines: Vec<Line>,
    /// Digest of what counts weakly; `None` where nothing does. Made when somebody asks for it.
    weak_digest: OnceLock<Option<Sha>>,
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Snapshot) -> bool {
        if Arc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        let (one, two) = unshared(self, other);
        one == two
    }
}

impl Eq for Snapshot {}

/// Lines by their order, out of any number of groups.
type Lines<'a> = Vec<&'a Line>;

/// Groups with their keys that only one of two schemas has.
type Own<'a> = Vec<(&'a str, &'a Group)>;

impl Group {
    fn new(mut lines: Vec<Line>) -> Group {
        lines.sort_unstable();
        lines.dedup();
        Group { lines, weak_digest: OnceLock::new() }
    }

    fn weak_digest(&self) -> Option<&Sha> {
        self.weak_digest.get_or_init(|| self.read_weakly()).as_ref()
    }

    fn read_weakly<'a>(&'a self) -> Option<Sha> {
        let weak = |line: &'a Line| {
            let key = (line.kind.as_str(), line.object.as_str());
            let value = weak_value(&key, &line.property, &line.value);
            let object = dated::undated(weak_object(&key));
            let value = match object {
                // A date in a name is one in its bounds, its keys and its indexes, too.
                Cow::Owned(_) => Cow::Owned(dated::undated(&value).into_owned()),
                Cow::Borrowed(_) => value,
            };
            [Cow::Borrowed(key.0), object, Cow::Borrowed(line.property.as_str()), value]
        };
        let mut lines: Vec<[Cow<'_, str>; 4]> =
            self.lines.iter().filter(|line| !is_weak(&line.property)).map(weak).collect();
        lines.sort_unstable();
        (!lines.is_empty()).then(|| Sha::of_parts(lines.into_iter().flatten()))
    }
}

impl Snapshot {
    /// A schema whose lines all stand in one group.
    pub fn new(lines: Vec<Line>) -> Snapshot {
        Snapshot::default().with(&BTreeSet::new(), lines.into_iter().map(|line| (String::new(), line)))
    }

    /// This schema with some groups read again: `read` holds the keys of those that are other now, or gone.
    pub fn with(&self, read: &BTreeSet<String>, lines: impl IntoIterator<Item = (String, Line)>) -> Snapshot {
        let mut groups = self.0.groups.clone();
        read.iter().for_each(|key| drop(groups.remove(key.as_str())));
        let (mut kinds, mut is_cased) = (Arc::clone(&self.0.kinds), self.0.is_cased);
        let mut fresh: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        for (key, line) in lines {
            if !kinds.contains(&line.kind) {
                Arc::make_mut(&mut kinds).insert(line.kind.clone());
            }
            is_cased = is_cased || !is_lower(&key);
            fresh.entry(key).or_default().push(line);
        }
        groups.extend(fresh.into_iter().map(|(key, lines)| {
            let group = Group::new(lines);
            // What is the same as before is shared, so that nobody has to look at it again.
            match self.0.groups.get(key.as_str()).filter(|old| old.lines == group.lines) {
                Some(old) => (Arc::from(key), Arc::clone(old)),
                None => (Arc::from(key), Arc::new(group)),
            }
        }));
        Snapshot(Arc::new(Inner { groups, kinds, is_cased, weak_digest: OnceLock::new() }))
    }

    /// A schema that was read as a whole, sharing with this one what is the same.
    pub fn shared(&self, whole: Snapshot) -> Snapshot {
        let shared = whole.0.groups.iter().map(|(key, group)| {
            match self.0.groups.get_key_value(key).filter(|(_, old)| old.lines == group.lines) {
                Some((key, old)) => (Arc::clone(key), Arc::clone(old)),
                None => (Arc::clone(key), Arc::clone(group)),
            }
        });
        let (groups, kinds, is_cased) = (shared.collect(), Arc::clone(&whole.0.kinds), whole.0.is_cased);
        Snapshot(Arc::new(Inner { groups, kinds, is_cased, weak_digest: OnceLock::new() }))
    }

    /// Whether the two are one and the same reading.
    pub fn is(&self, other: &Snapshot) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The schema without the lines that are not to be kept.
    pub fn filtered(&self, keep: impl Fn(&Line) -> bool) -> Snapshot {
        let keyed = self.0.groups.iter().flat_map(|(key, group)| group.lines.iter().map(move |line| (key, line)));
        let kept = keyed.filter(|(_, line)| keep(line)).map(|(key, line)| (key.to_string(), line.clone()));
        Snapshot::default().with(&BTreeSet::new(), kept)
    }

    /// All lines, group by group.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.0.groups.values().flat_map(|group| &group.lines)
    }

    /// The lines of one kind, group by group.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Line> {
        let groups = self.may_have(kind).then(|| self.0.groups.values());
        groups.into_iter().flatten().flat_map(move |group| {
            let from = group.lines.partition_point(|line| line.kind.as_str() < kind);
            group.lines[from..].iter().take_while(move |line| line.kind == kind)
        })
    }

    /// Kinds of objects that could not be read; of most engines' there are none.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        self.of_kind(UNREAD).map(|line| line.object.as_str())
    }

    /// Names of the tables and views that have triggers, without quotes.
    pub fn triggered(&self) -> BTreeSet<String> {
        let table = |line: &Line| match line.property.as_str() {
            "" => owner(&line.object),
            "table" => Some(parts(&line.value).join(".")),
            _ => None,
        };
        self.of_kind("trigger").filter_map(table).collect()
    }

    /// Whether a line may be of this kind; where it says no, none is.
    pub fn may_have(&self, kind: &str) -> bool {
        self.0.kinds.contains(kind)
    }

    /// The keys of groups that are among these names, which are in lower case.
    pub fn named(&self, names: &BTreeSet<String>) -> Vec<&str> {
        let groups = &self.0.groups;
        if !self.0.is_cased {
            return names
                .iter()
                .filter_map(|name| groups.get_key_value(name.as_str()))
                .map(|(key, _)| &**key)
                .collect();
        }
        groups.keys().filter(|key| names.contains(&key.to_lowercase())).map(|key| &**key).collect()
    }

    /// SHA-256 with the weak differences left out: over the digests of the groups, in the order of these. This is what proofs
    /// start from and what drift is judged by.
    pub fn weak_digest(&self) -> Sha {
        let digest = || {
            let mut digests: Vec<&Sha> = self.0.groups.values().filter_map(|group| group.weak_digest()).collect();
            digests.sort_unstable();
            Sha::of_parts(digests.into_iter().map(Sha::as_str))
        };
        self.0.weak_digest.get_or_init(digest).clone()
    }

    /// The keys of its groups.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.groups.keys().map(AsRef::as_ref)
    }

    /// Keys of the groups that one of the two has and the other has not, or otherwise.
    pub fn apart(&self, other: &Snapshot) -> BTreeSet<String> {
        let (one, two) = unshared_groups(self, other);
        one.into_iter().chain(two).map(|(key, _)| key.to_owned()).collect()
    }

    /// The lines of a group.
    pub fn group(&self, key: &str) -> Option<&[Line]> {
        self.0.groups.get(key).map(|group| group.lines.as_slice())
    }

    /// The lines of these groups.
    pub fn lines_of(&self, keys: &BTreeSet<String>) -> impl Iterator<Item = &Line> {
        let groups = keys.iter().filter_map(|key| self.0.groups.get(key.as_str()));
        groups.flat_map(|group| &group.lines)
    }

    /// The keys of the groups with such a line.
    pub fn keys_where(&self, is_one: impl Fn(&Line) -> bool) -> BTreeSet<String> {
        let groups = self.0.groups.iter().filter(|(_, group)| group.lines.iter().any(&is_one));
        groups.map(|(key, _)| key.to_string()).collect()
    }

    /// Whether a line of these groups has this property.
    pub fn has(&self, keys: &BTreeSet<String>, property: &str) -> bool {
        self.lines_of(keys).any(|line| line.property == property)
    }

    /// The objects of the schema, as `kind name`.
    pub fn titles(&self) -> BTreeSet<String> {
        self.lines().map(|line| format!("{} {}", line.kind, line.object)).collect()
    }
}

fn is_lower(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

/// The lines of the groups that the two do not share.
fn unshared<'a>(first: &'a Snapshot, second: &'a Snapshot) -> (Lines<'a>, Lines<'a>) {
    let sorted = |groups: Own<'a>| -> Lines<'a> {
        let mut lines: Lines<'_> = groups.into_iter().flat_map(|(_, group)| &group.lines).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    let (one, two) = unshared_groups(first, second);
    (sorted(one), sorted(two))
}

/// The groups that either of the two has for itself. Most are shared, so keys are compared where groups differ only.
fn unshared_groups<'a>(first: &'a Snapshot, second: &'a Snapshot) -> (Own<'a>, Own<'a>) {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let mut left = first.0.groups.iter().peekable();
    let mut right = second.0.groups.iter().peekable();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return (one, two),
            (Some(a), Some(b)) if Arc::ptr_eq(a.1, b.1) => {
                left.next();
                right.next();
                continue;
            }
            (Some(a), Some(b)) => a.0.cmp(b.0),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
        };
        if order.is_le() {
            one.extend(left.next().map(|(key, group)| (key.as_ref(), group.as_ref())));
        }
        if order.is_ge() {
            two.extend(right.next().map(|(key, group)| (key.as_ref(), group.as_ref())));
        }
    }
}

/// Whether the object's name is one that a server made up: PostgreSQL's `t_a_key`, `t_check1`; MySQL's `t_ibfk_1`,
/// `t_chk_1`; MariaDB's `CONSTRAINT_1`. Only such names may differ and still be `equivalent`: one that somebody chose
/// may be used by the next migration.
fn has_generated_name(kind: &str, object: &str) -> bool {
    if !matches!(kind, "constraint" | "index" | "check" | "foreign key" | "unique") {
        return false;
    }
    if object.contains('"') {
        let parts = parts(object);
        return matches!(&parts[..], [.., table, name] if is_generated(table, name));
    }
    let Some((owner, name)) = object.rsplit_once('.') else { return false };
    is_generated(owner.rsplit('.').next().unwrap_or(owner), name)
}

fn is_generated(table: &str, name: &str) -> bool {
    let stem = name.trim_end_matches(|ch: char| ch.is_ascii_digit());
    if stem == "CONSTRAINT_" {
        return stem.len() < name.len();
    }
    let Some(rest) = stem.strip_prefix(table) else { return false };
    ["_ibfk_", "_chk_"].contains(&rest) && stem.len() < name.len()
        || ["_key", "_fkey", "_check", "_idx", "_pkey", "_excl", "_not_null"]
            .iter()
            .any(|suffix| rest.ends_with(suffix))
}

fn is_weak(property: &str) -> bool {
    property.starts_with('~')
}

/// The name under which an object is compared weakly: its table's, where its own is made up.
fn weak_object<'a>(key: &(&'a str, &'a str)) -> &'a str {
    let (kind, object) = *key;
    match object.rsplit_once('.') {
        Some((table, _)) if has_generated_name(kind, object) => table,
        _ => object,
    }
}

/// A value as it is compared weakly: white space in bodies folded, the object's own made-up name left out.
fn weak_value<'a>(key: &(&str, &str), property: &str, value: &'a str) -> Cow<'a, str> {
    if property == "body" {
        return Cow::Owned(fold::folded(value));
    }
    let own = key.1.rsplit('.').next().unwrap_or(key.1);
    if value.contains(own) && has_generated_name(key.0, key.1) {
        return Cow::Owned(value.replace(own, "?"));
    }
    Cow::Borrowed(value)
}
