//! What the clients of MySQL and MariaDB read beside a URL: the `[client]` section of `~/.my.cnf`, and variables, which stand
//! below it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Result};
use crate::target::{Secret, Target, ssl_mode};

/// Options that set a parameter of the connection.
const PARAMS: &[&str] = &["ssl-ca", "ssl-cert", "ssl-key"];

/// Puts in what the URL leaves out. `read` gives a file's text where it can be read.
pub(super) fn complete(
    target: &mut Target,
    var: &dyn Fn(&str) -> Option<String>,
    read: &mut dyn FnMut(&Path) -> Option<String>,
) -> Result<()> {
    let text = var("HOME").and_then(|home| read(&Path::new(&home).join(".my.cnf"))).unwrap_or_default();
    let options = client_section(&text);
    let said = |option: &str, variable: &str| options.get(option).cloned().or_else(|| var(variable));
    if target.host.is_none() && target.socket.is_none() {
        target.host = said("host", "MYSQL_HOST");
        let is_local = target.host.as_deref().is_none_or(|host| host == "localhost");
        if is_local && target.port.is_none() {
            target.socket = said("socket", "MYSQL_UNIX_PORT").map(PathBuf::from);
        }
    }
    if target.port.is_none() {
        let port = said("port", "MYSQL_TCP_PORT");
        target.port = port
            .map(|text| text.parse().map_err(|_| Fault::usage("the port that MySQL's settings say is none")))
            .transpose()?;
    }
    if target.user.is_none() {
        target.user = options.get("user").cloned().or_else(|| whoami::username().ok());
    }
    if target.password.is_none() {
        target.password = said("password", "MYSQL_PWD").map(Secret::new);
    }
    if let (false, Some(mode)) = (target.params.contains_key("sslmode"), options.get("ssl-mode")) {
        let mode = ssl_mode(mode).ok_or_else(|| Fault::usage("ssl-mode in ~/.my.cnf is no mode that is known"))?;
        target.params.insert(String::from("sslmode"), mode.to_owned());
    }
    for name in PARAMS {
        if let (false, Some(value)) = (target.params.contains_key(*name), options.get(*name)) {
            target.params.insert((*name).to_owned(), value.clone());
        }
    }
    Ok(())
}

/// Options of the `[client]` sections, dashes for underscores; a later one replaces an earlier one.
fn client_section(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            inside = section.0.trim() == "client";
        } else if inside && !line.is_empty() && !line.starts_with(['#', ';', '!']) {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            found.insert(name.trim().replace('_', "-"), option_value(value.trim()));
        }
    }
    found
}

/// A value without its quotes, or without the comment behind it; escapes put in.
fn option_value(text: &str) -> String {
    let inner = match text.chars().next() {
        Some(quote @ ('"' | '\'')) if text.len() > 1 && text.ends_with(quote) => &text[1..text.len() - 1],
        _ => text.split_once(" #").map_or(text, |(value, _)| value.trim_end()),
    };
    let mut letters = inner.chars();
    let mut out = String::new();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('s')) => out.push(' '),
            ('\\', Some('\\')) => out.push('\\'),
            ('\\', Some(other)) => out.extend(['\\', other]),
            _ => out.push(letter),
        }
    }
    out
}
