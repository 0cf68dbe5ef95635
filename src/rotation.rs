//! Rotation: a new epoch is written, prepared, begun; the old one ends and its rows go.
//!
//! Nobody is answered wrongly across it. From the moment that the new epoch is written, no change of the
//! directory commits without being written for it, too ([`crate::store::AccountChange::EpochsOutdated`]). Then one
//! node at a time gives everybody discoverable a row, of those who still are when it is written. Clients hear of
//! the epoch once every row is there, and the old one answers for [`OVERLAP`] more.

mod preparing;

use crate::clock::Clock;
use crate::directory::Directory;
use crate::epochs::{Epochs, draft};
use crate::model::entropy::random_bytes;
use crate::model::epoch::{EPOCHS_APART, Epoch, EpochState};
use crate::model::keys::Keys;
use crate::store::{EpochLease, Store};
use crate::verification::Failure;
use jiff::Timestamp;
use preparing::Preparation;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long an epoch answers beside the one that follows it.
pub const OVERLAP: Duration = Duration::from_hours(7 * 24);
/// Between the decision that an epoch begins and its beginning: every node has heard of it by then.
const AHEAD: Duration = Duration::from_secs(5);
/// After its end, until when nodes whose clocks are behind may still write rows of an epoch.
const LATE: Duration = Duration::from_hours(1);
/// How long the work of a node that is gone lies idle.
const LEASE: Duration = Duration::from_secs(10);
/// Rows of the directory that one transaction of emptying looks at.
const EMPTIED: i64 = 5_000;
/// Between transactions, for other writers.
const BREATH: Duration = Duration::from_millis(1);

/// Why no new epoch was begun.
#[derive(Debug, Error)]
pub enum RotateRefused {
    /// One is on its way.
    #[error("epoch {0} is already on its way")]
    UnderWay(u32),
    /// The newest is young.
    #[error(
        "epoch {id} may be followed from {from:.0} on: a new one makes every client hash its address book anew. \
         After an incident, say --incident"
    )]
    TooEarly {
        /// The newest.
        id: u32,
        /// When it is old enough.
        from: Timestamp,
    },
    /// No server has begun the first one.
    #[error("there is no epoch yet: start a server once")]
    NoneYet,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Writes the next epoch, which servers then prepare; its number.
///
/// # Errors
/// [`RotateRefused`].
pub async fn begin(store: &Store, keys: &Keys, incident: bool, now: Timestamp) -> Result<u32, RotateRefused> {
    let epochs = store.epochs().await.map_err(Failure::from)?;
    let newest = epochs.first().ok_or(RotateRefused::NoneYet)?;
    let id = store.next_epoch().await.map_err(Failure::from)?;
    match newest.life.valid_from {
        Some(begun) if begun <= now => {
            let from = begun + EPOCHS_APART;
            if now < from && !incident {
                return Err(RotateRefused::TooEarly { id: newest.id, from });
            }
        }
        _ => return Err(RotateRefused::UnderWay(newest.id)),
    }
    let next = draft(keys, id, now).map_err(Failure::from)?;
    if !store.add_epoch(&next).await.map_err(Failure::from)? {
        return Err(RotateRefused::UnderWay(id));
    }
    tracing::info!(epoch = id, incident, "a new epoch is written: servers prepare it");
    Ok(id)
}

/// What a node does for epochs beside requests.
#[derive(Debug, Clone)]
pub struct Rotation {
    store: Store,
    keys: Arc<Keys>,
    epochs: Epochs,
    directory: Arc<Directory>,
    clock: Clock,
    /// After how long an epoch is followed by itself.
    lifetime: Option<Duration>,
    /// This node's name in leases.
    worker: [u8; 16],
}

impl Rotation {
    /// The work over this store, these epochs and this view of the directory; no epoch is begun by schedule.
    #[must_use]
    pub fn new(
        store: Store,
        keys: Arc<Keys>,
        epochs: Epochs,
        directory: Arc<Directory>,
        clock: Clock,
    ) -> Self {
        Self { store, keys, epochs, directory, clock, lifetime: None, worker: random_bytes() }
    }

    /// The same where an epoch that is so old is followed by a new one.
    #[must_use]
    pub fn every(self, lifetime: Option<Duration>) -> Self {
        Self { lifetime, ..self }
    }

    /// Does what is due for any epoch, to its end unless `stop` comes first. What is cut off goes on here or on
    /// another node.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tend(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let now = self.clock.now();
        self.begin_by_schedule(now).await?;
        for epoch in self.epochs.known().iter() {
            match epoch.life.state(now) {
                EpochState::Preparing => self.prepare(epoch, stop).await?,
                EpochState::Prepared if self.directory.has_view_of(epoch.id) => self.start(epoch).await?,
                EpochState::Prepared | EpochState::Live => {}
                EpochState::Ended => self.empty(epoch, stop).await?,
            }
        }
        Ok(())
    }

    async fn begin_by_schedule(&self, now: Timestamp) -> Result<(), Failure> {
        let Some(lifetime) = self.lifetime else { return Ok(()) };
        let due = |epoch: &Epoch| epoch.life.valid_from.is_some_and(|begun| begun + lifetime <= now);
        if !self.epochs.known().first().is_some_and(due) {
            return Ok(());
        }
        // Any other refusal: another node was faster, or what stands here was old.
        if let Err(RotateRefused::Failed(cause)) = begin(&self.store, &self.keys, false, now).await {
            return Err(cause);
        }
        self.epochs.reload(now).await
    }

    async fn prepare(&self, epoch: &Epoch, stop: &CancellationToken) -> Result<(), Failure> {
        let Some(lease) = self.take(epoch.id).await? else { return Ok(()) };
        let prepared = Preparation::resume(self, epoch, lease, stop).await?.run().await;
        self.store.let_go_of_epoch_work(&lease).await?;
        if prepared? {
            self.store.end_epoch_preparation(epoch.id, self.clock.now()).await?;
            self.epochs.reload(self.clock.now()).await?;
        }
        Ok(())
    }

    async fn start(&self, epoch: &Epoch) -> Result<(), Failure> {
        if epoch.life.valid_from.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let from = now + AHEAD;
        if self.store.start_epoch(epoch.id, from, from + OVERLAP, now).await? {
            tracing::info!(epoch = epoch.id, %from, "an epoch begins");
        }
        self.epochs.reload(self.clock.now()).await
    }

    /// Takes the rows of an ended epoch away.
    async fn empty(&self, epoch: &Epoch, stop: &CancellationToken) -> Result<(), Failure> {
        let now = self.clock.now();
        let due = epoch.life.valid_until.is_some_and(|until| until + LATE <= now);
        if epoch.life.emptied_at.is_some() || !due {
            return Ok(());
        }
        let Some(mut lease) = self.take(epoch.id).await? else { return Ok(()) };
        let mut after = None;
        loop {
            after = self.store.empty_epoch(epoch.id, after, EMPTIED).await?;
            if after.is_none() {
                break;
            }
            let lost = !self.keep(&mut lease).await?;
            if lost || stop.is_cancelled() {
                return Ok(self.store.let_go_of_epoch_work(&lease).await?);
            }
            sleep(BREATH).await;
        }
        self.store.end_epoch_emptying(epoch.id, self.clock.now()).await?;
        tracing::info!(epoch = epoch.id, "the rows of an ended epoch are gone");
        self.epochs.reload(self.clock.now()).await
    }

    async fn take(&self, epoch: u32) -> Result<Option<EpochLease>, Failure> {
        let now = self.clock.now();
        let lease = EpochLease { epoch, worker: self.worker, until: now + LEASE };
        Ok(self.store.take_epoch_work(&lease, now).await?.then_some(lease))
    }

    /// Holds a lease longer where half of it is over; `false` if it is lost.
    async fn keep(&self, lease: &mut EpochLease) -> Result<bool, Failure> {
        let now = self.clock.now();
        if now + LEASE / 2 < lease.until {
            return Ok(true);
        }
        lease.until = now + LEASE;
        Ok(self.store.take_epoch_work(lease, now).await?)
    }
}
