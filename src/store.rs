//! Everything that is kept: one SQL text on SQLite and PostgreSQL.
//!
//! [`Store`] is a cloneable struct over an enum of pools. A method is one atomic effect, named for the
//! effect. Integers are `i64`, times milliseconds since 1970 and always bound parameters; a real
//! difference of dialect is a visible `match`.

mod accounts;
mod budgets;
mod checks;
mod connect;
mod counters;
mod deliveries;
mod devices;
mod directory;
mod epoch_work;
mod epochs;
mod error;
mod feed;
mod forgetting;
mod guard;
mod idempotency;
mod key_fingerprints;
mod ledgers;
mod nodes;
mod orders;
mod outbox;
mod registrations;
mod rekeying;
mod relisting;
mod sends;
mod spending;
mod switches;
mod verifications;
mod writer;

pub use accounts::AccountChange;
pub use budgets::{BudgetPolicy, CarriedOver, Charge, ChargeOutcome};
pub use checks::CheckOutcome;
pub use connect::{DatabaseUrl, DatabaseUrlError};
pub use devices::DeviceAuth;
pub use directory::{DirectoryRow, Listing};
pub use epoch_work::{EpochLease, EpochProgress};
pub use epochs::SealedEpoch;
pub use error::StoreError;
pub use feed::{FeedChange, FeedCursor, FeedNews};
pub use guard::BucketState;
pub use idempotency::{ClaimOutcome, KeyedRequest};
pub use key_fingerprints::{KeyFingerprint, KeyMark, UseOutcome};
pub use nodes::{Node, NodeKey, SeenNode};
pub use orders::{Refusal, SendOrder, SendOutcome, Sending};
pub use outbox::{ClaimedDelivery, SettledDelivery, Settlement};
pub use registrations::{Plan, RegisterOutcome, Registration};
pub use rekeying::{KeyLease, Resealed, SealedColumn, SealedValue};
pub use relisting::{DiscoverableAccount, NewRow};
pub use spending::Caps;
pub use switches::SendingPause;

use sqlx::migrate::Migrator;
use sqlx::{PgPool, SqlitePool};
use writer::Writer;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The database, whichever engine it is.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
}

#[derive(Debug, Clone)]
enum Pool {
    /// One writer connection, several that only read (WAL).
    Sqlite {
        writer: Writer,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// How a transaction ends: a conflict is a value, and still undoes what went before it.
enum Ending<T> {
    Commit(T),
    Rollback(T),
}

/// Runs one body, typed, on a connection of either engine that only reads.
macro_rules! read {
    ($store:expr, $conn:ident => $body:expr) => {
        match &$store.pool {
            $crate::store::Pool::Sqlite { readers, .. } => {
                let mut held = readers.acquire().await?;
                let $conn = &mut *held;
                $body
            }
            $crate::store::Pool::Postgres(pool) => {
                let mut held = pool.acquire().await?;
                let $conn = &mut *held;
                $body
            }
        }
    };
}

/// Runs one body, typed, in a write transaction of either engine, which ends as the body says.
macro_rules! transact {
    ($store:expr, $tx:ident => $body:block) => {
        match &$store.pool {
            $crate::store::Pool::Sqlite { writer, .. } => {
                let mut turn = writer.turn().await?;
                let ending: Result<$crate::store::Ending<_>, $crate::store::StoreError> = async {
                    let $tx = turn.connection()?;
                    $body
                }
                .await;
                match ending {
                    Ok($crate::store::Ending::Commit(value)) => {
                        turn.keep().await?;
                        value
                    }
                    Ok($crate::store::Ending::Rollback(value)) => {
                        turn.undo().await?;
                        value
                    }
                    Err(cause) => {
                        turn.undo().await?;
                        return Err(cause);
                    }
                }
            }
            $crate::store::Pool::Postgres(pool) => {
                let mut held = pool.begin().await?;
                let ending: Result<$crate::store::Ending<_>, $crate::store::StoreError> = async {
                    let $tx = &mut *held;
                    $body
                }
                .await;
                match ending? {
                    $crate::store::Ending::Commit(value) => {
                        held.commit().await?;
                        value
                    }
                    $crate::store::Ending::Rollback(value) => {
                        held.rollback().await?;
                        value
                    }
                }
            }
        }
    };
}

/// Runs one statement of the transaction `$tx` and says how many rows it touched.
macro_rules! run {
    ($tx:ident, $sql:expr $(, $bind:expr)* $(,)?) => {
        sqlx::query($sql)$(.bind($bind))*.execute(&mut *$tx).await?.rows_affected()
    };
}
use {read, run, transact};

impl Store {
    /// Brings the schema up to this version.
    ///
    /// # Errors
    /// When the database fails or holds a newer schema.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.pool {
            Pool::Sqlite { writer, .. } => SQLITE.run(writer.pool()).await?,
            Pool::Postgres(pool) => POSTGRES.run(pool).await?,
        }
        Ok(())
    }

    /// How many migrations this version has that the database has not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        let (known, applied): (&Migrator, Result<Vec<i64>, sqlx::Error>) = match &self.pool {
            Pool::Sqlite { writer, .. } => {
                (&SQLITE, sqlx::query_scalar(APPLIED).fetch_all(writer.pool()).await)
            }
            Pool::Postgres(pool) => (&POSTGRES, sqlx::query_scalar(APPLIED).fetch_all(pool).await),
        };
        let applied = match applied {
            Err(sqlx::Error::Database(_)) => Vec::new(),
            applied => applied?,
        };
        Ok(known.iter().filter(|migration| !applied.contains(&migration.version)).count())
    }

    /// Asks the database for nothing, to see whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _one: i64 =
            read!(self, conn => sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(conn).await?);
        Ok(())
    }

    /// The engine's name: `sqlite` or `postgres`.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite { .. } => "sqlite",
            Pool::Postgres(_) => "postgres",
        }
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}
