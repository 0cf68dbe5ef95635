//! Calls: asked for, answered with a key, and heard.

use super::signed::{code_read, signature};
use super::{ACCOUNT, ANNA, AUTH_TOKEN, Asked, Conduct, Gateway, configure};
use crate::process::harness::{Engine, Place, Server, on_both_engines, until};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

const PUBLIC: &str = "https://tuttu.example";

/// What Twilio is answered when it calls back with these fields.
async fn call_back(server: &Server, url: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(url.replace(PUBLIC, &server.base)).form(fields);
    let signed = request.header("X-Twilio-Signature", signature(AUTH_TOKEN, url, fields));
    let answer = signed.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn asked(gateway: &Gateway, resource: &str) -> Asked {
    let of = |asked: &Asked| asked.path.ends_with(resource);
    until(resource, async || gateway.asked().into_iter().find(of)).await
}

async fn last_delivery_is(server: &Server, attempt: &crate::process::harness::Attempt, status: &str) {
    until(status, async || {
        let state = server.state(attempt).await;
        (state["deliveries"].as_array().unwrap().last().unwrap()["status"] == status).then_some(())
    })
    .await;
}

on_both_engines!(a_line_that_takes_no_text_is_called_at_once_and_hears_its_code_after_a_key, |place| {
    let gateway = Gateway::start(Conduct::Landline).await;
    configure(place, &gateway.base, &format!("[server]\npublic_url = \"{PUBLIC}\""));
    place.set("TUTTU__SMS__GATEWAYS__0__VOICE_FROM", "+358503334444");
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    server.delivery_is(&attempt, "failed").await;
    let state = server.state(&attempt).await;
    assert_eq!(state["deliveries"][0]["reason"], "rejected");
    assert!(state["channels"][1].get("reason").is_none(), "a call need not wait: {state}");
    let path = format!("/v1/verifications/{}/codes", attempt.id);
    let again = server.post(&path, &attempt.secret, &json!({"channel": "voice"})).await;
    assert_eq!(again.status, 200, "{again:?}");

    let call = asked(&gateway, "/Calls.json").await;
    assert_eq!(call.path, format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
    let names: Vec<&str> = call.form.keys().map(String::as_str).collect();
    assert_eq!(names, ["From", "StatusCallback", "StatusCallbackEvent", "TimeLimit", "Timeout", "To", "Url"]);
    assert_eq!((call.form["To"].as_str(), call.form["From"].as_str()), (ANNA, "+358503334444"));
    assert_eq!(call.form["Url"], format!("{}/voice", call.form["StatusCallback"]));
    last_delivery_is(&server, &attempt, "sent").await;

    let picked_up = [("CallSid", "CA1"), ("CallStatus", "in-progress")];
    let (status, twiml) = call_back(&server, &call.form["Url"], &picked_up).await;
    assert_eq!((status, code_read(&twiml).as_str()), (200, ""), "{twiml}");
    let key = [picked_up[0], picked_up[1], ("Digits", "1")];
    let (_, twiml) = call_back(&server, &call.form["Url"], &key).await;
    last_delivery_is(&server, &attempt, "delivered").await;
    let hung_up = [("CallSid", "CA1"), ("CallStatus", "completed")];
    assert_eq!(call_back(&server, &call.form["StatusCallback"], &hung_up).await.0, 204);
    last_delivery_is(&server, &attempt, "delivered").await;
    server.check(&attempt, &code_read(&twiml)).await.text("/grant");
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_sends_in_the_accounts_place() {
    let mut place = Place::new();
    let gateway = Gateway::start(Conduct::Accept).await;
    configure(&mut place, &gateway.base, "");
    place.set("TUTTU__SMS__GATEWAYS__0__API_KEY_SID", "SK1");
    place.set("TUTTU__SMS__GATEWAYS__0__API_KEY_SECRET", "the-keys-secret");
    let server = place.serve();
    server.delivery_is(&server.attempt(ANNA).await, "sent").await;
    let message = asked(&gateway, "/Messages.json").await;
    assert_eq!(message.path, format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    assert_eq!(message.authorization, format!("Basic {}", STANDARD.encode("SK1:the-keys-secret")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_public_url_there_are_no_calls() {
    let mut place = Place::new();
    let gateway = Gateway::start(Conduct::Accept).await;
    configure(&mut place, &gateway.base, "");
    let server = place.serve();
    let body = json!({"phone_number": ANNA, "channel": "voice"});
    server.post("/v1/verifications", "", &body).await.expect(400, "field_invalid");
    assert!(gateway.asked().is_empty());
}
