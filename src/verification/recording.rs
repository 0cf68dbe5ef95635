//! What was refused goes into the audit log, but not as often as somebody asks.

use super::{SendRefused, Verifications, limit_of};
use crate::model::audit::{Action, Note};
use crate::model::id::VerificationId;
use crate::model::keys::NumberIndex;
use crate::model::number::PhoneNumber;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// How long one refusal of a number stands for all that are like it.
const STANDS: SignedDuration = SignedDuration::from_mins(1);
/// Refusals that a node writes down in a second; of more the metrics tell.
const A_SECOND: i64 = 50;
const NUMBERS: u64 = 100_000;

/// The refusals that this node has written down of late; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Refusals {
    written: Cache<(NumberIndex, &'static str), Timestamp>,
    /// The second under way times 2^16, and how many were written in it.
    second: Arc<AtomicI64>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { written: Cache::new(NUMBERS), second: Arc::default() }
    }
}

impl Refusals {
    /// Whether a refusal is to be written down: at most one a minute of a number and reason, at most 50 a second.
    fn admit(&self, number: NumberIndex, reason: &'static str, now: Timestamp) -> bool {
        let recent = self.written.get(&(number, reason)).is_some_and(|at| at <= now && now < at + STANDS);
        if recent || !self.count(now) {
            return false;
        }
        self.written.insert((number, reason), now);
        true
    }

    fn count(&self, now: Timestamp) -> bool {
        let second = now.as_second() << 16;
        let counted = self.second.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |counted| {
            let next = if counted & !0xFFFF == second { counted + 1 } else { second + 1 };
            (next & 0xFFFF <= A_SECOND).then_some(next)
        });
        counted.is_ok()
    }
}

/// The name of what refuses a send; `None` where nothing was refused, or another event says so.
fn reason(refused: &SendRefused) -> Option<&'static str> {
    Some(match refused {
        SendRefused::Limit(refusal) => limit_of(*refusal),
        SendRefused::Destination(_) => "destination_not_allowed",
        SendRefused::NumberType { .. } => "number_type_not_allowed",
        SendRefused::Origin => "origin_not_allowed",
        SendRefused::ChallengeIncorrect => "challenge_incorrect",
        SendRefused::ChallengeClosed => "challenge_closed",
        SendRefused::Over => "verification_over",
        SendRefused::StartAgain => "start_again",
        SendRefused::NumberInvalid(_)
        | SendRefused::SmsFirst
        | SendRefused::ChannelUnavailable
        | SendRefused::ChallengeDue(_)
        | SendRefused::Failed(_) => return None,
    })
}

impl Verifications {
    /// Writes down that nothing was sent to a number, and why; of a verification, if there is one.
    pub(super) async fn write_down(
        &self,
        refused: &SendRefused,
        number: &PhoneNumber,
        of: Option<VerificationId>,
        now: Timestamp,
    ) {
        let Some(reason) = reason(refused) else { return };
        let index = self.keys.number_index(number);
        if !self.refusals.admit(index, reason, now) {
            return;
        }
        let action = if of.is_some() { Action::SendRefused } else { Action::VerificationRefused };
        let mut note = Note::new(action).of_number(&index).number(number).refused(reason);
        note = note.country(Some(&number.country()));
        note.private.verification_id = of;
        if let Err(cause) = self.store.write_event(note, now).await {
            tracing::warn!(%cause, "a refusal could not be written to the audit log");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn number(n: u8) -> NumberIndex {
        NumberIndex::from_slice(&[n; 32]).unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn one_refusal_a_minute_stands_for_all_of_a_number_and_reason() {
        let refusals = Refusals::default();
        assert!(refusals.admit(number(1), "resend_wait", at(0)));
        assert!(!refusals.admit(number(1), "resend_wait", at(59_999)));
        assert!(refusals.admit(number(1), "kill_switch", at(59_999)));
        assert!(refusals.admit(number(2), "resend_wait", at(59_999)));
        assert!(refusals.admit(number(1), "resend_wait", at(60_000)));
    }

    #[test]
    fn a_flood_writes_fifty_a_second() {
        let refusals = Refusals::default();
        let written = |ms| (0..=255).filter(|n| refusals.admit(number(*n), "guard_country", at(ms))).count();
        assert_eq!((written(0), written(999), written(1_000)), (50, 0, 50));
    }
}
