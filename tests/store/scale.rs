//! The console over ten million events: `scripts/prove console`; here over some thousands.
//!
//! `TUTTU_EVENTS` says how many. The database is filled in bulk: [`shown`] works out what the console shows of them, and
//! a test compares that with what the service draws from the same log. Then every filter is asked with values at random,
//! through what the pages call: with the files of the database dropped from the kernel's cache before each question, and
//! again with the same values.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

mod alike;
mod asking;
mod bulk;
mod events;
mod export;
mod files;
mod fill;
mod shown;

use super::fixtures::{Database, keys};
use crate::engine::Engine;
use asking::{Console, OF_ATTEMPTS, OF_SUMS, OF_THE_LOG, now};
use events::Dice;
use files::Files;
use fill::{Filled, Known, fill};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tuttu::audit::{AuditLog, Verification};
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::devices::Devices;
use tuttu::directory::Directory;
use tuttu::epochs::Epochs;
use tuttu::model::guard::GuardPolicy;
use tuttu::oversight::{GatewayWatch, Oversight, OversightPolicy};
use tuttu::registration::Accounts;
use tuttu::store::{DatabaseUrl, Store};
use tuttu::verification::Decided;

/// What the first page of any filter may take, of 95 in a hundred.
const LIMIT: Duration = Duration::from_millis(200);

fn proving() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

fn events() -> u64 {
    let given = std::env::var("TUTTU_EVENTS").ok().map(|text| text.parse().unwrap());
    given.unwrap_or(if proving() { 10_000_000 } else { 4_000 })
}

/// Random values of each filter.
fn times() -> usize {
    if proving() { 100 } else { 3 }
}

/// A database with that many events.
struct Stage {
    database: Database,
    /// Of the tables' owner.
    owner: String,
    filled: Filled,
}

impl Stage {
    async fn set(engine: Engine, events: u64) -> Self {
        let mut database = Database::fresh(engine).await;
        let owner = database.url.replacen("tuttu_serving", "postgres", 1);
        Epochs::open(&database.store, &Arc::new(keys()), Clock::System.now()).await.unwrap();
        database.store.close().await;
        database.owner.close().await;
        let begun = Instant::now();
        let filled = fill(engine, &owner, Arc::new(keys()), events).await;
        println!("{engine:?}: {} events in {:.0?}", filled.events, begun.elapsed());
        database.store = connect(&database.url).await;
        database.owner = database.store.clone();
        Self { database, owner, filled }
    }

    async fn console(&self) -> Console {
        let (store, keys) = (connect(&self.database.url).await, Arc::new(keys()));
        let epochs = Epochs::open(&store, &keys, now()).await.unwrap();
        let directory = Directory::new(store.clone(), keys.clone(), &Config::default(), Clock::System);
        let devices = Devices::new(store.clone(), keys.clone());
        let accounts =
            Accounts::new(store.clone(), keys.clone(), epochs, Arc::new(directory), devices.clone());
        let policy = OversightPolicy {
            guard: GuardPolicy::from(&Config::default().limits.guard),
            code_lifetime: Duration::from_mins(10),
            reveals_per_hour: 20,
            searches_per_hour: 60,
        };
        let watch = GatewayWatch::new(Arc::default(), [0; 16]);
        let log = AuditLog::new(store.clone(), keys.clone(), "");
        let oversight =
            Oversight::new((store, keys), (accounts, devices), (Decided::default(), watch), policy);
        Console { oversight, log }
    }

    /// Every row of what the console shows, in order.
    async fn shown(&self) -> Vec<String> {
        const COLUMNS: [(&bulk::Table, &str); 3] =
            [(&bulk::ATTEMPTS, "attempt_id"), (&bulk::STEPS, "log_idx"), (&bulk::COUNTS, "kind")];
        let mut all = Vec::new();
        for (table, _) in COLUMNS {
            let text = |column: &&str| match self.database.engine {
                Engine::Sqlite => format!("COALESCE(hex({column}), '-')"),
                Engine::Postgres => format!("COALESCE({column}::TEXT, '-')"),
            };
            let row = table.columns.iter().map(text).collect::<Vec<_>>().join(" || ' ' || ");
            let statement = format!("SELECT {row} FROM {}", table.name);
            all.extend(self.rows(statement).await.into_iter().map(|row| format!("{}: {row}", table.name)));
        }
        all.sort();
        all
    }

    async fn rows(&self, statement: String) -> Vec<String> {
        match self.database.engine {
            Engine::Sqlite => {
                let mut open = SqliteConnection::connect(&self.owner).await.unwrap();
                sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(&mut open).await.unwrap()
            }
            Engine::Postgres => {
                let mut open = PgConnection::connect(&self.owner).await.unwrap();
                sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(&mut open).await.unwrap()
            }
        }
    }
}

async fn connect(url: &str) -> Store {
    Store::connect(&DatabaseUrl::parse(url).unwrap(), false, 8).await.unwrap()
}

/// The value below which `percent` of all lie.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn ms(times: &mut [Duration]) -> String {
    let [p50, p95, max] = [50, 95, 100].map(|percent| percentile(times, percent).as_secs_f64() * 1e3);
    format!("{p50:.1} | {p95:.1} | {max:.1}")
}

/// Asks every filter: those of which more than one in twenty took too long.
async fn measure(stage: &Stage, known: &[Known]) -> Vec<String> {
    let files = Files::of(stage.database.engine, &stage.owner).await;
    let (mut slow, mut dice) = (Vec::new(), Dice(7));
    for (n, (name, make)) in OF_ATTEMPTS.iter().chain(OF_THE_LOG).chain(OF_SUMS).enumerate() {
        let (console, seed) = (stage.console().await, dice.draw());
        let (mut cold, mut warm, mut found) = (Vec::new(), Vec::new(), 0);
        for (cold_now, taken) in [(true, &mut cold), (false, &mut warm)] {
            let mut dice = Dice(seed);
            for _ in 0..times() {
                let somebody = dice.one_of(known).clone();
                let question = make(&mut dice, &somebody);
                if cold_now {
                    files.forget();
                }
                let begun = Instant::now();
                found += console.ask(question).await;
                taken.push(begun.elapsed());
            }
        }
        let rows = found / times() / 2;
        let engine = stage.database.engine;
        println!("| {engine:?} {n:02} | {name} | {rows} | {} | {} |", ms(&mut cold), ms(&mut warm));
        if [&mut cold, &mut warm].into_iter().any(|times| percentile(times, 95) >= LIMIT) {
            slow.push(format!("{engine:?}: {name}"));
        }
    }
    slow
}

/// What is filled in bulk is what the service writes and draws: its log verifies, and drawn anew it looks the same. Filters find in
/// it what is there.
async fn is_as_the_service_has_it(engine: Engine) {
    let stage = Stage::set(engine, 4_000).await;
    let console = stage.console().await;
    let keys = console.log.public_keys().await.unwrap();
    let found = Verification::new(keys, &[]).of_database(&console.log).await.unwrap();
    assert!(found.is_sound() && found.entries == stage.filled.events, "{found:?}");
    let filled = stage.shown().await;
    for table in ["attempts", "attempt_steps", "attempt_counts"] {
        stage.rows(format!("DELETE FROM {table} RETURNING ''")).await;
    }
    stage.rows("UPDATE attempt_progress SET idx = 0 RETURNING ''".to_owned()).await;
    console.oversight.read_log().await.unwrap();
    console.oversight.forget_old(Duration::from_hours(24 * 90), now()).await.unwrap();
    let drawn = stage.shown().await;
    for (filled, drawn) in filled.iter().zip(&drawn) {
        assert_eq!(filled, drawn);
    }
    assert_eq!(filled.len(), drawn.len());
    alike::verify(&stage, &console).await;
    stage.database.end().await;
}

/// Every filter answers in time, and exports hold no more in memory the longer they are.
async fn answers_in_time(engine: Engine) {
    let stage = Stage::set(engine, events()).await;
    let slow = measure(&stage, &stage.filled.known).await;
    export::measure(engine, &stage.database.url, stage.filled.events);
    stage.database.end().await;
    assert!(!proving() || slow.is_empty(), "p95 is not below {LIMIT:?}: {slow:#?}");
}

mod what_is_filled_is_as_the_service_has_it {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        is_as_the_service_has_it(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        is_as_the_service_has_it(Engine::Postgres).await;
    }
}

mod every_filter_answers_in_time {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        answers_in_time(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        answers_in_time(Engine::Postgres).await;
    }
}
