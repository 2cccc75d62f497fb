//! How one member of the family differs from the others, as data: what holds of it, and whole `.sql` files that a DBA can read.

use std::borrow::Cow;

use crate::sql::Flavor;

/// Time limits of a session that writes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a statement may wait for a lock, in milliseconds.
    pub lock_timeout_ms: u64,
    /// How long a statement may run, in milliseconds; 0 is without limit.
    pub statement_timeout_ms: u64,
}

impl Limits {
    /// Puts the limits into the text that sets them.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{lock_timeout_ms}", &self.lock_timeout_ms.to_string())
            .replace("{statement_timeout_ms}", &self.statement_timeout_ms.to_string())
    }
}

/// How one member of the family differs from the others, as data. SQL texts hold `{ledger}`, `{script}`, `{journal}`,
/// `{lease}` and `{schema}` where our own tables' quoted names go ([`Names::fill`]).
pub struct Dialect {
    /// The family member: `sqlite`, `postgres`, `mysql`.
    pub name: &'static str,
    pub schemes: &'static [&'static str],
    pub flavor: Flavor,
    /// Whether a step with its ledger row can be one transaction.
    pub transactional: bool,
    /// Where our tables live unless configured: a schema of our own, or the database itself.
    pub schema: Option<&'static str>,
    /// Whether the run's lock keeps others out. Where the file's own lock does that, step by step, a lease that another
    /// runner took in between means nothing; the ledger's head tells what it did.
    pub locks: bool,
    /// How long `limits` hold.
    pub limits_hold: LimitsHold,
    /// Whether only a statement that says so in its own text can change a session; elsewhere a trigger or a function can too.
    pub plain_sessions: bool,
    /// Whether `reset` undoes everything that a script can do to its session; else the session is replaced.
    pub resets: bool,
    /// Whether a database that does not exist comes into being by being written to.
    pub creates_database: bool,
    pub sql: Texts,
    pub client: ClientTexts,
}

/// How long the limits hold that were set once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsHold {
    /// Until the transaction ends.
    Transaction,
    /// Until the session ends.
    Session,
}

impl Dialect {
    /// [`Texts::script_put`] for so many scripts; its binds follow each other.
    pub fn scripts_put(&self, count: usize) -> String {
        let (one, places): (&str, Vec<String>) = match self.flavor {
            Flavor::Postgres => {
                ("($1, $2)", (0..count).map(|at| format!("(${}, ${})", 2 * at + 1, 2 * at + 2)).collect())
            }
            Flavor::Sqlite | Flavor::Mysql => ("(?, ?)", vec!["(?, ?)".to_owned(); count]),
        };
        self.sql.script_put.replace(one, &places.join(", "))
    }
}

/// Our own SQL, whole files, one per act. Binds are in the order told here; all columns come back as text.
pub struct Texts {
    /// Before a step's BEGIN: puts session state back that an earlier script may have changed. Several statements.
    pub reset: &'static str,
    /// As `reset`, behind a script that neither says anything of its session nor runs code that is not in its text.
    pub reset_plain: &'static str,
    /// Begins a step's transaction. Several statements; no binds.
    pub begin: &'static str,
    /// Sets limits for as long as [`Dialect::limits_hold`] says; filled by [`Limits::fill`].
    pub limits: &'static str,
    /// Inside a shadow's transaction, before a script: notes where the catalog stands, for [`Engine::snapshot_again`]. Empty
    /// where that needs nothing.
    pub mark: &'static str,
    /// Fires what a transaction has deferred to its end; empty where nothing is ever deferred.
    pub fire_deferred: &'static str,
    /// → token of the lease, held until the transaction ends, and the transaction's id (NULL where there is none); then the
    /// ledger's head, as `ledger_head` gives it.
    pub fence: &'static str,
    /// Behind each end of a transaction, in its message: what a script has set in a session that a pooler gives to somebody else
    /// next. Empty where the session is our own.
    pub behind: &'static str,
    /// After the script, before the ledger row: role, search_path and the like put back. Several statements.
    pub settle: &'static str,
    /// Behind the COMMIT of rows of ours, where the script goes on in the same session: what `settle` changed is as the script
    /// had it. Empty where `settle` changes nothing that outlives the transaction.
    pub unsettle: &'static str,
    /// → one row per violated foreign key (text columns); empty where the engine checks by itself.
    pub constraints: &'static str,
    /// → `1` when the ledger exists, else no row or `0`. Must not fail when it does not.
    pub ledger_exists: &'static str,
    /// Creates schema and tables if missing. Several statements; run under the lock only.
    pub ledger_create: &'static str,
    /// Behind that: what makes the server itself refuse changes of the ledger. An account that may not make it goes without. Empty where
    /// `ledger_create` does so already. Each is sent by itself: of several in one message, MySQL keeps the `;` behind a trigger as part of
    /// it, and no dump of that can be loaded.
    pub ledger_guard: &'static [&'static str],
    /// → seq, hash of the last row; no row when empty.
    pub ledger_head: &'static str,
    /// → for each migration its last done `apply`, `revert`, `adopt` or `amend`: seq, event, migration, digest, reverts;
    /// ordered by seq, an `amend` by the seq of the row that it amends (its `reverts`).
    pub ledger_state: &'static str,
    /// Binds: seq (exclusive) and limit → the columns of [`crate::ledger::COLUMNS`], oldest first.
    pub ledger_rows: &'static str,
    /// → a seq that no row of a chain has, or more than one row, and how many have it; no row where all is well.
    pub ledger_strays: &'static str,
    /// Binds: the columns of [`crate::ledger::COLUMNS`].
    pub ledger_append: &'static str,
    /// Binds: checksum, body. Does nothing when it is there.
    pub script_put: &'static str,
    /// Binds: checksum → body.
    pub script_get: &'static str,
    /// Binds: run, token, step (seq of the `started` row), statement number, statement checksum, digest before, backend.
    pub journal_intent: &'static str,
    /// Binds: step, statement number, digest after.
    pub journal_done: &'static str,
    /// Binds: step → statement number, state, statement checksum, digest before, digest after, backend; ordered.
    pub journal_rows: &'static str,
    /// Binds: run, actor, host, pid, what, backend of the lock session. Takes the lease: raises the token. → the new token.
    pub lease_take: &'static str,
    /// Binds: run, token. Clears the holder if it is still ours.
    pub lease_release: &'static str,
    /// → token, run, actor, host, pid, what, backend, since; no row when nobody ever held it.
    pub lease_read: &'static str,
    /// → a row where what was set in the session forbids its transactions to write.
    pub read_only_set: &'static str,
    /// → table and column of other tools' history tables: schema, table, column; ordered.
    pub histories: &'static str,
    /// → table, column, position, type, nullable, default, generated, identity, key and so on: see [`crate::rows::COLUMNS`].
    pub columns: &'static str,
    /// → foreign keys: see [`crate::rows::FOREIGN_KEYS`].
    pub foreign_keys: &'static str,
    /// In a session that only reads: all that is asked from now on is as of one moment, and values read the same whatever the
    /// database has configured. Several statements.
    pub look: &'static str,
    /// In a shadow, before rows that `look` let be read are put in. May be empty.
    pub pour: &'static str,
    /// Behind them, in the same transaction: what counts on goes on from there. May be empty.
    pub poured_inside: &'static str,
    /// Undoes `pour`.
    pub poured: &'static str,
}

/// What a file for the engine's own client says around the scripts, where that client runs a plan instead of us.
pub struct ClientTexts {
    /// How the client is called, a command as people type it.
    pub call: &'static str,
    /// Before everything: the client stops at the first error, and reads the file as UTF-8.
    pub head: &'static str,
    /// Begins a transaction, and fails where the ledger's head is another. Binds: the hash of the row that it has to be.
    pub guard: &'static str,
    /// Inside a transaction, behind the script: whatever that has set, rows of ours are written.
    pub settle: &'static str,
    /// Behind the transaction, where the script had set something.
    pub reset: &'static str,
}

/// Names of our own tables on one database, quoted and qualified.
#[derive(Clone, Debug)]
pub struct Names {
    pub schema: String,
    pub ledger: String,
    pub script: String,
    pub journal: String,
    pub lease: String,
}

impl Names {
    /// Names in `schema` (where the engine has one of its own for us), quoted by the flavor.
    pub fn new(flavor: Flavor, schema: Option<&str>) -> Self {
        let qualify = |table: &str| match schema {
            Some(schema) => format!("{}.{}", flavor.ident(schema), flavor.ident(table)),
            None => flavor.ident(table),
        };
        Names {
            schema: schema.map(|schema| flavor.ident(schema)).unwrap_or_default(),
            ledger: qualify("switchback_ledger"),
            script: qualify("switchback_script"),
            journal: qualify("switchback_journal"),
            lease: qualify("switchback_lease"),
        }
    }

    /// Puts the names into one of our own texts. The only way in which a name gets into SQL of ours.
    pub fn fill<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains('{') {
            return Cow::Borrowed(text);
        }
        let pairs = [
            ("{schema}", &self.schema),
            ("{ledger}", &self.ledger),
            ("{script}", &self.script),
            ("{journal}", &self.journal),
            ("{lease}", &self.lease),
        ];
        Cow::Owned(pairs.iter().fold(text.to_owned(), |text, (mark, name)| text.replace(mark, name)))
    }
}
