//! Shadows on a throw-away server of our own, started from installed binaries.
//!
//! It listens on a Unix socket in a folder of ours and nowhere else, runs as the system user `mysql` where we are root, and
//! holds no account but one of a random name. A small shell stands between: it waits for its input to end, which
//! happens when we are done or dead, however we died; then it stops the server by its pid and takes the folder away.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::super::{Access, Session, Site};
use super::session;
use super::shadow::{self, Reach};
use crate::fault::{Fault, Result};
use crate::sql::Flavor;
use crate::target::{Secret, Target};

const FOLDER_PREFIX: &str = "switchback-mysql-";

/// Where servers are installed besides PATH.
const FOLDERS: &[&str] = &[
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/libexec",
    "/usr/local/mysql/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/usr/bin",
];

/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Waits for the end of its input, then ends the server and removes the folder.
const KEEPER: &str = include_str!("keeper.sh");

/// The one server of this process, while it has shadows.
static SERVER: Mutex<Option<LocalServer>> = Mutex::const_new(None);

struct LocalServer {
    keeper: Child,
    folder: PathBuf,
    admin: Target,
    shadows: usize,
}

/// Makes a shadow, with this character set and collation, on our own server of this kind, `mysql` or `mariadb`, which is started if it does not run yet. A process works for
/// targets of one kind.
///
/// # Errors
/// When no such server is installed, or it does not start: the fault holds the end of its log.
pub async fn create_shadow(engine: &str, with: &[String]) -> Result<Site> {
    let mut slot = SERVER.lock().await;
    let mut server = match slot.take() {
        Some(server) => server,
        None => start(engine).await?,
    };
    match shadow::create_with(&server.admin, Reach::Server, with).await {
        Ok(site) => {
            server.shadows += 1;
            *slot = Some(server);
            Ok(site)
        }
        Err(fault) => {
            match server.shadows {
                0 => stop(server)?,
                _ => *slot = Some(server),
            }
            Err(fault)
        }
    }
}

/// Drops a shadow of our own server; with the last one the server ends.
pub async fn drop_shadow(name: &str) -> Result<()> {
    let mut slot = SERVER.lock().await;
    let Some(mut server) = slot.take() else {
        return Ok(());
    };
    let dropped = shadow::drop(&server.admin, name).await;
    server.shadows = server.shadows.saturating_sub(1);
    match server.shadows {
        0 => stop(server)?,
        _ => *slot = Some(server),
    }
    dropped
}

/// Removes folders whose keeper could not do it any more (the machine went down); gives their names.
pub fn sweep() -> Result<Vec<String>> {
    let mut swept = Vec::new();
    let owner = own_uid().map_err(|error| Fault::io("cannot tell whose process this is", &error))?;
    let entries =
        fs::read_dir(std::env::temp_dir()).map_err(|error| Fault::io("cannot list temporary files", &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == owner);
        if !name.starts_with(FOLDER_PREFIX) || !ours {
            continue;
        }
        let keeper = fs::read_to_string(entry.path().join("keeper")).unwrap_or_default();
        let young = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
        let abandoned = match keeper.trim() {
            // Made a moment ago, perhaps: its keeper does not run yet.
            "" => young.is_some_and(|age| age > 2 * START_LIMIT),
            pid => !is_running(pid),
        };
        if abandoned && fs::remove_dir_all(entry.path()).is_ok() {
            swept.push(name);
        }
    }
    Ok(swept)
}

/// Whether a process of this machine runs; a machine that cannot tell says yes.
pub fn is_running(pid: &str) -> bool {
    let proc = Path::new("/proc");
    !proc.join("self").exists() || proc.join(pid).exists()
}

/// An installed server.
struct Binary {
    path: PathBuf,
    /// What it says of itself; the key of the cache.
    version: String,
}

impl Binary {
    /// What holds on one kind need not hold on the other, and `mysqld` may be either.
    fn find(engine: &str) -> Result<Binary> {
        let is_mariadb = engine == "mariadb";
        for name in if is_mariadb { &["mariadbd", "mysqld"][..] } else { &["mysqld"] } {
            let fixed = FOLDERS.iter().map(|folder| Path::new(folder).join(name));
            for path in fixed.chain([PathBuf::from(name)]) {
                let told = Command::new(&path).args(["--no-defaults", "--version"]).stdin(Stdio::null()).output();
                let Ok(told) = told.map(|told| if told.status.success() { told.stdout } else { Vec::new() }) else {
                    continue;
                };
                let binary = Binary { path, version: String::from_utf8_lossy(&told).trim().to_owned() };
                if !binary.version.is_empty() && binary.is_mariadb() == is_mariadb {
                    return Ok(binary);
                }
            }
        }
        let (name, package) = if is_mariadb { ("MariaDB", "mariadb-server") } else { ("MySQL", "mysql-server") };
        let fault = Fault::refused(format!("no {name} server is installed here to start a shadow on"));
        Err(fault.help(format!("install {package}, or use `--shadow server` or `--shadow URL`")))
    }

    fn is_mariadb(&self) -> bool {
        self.version.contains("MariaDB")
    }
}

async fn start(engine: &str) -> Result<LocalServer> {
    let binary = Binary::find(engine)?;
    let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", shadow::nonce()));
    private_folder(&folder).map_err(|error| failed("cannot make a folder for the server", &error))?;
    match start_in(&binary, &folder).await {
        Ok(server) => Ok(server),
        Err(fault) => {
            // The keeper removes it as well, when it came so far.
            let _ = fs::remove_dir_all(&folder);
            Err(fault)
        }
    }
}

async fn start_in(binary: &Binary, folder: &Path) -> Result<LocalServer> {
    let io = |error: io::Error| failed("cannot prepare the server's folder", &error);
    let system = system_user().map_err(io)?;
    let template = template(binary, system.as_ref())?;
    copy(&template, &folder.join("data")).map_err(io)?;
    fs::create_dir(folder.join("files")).map_err(io)?;
    let admin = admin(folder);
    write_init(folder, &admin).map_err(io)?;
    if let Some(system) = &system {
        give(folder, system).map_err(io)?;
    }
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(KEEPER).arg("switchback-keeper").arg(folder).arg(&binary.path).args(flags(binary, folder));
    if system.is_some() {
        command.arg("--user=mysql");
    }
    // In a group of its own: Ctrl-C is for us, and we still need the server to drop what we made.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let keeper = command.spawn().map_err(|error| failed("cannot start /bin/sh", &error))?;
    let mut server = LocalServer { keeper, folder: folder.to_owned(), admin, shadows: 0 };
    match wait(&mut server).await {
        Ok(()) => Ok(server),
        Err(fault) => {
            stop(server)?;
            Err(fault)
        }
    }
}

/// Polls until the server lets its administrator in.
async fn wait(server: &mut LocalServer) -> Result<()> {
    let begun = Instant::now();
    loop {
        let error = match session::open(&server.admin, Access::ReadWrite).await {
            Ok(session) => {
                let session: Box<dyn Session> = Box::new(session);
                session.close().await;
                // It held the administrator's password.
                let _ = fs::remove_file(server.folder.join("init.sql"));
                return Ok(());
            }
            Err(error) => error,
        };
        let ended = server.keeper.try_wait().ok().flatten().is_some() || server.folder.join("ended").exists();
        if ended || begun.elapsed() > START_LIMIT {
            let log = fs::read_to_string(server.folder.join("log")).unwrap_or_default();
            let fault = Fault::refused("the throw-away server did not start");
            let lines: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
            let fault = lines.iter().rev().take(3).rev().fold(fault, |fault, line| fault.cause(*line));
            return Err(if lines.is_empty() { fault.cause(error.to_string()) } else { fault });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Ends the server: its keeper sees the end of its input. Waits until it is gone.
fn stop(mut server: LocalServer) -> Result<()> {
    drop(server.keeper.stdin.take());
    server.keeper.wait().map_err(|error| failed("the throw-away server did not end", &error))?;
    Ok(())
}

/// Nothing but what a shadow needs, and nothing that waits for the disk.
fn flags(binary: &Binary, folder: &Path) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut flags = vec![
        "--no-defaults".to_owned(),
        format!("--datadir={}", path("data")),
        format!("--socket={}", path("s")),
        format!("--pid-file={}", path("pid")),
        format!("--log-error={}", path("log")),
        format!("--init-file={}", path("init.sql")),
        format!("--secure-file-priv={}", path("files")),
        format!("--tmpdir={}", path("files")),
    ];
    let plain = [
        "--skip-networking",
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-buffer-pool-size=64M",
        "--innodb-fast-shutdown=2",
        "--performance-schema=0",
        "--local-infile=0",
        "--max-connections=50",
        "--character-set-server=utf8mb4",
    ];
    flags.extend(plain.map(str::to_owned));
    if binary.is_mariadb() {
        flags.push("--innodb-log-file-size=16M".to_owned());
    } else {
        flags.push("--mysqlx=0".to_owned());
    }
    flags
}

/// An account of a name that no script can know.
fn admin(folder: &Path) -> Target {
    Target {
        scheme: "mysql".to_owned(),
        socket: Some(folder.join("s")),
        user: Some(format!("switchback_a_{}", shadow::nonce())),
        password: Some(Secret::new([shadow::nonce(), shadow::nonce()].concat())),
        ..Target::default()
    }
}

fn write_init(folder: &Path, admin: &Target) -> io::Result<()> {
    let user = Flavor::Mysql.ident(admin.user.as_deref().unwrap_or_default());
    let password = admin.password.as_ref().map(Secret::reveal).unwrap_or_default();
    let text = include_str!("local_init.sql");
    let text = text.replace("{user}", &user).replace("{password}", &Flavor::Mysql.literal(password));
    let path = folder.join("init.sql");
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
}

/// The data of a server that was never used, made once per version and kept for the next time.
fn template(binary: &Binary, system: Option<&SystemUser>) -> Result<PathBuf> {
    let io = |error: io::Error| failed("cannot keep the data of a new server", &error);
    let cache = std::env::temp_dir().join(format!("switchback-cache-{}", own_uid().map_err(io)?));
    if let Err(error) = private_folder(&cache)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(io(error));
    }
    let meta = fs::symlink_metadata(&cache).map_err(io)?;
    if !meta.is_dir() || meta.uid() != own_uid().map_err(io)? || meta.mode() & 0o077 != 0 {
        return Err(Fault::refused(format!("`{}` is not ours alone", cache.display())).help("remove it"));
    }
    let key = crate::sha::Sha::of(binary.version.as_bytes());
    let kept = cache.join(format!("mysql-{}", key.short()));
    if kept.exists() {
        return Ok(kept);
    }
    let fresh = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", shadow::nonce()));
    private_folder(&fresh).map_err(io)?;
    let made = install(binary, &fresh, system).and_then(|()| {
        let part = cache.join(format!("part-{}", shadow::nonce()));
        copy(&fresh.join("data"), &part).map_err(io)?;
        match fs::rename(&part, &kept) {
            // Another process was quicker; its copy is as good.
            Err(_) if kept.exists() => fs::remove_dir_all(&part).map_err(io),
            other => other.map_err(io),
        }
    });
    let removed = fs::remove_dir_all(&fresh).map_err(io);
    made?;
    removed?;
    Ok(kept)
}

fn install(binary: &Binary, folder: &Path, system: Option<&SystemUser>) -> Result<()> {
    let io = |error: io::Error| failed("cannot make the data of a new server", &error);
    let data = folder.join("data");
    fs::create_dir(&data).map_err(io)?;
    if let Some(system) = system {
        give(folder, system).map_err(io)?;
    }
    let mut command = if binary.is_mariadb() {
        let mut command = Command::new("mariadb-install-db");
        command.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
        command.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=16M"]);
        command
    } else {
        let mut command = Command::new(&binary.path);
        command.args(["--no-defaults", "--initialize-insecure"]);
        command
    };
    // Ours may be closed to the user that it runs as.
    command.arg(format!("--datadir={}", data.display())).env("TMPDIR", folder);
    if system.is_some() {
        command.arg("--user=mysql");
    }
    let told = command.stdin(Stdio::null()).output().map_err(io)?;
    if told.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&told.stderr).into_owned() + &String::from_utf8_lossy(&told.stdout);
    let fault = Fault::refused("a new server's data could not be made");
    Err(text.lines().filter(|line| line.contains("ERROR")).take(3).fold(fault, |fault, line| fault.cause(line)))
}

/// The system user that a server must run as, since it refuses to be root.
struct SystemUser {
    uid: u32,
    gid: u32,
}

/// `mysql`, where we are root; else nobody but ourselves.
fn system_user() -> io::Result<Option<SystemUser>> {
    if own_uid()? != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let account = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|parts| parts[0] == "mysql");
    let number = |at: usize| account.as_ref()?.get(at)?.parse().ok();
    match (number(2), number(3)) {
        (Some(uid), Some(gid)) => Ok(Some(SystemUser { uid, gid })),
        _ => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "there is no system user `mysql`, and a server refuses to be root",
        )),
    }
}

/// The user that this process runs as: whoever owns a file that it makes.
fn own_uid() -> io::Result<u32> {
    if let Ok(meta) = fs::metadata("/proc/self") {
        return Ok(meta.uid());
    }
    let probe = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", shadow::nonce()));
    private_folder(&probe)?;
    let uid = fs::metadata(&probe).map(|meta| meta.uid());
    fs::remove_dir(&probe)?;
    uid
}

/// A new folder that only its owner can look into; fails when something has that name.
fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    private_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Makes a folder and all in it belong to the system user.
fn give(path: &Path, system: &SystemUser) -> io::Result<()> {
    chown(path, Some(system.uid), Some(system.gid))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), system)?;
        }
    }
    Ok(())
}

fn failed(what: &str, error: &io::Error) -> Fault {
    Fault::io(what, error)
}
