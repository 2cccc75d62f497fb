//! Splitting scripts into statements: the cases that other tools get wrong, and random scripts.

use proptest::prelude::*;
use switchback::sql::{Blocks, Flavor, Position, Script};
use switchback::token::tokens;

use Flavor::{Mysql, Postgres, Sqlite};

const ALL: [Flavor; 3] = [Sqlite, Postgres, Mysql];
const GOOSE: Blocks = Blocks { begin: "+goose StatementBegin", end: "+goose StatementEnd" };

fn script(flavor: Flavor, text: &str) -> Script {
    let script = Script::parse("m/up.sql", 1, text.as_bytes(), flavor);
    assert_lossless(&script);
    script
}

/// The statements of a script that has no problem.
fn pieces(flavor: Flavor, text: &str) -> Vec<String> {
    let script = script(flavor, text);
    assert_eq!(script.problem(), None, "{text}");
    script.statements().iter().map(|statement| script.sql(statement).to_owned()).collect()
}

/// Place and code of a script's problem: `line:column code`.
fn problem(flavor: Flavor, text: &[u8]) -> String {
    let script = Script::parse("m/up.sql", 1, text, flavor);
    let problem = script.problem().expect("a problem");
    let place = problem.place.as_ref().expect("a place");
    format!("{}:{} {}", place.line, place.column, problem.code)
}

/// Statements and trivia are the text's bytes, in order.
fn assert_lossless(script: &Script) {
    let taken = script.statements().iter().flat_map(|s| [Some(s.span.clone()), s.copy.clone()]).flatten();
    let mut ranges: Vec<_> = taken.filter(|range| !range.is_empty()).chain(script.trivia()).collect();
    ranges.sort_by_key(|range| range.start);
    let together: String = ranges.into_iter().map(|range| &script.text()[range]).collect();
    assert_eq!(together, script.text());
    for statement in script.statements() {
        let sql = script.sql(statement);
        // White space is what the servers take for such; to them U+0085 is a letter like others.
        let is_bare = |end: Option<char>| end.is_some_and(|end| !end.is_ascii_whitespace());
        assert!(is_bare(sql.chars().next()) && is_bare(sql.chars().last()), "{sql:?}");
    }
}

#[test]
fn postgres_function_bodies_in_dollar_quotes() {
    let text = "create function a() returns int as $$ select 1; $$ language sql;\n\
        create function b() returns text as $body$ select $$;$$ || $x$;$x$; $body$ language sql; select a$b$c;";
    assert_eq!(pieces(Postgres, text).len(), 3);
    assert_eq!(pieces(Postgres, "select $a$ $b$ ; $a$; select $1").len(), 2);
}

#[test]
fn postgres_escape_strings_before_a_function() {
    let text =
        "alter table t add check (s ~ E'.');\ncreate function f() returns text as $$ select E'foo'; $$ language sql";
    assert_eq!(pieces(Postgres, text).len(), 2);
    assert_eq!(pieces(Postgres, r"select E'\';', 'a\'; select 2").len(), 2);
}

#[test]
fn key_words_count_only_as_whole_tokens() {
    let text = "create table t (employment_begin int, benefit_end int); select 1";
    ALL.iter().for_each(|flavor| assert_eq!(pieces(*flavor, text).len(), 2));
}

#[test]
fn postgres_copy_from_stdin_with_rows() {
    let text = "COPY c(id,code) FROM stdin;\r\n1\ta;b\n2\t'\n\\.\n\nselect 1;";
    let script = script(Postgres, text);
    assert_eq!(script.problem(), None);
    assert_eq!(script.statements().len(), 2);
    assert_eq!(script.rows(&script.statements()[0]), Some("1\ta;b\n2\t'\n"));
    let empty = Script::parse("m", 1, b"copy c from stdin;\n\\.", Postgres);
    assert_eq!(empty.rows(&empty.statements()[0]), Some(""));
    assert_eq!(problem(Postgres, b"select 1;\n copy c from stdin;\n1\n\\.x\n"), "2:2 unterminated");
    assert_eq!(problem(Postgres, b"copy c from stdin; select 1;\n\\.\n"), "1:19 copy");
}

#[test]
fn postgres_copy_from_a_file_is_one_statement() {
    assert_eq!(pieces(Postgres, "COPY f FROM '/p.csv' DELIMITER ';' CSV HEADER;").len(), 1);
}

#[test]
fn postgres_rules_and_atomic_bodies() {
    let text =
        "create rule r as on insert to t do also (insert into a values (1); insert into b values (2)); select 1;";
    assert_eq!(pieces(Postgres, text).len(), 2);
    let text = "create or replace function f(a int) returns int begin atomic select case when a > 0 then 1 end; select 2; end; \
        begin; commit;";
    assert_eq!(pieces(Postgres, text).len(), 3);
    assert_eq!(pieces(Postgres, "/* a /* ; */ ; */ select 1 /* ; */; -- ;\nselect 2").len(), 2);
}

#[test]
fn mysql_delimiter_is_never_sent() {
    let text = "DELIMITER $$\nCREATE PROCEDURE p()\nBEGIN\n SELECT 1; SELECT 2;\nEND$$\nDELIMITER ;\nselect 1;";
    let found = pieces(Mysql, text);
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("CREATE") && found[0].ends_with("END"));
    let text = "delimiter //\r\ncreate procedure p() begin select 1; end;\r\n//\r\ncreate table a(x int);\ncreate table b(x int)//\n";
    assert_eq!(
        pieces(Mysql, text),
        ["create procedure p() begin select 1; end", "create table a(x int)", "create table b(x int)"]
    );
    assert_eq!(problem(Mysql, b"DELIMITER\nselect 1;"), "1:1 delimiter");
    assert_eq!(problem(Mysql, b"select 1\n DELIMITER //\n"), "2:2 delimiter");
    assert_eq!(problem(Postgres, b"select 1;\nDELIMITER //\n"), "2:1 client-command");
}

#[test]
fn mysql_procedures_without_delimiter() {
    let text = "create procedure p() begin declare x int; if x then select 1; end if; end; create table b(x int);";
    assert_eq!(pieces(Mysql, text).len(), 2);
    assert_eq!(problem(Mysql, b" create procedure p() begin select 1; select 2;"), "1:2 unterminated");
}

#[test]
fn mysql_statements_need_no_flag() {
    assert_eq!(pieces(Mysql, "create table a(x int); create table b(x int);").len(), 2);
    assert_eq!(pieces(Mysql, "BEGIN; select 1; COMMIT; START TRANSACTION; ROLLBACK").len(), 5);
    let text = "/*!40101 SET @a=';' */; /* ; */ -- ;\n # ;\nselect 'a\\';', \";\", `;`; --x;\n/*M!100100 select 1 */";
    assert_eq!(pieces(Mysql, text).len(), 3);
}

#[test]
fn sqlite_triggers_are_one_statement() {
    let text = "create temp trigger t after insert on x when case new.a when 1 then 1 end begin\n update x set a = case when b \
        then 1 else 2 end; select \"end\", [;], `;`;\nend; select 1;";
    assert_eq!(pieces(Sqlite, text).len(), 2);
    assert_eq!(problem(Sqlite, b"create trigger t after insert on x begin select 1;"), "1:1 unterminated");
    assert_eq!(problem(Sqlite, b"select 1;\n.read x.sql\n"), "2:1 client-command");
}

#[test]
fn what_is_unterminated_is_told_at_its_opening() {
    assert_eq!(problem(Postgres, "select 'ä', 'b;\n\nselect 1;".as_bytes()), "1:13 unterminated");
    assert_eq!(problem(Postgres, b"select 1;\nselect $x$ a;\n $$ $X$"), "2:8 unterminated");
    assert_eq!(problem(Postgres, b"/* /* */\nselect 1"), "1:1 unterminated");
    assert_eq!(problem(Sqlite, b"select 1; /* a\n"), "1:11 unterminated");
    assert_eq!(problem(Sqlite, b"select [a"), "1:8 unterminated");
    assert_eq!(problem(Mysql, b"\n/*!40101 select 1;\n"), "2:1 unterminated");
    assert_eq!(problem(Mysql, b"select 'a\\"), "1:8 unterminated");
}

#[test]
fn a_part_of_a_file_has_the_places_of_the_file() {
    let script = Script::parse("m/1.sql", 7, b"\n  select 'a", Sqlite);
    let place = script.problem().and_then(|problem| problem.place.clone()).expect("a place");
    assert_eq!(place.to_string(), "m/1.sql:8:10");
}

#[test]
fn bom_crlf_empty_statements_and_missing_newlines() {
    for flavor in ALL {
        let found = pieces(flavor, "\u{feff}select 1;;\r\n;/* c */;\r\nselect 'a\r\nb'");
        assert_eq!(found, ["select 1", "select 'a\r\nb'"]);
        assert!(pieces(flavor, "-- only\n/* comments */\n").is_empty());
        assert!(pieces(flavor, "").is_empty());
    }
}

#[test]
fn what_engines_disagree_on_is_refused() {
    for flavor in ALL {
        assert_eq!(problem(flavor, b"select 1;\n-- a\rdrop table t;"), "2:5 bare-cr");
        assert_eq!(problem(flavor, b"select 1;\nselect\0 2"), "2:7 nul-byte");
        assert_eq!(problem(flavor, b"select 1;\n select '\xe4'"), "2:10 not-utf8");
        assert_eq!(pieces(flavor, "-- a\r\nselect 1; -- b\r").len(), 1);
    }
}

#[test]
fn client_commands_are_told_with_their_line() {
    for text in ["\\set x 1\n", "\\connect other\n", "\\restrict abc\n", "\\.\n", "\\copy t from 'x'"] {
        assert_eq!(problem(Postgres, format!("select 1;\n{text}").as_bytes()), "2:1 client-command");
    }
    for text in ["SOURCE x.sql", "\\. x.sql", "source x;", "select 1\\G"] {
        assert!(problem(Mysql, text.as_bytes()).ends_with("client-command"), "{text}");
    }
    assert_eq!(pieces(Mysql, "use x; select \\N; /*M!999999\\- enable the sandbox mode */").len(), 3);
}

#[test]
fn goose_blocks_are_one_statement() {
    let text = "select 1;\n-- +goose StatementBegin\nselect 2; select 3;\n-- +goose statementend\nselect 4;";
    let script = Script::with_blocks("m", 1, text.as_bytes(), Postgres, GOOSE);
    assert_lossless(&script);
    let found: Vec<&str> = script.statements().iter().map(|statement| script.sql(statement)).collect();
    assert_eq!(found, ["select 1", "select 2; select 3", "select 4"]);
    let open = Script::with_blocks("m", 1, b"\n-- +goose StatementBegin\nselect 1;", Postgres, GOOSE);
    assert_eq!(open.problem().and_then(|p| p.place.clone()).map(|place| place.line), Some(2));
}

#[test]
fn cosmetic_edits_change_the_text_only() {
    let sums = |flavor, text: &str| script(flavor, text).checksum().clone();
    for flavor in ALL {
        let base = sums(flavor, "create table t (a int); -- x\nselect 'a\nb';\n");
        assert_eq!(base, sums(flavor, "\u{feff}create table t (a int); -- x\r\nselect 'a\nb';\r\n"));
        for text in ["create  table t(a int);;select/**/'a\nb'", "create table t (a int)\n;\nselect 'a\nb' -- y"] {
            let other = sums(flavor, text);
            assert_eq!(base.tokens, other.tokens, "{text}");
            assert_ne!(base.text, other.text);
        }
        for text in [
            "create table t (a int); select 'a\r\nb'",
            "create table t (a int) select 'a\nb'",
            "CREATE table t (a int); select 'a\nb'",
        ] {
            assert_ne!(base.tokens, sums(flavor, text).tokens, "{text}");
        }
    }
    let tokens = |flavor, text: &str| sums(flavor, text).tokens;
    assert_ne!(tokens(Mysql, "select /*+ a */ 1"), tokens(Mysql, "select 1"));
    assert_ne!(tokens(Mysql, "select /*!1 */ 1"), tokens(Mysql, "select 1"));
    assert_ne!(tokens(Postgres, "copy c from stdin;\n1\n\\.\n"), tokens(Postgres, "copy c from stdin;\n2\n\\.\n"));
    assert_ne!(tokens(Postgres, "/*+ a */ select 1"), tokens(Postgres, "select 1"));
}

#[test]
fn an_engines_position_becomes_a_place() {
    let text = "-- ä\nselect 'ä',\n   nix;\n";
    let script = script(Postgres, text);
    let statement = &script.statements()[0];
    let nix = text.find("nix").expect("nix");
    for position in [Position::Character(16), Position::Line(2), Position::Byte(16)] {
        assert_eq!(script.position(statement, position), nix, "{position:?}");
    }
    assert_eq!(script.place(nix).to_string(), "m/up.sql:3:4");
    let excerpt = script.excerpt(nix).expect("an excerpt");
    assert_eq!((excerpt.line.as_str(), excerpt.column), ("   nix;", 4));
    let far = script.position(statement, Position::Character(9999));
    assert_eq!(far, statement.span.end);
}

#[test]
fn an_excerpt_of_a_long_line_is_cut_around_the_caret() {
    let text = format!("select {}nix{}", "ä, ".repeat(9000), ", x".repeat(9000));
    let excerpt = script(Sqlite, &text).excerpt(text.find("nix").expect("nix")).expect("an excerpt");
    assert!(excerpt.line.chars().count() <= 122);
    let at_caret: String = excerpt.line.chars().skip(excerpt.column as usize - 1).take(3).collect();
    assert_eq!(at_caret, "nix");
}

#[test]
fn passwords_are_never_shown() {
    let cases = [
        (Postgres, "create role r\n  login password 'canary' valid until 'x'"),
        (Postgres, "do $$ begin\n execute 'alter role r password ''canary'' ';\n end $$"),
        (Postgres, "create subscription s connection 'host=x password=canary' publication p"),
        (Postgres, "create user mapping for r server s options (user 'u', password 'canary')"),
        (Mysql, "create user a identified with x by 'canary'"),
        (Mysql, "set password for 'a'@'b' = password(\"canary\")"),
        (Mysql, "select 1; alter user a identified by 'canary"),
    ];
    for (flavor, text) in cases {
        let script = Script::parse("m", 1, text.as_bytes(), flavor);
        for statement in script.statements() {
            assert!(!script.shown(statement).contains("canary"), "{text}");
        }
        for offset in 0..text.len() {
            let excerpt = script.excerpt(offset).expect("an excerpt");
            assert!(!excerpt.line.contains("ana"), "{text}: {}", excerpt.line);
            assert!(excerpt.column as usize <= excerpt.line.chars().count() + 1);
        }
    }
}

#[test]
fn names_and_literals_are_found_in_bodies_too() {
    let text = "create view V as select \"Id\" from Users; create function f() returns int as $$ delete from orders \
        where kind = 'old' $$ language sql; select nextval('public.ids'); insert into t values ('word', 5)";
    let script = script(Postgres, text);
    let names = script.names();
    for name in ["v", "id", "users", "orders", "ids", "public", "t"] {
        assert!(names.contains(name), "{name}");
    }
    assert!(!names.contains("word"));
    assert!(["old", "5", "word"].iter().all(|value| script.literals().contains(*value)));
}

#[test]
fn very_large_and_very_deep_scripts_work() {
    let name = "x".repeat(64 << 10);
    let deep = format!("select {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    let comments = format!("{}{} select '{name}'", "/*".repeat(50_000), "*/".repeat(50_000));
    let quotes = format!("select {}", "'".repeat(64 << 10));
    for text in [format!("create table {name} (a int)"), deep, comments, quotes] {
        let script = script(Postgres, &text);
        assert_eq!(script.problem(), None);
        assert_eq!(script.statements().len(), 1);
        assert!(script.names().len() < 10 && script.literals().len() < 10);
    }
    let large = "insert into t values (1, 'abc');\n".repeat((50 << 20) / 33);
    let script = Script::parse("m", 1, large.as_bytes(), Mysql);
    assert_eq!(script.statements().len(), (50 << 20) / 33);
    let too_large = Script::parse("m", 1, &vec![b' '; (64 << 20) + 1], Sqlite);
    assert_eq!(too_large.problem().map(|problem| problem.code.as_ref()), Some("too-large"));
}

/// Tokens of a dialect, chosen so that openings, closings and key words meet.
fn dictionary(flavor: Flavor) -> Vec<&'static str> {
    let mut words = vec![
        " ",
        "\n",
        "\r\n",
        "\t",
        ";",
        ";",
        ";\n",
        "(",
        ")",
        ",",
        ".",
        "=",
        "<",
        "*",
        "/",
        "-",
        "'",
        "''",
        "'a'",
        "\"",
        "\"b\"",
        "/*",
        "*/",
        "/* c */",
        "--",
        "-- c\n",
        "\\",
        "a",
        "t1",
        "ä",
        "€",
        "1",
        "1.5e-3",
        "0x1f",
        "select ",
        "CREATE ",
        "BEGIN ",
        "END",
        "end ",
        "CASE ",
        "when ",
        "THEN ",
        "else ",
        "IF ",
        "function ",
        "TRIGGER ",
        "on ",
        "from ",
        "insert into ",
        "/*+ h */",
        "or ",
        "replace ",
        "\r",
        ":",
        "@",
        "?",
        "$",
        "#",
        "%",
        "\u{feff}",
        "x'00'",
        "atomic ",
        "not ",
        "-- +goose StatementBegin\n",
        "-- +goose StatementEnd\n",
    ];
    words.extend_from_slice(match flavor {
        Postgres => {
            &["$$", "$a$", "E'\\'", "U&'", "$1", "::", "COPY t FROM stdin;\n", "\\.\n", "begin atomic ", "do (", "N'"]
        }
        Mysql => &[
            "DELIMITER $$\n",
            "DELIMITER ;\n",
            "\nDELIMITER //\n",
            "$$",
            "//",
            "/*!40101 ",
            "/*!",
            "/*M!100 ",
            "`",
            "`c`",
            "# c\n",
            "procedure ",
            "LOOP ",
            "REPEAT ",
            "UNTIL ",
            "WHILE ",
            "DO ",
            "declare ",
            "event ",
            "definer",
            "@x",
            "@@g.y",
            "\\'",
            "SOURCE ",
        ],
        Sqlite => &["[", "]", "[c]", "`", "temp ", "explain ", ":p", "$p", "; END;"],
    });
    words
}

fn random(flavor: Flavor) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(dictionary(flavor)), 0..40).prop_map(|words| words.concat())
}

/// What must hold for every text.
fn holds(flavor: Flavor, text: &str) {
    let lexed: String = tokens(text, flavor).map(|token| token.text(text).to_owned()).collect();
    assert_eq!(lexed, text, "tokens lose nothing");
    for script in
        [Script::parse("m", 1, text.as_bytes(), flavor), Script::with_blocks("m", 3, text.as_bytes(), flavor, GOOSE)]
    {
        assert_lossless(&script);
        if let Some(place) = script.problem().and_then(|problem| problem.place.clone()) {
            assert!(place.line as usize - script.first_line() as usize <= text.matches('\n').count());
        }
        for statement in script.statements() {
            let _ = switchback::class::classify(&script, statement);
            assert!(script.tokens_of(statement).iter().any(|token| token.is_significant()));
            for position in [Position::Character(7), Position::Line(2), Position::Byte(5)] {
                let at = script.position(statement, position);
                assert!(statement.span.start <= at && at <= statement.span.end);
                let excerpt = script.excerpt(at).expect("an excerpt");
                assert!(excerpt.column as usize <= excerpt.line.chars().count() + 1);
            }
        }
        let _ = (script.names(), script.literals());
        if script.problem().is_none() && flavor != Mysql && !text.contains("goose") && !text.contains("\\.") {
            assert_rejoins(&script);
        }
    }
}

/// The statements alone, joined anew, are the same script.
fn assert_rejoins(script: &Script) {
    let joined: Vec<&str> = script.statements().iter().map(|statement| script.sql(statement)).collect();
    // Not line 1: what looks like a byte order mark is a name there.
    let again = Script::parse("m", 2, joined.join(";\n").as_bytes(), script.flavor());
    assert_eq!(script.checksum().tokens, again.checksum().tokens);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_scripts_of_postgres(text in random(Postgres)) {
        holds(Postgres, &text);
    }

    #[test]
    fn random_scripts_of_mysql(text in random(Mysql)) {
        holds(Mysql, &text);
    }

    #[test]
    fn random_scripts_of_sqlite(text in random(Sqlite)) {
        holds(Sqlite, &text);
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for flavor in ALL {
            let script = Script::parse("m", 1, &bytes, flavor);
            assert_lossless(&script);
        }
    }
}

#[test]
fn literals_that_choose_rows_are_told_from_those_that_are_written() {
    let of = |sql: &str| {
        let script = Script::parse("up.sql", 1, sql.as_bytes(), Flavor::Postgres);
        script.chosen_literals().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(of("UPDATE t SET a = 'new' WHERE a = 'old' -- don't\n AND n IN (1, 2)"), ["1", "2", "old"]);
    assert_eq!(of("INSERT INTO t VALUES ('a', 5)"), [""; 0]);
    assert_eq!(of("INSERT INTO t SELECT 1 FROM u /* it's */ WHERE k = 'it''s'"), ["it's"]);
    assert_eq!(of("SELECT CASE WHEN a = 'x' THEN 'y' ELSE 'z' END /**/ FROM t WHERE b = 'x'"), ["x"]);
}

#[test]
fn two_dashes_read_the_same_in_the_script_and_in_the_statement() {
    holds(Mysql, "DELIMITER $$\n;--;");
    holds(Mysql, "DELIMITER $$\nSELECT 1;--;");
}

#[test]
fn literals_that_an_insert_brings_are_told_with_their_table() {
    let inserted = |sql: &str, flavor| {
        let script = Script::parse("up.sql", 1, sql.as_bytes(), flavor);
        let among = ["1", "a"].into_iter().map(str::to_owned).collect();
        script
            .inserted_literals(&among)
            .into_iter()
            .map(|(table, value)| format!("{table} {value}"))
            .collect::<Vec<_>>()
    };
    use Flavor::{Mysql, Postgres, Sqlite};
    for sql in ["INSERT INTO T VALUES (1, 'b')", "insert into x.\"t\" (a) select 1 where not exists (select 1 from t)"]
    {
        assert_eq!(inserted(sql, Postgres), ["t 1"], "{sql}");
    }
    assert_eq!(inserted("INSERT IGNORE `T` VALUES (1, \"a\"), (2, 'b')", Mysql), ["t 1", "t a"]);
    assert_eq!(inserted("INSERT OR IGNORE INTO t VALUES ('a')", Sqlite), ["t a"]);
    assert_eq!(inserted("UPDATE u SET b = 2 WHERE id = 1; INSERT INTO t VALUES (1, 'a')", Sqlite), ["t a"]);
    assert_eq!(inserted("INSERT INTO t VALUES (1); DELETE FROM t WHERE id = 1", Sqlite), ["t 1"]);
    for (sql, flavor) in [
        ("INSERT OR REPLACE INTO t VALUES (1)", Sqlite),
        ("REPLACE INTO t VALUES (1)", Mysql),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1", Mysql),
        ("INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", Postgres),
        ("INSERT", Postgres),
        ("INSERT INTO t VALUES (3)", Postgres),
    ] {
        assert_eq!(inserted(sql, flavor), [""; 0], "{sql}");
    }
}
