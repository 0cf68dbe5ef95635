//! The log as it is read: in its order, by filters, and as hashes.

use super::mixed::Mixed;
use crate::model::audit::Hash;
use crate::store::error::Table;
use crate::store::{Store, StoreError, read};
use jiff::Timestamp;

const TABLE: Table = Table("audit_log");
/// How many events nearest to a time are looked at for its place: so far apart the clocks of nodes may put them.
const SKEW: i64 = 20_000;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEntry {
    /// Its place, from 0.
    pub idx: u64,
    /// The event's random name.
    pub id: Vec<u8>,
    /// The hash that the database keeps of its text.
    pub leaf: Hash,
    /// Its text.
    pub entry: String,
}

/// Which entries are asked for; what is not given does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The first word of the action.
    pub area: Option<String>,
    /// The action.
    pub action: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// Who did it: what, and after a colon which one.
    pub actor: Option<String>,
    /// Whom it is about.
    pub subject: Option<Vec<u8>>,
    /// The country of the number.
    pub country: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

pub(super) type Row = (i64, Vec<u8>, Vec<u8>, String);
type SearchedRow = (i64, i64, String, String, String, String, Option<Vec<u8>>, Option<String>);

/// What an entry is searched by, as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchedBy {
    /// Its place.
    pub idx: u64,
    /// When it was written, milliseconds since 1970.
    pub at: i64,
    /// The first word of the action.
    pub area: String,
    /// The action.
    pub action: String,
    /// What came of it.
    pub outcome: String,
    /// Who did it.
    pub actor: String,
    /// Whom it is about.
    pub subject: Option<Vec<u8>>,
    /// The country.
    pub country: Option<String>,
}

const SEARCHED: &str = "SELECT idx, at, area, action, outcome, actor, subject, country FROM audit_log
    WHERE idx >= $1 ORDER BY idx LIMIT $2";

const IN_ORDER: &str =
    "SELECT idx, event_id, leaf, entry FROM audit_log WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3";
const OF_EVENT: &str = "SELECT idx, event_id, leaf, entry FROM audit_log WHERE event_id = $1";
const LEAVES: &str = "SELECT leaf FROM audit_log WHERE idx >= $1 AND idx < $2 ORDER BY idx";
const ROOTS: &str =
    "SELECT root FROM audit_tiles WHERE level = $1 AND tile >= $2 AND tile < $3 ORDER BY tile";
const CHECKPOINTS: &str = "SELECT size, note FROM audit_checkpoints WHERE size > $1 ORDER BY size LIMIT $2";
/// The first place of events from a time on, and the last of events before it, as clocks have it.
const FIRST_FROM: &str = "SELECT MIN(idx) FROM
    (SELECT idx FROM audit_log WHERE at >= $1 ORDER BY at, idx LIMIT $2) AS near";
const LAST_BEFORE: &str = "SELECT MAX(idx) FROM
    (SELECT idx FROM audit_log WHERE at < $1 ORDER BY at DESC, idx DESC LIMIT $2) AS near";

/// Entries that fit. Each statement goes along the index of one filter; the others are looked at on the way. Binds: first
/// place, place after the last, how many, from, until, then the filters.
macro_rules! fitting {
    ($order:literal, $by:literal) => {
        concat!(
            "SELECT idx, event_id, leaf, entry FROM audit_log WHERE idx >= $1 AND idx < $2
            AND ($4 IS NULL OR at >= $4) AND ($5 IS NULL OR at < $5) AND ($6 IS NULL OR area = $6)
            AND ($7 IS NULL OR action = $7) AND ($8 IS NULL OR outcome = $8) AND ($9 IS NULL OR actor = $9)
            AND ($10 IS NULL OR subject = $10) AND ($11 IS NULL OR country = $11)",
            $by,
            " ORDER BY idx ",
            $order,
            " LIMIT $3"
        )
    };
}

/// The statement that goes along what is rarest, as far as one can say.
macro_rules! along {
    ($filter:expr, $order:literal) => {
        match $filter {
            LogFilter { subject: Some(_), .. } => fitting!($order, " AND subject = $10"),
            LogFilter { actor: Some(_), .. } => fitting!($order, " AND actor = $9"),
            LogFilter { action: Some(_), .. } => fitting!($order, " AND action = $7"),
            LogFilter { country: Some(_), .. } => fitting!($order, " AND country = $11"),
            LogFilter { area: Some(_), .. } => fitting!($order, " AND area = $6"),
            LogFilter { outcome: Some(_), .. } => fitting!($order, " AND outcome = $8"),
            _ => fitting!($order, ""),
        }
    };
}

/// Which places of the log are asked for, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPage {
    /// From this place on, the oldest first.
    From(u64),
    /// Below this place, if one is given, the newest first.
    Before(Option<u64>),
}

fn logged((idx, id, leaf, entry): Row) -> Result<LoggedEntry, StoreError> {
    let leaf = Hash(TABLE.some("leaf", leaf.try_into().ok())?);
    Ok(LoggedEntry { idx: TABLE.some("idx", u64::try_from(idx).ok())?, id, leaf, entry })
}

fn hashes(rows: Vec<Vec<u8>>) -> Result<Vec<Hash>, StoreError> {
    rows.into_iter().map(|hash| Ok(Hash(TABLE.some("leaf", hash.try_into().ok())?))).collect()
}

fn place(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// Up to `limit` entries from the place `from` up to `until`, in the order of the log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_entries(
        &self,
        (from, until): (u64, u64),
        limit: i64,
    ) -> Result<Vec<LoggedEntry>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => {
            sqlx::query_as(IN_ORDER).bind(place(from)).bind(place(until)).bind(limit).fetch_all(conn).await?
        });
        rows.into_iter().map(logged).collect()
    }

    /// What up to `limit` entries from the place `from` on are searched by.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_search_columns(&self, from: u64, limit: i64) -> Result<Vec<SearchedBy>, StoreError> {
        let rows: Vec<SearchedRow> = read!(self, conn => {
            sqlx::query_as(SEARCHED).bind(place(from)).bind(limit).fetch_all(conn).await?
        });
        rows.into_iter()
            .map(|(idx, at, area, action, outcome, actor, subject, country)| {
                let idx = TABLE.some("idx", u64::try_from(idx).ok())?;
                Ok(SearchedBy { idx, at, area, action, outcome, actor, subject, country })
            })
            .collect()
    }

    /// The entry of an event, if it has a place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_entry(&self, event: &[u8]) -> Result<Option<LoggedEntry>, StoreError> {
        let row: Option<Row> =
            read!(self, conn => sqlx::query_as(OF_EVENT).bind(event).fetch_optional(conn).await?);
        row.map(logged).transpose()
    }

    /// Up to `limit` entries of a page that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_audit_entries(
        &self,
        filter: &LogFilter,
        page: LogPage,
        limit: i64,
    ) -> Result<Vec<LoggedEntry>, StoreError> {
        let (from, until) = self.places(filter).await?;
        let (from, until, statement) = match page {
            LogPage::From(first) => (from.max(place(first)), until, along!(filter, "ASC")),
            LogPage::Before(before) => {
                (from, until.min(before.map_or(i64::MAX, place)), along!(filter, "DESC"))
            }
        };
        if let (LogPage::Before(_), Some(mixed)) = (page, Mixed::of(filter)) {
            let rows = self.find_mixed_entries((filter, mixed), (from, until), limit).await?;
            return rows.into_iter().map(logged).collect();
        }
        let rows: Vec<Row> = read!(self, conn => {
            sqlx::query_as(statement)
                .bind(from)
                .bind(until)
                .bind(limit)
                .bind(filter.from.map(Timestamp::as_millisecond))
                .bind(filter.until.map(Timestamp::as_millisecond))
                .bind(&filter.area)
                .bind(&filter.action)
                .bind(&filter.outcome)
                .bind(&filter.actor)
                .bind(&filter.subject)
                .bind(&filter.country)
                .fetch_all(conn)
                .await?
        });
        rows.into_iter().map(logged).collect()
    }

    /// The places between which events of a filter's time lie, as far as clocks agree.
    async fn places(&self, filter: &LogFilter) -> Result<(i64, i64), StoreError> {
        let near = async |statement: &'static str, at: Timestamp| -> Result<Option<i64>, StoreError> {
            let at = at.as_millisecond();
            Ok(read!(self, conn => sqlx::query_scalar(statement).bind(at).bind(SKEW).fetch_one(conn).await?))
        };
        let from = match filter.from {
            Some(at) => near(FIRST_FROM, at).await?.unwrap_or(i64::MAX),
            None => 0,
        };
        let until = match filter.until {
            Some(at) => near(LAST_BEFORE, at).await?.map_or(0, |last| last.saturating_add(1)),
            None => i64::MAX,
        };
        Ok((from, until))
    }

    /// The hashes of the leaves from one place up to another.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_leaves(&self, from: u64, until: u64) -> Result<Vec<Hash>, StoreError> {
        let rows: Vec<Vec<u8>> = read!(self, conn => {
            sqlx::query_scalar(LEAVES).bind(place(from)).bind(place(until)).fetch_all(conn).await?
        });
        hashes(rows)
    }

    /// The roots of the full tiles of a level, from one place up to another.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_tile_roots(&self, level: u8, from: u64, until: u64) -> Result<Vec<Hash>, StoreError> {
        let rows: Vec<Vec<u8>> = read!(self, conn => {
            let roots = sqlx::query_scalar(ROOTS).bind(i64::from(level)).bind(place(from)).bind(place(until));
            roots.fetch_all(conn).await?
        });
        hashes(rows)
    }

    /// Up to `limit` checkpoints of more than `size` entries with their sizes, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_checkpoints(&self, size: u64, limit: i64) -> Result<Vec<(u64, String)>, StoreError> {
        let rows: Vec<(i64, String)> = read!(self, conn => {
            sqlx::query_as(CHECKPOINTS).bind(place(size)).bind(limit).fetch_all(conn).await?
        });
        let read = |(size, note)| Ok((TABLE.some("size", u64::try_from(size).ok())?, note));
        rows.into_iter().map(read).collect()
    }
}
