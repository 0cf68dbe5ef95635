//! A person as the log names them, and the key that seals what it says of them.

use super::Owner;
use crate::model::entropy::random_bytes;
use crate::model::keys::{KeyRing, SecretKey};
use crate::model::sealed::{Place, SealBroken, open, seal};
use blake3::Hasher;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::fmt;
use subtle::ConstantTimeEq as _;

const SEAL: &str = "tuttu 2026-11 audit seal";
const COMMITMENT: usize = 32;

/// The random name by which events speak of a person. It tells nothing once the row that says whose it is has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(pub [u8; 16]);

/// The key of one subject.
pub struct SubjectKey(SecretKey);

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

impl SubjectKey {
    /// A fresh key.
    #[must_use]
    pub fn random() -> Self {
        Self(SecretKey::new(1, random_bytes()))
    }

    /// Where the key of an owner lies.
    #[must_use]
    pub const fn place(owner: &[u8]) -> Place<'_> {
        Place { table: "audit_subjects", column: "key_sealed", row: owner }
    }

    /// The key as the database keeps it, sealed under `number_key`.
    ///
    /// # Errors
    /// [`SealBroken`] never in practice: the key is short.
    pub fn wrap(&self, keys: &KeyRing, owner: &Owner) -> Result<Vec<u8>, SealBroken> {
        seal(keys, &Self::place(owner.as_bytes()), self.0.expose())
    }

    /// The key that was kept for an owner.
    ///
    /// # Errors
    /// [`SealBroken`] where it was altered, moved, or sealed with a key that is not here.
    pub fn unwrap(keys: &KeyRing, owner: &[u8], wrapped: &[u8]) -> Result<Self, SealBroken> {
        let bytes = open(keys, &Self::place(owner), wrapped)?;
        Ok(Self(SecretKey::new(1, bytes.as_slice().try_into().map_err(|_| SealBroken)?)))
    }

    /// Seals what is personal in one event: `commitment 32 B | ciphertext and tag`. Cipher key, nonce and commitment
    /// come of this key and the event's salt, so that a sealed part opens under one key alone.
    ///
    /// # Errors
    /// [`SealBroken`] only where `plain` is longer than the cipher takes.
    pub fn seal(&self, salt: &[u8; 16], event: &[u8; 16], plain: &[u8]) -> Result<Vec<u8>, SealBroken> {
        let (cipher, nonce, commitment) = self.of_event(salt, event);
        let text = cipher.encrypt(&nonce, Payload { msg: plain, aad: event }).map_err(|_| SealBroken)?;
        Ok([commitment.as_slice(), &text].concat())
    }

    /// Opens what [`SubjectKey::seal`] made.
    ///
    /// # Errors
    /// [`SealBroken`] for anything else.
    pub fn open(&self, salt: &[u8; 16], event: &[u8; 16], sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        let (cipher, nonce, expected) = self.of_event(salt, event);
        let (commitment, text) = sealed.split_first_chunk::<COMMITMENT>().ok_or(SealBroken)?;
        if !bool::from(commitment.ct_eq(&expected)) {
            return Err(SealBroken);
        }
        cipher.decrypt(&nonce, Payload { msg: text, aad: event }).map_err(|_| SealBroken)
    }

    fn of_event(&self, salt: &[u8; 16], event: &[u8; 16]) -> (XChaCha20Poly1305, XNonce, [u8; COMMITMENT]) {
        let mut hasher = Hasher::new_keyed(self.0.expose());
        hasher.update(SEAL.as_bytes()).update(salt).update(event);
        let mut stream = hasher.finalize_xof();
        let (mut key, mut nonce, mut commitment) = ([0; 32], [0; 24], [0; COMMITMENT]);
        stream.fill(&mut key);
        stream.fill(&mut nonce);
        stream.fill(&mut commitment);
        (XChaCha20Poly1305::new(&key.into()), XNonce::from(nonce), commitment)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const SALT: [u8; 16] = [1; 16];
    const EVENT: [u8; 16] = [2; 16];

    #[test]
    fn a_sealed_part_opens_under_its_own_key_salt_and_event_alone() {
        let key = SubjectKey::random();
        let sealed = key.seal(&SALT, &EVENT, b"anna").unwrap();
        assert_eq!(key.open(&SALT, &EVENT, &sealed).unwrap(), b"anna");
        assert_eq!(key.open(&EVENT, &EVENT, &sealed), Err(SealBroken));
        assert_eq!(key.open(&SALT, &SALT, &sealed), Err(SealBroken));
        assert_eq!(SubjectKey::random().open(&SALT, &EVENT, &sealed), Err(SealBroken));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            *altered.get_mut(at).unwrap() ^= 1;
            assert_eq!(key.open(&SALT, &EVENT, &altered), Err(SealBroken), "byte {at}");
        }
    }

    #[test]
    fn a_wrapped_key_opens_for_its_own_owner_alone() {
        let ring = KeyRing::from(SecretKey::new(1, [7; 32]));
        let key = SubjectKey::random();
        let wrapped = key.wrap(&ring, &Owner::Admin([3; 16])).unwrap();
        assert!(SubjectKey::unwrap(&ring, &[3; 16], &wrapped).is_ok());
        assert!(SubjectKey::unwrap(&ring, &[4; 16], &wrapped).is_err());
    }
}
