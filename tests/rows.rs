//! Rows in real tables of each engine: what is made, and what is seen when it does not come back.

use std::collections::BTreeSet;
use std::time::Duration;

use switchback::data::{Loss, losses};
use switchback::database::Database;
use switchback::fill::{Around, Filled, fill_tables};
use switchback::inserts::Mildness;
use switchback::pour::pour;
use switchback::rows::Table;
use switchback::sample::{Wanted, sample};

#[path = "rows/home.rs"]
mod home;

use home::{Home, home};

/// Fills every table of the engine's script and checks that none stays empty and all kept their keys.
async fn every_table_gets_rows(home: &mut Home, script: &str) {
    home.run(script).await;
    let report = home.fill(&["old", "7", "2024-03-01"]).await;
    let reasons: Vec<String> = report.unfilled.iter().map(ToString::to_string).collect();
    assert_eq!(reasons, [""; 0]);
    assert_eq!(report.made.len(), report.tables.len());
    let data = home.data(&report.tables).await;
    let few: Vec<(&String, u64)> =
        data.tables.iter().filter(|(_, print)| print.count < 4).map(|(title, print)| (title, print.count)).collect();
    assert_eq!(few, []);
    for (title, print) in &data.tables {
        assert_eq!(print.count, report.made[title], "{title}");
        for column in &print.columns {
            // Whatever loses a column's values must be seen, so some have to be there.
            assert!(column.values > 0 || column.type_text == "pair", "{title}.{}", column.name);
        }
    }
    assert_eq!(home.fill(&[]).await.made.len(), 0, "what is filled stays as it is");
    home.filled.refill(report.tables.iter().map(|table| table.title().to_owned()));
    let again = home.fill(&[]).await;
    assert_eq!(again.unfilled, []);
    assert!(again.made.len() + 3 >= report.tables.len(), "{:?}", again.made);
}

/// The values that tests of migrations need, in a table that all engines know.
async fn values_are_edgy(home: &mut Home) {
    home.run("CREATE TABLE edgy (id INTEGER PRIMARY KEY, kind VARCHAR(30) NOT NULL, note VARCHAR(30), amount INTEGER NOT NULL)").await;
    let report = home.fill(&["old", "it's \\ odd", "42"]).await;
    assert_eq!(report.made.values().sum::<u64>(), 8);
    for (test, expected) in [
        ("kind = 'old'", "1"),
        ("amount = 42", "1"),
        ("note IS NULL", "1"),
        ("note = ''", "1"),
        ("char_length(note) = 30", "1"),
        ("note LIKE '%漢%'", "1"),
        ("amount < 0", "1"),
        ("amount > 1000000", "1"),
    ] {
        let test = if home.engine.dialect().name == "sqlite" {
            test.replace("char_length", "length")
        } else {
            test.to_owned()
        };
        assert_eq!(
            home.one(&format!("SELECT CAST(count(*) AS CHAR(9)) FROM edgy WHERE {test}")).await.trim(),
            expected,
            "{test}"
        );
    }
    let backslashes = home.one("SELECT kind FROM edgy WHERE kind LIKE 'it%'").await;
    assert_eq!(backslashes, "it's \\ odd");
}

/// The ends of dates, and texts that differ in nothing but case; none of it is of today.
async fn dates_and_cases_are_edgy(home: &mut Home) {
    home.run("CREATE TABLE ends (id INTEGER PRIMARY KEY, word VARCHAR(30), born DATE, at TIMESTAMP NULL)").await;
    home.fill(&[]).await;
    let is_mysql = home.engine.dialect().name == "mysql";
    let (first, last) = if is_mysql { ("1000-01-01", "1970-01-02") } else { ("0001-01-01", "0001-01-01") };
    for (test, expected) in [
        (format!("born = '{first}'"), "1"),
        ("born = '9999-12-31'".to_owned(), "1"),
        ("born = '2024-02-29'".to_owned(), "1"),
        ("born IS NULL".to_owned(), "1"),
        (format!("at = '{last} 00:00:00'"), "1"),
        (format!("at >= '{}'", if is_mysql { "2038-01-18" } else { "9999-12-31" }), "1"),
        ("born >= CURRENT_DATE AND born < '9999-01-01'".to_owned(), "0"),
        ("word = ''".to_owned(), "1"),
        (
            "upper(word) IN (SELECT up FROM (SELECT upper(word) AS up, count(*) AS n FROM ends GROUP BY upper(word)) AS all_words WHERE n > 1)"
                .to_owned(),
            "2",
        ),
    ] {
        let count = format!("SELECT CAST(count(*) AS CHAR(9)) FROM ends WHERE {test}");
        assert_eq!(home.one(&count).await.trim(), expected, "{test}");
    }
}

/// Each kind of change of data, told with its number.
async fn changes_are_told(home: &mut Home) {
    home.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(30) NOT NULL, b VARCHAR(30), c INTEGER NOT NULL);\nCREATE TABLE u (id INTEGER PRIMARY KEY)").await;
    home.fill(&[]).await;
    let title = home.tables().await[0].title().to_owned();
    let prefix = title.trim_end_matches('t').to_owned();
    let first = home.one("SELECT CAST(min(id) AS CHAR(9)) FROM t").await;
    let first: u32 = first.trim().parse().unwrap();
    let update = "UPDATE t SET a = 'z'".to_owned();
    let both = home.one(&format!("SELECT CAST(sum(c) AS CHAR(9)) FROM t WHERE id <= {}", first + 1)).await;
    let swap = format!("UPDATE t SET c = {} - c WHERE id <= {}", both.trim(), first + 1);
    let rest = format!("DELETE FROM t WHERE id > {first}");
    for (script, told) in [
        (swap, vec!["at least 2 rows of {t} changed"]),
        (format!("DELETE FROM t WHERE id IN ({}, {})", first + 4, first + 5), vec!["{t} lost 2 rows"]),
        (update, vec!["at least 1 value of {t}.a changed"]),
        (format!("UPDATE t SET b = NULL WHERE id = {first}"), vec!["{t}.b lost at least 1 value"]),
        (
            "ALTER TABLE t DROP COLUMN b;\nALTER TABLE t ADD COLUMN b VARCHAR(30)".to_owned(),
            vec!["{t}.b lost 2 values"],
        ),
        ("INSERT INTO t (id, a, c) VALUES (1, 'q', 1)".to_owned(), vec!["{t} has 1 row more"]),
        (rest, vec!["{t} lost 3 rows"]),
        ("DROP TABLE u".to_owned(), vec!["{p}u is gone with 6 rows"]),
        (
            if home.engine.dialect().name == "sqlite" { "DELETE FROM t" } else { "TRUNCATE TABLE t" }.to_owned(),
            vec!["{t} lost 2 rows"],
        ),
    ] {
        let told: Vec<String> = told.iter().map(|words| words.replace("{t}", &title).replace("{p}", &prefix)).collect();
        assert_eq!(home.lost(&script).await, told, "{script}");
    }
}

/// Tables that take no row are named with the reason, and cost the others nothing.
async fn what_takes_no_row_is_named(home: &mut Home) {
    home.run("CREATE TABLE good (id INTEGER PRIMARY KEY, t VARCHAR(9));\nCREATE TABLE never (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, CHECK (a + 0 < a))").await;
    let report = home.fill(&[]).await;
    assert_eq!(report.made.len(), 1);
    assert_eq!(report.unfilled.len(), 1);
    let words = report.unfilled[0].to_string();
    assert!(words.starts_with("no row can be made for ") && words.contains("never: "), "{words}");
    assert_eq!(home.fill(&[]).await.unfilled, [], "it is not tried again unasked");
}

/// Inside a transaction of the caller, rows go when it goes, and a refusal does not end it.
async fn rows_belong_to_the_transaction(home: &mut Home) {
    home.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, CHECK (a % 2 = 0))").await;
    home.session.batch("BEGIN").await.unwrap();
    let report = home.fill(&[]).await;
    assert!(report.made.values().sum::<u64>() > 0, "{:?}", report.unfilled);
    home.session.batch("ROLLBACK").await.unwrap();
    let tables = home.tables().await;
    assert_eq!(home.data(&tables).await.tables.values().map(|print| print.count).sum::<u64>(), 0);
    let mut filled = Filled::new(Mildness::One);
    let tables = home.tables().await;
    fill_tables(home.engine, &mut *home.session, &tables, &[], Around::Perhaps, &mut filled).await.unwrap();
    let tables = home.tables().await;
    assert_eq!(home.data(&tables).await.tables.values().map(|print| print.count).sum::<u64>(), 1);
}

/// A table whose key is two foreign keys gets more rows though its parents have got none.
async fn pairs_of_parents_are_not_used_up(home: &mut Home) {
    home.run("CREATE TABLE a (id INTEGER PRIMARY KEY)").await;
    home.run("CREATE TABLE b (id INTEGER PRIMARY KEY)").await;
    home.run("CREATE TABLE ab (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b), FOREIGN KEY (a) REFERENCES a (id), FOREIGN KEY (b) REFERENCES b (id))").await;
    home.fill(&[]).await;
    let title = home.tables().await.iter().find(|table| table.name == "ab").unwrap().title().to_owned();
    home.filled.refill([title.clone()]);
    let again = home.fill(&[]).await;
    assert!(again.made.get(&title).is_some_and(|made| *made >= 4), "{:?}", again.made);
}

macro_rules! on {
    ($engine:ident, $scheme:literal, $script:literal) => {
        mod $engine {
            use super::*;

            #[tokio::test]
            async fn every_table_gets_rows() {
                home($scheme, async |home| super::every_table_gets_rows(home, include_str!($script)).await).await;
            }

            #[tokio::test]
            async fn values_are_edgy() {
                home($scheme, super::values_are_edgy).await;
            }

            #[tokio::test]
            async fn dates_and_cases_are_edgy() {
                home($scheme, super::dates_and_cases_are_edgy).await;
            }

            #[tokio::test]
            async fn changes_are_told() {
                home($scheme, super::changes_are_told).await;
            }

            #[tokio::test]
            async fn pairs_of_parents_are_not_used_up() {
                home($scheme, super::pairs_of_parents_are_not_used_up).await;
            }

            #[tokio::test]
            async fn what_takes_no_row_is_named() {
                home($scheme, super::what_takes_no_row_is_named).await;
            }
        }
    };
}

on!(sqlite, "sqlite", "rows/sqlite.sql");
on!(postgres, "postgres", "rows/postgres.sql");
on!(mysql, "mysql", "rows/mysql.sql");

#[tokio::test]
async fn rows_belong_to_the_transaction_on_sqlite() {
    home("sqlite", rows_belong_to_the_transaction).await;
}

#[tokio::test]
async fn rows_belong_to_the_transaction_on_postgres() {
    home("postgres", rows_belong_to_the_transaction).await;
}

/// What a snapshot says of tables is what MariaDB's own catalog says, column by column. MySQL's catalog alone is asked.
#[tokio::test]
async fn tables_are_read_from_a_snapshot_or_asked_for_on_mysql() {
    let more = "CREATE TABLE more (a MEDIUMINT UNSIGNED ZEROFILL, b BIGINT UNSIGNED DEFAULT 7, c FLOAT(7, 3), d DOUBLE(9, 2), e BIT,
        f SET('a', 'b c', 'it''s'), g MEDIUMTEXT, h TINYBLOB, i DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
        m CHAR(3) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'x' COMMENT 'a (b, c', n INT INVISIBLE,
        o INT CHECK (o > 1 OR o < -1), CONSTRAINT a_first CHECK (c > 0), UNIQUE KEY wide (a, g(10) DESC), KEY plain (b), p DECIMAL, `q.``r` INT UNIQUE)";
    let only_mariadb = "CREATE TABLE addresses (k UUID, l INET6);
        CREATE TABLE kept (a INT, b INT) WITH SYSTEM VERSIONING;
        CREATE TABLE spans (a INT, s DATE, e DATE, PERIOD FOR span (s, e), UNIQUE (a, span WITHOUT OVERLAPS));";
    home("mysql", async |home| {
        home.run(include_str!("rows/mysql.sql")).await;
        home.run(more).await;
        let is_mariadb = home.session.server().engine == "mariadb";
        if is_mariadb {
            home.run(&only_mariadb.replace(";\n ", ";\n")).await;
        }
        let schema = home.engine.snapshot(&mut *home.session).await.unwrap();
        let groups: BTreeSet<String> = schema.keys().map(str::to_owned).collect();
        let mut asked: Vec<Table> = home.tables().await.iter().map(|table| (**table).clone()).collect();
        let Some(mut said) = home.engine.tables(home.session.server(), &schema, &groups) else {
            assert!(!is_mariadb, "MariaDB's are read from the snapshot");
            return assert_eq!(
                asked.iter().find(|table| table.name == "more").map(|table| table.columns.len()),
                Some(14)
            );
        };
        said.sort_by(|one, other| one.name.cmp(&other.name));
        for column in said.iter_mut().chain(&mut asked).flat_map(|table| &mut table.columns) {
            column.checks.sort_unstable();
            column.keys.sort_unstable();
        }
        for (said, asked) in said.iter().zip(&asked) {
            assert_eq!(said, asked);
        }
        assert_eq!(said.len(), asked.len());
    })
    .await;
}

/// Rows of all types go from one database into another, and are the same there.
async fn real_rows_are_the_same_elsewhere(scheme: &str, script: &'static str) {
    let from = home::file(scheme, script).await;
    let mut database = Database::open(&from.target, Duration::ZERO).await.unwrap();
    let wanted = Wanted { name: "there".to_owned(), rows: Some(1000), masks: &[], to_come: BTreeSet::default() };
    let sample = sample(&mut database, &wanted).await.unwrap();
    database.close().await;
    home(scheme, async |home| {
        home.run(script).await;
        let tables = home.tables().await;
        let poured = pour(home.engine, &mut *home.session, &sample, &tables, &home.filled).await.unwrap();
        assert_eq!(poured.refused.keys().collect::<Vec<_>>(), [""; 0], "{:?}", poured.refused.values().next());
        assert_eq!(poured.tables.len(), tables.len());
        let here = home.data(&tables).await;
        let lost: Vec<String> = losses(&from.data, &here, &tables).iter().map(Loss::to_string).collect();
        assert_eq!(lost, [""; 0]);
        assert_eq!(here.tables.len(), from.data.tables.len());
    })
    .await;
    from.close().await;
}

#[tokio::test]
async fn real_rows_are_the_same_elsewhere_on_sqlite() {
    real_rows_are_the_same_elsewhere("sqlite", include_str!("rows/sqlite.sql")).await;
}

#[tokio::test]
async fn real_rows_are_the_same_elsewhere_on_postgres() {
    real_rows_are_the_same_elsewhere("postgres", include_str!("rows/postgres.sql")).await;
}

#[tokio::test]
async fn real_rows_are_the_same_elsewhere_on_mysql() {
    real_rows_are_the_same_elsewhere("mysql", include_str!("rows/mysql.sql")).await;
}
