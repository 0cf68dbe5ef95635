//! Devices that were ended here of late.

use crate::model::id::DeviceId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one is remembered, well past any load of it that is in flight.
const REMEMBERED: Duration = Duration::from_mins(5);

/// Asked after the cache, because an invalidation that meets a load in flight leaves the stale value.
///
/// Every request asks, and most of the time there is none: no lock is taken then.
#[derive(Debug, Clone, Default)]
pub(super) struct Revoked(Arc<Ended>);

#[derive(Debug, Default)]
struct Ended {
    count: AtomicUsize,
    at: Mutex<HashMap<DeviceId, Instant>>,
}

impl Revoked {
    /// From now on this one is.
    pub(super) fn insert(&self, device: DeviceId) {
        let mut ended = self.0.at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if ended.len() == ended.capacity() {
            ended.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        }
        ended.insert(device, now);
        self.0.count.store(ended.len(), Ordering::SeqCst);
    }

    /// Whether it is one of them.
    pub(super) fn contains(&self, device: &DeviceId) -> bool {
        self.0.count.load(Ordering::SeqCst) > 0
            && self.0.at.lock().unwrap_or_else(PoisonError::into_inner).contains_key(device)
    }
}
