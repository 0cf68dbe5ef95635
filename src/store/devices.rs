//! Devices: authenticated, listed, seen, revoked.

use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::account::{Device, Platform};
use crate::model::audit::{Action, Note};
use crate::model::id::{AccountId, DeviceId};
use crate::model::keys::NumberIndex;
use crate::model::secret::HashedSecret;
use jiff::Timestamp;

const TABLE: Table = Table("devices");

/// What it takes to let a device act for its account.
#[derive(Debug, Clone)]
pub struct DeviceAuth {
    /// The device.
    pub device: DeviceId,
    /// The account it acts for.
    pub account: AccountId,
    /// Finds the rows of the account's number.
    pub number_index: NumberIndex,
    /// The digest of its token's secret.
    pub secret: HashedSecret,
    /// When it was last seen, to the day.
    pub last_seen_at: Timestamp,
}

/// Account, number index, digest of the secret, last seen.
type AuthRow = (Vec<u8>, Vec<u8>, Vec<u8>, i64);

#[derive(sqlx::FromRow)]
struct Row {
    device_id: Vec<u8>,
    account_id: Vec<u8>,
    secret_hash: Vec<u8>,
    key_version: i64,
    name_sealed: Vec<u8>,
    platform: String,
    created_at: i64,
    last_seen_at: i64,
}

impl Row {
    fn read(self) -> Result<Device, StoreError> {
        Ok(Device {
            id: TABLE.some("device_id", DeviceId::from_slice(&self.device_id))?,
            account: TABLE.some("account_id", AccountId::from_slice(&self.account_id))?,
            secret: TABLE.some("secret_hash", HashedSecret::from_slice(&self.secret_hash))?,
            key_version: TABLE.some("key_version", u8::try_from(self.key_version).ok())?,
            name_sealed: self.name_sealed,
            platform: TABLE.some("platform", Platform::parse(&self.platform))?,
            created_at: TABLE.time("created_at", self.created_at)?,
            last_seen_at: TABLE.time("last_seen_at", self.last_seen_at)?,
        })
    }
}

const AUTH: &str = "SELECT account_id, number_index, secret_hash, last_seen_at FROM devices WHERE device_id = $1 AND locked_at IS NULL";
const OF_ACCOUNT: &str =
    "SELECT device_id, account_id, secret_hash, key_version, name_sealed, platform, created_at, last_seen_at
    FROM devices WHERE account_id = $1 ORDER BY created_at, device_id";
const SEE: &str = "UPDATE devices SET last_seen_at = $2 WHERE device_id = $1 AND last_seen_at < $2";
const REVOKE: &str = "DELETE FROM devices WHERE device_id = $1 AND account_id = $2 RETURNING number_index";
const SEEN_AT: &str = "SELECT last_seen_at FROM devices WHERE device_id = $1 AND account_id = $2";
/// Whoever signs his last device out goes on with his account.
const SEEN_BY: &str =
    "UPDATE accounts SET seen_at = $2 WHERE account_id = $1 AND (seen_at IS NULL OR seen_at < $2)";

impl Store {
    /// What it takes to authenticate a device, if there is one of that name and its account is not locked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device_auth(&self, device: DeviceId) -> Result<Option<DeviceAuth>, StoreError> {
        let row: Option<AuthRow> = read!(self, conn => {
            sqlx::query_as(AUTH).bind(device.as_bytes().as_slice()).fetch_optional(conn).await?
        });
        row.map(|(account, number, secret, seen)| {
            Ok(DeviceAuth {
                device,
                account: TABLE.some("account_id", AccountId::from_slice(&account))?,
                number_index: TABLE.some("number_index", NumberIndex::from_slice(&number))?,
                secret: TABLE.some("secret_hash", HashedSecret::from_slice(&secret))?,
                last_seen_at: TABLE.time("last_seen_at", seen)?,
            })
        })
        .transpose()
    }

    /// The devices of an account, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn devices(&self, account: AccountId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => {
            sqlx::query_as(OF_ACCOUNT).bind(account.as_bytes().as_slice()).fetch_all(conn).await?
        });
        rows.into_iter().map(Row::read).collect()
    }

    /// Writes that a device was seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn see_device(&self, device: DeviceId, now: Timestamp) -> Result<(), StoreError> {
        transact!(self, tx => {
            let (id, now) = (device.as_bytes().as_slice(), now.as_millisecond());
            run!(tx, SEE, id, now);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Ends a device of an account; `false` if the account has none of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_device(
        &self,
        account: AccountId,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let (id, of) = (device.as_bytes().as_slice(), account.as_bytes().as_slice());
            let seen: Option<i64> =
                sqlx::query_scalar(SEEN_AT).bind(id).bind(of).fetch_optional(&mut *tx).await?;
            let Some(seen) = seen else { return Ok(Ending::Rollback(false)) };
            // The account before its devices, as whoever ends both does.
            run!(tx, SEEN_BY, of, seen);
            let ended: Option<Vec<u8>> = sqlx::query_scalar(REVOKE)
                .bind(id)
                .bind(of)
                .fetch_optional(&mut *tx)
                .await?;
            let Some(number) = ended else { return Ok(Ending::Rollback(false)) };
            let number = TABLE.some("number_index", NumberIndex::from_slice(&number))?;
            let note = Note::new(Action::DeviceRevoked).of_number(&number).account(account).device(device);
            note!(self, tx, now, note);
            Ok(Ending::Commit(true))
        }))
    }
}
