//! Conditional DDL: what an up makes only where it is not there yet (`IF NOT EXISTS`), or puts in the place of what is
//! (`OR REPLACE`), and what its down drops in any case.
//!
//! The same holds for rows: those that `INSERT IGNORE` or `ON CONFLICT DO NOTHING` meets, and a DELETE takes.
//!
//! Where such an object was there before the up, the down destroys what the up never made. Where an earlier migration made
//! it, the proof shows that; where somebody made it by hand, only the live schema does.

use std::collections::BTreeSet;

use crate::class;
use crate::migration::Migration;
use crate::reading::Reading;
use crate::snapshot::Snapshot;
use crate::sql::{Flavor, Script, Statement};
use crate::token::Token;

/// What the up does where the object is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// Nothing.
    IfNotExists,
    /// The object gets another definition.
    OrReplace,
}

/// An object that the up makes in a conditional way, and that the down drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditional {
    pub object: Object,
    pub clause: Clause,
    /// Index of the statement of the up.
    pub statement: usize,
}

/// An object as a statement names it, folded as the engine does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// A word of [`KINDS`], or `column`; `rows` of the table of that name.
    kind: &'static str,
    /// Its name, with a schema where one is said.
    parts: Vec<String>,
    /// The table that it belongs to, where that is said, with a schema where one is.
    owner: Vec<String>,
}

/// Kinds of objects that are made and dropped by name.
const KINDS: &[&str] = &[
    "table",
    "view",
    "index",
    "schema",
    "extension",
    "sequence",
    "trigger",
    "function",
    "procedure",
    "aggregate",
    "event",
    "server",
];

/// How far behind CREATE or DROP the kind can stand: MySQL says whose view it is in between.
const KIND_WITHIN: usize = 16;

/// A statement of more tokens is not looked at behind them: names stand at its start.
const MOST: usize = 2000;

impl Conditional {
    /// What the up of a migration makes in a conditional way and its down drops, each once, in the order of the up.
    pub fn of(migration: &Migration) -> Vec<Conditional> {
        let Some(down) = migration.down.script() else { return Vec::new() };
        let up = &migration.up;
        let statements = up.statements().iter().enumerate();
        let made = statements.flat_map(|(at, one)| made(up, one).into_iter().map(move |it| (at, it)));
        let made: Vec<(usize, (Object, Clause))> = made.collect();
        if made.is_empty() {
            return Vec::new();
        }
        let dropped: Vec<Object> = down.statements().iter().flat_map(|one| dropped(down, one)).collect();
        let mut met = BTreeSet::new();
        let is_dropped = |object: &Object| dropped.iter().any(|other| object.may_be(other));
        made.into_iter()
            .filter(|(_, (object, _))| is_dropped(object) && met.insert(object.clone()))
            .map(|(statement, (object, clause))| Conditional { object, clause, statement })
            .collect()
    }

    /// Whether it is this object of a snapshot.
    pub fn is(&self, kind: &str, title: &str) -> bool {
        self.object.is(kind, title)
    }

    /// The object of a schema that it can be, where one is there.
    pub fn found_in(&self, schema: &Snapshot) -> Option<String> {
        let materialized = (self.object.kind == "view").then_some("materialized view");
        let mut lines =
            [Some(self.object.kind), materialized].into_iter().flatten().flat_map(|kind| schema.of_kind(kind));
        lines.find(|line| self.object.is(&line.kind, &line.object)).map(|line| format!("{} {}", line.kind, line.object))
    }

    /// What becomes of it where it was there before: all of it is a person's guess, since no schema tells.
    pub fn warning(&self) -> String {
        let title = self.title();
        match (self.object.kind, self.clause) {
            ("rows", _) => {
                let table = title.trim_start_matches("rows ");
                format!("if its rows of {table} are there already, the up leaves them alone, and the down deletes them")
            }
            (_, Clause::IfNotExists) => {
                format!("if {title} is there already, the up leaves it alone, and the down drops it")
            }
            (_, Clause::OrReplace) => format!("if {title} is there already, the up replaces it, and the down drops it"),
        }
    }

    /// What there is to do about it.
    pub fn help(&self) -> String {
        let kind = self.object.kind;
        match self.clause {
            Clause::IfNotExists if kind == "rows" => {
                "a down may delete what its up has put in: an up that does not pass over conflicts fails where a row is there"
                    .to_owned()
            }
            Clause::IfNotExists => format!(
                "a down may drop what its up has made: take IF NOT EXISTS out of the up, which then fails where the {kind} is there, or the DROP out of the down"
            ),
            Clause::OrReplace => format!(
                "where the {kind} was there before, the down has to give it the definition that it had, and not to drop it; where it was not, take OR REPLACE out of the up"
            ),
        }
    }

    /// `table t`, `column t.c`.
    pub fn title(&self) -> String {
        let owner = if self.object.kind == "column" { self.object.owner.as_slice() } else { &[] };
        let parts: Vec<&str> = owner.iter().chain(&self.object.parts).map(String::as_str).collect();
        format!("{} {}", self.object.kind, parts.join("."))
    }
}

impl Object {
    /// Whether both can be one object.
    fn may_be(&self, other: &Object) -> bool {
        self.kind == other.kind && ends_alike(&self.parts, &other.parts) && ends_alike(&self.owner, &other.owner)
    }

    /// Whether it is the object of a snapshot.
    fn is(&self, kind: &str, title: &str) -> bool {
        let kind = kind.rsplit(' ').next().unwrap_or(kind);
        let bare = title.find('(').map_or(title, |open| &title[..open]).to_lowercase();
        let theirs: Vec<String> = bare.split('.').map(|part| part.trim_matches(['"', '`']).to_owned()).collect();
        let lower = |parts: &[String]| parts.iter().map(|part| part.to_lowercase()).collect::<Vec<String>>();
        let (owner, own) = match self.kind {
            "column" | "trigger" => theirs.split_at(theirs.len() - 1),
            _ => (&[] as &[String], theirs.as_slice()),
        };
        let is_owned = self.kind != "column" || ends_alike(&lower(&self.owner), owner);
        kind == self.kind && is_owned && ends_alike(&lower(&self.parts), own)
    }
}

/// Whether the last parts of two names are the same, as many as both have; no name is like any.
fn ends_alike(one: &[String], other: &[String]) -> bool {
    one.iter().rev().zip(other.iter().rev()).all(|(one, other)| one == other)
}

/// What a statement makes in a conditional way.
fn made(script: &Script, statement: &Statement) -> Vec<(Object, Clause)> {
    let tokens: Vec<Token> = script.lex(statement).filter(Token::is_significant).take(MOST).collect();
    let reading = Reading::new(script.text(), script.flavor(), &tokens);
    match reading.word(0) {
        "create" if !reading.is_temporary() => created(&reading).into_iter().collect(),
        "alter" => altered(&reading, "add"),
        "insert" if passes_over_conflicts(&reading) => {
            rows(script, statement).map(|object| (object, Clause::IfNotExists)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn created(reading: &Reading<'_>) -> Option<(Object, Clause)> {
    let replaces = reading.begins("create or replace");
    let mut hand = Hand::new(reading, reading.tokens);
    let kind = hand.kind()?;
    hand.eat("concurrently");
    let clause = match (hand.eat_all(&["if", "not", "exists"]), replaces) {
        (true, _) => Clause::IfNotExists,
        (false, true) => Clause::OrReplace,
        (false, false) => return None,
    };
    let parts = hand.name()?;
    let owner = if matches!(kind, "index" | "trigger") { hand.behind_on() } else { Vec::new() };
    Some((Object { kind, parts, owner }, clause))
}

/// What a statement drops.
fn dropped(script: &Script, statement: &Statement) -> Vec<Object> {
    let tokens: Vec<Token> = script.lex(statement).filter(Token::is_significant).take(MOST).collect();
    let reading = Reading::new(script.text(), script.flavor(), &tokens);
    match reading.word(0) {
        "drop" => dropped_by_name(&reading).unwrap_or_default(),
        "alter" => altered(&reading, "drop").into_iter().map(|(object, _)| object).collect(),
        "delete" => rows(script, statement).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn passes_over_conflicts(reading: &Reading<'_>) -> bool {
    let ignores = (1..4).any(|at| reading.word(at) == "ignore");
    ignores && reading.flavor != Flavor::Postgres
        || reading.has_words(&["on", "conflict"]) && reading.has_words(&["do", "nothing"])
}

/// The rows that a statement writes.
fn rows(script: &Script, statement: &Statement) -> Option<Object> {
    let table = class::classify(script, statement).writes_rows?;
    Some(Object { kind: "rows", parts: table.split('.').map(str::to_owned).collect(), owner: Vec::new() })
}

fn dropped_by_name(reading: &Reading<'_>) -> Option<Vec<Object>> {
    let mut hand = Hand::new(reading, reading.tokens);
    let kind = hand.kind()?;
    hand.eat("concurrently");
    hand.eat_all(&["if", "exists"]);
    let mut objects = Vec::new();
    while let Some(parts) = hand.name() {
        hand.skip_parentheses();
        objects.push(Object { kind, parts, owner: Vec::new() });
        if !hand.eat_symbol(",") {
            break;
        }
    }
    let owner = hand.behind_on();
    objects.iter_mut().for_each(|object| object.owner.clone_from(&owner));
    Some(objects)
}

/// Columns and indexes that an ALTER TABLE adds in a conditional way, or drops.
fn altered(reading: &Reading<'_>, verb: &str) -> Vec<(Object, Clause)> {
    let mut hand = Hand::new(reading, reading.tokens);
    if hand.kind() != Some("table") {
        return Vec::new();
    }
    hand.eat_all(&["if", "exists"]);
    hand.eat("only");
    let Some(owner) = hand.name() else { return Vec::new() };
    let object = |clause: &[Token]| {
        let mut hand = Hand::new(reading, clause);
        if !hand.eat(verb) {
            return None;
        }
        let is_unique = ["unique", "fulltext", "spatial"].iter().any(|word| hand.eat(word));
        let is_index = hand.eat("index") || hand.eat("key");
        let is_other = ["constraint", "primary", "foreign", "check", "partition"].iter().any(|word| hand.is(word));
        if is_other || (is_unique && !is_index) {
            return None;
        }
        let _ = is_index || hand.eat("column");
        let is_conditional = hand.eat_all(&["if", "not", "exists"]);
        if verb == "add" && !is_conditional {
            return None;
        }
        hand.eat_all(&["if", "exists"]);
        let kind = if is_index { "index" } else { "column" };
        Some((Object { kind, parts: hand.name()?, owner: owner.clone() }, Clause::IfNotExists))
    };
    hand.clauses().into_iter().filter_map(object).collect()
}

/// A place among the tokens of a statement.
struct Hand<'a> {
    text: &'a str,
    flavor: Flavor,
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Hand<'a> {
    fn new(reading: &Reading<'a>, tokens: &'a [Token]) -> Self {
        Hand { text: reading.text, flavor: reading.flavor, tokens, at: 0 }
    }

    fn is(&self, word: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is_word(self.text, word))
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is_symbol(self.text, symbol))
    }

    fn eat(&mut self, word: &str) -> bool {
        let is = self.is(word);
        self.at += usize::from(is);
        is
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let is = self.is_symbol(symbol);
        self.at += usize::from(is);
        is
    }

    fn eat_all(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        let all = words.iter().all(|word| self.eat(word));
        if !all {
            self.at = start;
        }
        all
    }

    /// The kind of object that the statement is about; what comes next is behind it.
    fn kind(&mut self) -> Option<&'static str> {
        let within = self.tokens.iter().take(KIND_WITHIN);
        let kind = |token: &Token| KINDS.iter().find(|kind| token.is_word(self.text, kind)).copied();
        let (at, kind) = within.enumerate().find_map(|(at, token)| Some((at, kind(token)?)))?;
        self.at = at + 1;
        Some(kind)
    }

    /// A name of one or more parts.
    fn name(&mut self) -> Option<Vec<String>> {
        let mut parts = Vec::new();
        loop {
            let part = self.tokens.get(self.at)?.name(self.text, self.flavor)?;
            parts.push(part.into_owned());
            self.at += 1;
            if !self.eat_symbol(".") {
                return Some(parts);
            }
        }
    }

    /// The table behind ON; nothing where there is none.
    fn behind_on(&mut self) -> Vec<String> {
        while self.at < self.tokens.len() && !self.is("on") {
            self.at += 1;
        }
        self.at += 1;
        self.eat("only");
        self.name().unwrap_or_default()
    }

    fn skip_parentheses(&mut self) {
        let mut depth = 0;
        loop {
            depth += usize::from(self.is_symbol("("));
            if depth == 0 || self.at >= self.tokens.len() {
                return;
            }
            depth -= usize::from(self.is_symbol(")"));
            self.at += 1;
        }
    }

    /// What is left, parted at its commas.
    fn clauses(&self) -> Vec<&'a [Token]> {
        let rest = &self.tokens[self.at.min(self.tokens.len())..];
        let mut depth = 0_usize;
        rest.split(|token| {
            depth += usize::from(token.is_symbol(self.text, "("));
            depth = depth.saturating_sub(usize::from(token.is_symbol(self.text, ")")));
            depth == 0 && token.is_symbol(self.text, ",")
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::migration::{Down, Settings};

    fn found(flavor: Flavor, up: &str, down: &str) -> Vec<String> {
        let script = |name: &str, text: &str| Script::parse(name, 1, text.as_bytes(), flavor);
        let migration = Migration {
            id: Id::new("1_a"),
            up: script("up.sql", up),
            down: Down::Script(script("down.sql", down)),
            verify: None,
            seed: None,
            settings: Settings::default(),
            path: "1_a".to_owned(),
        };
        Conditional::of(&migration).iter().map(Conditional::title).collect()
    }

    #[test]
    fn what_is_made_in_a_conditional_way_and_dropped_is_found() {
        use Flavor::{Mysql, Postgres, Sqlite};
        for (flavor, up, down, title) in [
            (Sqlite, "CREATE TABLE IF NOT EXISTS t (a)", "DROP TABLE IF EXISTS t", "table t"),
            (Postgres, "create unlogged table if not exists s.T (a int)", "drop table x, t cascade", "table s.t"),
            (Postgres, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", "DROP INDEX s.i", "index i"),
            (Mysql, "CREATE INDEX IF NOT EXISTS i ON t (a)", "ALTER TABLE t DROP KEY i", "index i"),
            (Mysql, "ALTER TABLE t ADD UNIQUE KEY IF NOT EXISTS i (a, b), ADD c int", "DROP INDEX i ON t", "index i"),
            (Postgres, "ALTER TABLE t ADD a int, ADD COLUMN IF NOT EXISTS b int", "ALTER TABLE t DROP b", "column t.b"),
            (Postgres, "CREATE SCHEMA IF NOT EXISTS s", "DROP SCHEMA IF EXISTS s CASCADE", "schema s"),
            (
                Postgres,
                "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\"",
                "DROP EXTENSION \"uuid-ossp\"",
                "extension uuid-ossp",
            ),
            (Postgres, "CREATE OR REPLACE VIEW v AS SELECT 1", "DROP VIEW v", "view v"),
            (Postgres, "CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1", "DROP MATERIALIZED VIEW v", "view v"),
            (
                Postgres,
                "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "DROP FUNCTION g(int, text), f(int)",
                "function f",
            ),
            (
                Mysql,
                "CREATE OR REPLACE ALGORITHM = MERGE DEFINER = `a`@`b` SQL SECURITY INVOKER VIEW `V` AS SELECT 1",
                "DROP VIEW v",
                "view v",
            ),
            (
                Sqlite,
                "CREATE TRIGGER IF NOT EXISTS g AFTER INSERT ON t BEGIN SELECT 1; END",
                "DROP TRIGGER g",
                "trigger g",
            ),
        ] {
            assert_eq!(found(flavor, up, down), [title], "{up}");
        }
    }

    #[test]
    fn what_is_made_in_any_case_or_not_dropped_is_not() {
        use Flavor::{Mysql, Postgres};
        for (flavor, up, down) in [
            (Postgres, "CREATE TABLE t (a int)", "DROP TABLE IF EXISTS t"),
            (Postgres, "CREATE TABLE IF NOT EXISTS t (a int)", "DROP TABLE u"),
            (Postgres, "CREATE TABLE IF NOT EXISTS a.t (b int)", "DROP TABLE b.t"),
            (Postgres, "CREATE TEMP TABLE IF NOT EXISTS t (b int)", "DROP TABLE t"),
            (Postgres, "ALTER TABLE t ADD COLUMN b int", "ALTER TABLE t DROP COLUMN IF EXISTS b"),
            (Postgres, "ALTER TABLE t ADD COLUMN IF NOT EXISTS b int", "ALTER TABLE t ALTER b DROP NOT NULL"),
            (Postgres, "ALTER TABLE t ADD COLUMN IF NOT EXISTS b int", "ALTER TABLE u DROP b"),
            (Mysql, "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)", "ALTER TABLE t DROP CONSTRAINT c"),
            (Mysql, "CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE OR REPLACE VIEW v AS SELECT 2"),
            (Mysql, "INSERT INTO t VALUES (1)", "DELETE FROM t WHERE id = 1"),
            (Postgres, "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", "DELETE FROM t"),
            (Mysql, "", ""),
        ] {
            assert_eq!(found(flavor, up, down), [""; 0], "{up}");
        }
    }

    #[test]
    fn objects_of_a_snapshot_are_met_by_kind_and_name() {
        let object = |kind, parts: &[&str], owner: &[&str]| Object {
            kind,
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
            owner: owner.iter().map(|part| (*part).to_owned()).collect(),
        };
        assert!(object("table", &["t"], &[]).is("table", "public.T"));
        assert!(object("view", &["s", "v"], &[]).is("materialized view", "s.v"));
        assert!(!object("view", &["s", "v"], &[]).is("view", "r.v"));
        assert!(object("function", &["f"], &[]).is("function", "public.f(s.t)"));
        assert!(object("column", &["c"], &["t"]).is("column", "public.t.c"));
        assert!(!object("column", &["c"], &["u"]).is("column", "public.t.c"));
        assert!(object("index", &["i"], &["t"]).is("index", "t.i"));
        assert!(!object("index", &["i"], &["t"]).is("table", "i"));
        assert!(object("extension", &["uuid-ossp"], &[]).is("extension", "\"uuid-ossp\""));
    }
}
