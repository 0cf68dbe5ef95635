//! What a Twilio gateway reports and what its calls ask, signed as Twilio signs.

mod signed;

use crate::harness::{Attempt, Reply, TestService, on_both_engines};
use reqwest::Method;
use ring::digest;
use serde_json::{Value, json};
use signed::{code_read, signature};
use tuttu::config::{Config, Gateway, GatewayKind, Hidden};
use tuttu::model::id::{DeliveryId, VerificationId};

const ANNA: &str = "+358401234561";
const LANDLINE: &str = "+358131234567";
const TOKEN: &str = "0123456789abcdef-the-secret";
const PUBLIC: &str = "https://tuttu.example:8443/proof";

/// One gateway, to which nothing gets through: so its reports come before any answer of it.
fn paid(config: &mut Config) {
    config.sms.gateways = vec![Gateway {
        name: "paid".to_owned(),
        kind: GatewayKind::Twilio,
        base_url: Some("http://127.0.0.1:1".to_owned()),
        account_sid: Some("AC1".to_owned()),
        auth_token: Some(Hidden::new(TOKEN)),
        from: Some("+358501112222".to_owned()),
        ..Gateway::default()
    }];
    config.server.public_url = Some(PUBLIC.to_owned());
    config.limits.countries.allow = vec!["FI".to_owned()];
}

/// The newest delivery of a verification.
async fn delivery(service: &TestService, attempt: &Attempt) -> DeliveryId {
    let id = VerificationId::parse(&attempt.id).unwrap();
    service.store().deliveries(id).await.unwrap().last().unwrap().id
}

async fn post(service: &TestService, path: &str, fields: &[(&str, &str)], signature: &str) -> Reply {
    let request = service.request(Method::POST, path, "").header("x-twilio-signature", signature);
    Reply::read(request.form(fields).send().await.unwrap()).await
}

/// A callback that Twilio has signed.
async fn call_back(service: &TestService, path: &str, fields: &[(&str, &str)]) -> Reply {
    post(service, path, fields, &signature(TOKEN, &format!("{PUBLIC}{path}"), fields)).await
}

async fn report(service: &TestService, id: DeliveryId, fields: &[(&str, &str)]) {
    call_back(service, &format!("/callbacks/paid/{id}"), fields).await.expect(204, "");
}

async fn state(service: &TestService, attempt: &Attempt) -> Value {
    let path = format!("/v1/verifications/{}", attempt.id);
    service.get(&path, &attempt.secret).await.expect(200, "").json
}

async fn status(service: &TestService, attempt: &Attempt) -> Value {
    state(service, attempt).await["deliveries"][0]["status"].clone()
}

/// Asks to be called, on a line that takes no text messages.
async fn called(service: &TestService, locale: &str) -> Attempt {
    service.keep_secret(LANDLINE);
    let body = json!({"phone_number": LANDLINE, "channel": "voice", "locale": locale});
    let reply = service.post("/v1/verifications", "", &body).await.expect(201, "");
    let secret = reply.text("/secret").to_owned();
    Attempt { id: reply.text("/id").to_owned(), secret, number: LANDLINE.to_owned() }
}

/// What a call is told, without a key or after one.
async fn told(service: &TestService, id: DeliveryId, fields: &[(&str, &str)]) -> String {
    let reply = call_back(service, &format!("/callbacks/paid/{id}/voice"), fields).await.expect(200, "");
    assert_eq!(reply.header("content-type"), "text/xml; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "no-store");
    String::from_utf8(reply.bytes).unwrap()
}

on_both_engines!(a_report_counts_before_the_answer_and_in_any_order, |config| { paid(config) }, |service| {
    let attempt = service.attempt(ANNA).await;
    let id = delivery(service, &attempt).await;
    for (reported, then) in [
        ("queued", "sent"),
        ("delivered", "delivered"),
        ("sent", "delivered"),
        ("delivered", "delivered"),
        ("undelivered", "delivered"),
        ("dreaming", "delivered"),
    ] {
        report(service, id, &[("MessageSid", "SM1"), ("MessageStatus", reported)]).await;
        assert_eq!(status(service, &attempt).await, then, "after {reported}");
    }
    assert!(state(service, &attempt).await["deliveries"][0].get("reason").is_none());
});

on_both_engines!(
    a_message_that_a_landline_refused_lets_a_call_follow_at_once,
    |config| { paid(config) },
    |service| {
        let attempt = service.attempt(ANNA).await;
        let before = state(service, &attempt).await;
        assert_eq!(
            (&before["channels"][0]["channel"], &before["channels"][1]["channel"]),
            (&json!("sms"), &json!("voice"))
        );
        assert_eq!(before["channels"][0]["reason"], "resend_wait");
        assert_eq!(before["channels"][1]["reason"], "sms_first");
        let path = format!("/v1/verifications/{}/codes", attempt.id);
        let voice = json!({"channel": "voice"});
        service.post(&path, &attempt.secret, &voice).await.expect(429, "resend_too_early");
        let id = delivery(service, &attempt).await;
        report(service, id, &[("MessageStatus", "undelivered"), ("ErrorCode", "30006")]).await;
        let after = state(service, &attempt).await;
        assert_eq!(after["deliveries"][0]["status"], "undelivered");
        assert_eq!(after["deliveries"][0]["reason"], "rejected");
        assert!(after["channels"][1].get("reason").is_none(), "{after}");
        service.post(&path, &attempt.secret, &voice).await.expect(200, "");
    }
);

on_both_engines!(
    a_telephone_that_is_off_is_unreachable_and_nothing_waits_less,
    |config| { paid(config) },
    |service| {
        let attempt = service.attempt(ANNA).await;
        let id = delivery(service, &attempt).await;
        report(service, id, &[("SmsStatus", "failed"), ("ErrorCode", "30003")]).await;
        let state = state(service, &attempt).await;
        assert_eq!(
            (&state["deliveries"][0]["status"], &state["deliveries"][0]["reason"]),
            (&json!("failed"), &json!("unreachable"))
        );
        assert_eq!(state["channels"][1]["reason"], "sms_first");
        service.advance(60);
        let path = format!("/v1/verifications/{}", attempt.id);
        let later = service.get(&path, &attempt.secret).await.expect(200, "").json;
        assert!(
            later["channels"].as_array().unwrap().iter().all(|way| way.get("reason").is_none()),
            "{later}"
        );
    }
);

on_both_engines!(only_what_is_signed_is_believed, |config| { paid(config) }, |service| {
    let attempt = service.attempt(ANNA).await;
    let id = delivery(service, &attempt).await;
    let fields = [("MessageStatus", "delivered")];
    for end in ["", "/voice"] {
        let path = format!("/callbacks/paid/{id}{end}");
        let right = signature(TOKEN, &format!("{PUBLIC}{path}"), &fields);
        for wrong in [
            String::new(),
            "!".to_owned(),
            right.to_lowercase(),
            signature("another secret", &format!("{PUBLIC}{path}"), &fields),
            signature(TOKEN, &format!("{PUBLIC}{path}?x=1"), &fields),
            signature(TOKEN, &format!("{PUBLIC}{path}"), &[("MessageStatus", "failed")]),
        ] {
            post(service, &path, &fields, &wrong).await.expect(403, "signature_invalid");
        }
        let unsigned = service.request(Method::POST, &path, "").form(&fields);
        Reply::read(unsigned.send().await.unwrap()).await.expect(403, "signature_invalid");
        service.get(&path, "").await.expect(405, "method_not_allowed");
    }
    assert_ne!(status(service, &attempt).await, "delivered");
    // With or without a port, and with a query.
    let path = format!("/callbacks/paid/{id}?a=b%20c");
    let portless = signature(TOKEN, &format!("https://tuttu.example/proof{path}"), &fields);
    post(service, &path, &fields, &portless).await.expect(204, "");
    assert_eq!(status(service, &attempt).await, "delivered");
});

on_both_engines!(
    the_signature_is_judged_before_the_delivery_is_looked_for,
    |config| { paid(config) },
    |service| {
        let fields = [("MessageStatus", "delivered")];
        for id in [DeliveryId::random().to_string(), "none".to_owned(), "%FF".to_owned()] {
            let path = format!("/callbacks/paid/{id}");
            post(service, &path, &fields, "AAAA").await.expect(403, "signature_invalid");
            call_back(service, &path, &fields).await.expect(204, "");
            let voice = format!("{path}/voice");
            post(service, &voice, &fields, "AAAA").await.expect(403, "signature_invalid");
            let hung_up = call_back(service, &voice, &fields).await.expect(200, "");
            assert!(String::from_utf8(hung_up.bytes).unwrap().ends_with("<Response><Hangup/></Response>"));
        }
        let path = format!("/callbacks/other/{}", DeliveryId::random());
        call_back(service, &path, &fields).await.expect(404, "not_found");
        call_back(service, &format!("{path}/voice"), &fields).await.expect(404, "not_found");
    }
);

on_both_engines!(a_json_body_is_signed_by_its_digest_in_the_query, |config| { paid(config) }, |service| {
    let body = r#"{"some": "news"}"#;
    let digest = digest::digest(&digest::SHA256, body.as_bytes());
    let path = format!("/callbacks/paid/{}?bodySHA256={}", DeliveryId::random(), hex::encode(digest));
    let signature = signature(TOKEN, &format!("{PUBLIC}{path}"), &[]);
    let posted = async |body: &'static str| {
        let request = service.request(Method::POST, &path, "").header("content-type", "application/json");
        let request = request.header("x-twilio-signature", &signature).body(body);
        Reply::read(request.send().await.unwrap()).await
    };
    posted(body).await.expect(204, "");
    posted(r#"{"some": "lies"}"#).await.expect(403, "signature_invalid");
});

on_both_engines!(
    callbacks_are_not_counted_against_an_address,
    |config| {
        paid(config);
        config.limits.requests_per_minute = 5;
    },
    |service| {
        for _ in 0..20 {
            let path = format!("/callbacks/paid/{}", DeliveryId::random());
            call_back(service, &path, &[("MessageStatus", "sent")]).await.expect(204, "");
        }
        let large = "x".repeat(17 * 1024);
        let path = format!("/callbacks/paid/{}", DeliveryId::random());
        call_back(service, &path, &[("MessageStatus", &large)]).await.expect(413, "body_too_large");
        for _ in 0..5 {
            service.get("/v1/nothing", "").await.expect(404, "not_found");
        }
        service.get("/callbacks/paid", "").await.expect(429, "rate_limited");
    }
);

on_both_engines!(a_call_reads_the_code_only_after_a_key_press, |config| { paid(config) }, |service| {
    let attempt = called(service, "fi").await;
    let id = delivery(service, &attempt).await;
    let asked = told(service, id, &[("CallSid", "CA1"), ("CallStatus", "in-progress"), ("Digits", "")]).await;
    assert_eq!(asked.matches(r#"<Gather numDigits="1""#).count(), 2);
    assert_eq!(code_read(&asked), "");
    assert!(asked.contains(r#"<Say language="fi-FI">"#) && asked.ends_with("<Hangup/></Response>"));
    assert_ne!(status(service, &attempt).await, "delivered");
    let read = told(service, id, &[("CallSid", "CA1"), ("CallStatus", "in-progress"), ("Digits", "#")]).await;
    assert_eq!(status(service, &attempt).await, "delivered");
    report(service, id, &[("CallSid", "CA1"), ("CallStatus", "completed")]).await;
    assert_eq!(status(service, &attempt).await, "delivered");
    let code = code_read(&read);
    service.keep_secret(&code);
    assert!(service.check(&attempt, &code).await.expect(200, "").text("/grant").len() > 40);
    // The code is used: whoever calls back now hears nothing.
    let over = told(service, id, &[("Digits", "1")]).await;
    assert!(over.ends_with("<Response><Hangup/></Response>"), "{over}");
});

on_both_engines!(a_call_that_a_voicemail_took_was_not_delivered, |config| { paid(config) }, |service| {
    let attempt = called(service, "en").await;
    let id = delivery(service, &attempt).await;
    told(service, id, &[("CallStatus", "in-progress")]).await;
    report(service, id, &[("CallStatus", "completed")]).await;
    let state = state(service, &attempt).await;
    assert_eq!(
        (&state["deliveries"][0]["status"], &state["deliveries"][0]["reason"]),
        (&json!("undelivered"), &json!("unreachable"))
    );
});

on_both_engines!(
    no_call_reads_the_code_of_a_text_message_or_of_an_ended_verification,
    |config| { paid(config) },
    |service| {
        let attempt = service.attempt(ANNA).await;
        let text = delivery(service, &attempt).await;
        let told_text = told(service, text, &[("Digits", "1")]).await;
        assert!(told_text.ends_with("<Response><Hangup/></Response>"), "{told_text}");
        assert_ne!(status(service, &attempt).await, "delivered");
        service.advance(60);
        let attempt = called(service, "en").await;
        let id = delivery(service, &attempt).await;
        service.advance(600);
        let late = told(service, id, &[("Digits", "1")]).await;
        assert!(late.ends_with("<Response><Hangup/></Response>"), "{late}");
    }
);
