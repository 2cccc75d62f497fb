//! Rows for the shadow that a project gives: `seed/` beside the migrations, and what is said where rows are wanting.

mod common;

use common::{Kind, Sandbox, each, each_engine};

/// A folder of golang-migrate, which has no place for a `seed.sql`; `a` is -1234 in every row that the table takes.
fn foreign(sandbox: &Sandbox) {
    let table = "CREATE TABLE odd (id integer PRIMARY KEY, a integer NOT NULL, b integer, CONSTRAINT odd_only CHECK (a * a = 1522756 AND a < 0));\n";
    sandbox.write("migrations/000001_odd.up.sql", table).write("migrations/000001_odd.down.sql", "DROP TABLE odd;\n");
    sandbox.write("migrations/000002_set.up.sql", "UPDATE odd SET b = 5 WHERE b IS NULL;\n");
    sandbox.write("migrations/000002_set.down.sql", "UPDATE odd SET b = NULL WHERE b = 5;\n");
}

const ROWS: &str = "INSERT INTO odd (id, a, b) VALUES (1, -1234, NULL), (2, -1234, 9);\n";

/// Codes of a migration's findings.
fn codes(told: &serde_json::Value, at: usize) -> Vec<String> {
    each(&told["migrations"][at]["findings"], "/code")
}

#[test]
fn a_table_that_takes_no_row_is_named_with_the_constraint_until_a_seed_helps() {
    each_engine(|sandbox| {
        foreign(sandbox);
        let told = sandbox.json(&["verify", "--keep-going"]);
        assert_eq!(codes(&told, 0), ["no-rows"], "{told}");
        assert_eq!(codes(&told, 1), ["no-rows", "not-exercised", "not-exercised"], "{told}");
        assert_eq!(told["migrations"][1]["verdict"], "lossy");
        let note = &told["migrations"][1]["findings"][0];
        let message = note["message"].as_str().unwrap();
        assert!(message.starts_with("no row can be made for ") && message.contains("odd_only"), "{message}");
        assert!(note["help"].as_str().unwrap().contains("seed/ID.sql"), "{note}");
        let human = sandbox.run(&["verify", "--fresh"]).ok();
        let human = human.says("no row can be made for ").says("odd_only").says("seed/ID.sql");
        human.says("not exercised: this statement of the up touched no row of odd in the shadow");

        sandbox.write("seed/000002.sql", ROWS);
        let told = sandbox.json(&["verify", "--fresh", "000002"]);
        assert_eq!(codes(&told, 0), [""; 0], "{told}");
        assert_eq!(told["migrations"][0]["verdict"], "exact");
        sandbox.run(&["up", "--yes"]).ok();
        assert_eq!(sandbox.value("SELECT count(*) FROM odd"), "0", "seeds are for shadows only");
    });
}

#[test]
fn a_seed_for_one_engine_stands_in_for_the_others() {
    each_engine(|sandbox| {
        foreign(sandbox);
        let engine = match sandbox.kind {
            Kind::Sqlite => "sqlite",
            Kind::Postgres => "postgres",
            Kind::Mysql => "mysql",
        };
        sandbox.write("seed/set.sql", "INSERT INTO no_such_table VALUES (1);\n");
        sandbox.write("seed/set.oracle.sql", ROWS);
        sandbox.run(&["verify"]).says("no_such_table");
        sandbox.write(&format!("seed/000002_set.{engine}.sql"), ROWS);
        let told = sandbox.json(&["verify", "--fresh", "000002"]);
        assert_eq!(codes(&told, 0), [""; 0], "{told}");
    });
}

#[test]
fn what_a_seed_does_not_say_clearly_is_found() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(2).write("migrations/2_t2/seed.sql", "INSERT INTO t1 VALUES (1);\n");
    let found = |sandbox: &Sandbox| {
        let told = sandbox.json(&["check"]);
        let (codes, messages) = (each(&told["findings"], "/code"), each(&told["findings"], "/message"));
        codes.into_iter().zip(messages).filter(|(code, _)| code != "unsealed").collect::<Vec<_>>()
    };
    assert_eq!(found(&sandbox), []);
    sandbox.write("seed/2_t2.sql", "INSERT INTO t1 VALUES (2);\n").write("seed/2_t3.sql", "SELECT 1;\n");
    sandbox.write("seed/_t.sql", "SELECT 1;\n").write("seed/more/1.sql", "SELECT 1;\n");
    sandbox.write("seed/1_t1.sql", "SELECT 1;\n").write("seed/1.sql", "SELECT 'never closed;\n");
    let told = found(&sandbox);
    let expected = [
        ("unterminated", "never closed"),
        ("seed-double", "`1_t1` has rows from `seed/1.sql` already"),
        ("seed-double", "`2_t2` has rows from `migrations/2_t2/seed.sql` already"),
        ("seed-unknown", "no migration is called `2_t3`"),
        ("seed-unknown", "`_t` fits 2 migrations"),
        ("seed-unknown", "seeds stand in their folder as files"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((code, message), (wanted, part)) in told.iter().zip(expected) {
        assert!(code == wanted && message.contains(part), "{code}: {message}");
    }
    sandbox.run(&["check"]).says("did you mean `2_t2`?").says("put all rows for a migration into one file");
}

#[test]
fn the_folder_of_seeds_can_be_elsewhere() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    foreign(&sandbox);
    sandbox.write("switchback.toml", "seed = \"db/rows\"\n");
    sandbox.run(&["check"]).exits(2).says("there is no folder `db/rows`").says("`seed` in switchback.toml");
    sandbox.write("db/rows/set.sql", ROWS).write("seed/nothing.sql", "SELECT 1;\n");
    let told = sandbox.json(&["verify"]);
    assert_eq!(told["migrations"][1]["verdict"], "exact", "{told}");
    assert_eq!(each(&sandbox.json(&["check"])["findings"], "/code"), [""; 0]);
}

#[test]
fn an_edited_seed_voids_no_proof_and_is_a_change_since_a_revision() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    foreign(&sandbox);
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.current_dir(sandbox.root()).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
        assert!(command.output().expect("git").status.success(), "{args:?}");
    };
    sandbox.write(".gitignore", "app.db*\n").run(&["verify"]).ok();
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "all"]);
    assert_eq!(sandbox.json(&["verify", "--base", "HEAD"])["migrations"].as_array().unwrap().len(), 0);
    sandbox.write("seed/000002.sql", ROWS);
    let told = sandbox.json(&["verify", "--base", "HEAD", "--fresh"]);
    assert_eq!(each(&told["migrations"], "/id"), ["000002_set"]);
    assert_eq!(told["migrations"][0]["verdict"], "exact", "{told}");
    sandbox.run(&["check"]).ok();
}

#[test]
fn tables_of_pairs_get_rows_again_where_no_ddl_is_rolled_back() {
    each_engine(|sandbox| {
        let (a, b) = ("CREATE TABLE a (id integer PRIMARY KEY)", "CREATE TABLE b (id integer PRIMARY KEY)");
        sandbox.migration("1_a", &format!("{a}; {b};"), "DROP TABLE b; DROP TABLE a;");
        let pairs = "CREATE TABLE ab (a integer NOT NULL, b integer NOT NULL, PRIMARY KEY (a, b),
            FOREIGN KEY (a) REFERENCES a (id), FOREIGN KEY (b) REFERENCES b (id));";
        sandbox.migration("2_ab", pairs, "DROP TABLE ab;");
        sandbox.migration("3_c", "ALTER TABLE ab ADD COLUMN c integer;", "ALTER TABLE ab DROP COLUMN c;");
        let told = sandbox.json(&["verify"]);
        assert_eq!(each(&told["migrations"], "/verdict"), ["exact", "exact", "exact"]);
        let notes = each(&told["migrations"][1]["findings"], "/message");
        assert_eq!([notes, each(&told["migrations"][2]["findings"], "/message")].concat(), [""; 0]);
    });
}

/// `INSERT` of these rows into `s`, which passes over those that are there, or writes over them.
fn insert(kind: Kind, rows: &str, over: &str) -> String {
    match (kind, over) {
        (Kind::Sqlite, "ignore") => format!("INSERT OR IGNORE INTO s (id, name) VALUES {rows}"),
        (Kind::Mysql, "ignore") => format!("INSERT IGNORE INTO s (id, name) VALUES {rows}"),
        (_, "ignore") => format!("INSERT INTO s (id, name) VALUES {rows} ON CONFLICT (id) DO NOTHING"),
        (Kind::Mysql, "update") => {
            format!("INSERT INTO s (id, name) VALUES {rows} ON DUPLICATE KEY UPDATE name = 'new'")
        }
        (_, "update") => format!("INSERT INTO s (id, name) VALUES {rows} ON CONFLICT (id) DO UPDATE SET name = 'new'"),
        _ => format!("INSERT INTO s (id, name) VALUES {rows}"),
    }
}

#[test]
fn rows_that_an_up_is_about_to_insert_are_not_there_before_it() {
    each_engine(|sandbox| {
        sandbox.migration("1_s", "CREATE TABLE s (id integer PRIMARY KEY, name varchar(20));", "DROP TABLE s;");
        let down = "DELETE FROM s WHERE id IN (1, 2);";
        for over in ["ignore", "fail"] {
            sandbox.migration("2_rows", &insert(sandbox.kind, "(1, 'a'), (2, 'b')", over), down);
            let told = sandbox.json(&["verify", "--fresh"]);
            assert_eq!(codes(&told, 1), [""; 0], "{over}: {told}");
            assert_eq!(told["migrations"][1]["verdict"], "exact", "{over}");
        }
        sandbox.migration("2_rows", &insert(sandbox.kind, "(1, 'a'), (2, 'b')", "ignore"), down);
        sandbox.run(&["check"]).says("if its rows of s are there already, the up leaves them alone");
    });
}

#[test]
fn rows_that_an_up_writes_over_or_takes_away_first_are_there_before_it() {
    each_engine(|sandbox| {
        sandbox.migration("1_s", "CREATE TABLE s (id integer PRIMARY KEY, name varchar(20));", "DROP TABLE s;");
        let over = insert(sandbox.kind, "(1, 'a')", "update");
        let anew = format!("DELETE FROM s WHERE id = 1;\n{};", insert(sandbox.kind, "(1, 'a')", "fail"));
        for up in [over, anew] {
            sandbox.migration("2_rows", &up, "DELETE FROM s WHERE id = 1;");
            let told = sandbox.json(&["verify", "--fresh"]);
            assert_eq!(codes(&told, 1), ["rows-lost"], "{up}: {told}");
        }
    });
}

#[test]
fn rows_that_a_down_is_about_to_insert_are_not_written_after_the_up() {
    each_engine(|sandbox| {
        sandbox.migration("1_s", "CREATE TABLE s (id integer PRIMARY KEY, name varchar(20));", "DROP TABLE s;");
        let (up, down) = ("DELETE FROM s WHERE id = 1;", "INSERT INTO s (id, name) VALUES (1, 'a');");
        let told = sandbox.migration("2_rows", up, down).json(&["verify", "--keep-going"]);
        assert_eq!(told["migrations"][1]["verdict"], "lossy", "{told}");
        assert!(!codes(&told, 1).contains(&"down-failed".to_owned()), "{told}");
    });
}

#[test]
fn sqlite_booleans_are_words_where_the_schema_or_a_script_has_words() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    let posts = "CREATE TABLE posts (id integer PRIMARY KEY, by integer NOT NULL REFERENCES users (id));\n";
    for (default, posts) in [("DEFAULT 'f'", posts), ("", "CREATE TABLE posts (id integer);\n")] {
        let users = format!("(id integer PRIMARY KEY, is_admin BOOLEAN NOT NULL {default});\n");
        let tables = format!("CREATE TABLE users {users}{posts}");
        sandbox.migration("1_users", &tables, "DROP TABLE posts;\nDROP TABLE users;\n");
        let up = "CREATE TABLE new (id integer PRIMARY KEY, role integer NOT NULL);
            INSERT INTO new SELECT id, 0 FROM users WHERE is_admin = 't';
            INSERT INTO new SELECT id, 2 FROM users WHERE is_admin = 'f';
            DROP TABLE users; ALTER TABLE new RENAME TO users;";
        let down = format!(
            "CREATE TABLE old {users}
            INSERT INTO old SELECT id, 't' FROM users WHERE role = 0; INSERT INTO old SELECT id, 'f' FROM users WHERE role <> 0;
            DROP TABLE users; ALTER TABLE old RENAME TO users;"
        );
        let told = sandbox.migration("2_role", up, &down).json(&["verify", "--fresh"]);
        // Without a default, rows that were made before the script was met have 1 and 0, which it takes nowhere.
        let expected: &[&str] = if default.is_empty() { &["rows-lost"] } else { &[] };
        assert_eq!(codes(&told, 1), expected, "{told}");
    }
}

#[test]
fn rows_that_a_copy_chooses_are_there() {
    each_engine(|sandbox| {
        let tables =
            "CREATE TABLE a (id integer PRIMARY KEY, kind varchar(20));\nCREATE TABLE b (id integer PRIMARY KEY);\n";
        sandbox.migration("1_a", tables, "DROP TABLE b;\nDROP TABLE a;\n");
        let up = "INSERT INTO b SELECT id + 1000000 FROM a WHERE kind = 'chosen';\n";
        let told = sandbox.migration("2_copy", up, "DELETE FROM b WHERE id > 1000000;\n").json(&["verify"]);
        assert!(!codes(&told, 1).contains(&"not-exercised".to_owned()), "{told}");
    });
}
