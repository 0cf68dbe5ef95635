//! The ledger of a number and the day's wrong checks over all numbers.

use super::error::Table;
use super::spending::{day, next_day_ms};
use super::{Store, StoreError, read};
use crate::model::id::VerificationId;
use crate::model::keys::NumberIndex;
use crate::model::ledger::Guesses;
use jiff::Timestamp;

/// Rows over which the day's counts are spread, for every check writes one.
const SHARDS: u8 = 16;
const TABLE: Table = Table("ledgers");

/// What counts now: a clearing whose day has come is taken off.
pub(super) const SPENT: &str = "SELECT spent - CASE WHEN clears_at <= $2 THEN clearing ELSE 0 END
    FROM ledgers WHERE number_index = $1";
pub(super) const ADD: &str = "INSERT INTO ledgers AS l (number_index, spent, clearing) VALUES ($1, $2, 0)
    ON CONFLICT (number_index) DO UPDATE SET
        spent = l.spent - CASE WHEN l.clears_at <= $3 THEN l.clearing ELSE 0 END + excluded.spent,
        clearing = CASE WHEN l.clears_at <= $3 THEN 0 ELSE l.clearing END,
        clears_at = CASE WHEN l.clears_at <= $3 THEN NULL ELSE l.clears_at END";
/// A success clears what was added before it, from the next day on.
pub(super) const CLEAR: &str = "UPDATE ledgers SET
    spent = spent - CASE WHEN clears_at <= $2 THEN clearing ELSE 0 END,
    clearing = spent - CASE WHEN clears_at <= $2 THEN clearing ELSE 0 END, clears_at = $3
    WHERE number_index = $1";
pub(super) const COUNT: &str = "INSERT INTO guess_counts AS g (shard, day, wrong, approvals)
    VALUES ($1, $2, $3, $4) ON CONFLICT (shard, day) DO UPDATE SET
        wrong = g.wrong + excluded.wrong, approvals = g.approvals + excluded.approvals";
pub(super) const COUNTED: &str =
    "SELECT CAST(COALESCE(SUM(wrong), 0) AS BIGINT), CAST(COALESCE(SUM(approvals), 0) AS BIGINT)
    FROM guess_counts WHERE day = $1";

/// The row in which the checks of a verification are counted.
pub(super) fn shard(id: VerificationId) -> i64 {
    i64::from(id.as_bytes().first().copied().unwrap_or_default() % SHARDS)
}

/// Counts a wrong check of the verification `$v` in the transaction `$tx`.
macro_rules! count_wrong {
    ($tx:ident, $v:expr, $now:expr) => {{
        use $crate::store::ledgers::{ADD, COUNT, shard};
        let (number, chance) = ($v.number_index.as_bytes().as_slice(), chance($v.code_length));
        run!($tx, ADD, number, chance, $now.as_millisecond());
        run!($tx, COUNT, shard($v.id), day($now), 1_i64, 0_i64);
    }};
}
/// Counts the approval of the verification `$v`, whose wrong checks were then no guesses.
macro_rules! count_approval {
    ($tx:ident, $v:expr, $now:expr) => {{
        use $crate::store::ledgers::{CLEAR, COUNT, shard};
        use $crate::store::spending::next_day_ms;
        let number = $v.number_index.as_bytes().as_slice();
        run!($tx, CLEAR, number, $now.as_millisecond(), next_day_ms($now));
        run!($tx, COUNT, shard($v.id), day($now), 1 - $v.checks, 1_i64);
    }};
}
pub(super) use {count_approval, count_wrong};

impl Store {
    /// What a number's wrong checks sum up to at `now`, in hundred-millionths.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ledger(&self, number: &NumberIndex, now: Timestamp) -> Result<i64, StoreError> {
        let spent: Option<i64> = read!(self, conn => {
            sqlx::query_scalar(SPENT).bind(number.as_bytes().as_slice()).bind(now.as_millisecond())
                .fetch_optional(conn).await?
        });
        TABLE.some("spent", Some(spent.unwrap_or(0)))
    }

    /// What was counted over all numbers on the day of `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guesses(&self, now: Timestamp) -> Result<Guesses, StoreError> {
        let (wrong, approvals): (i64, i64) = read!(self, conn => {
            sqlx::query_as(COUNTED).bind(day(now)).fetch_one(conn).await?
        });
        Ok(Guesses { wrong, approvals })
    }

    /// When the day of `now` ends and the next begins.
    #[must_use]
    pub fn next_day(now: Timestamp) -> Timestamp {
        Timestamp::from_millisecond(next_day_ms(now)).unwrap_or(Timestamp::MAX)
    }
}
