//! Fingerprints of a table's rows, computed inside the server.

use super::super::Names;
use crate::rows::{Column, Table};
use crate::sql::Flavor;

/// One SELECT: rows, hash of the whole rows, then `hash:count` of each column. Sums, because XOR loses pairs. A value is told
/// by its CRC32, which is quick but linear: so columns sum its square, and rows a SHA-2 over all of theirs. NULL has a mark
/// that no number can be.
pub fn fingerprint(table: &Table) -> String {
    let hash = |at: usize| format!("h{at}");
    let list = |piece: &dyn Fn(usize, &Column) -> String| -> Vec<String> {
        table.columns.iter().enumerate().map(|(at, column)| piece(at, column)).collect()
    };
    let hashes = list(&|at, column| format!("CRC32({}) AS {}", value(column), hash(at)));
    let columns = list(&|at, _| include_str!("fingerprint_column.sql").trim_end().replace("{hash}", &hash(at)));
    let row = list(&|at, _| format!("COALESCE({}, '-')", hash(at)));
    let or_nothing = |parts: Vec<String>, nothing: &str| match parts.as_slice() {
        [] => nothing.to_owned(),
        parts => parts.join(", "),
    };
    include_str!("fingerprint.sql")
        .replace("{row}", &or_nothing(row, "''"))
        .replace("{columns}", &columns.iter().map(|column| format!(", {column}")).collect::<String>())
        .replace("{hashes}", &or_nothing(hashes, "NULL"))
        .replace("{table}", &qualified(table))
}

fn qualified(table: &Table) -> String {
    let names = Names::new(Flavor::Mysql, table.schema.as_deref());
    let name = Flavor::Mysql.ident(&table.name);
    if names.schema.is_empty() { name } else { [names.schema, name].join(".") }
}

/// A column's value as text or bytes that no session setting changes: a TIMESTAMP as its seconds, a FLOAT with all its digits.
fn value(column: &Column) -> String {
    let name = Flavor::Mysql.ident(&column.name);
    let kind = column.type_text.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "timestamp" => format!("UNIX_TIMESTAMP({name})"),
        "float" => format!("{name} + 0e0"),
        "bit" => format!("{name} + 0"),
        "json" | "uuid" | "inet4" | "inet6" => format!("CAST({name} AS CHAR)"),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" => {
            format!("CAST({name} AS BINARY)")
        }
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
        | "geometrycollection" | "geomcollection" => format!("HEX(ST_AsBinary({name}))"),
        _ => name,
    }
}
