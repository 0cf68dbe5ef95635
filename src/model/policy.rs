//! What an admin decides of a country or a prefix, in place of the configuration.

use super::number::{PhoneNumber, Region};
use super::words::words;
use jiff::Timestamp;

/// Digits of a number that a prefix never holds: it goes no deeper than the guard's blocks.
pub const BLOCK_DIGITS: usize = 4;
/// The longest prefix: the longest number (15 digits) less those.
const LONGEST: usize = 15 - BLOCK_DIGITS;

words! {
    /// What becomes of sends there.
    Verdict {
        /// They are refused.
        Block = "block",
        /// They go, whatever the configuration says of the country.
        Allow = "allow",
        /// They go, and each is logged.
        Monitor = "monitor",
    }
}

/// A country by its ISO 3166 code, or a prefix with its plus sign.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicySubject(String);

impl PolicySubject {
    /// Reads a country's code or a prefix; blanks in a prefix are left out. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if let Some(digits) = text.strip_prefix('+') {
            let fits = (1..=LONGEST).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            return fits.then_some(Self(text));
        }
        Region::parse(&text).ok().map(|region| Self(region.as_str().to_owned()))
    }

    /// The code, or the prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `country` or `prefix`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.0.starts_with('+') { "prefix" } else { "country" }
    }

    /// Whether a number lies in it. A prefix tells nothing of a number's last four digits.
    #[must_use]
    pub fn covers(&self, number: &PhoneNumber) -> bool {
        let block = number.less_digits(BLOCK_DIGITS);
        block.starts_with(&self.0) || self.0 == number.country()
    }
}

/// What an admin has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Of what.
    pub subject: PolicySubject,
    /// What becomes of sends there.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Who has decided.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
    /// Until when; not given: until it is taken back.
    pub expires_at: Option<Timestamp>,
}

/// What is decided of a number: by the longest prefix, else of its country.
#[must_use]
pub fn decided<'a>(policies: &'a [Policy], number: &PhoneNumber) -> Option<&'a Policy> {
    let covering = policies.iter().filter(|policy| policy.subject.covers(number));
    covering.max_by_key(|policy| (policy.subject.kind() == "prefix", policy.subject.as_str().len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn policy(subject: &str, verdict: Verdict) -> Policy {
        let subject = PolicySubject::parse(subject).unwrap();
        let (reason, set_by) = (String::new(), String::new());
        Policy { subject, verdict, reason, set_by, set_at: Timestamp::UNIX_EPOCH, expires_at: None }
    }

    #[test]
    fn the_longest_prefix_decides() {
        let policies = [
            policy("FI", Verdict::Block),
            policy("+358 40", Verdict::Allow),
            policy("+35840123", Verdict::Monitor),
        ];
        let of = |number| {
            decided(&policies, &PhoneNumber::parse(number, None).unwrap()).map(|policy| policy.verdict)
        };
        assert_eq!(of("+358401234567"), Some(Verdict::Monitor));
        assert_eq!(of("+358407654321"), Some(Verdict::Allow));
        assert_eq!(of("+358501234567"), Some(Verdict::Block));
        assert_eq!(of("+447400123456"), None);
    }

    #[test]
    fn a_prefix_goes_no_deeper_than_a_block_of_ten_thousand() {
        let number = PhoneNumber::parse("+358401234567", None).unwrap();
        assert!(PolicySubject::parse("+35840123").unwrap().covers(&number));
        assert!(!PolicySubject::parse("+358401234").unwrap().covers(&number));
        for none in ["+", "+123456789012", "+12a", "Finland", ""] {
            assert_eq!(PolicySubject::parse(none), None, "{none}");
        }
    }
}
