//! Keys that are none, bodies that break off, clients that hang up, nodes that die.

use super::{ANNA, KEY, OTHER_KEY, STARTS, ask, asking, assert_replayed, is_replay, redeem};
use crate::harness::{Reply, TestService, on_both_engines};
use reqwest::Method;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_mins(1);
/// What touches every row, and so counts them.
const ROWS: &str = "UPDATE idempotency SET claim_id = claim_id";
/// What a node leaves that dies before it keeps an answer.
const DIED: &str = "UPDATE idempotency SET answer_sealed = NULL, expires_at = 1795348860000";

on_both_engines!(a_key_that_is_none_is_refused_and_named, |service| {
    let (short, long) = ("k".repeat(15), "k".repeat(129));
    for keys in [
        &[short.as_str()][..],
        &[&long],
        &["a key with some spaces"],
        &["avain-johon-ei-näy"],
        &[KEY, KEY],
        &[""],
    ] {
        let mut request = service.request(Method::POST, STARTS, "").json(&asking(ANNA));
        for key in keys {
            request = request.header("Idempotency-Key", *key);
        }
        let reply = Reply::read(request.send().await.unwrap()).await.expect(400, "field_invalid");
        assert_eq!(reply.text("/field"), "Idempotency-Key", "{keys:?}");
    }
    assert_eq!(service.alter(ROWS, &[]).await, 0);
    for key in ["k".repeat(16), "~".repeat(128)] {
        assert!(!is_replay(&ask(service, ANNA, &key).await.expect(201, "")));
        service.advance(3_600);
    }
});

on_both_engines!(a_body_that_cannot_be_read_leaves_nothing, |service| {
    let request = || service.request(Method::POST, STARTS, "").header("Idempotency-Key", KEY);
    let large = request().header("Content-Type", "application/json").body(" ".repeat(16 * 1024 + 1));
    Reply::read(large.send().await.unwrap()).await.expect(413, "body_too_large");
    let mut broken = hang_up(service, "{\"phone_number\": ", 100).await;
    broken.shutdown().await.unwrap();
    let malformed = request().header("Content-Type", "application/json").body("{");
    Reply::read(malformed.send().await.unwrap()).await.expect(400, "json_invalid");
    assert_eq!(service.alter(ROWS, &[]).await, 0);
    let first = ask(service, ANNA, KEY).await.expect(201, "");
    assert_replayed(&first, &ask(service, ANNA, KEY).await);
});

/// A start that is written to the connection by hand, with a body that may be longer than what is sent of it.
async fn hang_up(service: &TestService, sent: &str, length: usize) -> TcpStream {
    let url = service.request(Method::POST, STARTS, "").build().unwrap().url().clone();
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
    let head = format!(
        "POST {STARTS} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nIdempotency-Key: {KEY}\r\n\
         Content-Length: {length}\r\n\r\n{sent}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

on_both_engines!(whoever_hangs_up_finds_the_answer, |service| {
    for round in 0..12_u32 {
        let number = format!("+3584012345{:02}", 10 + round);
        let body = asking(&number).to_string();
        let stream = hang_up(service, &body, body.len()).await;
        // The server is somewhere else in its work every time.
        for _ in 0..round * 8 {
            tokio::task::yield_now().await;
        }
        drop(stream);
        let begun = Instant::now();
        let reply = loop {
            let reply = ask(service, &number, KEY).await;
            if reply.status != 409 {
                break reply;
            }
            assert!(begun.elapsed() < PATIENCE, "the request is under way for ever");
        };
        reply.expect(201, "");
        service.code(&number, 1).await;
        assert_eq!(service.texts(&number).await.len(), 1, "{number}");
        service.advance(86_400);
    }
});

on_both_engines!(what_a_dead_node_left_is_under_way_for_a_minute_and_then_a_new_request, |service| {
    let first = ask(service, ANNA, KEY).await.expect(201, "");
    assert_eq!(service.alter(DIED, &[]).await, 1);
    let waiting = ask(service, ANNA, KEY).await.expect(409, "idempotency_in_flight");
    assert_eq!(waiting.retry_after(), 1);
    service.advance(30);
    ask(service, ANNA, OTHER_KEY).await.expect(201, "");
    service.advance(30);
    let limited = ask(service, ANNA, KEY).await.expect(429, "resend_too_early");
    service.advance(limited.retry_after());
    let afresh = ask(service, ANNA, KEY).await.expect(201, "");
    assert!(!is_replay(&afresh) && afresh.text("/id") != first.text("/id"), "under the number's wait");
});

on_both_engines!(what_a_dead_node_left_of_a_registration_makes_no_second_device, |service| {
    let grant = service.grant(ANNA).await;
    redeem(service, &grant, KEY).await.expect(201, "");
    assert_eq!(service.alter(DIED, &[]).await, 1);
    redeem(service, &grant, KEY).await.expect(409, "idempotency_in_flight");
    service.advance(60);
    redeem(service, &grant, KEY).await.expect(409, "grant_used");
});
