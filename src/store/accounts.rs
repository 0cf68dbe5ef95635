//! Accounts: found, hidden or listed.

use super::batch::{Batch, add};
use super::directory::add_listing;
use super::epochs::overtaken;
use super::error::Table;
use super::{Ending, Listing, Store, StoreError, note, read, transact};
use crate::model::account::Account;
use crate::model::audit::{Action, Note};
use crate::model::id::AccountId;
use crate::model::keys::NumberIndex;
use jiff::Timestamp;

const TABLE: Table = Table("accounts");

/// What came of a change to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange<T> {
    /// Done.
    Done(T),
    /// The account had ended. Nothing was changed.
    Ended,
    /// An epoch has come that the change was planned without. Nothing was changed.
    EpochsOutdated,
}

type Row = (Vec<u8>, Vec<u8>, Vec<u8>, Option<i64>, i64);
type KnownRow = (Vec<u8>, Vec<u8>, Vec<u8>, Option<i64>, i64, Option<i64>);
type SeenRow = (Vec<u8>, Vec<u8>, Vec<u8>, Option<i64>, i64, Option<i64>, Option<i64>);

fn account((id, index, number_sealed, since, created_at): Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: TABLE.some("account_id", AccountId::from_slice(&id))?,
        number_index: TABLE.some("number_index", NumberIndex::from_slice(&index))?,
        number_sealed,
        discoverable: since.is_some(),
        created_at: TABLE.time("created_at", created_at)?,
    })
}

const FIND: &str = "SELECT account_id, number_index, number_sealed, discoverable_since, created_at
    FROM accounts WHERE account_id = $1";
/// A page of accounts with the last time that a device of each was seen, of those it has and of those it had.
const SEEN: &str = "SELECT account_id, number_index, number_sealed, discoverable_since, created_at,
    (SELECT MAX(last_seen_at) FROM devices WHERE devices.account_id = accounts.account_id), seen_at
    FROM accounts WHERE created_at > $1 AND created_at <= $2 AND account_id > $3 ORDER BY account_id LIMIT $4";
const OF_NUMBER: &str = "SELECT account_id FROM numbers WHERE number_index = $1";
/// The same account, with what it knows of the devices that it had.
const FIND_SEEN: &str =
    "SELECT account_id, number_index, number_sealed, discoverable_since, created_at, seen_at
    FROM accounts WHERE account_id = $1";
const LAST_SEEN: &str = "SELECT MAX(last_seen_at) FROM devices WHERE account_id = $1";
const SET_VISIBILITY: &str =
    "UPDATE accounts SET discoverable_since = $2 WHERE account_id = $1 RETURNING number_index";

impl Store {
    /// The account of that name, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row: Option<Row> = read!(self, conn => {
            sqlx::query_as(FIND).bind(id.as_bytes().as_slice()).fetch_optional(conn).await?
        });
        row.map(account).transpose()
    }

    /// Up to `limit` accounts that were created in a period, after `after` in the order of their names, each with
    /// the last time that a device of it was seen, be it signed out since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_seen(
        &self,
        (from, until): (Timestamp, Timestamp),
        after: Option<AccountId>,
        limit: i64,
    ) -> Result<Vec<(Account, Option<Timestamp>)>, StoreError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let rows: Vec<SeenRow> = read!(self, conn => {
            sqlx::query_as(SEEN)
                .bind(from.as_millisecond())
                .bind(until.as_millisecond())
                .bind(after)
                .bind(limit)
                .fetch_all(conn)
                .await?
        });
        rows.into_iter()
            .map(|(id, index, sealed, since, created_at, seen, before)| {
                let seen = TABLE.time_if("seen_at", seen.max(before))?;
                Ok((account((id, index, sealed, since, created_at))?, seen))
            })
            .collect()
    }

    /// The account of a number with the last time that a device of it was seen, be it signed out since, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_of_number(
        &self,
        index: &NumberIndex,
    ) -> Result<Option<(Account, Option<Timestamp>)>, StoreError> {
        let found: Option<(Row, Option<i64>)> = read!(self, conn => {
            let id: Option<Vec<u8>> = sqlx::query_scalar(OF_NUMBER)
                .bind(index.as_bytes().as_slice())
                .fetch_optional(&mut *conn)
                .await?;
            let Some(id) = id else { return Ok(None) };
            let row: Option<KnownRow> = sqlx::query_as(FIND_SEEN).bind(&id).fetch_optional(&mut *conn).await?;
            let seen: Option<i64> = sqlx::query_scalar(LAST_SEEN).bind(&id).fetch_one(&mut *conn).await?;
            row.map(|(id, index, sealed, since, created_at, before)| {
                ((id, index, sealed, since, created_at), seen.max(before))
            })
        });
        found.map(|(row, seen)| Ok((account(row)?, TABLE.time_if("seen_at", seen)?))).transpose()
    }

    /// Lists or hides an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_visibility(
        &self,
        id: AccountId,
        since: Option<Timestamp>,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<AccountChange<()>, StoreError> {
        Ok(transact!(self, tx => {
            if overtaken!(self, tx, listing) {
                return Ok(Ending::Rollback(AccountChange::EpochsOutdated));
            }
            let changed: Option<Vec<u8>> = sqlx::query_scalar(SET_VISIBILITY)
                .bind(id.as_bytes().as_slice())
                .bind(since.map(Timestamp::as_millisecond))
                .fetch_optional(&mut *tx)
                .await?;
            let Some(number) = changed else { return Ok(Ending::Rollback(AccountChange::Ended)) };
            let mut entries = Batch::on(&*tx);
            add_listing!(entries, listing);
            entries.run(&mut *tx).await?;
            let number = TABLE.some("number_index", NumberIndex::from_slice(&number))?;
            let note = Note::new(Action::AccountVisibility).of_number(&number).account(id);
            note!(self, tx, now, note.change("discoverable", None, Some(since.is_some().to_string())));
            Ok(Ending::Commit(AccountChange::Done(())))
        }))
    }
}
