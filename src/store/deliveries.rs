//! Deliveries as rows: what was sent for a verification, and how far it got.

use super::error::Table;
use super::{Store, StoreError, read};
use crate::model::delivery::{Channel, Delivery, DeliveryStatus, FailureReason};
use crate::model::id::{DeliveryId, VerificationId};

pub(super) const TABLE: Table = Table("deliveries");

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

const OF_VERIFICATION: &str =
    "SELECT verification_id, delivery_id, channel, status, updated_at, reason, gateway,
    retry_at FROM deliveries WHERE verification_id = $1 ORDER BY created_at, delivery_id";
const FIND: &str =
    "SELECT verification_id, delivery_id, channel, status, updated_at, reason, gateway, retry_at
    FROM deliveries WHERE delivery_id = $1";

type Row = (Vec<u8>, Vec<u8>, String, String, i64, Option<String>, Option<String>, Option<i64>);

impl Store {
    /// The delivery of that name, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let row: Option<Row> = read!(self, conn => {
            sqlx::query_as(FIND).bind(id.as_bytes().as_slice()).fetch_optional(conn).await?
        });
        row.map(delivery).transpose()
    }

    /// The deliveries of a verification, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(&self, verification: VerificationId) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => {
            sqlx::query_as(OF_VERIFICATION).bind(verification.as_bytes().as_slice()).fetch_all(conn).await?
        });
        rows.into_iter().map(delivery).collect()
    }
}

fn delivery(row: Row) -> Result<Delivery, StoreError> {
    let (verification, id, channel, status, at, reason, gateway, retry_at) = row;
    Ok(Delivery {
        id: TABLE.some("delivery_id", DeliveryId::from_slice(&id))?,
        verification: TABLE.some("verification_id", VerificationId::from_slice(&verification))?,
        channel: TABLE.some("channel", Channel::parse(&channel))?,
        status: TABLE.some("status", DeliveryStatus::parse(&status))?,
        at: TABLE.time("updated_at", at)?,
        reason: reason.as_deref().and_then(FailureReason::parse),
        gateway,
        retry_at: TABLE.time_if("retry_at", retry_at)?,
    })
}
