//! What a send is judged by that it does not change.

use crate::model::ledger::{Guesses, Hardness};
use crate::store::orders::SendOrder;

/// What a send is judged by that it does not change: the kill switch, the number's ledger, the day's wrong checks
/// and approvals over all numbers, and the bucket that is paused for longest.
/// Binds: now, number, day, then the subject of each of the five levels.
pub(super) const CONTEXT: &str = "SELECT (SELECT COUNT(*) FROM sending_pauses),
    (SELECT spent - CASE WHEN clears_at <= $1 THEN clearing ELSE 0 END FROM ledgers WHERE number_index = $2),
    (SELECT CAST(COALESCE(SUM(wrong), 0) AS BIGINT) FROM guess_counts WHERE day = $3),
    (SELECT CAST(COALESCE(SUM(approvals), 0) AS BIGINT) FROM guess_counts WHERE day = $3),
    p.subject, p.paused_until FROM (SELECT 1 AS one) AS o LEFT JOIN
        (SELECT subject, paused_until FROM guard_pauses WHERE subject IN ($4, $5, $6, $7, $8)
            AND paused_until > $1 ORDER BY paused_until DESC LIMIT 1) AS p ON o.one = 1";

/// A row of [`CONTEXT`].
pub(super) type ContextRow = (i64, Option<i64>, i64, i64, Option<Vec<u8>>, Option<i64>);

/// What a send is judged by that it does not change.
pub(super) struct Context {
    pub(super) stopped: bool,
    /// What the number's wrong checks sum up to.
    spent: i64,
    guesses: Guesses,
    /// The bucket that is paused for longest, if one is, and until when.
    pub(super) paused: Option<(Vec<u8>, i64)>,
}

impl From<ContextRow> for Context {
    fn from((stopped, spent, wrong, approvals, subject, until): ContextRow) -> Self {
        Self {
            stopped: stopped > 0,
            spent: spent.unwrap_or(0),
            guesses: Guesses { wrong, approvals },
            paused: subject.zip(until),
        }
    }
}

impl Context {
    /// How hard a fresh code must be, and whether codes are being guessed all over.
    pub(super) fn hardness(&self, order: &SendOrder) -> (Hardness, bool) {
        let guessing = self.guesses.is_over(order.guesses);
        (order.hardness.after(self.spent, guessing), guessing)
    }
}

/// Reads it in the transaction `$tx`.
macro_rules! context {
    ($tx:ident, $order:expr, $now:expr) => {{
        use $crate::store::sends::context::{CONTEXT, Context, ContextRow};
        use $crate::store::{guard::places, spending::day};
        let [a, b, c, d, e] = places(&$order.second).map(|place| place.0);
        let row: ContextRow = sqlx::query_as(CONTEXT)
            .bind($now.as_millisecond())
            .bind($order.number.as_bytes().as_slice())
            .bind(day($now))
            .bind(a)
            .bind(b)
            .bind(c)
            .bind(d)
            .bind(e)
            .fetch_one(&mut *$tx)
            .await?;
        Context::from(row)
    }};
}
pub(super) use context;
