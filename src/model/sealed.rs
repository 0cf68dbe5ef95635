//! Sealing: authenticated encryption of what is personal before it reaches the database.

use super::entropy::random_bytes;
use super::keys::{KeyRing, SecretKey};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use thiserror::Error;
use zeroize::Zeroizing;

const NONCE: usize = 24;

/// A sealed value that does not open: another key, another row, or altered bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a sealed value does not open: it was altered, moved, or sealed with another key")]
pub struct SealBroken;

/// Where a sealed value lies. It opens nowhere else, so a writer to the database cannot move it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The primary key of the row.
    pub row: &'a [u8],
}

impl Place<'_> {
    fn associated_data(&self, version: u8) -> Vec<u8> {
        let mut data = format!("tuttu seal v1\0{}\0{}\0", self.table, self.column).into_bytes();
        data.push(version);
        data.extend_from_slice(self.row);
        data
    }
}

/// Seals `plain` for `place` with XChaCha20-Poly1305 under the version in use: `key version u8 | nonce 24 B |
/// ciphertext and tag`.
///
/// # Errors
/// [`SealBroken`] only where `plain` is longer than the cipher takes (256 GiB).
pub fn seal(keys: &KeyRing, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, SealBroken> {
    seal_with(&keys.in_use(), random_bytes(), place, plain)
}

fn seal_with(
    key: &SecretKey,
    nonce: [u8; NONCE],
    place: &Place<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, SealBroken> {
    let aad = place.associated_data(key.version());
    let payload = Payload { msg: plain, aad: &aad };
    let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload).map_err(|_| SealBroken)?;
    Ok([&[key.version()], nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] made for the same place, under whichever version.
///
/// # Errors
/// [`SealBroken`] for anything else.
pub fn open(keys: &KeyRing, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
    let (version, rest) = sealed.split_first().ok_or(SealBroken)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(SealBroken)?;
    let key = keys.version(*version).ok_or(SealBroken)?;
    let aad = place.associated_data(*version);
    cipher(&key).decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad }).map_err(|_| SealBroken)
}

/// Seals anew under the version in use what is sealed under another one; `None` where that has been done.
///
/// The nonce stays, for what was made of a value knows it by its nonce. Under another key it is as good as a new one.
///
/// # Errors
/// [`SealBroken`] where it does not open.
pub fn reseal(keys: &KeyRing, place: &Place<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealBroken> {
    let (version, rest) = sealed.split_first().ok_or(SealBroken)?;
    let key = keys.in_use();
    if *version == key.version() {
        return Ok(None);
    }
    let nonce = rest.first_chunk::<NONCE>().ok_or(SealBroken)?;
    seal_with(&key, *nonce, place, &Zeroizing::new(open(keys, place, sealed)?)).map(Some)
}

fn cipher(key: &SecretKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key.expose()).into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { table: "accounts", column: "number_sealed", row: b"anna" };

    fn key(version: u8) -> SecretKey {
        SecretKey::new(version, [version; 32])
    }

    #[test]
    fn a_value_sealed_anew_keeps_its_nonce_and_needs_the_old_key_no_more() {
        let sealed = seal(&key(1).into(), &PLACE, b"+358401234561").unwrap();
        let both = KeyRing::new(key(2), [key(1)]);
        let anew = reseal(&both, &PLACE, &sealed).unwrap().unwrap();
        assert_eq!((anew.first(), anew.get(1..=NONCE)), (Some(&2), sealed.get(1..=NONCE)));
        assert_eq!(open(&key(2).into(), &PLACE, &anew).unwrap(), b"+358401234561");
        assert_eq!(open(&key(1).into(), &PLACE, &anew), Err(SealBroken));
        assert_eq!(reseal(&both, &PLACE, &anew), Ok(None), "it is under the key in use");
        assert_eq!(open(&both, &PLACE, &sealed).unwrap(), b"+358401234561");
    }

    #[test]
    fn a_value_of_another_place_or_key_is_not_sealed_anew() {
        let sealed = seal(&key(1).into(), &PLACE, b"+358401234561").unwrap();
        let elsewhere = Place { row: b"berta", ..PLACE };
        assert_eq!(reseal(&KeyRing::new(key(2), [key(1)]), &elsewhere, &sealed), Err(SealBroken));
        assert_eq!(reseal(&KeyRing::new(key(3), [key(2)]), &PLACE, &sealed), Err(SealBroken));
    }
}
