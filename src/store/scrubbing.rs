//! What was deleted leaves the files of an embedded database, too.
//!
//! Deleted content is overwritten with zeros (`secure_delete`), but pages as they were before stand in the write-ahead
//! log until it is emptied, and a page that was split keeps copies of its cells in the gap between them, which SQLite
//! does not clear: only a `VACUUM`, which writes every page anew, leaves nothing.

use super::{Pool, Store, StoreError};
use sqlx::ConnectOptions as _;
use std::time::Duration;

/// How long readers are waited for: meanwhile nobody can write.
const READERS: Duration = Duration::from_millis(100);

impl Store {
    /// Moves the write-ahead log of an embedded database into it and empties it. `false`: somebody was reading, try
    /// again. What PostgreSQL keeps is its own affair.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn empty_wal(&self) -> Result<bool, StoreError> {
        let Pool::Sqlite { writer, .. } = &self.pool else { return Ok(true) };
        // A connection of its own, for the writer's waits longer than writers should.
        let mut connection =
            writer.pool().connect_options().as_ref().clone().busy_timeout(READERS).connect().await?;
        let outcome: Result<(i64, i64, i64), _> =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await;
        sqlx::Connection::close(connection).await?;
        Ok(outcome?.0 == 0)
    }

    /// Writes every page of an embedded database anew, so that none holds a trace of what was deleted. Others read
    /// meanwhile, and whoever writes waits. `false`: the engine is another.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rewrite(&self) -> Result<bool, StoreError> {
        let Pool::Sqlite { writer, .. } = &self.pool else { return Ok(false) };
        sqlx::query("VACUUM").execute(writer.pool()).await?;
        Ok(true)
    }
}
