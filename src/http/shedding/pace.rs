//! How much of their share lookups and sends get while the node's processors are busy.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The whole share.
const WHOLE: usize = 1_024;
/// What is left of it at least: where refusing alone keeps a node busy, taking on less still would win nothing.
const LEAST: usize = WHOLE / 4;
/// A turn longer than this means that more was taken on than can be done: everyone's answer is that late, several
/// times over, refusals too.
const LONG: Duration = Duration::from_millis(4);
/// A turn shorter than this leaves room for more.
const SHORT: Duration = Duration::from_millis(2);
/// Between two looks while there is much to do, and else.
const BUSY: Duration = Duration::from_millis(2);
const CALM: Duration = Duration::from_millis(20);

/// The part of their share that the less important classes get, led by how long a task waits for its turn.
#[derive(Debug)]
pub(super) struct Pace(AtomicUsize);

impl Default for Pace {
    fn default() -> Self {
        Self(AtomicUsize::new(WHOLE))
    }
}

impl Pace {
    /// What is left of a share: at least one.
    pub(super) fn of(&self, share: usize) -> usize {
        (share.saturating_mul(self.0.load(Ordering::Relaxed)) / WHOLE).max(1)
    }

    /// Looks again and again how long a turn takes, until `stop`.
    pub(super) async fn follow(&self, stop: CancellationToken) {
        let mut rest = CALM;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(rest) => {}
            }
            let asked = Instant::now();
            next_turn().await;
            let turn = asked.elapsed();
            self.take(turn);
            rest = if turn < SHORT && self.is_whole() { CALM } else { BUSY };
        }
    }

    /// Takes what a turn took into account: down by an eighth, up by a sixty-fourth of the whole.
    fn take(&self, turn: Duration) {
        let now = self.0.load(Ordering::Relaxed);
        let next = if turn > LONG {
            (now - now / 8).max(LEAST)
        } else if turn < SHORT {
            (now + WHOLE / 64).min(WHOLE)
        } else {
            now
        };
        self.0.store(next, Ordering::Relaxed);
        metrics::gauge!("tuttu_turn_seconds").set(turn.as_secs_f64());
    }

    fn is_whole(&self) -> bool {
        self.0.load(Ordering::Relaxed) == WHOLE
    }
}

/// Goes behind every task that is ready. Waking oneself while running does that; `tokio::task::yield_now` instead
/// waits for the next look at sockets, which may come before the queue has moved.
async fn next_turn() {
    let mut turned = false;
    poll_fn(|context| {
        if turned {
            return Poll::Ready(());
        }
        turned = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::{LONG, Pace, SHORT, WHOLE};
    use std::time::Duration;

    #[test]
    fn long_turns_leave_less_and_short_ones_give_it_back() {
        let pace = Pace::default();
        assert_eq!(pace.of(128), 128);
        for _ in 0..8 {
            pace.take(LONG * 2);
        }
        assert!((32..64).contains(&pace.of(128)), "{}", pace.of(128));
        let before = pace.of(128);
        pace.take(SHORT + Duration::from_millis(1));
        assert_eq!(pace.of(128), before, "between the two nothing changes");
        for _ in 0..64 {
            pace.take(Duration::ZERO);
        }
        assert_eq!(pace.of(128), 128);
    }

    #[test]
    fn something_is_always_left() {
        let pace = Pace::default();
        for _ in 0..1_000 {
            pace.take(Duration::from_secs(1));
        }
        assert_eq!((pace.of(1), pace.of(WHOLE)), (1, 256));
    }
}
