//! The epochs, as this node knows them.

use crate::model::entropy::random_bytes;
use crate::model::epoch::{Epoch, EpochLife, EpochState};
use crate::model::handle::{BLAKE3_KEYED_128, Pepper};
use crate::model::keys::{Keys, Purpose};
use crate::model::sealed::{SealBroken, open, seal};
use crate::store::{SealedEpoch, Store};
use crate::verification::Failure;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Mutex;

const FIRST: u32 = 1;
const DAY: Duration = Duration::from_hours(24);

/// The epochs, read anew from time to time; clones share what they know.
#[derive(Debug, Clone)]
pub struct Epochs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    keys: Arc<Keys>,
    /// Every epoch there has been whose algorithm this version knows, the newest first.
    known: ArcSwap<Vec<Epoch>>,
    /// Held while they are read, so that an older reading never follows a newer one.
    reading: Mutex<()>,
}

/// Why the epochs cannot be used.
#[derive(Debug, Error)]
pub enum EpochsError {
    /// Each begins later or has ended.
    #[error("no epoch of the directory is live at this machine's time: is its clock right?")]
    NoneLive,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Epochs {
    /// Reads the epochs, and begins the first one where there has been none.
    ///
    /// # Errors
    /// When the database fails, a pepper does not open, or no epoch is live: nobody could be listed or found.
    pub async fn open(store: &Store, keys: &Arc<Keys>, now: Timestamp) -> Result<Self, EpochsError> {
        if store.epochs().await.map_err(Failure::from)?.is_empty() {
            let first = first_epoch(keys, now).map_err(Failure::from)?;
            store.add_epoch(&first).await.map_err(Failure::from)?;
        }
        let known = read(store, keys).await?;
        let epochs = Self(Arc::new(Shared {
            store: store.clone(),
            keys: keys.clone(),
            known: ArcSwap::from_pointee(known),
            reading: Mutex::new(()),
        }));
        if epochs.live(now).is_empty() { Err(EpochsError::NoneLive) } else { Ok(epochs) }
    }

    /// Reads them anew, and logs what has changed.
    ///
    /// # Errors
    /// When the database fails or a pepper does not open; what was known stays.
    pub async fn reload(&self, now: Timestamp) -> Result<(), Failure> {
        let _alone = self.0.reading.lock().await;
        let epochs = read(&self.0.store, &self.0.keys).await?;
        let before = self.0.known.load();
        for epoch in &epochs {
            if before.iter().all(|known| known.id != epoch.id || known.life != epoch.life) {
                let EpochLife { valid_from, valid_until, .. } = epoch.life;
                let state = epoch.life.state(now).as_str();
                tracing::info!(epoch = epoch.id, state, ?valid_from, ?valid_until, "an epoch changed");
            }
        }
        self.0.known.store(Arc::new(epochs));
        Ok(())
    }

    /// Every epoch there has been, the newest first.
    #[must_use]
    pub fn known(&self) -> Arc<Vec<Epoch>> {
        self.0.known.load_full()
    }

    /// The live epochs, the preferred one first.
    #[must_use]
    pub fn live(&self, now: Timestamp) -> Vec<Epoch> {
        self.filtered(|life| life.state(now) == EpochState::Live)
    }

    /// Those for which every change of the directory is written: the live ones and the one to come.
    #[must_use]
    pub fn writable(&self, now: Timestamp) -> Vec<Epoch> {
        self.filtered(|life| life.state(now) != EpochState::Ended)
    }

    /// Those in which everybody discoverable has a row: the live ones and one that waits for its beginning.
    #[must_use]
    pub fn complete(&self, now: Timestamp) -> Vec<Epoch> {
        self.filtered(|life| matches!(life.state(now), EpochState::Prepared | EpochState::Live))
    }

    /// Those in which there may be rows: the writable ones and ended ones whose rows are not gone yet.
    #[must_use]
    pub fn held(&self) -> Vec<Epoch> {
        self.filtered(|life| life.emptied_at.is_none())
    }

    /// The epoch of that number, if a lookup may name it.
    #[must_use]
    pub fn get(&self, id: u32, now: Timestamp) -> Option<Epoch> {
        let known = self.0.known.load();
        known.iter().find(|epoch| epoch.id == id && epoch.life.answers(now)).cloned()
    }

    /// The one before it, ended or not.
    #[must_use]
    pub fn previous(&self, id: u32) -> Option<u32> {
        self.0.known.load().iter().map(|epoch| epoch.id).filter(|known| *known < id).max()
    }

    fn filtered(&self, fits: impl Fn(&EpochLife) -> bool) -> Vec<Epoch> {
        self.0.known.load().iter().filter(|epoch| fits(&epoch.life)).cloned().collect()
    }
}

async fn read(store: &Store, keys: &Keys) -> Result<Vec<Epoch>, Failure> {
    let sealed = store.epochs().await?;
    let held = sealed.iter().filter(|epoch| epoch.life.emptied_at.is_none());
    if !keys.assign(&held.map(|epoch| (epoch.id, epoch.directory_key)).collect()) {
        return Err(Failure::DirectoryKeyMissing);
    }
    let known = sealed.into_iter().filter(|epoch| epoch.algorithm == BLAKE3_KEYED_128);
    Ok(known.map(|epoch| unseal(keys, &epoch)).collect::<Result<_, _>>()?)
}

/// An epoch of today's algorithm with a pepper of its own, to be prepared.
///
/// # Errors
/// [`SealBroken`] where its pepper cannot be sealed.
pub fn draft(keys: &Keys, id: u32, now: Timestamp) -> Result<SealedEpoch, SealBroken> {
    let pepper: [u8; 32] = random_bytes();
    let in_use = keys.set().versions_in_use().get(&Purpose::Directory).copied();
    Ok(SealedEpoch {
        id,
        algorithm: BLAKE3_KEYED_128.to_owned(),
        pepper_sealed: seal(keys.number(), &Epoch::pepper_place(&id.to_le_bytes()), &pepper)?,
        directory_key: in_use.ok_or(SealBroken)?,
        life: EpochLife {
            created_at: now,
            prepared_at: None,
            valid_from: None,
            valid_until: None,
            emptied_at: None,
        },
    })
}

/// The first one has nobody to prepare.
fn first_epoch(keys: &Keys, now: Timestamp) -> Result<SealedEpoch, SealBroken> {
    let mut first = draft(keys, FIRST, now)?;
    first.life.prepared_at = Some(now);
    // Yesterday, so that a node whose clock is a little behind knows it, too.
    first.life.valid_from = Some(now - DAY);
    Ok(first)
}

fn unseal(keys: &Keys, sealed: &SealedEpoch) -> Result<Epoch, SealBroken> {
    let pepper = open(keys.number(), &Epoch::pepper_place(&sealed.id.to_le_bytes()), &sealed.pepper_sealed)?;
    Ok(Epoch {
        id: sealed.id,
        pepper: Pepper::from_bytes(pepper.as_slice().try_into().map_err(|_| SealBroken)?),
        life: sealed.life,
    })
}
