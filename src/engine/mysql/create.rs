//! What SHOW CREATE says, taken apart into lines.
//!
//! It is the one place where a server tells everything about a table in a canonical form, and reading it costs a tenth of
//! what information_schema does. The text is cut with quotes, brackets and comments respected; what is not understood
//! stays a line as it is, so that nothing is lost.

use super::cut::{end_of_brackets, first_bracket, offset, pieces, unit, unquoted};
use crate::draft::Definition;
use crate::snapshot::Line;

/// What reads as "self", so that a shadow and the live database compare.
pub struct Own {
    pub database: String,
    /// The account, as CURRENT_USER() says it.
    pub user: String,
    pub charset: String,
    pub collation: String,
    /// Whether the collation is its charset's default, and so may be left unsaid.
    pub default_collation: bool,
    /// Whether a table or view is called like the database: then a name of two parts may begin with that table.
    pub namesake: bool,
}

/// Lines under construction.
struct Lines(Vec<Line>);

impl Lines {
    fn put(&mut self, kind: &str, object: &str, property: &str, value: impl Into<String>) {
        let (kind, object, property) = (kind.to_owned(), object.to_owned(), property.to_owned());
        self.0.push(Line { kind, object, property, value: value.into() });
    }
}

/// The lines of a base table: the table, its columns, indexes and constraints. `None`: no such text.
pub fn table(name: &str, text: &str, own: &Own) -> Option<Vec<Line>> {
    let (inside, options) = inside_and_behind(text)?;
    let mut lines = Lines(Vec::new());
    lines.put("table", name, "", "");
    let mut rank = 0;
    for piece in pieces(inside, |ch| ch == ',') {
        let piece = own.without_database(piece.trim());
        if piece.starts_with('`') {
            rank += 1;
            column(name, &piece, rank, &mut lines);
        } else {
            key(name, &piece, &mut lines);
        }
    }
    table_options(name, options, own, &mut lines);
    leave_out_the_tables_own(&mut lines.0, options);
    leave_out_the_engines_own(&mut lines.0, options);
    name_columns_as_they_are(&mut lines.0);
    Some(lines.0)
}

/// How a table is made, and each of its parts, without what goes without saying in this database. `None`: no such text.
pub fn definitions(name: &str, text: &str, own: &Own) -> Option<Vec<Definition>> {
    let (inside, options) = inside_and_behind(text)?;
    let head = &text[..text.len() - options.len()];
    let whole = own.without_database(&[head, &without_own_charset(options, own)].concat());
    let mut all = vec![Definition { kind: "table".to_owned(), object: name.to_owned(), text: whole }];
    all.extend(pieces(inside, |ch| ch == ',').into_iter().filter_map(|piece| {
        let text = own.without_database(piece.trim());
        let words = pieces(&text, char::is_whitespace);
        let (kind, part) = match words.first()?.starts_with('`') {
            true => ("column", words[0]),
            false => part(&words).map(|part| (part.kind, part.name))?,
        };
        Some(Definition { kind: kind.to_owned(), object: format!("{name}.{}", unquoted(part)), text })
    }));
    Some(all)
}

/// The options of a table without a character set that is the database's own.
fn without_own_charset(options: &str, own: &Own) -> String {
    let words = pieces(options_and_partitions(options).0, char::is_whitespace);
    let said = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
    if own.charset_of(said("CHARSET="), said("COLLATE=")) != "self" {
        return options.to_owned();
    }
    let mut text = options.to_owned();
    for word in words.iter().rev() {
        if *word == "DEFAULT" || word.starts_with("CHARSET=") || word.starts_with("COLLATE=") {
            let from = offset(options, word);
            text.replace_range(from.saturating_sub(1)..from + word.len(), "");
        }
    }
    text
}

/// How a routine or an event is made: the server's text without an account that is our own.
pub fn without_own_definer(text: &str, own: &Own) -> String {
    const FIRST: usize = 5;
    let words = pieces(text, char::is_whitespace);
    let definer = words.iter().take(FIRST).find(|word| word.starts_with("DEFINER="));
    // A routine is shown with the quotes of the sql_mode that it was made in.
    match definer.filter(|word| word["DEFINER=".len()..].replace(['`', '"'], "") == own.user) {
        Some(word) => text.replacen(&format!("{word} "), "", 1),
        None => text.to_owned(),
    }
}

/// An event begins when it is made where nobody has said when.
pub fn without_start(text: &str) -> String {
    let words = pieces(text, char::is_whitespace);
    match words.windows(2).find(|two| two[0] == "STARTS") {
        Some(two) => text.replacen(&format!("STARTS {} ", two[1]), "", 1),
        None => text.to_owned(),
    }
}

/// What stands between the brackets of a CREATE TABLE, and what stands behind them.
fn inside_and_behind(text: &str) -> Option<(&str, &str)> {
    let open = first_bracket(text)?;
    let close = open + end_of_brackets(&text[open..])?;
    Some((&text[open + 1..close - 1], &text[close..]))
}

/// MySQL tells of a column's character set and collation once somebody has said them, though they be the table's own.
fn leave_out_the_tables_own(lines: &mut Vec<Line>, options: &str) {
    let said = |key: &str| pieces(options, char::is_whitespace).into_iter().find_map(|word| word.strip_prefix(key));
    let (Some(charset), Some(collation)) = (said("CHARSET="), said("COLLATE=")) else { return };
    let has = |column: &str, property: &str, value: &str| {
        lines.iter().any(|line| line.object == column && line.property == property && line.value == value)
    };
    let columns = lines.iter().filter(|line| line.kind == "column" && line.property == "charset");
    let same = columns
        .map(|line| line.object.clone())
        .filter(|column| has(column, "charset", charset) && has(column, "collation", collation));
    let same: Vec<String> = same.collect();
    lines.retain(|line| !(same.contains(&line.object) && matches!(line.property.as_str(), "charset" | "collation")));
}

/// How an index is kept is told once somebody has said it, though it be the engine's own way.
fn leave_out_the_engines_own(lines: &mut Vec<Line>, options: &str) {
    let words = pieces(options, char::is_whitespace);
    let way = if words.contains(&"ENGINE=MEMORY") { "HASH" } else { "BTREE" };
    for line in lines.iter_mut().filter(|line| line.kind == "index" && line.property == "options") {
        let words = pieces(&line.value, char::is_whitespace);
        if let Some(at) = words.windows(2).position(|two| two == ["USING", way]) {
            line.value = [&words[..at], &words[at + 2..]].concat().join(" ");
        }
    }
    lines.retain(|line| line.kind != "index" || line.property != "options" || !line.value.is_empty());
    if words.contains(&"ENGINE=InnoDB") {
        let keys = lines.iter_mut().filter(|line| line.kind == "constraint" && line.property == "options");
        keys.for_each(|line| line.value = without_refusals(&line.value));
    }
}

/// MySQL shows the names in a CHECK as they were written, whatever the case of the columns' letters.
fn name_columns_as_they_are(lines: &mut [Line]) {
    let names: Vec<String> = lines
        .iter()
        .filter(|line| line.kind == "column" && line.property.is_empty())
        .filter_map(|line| {
            Some(crate::sql::Flavor::Mysql.ident(line.object.strip_prefix(&lines[0].object)?.strip_prefix('.')?))
        })
        .collect();
    let is_of = |line: &&mut Line| line.kind == "constraint" && line.property == "definition";
    for line in lines.iter_mut().filter(is_of) {
        let (mut out, mut at) = (String::with_capacity(line.value.len()), 0);
        while at < line.value.len() {
            let piece = &line.value[at..at + unit(&line.value[at..])];
            let is_it = |name: &&String| piece.starts_with('`') && name.to_lowercase() == piece.to_lowercase();
            out.push_str(names.iter().find(is_it).map_or(piece, String::as_str));
            at += piece.len();
        }
        line.value = out;
    }
}

/// InnoDB refuses at once what a foreign key is to refuse, in whatever words: what it does where nothing is said.
fn without_refusals(options: &str) -> String {
    let mut words = pieces(options, char::is_whitespace);
    for refusal in [&["RESTRICT"][..], &["NO", "ACTION"]] {
        let is_it = |four: &[&str]| four[0] == "ON" && four[2..] == *refusal;
        while let Some(at) = words.windows(2 + refusal.len()).position(is_it) {
            words.drain(at..at + 2 + refusal.len());
        }
    }
    words.join(" ")
}

/// The lines of a view.
pub fn view(name: &str, text: &str, own: &Own) -> Option<Vec<Line>> {
    let words = pieces(text, char::is_whitespace);
    let at = words.iter().position(|word| *word == "AS")?;
    let body = text[offset(text, words[at]) + 2..].trim();
    let (body, check) = check_option(body);
    let mut lines = Lines(Vec::new());
    lines.put("view", name, "", "");
    lines.put("view", name, "definition", own.without_database(body));
    if let Some(check) = check {
        lines.put("view", name, "check option", check);
    }
    for (at, word) in words[..at].iter().enumerate() {
        if let Some(algorithm) = word.strip_prefix("ALGORITHM=") {
            lines.put("view", name, "algorithm", algorithm);
        } else if let Some(definer) = word.strip_prefix("DEFINER=") {
            let definer = definer.replace('`', "");
            lines.put("view", name, "definer", if definer == own.user { "self" } else { &definer });
        } else if *word == "SECURITY" {
            lines.put("view", name, "security", words[at + 1]);
        } else if word.starts_with('(') && !are_named_so(body, word) {
            lines.put("view", name, "columns", *word);
        }
    }
    Some(lines.0)
}

/// Whether a view's columns have the names that its query gives them by itself, as far as that can be seen.
fn are_named_so(body: &str, columns: &str) -> bool {
    let names = pieces(&columns[1..columns.len() - 1], |ch| ch == ',');
    let selected = pieces(body, |ch| ch == ',');
    let is_so = |(at, name): (usize, &&str)| {
        let words = pieces(selected.get(at).copied().unwrap_or_default(), char::is_whitespace);
        let behind = words.iter().position(|word| *word == "AS").map(|said| &words[said + 1..]);
        behind.is_some_and(|behind| match behind {
            [word] => word == name,
            [word, next, ..] => at + 1 == names.len() && word == name && *next == "from",
            [] => false,
        })
    };
    body.starts_with("select ") && names.iter().enumerate().all(is_so)
}

/// The line of a sequence: how it counts, not where it stands.
pub fn sequence(name: &str, text: &str) -> Option<Vec<Line>> {
    let words = pieces(text, char::is_whitespace);
    let rest = words.get(3).map(|word| &text[offset(text, word)..])?;
    let mut lines = Lines(Vec::new());
    lines.put("sequence", name, "", "");
    lines.put("sequence", name, "counts", rest);
    Some(lines.0)
}

fn check_option(body: &str) -> (&str, Option<&str>) {
    let ends = ["WITH CASCADED CHECK OPTION", "WITH LOCAL CHECK OPTION"];
    let found = ends.iter().find_map(|end| Some((body.strip_suffix(end)?.trim_end(), *end)));
    found.map_or((body, None), |(body, end)| (body, Some(end)))
}

/// What the words of a column's definition are about, in the order in which they come.
fn column(table: &str, text: &str, rank: usize, lines: &mut Lines) {
    let words = pieces(text, char::is_whitespace);
    let object = format!("{table}.{}", unquoted(words[0]));
    let mut parts: Vec<(&str, String)> = Vec::new();
    let (mut about, mut nullable) = ("type", "yes");
    let mut at = 1;
    while at < words.len() {
        let word = words[at];
        let next = words.get(at + 1).copied().unwrap_or_default();
        let (now, skip) = match (word, next) {
            ("NOT", "NULL") => {
                nullable = "no";
                ("attributes", 2)
            }
            ("NOT", "SECONDARY") => ("attributes", 0),
            ("NULL", _) if about != "default" || parts.last().is_some_and(|part| part.0 == "default") => {
                ("attributes", 1)
            }
            ("DEFAULT", _) => ("default", 1),
            ("ON", "UPDATE") => ("on update", 2),
            ("GENERATED", _) => ("generated", 1),
            ("COMMENT", _) => ("comment", 1),
            ("CHARACTER", "SET") => ("charset", 2),
            ("COLLATE", _) => ("collation", 1),
            ("CHECK", _) => ("check", 1),
            _ => (about, 0),
        };
        about = now;
        at += skip;
        if skip > 0 {
            continue;
        }
        let own_word = word == "AUTO_INCREMENT" || word == "INVISIBLE" || word.starts_with("/*") || word == "WITHOUT";
        if own_word || (complete(about) && parts.last().is_some_and(|part| part.0 == about)) {
            about = "attributes";
        }
        match parts.iter_mut().find(|part| part.0 == about) {
            Some((_, value)) => *value = format!("{value} {word}"),
            None => parts.push((about, word.to_owned())),
        }
        at += 1;
    }
    lines.put("column", &object, "", "");
    lines.put("column", &object, "~position", rank.to_string());
    lines.put("column", &object, "nullable", nullable);
    for (property, value) in parts {
        lines.put("column", &object, property, value);
    }
}

/// Properties whose value is one word.
fn complete(property: &str) -> bool {
    matches!(property, "comment" | "charset" | "collation" | "check" | "on update")
}

/// What a line of a CREATE TABLE that is no column makes.
struct Part<'a> {
    kind: &'static str,
    /// As it is written.
    name: &'a str,
    form: &'static str,
    /// The word at which it is said how it is made.
    from: usize,
}

fn part<'a>(words: &[&'a str]) -> Option<Part<'a>> {
    let (kind, name, form, from) = match words {
        ["PRIMARY", "KEY", ..] => ("index", "PRIMARY", "primary key", 2),
        ["KEY", name, ..] => ("index", *name, "key", 2),
        ["UNIQUE", "KEY", name, ..] => ("index", *name, "unique", 3),
        ["FULLTEXT", "KEY", name, ..] => ("index", *name, "fulltext", 3),
        ["SPATIAL", "KEY", name, ..] => ("index", *name, "spatial", 3),
        ["VECTOR", "KEY", name, ..] => ("index", *name, "vector", 3),
        ["CONSTRAINT", name, "FOREIGN", "KEY", ..] => ("constraint", *name, "foreign key", 4),
        ["CONSTRAINT", name, "CHECK", ..] => ("constraint", *name, "check", 3),
        ["CONSTRAINT", name, ..] => ("constraint", *name, "other", 2),
        ["PERIOD", "FOR", name, ..] => ("period", *name, "period", 3),
        _ => return None,
    };
    Some(Part { kind, name, form, from })
}

/// A key, a constraint, a period, or whatever a newer server may say.
fn key(table: &str, text: &str, lines: &mut Lines) {
    let words = pieces(text, char::is_whitespace);
    let rest_from = |at: usize| words.get(at).map_or("", |word| text[offset(text, word)..].trim());
    let Some(Part { kind, name, form, from }) = part(&words) else { return lines.put("table", table, "also", text) };
    let object = format!("{table}.{}", unquoted(name));
    lines.put(kind, &object, "", form);
    lines.put(
        kind,
        &object,
        if kind == "constraint" { "definition" } else { "columns" },
        words.get(from).copied().unwrap_or_default(),
    );
    let more = rest_from(from + 1);
    if !more.is_empty() {
        lines.put(kind, &object, "options", more);
    }
}

/// What stands behind the brackets: engine, charset, comment, other options, and partitions on lines of their own.
fn table_options(table: &str, text: &str, own: &Own, lines: &mut Lines) {
    let (options, partitions) = options_and_partitions(text);
    let (mut charset, mut collation, mut others) = (None, None, Vec::new());
    for word in pieces(options, char::is_whitespace) {
        match word.split_once('=') {
            Some(("ENGINE", engine)) => lines.put("table", table, "engine", engine),
            Some(("COMMENT", comment)) => lines.put("table", table, "comment", comment),
            Some(("CHARSET", name)) => charset = Some(name),
            Some(("COLLATE", name)) => collation = Some(name),
            Some(("AUTO_INCREMENT", _)) => {}
            None if word == "DEFAULT" => {}
            _ => others.push(word),
        }
    }
    lines.put("table", table, "charset", own.charset_of(charset, collation));
    if !others.is_empty() {
        lines.put("table", table, "options", others.join(" "));
    }
    if !partitions.trim().is_empty() {
        lines.put("table", table, "partitions", partitions.trim());
    }
}

fn options_and_partitions(text: &str) -> (&str, &str) {
    let line_end = pieces(text, |ch| ch == '\n').first().map_or(0, |first| offset(text, first) + first.len());
    text.split_at(line_end)
}

impl Own {
    fn charset_of(&self, charset: Option<&str>, collation: Option<&str>) -> String {
        let same = match (charset, collation) {
            (_, Some(collation)) => collation == self.collation,
            (Some(charset), None) => charset == self.charset && self.default_collation,
            (None, None) => return "none".to_owned(),
        };
        match (same, charset, collation) {
            (true, ..) => "self".to_owned(),
            (false, charset, Some(collation)) => {
                format!("{} {collation}", charset.unwrap_or_default()).trim().to_owned()
            }
            (false, charset, None) => charset.unwrap_or_default().to_owned(),
        }
    }

    /// The text without the database's own name where it qualifies another.
    fn without_database(&self, text: &str) -> String {
        let name = crate::sql::Flavor::Mysql.ident(&self.database);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let length = unit(rest);
            let after = rest.get(length..).unwrap_or_default();
            if rest.starts_with('`') && rest[..length] == name && after.starts_with(".`") && !out.ends_with('.') {
                let second = 1 + unit(&after[1..]);
                if !self.namesake || after[second..].starts_with(".`") {
                    at += length + 1;
                    continue;
                }
            }
            out.push_str(&rest[..length]);
            at += length;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Own {
        Own {
            database: "shop".into(),
            user: "root@localhost".into(),
            charset: "utf8mb4".into(),
            collation: "utf8mb4_general_ci".into(),
            default_collation: true,
            namesake: false,
        }
    }

    fn shown(lines: Vec<Line>) -> Vec<String> {
        lines.iter().map(|line| format!("{} {} {}={}", line.kind, line.object, line.property, line.value)).collect()
    }

    #[test]
    fn a_table_is_cut_at_its_commas_and_nowhere_else() {
        let text = "CREATE TABLE `t` (\n  `a ``x` varchar(10) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'x'',\\\\y' COMMENT 'a `b` (c, d',\n  \
            `e` enum('a,b','c''d') NOT NULL DEFAULT 'c''d' ON UPDATE current_timestamp(),\n  \
            `g` int(11) GENERATED ALWAYS AS (`id` + 1) VIRTUAL INVISIBLE,\n  \
            `n` bigint(20) unsigned NULL DEFAULT nextval(`shop`.`s`) CHECK (`n` > 0),\n  \
            `b` blob /*M!100301 COMPRESSED*/ DEFAULT NULL,\n  \
            PRIMARY KEY (`e`),\n  UNIQUE KEY `u` (`e`,`n`) COMMENT 'x',\n  \
            CONSTRAINT `f` FOREIGN KEY (`n`) REFERENCES `p` (`id`) ON DELETE CASCADE\n\
            ) ENGINE=InnoDB AUTO_INCREMENT=9 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci ROW_FORMAT=COMPRESSED COMMENT='t s'\n PARTITION BY HASH (`e`)";
        let lines = shown(table("t", text, &own()).unwrap());
        for expected in [
            "column t.a `x type=varchar(10)",
            "column t.a `x default='x'',\\\\y'",
            "column t.a `x comment='a `b` (c, d'",
            "column t.a `x collation=latin1_bin",
            "column t.e nullable=no",
            "column t.e on update=current_timestamp()",
            "column t.g generated=ALWAYS AS (`id` + 1) VIRTUAL",
            "column t.g attributes=INVISIBLE",
            "column t.n type=bigint(20) unsigned",
            "column t.n default=nextval(`s`)",
            "column t.n check=(`n` > 0)",
            "column t.b type=blob",
            "column t.b default=NULL",
            "column t.b attributes=/*M!100301 COMPRESSED*/",
            "index t.PRIMARY columns=(`e`)",
            "index t.u =unique",
            "index t.u options=COMMENT 'x'",
            "constraint t.f definition=(`n`)",
            "constraint t.f options=REFERENCES `p` (`id`) ON DELETE CASCADE",
            "table t engine=InnoDB",
            "table t charset=self",
            "table t options=ROW_FORMAT=COMPRESSED",
            "table t comment='t s'",
            "table t partitions=PARTITION BY HASH (`e`)",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:#?}");
        }
        assert!(!lines.iter().any(|line| line.contains("AUTO_INCREMENT")), "{lines:#?}");
    }

    #[test]
    fn a_table_and_its_parts_are_made_without_what_is_the_databases_own() {
        let text = "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` varchar(9) DEFAULT 'x, (y',\n  PRIMARY KEY (`a`),\n  \
            KEY `k` (`b`) /*!80000 INVISIBLE */,\n  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `shop`.`p` (`id`)\n\
            ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='DEFAULT CHARSET=x'\n\
            /*!50100 PARTITION BY HASH (`a`) */";
        let shown = |own: &Own| -> Vec<String> {
            let all = definitions("t", text, own).unwrap();
            all.into_iter().map(|one| format!("{} {}: {}", one.kind, one.object, one.text)).collect()
        };
        let all = shown(&own());
        assert!(
            all[0].contains(") ENGINE=InnoDB COMMENT='DEFAULT CHARSET=x'\n/*!50100") && all[0].contains(" `p` (`id`)")
        );
        assert_eq!(
            all[1..],
            [
                "column t.a: `a` int NOT NULL",
                "column t.b: `b` varchar(9) DEFAULT 'x, (y'",
                "index t.PRIMARY: PRIMARY KEY (`a`)",
                "index t.k: KEY `k` (`b`) /*!80000 INVISIBLE */",
                "constraint t.f: CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`)",
            ]
        );
        let all = shown(&Own { collation: "utf8mb4_bin".to_owned(), default_collation: false, ..own() });
        assert!(all[0].contains("DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"), "{}", all[0]);
    }

    #[test]
    fn a_definer_is_left_out_where_it_is_the_account() {
        let own = own();
        for (text, without) in [
            ("CREATE DEFINER=`root`@`localhost` PROCEDURE `p`()", "CREATE PROCEDURE `p`()"),
            ("CREATE DEFINER=\"root\"@\"localhost\" FUNCTION \"f\"()", "CREATE FUNCTION \"f\"()"),
            ("CREATE DEFINER=`root`@`%` PROCEDURE `p`()", "CREATE DEFINER=`root`@`%` PROCEDURE `p`()"),
        ] {
            assert_eq!(without_own_definer(text, &own), without);
        }
        let event = "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' ENABLE DO DO 1";
        assert_eq!(without_start(event), "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ENABLE DO DO 1");
    }

    #[test]
    fn the_own_database_is_taken_out_of_names_but_not_out_of_literals() {
        let text = "select `shop`.`t`.`a` AS `shop`, 'it''s `shop`.`t`', `x`.`shop`.`b` from `shop`.`t`";
        assert_eq!(
            own().without_database(text),
            "select `t`.`a` AS `shop`, 'it''s `shop`.`t`', `x`.`shop`.`b` from `t`"
        );
        let own = Own { namesake: true, ..own() };
        assert_eq!(own.without_database("`shop`.`a`, `shop`.`shop`.`a`"), "`shop`.`a`, `shop`.`a`");
    }

    #[test]
    fn a_view_is_told_by_its_parts() {
        let text = "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY INVOKER VIEW `v` AS select 1 AS `AS` WITH CASCADED CHECK OPTION";
        let lines = shown(view("v", text, &own()).unwrap());
        for expected in ["view v definer=self", "view v security=INVOKER", "view v definition=select 1 AS `AS`"] {
            assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:#?}");
        }
    }
}
