//! What a script can have touched is read again, the rest stands as it was: equal to a whole reading, whatever the script is.

use switchback::blind;
use switchback::snapshot::Snapshot;
use switchback::sql::Script;
use switchback::touch::Touch;

#[path = "common/ddl.rs"]
mod ddl;
#[path = "rows/home.rs"]
#[allow(dead_code, reason = "rows are made elsewhere")]
mod home;

use ddl::{Dice, EVERYWHERE, MYSQL, POSTGRES, SQLITE, statement};
use home::{Home, home};

/// Runs scripts of a few statements, and reads the schema behind each in both ways. Gives how many were read, and how many of
/// these differ from the one before.
async fn walk(home: &mut Home, own: &[&str], steps: usize) -> (usize, usize) {
    let dialect = home.engine.dialect();
    let templates: Vec<&str> = EVERYWHERE.iter().chain(own).copied().collect();
    let mut dice = Dice(7);
    let mut before = home.engine.snapshot(&mut *home.session).await.unwrap();
    let (mut read, mut changed) = (0, 0);
    for _ in 0..steps {
        let statements: Vec<String> = (0..=dice.roll(2)).map(|_| statement(&mut dice, &templates)).collect();
        let statements: Vec<String> = match dialect.name {
            "mysql" => statements.iter().map(|text| text.replace('"', "`")).collect(),
            _ => statements,
        };
        if dialect.transactional {
            home.session.batch(&[dialect.sql.begin, dialect.sql.mark].concat()).await.unwrap();
        }
        let mut ran = Vec::new();
        for text in &statements {
            match home.session.run(text).await {
                Ok(_) => ran.push(text.as_str()),
                Err(_) if dialect.transactional => break,
                Err(_) => {}
            }
        }
        let is_whole = ran.len() == statements.len() || !dialect.transactional;
        if is_whole {
            let text = match dialect.name {
                "mysql" => format!("DELIMITER $$\n{}$$\n", statements.join("$$\n")),
                _ => format!("{};\n", statements.join(";\n")),
            };
            let touch = Touch::of(&Script::parse("up.sql", 1, text.as_bytes(), dialect.flavor));
            let again = home.engine.snapshot_again(&mut *home.session, &before, &touch).await.unwrap();
            let whole = home.engine.snapshot(&mut *home.session).await.unwrap();
            let lines = |one: &Snapshot| one.lines().cloned().collect::<std::collections::BTreeSet<_>>();
            let (one, other) = (lines(&again), lines(&whole));
            let apart: Vec<_> = one.symmetric_difference(&other).collect();
            assert!(apart.is_empty(), "{text}\n{touch:?}\n{apart:#?}");
            assert_eq!((&again, again.weak_digest()), (&whole, whole.weak_digest()), "{text}");
            (read, changed) = (read + 1, changed + usize::from(again != before));
            let stays = !dialect.transactional || dice.roll(4) > 0;
            if stays {
                before = again;
            }
            if dialect.transactional {
                home.session.batch(if stays { "COMMIT" } else { "ROLLBACK" }).await.unwrap();
            }
        } else {
            home.session.batch("ROLLBACK").await.unwrap();
        }
    }
    (read, changed)
}

/// Runs statements where rows stand and where none do. One that is blind to rows does the same in both, and one that is settled
/// ends in the same schema wherever it ends. Gives how many were of each sort.
async fn side_by_side(full: &mut Home, empty: &mut Home, own: &[&str], steps: usize) -> (usize, usize) {
    let dialect = full.engine.dialect();
    let is_ddl = |text: &&str| !["INSERT", "DELETE", "CALL", "DO"].iter().any(|word| text.starts_with(word));
    let templates: Vec<&str> = EVERYWHERE.iter().chain(own).copied().filter(is_ddl).collect();
    let mut dice = Dice(11);
    let (mut blind, mut settled) = (0, 0);
    for _ in 0..steps {
        let text = statement(&mut dice, &templates);
        let text = if dialect.name == "mysql" { text.replace('"', "`") } else { text };
        let script = Script::parse("up.sql", 1, text.as_bytes(), dialect.flavor);
        let tables = full.tables().await;
        let (is_blind, is_settled) = (blind::is_blind(&script, &tables), blind::is_settled(&script));
        let over_rows = full.session.run(&text).await;
        if over_rows.is_err() && !is_blind {
            continue;
        }
        let over_none = empty.session.run(&text).await;
        assert!(over_rows.is_ok() == over_none.is_ok(), "{text}\n{over_rows:?}\n{over_none:?}");
        if over_rows.is_ok() {
            let mut schemas = Vec::new();
            for home in [&mut *full, &mut *empty] {
                let schema = home.engine.snapshot(&mut *home.session).await.unwrap();
                schemas.push(schema.lines().cloned().collect::<std::collections::BTreeSet<_>>());
            }
            assert!(!is_settled || schemas[0] == schemas[1], "{text}");
            full.fill(&[]).await;
            let _ = full.session.batch("COMMIT").await;
        }
        (blind, settled) = (blind + usize::from(is_blind), settled + usize::from(is_settled && over_rows.is_ok()));
    }
    (blind, settled)
}

#[tokio::test]
async fn rows_change_nothing_where_the_text_says_so() {
    for (scheme, own) in [("postgres", POSTGRES), ("mysql", MYSQL), ("sqlite", SQLITE)] {
        home(scheme, async |full| {
            home(scheme, async |empty| {
                let (blind, settled) = side_by_side(full, empty, own, 400).await;
                assert!(blind > 60 && settled > 40, "{scheme}: {blind} {settled}");
            })
            .await;
        })
        .await;
    }
}

#[tokio::test]
async fn postgres_reads_again_what_was_touched() {
    home("postgres", async |home| {
        let (read, changed) = walk(home, POSTGRES, 3000).await;
        assert!(read > 200 && changed > 150, "{read} {changed}");
    })
    .await;
}

#[tokio::test]
async fn mysql_reads_again_what_was_touched() {
    home("mysql", async |home| {
        let (read, changed) = walk(home, MYSQL, 500).await;
        assert!(read > 200 && changed > 150, "{read} {changed}");
    })
    .await;
}

#[tokio::test]
async fn sqlite_reads_again_what_was_touched() {
    home("sqlite", async |home| {
        let (read, changed) = walk(home, SQLITE, 1500).await;
        assert!(read > 200 && changed > 150, "{read} {changed}");
    })
    .await;
}
