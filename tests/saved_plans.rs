//! Saved plans: run exactly as they stand, or refused before anything runs.

mod common;

use chrono::TimeDelta;
use common::{Kind, Sandbox, each_engine};
use switchback::saved::Saved;

fn two(sandbox: &Sandbox) {
    sandbox.migration("01_users", "CREATE TABLE users (id integer);\n", "DROP TABLE users;\n");
    sandbox.migration("02_orders", "CREATE TABLE orders (id integer);\n", "DROP TABLE orders;\n");
}

fn read(sandbox: &Sandbox, file: &str) -> Saved {
    Saved::read(file, &sandbox.read(file)).unwrap()
}

#[test]
fn a_saved_plan_is_run_as_it_stands() {
    each_engine(|sandbox| {
        two(sandbox);
        sandbox.run(&["up"]).ok();
        sandbox.sql("INSERT INTO orders VALUES (1)");
        let plan = ["plan", "down", "--steps", "1", "-o", "p.json", "--reason", "back to before the release"];
        sandbox.run(&plan).ok().says("rehearsed").says("saved as p.json").says("`switchback apply p.json`");
        let saved = read(sandbox, "p.json");
        assert_eq!(saved.asked, "down --steps 1");
        assert_eq!(saved.steps[0].sql, "DROP TABLE orders;\n");
        assert!(saved.steps[0].rehearsed_ms.is_some());
        let shown = sandbox.run(&["plan", "show", "p.json", "--sql"]).ok();
        shown.says("back to before the release").says("02_orders").says("with 1 row").says("DROP TABLE orders;");
        assert_eq!(sandbox.json(&["plan", "show", "p.json"])["plan"]["digest"], saved.digest.as_str());
        // A name for what is applied is no other state.
        sandbox.run(&["release", "v1"]).ok();
        sandbox.run(&["apply", "p.json", "--yes"]).exits(1).says("rows would be lost");
        sandbox.run(&["apply", "p.json", "--dry-run"]).ok().says("the database was not touched");
        sandbox.run(&["apply", "p.json", "--yes", "--accept-loss"]).ok();
        assert_eq!(sandbox.applied(), ["01_users"]);
        let log = sandbox.json(&["log", "-n", "1"]);
        assert_eq!(log["rows"][0]["plan"], saved.digest.as_str(), "{log}");
        assert_eq!(log["rows"][0]["reason"], "back to before the release", "{log}");
        // It does not run twice.
        sandbox.run(&["apply", "p.json", "--yes"]).exits(1).says("another state").says("2 migrations were applied");
        assert_eq!(sandbox.applied(), ["01_users"]);
        // Forth again by a plan as well.
        sandbox.run(&["plan", "up", "-o", "up.json"]).ok();
        sandbox.run(&["apply", "up.json", "--yes"]).ok();
        assert_eq!(sandbox.applied(), ["01_users", "02_orders"]);
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn what_a_plan_was_not_made_on_is_refused_before_anything_runs() {
    each_engine(|sandbox| {
        two(sandbox);
        sandbox.run(&["up", "--steps", "1"]).ok();
        sandbox.run(&["plan", "up", "-o", "p.json"]).exits(1).says("not proven").says("`switchback verify`");
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["plan", "up", "-o", "p.json"]).ok();
        let apply = |file: &str, says: &str| {
            sandbox.run(&["apply", file, "--yes"]).exits(1).says(says).says("help:");
            assert_eq!(sandbox.applied(), ["01_users"]);
        };
        // Edited by hand.
        sandbox
            .write("edited.json", sandbox.read("p.json").replace("CREATE TABLE orders (id", "CREATE TABLE orders (no"));
        apply("edited.json", "was edited after it was made");
        // Too late.
        let mut late = read(sandbox, "p.json");
        late.expires = late.made - TimeDelta::hours(1);
        sandbox.write("late.json", late.sealed().to_text());
        apply("late.json", "expired at");
        // For another database.
        let other = Sandbox::new(sandbox.kind);
        two(&other);
        other.run(&["up", "--steps", "1"]).ok();
        other.run(&["verify"]).ok();
        other.run(&["plan", "up", "-o", "p.json"]).ok();
        sandbox.write("other.json", other.read("p.json"));
        apply("other.json", "for another database");
        // The schema is another.
        sandbox.sql("CREATE TABLE by_hand (id integer)");
        apply("p.json", "the schema is not the one");
        sandbox.sql("DROP TABLE by_hand");
        // The migration is another, if only by a comment.
        let up = sandbox.read("migrations/02_orders/up.sql");
        sandbox.write("migrations/02_orders/up.sql", format!("-- harmless\n{up}"));
        apply("p.json", "`02_orders` is not the migration that this plan was made with");
        sandbox.write("migrations/02_orders/up.sql", up);
        sandbox.run(&["apply", "p.json", "--yes"]).ok();
        assert_eq!(sandbox.applied(), ["01_users", "02_orders"]);
    });
}

#[test]
fn what_is_no_plan_is_said() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    two(&sandbox);
    sandbox.run(&["apply", "p.json"]).exits(2).says("cannot read the plan `p.json`");
    for text in ["", "{\"switchback_plan\": ", "{}", "[1]", "{\"switchback_plan\": 9}", "\u{202e}\u{1b}[2J"] {
        sandbox.write("p.json", text);
        let said = sandbox.run(&["apply", "p.json"]).exits(2).says("p.json:1:").all();
        assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
    }
    sandbox.run(&["plan", "up", "-o", "p.json", "--valid-for", "forever"]).exits(2).says("30m, 24h or 7d");
}

/// The plan of a set that only the ledger knows is saved and run without a checkout.
#[test]
fn i3_a_saved_plan_needs_no_checkout() {
    each_engine(|sandbox| {
        two(sandbox);
        sandbox.run(&["up"]).ok();
        sandbox.run(&["release", "both"]).ok();
        sandbox.run(&["down", "--only", "01", "--yes"]).ok();
        sandbox.remove("migrations");
        sandbox.write("migrations/.keep", "");
        // What the ledger kept is proven where it is run.
        sandbox.run(&["plan", "--to-release", "both", "-o", "p.json"]).ok().says("up   01_users (in the target");
        sandbox.run(&["apply", "p.json", "--yes", "--locked"]).exits(1).says("not proven, and --locked proves nothing");
        sandbox.run(&["apply", "p.json", "--yes"]).ok();
        assert_eq!(sandbox.applied().len(), 2);
        sandbox.run(&["plan", "down", "--all", "-o", "p.json"]).ok();
        sandbox.run(&["apply", "p.json", "--yes"]).ok();
        assert_eq!(sandbox.applied(), [""; 0]);
    });
}
