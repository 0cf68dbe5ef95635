//! Grants: single-use proof of an approved verification.

use super::id::VerificationId;
use super::keys::{KeyRing, SecretKey};
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
    key_version: u8,
}

impl Grant {
    /// The grant of a verification. Only an approved one may be given it.
    #[must_use]
    pub fn derive(key: &SecretKey, verification: VerificationId) -> Self {
        let proof = key.mac(&[b"grant", verification.as_bytes()]);
        Self { verification, proof, key_version: key.version() }
    }

    /// Reads the wire form; `None` for anything malformed, or forged without any version of the key.
    #[must_use]
    pub fn parse(text: &str, keys: &KeyRing) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, proof) = bytes.split_at_checked(16)?;
        let id = VerificationId::from_slice(id)?;
        let key = keys.find(|key| Self::derive(key, id).proof.ct_eq(proof).into())?;
        Some(Self::derive(&key, id))
    }

    /// The wire form, 64 characters.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.verification.as_bytes(), self.proof.as_slice()].concat())
    }

    /// The version of the key that it was made with.
    #[must_use]
    pub const fn key_version(&self) -> u8 {
        self.key_version
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
