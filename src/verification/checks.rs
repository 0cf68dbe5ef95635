//! Checks: a guess is judged once it is paid for.

use super::{CheckRefused, Failure, Starter, Verifications, number_of};
use crate::model::code::{Code, Guess};
use crate::model::counter::Counter;
use crate::model::grant::Grant;
use crate::model::verification::{Status, Verification};
use crate::store::CheckOutcome;
use jiff::Timestamp;

impl Verifications {
    /// Spends a check on a guess; the right one yields the grant.
    ///
    /// # Errors
    /// [`CheckRefused`]; only a wrong code has cost a check.
    pub async fn check(&self, starter: &Starter, guess: &str, now: Timestamp) -> Result<Grant, CheckRefused> {
        let verification = &starter.verification;
        let digits = verification.code_length;
        let guess = Guess::parse(guess, digits).ok_or(CheckRefused::Malformed { digits })?;
        let code = self.code(verification)?;
        let conversion = self.policy.guard.conversion_percent;
        let judge = |v: &Verification| v.judge(&guess, &code);
        let outcome = self.store.spend_check(verification.id, conversion, now, judge).await?;
        match outcome {
            Some(CheckOutcome::Approved { first }) => {
                if first {
                    self.approved(verification).await;
                }
                Ok(verification.grant(self.keys.code()).map_err(Failure::from)?)
            }
            Some(CheckOutcome::Wrong) => {
                self.guessed(now).await?;
                Err(CheckRefused::Wrong)
            }
            Some(CheckOutcome::Unsent) if verification.sent_at.is_some() => Err(CheckRefused::Undelivered),
            Some(CheckOutcome::Unsent) => Err(CheckRefused::Unsent),
            Some(CheckOutcome::Over(Status::Exhausted)) => Err(CheckRefused::Exhausted),
            Some(CheckOutcome::Over(_)) | None => Err(CheckRefused::Over),
        }
    }

    /// The code of a verification; that of a test number is configured.
    fn code(&self, verification: &Verification) -> Result<Code, Failure> {
        if verification.counter == Counter::Test {
            let number = number_of(&self.keys, verification)?;
            if let Some(range) = self.policy.test_range(&number) {
                return Ok(range.code.clone());
            }
        }
        Ok(verification.code(self.keys.code())?)
    }
}
