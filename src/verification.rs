//! Proving that a person holds a number: start, send again, check, state.

mod again;
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
mod shapes;
mod test_numbers;

pub use challenges::OpenChallenge;
pub use decided::Decided;
pub use decisions::limit_of;
pub use outcomes::{CheckRefused, Failure, Limited, SendRefused};
pub use policy::{DestinationRefused, Destinations, VerificationPolicy};
pub use reports::{ReportRefused, Reports};
pub use sending::Dispatcher;
pub use shapes::{StartRequest, Started, Starter, VerificationState};

use recording::Refusals;

use crate::captcha::Captchas;
use crate::model::delivery::{Channel, Delivery};
use crate::model::id::VerificationId;
use crate::model::keys::Keys;
use crate::model::locale::Locale;
use crate::model::number::PhoneNumber;
use crate::model::sealed::{SealBroken, open, seal};
use crate::model::secret::PlainSecret;
use crate::model::verification::{MessageTemplate, Verification};
use crate::store::{SendOutcome, Sending, Store};
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
