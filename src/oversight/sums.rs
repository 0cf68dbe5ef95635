//! Sums over attempts: by country, by gateway, minute by minute.

use super::Oversight;
use crate::store::{CountFilter, Counted, Span};
use crate::verification::Failure;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Sums of one country, gateway, span of time, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// The country or gateway; empty for neither.
    pub name: String,
    /// Verifications that were started.
    pub started: i64,
    /// Messages that a gateway took, or may have taken.
    pub sent: i64,
    /// Messages that arrived.
    pub delivered: i64,
    /// Messages that did not.
    pub failed: i64,
    /// Numbers that were proven.
    pub approved: i64,
    /// Starts and sends that were refused.
    pub refused: i64,
    /// What the messages cost, in millionths.
    pub spent: i64,
    /// Milliseconds from sent to delivered, over all that arrived.
    pub took: i64,
}

impl Sum {
    fn add(&mut self, counted: &Counted) {
        match counted.kind.as_str() {
            "started" => self.started += counted.number,
            "sent" | "unknown" => {
                self.sent += counted.number;
                self.spent += counted.total;
            }
            "delivered" => {
                self.delivered += counted.number;
                self.took += counted.total;
            }
            "failed" | "undelivered" => self.failed += counted.number,
            "approved" => self.approved += counted.number,
            "refused" => self.refused += counted.number,
            _ => {}
        }
    }

    /// Approvals of a hundred messages; `None` where none was sent.
    #[must_use]
    pub fn conversion_percent(&self) -> Option<i64> {
        (self.sent > 0).then(|| self.approved * 100 / self.sent)
    }

    /// Milliseconds that a message took on the mean; `None` where none arrived.
    #[must_use]
    pub fn delivery_ms(&self) -> Option<i64> {
        (self.delivered > 0).then(|| self.took / self.delivered)
    }
}

/// Sums by a name that is taken from each, those with most messages first.
pub fn by(counted: &[Counted], name: impl Fn(&Counted) -> &str) -> Vec<Sum> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for one in counted {
        sums.entry(name(one)).or_default().add(one);
    }
    let mut sums: Vec<Sum> =
        sums.into_iter().map(|(name, sum)| Sum { name: name.to_owned(), ..sum }).collect();
    sums.sort_by_key(|sum| (-sum.sent, -sum.started, sum.name.clone()));
    sums
}

impl Oversight {
    /// What was counted in the time up to now, by country, gateway, kind and reason.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counted(&self, kept: Duration, now: Timestamp) -> Result<Vec<Counted>, Failure> {
        Ok(self.store.attempt_sums(up_to(now, kept)).await?)
    }

    /// Sums of every minute of the time up to now, the oldest first; each with the time when it began.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn minutes(&self, kept: Duration, now: Timestamp) -> Result<Vec<(Timestamp, Sum)>, Failure> {
        let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
        for one in &self.store.attempt_series(up_to(now, kept)).await? {
            sums.entry(one.at).or_default().add(one);
        }
        let (minute, last) = (Span::Minute.ms(), Span::Minute.start(now.as_millisecond()));
        let count = i64::try_from(kept.as_secs() / 60).unwrap_or(0);
        let starts = (0..count).rev().map(|back| last - back * minute);
        let of =
            |at: i64| (Timestamp::from_millisecond(at).unwrap_or(now), sums.remove(&at).unwrap_or_default());
        Ok(starts.map(of).collect())
    }
}

/// By minutes, with those that another node's clock may be ahead by.
fn up_to(now: Timestamp, kept: Duration) -> CountFilter {
    CountFilter { span: Span::Minute, from: now - kept, until: now + Duration::from_hours(1) }
}
