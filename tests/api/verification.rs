//! A code is sent, sent again, guessed, found right.

use crate::harness::{Attempt, TestService, on_both_engines};
use serde_json::json;

const ANNA: &str = "+358401234561";

async fn again(service: &TestService, attempt: &Attempt) -> crate::harness::Reply {
    let path = format!("/v1/verifications/{}/codes", attempt.id);
    service.post(&path, &attempt.secret, &json!({"channel": "sms"})).await
}

/// So many checks at the same time, each with its status and code.
async fn at_once(service: &TestService, attempt: &Attempt, code: &str, times: usize) -> Vec<(u16, String)> {
    let checks = (0..times).map(|_| service.check(attempt, code));
    let replies = futures_util::future::join_all(checks).await;
    replies.iter().map(|r| (r.status, r.json["code"].as_str().unwrap_or_default().to_owned())).collect()
}

on_both_engines!(a_start_shows_the_whole_number_and_what_comes_next, |service| {
    let reply = service.ask(ANNA).await.expect(201, "");
    assert_eq!(reply.text("/phone_number"), ANNA);
    assert_eq!(reply.text("/status"), "pending");
    assert_eq!(reply.text("/secret").len(), 43);
    assert_eq!(reply.json["code"], json!({"length": 6, "checks_left": 5}));
    assert_eq!(reply.json["challenges"], json!([]));
    assert_eq!(reply.text("/expires_at"), "2026-11-22T12:10:00Z");
    assert_eq!(reply.text("/channels/0/channel"), "sms");
    assert_eq!(reply.text("/channels/0/not_before"), "2026-11-22T12:00:30Z");
    assert_eq!(reply.text("/deliveries/0/channel"), "sms");
    service.keep_secret(reply.text("/secret"));
});

on_both_engines!(later_answers_mask_the_number_and_show_no_secret, |service| {
    let attempt = service.attempt(ANNA).await;
    service.code_of(&attempt).await;
    let reply =
        service.get(&format!("/v1/verifications/{}", attempt.id), &attempt.secret).await.expect(200, "");
    assert_eq!(reply.text("/phone_number"), "+358 ••••••• 61");
    assert_eq!(reply.json.get("secret"), None);
    assert_eq!(reply.text("/deliveries/0/status"), "sent");
});

on_both_engines!(a_national_form_is_read_in_its_region, |service| {
    let body = json!({"phone_number": "040 123 4561", "region": "FI", "channel": "sms"});
    let reply = service.post("/v1/verifications", "", &body).await.expect(201, "");
    assert_eq!(reply.text("/phone_number"), ANNA);
    service.keep_secret(ANNA);
});

on_both_engines!(without_its_secret_a_verification_is_not_there, |service| {
    let attempt = service.attempt(ANNA).await;
    let path = format!("/v1/verifications/{}", attempt.id);
    service.get(&path, "").await.expect(404, "not_found");
    service.get(&path, &"A".repeat(43)).await.expect(404, "not_found");
    service.get(&path, "nonsense").await.expect(404, "not_found");
    let code = service.code(ANNA, 1).await;
    let stranger = Attempt { secret: "A".repeat(43), ..attempt.clone() };
    service.check(&stranger, &code).await.expect(404, "not_found");
    let unknown = "/v1/verifications/3f0e9f1c-6c0e-4c55-9d1e-0e6c3f5a7b11";
    service.get(unknown, &attempt.secret).await.expect(404, "not_found");
    service.check(&attempt, &code).await.expect(200, "");
});

on_both_engines!(a_wrong_code_costs_a_check_and_a_malformed_one_does_not, |service| {
    let attempt = service.attempt(ANNA).await;
    let wrong = service.wrong_code(ANNA).await;
    let reply = service.check(&attempt, &wrong).await.expect(422, "code_incorrect");
    assert_eq!(reply.json["verification"]["code"]["checks_left"], 4);
    for malformed in ["12345", "1234567", "12345a", "", "١٢٣٤٥٦"] {
        let reply = service.check(&attempt, malformed).await.expect(400, "field_invalid");
        assert_eq!(reply.text("/field"), "code");
        assert_eq!(reply.json["verification"]["code"]["checks_left"], 4);
    }
});

on_both_engines!(the_sixth_guess_is_refused_even_when_right, |service| {
    let attempt = service.attempt(ANNA).await;
    let (right, wrong) = (service.code(ANNA, 1).await, service.wrong_code(ANNA).await);
    for left in (0..5).rev() {
        let reply = service.check(&attempt, &wrong).await.expect(422, "code_incorrect");
        assert_eq!(reply.json["verification"]["code"]["checks_left"], left);
    }
    let reply = service.check(&attempt, &right).await.expect(429, "checks_exhausted");
    assert_eq!(reply.json["verification"]["status"], "exhausted");
    assert_eq!(reply.header("retry-after"), "");
});

on_both_engines!(of_64_wrong_checks_at_once_exactly_five_are_evaluated, |service| {
    let attempt = service.attempt(ANNA).await;
    let wrong = service.wrong_code(ANNA).await;
    let replies = at_once(service, &attempt, &wrong, 64).await;
    let evaluated = replies.iter().filter(|(_, code)| code == "code_incorrect").count();
    let refused = replies.iter().filter(|(_, code)| code == "checks_exhausted").count();
    assert_eq!((evaluated, refused), (5, 59));
});

on_both_engines!(of_64_right_checks_at_once_all_that_are_granted_hold_one_grant_for_one_account, |service| {
    let attempt = service.attempt(ANNA).await;
    let code = service.code(ANNA, 1).await;
    let checks = (0..64).map(|_| service.check(&attempt, &code));
    let replies = futures_util::future::join_all(checks).await;
    let grants: Vec<&str> = replies.iter().filter(|r| r.status == 200).map(|r| r.text("/grant")).collect();
    assert_eq!(grants.len(), 4, "one approval and three repeats");
    assert!(grants.iter().all(|grant| *grant == grants[0]));
    let over = replies.iter().filter(|r| r.status == 410 && r.json["code"] == "verification_over").count();
    assert_eq!(over, 60);
    let redeemed = futures_util::future::join_all((0..16).map(|_| service.redeem(grants[0]))).await;
    let created: Vec<_> = redeemed.iter().filter(|r| r.status == 201).collect();
    assert_eq!(created.len(), 1);
    assert!(redeemed.iter().filter(|r| r.status != 201).all(|r| r.json["code"] == "grant_used"));
    service.person(ANNA, created[0]);
});

on_both_engines!(the_right_code_repeated_after_a_lost_answer_gives_the_same_grant_three_times, |service| {
    let attempt = service.attempt(ANNA).await;
    let code = service.code(ANNA, 1).await;
    let first = service.check(&attempt, &code).await.expect(200, "").text("/grant").to_owned();
    for _ in 0..3 {
        assert_eq!(service.check(&attempt, &code).await.expect(200, "").text("/grant"), first);
    }
    service.check(&attempt, &code).await.expect(410, "verification_over");
});

on_both_engines!(a_wrong_code_after_the_approval_ends_the_repeats, |service| {
    let attempt = service.attempt(ANNA).await;
    let (code, wrong) = (service.code(ANNA, 1).await, service.wrong_code(ANNA).await);
    let grant = service.check(&attempt, &code).await.expect(200, "").text("/grant").to_owned();
    service.check(&attempt, &wrong).await.expect(422, "code_incorrect");
    service.check(&attempt, &code).await.expect(410, "verification_over");
    service.redeem(&grant).await.expect(201, "");
});

on_both_engines!(once_the_grant_is_spent_the_code_is_over, |service| {
    let attempt = service.attempt(ANNA).await;
    let code = service.code(ANNA, 1).await;
    let grant = service.check(&attempt, &code).await.expect(200, "").text("/grant").to_owned();
    service.redeem(&grant).await.expect(201, "");
    service.check(&attempt, &code).await.expect(410, "verification_over");
});

on_both_engines!(a_code_ends_after_ten_minutes, |service| {
    let attempt = service.attempt(ANNA).await;
    let code = service.code(ANNA, 1).await;
    service.advance(600);
    let reply = service.check(&attempt, &code).await.expect(410, "verification_over");
    assert_eq!(reply.json["verification"]["status"], "expired");
});

on_both_engines!(a_code_is_good_to_its_last_second_though_not_worth_sending_again, |service| {
    let attempt = service.attempt(ANNA).await;
    let code = service.code(ANNA, 1).await;
    service.advance(481);
    again(service, &attempt).await.expect(410, "start_again");
    service.advance(118);
    service.check(&attempt, &code).await.expect(200, "");
});

on_both_engines!(a_resend_repeats_the_same_code_and_waiting_exactly_retry_after_works, |service| {
    let attempt = service.attempt(ANNA).await;
    let code = service.code(ANNA, 1).await;
    for wait in [30, 60, 120] {
        let refused = again(service, &attempt).await.expect(429, "resend_too_early");
        assert_eq!(refused.retry_after(), wait);
        assert_eq!(refused.text("/limit"), "resend_wait");
        service.advance(wait - 1);
        again(service, &attempt).await.expect(429, "resend_too_early");
        service.advance(1);
        let sent = again(service, &attempt).await.expect(200, "");
        assert_eq!(sent.text("/expires_at"), "2026-11-22T12:10:00Z");
    }
    assert_eq!(service.code(ANNA, 4).await, code);
});

on_both_engines!(a_start_within_the_numbers_wait_creates_nothing, |service| {
    service.attempt(ANNA).await;
    let refused = service.ask(ANNA).await.expect(429, "resend_too_early");
    assert_eq!(refused.json.get("verification"), None);
    service.advance(refused.retry_after());
    service.attempt(ANNA).await;
});

on_both_engines!(an_approval_resets_the_waits, |service| {
    service.register(ANNA).await;
    service.attempt(ANNA).await;
});

on_both_engines!(of_many_starts_at_once_one_is_sent, |service| {
    let starts = futures_util::future::join_all((0..16).map(|_| service.ask(ANNA))).await;
    assert_eq!(starts.iter().filter(|reply| reply.status == 201).count(), 1);
});

on_both_engines!(an_end_for_one_number_is_none_for_another, |service| {
    service.attempt(ANNA).await;
    service.attempt("+358401234562").await;
});

on_both_engines!(known_and_unknown_numbers_are_answered_alike, |service| {
    service.register(ANNA).await;
    let (known, unknown) = (service.ask(ANNA).await, service.ask("+358401234562").await);
    let shape = |reply: &crate::harness::Reply| {
        let mut json = reply.json.clone();
        for changing in ["id", "secret", "phone_number"] {
            json[changing] = json!("");
        }
        (reply.status, json)
    };
    assert_eq!(shape(&known), shape(&unknown));
    assert_eq!(known.bytes.len(), unknown.bytes.len());
});
