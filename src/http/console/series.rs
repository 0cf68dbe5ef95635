//! A day in steps, as the script of the console draws it.

use crate::oversight::Sum;
use jiff::Timestamp;
use serde::Serialize;

/// Minutes of a step.
const STEP: usize = 5;

/// Numbers side by side: each list has one of every step.
#[derive(Debug, Default, Serialize)]
pub(super) struct Series {
    /// When the steps began, seconds since 1970.
    at: Vec<i64>,
    sent: Vec<i64>,
    approved: Vec<i64>,
    refused: Vec<i64>,
}

impl Series {
    /// The steps of these minutes, of which the first may be short.
    pub(super) fn of(minutes: &[(Timestamp, Sum)]) -> Self {
        let mut series = Self::default();
        for step in minutes.rchunks(STEP).rev() {
            series.at.extend(step.first().map(|(at, _)| at.as_second()));
            series.sent.push(step.iter().map(|(_, sum)| sum.sent).sum());
            series.approved.push(step.iter().map(|(_, sum)| sum.approved).sum());
            series.refused.push(step.iter().map(|(_, sum)| sum.refused).sum());
        }
        series
    }

    /// As an attribute of the page holds it.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
