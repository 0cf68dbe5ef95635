//! Numbers for tests.

use super::Hidden;
use crate::model::code::Code;
use serde::{Deserialize, Serialize};

/// Digits of the shortest prefix: a shorter one would let anybody prove the numbers of whole countries.
const SHORTEST: usize = 5;
/// Digits of the longest number (E.164).
const LONGEST: usize = 15;

/// A range of numbers for tests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestNumbers {
    /// How they begin, in E.164.
    pub prefix: String,
    /// Their code.
    pub code: Hidden,
    /// Verifications that the range may start in an hour.
    pub per_hour: u32,
}

impl TestNumbers {
    /// Every rule that these settings break; `index` is their place in the list.
    pub(super) fn problems(&self, index: usize) -> Vec<String> {
        let key = format!("verification.test_numbers[{index}]");
        let digits = self.prefix.strip_prefix('+').unwrap_or_default();
        let fits = (SHORTEST..=LONGEST).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let rules = [
            (fits, format!("{key}.prefix must be + and {SHORTEST} to {LONGEST} digits")),
            (Code::fixed(self.code.expose()).is_some(), format!("{key}.code must be 6 to 8 digits")),
            (self.per_hour > 0, format!("{key}.per_hour must be at least 1")),
        ];
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, problem)| problem).collect()
    }
}
