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

const TABLE: Table = Table("lookup_budgets");
/// How long the last paid lookup may be asked again for nothing.
pub(super) const RETRY_WINDOW: Duration = Duration::from_hours(24);

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
#[derive(Debug, Clone)]
pub struct Charge {
    /// Who pays.
    pub number: NumberIndex,
    /// The device that keeps the receipt.
    pub device: DeviceId,
    /// New handles asked for.
    pub cost: u32,
    /// What a receipt of the epoch before pays of it.
    pub carried: Option<CarriedOver>,
    /// The receipt.
    pub token: SyncToken,
    /// The same receipt under the key's other versions, which a node may have given before.
    pub other_forms: Vec<SyncToken>,
}

impl Charge {
    /// Whether a receipt is of this lookup, in constant time for each of its forms.
    fn is_paid_by(&self, receipt: &[u8]) -> bool {
        self.token.matches(receipt) || self.other_forms.iter().any(|form| form.matches(receipt))
    }
}

/// What a receipt of the last epoch pays for in a new one, once per number and epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarriedOver {
    /// The new epoch.
    pub epoch: u32,
    /// New handles that it pays for.
    pub credit: u32,
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
const CARRY_OVER: &str = "INSERT INTO carried_over (number_index, epoch_id, carried_at) VALUES ($1, $2, $3)
    ON CONFLICT (number_index, epoch_id) DO NOTHING";
const CHARGE: &str = "INSERT INTO lookup_budgets AS b (number_index, empty_at) VALUES ($1, $2 + $3)
    ON CONFLICT (number_index) DO UPDATE SET
        empty_at = CASE WHEN b.empty_at > $2 THEN b.empty_at ELSE $2 END + $3
    WHERE CASE WHEN b.empty_at > $2 THEN b.empty_at ELSE $2 END + $3 <= $2 + $4";
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
        Ok(transact!(self, tx => {
            let receipt: Option<(Option<Vec<u8>>, Option<i64>)> =
                sqlx::query_as(LOCK_RECEIPT).bind(device).fetch_optional(&mut *tx).await?;
            if let Some((Some(last), Some(paid_at))) = receipt
                && paid_at > at.saturating_sub(millis(RETRY_WINDOW))
                && charge.is_paid_by(&last)
            {
                return Ok(Ending::Rollback(ChargeOutcome::Paid(0)));
            }
            let mut cost = charge.cost;
            if let Some(carried) = charge.carried
                && run!(tx, CARRY_OVER, number, i64::from(carried.epoch), at) == 1
            {
                cost = cost.saturating_sub(carried.credit);
            }
            let (price, full) = (millis(policy.leak_time(cost)), millis(policy.leak_time(policy.capacity)));
            let paid = cost == 0 || (price <= full && run!(tx, CHARGE, number, at, price, full) == 1);
            if !paid {
                let level: Option<i64> = sqlx::query_scalar(LEVEL).bind(number).fetch_optional(&mut *tx).await?;
                let until = level.unwrap_or(at).max(at).saturating_add(price).saturating_sub(full);
                return Ok(Ending::Rollback(ChargeOutcome::Spent(TABLE.time("empty_at", until)?)));
            }
            run!(tx, KEEP_RECEIPT, device, token, at);
            Ok(Ending::Commit(ChargeOutcome::Paid(cost)))
        }))
    }
}
