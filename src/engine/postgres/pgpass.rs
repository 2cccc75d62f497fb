//! The password file of PostgreSQL's own client. The driver reads it only for what PG* variables name, not for the host,
//! user and database of a URL, so it is looked up here, after those are known.

use std::path::{Path, PathBuf};

/// Whom the password is for.
pub struct Wanted<'a> {
    /// Host name, or `localhost` for a local socket.
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

/// The password from `PGPASSFILE` or `~/.pgpass`; a file that others may read is ignored, as psql does.
pub fn lookup(wanted: &Wanted<'_>) -> Option<String> {
    let path = match std::env::var_os("PGPASSFILE") {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir()?.join(".pgpass"),
    };
    is_private(&path).then(|| std::fs::read_to_string(&path).ok())?.and_then(|text| find(&text, wanted))
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(path: &Path) -> bool {
    path.is_file()
}

fn find(text: &str, wanted: &Wanted<'_>) -> Option<String> {
    let port = wanted.port.to_string();
    let asked = [wanted.host, &port, wanted.database, wanted.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = split(line);
        let (password, keys) = fields.split_last()?;
        let fits = keys.len() == 4 && keys.iter().zip(asked).all(|(key, asked)| key == "*" || key == asked);
        fits.then(|| password.clone())
    })
}

/// Fields between colons; a backslash takes the next character as it is. The fifth field ends the line.
fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(ch) = chars.next() {
        let field = fields.len();
        match ch {
            '\\' => fields[field - 1].extend(chars.next()),
            ':' if field < 5 => fields.push(String::new()),
            _ => fields[field - 1].push(ch),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let text = "# comment\nother:5432:*:me:no\n*:*:my\\:db:me:a:b\\\\c\n*:*:*:*:last\n";
        let wanted = |database| Wanted { host: "h", port: 5432, database, user: "me" };
        assert_eq!(find(text, &wanted("my:db")).as_deref(), Some("a:b\\c"));
        assert_eq!(find(text, &wanted("x")).as_deref(), Some("last"));
        assert_eq!(find("h:1:x:me:p", &wanted("x")), None);
    }
}
