//! Opening a database: the scheme of its URL picks the engine.

use super::gathering::{AT_ONCE, Gathering};
use super::holding::Hold;
use super::server::Server;
use super::writer::Writer;
use super::{Pool, Store, StoreError};
use sqlx::Connection as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

const READERS: u32 = 4;

/// Where the database is.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// `sqlite://PATH`: a file, made if it is not there.
    Sqlite(PathBuf),
    /// `postgres://...`: a server.
    Postgres(Box<PgConnectOptions>),
}

/// A database URL that names no database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DatabaseUrlError {
    /// Neither of the two engines.
    #[error("must begin with sqlite:// or postgres://")]
    UnknownScheme,
    /// A PostgreSQL URL that cannot be read.
    #[error("is not a PostgreSQL URL (postgres://user:password@host:port/database)")]
    Malformed,
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`DatabaseUrlError`], which never repeats the URL: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url).map_err(|_| DatabaseUrlError::Malformed)?;
            return Ok(Self::Postgres(Box::new(options.application_name("tuttu"))));
        }
        Err(DatabaseUrlError::UnknownScheme)
    }

    /// The file of an embedded database.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

/// Connections to PostgreSQL, and how long they are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// How many at most.
    pub count: u32,
    /// What a request may wait for the database in all.
    pub request_timeout: Duration,
    /// The longest that any statement may take.
    pub statement_timeout: Duration,
}

impl From<u32> for Connections {
    /// So many, with the default timeouts.
    fn from(count: u32) -> Self {
        Self {
            count,
            request_timeout: Duration::from_millis(1_500),
            statement_timeout: Duration::from_secs(30),
        }
    }
}

/// Rows that a reader is ahead of who takes them: with sqlx's 50 both wake each other all the time.
const ROWS_AHEAD: usize = 2_000;
/// Pages that a connection keeps, in KiB (hence the minus): the inner nodes of a table of ten million rows. Those of
/// lookups keep SQLite's own 2 MiB: each commit makes them drop it all, and with more they are no faster.
const CACHED: &str = "-16384";

impl Store {
    /// Opens the database; a SQLite file is made if `create` and it is not there.
    ///
    /// # Errors
    /// When it cannot be reached or opened, or is not there.
    pub async fn connect(
        url: &DatabaseUrl,
        create: bool,
        connections: impl Into<Connections>,
    ) -> Result<Self, StoreError> {
        let pool = match url {
            // One that this user may not see may be there.
            DatabaseUrl::Sqlite(path) if !create && matches!(path.try_exists(), Ok(false)) => {
                return Err(StoreError::absent(path));
            }
            DatabaseUrl::Sqlite(path) => {
                let hold = Hold::shared(path)?;
                sqlite(path, create, Some(Arc::new(hold))).await?
            }
            DatabaseUrl::Postgres(options) => {
                Pool::Postgres(Server::connect(options, connections.into()).await?)
            }
        };
        Ok(Self { pool, pen: std::sync::Arc::default() })
    }

    /// Opens an embedded database that is there, in a folder that the caller holds alone.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn connect_alone(file: &Path, _held: &Hold) -> Result<Self, StoreError> {
        Ok(Self { pool: sqlite(file, false, None).await?, pen: std::sync::Arc::default() })
    }
}

/// Whether no transaction is left on a connection. Where SQLite itself has undone one (a full disk), sqlx cannot end it
/// any more: it would refuse every other that writes, and leave one that reads in the past. The connection must go.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // Its end may be on the way.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn connections(most: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(most)
        // A file does not hang up: asking each time whether it is there costs as much as a lookup.
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(30))
        .after_release(|connection, _since| Box::pin(is_at_rest(connection)))
}

async fn sqlite(path: &Path, create: bool, hold: Option<Arc<Hold>>) -> Result<Pool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .pragma("secure_delete", "on");
    let writer = connections(1)
        .connect_with(options.clone().pragma("cache_size", CACHED).create_if_missing(create))
        .await?;
    let reading = options.row_buffer_size(ROWS_AHEAD).read_only(true);
    let readers = connections(READERS).connect_with(reading.clone().pragma("cache_size", CACHED)).await?;
    let lookups = Gathering::new(connections(AT_ONCE).connect_with(reading).await?);
    Ok(Pool::Sqlite { writer: Writer::new(writer), readers, lookups, _hold: hold })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writing_goes_on_once_a_full_disk_has_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let pool = sqlite(&folder.path().join("tuttu.db"), true, None).await.unwrap();
        let Pool::Sqlite { writer, .. } = pool else { panic!("it is SQLite") };
        let fill = |bytes: i64| sqlx::query("INSERT INTO a (x) VALUES (zeroblob($1))").bind(bytes);
        sqlx::query("CREATE TABLE a (x BLOB) STRICT").execute(writer.pool()).await.unwrap();
        for joined in [false, true] {
            // The disk has 100 pages, as far as this connection goes.
            sqlx::query("PRAGMA max_page_count = 100").execute(writer.pool()).await.unwrap();
            let before = if joined {
                let mut before = writer.turn().await.unwrap();
                fill(1).execute(before.connection().unwrap()).await.unwrap();
                Some(before)
            } else {
                None
            };
            let failing = async {
                let mut turn = writer.turn().await.unwrap();
                let cause = fill(10_000_000).execute(turn.connection().unwrap()).await.unwrap_err();
                assert!(cause.to_string().contains("full"), "{cause}");
                let _undone = turn.undo().await;
            };
            let kept = async {
                if let Some(before) = before {
                    before.keep().await.unwrap_err();
                }
            };
            // Whoever comes waits for the turn, so that there is a group.
            futures_util::future::join(failing, kept).await;
            let mut again = writer.turn().await.unwrap();
            fill(10_000_000).execute(again.connection().unwrap()).await.unwrap();
            again.keep().await.unwrap();
        }
        let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM a").fetch_one(writer.pool()).await.unwrap();
        assert_eq!(rows, 2, "those who were told so");
    }
}
