//! An account of the test's own on the server.

use super::{Connection, Kind, Sandbox, unique};

/// A role or user, dropped with all it owns at the end of the test.
pub struct Login {
    pub name: String,
    /// The sandbox's database as this account.
    pub url: String,
    kind: Kind,
    admin: String,
}

impl Login {
    /// Makes one; `options` are those of `CREATE ROLE` on PostgreSQL, the privileges to grant on the database on MySQL.
    pub fn new(sandbox: &Sandbox, password: &str, options: &str) -> Login {
        let name = unique("sbt_user");
        // One that is too short to be looked for is made longer.
        let password = &if password.len() < 8 {
            format!("{password}{}", unique("pw").replace('_', "x"))
        } else {
            password.to_owned()
        };
        sandbox.secrets.note(password);
        let quoted = password.replace('\'', "''");
        let mut admin = Connection::open(&sandbox.url);
        if sandbox.kind == Kind::Postgres {
            admin.sql(&format!("CREATE ROLE {name} LOGIN PASSWORD '{quoted}' {options}"));
        } else {
            admin.sql(&format!("CREATE USER {name} IDENTIFIED BY '{quoted}'"));
            admin.sql(&format!("GRANT {options} ON {}.* TO {name}", sandbox.name));
        }
        let (scheme, rest) = sandbox.url.split_once("://").expect("a URL");
        let place = rest.split_once('@').map_or(rest, |(_, place)| place);
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        Login {
            url: format!("{scheme}://{name}:{encoded}@{place}"),
            name,
            kind: sandbox.kind,
            admin: sandbox.url.clone(),
        }
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let mut admin = Connection::open(&self.admin);
        if self.kind == Kind::Postgres {
            let _ = admin.attempt(&format!("DROP OWNED BY {} CASCADE", self.name));
            let _ = admin.attempt(&format!("DROP ROLE {}", self.name));
        } else {
            let _ = admin.attempt(&format!("DROP USER {}", self.name));
        }
    }
}
