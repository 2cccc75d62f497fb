//! What statements are: facts that checks, the planner and the executor stand on.

use switchback::class::{Class, Control, Kind, TransactionNeed, classify};
use switchback::sql::{Flavor, Script};

use Flavor::{Mysql, Postgres, Sqlite};

fn class(flavor: Flavor, text: &str) -> Class {
    let script = Script::parse("m", 1, text.as_bytes(), flavor);
    assert_eq!((script.problem(), script.statements().len()), (None, 1), "{text}");
    classify(&script, &script.statements()[0])
}

/// The fact holds for each text of `yes` and for none of `no`.
fn told_apart(flavor: Flavor, holds: fn(&Class) -> bool, yes: &[&str], no: &[&str]) {
    yes.iter().for_each(|text| assert!(holds(&class(flavor, text)), "{text}"));
    no.iter().for_each(|text| assert!(!holds(&class(flavor, text)), "{text}"));
}

#[test]
fn what_a_transaction_forbids() {
    let forbidden = |class: &Class| class.transaction == TransactionNeed::Forbidden;
    let yes = [
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
        "drop index concurrently i",
        "reindex (verbose) table concurrently t",
        "reindex schema public",
        "vacuum",
        "cluster",
        "create database d",
        "alter database d set tablespace x",
        "drop tablespace x",
        "alter system set a = 1",
        "alter table t detach partition p concurrently",
        "create subscription s connection 'x' publication p",
        "discard all",
    ];
    let no = [
        "create index i on t (a)",
        "reindex index i",
        "cluster t using i",
        "refresh materialized view concurrently v",
        "alter database d set work_mem = '1MB'",
        "create subscription s connection 'x' publication p with (create_slot = false)",
        "select 'create index concurrently'",
    ];
    told_apart(Postgres, forbidden, &yes, &no);
    told_apart(Sqlite, forbidden, &["VACUUM", "pragma journal_mode = wal"], &["pragma foreign_keys = off"]);
}

#[test]
fn what_begins_or_ends_a_transaction() {
    let whole = |class: &Class| matches!(class.transaction_control, Some(Control::Whole(_)));
    let no = [
        "savepoint a",
        "release savepoint a",
        "rollback to a",
        "rollback work to savepoint a",
        "prepare q as select 1",
    ];
    let yes = ["begin", "COMMIT", "end", "abort", "rollback", "start transaction", "prepare transaction 'x'"];
    told_apart(Postgres, whole, &yes, &no);
    let yes = ["begin work", "xa begin 'x'", "set @@session.autocommit = 0", "SET autocommit=1", "/*!40101 COMMIT */"];
    told_apart(Mysql, whole, &yes, &["begin not atomic select 1; end", "set @a = 1"]);
    assert_eq!(class(Sqlite, "release a").transaction_control, Some(Control::Savepoint("RELEASE")));
}

#[test]
fn what_mysql_commits_by_itself() {
    let yes = [
        "create table t (a int)",
        "truncate t",
        "rename table a to b",
        "lock tables t read",
        "analyze table t",
        "begin",
        "grant select on a to b",
    ];
    let no = [
        "create temporary table t (a int)",
        "drop temporary table t",
        "insert into t values (1)",
        "set @a = 1",
        "use x",
    ];
    told_apart(Mysql, |class| class.implicit_commit, &yes, &no);
}

#[test]
fn what_leaves_traces_in_the_session() {
    let yes = [
        "set search_path = ''",
        "SELECT pg_catalog.set_config('search_path', '', false)",
        "create temp table t (a int)",
        "listen a",
        "select pg_advisory_lock(1)",
        "reset role",
    ];
    let no = [
        "set local role x",
        "set constraints all deferred",
        "select pg_advisory_xact_lock(1)",
        "create table t (a int)",
    ];
    told_apart(Postgres, |class| class.session, &yes, &no);
    told_apart(
        Mysql,
        |class| class.session,
        &["set @a = 1", "use x", "select @a := 1", "lock tables t read"],
        &["insert into t values ('@a')", "create definer=`a`@`b` view v as select 1"],
    );
    told_apart(
        Sqlite,
        |class| class.session,
        &["pragma foreign_keys = off", "attach 'x' as y", "create temp view v as select 1"],
        &["select 1"],
    );
}

#[test]
fn what_reaches_out_of_a_shadow() {
    let out = |class: &Class| class.reaches_out.is_some();
    let yes = [
        "copy t to program 'x'",
        "copy t from '/x'",
        "alter system set a = 1",
        "create role r",
        "select * from dblink('x', 'y') as t(a int)",
        "do $$ begin perform 1; alter role current_user set a = 1; end $$",
        "grant a to b",
        "comment on database d is 'x'",
        "create extension postgres_fdw",
        "select pg_terminate_backend(1)",
        "create user mapping for a server s",
    ];
    let no = [
        "copy t from stdin;\n\\.\n",
        "create table role (a int)",
        "grant select on t to b",
        "comment on table t is 'role'",
        "do $$ begin create table t (a int); end $$",
        "create function f() returns int as $$ select 1 $$ language sql",
    ];
    told_apart(Postgres, out, &yes, &no);
    let yes = [
        "use x",
        "set global a = 1",
        "set @@global.a = 1",
        "load data infile 'x' into table t",
        "select 1 into outfile 'x'",
        "create event e on schedule every 1 day do select 1",
        "insert into other.t values (1)",
        "create user a",
        "grant r to b",
        "grant select on other.t to b",
        "grant select on * to b",
        "grant proxy on a to b",
        "grant execute on procedure other.p to b",
        "grant select on t to b identified by 'x'",
        "revoke all privileges, grant option from b",
    ];
    let no = [
        "select t.a from t",
        "select extract(year from t.a) from t",
        "select 1 from information_schema.tables",
        "set names utf8",
        "grant select, update (a) on table t to b with grant option",
        "revoke execute on procedure `p` from b",
    ];
    told_apart(Mysql, out, &yes, &no);
    told_apart(
        Sqlite,
        out,
        &["attach 'x' as y", "vacuum into 'x'", "select load_extension('x')"],
        &["vacuum", "select 1"],
    );
}

#[test]
fn what_changes_or_deletes_rows() {
    let overwrites = |class: &Class| class.overwrites;
    let yes = [
        "update t set a = 1",
        "delete from t",
        "truncate t",
        "with x as (select 1) delete from t",
        "merge into t using s on true when matched then delete",
        "insert into t values (1) on conflict (a) do update set a = 2",
        "alter table t alter a type varchar(5)",
        "alter table t detach partition p",
        "drop table t",
        "do $$ begin delete from t; end $$",
    ];
    let no = [
        "insert into t select a from s",
        "alter table t add column a int",
        "create index i on t (a)",
        "create or replace view v as select a from t",
        "comment on table t is 'update'",
    ];
    told_apart(Postgres, overwrites, &yes, &no);
    let yes = ["replace into t values (1)", "alter table t modify a int", "alter table t drop partition p", "call p()"];
    told_apart(Mysql, overwrites, &yes, &["insert into t values (1)", "create table t (a int)"]);
}

#[test]
fn whose_rows_are_written() {
    let target = |flavor, text| class(flavor, text).writes_rows;
    let of = |name: &str| Some(name.to_owned());
    assert_eq!(target(Postgres, "INSERT INTO Public.\"Users\" (a) VALUES (1)"), of("public.Users"));
    assert_eq!(target(Postgres, "update only users u set a = 1"), of("users"));
    assert_eq!(target(Postgres, "delete from users using x"), of("users"));
    assert_eq!(target(Postgres, "with x as (select 1 from a for update) delete from t"), of("t"));
    assert_eq!(target(Postgres, "truncate table only t"), of("t"));
    assert_eq!(target(Postgres, "copy t (a) from stdin;\n\\.\n"), of("t"));
    assert_eq!(target(Postgres, "copy t to stdout"), None);
    assert_eq!(target(Postgres, "create table t (a int references x on delete cascade)"), None);
    assert_eq!(target(Mysql, "replace low_priority t values (1)"), of("t"));
    assert_eq!(target(Mysql, "insert ignore t select a into_ from x"), of("t"));
    assert_eq!(target(Mysql, "/*!40000 delete from `a`.`B` */"), of("a.b"));
    assert_eq!(target(Mysql, "load data infile 'x' into table t"), of("t"));
    assert_eq!(target(Sqlite, "insert or replace into [T] values (1)"), of("t"));
    assert_eq!(target(Sqlite, "update or ignore t set a = 1"), of("t"));
}

#[test]
fn what_does_nothing_and_what_may_do_anything() {
    let yes = ["select 1", "SELECT 'nothing to do' AS note", "do $$ begin null; end $$", "select null, (true)"];
    let no = [
        "select a from t",
        "select f()",
        "select current_user",
        "do $$ begin perform 1; end $$",
        "select * from t",
        "create view v as select 1",
    ];
    told_apart(Postgres, |class| class.vacuous, &yes, &no);
    let opaque = ["call p()", "do $$ begin perform 1; end $$", "execute q", "select drop_everything()"];
    told_apart(
        Postgres,
        |class| class.opaque,
        &opaque,
        &["select count(*) from t where a in (1)", "update t set a = 1", "select 1"],
    );
    assert_eq!(
        class(Postgres, "alter type e add value if not exists 'it''s'").adds_enum_value.as_deref(),
        Some("it's")
    );
    assert_eq!(class(Postgres, "alter type e rename value 'a' to 'b'").adds_enum_value, None);
}

#[test]
fn kinds() {
    for (text, kind) in [
        ("create table t (a int)", Kind::Ddl),
        ("with x as (delete from t returning a) select a from x", Kind::Dml),
        ("(select 1)", Kind::Query),
        ("copy t to stdout", Kind::Copy),
        ("copy (select a from t) to stdout", Kind::Copy),
        ("copy t (a) from '/x'", Kind::Dml),
        ("vacuum", Kind::Utility),
        ("set a = 1", Kind::Session),
    ] {
        assert_eq!(class(Postgres, text).kind, kind, "{text}");
    }
}
