//! Money: what codes have cost in a day, by country and in all, held under the caps that are set.

use jiff::Timestamp;

/// Milliseconds of a day (UTC).
const DAY_MS: i64 = 86_400_000;
/// Days over which the conversion of a prefix is looked at: today and yesterday.
pub(super) const CONVERSION_DAYS: i64 = 2;

/// The country that stands for all of them.
pub(super) const ALL: &str = "*";

pub(super) const SPEND: &str = "INSERT INTO spending AS s (country, day, spent) VALUES ($1, $2, $3)
    ON CONFLICT (country, day) DO UPDATE SET spent = s.spent + excluded.spent
    WHERE s.spent + excluded.spent <= $4 RETURNING spent";
pub(super) const UNSPEND: &str = "UPDATE spending SET spent = spent - $3 WHERE country = $1 AND day = $2";
pub(super) const COUNT_SENT: &str = "INSERT INTO conversions AS c (subject, day, sends, approvals)
    VALUES ($1, $2, 1, 0) ON CONFLICT (subject, day) DO UPDATE SET sends = c.sends + 1";
pub(super) const COUNT_APPROVED: &str = "INSERT INTO conversions AS c (subject, day, sends, approvals)
    VALUES ($1, $2, 0, 1) ON CONFLICT (subject, day) DO UPDATE SET approvals = c.approvals + 1";
pub(super) const CONVERSION: &str =
    "SELECT CAST(COALESCE(SUM(sends), 0) AS BIGINT), CAST(COALESCE(SUM(approvals), 0) AS BIGINT)
    FROM conversions WHERE subject = $1 AND day > $2";

/// What may be spent in a day, in millionths of the operator's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caps {
    /// To the country of the send; nothing set is no cap.
    pub country: Option<i64>,
    /// In all.
    pub total: Option<i64>,
    /// The conversion in percent that a prefix must have for the last fifth of a cap.
    pub conversion_percent: i64,
}

/// The day of a time, counted from 1970 (UTC).
pub(super) fn day(now: Timestamp) -> i64 {
    now.as_millisecond().div_euclid(DAY_MS)
}

/// When the next day begins, with its caps whole.
pub(super) fn next_day_ms(now: Timestamp) -> i64 {
    (day(now) + 1) * DAY_MS
}

/// What remains of a cap for prefixes that do not convert.
pub(super) fn four_fifths(cap: i64) -> i64 {
    cap / 5 * 4
}

/// Spends `$price` in `$country` on the day of `$now`, in the transaction `$tx`, if the cap allows it.
macro_rules! spend_money {
    ($tx:ident, $country:expr, $order:expr, $cap:expr, $now:expr) => {{
        use $crate::store::spending::{CONVERSION, CONVERSION_DAYS, SPEND, day, four_fifths};
        let (day, price) = (day($now), $order.price);
        let mut spent: Option<i64> = None;
        let cap: Option<i64> = $cap;
        let below = cap.map_or(i64::MAX, four_fifths);
        if price <= below {
            spent = sqlx::query_scalar(SPEND)
                .bind($country)
                .bind(day)
                .bind(price)
                .bind(below)
                .fetch_optional(&mut *$tx)
                .await?;
        }
        if let (None, Some(cap), Some(prefix)) = (spent, cap.filter(|cap| price <= *cap), $order.prefix) {
            let (sends, approvals): (i64, i64) = sqlx::query_as(CONVERSION)
                .bind(prefix.as_bytes().as_slice())
                .bind(day - CONVERSION_DAYS)
                .fetch_one(&mut *$tx)
                .await?;
            if sends > 0 && approvals * 100 >= sends * $order.caps.conversion_percent {
                spent = sqlx::query_scalar(SPEND)
                    .bind($country)
                    .bind(day)
                    .bind(price)
                    .bind(cap)
                    .fetch_optional(&mut *$tx)
                    .await?;
            }
        }
        spent.is_some()
    }};
}
pub(super) use spend_money;
