//! The same code once more.

use super::{Limited, SendRefused, Starter, Verifications, number_of};
use crate::model::counter::Counter;
use crate::model::delivery::Channel;
use crate::model::number::PhoneNumber;
use crate::model::source::Source;
use crate::model::verification::{Status, Verification};
use crate::store::{Refusal, SendOrder, SendOutcome};
use jiff::Timestamp;

impl Verifications {
    /// Sends the same code again.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing was counted then.
    pub async fn send_again(
        &self,
        starter: &Starter,
        channel: Channel,
        source: &Source,
        now: Timestamp,
    ) -> Result<(), SendRefused> {
        let number = number_of(&self.keys, &starter.verification)?;
        let sent = self.send_by(&starter.verification, &number, (channel, source), now).await;
        if let Err(refused) = &sent {
            self.write_down(refused, &number, Some(starter.verification.id), now).await;
        }
        sent
    }

    async fn send_by(
        &self,
        verification: &Verification,
        number: &PhoneNumber,
        (channel, source): (Channel, &Source),
        now: Timestamp,
    ) -> Result<(), SendRefused> {
        self.policy.carries(number, channel)?;
        sendable(verification, now)?;
        let order = self.order(verification, number, channel, source, now);
        if now < verification.channel_opens_at(channel, number) {
            let early = Refusal::TooEarly { not_before: verification.not_before(channel, number) };
            let refused = self.refusal(&order, verification.promised_send(channel), early).await?;
            return Err(in_time(verification, refused));
        }
        self.place(verification, number, &order, now).await
    }

    /// Sends what is ordered for a verification that was there before, or sets the challenge that is due.
    pub(super) async fn place(
        &self,
        verification: &Verification,
        number: &PhoneNumber,
        order: &SendOrder,
        now: Timestamp,
    ) -> Result<(), SendRefused> {
        if order.counter != Counter::Test {
            self.policy.destinations.admit(number).map_err(SendRefused::Destination)?;
        }
        let promised = verification.promised_send(order.delivery.channel);
        match self.store.send_again(order, &self.policy.sends).await? {
            SendOutcome::Sending(sending) => {
                self.sent(order, number, sending);
                Ok(())
            }
            SendOutcome::ChallengeDue(due, level) => {
                let limit = Limited::new(due, level);
                let awaiting = self.challenge(order, promised, limit, now).await?;
                self.store.await_challenge(verification, &awaiting, now).await?;
                Err(SendRefused::ChallengeDue(limit))
            }
            SendOutcome::Refused(refusal) => {
                let refused = self.refusal(order, promised, refusal).await?;
                Err(in_time(verification, refused))
            }
            SendOutcome::Over => Err(SendRefused::Over),
        }
    }
}

/// Whether a code may still be sent for a verification.
pub(super) fn sendable(verification: &Verification, now: Timestamp) -> Result<(), SendRefused> {
    match (verification.can_resend(now), verification.status(now)) {
        (true, _) => Ok(()),
        (false, Status::Pending) => Err(SendRefused::StartAgain),
        (false, _) => Err(SendRefused::Over),
    }
}

/// A wait that ends when the code is no longer worth sending is none.
fn in_time(verification: &Verification, refused: SendRefused) -> SendRefused {
    let SendRefused::Limit(refusal) = &refused else { return refused };
    match refusal.until() {
        Some(until) if !verification.worth_sending_at(until) => SendRefused::StartAgain,
        _ => refused,
    }
}
