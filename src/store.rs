//! Everything that is kept: one SQL text on SQLite and PostgreSQL.
//!
//! [`Store`] is a cloneable struct over an enum of pools. A method is one atomic effect, named for the
//! effect. Integers are `i64`, times milliseconds since 1970 and always bound parameters; a real
//! difference of dialect is a visible `match`.

mod accounts;
mod admin_attempts;
mod admin_recovery;
mod admin_sessions;
mod admin_team;
mod admins;
mod api_tokens;
mod attempts;
mod audit;
mod backup;
mod batch;
mod budgets;
mod checks;
mod citus;
mod connect;
mod counters;
mod deliveries;
mod devices;
mod directory;
mod epoch_work;
mod epochs;
mod erasing;
mod error;
mod feed;
mod forgetting;
mod gateway_states;
mod gathering;
mod granting;
mod guard;
mod holding;
mod idempotency;
mod index_secret;
mod key_fingerprints;
mod ledgers;
mod migrating;
mod nodes;
mod orders;
mod outbox;
mod patience;
mod people;
mod places;
mod policies;
mod registrations;
mod rekeying;
mod relisting;
mod restoring;
mod scrubbing;
mod sends;
mod server;
mod spending;
mod switches;
mod verifications;
mod writer;

pub use accounts::AccountChange;
pub use admin_sessions::{AdminSession, Proof, SignIn, StepUp};
pub use admin_team::{ResetBy, TeamChange};
pub use admins::{Admin, AdminAuth, Enrolment, Invitation, NewAdmin};
pub use api_tokens::{ApiTokenAuth, KeptApiToken, NewApiToken};
pub use attempts::{Attempt, AttemptCursor, AttemptFilter, AttemptStep, CountFilter, Counted, Seen, Span};
pub use audit::{
    Anchored, Appended, Head, KeptSubject, LogFilter, LogPage, LogRow, LoggedEntry, Origin, PendingEvent,
    SearchedBy,
};
pub use backup::BackupRefused;
pub use budgets::{BudgetPolicy, CarriedOver, Charge, ChargeOutcome};
pub use checks::CheckOutcome;
pub use citus::DistributeRefused;
pub use connect::{Connections, DatabaseUrl, DatabaseUrlError};
pub use devices::DeviceAuth;
pub use directory::{DirectoryRow, Listing};
pub use epoch_work::{EpochLease, EpochProgress};
pub use epochs::SealedEpoch;
pub use erasing::Erasure;
pub use error::StoreError;
pub use feed::{FeedChange, FeedCursor, FeedListener, FeedNews, FeedReader};
pub use gateway_states::GatewayState;
pub use granting::GrantRefused;
pub use guard::BucketState;
pub use holding::Hold;
pub use idempotency::{ClaimOutcome, KeyedRequest};
pub use key_fingerprints::{KeyFingerprint, KeyMark, UseOutcome};
pub use nodes::{Node, NodeKey, SeenNode};
pub use orders::{Refusal, SendOrder, SendOutcome, Sending};
pub use outbox::{ClaimedDelivery, SettledDelivery, Settlement};
pub use patience::Patience;
pub use people::AccountLock;
pub use registrations::{Plan, RegisterOutcome, Registration};
pub use rekeying::{KeyLease, Resealed, SealedColumn, SealedValue};
pub use relisting::{DiscoverableAccount, NewRow, Relisting};
pub use restoring::Restored;
pub use spending::Caps;
pub use switches::SendingPause;

use crate::model::audit::Pen;
use gathering::Gathering;
use server::Server;
use sqlx::SqlitePool;
use std::sync::{Arc, OnceLock};
use writer::Writer;

/// The database, whichever engine it is.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    /// What effects are written to the audit log with.
    pen: Arc<OnceLock<Pen>>,
}

#[derive(Debug, Clone)]
enum Pool {
    /// One writer connection, several that only read (WAL).
    Sqlite {
        writer: Writer,
        readers: SqlitePool,
        lookups: Gathering,
        /// Says that the file is in use, for as long as it is.
        _hold: Option<Arc<Hold>>,
    },
    Postgres(Server),
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
            $crate::store::Pool::Postgres(server) => {
                server
                    .within(Box::pin(async {
                        let mut held = server.acquire().await?;
                        let $conn = &mut *held;
                        Ok::<_, $crate::store::StoreError>($body)
                    }))
                    .await?
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
                        // Where that fails, SQLite has undone it already, and the cause says why.
                        let _undone = turn.undo().await;
                        return Err(cause);
                    }
                }
            }
            $crate::store::Pool::Postgres(server) => {
                server
                    .within(Box::pin(async {
                        let mut held = server.acquire().await?;
                        let mut begun = sqlx::Connection::begin(&mut *held).await?;
                        let ending: Result<$crate::store::Ending<_>, $crate::store::StoreError> = async {
                            let $tx = &mut *begun;
                            $body
                        }
                        .await;
                        match ending? {
                            $crate::store::Ending::Commit(value) => {
                                begun.commit().await?;
                                Ok::<_, $crate::store::StoreError>(value)
                            }
                            $crate::store::Ending::Rollback(value) => {
                                begun.rollback().await?;
                                Ok(value)
                            }
                        }
                    }))
                    .await?
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
use audit::note;
use {read, run, transact};

impl Store {
    /// Asks the database for nothing, to see whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _one: i64 =
            read!(self, conn => sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(conn).await?);
        Ok(())
    }

    /// What a request may wait for the database in all; `None` where the engine is in this process.
    #[must_use]
    pub fn patience(&self) -> Option<Patience> {
        match &self.pool {
            Pool::Sqlite { .. } => None,
            Pool::Postgres(server) => Some(server.patience()),
        }
    }

    /// This store for statements that take as long as they take.
    fn at_length(&self) -> Self {
        match &self.pool {
            Pool::Sqlite { .. } => self.clone(),
            Pool::Postgres(server) => {
                Self { pool: Pool::Postgres(server.at_length()), pen: self.pen.clone() }
            }
        }
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
            Pool::Sqlite { writer, readers, lookups, .. } => {
                lookups.close().await;
                readers.close().await;
                writer.close().await;
            }
            Pool::Postgres(server) => server.close().await,
        }
    }
}
