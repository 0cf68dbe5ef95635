//! More requests than a server works on at once.

use crate::harness::{Reply, TestService, on_both_engines};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

/// Starts verifications of many numbers at once, each under a key of its own.
async fn start_many(service: &TestService, round: usize) -> Vec<(String, Reply)> {
    let starts = (0..48).map(async |n| {
        let number = format!("+35840{:07}", 1_000_000 + round * 100 + n);
        let reply = start(service, &number).await;
        (number, reply)
    });
    join_all(starts).await
}

async fn start(service: &TestService, number: &str) -> Reply {
    let request = service
        .request(Method::POST, "/v1/verifications", "")
        .header("Idempotency-Key", format!("a-key-of-{number}"));
    Reply::read(request.json(&json!({"phone_number": number, "channel": "sms"})).send().await.unwrap()).await
}

on_both_engines!(
    what_there_is_no_room_for_is_refused_at_once_and_may_come_again,
    |config| {
        config.server.requests_in_flight = 1;
        config.limits.guard.mode = tuttu::config::GuardMode::Off;
    },
    |service| {
        let mut round = 0;
        let refused = loop {
            let replies = start_many(service, round).await;
            assert!(replies.iter().all(|(_, reply)| [201, 503].contains(&reply.status)), "{replies:?}");
            if let Some((number, reply)) = replies.into_iter().find(|(_, reply)| reply.status == 503) {
                assert_eq!(reply.expect(503, "unavailable").retry_after(), 1);
                break number;
            }
            round += 1;
        };
        assert_eq!(service.get("/livez", "").await.bytes, b"ok");
        let (_, metrics) = service.ops("/metrics").await;
        assert!(metrics.contains("tuttu_shed_total{class=\"send\"}"), "{metrics}");
        start(service, &refused).await.expect(201, "");
    }
);
