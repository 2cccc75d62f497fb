//! Where a database is: a URL taken apart, secrets kept apart.
//!
//! URLs are read by hand, not by a URL library: a password with `#`, `/` or `?` in it makes such a library see another URL,
//! whose host or path then holds half of the password. Here whatever looks so is refused, and no message repeats a piece of
//! a URL that could be secret (I10).

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::fault::{Fault, Result};

/// A text that never reaches output (I10): no `Display`, and `Debug` says only that it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the one place that hands it to the server.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A database to connect to. Made from a URL and from what the engine's own client would read beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// URL scheme: `postgres`, `mysql`, `mariadb`, `sqlite`.
    pub scheme: String,
    /// Host name or address; `None`: the engine's default (a local socket where there is one).
    pub host: Option<String>,
    pub port: Option<u16>,
    /// Unix socket: a directory for PostgreSQL, a file for MySQL.
    pub socket: Option<PathBuf>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// Database name; for SQLite the file's path, or `:memory:`.
    pub database: String,
    /// Known names only. PostgreSQL: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `application_name`, `options`, `timezone`,
    /// `connect_timeout`; MySQL: `sslmode`, `ssl-ca`, `ssl-cert`, `ssl-key`, `charset`, `connect_timeout`; SQLite: `mode`,
    /// `busy_timeout` (ms). `sslmode` is one of [`SSL_MODES`] for both.
    pub params: BTreeMap<String, String>,
    /// Where our own tables live, when configured.
    pub ledger_schema: Option<String>,
}

/// What `sslmode` may be, for all engines.
pub const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// The families of URLs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Sqlite,
    Postgres,
    Mysql,
}

/// Schemes, what they are called in a [`Target`], and their family.
const SCHEMES: &[(&str, &str, Family)] = &[
    ("sqlite", "sqlite", Family::Sqlite),
    ("sqlite3", "sqlite", Family::Sqlite),
    ("file", "sqlite", Family::Sqlite),
    ("postgres", "postgres", Family::Postgres),
    ("postgresql", "postgres", Family::Postgres),
    ("mysql", "mysql", Family::Mysql),
    ("mariadb", "mariadb", Family::Mysql),
];

/// Endings by which a bare path is a SQLite file.
const ENDINGS: &[&str] = &[".db", ".sqlite", ".sqlite3", ".db3"];

/// Query parameters per family, and what they set in a [`Target`].
const POSTGRES_PARAMS: &[(&str, &str)] = &[
    ("host", "host"),
    ("port", "port"),
    ("user", "user"),
    ("password", "password"),
    ("dbname", "dbname"),
    ("sslmode", "sslmode"),
    ("ssl-mode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("sslkey", "sslkey"),
    ("application_name", "application_name"),
    ("options", "options"),
    ("timezone", "timezone"),
    ("connect_timeout", "connect_timeout"),
];
const MYSQL_PARAMS: &[(&str, &str)] = &[
    ("socket", "socket"),
    ("ssl-mode", "sslmode"),
    ("sslmode", "sslmode"),
    ("ssl-ca", "ssl-ca"),
    ("sslca", "ssl-ca"),
    ("ssl-cert", "ssl-cert"),
    ("sslcert", "ssl-cert"),
    ("ssl-key", "ssl-key"),
    ("sslkey", "ssl-key"),
    ("charset", "charset"),
    ("connect_timeout", "connect_timeout"),
];
const SQLITE_PARAMS: &[(&str, &str)] = &[("mode", "mode"), ("busy_timeout", "busy_timeout")];

impl Target {
    /// Reads a database URL, or a bare path that ends like a SQLite file. A usage fault says what is wrong with it and
    /// repeats nothing that could be secret.
    pub fn parse(url: &str) -> Result<Target> {
        if url.contains('\0') {
            return Err(Fault::usage("the database URL holds a NUL byte"));
        }
        let Some((scheme, rest)) = split_scheme(url) else {
            if ENDINGS.iter().any(|ending| url.ends_with(ending)) && !url.contains("://") {
                return Ok(sqlite_file(url));
            }
            return Err(Fault::usage("this is no database URL").help(FORMS));
        };
        let Some((_, name, family)) = SCHEMES.iter().find(|(known, ..)| *known == scheme) else {
            // What stands before a colon may be anything, so it is shown only where it cannot be a piece of a secret.
            let what = if rest.starts_with("//") {
                format!("{scheme}:// is no engine that is known")
            } else {
                String::from("this is no database URL")
            };
            return Err(Fault::usage(what).help(FORMS));
        };
        match family {
            Family::Sqlite => sqlite(rest),
            family => server(name, *family, rest),
        }
    }

    /// The URL for people: user, host and database, never the password.
    pub fn shown(&self) -> String {
        if self.scheme == "sqlite" {
            return format!("sqlite:{}", self.database);
        }
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let host = match (&self.host, &self.socket) {
            (Some(host), _) if host.contains(':') => format!("[{host}]"),
            (Some(host), _) => host.clone(),
            (None, Some(socket)) => format!("[{}]", socket.display()),
            (None, None) => String::new(),
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{user}{host}{port}/{}", self.scheme, self.database)
    }

    /// Whether a text is a URL rather than the name of a configured database.
    pub fn is_url(text: &str) -> bool {
        text.contains("://")
            || split_scheme(text).is_some_and(|(scheme, _)| SCHEMES.iter().any(|(known, ..)| *known == scheme))
            || ENDINGS.iter().any(|ending| text.ends_with(ending))
    }
}

const FORMS: &str = "say postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, mariadb://USER@HOST/NAME or sqlite:PATH";

const ENCODE: &str = "write special characters of user and password percent-encoded (@ as %40, / as %2F, # as %23, ? as %3F, % \
    as %25), or keep the password out of the URL (password_file, password_command, PGPASSWORD, MYSQL_PWD)";

/// The scheme and what follows its colon.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_scheme =
        scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    is_scheme.then_some((scheme, rest))
}

fn sqlite_file(path: &str) -> Target {
    Target { scheme: String::from("sqlite"), database: path.to_owned(), ..Target::default() }
}

/// `sqlite:path`, `sqlite://path`, `sqlite:///absolute`, `sqlite::memory:`.
fn sqlite(rest: &str) -> Result<Target> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let path =
        decode(path).ok_or_else(|| Fault::usage("the path in the database URL is not percent-encoded rightly"))?;
    if path.is_empty() {
        return Err(Fault::usage("the database URL names no file").help("say sqlite:PATH or sqlite::memory:"));
    }
    let mut target = sqlite_file(&path);
    for (name, value) in pairs(query.unwrap_or_default(), SQLITE_PARAMS)? {
        match (name, value.as_str()) {
            ("mode", "memory") => target.database = String::from(":memory:"),
            ("mode", "ro" | "rw" | "rwc") => {
                target.params.insert(name.to_owned(), value);
            }
            ("busy_timeout", ms) if ms.parse::<u32>().is_ok() => {
                target.params.insert(name.to_owned(), value);
            }
            _ => return Err(bad_value(name)),
        }
    }
    Ok(target)
}

/// `scheme://[user[:password]@][host][:port][/database][?parameters]`.
fn server(scheme: &str, family: Family, rest: &str) -> Result<Target> {
    let unreadable = |what: &str| Fault::usage(format!("the {scheme} URL {what}")).help(ENCODE);
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(Fault::usage(format!("the {scheme} URL has no // after its colon")).help(FORMS));
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    if behind.contains(['@', '#']) {
        return Err(unreadable("has a / ? # or @ in its password, or an @ where none may be"));
    }
    let mut target = Target { scheme: scheme.to_owned(), ..Target::default() };
    let place = match authority.rsplit_once('@') {
        None => authority,
        Some((who, place)) => {
            let (user, password) = who.split_once(':').map_or((who, None), |(user, password)| (user, Some(password)));
            let read =
                |text: &str| decode(text).ok_or_else(|| unreadable("has a % in user or password that encodes nothing"));
            target.user = Some(read(user)?).filter(|user| !user.is_empty());
            target.password = password.map(read).transpose()?.map(Secret);
            place
        }
    };
    put_place(&mut target, place).map_err(unreadable)?;
    let (path, query) = behind.split_once('?').map_or((behind, ""), |(path, query)| (path, query));
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.trim_end_matches('/').contains('/') {
        return Err(unreadable("has more than a database's name after its host"));
    }
    target.database =
        decode(path.trim_end_matches('/')).ok_or_else(|| unreadable("has a % in its database that encodes nothing"))?;
    let known = if family == Family::Postgres { POSTGRES_PARAMS } else { MYSQL_PARAMS };
    for (name, value) in pairs(query, known)? {
        put_param(&mut target, name, value)?;
    }
    Ok(target)
}

/// Host and port. What cannot be read is not repeated: it may be half of a password.
fn put_place(target: &mut Target, place: &str) -> std::result::Result<(), &'static str> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or("has an address without its closing ]")?;
            (
                host,
                behind
                    .strip_prefix(':')
                    .or(behind.is_empty().then_some(""))
                    .ok_or("has text between ] and its port")?,
            )
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    if host.contains(',') || port.contains(',') {
        return Err("names several hosts; name one");
    }
    if !port.is_empty() {
        target.port = Some(port.parse().map_err(|_| "has a port that is no number")?);
    }
    put_host(target, decode(host).ok_or("has a % in its host that encodes nothing")?);
    Ok(())
}

/// A host that begins with a slash is a socket, to PostgreSQL's clients.
fn put_host(target: &mut Target, host: String) {
    if host.starts_with('/') {
        target.socket = Some(PathBuf::from(host));
        target.host = None;
    } else if !host.is_empty() {
        target.host = Some(host);
    }
}

/// One parameter that a URL, a variable or a file says.
fn put_param(target: &mut Target, name: &str, value: String) -> Result<()> {
    match name {
        "host" => put_host(target, value),
        "port" => target.port = Some(value.parse().map_err(|_| bad_value(name))?),
        "user" => target.user = Some(value),
        "password" => target.password = Some(Secret(value)),
        "dbname" => target.database = value,
        "socket" => target.socket = Some(PathBuf::from(value)),
        "sslmode" => {
            let mode =
                ssl_mode(&value).ok_or_else(|| bad_value(name).help(format!("one of {}", SSL_MODES.join(", "))))?;
            target.params.insert(name.to_owned(), mode.to_owned());
        }
        _ => {
            target.params.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// PostgreSQL's word for a TLS mode, from its own or MySQL's.
pub fn ssl_mode(text: &str) -> Option<&'static str> {
    let folded = text.to_ascii_lowercase().replace('_', "-");
    let word = match folded.as_str() {
        "disabled" => "disable",
        "preferred" => "prefer",
        "required" => "require",
        "verify-identity" => "verify-full",
        other => other,
    };
    SSL_MODES.iter().copied().find(|mode| *mode == word)
}

fn bad_value(name: &str) -> Fault {
    Fault::usage(format!("the parameter {name} of the database URL has a value that it cannot have"))
}

/// Parameters of a query, under the name they have in a target. One that is unknown would be ignored by the server too, so it
/// is refused, with the nearest that is known.
fn pairs(query: &str, known: &'static [(&'static str, &'static str)]) -> Result<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some((_, meant)) = known.iter().find(|(said, _)| *said == name) else {
            return Err(unknown_param(name, known));
        };
        let value = decode(value).ok_or_else(|| bad_value(meant))?;
        found.push((*meant, value));
    }
    Ok(found)
}

fn unknown_param(name: &str, known: &[(&str, &str)]) -> Fault {
    let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if !is_name {
        return Fault::usage("the database URL has a parameter that is unknown").help(ENCODE);
    }
    let fault = Fault::usage(format!("the database URL has an unknown parameter {name}"));
    match nearest(name, known.iter().map(|(said, _)| *said)) {
        Some(near) => fault.help(format!("did you mean {near}?")),
        None => fault.help(format!("known are {}", known.iter().map(|(said, _)| *said).collect::<Vec<_>>().join(", "))),
    }
}

/// The known word that a mistyped one was probably meant to be.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|candidate| (distance(word, candidate), candidate)).min()?;
    (near.0 <= 2.max(word.len() / 3)).then_some(near.1)
}

/// How many letters to change, insert or leave out.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_ascii_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.to_ascii_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

/// Percent-decodes; `None` where a `%` encodes nothing, or no UTF-8, or a NUL byte.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
        let value = digit(rest.first())? * 16 + digit(rest.get(1))?;
        bytes.push(u8::try_from(value).ok().filter(|byte| *byte != 0)?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}
