//! Challenges, solved as a client does.

use super::{Attempt, Reply, TestService};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tuttu::model::altcha;

impl Attempt {
    /// The verification that a 428 holds.
    pub(crate) fn of_challenge(service: &TestService, reply: &Reply, number: &str) -> Self {
        service.keep_secret(reply.text("/verification/secret"));
        Self {
            id: reply.text("/verification/id").to_owned(),
            secret: reply.text("/verification/secret").to_owned(),
            number: number.to_owned(),
        }
    }
}

impl TestService {
    /// Sends the solution of a challenge of a verification.
    pub(crate) async fn solve(&self, attempt: &Attempt, kind: &str, solution: &str) -> Reply {
        let path = format!("/v1/verifications/{}/challenges", attempt.id);
        self.post(&path, &attempt.secret, &json!({"kind": kind, "solution": solution})).await
    }

    /// Asks for a code, solves the proof of work that is due, and sends the solution.
    pub(crate) async fn attempt_by_proof(&self, number: &str) -> Attempt {
        let due = self.ask(number).await.expect(428, "challenge_required");
        let attempt = Attempt::of_challenge(self, &due, number);
        self.solve(&attempt, "altcha", &proof(&due.json["verification"])).await.expect(200, "");
        attempt
    }
}

/// The proof of work that a verification asks for.
pub(crate) fn proof(verification: &Value) -> String {
    let challenges = verification["challenges"].as_array().unwrap();
    let challenge = &challenges.iter().find(|open| open["kind"] == "altcha").unwrap()["challenge"];
    let parameters = &challenge["parameters"];
    let bytes = |name: &str| hex::decode(parameters[name].as_str().unwrap()).unwrap();
    let cost = u32::try_from(parameters["cost"].as_u64().unwrap()).unwrap();
    let (nonce, salt, prefix) = (bytes("nonce"), bytes("salt"), bytes("keyPrefix"));
    let mut keys = (0..).map(|counter| altcha::attempt(&nonce, &salt, cost, counter));
    let key = hex::encode(keys.find(|key| key.starts_with(&prefix)).unwrap());
    let solution = json!({"counter": 0, "derivedKey": key, "time": 1});
    STANDARD.encode(json!({"challenge": challenge, "solution": solution}).to_string())
}
