//! What has to hold behind a plan: the project's own checks, `verify.sql` of what stays, and keys that lead somewhere.

mod common;

use common::{Kind, Sandbox, each, each_engine, each_server, until};

/// Customers and orders, and a check that each order has one.
fn shop(sandbox: &Sandbox) {
    sandbox.write(
        "switchback.toml",
        "[checks]\n\
         \"there are customers\" = { sqlite = \"SELECT count(*) > 0 FROM customers\", \
         postgres = \"SELECT count(*) > 0 FROM customers\", mysql = \"SELECT count(*) > 0 FROM customers\" }\n\
         \"every order has a customer\" = \"SELECT count(*) = 0 FROM orders WHERE customer NOT IN (SELECT id FROM customers)\"\n",
    );
    sandbox.migration(
        "1_customers",
        "CREATE TABLE customers (id integer PRIMARY KEY);\nINSERT INTO customers VALUES (1), (2);\n",
        "DROP TABLE customers;\n",
    );
    sandbox.migration("2_orders", "CREATE TABLE orders (customer integer);\n", "DROP TABLE orders;\n");
}

/// An up that breaks the check, on rows that no shadow has.
const LOSES: &str = "UPDATE orders SET customer = 77 WHERE customer = 2;\n";

#[test]
fn a_check_that_does_not_hold_behind_a_plan_is_told_and_recorded() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.run(&["up"]).ok().says_not("check");
        // What is not there any more, or not yet, cannot be asked for.
        let back = sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
        back.says("note[check-failed]: the check `there are customers` cannot be asked where not all is applied");
        sandbox.run(&["up", "--steps", "1"]).ok().says("note[check-failed]: the check `every order has a customer`");
        assert_eq!(sandbox.ledger_count("check failed"), 0);
        sandbox.run(&["up"]).ok().says_not("check");
        sandbox.sql("INSERT INTO orders VALUES (1), (2)");
        sandbox.migration("3_moved", LOSES, "UPDATE orders SET customer = 2 WHERE customer = 77;\n");
        let said = sandbox.run(&["up", "--accept-loss"]).exits(1);
        said.says("applied  3_moved")
            .says("error[check-failed]: the check `every order has a customer` does not hold")
            .says("switchback.toml:3:1")
            .says("has a row of it");
        assert_eq!(sandbox.applied(), ["1_customers", "2_orders", "3_moved"]);
        assert_eq!(sandbox.ledger_count("check failed"), 1);
        sandbox.run(&["log"]).ok().says("detail  the check `every order has a customer` does not hold");
        sandbox.run(&["log", "--verify"]).ok();
        // It is no fault of the next plan.
        sandbox.migration("4_more", "CREATE TABLE more (id integer);\n", "DROP TABLE more;\n");
        sandbox.run(&["up"]).ok().says("warning[check-failed]").says("and did not before this plan either");
        assert_eq!(sandbox.ledger_count("check failed"), 1);
        sandbox.run(&["down", "--steps", "2", "--yes", "--accept-loss"]).ok().says_not("check-failed");
    });
}

#[test]
fn where_a_check_does_not_hold_the_plan_is_undone_at_once_if_that_is_wanted() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.run(&["up", "--undo-on-failure"]).ok();
        sandbox.sql("INSERT INTO orders VALUES (1), (2)");
        let before = (sandbox.applied(), sandbox.value("SELECT sum(customer) FROM orders"));
        sandbox.migration("3_more", "CREATE TABLE more (id integer);\n", "DROP TABLE more;\n");
        sandbox.migration("4_moved", LOSES, "UPDATE orders SET customer = 2 WHERE customer = 77;\n");
        let said = sandbox.run(&["up", "--undo-on-failure", "--accept-loss"]).exits(1);
        said.says("applied  4_moved")
            .says("error[check-failed]")
            .says("reverted 3_more")
            .says("undone: the database is");
        assert_eq!((sandbox.applied(), sandbox.value("SELECT sum(customer) FROM orders")), before);
        sandbox.run(&["log"]).ok().says("why     undone: the check `every order has a customer` does not hold");
        let object = sandbox.run(&["up", "--undo-on-failure", "--accept-loss", "--json"]).exits(1).object("up");
        assert_eq!(object["outcome"], "findings", "{object}");
        assert_eq!(each(&object["steps"], "/id"), ["3_more", "4_moved"]);
        assert_eq!(each(&object["undone"], "/id"), ["4_moved", "3_more"]);
        assert_eq!(each(&object["findings"], "/code"), ["check-failed"]);
        assert_eq!(object["schema_before"], object["schema_after"]);
        assert_eq!((sandbox.applied(), sandbox.value("SELECT sum(customer) FROM orders")), before);
        // And the other way: what was taken back is applied again, from the ledger.
        sandbox.sql("INSERT INTO customers VALUES (77)");
        sandbox.run(&["up", "--accept-loss"]).ok();
        sandbox.sql("DELETE FROM customers WHERE id = 2");
        let applied = sandbox.applied();
        sandbox.remove("migrations/4_moved");
        let down = sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss", "--undo-on-failure"]).exits(1);
        down.says("reverted 4_moved").says("applied  4_moved").says("undone");
        assert_eq!(sandbox.applied(), applied);
    });
}

#[test]
fn what_undoing_would_lose_is_asked_for_as_everywhere() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.migration(
            "2_orders",
            "CREATE TABLE orders (customer integer);\nINSERT INTO orders VALUES (7);\n",
            "DROP TABLE orders;\n",
        );
        let said = sandbox.run(&["up", "--undo-on-failure"]).exits(1);
        said.says("error: the plan was run and recorded, and could not be undone")
            .says("the check `every order has a customer` does not hold")
            .says("rows would be lost, so nothing was run")
            .says("`--accept-loss` accepts all of it");
        assert_eq!(sandbox.applied(), ["1_customers", "2_orders"]);
    });
}

#[test]
fn i5_nothing_that_another_runner_did_is_undone() {
    each_server(|sandbox| {
        shop(sandbox);
        sandbox.run(&["up"]).ok();
        sandbox.sql("INSERT INTO orders VALUES (1), (2)");
        sandbox.migration("3_moved", LOSES, "UPDATE orders SET customer = 2 WHERE customer = 77;\n");
        let undo = ["up", "--undo-on-failure", "--accept-loss"];
        // A run that is undone can be counted, and leaves things as they were.
        let counted = sandbox.home().join("points");
        let count = format!("count@{}", counted.display());
        sandbox.run_with(&undo, &[("SWITCHBACK_FAULT", &count)]).exits(1).says("undone: ");
        let points = std::fs::read_to_string(counted).expect("points");
        let closed = points.lines().enumerate().filter(|(_, point)| point.contains(" after close"));
        let both = closed.map(|(at, _)| at + 1).nth(1).expect("the end of both sessions");
        let run = sandbox.start_with(&undo, &[("SWITCHBACK_FAULT", &format!("stop@{both}"))]);
        until("its stop", || run.is_stopped());
        sandbox.run(&["release", "v1"]).ok();
        run.signal("CONT");
        let said = run.wait().exits(5);
        said.says("the plan was run and recorded, and could not be undone")
            .says("another runner was at work meanwhile");
        assert_eq!(sandbox.applied().last().map(String::as_str), Some("3_moved"));
    });
}

#[test]
fn where_there_is_nothing_to_undo_it_is_told_once() {
    each_engine(|sandbox| {
        shop(sandbox);
        sandbox.run(&["up"]).ok();
        let ledger = sandbox.ledger();
        let last = sandbox.value(&format!("SELECT max(seq) FROM {ledger}"));
        sandbox.write("switchback.toml", format!("[checks]\n\"idle\" = \"SELECT max(seq) <= {last} FROM {ledger}\"\n"));
        let redo = ["redo", "--yes", "--accept-loss", "--undo-on-failure", "--json"];
        let object = sandbox.run(&redo).exits(1).object("redo");
        assert_eq!((each(&object["steps"], "/event").len(), object.get("undone")), (2, None), "{object}");
    });
}

#[test]
fn a_check_that_cannot_be_asked_does_not_hold_and_writes_nothing() {
    each_engine(|sandbox| {
        shop(sandbox);
        let writes = match sandbox.kind {
            Kind::Sqlite => "DELETE FROM customers RETURNING 1",
            Kind::Postgres => "WITH gone AS (DELETE FROM customers RETURNING 1) SELECT true",
            Kind::Mysql => "DELETE FROM customers",
        };
        sandbox
            .write("switchback.toml", format!("[checks]\n\"typo\" = \"SELECT nothing\"\n\"deletes\" = \"{writes}\"\n"));
        let said = sandbox.run(&["up"]).exits(1);
        said.says("the check `typo` cannot be asked").says("nothing").says("the check `deletes` cannot be asked");
        assert_eq!(sandbox.value("SELECT count(*) FROM customers"), "2");
        // It is wrong, whatever it was before.
        sandbox.migration("3_more", "CREATE TABLE more (id integer);\n", "DROP TABLE more;\n");
        sandbox.run(&["up"]).exits(1).says("error[check-failed]: the check `typo` cannot be asked\n");
        // Nothing is no answer.
        sandbox.write("switchback.toml", "[checks]\n\"empty\" = \" -- \"\n\"no rows\" = \"SELECT 1 FROM more\"\n");
        sandbox.migration("4_more", "CREATE TABLE more_still (id integer);\n", "DROP TABLE more_still;\n");
        let said = sandbox.run(&["up"]).exits(1);
        said.says("error[check-failed]: the check `empty` cannot be asked\n")
            .says("there is no query")
            .says("warning[check-failed]: the check `no rows` does not hold, and did not before this plan either");
    });
}

#[test]
fn wrong_checks_are_shown_with_their_place() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    for (text, at, says) in [
        ("[checks]\n\"a\" = 1\n", "switchback.toml:2:", "expected a query"),
        ("[checks]\n\"a\" = { oracle = \"SELECT 1\" }\n", "switchback.toml:2:1", "names no engine `oracle`"),
    ] {
        sandbox.write("switchback.toml", text).run(&["up"]).exits(2).says(at).says(says);
    }
}

#[test]
fn behind_a_way_back_what_stays_has_to_hold_as_it_did() {
    each_engine(|sandbox| {
        let verified = |id: &str, up: &str, down: &str, verify: &str| {
            sandbox.migration(id, up, down).write(&format!("migrations/{id}/verify.sql"), verify);
        };
        verified(
            "1_users",
            "CREATE TABLE users (id integer PRIMARY KEY, name varchar(20), n integer);\nINSERT INTO users VALUES (1, 'ada', 1);\n",
            "DROP TABLE users;\n",
            "SELECT count(name) > 0 FROM users;\n",
        );
        // What it asks for goes with the next one, which stays.
        verified(
            "2_n",
            "INSERT INTO users VALUES (2, 'bob', 2);\n",
            "DELETE FROM users WHERE id = 2;\n",
            "SELECT sum(n) > 0 FROM users;\n",
        );
        sandbox.migration("3_no_n", "ALTER TABLE users DROP COLUMN n;\n", "ALTER TABLE users ADD COLUMN n integer;\n");
        sandbox.migration(
            "4_nameless",
            "ALTER TABLE users DROP COLUMN name;\n",
            "ALTER TABLE users ADD COLUMN name varchar(20);\n",
        );
        sandbox.run(&["verify"]);
        sandbox.run(&["up", "--accept-loss"]).ok();
        let said = sandbox.run(&["down", "--steps", "1", "--yes"]).exits(1);
        said.says("error[verify-failed]: verify.sql of `1_users` does not hold")
            .says("migrations/1_users/verify.sql:1:1")
            .says("warning[verify-failed]: verify.sql of `2_n` cannot be asked, and did not before this plan either");
        assert_eq!(sandbox.ledger_count("check failed"), 1);
        // What goes up asks its own alone.
        sandbox.run(&["up", "--accept-loss"]).ok().says_not("verify-failed");
        // What cannot be read any more keeps nobody from going back.
        sandbox.remove("migrations/1_users/verify.sql");
        let script = sandbox.ledger().replace("ledger", "script");
        if sandbox.kind == Kind::Postgres {
            sandbox.sql(&format!("ALTER TABLE {script} DISABLE TRIGGER ALL"));
        }
        sandbox.sql(&format!("DELETE FROM {script} WHERE body LIKE 'SELECT count(name)%'"));
        sandbox
            .run(&["down", "--steps", "1", "--yes"])
            .ok()
            .says("warning[verify-unread]")
            .says("and does not have it");
    });
}

#[test]
fn behind_a_way_back_rows_that_refer_to_nothing_are_counted() {
    each_server(|sandbox| {
        sandbox.migration(
            "1_shop",
            "CREATE TABLE customers (id integer PRIMARY KEY);\n\
             CREATE TABLE orders (id integer PRIMARY KEY, customer integer, CONSTRAINT whose FOREIGN KEY (customer) REFERENCES customers (id));\n",
            "DROP TABLE orders;\nDROP TABLE customers;\n",
        );
        let off = match sandbox.kind {
            Kind::Mysql => {
                "SET foreign_key_checks = 0;\nDELETE FROM customers WHERE id > 2;\nSET foreign_key_checks = 1;\n"
            }
            _ => "SET session_replication_role = replica;\nDELETE FROM customers WHERE id > 2;\n",
        };
        sandbox.migration("2_rows", "INSERT INTO customers VALUES (3);\n", off);
        sandbox.run(&["verify", "--keep-going"]);
        sandbox.run(&["waive", "2_rows", "--reason", "a test"]);
        sandbox.run(&["up", "--accept-loss"]).ok();
        sandbox.sql("INSERT INTO customers VALUES (1), (4)");
        sandbox.sql("INSERT INTO orders VALUES (1, 1), (2, 3), (3, 4), (4, NULL)");
        let said = sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss"]).exits(1);
        let dot = if sandbox.kind == Kind::Postgres { "public." } else { "" };
        said.says(&format!("error[orphans]: 2 rows of {dot}orders by whose to {dot}customers refer to nothing"));
        assert_eq!(sandbox.ledger_count("check failed"), 1);
    });
}
