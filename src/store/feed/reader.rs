//! Reading the feed, on a connection of its own.

use super::{FeedChange, FeedCursor, FeedNews, TABLE};
use crate::model::id::AccountId;
use crate::model::keys::StoredHandle;
use crate::store::{Pool, Store, StoreError};
use sqlx::SqlitePool;
use sqlx::postgres::PgConnection;
use std::fmt;

const IDENTITY: &str = "SELECT identity FROM feed_identity WHERE name = 'feed'";
pub(in crate::store) const SQLITE_HEAD: &str =
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
        LIMIT $2
    ) AS f ON TRUE WHERE i.name = 'feed' ORDER BY f.feed_id"
);

/// The identity, where to go on, and a change or none.
type Row<I, P> = (I, P, Option<i64>, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);
type SqliteRow = Row<Vec<u8>, i64>;
type PostgresRow = Row<String, String>;

/// A reader of the feed. It lives no longer than its connection: one that has failed is of no use any more, and
/// whoever opens another knows that the server may have crashed between the two.
pub struct FeedReader(Source);

enum Source {
    Sqlite(SqlitePool),
    Postgres(Box<PgConnection>),
}

impl fmt::Debug for FeedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedReader(..)")
    }
}

impl Store {
    /// Opens a reader of the feed, which must be the primary's.
    ///
    /// # Errors
    /// When the database cannot be reached, or is a standby.
    pub async fn open_feed(&self) -> Result<FeedReader, StoreError> {
        Ok(FeedReader(match &self.pool {
            Pool::Sqlite { readers, .. } => Source::Sqlite(readers.clone()),
            Pool::Postgres(server) => Source::Postgres(Box::new(server.connection().await?)),
        }))
    }
}

impl FeedReader {
    /// Where the feed is now: what is committed from now on comes after it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn head(&mut self) -> Result<FeedCursor, StoreError> {
        let (identity, position) = match &mut self.0 {
            Source::Sqlite(readers) => {
                let mut tx = readers.begin().await?;
                let identity: Vec<u8> = sqlx::query_scalar(IDENTITY).fetch_one(&mut *tx).await?;
                let head: i64 = sqlx::query_scalar(SQLITE_HEAD).fetch_one(&mut *tx).await?;
                (hex::encode(identity), head.to_string())
            }
            Source::Postgres(connection) => {
                sqlx::query_as(POSTGRES_HEAD).fetch_one(&mut **connection).await?
            }
        };
        Ok(FeedCursor { identity, position })
    }

    /// Everything that has been committed since the cursor, unless these are more than `most` changes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn news(&mut self, cursor: &FeedCursor, most: u32) -> Result<FeedNews, StoreError> {
        let limit = i64::from(most) + 1;
        let (news, told) = match &mut self.0 {
            Source::Sqlite(readers) => {
                let Ok(last) = cursor.position.parse::<i64>() else { return Ok(FeedNews::Elsewhere) };
                let read = sqlx::query_as(SQLITE_NEWS).bind(last).bind(limit);
                let rows: Vec<SqliteRow> = read.fetch_all(&*readers).await?;
                (sqlite_news(cursor, last, &rows)?, rows.len())
            }
            Source::Postgres(connection) => {
                let read = sqlx::query_as(POSTGRES_NEWS).bind(&cursor.position).bind(limit);
                let rows: Vec<PostgresRow> = read.fetch_all(&mut **connection).await?;
                (postgres_news(cursor, &rows)?, rows.len())
            }
        };
        Ok(if told > most as usize { FeedNews::TooMany } else { news })
    }
}

fn changes<I, P>(rows: &[Row<I, P>]) -> Result<Vec<FeedChange>, StoreError> {
    rows.iter().filter_map(change).collect()
}

fn change<I, P>(row: &Row<I, P>) -> Option<Result<FeedChange, StoreError>> {
    let (_, _, Some(_), Some(epoch), Some(handle), account, tag) = row else { return None };
    let account =
        || account.as_deref().map(|id| TABLE.some("account_id", AccountId::from_slice(id))).transpose();
    let read = || {
        Ok(FeedChange {
            epoch: TABLE.some("epoch_id", u32::try_from(*epoch).ok())?,
            handle: TABLE.some("handle", StoredHandle::from_slice(handle))?,
            listed: account()?.zip(tag.clone()),
        })
    };
    Some(read())
}

fn sqlite_news(cursor: &FeedCursor, last: i64, rows: &[SqliteRow]) -> Result<FeedNews, StoreError> {
    let Some((identity, head, ..)) = rows.first() else {
        return Err(StoreError::unreadable("feed_identity", "identity"));
    };
    // Beyond the head: an older copy of the database was put back, and its numbers will be used again.
    if hex::encode(identity) != cursor.identity || *head < last {
        return Ok(FeedNews::Elsewhere);
    }
    let last = rows.last().and_then(|row| row.2).unwrap_or(last);
    let next = FeedCursor { identity: cursor.identity.clone(), position: last.to_string() };
    Ok(FeedNews::Changes(changes(rows)?, next))
}

fn postgres_news(cursor: &FeedCursor, rows: &[PostgresRow]) -> Result<FeedNews, StoreError> {
    let Some((identity, position, ..)) = rows.first() else {
        return Err(StoreError::unreadable("feed_identity", "identity"));
    };
    if *identity != cursor.identity {
        return Ok(FeedNews::Elsewhere);
    }
    let next = FeedCursor { identity: identity.clone(), position: position.clone() };
    Ok(FeedNews::Changes(changes(rows)?, next))
}
