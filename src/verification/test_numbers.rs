//! Test numbers: configured ranges that are never sent anything, with a fixed code and a quota of their own.

use crate::config::TestNumbers;
use crate::model::code::Code;
use crate::model::guard::{BucketSize, Lane, Level, Subject, Toll};
use crate::model::keys::SecretKey;

/// A range of test numbers.
#[derive(Debug, Clone)]
pub struct TestRange {
    /// How its numbers begin, in E.164.
    pub prefix: String,
    /// Their code.
    pub code: Code,
    /// Verifications that the range may start in an hour.
    pub per_hour: u32,
}

impl TestRange {
    /// What a verification takes of the quota.
    #[must_use]
    pub fn toll(&self, key: &SecretKey) -> Toll {
        let level = Level::TestNumbers;
        let subject = Subject::derive(key, level.as_str(), &self.prefix);
        BucketSize { capacity: self.per_hour, per_hour: self.per_hour }.toll(level, Lane::First, subject)
    }
}

/// The configured ranges.
#[must_use]
pub(super) fn test_ranges(configured: &[TestNumbers]) -> Vec<TestRange> {
    let range = |numbers: &TestNumbers| {
        let code = Code::fixed(numbers.code.expose())?;
        Some(TestRange { prefix: numbers.prefix.clone(), code, per_hour: numbers.per_hour })
    };
    configured.iter().filter_map(range).collect()
}
