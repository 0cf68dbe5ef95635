//! Limits on signing in: waits that grow, and no lock that strangers could turn against an admin.

use jiff::Timestamp;
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How long failures are remembered after the last of them.
pub const ATTEMPTS_REMEMBERED: Duration = Duration::from_hours(24);

/// What attempts are counted by. An attempt of a browser that has signed in before is counted by that browser alone,
/// any other by the name it gives and by the range it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The name that is given.
    Name,
    /// An IPv4 /24 or an IPv6 /56.
    Range,
    /// A browser that has signed in before as this admin.
    Browser,
    /// The second factor given again in a session.
    Session,
}

impl Lane {
    /// How many failures cost no wait.
    #[must_use]
    pub const fn free(self) -> i64 {
        match self {
            Self::Name | Self::Session => 5,
            Self::Browser => 10,
            Self::Range => 20,
        }
    }
}

/// What has been attempted in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts that have not succeeded.
    pub failures: i64,
    /// When the next one is judged.
    pub next_at: Timestamp,
    /// When the last one was.
    pub updated_at: Timestamp,
}

impl Attempts {
    /// Counts one more, before it is judged.
    ///
    /// # Errors
    /// When it is to come back, where it is too early; nothing is counted then.
    pub fn count(self, lane: Lane, now: Timestamp) -> Result<Self, Timestamp> {
        if now < self.next_at {
            return Err(self.next_at);
        }
        let before = if self.updated_at + ATTEMPTS_REMEMBERED <= now { 0 } else { self.failures };
        let failures = before.saturating_add(1);
        Ok(Self { failures, next_at: now + wait(failures - lane.free()), updated_at: now })
    }
}

/// The wait after so many failures past the free ones: 30 s, 1, 2, 4 ... min, at most an hour.
fn wait(past: i64) -> Duration {
    match u32::try_from(past) {
        Ok(0) | Err(_) => Duration::ZERO,
        Ok(past) => (FIRST_WAIT * 2_u32.saturating_pow((past - 1).min(16))).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_a_quiet_day_ends_them() {
        let mut now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let mut attempts = Attempts { failures: 0, next_at: now, updated_at: now };
        let mut waits = Vec::new();
        for _ in 0..15 {
            attempts = attempts.count(Lane::Name, now).unwrap();
            waits.push(attempts.next_at.as_second() - now.as_second());
            if attempts.next_at > now {
                assert_eq!(attempts.count(Lane::Name, now), Err(attempts.next_at));
            }
            now = attempts.next_at;
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        let rested = attempts.count(Lane::Name, now + ATTEMPTS_REMEMBERED).unwrap();
        assert_eq!(rested.failures, 1);
    }
}
