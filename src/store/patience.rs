//! How long a request waits for the database, over everything that it asks of it.

use super::places::{Place, Places};
use futures_util::future::Either;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

tokio::task_local! {
    static LEFT: Patience;
}

/// What is left of the time that a request may wait for the database, and its place there; clones share both.
#[derive(Debug, Clone)]
pub struct Patience {
    shared: Arc<Shared>,
    yields: bool,
}

#[derive(Debug)]
struct Shared {
    /// Microseconds.
    left: AtomicU64,
    /// Its place among those whom the server works for, from its first statement to its end.
    admitted: OnceCell<Place>,
}

impl Patience {
    /// So much in all.
    #[must_use]
    pub fn of(duration: Duration) -> Self {
        let shared = Shared { left: AtomicU64::new(micros(duration)), admitted: OnceCell::new() };
        Self { shared: Arc::new(shared), yields: false }
    }

    /// The same of a request that lets others pass: those that do not yield wait behind no more of its kind than have a
    /// place, however many come. Said before it is cloned.
    #[must_use]
    pub fn yielding(self) -> Self {
        Self { yields: true, ..self }
    }

    /// Runs something that waits for the database no longer than this.
    pub fn bound<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        LEFT.scope(self, work)
    }

    /// The same where there is such a limit.
    pub fn bound_if<F: Future>(patience: Option<Self>, work: F) -> impl Future<Output = F::Output> {
        match patience {
            Some(patience) => Either::Left(patience.bound(work)),
            None => Either::Right(work),
        }
    }

    /// That of the request under way, to be handed to what it spawns; `None` outside of one.
    #[must_use]
    pub fn current() -> Option<Self> {
        LEFT.try_with(Clone::clone).ok()
    }

    /// What is left.
    pub(super) fn left(&self) -> Duration {
        Duration::from_micros(self.shared.left.load(Ordering::Relaxed))
    }

    /// Waits for a place, unless it has one. Whoever is in comes to all of its statements: without that, under load
    /// every request would wait for each of them behind all that have just come, and none would come to its last.
    pub(super) async fn enter(&self, places: &Places) {
        let _entered = self.shared.admitted.get_or_init(|| places.take(self.yields)).await;
    }

    fn spend(&self, waited: Duration) {
        let waited = micros(waited);
        let left = &self.shared.left;
        let _before =
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(waited)));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Waits as long as the request may, outside of one as long as `most`; `None`: it took longer, and was dropped.
pub(super) async fn patiently<F: Future>(most: Duration, work: F) -> Option<F::Output> {
    let patience = Patience::current();
    let most = patience.as_ref().map_or(most, |patience| patience.left().min(most));
    let began = Instant::now();
    let ended = tokio::time::timeout(most, work).await.ok();
    if let Some(patience) = patience {
        patience.spend(began.elapsed());
    }
    ended
}
