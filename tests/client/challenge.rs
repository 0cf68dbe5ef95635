//! The proof of work of a client.

use jiff::Timestamp;
use serde_json::{Value, json};
use tuttu::client::ClientError;
use tuttu::client::challenge::{solvable, solve};
use tuttu::client::shapes::Challenge;
use tuttu::model::altcha;
use tuttu::model::id::VerificationId;
use tuttu::model::keys::SecretKey;

/// A challenge as a server sets it for a verification until 2100.
fn set(verification: VerificationId) -> Value {
    let expires = Timestamp::from_second(4_102_444_800).unwrap();
    let challenge = altcha::challenge(&SecretKey::new(1, [5; 32]).into(), verification, expires, 60, [9; 16]);
    serde_json::to_value(challenge).unwrap()
}

fn challenge(kind: &str, challenge: Value) -> Challenge {
    Challenge { kind: kind.to_owned(), challenge }
}

#[test]
fn what_a_client_solves_is_right_for_the_server() {
    let verification = VerificationId::random();
    let posed = [challenge("turnstile", Value::Null), challenge("altcha", set(verification))];
    let payload = solve(solvable(&posed).unwrap()).unwrap();
    let now = Timestamp::from_second(4_102_444_799).unwrap();
    let solved = altcha::verify(&SecretKey::new(1, [5; 32]).into(), verification, &payload, now);
    assert_eq!(solved.map(|solved| (solved.nonce, solved.difficulty)), Some(([9; 16], 60)));
}

#[test]
fn what_a_client_cannot_solve_it_says() {
    let posed = [challenge("turnstile", Value::Null), challenge("of-the-future", Value::Null)];
    assert!(solvable(&posed).unwrap_err().to_string().contains("CAPTCHA"));
    let mut other = set(VerificationId::random());
    other["parameters"]["algorithm"] = json!("ARGON2ID");
    let mut unending = set(VerificationId::random());
    unending["parameters"]["keyPrefix"] = json!("");
    for posed in [other, unending, json!({}), Value::Null, json!({"parameters": {"nonce": "zz"}})] {
        let refused = solve(&challenge("altcha", posed));
        assert!(matches!(refused, Err(ClientError::ChallengeUnsolvable(_))), "{refused:?}");
    }
}
