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
//! says that it is of another, and the view must be built anew. Two changes of one handle follow one another in
//! `feed_id`: the second waits for the first one's lock.

use super::error::Table;
use super::{Ending, Pool, Store, StoreError, run, transact};
use crate::model::id::AccountId;
use crate::model::keys::StoredHandle;
use jiff::{SignedDuration, Timestamp};

const TABLE: Table = Table("directory_feed");
/// How long changes are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Changes that are read at once on SQLite.
const PAGE: i64 = 20_000;

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

const IDENTITY: &str = "SELECT identity FROM feed_identity WHERE name = 'feed'";
const SQLITE_HEAD: &str =
    "SELECT COALESCE((SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'directory_feed'), 0)";
/// One statement, hence one look at the database, for the identity, the head and the rows.
const SQLITE_NEWS: &str = "SELECT i.identity,
    COALESCE((SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'directory_feed'), 0),
    f.feed_id, f.epoch_id, f.handle, f.account_id, f.tag
    FROM feed_identity AS i LEFT JOIN (
        SELECT feed_id, epoch_id, handle, account_id, tag FROM directory_feed
        WHERE feed_id > $1 ORDER BY feed_id LIMIT $2
    ) AS f ON TRUE WHERE i.name = 'feed' ORDER BY f.feed_id";
/// Whose transaction numbers they are: of this identity, on this timeline, in this database of this server.
macro_rules! origin {
    () => {
        "encode(i.identity, 'hex') || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
            || ':' || (SELECT oid FROM pg_database WHERE datname = current_database())
            || ':' || (SELECT system_identifier FROM pg_control_system())"
    };
}
const POSTGRES_HEAD: &str = concat!(
    "SELECT ",
    origin!(),
    ", pg_current_snapshot()::text FROM feed_identity AS i WHERE i.name = 'feed'"
);
/// One statement, hence one snapshot, for the rows and the cursor that comes after them.
const POSTGRES_NEWS: &str = concat!(
    "SELECT ",
    origin!(),
    ", pg_current_snapshot()::text, f.feed_id, f.epoch_id, f.handle, f.account_id, f.tag
    FROM feed_identity AS i LEFT JOIN (
        SELECT feed_id, epoch_id, handle, account_id, tag FROM directory_feed
            WHERE feed_xid >= pg_snapshot_xmax($1::text::pg_snapshot)
        UNION ALL
        SELECT feed_id, epoch_id, handle, account_id, tag FROM directory_feed
            WHERE feed_xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))
    ) AS f ON TRUE WHERE i.name = 'feed' ORDER BY f.feed_id"
);
const MARK: &str = "INSERT INTO feed_marks (marked_at, feed_id)
    SELECT $1, COALESCE(MAX(feed_id), 0) FROM directory_feed WHERE TRUE ON CONFLICT (marked_at) DO NOTHING";
const FORGET: &str = "DELETE FROM directory_feed
    WHERE feed_id <= (SELECT MAX(feed_id) FROM feed_marks WHERE marked_at <= $1)";
const FORGET_MARKS: &str = "DELETE FROM feed_marks WHERE marked_at <= $1";

type SqliteRow = (Vec<u8>, i64, Option<i64>, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);
type PostgresRow =
    (String, String, Option<i64>, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

fn change(
    epoch: i64,
    handle: &[u8],
    account: Option<Vec<u8>>,
    tag: Option<Vec<u8>>,
) -> Result<FeedChange, StoreError> {
    let account = account.map(|id| TABLE.some("account_id", AccountId::from_slice(&id))).transpose()?;
    Ok(FeedChange {
        epoch: TABLE.some("epoch_id", u32::try_from(epoch).ok())?,
        handle: TABLE.some("handle", StoredHandle::from_slice(handle))?,
        listed: account.zip(tag),
    })
}

impl Store {
    /// Where the feed is now: what is committed from now on comes after it.
    ///
    /// # Errors
    /// When the database fails, or is a standby.
    pub async fn feed_head(&self) -> Result<FeedCursor, StoreError> {
        let (identity, position) = match &self.pool {
            Pool::Sqlite { readers, .. } => {
                let mut tx = readers.begin().await?;
                let identity: Vec<u8> = sqlx::query_scalar(IDENTITY).fetch_one(&mut *tx).await?;
                let head: i64 = sqlx::query_scalar(SQLITE_HEAD).fetch_one(&mut *tx).await?;
                (hex::encode(identity), head.to_string())
            }
            Pool::Postgres(pool) => sqlx::query_as(POSTGRES_HEAD).fetch_one(pool).await?,
        };
        Ok(FeedCursor { identity, position })
    }

    /// What has been committed since the cursor, or since some of it where there is much.
    ///
    /// # Errors
    /// When the database fails, or is a standby.
    pub async fn feed_news(&self, cursor: &FeedCursor) -> Result<FeedNews, StoreError> {
        match &self.pool {
            Pool::Sqlite { readers, .. } => {
                let Ok(last) = cursor.position.parse::<i64>() else { return Ok(FeedNews::Elsewhere) };
                let rows: Vec<SqliteRow> =
                    sqlx::query_as(SQLITE_NEWS).bind(last).bind(PAGE).fetch_all(readers).await?;
                sqlite_news(cursor, last, rows)
            }
            Pool::Postgres(pool) => {
                let rows: Vec<PostgresRow> =
                    sqlx::query_as(POSTGRES_NEWS).bind(&cursor.position).fetch_all(pool).await?;
                postgres_news(cursor, rows)
            }
        }
    }

    /// Marks how far the feed is at `now`, and forgets what is older than 24 hours.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_feed(&self, now: Timestamp) -> Result<(), StoreError> {
        let (at, oldest) = (now.as_millisecond(), (now - KEPT).as_millisecond());
        transact!(self, tx => {
            run!(tx, MARK, at);
            run!(tx, FORGET, oldest);
            // The newest of the old marks has done its work, too: what it covers is gone.
            run!(tx, FORGET_MARKS, oldest);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}

fn sqlite_news(cursor: &FeedCursor, last: i64, rows: Vec<SqliteRow>) -> Result<FeedNews, StoreError> {
    let Some((identity, head, ..)) = rows.first() else {
        return Err(StoreError::unreadable("feed_identity", "identity"));
    };
    // Beyond the head: an older copy of the database was put back, and its numbers will be used again.
    if hex::encode(identity) != cursor.identity || *head < last {
        return Ok(FeedNews::Elsewhere);
    }
    let last = rows.last().and_then(|row| row.2).unwrap_or(last);
    let next = FeedCursor { identity: cursor.identity.clone(), position: last.to_string() };
    let told = rows.into_iter().filter_map(|(_, _, id, epoch, handle, account, tag)| {
        id.and(epoch).zip(handle).map(|(epoch, handle)| change(epoch, &handle, account, tag))
    });
    Ok(FeedNews::Changes(told.collect::<Result<_, _>>()?, next))
}

fn postgres_news(cursor: &FeedCursor, rows: Vec<PostgresRow>) -> Result<FeedNews, StoreError> {
    let Some((identity, position, ..)) = rows.first() else {
        return Err(StoreError::unreadable("feed_identity", "identity"));
    };
    if *identity != cursor.identity {
        return Ok(FeedNews::Elsewhere);
    }
    let next = FeedCursor { identity: identity.clone(), position: position.clone() };
    let told = rows.into_iter().filter_map(|(_, _, id, epoch, handle, account, tag)| {
        id.and(epoch).zip(handle).map(|(epoch, handle)| change(epoch, &handle, account, tag))
    });
    Ok(FeedNews::Changes(told.collect::<Result<_, _>>()?, next))
}
