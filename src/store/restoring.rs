//! What becomes of a database that was put back from a copy: it is of a past, and the world has gone on.

use super::{Ending, Pool, Store, StoreError, note, read, run, transact};
use crate::model::audit::{Action, Note};
use crate::model::secret::HashedSecret;
use crate::model::verification::GRANT_LIFETIME;
use crate::store::error::{Table, millis};
use jiff::Timestamp;

/// What a restore has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Verifications whose code or grant could still be used.
    pub verifications: u64,
    /// Messages that may have left after the copy was made.
    pub deliveries: u64,
    /// Devices that were signed out.
    pub devices: u64,
}

/// Their checks and their grant may have been spent since.
const END_VERIFICATIONS: &str =
    "UPDATE verifications SET expires_at = CASE WHEN expires_at < $1 THEN expires_at ELSE $1 END,
    approved_at = NULL, repeats_left = 0, awaiting_channel = NULL, awaiting_nonce = NULL, awaiting_difficulty = NULL
    WHERE grant_used_at IS NULL AND (expires_at > $1 OR approved_at > $2)";
/// Whether it has left nobody knows, so it is never sent again.
const END_DELIVERIES: &str = "UPDATE deliveries SET status = 'unknown', updated_at = $1, lease_until = NULL,
    retry_at = NULL WHERE status IN ('queued', 'claimed')";
/// On PostgreSQL its rows carry the transaction numbers of another server.
const EMPTY_FEED: &str = "DELETE FROM directory_feed";
const EMPTY_MARKS: &str = "DELETE FROM feed_marks";
const RENEW_FEED: &str = "UPDATE feed_identity SET identity = $1 WHERE name = 'feed'";
/// They tell of verifications that are over now.
const EMPTY_ANSWERS: &str = "DELETE FROM idempotency";
const END_LEASES: &str = "UPDATE epoch_work SET lease_until = 0";
const END_KEY_LEASES: &str = "UPDATE key_work SET lease_until = 0";
/// Who was signed out since, or let go, must not come back with an old cookie or link.
const END_ADMIN_SESSIONS: &str = "DELETE FROM admin_sessions";
const END_ADMIN_INVITATIONS: &str = "DELETE FROM admin_invitations";
/// The servers of the past: none of them runs on this copy.
const FORGET_NODES: &str = "DELETE FROM nodes";
const FORGET_NODE_KEYS: &str = "DELETE FROM node_keys";
const RECORD: &str = "INSERT INTO restores (restored_at) VALUES ($1) ON CONFLICT (restored_at) DO NOTHING";
/// The rows stay: an account whose devices are gone would pass to whoever registers its number next.
const SIGN_OUT: &str = "UPDATE devices SET secret_hash = $1";
const NEXT_EPOCH: &str = "SELECT MAX(number) FROM (SELECT MAX(epoch_id) + 1 AS number FROM epochs
    UNION ALL SELECT MAX(restored_at) / 60000 FROM restores) AS numbers";

impl Store {
    /// Makes a database that was put back from a copy safe to serve: the feed gets another identity and no rows, codes
    /// and grants that were open are over, messages that were under way are unknown. `sign_out` is what every device's
    /// secret shall be from now on, so that none fits; without it the copy's devices stay signed in.
    ///
    /// # Errors
    /// When the database fails; nothing has changed then.
    pub async fn begin_anew(
        &self,
        identity: [u8; 16],
        sign_out: Option<&HashedSecret>,
        now: Timestamp,
    ) -> Result<Restored, StoreError> {
        let at = now.as_millisecond();
        Ok(transact!(self.at_length(), tx => {
            let verifications = run!(tx, END_VERIFICATIONS, at, at.saturating_sub(millis(GRANT_LIFETIME)));
            let deliveries = run!(tx, END_DELIVERIES, at);
            run!(tx, EMPTY_FEED);
            run!(tx, EMPTY_MARKS);
            run!(tx, RENEW_FEED, identity.as_slice());
            run!(tx, EMPTY_ANSWERS);
            run!(tx, END_LEASES);
            run!(tx, END_KEY_LEASES);
            run!(tx, END_ADMIN_SESSIONS);
            run!(tx, END_ADMIN_INVITATIONS);
            run!(tx, FORGET_NODES);
            run!(tx, FORGET_NODE_KEYS);
            run!(tx, RECORD, at);
            let devices = match sign_out {
                Some(secret) => run!(tx, SIGN_OUT, secret.as_bytes().as_slice()),
                None => 0,
            };
            let note = Note::new(Action::DatabaseRestored).change("devices_signed_out", None, Some(devices.to_string()));
            note!(self, tx, now, note);
            Ok(Ending::Commit(Restored { verifications, deliveries, devices }))
        }))
    }

    /// The number of the next epoch: one that was never used, not even in a future that a restore has undone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_epoch(&self) -> Result<u32, StoreError> {
        let number: Option<i64> = read!(self, conn => sqlx::query_scalar(NEXT_EPOCH).fetch_one(conn).await?);
        Table("epochs").some("epoch_id", u32::try_from(number.unwrap_or(1)).ok())
    }

    /// Whether an embedded database is whole; what PostgreSQL holds it checks itself.
    ///
    /// # Errors
    /// When the database fails: it is none, or cannot be read.
    pub async fn is_whole(&self) -> Result<bool, StoreError> {
        let Pool::Sqlite { readers, .. } = &self.pool else { return Ok(true) };
        let found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_all(readers).await?;
        Ok(found == ["ok"])
    }
}
