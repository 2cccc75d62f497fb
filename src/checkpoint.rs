//! A checkpoint: the hash of each row that a ledger had at some time, kept outside of the database.
//!
//! A chain shows what was changed within it. A tail that was cut off, and a chain that was computed anew, show only against
//! what somebody has kept elsewhere; with the hash of each row, the first one that is another can be named. The file is text:
//! a line that says what it is, then a line per row with its number and its hash.

use std::fmt::Write as _;

use crate::fault::{Fault, Result};
use crate::finding::Place;
use crate::sha::Sha;

/// The largest file that is read, in bytes: more than three million rows.
pub const MAX_BYTES: u64 = 256 << 20;

const HEAD: &str = "switchback checkpoint 1";

/// The hashes of a ledger's rows, from the first on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    hashes: Vec<Sha>,
}

impl Checkpoint {
    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.hashes.len()
    }

    /// The hash of the row with this number.
    pub fn get(&self, seq: i64) -> Option<&Sha> {
        self.hashes.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    /// Takes the hash of the next row.
    pub fn note(&mut self, hash: Sha) {
        self.hashes.push(hash);
    }

    /// Reads the file `path`.
    ///
    /// # Errors
    /// A usage error with the line, where it is no checkpoint, or not a whole one.
    pub fn read(path: &str, text: &str) -> Result<Checkpoint> {
        let bad = |line: usize, what: &str| {
            let place = Place { path: path.to_owned(), line: u32::try_from(line).unwrap_or(u32::MAX), column: 1 };
            Fault::usage(format!("`{path}` is no checkpoint: {what}"))
                .at(place)
                .help("`switchback log --verify --keep FILE` writes one")
        };
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(bad(1, &format!("it does not begin with `{HEAD}`")));
        }
        let mut hashes = Vec::new();
        for line in lines {
            let seq = hashes.len() + 1;
            let is_hash =
                |text: &&str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let row = line.split_once(' ').filter(|(number, _)| *number == seq.to_string());
            let Some(hash) = row.map(|(_, hash)| hash).filter(is_hash) else {
                return Err(bad(seq + 1, &format!("row {seq} and its hash should stand here")));
            };
            hashes.push(Sha::recorded(hash));
        }
        Ok(Checkpoint { hashes })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for (at, hash) in self.hashes.iter().enumerate() {
            let _ = writeln!(text, "{} {hash}", at + 1);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut kept = Checkpoint::default();
        assert_eq!(Checkpoint::read("f", &kept.text()).unwrap(), kept);
        ["a", "b"].into_iter().for_each(|text| kept.note(Sha::of(text.as_bytes())));
        assert_eq!(Checkpoint::read("f", &kept.text()).unwrap(), kept);
        assert_eq!((kept.get(0), kept.get(2), kept.get(3)), (None, Some(&Sha::of(b"b")), None));
    }

    #[test]
    fn what_is_no_whole_checkpoint_is_told_with_its_line() {
        let hash = "a".repeat(64);
        for (text, line) in [
            (String::new(), 1),
            ("switchback checkpoint 2\n".to_owned(), 1),
            (format!("{HEAD}\n2 {hash}\n"), 2),
            (format!("{HEAD}\n1 {hash}\n2 {}", &hash[1..]), 3),
            (format!("{HEAD}\n1 {}\n", hash.to_uppercase()), 2),
            (format!("{HEAD}\n1 {hash}\n\n"), 3),
        ] {
            let fault = Checkpoint::read("f", &text).unwrap_err();
            assert_eq!(fault.parts().place.as_ref().map(|place| place.line), Some(line), "{text}");
        }
    }
}
