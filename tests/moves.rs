//! Rows that a migration renames, copies or takes apart: what is a loss, what is none, and how it is counted.

mod common;

use common::shadows::shadows_of;
use common::{Kind, Running, Sandbox, each, each_engine, until};

/// A script of three migrations: a table, its new name, and a column's new name.
fn renames(sandbox: &Sandbox) {
    sandbox.migration(
        "1_people",
        "CREATE TABLE people (id integer PRIMARY KEY, name varchar(20));\n",
        "DROP TABLE people;\n",
    );
    sandbox.migration("2_users", "ALTER TABLE people RENAME TO users;\n", "ALTER TABLE users RENAME TO people;\n");
    sandbox.migration(
        "3_login",
        "ALTER TABLE users RENAME COLUMN name TO login;\n",
        "ALTER TABLE users RENAME COLUMN login TO name;\n",
    );
}

#[test]
fn a_new_name_is_no_loss() {
    each_engine(|sandbox| {
        renames(sandbox);
        let object = sandbox.json(&["verify"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact"; 3], "{object}");
        assert!(object["migrations"].as_array().unwrap().iter().all(|one| one["findings"] == serde_json::json!([])));
        sandbox.run(&["up", "--to", "1_people"]).ok();
        sandbox.sql("INSERT INTO people VALUES (1, 'ada'), (2, 'bob')");
        sandbox.run(&["up", "--locked"]).ok().says_not("rows would be lost");
        assert_eq!(sandbox.value("SELECT count(login) FROM users"), "2");
        sandbox.run(&["down", "--to", "1_people", "--yes", "--locked"]).ok();
        assert_eq!(sandbox.value("SELECT count(name) FROM people"), "2");
        sandbox.run(&["up", "--locked"]).ok();
        // The table that the first down drops has another name now, and its rows are counted there.
        let refused = sandbox.run(&["down", "--all", "--yes", "--locked"]).exits(1);
        refused.says("people with 2 rows").says_not("cannot be counted");
        sandbox.run(&["down", "--all", "--yes", "--locked", "--accept-loss=people"]).ok();
    });
}

/// A name that needs quotes is said with them by the schema, and without them where rows are counted.
#[test]
fn a_new_name_that_needs_quotes_is_no_loss() {
    each_engine(|sandbox| {
        let quote = if sandbox.kind == Kind::Mysql { "`" } else { "\"" };
        let write = |id: &str, up: &str, down: &str| {
            sandbox.migration(id, &up.replace('\'', quote), &down.replace('\'', quote));
        };
        write(
            "1_t",
            "CREATE TABLE 'The People' (id integer PRIMARY KEY, 'First Name' varchar(20));\n",
            "DROP TABLE 'The People';\n",
        );
        write(
            "2_u",
            "ALTER TABLE 'The People' RENAME TO 'All Users';\n",
            "ALTER TABLE 'All Users' RENAME TO 'The People';\n",
        );
        write(
            "3_login",
            "ALTER TABLE 'All Users' RENAME COLUMN 'First Name' TO 'Login';\n",
            "ALTER TABLE 'All Users' RENAME COLUMN 'Login' TO 'First Name';\n",
        );
        let object = sandbox.json(&["verify"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact"; 3], "{object}");
        sandbox.run(&["up", "--to", "1_t"]).ok();
        sandbox.sql(&"INSERT INTO 'The People' VALUES (1, NULL), (2, NULL)".replace('\'', quote));
        sandbox.sql(&"UPDATE 'The People' SET 'First Name' = id".replace('\'', quote));
        sandbox.run(&["up", "--locked"]).ok().says_not("rows would be lost");
        sandbox.run(&["down", "--to", "1_t", "--yes", "--locked"]).ok();
        assert_eq!(sandbox.value(&"SELECT count('First Name') FROM 'The People'".replace('\'', quote)), "2");
        sandbox.run(&["up", "--locked"]).ok();
        let refused = sandbox.run(&["down", "--all", "--yes", "--locked"]).exits(1);
        refused.says("with 2 rows").says_not("cannot be counted");
    });
}

#[test]
fn what_looks_like_a_new_name_and_is_none_is_a_loss() {
    each_engine(|sandbox| {
        sandbox.migration("1_t", "CREATE TABLE t (id integer PRIMARY KEY, a varchar(20));\n", "DROP TABLE t;\n");
        sandbox.migration(
            "2_t",
            "ALTER TABLE t DROP COLUMN a;\nALTER TABLE t ADD COLUMN b varchar(20) DEFAULT 'x';\n",
            "ALTER TABLE t DROP COLUMN b;\nALTER TABLE t ADD COLUMN a varchar(20);\n",
        );
        sandbox.migration(
            "3_u",
            "DROP TABLE t;\nCREATE TABLE u (id integer);\n",
            "DROP TABLE u;\nCREATE TABLE t (id integer PRIMARY KEY, b varchar(20) DEFAULT 'x');\n",
        );
        let object = sandbox.json(&["verify"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact", "lossy", "lossy"], "{object}");
        sandbox.run(&["up", "--to", "1_t"]).ok();
        sandbox.sql("INSERT INTO t VALUES (1, 'ada')");
        sandbox.run(&["up", "--locked"]).exits(1).says("t with 1 row");
        sandbox.run(&["up", "--locked", "--to", "2_t"]).exits(1).says("t.a with 1 value");
        sandbox.run(&["up", "--locked", "--accept-loss", "--to", "2_t"]).ok();
        sandbox.run(&["down", "--steps", "1", "--yes", "--locked"]).exits(1).says("t.b with 1 value");
    });
}

/// A copy that takes every row of the shadow may leave some of the live table behind: it is no new name.
#[test]
fn i11_a_copy_is_no_new_name() {
    each_engine(|sandbox| {
        sandbox.migration(
            "1_t",
            "CREATE TABLE t (id integer PRIMARY KEY, a varchar(20), n integer NOT NULL);\n",
            "DROP TABLE t;\n",
        );
        sandbox.migration(
            "2_u",
            "CREATE TABLE u (id integer PRIMARY KEY, a varchar(20), n integer NOT NULL);\n\
             INSERT INTO u SELECT id, a, n FROM t WHERE n <> 123000 + 456;\nDROP TABLE t;\n",
            "CREATE TABLE t (id integer PRIMARY KEY, a varchar(20), n integer NOT NULL);\n\
             INSERT INTO t SELECT id, a, n FROM u;\nDROP TABLE u;\n",
        );
        sandbox.run(&["up", "--to", "1_t"]).ok();
        sandbox.sql("INSERT INTO t VALUES (1, 'ada', 1), (2, 'bob', 123456)");
        sandbox.run(&["up", "--yes"]).exits(1).says("t with 2 rows");
        assert_eq!(sandbox.value("SELECT count(*) FROM t"), "2");
    });
}

/// A table taken apart into two, and put together again.
#[test]
fn rows_that_a_down_copies_back_are_not_mixed_with_those_written_later() {
    each_engine(|sandbox| {
        sandbox.migration(
            "1_people",
            "CREATE TABLE people (id integer PRIMARY KEY, name varchar(20), mail varchar(20));\n",
            "DROP TABLE people;\n",
        );
        sandbox.migration(
            "2_mails",
            "CREATE TABLE mails (id integer PRIMARY KEY, mail varchar(20));\n\
             INSERT INTO mails SELECT id, mail FROM people;\n\
             ALTER TABLE people DROP COLUMN mail;\n",
            "ALTER TABLE people ADD COLUMN mail varchar(20);\n\
             UPDATE people SET mail = (SELECT mail FROM mails WHERE mails.id = people.id);\n\
             DROP TABLE mails;\n",
        );
        sandbox.migration(
            "3_all",
            "CREATE TABLE everyone (id integer PRIMARY KEY, name varchar(20), mail varchar(20));\n\
             INSERT INTO everyone (id, name) SELECT id, name FROM people;\n\
             DROP TABLE people;\n",
            "CREATE TABLE people (id integer PRIMARY KEY, name varchar(20), mail varchar(20));\n\
             INSERT INTO people (id, name) SELECT id, name FROM everyone;\n\
             DROP TABLE everyone;\n",
        );
        let verified = sandbox.run(&["verify", "2_mails"]).ok();
        verified.says("exact").says_not("not exercised").says_not("more by the way");
    });
}

#[test]
fn what_the_plan_itself_brings_is_no_loss() {
    each_engine(|sandbox| {
        sandbox.tables(1).migration("2_gone", "DROP TABLE t1;\n", "CREATE TABLE t1 (id integer);\n");
        sandbox.run(&["up"]).ok().says_not("would be lost");
        sandbox.run(&["down", "--all", "--yes", "--locked"]).ok();
        assert_eq!(sandbox.user_tables(), [""; 0]);
    });
}

/// What was counted while another runner was at work says nothing, and is not told.
#[test]
fn i5_losses_are_counted_anew_when_another_runner_was_quicker() {
    each_engine(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        let slow = match sandbox.kind {
            Kind::Sqlite => {
                "CREATE TABLE slow AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000000 \
                 AND (SELECT coalesce(file, '') FROM pragma_database_list WHERE name = 'main') NOT LIKE '%app.db') \
                 SELECT count(*) AS n FROM n;"
            }
            Kind::Postgres => {
                "CREATE TABLE slow AS SELECT 1 AS n FROM pg_sleep(CASE WHEN current_database() LIKE 'sbt%' THEN 0 ELSE 2 END);"
            }
            Kind::Mysql => "CREATE TABLE slow AS SELECT if(database() LIKE 'sbt%', 0, sleep(2)) AS n;",
        };
        sandbox.migration(
            "2_gone",
            &format!("DROP TABLE t1;\n{slow}\n"),
            "DROP TABLE slow;\nCREATE TABLE t1 (id integer);\n",
        );
        sandbox.run(&["seal"]).ok();
        let mut up = sandbox.start(&["up"]);
        until("the proof is under way", || up.has_ended() || proves(sandbox, &up));
        sandbox.run(&["down", "--all", "--yes", "--locked"]).ok();
        assert!(!up.has_ended(), "the proof was quicker than the other runner");
        up.wait().ok().says_not("would be lost");
        assert_eq!(sandbox.applied(), ["1_t1", "2_gone"]);
    });
}

/// Whether a process has made its shadows: on SQLite, whether there are threads for more than the target.
fn proves(sandbox: &Sandbox, running: &Running) -> bool {
    if sandbox.kind != Kind::Sqlite {
        return !shadows_of(sandbox, running.pid()).is_empty();
    }
    let tasks = std::fs::read_dir(format!("/proc/{}/task", running.pid())).expect("its threads");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("sqlx-sqlite")).count() >= 3
}

/// A down that undoes nothing makes the shadow be built anew, where everything has another identity.
#[test]
fn what_stands_behind_a_broken_migration_is_judged_by_itself() {
    each_engine(|sandbox| {
        sandbox.tables(2);
        sandbox.migration("3_broken", "CREATE TABLE x (id integer);\n", "SELECT 1;\n");
        sandbox.migration("4_t", "ALTER TABLE t1 ADD COLUMN a integer;\n", "ALTER TABLE t1 DROP COLUMN a;\n");
        sandbox.migration(
            "5_t",
            "CREATE INDEX i ON t2 (id);\n",
            if sandbox.kind == Kind::Mysql { "DROP INDEX i ON t2;\n" } else { "DROP INDEX i;\n" },
        );
        let object = sandbox.json(&["verify"]);
        assert_eq!(each(&object["migrations"], "/verdict"), ["exact", "exact", "broken", "exact", "exact"], "{object}");
    });
}
