//! The Bloom filters, one per epoch, with an exact set of what was written since each was built.

use crate::model::entropy::random_bytes;
use crate::model::keys::StoredHandle;
use crate::store::{Store, StoreError};
use bloomfilter::Bloom;
use std::collections::{BTreeMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const PAGE: i64 = 10_000;
/// Room that even the filter of an empty directory has.
const SMALLEST: usize = 10_000;

/// The filters of every live epoch.
#[derive(Debug)]
pub(super) struct Filters {
    rate: f64,
    epochs: BTreeMap<u32, RwLock<EpochFilter>>,
}

struct EpochFilter {
    built: Bloom<[u8; 16]>,
    capacity: usize,
    held: usize,
    since: HashSet<StoredHandle>,
}

impl std::fmt::Debug for EpochFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EpochFilter({} of {}, {} since)", self.held, self.capacity, self.since.len())
    }
}

impl Filters {
    /// Reads every epoch's handles from the database.
    pub(super) async fn build(store: &Store, epochs: &[u32], rate: f64) -> Result<Self, StoreError> {
        let mut filters = BTreeMap::new();
        for &epoch in epochs {
            filters.insert(epoch, RwLock::new(EpochFilter::read(store, epoch, rate).await?));
        }
        Ok(Self { rate, epochs: filters })
    }

    /// `false` only for what is certainly absent; of an epoch without a filter, nothing is.
    pub(super) fn may_hold(&self, epoch: u32, handle: StoredHandle) -> bool {
        self.epochs.get(&epoch).is_none_or(|filter| {
            let filter = read(filter);
            filter.built.check(handle.as_bytes()) || filter.since.contains(&handle)
        })
    }

    /// From now on these may be there.
    pub(super) fn expect(&self, keys: impl Iterator<Item = (u32, StoredHandle)>) {
        for (epoch, handle) in keys {
            if let Some(filter) = self.epochs.get(&epoch) {
                write(filter).since.insert(handle);
            }
        }
    }

    /// Builds anew every filter that has outgrown its capacity.
    pub(super) async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        for (&epoch, filter) in &self.epochs {
            if !read(filter).outgrown() {
                continue;
            }
            let mut fresh = EpochFilter::read(store, epoch, self.rate).await?;
            let mut current = write(filter);
            // What was expected meanwhile may have been committed after the reading: it is kept.
            for handle in &current.since {
                fresh.built.set(handle.as_bytes());
            }
            *current = fresh;
        }
        Ok(())
    }

    /// What all of them take in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.epochs.values().map(|filter| read(filter).built.len() / 8).sum()
    }
}

impl EpochFilter {
    async fn read(store: &Store, epoch: u32, rate: f64) -> Result<Self, StoreError> {
        let held = usize::try_from(store.directory_size(epoch).await?).unwrap_or(usize::MAX);
        let capacity = held.saturating_mul(3).div_euclid(2).max(SMALLEST);
        let bits = Bloom::<[u8; 16]>::compute_bitmap_size(capacity, rate);
        let mut built = Bloom::new_with_seed(bits, capacity, &random_bytes())
            .map_err(|_| StoreError::unreadable("directory", "handle"))?;
        let mut after = None;
        loop {
            let page = store.directory_page(epoch, after, PAGE).await?;
            for row in &page {
                built.set(row.handle.as_bytes());
            }
            let Some(last) = page.last() else { break };
            after = Some(last.handle);
        }
        Ok(Self { built, capacity, held, since: HashSet::new() })
    }

    fn outgrown(&self) -> bool {
        self.since.len() > (self.capacity - self.held.min(self.capacity)) / 2 + SMALLEST / 2
    }
}

fn read(filter: &RwLock<EpochFilter>) -> RwLockReadGuard<'_, EpochFilter> {
    filter.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(filter: &RwLock<EpochFilter>) -> RwLockWriteGuard<'_, EpochFilter> {
    filter.write().unwrap_or_else(PoisonError::into_inner)
}
