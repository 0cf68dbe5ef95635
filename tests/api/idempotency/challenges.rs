//! A challenge is something made: it is repeated, and its solution sends once.

use super::{KEY, OTHER_KEY, ask, assert_replayed, keyed};
use crate::harness::{Reply, TestService, on_both_engines};
use serde_json::{Value, json};
use tuttu::client::challenge::solve;
use tuttu::client::shapes::Challenge;

const NUMBER: &str = "+358407770199";

/// A start that is challenged, because the block of its number is spent.
async fn challenged(service: &TestService) -> Reply {
    for last in 1..=8 {
        service.attempt(&format!("+35840777010{last}")).await;
    }
    let due = ask(service, NUMBER, KEY).await.expect(428, "challenge_required");
    service.keep_secret(due.text("/verification/secret"));
    due
}

fn solution(due: &Reply) -> Value {
    let challenge = due.json["verification"]["challenges"][0]["challenge"].clone();
    let solution = solve(&Challenge { kind: "altcha".to_owned(), challenge }).unwrap();
    json!({"kind": "altcha", "solution": solution})
}

on_both_engines!(a_challenge_is_posed_alike_again_and_its_solution_sends_once, |service| {
    let due = challenged(service).await;
    assert_replayed(&due, &ask(service, NUMBER, KEY).await);
    let path = format!("/v1/verifications/{}/challenges", due.text("/verification/id"));
    let (secret, body) = (due.text("/verification/secret"), solution(&due));
    let first = keyed(service, &path, secret, OTHER_KEY, &body).await.expect(200, "");
    let again = keyed(service, &path, secret, OTHER_KEY, &body).await.expect(200, "");
    assert_replayed(&first, &again);
    service.code(NUMBER, 1).await;
    assert_eq!(service.texts(NUMBER).await.len(), 1);
    keyed(service, &path, secret, KEY, &body).await.expect(409, "challenge_closed");
});

on_both_engines!(
    a_wrong_solution_is_not_kept_so_that_the_right_one_may_follow_with_the_same_key,
    |service| {
        let due = challenged(service).await;
        let path = format!("/v1/verifications/{}/challenges", due.text("/verification/id"));
        let secret = due.text("/verification/secret");
        let wrong = json!({"kind": "altcha", "solution": "bm90aGluZw=="});
        keyed(service, &path, secret, KEY, &wrong).await.expect(422, "challenge_incorrect");
        keyed(service, &path, secret, KEY, &solution(&due)).await.expect(200, "");
    }
);
