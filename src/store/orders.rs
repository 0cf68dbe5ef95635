//! A send that somebody asks for, and what may come of it.

use super::spending::Caps;
use crate::model::counter::{Counter, Due};
use crate::model::delivery::Delivery;
use crate::model::guard::{Lane, Level, Subject, Tolls};
use crate::model::keys::NumberIndex;
use crate::model::ledger::Hardness;
use crate::model::number::PhoneNumber;
use crate::model::verification::Proof;
use jiff::Timestamp;

/// A send that somebody asks for, with all that limits look at.
#[derive(Debug, Clone)]
pub struct SendOrder {
    /// The message.
    pub delivery: Delivery,
    /// Whom it goes to.
    pub number: NumberIndex,
    /// The number itself, for the audit log to seal.
    pub phone: PhoneNumber,
    /// Among whose sends it counts.
    pub counter: Counter,
    /// The challenge that was solved for it, by its nonce.
    pub proof: Option<(Proof, [u8; 16])>,
    /// The address range that has a share in the number's sends.
    pub range: Option<Subject>,
    /// What the guard takes in its first lane; empty where it does not look.
    pub first: Tolls,
    /// What it takes in its second.
    pub second: Tolls,
    /// Whether an empty guard stops it, or is only told of.
    pub enforce: bool,
    /// The prefix whose conversion is counted.
    pub prefix: Option<Subject>,
    /// Where it goes.
    pub country: String,
    /// What it costs, in millionths.
    pub price: i64,
    /// What may be spent.
    pub caps: Caps,
    /// How hard a fresh code is to guess, if nothing was guessed before.
    pub hardness: Hardness,
    /// Wrong checks that a day may have over all numbers.
    pub guesses: i64,
}

/// What came of asking for a code.
#[derive(Debug, Clone)]
pub enum SendOutcome {
    /// A delivery is written.
    Sending(Sending),
    /// A challenge must be solved first; nothing was changed.
    ChallengeDue(Due, Option<Level>),
    /// Nothing is sent and nothing was changed.
    Refused(Refusal),
    /// The verification has ended, or its code has too little life left.
    Over,
}

/// A send that every limit has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    /// When the next one is promised.
    pub resend_at: Timestamp,
    /// How hard the code is to guess; of a start only.
    pub hardness: Hardness,
    /// The guard's lane that it took from.
    pub lane: Option<Lane>,
    /// The level that would have stopped it, had the guard been enforced.
    pub monitored: Option<Level>,
}

/// Why nothing was sent. Nothing was counted either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The wait after the send before is not over.
    TooEarly {
        /// When it is.
        not_before: Timestamp,
    },
    /// The number's sends of this window are used up.
    Exhausted {
        /// When the next may be sent.
        until: Timestamp,
    },
    /// The guard is empty, also for who has solved a challenge.
    Destination {
        /// The level whose bucket is empty.
        level: Level,
        /// When it pays to come back.
        until: Timestamp,
    },
    /// The day's money is spent.
    Money {
        /// Whether all of it, not only the country's.
        total: bool,
        /// When the next day begins.
        until: Timestamp,
    },
    /// An operator has stopped all sending.
    KillSwitch,
    /// That challenge was not asked for, or is solved already.
    ChallengeClosed,
}

impl Refusal {
    /// When it pays to come back, where that is known.
    #[must_use]
    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::TooEarly { not_before: until }
            | Self::Exhausted { until }
            | Self::Destination { until, .. }
            | Self::Money { until, .. } => Some(until),
            Self::KillSwitch | Self::ChallengeClosed => None,
        }
    }
}
