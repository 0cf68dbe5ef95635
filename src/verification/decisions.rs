//! Every decision on a send is a metric and a line in the log, with its reason and without the person.

use super::{Failure, Limited, SendRefused, Verifications};
use crate::model::counter::Counter;
use crate::model::number::PhoneNumber;
use crate::model::verification::Verification;
use crate::store::{Refusal, SendOrder, Sending};
use jiff::Timestamp;

/// Counts a decision and tells of it.
fn decided(decision: &'static str, reason: &'static str, country: &str) {
    let labels = [("decision", decision.into()), ("reason", reason.into()), ("country", country.to_owned())];
    metrics::counter!("tuttu_send_decisions_total", &labels).increment(1);
    tracing::info!(decision, reason, country, "a send was decided");
}

/// A challenge was set.
pub(super) fn challenged(country: &str, limit: Limited) {
    decided("challenged", limit.name(), country);
}

/// A send was refused.
pub(super) fn refused(country: &str, refusal: Refusal) -> SendRefused {
    decided("refused", limit_of(refusal), country);
    SendRefused::Limit(refusal)
}

impl Verifications {
    /// A code was written to be sent: somebody should look at the outbox.
    pub(super) fn sent(&self, order: &SendOrder, number: &PhoneNumber, sending: Sending) {
        let reason = match (order.counter, sending.lane) {
            (Counter::Open, Some(lane)) => lane.as_str(),
            (Counter::Open, None) => "unguarded",
            (counter, _) => counter.as_str(),
        };
        decided("sent", reason, &order.country);
        if let Some(level) = sending.monitored {
            decided("monitored", level.as_str(), &order.country);
        }
        if let Some(what) = self.policy.destinations.monitored(number) {
            decided("monitored", what, &order.country);
        }
        self.outbox.notify_one();
    }

    /// A number was proven, by the code that the last of its gateways carried.
    pub(super) async fn approved(&self, verification: &Verification) {
        let country = verification.country.clone().unwrap_or_default();
        // A metric is not worth the answer.
        let deliveries = self.store.deliveries(verification.id).await.unwrap_or_default();
        let gateway = deliveries.into_iter().rev().find_map(|delivery| delivery.gateway);
        let labels = [("gateway", gateway.unwrap_or_default()), ("country", country.clone())];
        metrics::counter!("tuttu_conversions_total", &labels).increment(1);
        metrics::counter!("tuttu_approvals_total", "country" => country).increment(1);
    }

    /// A check was wrong: the day's sum over all numbers is looked at.
    pub(super) async fn guessed(&self, now: Timestamp) -> Result<(), Failure> {
        metrics::counter!("tuttu_wrong_checks_total").increment(1);
        let (guesses, floor) = (self.store.guesses(now).await?, self.policy.wrong_checks_per_day);
        let state = match (guesses.is_over(floor), guesses.is_alarming(floor)) {
            (true, _) => 2.0,
            (false, true) => 1.0,
            (false, false) => 0.0,
        };
        metrics::gauge!("tuttu_guessing").set(state);
        if state > 0.0 {
            tracing::warn!(wrong = guesses.wrong, approvals = guesses.approvals, "codes are being guessed");
        }
        Ok(())
    }
}

/// The limit that refused, as answers, metrics and the log name it.
#[must_use]
pub const fn limit_of(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::TooEarly { .. } => "resend_wait",
        Refusal::Exhausted { .. } => "sends_per_number",
        Refusal::Destination { level, .. } => level.as_str(),
        Refusal::Money { total: false, .. } => "money_per_country",
        Refusal::Money { total: true, .. } => "money_per_day",
        Refusal::KillSwitch => "kill_switch",
        Refusal::ChallengeClosed => "challenge",
    }
}
