//! Lookups: what they cost, what gives a sweep away, and how they are answered.

use super::{ByteSize, Seconds};
use crate::model::words::words;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Lookups and what they cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Discovery {
    /// New handles that a number may ask for at once.
    pub lookup_budget: u32,
    /// New handles that it gets back in an hour.
    pub budget_per_hour: u32,
    /// Lookups an account may make in an hour.
    pub requests_per_hour: u32,
    /// Handles an account may ask for in an hour, paid or not.
    pub handles_per_hour: u32,
    /// After how long an epoch is followed by a new one of itself; not set: never.
    pub epoch_lifetime: Option<Seconds>,
    /// What gives a sweep away.
    pub shape: Shape,
}

impl Discovery {
    /// What every account may have some of, by its key.
    pub(super) const fn limits(&self) -> [(&'static str, u32); 4] {
        [
            ("lookup_budget", self.lookup_budget),
            ("budget_per_hour", self.budget_per_hour),
            ("requests_per_hour", self.requests_per_hour),
            ("handles_per_hour", self.handles_per_hour),
        ]
    }
}

words! {
    /// What happens to lookups that have the shape of a sweep.
    #[derive(Default)]
    ShapeMode {
        /// Counts and logs what it would have refused.
        #[default]
        Monitor = "monitor",
        /// Refuses new handles until midnight UTC.
        Enforce = "enforce",
        /// Does not look.
        Off = "off",
    }
}

/// The shape of a sweep.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Shape {
    /// What happens to such lookups.
    pub mode: ShapeMode,
    /// Different new handles that an IPv4 /24 or IPv6 /56 may ask for on a day.
    pub handles_per_range: u32,
    /// Of its last 500 new handles an account must find this many in a hundred.
    pub hit_percent: u32,
}

words! {
    /// How a node looks handles up.
    #[derive(Default)]
    DirectoryMode {
        /// `complete` while that fits into the memory, else `filter`.
        #[default]
        Auto = "auto",
        /// Every entry in memory, whatever it takes.
        Complete = "complete",
        /// Filter, cache, then the database.
        Filter = "filter",
        /// Always the database.
        Database = "database",
    }
}

/// The fast view of the directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Directory {
    /// How handles are looked up.
    pub mode: DirectoryMode,
    /// Memory that views may take.
    pub memory: ByteSize,
    /// Where a complete view outlives a restart; not set: beside an embedded database.
    pub snapshot: Option<PathBuf>,
    /// How often the filter lets a stranger's handle through to the database.
    pub false_positive_rate: f64,
}
