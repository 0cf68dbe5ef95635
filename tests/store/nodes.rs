//! A number that was registered on one node is never missed on another: `scripts/prove nodes` at full length.
//!
//! The nodes are the real feed, view and jobs, each with connections of its own; between the second one and the database
//! lies a proxy. Registrations are the real transactions, some of which a trigger makes slow or rolls back at their end.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

mod failover;
mod proxy;
mod watched;

use super::fixtures::{Database, keys};
use crate::engine::Engine;
use futures_util::future::join_all;
use proxy::{Proxy, Way};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::directory::Directory;
use tuttu::epochs::Epochs;
use tuttu::jobs;
use tuttu::model::keys::Keys;
use tuttu::store::{DatabaseUrl, Patience, Store};
use watched::{Acknowledged, Watched};

/// What the service promises: past it nobody who was registered is missed.
const PROMISED: Duration = Duration::from_secs(5);
/// What a request may wait for the database.
const REQUEST: Duration = Duration::from_millis(1_500);
/// After a partition everything is as before within this.
const RECOVERED: Duration = Duration::from_secs(5);
/// At the end of its transaction every hundredth registration is slow and every twentieth comes to nothing.
const TROUBLE: &str = "CREATE FUNCTION trouble() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
        IF random() < 0.01 THEN PERFORM pg_sleep(0.1 + 0.3 * random()); END IF;
        IF random() < 0.05 THEN RAISE EXCEPTION 'rolled back'; END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER trouble AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION trouble();";

fn proving() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

/// A node that follows the directory, over a way of its own.
struct Node {
    directory: Arc<Directory>,
    store: Store,
    jobs: TaskTracker,
    stop: CancellationToken,
}

impl Node {
    async fn start(url: &str, keys: &Arc<Keys>) -> Self {
        let store = Store::connect(&DatabaseUrl::parse(url).unwrap(), false, 8).await.unwrap();
        let epochs = Epochs::open(&store, keys, Clock::System.now()).await.unwrap();
        let directory =
            Arc::new(Directory::new(store.clone(), keys.clone(), &Config::default(), Clock::System));
        let (jobs, stop) = (TaskTracker::new(), CancellationToken::new());
        jobs.spawn(jobs::follow_directory(directory.clone(), epochs, Clock::System, stop.clone()));
        jobs.spawn(jobs::tell_others(directory.clone(), stop.clone()));
        jobs.spawn(jobs::listen_to_others(directory.clone(), stop.clone()));
        let node = Self { directory, store, jobs, stop };
        node.is_true().await;
        node
    }

    /// Waits until its view is there and believed, and says how long that took.
    async fn is_true(&self) -> Duration {
        let begun = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !(self.directory.is_ready() && self.directory.has_view_of(1) && self.directory.is_fresh()) {
            ticks.tick().await;
            assert!(begun.elapsed() < Duration::from_mins(1), "the view did not become true");
        }
        begun.elapsed()
    }

    async fn end(self) {
        self.stop.cancel();
        self.jobs.close();
        self.jobs.wait().await;
        self.store.close().await;
    }
}

/// The database, with a way to it for the second node.
struct Scene {
    database: Database,
    keys: Arc<Keys>,
    proxy: Proxy,
    first: Node,
    second: Node,
}

impl Scene {
    async fn set() -> Self {
        let database = Database::fresh(Engine::Postgres).await;
        let keys = Arc::new(keys());
        Epochs::open(&database.store, &keys, Clock::System.now()).await.unwrap();
        let (server, name) = database.url.rsplit_once('/').unwrap();
        let (host, port) = server.rsplit_once(':').unwrap();
        let proxy = Proxy::to(port.parse().unwrap()).await;
        let around = format!("{host}:{}/{name}", proxy.port);
        let (first, second) = (Node::start(&database.url, &keys).await, Node::start(&around, &keys).await);
        Self { database, keys, proxy, first, second }
    }

    /// Registers until there are so many, by so many at once.
    async fn register(&self, acknowledged: &Acknowledged, many: u64, at_once: usize) {
        let store =
            Store::connect(&DatabaseUrl::parse(&self.database.url).unwrap(), false, 24).await.unwrap();
        let writer = async || {
            while acknowledged.all.load(Ordering::Relaxed) < many {
                acknowledged.register(&store, &self.first.directory, &self.keys).await;
            }
        };
        join_all((0..at_once).map(|_| writer())).await;
        store.close().await;
    }

    async fn end(self) {
        self.proxy.becomes(Way::Open);
        self.first.end().await;
        self.second.end().await;
        self.database.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_missed_though_transactions_are_slow_or_rolled_back_and_the_feed_is_cut() {
    let (many, open_for) = if proving() { (100_000, Duration::from_mins(1)) } else { (600, Duration::ZERO) };
    let scene = Scene::set().await;
    let mut owner =
        PgConnection::connect(&scene.database.url.replacen("tuttu_serving", "postgres", 1)).await.unwrap();
    owner.execute(TROUBLE).await.unwrap();
    let mut open = owner.begin().await.unwrap();
    open.execute("CREATE TABLE unrelated (a BIGINT)").await.unwrap();
    let (acknowledged, done, begun) = (Acknowledged::default(), AtomicBool::new(false), Instant::now());
    let mut watched = Watched::default();
    let cuts = async {
        let mut cuts = tokio::time::interval(Duration::from_secs(if proving() { 2 } else { 1 }));
        while !done.load(Ordering::SeqCst) {
            cuts.tick().await;
            scene.proxy.becomes(Way::Cut);
            tokio::time::sleep(Duration::from_millis(50)).await;
            scene.proxy.becomes(Way::Open);
        }
    };
    let writing = async {
        scene.register(&acknowledged, many, 24).await;
        tokio::time::sleep(open_for.saturating_sub(begun.elapsed())).await;
        done.store(true, Ordering::SeqCst);
    };
    futures_util::join!(writing, cuts, watched.until(&done, &scene.second, &acknowledged));
    let refused = acknowledged.refused.load(Ordering::Relaxed);
    println!(
        "| {many} registrations, 24 at once, {refused} rolled back, every hundredth slow; the second node cut off every 2 s; \
         a transaction open throughout ({:.0?}) | missed: {} of {} | lag p99 {:.0?} | {} answers, {} times none |",
        begun.elapsed(),
        watched.missed,
        acknowledged.all.load(Ordering::Relaxed),
        watched.p99(),
        watched.answered,
        watched.unanswered,
    );
    assert_eq!(watched.missed, 0);
    assert_eq!(watched.lags.len() as u64, acknowledged.all.load(Ordering::Relaxed));
    assert!(refused > 0, "some were rolled back");
    open.rollback().await.unwrap();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_missed_though_the_way_to_the_database_is_cut_dead_or_slow() {
    let times = if proving() { 50 } else { 3 };
    let scene = Scene::set().await;
    let (acknowledged, done) = (Acknowledged::default(), AtomicBool::new(false));
    let mut watched = Watched::default();
    let mut recoveries = Vec::new();
    let partitions = async {
        for time in 0..times {
            let way = [Way::Cut, Way::HalfOpen, Way::Slow][time % 3];
            scene.proxy.becomes(way);
            // From a blink to longer than a view is believed.
            let lasts = Duration::from_millis(400 + 1_300 * (time as u64 % 6));
            let begun = Instant::now();
            while begun.elapsed() < lasts {
                acknowledged.register(&scene.database.store, &scene.first.directory, &scene.keys).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            scene.proxy.becomes(Way::Open);
            recoveries.push(recovered(&scene.second).await);
        }
        done.store(true, Ordering::SeqCst);
    };
    futures_util::join!(partitions, watched.until(&done, &scene.second, &acknowledged));
    let longest = recoveries.into_iter().max().unwrap();
    println!(
        "| {times} times cut, half open or slow | missed: {} of {} | lag p99 {:.0?} | {} answers, {} times none; as before \
         after at most {longest:.1?} |",
        watched.missed,
        acknowledged.all.load(Ordering::Relaxed),
        watched.p99(),
        watched.answered,
        watched.unanswered,
    );
    assert_eq!(watched.missed, 0);
    assert!(longest <= RECOVERED * if proving() { 1 } else { 3 }, "as before only after {longest:?}");
    assert_eq!(watched.lags.len() as u64, acknowledged.all.load(Ordering::Relaxed));
    scene.end().await;
}

/// How long it takes until the node reads the feed again and the database answers it.
async fn recovered(node: &Node) -> Duration {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        let lag = node.directory.lag().unwrap_or_default();
        let asked = Patience::of(REQUEST).bound(node.store.ping()).await;
        if lag < begun.elapsed() && asked.is_ok() {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "it did not come back");
    }
}
