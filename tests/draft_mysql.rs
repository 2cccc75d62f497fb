//! Drafted downs on MySQL and MariaDB (`SWITCHBACK_TEST_MYSQL`): every kind of change there and back, and what is said.

mod common;

use common::{Kind, Sandbox};

/// What stands before the up that is drafted for.
const BASE: &str = "CREATE TABLE users (\n\
    id int AUTO_INCREMENT PRIMARY KEY,\n\
    name varchar(40) NOT NULL DEFAULT 'nobody' COMMENT 'it''s',\n\
    mail varchar(60),\n\
    mood enum('sad','ok') DEFAULT 'ok',\n\
    born date NOT NULL,\n\
    score decimal(6,2) unsigned,\n\
    doubled decimal(7,2) GENERATED ALWAYS AS (score * 2) STORED,\n\
    UNIQUE KEY one_mail (mail), KEY by_name (name(10)), CONSTRAINT sane CHECK (score < 5000)\n\
    ) COMMENT 'who';\n\
    CREATE TABLE posts (\n\
    id bigint unsigned AUTO_INCREMENT PRIMARY KEY,\n\
    user_id int,\n\
    body text,\n\
    n int DEFAULT 5,\n\
    at timestamp NOT NULL DEFAULT current_timestamp ON UPDATE current_timestamp,\n\
    FULLTEXT KEY words (body), CONSTRAINT n_positive CHECK (n > 0),\n\
    CONSTRAINT writer FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE\n\
    );\n\
    CREATE TABLE parts (a int PRIMARY KEY, s set('x','y') NOT NULL, t varchar(50) CHARACTER SET latin1, k int) ENGINE = InnoDB\n\
    PARTITION BY HASH (a) PARTITIONS 2;\n\
    CREATE VIEW named AS SELECT id, name FROM users WHERE name <> '' WITH CHECK OPTION;\n\
    CREATE TRIGGER one_first BEFORE INSERT ON posts FOR EACH ROW SET new.n = coalesce(new.n, 1);\n\
    CREATE TRIGGER two_then BEFORE INSERT ON posts FOR EACH ROW BEGIN IF new.n > 9 THEN SET new.n = 9; END IF; END;\n\
    CREATE PROCEDURE nothing(IN a int, OUT b varchar(9)) COMMENT 'c' BEGIN SET b = 'x'; SELECT a; END;\n\
    CREATE FUNCTION one(a int) RETURNS int DETERMINISTIC RETURN a + 1;\n";

/// A project whose second migration has no down yet.
fn based(base: &str, up: &str) -> Sandbox {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.write("migrations/1_base/up.sql", base).write("migrations/2_next/up.sql", up);
    sandbox.write("migrations/1_base/down.sql", "SELECT 1;\n");
    sandbox
}

/// Drafts each up; the down is to be written, with this verdict.
fn are_drafted(base: &str, cases: &[(&str, &str)]) {
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(2)) {
            scope.spawn(move || {
                for (up, verdict) in part {
                    let sandbox = based(base, up);
                    let object = sandbox.json(&["draft", "2_next"]);
                    assert_eq!(object["verdict"], *verdict, "{up}: {object:#}");
                    assert!(object["proven"] == true && object["written"].is_string(), "{up}: {object:#}");
                }
            });
        }
    });
}

/// The drafted down of an up.
fn drafted(up: &str) -> String {
    let sandbox = based(BASE, up);
    sandbox.run(&["draft", "2_next"]).ok();
    let text = sandbox.read("migrations/2_next/down.sql");
    text.lines().filter(|line| !line.starts_with("--")).map(|line| format!("{line}\n")).collect()
}

/// Whether the server is MariaDB, which has more than MySQL, and some of it otherwise.
fn is_mariadb() -> bool {
    Sandbox::new(Kind::Mysql).is_mariadb()
}

#[test]
fn tables_and_columns_get_a_proven_way_back() {
    are_drafted(
        BASE,
        &[
            ("CREATE TABLE p (a int PRIMARY KEY); CREATE TABLE c (a int, FOREIGN KEY (a) REFERENCES p (a));", "exact"),
            (
                "CREATE TABLE a1 (id int PRIMARY KEY, b int);
                 CREATE TABLE b1 (id int PRIMARY KEY, a int, CONSTRAINT ba FOREIGN KEY (a) REFERENCES a1 (id));
                 ALTER TABLE a1 ADD CONSTRAINT ab FOREIGN KEY (b) REFERENCES b1 (id);",
                "exact",
            ),
            (
                "ALTER TABLE users ADD COLUMN nick varchar(9) FIRST, ADD COLUMN age int AFTER name, ADD KEY (age);",
                "exact",
            ),
            ("ALTER TABLE users MODIFY mail varchar(90) COMMENT 'x';", "exact"),
            ("ALTER TABLE users MODIFY id int NOT NULL AUTO_INCREMENT COMMENT 'key';", "exact"),
            ("ALTER TABLE posts MODIFY id bigint unsigned NOT NULL;", "exact"),
            ("ALTER TABLE users ALTER COLUMN name DROP DEFAULT, ALTER COLUMN mood SET DEFAULT 'sad';", "exact"),
            (
                "ALTER TABLE users MODIFY mail varchar(60) AFTER score, MODIFY mood enum('sad','ok') DEFAULT 'ok' FIRST;",
                "exact",
            ),
            (
                "ALTER TABLE posts DROP FOREIGN KEY writer; ALTER TABLE users MODIFY id bigint NOT NULL AUTO_INCREMENT;
                 ALTER TABLE posts MODIFY user_id bigint,
                 ADD CONSTRAINT writer FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;",
                "exact",
            ),
            ("ALTER TABLE users MODIFY doubled decimal(7,2) GENERATED ALWAYS AS (score + 2) STORED;", "exact"),
            (
                "ALTER TABLE users DROP COLUMN doubled;
                 ALTER TABLE users ADD COLUMN doubled decimal(7,2) GENERATED ALWAYS AS (score * 2) VIRTUAL;",
                "exact",
            ),
            (
                "ALTER TABLE users ADD COLUMN both_of varchar(99) AS (concat(name, mail)) VIRTUAL, ADD KEY (both_of);",
                "exact",
            ),
            ("ALTER TABLE users COMMENT '', ROW_FORMAT = COMPRESSED;", "exact"),
            ("ALTER TABLE users CONVERT TO CHARACTER SET latin1;", "exact"),
            ("ALTER TABLE users DEFAULT CHARACTER SET latin1 COLLATE latin1_bin;", "exact"),
            (
                "ALTER TABLE parts REMOVE PARTITIONING; ALTER TABLE parts ADD PRIMARY KEY (a, s), DROP PRIMARY KEY;",
                "exact",
            ),
            ("ALTER TABLE parts PARTITION BY KEY (a) PARTITIONS 3;", "exact"),
            ("ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_bin;", "exact"),
            ("RENAME TABLE users TO people;", "exact"),
            ("ALTER TABLE users RENAME COLUMN mail TO email;", "exact"),
            (
                "ALTER TABLE posts RENAME TO articles, DROP CONSTRAINT n_positive;
                 ALTER TABLE articles CHANGE n weight bigint DEFAULT 6, ADD CONSTRAINT n_positive CHECK (weight > 0);",
                "exact",
            ),
            ("ALTER TABLE users DROP KEY one_mail, MODIFY mail text, ADD UNIQUE KEY one_mail (mail(60));", "exact"),
            ("ALTER TABLE users CHANGE mail Mail varchar(60);", "exact"),
            ("ALTER TABLE users DROP COLUMN name, DROP COLUMN born;", "lossy"),
            ("ALTER TABLE posts DROP COLUMN id;", "lossy"),
            ("DROP TABLE posts;", "lossy"),
            ("DROP VIEW named; DROP TABLE posts; DROP TABLE users;", "lossy"),
            ("DROP TABLE posts; CREATE TABLE posts (x int);", "lossy"),
        ],
    );
}

#[test]
fn keys_constraints_and_what_stands_on_tables_get_a_proven_way_back() {
    are_drafted(
        BASE,
        &[
            ("ALTER TABLE users DROP KEY one_mail; ALTER TABLE users ADD UNIQUE KEY both_of (mail, name);", "exact"),
            ("ALTER TABLE users RENAME INDEX by_name TO name_first;", "exact"),
            ("ALTER TABLE users DROP KEY by_name, ADD KEY by_name (name(20), mail);", "exact"),
            ("ALTER TABLE posts DROP KEY words;", "exact"),
            (
                "ALTER TABLE posts DROP FOREIGN KEY writer, DROP KEY writer;
                 ALTER TABLE posts ADD CONSTRAINT writer FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL;",
                "exact",
            ),
            // The index that the foreign key had made goes with that, and no index of the same name does.
            ("ALTER TABLE posts ADD KEY wide (user_id, n);", "exact"),
            (
                "CREATE TABLE t (a int, b int, CHECK (a > b), FOREIGN KEY (a) REFERENCES users (id));
                 ALTER TABLE users DROP CONSTRAINT sane, ADD CONSTRAINT sane CHECK (score + 0 < 5000);",
                "exact",
            ),
            ("ALTER TABLE users ADD CONSTRAINT long_one CHECK (length(name) > 0);", "exact"),
            ("CREATE OR REPLACE VIEW named AS SELECT id, mail FROM users;", "exact"),
            ("DROP VIEW named; CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW named (a, b) AS SELECT id, name FROM users;", "exact"),
            ("CREATE VIEW w AS SELECT * FROM named; DROP VIEW named;", "exact"),
            ("DROP TRIGGER one_first;", "exact"),
            (
                "DROP TRIGGER two_then;
                 CREATE TRIGGER zero BEFORE INSERT ON posts FOR EACH ROW PRECEDES one_first SET new.n = 3;",
                "exact",
            ),
            ("DROP TRIGGER one_first; CREATE TRIGGER one_first BEFORE INSERT ON posts FOR EACH ROW SET new.n = coalesce(new.n, 1);", "exact"),
            ("DROP PROCEDURE nothing; CREATE PROCEDURE nothing() BEGIN SELECT 1; SELECT 2; END; DROP FUNCTION one;", "exact"),
            ("CREATE FUNCTION two() RETURNS varchar(9) CHARSET latin1 NO SQL BEGIN DECLARE x int; SET x = 1; RETURN 'a'; END;", "exact"),
        ],
    );
}

/// Foreign keys that the server has numbered, and the indexes that it made for them.
#[test]
fn what_the_server_has_named_comes_back_as_it_does_it() {
    let base = "CREATE TABLE users (id int PRIMARY KEY);\n\
        CREATE TABLE posts (id int PRIMARY KEY, a int, b int, n int, FOREIGN KEY (a) REFERENCES users (id), FOREIGN KEY (b) REFERENCES users (id));\n";
    are_drafted(
        base,
        &[
            ("ALTER TABLE posts ADD KEY wide (a, n);", "exact"),
            (
                "ALTER TABLE posts DROP FOREIGN KEY posts_ibfk_2; ALTER TABLE posts ADD FOREIGN KEY (b) REFERENCES users (id) ON DELETE CASCADE;",
                "exact",
            ),
            (
                "ALTER TABLE posts DROP FOREIGN KEY posts_ibfk_1; ALTER TABLE posts ADD FOREIGN KEY (a) REFERENCES users (id) ON DELETE CASCADE;",
                "exact",
            ),
            ("RENAME TABLE posts TO articles; ALTER TABLE articles ADD KEY wide (b, n);", "exact"),
            ("ALTER TABLE posts DROP FOREIGN KEY posts_ibfk_2, DROP COLUMN b;", "lossy"),
            ("ALTER TABLE posts DROP FOREIGN KEY posts_ibfk_1, DROP COLUMN a;", "lossy"),
        ],
    );
}

/// An index that somebody has made for a foreign key that another index serves as well.
#[test]
fn an_index_that_no_foreign_key_makes_is_made() {
    let base = "CREATE TABLE users (id int PRIMARY KEY);\n\
        CREATE TABLE posts (id int PRIMARY KEY, a int, n int, KEY w (a), KEY wide (a, n), CONSTRAINT w FOREIGN KEY (a) REFERENCES users (id));\n";
    let sandbox = based(base, "ALTER TABLE posts DROP KEY w;");
    sandbox.run(&["draft", "2_next", "--print"]).ok().says("exact").says("ALTER TABLE `posts` ADD KEY `w` (`a`);");
}

/// The sql_mode and the character set of a session are stored with what is made in it.
#[test]
fn what_the_session_lends_to_an_object_comes_back_with_it() {
    let base = "CREATE TABLE t (a int);\nSET sql_mode = 'ANSI_QUOTES';\n\
        CREATE PROCEDURE quoted() SELECT 1 AS \"a\";\nCREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @x = 1;\n\
        SET NAMES latin1;\nCREATE VIEW old AS SELECT 'a' AS a;\n";
    are_drafted(
        base,
        &[
            ("DROP PROCEDURE quoted; DROP VIEW old; DROP TRIGGER g;", "exact"),
            ("DROP VIEW old; CREATE VIEW old AS SELECT 'a' AS a;", "exact"),
        ],
    );
    let sandbox = based(base, "DROP PROCEDURE quoted;");
    sandbox
        .run(&["draft", "2_next", "--print"])
        .ok()
        .says("sql_mode = 'ANSI_QUOTES'")
        .says("SET sql_mode = @sql_mode_before");
}

#[test]
fn what_mariadb_has_beside_it_gets_a_proven_way_back() {
    if !is_mariadb() {
        return;
    }
    let base = format!(
        "{BASE}CREATE SEQUENCE counter START 5 INCREMENT 2;\nCREATE TABLE history (a int) WITH SYSTEM VERSIONING;\n\
         CREATE TABLE ids (id uuid NOT NULL, j json NOT NULL, ip inet6 NOT NULL, g bigint DEFAULT nextval(counter));\n"
    );
    are_drafted(
        &base,
        &[
            ("ALTER TABLE users MODIFY mail text;", "exact"),
            ("ALTER TABLE posts RENAME TO articles; ALTER TABLE articles CHANGE n weight bigint DEFAULT 6;", "exact"),
            ("DROP SEQUENCE counter;", "exact"),
            ("ALTER SEQUENCE counter INCREMENT 3 MAXVALUE 99;", "exact"),
            ("CREATE SEQUENCE s; CREATE TABLE t (a bigint DEFAULT nextval(s));", "exact"),
            ("DROP TABLE ids; DROP SEQUENCE counter;", "lossy"),
            ("ALTER TABLE users ALTER INDEX by_name IGNORED;", "exact"),
            ("ALTER TABLE users ADD SYSTEM VERSIONING; ALTER TABLE history DROP SYSTEM VERSIONING;", "exact"),
            ("ALTER TABLE ids DROP COLUMN id, DROP COLUMN j, DROP COLUMN ip;", "lossy"),
            ("CREATE OR REPLACE PROCEDURE nothing() BEGIN NOT ATOMIC SELECT 1; END;", "exact"),
            (
                "CREATE AGGREGATE FUNCTION counted(x int) RETURNS int BEGIN DECLARE c int DEFAULT 0;
                 DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN c; LOOP FETCH GROUP NEXT ROW; SET c = c + 1; END LOOP; END;",
                "exact",
            ),
        ],
    );
}

/// A package is one statement to MariaDB, and cut at its semicolons unless a delimiter says where it ends.
#[test]
fn a_package_comes_back_in_the_mode_that_knows_it() {
    if !is_mariadb() {
        return;
    }
    let base = "SET sql_mode = ORACLE;\nDELIMITER //\nCREATE PACKAGE pk AS\n FUNCTION f RETURN INT;\nEND//\n\
        CREATE PACKAGE BODY pk AS\n FUNCTION f RETURN INT AS BEGIN RETURN 1; END;\nEND//\nDELIMITER ;\n";
    let package = "DELIMITER //\nCREATE PACKAGE two AS\n FUNCTION f RETURN INT;\nEND//\nDELIMITER ;\n";
    are_drafted(
        base,
        &[
            ("SET sql_mode = ORACLE;\nDROP PACKAGE pk;\n", "exact"),
            (&format!("SET sql_mode = ORACLE;\n{package}DROP PACKAGE BODY pk;\n"), "exact"),
        ],
    );
}

/// An event needs a right of its own, which only a server of ours gives.
#[test]
fn events_come_back_on_a_server_of_our_own() {
    let base = "CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DISABLE COMMENT 'c' DO BEGIN DO 1; DO 2; END;\n\
        CREATE EVENT late ON SCHEDULE EVERY 2 HOUR STARTS '2035-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE DO DO 1;\n";
    let sandbox =
        based(base, "DROP EVENT daily; ALTER EVENT late ENABLE; CREATE EVENT more ON SCHEDULE EVERY 1 WEEK DO DO 1;");
    // The server runs as another user, who may not look into the sandbox.
    let folder = std::env::temp_dir().display().to_string();
    let told = sandbox.run_with(&["draft", "2_next", "--shadow", "local"], &[("TMPDIR", folder.as_str())]);
    told.ok().says("exact");
    let down = sandbox.read("migrations/2_next/down.sql");
    assert!(down.contains("DROP EVENT `more`") && down.contains("ALTER EVENT `late` DISABLE"), "{down}");
    assert!(!down.contains("STARTS"), "{down}");
}

/// Columns go where they stood, with as few clauses and statements as can be.
#[test]
fn a_table_is_altered_once_and_reads_well() {
    for (up, down) in [
        (
            "ALTER TABLE users MODIFY mail varchar(60) AFTER score; ALTER TABLE users ADD COLUMN age int, ADD KEY (age);",
            "ALTER TABLE `users`\n  DROP INDEX `age`,\n  DROP COLUMN `age`,\n  MODIFY COLUMN `mail` varchar(60) DEFAULT NULL AFTER `name`;\n",
        ),
        ("ALTER TABLE users COMMENT 'other';", "ALTER TABLE `users` COMMENT = 'who';\n"),
        ("ALTER TABLE users CHANGE mail email varchar(60);", "ALTER TABLE `users` RENAME COLUMN `email` TO `mail`;\n"),
        ("RENAME TABLE users TO `people.too`;", "RENAME TABLE `people.too` TO `users`;\n"),
        ("CREATE PROCEDURE `p ``q`() SELECT 1;", "DROP PROCEDURE `p ``q`;\n"),
        (
            "DROP TRIGGER one_first;",
            "CREATE TRIGGER `one_first` BEFORE INSERT ON `posts` FOR EACH ROW PRECEDES `two_then`\nSET new.n = coalesce(new.n, 1);\n",
        ),
    ] {
        assert_eq!(drafted(up), down, "{up}");
    }
}

/// Values that came after the up have no place in the schema before it: what becomes of them is said, and no row goes.
#[test]
fn what_is_put_in_the_place_of_newer_values_is_said() {
    for (up, said) in [
        (
            "ALTER TABLE users MODIFY name varchar(40);",
            "users.name must not be NULL, so rows that have NULL there get 'nobody'",
        ),
        (
            "ALTER TABLE users MODIFY mood enum('sad','ok','new');",
            "values of users.mood that it did not have become 'sad'",
        ),
        ("ALTER TABLE parts MODIFY s set('x','z','y') NOT NULL;", "values of parts.s lose 'z', which it did not have"),
        (
            "ALTER TABLE parts MODIFY t varchar(90) CHARACTER SET utf8mb4;",
            "characters that latin1 does not have become ?",
        ),
        (
            "ALTER TABLE posts MODIFY at datetime NOT NULL DEFAULT current_timestamp();",
            "values of posts.at before '1970-01-02 00:00:00'",
        ),
        ("ALTER TABLE parts MODIFY k bigint;", "values of parts.k beyond int"),
    ] {
        let sandbox = based(BASE, up);
        sandbox.run(&["draft", "2_next"]).ok().says(said);
        let down = sandbox.read("migrations/2_next/down.sql");
        assert!(down.contains("UPDATE `") && !down.contains("DELETE") && down.contains(said), "{down}");
    }
}

#[test]
fn what_sql_alone_does_not_bring_back_is_said() {
    for (up, said) in [
        ("ALTER TABLE users DROP COLUMN born;", "users.born must not be NULL, so rows get '1970-01-01'"),
        ("DROP TABLE posts; CREATE TABLE posts (x int);", "the rows of posts, which the up drops"),
        (
            "ALTER TABLE users DROP COLUMN mail, ADD COLUMN mail varchar(60) AS (concat(name, '@x'));",
            "the values of users.mail",
        ),
        ("ALTER TABLE posts AUTO_INCREMENT = 1000, ADD COLUMN z int;", "where numbers went on, which this sets"),
    ] {
        based(BASE, up).run(&["draft", "2_next", "--print"]).ok().says(said);
    }
}

/// Rows that only a deletion would make fit, and changes that no statement undoes.
#[test]
fn what_does_not_prove_is_shown_and_not_written() {
    for (up, said) in [
        ("ALTER TABLE posts DROP CONSTRAINT n_positive;", "ADD CONSTRAINT `n_positive` CHECK"),
        ("ALTER TABLE posts DROP FOREIGN KEY writer;", "ADD CONSTRAINT `writer` FOREIGN KEY"),
        ("UPDATE users SET name = 'x';", "what this does to rows: UPDATE users SET name = 'x'"),
        ("ALTER TABLE posts AUTO_INCREMENT = 1000;", "where numbers went on, which this sets: ALTER TABLE posts"),
    ] {
        let sandbox = based(BASE, up);
        sandbox.run(&["draft", "2_next"]).exits(1).says(said).says("is not proven");
        assert!(!sandbox.root().join("migrations/2_next/down.sql").exists());
    }
}

/// A body with semicolons stands where other tools look for it, in their markers.
#[test]
fn a_body_is_written_as_the_layout_wants_it() {
    let up = "CREATE TABLE t (a int);\nDROP PROCEDURE p;\n";
    let base = "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END;\n";
    for (layout, files) in [
        ("golang-migrate", [("1_p.up.sql", base.to_owned()), ("2_t.up.sql", up.to_owned())]),
        ("dbmate", [("1_p.sql", format!("-- migrate:up\n{base}")), ("2_t.sql", format!("-- migrate:up\n{up}"))]),
        (
            "goose",
            [
                ("1_p.sql", format!("-- +goose Up\n-- +goose StatementBegin\n{base}-- +goose StatementEnd\n")),
                ("2_t.sql", format!("-- +goose Up\n{up}")),
            ],
        ),
    ] {
        let sandbox = Sandbox::new(Kind::Mysql);
        for (file, text) in files {
            sandbox.write(&format!("migrations/{file}"), text);
        }
        sandbox.run(&["draft", "1_p", "--layout", layout]).ok();
        sandbox.run(&["draft", "2_t", "--layout", layout]).ok();
        let object = sandbox.json(&["verify", "--fresh", "--layout", layout]);
        assert_eq!(common::each(&object["migrations"], "/verdict"), ["exact", "exact"], "{layout}: {object:#}");
    }
}

/// The way back is for a live database too, with rows in it.
#[test]
fn a_drafted_down_takes_a_live_database_back() {
    let sandbox = Sandbox::new(Kind::Mysql);
    sandbox.write("base.sql", BASE);
    sandbox.run(&["new", "base", "--up", "base.sql", "--draft-down"]).ok().says("exact");
    sandbox.write("next.sql", "ALTER TABLE users ADD COLUMN age int AFTER id;\nDROP TRIGGER two_then;\n");
    sandbox.run(&["new", "next", "--up", "next.sql", "--draft-down"]).ok().says("exact");
    sandbox.run(&["up"]).ok();
    sandbox.sql("INSERT INTO users (name, born) VALUES ('a', '2000-01-01')");
    sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss"]).ok();
    sandbox.run(&["drift"]).ok();
    sandbox.sql("INSERT INTO posts (user_id, n) SELECT id, 50 FROM users");
    assert_eq!(sandbox.sql("SELECT n FROM posts"), [[Some("9".to_owned())]]);
    sandbox.run(&["down", "--all", "--yes", "--accept-loss"]).ok();
    // An up that fails leaves no files.
    sandbox.write("bad.sql", "ALTER TABLE nowhere ADD COLUMN b text;\n");
    sandbox.run(&["new", "bad", "--up", "bad.sql", "--draft-down"]).exits(1).says("nowhere");
}
