//! Input that nobody would write on purpose: it works, or gives a clear error with its place; never a panic, never a hang.

mod common;

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Kind, Output, Sandbox, each_engine};

/// An end that a user can do something with: one of our exit codes but that of a bug, and words on stderr when it is an error.
#[track_caller]
fn clear(output: Output) -> Output {
    assert!([0, 1, 2, 3, 4, 5].contains(&output.code), "{output:#?}");
    assert!(output.code == 0 || !output.all().trim().is_empty(), "an error without a word: {output:?}");
    output
}

#[track_caller]
fn within(seconds: u64, act: impl FnOnce()) {
    let begun = Instant::now();
    act();
    assert!(begun.elapsed() < Duration::from_secs(seconds), "took {:?}", begun.elapsed());
}

#[test]
fn identifiers_of_64_kb() {
    each_engine(|sandbox| {
        let name = "n".repeat(64 << 10);
        sandbox.migration(
            "1_long",
            &format!("CREATE TABLE \"{name}\" (id integer);\n"),
            &format!("DROP TABLE \"{name}\";\n"),
        );
        if sandbox.kind == Kind::Mysql {
            sandbox.migration(
                "1_long",
                &format!("CREATE TABLE `{name}` (id integer);\n"),
                &format!("DROP TABLE `{name}`;\n"),
            );
        }
        within(60, || {
            for command in ["check", "seal", "verify", "up", "status", "log"] {
                clear(sandbox.run(&[command]));
            }
        });
    });
}

#[test]
fn names_of_folders_and_files_at_the_limit() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    let id = format!("1_{}", "x".repeat(198));
    sandbox.migration(&id, "CREATE TABLE a (id integer);\n", "DROP TABLE a;\n");
    clear(sandbox.run(&["up"])).ok();
    sandbox.migration(&format!("2_{}", "x".repeat(250)), "CREATE TABLE b (id integer);\n", "DROP TABLE b;\n");
    clear(sandbox.run(&["check"])).exits(1).says("200");
    clear(sandbox.run(&["new", &"long ".repeat(1_000)])).says_not("panicked");
    clear(sandbox.run(&["new", "\u{202e}\u{0}".trim_end_matches('\0')])).exits(2);
    clear(sandbox.run(&["new", "../../outside"]));
    assert!(!sandbox.root().parent().expect("a parent").join("outside").exists());
}

#[test]
fn a_script_of_20_mb() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    let mut up = String::from("CREATE TABLE big (id integer, body text);\n");
    let body = "b".repeat(900);
    for id in 0..20_000 {
        let _ = writeln!(up, "INSERT INTO big (id, body) VALUES ({id}, '{body};''{body}');");
        if up.len() > 20 << 20 {
            break;
        }
    }
    sandbox.migration("1_big", &up, "DROP TABLE big;\n");
    within(90, || {
        clear(sandbox.run(&["check"]));
        clear(sandbox.run(&["up"])).ok();
    });
    assert_ne!(sandbox.value("SELECT count(*) FROM big"), "0");
}

#[test]
fn one_statement_of_20_mb() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration(
        "1_big",
        &format!("CREATE TABLE big (body text);\nINSERT INTO big VALUES ('{}');\n", "x".repeat(20 << 20)),
        "DROP TABLE big;\n",
    );
    sandbox.migration(
        "2_comment",
        &format!("CREATE TABLE c (id integer); /* {} */\n", "x".repeat(5 << 20)),
        "DROP TABLE c;\n",
    );
    within(60, || drop(clear(sandbox.run(&["up"])).ok()));
}

#[test]
fn ten_thousand_migrations() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    for n in 0..10_000 {
        sandbox.migration(
            &format!("{n:05}_t"),
            &format!("CREATE TABLE t{n} (id integer);\n"),
            &format!("DROP TABLE t{n};\n"),
        );
    }
    within(60, || {
        clear(sandbox.run(&["check"])).exits(1);
        clear(sandbox.run(&["seal"])).ok();
        clear(sandbox.run(&["check"])).ok();
        clear(sandbox.run(&["status"])).ok().says("10000 pending");
        clear(sandbox.run(&["plan"])).ok();
    });
}

#[test]
fn thousands_of_statements_in_one_script() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration(
        "1_many",
        &format!("CREATE TABLE a (id integer);\n{}", "INSERT INTO a VALUES (1);\n".repeat(20_000)),
        "DROP TABLE a;\n",
    );
    within(60, || drop(clear(sandbox.run(&["up"])).ok()));
    assert_eq!(sandbox.value("SELECT count(*) FROM a"), "20000");
}

#[test]
fn deep_nesting_is_no_stack_overflow() {
    each_engine(|sandbox| {
        let deep = "(".repeat(100_000);
        let closed = ")".repeat(100_000);
        sandbox.migration("1_deep", &format!("SELECT {deep}1{closed};\n"), "SELECT 2;\n");
        sandbox.migration("2_open", &format!("SELECT {deep}"), &format!("{}\n", "/* ".repeat(50_000)));
        within(60, || {
            clear(sandbox.run(&["check"])).exits(1);
            clear(sandbox.run(&["verify"])).exits(1);
        });
    });
}

#[test]
fn files_that_are_not_utf8_are_named() {
    each_engine(|sandbox| {
        sandbox.tables(1);
        sandbox
            .write("migrations/2_latin/up.sql", b"CREATE TABLE x (id integer);\n-- caf\xe9\n")
            .write("migrations/2_latin/down.sql", "DROP TABLE x;\n");
        for command in ["check", "verify", "up"] {
            clear(sandbox.run(&[command])).exits(1).says("2_latin/up.sql").says("UTF-8");
        }
        sandbox.write(
            "migrations/2_latin/up.sql",
            "\u{feff}CREATE TABLE x (id integer);\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        );
        clear(sandbox.run(&["check"])).exits(1).says("2_latin/up.sql");
        sandbox.write("migrations/2_latin/up.sql", "CREATE TABLE x (id integer);\0\n");
        clear(sandbox.run(&["up"]));
        assert!(!sandbox.user_tables().contains(&"x".to_owned()) || sandbox.applied().contains(&"2_latin".to_owned()));
    });
}

#[test]
fn symlinks_that_lead_nowhere_or_in_circles() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1);
    let migrations = sandbox.root().join("migrations");
    symlink("round", migrations.join("round")).expect("a link");
    symlink(".", migrations.join("self")).expect("a link");
    symlink("..", migrations.join("up")).expect("a link");
    symlink("/nonexistent/x", migrations.join("2_dangling")).expect("a link");
    for command in ["check", "seal", "verify", "up", "status"] {
        clear(sandbox.run(&[command]));
    }
    std::fs::create_dir(migrations.join("3_loop")).expect("a folder");
    symlink("up.sql", migrations.join("3_loop/up.sql")).expect("a link");
    symlink("/dev/zero", migrations.join("3_loop/down.sql")).expect("a link");
    clear(sandbox.run(&["check"])).exits(1).says("3_loop");
    clear(sandbox.run(&["up"])).exits(1).says("3_loop");
}

#[test]
fn what_cannot_be_read_does_not_hang() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).write("migrations/2_pipe/down.sql", "DROP TABLE x;\n");
    let fifo = |path: &str| {
        assert!(Command::new("mkfifo").arg(sandbox.root().join(path)).status().expect("mkfifo").success());
    };
    fifo("migrations/2_pipe/up.sql");
    within(30, || {
        for command in ["check", "verify", "up", "seal", "status"] {
            clear(sandbox.run(&[command])).says(if command == "status" { "" } else { "2_pipe/up.sql" });
        }
    });
    sandbox.remove("migrations/2_pipe");
    fifo("migrations/registry.toml");
    within(30, || drop(clear(sandbox.run(&["check"])).says("registry.toml")));
    sandbox.remove("migrations/registry.toml");
    fifo("switchback.toml");
    fifo(".env");
    within(30, || drop(clear(sandbox.run(&["status"]))));
    sandbox.remove("switchback.toml").remove(".env");
    std::fs::create_dir(sandbox.root().join("migrations/registry.toml")).expect("a folder");
    clear(sandbox.run(&["check"])).says("registry.toml");
    sandbox.remove("migrations/registry.toml");
    std::fs::create_dir_all(sandbox.root().join("migrations/2_dir/up.sql")).expect("a folder");
    clear(sandbox.run(&["check"])).exits(1).says("2_dir");
    sandbox.remove("migrations");
    clear(sandbox.run(&["check"])).exits(2).says("migrations");
    sandbox.write("migrations", "a file");
    clear(sandbox.run(&["up"])).exits(2).says("migrations");
}

#[test]
fn registries_of_garbage_are_errors_with_their_place() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(2).run(&["verify"]).ok();
    let good = sandbox.read("migrations/registry.toml");
    let sha = "0".repeat(64);
    let mut texts: Vec<Vec<u8>> = [
        "format = 2\n",
        "format = \"one\"\n",
        "format = 1\nmigrations = 3\n",
        "format = 1\nmigrations = [ 1, 2 ]\n",
        "format = 1\nmigrations = [ { } ]\n",
        "format = 1\nmigrations = [ { id = 1 } ]\n",
        "format = 1\nproofs = [ { verdict = \"splendid\" } ]\n",
        "format = 1\nwaivers = [ { id = \"1_t1\" } ]\n",
        "format = 1\nsurprise = true\n",
        "<<<<<<< HEAD\n=======\n>>>>>>> other\n",
        "[[[[",
        "\u{0}\u{0}",
        "{\"json\": true}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    texts.push(b"\xff\xfe".to_vec());
    texts.push(format!("format = 1\nx = {}", "[".repeat(100_000)).into_bytes());
    texts.push(format!("format = 1\nmigrations = [\n{}", "{ a = ".repeat(50_000)).into_bytes());
    for text in texts {
        sandbox.write("migrations/registry.toml", &text);
        for command in ["check", "verify", "status", "up"] {
            let output = clear(sandbox.run(&[command]));
            let shown = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
            assert!(output.code != 0 && output.all().contains("registry.toml"), "{command} with {shown:?}: {output:?}");
        }
        assert!(sandbox.all_tables().is_empty());
    }
    // Cut off anywhere, and every checksum of another length: an error or less known, never a panic.
    for at in (0..good.len()).step_by(97) {
        sandbox.write("migrations/registry.toml", &good.as_bytes()[..at]);
        clear(sandbox.run(&["check"]));
    }
    sandbox.write("migrations/registry.toml", good.replace(|ch: char| ch.is_ascii_hexdigit(), "f"));
    clear(sandbox.run(&["check"]));
    sandbox.write("migrations/registry.toml", good.replace("\"sha", &format!("\"{sha}")));
    clear(sandbox.run(&["check"]));
}

#[test]
fn settings_of_garbage_are_errors_with_their_place() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1);
    for text in [
        "migrations = 3\n",
        "\n\nlock_wait = \"soon\"\n",
        "lock_wait = -1\n",
        "lock_wait = 99999999999999999999\n",
        "databases = \"x\"\n",
        "[databases.a]\nurl = 3\n",
        "[databases.a]\nurll = \"sqlite:x\"\n",
        "[policy]\nallow_everything = true\n",
        "database = \"nowhere\"\n",
        "layout = \"cobol\"\n",
        "unknown = 1\n",
        "[[",
        "= =",
        "a\u{0}b",
    ] {
        sandbox.write("switchback.toml", text);
        clear(sandbox.run(&["status"])).exits(2);
        let object = sandbox.json(&["status"]);
        assert_eq!(object["outcome"], "error", "{text:?}");
        if !text.starts_with("layout") {
            clear(sandbox.run(&["status"])).says("switchback.toml");
        }
    }
    sandbox.write("switchback.toml", b"\xff\xfe\x00").run(&["status"]).exits(2).says("switchback.toml");
    sandbox.write("switchback.toml", "[".repeat(100_000)).run(&["status"]).exits(2);
    sandbox.write("switchback.toml", "lock_wait = 18446744073709551615\n");
    clear(sandbox.run(&["status"]));
    sandbox.remove("switchback.toml");
    for text in [
        "transaction = \"maybe\"\n",
        "requires = \"1_t1\"\n",
        "surprise = 1\n",
        "[irreversible]\n",
        "[[[",
        "requires = [\"nope\"]\n",
        "requires = [\"2_t\"]\n",
    ] {
        sandbox
            .migration("2_t", "CREATE TABLE x (id integer);\n", "DROP TABLE x;\n")
            .write("migrations/2_t/migration.toml", text);
        clear(sandbox.run(&["check"])).exits(1).says("2_t");
        clear(sandbox.run(&["up"])).exits(1).says("2_t");
    }
}

#[test]
fn plans_and_checkpoints_of_garbage_are_usage_errors() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).run(&["up"]).ok();
    sandbox.run(&["plan", "down", "--all", "-o", "good.json"]).ok();
    let good = sandbox.read("good.json");
    symlink("/dev/zero", sandbox.root().join("endless")).expect("a link");
    symlink("endless-round", sandbox.root().join("endless-round")).expect("a link");
    std::fs::create_dir(sandbox.root().join("folder")).expect("a folder");
    let texts: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("nul", b"\0\0\0".to_vec()),
        ("latin", b"{\"switchback_plan\": 1, \"asked\": \"\xe9\"}".to_vec()),
        ("deep", "[".repeat(2_000_000).into_bytes()),
        ("wide", format!("{{\"switchback_plan\": 1, \"{}\": 1}}", "x".repeat(1 << 20)).into_bytes()),
        ("other", b"{\"switchback_plan\": 99}".to_vec()),
        ("twice", good.replacen("\"asked\"", "\"asked\": \"up\", \"asked\"", 1).into_bytes()),
        ("more", good.replacen("\"asked\"", "\"surprise\": 1, \"asked\"", 1).into_bytes()),
        ("cut", good.as_bytes()[..good.len() / 2].to_vec()),
    ];
    for (name, text) in &texts {
        sandbox.write(name, text);
    }
    let others = ["endless", "endless-round", "folder", "nothing"];
    within(60, || {
        for name in texts.iter().map(|(name, _)| *name).chain(others) {
            for args in
                [&["plan", "show", name][..], &["apply", name, "--yes"], &["log", "--verify", "--against", name]]
            {
                let output = clear(sandbox.run(args)).exits(2).says(name);
                assert!(output.all().len() < 8_000, "{} bytes are said of {name}", output.all().len());
            }
        }
        // A pipe is read as far as somebody writes into it.
        let pipe = sandbox.root().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let writer = std::thread::spawn(move || std::fs::write(pipe, good));
        clear(sandbox.run(&["plan", "show", "pipe"])).ok();
        writer.join().expect("a writer").expect("a pipe");
    });
    assert_eq!(sandbox.applied(), ["1_t1"]);
}

#[test]
fn settings_that_are_too_large_or_no_files_are_told_in_short() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1);
    let short = |output: Output| assert!(output.all().len() < 8_000, "{} bytes are said", output.all().len());
    within(60, || {
        for text in [
            format!("{} = 1\n", "x".repeat(900_000)),
            format!("layout = \"{}\"\n", "x".repeat(900_000)),
            format!("lock_wait = \"{}\"\n", "x".repeat(900_000)),
            format!("x = {}", "{ a = ".repeat(100_000)),
            "[a]\n".repeat(200_000),
            "x".repeat(2 << 20),
        ] {
            sandbox.write("switchback.toml", text);
            short(clear(sandbox.run(&["status"])).exits(2));
        }
        sandbox.remove("switchback.toml").write(".env", format!("A={}\n", "x".repeat(2 << 20)));
        short(clear(sandbox.run(&["status"])).exits(2).says(".env"));
        sandbox.remove(".env");
        for (name, device) in
            [("switchback.toml", "/dev/zero"), (".env", "/dev/zero"), ("migrations/registry.toml", "/dev/zero")]
        {
            symlink(device, sandbox.root().join(name)).expect("a link");
            short(clear(sandbox.run(&["check"])));
            std::fs::remove_file(sandbox.root().join(name)).expect("a link");
        }
        for text in [
            format!("requires = [{}]\n", "\"x\", ".repeat(500_000)),
            format!("a = {}", "[".repeat(1_000_000)),
            format!("ticket = \"{}\"\nsurprise = 1\n", "x".repeat(900_000)),
        ] {
            sandbox.write("migrations/1_t1/migration.toml", text);
            short(clear(sandbox.run(&["check"])).exits(1).says("1_t1/migration.toml"));
        }
        sandbox.remove("migrations/1_t1/migration.toml");
        sandbox.write("migrations/registry.toml", format!("format = 1\n{} = 1\n", "x".repeat(1 << 20)));
        short(clear(sandbox.run(&["check"])).exits(2).says("registry.toml"));
    });
}

#[test]
fn scripts_that_nest_a_million_times_are_read_in_one_pass() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    let deep = |text: &str| text.repeat(1_000_000);
    within(100, || {
        for (up, said) in [
            (format!("SELECT {}1{};\n", deep("("), deep(")")), "unsealed"),
            (deep("/*"), "unterminated"),
            (deep("BEGIN "), "transaction-control"),
            (deep("'"), "unsealed"),
            (format!("SELECT 1 -- {}\rDROP TABLE t;\n", deep("x")), "bare-cr"),
            (format!("SELECT 1;{}", deep("\0")), "nul-byte"),
        ] {
            sandbox.migration("1_deep", &up, "DROP TABLE t;\n");
            let output = clear(sandbox.run(&["check"])).exits(1).says(said);
            assert!(output.all().len() < 8_000, "{} bytes are said", output.all().len());
        }
    });
}

#[test]
fn a_script_of_50_mb_is_read_and_one_of_more_than_64_is_not() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    let row = format!("('{}')", "x".repeat(1_000));
    let rows = vec![row; 50 << 10].join(",\n");
    sandbox.migration(
        "1_large",
        &format!("CREATE TABLE b (a text);\nINSERT INTO b VALUES {rows};\n"),
        "DROP TABLE b;\n",
    );
    within(100, || {
        clear(sandbox.run(&["seal"])).ok();
    });
    sandbox.migration("2_larger", &format!("SELECT '{}';\n", "x".repeat(65 << 20)), "SELECT 1;\n");
    within(60, || drop(clear(sandbox.run(&["check"])).exits(1).says("2_larger/up.sql").says("too-large")));
}

#[test]
fn urls_of_garbage_are_usage_errors() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1);
    for url in [
        "postgres://h:99999/db",
        "postgres://h:port/db",
        "postgres://[::1/db",
        "mysql://h",
        "mysql://u@h/d?ssl-mode=sometimes",
        "postgres://h/d?nonsense=1",
        "oracle://h/d",
        "sqlite:",
        "sqlite:///",
        "http://example.org",
        "://",
        "a:b",
        "%",
        " ",
        "sqlite:/nonexistent/folder/x.db",
        "sqlite:app.db?mode=strange",
        "sqlite:.",
    ] {
        let output = clear(sandbox.run_with(&["status"], &[("DATABASE_URL", url)]));
        assert!(output.code != 0 || url.starts_with("sqlite:"), "{url}: {output:?}");
    }
}

#[test]
fn command_lines_of_garbage_are_usage_errors() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).run(&["up"]).ok();
    let lines: [&[&str]; 12] = [
        &[],
        &["ups"],
        &["down", "--steps", "-1", "--yes"],
        &["down", "--steps", "many", "--yes"],
        &["down", "--steps", "99999999999999999999999", "--yes"],
        &["log", "-n", "-5"],
        &["up", "--to"],
        &["up", "--to", "", "--steps", "1"],
        &["verify", "no-such-migration"],
        &["waive", "1_t1"],
        &["status", "--lock-wait", "soon"],
        &["-C", "/nonexistent/folder", "status"],
    ];
    for args in lines {
        clear(sandbox.run(args)).exits(2);
    }
    for args in [
        &["down", "--steps", "0", "--yes"][..],
        &["up", "--steps", "0"],
        &["log", "-n", "0"],
        &["up", "--lock-wait", "18446744073709551615"],
        &["status", "--wait", "18446744073709551615"],
    ] {
        clear(sandbox.run(args)).ok();
    }
    assert_eq!(sandbox.applied(), ["1_t1"]);
}

#[test]
fn scripts_that_do_not_end_are_errors_at_their_opening_token() {
    each_engine(|sandbox| {
        for (text, place) in [
            ("CREATE TABLE x (id integer);\nINSERT INTO x VALUES ('never\nends", "up.sql:2:23"),
            ("CREATE TABLE x (id integer);\n  /* never ends\n", "up.sql:2:3"),
        ] {
            sandbox.migration("1_x", text, "DROP TABLE x;\n");
            for command in ["check", "verify", "up"] {
                clear(sandbox.run(&[command])).exits(1).says(place);
            }
            assert!(sandbox.all_tables().is_empty());
        }
    });
}

#[test]
fn control_characters_of_others_do_not_reach_the_terminal() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration("1_x", "CREATE TABLE \"a\u{1b}[31mred\u{202e}\" (id integer);\n", "SELECT 1;\n");
    let output = clear(sandbox.run(&["verify"])).exits(1);
    assert!(!output.all().contains('\u{1b}') && !output.all().contains('\u{202e}'), "{output:?}");
    sandbox.migration("2_\u{202e}x", "CREATE TABLE b (id integer);\n", "DROP TABLE b;\n");
    clear(sandbox.run(&["check"])).says_not("\u{202e}");
    clear(sandbox.run(&["status"])).says_not("\u{202e}");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(300);
    let mut command = sandbox.command(&["status"]);
    let mut child = command.spawn().expect("the binary");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
}
