//! Deliveries: one message handed to a gateway, and how far it got.

use super::id::{DeliveryId, VerificationId};
use super::words::words;
use jiff::Timestamp;
use std::time::Duration;

/// How long after the start of a verification a call may carry its code.
pub const VOICE_DELAY: Duration = Duration::from_mins(1);

words! {
    /// How a code travels.
    Channel {
        /// A text message.
        Sms = "sms",
        /// A call that reads the code aloud.
        Voice = "voice",
    }
}

words! {
    /// How far a delivery got. It never goes backwards.
    DeliveryStatus {
        /// Written with the request, not yet taken by a dispatcher.
        Queued = "queued",
        /// A dispatcher holds it under a lease.
        Claimed = "claimed",
        /// The gateway accepted it.
        Sent = "sent",
        /// The gateway refused it, or it was provably never accepted.
        Failed = "failed",
        /// Bytes left and no answer came: never blindly sent again.
        Unknown = "unknown",
        /// The handset has it.
        Delivered = "delivered",
        /// The network gave up.
        Undelivered = "undelivered",
    }
}

impl DeliveryStatus {
    /// How far along it is: a delivery only ever takes a status of a higher rank, and the first of the last rank
    /// stays.
    #[must_use]
    pub const fn rank(self) -> i64 {
        match self {
            Self::Queued => 0,
            Self::Claimed => 1,
            Self::Unknown => 2,
            Self::Sent => 3,
            Self::Failed | Self::Delivered | Self::Undelivered => 4,
        }
    }
}

words! {
    /// Why a message did not arrive, for the operator.
    FailureReason {
        /// There is no such number.
        InvalidNumber = "invalid_number",
        /// The line takes no text messages.
        Landline = "landline",
        /// The telephone is off, or its network does not answer.
        Unreachable = "unreachable",
        /// Its holder has asked this sender for no more.
        OptedOut = "opted_out",
        /// The gateway takes it for message pumping.
        Fraud = "fraud",
        /// A network filtered it.
        Blocked = "blocked",
        /// The account may not send to this country.
        RegionNotEnabled = "region_not_enabled",
        /// The gateway is asked too often.
        Throttled = "throttled",
        /// The gateway is out of order.
        Outage = "outage",
        /// The gateway's account, secret or sender is wrong.
        Misconfigured = "misconfigured",
        /// The code was over before the message could leave.
        Expired = "expired",
        /// The gateway gave a reason that is not known here.
        Other = "other",
    }
}

words! {
    /// Why a message did not arrive, for whoever asked for it: coarse, because more would be a free look-up.
    ShownReason {
        /// It will not be sent to this number this way.
        Rejected = "rejected",
        /// It may work later, or another way.
        Unreachable = "unreachable",
    }
}

impl FailureReason {
    /// What whoever asked for it may know.
    #[must_use]
    pub const fn shown(self) -> ShownReason {
        match self {
            Self::InvalidNumber | Self::Landline | Self::OptedOut | Self::Fraud | Self::Blocked => {
                ShownReason::Rejected
            }
            _ => ShownReason::Unreachable,
        }
    }

    /// Whether it lies with the number, so that no other gateway is tried.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self.shown(), ShownReason::Rejected) || matches!(self, Self::Unreachable | Self::Expired)
    }

    /// Whether it says that the gateway itself is not well.
    #[must_use]
    pub const fn is_gateways(self) -> bool {
        matches!(self, Self::Throttled | Self::Outage | Self::Misconfigured)
    }
}

/// One message of a verification.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its name, also in callback URLs.
    pub id: DeliveryId,
    /// The verification whose code it carries.
    pub verification: VerificationId,
    /// How it travels.
    pub channel: Channel,
    /// How far it got.
    pub status: DeliveryStatus,
    /// When it got there.
    pub at: Timestamp,
    /// Why it got no further.
    pub reason: Option<FailureReason>,
    /// The gateway that took it, or refused it.
    pub gateway: Option<String>,
    /// When it is tried again, where no gateway has accepted it.
    pub retry_at: Option<Timestamp>,
}
