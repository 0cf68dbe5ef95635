//! Connections that take their time, and more of them than there is room for.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

mod ending;
mod sockets;

use super::harness::{Place, Server, until};
use sockets::{Pace, Socket};
use std::time::{Duration, Instant};

/// Short limits, each of another length, so that none is taken for another.
fn impatient() -> Place {
    let mut place = Place::new();
    place.set("TUTTU__SERVER__HEAD_TIMEOUT", "1");
    place.set("TUTTU__SERVER__BODY_TIMEOUT", "2");
    place.set("TUTTU__SERVER__WRITE_TIMEOUT", "3");
    place.set("TUTTU__SERVER__IDLE_TIMEOUT", "4");
    place
}

/// What no client notices.
const NOTICED: Duration = Duration::from_millis(1);
/// A server may have accepted a connection before its client goes on.
const ACCEPTED_FIRST: Duration = Duration::from_millis(50);

fn proving() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

/// The value of a metric, 0 while there is none.
async fn metric(server: &Server, series: &str) -> u64 {
    let metrics = server.metrics().await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    line.unwrap_or_default()
}

/// The 99th percentile of what an honest client waits for.
async fn honest_p99(server: &Server, token: &str) -> Duration {
    let mut waited = Vec::new();
    for _ in 0..if proving() { 2_000 } else { 50 } {
        let begun = Instant::now();
        assert_eq!(server.get("/v1/discovery/epochs", token).await.status, 200);
        waited.push(begun.elapsed());
    }
    waited.sort();
    waited[waited.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_slow_socket_is_closed_within_its_limit_and_honest_clients_notice_nothing() {
    let place = impatient();
    let mut server = place.serve();
    server.inbox_key();
    let anna = server.register("+358401234561").await;
    let without = honest_p99(&server, &anna.token).await;
    let each = if proving() { 125 } else { 10 };
    let paces = Pace::ALL.into_iter().flat_map(|pace| (0..each).map(move |_| pace));
    // On a thread of their own: the honest client waits for the server alone.
    let (base, paces) = (server.base.clone(), paces.collect::<Vec<_>>());
    let slow = std::thread::spawn(move || sockets::all(&base, paces));
    let with = honest_p99(&server, &anna.token).await;
    let ended = tokio::task::block_in_place(|| slow.join().unwrap());
    for pace in Pace::ALL {
        let lasted = ended.iter().filter(|(of, _)| *of == pace).map(|(_, lasted)| *lasted);
        let (shortest, longest) = (lasted.clone().min().unwrap(), lasted.max().unwrap());
        let grace = Duration::from_secs(if proving() { 1 } else { 15 });
        assert!(
            shortest + ACCEPTED_FIRST >= pace.limit() && longest < pace.limit() + grace,
            "{pace:?}: {shortest:?} to {longest:?}"
        );
        println!("| {each} {pace:?} | {:?} | {shortest:.2?} to {longest:.2?} |", pace.limit());
    }
    println!("| honest p99 without / with them | | {without:.2?} / {with:.2?} |");
    if proving() {
        assert!(with <= without.max(NOTICED) * 2, "honest clients wait for {with:?} instead of {without:?}");
    }
    // An honest client may have opened one that it never needed.
    let heads = metric(&server, "tuttu_connections_timed_out_total{listener=\"api\",limit=\"head\"}").await;
    assert!(heads >= 2 * each, "{heads}");
    server.stop().ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_comes_too_slowly_is_answered_so() {
    let server = impatient().serve();
    let answer = Socket::open(&server).await.say(sockets::HALF_A_BODY).await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(
        answer.contains("connection: close\r\n") && answer.contains("\"code\":\"body_too_slow\""),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_may_be_idle_for_longer_than_a_head_may_take() {
    let server = impatient().serve();
    let begun = Instant::now();
    let answer = Socket::open(&server).await.say(sockets::LIVEZ).await.rest().await;
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_with_too_many_lines_or_bytes_is_refused() {
    let server = Place::new().serve();
    let many = "A: b\r\n".repeat(65);
    let long = format!("A: {}\r\n", "b".repeat(17 * 1024));
    for lines in [many, long] {
        let head = format!("GET /livez HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let answer = Socket::open(&server).await.say(&head).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_cap_connections_are_closed_at_once_and_health_still_answers() {
    let mut place = Place::new();
    place.set("TUTTU__SERVER__CONNECTIONS", "3");
    let server = place.serve();
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(Socket::answered(&server).await);
    }
    assert_eq!(Socket::open(&server).await.rest().await, "", "closed without a word");
    assert_eq!(server.ops_status("/livez").await, 200);
    let refused = "tuttu_connections_refused_total{listener=\"api\",reason=\"total\"}";
    assert_eq!(metric(&server, refused).await, 1);
    assert_eq!(metric(&server, "tuttu_connections{listener=\"api\"}").await, 3);
    sockets.pop();
    until("room for another", async || Socket::try_answered(&server).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_a_cap_of_its_own_unless_it_is_exempt() {
    let mut place = Place::new();
    place.set("TUTTU__SERVER__CONNECTIONS_PER_ADDRESS", "2");
    for (key, value) in [
        ("NAME", "paid"),
        ("KIND", "twilio"),
        ("BASE_URL", "http://127.0.0.1:9"),
        ("ACCOUNT_SID", "AC00"),
        ("AUTH_TOKEN", "token"),
        ("FROM", "+12015550123"),
    ] {
        place.set(&format!("TUTTU__SMS__GATEWAYS__0__{key}"), value);
    }
    let server = place.serve();
    let _both = [Socket::answered(&server).await, Socket::answered(&server).await];
    assert_eq!(Socket::open(&server).await.rest().await, "", "closed without a word");
    let refused = "tuttu_connections_refused_total{listener=\"api\",reason=\"address\"}";
    assert_eq!(metric(&server, refused).await, 1);
    for exempt in ["TUTTU__LIMITS__EXEMPT", "TUTTU__SERVER__TRUSTED_PROXIES"] {
        place.set(exempt, "127.0.0.0/8");
        let server = place.serve();
        let mut sockets = Vec::new();
        for _ in 0..4 {
            sockets.push(Socket::answered(&server).await);
        }
        place.unset(exempt);
    }
}
