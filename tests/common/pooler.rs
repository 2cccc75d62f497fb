//! A PgBouncer of the test's own, in transaction mode, before the PostgreSQL under test.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::common::{Connection, Kind, until};
use crate::servers::{as_user, is_root, sbin};

/// A pooler that lets everybody in as the server's own user.
pub struct Pooler {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Pooler {
    /// With so many sessions of the server for each database, and more lines of its settings.
    pub fn start(sessions: usize, settings: &str) -> Pooler {
        let folder = tempfile::Builder::new().prefix("sbt-pooler").tempdir_in("/tmp").expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let server = Kind::Postgres.server();
        let (host, user) =
            (server.host_str().filter(|host| !host.is_empty()).unwrap_or("127.0.0.1"), server.username());
        let user = if user.is_empty() { "postgres" } else { user };
        let password = server.password().map(|password| format!(" password={password}")).unwrap_or_default();
        let place = folder.path().display();
        let text = format!(
            "[databases]\n* = host={host} port={} user={user}{password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {place}/users\npool_mode = transaction\n\
             default_pool_size = {sessions}\nmax_client_conn = 500\n{settings}\n",
            server.port().unwrap_or(5432)
        );
        fs::write(folder.path().join("settings"), text).expect("its settings");
        fs::write(folder.path().join("users"), format!("\"{user}\" \"\"\n")).expect("its users");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder for all");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let mut running = as_user(if is_root() { "postgres" } else { "" }, &sbin("pgbouncer"));
        running.arg(folder.path().join("settings"));
        running.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        let process = running.spawn().expect("pgbouncer is installed (`tests/run` sees to that)");
        let mut pooler = Pooler { port, process, _folder: folder };
        until("the pooler's start", || {
            let ended = pooler.process.try_wait().expect("a status");
            let said = fs::read_to_string(pooler._folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the pooler has ended:\n{said}");
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        pooler
    }

    /// The way through the pooler to the database that a URL names.
    pub fn url(&self, direct: &str) -> String {
        let mut url = url::Url::parse(direct).expect("a URL");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(self.port)).expect("a port");
        url.into()
    }

    /// As many connections as there are sessions of the server, each in a transaction, so that each has another of them.
    pub fn sessions(&self, direct: &str, count: usize) -> Vec<Connection> {
        let mut all: Vec<Connection> = (0..count).map(|_| Connection::open(&self.url(direct))).collect();
        all.iter_mut().for_each(|connection| _ = connection.sql("BEGIN"));
        all
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.kill();
    }
}
