//! Checks: spent before they are judged, added up over the number and over all, and approved.

use super::counters::{REFUND_ONCE, RESET_WAITS};
use super::error::millis;
use super::guard::refund_tolls;
use super::ledgers::{count_approval, count_wrong};
use super::spending::{COUNT_APPROVED, day};
use super::verifications::{FIND, Row, columns, of_verification};
use super::{Ending, Store, StoreError, note, run, transact};
use crate::model::audit::{Action, Note};
use crate::model::counter::Counter;
use crate::model::id::VerificationId;
use crate::model::ledger::{DAY, chance};
use crate::model::verification::{APPROVAL_REPEATS, GRANT_LIFETIME, Status, Verdict, Verification};
use jiff::Timestamp;

/// What came of a check.
#[derive(Debug, Clone)]
pub enum CheckOutcome {
    /// The code is right and the number proven.
    Approved {
        /// Whether just now, not by a repeat.
        first: bool,
    },
    /// The code is wrong; the check is spent.
    Wrong,
    /// Nothing was sent yet that could be checked; no check is spent.
    Unsent,
    /// There was no check left to spend.
    Over(Status),
}

/// Where no message was taken there is nothing to be entered, only to be guessed.
const SPEND_CHECK: &str = concat!(
    "UPDATE verifications SET checks = checks + 1 WHERE verification_id = $1
    AND approved_at IS NULL AND sent_at IS NOT NULL AND checks < checks_limit AND expires_at > $2
    AND EXISTS (SELECT 1 FROM deliveries WHERE verification_id = $1 AND status <> 'failed') RETURNING ",
    columns!()
);
const APPROVE: &str =
    "UPDATE verifications SET approved_at = $2, repeats_left = $3 WHERE verification_id = $1";
const SPEND_REPEAT: &str = concat!(
    "UPDATE verifications SET repeats_left = repeats_left - 1 WHERE verification_id = $1
    AND approved_at > $2 AND grant_used_at IS NULL AND repeats_left > 0 RETURNING ",
    columns!()
);
const END_REPEATS: &str = "UPDATE verifications SET repeats_left = 0 WHERE verification_id = $1";
/// What the newest message that was not refused took from the guard.
const LAST_RECEIPT: &str = "SELECT charged FROM deliveries WHERE verification_id = $1 AND charged IS NOT NULL
    AND status <> 'failed' ORDER BY created_at DESC, delivery_id LIMIT 1";

/// What an approval sets right, in the transaction `$tx`: waits, ledger, the guard's refund, the conversion.
macro_rules! settle_approval {
    ($tx:ident, $v:expr, $refund_percent:expr, $now:expr) => {{
        let v: &Verification = $v;
        let (key, number) = (v.id.as_bytes().as_slice(), v.number_index.as_bytes().as_slice());
        let (counter, at) = (v.counter.as_str(), $now.as_millisecond());
        run!($tx, RESET_WAITS, number, counter, at);
        let due = run!($tx, REFUND_ONCE, number, counter, at, at.saturating_sub(millis(DAY)));
        let receipt: Option<Vec<u8>> =
            sqlx::query_scalar(LAST_RECEIPT).bind(key).fetch_optional(&mut *$tx).await?;
        if let Some(receipt) = receipt.filter(|_| due > 0) {
            refund_tolls!($tx, receipt, 100_i64, i64::from($refund_percent));
        }
        if let Some(prefix) = &v.prefix {
            run!($tx, COUNT_APPROVED, prefix.as_bytes().as_slice(), day($now));
        }
        count_approval!($tx, v, $now);
    }};
}

impl Store {
    /// Spends one check, then judges, then approves, all in one transaction; `None` for an unknown name.
    ///
    /// An approved verification has a few repeats instead of checks, for a client whose answer was lost. A
    /// wrong check is added to the ledger of the number, an approval refunds the guard `100 / conversion`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend_check(
        &self,
        id: VerificationId,
        conversion_percent: u32,
        now: Timestamp,
        judge: impl Fn(&Verification) -> Verdict + Send + Sync,
    ) -> Result<Option<CheckOutcome>, StoreError> {
        let key = id.as_bytes().as_slice();
        Ok(transact!(self, tx => {
            let spent: Option<Row> =
                sqlx::query_as(SPEND_CHECK).bind(key).bind(now.as_millisecond()).fetch_optional(&mut *tx).await?;
            if let Some(spent) = spent {
                let v = spent.read()?;
                let (real, verdict) = (v.counter != Counter::Test, judge(&v));
                if verdict == Verdict::Wrong {
                    if real { count_wrong!(tx, v, now); }
                    note!(self, tx, now, wrong(&v));
                    return Ok(Ending::Commit(Some(CheckOutcome::Wrong)));
                }
                run!(tx, APPROVE, key, now.as_millisecond(), APPROVAL_REPEATS);
                if real { settle_approval!(tx, &v, conversion_percent, now); }
                note!(self, tx, now, of_verification(Action::VerificationApproved, &v));
                return Ok(Ending::Commit(Some(CheckOutcome::Approved { first: true })));
            }
            let still_granted = now.as_millisecond().saturating_sub(millis(GRANT_LIFETIME));
            let repeated: Option<Row> =
                sqlx::query_as(SPEND_REPEAT).bind(key).bind(still_granted).fetch_optional(&mut *tx).await?;
            if let Some(repeated) = repeated {
                let v = repeated.read()?;
                if judge(&v) == Verdict::Right {
                    note!(self, tx, now, of_verification(Action::ApprovalRepeated, &v));
                    return Ok(Ending::Commit(Some(CheckOutcome::Approved { first: false })));
                }
                run!(tx, END_REPEATS, key);
                note!(self, tx, now, wrong(&v));
                return Ok(Ending::Commit(Some(CheckOutcome::Wrong)));
            }
            let over: Option<Row> = sqlx::query_as(FIND).bind(key).fetch_optional(&mut *tx).await?;
            Ok(Ending::Rollback(over.map(Row::read).transpose()?.map(|v| refused(&v, now))))
        }))
    }
}

fn wrong(v: &Verification) -> Note {
    let reason = if v.approved_at.is_none() && v.checks >= v.checks_limit {
        "checks_exhausted"
    } else {
        "code_incorrect"
    };
    of_verification(Action::CodeWrong, v).refused(reason)
}

fn refused(v: &Verification, now: Timestamp) -> CheckOutcome {
    match v.status(now) {
        Status::Pending => CheckOutcome::Unsent,
        over => CheckOutcome::Over(over),
    }
}
