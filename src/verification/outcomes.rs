//! Why a verification did not go on: every outcome on one screen.

use super::policy::DestinationRefused;
use crate::model::code::CodeUnderivable;
use crate::model::counter::Due;
use crate::model::guard::Level;
use crate::model::number::NumberError;
use crate::model::sealed::SealBroken;
use crate::store::{Refusal, StoreError};
use thiserror::Error;

/// Something below a use case failed; the cause is for the log alone.
#[derive(Debug, Error)]
pub enum Failure {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed value.
    #[error(transparent)]
    Seal(#[from] SealBroken),
    /// The code generator.
    #[error(transparent)]
    Code(#[from] CodeUnderivable),
    /// The service that judges a captcha.
    #[error("a captcha could not be judged")]
    Captcha,
    /// A stored number that is none any more.
    #[error("a stored number is no number: {0}")]
    Number(#[from] NumberError),
    /// An epoch of which this node can make no sense: a newer version wrote it.
    #[error("the newest epoch of the directory is of a newer version of this program")]
    EpochsUnknown,
    /// A key that rows are stored under.
    #[error(
        "the rows of an epoch are stored under a version of directory_key that is not in the key file: copy the file of \
        a node that has it, and send SIGHUP"
    )]
    DirectoryKeyMissing,
    /// Work beside requests that did not come to its end.
    #[error("work beside requests was cut off")]
    CutOff,
}

/// The limit for which a challenge is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// Why.
    pub due: Due,
    /// The level of the guard, if it is the guard.
    pub level: Option<Level>,
}

impl Limited {
    /// The limit of a reason and a level.
    #[must_use]
    pub const fn new(due: Due, level: Option<Level>) -> Self {
        Self { due, level }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.level {
            Some(level) => level.as_str(),
            None => self.due.as_str(),
        }
    }
}

/// Why no code was sent. Nothing was created or counted.
#[derive(Debug, Error)]
pub enum SendRefused {
    /// What was typed is no number.
    #[error(transparent)]
    NumberInvalid(NumberError),
    /// Numbers of that kind get no code, or not this way.
    #[error("codes are not sent to this kind of number")]
    NumberType {
        /// Whether a call could reach it.
        voice: bool,
    },
    /// No codes go to that country.
    #[error("codes are not sent to this country")]
    Destination(DestinationRefused),
    /// A call carries a code only after a text message, where a text message can.
    #[error("a call comes after a text message")]
    SmsFirst,
    /// No gateway carries that channel.
    #[error("no gateway carries this channel")]
    ChannelUnavailable,
    /// The app hash or web origin is not a configured one.
    #[error("this app hash or web origin is not a configured one")]
    Origin,
    /// A limit is reached.
    #[error("a limit on sending refuses: {0:?}")]
    Limit(Refusal),
    /// A challenge must be solved first.
    #[error("a challenge is due: {0:?}")]
    ChallengeDue(Limited),
    /// The solution is not one of this challenge.
    #[error("this does not solve the challenge")]
    ChallengeIncorrect,
    /// No send waits for a challenge, or it is solved already.
    #[error("no challenge is open")]
    ChallengeClosed,
    /// The verification has ended.
    #[error("the verification is over")]
    Over,
    /// The code has too little life left to be sent.
    #[error("the code has too little life left: start again")]
    StartAgain,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a check did not approve.
#[derive(Debug, Error)]
pub enum CheckRefused {
    /// Not digits of the right number. It cost nothing.
    #[error("a code is {digits} digits")]
    Malformed {
        /// Digits of this verification's code.
        digits: u8,
    },
    /// No code was sent yet: a challenge is open. It cost nothing.
    #[error("no code was sent yet")]
    Unsent,
    /// Every message with it failed: there is nothing to be entered. It cost nothing.
    #[error("no message with the code was taken")]
    Undelivered,
    /// Wrong. It cost a check.
    #[error("the code is wrong")]
    Wrong,
    /// No check is left.
    #[error("no check is left")]
    Exhausted,
    /// Expired, or approved and done with.
    #[error("the verification is over")]
    Over,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for SendRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl From<StoreError> for CheckRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}
