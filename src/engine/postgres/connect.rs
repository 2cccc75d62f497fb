//! From a target to a connection: what the server's own client would read (URL, PG* variables, password file), the settings
//! that the driver changes silently put right, and no more round trips than it takes.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::errors;
use super::pgpass::{self, Wanted};
use crate::engine::{Access, DbError, DbErrorKind, DbResult};
use crate::target::Target;

const CONNECT_TIMEOUT_S: u64 = 15;
const SOCKET_DIRS: [&str; 3] = ["/var/run/postgresql", "/private/tmp", "/tmp"];
/// Unknown to servers before 14, and refused on some systems.
const CHECK_INTERVAL: &str = "client_connection_check_interval";

/// What a session of ours finds where its start-up settings hold.
pub const OWN_SESSION: &str = "switchback.session";

/// A connection, and whether a pooler has refused the settings that it should have begun with.
pub struct Reached {
    pub connection: PgConnection,
    pub is_refused: bool,
}

/// How to connect. Holds the password, so there is no `Debug`.
#[derive(Clone)]
pub struct Route {
    options: PgConnectOptions,
    /// Settings of ours that go with the start-up message, so that they cost no round trip.
    extras: Vec<(&'static str, String)>,
    /// TLS is tried only when the server refuses to go without, as `sslmode=allow` says.
    plain_first: bool,
    timeout: Duration,
    /// What the client's side says about the time zone and the style of dates; else the server's own default counts.
    pub timezone: Option<String>,
    pub datestyle: Option<String>,
}

impl Route {
    /// Reads a target.
    ///
    /// # Errors
    /// A parameter that is unknown or has no sense, by name.
    pub fn new(target: &Target, access: Access) -> DbResult<Self> {
        let base = PgConnectOptions::new_without_pgpass().statement_cache_capacity(0).extra_float_digits(None);
        let mut route = Route {
            timezone: std::env::var("PGTZ").ok(),
            datestyle: std::env::var("PGDATESTYLE").ok(),
            options: base.disable_statement_logging(),
            extras: extras(access),
            plain_first: false,
            timeout: Duration::from_secs(CONNECT_TIMEOUT_S),
        };
        if let Some(given) = route.options.get_options().map(str::to_owned) {
            route.notice_settings(&pairs("PGOPTIONS", &given)?);
        }
        route.place(target);
        let mut mode = std::env::var("PGSSLMODE").ok();
        if std::env::var_os("PGAPPNAME").is_none() {
            route.options = route.options.application_name("switchback");
        }
        for (name, value) in &target.params {
            match name.as_str() {
                "sslmode" => mode = Some(value.clone()),
                _ => route = route.param(name, value)?,
            }
        }
        route.tls(mode.as_deref())?;
        Ok(route)
    }

    /// A connection, and nothing said on it yet.
    pub async fn connect(&self) -> DbResult<Reached> {
        let mut extras = self.extras.clone();
        let mut is_refused = false;
        let mut mode = self.options.get_ssl_mode();
        if self.plain_first {
            mode = PgSslMode::Disable;
        }
        loop {
            let mut options = self.options.clone().ssl_mode(mode);
            if !extras.is_empty() {
                options = options.options(extras.iter().map(|(name, value)| (name, value)));
            }
            let tried = tokio::time::timeout(self.timeout, PgConnection::connect_with(&options)).await;
            let error = match tried {
                Ok(Ok(connection)) => return Ok(Reached { connection, is_refused }),
                Ok(Err(error)) => errors::from_sqlx(error),
                Err(_) => {
                    let text = format!("no answer within {} s", self.timeout.as_secs());
                    return Err(DbError::new(DbErrorKind::Connection, text));
                }
            };
            let before = extras.len();
            if error.message.contains(CHECK_INTERVAL) {
                extras.retain(|(name, _)| *name != CHECK_INTERVAL);
            }
            if is_poolers(&error) {
                extras.clear();
                is_refused = true;
            }
            if self.plain_first && error.code == "28000" && matches!(mode, PgSslMode::Disable) {
                mode = PgSslMode::Prefer;
            } else if extras.len() == before {
                return Err(explained(error));
            }
        }
    }

    /// Host, port, user, database, password: the URL first, then PG* variables, then the password file.
    fn place(&mut self, target: &Target) {
        let mut options = self.options.clone();
        if let Some(port) = target.port {
            options = options.port(port);
        }
        let named = std::env::var_os("PGHOST").is_some() || std::env::var_os("PGHOSTADDR").is_some();
        options = match (&target.socket, &target.host) {
            (Some(dir), _) => options.socket(dir),
            (None, Some(host)) => options.host(host.trim_start_matches('[').trim_end_matches(']')),
            (None, None) if named => options,
            (None, None) => {
                let socket = format!(".s.PGSQL.{}", options.get_port());
                let dir = SOCKET_DIRS.into_iter().find(|dir| Path::new(dir).join(&socket).exists());
                options.host(dir.unwrap_or("127.0.0.1"))
            }
        };
        if let Some(user) = &target.user {
            options = options.username(user);
        }
        if !target.database.is_empty() {
            options = options.database(&target.database);
        }
        let password = match &target.password {
            Some(secret) => Some(secret.reveal().to_owned()),
            None if std::env::var_os("PGPASSWORD").is_some() => None,
            None => {
                let host = if is_local(&options) { "localhost" } else { options.get_host() };
                let user = options.get_username();
                let database = options.get_database().unwrap_or(user);
                pgpass::lookup(&Wanted { host, port: options.get_port(), database, user })
            }
        };
        if let Some(password) = password {
            options = options.password(&password);
        }
        self.options = options;
    }

    fn param(mut self, name: &str, value: &str) -> DbResult<Self> {
        match name {
            "sslrootcert" => self.options = self.options.ssl_root_cert(value),
            "sslcert" => self.options = self.options.ssl_client_cert(value),
            "sslkey" => self.options = self.options.ssl_client_key(value),
            "application_name" => self.options = self.options.application_name(value),
            "timezone" => self.timezone = Some(value.to_owned()),
            "connect_timeout" => {
                let seconds: u64 = value.parse().map_err(|_| usage("connect_timeout needs a number of seconds"))?;
                self.timeout = Duration::from_secs(if seconds == 0 { u64::from(u32::MAX) } else { seconds });
            }
            "options" => {
                let given = pairs("options", value)?;
                self.notice_settings(&given);
                self.options = self.options.options(given);
            }
            _ => {
                let known =
                    "sslmode, sslrootcert, sslcert, sslkey, application_name, options, timezone, connect_timeout";
                let mut error = usage(&format!("the connection parameter `{name}` is not known"));
                error.hint = Some(format!("known are {known}"));
                return Err(error);
            }
        }
        Ok(self)
    }

    fn notice_settings(&mut self, given: &[(String, String)]) {
        for (name, value) in given {
            match name.to_ascii_lowercase().as_str() {
                "timezone" => self.timezone = Some(value.clone()),
                "datestyle" => self.datestyle = Some(value.clone()),
                _ => {}
            }
        }
    }

    /// On this machine TLS protects nothing and costs a handshake, so it is used only where asked for.
    fn tls(&mut self, mode: Option<&str>) -> DbResult<()> {
        let host = self.options.get_host();
        let near = is_local(&self.options) || matches!(host, "localhost" | "::1") || host.starts_with("127.");
        self.plain_first = mode == Some("allow") || mode.is_none() && near;
        if let Some(mode) = mode {
            let parsed = PgSslMode::from_str(mode).map_err(|_| usage(&format!("sslmode `{mode}` is not known")))?;
            self.options = self.options.clone().ssl_mode(parsed);
        }
        Ok(())
    }
}

fn is_local(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || options.get_host().starts_with('/')
}

/// Settings that a session of ours starts with. Dead clients are noticed soon, both while idle and while a statement runs.
fn extras(access: Access) -> Vec<(&'static str, String)> {
    let always = [
        (OWN_SESSION, "on"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ];
    let own: &[(&str, &str)] = match access {
        Access::ReadOnly => &[("default_transaction_read_only", "on")],
        Access::ReadWrite => &[(CHECK_INTERVAL, "1000")],
        Access::Shadow => {
            &[(CHECK_INTERVAL, "1000"), ("synchronous_commit", "off"), ("jit", "off"), ("switchback.shadow", "on")]
        }
    };
    always.iter().chain(own).map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn usage(text: &str) -> DbError {
    DbError::new(DbErrorKind::Statement, text)
}

/// Whether a pooler refuses start-up settings: in the words of PgBouncer, and of Amazon's RDS Proxy.
fn is_poolers(error: &DbError) -> bool {
    ["unsupported startup parameter", "command-line options"].iter().any(|text| error.message.contains(text))
}

/// A pooler that refuses the settings of a URL or of `PGOPTIONS` says so in words that do not help.
fn explained(mut error: DbError) -> DbError {
    if is_poolers(&error) {
        error.hint = Some(
            "a pooler takes no `options`: leave them out of the URL and of PGOPTIONS, or connect to the server itself"
                .into(),
        );
    }
    error
}

/// `-c name=value`, `-cname=value` and `--name=value`, as the server's option line has them; a backslash takes the next
/// character as it is.
fn pairs(from: &str, line: &str) -> DbResult<Vec<(String, String)>> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let mut chars = line.chars();
    while let Some(ch) = chars.next() {
        if ch.is_whitespace() {
            open = false;
            continue;
        }
        if !open {
            words.push(String::new());
            open = true;
        }
        let word = words.len() - 1;
        match ch {
            '\\' => words[word].extend(chars.next()),
            _ => words[word].push(ch),
        }
    }
    let mut out = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            Some("") => words.next().unwrap_or_default(),
            Some(rest) => rest.to_owned(),
            None => return Err(usage(&format!("`{word}` in {from} is not understood; write `-c name=value`"))),
        };
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| usage(&format!("`{setting}` in {from} is not understood; write `-c name=value`")))?;
        out.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_lines_are_taken_apart_as_the_server_does() {
        let given = pairs("options", r"-c geqo=off -csearch_path=a\ b --lock-timeout=5s").unwrap();
        let text: Vec<String> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(text, ["geqo=off", "search_path=a b", "lock_timeout=5s"]);
        assert!(pairs("options", "geqo").is_err());
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let mut target = Target { scheme: "postgres".into(), ..Target::default() };
        target.params.insert("ssl_mode".into(), "require".into());
        let error = Route::new(&target, Access::ReadOnly).err().unwrap();
        assert!(error.message.contains("`ssl_mode`"), "{error}");
    }
}
