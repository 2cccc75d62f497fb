//! The server under test, and a database of one's own on it.

use std::sync::atomic::{AtomicU32, Ordering};

use switchback::engine::postgres::Postgres;
use switchback::engine::{Access, Engine, Session};
use switchback::target::{Secret, Target};

pub fn server() -> Target {
    let text = std::env::var("SWITCHBACK_TEST_POSTGRES");
    let text = text.unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".into());
    let url = url::Url::parse(&text).expect("SWITCHBACK_TEST_POSTGRES is a URL");
    Target {
        scheme: "postgres".into(),
        host: url.host_str().map(str::to_owned),
        port: url.port(),
        user: Some(url.username().to_owned()).filter(|user| !user.is_empty()),
        password: url.password().map(Secret::new),
        database: url.path().trim_start_matches('/').to_owned(),
        ..Target::default()
    }
}

/// A database of this test alone, dropped at the end, also after a panic.
pub struct Scratch(pub Target);

impl Scratch {
    pub async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sbtest_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = Postgres.open(&server(), Access::ReadWrite).await.unwrap();
        admin.run(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        admin.close().await;
        Scratch(Target { database: name, ..server() })
    }

    pub async fn open(&self, access: Access) -> Box<dyn Session> {
        Postgres.open(&self.0, access).await.unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let name = self.0.database.clone();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut admin = Postgres.open(&server(), Access::ReadWrite).await.unwrap();
                admin.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
                admin.close().await;
            });
        };
        std::thread::spawn(work).join().unwrap();
    }
}
