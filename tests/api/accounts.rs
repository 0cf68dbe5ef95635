//! What a grant buys: an account, or one more device of it.

use crate::harness::{Person, TestService, on_both_engines};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tuttu::model::grant::Grant;
use tuttu::model::id::VerificationId;

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const DAY: u64 = 86_400;

async fn devices(service: &TestService, person: &Person) -> Vec<String> {
    let reply = service.get("/v1/devices", &person.token).await.expect(200, "");
    let devices = reply.json["devices"].as_array().unwrap();
    devices.iter().map(|device| device["device_id"].as_str().unwrap().to_owned()).collect()
}

on_both_engines!(a_new_number_gets_a_new_account, |service| {
    let grant = service.grant(ANNA).await;
    let reply = service.redeem(&grant).await.expect(201, "");
    assert_eq!(reply.json["created"], true);
    let anna = service.person(ANNA, &reply);
    service.get("/v1/account", &anna.token).await.expect(200, "");
    assert_ne!(anna.account_id, service.register(BO).await.account_id);
});

on_both_engines!(a_known_number_gets_one_more_device_and_the_old_one_still_works, |service| {
    let first = service.register(ANNA).await;
    let grant = service.grant(ANNA).await;
    let reply = service.redeem(&grant).await.expect(200, "");
    assert_eq!(reply.json["created"], false);
    let second = service.person(ANNA, &reply);
    assert_eq!(second.account_id, first.account_id);
    assert_ne!(second.device_id, first.device_id);
    for person in [&first, &second] {
        let account = service.get("/v1/account", &person.token).await.expect(200, "");
        assert_eq!(account.text("/account_id"), first.account_id);
    }
});

on_both_engines!(a_number_silent_for_46_days_starts_a_new_account_and_ends_the_old_one, |service| {
    let (phone, tablet) = (service.register(ANNA).await, service.register(ANNA).await);
    let bo = service.register(BO).await;
    assert_eq!(service.found(&bo.token, &[ANNA]).await, [phone.account_id.as_str()]);
    service.advance(46 * DAY);
    let grant = service.grant(ANNA).await;
    let reply = service.redeem(&grant).await.expect(201, "");
    assert_eq!(reply.json["created"], true);
    let heir = service.person(ANNA, &reply);
    assert_ne!(heir.account_id, phone.account_id);
    for ended in [&phone, &tablet] {
        service.get("/v1/account", &ended.token).await.expect(401, "token_invalid");
    }
    assert_eq!(devices(service, &heir).await, [heir.device_id.as_str()]);
    assert_eq!(service.found(&bo.token, &[ANNA]).await, [heir.account_id.as_str()]);
});

on_both_engines!(a_number_seen_within_45_days_continues_its_account, |service| {
    let before = service.register(ANNA).await;
    service.advance(45 * DAY);
    let after = service.register(ANNA).await;
    assert_eq!(after.account_id, before.account_id);
    service.get("/v1/account", &before.token).await.expect(200, "");
});

on_both_engines!(one_device_that_is_seen_keeps_the_account_of_all, |service| {
    let (phone, tablet) = (service.register(ANNA).await, service.register(ANNA).await);
    service.advance(30 * DAY);
    service.get("/v1/account", &tablet.token).await.expect(200, "");
    service.advance(30 * DAY);
    assert_eq!(service.register(ANNA).await.account_id, phone.account_id);
});

on_both_engines!(a_forged_or_altered_grant_is_refused_and_costs_nothing, |service| {
    let grant = service.grant(ANNA).await;
    let mut forged = vec![String::new(), "x".to_owned(), "A".repeat(64), "•".repeat(64), format!("{grant}A")];
    for place in [0, 20, 22, 40, 63] {
        let other = if &grant[place..=place] == "A" { "B" } else { "A" };
        forged.push(format!("{}{other}{}", &grant[..place], &grant[place + 1..]));
    }
    forged.push(grant[..60].to_owned());
    for grant in forged {
        service.redeem(&grant).await.expect(400, "grant_invalid");
    }
    service.person(ANNA, &service.redeem(&grant).await.expect(201, ""));
});

on_both_engines!(a_grant_is_good_for_ten_minutes, |service| {
    let (late, early) = (service.grant(ANNA).await, service.grant(BO).await);
    service.advance(599);
    service.redeem(&early).await.expect(201, "");
    service.advance(1);
    service.redeem(&late).await.expect(410, "grant_expired");
    service.register(ANNA).await;
});

on_both_engines!(a_spent_grant_buys_nothing_more, |service| {
    let grant = service.grant(ANNA).await;
    let anna = service.person(ANNA, &service.redeem(&grant).await.expect(201, ""));
    service.redeem(&grant).await.expect(409, "grant_used");
    assert_eq!(devices(service, &anna).await.len(), 1);
    service.advance(600);
    service.redeem(&grant).await.expect(409, "grant_used");
});

on_both_engines!(a_verification_that_was_not_approved_has_no_grant, |service| {
    let attempt = service.attempt(ANNA).await;
    let id = VerificationId::parse(&attempt.id).unwrap();
    let guessed = URL_SAFE_NO_PAD.encode([id.as_bytes().as_slice(), &[0; 32]].concat());
    service.redeem(&guessed).await.expect(400, "grant_invalid");
    let genuine = Grant::derive(&service.keys().await.code().in_use(), id).expose();
    service.redeem(&genuine).await.expect(410, "grant_expired");
});

on_both_engines!(a_device_name_that_does_not_fit_spends_no_grant, |service| {
    let grant = service.grant(ANNA).await;
    for name in [String::new(), "   ".to_owned(), "ä".repeat(101)] {
        let device = json!({"device": {"name": name, "platform": "ios"}});
        let refused = service.redeem_with(&grant, device).await.expect(400, "field_invalid");
        assert_eq!(refused.text("/field"), "device.name");
    }
    for (device, field) in [
        (json!({"platform": "ios"}), "device.name"),
        (json!({"name": "Phone"}), "device.platform"),
        (json!({"name": "Phone", "platform": "toaster"}), "device.platform"),
    ] {
        let refused = service.redeem_with(&grant, json!({"device": device})).await;
        assert_eq!(refused.expect(400, "field_invalid").text("/field"), field);
    }
    let device = json!({"device": {"name": format!(" {} ", "ä".repeat(100)), "platform": "ios"}});
    let anna = service.person(ANNA, &service.redeem_with(&grant, device).await.expect(201, ""));
    let listed = service.get("/v1/devices", &anna.token).await;
    assert_eq!(listed.text("/devices/0/name"), "ä".repeat(100));
});

on_both_engines!(a_seventh_device_ends_the_one_not_seen_for_longest, |service| {
    let mut people = Vec::new();
    for _ in 0..6 {
        people.push(service.register(ANNA).await);
        service.advance(DAY);
    }
    service.get("/v1/account", &people[0].token).await.expect(200, "");
    let seventh = service.register(ANNA).await;
    assert_eq!(seventh.account_id, people[0].account_id);
    service.get("/v1/account", &people[1].token).await.expect(401, "token_invalid");
    let left = devices(service, &seventh).await;
    assert_eq!(left.len(), 6);
    for kept in people.iter().filter(|person| person.device_id != people[1].device_id).chain([&seventh]) {
        assert!(left.contains(&kept.device_id));
        service.get("/v1/account", &kept.token).await.expect(200, "");
    }
});

on_both_engines!(an_account_shows_its_number_masked, |service| {
    let anna = service.register(ANNA).await;
    let reply = service.get("/v1/account", &anna.token).await.expect(200, "");
    let expected = json!({
        "account_id": anna.account_id,
        "phone_number": "+358 ••••••• 61",
        "discoverable": true,
        "created_at": "2026-11-22T12:00:00Z",
    });
    assert_eq!(reply.json, expected);
});

on_both_engines!(without_a_token_there_is_no_account, |service| {
    service.register(ANNA).await;
    service.get("/v1/account", "").await.expect(401, "token_invalid");
    service.patch("/v1/account", "", &json!({"discoverable": false})).await.expect(401, "token_invalid");
    service.delete("/v1/account", "").await.expect(401, "token_invalid");
});
