//! How far checkpoints have gone out of the house.

use crate::store::error::Table;
use crate::store::{Ending, Store, StoreError, read, run, transact};
use jiff::Timestamp;

const TABLE: Table = Table("audit_anchors");
const FIND: &str = "SELECT size, sent_at, failed_at FROM audit_anchors WHERE name = $1";
/// A node that lags behind does not turn it back.
const SENT: &str = "INSERT INTO audit_anchors (name, size, sent_at) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET size = excluded.size, sent_at = excluded.sent_at, failed_at = NULL
    WHERE audit_anchors.size <= excluded.size";
const FAILED: &str = "INSERT INTO audit_anchors (name, size, sent_at, failed_at) VALUES ($1, 0, 0, $2)
    ON CONFLICT (name) DO UPDATE SET failed_at = excluded.failed_at";

/// How far checkpoints have gone to one place outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchored {
    /// The size of the last one that went out.
    pub size: u64,
    /// When.
    pub sent_at: Timestamp,
    /// When one failed to go out, if none has gone since.
    pub failed_at: Option<Timestamp>,
}

impl Store {
    /// How far checkpoints have gone to the place of that name; `None`: none has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_anchor(&self, name: &str) -> Result<Option<Anchored>, StoreError> {
        let row: Option<(i64, i64, Option<i64>)> =
            read!(self, conn => sqlx::query_as(FIND).bind(name).fetch_optional(conn).await?);
        let read = |(size, sent_at, failed_at)| {
            Ok(Anchored {
                size: TABLE.some("size", u64::try_from(size).ok())?,
                sent_at: TABLE.time("sent_at", sent_at)?,
                failed_at: TABLE.time_if("failed_at", failed_at)?,
            })
        };
        row.map(read).transpose()
    }

    /// Writes that a checkpoint has gone to that place, or (`size` is `None`) that one failed to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anchor_audit(
        &self,
        name: &str,
        size: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = now.as_millisecond();
        transact!(self, tx => {
            match size {
                Some(size) => run!(tx, SENT, name, i64::try_from(size).unwrap_or(i64::MAX), now),
                None => run!(tx, FAILED, name, now),
            };
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
