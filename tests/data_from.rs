//! `verify --data-from` and `plan --with-data`: rows of a real database instead of made-up ones, whole, masked, and only read.

mod common;

use common::{Kind, Sandbox, each, each_engine};

const TEXT: &str = "varchar(60)";

/// Two tables with rows of people, in the database and in its ledger.
fn people(sandbox: &Sandbox) {
    let users = format!(
        "CREATE TABLE users (id integer PRIMARY KEY, email {TEXT} NOT NULL UNIQUE, nick {TEXT}, phone {TEXT}, boss integer, \
         CONSTRAINT users_boss FOREIGN KEY (boss) REFERENCES users (id));\n"
    );
    let orders = format!(
        "CREATE TABLE orders (id integer PRIMARY KEY, user_id integer NOT NULL, email {TEXT} NOT NULL, note {TEXT}, \
         CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id), \
         CONSTRAINT orders_email FOREIGN KEY (email) REFERENCES users (email));\n"
    );
    sandbox.migration("1_users", &users, "DROP TABLE users;\n").migration("2_orders", &orders, "DROP TABLE orders;\n");
    sandbox.run(&["up"]).ok();
    let mut connection = sandbox.connect();
    for id in 1..=12 {
        // Each stands below the one before, so that the last leads to the first through all of them.
        let boss = if id == 1 { "NULL".to_owned() } else { (id - 1).to_string() };
        let row = format!("({id}, 'Zebedee{id}@Quux.example', ' Zebnick ', '+49 555 {id:04}', {boss})");
        connection.sql(&format!("INSERT INTO users (id, email, nick, phone, boss) VALUES {row}"));
    }
    for id in 1..=8 {
        let row = format!("({id}, {0}, 'Zebedee{0}@Quux.example', 'Zebnote {id}')", 13 - id);
        connection.sql(&format!("INSERT INTO orders (id, user_id, email, note) VALUES {row}"));
    }
}

/// A migration that works on empty tables, and on rows where `query` gives `expected`.
fn probe(sandbox: &Sandbox, id: &str, query: &str, expected: u32) {
    let up = format!(
        "CREATE TABLE p{id} (n integer, CONSTRAINT c{id} CHECK (n IN (0, {expected})));\nINSERT INTO p{id} {query};\n"
    );
    sandbox.migration(&format!("{id}_probe"), &up, &format!("DROP TABLE p{id};\n"));
}

fn verdicts(told: &serde_json::Value) -> Vec<String> {
    each(&told["migrations"], "/verdict")
}

#[test]
fn what_only_real_rows_show_is_shown_and_not_kept() {
    each_engine(|sandbox| {
        people(sandbox);
        sandbox.migration(
            "3_trim",
            "UPDATE users SET nick = trim(nick), phone = phone;\n",
            "UPDATE users SET nick = nick;\n",
        );
        sandbox.migration(
            "4_unique",
            "CREATE UNIQUE INDEX one_nick ON users (nick);\n",
            &drop_index(sandbox, "one_nick"),
        );
        sandbox.run(&["seal"]).ok();
        let before = sandbox.files();
        let url = sandbox.url.clone();
        let told = sandbox.json(&["verify", "3_trim", "4_unique", "--data-from", &url]);
        assert_eq!(verdicts(&told), ["lossy", "failed"], "{told}");
        let messages = each(&told["migrations"][0]["findings"], "/message").join("\n");
        assert!(messages.contains("users.nick changed"), "{messages}");
        let failed = &told["migrations"][1]["findings"][0];
        assert!(failed["message"].as_str().unwrap().contains("the up script fails on the rows of "), "{failed}");
        assert!(failed["detail"].to_string().contains("a unique key has the value already"), "{failed}");
        assert_eq!(sandbox.files(), before, "no file is written");
        let human = sandbox.run(&["verify", "--data-from", &url, "--keep-going"]).exits(1);
        human.says("taking 20 rows of 2 tables of ").says("2 migrations applied there").says("1_users");
    });
}

fn drop_index(sandbox: &Sandbox, name: &str) -> String {
    let on = if sandbox.kind == Kind::Mysql { " ON users" } else { "" };
    format!("DROP INDEX {name}{on};\n")
}

#[test]
fn foreign_keys_stay_whole_however_few_rows_are_taken() {
    each_engine(|sandbox| {
        people(sandbox);
        // One order is taken, and its user with all that stand above.
        probe(sandbox, "3", "SELECT count(*) FROM orders", 1);
        probe(sandbox, "4", "SELECT count(*) FROM users", 12);
        probe(
            sandbox,
            "5",
            "SELECT count(*) FROM users c LEFT JOIN users p ON p.id = c.boss WHERE p.id IS NULL AND c.boss IS NOT NULL",
            0,
        );
        let told = sandbox.json(&["verify", "3", "4", "5", "--data-from", &sandbox.url, "--sample", "1"]);
        assert_eq!(verdicts(&told), ["exact"; 3], "{told}");
        assert!(!told.to_string().contains("rows-left-out"), "{told}");
        // A control: the probe sees when it is not so.
        probe(sandbox, "6", "SELECT count(*) FROM users", 11);
        let told = sandbox.json(&["verify", "6", "--data-from", &sandbox.url, "--sample", "1"]);
        assert_eq!(verdicts(&told), ["failed"], "{told}");
    });
}

#[test]
fn rows_of_tables_that_refer_to_each_other_are_taken_together() {
    each_engine(|sandbox| {
        let late = match sandbox.kind {
            Kind::Postgres => " DEFERRABLE INITIALLY IMMEDIATE",
            _ => "",
        };
        let teams = "CREATE TABLE teams (id integer PRIMARY KEY, head integer NOT NULL);\n";
        let heads = "CREATE TABLE heads (id integer PRIMARY KEY, team integer NOT NULL, CONSTRAINT h FOREIGN KEY (team) REFERENCES teams (id));\n";
        let up = match sandbox.kind {
            Kind::Sqlite => [&teams.replace("NOT NULL", "NOT NULL REFERENCES heads (id)"), heads].concat(),
            _ => format!(
                "{teams}{heads}ALTER TABLE teams ADD CONSTRAINT t FOREIGN KEY (head) REFERENCES heads (id){late};\n"
            ),
        };
        let down = match sandbox.kind {
            Kind::Sqlite => "DROP TABLE heads;\nDROP TABLE teams;\n".to_owned(),
            Kind::Postgres => "ALTER TABLE teams DROP CONSTRAINT t;\nDROP TABLE heads;\nDROP TABLE teams;\n".to_owned(),
            Kind::Mysql => "ALTER TABLE teams DROP FOREIGN KEY t;\nDROP TABLE heads;\nDROP TABLE teams;\n".to_owned(),
        };
        sandbox.migration("1_knot", &up, &down).run(&["up"]).ok();
        let mut connection = sandbox.connect();
        let begin = match sandbox.kind {
            Kind::Sqlite => "BEGIN",
            Kind::Postgres => "BEGIN; SET CONSTRAINTS ALL DEFERRED",
            Kind::Mysql => "SET foreign_key_checks = 0; BEGIN",
        };
        let rows = "INSERT INTO teams VALUES (1, 7), (2, 8); INSERT INTO heads VALUES (7, 2), (8, 1)";
        connection.sql(&format!("{begin}; {rows}; COMMIT"));
        probe(sandbox, "2", "SELECT count(*) FROM teams JOIN heads ON heads.id = teams.head", 2);
        let told = sandbox.json(&["verify", "2", "--data-from", &sandbox.url, "--sample", "1"]);
        assert_eq!(verdicts(&told), ["exact"], "{told}");
    });
}

#[test]
fn masked_values_stay_apart_and_lead_to_their_rows() {
    each_engine(|sandbox| {
        people(sandbox);
        let masks = "[mask]\n\"users.email\" = \"hash\"\n\"users.id\" = \"hash\"\n\"users.nick\" = \"null\"\n\
                     \"users.phone\" = { fixed = \"+00\" }\n\"orders.note\" = \"hash\"\n";
        sandbox.write("switchback.toml", masks);
        let told = |sandbox: &Sandbox, ids: &[&str]| {
            let args = [&["verify"], ids, &["--data-from", &sandbox.url]].concat();
            sandbox.json(&args)
        };
        probe(
            sandbox,
            "3",
            "SELECT count(*) FROM users JOIN orders ON orders.user_id = users.id AND orders.email = users.email",
            8,
        );
        probe(
            sandbox,
            "4",
            "SELECT count(*) FROM users WHERE lower(email) LIKE '%zebedee%' OR nick IS NOT NULL OR phone <> '+00'",
            0,
        );
        probe(
            sandbox,
            "5",
            "SELECT count(*) FROM orders WHERE lower(note) LIKE '%zebnote%' OR lower(email) LIKE '%zebedee%'",
            0,
        );
        probe(
            sandbox,
            "6",
            "SELECT count(*) FROM users WHERE email LIKE '%@%.%' AND char_length(email) IN (21, 22)",
            12,
        );
        if sandbox.kind == Kind::Sqlite {
            probe(
                sandbox,
                "6",
                "SELECT count(*) FROM users WHERE email LIKE '%@%.%' AND length(email) IN (21, 22)",
                12,
            );
        }
        let answer = told(sandbox, &["3", "4", "5", "6"]);
        // Notes may say that rows of ours do not fit besides; a probe that fails is another verdict.
        assert_eq!(verdicts(&answer), ["exact"; 4], "{answer}");
        sandbox.write("switchback.toml", "");
        assert_eq!(verdicts(&told(sandbox, &["4"])), ["failed"], "a control: the probe sees what is not masked");
    });
}

#[test]
fn i10_no_real_value_is_in_any_output_or_file() {
    each_engine(|sandbox| {
        people(sandbox);
        // Everything that can be refused or lost over rows, and a word that only real rows can have brought.
        sandbox.migration("3_trim", "UPDATE users SET nick = trim(nick);\n", "UPDATE users SET nick = nick;\n");
        sandbox.migration(
            "4_unique",
            "CREATE UNIQUE INDEX one_nick ON users (nick);\n",
            &drop_index(sandbox, "one_nick"),
        );
        let cast = match sandbox.kind {
            Kind::Sqlite => {
                "CREATE TABLE c (n integer CHECK (typeof(n) = 'integer'));\nINSERT INTO c SELECT email FROM users;\n"
            }
            Kind::Postgres => "CREATE TABLE c (n integer);\nINSERT INTO c SELECT CAST(email AS integer) FROM users;\n",
            Kind::Mysql => "CREATE TABLE c (n integer);\nINSERT INTO c SELECT email FROM users;\n",
        };
        sandbox.migration("5_cast", cast, "DROP TABLE c;\n");
        let short = "CREATE TABLE s (t varchar(3) CHECK (length(t) < 4));\nINSERT INTO s SELECT note FROM orders;\n";
        sandbox.migration("6_short", short, "DROP TABLE s;\n");
        let raised = match sandbox.kind {
            Kind::Sqlite => "CREATE TABLE r (t text UNIQUE);\nINSERT INTO r SELECT nick FROM users;\n".to_owned(),
            Kind::Postgres => {
                "CREATE TABLE r (t text);\nDO $$ DECLARE w text; BEGIN SELECT email INTO w FROM users LIMIT 1; \
                 IF w IS NOT NULL THEN RAISE EXCEPTION 'see %', w USING DETAIL = w, HINT = w; END IF; END $$;\n"
                    .to_owned()
            }
            Kind::Mysql => "CREATE TABLE r (t varchar(60) PRIMARY KEY);\nINSERT INTO r SELECT email FROM orders UNION ALL SELECT email FROM orders;\n".to_owned(),
        };
        sandbox.migration("7_raised", &raised, "DROP TABLE r;\n");
        let null = "INSERT INTO orders (id, user_id, email, note) SELECT id + 100, boss, email, nick FROM users;\n";
        sandbox.migration("8_null", null, "DELETE FROM orders WHERE id > 100;\n");
        sandbox.run(&["seal"]).ok();
        let mut args = vec!["verify", "--keep-going", "--data-from", &sandbox.url];
        let reports = ["json", "junit", "sarif", "github", "markdown"].map(|format| format!("{format}=told.{format}"));
        args.extend(reports.iter().flat_map(|report| ["--report", report]));
        let mut told = sandbox.run(&args).exits(1).all();
        assert_eq!(sandbox.files().keys().filter(|path| path.to_string_lossy().contains("told.")).count(), 5);
        assert!(told.contains("the up script fails on the rows of "), "{told}");
        for meaning in ["a unique key has the value already", "a value is NULL where none may be"] {
            assert!(told.contains(meaning), "{meaning}\n{told}");
        }
        for (path, bytes) in sandbox.files() {
            if !path.starts_with(sandbox.root().join("migrations/3_trim")) {
                told += &String::from_utf8_lossy(&bytes);
            }
        }
        let lower = told.to_lowercase();
        for value in ["zeb", "quux", "+49"] {
            let at = lower.find(value).map(|at| told[at.saturating_sub(200)..].chars().take(300).collect::<String>());
            assert_eq!(at, None, "{value}");
        }
    });
}

#[test]
fn i7_the_database_that_rows_come_from_is_only_read() {
    each_engine(|sandbox| {
        people(sandbox);
        probe(sandbox, "3", "SELECT count(*) FROM users", 12);
        let query = format!("SELECT count(*) FROM {}", sandbox.ledger());
        let state = |sandbox: &Sandbox| {
            (sandbox.all_tables(), sandbox.value("SELECT count(*) FROM users"), sandbox.value(&query))
        };
        let before = state(sandbox);
        let bytes = || (sandbox.kind == Kind::Sqlite).then(|| std::fs::read(&sandbox.name).expect("the file"));
        let file = bytes();
        sandbox.run(&["verify", "--data-from", &sandbox.url]).ok();
        assert_eq!((state(sandbox), bytes()), (before, file));
    });
}

#[test]
fn an_up_that_is_applied_there_is_not_failed_by_rows_that_came_later() {
    each_engine(|sandbox| {
        sandbox.migration("1_kinds", "CREATE TABLE kinds (id integer PRIMARY KEY);\n", "DROP TABLE kinds;\n");
        sandbox.migration("2_rows", "INSERT INTO kinds VALUES (1), (2);\n", "DELETE FROM kinds WHERE id IN (1, 2);\n");
        sandbox.run(&["up"]).ok();
        probe(sandbox, "3", "SELECT count(*) FROM kinds", 2);
        let told = sandbox.json(&["verify", "--data-from", &sandbox.url]);
        assert_eq!(verdicts(&told), ["exact", "exact", "exact"], "{told}");
        assert_eq!(each(&told["migrations"][1]["findings"], "/code"), ["rows-refused"], "{told}");
        assert_eq!(each(&told["migrations"][1]["findings"], "/severity"), ["note"], "{told}");
    });
}

#[test]
fn sequences_go_on_behind_the_rows() {
    each_engine(|sandbox| {
        let id = match sandbox.kind {
            Kind::Sqlite => "integer PRIMARY KEY",
            Kind::Postgres => "integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            Kind::Mysql => "integer AUTO_INCREMENT PRIMARY KEY",
        };
        sandbox
            .migration("1_t", &format!("CREATE TABLE t (id {id}, a integer);\n"), "DROP TABLE t;\n")
            .run(&["up"])
            .ok();
        sandbox.sql("INSERT INTO t (a) VALUES (1), (2), (3)");
        sandbox.migration("2_more", "INSERT INTO t (a) VALUES (-4);\n", "DELETE FROM t WHERE a = -4;\n");
        let told = sandbox.json(&["verify", "2", "--data-from", &sandbox.url]);
        assert_eq!(verdicts(&told), ["exact"], "{told}");
        assert_eq!(each(&told["migrations"][0]["findings"], "/code"), [""; 0], "{told}");
    });
}

#[test]
fn masks_that_fit_nothing_are_refused_before_a_row_is_read() {
    each_engine(|sandbox| {
        people(sandbox);
        for (mask, says) in [
            ("\"users.emial\" = \"hash\"", "has no column users.emial"),
            ("\"users.email\" = \"null\"", "users.email cannot be NULL"),
            ("\"users.email\" = { fixed = \"x\" }", "users.email is a key"),
            ("\"orders.user_id\" = { fixed = \"1\" }", "orders.user_id is a key"),
            ("\"users.email\" = \"rot13\"", "expected \"hash\", \"null\" or { fixed = "),
            ("email = \"hash\"", "[mask] names `email`, which is no column"),
        ] {
            sandbox.write("switchback.toml", format!("[mask]\n{mask}\n"));
            sandbox.run(&["verify", "--data-from", &sandbox.url]).exits(2).says(says).says("switchback.toml:2:1");
        }
        // A column that a migration is yet to make may have its mask.
        sandbox.write("switchback.toml", "[mask]\n\"users.birth\" = \"null\"\n");
        sandbox.migration(
            "3_birth",
            "ALTER TABLE users ADD COLUMN birth date;\n",
            "ALTER TABLE users DROP COLUMN birth;\n",
        );
        sandbox.run(&["verify", "3", "--data-from", &sandbox.url]).ok();
    });
}

#[test]
fn rows_come_from_an_engine_of_the_same_kind_by_name_or_url() {
    let sandbox = Sandbox::new(Kind::Sqlite);
    people(&sandbox);
    probe(&sandbox, "3", "SELECT count(*) FROM users", 12);
    sandbox.write("switchback.toml", "[databases.live]\nurl = \"sqlite:app.db\"\n");
    sandbox.run(&["verify", "3", "--data-from", "live"]).ok().says("taking 20 rows of 2 tables of live");
    sandbox.run(&["verify", "--data-from", "elsewhere"]).exits(2).says("no database is called elsewhere");
    sandbox.run(&["verify", "--sample", "5"]).exits(2).says("--data-from");
    let other = Sandbox::new(Kind::Postgres);
    sandbox.run(&["verify", "--data-from", &other.url]).exits(2).says("(postgres) cannot stand in a shadow of sqlite");
}

/// A typing error must not end in a verdict on made-up rows.
#[test]
fn a_database_without_rows_is_refused() {
    each_engine(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        sandbox.run(&["verify", "--data-from", &sandbox.url]).exits(1).says("has no row to take");
        if sandbox.kind == Kind::Sqlite {
            sandbox.run(&["verify", "--data-from", "sqlite:nowhere.db"]).exits(1).says("nowhere.db has no row to take");
            assert!(!sandbox.root().join("nowhere.db").exists());
        }
        sandbox.sql("INSERT INTO t1 (id) VALUES (1)");
        sandbox.run(&["verify", "--data-from", &sandbox.url]).ok().says("taking 1 row of 1 table");
    });
}

#[test]
fn a_plan_is_rehearsed_on_the_databases_own_rows() {
    each_engine(|sandbox| {
        people(sandbox);
        sandbox.migration("3_nick", "CREATE UNIQUE INDEX ux ON users (nick);\n", dropped(sandbox));
        sandbox.run(&["verify"]).ok();
        let rows = sandbox.value("SELECT COUNT(*) FROM users");
        sandbox.run(&["plan", "--rehearse"]).ok();
        for args in [
            &["plan", "--with-data=all"][..],
            &["plan", "--with-data", "-o", "p.json"],
            &["up", "--dry-run", "--with-data"],
        ] {
            let told = sandbox.run(args).exits(1).says("the up of `3_nick` fails in the shadow");
            told.says("migrations/3_nick/up.sql:1:1").says_not("Zebnick").says_not("Quux");
        }
        assert!(!sandbox.root().join("p.json").exists());
        sandbox.sql("UPDATE users SET nick = email");
        sandbox.run(&["plan", "--with-data=all"]).ok().says("taking 20 rows of 2 tables").says("rehearsed");
        // Of two rows of each table all come along that they stand on.
        sandbox.run(&["plan", "--with-data=2"]).ok().says("rows of 2 tables");
        sandbox.run(&["plan", "down", "--all", "--with-data"]).ok().says("drops table").says("with 12 rows");
        assert_eq!(sandbox.value("SELECT COUNT(*) FROM users"), rows);
        sandbox.run(&["up", "--with-data"]).exits(2).says("--dry-run");
        sandbox.run(&["plan", "--with-data=0"]).exits(2).says("`all`");
    });
}

fn dropped(sandbox: &Sandbox) -> &'static str {
    if sandbox.kind == Kind::Mysql { "DROP INDEX ux ON users;\n" } else { "DROP INDEX ux;\n" }
}
