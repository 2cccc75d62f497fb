//! Whose shadows stand on a server, and what became of them.

use super::{Kind, Running, Sandbox, until};

/// The shadows of a process, by their markers: other tests make theirs at the same time.
pub fn shadows_of(sandbox: &Sandbox, pid: u32) -> Vec<String> {
    let names = |sql: &str| -> Vec<String> { sandbox.sql(sql).into_iter().flatten().flatten().collect() };
    match sandbox.kind {
        Kind::Sqlite => Vec::new(),
        Kind::Postgres => names(&format!(
            "SELECT datname FROM pg_database JOIN pg_shdescription ON objoid = oid WHERE datname ^@ 'switchback_' AND description ~ '\\m{pid}\\M'
             UNION ALL SELECT rolname FROM pg_roles JOIN pg_shdescription ON objoid = oid WHERE rolname ^@ 'switchback_' AND description ~ '\\m{pid}\\M'"
        )),
        Kind::Mysql => {
            let all = names("SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'switchback%'");
            let is_of = |name: &String| {
                let marked = sandbox.connect().attempt(&format!("SELECT 1 FROM {name}.switchback_marker WHERE pid = {pid}"));
                marked.is_ok_and(|rows| !rows.is_empty())
            };
            all.into_iter().filter(is_of).collect()
        }
    }
}

/// Databases, roles and users that carry any of the names, or the nonce in them.
pub fn still_there(sandbox: &Sandbox, names: &[String]) -> Vec<String> {
    let query = match sandbox.kind {
        Kind::Sqlite => return Vec::new(),
        Kind::Postgres => "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles",
        Kind::Mysql => "SELECT schema_name FROM information_schema.schemata UNION ALL SELECT user FROM mysql.user",
    };
    let nonces: Vec<&str> = names.iter().filter_map(|name| name.rsplit('_').next()).collect();
    let all = sandbox.sql(query).into_iter().flatten().flatten();
    all.filter(|name| name.starts_with("switchback_") && nonces.iter().any(|nonce| name.ends_with(nonce))).collect()
}

/// A verification whose shadow runs a statement of a minute, and the shadow's names.
pub fn long_verification(sandbox: &Sandbox) -> (Running, Vec<String>) {
    let sleep = if sandbox.kind == Kind::Postgres { "SELECT pg_sleep(60);" } else { "DO sleep(60);" };
    sandbox.migration("1_x", &format!("CREATE TABLE x (id integer);\n{sleep}\n"), "DROP TABLE x;\n");
    let mut running = sandbox.start(&["verify"]);
    until("the shadow's script sleeps", || running.has_ended() || sleeps(sandbox, running.pid()));
    let names = shadows_of(sandbox, running.pid());
    assert!(!names.is_empty());
    (running, names)
}

/// Whether a shadow of the process runs its sleep.
fn sleeps(sandbox: &Sandbox, pid: u32) -> bool {
    let query = match sandbox.kind {
        Kind::Postgres => {
            "SELECT datname FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
        }
        _ => "SELECT db FROM information_schema.processlist WHERE info LIKE 'DO sleep(60)%'",
    };
    let busy: Vec<String> = sandbox.sql(query).into_iter().flatten().flatten().collect();
    shadows_of(sandbox, pid).iter().any(|name| busy.contains(name))
}
