//! Classes: what a statement is, read from its tokens.
//!
//! Checks, the planner and the executor ask the same questions of a statement: may it stand in our transaction, does it end
//! it, does it write rows, can it leave traces in the session or outside of the database. The answers come from here, and
//! they lean to the careful side: what cannot be known from the text (what a function does) is said to be `opaque`.

use std::ops::Range;

use crate::reading::Reading;
use crate::sql::{Flavor, Script, Statement};
use crate::token::{Token, TokenKind, tokens};

/// Facts about one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    pub kind: Kind,
    pub transaction: TransactionNeed,
    /// The statement begins or ends a transaction, or a part of one.
    pub transaction_control: Option<Control>,
    /// MySQL: it commits the transaction before it does anything else.
    pub implicit_commit: bool,
    /// It leaves something behind in the session: settings, temporary objects, prepared statements, locks.
    pub session: bool,
    /// Why it may reach out of a shadow on the same server, where it may.
    pub reaches_out: Option<&'static str>,
    /// The table whose rows it writes, as the engine folds its name; parts joined by dots.
    pub writes_rows: Option<String>,
    /// It makes rows of one table those of another: a partition or a child that it attaches.
    pub takes_rows: bool,
    /// PostgreSQL: the enum value that it adds, which the same transaction cannot use.
    pub adds_enum_value: Option<String>,
    /// It runs code that is not in its text, so it can touch anything.
    pub opaque: bool,
    /// It changes or deletes what rows hold, beside adding some.
    pub overwrites: bool,
    /// It gives rights to others, or takes them back.
    pub grants: bool,
    /// It does nothing at all: `SELECT 1`.
    pub vacuous: bool,
}

impl Class {
    /// Whether it does nothing, or only begins or ends a transaction.
    pub fn is_idle(&self) -> bool {
        self.vacuous || matches!(self.transaction_control, Some(Control::Whole(_)))
    }
}

/// What sort of statement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Ddl,
    Dml,
    Query,
    TransactionControl,
    Session,
    Copy,
    Utility,
}

/// Whether a statement may run inside a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionNeed {
    Allowed,
    /// The engine refuses it there.
    Forbidden,
}

/// What a statement does to transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// It begins or ends a whole transaction: ours, if it is run in one. The word.
    Whole(&'static str),
    /// Savepoints; harmless inside ours. The word.
    Savepoint(&'static str),
}

/// What a statement is. All of a script's are read at once, the first time: a script may be large, and is asked often.
pub fn classify(script: &Script, statement: &Statement) -> Class {
    let index = script.statements().partition_point(|one| one.span.start < statement.span.start);
    classes(script)
        .get(index)
        .filter(|_| script.statements().get(index) == Some(statement))
        .cloned()
        .unwrap_or_else(|| read(script, statement))
}

fn classes(script: &Script) -> &[Class] {
    let read_all = || script.statements().iter().map(|statement| read(script, statement)).collect::<Vec<Class>>();
    script.reading(read_all).map(Vec::as_slice).unwrap_or_default()
}

fn read(script: &Script, statement: &Statement) -> Class {
    let text = script.text();
    let code = |token: &Token| token.is_significant() && !matches!(token.kind, TokenKind::Executable | TokenKind::Hint);
    let tokens: Vec<Token> = script.lex(statement).filter(code).take(MAX_TOKENS).collect();
    Reading::new(text, script.flavor(), &tokens).class()
}

/// Whether any statement of the script cannot run inside a transaction.
pub fn forbids_transaction(script: &Script) -> bool {
    without_transaction(script).is_some()
}

/// The first statement that cannot run inside a transaction.
pub fn without_transaction(script: &Script) -> Option<&Statement> {
    let at = classes(script).iter().position(|class| class.transaction == TransactionNeed::Forbidden)?;
    script.statements().get(at)
}

/// Whether the script has statements, and none that does anything.
pub fn is_idle(script: &Script) -> bool {
    !classes(script).is_empty() && classes(script).iter().all(Class::is_idle)
}

/// Whether any statement of the script changes its session in a way that could reach what comes after it.
pub fn touches_session(script: &Script) -> bool {
    classes(script).iter().any(|class| class.session)
}

/// Whether any statement of the script begins or ends a transaction.
pub fn controls_transactions(script: &Script) -> bool {
    classes(script).iter().any(|class| class.transaction_control.is_some())
}

/// Whether a statement that is refused may have done a part of what it says, where DDL is not transactional: a list of things to
/// drop, a database with what is in it, a table in the place of another.
pub fn may_take_effect_in_part(script: &Script, statement: &Statement) -> bool {
    let text = script.text();
    let tokens: Vec<Token> = script.lex(statement).filter(Token::is_significant).take(MAX_TOKENS).collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(text, word));
    let is_list = || tokens.iter().any(|token| token.is_symbol(text, ","));
    let drops = is(0, "drop") && (is_list() || is(1, "database") || is(1, "schema"));
    drops || is(0, "create") && is(1, "or") && is(2, "replace") && is(3, "table")
}

/// Where SQL that stands before scripts is, until somebody knows the file that says it.
pub const SESSION: &str = "[session]";

/// The SQL that a project's `[session]` puts before every script.
pub fn session_script(text: &str, flavor: Flavor) -> Script {
    Script::parse(SESSION, 1, text.as_bytes(), flavor)
}

/// Whether any statement of the script runs code that is not in its text.
pub fn is_opaque(script: &Script) -> bool {
    classes(script).iter().any(|class| class.opaque)
}

/// Whether the script is DDL alone, whose text tells all that it does: it writes no row and leaves nothing in its session.
pub fn is_plain(script: &Script) -> bool {
    let is_plain =
        |class: &Class| class.kind == Kind::Ddl && !class.opaque && !class.session && class.writes_rows.is_none();
    script.problem().is_none() && classes(script).iter().all(is_plain)
}

/// Whether any statement of the script may act beyond its own database.
pub fn reaches_out(script: &Script) -> bool {
    classes(script).iter().any(|class| class.reaches_out.is_some())
}

/// The statements of a script that are sent one by one outside a transaction: each by itself, but for those between a
/// BEGIN of the script's own and its end, which are one unit. The BEGIN and COMMIT around a whole script are left out: our
/// own transaction, or our own journal, stands in their place.
pub fn units(script: &Script) -> Vec<Range<usize>> {
    let sent = sent(script);
    let controls: Vec<Option<Control>> =
        script.statements().iter().map(|one| classify(script, one).transaction_control).collect();
    let mut units: Vec<Range<usize>> = Vec::with_capacity(sent.len());
    let mut open = None;
    for index in sent {
        match (controls[index], open) {
            (Some(Control::Whole("BEGIN" | "START TRANSACTION")), None) => open = Some(index),
            (Some(Control::Whole(_)), Some(start)) => {
                units.push(start..index + 1);
                open = None;
            }
            (_, Some(_)) => {}
            (_, None) => units.push(index..index + 1),
        }
    }
    units.extend(open.map(|start| start..script.statements().len()));
    units
}

/// The statements of a script that are sent: all, or those between the BEGIN and the COMMIT that stand around all of it.
pub fn sent(script: &Script) -> Range<usize> {
    let statements = script.statements();
    let whole = |statement: &Statement| match classify(script, statement).transaction_control {
        Some(Control::Whole(word)) => Some(word),
        Some(Control::Savepoint(_)) | None => None,
    };
    let (Some(first), Some(last)) = (statements.first(), statements.last()) else { return 0..0 };
    let begins = matches!(whole(first), Some("BEGIN" | "START TRANSACTION"));
    let ends = statements.len() > 1 && matches!(whole(last), Some("COMMIT" | "END"));
    let inner = statements.get(1..statements.len() - 1).unwrap_or_default();
    if begins && ends && inner.iter().all(|statement| whole(statement).is_none()) {
        return 1..statements.len() - 1;
    }
    0..statements.len()
}

/// So many tokens of a statement are looked at: all but the values of very long INSERTs.
const MAX_TOKENS: usize = 200_000;

impl Reading<'_> {
    fn class(&self) -> Class {
        let control = self.control();
        let kind = self.kind(control);
        Class {
            kind,
            transaction: if self.is_forbidden() { TransactionNeed::Forbidden } else { TransactionNeed::Allowed },
            transaction_control: control,
            implicit_commit: self.flavor == Flavor::Mysql && self.commits(control),
            session: self.is_session(kind),
            reaches_out: self.reaches_out(),
            overwrites: self.overwrites(),
            grants: matches!(self.word(0), "grant" | "revoke"),
            writes_rows: self.target(),
            takes_rows: self.takes_rows(),
            adds_enum_value: self.enum_value(),
            opaque: self.is_opaque(),
            vacuous: self.is_vacuous(),
        }
    }

    fn takes_rows(&self) -> bool {
        let inherits = self.has("inherit") && !self.has_words(&["no", "inherit"]);
        let attaches = ["attach", "exchange"].iter().any(|word| self.has_words(&[word, "partition"]));
        self.begins("alter table") && (attaches || self.flavor == Flavor::Postgres && inherits)
    }

    fn control(&self) -> Option<Control> {
        let mysql = self.flavor == Flavor::Mysql;
        Some(match (self.word(0), self.word(1)) {
            ("begin", "not") if mysql => return None,
            ("begin", _) => Control::Whole("BEGIN"),
            ("start", "transaction") => Control::Whole("START TRANSACTION"),
            ("commit", _) => Control::Whole("COMMIT"),
            ("end", _) if !mysql => Control::Whole("END"),
            ("abort", _) if self.flavor == Flavor::Postgres => Control::Whole("ABORT"),
            ("prepare", "transaction") if self.flavor == Flavor::Postgres => Control::Whole("PREPARE TRANSACTION"),
            ("xa", _) if mysql => Control::Whole("XA"),
            ("set", _) if mysql && self.sets_autocommit() => Control::Whole("SET autocommit"),
            ("rollback", _) if (1..4).any(|at| self.word(at) == "to") => Control::Savepoint("ROLLBACK TO"),
            ("rollback", _) => Control::Whole("ROLLBACK"),
            ("savepoint", _) => Control::Savepoint("SAVEPOINT"),
            ("release", _) => Control::Savepoint("RELEASE"),
            _ => return None,
        })
    }

    fn sets_autocommit(&self) -> bool {
        self.tokens.iter().any(|token| {
            let raw = token.text(self.text);
            let name = raw.rsplit(['.', '@']).next().unwrap_or(raw);
            matches!(token.kind, TokenKind::Word | TokenKind::Parameter) && name.eq_ignore_ascii_case("autocommit")
        })
    }

    fn kind(&self, control: Option<Control>) -> Kind {
        if control.is_some() {
            return Kind::TransactionControl;
        }
        match self.word(0) {
            "create" | "alter" | "drop" | "rename" | "comment" | "grant" | "revoke" | "truncate" | "reassign"
            | "refresh" | "import" | "security" => Kind::Ddl,
            "insert" | "update" | "delete" | "replace" | "merge" | "load" => Kind::Dml,
            "with" if self.written().is_some() => Kind::Dml,
            "select" | "values" | "with" | "table" | "show" | "explain" | "describe" | "desc" => Kind::Query,
            "" if self.tokens.first().is_some_and(|token| token.is_symbol(self.text, "(")) => Kind::Query,
            "set" | "reset" | "discard" | "use" | "pragma" | "attach" | "detach" | "prepare" | "deallocate"
            | "lock" | "unlock" | "listen" | "unlisten" | "declare" | "close" => Kind::Session,
            "copy" if self.has("from") && !self.word(1).is_empty() => Kind::Dml,
            "copy" => Kind::Copy,
            _ => Kind::Utility,
        }
    }

    fn is_forbidden(&self) -> bool {
        match self.flavor {
            Flavor::Postgres => self.is_forbidden_by_postgres(),
            Flavor::Sqlite => {
                let pragma = self.word(0) == "pragma";
                self.begins_any(&["vacuum", "detach"])
                    || (pragma && (self.has("journal_mode") || self.has("synchronous")) && self.tokens.len() > 2)
            }
            Flavor::Mysql => false,
        }
    }

    fn is_forbidden_by_postgres(&self) -> bool {
        let concurrently = || self.has("concurrently");
        match (self.word(0), self.object()) {
            ("create" | "drop", "index") => concurrently(),
            ("reindex", _) => {
                let whole = |word: &String| matches!(word.as_str(), "schema" | "database" | "system");
                concurrently() || self.head.iter().any(whole)
            }
            ("vacuum", _) => true,
            ("cluster", _) => self.tokens.iter().skip(1).all(|token| token.is_word(self.text, "verbose")),
            ("create" | "drop", "database" | "tablespace") => true,
            ("alter", "database") => self.has_words(&["set", "tablespace"]),
            ("alter", "system") => true,
            ("alter", "table") => self.has_words(&["detach", "partition"]) && concurrently(),
            ("create", "subscription") => !self.makes_no_slot(),
            ("drop", "subscription") => true,
            ("alter", "subscription") => self.has("refresh"),
            ("discard", "all") => true,
            ("commit" | "rollback", "prepared") => true,
            _ => false,
        }
    }

    fn makes_no_slot(&self) -> bool {
        self.tokens.windows(3).any(|window| {
            let option = window[0].text(self.text).to_ascii_lowercase();
            let value = window[2].text(self.text).to_ascii_lowercase();
            matches!(option.as_str(), "create_slot" | "connect") && matches!(value.as_str(), "false" | "off" | "0")
        })
    }

    /// By its text; a type that is changed may be a narrower one, a partition may go with its rows, and a table that is dropped may
    /// have been copied before.
    fn overwrites(&self) -> bool {
        let has = |words: &[&str]| words.iter().any(|word| self.has(word));
        match self.word(0) {
            "update" | "delete" | "truncate" | "merge" | "replace" | "drop" => true,
            "alter" => has(&["type", "modify", "change", "partition"]),
            "insert" => has(&["update", "replace"]),
            "with" => has(&["update", "delete", "merge"]),
            _ => self.is_opaque(),
        }
    }

    /// After MySQL's manual, "Statements That Cause an Implicit Commit".
    fn commits(&self, control: Option<Control>) -> bool {
        if matches!(control, Some(Control::Whole("BEGIN" | "START TRANSACTION" | "SET autocommit"))) {
            return true;
        }
        match (self.word(0), self.word(1)) {
            ("create" | "drop", _) => !self.is_temporary(),
            ("alter" | "rename" | "truncate" | "install" | "uninstall" | "grant" | "revoke" | "flush", _) => true,
            ("lock" | "unlock", "table" | "tables") | ("set", "password") | ("cache", "index") => true,
            ("analyze" | "check" | "optimize" | "repair", _) => true,
            ("load", "index") | ("change", _) | ("start" | "stop", "slave" | "replica" | "group_replication") => true,
            ("reset", object) => object != "persist",
            _ => false,
        }
    }

    fn is_session(&self, kind: Kind) -> bool {
        let temporary = self.word(0) == "create" && self.is_temporary();
        let set = match (self.word(0), self.word(1)) {
            ("set", "local" | "constraints" | "transaction") if self.flavor == Flavor::Postgres => false,
            ("set" | "reset" | "load", _) if self.flavor == Flavor::Postgres => true,
            ("prepare", "transaction") | ("close", _) => false,
            ("declare", _) => self.has("hold"),
            _ => kind == Kind::Session || self.sets_autocommit(),
        };
        let variable = |token: &Token| token.kind == TokenKind::Parameter && token.text(self.text).starts_with('@');
        let variables = self.flavor == Flavor::Mysql
            && matches!(kind, Kind::Dml | Kind::Query | Kind::Utility)
            && self.tokens.iter().any(variable);
        let runs = kind != Kind::Ddl || self.word(0) == "create" && self.object() == "table";
        temporary || set || variables || (runs && self.calls_any(SESSION_CALLS))
    }

    /// The word by which rows are written, with its index.
    fn written(&self) -> Option<(usize, String)> {
        let verbs = ["insert", "update", "delete", "replace", "merge", "truncate", "load", "copy"];
        let first = self.word(0);
        if verbs.contains(&first) {
            return Some((0, first.to_owned()));
        }
        if !matches!(first, "with" | "explain") {
            return None;
        }
        // `FOR UPDATE`, `DO UPDATE` and `ON DELETE` write nothing by themselves; replace() is a function.
        let preceded = |at: usize| {
            ["for", "do", "on", "key", "no"].iter().any(|word| self.tokens[at - 1].is_word(self.text, word))
                || self.tokens.get(at + 1).is_none_or(|next| next.kind == TokenKind::Symbol)
        };
        (1..self.tokens.len()).find_map(|at| {
            let verb = verbs[..5].iter().find(|verb| self.tokens[at].is_word(self.text, verb))?;
            (!preceded(at)).then(|| (at, (*verb).to_owned()))
        })
    }

    fn target(&self) -> Option<String> {
        let (at, verb) = self.written()?;
        let rest = &self.tokens[at + 1..];
        let behind =
            |word: &str| rest.iter().position(|token| token.is_word(self.text, word)).map(|at| &rest[at + 1..]);
        let rest = match verb.as_str() {
            "insert" | "replace" | "merge" => behind("into")
                .filter(|_| rest[..rest.len().min(4)].iter().any(|t| t.is_word(self.text, "into")))
                .unwrap_or(rest),
            "delete" => behind("from").unwrap_or(rest),
            "load" => behind("table")?,
            "copy" if self.has_words(&["from"]) && !rest.first().is_some_and(|t| t.is_symbol(self.text, "(")) => rest,
            "copy" => return None,
            _ => rest,
        };
        let skip = [
            "table",
            "only",
            "or",
            "low_priority",
            "delayed",
            "high_priority",
            "ignore",
            "quick",
            "rollback",
            "abort",
            "fail",
            "replace",
        ];
        let skips =
            |token: &&Token| skip.iter().any(|word| token.is_word(self.text, word)) || token.is_symbol(self.text, "(");
        let start = rest.iter().take_while(skips).count();
        self.name_at(&rest[start..])
    }

    fn enum_value(&self) -> Option<String> {
        let adds = self.flavor == Flavor::Postgres && self.begins("alter type") && self.has_words(&["add", "value"]);
        let literal = self.tokens.iter().find(|token| token.kind == TokenKind::Text).filter(|_| adds)?;
        literal.value(self.text, self.flavor).map(|value| value.into_owned())
    }

    fn is_opaque(&self) -> bool {
        match self.word(0) {
            "do" => !self.is_vacuous(),
            "call" | "execute" | "exec" => true,
            "begin" | "if" | "case" | "loop" | "repeat" | "while" | "for" => {
                self.flavor == Flavor::Mysql && self.tokens.len() > 2
            }
            "select" | "with" | "values" => self.calls_unknown(),
            _ => false,
        }
    }

    /// Whether something is called that is not known to be harmless.
    fn calls_unknown(&self) -> bool {
        self.tokens.windows(2).any(|pair| {
            let name = || pair[0].name(self.text, self.flavor);
            pair[1].is_symbol(self.text, "(") && name().is_some_and(|name| !HARMLESS.contains(&name.as_ref()))
        })
    }

    fn is_vacuous(&self) -> bool {
        let constant = |token: &Token| match token.kind {
            TokenKind::Number => true,
            TokenKind::Text => !token.text(self.text).starts_with('$'),
            TokenKind::Symbol => true,
            _ => ["true", "false", "null"].iter().any(|word| token.is_word(self.text, word)),
        };
        match self.word(0) {
            "select" | "values" => {
                let alias = |at: usize| {
                    self.tokens[at - 1].is_word(self.text, "as") || self.tokens[at].is_word(self.text, "as")
                };
                (1..self.tokens.len()).all(|at| constant(&self.tokens[at]) || alias(at)) && !self.has_symbol("*")
            }
            "do" if self.flavor == Flavor::Mysql => self.tokens[1..].iter().all(constant),
            "do" => {
                let bodies: Vec<&str> = self.bodies().collect();
                let idle = |body: &&str| {
                    let idle = ["begin", "null", "end"];
                    tokens(body, self.flavor)
                        .filter(Token::is_significant)
                        .all(|token| token.is_symbol(body, ";") || idle.iter().any(|word| token.is_word(body, word)))
                };
                !bodies.is_empty() && bodies.iter().all(idle)
            }
            _ => false,
        }
    }
}

/// Calls that leave something behind in the session.
const SESSION_CALLS: &[&str] = &[
    "set_config",
    "setseed",
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_advisory_unlock",
    "pg_advisory_unlock_all",
    "get_lock",
    "release_lock",
    "release_all_locks",
];

/// Key words before a parenthesis, and functions that touch nothing.
const HARMLESS: &[&str] = &[
    "abs",
    "all",
    "and",
    "any",
    "array",
    "as",
    "avg",
    "between",
    "by",
    "case",
    "cast",
    "char",
    "coalesce",
    "concat",
    "count",
    "current_timestamp",
    "decimal",
    "distinct",
    "else",
    "except",
    "exists",
    "extract",
    "filter",
    "from",
    "greatest",
    "group_concat",
    "having",
    "if",
    "ifnull",
    "in",
    "intersect",
    "is",
    "join",
    "lateral",
    "least",
    "length",
    "like",
    "limit",
    "lower",
    "materialized",
    "max",
    "min",
    "not",
    "now",
    "nullif",
    "numeric",
    "on",
    "or",
    "over",
    "replace",
    "round",
    "row",
    "row_number",
    "select",
    "some",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "then",
    "trim",
    "union",
    "upper",
    "using",
    "values",
    "varchar",
    "when",
    "where",
    "within",
];
