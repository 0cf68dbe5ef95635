//! Verifications: started, sent again, checked, approved.

use super::deliveries::insert_delivery;
use super::error::{Table, millis};
use super::number_sends::{RESET_WAITS, count_send};
use super::{Ending, Refusal, SendPolicy, Store, StoreError, read, run, transact};
use crate::model::delivery::Delivery;
use crate::model::id::VerificationId;
use crate::model::keys::NumberIndex;
use crate::model::secret::HashedSecret;
use crate::model::verification::{
    APPROVAL_REPEATS, GRANT_LIFETIME, MessageTemplate, RESEND_MARGIN, Status, Verdict, Verification,
};
use jiff::Timestamp;

const TABLE: Table = Table("verifications");

/// What came of asking for a code.
#[derive(Debug, Clone, Copy)]
pub enum StartOutcome {
    /// A delivery is written; the next send is promised for this time.
    Sending(Timestamp),
    /// Nothing is sent and nothing was changed.
    Refused(Refusal),
    /// The verification has ended, or its code has too little life left.
    Over,
}

/// What came of a check.
#[derive(Debug, Clone)]
pub enum CheckOutcome {
    /// The code is right and the number proven.
    Approved,
    /// The code is wrong; the check is spent.
    Wrong,
    /// There was no check left to spend.
    Over(Status),
}

#[derive(sqlx::FromRow)]
struct Row {
    verification_id: Vec<u8>,
    secret_hash: Vec<u8>,
    number_index: Vec<u8>,
    number_sealed: Vec<u8>,
    locale: Option<String>,
    app_hash: Option<String>,
    web_origin: Option<String>,
    code_length: i64,
    checks: i64,
    checks_limit: i64,
    created_at: i64,
    expires_at: i64,
    resend_at: i64,
    approved_at: Option<i64>,
    grant_used_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Verification, StoreError> {
        Ok(Verification {
            id: TABLE.some("verification_id", VerificationId::from_slice(&self.verification_id))?,
            secret: TABLE.some("secret_hash", HashedSecret::from_slice(&self.secret_hash))?,
            number_index: TABLE.some("number_index", NumberIndex::from_slice(&self.number_index))?,
            number_sealed: self.number_sealed,
            template: MessageTemplate {
                locale: self.locale,
                app_hash: self.app_hash,
                web_origin: self.web_origin,
            },
            code_length: TABLE.some("code_length", u8::try_from(self.code_length).ok())?,
            checks: self.checks,
            checks_limit: self.checks_limit,
            created_at: TABLE.time("created_at", self.created_at)?,
            expires_at: TABLE.time("expires_at", self.expires_at)?,
            resend_at: TABLE.time("resend_at", self.resend_at)?,
            approved_at: TABLE.time_if("approved_at", self.approved_at)?,
            grant_used_at: TABLE.time_if("grant_used_at", self.grant_used_at)?,
        })
    }
}

const INSERT: &str =
    "INSERT INTO verifications (verification_id, secret_hash, number_index, number_sealed, locale,
    app_hash, web_origin, code_length, checks, checks_limit, created_at, expires_at, resend_at, repeats_left)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, 0)";
const FIND: &str = "SELECT * FROM verifications WHERE verification_id = $1";
const LOCK_RESENDABLE: &str = "UPDATE verifications SET checks = checks WHERE verification_id = $1
    AND approved_at IS NULL AND checks < checks_limit AND expires_at >= $2 RETURNING *";
const PROMISE: &str = "UPDATE verifications SET resend_at = $2 WHERE verification_id = $1";
const SPEND_CHECK: &str = "UPDATE verifications SET checks = checks + 1 WHERE verification_id = $1
    AND approved_at IS NULL AND checks < checks_limit AND expires_at > $2 RETURNING *";
const APPROVE: &str =
    "UPDATE verifications SET approved_at = $2, repeats_left = $3 WHERE verification_id = $1";
const SPEND_REPEAT: &str =
    "UPDATE verifications SET repeats_left = repeats_left - 1 WHERE verification_id = $1
    AND approved_at > $2 AND grant_used_at IS NULL AND repeats_left > 0 RETURNING *";
const END_OLD_DELIVERIES: &str = "DELETE FROM deliveries WHERE verification_id IN
    (SELECT verification_id FROM verifications WHERE expires_at < $1)";
const END_OLD: &str = "DELETE FROM verifications WHERE expires_at < $1";
const END_REPEATS: &str = "UPDATE verifications SET repeats_left = 0 WHERE verification_id = $1";

impl Store {
    /// Counts a send to the number, and if it may be sent writes the verification with its first delivery.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_verification(
        &self,
        verification: &Verification,
        delivery: &Delivery,
        policy: &SendPolicy,
    ) -> Result<StartOutcome, StoreError> {
        let (v, now) = (verification, verification.created_at);
        Ok(transact!(self, tx => {
            let resend_at = match count_send!(tx, v.number_index, policy, i64::MAX, now) {
                Err(refusal) => return Ok(Ending::Rollback(StartOutcome::Refused(refusal))),
                Ok(resend_at) => resend_at,
            };
            run!(tx, INSERT, v.id.as_bytes().as_slice(), v.secret.as_bytes().as_slice(), v.number_index.as_bytes().as_slice(), &v.number_sealed, &v.template.locale, &v.template.app_hash, &v.template.web_origin, i64::from(v.code_length), v.checks_limit, now.as_millisecond(), v.expires_at.as_millisecond(), resend_at.as_millisecond());
            insert_delivery!(tx, delivery);
            Ok(Ending::Commit(StartOutcome::Sending(resend_at)))
        }))
    }

    /// Counts another send of a pending verification's code, and if it may be sent writes the delivery.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn send_again(
        &self,
        delivery: &Delivery,
        policy: &SendPolicy,
    ) -> Result<StartOutcome, StoreError> {
        let (id, now) = (delivery.verification, delivery.at);
        Ok(transact!(self, tx => {
            let pending: Option<Row> = sqlx::query_as(LOCK_RESENDABLE)
                .bind(id.as_bytes().as_slice())
                .bind(now.as_millisecond().saturating_add(millis(RESEND_MARGIN)))
                .fetch_optional(&mut *tx)
                .await?;
            let Some(pending) = pending else { return Ok(Ending::Rollback(StartOutcome::Over)) };
            let v = pending.read()?;
            let resend_at = match count_send!(tx, v.number_index, policy, v.resend_at.as_millisecond(), now) {
                Err(refusal) => return Ok(Ending::Rollback(StartOutcome::Refused(refusal))),
                Ok(resend_at) => resend_at,
            };
            run!(tx, PROMISE, id.as_bytes().as_slice(), resend_at.as_millisecond());
            insert_delivery!(tx, delivery);
            Ok(Ending::Commit(StartOutcome::Sending(resend_at)))
        }))
    }

    /// The verification of that name, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verification(&self, id: VerificationId) -> Result<Option<Verification>, StoreError> {
        let row: Option<Row> = read!(self, conn => {
            sqlx::query_as(FIND).bind(id.as_bytes().as_slice()).fetch_optional(conn).await?
        });
        row.map(Row::read).transpose()
    }

    /// Forgets every verification that ended before `time`, with its deliveries: how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_verifications(&self, time: Timestamp) -> Result<u64, StoreError> {
        Ok(transact!(self, tx => {
            run!(tx, END_OLD_DELIVERIES, time.as_millisecond());
            Ok(Ending::Commit(run!(tx, END_OLD, time.as_millisecond())))
        }))
    }

    /// Spends one check, then judges, then approves, all in one transaction; `None` for an unknown name.
    ///
    /// An approved verification has a few repeats instead of checks, for a client whose answer was lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend_check(
        &self,
        id: VerificationId,
        now: Timestamp,
        judge: impl Fn(&Verification) -> Verdict + Send + Sync,
    ) -> Result<Option<CheckOutcome>, StoreError> {
        let key = id.as_bytes().as_slice();
        Ok(transact!(self, tx => {
            let spent: Option<Row> =
                sqlx::query_as(SPEND_CHECK).bind(key).bind(now.as_millisecond()).fetch_optional(&mut *tx).await?;
            if let Some(spent) = spent {
                let v = spent.read()?;
                if judge(&v) == Verdict::Wrong {
                    return Ok(Ending::Commit(Some(CheckOutcome::Wrong)));
                }
                run!(tx, APPROVE, key, now.as_millisecond(), APPROVAL_REPEATS);
                let number = v.number_index.as_bytes().as_slice();
                run!(tx, RESET_WAITS, number, now.as_millisecond());
                return Ok(Ending::Commit(Some(CheckOutcome::Approved)));
            }
            let still_granted = now.as_millisecond().saturating_sub(millis(GRANT_LIFETIME));
            let repeated: Option<Row> =
                sqlx::query_as(SPEND_REPEAT).bind(key).bind(still_granted).fetch_optional(&mut *tx).await?;
            if let Some(repeated) = repeated {
                let v = repeated.read()?;
                if judge(&v) == Verdict::Right {
                    return Ok(Ending::Commit(Some(CheckOutcome::Approved)));
                }
                run!(tx, END_REPEATS, key);
                return Ok(Ending::Commit(Some(CheckOutcome::Wrong)));
            }
            let over: Option<Row> = sqlx::query_as(FIND).bind(key).fetch_optional(&mut *tx).await?;
            let over = over.map(Row::read).transpose()?;
            Ok(Ending::Rollback(over.map(|v| CheckOutcome::Over(v.status(now)))))
        }))
    }
}
