//! The ledger of a number: the chance that its wrong checks have had of being right, added up.
//!
//! NIST SP 800-63B-4 (3.2.2) asks for at most 100 consecutive failures and then disables the authenticator,
//! which would let any stranger shut a number out. Here a number is never locked: as the sum grows, codes
//! become longer and checks fewer, so that a check costs an attacker as much and gains him a hundredth.
//! A number is guessed with a chance of at most 1e-4 between two successes of its holder, plus what single
//! checks of eight digits add (5e-5 in a year at the sends that a number has).

use std::time::Duration;

/// Chances are counted in hundred-millionths, the chance of one guess at eight digits.
const CHANCE_OF_EIGHT: i64 = 1;
/// From here on a code has eight digits: 5e-5.
const LONGER_CODES: i64 = 5_000;
/// From here on a code has one check: 1e-4.
const SINGLE_CHECKS: i64 = 10_000;
/// Digits of a code that is harder to guess.
const LONG: u8 = 8;
/// The day on which successes and failures are counted.
pub const DAY: Duration = Duration::from_hours(24);

/// How hard the code of a new verification is to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardness {
    /// Digits of the code.
    pub digits: u8,
    /// Checks of the code.
    pub checks: i64,
}

impl Hardness {
    /// How hard a code must be where the number's wrong checks sum up to `spent` hundred-millionths.
    ///
    /// `guessing` is whether wrong checks over all numbers are above the day's budget.
    #[must_use]
    pub fn after(self, spent: i64, guessing: bool) -> Self {
        let digits = if guessing || spent >= LONGER_CODES { self.digits.max(LONG) } else { self.digits };
        let checks = if spent >= SINGLE_CHECKS { 1 } else { self.checks };
        Self { digits, checks }
    }
}

/// The chance of one guess at a code of `digits` digits, in hundred-millionths.
#[must_use]
pub fn chance(digits: u8) -> i64 {
    10_i64.pow(u32::from(LONG.saturating_sub(digits))).max(CHANCE_OF_EIGHT)
}

/// What is counted over all numbers in a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guesses {
    /// Wrong checks of verifications that were never approved.
    pub wrong: i64,
    /// Approvals.
    pub approvals: i64,
}

impl Guesses {
    /// The wrong checks that a day may have before every code is made harder: `floor`, or a tenth of its
    /// approvals.
    #[must_use]
    pub fn budget(self, floor: i64) -> i64 {
        floor.max(self.approvals / 10)
    }

    /// Whether the day's budget is spent.
    #[must_use]
    pub fn is_over(self, floor: i64) -> bool {
        self.wrong > self.budget(floor)
    }

    /// Whether a fifth of it is spent, which somebody should look at.
    #[must_use]
    pub fn is_alarming(self, floor: i64) -> bool {
        self.wrong > self.budget(floor) / 5
    }
}
