//! A send: counted by every limit and written, in one transaction, or nothing.

mod context;

use super::counters::{count_send, save_counters};
use super::deliveries::insert_delivery;
use super::error::millis;
use super::guard::{charge_tolls, receipt, undo_charge};
use super::orders::{Refusal, SendOrder, SendOutcome, Sending};
use super::spending::{COUNT_SENT, day, next_day_ms, spend_money};
use super::verifications::{Row, TABLE, columns, insert_verification};
use super::{Ending, Store, StoreError, note, run, transact};
use crate::model::audit::{Action, Note};
use crate::model::counter::{Asked, Counter, Due, NotCounted, SendPolicy, Sends, Share};
use crate::model::guard::{Lane, Level, Toll};
use crate::model::ledger::Hardness;
use crate::model::verification::{Proof, RESEND_MARGIN, Verification};
use context::context;
use jiff::Timestamp;

const LOCK_RESENDABLE: &str = concat!(
    "UPDATE verifications SET checks = checks WHERE verification_id = $1
    AND approved_at IS NULL AND checks < checks_limit AND expires_at >= $2 RETURNING ",
    columns!()
);
const PROMISE: &str = "UPDATE verifications SET resend_at = $2, sent_at = COALESCE(sent_at, $3),
    awaiting_channel = NULL, awaiting_nonce = NULL, awaiting_difficulty = NULL, rejected_at = NULL
    WHERE verification_id = $1";

/// Leaves the transaction with an outcome and without an effect.
macro_rules! refuse {
    ($outcome:expr) => {
        return Ok(Ending::Rollback($outcome))
    };
}

/// A send that every limit allows, with what is to be written of it.
struct Judged<'a> {
    sending: Sending,
    /// The number's counter with this send, and the range's share in it; none of a test number.
    counted: Option<(Sends, Option<(String, Share)>)>,
    /// What it took from the guard.
    took: &'a [Toll],
    /// Whether codes are being guessed all over.
    guessing: bool,
}

/// Counts an order by every limit in the transaction `$tx`, or leaves it with what refuses. Nothing of it is kept
/// until [`keep`].
macro_rules! judge {
    ($tx:ident, $order:expr, $policy:expr, $promised:expr, $now:expr) => {{
        let (order, now): (&SendOrder, Timestamp) = ($order, $now);
        let context = context!($tx, order, now);
        if context.stopped {
            refuse!(refused(Refusal::KillSwitch));
        }
        let asked = Asked { counter: order.counter, proven: order.proof.is_some(), promised: $promised };
        let mut counted = None;
        if order.counter != Counter::Test {
            match count_send!($tx, order, $policy, asked, now) {
                Ok(sends) => counted = Some(sends),
                Err(not_counted) => refuse!(not_counted.into()),
            }
        }
        let (lane, monitored, took) = guard!($tx, order, &context, now);
        if order.price > 0
            && let Some(total) = spend_money!($tx, order, now)
        {
            refuse!(refused(Refusal::Money { total, until: until(next_day_ms(now))? }));
        }
        let resend_at = counted.as_ref().map_or(now, |(sends, _)| sends.resend_at);
        let (hardness, guessing) = context.hardness(order);
        Judged { sending: Sending { resend_at, hardness, lane, monitored }, counted, took, guessing }
    }};
}

/// Takes what the guard takes, from the first lane that has it, or leaves the transaction `$tx`: the lane, the level
/// that is only told of, and what was taken.
macro_rules! guard {
    ($tx:ident, $order:expr, $context:expr, $now:expr) => {{
        let (order, at): (&SendOrder, i64) = ($order, $now.as_millisecond());
        let enforced = order.enforce || order.counter == Counter::Test;
        let captcha = matches!(order.proof, Some((Proof::Captcha, _)));
        let (mut lane, mut monitored, mut took) = (None, None, &[] as &[Toll]);
        if !order.first.is_empty() {
            let paused = $context.paused.as_ref().filter(|_| enforced && !captcha);
            match (charge_tolls!($tx, &order.first, at), paused) {
                (Ok(()), _) => (lane, took) = (Some(Lane::First), order.first.as_slice()),
                (Err(_), Some((subject, paused))) => {
                    let level = level_of(&order.second, subject);
                    refuse!(refused(Refusal::Destination { level, until: until(*paused)? }));
                }
                (Err((level, _)), None) if enforced && (order.proof.is_none() || order.second.is_empty()) => {
                    refuse!(SendOutcome::ChallengeDue(Due::Guard, Some(level)))
                }
                (Err((level, charged)), None) => {
                    undo_charge!($tx, charged);
                    monitored = Some(level).filter(|_| !enforced);
                }
            }
        }
        if !order.first.is_empty() && lane.is_none() && monitored.is_none() {
            match charge_tolls!($tx, &order.second, at) {
                Ok(()) => (lane, took) = (Some(Lane::Second), order.second.as_slice()),
                Err((_, charged)) if captcha => undo_charge!($tx, charged),
                Err((level, _)) => refuse!(SendOutcome::ChallengeDue(Due::Guard, Some(level))),
            }
        }
        (lane, monitored, took)
    }};
}

/// Writes a send that was judged, in the transaction `$tx`.
macro_rules! keep {
    ($tx:ident, $order:expr, $judged:expr, $now:expr) => {{
        let (order, judged): (&SendOrder, &Judged<'_>) = ($order, $judged);
        if let Some(counted) = &judged.counted {
            save_counters!($tx, order, counted);
        }
        if let Some(prefix) = &order.prefix {
            run!($tx, COUNT_SENT, prefix.as_bytes().as_slice(), day($now));
        }
        insert_delivery!($tx, order, receipt(judged.took));
    }};
}

/// What the audit log says of an order.
fn of_order(action: Action, order: &SendOrder) -> Note {
    let note = Note::new(action).of_number(&order.number).number(&order.phone);
    let note = note.verification(order.delivery.verification).delivery(order.delivery.id);
    let mut note = note.country(Some(&order.country)).channel(order.delivery.channel.as_str());
    note.price = Some(order.price).filter(|price| *price > 0);
    note
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
            let judged = judge!(tx, order, policy, Timestamp::MAX, now);
            if judged.guessing && order.counter == Counter::Open {
                refuse!(SendOutcome::ChallengeDue(Due::Guessing, None));
            }
            keep!(tx, order, &judged, now);
            let (mut v, mut sending) = (verification.clone(), judged.sending);
            if order.counter == Counter::Test {
                sending.hardness = order.hardness;
            }
            (v.code_length, v.checks_limit) = (sending.hardness.digits, sending.hardness.checks);
            (v.resend_at, v.sent_at) = (sending.resend_at, Some(now));
            insert_verification!(tx, &v);
            note!(self, tx, now, of_order(Action::VerificationStarted, order));
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
            let test = order.counter == Counter::Test;
            let (hardness, _) = context!(tx, order, now).hardness(order);
            let hardness = if test { order.hardness } else { hardness };
            let mut v = verification.clone();
            (v.code_length, v.checks_limit) = (hardness.digits, hardness.checks);
            insert_verification!(tx, &v);
            note!(self, tx, now, of_order(Action::VerificationStarted, order).because("challenge_required"));
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
            let judged = judge!(tx, order, policy, promised, now);
            let first = v.sent_at.is_none() && order.proof.is_none();
            if judged.guessing && first && order.counter == Counter::Open {
                refuse!(SendOutcome::ChallengeDue(Due::Guessing, None));
            }
            keep!(tx, order, &judged, now);
            let sending = judged.sending;
            run!(tx, PROMISE, key, sending.resend_at.as_millisecond(), now.as_millisecond());
            let action = if order.proof.is_some() { Action::ChallengeSolved } else { Action::SentAgain };
            note!(self, tx, now, of_order(action, order));
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
            let judged = judge!(tx, order, policy, promised, now);
            Ok(Ending::Rollback(SendOutcome::Sending(judged.sending)))
        }))
    }
}
