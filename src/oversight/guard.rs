//! How much the guard still lets through to a country or a block of numbers.

use super::Oversight;
use crate::model::guard::{Lane, Level, Subject};
use crate::model::policy::PolicySubject;
use crate::verification::Failure;
use jiff::Timestamp;

/// How full the guard's bucket of a destination is, and whether it is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardState {
    /// Of a country, or of numbers less four or less six digits.
    pub level: Level,
    /// Of a hundred, what is left to everybody.
    pub left_percent: u32,
    /// Of a hundred, what is left to whoever solves a challenge.
    pub second_percent: u32,
    /// Until when nobody is let through without a captcha.
    pub paused_until: Option<Timestamp>,
    /// Of numbers less six digits: messages today and yesterday (UTC), and how many of their codes were approved.
    pub conversion: Option<(i64, i64)>,
}

impl Oversight {
    /// The guard of a country; of a prefix both that it may stand for, less four digits and less six.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guard_states(
        &self,
        destination: &PolicySubject,
        now: Timestamp,
    ) -> Result<Vec<GuardState>, Failure> {
        let levels: &[Level] = match destination.kind() {
            "country" => &[Level::Country],
            _ => &[Level::NumberBlock, Level::NumberRange],
        };
        let mut states = Vec::with_capacity(levels.len());
        for &level in levels {
            states.extend(self.guard_state(level, destination.as_str(), now).await?);
        }
        Ok(states)
    }

    async fn guard_state(
        &self,
        level: Level,
        destination: &str,
        now: Timestamp,
    ) -> Result<Option<GuardState>, Failure> {
        let key = self.keys.subjects();
        let tolls = [Lane::First, Lane::Second].map(|lane| self.guard.toll_of(key, level, lane, destination));
        let [Some(first), Some(second)] = tolls else { return Ok(None) };
        let buckets = self.store.buckets(&[first, second], now).await?;
        let [first_left, second_left] = [0, 1].map(|place| buckets.get(place).map_or(100, left));
        let [paused, paused_too] =
            [first, second].map(|toll| self.store.destination_pause(toll.subject, now));
        let paused_until = paused.await?.max(paused_too.await?);
        let conversion = match level {
            Level::NumberRange => {
                Some(self.store.conversion(Subject::of_conversion(key, destination), now).await?)
            }
            _ => None,
        };
        Ok(Some(GuardState {
            level,
            left_percent: first_left,
            second_percent: second_left,
            paused_until,
            conversion,
        }))
    }
}

fn left(bucket: &crate::store::BucketState) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    let percent = ((1.0 - bucket.deficit) * 100.0).round() as u32;
    percent
}
