//! The life of one version of a key.

use super::words::words;
use jiff::Timestamp;

/// When a version came, was put into use and retired; one without times came with the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyLife {
    /// When it was added to a database that had others.
    pub added_at: Option<Timestamp>,
    /// When it was put into use.
    pub used_at: Option<Timestamp>,
    /// Since when nothing is under it.
    pub retired_at: Option<Timestamp>,
}

words! {
    /// How far a version of a key is.
    KeyState {
        /// Written down, and not used for anything yet.
        Added = "added",
        /// What is new is made with it.
        InUse = "in_use",
        /// What was made with it is still read.
        Reading = "reading",
        /// Nothing is under it any more.
        Retired = "retired",
    }
}

impl KeyLife {
    /// Whether it is or has been in use.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.used_at.is_some() || self.added_at.is_none()
    }

    /// How far it is, where `latest` says whether no other version was put into use after it.
    #[must_use]
    pub const fn state(&self, latest: bool) -> KeyState {
        match (self.retired_at.is_some(), self.has_begun(), latest) {
            (true, _, _) => KeyState::Retired,
            (false, false, _) => KeyState::Added,
            (false, true, true) => KeyState::InUse,
            (false, true, false) => KeyState::Reading,
        }
    }
}
