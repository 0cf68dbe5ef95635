//! Limits against abuse, and what must hold within them.

use super::Money;
use crate::model::number::{NumberKind, Region};
use crate::model::words::words;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Digits of the shortest and the longest number or beginning of one (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 1..=15;

/// Limits against abuse.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Client addresses that no limit keyed by address touches.
    pub exempt: Vec<IpNet>,
    /// Requests of one address in a minute.
    pub requests_per_minute: u32,
    /// Codes sent to one number in 24 hours.
    pub sends_per_number: u32,
    /// Whole numbers that an admin may be shown in an hour.
    pub reveals_per_hour: u32,
    /// Whole numbers that an admin or a machine may search for in an hour.
    pub searches_per_hour: u32,
    /// Wrong checks that a day may have over all numbers, of verifications that were never approved, before
    /// every code is made harder; a tenth of the day's approvals if that is more.
    pub wrong_checks_per_day: u32,
    /// Numbers, or how they begin, in E.164, that the guard never stops.
    pub never_block: Vec<String>,
    /// Where codes may be sent.
    pub countries: Countries,
    /// To which kinds of numbers.
    pub number_types: NumberTypes,
    /// The guard against message pumping.
    pub guard: Guard,
    /// What may be spent.
    pub money: Money,
}

/// To which kinds of numbers codes may be sent, beyond what is never allowed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NumberTypes {
    /// Never these.
    pub deny: Vec<String>,
    /// Allowed, and every send logged and counted.
    pub monitor: Vec<String>,
}

words! {
    /// What an empty guard does.
    #[derive(Default)]
    GuardMode {
        /// Asks for a challenge, then pauses the destination.
        #[default]
        Enforce = "enforce",
        /// Counts and logs what it would have stopped.
        Monitor = "monitor",
        /// Does not look.
        Off = "off",
    }
}

/// The guard against message pumping: address, address range, number less 4 digits, less 6, country.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Guard {
    /// What it does.
    pub mode: GuardMode,
    /// The conversion in percent that its buckets bear for ever.
    pub conversion_percent: u32,
    /// Sends that a full bucket of each level holds.
    pub capacity: [u32; 5],
    /// Sends that come back in an hour.
    pub per_hour: [u32; 5],
}

/// Where codes may be sent, by ISO 3166 code.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Countries {
    /// These only; with the inbox alone, none named means all.
    pub allow: Vec<String>,
    /// Never these.
    pub deny: Vec<String>,
    /// Allowed, and every send logged and counted.
    pub monitor: Vec<String>,
}

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
