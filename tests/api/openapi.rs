//! The API's own document: what is served, what is committed and what is routed are one.

use crate::harness::{Engine, Reply, TestService};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tuttu::model::admin::Role;

const NOBODY: &str = "3f0e9f1c-6c0e-4c55-9d1e-0e6c3f5a7b11";
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/openapi.json");
/// Where every problem is made.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http");

fn document() -> Value {
    serde_json::from_str(&tuttu::http::openapi()).unwrap()
}

/// The quoted words that follow `Problem::new(status, ` or `Self::new(status, ` in a source.
fn codes(source: &str) -> impl Iterator<Item = &str> {
    source.split("::new(").skip(1).filter_map(|call| {
        let (status, rest) = call.split_once(',')?;
        status.trim().parse::<u16>().ok()?;
        rest.trim_start().strip_prefix('"')?.split('"').next()
    })
}

#[tokio::test]
async fn the_served_document_is_the_one_of_the_code() {
    let service = TestService::start(Engine::Sqlite).await;
    let served = service.get("/openapi.json", "").await.expect(200, "");
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.json, document());
    service.end().await;
}

#[test]
fn the_committed_document_has_not_drifted() {
    let current = tuttu::http::openapi();
    if std::env::var_os("TUTTU_UPDATE").is_some() {
        std::fs::write(COMMITTED, &current).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(committed == current, "src/http/openapi.json is old: run the tests with TUTTU_UPDATE=1");
}

#[tokio::test]
async fn every_documented_route_answers_and_documents_its_answer() {
    let service = TestService::start(Engine::Sqlite).await;
    let anna = service.register("+358401234561").await;
    let attempt = service.attempt("+358401234562").await;
    let admin = service.admin("admin", &[Role::Admin]).await;
    let token = service.api_token(&admin, &[Role::Admin]).await;
    service.drawn(&attempt.id, &admin).await;
    let document = document();
    let mut answered = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parts: Vec<&str> = path.split('/').collect();
            let (id, bearer) = match parts[2] {
                "verifications" => (attempt.id.as_str(), attempt.secret.clone()),
                "inbox" => ("", service.development_key()),
                "api" if parts[4] == "verifications" => (attempt.id.as_str(), token.clone()),
                "api" if parts[4] == "accounts" => (anna.account_id.as_str(), token.clone()),
                "api" => (NOBODY, token.clone()),
                _ => (NOBODY, anna.token.clone()),
            };
            // Erasure would end the test's own account; a stranger is refused, and that is an answer.
            let bearer = if method == "delete" { String::new() } else { bearer };
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path
                .replace("{gateway}", "inbox")
                .replace("{delivery_id}", id)
                .replace("{id}", id)
                .replace("{device}", NOBODY)
                .replace("{subject}", "FI")
                .replace("{index}", "0");
            let reply = service.call(method, &path, &bearer, Some(&json!({}))).await;
            assert!(![404, 405].contains(&reply.status), "{path}: {reply:?}");
            let documented = operation["responses"].get(reply.status.to_string());
            let code = reply.json["code"].as_str().unwrap_or_default();
            let named = documented.is_some_and(|d| d["description"].as_str().unwrap().contains(code));
            assert!(named || code == "field_invalid", "{path} does not document {reply:?}");
            answered += 1;
        }
    }
    assert_eq!(answered, 56);
    service.end().await;
}

#[test]
fn every_route_is_documented_with_what_it_answers_and_who_may_ask() {
    for (path, methods) in document()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let told =
                operation["summary"].as_str().or(operation["description"].as_str()).unwrap_or_default();
            assert!(told.contains(path.as_str()) && told.len() > path.len() + 10, "{method} {path}: {told}");
            assert!(operation["responses"].as_object().unwrap().keys().any(|status| status.starts_with('2')));
            let open = path == "/v1/verifications" || path == "/v1/accounts";
            let security = operation.get("security").and_then(Value::as_array);
            let anyone = security.is_none_or(|ways| ways.contains(&json!({})));
            assert_eq!(anyone, open, "{method} {path}");
        }
    }
}

#[test]
fn every_code_of_a_problem_is_documented() {
    let mut made = BTreeSet::new();
    let files = |folder: &str| std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    for file in files(SOURCES).chain(files(&format!("{SOURCES}/problem"))) {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(file).unwrap();
            made.extend(codes(&source).map(str::to_owned));
        }
    }
    assert!(made.len() > 20, "{made:?}");
    let document = tuttu::http::openapi();
    let missing: Vec<_> = made.iter().filter(|code| !document.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not in the document: {missing:?}");
}

#[tokio::test]
async fn the_document_is_for_everybody() {
    let service = TestService::start(Engine::Sqlite).await;
    let request = service.request(Method::GET, "/openapi.json", "").header("Host", "example.com");
    Reply::read(request.send().await.unwrap()).await.expect(200, "");
    service.end().await;
}
