//! A database that is being changed.
//!
//! Only a [`Locked`] can write, and it exists only while the run's lock is held, so that two runners never both act (I5).
//! The lock lives on a session of its own that no script touches and that holds no snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::context::Context;
use crate::engine::{self, Access, DbError, DbErrorKind, DbResult, Engine, Limits, Names, Ran, Row, Server, Session};
use crate::event::Event;
use crate::fault::{Fault, FaultKind, Result};
use crate::ledger::{Entry, Head, State};
use crate::sha::Sha;
use crate::snapshot::Snapshot;
use crate::sql::{Script, Statement};
use crate::store::{explained, first, head, head_of, ledger_exists, own, run, state};
use crate::target::Target;

/// Who runs, as the lease and the ledger name it.
#[derive(Clone, Debug, Default)]
pub struct Runner {
    /// Random, for this run alone.
    pub run: String,
    pub actor: String,
    pub host: String,
    pub pid: u32,
    /// What is being done, such as `up`.
    pub what: String,
}

/// How long to wait, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// For the run's lock.
    pub lock: Duration,
    /// For what a statement needs.
    pub limits: Limits,
}

/// A database that is being changed; the run's lock is held as long as this lives.
pub struct Locked {
    engine: &'static dyn Engine,
    target: Target,
    names: Names,
    lock: Heartbeat,
    work: Box<dyn Session>,
    runner: Runner,
    token: String,
    head: Head,
    /// Foreign keys that were violated before this run, which are not its fault.
    violated: BTreeSet<String>,
    /// How long to wait for another runner.
    wait: Duration,
    limits: Limits,
    /// Rows of ours that go with the next COMMIT.
    queued: Vec<(String, Vec<Option<String>>)>,
    /// A statement of a script has run since the session was last put back.
    is_touched: bool,
}

/// The lock's session, kept busy so that a server that ends idle sessions leaves it alone, and a network that has gone
/// is noticed.
struct Heartbeat {
    backend: Option<String>,
    lost: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Box<dyn Session>>,
}

/// Between two tries for a lock that another runner holds.
const PAUSE: Duration = Duration::from_millis(50);

/// A quarter of the 60 s after which a server may take the lock's session for dead.
const BEAT: Duration = Duration::from_secs(15);

impl Heartbeat {
    fn start(mut session: Box<dyn Session>) -> Self {
        let backend = session.server().backend.clone();
        let lost = Arc::new(AtomicBool::new(false));
        let (stop, mut stopped) = oneshot::channel();
        let flag = Arc::clone(&lost);
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = &mut stopped => return session,
                    () = tokio::time::sleep(BEAT) => {
                        if session.batch("SELECT 1").await.is_err() {
                            flag.store(true, Ordering::SeqCst);
                        }
                    }
                }
            }
        });
        Heartbeat { backend, lost, stop, task }
    }

    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    async fn stop(self) {
        // Either the task is told, or it is gone already, and the lock with it.
        let _ = self.stop.send(());
        if let Ok(session) = self.task.await {
            session.close().await;
        }
    }
}

/// The savepoint that tells whether a script ended our transaction; its name is not to be guessed.
pub struct Guard(String);

impl Locked {
    /// Takes the run's lock: polls, never waits inside a statement, and names the holder.
    ///
    /// # Errors
    /// Busy (exit 5) when the wait is over.
    pub async fn take(
        engine: &'static dyn Engine,
        target: Target,
        names: Names,
        context: &Context,
        runner: Runner,
        waits: Waits,
    ) -> Result<Locked> {
        let failed = |error: DbError| own("opening the database", &error);
        let mut lock = engine.open(&target, Access::ReadWrite).await.map_err(failed)?;
        wait_for_lock(engine, &names, lock.as_mut(), context, waits.lock).await?;
        let mut work = engine.open(&target, Access::ReadWrite).await.map_err(failed)?;
        let held = engine.hold_work(work.as_mut(), waits.lock).await;
        if !held.map_err(|error| own("taking the second lock", &error))? {
            let fault = Fault::new(FaultKind::Busy, "a statement of an earlier run is still running on the server");
            return Err(fault.help("wait until it ends, then run the command again"));
        }
        let mut locked = Locked {
            engine,
            target,
            names,
            lock: Heartbeat::start(lock),
            work,
            runner,
            token: String::new(),
            head: Head::default(),
            violated: BTreeSet::new(),
            wait: waits.lock,
            limits: waits.limits,
            queued: Vec::new(),
            is_touched: false,
        };
        locked.patiently(context).await?;
        Ok(locked)
    }

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

    /// Cancels what the scripts' session is running.
    pub fn canceller(&self) -> Box<dyn engine::Canceller> {
        self.work.canceller()
    }

    /// Takes the lease; where a file's own lock is the only one, another runner's step is waited for here.
    async fn patiently(&mut self, context: &Context) -> Result<()> {
        let until = tokio::time::Instant::now() + self.wait;
        let mut told = false;
        loop {
            match self.take_lease().await {
                Err(fault) if fault.kind() == FaultKind::Busy && tokio::time::Instant::now() < until => {
                    context.go_on()?;
                    if !std::mem::replace(&mut told, true) {
                        let holder = holder(self.engine, &self.names, self.work.as_mut()).await;
                        context.tell(Event::Waiting { holder });
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(fault) if fault.kind() == FaultKind::Busy => {
                    let holder = holder(self.engine, &self.names, self.work.as_mut()).await;
                    let fault = Fault::new(FaultKind::Busy, format!("another runner holds the lock: {holder}"));
                    return Err(fault.help("wait for it, or give `--lock-wait SECONDS` more time"));
                }
                other => return other,
            }
        }
    }

    async fn take_lease(&mut self) -> Result<()> {
        let sql = &self.engine.dialect().sql;
        let server = self.work.server().clone();
        let failed = |error: DbError| explained(own("preparing the ledger", &error), &error, &server, &[]);
        if !ledger_exists(self.engine, &self.names, self.work.as_mut()).await?
            && let Err(error) = self.work.batch(&self.names.fill(sql.ledger_create)).await
        {
            self.rollback().await;
            return Err(failed(error));
        }
        let pid = self.runner.pid.to_string();
        let backend = self.lock.backend.clone();
        let binds = [
            Some(self.runner.run.as_str()),
            Some(&self.runner.actor),
            Some(&self.runner.host),
            Some(&pid),
            Some(&self.runner.what),
            backend.as_deref(),
        ];
        self.work.rows(&self.names.fill(sql.lease_take), &binds).await.map_err(failed)?;
        let rows = self.work.batch(&self.names.fill(sql.fence)).await.map_err(failed)?;
        self.token = first(rows).ok_or_else(|| Fault::bug("the lease has no token"))?;
        self.head = head(self.engine, &self.names, self.work.as_mut()).await?;
        self.violated = self.violations().await.map_err(failed)?;
        Ok(())
    }

    /// Foreign keys that rows violate, where the engine does not see to it by itself.
    async fn violations(&mut self) -> DbResult<BTreeSet<String>> {
        let sql = self.engine.dialect().sql.constraints;
        if sql.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(violations_of(self.work.batch(sql).await?))
    }

    /// What is applied, read again now that the lock is held.
    pub async fn state(&mut self) -> Result<State> {
        state(self.engine, &self.names, self.work.as_mut()).await
    }

    pub async fn snapshot(&mut self) -> Result<Snapshot> {
        let read = self.engine.snapshot(self.work.as_mut()).await;
        read.map_err(|error| own("reading the schema", &error))
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

    async fn fenced(&mut self, savepoint: &str) -> Result<()> {
        if self.lock.is_lost() {
            let fault = Fault::new(FaultKind::HalfWay, "the session that holds this run's lock is gone");
            return Err(fault.help("`switchback status` tells where the database stands"));
        }
        let sql = &self.engine.dialect().sql;
        let failed = |error: DbError| own("beginning a transaction", &error);
        let limits = self.limits.fill(sql.limits);
        let parts = [sql.begin, &limits, &self.names.fill(sql.fence), &self.names.fill(sql.ledger_head), savepoint]
            .map(sentence)
            .concat();
        let until = tokio::time::Instant::now() + self.wait;
        let rows = loop {
            match self.work.batch(&parts).await {
                Err(error) if error.kind == DbErrorKind::LockTimeout && tokio::time::Instant::now() < until => {
                    let _ = self.work.batch("ROLLBACK").await;
                    tokio::time::sleep(PAUSE).await;
                }
                other => break other.map_err(failed)?,
            }
        };
        let pairs: Vec<&Row> = rows.iter().filter(|row| row.len() == 2).collect();
        let token = pairs.first().and_then(|row| row[0].as_deref());
        if self.engine.dialect().locks && token != Some(self.token.as_str()) {
            self.rollback().await;
            let fault = Fault::new(FaultKind::HalfWay, "another runner took over the lease of this run");
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

    /// Puts the session back to what the engine's own client would have, where the engine's reset undoes everything;
    /// elsewhere the session is replaced behind a script that may have changed it.
    async fn reset(&mut self) -> DbResult<()> {
        if !self.engine.dialect().resets {
            return Ok(());
        }
        self.work.batch(self.engine.dialect().sql.reset).await.map(drop)
    }

    /// Runs one statement of a script, as written.
    pub async fn run(&mut self, script: &Script, statement: &Statement) -> DbResult<Ran> {
        self.is_touched = true;
        let text = script.sql(statement);
        let mut notices = self.engine.prepare_bare(self.work.as_mut(), text).await?;
        let ran = run(self.work.as_mut(), script, statement).await?;
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

    /// Checks that the script left our transaction open, and puts roles and names back. Gives the foreign keys that it
    /// left violated.
    pub async fn settle(&mut self, guard: &Guard) -> DbResult<Vec<String>> {
        let sql = &self.engine.dialect().sql;
        let release = format!("RELEASE SAVEPOINT {};\n", guard.0);
        let rows = self.work.batch(&[&release, &sentence(sql.settle), sql.constraints].concat()).await?;
        if sql.constraints.is_empty() {
            return Ok(Vec::new());
        }
        Ok(violations_of(rows).difference(&self.violated).cloned().collect())
    }

    /// Appends a row to the ledger, which is sent with [`commit`](Locked::commit). The head moves only then.
    pub fn append(&mut self, entry: Entry) -> Entry {
        let entry = entry.with("db_user", self.work.server().user.clone()).seal(&self.head);
        let binds = entry.binds().into_iter().map(|bind| bind.map(str::to_owned)).collect();
        self.queue(self.engine.dialect().sql.ledger_append, binds);
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
        self.queue(self.engine.dialect().sql.journal_intent, binds);
    }

    /// Journals, with the next [`commit`](Locked::commit), that it has taken effect.
    pub fn intent_done(&mut self, step: i64, number: usize) {
        self.queue(
            self.engine.dialect().sql.journal_done,
            vec![Some(step.to_string()), Some(number.to_string()), None],
        );
    }

    /// Sends what was appended and journalled, and commits, in one message; with `entry`, the ledger's head is then that row. Reading it back is the next [`begin`](Locked::begin)'s
    /// first act, and [`read_back`](Locked::read_back)'s at the end of a run: a COMMIT's own answer is not trusted.
    pub async fn commit(&mut self, entry: Option<&Entry>) -> DbResult<()> {
        let mut queued = std::mem::take(&mut self.queued);
        queued.push(("COMMIT".to_owned(), Vec::new()));
        self.work.together(&queued).await?;
        if std::mem::take(&mut self.is_touched) {
            self.reset().await?;
        }
        if let Some(entry) = entry {
            self.head = entry.head();
        }
        Ok(())
    }

    /// Rolls back; an error is of no interest, as the session is replaced when it is broken.
    pub async fn rollback(&mut self) {
        self.queued.clear();
        let _ = self.work.batch("ROLLBACK").await;
        if std::mem::take(&mut self.is_touched) {
            let _ = self.reset().await;
        }
    }

    /// Appends one row in a transaction of its own.
    pub async fn record(&mut self, entry: Entry) -> Result<Entry> {
        let failed = |error: DbError| own("writing the ledger", &error);
        self.begin_own().await?;
        let entry = self.append(entry);
        self.commit(Some(&entry)).await.map_err(failed)?;
        Ok(entry)
    }

    /// Keeps scripts by content, before the steps that name them.
    pub async fn keep_scripts(&mut self, scripts: &[&Script]) -> Result<()> {
        let sql = self.names.fill(self.engine.dialect().sql.script_put);
        let failed = |error: DbError| own("keeping the scripts", &error);
        self.work.batch(self.engine.dialect().sql.begin).await.map_err(failed)?;
        for script in scripts {
            let binds = [Some(script.checksum().text.as_str()), Some(script.text())];
            self.work.rows(&sql, &binds).await.map_err(failed)?;
        }
        self.work.batch("COMMIT").await.map_err(failed)?;
        Ok(())
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
    pub async fn renew(&mut self) -> Result<()> {
        let opened = self.engine.open(&self.target, Access::ReadWrite).await;
        let fresh = opened.map_err(|error| own("opening the database", &error))?;
        std::mem::replace(&mut self.work, fresh).close().await;
        let held = self.engine.hold_work(self.work.as_mut(), Duration::from_secs(10)).await;
        match held.map_err(|error| own("taking the second lock", &error))? {
            true => Ok(()),
            false => Err(Fault::new(FaultKind::Busy, "an earlier session of this run is still running a statement")),
        }
    }

    /// Gives lease and lock back.
    pub async fn release(mut self) {
        let sql = self.names.fill(self.engine.dialect().sql.lease_release);
        let binds = [Some(self.runner.run.as_str()), Some(self.token.as_str())];
        // The lock ends with its session whatever becomes of this: a holder's name that stays is only a stale name.
        let _ = self.work.rows(&sql, &binds).await;
        self.work.close().await;
        self.lock.stop().await;
    }
}

async fn wait_for_lock(
    engine: &dyn Engine,
    names: &Names,
    lock: &mut dyn Session,
    context: &Context,
    wait: Duration,
) -> Result<()> {
    let until = tokio::time::Instant::now() + wait;
    let mut pause = Duration::from_millis(20);
    let mut told = false;
    loop {
        if engine.try_lock(lock).await.map_err(|error| own("trying the lock", &error))? {
            return Ok(());
        }
        context.go_on()?;
        if tokio::time::Instant::now() + pause > until || !told {
            let holder = holder(engine, names, lock).await;
            if tokio::time::Instant::now() + pause > until {
                let fault = Fault::new(FaultKind::Busy, format!("another runner holds the lock: {holder}"));
                return Err(fault.help("wait for it, or give `--lock-wait SECONDS` more time"));
            }
            told = true;
            context.tell(Event::Waiting { holder });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// Who holds the lease, in words.
async fn holder(engine: &dyn Engine, names: &Names, session: &mut dyn Session) -> String {
    let rows = match ledger_exists(engine, names, session).await {
        Ok(true) => session.rows(&names.fill(engine.dialect().sql.lease_read), &[]).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    let Some(row) = rows.first() else { return "a runner that is just starting".to_owned() };
    let part = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or("?");
    if row.get(1).is_none_or(Option::is_none) {
        return "a runner that is just starting".to_owned();
    }
    format!("{}@{} (process {}), `{}` since {}", part(2), part(3), part(4), part(5), part(7))
}

/// The rows of a constraints text, a line each.
fn violations_of(rows: Vec<Row>) -> BTreeSet<String> {
    rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect()
}

/// A text of ours as part of a longer one: ended by exactly one semicolon.
fn sentence(text: &str) -> String {
    match text.trim_end().trim_end_matches(';') {
        "" => String::new(),
        text => format!("{text};\n"),
    }
}

/// Random hex digits, from the hash keys that the standard library draws from the system for each map.
pub fn nonce(digits: usize) -> String {
    use std::hash::{BuildHasher, Hasher};
    let mut out = String::new();
    while out.len() < digits {
        let word = std::collections::hash_map::RandomState::new().build_hasher().finish();
        out.push_str(&format!("{word:016x}"));
    }
    out.truncate(digits);
    out
}
