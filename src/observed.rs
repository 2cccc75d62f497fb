//! Observed dependencies: which objects a migration writes and names, and so on which earlier ones it stands.
//!
//! What it writes is what its up has made otherwise in the schema of a shadow, and the tables whose rows its scripts write.
//! What it names are the names in its scripts. An edge runs from the last migration that wrote an object to one that names
//! or writes it. So two migrations that each add a column of their own to one table stand on the one that made the table,
//! and not on each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::class;
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::migration::{Down, Migration};
use crate::registry::Entry;
use crate::snapshot::{self, Fate, Snapshot, Weight};
use crate::sql::Script;
use crate::token::TokenKind;

/// The kind of title under which the rows of a table stand.
const ROWS: &str = "rows";

/// The objects that a migration writes, as `table public.users` or `column public.users.email`, sorted. What belongs to an
/// object that comes or goes as a whole goes without saying.
pub fn written(before: &Snapshot, after: &Snapshot, migration: &Migration) -> Vec<String> {
    let changes = snapshot::diff(before, after);
    let strong = || changes.iter().filter(|change| change.weight == Weight::Strong);
    let whole: BTreeSet<&str> =
        strong().filter(|change| change.fate != Fate::Changed).map(|change| change.object.as_str()).collect();
    let is_part = |object: &str| owner(object).is_some_and(|owner| whole.contains(owner));
    let objects = strong().filter(|change| !is_part(&change.object)).map(snapshot::Change::title);
    let rows = scripts(migration).flat_map(|script| {
        let targets = script.statements().iter().filter_map(|one| class::classify(script, one).writes_rows);
        targets.map(|table| format!("{ROWS} {}", last(&table)))
    });
    objects.chain(rows).collect::<BTreeSet<String>>().into_iter().collect()
}

/// The last writer of each object along a chain of migrations.
#[derive(Debug, Default)]
pub struct Writers {
    /// By title, in lower case.
    last: BTreeMap<String, Id>,
    /// Titles by the last part of the name.
    named: BTreeMap<String, BTreeSet<String>>,
    /// Titles of columns by the last part of their table's name.
    columns: BTreeMap<String, BTreeSet<String>>,
    /// Migrations of which nobody knows what they write: everything behind them may stand on them.
    unknown: BTreeSet<Id>,
    /// What each stands on directly, and the one that was noted last.
    edges: BTreeMap<Id, Vec<Id>>,
    previous: Option<Id>,
}

impl Writers {
    /// The next migration of the chain, with what the registry has of it as it is now; what there is to say of its declared
    /// edges.
    pub fn note(&mut self, migration: &Migration, sealed: Option<&Entry>) -> Vec<Finding> {
        let id = &migration.id;
        let writes = sealed.and_then(|entry| entry.writes.as_deref());
        let findings = match (&migration.settings.requires, writes) {
            (Some(declared), Some(writes)) => self.against(migration, declared, writes),
            _ => Vec::new(),
        };
        let requires = migration.settings.requires.as_ref().or(sealed.and_then(|entry| entry.requires.as_ref()));
        let requires = requires.cloned().unwrap_or_else(|| self.previous.iter().cloned().collect());
        self.edges.insert(id.clone(), requires);
        self.previous = Some(id.clone());
        match writes {
            Some(writes) => self.note_titles(id, writes),
            None => drop(self.unknown.insert(id.clone())),
        }
        findings
    }

    fn note_titles(&mut self, id: &Id, writes: &[String]) {
        for title in writes {
            let title = title.to_lowercase();
            let Some((kind, object)) = kind_and_object(&title) else { continue };
            // Grants and comments have no name of their own.
            if !object.contains(' ') {
                self.named.entry(last(object).to_owned()).or_default().insert(title.clone());
            }
            if let (true, Some(table)) = (kind == "column", owner(object)) {
                self.columns.entry(last(table).to_owned()).or_default().insert(title.clone());
            }
            self.last.insert(title, id.clone());
        }
    }

    /// The migrations of the chain on which this one stands, sorted.
    pub fn required_by(&self, migration: &Migration, writes: &[String]) -> Vec<Id> {
        let seen = self.reasons(migration, writes).into_keys();
        seen.chain(self.unknown.iter().cloned()).collect::<BTreeSet<Id>>().into_iter().collect()
    }

    /// The migrations of which it names or writes an object that they wrote last, with the title of one such.
    fn reasons(&self, migration: &Migration, writes: &[String]) -> BTreeMap<Id, String> {
        let mut ids = BTreeMap::new();
        let writer = |title: &String| Some((self.last.get(&title.to_lowercase())?.clone(), title.clone()));
        ids.extend(writes.iter().filter_map(writer));
        for script in scripts(migration).chain(migration.verify.as_ref()) {
            let names = script.names();
            let names_all = names_all_columns(script);
            for title in names.iter().filter_map(|name| self.named.get(name)).flatten() {
                // Columns of many tables share their names.
                let is_meant = match kind_and_object(title) {
                    Some(("column", object)) => owner(object).is_some_and(|table| names.contains(last(table))),
                    _ => true,
                };
                ids.extend(is_meant.then(|| writer(title)).flatten());
            }
            if names_all {
                let columns = names.iter().filter_map(|name| self.columns.get(name)).flatten();
                ids.extend(columns.filter_map(writer));
            }
        }
        ids.remove(&migration.id);
        ids
    }

    /// What declared edges leave out, and what they say that nothing shows.
    fn against(&self, migration: &Migration, declared: &[Id], writes: &[String]) -> Vec<Finding> {
        let reasons = self.reasons(migration, writes);
        let below = self.below(declared);
        let missing: Vec<&Id> = reasons.keys().filter(|id| !below.contains(*id)).collect();
        let others = |id: &Id| -> Vec<Id> {
            missing.iter().filter(|other| ***other != *id).map(|other| (*other).clone()).collect()
        };
        let last = missing.iter().filter(|id| !self.below(&others(id)).contains(**id));
        let place = Place::new(format!("{}/migration.toml", migration.path), 1, 1);
        let told = |finding: Finding| finding.of(&migration.id).at(place.clone());
        let lacks = last.map(|id| {
            let message =
                format!("it names or writes {}, which `{id}` wrote last, and does not require it", reasons[*id]);
            told(Finding::warning("requires-missing", message).help(format!("add \"{id}\" to `requires`")))
        });
        let seen = self.below(&reasons.keys().cloned().collect::<Vec<Id>>());
        let is_needless = |id: &&Id| !seen.contains(*id) && self.unknown.is_empty();
        let needless = declared.iter().filter(is_needless).map(|id| {
            let message = format!("it requires `{id}`, and neither names nor writes anything that came with it");
            told(
                Finding::note("requires-needless", message)
                    .help("take it out, unless it stands on that for another reason"),
            )
        });
        lacks.chain(needless).collect()
    }

    /// These and everything that they stand on.
    fn below(&self, ids: &[Id]) -> BTreeSet<Id> {
        let mut below = BTreeSet::new();
        let mut open: Vec<Id> = ids.to_vec();
        while let Some(id) = open.pop() {
            if below.insert(id.clone()) {
                open.extend(self.edges.get(&id).into_iter().flatten().cloned());
            }
        }
        below
    }
}

fn scripts(migration: &Migration) -> impl Iterator<Item = &Script> {
    let down = match &migration.down {
        Down::Script(script) => Some(script),
        Down::Irreversible(_) | Down::Missing => None,
    };
    [Some(&migration.up), down].into_iter().flatten()
}

/// Whether a statement means all columns of a table without naming them: `*`, or INSERT without a list.
fn names_all_columns(script: &Script) -> bool {
    let text = script.text();
    script.statements().iter().any(|statement| {
        let mut tokens = script.lex(statement).filter(|token| token.is_significant());
        let first = tokens.next();
        let mut before_values = true;
        let mut has_list = false;
        let is_insert = first.is_some_and(|token| token.is_word(text, "insert") || token.is_word(text, "replace"));
        let mut previous_opens = false;
        for token in tokens {
            if token.is_symbol(text, "*") && !previous_opens {
                return true;
            }
            previous_opens = token.is_symbol(text, "(");
            let ends = ["values", "select", "set", "with", "default"].iter().any(|word| token.is_word(text, word));
            before_values &= !(token.kind == TokenKind::Word && ends);
            has_list |= before_values && previous_opens;
        }
        is_insert && !has_list
    })
}

/// A kind may have two words: `materialized view public.v`.
fn kind_and_object(title: &str) -> Option<(&str, &str)> {
    let bare = title.find('(').map_or(title, |open| &title[..open]);
    match title.split_once(' ')? {
        (kind @ ("grant" | "comment" | "default"), object) => Some((kind, object)),
        _ => bare.rsplit_once(' ').map(|(kind, _)| (kind, &title[kind.len() + 1..])),
    }
}

/// The last part of a name, without arguments and quotes.
fn last(object: &str) -> &str {
    let bare = object.find('(').map_or(object, |open| &object[..open]);
    bare.rsplit('.').next().unwrap_or(bare).trim_matches(['"', '`'])
}

fn owner(object: &str) -> Option<&str> {
    let bare = object.find('(').map_or(object, |open| &object[..open]);
    bare.rsplit_once('.').map(|(owner, _)| owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Settings;
    use crate::sql::Flavor;

    fn migration(id: &str, up: &str, down: &str) -> Migration {
        let script = |name: &str, text: &str| Script::parse(name, 1, text.as_bytes(), Flavor::Postgres);
        Migration {
            id: Id::new(id),
            up: script("up.sql", up),
            down: Down::Script(script("down.sql", down)),
            verify: None,
            seed: None,
            settings: Settings::default(),
            path: id.to_owned(),
        }
    }

    fn note(writers: &mut Writers, migration: &Migration, writes: Option<&[&str]>) -> Vec<String> {
        let mut entry = Entry::seal(migration, "postgres", None);
        entry.writes = writes.map(|writes| writes.iter().map(|title| (*title).to_owned()).collect());
        entry.requires = migration.settings.requires.clone().or(Some(Vec::new()));
        let findings = writers.note(migration, Some(&entry));
        findings.into_iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect()
    }

    fn required(writers: &Writers, up: &str, writes: &[&str]) -> Vec<String> {
        let writes: Vec<String> = writes.iter().map(|title| (*title).to_owned()).collect();
        let ids = writers.required_by(&migration("now", up, ""), &writes);
        ids.iter().map(Id::to_string).collect()
    }

    fn writers() -> Writers {
        let mut writers = Writers::default();
        for (id, writes) in [
            ("1_users", ["table public.users", "function public.f(integer)"]),
            ("2_email", ["column public.users.email", "index public.users.users_email"]),
            ("3_orders", ["table public.orders", "sequence public.orders_id_seq"]),
            ("4_fill", ["rows users", "grant select on public.orders to bob"]),
            ("5_age", ["column public.users.age", "rows orders"]),
        ] {
            note(&mut writers, &migration(id, "", ""), Some(&writes));
        }
        writers
    }

    #[test]
    fn an_edge_runs_to_the_last_writer_of_what_is_named_or_written() {
        let writers = writers();
        assert_eq!(required(&writers, "create table t (id int)", &["table public.t"]), [""; 0]);
        assert_eq!(required(&writers, "select email from orders", &[]), ["3_orders", "5_age"]);
        assert_eq!(
            required(&writers, "alter table Users add x int", &["column public.users.x"]),
            ["1_users", "4_fill"]
        );
        assert_eq!(
            required(&writers, "alter table users drop email", &["column public.users.email"]),
            ["1_users", "2_email", "4_fill"]
        );
        assert_eq!(required(&writers, "drop index users_email", &["index public.users.users_email"]), ["2_email"]);
        assert_eq!(required(&writers, "select F(1)", &[]), ["1_users"]);
        let revoked = ["grant select on public.orders to bob"];
        assert_eq!(required(&writers, "drop owned by bob", &revoked), ["4_fill"]);
    }

    #[test]
    fn whoever_takes_all_columns_stands_on_all_who_made_one() {
        let writers = writers();
        let all = ["1_users", "2_email", "4_fill", "5_age"];
        assert_eq!(required(&writers, "create view v as select * from users", &["view public.v"]), all);
        assert_eq!(required(&writers, "insert into users values (1, 'a', 2)", &[]), all);
        assert_eq!(required(&writers, "insert into users (id) values (1)", &[]), ["1_users", "4_fill"]);
        assert_eq!(required(&writers, "select count(*) from users", &[]), ["1_users", "4_fill"]);
    }

    #[test]
    fn declared_edges_that_are_missing_or_not_needed_are_findings() {
        let declares = |requires: &[&str]| {
            let mut declares = migration("6_x", "alter table users add x int", "alter table users drop x");
            declares.settings.requires = Some(requires.iter().map(|id| Id::new(*id)).collect());
            note(&mut writers(), &declares, Some(&["column public.users.x"]))
        };
        assert_eq!(declares(&["4_fill", "1_users"]), [""; 0]);
        assert_eq!(
            declares(&["1_users", "3_orders"]),
            [
                "requires-missing: it names or writes rows users, which `4_fill` wrote last, and does not require it",
                "requires-needless: it requires `3_orders`, and neither names nor writes anything that came with it",
            ]
        );
    }

    #[test]
    fn behind_what_nobody_has_observed_everything_stands_on_it() {
        let mut writers = writers();
        note(&mut writers, &migration("6_x", "", ""), None);
        assert_eq!(required(&writers, "create table t (id int)", &["table public.t"]), ["6_x"]);
    }
}
