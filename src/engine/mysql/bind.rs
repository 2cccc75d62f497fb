//! Values in our own texts.
//!
//! The driver sends a bound statement as prepare, execute and close; nobody answers a close, so over TCP the next message
//! waits 40 ms for its acknowledgement. Bound here instead, a text is one message, its answer is text, and it may hold
//! several statements. A literal is written so that it reads the same whatever `sql_mode` and `SET NAMES` a script left
//! behind: no backslash ever stands inside quotes, and what is not ASCII names its character set.

use super::super::{DbError, DbErrorKind, DbResult};
use crate::sha::hex;

/// Puts each value in the place of its `?`. A place behind `LIMIT` takes digits only.
///
/// # Errors
/// When the number of places and of values differ, or a limit is no number.
pub fn bind(sql: &str, values: &[Option<&str>]) -> DbResult<String> {
    let mut out =
        String::with_capacity(sql.len() + values.iter().flatten().map(|value| value.len() + 16).sum::<usize>());
    let mut values = values.iter();
    let mut from = 0;
    for place in places(sql) {
        out.push_str(&sql[from..place]);
        let value = values.next().ok_or_else(|| wrong("a text has more places than values"))?;
        match value {
            None => out.push_str("NULL"),
            Some(digits) if out.trim_end().to_ascii_uppercase().ends_with("LIMIT") => {
                digits.parse::<u64>().map_err(|_| wrong("a limit is no number"))?;
                out.push_str(digits);
            }
            Some(text) => literal(text, &mut out),
        }
        from = place + 1;
    }
    if values.next().is_some() {
        return Err(wrong("a text has fewer places than values"));
    }
    out.push_str(&sql[from..]);
    Ok(out)
}

fn wrong(message: &str) -> DbError {
    DbError::new(DbErrorKind::Statement, message)
}

/// Writes a literal.
fn literal(text: &str, out: &mut String) {
    if text.contains('\\') || text.contains('\0') {
        out.push_str("_utf8mb4 X'");
        out.push_str(&hex(text.as_bytes()));
    } else {
        out.push_str(if text.is_ascii() { "'" } else { "_utf8mb4'" });
        out.push_str(&text.replace('\'', "''"));
    }
    out.push('\'');
}

/// Where the `?` outside literals, names and comments stand.
fn places(sql: &str) -> Vec<usize> {
    let bytes = sql.as_bytes();
    let mut places = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &sql[at..];
        at += match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => {
                bytes[at + 1..].iter().position(|byte| *byte == quote).map_or(rest.len(), |end| end + 2)
            }
            b'-' if rest.starts_with("-- ") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            b'?' => {
                places.push(at);
                1
            }
            _ => 1,
        };
        // Not inside a character: what follows may be cut out as text.
        while at < bytes.len() && !sql.is_char_boundary(at) {
            at += 1;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_their_places_and_cannot_leave_them() {
        let sql = "SELECT ?, '?', `?`, ? -- ?\n /* ? */ WHERE a = ? LIMIT ?";
        let bound = bind(sql, &[Some("it's"), None, Some("ü\\"), Some("7")]).unwrap();
        assert_eq!(bound, "SELECT 'it''s', '?', `?`, NULL -- ?\n /* ? */ WHERE a = _utf8mb4 X'c3bc5c' LIMIT 7");
        assert_eq!(bind("?", &[Some("größe")]).unwrap(), "_utf8mb4'größe'");
    }

    #[test]
    fn counts_and_limits_are_checked() {
        assert!(bind("SELECT ?", &[]).is_err());
        assert!(bind("SELECT 1", &[None]).is_err());
        assert!(bind("SELECT 1 LIMIT ?", &[Some("1; DROP")]).is_err());
    }
}
