//! What has been sent to a number, counted before it is judged and over all its verifications.

use jiff::Timestamp;
use std::time::Duration;

/// How often a number may be sent a code.
#[derive(Debug, Clone)]
pub struct SendPolicy {
    /// Sends in a window.
    pub per_number: i64,
    /// The window, which begins with its first send.
    pub window: Duration,
    /// The wait after each send; the last one repeats.
    pub waits: [Duration; 5],
}

/// Why nothing was sent. Nothing was counted either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The wait after the send before is not over.
    TooEarly {
        /// When it is.
        not_before: Timestamp,
    },
    /// The number's sends of this window are used up.
    Exhausted {
        /// When the next window begins.
        until: Timestamp,
    },
}

/// Counts a send if the number's wait or an earlier promise is over and its window has one left.
/// Binds: index, now, window, limit, promised time, the five waits.
pub(super) const COUNT_SEND: &str =
    "INSERT INTO number_sends AS n (number_index, sends, window_ends_at, waits, resend_at)
    VALUES ($1, 1, $2 + $3, 1, $2 + $6)
    ON CONFLICT (number_index) DO UPDATE SET
        sends = CASE WHEN n.window_ends_at <= $2 THEN 1 ELSE n.sends + 1 END,
        window_ends_at = CASE WHEN n.window_ends_at <= $2 THEN $2 + $3 ELSE n.window_ends_at END,
        waits = CASE WHEN n.waits < 5 THEN n.waits + 1 ELSE 5 END,
        resend_at = $2 + CASE n.waits WHEN 0 THEN $6 WHEN 1 THEN $7 WHEN 2 THEN $8 WHEN 3 THEN $9 ELSE $10 END
    WHERE (n.resend_at <= $2 OR $5 <= $2) AND (n.window_ends_at <= $2 OR n.sends < $4)
    RETURNING resend_at";

/// Why [`COUNT_SEND`] counted nothing.
pub(super) const SENDS: &str =
    "SELECT resend_at, window_ends_at, sends FROM number_sends WHERE number_index = $1";

/// An approval resets the waits.
pub(super) const RESET_WAITS: &str =
    "UPDATE number_sends SET waits = 0, resend_at = $2 WHERE number_index = $1";

/// Counts a send in the transaction `$tx`: `Ok(when another is promised)` or `Err(`[`Refusal`]`)`.
macro_rules! count_send {
    ($tx:ident, $index:expr, $policy:expr, $promised:expr, $now:expr) => {{
        use $crate::store::error::{Table, millis};
        use $crate::store::number_sends::{COUNT_SEND, Refusal, SENDS};
        const TABLE: Table = Table("number_sends");
        let (policy, now): (&$crate::store::SendPolicy, jiff::Timestamp) = ($policy, $now);
        let [first, second, third, fourth, last] = policy.waits.map(millis);
        let counted: Option<i64> = sqlx::query_scalar(COUNT_SEND)
            .bind($index.as_bytes().as_slice())
            .bind(now.as_millisecond())
            .bind(millis(policy.window))
            .bind(policy.per_number)
            .bind($promised)
            .bind(first)
            .bind(second)
            .bind(third)
            .bind(fourth)
            .bind(last)
            .fetch_optional(&mut *$tx)
            .await?;
        if let Some(resend_at) = counted {
            Ok(TABLE.time("resend_at", resend_at)?)
        } else {
            let (resend_at, window_ends_at, sends): (i64, i64, i64) =
                sqlx::query_as(SENDS).bind($index.as_bytes().as_slice()).fetch_one(&mut *$tx).await?;
            let spent = sends >= policy.per_number && window_ends_at > now.as_millisecond();
            Err(if spent {
                // Both must be over: waiting exactly this long must work.
                Refusal::Exhausted { until: TABLE.time("window_ends_at", window_ends_at.max(resend_at))? }
            } else {
                Refusal::TooEarly { not_before: TABLE.time("resend_at", resend_at.min($promised))? }
            })
        }
    }};
}
pub(super) use count_send;
