//! Sources as text, with comments and literals blanked out.
//!
//! No parser: house rules ask for words, paths and lengths, and those are plain to see once nothing is quoted any more.

use std::fs;
use std::path::Path;

/// A word that was found.
pub struct Found {
    pub at: usize,
    pub line: usize,
    pub word: String,
}

impl Found {
    pub fn told(&self, source: &Source) -> String {
        format!("{}:{}: `{}`", source.path, self.line, self.word)
    }

    /// Whether it is the first part of a path, or the whole of a `use`.
    pub fn is_path_head(&self, source: &Source) -> bool {
        let (before, behind) = (source.code[..self.at].trim_end(), &source.code[self.at + self.word.len()..]);
        let leads = behind.trim_start().starts_with("::") || before.ends_with("use");
        leads && (!before.ends_with("::") || before.trim_end_matches("::").ends_with(|c: char| !is_word(c)))
    }
}

/// A function: its name, where it begins, how long it is.
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
    pub is_public: bool,
    pub takes_bool: bool,
}

/// A source file in three depths; all have the same length, so that a place in one is a place in the others.
#[derive(Clone)]
pub struct Source {
    pub path: String,
    /// Its module, as in `["layout", "goose"]`; empty for the crate's own two files.
    pub module: Vec<String>,
    pub raw: String,
    /// Without comments and without what is inside literals.
    pub code: String,
    /// Without tests as well.
    pub live: String,
}

impl Source {
    pub fn new(path: &str, raw: &str) -> Source {
        let name = path.split_once('/').map_or(path, |(_, name)| name).trim_end_matches(".rs");
        let parts = name.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
        let code = without_comments_and_literals(raw);
        let live = without_tests(&code);
        Source { path: path.to_owned(), module: parts.map(str::to_owned).collect(), raw: raw.to_owned(), code, live }
    }

    pub fn top(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    pub fn line(&self, at: usize) -> usize {
        self.raw.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Where a word stands in `text`, which is one of the depths of this source.
    pub fn find(&self, text: &str, word: &str) -> Vec<Found> {
        let is_whole = |at: &usize| {
            let (before, behind) = (text[..*at].chars().next_back(), text[at + word.len()..].chars().next());
            let glued =
                |end: Option<char>, beside: Option<char>| end.is_some_and(is_word) && beside.is_some_and(is_word);
            !glued(word.chars().next(), before) && !glued(word.chars().next_back(), behind)
        };
        let places = text.match_indices(word).map(|(at, _)| at).filter(is_whole);
        places.map(|at| Found { at, line: self.line(at), word: word.to_owned() }).collect()
    }

    /// The paths inside the crate that are used, from its root, with their lines.
    pub fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut paths = Vec::new();
        for (text, head) in [(&self.code, "crate"), (&self.live, "super")] {
            for found in self.find(text, head).into_iter().filter(|found| !text[..found.at].ends_with("::")) {
                let mut tails = Vec::new();
                expand(&text[found.at..], &[], &mut tails);
                paths.extend(
                    tails.into_iter().filter(|tail| tail.len() > 1).map(|tail| (found.line, self.resolved(&tail))),
                );
            }
        }
        paths.sort();
        paths
    }

    fn resolved(&self, path: &[String]) -> Vec<String> {
        let ups = path.iter().take_while(|part| *part == "super").count();
        let own = self.module.iter().take(self.module.len().saturating_sub(ups)).filter(|_| ups > 0);
        own.chain(path.iter().filter(|part| !matches!(part.as_str(), "crate" | "super" | "self" | "*")))
            .cloned()
            .collect()
    }

    pub fn functions(&self) -> impl Iterator<Item = Function> {
        self.find(&self.code, "fn").into_iter().filter_map(|found| {
            let code = &self.code[found.at..];
            let name: String = code[2..].trim_start().chars().take_while(|c| is_word(*c)).collect();
            let arguments = code.find('(').filter(|_| !name.is_empty())?;
            let behind = closing(code, arguments)?;
            let end = code[behind..].find(['{', ';']).map(|at| behind + at)?;
            let end = if code[end..].starts_with('{') { closing(code, end)? } else { end };
            let line_start = self.code[..found.at].rfind('\n').map_or(0, |at| at + 1);
            Some(Function {
                name,
                line: found.line,
                lines: code[..end].matches('\n').count() + 1,
                is_public: self.code[line_start..found.at].trim_start().starts_with("pub "),
                takes_bool: code[arguments..behind].contains(": bool"),
            })
        })
    }
}

/// The paths of a `use` tree, or the one path of an expression.
fn expand(text: &str, before: &[String], paths: &mut Vec<Vec<String>>) {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('{').and_then(|_| closing(text, 0)).map(|end| &text[1..end]) {
        let mut start = 0;
        let mut depth = 0;
        for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&inner[start..at], before, paths);
                    start = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let part: String = text.chars().take_while(|c| is_word(*c) || *c == '*').collect();
    if part.is_empty() {
        return;
    }
    let path = [before, std::slice::from_ref(&part)].concat();
    match text[part.len()..].trim_start().strip_prefix("::") {
        Some(rest) => expand(rest, &path, paths),
        None => paths.push(path),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The place of the bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn without_tests(code: &str) -> String {
    let mut live = code.to_owned();
    while let Some(start) = live.find("#[cfg(test)]") {
        let item = live[start..].find(['{', ';']).map_or(live.len(), |at| start + at);
        let end = if live[item..].starts_with('{') { closing(&live, item).unwrap_or(live.len() - 1) } else { item };
        let blank: String =
            live[start..=end.min(live.len() - 1)].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
        live.replace_range(start..=end.min(live.len() - 1), &blank);
    }
    live
}

fn without_comments_and_literals(raw: &str) -> String {
    let mut code = raw.as_bytes().to_vec();
    let mut at = 0;
    while at < code.len() {
        let (skip, end) = piece(&raw.as_bytes()[at..]);
        code[at..at + end].iter_mut().skip(skip).rev().skip(skip).for_each(|byte| {
            if *byte != b'\n' {
                *byte = b' ';
            }
        });
        at += end;
    }
    String::from_utf8(code).expect("only whole characters are blanked")
}

/// The next comment, literal or byte: how many bytes stay at each of its ends, and how long it is.
fn piece(rest: &[u8]) -> (usize, usize) {
    let until = |from: usize, end: &[u8]| {
        let found = rest.get(from..).and_then(|tail| tail.windows(end.len()).position(|window| window == end));
        found.map_or(rest.len(), |at| from + at + end.len())
    };
    match rest {
        [b'/', b'/', ..] => (0, until(2, b"\n")),
        [b'/', b'*', ..] => (0, until(2, b"*/")),
        [b'r', b'"', ..] => (2, until(2, b"\"")),
        [b'r', b'#', b'"', ..] => (3, until(3, b"\"#")),
        [b'r', b'#', b'#', b'"', ..] => (4, until(4, b"\"##")),
        [b'"', ..] => {
            let mut at = 1;
            while at < rest.len() && rest[at] != b'"' {
                at += if rest[at] == b'\\' { 2 } else { 1 };
            }
            (1, (at + 1).min(rest.len()))
        }
        [b'\'', b'\\', _, ..] => (1, until(3, b"'")),
        [b'\'', next, ..] => {
            let width = if next.is_ascii() { 1 } else { next.leading_ones() as usize };
            if rest.get(width + 1) == Some(&b'\'') { (1, width + 2) } else { (1, 1) }
        }
        // A word is passed over whole, so that the `r` at its end begins no literal.
        [byte, ..] if byte.is_ascii_alphanumeric() || *byte == b'_' => {
            let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
            (rest.len(), end.unwrap_or(rest.len()))
        }
        _ => (1, 1),
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files of a folder of the project, sorted.
pub fn sources(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            match path.extension().and_then(|ending| ending.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("rs") => paths.push(path),
                _ => {}
            }
        }
    }
    paths.sort();
    assert!(!paths.is_empty(), "no sources in {folder}");
    let read = |path: &std::path::PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        Source::new(&name, &fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}
