//! A node's fast view of the directory, in front of the database's rows.
//!
//! 1. *Filter* (Bloom, over handles as they are stored): a handle it does not know is certainly absent,
//!    so that strangers' handles never reach the database. Handles written since it was built stand in
//!    an exact set beside it.
//! 2. *Cache*: what was found, bounded by memory.
//! 3. *Database*: one statement for what is left of a batch. It is asked exactly once per request, with
//!    random keys added up to the next power of two, so that the time of an answer does not tell the
//!    stale bits of hidden accounts from none.
//!
//! Nobody is answered "registered" by the filter alone.

mod filter;

use crate::config::{self, DirectoryMode};
use crate::model::entropy::random_bytes;
use crate::model::handle::Handle;
use crate::model::id::AccountId;
use crate::model::keys::{Keys, StoredHandle};
use crate::store::{DirectoryRow, Listing, Store, StoreError};
use filter::Filters;
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What one cached entry takes, measured.
const CACHED_BYTES: u64 = 340;
const FEWEST_ASKED: usize = 8;

type Key = (u32, StoredHandle);

/// Looks handles up.
#[derive(Debug)]
pub struct Directory {
    store: Store,
    keys: Arc<Keys>,
    /// `None` where every lookup asks the database.
    view: Option<View>,
}

#[derive(Debug)]
struct View {
    filters: Filters,
    cache: Cache<Key, AccountId>,
    /// Counts changes, so that what was read before one is not cached after it.
    changes: AtomicU64,
    /// Shared by those who fill the cache, exclusive to a change.
    filling: RwLock<()>,
}

impl Directory {
    /// A view over the store; the filter of every epoch is read from the database at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(
        store: Store,
        keys: Arc<Keys>,
        settings: &config::Directory,
        epochs: &[u32],
    ) -> Result<Self, StoreError> {
        let filtered = match settings.mode {
            DirectoryMode::Filter => true,
            DirectoryMode::Database => false,
            DirectoryMode::Auto => store.engine() == "sqlite",
        };
        let mut view = None;
        if filtered {
            let filters = Filters::build(&store, epochs, settings.false_positive_rate).await?;
            let left = settings.memory.bytes().saturating_sub(filters.bytes());
            view = Some(View {
                filters,
                cache: Cache::new((left / CACHED_BYTES).max(1_000)),
                changes: AtomicU64::new(0),
                filling: RwLock::new(()),
            });
        }
        Ok(Self { store, keys, view })
    }

    /// The accounts at these handles; a handle that is not there is not in the answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(
        &self,
        epoch: u32,
        handles: &[Handle],
    ) -> Result<HashMap<Handle, AccountId>, StoreError> {
        let mut found = HashMap::new();
        let mut asked = Vec::new();
        for &handle in handles {
            let stored = self.keys.store_handle(handle);
            match &self.view {
                None => asked.push(stored),
                Some(view) => match view.look(epoch, stored) {
                    Seen::Absent => {}
                    Seen::Account(account) => {
                        found.insert(handle, account);
                    }
                    Seen::Unknown => asked.push(stored),
                },
            }
        }
        for row in self.ask(epoch, asked).await? {
            found.insert(self.keys.load_handle(row.handle), row.account);
        }
        Ok(found)
    }

    /// Asks the database once, and keeps what is found.
    async fn ask(&self, epoch: u32, mut asked: Vec<StoredHandle>) -> Result<Vec<DirectoryRow>, StoreError> {
        let before = self.view.as_ref().map(|view| view.changes.load(Ordering::SeqCst));
        if self.view.is_some() {
            let padded = asked.len().next_power_of_two().max(FEWEST_ASKED);
            asked.resize_with(padded, || StoredHandle::from_bytes(random_bytes()));
        }
        let mut rows = self.store.find_in_directory(epoch, &asked).await?;
        rows.retain(|row| self.genuine(row));
        if let (Some(view), Some(before)) = (&self.view, before) {
            view.keep(&rows, before);
        }
        Ok(rows)
    }

    /// A row whose tag is not its own was moved by a writer to the database: it is not believed.
    fn genuine(&self, row: &DirectoryRow) -> bool {
        let genuine = self.keys.directory_tag_fits(row.epoch, row.handle, row.account, &row.tag);
        if !genuine {
            metrics::counter!("tuttu_directory_forged_rows_total").increment(1);
            tracing::error!(account = %row.account, "a directory row does not carry its tag: it was altered outside the server");
        }
        genuine
    }

    /// Must be called before a listing is committed: from then on no filter hides its handles.
    pub fn expect(&self, listing: &Listing) {
        if let (Some(view), Listing::Listed(rows)) = (&self.view, listing) {
            view.filters.expect(rows.iter().map(|row| (row.epoch, row.handle)));
        }
    }

    /// Must be called once a listing is committed: from then on no cache answers what was before.
    pub fn changed(&self, listing: &Listing) {
        let Some(view) = &self.view else { return };
        let keys: Vec<Key> = match listing {
            Listing::Unchanged => return,
            Listing::Listed(rows) => rows.iter().map(|row| (row.epoch, row.handle)).collect(),
            Listing::Hidden(handles) => handles.clone(),
        };
        let _alone = view.filling.write().unwrap_or_else(PoisonError::into_inner);
        view.changes.fetch_add(1, Ordering::SeqCst);
        for key in &keys {
            view.cache.invalidate(key);
        }
    }

    /// Makes the view of an epoch whose rows are all there; until then, its handles are asked of the database.
    ///
    /// # Errors
    /// When the database fails.
    #[expect(clippy::unused_async, reason = "a view of one more epoch is read from the database")]
    pub async fn prepare(&self, _epoch: u32) -> Result<(), StoreError> {
        Ok(())
    }

    /// Builds the filters anew where they have outgrown what they were built for.
    ///
    /// # Errors
    /// When the database fails; the filters that are there stay.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        match &self.view {
            Some(view) => view.filters.refresh(&self.store).await,
            None => Ok(()),
        }
    }

    /// Sets the gauges of the view: bytes of the filter, entries of the cache.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
    pub fn report(&self) {
        let Some(view) = &self.view else { return };
        metrics::gauge!("tuttu_directory_filter_bytes").set(view.filters.bytes() as f64);
        metrics::gauge!("tuttu_directory_cached_entries").set(view.cache.entry_count() as f64);
    }
}

enum Seen {
    Absent,
    Account(AccountId),
    Unknown,
}

impl View {
    fn look(&self, epoch: u32, handle: StoredHandle) -> Seen {
        if !self.filters.may_hold(epoch, handle) {
            return Seen::Absent;
        }
        self.cache.get(&(epoch, handle)).map_or(Seen::Unknown, Seen::Account)
    }

    fn keep(&self, rows: &[DirectoryRow], before: u64) {
        let _shared = self.filling.read().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) == before {
            for row in rows {
                self.cache.insert((row.epoch, row.handle), row.account);
            }
        }
    }
}
