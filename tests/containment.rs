//! I8: a script that reaches out of its shadow, on purpose or not, changes nothing outside of it. Each hostile statement is the up of
//! a migration; all are judged, and what the server holds beside the shadow is as it was.

mod common;

use std::collections::BTreeMap;

use common::{Kind, Sandbox, each_engine};

/// `{db}` is the live database, `{dir}` a folder that the server may write to, `{file}` a file beside the live one.
const POSTGRES: &[&str] = &[
    "DROP DATABASE \"{db}\"",
    "ALTER DATABASE \"{db}\" SET default_transaction_read_only = on",
    "ALTER DATABASE \"{db}\" RENAME TO sbt_stolen",
    "ALTER DATABASE \"{db}\" CONNECTION LIMIT 0",
    "COMMENT ON DATABASE \"{db}\" IS 'mine'",
    "CREATE DATABASE sbt_stolen",
    "CREATE ROLE sbt_stolen SUPERUSER",
    "DROP ROLE postgres",
    "ALTER ROLE postgres SET search_path = nowhere",
    "ALTER ROLE ALL SET search_path = nowhere",
    "GRANT pg_read_all_data TO CURRENT_USER",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "CREATE TABLESPACE sbt_stolen LOCATION '{dir}'",
    "COPY (SELECT 1) TO PROGRAM 'touch {dir}/program'",
    "COPY (SELECT 1) TO '{dir}/copy'",
    "CREATE TABLE x (a text); COPY x FROM PROGRAM 'touch {dir}/program; echo'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(lo_from_bytea(0, 'x'), '{dir}/lo')",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "SELECT * FROM dblink('dbname={db}', 'DELETE FROM kept RETURNING 1') AS t (a int)",
    "CREATE SUBSCRIPTION s CONNECTION 'dbname={db}' PUBLICATION p",
    "SELECT pg_create_physical_replication_slot('sbt_stolen')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{db}'",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE postgres SET search_path = nowhere'; END $$",
    "DO $$ BEGIN EXECUTE 'DROP DATABASE \"{db}\"'; END $$",
    "SET ROLE postgres; DROP DATABASE \"{db}\"",
    "SET SESSION AUTHORIZATION postgres; ALTER SYSTEM SET work_mem = '1MB'",
    "RESET ROLE; RESET SESSION AUTHORIZATION; CREATE ROLE sbt_stolen",
    "\\connect {db}",
];

const MYSQL: &[&str] = &[
    "DROP DATABASE `{db}`",
    "USE `{db}`; DROP TABLE kept",
    "DROP TABLE `{db}`.kept",
    "DELETE FROM `{db}`.kept",
    "TRUNCATE TABLE `{db}`.kept",
    "ALTER DATABASE `{db}` CHARACTER SET latin1",
    "RENAME TABLE `{db}`.kept TO stolen",
    "CREATE TABLE stolen AS SELECT * FROM `{db}`.kept",
    "CREATE VIEW stolen AS SELECT * FROM `{db}`.kept",
    "CREATE DATABASE sbt_stolen",
    "CREATE USER sbt_stolen",
    "DROP USER root@localhost",
    "SET PASSWORD FOR root@localhost = ''",
    "GRANT ALL ON *.* TO sbt_stolen",
    "GRANT SELECT ON `{db}`.* TO sbt_stolen",
    "CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO DELETE FROM kept",
    "SET GLOBAL read_only = 1",
    "SET GLOBAL event_scheduler = ON",
    "SELECT 1 INTO OUTFILE '{dir}/outfile'",
    "SELECT 1 INTO DUMPFILE '{dir}/dumpfile'",
    "CREATE TABLE x (a text); LOAD DATA INFILE '/etc/passwd' INTO TABLE x",
    "CREATE TABLE x (a text); LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE x",
    "CREATE TABLE x (a int) DATA DIRECTORY = '{dir}'",
    "CREATE DEFINER = root@localhost PROCEDURE p() DELETE FROM `{db}`.kept",
    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', DATABASE '{db}')",
    "FLUSH TABLES WITH READ LOCK",
    "INSTALL SONAME 'ha_federatedx'",
    "PREPARE p FROM 'DROP TABLE `{db}`.kept'; EXECUTE p",
    "KILL 1",
    "SHUTDOWN",
];

const SQLITE: &[&str] = &[
    "ATTACH '{file}' AS live; DELETE FROM live.kept",
    "ATTACH DATABASE 'file:{file}?mode=rw' AS live; DROP TABLE live.kept",
    "VACUUM INTO '{dir}/vacuum'",
    "ATTACH '{dir}/new' AS other; CREATE TABLE other.x (a)",
    "PRAGMA temp_store_directory = '{dir}'",
    "SELECT load_extension('{dir}/evil')",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'x'",
    "SELECT writefile('{dir}/written', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT edit('x', 'touch {dir}/edit')",
    "DETACH main",
];

/// What is there beside the shadows.
fn outside(sandbox: &Sandbox) -> BTreeMap<&'static str, Vec<Vec<Option<String>>>> {
    let queries: &[(&str, &str)] = match sandbox.kind {
        Kind::Sqlite => &[],
        // Other tests make databases and accounts meanwhile, under names that tell.
        Kind::Postgres => &[
            (
                "databases",
                "SELECT datname, datconnlimit::text, shobj_description(oid, 'pg_database') FROM pg_database
                 WHERE datname IN (current_database(), 'postgres', 'template1', 'sbt_stolen') ORDER BY 1",
            ),
            ("roles", "SELECT rolname, rolsuper::text FROM pg_roles WHERE rolname IN ('postgres', 'sbt_stolen') ORDER BY 1"),
            (
                "settings",
                "SELECT d.datname, r.rolname, s.setconfig::text FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
                 LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = current_database() OR s.setrole = 0 OR r.rolname = 'postgres'",
            ),
            ("files", "SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf' ORDER BY 1"),
            ("tablespaces", "SELECT spcname FROM pg_tablespace ORDER BY 1"),
            ("slots", "SELECT slot_name FROM pg_replication_slots WHERE slot_name = 'sbt_stolen'"),
        ],
        Kind::Mysql => &[
            (
                "databases",
                "SELECT schema_name, default_character_set_name FROM information_schema.schemata
                 WHERE schema_name IN (database(), 'mysql', 'sbt_stolen') ORDER BY 1",
            ),
            ("accounts", "SELECT grantee, privilege_type FROM information_schema.user_privileges WHERE grantee LIKE '%root%' OR grantee LIKE '%sbt\\_stolen%' ORDER BY 1, 2"),
            ("globals", "SELECT @@GLOBAL.read_only, @@GLOBAL.event_scheduler"),
            ("servers", "SELECT server_name FROM mysql.servers"),
        ],
    };
    let mut found: BTreeMap<_, _> = queries.iter().map(|(name, query)| (*name, sandbox.sql(query))).collect();
    found.insert("rows", sandbox.sql("SELECT id FROM kept ORDER BY id"));
    found.insert("tables", vec![sandbox.all_tables().into_iter().map(Some).collect()]);
    found
}

#[test]
fn i8_no_hostile_statement_changes_anything_outside_of_its_shadow() {
    each_engine(|sandbox| {
        sandbox.sql("CREATE TABLE kept (id integer)");
        sandbox.sql("INSERT INTO kept VALUES (1), (2)");
        let folder = tempfile::Builder::new().prefix("sbt_open").tempdir().expect("a folder");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).expect("a folder that servers may write to");
        let corpus = match sandbox.kind {
            Kind::Sqlite => SQLITE,
            Kind::Postgres => POSTGRES,
            Kind::Mysql => MYSQL,
        };
        for (number, statement) in corpus.iter().enumerate() {
            let up = statement.replace("{db}", &sandbox.name).replace("{file}", &sandbox.name);
            let up = up.replace("{dir}", &folder.path().display().to_string());
            sandbox.migration(
                &format!("{number:02}_hostile"),
                &format!("{up};\n"),
                "CREATE TABLE never (a integer);\n",
            );
        }
        let (before, mut session) = (outside(sandbox), sandbox.connect());
        session.sql("SELECT 1");
        let told = sandbox.run(&["verify", "--keep-going", "--json"]).exits(1).object("verify");
        let judged = told["migrations"].as_array().map_or(0, Vec::len);
        assert_eq!(judged, corpus.len(), "{told}");
        assert_eq!(outside(sandbox), before);
        session.sql("SELECT 1");
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        // None of them is let through without a word: it fails in the shadow, or what it did there is not undone.
        let fine = |one: &&serde_json::Value| one["verdict"] == "exact" || one["verdict"] == "equivalent";
        let let_through: Vec<_> = told["migrations"].as_array().into_iter().flatten().filter(fine).collect();
        assert!(let_through.is_empty(), "{let_through:#?}");
    });
}
