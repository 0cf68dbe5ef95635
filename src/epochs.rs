//! The live epochs, as this node knows them.

use crate::model::entropy::random_bytes;
use crate::model::epoch::Epoch;
use crate::model::handle::{BLAKE3_KEYED_128, Pepper};
use crate::model::keys::Keys;
use crate::model::sealed::{SealBroken, open, seal};
use crate::store::{SealedEpoch, Store};
use crate::verification::Failure;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

const FIRST: u32 = 1;
const DAY: Duration = Duration::from_hours(24);

/// The live epochs in order of preference; cheap to clone.
#[derive(Debug, Clone)]
pub struct Epochs(Arc<[Epoch]>);

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
    /// Reads the live epochs, and begins the first one where there has been none.
    ///
    /// # Errors
    /// When the database fails, a pepper does not open, or no epoch is live: nobody could be listed or found.
    pub async fn open(store: &Store, keys: &Keys, now: Timestamp) -> Result<Self, EpochsError> {
        let mut sealed = store.live_epochs(now).await.map_err(Failure::from)?;
        if sealed.is_empty() {
            let first = first_epoch(keys, now).map_err(Failure::from)?;
            store.add_epoch(&first).await.map_err(Failure::from)?;
            sealed = store.live_epochs(now).await.map_err(Failure::from)?;
        }
        let known = sealed.into_iter().filter(|epoch| epoch.algorithm == BLAKE3_KEYED_128);
        let epochs: Result<Vec<Epoch>, SealBroken> = known.map(|epoch| unseal(keys, &epoch)).collect();
        let epochs = epochs.map_err(Failure::from)?;
        if epochs.is_empty() { Err(EpochsError::NoneLive) } else { Ok(Self(epochs.into())) }
    }

    /// The live epochs, the preferred one first.
    #[must_use]
    pub fn live(&self) -> &[Epoch] {
        &self.0
    }

    /// The live epoch of that number.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&Epoch> {
        self.0.iter().find(|epoch| epoch.id == id)
    }
}

fn first_epoch(keys: &Keys, now: Timestamp) -> Result<SealedEpoch, SealBroken> {
    let pepper: [u8; 32] = random_bytes();
    Ok(SealedEpoch {
        id: FIRST,
        algorithm: BLAKE3_KEYED_128.to_owned(),
        pepper_sealed: seal(keys.number(), &Epoch::pepper_place(&FIRST.to_le_bytes()), &pepper)?,
        // Yesterday, so that a node whose clock is a little behind knows it, too.
        valid_from: now - DAY,
        valid_until: None,
    })
}

fn unseal(keys: &Keys, sealed: &SealedEpoch) -> Result<Epoch, SealBroken> {
    let pepper = open(keys.number(), &Epoch::pepper_place(&sealed.id.to_le_bytes()), &sealed.pepper_sealed)?;
    Ok(Epoch {
        id: sealed.id,
        pepper: Pepper::from_bytes(pepper.as_slice().try_into().map_err(|_| SealBroken)?),
        valid_from: sealed.valid_from,
        valid_until: sealed.valid_until,
    })
}
