//! A node: the real view and the real reader of the feed, on a way of its own.

use super::gate::Gate;
use super::ways;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tuttu::clock::Clock;
use tuttu::config::{Config, DirectoryMode};
use tuttu::directory::Directory;
use tuttu::model::handle_set::HandleSet;
use tuttu::model::keys::Keys;
use tuttu::store::Store;

/// A node that follows the directory.
pub(super) struct Node {
    pub(super) gate: Gate,
    pub(super) directory: Arc<Directory>,
    store: Store,
    keys: Arc<Keys>,
    config: Config,
    clock: Clock,
    /// A reading of the feed under way, and at which step it began.
    poll: Option<(JoinHandle<bool>, usize)>,
    /// The filling of views under way.
    keep: Option<JoinHandle<()>>,
    /// When the last reading that went well had begun: it has seen all that was committed before.
    pub(super) caught_up: usize,
}

impl Node {
    /// A node of this mode, without a view yet.
    pub(super) async fn start(
        url: &str,
        keys: &Arc<Keys>,
        mode: DirectoryMode,
        snapshot: PathBuf,
        clock: &Clock,
    ) -> Self {
        let (gate, store) = ways(url).await;
        let mut config = Config::default();
        (config.directory.mode, config.directory.snapshot) = (mode, Some(snapshot));
        let directory = Arc::new(Directory::new(store.clone(), keys.clone(), &config, clock.clone()));
        let (keys, clock) = (keys.clone(), clock.clone());
        Self { gate, directory, store, keys, config, clock, poll: None, keep: None, caught_up: 0 }
    }

    /// Begins to read the feed, unless it does.
    pub(super) fn poll(&mut self, step: usize) {
        if self.poll.is_none() {
            let directory = self.directory.clone();
            let polling = async move { directory.catch_up().await.is_ok() };
            self.poll = Some((TaskTracker::new().spawn(polling), step));
        }
    }

    /// Begins to fill the views, or to build them anew, unless it does.
    pub(super) fn keep(&mut self, anew: bool) {
        if self.keep.is_none() {
            let directory = self.directory.clone();
            let keeping = async move {
                let kept = if anew { directory.build(1).await } else { directory.fill(&[1]).await };
                if kept.is_ok() {
                    let _in_vain = directory.refresh().await;
                }
            };
            self.keep = Some(TaskTracker::new().spawn(keeping));
        }
    }

    /// What of both is under way.
    pub(super) fn tasks(&self) -> usize {
        let polls = self.poll.as_ref().is_some_and(|(poll, _)| !poll.is_finished());
        let keeps = self.keep.as_ref().is_some_and(|keep| !keep.is_finished());
        usize::from(polls) + usize::from(keeps)
    }

    /// Takes notice of what has ended; whether anything has.
    pub(super) async fn notice(&mut self) -> bool {
        let mut noticed = false;
        if let Some((poll, began)) = self.poll.take_if(|(poll, _)| poll.is_finished()) {
            noticed = true;
            if poll.await.unwrap() {
                self.caught_up = began;
            }
        }
        if let Some(keep) = self.keep.take_if(|keep| keep.is_finished()) {
            noticed = true;
            keep.await.unwrap();
        }
        noticed
    }

    /// Ends, with or without a snapshot of what it has seen, and starts without a view.
    pub(super) async fn restart(&mut self, saves: bool) {
        if saves {
            self.directory.save_snapshot().await.unwrap();
        }
        let (store, keys) = (self.store.clone(), self.keys.clone());
        self.directory = Arc::new(Directory::new(store, keys, &self.config, self.clock.clone()));
        self.caught_up = 0;
    }

    /// Whether it can be asked: its view claims to be fresh, and asking it disturbs nothing.
    pub(super) fn can_be_asked(&self) -> bool {
        let fills = self.keep.is_some() && self.config.directory.mode == DirectoryMode::Filter;
        self.directory.is_fresh() && self.directory.has_view_of(1) && !fills
    }

    /// Which of these handles, in ascending order, it says are registered.
    pub(super) async fn answer(&self, handles: &[[u8; 16]]) -> BTreeSet<[u8; 16]> {
        self.gate.set_open(true);
        let set = HandleSet::new(handles).unwrap();
        let hits = self.directory.find(1, HandleSet::default(), set).await.unwrap();
        self.gate.set_open(false);
        hits.iter().map(|(index, _)| handles[index]).collect()
    }

    pub(super) async fn end(self) {
        let poll = self.poll.map(|(poll, _)| poll.abort_handle());
        let keep = self.keep.map(|keep| keep.abort_handle());
        poll.into_iter().chain(keep).for_each(|task| task.abort());
        self.gate.set_open(true);
        while self.gate.decide(0, super::gate::Fate::Unasked).is_some() {}
        self.store.close().await;
    }
}
