//! When to come back: a refusal names the limit that holds longest, so that waiting for it works.

use super::decisions::refused;
use super::{SendRefused, Verifications};
use crate::model::verification::Proof;
use crate::store::{BucketState, Refusal, SendOrder, SendOutcome};
use jiff::Timestamp;

/// Limits that may hold one after the other: wait, sends, guard, money.
const LIMITS: usize = 4;

impl Verifications {
    /// The refusal of an order whose verification was promised a send: of all limits the one that holds longest.
    pub(super) async fn refusal(
        &self,
        order: &SendOrder,
        promised: Timestamp,
        first: Refusal,
    ) -> Result<SendRefused, SendRefused> {
        let mut refusal = first;
        for _ in 0..LIMITS {
            let Some(until) = refusal.until() else { break };
            let Some(later) = self.refused_at(order, promised, until).await? else { break };
            if later.until() <= Some(until) {
                break;
            }
            refusal = later;
        }
        Ok(refused(&order.country, refusal))
    }

    /// What would refuse an order at another time, if anything would.
    async fn refused_at(
        &self,
        order: &SendOrder,
        promised: Timestamp,
        at: Timestamp,
    ) -> Result<Option<Refusal>, SendRefused> {
        let mut order = order.clone();
        order.delivery.at = at;
        let mut outcome = self.store.probe_send(&order, &self.policy.sends, promised).await?;
        if matches!(outcome, SendOutcome::ChallengeDue(..)) {
            order.proof = Some((Proof::Work, [0; 16]));
            outcome = self.store.probe_send(&order, &self.policy.sends, promised).await?;
        }
        Ok(match outcome {
            SendOutcome::Refused(refusal) => Some(refusal),
            SendOutcome::ChallengeDue(..) => self.shut(&order, at).await?.map(|shut| shut.refusal),
            _ => None,
        })
    }

    /// Whether no challenge opens the way of an order past the guard, and until when. Test numbers have a single
    /// lane, which nothing opens.
    pub(super) async fn shut(&self, order: &SendOrder, now: Timestamp) -> Result<Option<Shut>, SendRefused> {
        let single = order.second.is_empty();
        if !single && self.captchas.offered().next().is_some() {
            return Ok(None);
        }
        let first = self.store.buckets(&order.first, now).await?;
        let second = if single { first.clone() } else { self.store.buckets(&order.second, now).await? };
        let until = ready_at(&first, now).min(ready_at(&second, now));
        let pairs = first.iter().zip(&second);
        let both = pairs.filter(|(first, second)| first.unit_at > now && second.unit_at > now);
        let empty = both.map(|(_, second)| *second).max_by_key(|bucket| bucket.unit_at);
        let emptiest = second.into_iter().max_by_key(|bucket| bucket.unit_at);
        Ok(emptiest.filter(|_| until > now).map(|bucket| {
            let refusal = Refusal::Destination { level: bucket.toll.level, until };
            Shut { empty: empty.filter(|_| !single), refusal, until }
        }))
    }
}

/// A guard that is empty in both lanes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shut {
    /// The emptiest of the buckets that are empty in both lanes, if any is: the one to be paused.
    pub(super) empty: Option<BucketState>,
    /// What it answers.
    pub(super) refusal: Refusal,
    /// When one of the lanes has a unit.
    pub(super) until: Timestamp,
}

/// When all buckets of a lane will have a unit.
pub(super) fn ready_at(lane: &[BucketState], now: Timestamp) -> Timestamp {
    lane.iter().map(|bucket| bucket.unit_at).max().unwrap_or(now)
}
