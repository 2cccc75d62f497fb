//! The schema of our own tables, as the settings name it.

use crate::fault::{Fault, Result};
use crate::finding::is_unseen;

/// PostgreSQL cuts longer names without an error.
const LONGEST: usize = 63;

/// Refuses a name that could be read as anything else than one name in some text of ours, or that nobody can read.
///
/// # Errors
/// A usage error that names the database of the settings; the name itself is not repeated.
pub fn check(database: &str, schema: &str) -> Result<()> {
    let is_odd = |ch: char| ch.is_control() || "\"'`\\$%{}".contains(ch);
    let why = if schema.is_empty() {
        "it is empty"
    } else if schema.len() > LONGEST {
        "it is longer than 63 bytes"
    } else if schema.chars().any(|ch| is_odd(ch) || is_unseen(ch)) {
        "it has a quote, a backslash, one of $ % { }, or a character that nobody sees"
    } else {
        return Ok(());
    };
    Err(Fault::usage(format!("`schema` of [databases.{database}] is no name for a schema: {why}")))
}
