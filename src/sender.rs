//! Who delivers a code: one enum over the gateways there are.

mod breaker;
mod checkpoints;
mod gateways;
mod inbox;
mod twilio;
mod webhook;

pub use breaker::Breaker;
pub use checkpoints::CheckpointWebhook;
pub use gateways::{Gateway, Gateways};
pub use inbox::{Inbox, InboxMessage};
pub use twilio::{Call, CallAnswer, Twilio};
pub use webhook::Webhook;

use crate::model::code::Code;
use crate::model::delivery::{Channel, DeliveryStatus, FailureReason};
use crate::model::id::DeliveryId;
use crate::model::message::MessageText;
use crate::model::number::PhoneNumber;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
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
    /// The code in it.
    pub code: Code,
    /// How long it is worth delivering.
    pub valid_for: Duration,
    /// When it was handed over.
    pub at: Timestamp,
}

/// Why a message was not accepted, or may have been.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// The gateway answered and refused it: provably not accepted.
    #[error("refused by the gateway: {} (status {status}, code {code:?})", reason.as_str())]
    Refused {
        /// Why.
        reason: FailureReason,
        /// The HTTP status.
        status: u16,
        /// The gateway's own error code.
        code: Option<u32>,
    },
    /// No connection: it was provably never accepted.
    #[error("the gateway could not be reached")]
    Unreachable,
    /// Bytes left and no answer came: it may be on its way.
    #[error("the gateway gave no answer")]
    NoAnswer,
}

/// A request that a gateway makes to this server, to say how far a delivery got.
#[derive(Debug, Clone, Copy)]
pub struct Callback<'a> {
    /// Path and query, as they came.
    pub path_and_query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
    /// When it came.
    pub at: Timestamp,
}

/// How far a gateway says that a delivery got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The status.
    pub status: DeliveryStatus,
    /// Why it got no further.
    pub reason: Option<FailureReason>,
    /// The gateway's own name for the message.
    pub message: Option<String>,
}

/// A callback that the gateway did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the signature does not fit")]
pub struct SignatureInvalid;

/// Who delivers a code.
#[derive(Debug)]
pub enum Sender {
    /// In memory, for development.
    Inbox(Inbox),
    /// The Twilio REST API.
    Twilio(Twilio),
    /// Any HTTP gateway, signed.
    Webhook(Box<Webhook>),
}

impl Sender {
    /// Whether messages can travel this way.
    #[must_use]
    pub fn carries(&self, channel: Channel) -> bool {
        match self {
            Self::Inbox(_) => true,
            Self::Twilio(twilio) => twilio.carries(channel),
            Self::Webhook(webhook) => webhook.carries(channel),
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
            Self::Webhook(webhook) => webhook.send(message).await,
        }
    }

    /// Judges a callback, its signature before anything else: what it reports, if that is news.
    ///
    /// # Errors
    /// [`SignatureInvalid`], also for a gateway that makes no callbacks.
    pub fn report(&self, callback: &Callback<'_>) -> Result<Option<Report>, SignatureInvalid> {
        match self {
            Self::Inbox(_) => Err(SignatureInvalid),
            Self::Twilio(twilio) => twilio.report(callback),
            Self::Webhook(webhook) => webhook.report(callback),
        }
    }

    /// Judges the callback of a call that wants to be told what to say, its signature before anything else.
    ///
    /// # Errors
    /// [`SignatureInvalid`], also for a gateway whose calls do not ask.
    pub fn called(&self, callback: &Callback<'_>) -> Result<Call, SignatureInvalid> {
        match self {
            Self::Inbox(_) | Self::Webhook(_) => Err(SignatureInvalid),
            Self::Twilio(twilio) => twilio.called(callback),
        }
    }
}
