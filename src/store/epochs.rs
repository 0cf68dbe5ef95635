//! The epochs and their sealed peppers.

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};
use jiff::Timestamp;

/// An epoch as it is kept: its pepper still sealed.
#[derive(Debug, Clone)]
pub struct SealedEpoch {
    /// Its number.
    pub id: u32,
    /// The name of its handle algorithm.
    pub algorithm: String,
    /// Its pepper, sealed.
    pub pepper_sealed: Vec<u8>,
    /// When it began.
    pub valid_from: Timestamp,
    /// When it ends, once that is known.
    pub valid_until: Option<Timestamp>,
}

/// Number, algorithm, sealed pepper, beginning, end.
type Row = (i64, String, Vec<u8>, i64, Option<i64>);

const TABLE: Table = Table("epochs");

impl Store {
    /// The epochs that are live at `now`, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn live_epochs(&self, now: Timestamp) -> Result<Vec<SealedEpoch>, StoreError> {
        const LIVE: &str = "SELECT epoch_id, algorithm, pepper_sealed, valid_from, valid_until FROM epochs
            WHERE valid_from <= $1 AND (valid_until IS NULL OR valid_until > $1) ORDER BY epoch_id DESC";
        let rows: Vec<Row> =
            read!(self, conn => sqlx::query_as(LIVE).bind(now.as_millisecond()).fetch_all(conn).await?);
        rows.into_iter()
            .map(|(id, algorithm, pepper_sealed, from, until)| {
                Ok(SealedEpoch {
                    id: TABLE.some("epoch_id", u32::try_from(id).ok())?,
                    algorithm,
                    pepper_sealed,
                    valid_from: TABLE.time("valid_from", from)?,
                    valid_until: TABLE.time_if("valid_until", until)?,
                })
            })
            .collect()
    }

    /// Writes an epoch unless one of that number is there: of several nodes, the first wins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_epoch(&self, epoch: &SealedEpoch) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO epochs (epoch_id, algorithm, pepper_sealed, valid_from, valid_until)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (epoch_id) DO NOTHING";
        transact!(self, tx => {
            run!(tx, ADD, i64::from(epoch.id), &epoch.algorithm, &epoch.pepper_sealed, epoch.valid_from.as_millisecond(), epoch.valid_until.map(Timestamp::as_millisecond));
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
