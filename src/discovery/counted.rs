//! Counters of what was answered, found by their names once: to find one costs more than to count.

use metrics::Counter;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Lookups, and handles in them.
#[derive(Clone, Default)]
pub(super) struct Counted(Arc<OnceLock<[Counter; 2]>>);

impl Counted {
    /// Counts a lookup of so many handles.
    pub(super) fn answered(&self, handles: u32) {
        let counters =
            || [metrics::counter!("tuttu_lookups_total"), metrics::counter!("tuttu_lookup_handles_total")];
        let [lookups, asked] = self.0.get_or_init(counters);
        lookups.increment(1);
        asked.increment(u64::from(handles));
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted(..)")
    }
}
