//! A circuit breaker: a gateway that fails again and again is passed over for a while.

use jiff::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many failures in a row open it.
const FAILURES: u32 = 5;
/// How long it stays open before one message tries the gateway again.
const OPEN: Duration = Duration::from_secs(30);

/// Whether a gateway is worth trying, as this node has found it.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether a message may be tried. Of a breaker whose time is over (half-open), only the first one in 30 s.
    #[must_use]
    pub fn admits(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        match state.open_until {
            Some(until) if until > now => false,
            Some(_) => {
                state.open_until = Some(now + OPEN);
                true
            }
            None => true,
        }
    }

    /// The gateway answered: it is closed.
    pub fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// The gateway failed: after five in a row it is open for 30 s, and again after each trial that fails.
    pub fn failed(&self, now: Timestamp) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.open_until = Some(now + OPEN);
        }
    }

    /// Whether the gateway is passed over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state().open_until.is_some()
    }

    /// How often in a row the gateway failed, and until when it is passed over, if it is.
    #[must_use]
    pub fn found(&self) -> (u32, Option<Timestamp>) {
        let state = self.state();
        (state.failures, state.open_until)
    }

    /// Two numbers are whole even if a thread that held them panicked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_one_trial_in_30_s_may_close_it() {
        let at = |second: i64| Timestamp::from_second(second).unwrap_or_default();
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(at(0));
        }
        breaker.succeeded();
        for second in 0..5 {
            assert!(breaker.admits(at(second)), "a success between them begins the count anew");
            breaker.failed(at(second));
        }
        assert!(breaker.is_open() && !breaker.admits(at(33)));
        assert!(breaker.admits(at(34)), "half-open");
        assert!(!breaker.admits(at(34)), "for one message");
        breaker.failed(at(35));
        assert!(!breaker.admits(at(64)) && breaker.admits(at(65)));
        breaker.succeeded();
        assert!(!breaker.is_open() && breaker.admits(at(65)) && breaker.admits(at(65)));
    }
}
