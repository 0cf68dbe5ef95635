//! Verifications as the console shows them: drawn from the audit log, apart from the rows that requests work with.

mod counts;
mod finding;
mod mixed;
mod steps;

pub use counts::{CountFilter, Counted, Span};
pub use finding::{Attempt, AttemptCursor, AttemptFilter};
pub use steps::AttemptStep;

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};
use counts::add_counts;
use jiff::Timestamp;

const TABLE: Table = Table("attempts");

/// An event of the audit log with its private part opened, as far as the console shows it.
#[derive(Clone)]
pub struct Seen {
    /// The place in the log.
    pub idx: u64,
    /// When it was.
    pub at: Timestamp,
    /// What was done.
    pub action: String,
    /// What came of it.
    pub outcome: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// The verification, or of a start that was refused the event itself; `None` where it is about neither.
    pub attempt: Option<[u8; 16]>,
    /// The index of the number.
    pub number: Option<Vec<u8>>,
    /// The number, masked.
    pub masked: String,
    /// The account.
    pub account: Option<[u8; 16]>,
    /// The country, or nothing.
    pub country: String,
    /// The number less its last four digits and less its last six, as keyed subjects.
    pub blocks: Option<[[u8; 16]; 2]>,
    /// The range of the client's address, as a keyed subject.
    pub source: Option<[u8; 16]>,
    /// Who delivers, or nothing.
    pub gateway: String,
    /// How the code travels, or nothing.
    pub channel: String,
    /// What it costs, in millionths.
    pub price: i64,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").field("idx", &self.idx).field("action", &self.action).finish_non_exhaustive()
    }
}

const LOCK_PROGRESS: &str = "UPDATE attempt_progress SET idx = idx WHERE name = 'log' AND idx = $1";
const MOVE_ON: &str = "UPDATE attempt_progress SET idx = $1 WHERE name = 'log'";
const PROGRESS: &str = "SELECT idx FROM attempt_progress WHERE name = 'log'";
const ADD: &str =
    "INSERT INTO attempts (attempt_id, started_at, log_idx, number_index, number_masked, country,
    block4, block6, source, channel, gateway, status, reason, deliveries, price)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $12, 0, 0) ON CONFLICT (attempt_id) DO NOTHING";
/// What is approved stays so. The row tells what of it was there before.
const CHANGE: &str =
    "UPDATE attempts SET status = CASE WHEN approved_at IS NULL THEN COALESCE($2, status) ELSE status END,
    reason = CASE WHEN approved_at IS NULL THEN COALESCE($3, reason) ELSE reason END,
    gateway = COALESCE($4, gateway), channel = COALESCE($5, channel), approved_at = COALESCE(approved_at, $6),
    sent_at = COALESCE($7, sent_at), deliveries = deliveries + $8, price = price + $9,
    account_id = COALESCE($10, account_id) WHERE attempt_id = $1
    RETURNING started_at, sent_at, gateway, country";
const ADD_STEP: &str = "INSERT INTO attempt_steps
    (attempt_id, log_idx, at, action, outcome, reason, channel, gateway, price)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (attempt_id, log_idx) DO NOTHING";
/// The person may have been erased since the event was read. An erasure holds the progress, so this sees it or it sees
/// the attempt.
const IS_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM audit_subjects WHERE owner = $1)";
pub(super) const HOLD_PROGRESS: &str = "UPDATE attempt_progress SET idx = idx WHERE name = 'log'";
const FORGET_STEPS: &str = "DELETE FROM attempt_steps WHERE attempt_id IN
    (SELECT attempt_id FROM attempts WHERE started_at < $1 ORDER BY started_at, attempt_id LIMIT $2)";
const FORGET: &str = "DELETE FROM attempts WHERE attempt_id IN
    (SELECT attempt_id FROM attempts WHERE started_at < $1 ORDER BY started_at, attempt_id LIMIT $2)";
const FORGET_COUNTS: &str = "DELETE FROM attempt_counts WHERE span = $1 AND at < $2";
pub(super) const ERASE_STEPS: &str =
    "DELETE FROM attempt_steps WHERE attempt_id IN (SELECT attempt_id FROM attempts WHERE number_index = $1)";
pub(super) const ERASE: &str = "DELETE FROM attempts WHERE number_index = $1";

/// When an attempt was started and last sent, by which gateway, to which country.
type Before = (i64, Option<i64>, String, String);

fn place(idx: u64) -> i64 {
    i64::try_from(idx).unwrap_or(i64::MAX)
}

/// What an event makes of the attempt that it is about.
#[derive(Default)]
struct Change<'a> {
    status: Option<&'static str>,
    reason: Option<&'a str>,
    gateway: Option<&'a str>,
    channel: Option<&'a str>,
    approved_at: Option<i64>,
    sent_at: Option<i64>,
    deliveries: i64,
    price: i64,
}

impl Seen {
    /// The status of the attempt that the event begins, if it begins one.
    fn begins(&self) -> Option<&'static str> {
        match self.action.as_str() {
            "verification.started" => Some("pending"),
            "verification.refused" => Some("refused"),
            _ => None,
        }
    }

    fn change(&self) -> Change<'_> {
        let (reason, gateway) =
            (self.reason.as_deref(), Some(self.gateway.as_str()).filter(|name| !name.is_empty()));
        let channel = Some(self.channel.as_str()).filter(|word| !word.is_empty());
        let at = self.at.as_millisecond();
        match self.action.as_str() {
            "verification.approved" => {
                Change { status: Some("approved"), approved_at: Some(at), ..Change::default() }
            }
            "verification.code_wrong" if reason == Some("checks_exhausted") => {
                Change { status: Some("exhausted"), reason, ..Change::default() }
            }
            "delivery.sent" => Change {
                gateway,
                channel,
                sent_at: Some(at),
                deliveries: 1,
                price: self.price,
                ..Change::default()
            },
            "delivery.failed" | "delivery.unknown" => {
                let gateway = gateway.filter(|name| *name != "none");
                Change { gateway, channel, reason, deliveries: 1, price: self.price, ..Change::default() }
            }
            "verification.send_refused" | "delivery.undelivered" => Change { reason, ..Change::default() },
            _ => Change::default(),
        }
    }
}

/// Writes one event in the transaction `$tx`.
macro_rules! apply {
    ($tx:ident, $seen:expr) => {{
        let seen: &Seen = $seen;
        let (at, idx) = (seen.at.as_millisecond(), place(seen.idx));
        let known = match &seen.number {
            Some(number) => sqlx::query_scalar(IS_KNOWN).bind(number).fetch_one(&mut *$tx).await?,
            None => true,
        };
        let key = seen.attempt.as_ref().map(|id| id.as_slice()).filter(|_| known);
        let mut before: Option<Before> = None;
        if let (Some(key), Some(status)) = (key, seen.begins()) {
            let [block4, block6] = seen.blocks.as_ref().map_or([None, None], |[a, b]| [Some(a), Some(b)]);
            let slice = |bytes: Option<&[u8; 16]>| bytes.map(|bytes| bytes.to_vec());
            run!(
                $tx,
                ADD,
                key,
                at,
                idx,
                &seen.number,
                &seen.masked,
                &seen.country,
                slice(block4),
                slice(block6),
                slice(seen.source.as_ref()),
                &seen.channel,
                status,
                &seen.reason
            );
        } else if let Some(key) = key {
            let change = seen.change();
            before = sqlx::query_as(CHANGE)
                .bind(key)
                .bind(change.status)
                .bind(change.reason)
                .bind(change.gateway)
                .bind(change.channel)
                .bind(change.approved_at)
                .bind(change.sent_at)
                .bind(change.deliveries)
                .bind(change.price)
                .bind(seen.account.as_ref().map(|id| id.as_slice()))
                .fetch_optional(&mut *$tx)
                .await?;
        }
        if let Some(key) = key.filter(|_| seen.begins().is_some() || before.is_some()) {
            let words = [&seen.channel, &seen.gateway].map(|word| Some(word).filter(|word| !word.is_empty()));
            run!(
                $tx,
                ADD_STEP,
                key,
                idx,
                at,
                &seen.action,
                seen.outcome,
                &seen.reason,
                words[0],
                words[1],
                Some(seen.price).filter(|price| *price > 0)
            );
        }
        add_counts!($tx, seen, before);
    }};
}

impl Store {
    /// Up to which place the audit log has been read for the console.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempts_read(&self) -> Result<u64, StoreError> {
        let idx: i64 = read!(self, conn => sqlx::query_scalar(PROGRESS).fetch_one(conn).await?);
        Table("attempt_progress").some("idx", u64::try_from(idx).ok())
    }

    /// Writes what was read of the audit log from one place up to another; `false` where another node was faster, and
    /// nothing is written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn apply_attempts(&self, (from, until): (u64, u64), seen: &[Seen]) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            if run!(tx, LOCK_PROGRESS, place(from)) == 0 {
                return Ok(Ending::Rollback(false));
            }
            for seen in seen {
                apply!(tx, seen);
            }
            run!(tx, MOVE_ON, place(until));
            Ok(Ending::Commit(true))
        }))
    }

    /// Forgets up to `limit` attempts that were started before a time, and sums of hours before it: how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_attempts(&self, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let before = before.as_millisecond();
        Ok(transact!(self.at_length(), tx => {
            run!(tx, FORGET_STEPS, before, limit);
            run!(tx, FORGET_COUNTS, Span::Hour.ms(), before);
            Ok(Ending::Commit(run!(tx, FORGET, before, limit)))
        }))
    }

    /// Forgets sums of minutes before a time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_minutes(&self, before: Timestamp) -> Result<(), StoreError> {
        transact!(self.at_length(), tx => {
            run!(tx, FORGET_COUNTS, Span::Minute.ms(), before.as_millisecond());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
