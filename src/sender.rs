//! Who delivers a code: one enum over the gateways there are.

mod inbox;
mod twilio;

pub use inbox::{Inbox, InboxMessage};
pub use twilio::{Twilio, TwilioAccount};

use crate::model::delivery::Channel;
use crate::model::id::DeliveryId;
use crate::model::message::MessageText;
use crate::model::number::PhoneNumber;
use jiff::Timestamp;
use std::time::Duration;
use thiserror::Error;

/// A message ready to leave.
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    /// The delivery it is.
    pub delivery: DeliveryId,
    /// Who gets it.
    pub to: PhoneNumber,
    /// How it travels.
    pub channel: Channel,
    /// What it says.
    pub text: MessageText,
    /// How long it is worth delivering.
    pub valid_for: Duration,
    /// When it was handed over.
    pub at: Timestamp,
}

/// Why a message was not accepted, or may have been.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// The gateway answered and refused it, with its own code for why.
    #[error("refused by the gateway (status {status}, code {code:?})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The gateway's error code.
        code: Option<u32>,
    },
    /// No connection: it was provably never accepted.
    #[error("the gateway could not be reached")]
    Unreachable,
    /// Bytes left and no answer came: it may be on its way.
    #[error("the gateway gave no answer")]
    NoAnswer,
}

/// A gateway by its name.
#[derive(Debug)]
pub struct Gateway {
    /// Its configured name.
    pub name: String,
    /// What it is.
    pub sender: Sender,
}

/// Who delivers a code.
#[derive(Debug)]
pub enum Sender {
    /// In memory, for development.
    Inbox(Inbox),
    /// The Twilio REST API.
    Twilio(Twilio),
}

impl Sender {
    /// Whether messages can travel this way.
    #[must_use]
    pub const fn carries(&self, channel: Channel) -> bool {
        match self {
            Self::Inbox(_) => true,
            Self::Twilio(_) => matches!(channel, Channel::Sms),
        }
    }

    /// Hands a message over: the gateway's own name for it, if it gave one.
    ///
    /// # Errors
    /// [`SendError`] says whether it may have been accepted all the same.
    pub async fn send(&self, message: &OutgoingMessage) -> Result<Option<String>, SendError> {
        match self {
            Self::Inbox(inbox) => {
                inbox.put(message);
                Ok(None)
            }
            Self::Twilio(twilio) => twilio.send(message).await.map(Some),
        }
    }
}
