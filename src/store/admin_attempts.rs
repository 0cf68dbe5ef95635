//! Attempts to sign in: counted before they are judged, over nodes and restarts.

use super::error::Table;
use super::{Ending, Store, StoreError, run, transact};
use crate::model::admin::{ATTEMPTS_REMEMBERED, Attempts, Lane, SESSION_IDLE, SESSION_LIFETIME};
use crate::model::guard::Subject;
use crate::store::error::millis;
use jiff::Timestamp;

const TABLE: Table = Table("admin_attempts");

/// Locks what a lane has counted, made if it is not there.
const LOCK: &str =
    "INSERT INTO admin_attempts AS a (subject, failures, next_at, updated_at) VALUES ($1, 0, 0, 0)
    ON CONFLICT (subject) DO UPDATE SET failures = a.failures RETURNING failures, next_at, updated_at";
const SAVE: &str =
    "UPDATE admin_attempts SET failures = $2, next_at = $3, updated_at = $4 WHERE subject = $1";
pub(super) const CLEAR: &str = "DELETE FROM admin_attempts WHERE subject = $1";
/// A range is of many: one success takes back one attempt.
pub(super) const TAKE_BACK: &str = "UPDATE admin_attempts
    SET failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END, next_at = $2 WHERE subject = $1";
const FORGET: &str = "DELETE FROM admin_attempts WHERE updated_at < $1 AND next_at < $2";
const FORGET_SESSIONS: &str = "DELETE FROM admin_sessions WHERE seen_at < $1 OR created_at < $2";
const FORGET_INVITATIONS: &str = "DELETE FROM admin_invitations WHERE expires_at < $1";
const FORGET_BROWSERS: &str = "DELETE FROM admin_browsers WHERE expires_at < $1";
const FORGET_TOKENS: &str = "DELETE FROM api_tokens WHERE expires_at < $1 OR revoked_at < $1";
/// How long the team sees what became of an API token.
const TOKENS_SHOWN: std::time::Duration = std::time::Duration::from_hours(24 * 90);

/// Forgets in the transaction `$tx` what had failed in the lanes of an attempt that has succeeded.
macro_rules! forgive {
    ($tx:ident, $lanes:expr, $at:expr) => {
        for (lane, subject) in $lanes {
            match lane {
                Lane::Range => {
                    run!($tx, $crate::store::admin_attempts::TAKE_BACK, subject.as_bytes().as_slice(), $at);
                }
                Lane::Name | Lane::Browser | Lane::Session => {
                    run!($tx, $crate::store::admin_attempts::CLEAR, subject.as_bytes().as_slice());
                }
            }
        }
    };
}
pub(super) use forgive;

impl Store {
    /// Counts an attempt in its lanes, before it is judged: `Err` says when to come back, and counts nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_attempt(
        &self,
        lanes: &[(Lane, Subject)],
        now: Timestamp,
    ) -> Result<Result<(), Timestamp>, StoreError> {
        // One order for all, so that no two attempts wait for each other.
        let mut lanes = lanes.to_vec();
        lanes.sort_by_key(|(_, subject)| *subject.as_bytes());
        Ok(transact!(self, tx => {
            for (lane, subject) in &lanes {
                let key = subject.as_bytes().as_slice();
                let (failures, next_at, updated_at): (i64, i64, i64) =
                    sqlx::query_as(LOCK).bind(key).fetch_one(&mut *tx).await?;
                let attempts = Attempts {
                    failures,
                    next_at: TABLE.time("next_at", next_at)?,
                    updated_at: TABLE.time("updated_at", updated_at)?,
                };
                match attempts.count(*lane, now) {
                    Err(until) => return Ok(Ending::Rollback(Err(until))),
                    Ok(Attempts { failures, next_at, updated_at }) => {
                        run!(tx, SAVE, key, failures, next_at.as_millisecond(), updated_at.as_millisecond());
                    }
                }
            }
            Ok(Ending::Commit(Ok(())))
        }))
    }

    /// Forgets what is over of admins: attempts, sessions, invitations, browsers, API tokens.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_admin_traces(&self, now: Timestamp) -> Result<(), StoreError> {
        let at = now.as_millisecond();
        let ago = |life| at.saturating_sub(millis(life));
        transact!(self, tx => {
            run!(tx, FORGET, ago(ATTEMPTS_REMEMBERED), at);
            run!(tx, FORGET_SESSIONS, ago(SESSION_IDLE), ago(SESSION_LIFETIME));
            run!(tx, FORGET_INVITATIONS, at);
            run!(tx, FORGET_BROWSERS, at);
            run!(tx, FORGET_TOKENS, ago(TOKENS_SHOWN));
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
