//! Device tokens: `tut_`, 76 base62 characters, and a CRC32 that secret scanners can check.

use super::base62;
use super::entropy::random_bytes;
use super::id::DeviceId;
use super::keys::{KeyRing, SecretKey};
use super::secret::PlainSecret;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

const PREFIX: &str = "tut_";
const BODY_BYTES: usize = 56;
const BODY_CHARS: usize = 76;
const CRC_CHARS: usize = 6;
/// How many 64-bit parts the body has.
const LIMBS: usize = BODY_BYTES / 8;

/// What a device shows to act for its account.
///
/// Text: `tut_` + base62(device id 16 B | secret 32 B | first 8 B of keyed BLAKE3 over both), big-endian,
/// padded to 76 characters of `0-9A-Za-z`, + CRC32 (IEEE) of all before it as 6 base62 characters.
pub struct DeviceToken {
    device: DeviceId,
    secret: PlainSecret,
    key: Arc<SecretKey>,
}

impl DeviceToken {
    /// A fresh token for a device, authenticated by the version of the key in use.
    #[must_use]
    pub fn random(device: DeviceId, keys: &KeyRing) -> Self {
        Self { device, secret: PlainSecret::from_bytes(random_bytes()), key: keys.in_use() }
    }

    /// The version of the key that authenticates it.
    #[must_use]
    pub fn key_version(&self) -> u8 {
        self.key.version()
    }

    /// The device that the token claims to be of.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The secret part, whose digest the database keeps.
    #[must_use]
    pub const fn secret(&self) -> &PlainSecret {
        &self.secret
    }

    /// The wire form, for the one answer that hands the token to its device.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut body = [self.device.as_bytes(), self.secret.expose_bytes().as_slice()].concat();
        let tag = tag(&self.key, &body);
        body.extend_from_slice(&tag);
        let mut text = format!("{PREFIX}{}", base62::encode(&body, BODY_CHARS));
        body.zeroize();
        let crc = crc32fast::hash(text.as_bytes());
        text.push_str(&base62::encode(&crc.to_be_bytes(), CRC_CHARS));
        text
    }

    /// Reads a token; `None` for anything malformed or forged, found without cache or database.
    #[must_use]
    pub fn parse(text: &str, keys: &KeyRing) -> Option<Self> {
        let body_end = PREFIX.len() + BODY_CHARS;
        let (checked, crc) = text.split_at_checked(body_end)?;
        if crc.len() != CRC_CHARS
            || base62::encode(&crc32fast::hash(checked.as_bytes()).to_be_bytes(), CRC_CHARS) != crc
        {
            return None;
        }
        let text = checked.strip_prefix(PREFIX)?;
        let mut limbs = base62::decode::<LIMBS>(text)?;
        let mut body = [0; BODY_BYTES];
        base62::write(&limbs, &mut body);
        limbs.zeroize();
        let token = Self::from_body(&body, keys);
        body.zeroize();
        token
    }

    fn from_body(body: &[u8; BODY_BYTES], keys: &KeyRing) -> Option<Self> {
        let (signed, claimed) = body.split_at_checked(48)?;
        let key = keys.find(|key| tag(key, signed).ct_eq(claimed).into())?;
        let (device, secret) = signed.split_at_checked(16)?;
        Some(Self {
            device: DeviceId::from_slice(device)?,
            secret: PlainSecret::from_bytes(secret.try_into().ok()?),
            key,
        })
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceToken({}, ..)", self.device)
    }
}

fn tag(key: &SecretKey, signed: &[u8]) -> [u8; 8] {
    let mut tag = [0; 8];
    tag.iter_mut().zip(key.mac(&[signed])).for_each(|(to, from)| *to = from);
    tag
}
