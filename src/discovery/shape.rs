//! Sweeps give themselves away by their shape: whoever walks through a country's numbers asks for more different ones
//! from one range of addresses than an office of people ever does, and finds next to nobody.
//!
//! Both are counted in this node's memory, of handles that are asked for the first time (an unchanged address book is
//! not looked at): how many different ones a range asked for since midnight UTC, as a `HyperLogLog` sketch of at most 3 KiB
//! (error about 2 %), and how many of about the last 500 an account found. What an account asks for in all is counted
//! exactly by its number's budget. Sketches take the handles as they are stored, under a key that nobody outside
//! knows, so that nobody can choose handles which hide in one.

use crate::config::{Shape as Settings, ShapeMode};
use crate::model::id::AccountId;
use crate::model::keys::StoredHandle;
use crate::model::source::Source;
use cardinality_estimator::CardinalityEstimator;
use ipnet::IpNet;
use jiff::Timestamp;
use moka::sync::Cache;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
/// Ranges, and accounts, that are watched at once: 60 MB and 10 MB at most.
const RANGES: u64 = 20_000;
const ACCOUNTS: u64 = 100_000;
/// New handles that an account's share of found ones is judged by, and which it remembers.
const WINDOW: u32 = 500;

/// What gives a sweep away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// One range of addresses asked for too many different handles on this day.
    HandlesPerRange,
    /// An account finds too few of those it asks for.
    HitPercent,
}

impl Sign {
    /// The limit that it is, as answers and metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandlesPerRange => "shape_handles_per_range",
            Self::HitPercent => "shape_hit_percent",
        }
    }
}

/// Watches lookups for the signs of a sweep.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    settings: Settings,
    ranges: Cache<(IpNet, i64), Arc<Mutex<Range>>>,
    accounts: Cache<(AccountId, i64), Arc<Mutex<Finds>>>,
}

#[derive(Default)]
struct Range {
    asked: CardinalityEstimator<u64>,
    told: bool,
}

/// New handles of an account on a day, and those that were found, both less once there are more than [`WINDOW`].
#[derive(Debug, Default)]
struct Finds {
    asked: u32,
    hits: u32,
    told: bool,
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Range(about {})", self.asked.estimate())
    }
}

impl Shape {
    pub(super) fn new(settings: &Settings) -> Self {
        let day = Duration::from_hours(24);
        Self {
            settings: settings.clone(),
            ranges: Cache::builder().max_capacity(RANGES).time_to_live(day).build(),
            accounts: Cache::builder().max_capacity(ACCOUNTS).time_to_live(day).build(),
        }
    }

    /// Whether anything is counted.
    pub(super) fn is_on(&self) -> bool {
        self.settings.mode != ShapeMode::Off
    }

    /// Counts new handles before they are answered; a sign, and until when it is held against the caller, where that
    /// is enforced.
    pub(super) fn admit(
        &self,
        source: &Source,
        account: AccountId,
        new: &[StoredHandle],
        now: Timestamp,
    ) -> Result<(), (Sign, Timestamp)> {
        let day = day_of(now);
        let midnight = Timestamp::from_millisecond((day + 1) * DAY_MS).unwrap_or(Timestamp::MAX);
        if let Some(range) = source.range() {
            let range = self.ranges.get_with((range, day), Arc::default);
            let mut range = range.lock().unwrap_or_else(PoisonError::into_inner);
            for handle in new {
                let [hash, _] = handle.halves();
                range.asked.insert_hash(hash);
            }
            if range.asked.estimate() > self.settings.handles_per_range as usize {
                let told = std::mem::replace(&mut range.told, true);
                self.judge(Sign::HandlesPerRange, account, told, midnight)?;
            }
        }
        let Some(finds) = self.accounts.get(&(account, day)) else { return Ok(()) };
        let mut finds = finds.lock().unwrap_or_else(PoisonError::into_inner);
        if finds.asked >= WINDOW && finds.hits * 100 < finds.asked * self.settings.hit_percent {
            let told = std::mem::replace(&mut finds.told, true);
            self.judge(Sign::HitPercent, account, told, midnight)?;
        }
        Ok(())
    }

    /// Counts what was answered to new handles.
    pub(super) fn answered(&self, account: AccountId, new: usize, found: usize, now: Timestamp) {
        let seen = self.accounts.get_with((account, day_of(now)), Arc::default);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.asked += u32::try_from(new).unwrap_or(u32::MAX);
        seen.hits += u32::try_from(found).unwrap_or(u32::MAX);
        if seen.asked > WINDOW {
            // What is older counts for less: as if the last 500 were a sample of all.
            seen.hits = (seen.hits * WINDOW).div_ceil(seen.asked);
            seen.asked = WINDOW;
        }
    }

    /// Counts a sign, tells of it once, and refuses where it is enforced.
    fn judge(
        &self,
        sign: Sign,
        account: AccountId,
        told: bool,
        until: Timestamp,
    ) -> Result<(), (Sign, Timestamp)> {
        let enforced = self.settings.mode == ShapeMode::Enforce;
        let verdict = if enforced { "refused" } else { "monitored" };
        metrics::counter!("tuttu_lookup_shape_total", "limit" => sign.as_str(), "verdict" => verdict)
            .increment(1);
        if !told {
            tracing::warn!(%account, limit = sign.as_str(), verdict, "lookups have the shape of a sweep");
        }
        if enforced { Err((sign, until)) } else { Ok(()) }
    }
}

fn day_of(now: Timestamp) -> i64 {
    now.as_millisecond().div_euclid(DAY_MS)
}
