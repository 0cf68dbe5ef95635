//! What admins do for people, and to them: lock, unblock, look up, reveal.

use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::account::Account;
use crate::model::audit::{Action, Note};
use crate::model::guard::Subject;
use crate::model::id::{AccountId, DeviceId};
use crate::model::keys::NumberIndex;
use jiff::Timestamp;

/// That an account is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLock {
    /// Since when.
    pub at: Timestamp,
    /// Why, as the admin wrote it.
    pub reason: String,
}

/// Taken first, as a registration does: a device that is being added to the account waits, and is refused then.
const HOLD_NUMBER: &str = "UPDATE numbers SET account_id = $2 WHERE number_index = $1 AND account_id = $2";
const LOCK: &str = "UPDATE accounts SET locked_at = $2, lock_reason = $3
    WHERE account_id = $1 AND locked_at IS NULL";
const UNLOCK: &str = "UPDATE accounts SET locked_at = NULL, lock_reason = NULL
    WHERE account_id = $1 AND locked_at IS NOT NULL";
const LOCK_DEVICES: &str = "UPDATE devices SET locked_at = $2 WHERE account_id = $1 RETURNING device_id";
const FIND_LOCK: &str =
    "SELECT locked_at, lock_reason FROM accounts WHERE account_id = $1 AND locked_at IS NOT NULL";
const CLEAR_COUNTERS: &str = "DELETE FROM number_counters WHERE number_index = $1";
const CLEAR_PAUSE: &str = "DELETE FROM guard_pauses WHERE subject = $1";
const COUNT_REVEAL: &str = "INSERT INTO reveals AS r (admin_id, hour, shown) VALUES ($1, $2, 1)
    ON CONFLICT (admin_id, hour) DO UPDATE SET shown = r.shown + 1 WHERE r.shown < $3 RETURNING shown";
const FORGET_REVEALS: &str = "DELETE FROM reveals WHERE hour < $1";
const HOUR_MS: i64 = 3_600_000;

impl Store {
    /// Locks an account: its devices are refused and its number does not go on with it. These are the devices; `None`: it
    /// was locked, or has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_account(
        &self,
        account: &Account,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<DeviceId>>, StoreError> {
        let (id, number) = (account.id.as_bytes().as_slice(), account.number_index.as_bytes().as_slice());
        let locked: Option<Vec<Vec<u8>>> = transact!(self, tx => {
            run!(tx, HOLD_NUMBER, number, id);
            if run!(tx, LOCK, id, now.as_millisecond(), reason) == 0 {
                return Ok(Ending::Rollback(None));
            }
            let devices = sqlx::query_scalar(LOCK_DEVICES)
                .bind(id)
                .bind(Some(now.as_millisecond()))
                .fetch_all(&mut *tx)
                .await?;
            let note = Note::new(Action::AccountLocked).of_number(&account.number_index).account(account.id);
            note!(self, tx, now, note.because(reason.to_owned()));
            Ok(Ending::Commit(Some(devices)))
        });
        locked.map(|devices| super::registrations::device_ids(&devices)).transpose()
    }

    /// Lets a locked account go on; `None`: it was not locked. These are its devices.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unlock_account(
        &self,
        account: &Account,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<DeviceId>>, StoreError> {
        let id = account.id.as_bytes().as_slice();
        let unlocked: Option<Vec<Vec<u8>>> = transact!(self, tx => {
            if run!(tx, UNLOCK, id) == 0 {
                return Ok(Ending::Rollback(None));
            }
            let devices =
                sqlx::query_scalar(LOCK_DEVICES).bind(id).bind(None::<i64>).fetch_all(&mut *tx).await?;
            let note = Note::new(Action::AccountUnlocked).of_number(&account.number_index).account(account.id);
            note!(self, tx, now, note.because(reason.to_owned()));
            Ok(Ending::Commit(Some(devices)))
        });
        unlocked.map(|devices| super::registrations::device_ids(&devices)).transpose()
    }

    /// Whether an account is locked, since when and why.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_lock(&self, id: AccountId) -> Result<Option<AccountLock>, StoreError> {
        let row: Option<(i64, Option<String>)> = read!(self, conn => {
            sqlx::query_as(FIND_LOCK).bind(id.as_bytes().as_slice()).fetch_optional(conn).await?
        });
        row.map(|(at, reason)| {
            Ok(AccountLock {
                at: Table("accounts").time("locked_at", at)?,
                reason: reason.unwrap_or_default(),
            })
        })
        .transpose()
    }

    /// Clears what limits have counted of a number, and the pauses of these subjects. What its wrong codes add up to
    /// stays: that protects its holder.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unblock_number(
        &self,
        number: &NumberIndex,
        paused: &[Subject],
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(tx, CLEAR_COUNTERS, number.as_bytes().as_slice());
            for subject in paused {
                run!(tx, CLEAR_PAUSE, subject.as_bytes().as_slice());
            }
            let note = Note::new(Action::NumberUnblocked).of_number(number).because(reason.to_owned());
            note!(self, tx, now, note);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Counts that an admin is shown a whole number and writes it to the audit log, before it is shown; `false` where
    /// the admin has been shown `limit` within the hour.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_reveal(
        &self,
        admin: &[u8; 16],
        limit: u32,
        note: Note,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let hour = now.as_millisecond().div_euclid(HOUR_MS);
        Ok(transact!(self, tx => {
            let shown: Option<i64> = sqlx::query_scalar(COUNT_REVEAL)
                .bind(admin.as_slice())
                .bind(hour)
                .bind(i64::from(limit))
                .fetch_optional(&mut *tx)
                .await?;
            if shown.is_none() || limit == 0 {
                return Ok(Ending::Rollback(false));
            }
            note!(self, tx, now, note.clone());
            Ok(Ending::Commit(true))
        }))
    }

    /// Writes down what an admin looks at, before it is shown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_look(&self, note: Note, now: Timestamp) -> Result<(), StoreError> {
        transact!(self, tx => {
            note!(self, tx, now, note.clone());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Forgets how often admins were shown numbers in hours that are over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_reveals(&self, now: Timestamp) -> Result<(), StoreError> {
        let hour = now.as_millisecond().div_euclid(HOUR_MS);
        transact!(self, tx => {
            run!(tx, FORGET_REVEALS, hour);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
