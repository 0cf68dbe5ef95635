//! Device tokens: `tut_`, 76 base62 characters, and a CRC32 that secret scanners can check.

use super::entropy::random_bytes;
use super::id::DeviceId;
use super::keys::SecretKey;
use super::secret::PlainSecret;
use num_bigint::BigUint;
use std::fmt;
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
}

impl DeviceToken {
    /// A fresh token for a device.
    #[must_use]
    pub fn random(device: DeviceId) -> Self {
        Self { device, secret: PlainSecret::from_bytes(random_bytes()) }
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
    pub fn expose(&self, key: &SecretKey) -> String {
        let mut body = [self.device.as_bytes(), self.secret.expose_bytes().as_slice()].concat();
        let tag = tag(key, &body);
        body.extend_from_slice(&tag);
        let mut text = format!("{PREFIX}{}", base62(&BigUint::from_bytes_be(&body), BODY_CHARS));
        body.zeroize();
        let crc = crc32fast::hash(text.as_bytes());
        text.push_str(&base62(&BigUint::from(crc), CRC_CHARS));
        text
    }

    /// Reads a token; `None` for anything malformed or forged, found without cache or database.
    #[must_use]
    pub fn parse(text: &str, key: &SecretKey) -> Option<Self> {
        let body_end = PREFIX.len() + BODY_CHARS;
        let (checked, crc) = text.split_at_checked(body_end)?;
        if crc.len() != CRC_CHARS
            || base62(&BigUint::from(crc32fast::hash(checked.as_bytes())), CRC_CHARS) != crc
        {
            return None;
        }
        let mut body = unbase62(checked.strip_prefix(PREFIX)?)?;
        let token = Self::from_body(&body, key);
        body.zeroize();
        token
    }

    fn from_body(body: &[u8; BODY_BYTES], key: &SecretKey) -> Option<Self> {
        let (signed, claimed) = body.split_at_checked(48)?;
        if !bool::from(tag(key, signed).ct_eq(claimed)) {
            return None;
        }
        let (device, secret) = signed.split_at_checked(16)?;
        Some(Self {
            device: DeviceId::from_slice(device)?,
            secret: PlainSecret::from_bytes(secret.try_into().ok()?),
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

fn base62(value: &BigUint, width: usize) -> String {
    let digits = value.to_radix_be(62);
    let padding = std::iter::repeat_n(0, width.saturating_sub(digits.len()));
    padding
        .chain(digits)
        .filter_map(|digit| ALPHABET.get(usize::from(digit)).map(|&symbol| char::from(symbol)))
        .collect()
}

fn unbase62(text: &str) -> Option<[u8; BODY_BYTES]> {
    let digits: Vec<u8> = text.bytes().map(digit).collect::<Option<_>>()?;
    let bytes = BigUint::from_radix_be(&digits, 62)?.to_bytes_be();
    let mut body = [0; BODY_BYTES];
    body.get_mut(BODY_BYTES.checked_sub(bytes.len())?..)?.copy_from_slice(&bytes);
    Some(body)
}

fn digit(symbol: u8) -> Option<u8> {
    match symbol {
        b'0'..=b'9' => Some(symbol - b'0'),
        b'A'..=b'Z' => Some(symbol - b'A' + 10),
        b'a'..=b'z' => Some(symbol - b'a' + 36),
        _ => None,
    }
}
