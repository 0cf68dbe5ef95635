//! The dispatcher: takes queued deliveries from the outbox and hands them to a gateway.

use super::{Failure, number_of};
use crate::clock::Clock;
use crate::model::delivery::DeliveryStatus;
use crate::model::keys::Keys;
use crate::model::message::MessageText;
use crate::model::verification::{Status, Verification};
use crate::sender::{Gateway, OutgoingMessage, SendError};
use crate::store::{ClaimedDelivery, Settlement, Store};
use std::sync::Arc;
use std::time::Duration;

/// Longer than a gateway may take, so that a lease ends only with its holder.
const LEASE: Duration = Duration::from_secs(30);
const BATCH: i64 = 32;

/// Sends what is queued.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    store: Store,
    keys: Arc<Keys>,
    gateways: Arc<[Gateway]>,
    clock: Clock,
}

impl Dispatcher {
    /// A dispatcher over these gateways, in order of preference.
    #[must_use]
    pub const fn new(store: Store, keys: Arc<Keys>, gateways: Arc<[Gateway]>, clock: Clock) -> Self {
        Self { store, keys, gateways, clock }
    }

    /// Claims queued deliveries; empty when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self) -> Result<Vec<ClaimedDelivery>, Failure> {
        Ok(self.store.claim_deliveries(self.clock.now(), LEASE, BATCH).await?)
    }

    /// Sends one claimed delivery and writes what came of it.
    ///
    /// # Errors
    /// When the database fails; the lease then ends in `unknown`, never in a second message.
    pub async fn deliver(&self, claimed: &ClaimedDelivery) -> Result<(), Failure> {
        let found = self.store.verification(claimed.verification).await?;
        let gateway = self.gateways.iter().find(|gateway| gateway.sender.carries(claimed.channel));
        let (Some(verification), Some(gateway)) = (found, gateway) else {
            return self.settle(claimed, DeliveryStatus::Failed, "none", None).await;
        };
        let Some(message) = self.message(claimed, &verification)? else {
            return self.settle(claimed, DeliveryStatus::Failed, &gateway.name, None).await;
        };
        let answer = gateway.sender.send(&message).await;
        let status = match &answer {
            Ok(_) => DeliveryStatus::Sent,
            Err(SendError::NoAnswer) => DeliveryStatus::Unknown,
            Err(SendError::Refused { .. } | SendError::Unreachable) => DeliveryStatus::Failed,
        };
        if let Err(cause) = &answer {
            tracing::warn!(gateway = gateway.name, delivery = %claimed.id, %cause, "a code was not accepted");
        }
        self.settle(claimed, status, &gateway.name, answer.ok().flatten().as_deref()).await
    }

    fn message(
        &self,
        claimed: &ClaimedDelivery,
        verification: &Verification,
    ) -> Result<Option<OutgoingMessage>, Failure> {
        let now = self.clock.now();
        if verification.status(now) != Status::Pending {
            return Ok(None);
        }
        let code = verification.code(self.keys.code())?;
        let left = verification.expires_at.duration_since(now);
        Ok(Some(OutgoingMessage {
            delivery: claimed.id,
            to: number_of(&self.keys, verification)?,
            channel: claimed.channel,
            text: MessageText::render(&code, &verification.template),
            valid_for: Duration::try_from(left).unwrap_or_default(),
            at: now,
        }))
    }

    async fn settle(
        &self,
        claimed: &ClaimedDelivery,
        status: DeliveryStatus,
        gateway: &str,
        message: Option<&str>,
    ) -> Result<(), Failure> {
        let labels = [("gateway", gateway.to_owned()), ("status", status.as_str().to_owned())];
        metrics::counter!("tuttu_deliveries_total", &labels).increment(1);
        let settlement = Settlement { status, gateway, message };
        Ok(self.store.settle_delivery(claimed.id, settlement, self.clock.now()).await?)
    }
}
