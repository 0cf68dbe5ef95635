//! A request whose connection breaks is asked for again with the same key, where that asks for nothing more.

use std::fmt::Write as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tuttu::client::api::Start;
use tuttu::client::shapes::{Channel, Started};
use tuttu::client::{Client, ClientError};

const STARTED: &str = r#"{"id":"a","secret":"s","status":"pending","code":{"length":6,"checks_left":5},
    "expires_at":"2026-11-23T00:00:00Z"}"#;
const UNDER_WAY: &str = r#"{"code":"idempotency_in_flight","title":"The request is under way","status":409}"#;

/// What a server does with one connection.
#[derive(Clone, Copy)]
enum Turn {
    Break,
    Say(&'static str, &'static str),
}

/// Starts a verification at a server that takes these turns; what came of it, and the key of each request.
async fn started(turns: &'static [Turn]) -> (Result<Started, ClientError>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let serving = TaskTracker::new().spawn(async move {
        let mut keys = Vec::new();
        for turn in turns {
            keys.push(take(&listener, *turn).await);
        }
        keys
    });
    let start = Start { phone_number: "+358401234561", region: None, channel: Channel::Sms, locale: None };
    let outcome = client.start_verification(start).await;
    (outcome, serving.await.unwrap())
}

/// Takes one request; its key.
async fn take(listener: &TcpListener, turn: Turn) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = String::new();
    while !request.ends_with('}') {
        let mut bytes = [0; 4_096];
        let length = stream.read(&mut bytes).await.unwrap();
        write!(request, "{}", String::from_utf8_lossy(&bytes[..length])).unwrap();
    }
    if let Turn::Say(status, body) = turn {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    let key = request.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
    key.unwrap_or_else(|| panic!("no key in {request}")).to_owned()
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_with_the_same_key_until_there_is_an_answer() {
    let (outcome, keys) =
        started(&[Turn::Break, Turn::Say("409 Conflict", UNDER_WAY), Turn::Say("201 Created", STARTED)])
            .await;
    assert_eq!(outcome.unwrap().verification.id, "a");
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| key.len() == 36 && *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_twice_is_told() {
    let (outcome, keys) = started(&[Turn::Break, Turn::Break]).await;
    assert!(matches!(outcome, Err(ClientError::Unreachable { .. })), "{outcome:?}");
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn every_request_that_is_answered_has_a_key_of_its_own() {
    let (first, one) = started(&[Turn::Say("201 Created", STARTED)]).await;
    let (second, other) = started(&[Turn::Say("201 Created", STARTED)]).await;
    assert!(first.is_ok() && second.is_ok());
    assert_ne!(one, other);
}
