//! `tuttu client`, where the service asks for a proof of work first.

use super::harness::Place;
use serde_json::json;

const ANNA: &str = "+358407770199";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_registers_through_a_challenge() {
    let place = Place::new();
    let mut server = place.serve();
    let key = server.inbox_key();
    for last in 1..=8 {
        let body = json!({"phone_number": format!("+35840777010{last}"), "channel": "sms"});
        assert_eq!(server.post("/v1/verifications", "", &body).await.status, 201);
    }
    let body = json!({"phone_number": "+358407770100", "channel": "sms"});
    server.post("/v1/verifications", "", &body).await.expect(428, "challenge_required");
    let said = place.client(&server, "anna", &["register", ANNA, "--inbox", &key]).ok();
    assert!(said.contains("A code is on its way") && said.contains("New account"), "{said}");
    server.stop().ok();
}
