//! The view of one epoch: complete, or a filter with a cache.

use super::cache::Cache;
use super::filter::Filter;
use super::group::Hits;
use super::table::Table;
use crate::model::handle::Handle;
use crate::model::handle_set::HandleSet;
use crate::model::id::AccountId;
use crate::model::keys::{DirectoryKey, StoredHandle};
use crate::store::FeedChange;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// How a node sees one epoch.
#[derive(Debug)]
pub(super) enum View {
    /// Every entry.
    Complete(Table),
    /// What may be there, and some of what is.
    Filtered(Filtered),
}

impl View {
    /// Applies changes of this epoch, in order. Applying them again changes nothing.
    ///
    /// # Errors
    /// When a table cannot grow: the view is not true any more.
    pub(super) fn apply(&self, key: &DirectoryKey, changes: &[FeedChange]) -> io::Result<()> {
        match self {
            Self::Complete(table) => {
                let plain = |change: &FeedChange| {
                    (key.load_handle(change.handle), change.listed.as_ref().map(|(account, _)| *account))
                };
                table.apply(&changes.iter().map(plain).collect::<Vec<_>>())
            }
            Self::Filtered(view) => {
                view.apply(key, changes);
                Ok(())
            }
        }
    }

    /// Entries that it knows of; of a filter, how many it was told.
    pub(super) fn users(&self) -> u64 {
        match self {
            Self::Complete(table) => table.len() as u64,
            Self::Filtered(view) => view.filter.held(),
        }
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Complete(table) => table.bytes() as u64,
            Self::Filtered(view) => view.filter.bytes() + view.cache.bytes() as u64,
        }
    }
}

/// A filter in front of the database, and a cache in front of the filter.
#[derive(Debug)]
pub(super) struct Filtered {
    pub(super) filter: Filter,
    cache: Cache,
    /// Counts changes, so that what was read before one is not cached after it.
    changes: AtomicU64,
    /// Shared by those who fill the cache, exclusive to a change.
    filling: RwLock<()>,
}

impl Filtered {
    pub(super) fn new(filter: Filter, cache: Cache) -> Self {
        Self { filter, cache, changes: AtomicU64::new(0), filling: RwLock::new(()) }
    }

    /// What the cache knows, and what must be asked: handles as they are stored, each with its index.
    pub(super) fn look(
        &self,
        key: &DirectoryKey,
        known: HandleSet<'_>,
        new: HandleSet<'_>,
    ) -> (Hits, Vec<(StoredHandle, usize)>) {
        let mut hits = Hits::new(known.len() + new.len());
        let mut missed = Vec::with_capacity(known.len() + new.len());
        self.cache.find(known.as_slice(), 0, &mut hits, &mut missed);
        self.cache.find(new.as_slice(), known.len(), &mut hits, &mut missed);
        let handle = |index: &u32| {
            let index = *index as usize;
            let list = [known.as_slice().get(index), new.as_slice().get(index.wrapping_sub(known.len()))];
            list.into_iter().flatten().next().copied().map_or(Handle::from_bytes([0; 16]), Handle::from_bytes)
        };
        let stored = key.store_handles(missed.iter().map(handle));
        let candidates = self.filter.may_hold(&stored).zip(stored.iter().zip(&missed));
        let asked = candidates.filter(|(may_be_there, _)| *may_be_there);
        (hits, asked.map(|(_, (stored, index))| (*stored, *index as usize)).collect())
    }

    /// To be asked before the database is, and told to [`Filtered::keep`].
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Keeps what was found, unless something changed since.
    pub(super) fn keep(&self, key: &DirectoryKey, found: &[(usize, StoredHandle, AccountId)], before: u64) {
        let _shared = self.filling.read().unwrap_or_else(PoisonError::into_inner);
        if self.changes() == before {
            let entry = |(_, stored, account): &(usize, StoredHandle, AccountId)| {
                (*key.load_handle(*stored).as_bytes(), *account.as_bytes())
            };
            self.cache.insert(&found.iter().map(entry).collect::<Vec<_>>());
        }
    }

    fn apply(&self, key: &DirectoryKey, changes: &[FeedChange]) {
        for change in changes.iter().filter(|change| change.listed.is_some()) {
            self.filter.insert(&change.handle);
        }
        let _alone = self.filling.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        let plain = changes.iter().map(|change| *key.load_handle(change.handle).as_bytes());
        self.cache.remove(&plain.collect::<Vec<_>>());
    }
}
