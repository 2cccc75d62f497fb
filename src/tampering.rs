//! Whether somebody has changed the ledger behind our back (I6): its rows, its scripts, and what a checkpoint kept of it.

use std::collections::BTreeSet;

use crate::checkpoint::Checkpoint;
use crate::database::Database;
use crate::fault::{Fault, Result};
use crate::ledger::{Broken, Chain, Entry, Head};
use crate::sql::Script;

/// Rows that are read at a time.
const PAGE: i64 = 1_000;

/// The columns that name a script.
const SCRIPTS: [&str; 3] = ["up_checksum", "down_checksum", "verify_checksum"];

/// A ledger that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upright {
    pub rows: u64,
    pub head: Head,
    /// How many scripts its rows name.
    pub scripts: usize,
}

/// Looks at every row and every script that a row names, against what was `kept` if anything was. The hashes of the rows are
/// noted in `keep`. Memory grows with the scripts' names, not with the rows.
///
/// # Errors
/// Refused, with the first row that does not hold.
pub async fn look(
    database: &mut Database,
    kept: Option<&Checkpoint>,
    mut keep: Option<&mut Checkpoint>,
) -> Result<Upright> {
    let mut chain = Chain::against(kept);
    let mut scripts = BTreeSet::new();
    if database.state().await?.exists {
        loop {
            let page = page(database, chain.head.seq).await?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                chain.next(row).map_err(|broken| told(&broken))?;
                look_at_scripts(database, row, &mut scripts).await?;
                if let Some(keep) = keep.as_deref_mut() {
                    keep.note(chain.head.hash.clone());
                }
            }
        }
        if let Some((seq, count)) = database.stray().await? {
            return Err(astray(&seq, &count));
        }
    }
    chain.end().map_err(|broken| told(&broken))?;
    Ok(Upright { rows: chain.rows, head: chain.head, scripts: scripts.len() })
}

/// The next rows. Where one of them cannot be read, those before it, or that it is this one.
async fn page(database: &mut Database, after: i64) -> Result<Vec<Entry>> {
    match database.entries(after, PAGE).await {
        Ok(rows) => Ok(rows),
        Err(fault) => {
            let Ok(rows) = database.entries(after, 1).await else {
                let what = format!("row #{} of the ledger, or the next there is, cannot be read", after + 1);
                return Err(fault.parts().causes.iter().fold(Fault::new(fault.kind(), what), Fault::cause));
            };
            if rows.is_empty() { Err(fault) } else { Ok(rows) }
        }
    }
}

async fn look_at_scripts(database: &mut Database, row: &Entry, seen: &mut BTreeSet<String>) -> Result<()> {
    let flavor = database.engine().dialect().flavor;
    for column in SCRIPTS {
        let Some(checksum) = row.get(column).filter(|checksum| !seen.contains(*checksum)) else { continue };
        let bad = |what: &str| {
            let part = column.trim_end_matches("_checksum");
            let script = format!("row #{} of the ledger names a script ({part}) that {what}", row.seq());
            Err(Fault::refused(script).cause(format!("its SHA-256 is {checksum}")).help(HELP))
        };
        match database.script(checksum).await? {
            None => return bad("the ledger does not have"),
            Some(text) if Script::parse("ledger", 1, text.as_bytes(), flavor).checksum().text != checksum => {
                return bad("was edited: its text does not give its checksum");
            }
            Some(_) => drop(seen.insert(checksum.to_owned())),
        }
    }
    Ok(())
}

const HELP: &str = "what stands before this row can still be trusted; compare with a backup";

fn told(broken: &Broken) -> Fault {
    let row = |seq: &i64, what: &str| Fault::refused(format!("row #{seq} of the ledger {what}"));
    let fault = match broken {
        Broken::Edited { seq, expected, found } => row(seq, "was edited: its values do not give its hash")
            .cause(format!("values give {expected}"))
            .cause(format!("row says {found}")),
        Broken::Gap { seq, expected } => {
            row(seq, "stands where another row should").cause(format!("row #{expected} is missing"))
        }
        Broken::Unlinked { seq, expected, found } => row(seq, "does not stand on the row before it")
            .cause(format!("the row before has {expected}"))
            .cause(format!("row says {found}")),
        Broken::Replaced { seq, expected, found } => row(seq, "is another than the checkpoint kept")
            .cause(format!("the checkpoint has {expected}"))
            .cause(format!("row says {found}, and the chain was computed to fit it")),
        Broken::Cut { seq, last } if seq == last => row(seq, "is gone: the checkpoint kept it").cause(CUT),
        Broken::Cut { seq, last } => {
            Fault::refused(format!("rows #{seq} to #{last} of the ledger are gone: the checkpoint kept them"))
                .cause(CUT)
        }
    };
    fault.help(HELP)
}

const CUT: &str = "the tail was cut off, or this is an older backup, or another database";

fn astray(seq: &str, count: &str) -> Fault {
    let fault = match (seq, count) {
        ("", count) => Fault::refused(format!("{count} of the ledger's rows have no number")),
        (seq, "1") => Fault::refused(format!("row #{seq} of the ledger stands outside of the chain")),
        (seq, count) => Fault::refused(format!("row #{seq} of the ledger is there {count} times")),
    };
    fault.cause("the chain holds without it; somebody has put it there past the table's keys").help(HELP)
}
