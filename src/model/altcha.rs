//! ALTCHA: proof of work that a browser or an app does by itself, in the protocol of the official clients
//! (version 2, which is spoken by the npm packages `altcha` 3 and `altcha-lib` 2).
//!
//! The server draws a counter, derives `PBKDF2-HMAC-SHA-256(nonce | counter u32 big-endian, salt, cost)` from it
//! and shows the first half of that key. The client counts up from 0 until its key begins so, and answers the
//! whole key. Judging takes two HMACs: one shows that the challenge is ours, one that the key is the right one.

use super::entropy::random_bytes;
use super::id::VerificationId;
use super::keys::{KeyRing, SecretKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::{hmac, pbkdf2};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// The only algorithm that is asked for here; every official client has it.
pub const ALGORITHM: &str = "PBKDF2/SHA-256";
/// Iterations of one attempt: enough that a browser spends its time hashing and not in calls, few enough that
/// setting a challenge takes the server well under a millisecond.
const COST: u32 = 2_000;
const KEY: usize = 32;
const PREFIX: usize = KEY / 2;
/// A payload is about 800 characters.
const LONGEST_PAYLOAD: usize = 4_096;
const EASIEST: f64 = 600.0;
const HARDEST: f64 = 12_000.0;

/// A challenge as the official clients read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AltchaChallenge {
    parameters: AltchaParameters,
    /// HMAC-SHA-256 of the parameters as JSON without spaces, their names in alphabetical order.
    signature: String,
}

/// What is to be solved. Its fields stand in the order in which they are signed: do not move them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AltchaParameters {
    #[schema(example = "PBKDF2/SHA-256")]
    algorithm: String,
    /// Iterations of one attempt.
    cost: u32,
    data: AltchaSubject,
    /// Seconds since 1970 (UTC); a later solution is refused.
    expires_at: i64,
    /// Bytes of a key.
    key_length: u32,
    /// What the right key begins with, in hexadecimal.
    key_prefix: String,
    /// HMAC-SHA-256 of the right key.
    key_signature: String,
    nonce: String,
    salt: String,
}

/// What a challenge was set for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AltchaSubject {
    /// The largest number of attempts.
    difficulty: u32,
    /// The one verification that its solution serves.
    verification: VerificationId,
}

/// The solution as a client sends it: base64 of this as JSON.
#[derive(Deserialize)]
struct Payload {
    challenge: AltchaChallenge,
    solution: Solution,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Solution {
    derived_key: String,
}

/// A solution that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AltchaSolved {
    /// The nonce of the challenge, by which to see that it is spent once.
    pub nonce: [u8; 16],
    /// The difficulty with which it was set.
    pub difficulty: u32,
}

/// How hard a challenge shall be where `deficit` of what may be sent is spent, from 0 (none) to 1 (all): the
/// largest number of attempts, from 600 to 12 000, each step as much harder in proportion as the one before.
///
/// Half of them are needed on average. `WebCrypto` was measured to make some 1 600 attempts a second on one core of
/// a busy server: 0.2 s at 0 and 4 s at 1 on average, a fraction of that where several cores share the work.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 600 and 12 000")]
pub fn difficulty(deficit: f64) -> u32 {
    let deficit = if deficit.is_nan() { 1.0 } else { deficit.clamp(0.0, 1.0) };
    (EASIEST * (HARDEST / EASIEST).powf(deficit)).round() as u32
}

/// Sets a challenge that serves one verification until `expires`; `nonce` is random and names it.
///
/// `difficulty` is the largest number of attempts; half of them are needed on average.
#[must_use]
pub fn challenge(
    keys: &KeyRing,
    verification: VerificationId,
    expires: Timestamp,
    difficulty: u32,
    nonce: [u8; 16],
) -> AltchaChallenge {
    let (key, salt): (_, [u8; 16]) = (keys.in_use(), random_bytes());
    let right = attempt(&nonce, &salt, COST, counter(difficulty));
    let (shown, _) = right.split_at(PREFIX);
    let parameters = AltchaParameters {
        algorithm: ALGORITHM.to_owned(),
        cost: COST,
        data: AltchaSubject { difficulty, verification },
        expires_at: expires.as_second(),
        key_length: 32,
        key_prefix: hex::encode(shown),
        key_signature: hex::encode(hmac::sign(&key_signer(&key), &right).as_ref()),
        nonce: hex::encode(nonce),
        salt: hex::encode(salt),
    };
    let signed = parameters.canonical().map(|text| hmac::sign(&challenge_signer(&key), &text));
    let signature = signed.map_or_else(|_| String::new(), hex::encode);
    AltchaChallenge { parameters, signature }
}

/// Judges a solution: `None` unless it solves a challenge of ours, set for this verification and not over.
///
/// It says nothing of whether the same solution was shown before; that is for whoever keeps the nonces.
#[must_use]
pub fn verify(
    keys: &KeyRing,
    verification: VerificationId,
    payload: &str,
    now: Timestamp,
) -> Option<AltchaSolved> {
    let bytes = (payload.len() <= LONGEST_PAYLOAD).then(|| STANDARD.decode(payload).ok())??;
    let Payload { challenge: AltchaChallenge { parameters, signature }, solution } =
        serde_json::from_slice(&bytes).ok()?;
    let signed = parameters.canonical().ok()?;
    let signature = unhex::<32>(&signature)?;
    let key = keys.find(|key| hmac::verify(&challenge_signer(key), &signed, &signature).is_ok())?;
    let right: [u8; 32] = unhex(&parameters.key_signature)?;
    hmac::verify(&key_signer(&key), &unhex::<KEY>(&solution.derived_key)?, &right).ok()?;
    let current = parameters.data.verification == verification && now.as_second() < parameters.expires_at;
    let nonce = unhex(&parameters.nonce)?;
    current.then_some(AltchaSolved { nonce, difficulty: parameters.data.difficulty })
}

/// The key that one attempt derives.
#[must_use]
pub fn attempt(nonce: &[u8], salt: &[u8], cost: u32, counter: u32) -> [u8; KEY] {
    let mut derived = [0; KEY];
    let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
    let password = [nonce, &counter.to_be_bytes()].concat();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, cost, salt, &password, &mut derived);
    derived
}

impl AltchaParameters {
    /// The bytes that are signed: what `JSON.stringify` makes of the parameters with their names sorted.
    fn canonical(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// A number of attempts up to the difficulty, each as likely: whoever counts up from 0, down, or from the middle
/// needs as many.
fn counter(difficulty: u32) -> u32 {
    let span = u64::from(difficulty) + 1;
    let drawn = (u64::from(u32::from_le_bytes(random_bytes())) * span) >> 32;
    u32::try_from(drawn).unwrap_or(difficulty)
}

/// The keys are used as text, in hexadecimal, because that is how the official libraries take them.
fn challenge_signer(key: &SecretKey) -> hmac::Key {
    signer(&key.derive("tuttu 2026-11 altcha challenge"))
}

fn key_signer(key: &SecretKey) -> hmac::Key {
    signer(&key.derive("tuttu 2026-11 altcha key"))
}

fn signer(key: &SecretKey) -> hmac::Key {
    let text = Zeroizing::new(hex::encode(key.expose()));
    hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())
}

/// Bytes written in hexadecimal; `None` unless there are exactly `N`.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}
