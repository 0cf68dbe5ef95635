//! Proving that a person holds a number: start, send again, check, state.

mod calls;
mod challenges;
mod checks;
mod decided;
mod decisions;
mod money;
mod orders;
mod outcomes;
mod policy;
mod recording;
mod refusals;
mod reports;
mod sending;
mod test_numbers;

pub use challenges::OpenChallenge;
pub use decided::Decided;
pub use decisions::limit_of;
pub use outcomes::{CheckRefused, Failure, Limited, SendRefused};
pub use policy::{DestinationRefused, Destinations, VerificationPolicy};
pub use reports::{ReportRefused, Reports};
pub use sending::Dispatcher;

use recording::Refusals;

use crate::captcha::Captchas;
use crate::model::counter::Counter;
use crate::model::delivery::{Channel, Delivery};
use crate::model::id::VerificationId;
use crate::model::keys::{Keys, NumberIndex};
use crate::model::locale::Locale;
use crate::model::number::{PhoneNumber, Region};
use crate::model::sealed::{SealBroken, open, seal};
use crate::model::secret::PlainSecret;
use crate::model::source::Source;
use crate::model::verification::{MessageTemplate, Status, Verification};
use crate::store::{Refusal, SendOrder, SendOutcome, Sending, Store};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long a verification is kept after its end.
const KEPT: Duration = Duration::from_hours(24);

/// The use cases of a verification.
#[derive(Debug, Clone)]
pub struct Verifications {
    store: Store,
    keys: Arc<Keys>,
    policy: Arc<VerificationPolicy>,
    captchas: Captchas,
    outbox: Arc<Notify>,
    refusals: Refusals,
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The number as it was typed.
    pub number: String,
    /// The region in which it was typed.
    pub region: Option<Region>,
    /// How the code shall travel.
    pub channel: Channel,
    /// What its message is made with; its locale is the one that is asked for.
    pub template: MessageTemplate,
    /// The languages that whoever asks prefers (RFC 9110, `Accept-Language`).
    pub accept_language: Option<String>,
    /// Where it is asked for.
    pub source: Source,
    /// The number of the account whose device asks, if one does.
    pub account: Option<NumberIndex>,
}

/// A verification that was started.
#[derive(Debug)]
pub struct Started {
    /// As it stands.
    pub state: VerificationState,
    /// What every later call must show.
    pub secret: PlainSecret,
    /// The limit for which a challenge must be solved before its code is sent, if there is one.
    pub due: Option<Limited>,
}

/// Whoever started a verification and has shown its secret. Only [`Verifications::authorize`] makes one.
#[derive(Debug, Clone)]
pub struct Starter {
    verification: Verification,
}

/// A verification with all that its starter may see of it.
#[derive(Debug, Clone)]
pub struct VerificationState {
    /// The verification.
    pub verification: Verification,
    /// Its number.
    pub number: PhoneNumber,
    /// What was sent, the oldest first.
    pub deliveries: Vec<Delivery>,
    /// The ways its code can still travel again, each with the earliest time.
    pub channels: Vec<(Channel, Timestamp)>,
    /// What may be solved for the send that waits, if one does.
    pub challenges: Vec<OpenChallenge>,
}

impl Starter {
    /// The verification as it was when its secret was shown.
    #[must_use]
    pub const fn verification(&self) -> &Verification {
        &self.verification
    }
}

impl Verifications {
    /// The use cases over this store.
    #[must_use]
    pub fn new(
        store: Store,
        keys: Arc<Keys>,
        policy: Arc<VerificationPolicy>,
        captchas: Captchas,
        outbox: Arc<Notify>,
    ) -> Self {
        Self { store, keys, policy, captchas, outbox, refusals: Refusals::default() }
    }

    /// Starts a verification and sends its code, or says which challenge must be solved first.
    ///
    /// Known and unknown numbers are answered alike: the account behind a number is not looked at.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing was created or counted then.
    pub async fn start(&self, request: StartRequest, now: Timestamp) -> Result<Started, SendRefused> {
        let number = self.policy.read(&request).map_err(SendRefused::NumberInvalid)?;
        let started = self.start_at(number.clone(), request, now).await;
        if let Err(refused) = &started {
            self.write_down(refused, &number, None, now).await;
        }
        started
    }

    async fn start_at(
        &self,
        number: PhoneNumber,
        request: StartRequest,
        now: Timestamp,
    ) -> Result<Started, SendRefused> {
        self.policy.admit(&number, &request)?;
        let secret = PlainSecret::random();
        let mut verification = self.draft(&number, &secret, &request, now)?;
        let mut order = self.order(&verification, &number, request.channel, &request.source, now);
        let mut deliveries = Vec::new();
        let due = match self.store.start_verification(&verification, &order, &self.policy.sends).await? {
            SendOutcome::Sending(sending) => {
                begin(&mut verification, sending, now);
                self.sent(&order, &number, sending);
                deliveries.push(order.delivery);
                None
            }
            SendOutcome::ChallengeDue(due, level) => {
                let limit = Limited::new(due, level);
                let awaiting = self.challenge(&order, Timestamp::MAX, limit, now).await?;
                verification.awaiting = Some(awaiting);
                order.hardness = self.store.start_awaiting(&verification, &order).await?;
                verification.harden(order.hardness);
                Some(limit)
            }
            SendOutcome::Refused(refusal) => {
                return Err(self.refusal(&order, Timestamp::MAX, refusal).await?);
            }
            SendOutcome::Over => return Err(SendRefused::Over),
        };
        Ok(Started { state: self.described(verification, number, deliveries), secret, due })
    }

    /// Lets whoever shows the secret of a verification act on it; `None` for an unknown name or a wrong secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authorize(
        &self,
        id: VerificationId,
        secret: &PlainSecret,
    ) -> Result<Option<Starter>, Failure> {
        let found = self.store.verification(id).await?;
        Ok(found.filter(|v| v.secret.matches(secret)).map(|verification| Starter { verification }))
    }

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
    async fn place(
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

    /// Forgets verifications a day after their end, whoever started them, and limits that are whole again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old(&self, now: Timestamp) -> Result<u64, Failure> {
        self.store.forget_limits(now).await?;
        Ok(self.store.forget_verifications(now - KEPT, now).await?)
    }

    /// A verification as it stands now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn state(&self, starter: &Starter) -> Result<VerificationState, Failure> {
        let id = starter.verification.id;
        let verification = self.store.verification(id).await?.unwrap_or_else(|| starter.verification.clone());
        let number = number_of(&self.keys, &verification)?;
        let deliveries = self.store.deliveries(id).await?;
        Ok(self.described(verification, number, deliveries))
    }

    fn described(
        &self,
        verification: Verification,
        number: PhoneNumber,
        deliveries: Vec<Delivery>,
    ) -> VerificationState {
        let carried =
            Channel::ALL.iter().copied().filter(|&channel| self.policy.carries(&number, channel).is_ok());
        let channels = carried
            .map(|channel| (channel, verification.not_before(channel, &number)))
            .filter(|(_, not_before)| verification.worth_sending_at(*not_before))
            .collect();
        let challenges = self.open_challenges(&verification);
        VerificationState { verification, number, deliveries, channels, challenges }
    }

    fn draft(
        &self,
        number: &PhoneNumber,
        secret: &PlainSecret,
        request: &StartRequest,
        now: Timestamp,
    ) -> Result<Verification, Failure> {
        let id = VerificationId::random();
        let place = Verification::number_place(&id);
        let number_index = self.keys.number_index(number);
        let hardness = self.policy.hardness(number);
        Ok(Verification {
            id,
            secret: secret.hash(),
            number_index,
            number_sealed: seal(self.keys.number(), &place, number.e164().as_bytes())?,
            template: template(request, &number.country()),
            code_length: hardness.digits,
            checks: 0,
            checks_limit: hardness.checks,
            created_at: now,
            expires_at: now + self.policy.code_lifetime,
            resend_at: now,
            approved_at: None,
            grant_used_at: None,
            country: Some(number.country()),
            prefix: Some(self.prefix(number)),
            counter: self.policy.counter(number, request.account == Some(number_index)),
            sent_at: None,
            awaiting: None,
            rejected_at: None,
            key_version: self.keys.code().in_use().version(),
        })
    }
}

/// What its message is made with, in the language that fits.
fn template(request: &StartRequest, country: &str) -> MessageTemplate {
    let asked = request.template.locale.as_deref();
    let locale = Locale::choose(asked, request.accept_language.as_deref(), country);
    MessageTemplate { locale: Some(locale.as_str().to_owned()), ..request.template.clone() }
}

fn begin(verification: &mut Verification, sending: Sending, now: Timestamp) {
    verification.harden(sending.hardness);
    (verification.resend_at, verification.sent_at) = (sending.resend_at, Some(now));
}

/// Whether a code may still be sent for a verification.
fn sendable(verification: &Verification, now: Timestamp) -> Result<(), SendRefused> {
    match (verification.can_resend(now), verification.status(now)) {
        (true, _) => Ok(()),
        (false, Status::Pending) => Err(SendRefused::StartAgain),
        (false, _) => Err(SendRefused::Over),
    }
}

/// Opens the number of a verification.
///
/// # Errors
/// When its seal is broken.
pub fn number_of(keys: &Keys, verification: &Verification) -> Result<PhoneNumber, Failure> {
    let place = Verification::number_place(&verification.id);
    opened_number(&open(keys.number(), &place, &verification.number_sealed)?)
}

/// Reads a number that was sealed.
///
/// # Errors
/// When it is none.
pub fn opened_number(plain: &[u8]) -> Result<PhoneNumber, Failure> {
    let text = std::str::from_utf8(plain).map_err(|_| SealBroken)?;
    Ok(PhoneNumber::stored(text)?)
}

/// A wait that ends when the code is no longer worth sending is none.
fn in_time(verification: &Verification, refused: SendRefused) -> SendRefused {
    let SendRefused::Limit(refusal) = &refused else { return refused };
    match refusal.until() {
        Some(until) if !verification.worth_sending_at(until) => SendRefused::StartAgain,
        _ => refused,
    }
}
