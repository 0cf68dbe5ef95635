//! What was acknowledged, and what a node knows of it.

use super::{Node, PROMISED, REQUEST};
use crate::store::fixtures::{approved, at, registration};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tuttu::directory::Directory;
use tuttu::model::handle::Handle;
use tuttu::model::handle_set::HandleSet;
use tuttu::model::id::AccountId;
use tuttu::model::keys::Keys;
use tuttu::store::{DirectoryRow, Listing, Patience, Plan, RegisterOutcome, Store};

/// The most handles that are asked for at once.
const BATCH: usize = 5_000;

/// Registrations that were acknowledged, and when.
#[derive(Default)]
pub(super) struct Acknowledged {
    pub(super) open: Mutex<BTreeMap<[u8; 16], Instant>>,
    pub(super) all: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) place: AtomicU64,
}

impl Acknowledged {
    /// Registers the next number through this node's database, and lets the other nodes know.
    pub(super) async fn register(&self, store: &Store, directory: &Directory, keys: &Keys) {
        let place = self.place.fetch_add(1, Ordering::Relaxed);
        let handle = <[u8; 16]>::try_from(&blake3::hash(&place.to_le_bytes()).as_bytes()[..16]).unwrap();
        let verification = approved(store, &format!("+35840{place:07}"), at(0)).await;
        let account = AccountId::random();
        let key = keys.directory(1);
        let stored = key.store_handle(Handle::from_bytes(handle));
        let row =
            DirectoryRow { epoch: 1, handle: stored, account, tag: key.tag(1, stored, account).to_vec() };
        let mut registration = registration(&verification, Plan::Create, account, 0, at(0));
        registration.listing = Listing::Listed(vec![row]);
        match store.register(&registration).await {
            Ok(RegisterOutcome::Registered(_)) => {
                self.open.lock().unwrap().insert(handle, Instant::now());
                self.all.fetch_add(1, Ordering::Relaxed);
                let _seen_later = directory.changed().await;
            }
            // Rolled back, or nobody knows: it was not acknowledged.
            _ => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// What a node was asked, and what it knew.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) lags: Vec<Duration>,
    pub(super) missed: usize,
    pub(super) answered: u64,
    pub(super) unanswered: u64,
}

impl Watched {
    /// Asks for everything that was acknowledged and not yet seen. Missed is what was acknowledged longer ago than promised
    /// when the question was asked, and is not in the answer.
    async fn ask(&mut self, node: &Node, acknowledged: &Acknowledged) {
        let asked: Vec<([u8; 16], Instant)> =
            acknowledged.open.lock().unwrap().iter().take(BATCH).map(|(handle, at)| (*handle, *at)).collect();
        let handles: Vec<[u8; 16]> = asked.iter().map(|(handle, _)| *handle).collect();
        let began = Instant::now();
        let set = HandleSet::new(&handles).unwrap();
        let asking = node.directory.find(1, HandleSet::default(), set);
        let Ok(hits) = Patience::of(REQUEST).bound(asking).await else {
            self.unanswered += 1;
            return;
        };
        self.answered += 1;
        let found: BTreeSet<usize> = hits.iter().map(|(index, _)| index).collect();
        let now = Instant::now();
        let mut open = acknowledged.open.lock().unwrap();
        for (index, (handle, at)) in asked.into_iter().enumerate() {
            if found.contains(&index) {
                open.remove(&handle);
                self.lags.push(now.saturating_duration_since(at));
            } else if began.saturating_duration_since(at) > PROMISED {
                open.remove(&handle);
                self.missed += 1;
            }
        }
    }

    /// Asks until `done` and everything was seen or missed.
    pub(super) async fn until(&mut self, done: &AtomicBool, node: &Node, acknowledged: &Acknowledged) {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !done.load(Ordering::SeqCst) || !acknowledged.open.lock().unwrap().is_empty() {
            ticks.tick().await;
            self.ask(node, acknowledged).await;
        }
    }

    pub(super) fn p99(&self) -> Duration {
        let mut lags = self.lags.clone();
        lags.sort_unstable();
        lags.get(lags.len() * 99 / 100).copied().unwrap_or_default()
    }
}
