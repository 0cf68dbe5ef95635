//! Attempts by filters, page by page, the newest first.

use super::TABLE;
use crate::store::{Store, StoreError, read};
use jiff::Timestamp;
use std::cmp::Reverse;

/// An attempt as the console shows it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its name: that of the verification, where one was made.
    pub id: [u8; 16],
    /// When it was started.
    pub started_at: Timestamp,
    /// Where the audit log has its number.
    pub log_idx: u64,
    /// The index of the number.
    pub number: Option<Vec<u8>>,
    /// The number, masked.
    pub masked: String,
    /// The account that came of it.
    pub account: Option<[u8; 16]>,
    /// The country.
    pub country: String,
    /// The channel of the last message.
    pub channel: String,
    /// The gateway of the last message.
    pub gateway: String,
    /// How far it got: `pending` also where its time is over.
    pub status: String,
    /// The last reason why something was refused.
    pub reason: Option<String>,
    /// When its code was right.
    pub approved_at: Option<Timestamp>,
    /// Messages.
    pub deliveries: i64,
    /// What they cost, in millionths.
    pub price: i64,
}

/// Which attempts are asked for; what is not given does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// The index of the number.
    pub number: Option<Vec<u8>>,
    /// The account.
    pub account: Option<Vec<u8>>,
    /// The number less four digits or less six, as a keyed subject.
    pub block: Option<Vec<u8>>,
    /// The range of the client's address, as a keyed subject.
    pub source: Option<Vec<u8>>,
    /// The country.
    pub country: Option<String>,
    /// The gateway of the last message.
    pub gateway: Option<String>,
    /// The status.
    pub status: Option<String>,
    /// Not before, milliseconds since 1970.
    pub from: i64,
    /// Not behind; the page goes on behind this.
    pub before: AttemptCursor,
}

/// How many digits a block is short of. Where numbers of one country differ in length, digits that are all but four of
/// one are all but six of another: a block is looked for as either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Less four digits.
    Four,
    /// Less six.
    Six,
}

impl Depth {
    /// As what a filter's block is looked for.
    const fn all(filter: &AttemptFilter) -> &'static [Self] {
        // Without a block it does not matter.
        if filter.block.is_some() { &[Self::Four, Self::Six] } else { &[Self::Four] }
    }
}

/// Behind which attempt a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptCursor {
    /// When it was started, milliseconds since 1970.
    pub started_at: i64,
    /// Its name.
    pub id: [u8; 16],
}

impl Default for AttemptCursor {
    fn default() -> Self {
        Self { started_at: i64::MAX, id: [0; 16] }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    attempt_id: Vec<u8>,
    started_at: i64,
    log_idx: i64,
    number_index: Option<Vec<u8>>,
    number_masked: String,
    account_id: Option<Vec<u8>>,
    country: String,
    channel: String,
    gateway: String,
    status: String,
    reason: Option<String>,
    approved_at: Option<i64>,
    deliveries: i64,
    price: i64,
}

macro_rules! columns {
    () => {
        "SELECT attempt_id, started_at, log_idx, number_index, number_masked, account_id, country, channel, gateway, \
         status, reason, approved_at, deliveries, price FROM attempts "
    };
}

/// Attempts that fit. Each statement goes along the index of one filter; the others are looked at on the way. Binds:
/// cursor, from, how many, then the filters.
macro_rules! fitting {
    ($by:literal) => {
        concat!(
            columns!(),
            "WHERE (started_at, attempt_id) < ($1, $2) AND started_at >= $3
            AND ($5 IS NULL OR number_index = $5) AND ($6 IS NULL OR account_id = $6)
            AND ($7 IS NULL OR block4 = $7) AND ($8 IS NULL OR block6 = $8) AND ($9 IS NULL OR source = $9)
            AND ($10 IS NULL OR country = $10) AND ($11 IS NULL OR gateway = $11)
            AND ($12 IS NULL OR status = $12)",
            $by,
            " ORDER BY started_at DESC, attempt_id DESC LIMIT $4"
        )
    };
}

/// The statement that goes along what is rarest, as far as one can say.
const fn along(filter: &AttemptFilter, depth: Depth) -> &'static str {
    match filter {
        AttemptFilter { number: Some(_), .. } => fitting!(" AND number_index = $5"),
        AttemptFilter { account: Some(_), .. } => fitting!(" AND account_id = $6"),
        AttemptFilter { block: Some(_), .. } => match depth {
            Depth::Four => fitting!(" AND block4 = $7"),
            Depth::Six => fitting!(" AND block6 = $8"),
        },
        AttemptFilter { source: Some(_), .. } => fitting!(" AND source = $9"),
        AttemptFilter { country: Some(_), status: Some(_), .. } => {
            fitting!(" AND country = $10 AND status = $12")
        }
        AttemptFilter { gateway: Some(_), status: Some(_), .. } => {
            fitting!(" AND gateway = $11 AND status = $12")
        }
        AttemptFilter { country: Some(_), .. } => fitting!(" AND country = $10"),
        AttemptFilter { gateway: Some(_), .. } => fitting!(" AND gateway = $11"),
        AttemptFilter { status: Some(_), .. } => fitting!(" AND status = $12"),
        _ => fitting!(""),
    }
}

pub(super) const FIND: &str = concat!(columns!(), "WHERE attempt_id = $1");

impl Row {
    pub(super) fn read(self) -> Result<Attempt, StoreError> {
        Ok(Attempt {
            id: TABLE.some("attempt_id", self.attempt_id.try_into().ok())?,
            started_at: TABLE.time("started_at", self.started_at)?,
            log_idx: TABLE.some("log_idx", u64::try_from(self.log_idx).ok())?,
            number: self.number_index,
            masked: self.number_masked,
            account: self.account_id.and_then(|id| id.try_into().ok()),
            country: self.country,
            channel: self.channel,
            gateway: self.gateway,
            status: self.status,
            reason: self.reason,
            approved_at: TABLE.time_if("approved_at", self.approved_at)?,
            deliveries: self.deliveries,
            price: self.price,
        })
    }
}

impl Store {
    /// Up to `limit` attempts that a filter lets through, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_attempts(
        &self,
        filter: &AttemptFilter,
        limit: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let mut found = Vec::new();
        for depth in Depth::all(filter) {
            found.extend(match self.find_mixed_attempts(filter, *depth, limit).await? {
                Some(mixed) => mixed,
                None => self.find_along(filter, *depth, limit).await?,
            });
        }
        found.sort_by_key(|attempt| Reverse((attempt.started_at, attempt.id)));
        found.truncate(usize::try_from(limit).unwrap_or_default());
        Ok(found)
    }

    async fn find_along(
        &self,
        filter: &AttemptFilter,
        depth: Depth,
        limit: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let statement = along(filter, depth);
        let block = |of: Depth| filter.block.as_ref().filter(|_| depth == of);
        let rows: Vec<Row> = read!(self, conn => {
            sqlx::query_as(statement)
                .bind(filter.before.started_at)
                .bind(filter.before.id.as_slice())
                .bind(filter.from)
                .bind(limit)
                .bind(&filter.number)
                .bind(&filter.account)
                .bind(block(Depth::Four))
                .bind(block(Depth::Six))
                .bind(&filter.source)
                .bind(&filter.country)
                .bind(&filter.gateway)
                .bind(&filter.status)
                .fetch_all(conn)
                .await?
        });
        rows.into_iter().map(Row::read).collect()
    }

    /// The attempt of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempt(&self, id: &[u8; 16]) -> Result<Option<Attempt>, StoreError> {
        let row: Option<Row> =
            read!(self, conn => sqlx::query_as(FIND).bind(id.as_slice()).fetch_optional(conn).await?);
        row.map(Row::read).transpose()
    }

    /// How the engine would find the first page of a filter, a step a line.
    ///
    /// # Errors
    /// When the database fails; on PostgreSQL always empty.
    pub async fn explain_attempts(&self, filter: &AttemptFilter) -> Result<Vec<String>, StoreError> {
        let crate::store::Pool::Sqlite { readers, .. } = &self.pool else { return Ok(Vec::new()) };
        let mut held = readers.acquire().await?;
        let mut steps = Vec::new();
        for depth in Depth::all(filter) {
            let statement = format!("EXPLAIN QUERY PLAN {}", along(filter, *depth));
            let rows: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_all(&mut *held).await?;
            steps.extend(rows.into_iter().map(|row| row.3));
        }
        Ok(steps)
    }
}
