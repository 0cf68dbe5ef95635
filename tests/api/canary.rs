//! One run drives unique secrets through every route, right and wrong, with a healthy database and a broken
//! one, and then searches for them wherever they must not be.

use crate::harness::{Attempt, Form, Person, Question, Reply, TestService, another, on_both_engines};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

const ANNA: &str = "+358401937264";
const BO: &str = "+447400918273";
const STRANGER: &str = "+14155283746";
const DEVICE: &str = "Aino Kultasydän's handset";
const QUERY: &str = "zebrafinch-query";
const ROUTES: [(&str, &[&str]); 10] = [
    ("POST", &["v1", "verifications"]),
    ("GET", &["v1", "verifications", "{}"]),
    ("POST", &["v1", "verifications", "{}", "codes"]),
    ("POST", &["v1", "verifications", "{}", "check"]),
    ("POST", &["v1", "accounts"]),
    ("PATCH", &["v1", "account"]),
    ("DELETE", &["v1", "devices", "{}"]),
    ("POST", &["v1", "discovery", "lookup"]),
    ("GET", &["v1", "inbox"]),
    ("GET", &["try", "{}"]),
];

/// Everything that was refused, as one text; the live epochs may be in it, for they answer `epoch_unknown`.
#[derive(Default)]
struct Refusals(String);

impl Refusals {
    fn note(&mut self, reply: &Reply) {
        if reply.status >= 400 {
            let mut json = reply.json.clone();
            json.as_object_mut().unwrap().remove("epochs");
            writeln!(self.0, "{json} {:?}", reply.headers).unwrap();
        }
    }
}

/// The forms in which a secret could slip out.
fn forms(secret: &str) -> Vec<String> {
    let bare = secret.trim_start_matches('+');
    let mut forms = vec![secret.to_owned(), bare.to_owned()];
    let mut encode = |bytes: &[u8]| {
        forms.push(URL_SAFE_NO_PAD.encode(bytes));
        forms.push(STANDARD_NO_PAD.encode(bytes));
        forms.push(bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")));
        forms.push(format!("{bytes:?}"));
    };
    encode(secret.as_bytes());
    encode(bare.as_bytes());
    if let Some(decoded) = URL_SAFE_NO_PAD.decode(secret).ok().filter(|bytes| bytes.len() >= 16) {
        encode(&decoded);
    }
    forms
}

fn search(place: &str, text: &str, secrets: &[String]) {
    assert!(text.len() > 1, "{place} is empty");
    for form in secrets.iter().flat_map(|secret| forms(secret)).filter(|form| !form.is_empty()) {
        assert!(!text.contains(&form), "{place} holds {form}:\n{text}");
    }
}

/// Registers somebody, guessing wrong and malformed on the way.
async fn register(service: &TestService, number: &str, refusals: &mut Refusals) -> (Person, Attempt, String) {
    let attempt = service.attempt(number).await;
    let code = service.code_of(&attempt).await;
    assert_eq!(code.len(), 8);
    service.keep_secret(&code);
    for guess in [another(&code), format!("{code}x"), code[1..].to_owned()] {
        refusals.note(&service.check(&attempt, &guess).await);
    }
    refusals.note(&service.ask(number).await);
    let grant = service.check(&attempt, &code).await.expect(200, "").text("/grant").to_owned();
    service.keep_secret(&grant);
    let device = |name: &str| json!({"device": {"name": name, "platform": "web"}});
    refusals.note(&service.redeem_with(&grant[1..], device(DEVICE)).await);
    refusals.note(&service.redeem_with(&grant, device(&DEVICE.repeat(9))).await);
    let registered = service.redeem_with(&grant, device(DEVICE)).await.expect(201, "");
    refusals.note(&service.redeem_with(&grant, device(DEVICE)).await);
    (service.person(number, &registered), attempt, grant)
}

/// Asks in every form, right and wrong.
async fn look_up(service: &TestService, person: &Person, refusals: &mut Refusals) {
    let (_, pepper) = service.epoch(&person.token).await;
    service.keep_secret(&pepper.to_base64url());
    let question = service.question(&person.token, &[ANNA, BO, STRANGER]).await;
    for handle in &question.new {
        service.keep_secret(&handle.to_base64url());
    }
    let answer = service.answer(&person.token, &question).await;
    service.keep_secret(&URL_SAFE_NO_PAD.encode(&answer.token));
    let again = question.again(&answer);
    let fewer = Question { known: again.known[1..].to_vec(), ..again.clone() };
    let elsewhere = Question { epoch: 77, ..again.clone() };
    for question in [&again, &fewer, &elsewhere] {
        for form in Form::ALL {
            refusals.note(&service.pose(&person.token, question, form).await);
        }
    }
    let bytes = again.binary();
    refusals.note(&service.pose_bytes(&person.token, bytes[..bytes.len() - 1].to_vec()).await);
    refusals.note(&service.pose_bytes(&person.token, [bytes.as_slice(), ANNA.as_bytes()].concat()).await);
}

/// Puts a secret into every place of every route: path, query, credentials, headers, body.
async fn misplace(service: &TestService, secret: &str, refusals: &mut Refusals) {
    let encoded: String = secret.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
    for (method, path) in ROUTES {
        let path = path.iter().fold(String::new(), |at, part| at + "/" + &part.replace("{}", &encoded));
        let path = format!("{path}?phone_number={encoded}&name={QUERY}");
        for (content_type, body) in bodies(secret) {
            let request = service.request(Method::from_bytes(method.as_bytes()).unwrap(), &path, "");
            let credentials = if secret.is_ascii() { secret } else { QUERY };
            let request = request
                .header("authorization", format!("Bearer {credentials}"))
                .header("cookie", credentials)
                .header("user-agent", credentials)
                .header("content-type", content_type.unwrap_or(credentials))
                .body(body);
            refusals.note(&Reply::read(request.send().await.unwrap()).await);
        }
    }
    refusals.note(&service.get(&format!("/{encoded}"), secret_bearer(secret)).await);
}

fn secret_bearer(secret: &str) -> &str {
    if secret.is_ascii() { secret } else { "" }
}

fn bodies(secret: &str) -> [(Option<&'static str>, Vec<u8>); 5] {
    const JSON: Option<&str> = Some("application/json");
    let mut all: Value =
        json!({secret: secret, "device": {"name": secret, "platform": secret}, "epoch": secret});
    for field in ["phone_number", "region", "channel", "locale", "app_hash", "web_origin", "code", "grant"] {
        all[field] = json!(secret);
    }
    all["handles"] = json!([secret]);
    let start = json!({"phone_number": secret, "channel": "pigeon", "region": "FI"});
    [
        (None, secret.into()),
        (JSON, secret.into()),
        (JSON, all.to_string().into()),
        (JSON, start.to_string().into()),
        (Some("application/vnd.tuttu.lookup"), [&[1, 0, 0, 0], secret.as_bytes()].concat()),
    ]
}

async fn drive(service: &TestService, anna: &Person, attempt: &Attempt, refusals: &mut Refusals) {
    for secret in service.secrets() {
        misplace(service, &secret, refusals).await;
    }
    for secret in service.secrets() {
        refusals.note(&service.check(attempt, &secret).await);
        let channel = json!({"channel": secret});
        let path = format!("/v1/verifications/{}/codes", attempt.id);
        refusals.note(&service.post(&path, &attempt.secret, &channel).await);
        let handles = json!({"epoch": 1, "handles": [secret], "known_packed": secret, "sync_token": secret});
        refusals.note(&service.post("/v1/discovery/lookup", &anna.token, &handles).await);
    }
    for (path, bearer) in [
        (format!("/v1/verifications/{}", attempt.id), &attempt.secret),
        ("/v1/account".to_owned(), &anna.token),
        ("/v1/devices".to_owned(), &anna.token),
    ] {
        refusals.note(&service.get(&path, bearer).await);
    }
}

#[test]
fn a_secret_is_recognised_in_every_form() {
    for secret in [ANNA, DEVICE, "q7rT0pLx2vYkZs8mN4bWc6dJ1fHgAe3uRiOo5tKyPlM"] {
        for form in forms(secret) {
            let text = format!("line one\n{form}, and more");
            assert!(std::panic::catch_unwind(|| search("it", &text, &[secret.to_owned()])).is_err());
        }
    }
}

on_both_engines!(
    no_secret_is_in_the_log_the_metrics_the_health_page_or_a_problem,
    |config| {
        config.verification.code_length = 8;
        config.limits.sends_per_number = 100;
        config.discovery.lookup_budget = 5;
    },
    |service| {
        let mut refusals = Refusals::default();
        for canary in [DEVICE, QUERY, STRANGER] {
            service.keep_secret(canary);
        }
        let (anna, attempt, grant) = register(service, ANNA, &mut refusals).await;
        let (bo, ..) = register(service, BO, &mut refusals).await;
        look_up(service, &anna, &mut refusals).await;
        look_up(service, &bo, &mut refusals).await;
        drive(service, &anna, &attempt, &mut refusals).await;
        refusals
            .note(&service.lookup(&anna.token, &["+358401234561", "+358401234562", "+358401234563"]).await);
        service.delete(&format!("/v1/devices/{}", bo.device_id), &bo.token).await.expect(204, "");
        refusals.note(&service.get("/v1/account", &bo.token).await);
        for table in ["ALTER TABLE devices RENAME TO gone", "ALTER TABLE verifications RENAME TO gone_too"] {
            service.alter(table, &[]).await;
        }
        drive(service, &anna, &attempt, &mut refusals).await;
        refusals.note(&service.ask(STRANGER).await);
        refusals.note(&service.redeem(&grant).await);

        let secrets = service.secrets();
        assert!(secrets.len() > 15);
        assert!(TestService::log().contains("a request failed"));
        assert!(refusals.0.contains("unavailable") && refusals.0.contains("epoch_unknown"));
        search("the log", &TestService::log(), &secrets);
        search("a problem", &refusals.0, &secrets);
        search("the metrics", &service.ops("/metrics").await.1, &secrets);
        search("the health page", &service.ops("/readyz").await.1, &secrets);
        search(
            "the health page",
            &String::from_utf8_lossy(&service.get("/readyz", "").await.bytes),
            &secrets,
        );
    }
);
