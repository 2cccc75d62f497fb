//! Databases that another tool has migrated are taken over; on SQLite, PostgreSQL and MariaDB or MySQL.
//!
//! The history tables are made as those tools make them, and must come out of it as they went in.

mod common;

use common::slow::is_under_way;
use common::{Kind, Sandbox, each, each_engine, until};
use sha2::{Digest, Sha384};
use switchback::history::{self, Reading, Row};
use switchback::migration::{Down, Migration, Settings};
use switchback::sql::{Flavor, Script};

const UP_1: &str = "CREATE TABLE users (id integer PRIMARY KEY, name varchar(50) NOT NULL);\n";
const DOWN_1: &str = "DROP TABLE users;\n";
const UP_2: &str = "ALTER TABLE users ADD COLUMN email varchar(100);\n";
const DOWN_2: &str = "ALTER TABLE users DROP COLUMN email;\n";
const UP_3: &str = "CREATE TABLE orders (id integer);\n";
const DOWN_3: &str = "DROP TABLE orders;\n";
const UPS: [&str; 3] = [UP_1, UP_2, UP_3];
const DOWNS: [&str; 3] = [DOWN_1, DOWN_2, DOWN_3];

/// How a tool names three migrations, keeps them in files, and tells that two of them are applied.
struct Tool {
    name: &'static str,
    table: &'static str,
    ids: [&'static str; 3],
    files: fn(&Sandbox, &Tool),
    tables: fn(Kind) -> String,
    rows: fn(Kind) -> String,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "golang-migrate",
        table: "schema_migrations",
        ids: ["000001_users", "000002_email", "000003_orders"],
        files: |sandbox, tool| pairs(sandbox, tool),
        tables: |kind| {
            match kind {
                Kind::Sqlite => {
                    "CREATE TABLE schema_migrations (version uint64, dirty bool);
                 CREATE UNIQUE INDEX version_unique ON schema_migrations (version)"
                }
                _ => "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)",
            }
            .to_owned()
        },
        rows: |_| "INSERT INTO schema_migrations VALUES (2, false)".to_owned(),
    },
    Tool {
        name: "diesel",
        table: "__diesel_schema_migrations",
        ids: ["2026-01-05-090000_users", "2026-01-06-090000_email", "2026-01-07-090000_orders"],
        files: |sandbox, tool| folders(sandbox, tool),
        tables: |_| {
            "CREATE TABLE __diesel_schema_migrations (
                version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)"
                .to_owned()
        },
        rows: |_| {
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('20260105090000'), ('20260106090000')".to_owned()
        },
    },
    Tool {
        name: "sqlx",
        table: "_sqlx_migrations",
        ids: ["20260105090000_users", "20260106090000_email", "20260107090000_orders"],
        files: |sandbox, tool| {
            sandbox.write("sqlx.toml", "");
            pairs(sandbox, tool);
        },
        tables: |kind| {
            let (time, bytes) = match kind {
                Kind::Postgres => ("TIMESTAMPTZ NOT NULL DEFAULT now()", "BYTEA"),
                _ => ("TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP", "BLOB"),
            };
            format!(
                "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
                 installed_on {time}, success BOOLEAN NOT NULL, checksum {bytes} NOT NULL, execution_time BIGINT NOT NULL)"
            )
        },
        rows: |kind| {
            let row = |version: &str, up: &str| {
                let bytes = bytes(kind, &Sha384::digest(up));
                format!("({version}, 'x', '2026-02-01 10:00:00', true, {bytes}, 4711)")
            };
            let (one, two) = (row("20260105090000", UP_1), row("20260106090000", UP_2));
            format!("INSERT INTO _sqlx_migrations VALUES {two}, {one}")
        },
    },
    Tool {
        name: "dbmate",
        table: "schema_migrations",
        ids: ["20260105090000_users", "20260106090000_email", "20260107090000_orders"],
        files: |sandbox, tool| marked(sandbox, tool, "-- migrate:up", "-- migrate:down"),
        tables: |kind| {
            match kind {
                Kind::Postgres => "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
                _ => "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)",
            }
            .to_owned()
        },
        rows: |_| "INSERT INTO schema_migrations VALUES ('20260106090000'), ('20260105090000')".to_owned(),
    },
    Tool {
        name: "goose",
        table: "goose_db_version",
        ids: ["00001_users", "00002_email", "00003_orders"],
        files: |sandbox, tool| marked(sandbox, tool, "-- +goose Up", "-- +goose Down"),
        tables: |kind| {
            match kind {
                Kind::Sqlite => {
                    "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,
                 is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))"
                }
                Kind::Postgres => {
                    "CREATE TABLE goose_db_version (id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
                 version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now())"
                }
                Kind::Mysql => {
                    "CREATE TABLE goose_db_version (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
                 version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NULL DEFAULT now())"
                }
            }
            .to_owned()
        },
        rows: |kind| {
            let [yes, no] = if kind == Kind::Sqlite { ["1", "0"] } else { ["true", "false"] };
            // Version 3 was applied and taken back, by a goose that wrote rows for that.
            format!(
                "INSERT INTO goose_db_version (version_id, is_applied) VALUES
                 (0, {yes}), (1, {yes}), (2, {yes}), (3, {yes}), (3, {no})"
            )
        },
    },
    Tool {
        name: "sql-migrate",
        table: "gorp_migrations",
        ids: ["1-users", "2-email", "3-orders"],
        files: |sandbox, tool| marked(sandbox, tool, "-- +migrate Up", "-- +migrate Down"),
        tables: |kind| {
            let time = if kind == Kind::Mysql { "datetime" } else { "timestamp" };
            format!("CREATE TABLE gorp_migrations (id varchar(255) NOT NULL PRIMARY KEY, applied_at {time})")
        },
        rows: |_| {
            "INSERT INTO gorp_migrations VALUES ('2-email.sql', '2026-02-01 10:00:01'), ('1-users.sql', '2026-02-01 10:00:00')"
                .to_owned()
        },
    },
    Tool {
        name: "flyway",
        table: "flyway_schema_history",
        ids: ["v1__users", "v2__email", "v3__orders"],
        files: |sandbox, tool| folders(sandbox, tool),
        tables: |kind| {
            let time = if kind == Kind::Sqlite { "TEXT" } else { "TIMESTAMP" };
            format!(
                "CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50),
                 description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INT,
                 installed_by VARCHAR(100) NOT NULL, installed_on {time} NOT NULL DEFAULT CURRENT_TIMESTAMP,
                 execution_time INT NOT NULL, success BOOLEAN NOT NULL);
                 CREATE INDEX flyway_schema_history_s_idx ON flyway_schema_history (success)"
            )
        },
        rows: |_| {
            let row = |rank: u8, version: &str, script: &str, checksum: i32| {
                format!(
                    "({rank}, '{version}', 'x', 'SQL', '{script}', {checksum}, 'bob', '2026-02-01 10:00:00', 12, true)"
                )
            };
            let [one, two] = [row(1, "1", "V1__users.sql", crc32(UP_1)), row(2, "2.0", "V2_0__email.sql", crc32(UP_2))];
            format!("INSERT INTO flyway_schema_history VALUES {one}, {two}")
        },
    },
    Tool {
        name: "liquibase",
        table: "databasechangelog",
        ids: ["changes_1_ann", "changes_2_ann", "changes_3_ann"],
        files: |sandbox, tool| folders(sandbox, tool),
        tables: |kind| {
            let (time, table) = match kind {
                Kind::Postgres => ("timestamp", "databasechangelog"),
                _ => ("datetime", "DATABASECHANGELOG"),
            };
            format!(
                "CREATE TABLE {table} (ID varchar(255) NOT NULL, AUTHOR varchar(255) NOT NULL, FILENAME varchar(255) NOT NULL,
                 DATEEXECUTED {time} NOT NULL, ORDEREXECUTED int NOT NULL, EXECTYPE varchar(10) NOT NULL, MD5SUM varchar(35),
                 DESCRIPTION varchar(255), COMMENTS varchar(255), TAG varchar(255), LIQUIBASE varchar(20),
                 CONTEXTS varchar(255), LABELS varchar(255), DEPLOYMENT_ID varchar(10));
                 CREATE TABLE {table}LOCK (ID int NOT NULL PRIMARY KEY, LOCKED boolean NOT NULL, LOCKGRANTED {time},
                 LOCKEDBY varchar(255))"
            )
        },
        rows: |kind| {
            let table = if kind == Kind::Postgres { "databasechangelog" } else { "DATABASECHANGELOG" };
            format!(
                "INSERT INTO {table} (ID, AUTHOR, FILENAME, DATEEXECUTED, ORDEREXECUTED, EXECTYPE, MD5SUM) VALUES
                 ('2', 'ann', 'db/changes.sql', '2026-02-01 10:00:00', 2, 'EXECUTED', '9:0'),
                 ('1', 'ann', 'db/changes.sql', '2026-02-01 10:00:00', 1, 'MARK_RAN', '9:0')"
            )
        },
    },
    Tool {
        name: "sqitch",
        table: "changes",
        ids: ["app_users", "email", "orders"],
        files: |sandbox, tool| folders(sandbox, tool),
        tables: |kind| {
            let (schema, create) = match kind {
                Kind::Postgres => ("sqitch.", "CREATE SCHEMA sqitch; "),
                _ => ("", ""),
            };
            let time = if kind == Kind::Mysql { "DATETIME(6)" } else { "TIMESTAMP" };
            format!(
                "{create}CREATE TABLE {schema}projects (project VARCHAR(255) PRIMARY KEY, uri VARCHAR(255) UNIQUE,
                 created_at {time} NOT NULL, creator_name VARCHAR(255) NOT NULL, creator_email VARCHAR(255) NOT NULL);
                 CREATE TABLE {schema}changes (change_id VARCHAR(40) PRIMARY KEY, script_hash VARCHAR(40),
                 {change} VARCHAR(255) NOT NULL, project VARCHAR(255) NOT NULL REFERENCES {schema}projects (project),
                 note VARCHAR(255) NOT NULL, committed_at {time} NOT NULL, committer_name VARCHAR(255) NOT NULL,
                 UNIQUE (project, script_hash))",
                change = if kind == Kind::Mysql { "`change`" } else { "change" },
            )
        },
        rows: |kind| {
            let schema = if kind == Kind::Postgres { "sqitch." } else { "" };
            format!(
                "INSERT INTO {schema}projects VALUES ('app', NULL, '2026-01-01 00:00:00', 'x', 'x'),
                 ('other', 'u', '2026-01-01 00:00:00', 'x', 'x');
                 INSERT INTO {schema}changes VALUES
                 ('c2', 'h2', 'email', 'app', '', '2026-02-01 10:00:01', 'Bob Builder'),
                 ('c1', 'h1', 'app_users', 'app', '', '2026-02-01 10:00:00', 'Bob Builder'),
                 ('c9', 'h9', 'elsewhere', 'other', '', '2026-02-01 10:00:00', 'Bob Builder')"
            )
        },
    },
];

fn tool(name: &str) -> &'static Tool {
    TOOLS.iter().find(|tool| tool.name == name).expect("a tool")
}

fn bytes(kind: Kind, bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if kind == Kind::Postgres { format!("'\\x{digits}'") } else { format!("X'{digits}'") }
}

/// CRC-32 of a text of one line, bit by bit.
fn crc32(line: &str) -> i32 {
    let mut rest = u32::MAX;
    for byte in line.trim_end_matches('\n').bytes() {
        for bit in 0..8 {
            let carry = (rest ^ u32::from(byte >> bit)) & 1;
            rest = (rest >> 1) ^ if carry == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    (!rest).cast_signed()
}

fn pairs(sandbox: &Sandbox, tool: &Tool) {
    for ((id, up), down) in tool.ids.iter().zip(UPS).zip(DOWNS) {
        sandbox.write(&format!("migrations/{id}.up.sql"), up).write(&format!("migrations/{id}.down.sql"), down);
    }
}

fn folders(sandbox: &Sandbox, tool: &Tool) {
    for ((id, up), down) in tool.ids.iter().zip(UPS).zip(DOWNS) {
        sandbox.migration(id, up, down);
    }
}

fn marked(sandbox: &Sandbox, tool: &Tool, up_mark: &str, down_mark: &str) {
    for ((id, up), down) in tool.ids.iter().zip(UPS).zip(DOWNS) {
        sandbox.write(&format!("migrations/{id}.sql"), format!("{up_mark}\n{up}\n{down_mark}\n{down}"));
    }
}

/// The tool's files, and a database in which it has applied the first two.
fn migrated(sandbox: &Sandbox, tool: &Tool) {
    (tool.files)(sandbox, tool);
    sandbox.sql(UP_1);
    sandbox.sql(UP_2);
    sandbox.sql(&(tool.tables)(sandbox.kind));
    sandbox.sql(&(tool.rows)(sandbox.kind));
}

/// The tool's table, whole.
fn table(sandbox: &Sandbox, tool: &Tool) -> Vec<Vec<Option<String>>> {
    let schema = if tool.name == "sqitch" && sandbox.kind == Kind::Postgres { "sqitch." } else { "" };
    let name = match (sandbox.kind, tool.name) {
        (Kind::Mysql, "liquibase") => "DATABASECHANGELOG",
        _ => tool.table,
    };
    // The test's own connection reads text only.
    let columns = if tool.name == "sqlx" { "version, description, installed_on, success, execution_time" } else { "*" };
    let mut rows = sandbox.sql(&format!("SELECT {columns} FROM {schema}{name}"));
    rows.sort();
    rows
}

#[test]
fn what_each_tool_has_applied_is_taken_over() {
    for tool in TOOLS {
        each_engine(|sandbox| {
            migrated(sandbox, tool);
            let before = table(sandbox, tool);
            sandbox.run(&["up"]).exits(1).says("`switchback adopt`");
            sandbox.run(&["adopt", "--yes"]).ok().says(&format!("adopted  {} (not proven)", tool.ids[0]));
            assert_eq!(sandbox.applied(), tool.ids[..2], "{}", tool.name);
            let rows: Vec<String> = tool.ids[..2].iter().map(|id| format!("adopt done {id}")).collect();
            assert_eq!(sandbox.ledger_rows(), rows);
            sandbox.run(&["status"]).ok().says("(adopted)").says_not("has been migrated");
            sandbox.run(&["adopt", "--yes"]).ok().says("nothing to do");
            // The other tool's table is no difference to what is proven.
            sandbox.run(&["up"]).ok().says(&format!("applied  {}", tool.ids[2])).says_not("schema-differs");
            sandbox.run(&["down", "--steps", "1", "--yes"]).ok().says_not("not proven");
            let down = sandbox.run(&["down", "--all", "--yes"]).ok();
            down.says("adopted from another tool without a proof").says(&format!("reverted {}", tool.ids[0]));
            assert!(!sandbox.user_tables().contains(&"users".to_owned()));
            sandbox.run(&["log", "--verify"]).ok();
            assert_eq!(table(sandbox, tool), before, "{} was touched", tool.name);
        });
    }
}

#[test]
fn what_the_registry_proves_is_adopted_as_proven() {
    each_engine(|sandbox| {
        let goose = tool("goose");
        migrated(sandbox, goose);
        sandbox.run(&["verify"]).ok();
        sandbox.run(&["adopt", "--yes", "--reason", "we leave goose"]).ok().says("adopted  00001_users (exact)");
        sandbox.run(&["log"]).ok().says("from goose, applied at").says("we leave goose");
        sandbox.run(&["down", "--all", "--yes"]).ok().says_not("not proven");
        assert!(!sandbox.user_tables().contains(&"users".to_owned()));
    });
}

#[test]
fn what_is_proven_after_it_was_adopted_is_taken_over_by_the_next_up() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("goose"));
        sandbox.run(&["adopt", "--yes"]).ok().says("adopted  00001_users (not proven)");
        sandbox.run(&["up"]).ok().says("applied  00003_").says_not("adopted-proven");
        let rows = sandbox.ledger_rows().len();
        let dry =
            sandbox.run(&["down", "--all", "--dry-run"]).ok().says("was adopted from another tool without a proof");
        dry.says("`switchback verify` proves it");
        sandbox.run(&["verify"]).ok();
        let told = sandbox.run(&["up"]).ok();
        told.says("2 migrations were adopted without a proof and are proven now; the ledger takes the proofs over");
        let amended: Vec<String> = sandbox.ledger_rows().split_off(rows);
        assert_eq!(amended, ["amend done 00001_users", "amend done 00002_email"]);
        sandbox.run(&["up"]).ok().says_not("adopted").says("nothing to do");
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok().says_not("not proven");
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn what_stays_unproven_after_it_was_adopted_is_not_taken_over() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).migration("2_t2", "CREATE TABLE t2 (id integer);\n", "SELECT 1;\n");
    sandbox.sql("CREATE TABLE t1 (id integer)");
    sandbox.sql("CREATE TABLE t2 (id integer)");
    sandbox.run(&["adopt", "--baseline", "2_t2", "--yes"]).ok();
    sandbox.run(&["verify", "--keep-going"]).exits(1);
    sandbox.run(&["waive", "2_t2", "--reason", "old"]).ok();
    sandbox.run(&["up"]).ok().says("1 migration was adopted without a proof and is proven now");
    assert_eq!(sandbox.ledger_rows().split_off(2), ["amend done 1_t1"]);
    sandbox.run(&["up"]).ok().says("nothing to do");
}

#[test]
fn i3_any_checkout_takes_back_what_was_adopted() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("dbmate"));
        sandbox.run(&["adopt", "--yes"]).ok();
        sandbox.remove("migrations").write("migrations/.keep", "");
        sandbox.run(&["status"]).ok().says("unknown  20260105090000_users");
        sandbox.run(&["down", "--all", "--yes"]).ok().says("reverted 20260105090000_users");
        assert_eq!(sandbox.user_tables(), ["schema_migrations"]);
    });
}

#[test]
fn i5_of_two_that_adopt_one_does() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("goose"));
        let both = [sandbox.start(&["adopt", "--yes"]), sandbox.start(&["adopt", "--yes"])];
        let codes = both.map(|running| running.wait().code);
        assert!(codes.contains(&0) && codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
        assert_eq!(sandbox.ledger_rows(), ["adopt done 00001_users", "adopt done 00002_email"]);
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn i5_what_moved_while_the_lock_was_waited_for_is_not_adopted() {
    for (change, told) in [
        ("INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 1)", "the other tool's table changed"),
        ("CREATE TABLE by_hand (id integer)", "the schema changed"),
    ] {
        let sandbox = Sandbox::new(Kind::Sqlite);
        migrated(&sandbox, tool("goose"));
        let mut other = sandbox.connect();
        other.sql("BEGIN IMMEDIATE");
        let waiting = sandbox.start(&["adopt", "--yes"]);
        until("the run waits for the file", || waiting.has_said("waiting for the lock"));
        other.sql(change);
        other.sql("COMMIT");
        waiting.wait().exits(5).says(told);
        assert!(sandbox.ledger_rows().is_empty());
    }
}

#[test]
fn i4_a_killed_adoption_leaves_no_row() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    migrated(&sandbox, tool("goose"));
    let mut other = sandbox.connect();
    other.sql("BEGIN IMMEDIATE");
    let waiting = sandbox.start(&["adopt", "--yes"]);
    until("the run waits for the file", || waiting.has_said("waiting for the lock"));
    waiting.kill();
    other.sql("COMMIT");
    sandbox.run(&["up"]).exits(1).says("goose");
    sandbox.run(&["adopt", "--yes"]).ok().says("2 migrations adopted");
    sandbox.run(&["log", "--verify"]).ok();
}

/// The other tool's table stands in the live schema and not in the shadow, and must not confuse who compares the two.
#[test]
fn i4_mysql_a_step_behind_an_adoption_is_gone_on_with() {
    let sandbox = &Sandbox::new(Kind::Mysql);
    migrated(sandbox, tool("goose"));
    sandbox.run(&["adopt", "--yes"]).ok();
    sandbox.write(
        "migrations/00003_orders.sql",
        "-- +goose Up\nCREATE TABLE a (id integer);\n\
         CREATE TABLE b AS SELECT if(database() LIKE 'sbt%', sleep(3), 0) AS id;\nCREATE TABLE c (id integer);\n\
         -- +goose Down\nDROP TABLE c;\nDROP TABLE b;\nDROP TABLE a;\n",
    );
    sandbox.run(&["verify"]).ok();
    let runner = sandbox.start(&["up", "--locked"]);
    until("the statement is under way", || is_under_way(sandbox));
    runner.kill();
    sandbox.run(&["adopt", "--yes"]).exits(4).says("stopped half-way");
    sandbox.run(&["up", "--locked"]).ok();
    assert_eq!(sandbox.user_tables(), ["a", "b", "c", "goose_db_version", "users"]);
    assert_eq!(sandbox.ledger_count("apply done"), 1);
}

#[test]
fn i6_adopted_rows_hold_in_the_chain() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("sqlx"));
        sandbox.run(&["adopt", "--yes"]).ok();
        sandbox.run(&["up"]).ok();
        sandbox.run(&["log", "--verify"]).ok().says("the chain holds");
        match sandbox.kind {
            Kind::Sqlite => drop(sandbox.sql("DROP TRIGGER switchback_ledger_no_update")),
            Kind::Postgres => {
                drop(sandbox.sql("ALTER TABLE switchback.switchback_ledger DISABLE TRIGGER ALL"));
            }
            Kind::Mysql => drop(sandbox.sql("DROP TRIGGER IF EXISTS switchback_ledger_update")),
        }
        sandbox.sql(&format!("UPDATE {} SET detail = 'from nowhere' WHERE seq = 1", sandbox.ledger()));
        sandbox.run(&["log", "--verify"]).exits(1).says("row #1");
    });
}

#[test]
fn i7_a_dry_run_leaves_no_trace() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("goose"));
        let (tables, files) = (sandbox.all_tables(), sandbox.files());
        sandbox.run(&["adopt", "--dry-run"]).ok().says("adopt    00001_users").says("nothing was written");
        let object = sandbox.json(&["adopt", "--dry-run"]);
        assert_eq!(each(&object["adopted"], "/id"), ["00001_users", "00002_email"]);
        assert_eq!((&object["dry_run"], &object["from"]), (&true.into(), &"goose".into()));
        assert_eq!(sandbox.all_tables(), tables);
        assert_eq!(sandbox.files(), files);
        // Nobody is there to be asked, so nothing is done either.
        sandbox.run(&["adopt"]).exits(2).says("--yes");
        assert_eq!(sandbox.all_tables(), tables);
    });
}

#[test]
fn i9_what_cannot_be_replayed_is_not_adopted() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("goose"));
        sandbox.write(
            "migrations/00002_email.sql",
            "-- +goose Up\nALTER TABLE user ADD email int;\n-- +goose Down\nSELECT 1;\n",
        );
        sandbox.run(&["adopt", "--yes", "--reason", "x"]).exits(1).says("fails in the shadow");
        assert!(sandbox.ledger_rows().is_empty());
    });
}

#[test]
fn i11_rows_are_counted_before_an_adopted_table_is_dropped() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("goose"));
        sandbox.sql("INSERT INTO users VALUES (1, 'ann', 'a@example.org'), (2, 'bob', NULL)");
        sandbox.run(&["adopt", "--yes"]).ok();
        sandbox.run(&["down", "--all", "--yes"]).exits(1).says("users with 2 rows");
        sandbox.run(&["down", "--steps", "1", "--yes"]).exits(1).says("users.email with 1 value");
        assert_eq!(sandbox.value("SELECT count(*) FROM users"), "2");
        sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
    });
}

#[test]
fn a_schema_that_drifted_needs_a_reason() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("goose"));
        sandbox.sql("CREATE TABLE by_hand (id integer)");
        sandbox.sql("ALTER TABLE users DROP COLUMN email");
        let refused = sandbox.run(&["adopt", "--yes"]).exits(1);
        let refused =
            refused.says("by_hand is in the database").says("users.email is made by these migrations").says("--reason");
        refused.says("    - ").says("    + ");
        assert!(sandbox.ledger_rows().is_empty());
        sandbox.run(&["adopt", "--yes", "--reason", " "]).exits(2).says("the reason is empty");
        let told = sandbox.run(&["adopt", "--yes", "--reason", "the mail went elsewhere"]).ok();
        told.says("warning[schema-differs]");
        sandbox.run(&["log"]).ok().says("the mail went elsewhere").says("the schema differed in").says("by_hand");
        sandbox.run(&["up"]).ok();
        sandbox.run(&["log", "--verify"]).ok();
    });
}

#[test]
fn an_order_of_columns_needs_no_reason() {
    let sandbox = Sandbox::new(Kind::Postgres);
    migrated(&sandbox, tool("goose"));
    sandbox.sql("ALTER TABLE users DROP COLUMN name; ALTER TABLE users ADD COLUMN name varchar(50) NOT NULL");
    sandbox.run(&["adopt", "--yes"]).ok().says("note[schema-differs]").says("another order");
}

#[test]
fn golang_migrates_dirty_flag_is_refused() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("golang-migrate"));
        sandbox.sql("UPDATE schema_migrations SET dirty = true");
        sandbox.run(&["adopt", "--yes"]).exits(1).says("history-dirty").says("migrate force 2");
        sandbox.run(&["adopt", "--yes", "--reason", "I know"]).exits(1).says("history-dirty");
        sandbox.sql("UPDATE schema_migrations SET dirty = false, version = 7");
        sandbox.run(&["adopt", "--yes", "--reason", "I know"]).exits(1).says("version 7").says("--baseline");
        assert!(sandbox.ledger_rows().is_empty());
        sandbox.run(&["adopt", "--yes", "--baseline", "email"]).ok();
        assert_eq!(sandbox.applied(), tool("golang-migrate").ids[..2]);
    });
}

#[test]
fn a_version_that_no_file_has_needs_a_reason() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("dbmate"));
        sandbox.sql("INSERT INTO schema_migrations VALUES ('20250101000000')");
        sandbox
            .run(&["adopt", "--yes"])
            .exits(1)
            .says("history-unknown")
            .says("version 20250101000000")
            .says("--reason");
        assert!(sandbox.ledger_rows().is_empty());
        sandbox.run(&["adopt", "--yes", "--reason", "squashed long ago"]).ok().says("warning[history-unknown]");
        assert_eq!(sandbox.applied(), tool("dbmate").ids[..2]);
    });
}

#[test]
fn a_history_of_another_folder_is_refused_whole() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    migrated(&sandbox, tool("dbmate"));
    sandbox.sql("UPDATE schema_migrations SET version = version || '1'");
    sandbox.run(&["adopt", "--yes", "--reason", "x"]).exits(1).says("no migration here is one");
}

#[test]
fn a_script_that_was_edited_needs_a_reason() {
    each_engine(|sandbox| {
        let sqlx = tool("sqlx");
        migrated(sandbox, sqlx);
        // Line ends and a byte order mark are no edit.
        sandbox.write(&format!("migrations/{}.up.sql", sqlx.ids[0]), format!("\u{feff}{}", UP_1.replace('\n', "\r\n")));
        sandbox.run(&["adopt", "--dry-run"]).ok().says_not("history-checksum");
        sandbox.write(&format!("migrations/{}.up.sql", sqlx.ids[0]), format!("-- mended\n{UP_1}"));
        sandbox.run(&["adopt", "--yes"]).exits(1).says("history-checksum").says("does not fit these files");
        sandbox.run(&["adopt", "--yes", "--reason", "a comment"]).ok();
        assert_eq!(sandbox.ledger_rows().len(), 2);
    });
}

#[test]
fn a_baseline_says_by_itself_what_is_applied() {
    each_engine(|sandbox| {
        sandbox.tables(3);
        sandbox.sql("CREATE TABLE t1 (id integer)");
        sandbox.run(&["adopt", "--yes"]).exits(1).says("no other tool's history").says("--baseline");
        sandbox.run(&["adopt", "--yes", "--baseline", "nowhere"]).exits(2);
        sandbox.run(&["adopt", "--yes", "--baseline", "2_t2"]).exits(1).says("t2 is made by these migrations");
        sandbox.run(&["adopt", "--yes", "--baseline", "t1"]).ok().says("1 migration adopted from a baseline");
        sandbox.run(&["adopt", "--yes", "--baseline", "t1"]).ok().says("nothing to do");
        // Made by hand in the meantime: the ledger goes on from where it stands.
        sandbox.sql("CREATE TABLE t2 (id integer)");
        sandbox.run(&["adopt", "--yes", "--baseline", "2_t2"]).ok().says("adopted  2_t2").says_not("1_t1");
        sandbox.run(&["up"]).ok().says("applied  3_t3");
        sandbox.run(&["down", "--all", "--yes"]).ok();
        assert!(sandbox.user_tables().is_empty());
        // What was taken back is not adopted again: the ledger is newer.
        sandbox.run(&["adopt", "--yes", "--baseline", "3_t3"]).ok().says("nothing to do");
    });
}

#[test]
fn what_the_other_tool_did_since_is_taken_over_later() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("dbmate"));
        sandbox.run(&["adopt", "--yes"]).ok();
        sandbox.sql(UP_3);
        sandbox.sql("INSERT INTO schema_migrations VALUES ('20260107090000')");
        sandbox.run(&["adopt", "--yes"]).ok().says("adopted  20260107090000_orders").says("1 migration adopted");
        assert_eq!(sandbox.applied(), tool("dbmate").ids);
    });
}

#[test]
fn of_two_histories_one_must_be_named() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("goose"));
        sandbox.sql(&(tool("dbmate").tables)(sandbox.kind));
        sandbox.sql("INSERT INTO schema_migrations VALUES ('1')");
        sandbox.run(&["adopt", "--yes"]).exits(2).says("--from goose").says("schema_migrations");
        sandbox.run(&["adopt", "--yes", "--from", "flyweight"]).exits(2).says("sqitch");
        sandbox.run(&["adopt", "--yes", "--from", "flyway"]).exits(1).says("no history of Flyway");
        sandbox.run(&["adopt", "--yes", "--from", "goose"]).ok();
        assert_eq!(sandbox.ledger_rows().len(), 2);
    });
}

#[test]
fn a_history_that_nobody_reads_is_told() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1);
    sandbox.sql("CREATE TABLE t1 (id integer)");
    sandbox.sql("CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('a')");
    sandbox.run(&["adopt", "--yes"]).exits(1).says("Alembic").says("--baseline");
    sandbox.run(&["adopt", "--yes", "--baseline", "1_t1"]).ok();
}

#[test]
fn a_ledger_without_rows_lets_nothing_up() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    migrated(&sandbox, tool("goose"));
    sandbox.run(&["adopt", "--yes"]).ok();
    sandbox.sql("DROP TRIGGER switchback_ledger_no_delete; DELETE FROM switchback_ledger");
    sandbox.run(&["up"]).exits(1).says("goose").says("`switchback adopt`");
    sandbox.run(&["status"]).ok().says("has been migrated by goose");
    sandbox.run(&["adopt", "--yes"]).ok().says("2 migrations adopted");
}

#[test]
fn sqitchs_registry_is_found_beside_a_file() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    let sqitch = tool("sqitch");
    (sqitch.files)(&sandbox, sqitch);
    sandbox.sql(UP_1);
    sandbox.sql(UP_2);
    sandbox.run(&["adopt", "--yes", "--from", "sqitch"]).exits(1).says("no history of Sqitch");
    let mut registry = common::Connection::open(&sandbox.url.replace("app.db", "sqitch.db"));
    registry.sql(&(sqitch.tables)(Kind::Sqlite));
    registry.sql(&(sqitch.rows)(Kind::Sqlite));
    drop(registry);
    let before = sandbox.files();
    sandbox.run(&["adopt", "--yes", "--from", "sqitch"]).ok().says("adopted  app_users");
    assert_eq!(sandbox.applied(), sqitch.ids[..2]);
    assert_eq!(sandbox.files(), before, "the registry was touched");
    sandbox.run(&["log"]).ok().says("by Bob Builder");
}

#[test]
fn hostile_rows_do_not_get_through() {
    each_engine(|sandbox| {
        migrated(sandbox, tool("sqlx"));
        let text = if sandbox.kind == Kind::Mysql { "char(200)" } else { "text" };
        sandbox.sql("DROP TABLE _sqlx_migrations");
        sandbox.sql(&format!(
            "CREATE TABLE _sqlx_migrations AS SELECT CAST('20260105090000' AS {text}) AS version,
             CAST('\u{1b}[31mred\u{1b}[0m' AS {text}) AS installed_on, 'yes' AS success, CAST('\u{1b}]0;x' AS {text}) AS checksum"
        ));
        sandbox.run(&["adopt", "--yes"]).exits(1).says("history-failed").says_not("\u{1b}[31m");
        sandbox.sql("UPDATE _sqlx_migrations SET success = '1'");
        sandbox.run(&["adopt", "--dry-run", "--reason", "x"]).ok().says("history-checksum").says_not("\u{1b}");
        for version in
            ["NULL", "'-'", "'99999999999999999999999999999999999999999999999999'", "'; DROP TABLE users; --'"]
        {
            sandbox.sql(&format!("UPDATE _sqlx_migrations SET version = {version}"));
            sandbox.run(&["adopt", "--yes", "--reason", "x"]).exits(1);
            assert!(sandbox.ledger_rows().is_empty(), "{version}");
        }
        assert!(sandbox.user_tables().contains(&"users".to_owned()));
    });
}

/// What a reader makes of rows, for migrations of these names.
fn read(name: &str, rows: &[&[&str]], ids: &[&str]) -> Reading {
    let migrations: Vec<Migration> = ids
        .iter()
        .map(|id| Migration {
            id: switchback::id::Id::new(*id),
            up: Script::parse("up.sql", 1, UP_1.as_bytes(), Flavor::Sqlite),
            down: Down::Missing,
            verify: None,
            seed: None,
            settings: Settings::default(),
            path: String::new(),
        })
        .collect();
    let value = |text: &&str| (*text != "NULL").then(|| (*text).to_owned());
    let rows: Vec<Row> = rows.iter().map(|row| row.iter().map(value).collect()).collect();
    history::by_name(name).expect("a reader").read(&rows, &migrations.iter().collect::<Vec<_>>())
}

fn taken(reading: &Reading) -> Vec<&str> {
    reading.taken.iter().map(|taken| taken.id.as_str()).collect()
}

fn codes(reading: &Reading) -> Vec<&str> {
    reading.refusals.iter().chain(&reading.doubts).map(|finding| finding.code.as_ref()).collect()
}

#[test]
fn flyways_rows_are_read_in_their_order() {
    let ids = ["V1__a", "V1_1__b", "V2__c", "R__views"];
    let at = "2026-01-01";
    let sum = crc32(UP_1).to_string();
    let row = |rank, version, kind, script| [rank, version, kind, script, sum.as_str(), "bob", at, "t"];
    let rows = [
        row("5", "NULL", "SQL", "R__views.sql"),
        row("1", "NULL", "SCHEMA", "\"app\""),
        row("2", "2", "SQL", "db/V2__c.sql"),
        row("3", "1.1", "SQL", "V1_1__b.sql"),
        row("4", "1.1", "UNDO_SQL", "U1_1__b.sql"),
    ];
    let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
    let reading = read("flyway", &rows, &ids);
    assert_eq!((taken(&reading), codes(&reading)), (vec!["V2__c", "R__views"], vec![]));
    assert_eq!(reading.taken[0].told, "at 2026-01-01 by bob");
    let baseline = ["1", "1.1", "BASELINE", "<< Flyway Baseline >>", "NULL", "bob", at, "1"];
    assert_eq!(taken(&read("flyway", &[&baseline], &ids)), ["V1__a", "V1_1__b"]);
    let other = ["1", "1", "SQL", "V1__a.sql", "4711", "bob", at, "1"];
    assert_eq!(codes(&read("flyway", &[&other], &ids)), ["history-checksum"]);
    let failed = ["1", "1", "SQL", "V1__a.sql", &sum, "bob", at, "f"];
    assert_eq!(codes(&read("flyway", &[&failed], &ids)), ["history-failed"]);
    let program = ["1", "9", "JDBC", "db.V9__x", "NULL", "bob", at, "1"];
    assert_eq!(codes(&read("flyway", &[&program], &ids)), ["history-unknown"]);
    let nulls = ["NULL"; 8];
    assert_eq!(codes(&read("flyway", &[&nulls], &ids)), ["history-unreadable"]);
}

#[test]
fn liquibases_changesets_are_told_by_what_names_them() {
    let ids = ["a.sql::1::ann", "b.sql::1::ann", "2"];
    let row = |id, file, order, state| [id, "ann", file, "2026-01-01", order, state];
    let rows =
        [row("2", "b.sql", "3", "RERAN"), row("1", "db/b.sql", "2", "EXECUTED"), row("1", "a.sql", "1", "EXECUTED")];
    let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
    assert_eq!(taken(&read("liquibase", &rows, &ids)), ["a.sql::1::ann", "b.sql::1::ann", "2"]);
    let state = |state| read("liquibase", &[&row("2", "x.sql", "1", state)], &ids);
    assert_eq!(codes(&state("FAILED")), ["history-failed"]);
    assert_eq!((taken(&state("SKIPPED")).len(), codes(&state("SKIPPED")).len()), (0, 0));
    assert_eq!(codes(&state("WHAT")), ["history-unreadable"]);
    // A name that two migrations fit is no name.
    assert_eq!(codes(&read("liquibase", &[&row("7", "c.sql", "1", "EXECUTED")], &["7", "7."])), ["history-unknown"]);
}

#[test]
fn sqitchs_reworked_changes_are_told_apart() {
    let ids = ["users@v1", "users", "roles"];
    let row = |project, change, at| [project, change, at, "bob"];
    let once = read("sqitch", &[&row("app", "users", "1")], &ids);
    assert_eq!(taken(&once), ["users@v1"]);
    let rows = [row("app", "users", "3"), row("app", "roles", "2"), row("app", "users", "1")];
    let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
    assert_eq!(taken(&read("sqitch", &rows, &ids)), ["users@v1", "roles", "users"]);
    let two = read("sqitch", &[&row("app", "users", "1"), &row("web", "roles", "1")], &ids);
    assert_eq!(codes(&two), ["history-ambiguous"]);
    assert_eq!(codes(&read("sqitch", &[&row("app", "other", "1")], &ids)), ["history-unknown"]);
}

#[test]
fn rows_that_no_tool_writes_are_not_believed() {
    let ids = ["1_a", "2_b"];
    for (name, row) in [
        ("golang-migrate", &["NULL", "f"][..]),
        ("golang-migrate", &["1", "NULL"]),
        ("golang-migrate", &["1e3", "0"]),
        ("diesel", &["NULL", "NULL"]),
        ("dbmate", &[""]),
        ("goose", &["NULL", "1", "1", "NULL"]),
        ("goose", &["1", "1", "maybe", "NULL"]),
        ("sqlx", &["one", "NULL", "1", "NULL"]),
        ("sql-migrate", &["NULL", "NULL"]),
        ("liquibase", &["NULL", "a", "b", "NULL", "NULL", "EXECUTED"]),
        ("sqitch", &["NULL", "a", "NULL", "NULL"]),
    ] {
        let reading = read(name, &[row], &ids);
        assert_eq!((codes(&reading), taken(&reading).len()), (vec!["history-unreadable"], 0), "{name}: {row:?}");
    }
    let two = read("golang-migrate", &[&["1", "0"], &["2", "0"]], &ids);
    assert_eq!(codes(&two), ["history-unreadable"]);
    let huge = "9".repeat(60);
    assert_eq!(codes(&read("golang-migrate", &[&[&huge, "0"]], &ids)), ["history-unreadable"]);
    assert_eq!(taken(&read("golang-migrate", &[&["-1", "0"]], &ids)).len(), 0);
}
