//! A Galera cluster of two nodes of the test's own, from installed binaries, on loopback.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::common::{Connection, Kind, unique, until};
use crate::servers::Server;

/// Where packages put the provider.
const PROVIDERS: [&str; 4] = [
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
    "/usr/lib64/galera/libgalera_smm.so",
];

/// Two nodes.
pub struct Cluster {
    nodes: [Server; 2],
    /// Of the accounts that the tests use.
    password: String,
}

impl Cluster {
    pub fn start() -> Cluster {
        let ports: Vec<u16> = free_ports(6);
        let address = format!("gcomm://127.0.0.1:{},127.0.0.1:{}", ports[0], ports[1]);
        let options = |node: usize| {
            let (group, states, snapshot) = (ports[node], ports[2 + node], ports[4 + node]);
            vec![
                "--binlog-format=ROW".to_owned(),
                "--innodb-autoinc-lock-mode=2".to_owned(),
                "--max-connections=300".to_owned(),
                "--wsrep-on=ON".to_owned(),
                format!("--wsrep-provider={}", provider().display()),
                "--wsrep-cluster-name=switchback".to_owned(),
                format!("--wsrep-cluster-address={address}"),
                format!("--wsrep-node-name=node{}", node + 1),
                format!("--wsrep-node-address=127.0.0.1:{group}"),
                format!("--wsrep-sst-receive-address=127.0.0.1:{snapshot}"),
                "--wsrep-sst-method=rsync".to_owned(),
                format!(
                    "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:{group};base_host=127.0.0.1;\
                     base_port={group};ist.recv_addr=127.0.0.1:{states};gcache.size=16M"
                ),
            ]
        };
        let start = |options: Vec<String>| {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            Server::start_with(Kind::Mysql, &options)
        };
        let first = start([options(0), vec!["--wsrep-new-cluster".to_owned()]].concat());
        let second = start(options(1));
        let cluster = Cluster { nodes: [first, second], password: unique("canary").replace('_', "x") };
        until("both nodes", || {
            let mut node = cluster.root(1);
            let facts = node.attempt("SHOW STATUS WHERE variable_name IN ('wsrep_ready', 'wsrep_cluster_size')");
            let facts: Vec<String> = facts.unwrap_or_default().into_iter().filter_map(|mut row| row.pop()?).collect();
            facts == ["2", "ON"]
        });
        let mut root = cluster.root(0);
        for (user, rights) in [("tester", "*.*"), ("plain", "`sbt%`.*")] {
            root.sql(&format!("CREATE USER {user}@'127.0.0.1' IDENTIFIED BY '{}'", cluster.password));
            root.sql(&format!("GRANT ALL ON {rights} TO {user}@'127.0.0.1' WITH GRANT OPTION"));
        }
        cluster
    }

    /// A database on a node, with an account's right to it: `tester` may do everything, `plain` only what is in test databases.
    pub fn url(&self, node: usize, user: &str, database: &str) -> String {
        format!("mysql://{user}:{}@127.0.0.1:{}/{database}", self.password, self.nodes[node].port)
    }

    /// A connection that waits for nothing that other nodes have committed.
    pub fn root(&self, node: usize) -> Connection {
        Connection::open(&self.nodes[node].url())
    }

    /// A number of a node's status.
    pub fn status(&self, node: usize, name: &str) -> u64 {
        let row = self.root(node).sql(&format!("SHOW GLOBAL STATUS LIKE '{name}'"));
        let value = row.into_iter().flatten().flatten().nth(1);
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Waits until both nodes have the same.
    pub fn settle(&self) {
        until("the nodes' agreement", || {
            self.status(0, "wsrep_last_committed") == self.status(1, "wsrep_last_committed")
        });
    }
}

fn provider() -> PathBuf {
    let found = PROVIDERS.iter().map(Path::new).find(|path| path.exists());
    found.expect("Galera's provider is installed (`tests/run` sees to that)").to_owned()
}

fn free_ports(count: usize) -> Vec<u16> {
    let taken: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    taken.iter().map(|listener| listener.local_addr().expect("an address").port()).collect()
}
