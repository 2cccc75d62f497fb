//! `switchback lock`: it tells who holds the run's lock, and takes it from whoever is in the way.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::login::Login;
use common::slow::{is_under_way, slow};
use common::{Connection, Kind, Running, Sandbox, each_engine, each_server, until};
use switchback::context::{Context, Interrupt};
use switchback::database::Database;
use switchback::engine::Limits;
use switchback::event::Silent;
use switchback::fault::FaultKind;
use switchback::lock::{Runner, Waits};
use switchback::target::Target;

const BREAK: &[&str] = &["lock", "--break", "--yes", "--reason", "it hangs"];

fn grip(sandbox: &Sandbox) -> String {
    sandbox.json(&["lock"])["grip"].as_str().expect("a grip").to_owned()
}

fn lease(sandbox: &Sandbox) -> &'static str {
    if sandbox.kind == Kind::Postgres { "switchback.switchback_lease" } else { "switchback_lease" }
}

/// The lease's token.
fn token(sandbox: &Sandbox) -> i64 {
    let query = format!("SELECT token FROM {} WHERE id = 1", lease(sandbox));
    sandbox.value(&query).parse().expect("a token")
}

/// An `up` that is inside its long statement, and has another step to go.
fn at_work(sandbox: &Sandbox, seconds: u32) -> Running {
    sandbox.migration(
        "2_more",
        "CREATE TABLE more (id integer);\nINSERT INTO more VALUES (1);\n",
        "DROP TABLE more;\n",
    );
    slow(sandbox, seconds);
    let up = sandbox.start(&["up"]);
    until("the long statement", || is_under_way(sandbox));
    up
}

#[test]
fn a_run_at_work_is_shown_and_one_that_was_killed_is_told_as_gone() {
    each_engine(|sandbox| {
        let up = at_work(sandbox, 3);
        let shown = sandbox.run(&["lock"]).ok().says("held by tester@").says(&format!("(process {})", up.pid()));
        shown.says("`up` since 20").says("ago)").says("alive: ");
        let object = sandbox.json(&["lock"]);
        assert_eq!((object["grip"].as_str(), object["lease"]["what"].as_str()), (Some("held"), Some("up")));
        assert_eq!(object["work_session"].is_null(), sandbox.kind == Kind::Sqlite, "{object}");
        up.kill();
        until("the server's end of the run", || grip(sandbox) == "stale");
        let gone = sandbox.run(&["lock"]).ok().says("nobody holds the lock").says("the lease of tester@");
        gone.says("is left behind by a run that is gone; the next run takes it over");

        // The lease is cleared, and the step that stopped half-way is still known.
        let before = sandbox.ledger_rows().len();
        sandbox.run(BREAK).ok().says("the lease is cleared (#");
        assert_eq!((grip(sandbox).as_str(), sandbox.ledger_rows().len()), ("free", before + 1));
        if sandbox.kind == Kind::Mysql {
            sandbox.run(&["status"]).ok().says("half-way: the up of `1_parts` (row #1) stopped");
        }
        sandbox.run(&["log", "--verify"]).ok();
        sandbox.run(BREAK).ok().says("nobody holds the lock").says_not("(#");
        assert_eq!(sandbox.ledger_rows().len(), before + 1);
        sandbox.run(&["up"]).ok();
        assert_eq!(sandbox.applied(), ["1_parts", "2_more"]);
    });
}

#[test]
fn i7_to_look_at_the_lock_makes_no_ledger() {
    each_engine(|sandbox| {
        sandbox.run(&["lock"]).ok().says("nobody holds the lock");
        sandbox.run(BREAK).ok().says("nobody holds the lock");
        assert_eq!(sandbox.json(&["lock"])["lease"], serde_json::Value::Null);
        if sandbox.kind == Kind::Sqlite {
            assert!(!sandbox.root().join("app.db").exists(), "a database was made");
        } else {
            assert_eq!(sandbox.all_tables(), [""; 0]);
        }
        for args in [&["lock", "--break", "--yes"][..], &["lock", "--break", "--yes", "--reason", " "]] {
            sandbox.run(args).exits(2).says("a lock is broken for a reason").says("look into the ledger for why");
        }
        sandbox.run(&["lock", "--reason", "x"]).exits(2);
    });
}

#[test]
fn i5_a_runner_that_slept_while_its_lock_was_broken_never_writes_again() {
    each_server(|sandbox| {
        let asleep = at_work(sandbox, 3);
        asleep.signal("STOP");
        sandbox.run(&["up", "--lock-wait", "1"]).exits(5).says("`switchback lock` tells whether it is alive");
        sandbox.run(&["lock", "--break", "--reason", "it hangs"]).exits(2).says("--yes");
        let before = token(sandbox);
        sandbox.run(BREAK).ok().says("the lock is broken (#");
        assert_eq!(token(sandbox), before + 1, "the lease has no new token");
        assert_eq!(grip(sandbox), "free");
        sandbox.run(&["up"]).ok();
        let (rows, tables, after) = (sandbox.ledger_rows(), sandbox.all_tables(), token(sandbox));

        asleep.signal("CONT");
        let woken = asleep.wait();
        assert!(matches!(woken.code, 4 | 5), "{woken:?}");
        woken.says("the lock of this run was taken: tester@").says("their reason: it hangs").says_not("applied  ");
        assert_eq!((sandbox.ledger_rows(), sandbox.all_tables(), token(sandbox)), (rows, tables, after));
        assert_eq!(sandbox.value("SELECT count(*) FROM more"), "1");
        for step in ["1_parts", "2_more"] {
            assert_eq!(sandbox.ledger_count(&format!("apply done {step}")), 1, "{step}");
        }
        assert_eq!(sandbox.ledger_count("break-lock done"), 1);
        sandbox.run(&["log", "--verify"]).ok();
        sandbox.run(&["log"]).ok().says("break-lock").says("why     it hangs").says("from    tester@");
    });
}

#[test]
fn a_live_process_on_this_host_is_not_ended_for_a_file() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    let up = at_work(&sandbox, 4);
    up.signal("STOP");
    let refused = sandbox.run(BREAK).exits(1).says(&format!("process {} is alive on this host", up.pid()));
    refused.says(&format!("`kill {}`", up.pid()));
    up.signal("CONT");
    up.wait().ok();
    assert_eq!(sandbox.ledger_rows(), ["apply done 1_parts", "apply done 2_more"]);
}

#[test]
fn of_a_process_on_another_host_nothing_is_known() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).run(&["up"]).ok();
    sandbox.sql("UPDATE switchback_lease SET run = 'r', actor = 'eve', host = 'elsewhere', pid = '7', what = 'up', backend = 'elsewhere:7', since = '2026-01-01T00:00:00Z'");
    sandbox.run(&["lock"]).ok().says("the lease is that of eve@elsewhere (process 7)").says("cannot be seen from here");
    assert_eq!(grip(&sandbox), "unknown");
    sandbox.run(BREAK).ok();
    assert_eq!(grip(&sandbox), "free");
}

#[test]
fn a_lease_out_of_a_backup_is_told_as_left_behind() {
    each_server(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        // The session that the lease named is another's by now.
        let mut other = Connection::open(&sandbox.url);
        let own = match sandbox.kind {
            Kind::Postgres => {
                "SELECT pid || ':' || (extract(epoch FROM backend_start) * 1000000)::bigint FROM pg_stat_activity WHERE pid = pg_backend_pid()"
            }
            _ => "SELECT connection_id()",
        };
        let backend = other.sql(own)[0][0].clone().expect("a session");
        let lease = lease(sandbox);
        sandbox.sql(&format!("UPDATE {lease} SET run = 'r', actor = 'eve', host = 'elsewhere', pid = '7', what = 'up', backend = '{backend}', since = '2026-01-01 00:00:00'"));
        sandbox.run(&["lock"]).ok().says("eve@elsewhere (process 7)").says("is left behind by a run that is gone");
        assert!(sandbox.json(&["status"])["running"].is_null());
        sandbox.tables_from(2, 2).run(&["up"]).ok();
        assert_eq!(grip(sandbox), "free");
        assert_eq!(other.sql("SELECT 1").len(), 1, "the other session was ended");
    });
}

#[test]
fn a_missing_right_to_end_the_holder_is_named() {
    each_server(|sandbox| {
        let options = if sandbox.kind == Kind::Postgres { "NOSUPERUSER" } else { "ALL PRIVILEGES" };
        let (holder, other) = (Login::new(sandbox, "x", options), Login::new(sandbox, "x", options));
        slow(sandbox, 4);
        if sandbox.kind == Kind::Postgres {
            for login in [&holder, &other] {
                sandbox.sql(&format!(
                    "GRANT CREATE ON DATABASE {} TO {}; GRANT CREATE, USAGE ON SCHEMA public TO {}",
                    sandbox.name, login.name, login.name
                ));
            }
        }
        let up = sandbox.start_with(&["up", "--locked"], &[("DATABASE_URL", &holder.url)]);
        until("the long statement", || is_under_way(sandbox));
        if sandbox.kind == Kind::Postgres {
            sandbox.sql(&format!(
                "GRANT USAGE ON SCHEMA switchback TO {0}; GRANT SELECT ON ALL TABLES IN SCHEMA switchback TO {0}",
                other.name
            ));
        }
        let as_other = [("DATABASE_URL", other.url.as_str())];
        let shown = sandbox.run_with(&["lock"], &as_other).ok().says("held by tester@").says("alive: ");
        if sandbox.kind == Kind::Mysql {
            shown.says("whose it is, this account may not see");
        }
        let grant = match sandbox.kind {
            Kind::Postgres => format!("GRANT pg_signal_backend TO \"{}\"", other.name),
            _ if sandbox.is_mariadb() => format!("GRANT CONNECTION ADMIN ON *.* TO '{}'@'%'", other.name),
            _ => format!("GRANT CONNECTION_ADMIN ON *.* TO '{}'@'%'", other.name),
        };
        sandbox.run_with(BREAK, &as_other).exits(1).says("cannot be ended by this account").says(&grant);
        up.wait().ok();
        assert_eq!(sandbox.ledger_count("break-lock"), 0);
    });
}

#[test]
fn a_run_that_is_awake_ends_when_its_lock_is_broken() {
    each_server(|sandbox| {
        let awake = at_work(sandbox, 30);
        let before = token(sandbox);
        sandbox.run(BREAK).ok().says("the lock is broken (#");
        assert_eq!(token(sandbox), before + 1);
        let ended = awake.wait();
        assert!(matches!(ended.code, 4 | 5), "{ended:?}");
        ended.says("the lock of this run was taken: tester@").says("their reason: it hangs").says_not("applied  ");
        // On MySQL the statements before have taken effect; the next run knows.
        let is_half_way = !sandbox.json(&["status"])["half_way"].is_null();
        assert_eq!(is_half_way, sandbox.kind == Kind::Mysql);
        assert_eq!((grip(sandbox).as_str(), sandbox.ledger_count("apply done")), ("free", 0));
    });
}

/// A connection that holds one of the run's locks, as a run does.
fn holding(sandbox: &Sandbox, second: bool) -> Connection {
    let mut connection = Connection::open(&sandbox.url);
    let take = match sandbox.kind {
        Kind::Postgres => format!("SELECT pg_advisory_lock(1396856651, {})", if second { 2 } else { 1 }),
        _ => format!("SELECT GET_LOCK(concat('sb:', lower(hex(database())), '{}'), 0)", if second { ":w" } else { "" }),
    };
    connection.sql(&take);
    connection
}

#[test]
fn a_lock_whose_holder_wrote_no_name_is_shown_and_broken_too() {
    each_server(|sandbox| {
        let mut bystander = Connection::open(&sandbox.url);
        for (second, word, says) in [
            (false, "unnamed", "held by a run that has not written its name yet"),
            (true, "lingering", "a statement of a run that is gone still runs on the server, in session "),
        ] {
            let mut holder = holding(sandbox, second);
            sandbox.run(&["lock"]).ok().says(says);
            assert_eq!(grip(sandbox), word);
            sandbox.run(BREAK).ok();
            assert!(holder.attempt("SELECT 1").is_err(), "the holder is still there");
            assert_eq!(grip(sandbox), "free");
        }
        bystander.sql("SELECT 1");
        assert_eq!(sandbox.ledger_rows(), ["break-lock done", "break-lock done"]);
        sandbox.run(&["log", "--verify"]).ok();
        sandbox.tables(1).run(&["up"]).ok();
    });
}

#[test]
fn i5_a_new_token_alone_keeps_a_run_from_writing() {
    each_server(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        let context = Context { observer: Arc::new(Silent), interrupt: Interrupt::default(), clock: chrono::Utc::now };
        let runner = Runner { run: "r".to_owned(), what: "up".to_owned(), ..Runner::default() };
        let limits = Limits { lock_timeout_ms: 2000, statement_timeout_ms: 0 };
        let waits = Waits { lock: Duration::from_secs(9), limits };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut locked = runtime.block_on(async {
            let database = Database::open(&Target::parse(&sandbox.url).unwrap(), Duration::ZERO).await.unwrap();
            let mut locked = database.lock(&context, runner, waits).await.unwrap();
            locked.begin_own().await.unwrap();
            locked.rollback().await;
            locked
        });
        sandbox.sql(&format!("UPDATE {} SET token = token + 1", lease(sandbox)));
        let fault = runtime.block_on(locked.begin_own()).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::HalfWay);
        assert!(fault.parts().what.contains("another runner took over the lease"), "{fault:?}");
        runtime.block_on(locked.release());
    });
}
