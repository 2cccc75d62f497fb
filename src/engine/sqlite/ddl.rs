//! Reads the CREATE texts that SQLite keeps.
//!
//! SQLite stores a schema as the text its author wrote, and edits that text itself (`ALTER TABLE`, with quotes of its own).
//! Only the text holds everything: CHECK, ON CONFLICT, AUTOINCREMENT, DEFERRABLE are in no pragma. So it is cut into tokens
//! and said again in one way: white space, comments, quotes and the case of names do not count, anything else does.
//! What this reader does not know stays in the result as text (property `other`), so that it is still compared.

use super::lexer::{Kind, Names, Token, plain, render, tokens};

/// A table as its text tells it, names in lower case.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub rules: Vec<Rule>,
    /// `strict`, `without rowid`.
    pub options: Vec<String>,
    /// Module and arguments of a virtual table, as written.
    pub module: Option<String>,
}

/// A column: name and what is said of it.
#[derive(Debug)]
pub(super) struct Column {
    pub name: String,
    pub properties: Vec<(&'static str, String)>,
}

/// A constraint of a table, wherever it was written.
#[derive(Debug)]
pub(super) struct Rule {
    pub kind: RuleKind,
    /// `CONSTRAINT name`.
    pub name: Option<String>,
    pub properties: Vec<(&'static str, String)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum RuleKind {
    Primary(Vec<String>),
    Unique(Vec<String>),
    Check(String),
    /// Columns, parent, parent's columns (none: its primary key).
    Foreign(Vec<String>, String, Vec<String>),
    Other(String),
}

/// An index, view or trigger: name, then properties.
pub(super) struct Other {
    pub name: String,
    pub properties: Vec<(&'static str, String)>,
}

/// A token where the grammar wants a name.
fn name_of(token: Option<&Token<'_>>) -> String {
    match token {
        Some(token) if token.kind == Kind::Text => token.text.trim_matches('\'').to_ascii_lowercase(),
        Some(token) => token.text.to_ascii_lowercase(),
        None => String::new(),
    }
}

/// Position behind `CREATE [TEMP] [UNIQUE] [VIRTUAL] WHAT [IF NOT EXISTS] [schema.]name`, and the name.
fn header(tokens: &[Token<'_>]) -> (usize, String) {
    const BEFORE: &[&str] = &["create", "temp", "temporary", "unique", "virtual", "table", "index", "view", "trigger"];
    let mut at = 0;
    while tokens.get(at).is_some_and(|token| token.is_one_of(BEFORE)) {
        let is_what = !tokens[at].is_one_of(&BEFORE[..5]);
        at += 1;
        if is_what {
            break;
        }
    }
    if tokens.get(at).is_some_and(|token| token.is("if")) {
        at += 3;
    }
    if tokens.get(at + 1).is_some_and(|token| token.is_sign(".")) {
        at += 2;
    }
    (at + 1, name_of(tokens.get(at)))
}

/// Index of the sign that closes the one at `open`; the end where there is none.
fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.is_sign("(") {
            depth += 1;
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index;
            }
        }
    }
    tokens.len()
}

/// Cuts at commas outside parentheses.
fn at_commas<'t, 's>(tokens: &'t [Token<'s>]) -> Vec<&'t [Token<'s>]> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign("(") {
            depth += 1;
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        } else if token.is_sign(",") && depth == 0 {
            parts.push(&tokens[start..index]);
            start = index + 1;
        }
    }
    parts.push(&tokens[start..]);
    parts
}

/// What stands in the parentheses that open at `at`, and the position behind them.
fn parenthesised<'t, 's>(tokens: &'t [Token<'s>], at: usize) -> (&'t [Token<'s>], usize) {
    if !tokens.get(at).is_some_and(|token| token.is_sign("(")) {
        return (&[], at);
    }
    let end = closing(tokens, at);
    (&tokens[at + 1..end], (end + 1).min(tokens.len()))
}

/// Columns of a key or an index, ascending order left unsaid.
fn key_columns(tokens: &[Token<'_>], names: &Names) -> Vec<String> {
    at_commas(tokens)
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| {
            let part = if part.len() > 1 && part[part.len() - 1].is("asc") { &part[..part.len() - 1] } else { part };
            match part {
                [single] => plain(name_of(Some(single))),
                [first, rest @ ..] if first.kind == Kind::Quoted => {
                    format!("{} {}", plain(name_of(Some(first))), render(rest, names))
                }
                _ => render(part, names),
            }
        })
        .collect()
}

/// Reads a table's text. `names` are those of the whole schema.
pub(super) fn table(sql: &str, names: &Names) -> Table {
    let tokens = tokens(sql);
    let (at, name) = header(&tokens);
    let mut table = Table { name, ..Table::default() };
    if tokens.get(1).is_some_and(|token| token.is("virtual")) {
        table.module = Some(render(&tokens[at.min(tokens.len())..], names));
        return table;
    }
    let (body, behind) = parenthesised(&tokens, at);
    table.options = at_commas(&tokens[behind..])
        .into_iter()
        .map(|option| render(option, names))
        .filter(|option| !option.is_empty())
        .collect();
    let parts = at_commas(body);
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if is_rule(part) {
            table.rules.extend(clauses(part).into_iter().filter_map(|clause| rule(&clause, None, names)));
        } else {
            column(part, names, &mut table);
        }
    }
    table
}

/// The names that a table's text brings: the table and its columns.
pub(super) fn table_names(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let (at, name) = header(&tokens);
    let (body, _) = parenthesised(&tokens, at);
    let columns = at_commas(body).into_iter().filter(|part| !is_rule(part)).map(|part| name_of(part.first()));
    std::iter::once(name).chain(columns).collect()
}

fn is_rule(part: &[Token<'_>]) -> bool {
    part.first().is_some_and(|token| token.is_one_of(&["constraint", "primary", "unique", "check", "foreign"]))
}

/// One clause of a column or table: `CONSTRAINT name` and what follows.
struct Clause<'t, 's> {
    name: Option<String>,
    tokens: &'t [Token<'s>],
}

const STARTS: &[&str] = &[
    "constraint",
    "primary",
    "unique",
    "check",
    "foreign",
    "references",
    "default",
    "collate",
    "generated",
    "as",
    "not",
    "null",
];

/// Cuts what stands behind a column's type, or a table's constraint, into clauses.
fn clauses<'t, 's>(tokens: &'t [Token<'s>]) -> Vec<Clause<'t, 's>> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is_sign("(") {
            at = closing(tokens, at);
        } else if starts_clause(tokens, at, starts.last().copied()) {
            starts.push(at);
        }
        at += 1;
    }
    if starts.first() != Some(&0) && !tokens.is_empty() {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([tokens.len()]);
    let mut name = None;
    let mut found = Vec::new();
    for (start, end) in starts.iter().copied().zip(ends) {
        let part = &tokens[start..end];
        if part[0].is("constraint") {
            name = Some(name_of(part.get(1)));
        } else {
            found.push(Clause { name: name.take(), tokens: part });
        }
    }
    found
}

/// Whether a clause begins here; `current` is where the one before began.
fn starts_clause(tokens: &[Token<'_>], at: usize, current: Option<usize>) -> bool {
    let token = &tokens[at];
    if !token.is_one_of(STARTS) {
        return false;
    }
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before]) else { return true };
    if before.is_one_of(&["set", "constraint", "collate", "default"]) {
        return false;
    }
    let next_is = |word: &str| tokens.get(at + 1).is_some_and(|token| token.is(word));
    match () {
        () if token.is("null") => !before.is("not"),
        () if token.is("not") => next_is("null"),
        () if token.is("as") => !before.is("always"),
        () if token.is("references") => !current.is_some_and(|start| tokens[start].is("foreign")),
        () => true,
    }
}

/// Reads one column into its table.
fn column(part: &[Token<'_>], names: &Names, table: &mut Table) {
    let name = name_of(part.first());
    let rest = &part[1..];
    let mut type_end = 0;
    while type_end < rest.len() && !starts_clause(rest, type_end, None) {
        type_end = if rest[type_end].is_sign("(") { closing(rest, type_end) + 1 } else { type_end + 1 };
    }
    let type_end = type_end.min(rest.len());
    let kind = rest[..type_end].iter().fold(String::new(), |text, token| {
        let glue = text.is_empty() || text.ends_with('(') || ["(", ")", ","].contains(&&*token.text);
        text + if glue { "" } else { " " } + &token.text.to_ascii_uppercase()
    });
    let mut properties = vec![("type", kind)];
    for clause in clauses(&rest[type_end..]) {
        let first = &clause.tokens[0];
        let tail = &clause.tokens[1..];
        match () {
            () if first.is("not") => {
                properties.push(("not null", render(unless_default(&tail[1.min(tail.len())..]), names)));
            }
            () if first.is("null") => {}
            () if first.is("default") => properties.extend(default(tail, names).map(|value| ("default", value))),
            () if first.is("collate") && tail.first().is_some_and(|name| name_of(Some(name)) == "binary") => {}
            () if first.is("collate") => properties.push(("collation", name_of(tail.first()))),
            () if first.is_one_of(&["generated", "as"]) => {
                properties.push(("generated", generated(clause.tokens, names)))
            }
            () => match rule(&clause, Some(&name), names) {
                Some(Rule { kind: RuleKind::Other(text), .. }) => properties.push(("other", text)),
                Some(rule) => table.rules.push(rule),
                None => {}
            },
        }
    }
    table.columns.push(Column { name, properties });
}

/// `[GENERATED ALWAYS] AS (expression) [STORED | VIRTUAL]`, said in one way.
fn generated(tokens: &[Token<'_>], names: &Names) -> String {
    let open = tokens.iter().position(|token| token.is_sign("(")).unwrap_or(tokens.len());
    let (expression, behind) = parenthesised(tokens, open);
    let stored = if tokens[behind..].iter().any(|token| token.is("stored")) { "stored" } else { "virtual" };
    format!("({}) {stored}", render(expression, names))
}

/// A default's value; none where it says NULL. A bare or double-quoted word is a string to SQLite.
fn default(tokens: &[Token<'_>], names: &Names) -> Option<String> {
    const VALUES: &[&str] = &["true", "false", "current_time", "current_date", "current_timestamp"];
    let (inner, behind) = parenthesised(tokens, 0);
    let bare = match inner {
        [_] if behind == tokens.len() => inner,
        [sign, _] if behind == tokens.len() && (sign.is_sign("-") || sign.is_sign("+")) => inner,
        _ => tokens,
    };
    match bare {
        [single] if single.is("null") => None,
        [single] if single.kind == Kind::Quoted => Some(format!("'{}'", single.text.replace('\'', "''"))),
        [single] if single.kind == Kind::Word && !single.is_one_of(VALUES) && !starts_with_digit(single) => {
            Some(format!("'{}'", single.text))
        }
        [] => None,
        _ => Some(render(bare, names)),
    }
}

fn starts_with_digit(token: &Token<'_>) -> bool {
    token.text.starts_with(|first: char| first.is_ascii_digit())
}

/// A clause that constrains; `column` is the one it stands on.
fn rule(clause: &Clause<'_, '_>, column: Option<&str>, names: &Names) -> Option<Rule> {
    let tokens = clause.tokens;
    let first = tokens.first()?;
    let on_column = || column.map(|column| plain(column.to_owned()));
    let (kind, behind) = match () {
        () if first.is("primary") => return Some(primary(clause, on_column(), names)),
        () if first.is("unique") => {
            let (inner, behind) = parenthesised(tokens, 1);
            let columns = on_column().map_or_else(|| key_columns(inner, names), |column| vec![column]);
            (RuleKind::Unique(columns), behind)
        }
        () if first.is("check") => {
            let (inner, behind) = parenthesised(tokens, 1);
            (RuleKind::Check(render(inner, names)), behind)
        }
        () if first.is_one_of(&["foreign", "references"]) => return Some(foreign(clause, on_column(), names)),
        () => (RuleKind::Other(render(tokens, names)), tokens.len()),
    };
    Some(Rule { kind, name: clause.name.clone(), properties: rest_of(&tokens[behind..], names) })
}

/// What stands behind a constraint, without the answer to conflicts that is given anyway.
fn unless_default<'t, 's>(tokens: &'t [Token<'s>]) -> &'t [Token<'s>] {
    match tokens {
        [on, conflict, abort] if on.is("on") && conflict.is("conflict") && abort.is("abort") => &[],
        _ => tokens,
    }
}

/// What stands behind a constraint (`ON CONFLICT …`), as one property.
fn rest_of(tokens: &[Token<'_>], names: &Names) -> Vec<(&'static str, String)> {
    let tokens = unless_default(tokens);
    if tokens.is_empty() { Vec::new() } else { vec![("other", render(tokens, names))] }
}

fn primary(clause: &Clause<'_, '_>, column: Option<String>, names: &Names) -> Rule {
    let (inner, behind) = parenthesised(clause.tokens, 2);
    let is_counter = |token: &Token<'_>| token.is("autoincrement");
    let counted = clause.tokens.iter().any(is_counter);
    let inner: Vec<Token<'_>> = inner.iter().filter(|token| !is_counter(token)).cloned().collect();
    let mut rest: Vec<Token<'_>> =
        clause.tokens[behind.max(2).min(clause.tokens.len())..].iter().filter(|t| !is_counter(t)).cloned().collect();
    let mut columns = key_columns(&inner, names);
    if let Some(column) = column {
        let descends = rest.first().is_some_and(|token| token.is("desc"));
        if rest.first().is_some_and(|token| token.is_one_of(&["asc", "desc"])) {
            rest.remove(0);
        }
        columns = vec![if descends { format!("{column} desc") } else { column }];
    }
    let mut properties = rest_of(&rest, names);
    if counted {
        properties.push(("autoincrement", String::from("yes")));
    }
    Rule { kind: RuleKind::Primary(columns), name: clause.name.clone(), properties }
}

fn foreign(clause: &Clause<'_, '_>, column: Option<String>, names: &Names) -> Rule {
    let tokens = clause.tokens;
    let mut columns: Vec<String> = column.into_iter().collect();
    let mut at = 0;
    if tokens[0].is("foreign") {
        let (inner, behind) = parenthesised(tokens, 2);
        columns = key_columns(inner, names);
        at = behind;
    }
    let parent = name_of(tokens.get(at + 1));
    let (inner, behind) = parenthesised(tokens, (at + 2).min(tokens.len()));
    let kind = RuleKind::Foreign(columns, parent, key_columns(inner, names));
    Rule { kind, name: clause.name.clone(), properties: actions(&tokens[behind..], names) }
}

/// `ON DELETE …`, `ON UPDATE …`, `DEFERRABLE …`; what is the default anyway is left unsaid, and MATCH does nothing.
fn actions(tokens: &[Token<'_>], names: &Names) -> Vec<(&'static str, String)> {
    let starts: Vec<usize> = (0..tokens.len())
        .filter(|at| {
            let after_not = *at > 0 && tokens[at - 1].is("not");
            tokens[*at].is_one_of(&["on", "match", "not"]) || (tokens[*at].is("deferrable") && !after_not)
        })
        .collect();
    let mut found = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        let part = &tokens[*start..starts.get(index + 1).copied().unwrap_or(tokens.len())];
        let text = render(&part[2.min(part.len())..], names);
        match () {
            () if part[0].is_one_of(&["match", "not"]) || text == "no action" => {}
            () if part[0].is("deferrable") => {
                if part.last().is_some_and(|token| token.is("deferred")) {
                    found.push(("deferrable", String::from("initially deferred")));
                }
            }
            () if part.get(1).is_some_and(|token| token.is("delete")) => found.push(("on delete", text)),
            () => found.push(("on update", text)),
        }
    }
    found.sort();
    found
}

/// Reads an index's text.
pub(super) fn index(sql: &str, names: &Names) -> Other {
    let tokens = tokens(sql);
    let (at, name) = header(&tokens);
    let unique = tokens.get(1).is_some_and(|token| token.is("unique"));
    let table = name_of(tokens.get(at + 1));
    let (inner, behind) = parenthesised(&tokens, (at + 2).min(tokens.len()));
    let mut properties = vec![("table", table), ("columns", key_columns(inner, names).join(", "))];
    if unique {
        properties.push(("unique", String::from("yes")));
    }
    if tokens.get(behind).is_some_and(|token| token.is("where")) {
        properties.push(("where", render(&tokens[behind + 1..], names)));
    }
    Other { name, properties }
}

/// Reads a view's text.
pub(super) fn view(sql: &str, names: &Names) -> Other {
    let tokens = tokens(sql);
    let (at, name) = header(&tokens);
    Other { name, properties: vec![("body", render(&tokens[at.min(tokens.len())..], names))] }
}

/// Reads a trigger's text. FOR EACH ROW is the only kind there is, and one that does not say when it fires does so before.
pub(super) fn trigger(sql: &str, names: &Names) -> Other {
    let tokens = tokens(sql);
    let (at, name) = header(&tokens);
    let mut body = tokens[at.min(tokens.len())..].to_vec();
    let begin = body.iter().position(|token| token.is("begin")).unwrap_or(body.len());
    if let Some(each) = (0..begin.saturating_sub(2)).find(|at| body[*at].is("for") && body[at + 1].is("each")) {
        body.drain(each..each + 3);
    }
    let body = render(&body, names);
    let on = tokens.iter().position(|token| token.is("on")).unwrap_or(tokens.len());
    let table = said(&name_of(tokens.get(on + 1)));
    let is_timed = tokens.get(at).is_some_and(|token| token.is_one_of(&["before", "after", "instead"]));
    let body = if is_timed { body } else { format!("before {body}") };
    Other { name, properties: vec![("table", table), ("body", body)] }
}

/// CHECK expressions of a table's text, as written but for white space and case.
pub(super) fn checks(sql: &str) -> Vec<String> {
    let names = table_names(sql).into_iter().collect();
    let rules = table(sql, &names).rules;
    rules.into_iter().filter_map(|rule| if let RuleKind::Check(text) = rule.kind { Some(text) } else { None }).collect()
}

/// A name as it is said in a line.
pub(super) fn said(name: &str) -> String {
    plain(name.to_owned())
}
