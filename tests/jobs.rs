//! `verify --jobs`: several pairs of shadows prove at once, and say what one would have said.

mod common;

use common::{Sandbox, each, each_engine};
use serde_json::Value;

/// Twenty-four tables, each altered by the migration behind it; two of them go back wrongly.
fn chain(sandbox: &Sandbox) {
    for n in 0..24 {
        let table = n / 2;
        let (up, down) = if n % 2 == 0 {
            (format!("CREATE TABLE t{table} (id integer, name varchar(20));\n"), format!("DROP TABLE t{table};\n"))
        } else {
            (
                format!("ALTER TABLE t{table} ADD COLUMN note varchar(20) DEFAULT 'x';\n"),
                format!("ALTER TABLE t{table} DROP COLUMN {};\n", if n % 8 == 5 { "name" } else { "note" }),
            )
        };
        sandbox.migration(&format!("{n:03}_step"), &up, &down);
    }
}

/// A report without what differs from run to run.
fn told(sandbox: &Sandbox, args: &[&str]) -> (Value, String) {
    let mut object = sandbox.json(&[&["verify", "--fresh"], args].concat());
    object["millis"] = Value::Null;
    for one in object["migrations"].as_array_mut().unwrap() {
        one["millis"] = Value::Null;
    }
    (object, sandbox.read("migrations/registry.toml"))
}

#[test]
fn many_pairs_of_shadows_say_what_one_says() {
    each_engine(|sandbox| {
        chain(sandbox);
        let (one, registry) = told(sandbox, &[]);
        let verdicts = each(&one["migrations"], "/verdict");
        assert_eq!((verdicts.len(), verdicts.iter().filter(|verdict| *verdict == "broken").count()), (24, 3), "{one}");
        assert_eq!(told(sandbox, &["--jobs", "4"]), (one, registry));
        // What has a proof is not proven ahead, and a part may begin anywhere.
        sandbox.write("migrations/011_step/up.sql", "ALTER TABLE t5 ADD COLUMN note varchar(20);\n");
        let object = sandbox.json(&["verify", "-j", "3"]);
        assert_eq!(each(&object["migrations"], "/verdict"), verdicts, "{object}");
        sandbox.run(&["shadow", "sweep"]).ok().says("no shadow");
    });
}

/// What lies behind an up that fails was proven in another state, or not at all: the walk says what holds.
#[test]
fn a_part_behind_an_up_that_fails_does_not_count() {
    each_engine(|sandbox| {
        chain(sandbox);
        sandbox.migration(
            "009_step",
            "ALTER TABLE t0 ADD COLUMN name integer;\n",
            "ALTER TABLE t0 DROP COLUMN name;\n",
        );
        for args in [&[][..], &["--keep-going"]] {
            let one = told(sandbox, args);
            let many = told(sandbox, &[args, &["-j", "3"]].concat());
            assert_eq!(one, many);
            assert_eq!(each(&one.0["migrations"], "/verdict")[9], "failed");
        }
        sandbox.run(&["shadow", "sweep"]).ok().says("no shadow");
    });
}

#[test]
fn a_wrong_number_of_jobs_is_told() {
    let sandbox = Sandbox::new(common::Kind::Sqlite);
    for wrong in ["0", "33", "x"] {
        sandbox.run(&["verify", "-j", wrong]).exits(2).says("a number from 1 to 32");
    }
}
