//! Which keys this database was written with.

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};

/// The mark that one version of one key leaves in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFingerprint {
    /// The purpose's name.
    pub purpose: String,
    /// The version, from 1 up.
    pub version: u8,
    /// 16 bytes derived from the key.
    pub fingerprint: Vec<u8>,
}

const TABLE: Table = Table("key_fingerprints");

impl Store {
    /// Every mark, by purpose and version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key_fingerprints(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        const ALL: &str =
            "SELECT purpose, version, fingerprint FROM key_fingerprints ORDER BY purpose, version";
        let rows: Vec<(String, i64, Vec<u8>)> =
            read!(self, conn => sqlx::query_as(ALL).fetch_all(conn).await?);
        rows.into_iter()
            .map(|(purpose, version, fingerprint)| {
                let version = TABLE.some("version", u8::try_from(version).ok())?;
                Ok(KeyFingerprint { purpose, version, fingerprint })
            })
            .collect()
    }

    /// Marks a database that has no marks yet; a mark that is there stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_key_fingerprints(&self, marks: &[KeyFingerprint]) -> Result<(), StoreError> {
        const RECORD: &str =
            "INSERT INTO key_fingerprints (purpose, version, fingerprint) VALUES ($1, $2, $3)
            ON CONFLICT (purpose, version) DO NOTHING";
        transact!(self, tx => {
            for mark in marks {
                run!(tx, RECORD, &mark.purpose, i64::from(mark.version), &mark.fingerprint);
            }
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
