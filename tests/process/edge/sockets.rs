//! Sockets that speak HTTP by hand, well or slowly.

use super::super::harness::{DEADLINE, Server, until};
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(super) const LIVEZ: &str = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
pub(super) const HALF_A_BODY: &str = "POST /v1/verifications HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
    Content-Length: 100\r\n\r\n{\"phone_number\":";
const HALF_A_HEAD: &str = "GET /livez HTTP/1.1\r\nHost: ";
const DOCUMENT: &str = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";
/// More than two systems hold in their buffers.
const DOCUMENTS: usize = 400;

/// A way to be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Silent,
    HalfAHead,
    SlowBody,
    SlowReader,
}

impl Pace {
    pub(super) const ALL: [Self; 4] = [Self::Silent, Self::HalfAHead, Self::SlowBody, Self::SlowReader];

    /// What the configuration allows.
    pub(super) const fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Silent | Self::HalfAHead => 1,
            Self::SlowBody => 2,
            Self::SlowReader => 3,
        })
    }

    /// Is slow until the server has had enough: how long that took from the opening of the connection.
    async fn run(self, base: &str) -> (Self, Duration) {
        let socket = Socket::at(base).await;
        let begun = Instant::now();
        match self {
            Self::Silent => drop(socket.rest().await),
            Self::HalfAHead => drop(socket.say(HALF_A_HEAD).await.rest().await),
            Self::SlowBody => drop(socket.say(HALF_A_BODY).await.rest().await),
            Self::SlowReader => socket.say(&DOCUMENT.repeat(DOCUMENTS)).await.broken().await,
        }
        (self, begun.elapsed())
    }
}

/// Runs slow sockets on this thread: how long each lasted.
pub(super) fn all(base: &str, paces: Vec<Pace>) -> Vec<(Pace, Duration)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(join_all(paces.into_iter().map(|pace| pace.run(base))))
}

/// A connection.
pub(super) struct Socket(TcpStream);

impl Socket {
    pub(super) async fn open(server: &Server) -> Self {
        Self::at(&server.base).await
    }

    /// One to the server that lies there.
    async fn at(base: &str) -> Self {
        Self(TcpStream::connect(base.trim_start_matches("http://")).await.unwrap())
    }

    /// One that has had an answer, and stays open.
    pub(super) async fn answered(server: &Server) -> Self {
        Self::try_answered(server).await.unwrap()
    }

    /// The same, or none where the server closes it.
    pub(super) async fn try_answered(server: &Server) -> Option<Self> {
        let mut socket = Self::open(server).await;
        socket.0.write_all(LIVEZ.as_bytes()).await.ok()?;
        let mut first = [0; 1024];
        let length = timeout(DEADLINE, socket.0.read(&mut first)).await.unwrap().ok()?;
        first[..length].starts_with(b"HTTP/1.1 200 OK\r\n").then_some(socket)
    }

    /// Whether a request is answered well; `false` once the connection is closed, before an answer or with it.
    pub(super) async fn answers(&mut self, request: &str) -> bool {
        let mut answer = [0; 1024];
        if self.0.write_all(request.as_bytes()).await.is_err() {
            return false;
        }
        let Ok(length @ 1..) = timeout(DEADLINE, self.0.read(&mut answer)).await.unwrap() else {
            return false;
        };
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        !answer.contains("connection: close\r\n")
    }

    pub(super) async fn say(mut self, text: &str) -> Self {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self
    }

    /// All that still comes, until the server closes.
    pub(super) async fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        // A server that closes in the middle of a request may reset the connection: what it said before counts.
        let _reset = timeout(DEADLINE, self.0.read_to_end(&mut bytes)).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Waits, without reading, until the server has given the connection up.
    async fn broken(mut self) {
        until("the end of a connection that nobody reads", async || self.0.write_all(b" ").await.err()).await;
    }
}
