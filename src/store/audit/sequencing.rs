//! What is pending gets its place in the log, one batch a transaction, by one node at a time.

use crate::model::audit::{Frontier, Hash, TileRoot};
use crate::store::error::Table;
use crate::store::{Ending, Store, StoreError, read, transact};
use jiff::Timestamp;

const TABLE: Table = Table("audit_checkpoints");

/// An event that has no place yet.
#[derive(Debug, Clone)]
pub struct PendingEvent {
    /// Its place among what is pending.
    pub pending_id: i64,
    /// Its random name.
    pub id: Vec<u8>,
    /// Its text.
    pub entry: String,
    /// By whose key it was written.
    pub mac: Vec<u8>,
    /// Whether the log has an event of this name already.
    pub logged: bool,
}

/// The newest head of the log.
#[derive(Debug, Clone)]
pub struct Head {
    /// The signed checkpoint.
    pub note: String,
    /// The right edge of the tree.
    pub edge: Frontier,
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// An entry with its place.
#[derive(Debug, Clone)]
pub struct LogRow {
    /// The place, from 0.
    pub idx: u64,
    /// When it was, milliseconds since 1970, as its text says.
    pub at: i64,
    /// The event as it was pending.
    pub event: PendingEvent,
    /// The hash of its text.
    pub leaf: Hash,
    /// The first word of the action.
    pub area: String,
    /// The action.
    pub action: String,
    /// What came of it.
    pub outcome: &'static str,
    /// Who did it: what, and after a colon which one.
    pub actor: String,
    /// The subject.
    pub subject: Option<Vec<u8>>,
    /// The country.
    pub country: Option<String>,
}

/// What a batch adds to the log.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The entries.
    pub rows: Vec<LogRow>,
    /// What no node has written.
    pub refused: Vec<PendingEvent>,
    /// Tiles that became full.
    pub tiles: Vec<TileRoot>,
    /// The log's new head.
    pub head: Head,
}

/// On PostgreSQL one node at a time; SQLite has one writer.
const LEAD: &str = "SELECT pg_try_advisory_xact_lock(8391674205118342211)";
const HEAD: &str = "SELECT size, note, edge, signed_at FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
/// Not `EXISTS`: PostgreSQL would rather read the whole log at once than ask it for each event of a batch.
const PENDING: &str = "SELECT pending_id, event_id, entry, mac,
    (SELECT 1 FROM audit_log WHERE audit_log.event_id = audit_pending.event_id) IS NOT NULL
    FROM audit_pending ORDER BY pending_id LIMIT $1";
const ADD: &str = "INSERT INTO audit_log
    (idx, event_id, leaf, entry, at, area, action, outcome, actor, subject, country)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const ADD_ALL: &str = "INSERT INTO audit_log
    (idx, event_id, leaf, entry, at, area, action, outcome, actor, subject, country)
    SELECT idx, event_id, leaf, entry, at, area, action, outcome, actor, subject, country
    FROM UNNEST($1::BIGINT[], $2::BYTEA[], $3::BYTEA[], $4::TEXT[], $5::BIGINT[], $6::TEXT[], $7::TEXT[],
        $8::TEXT[], $9::TEXT[], $10::BYTEA[], $11::TEXT[])
    AS new (idx, event_id, leaf, entry, at, area, action, outcome, actor, subject, country)";
const TAKE: &str = "DELETE FROM audit_pending WHERE pending_id = $1";
const TAKE_ALL: &str = "DELETE FROM audit_pending WHERE pending_id = ANY ($1)";
const REFUSE: &str = "INSERT INTO audit_refused (event_id, entry, mac, refused_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (event_id) DO NOTHING";
const ADD_TILE: &str = "INSERT INTO audit_tiles (level, tile, root) VALUES ($1, $2, $3)";
const ADD_HEAD: &str = "INSERT INTO audit_checkpoints (size, note, edge, signed_at) VALUES ($1, $2, $3, $4)";
const WAITING: &str = "SELECT COUNT(*), MIN(at) FROM audit_pending";

type HeadRow = (i64, String, Vec<u8>, i64);
type PendingRow = (i64, Vec<u8>, String, Vec<u8>, bool);

fn head((size, note, edge, signed_at): HeadRow) -> Result<Head, StoreError> {
    let size = TABLE.some("size", u64::try_from(size).ok())?;
    let edge = TABLE.some("edge", Frontier::from_bytes(size, &edge))?;
    Ok(Head { note, edge, signed_at: TABLE.time("signed_at", signed_at)? })
}

fn pending((pending_id, id, entry, mac, logged): PendingRow) -> PendingEvent {
    PendingEvent { pending_id, id, entry, mac, logged }
}

/// Writes rows of the log and takes them from what is pending, as fast as the engine can.
trait Append {
    fn append(&mut self, added: &Appended) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Append for sqlx::PgConnection {
    async fn append(&mut self, added: &Appended) -> Result<(), StoreError> {
        let rows = &added.rows;
        let all = |of: fn(&LogRow) -> String| rows.iter().map(of).collect::<Vec<String>>();
        sqlx::query(ADD_ALL)
            .bind(rows.iter().map(|row| place(row.idx)).collect::<Vec<i64>>())
            .bind(rows.iter().map(|row| row.event.id.clone()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.leaf.0.to_vec()).collect::<Vec<_>>())
            .bind(all(|row| row.event.entry.clone()))
            .bind(rows.iter().map(|row| row.at).collect::<Vec<i64>>())
            .bind(all(|row| row.area.clone()))
            .bind(all(|row| row.action.clone()))
            .bind(all(|row| row.outcome.to_owned()))
            .bind(all(|row| row.actor.clone()))
            .bind(rows.iter().map(|row| row.subject.clone()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.country.clone()).collect::<Vec<_>>())
            .execute(&mut *self)
            .await?;
        let taken = rows.iter().map(|row| &row.event).chain(&added.refused);
        let taken: Vec<i64> = taken.map(|event| event.pending_id).collect();
        sqlx::query(TAKE_ALL).bind(taken).execute(self).await?;
        Ok(())
    }
}

impl Append for sqlx::SqliteConnection {
    async fn append(&mut self, added: &Appended) -> Result<(), StoreError> {
        for row in &added.rows {
            sqlx::query(ADD)
                .bind(place(row.idx))
                .bind(&row.event.id)
                .bind(row.leaf.0.as_slice())
                .bind(&row.event.entry)
                .bind(row.at)
                .bind(&row.area)
                .bind(&row.action)
                .bind(row.outcome)
                .bind(&row.actor)
                .bind(&row.subject)
                .bind(&row.country)
                .execute(&mut *self)
                .await?;
        }
        for event in added.rows.iter().map(|row| &row.event).chain(&added.refused) {
            sqlx::query(TAKE).bind(event.pending_id).execute(&mut *self).await?;
        }
        Ok(())
    }
}

/// Writes what else a batch adds, in the transaction `$tx`.
macro_rules! add_rest {
    ($tx:ident, $added:expr) => {{
        let added: &Appended = $added;
        let signed_at = added.head.signed_at.as_millisecond();
        for event in &added.refused {
            let refuse = sqlx::query(REFUSE).bind(&event.id).bind(&event.entry).bind(&event.mac);
            refuse.bind(signed_at).execute(&mut *$tx).await?;
        }
        for full in &added.tiles {
            let (level, tile) = (i64::from(full.level), place(full.tile));
            let add = sqlx::query(ADD_TILE).bind(level).bind(tile).bind(full.root.0.as_slice());
            add.execute(&mut *$tx).await?;
        }
        if !added.rows.is_empty() {
            let (size, edge) = (place(added.head.edge.size()), added.head.edge.to_bytes());
            let add = sqlx::query(ADD_HEAD).bind(size).bind(&added.head.note).bind(edge).bind(signed_at);
            add.execute(&mut *$tx).await?;
        }
    }};
}

fn place(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// Takes up to `limit` events that are pending, the oldest first, and adds to the log what `append` makes of them and
    /// of its head: how many were taken. `None`: another node is at it.
    ///
    /// # Errors
    /// When the database fails, or `append` does; nothing was changed then.
    pub async fn append_to_audit_log(
        &self,
        limit: i64,
        append: impl Fn(Option<Head>, Vec<PendingEvent>) -> Result<Appended, StoreError> + Send + Sync,
    ) -> Result<Option<usize>, StoreError> {
        let append = &append;
        Ok(transact!(self, tx => {
            if self.engine() == "postgres" {
                let leads: bool = sqlx::query_scalar(LEAD).fetch_one(&mut *tx).await?;
                if !leads {
                    return Ok(Ending::Rollback(None));
                }
            }
            let waiting: Vec<PendingRow> = sqlx::query_as(PENDING).bind(limit).fetch_all(&mut *tx).await?;
            if waiting.is_empty() {
                return Ok(Ending::Rollback(Some(0)));
            }
            let newest: Option<HeadRow> = sqlx::query_as(HEAD).fetch_optional(&mut *tx).await?;
            let taken = waiting.len();
            let added = append(newest.map(head).transpose()?, waiting.into_iter().map(pending).collect())?;
            Append::append(&mut *tx, &added).await?;
            add_rest!(tx, &added);
            Ok(Ending::Commit(Some(taken)))
        }))
    }

    /// The newest head of the log; `None` while it is empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_head(&self) -> Result<Option<Head>, StoreError> {
        let row: Option<HeadRow> = read!(self, conn => sqlx::query_as(HEAD).fetch_optional(conn).await?);
        row.map(head).transpose()
    }

    /// How many events have no place in the log yet, and since when the oldest of them waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_waiting(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        let (number, oldest): (i64, Option<i64>) =
            read!(self, conn => sqlx::query_as(WAITING).fetch_one(conn).await?);
        let table = Table("audit_pending");
        Ok((table.some("count", u64::try_from(number).ok())?, table.time_if("at", oldest)?))
    }
}
