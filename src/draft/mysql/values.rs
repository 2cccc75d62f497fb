//! Values for columns that have none, and what is done about values that the schema before the up has no place for.

use super::options::charset_of_column;
use super::{Both, Properties, ident};

/// A value for rows that have none.
pub(super) struct Nothing {
    pub value: String,
    /// ADD COLUMN puts it in by itself.
    pub is_implicit: bool,
}

/// A statement that makes values fit, and what is to be said of it.
pub(super) struct Fit {
    pub statement: String,
    pub said: String,
    /// In strict mode MariaDB refuses to look at a text in a character set that has not all of its characters.
    pub is_lax: bool,
}

const TEXTS: &[&str] = &["char", "varchar", "tinytext", "text", "mediumtext", "longtext"];

/// What a timestamp holds in any time zone.
const TIMESTAMPS: (&str, &str) = ("'1970-01-02 00:00:00'", "'2038-01-18 00:00:00'");

/// The name of a type, and what stands in its brackets.
fn parts(type_text: &str) -> (&str, &str) {
    let end = type_text.find(['(', ' ']).unwrap_or(type_text.len());
    let inside = type_text[end..].strip_prefix('(').and_then(|rest| Some(&rest[..rest.rfind(')')?]));
    (&type_text[..end], inside.unwrap_or_default())
}

/// Whether values of a type have a character set.
pub(super) fn is_text(type_text: &str) -> bool {
    let name = parts(type_text).0;
    TEXTS.contains(&name) || matches!(name, "enum" | "set")
}

/// What a type holds as nothing.
pub(super) fn nothing(properties: &Properties<'_>) -> Option<Nothing> {
    let (name, inside) = parts(properties.get("type")?);
    let is_json = properties.get("check").is_some_and(|check| check.contains("json_valid("));
    let (value, is_implicit) = match name {
        _ if is_json => ("'{}'", false),
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float" | "double" | "bit" | "year" => {
            ("0", true)
        }
        "enum" => (first(inside), true),
        "set" | "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => ("''", true),
        _ if TEXTS.contains(&name) => ("''", true),
        "date" => ("'1970-01-01'", false),
        "datetime" | "timestamp" => ("'1970-01-02 00:00:00'", false),
        "time" => ("'00:00:00'", true),
        "json" => ("'null'", true),
        "uuid" => ("'00000000-0000-0000-0000-000000000000'", false),
        "inet4" => ("'0.0.0.0'", false),
        "inet6" => ("'::'", false),
        _ => return None,
    };
    Some(Nothing { value: value.to_owned(), is_implicit })
}

/// The labels of an enum or a set, in their quotes.
fn labels(inside: &str) -> Vec<&str> {
    let (mut labels, mut from, mut is_quoted) = (Vec::new(), 0, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'\'' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                labels.push(&inside[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    labels.push(&inside[from..]);
    labels
}

fn first(inside: &str) -> &str {
    labels(inside)[0]
}

/// What makes the rows of a table fit, column by column.
pub(super) fn fits(both: &Both<'_>, table: &str) -> Vec<Fit> {
    let mut fits = Vec::new();
    for (name, object) in super::columns(&both.wanted, table) {
        let (Some(want), Some(have)) = (both.wanted.get("column", object), both.found.get("column", object)) else {
            continue;
        };
        if want.contains_key("generated") || have.contains_key("generated") {
            continue;
        }
        let update = |value: &str, condition: &str| {
            format!("UPDATE {} SET {} = {value} WHERE {condition}", ident(table), ident(name))
        };
        let fit = |(value, condition, said): (String, String, String)| Fit {
            statement: update(&value, &condition),
            said,
            is_lax: false,
        };
        let column = ident(name);
        fits.extend(charset(both, table, object).map(|(charset, collation)| {
            let value = format!("CONVERT({column} USING {charset})");
            let update = update(&value, &format!("{value} <> {column} COLLATE {collation}"));
            let said = format!("{object}: characters that {charset} does not have become ?");
            Fit { statement: update, said, is_lax: true }
        }));
        fits.extend(members(object, &column, want, have).into_iter().map(fit));
        fits.extend(other_type(object, &column, want, have).map(fit));
        if want.get("nullable") == Some(&"no") && have.get("nullable") != Some(&"no") {
            let default = want.get("default").map(|default| (*default).to_owned());
            if let Some(value) = default.or_else(|| nothing(want).map(|nothing| nothing.value)) {
                let said = format!("{object} must not be NULL, so rows that have NULL there get {value}");
                fits.push(fit((value, format!("{column} IS NULL"), said)));
            }
        }
    }
    fits
}

/// The character set that is wanted where it may lack characters of the present one, and the collation that tells these apart.
fn charset(both: &Both<'_>, table: &str, object: &str) -> Option<(String, String)> {
    let (wanted, _) = charset_of_column(both, true, table, object)?;
    let (found, _) = charset_of_column(both, false, table, object)?;
    let has_all = ["utf8mb4", "utf16", "utf32", "utf16le"].contains(&wanted.as_str());
    (wanted != found && !has_all).then(|| (wanted, format!("{found}_bin")))
}

/// What takes the members out of the values of a set that it did not have.
fn members<'a>(
    object: &str,
    column: &str,
    want: &Properties<'a>,
    have: &Properties<'a>,
) -> Vec<(String, String, String)> {
    let inside = |properties: &Properties<'a>| match parts(properties.get("type").copied().unwrap_or_default()) {
        ("set", inside) => labels(inside),
        _ => Vec::new(),
    };
    let (wanted, found) = (inside(want), inside(have));
    let came = found.into_iter().filter(|label| !wanted.is_empty() && !wanted.contains(label));
    let each = came.map(|label| {
        let around = format!("CONCAT(',', {label}, ',')");
        let value = format!("TRIM(BOTH ',' FROM REPLACE(CONCAT(',', {column}, ','), {around}, ','))");
        (
            value,
            format!("FIND_IN_SET({label}, {column})"),
            format!("values of {object} lose {label}, which it did not have"),
        )
    });
    each.collect()
}

/// Where a type holds less than the present one: what fits, of which rows, and what is to be said.
fn other_type(
    object: &str,
    column: &str,
    want: &Properties<'_>,
    have: &Properties<'_>,
) -> Option<(String, String, String)> {
    let (wanted, found) = (*want.get("type")?, *have.get("type")?);
    if wanted == found {
        return None;
    }
    let ((name, inside), is_found_text) = (parts(wanted), TEXTS.contains(&parts(found).0));
    if name == "enum" && (is_found_text || parts(found).0 == "enum") {
        let first = first(inside);
        let said = format!("values of {object} that it did not have become {first}");
        return Some((first.to_owned(), format!("{column} NOT IN ({inside})"), said));
    }
    if name == "timestamp" && parts(found).0 == "datetime" {
        let (low, high) = TIMESTAMPS;
        let value = format!("LEAST(GREATEST({column}, {low}), {high})");
        let said = format!("values of {object} before {low} or behind {high} become the nearer of these");
        return Some((value, format!("{column} < {low} OR {column} > {high}"), said));
    }
    if let (Some((low, high)), Some((least, most))) = (range(wanted), range(found)) {
        let is_within = !is_less(&least, &low) && !is_less(&high, &most);
        let value = format!("LEAST(GREATEST({column}, {low}), {high})");
        let condition = format!("{column} < {low} OR {column} > {high}");
        let said = format!("values of {object} beyond {wanted} become the nearest that fits");
        return (!is_within).then_some((value, condition, said));
    }
    let (room, count) = room(wanted)?;
    let is_within = room_of(found)? <= room;
    let said =
        format!("values of {object} are cut to {room} {}", if count == "LENGTH" { "bytes" } else { "characters" });
    (!is_within).then(|| (format!("LEFT({column}, {room})"), format!("{count}({column}) > {room}"), said))
}

/// How long a value of a type may be, and the function that counts it. Where bytes are counted of a text, each character may
/// take four.
fn room(type_text: &str) -> Option<(u64, &'static str)> {
    let (name, inside) = parts(type_text);
    let said = inside.parse::<u64>();
    Some(match name {
        "char" | "varchar" => (said.ok()?, "CHAR_LENGTH"),
        "tinytext" => (63, "CHAR_LENGTH"),
        "text" => (16_383, "CHAR_LENGTH"),
        "mediumtext" => (4_194_303, "CHAR_LENGTH"),
        "binary" | "varbinary" => (said.ok()?, "LENGTH"),
        "tinyblob" => (255, "LENGTH"),
        "blob" => (65_535, "LENGTH"),
        "mediumblob" => (16_777_215, "LENGTH"),
        _ => return None,
    })
}

fn room_of(type_text: &str) -> Option<u64> {
    match parts(type_text).0 {
        "longtext" | "longblob" => Some(u64::MAX),
        _ => room(type_text).map(|(room, _)| room),
    }
}

/// The least and the greatest value of a type of numbers, as they are written.
fn range(type_text: &str) -> Option<(String, String)> {
    let (name, inside) = parts(type_text);
    let is_unsigned = type_text.split(' ').any(|word| word == "unsigned");
    let bits = match name {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" => 32,
        "bigint" => 64,
        "decimal" => return decimal(inside, is_unsigned),
        "float" | "double" => return Some(("-1e308".to_owned(), "1e308".to_owned())),
        _ => return None,
    };
    let (low, high) =
        if is_unsigned { (0, (1_i128 << bits) - 1) } else { (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1) };
    Some((low.to_string(), high.to_string()))
}

/// `decimal(5,2)` holds -999.99 to 999.99.
fn decimal(inside: &str, is_unsigned: bool) -> Option<(String, String)> {
    let (digits, scale) = inside.split_once(',')?;
    let (digits, scale) = (digits.trim().parse::<usize>().ok()?, scale.trim().parse::<usize>().ok()?);
    let whole = digits.checked_sub(scale)?;
    let high = match scale {
        0 => "9".repeat(whole),
        _ => format!("{}.{}", if whole == 0 { "0".to_owned() } else { "9".repeat(whole) }, "9".repeat(scale)),
    };
    Some((if is_unsigned { "0".to_owned() } else { format!("-{high}") }, high))
}

/// Whether a number is less than another, as far as that can be told of what they stand for: bounds of types.
fn is_less(one: &str, other: &str) -> bool {
    one.parse::<f64>().ok() < other.parse::<f64>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_type() {
        let text = |type_text: &str| range(type_text).map(|(low, high)| format!("{low} {high}")).unwrap_or_default();
        assert_eq!(text("tinyint(4)"), "-128 127");
        assert_eq!(text("int unsigned"), "0 4294967295");
        assert_eq!(text("bigint(20)"), "-9223372036854775808 9223372036854775807");
        assert_eq!(text("decimal(5,2)"), "-999.99 999.99");
        assert_eq!(text("decimal(3,0) unsigned"), "0 999");
        assert_eq!(text("decimal(2,2)"), "-0.99 0.99");
        assert_eq!(text("varchar(3)"), "");
    }

    #[test]
    fn a_label_ends_at_its_quote() {
        assert_eq!(labels("'a','b'"), ["'a'", "'b'"]);
        assert_eq!(labels("'it''s','b'"), ["'it''s'", "'b'"]);
        assert_eq!(labels("'a,'',b','c'"), ["'a,'',b'", "'c'"]);
        assert_eq!(first("'a'"), "'a'");
    }
}
