//! The proof of work that may be asked for before a code is sent: ALTCHA, as its official clients solve it.

use super::error::ClientError;
use super::shapes::Challenge;
use crate::model::altcha::{ALGORITHM, attempt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// As long as the official clients try.
const PATIENCE: Duration = Duration::from_secs(90);
/// More cores than this would only make the machine slow for everything else.
const MOST_THREADS: usize = 8;

#[derive(Deserialize)]
struct Posed {
    parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    algorithm: String,
    cost: u32,
    #[serde(with = "hex::serde")]
    nonce: Vec<u8>,
    #[serde(with = "hex::serde")]
    salt: Vec<u8>,
    #[serde(with = "hex::serde")]
    key_prefix: Vec<u8>,
}

/// The first of the challenges that this client can solve.
///
/// # Errors
/// [`ClientError::ChallengeUnsolvable`] where there is none.
pub fn solvable(challenges: &[Challenge]) -> Result<&Challenge, ClientError> {
    let found = challenges.iter().find(|challenge| challenge.kind == "altcha");
    found.ok_or(ClientError::ChallengeUnsolvable("a CAPTCHA, which is for people: use an app or a web page"))
}

/// Solves a proof of work on every core, which takes from a moment to some seconds: not for an async thread.
///
/// # Errors
/// [`ClientError::ChallengeUnsolvable`] for one of another form, and after 90 s.
pub fn solve(challenge: &Challenge) -> Result<String, ClientError> {
    let posed = Posed::deserialize(&challenge.challenge);
    let posed = posed.map_err(|_| ClientError::ChallengeUnsolvable("it is of an unknown form"))?;
    let parameters = posed.parameters;
    if parameters.algorithm != ALGORITHM || parameters.key_prefix.is_empty() {
        return Err(ClientError::ChallengeUnsolvable("its algorithm is unknown"));
    }
    let begun = Instant::now();
    let found = search(&parameters, begun).ok_or(ClientError::ChallengeUnsolvable("it takes too long"))?;
    let (counter, key) = found;
    let time = begun.elapsed().as_millis();
    let solution = json!({ "counter": counter, "derivedKey": hex::encode(key), "time": time });
    Ok(STANDARD.encode(json!({ "challenge": challenge.challenge, "solution": solution }).to_string()))
}

/// Counts up on several threads; whoever finds the key first stops the others.
fn search(parameters: &Parameters, begun: Instant) -> Option<(u32, [u8; 32])> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
    let (over, found) = (AtomicBool::new(false), Mutex::new(None));
    let count = |first: u32| {
        for counter in (first..=u32::MAX).step_by(threads) {
            if over.load(Ordering::Relaxed) || begun.elapsed() > PATIENCE {
                return;
            }
            let key = attempt(&parameters.nonce, &parameters.salt, parameters.cost, counter);
            if key.starts_with(&parameters.key_prefix) {
                over.store(true, Ordering::Relaxed);
                *found.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((counter, key));
            }
        }
    };
    std::thread::scope(|scope| {
        for first in 0..u32::try_from(threads).unwrap_or(1) {
            scope.spawn(move || count(first));
        }
    });
    found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
