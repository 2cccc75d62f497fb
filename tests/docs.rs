//! What the documents say is so: the reference of the command line is made from the command line itself, quoted commands
//! parse, examples of settings load, links lead somewhere, and the tour goes as it tells.
//!
//! `SWITCHBACK_BLESS=1 cargo test --test docs` writes `docs/cli.md` anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, Parser};
use switchback::cli::Cli;
use switchback::config::Config;
use switchback::migration::Settings;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents, with their paths below the root.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = vec![PathBuf::from("README.md"), PathBuf::from("migrations-examples/README.md")];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = Path::new("docs").join(entry.unwrap().file_name());
        if path.extension().is_some_and(|ending| ending == "md") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(root().join(&path)).unwrap())).collect()
}

/// The fenced blocks of a language, each with the line on which it begins.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(said)) => open = Some((number + 2, said == language, String::new())),
            (Some(_), Some(_)) => found.extend(open.take().filter(|block| block.1).map(|block| (block.0, block.2))),
            (Some(block), None) => writeln!(block.2, "{line}").unwrap(),
            (None, None) => {}
        }
    }
    found
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        inside ^= is_fence;
        if !inside && !is_fence {
            writeln!(out, "{line}").unwrap();
        }
    }
    out
}

/// Words of a command as a shell would see them; enough for what documents quote.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (None, ' ') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), close) if open == close => quote = None,
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[test]
fn the_reference_of_the_command_line_is_the_command_line() {
    let path = root().join("docs/cli.md");
    let made = reference();
    if std::env::var_os("SWITCHBACK_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "docs/cli.md is not what the command line says: SWITCHBACK_BLESS=1 cargo test --test docs");
}

fn reference() -> String {
    let mut cli = Cli::command().term_width(0);
    cli.build();
    let mut out =
        String::from("# The command line\n\n<!-- Made by tests/docs.rs from the command line itself. -->\n\n");
    let about = "stdout carries data, stderr carries talk. [Exit codes](concepts.md#exit-codes) and \
                 [the JSON form](concepts.md#json) are the same for all commands.";
    writeln!(out, "{about}\n\n| command | does |\n|---|---|").unwrap();
    for command in cli.get_subcommands() {
        let name = command.get_name();
        writeln!(out, "| [`{name}`](#switchback-{name}) | {} |", about_of(command)).unwrap();
    }
    out.push_str("\n## Options of every command\n\n");
    table(&mut out, cli.get_arguments().filter(|arg| arg.is_global_set() || arg.get_id() == "version"));
    for command in cli.get_subcommands() {
        section(&mut out, command, "switchback", 2);
    }
    out
}

fn about_of(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn section(out: &mut String, command: &Command, parent: &str, level: usize) {
    let name = format!("{parent} {}", command.get_name());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    writeln!(out, "\n{} {name}\n\n{}.\n\n```text\n{usage}\n```", "#".repeat(level), about_of(command)).unwrap();
    let own: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help").collect();
    if !own.is_empty() {
        out.push('\n');
        table(out, own.into_iter());
    }
    command.get_subcommands().for_each(|inner| section(out, inner, &name, level + 1));
}

fn table<'a>(out: &mut String, args: impl Iterator<Item = &'a Arg>) {
    out.push_str("| | |\n|---|---|\n");
    for arg in args {
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let possible: Vec<String> =
            arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if arg.get_action().takes_values() && !possible.is_empty() {
            write!(help, "{}{}", if help.is_empty() { "" } else { ": " }, possible.join(" or ")).unwrap();
        }
        if let Some(default) = arg.get_default_values().first().filter(|_| arg.get_action().takes_values()) {
            write!(help, " (default: `{}`)", default.to_string_lossy()).unwrap();
        }
        writeln!(out, "| {} | {} |", names(arg), help.replace('|', "\\|")).unwrap();
    }
}

/// `-n`, `--limit <N>` as code.
fn names(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(<[_]>::first).filter(|_| arg.get_action().takes_values());
    let value = value.map(|value| value.replace('|', "\\|"));
    let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    let behind = match (&value, optional) {
        (None, _) => String::new(),
        (Some(value), true) => format!("[=<{value}>]"),
        (Some(value), false) => format!(" <{value}>"),
    };
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    match (short, long) {
        (Some(short), Some(long)) => format!("`{short}`, `{long}{behind}`"),
        (Some(short), None) => format!("`{short}{behind}`"),
        (None, Some(long)) => format!("`{long}{behind}`"),
        (None, None) => format!("`<{}>`", value.unwrap_or_else(|| arg.get_id().to_string().to_uppercase())),
    }
}

#[test]
fn every_command_that_is_shown_can_be_run() {
    let mut seen = 0;
    for (path, text) in documents() {
        for (first, block) in blocks(&text, "console") {
            for (number, line) in block.lines().enumerate() {
                let Some(line) = line.strip_prefix("$ ") else { continue };
                let said = words(line.split(" | ").next().unwrap());
                let said = said.into_iter().skip_while(|word| word.contains('=') && !word.starts_with('-'));
                let said: Vec<String> =
                    said.take_while(|word| !word.starts_with('#') && word != ">" && word != "&&").collect();
                if said.first().is_none_or(|program| program != "switchback") {
                    continue;
                }
                seen += 1;
                if let Err(error) = Cli::try_parse_from(&said) {
                    let fine = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                    assert!(fine, "{}:{}: {line}\n{error}", path.display(), first + number);
                }
            }
        }
    }
    assert!(seen > 10, "the documents show only {seen} commands");
}

#[test]
fn every_command_and_flag_that_is_named_exists() {
    let mut cli = Cli::command();
    cli.build();
    for (path, text) in documents() {
        for span in prose(&text).split('`').skip(1).step_by(2) {
            let said = words(span);
            let Some((program, rest)) = said.split_first() else { continue };
            if program != "switchback" || rest.is_empty() {
                continue;
            }
            let verb = rest.iter().find(|word| cli.find_subcommand(word).is_some());
            let is_flag = rest[0].starts_with('-');
            assert!(verb.is_some() || is_flag, "{}: `{span}` is no command", path.display());
            let command = verb.and_then(|verb| cli.find_subcommand(verb)).unwrap_or(&cli);
            for flag in rest.iter().filter_map(|word| word.strip_prefix("--")) {
                let flag = flag.split(['=', '[']).next().unwrap();
                let known = command.get_arguments().any(|arg| arg.get_long() == Some(flag));
                assert!(known || flag == "help", "{}: `{span}`: there is no --{flag}", path.display());
            }
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    for (path, text) in documents() {
        let text = prose(&text);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let full = root().join(&there);
            assert!(full.exists(), "{}: the link {target} leads nowhere", path.display());
            if !anchor.is_empty() {
                let known = anchors(&fs::read_to_string(&full).unwrap());
                assert!(known.contains(anchor), "{}: {target}: no such heading", path.display());
            }
        }
    }
}

/// Names of the headings, as forges make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let keep = |letter: char| match letter {
        ' ' => Some('-'),
        letter if letter.is_alphanumeric() || matches!(letter, '-' | '_') => Some(letter.to_ascii_lowercase()),
        _ => None,
    };
    headings.map(|heading| heading.chars().filter_map(keep).collect()).collect()
}

/// Messages of the program send readers to this heading.
#[test]
fn the_rights_have_a_heading() {
    let text = fs::read_to_string(root().join("docs/getting-started.md")).unwrap();
    assert!(anchors(&text).contains("rights"));
}

#[test]
fn examples_of_settings_load() {
    for (path, text) in documents() {
        for (line, block) in blocks(&text, "toml") {
            let at = format!("{}:{line}", path.display());
            if block.starts_with("# migration.toml") {
                toml::from_str::<Settings>(&block).unwrap_or_else(|error| panic!("{at}: {error}"));
            } else {
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("switchback.toml"), &block).unwrap();
                assert!(Config::load(folder.path()).is_ok(), "{at} is no switchback.toml");
            }
        }
    }
}

#[test]
fn the_tour_goes_as_it_tells() {
    let tour = root().join("migrations-examples/tour/run");
    let output = Process::new(&tour).env("SWITCHBACK", env!("CARGO_BIN_EXE_switchback")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown = blocks(&readme, "text").into_iter().find(|(_, block)| block.contains("It is not")).unwrap();
    for line in shown.1.lines() {
        assert!(said.lines().any(|told| told == line), "README.md shows a line that the tour does not say: {line}");
    }
}

/// A switchback that does not refuse the broken down must fail the tour.
#[test]
fn the_tour_notices_what_goes_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let lenient = folder.path().join("switchback");
    fs::write(&lenient, "#!/bin/sh\nexit 0\n").unwrap();
    let made = Process::new("chmod").arg("+x").arg(&lenient).status().unwrap();
    assert!(made.success());
    let tour = root().join("migrations-examples/tour/run");
    let output = Process::new(&tour).env("SWITCHBACK", &lenient).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected exit code 1"));
}
