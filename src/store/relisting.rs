//! Everybody's row in a new epoch, and the end of the rows of an old one.
//!
//! A row is made from what an account was when it was read, and must not be written for whoever has hidden or gone
//! since. *PostgreSQL* looks for each row's account again and holds it. *SQLite*, where one transaction writes at a
//! time, asks the feed which handles were written since: every change is told there, for this epoch too, and to look
//! for ten million accounts at random would cost more than their rows.

use super::error::Table;
use super::feed::SQLITE_HEAD;
use super::{Ending, Pool, Store, StoreError, read, run, transact};
use crate::model::id::AccountId;
use crate::model::keys::StoredHandle;
use std::collections::HashSet;

/// A discoverable account.
#[derive(Debug, Clone)]
pub struct DiscoverableAccount {
    /// Its name.
    pub id: AccountId,
    /// Its number, sealed.
    pub number_sealed: Vec<u8>,
}

/// A row of a new epoch, made from what an account was when it was read.
#[derive(Debug, Clone, Copy)]
pub struct NewRow {
    /// The handle as it is stored.
    pub handle: StoredHandle,
    /// Whose it is.
    pub account: AccountId,
    /// Its keyed tag.
    pub tag: [u8; 8],
}

/// Rows of an epoch on their way: of accounts that are read after it began, and with what has changed since.
#[derive(Debug)]
pub struct Relisting {
    epoch: u32,
    /// How far the feed was read, on SQLite.
    seen: i64,
    /// The handles of this epoch that it told of.
    changed: HashSet<StoredHandle>,
}

const ACCOUNTS: Table = Table("accounts");
/// Bytes of a [`NewRow`] in the packed form that SQLite takes.
const PACKED: usize = 16 + 16 + 8;

const PAGE: &str = "SELECT account_id, number_sealed FROM accounts
    WHERE account_id > $1 AND discoverable_since IS NOT NULL ORDER BY account_id LIMIT $2";
/// All of a page in one row, as sqlx hands every row of its own from one thread to another: names and sealed numbers
/// one after the other, and how long each number is.
const PAGE_PACKED: &str = "SELECT CAST(group_concat(account_id || number_sealed, '') AS BLOB),
    group_concat(length(number_sealed)) FROM (
        SELECT account_id, number_sealed FROM accounts
        WHERE account_id > $1 AND discoverable_since IS NOT NULL ORDER BY account_id LIMIT $2)";
const COUNT: &str = "SELECT COUNT(*) FROM accounts WHERE discoverable_since IS NOT NULL";
const CHANGED_SINCE: &str = "SELECT epoch_id, handle FROM directory_feed WHERE feed_id > $1";
/// `$2` holds `$3` rows one after the other, 40 bytes each; a blob is cut many times faster than JSON is read.
const ADD_SQLITE: &str =
    "WITH RECURSIVE at (i) AS (SELECT 0 UNION ALL SELECT i + 40 FROM at WHERE i + 40 < $3 * 40)
    INSERT INTO directory (epoch_id, handle, account_id, tag)
    SELECT $1, substr($2, i + 1, 16), substr($2, i + 17, 16), substr($2, i + 33, 8) FROM at WHERE TRUE
    ON CONFLICT (handle, epoch_id) DO NOTHING";
/// Whoever hides or is erased now waits, and then finds the row; whoever did so first is not found here.
const ADD_POSTGRES: &str = "WITH listed AS (
        SELECT account_id FROM accounts
        WHERE account_id = ANY ($3) AND discoverable_since IS NOT NULL ORDER BY account_id FOR SHARE)
    INSERT INTO directory (epoch_id, handle, account_id, tag)
    SELECT $1, new.handle, new.account_id, new.tag
    FROM UNNEST($2::BYTEA[], $3::BYTEA[], $4::BYTEA[]) AS new (handle, account_id, tag)
    JOIN listed ON listed.account_id = new.account_id
    ORDER BY new.handle ON CONFLICT (handle, epoch_id) DO NOTHING";
const LAST_OF_PAGE: &str = "SELECT handle FROM (
    SELECT handle FROM directory WHERE handle > $1 ORDER BY handle LIMIT $2) AS page
    ORDER BY handle DESC LIMIT 1";
const EMPTY: &str = "DELETE FROM directory WHERE epoch_id = $1 AND handle > $2 AND handle <= $3";

impl Relisting {
    /// Rows one after the other, without those at handles that have changed.
    fn pack(&self, rows: &[NewRow], told: &HashSet<StoredHandle>) -> Vec<u8> {
        let mut packed = Vec::with_capacity(rows.len() * PACKED);
        let changed = |row: &&NewRow| self.changed.contains(&row.handle) || told.contains(&row.handle);
        for row in rows.iter().filter(|row| !changed(row)) {
            packed.extend_from_slice(row.handle.as_bytes());
            packed.extend_from_slice(row.account.as_bytes());
            packed.extend_from_slice(&row.tag);
        }
        packed
    }
}

/// The accounts of a page: each a name of 16 bytes and a sealed number, which is as long as its place in `lengths` says.
fn unpack(mut packed: &[u8], lengths: &str) -> Option<Vec<DiscoverableAccount>> {
    let mut accounts = Vec::new();
    for length in lengths.split_terminator(',') {
        let (id, rest) = packed.split_first_chunk::<16>()?;
        let (sealed, rest) = rest.split_at_checked(length.parse().ok()?)?;
        accounts.push(DiscoverableAccount { id: AccountId::from_bytes(*id), number_sealed: sealed.to_vec() });
        packed = rest;
    }
    packed.is_empty().then_some(accounts)
}

/// The handles of an epoch that lines of the feed tell of.
fn changed_in(epoch: i64, lines: &[(i64, Vec<u8>)]) -> Result<HashSet<StoredHandle>, StoreError> {
    let of_epoch = lines.iter().filter(|(of, _)| *of == epoch);
    of_epoch
        .map(|(_, handle)| Table("directory_feed").some("handle", StoredHandle::from_slice(handle)))
        .collect()
}

impl Store {
    /// How many accounts are discoverable.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_discoverable(&self) -> Result<u64, StoreError> {
        let count: i64 = read!(self.at_length(), conn => sqlx::query_scalar(COUNT).fetch_one(conn).await?);
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Up to `limit` discoverable accounts after one of them, in the order of their names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discoverable_accounts(
        &self,
        after: Option<AccountId>,
        limit: i64,
    ) -> Result<Vec<DiscoverableAccount>, StoreError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let rows: Vec<(Vec<u8>, Vec<u8>)> = match &self.pool {
            Pool::Sqlite { readers, .. } => {
                let page = sqlx::query_as(PAGE_PACKED).bind(after).bind(limit);
                let (packed, lengths): (Option<Vec<u8>>, Option<String>) = page.fetch_one(readers).await?;
                let (packed, lengths) = (packed.unwrap_or_default(), lengths.unwrap_or_default());
                return ACCOUNTS.some("number_sealed", unpack(&packed, &lengths));
            }
            Pool::Postgres(_) => read!(self, conn => {
                sqlx::query_as(PAGE).bind(after).bind(limit).fetch_all(conn).await?
            }),
        };
        rows.into_iter()
            .map(|(id, number_sealed)| {
                let id = ACCOUNTS.some("account_id", AccountId::from_slice(&id))?;
                Ok(DiscoverableAccount { id, number_sealed })
            })
            .collect()
    }

    /// Begins to add rows to an epoch that is written already: of accounts that are read from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_relisting(&self, epoch: u32) -> Result<Relisting, StoreError> {
        let seen = match &self.pool {
            Pool::Sqlite { readers, .. } => sqlx::query_scalar(SQLITE_HEAD).fetch_one(readers).await?,
            Pool::Postgres(_) => 0,
        };
        Ok(Relisting { epoch, seen, changed: HashSet::new() })
    }

    /// Adds rows to an epoch: of those whose account is still discoverable, and where there is none. They should be in
    /// ascending order of handle. Says how many it added; `None` where nobody knows any more what has changed, so that
    /// the accounts must be read anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_epoch_rows(
        &self,
        relisting: &mut Relisting,
        rows: &[NewRow],
    ) -> Result<Option<u64>, StoreError> {
        let epoch = i64::from(relisting.epoch);
        if let Pool::Postgres(server) = &self.pool {
            let column = |of: fn(&NewRow) -> &[u8]| rows.iter().map(of).collect::<Vec<&[u8]>>();
            let add = sqlx::query(ADD_POSTGRES)
                .bind(epoch)
                .bind(column(|row| row.handle.as_bytes()))
                .bind(column(|row| row.account.as_bytes()))
                .bind(column(|row| &row.tag));
            let adding = async {
                let mut held = server.acquire().await?;
                Ok(Some(add.execute(&mut *held).await?.rows_affected()))
            };
            return server.within(Box::pin(adding)).await;
        }
        let written = transact!(self, tx => {
            let head: i64 = sqlx::query_scalar(SQLITE_HEAD).fetch_one(&mut *tx).await?;
            let since = sqlx::query_as(CHANGED_SINCE).bind(relisting.seen);
            let lines: Vec<(i64, Vec<u8>)> = since.fetch_all(&mut *tx).await?;
            // The feed has every number, so a missing one was forgotten: it is kept for a day only.
            if i64::try_from(lines.len()).ok() != head.checked_sub(relisting.seen) {
                return Ok(Ending::Rollback(None));
            }
            let told = changed_in(epoch, &lines)?;
            let packed = relisting.pack(rows, &told);
            let count = i64::try_from(packed.len() / PACKED).unwrap_or(0);
            let added = if count == 0 { 0 } else { run!(tx, ADD_SQLITE, epoch, packed, count) };
            Ok(Ending::Commit(Some((added, head, told))))
        });
        // Only now: numbers of what was rolled back are used again.
        Ok(written.map(|(added, head, told)| {
            relisting.seen = head;
            relisting.changed.extend(told);
            added
        }))
    }

    /// Takes the rows of an epoch away among the next `limit` of the directory after a handle; the last handle it
    /// has looked at, or `None` at the end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn empty_epoch(
        &self,
        epoch: u32,
        after: Option<StoredHandle>,
        limit: i64,
    ) -> Result<Option<StoredHandle>, StoreError> {
        let after = after.map(|handle| handle.as_bytes().to_vec()).unwrap_or_default();
        let last: Option<Vec<u8>> = read!(self, conn => {
            sqlx::query_scalar(LAST_OF_PAGE).bind(&after).bind(limit).fetch_optional(conn).await?
        });
        let Some(last) = last else { return Ok(None) };
        transact!(self, tx => {
            run!(tx, EMPTY, i64::from(epoch), &after, &last);
            Ok(Ending::Commit(()))
        });
        Table("directory").some("handle", StoredHandle::from_slice(&last)).map(Some)
    }
}
