//! What has been sent to a number and by which address ranges: rows locked, judged by the model, written back.

use super::StoreError;
use super::error::Table;
use crate::model::counter::{Sends, Share};

pub(super) const TABLE: Table = Table("number_counters");
pub(super) const SHARES: Table = Table("range_shares");

/// Locks a counter, made if it is not there.
pub(super) const LOCK: &str = "INSERT INTO number_counters AS n
    (number_index, counter, sends, proven, window_ends_at, waits, resend_at) VALUES ($1, $2, 0, 0, 0, 0, 0)
    ON CONFLICT (number_index, counter) DO UPDATE SET waits = n.waits
    RETURNING sends, proven, window_ends_at, waits, resend_at";
pub(super) const SAVE: &str = "UPDATE number_counters SET sends = $3, proven = $4, window_ends_at = $5,
    waits = $6, resend_at = $7 WHERE number_index = $1 AND counter = $2";
/// Locks the share of a range, made if it is not there.
pub(super) const LOCK_SHARE: &str = "INSERT INTO range_shares AS r
    (number_index, subject, sends, window_ends_at) VALUES ($1, $2, 0, 0)
    ON CONFLICT (number_index, subject) DO UPDATE SET sends = r.sends RETURNING sends, window_ends_at";
pub(super) const SAVE_SHARE: &str = "UPDATE range_shares SET sends = $3, window_ends_at = $4
    WHERE number_index = $1 AND subject = $2";
/// An approval resets the waits.
pub(super) const RESET_WAITS: &str = "UPDATE number_counters SET waits = 0, resend_at = $3
    WHERE number_index = $1 AND counter = $2";
/// A number refunds the guard once in 24 hours.
pub(super) const REFUND_ONCE: &str = "UPDATE number_counters SET refunded_at = $3
    WHERE number_index = $1 AND counter = $2 AND (refunded_at IS NULL OR refunded_at <= $4)";

pub(super) fn sends(row: (i64, i64, i64, i64, i64)) -> Result<Sends, StoreError> {
    Ok(Sends {
        open: row.0,
        proven: row.1,
        window_ends_at: TABLE.time("window_ends_at", row.2)?,
        waits: row.3,
        resend_at: TABLE.time("resend_at", row.4)?,
    })
}

pub(super) fn share((sends, window_ends_at): (i64, i64)) -> Result<Share, StoreError> {
    Ok(Share { sends, window_ends_at: SHARES.time("window_ends_at", window_ends_at)? })
}

/// Counts a send in the transaction `$tx`: `Ok(when another is promised)` or `Err(`[`NotCounted`]`)`.
///
/// [`NotCounted`]: crate::model::counter::NotCounted
macro_rules! count_send {
    ($tx:ident, $order:expr, $policy:expr, $asked:expr, $now:expr) => {{
        use $crate::store::counters::{LOCK, LOCK_SHARE, SAVE, SAVE_SHARE, sends, share};
        let (number, counter) = ($order.number.as_bytes().as_slice(), $order.counter.as_str());
        let row: (i64, i64, i64, i64, i64) =
            sqlx::query_as(LOCK).bind(number).bind(counter).fetch_one(&mut *$tx).await?;
        let mut counted = sends(row)?;
        let range = $order.range.as_ref().map(|range| range.as_bytes().as_slice());
        let mut shared = match range {
            Some(range) => {
                let row: (i64, i64) =
                    sqlx::query_as(LOCK_SHARE).bind(number).bind(range).fetch_one(&mut *$tx).await?;
                Some(share(row)?)
            }
            None => None,
        };
        let judged = counted.count(shared.as_mut(), $asked, $policy, $now);
        if judged.is_ok() {
            let (window, resend_at) =
                (counted.window_ends_at.as_millisecond(), counted.resend_at.as_millisecond());
            run!($tx, SAVE, number, counter, counted.open, counted.proven, window, counted.waits, resend_at);
            if let (Some(range), Some(shared)) = (range, shared) {
                let window = shared.window_ends_at.as_millisecond();
                run!($tx, SAVE_SHARE, number, range, shared.sends, window);
            }
        }
        judged.map(|()| counted.resend_at)
    }};
}
pub(super) use count_send;
