//! Epochs: the life of one handle algorithm with its parameters.

use super::handle::Pepper;
use super::sealed::Place;
use super::words::words;
use jiff::Timestamp;
use std::time::Duration;

/// How long an epoch lasts at least, unless an incident ends it.
pub const EPOCHS_APART: Duration = Duration::from_hours(180 * 24);
/// How far the clocks of nodes may be apart: a lookup may name an epoch that begins so soon.
const SKEW: Duration = Duration::from_mins(1);

words! {
    /// What an epoch is at a time.
    EpochState {
        /// Its rows are being written; clients do not know it.
        Preparing = "preparing",
        /// Everybody discoverable has a row; it waits for its beginning.
        Prepared = "prepared",
        /// Clients use it.
        Live = "live",
        /// It is over; its rows go.
        Ended = "ended",
    }
}

/// The times of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochLife {
    /// When it was written: from then on every change of the directory is written for it, too.
    pub created_at: Timestamp,
    /// When everybody discoverable had a row.
    pub prepared_at: Option<Timestamp>,
    /// When it begins, once that is known.
    pub valid_from: Option<Timestamp>,
    /// When it ends, once that is known.
    pub valid_until: Option<Timestamp>,
    /// When its rows were gone.
    pub emptied_at: Option<Timestamp>,
}

impl EpochLife {
    /// What it is at a time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> EpochState {
        match (self.valid_from, self.valid_until) {
            (_, Some(until)) if until <= now => EpochState::Ended,
            (Some(from), _) if from <= now => EpochState::Live,
            _ if self.prepared_at.is_some() => EpochState::Prepared,
            _ => EpochState::Preparing,
        }
    }

    /// Whether a lookup may name it: it is live, or begins before long and a node whose clock is ahead says so
    /// already.
    #[must_use]
    pub fn answers(&self, now: Timestamp) -> bool {
        let begins = self.valid_from.is_some_and(|from| from <= now + SKEW);
        begins && self.state(now) != EpochState::Ended
    }
}

/// An epoch with the key of its handles.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// Its number, which every lookup names.
    pub id: u32,
    /// The key of its handles.
    pub pepper: Pepper,
    /// Its times.
    pub life: EpochLife,
}

impl Epoch {
    /// Where the sealed pepper of an epoch lies; `row` is its number in four bytes, little-endian.
    #[must_use]
    pub const fn pepper_place(row: &[u8; 4]) -> Place<'_> {
        Place { table: "epochs", column: "pepper_sealed", row }
    }
}
