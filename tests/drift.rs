//! What a database has otherwise than its ledger says, and what two schemas have otherwise than each other.

mod common;

use common::{Kind, Sandbox, each, each_engine};

#[test]
fn a_database_as_its_ledger_says_has_no_drift() {
    each_engine(|sandbox| {
        sandbox.run(&["drift"]).exits(1).says("has no ledger");
        sandbox.tables(3).run(&["up"]).ok();
        sandbox.run(&["drift"]).ok().says("3 migrations: 0 errors, 0 warnings");
        // No checkout is needed: the ledger has the scripts.
        sandbox.remove("migrations").run(&["drift"]).ok();
    });
}

#[test]
fn what_was_done_by_hand_is_told() {
    each_engine(|sandbox| {
        sandbox.tables(3).run(&["up"]).ok();
        sandbox.sql("ALTER TABLE t1 ADD COLUMN a integer");
        sandbox.sql("DROP TABLE t2");
        sandbox.sql("CREATE TABLE tmp_x (id integer)");
        let said = sandbox.run(&["drift"]).exits(1);
        said.says("t1.a is there, and no migration made it")
            .says("t2 is missing")
            .says("tmp_x is there")
            .says("3 errors");
        let object = sandbox.json(&["drift"]);
        let codes = each(&object["findings"], "/code");
        assert_eq!(codes, ["drift-added", "drift-missing", "drift-added"], "{object}");
        assert_eq!(object["findings"][1]["migration"], "2_t2");
        sandbox.run(&["drift", "--format", "junit"]).exits(1).says("<failure");
        let dot = if sandbox.kind == Kind::Postgres { "public." } else { "" };
        sandbox.write(
            "switchback.toml",
            format!("[drift]\nignore = [\"table {dot}tmp_*\", \"column {dot}t1.a\", \"table {dot}t2\", \"view *\"]\n"),
        );
        sandbox.run(&["drift"]).ok().says("note[drift-rule-unused]").says("view *").says_not("tmp_x is there");
    });
}

#[test]
fn i7_drift_and_diff_leave_no_trace() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        sandbox.sql("CREATE TABLE by_hand (id integer)");
        let (tables, rows) = (sandbox.all_tables(), sandbox.ledger_rows());
        let ledger = format!("ledger:{}", sandbox.url);
        for args in [&["drift"][..], &["diff", &sandbox.url, &ledger], &["diff", "migrations", &sandbox.url]] {
            sandbox.run(args).exits(1).says("by_hand");
            assert_eq!((sandbox.all_tables(), sandbox.ledger_rows()), (tables.clone(), rows.clone()), "{args:?}");
        }
    });
}

#[test]
fn two_sides_are_compared_whatever_they_are() {
    each_engine(|sandbox| {
        let git = |args: &[&str]| {
            let mut git = std::process::Command::new("git");
            git.current_dir(sandbox.root())
                .args(["-c", "user.name=Tess", "-c", "user.email=tess@example.org"])
                .args(args);
            let ran = git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", sandbox.home()).output().expect("git");
            assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        };
        sandbox.tables(2).run(&["up"]).ok();
        git(&["init", "-q", "-b", "main"]);
        git(&["add", "migrations"]);
        git(&["commit", "-q", "-m", "two"]);
        let ledger = format!("ledger:{}", sandbox.url);
        sandbox.run(&["diff", &sandbox.url, &ledger]).ok().says("0 differences");
        sandbox.run(&["diff", "migrations", "git:main"]).ok();
        sandbox.tables(3);
        sandbox
            .run(&["diff", "git:main", "migrations"])
            .exits(1)
            .says("only migrations has table")
            .says("1 difference");
        let object = sandbox.json(&["diff", "migrations", &sandbox.url]);
        assert_eq!(
            (&object["outcome"], each(&object["findings"], "/code")),
            (&"findings".into(), vec!["only-first".to_owned()])
        );
        sandbox.run(&["diff", "git:nowhere", "migrations"]).exits(2).says("nowhere");
        git(&["rm", "-q", "-r", "--cached", "migrations"]);
        git(&["commit", "-q", "-m", "none"]);
        sandbox.run(&["diff", "git:main", "migrations"]).exits(2).says("has no files");
        sandbox.run(&["diff", &sandbox.url, "no such database"]).exits(2);
    });
}

#[test]
fn different_engines_cannot_be_compared() {
    let (one, two) = (Sandbox::new(Kind::Sqlite), Sandbox::new(Kind::Postgres));
    one.tables(1).run(&["up"]).ok();
    one.run(&["diff", &one.url, &two.url]).exits(2).says("sqlite").says("postgres").says("same engine");
}

#[test]
fn i9_what_cannot_be_read_is_no_identity() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).run(&["up"]).ok();
    sandbox.write("odd.db", "this is no database at all, whatever its name says, and long enough to be read as one");
    sandbox.run(&["diff", "sqlite:odd.db", &sandbox.url]).exits(3);
    sandbox.run(&["diff", "sqlite:gone.db", &sandbox.url]).exits(3).says("no database at sqlite:gone.db");
    sandbox.run(&["diff", &sandbox.url, "sqlite:gone.db"]).exits(3);
}

/// PostgreSQL: other schemas may be somebody else's.
#[test]
fn only_the_schemas_that_are_named_count() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.tables(1).run(&["up"]).ok();
    sandbox.sql("CREATE SCHEMA other");
    sandbox.sql("CREATE TABLE other.x (id integer)");
    sandbox.run(&["drift"]).exits(1).says("other.x");
    sandbox.write("switchback.toml", "[drift]\nschemas = [\"public\"]\n").run(&["drift"]).ok();
    sandbox.sql("CREATE TABLE public.y (id integer)");
    sandbox.run(&["drift"]).exits(1).says("public.y").says_not("other.x");
}
