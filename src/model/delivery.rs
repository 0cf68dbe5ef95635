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
}
