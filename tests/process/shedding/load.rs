//! A load of lookups, starts and checks, by few means: it shares its cores with the server.

use super::super::harness::{Server, registration};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CODE: &str = "424242";
const PEOPLE: usize = 16;
const HANDLES: usize = 100;
/// What is quick enough where there is no load.
const QUICK: Duration = Duration::from_millis(50);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Lookup,
    Start,
    Check,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Lookup, Self::Start, Self::Check];

    pub(super) const fn as_str(self) -> &'static str {
        ["lookups", "starts", "checks"][self as usize]
    }
}

/// How a run went.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: [[usize; 2]; 3],
    shed: Vec<Duration>,
    /// Answers that nobody expected.
    pub(super) wrong: Vec<String>,
    pub(super) seconds: f64,
}

impl Tally {
    fn note(&mut self, kind: Kind, status: u16, took: Duration, answer: &str) {
        match status {
            200 | 201 => self.counts[kind as usize][0] += 1,
            503 => {
                self.counts[kind as usize][1] += 1;
                self.shed.push(took);
            }
            _ => self.wrong.push(format!("{status} {answer}")),
        }
    }

    fn add(&mut self, other: Self) {
        for (mine, others) in self.counts.iter_mut().flatten().zip(other.counts.iter().flatten()) {
            *mine += others;
        }
        self.shed.extend(other.shed);
        self.wrong.extend(other.wrong);
    }

    pub(super) fn good(&self, kind: Kind) -> usize {
        self.counts[kind as usize][0]
    }

    pub(super) fn shed(&self, kind: Kind) -> usize {
        self.counts[kind as usize][1]
    }

    pub(super) fn of(&self, kind: Kind) -> usize {
        self.good(kind) + self.shed(kind)
    }

    pub(super) fn all_good(&self) -> usize {
        Kind::ALL.map(|kind| self.good(kind)).iter().sum()
    }

    pub(super) fn all(&self) -> usize {
        Kind::ALL.map(|kind| self.of(kind)).iter().sum()
    }

    /// Good answers a second.
    pub(super) fn rate(&self) -> f64 {
        self.all_good() as f64 / self.seconds
    }

    pub(super) fn shed_p99(&self) -> Duration {
        let mut took = self.shed.clone();
        took.sort();
        took.get(took.len() * 99 / 100).copied().unwrap_or_default()
    }
}

/// What a load needs to know.
pub(super) struct Load {
    address: String,
    lookups: Vec<Vec<u8>>,
    next_number: AtomicUsize,
    /// Verifications whose code can be checked: id and secret.
    started: Mutex<Vec<(String, String)>>,
}

fn request(path: &str, bearer: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let authorization =
        if bearer.is_empty() { String::new() } else { format!("Authorization: Bearer {bearer}\r\n") };
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Load {
    /// Registers some people, each with an address book of strangers.
    pub(super) async fn prepare(server: &Server) -> Self {
        let mut lookups = Vec::new();
        for person in 0..PEOPLE {
            let attempt = server.attempt(&format!("+35840{:07}", 9_000_000 + person)).await;
            let grant = server.check(&attempt, CODE).await.text("/grant");
            let answer = server.post("/v1/accounts", "", &registration(&grant, "Phone")).await;
            let token = answer.expect(201, "").text("/device_token");
            let (epoch, _) = server.epoch(&token).await;
            let handle = |n: usize| {
                URL_SAFE_NO_PAD.encode(&blake3::hash(format!("{person} {n}").as_bytes()).as_bytes()[..16])
            };
            let handles: Vec<String> = (0..HANDLES).map(handle).collect();
            lookups.push(request(
                "/v1/discovery/lookup",
                &token,
                &json!({"epoch": epoch, "handles": handles}),
            ));
        }
        let address = server.base.trim_start_matches("http://").to_owned();
        Self { address, lookups, next_number: AtomicUsize::new(1_000_000), started: Mutex::default() }
    }

    /// The same load for another server, which has nothing to check.
    pub(super) fn elsewhere(&self, address: SocketAddr) -> Self {
        let next_number = AtomicUsize::new(1_000_000);
        Self {
            address: address.to_string(),
            lookups: self.lookups.clone(),
            next_number,
            started: Mutex::default(),
        }
    }

    /// Of ten requests seven are lookups, two starts; one checks a code that was sent, if there is one.
    fn next(&self, ticket: usize) -> (Kind, Vec<u8>) {
        let lookup = || (Kind::Lookup, self.lookups[ticket % PEOPLE].clone());
        match ticket % 10 {
            0 | 5 => (Kind::Start, self.start()),
            9 => self.check().map_or_else(lookup, |check| (Kind::Check, check)),
            _ => lookup(),
        }
    }

    fn start(&self) -> Vec<u8> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let body =
            json!({"phone_number": format!("+35840{}{:06}", number % 10, number / 10), "channel": "sms"});
        request("/v1/verifications", "", &body)
    }

    fn check(&self) -> Option<Vec<u8>> {
        let (id, secret) = self.started.lock().unwrap().pop()?;
        Some(request(&format!("/v1/verifications/{id}/check"), &secret, &json!({"code": CODE})))
    }

    /// Asks on so many connections for so long: one request after the other, or at a rate whatever comes back.
    pub(super) async fn run(&self, connections: usize, rate: Option<f64>, lasting: Duration) -> Tally {
        let (begun, tickets) = (Instant::now(), AtomicUsize::new(0));
        let asking = (0..connections).map(|_| async {
            let (mut tally, mut connection) = (Tally::default(), Connection::open(&self.address).await);
            while begun.elapsed() < lasting {
                let ticket = tickets.fetch_add(1, Ordering::Relaxed);
                if let Some(rate) = rate {
                    let due = begun + Duration::from_secs_f64(ticket as f64 / rate);
                    tokio::time::sleep_until(due.min(begun + lasting).into()).await;
                }
                let (kind, request) = self.next(ticket);
                let asked = Instant::now();
                let status = connection.ask(&request, &self.address).await;
                tally.note(kind, status, asked.elapsed(), &connection.body());
                if (kind, status) == (Kind::Start, 201) {
                    self.started.lock().unwrap().push(connection.started());
                }
            }
            tally
        });
        let mut all = Tally::default();
        for tally in futures_util::future::join_all(asking).await {
            all.add(tally);
        }
        all.seconds = begun.elapsed().as_secs_f64();
        all
    }

    /// Whether each kind of request is answered well and quickly.
    pub(super) async fn is_normal(&self) -> bool {
        let mut connection = Connection::open(&self.address).await;
        for ticket in [0, 1, 9] {
            let (_, request) = self.next(ticket);
            let asked = Instant::now();
            let status = connection.ask(&request, &self.address).await;
            if status >= 300 || asked.elapsed() > QUICK {
                return false;
            }
        }
        true
    }
}

/// A connection that is used again.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
    body: usize,
}

impl Connection {
    async fn open(address: &str) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), answer: Vec::new(), body: 0 }
    }

    /// Asks and reads the whole answer: its status, 0 if the connection broke.
    async fn ask(&mut self, request: &[u8], address: &str) -> u16 {
        self.answer.clear();
        self.body = 0;
        let written = self.stream.write_all(request).await;
        let status = if written.is_ok() { self.read().await } else { None };
        if status.is_none() || self.head().contains("connection: close") {
            self.stream = TcpStream::connect(address).await.unwrap();
        }
        status.unwrap_or_default()
    }

    async fn read(&mut self) -> Option<u16> {
        loop {
            if self.stream.read_buf(&mut self.answer).await.ok()? == 0 {
                return None;
            }
            let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            self.body = end + 4;
            let length =
                self.head().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if self.answer.len() >= self.body + length.unwrap_or(0_usize) {
                return self.head().get(9..12)?.parse().ok();
            }
        }
    }

    fn head(&self) -> &str {
        std::str::from_utf8(&self.answer[..self.body]).unwrap_or_default()
    }

    fn body(&self) -> String {
        String::from_utf8_lossy(&self.answer[self.body..]).into_owned()
    }

    /// The verification that the last answer tells of.
    fn started(&self) -> (String, String) {
        let answer: Value = serde_json::from_slice(&self.answer[self.body..]).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }
}
