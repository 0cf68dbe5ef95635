//! What registrations and paid lookups take on SQLite, and what group commit gives: `cargo bench --bench registering`.
//!
//! In turns, so that all meet the same noise: the bare database (one connection that writes the rows of a registration,
//! or of a charge, and commits, one after the other), the use case by one caller at a time, and by 64 at once, whose
//! transactions share commits. Everything is durable when it is counted.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking and prints what it measured"
)]
#![allow(clippy::disallowed_methods, reason = "it reads the clock of the machine")]

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;
use tuttu::captcha::Captchas;
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::devices::Devices;
use tuttu::directory::Directory;
use tuttu::epochs::Epochs;
use tuttu::model::account::Platform;
use tuttu::model::audit::Pen;
use tuttu::model::delivery::Channel;
use tuttu::model::entropy::random_bytes;
use tuttu::model::id::{AccountId, DeviceId};
use tuttu::model::keys::{Keys, NumberIndex, Purpose, SecretKey};
use tuttu::model::source::Source;
use tuttu::model::sync_token::SyncToken;
use tuttu::model::verification::MessageTemplate;
use tuttu::registration::{Accounts, RegisterRequest};
use tuttu::sender::{Gateway, Gateways, Inbox, Sender};
use tuttu::store::{BudgetPolicy, Charge, ChargeOutcome, DatabaseUrl, Store};
use tuttu::verification::{StartRequest, VerificationPolicy, Verifications};

const ROUNDS: usize = 5;
/// Registrations, or charges, of one measurement.
const TIMES: usize = 2_000;
const AT_ONCE: usize = 64;

struct Bench {
    verifications: Verifications,
    accounts: Accounts,
    keys: Arc<Keys>,
    store: Store,
    bare: SqliteConnection,
    number: u32,
}

async fn store(folder: &Path, name: &str) -> Store {
    let url = format!("sqlite://{}", folder.join(name).display());
    let store = Store::connect(&DatabaseUrl::parse(&url).unwrap(), true, 8).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn keys() -> Arc<Keys> {
    let keys: BTreeMap<_, _> = Purpose::ALL
        .into_iter()
        .zip(1..)
        .map(|(purpose, byte)| (purpose, SecretKey::new(1, [byte; 32])))
        .collect();
    Arc::new(Keys::new(&keys).unwrap())
}

impl Bench {
    async fn open(folder: &Path) -> Self {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let (store, keys) = (store(folder, "tuttu.db").await, keys());
        store.write_with(Pen::new(&keys, "bench"));
        self::store(folder, "bare.db").await.close().await;
        let options = SqliteConnectOptions::new().filename(folder.join("bare.db"));
        let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let bare = options.pragma("secure_delete", "on").connect().await.unwrap();
        let mut config = Config::default();
        config.limits.guard.capacity = [1_000_000; 5];
        config.limits.guard.per_hour = [1_000_000; 5];
        let gateways =
            Gateways::new(vec![Gateway::new("inbox".to_owned(), Sender::Inbox(Inbox::default()))], &[]);
        let policy = Arc::new(VerificationPolicy::new(&config, Arc::new(gateways)));
        let captchas = Captchas::new(&config.challenges).unwrap();
        let outbox = Arc::new(Notify::new());
        let verifications = Verifications::new(store.clone(), keys.clone(), policy, captchas, outbox);
        let epochs = Epochs::open(&store, &keys, Timestamp::now()).await.unwrap();
        let directory = Arc::new(Directory::new(store.clone(), keys.clone(), &config, Clock::System));
        directory.fill(&[1]).await.unwrap();
        let devices = Devices::new(store.clone(), keys.clone());
        let accounts = Accounts::new(store.clone(), keys.clone(), epochs, directory, devices);
        Self { verifications, accounts, keys, store, bare, number: 0 }
    }

    /// Grants that are not spent yet.
    async fn grants(&mut self) -> Vec<String> {
        let mut grants = Vec::new();
        for _ in 0..TIMES {
            self.number += 1;
            let request = StartRequest {
                number: format!("+35840{:07}", 1_000_000 + self.number * 37 % 8_000_000),
                region: None,
                channel: Channel::Sms,
                template: MessageTemplate::default(),
                accept_language: None,
                source: Source::exempt(),
                account: None,
            };
            let started = self.verifications.start(request, Timestamp::now()).await.unwrap();
            let id = started.state.verification.id;
            let who = self.verifications.authorize(id, &started.secret).await.unwrap().unwrap();
            let code = started.state.verification.code(self.keys.code()).unwrap().expose().to_owned();
            let grant = self.verifications.check(&who, &code, Timestamp::now()).await.unwrap();
            grants.push(grant.expose());
        }
        grants
    }

    async fn register(&self, grant: String) {
        let request = RegisterRequest {
            grant,
            device_name: "Phone".to_owned(),
            platform: Platform::Other,
            discoverable: None,
        };
        assert!(self.accounts.register(&request, Timestamp::now()).await.unwrap().created);
    }

    async fn charge(&self, lookup: u32) {
        let mut handle = [0; 16];
        handle[..4].copy_from_slice(&lookup.to_le_bytes());
        let account = AccountId::random();
        let charge = Charge {
            number: NumberIndex::from_slice(&random_bytes::<32>()).unwrap(),
            device: DeviceId::random(),
            cost: 500,
            carried: None,
            token: SyncToken::commit(&self.keys.sync().in_use(), account, 1, &[handle]),
            other_forms: Vec::new(),
        };
        let policy = BudgetPolicy { capacity: 45_000, leak_per_hour: 6 };
        let outcome = self.store.charge_lookup(&charge, policy, Timestamp::now()).await.unwrap();
        assert_eq!(outcome, ChargeOutcome::Paid(500));
    }

    /// The rows of a registration, and nothing else.
    async fn register_bare(&mut self) {
        let (account, device, number, handle) =
            (random_bytes::<16>(), random_bytes::<16>(), random_bytes::<32>(), random_bytes::<16>());
        let (secret, sealed, tag) = (random_bytes::<32>(), random_bytes::<40>(), random_bytes::<8>());
        let mut tx = self.bare.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::query("INSERT INTO numbers (number_index, account_id) VALUES ($1, $2)")
            .bind(&number[..])
            .bind(&account[..])
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("INSERT INTO accounts (account_id, number_index, number_sealed, discoverable_since, created_at) VALUES ($1, $2, $3, 1, 1)")
            .bind(&account[..]).bind(&number[..]).bind(&sealed[..]).execute(&mut *tx).await.unwrap();
        sqlx::query("INSERT INTO directory (epoch_id, handle, account_id, tag) VALUES (1, $1, $2, $3)")
            .bind(&handle[..])
            .bind(&account[..])
            .bind(&tag[..])
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("INSERT INTO directory_feed (epoch_id, handle, account_id, tag) VALUES (1, $1, $2, $3)")
            .bind(&handle[..])
            .bind(&account[..])
            .bind(&tag[..])
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("INSERT INTO devices (device_id, account_id, number_index, secret_hash, name_sealed, platform, created_at, last_seen_at) VALUES ($1, $2, $3, $4, $5, 'other', 1, 1)")
            .bind(&device[..]).bind(&account[..]).bind(&number[..]).bind(&secret[..]).bind(&sealed[..]).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The row of a charge, and nothing else.
    async fn charge_bare(&mut self) {
        let number = random_bytes::<32>();
        let mut tx = self.bare.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::query("INSERT INTO lookup_budgets (number_index, empty_at) VALUES ($1, 1)")
            .bind(&number[..])
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// One measurement of each, in times a second.
    async fn round(&mut self) -> [f64; 6] {
        let mut figures = [0.0; 6];
        let begun = Instant::now();
        for _ in 0..TIMES {
            self.register_bare().await;
        }
        figures[0] = per_second(begun);
        for (figure, at_once) in [(1, 1), (2, AT_ONCE)] {
            let grants = self.grants().await;
            let begun = Instant::now();
            let bench = &*self;
            stream::iter(grants).for_each_concurrent(at_once, |grant| bench.register(grant)).await;
            figures[figure] = per_second(begun);
        }
        let begun = Instant::now();
        for _ in 0..TIMES {
            self.charge_bare().await;
        }
        figures[3] = per_second(begun);
        for (figure, at_once) in [(4, 1), (5, AT_ONCE)] {
            let begun = Instant::now();
            let bench = &*self;
            stream::iter(0..u32::try_from(TIMES).unwrap())
                .for_each_concurrent(at_once, |lookup| bench.charge(lookup))
                .await;
            figures[figure] = per_second(begun);
        }
        figures
    }
}

fn per_second(begun: Instant) -> f64 {
    f64::from(u32::try_from(TIMES).unwrap()) / begun.elapsed().as_secs_f64()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let mut bench = Bench::open(folder.path()).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(bench.round().await);
    }
    let median = |figure: usize| {
        let mut figures: Vec<f64> = rounds.iter().map(|round| round[figure]).collect();
        figures.sort_by(f64::total_cmp);
        figures[ROUNDS / 2]
    };
    println!("| {TIMES} times on SQLite, median of {ROUNDS} rounds | a second | of the bare database |");
    println!("|---|---|---|");
    let names = [
        "the rows of a registration, bare".to_owned(),
        "registrations, one after the other".to_owned(),
        format!("registrations, {AT_ONCE} at once"),
        "the row of a charge, bare".to_owned(),
        "charges of lookups, one after the other".to_owned(),
        format!("charges of lookups, {AT_ONCE} at once"),
    ];
    for (figure, name) in names.iter().enumerate() {
        println!("| {name} | {:.0} | {:.2} |", median(figure), median(figure) / median(figure / 3 * 3));
    }
}
