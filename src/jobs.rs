//! What runs beside requests: sending what is queued, keeping the view of the directory fit.

mod audit;

pub use audit::{
    anchor_audit_log, draw_attempts, forget_attempts, forget_audit_subjects, keep_audit_log, leave_snapshot,
    remember_erasures, watch_gateways,
};

use crate::admins::Admins;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::epochs::Epochs;
use crate::idempotency::Idempotency;
use crate::key_rotation::KeyRotation;
use crate::rotation::Rotation;
use crate::store::Patience;
use crate::verification::{Dispatcher, Verifications};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long work that is small waits for the database.
const BRIEFLY: Duration = Duration::from_secs(4);
/// How often the outbox is looked at even if nobody says that it holds something.
const POLL: Duration = Duration::from_secs(1);
const FORGET: Duration = Duration::from_mins(10);
/// How often the feed is read even if nothing is registered here: the command line and other nodes write, too.
const FOLLOW: Duration = Duration::from_millis(250);
/// How often the other nodes are told at most.
const TELL: Duration = Duration::from_millis(50);
const UPKEEP: Duration = Duration::from_secs(1);
const SAVE: Duration = Duration::from_hours(1);
/// How soon every node knows of a new epoch.
const EPOCHS: Duration = Duration::from_secs(1);
/// How soon every node knows which version of a key is in use.
const KEYS: Duration = Duration::from_secs(1);
/// How many times as long as it took the search for what is under old keys rests, so that it costs little.
const REST: u32 = 20;

/// A turn every so often, the first one at once, until the stop.
struct Turns {
    ticks: Interval,
    stop: CancellationToken,
}

impl Turns {
    fn every(period: Duration, stop: &CancellationToken) -> Self {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, stop: stop.clone() }
    }

    /// Waits for the next turn; `false`: there is none any more.
    async fn next(&mut self) -> bool {
        self.stop.run_until_cancelled(self.ticks.tick()).await.is_some() && !self.stop.is_cancelled()
    }
}

/// What is small and asked all the time: on a connection that is dead without a word it must not hang for long.
async fn briefly<T>(work: impl Future<Output = T>) -> T {
    Patience::of(BRIEFLY).bound(Box::pin(work)).await
}

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
        let claimed = briefly(dispatcher.claim()).await;
        let claimed = claimed.unwrap_or_else(|cause| {
            tracing::error!(%cause, "the outbox could not be read");
            Vec::new()
        });
        for delivery in &claimed {
            let (dispatcher, delivery) = (dispatcher.clone(), delivery.clone());
            sends.spawn(async move {
                report("a delivery could not be settled", dispatcher.deliver(&delivery).await);
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

/// Fills the view of the directory, follows the feed and writes snapshots, until `stop`.
pub async fn follow_directory(
    directory: Arc<Directory>,
    epochs: Epochs,
    clock: Clock,
    stop: CancellationToken,
) {
    let (mut polls, mut upkeep, mut saves) = (interval(FOLLOW), interval(UPKEEP), interval(SAVE));
    for ticks in [&mut polls, &mut upkeep, &mut saves] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    saves.reset();
    let keeping = TaskTracker::new();
    let mut failing = false;
    while !stop.is_cancelled() {
        tokio::select! {
            _ = polls.tick() => {
                let read = directory.catch_up().await;
                match &read {
                    Err(cause) if !failing => tracing::error!(%cause, "the feed could not be read"),
                    Ok(()) if failing => tracing::info!("the feed is read again"),
                    _ => {}
                }
                failing = read.is_err();
            }
            _ = upkeep.tick() => {
                // Beside the polls: filling takes long, and the views that are there must stay fresh.
                if keeping.is_empty() {
                    keeping.spawn(keep_fit(directory.clone(), epochs.clone(), clock.now()));
                }
            }
            _ = saves.tick() => {
                report("the directory's snapshot could not be written", directory.save_snapshot().await);
            }
            () = stop.cancelled() => {}
        }
    }
    if directory.is_ready() {
        report("the directory's snapshot could not be written", directory.save_snapshot().await);
    }
}

/// Lets the other nodes know of what is written here, until `stop`: at most twenty times a second.
pub async fn tell_others(directory: Arc<Directory>, stop: CancellationToken) {
    let mut turns = Turns::every(TELL, &stop);
    while turns.next().await {
        // Cut off by the stop: it waits until there is something to tell.
        if let Some(Err(cause)) = stop.run_until_cancelled(directory.tell()).await {
            tracing::debug!(%cause, "the other nodes were not told");
        }
    }
}

/// Reads the feed as soon as another node says so, until `stop`.
pub async fn listen_to_others(directory: Arc<Directory>, stop: CancellationToken) {
    let mut turns = Turns::every(UPKEEP, &stop);
    while turns.next().await {
        if let Some(Err(cause)) = stop.run_until_cancelled(directory.listen()).await {
            tracing::debug!(%cause, "the other nodes could not be heard");
        }
    }
}

async fn keep_fit(directory: Arc<Directory>, epochs: Epochs, now: Timestamp) {
    let complete: Vec<u32> = epochs.complete(now).iter().map(|epoch| epoch.id).collect();
    report("the view of the directory could not be filled", directory.fill(&complete).await);
    report("the view of the directory could not be built anew", directory.refresh().await);
    report("the view of the directory could not be checked", directory.check_itself().await);
    directory.report();
}

fn report<T, E: std::fmt::Display>(what: &'static str, outcome: Result<T, E>) {
    if let Err(cause) = outcome {
        tracing::error!(%cause, "{what}");
    }
}

/// Forgets what is kept for a time only, until `stop`.
pub async fn forget(
    verifications: Verifications,
    (idempotency, admins): (Idempotency, Admins),
    directory: Arc<Directory>,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut turns = Turns::every(FORGET, &stop);
    while turns.next().await {
        report("old verifications could not be forgotten", verifications.forget_old(clock.now()).await);
        report("old answers could not be forgotten", idempotency.forget_old(clock.now()).await);
        report("old sessions of admins could not be forgotten", admins.forget_old(clock.now()).await);
        report("the old feed could not be forgotten", directory.forget_feed().await);
    }
}

/// Reads the epochs anew until `stop`, so that this node knows of one that others wrote.
pub async fn watch_epochs(epochs: Epochs, clock: Clock, stop: CancellationToken) {
    let mut turns = Turns::every(EPOCHS, &stop);
    while turns.next().await {
        report("the epochs could not be read", briefly(epochs.reload(clock.now())).await);
    }
}

/// Prepares, starts and ends epochs until `stop`.
pub async fn tend_epochs(rotation: Rotation, stop: CancellationToken) {
    let mut turns = Turns::every(EPOCHS, &stop);
    while turns.next().await {
        report("an epoch could not be tended", rotation.tend(&stop).await);
    }
}

/// Says that this node runs, and goes on with the keys that are in use, until `stop`.
pub async fn watch_keys(keys: KeyRotation, stop: CancellationToken) {
    let mut turns = Turns::every(KEYS, &stop);
    while turns.next().await {
        report("the keys in use could not be read", briefly(keys.watch()).await);
    }
    report("the end of this node could not be said", keys.leave().await);
}

/// Seals anew what is under old keys, and retires those that nothing is under, until `stop`.
pub async fn tend_keys(keys: KeyRotation, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let began = Instant::now();
        report("what is under old keys could not be tended", keys.tend(&stop).await);
        let rest = (began.elapsed() * REST).max(KEYS);
        tokio::select! {
            () = sleep(rest) => {}
            () = stop.cancelled() => {}
        }
    }
}
