//! Following the feed, so that what is committed anywhere is seen here.

use super::view::View;
use super::{Directory, STALE};
use crate::store::{DirectoryRow, FeedChange, FeedCursor, FeedNews, StoreError};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// After so long without news the feed may have forgotten what was missed.
const TOO_OLD: Duration = Duration::from_hours(12);

/// How far this node has read the feed.
#[derive(Debug)]
pub(super) struct Following {
    /// `None` until the first view is filled. Held while the feed is read and applied: one reader at a time.
    pub(super) cursor: Mutex<Option<FeedCursor>>,
    /// Polls that have begun.
    polls: AtomicU64,
    begun: Instant,
    /// When the last poll that succeeded began: milliseconds since `begun`, and 1; 0: never.
    polled: AtomicU64,
}

impl Default for Following {
    fn default() -> Self {
        Self {
            cursor: Mutex::default(),
            polls: AtomicU64::new(0),
            begun: Instant::now(),
            polled: AtomicU64::new(0),
        }
    }
}

impl Following {
    /// How long ago the feed was last read.
    pub(super) fn lag(&self) -> Duration {
        let polled = self.polled.load(Ordering::Acquire);
        let at = self.begun + Duration::from_millis(polled.saturating_sub(1));
        Instant::now().saturating_duration_since(at)
    }

    /// Whether views that follow it may be believed.
    pub(super) fn is_fresh(&self) -> bool {
        self.polled.load(Ordering::Acquire) > 0 && self.lag() < STALE
    }

    /// A poll that began at `at` has succeeded.
    pub(super) fn saw(&self, at: Instant) {
        let ms = at.saturating_duration_since(self.begun).as_millis();
        self.polled.store(u64::try_from(ms).unwrap_or(u64::MAX).saturating_add(1), Ordering::Release);
    }
}

impl Directory {
    /// Applies everything that was committed before this was called. Of many who wait, one reads for all.
    ///
    /// # Errors
    /// When the database fails; the views are then believed no longer than [`STALE`].
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        if !self.has_views() {
            return Ok(());
        }
        let before = self.following.polls.load(Ordering::SeqCst);
        let mut cursor = self.following.cursor.lock().await;
        // One that began after this was called has ended: it has seen what this was called for.
        if self.following.polls.load(Ordering::SeqCst) > before {
            return Ok(());
        }
        self.read_feed(&mut cursor).await
    }

    /// Forgets what the feed has told for a day: no cursor is so old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_feed(&self) -> Result<(), StoreError> {
        self.store.forget_feed(self.clock.now()).await
    }

    /// Reads the feed from the cursor to its end; the lock of the cursor is the caller's.
    pub(super) async fn read_feed(&self, cursor: &mut Option<FeedCursor>) -> Result<(), StoreError> {
        let Some(from) = cursor.clone() else { return Ok(()) };
        self.following.polls.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        let views = self.views.load_full();
        let read = if self.following.lag() > TOO_OLD { None } else { self.replay(from, &views).await? };
        if let Some(read) = read {
            *cursor = Some(read);
            self.following.saw(began);
        } else {
            tracing::warn!(
                "the feed goes on elsewhere, or a view is lost: the views of the directory are built anew"
            );
            *cursor = None;
            self.views.store(Arc::default());
        }
        Ok(())
    }

    /// Applies to these views what comes after the cursor, up to the end; `None` where the feed goes on elsewhere, or
    /// memory is short.
    pub(super) async fn replay(
        &self,
        mut cursor: FeedCursor,
        views: &BTreeMap<u32, Arc<View>>,
    ) -> Result<Option<FeedCursor>, StoreError> {
        loop {
            let FeedNews::Changes(changes, next) = self.store.feed_news(&cursor).await? else {
                return Ok(None);
            };
            let done = changes.is_empty();
            if let Err(cause) = self.apply(views, changes) {
                tracing::error!(%cause, "no memory for the view of the directory");
                return Ok(None);
            }
            cursor = next;
            if done {
                return Ok(Some(cursor));
            }
        }
    }

    fn apply(&self, views: &BTreeMap<u32, Arc<View>>, changes: Vec<FeedChange>) -> io::Result<()> {
        let mut by_epoch: BTreeMap<u32, Vec<FeedChange>> = BTreeMap::new();
        for change in changes {
            by_epoch.entry(change.epoch).or_default().push(change);
        }
        for (epoch, mut changes) in by_epoch {
            changes.retain(|change| self.believes(change));
            if let Some(view) = views.get(&epoch) {
                view.apply(&self.keys.directory(epoch), &changes)?;
            }
        }
        Ok(())
    }

    /// A change that lists somebody carries the tag of its row.
    fn believes(&self, change: &FeedChange) -> bool {
        change.listed.as_ref().is_none_or(|(account, tag)| {
            let (epoch, handle) = (change.epoch, change.handle);
            self.genuine(&DirectoryRow { epoch, handle, account: *account, tag: tag.clone() })
        })
    }
}
