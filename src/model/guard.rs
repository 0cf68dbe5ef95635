//! The guard against message pumping: token buckets that approved codes refill.
//!
//! Every send takes a unit from one bucket on each of five levels; an approved code gives back
//! `1 / conversion` units, so that a bucket lasts exactly as long as its messages convert. What an attacker
//! who never enters a code can have sent is bounded beforehand: capacity + trickle x time, on every level.

use super::keys::SecretKey;
use super::number::PhoneNumber;
use super::source::Source;
use super::words::words;
use std::fmt;
use std::time::Duration;

const HOUR_MS: i64 = 3_600_000;

words! {
    /// What a bucket of the guard belongs to, from the narrowest to the widest.
    Level {
        /// One client address: an IPv4 address or an IPv6 /64.
        Address = "guard_address",
        /// Its range: an IPv4 /24 or an IPv6 /56.
        AddressRange = "guard_address_range",
        /// The number less its last four digits.
        NumberBlock = "guard_number_block",
        /// The number less its last six digits.
        NumberRange = "guard_number_range",
        /// The number's country.
        Country = "guard_country",
        /// A range of test numbers; no level of the guard, but a bucket as well.
        TestNumbers = "test_numbers",
    }
}

impl Level {
    /// Every level of the guard, in the order in which buckets are charged: one order for all, so that none waits for another.
    pub const GUARDED: [Self; 5] =
        [Self::Address, Self::AddressRange, Self::NumberBlock, Self::NumberRange, Self::Country];
}

words! {
    /// Which of the guard's two sets of buckets a send takes from.
    Lane {
        /// Anybody's.
        First = "first",
        /// Theirs who have solved a challenge; half as large.
        Second = "second",
    }
}

/// Whom a limit is about, as a keyed hash: addresses and prefixes are not stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject([u8; 16]);

impl Subject {
    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The subject stored as these bytes; `None` unless there are 16.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The subject of a purpose and a text, under the key for subjects.
    #[must_use]
    pub fn derive(key: &SecretKey, purpose: &str, text: &str) -> Self {
        let mac = key.mac(&[purpose.as_bytes(), b"\0", text.as_bytes()]);
        let mut subject = [0; 16];
        subject.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        Self(subject)
    }

    /// The subject by which the conversion of numbers that begin so, all but six digits, is counted.
    #[must_use]
    pub fn of_conversion(key: &SecretKey, range: &str) -> Self {
        Self::derive(key, "conversion", range)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(..)")
    }
}

/// The size of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSize {
    /// Units that a full one holds.
    pub capacity: u32,
    /// Units that come back in an hour by themselves.
    pub per_hour: u32,
}

/// A unit to be taken from one bucket. All times are milliseconds of trickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toll {
    /// What the bucket belongs to.
    pub level: Level,
    /// Whose it is.
    pub subject: Subject,
    /// How long the trickle takes to bring one unit.
    pub unit_ms: i64,
    /// How long it takes to fill an empty bucket.
    pub cap_ms: i64,
}

/// Units to be taken, one from each level that applies, in the order of [`Level::GUARDED`].
pub type Tolls = Vec<Toll>;

/// The sizes of all buckets and what an approval gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardPolicy {
    /// The size on each level, in the order of [`Level::GUARDED`].
    pub sizes: [BucketSize; 5],
    /// The conversion in percent at which a bucket lasts for ever: an approval gives back 100 / this.
    pub conversion_percent: u32,
}

impl GuardPolicy {
    /// What a send to `number` from `source` takes in a lane. An exempt or unknown address has no bucket, and
    /// neither has a number that is never to be blocked.
    #[must_use]
    pub fn tolls(&self, key: &SecretKey, lane: Lane, number: Option<&PhoneNumber>, source: &Source) -> Tolls {
        let sizes = Level::GUARDED.into_iter().zip(self.sizes);
        sizes
            .filter_map(|(level, size)| {
                let text = whose(level, number, source)?;
                let subject = Subject::derive(key, level.as_str(), &format!("{}/{text}", lane.as_str()));
                Some(size.toll(level, lane, subject))
            })
            .collect()
    }
}

impl GuardPolicy {
    /// A unit of the bucket that everybody's sends to a country or block take from.
    #[must_use]
    pub fn toll_of(&self, key: &SecretKey, level: Level, lane: Lane, destination: &str) -> Option<Toll> {
        let (_, size) = Level::GUARDED.into_iter().zip(self.sizes).find(|(one, _)| *one == level)?;
        let subject = Subject::derive(key, level.as_str(), &format!("{}/{destination}", lane.as_str()));
        Some(size.toll(level, lane, subject))
    }
}

impl BucketSize {
    /// A unit of a bucket of this size; the second lane is half as large and half as fast.
    #[must_use]
    pub fn toll(self, level: Level, lane: Lane, subject: Subject) -> Toll {
        let half = if lane == Lane::Second { 2 } else { 1 };
        let unit_ms = HOUR_MS.saturating_mul(half) / i64::from(self.per_hour.max(1));
        let capacity = (i64::from(self.capacity) / half).max(1);
        Toll { level, subject, unit_ms, cap_ms: unit_ms.saturating_mul(capacity) }
    }
}

/// Names the bucket of a level in the clear; `None` where the level does not apply.
fn whose(level: Level, number: Option<&PhoneNumber>, source: &Source) -> Option<String> {
    match level {
        Level::Address => source.network().map(|network| network.to_string()),
        Level::AddressRange => source.range().map(|range| range.to_string()),
        Level::NumberBlock => number.map(|number| number.less_digits(4).to_owned()),
        Level::NumberRange => number.map(|number| number.less_digits(6).to_owned()),
        Level::Country => number.map(PhoneNumber::country),
        Level::TestNumbers => None,
    }
}

/// How long a destination stays paused when it is found empty again after a pause of `last`.
#[must_use]
pub fn next_pause(last: Option<Duration>) -> Duration {
    last.map_or(SHORTEST_PAUSE, |last| (last * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
}

/// The first pause of a destination.
pub const SHORTEST_PAUSE: Duration = Duration::from_mins(5);
/// Pauses double up to this.
pub const LONGEST_PAUSE: Duration = Duration::from_hours(12);
