//! What the edge adds to a request: `cargo bench --bench edge`.
//!
//! The same small routes behind `axum::serve`, behind the edge, and behind an edge whose gate refuses everything;
//! each on a thread of its own, asked in turns on connections that stay open. What is compared is the processor
//! time of the serving thread, the system's share of it included.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark fails by panicking and prints what it measured"
)]

use axum::Router;
use axum::body::Bytes;
use axum::http::Response;
use axum::routing::post;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tuttu::config::Config;
use tuttu::edge::{Edge, EdgeLimits, Gate};

const ROUNDS: usize = 15;
const CONNECTIONS: usize = 32;
const REQUESTS: usize = 500;
/// The body of a lookup of a hundred handles.
const BODY: usize = 4_400;

/// A server on a thread of its own.
struct Server {
    name: &'static str,
    address: SocketAddr,
    /// Where the system tells how long that thread has run.
    ran: PathBuf,
}

fn routes() -> Router {
    Router::new().route("/v1/discovery/lookup", post(async |body: Bytes| body.len().to_string()))
}

fn behind_edge(listener: TcpListener, gate: Gate) -> impl Future<Output = ()> {
    let limits = Arc::new(EdgeLimits::api(&Config::default()));
    Edge::new(limits, routes(), gate).serve(listener, CancellationToken::new())
}

impl Server {
    fn begin<F: Future>(name: &'static str, serve: impl FnOnce(TcpListener) -> F + Send + 'static) -> Self {
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let ran = format!("/proc/self/task/{}/schedstat", rustix::thread::gettid().as_raw_nonzero());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send((listener.local_addr().unwrap(), ran)).unwrap();
                serve(listener).await;
            });
        });
        let (address, ran) = told.recv().unwrap();
        Self { name, address, ran: ran.into() }
    }

    fn ran(&self) -> Duration {
        let text = std::fs::read_to_string(&self.ran).unwrap();
        Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
    }

    /// Processor time of one request.
    async fn round(&self) -> Duration {
        let before = self.ran();
        futures_util::future::join_all((0..CONNECTIONS).map(|_| ask(self.address))).await;
        self.ran().saturating_sub(before) / u32::try_from(CONNECTIONS * REQUESTS).unwrap()
    }
}

async fn ask(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = [0; 1024];
    let head = "POST /v1/discovery/lookup HTTP/1.1\r\nHost: tuttu.example.org\r\nUser-Agent: app/1.0\r\nAccept: */*\r\n\
        Authorization: Bearer 0123456789012345678901234567890123456789\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {BODY}\r\n\r\n{}", "x".repeat(BODY));
    for _ in 0..REQUESTS {
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(stream.read(&mut answer).await.unwrap() > 0);
    }
}

fn main() {
    let servers = [
        Server::begin("axum::serve", |listener| async {
            axum::serve(listener, routes()).await.unwrap();
        }),
        Server::begin("the edge", |listener| behind_edge(listener, Gate::open())),
        Server::begin("the edge, refusing", |listener| {
            let refuse = |_: &_, _: &_| {
                let answer = Response::builder()
                    .status(503)
                    .header("content-type", "application/problem+json")
                    .header("retry-after", "1")
                    .header("cache-control", "no-store")
                    .header("x-content-type-options", "nosniff")
                    .header("x-request-id", "00000000-0000-4000-8000-000000000000");
                answer.body(Bytes::from_static(&[b'x'; 200])).ok()
            };
            behind_edge(listener, Gate::new(refuse))
        }),
    ];
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut took = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (server, took) in servers.iter().zip(&mut took) {
            took.push(client.block_on(server.round()));
        }
    }
    let medians = took.map(|mut took| {
        took.sort();
        took[ROUNDS / 2]
    });
    println!("| behind | processor time a request | beside axum::serve |");
    for (server, median) in servers.iter().zip(medians) {
        let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
        println!("| {} | {median:.2?} | {ratio:.2} |", server.name);
    }
}
