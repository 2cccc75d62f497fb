//! Targets that are sets: a time, a release, a git revision, without some, with some kept.

mod common;

use std::process::Command;

use common::{Kind, Sandbox, each, each_engine};

/// Five migrations: a view stands on a column, the others on nothing but their tables.
fn history(sandbox: &Sandbox) {
    sandbox.migration("01_users", "CREATE TABLE users (id integer, name varchar(20));\n", "DROP TABLE users;\n");
    sandbox.migration("02_orders", "CREATE TABLE orders (id integer);\n", "DROP TABLE orders;\n");
    sandbox.migration(
        "03_email",
        "ALTER TABLE users ADD COLUMN email varchar(20);\n",
        "ALTER TABLE users DROP COLUMN email;\n",
    );
    sandbox.migration("04_view", "CREATE VIEW mails AS SELECT email FROM users;\n", "DROP VIEW mails;\n");
    sandbox.migration("05_notes", "CREATE TABLE notes (id integer);\n", "DROP TABLE notes;\n");
}

/// What is applied, by name.
fn applied(sandbox: &Sandbox) -> Vec<String> {
    let mut ids = sandbox.applied();
    ids.sort_unstable();
    ids
}

fn planned(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let object = sandbox.json(&[&["plan"], args].concat());
    let step = |step: &serde_json::Value| {
        let part = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} ({})", part("direction"), part("id"), part("why"))
    };
    object["steps"].as_array().unwrap().iter().map(step).collect()
}

#[test]
fn one_is_taken_out_of_the_middle_with_what_stands_on_it() {
    each_engine(|sandbox| {
        history(sandbox);
        sandbox.run(&["up"]).ok();
        let drops = ["down 04_view (stands on 03_email)", "down 03_email (asked)"];
        assert_eq!(planned(sandbox, &["down", "--only", "03_email"]), drops);
        // A checkout that has never seen them knows it from the ledger (I3).
        for id in ["02_orders", "03_email", "04_view"] {
            sandbox.remove(&format!("migrations/{id}"));
        }
        assert_eq!(planned(sandbox, &["down", "--only", "email"]), drops);
        sandbox.run(&["down", "--only", "email", "--yes"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "02_orders", "05_notes"]);
        sandbox.run(&["down", "--only", "02", "--yes"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "05_notes"]);
        // What is applied was proven when it was applied, whatever went from under it since.
        let picture = sandbox.json(&["graph"]);
        assert_eq!(each(&picture["nodes"], "/standing"), ["proven", "proven"], "{picture}");
        sandbox.run(&["down", "--only", "07", "--yes"]).exits(2);
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn what_is_kept_stays_with_what_it_stands_on() {
    each_engine(|sandbox| {
        history(sandbox);
        sandbox.run(&["up"]).ok();
        sandbox.run(&["down", "--to", "01", "--keep", "04", "--yes"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "03_email", "04_view"]);
        let refused = sandbox.run(&["down", "--only", "03", "--keep", "04", "--yes"]).exits(1);
        refused.says("`04_view` cannot stay").says("stands on `03_email`");
        // And up again with one alone: what it needs comes, and nothing else.
        sandbox.run(&["down", "--all", "--yes"]).ok();
        sandbox.run(&["up", "--only", "04"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "03_email", "04_view"]);
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.applied().len(), 5);
    });
}

/// `requires` that leaves out what a view stands on: the edges say that it may stay, the shadow knows better.
#[test]
fn i12_a_revert_that_keeps_its_successors_ends_where_a_history_without_it_would() {
    each_engine(|sandbox| {
        history(sandbox);
        sandbox.write("migrations/04_view/migration.toml", "requires = [\"01_users\"]\n");
        sandbox.run(&["up"]).ok();
        let before = sandbox.applied();
        let refused = sandbox.run(&["down", "--only", "03", "--yes"]).exits(1);
        refused
            .says("`03_email` cannot be taken out: blocked by `04_view`, which uses column")
            .says("users.email")
            .says("04_view/up.sql:1:");
        assert_eq!(sandbox.applied(), before);
        sandbox.run(&["plan", "down", "--only", "03"]).exits(1).says("blocked by `04_view`");
        // Where nothing stands in the way it says so.
        sandbox.run(&["plan", "down", "--only", "02"]).ok().says("safe");
        sandbox.run(&["down", "--only", "02", "--yes"]).ok();
        assert_eq!(sandbox.json(&["drift"])["outcome"], "ok");
        sandbox.run(&["down", "--only", "03", "04", "--yes"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "05_notes"]);
        assert_eq!(sandbox.json(&["drift"])["outcome"], "ok");
    });
}

/// A down that puts a whole table back as it was once takes with it what came later.
#[test]
fn i12_what_a_down_would_take_from_later_ones_is_told() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.migration("01_users", "CREATE TABLE users (id integer, name text);\n", "DROP TABLE users;\n");
    sandbox.migration(
        "02_email",
        "ALTER TABLE users ADD COLUMN email text;\n",
        "CREATE TABLE u AS SELECT id, name FROM users;\nDROP TABLE users;\nCREATE TABLE users (id integer, name text);\n\
         INSERT INTO users SELECT id, name FROM u;\nDROP TABLE u;\n",
    );
    sandbox.migration(
        "03_phone",
        "ALTER TABLE users ADD COLUMN phone text;\n",
        "ALTER TABLE users DROP COLUMN phone;\n",
    );
    sandbox.write("migrations/03_phone/migration.toml", "requires = [\"01_users\"]\n");
    sandbox.run(&["up"]).ok();
    let refused = sandbox.run(&["down", "--only", "02", "--yes"]).exits(1);
    refused.says("blocked by `03_phone`: column users.phone would be lost").says("03_phone/up.sql:1:1");
    assert_eq!(sandbox.applied().len(), 3);
}

#[test]
fn a_time_is_the_state_that_was_then() {
    each_engine(|sandbox| {
        history(sandbox);
        sandbox.run(&["up", "--steps", "2"]).ok();
        let time = chrono::Utc::now().to_rfc3339();
        sandbox.run(&["up"]).ok();
        sandbox.run(&["down", "--only", "02", "--yes"]).ok();
        // There is nothing of the checkout that it needs.
        sandbox.remove("migrations");
        sandbox.write("migrations/.keep", "");
        let steps = [
            "down 05_notes (not in the target)",
            "down 04_view (not in the target)",
            "down 03_email (not in the target)",
            "up 02_orders (in the target)",
        ];
        assert_eq!(planned(sandbox, &["down", "--to-time", &time]), steps);
        sandbox.run(&["down", "--to-time", &time, "--yes"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "02_orders"]);
        sandbox.run(&["down", "--to-time", "2001-01-01", "--yes"]).exits(1).says("the ledger begins at");
        sandbox.run(&["down", "--to-time", "soon", "--yes"]).exits(2).says("2026-11-20T10:00:00Z");
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn a_clock_that_was_set_back_is_no_time_to_go_to() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    history(&sandbox);
    sandbox.run(&["up", "--steps", "1"]).ok();
    sandbox.run(&["up", "--steps", "1"]).ok();
    sandbox.run(&["up", "--steps", "1"]).ok();
    sandbox.sql("DROP TRIGGER switchback_ledger_no_update");
    // The clock ran ahead while the second was applied.
    sandbox.sql("UPDATE switchback_ledger SET finished_at = '2099-01-01T00:00:00.000000Z' WHERE seq = 2");
    let now = chrono::Utc::now().to_rfc3339();
    let refused = sandbox.run(&["plan", "down", "--to-time", &now]).exits(1);
    refused.says("two states may be meant").says("row #3").says("before row #2").says("--to ID");
}

#[test]
fn a_release_is_a_set_that_has_a_name() {
    each_engine(|sandbox| {
        history(sandbox);
        sandbox.run(&["release", "v1"]).exits(1).says("nothing was ever applied");
        sandbox.run(&["up", "--steps", "2"]).ok();
        let args = ["release", "v1", "--artifact", "sha256:abc", "--config", "mode=old", "--reason", "shipped"];
        sandbox.run(&args).ok().says("released v1 with 2 migrations");
        sandbox.run(&["release", "v1"]).exits(1).says("there is a release `v1` already");
        sandbox.run(&["up"]).ok();
        sandbox.run(&["release", "v2"]).ok();
        let object = sandbox.json(&["release"]);
        assert_eq!(each(&object["releases"], "/release/name"), ["v1", "v2"]);
        assert_eq!(object["releases"][0]["release"]["config"]["mode"], "old");
        sandbox.run(&["release"]).ok().says("v1 (2 migrations; #").says("artifact = sha256:abc").says("applied now");
        sandbox.run(&["down", "--to-release", "v3", "--yes"]).exits(2).says("did you mean `v");
        sandbox.run(&["down", "--to-release", "v1", "--yes"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "02_orders"]);
        // Forth again, with the scripts that the ledger keeps.
        sandbox.remove("migrations/05_notes");
        sandbox.run(&["up", "--to-release", "v2"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "02_orders", "03_email", "04_view", "05_notes"]);
        let log = sandbox.run(&["log"]).ok();
        log.says("release v1").says("holds   2 migrations").says_not("\"members\"");
        sandbox.run(&["log", "--verify"]).ok();
    });
}

fn git(sandbox: &Sandbox, args: &[&str]) {
    let ran = Command::new("git")
        .arg("-C")
        .arg(sandbox.root())
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn a_branch_is_the_set_of_its_migrations() {
    each_engine(|sandbox| {
        history(sandbox);
        git(sandbox, &["init", "-q"]);
        git(sandbox, &["add", "migrations"]);
        git(sandbox, &["commit", "-qm", "main"]);
        git(sandbox, &["checkout", "-qb", "feature"]);
        sandbox.migration("06_tags", "CREATE TABLE tags (id integer);\n", "DROP TABLE tags;\n");
        sandbox.migration(
            "03_email",
            "ALTER TABLE users ADD COLUMN email varchar(40);\n",
            "ALTER TABLE users DROP COLUMN email;\n",
        );
        git(sandbox, &["add", "migrations"]);
        git(sandbox, &["commit", "-qm", "feature"]);
        sandbox.run(&["up"]).ok();
        let steps = [
            "down 06_tags (not in the target)",
            "down 04_view (stands on 03_email)",
            "down 03_email (another version is in the target)",
            "up 03_email (again)",
            "up 04_view (again)",
        ];
        assert_eq!(planned(sandbox, &["down", "--to-git", "main"]), steps);
        let registry = sandbox.read("migrations/registry.toml");
        sandbox.run(&["down", "--to-git", "main", "--yes"]).ok();
        assert_eq!(applied(sandbox), ["01_users", "02_orders", "03_email", "04_view", "05_notes"]);
        assert_eq!(sandbox.read("migrations/registry.toml"), registry, "it tells of the checkout alone");
        sandbox.run(&["down", "--to-git", "nowhere", "--yes"]).exits(2).says("nowhere");
        sandbox.run(&["down", "--to-git", "feature", "--yes"]).ok();
        assert_eq!(sandbox.applied().len(), 6);
        sandbox.run(&["status", "--exit-code"]).ok();
        sandbox.run(&["log", "--verify"]).ok();
    });
}

/// What is wrong at a revision is told by git's own name of the file.
#[test]
fn a_script_of_a_branch_is_named_as_git_names_it() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    history(&sandbox);
    sandbox.run(&["up"]).ok();
    git(&sandbox, &["init", "-q"]);
    sandbox.migration("06_tags", "CREATE TABLE tags (id integer);\nCREATE TABLE 'open;\n", "DROP TABLE tags;\n");
    git(&sandbox, &["add", "migrations"]);
    git(&sandbox, &["commit", "-qm", "broken"]);
    git(&sandbox, &["tag", "broken"]);
    sandbox.remove("migrations/06_tags");
    let refused = sandbox.run(&["up", "--to-git", "broken"]).exits(1);
    refused.says("this string is never closed").says("at broken:migrations/06_tags/up.sql:2:14");
    sandbox.write("migrations/06_tags/up.sql", "CREATE TABLE tags (id integer);\nCREATE TABLE tags (id integer);\n");
    sandbox.write("migrations/06_tags/down.sql", "DROP TABLE tags;\n");
    git(&sandbox, &["add", "migrations"]);
    git(&sandbox, &["commit", "-qm", "fails"]);
    sandbox.remove("migrations/06_tags");
    sandbox.run(&["up", "--to-git", "HEAD"]).exits(1).says("HEAD:migrations/06_tags/up.sql:2:1");
    sandbox.run(&["diff", "git:HEAD", "migrations"]).says("HEAD:migrations/06_tags/up.sql:2:1");
}

/// Git is asked as often for many files as for few.
#[test]
fn a_branch_is_read_at_once_however_many_files_it_has() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    history(&sandbox);
    sandbox.run(&["up"]).ok();
    git(&sandbox, &["init", "-q"]);
    let asked = |name: &str| {
        git(&sandbox, &["add", "migrations"]);
        git(&sandbox, &["commit", "-qm", name]);
        let trace = sandbox.root().join(name);
        sandbox.run_with(&["plan", "down", "--to-git", "HEAD"], &[("GIT_TRACE2_EVENT", trace.to_str().unwrap())]).ok();
        sandbox.read(name).lines().filter(|line| line.contains("\"event\":\"start\"")).count()
    };
    let few = asked("few");
    for number in 10..60 {
        sandbox.migration(&format!("{number}_more"), "SELECT 1;\n", "SELECT 1;\n");
    }
    assert_eq!((asked("many"), few > 0), (few, true));
}

/// Where DDL commits by itself, a revert out of the middle that stops half-way is gone on with by the command that is named.
#[test]
fn i4_a_revert_out_of_the_middle_is_gone_on_with() {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.migration(
        "01_two",
        "CREATE TABLE one (id integer);\nCREATE TABLE two (id integer);\n",
        "DROP TABLE two;\nDROP TABLE one;\n",
    );
    sandbox.migration("02_notes", "CREATE TABLE notes (id integer);\n", "DROP TABLE notes;\n");
    sandbox.run(&["up"]).ok();
    // A key that no migration knows of holds the second statement back.
    sandbox.sql("ALTER TABLE one ADD PRIMARY KEY (id)");
    sandbox.sql("CREATE TABLE child (id integer, FOREIGN KEY (id) REFERENCES one (id))");
    sandbox.run(&["down", "--only", "01", "--yes"]).exits(4);
    sandbox.run(&["status"]).says("`switchback recover` tells how far it got; with --resume it goes on");
    sandbox.run(&["down", "--all", "--yes"]).exits(4).says("with --resume it goes on");
    sandbox.sql("DROP TABLE child");
    sandbox.sql("ALTER TABLE one DROP PRIMARY KEY");
    sandbox.sql("ALTER TABLE one MODIFY id integer NULL");
    // What is gone already is not asked for.
    sandbox.run(&["recover", "--resume", "--yes"]).ok();
    assert_eq!(applied(&sandbox), ["02_notes"]);
    assert_eq!(sandbox.json(&["drift"])["outcome"], "ok");
    sandbox.run(&["log", "--verify"]).ok();
}
