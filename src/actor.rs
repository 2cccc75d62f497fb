//! Who acts: the operating system's user, the host, git, the CI run.
//!
//! Provenance is asked for once per run, and only by commands that write.

use std::path::Path;
use std::process::{Command, Stdio};

/// What the surroundings say about who runs this, and from what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// `name`, as the operating system knows it.
    pub user: String,
    pub host: String,
    pub pid: u32,
    /// `Name <mail>`, as git would write it into a commit.
    pub git_author: Option<String>,
    /// Commit of the checkout, with `-dirty` behind it when files differ.
    pub git_commit: Option<String>,
    /// Name and address of the CI run, where there is one.
    pub ci: Option<String>,
}

/// Environment variables that CI systems set: the system, and where its run's address stands.
const CI: &[(&str, &str, &[&str])] = &[
    ("GITHUB_ACTIONS", "GitHub Actions", &["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"]),
    ("GITLAB_CI", "GitLab CI", &["CI_JOB_URL"]),
    ("BUILDKITE", "Buildkite", &["BUILDKITE_BUILD_URL"]),
    ("CIRCLECI", "CircleCI", &["CIRCLE_BUILD_URL"]),
    ("JENKINS_URL", "Jenkins", &["BUILD_URL"]),
    ("TF_BUILD", "Azure Pipelines", &["BUILD_BUILDID"]),
    ("CI", "CI", &[]),
];

impl Actor {
    /// Asks the surroundings. `env` gives variables of the environment; `dir` is the project's folder.
    pub fn read(dir: &Path, env: &dyn Fn(&str) -> Option<String>) -> Actor {
        // Both questions are put to git at once; each costs a few milliseconds.
        let commit = ask(dir, &["describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"]);
        let author = ask(dir, &["var", "GIT_AUTHOR_IDENT"]);
        let author = author.and_then(answer).map(|ident| match ident.rfind('>') {
            Some(end) => ident[..=end].to_owned(),
            None => ident,
        });
        Actor {
            user: env("USER").or_else(|| env("LOGNAME")).unwrap_or_else(whoami_or_unknown),
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            pid: std::process::id(),
            git_author: author,
            git_commit: commit.and_then(answer),
            ci: ci(env),
        }
    }
}

fn whoami_or_unknown() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".to_owned())
}

fn ci(env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (_, name, parts) = CI.iter().find(|(variable, _, _)| env(variable).is_some_and(|value| !value.is_empty()))?;
    let parts: Vec<String> = parts.iter().filter_map(|part| env(part)).collect();
    let address = match *name {
        "GitHub Actions" if parts.len() == 3 => format!("{}/{}/actions/runs/{}", parts[0], parts[1], parts[2]),
        _ => parts.join(" "),
    };
    Some(format!("{name} {address}").trim_end().to_owned())
}

fn ask(dir: &Path, arguments: &[&str]) -> Option<std::process::Child> {
    let mut git = Command::new("git");
    git.arg("-C").arg(dir).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    git.spawn().ok()
}

fn answer(git: std::process::Child) -> Option<String> {
    let output = git.wait_with_output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ci_run_is_named_with_its_address() {
        let env = |name: &str| match name {
            "GITHUB_ACTIONS" => Some("true".to_owned()),
            "GITHUB_SERVER_URL" => Some("https://forge.example".to_owned()),
            "GITHUB_REPOSITORY" => Some("a/b".to_owned()),
            "GITHUB_RUN_ID" => Some("7".to_owned()),
            _ => None,
        };
        assert_eq!(ci(&env).as_deref(), Some("GitHub Actions https://forge.example/a/b/actions/runs/7"));
        assert_eq!(ci(&|_| None), None);
    }
}
