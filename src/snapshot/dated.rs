//! Names with a date in them, as partitions have that an up makes for today.
//!
//! The same scripts give another name each day, so a date in the name of an object is one date like any other to a digest: a
//! proof of yesterday starts from the schema of today. A difference between two schemas is told by the whole name.

use std::borrow::Cow;

/// What stands for a date.
const DATE: &str = "<date>";

/// The text with what stands for its dates (`2026_11_29`, `20261129`, `2026-11`, `y2026w48`); as it is where it has none.
pub(super) fn undated(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut out, mut kept, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        let is_start = bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
        match is_start.then(|| date(&bytes[at..])).flatten() {
            Some(length) => {
                out.push_str(&text[kept..at]);
                out.push_str(DATE);
                (at, kept) = (at + length, at + length);
            }
            None => at += 1,
        }
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(out + &text[kept..]) }
}

/// The length of the date that a text begins with: a year and a month or week, and a day where there is one.
fn date(bytes: &[u8]) -> Option<usize> {
    let century = number(bytes, 0)?;
    number(bytes, 2)?;
    let (month_at, mark) = behind_mark(bytes, 4, b"mw");
    let most = if mark == Some(b'w') { 53 } else { 12 };
    let is_month = (19..=20).contains(&century) && (1..=most).contains(&number(bytes, month_at)?);
    let month_end = month_at + 2;
    let (day_at, _) = behind_mark(bytes, month_end, b"d");
    let day_end = number(bytes, day_at).filter(|day| (1..=31).contains(day)).map(|_| day_at + 2);
    let ends = |end: &usize| bytes.get(*end).is_none_or(|byte| !byte.is_ascii_digit());
    [day_end, Some(month_end)].into_iter().flatten().find(ends).filter(|_| is_month)
}

/// Two digits as a number.
fn number(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes.get(at..at + 2)? {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some((tens - b'0') * 10 + ones - b'0'),
        _ => None,
    }
}

/// Behind one mark between the parts of a date, where one stands there, and which.
fn behind_mark(bytes: &[u8], at: usize, letters: &[u8]) -> (usize, Option<u8>) {
    let mark = bytes.get(at).filter(|byte| matches!(**byte, b'_' | b'-') || letters.contains(*byte));
    (at + usize::from(mark.is_some()), mark.copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_from_other_numbers() {
        for (name, wanted) in [
            ("public.events_2026_11_29.id", "public.events_<date>.id"),
            ("events_20261129_pkey", "events_<date>_pkey"),
            ("events_2026_11", "events_<date>"),
            ("y2026m11d29", "y<date>"),
            ("p2026w48", "p<date>"),
            ("FROM ('2026-11-29') TO ('2026-11-30 00:00:00')", "FROM ('<date>') TO ('<date> 00:00:00')"),
            ("2026_11_29", "<date>"),
        ] {
            assert_eq!(undated(name), wanted);
        }
        for name in
            ["", "t1", "users_2026", "e_2026_13_01", "e_120261129", "e_202611291", "e_1826_11_29", "v20_11", "2026"]
        {
            assert_eq!(undated(name), name);
        }
    }
}
