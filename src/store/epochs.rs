//! The epochs, their sealed peppers and their lives.

use super::error::Table;
use super::{Ending, Listing, Pool, Store, StoreError, note, read, run, transact};
use crate::model::audit::{Action, Note};
use crate::model::epoch::EpochLife;
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
    /// The version of `directory_key` that its rows are stored under.
    pub directory_key: u8,
    /// Its times.
    pub life: EpochLife,
}

/// Number, algorithm, sealed pepper, version of the key, and its five times.
type Row = (i64, String, Vec<u8>, i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

const TABLE: Table = Table("epochs");
const ALL: &str =
    "SELECT epoch_id, algorithm, pepper_sealed, directory_key, created_at, prepared_at, valid_from, valid_until,
    emptied_at FROM epochs ORDER BY epoch_id DESC";
const FOLLOW: &str = "UPDATE epochs SET followed_at = $2 WHERE epoch_id < $1 AND followed_at IS NULL";
const ADD: &str = "INSERT INTO epochs
    (epoch_id, algorithm, pepper_sealed, created_at, prepared_at, valid_from, valid_until, directory_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (epoch_id) DO NOTHING";
const PREPARED: &str = "UPDATE epochs SET prepared_at = $2 WHERE epoch_id = $1 AND prepared_at IS NULL";
const START: &str = "UPDATE epochs SET valid_from = $2
    WHERE epoch_id = $1 AND prepared_at IS NOT NULL AND valid_from IS NULL";
const END_OLDER: &str = "UPDATE epochs SET valid_until = $2 WHERE epoch_id < $1 AND valid_until IS NULL";
const EMPTIED: &str = "UPDATE epochs SET emptied_at = $2 WHERE epoch_id = $1 AND emptied_at IS NULL";

/// Whether an epoch has come that a listing was planned without, in the transaction `$tx`.
///
/// Until the transaction ends none comes: on SQLite there is one writer, on PostgreSQL [`Store::add_epoch`]
/// waits for those who share the row of the newest, and who waits for it sees what it wrote.
macro_rules! overtaken {
    ($store:expr, $tx:ident, $listing:expr) => {
        match $listing.newest_epoch() {
            None => false,
            Some(epoch) => {
                let newest = sqlx::query_scalar($store.followed_sql()).bind(i64::from(epoch));
                let followed: Option<Option<i64>> = newest.fetch_optional(&mut *$tx).await?;
                matches!(followed, Some(Some(_)))
            }
        }
    };
}
pub(super) use overtaken;

impl Listing {
    /// The newest epoch of those it was planned with.
    pub(super) fn newest_epoch(&self) -> Option<u32> {
        match self {
            Self::Unchanged => None,
            Self::Listed(rows) => rows.iter().map(|row| row.epoch).max(),
            Self::Hidden(handles) => handles.iter().map(|(epoch, _)| *epoch).max(),
        }
    }
}

fn epoch(
    (id, algorithm, pepper_sealed, key, created, prepared, from, until, emptied): Row,
) -> Result<SealedEpoch, StoreError> {
    Ok(SealedEpoch {
        id: TABLE.some("epoch_id", u32::try_from(id).ok())?,
        algorithm,
        pepper_sealed,
        directory_key: TABLE.some("directory_key", u8::try_from(key).ok())?,
        life: EpochLife {
            created_at: TABLE.time("created_at", created)?,
            prepared_at: TABLE.time_if("prepared_at", prepared)?,
            valid_from: TABLE.time_if("valid_from", from)?,
            valid_until: TABLE.time_if("valid_until", until)?,
            emptied_at: TABLE.time_if("emptied_at", emptied)?,
        },
    })
}

impl Store {
    /// Every epoch there has been, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn epochs(&self) -> Result<Vec<SealedEpoch>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => sqlx::query_as(ALL).fetch_all(conn).await?);
        rows.into_iter().map(epoch).collect()
    }

    pub(super) const fn followed_sql(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite { .. } => "SELECT followed_at FROM epochs WHERE epoch_id = $1",
            Pool::Postgres(_) => "SELECT followed_at FROM epochs WHERE epoch_id = $1 FOR SHARE",
        }
    }

    /// Writes an epoch, and waits for changes of the directory that were planned without it; `false` if one of
    /// that number is there: of several writers, the first wins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_epoch(&self, epoch: &SealedEpoch) -> Result<bool, StoreError> {
        let (id, life) = (i64::from(epoch.id), &epoch.life);
        let ms = |time: Option<Timestamp>| time.map(Timestamp::as_millisecond);
        Ok(transact!(self, tx => {
            let created = life.created_at.as_millisecond();
            run!(tx, FOLLOW, id, created);
            let added = run!(tx, ADD, id, &epoch.algorithm, &epoch.pepper_sealed, created, ms(life.prepared_at), ms(life.valid_from), ms(life.valid_until), i64::from(epoch.directory_key));
            if added == 0 {
                return Ok(Ending::Rollback(false));
            }
            let note = Note::new(Action::EpochAdded).target("epoch", epoch.id.to_string());
            note!(self, tx, life.created_at, note);
            Ok(Ending::Commit(true))
        }))
    }

    /// Says that everybody discoverable has a row in an epoch; `false` if that has been said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_epoch_preparation(&self, epoch: u32, now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let changed = run!(tx, PREPARED, i64::from(epoch), now.as_millisecond());
            Ok(Ending::Commit(changed > 0))
        }))
    }

    /// Sets when a prepared epoch begins and those before it end; `false` if that is set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_epoch(
        &self,
        epoch: u32,
        from: Timestamp,
        older_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            if run!(tx, START, i64::from(epoch), from.as_millisecond()) == 0 {
                return Ok(Ending::Rollback(false));
            }
            run!(tx, END_OLDER, i64::from(epoch), older_until.as_millisecond());
            let note = Note::new(Action::EpochStarted).target("epoch", epoch.to_string());
            let note = note.change("valid_from", None, Some(from.to_string()));
            note!(self, tx, now, note.change("older_valid_until", None, Some(older_until.to_string())));
            Ok(Ending::Commit(true))
        }))
    }

    /// Says that the rows of an ended epoch are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_epoch_emptying(&self, epoch: u32, now: Timestamp) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(tx, EMPTIED, i64::from(epoch), now.as_millisecond());
            note!(self, tx, now, Note::new(Action::EpochEnded).target("epoch", epoch.to_string()));
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
