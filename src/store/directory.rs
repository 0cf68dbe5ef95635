//! The directory's rows: the truth behind every node's fast view.

use super::error::Table;
use super::{Patience, Store, StoreError, read};
use crate::model::id::AccountId;
use crate::model::keys::StoredHandle;
use sqlx::SqlitePool;
use std::time::Duration;

const TABLE: Table = Table("directory");
/// How long a directory is counted beside other work, before it is taken for a large one.
const BRIEFLY: Duration = Duration::from_secs(5);

/// One entry of the directory.
#[derive(Debug, Clone)]
pub struct DirectoryRow {
    /// The epoch whose handle it is.
    pub epoch: u32,
    /// The handle as it is stored.
    pub handle: StoredHandle,
    /// Whose it is.
    pub account: AccountId,
    /// Its keyed tag.
    pub tag: Vec<u8>,
}

/// What a transaction does to an account's entries.
#[derive(Debug, Clone)]
pub enum Listing {
    /// Nothing.
    Unchanged,
    /// These entries, whatever was there.
    Listed(Vec<DirectoryRow>),
    /// None at these handles.
    Hidden(Vec<(u32, StoredHandle)>),
}

pub(super) const LIST: &str =
    "INSERT INTO directory (epoch_id, handle, account_id, tag) VALUES ($1, $2, $3, $4)
    ON CONFLICT (handle, epoch_id) DO UPDATE SET account_id = excluded.account_id, tag = excluded.tag";
pub(super) const UNLIST: &str = "DELETE FROM directory WHERE epoch_id = $1 AND handle = $2";
pub(super) const TELL: &str =
    "INSERT INTO directory_feed (epoch_id, handle, account_id, tag) VALUES ($1, $2, $3, $4)";
pub(super) const TELL_UNLISTED: &str = "INSERT INTO directory_feed (epoch_id, handle) VALUES ($1, $2)";

/// Adds what a [`Listing`] does, and tells the feed of it, to a batch.
macro_rules! add_listing {
    ($batch:ident, $listing:expr) => {
        match $listing {
            $crate::store::Listing::Unchanged => {}
            $crate::store::Listing::Listed(rows) => {
                for row in rows {
                    let (epoch, handle) = (i64::from(row.epoch), row.handle.as_bytes().as_slice());
                    for statement in [$crate::store::directory::LIST, $crate::store::directory::TELL] {
                        add!($batch, statement, epoch, handle, row.account.as_bytes().as_slice(), &row.tag);
                    }
                }
            }
            $crate::store::Listing::Hidden(handles) => {
                for (epoch, handle) in handles {
                    let (epoch, handle) = (i64::from(*epoch), handle.as_bytes().as_slice());
                    for statement in
                        [$crate::store::directory::UNLIST, $crate::store::directory::TELL_UNLISTED]
                    {
                        add!($batch, statement, epoch, handle);
                    }
                }
            }
        }
    };
}
pub(super) use add_listing;

type Row = (Vec<u8>, Vec<u8>, Vec<u8>);

fn entry(epoch: u32, (handle, account, tag): Row) -> Result<DirectoryRow, StoreError> {
    Ok(DirectoryRow {
        epoch,
        handle: TABLE.some("handle", StoredHandle::from_slice(&handle))?,
        account: TABLE.some("account_id", AccountId::from_slice(&account))?,
        tag,
    })
}

/// Bytes of an entry among others: handle, account, tag.
const PACKED: usize = 16 + 16 + 8;

/// The entries that lie one after the other. One that has not its size brings all after it out of step.
fn cut(epoch: u32, packed: &[u8]) -> Result<Vec<DirectoryRow>, StoreError> {
    let (rows, rest) = packed.as_chunks::<PACKED>();
    TABLE.some("tag", rest.is_empty().then_some(()))?;
    let row = |row: &[u8; PACKED]| {
        let (handle, rest) = row.split_at(16);
        let (account, tag) = rest.split_at(16);
        Ok(DirectoryRow {
            epoch,
            handle: TABLE.some("handle", StoredHandle::from_slice(handle))?,
            account: TABLE.some("account_id", AccountId::from_slice(account))?,
            tag: tag.to_vec(),
        })
    };
    rows.iter().map(row).collect()
}

/// What [`Store::find_in_directory`] finds, in one statement.
pub(super) async fn find_on_sqlite(
    readers: &SqlitePool,
    epoch: u32,
    handles: &[StoredHandle],
) -> Result<Vec<DirectoryRow>, StoreError> {
    // One blob with a handle every 16 bytes: cutting it is several times faster than reading JSON. And one with a row
    // every 40 bytes: sqlx hands every row of its own, with every column, from one thread to another.
    const FIND: &str = "WITH RECURSIVE asked (at) AS (
            SELECT 1 UNION ALL SELECT at + 16 FROM asked WHERE at + 16 < length($2))
        SELECT CAST(group_concat(d.handle || d.account_id || d.tag, '') AS BLOB) FROM asked
        CROSS JOIN directory AS d ON d.handle = substr($2, at, 16) AND d.epoch_id = $1";
    let mut asked: Vec<_> = handles.iter().map(|handle| *handle.as_bytes()).collect();
    // In the order of the table: neighbours lie on the same pages.
    asked.sort_unstable();
    let found: Option<Vec<u8>> = sqlx::query_scalar(FIND)
        .bind(i64::from(epoch))
        .bind(asked.into_flattened())
        .fetch_one(readers)
        .await?;
    cut(epoch, &found.unwrap_or_default())
}

impl Store {
    /// The entries at any of these handles; on SQLite in one statement with what others ask meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_in_directory(
        &self,
        epoch: u32,
        handles: &[StoredHandle],
    ) -> Result<Vec<DirectoryRow>, StoreError> {
        const POSTGRES: &str = "SELECT handle, account_id, tag FROM directory
            WHERE epoch_id = $1 AND handle = ANY ($2)";
        let rows: Vec<Row> = match &self.pool {
            super::Pool::Sqlite { lookups, .. } => return lookups.find(epoch, handles).await,
            super::Pool::Postgres(server) => {
                let asked: Vec<&[u8]> = handles.iter().map(|handle| handle.as_bytes().as_slice()).collect();
                let asking = async {
                    let mut held = server.acquire().await?;
                    let found = sqlx::query_as(POSTGRES).bind(i64::from(epoch)).bind(asked);
                    Ok(found.fetch_all(&mut *held).await?)
                };
                server.within(Box::pin(asking)).await?
            }
        };
        rows.into_iter().map(|row| entry(epoch, row)).collect()
    }

    /// Up to `limit` entries of an epoch after one handle and up to another, in ascending order: a page of the directory.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn directory_page(
        &self,
        epoch: u32,
        after: Option<StoredHandle>,
        until: Option<StoredHandle>,
        limit: i64,
    ) -> Result<Vec<DirectoryRow>, StoreError> {
        const PAGE: &str = "SELECT handle, account_id, tag FROM directory
            WHERE epoch_id = $1 AND handle > $2 AND handle <= $3 ORDER BY handle LIMIT $4";
        let after = after.map_or_else(Vec::new, |handle| handle.as_bytes().to_vec());
        let until = until.map_or_else(|| vec![u8::MAX; 16], |handle| handle.as_bytes().to_vec());
        let rows: Vec<Row> = read!(self, conn => {
            sqlx::query_as(PAGE).bind(i64::from(epoch)).bind(after).bind(until).bind(limit).fetch_all(conn).await?
        });
        rows.into_iter().map(|row| entry(epoch, row)).collect()
    }

    /// How many entries an epoch has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn directory_size(&self, epoch: u32) -> Result<u64, StoreError> {
        // A view waits for it, so a dead connection must not look like a large directory for long.
        match Patience::of(BRIEFLY).bound(self.count_directory(epoch)).await {
            Err(cause) if cause.is_late() => self.at_length().count_directory(epoch).await,
            counted => counted,
        }
    }

    async fn count_directory(&self, epoch: u32) -> Result<u64, StoreError> {
        const SIZE: &str = "SELECT COUNT(*) FROM directory WHERE epoch_id = $1";
        let size: i64 =
            read!(self, conn => sqlx::query_scalar(SIZE).bind(i64::from(epoch)).fetch_one(conn).await?);
        Ok(u64::try_from(size).unwrap_or(0))
    }
}
