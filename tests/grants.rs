//! Rights that migrations give: proven as all else is, and never called so where nobody can see them.

mod common;

use common::login::Login;
use common::{Kind, Sandbox, each_server};

/// A table, a routine, and what gives rights on both to the account.
fn granting(sandbox: &Sandbox, account: &str) {
    let routine = match sandbox.kind {
        Kind::Postgres => {
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f FROM PUBLIC;"
        }
        _ => "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1;",
    };
    sandbox.migration("1_made", &format!("CREATE TABLE t (a int); {routine}"), "DROP FUNCTION f; DROP TABLE t;");
    let (up, down) = (
        format!("GRANT SELECT ON t TO {account};\nGRANT EXECUTE ON FUNCTION f TO {account};\n"),
        format!("REVOKE EXECUTE ON FUNCTION f FROM {account}; REVOKE SELECT ON t FROM {account};\n"),
    );
    sandbox.migration("2_granted", &up, &down);
}

#[test]
fn rights_on_tables_and_routines_are_proven_drafted_and_seen_to_drift() {
    each_server(|sandbox| {
        let reader = Login::new(sandbox, "x", if sandbox.kind == Kind::Postgres { "NOSUPERUSER" } else { "USAGE" });
        granting(sandbox, &reader.name);
        sandbox.run(&["verify"]).ok().says("2 migrations: 2 exact");
        sandbox.write("migrations/2_granted/down.sql", format!("REVOKE SELECT ON t FROM {};\n", reader.name));
        let told = sandbox.run(&["verify"]).exits(1).says("left-behind").says("is left behind by the down");
        told.says("migrations/2_granted/up.sql:2:1");
        sandbox.remove("migrations/2_granted/down.sql").run(&["draft", "2_granted"]).ok().says("exact");
        assert!(sandbox.read("migrations/2_granted/down.sql").to_uppercase().contains("REVOKE EXECUTE"));
        sandbox.run(&["up"]).ok().says_not("schema-differs");
        sandbox.run(&["drift"]).ok();
        sandbox.sql(&format!("REVOKE EXECUTE ON FUNCTION f FROM {}", reader.name));
        let finding = &sandbox.json(&["drift"])["findings"][0];
        assert_eq!(
            (&finding["code"], &finding["migration"]),
            (&"drift-missing".into(), &"2_granted".into()),
            "{finding}"
        );
        sandbox.sql(&format!("GRANT EXECUTE ON FUNCTION f TO {}", reader.name));
        sandbox.run(&["down", "--all", "--yes"]).ok();
    });
}

#[test]
fn a_shadow_leaves_no_right_behind_on_mysql() {
    let sandbox = Sandbox::new(Kind::Mysql);
    let reader = Login::new(&sandbox, "x", "USAGE");
    granting(&sandbox, &reader.name);
    sandbox.run(&["verify"]).ok();
    for table in ["tables_priv", "procs_priv"] {
        let left = format!("SELECT COUNT(*) FROM mysql.{table} WHERE user = '{}'", reader.name);
        assert_eq!(sandbox.value(&left), "0", "{table}");
    }
}

#[test]
fn i9_a_right_that_nobody_can_see_is_not_proven() {
    let sandbox = Sandbox::new(Kind::Mysql);
    let reader = Login::new(&sandbox, "x", "USAGE");
    let runner = Login::new(&sandbox, "y", "ALL");
    let shadows = "GRANT CREATE USER ON *.* TO {}; GRANT ALL ON `switchback\\_shadow\\_%`.* TO {} WITH GRANT OPTION";
    for grant in shadows.replace("{}", &runner.name).split("; ") {
        sandbox.sql(grant);
    }
    granting(&sandbox, &reader.name);
    let with = [("DATABASE_URL", runner.url.as_str())];
    let told = sandbox.run_with(&["verify", "--shadow", "server"], &with).exits(1);
    told.says("1 failed").says("migrations/2_granted/up.sql:1:1").says("mysql.procs_priv");
}

#[test]
fn what_the_live_account_may_not_read_is_not_called_drift() {
    let sandbox = Sandbox::new(Kind::Mysql);
    let reader = Login::new(&sandbox, "x", "USAGE");
    let viewer = Login::new(&sandbox, "y", "SELECT");
    sandbox.migration("1_t", "CREATE TABLE t (a int);", "DROP TABLE t;");
    let (up, down) = ("GRANT SELECT ON t TO {}", "REVOKE SELECT ON t FROM {}");
    sandbox.migration("2_granted", &up.replace("{}", &reader.name), &down.replace("{}", &reader.name));
    sandbox.run(&["up"]).ok();
    let shadow = Sandbox::new(Kind::Mysql);
    let told = sandbox.run_with(&["drift", "--shadow", &shadow.url], &[("DATABASE_URL", &viewer.url)]);
    told.ok().says("drift-unread").says("no grant is compared");
}
