//! Loads by few means, which share their cores with the server: requests of every kind, or people who come to register.

mod connection;
mod tally;

use super::super::harness::{Server, registration};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connection::{Connection, request};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
pub(super) use tally::{Kind, Tally};

const CODE: &str = "424242";
const ACCOUNTS: usize = 16;
const HANDLES: usize = 100;
/// What is quick enough where there is no load.
const QUICK: Duration = Duration::from_millis(50);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mix {
    /// Anybody: of ten requests seven are lookups, two starts, one checks a code that was sent; a lookup, if there is none.
    Requests,
    /// People whom nobody knows yet: each asks for a code, checks it, registers and looks an address book up, and
    /// leaves when one of these is refused.
    People,
}

/// What a load needs to know.
pub(super) struct Load {
    address: String,
    lookups: Vec<Vec<u8>>,
    epoch: Value,
    next_number: AtomicUsize,
    /// Verifications whose code can be checked: id and secret.
    started: Mutex<Vec<[String; 2]>>,
}

/// A lookup of strangers, whom nobody else asks for.
fn lookup(epoch: &Value, token: &str, person: &str) -> Vec<u8> {
    let handle =
        |n| URL_SAFE_NO_PAD.encode(&blake3::hash(format!("{person} {n}").as_bytes()).as_bytes()[..16]);
    let handles: Vec<String> = (0..HANDLES).map(handle).collect();
    request("/v1/discovery/lookup", token, &json!({"epoch": epoch, "handles": handles}))
}

fn check([id, secret]: [String; 2]) -> Vec<u8> {
    request(&format!("/v1/verifications/{id}/check"), &secret, &json!({"code": CODE}))
}

impl Load {
    /// Registers some people, each with an address book of strangers.
    pub(super) async fn prepare(server: &Server) -> Self {
        let (mut lookups, mut epoch) = (Vec::new(), Value::Null);
        for person in 0..ACCOUNTS {
            let attempt = server.attempt(&format!("+35840{:07}", 9_000_000 + person)).await;
            let grant = server.check(&attempt, CODE).await.text("/grant");
            let answer = server.post("/v1/accounts", "", &registration(&grant, "Phone")).await;
            let token = answer.expect(201, "").text("/device_token");
            (epoch, _) = server.epoch(&token).await;
            lookups.push(lookup(&epoch, &token, &person.to_string()));
        }
        let address = server.base.trim_start_matches("http://").to_owned();
        Self { address, lookups, epoch, next_number: AtomicUsize::new(1_000_000), started: Mutex::default() }
    }

    /// The same load for another server, which has nothing to check.
    pub(super) fn elsewhere(&self, address: SocketAddr) -> Self {
        Self {
            address: address.to_string(),
            lookups: self.lookups.clone(),
            epoch: self.epoch.clone(),
            next_number: AtomicUsize::new(1_000_000),
            started: Mutex::default(),
        }
    }

    /// The next of [`Mix::Requests`].
    fn next(&self, ticket: usize) -> (Kind, Vec<u8>) {
        let lookup = || (Kind::Lookup, self.lookups[ticket % ACCOUNTS].clone());
        match ticket % 10 {
            0 | 5 => (Kind::Start, self.start()),
            9 => self.started.lock().unwrap().pop().map_or_else(lookup, |sent| (Kind::Check, check(sent))),
            _ => lookup(),
        }
    }

    fn start(&self) -> Vec<u8> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let body =
            json!({"phone_number": format!("+35840{}{:06}", number % 10, number / 10), "channel": "sms"});
        request("/v1/verifications", "", &body)
    }

    /// Asks on so many connections for so long: one request or person after the other, or at a rate whatever comes
    /// back.
    pub(super) async fn run(
        &self,
        mix: Mix,
        connections: usize,
        rate: Option<f64>,
        lasting: Duration,
    ) -> Tally {
        let (begun, tickets) = (Instant::now(), AtomicUsize::new(0));
        let asking = (0..connections).map(|_| async {
            let mut visit = Visit::of(self).await;
            while begun.elapsed() < lasting {
                let ticket = tickets.fetch_add(1, Ordering::Relaxed);
                if let Some(rate) = rate {
                    let due = Duration::from_secs_f64(ticket as f64 / rate);
                    if due > lasting {
                        break;
                    }
                    let due = begun + due;
                    tokio::time::sleep_until(due.into()).await;
                    visit.tally.late(due.elapsed());
                }
                let is_served = match mix {
                    Mix::Requests => visit.request(ticket).await,
                    Mix::People => visit.person().await.is_some(),
                };
                visit.tally.end(is_served);
            }
            visit.tally
        });
        let mut all = Tally::default();
        for tally in futures_util::future::join_all(asking).await {
            all.add(tally);
        }
        all.seconds = begun.elapsed().as_secs_f64();
        all
    }

    /// Whether a start, its check and a lookup are answered well and quickly.
    pub(super) async fn is_normal(&self) -> bool {
        let mut visit = Visit::of(self).await;
        if !visit.is_quick(Kind::Start, &self.start()).await {
            return false;
        }
        let sent = visit.connection.texts(["id", "secret"]);
        visit.is_quick(Kind::Check, &check(sent)).await
            && visit.is_quick(Kind::Lookup, &self.lookups[0]).await
    }
}

/// Who uses a connection, and how it went.
struct Visit<'load> {
    load: &'load Load,
    connection: Connection,
    tally: Tally,
}

impl<'load> Visit<'load> {
    async fn of(load: &'load Load) -> Self {
        Self { load, connection: Connection::open(&load.address).await, tally: Tally::default() }
    }

    /// Whether the answer is a good one.
    async fn ask(&mut self, kind: Kind, request: &[u8]) -> bool {
        let asked = Instant::now();
        let status = self.connection.ask(request).await;
        self.tally.note(kind, status, asked.elapsed(), &self.connection.body());
        matches!(status, 200 | 201)
    }

    async fn is_quick(&mut self, kind: Kind, request: &[u8]) -> bool {
        let asked = Instant::now();
        self.ask(kind, request).await && asked.elapsed() <= QUICK
    }

    async fn request(&mut self, ticket: usize) -> bool {
        let (kind, request) = self.load.next(ticket);
        let is_good = self.ask(kind, &request).await;
        // Of two codes one is checked, soon: none are left over for later.
        if is_good && kind == Kind::Start && ticket.is_multiple_of(10) {
            self.load.started.lock().unwrap().push(self.connection.texts(["id", "secret"]));
        }
        is_good
    }

    /// Comes for a code and goes with the answer about an address book.
    async fn person(&mut self) -> Option<()> {
        self.ask(Kind::Start, &self.load.start()).await.then_some(())?;
        let sent = self.connection.texts(["id", "secret"]);
        let person = sent[0].clone();
        self.ask(Kind::Check, &check(sent)).await.then_some(())?;
        let [grant] = self.connection.texts(["grant"]);
        let registration = request("/v1/accounts", "", &registration(&grant, "Phone"));
        self.ask(Kind::Registration, &registration).await.then_some(())?;
        let [token] = self.connection.texts(["device_token"]);
        self.ask(Kind::Lookup, &lookup(&self.load.epoch, &token, &person)).await.then_some(())
    }
}
