//! Handles: the 16 opaque bytes by which an address book names a number.
//!
//! Hashing a phone number is **not** privacy: one core tries every mobile number on earth in about two
//! hours. A handle only keeps plain numbers off the wire; what protects people is that nothing is kept,
//! that lookups are priced, and that handles at rest are encrypted (see [`super::keys`]).

use super::number::{NumberError, PhoneNumber};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use thiserror::Error;

/// The name of the one handle algorithm of today, as `GET /v1/discovery/epochs` spells it.
pub const BLAKE3_KEYED_128: &str = "blake3-keyed-128";

/// Text that is no handle, or no pepper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HandleError {
    /// Not unpadded base64url of the right length.
    #[error("not base64url of the right length")]
    NotBase64Url,
}

/// The 32-byte key of an epoch's handles, known to every authenticated client.
#[derive(Clone, PartialEq, Eq)]
pub struct Pepper([u8; 32]);

impl Pepper {
    /// The pepper made of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the wire form, 43 characters of base64url.
    ///
    /// # Errors
    /// [`HandleError::NotBase64Url`] for anything else.
    pub fn from_base64url(text: &str) -> Result<Self, HandleError> {
        decode(text).map(Self)
    }

    /// The wire form, 43 characters of base64url.
    #[must_use]
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

/// `BLAKE3::keyed_hash(pepper, E.164 as ASCII with '+')`, first 16 bytes; opaque once made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle([u8; 16]);

impl Handle {
    /// The handle of a number's identity (the canonical form of its numbering-plan aliases).
    #[must_use]
    pub fn derive(pepper: &Pepper, number: &PhoneNumber) -> Self {
        Self::of_identity(pepper, number.identity())
    }

    /// [`Handle::derive`] of a number in E.164 form that was valid when it was stored.
    ///
    /// # Errors
    /// For a text that never was an E.164 number.
    pub fn derive_stored(pepper: &Pepper, e164: &str) -> Result<Self, NumberError> {
        PhoneNumber::stored_identity(e164).map(|identity| Self::of_identity(pepper, &identity))
    }

    fn of_identity(pepper: &Pepper, identity: &str) -> Self {
        let mut handle = [0; 16];
        blake3::Hasher::new_keyed(&pepper.0).update(identity.as_bytes()).finalize_xof().fill(&mut handle);
        Self(handle)
    }

    /// The handle made of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads the wire form, 22 characters of base64url.
    ///
    /// # Errors
    /// [`HandleError::NotBase64Url`] for anything else.
    pub fn from_base64url(text: &str) -> Result<Self, HandleError> {
        decode(text).map(Self)
    }

    /// The wire form, 22 characters of base64url.
    #[must_use]
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(..)")
    }
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], HandleError> {
    let mut bytes = [0; N];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(HandleError::NotBase64Url),
    }
}
