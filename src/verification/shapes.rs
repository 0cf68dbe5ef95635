//! What starters ask for and see.

use super::{Limited, OpenChallenge};
use crate::model::delivery::{Channel, Delivery};
use crate::model::keys::NumberIndex;
use crate::model::number::{PhoneNumber, Region};
use crate::model::secret::PlainSecret;
use crate::model::source::Source;
use crate::model::verification::{MessageTemplate, Verification};
use jiff::Timestamp;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The number as it was typed.
    pub number: String,
    /// The region in which it was typed.
    pub region: Option<Region>,
    /// How the code shall travel.
    pub channel: Channel,
    /// What its message is made with; its locale is the one that is asked for.
    pub template: MessageTemplate,
    /// The languages that whoever asks prefers (RFC 9110, `Accept-Language`).
    pub accept_language: Option<String>,
    /// Where it is asked for.
    pub source: Source,
    /// The number of the account whose device asks, if one does.
    pub account: Option<NumberIndex>,
}

/// A verification that was started.
#[derive(Debug)]
pub struct Started {
    /// As it stands.
    pub state: VerificationState,
    /// What every later call must show.
    pub secret: PlainSecret,
    /// The limit for which a challenge must be solved before its code is sent, if there is one.
    pub due: Option<Limited>,
}

/// Whoever started a verification and has shown its secret. Only [`super::Verifications::authorize`] makes one.
#[derive(Debug, Clone)]
pub struct Starter {
    pub(super) verification: Verification,
}

/// A verification with all that its starter may see of it.
#[derive(Debug, Clone)]
pub struct VerificationState {
    /// The verification.
    pub verification: Verification,
    /// Its number.
    pub number: PhoneNumber,
    /// What was sent, the oldest first.
    pub deliveries: Vec<Delivery>,
    /// The ways its code can still travel again, each with the earliest time.
    pub channels: Vec<(Channel, Timestamp)>,
    /// What may be solved for the send that waits, if one does.
    pub challenges: Vec<OpenChallenge>,
}

impl Starter {
    /// The verification as it was when its secret was shown.
    #[must_use]
    pub const fn verification(&self) -> &Verification {
        &self.verification
    }
}
