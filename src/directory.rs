//! A node's fast view of the directory, in front of the database's rows.
//!
//! An epoch is looked up in one of three ways:
//!
//! - *complete*: every entry stands in an exact [`Table`], so that a miss is an answer and nobody else is asked;
//! - *filter*: a [`Cache`] of what was found, then a Bloom filter over handles as they are stored, which rejects what
//!   is certainly absent, then one statement for what is left. The database is asked exactly once per request, with
//!   random keys added up to the next step, so that the time of an answer does not tell the stale bits of
//!   hidden accounts from none. Nobody is answered "registered" by the filter alone;
//! - *database*: every lookup asks it. So it is, too, while a view is being filled, and when the feed could not be
//!   read for [`STALE`]: a view that may be old is not believed.
//!
//! Views follow the feed (`follow`); they are filled from a snapshot file or the database's rows (`fill`), and
//! samples of what they answer are checked against the database (`self_check`).

mod cache;
mod fill;
mod filter;
mod follow;
mod group;
mod rows;
mod self_check;
mod snapshot;
mod table;
mod view;
mod wake;

pub use cache::Cache;
pub use filter::Filter;
pub use follow::FeedError;
pub use group::Hits;
pub use table::{Change, Table};

use crate::clock::Clock;
use crate::config::{self, Config, DirectoryMode};
use crate::model::entropy::random_bytes;
use crate::model::handle_set::HandleSet;
use crate::model::id::AccountId;
use crate::model::keys::{DirectoryKey, Keys, StoredHandle};
use crate::store::{DirectoryRow, Store, StoreError};
use arc_swap::ArcSwap;
use follow::Following;
use self_check::Sampling;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Notify;
use view::{Filtered, View};

/// A view that has not seen the feed for so long is not believed.
pub const STALE: Duration = Duration::from_secs(5);
const FEWEST_ASKED: usize = 8;

/// Looks handles up.
#[derive(Debug)]
pub struct Directory {
    store: Store,
    keys: Arc<Keys>,
    settings: config::Directory,
    snapshot: Option<PathBuf>,
    clock: Clock,
    /// By epoch. Where there is none, the database is asked.
    views: ArcSwap<BTreeMap<u32, Arc<View>>>,
    following: Following,
    sampling: Sampling,
    ready: AtomicBool,
    /// Rung when something was written here.
    written: Notify,
    /// How the other nodes tell what this one wrote.
    node: String,
}

/// Why a view could not be filled. The database is asked instead.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// Memory for the table could not be had.
    #[error("no memory for the view of the directory: {0}")]
    Memory(#[from] std::io::Error),
}

impl Directory {
    /// A directory that asks the database until it is filled.
    #[must_use]
    pub fn new(store: Store, keys: Arc<Keys>, config: &Config, clock: Clock) -> Self {
        let following = Following::new(store.engine() == "postgres");
        let directory = Self {
            store,
            keys,
            settings: config.directory.clone(),
            snapshot: config.snapshot_file(),
            clock,
            views: ArcSwap::default(),
            following,
            sampling: Sampling::default(),
            ready: AtomicBool::new(false),
            written: Notify::new(),
            node: hex::encode(random_bytes::<8>()),
        };
        directory.ready.store(!directory.has_views(), Ordering::Release);
        directory
    }

    /// Whether the view has been true since the start: until then lookups are right but slow.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Whether an epoch is answered from memory, or nothing is.
    #[must_use]
    pub fn has_view_of(&self, epoch: u32) -> bool {
        !self.has_views() || self.views.load().contains_key(&epoch)
    }

    fn has_views(&self) -> bool {
        match self.settings.mode {
            DirectoryMode::Auto | DirectoryMode::Complete | DirectoryMode::Filter => true,
            DirectoryMode::Database => false,
        }
    }

    /// Whether lookups are answered as this node is made to: its view has seen the feed within [`STALE`], or it has none.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        !self.has_views() || self.following.is_fresh()
    }

    /// How long ago this node has seen the feed; `None` where it has no view.
    #[must_use]
    pub fn lag(&self) -> Option<Duration> {
        self.has_views().then(|| self.following.lag())
    }

    /// Which of the handles are accounts: the bits of `known` first, then those of `new`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(
        &self,
        epoch: u32,
        known: HandleSet<'_>,
        new: HandleSet<'_>,
    ) -> Result<Hits, StoreError> {
        let view = self.views.load().get(&epoch).filter(|_| self.following.is_fresh()).cloned();
        if view.is_some() {
            self.sampling.offer(epoch, known, new);
        }
        match view.as_deref() {
            Some(View::Complete(table)) => {
                let mut hits = Hits::new(known.len() + new.len());
                table.find(known.as_slice(), 0, &mut hits);
                table.find(new.as_slice(), known.len(), &mut hits);
                Ok(hits)
            }
            // Boxed: who finds all in memory does not carry the state of those who wait for the database.
            Some(View::Filtered(view)) => Box::pin(self.find_filtered(epoch, view, known, new)).await,
            None => Box::pin(self.find_in_database(epoch, known, new)).await,
        }
    }

    async fn find_filtered(
        &self,
        epoch: u32,
        view: &Filtered,
        known: HandleSet<'_>,
        new: HandleSet<'_>,
    ) -> Result<Hits, StoreError> {
        let before = view.changes();
        let (mut hits, asked) = view.look(&self.keys.directory(epoch), known, new);
        let found = self.ask(epoch, asked, FEWEST_ASKED).await?;
        view.keep(&self.keys.directory(epoch), &found, before);
        hits.insert_all(found.into_iter().map(|(index, _, account)| (index, *account.as_bytes())).collect());
        Ok(hits)
    }

    async fn find_in_database(
        &self,
        epoch: u32,
        known: HandleSet<'_>,
        new: HandleSet<'_>,
    ) -> Result<Hits, StoreError> {
        let mut hits = Hits::new(known.len() + new.len());
        let asked = self.keys.directory(epoch).store_handles(known.iter().chain(new.iter()));
        let asked = asked.into_iter().enumerate().map(|(index, stored)| (stored, index)).collect();
        let found = self.ask(epoch, asked, 0).await?;
        hits.insert_all(found.into_iter().map(|(index, _, account)| (index, *account.as_bytes())).collect());
        Ok(hits)
    }

    /// Asks the database once for these handles, each with its index in the request; where `fewest` is not 0, together
    /// with random ones, at least so many in all ([`padded`]).
    async fn ask(
        &self,
        epoch: u32,
        mut asked: Vec<(StoredHandle, usize)>,
        fewest: usize,
    ) -> Result<Vec<(usize, StoredHandle, AccountId)>, StoreError> {
        asked.sort_unstable();
        let mut handles: Vec<StoredHandle> = asked.iter().map(|(stored, _)| *stored).collect();
        if fewest > 0 {
            let more = padded(handles.len(), fewest) - handles.len();
            handles.extend(random_keys().take(more));
        }
        let mut rows = self.store.find_in_directory(epoch, &handles).await?;
        let key = self.keys.directory(epoch);
        rows.retain(|row| is_genuine(&key, row));
        let found = rows.iter().filter_map(|row| {
            let at = asked.binary_search_by_key(&row.handle, |(stored, _)| *stored).ok()?;
            asked.get(at).map(|(stored, index)| (*index, *stored, row.account))
        });
        Ok(found.collect())
    }

    /// Sets the gauges of the views.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
    pub fn report(&self) {
        let (mut users, mut bytes, mut filter_bytes, mut rate) = (0, 0, 0, 0_f64);
        for view in self.views.load().values() {
            users += view.users();
            bytes += view.bytes();
            if let View::Filtered(view) = &**view {
                filter_bytes += view.filter.bytes();
                rate = rate.max(view.filter.false_positive_rate());
            }
        }
        metrics::gauge!("tuttu_directory_view_users").set(users as f64);
        metrics::gauge!("tuttu_directory_view_bytes").set(bytes as f64);
        metrics::gauge!("tuttu_directory_filter_bytes").set(filter_bytes as f64);
        metrics::gauge!("tuttu_directory_false_positive_rate").set(rate);
        metrics::gauge!("tuttu_directory_ready").set(f64::from(u8::from(self.is_ready())));
        metrics::gauge!("tuttu_feed_lag_seconds").set(self.following.lag().as_secs_f64());
    }
}

/// A row whose tag is not its own was moved by a writer to the database: it is not believed.
fn is_genuine(key: &DirectoryKey, row: &DirectoryRow) -> bool {
    let genuine = key.tag_fits(row.epoch, row.handle, row.account, &row.tag);
    if !genuine {
        metrics::counter!("tuttu_directory_forged_rows_total").increment(1);
        tracing::error!(account = %row.account, "a directory row does not carry its tag: it was altered outside the server");
    }
    genuine
}

/// How many keys the database is asked for where `asked` are wanted: at least `fewest`, and a multiple of it or of a
/// quarter of the power of two below, whichever is more. One key more shows only where it crosses a
/// step; above 32 keys, less than a quarter is asked in vain.
fn padded(asked: usize, fewest: usize) -> usize {
    let step = (asked.next_power_of_two() / 8).max(fewest);
    asked.next_multiple_of(step).max(fewest)
}

/// Keys that nobody has, eight drawn at once: each draw is a call of the system.
fn random_keys() -> impl Iterator<Item = StoredHandle> {
    std::iter::repeat_with(random_bytes::<128>).flat_map(|bytes| {
        let (keys, _) = bytes.as_chunks();
        std::array::from_fn::<_, 8, _>(|at| {
            StoredHandle::from_bytes(keys.get(at).copied().unwrap_or_default())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::padded;

    #[test]
    fn what_is_asked_comes_in_steps() {
        let cases =
            [(0, 8), (8, 8), (9, 16), (33, 40), (40, 40), (64, 64), (65, 80), (600, 640), (1_025, 1_280)];
        for (asked, expected) in cases {
            assert_eq!(padded(asked, 8), expected, "{asked}");
        }
    }
}
