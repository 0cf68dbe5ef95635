//! Listed, hidden and erased accounts.

use crate::harness::{Form, Person, Question, TestService, another, on_both_engines};
use serde_json::json;
use tuttu::model::id::VerificationId;

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const CARL: &str = "+358401234563";

async fn set_discoverable(service: &TestService, person: &Person, discoverable: bool) {
    let body = json!({"discoverable": discoverable});
    let reply = service.patch("/v1/account", &person.token, &body).await.expect(200, "");
    assert_eq!(reply.json["discoverable"], discoverable);
}

/// A book that is paid for, so that asking again always costs the same: nothing.
async fn paid_book(service: &TestService, person: &Person, numbers: &[&str]) -> Question {
    let question = service.question(&person.token, numbers).await;
    let answer = service.answer(&person.token, &question).await;
    question.again(&answer)
}

/// The answer to a question in every form, byte for byte.
async fn bytes(service: &TestService, person: &Person, question: &Question) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    for form in Form::ALL {
        answers.push(service.pose(&person.token, question, form).await.expect(200, "").bytes);
    }
    answers
}

on_both_engines!(a_hidden_account_is_answered_byte_for_byte_like_a_number_never_registered, |service| {
    let anna = service.register(ANNA).await;
    let book = paid_book(service, &anna, &[BO, CARL]).await;
    let never = bytes(service, &anna, &book).await;
    let bo = service.register(BO).await;
    let listed = bytes(service, &anna, &book).await;
    assert_ne!(listed, never);
    set_discoverable(service, &bo, false).await;
    assert_eq!(bytes(service, &anna, &book).await, never);
    set_discoverable(service, &bo, true).await;
    assert_eq!(bytes(service, &anna, &book).await, listed);
    service.delete("/v1/account", &bo.token).await.expect(204, "");
    assert_eq!(bytes(service, &anna, &book).await, never);
});

on_both_engines!(a_hidden_account_has_no_row_in_the_directory, |service| {
    let anna = service.register(ANNA).await;
    let (epoch, _) = service.epoch(&anna.token).await;
    assert_eq!(service.store().directory_size(epoch).await.unwrap(), 1);
    set_discoverable(service, &anna, false).await;
    assert_eq!(service.store().directory_size(epoch).await.unwrap(), 0);
});

on_both_engines!(a_hidden_account_finds_others, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    set_discoverable(service, &anna, false).await;
    assert_eq!(service.found(&anna.token, &[ANNA, BO]).await, [bo.account_id]);
});

on_both_engines!(registering_again_keeps_an_account_hidden_unless_it_asks_otherwise, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    set_discoverable(service, &bo, false).await;
    let again = service.register(BO).await;
    assert_eq!(again.account_id, bo.account_id);
    let account = service.get("/v1/account", &again.token).await.expect(200, "");
    assert_eq!(account.json["discoverable"], false);
    assert!(service.found(&anna.token, &[BO]).await.is_empty());
    let grant = service.grant(BO).await;
    service.person(BO, &service.redeem_with(&grant, json!({"discoverable": true})).await.expect(200, ""));
    assert_eq!(service.found(&anna.token, &[BO]).await, [bo.account_id]);
});

on_both_engines!(one_can_register_hidden_and_a_listed_account_can_hide_by_registering_again, |service| {
    let anna = service.register(ANNA).await;
    let hidden = json!({"discoverable": false});
    let grant = service.grant(BO).await;
    let bo = service.person(BO, &service.redeem_with(&grant, hidden.clone()).await.expect(201, ""));
    let account = service.get("/v1/account", &bo.token).await.expect(200, "");
    assert_eq!(account.json["discoverable"], false);
    assert!(service.found(&anna.token, &[BO]).await.is_empty());
    service.register(CARL).await;
    let grant = service.grant(CARL).await;
    service.person(CARL, &service.redeem_with(&grant, hidden).await.expect(200, ""));
    assert!(service.found(&anna.token, &[CARL]).await.is_empty());
});

on_both_engines!(a_change_that_says_nothing_changes_nothing, |service| {
    let anna = service.register(ANNA).await;
    let refused = service.patch("/v1/account", &anna.token, &json!({})).await.expect(400, "field_invalid");
    assert_eq!(refused.text("/field"), "discoverable");
    service
        .patch("/v1/account", &anna.token, &json!({"discoverable": "no"}))
        .await
        .expect(400, "field_invalid");
    assert_eq!(service.get("/v1/account", &anna.token).await.json["discoverable"], true);
});

on_both_engines!(an_erased_account_is_gone_at_once_with_all_its_devices, |service| {
    let anna = service.register(ANNA).await;
    let (phone, tablet) = (service.register(BO).await, service.register(BO).await);
    assert_eq!(service.found(&anna.token, &[BO]).await, [phone.account_id.as_str()]);
    let reply = service.delete("/v1/account", &phone.token).await.expect(204, "");
    assert!(reply.bytes.is_empty());
    for ended in [&phone, &tablet] {
        service.get("/v1/account", &ended.token).await.expect(401, "token_invalid");
        service.get("/v1/devices", &ended.token).await.expect(401, "token_invalid");
        service.delete("/v1/account", &ended.token).await.expect(401, "token_invalid");
    }
    assert!(service.found(&anna.token, &[BO]).await.is_empty());
    service.get("/v1/account", &anna.token).await.expect(200, "");
});

on_both_engines!(an_erased_number_can_register_as_a_new_account, |service| {
    let anna = service.register(ANNA).await;
    let before = service.register(BO).await;
    service.delete("/v1/account", &before.token).await.expect(204, "");
    let grant = service.grant(BO).await;
    let after = service.person(BO, &service.redeem(&grant).await.expect(201, ""));
    assert_ne!(after.account_id, before.account_id);
    assert_eq!(service.found(&anna.token, &[BO]).await, [after.account_id]);
    service.get("/v1/account", &before.token).await.expect(401, "token_invalid");
});

on_both_engines!(an_erased_account_leaves_no_approved_verification_and_no_grant, |service| {
    let bo = service.register(BO).await;
    let approved = service.attempt(BO).await;
    let code = service.code_of(&approved).await;
    let grant = service.check(&approved, &code).await.expect(200, "").text("/grant").to_owned();
    let id = VerificationId::parse(&approved.id).unwrap();
    assert!(service.store().verification(id).await.unwrap().is_some());
    service.delete("/v1/account", &bo.token).await.expect(204, "");
    assert!(service.store().verification(id).await.unwrap().is_none());
    assert!(service.store().deliveries(id).await.unwrap().is_empty());
    let path = format!("/v1/verifications/{}", approved.id);
    service.get(&path, &approved.secret).await.expect(404, "not_found");
    service.redeem(&grant).await.expect(410, "grant_expired");
});

on_both_engines!(an_erasure_tells_nothing_to_a_stranger_who_asked_for_a_code, |service| {
    let bo = service.register(BO).await;
    let stranger = service.attempt(BO).await;
    let code = service.code_of(&stranger).await;
    let path = format!("/v1/verifications/{}", stranger.id);
    let before = service.get(&path, &stranger.secret).await.expect(200, "");
    service.delete("/v1/account", &bo.token).await.expect(204, "");
    let after = service.get(&path, &stranger.secret).await.expect(200, "");
    assert_eq!(after.bytes, before.bytes);
    service.check(&stranger, &another(&code)).await.expect(422, "code_incorrect");
});

on_both_engines!(
    deleting_and_registering_again_refills_no_lookup_budget,
    |config| { config.discovery.lookup_budget = 3 },
    |service| {
        let anna = service.register(ANNA).await;
        service.lookup(&anna.token, &[ANNA, BO, CARL]).await.expect(200, "");
        service.lookup(&anna.token, &["+358401234564"]).await.expect(429, "lookup_budget_spent");
        service.delete("/v1/account", &anna.token).await.expect(204, "");
        let anna = service.register(ANNA).await;
        service.lookup(&anna.token, &["+358401234564"]).await.expect(429, "lookup_budget_spent");
    }
);
