//! Cutting what a server shows, with quotes, brackets and comments respected.

/// The name inside backticks.
pub(super) fn unquoted(word: &str) -> String {
    let inside = word.strip_prefix('`').and_then(|word| word.strip_suffix('`'));
    inside.unwrap_or(word).replace("``", "`")
}

/// Bytes of what stands first in a text and is not cut: a quoted text, a comment, or a character.
pub(super) fn unit(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(quote @ (b'\'' | b'"' | b'`')) => {
            let mut at = 1;
            while at < bytes.len() {
                match bytes[at] {
                    b'\\' if *quote != b'`' => at += 2,
                    byte if byte == *quote && bytes.get(at + 1) == Some(quote) => at += 2,
                    byte if byte == *quote => return at + 1,
                    _ => at += 1,
                }
            }
            text.len()
        }
        Some(b'/') if text.starts_with("/*") => text.find("*/").map_or(text.len(), |end| end + 2),
        _ => text.chars().next().map_or(0, char::len_utf8),
    }
}

/// The first bracket outside quotes.
pub(super) fn first_bracket(text: &str) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        if text.as_bytes()[at] == b'(' {
            return Some(at);
        }
        at += unit(&text[at..]);
    }
    None
}

/// Bytes from a bracket to behind its partner.
pub(super) fn end_of_brackets(text: &str) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at + 1),
            b')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += unit(&text[at..]);
    }
    None
}

/// Cuts a text outside quotes, comments and brackets; empty pieces are left out.
pub(super) fn pieces(text: &str, cuts: impl Fn(char) -> bool) -> Vec<&str> {
    let (mut out, mut from, mut at, mut depth) = (Vec::new(), 0, 0, 0_usize);
    while at < text.len() {
        let length = unit(&text[at..]);
        let first = text[at..].chars().next().unwrap_or_default();
        match first {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            cut if depth == 0 && cuts(cut) => {
                out.push(&text[from..at]);
                from = at + length;
            }
            _ => {}
        }
        at += length;
    }
    out.push(&text[from..]);
    out.retain(|piece| !piece.is_empty());
    out
}

/// Where a piece begins in the text that it was cut from.
pub(super) fn offset(text: &str, piece: &str) -> usize {
    piece.as_ptr() as usize - text.as_ptr() as usize
}
