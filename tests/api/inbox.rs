//! The development inbox: for this machine and the holder of the key alone.

use crate::harness::{Engine, Reply, TestService};
use reqwest::Method;

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const MESSAGES: &str = "/v1/inbox?phone_number=%2B358401234561";

/// A GET with the key and one more header.
async fn with_header(service: &TestService, path: &str, name: &str, value: &str) -> Reply {
    let request = service.request(Method::GET, path, &service.development_key());
    Reply::read(request.header(name, value).send().await.unwrap()).await
}

#[tokio::test]
async fn a_message_shows_what_was_sent_to_whom_and_when() {
    let service = TestService::start(Engine::Sqlite).await;
    let anna = service.attempt(ANNA).await;
    service.attempt(BO).await;
    let text = service.text_of(&anna).await;
    let reply = service.get(MESSAGES, &service.development_key()).await.expect(200, "");
    assert_eq!(reply.json["messages"].as_array().unwrap().len(), 1);
    assert_eq!(reply.text("/messages/0/text"), text);
    assert_eq!(reply.text("/messages/0/to"), ANNA);
    assert_eq!(reply.text("/messages/0/channel"), "sms");
    assert_eq!(reply.text("/messages/0/sent_at"), "2026-11-22T12:00:00Z");
    assert!(text.ends_with(" on vahvistuskoodisi. Älä kerro sitä kenellekään."), "{text}");
    service.end().await;
}

#[tokio::test]
async fn the_inbox_keeps_the_last_twenty_messages_of_a_number() {
    let service = TestService::start_with(Engine::Sqlite, |config| {
        config.limits.sends_per_number = 100;
        config.limits.never_block = vec![ANNA.to_owned()];
    })
    .await;
    let mut sent = Vec::new();
    for _ in 0..22 {
        let attempt = service.attempt(ANNA).await;
        sent.push(service.text_of(&attempt).await);
        service.advance(600);
    }
    assert_eq!(service.texts(ANNA).await, sent[2..]);
    assert!(service.texts(BO).await.is_empty());
    service.end().await;
}

#[tokio::test]
async fn without_the_key_nobody_reads_the_inbox() {
    let service = TestService::start(Engine::Sqlite).await;
    let anna = service.register(ANNA).await;
    let altered = format!("A{}", &service.development_key()[1..]);
    for key in ["", "nonsense", &"A".repeat(43), &altered, &anna.token] {
        service.get(MESSAGES, key).await.expect(401, "token_invalid");
    }
    let in_query = format!("{MESSAGES}&key={}", service.development_key());
    service.get(&in_query, "").await.expect(401, "token_invalid");
    service.end().await;
}

#[tokio::test]
async fn behind_a_proxy_there_is_no_inbox_and_no_page() {
    let service = TestService::start(Engine::Sqlite).await;
    for path in [MESSAGES, "/try", "/try/try.js"] {
        for name in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"] {
            with_header(&service, path, name, "127.0.0.1").await.expect(404, "not_found");
        }
        service.get(path, &service.development_key()).await.expect(200, "");
    }
    service.end().await;
}

#[tokio::test]
async fn under_another_host_there_is_no_inbox_and_no_page() {
    let service = TestService::start(Engine::Sqlite).await;
    for path in [MESSAGES, "/try"] {
        for host in
            ["example.com", "example.com:8080", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1"]
        {
            with_header(&service, path, "Host", host).await.expect(404, "not_found");
        }
        for host in ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.2:80", "[::1]", "[::1]:8080"] {
            with_header(&service, path, "Host", host).await.expect(200, "");
        }
    }
    service.end().await;
}

#[tokio::test]
async fn a_server_that_others_can_reach_has_no_inbox_and_no_page() {
    let change = |config: &mut tuttu::config::Config| config.server.listen = "0.0.0.0:0".parse().unwrap();
    let service = TestService::start_with(Engine::Sqlite, change).await;
    assert_eq!(service.development_key(), "");
    service.attempt(ANNA).await;
    for path in [MESSAGES, "/try", "/try/try.js"] {
        service.get(path, "").await.expect(404, "not_found");
    }
    service.end().await;
}

#[tokio::test]
async fn the_inbox_wants_a_number() {
    let service = TestService::start(Engine::Sqlite).await;
    let key = service.development_key();
    for query in
        ["", "?phone_number=", "?phone_number=h4mster", "?phone=%2B358401234561", "?phone_number=%FF"]
    {
        let refused = service.get(&format!("/v1/inbox{query}"), &key).await.expect(400, "field_invalid");
        assert_eq!(refused.text("/field"), "phone_number");
        assert!(!String::from_utf8_lossy(&refused.bytes).contains("h4mster"));
    }
    let attempt = service.attempt(ANNA).await;
    service.text_of(&attempt).await;
    let unescaped = service.get("/v1/inbox?phone_number=+358401234561", &key).await.expect(200, "");
    assert_eq!(unescaped.json["messages"].as_array().unwrap().len(), 1);
    service.end().await;
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_scripts() {
    let service = TestService::start(Engine::Sqlite).await;
    let page = service.get("/try", "").await.expect(200, "");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
            worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(!html.contains("<script>") && !html.contains("<style") && !html.contains(" style="));
    assert!(!html.contains("//cdn"), "everything comes from here");
    service.end().await;
}

#[tokio::test]
async fn the_pages_files_have_their_content_types() {
    let service = TestService::start(Engine::Sqlite).await;
    let page = String::from_utf8(service.get("/try", "").await.bytes).unwrap();
    let mut files: Vec<&str> =
        page.split('"').filter(|text| text.starts_with("/try/")).filter(|text| !text.contains('#')).collect();
    assert!(files.len() >= 3, "{files:?}");
    files.extend(["/try/vendor/noble-hashes/blake3.js", "/try/vendor/noble-hashes/LICENSE"]);
    for file in files {
        let content_type = match file.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        let reply = service.get(file, "").await.expect(200, "");
        assert_eq!(reply.header("content-type"), content_type, "{file}");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(!reply.bytes.is_empty());
    }
    for file in
        ["/try/", "/try/h4mster.js", "/try/vendor", "/try/%2e%2e/meta.rs", "/try/..%2fmeta.rs", "/try/%FF"]
    {
        service.get(file, "").await.expect(404, "not_found");
    }
    service.end().await;
}
