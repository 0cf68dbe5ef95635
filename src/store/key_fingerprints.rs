//! Which keys this database was written with, and how far their lives are.

use super::error::Table;
use super::{Ending, Store, StoreError, index_secret, note, read, run, transact};
use crate::model::audit::{Action, Note};
use crate::model::key_life::KeyLife;
use crate::model::keys::Purpose;
use jiff::Timestamp;

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

/// A mark with the times of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMark {
    /// The mark.
    pub key: KeyFingerprint,
    /// The key's times.
    pub life: KeyLife,
}

/// What came of putting a version into use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseOutcome {
    /// Done.
    Used,
    /// It is in use, retired or unknown. Nothing was changed.
    NotAdded,
    /// These servers have not read it. Nothing was changed.
    Lacking(Vec<String>),
}

type Row = (String, i64, Vec<u8>, Option<i64>, Option<i64>, Option<i64>);

const TABLE: Table = Table("key_fingerprints");
/// What keeps a node off that would hash numbers with `index_key` itself: a mark of a purpose that its key file lacks.
const KEPT_OFF: &str = "index_secret";
const ALL: &str = "SELECT purpose, version, fingerprint, added_at, used_at, retired_at
    FROM key_fingerprints WHERE purpose <> 'index_secret' ORDER BY purpose, version";
const RECORD: &str = "INSERT INTO key_fingerprints (purpose, version, fingerprint, added_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT (purpose, version) DO NOTHING";
/// On PostgreSQL: no server comes or says what it has read until the transaction ends.
const HOLD_NODES: &str = "LOCK TABLE nodes, node_keys IN SHARE ROW EXCLUSIVE MODE";
const LACKING: &str = "SELECT name FROM nodes WHERE seen_at > $3 AND NOT EXISTS (
    SELECT 1 FROM node_keys WHERE node_keys.node_id = nodes.node_id AND purpose = $1 AND version = $2)
    ORDER BY name";
const USE: &str = "UPDATE key_fingerprints SET used_at = $3 WHERE purpose = $1 AND version = $2
    AND added_at IS NOT NULL AND used_at IS NULL AND retired_at IS NULL";
/// Not while a server makes what is new with it.
const RETIRE: &str = "UPDATE key_fingerprints SET retired_at = $4
    WHERE purpose = $1 AND version = $2 AND retired_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM nodes JOIN node_keys ON node_keys.node_id = nodes.node_id
        WHERE seen_at > $3 AND node_keys.purpose = $1 AND node_keys.version = $2 AND in_use = 1)";
/// The mark stays: a number is never given twice.
const WITHDRAW: &str = "UPDATE key_fingerprints SET retired_at = $3 WHERE purpose = $1 AND version = $2
    AND added_at IS NOT NULL AND used_at IS NULL AND retired_at IS NULL";

fn mark((purpose, version, fingerprint, added, used, retired): Row) -> Result<KeyMark, StoreError> {
    let version = TABLE.some("version", u8::try_from(version).ok())?;
    Ok(KeyMark {
        key: KeyFingerprint { purpose, version, fingerprint },
        life: KeyLife {
            added_at: TABLE.time_if("added_at", added)?,
            used_at: TABLE.time_if("used_at", used)?,
            retired_at: TABLE.time_if("retired_at", retired)?,
        },
    })
}

/// What the audit log says of a version of a key.
fn of_key(action: Action, purpose: &str, version: u8) -> Note {
    Note::new(action).target("key", format!("{purpose}:{version}"))
}

impl Store {
    /// Every mark, by purpose and version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key_marks(&self) -> Result<Vec<KeyMark>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => sqlx::query_as(ALL).fetch_all(conn).await?);
        rows.into_iter().map(mark).collect()
    }

    /// Marks a database that has no marks yet, and gives it its sealed index secret; what is there stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_key_fingerprints(
        &self,
        marks: &[KeyFingerprint],
        index_secret: &[u8],
    ) -> Result<(), StoreError> {
        transact!(self, tx => {
            for mark in marks {
                run!(tx, RECORD, &mark.purpose, i64::from(mark.version), &mark.fingerprint, None::<i64>);
            }
            run!(tx, index_secret::ADD, index_secret);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Adds a version, which is not in use yet; `false` if one of that number is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_key(&self, mark: &KeyFingerprint, now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let added = run!(tx, RECORD, &mark.purpose, i64::from(mark.version), &mark.fingerprint, now.as_millisecond());
            if added > 0 && mark.purpose == Purpose::Index.as_str() {
                run!(tx, RECORD, KEPT_OFF, 1_i64, [0_u8; 0].as_slice(), None::<i64>);
            }
            if added > 0 {
                note!(self, tx, now, of_key(Action::KeyAdded, &mark.purpose, mark.version));
            }
            Ok(Ending::Commit(added > 0))
        }))
    }

    /// Puts an added version into use, if every server that was seen after `live` has read it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_key(
        &self,
        (purpose, version): (&str, u8),
        live: Timestamp,
        now: Timestamp,
    ) -> Result<UseOutcome, StoreError> {
        Ok(transact!(self, tx => {
            if self.engine() == "postgres" {
                run!(tx, HOLD_NODES);
            }
            let lacking: Vec<String> = sqlx::query_scalar(LACKING)
                .bind(purpose)
                .bind(i64::from(version))
                .bind(live.as_millisecond())
                .fetch_all(&mut *tx)
                .await?;
            if !lacking.is_empty() {
                return Ok(Ending::Rollback(UseOutcome::Lacking(lacking)));
            }
            if run!(tx, USE, purpose, i64::from(version), now.as_millisecond()) == 0 {
                return Ok(Ending::Rollback(UseOutcome::NotAdded));
            }
            note!(self, tx, now, of_key(Action::KeyUsed, purpose, version));
            Ok(Ending::Commit(UseOutcome::Used))
        }))
    }

    /// Retires a version, unless a server that was seen after `live` uses it; `false` then, or if it was retired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retire_key(
        &self,
        (purpose, version): (&str, u8),
        live: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let (live, at) = (live.as_millisecond(), now.as_millisecond());
            let retired = run!(tx, RETIRE, purpose, i64::from(version), live, at);
            if retired > 0 {
                note!(self, tx, now, of_key(Action::KeyRetired, purpose, version));
            }
            Ok(Ending::Commit(retired > 0))
        }))
    }

    /// Retires a version that was added and never used; `false` if there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withdraw_key(
        &self,
        (purpose, version): (&str, u8),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let withdrawn = run!(tx, WITHDRAW, purpose, i64::from(version), now.as_millisecond());
            if withdrawn > 0 {
                note!(self, tx, now, of_key(Action::KeyRetired, purpose, version).because("never_used"));
            }
            Ok(Ending::Commit(withdrawn > 0))
        }))
    }
}
