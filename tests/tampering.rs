//! I6: whatever is changed in the ledger behind our back is found, and the row is named.
//!
//! The attacker owns the tables: the triggers and the keys are gone before anything is changed. Each change is undone before the
//! next. `SWITCHBACK_LONG=1` tries many more at random.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::chance::{Chance, is_long};
use common::{Connection, Kind, Sandbox, each_engine};
use switchback::checkpoint::Checkpoint;
use switchback::database::Database;
use switchback::ledger::{Act, COLUMNS, Entry};
use switchback::sql::Flavor;
use switchback::tampering;
use switchback::target::Target;
use tokio::runtime::Runtime;

const NUMBERS: [&str; 5] = ["seq", "reverts", "statement", "duration_ms", "rows_affected"];

/// Rows of every event that commands write, and of steps that failed.
fn eventful(sandbox: &Sandbox) {
    sandbox.tables(1).sql("CREATE TABLE t1 (id integer)");
    sandbox.run(&["adopt", "--baseline", "1_t1", "--yes"]).ok();
    sandbox.run(&["verify"]).ok();
    sandbox.tables(3).write("migrations/3_t3/verify.sql", "SELECT count(*) = 0 FROM t3;\n").run(&["up"]).ok();
    sandbox.run(&["release", "v1", "--artifact", "sha256:0"]).ok();
    let ledger = sandbox.ledger();
    let last = sandbox.value(&format!("SELECT max(seq) FROM {ledger}"));
    sandbox.write("switchback.toml", format!("[checks]\n\"idle\" = \"SELECT max(seq) <= {last} FROM {ledger}\"\n"));
    sandbox.run(&["redo", "--yes", "--reason", "once more"]).exits(1).says("`idle` does not hold");
    sandbox.remove("switchback.toml");
    sandbox.tables(4).run(&["verify"]).ok();
    sandbox.sql("CREATE TABLE t4 (id integer)");
    sandbox.run(&["up"]).exits(1).says("t4");
    sandbox.run(&["mark", "applied", "4_t4", "--reason", "the DBA ran it", "--yes"]).ok();
    let lease = sandbox.ledger().replace("ledger", "lease");
    sandbox.sql(&format!("UPDATE {lease} SET run = 'r', actor = 'somebody', host = 'h', pid = '1', what = 'up'"));
    sandbox.run(&["lock", "--break", "--yes", "--reason", "it was killed"]).ok();
    sandbox.run(&["down", "--steps", "1", "--yes"]).ok();
    let both = "CREATE TABLE t5 (id integer);\nCREATE TABLE t6 (id integer);\n";
    sandbox.migration("5_both", both, "DROP TABLE t6;\nDROP TABLE t5;\n");
    sandbox.write("migrations/5_both/migration.toml", "transaction = \"off\"\n").sql("CREATE TABLE t6 (id integer)");
    sandbox.run(&["up", "--only", "5_both"]).exits(4);
    sandbox.run(&["recover", "--back-out", "--yes"]).ok();
    let found: BTreeSet<String> =
        sandbox.ledger_rows().iter().filter_map(|row| Some(row.split_once(' ')?.0.into())).collect();
    // Nothing writes a `checkpoint`: ours stand outside of the database.
    let all = Act::ALL.into_iter().filter(|act| *act != Act::Checkpoint).map(|act| act.word().to_owned());
    assert_eq!(found, all.collect(), "{:?}", sandbox.ledger_rows());
    assert!(sandbox.ledger_rows().iter().any(|row| row.contains(" failed ")), "{:?}", sandbox.ledger_rows());
}

/// A copy of the tables takes their place, without triggers, keys and NOT NULL.
fn disarm(sandbox: &Sandbox) {
    for table in [sandbox.ledger().to_owned(), sandbox.ledger().replace("ledger", "script")] {
        let nothing = if table.ends_with("ledger") { vec!["NULL"; COLUMNS.len()] } else { vec!["NULL"; 2] }.join(", ");
        // On MySQL, only a column that a query makes may be NULL.
        let rows = match sandbox.kind {
            Kind::Mysql => format!("SELECT * FROM {table} UNION ALL SELECT {nothing} LIMIT 1000000"),
            _ => format!("SELECT * FROM {table}"),
        };
        let first = if table.ends_with("ledger") { "seq" } else { "checksum" };
        sandbox.sql(&format!("CREATE TABLE pristine AS {rows}"));
        sandbox.sql(&format!("DELETE FROM pristine WHERE {first} IS NULL; DROP TABLE {table}"));
        let rename = match sandbox.kind {
            Kind::Postgres => {
                let name = table.split_once('.').expect("a schema").1;
                format!("ALTER TABLE pristine SET SCHEMA switchback; ALTER TABLE switchback.pristine RENAME TO {name}")
            }
            _ => format!("ALTER TABLE pristine RENAME TO {table}"),
        };
        sandbox.sql(&rename);
    }
}

/// A database whose ledger anybody may change.
struct Bench<'a> {
    sandbox: &'a Sandbox,
    hand: Connection,
    eye: Database,
    runtime: Runtime,
    rows: Vec<Entry>,
    kept: Checkpoint,
    tried: u32,
}

/// Whether there is a checkpoint to compare with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    Checkpoint,
}

impl<'a> Bench<'a> {
    fn new(sandbox: &'a Sandbox) -> Bench<'a> {
        eventful(sandbox);
        sandbox.run(&["log", "--verify", "--keep", "kept"]).ok().says("the chain holds").says("kept in kept");
        disarm(sandbox);
        let mut hand = sandbox.connect();
        if sandbox.kind == Kind::Sqlite {
            hand.sql("PRAGMA synchronous = OFF");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (eye, rows) = runtime.block_on(async {
            let mut eye = Database::open(&Target::parse(&sandbox.url).unwrap(), Duration::ZERO).await.unwrap();
            let rows = eye.entries(0, 1_000).await.unwrap();
            (eye, rows)
        });
        let kept = Checkpoint::read("kept", &sandbox.read("kept")).unwrap();
        assert_eq!(rows.len(), kept.rows());
        let mut bench = Bench { sandbox, hand, eye, runtime, rows, kept, tried: 0 };
        assert_eq!(bench.look(With::Checkpoint), Ok(bench.rows.len()), "what was disarmed still holds");
        bench
    }

    /// How many rows hold, or everything that is said of the first that does not.
    fn look(&mut self, with: With) -> Result<usize, String> {
        let kept = (with == With::Checkpoint).then_some(&self.kept);
        match self.runtime.block_on(tampering::look(&mut self.eye, kept, None)) {
            Ok(upright) => Ok(usize::try_from(upright.rows).expect("a size")),
            Err(fault) => Err([&[fault.to_string()][..], &fault.parts().causes].concat().join("\n")),
        }
    }

    /// What is changed is found, and named by one of `names`; then it is put back.
    #[track_caller]
    fn found(&mut self, sql: &[String], with: With, names: &[String]) {
        sql.iter().for_each(|sql| drop(self.hand.sql(sql)));
        let said = self.look(with).expect_err(&format!("not found: {sql:?}"));
        assert!(names.iter().any(|name| is_named(&said, name)), "{names:?} is not named: {said}\n{sql:?}");
        self.tried += 1;
        // The command says the same; a process each would take too long.
        if self.tried % 50 == 1 {
            let against: &[&str] = if with == With::Checkpoint { &["--against", "kept"] } else { &[] };
            let output = self.sandbox.run(&[&["log", "--verify"], against].concat()).exits(1);
            assert!(names.iter().any(|name| is_named(&output.stderr, name)), "{output:?}");
        }
        self.put_back();
    }

    fn put_back(&mut self) {
        let (kind, ledger) = (self.sandbox.kind, self.sandbox.ledger());
        let rows: Vec<String> = self.rows.iter().map(|row| values(kind, row)).collect();
        self.hand.sql(&format!("DELETE FROM {ledger}; INSERT INTO {ledger} VALUES {}", rows.join(", ")));
    }

    fn set(&self, seq: i64, column: &str, value: Option<&str>) -> String {
        let value = literal(self.sandbox.kind, column, value);
        format!("UPDATE {} SET {column} = {value} WHERE seq = {seq}", self.sandbox.ledger())
    }

    fn last(&self) -> i64 {
        self.rows.last().expect("rows").seq()
    }

    /// The rows from `from` on, changed and sealed anew, so that the chain holds.
    fn forged(&self, from: i64, change: impl Fn(Entry) -> Entry) -> Vec<String> {
        let (kind, ledger) = (self.sandbox.kind, self.sandbox.ledger());
        let mut sql = vec![format!("DELETE FROM {ledger} WHERE seq >= {from}")];
        let mut head = self.rows.iter().rfind(|row| row.seq() < from).map(Entry::head).unwrap_or_default();
        for row in self.rows.iter().filter(|row| row.seq() >= from).cloned() {
            let row = if row.seq() == from { change(row) } else { row }.seal(&head);
            head = row.head();
            sql.push(format!("INSERT INTO {ledger} VALUES {}", values(kind, &row)));
        }
        sql
    }
}

/// Whether a name stands in what was said: `#3` does not in `#30`.
fn is_named(said: &str, name: &str) -> bool {
    said.match_indices(name).any(|(at, _)| !said[at + name.len()..].starts_with(|ch: char| ch.is_ascii_digit()))
}

fn literal(kind: Kind, column: &str, value: Option<&str>) -> String {
    let flavor = match kind {
        Kind::Sqlite => Flavor::Sqlite,
        Kind::Postgres => Flavor::Postgres,
        Kind::Mysql => Flavor::Mysql,
    };
    match value {
        None => "NULL".to_owned(),
        Some(number) if NUMBERS.contains(&column) => number.to_owned(),
        Some(text) => flavor.literal(text),
    }
}

fn values(kind: Kind, row: &Entry) -> String {
    let values: Vec<String> = COLUMNS.iter().map(|column| literal(kind, column, row.get(column))).collect();
    format!("({})", values.join(", "))
}

/// Another value of the column's type.
fn other(column: &str, value: Option<&str>) -> String {
    match (column, value) {
        ("event", Some("apply")) => "revert".to_owned(),
        ("event", _) => "apply".to_owned(),
        ("phase", Some("done")) => "failed".to_owned(),
        ("phase", _) => "done".to_owned(),
        (column, value) if NUMBERS.contains(&column) => {
            let number: i64 = value.unwrap_or("6").parse().expect("a number");
            (number + 1_000).to_string()
        }
        (_, Some(text)) if text.ends_with('0') => format!("{}1", &text[..text.len() - 1]),
        (_, Some(text)) if text.is_ascii() && !text.is_empty() => format!("{}0", &text[..text.len() - 1]),
        (_, Some(text)) => format!("{text}0"),
        (_, None) => String::new(),
    }
}

#[test]
fn i6_whatever_is_changed_in_the_ledger_is_found_and_the_row_is_named() {
    each_engine(|sandbox| {
        let mut bench = Bench::new(sandbox);
        change_each_column_of_each_row(&mut bench);
        delete_swap_insert_double_and_cut_rows(&mut bench);
        put_rows_outside_of_the_chain(&mut bench);
        change_by_chance(&mut bench);
    });
}

fn change_each_column_of_each_row(bench: &mut Bench<'_>) {
    let sandbox = bench.sandbox;
    for row in bench.rows.clone() {
        let (seq, name) = (row.seq(), format!("#{}", row.seq()));
        for column in COLUMNS {
            let was = row.get(column);
            let mut names = vec![name.clone()];
            // A row without a number has nothing to be named by, if none is missing for it.
            names.extend(
                (*column == "seq" && seq == bench.last()).then(|| "1 of the ledger's rows have no number".to_owned()),
            );
            bench.found(&[bench.set(seq, column, Some(&other(column, was)))], With::Nothing, &names);
            if was.is_some() {
                bench.found(&[bench.set(seq, column, None)], With::Nothing, &names);
            }
        }
    }
    eprintln!("{:?}: {} changes of {} rows, all found", sandbox.kind, bench.tried, bench.rows.len());
    assert!(bench.tried > 33 * 12, "{}", bench.tried);
}

fn delete_swap_insert_double_and_cut_rows(bench: &mut Bench<'_>) {
    let sandbox = bench.sandbox;
    let (ledger, last) = (sandbox.ledger(), bench.last());
    for seq in 1..=last {
        let name = [format!("#{seq}")];
        let delete = format!("DELETE FROM {ledger} WHERE seq = {seq}");
        let with = if seq == last { With::Checkpoint } else { With::Nothing };
        bench.found(&[delete], with, &name);
        bench.found(&[format!("DELETE FROM {ledger} WHERE seq >= {seq}")], With::Checkpoint, &name);
        bench.found(&bench.forged(seq, |row| row.with("actor", "somebody")), With::Checkpoint, &name);
        if seq < last {
            let swap = format!("UPDATE {ledger} SET seq = {} - seq WHERE seq IN ({seq}, {})", 2 * seq + 1, seq + 1);
            bench.found(&[swap], With::Nothing, &name);
        }
        let double = format!("INSERT INTO {ledger} SELECT * FROM {ledger} WHERE seq = {seq}");
        bench.found(&[double], With::Nothing, &[format!("#{seq}"), format!("#{}", seq + 1)]);
        // Room for one more, and a row that nobody wrote.
        let shift = format!("UPDATE {ledger} SET seq = seq + 1 WHERE seq >= {seq}");
        let forged = bench.rows[0].clone().with("migration", "9_forged").with("seq", seq.to_string());
        bench.found(
            &[shift, format!("INSERT INTO {ledger} VALUES {}", values(sandbox.kind, &forged))],
            With::Nothing,
            &name,
        );
    }
}

fn put_rows_outside_of_the_chain(bench: &mut Bench<'_>) {
    let sandbox = bench.sandbox;
    let (ledger, last) = (sandbox.ledger(), bench.last());
    for (seq, name) in [
        ("0".to_owned(), "#0".to_owned()),
        ("-5".to_owned(), "#-5".to_owned()),
        ("-9223372036854775808".to_owned(), "#-9223372036854775808".to_owned()),
        ((last + 2).to_string(), format!("#{}", last + 1)),
        ("9223372036854775807".to_owned(), format!("#{}", last + 1)),
        ("NULL".to_owned(), "1 of the ledger's rows have no number".to_owned()),
        ((last + 1).to_string(), format!("#{}", last + 1)),
    ] {
        // Of a step, and of what is none: where steps are looked for, that is passed over.
        for event in ["adopt", "release"] {
            let row = bench.rows.iter().find(|row| row.get("event") == Some(event)).expect("such a row");
            let forged = row.clone().with("migration", "9_forged").with("seq", seq.clone());
            let insert = format!("INSERT INTO {ledger} VALUES {}", values(sandbox.kind, &forged));
            bench.found(&[insert], With::Nothing, std::slice::from_ref(&name));
        }
    }
}

#[test]
fn i6_no_command_panics_or_hangs_where_the_last_row_has_the_last_of_all_numbers() {
    each_engine(|sandbox| {
        sandbox.tables(1).run(&["up"]).ok();
        sandbox.run(&["release", "v1"]).ok();
        disarm(sandbox);
        let last = format!("UPDATE {} SET seq = {} WHERE event = 'release'", sandbox.ledger(), i64::MAX);
        sandbox.sql(&last);
        sandbox.tables(2).run(&["verify"]).ok();
        sandbox.run(&["log", "--verify"]).exits(1).says(&format!("#{}", i64::MAX));
        sandbox.run(&["status"]).ok().says("applied  1_t1");
        sandbox.run(&["plan"]).ok();
        // Whatever these say: without their keys, the tables take a second row with the same number.
        for args in [&["up"][..], &["down", "--all", "--yes"], &["release", "v2"]] {
            sandbox.run(args);
        }
        sandbox.run(&["log", "--verify"]).exits(1).says(&format!("#{}", i64::MAX));
    });
}

#[test]
fn i6_scripts_that_were_changed_are_found_and_not_run() {
    each_engine(|sandbox| {
        let mut bench = Bench::new(sandbox);
        let script = sandbox.ledger().replace("ledger", "script");
        let applied = sandbox.applied();
        for row in bench.rows.clone() {
            for column in ["up_checksum", "down_checksum", "verify_checksum"] {
                let Some(checksum) = row.get(column) else { continue };
                // The first row that names the script.
                let first =
                    bench.rows.iter().find(|row| COLUMNS.iter().any(|column| row.get(column) == Some(checksum)));
                let name = [format!("#{}", first.expect("the row itself").seq())];
                let body = sandbox.value(&format!("SELECT body FROM {script} WHERE checksum = '{checksum}'"));
                let body = literal(sandbox.kind, "body", Some(&body));
                for (change, back) in [
                    (
                        "UPDATE {s} SET body = 'DROP TABLE t1' WHERE checksum = '{c}'",
                        "UPDATE {s} SET body = {b} WHERE checksum = '{c}'",
                    ),
                    (
                        "UPDATE {s} SET body = '' WHERE checksum = '{c}'",
                        "UPDATE {s} SET body = {b} WHERE checksum = '{c}'",
                    ),
                    (
                        "UPDATE {s} SET body = NULL WHERE checksum = '{c}'",
                        "UPDATE {s} SET body = {b} WHERE checksum = '{c}'",
                    ),
                    (
                        "UPDATE {s} SET checksum = 'x' WHERE checksum = '{c}'",
                        "UPDATE {s} SET checksum = '{c}' WHERE checksum = 'x'",
                    ),
                    ("DELETE FROM {s} WHERE checksum = '{c}'", "INSERT INTO {s} VALUES ('{c}', {b})"),
                ] {
                    let filled = |sql: &str| sql.replace("{s}", &script).replace("{c}", checksum).replace("{b}", &body);
                    bench.found(&[filled(change)], With::Nothing, &name);
                    bench.hand.sql(&filled(back));
                }
            }
        }
        assert!(bench.look(With::Checkpoint).is_ok());
        // Nor are they run, whatever the checkout has.
        sandbox.remove("migrations");
        std::fs::create_dir(sandbox.root().join("migrations")).expect("a folder");
        let last = bench.rows.iter().rfind(|row| {
            row.get("migration") == applied.last().map(String::as_str) && row.get("event") != Some("revert")
        });
        let checksum = last.and_then(|row| row.get("down_checksum")).expect("a down");
        let body = sandbox.value(&format!("SELECT body FROM {script} WHERE checksum = '{checksum}'"));
        let tables = sandbox.user_tables();
        for (change, said) in [
            ("UPDATE {s} SET body = 'DROP TABLE t1' WHERE checksum = '{c}'", "was changed"),
            ("DELETE FROM {s} WHERE checksum = '{c}'", "does not have it"),
        ] {
            bench.hand.sql(&change.replace("{s}", &script).replace("{c}", checksum));
            for args in [
                &["down", "--steps", "1", "--yes", "--accept-loss"][..],
                &["down", "--steps", "1", "--dry-run"],
                &["plan", "down", "--all"],
            ] {
                sandbox.run(args).exits(1).says(said);
            }
            assert_eq!((sandbox.user_tables(), sandbox.applied()), (tables.clone(), applied.clone()));
        }
        let body = literal(sandbox.kind, "body", Some(&body));
        bench.hand.sql(&format!("INSERT INTO {script} VALUES ('{checksum}', {body})"));
        sandbox.run(&["down", "--steps", "1", "--yes", "--accept-loss"]).ok();
    });
}

#[test]
fn i6_a_checkpoint_goes_on_with_the_ledger_and_is_left_alone_where_it_does_not_hold() {
    each_engine(|sandbox| {
        sandbox.tables(2).run(&["up"]).ok();
        sandbox
            .run(&["log", "--verify", "--against", "kept"])
            .exits(2)
            .says("there is no checkpoint `kept`")
            .says("--keep");
        sandbox.run(&["log", "--keep", "kept"]).exits(2).says("--verify");
        sandbox.run(&["log", "--verify", "--keep", "kept"]).ok();
        let first = sandbox.read("kept");
        sandbox.tables(3).run(&["up"]).ok();
        let object = sandbox.json(&["log", "--verify", "--against", "kept"]);
        let rows = sandbox.ledger_rows().len();
        assert_eq!(
            (&object["verified"], &object["against"], &object["scripts"]),
            (&rows.into(), &(first.lines().count() - 1).into(), &6.into())
        );
        assert_eq!(sandbox.read("kept"), first);
        sandbox.run(&["log", "--verify", "--keep", "kept"]).ok();
        let second = sandbox.read("kept");
        assert!(second.starts_with(&first) && second.lines().count() == rows + 1, "{second}");
        disarm(sandbox);
        sandbox.sql(&format!("DELETE FROM {} WHERE seq = {rows}", sandbox.ledger()));
        sandbox
            .run(&["log", "--verify", "--keep", "kept"])
            .exits(1)
            .says(&format!("row #{rows} of the ledger is gone"))
            .says("older backup");
        assert_eq!(sandbox.read("kept"), second);
        sandbox.sql(&format!("DROP TABLE {}", sandbox.ledger()));
        sandbox.run(&["log", "--verify"]).ok().says("0 rows");
        sandbox
            .run(&["log", "--verify", "--against", "kept"])
            .exits(1)
            .says(&format!("rows #1 to #{rows} of the ledger are gone"));
        sandbox.write("kept", second.trim_end_matches(|ch: char| ch != '\n'));
        sandbox.write("cut", &second[..second.len() - 9]);
        sandbox
            .run(&["log", "--verify", "--against", "cut"])
            .exits(2)
            .says(&format!("cut:{}:1", rows + 1))
            .says("no checkpoint");
        sandbox.run(&["log", "--verify", "--keep", "no/where"]).exits(2);
    });
}

/// One change that somebody might make, chosen by chance: the SQL, whether only a checkpoint shows it, and the row.
fn mutation(bench: &Bench<'_>, chance: &mut Chance) -> (Vec<String>, With, Vec<String>) {
    let (kind, ledger) = (bench.sandbox.kind, bench.sandbox.ledger());
    let row = chance.of(&bench.rows).clone();
    let (seq, name) = (row.seq(), vec![format!("#{}", row.seq())]);
    let later = seq + i64::try_from(chance.below(bench.rows.len())).expect("small");
    match chance.below(8) {
        0 => (vec![format!("DELETE FROM {ledger} WHERE seq BETWEEN {seq} AND {later}")], With::Checkpoint, name),
        1 if later <= bench.last() && later != seq => {
            let swap = format!("UPDATE {ledger} SET seq = {} - seq WHERE seq IN ({seq}, {later})", seq + later);
            (vec![swap], With::Nothing, name)
        }
        2 => {
            let column =
                *chance.of(&["actor", "reason", "migration", "digest", "down_checksum", "started_at", "proof"]);
            let value: String = text(chance).chars().filter(char::is_ascii).collect();
            // A script that is not there would be found by itself.
            let column = if column == "down_checksum" { "host" } else { column };
            (bench.forged(seq, |row| row.with(column, value.clone())), With::Checkpoint, name)
        }
        3 => {
            let other = chance.of(&bench.rows);
            let columns: Vec<String> = COLUMNS
                .iter()
                .filter(|column| !matches!(**column, "seq" | "hash" | "prev_hash"))
                .map(|column| format!("{column} = {}", literal(kind, column, other.get(column))))
                .collect();
            if other.seq() == seq {
                return mutation(bench, chance);
            }
            (vec![format!("UPDATE {ledger} SET {} WHERE seq = {seq}", columns.join(", "))], With::Nothing, name)
        }
        _ => {
            let column = *chance.of(COLUMNS);
            let value = if NUMBERS.contains(&column) {
                (chance.next() as i64 >> chance.below(63)).to_string()
            } else {
                text(chance)
            };
            let short: String = value.chars().take(24).filter(|ch| ch.is_ascii()).collect();
            let value = if matches!(column, "event" | "phase" | "started_at" | "finished_at")
                || column.contains("hash")
                || column.contains("checksum")
                || column.contains("digest")
                || column.contains("schema_")
            {
                short
            } else {
                value
            };
            if row.get(column) == Some(value.as_str()) {
                return mutation(bench, chance);
            }
            let names = if column == "seq" {
                vec![format!("#{seq}"), format!("#{value}"), format!("#{}", bench.last() + 1)]
            } else {
                name
            };
            (vec![bench.set(seq, column, Some(&value))], With::Nothing, names)
        }
    }
}

fn text(chance: &mut Chance) -> String {
    const PIECES: [&str; 14] =
        ["a", "0", " ", "'", "\\", "\"", "ä", "\u{1b}[31m", "\u{202e}", "\n", "%", "apply", "done", "1_t1"];
    (0..=chance.below(6)).map(|_| *chance.of(&PIECES)).collect()
}

fn change_by_chance(bench: &mut Bench<'_>) {
    let rounds = if is_long() { 1_500 } else { 60 };
    let sandbox = bench.sandbox;
    let before = bench.tried;
    let mut chance = Chance(u64::from(std::process::id()) << 2 | sandbox.kind as u64);
    eprintln!("{:?}: seed {}", sandbox.kind, chance.0);
    for _ in 0..rounds {
        let (sql, with, names) = mutation(bench, &mut chance);
        bench.found(&sql, with, &names);
    }
    eprintln!("{:?}: {} of {rounds} random changes found", sandbox.kind, bench.tried - before);
}
