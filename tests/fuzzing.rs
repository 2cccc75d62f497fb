//! The targets of `fuzz/` over their corpus, and over what chance makes of it with the words of their dictionaries: a short run
//! of what `fuzz/run` does for as long as it is told.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use chance::{Chance, is_long};

#[path = "common/chance.rs"]
mod chance;
#[path = "../fuzz/targets.rs"]
mod targets;

use targets::{ALL, Fuzzed};

/// How many inputs chance makes for each target.
const SHORT: usize = 250;
const LONG: usize = 20_000;

/// The longest input that is made, in bytes.
const MOST: usize = 4 << 10;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(path)
}

/// The files of a target's corpus, sorted by name.
fn corpus(fuzzed: &Fuzzed) -> Vec<(String, Vec<u8>)> {
    let dir = folder("corpus").join(fuzzed.name);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (path.display().to_string(), fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", dir.display());
    files
}

/// The words of a dictionary, as libFuzzer reads it: a line each, `"…"`, with `\\`, `\\"` and `\\x41`.
fn dictionary(name: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(folder("dictionaries").join(format!("{name}.dict"))).expect("a dictionary");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| word(line).unwrap_or_else(|| panic!("{name}.dict: {line}"))).collect()
}

fn word(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut word = Vec::new();
    while let Some(byte) = rest.next() {
        word.push(match byte {
            b'\\' => match rest.next()? {
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                plain @ (b'\\' | b'"') => plain,
                _ => return None,
            },
            b'"' => return None,
            plain => plain,
        });
    }
    Some(word)
}

fn changed(chance: &mut Chance, files: &[(String, Vec<u8>)], words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = chance.of(files).1.clone();
    for _ in 0..=chance.below(8) {
        let (at, end) = (chance.below(bytes.len() + 1), chance.below(bytes.len() + 1));
        let (from, to) = (at.min(end), at.max(end));
        match chance.below(7) {
            0 => drop(bytes.drain(from..to.min(from + 20))),
            1 => bytes.extend_from_within(from..to),
            2 if at < bytes.len() => bytes[at] = u8::try_from(chance.below(256)).expect("a byte"),
            3 => {
                let other = &chance.of(files).1;
                let cut = chance.below(other.len() + 1);
                bytes.splice(at.., other[cut..].iter().copied()).for_each(drop);
            }
            _ => bytes.splice(at..at, chance.of(words).iter().copied()).for_each(drop),
        }
        bytes.truncate(MOST);
    }
    bytes
}

/// Runs a target, and says which input was too much for it.
fn holds(fuzzed: &Fuzzed, bytes: &[u8], what: &str) {
    if catch_unwind(AssertUnwindSafe(|| (fuzzed.run)(bytes))).is_err() {
        let shown: String = bytes.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
        panic!("{} does not hold for {what}:\n{shown}", fuzzed.name);
    }
}

/// Deep nesting must not need more stack than a thread of the tool has.
fn with_room(act: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(8 << 20).spawn_scoped(scope, act).expect("a thread");
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn fuzz(name: &str) {
    let fuzzed = ALL.iter().find(|fuzzed| fuzzed.name == name).expect("a target");
    let (files, words) = (corpus(fuzzed), dictionary(fuzzed.dictionary));
    assert!(words.len() > 10, "{} words are few", words.len());
    with_room(|| {
        files.iter().for_each(|(path, bytes)| holds(fuzzed, bytes, path));
        let count = if is_long() { LONG } else { SHORT };
        let mut chance = Chance(if is_long() { u64::from(std::process::id()) } else { 7 });
        let seed = chance.0;
        for number in 0..count {
            holds(fuzzed, &changed(&mut chance, &files, &words), &format!("input {number} of seed {seed}"));
        }
        eprintln!("{name}: {} files and {count} inputs of seed {seed} hold", files.len());
    });
}

#[test]
fn scripts_of_postgres_are_taken_apart_whole() {
    fuzz("scripts_postgres");
}

#[test]
fn scripts_of_mysql_are_taken_apart_whole() {
    fuzz("scripts_mysql");
}

#[test]
fn scripts_of_sqlite_are_taken_apart_whole() {
    fuzz("scripts_sqlite");
}

#[test]
fn registries_are_read_and_written_the_same() {
    fuzz("registry");
}

#[test]
fn plans_are_read_and_written_the_same() {
    fuzz("plan");
}

#[test]
fn configuration_is_read_or_refused() {
    fuzz("configuration");
}

#[test]
fn layouts_are_read_from_any_files() {
    fuzz("layouts");
}

#[test]
fn rows_of_the_ledger_are_read_as_they_were_written() {
    fuzz("ledger");
}

#[test]
fn histories_name_only_migrations_that_there_are() {
    fuzz("histories");
}

#[test]
fn rows_for_any_table_are_whole_statements() {
    fuzz("tables");
}

#[test]
fn i10_urls_never_show_a_password() {
    fuzz("urls");
}

#[test]
fn reports_of_hostile_text_are_harmless_and_well_formed() {
    fuzz("reports");
}

#[test]
fn every_target_has_a_fuzzer_a_test_and_a_place_in_its_manifest() {
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("a manifest");
    let own = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzing.rs")).expect("this file");
    for fuzzed in ALL {
        let name = fuzzed.name;
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")), "{name}");
        let source = fs::read_to_string(folder(&format!("fuzz_targets/{name}.rs"))).expect("a fuzzer");
        assert!(source.contains(&format!("run(\"{name}\", bytes)")), "{name}");
        assert!(own.contains(&format!("fuzz(\"{name}\")")), "{name} is not run here");
    }
    let names: BTreeSet<&str> = ALL.iter().map(|fuzzed| fuzzed.name).collect();
    assert_eq!((names.len(), manifest.matches("[[bin]]").count()), (ALL.len(), ALL.len()));
}
