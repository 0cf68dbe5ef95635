//! A send: counted by every limit and written, in one transaction, or nothing.

use super::counters::count_send;
use super::deliveries::insert_delivery;
use super::error::millis;
use super::guard::{PAUSED, charge_tolls, places, receipt};
use super::orders::{Refusal, SendOrder, SendOutcome, Sending};
use super::spending::{ALL, COUNT_SENT, day, next_day_ms, spend_money};
use super::verifications::{Row, TABLE};
use super::{Ending, Store, StoreError, run, transact};
use crate::model::counter::{Asked, Counter, Due, NotCounted, SendPolicy};
use crate::model::guard::{Lane, Level, Toll};
use crate::model::ledger::{Guesses, Hardness};
use crate::model::verification::{Awaiting, Proof, RESEND_MARGIN, Verification};
use jiff::Timestamp;

const PAUSED_SENDING: &str = "SELECT COUNT(*) FROM sending_pauses";
const LOCK_RESENDABLE: &str = "UPDATE verifications SET checks = checks WHERE verification_id = $1
    AND approved_at IS NULL AND checks < checks_limit AND expires_at >= $2 RETURNING *";
const PROMISE: &str = "UPDATE verifications SET resend_at = $2, sent_at = COALESCE(sent_at, $3),
    awaiting_channel = NULL, awaiting_nonce = NULL, awaiting_difficulty = NULL, rejected_at = NULL
    WHERE verification_id = $1";
const AWAIT: &str = "UPDATE verifications SET awaiting_channel = $2, awaiting_nonce = $3,
    awaiting_difficulty = $4 WHERE verification_id = $1";

/// Leaves the transaction with an outcome and without an effect.
macro_rules! refuse {
    ($outcome:expr) => {
        return Ok(Ending::Rollback($outcome))
    };
}

/// Counts an order by every limit in the transaction `$tx`, or leaves it with what refuses.
macro_rules! admit {
    ($tx:ident, $order:expr, $policy:expr, $promised:expr, $now:expr) => {{
        use $crate::store::sends::{level_of, refused, until};
        let (order, now): (&SendOrder, Timestamp) = ($order, $now);
        let stopped: i64 = sqlx::query_scalar(PAUSED_SENDING).fetch_one(&mut *$tx).await?;
        if stopped > 0 {
            refuse!(refused(Refusal::KillSwitch));
        }
        let asked = Asked { counter: order.counter, proven: order.proof.is_some(), promised: $promised };
        let resend_at = if order.counter == Counter::Test {
            now
        } else {
            match count_send!($tx, order, $policy, asked, now) {
                Ok(resend_at) => resend_at,
                Err(not_counted) => refuse!(not_counted.into()),
            }
        };
        let (mut lane, mut monitored, mut took) = (None, None, &[] as &[Toll]);
        if !order.first.is_empty() {
            let enforced = order.enforce || order.counter == Counter::Test;
            let captcha = matches!(order.proof, Some((Proof::Captcha, _)));
            let paused: Option<(Vec<u8>, i64)> = pause_of!($tx, order, now);
            if let Some((subject, paused)) = paused.filter(|_| enforced && !captcha) {
                let level = level_of(&order.second, &subject);
                refuse!(refused(Refusal::Destination { level, until: until(paused)? }));
            }
            match charge_tolls!($tx, &order.first, now.as_millisecond()) {
                None => (lane, took) = (Some(Lane::First), order.first.as_slice()),
                Some(level) if !enforced => monitored = Some(level),
                Some(level) if order.proof.is_none() => {
                    refuse!(SendOutcome::ChallengeDue(Due::Guard, Some(level)))
                }
                Some(_) => match charge_tolls!($tx, &order.second, now.as_millisecond()) {
                    None => (lane, took) = (Some(Lane::Second), order.second.as_slice()),
                    Some(_) if captcha => {}
                    Some(level) => refuse!(SendOutcome::ChallengeDue(Due::Guard, Some(level))),
                },
            }
        }
        if order.price > 0 {
            let next = until(next_day_ms(now))?;
            if !spend_money!($tx, &order.country, order, order.caps.country, now) {
                refuse!(refused(Refusal::Money { total: false, until: next }));
            }
            if order.caps.total.is_some() && !spend_money!($tx, ALL, order, order.caps.total, now) {
                refuse!(refused(Refusal::Money { total: true, until: next }));
            }
        }
        if let Some(prefix) = &order.prefix {
            run!($tx, COUNT_SENT, prefix.as_bytes().as_slice(), day(now));
        }
        insert_delivery!($tx, order, receipt(took));
        Sending { resend_at, hardness: order.hardness, lane, monitored }
    }};
}

/// The bucket of an order that is paused for longest, if one is, and until when.
macro_rules! pause_of {
    ($tx:ident, $order:expr, $now:expr) => {{
        let [a, b, c, d, e] = places(&$order.second).map(|place| place.0);
        sqlx::query_as(PAUSED)
            .bind($now.as_millisecond())
            .bind(a)
            .bind(b)
            .bind(c)
            .bind(d)
            .bind(e)
            .fetch_optional(&mut *$tx)
            .await?
    }};
}

/// How hard a fresh code of a number must be, and whether codes are being guessed all over.
macro_rules! hardness {
    ($tx:ident, $order:expr, $now:expr) => {{
        use $crate::store::ledgers::{COUNTED, SPENT};
        let spent: Option<i64> = sqlx::query_scalar(SPENT)
            .bind($order.number.as_bytes().as_slice())
            .bind($now.as_millisecond())
            .fetch_optional(&mut *$tx)
            .await?;
        let (wrong, approvals): (i64, i64) =
            sqlx::query_as(COUNTED).bind(day($now)).fetch_one(&mut *$tx).await?;
        let guessing = Guesses { wrong, approvals }.is_over($order.guesses);
        ($order.hardness.after(spent.unwrap_or(0), guessing), guessing)
    }};
}

/// Writes a verification in the transaction `$tx`.
macro_rules! insert_verification {
    ($tx:ident, $v:expr) => {{
        use $crate::store::verifications::INSERT;
        let v = $v;
        let awaiting = v.awaiting.as_ref();
        let difficulty = awaiting.and_then(|awaiting| awaiting.difficulty).map(i64::from);
        run!(
            $tx,
            INSERT,
            v.id.as_bytes().as_slice(),
            v.secret.as_bytes().as_slice(),
            v.number_index.as_bytes().as_slice(),
            &v.number_sealed,
            &v.template.locale,
            &v.template.app_hash,
            &v.template.web_origin,
            i64::from(v.code_length),
            v.checks_limit,
            v.created_at.as_millisecond(),
            v.expires_at.as_millisecond(),
            v.resend_at.as_millisecond(),
            &v.country,
            v.prefix.as_ref().map(|prefix| prefix.as_bytes().as_slice()),
            v.counter.as_str(),
            v.sent_at.map(Timestamp::as_millisecond),
            awaiting.map(|awaiting| awaiting.channel.as_str()),
            awaiting.map(|awaiting| awaiting.nonce.as_slice()),
            difficulty,
        );
    }};
}

impl From<NotCounted> for SendOutcome {
    fn from(not_counted: NotCounted) -> Self {
        match not_counted {
            NotCounted::TooEarly { not_before } => refused(Refusal::TooEarly { not_before }),
            NotCounted::Exhausted { until } => refused(Refusal::Exhausted { until }),
            NotCounted::ChallengeDue(due) => Self::ChallengeDue(due, None),
        }
    }
}

pub(super) const fn refused(refusal: Refusal) -> SendOutcome {
    SendOutcome::Refused(refusal)
}

/// Whose bucket a subject is.
pub(super) fn level_of(tolls: &[Toll], subject: &[u8]) -> Level {
    let whose = tolls.iter().find(|toll| toll.subject.as_bytes() == subject);
    whose.map_or(Level::Country, |toll| toll.level)
}

pub(super) fn until(ms: i64) -> Result<Timestamp, StoreError> {
    TABLE.time("until", ms)
}

impl Store {
    /// Counts a send, and if every limit allows it writes the verification with its first delivery, as hard
    /// to guess as its number's ledger demands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_verification(
        &self,
        verification: &Verification,
        order: &SendOrder,
        policy: &SendPolicy,
    ) -> Result<SendOutcome, StoreError> {
        let now = verification.created_at;
        Ok(transact!(self, tx => {
            let mut sending = admit!(tx, order, policy, Timestamp::MAX, now);
            let mut v = verification.clone();
            if order.counter != Counter::Test {
                let (hardness, guessing) = hardness!(tx, order, now);
                if guessing && order.counter == Counter::Open {
                    refuse!(SendOutcome::ChallengeDue(Due::Guessing, None));
                }
                sending.hardness = hardness;
            }
            (v.code_length, v.checks_limit) = (sending.hardness.digits, sending.hardness.checks);
            (v.resend_at, v.sent_at) = (sending.resend_at, Some(now));
            insert_verification!(tx, &v);
            Ok(Ending::Commit(SendOutcome::Sending(sending)))
        }))
    }

    /// Writes a verification of which nothing is sent until a challenge is solved: how hard its code is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_awaiting(
        &self,
        verification: &Verification,
        order: &SendOrder,
    ) -> Result<Hardness, StoreError> {
        let now = verification.created_at;
        Ok(transact!(self, tx => {
            let (hardness, _) = hardness!(tx, order, now);
            let mut v = verification.clone();
            (v.code_length, v.checks_limit) = (hardness.digits, hardness.checks);
            insert_verification!(tx, &v);
            Ok(Ending::Commit(hardness))
        }))
    }

    /// Counts another send of a pending verification's code, and if every limit allows it writes the delivery.
    ///
    /// A proof opens the way once: it must answer the challenge that the verification awaits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn send_again(
        &self,
        order: &SendOrder,
        policy: &SendPolicy,
    ) -> Result<SendOutcome, StoreError> {
        let (id, now) = (order.delivery.verification, order.delivery.at);
        let key = id.as_bytes().as_slice();
        Ok(transact!(self, tx => {
            let pending: Option<Row> = sqlx::query_as(LOCK_RESENDABLE)
                .bind(key)
                .bind(now.as_millisecond().saturating_add(millis(RESEND_MARGIN)))
                .fetch_optional(&mut *tx)
                .await?;
            let Some(pending) = pending else { refuse!(SendOutcome::Over) };
            let v = pending.read()?;
            let awaited = v.awaiting.as_ref().map(|awaiting| awaiting.nonce);
            if order.proof.is_some_and(|(_, nonce)| awaited != Some(nonce)) {
                refuse!(refused(Refusal::ChallengeClosed));
            }
            let promised = v.promised_send(order.delivery.channel);
            let sending = admit!(tx, order, policy, promised, now);
            run!(tx, PROMISE, key, sending.resend_at.as_millisecond(), now.as_millisecond());
            Ok(Ending::Commit(SendOutcome::Sending(sending)))
        }))
    }

    /// What would come of an order at the time of its delivery, for a verification that was promised that
    /// time; nothing is changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn probe_send(
        &self,
        order: &SendOrder,
        policy: &SendPolicy,
        promised: Timestamp,
    ) -> Result<SendOutcome, StoreError> {
        let now = order.delivery.at;
        Ok(transact!(self, tx => {
            let sending = admit!(tx, order, policy, promised, now);
            Ok(Ending::Rollback(SendOutcome::Sending(sending)))
        }))
    }

    /// Keeps in mind that a send of a verification waits for a challenge.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn await_challenge(
        &self,
        verification: &Verification,
        awaiting: &Awaiting,
    ) -> Result<(), StoreError> {
        let (key, channel) = (verification.id.as_bytes().as_slice(), awaiting.channel.as_str());
        let (nonce, difficulty) = (awaiting.nonce.as_slice(), awaiting.difficulty.map(i64::from));
        transact!(self, tx => {
            run!(tx, AWAIT, key, channel, nonce, difficulty);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
