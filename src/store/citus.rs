//! Spreading the tables over many servers with Citus; `migrations/citus.sql` says which table goes where.

use super::{Pool, Store, StoreError};
use thiserror::Error;

const PLAN: &str = include_str!("../../migrations/citus.sql");
const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'create_distributed_table')";

/// Why the tables stay where they are.
#[derive(Debug, Error)]
pub enum DistributeRefused {
    /// An embedded database is one file.
    #[error("SQLite is not distributed: --citus is for PostgreSQL with the extension Citus")]
    NotPostgres,
    /// The server does not have it.
    #[error(
        "this database has no Citus: install it on every server, name it in shared_preload_libraries, run CREATE \
         EXTENSION citus in this database, and add the workers with citus_add_node"
    )]
    NoCitus,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Distributes the tables that grow with the number of users; those that are distributed stay so.
    ///
    /// # Errors
    /// [`DistributeRefused`]; nothing has changed then.
    pub async fn distribute(&self) -> Result<(), DistributeRefused> {
        let Pool::Postgres(server) = &self.pool else { return Err(DistributeRefused::NotPostgres) };
        // As long as it takes: rows that are there are moved.
        let mut connection = server.at_length().acquire().await?;
        let there = sqlx::query_scalar(IS_THERE).fetch_one(&mut *connection).await;
        let there: bool = there.map_err(StoreError::from)?;
        if !there {
            return Err(DistributeRefused::NoCitus);
        }
        sqlx::raw_sql(PLAN).execute(&mut *connection).await.map_err(StoreError::from)?;
        Ok(())
    }
}
