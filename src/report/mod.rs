//! Reports: one file per format. They turn values into text and decide nothing.

use std::borrow::Cow;

pub mod human;
pub mod json;

/// Text of somebody else (names, SQL, a server's words) made harmless for a terminal: control characters and the marks
/// that turn the direction of text are shown as escapes, tabs as spaces.
pub fn clean(text: &str) -> Cow<'_, str> {
    let is_safe = |ch: char| {
        !ch.is_control() && !matches!(ch, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.chars().all(is_safe) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|ch| match ch {
        '\t' => "    ".to_owned(),
        ch if is_safe(ch) => ch.to_string(),
        ch => ch.escape_default().to_string(),
    });
    Cow::Owned(escaped.collect())
}

/// A number with its noun: `1 row`, `3 rows`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A duration for people: `3 ms`, `1.2 s`, `4 min 10 s`.
pub fn duration(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_do_not_reach_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
        assert!(matches!(clean("Größe"), Cow::Borrowed(_)));
    }

    #[test]
    fn durations_read_well() {
        assert_eq!([duration(3), duration(1_250), duration(250_000)], ["3 ms", "1.2 s", "4 min 10 s"]);
    }
}
