//! What runs beside requests: sending what is queued, keeping the view of the directory fit.

use crate::clock::Clock;
use crate::directory::Directory;
use crate::epochs::Epochs;
use crate::idempotency::Idempotency;
use crate::key_rotation::KeyRotation;
use crate::rotation::Rotation;
use crate::store::Patience;
use crate::verification::{Dispatcher, Failure, Verifications};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
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
        let claimed = briefly(dispatcher.claim()).await.unwrap_or_else(|cause| {
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
    let mut turns = interval(TELL);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let telling = async {
        loop {
            turns.tick().await;
            if let Err(cause) = directory.tell().await {
                tracing::debug!(%cause, "the other nodes were not told");
            }
        }
    };
    stop.run_until_cancelled_owned(telling).await;
}

/// Reads the feed as soon as another node says so, until `stop`.
pub async fn listen_to_others(directory: Arc<Directory>, stop: CancellationToken) {
    let mut turns = interval(UPKEEP);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listening = async {
        loop {
            turns.tick().await;
            match directory.listen().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(cause) => tracing::debug!(%cause, "the other nodes could not be heard"),
            }
        }
    };
    stop.run_until_cancelled_owned(listening).await;
}

async fn keep_fit(directory: Arc<Directory>, epochs: Epochs, now: Timestamp) {
    let complete: Vec<u32> = epochs.complete(now).iter().map(|epoch| epoch.id).collect();
    report("the view of the directory could not be filled", directory.fill(&complete).await);
    report("the view of the directory could not be built anew", directory.refresh().await);
    report("the view of the directory could not be checked", directory.check_itself().await);
    directory.report();
}

fn report<E: std::fmt::Display>(what: &'static str, outcome: Result<(), E>) {
    if let Err(cause) = outcome {
        tracing::error!(%cause, "{what}");
    }
}

/// Forgets what is kept for a time only, until `stop`.
pub async fn forget(
    verifications: Verifications,
    idempotency: Idempotency,
    directory: Arc<Directory>,
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
                report("the old feed could not be forgotten", directory.forget_feed().await);
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
                if let Err(cause) = briefly(epochs.reload(clock.now())).await {
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

/// Says that this node runs, and goes on with the keys that are in use, until `stop`.
pub async fn watch_keys(keys: KeyRotation, stop: CancellationToken) {
    let mut ticks = interval(KEYS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = ticks.tick() => {
                if let Err(cause) = briefly(keys.watch()).await {
                    complain("the keys in use could not be read", &cause);
                }
            }
            () = stop.cancelled() => {}
        }
    }
    report("the end of this node could not be said", keys.leave().await);
}

/// Seals anew what is under old keys, and retires those that nothing is under, until `stop`.
pub async fn tend_keys(keys: KeyRotation, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let began = Instant::now();
        if let Err(cause) = keys.tend(&stop).await {
            complain("what is under old keys could not be tended", &cause);
        }
        let rest = (began.elapsed() * REST).max(KEYS);
        tokio::select! {
            () = sleep(rest) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn complain(what: &'static str, cause: &Failure) {
    tracing::error!(%cause, "{what}");
}
