//! What can go wrong below a store method. Callers cannot tell more than that it failed.

use super::holding::HoldRefused;
use super::migrating::MigratingError;
use jiff::Timestamp;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The database failed, or holds what this version cannot read.
#[derive(Clone)]
pub struct StoreError(Arc<Cause>);

enum Cause {
    Database(sqlx::Error),
    Migration(sqlx::migrate::MigrateError),
    Migrating(MigratingError),
    Held(HoldRefused),
    Unreadable { table: &'static str, column: &'static str },
    Absent(PathBuf),
    Unreachable { server: String, cause: sqlx::Error },
    Late,
}

impl StoreError {
    pub(crate) fn unreadable(table: &'static str, column: &'static str) -> Self {
        Self(Arc::new(Cause::Unreadable { table, column }))
    }

    /// There is no file of an embedded database.
    pub(super) fn absent(file: &Path) -> Self {
        Self(Arc::new(Cause::Absent(file.to_owned())))
    }

    /// A server did not let the first connection in.
    pub(super) fn unreachable(server: String, cause: sqlx::Error) -> Self {
        Self(Arc::new(Cause::Unreachable { server, cause }))
    }

    /// The database took longer than anybody waits.
    pub(super) fn late() -> Self {
        Self(Arc::new(Cause::Late))
    }

    /// Whether an answer was waited for in vain.
    pub(super) fn is_late(&self) -> bool {
        matches!(&*self.0, Cause::Late)
    }

    /// Whether it says that a connection is lost, or leads to a server that is no primary any more.
    pub(super) fn is_of_the_connection(&self) -> bool {
        match &*self.0 {
            Cause::Database(sqlx::Error::Database(cause)) => {
                cause.code().is_some_and(|code| LOST.contains(&&*code))
            }
            Cause::Database(cause) => matches!(
                cause,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::WorkerCrashed
            ),
            Cause::Late
            | Cause::Migration(_)
            | Cause::Migrating(_)
            | Cause::Held(_)
            | Cause::Absent(_)
            | Cause::Unreachable { .. }
            | Cause::Unreadable { .. } => false,
        }
    }
}

/// Shutdowns (57P01 to 57P03), a server that only reads (25006), one in recovery (55000 is what functions of the
/// write-ahead log say there).
const LOST: [&str; 5] = ["57P01", "57P02", "57P03", "25006", "55000"];

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Database(cause) => write!(f, "the database failed: {}", words(cause)),
            Cause::Absent(file) => write!(
                f,
                "there is no database at {}: run `tuttu migrate` to make one (or `tuttu serve`, unless database.migrate is \
                off), else point database.url at it",
                file.display()
            ),
            Cause::Unreachable { server, cause } => {
                write!(f, "the database at {server} cannot be reached: {}", words(cause))
            }
            Cause::Migration(cause) => write!(f, "the schema could not be brought up to date: {cause}"),
            Cause::Late => f.write_str("the database did not answer in time"),
            Cause::Migrating(cause) => write!(f, "the schema could not be brought up to date: {cause}"),
            Cause::Held(cause) => write!(f, "the database cannot be opened: {cause}"),
            Cause::Unreadable { table, column } => write!(f, "a value in {table}.{column} cannot be read"),
        }
    }
}

/// What the engine said, without the places in its own sources.
fn words(cause: &sqlx::Error) -> String {
    match cause {
        sqlx::Error::Database(cause) => match cause.code() {
            Some(code) => format!("{} (code {code})", cause.message()),
            None => cause.message().to_owned(),
        },
        sqlx::Error::PoolTimedOut => "no connection came about, or was free, in time".to_owned(),
        cause => cause.to_string(),
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StoreError {}

impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        Self(Arc::new(Cause::Database(cause)))
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(cause: sqlx::migrate::MigrateError) -> Self {
        Self(Arc::new(Cause::Migration(cause)))
    }
}

impl From<MigratingError> for StoreError {
    fn from(cause: MigratingError) -> Self {
        Self(Arc::new(Cause::Migrating(cause)))
    }
}

impl From<HoldRefused> for StoreError {
    fn from(cause: HoldRefused) -> Self {
        Self(Arc::new(Cause::Held(cause)))
    }
}

/// Reads the columns of one table; what does not fit is an error that names where it lies.
#[derive(Clone, Copy)]
pub(super) struct Table(pub(super) &'static str);

impl Table {
    pub(super) fn some<T>(self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| StoreError::unreadable(self.0, column))
    }

    pub(super) fn time(self, column: &'static str, ms: i64) -> Result<Timestamp, StoreError> {
        self.some(column, Timestamp::from_millisecond(ms).ok())
    }

    pub(super) fn time_if(
        self,
        column: &'static str,
        ms: Option<i64>,
    ) -> Result<Option<Timestamp>, StoreError> {
        ms.map(|ms| self.time(column, ms)).transpose()
    }
}

/// A duration in whole milliseconds, as SQL takes it.
pub(super) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
