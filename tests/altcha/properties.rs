//! What holds for any altered solution, and for any text.

use super::{judge, payload, set, solve};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use tuttu::model::altcha::difficulty;

static SOLVED: LazyLock<(Value, String)> = LazyLock::new(|| {
    let challenge = set(10);
    let found = solve(&challenge).1;
    (challenge, found)
});

/// Every signed field with its place.
const FIELDS: [&str; 10] = [
    "/parameters/algorithm",
    "/parameters/cost",
    "/parameters/data/difficulty",
    "/parameters/data/verification",
    "/parameters/expiresAt",
    "/parameters/keyLength",
    "/parameters/keyPrefix",
    "/parameters/keySignature",
    "/parameters/nonce",
    "/parameters/salt",
];

/// The value with one digit of it changed.
fn altered(value: &Value, at: usize, digit: u8) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let at = at % text.len();
    let text: String =
        text.chars().enumerate().map(|(i, c)| if i == at { char::from(digit) } else { c }).collect();
    if value.is_string() { json!(text) } else { serde_json::from_str(&text).unwrap_or(json!(0)) }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_altered_field_is_refused(field in 0..FIELDS.len(), at in any::<usize>(), digit in b'0'..=b'9') {
        let (mut challenge, found) = SOLVED.clone();
        let value = challenge.pointer_mut(FIELDS[field]).unwrap();
        let other = altered(value, at, digit);
        prop_assume!(other != *value);
        *value = other;
        prop_assert_eq!(judge(&payload(&challenge, &found)), None);
    }

    #[test]
    fn an_added_field_is_refused(name in "[a-z]{1,8}", at_top in any::<bool>()) {
        let (mut challenge, found) = SOLVED.clone();
        let place = if at_top { "" } else { "/parameters" };
        challenge.pointer_mut(place).unwrap()[name.as_str()] = json!(1);
        prop_assert_eq!(judge(&payload(&challenge, &found)), None);
    }

    #[test]
    fn another_signature_or_key_is_refused(bytes in any::<[u8; 32]>()) {
        let (challenge, found) = SOLVED.clone();
        prop_assert_eq!(judge(&payload(&challenge, &hex::encode(bytes))), None);
        let mut forged = challenge;
        forged["signature"] = json!(hex::encode(bytes));
        prop_assert_eq!(judge(&payload(&forged, &found)), None);
    }

    #[test]
    fn no_text_is_a_solution(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(judge(&text), None);
        prop_assert_eq!(judge(&STANDARD.encode(&text)), None);
        prop_assert_eq!(judge(&STANDARD.encode(bytes)), None);
    }

    #[test]
    fn a_longer_payload_is_not_even_read(spaces in 4_096..8_192_usize) {
        let (challenge, found) = SOLVED.clone();
        let plain = STANDARD.decode(payload(&challenge, &found)).unwrap();
        let padded = [plain, vec![b' '; spaces]].concat();
        prop_assert_eq!(judge(&STANDARD.encode(padded)), None);
    }

    #[test]
    fn more_deficit_is_never_easier(a in 0.0..=1.0_f64, b in 0.0..=1.0_f64) {
        prop_assert!(difficulty(a.min(b)) <= difficulty(a.max(b)));
    }
}
