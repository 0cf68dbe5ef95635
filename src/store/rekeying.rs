//! What is under which version of a key, and sealing it anew.

use super::error::Table;
use super::{Ending, Pool, Store, StoreError, read, run, transact};
use jiff::Timestamp;

/// A column whose values are sealed under `number_key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedColumn {
    /// The numbers of accounts.
    AccountNumber,
    /// The names of devices.
    DeviceName,
    /// The numbers of verifications.
    VerificationNumber,
    /// The keys of the audit log's subjects.
    SubjectKey,
    /// The second factors of admins.
    SecondFactor,
}

impl SealedColumn {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::AccountNumber,
        Self::DeviceName,
        Self::VerificationNumber,
        Self::SubjectKey,
        Self::SecondFactor,
    ];

    /// Binds: after which row, how many.
    const fn page(self) -> &'static str {
        match self {
            Self::AccountNumber => {
                "SELECT account_id, number_sealed FROM accounts WHERE account_id > $1
                ORDER BY account_id LIMIT $2"
            }
            Self::DeviceName => {
                "SELECT device_id, name_sealed FROM devices WHERE device_id > $1 ORDER BY device_id LIMIT $2"
            }
            Self::VerificationNumber => {
                "SELECT verification_id, number_sealed FROM verifications WHERE verification_id > $1
                ORDER BY verification_id LIMIT $2"
            }
            Self::SubjectKey => {
                "SELECT owner, key_sealed FROM audit_subjects WHERE owner > $1 ORDER BY owner LIMIT $2"
            }
            Self::SecondFactor => {
                "SELECT admin_id, totp_sealed FROM admins WHERE admin_id > $1 AND totp_sealed IS NOT NULL
                ORDER BY admin_id LIMIT $2"
            }
        }
    }

    /// Binds: rows, what each held, what each shall hold. PostgreSQL is asked for many values at once.
    const fn replace_all(self) -> &'static str {
        match self {
            Self::AccountNumber => {
                "UPDATE accounts SET number_sealed = new.sealed
                FROM UNNEST($1::BYTEA[], $2::BYTEA[], $3::BYTEA[]) AS new (id, held, sealed)
                WHERE account_id = new.id AND number_sealed = new.held"
            }
            Self::DeviceName => {
                "UPDATE devices SET name_sealed = new.sealed
                FROM UNNEST($1::BYTEA[], $2::BYTEA[], $3::BYTEA[]) AS new (id, held, sealed)
                WHERE device_id = new.id AND name_sealed = new.held"
            }
            Self::VerificationNumber => {
                "UPDATE verifications SET number_sealed = new.sealed
                FROM UNNEST($1::BYTEA[], $2::BYTEA[], $3::BYTEA[]) AS new (id, held, sealed)
                WHERE verification_id = new.id AND number_sealed = new.held"
            }
            Self::SubjectKey => {
                "UPDATE audit_subjects SET key_sealed = new.sealed
                FROM UNNEST($1::BYTEA[], $2::BYTEA[], $3::BYTEA[]) AS new (id, held, sealed)
                WHERE owner = new.id AND key_sealed = new.held"
            }
            Self::SecondFactor => {
                "UPDATE admins SET totp_sealed = new.sealed
                FROM UNNEST($1::BYTEA[], $2::BYTEA[], $3::BYTEA[]) AS new (id, held, sealed)
                WHERE admin_id = new.id AND totp_sealed = new.held"
            }
        }
    }

    /// Binds: the row, what it held, what it shall hold.
    const fn replace(self) -> &'static str {
        match self {
            Self::AccountNumber => {
                "UPDATE accounts SET number_sealed = $3 WHERE account_id = $1 AND number_sealed = $2"
            }
            Self::DeviceName => {
                "UPDATE devices SET name_sealed = $3 WHERE device_id = $1 AND name_sealed = $2"
            }
            Self::VerificationNumber => {
                "UPDATE verifications SET number_sealed = $3 WHERE verification_id = $1 AND number_sealed = $2"
            }
            Self::SubjectKey => {
                "UPDATE audit_subjects SET key_sealed = $3 WHERE owner = $1 AND key_sealed = $2"
            }
            Self::SecondFactor => {
                "UPDATE admins SET totp_sealed = $3 WHERE admin_id = $1 AND totp_sealed = $2"
            }
        }
    }
}

/// A sealed value and its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// The primary key of its row.
    pub row: Vec<u8>,
    /// The value.
    pub sealed: Vec<u8>,
}

/// A value that was sealed anew.
#[derive(Debug, Clone)]
pub struct Resealed {
    /// As it was read.
    pub before: SealedValue,
    /// As it shall be.
    pub sealed: Vec<u8>,
}

/// A node's hold on the work on a key.
#[derive(Debug, Clone, Copy)]
pub struct KeyLease<'a> {
    /// The purpose's name.
    pub purpose: &'a str,
    /// Who works, by a random name.
    pub worker: [u8; 16],
    /// Until when nobody else takes the work over.
    pub until: Timestamp,
}

const COUNT_SEALED: &str = "SELECT
    (SELECT COUNT(*) FROM accounts WHERE SUBSTR(number_sealed, 1, 1) = $1)
    + (SELECT COUNT(*) FROM devices WHERE SUBSTR(name_sealed, 1, 1) = $1)
    + (SELECT COUNT(*) FROM verifications WHERE SUBSTR(number_sealed, 1, 1) = $1)
    + (SELECT COUNT(*) FROM audit_subjects WHERE SUBSTR(key_sealed, 1, 1) = $1)
    + (SELECT COUNT(*) FROM admins WHERE SUBSTR(totp_sealed, 1, 1) = $1)
    + (SELECT COUNT(*) FROM epochs WHERE SUBSTR(pepper_sealed, 1, 1) = $1)";
const COUNT_TOKENS: &str = "SELECT COUNT(*) FROM devices WHERE key_version = $1 AND last_seen_at >= $2";
const COUNT_CODES: &str = "SELECT COUNT(*) FROM verifications WHERE key_version = $1 AND expires_at >= $2";
const COUNT_EPOCHS: &str = "SELECT COUNT(*) FROM epochs WHERE directory_key = $1 AND emptied_at IS NULL";
const RESEAL_PEPPER: &str = "UPDATE epochs SET pepper_sealed = $3 WHERE epoch_id = $1 AND pepper_sealed = $2";
/// On PostgreSQL: whoever else holds two of these rows must not wait for long for this work, nor it for them.
const WAIT_BRIEFLY: &str = "SET LOCAL lock_timeout = '100ms'";
const TAKE: &str = "INSERT INTO key_work (purpose, worker, lease_until) VALUES ($1, $2, $3)
    ON CONFLICT (purpose) DO UPDATE SET worker = excluded.worker, lease_until = excluded.lease_until
    WHERE key_work.worker = excluded.worker OR key_work.lease_until <= $4";

fn count(table: Table, number: i64) -> Result<u64, StoreError> {
    table.some("count", u64::try_from(number).ok())
}

impl Store {
    /// How many values are sealed under a version of `number_key`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_sealed(&self, version: u8) -> Result<u64, StoreError> {
        let version = [version];
        let number: i64 = read!(self.at_length(), conn => {
            sqlx::query_scalar(COUNT_SEALED).bind(version.as_slice()).fetch_one(conn).await?
        });
        count(Table("accounts"), number)
    }

    /// How many devices seen at `seen` or later have a token of a version of `token_key`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_tokens(&self, version: u8, seen: Timestamp) -> Result<u64, StoreError> {
        let number: i64 = read!(self.at_length(), conn => {
            let count = sqlx::query_scalar(COUNT_TOKENS).bind(i64::from(version));
            count.bind(seen.as_millisecond()).fetch_one(conn).await?
        });
        count(Table("devices"), number)
    }

    /// How many verifications that end at `ending` or later have a code of a version of `code_key`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_codes(&self, version: u8, ending: Timestamp) -> Result<u64, StoreError> {
        let number: i64 = read!(self.at_length(), conn => {
            let count = sqlx::query_scalar(COUNT_CODES).bind(i64::from(version));
            count.bind(ending.as_millisecond()).fetch_one(conn).await?
        });
        count(Table("verifications"), number)
    }

    /// How many epochs have rows that are stored under a version of `directory_key`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_epochs(&self, version: u8) -> Result<u64, StoreError> {
        let number: i64 = read!(self, conn => {
            sqlx::query_scalar(COUNT_EPOCHS).bind(i64::from(version)).fetch_one(conn).await?
        });
        count(Table("epochs"), number)
    }

    /// Up to `limit` sealed values after a row, in the order of rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealed_values(
        &self,
        column: SealedColumn,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<SealedValue>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = read!(self, conn => {
            sqlx::query_as(column.page()).bind(after).bind(limit).fetch_all(conn).await?
        });
        Ok(rows.into_iter().map(|(row, sealed)| SealedValue { row, sealed }).collect())
    }

    /// Replaces values that are still as they were read: how many were.
    ///
    /// # Errors
    /// When the database fails, or others hold one of the rows; nothing was changed then.
    pub async fn replace_sealed(&self, column: SealedColumn, values: &[Resealed]) -> Result<u64, StoreError> {
        if let Pool::Postgres(server) = &self.pool {
            let all = |of: fn(&Resealed) -> &[u8]| values.iter().map(of).collect::<Vec<&[u8]>>();
            let replacing = async {
                let mut held = server.acquire().await?;
                let mut tx = sqlx::Connection::begin(&mut *held).await?;
                sqlx::query(WAIT_BRIEFLY).execute(&mut *tx).await?;
                let replace = sqlx::query(column.replace_all())
                    .bind(all(|value| &value.before.row))
                    .bind(all(|value| &value.before.sealed))
                    .bind(all(|value| &value.sealed));
                let replaced = replace.execute(&mut *tx).await?.rows_affected();
                tx.commit().await?;
                Ok(replaced)
            };
            return server.within(Box::pin(replacing)).await;
        }
        Ok(transact!(self, tx => {
            let mut replaced = 0;
            for value in values {
                replaced += run!(tx, column.replace(), &value.before.row, &value.before.sealed, &value.sealed);
            }
            Ok(Ending::Commit(replaced))
        }))
    }

    /// Replaces the pepper of an epoch, if it is still as it was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_pepper(&self, epoch: u32, before: &[u8], sealed: &[u8]) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            Ok(Ending::Commit(run!(tx, RESEAL_PEPPER, i64::from(epoch), before, sealed) == 1))
        }))
    }

    /// Takes the work on a key, or takes it again; `false` while somebody else holds it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_key_work(&self, lease: &KeyLease<'_>, now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let taken = run!(tx, TAKE, lease.purpose, lease.worker.as_slice(), lease.until.as_millisecond(), now.as_millisecond());
            Ok(Ending::Commit(taken > 0))
        }))
    }
}
