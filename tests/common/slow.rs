//! Scripts that take long, to do something meanwhile.

use std::time::Duration;

use super::{Connection, Kind, Sandbox};

/// A script whose third statement takes long, but only in the database itself: a shadow has another name.
pub fn slow(sandbox: &Sandbox, seconds: u32) {
    let wait = match sandbox.kind {
        Kind::Sqlite => {
            let rows = 3_000_000 * seconds;
            format!(
                "INSERT INTO done (id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} \
                 AND (SELECT file FROM pragma_database_list WHERE name = 'main') LIKE '%app.db') SELECT count(*) > 0 FROM n;"
            )
        }
        Kind::Postgres => format!("SELECT pg_sleep({seconds}) WHERE current_database() LIKE 'sbt%';"),
        Kind::Mysql => format!("INSERT INTO done (id) SELECT if(database() LIKE 'sbt%', sleep({seconds}), 0);"),
    };
    sandbox.migration(
        "1_parts",
        &format!("CREATE TABLE part1 (id integer);\nCREATE TABLE done (id integer);\n{wait}\nCREATE TABLE part2 (id integer);\n"),
        "DROP TABLE part2;\nDROP TABLE done;\nDROP TABLE part1;\n",
    );
    sandbox.run(&["verify"]).ok();
    assert!(sandbox.all_tables().is_empty());
}

pub fn is_under_way(sandbox: &Sandbox) -> bool {
    match sandbox.kind {
        // A writer holds the file, and for longer than rows of our own take.
        Kind::Sqlite => {
            let mut connection = Connection::open(&sandbox.url);
            (0..30).all(|_| {
                std::thread::sleep(Duration::from_millis(5));
                connection.attempt("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK").is_err()
            })
        }
        Kind::Postgres => {
            !sandbox.sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(%' AND query NOT LIKE '%switchback_script%' AND state = 'active' AND pid <> pg_backend_pid()").is_empty()
        }
        Kind::Mysql => !sandbox.sql("SELECT 1 FROM information_schema.processlist WHERE db = database() AND info LIKE '%sleep(%' AND info NOT LIKE '%switchback_script%' AND id <> connection_id()").is_empty(),
    }
}
