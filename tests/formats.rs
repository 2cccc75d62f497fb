//! What `verify` and `check` find, in the forms that CI systems read.

use serde_json::Value;

mod common;

use common::{Kind, Sandbox, each, each_engine};

/// Text that means something in every form at once.
const HOSTILE: &str = "\u{1b}[31m]]> & <script> \"q\" | `code` %0A::error::x \u{202e}*b*";

/// A good migration, one that is waived, and a broken one with a name and lines that could do harm.
fn project(sandbox: &Sandbox) -> &Sandbox {
    sandbox.tables(1);
    sandbox.migration("2_waived", "CREATE TABLE w (id integer);\n", "SELECT 1;\n");
    sandbox.run(&["verify"]).exits(1);
    sandbox.run(&["waive", "2_waived", "--reason", HOSTILE]).ok();
    let view = format!(
        "CREATE VIEW v AS SELECT 1 AS {};\n",
        if sandbox.kind == Kind::Mysql { "`a|b ``c`` <x>`" } else { "\"a|b `c` <x>\"" }
    );
    sandbox.migration("3_bad, 100%", &view, "SELECT 1;\n")
}

#[test]
fn junit_is_xml_with_a_case_for_each_migration() {
    each_engine(|sandbox| {
        let xml = project(sandbox).run(&["verify", "--format", "junit"]).exits(1).stdout;
        let cases = elements(&xml);
        assert_eq!(cases.iter().filter(|name| *name == "testcase").count(), 3, "{xml}");
        assert_eq!(cases.iter().filter(|name| *name == "failure").count(), 1, "{xml}");
        assert_eq!(cases.iter().filter(|name| *name == "skipped").count(), 1, "{xml}");
        assert!(xml.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{xml}");
        assert!(xml.contains("&lt;script&gt;") && !xml.contains('\u{1b}'), "{xml}");
    });
}

/// The names of the elements, in order; fails where the text is not well-formed.
fn elements(xml: &str) -> Vec<String> {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").expect("a declaration");
    let (mut open, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = body.trim();
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>') && entities_are_known(text), "{text}");
        let end = rest[at..].find('>').expect("an end of a tag") + at;
        let tag = &rest[at + 1..end];
        assert!(entities_are_known(tag) && tag.matches('"').count().is_multiple_of(2), "{tag}");
        let name = tag.trim_matches('/').split(' ').next().unwrap().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name), "{xml}");
        } else {
            names.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    assert!(xml.chars().all(|ch| !ch.is_control() || matches!(ch, '\n' | '\t' | '\r')), "{xml:?}");
    names
}

fn entities_are_known(text: &str) -> bool {
    text.split('&').skip(1).all(|rest| {
        let name = rest.split_once(';').map(|(name, _)| name).unwrap_or_default();
        ["amp", "lt", "gt", "quot", "#10", "#9", "#13"].contains(&name)
    })
}

#[test]
fn sarif_has_what_the_standard_wants() {
    each_engine(|sandbox| {
        let text = project(sandbox).run(&["verify", "--format", "sarif"]).exits(1).stdout;
        let log: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "switchback");
        let rules = each(&run["tool"]["driver"]["rules"], "/id");
        let mut once = rules.clone();
        once.dedup();
        assert_eq!(rules, once, "each rule once");
        let results = run["results"].as_array().expect("results");
        assert!(results.len() >= 3, "{text}");
        for result in results {
            let index = result["ruleIndex"].as_u64().expect("an index");
            assert_eq!(result["ruleId"], rules[usize::try_from(index).unwrap()].as_str(), "{result}");
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()), "{result}");
            assert!(!result["message"]["text"].as_str().unwrap().is_empty(), "{result}");
            assert!(result["partialFingerprints"]["finding/v1"].is_string(), "{result}");
            for location in result["locations"].as_array().unwrap() {
                let place = &location["physicalLocation"];
                if place.is_object() {
                    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
                    assert!(uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)), "{uri}");
                    assert!(place["region"]["startLine"].as_u64().unwrap() > 0, "{result}");
                }
            }
        }
        let suppressed = results.iter().filter(|result| result["suppressions"][0]["justification"].is_string()).count();
        assert!(suppressed > 0 && results.iter().any(|result| result["level"] == "error"), "{text}");
        let uris: Vec<&str> = results
            .iter()
            .filter_map(|one| one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str())
            .collect();
        assert!(uris.contains(&"migrations/3_bad%2C%20100%25/up.sql"), "{uris:?}");
    });
}

#[test]
fn annotations_stay_on_their_line() {
    each_engine(|sandbox| {
        let text = project(sandbox).run(&["verify", "--format", "github"]).exits(1).stdout;
        for line in text.lines() {
            let is_command = ["::error ", "::warning ", "::notice "].iter().any(|start| line.starts_with(start));
            assert!(is_command, "{text}");
        }
        assert!(
            text.contains("::error title=") && text.contains("file=migrations/3_bad%2C 100%25/up.sql,line=1,col=1::"),
            "{text}"
        );
        assert!(text.contains("%250A") && !text.contains("%0A::error::x"), "{text}");
    });
}

#[test]
fn markdown_shows_text_as_text() {
    each_engine(|sandbox| {
        let text = project(sandbox).run(&["verify", "--format", "markdown"]).exits(1).stdout;
        assert!(text.starts_with("### switchback verify: findings\n"), "{text}");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(rows.len(), 3, "{text}");
        for row in rows {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
        }
        assert!(text.contains("All others are exact.") && text.contains("&lt;script&gt;"), "{text}");
        assert!(!text.contains("<script>") && !text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    });
}

#[test]
fn one_run_writes_several_reports() {
    let sandbox = &Sandbox::new(Kind::Sqlite);
    project(sandbox);
    let args = ["verify", "--fresh", "--locked", "--report", "sarif=a.sarif", "--report", "junit=b.xml"];
    sandbox.run(&["seal"]).ok();
    sandbox.run(&args).exits(1).says("left behind").says("3 migrations: 1 exact, 2 broken");
    assert!(sandbox.read("a.sarif").contains("\"2.1.0\"") && sandbox.read("b.xml").starts_with("<?xml"));
    sandbox.run(&["verify", "--report", "pdf=x"]).exits(2).says("junit, sarif");
    sandbox.run(&["verify", "--report", "sarif="]).exits(2);
    sandbox.run(&["verify", "--format", "pdf"]).exits(2);
    sandbox.run(&["verify", "--format", "sarif", "--json"]).exits(2);
}

#[test]
fn check_speaks_the_same_forms() {
    let sandbox = &Sandbox::new(Kind::Sqlite);
    project(sandbox);
    let xml = sandbox.run(&["check", "--format", "junit"]).exits(1).stdout;
    assert!(elements(&xml).iter().any(|name| name == "failure"), "{xml}");
    let log: Value = serde_json::from_str(&sandbox.run(&["check", "--format", "sarif"]).exits(1).stdout).unwrap();
    assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], 1);
    sandbox.run(&["check", "--format", "github"]).exits(1).says("::error ");
    sandbox.run(&["check", "--format", "markdown"]).exits(1).says("### switchback check: findings");
    assert_eq!(sandbox.run(&["check", "--format", "json"]).exits(1).object("check")["outcome"], "findings");
}

#[test]
fn what_is_waived_is_told_as_that_whether_it_was_known_or_not() {
    each_engine(|sandbox| {
        project(sandbox).remove("migrations/3_bad, 100%");
        for args in [&["verify"][..], &["verify", "--fresh"]] {
            let said = sandbox.run(args).ok().says("note[waived]: waived by Tess Ter").stdout;
            assert!(!said.contains("error["), "{said}");
            let object = sandbox.json(args);
            assert!(object["migrations"][1]["waived"]["by"].as_str().unwrap().starts_with("Tess Ter"), "{object}");
        }
    });
}

/// Runs git in the project.
fn git(sandbox: &Sandbox, args: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.current_dir(sandbox.root()).args(["-c", "user.name=Tess", "-c", "user.email=tess@example.org"]).args(args);
    let ran = git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", sandbox.home()).output().expect("git");
    assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn only_what_differs_from_a_revision_is_proven_anew() {
    each_engine(|sandbox| {
        sandbox.tables(3).run(&["verify"]).ok();
        git(sandbox, &["init", "-q", "-b", "main"]);
        git(sandbox, &["add", "migrations"]);
        git(sandbox, &["commit", "-q", "-m", "three"]);
        git(sandbox, &["checkout", "-q", "-b", "work"]);
        let ids = |args: &[&str]| {
            let object = sandbox.json(&[&["verify", "--fresh"], args].concat());
            each(&object["migrations"], "/id")
        };
        assert_eq!(ids(&["--base", "main"]), [""; 0]);
        sandbox.migration("2_t2", "CREATE TABLE t2 (id integer, a integer);\n", "DROP TABLE t2;\n");
        sandbox.migration("4_t4", "CREATE TABLE t4 (id integer);\n", "SELECT 1;\n");
        // The third starts from another state now.
        assert_eq!(ids(&["--base", "main"]), ["2_t2", "3_t3", "4_t4"]);
        sandbox.run(&["verify"]).exits(1);
        git(sandbox, &["add", "migrations"]);
        git(sandbox, &["commit", "-q", "-m", "more"]);
        assert_eq!(ids(&["--changed"]), ["2_t2", "4_t4"]);
        sandbox
            .run(&["verify", "--changed"])
            .exits(1)
            .says("where this branch left main")
            .says("4_t4")
            .says_not("3_t3");
        sandbox.run(&["verify", "--base", "nowhere"]).exits(2).says("nowhere").says("git fetch");
        sandbox.run(&["verify", "--base", "--upload-pack=x"]).exits(2);
        sandbox.run(&["verify", "--base", "main", "2_t2"]).exits(2);
    });
}

#[test]
fn without_a_repository_or_with_half_of_one_it_is_said() {
    let sandbox = &Sandbox::new(Kind::Sqlite);
    sandbox.tables(1).run(&["verify", "--changed"]).exits(2).says("git repository");
    git(sandbox, &["init", "-q", "-b", "odd"]);
    git(sandbox, &["add", "migrations"]);
    git(sandbox, &["commit", "-q", "-m", "one"]);
    sandbox.run(&["verify", "--changed"]).exits(2).says("--base REV");
    sandbox.tables(2);
    git(sandbox, &["add", "migrations"]);
    git(sandbox, &["commit", "-q", "-m", "two"]);
    let source = format!("file://{}", sandbox.root().display());
    git(sandbox, &["clone", "-q", "--depth", "1", &source, "shallow"]);
    let url = "sqlite::memory:";
    sandbox.run(&["verify", "-C", "shallow", "-d", url, "--base", "HEAD~1"]).exits(2).says("fetch-depth: 0");
}

/// The commands of the snippets for pipelines, run as they stand there.
#[test]
fn the_snippets_do_what_they_say() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ci.md")).unwrap();
    let words = ["- run: ", "- ", "entry: ", "run: ", ""];
    let command = |line: &str| {
        let line = line.trim();
        let found =
            words.iter().find_map(|word| line.strip_prefix(word).filter(|rest| rest.starts_with("switchback ")))?;
        (!found.contains("--base")).then(|| found.split(' ').skip(1).map(str::to_owned).collect::<Vec<_>>())
    };
    let fenced = page.split("```").skip(1).step_by(2).flat_map(str::lines);
    let commands: Vec<Vec<String>> = fenced.filter_map(command).collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let args: Vec<&str> = command.iter().map(String::as_str).collect();
        let good = &Sandbox::new(Kind::Sqlite);
        good.tables(2).run(&["verify"]).ok();
        good.run(&args).ok();
        let bad = &Sandbox::new(Kind::Sqlite);
        bad.tables(2).migration("3_bad", "CREATE TABLE x (id integer);\n", "SELECT 1;\n").run(&["verify"]).exits(1);
        bad.run(&args).exits(1);
        for file in args.iter().filter_map(|arg| arg.split_once('=')).map(|(_, file)| file) {
            assert!(!bad.read(file).is_empty(), "{file}");
        }
    }
}
