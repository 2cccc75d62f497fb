//! Values for rows that have none, and those of a wider type.

use super::super::Care;

/// A value of a type for rows that have none.
pub(super) fn stand_in(type_text: &str) -> Option<&'static str> {
    let name = type_text.split('(').next().unwrap_or_default().trim();
    Some(match name {
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "money" => "0",
        "text" | "character varying" | "character" | "bytea" => "''",
        "boolean" => "false",
        "date" | "timestamp without time zone" | "timestamp with time zone" => "'1970-01-01'",
        "json" | "jsonb" => "'{}'",
        _ if type_text.ends_with("[]") => "'{}'",
        _ => return None,
    })
}

/// A column as it becomes another type, and what is to be said of values that do not fit: a text is cut by the cast itself.
pub(super) fn fitting(object: &str, column: &str, wanted: &str, found: &str, care: Care) -> (String, Option<String>) {
    if let (Some(room), Some(other)) = (room(wanted), room(found))
        && other > room
    {
        return (column.to_owned(), Some(format!("values of {object} are cut to {room} characters")));
    }
    let Some((low, high)) = range(wanted).filter(|_| care == Care::Yielding && is_number(found)) else {
        return (column.to_owned(), None);
    };
    let said = format!("values of {object} beyond {wanted} become the nearest that fits");
    (
        format!("(CASE WHEN {column} < {low} THEN {low} WHEN {column} > {high} THEN {high} ELSE {column} END)"),
        Some(said),
    )
}

/// How many characters a type of texts holds; any other has none.
fn room(type_text: &str) -> Option<u64> {
    let inside = type_text.strip_prefix("character varying").or_else(|| type_text.strip_prefix("character"));
    match inside {
        Some("") => Some(u64::MAX),
        Some(inside) => inside.strip_prefix('(')?.strip_suffix(')')?.parse().ok(),
        None => (type_text == "text").then_some(u64::MAX),
    }
}

fn is_number(type_text: &str) -> bool {
    let name = type_text.split('(').next().unwrap_or_default();
    ["smallint", "integer", "bigint", "numeric", "real", "double precision"].contains(&name)
}

/// The least and the greatest value of a type that has such.
fn range(type_text: &str) -> Option<(String, String)> {
    let bits = match type_text {
        "smallint" => 16,
        "integer" => 32,
        "bigint" => 64,
        _ => {
            let (digits, scale) = type_text.strip_prefix("numeric(")?.strip_suffix(')')?.split_once(',')?;
            let (digits, scale) = (digits.parse::<usize>().ok()?, scale.parse::<usize>().ok()?);
            let whole = "9".repeat(digits.checked_sub(scale)?);
            let whole = if whole.is_empty() { "0".to_owned() } else { whole };
            let high = if scale == 0 { whole } else { format!("{whole}.{}", "9".repeat(scale)) };
            return Some((format!("-{high}"), high));
        }
    };
    let half = 1_i128 << (bits - 1);
    Some(((-half).to_string(), (half - 1).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_or_becomes_the_nearest() {
        let text = |wanted, found| fitting("t.a", "a", wanted, found, Care::Yielding);
        let said = |wanted, found| text(wanted, found).1.unwrap_or_default();
        assert_eq!(said("character varying(40)", "text"), "values of t.a are cut to 40 characters");
        assert_eq!(said("text", "character varying(40)"), "");
        let value = "(CASE WHEN a < -99.99 THEN -99.99 WHEN a > 99.99 THEN 99.99 ELSE a END)";
        assert_eq!(text("numeric(4,2)", "bigint").0, value);
        assert_eq!(range("smallint"), Some(("-32768".to_owned(), "32767".to_owned())));
        assert_eq!(range("numeric(2,2)"), Some(("-0.99".to_owned(), "0.99".to_owned())));
        assert_eq!(text("integer", "text").0, "a");
        assert_eq!(fitting("t.a", "a", "integer", "bigint", Care::Strict).0, "a");
    }
}
