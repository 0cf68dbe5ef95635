use super::{MARKER, send, silent_about};
use crate::harness::{Attempt, Person, TestService, on_both_engines};
use reqwest::Method;
use serde_json::json;

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const JSON: &str = "application/json";
const START: (Method, &str) = (Method::POST, "/v1/verifications");

/// Every route that takes a body, with the credentials that it wants.
fn routes(anna: &Person, attempt: &Attempt) -> Vec<(Method, String, String)> {
    let verification = format!("/v1/verifications/{}", attempt.id);
    vec![
        (Method::POST, "/v1/verifications".to_owned(), String::new()),
        (Method::POST, format!("{verification}/codes"), attempt.secret.clone()),
        (Method::POST, format!("{verification}/check"), attempt.secret.clone()),
        (Method::POST, "/v1/accounts".to_owned(), String::new()),
        (Method::PATCH, "/v1/account".to_owned(), anna.token.clone()),
        (Method::POST, "/v1/discovery/lookup".to_owned(), anna.token.clone()),
    ]
}

async fn everything(service: &TestService) -> Vec<(Method, String, String)> {
    let anna = service.register(ANNA).await;
    routes(&anna, &service.attempt(BO).await)
}

on_both_engines!(a_body_of_another_content_type_is_refused, |service| {
    for (method, path, bearer) in everything(service).await {
        for content_type in
            ["", "text/plain", "application/jsonp", "multipart/form-data", "application/h4mster"]
        {
            let body = (content_type, br#"{"h4mster": 1}"#.to_vec());
            let reply = send(service, (method.clone(), path.as_str()), &bearer, body).await;
            silent_about(&reply.expect(415, "content_type_unsupported"), MARKER);
        }
    }
});

on_both_engines!(what_is_not_json_is_refused_by_line_and_column, |service| {
    let deep = "[".repeat(10_000);
    for (method, path, bearer) in everything(service).await {
        for body in ["", "{", "h4mster", r#"{"h4mster": }"#, "\u{feff}{}", deep.as_str()] {
            let body = (JSON, body.as_bytes().to_vec());
            let reply = send(service, (method.clone(), path.as_str()), &bearer, body).await;
            silent_about(&reply.expect(400, "json_invalid"), MARKER);
        }
    }
    let refused = send(service, START, "", (JSON, b"{\"phone_number\": \"\xFF\"}".to_vec())).await;
    refused.expect(400, "json_invalid");
    let trailing = br#"{"phone_number": "+358401234563", "channel": "sms"} h4mster"#;
    let refused = send(service, START, "", (JSON, trailing.to_vec())).await;
    silent_about(&refused.expect(400, "json_invalid"), MARKER);
    let refused = send(service, START, "", (JSON, b"{\n  \"a\": x}".to_vec())).await;
    assert!(refused.expect(400, "json_invalid").text("/detail").contains("line 2, column 8"));
});

on_both_engines!(json_that_is_no_object_is_refused, |service| {
    for (method, path, bearer) in everything(service).await {
        for body in ["null", "1", "\"h4mster\"", "[]", "[[\"h4mster\"]]"] {
            let body = (JSON, body.as_bytes().to_vec());
            let reply = send(service, (method.clone(), path.as_str()), &bearer, body).await;
            assert_eq!(reply.status, 400, "{path}: {reply:?}");
            silent_about(&reply, MARKER);
        }
    }
    let twice = br#"{"phone_number": "h4mster", "phone_number": "h4mster", "channel": "sms"}"#;
    let refused = send(service, START, "", (JSON, twice.to_vec())).await.expect(400, "field_invalid");
    assert_eq!(refused.text("/field"), "phone_number");
    silent_about(&refused, MARKER);
});

on_both_engines!(a_missing_field_is_named, |service| {
    for ((method, path, bearer), field) in everything(service).await.into_iter().zip([
        "phone_number",
        "channel",
        "code",
        "grant",
        "discoverable",
        "epoch",
    ]) {
        let reply = service.call(method, &path, &bearer, Some(&json!({MARKER: MARKER}))).await;
        let reply = reply.expect(400, "field_invalid");
        assert_eq!(reply.text("/field"), field);
        silent_about(&reply, MARKER);
    }
});

on_both_engines!(a_field_of_the_wrong_type_is_named, |service| {
    let routes = everything(service).await;
    for (route, field, body) in [
        (0, "phone_number", json!({"phone_number": 358_401_234_563_u64, "channel": "sms"})),
        (0, "phone_number", json!({"phone_number": {MARKER: MARKER}, "channel": "sms"})),
        (0, "channel", json!({"phone_number": "+358401234563", "channel": MARKER})),
        (0, "channel", json!({"phone_number": "+358401234563", "channel": null})),
        (0, "region", json!({"phone_number": "+358401234563", "channel": "sms", "region": [MARKER]})),
        (1, "channel", json!({"channel": MARKER})),
        (1, "channel", json!({"channel": 1})),
        (2, "code", json!({"code": 123_456})),
        (2, "code", json!({"code": MARKER})),
        (3, "grant", json!({"grant": 1, "device": {"name": MARKER, "platform": "ios"}})),
        (3, "device", json!({"grant": "g", "device": MARKER})),
        (3, "device.platform", json!({"grant": "g", "device": {"name": MARKER, "platform": MARKER}})),
        (
            3,
            "discoverable",
            json!({"grant": "g", "device": {"name": "n", "platform": "ios"}, "discoverable": "h4mster"}),
        ),
        (4, "discoverable", json!({"discoverable": MARKER})),
        (5, "epoch", json!({"epoch": -1})),
        (5, "epoch", json!({"epoch": 4_294_967_296_u64})),
        (5, "epoch", json!({"epoch": MARKER})),
        (5, "handles", json!({"epoch": 1, "handles": MARKER})),
        (5, "handles", json!({"epoch": 1, "handels": [MARKER]})),
        (5, "handles", json!({"epoch": 1, "handles": null, "known": null})),
        (5, "known[0]", json!({"epoch": 1, "known": [{MARKER: 1}]})),
        (5, "sync_token", json!({"epoch": 1, "sync_token": [MARKER]})),
    ] {
        let (method, path, bearer) = &routes[route];
        let reply =
            service.call(method.clone(), path, bearer, Some(&body)).await.expect(400, "field_invalid");
        assert_eq!(reply.text("/field"), field, "{body}");
        silent_about(&reply, MARKER);
        silent_about(&reply, "358401234563");
    }
    // Nothing was spent: five checks are left, and the number that was refused can start.
    let (_, path, secret) = &routes[2];
    let state = service.get(path.trim_end_matches("/check"), secret).await.expect(200, "");
    assert_eq!(state.json["code"]["checks_left"], 5);
    service.attempt("+358401234563").await;
});

on_both_engines!(a_body_that_is_too_large_is_refused, |service| {
    let sized = |size: usize| {
        let mut body = json!({"phone_number": ANNA, "channel": "sms"}).to_string().into_bytes();
        body.resize(size, b' ');
        (JSON, body)
    };
    send(service, START, "", sized(16 * 1024 + 1)).await.expect(413, "body_too_large");
    let started = send(service, START, "", sized(16 * 1024)).await.expect(201, "");
    service.keep_secret(started.text("/secret"));
});

on_both_engines!(a_lookup_may_be_larger_than_other_requests, |service| {
    let anna = service.register(ANNA).await;
    let lookup = (Method::POST, "/v1/discovery/lookup");
    let sized = |size: usize| {
        let mut body = json!({"epoch": 1, "handles": []}).to_string().into_bytes();
        body.resize(size, b' ');
        (JSON, body)
    };
    let refused = send(service, lookup.clone(), &anna.token, sized(2 * 1024 * 1024 + 1)).await;
    refused.expect(413, "body_too_large");
    send(service, lookup, &anna.token, sized(2 * 1024 * 1024)).await.expect(200, "");
});

on_both_engines!(what_a_client_adds_is_ignored, |service| {
    let body = json!({"phone_number": ANNA, "channel": "sms", "future": {"field": [1, 2, 3]}});
    let content_type = "Application/JSON; charset=utf-8";
    let started =
        send(service, START, "", (content_type, body.to_string().into_bytes())).await.expect(201, "");
    service.keep_secret(started.text("/secret"));
});
