//! Grants: single-use proof of an approved verification.

use super::id::VerificationId;
use super::keys::SecretKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// Proof that a verification was approved: `base64url(verification id 16 B | keyed BLAKE3("grant", id) 32 B)`.
///
/// Derived, never stored: the same verification always yields the same grant, so a lost answer loses nothing.
pub struct Grant {
    verification: VerificationId,
    proof: [u8; 32],
}

impl Grant {
    /// The grant of a verification. Only an approved one may be given it.
    #[must_use]
    pub fn derive(key: &SecretKey, verification: VerificationId) -> Self {
        Self { verification, proof: key.mac(&[b"grant", verification.as_bytes()]) }
    }

    /// Reads the wire form; `None` for anything malformed or forged.
    #[must_use]
    pub fn parse(text: &str, key: &SecretKey) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, proof) = bytes.split_at_checked(16)?;
        let genuine = Self::derive(key, VerificationId::from_slice(id)?);
        bool::from(genuine.proof.ct_eq(proof)).then_some(genuine)
    }

    /// The wire form, 64 characters.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.verification.as_bytes(), self.proof.as_slice()].concat())
    }

    /// The verification that it proves.
    #[must_use]
    pub const fn verification(&self) -> VerificationId {
        self.verification
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({}, ..)", self.verification)
    }
}
