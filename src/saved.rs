//! Saved plans: a plan as a file that people read and that is run exactly as it stands, or not at all.
//!
//! The file is JSON. Its digest is SHA-256 over the canonical form of all else in it: keys sorted, no white space.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Fault, Result};
use crate::finding::{Finding, Place};
use crate::id::Id;
use crate::ledger::State;
use crate::migration::Migration;
use crate::picture::Picture;
use crate::plan::{Direction, Source};
use crate::sha::Sha;
use crate::snapshot::Change;

/// The form of the file that is written.
pub const FORM: u32 = 1;
/// The verdict of a step that nothing lets through yet.
pub const UNPROVEN: &str = "unproven";
/// The largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// A plan, with everything that it may be run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// The form of this file.
    pub switchback_plan: u32,
    /// What was asked for, as on the command line.
    pub asked: String,
    pub made: DateTime<Utc>,
    /// It is not run later than this.
    pub expires: DateTime<Utc>,
    pub by: String,
    pub host: String,
    pub tool: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub database: Target,
    /// What it was made on.
    pub base: Base,
    pub steps: Vec<Step>,
    /// What stays although the target alone would take it back, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<(Id, String)>,
    /// Whether what stays was seen to stand without what is taken back; `None`: nothing stays that came later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe: Option<bool>,
    /// What there was to say of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Finding>,
    /// Sessions that stood in its way then, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_the_way: Vec<String>,
    /// What could not be seen of them, a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// What the rehearsal made of the schema; `None` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
    /// What stands on what, with what the plan does to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Picture>,
    /// SHA-256 over all of the above.
    pub digest: Sha,
}

/// The database that a plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What the settings file calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub engine: String,
    pub version: String,
    /// Where it is, without a password.
    pub shown: String,
    /// SHA-256 of what tells it from every other on every server.
    pub identity: Sha,
}

/// The state of the database that a plan was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// The ledger's last row then.
    pub seq: i64,
    /// SHA-256 over what is applied, in the order of application.
    pub state: Sha,
    /// How many migrations that is.
    pub applied: usize,
    /// Digest of the live schema.
    pub schema: Sha,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub direction: Direction,
    pub id: Id,
    pub why: String,
    pub digest: Sha,
    /// Text checksums of its scripts.
    pub up: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<String>,
    pub source: Source,
    /// For a revert: the ledger's row that it takes back; for an up from the ledger: the row that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<i64>,
    pub verdict: String,
    /// What it drops on the live database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<Drop>,
    /// How long it took in the rehearsal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed_ms: Option<u64>,
    /// The lock that keeps others out the longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Where it is no transaction with its row in the ledger: each statement takes effect by itself, and a journal tells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub journalled: bool,
    /// Whether its `verify.sql` is run behind it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// What it costs, as the rehearsal and the live database showed: a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<String>,
    /// The script that it runs, and its file, as places in `costs` name it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    pub sql: String,
}

/// What a step drops: `table public.users`, and its rows where they could be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    pub object: String,
    pub rows: Option<u64>,
    #[serde(default)]
    pub how: Lost,
}

/// A lock that keeps others out, and for how long it did in the rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub lock: String,
    pub millis: u64,
}

/// How rows or values are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lost {
    /// With the table or column, all of them.
    #[default]
    Dropped,
    /// By a statement that changes or deletes some: what there is tells how many at most.
    Written,
}

/// What is lost of an object: rows of a table, values of a column.
pub fn dropped(object: &str, rows: Option<u64>, how: Lost) -> String {
    let what = if object.starts_with("column") { "value" } else { "row" };
    let count = |rows: u64| if rows == 1 { format!("1 {what}") } else { format!("{rows} {what}s") };
    match (how, rows) {
        (Lost::Dropped, Some(rows)) => format!("drops {object} with {}", count(rows)),
        (Lost::Dropped, None) => format!("drops {object}, whose {what}s cannot be counted"),
        (Lost::Written, Some(rows)) => format!("changes or deletes up to {} of {object}", count(rows)),
        (Lost::Written, None) => format!("changes or deletes {what}s of {object}, which cannot be counted"),
    }
}

impl Base {
    pub fn of(state: &State, schema: Sha) -> Base {
        Base { seq: state.head.seq, state: state_sha(state), applied: state.applied.len(), schema }
    }
}

/// SHA-256 over what is applied, in the order of application.
pub fn state_sha(state: &State) -> Sha {
    let part = |applied: &crate::ledger::Applied| format!("{} {} {}", applied.seq, applied.id, applied.digest.as_str());
    let open = state.open.as_ref().map(|open| format!("open {}", open.seq));
    Sha::of_parts(state.applied.iter().map(part).chain(open))
}

impl Step {
    /// Whether a migration is, letter by letter, the one that the plan names.
    pub fn is_of(&self, migration: &Migration) -> bool {
        let text = |script: &crate::sql::Script| script.checksum().text.clone();
        self.digest == migration.digest()
            && self.up == text(&migration.up)
            && self.down == migration.down.script().map(text)
    }
}

impl Saved {
    /// The same with its digest.
    pub fn sealed(mut self) -> Saved {
        self.digest = self.computed();
        self
    }

    /// SHA-256 over the canonical form of everything but the digest itself.
    fn computed(&self) -> Sha {
        let mut value = serde_json::to_value(self).unwrap_or(Value::Null);
        if let Some(fields) = value.as_object_mut() {
            fields.remove("digest");
        }
        Sha::of_parts(["switchback-plan-v1".to_owned(), canonical(&value)])
    }

    /// As it is written: indented, for people.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Where it is no plan, of a form that is not known, or edited since it was written.
    pub fn read(path: &str, text: &str) -> Result<Saved> {
        let number = |at: usize| u32::try_from(at.max(1)).unwrap_or(u32::MAX);
        let place = |error: &serde_json::Error| Place::new(path, number(error.line()), number(error.column()));
        let value: Value = serde_json::from_str(text).map_err(|error| {
            Fault::usage("this is no plan: it is not JSON").cause(error.to_string()).at(place(&error))
        })?;
        match value.get("switchback_plan").and_then(Value::as_u64) {
            Some(form) if form == u64::from(FORM) => {}
            Some(form) => {
                let fault = Fault::usage(format!("this plan has the form {form}, and only {FORM} is known here"));
                return Err(fault.at(Place::new(path, 1, 1)).help("make the plan anew with this switchback"));
            }
            None => {
                let fault = Fault::usage("this is no plan of switchback").at(Place::new(path, 1, 1));
                return Err(fault.help("`switchback plan … -o FILE` writes one"));
            }
        }
        let saved: Saved = serde_json::from_str(text)
            .map_err(|error| Fault::usage("this plan cannot be read").cause(error.to_string()).at(place(&error)))?;
        if saved.computed() != saved.digest {
            let fault = Fault::refused("this plan was edited after it was made, so nothing was run");
            return Err(fault
                .at(Place::new(path, 1, 1))
                .cause(format!(
                    "its digest is {}, and the file says {}",
                    saved.computed().short(),
                    saved.digest.short()
                ))
                .help("make it anew: `switchback plan … -o FILE`"));
        }
        Ok(saved)
    }

    /// # Errors
    /// When it is too late to run it.
    pub fn require_fresh(&self, now: DateTime<Utc>) -> Result<()> {
        if now <= self.expires {
            return Ok(());
        }
        let fault = Fault::refused(format!("this plan expired at {}", self.expires.format("%Y-%m-%d %H:%M:%S UTC")));
        Err(fault.help("make it anew: the database may be another by now"))
    }

    /// # Errors
    /// When it was made for another database.
    pub fn require_database(&self, identity: &Sha, shown: &str) -> Result<()> {
        if self.database.identity == *identity {
            return Ok(());
        }
        let fault = Fault::refused("this plan is for another database, so nothing was run");
        Err(fault.cause(format!("it was made for {}, and this is {shown}", self.database.shown)).help(
            "`--database` names the one that is meant; a copy that was restored elsewhere needs a plan of its own",
        ))
    }

    /// # Errors
    /// When something else is applied than when it was made.
    pub fn require_state(&self, state: &State) -> Result<()> {
        if self.base.state == state_sha(state) {
            return Ok(());
        }
        let fault = Fault::refused("the database is in another state than when this plan was made, so nothing was run");
        Err(fault
            .cause(format!(
                "then {} applied, behind row #{}; now {} applied, behind row #{}",
                are(self.base.applied),
                self.base.seq,
                are(state.applied.len()),
                state.head.seq
            ))
            .help("`switchback log` shows what was done since; make the plan anew"))
    }

    /// # Errors
    /// When the live schema is not the one that it was made on.
    pub fn require_schema(&self, schema: &Sha) -> Result<()> {
        if self.base.schema == *schema {
            return Ok(());
        }
        let fault = Fault::refused("the schema is not the one that this plan was made on, so nothing was run");
        Err(fault
            .cause("something beside switchback changed it")
            .help("`switchback drift` shows what differs; then make the plan anew"))
    }
}

fn are(count: usize) -> String {
    if count == 1 { "1 migration was".to_owned() } else { format!("{count} migrations were") }
}

/// JSON with sorted keys and no white space; what `serde_json` makes of a value, whose keys are sorted.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            let field = |name: &String| format!("{}:{}", Value::from(name.as_str()), canonical(&fields[name]));
            format!("{{{}}}", names.into_iter().map(field).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// How long a plan is good for: `30m`, `24h`, `7d`.
///
/// # Errors
/// What is wrong with the text.
pub fn validity(text: &str) -> std::result::Result<chrono::TimeDelta, String> {
    let wrong = || "write it as 30m, 24h or 7d".to_owned();
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return Err(wrong()),
    };
    let delta = chrono::TimeDelta::minutes(i64::from(number) * minutes);
    if number == 0 || delta > chrono::TimeDelta::days(366) { Err("from 1m to 366d".to_owned()) } else { Ok(delta) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Saved {
        let text = |name: &str| name.to_owned();
        Saved {
            switchback_plan: FORM,
            asked: text("down --steps 1"),
            made: DateTime::UNIX_EPOCH,
            expires: DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1),
            by: text("ada"),
            host: text("here"),
            tool: text("switchback 0"),
            git_commit: None,
            reason: None,
            database: Target {
                name: None,
                engine: text("sqlite"),
                version: text("3"),
                shown: text("sqlite:a.db"),
                identity: Sha::of(b"a"),
            },
            base: Base { seq: 1, state: Sha::of(b"s"), applied: 1, schema: Sha::of(b"x") },
            steps: vec![Step {
                direction: Direction::Down,
                id: Id::new("1"),
                why: text("asked"),
                digest: Sha::of(b"1"),
                up: text("u"),
                down: None,
                source: Source::Checkout,
                row: Some(1),
                verdict: text("exact"),
                drops: vec![Drop { object: text("table t"), rows: Some(3), how: Lost::Dropped }],
                rehearsed_ms: None,
                hold: None,
                journalled: false,
                verified: false,
                costs: Vec::new(),
                path: String::new(),
                sql: text("DROP TABLE t;\n"),
            }],
            stays: Vec::new(),
            safe: None,
            notes: Vec::new(),
            in_the_way: Vec::new(),
            unseen: None,
            changes: None,
            graph: None,
            digest: Sha::of(b""),
        }
        .sealed()
    }

    #[test]
    fn what_is_written_is_read_again_and_any_edit_is_seen() {
        let saved = plan();
        let text = saved.to_text();
        assert_eq!(Saved::read("p", &text).unwrap(), saved);
        // White space and the order of keys are no edit.
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(Saved::read("p", &value.to_string()).unwrap(), saved);
        for (from, to) in
            [("\"rows\": 3", "\"rows\": 2"), ("DROP TABLE t", "DROP TABLE u"), ("1970-01-02", "1999-01-02")]
        {
            let fault = Saved::read("p", &text.replace(from, to)).unwrap_err();
            assert!(fault.parts().what.contains("edited"), "{from}: {fault:?}");
        }
    }

    #[test]
    fn what_is_no_plan_is_said_with_its_place() {
        for text in ["", "{", "[]", "{}", "{\"switchback_plan\": 2}", "{\"switchback_plan\": 1}", "\u{1b}[31m"] {
            let fault = Saved::read("p.json", text).unwrap_err();
            assert_eq!(fault.parts().place.as_ref().map(|place| place.path.as_str()), Some("p.json"), "{text}");
        }
    }

    #[test]
    fn a_plan_is_good_for_a_while() {
        assert_eq!(validity("90m"), Ok(chrono::TimeDelta::minutes(90)));
        assert_eq!(validity("2d"), Ok(chrono::TimeDelta::days(2)));
        for text in ["", "0h", "h", "3", "3w", "400d", "-1h", "3é"] {
            assert!(validity(text).is_err(), "{text}");
        }
        assert!(plan().require_fresh(DateTime::UNIX_EPOCH).is_ok());
        assert!(plan().require_fresh(Utc::now()).is_err());
    }
}
