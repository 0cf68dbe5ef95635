//! What the answers of version 1 hold, as far as a client needs it.
//!
//! Fields that a later version adds are passed over, and so are values it adds to a list of names.

use clap::ValueEnum;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// How a code travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// As a text message.
    #[default]
    Sms,
    /// Read out in a call.
    Voice,
    /// A way that this client does not know.
    #[serde(other)]
    #[value(skip)]
    Unknown,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sms => "text message",
            Self::Voice => "call",
            Self::Unknown => "message",
        })
    }
}

/// What a device runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// A phone or tablet with Android.
    Android,
    /// A phone or tablet of Apple's.
    Ios,
    /// A browser.
    Web,
    /// A computer.
    #[default]
    Desktop,
    /// Anything else.
    #[serde(other)]
    Other,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Web => "web",
            Self::Desktop => "desktop",
            Self::Other => "other",
        })
    }
}

/// Where a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The right code is still awaited.
    Pending,
    /// The number is proven.
    Approved,
    /// Its time is over.
    Expired,
    /// Its checks are used up.
    Exhausted,
    /// It was ended by its starter or by a newer one.
    Canceled,
    /// A state that this client does not know.
    #[serde(other)]
    Unknown,
}

/// One attempt to prove a number, without the number.
#[derive(Debug, Clone, Deserialize)]
pub struct Verification {
    /// Its public name.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// What the code is like.
    pub code: CodeTerms,
    /// How and when the code can be sent again.
    #[serde(default)]
    pub channels: Vec<ChannelTerms>,
    /// What must be solved, one of them, before the awaited code is sent.
    #[serde(default)]
    pub challenges: Vec<Challenge>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The starter's secret, where a refusal is the first to say it.
    #[serde(default)]
    pub secret: Option<SecretString>,
}

impl Verification {
    /// From when on a code may be sent again by `channel`; none when it cannot be.
    #[must_use]
    pub fn sendable_from(&self, channel: Channel) -> Option<Timestamp> {
        self.channels.iter().find(|terms| terms.channel == channel)?.not_before
    }
}

/// What must be solved before a code is sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Challenge {
    /// Who set it, such as `altcha`.
    pub kind: String,
    /// The proof of work, as it must be sent back.
    #[serde(default)]
    pub challenge: Value,
}

/// What the code of a verification is like.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct CodeTerms {
    /// How many digits it has.
    pub length: u8,
    /// How many guesses are left.
    pub checks_left: u32,
}

/// When one channel can be used again.
#[derive(Debug, Clone, Deserialize)]
pub struct ChannelTerms {
    /// The channel.
    pub channel: Channel,
    /// From when on; none while it cannot be used.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
}

/// A verification that has begun, and the secret that every later call about it needs.
#[derive(Debug, Deserialize)]
pub struct Started {
    /// Its state.
    #[serde(flatten)]
    pub verification: Verification,
    /// The starter's secret.
    pub secret: SecretString,
}

/// The proof that a number was verified.
#[derive(Debug, Deserialize)]
pub struct Approved {
    /// What creates an account, once.
    pub grant: SecretString,
}

/// A new device of a new or known account.
#[derive(Debug, Deserialize)]
pub struct Registered {
    /// The account of the number.
    pub account_id: Uuid,
    /// This device.
    pub device_id: Uuid,
    /// What signs this device in.
    pub device_token: SecretString,
    /// Whether the account is new.
    pub created: bool,
}

/// The account of a device.
#[derive(Debug, Deserialize)]
pub struct Account {
    /// Its random name.
    pub account_id: Uuid,
    /// The number, masked.
    pub phone_number: String,
    /// Whether people who have the number find the account.
    pub discoverable: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One device of the account.
#[derive(Debug, Deserialize)]
pub struct Device {
    /// Its random name.
    pub device_id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// What it runs on.
    pub platform: Platform,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last asked for anything.
    #[serde(default)]
    pub last_seen_at: Option<Timestamp>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The life of one handle algorithm.
#[derive(Debug, Deserialize)]
pub struct Epoch {
    /// Its number.
    pub id: u32,
    /// The name of the algorithm.
    pub algorithm: String,
    /// What the algorithm needs.
    pub params: EpochParams,
}

/// What a handle algorithm needs.
#[derive(Debug, Deserialize)]
pub struct EpochParams {
    /// The key of `blake3-keyed-128`, in base64url; other algorithms need none.
    #[serde(default)]
    pub pepper: String,
}

/// A message of the development inbox. It holds a code: it has no `Debug`.
#[derive(Deserialize)]
pub struct InboxMessage {
    /// Its name, unlike that of any other message.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// What was sent.
    pub text: SecretString,
}

fn text_or_number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    serde_json::Value::deserialize(from).map(|id| id.to_string())
}
