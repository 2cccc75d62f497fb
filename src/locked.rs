//! A database that is being changed.
//!
//! Only a [`Locked`] can write, and it exists only while the run's lock is held, so that two runners never both act (I5).
//! The lock lives on a session of its own that no script touches and that holds no snapshot.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::class;
use crate::engine::{
    self, Access, Claim, Cleared, DbError, DbErrorKind, DbResult, Engine, Limits, LimitsHold, Names, Ran, Row, Server,
    Session, Texts,
};
use crate::fault::{Fault, FaultKind, Result};
use crate::heartbeat::{self, Heartbeat};
use crate::history::without_histories;
use crate::ledger::{Entry, Head, State};
use crate::lock::{Runner, nonce};
use crate::points;
use crate::sha::Sha;
use crate::snapshot::Snapshot;
use crate::sql::{Script, Statement};
use crate::store::{self, explained, head, head_of, own, run, state};
use crate::target::Target;

mod asked;
mod lease;
mod taking;

pub use asked::Asked;

/// A database that is being changed; the run's lock is held as long as this lives.
pub struct Locked {
    engine: &'static dyn Engine,
    target: Target,
    names: Names,
    /// `None` where no lock outlives a transaction: the file's own decides, step by step; and where it is taken from a run.
    lock: Option<Heartbeat>,
    work: Box<dyn Session>,
    runner: Runner,
    token: String,
    head: Head,
    /// The head that the next COMMIT makes, where rows of the ledger are queued.
    next: Option<Head>,
    /// Foreign keys that were violated before this run, which are not its fault.
    violated: BTreeSet<String>,
    /// How long to wait for another runner.
    wait: Duration,
    limits: Limits,
    /// Rows of ours that go with the next COMMIT.
    queued: Vec<(String, Vec<Option<String>>)>,
    /// A statement of a script has run since the session was last put back.
    is_touched: bool,
    /// The script that is under way sets what outlives it.
    sets: bool,
    /// What the project puts before every script, as it was run in the scripts' session; empty where there is nothing.
    prepared: String,
    /// `settle` has run; what outlives the transaction is put back behind its end.
    is_settled: bool,
    /// A step without a transaction around it is under way: that another took over shows in the lease alone.
    is_journalling: bool,
}

/// Between two tries for a lock that another runner holds.
const PAUSE: Duration = Duration::from_millis(50);

/// So many bytes of scripts are kept with one statement, unless a single script has more.
const KEEP_BYTES: usize = 64 << 10;

/// So many scripts are kept with one statement.
const KEEP_SCRIPTS: usize = 500;

/// The savepoint that tells whether a script ended our transaction; its name is not to be guessed.
pub struct Guard(String);

impl Locked {
    pub fn server(&self) -> &Server {
        self.work.server()
    }

    pub fn engine(&self) -> &'static dyn Engine {
        self.engine
    }

    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Cancels what the scripts' session is running.
    pub fn canceller(&self) -> Box<dyn engine::Canceller> {
        self.work.canceller()
    }

    /// Our own SQL for this server.
    fn sql(&self) -> &'static Texts {
        self.engine.texts(self.work.server())
    }

    /// Sets the session's limits, where they hold for a session.
    async fn limit(&mut self) -> Result<()> {
        let dialect = self.engine.dialect();
        if dialect.limits_hold == LimitsHold::Session {
            let set = self.work.batch(&self.limits.fill(self.sql().limits)).await;
            set.map_err(|error| own("setting the limits", &error))?;
        }
        Ok(())
    }

    /// Foreign keys that rows violate, where the engine does not see to it by itself.
    async fn violations(&mut self) -> DbResult<BTreeSet<String>> {
        let sql = self.sql().constraints;
        if sql.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(violations_of(self.work.batch(sql).await?))
    }

    /// What is applied, read again now that the lock is held.
    pub async fn state(&mut self) -> Result<State> {
        state(self.engine, &self.names, self.work.as_mut()).await
    }

    /// The whole schema, where no transaction is open.
    pub async fn snapshot(&mut self) -> Result<Snapshot> {
        store::schema(self.engine, self.work.as_mut()).await
    }

    /// The same inside of one, which a conflict undoes.
    pub async fn snapshot_inside(&mut self) -> Result<Snapshot> {
        let read = self.engine.snapshot(self.work.as_mut()).await;
        read.map(without_histories).map_err(|error| own("reading the schema", &error))
    }

    /// Begins a transaction in which a script runs: limits set, the lease's token and the
    /// ledger's head compared, a savepoint set as the detector of scripts that end our transaction.
    ///
    /// # Errors
    /// Half-way when another runner took over, busy when one wrote; what the database says otherwise.
    pub async fn begin(&mut self) -> Result<Guard> {
        let guard = Guard(format!("sb_{}", nonce(12)));
        self.fenced(&format!("SAVEPOINT {};", guard.0)).await?;
        Ok(guard)
    }

    /// Begins a transaction in which only rows of ours are written.
    pub async fn begin_own(&mut self) -> Result<()> {
        self.fenced("").await
    }

    /// Begins a transaction for one statement of a script that goes on in this session. Where the script may have set something,
    /// that holds for the statement, limits too, and rows of ours are looked at behind it: by [`fence_behind`](Locked::fence_behind).
    pub async fn begin_one(&mut self) -> Result<Guard> {
        if !self.is_wary() {
            return self.begin().await;
        }
        self.require_lock()?;
        let guard = Guard(format!("sb_{}", nonce(12)));
        let parts = [self.sql().begin, &format!("SAVEPOINT {};", guard.0)].map(sentence).concat();
        self.is_settled = false;
        self.work.batch(&parts).await.map_err(|error| own("beginning a transaction", &error))?;
        Ok(guard)
    }

    /// Compares token and head behind [`settle`](Locked::settle), where [`begin_one`](Locked::begin_one) has not.
    ///
    /// # Errors
    /// What the database says; and as those of [`begin`](Locked::begin). The transaction is rolled back then.
    pub async fn fence_behind(&mut self) -> DbResult<Result<()>> {
        if !self.is_wary() {
            return Ok(Ok(()));
        }
        let fence = self.names.fill(self.sql().fence);
        match self.work.batch(&fence).await {
            Ok(rows) => Ok(self.require_own(&rows).await),
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }

    fn require_lock(&self) -> Result<()> {
        if !self.lock.as_ref().is_some_and(Heartbeat::is_lost) {
            return Ok(());
        }
        let fault = Fault::new(FaultKind::HalfWay, "the session that holds this run's lock is gone");
        Err(fault.help("`switchback status` tells where the database stands"))
    }

    async fn fenced(&mut self, savepoint: &str) -> Result<()> {
        self.require_lock()?;
        let dialect = self.engine.dialect();
        let failed = |error: DbError| own("beginning a transaction", &error);
        let limits = match dialect.limits_hold {
            LimitsHold::Transaction => self.limits.fill(self.sql().limits),
            LimitsHold::Session => String::new(),
        };
        let fence = self.names.fill(self.sql().fence);
        let settle = if self.is_wary() && savepoint.is_empty() { self.sql().settle } else { "" };
        let parts = [self.sql().begin, settle, &limits, &fence, savepoint].map(sentence).concat();
        let until = tokio::time::Instant::now() + self.wait;
        let rows = loop {
            self.is_settled = !settle.is_empty();
            match self.work.batch(&parts).await {
                Err(error) if is_passing(&error) && tokio::time::Instant::now() < until => {
                    self.undo().await;
                    tokio::time::sleep(PAUSE).await;
                }
                other => break other.map_err(failed)?,
            }
        };
        self.require_own(&rows).await
    }

    /// The token has to be this run's, and the ledger's head what it wrote last.
    async fn require_own(&mut self, rows: &[Row]) -> Result<()> {
        let dialect = self.engine.dialect();
        let pairs: Vec<&Row> = rows.iter().filter(|row| row.len() == 2).collect();
        let token = pairs.first().and_then(|row| row[0].as_deref());
        if (dialect.locks || self.is_journalling) && token != Some(self.token.as_str()) {
            self.rollback().await;
            let kind = if dialect.locks { FaultKind::HalfWay } else { FaultKind::Overtaken };
            let fault = Fault::new(kind, "another runner took over the lease of this run");
            return Err(fault.help("`switchback status` tells where the database stands"));
        }
        let found = pairs.get(1).map_or_else(Head::default, |row| head_of(row));
        if found != self.head {
            self.rollback().await;
            let what = format!(
                "the ledger moved on while this run was under way (row {}, expected {})",
                found.seq, self.head.seq
            );
            return Err(Fault::new(FaultKind::Overtaken, what).help("run the command again; it makes a new plan"));
        }
        Ok(())
    }

    /// Rows of a query that the user wrote, such as one of `verify.sql`.
    pub async fn query(&mut self, sql: &str) -> DbResult<Vec<Row>> {
        self.work.batch(sql).await
    }

    /// Prepares the session for a script: `session` is run before it. What either does to the session reaches no row of ours.
    ///
    /// # Errors
    /// Refused when the database refuses `session`.
    pub async fn prepare(&mut self, script: &Script, session: Option<&str>) -> Result<()> {
        if self.prepared != session.unwrap_or_default() {
            (self.is_touched, self.sets) = (true, true);
            self.prepared.clear();
            self.put_back().await?;
            self.prepared.push_str(session.unwrap_or_default());
            store::prepare(self.work.as_mut(), self.engine.dialect(), &self.prepared).await?;
        }
        self.sets = class::touches_session(script);
        Ok(())
    }

    /// Whether something may have changed the scripts' session in a way that could reach rows of ours.
    fn is_wary(&self) -> bool {
        self.sets || !self.prepared.is_empty()
    }

    /// A script is over: puts its session back to what the engine's own client would have, or replaces it where no reset
    /// undoes everything that the script may have done to it.
    pub async fn put_back(&mut self) -> Result<()> {
        let sets = std::mem::take(&mut self.sets);
        let dialect = self.engine.dialect();
        if !std::mem::take(&mut self.is_touched) || !(dialect.resets || sets) {
            return Ok(());
        }
        match self.sql().reset {
            _ if !dialect.resets => self.renew().await?,
            "" => {}
            reset => drop(self.work.batch(reset).await.map_err(|error| own("putting the session back", &error))?),
        }
        store::prepare(self.work.as_mut(), dialect, &self.prepared).await
    }

    /// Runs one statement of a script, as written.
    pub async fn run(&mut self, script: &Script, statement: &Statement) -> DbResult<Ran> {
        self.is_touched = true;
        let text = script.sql(statement);
        let Cleared { told: mut notices, instead } = self.engine.prepare_bare(self.work.as_mut(), text).await?;
        let ran = match instead {
            Some(rest) => self.work.run(&rest).await?,
            None => run(self.work.as_mut(), script, statement).await?,
        };
        self.engine.check_bare(self.work.as_mut(), text).await?;
        notices.extend(ran.notices);
        Ok(Ran { notices, ..ran })
    }

    /// Adds to the fault of a refused statement who may have stood in the way, and what helps. After the rollback.
    pub async fn explain(&mut self, fault: Fault, error: &DbError) -> Fault {
        let blockers = match error.kind {
            // Who it was is told where it can be known; the fault itself stands without.
            DbErrorKind::LockTimeout => self.engine.blockers(self.work.as_mut()).await.unwrap_or_default(),
            _ => Vec::new(),
        };
        explained(fault, error, self.work.server(), &blockers)
    }

    /// Checks that the script left our transaction open, and puts back what it may have changed of the session. Gives the
    /// foreign keys that it left violated.
    pub async fn settle(&mut self, guard: &Guard) -> DbResult<Vec<String>> {
        let dialect = self.engine.dialect();
        let sql = self.sql();
        let release = format!("RELEASE SAVEPOINT {};\n", guard.0);
        let settle = if dialect.plain_sessions && !self.is_wary() { "" } else { sql.settle };
        self.is_settled = !settle.is_empty();
        let rows = self.work.batch(&[&release, &sentence(settle), sql.constraints].concat()).await?;
        if sql.constraints.is_empty() {
            return Ok(Vec::new());
        }
        Ok(violations_of(rows).difference(&self.violated).cloned().collect())
    }

    /// As [`settle`](Locked::settle), [`commit`](Locked::commit) and [`put_back`](Locked::put_back), in one message; for
    /// engines that check foreign keys by themselves. Its error does not tell which part of it failed, only that nothing has
    /// taken effect, or that the script ended the transaction before; should it come behind the COMMIT, the next
    /// [`begin`](Locked::begin) sees another head.
    pub async fn conclude(&mut self, guard: &Guard) -> DbResult<()> {
        let dialect = self.engine.dialect();
        let settle = [&format!("RELEASE SAVEPOINT {};\n", guard.0), self.sql().settle].concat();
        self.queued.insert(0, (settle, Vec::new()));
        self.queued.push(("COMMIT".to_owned(), Vec::new()));
        let resets = dialect.resets && self.prepared.is_empty();
        let reset = if resets { self.sql().reset } else { "" };
        let after = [self.sql().behind, reset].into_iter().filter(|text| !text.is_empty());
        self.queued.extend(after.map(|text| (text.to_owned(), Vec::new())));
        self.work.together(&std::mem::take(&mut self.queued)).await?;
        self.is_touched &= !resets;
        self.committed();
        Ok(())
    }

    /// Appends a row to the ledger, which is sent with the next [`commit`](Locked::commit). The head moves only then.
    pub fn append(&mut self, entry: Entry) -> Entry {
        let entry =
            entry.with("db_user", self.work.server().user.clone()).seal(self.next.as_ref().unwrap_or(&self.head));
        self.next = Some(entry.head());
        let binds = entry.binds().into_iter().map(|bind| bind.map(str::to_owned)).collect();
        self.queue(self.sql().ledger_append, binds);
        entry
    }

    fn queue(&mut self, text: &str, binds: Vec<Option<String>>) {
        self.queued.push((self.names.fill(text).into_owned(), binds));
    }

    /// Journals, with the next [`commit`](Locked::commit), that a statement is about to be run outside a transaction.
    pub fn intend(&mut self, step: i64, number: usize, statement: &str) {
        let binds = vec![
            Some(self.runner.run.clone()),
            Some(self.token.clone()),
            Some(step.to_string()),
            Some(number.to_string()),
            Some(Sha::of(statement.as_bytes()).as_str().to_owned()),
            None,
            self.work.server().backend.clone(),
        ];
        self.queue(self.sql().journal_intent, binds);
    }

    /// Journals, with the next [`commit`](Locked::commit), that it has taken effect.
    pub fn intent_done(&mut self, step: i64, number: usize) {
        self.queue(self.sql().journal_done, vec![Some(step.to_string()), Some(number.to_string()), None]);
    }

    /// Sends what was appended and journalled, and commits, in one message; the ledger's head is then the last row that was
    /// appended. Reading it back is the next [`begin`](Locked::begin)'s first act, and [`read_back`](Locked::read_back)'s
    /// at the end of a run: a COMMIT's own answer is not trusted.
    pub async fn commit(&mut self) -> DbResult<()> {
        let mut queued = std::mem::take(&mut self.queued);
        let ending = ["COMMIT", self.sql().behind, self.unsettling()].into_iter().filter(|text| !text.is_empty());
        queued.extend(ending.map(|text| (text.to_owned(), Vec::new())));
        self.work.together(&queued).await?;
        self.committed();
        Ok(())
    }

    fn committed(&mut self) {
        self.is_settled = false;
        if let Some(head) = self.next.take() {
            self.head = head;
        }
    }

    /// Sends what was appended so far, inside the transaction that is open.
    pub async fn send(&mut self) -> Result<()> {
        let sent = self.work.together(&std::mem::take(&mut self.queued)).await;
        sent.map_err(|error| own("writing the ledger", &error))
    }

    /// Rolls back; an error is of no interest, as the session is replaced when it is broken.
    pub async fn rollback(&mut self) {
        self.queued.clear();
        self.next = None;
        let _ = self.end("ROLLBACK").await;
    }

    /// Ends the transaction, and gives the script's session back what `settle` changed.
    async fn end(&mut self, how: &str) -> DbResult<()> {
        let text = [how, self.sql().behind, self.unsettling()].map(sentence).concat();
        self.is_settled = false;
        self.work.batch(&text).await.map(drop)
    }

    fn unsettling(&self) -> &'static str {
        if self.is_settled { self.sql().unsettle } else { "" }
    }

    /// Appends one row in a transaction of its own.
    pub async fn record(&mut self, entry: Entry) -> Result<Entry> {
        self.begin_own().await?;
        let entry = self.append(entry);
        self.commit_own("writing the ledger").await?;
        Ok(entry)
    }

    /// Writes in a transaction of its own what was appended and journalled since the last COMMIT, if anything was.
    pub async fn flush(&mut self) -> Result<()> {
        if self.queued.is_empty() {
            return Ok(());
        }
        self.begin_own().await?;
        self.commit_own("writing the ledger").await
    }

    /// Keeps scripts by content, before the steps that name them.
    pub async fn keep_scripts(&mut self, scripts: &[&Script]) -> Result<()> {
        let failed = |error: DbError| own("keeping the scripts", &error);
        self.begin_own().await?;
        let mut rest = scripts;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |script: &&&Script| {
                bytes += script.text().len();
                bytes <= KEEP_BYTES
            };
            let (now, later) = rest.split_at(rest.iter().take(KEEP_SCRIPTS).take_while(fits).count().max(1));
            let sql = self.names.fill(&self.engine.dialect().scripts_put(now.len())).into_owned();
            let binds = now.iter().flat_map(|script| [script.checksum().text.clone(), script.text().to_owned()]);
            self.work.together(&[(sql, binds.map(Some).collect())]).await.map_err(failed)?;
            rest = later;
        }
        self.commit().await.map_err(failed)
    }

    /// # Errors
    /// When the ledger's last row is not the one that this run wrote last.
    pub async fn read_back(&mut self) -> Result<()> {
        let found = head(self.engine, &self.names, self.work.as_mut()).await?;
        if found == self.head {
            return Ok(());
        }
        let what = format!("the ledger ends at row {}, but this run wrote row {}", found.seq, self.head.seq);
        Err(Fault::new(FaultKind::HalfWay, what).help("`switchback status` tells where the database stands"))
    }

    /// Replaces the scripts' session by a new one: what a script did to its session reaches nobody.
    async fn renew(&mut self) -> Result<()> {
        let opened = store::open(self.engine, &self.target, Access::ReadWrite, Duration::ZERO).await;
        let fresh = points::around(opened.map_err(|error| own("opening the database", &error))?);
        let fresh = heartbeat::watched(self.lock.as_ref(), fresh);
        std::mem::replace(&mut self.work, fresh).close().await;
        let claim = Claim { names: &self.names, run: &self.runner.run, silent: None };
        let held = self.engine.hold_work(self.work.as_mut(), &claim, Duration::from_secs(10)).await;
        match held.map_err(|error| own("taking the second lock", &error))? {
            true => self.limit().await,
            false => Err(Fault::new(FaultKind::Busy, "an earlier session of this run is still running a statement")),
        }
    }

    /// Gives lease and lock back.
    pub async fn release(mut self) {
        let sql = self.names.fill(self.sql().lease_release);
        let binds = [Some(self.runner.run.as_str()), Some(self.token.as_str())];
        // The lock ends with its session whatever becomes of this: a holder's name that stays is only a stale name.
        let _ = self.work.rows(&sql, &binds).await;
        self.work.close().await;
        if let Some(lock) = self.lock {
            lock.stop().await;
        }
    }
}

/// The rows of a constraints text, a line each.
fn violations_of(rows: Vec<Row>) -> BTreeSet<String> {
    rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect()
}

/// Whether beginning a transaction again may help.
fn is_passing(error: &DbError) -> bool {
    matches!(error.kind, DbErrorKind::LockTimeout | DbErrorKind::Conflict)
}

/// A text of ours as part of a longer one: ended by exactly one semicolon.
fn sentence(text: &str) -> String {
    match text.trim_end().trim_end_matches(';') {
        "" => String::new(),
        text => format!("{text};\n"),
    }
}
