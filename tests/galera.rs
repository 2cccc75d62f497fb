//! A Galera cluster: its nodes' own locks hold nobody off, so the lease does. Runners on both nodes, killed ones, and sleepers: each
//! step is done once, and whoever lost the lease writes nothing.
//!
//! One cluster for all cases, which run at the same time: a lease that is silent is taken over after 90 s. `SWITCHBACK_LONG=1`
//! (tests/long) lets runners sleep and die at every point, and has DDL that keeps the cluster from writing for a minute.

mod common;

#[path = "common/course.rs"]
mod course;
#[path = "common/ddl.rs"]
mod ddl;
#[path = "common/galera.rs"]
mod galera;
#[path = "common/servers.rs"]
mod servers;

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Kind, Output, Running, Sandbox, figure, is_long, until};
use course::{Copy, Course, End, Going, project, settle};
use galera::Cluster;
use switchback::engine::mysql::Mysql;
use switchback::engine::{Access, Claim, DbErrorKind, Engine, Names, Tried};
use switchback::sql::Flavor;
use switchback::target::Target;

/// What is tried, and its name.
type Case = (&'static str, fn(&Field));

/// Longer than a lease outlasts its run.
const LONG_ENOUGH: [&str; 2] = ["--lock-wait", "300"];

/// What all cases have: a cluster, and a project that goes up from nothing.
struct Field<'a> {
    cluster: &'a Cluster,
    course: &'a Course<'a>,
}

impl Field<'_> {
    /// A copy that both nodes have: whoever opens a database does not wait for what other nodes have committed.
    fn copy(&self) -> Copy {
        let copy = self.course.copy();
        let url = self.cluster.url(1, "tester", &copy.name);
        until("the copy on the other node", || common::Connection::try_open(&url).is_ok());
        copy
    }

    /// A run on a node; node 0 is the one that copies are made on.
    fn start(&self, copy: &Copy, node: usize, args: &[&str], fault: &str) -> Running {
        let url = self.cluster.url(node, "tester", &copy.name);
        let mut variables = vec![("DATABASE_URL", url.as_str())];
        if !fault.is_empty() {
            variables.push(("SWITCHBACK_FAULT", fault));
        }
        self.course.sandbox.start_with(args, &variables)
    }

    fn up(&self, copy: &Copy, node: usize, fault: &str) -> Running {
        self.start(copy, node, &[Going::Up.args(), &LONG_ENOUGH].concat(), fault)
    }

    /// The database as a node has it, behind everything that any has committed.
    fn end(&self, copy: &Copy, node: usize) -> End {
        self.cluster.settle();
        End::of(Kind::Mysql, &self.cluster.url(node, "tester", &copy.name))
    }

    /// Fails where a database is not as the undisturbed run has left its own, on either node.
    #[track_caller]
    fn require_end(&self, copy: &Copy, what: &str) {
        for node in [0, 1] {
            assert_eq!(self.end(copy, node), self.course.end, "{what}, on node {node}");
        }
        assert_eq!(self.course.wrong(copy), None, "{what}");
    }

    /// The points of the course whose line has these words.
    fn points(&self, words: &str) -> Vec<usize> {
        let all = self.course.points.iter().enumerate();
        all.filter(|(_, line)| line.contains(words)).map(|(at, _)| at + 1).collect()
    }
}

/// A project with a database on node 0. Under root its shadows run as another user, who has to get in.
fn sandbox(cluster: &Cluster) -> Sandbox {
    let sandbox = Sandbox::on(Kind::Mysql, cluster.url(0, "tester", "mysql").parse().expect("a URL"));
    let folder = sandbox.root().parent().expect("a folder").to_owned();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("a folder for all");
    sandbox
}

/// Waits longer than other tests do: a lease outlasts its run by 90 s.
#[track_caller]
fn wait(mut run: Running) -> Output {
    let begun = Instant::now();
    while !run.has_ended() && begun.elapsed() < Duration::from_secs(300) {
        std::thread::sleep(Duration::from_millis(20));
    }
    run.wait()
}

#[test]
fn i5_on_a_cluster_each_step_is_done_once_and_whoever_lost_the_lease_writes_nothing() {
    let cluster = Cluster::start();
    let sandbox = sandbox(&cluster);
    project(&sandbox, 3);
    // A view that is made again: DDL that comes too late shows.
    let view = |columns: &str| format!("CREATE OR REPLACE VIEW seen AS SELECT {columns} FROM base;\n");
    sandbox.migration("09_seen", &view("id, n"), &view("id"));
    settle(&sandbox);
    let course = Course::new(&sandbox, Going::Up, "a cluster");
    let field = Field { cluster: &cluster, course: &course };
    let cases: [Case; 9] = [
        ("a transaction that is undone", undone),
        ("a transaction that is overtaken", overtaken),
        ("many runners", many_runners),
        ("a runner that is killed", killed),
        ("a runner that sleeps", sleepers),
        ("the lock as each node sees it", lock),
        ("writes of others", conflicts),
        ("DDL of others while somebody looks", looks),
        ("an account without rights on the server", plain),
    ];
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let field = &field;
        let start = |&(name, case): &Case| (name, scope.spawn(move || case(field)));
        let started: Vec<_> = cases.iter().map(start).collect();
        started.into_iter().filter_map(|(name, case)| case.join().is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "failed: {failed:?}");
    if is_long() {
        long_ddl(&field);
    }
}

/// 16 runners on both nodes, on an empty database and where a part is done.
fn many_runners(field: &Field) {
    let (count, times) = if is_long() { (32, 10) } else { (16, 1) };
    for steps in ["0", "3"].repeat(times) {
        let copy = field.copy();
        if steps != "0" {
            let some = [Going::Up.args(), &["--steps", steps]].concat();
            wait(field.start(&copy, 1, &some, "")).ok();
        }
        let started: Vec<Running> = (0..count).map(|at| field.up(&copy, at % 2, "")).collect();
        started.into_iter().for_each(|run| _ = wait(run).ok());
        field.require_end(&copy, &format!("{count} runners, {steps} steps done"));
    }
}

/// Each runner is killed at a point of its own; one on the other node takes over, and tells what it waits for.
fn killed(field: &Field) {
    let last = field.course.points.len();
    let points: Vec<usize> =
        if is_long() { (1..=last).step_by(3).collect() } else { vec![last / 4, last / 2, last - last / 5] };
    in_groups(&points, |point| {
        let copy = field.copy();
        let what = format!("killed at {}", field.course.points[point - 1]);
        let killed = wait(field.up(&copy, 0, &format!("kill@{point}")));
        assert_eq!(killed.code, -1, "{what}: {killed:?}");
        let hasty = field.start(&copy, 1, &[Going::Up.args(), &["--lock-wait", "40"]].concat(), "");
        let patient = wait(field.up(&copy, 1, ""));
        let hasty = wait(hasty);
        assert_eq!(patient.code, 0, "{what}: {patient:?}");
        if hasty.code != 0 {
            hasty.exits(5).says("no sign of life has come from it for").says("`--lock-wait 120`");
        }
        field.require_end(&copy, &what);
    });
}

/// Each runner is stopped at a point of its own until another has taken over on the other node and done it all.
fn sleepers(field: &Field) {
    // Between the fence and DDL that nothing fences, and wherever.
    let (bare, last) = (field.points("before run "), field.course.points.len());
    let mut points = vec![field.points("before run CREATE OR REPLACE VIEW seen AS SELECT id FROM")[0]];
    points.extend(if is_long() { (1..=last).collect() } else { vec![last / 3, last / 5, last * 3 / 4] });
    points.extend(bare.into_iter().step_by(if is_long() { 1 } else { 6 }));
    let late = AtomicBool::new(false);
    in_groups(&points, |point| {
        let copy = field.copy();
        let what = format!("asleep at {}", field.course.points[point - 1]);
        let asleep = field.up(&copy, 0, &format!("stop@{point}"));
        until("its sleep", || asleep.is_stopped());
        let other = wait(field.up(&copy, 1, ""));
        assert_eq!(other.code, 0, "{what}: {other:?}");
        field.require_end(&copy, &what);
        let before = field.end(&copy, 0);
        asleep.signal("CONT");
        let woken = wait(asleep);
        late.fetch_or(woken.code != 0, Ordering::Relaxed);
        assert!(matches!(woken.code, 0 | 3 | 4 | 5 | 6), "{what}: woken: {woken:?}");
        assert_eq!(field.end(&copy, 0), before, "{what}: it wrote when it woke: {woken:?}");
        field.require_end(&copy, &what);
    });
    assert!(late.load(Ordering::Relaxed), "nobody was too late");
}

/// A transaction that stands behind its fence when the other node takes the lease over does not commit, nor does one that comes later
/// see a token of its own.
fn overtaken(field: &Field) {
    let copy = field.copy();
    wait(field.start(&copy, 0, &[Going::Up.args(), &["--steps", "1"]].concat(), "")).ok();
    let names = Names::new(Flavor::Mysql, None);
    let target = |node: usize| Target::parse(&field.cluster.url(node, "tester", &copy.name)).expect("a URL");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let open = async |node: usize| Mysql.open(&target(node), Access::ReadWrite).await.expect("a session");
        let (mut first, mut second) = (open(0).await, open(1).await);
        let texts = Mysql.texts(first.server());
        let claim = |run: &'static str| Claim { names: &names, run, silent: None };
        let take = [Some("a"), Some("a"), Some("h"), Some("1"), Some("up"), Some("1:a")];
        assert!(matches!(Mysql.try_lock(&mut *first, &claim("a")).await.expect("a try"), Tried::Taken(_)));
        let lease_take = names.fill(texts.lease_take);
        let token = first.rows(&lease_take, &take).await.expect("the lease");
        let Tried::Held(Some(pulse)) = Mysql.try_lock(&mut *second, &claim("b")).await.expect("a try") else {
            panic!("two have the lock");
        };
        // Whoever beats is not silent: a claim on an old sign of life takes nothing.
        assert!(Mysql.beat(&mut *first, &claim("a")).await.expect("a beat"));
        let late = Claim { silent: Some(&pulse), ..claim("b") };
        let Tried::Held(Some(pulse)) = Mysql.try_lock(&mut *second, &late).await.expect("a try") else {
            panic!("the lock of a run that beats was taken");
        };
        let begin = [texts.begin, &names.fill(texts.fence), "UPDATE base SET n = 77"].concat();
        let fenced = first.batch(&begin).await.expect("a fence");
        assert_eq!(fenced[0][0], token[0][0], "{fenced:?}");
        let late = Claim { silent: Some(&pulse), ..claim("b") };
        assert!(matches!(Mysql.try_lock(&mut *second, &late).await.expect("a try"), Tried::Taken(_)));
        let refused = [Some("c"), Some("a"), Some("h"), Some("1"), Some("up"), Some("1:a")];
        assert_eq!(second.rows(&lease_take, &refused).await.expect("an answer"), [[None]], "only who has the lock");
        let mine = [Some("b"), Some("a"), Some("h"), Some("1"), Some("up"), Some("1:b")];
        second.rows(&lease_take, &mine).await.expect("the lease");
        let ended = first.batch("COMMIT").await.expect_err("it was overtaken");
        assert_eq!(ended.kind, DbErrorKind::Conflict, "{ended}");
        assert!(!Mysql.beat(&mut *first, &claim("a")).await.expect("a beat"), "it has the lock no more");
        let mut third = open(0).await;
        let fenced = third.batch(&[texts.begin, &names.fill(texts.fence)].concat()).await.expect("a fence");
        assert_ne!(fenced[0][0], token[0][0], "{fenced:?}");
        third.batch("ROLLBACK").await.expect("its end");
        assert!(second.batch("SELECT id FROM base WHERE n = 77").await.expect("rows").is_empty());
    });
}

/// However many statements are sent at once: of a transaction that another node's write undoes, nothing takes effect.
fn undone(field: &Field) {
    let copy = field.copy();
    let target = |node: usize| Target::parse(&field.cluster.url(node, "tester", &copy.name)).expect("a URL");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let over = AtomicBool::new(false);
    let application = async {
        let mut session = Mysql.open(&target(1), Access::ReadWrite).await.expect("a session");
        for write in 0.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let _ =
                session.batch(&format!("UPDATE rows300 SET other = other + 1 WHERE id = {}", write % 300 + 1)).await;
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    };
    let run = async {
        let mut session = Mysql.open(&target(0), Access::ReadWrite).await.expect("a session");
        let make = "CREATE TABLE rows300 (id integer PRIMARY KEY, n integer, other integer); \
                    INSERT INTO rows300 SELECT seq, 0, 0 FROM seq_1_to_300; \
                    CREATE TABLE told (id integer PRIMARY KEY, n integer); INSERT INTO told VALUES (1, 0)";
        session.batch(make).await.expect("tables");
        let (mut undone, count) = (0, if is_long() { 5000 } else { 300 });
        for _ in 0..count {
            let mut parts = [
                "START TRANSACTION",
                "UPDATE rows300 SET n = n + 1",
                "SET @a = 1; SET @b = 2; UPDATE told SET n = n + 1; COMMIT",
            ]
            .into_iter();
            let refused = loop {
                let Some(part) = parts.next() else { break None };
                if let Err(error) = session.batch(part).await {
                    break Some(error.kind);
                }
            };
            if let Some(kind) = refused {
                assert_eq!(kind, DbErrorKind::Conflict);
                undone += 1;
                session.batch("ROLLBACK").await.expect("its end");
            }
        }
        over.store(true, Ordering::Relaxed);
        let told = session.batch("SELECT MIN(r.n), MAX(r.n), MAX(t.n) FROM rows300 AS r CROSS JOIN told AS t").await;
        (undone, count, told.expect("rows"))
    };
    let ((undone, count, told), ()) = runtime.block_on(async { tokio::join!(run, application) });
    figure("transactions that another node's write undid", &format!("{undone} / {count}"));
    let kept = Some((count - undone).to_string());
    assert_eq!(told, [[kept.clone(), kept.clone(), kept]]);
    assert!(undone > 0, "nothing stood in the way of anything");
}

/// What `lock` says on each node of a run on the first, and how that is ended.
fn lock(field: &Field) {
    let copy = field.copy();
    let point = field.points("before run ")[3];
    let asleep = field.up(&copy, 0, &format!("stop@{point}"));
    until("its sleep", || asleep.is_stopped());
    let at = |node: usize, args: &[&str]| wait(field.start(&copy, node, args, ""));
    at(0, &["lock"]).ok().says("held by ").says("alive: the server has the session").says("its scripts run in session");
    at(1, &["lock"]).ok().says("on node `node1`").says("only that one can tell");
    let breaks = ["lock", "--break", "--yes", "--reason", "it sleeps"];
    at(1, &breaks).exits(1).says("on node `node1`").says("`--lock-wait 120`");
    let stranger = field.cluster.url(0, "plain", &copy.name);
    let seen = field.course.sandbox.run_with(&["lock"], &[("DATABASE_URL", &stranger)]);
    seen.ok().says("may not see (PROCESS)");
    at(0, &breaks).ok().says("the lock is broken");
    at(0, &["lock"]).ok().says("nobody holds the lock");
    // Nobody has to wait for a lease that was broken.
    let short = [Going::Up.args(), &["--lock-wait", "20"]].concat();
    let next = wait(field.start(&copy, 1, &short, ""));
    assert!(next.code == 0, "{next:?}");
    field.require_end(&copy, "behind a broken lock");
    asleep.signal("CONT");
    let woken = wait(asleep);
    assert!(woken.code != 0, "{woken:?}");
    woken.says("the lock of this run was taken");
    field.require_end(&copy, "behind the one that woke");
    // A run that was killed is gone, as its own node can tell.
    wait(field.start(&copy, 0, Going::Down.args(), &format!("kill@{}", field.course.points.len() / 2))).exits(-1);
    until("the end of its sessions", || at(0, &["lock"]).ok().all().contains("left behind by a run that is gone"));
    at(0, &breaks).ok().says("the lease is cleared");
    let down = [Going::Down.args(), &["--lock-wait", "20"]].concat();
    wait(field.start(&copy, 1, &down, "")).ok();
}

/// An application on the other node writes the rows that migrations write.
fn conflicts(field: &Field) {
    let sandbox = sandbox(field.cluster);
    sandbox.migration(
        "01_base",
        "CREATE TABLE base (id integer PRIMARY KEY, n bigint, other bigint);\n\
         INSERT INTO base SELECT seq, 0, 0 FROM seq_1_to_300;\n",
        "DROP TABLE base;\n",
    );
    settle(&sandbox);
    let on_a_node = sandbox.run(&["verify", "--fresh", "--shadow", "server"]).exits(1);
    on_a_node.says("no shadow is made on a node of a Galera cluster").says("`--shadow local`");
    sandbox.run(&["up", "--locked"]).ok();
    let steps = if is_long() { 90 } else { 40 };
    for step in 0..steps {
        let id = format!("{:02}_more", step + 2);
        sandbox.migration(&id, "UPDATE base SET n = n + 1;\n", "UPDATE base SET n = n - 1;\n");
    }
    settle(&sandbox);
    let lost =
        || field.cluster.status(0, "wsrep_local_bf_aborts") + field.cluster.status(0, "wsrep_local_cert_failures");
    let (before, over) = (lost(), AtomicBool::new(false));
    let written = std::thread::scope(|scope| {
        let application = scope.spawn(|| {
            let mut connection = common::Connection::open(&field.cluster.url(1, "tester", &sandbox.name));
            let mut written: u64 = 0;
            while !over.load(Ordering::Relaxed) {
                let id = written % 300 + 1;
                written += u64::from(
                    connection.attempt(&format!("UPDATE base SET other = other + 1 WHERE id = {id}")).is_ok(),
                );
                std::thread::sleep(Duration::from_millis(8));
            }
            written
        });
        let run = wait(sandbox.start(&["up", "--locked", "--accept-loss", "--lock-wait", "100"]));
        over.store(true, Ordering::Relaxed);
        run.ok();
        application.join().expect("no panic")
    });
    figure("transactions that lost against another node's", &(lost() - before).to_string());
    assert!(lost() > before, "nothing stood in the way of anything");
    field.cluster.settle();
    assert_eq!(sandbox.value("SELECT CONCAT(MIN(n), ' ', MAX(n)) FROM base"), format!("{steps} {steps}"));
    assert_eq!(sandbox.value("SELECT SUM(other) FROM base"), written.to_string());
    assert_eq!(sandbox.ledger_count("apply done"), steps + 1);
    sandbox.run(&["log", "--verify"]).ok();
}

/// DDL that comes over the cluster ends what reads its table; whoever only looks asks again.
fn looks(field: &Field) {
    let copy = field.copy();
    wait(field.up(&copy, 0, "")).ok();
    let (here, there) = (field.cluster.url(0, "tester", &copy.name), field.cluster.url(1, "tester", &copy.name));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut connection = common::Connection::open(&there);
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                connection.sql(&format!("ALTER TABLE switchback_ledger COMMENT '{number}'"));
                connection.sql("ALTER TABLE base COMMENT ''");
            }
        });
        let times = if is_long() { 400 } else { 60 };
        let seen = (0..times).map(|at| {
            let args: &[&str] = [&["status"], &["log"] as &[&str], &["lock"]][at % 3];
            field.course.sandbox.run_with(args, &[("DATABASE_URL", &here)])
        });
        let failed: Vec<Output> = seen.filter(|output| output.code != 0).collect();
        over.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "{} of {times}, such as {:?}", failed.len(), failed[0]);
    });
}

/// Own databases are all that an account needs rights on.
fn plain(field: &Field) {
    let copy = field.copy();
    let [here, there] = [0, 1].map(|node| field.cluster.url(node, "plain", &copy.name));
    let run = |args: &[&str], url: &str| field.course.sandbox.run_with(args, &[("DATABASE_URL", url)]);
    run(Going::Up.args(), &here).ok();
    run(&["status"], &there).ok().says("0 pending");
    // A view is its maker's.
    let (end, wanted) = (field.end(&copy, 1), &field.course.end);
    assert_eq!((&end.rows, &end.steps), (&wanted.rows, &wanted.steps));
    run(Going::Down.args(), &there).ok();
    run(&["lock"], &here).ok().says("nobody holds the lock");
}

/// DDL keeps the whole cluster from writing for longer than a beat may be late: its run keeps the lease.
fn long_ddl(field: &Field) {
    let sandbox = sandbox(field.cluster);
    let base = "CREATE TABLE base (id integer PRIMARY KEY, v varchar(64));\n\
                INSERT INTO base SELECT seq, 'v' FROM seq_1_to_ROWS;\n";
    let rows = |count: &str| base.replace("ROWS", count);
    sandbox.migration("01_base", &rows("9"), "DROP TABLE base;\n");
    let slow = "ALTER TABLE base ADD COLUMN s char(128) AS (SHA2(REPEAT(v, 3000000), 512)) STORED;\n";
    sandbox.migration(
        "02_slow",
        &format!("{slow}UPDATE base SET v = 'w' WHERE id = 1;\n"),
        "ALTER TABLE base DROP COLUMN s;\n",
    );
    settle(&sandbox);
    sandbox.run(&["up", "--locked", "--steps", "1"]).ok();
    let begun = Instant::now();
    sandbox.sql("SELECT COUNT(SHA2(REPEAT(v, 3000000), 512)) FROM base, seq_1_to_10");
    // About a minute of it, on whatever machine.
    let last = 10 + (Duration::from_secs(60).as_millis() * 90 / begun.elapsed().as_millis().max(1)).min(20_000);
    sandbox.sql(&format!("INSERT INTO base SELECT seq, 'v' FROM seq_10_to_{last}"));
    let begun = Instant::now();
    let run = sandbox.start(&["up", "--locked", "--accept-loss"]);
    std::thread::sleep(Duration::from_secs(2));
    let url = field.cluster.url(1, "tester", &sandbox.name);
    let other =
        sandbox.start_with(&["up", "--locked", "--accept-loss", "--lock-wait", "280"], &[("DATABASE_URL", &url)]);
    wait(run).ok();
    figure("the longest DDL that kept a cluster from writing", &format!("{} s", begun.elapsed().as_secs()));
    wait(other).ok();
    assert_eq!(sandbox.ledger_count("apply done"), 2);
    sandbox.run(&["log", "--verify"]).ok();
}

/// Some at a time: each has two runs under way.
fn in_groups(points: &[usize], case: impl Fn(usize) + Sync) {
    for group in points.chunks(12) {
        std::thread::scope(|scope| {
            let case = &case;
            let started: Vec<_> = group.iter().map(|&point| scope.spawn(move || case(point))).collect();
            let failed = started.into_iter().filter_map(|one| one.join().err()).count();
            assert_eq!(failed, 0, "of {}", group.len());
        });
    }
}
