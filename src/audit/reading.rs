//! The log as admins read it.

use super::AuditLog;
use crate::store::{Anchored, LogFilter, LogPage, LoggedEntry};
use crate::verification::Failure;

/// Places outside to which checkpoints may go.
const PLACES: [&str; 3] = ["webhook", "file", "command"];

impl AuditLog {
    /// Up to `limit` entries of a page that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(
        &self,
        filter: &LogFilter,
        page: LogPage,
        limit: i64,
    ) -> Result<Vec<LoggedEntry>, Failure> {
        Ok(self.store.find_audit_entries(filter, page, limit).await?)
    }

    /// The entry at a place, if the log has it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entry(&self, index: u64) -> Result<Option<LoggedEntry>, Failure> {
        let found = self.store.audit_entries((index, index.saturating_add(1)), 1).await?;
        Ok(found.into_iter().next())
    }

    /// How many events have no place yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting(&self) -> Result<u64, Failure> {
        Ok(self.store.audit_waiting().await?.0)
    }

    /// How far checkpoints have gone to each place outside.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anchored(&self) -> Result<Vec<(&'static str, Anchored)>, Failure> {
        let mut anchored = Vec::new();
        for place in PLACES {
            anchored.extend(self.store.audit_anchor(place).await?.map(|sent| (place, sent)));
        }
        Ok(anchored)
    }
}
