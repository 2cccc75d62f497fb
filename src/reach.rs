//! Reach: what in a statement may get out of a shadow that stands on the target's own server.
//!
//! A deny-list, not a sandbox: it marks what a shadow of that level cannot contain, before anything runs.

use crate::reading::Reading;
use crate::sql::Flavor;
use crate::token::{Token, tokens};

impl Reading<'_> {
    /// Why the statement may reach out, where it may.
    pub fn reaches_out(&self) -> Option<&'static str> {
        let statement = match self.flavor {
            Flavor::Postgres => self.reaches_out_of_postgres(),
            Flavor::Mysql => self.reaches_out_of_mysql(),
            Flavor::Sqlite => match self.word(0) {
                "attach" => Some("attaches another database file"),
                "vacuum" if self.has("into") => Some("writes another database file"),
                "pragma" if self.has("writable_schema") => Some("writes the schema table itself"),
                "pragma" if self.has("temp_store_directory") => Some("changes where temporary files go"),
                _ => None,
            },
        };
        let calls = match self.flavor {
            Flavor::Postgres => POSTGRES_CALLS,
            Flavor::Mysql => MYSQL_CALLS,
            Flavor::Sqlite => SQLITE_CALLS,
        };
        statement.or_else(|| calls.iter().find(|(names, _)| self.calls_any(names)).map(|(_, why)| *why)).or_else(|| {
            // The code of DO runs now; that of a function runs when something calls it, under its own checks.
            let inside = self.bodies().filter(|_| self.word(0) == "do");
            inside.into_iter().find_map(|body| self.reaches_out_of_code(body))
        })
    }

    /// Of each statement of a body, wherever in it that begins.
    fn reaches_out_of_code(&self, body: &str) -> Option<&'static str> {
        let inside: Vec<Token> = tokens(body, self.flavor).filter(Token::is_significant).collect();
        let begins = |token: &Token| STARTS.iter().any(|word| token.is_word(body, word));
        (0..inside.len()).filter(|at| begins(&inside[*at])).find_map(|at| {
            let rest = &inside[at..];
            let end = rest.iter().position(|token| token.is_symbol(body, ";")).unwrap_or(rest.len());
            Reading::new(body, self.flavor, &rest[..end]).reaches_out_of_postgres()
        })
    }

    fn reaches_out_of_postgres(&self) -> Option<&'static str> {
        let verb = self.word(0);
        match (verb, self.object()) {
            ("copy", _) if self.has("program") => Some("runs a program on the server"),
            ("copy", _) if !self.has("stdin") && !self.has("stdout") => Some("reads or writes a file of the server"),
            ("alter", "system") => Some("changes the server's configuration"),
            ("create" | "alter" | "drop", "role" | "group") => Some("changes a role of the whole server"),
            ("create" | "alter" | "drop", "user") if self.word(2) == "mapping" => Some("connects to another server"),
            ("create" | "alter" | "drop", "user") => Some("changes a role of the whole server"),
            ("create" | "alter" | "drop", "database") => Some("changes a database of the server"),
            ("create" | "alter" | "drop", "tablespace") => Some("changes a tablespace of the whole server"),
            ("create" | "alter" | "drop", "subscription" | "server") => Some("connects to another server"),
            ("create" | "alter", "foreign") => Some("connects to another server"),
            ("create", "extension") if self.has("dblink") || self.has("postgres_fdw") || self.has("file_fdw") => {
                Some("connects to another server")
            }
            ("comment", _) if ["role", "database", "tablespace"].contains(&self.word(2)) => {
                Some("comments on an object of the whole server")
            }
            ("grant" | "revoke", _) if !self.has("on") => Some("changes who is a member of a role of the whole server"),
            ("grant" | "revoke", _) if self.has_words(&["on", "database"]) || self.has_words(&["on", "tablespace"]) => {
                Some("changes rights on an object of the whole server")
            }
            ("reassign", _) | ("drop", "owned") => Some("touches what a role owns in the whole server"),
            ("import", _) => Some("connects to another server"),
            ("load", _) => Some("loads a library into the server"),
            _ => None,
        }
    }

    fn reaches_out_of_mysql(&self) -> Option<&'static str> {
        let verb = self.word(0);
        let global = |token: &Token| {
            let raw = token.text(self.text).to_ascii_lowercase();
            let persist = raw.starts_with("persist") || raw.starts_with("@@persist");
            raw == "global" || raw.starts_with("@@global.") || persist
        };
        match (verb, self.object()) {
            ("create" | "alter" | "drop" | "rename", "user" | "role") => Some("changes an account of the whole server"),
            ("grant" | "revoke", _) if self.grants_within() => None,
            ("grant" | "revoke", _) | ("set", "password" | "default") => Some("changes an account of the whole server"),
            ("create" | "alter" | "drop", "database" | "schema") => Some("changes a database of the server"),
            ("create" | "alter" | "drop", "tablespace" | "logfile" | "server") => {
                Some("changes an object of the whole server")
            }
            ("use", _) => Some("switches to another database"),
            ("set", _) if self.tokens.iter().any(global) => Some("changes a setting of the whole server"),
            ("load", "data" | "xml") => Some("reads a file"),
            ("install" | "uninstall" | "flush" | "reset" | "purge" | "kill" | "shutdown" | "restart" | "change", _)
            | ("start" | "stop", "slave" | "replica" | "group_replication") => Some("acts on the whole server"),
            ("create" | "alter", _) if self.head.iter().take(8).any(|word| word == "event") => {
                Some("makes the server run it later")
            }
            _ if self.has_words(&["into", "outfile"]) || self.has_words(&["into", "dumpfile"]) => Some("writes a file"),
            _ if self.names_other_database() => Some("names another database"),
            _ => None,
        }
    }

    /// MySQL: rights on one table or routine of the database that the session is in, and nothing about the account.
    fn grants_within(&self) -> bool {
        let Some(on) = self.tokens.iter().position(|token| token.is_word(self.text, "on")) else { return false };
        let is_kind =
            |token: &&Token| ["table", "function", "procedure"].iter().any(|kind| token.is_word(self.text, kind));
        let mut named = self.tokens[on + 1..].iter().skip_while(is_kind);
        let is_name = named.next().is_some_and(|token| token.name(self.text, self.flavor).is_some());
        let is_alone = named.next().is_some_and(|token| !token.is_symbol(self.text, "."));
        is_name && is_alone && !["proxy", "identified", "require"].iter().any(|word| self.has(word))
    }

    /// MySQL: a table named with its database, which in a shadow would be the real one.
    fn names_other_database(&self) -> bool {
        let before = [
            "table",
            "into",
            "from",
            "join",
            "update",
            "view",
            "references",
            "procedure",
            "function",
            "trigger",
            "call",
            "exists",
            "truncate",
            "to",
        ];
        (0..self.tokens.len()).any(|at| {
            let introduces = before.iter().any(|word| self.tokens[at].is_word(self.text, word));
            let rest = &self.tokens[at + 1..];
            let dotted = rest.len() > 2 && rest[1].is_symbol(self.text, ".") && rest[1].span.start == rest[0].span.end;
            let database = || rest[0].name(self.text, self.flavor);
            introduces
                && dotted
                && database().is_some_and(|name| name != "information_schema" && name != "new" && name != "old")
                && !self.is_extract(at)
        })
    }

    /// `EXTRACT(YEAR FROM t.c)`, `TRIM(BOTH FROM t.c)`: no table follows this FROM.
    fn is_extract(&self, from: usize) -> bool {
        let functions = ["extract", "trim", "substring", "substr"];
        let start = from.saturating_sub(4);
        self.tokens[start..from].iter().any(|token| functions.iter().any(|word| token.is_word(self.text, word)))
    }
}

/// Words at which a statement of PostgreSQL's procedural code that reaches out can begin.
const STARTS: &[&str] =
    &["copy", "alter", "create", "drop", "grant", "revoke", "comment", "import", "load", "reassign"];

type Calls = &'static [(&'static [&'static str], &'static str)];

const POSTGRES_CALLS: Calls = &[
    (&["dblink*", "postgres_fdw_handler"], "connects to another server"),
    (&["pg_terminate_backend", "pg_cancel_backend"], "acts on other sessions"),
    (
        &["lo_import", "lo_export", "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_file_write"],
        "reads or writes a file of the server",
    ),
    (&["pg_reload_conf", "pg_rotate_logfile", "pg_promote", "pg_switch_wal"], "acts on the whole server"),
    (
        &[
            "pg_create_physical_replication_slot",
            "pg_create_logical_replication_slot",
            "pg_drop_replication_slot",
            "pg_replication_origin_create",
        ],
        "acts on the whole server",
    ),
];

const MYSQL_CALLS: Calls = &[(&["load_file"], "reads a file of the server")];

const SQLITE_CALLS: Calls =
    &[(&["load_extension"], "loads a library"), (&["readfile", "writefile", "edit"], "reads or writes a file")];
