//! A script within the page, line by line.

use crate::report::escape::push_html;
use crate::sql::Flavor;
use crate::token::{Token, TokenKind, tokens};

/// The words that are shown as key words, in upper case and sorted.
const WORDS: &[&str] = &[
    "ADD",
    "AFTER",
    "ALTER",
    "AND",
    "AS",
    "BEFORE",
    "BEGIN",
    "BY",
    "CASCADE",
    "CASE",
    "CHECK",
    "COLUMN",
    "COMMIT",
    "CONCURRENTLY",
    "CONSTRAINT",
    "CREATE",
    "DATABASE",
    "DEFAULT",
    "DELETE",
    "DELIMITER",
    "DISTINCT",
    "DO",
    "DROP",
    "EACH",
    "ELSE",
    "END",
    "ENGINE",
    "EXECUTE",
    "EXISTS",
    "EXTENSION",
    "FOR",
    "FOREIGN",
    "FROM",
    "FUNCTION",
    "GENERATED",
    "GRANT",
    "GROUP",
    "HAVING",
    "IF",
    "IN",
    "INDEX",
    "INSERT",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LANGUAGE",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCK",
    "MATERIALIZED",
    "MODIFY",
    "NOT",
    "NULL",
    "OF",
    "ON",
    "OR",
    "ORDER",
    "PRAGMA",
    "PRIMARY",
    "PROCEDURE",
    "REFERENCES",
    "RENAME",
    "REPLACE",
    "RESTRICT",
    "RETURN",
    "RETURNS",
    "REVOKE",
    "ROW",
    "SCHEMA",
    "SELECT",
    "SEQUENCE",
    "SET",
    "TABLE",
    "TEMPORARY",
    "THEN",
    "TO",
    "TRIGGER",
    "TRUNCATE",
    "TYPE",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USE",
    "USING",
    "VALIDATE",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "WITH",
];

/// The dialect of an engine, as a plan names it.
pub fn flavor(engine: &str) -> Flavor {
    crate::engine::by_scheme(engine).map_or(Flavor::Sqlite, |engine| engine.dialect().flavor)
}

/// The script as a list of lines; what ends in the next line is closed and opened again.
pub fn lines(out: &mut String, text: &str, flavor: Flavor) {
    let text = text.trim_end();
    if text.is_empty() {
        out.push_str("<p>It has no statement.</p>");
        return;
    }
    out.push_str("<ol><li>");
    let mut after = 0;
    for token in tokens(text, flavor) {
        piece(out, &text[after..token.span.start], None);
        piece(out, token.text(text), tag(&token, text));
        after = token.span.end;
    }
    piece(out, &text[after..], None);
    out.push_str("</ol>");
}

fn tag(token: &Token, text: &str) -> Option<&'static str> {
    match token.kind {
        TokenKind::Comment | TokenKind::Hint => Some("i"),
        TokenKind::Text => Some("u"),
        TokenKind::Word if WORDS.binary_search(&token.text(text).to_ascii_uppercase().as_str()).is_ok() => Some("b"),
        _ => None,
    }
}

fn piece(out: &mut String, text: &str, tag: Option<&str>) {
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push_str("<li>");
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        match tag {
            Some(tag) if !line.is_empty() => {
                out.extend(["<", tag, ">"]);
                push_html(out, line);
                out.extend(["</", tag, ">"]);
            }
            _ => push_html(out, line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_list_of_lines() {
        let mut out = String::new();
        lines(&mut out, "CREATE TABLE t (\n a text DEFAULT '<b>'); /* x\ny */\n", Flavor::Sqlite);
        let create = "<ol><li><b>CREATE</b> <b>TABLE</b> t (<li> a text ";
        assert_eq!(out, format!("{create}<b>DEFAULT</b> <u>'&lt;b&gt;'</u>); <i>/* x</i><li><i>y */</i></ol>"));
        assert!(WORDS.is_sorted());
    }
}
