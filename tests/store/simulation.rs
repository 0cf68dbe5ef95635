//! Nodes and writers in a world where a seed decides what happens next: `scripts/prove simulation`.
//!
//! Everything is real but time and order: the transactions of the store, PostgreSQL, the reader of the feed, the views.
//! Every request to the database waits until the schedule lets it through, so that each is answered before, between or
//! after the others', or its connection breaks; and time passes when the schedule says so. Waking is modelled as a
//! reading that begins when a transaction is through, or does not. After every step no node that claims to be fresh may
//! be wrong about anybody ([`world`]). What fails is told with its seed, and with as little of its schedule as still fails.
//!
//! `TUTTU_SEEDS=700..800` runs these.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

mod gate;
mod node;
mod people;
mod schedule;
mod turns;
mod world;

use super::fixtures::{Database, keys};
use crate::engine::Engine;
use gate::Gate;
use schedule::{Action, draw};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;
use tuttu::clock::Clock;
use tuttu::epochs::Epochs;
use tuttu::model::keys::Keys;
use tuttu::store::{DatabaseUrl, Store};
use world::{Tally, World, Wrong};

const ACTIONS: usize = 250;
/// How often a schedule is tried with less in it.
const TRIALS: usize = 120;

/// The database of many worlds.
struct Stage {
    database: Database,
    /// Of the tables' owner.
    url: String,
    store: Store,
    keys: Arc<Keys>,
    folder: TempDir,
    watching: PgPool,
}

impl Stage {
    /// A fresh database with these changes.
    async fn set(changes: &str) -> Self {
        let database = Database::fresh(Engine::Postgres).await;
        let url = database.url.replacen("tuttu_serving", "postgres", 1);
        let keys = Arc::new(keys());
        Epochs::open(&database.store, &keys, Clock::System.now()).await.unwrap();
        let mut owner = PgConnection::connect(&url).await.unwrap();
        owner.execute(AssertSqlSafe(changes)).await.unwrap();
        owner.close().await.unwrap();
        let (store, folder) = (database.owner.clone(), tempfile::tempdir().unwrap());
        let watching = PgPool::connect(&url).await.unwrap();
        Self { database, url, store, keys, folder, watching }
    }

    /// Asks about one of the server's processes.
    async fn ask(&self, question: &'static str, process: i32) -> bool {
        sqlx::query_scalar(question).bind(process).fetch_one(&self.watching).await.unwrap()
    }

    /// Forgets the world before.
    async fn empty(&self) {
        let all = "TRUNCATE directory, directory_feed, accounts, numbers, devices, verifications, deliveries";
        self.watching.execute(all).await.unwrap();
    }

    /// A world of this schedule: what was done after each of its actions.
    async fn play(&self, actions: &[Action]) -> Result<Vec<Tally>, Wrong> {
        let mut world = World::begin(self).await;
        let lived = world.live(actions).await;
        let told = std::mem::take(&mut world.told);
        world.end().await;
        lived.map(|()| told)
    }

    /// As little of a schedule as is found to fail, and how it does.
    async fn shrink(&self, mut actions: Vec<Action>, mut wrong: Wrong) -> (Vec<Action>, Wrong) {
        actions.truncate(wrong.after);
        let (mut trials, mut size) = (0, actions.len() / 2);
        while size > 0 {
            let mut at = 0;
            while at < actions.len() && trials < TRIALS {
                trials += 1;
                let mut fewer = actions.clone();
                fewer.drain(at..actions.len().min(at + size));
                match self.play(&fewer).await {
                    Ok(_) => at += size,
                    Err(still) => {
                        fewer.truncate(still.after);
                        (actions, wrong) = (fewer, still);
                    }
                }
            }
            size /= 2;
        }
        (actions, wrong)
    }

    /// Plays every one of these seeds, until one fails: what that one is, told.
    async fn play_all(&self, seeds: Range<u64>, total: &mut Tally) -> Option<String> {
        for seed in seeds {
            let actions = draw(seed, ACTIONS);
            match self.play(&actions).await {
                Ok(told) => {
                    let tally = told[told.len() - 1];
                    total.requests += tally.requests;
                    total.acknowledged += tally.acknowledged;
                    total.checks += tally.checks;
                }
                Err(wrong) => {
                    let (actions, wrong) = self.shrink(actions, wrong).await;
                    let mut told = format!("seed {seed}: {wrong}\n");
                    for (at, action) in (1..).zip(&actions) {
                        let _written = writeln!(told, "{at:>4} {action:?}");
                    }
                    return Some(told + "     and all comes to its end");
                }
            }
        }
        None
    }

    async fn end(self) {
        self.watching.close().await;
        self.database.end().await;
    }
}

/// A way to the database on which requests wait, and a store of one connection beyond it.
async fn ways(url: &str) -> (Gate, Store) {
    let (server, name) = url.rsplit_once('/').unwrap();
    let (host, port) = server.rsplit_once(':').unwrap();
    let gate = Gate::to(port.parse().unwrap()).await;
    let around = format!("{host}:{}/{name}?sslmode=disable", gate.port);
    let store = Store::connect(&DatabaseUrl::parse(&around).unwrap(), false, 1).await.unwrap();
    (gate, store)
}

/// Runs on one thread, where time passes only when it is told to.
fn in_a_world_of_its_own(work: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).event_interval(1).build().unwrap();
    runtime.block_on(async {
        // Time would pass by itself when all wait for the database; it does not while there is something like this.
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let standing = tokio::task::spawn_blocking(move || ended.recv().is_ok());
        work.await;
        drop(end);
        standing.await.unwrap();
    });
}

fn seeds() -> Range<u64> {
    let asked = std::env::var("TUTTU_SEEDS").ok();
    let asked = asked.as_deref().and_then(|seeds| seeds.split_once(".."));
    let few = if std::env::var_os("TUTTU_PROVE").is_some() { 0..500 } else { 0..8 };
    asked.map_or(few, |(first, end)| first.parse().unwrap()..end.parse().unwrap())
}

#[test]
fn no_order_of_things_makes_a_node_wrong() {
    in_a_world_of_its_own(async {
        let stage = Stage::set("").await;
        let (seeds, mut tally, begun) = (seeds(), Tally::default(), Instant::now());
        let failed = stage.play_all(seeds.clone(), &mut tally).await;
        assert!(failed.is_none(), "{}", failed.unwrap_or_default());
        println!(
            "| {} worlds of {ACTIONS} actions (seeds {seeds:?}, {:.0?}) | wrong: 0 of {} answers | {} requests let through one \
             by one | {} changes acknowledged |",
            seeds.end - seeds.start,
            begun.elapsed(),
            tally.checks,
            tally.requests,
            tally.acknowledged,
        );
        stage.end().await;
    });
}

#[test]
fn a_seed_tells_the_same_story_again() {
    in_a_world_of_its_own(async {
        let stage = Stage::set("").await;
        for seed in 1_000..1_002 {
            let actions = draw(seed, ACTIONS);
            let (once, again) = (stage.play(&actions).await.unwrap(), stage.play(&actions).await.unwrap());
            let differ = (0..ACTIONS).find(|at| once[*at] != again[*at]);
            let differ = differ.map(|at| (at, &actions[at.saturating_sub(5)..=at], once[at], again[at]));
            assert!(differ.is_none(), "seed {seed}: {differ:#?}");
        }
        stage.end().await;
    });
}

/// The seed and the schedule by which a feed with these changes is found out, within some tens of seeds.
async fn found_out(changes: &str) -> String {
    let stage = Stage::set(changes).await;
    let told = stage.play_all(0..40, &mut Tally::default()).await;
    stage.end().await;
    let told = told.unwrap();
    println!("{told}");
    told
}

/// To it all is seen that bears a lower number than the highest there is.
const TRUSTING: &str = "CREATE SCHEMA trusting;
    CREATE FUNCTION trusting.pg_current_snapshot() RETURNS pg_snapshot LANGUAGE SQL STABLE AS $$
        SELECT (x || ':' || x || ':')::pg_snapshot FROM pg_snapshot_xmax(pg_catalog.pg_current_snapshot()) AS x $$;
    GRANT USAGE ON SCHEMA trusting TO PUBLIC;
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = trusting, pg_catalog, public', current_database());
    END $$;";

#[test]
fn a_reader_that_trusts_ids_is_found_out() {
    in_a_world_of_its_own(async {
        let told = found_out(TRUSTING).await;
        assert!(told.contains("says that it is"), "{told}");
        assert!(told.lines().count() < 60, "as little as is found to fail: {told}");
    });
}

/// The last statement of some transactions is lost.
const SILENT: &str = "CREATE FUNCTION silent() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER silent BEFORE INSERT ON directory_feed FOR EACH ROW
        WHEN (NEW.account_id IS NULL) EXECUTE FUNCTION silent();";

#[test]
fn a_writer_that_does_not_tell_who_is_hidden_is_found_out() {
    in_a_world_of_its_own(async {
        let told = found_out(SILENT).await;
        assert!(told.contains("is not listed"), "{told}");
    });
}
