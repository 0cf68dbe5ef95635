//! What it takes to decide whether a code is sent, on SQLite: `cargo bench --bench deciding`.
//!
//! Three things are timed in turns, so that all meet the same noise: the floor (the smallest durable
//! transaction), a whole start (every limit counted, verification and message written, durable), and the
//! decision alone (the same limits counted in a transaction that is then undone). Latencies are of one caller
//! at a time, on a database that has seen some thousands of sends.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking and prints what it measured"
)]
#![allow(clippy::disallowed_methods, reason = "it reads the clock of the machine")]

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tuttu::captcha::Captchas;
use tuttu::config::Config;
use tuttu::model::audit::Pen;
use tuttu::model::counter::Counter;
use tuttu::model::delivery::{Channel, Delivery, DeliveryStatus};
use tuttu::model::guard::{Lane, Subject};
use tuttu::model::id::{DeliveryId, VerificationId};
use tuttu::model::keys::{Keys, Purpose, SecretKey};
use tuttu::model::number::PhoneNumber;
use tuttu::model::source::Source;
use tuttu::model::verification::MessageTemplate;
use tuttu::sender::{Gateway, Gateways, Inbox, Sender};
use tuttu::store::{DatabaseUrl, SendOrder, SendOutcome, SendingPause, Store};
use tuttu::verification::{StartRequest, VerificationPolicy, Verifications};

/// Sends before anything is timed.
const WARM: u32 = 2_000;
const ROUNDS: u32 = 3_000;

struct Bench {
    floor: Store,
    store: Store,
    keys: Arc<Keys>,
    policy: Arc<VerificationPolicy>,
    verifications: Verifications,
}

async fn store(folder: &Path, name: &str) -> Store {
    let url = format!("sqlite://{}", folder.join(name).display());
    let store = Store::connect(&DatabaseUrl::parse(&url).unwrap(), true, 8).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Limits that all look at every send and refuse none, so that each is decided to the end.
fn config() -> Config {
    let mut config = Config::default();
    config.limits.guard.capacity = [1_000_000; 5];
    config.limits.guard.per_hour = [1_000_000; 5];
    config.limits.money.prices = [("default".to_owned(), 0.05)].into();
    config.limits.money.per_day = Some(1e6);
    config.limits.money.countries = [("FI".to_owned(), 1e6)].into();
    config
}

impl Bench {
    async fn open(folder: &Path) -> Self {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let (floor, store) = (store(folder, "floor.db").await, store(folder, "tuttu.db").await);
        let keys: BTreeMap<_, _> = Purpose::ALL
            .into_iter()
            .zip(1..)
            .map(|(purpose, byte)| (purpose, SecretKey::new(1, [byte; 32])))
            .collect();
        let keys = Arc::new(Keys::new(&keys).unwrap());
        store.write_with(Pen::new(&keys, "bench"));
        let config = config();
        let gateways =
            Gateways::new(vec![Gateway::new("inbox".to_owned(), Sender::Inbox(Inbox::default()))], &[]);
        let policy = Arc::new(VerificationPolicy::new(&config, Arc::new(gateways)));
        let captchas = Captchas::new(&config.challenges).unwrap();
        let verifications = Verifications::new(
            store.clone(),
            keys.clone(),
            policy.clone(),
            captchas,
            Arc::new(Notify::new()),
        );
        Self { floor, store, keys, policy, verifications }
    }

    async fn write_one_row(&self, now: Timestamp) {
        self.floor.pause_sending(&SendingPause { reason: "floor".to_owned(), at: now }).await.unwrap();
    }

    async fn start(&self, caller: u32, now: Timestamp) {
        let request = StartRequest {
            number: number(caller),
            region: None,
            channel: Channel::Sms,
            template: MessageTemplate::default(),
            accept_language: None,
            source: source(caller),
            account: None,
        };
        assert!(self.verifications.start(request, now).await.unwrap().due.is_none());
    }

    async fn decide(&self, order: &SendOrder) {
        let outcome = self.store.probe_send(order, &self.policy.sends, Timestamp::MAX).await.unwrap();
        assert!(matches!(outcome, SendOutcome::Sending(_)), "{outcome:?}");
    }

    fn order(&self, caller: u32, now: Timestamp) -> SendOrder {
        let (policy, key) = (&self.policy, self.keys.subjects());
        let number = PhoneNumber::parse(&number(caller), None).unwrap();
        let source = source(caller);
        let subject = |purpose: &str, text: &str| Subject::derive(key, purpose, text);
        SendOrder {
            delivery: Delivery {
                id: DeliveryId::random(),
                verification: VerificationId::random(),
                channel: Channel::Sms,
                status: DeliveryStatus::Queued,
                at: now,
                reason: None,
                gateway: None,
                retry_at: None,
            },
            number: self.keys.number_index(&number),
            phone: number.clone(),
            counter: Counter::Open,
            proof: None,
            range: source.range().map(|range| subject("sends_per_range", &range.to_string())),
            first: policy.guard.tolls(key, Lane::First, Some(&number), &source),
            second: policy.guard.tolls(key, Lane::Second, Some(&number), &source),
            enforce: true,
            prefix: Some(subject("conversion", number.less_digits(6))),
            country: number.country(),
            price: 50_000,
            caps: policy.money.caps(&number.country(), policy.guard.conversion_percent),
            hardness: policy.hardness,
            guesses: policy.wrong_checks_per_day,
        }
    }
}

fn number(caller: u32) -> String {
    format!("+35840{:07}", 1_000_000 + caller * 37 % 8_000_000)
}

fn source(caller: u32) -> Source {
    Source::of(std::net::Ipv4Addr::from(0x0a00_0000 + caller * 16).into())
}

async fn timed(times: &mut Vec<Duration>, work: impl Future<Output = ()>) {
    let begun = Instant::now();
    work.await;
    times.push(begun.elapsed());
}

/// The value below which `percent` of all lie, in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let bench = Bench::open(folder.path()).await;
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    for caller in 0..WARM {
        bench.start(caller, now).await;
    }
    let mut times = [const { Vec::new() }; 3];
    for caller in WARM..WARM + ROUNDS {
        let order = bench.order(caller + ROUNDS, now);
        timed(&mut times[0], bench.write_one_row(now)).await;
        timed(&mut times[1], bench.start(caller, now)).await;
        timed(&mut times[2], bench.decide(&order)).await;
    }
    for times in &mut times {
        times.sort();
    }
    let names = ["floor: one row, durable", "start: decided and written, durable", "decision alone"];
    println!("| {ROUNDS} times on SQLite | p50 ms | p99 ms | p50 of the floor | p99 of the floor |");
    println!("|---|---|---|---|---|");
    let floor = [50, 99].map(|percent| percentile(&times[0], percent));
    for (name, times) in names.iter().zip(&times) {
        let [p50, p99] = [50, 99].map(|percent| percentile(times, percent));
        println!("| {name} | {p50:.3} | {p99:.3} | {:.2} | {:.2} |", p50 / floor[0], p99 / floor[1]);
    }
}
