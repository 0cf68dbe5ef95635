//! Base62: numbers, big-endian, in the digits `0-9A-Za-z`.

use zeroize::Zeroize as _;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A number, big-endian, as so many digits; what does not fit into them is cut off.
pub(super) fn encode(number: &[u8], width: usize) -> String {
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

/// The number that the digits write, its least significant 64 bits first; `None` for other symbols, and for numbers
/// that are too large.
#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
pub(super) fn decode<const LIMBS: usize>(text: &str) -> Option<[u64; LIMBS]> {
    // Ten digits are below 2^60: they are read at once.
    let mut limbs = [0_u64; LIMBS];
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
    Some(limbs)
}

/// Writes what [`decode`] has read, the most significant byte first.
pub(super) fn write(limbs: &[u64], bytes: &mut [u8]) {
    for (bytes, limb) in bytes.as_chunks_mut().0.iter_mut().zip(limbs.iter().rev()) {
        *bytes = limb.to_be_bytes();
    }
}

fn digit(symbol: u8) -> Option<u8> {
    match symbol {
        b'0'..=b'9' => Some(symbol - b'0'),
        b'A'..=b'Z' => Some(symbol - b'A' + 10),
        b'a'..=b'z' => Some(symbol - b'a' + 36),
        _ => None,
    }
}
