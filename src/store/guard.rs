//! The guard's buckets: five are charged in one statement, or none.
//!
//! One integer holds a bucket, the time at which the trickle alone will have filled it; a unit moves that
//! time on by as long as the trickle takes to bring one (the generic cell rate algorithm, GCRA).

use super::error::{Table, millis};
use super::{Ending, Store, StoreError, read, run, transact};
use crate::model::guard::{Level, Subject, Toll, next_pause};
use jiff::Timestamp;
use std::time::Duration;

const PAUSES: Table = Table("guard_pauses");

/// Takes a unit from each bucket that has one; the caller gives them back unless all had.
/// Binds: now, then (subject, unit, cap) for each of the five levels, in their order.
pub(super) const CHARGE: &str = "INSERT INTO guard_buckets AS b (subject, full_at, unit_ms, cap_ms)
    SELECT v.column1, $1 + v.column2, v.column2, v.column3 FROM
        (VALUES ($2, $3, $4), ($5, $6, $7), ($8, $9, $10), ($11, $12, $13), ($14, $15, $16)) AS v
    WHERE v.column1 IS NOT NULL
    ON CONFLICT (subject) DO UPDATE SET unit_ms = excluded.unit_ms, cap_ms = excluded.cap_ms,
        full_at = CASE WHEN b.full_at > $1 THEN b.full_at ELSE $1 END + excluded.unit_ms
    WHERE CASE WHEN b.full_at > $1 THEN b.full_at ELSE $1 END + excluded.unit_ms <= $1 + excluded.cap_ms
    RETURNING subject";
/// Gives units back; more than full is full.
pub(super) const REFUND: &str =
    "UPDATE guard_buckets SET full_at = full_at - unit_ms * $2 / $3 WHERE subject = $1";
/// Gives a unit back to buckets that this transaction has locked, so in whatever order.
pub(super) const UNDO: &str =
    "UPDATE guard_buckets SET full_at = full_at - unit_ms WHERE subject IN ($1, $2, $3, $4, $5)";
const STATE: &str = "SELECT full_at FROM guard_buckets WHERE subject = $1";
const LAST_PAUSE: &str = "SELECT paused_until, pause_ms FROM guard_pauses WHERE subject = $1";
const PAUSE: &str = "INSERT INTO guard_pauses (subject, paused_until, pause_ms) VALUES ($1, $2, $3)
    ON CONFLICT (subject) DO UPDATE SET paused_until = $2, pause_ms = $3";

/// A bucket as it stands.
#[derive(Debug, Clone, Copy)]
pub struct BucketState {
    /// The unit that would be taken from it.
    pub toll: Toll,
    /// When it will have that unit.
    pub unit_at: Timestamp,
    /// How empty it is, from 0 (full) to 1 (empty).
    pub deficit: f64,
}

/// The five binds of [`CHARGE`] after `now`, with nothing where a level does not apply.
pub(super) fn places(tolls: &[Toll]) -> [(Option<&[u8]>, i64, i64); 5] {
    let mut places = [(None, 0, 0); 5];
    for (place, toll) in places.iter_mut().zip(tolls) {
        *place = (Some(toll.subject.as_bytes().as_slice()), toll.unit_ms, toll.cap_ms);
    }
    places
}

/// The first of the tolls whose bucket gave nothing.
pub(super) fn refused(tolls: &[Toll], charged: &[Vec<u8>]) -> Option<Level> {
    let missing = |toll: &&Toll| !charged.iter().any(|subject| subject == toll.subject.as_bytes());
    tolls.iter().find(missing).map(|toll| toll.level)
}

/// The subjects of tolls as one value, to be refunded by.
pub(super) fn receipt(tolls: &[Toll]) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = tolls.iter().flat_map(|toll| *toll.subject.as_bytes()).collect();
    (!bytes.is_empty()).then_some(bytes)
}

/// Takes a unit from every bucket in the transaction `$tx`: `Ok`, or `Err(`the level that refused`)` with the
/// subjects whose buckets gave one all the same.
macro_rules! charge_tolls {
    ($tx:ident, $tolls:expr, $now:expr) => {{
        use $crate::store::guard::{CHARGE, places, refused};
        let [a, b, c, d, e] = places($tolls);
        let charged: Vec<Vec<u8>> = sqlx::query_scalar(CHARGE)
            .bind($now)
            .bind(a.0)
            .bind(a.1)
            .bind(a.2)
            .bind(b.0)
            .bind(b.1)
            .bind(b.2)
            .bind(c.0)
            .bind(c.1)
            .bind(c.2)
            .bind(d.0)
            .bind(d.1)
            .bind(d.2)
            .bind(e.0)
            .bind(e.1)
            .bind(e.2)
            .fetch_all(&mut *$tx)
            .await?;
        match refused($tolls, &charged) {
            None => Ok(()),
            Some(level) => Err((level, charged)),
        }
    }};
}
pub(super) use charge_tolls;

/// Gives back what [`charge_tolls`] took in the same transaction.
macro_rules! undo_charge {
    ($tx:ident, $charged:expr) => {{
        let mut subjects = $charged.iter().map(Vec::as_slice);
        let mut next = || subjects.next();
        run!($tx, $crate::store::guard::UNDO, next(), next(), next(), next(), next());
    }};
}
pub(super) use undo_charge;

/// Gives `$units / $per` of a unit back to every bucket of a receipt, in the order in which they were charged.
macro_rules! refund_tolls {
    ($tx:ident, $receipt:expr, $units:expr, $per:expr) => {
        for subject in $receipt.chunks_exact(16) {
            run!($tx, $crate::store::guard::REFUND, subject, $units, $per);
        }
    };
}
pub(super) use refund_tolls;

impl Store {
    /// The buckets that a send would take from, as they stand, in the order of the tolls.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn buckets(&self, tolls: &[Toll], now: Timestamp) -> Result<Vec<BucketState>, StoreError> {
        let at = now.as_millisecond();
        let mut states = Vec::with_capacity(tolls.len());
        for &toll in tolls {
            let subject = toll.subject.as_bytes().as_slice();
            let full_at: Option<i64> = read!(self, conn => {
                sqlx::query_scalar(STATE).bind(subject).fetch_optional(conn).await?
            });
            let missing = full_at.unwrap_or(at).saturating_sub(at).max(0);
            let wait = missing.saturating_add(toll.unit_ms).saturating_sub(toll.cap_ms).max(0);
            #[expect(clippy::cast_precision_loss, reason = "a share of a bucket, to be shown and scaled")]
            let deficit = (missing as f64 / toll.cap_ms.max(1) as f64).clamp(0.0, 1.0);
            let unit_at = Table("guard_buckets").time("full_at", at.saturating_add(wait))?;
            states.push(BucketState { toll, unit_at, deficit });
        }
        Ok(states)
    }

    /// Until when a destination is paused, if it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn destination_pause(
        &self,
        subject: Subject,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let key = subject.as_bytes().as_slice();
        let last: Option<(i64, i64)> =
            read!(self, conn => sqlx::query_as(LAST_PAUSE).bind(key).fetch_optional(conn).await?);
        let until = PAUSES.time_if("paused_until", last.map(|(until, _)| until))?;
        Ok(until.filter(|until| *until > now))
    }

    /// Pauses a destination until its bucket has a unit again and at least for the next longer pause; one
    /// that is paused stays so. When it ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pause_destination(
        &self,
        subject: Subject,
        unit_at: Timestamp,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let key = subject.as_bytes().as_slice();
        let until = transact!(self, tx => {
            let last: Option<(i64, i64)> =
                sqlx::query_as(LAST_PAUSE).bind(key).fetch_optional(&mut *tx).await?;
            let (until, length) = match last {
                Some((until, _)) if until > now.as_millisecond() => return Ok(Ending::Rollback(until)),
                // A destination that was quiet for as long as it was paused begins anew.
                Some((until, length)) if until.saturating_add(length) > now.as_millisecond() => {
                    (until, Some(Duration::from_millis(length.unsigned_abs())))
                }
                _ => (0, None),
            };
            let pause = millis(next_pause(length));
            let next = now.as_millisecond().saturating_add(pause).max(unit_at.as_millisecond()).max(until);
            run!(tx, PAUSE, key, next, pause);
            Ok(Ending::Commit(next))
        });
        PAUSES.time("paused_until", until)
    }
}
