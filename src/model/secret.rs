//! Secrets that clients carry as base64url text and the server keeps only as a digest.

use super::entropy::random_bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// 32 random bytes that authorise their bearer; 43 characters of base64url on the wire.
pub struct PlainSecret([u8; 32]);

impl PlainSecret {
    /// A fresh secret from the operating system's random source.
    #[must_use]
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// The secret made of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the wire form; `None` unless it is 32 bytes of unpadded base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let secret = bytes.as_slice().try_into().ok().map(Self);
        bytes.zeroize();
        secret
    }

    /// The wire form, for the one answer that hands the secret to its owner.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The bytes, for what embeds the secret in a larger token.
    #[must_use]
    pub const fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the database keeps: BLAKE3 of the secret, enough for 256 random bits (OWASP ASVS 5, 6.5.2).
    #[must_use]
    pub fn hash(&self) -> HashedSecret {
        HashedSecret(*blake3::hash(&self.0).as_bytes())
    }
}

impl Drop for PlainSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(..)")
    }
}

/// The stored digest of a [`PlainSecret`].
#[derive(Clone, Copy)]
pub struct HashedSecret([u8; 32]);

impl HashedSecret {
    /// The digest stored as these bytes; `None` unless there are 32.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `secret` is the one this was made from, in constant time.
    #[must_use]
    pub fn matches(&self, secret: &PlainSecret) -> bool {
        secret.hash().0.ct_eq(&self.0).into()
    }
}

impl fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedSecret(..)")
    }
}
