//! A disk that is full, what can only be read, and rights that are revoked in the middle: the tool says so, nothing is lost, and the
//! run behind it ends where the undisturbed one did.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;
#[path = "common/servers.rs"]
mod servers;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::login::Login;
use common::{Connection, Kind, Output, Sandbox, figure, is_long, until};
use course::{Course, End, Going, project, settle, with_database};
use servers::{Server, is_root};
use tempfile::TempDir;

/// A small disk of the test's own.
struct Disk {
    path: PathBuf,
    _folder: TempDir,
}

impl Disk {
    /// `None`, said aloud, where nobody may mount one.
    fn new(kib: usize) -> Option<Disk> {
        if !is_root() {
            // Past the test harness, which keeps what a test says that passes.
            let said = "\nNOT TRIED: only root may mount a small disk, so no full disk was tried; run this as root\n";
            let _ = std::io::stderr().write_all(said.as_bytes());
            return None;
        }
        let folder = tempfile::Builder::new().prefix("sbt-disk").tempdir_in("/tmp").expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder for all");
        let path = folder.path().join("disk");
        fs::create_dir(&path).expect("a folder");
        mount(&["-t", "tmpfs", "-o", &format!("size={kib}k,mode=755"), "tmpfs"], &path);
        Some(Disk { path, _folder: folder })
    }

    fn free_kib(&self) -> usize {
        let told = Command::new("df").args(["--output=avail", "-k"]).arg(&self.path).output().expect("df");
        String::from_utf8_lossy(&told.stdout)
            .lines()
            .last()
            .and_then(|line| line.trim().parse().ok())
            .expect("a number")
    }

    /// Leaves only so much.
    fn fill(&self, kib: usize) {
        let bytes = self.free_kib().saturating_sub(kib) << 10;
        fs::write(self.path.join("filler"), vec![0; bytes]).expect("it fits");
    }

    fn empty(&self) {
        fs::remove_file(self.path.join("filler")).expect("what filled it");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// A disk cannot be made read-only while somebody is about to close a file there.
fn mount(args: &[&str], path: &Path) {
    let mounted = || Command::new("mount").args(args).arg(path).output().expect("mount").status.success();
    until("the mount", mounted);
}

/// Tables, rows that need room, and a script without a transaction.
fn roomy_project(sandbox: &Sandbox) {
    let rows = |from: usize| {
        let row = |n: usize| format!("({n}, '{}')", format!("{n:08}").repeat(250));
        (from..from + 100).map(row).collect::<Vec<_>>().join(", ")
    };
    sandbox.migration("1_a", "CREATE TABLE a (id integer, v varchar(2000));\n", "DROP TABLE a;\n");
    let more = format!("CREATE TABLE b (id integer, v varchar(2000));\nINSERT INTO b VALUES {};\n", rows(0));
    sandbox.migration(
        "2_rows",
        &format!("INSERT INTO a VALUES {};\n{more}", rows(0)),
        "DROP TABLE b;\nDELETE FROM a;\n",
    );
    let own = format!(
        "CREATE TABLE c (id integer, v varchar(2000));\nINSERT INTO c VALUES {};\nCREATE INDEX ci ON c (id);\nUPDATE c SET id = id + 1;\n",
        rows(0)
    );
    sandbox.migration("3_own", &own, "DROP TABLE c;\n");
    sandbox.write("migrations/3_own/migration.toml", "transaction = \"off\"\n");
    sandbox.migration("4_b", "CREATE TABLE d (id integer);\n", "DROP TABLE d;\n");
    settle(sandbox);
}

/// Waits for a run that may itself wait for room; makes room when it takes long.
fn with_room_at_last(mut run: common::Running, disk: &Disk) -> Output {
    let begun = Instant::now();
    while !run.has_ended() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    disk.empty();
    run.wait()
}

/// Fills the disk to several degrees before a run on it; `place` makes a fresh database there and gives its URL.
///
/// A server may itself end over it; `mend` starts it again then, and says so.
fn full_disks(
    sandbox: &Sandbox,
    disk: &Disk,
    rooms: &[usize],
    place: impl Fn(usize) -> String,
    mut mend: impl FnMut() -> bool,
) {
    let run = |url: &str| sandbox.start_with(Going::Up.args(), &[("DATABASE_URL", url)]);
    let undisturbed = place(0);
    run(&undisturbed).wait().ok();
    let end = End::of(sandbox.kind, &undisturbed);
    let (mut refused, mut ended) = (0, 0);
    for (at, room) in rooms.iter().enumerate() {
        let url = place(at + 1);
        disk.fill(*room);
        let disturbed = with_room_at_last(run(&url), disk);
        assert!(matches!(disturbed.code, 0 | 1 | 3 | 4), "{room} KiB: {disturbed:?}");
        let has_ended = mend();
        ended += usize::from(has_ended);
        if disturbed.code != 0 {
            refused += 1;
            let said = disturbed.all().to_lowercase();
            let is_told = ["full", "no space", "no more room", "disk i/o", "could not write", "could not extend"]
                .iter()
                .any(|word| said.contains(word));
            assert!(is_told || has_ended, "{room} KiB: it does not say why: {disturbed:?}");
        }
        let again = run(&url).wait();
        assert_eq!(again.code, 0, "{room} KiB: {}\nbefore: {}", again.all(), disturbed.all());
        assert_eq!(End::of(sandbox.kind, &url), end, "{room} KiB\nbefore: {}", disturbed.all());
        sandbox.run_with(&["log", "--verify"], &[("DATABASE_URL", &url)]).ok();
    }
    figure(
        &format!("full disks, {:?}", sandbox.kind),
        &format!("{0} / {0} ({refused} refused, the server ended {ended} times)", rooms.len()),
    );
    assert!(refused > 0, "the disk was never full");
}

#[test]
fn i4_a_full_disk_loses_nothing_sqlite() {
    let Some(disk) = Disk::new(4096) else { return };
    let sandbox = Sandbox::new(Kind::Sqlite);
    roomy_project(&sandbox);
    let rooms: Vec<usize> =
        if is_long() { (0..120).map(|at| at * 25).collect() } else { vec![0, 20, 100, 300, 450, 600] };
    let place = |at| {
        let path = disk.path.join("app.db");
        for tail in ["", "-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{tail}", path.display()));
        }
        if at == 0 {
            format!("sqlite:{}", sandbox.home().join("undisturbed.db").display())
        } else {
            format!("sqlite:{}", path.display())
        }
    };
    full_disks(&sandbox, &disk, &rooms, place, || false);
}

#[test]
fn i4_a_full_disk_loses_nothing_postgres() {
    let Some(disk) = Disk::new(64 << 10) else { return };
    let server = Server::start(Kind::Postgres);
    assert!(Command::new("chown").arg("postgres:").arg(&disk.path).status().expect("chown").success());
    let mut admin = Connection::open(&server.url());
    admin.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.path.display()));
    let sandbox = Sandbox::on(Kind::Postgres, server.url().parse().expect("a URL"));
    roomy_project(&sandbox);
    let rooms: Vec<usize> = if is_long() { (0..30).map(|at| at * 60).collect() } else { vec![0, 200, 500, 900] };
    let place = |at| {
        let mut admin = Connection::open(&server.url());
        admin.sql("DROP DATABASE IF EXISTS app WITH (FORCE)");
        let name = if at == 0 { "undisturbed" } else { "app" };
        admin.sql(&format!("CREATE DATABASE {name} TEMPLATE template0 TABLESPACE small"));
        with_database(&server.url(), name)
    };
    full_disks(&sandbox, &disk, &rooms, place, || false);
}

#[test]
fn i4_a_full_disk_loses_nothing_mariadb() {
    let Some(disk) = Disk::new(400 << 10) else { return };
    let folder = tempfile::Builder::new().prefix("sbt-server").tempdir_in("/tmp").expect("a folder");
    let mut server = Server::start_in(Kind::Mysql, &[], folder, disk.path.join("data"));
    let address = server.url();
    let sandbox = Sandbox::on(Kind::Mysql, server.url().parse().expect("a URL"));
    roomy_project(&sandbox);
    let rooms: Vec<usize> = if is_long() { (0..16).map(|at| at * 100).collect() } else { vec![100, 500] };
    let place = |at| {
        let mut admin = Connection::open(&address);
        admin.sql("DROP DATABASE IF EXISTS app");
        let name = if at == 0 { "undisturbed" } else { "app" };
        admin.sql(&format!("CREATE DATABASE {name}"));
        with_database(&address, name)
    };
    full_disks(&sandbox, &disk, &rooms, place, || {
        let has_ended = !server.is_running();
        if has_ended {
            server.restart(&[]);
        }
        has_ended
    });
}

#[test]
fn a_file_system_that_can_only_be_read_is_told_and_nothing_is_done() {
    let Some(disk) = Disk::new(4096) else { return };
    let sandbox = Sandbox::new(Kind::Sqlite);
    roomy_project(&sandbox);
    let url = format!("sqlite:{}", disk.path.join("app.db").display());
    let on_disk = [("DATABASE_URL", url.as_str())];
    sandbox.run_with(&["up", "--locked", "--steps", "1"], &on_disk).ok();
    let before = End::of(Kind::Sqlite, &url);
    mount(&["-o", "remount,ro"], &disk.path);
    sandbox.run_with(&["status"], &on_disk).ok();
    sandbox.run_with(Going::Up.args(), &on_disk).exits(3).says("can only be read");
    sandbox.run_with(Going::Down.args(), &on_disk).exits(3).says("can only be read");
    mount(&["-o", "remount,rw"], &disk.path);
    assert_eq!(End::of(Kind::Sqlite, &url), before);
    sandbox.run_with(Going::Up.args(), &on_disk).ok();
}

/// Something that is taken from the account of a run in the middle of it, and given back.
struct Taken<'a> {
    what: &'a str,
    take: &'a dyn Fn(&str),
    give: &'a dyn Fn(&str),
}

/// Takes it at points spread over a run as an account of its own.
fn taken_in_the_middle(server: &Server, taken: &Taken) {
    let sandbox = Sandbox::on(server.kind, server.url().parse().expect("a URL"));
    project(&sandbox, 4);
    let login =
        Login::new(&sandbox, "pass word", if server.kind == Kind::Postgres { "NOSUPERUSER" } else { "ALL PRIVILEGES" });
    let admin = |text: &str| drop(Connection::open(&server.url()).sql(text));
    // Its rights come with the ownership of the database, so that shadows have them too.
    let owned = |name: &str| match server.kind {
        Kind::Postgres => admin(&format!("ALTER DATABASE {name} OWNER TO {}", login.name)),
        _ => admin(&format!("GRANT ALL PRIVILEGES ON {name}.* TO {}", login.name)),
    };
    owned(&sandbox.name);
    // Shadows are made by somebody who may.
    let shadow = ("SWITCHBACK_SHADOW", sandbox.url.clone());
    let as_login = |url: &str| with_database(&login.url, url.rsplit('/').next().unwrap_or_default());
    sandbox.run_with(&["up", "--locked", "--steps", "1"], &[("DATABASE_URL", &login.url), (shadow.0, &shadow.1)]).ok();
    let course = Course::new(&sandbox, Going::Up, taken.what);
    let undisturbed = course.copy();
    owned(&undisturbed.name);
    let variables = |url: &str| [("DATABASE_URL".to_owned(), as_login(url)), (shadow.0.to_owned(), shadow.1.clone())];
    let run = |url: &str, fault: Option<String>| {
        let mut all: Vec<(String, String)> = variables(url).to_vec();
        all.extend(fault.map(|fault| ("SWITCHBACK_FAULT".to_owned(), fault)));
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        sandbox.start_with(Going::Up.args(), &all)
    };
    run(&undisturbed.url, None).wait().ok();
    let end = End::of(server.kind, &undisturbed.url);
    let last = course.points.len();
    let (mut tried, mut refused) = (0, 0);
    for point in (2..=last).step_by(if is_long() { 3 } else { (last / 4).max(1) }) {
        let copy = course.copy();
        owned(&copy.name);
        let at = format!("{} at {}", taken.what, course.points[point - 1]);
        let running = run(&copy.url, Some(format!("stop@{point}")));
        until("its stop", || running.is_stopped());
        (taken.take)(&format!("{} {}", copy.name, login.name));
        running.signal("CONT");
        let disturbed = running.wait();
        (taken.give)(&format!("{} {}", copy.name, login.name));
        tried += 1;
        refused += usize::from(disturbed.code != 0);
        assert!(matches!(disturbed.code, 0 | 1 | 3 | 4), "{at}: {disturbed:?}");
        assert!(disturbed.code == 0 || disturbed.all().contains("error: "), "{at}: {disturbed:?}");
        let again = run(&copy.url, None).wait();
        assert_eq!(again.code, 0, "{at}: {}\nbefore: {}", again.all(), disturbed.all());
        assert_eq!(End::of(server.kind, &copy.url), end, "{at}\nbefore: {}", disturbed.all());
    }
    figure(taken.what, &format!("{tried} / {tried} ({refused} refused)"));
    assert!(refused > 0, "{}: nobody noticed", taken.what);
}

#[test]
fn i4_rights_that_are_revoked_in_the_middle_lose_nothing() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let server = Server::start(Kind::Postgres);
            let run = |text: &str, names: &str| {
                let (database, login) = names.split_once(' ').expect("two names");
                let url = with_database(&server.url(), database);
                drop(Connection::open(&url).sql(&text.replace("{login}", login).replace("{database}", database)));
            };
            let take = |names: &str| run("REVOKE ALL ON SCHEMA public FROM pg_database_owner", names);
            let give = |names: &str| run("GRANT ALL ON SCHEMA public TO pg_database_owner", names);
            taken_in_the_middle(&server, &Taken { what: "rights revoked, PostgreSQL", take: &take, give: &give });
        });
        scope.spawn(|| {
            let server = Server::start(Kind::Mysql);
            let run = |text: &str, names: &str| {
                let (database, login) = names.split_once(' ').expect("two names");
                drop(
                    Connection::open(&server.url())
                        .sql(&text.replace("{login}", login).replace("{database}", database)),
                );
            };
            let take = |names: &str| run("REVOKE ALL PRIVILEGES ON {database}.* FROM {login}", names);
            let give = |names: &str| run("GRANT ALL PRIVILEGES ON {database}.* TO {login}", names);
            taken_in_the_middle(&server, &Taken { what: "rights revoked, MariaDB", take: &take, give: &give });
            let take = |_: &str| drop(Connection::open(&server.url()).sql("SET GLOBAL read_only = 1"));
            let give = |_: &str| drop(Connection::open(&server.url()).sql("SET GLOBAL read_only = 0"));
            taken_in_the_middle(&server, &Taken { what: "server made read-only, MariaDB", take: &take, give: &give });
        });
    });
}
