//! Proving that a person holds a number: start, send again, check, state.

mod outcomes;
mod policy;
mod sending;

pub use outcomes::{CheckRefused, Failure, SendRefused};
pub use policy::{DestinationRefused, Destinations, VerificationPolicy};
pub use sending::Dispatcher;

use crate::model::code::Guess;
use crate::model::delivery::{Channel, Delivery, DeliveryStatus};
use crate::model::grant::Grant;
use crate::model::id::{DeliveryId, VerificationId};
use crate::model::keys::Keys;
use crate::model::number::{PhoneNumber, Region};
use crate::model::sealed::{SealBroken, open, seal};
use crate::model::secret::PlainSecret;
use crate::model::verification::{MessageTemplate, Status, Verification};
use crate::store::{CheckOutcome, Refusal, StartOutcome, Store};
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
    outbox: Arc<Notify>,
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
    /// What its message is made with.
    pub template: MessageTemplate,
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
    pub const fn new(
        store: Store,
        keys: Arc<Keys>,
        policy: Arc<VerificationPolicy>,
        outbox: Arc<Notify>,
    ) -> Self {
        Self { store, keys, policy, outbox }
    }

    /// Starts a verification and sends its code.
    ///
    /// Known and unknown numbers are answered alike: the account behind a number is not looked at.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing was created or counted then.
    pub async fn start(
        &self,
        request: StartRequest,
        now: Timestamp,
    ) -> Result<(VerificationState, PlainSecret), SendRefused> {
        let number =
            PhoneNumber::parse(&request.number, request.region).map_err(SendRefused::NumberInvalid)?;
        self.policy.admit(&number, &request)?;
        let secret = PlainSecret::random();
        let mut verification = self.draft(&number, &secret, request.template, now)?;
        let delivery = queued(verification.id, request.channel, now);
        match self.store.start_verification(&verification, &delivery, &self.policy.sends).await? {
            StartOutcome::Sending(resend_at) => verification.resend_at = resend_at,
            StartOutcome::Refused(refusal) => return Err(SendRefused::Limit(refusal)),
            StartOutcome::Over => return Err(SendRefused::Over),
        }
        self.sent(&number);
        Ok((self.described(verification, number, vec![delivery]), secret))
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
        now: Timestamp,
    ) -> Result<(), SendRefused> {
        let verification = &starter.verification;
        let number = number_of(&self.keys, verification)?;
        self.policy.carries(&number, channel)?;
        if !verification.can_resend(now) {
            let pending = verification.status(now) == Status::Pending;
            return Err(if pending { SendRefused::StartAgain } else { SendRefused::Over });
        }
        if now < verification.channel_opens_at(channel, &number) {
            return Err(too_early(verification, verification.not_before(channel, &number)));
        }
        let delivery = queued(verification.id, channel, now);
        match self.store.send_again(&delivery, &self.policy.sends).await? {
            StartOutcome::Sending(_) => self.sent(&number),
            StartOutcome::Refused(Refusal::TooEarly { not_before }) => {
                return Err(too_early(verification, not_before));
            }
            StartOutcome::Refused(refusal) => return Err(SendRefused::Limit(refusal)),
            StartOutcome::Over => return Err(SendRefused::Over),
        }
        Ok(())
    }

    /// Forgets verifications a day after their end, whoever started them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old(&self, now: Timestamp) -> Result<u64, Failure> {
        Ok(self.store.forget_verifications(now - KEPT).await?)
    }

    /// Spends a check on a guess; the right one yields the grant.
    ///
    /// # Errors
    /// [`CheckRefused`]; only a wrong code has cost a check.
    pub async fn check(&self, starter: &Starter, guess: &str, now: Timestamp) -> Result<Grant, CheckRefused> {
        let verification = &starter.verification;
        let digits = verification.code_length;
        let guess = Guess::parse(guess, digits).ok_or(CheckRefused::Malformed { digits })?;
        let code = verification.code(self.keys.code()).map_err(Failure::from)?;
        let outcome = self.store.spend_check(verification.id, now, |v| v.judge(&guess, &code)).await?;
        match outcome {
            Some(CheckOutcome::Approved) => Ok(Grant::derive(self.keys.code(), verification.id)),
            Some(CheckOutcome::Wrong) => Err(CheckRefused::Wrong),
            Some(CheckOutcome::Over(Status::Exhausted)) => Err(CheckRefused::Exhausted),
            Some(CheckOutcome::Over(_)) | None => Err(CheckRefused::Over),
        }
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
            self.policy.channels.iter().filter(|channel| self.policy.carries(&number, **channel).is_ok());
        let channels = carried
            .map(|&channel| (channel, verification.not_before(channel, &number)))
            .filter(|(_, not_before)| verification.worth_sending_at(*not_before))
            .collect();
        VerificationState { verification, number, deliveries, channels }
    }

    /// A code was written to be sent: somebody should look at the outbox.
    fn sent(&self, number: &PhoneNumber) {
        self.policy.destinations.note(number);
        self.outbox.notify_one();
    }

    fn draft(
        &self,
        number: &PhoneNumber,
        secret: &PlainSecret,
        template: MessageTemplate,
        now: Timestamp,
    ) -> Result<Verification, Failure> {
        let id = VerificationId::random();
        let place = Verification::number_place(&id);
        Ok(Verification {
            id,
            secret: secret.hash(),
            number_index: self.keys.number_index(number),
            number_sealed: seal(self.keys.number(), &place, number.e164().as_bytes())?,
            template,
            code_length: self.policy.code_length,
            checks: 0,
            checks_limit: i64::from(self.policy.checks_per_code),
            created_at: now,
            expires_at: now + self.policy.code_lifetime,
            resend_at: now,
            approved_at: None,
            grant_used_at: None,
        })
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
fn too_early(verification: &Verification, not_before: Timestamp) -> SendRefused {
    if verification.worth_sending_at(not_before) {
        SendRefused::Limit(Refusal::TooEarly { not_before })
    } else {
        SendRefused::StartAgain
    }
}

fn queued(verification: VerificationId, channel: Channel, now: Timestamp) -> Delivery {
    Delivery { id: DeliveryId::random(), verification, channel, status: DeliveryStatus::Queued, at: now }
}
