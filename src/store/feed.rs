//! The feed: every change of the directory, written in the transaction of the change, read by every node.
//!
//! *SQLite*: one transaction writes at a time, so `feed_id` grows in the order of commits and `feed_id > last`
//! misses nothing. *PostgreSQL*: numbers are taken before the commit, so `id > last` loses whatever commits late.
//! There a cursor is a whole snapshot S, and what is new is what S did not see: rows of transactions at or above
//! its `xmax`, and of those that were in progress in it (`xip`), as `PgQ` does. The rows and the next cursor are
//! read in one statement, hence of one snapshot: a row is visible in it and told now, or not visible and not in
//! the cursor either, and told later. Whether transactions are slow, or were rolled back, does not matter.
//!
//! Transaction numbers are used again after a failover and count anew on another server, so a cursor belongs to one
//! server, database and timeline, and to one identity of the feed, which a restore renews: [`FeedNews::Elsewhere`]
//! says that it is of another, and the view must be built anew. Numbers that nobody saw become durable are used again
//! after a crash, too, on the same timeline: a reader whose connection was lost therefore goes back by a minute and
//! reads that again, which changes nothing where nothing was lost. The feed is the primary's alone: on a standby a
//! snapshot leaves out transactions that are still in progress, and a cursor would skip them for ever. Two changes of
//! one handle follow one another in `feed_id`: the second waits for the first one's lock.

mod reader;
mod waking;

pub use reader::FeedReader;
pub(super) use reader::SQLITE_HEAD;
pub use waking::FeedListener;

use super::error::Table;
use super::{Ending, Store, StoreError, run, transact};
use crate::model::id::AccountId;
use crate::model::keys::StoredHandle;
use jiff::{SignedDuration, Timestamp};

const TABLE: Table = Table("directory_feed");
/// How long changes are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How far a node has read the feed: text to be kept and shown again, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCursor {
    identity: String,
    position: String,
}

/// One change of the directory.
#[derive(Debug, Clone)]
pub struct FeedChange {
    /// The epoch of the handle.
    pub epoch: u32,
    /// The handle as it is stored.
    pub handle: StoredHandle,
    /// Who is listed there from now on, with the tag of the row; `None`: nobody.
    pub listed: Option<(AccountId, Vec<u8>)>,
}

/// What a reader of the feed is told.
#[derive(Debug)]
pub enum FeedNews {
    /// These changes, in an order in which the last of a handle counts, and where to go on.
    Changes(Vec<FeedChange>, FeedCursor),
    /// More than were asked for: building the view anew is sooner done.
    TooMany,
    /// The cursor is of another database, timeline or restore: the view must be built anew.
    Elsewhere,
}

impl FeedCursor {
    /// The cursor as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{} {}", self.identity, self.position)
    }

    /// Reads what [`FeedCursor::to_text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (identity, position) = text.split_once(' ')?;
        Some(Self { identity: identity.to_owned(), position: position.to_owned() })
    }
}

const MARK: &str = "INSERT INTO feed_marks (marked_at, feed_id)
    SELECT $1, COALESCE(MAX(feed_id), 0) FROM directory_feed WHERE TRUE ON CONFLICT (marked_at) DO NOTHING";
const FORGET: &str = "DELETE FROM directory_feed
    WHERE feed_id <= (SELECT MAX(feed_id) FROM feed_marks WHERE marked_at <= $1)";
const FORGET_MARKS: &str = "DELETE FROM feed_marks WHERE marked_at <= $1";

impl Store {
    /// Marks how far the feed is at `now`, and forgets what is older than 24 hours.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_feed(&self, now: Timestamp) -> Result<(), StoreError> {
        let (at, oldest) = (now.as_millisecond(), (now - KEPT).as_millisecond());
        transact!(self.at_length(), tx => {
            run!(tx, MARK, at);
            run!(tx, FORGET, oldest);
            // The newest of the old marks has done its work, too: what it covers is gone.
            run!(tx, FORGET_MARKS, oldest);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
