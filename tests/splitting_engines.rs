//! Splitting against the engines themselves: each piece must be one whole statement to the parser that will run it.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use libsqlite3_sys as ffi;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use switchback::sql::{Flavor, Script};

const POSTGRES: &[&str] = &[
    "create table t (employment_begin int, benefit_end text check (benefit_end ~ E'.')); insert into t values (1, ';');",
    "create function f() returns text as $$ begin return E'foo;'; end; $$ language plpgsql; select f();;",
    "create function f() returns text as $body$ select $$;$$ || $x$;$x$; $body$ language sql; select f()",
    "create function f() returns text as 'select ''a;'';' language sql; select f();",
    "create table a (x int); create table b (x int); create table c (x int);
     create rule r as on insert to a do also (insert into b values (new.x); insert into c values (new.x)); insert into a values (1);",
    "create function f(a int) returns int begin atomic select 1; select case when a > 0 then case a when 1 then 2 end else 3 end; end;
     select f(1);",
    "create procedure p(a int) language sql begin atomic select (case when a > 0 then 1 end) as end_; end; call p(1)",
    "/* a /* nested ; */ ; */ select 1 /* ; */ ; -- ; it's\nselect 2",
    "select 'a' -- ;\n ';b'; select E'a\\'' -- c\n '\\';'; select 1;",
    "select U&'\\0041;', U&\"c;\" from (values (1)) v(\"c;\"); select B'1', X'1f', N'a;'",
    "select 1 as \"a;\"\"b\"; select $$ it's $$, $a$ $b$ ; $$ $a$; select (array[1,2])[1:2], 5 - -3, 2*-1;",
    "do $do$ begin execute $x$ select ';' $x$; end $do$; do $$begin null; end$$",
    "create type e as enum ('a;', 'b'); create domain d as int check (value > 0); create view v as select 1; comment on view v is ';'",
    "create table t (a int); create function g() returns trigger as $$ begin if new.a > 0 then return new; end if; return null; end $$
     language plpgsql; create trigger x before insert on t for each row when (new.a > 0) execute function g();",
    "prepare q as select $1::int; execute q(1); deallocate q; select 1 where 'a$b$c;' <> 'x'",
    "create schema s create table t (a int) create view w as select a from t; drop schema s cascade",
    "\u{feff}select 1;\r\nselect 'a\r\n;b';\r\n-- end\r\n",
    "select 1 between symmetric 1 and 2; select '{\"a\": \";\"}'::jsonb @> '{}'; select '{\"a\":1}'::jsonb ? 'a'",
    "create table t (a int generated always as identity, b text default ';'); with x as (insert into t (b) values (';') returning a) select * from x",
    "begin; select 1; savepoint a; release a; commit; select 1e5, .5, 1.5e-3, 1;",
];

const MYSQL: &[&str] = &[
    "DELIMITER $$\nCREATE PROCEDURE p()\nBEGIN\n SELECT 1; SELECT 2;\nEND$$\nDELIMITER ;\ncall p();",
    "create procedure p() begin declare x int default 1; if x then select 1; end if; end; create table b (x int); drop table b",
    "delimiter //\ncreate procedure p() begin select 1; end;\n//\ncreate table a (x int);\ncreate table b (x int)//\n",
    "create procedure p(n int) begin declare i int default 0; declare continue handler for sqlexception begin set i = 9; end;
     a: while i < n do set i = i + 1; if i = 2 then leave a; end if; end while a; repeat set i = i + 1; until i > 3 end repeat;
     l: loop set i = i + 1; leave l; end loop; select if(i, 1, 2), repeat('x', 3); end; call p(3);",
    "create procedure p(a int) begin case a when 1 then select case when a then 1 else if(a,1,2) end; else begin end; end case; end; call p(1)",
    "create function f(a int) returns int deterministic return if(a, 1, 2); select f(1);",
    "create function f(a int) returns int no sql begin return case a when 1 then 2 else 3 end; end; select f(1)",
    "create table t (a int, b int); create trigger x before insert on t for each row set new.b = 1; insert into t (a) values (1)",
    "create table t (a int, b int); create trigger x before insert on t for each row if new.a > 0 then set new.b = 1; end if; select 1",
    "create table t (a int); create definer=`root`@`localhost` trigger x after insert on t for each row begin set @x = ';'; end; drop table t;",
    "create event e on schedule every 1 day starts current_timestamp + interval 1 day do begin select 1; select 2; end; drop event e",
    "/*!40101 SET @old = ';' */; /*!50003 create procedure p() begin select 1; end */; call p()",
    "select 'a\\';', \"b;\", 1 as `c;`; # ;\n-- ; it's\nselect 5--3, 'it''s'; --x\n select 1",
    "BEGIN; select 1; COMMIT; START TRANSACTION; ROLLBACK",
    "create table employment_begin (`begin` int, benefit_end int, if_ int); drop table if exists employment_begin;",
    "create table 2fa_codes (1a int); insert into 2fa_codes values (0x1f), (1e3), (.5); drop table 2fa_codes",
    "create procedure if not exists p() begin select 1; end; drop procedure p",
    "create view v as select 1 as a; create or replace view v as select ';' as a; select /*+ hint ; */ 1 /* ; */; select 1;;",
    "/*M!100100 select ';' */; set @a := 1, @b = @@session.sql_mode; select @a, @'b', N'x;', _utf8mb4'y;';\r\nselect 1\r\n",
];

const ONLY_MARIADB: &[&str] = &[
    "begin not atomic declare x int default 1; select x; end; select 1",
    "create or replace procedure p() begin select 1; end; create procedure if not exists p() begin select 1; end; drop procedure p",
    "create table `$a` (b int, $c$ int); select $c$ from $a where $c$ = 1; drop table $a",
];

/// Code of other languages, which the server takes whether it can run it or not.
const ONLY_MYSQL: &[&str] = &[
    "create function f(n int) returns int deterministic language javascript as $$ let a = 'it; $'; return n; $$; select 1",
    "create procedure p() language javascript as $js$ let a = \"$$\"; // it's\n begin; $js$; drop procedure p",
    "delimiter //\ncreate library l language javascript as $$ export function f(n) { return n; } $$ //\ndelimiter ;\nselect 1",
    "delimiter $$\ncreate procedure p() begin select 1; end$$\ndelimiter ;\nselect 1",
];

const SQLITE: &[&str] = &[
    "create table x (a, b); create trigger t after insert on x begin update x set a = case when b then 1 else 2 end; select 1; end; select 1;",
    "create table x (a); create temp trigger t after insert on x when case new.a when 1 then 1 end begin select \"end\" from (select 1 \"end\"); end;",
    "create table [a;b] (`c;` int, \"d;\" text default ';'); insert into [a;b] values (1, 'it''s;'); select x'3b'",
    "select 1;;\n;-- ; it's\n/* ; */ select ';';",
    "begin; select 1; end; begin transaction; commit",
    "create table t (employment_begin int, benefit_end int); drop table t",
    "explain query plan select 1; create table x (a); explain create trigger t after insert on x begin select 1; end;",
    "create view v as select case when 1 then 'a;' else 'b' end as c; select c from v",
    "select ?, :a, @b, $c, ?2; pragma user_version = 3; vacuum",
    "create table x (a); create view v as select a from x; create trigger if not exists t instead of delete on v begin delete from x; end",
    "\u{feff}create table x (a);\r\ninsert into x values ('a\r\n;b');\r\n",
    "select 5--3;\n; select 5 - -3, 2*-1, 1.5e-3, .5, 0x1f",
    "with recursive c(n) as (values (1) union all select n + 1 from c where n < 3) select n from c; select 1 -- end",
    "create table x (a); create trigger t before update of a on x for each row begin insert into x select case a when 1 then case 2 when 2 then 3 end end from x; end; select 2",
    "savepoint a; release a; create table \"it's;\" (a); drop table \"it's;\"",
    "create table x (a check (a <> ';'), b as (a || ';')); create index i on x (a) where a <> ';'; reindex i; analyze",
];

fn parsed(flavor: Flavor, text: &str) -> Script {
    let script = Script::parse("m", 1, text.as_bytes(), flavor);
    assert_eq!(script.problem(), None, "{text}");
    script
}

fn url(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// Runs one piece, prepared, so that two statements in it are refused.
async fn run<'c, D: sqlx::Database + sqlx::database::HasStatementCache>(
    connection: &'c mut D::Connection,
    sql: &str,
) -> Option<String>
where
    &'c mut D::Connection: Executor<'c, Database = D>,
    D::Arguments: sqlx::IntoArguments<D>,
{
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
    query.execute(connection).await.err().map(|error| format!("{sql}: {error}"))
}

async fn send<'c, E: Executor<'c>>(connection: E, sql: String) -> Option<String> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone()))).await.err().map(|error| format!("{sql}: {error}"))
}

#[test]
fn postgres_takes_each_piece_as_one_statement() {
    let failures = block_on(async {
        let url = url("SWITCHBACK_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres");
        let mut connection = PgConnection::connect(&url).await.expect("PostgreSQL");
        let mut failures = Vec::new();
        for (number, text) in POSTGRES.iter().enumerate() {
            let script = parsed(Flavor::Postgres, text);
            let schema = format!("split_{}_{number}", std::process::id());
            let setup = format!("create schema {schema}; set search_path = {schema}");
            failures.extend(send(&mut connection, setup.clone()).await);
            for statement in script.statements() {
                failures.extend(run::<sqlx::Postgres>(&mut connection, script.sql(statement)).await);
            }
            // As a whole, as the server itself would split it.
            failures.extend(send(&mut connection, format!("drop schema {schema} cascade; {setup}")).await);
            failures.extend(send(&mut connection, script.text().to_owned()).await);
            failures.extend(send(&mut connection, format!("rollback; drop schema {schema} cascade")).await);
        }
        failures
    });
    assert_eq!(failures, Vec::<String>::new());
}

#[test]
fn mysql_takes_each_piece_as_one_statement() {
    let failures = block_on(async {
        let url = url("SWITCHBACK_TEST_MYSQL", "mysql://root@127.0.0.1:3306/mysql");
        let mut connection = MySqlConnection::connect(&url).await.expect("MySQL or MariaDB");
        let version: String =
            sqlx::query_scalar("SELECT version()").fetch_one(&mut connection).await.expect("a version");
        let own = if version.contains("MariaDB") { ONLY_MARIADB } else { ONLY_MYSQL };
        let mut failures = Vec::new();
        for (number, text) in MYSQL.iter().chain(own).enumerate() {
            let script = parsed(Flavor::Mysql, text);
            let database = format!("split_{}_{number}", std::process::id());
            failures.extend(send(&mut connection, format!("create database {database}")).await);
            failures.extend(send(&mut connection, format!("use {database}")).await);
            for statement in script.statements() {
                let refused = run::<sqlx::MySql>(&mut connection, script.sql(statement)).await;
                // MySQL prepares no routines (1295); what is no single statement it would refuse with another error.
                let unprepared = refused.iter().any(|error| error.contains("1295"));
                failures.extend(if unprepared {
                    send(&mut connection, script.sql(statement).to_owned()).await
                } else {
                    refused
                });
            }
            failures.extend(send(&mut connection, format!("drop database {database}")).await);
        }
        failures
    });
    assert_eq!(failures, Vec::<String>::new());
}

/// Runs one piece; gives what SQLite did not take of it.
///
/// # Safety
/// `database` is an open connection.
unsafe fn run_sqlite(database: *mut ffi::sqlite3, sql: &str) -> String {
    let text = CString::new(sql).expect("no NUL byte");
    let (mut statement, mut tail): (*mut ffi::sqlite3_stmt, *const c_char) = (ptr::null_mut(), ptr::null());
    // SAFETY: the pointers are valid for the call, and `text` outlives the tail.
    unsafe {
        let code = ffi::sqlite3_prepare_v2(database, text.as_ptr(), -1, &raw mut statement, &raw mut tail);
        let message = CStr::from_ptr(ffi::sqlite3_errmsg(database)).to_string_lossy().into_owned();
        assert_eq!(code, ffi::SQLITE_OK, "{sql}: {message}");
        while ffi::sqlite3_step(statement) == ffi::SQLITE_ROW {}
        assert_eq!(ffi::sqlite3_finalize(statement), ffi::SQLITE_OK, "{sql}");
        CStr::from_ptr(tail).to_string_lossy().into_owned()
    }
}

#[test]
fn sqlite_takes_each_piece_as_one_statement() {
    for text in SQLITE {
        let script = parsed(Flavor::Sqlite, text);
        let mut database = ptr::null_mut();
        // SAFETY: opened here, used in this thread only, closed at the end.
        unsafe {
            assert_eq!(ffi::sqlite3_open(c":memory:".as_ptr(), &raw mut database), ffi::SQLITE_OK);
            for statement in script.statements() {
                let sql = script.sql(statement);
                assert_eq!(run_sqlite(database, sql), "", "{sql}");
            }
            assert_eq!(ffi::sqlite3_close(database), ffi::SQLITE_OK);
        }
    }
}
