//! A connection of the test's own, past the tool: sqlx straight to the database, rows as text.

use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Row, raw_sql};
use tokio::runtime::Runtime;

/// Rows of text.
pub type Rows = Vec<Vec<Option<String>>>;

/// One connection, kept until it is dropped.
pub struct Connection {
    inner: Inner,
    runtime: Runtime,
}

enum Inner {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    Mysql(MySqlConnection),
}

macro_rules! rows {
    ($connection:expr, $text:expr) => {{
        let rows = raw_sql(AssertSqlSafe($text)).fetch_all($connection).await?;
        let value = |row: &_, at| Row::try_get_unchecked::<Option<String>, usize>(row, at);
        rows.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect()
    }};
}

impl Connection {
    /// Connects; a SQLite file is made where there is none.
    #[track_caller]
    pub fn open(url: &str) -> Connection {
        Connection::attempted(url)
            .unwrap_or_else(|error| panic!("no database for this test ({error}); `tests/run` starts what is missing"))
    }

    /// The same, where it may fail.
    pub fn attempted(url: &str) -> Result<Connection, sqlx::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let opened = runtime.block_on(async {
            Ok::<Inner, sqlx::Error>(match url.split(':').next() {
                Some("sqlite") => {
                    let options = SqliteConnectOptions::new().filename(&url["sqlite:".len()..]).create_if_missing(true);
                    Inner::Sqlite(options.foreign_keys(false).connect().await?)
                }
                Some("postgres") => Inner::Postgres(PgConnection::connect(url).await?),
                _ => Inner::Mysql(MySqlConnection::connect(url).await?),
            })
        });
        opened.map(|inner| Connection { inner, runtime })
    }

    /// Runs SQL text and gives its rows.
    #[track_caller]
    pub fn sql(&mut self, text: &str) -> Rows {
        self.attempt(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// The same, where it may fail.
    pub fn attempt(&mut self, text: &str) -> Result<Rows, sqlx::Error> {
        let Connection { inner, runtime } = self;
        let text = text.to_owned();
        runtime.block_on(async {
            match inner {
                Inner::Sqlite(connection) => rows!(connection, text),
                Inner::Postgres(connection) => rows!(connection, text),
                Inner::Mysql(connection) => rows!(connection, text),
            }
        })
    }
}
