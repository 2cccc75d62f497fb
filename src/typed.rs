//! Texts of numbers, and of types that are told apart by their names alone: arrays, ranges and what has no family.

use chrono::{Days, NaiveDate};

use crate::rows::Column;

/// The day from which plain dates count.
pub const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2024, 1, 15) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// The largest integer of a column by the name of its type, else by its number of digits.
pub fn integer_max(column: &Column) -> i128 {
    let text = column.type_text.to_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let bits = if starts(&["tinyint", "int1", "bool"]) {
        7
    } else if starts(&["smallint", "int2", "smallserial", "serial2"]) {
        15
    } else if starts(&["mediumint", "int3", "middleint"]) {
        23
    } else if starts(&["bigint", "int8", "bigserial", "serial8"]) {
        63
    } else if starts(&["int"]) {
        31
    } else {
        // A domain has a name of its own; the number of digits tells its size.
        column.length.map_or(31, |digits| {
            if digits < 10 {
                15
            } else if digits < 19 {
                31
            } else {
                63
            }
        })
    };
    (1 << (bits + u32::from(text.contains("unsigned")))) - 1
}

/// A decimal text in units of its `digits`-th digit behind the point, rounded down, and whether that is exact.
pub fn units(text: &str, digits: u32) -> Option<(i128, bool)> {
    let text = text.trim();
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || whole.len() > 36 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let kept: String = fraction.chars().chain("0".repeat(digits as usize).chars()).take(digits as usize).collect();
    let exact = fraction.bytes().skip(digits as usize).all(|byte| byte == b'0');
    let size: i128 = format!("{whole}{kept}").parse().ok().or_else(|| (whole.is_empty()).then_some(0))?;
    Some((if negative { -size - i128::from(!exact) } else { size }, exact))
}

/// Units of the `digits`-th digit behind the point as a decimal text.
pub fn decimal(units: i128, digits: u32) -> String {
    if digits == 0 {
        return units.to_string();
    }
    let one = 10_u128.pow(digits);
    let (sign, size) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    format!("{sign}{}.{:0width$}", size / one, size % one, width = digits as usize)
}

/// A short name of a number in letters and digits.
pub fn letters(n: usize) -> String {
    let mut out = Vec::new();
    let mut rest = n;
    loop {
        out.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    out.iter().rev().collect()
}

/// The first number in brackets: `bit(3)` is 3.
pub fn size(type_text: &str) -> Option<usize> {
    type_text.split_once('(')?.1.split(')').next()?.trim().parse().ok()
}

/// An element of an array, by the type of its elements; empty where none is known.
pub fn element(type_text: &str, n: usize) -> String {
    let base = type_text.trim_end_matches("[]").to_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| base.starts_with(word));
    if starts(&["int", "bigint", "smallint", "numeric", "real", "double", "float", "oid"]) && !starts(&["interval"]) {
        n.to_string()
    } else if starts(&["text", "character varying", "varchar", "citext"]) {
        format!("\"e{n}\"")
    } else if starts(&["bool"]) {
        "t".to_owned()
    } else if starts(&["uuid"]) {
        format!("00000000-0000-4000-8000-{n:012x}")
    } else if starts(&["date", "timestamp"]) {
        "\"2024-01-15\"".to_owned()
    } else {
        String::new()
    }
}

/// A range (or multirange) that overlaps with no other row's.
pub fn range(type_text: &str, n: usize) -> String {
    let text = type_text.to_lowercase();
    let body = if text.starts_with("int") || text.starts_with("num") {
        format!("[{},{})", n * 10, n * 10 + 5)
    } else if text.starts_with("date") || text.starts_with("ts") {
        let day = FIRST_DAY + Days::new(2 * n as u64);
        format!("[{day},{})", day + Days::new(1))
    } else {
        "empty".to_owned()
    };
    match (text.contains("multirange"), body.as_str()) {
        (true, "empty") => "{}".to_owned(),
        (true, _) => format!("{{{body}}}"),
        (false, _) => body,
    }
}

/// Types that have a family of their own nowhere.
pub fn other(type_text: &str, n: usize) -> Option<String> {
    let text = type_text.to_lowercase();
    let name = text.rsplit('.').next().unwrap_or(&text);
    Some(match name.split('(').next().unwrap_or(name) {
        "money" => format!("{n}.50"),
        "oid" | "xid" | "xid8" | "cid" => (n + 1).to_string(),
        "pg_lsn" => format!("0/{:X}", n + 1),
        "hstore" => format!("\"k\"=>\"{n}\""),
        "ltree" => format!("a.b{n}"),
        "citext" | "name" => format!("text_{n}"),
        "\"char\"" => letters(n % 36),
        "tsquery" => format!("w{n}"),
        "jsonpath" => "$".to_owned(),
        "line" => format!("{{1,2,{n}}}"),
        "lseg" | "path" => format!("[(0,0),(1,{n})]"),
        "box" => format!("(1,{}),(0,0)", n + 1),
        "polygon" => format!("((0,0),(1,0),(1,{}))", n + 1),
        "circle" => format!("<(0,0),{}>", n + 1),
        "tid" => format!("(0,{})", n + 1),
        _ => return None,
    })
}
