//! Names of files: what layouts have in common in reading and making them.

use chrono::NaiveDateTime;

use super::{File, Tree};
use crate::finding::Finding;

/// Whether a file is named as SQL, in any case.
pub(super) fn is_sql(name: &str) -> bool {
    name.len() > 4 && name.as_bytes()[name.len() - 4..].eq_ignore_ascii_case(b".sql")
}

/// Whether any layout reads files of this name. golang-migrate takes any ending after `.up.` and `.down.`.
pub(super) fn is_wanted(name: &str) -> bool {
    is_sql(name)
        || name.contains(".up.")
        || name.contains(".down.")
        || matches!(name, "migration.toml" | "metadata.toml")
}

/// The digits a name starts with, and what follows them.
pub(super) fn leading_digits(name: &str) -> (&str, &str) {
    name.split_at(name.bytes().take_while(u8::is_ascii_digit).count())
}

/// The name without a final `.sql`.
pub(super) fn stem(name: &str) -> &str {
    if is_sql(name) { &name[..name.len() - 4] } else { name }
}

/// The path of the down that belongs to an up's: `down.sql` to `up.sql`, `1_a.down.sql` to `1_a.up.sql`. `None` where the
/// name does not say that it is one of a pair.
pub(super) fn down_beside(up: &str) -> Option<String> {
    let name = up.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let side = if up[name..].starts_with("up.") { name } else { name + up[name..].rfind(".up.")? + 1 };
    Some([&up[..side], "down", &up[side + 2..]].concat())
}

/// Whether somebody may have meant this as a way back.
pub(super) fn looks_like_down(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["down", "dwon", "donw", "dowm", "rollback", "revert", "undo"].iter().any(|word| name.contains(word))
}

/// What becomes of a migration that a misnamed file may have been meant for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacks {
    /// It has no such script, so this one is likely what was meant.
    Script,
    Nothing,
}

/// A file that looks like a script and is never run. An error where the migration lacks what it may have been meant to be.
pub(super) fn misnamed(file: &File, layout: &str, lacks: Lacks, help: String) -> Finding {
    let message = format!("`{}` is not a name that the layout {layout} reads, so it never runs", file.name);
    let finding = match lacks {
        Lacks::Script => Finding::error("misnamed", message),
        Lacks::Nothing => Finding::warning("misnamed", message),
    };
    finding.at(file.place()).help(help)
}

/// A version that cannot be read as what the tool wants it to be.
pub(super) fn bad_version(file: &File, wants: &str) -> Finding {
    let message = format!("`{}` does not start with {wants}", file.name);
    Finding::error("bad-version", message).at(file.place()).help("rename it to `<version>_<name>…`")
}

/// Folders of migrations in a folder whose tool keeps them in files: they would be passed over in silence.
pub(super) fn stray_folders<'a>(tree: &'a Tree, layout: &'a str) -> impl Iterator<Item = Finding> + 'a {
    let scripts = |files: &'a [File]| files.iter().find(|file| matches!(file.name.as_str(), "up.sql" | "down.sql"));
    tree.folders().iter().filter_map(move |folder| {
        let help = format!("the layout {layout} keeps migrations in files; `--layout switchback` reads folders");
        scripts(&folder.files).map(|file| misnamed(file, layout, Lacks::Nothing, help))
    })
}

/// The version of a new migration: the next number where the names count, the time where they do not or where there are none.
/// Never one that would sort before a version that is there.
pub(super) fn next_version<'a>(names: impl Iterator<Item = &'a str>, at: NaiveDateTime) -> String {
    let versions = names.filter_map(|name| {
        let digits = leading_digits(name).0;
        digits.parse::<u64>().ok().map(|number| (number, digits.len()))
    });
    let now = at.format("%Y%m%d%H%M%S").to_string();
    match versions.max() {
        // Eight digits are a date: somebody counts in days.
        Some((last, width)) if width < 12 => format!("{:0width$}", last.saturating_add(1)),
        Some((last, _)) if now.parse::<u64>().is_ok_and(|now| now <= last) => last.saturating_add(1).to_string(),
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> NaiveDateTime {
        chrono::NaiveDate::from_ymd_opt(2026, 11, 20).and_then(|day| day.and_hms_opt(9, 30, 0)).unwrap()
    }

    #[test]
    fn new_versions_go_on_where_the_names_count() {
        assert_eq!(next_version(["000009_a", "000002_b"].into_iter(), at()), "000010");
        assert_eq!(next_version(["20250101000000_a"].into_iter(), at()), "20261120093000");
        assert_eq!(next_version(["20270101000000_a"].into_iter(), at()), "20270101000001");
        assert_eq!(next_version([].into_iter(), at()), "20261120093000");
        assert_eq!(next_version(["readme"].into_iter(), at()), "20261120093000");
    }

    #[test]
    fn sql_is_an_ending_in_any_case_and_never_a_whole_name() {
        assert!(is_sql("a.SQL") && is_sql("ä.sql"));
        assert!(!is_sql(".sql") && !is_sql("ssql") && !is_sql("a.sql.bak"));
    }
}
