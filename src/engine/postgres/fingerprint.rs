//! What tells whether the rows of a table came back: counts and order-free sums of hashes, made inside the server.
//!
//! The text of a value may depend on the session (dates, floats, bytes), so types of that sort are hashed in their binary form.
//! A sum of 64-bit hashes, never XOR alone: equal pairs would vanish.

use crate::rows::{Column, Table};
use crate::sql::Flavor;

/// See [`crate::engine::Engine::fingerprint`].
pub fn query(table: &Table) -> String {
    let ident = |name: &str| Flavor::Postgres.ident(name);
    let from = match &table.schema {
        Some(schema) => format!("{}.{}", ident(schema), ident(&table.name)),
        None => ident(&table.name),
    };
    let inner: Vec<String> =
        table.columns.iter().enumerate().map(|(index, column)| format!("{} AS c{index}", steady(column))).collect();
    let names: Vec<String> = (0..table.columns.len()).map(|index| format!("c{index}")).collect();
    let whole = format!("{}::text", sum(&format!("ROW({})::text", names.join(", "))));
    let each = names.iter().map(|name| format!("{} || ':' || count({name})", sum(name)));
    let outer: Vec<String> = ["count(*)::text".to_owned(), whole].into_iter().chain(each).collect();
    format!("SELECT {} FROM (SELECT {} FROM {from}) AS rows", outer.join(", "), inner.join(", "))
}

fn sum(text: &str) -> String {
    format!("coalesce(sum(pg_catalog.hashtextextended({text}, 0)::numeric), 0)")
}

/// The column as text that is the same in each session, in a collation that tells all texts apart.
fn steady(column: &Column) -> String {
    let name = Flavor::Postgres.ident(&column.name);
    let text = column.type_text.as_str();
    let binary = |send: &str, cast: &str| format!("pg_catalog.encode(pg_catalog.{send}({name}{cast}), 'hex')");
    let plain = match column.family.as_str() {
        "float" => binary("float8send", "::float8"),
        "date" => binary("date_send", "::date"),
        "timestamp" => binary("timestamp_send", "::timestamp"),
        "timestamptz" => binary("timestamptz_send", "::timestamptz"),
        "interval" => binary("interval_send", "::interval"),
        "bytes" => format!("pg_catalog.encode({name}::bytea, 'hex')"),
        "point" => binary("point_send", "::point"),
        "array" if is_unsteady(text) => binary("array_send", ""),
        "range" if is_unsteady(text) && text.contains("multirange") => binary("multirange_send", ""),
        "range" if is_unsteady(text) => binary("range_send", ""),
        _ => format!("{name}::text"),
    };
    format!("({plain}) COLLATE \"C\"")
}

/// Whether values of an array's or range's element type print differently from session to session. Arrays of a user's own types must
/// not be sent in binary: that holds the type's number, which changes when the type is made anew.
fn is_unsteady(text: &str) -> bool {
    ["timestamp", "ts", "date", "interval", "real", "double precision", "bytea", "money"]
        .iter()
        .any(|name| text.starts_with(name))
}
