//! The steps of an attempt, one after the other.

use crate::store::error::Table;
use crate::store::{Store, StoreError, read};
use jiff::Timestamp;

const TABLE: Table = Table("attempt_steps");

/// What happened to an attempt.
#[derive(Debug, Clone)]
pub struct AttemptStep {
    /// The place of the event in the audit log.
    pub log_idx: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: String,
    /// What came of it.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
    /// How the message travelled.
    pub channel: Option<String>,
    /// Who delivered it.
    pub gateway: Option<String>,
    /// What it cost, in millionths.
    pub price: Option<i64>,
}

type StepRow = (i64, i64, String, String, Option<String>, Option<String>, Option<String>, Option<i64>);

const STEPS: &str = "SELECT log_idx, at, action, outcome, reason, channel, gateway, price FROM attempt_steps
    WHERE attempt_id = $1 ORDER BY log_idx LIMIT 500";

impl Store {
    /// What happened to an attempt, in order; the first 500 of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempt_steps(&self, id: &[u8; 16]) -> Result<Vec<AttemptStep>, StoreError> {
        let rows: Vec<StepRow> =
            read!(self, conn => sqlx::query_as(STEPS).bind(id.as_slice()).fetch_all(conn).await?);
        rows.into_iter()
            .map(|(idx, at, action, outcome, reason, channel, gateway, price)| {
                let (log_idx, at) = (TABLE.some("log_idx", u64::try_from(idx).ok())?, TABLE.time("at", at)?);
                Ok(AttemptStep { log_idx, at, action, outcome, reason, channel, gateway, price })
            })
            .collect()
    }
}
