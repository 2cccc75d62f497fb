//! The registry as git and people treat it: merged, doubled, shuffled, edited by hand.

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use switchback::id::Id;
use switchback::migration::{Down, Migration, Settings};
use switchback::registry::{Entry, FILE, Registry};
use switchback::sha::Sha;
use switchback::sql::{Checksum, Flavor, Script};

fn migration(id: &str, up: &str) -> Migration {
    let script = |name: &str, text: &str| Script::parse(format!("{id}/{name}"), 1, text.as_bytes(), Flavor::Postgres);
    Migration {
        id: Id::new(id),
        up: script("up.sql", up),
        down: Down::Script(script("down.sql", &format!("DROP TABLE t{id};"))),
        verify: None,
        seed: None,
        settings: Settings::default(),
        path: id.to_owned(),
    }
}

fn entry(id: &str) -> Entry {
    Entry::seal(&migration(id, &format!("CREATE TABLE t{id} (n int);")), "postgres", None)
}

/// A proof and a waiver of a migration, as lines of the file.
fn evidence(id: &str) -> (String, String) {
    let entry = entry(id);
    let (digest, from, to) = (entry.digest, Sha::of(b"from"), Sha::of(id.as_bytes()));
    let proof = format!(
        "  {{ id = \"{id}\", digest = \"{digest}\", from = \"{from}\", to = \"{to}\", engine = \"postgres\", \
         server = \"15\", version = \"15.20\", verdict = \"lossy\", loses = [\"public.t{id}.n\"] }},\n"
    );
    (proof, waiver(id, "old", "2026-11-21T10:00:00Z"))
}

fn waiver(id: &str, reason: &str, at: &str) -> String {
    format!(
        "  {{ id = \"{id}\", digest = \"{}\", engine = \"postgres\", verdict = \"broken\", reason = \"{reason}\", \
         by = \"ada\", at = \"{at}\" }},\n",
        entry(id).digest
    )
}

/// A registry with entry, proof and waiver of each id.
fn registry(ids: &[&str]) -> Registry {
    let (proofs, waivers): (Vec<String>, Vec<String>) = ids.iter().map(|id| evidence(id)).unzip();
    let text = format!(
        "format = 1\nmigrations = [\n]\nproofs = [\n{}]\nwaivers = [\n{}]\n",
        proofs.concat(),
        waivers.concat()
    );
    let mut registry = Registry::parse(FILE, &text).unwrap();
    ids.iter().for_each(|id| registry.set_migration(entry(id)));
    registry
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let config = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").current_dir(folder).args(config).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    said
}

/// Commits `base` on main and `ours` and `theirs` on branches, merges, and gives the merged text.
fn merged(base: Option<&Registry>, ours: &Registry, theirs: &Registry) -> String {
    let folder = tempfile::tempdir().unwrap();
    let commit = |registry: Option<&Registry>| {
        if let Some(registry) = registry {
            std::fs::write(folder.path().join(FILE), registry.to_text()).unwrap();
        }
        git(folder.path(), &["add", "-A"]);
        git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "step"]);
    };
    git(folder.path(), &["init", "-q", "-b", "main"]);
    std::fs::write(folder.path().join(".gitattributes"), "registry.toml merge=union\n").unwrap();
    commit(base);
    git(folder.path(), &["checkout", "-q", "-b", "theirs"]);
    commit(Some(theirs));
    git(folder.path(), &["checkout", "-q", "main"]);
    commit(Some(ours));
    git(folder.path(), &["merge", "-q", "--no-edit", "theirs"]);
    std::fs::read_to_string(folder.path().join(FILE)).unwrap()
}

#[test]
fn branches_that_each_add_a_migration_merge_without_a_conflict() {
    let bases: &[Option<&[&str]>] = &[None, Some(&[]), Some(&["1"]), Some(&["1", "9"])];
    for base in bases {
        let ids = base.unwrap_or_default();
        let base = base.map(registry);
        let with = |more: &[&str]| registry(&[ids, more].concat());
        let text = merged(base.as_ref(), &with(&["2"]), &with(&["3", "4"]));
        let read = Registry::parse(FILE, &text).unwrap_or_else(|fault| panic!("{fault:?}\n{text}"));
        assert_eq!(read.to_text(), with(&["2", "3", "4"]).to_text());
    }
}

#[test]
fn branches_that_change_one_migration_are_a_conflict_that_sealing_mends() {
    let (mut ours, mut theirs) = (registry(&["1", "2"]), registry(&["1", "2"]));
    ours.set_migration(Entry::seal(&migration("2", "CREATE TABLE t2 (ours int);"), "postgres", None));
    let right = Entry::seal(&migration("2", "CREATE TABLE t2 (theirs int);"), "postgres", None);
    theirs.set_migration(right.clone());
    let mut read = Registry::parse(FILE, &merged(Some(&registry(&["1", "2"])), &ours, &theirs)).unwrap();
    assert_eq!(read.conflicts("postgres"), [&Id::new("2")]);
    assert_eq!(Registry::parse(FILE, &read.to_text()).unwrap(), read);
    read.set_migration(right);
    assert!(read.conflicts("postgres").is_empty());
    assert_eq!(read.to_text(), theirs.to_text());
}

#[test]
fn one_branch_may_change_a_line_beside_another_s_new_one() {
    let right = Entry::seal(&migration("2", "CREATE TABLE t2 (n bigint);"), "postgres", None);
    let mut ours = registry(&["1", "2"]);
    ours.set_migration(right.clone());
    ours.prune();
    let theirs = registry(&["1", "2", "3"]);
    let mut read = Registry::parse(FILE, &merged(Some(&registry(&["1", "2"])), &ours, &theirs)).unwrap();
    read.set_migration(right);
    read.prune();
    ours.set_migration(entry("3"));
    assert!(read.entries().eq(ours.entries()));
    assert!(read.waiver(&entry("2").digest, "postgres").is_none(), "an edited script voids its waiver");
}

#[test]
fn of_two_waivers_the_newer_counts() {
    let older = waiver("1", "older", "2026-11-20T10:00:00Z");
    let newer = waiver("1", "newer", "2026-11-21T10:00:00Z");
    for lines in [format!("{older}{newer}"), format!("{newer}{older}{newer}")] {
        let text = format!("format = 1\nwaivers = [\n{lines}]\n");
        let read = Registry::parse(FILE, &text).unwrap();
        let reasons: Vec<&str> = read.all_waivers().map(|waiver| waiver.reason.as_str()).collect();
        assert_eq!(reasons, ["newer"]);
    }
}

#[test]
fn mariadb_runs_what_is_sealed_for_mysql_but_needs_proofs_of_its_own() {
    let text = registry(&["1"]).to_text().replace("\"postgres\"", "\"mysql\"");
    let mut read = Registry::parse(FILE, &text).unwrap();
    let (id, digest) = (Id::new("1"), entry("1").digest);
    assert_eq!(read.migration(&id, "mariadb"), read.migration(&id, "mysql"));
    assert_eq!(read.migration(&id, "postgres"), None);
    assert_eq!(read.proofs(&digest, "mysql", "15").count(), 1);
    assert_eq!(read.proofs(&digest, "mariadb", "15").count(), 0);
    assert!(read.waiver(&digest, "mariadb").is_none());
    read.set_migration(Entry { engine: "mariadb".to_owned(), digest: Sha::of(b"own"), ..entry("1") });
    assert_eq!(read.migration(&id, "mariadb").unwrap().digest, Sha::of(b"own"));
    assert_eq!(Vec::from_iter(read.engines()), ["mariadb", "mysql"]);
}

#[test]
fn proofs_of_digests_that_nobody_has_are_pruned() {
    let mut read = registry(&["1", "2"]);
    assert_eq!(read.prune(), 0);
    read.retain_migrations(|entry| entry.id.as_str() != "2");
    assert_eq!(read.prune(), 2);
    assert_eq!(read, registry(&["1"]));
}

/// What is said about a text that is no registry: place, message, causes, help.
fn fault(text: &str) -> String {
    let fault = Registry::parse("migrations/registry.toml", text).unwrap_err();
    let parts = fault.parts();
    let caret =
        parts.excerpt.as_ref().map(|excerpt| format!("{}^{}", excerpt.column, excerpt.line)).unwrap_or_default();
    let place = parts.place.as_ref().unwrap();
    format!(
        "{place}: {} | {} | {} | {caret}",
        parts.what,
        parts.causes.join("; "),
        parts.help.as_deref().unwrap_or("-")
    )
}

#[test]
fn what_is_no_registry_is_told_with_its_line() {
    let cases = [
        (
            "format = 1\nmigrations = [\n<<<<<<< HEAD\n]\n",
            "migrations/registry.toml:3:1: the registry holds git's conflict markers |",
        ),
        ("format = 2\n", "migrations/registry.toml:1:10: the registry's format is not 1 |"),
        ("migrations = [\n]\n", "migrations/registry.toml:1:1: `format = 1` is missing |"),
        ("format = 1\nproves = [\n]\n", "migrations/registry.toml:2:1: unknown key `proves` |"),
        (
            "format = 1\nwaivers = [\n  { id = \"1\", because = \"x\" },\n]\n",
            "migrations/registry.toml:3:15: unknown key `because` |",
        ),
        ("format = 1\nwaivers = [ { id = 1 } ]\n", "migrations/registry.toml:2:15: `id` is not a text |"),
        ("format = 1\nmigrations = [\n  { id = \"1\" },\n]\n", "migrations/registry.toml:3:3: `engine` is missing |"),
        ("format = 1\nmigrations = [\n  { id = \"1\"\n", "migrations/registry.toml:3:"),
        ("format = 1\nproofs = 3\n", "migrations/registry.toml:2:10: `proofs` is not an array of tables |"),
        ("", "migrations/registry.toml:1:1: `format = 1` is missing |"),
    ];
    for (text, start) in cases {
        let said = fault(text);
        assert!(said.starts_with(start), "{said}");
    }
    let twice = registry(&["1"]).to_text().replace("version = \"15.20\"", "version = \"15.20\", version = \"15.20\"");
    assert!(fault(&twice).contains("duplicate key"), "{}", fault(&twice));
    let verdict = registry(&["1"]).to_text().replace("\"lossy\"", "\"fine\"");
    assert!(fault(&verdict).contains("`verdict` is not a verdict"), "{}", fault(&verdict));
}

#[test]
fn whatever_form_of_toml_a_formatter_makes_of_it_is_read() {
    let own = registry(&["1", "2"]);
    let (proof, waiver) = evidence("1");
    let table = |line: &str| line.trim().trim_start_matches("{ ").trim_end_matches(" },").replace(", ", "\n");
    let mut formatted = "# made pretty\nformat = 1 # the form\n".to_owned();
    for line in own.to_text().lines().filter(|line| line.contains("settings")) {
        formatted += &format!("[[migrations]]\n{}\n", table(line));
    }
    formatted += &format!("[[proofs]]\n{}\n[[waivers]]\n{}\n", table(&proof), table(&waiver));
    formatted += &format!("[[proofs]]\n{}\n[[waivers]]\n{}\n", table(&evidence("2").0), table(&evidence("2").1));
    assert_eq!(Registry::parse(FILE, &formatted).unwrap(), own);
    assert_eq!(Registry::parse(FILE, &own.to_text().replace('\n', "\r\n")).unwrap(), own);
    assert_eq!(Registry::parse(FILE, &own.to_text().replace(", ", ",  ")).unwrap(), own);
}

#[test]
fn a_registry_that_is_too_large_is_refused() {
    let text = "#".repeat((64 << 20) + 1);
    assert!(fault(&text).contains("larger than 64 MB"));
}

prop_compose! {
    fn any_entry()(
        id in "\\PC{1,6}|[0-9]{1,2}|[\\x00-\\x7f]{1,4}",
        engine in prop_oneof![Just("postgres"), Just("mysql"), Just("mariadb"), Just("sqlite")],
        seed in 0..3_u8,
        down in proptest::option::of(0..3_u8),
        requires in proptest::option::of(proptest::collection::vec("[a-c\"\\\\\n\u{7f}é,\\]]{0,3}", 0..3)),
    ) -> Entry {
        let sum = |seed: u8| {
            let text = Sha::of(&[seed]).to_string();
            Checksum { tokens: text.clone(), text }
        };
        Entry {
            id: Id::new(id),
            engine: engine.to_owned(),
            digest: Sha::of(&[seed]),
            up: sum(seed),
            down: down.map(sum),
            verify: None,
            settings: Sha::of(b"settings"),
            requires: requires.clone().map(|ids| ids.into_iter().map(Id::new).collect()),
            writes: requires,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(entries in proptest::collection::vec(any_entry(), 0..12)) {
        let mut registry = registry(&["1"]);
        entries.into_iter().for_each(|entry| registry.set_migration(entry));
        let text = registry.to_text();
        let read = Registry::parse(FILE, &text).unwrap();
        prop_assert_eq!(&read, &registry);
        prop_assert_eq!(read.to_text(), text.clone());
        // The same by way of TOML at large, which a comment behind a value forces.
        let at_large = Registry::parse(FILE, &text.replacen("format = 1", "format = 1 # one", 1)).unwrap();
        prop_assert_eq!(at_large, registry);
    }

    #[test]
    fn doubled_and_shuffled_lines_are_the_same_registry(
        entries in proptest::collection::vec(any_entry(), 1..8),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
    ) {
        let mut registry = Registry::new(FILE);
        entries.into_iter().for_each(|entry| registry.set_migration(entry));
        let text = registry.to_text();
        let (head, rest) = text.split_once("migrations = [\n").unwrap();
        let (lines, tail) = rest.split_once("]\n\n").unwrap();
        let mut lines: Vec<&str> = lines.lines().collect();
        for pick in &picks {
            let line = *pick.get(&lines);
            lines.insert(pick.index(lines.len()), line);
        }
        lines.reverse();
        let text = format!("{head}migrations = [\n{}\n]\n\n{tail}", lines.join("\n"));
        let read = Registry::parse(FILE, &text).unwrap();
        prop_assert_eq!(read.to_text(), registry.to_text());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\PC|\n|[\\[\\]{}\",=# ]|format = 1\n|migrations = \\[\n|  \\{ id = \"|\" \\},\n){0,40}") {
        let _ = Registry::parse(FILE, &text);
    }
}
