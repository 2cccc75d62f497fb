//! What may be told of a refusal where real rows stand: the server's own words may hold values, in whatever place.
//!
//! So none of them are repeated but names of the schema. The code says what sort of refusal it was, in words of ours.

use std::collections::BTreeSet;

use crate::engine::DbError;

/// What codes of PostgreSQL, of MySQL and MariaDB, and of SQLite mean.
const MEANINGS: &[(&[&str], &str)] = &[
    (&["23505", "1062", "1586", "2067", "1555", "19"], "a unique key has the value already"),
    (&["23502", "1048", "1138", "1364", "1299"], "a value is NULL where none may be"),
    (&["23503", "1452", "1451", "1216", "1217", "787"], "a foreign key leads nowhere"),
    (&["23514", "3819", "4025", "275"], "a CHECK does not hold"),
    (&["22001", "1406"], "a value is too long"),
    (&["22003", "1264", "1690"], "a number is out of range"),
    (
        &["22P02", "22007", "22008", "1265", "1292", "1366", "3140"],
        "a value cannot be read as the type that it should have",
    ),
    (&["22012", "1365"], "a division by zero"),
    (&["P0001", "1644", "1811"], "raised by a script or trigger"),
];

/// Words of messages that are names in a script as well, and say nothing.
const PLAIN: &[&str] = &[
    "check",
    "column",
    "constraint",
    "create",
    "database",
    "duplicate",
    "entry",
    "foreign",
    "for",
    "index",
    "insert",
    "integer",
    "invalid",
    "into",
    "is",
    "key",
    "not",
    "null",
    "of",
    "row",
    "table",
    "text",
    "the",
    "type",
    "unique",
    "update",
    "value",
    "values",
];

/// The refusal without anything that a row may have put into it. `names` are those of the schema and of the script.
pub fn withhold(error: &DbError, names: &BTreeSet<String>) -> DbError {
    let known = MEANINGS.iter().find(|(codes, _)| codes.contains(&error.code.as_str()));
    let meaning = known.map_or("the database refuses it", |(_, meaning)| meaning);
    let is_part = |ch: char| ch.is_alphanumeric() || ch == '_' || ch == '$';
    let mut told: Vec<&str> = Vec::new();
    for word in error.message.split(|ch| !is_part(ch)) {
        let plain = word.to_lowercase();
        if names.contains(&plain) && !PLAIN.contains(&plain.as_str()) && !told.contains(&word) {
            told.push(word);
        }
    }
    let named = if told.is_empty() { String::new() } else { format!("; it names {}", told.join(", ")) };
    DbError {
        message: format!("{meaning}{named}; the server's words are left out, since real rows stand there"),
        detail: None,
        hint: None,
        context: None,
        ..error.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DbErrorKind;

    #[test]
    fn nothing_but_names_of_the_schema_is_repeated() {
        let names = BTreeSet::from(["users_email_key".to_owned()]);
        for message in [
            "Duplicate entry 'O'Brien secret' for key 'users_email_key'",
            "duplicate key value violates unique constraint \"users_email_key\" O'Brien secret",
        ] {
            let mut error = DbError::new(DbErrorKind::Duplicate, message);
            error.code = "1062".to_owned();
            (error.detail, error.context) = (Some("secret".to_owned()), Some("secret".to_owned()));
            let told = withhold(&error, &names).to_string();
            assert!(told.contains("a unique key has the value already; it names users_email_key"), "{told}");
            assert!(!told.contains("secret") && !told.contains("Brien"), "{told}");
        }
    }
}
