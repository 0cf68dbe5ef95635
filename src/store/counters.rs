//! What has been sent to a number and by which address ranges: rows locked, judged by the model, written back.

use super::StoreError;
use super::error::Table;
use crate::model::counter::{Sends, Share};
use crate::model::guard::Subject;

pub(super) const TABLE: Table = Table("number_counters");

/// Locks a number's counter and the share of a range in it, made if they are not there.
/// Binds: number, counter, share (or nothing).
pub(super) const LOCK: &str = "INSERT INTO number_counters AS n
    (number_index, counter, sends, proven, window_ends_at, waits, resend_at)
    SELECT $1, v.column1, 0, 0, 0, 0, 0 FROM (VALUES ($2), ($3)) AS v WHERE v.column1 IS NOT NULL
    ON CONFLICT (number_index, counter) DO UPDATE SET waits = n.waits
    RETURNING counter, sends, proven, window_ends_at, waits, resend_at";
/// Binds: number; counter, sends, proven, end of the window, waits, next send; share, its sends, those behind challenges,
/// its end.
pub(super) const SAVE: &str = "INSERT INTO number_counters AS n
    (number_index, counter, sends, proven, window_ends_at, waits, resend_at)
    SELECT $1, v.column1, v.column2, v.column3, v.column4, v.column5, v.column6 FROM
        (VALUES ($2, $3, $4, $5, $6, $7), ($8, $9, $10, $11, 0, 0)) AS v WHERE v.column1 IS NOT NULL
    ON CONFLICT (number_index, counter) DO UPDATE SET sends = excluded.sends, proven = excluded.proven,
        window_ends_at = excluded.window_ends_at, waits = excluded.waits, resend_at = excluded.resend_at";
/// An approval resets the waits.
pub(super) const RESET_WAITS: &str = "UPDATE number_counters SET waits = 0, resend_at = $3
    WHERE number_index = $1 AND counter = $2";
/// A number refunds the guard once in 24 hours.
pub(super) const REFUND_ONCE: &str = "UPDATE number_counters SET refunded_at = $3
    WHERE number_index = $1 AND counter = $2 AND (refunded_at IS NULL OR refunded_at <= $4)";

/// A counter as it lies: its name, sends, proven, end of the window, waits, next send.
pub(super) type Row = (String, i64, i64, i64, i64, i64);

/// The name of the row that counts the share of a range.
pub(super) fn share_name(range: &Subject) -> String {
    format!("range:{}", hex::encode(range.as_bytes()))
}

/// The counter and the share among the rows that were locked.
pub(super) fn counted(rows: &[Row], share: Option<&str>) -> Result<(Sends, Option<Share>), StoreError> {
    let (mut sends, mut shared) = (Sends::default(), None);
    for (name, open, proven, window_ends_at, waits, resend_at) in rows {
        let window_ends_at = TABLE.time("window_ends_at", *window_ends_at)?;
        if Some(name.as_str()) == share {
            shared = Some(Share { open: *open, proven: *proven, window_ends_at });
        } else {
            let resend_at = TABLE.time("resend_at", *resend_at)?;
            sends = Sends { open: *open, proven: *proven, window_ends_at, waits: *waits, resend_at };
        }
    }
    Ok((sends, shared))
}

/// Locks the counters of an order in the transaction `$tx` and counts its send: `Ok(`what to save`)` or
/// `Err(`[`NotCounted`]`)`.
///
/// [`NotCounted`]: crate::model::counter::NotCounted
macro_rules! count_send {
    ($tx:ident, $order:expr, $policy:expr, $asked:expr, $now:expr) => {{
        use $crate::store::counters::{LOCK, Row, counted, share_name};
        let share = $order.range.as_ref().map(share_name);
        let rows: Vec<Row> = sqlx::query_as(LOCK)
            .bind($order.number.as_bytes().as_slice())
            .bind($order.counter.as_str())
            .bind(&share)
            .fetch_all(&mut *$tx)
            .await?;
        let (mut sends, mut shared) = counted(&rows, share.as_deref())?;
        let judged = sends.count(shared.as_mut(), $asked, $policy, $now);
        judged.map(|()| (sends, share.zip(shared)))
    }};
}
pub(super) use count_send;

/// Saves what [`count_send`] counted, in the transaction `$tx`.
macro_rules! save_counters {
    ($tx:ident, $order:expr, $counted:expr) => {{
        let (sends, shared) = $counted;
        let (share, of_share) = shared.as_ref().map(|(name, share)| (name, share)).unzip();
        run!(
            $tx,
            $crate::store::counters::SAVE,
            $order.number.as_bytes().as_slice(),
            $order.counter.as_str(),
            sends.open,
            sends.proven,
            sends.window_ends_at.as_millisecond(),
            sends.waits,
            sends.resend_at.as_millisecond(),
            share,
            of_share.map(|share| share.open),
            of_share.map(|share| share.proven),
            of_share.map(|share| share.window_ends_at.as_millisecond()),
        );
    }};
}
pub(super) use save_counters;
