//! What stands behind the brackets of a table: engine, character set, comment, other options, partitions.

use super::{Both, Properties, charset_of_the_database, values};

/// The clauses that give a table its options back.
pub(super) fn changed(both: &Both<'_>, table: &str) -> Vec<String> {
    let (Some(wanted), Some(found)) = (both.wanted.get("table", table), both.found.get("table", table)) else {
        return Vec::new();
    };
    let differs = |name: &str| wanted.get(name) != found.get(name);
    let mut clauses = Vec::new();
    if let Some(engine) = wanted.get("engine").filter(|_| differs("engine")) {
        clauses.push(format!("ENGINE = {engine}"));
    }
    if let Some(charset) = wanted.get("charset").filter(|_| differs("charset")) {
        let own = charset_of_the_database(both.task.wanted);
        clauses.extend(charset_clause(if *charset == "self" { own.unwrap_or_default() } else { charset }));
    }
    if differs("comment") {
        clauses.push(format!("COMMENT = {}", wanted.get("comment").copied().unwrap_or("''")));
    }
    clauses.extend(others(wanted, found));
    clauses
}

/// `latin1 latin1_bin`, or a character set alone.
fn charset_clause(charset: &str) -> Option<String> {
    match charset.split_once(' ') {
        Some((charset, collation)) => Some(format!("DEFAULT CHARACTER SET {charset} COLLATE {collation}")),
        None if charset.is_empty() || charset == "none" => None,
        None => Some(format!("DEFAULT CHARACTER SET {charset}")),
    }
}

/// Options that have names, and system versioning, which has none.
fn others(wanted: &Properties<'_>, found: &Properties<'_>) -> Vec<String> {
    const VERSIONED: &str = "WITH SYSTEM VERSIONING";
    let text = |properties: &Properties<'_>| properties.get("options").copied().unwrap_or_default().to_owned();
    let (want, have) = (text(wanted), text(found));
    let named = |text: &str| -> Vec<(String, String)> {
        let words = text.split(' ').filter_map(|word| word.split_once('='));
        words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (wanted, found) = (named(&want), named(&have));
    let mut clauses = Vec::new();
    for (name, value) in &wanted {
        if !found.contains(&(name.clone(), value.clone())) {
            clauses.push(format!("{name} = {value}"));
        }
    }
    for (name, _) in found.iter().filter(|(name, _)| !wanted.iter().any(|(other, _)| other == name)) {
        clauses.push(format!("{name} = {}", unsaid(name)));
    }
    match (want.contains(VERSIONED), have.contains(VERSIONED)) {
        (true, false) => clauses.push("ADD SYSTEM VERSIONING".to_owned()),
        (false, true) => clauses.push("DROP SYSTEM VERSIONING".to_owned()),
        _ => {}
    }
    clauses
}

/// What an option is set to where nobody has said it.
fn unsaid(name: &str) -> &'static str {
    match name {
        "KEY_BLOCK_SIZE" | "STATS_SAMPLE_PAGES" | "AVG_ROW_LENGTH" | "MIN_ROWS" | "MAX_ROWS" | "CHECKSUM"
        | "DELAY_KEY_WRITE" => "0",
        "COMPRESSION" | "CONNECTION" => "''",
        "ENCRYPTION" => "'N'",
        "INSERT_METHOD" => "NO",
        _ => "DEFAULT",
    }
}

/// What takes partitions away, before anything else, and what makes them, behind all else.
pub(super) fn partitions(both: &Both<'_>, table: &str) -> (Vec<String>, Vec<String>) {
    let of = |objects: &super::Objects<'_>| -> Option<String> {
        objects.get("table", table)?.get("partitions").map(|text| (*text).to_owned())
    };
    match (of(&both.wanted), of(&both.found)) {
        (wanted, found) if wanted == found => (Vec::new(), Vec::new()),
        (None, _) => (vec!["REMOVE PARTITIONING".to_owned()], Vec::new()),
        (Some(wanted), _) => (Vec::new(), vec![wanted]),
    }
}

/// The character set and collation in which a column of text is kept; `None` for any other column.
pub(super) fn charset_of_column(
    both: &Both<'_>,
    is_wanted: bool,
    table: &str,
    object: &str,
) -> Option<(String, String)> {
    let (objects, schema) = if is_wanted { (&both.wanted, both.task.wanted) } else { (&both.found, both.task.found) };
    let column = objects.get("column", object)?;
    if !values::is_text(column.get("type")?) {
        return None;
    }
    let table = match *objects.get("table", table)?.get("charset")? {
        "self" => charset_of_the_database(schema)?,
        said => said,
    };
    let (charset, collation) = table.split_once(' ').unwrap_or((table, ""));
    let said = |name: &str, table: &str| column.get(name).copied().unwrap_or(table).to_owned();
    let collation = if column.contains_key("charset") { said("collation", "") } else { said("collation", collation) };
    Some((said("charset", charset), collation))
}
