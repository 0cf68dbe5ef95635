//! Whom the database server works for at once.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests that are worked for at once, for each connection: between its statements a request needs none.
const REQUESTS_EACH: usize = 2;

/// As many as keep its connections busy. Of four places those that yield have three: they wait first at a door of their
/// own, which lets no more of them through to the common one.
#[derive(Debug, Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    yielding: Arc<Semaphore>,
}

/// A place; dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: Option<OwnedSemaphorePermit>,
    _of_yielding: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// The places that so many connections have.
    pub(super) fn of(connections: usize) -> Self {
        let all = connections * REQUESTS_EACH;
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { all: semaphore(all), yielding: semaphore((all * 3 / 4).max(1)) }
    }

    /// Waits for a place.
    pub(super) async fn take(&self, yields: bool) -> Place {
        // Neither is ever closed.
        let of_yielding = if yields { self.yielding.clone().acquire_owned().await.ok() } else { None };
        let of_all = self.all.clone().acquire_owned().await.ok();
        Place { _of_all: of_all, _of_yielding: of_yielding }
    }
}
