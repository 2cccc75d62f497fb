//! White space that is mere layout, in bodies of routines, triggers and views.
//!
//! What a snapshot holds does not say which language a body is in, so this reads what all SQL dialects have in common: literals
//! and quoted names keep their white space, comments end where they ended, all else is folded.

/// The body with its mere layout folded: two bodies that differ by it alone become the same.
///
/// A backslash before a quote hides it in some dialects and modes and not in others. A body that has one is read both ways.
pub(super) fn folded(body: &str) -> String {
    let plain = fold(body, false);
    if body.contains("\\'") || body.contains("\\\"") { [plain, fold(body, true)].join("\0") } else { plain }
}

fn fold(body: &str, escapes: bool) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body.trim();
    while let Some(first) = rest.chars().next() {
        let (length, is_layout) = piece(rest, first, escapes);
        match (is_layout, rest.starts_with("--")) {
            (false, false) => out.push_str(&rest[..length]),
            (true, false) => push_words(&mut out, &rest[..length]),
            // The end of its line is the end of the comment.
            (_, true) => {
                push_words(&mut out, &rest[..length]);
                out.push('\n');
                rest = rest[length..].trim_start();
                continue;
            }
        }
        rest = &rest[length..];
    }
    out
}

/// Length of what stands first, and whether its white space is layout.
fn piece(rest: &str, first: char, escapes: bool) -> (usize, bool) {
    match first {
        '\'' | '"' | '`' => (quoted(rest, first, escapes), false),
        '$' => dollar_quoted(rest).map_or((1, false), |length| (length, false)),
        '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), true),
        '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |end| end + 2), true),
        _ if first.is_whitespace() => (rest.find(|ch: char| !ch.is_whitespace()).unwrap_or(rest.len()), true),
        _ => (first.len_utf8(), false),
    }
}

/// Adds a text with each run of white space as one blank.
fn push_words(out: &mut String, text: &str) {
    for ch in text.chars() {
        let ch = if ch.is_whitespace() { ' ' } else { ch };
        if ch != ' ' || !out.ends_with([' ', '\n']) {
            out.push(ch);
        }
    }
}

/// Bytes up to behind the closing quote. A doubled quote is two literals side by side, which comes to the same.
fn quoted(rest: &str, quote: char, escapes: bool) -> usize {
    let mut is_escaped = false;
    for (at, ch) in rest.char_indices().skip(1) {
        match ch {
            _ if is_escaped => is_escaped = false,
            '\\' if escapes && quote != '`' => is_escaped = true,
            _ if ch == quote => return at + ch.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// Bytes of a dollar-quoted literal; `None` where none begins. What PostgreSQL itself puts around a routine's body is none.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let tag = rest[1..].find('$').map(|end| &rest[..end + 2])?;
    let name = &tag[1..tag.len() - 1];
    let is_marked = |mark: &str| name.strip_prefix(mark).is_some_and(|rest| rest.bytes().all(|byte| byte == b'x'));
    let is_own = is_marked("function") || is_marked("procedure");
    let is_word = name.chars().all(|ch| ch.is_alphanumeric() || ch == '_');
    let is_tag = is_word && !is_own && !name.starts_with(|ch: char| ch.is_ascii_digit());
    if !is_tag {
        return None;
    }
    Some(2 * tag.len() + rest[tag.len()..].find(tag)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_does_not_count() {
        for (one, two) in [
            ("SELECT  1\n", "SELECT 1"),
            ("BEGIN\r\n\tRETURN NEW;\r\nEND", "BEGIN RETURN NEW; END"),
            ("a -- x\n   b", "a --  x\nb"),
            ("/* it's */  a", "/* it's */ a"),
            ("a || 'it''s'  || b", "a || 'it''s' || b"),
            ("$1  + $2", "$1 + $2"),
            ("AS $function$BEGIN  END$function$", "AS $function$BEGIN END$function$"),
        ] {
            assert_eq!(folded(one), folded(two), "{one:?} {two:?}");
        }
    }

    #[test]
    fn white_space_that_is_said_does_count() {
        for (one, two) in [
            ("SELECT 'a  b'", "SELECT 'a b'"),
            ("SELECT 'it''s  b'", "SELECT 'it''s b'"),
            (r"SELECT 'it\'s  b'", r"SELECT 'it\'s b'"),
            (r"SELECT '\', 'a  b'", r"SELECT '\', 'a b'"),
            ("SELECT a AS \"b  c\"", "SELECT a AS \"b c\""),
            ("SELECT a AS `b  c`", "SELECT a AS `b c`"),
            ("EXECUTE $q$a  b$q$", "EXECUTE $q$a b$q$"),
            ("a -- x\nb", "a -- x b"),
            ("SELECT 'a\nb'", "SELECT 'a b'"),
            ("a b", "ab"),
            // Whether the literal ends there is a matter of dialect.
            (r"a = '\'  AND b", r"a = '\' AND b"),
        ] {
            assert_ne!(folded(one), folded(two), "{one:?}");
        }
    }
}
