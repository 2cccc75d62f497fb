//! Walks along a row of the contract in a session, and reads the schema behind each change in both ways.

use switchback::engine::{DbResult, Engine, Session};
use switchback::snapshot::{Change, Fate, Snapshot, Weight, diff};
use switchback::sql::Script;
use switchback::touch::Touch;

use crate::contract::Row;

/// What is wrong with a difference that should tell this row's object and property and weigh as much; `None`: nothing.
fn missed(row: &Row, changes: &[Change]) -> Option<String> {
    let told = changes.iter().any(|change| {
        let is_whole = matches!(change.fate, Fate::Added | Fate::Removed);
        row.is_named(&change.title(), &change.lines)
            && is_whole == row.property.is_none()
            && change.weight == row.weight
    });
    (!told).then(|| format!("told as {:#?}", changes.iter().map(told_as).collect::<Vec<_>>()))
}

fn told_as(change: &Change) -> String {
    format!("{} {:?} {:?} {:?}", change.title(), change.fate, change.weight, change.lines)
}

/// A session that changes its schema, and what it reads behind each change in both ways.
struct Walk<'a> {
    engine: &'a dyn Engine,
    session: &'a mut dyn Session,
    at: Snapshot,
    wrong: Vec<String>,
}

impl Walk<'_> {
    /// Runs a script; the schema behind it, as a whole and as far as the script can have touched it, must be the same.
    async fn step(&mut self, sql: &str) {
        match self.read_behind(sql).await {
            Err(error) => self.wrong.push(format!("{error}: {sql}")),
            Ok(again) if again != self.at || again.weak_digest() != self.at.weak_digest() => {
                let apart: Vec<String> = diff(&self.at, &again).iter().map(told_as).collect();
                self.wrong.push(format!("not read again: {sql}  {apart:#?}"));
            }
            Ok(_) => {}
        }
    }

    async fn read_behind(&mut self, sql: &str) -> DbResult<Snapshot> {
        let dialect = self.engine.dialect();
        for text in [dialect.sql.mark, sql].into_iter().filter(|text| !text.is_empty()) {
            self.session.batch(text).await?;
        }
        let touch = Touch::of(&Script::parse("up.sql", 1, sql.as_bytes(), dialect.flavor));
        let again = self.engine.snapshot_again(self.session, &self.at, &touch).await?;
        self.at = self.engine.snapshot(self.session).await?;
        Ok(again)
    }

    async fn returns_to(&mut self, first: &Snapshot, sql: &str) {
        self.step(sql).await;
        if self.at != *first {
            let left: Vec<String> = diff(first, &self.at).iter().map(told_as).collect();
            self.wrong.push(format!("not the same again: {sql}  {left:#?}"));
        }
    }

    async fn differs_from(&mut self, first: &Snapshot, row: &Row, sql: &str) {
        self.step(sql).await;
        if let Some(told) = missed(row, &diff(first, &self.at)) {
            self.wrong.push(format!("{} {:?} is not seen: {sql}  {told}", row.title, row.property));
        }
        if (first.weak_digest() == self.at.weak_digest()) != (row.weight == Weight::Weak) {
            self.wrong.push(format!("the digest weighs otherwise: {sql}"));
        }
    }
}

/// Changes the object and undoes it in each of the ways that the row knows; tells what was not seen, or seen for nothing.
pub async fn complaints(engine: &dyn Engine, session: &mut dyn Session, row: &Row) -> Vec<String> {
    let mut walk = Walk { at: engine.snapshot(session).await.unwrap(), engine, session, wrong: Vec::new() };
    walk.step(&row.before).await;
    let first = walk.at.clone();
    walk.differs_from(&first, row, &row.up).await;
    walk.returns_to(&first, &row.down).await;
    for same in &row.same {
        walk.step(&row.up).await;
        walk.returns_to(&first, same).await;
    }
    if let Some(wrong) = &row.wrong {
        walk.step(&row.up).await;
        walk.differs_from(&first, row, wrong).await;
    }
    walk.wrong
}
