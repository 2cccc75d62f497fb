//! A script in a rehearsal: what each of its statements takes is looked at between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{Chain, Left, Manner};
use crate::class::{self, Kind, TransactionNeed};
use crate::engine::{DbError, DbErrorKind, DbResult};
use crate::fault::{Fault, Result};
use crate::judge::Refusal;
use crate::price::{Basis, Blocks, Lock, Relation, StatementPrice, Way, bare};
use crate::sql::{Script, Statement};
use crate::store;

/// What was there before a script, and what it has taken since.
struct Seen {
    /// By oid; none where the server does not show locks.
    relations: Option<BTreeMap<String, Relation>>,
    /// Names of the tables, where the server does not show locks or the statement cannot be in a transaction.
    tables: Vec<String>,
    /// Locks that were told already, where they are held to the end of the script.
    told: BTreeSet<(String, String)>,
}

impl Chain {
    /// As [`run`](Chain::run); gives what each statement took.
    pub async fn run_priced(
        &mut self,
        script: &Script,
        manner: Manner,
    ) -> Result<std::result::Result<Vec<StatementPrice>, Refusal>> {
        let looked = self.look(script).await;
        let mut seen = looked.map_err(|error| store::own("reading the shadow's tables", &error))?;
        if manner == Manner::OneTransaction {
            self.begin("").await?;
        }
        let mut outcome = self.price_all(script, manner, &mut seen).await;
        if self.interrupt.count() > 0 {
            return Err(Fault::refused("stopped on request; the shadow is dropped"));
        }
        let touches = class::touches_session(script);
        self.left = self.left.max(Left::by(script));
        match (outcome.is_ok(), manner) {
            (true, Manner::OneTransaction) => {
                if let Err(error) = self.ended(script, None, touches).await? {
                    self.roll_back(touches).await?;
                    outcome = Err(self.at_the_end(script, error));
                }
            }
            (false, Manner::OneTransaction) => self.roll_back(touches).await?,
            (_, Manner::Inside | Manner::Bare) => self.reset(touches).await?,
        }
        if let Err(refusal) = &outcome
            && refusal.error.kind == DbErrorKind::Connection
        {
            return Err(store::own("running a script in the shadow", &refusal.error));
        }
        Ok(outcome)
    }

    async fn look(&mut self, script: &Script) -> DbResult<Seen> {
        let relations = self.engine.relations(self.session.as_mut()).await?;
        let relations = relations.map(|all| all.into_iter().map(|one| (one.oid.clone(), one)).collect());
        let sizes = self.engine.sizes(self.session.as_mut(), &script.names()).await?;
        let tables = sizes.into_iter().map(|size| size.table).collect();
        Ok(Seen { relations, tables, told: BTreeSet::new() })
    }

    async fn price_all(
        &mut self,
        script: &Script,
        manner: Manner,
        seen: &mut Seen,
    ) -> std::result::Result<Vec<StatementPrice>, Refusal> {
        let mut prices = Vec::new();
        let controls = class::controls_transactions(script);
        for index in class::sent(script) {
            let statement = &script.statements()[index];
            let class = class::classify(script, statement);
            let outside = class.transaction == TransactionNeed::Forbidden;
            // By itself it would hold its locks no longer than it runs, so it gets a transaction in which they can be seen.
            let wraps = manner == Manner::Bare
                && seen.relations.is_some()
                && !outside
                && !controls
                && matches!(class.kind, Kind::Ddl | Kind::Dml);
            let begun = Instant::now();
            let ran = self.price_one(script, statement, wraps).await;
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let locks = match ran {
                Ok(ways) => self.locks(script, statement, &ways, seen).await,
                Err(error) => Err(error),
            };
            let ended = match (wraps, locks.is_ok()) {
                (true, true) => self.session.batch("COMMIT;\n").await.map(drop),
                (true, false) => self.session.batch("ROLLBACK;\n").await.map(drop),
                (false, _) => Ok(()),
            };
            let locks = locks.and_then(|locks| ended.map(|()| locks));
            let locks = locks.map_err(|error| self.refusal(script, index, error))?;
            if manner == Manner::Bare {
                seen.told.clear();
            }
            prices.push(StatementPrice { place: script.place(statement.span.start), millis, locks, outside });
        }
        Ok(prices)
    }

    /// Runs a statement in the cheapest way that the engine lets it; gives what is then true of it.
    async fn price_one(&mut self, script: &Script, statement: &Statement, wraps: bool) -> DbResult<Vec<Way>> {
        let mut ways = self.engine.ways(self.session.server(), script, statement);
        let mut is_known = true;
        for way in ways.iter().filter(|way| way.text.is_some()) {
            let ran = self.session.run(way.text.as_deref().unwrap_or_default()).await;
            match ran {
                Ok(_) => return Ok(vec![way.clone()]),
                Err(error) if self.engine.is_no_way(&error) => {}
                Err(_) => {
                    is_known = false;
                    break;
                }
            }
        }
        if wraps {
            self.session.batch("BEGIN;\n").await?;
        }
        self.one(script, statement).await?;
        ways.retain(|way| way.text.is_none());
        match is_known {
            true => Ok(ways),
            false => Ok(vec![Way::plain("an algorithm that cannot be told", Blocks::Unknown, None)]),
        }
    }

    /// The locks that a statement has taken since what was `seen`.
    async fn locks(
        &mut self,
        script: &Script,
        statement: &Statement,
        ways: &[Way],
        seen: &mut Seen,
    ) -> std::result::Result<Vec<Lock>, DbError> {
        let mut locks = Vec::new();
        if seen.relations.is_some() {
            let now = self.engine.relations(self.session.as_mut()).await?.unwrap_or_default();
            locks.extend(seen.taken(now, is_emptying(script.sql(statement))));
        }
        let named =
            script.lex(statement).filter_map(|token| Some(token.name(script.text(), script.flavor())?.to_lowercase()));
        let mut named: Vec<String> = named.collect();
        let mut met = BTreeSet::new();
        named.retain(|name| met.insert(name.clone()));
        for way in ways {
            // What a statement rewrites is the table that it names first.
            let most = if way.rewrites == Some(false) { usize::MAX } else { 1 };
            let tables =
                named.iter().filter_map(|name| seen.tables.iter().find(|table| bare(table) == *name)).take(most);
            let tables: Vec<&str> = match way.whole {
                Some(whole) => vec![whole],
                None => tables.map(String::as_str).collect(),
            };
            // That the server let it run in this way is more than the manual says.
            let basis = if way.text.is_some() { Basis::Seen } else { Basis::Manual };
            for table in tables {
                let lock = way.lock(table, basis);
                let is_new = seen.told.insert((lock.table.clone(), lock.mode.clone()));
                locks.extend((is_new || lock.rewrites == Some(true)).then_some(lock));
            }
        }
        Ok(locks)
    }
}

impl Seen {
    /// The strongest new lock on each table that was there before the script, and each rewrite.
    fn taken(&mut self, now: Vec<Relation>, is_emptied: bool) -> Vec<Lock> {
        let Some(before) = &mut self.relations else { return Vec::new() };
        let mut locks = Vec::new();
        for relation in now {
            let Some(known) = before.get_mut(&relation.oid) else { continue };
            let moved = relation.file.is_some() && known.file.is_some() && relation.file != known.file;
            let rewrites = moved && !is_emptied;
            let is_new = |(mode, _): &&(String, Blocks)| self.told.insert((known.table.clone(), mode.clone()));
            let new: Vec<&(String, Blocks)> = relation.modes.iter().filter(is_new).collect();
            let strongest = if rewrites { relation.modes.first() } else { new.first().copied() };
            if let Some((mode, blocks)) = strongest {
                let (table, mode) = (known.table.clone(), mode.clone());
                locks.push(Lock { table, mode, blocks: *blocks, rewrites: Some(rewrites), basis: Basis::Seen });
            }
            if relation.file.is_some() {
                known.file = relation.file;
            }
        }
        locks
    }
}

/// TRUNCATE gives a table another file, into which nothing is written.
fn is_emptying(sql: &str) -> bool {
    sql.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("truncate"))
}
