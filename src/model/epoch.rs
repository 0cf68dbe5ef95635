//! Epochs: the life of one handle algorithm with its parameters.

use super::handle::Pepper;
use super::sealed::Place;
use jiff::Timestamp;

/// An epoch whose handles lookups may use.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// Its number, which every lookup names.
    pub id: u32,
    /// The key of its handles.
    pub pepper: Pepper,
    /// When it began.
    pub valid_from: Timestamp,
    /// When it ends, once that is known.
    pub valid_until: Option<Timestamp>,
}

impl Epoch {
    /// Where the sealed pepper of an epoch lies; `row` is its number in four bytes, little-endian.
    #[must_use]
    pub const fn pepper_place(row: &[u8; 4]) -> Place<'_> {
        Place { table: "epochs", column: "pepper_sealed", row }
    }
}
