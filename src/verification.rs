//! Proving that a person holds a number: start, send again, check, state.

mod policy;
mod sending;

pub use policy::{DestinationRefused, Destinations, VerificationPolicy};
pub use sending::Dispatcher;

use crate::model::code::{CodeUnderivable, Guess};
use crate::model::delivery::{Channel, Delivery, DeliveryStatus};
use crate::model::grant::Grant;
use crate::model::id::{DeliveryId, VerificationId};
use crate::model::keys::Keys;
use crate::model::number::{NumberError, PhoneNumber, Region};
use crate::model::sealed::{SealBroken, open, seal};
use crate::model::secret::PlainSecret;
use crate::model::verification::{MessageTemplate, Status, Verification};
use crate::store::{CheckOutcome, Refusal, StartOutcome, Store, StoreError};
use jiff::Timestamp;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::Notify;

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
    /// The ways a code can travel here.
    pub channels: Vec<Channel>,
}

/// Something below a use case failed; the cause is for the log alone.
#[derive(Debug, Error)]
pub enum Failure {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed value.
    #[error(transparent)]
    Seal(#[from] SealBroken),
    /// The code generator.
    #[error(transparent)]
    Code(#[from] CodeUnderivable),
    /// A stored number that is none any more.
    #[error("a stored number is no number: {0}")]
    Number(#[from] NumberError),
}

/// Why no code was sent. Nothing was created or counted.
#[derive(Debug, Error)]
pub enum SendRefused {
    /// What was typed is no number.
    #[error(transparent)]
    NumberInvalid(NumberError),
    /// Numbers of that kind get no code, or not this way.
    #[error("codes are not sent to this kind of number")]
    NumberType {
        /// Whether a call could reach it.
        voice: bool,
    },
    /// No codes go to that country.
    #[error("codes are not sent to this country")]
    Destination(DestinationRefused),
    /// No gateway carries that channel.
    #[error("no gateway carries this channel")]
    ChannelUnavailable,
    /// The app hash or web origin is not a configured one.
    #[error("this app hash or web origin is not a configured one")]
    Origin,
    /// The number's wait or its sends are not over.
    #[error("a limit on sending refuses: {0:?}")]
    Limit(Refusal),
    /// The verification has ended.
    #[error("the verification is over")]
    Over,
    /// The code has too little life left to be sent.
    #[error("the code has too little life left: start again")]
    StartAgain,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a check did not approve.
#[derive(Debug, Error)]
pub enum CheckRefused {
    /// Not digits of the right number. It cost nothing.
    #[error("a code is {digits} digits")]
    Malformed {
        /// Digits of this verification's code.
        digits: u8,
    },
    /// Wrong. It cost a check.
    #[error("the code is wrong")]
    Wrong,
    /// No check is left.
    #[error("no check is left")]
    Exhausted,
    /// Expired, or approved and done with.
    #[error("the verification is over")]
    Over,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for SendRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl From<StoreError> for CheckRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
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
        self.outbox.notify_one();
        let channels = self.policy.channels.clone();
        Ok((VerificationState { verification, number, deliveries: vec![delivery], channels }, secret))
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
        if !self.policy.channels.contains(&channel) {
            return Err(SendRefused::ChannelUnavailable);
        }
        if !verification.can_resend(now) {
            let pending = verification.status(now) == Status::Pending;
            return Err(if pending { SendRefused::StartAgain } else { SendRefused::Over });
        }
        let not_before = verification.not_before(channel);
        if now < not_before {
            return Err(SendRefused::Limit(Refusal::TooEarly { not_before }));
        }
        let delivery = queued(verification.id, channel, now);
        match self.store.send_again(&delivery, &self.policy.sends).await? {
            StartOutcome::Refused(refusal) => return Err(SendRefused::Limit(refusal)),
            StartOutcome::Over => return Err(SendRefused::Over),
            StartOutcome::Sending(_) => self.outbox.notify_one(),
        }
        Ok(())
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
            Some(CheckOutcome::Approved(_)) => Ok(Grant::derive(self.keys.code(), verification.id)),
            Some(CheckOutcome::Wrong(_)) => Err(CheckRefused::Wrong),
            Some(CheckOutcome::Over(v)) if v.status(now) == Status::Exhausted => Err(CheckRefused::Exhausted),
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
        Ok(VerificationState { verification, number, deliveries, channels: self.policy.channels.clone() })
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
    Ok(PhoneNumber::parse(text, None)?)
}

fn queued(verification: VerificationId, channel: Channel, now: Timestamp) -> Delivery {
    Delivery { id: DeliveryId::random(), verification, channel, status: DeliveryStatus::Queued, at: now }
}
