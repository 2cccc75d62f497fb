//! A throw-away server of our own (S2), from installed binaries: reached by nothing but a Unix socket in a private folder,
//! and gone when our process is, because it hangs on a pipe that the system closes for us.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::session::PgSession;
use super::shadow;
use crate::engine::{Access, Session, Site};
use crate::fault::{Fault, Result};
use crate::target::Target;

const FOLDER: &str = "switchback-pg-";
const START_TIMEOUT_S: u64 = 60;

/// The servers of this process, by the name of the shadow in them.
static RUNNING: Mutex<BTreeMap<String, Server>> = Mutex::new(BTreeMap::new());

struct Server {
    /// The watching shell; its standard input is the pipe.
    watch: Child,
    folder: PathBuf,
}

/// Starts a server and makes a shadow in it.
pub async fn create() -> Result<Site> {
    let mut server = blocking(start).await?;
    let made = match ready(&mut server).await {
        Ok(admin) => shadow::create(&admin, shadow::Rights::WholeServer).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok(site) => {
            RUNNING.lock().unwrap_or_else(PoisonError::into_inner).insert(site.name.clone(), server);
            Ok(site)
        }
        Err(fault) => {
            blocking(move || server.stop()).await?;
            Err(fault)
        }
    }
}

/// Stops the server that holds the shadow; it takes the shadow with it.
pub async fn drop(name: &str) -> Result<()> {
    let server = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    match server {
        Some(server) => blocking(move || server.stop()).await,
        None => Ok(()),
    }
}

/// Removes what runners left behind whose watching shell was killed with them.
pub async fn sweep() -> Result<Vec<String>> {
    blocking(|| {
        let entries =
            fs::read_dir(std::env::temp_dir()).map_err(|error| Fault::io("the folder for temporary files", &error))?;
        let mut names = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(FOLDER) && is_left_behind(&entry.path()) {
                clear(&entry.path());
                names.push(name);
            }
        }
        Ok(names)
    })
    .await
}

fn is_left_behind(folder: &Path) -> bool {
    let Ok(owner) = fs::read_to_string(folder.join("owner")) else { return false };
    let Some((host, pid)) = owner.trim().rsplit_once(' ') else { return false };
    host == shadow::host() && pid.parse().is_ok_and(|pid| !shadow::is_process(pid))
}

/// Stops whatever still runs in a folder, and removes it.
fn clear(folder: &Path) {
    if let Ok(binaries) = Binaries::find() {
        let mut stop = User::current_or_server().map(|user| user.command(&binaries.folder.join("pg_ctl"))).ok();
        if let Some(stop) = &mut stop {
            // It fails where nothing runs any more, which is as well.
            let _ = stop.arg("-D").arg(folder.join("data")).args(["-m", "immediate", "stop"]).output();
        }
    }
    let _ = fs::remove_dir_all(folder);
}

impl Server {
    fn stop(mut self) -> Result<()> {
        self.watch.stdin = None;
        // The shell ends by itself once the server has, and takes the folder along.
        self.watch.wait().map_err(|error| Fault::io("the throw-away server does not stop", &error))?;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Fault::io(format!("the folder {} cannot be removed", self.folder.display()), &error))
            }
            _ => Ok(()),
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Fault::bug("the work on a throw-away server did not end")),
    }
}

/// Waits until the server lets its administrator in.
async fn ready(server: &mut Server) -> Result<Target> {
    let admin = Target {
        scheme: "postgres".into(),
        socket: Some(server.folder.clone()),
        port: Some(5432),
        user: Some("postgres".into()),
        database: "postgres".into(),
        ..Target::default()
    };
    let limit = Instant::now() + Duration::from_secs(START_TIMEOUT_S);
    loop {
        let error = match PgSession::open(&admin, Access::ReadWrite).await {
            Ok(session) => {
                Box::new(session).close().await;
                return Ok(admin);
            }
            Err(error) => error,
        };
        let log = fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        if Instant::now() > limit || log.contains("FATAL") && !log.contains("starting up") {
            let last = log.lines().rev().take(3).map(str::to_owned);
            let fault = Fault::refused("the throw-away server does not start").cause(error.to_string());
            return Err(last.fold(fault, Fault::cause));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn start() -> Result<Server> {
    let binaries = Binaries::find()?;
    let user = User::current_or_server()?;
    let folder = std::env::temp_dir().join(format!("{FOLDER}{:016x}", RandomState::new().hash_one(std::process::id())));
    let told = |error: io::Error| Fault::io(format!("the folder {} cannot be made", folder.display()), &error);
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(told)?;
    let started = fs::write(folder.join("owner"), format!("{} {}", shadow::host(), std::process::id()))
        .and_then(|()| user.own(&folder))
        .map_err(told)
        .and_then(|()| binaries.fill(&user, &folder.join("data")))
        .and_then(|()| {
            let mut watch = user.command(Path::new("/bin/sh"));
            watch.args(["-c", include_str!("watch.sh"), "switchback"]);
            watch.arg(binaries.folder.join("postgres")).arg(&folder);
            watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            // A group of its own: Ctrl-C is for us to answer.
            watch.process_group(0);
            watch.spawn().map_err(|error| Fault::io("the throw-away server cannot be started", &error))
        });
    match started {
        Ok(watch) => Ok(Server { watch, folder }),
        Err(fault) => {
            let _ = fs::remove_dir_all(&folder);
            Err(fault)
        }
    }
}

/// Whom the server runs as: PostgreSQL refuses to run as root.
struct User {
    /// User and group, where they are not our own.
    other: Option<(u32, u32)>,
    id: u32,
}

impl User {
    fn current_or_server() -> Result<Self> {
        let id =
            fs::metadata("/proc/self").or_else(|_| fs::metadata(std::env::temp_dir())).map_or(1, |meta| meta.uid());
        if id != 0 {
            return Ok(User { other: None, id });
        }
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = |name: &str| {
            accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| {
                match fields.as_slice() {
                    [account, _, user, group, ..] if *account == name => {
                        Some((user.parse().ok()?, group.parse().ok()?))
                    }
                    _ => None,
                }
            })
        };
        match ids("postgres").or_else(|| ids("nobody")) {
            Some(other) => Ok(User { other: Some(other), id: other.0 }),
            None => Err(Fault::refused("a throw-away server cannot run as root, and there is no user `postgres`")),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command
    }

    fn own(&self, folder: &Path) -> io::Result<()> {
        match self.other {
            Some((user, group)) => std::os::unix::fs::chown(folder, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// Where a cluster that was initialised once is kept. Never a folder that anybody could have prepared for us.
    fn cache(&self) -> Option<PathBuf> {
        let base = match self.other {
            Some(_) => PathBuf::from("/var/cache/switchback"),
            None => match std::env::var_os("XDG_CACHE_HOME") {
                Some(base) => PathBuf::from(base).join("switchback"),
                None => std::env::home_dir()?.join(".cache").join("switchback"),
            },
        };
        fs::create_dir_all(&base).ok()?;
        let own = base.join(format!("servers-{}", self.id));
        match fs::DirBuilder::new().mode(0o700).create(&own) {
            Ok(()) => self.own(&own).ok()?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) => return None,
        }
        let meta = fs::symlink_metadata(&own).ok()?;
        (meta.is_dir() && meta.uid() == self.id && meta.mode() & 0o077 == 0).then_some(own)
    }
}

/// Installed binaries of a server.
struct Binaries {
    folder: PathBuf,
    version: String,
}

impl Binaries {
    /// The newest ones.
    fn find() -> Result<Self> {
        let mut folders = Vec::new();
        for (parent, inner) in
            [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin"), ("/usr", "bin")]
        {
            let entries = fs::read_dir(parent).into_iter().flatten().flatten();
            folders.extend(entries.map(|entry| entry.path().join(inner)));
        }
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        folders.retain(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file());
        let found = folders.into_iter().filter_map(|folder| {
            let said = Command::new(folder.join("initdb")).arg("--version").output().ok()?;
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            let version = said.split(' ').find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
            let version = version.trim().to_owned();
            let number: Vec<u32> = version.split('.').map(|part| part.parse().unwrap_or(0)).collect();
            Some((number, Binaries { folder, version }))
        });
        found.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, binaries)| binaries).ok_or_else(|| {
            Fault::refused("no PostgreSQL server is installed here for a throw-away one")
                .help("install the server's package, or use `--shadow server` or `shadow = URL`")
        })
    }

    /// Puts a fresh cluster into `data`: a copy of one that was initialised once, as that costs seconds.
    fn fill(&self, user: &User, data: &Path) -> Result<()> {
        let Some(cache) = user.cache() else { return self.initialise(user, data) };
        let kept = cache.join(format!("postgres-{}", self.version));
        if !kept.join("PG_VERSION").exists() {
            let fresh = cache.join(format!("new-{:016x}", RandomState::new().hash_one(std::process::id())));
            self.initialise(user, &fresh)?;
            // Somebody else may have been quicker; theirs is as good.
            if fs::rename(&fresh, &kept).is_err() {
                let _ = fs::remove_dir_all(&fresh);
            }
        }
        done(
            user.command(Path::new("cp")).arg("-R").arg(&kept).arg(data),
            "the throw-away server's files cannot be copied",
        )
    }

    fn initialise(&self, user: &User, data: &Path) -> Result<()> {
        let what = "the throw-away server cannot be initialised";
        let with = |locale: &str| {
            let mut command = user.command(&self.folder.join("initdb"));
            command.args([
                "-A",
                "trust",
                "--no-sync",
                "-U",
                "postgres",
                "--encoding=UTF8",
                "--wal-segsize=1",
                "--locale",
                locale,
            ]);
            done(command.arg("-D").arg(data), what)
        };
        with("C.UTF-8").or_else(|_| with("C"))
    }
}

fn done(command: &mut Command, what: &str) -> Result<()> {
    let output = command.output().map_err(|error| Fault::io(what, &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(said.lines().map(str::to_owned).fold(Fault::refused(what), Fault::cause))
}
