use super::silent_about;
use crate::harness::{Reply, TestService, on_both_engines};
use serde_json::{Value, json};
use tuttu::config::{Gateway, GatewayKind, Hidden};

const ANNA: &str = "+358401234561";

async fn start(service: &TestService, body: Value) -> Reply {
    let reply = service.post("/v1/verifications", "", &body).await;
    if let Some(secret) = reply.json["secret"].as_str() {
        service.keep_secret(secret);
    }
    reply
}

/// Starts a number by SMS that must not be repeated in the refusal.
async fn refuse(service: &TestService, number: &str, code: &str) -> Reply {
    let reply = start(service, json!({"phone_number": number, "channel": "sms"})).await.expect(422, code);
    silent_about(&reply, number);
    silent_about(&reply, number.trim_start_matches('+'));
    reply
}

on_both_engines!(what_is_no_number_is_refused_with_its_reason, |service| {
    for (number, reason) in [
        ("", "not_a_number"),
        ("call me", "not_a_number"),
        ("+358 CALL", "too_short"),
        ("\0", "not_a_number"),
        ("+358401234561;phone-context=+1", "not_a_number"),
        ("+3584", "too_short"),
        ("+35840123456789012", "too_long"),
        (&"0".repeat(65), "too_long"),
        ("+999401234561", "unknown_country"),
        ("040 123 4561", "region_needed"),
        ("+12005550100", "unassigned"),
        ("+358401234561;ext=12", "has_extension"),
    ] {
        let refused = refuse(service, number, "number_invalid").await;
        assert_eq!(refused.text("/reason"), reason, "{number}");
    }
});

on_both_engines!(a_region_that_is_none_is_refused, |service| {
    for region in ["XX", "FIN", "F", "", "🇫🇮", "\0\0"] {
        let body = json!({"phone_number": "040 123 4561", "region": region, "channel": "sms"});
        let refused = start(service, body).await.expect(400, "field_invalid");
        assert_eq!(refused.text("/field"), "region");
    }
    let body = json!({"phone_number": "040 123 4561", "region": "fi", "channel": "sms"});
    start(service, body).await.expect(201, "");
});

on_both_engines!(numbers_that_cost_their_callers_get_no_code_by_any_channel, |service| {
    for number in [
        "+358600123456",   // premium rate
        "+358800123456",   // toll free
        "+35810112345",    // one number for a company
        "+4918012345",     // shared cost
        "+447012345678",   // personal
        "+447640123456",   // pager
        "+49177991234567", // voicemail
        "+881612345678",   // satellite
    ] {
        refuse(service, number, "number_type_not_allowed").await;
        let call = start(service, json!({"phone_number": number, "channel": "voice"})).await;
        call.expect(422, "number_type_not_allowed");
    }
});

on_both_engines!(a_landline_hears_its_code, |service| {
    let refused = refuse(service, "+358131234567", "number_type_not_allowed").await;
    assert!(refused.text("/detail").contains("voice"));
    let call = start(service, json!({"phone_number": "+358131234567", "channel": "voice"})).await;
    assert_eq!(call.expect(201, "").text("/deliveries/0/channel"), "voice");
    let call = start(service, json!({"phone_number": ANNA, "channel": "voice"})).await;
    assert_eq!(
        call.expect(400, "field_invalid").text("/field"),
        "channel",
        "a call comes after a text message"
    );
});

on_both_engines!(
    a_refused_start_counts_for_nothing,
    |config| {
        config.limits.sends_per_number = 1;
        config.limits.countries.deny = vec!["SE".to_owned()];
    },
    |service| {
        for _ in 0..3 {
            for body in [
                json!({"phone_number": ANNA, "channel": "pigeon"}),
                json!({"phone_number": ANNA, "channel": "sms", "app_hash": "FA+9qCX9VSu"}),
                json!({"phone_number": ANNA, "channel": "sms", "locale": "no language"}),
            ] {
                assert!([400, 422].contains(&start(service, body).await.status));
            }
        }
        start(service, json!({"phone_number": ANNA, "channel": "sms"})).await.expect(201, "");
    }
);

on_both_engines!(
    a_denied_country_gets_no_code,
    |config| { config.limits.countries.deny = vec!["fi".to_owned()] },
    |service| {
        let refused = start(service, json!({"phone_number": ANNA, "channel": "sms"})).await;
        let refused = refused.expect(403, "destination_not_allowed");
        assert_eq!(refused.text("/limit"), "countries");
        silent_about(&refused, &ANNA[1..]);
        start(service, json!({"phone_number": "+46701234567", "channel": "sms"})).await.expect(201, "");
    }
);

on_both_engines!(
    where_countries_are_named_no_other_gets_a_code,
    |config| {
        config.limits.countries.allow = vec!["FI".to_owned(), "EE".to_owned()];
        config.limits.countries.deny = vec!["EE".to_owned()];
        config.limits.countries.monitor = vec!["NO".to_owned()];
    },
    |service| {
        for (number, status) in [
            (ANNA, 201),
            ("+4740612345", 201),
            ("+46701234567", 403),
            ("+37251234567", 403),
            ("+12015550123", 403),
        ] {
            let reply = start(service, json!({"phone_number": number, "channel": "sms"})).await;
            assert_eq!(reply.status, status, "{number}: {reply:?}");
        }
    }
);

on_both_engines!(
    a_paid_gateway_sends_nowhere_until_countries_are_named,
    |config| {
        config.sms.gateways = vec![Gateway {
            name: "paid".to_owned(),
            kind: GatewayKind::Twilio,
            base_url: Some("http://127.0.0.1:9".to_owned()),
            account_sid: Some("AC00".to_owned()),
            auth_token: Some(Hidden::new("token")),
            from: Some("+12015550123".to_owned()),
            ..Gateway::default()
        }];
    },
    |service| {
        let refused = start(service, json!({"phone_number": ANNA, "channel": "sms"})).await;
        refused.expect(403, "destination_not_allowed");
        service.config.limits.countries.allow = vec!["FI".to_owned()];
        service.restart().await;
        let refused = start(service, json!({"phone_number": ANNA, "channel": "voice"})).await;
        assert_eq!(refused.expect(400, "field_invalid").text("/field"), "channel");
        let started = start(service, json!({"phone_number": ANNA, "channel": "sms"})).await.expect(201, "");
        assert_eq!(started.json["channels"].as_array().unwrap().len(), 1);
    }
);

on_both_engines!(an_app_or_page_that_is_not_configured_gets_no_code, |service| {
    for member in ["app_hash", "web_origin"] {
        for value in ["FA+9qCX9VSu", "example.com", "", "\0"] {
            let body = json!({"phone_number": ANNA, "channel": "sms", member: value});
            silent_about(&start(service, body).await.expect(422, "origin_not_allowed"), value);
        }
    }
    service.attempt(ANNA).await;
});

on_both_engines!(
    a_configured_app_or_page_reads_its_code_from_the_last_line,
    |config| {
        config.verification.app_hashes = vec!["FA+9qCX9VSu".to_owned()];
        config.verification.web_origins = vec!["example.com".to_owned()];
    },
    |service| {
        for (number, member, value) in
            [(ANNA, "app_hash", "FA+9qCX9VSu"), ("+358401234562", "web_origin", "example.com")]
        {
            service.keep_secret(number);
            start(service, json!({"phone_number": number, "channel": "sms", member: value}))
                .await
                .expect(201, "");
            let code = service.code(number, 1).await;
            let text = service.texts(number).await.pop().unwrap();
            let last = if member == "app_hash" { value.to_owned() } else { format!("@{value} #{code}") };
            assert!(text.ends_with(&format!("\n\n{last}")), "{text}");
            assert!(text.len() <= 140);
        }
        let other = json!({"phone_number": "+358401234563", "channel": "sms", "web_origin": "example.org"});
        start(service, other).await.expect(422, "origin_not_allowed");
    }
);

on_both_engines!(a_locale_is_a_language_tag, |service| {
    for locale in ["fi\0", "fi fi", "ääni", "+358401234561", &"a".repeat(36)] {
        let body = json!({"phone_number": ANNA, "channel": "sms", "locale": locale});
        let refused = start(service, body).await.expect(400, "field_invalid");
        assert_eq!(refused.text("/field"), "locale");
        silent_about(&refused, locale);
    }
    start(service, json!({"phone_number": ANNA, "channel": "sms", "locale": "zh-Hant-TW"}))
        .await
        .expect(201, "");
});
