//! ALTCHA, judged by the official client library: `tests/data/altcha.json` holds what each side made for the
//! other, and `tests/browser/altcha.test.mjs` lets the library solve and judge the same file.
//!
//! `TUTTU_UPDATE=1 cargo nextest run --test altcha` sets a new challenge into the file;
//! `node tests/browser/altcha-vectors.mjs` then has the library solve it and set its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "altcha/properties.rs"]
mod properties;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tuttu::model::altcha::{self, AltchaSolved};
use tuttu::model::id::VerificationId;
use tuttu::model::keys::{KeyRing, SecretKey};

const VECTORS: &str = "tests/data/altcha.json";
const NONCE: [u8; 16] = [7; 16];
/// 2100-01-01.
const EXPIRES: i64 = 4_102_444_800;

fn key() -> KeyRing {
    SecretKey::new(1, [42; 32]).into()
}

fn verification() -> VerificationId {
    VerificationId::from_bytes([3; 16])
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap()
}

/// A challenge as a client sees it.
fn set(difficulty: u32) -> Value {
    let challenge = altcha::challenge(&key(), verification(), second(EXPIRES), difficulty, NONCE);
    serde_json::to_value(challenge).unwrap()
}

/// The attempts that a solver makes, and the key that it finds.
fn solve(challenge: &Value) -> (u32, String) {
    let parameters = &challenge["parameters"];
    let bytes = |name: &str| hex::decode(parameters[name].as_str().unwrap()).unwrap();
    let cost = u32::try_from(parameters["cost"].as_u64().unwrap()).unwrap();
    let (nonce, salt, prefix) = (bytes("nonce"), bytes("salt"), bytes("keyPrefix"));
    (0..=u32::MAX)
        .map(|counter| (counter, altcha::attempt(&nonce, &salt, cost, counter)))
        .find(|(_, key)| key.starts_with(&prefix))
        .map(|(counter, key)| (counter, hex::encode(key)))
        .unwrap()
}

fn payload(challenge: &Value, derived_key: &str) -> String {
    let solution = json!({"counter": 0, "derivedKey": derived_key, "time": 12.5});
    STANDARD.encode(json!({"challenge": challenge, "solution": solution}).to_string())
}

fn judge(payload: &str) -> Option<AltchaSolved> {
    altcha::verify(&key(), verification(), payload, second(EXPIRES - 1))
}

#[test]
fn a_solved_challenge_is_right_for_its_verification_until_it_expires() {
    let challenge = set(40);
    let (attempts, found) = solve(&challenge);
    let payload = payload(&challenge, &found);
    assert!(attempts <= 40, "{attempts}");
    assert_eq!(judge(&payload), Some(AltchaSolved { nonce: NONCE, difficulty: 40 }));
    assert_eq!(altcha::verify(&key(), verification(), &payload, second(EXPIRES)), None);
    let other = VerificationId::from_bytes([4; 16]);
    assert_eq!(altcha::verify(&key(), other, &payload, second(EXPIRES - 1)), None);
    let stranger = SecretKey::new(1, [43; 32]).into();
    assert_eq!(altcha::verify(&stranger, verification(), &payload, second(EXPIRES - 1)), None);
}

#[test]
fn what_the_official_library_solves_is_right_here() {
    let vectors = vectors();
    let solved = judge(vectors["solved_by_altcha_lib"].as_str().unwrap());
    assert_eq!(solved, Some(AltchaSolved { nonce: NONCE, difficulty: 300 }));
}

#[test]
fn what_the_official_library_sets_is_solved_here() {
    let vectors = vectors();
    let challenge = &vectors["set_by_altcha_lib"];
    let (_, found) = solve(challenge);
    let solved = judge(&payload(challenge, &found)).unwrap();
    assert_eq!(solved.difficulty, 300);
}

#[test]
fn the_file_that_the_official_library_solves_was_made_with_these_keys() {
    if std::env::var_os("TUTTU_UPDATE").is_some() {
        let secret = |use_of: &'static str| hex::encode(key().in_use().derive(use_of).expose());
        let made = json!({
            "hmacSignatureSecret": secret("tuttu 2026-11 altcha challenge"),
            "hmacKeySignatureSecret": secret("tuttu 2026-11 altcha key"),
            "set_by_tuttu": set(300),
        });
        let mut text = serde_json::to_string_pretty(&made).unwrap();
        text.push('\n');
        std::fs::write(VECTORS, text).unwrap();
    }
    let challenge = &vectors()["set_by_tuttu"];
    let (_, found) = solve(challenge);
    assert!(judge(&payload(challenge, &found)).is_some());
}

#[test]
fn half_of_the_key_is_shown_and_the_other_half_is_worth_the_work() {
    let challenge = set(40);
    let shown = challenge["parameters"]["keyPrefix"].as_str().unwrap();
    assert_eq!(shown.len(), 32);
    assert_eq!(judge(&payload(&challenge, &format!("{shown}{shown}"))), None);
    assert_eq!(judge(&payload(&challenge, shown)), None);
}

#[test]
fn a_challenge_grows_harder_with_the_deficit() {
    let steps = [0.0, 0.25, 0.5, 0.75, 1.0].map(altcha::difficulty);
    assert_eq!(steps, [600, 1_269, 2_683, 5_674, 12_000]);
    assert_eq!([f64::NAN, 7.0, -1.0].map(altcha::difficulty), [12_000, 12_000, 600]);
}
