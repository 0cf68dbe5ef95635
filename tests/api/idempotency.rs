//! A request with an `Idempotency-Key` is evaluated once.

mod challenges;
mod mishaps;
mod secrecy;

use crate::harness::{Reply, TestService, on_both_engines};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const KEY: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const OTHER_KEY: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const STARTS: &str = "/v1/verifications";

/// A POST with a key.
async fn keyed(service: &TestService, path: &str, bearer: &str, key: &str, body: &Value) -> Reply {
    let request = service.request(Method::POST, path, bearer).header("Idempotency-Key", key).json(body);
    let reply = Reply::read(request.send().await.unwrap()).await;
    for secret in ["secret", "device_token"] {
        reply.json[secret].as_str().into_iter().for_each(|secret| service.keep_secret(secret));
    }
    reply
}

fn asking(number: &str) -> Value {
    json!({"phone_number": number, "channel": "sms"})
}

/// Asks for a code with a key.
async fn ask(service: &TestService, number: &str, key: &str) -> Reply {
    service.keep_secret(number);
    keyed(service, STARTS, "", key, &asking(number)).await
}

async fn redeem(service: &TestService, grant: &str, key: &str) -> Reply {
    let body = json!({"grant": grant, "device": {"name": "Test phone", "platform": "other"}});
    keyed(service, "/v1/accounts", "", key, &body).await
}

fn is_replay(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == "true"
}

/// The same status, type and bytes, and a header that says so.
#[track_caller]
fn assert_replayed(first: &Reply, again: &Reply) {
    assert!(!is_replay(first) && is_replay(again), "{again:?}");
    assert_eq!((first.status, &first.bytes), (again.status, &again.bytes));
    assert_eq!(first.header("content-type"), again.header("content-type"));
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
}

on_both_engines!(a_start_that_comes_again_is_answered_alike_and_sends_one_message, |service| {
    let first = ask(service, ANNA, KEY).await.expect(201, "");
    let again = ask(service, ANNA, KEY).await.expect(201, "");
    assert_replayed(&first, &again);
    assert_eq!(again.text("/secret").len(), 43);
    service.code(ANNA, 1).await;
    assert_eq!(service.texts(ANNA).await.len(), 1);
});

on_both_engines!(a_code_asked_for_again_with_the_same_key_is_sent_once, |service| {
    let attempt = service.attempt(ANNA).await;
    service.code_of(&attempt).await;
    service.advance(30);
    let path = format!("/v1/verifications/{}/codes", attempt.id);
    let body = json!({"channel": "sms"});
    let first = keyed(service, &path, &attempt.secret, KEY, &body).await.expect(200, "");
    let again = keyed(service, &path, &attempt.secret, KEY, &body).await.expect(200, "");
    assert_replayed(&first, &again);
    service.code(ANNA, 2).await;
    assert_eq!(service.texts(ANNA).await.len(), 2);
    keyed(service, &path, &attempt.secret, OTHER_KEY, &body).await.expect(429, "resend_too_early");
});

on_both_engines!(a_registration_that_comes_again_is_answered_with_the_same_token, |service| {
    let grant = service.grant(ANNA).await;
    let first = redeem(service, &grant, KEY).await.expect(201, "");
    let again = redeem(service, &grant, KEY).await.expect(201, "");
    assert_replayed(&first, &again);
    let devices = service.get("/v1/devices", again.text("/device_token")).await.expect(200, "");
    assert_eq!(devices.json["devices"].as_array().unwrap().len(), 1);
    redeem(service, &grant, OTHER_KEY).await.expect(409, "grant_used");
});

on_both_engines!(a_key_is_for_one_payload, |service| {
    let first = ask(service, ANNA, KEY).await.expect(201, "");
    ask(service, BO, KEY).await.expect(422, "idempotency_mismatch");
    let spaced = r#"{"phone_number": "+358401234561", "channel": "sms"}"#;
    let request = service.request(Method::POST, STARTS, "").header("Idempotency-Key", KEY);
    let request = request.header("Content-Type", "application/json").body(spaced);
    Reply::read(request.send().await.unwrap()).await.expect(422, "idempotency_mismatch");
    assert_replayed(&first, &ask(service, ANNA, KEY).await);
    assert!(service.texts(BO).await.is_empty());
});

on_both_engines!(a_key_is_for_one_caller_and_one_path, |service| {
    let (anna, bo) = (service.attempt(ANNA).await, service.attempt(BO).await);
    service.advance(30);
    let body = json!({"channel": "sms"});
    let path = |id: &str| format!("/v1/verifications/{id}/codes");
    let first = keyed(service, &path(&anna.id), &anna.secret, KEY, &body).await.expect(200, "");
    keyed(service, &path(&anna.id), &bo.secret, KEY, &body).await.expect(404, "not_found");
    keyed(service, &path(&anna.id), "", KEY, &body).await.expect(404, "not_found");
    let other = keyed(service, &path(&bo.id), &bo.secret, KEY, &body).await.expect(200, "");
    assert!(!is_replay(&other) && other.text("/id") == bo.id);
    assert_replayed(&first, &keyed(service, &path(&anna.id), &anna.secret, KEY, &body).await);
});

on_both_engines!(of_thirty_two_at_once_one_is_evaluated, |service| {
    let replies = join_all((0..32).map(|_| ask(service, ANNA, KEY))).await;
    let evaluated: Vec<&Reply> =
        replies.iter().filter(|reply| reply.status == 201 && !is_replay(reply)).collect();
    assert_eq!(evaluated.len(), 1);
    for reply in &replies {
        if reply.status == 201 {
            assert_eq!(reply.bytes, evaluated[0].bytes);
        } else {
            assert_eq!(reply.clone().expect(409, "idempotency_in_flight").retry_after(), 1);
        }
    }
    assert_replayed(evaluated[0], &ask(service, ANNA, KEY).await);
    service.code(ANNA, 1).await;
    assert_eq!(service.texts(ANNA).await.len(), 1);
});

on_both_engines!(of_thirty_two_registrations_at_once_one_makes_a_device, |service| {
    let grant = service.grant(ANNA).await;
    let replies = join_all((0..32).map(|_| redeem(service, &grant, KEY))).await;
    for reply in &replies {
        assert!([201, 409].contains(&reply.status), "{reply:?}");
        if reply.status == 409 {
            reply.clone().expect(409, "idempotency_in_flight");
        }
    }
    let token = redeem(service, &grant, KEY).await.expect(201, "").text("/device_token").to_owned();
    assert!(replies.iter().any(|reply| reply.json["device_token"] == token.as_str()));
    let devices = service.get("/v1/devices", &token).await.expect(200, "");
    assert_eq!(devices.json["devices"].as_array().unwrap().len(), 1);
});

on_both_engines!(an_answer_is_kept_for_a_day, |service| {
    let first = ask(service, ANNA, KEY).await.expect(201, "");
    service.advance(86_399);
    assert_replayed(&first, &ask(service, ANNA, KEY).await);
    service.advance(1);
    let afresh = ask(service, ANNA, KEY).await.expect(201, "");
    assert!(!is_replay(&afresh) && afresh.text("/id") != first.text("/id"));
});

on_both_engines!(an_answer_with_a_token_is_kept_for_ten_minutes, |service| {
    let grant = service.grant(ANNA).await;
    let first = redeem(service, &grant, KEY).await.expect(201, "");
    service.advance(599);
    assert_replayed(&first, &redeem(service, &grant, KEY).await);
    service.advance(1);
    let afresh = redeem(service, &grant, KEY).await;
    assert!(afresh.status >= 400 && !is_replay(&afresh), "{afresh:?}");
});

on_both_engines!(a_refusal_is_not_kept_so_that_waiting_works, |service| {
    ask(service, ANNA, KEY).await.expect(201, "");
    let refused = ask(service, ANNA, OTHER_KEY).await.expect(429, "resend_too_early");
    service.advance(refused.retry_after() - 1);
    ask(service, ANNA, OTHER_KEY).await.expect(429, "resend_too_early");
    service.advance(1);
    let sent = ask(service, ANNA, OTHER_KEY).await.expect(201, "");
    assert_replayed(&sent, &ask(service, ANNA, OTHER_KEY).await);
});

on_both_engines!(an_answer_survives_a_restart, |service| {
    let first = ask(service, ANNA, KEY).await.expect(201, "");
    service.code(ANNA, 1).await;
    service.restart().await;
    assert_replayed(&first, &ask(service, ANNA, KEY).await);
});

on_both_engines!(where_nothing_is_sent_or_made_the_key_changes_nothing, |service| {
    let attempt = service.attempt(ANNA).await;
    let body = json!({"code": service.wrong_code(ANNA).await});
    let path = format!("/v1/verifications/{}/check", attempt.id);
    for left in [4, 3] {
        let reply = keyed(service, &path, &attempt.secret, KEY, &body).await.expect(422, "code_incorrect");
        assert_eq!(reply.json["verification"]["code"]["checks_left"], left);
    }
    let state = service.request(Method::GET, &format!("/v1/verifications/{}", attempt.id), &attempt.secret);
    let state = Reply::read(state.header("Idempotency-Key", "short").send().await.unwrap()).await;
    assert!(!is_replay(&state.expect(200, "")));
});
