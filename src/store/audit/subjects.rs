//! Whom the log speaks of.

use crate::model::audit::Subject;
use crate::store::error::Table;
use crate::store::{Ending, Pool, Store, StoreError, read, run, transact};
use jiff::Timestamp;

/// A subject with the key that its row keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSubject {
    /// The random name.
    pub subject: Subject,
    /// The index of the number, or the bytes of an admin's name.
    pub owner: Vec<u8>,
    /// The key, sealed.
    pub key_sealed: Vec<u8>,
}

type Row = (Vec<u8>, Vec<u8>, Vec<u8>);

const OF_OWNER: &str = "SELECT subject, owner, key_sealed FROM audit_subjects WHERE owner = $1";
const OF_SUBJECTS: &str = "SELECT subject, owner, key_sealed FROM audit_subjects WHERE subject = ANY ($1)
    ORDER BY subject";
const OF_SUBJECT: &str = "SELECT subject, owner, key_sealed FROM audit_subjects WHERE subject = $1";
const DESTROY: &str = "DELETE FROM audit_subjects WHERE owner = $1";
/// The same, and whom the log has named so.
pub(in crate::store) const DESTROY_NAMED: &str =
    "DELETE FROM audit_subjects WHERE owner = $1 RETURNING subject";
/// An account's events stay readable for as long as it lives, whenever it was last heard of.
const DESTROY_OLD: &str = "DELETE FROM audit_subjects WHERE owner IN (SELECT owner FROM audit_subjects
    WHERE seen_at < $1 AND LENGTH(owner) = 32 AND NOT EXISTS (SELECT 1 FROM numbers WHERE number_index = owner)
    ORDER BY seen_at LIMIT $2) AND seen_at < $1";

fn kept((subject, owner, key_sealed): Row) -> Result<KeptSubject, StoreError> {
    let table = Table("audit_subjects");
    Ok(KeptSubject { subject: Subject(table.some("subject", subject.try_into().ok())?), owner, key_sealed })
}

impl Store {
    /// The subject of an owner, if the log has spoken of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_subject(&self, owner: &[u8]) -> Result<Option<KeptSubject>, StoreError> {
        let row: Option<Row> =
            read!(self, conn => sqlx::query_as(OF_OWNER).bind(owner).fetch_optional(conn).await?);
        row.map(kept).transpose()
    }

    /// Those of these subjects whose keys are kept, in any order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_subjects(&self, subjects: &[Subject]) -> Result<Vec<KeptSubject>, StoreError> {
        let rows: Vec<Row> = match &self.pool {
            Pool::Sqlite { readers, .. } => {
                let mut rows = Vec::with_capacity(subjects.len());
                let mut connection = readers.acquire().await?;
                for subject in subjects {
                    let found = sqlx::query_as(OF_SUBJECT).bind(subject.0.as_slice());
                    rows.extend(found.fetch_optional(&mut *connection).await?);
                }
                rows
            }
            Pool::Postgres(server) => {
                let asked: Vec<&[u8]> = subjects.iter().map(|subject| subject.0.as_slice()).collect();
                let asking = async {
                    let mut held = server.acquire().await?;
                    Ok(sqlx::query_as(OF_SUBJECTS).bind(asked).fetch_all(&mut *held).await?)
                };
                server.within(Box::pin(asking)).await?
            }
        };
        rows.into_iter().map(kept).collect()
    }

    /// Destroys the key of an owner: what the log says of it in sealed parts opens no more. `false`: there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn destroy_audit_subject(&self, owner: &[u8]) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => { Ok(Ending::Commit(run!(tx, DESTROY, owner) > 0)) }))
    }

    /// Destroys the keys of up to `limit` numbers without an account that were not spoken of since a time: how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_audit_subjects(&self, seen: Timestamp, limit: i64) -> Result<u64, StoreError> {
        Ok(transact!(self.at_length(), tx => {
            Ok(Ending::Commit(run!(tx, DESTROY_OLD, seen.as_millisecond(), limit)))
        }))
    }
}
