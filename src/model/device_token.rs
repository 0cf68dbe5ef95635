//! Device tokens: `tut_`, 76 base62 characters, and a CRC32 that secret scanners can check.

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
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

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
        let mut text = format!("{PREFIX}{}", base62(&body, BODY_CHARS));
        body.zeroize();
        let crc = crc32fast::hash(text.as_bytes());
        text.push_str(&base62(&crc.to_be_bytes(), CRC_CHARS));
        text
    }

    /// Reads a token; `None` for anything malformed or forged, found without cache or database.
    #[must_use]
    pub fn parse(text: &str, keys: &KeyRing) -> Option<Self> {
        let body_end = PREFIX.len() + BODY_CHARS;
        let (checked, crc) = text.split_at_checked(body_end)?;
        if crc.len() != CRC_CHARS
            || base62(&crc32fast::hash(checked.as_bytes()).to_be_bytes(), CRC_CHARS) != crc
        {
            return None;
        }
        let mut body = unbase62(checked.strip_prefix(PREFIX)?)?;
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

/// A number, big-endian, as so many digits; what does not fit into them is cut off.
fn base62(number: &[u8], width: usize) -> String {
    let mut number = number.to_vec();
    let mut symbols: Vec<u8> = Vec::with_capacity(width);
    for _ in 0..width {
        let mut rest = 0;
        for byte in &mut number {
            let part = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(part / 62).unwrap_or_default();
            rest = part % 62;
        }
        symbols.extend(ALPHABET.get(rest as usize));
    }
    number.zeroize();
    symbols.iter().rev().map(|&symbol| char::from(symbol)).collect()
}

/// The body that 76 digits write; `None` for other symbols, and for numbers that are too large.
#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
fn unbase62(text: &str) -> Option<[u8; BODY_BYTES]> {
    // The least significant 64 bits first. Ten digits are below 2^60: they are read at once.
    let mut limbs = [0_u64; BODY_BYTES / 8];
    for symbols in text.as_bytes().chunks(10) {
        let (mut scale, mut carry) = (1_u64, 0_u64);
        for &symbol in symbols {
            (scale, carry) = (scale * 62, carry * 62 + u64::from(digit(symbol)?));
        }
        let mut carry = u128::from(carry);
        for limb in &mut limbs {
            carry += u128::from(*limb) * u128::from(scale);
            *limb = carry as u64;
            carry >>= 64;
        }
        if carry > 0 {
            return None;
        }
    }
    let mut body = [0; BODY_BYTES];
    for (bytes, limb) in body.as_chunks_mut().0.iter_mut().zip(limbs.iter().rev()) {
        *bytes = limb.to_be_bytes();
    }
    limbs.zeroize();
    (text.len() == BODY_CHARS).then_some(body)
}

fn digit(symbol: u8) -> Option<u8> {
    match symbol {
        b'0'..=b'9' => Some(symbol - b'0'),
        b'A'..=b'Z' => Some(symbol - b'A' + 10),
        b'a'..=b'z' => Some(symbol - b'a' + 36),
        _ => None,
    }
}
