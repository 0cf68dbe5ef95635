//! The kill switch: while it is thrown, nothing is sent, on any node.

use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::audit::{Action, Note};
use jiff::Timestamp;

const TABLE: Table = Table("sending_pauses");
/// The one row that there may be.
const NAME: &str = "all";
const PAUSE: &str = "INSERT INTO sending_pauses (name, reason, paused_at) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET reason = excluded.reason, paused_at = excluded.paused_at";
const RESUME: &str = "DELETE FROM sending_pauses WHERE name = $1";
const FIND: &str = "SELECT reason, paused_at FROM sending_pauses WHERE name = $1";

/// Why and since when nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendingPause {
    /// What the operator wrote.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

impl Store {
    /// Stops all sending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pause_sending(&self, pause: &SendingPause) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(tx, PAUSE, NAME, &pause.reason, pause.at.as_millisecond());
            note!(self, tx, pause.at, Note::new(Action::SendingPaused).because(pause.reason.clone()));
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Lets codes be sent again; `false` if they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resume_sending(&self, now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            if run!(tx, RESUME, NAME) == 0 {
                return Ok(Ending::Rollback(false));
            }
            note!(self, tx, now, Note::new(Action::SendingResumed));
            Ok(Ending::Commit(true))
        }))
    }

    /// Whether sending is stopped, and why.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sending_pause(&self) -> Result<Option<SendingPause>, StoreError> {
        let row: Option<(String, i64)> =
            read!(self, conn => sqlx::query_as(FIND).bind(NAME).fetch_optional(conn).await?);
        row.map(|(reason, at)| Ok(SendingPause { reason, at: TABLE.time("paused_at", at)? })).transpose()
    }
}
