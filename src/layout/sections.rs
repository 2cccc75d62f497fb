//! Sections: one file that holds both directions, cut at marker lines.
//!
//! The tools that write such files cut them by lines before they look at any SQL, so a marker inside a literal is a marker to
//! them, and so it is here. What differs between them is a [`Grammar`].

use super::{File, Share};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::migration::{Down, Migration, Settings, Transaction, TransactionModes};
use crate::sql::Script;

/// What a marker line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// Starts the up section; options follow.
    Up(&'a str),
    Down(&'a str),
    /// One statement, whatever is in it, until `End`.
    Begin,
    End,
    /// No transaction, for both directions.
    NoTransaction,
    /// Something that we cannot do; why.
    Unsupported(&'static str),
    /// It has no effect.
    Nothing,
    /// A marker of this tool, and none that is known.
    Unknown,
}

/// How a tool marks its sections.
pub(super) struct Grammar {
    /// The markers as they are written, for messages.
    pub up: &'static str,
    pub down: &'static str,
    /// Reads a line without its indentation; `None` when it is no marker of this tool.
    pub mark: fn(&str) -> Option<Mark<'_>>,
    /// The option that takes a section out of the transaction.
    pub no_transaction: &'static str,
    pub order: Order,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    UpFirst,
    Any,
}

/// Whether a file has a marker of this grammar that starts a section.
pub(super) fn has_sections(file: &File, grammar: &Grammar) -> bool {
    let marks = |line: &[u8]| matches!(read_mark(line, grammar).0, Some(Mark::Up(_) | Mark::Down(_)));
    file.bytes().is_some_and(|bytes| without_bom(bytes).split(|byte| *byte == b'\n').any(marks))
}

/// Reads a file of sections as a migration; `parse` makes a script from the line it starts at and its bytes.
pub(super) fn migration(id: Id, file: &File, grammar: &Grammar, parse: impl Fn(u32, &[u8]) -> Script) -> Share {
    let Some(bytes) = file.bytes() else { return (None, Vec::new()) };
    let mut cut = Cutter::new(file, without_bom(bytes), grammar);
    cut.run();
    let Cutter { up, down, everywhere, mut findings, .. } = cut;
    let place = file.place();
    let Some(up) = up else {
        let message = format!("there is no `{}`", grammar.up);
        findings
            .push(Finding::error("section-missing", message).of(&id).at(place).help("write the marker above the SQL"));
        return (None, findings);
    };
    let mode = |section: Option<&Section<'_>>| match section {
        Some(section) if section.mode == Transaction::Off => Transaction::Off,
        _ => everywhere,
    };
    let modes = TransactionModes { up: mode(Some(&up)), down: mode(down.as_ref()) };
    let migration = Migration {
        id,
        up: parse(up.first_line, up.bytes),
        down: down.map_or(Down::Missing, |down| Down::Script(parse(down.first_line, down.bytes))),
        verify: None,
        seed: None,
        settings: Settings { transaction: modes, ..Settings::default() },
        path: file.path.clone(),
    };
    (Some(migration), findings)
}

/// The text of a file with this as its down section: in place of the one that is there, or behind all else.
pub(super) fn with_down(file: &str, grammar: &Grammar, down: &str) -> String {
    let (mut before, mut after, mut side) = (String::new(), String::new(), None);
    for line in file.split_inclusive('\n') {
        match read_mark(line.as_bytes(), grammar).0 {
            Some(Mark::Down(_)) => {
                before.push_str(line);
                side = Some(Direction::Down);
                continue;
            }
            Some(Mark::Up(_)) => side = side.map(|_| Direction::Up),
            _ => {}
        }
        match side {
            None => before.push_str(line),
            Some(Direction::Up) => after.push_str(line),
            Some(Direction::Down) => {}
        }
    }
    if !before.ends_with('\n') {
        before.push('\n');
    }
    let marker = if side.is_none() { format!("\n{}\n", grammar.down) } else { String::new() };
    let gap = if after.is_empty() { "" } else { "\n" };
    [before.as_str(), marker.as_str(), down, gap, after.as_str()].concat()
}

struct Section<'a> {
    first_line: u32,
    bytes: &'a [u8],
    mode: Transaction,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Walks over the lines of one file.
struct Cutter<'a> {
    file: &'a File,
    text: &'a [u8],
    grammar: &'a Grammar,
    up: Option<Section<'a>>,
    down: Option<Section<'a>>,
    /// The section that is open: its direction, the line and byte at which its SQL starts, its mode.
    open: Option<(Direction, u32, usize, Transaction)>,
    /// The line at which a block of one statement was opened.
    block: Option<u32>,
    everywhere: Transaction,
    findings: Vec<Finding>,
}

impl<'a> Cutter<'a> {
    fn new(file: &'a File, text: &'a [u8], grammar: &'a Grammar) -> Self {
        let everywhere = Transaction::Auto;
        Cutter { file, text, grammar, up: None, down: None, open: None, block: None, everywhere, findings: Vec::new() }
    }

    fn run(&mut self) {
        let (mut number, mut at, mut told_outside) = (0, 0, false);
        let text = self.text;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            number += 1;
            let end = at + line.len();
            let (mark, indented) = read_mark(line, self.grammar);
            if let Some(mark) = mark {
                if indented {
                    self.tell(
                        "marker-indented",
                        number,
                        "the marker is indented, so its own tool would not see it".to_owned(),
                    );
                }
                self.meet(mark, number, at, end);
            } else if !told_outside && self.is_before_sections() && is_sql_text(line) {
                told_outside = true;
                let message = format!("text before `{}` is in no section, so it never runs", self.grammar.up);
                self.tell("text-outside-section", number, message);
            }
            at = end;
        }
        self.close(at);
    }

    fn is_before_sections(&self) -> bool {
        self.open.is_none() && self.up.is_none() && self.down.is_none()
    }

    fn meet(&mut self, mark: Mark<'_>, line: u32, at: usize, end: usize) {
        match mark {
            Mark::Up(options) => self.start(Direction::Up, options, line, at, end),
            Mark::Down(options) => self.start(Direction::Down, options, line, at, end),
            Mark::Begin if self.open.is_none() => {
                self.tell("marker-order", line, format!("a statement begins before `{}`", self.grammar.up));
            }
            Mark::Begin => {
                if let Some(first) = self.block.replace(line) {
                    self.tell(
                        "marker-order",
                        line,
                        format!("a statement begins inside the one that began at line {first}"),
                    );
                }
            }
            Mark::End => self.block = None,
            Mark::NoTransaction => self.everywhere = Transaction::Off,
            Mark::Unsupported(why) => self.tell("unsupported", line, why.to_owned()),
            Mark::Nothing => {}
            Mark::Unknown => self.tell("marker-unknown", line, "the marker is not one that its tool knows".to_owned()),
        }
    }

    fn start(&mut self, direction: Direction, options: &str, line: u32, at: usize, end: usize) {
        self.close(at);
        let (first, name) = match direction {
            Direction::Up => (&self.up, self.grammar.up),
            Direction::Down => (&self.down, self.grammar.down),
        };
        if let Some(first) = first {
            let message = format!("a second `{name}`; the first stands at line {}", first.first_line - 1);
            let place = Place::new(&self.file.path, line, 1);
            let finding = Finding::error("marker-repeated", message).at(place);
            self.findings.push(finding.help("keep one up and one down section in a file"));
            return;
        }
        if direction == Direction::Down && self.up.is_none() && self.grammar.order == Order::UpFirst {
            self.tell("marker-order", line, format!("`{}` stands before `{}`", self.grammar.down, self.grammar.up));
        }
        let mut mode = Transaction::Auto;
        for option in options.split_whitespace() {
            match option {
                option if option == self.grammar.no_transaction => mode = Transaction::Off,
                "transaction:true" => {}
                other => {
                    self.tell("marker-unknown", line, format!("the option `{other}` is not one that its tool knows"))
                }
            }
        }
        self.open = Some((direction, line + 1, end, mode));
    }

    /// Ends the open section before byte `end`. A block that is still open is the script's own problem.
    fn close(&mut self, end: usize) {
        self.block = None;
        if let Some((direction, first_line, start, mode)) = self.open.take() {
            let section = Section { first_line, bytes: &self.text[start..end], mode };
            match direction {
                Direction::Up => self.up = Some(section),
                Direction::Down => self.down = Some(section),
            }
        }
    }

    fn tell(&mut self, code: &'static str, line: u32, message: String) {
        self.findings.push(Finding::error(code, message).at(Place::new(&self.file.path, line, 1)));
    }
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The mark of a line, and whether it is indented.
fn read_mark<'a>(line: &'a [u8], grammar: &Grammar) -> (Option<Mark<'a>>, bool) {
    let trimmed = line.trim_ascii();
    if !trimmed.starts_with(b"--") {
        return (None, false);
    }
    let mark = std::str::from_utf8(trimmed).ok().and_then(grammar.mark);
    (mark, !line.starts_with(b"--"))
}

fn is_sql_text(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii();
    !trimmed.is_empty() && !trimmed.starts_with(b"--")
}
