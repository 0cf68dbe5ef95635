//! What must hold within `limits`.

use super::Limits;
use crate::model::number::{NumberKind, Region};

/// Digits of the shortest and the longest number or beginning of one (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 1..=15;

impl Limits {
    /// Every rule that these settings break.
    pub(super) fn problems(&self) -> Vec<String> {
        let counts = [
            ("sends_per_number", self.sends_per_number),
            ("requests_per_minute", self.requests_per_minute),
            ("wrong_checks_per_day", self.wrong_checks_per_day),
        ];
        let none = counts.into_iter().filter(|(_, count)| *count == 0);
        let mut problems: Vec<String> =
            none.map(|(key, _)| format!("limits.{key} must be at least 1")).collect();
        problems.extend(self.countries_problems());
        problems.extend(self.types_problems());
        problems.extend(self.guard_problems());
        problems.extend(self.never_block.iter().filter(|prefix| !is_prefix(prefix)).map(|_| {
            "limits.never_block: each must be a number, or how numbers begin, in E.164 (such as +358401)"
                .to_owned()
        }));
        problems.extend(self.money.problems());
        problems
    }

    fn countries_problems(&self) -> Vec<String> {
        let countries = &self.countries;
        let named = [&countries.allow, &countries.deny, &countries.monitor].into_iter().flatten();
        named
            .filter(|code| Region::parse(code).is_err())
            .map(|code| format!("limits.countries: `{code}` is no ISO country code (such as FI)"))
            .collect()
    }

    fn types_problems(&self) -> Vec<String> {
        let words: Vec<&str> = NumberKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let named = [&self.number_types.deny, &self.number_types.monitor].into_iter().flatten();
        named
            .filter(|word| NumberKind::parse(word).is_none())
            .map(|word| format!("limits.number_types: `{word}` is none of {}", words.join(", ")))
            .collect()
    }

    fn guard_problems(&self) -> Vec<String> {
        let guard = &self.guard;
        let mut problems = Vec::new();
        if !(1..=100).contains(&guard.conversion_percent) {
            problems.push("limits.guard.conversion_percent must be 1 to 100".to_owned());
        }
        for (key, sizes) in [("capacity", guard.capacity), ("per_hour", guard.per_hour)] {
            if !sizes.iter().all(|size| (1..=1_000_000).contains(size)) {
                problems.push(format!("limits.guard.{key}: each of the five must be 1 to 1 000 000"));
            }
        }
        problems
    }
}

/// A plus and digits: a number or how it begins.
fn is_prefix(text: &str) -> bool {
    let digits = text.strip_prefix('+').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.is_some_and(|digits| DIGITS.contains(&digits.len()) && !digits.starts_with('0'))
}
