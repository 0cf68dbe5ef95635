//! Every form in which a secret could lie in a file.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use num_bigint::BigUint;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use std::collections::{BTreeSet, HashMap};

/// What is shorter is found by chance in a few megabytes of ciphertext.
const SHORTEST: usize = 6;

/// What must not be found, or must.
#[derive(Default)]
pub(in super::super) struct Needles {
    by_start: HashMap<[u8; SHORTEST], Vec<(Vec<u8>, String)>>,
}

impl Needles {
    /// Adds a secret that is text, in every form.
    pub(in super::super) fn text(&mut self, what: &str, text: &str) {
        self.bytes(what, text.as_bytes());
        // Little-endian or big-endian, but for the outermost zero.
        let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
        self.add(&format!("{what}, UTF-16"), &wide[..wide.len() - 1]);
    }

    /// Adds secret bytes, in every form.
    pub(in super::super) fn bytes(&mut self, what: &str, bytes: &[u8]) {
        let backwards: Vec<u8> = bytes.iter().rev().copied().collect();
        for (what, bytes) in [(what.to_owned(), bytes), (format!("{what}, reversed"), &backwards)] {
            self.add(&what, bytes);
            let hex = hex(bytes);
            self.add(&format!("{what}, hex"), hex.as_bytes());
            self.add(&format!("{what}, hex"), hex.to_uppercase().as_bytes());
            for offset in 0..3 {
                self.base64(&what, bytes, offset);
            }
        }
    }

    /// Adds secret bytes of which not even a part must be found.
    pub(in super::super) fn parts(&mut self, what: &str, bytes: &[u8]) {
        self.bytes(what, bytes);
        bytes.chunks_exact(8).for_each(|part| self.bytes(&format!("a part of {what}"), part));
    }

    /// Base64 of the bytes as it stands in a longer text, without the characters that its surroundings change.
    fn base64(&mut self, what: &str, bytes: &[u8], offset: usize) {
        let padded = [&[0; 2][..offset], bytes].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            let whole = padded.len() / 3 * 4;
            self.add(&format!("{what}, base64"), &text.as_bytes()[[0, 2, 3][offset]..whole]);
        }
    }

    /// Adds a number in every way of writing and storing it, and its plain hashes.
    pub(in super::super) fn number(&mut self, e164: &str) {
        let (digits, national) = (&e164[1..], &e164[4..]);
        let home = format!("0{national}");
        for form in [e164, digits, &home, national] {
            self.text(e164, form);
            self.nibbles(e164, form.trim_start_matches('+'));
            self.hashes(form, form);
        }
        let integer: u64 = digits.parse().unwrap();
        self.add(&format!("{e164}, an integer"), &integer.to_be_bytes()[2..]);
        self.add(&format!("{e164}, an integer"), &integer.to_le_bytes()[..6]);
    }

    /// Digits two to a byte, in either order and from either half.
    fn nibbles(&mut self, what: &str, digits: &str) {
        let digits: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
        for start in 0..2 {
            let (pairs, _) = digits[start..].as_chunks::<2>();
            let packed: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
            let swapped: Vec<u8> = pairs.iter().map(|[high, low]| low << 4 | high).collect();
            self.add(&format!("{what}, BCD"), &packed);
            self.add(&format!("{what}, swapped BCD"), &swapped);
        }
    }

    /// Adds the plain hashes of a text.
    pub(in super::super) fn hashes(&mut self, what: &str, text: &str) {
        self.parts(&format!("BLAKE3 of {what}"), blake3::hash(text.as_bytes()).as_bytes());
        self.parts(&format!("SHA-256 of {what}"), &sha256(text.as_bytes()));
    }

    /// Adds a secret that clients carry as base64url.
    pub(in super::super) fn base64url(&mut self, what: &str, text: &str) {
        self.text(what, text);
        self.parts(what, &URL_SAFE_NO_PAD.decode(text).unwrap());
    }

    /// Adds a device token with the secret in it.
    pub(in super::super) fn token(&mut self, token: &str) {
        self.text("a token", token);
        self.text("the end of a token", &token[40..]);
        let bytes = token_bytes(token);
        self.parts("the secret of a token", &bytes[16..48]);
        self.parts("the tag of a token", &bytes[48..]);
    }

    fn add(&mut self, what: &str, bytes: &[u8]) {
        if let Some(start) = bytes.first_chunk::<SHORTEST>() {
            self.by_start.entry(*start).or_default().push((bytes.to_vec(), what.to_owned()));
        }
    }

    /// What of it all lies in the bytes.
    pub(in super::super) fn found_in(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, start) in bytes.windows(SHORTEST).enumerate() {
            let Some(needles) = self.by_start.get(start) else { continue };
            let here = needles.iter().filter(|(needle, _)| bytes[at..].starts_with(needle));
            found.extend(here.map(|(_, what)| what.as_str()));
        }
        found
    }
}

/// What a token says in base62: device id, secret, tag.
pub(in super::super) fn token_bytes(token: &str) -> [u8; 56] {
    let digits = token["tut_".len()..][..76].bytes().map(|symbol| match symbol {
        b'0'..=b'9' => symbol - b'0',
        b'A'..=b'Z' => symbol - b'A' + 10,
        _ => symbol - b'a' + 36,
    });
    let bytes = BigUint::from_radix_be(&digits.collect::<Vec<u8>>(), 62).unwrap().to_bytes_be();
    let mut padded = [0; 56];
    padded[56 - bytes.len()..].copy_from_slice(&bytes);
    padded
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    TLS13_AES_128_GCM_SHA256.tls13().unwrap().common.hash_provider.hash(bytes).as_ref().to_vec()
}
