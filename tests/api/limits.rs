//! Limits on sending as a client meets them: each names itself, says when to come back, and keeps its word.

use crate::harness::{Attempt, Reply, TestService, on_both_engines, proof};
use serde_json::json;
use tuttu::config::{GuardMode, Hidden, TestNumbers};
use tuttu::store::SendingPause;

const ANNA: &str = "+358401234561";

/// The last digits of numbers of one block, which holds eight sends.
fn block(last: u8) -> String {
    format!("+3584012345{last:02}")
}

/// Takes all that the block of these numbers holds.
async fn empty_the_block(service: &TestService) {
    for last in 10..18 {
        service.attempt(&block(last)).await;
    }
}

async fn send(service: &TestService, attempt: &Attempt) -> Reply {
    let path = format!("/v1/verifications/{}/codes", attempt.id);
    service.post(&path, &attempt.secret, &json!({"channel": "sms"})).await
}

on_both_engines!(a_block_that_nobody_enters_codes_of_asks_for_a_proof_of_work, |service| {
    empty_the_block(service).await;
    let due = service.ask(&block(20)).await.expect(428, "challenge_required");
    assert_eq!(due.text("/limit"), "guard_number_block");
    assert_eq!(due.text("/verification/phone_number"), block(20));
    assert_eq!(due.json["verification"]["deliveries"], json!([]));
    let attempt = Attempt::of_challenge(service, &due, &block(20));
    let refused = service.check(&attempt, "123456").await.expect(428, "challenge_required");
    assert_eq!(refused.json["verification"]["code"]["checks_left"], 5, "there is nothing to be guessed yet");
    let solution = proof(&due.json["verification"]);
    let sent = service.solve(&attempt, "altcha", &solution).await.expect(200, "");
    assert_eq!(sent.json["challenges"], json!([]));
    assert_eq!(sent.text("/deliveries/0/channel"), "sms");
    let code = service.code_of(&attempt).await;
    service.check(&attempt, &code).await.expect(200, "");
});

on_both_engines!(a_solution_is_good_once_and_for_its_own_verification, |service| {
    empty_the_block(service).await;
    let (first, second) = (service.ask(&block(20)).await, service.ask(&block(21)).await);
    let (one, other) = (
        Attempt::of_challenge(service, &first, &block(20)),
        Attempt::of_challenge(service, &second, &block(21)),
    );
    let solution = proof(&first.json["verification"]);
    service.solve(&other, "altcha", &solution).await.expect(422, "challenge_incorrect");
    for nonsense in ["", "e30=", "nonsense"] {
        service.solve(&one, "altcha", nonsense).await.expect(422, "challenge_incorrect");
    }
    service.solve(&one, "turnstile", &solution).await.expect(422, "challenge_incorrect");
    let both = futures_util::future::join_all((0..8).map(|_| service.solve(&one, "altcha", &solution))).await;
    assert_eq!(both.iter().filter(|reply| reply.status == 200).count(), 1);
    assert!(both.iter().all(|reply| reply.status == 200 || reply.json["code"] == "challenge_closed"));
    service.code_of(&one).await;
    service.text_of(&one).await;
    assert_eq!(service.texts(&block(20)).await.len(), 1);
});

on_both_engines!(approved_codes_keep_a_block_open, |service| {
    for last in 10..30 {
        service.register(&block(last)).await;
    }
});

on_both_engines!(an_empty_second_lane_pauses_the_block_and_waiting_exactly_so_long_works, |service| {
    empty_the_block(service).await;
    for last in 20..24 {
        service.attempt_by_proof(&block(last)).await;
    }
    let paused = service.ask(&block(30)).await.expect(429, "destination_paused");
    assert_eq!(paused.text("/limit"), "guard_number_block");
    assert_eq!(paused.json.get("verification"), None);
    assert_eq!(paused.retry_after(), 1_800, "the trickle of the first lane is two an hour");
    service.advance(paused.retry_after() - 1);
    service.ask(&block(30)).await.expect(429, "destination_paused");
    service.advance(1);
    service.attempt(&block(30)).await;
});

on_both_engines!(after_six_sends_a_number_has_six_more_behind_challenges, |service| {
    for _ in 0..6 {
        service.attempt(ANNA).await;
        service.advance(600);
    }
    let due = service.ask(ANNA).await.expect(428, "challenge_required");
    assert_eq!(due.text("/limit"), "sends_per_number");
    for _ in 0..6 {
        service.attempt_by_proof(ANNA).await;
        service.advance(3_600);
    }
    let refused = service.ask(ANNA).await.expect(429, "sends_exhausted");
    assert_eq!(refused.text("/limit"), "sends_per_number");
    service.advance(refused.retry_after() - 1);
    service.ask(ANNA).await.expect(429, "sends_exhausted");
    service.advance(1);
    service.attempt(ANNA).await;
});

on_both_engines!(a_signed_in_device_is_not_shut_out_by_strangers, |service| {
    let anna = service.register(ANNA).await;
    for _ in 0..5 {
        service.attempt(ANNA).await;
        service.advance(600);
    }
    service.ask(ANNA).await.expect(428, "challenge_required");
    let body = json!({"phone_number": ANNA, "channel": "sms"});
    service.post("/v1/verifications", &anna.token, &body).await.expect(201, "");
    let other = json!({"phone_number": "+358401234562", "channel": "sms"});
    service.post("/v1/verifications", &anna.token, &other).await.expect(201, "");
    service.post("/v1/verifications", "nonsense", &other).await.expect(401, "token_invalid");
    service.post("/v1/verifications", &anna.token, &other).await.expect(429, "resend_too_early");
});

on_both_engines!(
    after_fifty_wrong_checks_the_next_code_has_eight_digits,
    |config| {
        config.limits.never_block = vec![ANNA.to_owned()];
        config.limits.sends_per_number = 20;
    },
    |service| {
        for round in 0..10 {
            let attempt = service.attempt(ANNA).await;
            let wrong = crate::harness::another(&service.code_of(&attempt).await);
            for _ in 0..4 {
                service.check(&attempt, &wrong).await.expect(422, "code_incorrect");
            }
            if round == 0 {
                service.advance(30);
                send(service, &attempt).await.expect(200, "");
            }
            service.check(&attempt, &wrong).await.expect(422, "code_incorrect");
            service.check(&attempt, &wrong).await.expect(429, "checks_exhausted");
            service.advance(600);
        }
        service.restart().await;
        let reply = service.ask(ANNA).await.expect(201, "");
        assert_eq!(reply.json["code"], json!({"length": 8, "checks_left": 5}));
        let attempt = Attempt {
            id: reply.text("/id").into(),
            secret: reply.text("/secret").into(),
            number: ANNA.into(),
        };
        service.check(&attempt, "123456").await.expect(400, "field_invalid");
        let code = service.code_of(&attempt).await;
        assert_eq!(code.len(), 8);
        service.check(&attempt, &code).await.expect(200, "");
        service.advance(86_400);
        assert_eq!(service.ask(ANNA).await.expect(201, "").json["code"]["length"], 6, "a success clears it");
    }
);

on_both_engines!(
    when_codes_are_guessed_all_over_every_code_is_longer_and_behind_a_challenge,
    |config| {
        config.limits.wrong_checks_per_day = 4;
    },
    |service| {
        let guessed = service.attempt("+358501234567").await;
        let wrong = crate::harness::another(&service.code_of(&guessed).await);
        for _ in 0..5 {
            service.check(&guessed, &wrong).await.expect(422, "code_incorrect");
        }
        let due = service.ask(ANNA).await.expect(428, "challenge_required");
        assert_eq!(due.text("/limit"), "guessing");
        assert_eq!(due.json["verification"]["code"]["length"], 8);
        let attempt = Attempt::of_challenge(service, &due, ANNA);
        let again = send(service, &attempt).await.expect(428, "challenge_required");
        assert_eq!(again.text("/limit"), "guessing", "asking again is no way around it");
        service.solve(&attempt, "altcha", &proof(&again.json["verification"])).await.expect(200, "");
        assert_eq!(service.code_of(&attempt).await.len(), 8);
    }
);

on_both_engines!(
    test_numbers_have_a_fixed_code_no_message_and_a_quota_of_their_own,
    |config| {
        let (prefix, code) = ("+447700900".to_owned(), Hidden::new("314159"));
        config.verification.test_numbers = vec![TestNumbers { prefix, code, per_hour: 8 }];
        config.limits.countries.allow = vec!["FI".to_owned()];
    },
    |service| {
        let number = "+447700900123";
        for _ in 0..8 {
            let attempt = service.attempt(number).await;
            service.check(&attempt, "271828").await.expect(422, "code_incorrect");
            service.check(&attempt, "314159").await.expect(200, "");
        }
        let refused = service.ask(number).await.expect(429, "destination_paused");
        assert_eq!(refused.text("/limit"), "test_numbers");
        service.advance(refused.retry_after());
        let attempt = service.attempt(number).await;
        let state = service.get(&format!("/v1/verifications/{}", attempt.id), &attempt.secret).await;
        assert_eq!(state.text("/deliveries/0/status"), "delivered");
        service.ask("+447400123456").await.expect(403, "destination_not_allowed");
    }
);

on_both_engines!(
    a_days_money_is_not_overspent,
    |config| {
        config.limits.money.prices = [("default".to_owned(), 0.5), ("SE".to_owned(), 0.1)].into();
        config.limits.money.countries = [("FI".to_owned(), 1.0)].into();
    },
    |service| {
        service.attempt(ANNA).await;
        let refused = service.ask("+358501234567").await.expect(429, "destination_paused");
        assert_eq!(refused.text("/limit"), "money_per_country");
        assert_eq!(refused.retry_after(), 43_200, "until midnight, UTC");
        service.attempt("+46701740605").await;
        service.advance(refused.retry_after());
        service.attempt("+358501234567").await;
    }
);

on_both_engines!(while_the_operator_has_stopped_sending_nothing_is_sent, |service| {
    let pause = SendingPause { reason: "incident".to_owned(), at: service.clock.now() };
    let attempt = service.attempt("+358501234567").await;
    service.text_of(&attempt).await;
    service.store().pause_sending(&pause).await.unwrap();
    let refused = service.ask(ANNA).await.expect(503, "unavailable");
    assert_eq!((refused.text("/limit"), refused.retry_after()), ("kill_switch", 300));
    service.advance(30);
    send(service, &attempt).await.expect(503, "unavailable");
    service.store().resume_sending(service.now()).await.unwrap();
    service.attempt(ANNA).await;
});

on_both_engines!(
    in_monitor_mode_the_guard_stops_nobody,
    |config| {
        config.limits.guard.mode = GuardMode::Monitor;
    },
    |service| {
        empty_the_block(service).await;
        service.attempt(&block(20)).await;
        let (_, metrics) = service.ops("/metrics").await;
        assert!(
            metrics.contains(r#"decision="monitored",reason="guard_number_block",country="FI""#),
            "{metrics}"
        );
    }
);

on_both_engines!(
    kinds_of_numbers_can_be_denied,
    |config| {
        config.limits.number_types.deny = vec!["voip".to_owned()];
    },
    |service| {
        service.ask("+445612345678").await.expect(422, "number_type_not_allowed");
        service.attempt(ANNA).await;
    }
);
