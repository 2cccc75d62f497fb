//! Groups: steps that hold only together are proven, applied and taken back as one.

mod common;

use common::{Kind, Sandbox, each, each_engine};

/// Two steps whose ways back hold only together: the second one's down undoes both, in one go.
fn group(sandbox: &Sandbox) {
    sandbox.migration("01_users", "CREATE TABLE users (id integer, name varchar(20));\n", "DROP TABLE users;\n");
    sandbox.migration("02_add", "ALTER TABLE users ADD COLUMN full_name varchar(20);\n", "-- 03_drop does it\n");
    sandbox.migration(
        "03_drop",
        "UPDATE users SET full_name = name;\nALTER TABLE users DROP COLUMN name;\n",
        "ALTER TABLE users ADD COLUMN name varchar(20);\nUPDATE users SET name = full_name;\n\
         ALTER TABLE users DROP COLUMN full_name;\n",
    );
    sandbox.migration("04_other", "CREATE TABLE other (id integer);\n", "DROP TABLE other;\n");
}

#[test]
fn a_group_is_proven_applied_and_taken_back_as_one() {
    each_engine(|sandbox| {
        group(sandbox);
        let object = sandbox.json(&["verify"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact", "broken", "broken", "exact"], "{object}");
        for id in ["02_add", "03_drop"] {
            sandbox.write(&format!("migrations/{id}/migration.toml"), "group = \"rename\"\n");
        }
        sandbox.run(&["seal"]).ok();
        sandbox.run(&["check"]).ok().says("0 errors");
        let object = sandbox.json(&["verify"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact"; 4], "{object}");
        // What is known is not proven again, and what belongs together is told together.
        let again = sandbox.json(&["verify"]);
        assert!(again["migrations"].as_array().unwrap().iter().all(|one| one["fresh"] == false), "{again}");
        sandbox.run(&["up", "--steps", "1", "--locked"]).ok();
        sandbox.sql("INSERT INTO users VALUES (1, 'ada')");
        sandbox.run(&["up", "--to", "02_add", "--locked", "--accept-loss"]).ok();
        assert_eq!(sandbox.applied(), ["01_users", "02_add", "03_drop"]);
        sandbox.run(&["up", "--locked"]).ok();
        sandbox.run(&["down", "--to", "02_add", "--yes", "--locked"]).ok();
        assert_eq!(sandbox.applied(), ["01_users", "02_add", "03_drop"]);
        assert_eq!(sandbox.value("SELECT full_name FROM users"), "ada");
        // The loss is counted once.
        let refused = sandbox.run(&["down", "--steps", "1", "--yes", "--locked"]).exits(1);
        assert_eq!(refused.all().matches("full_name with 1 value").count(), 1, "{}", refused.all());
        sandbox.run(&["down", "--steps", "1", "--yes", "--locked", "--accept-loss"]).ok();
        assert_eq!(sandbox.applied(), ["01_users"]);
        assert_eq!(sandbox.value("SELECT name FROM users"), "ada");
        sandbox.run(&["log", "--verify"]).ok();
        // A member that changes takes the proof of the others with it.
        sandbox.write("migrations/02_add/up.sql", "ALTER TABLE users ADD COLUMN full_name varchar(20) DEFAULT NULL;\n");
        sandbox.run(&["seal"]).ok();
        sandbox.run(&["up", "--locked"]).exits(1).says("3 migrations are not proven");
        sandbox.run(&["up", "--accept-loss"]).ok();
        sandbox.run(&["redo", "--yes", "--accept-loss"]).ok();
    });
}

/// Where DDL is transactional, a group that fails has done nothing. Elsewhere the next run goes on with it, and no part of it is
/// taken back: only the whole was proven.
#[test]
fn a_group_that_fails_is_taken_back_or_gone_on_with() {
    each_engine(|sandbox| {
        group(sandbox);
        for id in ["02_add", "03_drop"] {
            sandbox.write(&format!("migrations/{id}/migration.toml"), "group = \"rename\"\n");
        }
        sandbox.run(&["up", "--steps", "1"]).ok();
        sandbox.sql("INSERT INTO users VALUES (1, 'ada')");
        let (block, unblock) = match sandbox.kind {
            Kind::Mysql => {
                ("CREATE TRIGGER stop BEFORE UPDATE ON users FOR EACH ROW SIGNAL SQLSTATE '45000'", "DROP TRIGGER stop")
            }
            Kind::Sqlite | Kind::Postgres => ("CREATE VIEW stop AS SELECT name FROM users", "DROP VIEW stop"),
        };
        sandbox.sql(block);
        let up = ["up", "--accept-loss", "--to", "03_drop"];
        let failed = sandbox.run(&up).says("the up of `03_drop` failed");
        if sandbox.kind == Kind::Mysql {
            failed.exits(4);
            assert_eq!(sandbox.applied(), ["01_users", "02_add"]);
            let refused = sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).all();
            assert!(refused.contains("`switchback up` goes on with it"), "{refused}");
            assert_eq!(sandbox.applied(), ["01_users", "02_add"]);
        } else {
            failed.exits(1).says("nothing of its group has taken effect");
            assert_eq!(sandbox.applied(), ["01_users"]);
        }
        sandbox.sql(unblock);
        sandbox.run(&up).ok();
        assert_eq!(sandbox.applied(), ["01_users", "02_add", "03_drop"]);
        assert_eq!(sandbox.value("SELECT full_name FROM users"), "ada");
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
        assert_eq!(sandbox.user_tables(), [""; 0]);
        sandbox.run(&["log", "--verify"]).ok();
    });
}

/// What stopped between the downs of two members is gone on with, and not turned back.
#[test]
fn a_group_that_stopped_on_its_way_down_is_gone_on_with() {
    each_engine(|sandbox| {
        group(sandbox);
        sandbox.migration(
            "01_users",
            "CREATE TABLE users (id integer, name varchar(20));\nCREATE TABLE noted (id integer);\n",
            "DROP TABLE noted;\nDROP TABLE users;\n",
        );
        sandbox.write("migrations/02_add/down.sql", "INSERT INTO noted VALUES (2);\nDELETE FROM noted;\n");
        for id in ["02_add", "03_drop"] {
            sandbox.write(&format!("migrations/{id}/migration.toml"), "group = \"rename\"\n");
        }
        sandbox.run(&["up"]).ok();
        let (block, unblock) = match sandbox.kind {
            Kind::Mysql => {
                ("CREATE TRIGGER stop BEFORE INSERT ON noted FOR EACH ROW SIGNAL SQLSTATE '45000'", "DROP TRIGGER stop")
            }
            Kind::Sqlite => {
                ("CREATE TRIGGER stop BEFORE INSERT ON noted BEGIN SELECT RAISE(ABORT, 'no'); END", "DROP TRIGGER stop")
            }
            Kind::Postgres => (
                "CREATE RULE stop AS ON INSERT TO noted DO INSTEAD SELECT 1 / 0 WHERE NEW.id = 2",
                "DROP RULE stop ON noted",
            ),
        };
        sandbox.sql(block);
        let down = ["down", "--all", "--yes", "--accept-loss"];
        let half = if sandbox.kind == Kind::Mysql {
            vec!["01_users", "02_add"]
        } else {
            vec!["01_users", "02_add", "03_drop"]
        };
        sandbox.run(&down).exits(4);
        assert_eq!(sandbox.applied(), half);
        if sandbox.kind == Kind::Mysql {
            sandbox.run(&["up"]).exits(1).says("stopped on its way down").says("`switchback down` goes on with it");
        }
        sandbox.sql(unblock);
        sandbox.run(&down).ok();
        assert_eq!(sandbox.applied(), [""; 0]);
        sandbox.run(&["up"]).ok();
        sandbox.run(&["log", "--verify"]).ok();
    });
}
