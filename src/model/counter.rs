//! What has been sent to a number, over all its verifications: waits, sends in 24 hours, and whose they are.

use super::words::words;
use jiff::Timestamp;
use std::time::Duration;

words! {
    /// Among whose sends a verification counts.
    Counter {
        /// Anybody's who asks for a code to the number.
        Open = "open",
        /// The number's own account's, shown by a device token: strangers cannot use these up.
        Device = "device",
        /// A configured test number's, which is never sent anything.
        Test = "test",
    }
}

words! {
    /// Why a challenge must be solved before a code is sent.
    Due {
        /// The number's open sends are used up.
        NumberSends = "sends_per_number",
        /// The share of this address range in the number's sends is used up.
        RangeShare = "sends_per_range",
        /// A bucket of the guard is empty.
        Guard = "guard",
        /// Codes are being guessed all over.
        Guessing = "guessing",
    }
}

/// How often a number may be sent a code.
#[derive(Debug, Clone)]
pub struct SendPolicy {
    /// Sends in a window, as many more behind challenges, and as many of a device's own.
    pub per_number: i64,
    /// Of these, how many one address range may use.
    pub per_range: i64,
    /// The window, which begins with its first send.
    pub window: Duration,
    /// The wait after each send; the last one repeats.
    pub waits: [Duration; 5],
}

/// What one counter of a number stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sends {
    /// Sends in this window without a challenge.
    pub open: i64,
    /// Sends in this window behind a challenge.
    pub proven: i64,
    /// When the window ends.
    pub window_ends_at: Timestamp,
    /// Sends since the last approval, at most five.
    pub waits: i64,
    /// When the next send is due.
    pub resend_at: Timestamp,
}

/// What one address range has used of a number's sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Sends in this window without a challenge.
    pub open: i64,
    /// Sends in this window behind a challenge.
    pub proven: i64,
    /// When the window ends.
    pub window_ends_at: Timestamp,
}

/// Why a send does not count. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCounted {
    /// The wait after the send before is not over.
    TooEarly {
        /// When it is.
        not_before: Timestamp,
    },
    /// Every send of the window is used up.
    Exhausted {
        /// When the next may be sent.
        until: Timestamp,
    },
    /// A challenge opens the way.
    ChallengeDue(Due),
}

/// A send to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Among whose sends.
    pub counter: Counter,
    /// Whether a challenge was solved for it.
    pub proven: bool,
    /// When this verification was promised its next send.
    pub promised: Timestamp,
}

impl Share {
    /// The share as it counts now: a window that is over leaves nothing.
    fn current(self, policy: &SendPolicy, now: Timestamp) -> Self {
        let fresh = Self { open: 0, proven: 0, window_ends_at: now + policy.window };
        if self.window_ends_at <= now { fresh } else { self }
    }
}

impl Sends {
    /// Counts a send, or says why it does not count.
    ///
    /// # Errors
    /// [`NotCounted`]; both counters are then as they were.
    pub fn count(
        &mut self,
        share: Option<&mut Share>,
        asked: Asked,
        policy: &SendPolicy,
        now: Timestamp,
    ) -> Result<(), NotCounted> {
        let over = self.window_ends_at <= now;
        let own = share.as_ref().map(|share| share.current(policy, now));
        let (open, proven) = self.room(own, asked.counter, policy, now);
        let promised = self.resend_at.min(asked.promised);
        if promised > now && (open || proven || self.window_ends_at <= self.resend_at) {
            return Err(NotCounted::TooEarly { not_before: promised });
        }
        if !(open || proven) {
            return Err(NotCounted::Exhausted { until: self.room_at(own, asked.counter, policy) });
        }
        if !(open || asked.proven) {
            let number = !over && self.open >= policy.per_number;
            return Err(NotCounted::ChallengeDue(if number { Due::NumberSends } else { Due::RangeShare }));
        }
        if over {
            (self.open, self.proven, self.window_ends_at) = (0, 0, now + policy.window);
        }
        *(if open { &mut self.open } else { &mut self.proven }) += 1;
        if let (Some(share), Some(mut own)) = (share, own) {
            *(if open { &mut own.open } else { &mut own.proven }) += 1;
            *share = own;
        }
        self.wait(policy, now);
        Ok(())
    }

    /// Whether there is room at `time` for a send without a challenge, and for one behind a challenge.
    fn room(
        &self,
        own: Option<Share>,
        counter: Counter,
        policy: &SendPolicy,
        time: Timestamp,
    ) -> (bool, bool) {
        let over = self.window_ends_at <= time;
        let own = own.map(|own| own.current(policy, time));
        let shared = |used: fn(Share) -> i64| own.is_none_or(|own| used(own) < policy.per_range);
        let open = (over || self.open < policy.per_number) && shared(|own| own.open);
        let proven = (over || self.proven < policy.per_number) && shared(|own| own.proven);
        (open, proven && counter == Counter::Open)
    }

    /// When there will be room: once a window ends, the number's or the range's, or both.
    fn room_at(&self, own: Option<Share>, counter: Counter, policy: &SendPolicy) -> Timestamp {
        let mut ends = [self.window_ends_at, own.map_or(self.window_ends_at, |own| own.window_ends_at)];
        ends.sort_unstable();
        let [first, last] = ends;
        let (open, proven) = self.room(own, counter, policy, first);
        if open || proven { first } else { last }.max(self.resend_at)
    }

    fn wait(&mut self, policy: &SendPolicy, now: Timestamp) {
        let step = usize::try_from(self.waits).unwrap_or_default().min(policy.waits.len() - 1);
        self.resend_at = now + policy.waits.get(step).copied().unwrap_or_default();
        self.waits = (self.waits + 1).min(5);
    }
}
