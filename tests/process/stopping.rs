//! Servers that end while they are asked.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

mod balancer;

use super::harness::{Engine, Person, Place, on_both_engines, until};
use balancer::Balancer;
use rustix::process::Signal;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

fn proving() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

/// Clients that ask who somebody is, again and again, each on a connection that stays open.
struct Asking {
    over: Arc<AtomicBool>,
    clients: JoinSet<(usize, Vec<String>)>,
}

impl Asking {
    fn begin(clients: usize, base: &str, anna: &Person) -> Self {
        let over = Arc::<AtomicBool>::default();
        let asking = (0..clients).map(|_| ask(over.clone(), base.to_owned(), anna.clone())).collect();
        Self { over, clients: asking }
    }

    /// Ends them: how often they were answered well, and what else happened to them.
    async fn end(self) -> (usize, Vec<String>) {
        self.over.store(true, Ordering::Relaxed);
        let all = self.clients.join_all().await;
        (
            all.iter().map(|(answered, _)| answered).sum(),
            all.into_iter().flat_map(|(_, failed)| failed).collect(),
        )
    }
}

async fn ask(over: Arc<AtomicBool>, base: String, anna: Person) -> (usize, Vec<String>) {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    let (mut answered, mut failed) = (0, Vec::new());
    while !over.load(Ordering::Relaxed) {
        let asked = http.get(format!("{base}/v1/account")).bearer_auth(&anna.token).send().await;
        match asked {
            Err(cause) => failed.push(format!("{cause:?}")),
            Ok(answer) if answer.status() != 200 => failed.push(answer.status().to_string()),
            Ok(answer) => match answer.json::<Value>().await {
                Ok(answer) if answer["account_id"] == anna.account_id.as_str() => answered += 1,
                other => failed.push(format!("{other:?}")),
            },
        }
    }
    (answered, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_of_two_nodes_under_load_loses_no_request() {
    let mut place = Place::on(Engine::Postgres).await;
    place.set("TUTTU__SERVER__DRAIN_DELAY", "1");
    let mut nodes = vec![place.serve(), place.serve()];
    nodes[0].inbox_key();
    let anna = nodes[0].register("+358401234561").await;
    let balancer = Balancer::before(&nodes).await;
    let asking = Asking::begin(8, balancer.base(), &anna);
    let (begun, restarts) = (Instant::now(), if proving() { 50 } else { 4 });
    for _ in 0..restarts {
        let old = nodes.remove(0);
        old.signal(Signal::TERM);
        balancer.forgets(&old).await;
        tokio::task::block_in_place(|| old.end().ok());
        let new = tokio::task::block_in_place(|| place.serve());
        balancer.learns(&new).await;
        nodes.push(new);
    }
    let (answered, failed) = asking.end().await;
    println!(
        "| {restarts} restarts in turns, 8 clients, {:.0?} | {answered} answered | {} failed |",
        begun.elapsed(),
        failed.len()
    );
    assert_eq!(failed, Vec::<String>::new(), "of {answered}");
    assert!(answered > 100, "{answered}");
    place.drop_database().await;
}

on_both_engines!(before_it_refuses_connections_a_server_says_that_it_is_not_ready, |place| {
    place.set("TUTTU__SERVER__DRAIN_DELAY", "10");
    let server = place.serve();
    server.begin_to_stop().await;
    until("readiness off", async || (server.ops_status("/readyz").await == 503).then_some(())).await;
    // Who connects now is still answered, and told to look for another node.
    let mut late = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
    late.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = String::new();
    late.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("connection: close\r\n"),
        "{answer}"
    );
    server.kill();
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_or_silent_connection_does_not_keep_a_server() {
    let place = Place::new();
    let server = place.serve();
    let address = server.base.trim_start_matches("http://").to_owned();
    let silent = TcpStream::connect(&address).unwrap();
    let mut idle = TcpStream::connect(&address).unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut first = [0; 512];
    assert!(idle.read(&mut first).unwrap() > 0);
    let begun = Instant::now();
    server.stop().ok();
    assert!(begun.elapsed() < Duration::from_secs(8), "sooner than a head may take: {:?}", begun.elapsed());
    for mut closed in [silent, idle] {
        assert_eq!(closed.read(&mut first).unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_server_follows_another_on_a_passed_socket_and_no_request_is_lost() {
    let mut place = Place::new();
    place.set("TUTTU__SERVER__DRAIN_DELAY", "1");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let passed = || socket.try_clone().unwrap().into();
    let mut server = place.serve_on(passed());
    server.inbox_key();
    let anna = server.register("+358401234561").await;
    let asking = Asking::begin(4, &server.base, &anna);
    let restarts = if proving() { 50 } else { 3 };
    for _ in 0..restarts {
        let new = tokio::task::block_in_place(|| place.serve_on(passed()));
        let old = std::mem::replace(&mut server, new);
        tokio::task::block_in_place(|| old.stop().ok());
    }
    let (answered, failed) = asking.end().await;
    println!(
        "| {restarts} restarts on a passed socket, 4 clients | {answered} answered | {} failed |",
        failed.len()
    );
    assert_eq!(failed, Vec::<String>::new(), "of {answered}");
    server.stop().ok();
}
