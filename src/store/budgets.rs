//! The lookup budget of a number: a leaky bucket that deleting and registering again do not refill.
//!
//! One integer holds it: the time at which the bucket will have leaked empty. A charge moves that time
//! on, and fits if it stays within a full bucket of now (the generic cell rate algorithm, GCRA).

use super::error::{Table, millis};
use super::{Ending, Store, StoreError, run, transact};
use crate::model::id::DeviceId;
use crate::model::keys::NumberIndex;
use crate::model::sync_token::SyncToken;
use jiff::Timestamp;
use std::time::Duration;
use subtle::ConstantTimeEq as _;

const TABLE: Table = Table("lookup_budgets");
const RETRY_WINDOW: Duration = Duration::from_hours(24);

/// How many new handles a number may ask for.
#[derive(Debug, Clone, Copy)]
pub struct BudgetPolicy {
    /// Handles a full bucket holds.
    pub capacity: u32,
    /// Handles that leak out in an hour.
    pub leak_per_hour: u32,
}

impl BudgetPolicy {
    /// How long the bucket takes to leak `handles`.
    #[must_use]
    pub fn leak_time(&self, handles: u32) -> Duration {
        let ms = u64::from(handles).saturating_mul(3_600_000).div_ceil(u64::from(self.leak_per_hour.max(1)));
        Duration::from_millis(ms)
    }
}

/// A lookup to be paid for.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    /// Who pays.
    pub number: NumberIndex,
    /// The device that keeps the receipt.
    pub device: DeviceId,
    /// New handles asked for.
    pub cost: u32,
    /// The receipt.
    pub token: SyncToken,
}

/// What came of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// Paid: this much.
    Paid(u32),
    /// The budget is spent until then. Nothing was charged.
    Spent(Timestamp),
}

const LOCK_RECEIPT: &str =
    "UPDATE devices SET last_paid = last_paid WHERE device_id = $1 RETURNING last_paid, last_paid_at";
const CHARGE: &str = "INSERT INTO lookup_budgets AS b (number_index, empty_at) VALUES ($1, $2 + $3)
    ON CONFLICT (number_index) DO UPDATE SET
        empty_at = CASE WHEN b.empty_at > $2 THEN b.empty_at ELSE $2 END + $3
    WHERE CASE WHEN b.empty_at > $2 THEN b.empty_at ELSE $2 END + $3 <= $2 + $4
    RETURNING empty_at";
const LEVEL: &str = "SELECT empty_at FROM lookup_budgets WHERE number_index = $1";
const KEEP_RECEIPT: &str = "UPDATE devices SET last_paid = $2, last_paid_at = $3 WHERE device_id = $1";

impl Store {
    /// Charges a lookup to the number's budget; the device's last paid lookup, asked again, costs nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn charge_lookup(
        &self,
        charge: &Charge,
        policy: BudgetPolicy,
        now: Timestamp,
    ) -> Result<ChargeOutcome, StoreError> {
        let (device, number) = (charge.device.as_bytes().as_slice(), charge.number.as_bytes().as_slice());
        let (at, token) = (now.as_millisecond(), charge.token.as_bytes().as_slice());
        let (price, full) =
            (millis(policy.leak_time(charge.cost)), millis(policy.leak_time(policy.capacity)));
        Ok(transact!(self, tx => {
            let receipt: Option<(Option<Vec<u8>>, Option<i64>)> =
                sqlx::query_as(LOCK_RECEIPT).bind(device).fetch_optional(&mut *tx).await?;
            if let Some((Some(last), Some(paid_at))) = receipt
                && paid_at > at.saturating_sub(millis(RETRY_WINDOW))
                && bool::from(last.as_slice().ct_eq(token))
            {
                return Ok(Ending::Rollback(ChargeOutcome::Paid(0)));
            }
            let fits = price <= full;
            let charged: Option<i64> = if fits {
                sqlx::query_scalar(CHARGE).bind(number).bind(at).bind(price).bind(full).fetch_optional(&mut *tx).await?
            } else {
                None
            };
            if charged.is_none() {
                let level: Option<i64> = sqlx::query_scalar(LEVEL).bind(number).fetch_optional(&mut *tx).await?;
                let until = level.unwrap_or(at).max(at).saturating_add(price).saturating_sub(full);
                return Ok(Ending::Rollback(ChargeOutcome::Spent(TABLE.time("empty_at", until)?)));
            }
            run!(tx, KEEP_RECEIPT, device, token, at);
            Ok(Ending::Commit(ChargeOutcome::Paid(charge.cost)))
        }))
    }
}
