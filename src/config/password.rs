//! Passwords from files and commands.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Env;
use crate::fault::{Fault, FaultKind, Result};
use crate::finding::Finding;
use crate::target::Secret;

/// How long a command may take to give a password.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of a file or a command, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// Where the settings file says that a password is.
pub(super) struct Sources {
    pub file: Option<PathBuf>,
    pub command: Option<Secret>,
}

/// The password that the settings file points at, if it does.
pub(super) fn find(
    sources: &Sources,
    root: &Path,
    env: &dyn Env,
    warnings: &mut Vec<Finding>,
) -> Result<Option<Secret>> {
    if let Some(path) = &sources.file {
        let home = env.var("HOME").map(PathBuf::from);
        let path = match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => root.join(path),
        };
        return from_file(&path, warnings).map(Some);
    }
    sources.command.as_ref().map(|command| from_command(command.reveal(), root)).transpose()
}

/// The first line of a file.
fn from_file(path: &Path, warnings: &mut Vec<Finding>) -> Result<Secret> {
    let failed =
        |error: std::io::Error| Fault::io(format!("the password file {} could not be read", path.display()), &error);
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    warn_if_open(path, &file, 0o004, warnings);
    // What a broken file holds is no part of the error.
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

/// The first line that a command writes; neither the command nor what it says is part of an error.
fn from_command(command: &str, root: &Path) -> Result<Secret> {
    let failed = |cause: String| Fault::new(FaultKind::Usage, "password_command gave no password").cause(cause);
    let mut child = Command::new("sh")
        .args(["-c", command])
        .current_dir(if root.as_os_str().is_empty() { Path::new(".") } else { root })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let read = output.take(MAX_BYTES).read_to_end(&mut text);
            // Nobody listens any more once the time is over.
            let _ = sender.send(read.map(|_| text));
        });
    }
    let deadline = Instant::now() + COMMAND_TIMEOUT;
    let output = receiver.recv_timeout(COMMAND_TIMEOUT);
    loop {
        match child.try_wait().map_err(|error| failed(error.to_string()))? {
            Some(status) if status.success() => break,
            Some(status) => return Err(failed(format!("it ended with {status}"))),
            None if Instant::now() >= deadline => {
                // It may end by itself in this very moment; both are fine.
                let _ = child.kill().and_then(|()| child.wait());
                return Err(failed(format!("it took longer than {} s", COMMAND_TIMEOUT.as_secs())));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    let bytes = output.ok().and_then(|read| read.ok()).unwrap_or_default();
    let text = String::from_utf8(bytes).map_err(|_| failed(String::from("what it wrote is not UTF-8")))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(failed(String::from("its first line is empty"))),
    }
}

/// Text of a file that the engine's own client reads; `None` where there is none. As PostgreSQL's client does, a password file
/// that others can read is left alone, with a warning; an option file with a password in it is warned of.
pub(super) fn client_file(path: &Path, warnings: &mut Vec<Finding>) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut text = String::new();
    (&mut file).take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let is_options = path.extension().is_some_and(|ending| ending == "cnf");
    if is_options && !text.contains("password") {
        return Some(text);
    }
    let count = warnings.len();
    warn_if_open(path, &file, 0o077, warnings);
    (is_options || warnings.len() == count).then_some(text)
}

/// Warns of a file that more than its owner can read.
#[cfg(unix)]
fn warn_if_open(path: &Path, file: &std::fs::File, others: u32, warnings: &mut Vec<Finding>) {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & others != 0) {
        let path = path.display();
        warnings.push(
            Finding::warning("password-file-open", format!("{path} can be read by others"))
                .help(format!("chmod 600 {path}")),
        );
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path, _: &std::fs::File, _: u32, _: &mut Vec<Finding>) {}
