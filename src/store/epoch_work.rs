//! Work on the rows of a whole epoch: one node at a time, in pieces, going on where it stopped.

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};
use crate::model::id::AccountId;
use jiff::Timestamp;

/// How far the rows of an epoch are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EpochProgress {
    /// How many accounts were discoverable when it began; none before they are counted.
    pub accounts: Option<u64>,
    /// How many of them are done.
    pub done: u64,
    /// How many were done for good: whoever takes the work over begins behind them.
    pub passed: u64,
    /// The last of these in the order of their names.
    pub passed_to: Option<AccountId>,
}

/// A node's hold on the work.
#[derive(Debug, Clone, Copy)]
pub struct EpochLease {
    /// The epoch.
    pub epoch: u32,
    /// Who works, by a random name.
    pub worker: [u8; 16],
    /// Until when nobody else takes the work over.
    pub until: Timestamp,
}

type Row = (Option<i64>, i64, i64, Option<Vec<u8>>);

const TABLE: Table = Table("epoch_work");
const TAKE: &str =
    "INSERT INTO epoch_work (epoch_id, worker, lease_until, done, passed) VALUES ($1, $2, $3, 0, 0)
    ON CONFLICT (epoch_id) DO UPDATE SET worker = excluded.worker, lease_until = excluded.lease_until
    WHERE epoch_work.worker = excluded.worker OR epoch_work.lease_until <= $4";
const KEEP: &str =
    "UPDATE epoch_work SET lease_until = $3, accounts = $4, done = $5, passed = $6, passed_to = $7
    WHERE epoch_id = $1 AND worker = $2";
const LET_GO: &str = "UPDATE epoch_work SET lease_until = 0 WHERE epoch_id = $1 AND worker = $2";
const PROGRESS: &str = "SELECT accounts, done, passed, passed_to FROM epoch_work WHERE epoch_id = $1";

fn count(column: &'static str, number: i64) -> Result<u64, StoreError> {
    TABLE.some(column, u64::try_from(number).ok())
}

/// A count as SQL takes it.
fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Store {
    /// Takes the work on an epoch, or takes it again; `false` while somebody else holds it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_epoch_work(&self, lease: &EpochLease, now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let taken = run!(tx, TAKE, i64::from(lease.epoch), lease.worker.as_slice(), lease.until.as_millisecond(), now.as_millisecond());
            Ok(Ending::Commit(taken > 0))
        }))
    }

    /// Says how far the work is and holds it longer; `false` if somebody else has taken it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_epoch_work(
        &self,
        lease: &EpochLease,
        progress: &EpochProgress,
    ) -> Result<bool, StoreError> {
        let to = progress.passed_to.map(|id| id.as_bytes().to_vec());
        Ok(transact!(self, tx => {
            let kept = run!(tx, KEEP, i64::from(lease.epoch), lease.worker.as_slice(), lease.until.as_millisecond(), progress.accounts.map(integer), integer(progress.done), integer(progress.passed), &to);
            Ok(Ending::Commit(kept > 0))
        }))
    }

    /// Lets others take the work at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn let_go_of_epoch_work(&self, lease: &EpochLease) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(tx, LET_GO, i64::from(lease.epoch), lease.worker.as_slice());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// How far the rows of an epoch are; `None` if nobody has begun.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn epoch_progress(&self, epoch: u32) -> Result<Option<EpochProgress>, StoreError> {
        let row: Option<Row> = read!(self, conn => {
            sqlx::query_as(PROGRESS).bind(i64::from(epoch)).fetch_optional(conn).await?
        });
        let Some((accounts, done, passed, to)) = row else { return Ok(None) };
        Ok(Some(EpochProgress {
            accounts: accounts.map(|number| count("accounts", number)).transpose()?,
            done: count("done", done)?,
            passed: count("passed", passed)?,
            passed_to: to.map(|id| TABLE.some("passed_to", AccountId::from_slice(&id))).transpose()?,
        }))
    }
}
