//! A connection that is lost while a step ends: whether it took effect is asked of the database, and never guessed (I9).

mod common;

#[path = "common/proxy.rs"]
mod proxy;

use common::{Kind, Sandbox};
use proxy::{Proxy, Trouble};
use url::Url;

#[test]
fn i9_what_a_lost_connection_was_at_is_told_as_the_ledger_has_it() {
    let sandbox = Sandbox::new(Kind::Postgres);
    sandbox.tables(1).run(&["up"]).ok();
    sandbox.tables(2).run(&["verify"]).ok();
    let port = Url::parse(&sandbox.url).expect("a URL").port().unwrap_or(5432);
    let through = |trouble: Trouble| {
        let proxy = Proxy::new(port, trouble);
        sandbox.run_with(&["up", "--locked"], &[("DATABASE_URL", &proxy.url(&sandbox.url))])
    };
    let applied = || sandbox.ledger_count("apply done 2_t2") - sandbox.ledger_count("revert done 2_t2");

    // The step's row and its COMMIT are one message.
    let ended = through(Trouble::LoseAnswer("INSERT INTO \"switchback\".\"switchback_ledger\""));
    ended.exits(4).says("`2_t2` took effect all the same: row #").says("run the command again");
    assert_eq!(applied(), 1);
    sandbox.run(&["up"]).ok().says("nothing to do");

    sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
    let ended = through(Trouble::LoseAnswer("CREATE TABLE t2"));
    ended.exits(3).says("nothing of what was under way took effect").says("run the command again");
    assert_eq!(applied(), 0);
    sandbox.run(&["up"]).ok().says("applied  2_t2");
}
