//! Filling views: from the snapshot file, else from the database's rows; then the tail of the feed.
//!
//! The cursor is taken before the first row is read, so whatever is committed while rows are read comes after it, and is
//! applied when they all are. A row that was read late may hold such a change already: applying it again changes nothing.

use super::cache::Cache;
use super::filter::Filter;
use super::table::Table;
use super::view::{Filtered, View};
use super::{Directory, DirectoryError, FeedError, is_genuine};
use crate::config::DirectoryMode;
use crate::model::keys::StoredHandle;
use crate::store::{DirectoryRow, FeedCursor, FeedReader, Patience, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long a step may take that is small, and one that is not: a connection may be dead without a word.
const BRIEFLY: Duration = Duration::from_secs(2);
pub(super) const AT_LENGTH: Duration = Duration::from_secs(30);
/// Rows that are read at once.
const PAGE: i64 = 20_000;
/// Parts of the directory that are read side by side.
const PARTS: u8 = 2;
/// Rows between two lines of the log.
const PROGRESS: u64 = 1_000_000;
/// What an entry takes at most, of a complete view right after it has grown, or of a cache that could hold everybody.
const BYTES_EACH: u64 = 60;
/// What a cache has even where other views take all the memory.
const SMALLEST_CACHE: u64 = 1 << 20;

impl Directory {
    /// Fills the view of every one of these epochs that has none. Meanwhile the database is asked.
    ///
    /// # Errors
    /// When the database fails or memory is short. What was filled stays.
    pub async fn fill(self: &Arc<Self>, epochs: &[u32]) -> Result<(), DirectoryError> {
        if self.has_views() {
            self.load_snapshot(epochs).await?;
            for &epoch in epochs {
                if !self.views.load().contains_key(&epoch) {
                    self.build(epoch).await?;
                }
            }
            self.views.rcu(|views| {
                let live = views.iter().filter(|(epoch, _)| epochs.contains(epoch));
                live.map(|(epoch, view)| (*epoch, view.clone())).collect::<BTreeMap<_, _>>()
            });
        }
        self.ready.store(true, Ordering::Release);
        Ok(())
    }

    /// Builds anew the views that no longer fit: filters that were told more than they were made for, tables that take
    /// more memory than they may. The old one answers meanwhile.
    ///
    /// # Errors
    /// As for [`Directory::fill`].
    pub async fn refresh(self: &Arc<Self>) -> Result<(), DirectoryError> {
        for (epoch, view) in self.views.load_full().iter() {
            let unfit = match &**view {
                View::Filtered(view) => view.filter.outgrown(),
                View::Complete(_) => {
                    self.settings.mode == DirectoryMode::Auto && self.room_beside(*epoch) < view.bytes()
                }
            };
            if unfit {
                self.build(*epoch).await?;
            }
        }
        Ok(())
    }

    /// Memory that the view of this epoch may take beside the others.
    fn room_beside(&self, epoch: u32) -> u64 {
        let views = self.views.load();
        let others = views.iter().filter(|(other, _)| **other != epoch).map(|(_, view)| view.bytes()).sum();
        self.settings.memory.bytes().saturating_sub(others)
    }

    /// Builds the view of one epoch from the database and puts it into use.
    ///
    /// # Errors
    /// As for [`Directory::fill`].
    pub async fn build(self: &Arc<Self>, epoch: u32) -> Result<(), DirectoryError> {
        let began = Instant::now();
        // One connection throughout: if the server crashes meanwhile, this comes to nothing and is begun anew.
        let mut reader = self.store.open_feed().await?;
        // First of all, so that a connection that is dead without a word is found before something long is asked on it.
        Patience::of(BRIEFLY).bound(self.store.ping()).await?;
        let from = timely(BRIEFLY, reader.head()).await?;
        let users = self.store.directory_size(epoch).await?;
        let view = Arc::new(self.empty_view(epoch, users)?);
        self.read_rows(epoch, &view, users).await?;
        let only = BTreeMap::from([(epoch, view.clone())]);
        // Most of what was missed before the lock, the rest under it: others wait for the lock to see their changes.
        let Some(from) = timely(AT_LENGTH, self.replay(&mut reader, from, &only)).await? else {
            return Ok(());
        };
        self.publish(reader, from, only).await?;
        tracing::info!(
            epoch,
            users = view.users(),
            mib = view.bytes() >> 20,
            ms = began.elapsed().as_millis(),
            complete = matches!(*view, View::Complete(_)),
            "the view of the directory is filled"
        );
        Ok(())
    }

    /// Brings new views up to the others, and puts them beside these.
    pub(super) async fn publish(
        &self,
        mut reader: FeedReader,
        from: FeedCursor,
        new: BTreeMap<u32, Arc<View>>,
    ) -> Result<(), FeedError> {
        let mut place = self.following.place.lock().await;
        self.read_feed(&mut place).await?;
        let began = Instant::now();
        // Others wait for the lock meanwhile.
        let replayed = timely(BRIEFLY, self.replay(&mut reader, from.clone(), &new)).await?;
        let Some(read) = replayed else { return Ok(()) };
        if !place.is_set() {
            place.begin(reader, from, began);
            place.go_on(read, began);
            self.following.saw(began);
        }
        self.views.rcu(|views| {
            let mut views = BTreeMap::clone(views);
            views.extend(new.clone());
            views
        });
        Ok(())
    }

    /// How many users complete views may hold in all; `None` where there are none.
    pub(super) fn most_complete(&self) -> Option<u64> {
        match self.settings.mode {
            DirectoryMode::Complete => Some(u64::MAX),
            DirectoryMode::Filter | DirectoryMode::Database => None,
            DirectoryMode::Auto => Some(self.settings.memory.bytes() / BYTES_EACH),
        }
    }

    fn empty_view(&self, epoch: u32, users: u64) -> Result<View, DirectoryError> {
        let room = self.room_beside(epoch);
        let complete = match self.settings.mode {
            DirectoryMode::Auto => users.saturating_mul(BYTES_EACH) <= room,
            _ => self.most_complete().is_some(),
        };
        if complete {
            let users = usize::try_from(users).unwrap_or(usize::MAX);
            return Ok(View::Complete(Table::with_capacity(users)?));
        }
        let filter = Filter::for_users(users, self.settings.false_positive_rate);
        // No more than everybody takes: entries that lie far apart are found more slowly.
        let everybody = filter.capacity().saturating_mul(BYTES_EACH);
        let left = room.saturating_sub(filter.bytes()).min(everybody).max(SMALLEST_CACHE);
        Ok(View::Filtered(Filtered::new(filter, Cache::with_bytes(left)?)))
    }

    async fn read_rows(
        self: &Arc<Self>,
        epoch: u32,
        view: &Arc<View>,
        users: u64,
    ) -> Result<(), DirectoryError> {
        let read = Arc::new(AtomicU64::new(0));
        let mut parts = JoinSet::new();
        for part in 0..PARTS {
            let (directory, view, read) = (self.clone(), view.clone(), read.clone());
            parts.spawn(async move { directory.read_part(epoch, &view, part, &read, users).await });
        }
        while let Some(part) = parts.join_next().await {
            part.map_err(std::io::Error::other)??;
        }
        Ok(())
    }

    async fn read_part(
        &self,
        epoch: u32,
        view: &View,
        part: u8,
        read: &AtomicU64,
        users: u64,
    ) -> Result<(), DirectoryError> {
        let (mut after, until) = bounds(part);
        loop {
            let reading = self.store.directory_page(epoch, after, until, PAGE);
            let page = Patience::of(AT_LENGTH / 3).bound(reading).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.handle);
            self.take_rows(epoch, view, &page)?;
            let rows = page.len() as u64;
            let before = read.fetch_add(rows, Ordering::Relaxed);
            if before / PROGRESS != (before + rows) / PROGRESS {
                tracing::info!(epoch, read = before + rows, of = users, "filling the view of the directory");
            }
        }
    }

    fn take_rows(&self, epoch: u32, view: &View, rows: &[DirectoryRow]) -> std::io::Result<()> {
        let key = self.keys.directory(epoch);
        let genuine = rows.iter().filter(|row| is_genuine(&key, row));
        match view {
            View::Complete(table) => {
                let plain = genuine.map(|row| (key.load_handle(row.handle), Some(row.account)));
                let mut plain: Vec<_> = plain.collect();
                // In the order of the table, so that each shard is locked once.
                plain.sort_unstable();
                table.apply(&plain)
            }
            View::Filtered(view) => {
                genuine.for_each(|row| view.filter.insert(&row.handle));
                Ok(())
            }
        }
    }
}

/// Waits for a step no longer than this.
pub(super) async fn timely<T>(
    most: Duration,
    step: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, FeedError> {
    let ended = tokio::time::timeout(most, step).await;
    Ok(ended.map_err(|_| FeedError::Late(most))??)
}

/// After which handle a part begins, and with which it ends: equal shares of all that there can be.
fn bounds(part: u8) -> (Option<StoredHandle>, Option<StoredHandle>) {
    let share = u8::MAX / PARTS + 1;
    let mut last = [u8::MAX; 16];
    let before = |part: u8| share.checked_mul(part).and_then(|first| first.checked_sub(1));
    let at = |first: Option<u8>, end: &mut [u8; 16]| {
        first.map(|first| {
            end[0] = first;
            StoredHandle::from_bytes(*end)
        })
    };
    let after = at(before(part), &mut last);
    let until = if part + 1 == PARTS { None } else { at(before(part + 1), &mut last) };
    (after, until)
}
