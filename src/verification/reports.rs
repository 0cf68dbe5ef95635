//! What gateways report of deliveries, in whatever order and however often.

use super::Failure;
use super::sending::count;
use crate::model::id::DeliveryId;
use crate::model::keys::Keys;
use crate::sender::{Callback, Gateways};
use crate::store::{Settlement, Store};
use jiff::Timestamp;
use std::sync::Arc;
use thiserror::Error;

/// The use cases of delivery reports.
#[derive(Debug, Clone)]
pub struct Reports {
    pub(super) store: Store,
    pub(super) keys: Arc<Keys>,
    pub(super) gateways: Arc<Gateways>,
}

/// Why a callback was not believed.
#[derive(Debug, Error)]
pub enum ReportRefused {
    /// There is no such gateway.
    #[error("there is no such gateway")]
    UnknownGateway,
    /// The gateway did not sign it.
    #[error("the signature does not fit")]
    SignatureInvalid,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Reports {
    /// The use cases over this store.
    #[must_use]
    pub const fn new(store: Store, keys: Arc<Keys>, gateways: Arc<Gateways>) -> Self {
        Self { store, keys, gateways }
    }

    /// Takes a report down. One of a delivery that is not known, is not that gateway's, or is further already
    /// changes nothing; so does one without news.
    ///
    /// # Errors
    /// [`ReportRefused`].
    pub async fn report(
        &self,
        gateway: &str,
        delivery: Option<DeliveryId>,
        callback: &Callback<'_>,
    ) -> Result<(), ReportRefused> {
        let gateway = self.gateways.named(gateway).ok_or(ReportRefused::UnknownGateway)?;
        let report = gateway.sender.report(callback).map_err(|_| ReportRefused::SignatureInvalid)?;
        let (Some(report), Some(delivery)) = (report, delivery) else { return Ok(()) };
        let settlement = Settlement {
            status: report.status,
            gateway: &gateway.name,
            message: report.message,
            reason: report.reason,
            // It was accepted: what of that is paid is between operator and gateway.
            unpaid: false,
        };
        Ok(self.settle(delivery, &settlement, callback.at).await?)
    }

    pub(super) async fn settle(
        &self,
        delivery: DeliveryId,
        settlement: &Settlement<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let settled = self.store.settle_delivery(delivery, settlement, now).await?;
        count(settlement, settled.as_ref());
        Ok(())
    }
}
