//! What PostgreSQL's own client reads beside a URL: PG* variables and the password file.

use std::path::{Path, PathBuf};

use crate::fault::{Fault, Result};
use crate::target::{Secret, Target, ssl_mode};

/// Variables that set a parameter of the connection.
const PARAMS: &[(&str, &str)] = &[
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGAPPNAME", "application_name"),
    ("PGOPTIONS", "options"),
];

/// Port where nothing says one.
const PORT: u16 = 5432;

/// Puts in what the URL leaves out; the user's name on this system last.
pub(super) fn complete(target: &mut Target, var: &dyn Fn(&str) -> Option<String>) -> Result<()> {
    if target.host.is_none() && target.socket.is_none() {
        match var("PGHOST") {
            Some(host) if host.starts_with('/') => target.socket = Some(PathBuf::from(host)),
            host => target.host = host,
        }
    }
    if target.port.is_none() {
        target.port =
            var("PGPORT").map(|text| text.parse().map_err(|_| Fault::usage("PGPORT is no port"))).transpose()?;
    }
    if target.user.is_none() {
        target.user = var("PGUSER").or_else(|| whoami::username().ok());
    }
    if target.database.is_empty() {
        target.database = var("PGDATABASE").or_else(|| target.user.clone()).unwrap_or_default();
    }
    if !target.params.contains_key("sslmode")
        && let Some(mode) = var("PGSSLMODE")
    {
        let mode = ssl_mode(&mode).ok_or_else(|| Fault::usage("PGSSLMODE is no mode that is known"))?;
        target.params.insert(String::from("sslmode"), mode.to_owned());
    }
    for (variable, name) in PARAMS {
        if let (false, Some(value)) = (target.params.contains_key(*name), var(variable)) {
            target.params.insert((*name).to_owned(), value);
        }
    }
    Ok(())
}

/// The password from the variable, or from the password file's text where a path is given that can be read.
pub(super) fn password(
    target: &Target,
    var: &dyn Fn(&str) -> Option<String>,
    read: &mut dyn FnMut(&Path) -> Option<String>,
) -> Option<Secret> {
    if let Some(password) = var("PGPASSWORD") {
        return Some(Secret::new(password));
    }
    let path =
        var("PGPASSFILE").map(PathBuf::from).or_else(|| var("HOME").map(|home| Path::new(&home).join(".pgpass")))?;
    in_passfile(&read(&path)?, target).map(Secret::new)
}

/// The password of the first line that fits: `host:port:database:user:password`, `*` for anything. A socket is `localhost`.
fn in_passfile(text: &str, target: &Target) -> Option<String> {
    let host = match (&target.host, &target.socket) {
        (Some(host), _) => host.clone(),
        (None, Some(socket)) => socket.to_string_lossy().into_owned(),
        (None, None) => String::from("localhost"),
    };
    let port = target.port.unwrap_or(PORT).to_string();
    let wanted = [&host, &port, &target.database, target.user.as_ref()?];
    let fits = |said: &str, wanted: &str, is_host: bool| {
        said == "*" || said == wanted || (is_host && said == "localhost" && target.host.is_none())
    };
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line.trim_end_matches('\r'));
        let all = fields.len() >= 5
            && wanted.iter().zip(&fields).enumerate().all(|(index, (wanted, said))| fits(said, wanted, index == 0));
        all.then(|| fields[4].clone())
    })
}

/// Fields between colons; a backslash takes the next character as it is. The fifth is the rest up to a colon.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let taken = match letter {
            ':' => {
                fields.push(String::new());
                continue;
            }
            '\\' => letters.next(),
            other => Some(other),
        };
        if let Some(field) = fields.last_mut() {
            field.extend(taken);
        }
    }
    fields
}
