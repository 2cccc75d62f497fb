//! Text of somebody else (names, SQL, a server's words) within HTML, Markdown and a shell: there it is text, and nothing else. What
//! cannot be seen is shown as in a terminal.

use super::clean;

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
    fn text_stays_text() {
        assert_eq!(html("<b a=\"1\">&\u{202e}"), "&lt;b a=&quot;1&quot;&gt;&amp;\\u{202e}");
        assert_eq!(markdown("a|b\n<i> `x`"), "a\\|b &lt;i&gt; \\`x\\`");
        assert_eq!([code("a"), code("a`b"), code("`a")], ["`a`", "``a`b``", "`` `a ``"]);
        assert_eq!(fenced("sql", "SELECT 1  \n```\n"), "````sql\nSELECT 1\n```\n````\n");
        assert_eq!([shell("a.b"), shell("a b"), shell(""), shell("it's")], ["a.b", "'a b'", "''", "'it'\\''s'"]);
    }
}
