//! Money: what codes have cost in a day, by country and in all, held under the caps that are set.

use super::{Store, StoreError, read};
use crate::model::guard::Subject;
use jiff::Timestamp;

/// Milliseconds of a day (UTC).
const DAY_MS: i64 = 86_400_000;
/// Days over which the conversion of a prefix is looked at: today and yesterday.
pub(super) const CONVERSION_DAYS: i64 = 2;

/// What may be spent where no cap is set: far from the largest sum, so that adding to it cannot overflow.
const NO_CAP: i64 = i64::MAX / 2;
/// A cap that lets nothing more be spent.
const SPENT: i64 = -1;

/// The country that stands for all of them.
pub(super) const ALL: &str = "*";

/// Spends in a country and in all, each where its cap allows it; the caller undoes it unless both do.
/// Binds: day, price, country, its cap, the cap of all.
pub(super) const SPEND: &str = "INSERT INTO spending AS s (country, day, spent)
    SELECT v.column1, $1, $2 FROM (VALUES ($3, $4), ('*', $5)) AS v WHERE v.column2 >= $2
    ON CONFLICT (country, day) DO UPDATE SET spent = s.spent + excluded.spent
    WHERE s.spent + excluded.spent <= CASE WHEN s.country = '*' THEN $5 ELSE $4 END RETURNING country";
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

/// What remains of a cap for prefixes that do not convert; nothing set is no cap.
pub(super) fn four_fifths(cap: Option<i64>) -> i64 {
    cap.map_or(NO_CAP, |cap| cap / 5 * 4)
}

/// The whole of a cap for what is not among `spent` yet, and nothing for what is.
pub(super) fn the_rest(spent: &[String], country: &str, cap: Option<i64>) -> i64 {
    if spent.iter().any(|name| name == country) { SPENT } else { cap.unwrap_or(NO_CAP) }
}

/// Whether it is a country's cap or that of all that refuses, if one does.
pub(super) fn missing(spent: &[String], country: &str) -> Option<bool> {
    let lacks = |country: &str| !spent.iter().any(|name| name == country);
    if lacks(country) { Some(false) } else { lacks(ALL).then_some(true) }
}

/// Spends the price of `$order` on the day of `$now`, in the transaction `$tx`: `None`, or whether it is the cap of
/// all that refuses. The last fifth of a cap is for prefixes that convert.
macro_rules! spend_money {
    ($tx:ident, $order:expr, $now:expr) => {{
        use $crate::store::spending::{
            CONVERSION, CONVERSION_DAYS, SPEND, day, four_fifths, missing, the_rest,
        };
        let (order, day, country) = ($order, day($now), $order.country.as_str());
        let mut caps = (four_fifths(order.caps.country), four_fifths(order.caps.total));
        let mut spent: Vec<String> = Vec::new();
        for last in [false, true] {
            let now: Vec<String> = sqlx::query_scalar(SPEND)
                .bind(day)
                .bind(order.price)
                .bind(country)
                .bind(caps.0)
                .bind(caps.1)
                .fetch_all(&mut *$tx)
                .await?;
            spent.extend(now);
            let (Some(prefix), Some(_), false) = (&order.prefix, missing(&spent, country), last) else {
                break;
            };
            let (sends, approvals): (i64, i64) = sqlx::query_as(CONVERSION)
                .bind(prefix.as_bytes().as_slice())
                .bind(day - CONVERSION_DAYS)
                .fetch_one(&mut *$tx)
                .await?;
            if sends == 0 || approvals * 100 < sends * order.caps.conversion_percent {
                break;
            }
            caps = (
                the_rest(&spent, country, order.caps.country),
                the_rest(&spent, $crate::store::spending::ALL, order.caps.total),
            );
        }
        missing(&spent, country)
    }};
}
pub(super) use spend_money;

impl Store {
    /// Messages to a range of numbers today and yesterday (UTC), and how many of their codes were approved.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn conversion(&self, range: Subject, now: Timestamp) -> Result<(i64, i64), StoreError> {
        Ok(read!(self, conn => {
            let since = day(now) - CONVERSION_DAYS;
            let asked = sqlx::query_as(CONVERSION).bind(range.as_bytes().as_slice()).bind(since);
            asked.fetch_one(conn).await?
        }))
    }
}
