//! Everybody's row in a new epoch, and the end of the rows of an old one.

use super::error::Table;
use super::{Ending, Pool, Store, StoreError, read, run, transact};
use crate::model::id::AccountId;
use crate::model::keys::StoredHandle;

/// Bytes of a sealed number by which a later one is told from it: they lie in its random nonce.
const MARK: usize = 8;

/// A discoverable account.
#[derive(Debug, Clone)]
pub struct DiscoverableAccount {
    /// Its name.
    pub id: AccountId,
    /// Its number, sealed.
    pub number_sealed: Vec<u8>,
}

impl DiscoverableAccount {
    /// What tells this sealed number from every other of the account, past and to come.
    #[must_use]
    pub fn mark(&self) -> [u8; MARK] {
        let mut mark = [0; MARK];
        mark.iter_mut().zip(self.number_sealed.iter().skip(1)).for_each(|(to, from)| *to = *from);
        mark
    }
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
    /// The mark of the number that it was made from.
    pub mark: [u8; MARK],
}

/// Bytes of a [`NewRow`] in the packed form that SQLite takes.
const PACKED: usize = 16 + 16 + 8 + MARK;

const PAGE: &str = "SELECT account_id, number_sealed FROM accounts
    WHERE account_id > $1 AND discoverable_since IS NOT NULL ORDER BY account_id LIMIT $2";
const COUNT: &str = "SELECT COUNT(*) FROM accounts WHERE discoverable_since IS NOT NULL";
/// `$2` holds `$3` rows one after the other, 48 bytes each; a blob is cut many times faster than JSON is read.
const ADD_SQLITE: &str =
    "WITH RECURSIVE at (i) AS (SELECT 0 UNION ALL SELECT i + 48 FROM at WHERE i + 48 < $3 * 48)
    INSERT INTO directory (epoch_id, handle, account_id, tag)
    SELECT $1, substr($2, i + 1, 16), a.account_id, substr($2, i + 33, 8)
    FROM at CROSS JOIN accounts AS a ON a.account_id = substr($2, i + 17, 16)
    WHERE a.discoverable_since IS NOT NULL AND substr(a.number_sealed, 2, 8) = substr($2, i + 41, 8)
    ON CONFLICT (handle, epoch_id) DO NOTHING";
/// Whoever hides or is erased now waits, and then finds the row; whoever did so first is not found here.
const ADD_POSTGRES: &str = "WITH listed AS (
        SELECT account_id, substr(number_sealed, 2, 8) AS mark FROM accounts
        WHERE account_id = ANY ($3) AND discoverable_since IS NOT NULL ORDER BY account_id FOR SHARE)
    INSERT INTO directory (epoch_id, handle, account_id, tag)
    SELECT $1, new.handle, new.account_id, new.tag
    FROM UNNEST($2::BYTEA[], $3::BYTEA[], $4::BYTEA[], $5::BYTEA[]) AS new (handle, account_id, tag, mark)
    JOIN listed ON listed.account_id = new.account_id AND listed.mark = new.mark
    ORDER BY new.handle ON CONFLICT (handle, epoch_id) DO NOTHING";
const LAST_OF_PAGE: &str = "SELECT handle FROM (
    SELECT handle FROM directory WHERE handle > $1 ORDER BY handle LIMIT $2) AS page
    ORDER BY handle DESC LIMIT 1";
const EMPTY: &str = "DELETE FROM directory WHERE epoch_id = $1 AND handle > $2 AND handle <= $3";

fn pack(rows: &[NewRow]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(rows.len() * PACKED);
    for row in rows {
        packed.extend_from_slice(row.handle.as_bytes());
        packed.extend_from_slice(row.account.as_bytes());
        packed.extend_from_slice(&row.tag);
        packed.extend_from_slice(&row.mark);
    }
    packed
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
        let rows: Vec<(Vec<u8>, Vec<u8>)> = read!(self, conn => {
            sqlx::query_as(PAGE).bind(after).bind(limit).fetch_all(conn).await?
        });
        rows.into_iter()
            .map(|(id, number_sealed)| {
                let id = Table("accounts").some("account_id", AccountId::from_slice(&id))?;
                Ok(DiscoverableAccount { id, number_sealed })
            })
            .collect()
    }

    /// Adds rows to an epoch, in one statement: of those whose account is still discoverable at the number that
    /// it had, and where there is none. They should be in ascending order of handle. Says how many it added.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_epoch_rows(&self, epoch: u32, rows: &[NewRow]) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let added = match &self.pool {
            Pool::Sqlite { writer, .. } => {
                let count = i64::try_from(rows.len()).unwrap_or(0);
                let add = sqlx::query(ADD_SQLITE).bind(i64::from(epoch)).bind(pack(rows)).bind(count);
                add.execute(writer.pool()).await?.rows_affected()
            }
            Pool::Postgres(server) => {
                let column = |of: fn(&NewRow) -> &[u8]| rows.iter().map(of).collect::<Vec<&[u8]>>();
                let add = sqlx::query(ADD_POSTGRES)
                    .bind(i64::from(epoch))
                    .bind(column(|row| row.handle.as_bytes()))
                    .bind(column(|row| row.account.as_bytes()))
                    .bind(column(|row| &row.tag))
                    .bind(column(|row| &row.mark));
                let adding = async {
                    let mut held = server.acquire().await?;
                    Ok(add.execute(&mut *held).await?.rows_affected())
                };
                server.within(Box::pin(adding)).await?
            }
        };
        Ok(added)
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
