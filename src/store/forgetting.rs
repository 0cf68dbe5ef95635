//! Limits that are whole again leave no trace.

use super::budgets::RETRY_WINDOW;
use super::error::millis;
use super::spending::day;
use super::{Ending, Pool, Store, StoreError, run, transact};
use crate::model::guard::LONGEST_PAUSE;
use jiff::Timestamp;

/// Days for which sums by day are kept: for looking back, not for judging.
const DAYS: i64 = 35;
/// A counter, or a range's share in it, whose window and wait are over, and whose refund may be had again.
const COUNTERS: &str = "DELETE FROM number_counters WHERE window_ends_at <= $1 AND resend_at <= $1
    AND (refunded_at IS NULL OR refunded_at <= $1 - 86400000)";
/// On PostgreSQL what a send has locked is left: it locks in another order.
const UNUSED_COUNTERS: &str = "DELETE FROM number_counters WHERE (number_index, counter) IN
    (SELECT number_index, counter FROM number_counters WHERE window_ends_at <= $1 AND resend_at <= $1
        AND (refunded_at IS NULL OR refunded_at <= $1 - 86400000) FOR UPDATE SKIP LOCKED)";
const BUCKETS: &str = "DELETE FROM guard_buckets WHERE full_at <= $1";
const UNUSED_BUCKETS: &str = "DELETE FROM guard_buckets WHERE full_at <= $1 AND subject IN
    (SELECT subject FROM guard_buckets WHERE full_at <= $1 FOR UPDATE SKIP LOCKED)";
/// After as long a pause again, the next one begins anew.
const PAUSES: &str = "DELETE FROM guard_pauses WHERE paused_until <= $1";
const LEDGERS: &str = "DELETE FROM ledgers WHERE clears_at <= $1 AND spent <= clearing";
const CONVERSIONS: &str = "DELETE FROM conversions WHERE day < $1";
const SPENDING: &str = "DELETE FROM spending WHERE day < $1";
/// Only makes a retry free.
const RECEIPTS: &str = "UPDATE devices SET last_paid = NULL, last_paid_at = NULL WHERE last_paid_at <= $1";
const GUESSES: &str = "DELETE FROM guess_counts WHERE day < $1";

impl Store {
    /// Forgets every limit that stands where it would stand without a row, and sums by day after 35 days.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_limits(&self, now: Timestamp) -> Result<(), StoreError> {
        let (at, oldest) = (now.as_millisecond(), day(now) - DAYS);
        let (counters, buckets) = match self.pool {
            Pool::Sqlite { .. } => (COUNTERS, BUCKETS),
            Pool::Postgres(_) => (UNUSED_COUNTERS, UNUSED_BUCKETS),
        };
        for (forget, before) in [
            (counters, at),
            (buckets, at),
            (PAUSES, at.saturating_sub(millis(LONGEST_PAUSE))),
            (LEDGERS, at),
            (CONVERSIONS, oldest),
            (SPENDING, oldest),
            (GUESSES, oldest),
            (RECEIPTS, at.saturating_sub(millis(RETRY_WINDOW))),
        ] {
            // Each by itself: a send must not wait for all of them.
            transact!(self.at_length(), tx => {
                run!(tx, forget, before);
                Ok(Ending::Commit(()))
            });
        }
        Ok(())
    }
}
