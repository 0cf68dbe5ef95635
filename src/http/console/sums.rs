//! Sums over attempts, as pages show them.

use crate::http::{Problem, Services};
use crate::store::{CountFilter, Counted, Span};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// Sums of one country, gateway, or all.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    pub(super) name: String,
    pub(super) started: i64,
    pub(super) sent: i64,
    pub(super) delivered: i64,
    pub(super) failed: i64,
    pub(super) approved: i64,
    pub(super) refused: i64,
    /// Millionths.
    spent: i64,
    /// Milliseconds from sent to delivered, over all.
    took: i64,
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

    /// Approvals of a hundred sends; nothing where nothing was sent.
    pub(super) fn conversion(&self) -> String {
        if self.sent == 0 { "–".to_owned() } else { format!("{} %", self.approved * 100 / self.sent) }
    }

    /// What it cost, in whole units of the currency and hundredths.
    pub(super) fn cost(&self) -> String {
        format!("{}.{:02}", self.spent / 1_000_000, self.spent / 10_000 % 100)
    }

    /// How long a message took on the mean.
    pub(super) fn latency(&self) -> String {
        if self.delivered == 0 { "–".to_owned() } else { format!("{} ms", self.took / self.delivered) }
    }
}

/// Sums by a name that is taken from each.
pub(super) fn by(counted: &[Counted], name: impl Fn(&Counted) -> &str) -> Vec<Sum> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for one in counted {
        sums.entry(name(one)).or_default().add(one);
    }
    let mut sums: Vec<Sum> =
        sums.into_iter().map(|(name, sum)| Sum { name: name.to_owned(), ..sum }).collect();
    sums.sort_by_key(|sum| (-sum.sent, -sum.started, sum.name.clone()));
    sums
}

/// Sums of the time up to now.
pub(super) async fn sums(
    services: &Services,
    kept: Duration,
    now: Timestamp,
) -> Result<Vec<Counted>, Problem> {
    let filter = CountFilter { span: Span::Minute, from: now - kept, until: now + HOUR };
    Ok(services.oversight.sums(filter).await?)
}
