//! Text of somebody else (names, SQL, a server's words) within HTML, Markdown and a shell: there it is text, and nothing else. What
//! cannot be seen is shown as in a terminal.

use std::borrow::Cow;

use super::{clean, is_safe};

/// Our own lines, whatever was forgotten when they were put together: colours, line ends and tabs stay, and all else that acts on a
/// terminal or turns the direction of text is shown as an escape.
pub fn terminal(text: &str) -> Cow<'_, str> {
    let is_fine = |ch: char| is_safe(ch) || matches!(ch, '\n' | '\t');
    if text.chars().all(is_fine) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|ch| !is_fine(ch)) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match (colour(rest), rest.chars().next()) {
            (Some(length), _) => {
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
            (None, Some(ch)) => {
                out.extend(ch.escape_default());
                rest = &rest[ch.len_utf8()..];
            }
            (None, None) => break,
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// How long a sequence is that sets colours and nothing else, where one stands at the start.
fn colour(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("\u{1b}[")?;
    let end = inner.find(|ch: char| !ch.is_ascii_digit() && ch != ';')?;
    inner[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

/// JSON that says the same, and whose texts are as harmless on a terminal as [`clean`] makes others.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_plain = |ch: char| is_safe(ch) || ch == '\n';
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    // Outside of its texts JSON has none of these, and all of them are below 2^16.
    let escaped =
        text.chars().map(|ch| if is_plain(ch) { ch.to_string() } else { format!("\\u{:04x}", u32::from(ch)) });
    Cow::Owned(escaped.collect())
}

/// Within an element or in quotes, in HTML as in XML.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_html(&mut out, text);
    out
}

/// The same, at the end of what is there.
pub fn push_html(out: &mut String, text: &str) {
    for ch in clean(text).chars() {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // No XML may hold these.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            ch => out.push(ch),
        }
    }
}

/// In Markdown, on one line: no mark-up, no HTML, no end of a cell.
pub fn markdown(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(text.len());
    for ch in clean(&text).chars() {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '@' => out.extend(['\\', ch]),
            ch => out.push(ch),
        }
    }
    out
}

/// Code within a line of Markdown, between more backticks than it has in a row.
pub fn code(text: &str) -> String {
    let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let ticks = "`".repeat(1 + longest_run(&text));
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// A block of code in Markdown that nothing in it can end. No line ends with a space.
pub fn fenced(language: &str, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| clean(line).trim_end().to_owned()).collect();
    let fence = fence(&lines);
    let mut out = format!("{fence}{language}\n");
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
    out + &fence + "\n"
}

/// What begins and ends a block of such lines.
pub fn fence(lines: &[impl AsRef<str>]) -> String {
    "`".repeat(3.max(1 + lines.iter().map(|line| longest_run(line.as_ref())).max().unwrap_or(0)))
}

/// The longest run of backticks.
fn longest_run(line: &str) -> usize {
    line.split(|ch| ch != '`').map(str::len).max().unwrap_or(0)
}

/// One word of a POSIX shell's command, in quotes where it needs them.
pub fn shell(word: &str) -> String {
    let is_plain =
        |ch: char| ch.is_alphanumeric() || matches!(ch, '_' | '-' | '.' | '/' | ':' | '=' | ',' | '+' | '@' | '%');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_to_a_terminal_and_nothing_else_that_acts() {
        let text = "\u{1b}[1mbold\u{1b}[0m\ta\n\u{1b}[1;31mred";
        assert_eq!(terminal(text), text);
        assert_eq!(
            terminal("\u{1b}[2Ja\u{1b}]0;t\u{7}\u{9b}1m\u{202e}\r"),
            "\\u{1b}[2Ja\\u{1b}]0;t\\u{7}\\u{9b}1m\\u{202e}\\r"
        );
        assert_eq!(terminal("\u{1b}"), "\\u{1b}");
    }

    #[test]
    fn json_says_the_same_without_what_acts() {
        let value = serde_json::json!({"a": "\u{1b}[2J\u{85}\u{202e}ä😀\u{feff}"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let written = json(&text);
        assert!(written.chars().all(|ch| is_safe(ch) || ch == '\n') && written.contains("ä😀"), "{written}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(html("<b a=\"1\">&\u{202e}"), "&lt;b a=&quot;1&quot;&gt;&amp;\\u{202e}");
        assert_eq!(markdown("a|b\n<i> `x`"), "a\\|b &lt;i&gt; \\`x\\`");
        assert_eq!([code("a"), code("a`b"), code("`a")], ["`a`", "``a`b``", "`` `a ``"]);
        assert_eq!(fenced("sql", "SELECT 1  \n```\n"), "````sql\nSELECT 1\n```\n````\n");
        assert_eq!([shell("a.b"), shell("a b"), shell(""), shell("it's")], ["a.b", "'a b'", "''", "'it'\\''s'"]);
    }
}
