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
    let values: Vec<(String, Steady)> =
        table.columns.iter().map(|column| (ident(&column.name), steady(column))).collect();
    let parts = values.iter().map(|(name, steady)| match steady {
        Steady::AsText => name.as_str(),
        Steady::As(text) => text,
    });
    let whole = format!("{}::text", sum(&format!("ROW({})::text", parts.collect::<Vec<_>>().join(", "))));
    let each = values.iter().map(|(name, steady)| {
        let text = match steady {
            Steady::AsText => format!("{name}::text"),
            Steady::As(text) => text.clone(),
        };
        format!("concat({}, ':', count({name}))", sum(&format!("({text}) COLLATE \"C\"")))
    });
    let outer: Vec<String> = ["count(*)::text".to_owned(), whole].into_iter().chain(each).collect();
    format!("SELECT {} FROM {from}", outer.join(", "))
}

fn sum(text: &str) -> String {
    format!("sum(pg_catalog.hashtextextended({text}, 0))")
}

/// How a value reads the same in each session.
enum Steady {
    /// As it is shown.
    AsText,
    /// As this text.
    As(String),
}

fn steady(column: &Column) -> Steady {
    let name = Flavor::Postgres.ident(&column.name);
    let text = column.type_text.as_str();
    let binary =
        |send: &str, cast: &str| Steady::As(format!("pg_catalog.encode(pg_catalog.{send}({name}{cast}), 'hex')"));
    match column.family.as_str() {
        "float" => binary("float8send", "::float8"),
        "date" => binary("date_send", "::date"),
        "timestamp" => binary("timestamp_send", "::timestamp"),
        "timestamptz" => binary("timestamptz_send", "::timestamptz"),
        "interval" => binary("interval_send", "::interval"),
        "bytes" => Steady::As(format!("pg_catalog.encode({name}::bytea, 'hex')")),
        "point" => binary("point_send", "::point"),
        "array" if is_unsteady(text) => binary("array_send", ""),
        "range" if is_unsteady(text) && text.contains("multirange") => binary("multirange_send", ""),
        "range" if is_unsteady(text) => binary("range_send", ""),
        _ => Steady::AsText,
    }
}

/// Whether values of an array's or range's element type print differently from session to session. Arrays of a user's own types must
/// not be sent in binary: that holds the type's number, which changes when the type is made anew.
fn is_unsteady(text: &str) -> bool {
    ["timestamp", "ts", "date", "interval", "real", "double precision", "bytea", "money"]
        .iter()
        .any(|name| text.starts_with(name))
}
