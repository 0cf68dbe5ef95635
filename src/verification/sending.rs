//! The dispatcher: takes queued deliveries from the outbox and hands them to a gateway.

use super::{Failure, VerificationPolicy, number_of};
use crate::clock::Clock;
use crate::model::delivery::{DeliveryStatus, FailureReason};
use crate::model::keys::Keys;
use crate::model::message::{MessageText, MessageTexts};
use crate::model::verification::{Status, Verification};
use crate::sender::{Gateway, Gateways, OutgoingMessage, SendError};
use crate::store::{ClaimedDelivery, SettledDelivery, Settlement, Store};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Longer than a gateway may take, so that a lease ends only with its holder.
const LEASE: Duration = Duration::from_secs(30);
const BATCH: i64 = 32;
/// With less life than this a code is not paid for any more.
const WORTH: Duration = Duration::from_secs(30);
/// When a delivery that no gateway has accepted is tried again.
const WAITS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30)];

/// Sends what is queued.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    store: Store,
    keys: Arc<Keys>,
    gateways: Arc<Gateways>,
    texts: Arc<MessageTexts>,
    clock: Clock,
}

/// How handing a delivery over went on from gateway to gateway.
enum Handed<'a> {
    /// One of them decided it.
    Settled(Settlement<'a>),
    /// It was provably accepted by none.
    NotAccepted(FailureReason),
    /// Its lease is over: it is no longer ours.
    Lost,
}

impl Dispatcher {
    /// A dispatcher over the gateways of this policy.
    #[must_use]
    pub fn new(store: Store, keys: Arc<Keys>, policy: &VerificationPolicy, clock: Clock) -> Self {
        Self { store, keys, gateways: policy.gateways.clone(), texts: policy.texts.clone(), clock }
    }

    /// Claims deliveries that are queued or due again; empty when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self) -> Result<Vec<ClaimedDelivery>, Failure> {
        Ok(self.store.claim_deliveries(self.clock.now(), LEASE, BATCH).await?)
    }

    /// Sends one claimed delivery by the first gateway that takes it, and writes what came of it. Where none has
    /// accepted it, it is tried again after 2, 8 and 30 s while its code is worth sending.
    ///
    /// # Errors
    /// When the database fails; the lease then ends in `unknown`, never in a second message.
    pub async fn deliver(&self, claimed: &ClaimedDelivery) -> Result<(), Failure> {
        let found = match self.store.verification(claimed.verification).await {
            Ok(found) => found,
            // Nothing has left yet, so it may be tried again if that can still be written.
            Err(cause) => {
                if let Some(at) = self.next_try(claimed) {
                    self.store.postpone_delivery(claimed, at, FailureReason::Outage).await?;
                }
                return Err(cause.into());
            }
        };
        let worth = |v: &Verification| {
            v.status(self.clock.now()) == Status::Pending && self.clock.now() + WORTH <= v.expires_at
        };
        let Some(verification) = found.filter(worth) else {
            return self.settle(claimed, failed("none", FailureReason::Expired)).await;
        };
        match self.hand_over(claimed, &verification).await? {
            Handed::Settled(settlement) => self.settle(claimed, settlement).await,
            Handed::NotAccepted(reason) => self.try_again(claimed, &verification, reason).await,
            Handed::Lost => Ok(()),
        }
    }

    async fn hand_over(
        &self,
        claimed: &ClaimedDelivery,
        verification: &Verification,
    ) -> Result<Handed<'_>, Failure> {
        let country = verification.country.as_deref().unwrap_or_default();
        let mut reason = FailureReason::Outage;
        for (tried, gateway) in self.gateways.on_the_way(country, claimed.channel).into_iter().enumerate() {
            let now = self.clock.now();
            if tried > 0 && !self.store.renew_claim(claimed, now + LEASE).await? {
                return Ok(Handed::Lost);
            }
            if !gateway.admits(now) {
                continue;
            }
            let answer = gateway.sender.send(&self.message(claimed, verification, now)?).await;
            gateway.learn(&answer, self.clock.now());
            match answer {
                Ok(message) => return Ok(Handed::Settled(sent(&gateway.name, message))),
                Err(cause) => {
                    tracing::warn!(
                        gateway = gateway.name, delivery = %claimed.id, country, %cause,
                        "a code was not accepted"
                    );
                    match ended(gateway, &cause) {
                        Some(settlement) => return Ok(Handed::Settled(settlement)),
                        None => reason = reason_of(&cause),
                    }
                }
            }
        }
        Ok(Handed::NotAccepted(reason))
    }

    /// When a delivery that was not accepted may be tried again, if it may.
    fn next_try(&self, claimed: &ClaimedDelivery) -> Option<Timestamp> {
        let tried = usize::try_from(claimed.attempts - 1).unwrap_or_default();
        WAITS.get(tried).map(|&wait| self.clock.now() + wait)
    }

    async fn try_again(
        &self,
        claimed: &ClaimedDelivery,
        verification: &Verification,
        reason: FailureReason,
    ) -> Result<(), Failure> {
        match self.next_try(claimed).filter(|&at| at + WORTH <= verification.expires_at) {
            Some(at) => {
                self.store.postpone_delivery(claimed, at, reason).await?;
                Ok(())
            }
            None => self.settle(claimed, failed("none", reason)).await,
        }
    }

    fn message(
        &self,
        claimed: &ClaimedDelivery,
        verification: &Verification,
        now: Timestamp,
    ) -> Result<OutgoingMessage, Failure> {
        let code = verification.code(self.keys.code())?;
        let left = verification.expires_at.duration_since(now);
        Ok(OutgoingMessage {
            delivery: claimed.id,
            to: number_of(&self.keys, verification)?,
            channel: claimed.channel,
            text: MessageText::render(&code, &verification.template, &self.texts),
            code,
            valid_for: Duration::try_from(left).unwrap_or_default(),
            at: now,
        })
    }

    async fn settle(&self, claimed: &ClaimedDelivery, settlement: Settlement<'_>) -> Result<(), Failure> {
        let settled = self.store.settle_delivery(claimed.id, &settlement, self.clock.now()).await?;
        count(&settlement, settled.as_ref());
        Ok(())
    }
}

/// Counts a delivery that has taken a new status.
pub(super) fn count(settlement: &Settlement<'_>, settled: Option<&SettledDelivery>) {
    let Some(settled) = settled else { return };
    let labels = [
        ("gateway", settlement.gateway.to_owned()),
        ("country", settled.country.clone()),
        ("channel", settled.channel.as_str().to_owned()),
        ("status", settlement.status.as_str().to_owned()),
    ];
    metrics::counter!("tuttu_deliveries_total", &labels).increment(1);
}

fn sent(gateway: &str, message: Option<String>) -> Settlement<'_> {
    Settlement { status: DeliveryStatus::Sent, gateway, message, reason: None, unpaid: false }
}

const fn failed(gateway: &str, reason: FailureReason) -> Settlement<'_> {
    Settlement { status: DeliveryStatus::Failed, gateway, message: None, reason: Some(reason), unpaid: true }
}

/// What an answer decides for good: another gateway is tried only where this one provably accepted nothing and
/// the reason does not lie with the number.
fn ended<'a>(gateway: &'a Gateway, cause: &SendError) -> Option<Settlement<'a>> {
    let name = gateway.name.as_str();
    match cause {
        SendError::Refused { reason, .. } if reason.is_final() => Some(failed(name, *reason)),
        SendError::NoAnswer => {
            let reason = Some(FailureReason::Outage);
            Some(Settlement {
                status: DeliveryStatus::Unknown,
                gateway: name,
                message: None,
                reason,
                unpaid: false,
            })
        }
        SendError::Refused { .. } | SendError::Unreachable => None,
    }
}

const fn reason_of(cause: &SendError) -> FailureReason {
    match cause {
        SendError::Refused { reason, .. } => *reason,
        SendError::Unreachable | SendError::NoAnswer => FailureReason::Outage,
    }
}
