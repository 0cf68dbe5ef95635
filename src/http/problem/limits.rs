//! Limits on sending as problems: each names itself and when to come back.

use super::Problem;
use crate::store::Refusal;
use crate::verification::{Limited, limit_of};
use jiff::Timestamp;
use std::time::Duration;

/// When to ask again whether an operator lets codes be sent.
const KILL_SWITCH: Duration = Duration::from_mins(5);

/// A limit that is reached.
pub(super) fn refused(refusal: Refusal, now: Timestamp) -> Problem {
    let problem = match refusal {
        Refusal::TooEarly { not_before } => {
            let detail = "A code was sent to this number just now. Wait for it, or ask again later.";
            Problem::new(429, "resend_too_early", "Too early to send again", detail).until(not_before, now)
        }
        Refusal::Exhausted { until } => {
            let detail = "This number has been sent as many codes as it may within 24 hours.";
            Problem::new(429, "sends_exhausted", "No more codes for now", detail).until(until, now)
        }
        Refusal::Destination { until, .. } => {
            let detail = "Too many codes that nobody entered were sent there, or from where you are.";
            paused(detail).until(until, now)
        }
        Refusal::Money { until, .. } => {
            paused("As many codes as may be paid for today were sent.").until(until, now)
        }
        Refusal::KillSwitch => {
            let detail = "The operator has stopped the sending of codes for now.";
            Problem::new(503, "unavailable", "No codes are sent just now", detail)
                .until(now + KILL_SWITCH, now)
        }
        Refusal::ChallengeClosed => return challenge_closed(),
    };
    problem.with("limit", limit_of(refusal))
}

fn paused(detail: &str) -> Problem {
    Problem::new(429, "destination_paused", "Sending is paused", detail)
}

/// No send waits for a challenge.
pub(super) fn challenge_closed() -> Problem {
    let detail = "No code waits for a challenge: it was solved already, or none was set.";
    Problem::new(409, "challenge_closed", "No challenge is open", detail)
}

impl Problem {
    /// A challenge that must be solved before a code is sent.
    #[must_use]
    pub fn challenge_required(limit: Limited) -> Self {
        let detail =
            "Solve one of the `challenges` of `verification` and send the solution to its `challenges`.";
        Self::new(428, "challenge_required", "A challenge must be solved", detail).with("limit", limit.name())
    }
}
