//! One-time codes: derived from the verification's id, never stored.

use super::id::VerificationId;
use super::keys::SecretKey;
use std::fmt;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use totp_rs::{Algorithm, Builder, TotpError};

/// How many digits a code may have.
pub const LENGTHS: std::ops::RangeInclusive<u8> = 6..=8;

/// Why there is no code.
#[derive(Debug, Error)]
pub enum CodeUnderivable {
    /// The code generator refused its parameters.
    #[error("a code of {digits} digits cannot be derived: {cause}")]
    Parameters {
        /// How many digits were asked for.
        digits: u8,
        /// What the generator said.
        cause: TotpError,
    },
    /// The key is not there.
    #[error("code_key version {0} is not in the key file: copy it from a node that has it")]
    KeyMissing(u8),
}

/// A one-time code of 6 to 8 digits.
#[derive(Clone)]
pub struct Code(String);

impl Code {
    /// The code of a verification: HOTP (RFC 4226) with HMAC-SHA-256 at counter 0 over the secret
    /// keyed-BLAKE3(code key, verification id). The clock never enters it.
    ///
    /// # Errors
    /// [`CodeUnderivable`] unless `digits` is one of [`LENGTHS`].
    pub fn derive(
        key: &SecretKey,
        verification: VerificationId,
        digits: u8,
    ) -> Result<Self, CodeUnderivable> {
        Builder::new()
            .with_algorithm(Algorithm::SHA256)
            .with_digits(digits)
            .with_skew(0)
            .with_step_duration(1)
            .with_secret(key.mac(&[verification.as_bytes()]).as_slice())
            .build()
            .map(|hotp| Self(hotp.generate(0).to_string()))
            .map_err(|cause| CodeUnderivable::Parameters { digits, cause })
    }

    /// The configured code of a test number; `None` unless it is as many digits as a code may have.
    #[must_use]
    pub fn fixed(digits: &str) -> Option<Self> {
        let length = u8::try_from(digits.len()).ok().filter(|length| LENGTHS.contains(length))?;
        Guess::parse(digits, length).map(|guess| Self(guess.0))
    }

    /// How many digits it has.
    #[must_use]
    pub fn digits(&self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }

    /// Whether a guess is this code, in constant time.
    #[must_use]
    pub fn matches(&self, guess: &Guess) -> bool {
        self.0.as_bytes().ct_eq(guess.0.as_bytes()).into()
    }

    /// The digits, for the message that carries them.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// What somebody typed as a code: ASCII digits of the expected number.
pub struct Guess(String);

impl Guess {
    /// Reads a guess of `digits` digits; blanks and hyphens between them do not count. `None` if malformed.
    #[must_use]
    pub fn parse(text: &str, digits: u8) -> Option<Self> {
        if text.len() > 32 {
            return None;
        }
        let typed: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let fits = typed.len() == usize::from(digits) && typed.bytes().all(|b| b.is_ascii_digit());
        fits.then_some(Self(typed))
    }
}

impl fmt::Debug for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guess(..)")
    }
}
