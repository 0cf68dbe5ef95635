//! The sealed secret that numbers are hashed with.

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};

/// Only a database of before has an empty one, and only until `index_key` gets a second version. Any other was emptied,
/// which is as if there were none.
const READ: &str = "SELECT sealed FROM index_secret WHERE name = 'numbers' AND (LENGTH(sealed) > 0
    OR NOT EXISTS (SELECT 1 FROM key_fingerprints WHERE purpose = 'index_secret'))";
const REPLACE: &str = "UPDATE index_secret SET sealed = $2 WHERE name = 'numbers' AND sealed = $1";
/// What is under a version before may still be sealed under this one, by a node that has not heard of a later one.
const COUNT: &str = "SELECT COUNT(*) FROM index_secret WHERE SUBSTR(sealed, 1, 1) <= $1";
pub(super) const ADD: &str =
    "INSERT INTO index_secret (name, sealed) VALUES ('numbers', $1) ON CONFLICT (name) DO NOTHING";

impl Store {
    /// The sealed secret; empty where `index_key` still is that secret itself, `None` before a node has made the keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn index_secret(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(read!(self, conn => sqlx::query_scalar(READ).fetch_optional(conn).await?))
    }

    /// Replaces the secret, if it is still as it was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_index_secret(&self, before: &[u8], sealed: &[u8]) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            Ok(Ending::Commit(run!(tx, REPLACE, before, sealed) == 1))
        }))
    }

    /// How many secrets are sealed under a version of `index_key` or one before it: one, or none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_index_secrets(&self, version: u8) -> Result<u64, StoreError> {
        let version = [version];
        let number: i64 = read!(self, conn => {
            sqlx::query_scalar(COUNT).bind(version.as_slice()).fetch_one(conn).await?
        });
        Table("index_secret").some("count", u64::try_from(number).ok())
    }
}
