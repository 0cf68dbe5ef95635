//! What runs beside requests: sending what is queued, keeping the view of the directory fit.

use crate::clock::Clock;
use crate::directory::Directory;
use crate::epochs::Epochs;
use crate::idempotency::Idempotency;
use crate::rotation::Rotation;
use crate::verification::{Dispatcher, Failure, Verifications};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the outbox is looked at even if nobody says that it holds something.
const POLL: Duration = Duration::from_secs(1);
const FORGET: Duration = Duration::from_mins(10);
/// How soon every node knows of a new epoch.
const EPOCHS: Duration = Duration::from_secs(1);
const REFRESH: Duration = Duration::from_secs(10);

/// Sends what is queued until `stop`: at once when `outbox` says so, and by polling.
pub async fn dispatch(
    dispatcher: Dispatcher,
    outbox: Arc<Notify>,
    sends: TaskTracker,
    stop: CancellationToken,
) {
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Looked at before the outbox: what was queued before the stop is still sent.
        let last = stop.is_cancelled();
        let claimed = dispatcher.claim().await.unwrap_or_else(|cause| {
            complain("the outbox could not be read", &cause);
            Vec::new()
        });
        for delivery in &claimed {
            let (dispatcher, delivery) = (dispatcher.clone(), delivery.clone());
            sends.spawn(async move {
                if let Err(cause) = dispatcher.deliver(&delivery).await {
                    complain("a delivery could not be settled", &cause);
                }
            });
        }
        match (claimed.is_empty(), last) {
            (false, _) => {}
            (true, true) => return,
            (true, false) => tokio::select! {
                () = outbox.notified() => {}
                _ = poll.tick() => {}
                () = stop.cancelled() => {}
            },
        }
    }
}

/// Keeps the directory's filters fit and its gauges set until `stop`.
pub async fn refresh_directory(directory: Arc<Directory>, stop: CancellationToken) {
    let mut ticks = interval(REFRESH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = ticks.tick() => {
                if let Err(cause) = directory.refresh().await {
                    tracing::error!(%cause, "the directory's filter could not be built anew");
                }
                directory.report();
            }
            () = stop.cancelled() => {}
        }
    }
}

/// Forgets what is kept for a time only, until `stop`.
pub async fn forget(
    verifications: Verifications,
    idempotency: Idempotency,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut ticks = interval(FORGET);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = ticks.tick() => {
                if let Err(cause) = verifications.forget_old(clock.now()).await {
                    complain("old verifications could not be forgotten", &cause);
                }
                if let Err(cause) = idempotency.forget_old(clock.now()).await {
                    complain("old answers could not be forgotten", &cause);
                }
            }
            () = stop.cancelled() => {}
        }
    }
}

/// Reads the epochs anew until `stop`, so that this node knows of one that others wrote.
pub async fn watch_epochs(epochs: Epochs, clock: Clock, stop: CancellationToken) {
    let mut ticks = interval(EPOCHS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = ticks.tick() => {
                if let Err(cause) = epochs.reload(clock.now()).await {
                    complain("the epochs could not be read", &cause);
                }
            }
            () = stop.cancelled() => {}
        }
    }
}

/// Prepares, starts and ends epochs until `stop`.
pub async fn tend_epochs(rotation: Rotation, stop: CancellationToken) {
    let mut ticks = interval(EPOCHS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = ticks.tick() => {
                if let Err(cause) = rotation.tend(&stop).await {
                    complain("an epoch could not be tended", &cause);
                }
            }
            () = stop.cancelled() => {}
        }
    }
}

fn complain(what: &'static str, cause: &Failure) {
    tracing::error!(%cause, "{what}");
}
