//! Sums over attempts, as pages write them.

use crate::oversight::Sum;
use std::time::Duration;

pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// How pages write a sum.
impl Sum {
    /// Approvals of a hundred messages; a dash where none was sent.
    pub(super) fn conversion(&self) -> String {
        self.conversion_percent().map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))
    }

    /// What it cost, in whole units of the currency and hundredths.
    pub(super) fn cost(&self) -> String {
        format!("{}.{:02}", self.spent / 1_000_000, self.spent / 10_000 % 100)
    }

    /// How long a message took on the mean.
    pub(super) fn latency(&self) -> String {
        self.delivery_ms().map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"))
    }
}
