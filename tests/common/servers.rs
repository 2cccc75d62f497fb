//! Servers of the test's own, from installed binaries: on loopback, with their data in a folder that the test chooses, to be killed
//! and started again on the same data.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::common::{Connection, Kind, until};

/// A server of the test's own.
pub struct Server {
    pub kind: Kind,
    pub port: u16,
    /// Where its data is.
    pub data: PathBuf,
    options: Vec<String>,
    process: Option<Child>,
    log: PathBuf,
    /// Goes last.
    _folder: TempDir,
}

impl Server {
    /// With its data in memory, where there is such a folder.
    pub fn start(kind: Kind) -> Server {
        Server::start_with(kind, &[])
    }

    /// The same with more options.
    pub fn start_with(kind: Kind, options: &[&str]) -> Server {
        let folder = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
        let folder = tempfile::Builder::new().prefix("sbt-server").tempdir_in(folder).expect("a folder");
        let data = folder.path().join("data");
        Server::start_in(kind, options, folder, data)
    }

    /// With its data in a folder that is to be made.
    pub fn start_in(kind: Kind, options: &[&str], folder: TempDir, data: PathBuf) -> Server {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder for all");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let log = folder.path().join("log");
        fs::create_dir(&data).expect("a folder");
        let mut server = Server { kind, port, data, options: owned(options), process: None, log, _folder: folder };
        server.make();
        server.run();
        server
    }

    pub fn url(&self) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            _ => format!("mysql://root@127.0.0.1:{}/mysql", self.port),
        }
    }

    fn make(&self) {
        let (user, temporary) = (self.user(), self.data.with_extension("tmp"));
        fs::create_dir(&temporary).expect("a folder");
        for folder in [&self.data, &temporary] {
            if is_root() {
                let owned = Command::new("chown").arg(format!("{user}:")).arg(folder).status();
                assert!(owned.expect("chown").success());
            }
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("a folder of its own");
        }
        let mut making = match self.kind {
            Kind::Postgres => {
                let mut making = self.program(&postgres_folder().join("initdb"));
                making.arg("--pgdata").arg(&self.data).args(["--username=postgres", "--auth=trust", "--encoding=UTF8"]);
                making.args(["--locale=C.UTF-8", "--no-sync"]);
                making
            }
            _ => {
                let mut making = self.program(Path::new("mariadb-install-db"));
                making.arg("--no-defaults").arg(format!("--datadir={}", self.data.display()));
                making.args(["--skip-test-db", "--auth-root-authentication-method=normal"]);
                making
            }
        };
        let made = making.output().expect("the server's programs are installed (`tests/run` sees to that)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Begins on the data that is there, and waits until it lets us in.
    fn run(&mut self) {
        let data = self.data.display();
        let mut running = match self.kind {
            Kind::Postgres => {
                let mut running = self.program(&postgres_folder().join("postgres"));
                running.arg("-D").arg(&self.data).arg("-p").arg(self.port.to_string());
                // What was written is there after the end of a process, synchronised or not.
                let options =
                    ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=50"];
                options.iter().for_each(|option| _ = running.arg("-c").arg(option));
                running
            }
            _ => {
                let mut running = self.program(&sbin("mariadbd"));
                running.arg("--no-defaults").arg(format!("--datadir={data}")).arg(format!("--port={}", self.port));
                running.arg("--bind-address=127.0.0.1").arg(format!("--socket={data}/socket"));
                running.arg(format!("--pid-file={data}/pid")).args(["--skip-log-bin", "--skip-name-resolve"]);
                running.args([
                    "--innodb-flush-log-at-trx-commit=2",
                    "--innodb-buffer-pool-size=16M",
                    "--innodb-log-file-size=8M",
                ]);
                running.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"]);
                running
            }
        };
        running.args(&self.options);
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).expect("a log");
        running.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        self.process = Some(running.spawn().expect("the server starts"));
        let url = self.url();
        until("the server's start", || {
            let ended = self.process.as_mut().expect("it was started").try_wait().expect("a status");
            assert!(ended.is_none(), "the server has ended:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
            Connection::try_open(&url).is_ok()
        });
    }

    /// A program as a user that servers run as.
    fn program(&self, program: &Path) -> Command {
        let mut command = as_user(self.user(), program);
        // A server that starts takes temporary tables away that it finds: those of others must not be among them.
        command.env("TMPDIR", self.data.with_extension("tmp"));
        command
    }

    fn user(&self) -> &'static str {
        if self.kind == Kind::Postgres { "postgres" } else { "mysql" }
    }

    /// kill -9 of all its processes.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // None is made while we look for them.
        signal("STOP", &[process.id()]);
        let mut all = children(process.id());
        all.push(process.id());
        signal("KILL", &all);
        process.wait().expect("its end");
        until("the end of its processes", || all.iter().all(|pid| !Path::new("/proc").join(pid.to_string()).exists()));
    }

    /// Whether it has not ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.try_wait().expect("a status").is_none())
    }

    /// Begins again on the same data, with more options than before where there are any.
    pub fn restart(&mut self, options: &[&str]) {
        self.kill();
        self.options = owned(options);
        if self.kind == Kind::Postgres {
            // Of a postmaster that was killed; nobody else uses this folder.
            let _ = fs::remove_file(self.data.join("postmaster.pid"));
        }
        self.run();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn owned(options: &[&str]) -> Vec<String> {
    options.iter().map(|&option| option.to_owned()).collect()
}

/// A program as another user, if we may; it ends with this process, whatever becomes of that.
pub fn as_user(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(program).current_dir("/").process_group(0);
    command
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn signal(name: &str, pids: &[u32]) {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    // One that is gone by now is no failure.
    let _ = Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status().expect("kill");
}

fn children(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        behind.split_whitespace().nth(1) == Some(&parent.to_string())
    };
    all.filter(is_child).collect()
}

fn postgres_folder() -> PathBuf {
    let installed =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let newest = installed.filter(|folder| folder.join("initdb").exists()).max();
    newest.expect("PostgreSQL's own programs are installed (`tests/run` sees to that)")
}

pub fn sbin(name: &str) -> PathBuf {
    let path = Path::new("/usr/sbin").join(name);
    if path.exists() { path } else { PathBuf::from(name) }
}
