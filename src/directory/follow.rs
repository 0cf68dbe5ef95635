//! Following the feed, so that what is committed anywhere is seen here.

use super::view::View;
use super::{Directory, STALE, is_genuine};
use crate::store::{DirectoryRow, FeedChange, FeedCursor, FeedNews, FeedReader, StoreError};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// After so long without news the feed may have forgotten what was missed.
const TOO_OLD: Duration = Duration::from_hours(12);
/// Changes after which a view is sooner built anew than brought up to date.
const MOST: u32 = 1_000_000;
/// By how much a reader goes back whose connection was lost: longer than a commit is visible before it is durable.
const REWIND: Duration = Duration::from_mins(1);
/// A place younger than this is not old enough for that.
const CERTAIN: Duration = Duration::from_secs(5);
/// How far apart the places are to which it may go back.
const STEP: Duration = Duration::from_secs(1);
/// How long a reading may take at first. Where it was too short it is doubled, up to the longest.
const PATIENCE: Duration = Duration::from_secs(1);
const MOST_PATIENCE: Duration = Duration::from_secs(30);

/// How far this node has read the feed.
#[derive(Debug)]
pub(super) struct Following {
    /// Held while the feed is read and applied: one reader at a time.
    pub(super) place: Mutex<Place>,
    /// Polls that have begun.
    polls: AtomicU64,
    begun: Instant,
    /// When the last poll that succeeded began: milliseconds since `begun`, and 1; 0: never.
    polled: AtomicU64,
}

/// Where a node is in the feed.
#[derive(Debug)]
pub(super) struct Place {
    /// `None` until the first view is filled.
    cursor: Option<FeedCursor>,
    /// Where it was before, the oldest first.
    before: VecDeque<(Instant, FeedCursor)>,
    /// `None` once the connection is lost.
    reader: Option<FeedReader>,
    patience: Duration,
    /// Whether a crash of the server may take back what the feed has told.
    revocable: bool,
}

/// Why a reading of the feed came to nothing.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It took too long.
    #[error("the feed was not read in {} s", .0.as_secs())]
    Late(Duration),
}

impl Following {
    /// Follows nothing yet; `revocable` if a crash of the server may take back what the feed has told.
    pub(super) fn new(revocable: bool) -> Self {
        let place =
            Place { cursor: None, before: VecDeque::new(), reader: None, patience: PATIENCE, revocable };
        Self {
            place: Mutex::new(place),
            polls: AtomicU64::new(0),
            begun: Instant::now(),
            polled: AtomicU64::new(0),
        }
    }

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

impl Place {
    /// Whether a view is being followed.
    pub(super) const fn is_set(&self) -> bool {
        self.cursor.is_some()
    }

    /// Follows views that were filled up to here, on the connection on which that was seen.
    pub(super) fn begin(&mut self, reader: FeedReader, cursor: FeedCursor, at: Instant) {
        self.reader = Some(reader);
        self.go_on(cursor, at);
    }

    /// Follows on from here, as of `at`.
    pub(super) fn go_on(&mut self, cursor: FeedCursor, at: Instant) {
        if self.before.back().is_none_or(|(last, _)| at.saturating_duration_since(*last) >= STEP) {
            self.before.push_back((at, cursor.clone()));
        }
        // Of those that are old enough to go back to, the newest is enough.
        while self.before.get(1).is_some_and(|(second, _)| at.saturating_duration_since(*second) >= REWIND) {
            self.before.pop_front();
        }
        self.cursor = Some(cursor);
    }

    /// Where to read on for certain at `at`, whatever a crash of the server has lost: where it was a minute ago, or
    /// began; `None` where that was just now.
    pub(super) fn certain(&self, at: Instant) -> Option<FeedCursor> {
        if !self.revocable {
            return self.cursor.clone();
        }
        let (was, cursor) = self.before.front().filter(|_| self.is_set())?;
        (at.saturating_duration_since(*was) >= CERTAIN).then(|| cursor.clone())
    }

    /// Follows nothing any more.
    fn leave(&mut self) {
        self.cursor = None;
        self.before.clear();
    }
}

impl Directory {
    /// Applies everything that was committed before this was called. Of many who wait, one reads for all.
    ///
    /// # Errors
    /// When the feed cannot be read; the views are then believed no longer than [`STALE`].
    pub async fn catch_up(&self) -> Result<(), FeedError> {
        if !self.has_views() {
            return Ok(());
        }
        let before = self.following.polls.load(Ordering::SeqCst);
        let mut place = self.following.place.lock().await;
        // One that began after this was called has ended: it has seen what this was called for.
        if self.following.polls.load(Ordering::SeqCst) > before {
            return Ok(());
        }
        self.read_feed(&mut place).await
    }

    /// Forgets what the feed has told for a day: no cursor is so old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_feed(&self) -> Result<(), StoreError> {
        self.store.forget_feed(self.clock.now()).await
    }

    /// Reads the feed to its end; the lock of the place is the caller's.
    pub(super) async fn read_feed(&self, place: &mut Place) -> Result<(), FeedError> {
        if !place.is_set() {
            return Ok(());
        }
        self.following.polls.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        let views = self.views.load_full();
        let from = if place.reader.is_some() { place.cursor.clone() } else { place.certain(began) };
        let read = match from {
            Some(from) if self.following.lag() <= TOO_OLD => self.read_on(place, from, &views).await?,
            _ => None,
        };
        if let Some(read) = read {
            place.go_on(read, began);
            self.following.saw(began);
        } else {
            tracing::warn!(
                "the feed goes on elsewhere, or a view is lost: the views of the directory are built anew"
            );
            place.leave();
            self.views.store(Arc::default());
        }
        Ok(())
    }

    /// Reads on, on a connection that is opened where it was lost; it is lost, too, where reading fails.
    async fn read_on(
        &self,
        place: &mut Place,
        from: FeedCursor,
        views: &BTreeMap<u32, Arc<View>>,
    ) -> Result<Option<FeedCursor>, FeedError> {
        let mut reader = match place.reader.take() {
            Some(reader) => reader,
            None => self.store.open_feed().await?,
        };
        let reading = tokio::time::timeout(place.patience, self.replay(&mut reader, from, views)).await;
        let Ok(read) = reading else {
            let patience = place.patience;
            place.patience = (patience * 2).min(MOST_PATIENCE);
            return Err(FeedError::Late(patience));
        };
        let read = read?;
        (place.reader, place.patience) = (Some(reader), PATIENCE);
        Ok(read)
    }

    /// Applies to these views what comes after the cursor; `None` where the feed goes on elsewhere, tells more than is
    /// worth reading, or memory is short.
    pub(super) async fn replay(
        &self,
        reader: &mut FeedReader,
        cursor: FeedCursor,
        views: &BTreeMap<u32, Arc<View>>,
    ) -> Result<Option<FeedCursor>, StoreError> {
        let FeedNews::Changes(changes, next) = reader.news(&cursor, MOST).await? else { return Ok(None) };
        if let Err(cause) = self.apply(views, changes) {
            tracing::error!(%cause, "no memory for the view of the directory");
            return Ok(None);
        }
        Ok(Some(next))
    }

    /// Applies the last change of every handle. Those before it must not be seen: to a view that has them already they
    /// would be a step back.
    fn apply(&self, views: &BTreeMap<u32, Arc<View>>, changes: Vec<FeedChange>) -> io::Result<()> {
        let genuine = changes.into_iter().filter(|change| self.believes(change));
        let last: HashMap<_, _> = genuine.map(|change| ((change.epoch, change.handle), change)).collect();
        let mut by_epoch: BTreeMap<u32, Vec<FeedChange>> = BTreeMap::new();
        for ((epoch, _), change) in last {
            by_epoch.entry(epoch).or_default().push(change);
        }
        for (epoch, changes) in by_epoch {
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
            let row = DirectoryRow { epoch, handle, account: *account, tag: tag.clone() };
            is_genuine(&self.keys.directory(epoch), &row)
        })
    }
}
