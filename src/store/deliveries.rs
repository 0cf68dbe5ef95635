//! The outbox: deliveries written with the request, claimed under a lease, settled by what came of them.

use super::error::{Table, millis};
use super::guard::refund_tolls;
use super::spending::{ALL, UNSPEND, day};
use super::{Ending, Store, StoreError, read, run, transact};
use crate::model::delivery::{Channel, Delivery, DeliveryStatus};
use crate::model::id::{DeliveryId, VerificationId};
use jiff::Timestamp;
use std::time::Duration;

const TABLE: Table = Table("deliveries");

/// A delivery that this process alone may hand to a gateway, until its lease ends.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// The verification whose code it carries.
    pub verification: VerificationId,
    /// How it travels.
    pub channel: Channel,
}

/// What came of handing a delivery to a gateway.
#[derive(Debug, Clone, Copy)]
pub struct Settlement<'a> {
    /// How far it got.
    pub status: DeliveryStatus,
    /// The gateway's name.
    pub gateway: &'a str,
    /// The gateway's own name for the message, once it gave one.
    pub message: Option<&'a str>,
}

pub(super) const INSERT: &str =
    "INSERT INTO deliveries (delivery_id, verification_id, channel, status, created_at, updated_at, charged,
    country, price) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)";

/// Writes the delivery of an order with what it took from the guard, in the transaction `$tx`.
macro_rules! insert_delivery {
    ($tx:ident, $order:expr, $charged:expr) => {{
        let delivery = &$order.delivery;
        sqlx::query($crate::store::deliveries::INSERT)
            .bind(delivery.id.as_bytes().as_slice())
            .bind(delivery.verification.as_bytes().as_slice())
            .bind(delivery.channel.as_str())
            .bind(delivery.status.as_str())
            .bind(delivery.at.as_millisecond())
            .bind($charged)
            .bind(&$order.country)
            .bind($order.price)
            .execute(&mut *$tx)
            .await?;
    }};
}
pub(super) use insert_delivery;

const OF_VERIFICATION: &str = "SELECT delivery_id, channel, status, updated_at FROM deliveries
    WHERE verification_id = $1 ORDER BY created_at, delivery_id";
/// A lease that ended without a word: bytes may have left, so it is never blindly sent again.
const EXPIRE: &str = "UPDATE deliveries SET status = 'unknown', updated_at = $1
    WHERE status = 'claimed' AND lease_until <= $1";
const CLAIM: &str = "UPDATE deliveries SET status = 'claimed', lease_until = $2, updated_at = $1
    WHERE delivery_id IN (SELECT delivery_id FROM deliveries WHERE status = 'queued' ORDER BY created_at LIMIT $3)
    AND status = 'queued' RETURNING delivery_id, verification_id, channel";
const SETTLE: &str = "UPDATE deliveries SET status = $2, gateway = $3, gateway_message = $4, updated_at = $5
    WHERE delivery_id = $1 AND status = 'claimed' RETURNING charged, country, price, created_at";

/// What a delivery took: the guard's receipt, country, price, time.
type Taken = (Option<Vec<u8>>, Option<String>, i64, i64);

/// Gives back what a delivery took that was never paid for, in the transaction `$tx`.
macro_rules! give_back {
    ($tx:ident, $taken:expr) => {{
        let (receipt, country, price, created_at): Taken = $taken;
        if let Some(receipt) = receipt {
            refund_tolls!($tx, receipt, 1_i64, 1_i64);
        }
        let day = day(TABLE.time("created_at", created_at)?);
        for country in [country.as_deref().unwrap_or_default(), ALL] {
            run!($tx, UNSPEND, country, day, price);
        }
    }};
}

impl Store {
    /// The deliveries of a verification, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(&self, verification: VerificationId) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<(Vec<u8>, String, String, i64)> = read!(self, conn => {
            sqlx::query_as(OF_VERIFICATION).bind(verification.as_bytes().as_slice()).fetch_all(conn).await?
        });
        rows.into_iter()
            .map(|(id, channel, status, at)| {
                Ok(Delivery {
                    id: TABLE.some("delivery_id", DeliveryId::from_slice(&id))?,
                    verification,
                    channel: TABLE.some("channel", Channel::parse(&channel))?,
                    status: TABLE.some("status", DeliveryStatus::parse(&status))?,
                    at: TABLE.time("updated_at", at)?,
                })
            })
            .collect()
    }

    /// Takes up to `limit` queued deliveries, each for one process alone, until `lease` is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: i64,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let now = now.as_millisecond();
        let rows: Vec<(Vec<u8>, Vec<u8>, String)> = transact!(self, tx => {
            run!(tx, EXPIRE, now);
            let claimed = sqlx::query_as(CLAIM)
                .bind(now)
                .bind(now.saturating_add(millis(lease)))
                .bind(limit)
                .fetch_all(&mut *tx)
                .await?;
            Ok(Ending::Commit(claimed))
        });
        rows.into_iter()
            .map(|(id, verification, channel)| {
                Ok(ClaimedDelivery {
                    id: TABLE.some("delivery_id", DeliveryId::from_slice(&id))?,
                    verification: TABLE.some("verification_id", VerificationId::from_slice(&verification))?,
                    channel: TABLE.some("channel", Channel::parse(&channel))?,
                })
            })
            .collect()
    }

    /// Writes what came of a claimed delivery; one that is no longer claimed keeps what it has. One that failed
    /// gives back what it took: the guard's units and the money.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_delivery(
        &self,
        id: DeliveryId,
        settlement: Settlement<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transact!(self, tx => {
            let settled: Option<Taken> = sqlx::query_as(SETTLE)
                .bind(id.as_bytes().as_slice())
                .bind(settlement.status.as_str())
                .bind(settlement.gateway)
                .bind(settlement.message)
                .bind(now.as_millisecond())
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(taken) = settled.filter(|_| settlement.status == DeliveryStatus::Failed) {
                give_back!(tx, taken);
            }
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
