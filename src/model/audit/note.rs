//! What a change says of itself.

use super::Action;
use crate::model::id::{AccountId, DeliveryId, DeviceId, VerificationId};
use crate::model::keys::NumberIndex;
use crate::model::number::PhoneNumber;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use utoipa::ToSchema;

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AuditOutcome)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was asked for and refused.
    Refused,
    /// It was tried and failed.
    Failed,
}

impl Outcome {
    /// The name in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Whose key seals what is personal in an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The person at a number.
    Number(NumberIndex),
    /// An admin, by the bytes of the random name.
    Admin([u8; 16]),
}

impl Owner {
    /// The bytes by which the key is found.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Number(index) => index.as_bytes(),
            Self::Admin(id) => id,
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(..)")
    }
}

/// What else an event is about, by a name that is no person's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditTarget)]
pub struct Target {
    /// Which one.
    pub id: String,
    /// What it is: `country`, `prefix`, `key`, `epoch`, `admin`, `api_token`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
}

/// A value that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditChange)]
pub struct Change {
    /// Which one.
    pub field: Cow<'static, str>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What is personal in an event: sealed at rest, and never shown by `Debug`. Members in alphabetical order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Private {
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// The number in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_id: Option<VerificationId>,
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private(..)")
    }
}

/// What a change says of itself, for one event of the log.
#[derive(Debug, Clone)]
pub struct Note {
    /// What was done.
    pub action: Action,
    /// What came of it.
    pub outcome: Outcome,
    /// Whom it is about.
    pub owner: Option<Owner>,
    /// Why: the name of a limit, or what an admin wrote.
    pub reason: Option<Cow<'static, str>>,
    /// The country of the number.
    pub country: Option<String>,
    /// How a code travels.
    pub channel: Option<&'static str>,
    /// Who delivers it.
    pub gateway: Option<String>,
    /// What it costs, in millionths.
    pub price: Option<i64>,
    /// What else it is about.
    pub targets: Vec<Target>,
    /// What was changed.
    pub changes: Vec<Change>,
    /// What is personal.
    pub private: Private,
}

impl Note {
    /// That something was done.
    #[must_use]
    pub fn new(action: Action) -> Self {
        Self {
            action,
            outcome: Outcome::Success,
            owner: None,
            reason: None,
            country: None,
            channel: None,
            gateway: None,
            price: None,
            targets: Vec::new(),
            changes: Vec::new(),
            private: Private::default(),
        }
    }

    /// About the person at a number.
    #[must_use]
    pub fn of_number(mut self, index: &NumberIndex) -> Self {
        self.owner = Some(Owner::Number(*index));
        self
    }

    /// With the whole number, sealed.
    #[must_use]
    pub fn number(mut self, number: &PhoneNumber) -> Self {
        self.private.number = Some(number.e164().to_owned());
        self
    }

    /// Of a verification.
    #[must_use]
    pub const fn verification(mut self, id: VerificationId) -> Self {
        self.private.verification_id = Some(id);
        self
    }

    /// Of an account.
    #[must_use]
    pub const fn account(mut self, id: AccountId) -> Self {
        self.private.account_id = Some(id);
        self
    }

    /// Of a device.
    #[must_use]
    pub const fn device(mut self, id: DeviceId) -> Self {
        self.private.device_id = Some(id);
        self
    }

    /// Of a message.
    #[must_use]
    pub const fn delivery(mut self, id: DeliveryId) -> Self {
        self.private.delivery_id = Some(id);
        self
    }

    /// That it was refused, and by what.
    #[must_use]
    pub fn refused(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.outcome = Outcome::Refused;
        self.because(reason)
    }

    /// That it failed.
    #[must_use]
    pub const fn failed(mut self) -> Self {
        self.outcome = Outcome::Failed;
        self
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Of a number of that country.
    #[must_use]
    pub fn country(mut self, country: Option<&str>) -> Self {
        self.country = country.filter(|country| !country.is_empty()).map(ToOwned::to_owned);
        self
    }

    /// By which way.
    #[must_use]
    pub const fn channel(mut self, channel: &'static str) -> Self {
        self.channel = Some(channel);
        self
    }

    /// About something that is no person.
    #[must_use]
    pub fn target(mut self, kind: &'static str, id: impl Into<String>) -> Self {
        self.targets.push(Target { id: id.into(), kind: kind.into() });
        self
    }

    /// A value that was changed.
    #[must_use]
    pub fn change(mut self, field: &'static str, from: Option<String>, to: Option<String>) -> Self {
        self.changes.push(Change { field: field.into(), from, to });
        self
    }
}
